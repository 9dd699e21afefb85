"""The talks as a game on the command line: hold, execute the threat, or concede.

`ask` solves the nine cells, on request over elasticity sets and closures too, `text` and `record`
write them, `main_lines` are the main job's two.
"""

from __future__ import annotations

import json
import math
import textwrap
from dataclasses import dataclass
from typing import Any

import pandas as pd

import tradewar as tw
from tradewar.cases import counted_warnings
from tradewar.codes import country_name
from tradewar.deal_ranges import CLOSURES, ELASTICITIES, ranges_lines, ranges_record
from tradewar.payoff_table import CANNOT_PRICE, Payoffs
from tradewar.scenario import Scenario
from tradewar.self_enforcing import SelfEnforcement
from tradewar.world import World

__all__ = ["Answer", "ask", "main_lines", "record", "text"]

USA, CHINA = "USA", "CHN"
HOLD, EXECUTE, CONCEDE = "hold", "execute", "concede"
DEAL, NO_DEAL = (CONCEDE, CONCEDE), (EXECUTE, EXECUTE)
UNIT = "USD bn"
WIDTH = 100


@dataclass(frozen=True, slots=True)
class Answer:
    """What was solved.

    Attributes
    ----------
    strategies : dict of player -> dict of strategy -> Scenario
    game : Payoffs
        From ``icio_2022`` at the status quo of 25 October 2025.
    holds : SelfEnforcement
        Of both conceding, against both executing ever after.
    warnings : tuple of str
    """

    strategies: dict[str, dict[str, Scenario]]
    game: Payoffs
    holds: SelfEnforcement
    warnings: tuple[str, ...]


def ask(start: World | None = None, *, ranges: bool = False) -> Answer:
    """Solve the game.

    Parameters
    ----------
    start : World, optional
        ``icio_2022`` at the status quo of 25 October 2025, where it is solved already.
    ranges : bool, default False
        Solve it over the elasticity sets and closures of `deal_ranges` as well.
    """
    talks = tw.talks
    strategies = {
        USA: {
            HOLD: talks.status_quo(),
            EXECUTE: talks.us_threat() + talks.blacklist(),
            CONCEDE: talks.us_deal_terms(),
        },
        CHINA: {
            HOLD: talks.status_quo(),
            EXECUTE: talks.china_mirror() + talks.rare_earth_licences() + talks.soybean_freeze(),
            CONCEDE: talks.china_deal_terms(),
        },
    }
    with counted_warnings() as caught:
        world = talks.baseline(tw.datasets.icio_2022()) if start is None else start
        assert isinstance(world, World)
        game = tw.payoffs(
            world,
            elasticities=ELASTICITIES if ranges else None,
            closures=CLOSURES if ranges else None,
            USA=strategies[USA],
            CHN=strategies[CHINA],
        )
        holds = game.self_enforcing(deal=DEAL, no_deal=NO_DEAL)
    return Answer(strategies, game, holds, tuple(dict.fromkeys(caught)))


def best_replies(answer: Answer, player: str, other: str) -> list[str]:
    """Give the strategies that bring `player` most where the other side plays `other`."""
    table = answer.game.table(UNIT).xs(player, axis=1, level="payoff of")
    payoffs = table[other] if player == answer.game.players[0] else table.loc[other]
    most = payoffs.max()
    return [str(name) for name in payoffs.index[payoffs >= most - 1e-9 * abs(most)]]


def terms(answer: Answer) -> pd.DataFrame:
    """Give the payoffs of deal and no deal by player, in bn USD, and the critical factor."""
    table = answer.game.table(UNIT)
    factor = answer.holds.table.set_index("player")["discount_factor"]
    rows = {
        player: {
            "deal": _at(table, *DEAL, player),
            "no_deal": _at(table, *NO_DEAL, player),
            "discount_factor": factor[player],
        }
        for player in answer.game.players
    }
    return pd.DataFrame(rows).T


def _at(table: pd.DataFrame, row: str, column: str, player: str) -> float:
    """Take a player's payoff in a cell."""
    return float(table[column, player].to_dict()[row])


def _factor(value: float) -> str:
    """Write the least discount factor that keeps a side in the deal."""
    if math.isnan(value):
        return "none"
    return f"{value:.2f}" if value > 0.0 else "any"


def _money(value: float) -> str:
    return f"{round(value, 2) + 0.0:+.2f}"  # no minus before a zero


def main_lines(answer: Answer) -> list[str]:
    """Write the main job's two lines, at most 100 characters each.

    The discount factor is the least that keeps the side in the deal, where the other answers a
    breach by no deal ever after.
    """
    lines = []
    for player, row in terms(answer).iterrows():
        replies = [" or ".join(best_replies(answer, str(player), s)) for s in (EXECUTE, HOLD)]
        name = "US" if player == USA else country_name(str(player))
        lines.append(
            f"{'GAME ' + name:11}reply to execute: {replies[0]}, hold: {replies[1]}; "
            f"deal {row['deal']:+.1f}, no deal {row['no_deal']:+.1f} bn; "
            f"discount {_factor(row['discount_factor'])}"
        )
    return lines


def text(answer: Answer) -> str:
    """Write the game for a terminal, 100 columns wide."""
    game = answer.game
    table = game.table(UNIT)
    lines = [
        "DEAL OR NO DEAL, from the duties of 25 October 2025: welfare of both sides, bn USD a year",
        "",
    ]
    lines.append(
        f"{'US, down; China, across':28}" + "".join(f"{s:>24}" for s in game.strategies[1])
    )
    heads = "".join(f"{name:>12}" for _ in game.strategies[1] for name in ("US", "China"))
    lines.append(f"{'':28}{heads}")
    for row in game.strategies[0]:
        cells = (_at(table, row, s, p) for s in game.strategies[1] for p in game.players)
        lines.append(f"{row:28}" + "".join(f"{_money(cell):>12}" for cell in cells))
    lines.append("")
    found = game.equilibria()
    pairs = [f"({r}, {c})" for r, c in found[list(game.players)].itertuples(index=False)]
    lines.append(f"pure equilibria: {', '.join(pairs) if pairs else found.attrs['note']}")
    for step in game.dominance().to_dict("records"):
        kind = f"round {step['round']}" if step["round"] else "weakly, not deleted"
        lines.append(
            f"{step['player']}: {step['strategy']} is dominated by {step['dominated_by']} ({kind})"
        )
    for player in game.players:
        for other in game.strategies[0]:
            replies = " or ".join(best_replies(answer, player, other))
            lines.append(f"{player}: best reply to {other}: {replies}")
    lines.append(f"the deal: {answer.holds.verdict()}")
    if len(game.variants) > 1:
        lines += ["", *ranges_lines(game, answer.holds, UNIT)]
    lines += ["", "strategies"]
    for player, strategies in answer.strategies.items():
        for name, scenario in strategies.items():
            lines.append(f"{player} {name} ({scenario.name}): {scenario.note}")
    lines += ["", CANNOT_PRICE, f"Solved: {game.basis}"]
    lines += [f"warning: {text}" for text in answer.warnings]
    return "\n".join(_wrapped(lines))


def _wrapped(lines: list[str]) -> list[str]:
    out: list[str] = []
    for line in lines:
        out += textwrap.wrap(line, WIDTH, subsequent_indent="  ") if len(line) > WIDTH else [line]
    return [line.rstrip() for line in out]


def record(answer: Answer) -> str:
    """Write the game as JSON: payoffs in bn USD, null where no discount factor suffices."""
    game = answer.game
    table = game.table(UNIT)
    found = game.equilibria()
    critical = terms(answer)["discount_factor"]
    said: dict[str, Any] = {
        "unit": "bn USD",
        "players": list(game.players),
        "strategies": {
            player: {name: scenario.note for name, scenario in strategies.items()}
            for player, strategies in answer.strategies.items()
        },
        "payoffs": [
            {
                USA: row,
                CHINA: column,
                "payoff": {player: _at(table, row, column, player) for player in game.players},
            }
            for row in game.strategies[0]
            for column in game.strategies[1]
        ],
        "equilibria": found[list(game.players)].to_dict("records"),
        "dominance": game.dominance().to_dict("records"),
        "best_replies": {
            player: {
                other: best_replies(answer, player, other) for other in (HOLD, EXECUTE, CONCEDE)
            }
            for player in game.players
        },
        "self_enforcing": {
            "deal": DEAL,
            "no_deal": NO_DEAL,
            "discount_factor": {
                str(player): None if math.isnan(value) else float(value)
                for player, value in critical.items()
            },
            "valid": answer.holds.valid,
            "verdict": answer.holds.verdict(),
        },
        "ranges": ranges_record(game, answer.holds, UNIT) if len(game.variants) > 1 else None,
        "not_priced": CANNOT_PRICE,
        "basis": game.basis,
        "warnings": list(answer.warnings),
    }
    return json.dumps(said, indent=1, allow_nan=False)
