"""Cooperative tariffs: what players would set together."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar.arena import Arena, make_arena
from tradewar.ascent import Ascent, Bent
from tradewar.bargain_starts import alliance_of
from tradewar.bargaining import Table
from tradewar.closures import make_closure
from tradewar.errors import ConvergenceError, DataError, ScenarioError
from tradewar.optimal import Objective
from tradewar.pareto import Agreement, climb_payoffs, equal_gains
from tradewar.policy_result import PolicyResult, make_result
from tradewar.scenario import Scenario
from tradewar.world import World

LOG = logging.getLogger("tradewar")

__all__ = ["cooperate"]

Floats = NDArray[np.float64]

SEED = 12  # of the random starts
RANDOM = 2  # random starts
UNEVEN = 1e-5  # of the mean gain, that equal gains may differ by


def cooperate(
    world: World,
    players: Sequence[str],
    *,
    gains: Literal["equal", "weighted"] = "equal",
    power: Mapping[str, float] | None = None,
    start: Any = "factual",
    over: Any = None,
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
    """Find the tariffs that serve players best together.

    Parameters
    ----------
    world : World
    players : sequence of str, two or more
    gains : {"equal", "weighted"}
        Raise the mean gain over the start with all gains equal in percent (Ossa 2014), or a
        weighted sum of payoffs.
    power : mapping of players to positive numbers, optional
        Weights of ``gains="weighted"``; default all the same.
    start : "factual", "free" or PolicyResult
        From where gains count, and where one of the searches starts: today's tariffs, free trade,
        or a result in the same variables such as a Nash equilibrium.
    over, bounds, objective, weights, background, deficits, ...
        As in `nash`.

    Returns
    -------
    PolicyResult
        `welfare` against the world's baseline; ``info["gains"]`` over the start by player;
        `starts` with each search's outcome: its spread says how far local optima lie apart.
        `gain_from_deviating`: what breaking the agreement alone would bring each player.

    Raises
    ------
    ScenarioError
        Unknown players, bounds that exclude the start, a start in other variables.
    ConvergenceError
        A search does not end, or none makes gains equal.

    Notes
    -----
    The problem is not convex: searches start at `start`, free trade, halfway to 1/theta, at random
    points and, where there are others, at free trade among players with the highest tariffs on
    others; the best is taken.  Equal gains by an augmented Lagrangian.
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
    if gains not in ("equal", "weighted"):
        raise DataError(f'gains={gains!r}: give "equal" or "weighted"')
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
    strength = _weights(power, arena.players, gains)
    table = Table(arena.payoff, arena.objective)
    origin = _origin(arena, start)
    base = table.at(origin)[0]
    found: dict[str, Agreement] = {}

    def search(x: Floats) -> Agreement:
        if gains == "equal":
            return equal_gains(table, base, x)
        return _weighted(table, base, strength, x)

    for name, x in _starts(arena, origin).items():
        found[name] = search(x)
    alliance = alliance_of(arena, transfers=table.most > 0.0)
    if alliance is not None:
        try:
            found["an alliance"] = search(alliance)
        except ConvergenceError as error:
            LOG.info("cooperate: no search from an alliance: %s", error)
    merit = {name: float(strength @ a.gains) for name, a in found.items()}
    if gains == "equal":
        even = {name: _unevenness(a) <= UNEVEN for name, a in found.items()}
        if not any(even.values()):
            raise ScenarioError(
                "no choice of the instruments gives all players equal gains: "
                f"{', '.join(arena.players)} differ by "
                f"{min(_unevenness(a) for a in found.values()):.1%} of their mean at best; use "
                'gains="weighted", or wider bounds'
            )
        merit = {name: value if even[name] else -np.inf for name, value in merit.items()}
    best = max(merit, key=lambda name: merit[name])
    rows = [
        (name, merit[name], merit[best] - merit[name], a.evaluations, name == best)
        for name, a in found.items()
    ]
    columns = ["start", "mean_gain", "below_best", "evaluations", "chosen"]
    frame = pd.DataFrame(rows, columns=columns)
    frame.attrs["unit"] = dict.fromkeys(["mean_gain", "below_best"], "fraction")
    chosen = found[best]
    values, point = arena.payoff.at(chosen.x)
    deviation = np.array(
        [max(0.0, arena.respond(m, chosen.x).value - values[m]) for m in range(len(arena.players))]
    )
    return make_result(
        arena,
        "cooperation",
        chosen.x,
        point,
        values,
        deviation,
        frame,
        gains=dict(zip(arena.players, map(float, chosen.gains), strict=True)),
        spread=float(frame.loc[np.isfinite(frame["below_best"]), "below_best"].max()),
    )


def _weights(power: Any, players: tuple[str, ...], gains: str) -> Floats:
    if power is None:
        return np.full(len(players), 1.0 / len(players))
    if gains != "weighted":
        raise DataError('power= is for gains="weighted"')
    if not isinstance(power, Mapping) or set(power) != set(players):
        raise DataError(f"power={power!r}: give one number for each of {', '.join(players)}")
    strength = np.array([float(power[p]) for p in players])
    if not (np.isfinite(strength).all() and (strength > 0.0).all()):
        raise DataError(f"power={power!r}: weights must be above 0")
    return np.asarray(strength / strength.sum())


def _origin(arena: Arena, start: Any) -> Floats:
    if not isinstance(start, PolicyResult):
        return arena.begin(start, "start")
    same = np.array_equal(start.policy.flow, arena.policy.flow)
    if not same or len(start.x) != len(arena.policy.low) or start.players != arena.players:
        raise ScenarioError("start= is a result in other variables or of other players")
    return start.x.copy()


def _starts(arena: Arena, origin: Floats) -> dict[str, Floats]:
    policy = arena.policy
    free = np.array([name == "" for name in policy.names])
    zero = np.where(free, np.clip(0.0, policy.low, policy.high), policy.low)
    reach = policy.monopsony()
    random = np.random.default_rng(SEED)
    named = {"start": origin, "free trade": zero, "half of 1/theta": 0.5 * (zero + reach)}
    for k in range(RANDOM):
        part = random.uniform(0.0, 1.0, len(origin))
        named[f"random {k + 1}"] = zero + part * (reach - zero)
    return named


def _unevenness(a: Agreement) -> float:
    return float(np.ptp(a.gains) / max(abs(float(a.gains.mean())), 1e-12))


def _weighted(table: Table, base: Floats, strength: Floats, x: Floats) -> Agreement:
    straight = np.zeros((len(base), len(base)))

    def merit(payoffs: Floats) -> Bent:
        return Bent(float(strength @ (payoffs - base)), strength, straight)

    done = climb_payoffs(Ascent(table), merit, x)
    payoffs = table.at(done.x)[0]
    return Agreement(done.x, payoffs, payoffs - base, done.evaluations)
