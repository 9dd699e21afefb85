"""Elasticities: named sets with their sources, and how every flow finds its value.

A named set knows what it was estimated on and what to distrust.  Where it is by HS code, a product
without a value of its own takes that of its HS4, HS3 or HS2 heading (the median of the finer values
where the set has none), then the median of all; the result's card counts the flows of each level.
What a user gives, a number, Series or frame, is taken as it is: a flow without a value is an error.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from tradewar.codes import is_hs
from tradewar.data import TradeData
from tradewar.elasticity_sets import (
    PARAMETERS,
    SETS,
    ElasticitySet,
    get_set,
    list_sets,
    winsorize,
)
from tradewar.errors import DataError
from tradewar.frames import Table

__all__ = ["ElasticitySet", "Resolved", "get_set", "list_sets", "resolve", "winsorize"]

LEVELS = (("HS6", 6), ("HS4", 4), ("HS3", 3), ("HS2", 2))


@dataclass(frozen=True, slots=True)
class Resolved:
    """One elasticity for every destination or origin of every product.

    Attributes
    ----------
    values : float64 array, shape (NI,), or (NE,) for supply
        Pure numbers, aligned with the data's layout.
    label : str
        What was given, for the card.
    source : str
        Where it comes from; empty for what the user gave.
    levels : mapping of level -> number of flows
        How precisely flows were matched ("HS6" ... "default"); one entry where all the same way.
    unused : int
        Rows given that no flow uses.
    winsorised : int
        Values of the set that were moved to its bounds.
    """

    values: np.ndarray
    label: str
    source: str = ""
    levels: Mapping[str, int] = field(default_factory=dict)
    unused: int = 0
    winsorised: int = 0


# ---- how flows find their value ---------------------------------------------------------------


def resolve(
    data: TradeData, param: str, spec: Any, *, touched_products: int | None = None
) -> Resolved:
    """Find the elasticity of every destination (supply: origin) of every product.

    Parameters
    ----------
    data : TradeData
    param : {"substitution", "demand", "supply", "home_substitution"}
    spec : float, str, Series, frame or None
        A number; the name of a set; a Series by product or HS prefix, the longest prefix first; a
        frame with key columns (importer and/or product; supply: exporter and/or product) and a
        column named `param`; None: the data's default set.
    touched_products : int, optional
        Products that the scenario touches; some sets know a demand for one product.

    Returns
    -------
    Resolved

    Raises
    ------
    DataError
        No default exists, a flow finds no value, or a value is not positive (supply: negative or
        NaN); names the first five.
    """
    if spec is None:
        spec = data.default_elasticities
        if spec is None:
            raise DataError(_no_default(param))
    if isinstance(spec, str):
        found = _resolve_set(data, param, get_set(spec), touched_products)
    elif isinstance(spec, int | float | np.number) and not isinstance(spec, bool):
        found = Resolved(_spread(data, param, float(spec)), f"{float(spec):g}")
    elif isinstance(spec, pd.Series):
        found = _resolve_series(data, param, spec)
    else:
        found = _resolve_frame(data, param, spec)
    _check_values(data, param, found)
    found.values.flags.writeable = False
    return found


def _no_default(param: str) -> str:
    return (
        f"{param}= has no default for a frame of your own: give substitution=, demand= and "
        "supply=, each a positive number, the name of a set "
        f"({', '.join(SETS)}), a Series by product or HS prefix, or a frame with key columns. "
        'For imports of one country: substitution="us_2018_19", demand="us_2018_19", supply=inf '
        'or 25; with home sales: substitution="world", demand=1.0, supply=2.0'
    )


def _slots(data: TradeData, param: str) -> tuple[np.ndarray, np.ndarray]:
    """Give the first slot of each market and the country of each slot."""
    layout = data._layout
    if param == "supply":
        return layout.exp_ptr, layout.exp_code
    return layout.imp_ptr, layout.imp_code


def _spread(data: TradeData, param: str, value: float | np.ndarray) -> np.ndarray:
    """Repeat one value, or one for each market, over the slots."""
    ptr, country = _slots(data, param)
    if isinstance(value, float):
        return np.full(len(country), value)
    return np.repeat(value, np.diff(ptr))


def _flows_per_slot(data: TradeData, param: str) -> np.ndarray:
    if param == "supply":
        return np.diff(data._layout.row_ptr)
    return np.bincount(data._imp_slot, minlength=len(data._layout.imp_code))


def _resolve_set(
    data: TradeData, param: str, given: ElasticitySet, touched_products: int | None
) -> Resolved:
    value = getattr(given, param)
    if value is None:
        has = [p for p in PARAMETERS if getattr(given, p) is not None]
        raise DataError(
            f"{param}={given.name!r}: this set holds {' and '.join(has)} only; give {param}= a "
            "number or another set"
        )
    label = f"{given.describe(param)} (set {given.name})"
    if param == "demand" and given.demand_one_product is not None:
        one = touched_products == 1
        value = given.demand_one_product if one else value
        label = f"{value:g} (set {given.name}, {'one product' if one else 'broad shock'})"
    if not isinstance(value, pd.Series):
        return Resolved(_spread(data, param, float(value)), label, given.source)
    numbers, level, names = _set_values(given.name, param, tuple(data._products.tolist()))
    flows = np.bincount(level, np.diff(data._layout.market_ptr), len(names)).astype(np.int64)
    counts = {name: int(n) for name, n in zip(names, flows, strict=True) if n}
    return Resolved(_spread(data, param, numbers), label, given.source, counts, 0, given.winsorised)


@functools.lru_cache(maxsize=16)
def _set_values(
    name: str, param: str, products: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Find each product's value in a named set; kept, as cases are solved by the dozen."""
    given = get_set(name)
    find = _sector_values if given.scheme == "ICIO" else _hs_values
    numbers, level, names = find(products, getattr(given, param), f"{param}={name!r}")
    numbers.flags.writeable = level.flags.writeable = False
    return numbers, level, names


def _hs_values(
    products: Sequence[str], values: pd.Series, what: str
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Find each HS product's value: its own, its heading's, the heading's median, the median."""
    other = [product for product in products if not is_hs(product)]
    if other:
        raise _no_code(what, "HS code", other)
    longest = values.index.str.len().max()
    finest = values[values.index.str.len() == longest]
    names = [*(name for name, _ in LEVELS), "default"]
    codes = pd.Index(products, dtype=str)
    length = codes.str.len().to_numpy()
    numbers, level = np.full(len(products), finest.median()), np.full(len(products), len(LEVELS))
    for rank, (_, n) in enumerate(LEVELS):
        heading = codes.str[:n]
        found = values.reindex(heading).to_numpy(dtype=np.float64)
        if n < longest:
            median = finest.groupby(finest.index.str[:n]).median().reindex(heading)
            found = np.where(np.isnan(found), median.to_numpy(dtype=np.float64), found)
        hit = (level == len(LEVELS)) & (length >= n) & ~np.isnan(found)
        numbers[hit], level[hit] = found[hit], rank
    return numbers, level, names


def _sector_values(
    products: Sequence[str], values: pd.Series, what: str
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Find each ICIO sector's value by its letter (A agriculture, B mining, C manufacturing)."""
    other = [p for p in products if not (p[0] in values.index and is_hs(p[1:2]))]
    if other:
        raise _no_code(what, "ICIO goods sector such as C26", other)
    names = [f"sector {letter}" for letter in values.index]
    level = np.array([values.index.get_loc(product[0]) for product in products])
    return values.to_numpy(np.float64)[level], level, names


def _no_code(what: str, kind: str, products: Sequence[str]) -> DataError:
    shown = ", ".join(repr(product) for product in products[:5])
    return DataError(
        f"{what}: {len(products)} products are no {kind} ({shown}"
        f"{', ...' if len(products) > 5 else ''}); give a number, Series or frame for them"
    )


def _resolve_series(data: TradeData, param: str, given: pd.Series) -> Resolved:
    """Look up a Series by product or HS prefix."""
    labels = given.index
    if isinstance(labels, pd.MultiIndex) or not all(isinstance(key, str) for key in labels):
        raise DataError(
            f"{param}= is a Series whose index holds {labels.dtype} and not strings: the index is "
            "products or HS prefixes, zero-padded; with countries give a frame with key columns"
        )
    twice = sorted(set(labels[labels.duplicated()]))
    if twice:
        shown = ", ".join(repr(key) for key in twice[:5])
        raise DataError(
            f"{param}=: {len(twice)} labels stand more than once in the index ({shown})"
        )
    numbers = pd.to_numeric(given).to_numpy(dtype=np.float64)
    keys = (None, np.arange(len(given)))
    return _look_up(data, param, keys, (list(labels), numbers), "a Series by product")


def _resolve_frame(data: TradeData, param: str, given: Any) -> Resolved:
    """Look up a frame with key columns."""
    side = "exporter" if param == "supply" else "importer"
    other = "importer" if param == "supply" else "exporter"
    table = Table(
        given,
        required=(param,),
        optional=(side, "product"),
        what=f"the frame given as {param}=",
    )
    if other in table.frame.columns:
        raise DataError(f"{table.what} has a column {other!r}: {param} is by {side} and/or product")
    names = [name for name in (side, "product") if name in table]
    if not names:
        raise DataError(f"{table.what} has no key column: give {side} and/or product")
    numbers = table.number(param)
    keys = {name: table.keys(name) for name in names}
    country = None
    if side in keys:
        place = {label: k for k, label in enumerate(data._countries)}
        known = np.array([place.get(label, -1) for label in keys[side].labels], dtype=np.int64)
        country = known[keys[side].codes]
    product = None
    labels: list[str] = []
    if "product" in keys:
        product, labels = keys["product"].codes.astype(np.int64), keys["product"].labels
    both = pd.DataFrame({name: keys[name].codes for name in names})
    twice = np.flatnonzero(both.duplicated())
    if twice.size:
        raise table.error("the key stands in an earlier row too", twice, "Keep one row of each.")
    label = f"a frame by {' and '.join(names)}"
    return _look_up(data, param, (country, product), (labels, numbers), label)


def _look_up(
    data: TradeData,
    param: str,
    keys: tuple[np.ndarray | None, np.ndarray | None],
    given: tuple[list[str], np.ndarray],
    label: str,
) -> Resolved:
    """Find the row for each slot: same country, longest product prefix.

    Parameters
    ----------
    keys : (country, product)
        For each row its country (-1: not in the data) and its product label; None: no such key.
    given : (labels, numbers)
        Product labels, and the value of each row.
    """
    row_country, row_product = keys
    labels, numbers = given
    ptr, slot_country = _slots(data, param)
    market = np.repeat(np.arange(len(data._products)), np.diff(ptr))
    width = max(len(labels), 1)
    row_key = np.zeros(len(numbers), dtype=np.int64)
    if row_country is not None:
        row_key += row_country * width
    if row_product is not None:
        row_key += row_product
    order = np.argsort(row_key, kind="stable")
    ordered = row_key[order]
    found = np.full(len(slot_country), -1, dtype=np.int64)
    level = np.zeros(len(slot_country), dtype=np.int64)
    prefixes = [("all", np.zeros(len(data._products), dtype=np.int64))]
    if row_product is not None:
        prefixes = _prefix_levels(data._products.tolist(), labels)
    for rank, (_, label_of) in enumerate(prefixes):
        wanted = label_of[market]
        key = wanted if row_country is None else wanted + slot_country * np.int64(width)
        at = np.minimum(np.searchsorted(ordered, key), len(ordered) - 1)
        hit = (found < 0) & (wanted >= 0) & (ordered[at] == key)
        found[hit], level[hit] = order[at[hit]], rank
    missing = np.flatnonzero(found < 0)
    if missing.size:
        raise DataError(
            f"{label} given as {param}= has no value for {_named(data, param, missing)}; every "
            "flow must find one: add rows, or a shorter HS prefix"
        )
    counts: dict[str, int] = {}
    if len(prefixes) > 1:
        flows = np.bincount(level, _flows_per_slot(data, param), len(prefixes))
        counts = {name: int(n) for (name, _), n in zip(prefixes, flows, strict=True) if n}
    unused = len(numbers) - len(np.unique(found))
    return Resolved(numbers[found], label, "", counts, unused, 0)


def _prefix_levels(products: Sequence[str], labels: Sequence[str]) -> list[tuple[str, np.ndarray]]:
    """Give, longest first, the label that each product is or begins with, or -1."""
    place = {label: k for k, label in enumerate(labels)}
    lengths = sorted({len(label) for label in labels if is_hs(label)}, reverse=True)
    names = [("product", [product if not is_hs(product) else "" for product in products])]
    for n in lengths:
        long_enough = [
            product if is_hs(product) and len(product) >= n else "" for product in products
        ]
        names.append((f"HS{n}", [product[:n] for product in long_enough]))
    return [
        (name, np.array([place.get(code, -1) for code in codes], dtype=np.int64))
        for name, codes in names
    ]


def _named(data: TradeData, param: str, slots: np.ndarray) -> str:
    """Name the first five slots and count the rest."""
    ptr, country = _slots(data, param)
    market = np.searchsorted(ptr, slots[:5], side="right") - 1
    shown = [
        f"{data._countries[country[slot]]} {data._products[m]}"
        for slot, m in zip(slots, market, strict=False)
    ]
    kind = "exporter" if param == "supply" else "importer"
    more = ", ..." if slots.size > 5 else ""
    return f"{slots.size} pairs of {kind} and product ({', '.join(shown)}{more})"


def _check_values(data: TradeData, param: str, found: Resolved) -> None:
    """Refuse values that are not positive and finite; supply may be 0 or infinite."""
    values = found.values
    if param == "supply":
        good, wanted = values >= 0, ">= 0 (inf: price given; 0: quantity given)"
    else:
        good, wanted = (values > 0) & np.isfinite(values), "> 0 and finite"
    bad = np.flatnonzero(~good)
    if not bad.size:
        return
    shown = ", ".join(f"{values[slot]:g}" for slot in bad[:5])
    raise DataError(
        f"{param} must be {wanted}, as a magnitude: {found.label} gives {shown}"
        f"{', ...' if bad.size > 5 else ''} for {_named(data, param, bad)}"
    )
