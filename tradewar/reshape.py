"""New flows from old: merging labels, adding an estimated home good, moving the baseline.

These are the bodies of TradeData's methods; see the docstrings there.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tradewar.codes import GROUPS, hs_parent, is_hs, longest_prefix, suggest
from tradewar.errors import DataError, DataWarning, first_five
from tradewar.frames import Table
from tradewar.reading import check_spending
from tradewar.records import ESTIMATED, INTRA

if TYPE_CHECKING:
    from tradewar.data import TradeData


def aggregate(data: TradeData, *, countries: Any, products: Any) -> TradeData:
    """Merge countries or products; see `TradeData.aggregate`."""
    notes: list[str] = []
    country_of, names = merge_codes(countries, list(data._countries), "countries", notes)
    product_of, goods = merge_codes(products, list(data._products), "products", notes)
    exporter, importer = country_of[data._exporter], country_of[data._importer]
    product = product_of[data._product]
    key = (product.astype(np.int64) * len(names) + exporter) * len(names) + importer
    order = np.argsort(key, kind="stable")
    key = key[order]
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    value = data._value[order]
    total = np.add.reduceat(value, first)
    duty = np.add.reduceat(value * data._tariff[order], first)
    rows = np.diff(np.append(first, len(order)))
    single = rows == 1
    some = total > 0
    divisor = np.where(some, total, 1.0)

    def mean(weighted: np.ndarray, rate: np.ndarray) -> np.ndarray:
        plain = np.add.reduceat(rate[order], first) / rows
        # one row keeps its rate to the last bit
        return np.where(some & ~single, weighted, plain)

    export_tax = None
    if data._export_tax is not None:
        producer = np.add.reduceat(value / (1.0 + data._export_tax[order]), first)
        export_tax = mean(total / np.where(some, producer, 1.0) - 1.0, data._export_tax)
    merged_home = (exporter == importer) & (data._exporter != data._importer)
    flags = None
    if merged_home.any() or data._flags is not None:
        flags_in = np.zeros(len(data), np.uint8) if data._flags is None else data._flags
        flags_in = np.where(merged_home, flags_in | INTRA, flags_in).astype(np.uint8)
        flags = np.bitwise_or.reduceat(flags_in[order], first)
    n_intra = int(np.count_nonzero(merged_home))
    if n_intra:
        intra = float(data._value[merged_home].sum())
        notes.append(
            f"{n_intra:,} flows between merged countries ({intra:,.6g} {data.value_unit}) "
            "became home sales"
        )
        if not data.report.home_sales:
            warnings.warn(
                f"{n_intra:,} flows between merged countries became home sales, where the data had "
                "none: they are only part of home sales, and `demand` is now read as the "
                "elasticity of total demand. Drop them with subset first, or add with_home after.",
                DataWarning,
                stacklevel=3,
            )
    meta = {**_meta(data), "notes": (*data.notes, *notes)}
    return type(data)._from_arrays(
        exporter=exporter[order[first]],
        importer=importer[order[first]],
        product=product[order[first]],
        value=total,
        tariff=mean(duty / divisor, data._tariff),
        export_tax=export_tax,
        flags=flags,
        countries=names,
        products=goods,
        **meta,
    )


def _meta(data: TradeData) -> dict[str, Any]:
    meta = data._meta
    return {name: getattr(meta, name) for name in type(meta).__dataclass_fields__}


def merge_codes(
    given: Any, labels: list[str], what: str, notes: list[str]
) -> tuple[np.ndarray, list[str]]:
    """Turn a mapping into new codes for each label, and the new labels (sorted)."""
    if given is None:
        new = labels
    elif what == "products" and isinstance(given, int) and not isinstance(given, bool):
        short = [label for label in labels if not is_hs(label) or len(label) < given]
        if short or given < 1:
            raise DataError(
                f"products={given}: {len(short)} products are no HS codes of at least {given} "
                f"digits ({first_five(short)})"
            )
        new = [hs_parent(label, given) for label in labels]
        notes.append(f"products merged by the first {given} digits: {len(set(new)):,} remain")
    else:
        if what == "countries" and isinstance(given, str):
            given = _group_mapping(given, labels)
        if isinstance(given, pd.Series):
            given = given.to_dict()
        if not isinstance(given, Mapping):
            raise DataError(
                f"{what}={given!r}: give a mapping or Series of label -> new label"
                + (", or a number of digits" if what == "products" else ", or a group")
            )
        bad = [f"{k!r}: {v!r}" for k, v in given.items() if not isinstance(v, str) or not v.strip()]
        if bad:
            raise DataError(
                f"{what}= maps {len(bad)} labels to something other than a label "
                f"({first_five(bad)}): give strings"
            )
        unknown = [key for key in given if key not in set(labels)]
        if len(unknown) == len(given):
            hint = suggest(str(unknown[0]), labels) if unknown else ""
            raise DataError(f"{what}= names no label of the data ({first_five(unknown)}){hint}")
        if unknown:
            notes.append(
                f"{what}: {len(unknown)} labels of the mapping are not in the data "
                f"({first_five(unknown)})"
            )
        new = [given.get(label, label) for label in labels]
        merged = len(labels) - len(set(new))
        notes.append(f"{what} merged: {len(labels):,} became {len(labels) - merged:,}")
    names = sorted(set(new))
    place = {name: k for k, name in enumerate(names)}
    return np.array([place[name] for name in new], dtype=np.int32), names


def _group_mapping(name: str, labels: list[str]) -> dict[str, str]:
    """Map the members of a group to its usual label."""
    group = GROUPS.get(name)
    if group is None:
        raise DataError(f"countries={name!r} is no group{suggest(name, GROUPS)}")
    wanted = "EU27" if name == "EU" else name
    found = {label: wanted for label in labels if label in group.members | group.aggregates}
    if not found:
        raise DataError(f"countries={name!r}: no member of the group is in the data")
    return found


def with_home(data: TradeData, *, share: Any) -> TradeData:
    """Add an estimated home good; see `TradeData.with_home`."""
    if data.report.home_sales:
        raise DataError(
            f"the data has {data.report.home_rows:,} rows of home sales already; with_home adds "
            "them only where there are none"
        )
    layout = data._layout
    market = np.repeat(np.arange(len(data._products)), np.diff(layout.imp_ptr))
    names = np.asarray(data._countries, dtype=object)
    goods = np.asarray(data._products, dtype=object)
    importers, products = names[layout.imp_code], goods[market]
    s = _home_share(share, data, importers, products)
    bad = np.flatnonzero(~((s >= 0) & (s < 1)))
    if bad.size:
        shown = [f"{importers[k]} {products[k]}: {s[k]:g}" for k in bad[:5]]
        raise DataError(
            f"{bad.size} destinations have no home share in [0, 1) "
            f"({', '.join(shown)}{', ...' if bad.size > 5 else ''}): give share= for each"
        )
    spending = np.bincount(
        data._imp_slot, weights=data._value * (1.0 + data._tariff), minlength=len(s)
    )
    home = s / (1.0 - s) * spending
    add = np.flatnonzero(home > 0)
    flags = np.zeros(len(data), np.uint8) if data._flags is None else data._flags

    def join(old: np.ndarray | None, new: Any) -> np.ndarray | None:
        return None if old is None else np.concatenate([old, np.broadcast_to(new, add.shape)])

    note = (
        f"home sales estimated for {add.size:,} destinations from shares of "
        f"{s[add].min() if add.size else 0:.3g} to {s[add].max() if add.size else 0:.3g} of "
        "spending: demand is now the elasticity of total demand"
    )
    meta = {**_meta(data), "notes": (*data.notes, note)}
    return type(data)._from_arrays(
        exporter=np.concatenate([data._exporter, layout.imp_code[add]]),
        importer=np.concatenate([data._importer, layout.imp_code[add]]),
        product=np.concatenate([data._product, market[add].astype(np.int32)]),
        value=np.concatenate([data._value, home[add]]),
        tariff=np.concatenate([data._tariff, np.zeros(add.size)]),
        export_tax=join(data._export_tax, 0.0),
        flags=np.concatenate([flags, np.full(add.size, ESTIMATED, np.uint8)]),
        countries=list(data._countries),
        products=list(data._products),
        **meta,
    )


def _home_share(
    share: Any, data: TradeData, importers: np.ndarray, products: np.ndarray
) -> np.ndarray:
    """Find the home share of each destination; NaN where there is none."""
    if isinstance(share, int | float):
        return np.full(len(importers), float(share))
    if isinstance(share, pd.Series):
        if share.index.has_duplicates:
            raise DataError("share: the index of the Series has duplicates")
        keys = [str(key) for key in share.index]
        numbers = share.to_numpy(dtype=np.float64)
        by_country = len(set(keys) & set(data._countries))
        by_product = longest_prefix(data._products, keys)
        if by_country >= sum(k >= 0 for k in by_product):
            place = {key: k for k, key in enumerate(keys)}
            found = np.array([place.get(label, -1) for label in importers])
        else:
            of = dict(zip(data._products, by_product, strict=True))
            found = np.array([of[label] for label in products])
        return np.where(found >= 0, numbers[found], np.nan)
    table = Table(
        share, required=("share",), optional=("importer", "product"), what="the frame of shares"
    )
    given = [name for name in ("importer", "product") if name in table]
    if not given:
        raise DataError("share: the frame needs a column importer or product")
    frame = pd.DataFrame({"share": table.number("share")})
    for name in given:
        codes, labels = table.keys(name)
        frame[name] = np.asarray(labels, dtype=object)[codes]
    twice = frame.duplicated(given)
    if twice.any():
        raise table.error("keys stand in an earlier row too", np.flatnonzero(twice), "Keep one.")
    wanted = pd.DataFrame({"importer": importers, "product": products})
    return wanted.merge(frame, on=given, how="left")["share"].to_numpy(dtype=np.float64)


def rebase(data: TradeData, result: Any) -> TradeData:
    """Make an outcome the baseline; see `TradeData.rebase`."""
    value = np.array(result._value_new, dtype=np.float64)
    if value.shape != data._value.shape or not _same_flows(data, result.data):
        raise DataError("rebase: the result was solved from other data than this")
    bad = np.flatnonzero(~np.isfinite(value))
    if bad.size:
        named = ", ".join(data._flow_name(int(flow)) for flow in bad[:5])
        raise DataError(
            f"rebase: {bad.size} flows have no value in the result ({named}"
            f"{', ...' if bad.size > 5 else ''}): their markets failed; leave these products out "
            "with subset before solving"
        )
    cost = getattr(getattr(result, "wedges", None), "cost", None)
    if cost is not None and (cost[value > 0.0] != 1.0).any():
        raise DataError(
            "rebase: the result has changed trade costs, and flows have no column for them: value "
            "and tariff alone would misstate what buyers spend; solve the changes together"
        )
    settled = getattr(result, "settled", None)
    if settled is not None and settled.rows.size:
        raise DataError(
            "rebase: quantity controls bind in the result, and flows do not carry their premium: "
            "solve the other changes together with the controls"
        )
    tax = result._export_tax_new
    name = getattr(getattr(result, "scenario", None), "name", "")
    note = f"baseline: outcome of scenario {name!r}" if name else "baseline: outcome of a run"
    new = data._with(
        value=value,
        tariff=np.array(result._tariff_new, dtype=np.float64),
        export_tax=None if tax is None else np.array(tax, dtype=np.float64),
        meta=replace(
            data._meta,
            notes=(*data.notes, note),
            tariff_date=f"after {name}" if name else data.tariff_date,
        ),
    )
    check_spending(new, None, None)
    return new


def _same_flows(a: TradeData, b: Any) -> bool:
    if a is b or a._layout is b._layout:
        return True
    return bool(
        a._countries.equals(b._countries)
        and a._products.equals(b._products)
        and all(np.array_equal(x, y) for x, y in zip(a._layout, b._layout, strict=True))
    )
