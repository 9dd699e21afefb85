"""Overviews of a general-equilibrium result: heading, summary and closure card."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tradewar._display import money_scale, percent
from tradewar.ge_check import LOOSE
from tradewar.limits import COMMITMENT
from tradewar.rules import RECEIVERS

if TYPE_CHECKING:
    from tradewar.ge_result import GEResult

__all__ = ["basis", "body", "card", "cite", "heading", "summary"]

N_COUNTRIES = 5  # in the summary, beside those concerned
LEAD = 16  # characters of a card's left column
SMALL_PART = 0.5  # of a sector: a limit on less draws a warning in the card

DEFICITS = {
    "fixed": "fixed: each country's stays what it was in money of the numeraire",
    "share": "a fixed share of world value added; under this numeraire the same as fixed",
    "zero": "set to zero together with the scenario: its effect and the end of imbalances are "
    "one number",
    "purged": "purged: the baseline is the equilibrium without deficits at the baseline tariffs, "
    "and all changes are from there",
    "income": "a fixed share of each country's own spending, shifted alike so that they sum to "
    "zero",
}
REVENUE = {
    "lump_sum": "paid to households as a lump sum",
    "income_tax": "used to lower the tax on labour income",
}


def heading(res: GEResult) -> str:
    """Give one line: scenario, model, size."""
    size = f"{len(res.world._countries)} countries, {len(res.world._products)} products"
    name = res.scenario.name or "Scenario"
    if not res.converged:
        return f"{name}: general equilibrium, {size}: NO SOLUTION ({res.info['cause']})"
    return f"{name}: general equilibrium, {size}"


def basis(res: GEResult) -> str:
    """Say on which world and closure a chart rests."""
    data = res.data
    year = f"World of {data.year}. " if data.year else ""
    source = f" Data: {data.source}." if data.source else ""
    return f"{year}General equilibrium: {closure_line(res)}; {theta_line(res)}.{source}"


def closure_line(res: GEResult) -> str:
    """Name the closure in a few words."""
    c = res.closure
    words = [f"deficits {c.deficits}", f"revenue {c.revenue}"]
    if c.labour_supply:
        words.append(f"labour supply {c.labour_supply:g}")
    for name in ("va_substitution", "input_substitution", "final_substitution"):
        if getattr(c, name) != 1.0:
            words.append(f"{name} {getattr(c, name):g}")
    return ", ".join(words)


def theta_line(res: GEResult) -> str:
    """Print theta and sigma, which are easily taken for each other."""
    theta = res.world._theta
    low, high = float(theta.min()), float(theta.max())
    if low == high:
        return f"trade elasticity theta {low:g} (substitution sigma {low + 1:g})"
    return (
        f"trade elasticity theta {low:g} to {high:g}, median {np.median(theta):g} (substitution "
        f"sigma = theta + 1, {low + 1:g} to {high + 1:g})"
    )


# ---- summary ------------------------------------------------------------------------------------


def summary(res: GEResult) -> pd.DataFrame:
    """Collect the main numbers; see `GEResult.summary`."""
    data, unit = res.data, res.world.value_unit
    found = res._flows()
    abroad = data._importer != data._exporter
    hit = res._touched() & abroad
    rows: dict[str, tuple[float, float, float, str]] = {}

    def before_after(item: str, old: float, new: float, kind: str = unit) -> None:
        rows[item] = (old, new, new - old, kind)

    if hit.any():
        before_after(
            "trade in the flows changed", data._value[hit].sum(), found.value_new[hit].sum()
        )
    before_after("all trade", data._value[abroad].sum(), found.value_new[abroad].sum())
    rate = res._tariff_collected(found)
    before_after(
        "import duty collected",
        float((data._tariff * data._value).sum()),
        float((rate * found.value_new).sum()),
    )
    if len(res.changes.limits):
        rows["rents of quantity controls"] = (
            np.nan,
            np.nan,
            float(res._flow_rents(found).sum()),
            unit,
        )
    welfare = res.welfare
    concerned = _concerned(res, hit)
    others = welfare.drop(concerned)
    most = others.abs().sort_values(ascending=False, kind="stable").index[:N_COUNTRIES]
    for country in [*concerned, *most]:
        rows[f"welfare, {country}"] = (np.nan, np.nan, float(welfare[country]), "fraction")
    before_after("income of all, real", 1.0, _world_index(res), "ratio")
    frame = pd.DataFrame.from_dict(
        rows, orient="index", columns=["baseline", "new", "change", "unit"]
    )
    frame.index.name = "item"
    frame.attrs["value_unit"] = unit
    frame.attrs["decimals"] = 2
    frame.attrs["unit"] = {"baseline": "see unit", "new": "see unit", "change": "see unit"}
    return frame


def _world_index(res: GEResult) -> float:
    """Spending-weighted mean of welfare ratios."""
    weight = res.world._income
    return float((weight * res._welfare()).sum() / weight.sum())


def _concerned(res: GEResult, hit: np.ndarray) -> list[str]:
    """Countries whose flows change most, at most two: the largest pair's importer and exporter."""
    data = res.data
    if not hit.any():
        return []
    n = len(data.countries)
    pair = data._importer[hit].astype(np.int64) * n + data._exporter[hit]
    value = np.bincount(pair, data._value[hit], minlength=n * n)
    top = int(np.argmax(value))
    return [str(data.countries[top // n]), str(data.countries[top % n])]


# ---- card ---------------------------------------------------------------------------------------


def card(res: GEResult) -> str:
    """Write the card: what was solved, how it is closed, what is assumed and not identified."""
    return f"{heading(res)}\n\n{body(res)}"


def body(res: GEResult) -> str:
    """Write the card without its heading."""
    lines = []
    for label, texts in (
        ("model", _model(res)),
        ("data", _data(res)),
        ("change", _change(res)),
        ("closure", _closure(res)),
        ("elasticities", _elasticities(res)),
        ("limits", _limits(res)),
        ("coverage", _coverage(res)),
        ("assumed", _assumed(res)),
        ("not identified", _not_identified(res)),
        ("solver", _solver(res)),
        ("warnings", [*res.info.get("warnings", ()), *_partial_limits(res)] or ["none"]),
    ):
        for k, text in enumerate(texts):  # a heading without text is left out
            lead = f"{label:<{LEAD}}" if k == 0 else " " * LEAD
            filled = textwrap.fill(text, 100, initial_indent=lead, subsequent_indent=" " * LEAD)
            lines.append(filled)
    return "\n".join(lines)


def _model(res: GEResult) -> list[str]:
    world, c = res.world, res.closure
    parts = ["Armington or Eaton-Kortum trade in exact changes from the baseline"]
    if (world._input_use != 0).any():
        ces = c.va_substitution != 1.0 or c.input_substitution != 1.0
        parts.append("input-output links " + ("with CES shares" if ces else "with fixed shares"))
    if world._rents.any():
        parts.append("pure profits of a fixed number of firms")
    if world._scale.any():
        parts.append("external economies of scale")
    return ["; ".join(parts) + "."]


def _data(res: GEResult) -> list[str]:
    data = res.data
    parts = [data.source or "tables of the user's"]
    parts += [str(data.year)] if data.year else []
    parts += [f"tariffs of {data.tariff_date}"] if data.tariff_date else []
    parts += [f"values in {data.value_unit}"]
    return ["; ".join(parts) + ".", *data.notes]


def _change(res: GEResult) -> list[str]:
    texts = []
    for rule in res.wedges.touched:
        money = money_scale(res.data.value_unit, rule.value)
        texts.append(f"{rule.rule}: {rule.rows:,} flows, {money.text(rule.value)}")
    return texts or ["none"]


def _closure(res: GEResult) -> list[str]:
    c, world = res.closure, res.world
    largest = int(np.argmax(np.abs(world._deficit)))
    size = float(world._deficit[largest])
    money = money_scale(world.value_unit, abs(size)).text(size)
    texts = [f"Deficits {DEFICITS[c.deficits]}. Largest at the baseline: "]
    texts[0] += (
        "none."
        if abs(size) <= 1e-9 * world._income[largest]
        else f"{world._countries[largest]}, {money}."
    )
    texts.append(f"Tariff and export-tax revenue is {REVENUE[c.revenue]}.")
    texts.append(
        "Labour is fixed in each country and moves freely between its products."
        if c.labour_supply == 0.0
        else f"Labour supply has elasticity {c.labour_supply:g} in the real wage after tax; it "
        "moves freely between products. Welfare is money-metric, leisure counted."
    )
    texts.append("Numeraire: world value added; wages, incomes and deficits are in its units.")
    return texts


def _elasticities(res: GEResult) -> list[str]:
    c, world = res.closure, res.world
    text = theta_line(res)
    texts = [text[0].upper() + text[1:] + "."]
    texts.append(
        f"Substitution: value added and inputs {c.va_substitution:g}, between inputs "
        f"{c.input_substitution:g}, between final goods {c.final_substitution:g} (1 is "
        "Cobb-Douglas)."
    )
    if world._scale.any():
        texts.append(f"Scale: psi up to {world._scale.max():g}.")
    if world._rents.any():
        low, high = float(world._rents.min()), float(world._rents.max())
        texts.append(f"Profits: {percent(low)} to {percent(high)} of revenue.")
    return texts


def _limits(res: GEResult) -> list[str]:
    if not len(res.changes.limits):
        return []
    table, rents = res.binding(), res.rents()
    texts = [f"{int(table['binding'].sum()):,} of {len(table):,} limits bind."]
    parts = {name: float(rents[name].sum()) for name in RECEIVERS}
    named = ", ".join(
        f"{name} {money_scale(res.world.value_unit, abs(amount)).text(amount)}"
        for name, amount in parts.items()
        if amount
    )
    if named:
        texts.append(
            f"Rents go to {named}: the shares are the scenario's; state and firms of a country are "
            "one income. A rent of the exporter acts as an export tax, one of the importer as a "
            "duty."
        )
    return texts


def _partial_limits(res: GEResult) -> list[str]:
    """Warn of limits on small parts of sectors: the average of the sector is what is limited."""
    if not len(res.changes.limits) or not res.converged:
        return []
    table, limits = res.binding(), res.changes.limits
    texts = []
    for k, rows in enumerate(limits.rows):
        part, limit = float(table["coverage"].iloc[k]), float(limits.given[k])
        if part >= SMALL_PART:
            continue
        floor = limits.source[k] == COMMITMENT
        held = percent(limit / float(res.data._value[rows].sum()))
        texts.append(
            f"Rule {limits.rule[k]} limits {percent(part)} of what is traded of "
            f"{limits.product[k]}, so that the sector as a whole is held to "
            f"{'at least ' if floor else ''}{held} of its quantity, which "
            f"{'binds' if table['binding'].iloc[k] else 'does not bind'}. Sectors have one price: "
            "a premium here says nothing of the goods named; use solve_pe for them."
        )
    return texts


def _coverage(res: GEResult) -> list[str]:
    table = res.coverage
    if table.empty:
        return []
    texts = []
    for number, part in table.groupby("rule"):
        low, high = part["coverage"].min(), part["coverage"].max()
        goods = ", ".join(sorted(set(part["product"])))
        proxies = sorted({_own_or(weights) for weights in part["weights"]})
        texts.append(
            f"Rule {number} names HS codes: it covers {percent(low)} to {percent(high)} of "
            f"{len(part):,} flows of {goods}, weighted by {'; '.join(proxies)} (res.coverage)."
        )
    return texts


def _own_or(weights: str) -> str:
    own = weights.startswith("US imports 2024 from ") and not weights.endswith(" all")
    return "own sales to the US in 2024" if own else weights


def _assumed(res: GEResult) -> list[str]:
    texts = [
        "Perfect competition, full employment of the labour supplied, no adjustment over time; "
        "tariffs are paid in full and on the border value."
    ]
    names = {r.instrument for r in res.scenario.rules}
    if "entity_list" in names:
        texts.append(
            "Lists of buyers scale the destination's taste for the origin; solve_pe splits the "
            "destination into listed buyers and the rest."
        )
    return texts


def _not_identified(res: GEResult) -> list[str]:
    texts = ["distribution within countries; short-run dynamics; exchange rates apart from wages"]
    if (res.world._deficit != 0.0).any():
        texts.append(
            "how deficits move: with deficits not zero, the split of welfare between terms of "
            "trade and transfers depends on the numeraire, and their closure can flip a sign"
        )
    return ["; ".join(texts) + "."]


def _solver(res: GEResult) -> list[str]:
    info = res.info
    residual = float(info["residual"])
    if not res.converged:
        return [f"NO SOLUTION: {info['cause']} (status {info['status']}); all numbers are NaN."]
    return [
        f"Largest residual of any market, relative to it, {residual:.1e} (tolerance "
        f"{info['tolerance']:.0e}) after {info['iterations']} steps; res.check() evaluates every "
        f"equation anew and passes below {LOOSE * info['tolerance']:.0e}."
    ]


def cite(res: GEResult) -> str:
    """Name sources, one a line; see `GEResult.cite`."""
    data = res.data
    licence = f" ({data.licence})" if data.licence else ""
    lines = [
        f"Data: {data.source or 'not stated'}{licence}",
        "Model: Caliendo, L. and Parro, F. (2015), Estimates of the trade and welfare effects of "
        "NAFTA, Review of Economic Studies 82, 1-44. doi:10.1093/restud/rdu035",
        "Exact changes: Dekle, R., Eaton, J. and Kortum, S. (2008), Global rebalancing with "
        "gravity, IMF Staff Papers 55, 511-540. doi:10.1057/imfsp.2008.17",
    ]
    if res.world._rents.any():
        lines.append(
            "Profits: Ossa, R. (2014), Trade wars and trade talks with data, American Economic "
            "Review 104, 4104-4146. doi:10.1257/aer.104.12.4104"
        )
    if {res.closure.va_substitution, res.closure.input_substitution} != {1.0}:
        lines.append(
            "CES links: Baqaee, D. R. and Farhi, E. (2024), Networks, barriers, and trade, "
            "Econometrica 92, 505-541. doi:10.3982/ECTA17513"
        )
    return "\n".join(lines)
