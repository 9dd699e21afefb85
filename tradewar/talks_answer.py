"""The talks on the command line: every scenario from the status quo of 25 October 2025.

`ask` solves them, `text` and `record` write them, `main_rows` and `main_card` are the main
job's lines.
"""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from typing import Any

import pandas as pd

import tradewar as tw
from tradewar.cases import counted_warnings, side_by_side
from tradewar.codes import country_name
from tradewar.world import World

__all__ = ["Answer", "ask", "main_card", "main_rows", "record", "text"]

SIDES = ("USA", "CHN")
THIRD = ("VNM", "MEX")
THOUSAND = 1e3  # a billion in the million USD of the world
BOTH_TARIFFS = "US threat + China mirrors"
# What the main job shows, in two columns.
LEFT = ("US threat", BOTH_TARIFFS, "escalation", "snap-back", "Phase One tariffs", "deal")
RIGHT = (
    "China mirrors",
    "rare-earth licences",
    "blacklist",
    "soybean freeze",
    "US terms of the deal",
    "China's terms of the deal",
)
BRIEF = {  # names in the narrow columns of the main job
    "rare-earth licences": "rare earths",
    "US terms of the deal": "US deal terms",
    "China's terms of the deal": "China's deal terms",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What was solved.

    Attributes
    ----------
    start : World
        ``icio_2022`` at the status quo.
    table : DataFrame
        Of `talks.compare`.
    warnings : tuple of str
    """

    start: World
    table: pd.DataFrame
    warnings: tuple[str, ...]


def ask() -> Answer:
    """Solve the scenarios of the talks, and both sides' tariffs together, on ``icio_2022``."""
    with counted_warnings() as caught:
        start = tw.talks.baseline(tw.datasets.icio_2022())
        listed = [make() for make in tw.talks.SCENARIOS]
        listed.append((tw.talks.us_threat() + tw.talks.china_mirror()).named(BOTH_TARIFFS))
        table = tw.talks.compare(start, listed, rebased=True)
    assert isinstance(start, World)
    return Answer(start, table, tuple(dict.fromkeys(caught)))


def _welfare(answer: Answer) -> pd.DataFrame:
    return answer.table.pivot(index="scenario", columns="country", values="welfare_change")


def main_rows(answer: Answer) -> list[str]:
    """Write the main job's lines: a title, and twelve scenarios in two columns."""
    wide = 100 * _welfare(answer)
    names = (*SIDES, *THIRD)
    head = "".join(f"{name:>7}" for name in ("US", "China", "Vietn.", "Mexico"))

    def column(scenarios: tuple[str, ...], width: int) -> list[str]:
        return [
            f"{BRIEF.get(name, name):{width}}"
            + "".join(f"{value:>+7.2f}" for value in wide.loc[name, list(names)])
            for name in scenarios
        ]

    title = "THE TALKS, welfare, %"
    left = [f"{title:25}{head}", *column(LEFT, 25)]
    right = [f"{'':18}{head}", *column(RIGHT, 18)]
    return side_by_side(left, right, widths=(54,))


def main_card(answer: Answer) -> str:
    """Write the closure of the main job's lines in a line of at most 100 characters."""
    world = answer.start
    theta = world.parameters["theta"]
    return (
        f"TALKS     {len(world.countries)} economies; {len(world.products)} sectors dilute limits; "
        f"deficits fixed; theta {theta.min():g} to {theta.max():g}; residual "
        f"{answer.table.attrs['residual']:.0e}."
    )


def text(answer: Answer) -> str:
    """Write all scenarios for a terminal, 100 columns wide, with what each assumes."""
    table, others = answer.table, answer.table["country"].unique()
    names = [c for c in others if c not in SIDES]
    lines = [
        "THE TALKS of 25-26 October 2025, from the duties of that day, general equilibrium",
        f"{'':26}{'US':>8}{'bn USD':>9}{'China':>8}{'bn USD':>9}   most affected otherwise",
    ]
    for name in dict.fromkeys(table["scenario"]):
        rows = table[table["scenario"] == name].set_index("country")
        parts = []
        for side in SIDES:
            parts.append(f"{100 * rows.loc[side, 'welfare_change']:>+6.2f} %")
            parts.append(f"{rows.loc[side, 'ev'] / THOUSAND:>+9.1f}")
        change = rows.loc[names, "welfare_change"]
        most = change.abs().sort_values(ascending=False, kind="stable").index[:2]
        said = ", ".join(f"{country_name(c)} {100 * change[c]:+.2f} %" for c in most)
        lines.append(f"{name[:25]:26}{''.join(parts)}   {said if name != 'status quo' else ''}")
    lines += ["", "what each assumes"]
    for name, note in table.attrs["assumes"].items():
        if note:
            lines.append(f"{name}: {note}")
    lines += ["", *(f"warning: {text}" for text in answer.warnings)]
    return "\n".join(_wrapped(lines)).rstrip()


def _wrapped(lines: list[str]) -> list[str]:
    out: list[str] = []
    for line in lines:
        out += textwrap.wrap(line, 100, subsequent_indent="  ") if len(line) > 100 else [line]
    return [line.rstrip() for line in out]


def record(answer: Answer) -> str:
    """Write the table as JSON: welfare as fractions, money in million USD."""
    said: dict[str, Any] = {
        "unit": answer.table.attrs["unit"],
        "assumes": answer.table.attrs["assumes"],
        "table": answer.table.to_dict("records"),
        "warnings": list(answer.warnings),
    }
    return json.dumps(said, indent=1, allow_nan=False)
