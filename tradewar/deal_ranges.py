"""What of the game of the talks survives other elasticities and closures, for the command line."""

from __future__ import annotations

from typing import Any

import numpy as np

from tradewar.payoff_table import Payoffs
from tradewar.self_enforcing import SelfEnforcement

__all__ = ["CLOSURES", "ELASTICITIES", "ranges_lines", "ranges_record"]

# A low and a high set beside the embedded one of 3 to 4, and the closures of notebook 08.
ELASTICITIES = {"elasticity 2": 2.0, "elasticity 8": 8.0}
CLOSURES: dict[str, dict[str, Any]] = {
    "no deficits": {"deficits": "purged"},
    "deficits move with income": {"deficits": "income"},
    "elastic labour": {"labour_supply": 0.5},
    "fixed recipes": {
        "input_substitution": 0.1,
        "va_substitution": 0.1,
        "final_substitution": 0.5,
    },
}


def ranges_record(game: Payoffs, holds: SelfEnforcement, unit: str) -> dict[str, Any]:
    """Give the ranges of payoffs and the shares of cases in which equilibria and the deal hold.

    Parameters
    ----------
    game : Payoffs
        Of several variants.
    holds : SelfEnforcement
        Of the deal, over the same variants.
    unit : str
        Of payoffs.

    Returns
    -------
    dict
        cases (labels); payoffs: the two strategies, player, payoff (base), low, high, sign_share
        (fraction of cases with the sign of the base); equilibria: the two strategies and share
        (fraction of cases in which the base's equilibrium is one); deal: holds_share (some
        discount factor keeps both in), no_threat_share (nobody gains from deviating).
    """
    factors = holds.discount_factors
    columns = [*game.players, "share"]
    return {
        "cases": list(game.variants),
        "payoffs": game.ranges(unit).to_dict("records"),
        "equilibria": game.equilibria()[columns].to_dict("records"),
        "deal": {
            "holds_share": float(np.mean(~np.isnan(factors))),
            "no_threat_share": float(np.mean(factors == 0.0)),
        },
    }


def ranges_lines(game: Payoffs, holds: SelfEnforcement, unit: str) -> list[str]:
    """Write `ranges_record` for a terminal."""
    found = ranges_record(game, holds, unit)
    count = len(found["cases"])
    head = "".join(f"{word:>12}" for _ in game.players for word in ("base", "lowest", "highest"))
    names = "".join(f"{player:>36}" for player in game.players)
    lines = [
        f"ranges over {count} cases: elasticities as embedded, 2 and 8, times the closures base, "
        f"{', '.join(CLOSURES)}",
        f"{', '.join(game.players):24}{names}",
        f"{'':24}{head}",
    ]
    cells: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in found["payoffs"]:
        cells.setdefault((row[game.players[0]], row[game.players[1]]), []).append(row)
    for cell, rows in cells.items():
        numbers = (row[key] for row in rows for key in ("payoff", "low", "high"))
        shown = "".join(f"{round(number, 2) + 0.0:>+12.2f}" for number in numbers)
        lines.append(f"{', '.join(cell):24}{shown}")
    turned = sum(row["sign_share"] < 1.0 for row in found["payoffs"])
    lines.append(
        f"signs: the same in all cases but for {turned} of {len(found['payoffs'])} payoffs"
    )
    for row in found["equilibria"]:
        pair = ", ".join(str(row[player]) for player in game.players)
        lines.append(f"equilibrium ({pair}): in {round(row['share'] * count)} of {count} cases")
    held, free = (round(found["deal"][key] * count) for key in ("holds_share", "no_threat_share"))
    lines.append(
        f"the deal holds at some discount factor in {held} of {count} cases, with nobody tempted "
        f"in {free}"
    )
    return lines
