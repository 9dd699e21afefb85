"""The ground that every game of governments is played on: world, closure, players, instruments."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewar.climb import MOST, TOP, Climb, climb, projected
from tradewar.closures import settle
from tradewar.errors import ScenarioError
from tradewar.game_problem import Evaluator, Payoff, Point
from tradewar.ge_problem import Closure
from tradewar.goals import Goal, find_players, read_weights
from tradewar.instruments import Instrument, read_instruments
from tradewar.policy_space import Policy, Rates, make_policy, select_rates
from tradewar.scenario import Scenario
from tradewar.world import World

__all__ = ["Arena", "make_arena"]

Floats = NDArray[np.float64]

RATE_KEYS = ("against", "products", "uniform", "bounds")
ENOUGH = 1e-9  # what a climb may leave, in the payoff


@dataclass(slots=True)
class Arena:
    """World, players, what they choose and what they want.

    Attributes
    ----------
    payoff : Payoff
    players : tuple of str
    objective : str
    started : float, seconds
    parts : how each player's choice was made, for the card
    """

    payoff: Payoff
    players: tuple[str, ...]
    objective: str
    parts: tuple[Rates | tuple[Instrument, ...], ...]
    started: float = field(default_factory=time.perf_counter)

    @property
    def world(self) -> World:
        """The economy."""
        return self.payoff.evaluator.world

    @property
    def policy(self) -> Policy:
        """The variables."""
        return self.payoff.policy

    def respond(
        self,
        player: int,
        x: Floats,
        start: Floats | None = None,
        *,
        top: float = TOP,
        tied: NDArray[np.bool_] | None = None,
    ) -> Climb:
        """Climb one player's payoff over its own variables, the others' fixed.

        Parameters
        ----------
        player : int
        x : float array, all variables
        start : float array, all variables, optional
            Where the player's own start; default `x`.
        top : float
        tied : bool array, all variables, optional
            Variables that move as one: the best uniform rate.

        Returns
        -------
        Climb
            Its `x` holds all variables.
        """
        policy, payoff = self.policy, self.payoff
        own = policy.of(player)
        weight = np.zeros(len(self.players))
        weight[player] = 1.0
        begin = (x if start is None else start)[own]
        low, high, scale = policy.low[own], policy.high[own], policy.scale[own]
        tie = tied is not None

        def function(y: Floats) -> tuple[float, Floats]:
            z = x.copy()
            z[own] = y[0] if tie else y
            values, point = payoff.at(z)
            slopes = payoff.slopes(point, weight)[own]
            return float(values[player]), np.array([slopes.sum()]) if tie else slopes

        if tie:
            begin, low, high = begin[:1], low[:1], high[:1]
            scale = np.array([np.sqrt((scale**2).sum())])
        found = climb(
            function, begin, low=low, high=high, scale=scale, top=top, most=MOST, allowed=ENOUGH
        )
        z = x.copy()
        z[own] = found.x
        return found._replace(x=z)

    def slope(self, player: int, x: Floats, point: Point) -> float:
        """Give the largest projected scaled slope of a player's payoff by its own variables."""
        weight = np.zeros(len(self.players))
        weight[player] = 1.0
        policy, own = self.policy, self.policy.of(player)
        scale = policy.scale[own]
        slopes = self.payoff.slopes(point, weight)[own] / scale
        low, high = policy.low[own] * scale, policy.high[own] * scale
        inside = projected(slopes, x[own] * scale, low, high)
        return float(np.abs(inside).max(initial=0.0))

    def begin(self, start: str, what: str) -> Floats:
        """Give the variables at a named start; "factual" or "free".

        Raises
        ------
        ScenarioError
            The name is unknown, or the bounds exclude the start.
        """
        policy = self.policy
        if start == "factual":
            x = policy.factual()
        elif start == "free":
            x = np.where([name == "" for name in policy.names], 0.0, policy.low)
        else:
            raise ScenarioError(f'{what}={start!r}: give "factual" or "free"')
        outside = policy.excluded(x)
        if outside:
            shown = ", ".join(outside[:5])
            more = f" and {len(outside) - 5} more" if len(outside) > 5 else ""
            raise ScenarioError(
                f"bounds exclude the start {start!r}: {shown}{more}; widen bounds=, or choose "
                "another start"
            )
        return np.asarray(x, dtype=np.float64)


def make_arena(
    world: World,
    players: Sequence[str],
    *,
    over: Any = None,
    rates: Mapping[str, Any] | None = None,
    objective: str = "welfare",
    weights: Any = None,
    background: Scenario | None = None,
    closure: Closure,
    least: int = 1,
) -> Arena:
    """Check what a verb of the game was given and put it together.

    Parameters
    ----------
    world : World
    players : sequence of str
    over : mapping of players to instruments or rate options, optional
    rates : mapping, optional
        Options of `select_rates` for players without an entry in `over`.
    objective, weights : see `optimal_tariff`
    background : Scenario, optional
    closure : Closure
    least : int
        Fewest players.
    """
    world = settle(world, closure)
    if background is not None and not isinstance(background, Scenario):
        raise ScenarioError(f"background is a {type(background).__name__}: give a Scenario")
    places = find_players(world, players, least=least)
    names = tuple(world._countries[n] for n in places)
    read = {} if over is None else over
    if not isinstance(read, Mapping) or set(read) - set(names):
        wrong = sorted(set(map(str, read)) - set(names)) if isinstance(read, Mapping) else read
        raise ScenarioError(
            f"over={wrong!r}: give a mapping of players ({', '.join(names)}) to instruments, such "
            'as {"USA": {"tariff": scenario}}'
        )
    parts: list[Rates | tuple[Instrument, ...]] = []
    for name in names:
        given = read.get(name)
        options = dict(rates or {})
        if given is None or (isinstance(given, Mapping) and set(given) <= set(RATE_KEYS)):
            parts.append(select_rates(world, name, **(options | dict(given or {}))))
        else:
            parts.append(read_instruments(given, f"over[{name!r}]"))
    goal = Goal(
        world,
        closure,
        places,
        objective,
        read_weights(world, places, weights) if objective == "political" else None,
    )
    evaluator = Evaluator(world, closure)
    policy = make_policy(world, names, parts, evaluator.read, background)
    evaluator.wanted = policy.wanted
    return Arena(Payoff(evaluator, policy, goal), names, objective, tuple(parts))
