"""Tables of a general-equilibrium result: countries, flows, prices, employment, other shapes.

Functions of a result; `GEResult` documents and calls them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar.codes import suggest
from tradewar.errors import DataError
from tradewar.ge_arrays import FlowNumbers
from tradewar.limits import COMMITMENT
from tradewar.pe_arrays import TRADE_UNITS
from tradewar.pe_controls import KIND_NAMES
from tradewar.rules import RECEIVERS
from tradewar.schema import COLUMNS

if TYPE_CHECKING:
    from tradewar.ge_result import GEResult

Floats = NDArray[np.float64]

# Units that the schema leaves out, or gives for a model of single products: there a change in
# welfare is money, here a fraction.
UNITS = {
    "welfare_change": "fraction",
    "binding": "flag",
    "premium": "fraction",
    "export_tax_equivalent": "fraction",
    "import_tariff_equivalent": "fraction",
    "subsidy_rate": "fraction",
    "weight_equivalent": "fraction",
    "price_change": "fraction",
    "rule": "count",
    "limit": "value",
    "quantity_new": "value",
}
UNITS |= dict.fromkeys(RECEIVERS, "value")
_MONEY = {"value", "value_new", "value_change", "revenue", "revenue_new", "spending"}
_MONEY |= {"spending_new", "rent"}


def unit_of(column: str) -> str | None:
    """Give the unit of a column, "value" for money; None where it has none."""
    if column in UNITS:
        return UNITS[column]
    if column in TRADE_UNITS:
        return TRADE_UNITS[column]
    known = COLUMNS.get(column)
    return None if known is None or known.unit == "label" else known.unit


def finish(res: GEResult, frame: pd.DataFrame) -> pd.DataFrame:
    """Set the attributes every frame carries."""
    unit = {}
    for column in frame.columns:
        kind = unit_of(str(column))
        if kind is not None:
            unit[column] = res.world.value_unit if kind == "value" else kind
    frame.attrs["unit"] = unit
    frame.attrs["converged"] = res.converged
    return frame


# ---- contract tables ----------------------------------------------------------------------------


def countries(res: GEResult) -> pd.DataFrame:
    """One row per country; see `GEResult.countries`."""
    world, data, levels, state = res.world, res.data, res.levels, res.state
    flows = res._flows()
    abroad = data._importer != data._exporter
    before, after = np.where(abroad, data._value, 0.0), np.where(abroad, flows.value_new, 0.0)
    welfare = res._welfare()
    base = world._income - res._leisure * world._labour_income
    real_wage = np.exp(state.ln_w) * state.subsidy / levels.price_index
    columns = {
        "welfare_change": welfare - 1.0,
        "ev": base * (welfare - 1.0),
        "real_wage_change": real_wage - 1.0,
        "wage_ratio": np.exp(state.ln_w),
        "price_index_ratio": levels.price_index,
        "income": world._income,
        "income_new": levels.income,
        "tariff_revenue": res._by_country(data._importer, data._tariff * data._value),
        "tariff_revenue_new": res._by_country(
            data._importer, res._tariff_collected(flows) * flows.value_new
        ),
        "deficit": world._deficit,
        "deficit_new": levels.deficit,
        "exports": res._by_country(data._exporter, before),
        "exports_new": res._by_country(data._exporter, after),
        "imports": res._by_country(data._importer, before),
        "imports_new": res._by_country(data._importer, after),
    }
    frame = pd.DataFrame(columns, index=pd.Index(world._countries, name="country", dtype=str))
    frame = finish(res, frame)
    frame.attrs["world"] = {
        name: float(columns[name].sum()) for name in ("ev", "exports", "exports_new")
    }
    return frame


def _keys(res: GEResult) -> dict[str, Any]:
    data = res.data
    return {
        "exporter": data.countries.take(data._exporter),
        "importer": data.countries.take(data._importer),
        "product": data.products.take(data._product),
    }


def flows(res: GEResult) -> pd.DataFrame:
    """One row per flow; see `GEResult.flows`."""
    found = res._flows()
    numbers = {
        "value": res.data._value,
        "value_new": found.value_new,
        "tariff": res.data._tariff,
        "tariff_new": res._tariff_collected(found),
    }
    return finish(res, pd.DataFrame({**_keys(res), **numbers}))


def flow_columns(res: GEResult) -> dict[str, Callable[[], Floats]]:
    """Give every number there is by flow, each as a function that makes it."""
    data = res.data
    found: FlowNumbers = res._flows()
    rate = res._tariff_collected(found)
    return {
        "value": lambda: data._value,
        "value_new": lambda: found.value_new,
        "value_change": lambda: found.value_new - data._value,
        "tariff": lambda: data._tariff,
        "tariff_new": lambda: rate,
        "quantity_ratio": lambda: found.bought,
        "border_price_ratio": lambda: found.border_price,
        "buyer_price_ratio": lambda: found.buyer_price,
        "spending": lambda: data._value * (1.0 + data._tariff),
        "spending_new": lambda: found.spending_new,
        "revenue": lambda: data._tariff * data._value,
        "revenue_new": lambda: rate * found.value_new,
        "rent": lambda: res._flow_rents(found).sum(axis=1),
    }


def details(res: GEResult) -> pd.DataFrame:
    """Every number there is by flow; see `GEResult.details`."""
    numbers = {name: make() for name, make in flow_columns(res).items()}
    return finish(res, pd.DataFrame({**_keys(res), **numbers}))


def prices(res: GEResult) -> pd.DataFrame:
    """One row per country and product; see `GEResult.prices`."""
    world = res.world
    buys, makes = world._expenditure > 0.0, world._output > 0.0
    numbers = {
        "price_ratio": np.where(buys, np.exp(res.state.ln_P), np.nan),
        "cost_ratio": np.where(makes, res.levels.cost, np.nan),
        "output": world._output,
        "output_new": res.levels.output,
    }
    return _by_sector(res, numbers)


def employment(res: GEResult) -> pd.DataFrame:
    """Labour by country and product; see `GEResult.employment`."""
    world, levels = res.world, res.levels
    before = world._value_added * (1.0 - world._rents) * world._output
    after = _value_added_share(res) * (1.0 - world._rents) * levels.output
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(before > 0.0, after / before, np.nan)
    numbers = {
        "labour_income": before,
        "labour_income_new": after,
        "employment_ratio": ratio / np.exp(res.state.ln_w)[:, None],
    }
    frame = _by_sector(res, numbers)
    frame.attrs["country"] = dict(
        zip(world._countries, [float(x) for x in res.state.labour], strict=True)
    )
    return frame


def _value_added_share(res: GEResult) -> Floats:
    """gamma' = gamma (w / c~)^(1 - eta), with c~ = c A S^psi."""
    world, eta = res.world, res.closure.va_substitution
    if eta == 1.0:
        return world._value_added
    bundle = res.levels.cost * np.exp(world._scale * res.state.ln_S)
    if res.changes.productivity is not None:
        bundle = bundle * res.changes.productivity
    gap = np.exp(res.state.ln_w)[:, None] / bundle
    return np.asarray(world._value_added * gap ** (1.0 - eta))


def _by_sector(res: GEResult, numbers: dict[str, Floats]) -> pd.DataFrame:
    names, goods = res.data._countries, res.data._products
    keys = {"country": names.repeat(len(goods)), "product": np.tile(goods, len(names))}
    columns = {name: np.ravel(array) for name, array in numbers.items()}
    return finish(res, pd.DataFrame({**keys, **columns}))


# ---- quantity controls --------------------------------------------------------------------------


def binding(res: GEResult) -> pd.DataFrame:
    """One row per limit; see `GEResult.binding`."""
    limits, m = res.changes.limits, res.state.multiplier
    totals = res._limit_totals(res._flows())
    kinds = [KIND_NAMES[kind] for kind in limits.source]
    kinds = [
        kind + (", by value" if code == 3 else "")
        for kind, code in zip(kinds, limits.kind, strict=True)
    ]
    floor = np.array([kind == COMMITMENT for kind in limits.source], dtype=bool)
    frame = pd.DataFrame(
        {
            "rule": np.array(limits.rule, dtype=int),
            "instrument": pd.Series(kinds, dtype=str),
            "product": pd.Series(list(limits.product), dtype=str),
            "limit": limits.given,
            "quantity_new": totals,
            "premium": np.where(floor, -np.expm1(-m), np.expm1(m)),
            "binding": np.asarray(m > 0.0, dtype=bool),
            "coverage": _limit_coverage(res),
        }
    )
    return finish(res, frame)


def _limit_coverage(res: GEResult) -> Floats:
    """Part of each limit's flows that its rule names: 1 but for HS codes on a world of sectors."""
    limits, value = res.changes.limits, res.data._value
    out = np.ones(len(limits))
    named = {covered.rule: covered for covered in res.wedges.coverage}
    for k, rows in enumerate(limits.rows):
        covered = named.get(limits.rule[k])
        if covered is not None:
            share = np.zeros(len(value))
            share[covered.rows] = covered.share
            out[k] = (share[rows] * value[rows]).sum() / value[rows].sum()
    return out


def rents(res: GEResult) -> pd.DataFrame:
    """Rents by flow and receiver; see `GEResult.rents`."""
    amount = res._flow_rents(res._flows())
    rows = np.flatnonzero(np.abs(amount).sum(axis=1) > 0.0)
    keys = {name: index.take(rows) for name, index in _keys(res).items()}
    numbers = {name: amount[rows, k] for k, name in enumerate(RECEIVERS)}
    frame = pd.DataFrame({**keys, **numbers, "rent": amount[rows].sum(axis=1)})
    return finish(res, frame)


def tariff_equivalents(res: GEResult) -> pd.DataFrame:
    """Give the taxes that would do what limits do; see `GEResult.tariff_equivalents`."""
    data, w = res.data, res._limit_wedges()
    weight = np.ones(len(data)) if res.wedges.weight is None else res.wedges.weight
    caps = w.border + w.buyer + w.waste + w.floors
    rows = np.flatnonzero((caps > 0) | (w.floors > 0) | (weight < 1))
    keys = {name: index.take(rows) for name, index in _keys(res).items()}
    theta = res.world._theta[data._product[rows]]
    with np.errstate(divide="ignore", invalid="ignore"):
        numbers = {
            "export_tax_equivalent": np.expm1(np.maximum(w.border[rows], 0.0)),
            "import_tariff_equivalent": np.expm1(np.maximum(w.buyer + w.waste, 0.0)[rows]),
            "subsidy_rate": -np.expm1(-w.floors[rows]),
            "weight_equivalent": weight[rows] ** (-1.0 / theta) - 1.0,
        }
    return finish(res, pd.DataFrame({**keys, **numbers}))


# ---- other shapes -------------------------------------------------------------------------------


def matrix(res: GEResult, column: str, product: str | None) -> pd.DataFrame:
    """Spread a column over exporters and importers; see `GEResult.matrix`."""
    data = res.data
    columns = flow_columns(res)
    if column not in columns:
        hint = suggest(column, columns)
        raise DataError(f"column={column!r} is not by flow{hint}; there are {', '.join(columns)}")
    rows = slice(0, len(data))
    if product is not None:
        if product not in data.products:
            hint = suggest(product, data.products)
            raise DataError(f"product={product!r} is not in the world{hint}")
        market = data.products.tolist().index(product)
        rows = slice(*data._layout.market_ptr[market : market + 2])
    elif column not in _MONEY and len(data.products) > 1:
        raise DataError(f"{column} cannot be added over products: name one with product=")
    n = len(data.countries)
    cell = data._exporter[rows].astype(np.int64) * n + data._importer[rows]
    numbers = np.bincount(cell, columns[column]()[rows], minlength=n * n)
    if column not in _MONEY:
        numbers[np.bincount(cell, minlength=n * n) == 0] = np.nan
    frame = pd.DataFrame(
        numbers.reshape(n, n),
        index=pd.Index(data.countries, name="exporter"),
        columns=pd.Index(data.countries, name="importer"),
    )
    unit = unit_of(column)
    frame.attrs["unit"] = res.world.value_unit if unit == "value" else unit
    return frame


def links(res: GEResult, column: str) -> pd.DataFrame:
    """Give a money column as source, target, value; see `GEResult.to_links`."""
    if column not in _MONEY:
        raise DataError(f"{column} cannot be added over products: give a money column")
    wide = matrix(res, column, None)
    exporter, importer = np.nonzero(wide.to_numpy())
    frame = pd.DataFrame(
        {
            "source": wide.index.take(exporter),
            "target": wide.columns.take(importer),
            "value": wide.to_numpy()[exporter, importer],
        }
    )
    return finish(res, frame[frame["source"] != frame["target"]].reset_index(drop=True))


def wide(res: GEResult, table: str, column: str) -> pd.DataFrame:
    """Spread a column of a country-product table; see `GEResult.wide`."""
    known = {"prices": prices, "employment": employment}
    if table not in known:
        raise DataError(f"table={table!r}: give {' or '.join(map(repr, known))}")
    frame = known[table](res)
    if column not in frame.columns[2:]:
        hint = suggest(column, frame.columns[2:])
        have = ", ".join(frame.columns[2:])
        raise DataError(f"column={column!r} is not in {table}{hint}; it has {have}")
    shape = (len(res.world._countries), len(res.world._products))
    out = pd.DataFrame(
        frame[column].to_numpy().reshape(shape),
        index=pd.Index(res.world._countries, name="country", dtype=str),
        columns=pd.Index(res.world._products, name="product", dtype=str),
    )
    out.attrs["unit"] = frame.attrs["unit"][column]
    return out


def to_xarray(res: GEResult) -> Any:
    """Give everything as an xarray Dataset; see `GEResult.to_xarray`."""
    try:
        import xarray as xr
    except ImportError as error:
        raise DataError("to_xarray needs xarray: pip install xarray") from error
    world, data = res.world, res.data
    coords = {
        "importer": list(world._countries),
        "exporter": list(world._countries),
        "product": list(world._products),
        "country": list(world._countries),
    }
    shape = (len(world._countries), len(world._countries), len(world._products))
    place = (data._importer, data._exporter, data._product)
    variables: dict[str, Any] = {}

    def add(name: str, dims: tuple[str, ...], array: Any) -> None:
        unit = unit_of(name)
        unit = world.value_unit if unit == "value" else unit
        variables[name] = (dims, array, {"unit": unit or ""})

    for name, make in flow_columns(res).items():
        dense = np.full(shape, 0.0 if name in _MONEY else np.nan)
        dense[place] = make()
        add(name, ("importer", "exporter", "product"), dense)
    for table in ("prices", "employment"):
        frame = getattr(res, table)
        for name in frame.columns[2:]:
            add(name, ("country", "product"), frame[name].to_numpy().reshape(shape[1:]))
    frame = res.countries
    for name in frame.columns:
        add(f"country_{name}" if name in variables else name, ("country",), frame[name].to_numpy())
    attrs = {"scenario": res.scenario.name, "card": str(res.card)}
    return xr.Dataset(variables, coords=coords, attrs=attrs)
