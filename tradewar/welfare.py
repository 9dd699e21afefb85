"""Welfare in general equilibrium: who gains and loses when one country taxes another's goods.

`ask` solves a change alone and with the other side's answer, `text` and `record` write them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

import tradewar as tw
from tradewar.cases import counted_warnings, percent
from tradewar.codes import country_name
from tradewar.ge_result import GEResult

__all__ = [
    "DEFICITS",
    "WORLDS",
    "Answer",
    "Question",
    "ask",
    "record",
    "text",
]

WORLDS = {"icio_2022": tw.datasets.icio_2022, "icio_2017": tw.datasets.icio_2017}
USA, CHINA = "USA", "CHN"
DEFICITS = ("fixed", "zero", "purged", "income")
THOUSAND = 1e3  # a billion in the million USD of the worlds


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: `rate` is added to `importer`'s duties on goods of `partner`.

    Attributes
    ----------
    rate : float, fraction
    importer, partner : str
        Labels of the world.
    product : str or tuple of str
        Selector; "goods" leaves services out.
    world : str
        One of `WORLDS`.
    theta : float or None
        One trade elasticity for all sectors; None: those of the world.
    deficits : str
        Closure of `solve_ge`.
    """

    rate: float = 1.0
    importer: str = USA
    partner: str = CHINA
    product: str | tuple[str, ...] = "goods"
    world: str = "icio_2022"
    theta: float | None = None
    deficits: str = "fixed"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was solved: the change `alone`, and `both` with the partner's own duty of that size."""

    question: Question
    alone: GEResult
    both: GEResult
    warnings: tuple[str, ...]


def ask(question: Question | None = None) -> Answer:
    """Solve the change alone and with the partner's mirror tariff, as one batch."""
    asked = question or Question()
    load = WORLDS[asked.world]
    world = load() if asked.theta is None else load(theta=asked.theta)
    points = f"{100 * asked.rate:+g}"
    alone = tw.Scenario(f"{points} on {asked.partner}").tariff(
        importer=asked.importer, exporter=asked.partner, product=asked.product, add=asked.rate
    )
    mirror = tw.Scenario("mirror").tariff(
        importer=asked.partner, exporter=asked.importer, product=asked.product, add=asked.rate
    )
    both = (alone + mirror).named(f"{alone.name}, mirrored")
    with counted_warnings() as caught:
        runs = tw.solve_many(world, [alone, both], deficits=asked.deficits)
    return Answer(asked, runs[0], runs[1], tuple(dict.fromkeys(caught)))


def table(answer: Answer) -> pd.DataFrame:
    """Set both cases side by side, the two sides first, then the others by what they win."""
    alone, both = answer.alone.countries, answer.both.countries
    frame = pd.DataFrame(
        {
            "alone": alone["welfare_change"],
            "ev": alone["ev"] / THOUSAND,
            "both": both["welfare_change"],
            "ev_both": both["ev"] / THOUSAND,
            "wage": alone["wage_ratio"] - 1.0,
            "exports": alone["exports_new"] / alone["exports"] - 1.0,
        }
    )
    first = [answer.question.importer, answer.question.partner]
    rest = frame["ev"].drop(first).abs().sort_values(ascending=False, kind="stable").index
    return frame.loc[[*first, *rest]]


def trade(answer: Answer) -> dict[str, float]:
    """Give the importer's purchases from the partner, in billions: baseline, alone, both."""
    chosen = {}
    for name, result in (("alone", answer.alone), ("both", answer.both)):
        flows = result.flows
        hit = (flows["importer"] == answer.question.importer) & (
            flows["exporter"] == answer.question.partner
        )
        touched = hit & (flows["tariff_new"] != flows["tariff"])
        chosen["baseline"] = float(flows.loc[touched, "value"].sum()) / THOUSAND
        chosen[name] = float(flows.loc[touched, "value_new"].sum()) / THOUSAND
    return chosen


def text(answer: Answer, n: int = 12) -> str:
    """Write the answer for a terminal, 100 columns wide."""
    question, rows, sold = answer.question, table(answer), trade(answer)
    head = (
        f"tradewar {tw.__version__}: {100 * question.rate:+g} points of {question.importer} on "
        f"{_said(question.product)} of {question.partner}, general equilibrium"
    )
    lines = [
        head,
        f"Imports in the sectors touched: {sold['baseline']:,.1f} bn USD -> {sold['alone']:,.1f} "
        f"alone, {sold['both']:,.1f} with the same tariff in return.",
        "",
        f"{'':24}{'welfare':>10}{'bn USD':>10}{'mirrored':>10}{'bn USD':>10}{'wage':>10}"
        f"{'exports':>10}",
    ]
    shown = rows.head(n)
    for label, row in shown.iterrows():
        lines.append(
            f"{country_name(str(label))[:23]:24}{100 * row['alone']:>+8.2f} %{row['ev']:>+10.1f}"
            f"{100 * row['both']:>+8.2f} %{row['ev_both']:>+10.1f}{percent(row['wage'], '+'):>10}"
            f"{percent(row['exports'], '+'):>10}"
        )
    rest = rows.drop(shown.index)
    if len(rest):
        lines.append(
            f"{f'{len(rest)} others':24}{'':>10}{rest['ev'].sum():>+10.1f}{'':>10}"
            f"{rest['ev_both'].sum():>+10.1f}"
        )
    total = rows[["ev", "ev_both"]].sum()
    lines += [
        f"{'sum':24}{'':>10}{total['ev']:>+10.1f}{'':>10}{total['ev_both']:>+10.1f}",
        "",
        "Welfare: equivalent variation, also in bn USD of the baseline; wage: against the world's.",
        "",
        str(answer.alone.card),
        *(f"warning: {text}" for text in answer.warnings),
    ]
    return "\n".join(line.rstrip() for line in lines)


def _said(selector: str | tuple[str, ...]) -> str:
    if selector == "*":
        return "all products"
    return selector if isinstance(selector, str) else ", ".join(selector)


def record(answer: Answer) -> str:
    """Write the answer as JSON: fractions, and money in billions of USD."""
    said: dict[str, Any] = {
        "tradewar": tw.__version__,
        "question": asdict(answer.question),
        "unit": "bn USD",
        "trade": trade(answer),
        "countries": table(answer).rename_axis("country").reset_index().to_dict("records"),
        "card": str(answer.alone.card),
        "sources": answer.alone.cite().splitlines(),
        "warnings": list(answer.warnings),
    }
    return json.dumps(said, indent=1, allow_nan=False)
