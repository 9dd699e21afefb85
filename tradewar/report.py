"""The main job: who pays, and where trade goes, when 100 points are added on Chinese goods.

`main_job` solves it and keeps the results, `main_text` writes them in at most 40 lines of at most
100 characters.  Every number in the text is one of a table of the results.
"""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass

import pandas as pd

import tradewar as tw
from tradewar import controls, welfare
from tradewar.cases import (
    DEFAULT_SET,
    FINITE_SUPPLY,
    HIGH_SUPPLY,
    IMPORTER,
    PARTNER,
    Case,
    bn,
    counted_warnings,
    moved,
    october_2025,
    percent,
    plus,
    points,
    revenue_peak,
    side_by_side,
    solve_case,
)
from tradewar.codes import country_name
from tradewar.data import TradeData
from tradewar.pe_result import PEResult

__all__ = ["MainJob", "datasets_text", "main_job", "main_text"]

RATE = 1.0  # added to every duty on Chinese goods: 100 points
SETS = (DEFAULT_SET, "long_run", "bw2006", "protee")
COMPLEMENTS = "demand exceeds substitution"  # how the solver begins this warning
PARAMETERS = ("substitution", "demand", "supply", "home_substitution")
MILLION = 1e6  # the unit of world_trade_2022 in USD


@dataclass(frozen=True, slots=True)
class MainJob:
    """What the main job solved.

    Attributes
    ----------
    data : TradeData
        US imports of 2024.
    cases : dict of (set, supply) -> Case
    peaks : dict of set -> (rate, revenue)
        See `revenue_peak`.
    world : PEResult
        The same change in ``world_trade_2022``, from its own baseline.
    world_data : TradeData
        ``world_trade_2022`` itself.
    controls : controls.Answer
        Magnets and soybeans.
    welfare : welfare.Answer
        The same points in general equilibrium, alone and mirrored, from 2022 and its duties.
    caught : tuple of str
        Texts of all warnings, in order.
    """

    data: TradeData
    cases: dict[tuple[str, float], Case]
    peaks: dict[str, tuple[float, float]]
    world: PEResult
    world_data: TradeData
    controls: controls.Answer
    welfare: welfare.Answer
    caught: tuple[str, ...]


def main_job(rate: float = RATE) -> MainJob:
    """Solve the baseline of October 2025 and `rate` on China on top, under several elasticities."""
    with counted_warnings() as caught:
        data = tw.datasets.us_imports_2024()
        baseline, change = october_2025(data), plus(rate)
        pairs = [(name, supply) for name in SETS for supply in (math.inf, FINITE_SUPPLY)]
        pairs.append((SETS[0], HIGH_SUPPLY))
        cases = {
            pair: solve_case(data, change, elasticities=pair[0], supply=pair[1], baseline=baseline)
            for pair in pairs
        }
        peaks = {name: revenue_peak(cases[name, math.inf]) for name in SETS}
        world = tw.datasets.world_trade_2022()
        result = tw.solve_pe(world.rebase(tw.solve_pe(world, october_2025(world))), change)
        limits = controls.ask()
        economies = welfare.ask(welfare.Question(rate=rate))
    return MainJob(data, cases, peaks, result, world, limits, economies, tuple(caught))


def main_text(job: MainJob) -> str:
    """Write the main job in at most 40 lines of at most 100 characters."""
    lines = [
        *_head(job),
        *_trade(job),
        "",
        *_incidence(job),
        *_movers(job),
        *_deflection(job),
        *controls.main_lines(job.controls),
        *_card(job),
    ]
    return "\n".join(line.rstrip() for line in lines)


# ---- Text ------------------------------------------------------------------------------------


def _head(job: MainJob) -> list[str]:
    partners = job.data.extra["counts"]["partners"]
    return [
        f"tradewar {tw.__version__}: who pays if the US adds {100 * RATE:.0f} points to its duties "
        "on Chinese goods?",
        f"US customs 2024, HS6, {partners} partners. Baseline: 2024 duty + all added by 14 October "
        "2025, solved.",
    ]


def _trade(job: MainJob) -> list[str]:
    counts, partners = job.data.extra["counts"], job.data.extra["partners"]
    case = job.cases[DEFAULT_SET, math.inf]
    money, duty = {}, {}
    for exporter in (PARTNER, None):
        flows = job.data.flows
        flows = flows if exporter is None else flows[flows["exporter"] == exporter]
        now = case.totals(exporter)
        money[exporter] = (flows["value"].sum(), now["value"], now["value_new"])
        before = (flows["value"] * flows["tariff"]).sum()
        duty[exporter] = (before, now["revenue"], now["revenue_new"])
    rows = {
        "Imports from China": money[PARTNER],
        f"Imports from all {counts['partners']} partners": money[None],
        "Duty collected on Chinese goods": duty[PARTNER],
        "Duty collected on all goods": duty[None],
    }
    columns = ("2024", "October 2025", f"+{100 * RATE:.0f} points", "change")
    lines = [
        f"{f'bn USD a year ({DEFAULT_SET}, inf)':34}" + "".join(f"{name:>14}" for name in columns)
    ]
    for label, (was, base, after) in rows.items():
        cells = (bn(was), bn(base), bn(after), bn(after - base, "+"))
        line = f"{label:34}" + "".join(f"{cell:>14}" for cell in cells)
        lines.append(f"{line}{percent(after / base - 1.0, '+'):>10}")
    rate, most = job.peaks[DEFAULT_SET]
    rates = [percent(d / v) for d, v in zip(duty[PARTNER], money[PARTNER], strict=True)]
    line = f"{'Average duty on Chinese goods':34}" + "".join(f"{rate:>14}" for rate in rates)
    lines.append(f"{line}{f'duty peak: {bn(most)} at {points(rate)}':>24}")
    held = partners.loc[partners["exporter"] == PARTNER, "held_out"].item()
    welfare = case.result.countries.loc[IMPORTER].to_dict()
    price = case.result.basket_price_change(IMPORTER).iloc[0]
    return [
        *lines,
        f"China: {counts['china_products_listed']:,} of {counts['products_listed']:,} products "
        f"listed ({counts['products']:,} have a value); HS 98-99 beside, {bn(held)} of "
        f"{bn(counts['china_value_all_goods'])} in 2024.",
        f"Such goods of all origins cost {percent(price, '+')}. US buyers and producers lose "
        f"{bn(-welfare['consumer_surplus_change'])}, the Treasury gains "
        f"{bn(welfare['revenue_change'])}.",
    ]


def _incidence(job: MainJob) -> list[str]:
    lines = [
        "WHO BEARS the change in duty on Chinese goods: buyers + exporters + lost old revenue "
        "= change",
        f"{'':20}{'supply inf (assumed: exporters 0)':>35}{f'supply {FINITE_SUPPLY:g}':>35}"
        f"{'duty':>8}",
        f"{'substitution':20}{'imports':>10}{'buyers':>8}{'lost':>8}{'change':>9}"
        f"{'buyers':>9}{'exporters':>10}{'lost':>8}{'change':>8}{'peaks':>8}",
    ]
    changes, shares = [], []
    for name in SETS:
        given, case = job.cases[name, math.inf], job.cases[name, FINITE_SUPPLY]
        old, new = given.paid, case.paid
        changes += [old["revenue_change"], new["revenue_change"]]
        shares.append(new["importer_share"])
        lines.append(
            f"{name:11}{_substitution(name):9}{bn(given.totals(PARTNER)['value_new']):>10}"
            f"{bn(old['buyers']):>8}{bn(old['lost_old_revenue'], '+'):>8}"
            f"{bn(old['revenue_change'], '+'):>9}{bn(new['buyers']):>9}{bn(new['exporters']):>10}"
            f"{bn(new['lost_old_revenue'], '+'):>8}{bn(new['revenue_change'], '+'):>8}"
            f"{points(job.peaks[name][0]):>8}"
        )
    high = job.cases[DEFAULT_SET, HIGH_SUPPLY].paid["importer_share"]
    return [
        *lines,
        f"Change {bn(min(changes), '+')} to {bn(max(changes), '+')}: sign open. Buyers' part of "
        f"added duty: {100 * min(shares):.1f} to {percent(max(shares))} at {FINITE_SUPPLY:g}, "
        f"{percent(high)} at {HIGH_SUPPLY:g}.",
    ]


def _substitution(name: str) -> str:
    """Write a set's elasticity of substitution in a word."""
    value = tw.elasticities.get_set(name).substitution
    if isinstance(value, pd.Series):
        return f"by HS{value.index.str.len().max()}"
    return f"{value:g}"


def _movers(job: MainJob) -> list[str]:
    result = job.cases[DEFAULT_SET, math.inf].result
    gains = result.top(11, of="exporter", order="largest")
    gains = gains[gains["exporter"] != PARTNER][:10]
    losses = result.top(10, exporter=PARTNER)
    partners = [moved(row, width=14) for row in gains.to_dict("records")]
    products = [moved(row, width=29, part=False) for row in losses.to_dict("records")]
    return side_by_side(
        ["TEN PARTNERS THAT GAIN MOST", *partners],
        ["TEN PRODUCTS THAT MOVE MOST, China", *products],
        welfare.main_rows(job.welfare),
        widths=(33, 39),
    )


def _deflection(job: MainJob) -> list[str]:
    table = job.world.deflection(importer=IMPORTER, exporter=PARTNER)
    lost = table.groupby("role")["share"].sum()
    others = table[table["role"] == "other"]
    n = 3
    most = [
        f"{country_name(row['importer'])} {percent(row['share'])}"
        for row in others[:n].to_dict("records")
    ]
    flows = job.world_data.flows
    flows = flows[(flows["exporter"] == PARTNER) & (flows["importer"] == IMPORTER)]
    now = table.loc[table["role"] == "imposer", ["value", "value_new"]].sum()
    sold = [flows["value"].sum(), now["value"], now["value_new"]]
    gains = job.world.diversion(importer=IMPORTER, exporter=PARTNER).groupby("role")["share"].sum()
    return [
        f"CHINA'S LOST EXPORTS (OECD 2022, {len(job.world.data.products)} sectors, long run; "
        f"to the US {' -> '.join(bn(MILLION * x) for x in sold)} bn)",
        f"not made {percent(lost['supply cut'])}, sold in China {percent(lost['home'])}, "
        f"{', '.join(most)}, {len(others) - n} more {percent(others['share'][n:].sum())};",
        f"in the US: US producers replace {percent(gains['home'])}, other countries "
        f"{percent(gains['other'])}, {percent(gains['lost demand'])} is no longer bought.",
    ]


def _card(job: MainJob) -> list[str]:
    demand = tw.elasticities.get_set(DEFAULT_SET).demand
    return [
        f"ASSUMED   One added rate for all goods of a partner; import demand {demand:g}; inf: "
        "border prices given;",
        f"          {FINITE_SUPPLY:g} to {HIGH_SUPPLY:g}: what production supply of 1 to 4 leaves "
        "to a buyer of 13 % of the exports.",
        welfare.main_card(job.welfare),
        "NOT KNOWN Gains of US producers, from customs data. NOT IN IT Transshipment, stocks, "
        "retail, time.",
        _warnings(job),
    ]


def _warnings(job: MainJob) -> str:
    counts = []
    for name in SETS:
        result = job.cases[name, math.inf].result
        n = int((result.demand.values > result.substitution.values).sum())
        if n:
            counts.append(f"{name} {n}")
    other = [text for text in job.caught if not text.startswith(COMPLEMENTS)]
    line = f"WARNINGS  {len(job.caught)}"
    if counts:
        line += (
            f": demand above substitution, so rivals lose: {', '.join(counts)} of "
            f"{len(job.data.products):,} products"
        )
    return f"{line}; {len(other)} other: {other[0]}" if other else f"{line}."


def datasets_text() -> str:
    """List the data sets and the elasticity sets with their sources."""
    lines = ["DATA, functions of tradewar.datasets"]
    for row in tw.datasets.list().to_dict("records"):
        lines += _entry(row["name"], f"{row['what']}; {row['rows']:,} flows, {row['unit']}")
        lines += _entry("", f"{row['source']} ({row['licence']})")
    lines += ["", "ELASTICITIES, names for substitution=, demand=, supply="]
    for row in tw.elasticities.list_sets().to_dict("records"):
        values = [f"{name} {row[name]}" for name in PARAMETERS if row[name] != "none"]
        lines += _entry(row["name"], "; ".join(values))
        lines += _entry("", f"{row['source']}. {row['caveats']}")
    return "\n".join(lines)


def _entry(name: str, text: str) -> list[str]:
    indent = " " * 18
    return textwrap.wrap(text, 100, initial_indent=f"{name:17} ", subsequent_indent=indent)
