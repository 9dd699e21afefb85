"""Read the tables of a world: long frames or arrays to arrays in the order of sorted labels.

Frames carry their labels; arrays stand in the order of `countries=` and `products=`.  Every refusal
names the first five offending rows or cells and how many there are.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from tradewar import reading
from tradewar.codes import suggest
from tradewar.errors import DataError, first_five
from tradewar.frames import Table

__all__ = ["Axes", "Flows", "Shares", "named", "read_deficit", "read_final"]
__all__ += ["read_flows", "read_shares"]

DEFICIT_SUM = 1e-5  # of the largest deficit: supplied deficits sum to zero within this
SHARE_SUM = 1e-5  # tables whose columns sum to one within this are shares
MEDIAN_LOOK = 1.0  # a median rate above it is a percent
SHARE_LOOK = 1e-3  # most columns that near to one: shares were meant
_AXIS = {"country": 0, "importer": 0, "exporter": 0, "product": 1, "input": 1, "user": 1}


@dataclass(frozen=True)
class Axes:
    """The labels of a world, sorted, and the order in which the user's arrays stand.

    Attributes
    ----------
    countries, products : tuple of str
        Sorted.
    order : pair of int arrays or None
        For countries and products: where each sorted label stands in the user's arrays; None
        where no order was given, so that arrays along that axis cannot be read.
    """

    countries: tuple[str, ...]
    products: tuple[str, ...]
    order: tuple[np.ndarray | None, np.ndarray | None]
    notes: list[str] = field(default_factory=list)

    def labels(self, axis: str) -> tuple[str, ...]:
        """Give the labels of an axis by its column name."""
        return (self.countries, self.products)[_AXIS[axis]]

    def array(self, given: Any, name: str, axes: Sequence[str]) -> np.ndarray:
        """Put an array into the order of the labels; always a copy."""
        try:
            array = np.asarray(given, dtype=np.float64)
        except (TypeError, ValueError):
            raise DataError(f"{name}: the array does not hold numbers") from None
        shape = tuple(len(self.labels(axis)) for axis in axes)
        if array.shape != shape:
            listed = ", ".join(f"{n} ({axis})" for axis, n in zip(axes, shape, strict=True))
            raise DataError(f"{name} has shape {array.shape}; wanted [{listed}]")
        index = []
        for axis in axes:
            order = self.order[_AXIS[axis]]
            if order is None:
                kind = ("countries", "products")[_AXIS[axis]]
                raise DataError(
                    f"{name} is an array without labels beside a frame of flows: say {kind}=[...] "
                    "in the order of the array, or give labels (a Series or a long frame)"
                )
            index.append(order)
        array = np.ascontiguousarray(array[np.ix_(*index)])
        bad = ~np.isfinite(array)
        if bad.any():
            raise DataError(
                f"{name}: {np.count_nonzero(bad)} cells are NaN or infinite "
                f"({named(bad, [self.labels(axis) for axis in axes])}); 0 stands for nothing"
            )
        return array

    def frame(
        self, df: Any, name: str, axes: Sequence[str], value: str, empty: float
    ) -> np.ndarray:
        """Spread a long frame over an array; cells without a row are `empty`."""
        table = Table(df, required=(*axes, value), what=f"the frame {name}")
        codes = []
        for axis in axes:
            keys, names = table.keys(axis)
            labels = self.labels(axis)
            place = {label: k for k, label in enumerate(labels)}
            code = np.array([place.get(n, -1) for n in names], dtype=np.int64)[keys]
            if (code < 0).any():
                rows = np.flatnonzero(code < 0)
                unknown = names[int(keys[rows[0]])]
                raise table.error(
                    f"column {axis!r} has labels that trade does not have"
                    f"{suggest(unknown, labels)}",
                    rows,
                    "Rename or drop those rows.",
                    *axes,
                )
            codes.append(code)
        number = table.number(value)
        bad = np.flatnonzero(~np.isfinite(number))
        if bad.size:
            raise table.error(f"{value} is NaN or infinite", bad, "0 stands for nothing.")
        shape = tuple(len(self.labels(axis)) for axis in axes)
        flat = np.ravel_multi_index(tuple(codes), shape)
        _refuse_twice(table, flat, axes)
        array = np.full(shape, empty)
        array.ravel()[flat] = number
        return array

    def table(
        self, given: Any, name: str, axes: Sequence[str], value: str = "value", empty: float = 0.0
    ) -> np.ndarray:
        """Read an array or a long frame."""
        if isinstance(given, np.ndarray | list | tuple):
            return self.array(given, name, axes)
        return self.frame(given, name, axes, value, empty)

    def line(self, given: Any, name: str, axis: str) -> np.ndarray:
        """Read one number for each country or product: scalar, array, Series or mapping."""
        labels = self.labels(axis)
        if isinstance(given, numbers.Real) and not isinstance(given, bool):
            out = np.full(len(labels), float(given))
        elif isinstance(given, pd.Series | Mapping):
            out = self._labelled(pd.Series(given), name, axis)
        elif isinstance(given, np.ndarray | list | tuple):
            return self.array(given, name, (axis,))
        else:
            raise DataError(
                f"{name} is a {type(given).__name__}: give a number, a Series or mapping by "
                f"{axis}, or an array"
            )
        bad = np.flatnonzero(~np.isfinite(out))
        if bad.size:
            where = first_five([labels[k] for k in bad])
            raise DataError(f"{name} has no finite value for {bad.size} labels ({where})")
        return out

    def _labelled(self, series: pd.Series, name: str, axis: str) -> np.ndarray:
        labels = self.labels(axis)
        if series.index.has_duplicates:
            twice = series.index[series.index.duplicated()].unique()
            raise DataError(f"{name}: labels stand twice ({first_five(list(twice))})")
        missing = [label for label in labels if label not in series.index]
        if missing:
            hint = suggest(missing[0], [str(key) for key in series.index])
            raise DataError(
                f"{name} has no value for {len(missing)} labels ({first_five(missing)}){hint}"
            )
        other = len(series) - len(labels)
        if other:
            known = set(labels)
            extra = [key for key in series.index if key not in known]
            self.notes.append(f"{name}: {other} labels are not in trade ({first_five(extra)})")
        try:
            return series.loc[list(labels)].to_numpy(dtype=np.float64)
        except (TypeError, ValueError):
            raise DataError(f"{name} does not hold numbers") from None


@dataclass(frozen=True)
class Flows:
    """Trade and its taxes, [importer, exporter, product]."""

    axes: Axes
    trade: np.ndarray
    tariff: np.ndarray
    export_tax: np.ndarray | None


def named(bad: np.ndarray, labels: Sequence[Sequence[str]]) -> str:
    """Write the labels of the first five marked cells, and how many there are."""
    cells = np.argwhere(bad)
    shown = [
        " ".join(names[k] for names, k in zip(labels, cell, strict=True)) for cell in cells[:5]
    ]
    return ", ".join(shown) + (f", ... ({len(cells)} in all)" if len(cells) > 5 else "")


def _refuse_twice(table: Table, flat: np.ndarray, axes: Sequence[str]) -> None:
    """Refuse keys that stand in an earlier row too."""
    _, first = np.unique(flat, return_index=True)
    if first.size < flat.size:
        again = np.ones(flat.size, dtype=bool)
        again[first] = False
        raise table.error(
            f"{', '.join(axes)} stand in an earlier row too",
            np.flatnonzero(again),
            "Add the values up first.",
            *axes,
        )


def read_flows(
    trade: Any,
    tariff: Any,
    export_tax: Any,
    *,
    countries: Any,
    products: Any,
    columns: Mapping[str, str] | None,
    percent: bool,
    fill_tariff: float | None,
) -> Flows:
    """Read trade, from a long frame or an array, with tariffs and export taxes."""
    countries, products = _given(countries, "countries"), _given(products, "products")
    if isinstance(trade, np.ndarray | list | tuple):
        if columns is not None:
            raise DataError("columns= renames the columns of a frame; trade is an array")
        axes, array = _array_of_flows(trade, countries, products)
        taxes: dict[str, np.ndarray | None] = {"tariff": None, "export_tax": None}
    else:
        axes, array, taxes = _frame_of_flows(
            trade, countries, products, columns, percent, fill_tariff, tariff is not None
        )
    _refuse_idle(axes, array)
    rates = {}
    for name, given in (("tariff", tariff), ("export_tax", export_tax)):
        rate = taxes[name]
        if given is not None:
            if rate is not None:
                raise DataError(
                    f"{name} is given twice: as a column of the frame and as {name}=; drop one"
                )
            rate = _rate(given, name, axes, percent, array)
        rates[name] = rate
    duty, tax = rates["tariff"], rates["export_tax"]
    if duty is None:
        axes.notes.append("no tariffs were given: all are 0")
        duty = np.zeros_like(array)
    duty[array == 0.0] = 0.0
    if tax is not None:
        tax[array == 0.0] = 0.0
        tax = tax if tax.any() else None
    return Flows(axes, array, duty, tax)


def _given(labels: Any, what: str) -> list[str] | None:
    """Check the labels given for an axis."""
    if labels is None:
        return None
    if isinstance(labels, str):
        raise DataError(f"{what}={labels!r}: give a list of labels")
    found = [str(x) if isinstance(x, np.str_) else x for x in labels]
    bad = [x for x in found if not isinstance(x, str) or not x.strip()]
    if bad:
        raise DataError(f"{what}: {len(bad)} labels are no strings ({first_five(bad)})")
    twice = sorted({x for x in found if found.count(x) > 1})
    if twice:
        raise DataError(f"{what}: labels stand twice ({first_five(twice)})")
    return found


def _order(sorted_labels: Sequence[str], given: Sequence[str] | None) -> np.ndarray | None:
    if given is None:
        return None
    place = {label: k for k, label in enumerate(given)}
    return np.array([place[label] for label in sorted_labels], dtype=np.int64)


def _array_of_flows(
    trade: Any, countries: list[str] | None, products: list[str] | None
) -> tuple[Axes, np.ndarray]:
    try:
        raw = np.asarray(trade, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError("trade: the array does not hold numbers") from None
    if raw.ndim == 2:
        raw = raw[:, :, None]
    if raw.ndim != 3 or raw.shape[0] != raw.shape[1] or raw.size == 0:
        raise DataError(f"trade has shape {raw.shape}; wanted [importer, exporter, product]")
    lists = []
    for given, letter, size, what in (
        (countries, "C", raw.shape[0], "countries"),
        (products, "S", raw.shape[2], "products"),
    ):
        width = len(str(size))
        names = [f"{letter}{k:0{width}d}" for k in range(1, size + 1)] if given is None else given
        if len(names) != size:
            raise DataError(f"{what} names {len(names)} labels; trade has {size}")
        lists.append(names)
    sorted_ = [tuple(sorted(names)) for names in lists]
    axes = Axes(
        sorted_[0], sorted_[1], (_order(sorted_[0], lists[0]), _order(sorted_[1], lists[1]))
    )
    array = axes.array(raw, "trade", ("importer", "exporter", "product"))
    if (array < 0).any():
        cells = named(array < 0, (axes.countries, axes.countries, axes.products))
        raise DataError(
            f"trade: {np.count_nonzero(array < 0)} flows are negative (importer exporter product: "
            f"{cells}); 0 stands for no trade"
        )
    return axes, array


def _frame_of_flows(
    df: Any,
    countries: list[str] | None,
    products: list[str] | None,
    columns: Mapping[str, str] | None,
    percent: bool,
    fill_tariff: float | None,
    tariff_elsewhere: bool,
) -> tuple[Axes, np.ndarray, dict[str, np.ndarray | None]]:
    table = reading.flow_table(df, columns)
    without = "tariff" not in table
    filled = 0.0 if without and fill_tariff is None else fill_tariff
    got = reading.read_flows(table, percent=percent, fill_tariff=filled)
    names, (exporter, importer) = reading.merge_labels(got.exporter, got.importer)
    goods, (product,) = reading.merge_labels(got.product)
    for given, present, what in ((countries, names, "countries"), (products, goods, "products")):
        if given is not None and sorted(given) != present:
            odd = sorted(set(given) ^ set(present))
            raise DataError(
                f"{what}= and the labels of trade differ by {len(odd)} ({first_five(odd)})"
            )
    axes = Axes(tuple(names), tuple(goods), (_order(names, countries), _order(goods, products)))
    shape = (len(names), len(names), len(goods))
    flat = np.ravel_multi_index((importer, exporter, product), shape)
    _refuse_twice(table, flat, ("exporter", "importer", "product"))

    def spread(x: np.ndarray) -> np.ndarray:
        array = np.zeros(shape)
        array.ravel()[flat] = x
        return array

    taxes: dict[str, np.ndarray | None] = {"tariff": None, "export_tax": None}
    if not without:
        taxes["tariff"] = spread(got.tariff)
        axes.notes.extend(got.notes)
    elif fill_tariff is not None and not tariff_elsewhere:
        taxes["tariff"] = spread(got.tariff)
        axes.notes.extend(got.notes)
    if got.export_tax is not None:
        taxes["export_tax"] = spread(got.export_tax)
    return axes, spread(got.value), taxes


def _rate(given: Any, name: str, axes: Axes, percent: bool, trade: np.ndarray) -> np.ndarray:
    """Read a rate for every flow: a number (home sales left out), an array or a long frame."""
    keys = ("importer", "exporter", "product")
    if isinstance(given, numbers.Real) and not isinstance(given, bool):
        rate = np.full(trade.shape, float(given))
        home = np.arange(len(axes.countries))
        rate[home, home] = 0.0
    else:
        if isinstance(given, np.ndarray) and given.ndim == 2 and len(axes.products) == 1:
            given = given[:, :, None]
        rate = axes.table(given, name, keys, name, math.nan)
        missing = np.isnan(rate) & (trade > 0)
        home = np.arange(len(axes.countries))
        missing[home, home] = False
        if missing.any():
            raise DataError(
                f"{name}: {np.count_nonzero(missing)} flows between countries have no rate "
                f"(importer exporter product: {named(missing, [axes.labels(k) for k in keys])}); "
                "0 stands for free"
            )
        rate = np.nan_to_num(rate, nan=0.0)
    if percent:
        rate = rate / 100.0
    labels = [axes.labels(key) for key in keys]
    bad = (trade > 0) & ~((rate > -1) & (rate < math.inf))
    if bad.any():
        raise DataError(
            f"{name}: {np.count_nonzero(bad)} rates are <= -1 or infinite (importer exporter "
            f"product: {named(bad, labels)}); a rate must leave a positive price"
        )
    high = (trade > 0) & (rate > reading.PERCENT_LOOK)
    if high.any() and not percent:
        some = rate[(trade > 0) & (rate > 0)]
        if np.median(some) > MEDIAN_LOOK:
            raise DataError(
                f"{name}: {np.count_nonzero(high)} rates are above {reading.PERCENT_LOOK:g} and "
                f"the median is {np.median(some):g} (importer exporter product: "
                f"{named(high, labels)}): percents taken for fractions? Say percent=True"
            )
        axes.notes.append(
            f"{name}: {np.count_nonzero(high)} rates above {reading.PERCENT_LOOK:g} (500 %): "
            f"{named(high, labels)}, up to {rate[high].max():g}"
        )
    return rate


def _refuse_idle(axes: Axes, trade: np.ndarray) -> None:
    """Refuse labels without any trade."""
    total = trade.sum(axis=2)
    for idle, labels, what in (
        ((total.sum(axis=0) == 0) | (total.sum(axis=1) == 0), axes.countries, "countries"),
        (trade.sum(axis=(0, 1)) == 0, axes.products, "products"),
    ):
        if idle.any():
            shown = first_five([label for label, bad in zip(labels, idle, strict=True) if bad])
            how = "sell or buy nothing at all" if what == "countries" else "are not traded at all"
            raise DataError(
                f"{np.count_nonzero(idle)} {what} {how} ({shown}): home sales belong on the "
                "diagonal; leave these out"
            )


@dataclass(frozen=True)
class Shares:
    """Structure of costs.

    Attributes
    ----------
    value_added : float64 array, shape (country, product), share of cost
    input_use : float64 array, shape (country, input, user), share of cost
    cost : float64 array, shape (country, product), or None
        Cost in the tables where they held values; None: they held shares.
    """

    value_added: np.ndarray
    input_use: np.ndarray
    cost: np.ndarray | None


def value_column(given: Any, share: str) -> str:
    """Name the column of values: `share`, as in a world's own frames, where there is no value."""
    columns = [str(c) for c in getattr(given, "columns", ())]
    return share if share in columns and "value" not in columns else "value"


def read_shares(
    axes: Axes, value_added: Any, input_use: Any, output: np.ndarray, *, negative: bool
) -> Shares:
    """Read value added and input use, as values or as shares of cost, and make them sum to one.

    Parameters
    ----------
    axes : Axes
    value_added, input_use : array, frame or None
    output : float64 array, shape (country, product)
        Producer revenue, from the flows.
    negative : bool
        Whether a negative input use is kept.
    """
    n, j = output.shape
    if value_added is None and input_use is None:
        return Shares(np.ones((n, j)), np.zeros((n, j, j)), None)
    if value_added is None:
        raise DataError("input_use without value_added: give both, as values or as shares of cost")
    live = output > 0
    column = value_column(value_added, "value_added_share")
    va = axes.table(value_added, "value_added", ("country", "product"), column, math.nan)
    keys = (axes.countries, axes.products)
    missing = np.isnan(va) & live
    if missing.any():
        raise DataError(
            f"value_added has no row for {np.count_nonzero(missing)} producers (country product: "
            f"{named(missing, keys)})"
        )
    va = np.nan_to_num(va, nan=0.0)
    if input_use is None:
        use = np.zeros((n, j, j))
    else:
        use = axes.table(
            input_use,
            "input_use",
            ("country", "input", "user"),
            value=value_column(input_use, "input_share"),
        )
    if (va < 0).any():
        raise DataError(
            f"value_added is negative for {np.count_nonzero(va < 0)} producers (country product: "
            f"{named(va < 0, keys)}): drop or correct them"
        )
    if (use < 0).any() and not negative:
        raise DataError(
            f"input_use is negative in {np.count_nonzero(use < 0)} cells (country input user: "
            f"{named(use < 0, (*keys, axes.products))}), least {use.min():g}: correct them; only "
            'balance="resolve" keeps them'
        )
    cost = va + use.sum(axis=1)
    short = live & ~(cost > 0)
    if short.any():
        raise DataError(
            f"{np.count_nonzero(short)} producers have output but no cost in the tables (country "
            f"product: {named(short, keys)})"
        )
    off = np.abs(cost - 1.0)
    shares = bool((off[live] <= SHARE_SUM).all())
    looks = np.count_nonzero(off[live] <= SHARE_LOOK) > 0.5 * np.count_nonzero(live)
    if not shares and looks and not np.allclose(cost[live], output[live], rtol=0.01):
        worst = np.unravel_index(int(np.argmax(np.where(live, off, -1.0))), off.shape)
        n_off = np.count_nonzero(live & (off > SHARE_SUM))
        raise DataError(
            f"value_added and input_use look like shares of cost, but {n_off} of "
            f"{np.count_nonzero(live)} columns do not sum to 1 within {SHARE_SUM:g}; the worst is "
            f"{keys[0][worst[0]]} {keys[1][worst[1]]}: {cost[worst]:.6g}. Correct the shares, or "
            "give values"
        )
    divisor = np.where(live, cost, 1.0)
    gamma = np.where(live, va / divisor, 1.0)
    g = np.where(live[:, None, :], use / divisor[:, None, :], 0.0)
    idle = ~live & (cost > 0)
    if idle.any() and not shares:
        axes.notes.append(
            f"{np.count_nonzero(idle)} producers have cost in the tables but sell nothing "
            f"({named(idle, keys)}; {cost[idle].sum():.6g} in all): left out"
        )
    return Shares(gamma, g, None if shares else cost)


def read_final(given: Any, axes: Axes) -> np.ndarray | None:
    """Read final spending by country and product as shares that sum to one."""
    if given is None:
        return None
    final = axes.table(given, "final_share", ("country", "product"))
    total = final.sum(axis=1)
    if (final < 0).any() or not (total > 0).all():
        low = np.argwhere(final < 0)
        shown = first_five([f"{axes.countries[n]} {axes.products[j]}" for n, j in low])
        raise DataError(
            f"final_share must be >= 0 and not all 0 for a country: {len(low)} cells are negative "
            f"({shown}), {np.count_nonzero(total <= 0)} countries have none"
        )
    return final / total[:, None]


def read_deficit(given: Any, axes: Axes) -> np.ndarray | None:
    """Read deficits by country, which sum to zero."""
    if given is None:
        return None
    deficit = axes.line(given, "deficit", "country")
    largest = float(np.abs(deficit).max())
    if abs(float(deficit.sum())) > DEFICIT_SUM * largest:
        raise DataError(
            f"deficit sums to {deficit.sum():.6g} over all countries, where the largest is "
            f"{largest:.6g}: one country's deficit is another's surplus; the sum must be 0"
        )
    return deficit
