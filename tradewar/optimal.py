"""The tariffs that serve one country best while all others keep theirs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from tradewar.arena import Arena, make_arena
from tradewar.climb import TOP, Climb, best_of
from tradewar.closures import make_closure
from tradewar.errors import ConvergenceError
from tradewar.policy_result import PolicyResult, make_result
from tradewar.scenario import Scenario
from tradewar.world import World

__all__ = ["best_response", "optimal_tariff"]

ROUGH = 3e-5  # scaled slope at which a rival start is compared with the first
HIGHER = 1e-8  # payoff by which it may turn out to be higher, so that it climbs on
WORSE = 1e-10  # a payoff below that of the best uniform tariff by more is refused

Uniform = Literal["none", "partners", "products", "all"]
Objective = Literal["welfare", "political", "revenue"]


def optimal_tariff(
    world: World,
    player: str,
    *,
    against: str | Sequence[str] | None = None,
    products: str | Sequence[str] | None = None,
    uniform: Uniform = "none",
    bounds: tuple[float, float] = (0.0, 5.0),
    objective: Objective = "welfare",
    weights: Any = None,
    over: Any = None,
    background: Scenario | None = None,
    deficits: str = "fixed",
    revenue: str = "lump_sum",
    labour_supply: float = 0.0,
    va_substitution: float = 1.0,
    input_substitution: float = 1.0,
    final_substitution: float = 1.0,
) -> PolicyResult:
    """Find the import tariffs that serve one country best, the others' measures fixed.

    Parameters
    ----------
    world : World
    player : str
        A country of the world.
    against, products : selectors, optional
        Partners and products whose tariffs are free; all foreign ones by default.  The rest keep
        their rates.
    uniform : {"none", "partners", "products", "all"}
        One rate for each flow; for each product, the same on all partners; for each partner, the
        same on all products; or one rate in all.
    bounds : two floats, fractions, default (0, 5)
        0 to 500 %.
    objective : {"welfare", "political", "revenue"}
        ln W; ln of real incomes of sectors weighted with `weights`; import duties over baseline
        income.
    weights : Series by product, or frame with columns country (optional), product, weight
        For ``objective="political"``; 1 is neutral, a sector of weight 1.3 counts 30 % more.
    over : mapping of names to scenarios or Instruments, optional
        Choose the sizes of these in place of tariffs.
    background : Scenario, optional
        Measures of others, or other measures of the player, that stay.
    deficits, revenue, labour_supply, va_substitution, input_substitution, final_substitution
        Closure; as in `solve_ge`.

    Returns
    -------
    PolicyResult
        `welfare`, `tariffs`, `scenario`, `starts` (what each start led to, and the best uniform
        tariff), `gain_from_deviating` (of the best other start over the answer; never above 0 but
        for rounding, since the best start is the answer).

    Raises
    ------
    ScenarioError
        An unknown player or partner, bounds that are none, an instrument that touches nothing.
    DataError
        Political weights are missing for a sector.
    ConvergenceError
        The optimiser stops short of a top, or below the best uniform tariff.

    Notes
    -----
    L-BFGS-B in ln(1 + t) on the adjoint gradient, each variable scaled by the root of (CES
    substitution times the baseline share in spending); from the best uniform tariff
    and from 1/theta.  Flows without trade have no tariff to choose.  `PolicyResult.second_order`
    says whether the answer is a strict maximum.

    References
    ----------
    Ossa, R. (2014), "Trade Wars and Trade Talks with Data", American Economic Review 104(12),
    doi:10.1257/aer.104.12.4104.
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
        [player],
        over=None if over is None else {player: over},
        rates={
            "against": against,
            "products": products,
            "uniform": uniform,
            "bounds": bounds,
        },
        objective=objective,
        weights=weights,
        background=background,
        closure=closure,
    )
    climbs = best_response(arena, 0, arena.policy.factual())
    best = best_of(climbs)
    x = climbs[best].x
    payoffs, point = arena.payoff.at(x)
    rivals = [c.value for name, c in climbs.items() if name != best]
    gain = max(0.0, max(rivals) - climbs[best].value) if rivals else 0.0
    return make_result(
        arena, "optimal tariff", x, point, payoffs, np.array([gain]), starts_frame(climbs, best)
    )


def best_response(
    arena: Arena, player: int, x: np.ndarray, *, near: bool = False
) -> dict[str, Climb]:
    """Climb a player's payoff from several starts, the others' choices fixed at `x`.

    Parameters
    ----------
    arena : Arena
    player : int
    x : float array, all variables
    near : bool
        Also climb from `x` itself.

    Returns
    -------
    mapping of starts to climbs
        "best uniform" is the best with all rates tied, and "from best uniform" what that becomes.

    Raises
    ------
    ConvergenceError
        The best of all is worse than the best uniform tariff.
    """
    policy = arena.policy
    own = policy.of(player)
    rates = _only_rates(arena, own)
    climbs: dict[str, Climb] = {}
    middle = x.copy()
    middle[own] = policy.monopsony()[own]
    if rates and own.sum() > 1:
        tied = x.copy()
        weight = policy.scale[own] ** 2
        tied[own] = float(np.average(middle[own], weights=weight))
        uniform = arena.respond(player, x, tied, tied=own)
        climbs["best uniform"] = uniform
        climbs["from best uniform"] = arena.respond(player, uniform.x)
    first = max((c.value for c in climbs.values()), default=-np.inf)
    name = "from 1/theta" if rates else "from half size"
    climbs[name] = arena.respond(player, x, middle, top=ROUGH if climbs else TOP)
    if climbs[name].value + climbs[name].slack > first + HIGHER:
        rest = arena.respond(player, climbs[name].x)
        spent = climbs[name].evaluations + rest.evaluations
        climbs[name] = rest._replace(evaluations=spent)
    if near:
        climbs["from here"] = arena.respond(player, x)
    if not rates:
        for name, edge in (("from the least size", policy.low), ("from full size", policy.high)):
            begin = x.copy()
            begin[own] = edge[own]
            climbs[name] = arena.respond(player, x, begin)
    best = climbs[best_of(climbs)]
    if "best uniform" in climbs and best.value < climbs["best uniform"].value - WORSE:
        raise ConvergenceError(
            "TW_NOCONV",
            best.evaluations,
            best.slope,
            -1,
            best,
            message="the optimum found is worse than the best uniform tariff: refused",
        )
    return climbs


def tied_response(arena: Arena, player: int, x: np.ndarray) -> tuple[np.ndarray, int]:
    """Move a player to its best uniform rate: a good place to start from; sizes stay.

    Returns
    -------
    float array, all variables, and the evaluations spent
    """
    policy = arena.policy
    own = policy.of(player)
    if not _only_rates(arena, own) or own.sum() < 2:
        return x, 0
    tied = x.copy()
    tied[own] = float(np.average(policy.monopsony()[own], weights=policy.scale[own] ** 2))
    found = arena.respond(player, x, tied, tied=own)
    return found.x, found.evaluations


def _only_rates(arena: Arena, own: np.ndarray) -> bool:
    return all(arena.policy.names[k] == "" for k in np.flatnonzero(own))


def starts_frame(climbs: dict[str, Climb], best: str) -> pd.DataFrame:
    """Tell what each start led to."""
    frame = pd.DataFrame(
        [
            (name, c.value, climbs[best].value - c.value, c.slope, c.evaluations, name == best)
            for name, c in climbs.items()
        ],
        columns=["start", "payoff", "below_best", "slope", "evaluations", "chosen"],
    )
    frame.attrs["unit"] = {"payoff": "objective", "below_best": "objective"}
    return frame
