"""What players agree on when each can walk away: Nash bargaining over tariffs and instruments."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar.arena import Arena, make_arena
from tradewar.ascent import Ascent
from tradewar.bargain_result import Bargain
from tradewar.bargain_starts import alliance_of, starts_of
from tradewar.closures import make_closure
from tradewar.errors import ConvergenceError, DataError, ScenarioError
from tradewar.game_problem import Payoff, Point
from tradewar.nash_tariffs import play
from tradewar.optimal import Objective
from tradewar.pareto import Agreement, end_for, least_gain, nash_product
from tradewar.policy_result import make_result
from tradewar.scenario import Scenario
from tradewar.world import World

LOG = logging.getLogger("tradewar")

__all__ = ["Table", "bargain", "payoffs_of"]

Floats = NDArray[np.float64]

NOTHING = 1e-9  # payoff: a gain of all players below it is none
STEP = 1e-4  # of income, for slopes by transfers
TRANSFER_SCALE = 20.0  # payoffs are nearly straight in transfers; their merit is not
TRANSFER_CURVED = 1.0  # guess of minus the second derivative of payoffs by a transfer
SAME = 1e-6  # in the log of the product: agreements from two starts that differ less are one
TURNS = 4  # times that ends are sought from a better agreement


@dataclass(slots=True)
class Table:
    """Payoffs as levels of welfare, over policies and, where allowed, one transfer.

    The last variable of a table with transfers is money from the first player to the second, in
    units of `unit`.
    """

    payoff: Payoff
    objective: str
    most: float = 0.0
    unit: float = 1.0

    @property
    def count(self) -> int:
        """Variables that are policies."""
        return len(self.payoff.policy.low)

    def _extended(self, array: Floats, last: float) -> Floats:
        return np.append(array, last) if self.most > 0.0 else array

    @property
    def low(self) -> Floats:
        """Lower bounds."""
        return self._extended(self.payoff.policy.low, -self.most / self.unit)

    @property
    def high(self) -> Floats:
        """Upper bounds."""
        return self._extended(self.payoff.policy.high, self.most / self.unit)

    @property
    def scale(self) -> Floats:
        """Scales of variables."""
        return self._extended(self.payoff.policy.scale, TRANSFER_SCALE)

    def point(self, x: Floats) -> Point:
        """Solve at a choice."""
        payoff = self.payoff
        changes = payoff.policy.changes(x[: self.count])
        if self.most > 0.0:
            first, second = payoff.goal.players
            deficit = payoff.evaluator.world._deficit.copy()
            deficit[first] -= x[-1] * self.unit
            deficit[second] += x[-1] * self.unit
            changes = dataclasses.replace(changes, deficit=deficit)
        payoff.last = payoff.evaluator.point(changes, payoff.last)
        return payoff.last

    def _levels(self, point: Point) -> Floats:
        values = self.payoff.goal.values(point.state, point.levels)
        return values if self.objective == "revenue" else np.exp(values)

    def at(self, x: Floats) -> tuple[Floats, tuple[Floats, Floats, Point]]:
        """Give payoffs at a choice."""
        point = self.point(x)
        levels = self._levels(point)
        return levels, (x.copy(), levels, point)

    def slopes(self, handle: tuple[Floats, Floats, Point], weight: Floats) -> Floats:
        """Give the gradient of a weighted sum of payoffs."""
        _, levels, point = handle
        inner = weight if self.objective == "revenue" else weight * levels
        out = self.payoff.slopes(point, inner)
        return out if self.most == 0.0 else np.append(out, weight @ self._by_transfer(handle))

    def jacobian(self, handle: tuple[Floats, Floats, Point]) -> Floats:
        """Give the slopes of all payoffs, [player, variable], by one call of the core."""
        _, levels, point = handle
        out = self.payoff.jacobian(point)
        if self.objective != "revenue":
            out *= levels[:, None]
        return out if self.most == 0.0 else np.column_stack([out, self._by_transfer(handle)])

    def curvature(self, handle: tuple[Floats, Floats, Point]) -> Floats:
        """Guess the diagonals of minus the Hessians of all payoffs, [player, variable]."""
        out = self.payoff.curvature(handle[2])
        if self.most == 0.0:
            return out
        return np.column_stack([out, np.full(len(out), TRANSFER_CURVED)])

    def _by_transfer(self, handle: tuple[Floats, Floats, Point]) -> Floats:
        """Give the slopes of all payoffs by the transfer, from two solves."""
        x, _, point = handle
        ends = []
        for step in (-STEP, STEP):
            moved = x.copy()
            moved[-1] += step
            ends.append(self._levels(self.point(moved)))
        self.payoff.last = point
        return np.asarray((ends[1] - ends[0]) / (2.0 * STEP))


def bargain(
    world: World,
    players: Sequence[str],
    *,
    threat: Any,
    power: float | Mapping[str, float] = 0.5,
    over: Any = None,
    transfers: float | None = None,
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
) -> Bargain:
    """Find the agreement that maximises the product of gains over no deal.

    Parameters
    ----------
    world : World
        Its baseline is the status quo, from which welfare counts.
    players : sequence of str, two or more
    threat : "nash", "status quo", Scenario, result, or Series of welfare changes by country
        What happens without a deal.  "nash": the Nash equilibrium in the same instruments.  A
        result stands for its scenario.
    power : float in (0, 1), or mapping of players to positive numbers, default 0.5
        The first player's bargaining power; powers are scaled to sum to 1.
    over : mapping, optional
        Instruments or free tariffs of each player; as in `nash`.
    transfers : float, optional
        Most money that either of two players may pay the other, `value_unit`; purchase
        commitments are instruments.  Needs ``deficits="fixed"``.
    bounds, objective, weights, background, deficits, ...
        As in `nash`.

    Returns
    -------
    Bargain
        The agreement (`welfare`, `tariffs`, `scenario`), `gains`, `frontier`, `implied_power`,
        `minimum_concession`, `plot`.

    Raises
    ------
    ScenarioError
        No agreement makes all better off than the threat: by how much it fails is said.

    Notes
    -----
    Maximises ``sum_m beta_m ln(W_m - d_m)``.  The set of payoffs need not be convex, least where
    players can turn on third countries together: the answer is the best of several starts, which
    `starts` lists.  They are today's tariffs (free trade and half of 1/theta too, where today leads
    elsewhere than the most even gains), an alliance (free trade among players and the highest
    tariffs on others), and the ends of the frontier, which leave all but one player nothing; ends
    are sought again from an agreement that they lead to, until none is higher.

    References
    ----------
    Nash, J. F. (1950), "The Bargaining Problem", Econometrica 18(2), doi:10.2307/1907266.
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
    strength = _read_power(power, arena.players)
    table = _table(arena, transfers, deficits)
    floor, named = payoffs_of(arena, threat, "threat")
    starts = starts_of(arena.policy, transfers=table.most > 0.0)
    ascent = Ascent(table)
    least = least_gain(table, floor, list(starts.values()), ascent=ascent)
    if not least.gains.min() > NOTHING:
        raise ScenarioError(_no_gains(arena, least))
    size = float(least.gains.min())
    talks = _Talks(table, floor, strength, size, ascent)
    talks.climb("from the most even gains", least.x)
    first = talks.best
    for name, x in starts.items():
        if (table.at(x)[0] > floor).all():
            talks.climb(f"from {name}", x)
            if abs(talks.merit[f"from {name}"] - talks.merit[first]) <= SAME:
                break  # others led to the same top as well, wherever that was looked at
    alliance = alliance_of(arena, transfers=table.most > 0.0)
    if alliance is not None:
        talks.try_climb("from an alliance", alliance)
    ends = _ends(talks, arena.players)
    found, merit, best = talks.found, talks.merit, talks.best
    rows = [
        (name, merit[name], *(a.payoffs - 1.0), a.evaluations, name == best)
        for name, a in found.items()
    ]
    reached = [f"payoff_{p}" for p in arena.players]
    frame = pd.DataFrame(rows, columns=["start", "ln_product", *reached, "evaluations", "chosen"])
    frame.attrs["unit"] = {"ln_product": "ln", **dict.fromkeys(reached, "fraction")}
    chosen = found[best]
    payoffs, handle = table.at(chosen.x)
    outcome = make_result(
        arena,
        "bargain",
        chosen.x[: table.count],
        handle[2],
        np.log(payoffs) if objective != "revenue" else payoffs,
        np.full(len(arena.players), np.nan),
        frame,
        transfer=float(chosen.x[-1] * table.unit) if table.most > 0.0 else 0.0,
    )
    return Bargain(
        outcome, arena, table, floor, named, strength, size, chosen, ends, ascent.secants
    )


@dataclass(slots=True)
class _Talks:
    """Agreements at the players' powers, by the starts that led to them."""

    table: Table
    floor: Floats
    strength: Floats
    size: float
    ascent: Ascent
    found: dict[str, Agreement] = field(default_factory=dict)
    merit: dict[str, float] = field(default_factory=dict)

    @property
    def best(self) -> str:
        """The start that led highest, the first of equals."""
        return max(self.merit, key=lambda name: self.merit[name])

    def climb(self, name: str, x: Floats) -> None:
        """Find an agreement."""
        found = nash_product(
            self.table, self.floor, self.strength, x, size=self.size, ascent=self.ascent
        )
        self.found[name] = found
        self.merit[name] = _merit(self.strength, found.gains)

    def try_climb(self, name: str, x: Floats) -> None:
        """Find one where that can be done: at a kink of the payoffs a climb need not end."""
        try:
            self.climb(name, x)
        except ConvergenceError as error:
            LOG.info("bargain: no climb %s: %s", name, error)

    def end(self, player: int, x: Floats, known: Agreement | None) -> Agreement | None:
        """Search an end of the frontier from a choice; the known one where there is no better."""
        begin = self.found[self.best]._replace(x=x)
        try:
            return end_for(
                self.table, self.floor, self.strength, begin, player, self.size, self.ascent,
                known=known,
            )  # fmt: skip
        except ConvergenceError as error:
            LOG.info("bargain: no end for player %d: %s", player, error)
            return known


def _ends(talks: _Talks, players: tuple[str, ...]) -> dict[int, Agreement]:
    """Find what is most for each player, and agreements from there, until none is higher."""
    ends: dict[int, Agreement] = {}
    for turn in range(TURNS):
        best = talks.best
        high = talks.merit[best]
        tops = [a.x for name, a in talks.found.items() if talks.merit[name] < high - SAME]
        tops = [talks.found[best].x, *(tops if turn == 0 else [])]
        for player, name in enumerate(players):
            before = ends.get(player)
            known = before
            for x in tops:
                known = talks.end(player, x, known)
            if known is None or known is before:
                continue
            ends[player] = known
            again = "" if turn == 0 else f", turn {turn + 1}"
            talks.try_climb(f"from all for {name}{again}", known.x)
        if talks.merit[talks.best] <= high + SAME:
            break
    return ends


def _merit(strength: Floats, gains: Floats) -> float:
    return float(strength @ np.log(np.maximum(gains, NOTHING * 1e-3)))


def _read_power(power: Any, players: tuple[str, ...]) -> Floats:
    if isinstance(power, Mapping):
        if set(power) != set(players):
            raise DataError(f"power={dict(power)!r}: give one number for each of {players}")
        strength = np.array([float(power[p]) for p in players])
    elif len(players) == 2:
        strength = np.array([float(power), 1.0 - float(power)])
    elif power == 0.5:
        strength = np.ones(len(players))
    else:
        raise DataError(f"power={power!r}: with more than two players give a mapping")
    if not (np.isfinite(strength).all() and (strength > 0.0).all()):
        raise DataError(f"power={power!r}: powers lie between 0 and 1, ends left out")
    return np.asarray(strength / strength.sum())


def _table(arena: Arena, transfers: float | None, deficits: str) -> Table:
    if transfers is None:
        return Table(arena.payoff, arena.objective)
    if deficits not in ("fixed", "share", "purged"):
        raise ScenarioError(
            f"transfers= are a change of deficits: deficits={deficits!r} leaves no room for them; "
            'use "fixed"'
        )
    if len(arena.players) != 2:
        raise ScenarioError("transfers= are between two players")
    if not (np.isfinite(transfers) and transfers > 0):
        raise DataError(f"transfers={transfers!r}: give the most that is paid, above 0")
    unit = float(arena.world._income[arena.payoff.goal.players].min())
    return Table(arena.payoff, arena.objective, float(transfers), unit)


def payoffs_of(arena: Arena, given: Any, what: str) -> tuple[Floats, str]:
    """Give payoff levels of the players at an outcome, and its name.

    Raises
    ------
    ScenarioError
        It is none of the kinds that can be read.
    """
    levels = arena.objective != "revenue"
    if isinstance(given, str) and given == "nash":
        x, _, _ = play(arena, arena.begin("factual", what))
        values = arena.payoff.at(x)[0]
        return (np.exp(values) if levels else values), "the Nash equilibrium"
    if isinstance(given, pd.Series | Mapping):
        if arena.objective != "welfare":
            raise ScenarioError(
                f'{what}: welfare by country says nothing about objective="{arena.objective}": '
                "give a scenario"
            )
        missing = [player for player in arena.players if player not in given]
        if missing:
            raise ScenarioError(f"{what}: no welfare change of {missing[0]}")
        return np.array([1.0 + float(given[p]) for p in arena.players]), "given welfare"
    scenario = getattr(given, "scenario", given)
    if isinstance(given, str) and given == "status quo":
        scenario = Scenario("the status quo")
    if not isinstance(scenario, Scenario):
        raise ScenarioError(
            f'{what}={given!r}: give "nash", "status quo", a Scenario, a result, or a Series of '
            "welfare changes by country"
        )
    evaluator = arena.payoff.evaluator
    point = evaluator.point(evaluator.read(scenario))
    values = arena.payoff.goal.values(point.state, point.levels)
    return (np.exp(values) if levels else values), scenario.name


def _no_gains(arena: Arena, least: Agreement) -> str:
    worst = int(np.argmin(least.gains))
    player = arena.players[worst]
    money = arena.world._income[arena.payoff.goal.players[worst]] * least.gains[worst]
    return (
        "no gains from agreement: no choice of the instruments makes every player better off than "
        f"the threat point; the most even one leaves {player} {100 * least.gains[worst]:.3g} % of "
        f"its welfare ({money:,.4g} {arena.world.value_unit}) over it, which is not above 0; add "
        "instruments or transfers=, or state another threat"
    )
