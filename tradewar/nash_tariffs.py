"""Nash equilibria of governments: everyone's best response to everyone else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar.arena import Arena, make_arena
from tradewar.climb import TOP, best_of
from tradewar.closures import make_closure
from tradewar.errors import ConvergenceError, first_five
from tradewar.optimal import Objective, best_response, tied_response
from tradewar.policy_result import PolicyResult, make_result
from tradewar.scenario import Scenario
from tradewar.world import World

__all__ = ["nash", "play"]

Floats = NDArray[np.float64]

ROUNDS = 60  # of best responses, in all
REVISIONS = 4  # times that a deviation found by a fresh start is taken up
DEVIATION = 1e-8  # payoff that a deviation may gain
STILL = 1e-6  # change of ln(1 + t), or of a size, in a round that moved nothing
FIRST_TOP = 1e-3  # scaled slope of the first round; a tenth of it in each later one


def nash(
    world: World,
    players: Sequence[str],
    *,
    over: Any = None,
    start: Literal["factual", "free"] = "factual",
    bounds: tuple[float, float] | None = None,
    objective: Objective = "welfare",
    weights: Any = None,
    background: Scenario | None = None,
    deficits: str = "fixed",
    revenue: str = "lump_sum",
    labour_supply: float = 0.0,
    va_substitution: float = 1.0,
    input_substitution: float = 1.0,
    final_substitution: float = 1.0,
) -> PolicyResult:
    """Find a Nash equilibrium in tariffs or other instruments.

    Parameters
    ----------
    world : World
    players : sequence of str, two or more
    over : mapping, optional
        For each player a mapping of names to scenarios (of size 1) or Instruments, or options of
        `optimal_tariff` for its tariffs ("against", "products", "uniform", "bounds").  Players
        without an entry choose their import tariffs on all foreign partners and products.
    start : {"factual", "free"}
        Tariffs before the first round: today's, or none.  There may be several equilibria.
    bounds : two floats, fractions, optional
        Default 0 to 500 %, and up to today's rate where it is higher.
    objective, weights, background
        As in `optimal_tariff`.
    deficits, revenue, labour_supply, va_substitution, input_substitution, final_substitution
        Closure; as in `solve_ge`.

    Returns
    -------
    PolicyResult
        `welfare` against the world's baseline, `tariffs`, `scenario`, `gain_from_deviating`;
        `starts` has one row a round: the largest change of a choice, the largest scaled slope of
        a player's payoff, and evaluations.

    Raises
    ------
    ScenarioError
        Fewer than two players, an unknown one, bounds that exclude the start, an instrument that
        touches nothing.
    ConvergenceError
        Rounds do not settle, or a fresh best response gains more than 1e-8.

    Notes
    -----
    Gauss-Seidel: each player in turn climbs its payoff from where it stands.  A round that moves no
    variable by more than 1e-6 and leaves no slope ends the search; then each player's best response
    is sought anew from other starts, and taken up if it gains.
    """
    closure = make_closure(
        {
            "deficits": deficits,
            "revenue": revenue,
            "labour_supply": labour_supply,
            "va_substitution": va_substitution,
            "input_substitution": input_substitution,
            "final_substitution": final_substitution,
        }
    )
    arena = make_arena(
        world,
        players,
        over=over,
        rates={"bounds": bounds},
        objective=objective,
        weights=weights,
        background=background,
        closure=closure,
        least=2,
    )
    x, deviation, rounds = play(arena, arena.begin(start, "start"))
    payoffs, point = arena.payoff.at(x)
    return make_result(
        arena, "Nash equilibrium", x, point, payoffs, deviation, rounds, rounds=len(rounds)
    )


def play(arena: Arena, x: Floats) -> tuple[Floats, Floats, pd.DataFrame]:
    """Play best responses from `x` until nobody gains by deviating.

    Returns
    -------
    x : float array, all variables
    deviation : float array, gain of each player's best fresh deviation, at least 0
    rounds : DataFrame
    """
    count = len(arena.players)
    records: list[tuple[Any, ...]] = []
    first = True
    for _ in range(REVISIONS):
        x = _settle(arena, x, records, fresh=first)
        first = False
        deviation = np.zeros(count)
        moved = x.copy()
        payoffs, _ = arena.payoff.at(x)
        for player in range(count):
            climbs = best_response(arena, player, x)
            best = climbs[best_of(climbs)]
            deviation[player] = max(0.0, best.value - payoffs[player])
            if deviation[player] > DEVIATION:
                own = arena.policy.of(player)
                moved[own] = best.x[own]
        if deviation.max() <= DEVIATION:
            columns = ["round", "largest_change", "largest_slope", "evaluations"]
            return x, deviation, pd.DataFrame(records, columns=columns)
        x = moved
    gaining = [
        f"{player} {gain:.1e}"
        for player, gain in zip(arena.players, deviation, strict=True)
        if gain > DEVIATION
    ]
    raise ConvergenceError(
        "TW_NOCONV",
        len(records),
        float(deviation.max()),
        int(deviation.argmax()),
        x,
        arena.players,
        f"no Nash equilibrium found: after {len(records)} rounds a fresh best response still "
        f"gains ({first_five(gaining)} in the payoff, {DEVIATION:.0e} allowed); the players' best "
        "responses may jump, so that there is none in pure strategies: try another start, "
        "narrower bounds or other instruments",
    )


def _settle(arena: Arena, x: Floats, records: list[tuple[Any, ...]], *, fresh: bool) -> Floats:
    """Repeat best responses until a round moves nothing."""
    count = len(arena.players)
    top = FIRST_TOP
    while len(records) < ROUNDS:
        before, evaluations = x.copy(), 0
        for player in range(count):
            if fresh and not records:
                x, spent = tied_response(arena, player, x)
                evaluations += spent
            best = arena.respond(player, x, top=top)
            evaluations += best.evaluations
            x = best.x
        _, point = arena.payoff.at(x)
        slope = max(arena.slope(player, x, point) for player in range(count))
        change = float(np.abs(x - before).max())
        records.append((len(records) + 1, change, slope, evaluations))
        if change <= STILL and slope <= 2.0 * TOP:
            return x
        top = max(TOP, 0.1 * top)
    raise ConvergenceError(
        "TW_NOCONV",
        len(records),
        records[-1][2],
        -1,
        x,
        arena.players,
        f"best responses do not settle in {ROUNDS} rounds: the last moved a choice by "
        f"{records[-1][1]:.1e} and left a scaled slope of {records[-1][2]:.1e}; they may go round "
        "in a circle, so that there is no equilibrium in pure strategies",
    )
