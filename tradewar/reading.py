"""The checks between a user's table of flows and TradeData.

Every refusal is one DataError that names the first five offending rows and how many there are.
Doubts (transposed countries, codes of mixed length) are warnings.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tradewar.codes import is_hs
from tradewar.errors import DataError, DataWarning, first_five
from tradewar.frames import Keys, Table, blocks, first_rows
from tradewar.records import FILLED
from tradewar.schema import KEYS

if TYPE_CHECKING:
    from tradewar.data import TradeData

PERCENT_LOOK = 5.0  # a rate above this is taken for a percent
TOTALS = {"all", "all goods", "goods", "merchandise", "total", "total goods", "world"}
MANY_PRODUCTS = 3  # that many named products are taken for all goods


class Flows(NamedTuple):
    """Checked columns in the user's row order."""

    exporter: Keys
    importer: Keys
    product: Keys
    value: np.ndarray
    tariff: np.ndarray
    export_tax: np.ndarray | None = None
    flags: np.ndarray | None = None
    notes: tuple[str, ...] = ()


def flow_table(df: Any, columns: Mapping[str, str] | None) -> Table:
    """Find the columns of a frame of flows."""
    return Table(
        df,
        columns=columns,
        required=(*KEYS, "value"),
        optional=("tariff", "export_tax"),
        what="the frame of flows",
    )


def read_flows(table: Table, *, percent: bool, fill_tariff: float | None) -> Flows:
    """Read and check every column by itself."""
    column = table.source["product"]
    product = table.keys(
        "product",
        "An HS code loses its leading zero as a number: read the file with "
        f"dtype={{{column!r}: str}}, or pad: df[{column!r}].astype(str).str.zfill(6).",
    )
    exporter, importer = table.keys("exporter"), table.keys("importer")
    value = table.number("value")
    if not _all(value.min() >= 0 and value.max() < math.inf):
        for problem, bad in (
            ("value is NaN", np.isnan(value)),
            ("value is negative", value < 0),
            ("value is infinite", np.isinf(value)),
        ):
            _refuse(
                table, problem, bad, "Correct or drop those rows; 0 stands for no trade.", "value"
            )
    tariff, flags, notes = _read_tariff(table, percent, fill_tariff)
    export_tax = None
    if "export_tax" in table:
        export_tax = _read_rate(table, "export_tax", percent)
        _refuse(
            table,
            "export_tax is NaN",
            np.isnan(export_tax),
            "Give every row a rate, 0.0 where there is none.",
            "export_tax",
        )
        _check_rate(table, "export_tax", export_tax, percent)
    return Flows(exporter, importer, product, value, tariff, export_tax, flags, notes)


def _all(condition: Any) -> bool:
    """Tell whether a comparison holds; NaN fails."""
    return bool(condition)


def _refuse(table: Table, problem: str, bad: np.ndarray, cure: str, *names: str) -> None:
    """Raise for the rows marked in `bad`, if any, showing the keys and the named columns."""
    rows = np.flatnonzero(bad)
    if rows.size:
        raise table.error(problem, rows, cure, *KEYS, *names)


def _read_rate(table: Table, name: str, percent: bool) -> np.ndarray:
    rate = table.number(name)
    return rate / 100.0 if percent else rate


def _read_tariff(
    table: Table, percent: bool, fill: float | None
) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]:
    """Read the tariff; fill the gaps if the user said with what."""
    if fill is not None and not (isinstance(fill, int | float) and -1 < fill <= PERCENT_LOOK):
        raise DataError(f"fill_tariff={fill!r}: give a rate as a fraction, such as 0.0 or 0.025")
    cure = "Say fill_tariff=0.0 if missing means duty-free, or give the rates."
    if "tariff" not in table:
        if fill is None:
            raise DataError(
                f"{table.what} has no column 'tariff' for its {len(table)} rows; "
                f'name it with columns={{"theirs": "tariff"}}. {cure}'
            )
        note = f"tariff not given: {fill:g} for all {len(table):,} rows"
        everywhere = np.full(len(table), FILLED, dtype=np.uint8)
        return np.full(len(table), float(fill)), everywhere, (note,)
    rate = _read_rate(table, "tariff", percent)
    flags = None
    notes: tuple[str, ...] = ()
    missing = np.isnan(rate)
    n_missing = int(np.count_nonzero(missing))
    if n_missing:
        if fill is None:
            _refuse(table, "the tariff is missing", missing, cure, "tariff")
        rate = np.where(missing, float(fill or 0.0), rate)
        flags = np.where(missing, FILLED, 0).astype(np.uint8)
        notes = (f"tariff missing in {n_missing:,} of {len(table):,} rows: {fill:g} was filled in",)
    _check_rate(table, "tariff", rate, percent)
    return rate, flags, notes


def _check_rate(table: Table, name: str, rate: np.ndarray, percent: bool) -> None:
    """Refuse rates that cannot be, or that look like percents."""
    low, high = rate.min(), rate.max()
    if low <= -1 or high == math.inf:
        _refuse(
            table,
            f"{name} is <= -1 (-100 %) or infinite",
            (rate <= -1) | np.isinf(rate),
            "A rate must leave a positive price: 0.25 means 25 %.",
            name,
        )
    if not percent and high > PERCENT_LOOK:
        _refuse(
            table,
            f"{name} is above {PERCENT_LOOK:g} (500 %): a percent taken for a fraction?",
            rate > PERCENT_LOOK,
            "Say percent=True if the column is in percent (25 means 25 %); if such rates are "
            "meant, multiply the column by 100 and say percent=True.",
            name,
        )
    if percent and 0 < high <= 0.01:
        warnings.warn(
            f"percent=True, but no {name} is above 1 %: is the column in fractions already?",
            DataWarning,
            stacklevel=5,
        )


def merge_labels(*columns: Keys) -> tuple[list[str], list[np.ndarray]]:
    """Number the labels that are used in any of the columns, in sorted order.

    Returns
    -------
    labels : list of str
        Sorted union.
    codes : list of int32 arrays
        One for each column; the column's own codes where they need no change.
    """
    used: set[str] = set()
    for codes, names in columns:
        seen = np.zeros(len(names), dtype=bool)
        for block in blocks(len(codes)):
            seen[codes[block]] = True
        used.update(name for name, there in zip(names, seen, strict=True) if there)
    labels = sorted(used)
    place = {name: k for k, name in enumerate(labels)}
    out = []
    for codes, names in columns:
        table = np.array([place.get(name, -1) for name in names], dtype=np.int32)
        if codes.dtype == np.int32 and np.array_equal(table, np.arange(len(table))):
            out.append(np.ascontiguousarray(codes))  # numbered so already
            continue
        new = np.empty(len(codes), dtype=np.int32)
        for block in blocks(len(codes)):
            new[block] = table[codes[block]]
        out.append(new)
    return labels, out


def duplicate_error(
    table: Table | None,
    order: np.ndarray | None,
    codes: Sequence[np.ndarray],
    countries: Sequence[str],
    products: Sequence[str],
) -> DataError:
    """Make the error for keys that stand more than once; `codes` are in sorted order."""
    same = np.ones(len(codes[0]) - 1, dtype=bool)
    for code in codes:
        same &= code[1:] == code[:-1]
    cure = (
        "Each (exporter, importer, product) may stand once: add the values up and weight the "
        "tariffs by value first, or keep one year."
    )
    again = np.flatnonzero(same) + 1
    if table is not None:
        rows = np.sort(again if order is None else order[again])
        return table.error("exporter, importer, product stand in an earlier row too", rows, cure)
    named = [
        f"{countries[codes[0][k]]}->{countries[codes[1][k]]} {products[codes[2][k]]}"
        for k in again[:5]
    ]
    return DataError(f"{again.size} flows stand more than once ({first_five(named)}). {cure}")


def check_spending(data: TradeData, table: Table | None, order: np.ndarray | None) -> None:
    """Refuse a destination of a product whose flows are all zero."""
    if data._value.min() > 0:
        return
    slot = data._imp_slot
    some = np.zeros(len(data._layout.imp_code), dtype=bool)
    some[slot[data._value > 0]] = True
    empty = np.flatnonzero(~some)
    if not empty.size:
        return
    market = np.searchsorted(data._layout.imp_ptr, empty[:5], side="right") - 1
    named = [
        f"{data._countries[data._layout.imp_code[n]]} {data._products[m]}"
        for n, m in zip(empty, market, strict=False)
    ]
    problem = (
        f"{empty.size} destinations spend nothing on a product "
        f"({', '.join(named)}{', ...' if empty.size > 5 else ''})"
    )
    cure = "Drop the rows of these destinations: shares of zero spending are undefined."
    rows = np.flatnonzero(~some[slot])
    if table is None:
        flows = first_rows([data._flow_name(int(f)) for f in rows[:5]], rows.size)
        raise DataError(f"{problem}: {rows.size} flows, all zero\n{flows}\n{cure}")
    raise table.error(problem, np.sort(rows if order is None else order[rows]), cure)


def warn_looks(data: TradeData) -> None:
    """Warn of HS codes of mixed length and of exporter and importer that look transposed."""
    codes = [product for product in data._products if is_hs(product)]
    _warn_lengths(codes)
    countries = list(data._countries)
    if not {"CHN", "USA"} <= set(countries) or not _all_goods(list(data._products)):
        return
    everything = np.ones(len(data._products), dtype=bool)

    def total(exporter: str, importer: str) -> float:
        pair = np.zeros((len(countries), len(countries)), dtype=bool)
        pair[countries.index(exporter), countries.index(importer)] = True
        return float(data._value[data._find(pair, everything)].sum())

    out, back = total("CHN", "USA"), total("USA", "CHN")
    if 0 < out < back:
        warnings.warn(
            f"CHN->USA is {out:.6g} and USA->CHN {back:.6g} {data.value_unit} over "
            f"{len(data._products):,} products: are exporter and importer transposed? If so, "
            'swap them: columns={"importer": "exporter", "exporter": "importer"}',
            DataWarning,
            stacklevel=3,
        )


def _warn_lengths(codes: Sequence[str]) -> None:
    """Warn where HS codes overlap (85 beside 8504) or lost a leading zero (five digits)."""
    lengths: dict[int, str] = {}
    for code in codes:
        lengths.setdefault(len(code), code)
    odd = [code for digits, code in lengths.items() if digits in (5, 7, 9)]
    if len(lengths) < 2 and not odd:
        return
    shown = ", ".join(f"{n} digits ({code!r})" for n, code in sorted(lengths.items()))
    text = f"HS codes of {shown}"
    if odd:
        text += f": did {odd[0]!r} lose a leading zero? Pad with .str.zfill"
    else:
        text += ": codes of different length may count the same trade twice"
    warnings.warn(text, DataWarning, stacklevel=4)


def _all_goods(products: Sequence[str]) -> bool:
    """Guess whether products cover all goods: several HS chapters, sectors, or one total."""
    if all(is_hs(product) for product in products):
        return len({product[:2] for product in products}) > 1
    return len(products) >= MANY_PRODUCTS or any(p.lower() in TOTALS for p in products)
