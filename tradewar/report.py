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
from tradewar import controls, deal, steps, talks_answer
from tradewar.cases import (
    DEFAULT_SET,
    FINITE_SUPPLY,
    HIGH_SUPPLY,
    IMPORTER,
    PARTNER,
    Case,
    bn,
    counted_warnings,
    percent,
    plus,
    points,
    product_name,
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
WIDTH = 100  # columns
COMPLEMENTS = "demand exceeds substitution"  # how the solver begins this warning
PARAMETERS = ("substitution", "demand", "supply", "home_substitution")
TEN = 10  # partners and products listed


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
    steps : steps.Answer
        The calendar's last five steps.
    talks : talks_answer.Answer
        The scenarios of the talks in general equilibrium, from the duties of 25 October 2025.
    controls : controls.Answer
        Magnets and soybeans.
    game : deal.Answer
        Deal or no deal, from the same start.
    caught : tuple of str
        Texts of all warnings, in order.
    """

    data: TradeData
    cases: dict[tuple[str, float], Case]
    peaks: dict[str, tuple[float, float]]
    world: PEResult
    steps: steps.Answer
    talks: talks_answer.Answer
    controls: controls.Answer
    game: deal.Answer
    caught: tuple[str, ...]


def main_job(rate: float = RATE) -> MainJob:
    """Solve the baseline of 25 October 2025 and `rate` on China on top, by elasticities."""
    with counted_warnings() as caught:
        data = tw.datasets.us_imports_2024()
        baseline, change = tw.talks.status_quo(data), plus(rate)
        pairs = [(name, supply) for name in SETS for supply in (math.inf, FINITE_SUPPLY)]
        pairs.append((SETS[0], HIGH_SUPPLY))
        cases = {
            pair: solve_case(data, change, elasticities=pair[0], supply=pair[1], baseline=baseline)
            for pair in pairs
        }
        peaks = {name: revenue_peak(cases[name, math.inf]) for name in SETS}
        world = tw.talks.baseline(tw.datasets.world_trade_2022())
        assert isinstance(world, TradeData)
        elsewhere = tw.solve_pe(world, change)
        calendar = steps.ask(means=False)
        limits = controls.ask()
    talks = talks_answer.ask()
    game = deal.ask(talks.start)
    texts = (*caught, *talks.warnings, *game.warnings)
    return MainJob(data, cases, peaks, elsewhere, calendar, talks, limits, game, texts)


def main_text(job: MainJob) -> str:
    """Write the main job in at most 40 lines of at most 100 characters."""
    lines = [
        *_head(job),
        *steps.main_lines(job.steps),
        *_trade(job),
        *_incidence(job),
        *_movers(job),
        *talks_answer.main_rows(job.talks),
        _deflection(job),
        *controls.main_lines(job.controls),
        *_card(job),
        *deal.main_lines(job.game),
    ]
    return "\n".join(line.rstrip() for line in lines)


# ---- Text ------------------------------------------------------------------------------------


def _head(job: MainJob) -> list[str]:
    counts = job.data.extra["counts"]
    return [
        f"tradewar {tw.__version__}: who pays if the US adds {100 * RATE:.0f} points to its duties "
        "on Chinese goods?",
        f"US customs 2024, {counts['partners']} partners; China "
        f"{counts['china_products_listed']:,} of {counts['products_listed']:,} HS6 products. "
        "Baseline: 25 October 2025, solved.",
    ]


def _trade(job: MainJob) -> list[str]:
    case = job.cases[DEFAULT_SET, math.inf]
    flows = job.data.flows
    flows = flows[flows["exporter"] == PARTNER]
    now = case.totals(PARTNER)
    money = (flows["value"].sum(), now["value"], now["value_new"])
    duty = ((flows["value"] * flows["tariff"]).sum(), now["revenue"], now["revenue_new"])
    columns = ("2024", "October 2025", f"+{100 * RATE:.0f} points", "change")
    lines = [
        f"{f'bn USD a year ({DEFAULT_SET}, inf)':34}" + "".join(f"{name:>14}" for name in columns)
    ]
    rows = {"Imports from China": money, "Duty collected on Chinese goods": duty}
    for label, (was, base, after) in rows.items():
        cells = (bn(was), bn(base), bn(after), bn(after - base, "+"))
        line = f"{label:34}" + "".join(f"{cell:>14}" for cell in cells)
        lines.append(f"{line}{percent(after / base - 1.0, '+'):>10}")
    rate, most = job.peaks[DEFAULT_SET]
    rates = [percent(d / v) for d, v in zip(duty, money, strict=True)]
    line = f"{'Average duty on Chinese goods':34}" + "".join(f"{rate:>14}" for rate in rates)
    welfare = case.result.countries.loc[IMPORTER].to_dict()
    price = case.result.basket_price_change(IMPORTER).iloc[0]
    return [
        *lines,
        f"{line}{f'duty peak: {bn(most)} at {points(rate)}':>24}",
        f"Such goods of all origins cost {percent(price, '+')}. US buyers and producers lose "
        f"{bn(-welfare['consumer_surplus_change'])}, the Treasury gains "
        f"{bn(welfare['revenue_change'])}.",
    ]


def _incidence(job: MainJob) -> list[str]:
    lines = [
        f"{'WHO BEARS the duty':20}{'supply inf (assumed: exporters 0)':>35}"
        f"{f'supply {FINITE_SUPPLY:g}':>35}{'duty':>8}",
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
    gains = result.top(TEN + 1, of="exporter", order="largest")
    gains = gains[gains["exporter"] != PARTNER][:TEN]
    losses = result.top(TEN, exporter=PARTNER)

    def cells(labels: list[str], changes: pd.Series, width: int) -> list[str]:
        return [
            f"{label[:width]:{width}}{bn(change, '+'):>6}"
            for label, change in zip(labels, changes, strict=True)
        ]

    partners = cells([country_name(c) for c in gains["exporter"]], gains["value_change"], 14)
    products = cells([product_name(c) for c in losses["product"]], losses["value_change"], 22)
    half = TEN // 2
    return side_by_side(
        ["TEN PARTNERS", *partners[:half]],
        ["GAIN MOST, bn USD", *partners[half:]],
        ["TEN PRODUCTS of China", *products[:half]],
        ["MOVE MOST, bn USD", *products[half:]],
        widths=(21, 21, 29),
    )


def _deflection(job: MainJob) -> str:
    """Say in a line what becomes of China's lost sales, and who fills them in the US."""
    table = job.world.deflection(importer=IMPORTER, exporter=PARTNER)
    lost = table.groupby("role")["share"].sum().to_dict()
    table = job.world.diversion(importer=IMPORTER, exporter=PARTNER)
    gains = table.groupby("role")["share"].sum().to_dict()
    made, home, other = (f"{100 * lost[role]:.0f}" for role in ("supply cut", "home", "other"))
    us, them, none = (f"{100 * gains[role]:.0f}" for role in ("home", "other", "lost demand"))
    return (
        f"LOST SALES, % (OECD 2022): not made {made}, China {home}, elsewhere {other}; "
        f"US buys own {us}, others' {them}, none {none}"
    )


def _card(job: MainJob) -> list[str]:
    demand = tw.elasticities.get_set(DEFAULT_SET).demand
    return [
        f"ASSUMED   Demand {demand:g}; inf: border prices given; {FINITE_SUPPLY:g} to "
        f"{HIGH_SUPPLY:g}: supply 1 to 4, 13 % of it for the US.",
        talks_answer.main_card(job.talks),
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
        line += f": demand above substitution: {', '.join(counts)} goods"
    if not other:
        return f"{line}."
    line += f"; {len(other)} other: "
    said = list(dict.fromkeys(other))
    room = (WIDTH - len(line)) // len(said) - 2
    return line + "; ".join(t if len(t) <= room else f"{t[: room - 3]}..." for t in said)


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
