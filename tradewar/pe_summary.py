"""Overviews of a product-level result: summary, card, rankings, other shapes.

Functions of a result; `PEResult` calls them.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar._display import money_scale, percent
from tradewar.codes import suggest
from tradewar.errors import DataError
from tradewar.pe_incidence import finite_supply_shares
from tradewar.pe_tables import sums
from tradewar.rules import RECEIVERS
from tradewar.schema import units
from tradewar.selectors import check_selector, country_mask

if TYPE_CHECKING:
    from tradewar.elasticities import Resolved
    from tradewar.pe_result import PEResult

__all__ = ["card", "cite", "summary", "to_frame", "to_links", "to_matrix", "top"]

N_COUNTRIES = 5  # in the summary
# Residual export supply to one large destination that the evidence of 2018-19 implies: production
# supply 1 to 4, a destination's share of sales 0.13, substitution 2.5 to 4 elsewhere.
RESIDUAL_SUPPLY = (47.0, 24.0)
SEVERAL_SUPPLY = 2.0

_PRICE_COLUMNS = {
    "tariff",
    "tariff_new",
    "quantity_ratio",
    "producer_price_ratio",
    "border_price_ratio",
    "buyer_price_ratio",
}


def _abroad(res: PEResult) -> NDArray[np.bool_]:
    """Mark solved flows that cross a border."""
    mask: NDArray[np.bool_] = res.data._importer != res.data._exporter
    return mask & res._solved_flows()


# ---- Summary -----------------------------------------------------------------------------


def summary(res: PEResult) -> pd.DataFrame:
    """Collect the main numbers; see `PEResult.summary`."""
    data = res.data
    unit = data.value_unit
    abroad = _abroad(res)
    hit = res._touched() & abroad
    value, value_new = data._value, res._value_new
    duty, duty_new = value * data._tariff, value_new * res._tariff_new
    rows: dict[str, tuple[float, float, float, str]] = {}

    def before_after(item: str, old: float, new: float, kind: str = unit) -> None:
        rows[item] = (old, new, new - old, kind)

    def change(item: str, amount: float, kind: str = unit) -> None:
        rows[item] = (np.nan, np.nan, amount, kind)

    before_after("trade in the flows changed", value[hit].sum(), value_new[hit].sum())
    before_after("all trade", value[abroad].sum(), value_new[abroad].sum())
    before_after("duty collected", duty[abroad].sum(), duty_new[abroad].sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        before_after(
            "average duty on the flows changed",
            duty[hit].sum() / value[hit].sum(),
            duty_new[hit].sum() / value_new[hit].sum(),
            "fraction",
        )
    paid = res.incidence().iloc[0]
    if not np.isnan(paid["revenue_change"]):
        change("change in duty borne by buyers", paid["buyers"])
        change("change in duty borne by exporters", paid["exporters"])
        change("old duty on the change in trade", paid["lost_old_revenue"])
        change("buyers' share of that change", paid["importer_share"], "fraction")
    if res.settled is not None:
        change("rents of quantity controls", float(res.rents()["rent"].sum()))
    for importer, rise in res.basket_price_change().head(N_COUNTRIES).items():
        change(f"price of the goods concerned, {importer}", rise, "fraction")
    countries = res.countries
    welfare = countries["welfare_change"]
    most = welfare.abs().sort_values(ascending=False, kind="stable").index[:N_COUNTRIES]
    for country in most:
        if welfare[country] != 0:
            change(f"welfare, {country}", welfare[country])
    change("welfare, all countries in the data", countries.attrs["world"]["welfare_change"])
    if res._failed.size:
        share = percent(res._failed_value_share())
        item = f"products that failed, left out ({share} of value)"
        rows[item] = (np.nan, np.nan, float(res._failed.size), "products")
    frame = pd.DataFrame.from_dict(
        rows, orient="index", columns=["baseline", "new", "change", "unit"]
    )
    frame.index.name = "item"
    frame.attrs["value_unit"] = unit
    frame.attrs["unit"] = {"baseline": "see unit", "new": "see unit", "change": "see unit"}
    return frame


def heading(res: PEResult) -> str:
    """Give one line: scenario, method, size."""
    method = res.method if res.steps is None else f"{res.method}, {res.steps} steps"
    return (
        f"{res.scenario.name or 'Scenario'}: partial equilibrium ({method}), "
        f"{len(res.data.products):,} products, {len(res.q):,} flows"
    )


# ---- Rankings ----------------------------------------------------------------------------


def top(
    res: PEResult,
    n: int,
    by: str,
    of: str,
    order: str,
    importer: object,
    exporter: object,
) -> pd.DataFrame:
    """Rank products, countries or flows by a column; see `PEResult.top`."""
    data = res.data
    if of not in ("product", "exporter", "importer", "flow"):
        raise DataError(f'of={of!r}: one of "product", "exporter", "importer", "flow"')
    if order not in ("size", "largest", "smallest"):
        raise DataError(f'order={order!r}: one of "size", "largest", "smallest"')
    chosen = _abroad(res)
    labels = list(data.countries)
    for what, wanted, codes in (
        ("importer", importer, data._importer),
        ("exporter", exporter, data._exporter),
    ):
        if wanted is not None:
            selector = check_selector(wanted, what, DataError)
            chosen &= country_mask(selector, labels, what, DataError)[codes]
    rows = np.flatnonzero(chosen)
    value, value_new = data._value[rows], res._value_new[rows]
    columns = {
        "value": value,
        "value_new": value_new,
        "revenue": value * data._tariff[rows],
        "revenue_new": value_new * res._tariff_new[rows],
    }
    keys: dict[str, Any]
    if of == "flow":
        keys = {
            "exporter": data.countries.take(data._exporter[rows]),
            "importer": data.countries.take(data._importer[rows]),
            "product": data.products.take(data._product[rows]),
        }
    else:
        groups = data.products if of == "product" else data.countries
        codes = getattr(data, "_" + of)[rows]
        kept = np.flatnonzero(np.bincount(codes, minlength=len(groups)))
        columns = {name: sums(codes, len(groups), col)[kept] for name, col in columns.items()}
        keys = {of: groups.take(kept)}
    table = pd.DataFrame({**keys, "value": columns["value"], "value_new": columns["value_new"]})
    table["value_change"] = table["value_new"] - table["value"]
    table["revenue"], table["revenue_new"] = columns["revenue"], columns["revenue_new"]
    table["revenue_change"] = table["revenue_new"] - table["revenue"]
    table["tariff"] = table["revenue"] / table["value"].where(table["value"] != 0)
    table["tariff_new"] = table["revenue_new"] / table["value_new"].where(table["value_new"] != 0)
    if by not in table.columns or by in keys:
        known = ", ".join(name for name in table.columns if name not in keys)
        raise DataError(f"by={by!r} is no column of the table; it has {known}")
    rank = {"size": -table[by].abs(), "largest": -table[by], "smallest": table[by]}[order]
    table = table.loc[rank.sort_values(kind="stable").index[:n]].reset_index(drop=True)
    return res._finish(table)


# ---- Other shapes ------------------------------------------------------------------------


def to_frame(frame: pd.DataFrame, backend: str) -> Any:
    """Convert a pandas frame to the library named."""
    import narwhals.stable.v2 as nw

    if backend == "pandas":
        return frame
    wrapped = nw.from_native(frame, eager_only=True)
    if backend == "polars":
        return wrapped.to_polars()
    if backend == "pyarrow":
        return wrapped.to_arrow()
    raise DataError(f'backend={backend!r}: one of "pandas", "polars", "pyarrow"')


def to_matrix(res: PEResult, column: str, product: str | None) -> pd.DataFrame:
    """Spread a column of `flows` over importers and exporters; see `PEResult.to_matrix`."""
    data = res.data
    columns = res._flow_columns()
    if column not in columns:
        hint = suggest(column, columns)
        raise DataError(f"column={column!r} is not in flows{hint}; it has {', '.join(columns)}")
    rows = slice(0, len(data._value))
    if product is not None:
        if product not in data.products:
            hint = suggest(product, data.products)
            raise DataError(f"product={product!r} is not in the data{hint}")
        market = data.products.tolist().index(product)
        rows = slice(*data._layout.market_ptr[market : market + 2])
    elif column in _PRICE_COLUMNS and len(data.products) > 1:
        raise DataError(f"{column} cannot be added over products: name one with product=")
    n = len(data.countries)
    cell = data._importer[rows].astype(np.int64) * n + data._exporter[rows]
    number = columns[column]()
    if product is None:
        number = res._zero_failed(number, data._layout.market_ptr)
    matrix = sums(cell, n * n, number[rows])
    if column in _PRICE_COLUMNS:
        matrix[np.bincount(cell, minlength=n * n) == 0] = np.nan
    buys = np.bincount(data._importer, minlength=n) > 0
    sells = np.bincount(data._exporter, minlength=n) > 0
    frame = pd.DataFrame(
        matrix.reshape(n, n)[np.ix_(buys, sells)],
        index=pd.Index(data.countries[buys], name="importer"),
        columns=pd.Index(data.countries[sells], name="exporter"),
    )
    frame = res._finish(frame)
    frame.attrs["unit"] = units([column], data.value_unit)[column]
    return frame


def to_links(res: PEResult, column: str) -> pd.DataFrame:
    """Give a money column as source, target, value; see `PEResult.to_links`."""
    if column in _PRICE_COLUMNS:
        raise DataError(f"{column} cannot be added over products: give a money column")
    matrix = to_matrix(res, column, None)
    importer, exporter = np.nonzero(matrix.to_numpy())
    frame = pd.DataFrame(
        {
            "source": matrix.columns.take(exporter),
            "target": matrix.index.take(importer),
            "value": matrix.to_numpy()[importer, exporter],
        }
    )
    frame = frame[frame["source"] != frame["target"]]
    return res._finish(frame.sort_values(["source", "target"]).reset_index(drop=True))


# ---- Card --------------------------------------------------------------------------------


def card(res: PEResult) -> str:
    """Write the card: what was solved, from what, what is assumed, what is not identified."""
    lines = [heading(res), ""]
    for label, texts in (
        ("model", _model(res)),
        ("data", _data(res)),
        ("change", _change(res)),
        ("limits", _limits(res)),
        ("elasticities", _elasticities(res)),
        ("what they mean", _meaning(res)),
        ("assumed", _assumed(res)),
        ("not identified", _not_identified(res)),
        ("solver", _solver(res)),
        ("warnings", _warnings(res)),
    ):
        for k, text in enumerate(texts):  # a heading without text is left out
            lead = f"{label:<16}" if k == 0 else " " * 16
            lines.append(textwrap.fill(text, 100, initial_indent=lead, subsequent_indent=" " * 16))
    return "\n".join(lines)


def _model(res: PEResult) -> list[str]:
    methods = {
        "exact": "solved exactly, in changes from the baseline",
        "euler": f"{res.steps} Euler steps in log tariffs, not re-evaluated",
        "linear": "one linear step from the baseline (GSIM): an approximation for small changes",
        "smart": "the SMART formula for one importer: no equilibrium, an approximation",
    }
    levels = "one level" if res.home_substitution is None else "two levels (imports, home good)"
    texts = [
        f"Armington CES demand with {levels}, isoelastic supply, each product on its own; "
        f"{methods[res.method]}. Incomes, wages and exchange rates stay as they are.",
    ]
    if res.method == "linear":
        formula = "as published (gsim2003)" if res.surplus == "gsim2003" else "second order"
        texts.append(f"Consumer surplus: {formula}.")
    if res.method == "smart":
        texts.append(
            "Welfare of the importer is SMART's sum of (t0 + t1)/2 times the change in imports; "
            "its surplus here is that less the change in duty. Exporters' surplus is second order "
            "and has no counterpart in SMART's welfare."
        )
    return texts


def _data(res: PEResult) -> list[str]:
    data = res.data
    parts = [data.source or "a frame of the user's"]
    parts += [str(data.year)] if data.year else []
    if data.tariff_date:
        of = "" if data.tariff_date.startswith("after ") else "of "
        parts += [f"tariffs {of}{data.tariff_date}"]
    parts += [f"values in {data.value_unit}"]
    return ["; ".join(parts) + ".", *data.notes]


def _change(res: PEResult) -> list[str]:
    texts = []
    for rule in res.wedges.touched:
        money = money_scale(res.data.value_unit, rule.value)
        texts.append(f"{rule.rule}: {rule.rows:,} flows, {money.text(rule.value)}")
    return texts or ["none"]


def _limits(res: PEResult) -> list[str]:
    if res.settled is None:
        return []
    table, rents = res.binding(), res.rents()
    texts = []
    if len(table):
        texts.append(f"{int(table['binding'].sum()):,} of {len(table):,} limits bind.")
    if len(rents):
        parts = {name: float(rents[name].sum()) for name in RECEIVERS}
        named = ", ".join(
            f"{name} {money_scale(res.data.value_unit, abs(amount)).text(amount)}"
            for name, amount in parts.items()
            if amount
        )
        texts.append(f"Rents go to {named}: the shares are the scenario's and not a result.")
    if res.settled.limits.listed is not None:
        texts.append(
            "Listed buyers and the rest of a destination are solved apart and reported together."
        )
    return texts


def _elasticities(res: PEResult) -> list[str]:
    texts, sources = [], []
    for name in ("substitution", "demand", "home_substitution", "supply"):
        spec: Resolved | None = getattr(res, name)
        if spec is None:
            continue
        text = f"{name} {spec.label}"
        if spec.source and spec.source not in sources:
            sources.append(spec.source)
        counts = ", ".join(f"{level} {count:,}" for level, count in spec.levels.items())
        if len(spec.levels) > 1:
            text += f"; found at level: {counts}"
        if spec.winsorised:
            text += f"; {spec.winsorised:,} winsorised"
        if spec.unused:
            text += f"; {spec.unused:,} rows of the table used by no flow"
        texts.append(text + ".")
    return texts + [f"Source: {source}." for source in sources]


def _meaning(res: PEResult) -> list[str]:
    report = res.data.report
    if report.home_sales:
        texts = ["Home sales are in the data: demand is the elasticity of total demand."]
    else:
        texts = [
            "No home sales in the data: demand is the elasticity of import demand, and the "
            "surplus of buyers includes that of domestic producers."
        ]
    if report.one_destination:
        texts.append(
            "One destination for each product: supply is residual export supply to it, large even "
            "where the supply of production is not; exporters' surplus is on these sales alone."
        )
    else:
        texts.append("Several destinations: supply is that of production.")
    return texts


def _assumed(res: PEResult) -> list[str]:
    supply = res.supply.values
    given = np.isinf(supply)
    if not given.any():
        return ["Supply elasticities as above; tariffs are paid in full and on the border value."]
    where = "everywhere" if given.all() else f"for {given.sum():,} of {given.size:,} origins"
    texts = [
        f"Supply is infinite {where}: border prices are given, so that buyers bear the whole duty "
        "by assumption and not as a result."
    ]
    paid = res.incidence().iloc[0]
    pairs = [finite_supply_shares(res, mu) for mu in RESIDUAL_SUPPLY]
    if given.all() and None not in pairs and not np.isnan(paid["importer_share"]):
        finite = ", ".join(
            f"{percent(pair[0])} ({pair[1]:.2f}) at {mu:g}"
            for mu, pair in zip(RESIDUAL_SUPPLY, pairs, strict=True)
            if pair is not None
        )
        texts.append(
            f"Buyers' share of the extra duty (log pass-through): "
            f"{percent(paid['importer_share'])} ({paid['log_pass_through']:.2f}) at supply inf; "
            f"to first order at finite residual supply {finite}, the range that the evidence of "
            "2018-19 implies."
        )
    elif not res.data.report.one_destination:
        texts.append(f"Solve again with supply={SEVERAL_SUPPLY:g} (range 1 to 4) to compare.")
    return texts


def _not_identified(res: PEResult) -> list[str]:
    report = res.data.report
    texts = []
    if report.one_destination:
        texts.append("deflection and bystanders (one destination)")
    elif np.isinf(res.supply.values).any():
        texts.append("deflection and bystanders where supply is infinite")
    if not report.home_sales:
        texts.append("what home producers gain (no home sales)")
    if np.isinf(res.supply.values).all():
        texts.append("the exporters' share of the duty (supply is infinite)")
    return ["; ".join(texts) + "."] if texts else ["nothing that these tables ask for"]


def _solver(res: PEResult) -> list[str]:
    solved = np.asarray(res.status) == 0
    residual = float(np.max(res.residual[solved], initial=0.0))
    most = int(np.max(res.iterations, initial=0))
    text = f"largest residual {residual:.1e}, at most {most} iterations"
    if not res._failed.size:
        return [f"{text}, {solved.size:,} of {solved.size:,} products solved."]
    names = ", ".join(res.data.products[res._failed[:5]])
    names += ", ..." if res._failed.size > 5 else ""
    share = percent(res._failed_value_share())
    return [
        f"{text}. {res._failed.size:,} of {solved.size:,} products failed ({share} of value): "
        f"{names}; totals leave them out."
    ]


def _warnings(res: PEResult) -> list[str]:
    texts = [f"{text}." for text in res.info.get("warnings", ())]
    zero = res.data.report.zero_rows
    if zero:
        texts.append(f"{zero:,} flows are zero at the baseline and stay zero.")
    return texts or ["none"]


def cite(res: PEResult) -> str:
    """Name sources, one a line; see `PEResult.cite`."""
    data = res.data
    licence = f" ({data.licence})" if data.licence else ""
    lines = [f"Data: {data.source or 'not stated'}{licence}"]
    for name in ("substitution", "demand", "home_substitution", "supply"):
        spec: Resolved | None = getattr(res, name)
        if spec is not None and spec.source:
            lines.append(f"Elasticity of {name}: {spec.source}")
    lines.append(
        "Demand: Armington, P. S. (1969), A theory of demand for products distinguished by place "
        "of production, IMF Staff Papers 16, 159-178. doi:10.2307/3866403"
    )
    if res.method == "linear":
        lines.append(
            "Method: Francois, J. and Hall, H. K. (2009), Global simulation analysis of "
            "industry-level trade policy: the GSIM model, in Partial Equilibrium Trade Policy "
            "Simulation, World Bank."
        )
    if res.method == "smart":
        lines.append(
            "Method: Jammes, O. and Olarreaga, M. (2005), Explaining SMART and GSIM, World Bank."
        )
    return "\n".join(lines)
