"""Points on a Pareto frontier: Nash products, equal gains, the most that leaves the other nothing.

A ground gives payoffs of several players at a choice, and slopes of their weighted sums; nothing
here knows about trade.  Where `ascent` is given, its climbs are used and what it knows of curvature
goes on to the next point.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradewar.ascent import Ascent, Bent, Ground, Merit
from tradewar.climb import STIFF, TOP, Climb

__all__ = [
    "Agreement",
    "better_end",
    "climb_payoffs",
    "end_for",
    "equal_gains",
    "least_gain",
    "most_for",
    "nash_product",
]

Floats = NDArray[np.float64]

SOFT = 20.0  # how sharply the least gain counts, over the spread of gains
BARRIER = 1e-3  # of the least gain that is possible: below it the logarithm goes on as a parabola
ROUNDS = 25  # of multipliers
EVEN = 3e-6  # of the mean gain: gains that differ less are equal
STRONG = 10.0  # curvature of a penalty, over that of payoffs
STEEP = 100.0  # the same where one player gets all
RIVAL = 1e-4  # part by which an end must beat another
MEETS = 3e-6  # of the scale of gains: a player that lacks less meets its threat point
STRONGER = 4  # times that a penalty may be made stronger
ENOUGH = 1e-8  # slack of a climb, in payoffs
GLANCE = 1e4  # slope at which a search that must beat a known end is judged, over that of a top
AIM = 0.1  # a step more than slopes ask for: payoffs move along a frontier with what they leave


class Agreement(NamedTuple):
    """A choice on the frontier.

    x : float array
    payoffs : float array, one per player
    gains : float array, over the threat point
    evaluations : int
    """

    x: Floats
    payoffs: Floats
    gains: Floats
    evaluations: int


def climb_payoffs(
    ascent: Ascent, merit: Merit, start: Floats, *, top: float = TOP, size: float = 1.0
) -> Climb:
    """Climb a function of payoffs.

    Parameters
    ----------
    ascent : Ascent
    merit : callable
        Gives the value, its derivatives by payoffs, and minus the second ones.
    start : float array
    top : float
    size : float
        What the merit's unit is in payoffs; the climb works in payoffs.
    """

    def function(payoffs: Floats) -> Bent:
        bent = merit(payoffs)
        return Bent(size * bent.value, size * bent.slope, size * bent.bend)

    return ascent.climb(function, start, top=top, allowed=ENOUGH, aim=AIM if top <= TOP else 1.0)


def least_gain(
    ground: Ground, threat: Floats, starts: list[Floats], *, ascent: Ascent | None = None
) -> Agreement:
    """Raise the least gain over the threat point, from the best of several starts.

    Smooth: the least of gains counts through ``-ln sum exp(-k gain) / k``, with k set by the spread
    of gains and raised once.
    """
    ascent = Ascent(ground) if ascent is None else ascent
    before = ascent.evaluations
    found = [ascent.place(start).payoffs - threat for start in starts]
    best = int(np.argmax([gains.min() for gains in found]))
    x = starts[best]
    for sharper in (1.0, 10.0):
        gains = ascent.place(x).payoffs - threat
        sharp = sharper * SOFT / max(float(np.abs(gains).max()), 1e-9)

        def soft(payoffs: Floats, sharp: float = sharp) -> Bent:
            low = -sharp * (payoffs - threat)
            most = low.max()
            part = np.exp(low - most)
            whole = part.sum()
            part = part / whole
            bend = sharp * (np.diag(part) - np.outer(part, part))
            return Bent(-float(most + np.log(whole)) / sharp, part, bend)

        x = climb_payoffs(ascent, soft, x, top=100.0 * TOP).x
    return _agreement(ascent, threat, x, before)


def nash_product(
    ground: Ground,
    threat: Floats,
    power: Floats,
    start: Floats,
    *,
    size: float,
    ascent: Ascent | None = None,
) -> Agreement:
    """Maximise ``prod (payoff - threat)^power`` from a start where all gain.

    Parameters
    ----------
    ground : Ground
    threat, power : float arrays, one per player
        Powers sum to 1.
    start : float array
    size : float > 0
        Scale of gains: the least gain that can be had by all.
    ascent : Ascent, optional
    """
    ascent = Ascent(ground) if ascent is None else ascent
    before = ascent.evaluations
    edge = BARRIER * size

    def product(payoffs: Floats) -> Bent:
        gains = payoffs - threat
        beyond = (gains - edge) / edge
        inside = gains > edge
        safe = np.where(inside, gains, 1.0)
        logs = np.where(inside, np.log(safe), np.log(edge) + beyond - 0.5 * beyond**2)
        slopes = np.where(inside, 1.0 / safe, (1.0 - beyond) / edge)
        bend = np.where(inside, 1.0 / safe**2, 1.0 / edge**2)
        return Bent(float(power @ logs), power * slopes, np.diag(power * bend))

    done = climb_payoffs(ascent, product, start, size=size)
    return _agreement(ascent, threat, done.x, before)


def equal_gains(
    ground: Ground,
    threat: Floats,
    start: Floats,
    unit: Floats | None = None,
    *,
    ascent: Ascent | None = None,
) -> Agreement:
    """Raise the mean gain with all gains equal, by an augmented Lagrangian.

    Parameters
    ----------
    ground : Ground
    threat : float array
        Payoffs from which gains count.
    start : float array
    unit : float array, optional
        Gains are counted in these; default 1.
    ascent : Ascent, optional
    """
    ascent = Ascent(ground) if ascent is None else ascent
    before = ascent.evaluations
    count = len(threat)
    unit = np.ones(count) if unit is None else unit
    size = float(np.mean(unit))
    price, pressure = np.zeros(count), _pressure(ascent, start, unit)
    x, last, stronger = start, np.inf, 0
    level = (np.eye(count) - 1.0 / count) / unit  # gaps by payoffs
    for turn in range(ROUNDS):

        def merit(payoffs: Floats, price: Floats = price, pressure: float = pressure) -> Bent:
            gains = (payoffs - threat) / unit
            gap = gains - gains.mean()
            value = gains.mean() - price @ gap - 0.5 * pressure * (gap @ gap)
            slope = 1.0 / count - (price - price.mean()) - pressure * gap
            return Bent(float(value), slope / unit, pressure * (level.T @ level))

        rough = TOP * max(1.0, 10.0 ** (2 - turn))
        x = climb_payoffs(ascent, merit, x, top=rough, size=size).x
        gains = (ascent.place(x).payoffs - threat) / unit
        gap = gains - gains.mean()
        spread, mean = float(np.abs(gap).max()), max(float(np.abs(gains).mean()), 1e-6)
        if turn >= 2 and spread <= EVEN * mean:
            break
        price = price + pressure * gap
        if turn and spread > 0.3 * last and stronger < STRONGER:
            pressure *= 4.0
            stronger += 1
        last = spread
    return _agreement(ascent, threat, x, before)


def _pressure(ascent: Ascent, x: Floats, unit: Floats, strong: float = STRONG) -> float:
    """Choose a penalty whose curvature is some times that of payoffs in scaled variables."""
    rows = ascent.place(x).rows / unit[:, None]
    steepest = float(np.linalg.norm(rows, 2))
    return strong * float(np.mean(unit)) / max(steepest**2 * float(np.mean(unit)) ** 2, 1e-12)


def _agreement(ascent: Ascent, threat: Floats, x: Floats, before: int) -> Agreement:
    payoffs = ascent.place(x).payoffs
    return Agreement(x, payoffs, payoffs - threat, ascent.evaluations - before)


def most_for(
    ground: Ground,
    threat: Floats,
    player: int,
    start: Floats,
    *,
    size: float,
    price: float = 1.0,
    beat: float = -np.inf,
    ascent: Ascent | None = None,
) -> Agreement:
    """Raise one player's payoff with no other below the threat point.

    An augmented Lagrangian of the others' gains, each at least 0.  Its top is no lower than what
    the player can have around there: a search whose first climb does not reach `beat` ends with it,
    at a point that leaves the player less than that or another one below the threat point.

    Parameters
    ----------
    ground : Ground
    threat : float array
    player : int
    start : float array
    size : float > 0
        Scale of gains.
    price : float
        Guess of what a unit of the others' payoffs costs the player.
    beat : float
        A gain of the player below which the end is not wanted.
    ascent : Ascent, optional
    """
    ascent = Ascent(ground) if ascent is None else ascent
    before = ascent.evaluations
    count = len(threat)
    others = np.arange(count) != player
    prices = np.where(others, price, 0.0)
    pressure = _pressure(ascent, start, np.ones(count), STEEP)
    x, last = start, np.inf
    for turn in range(ROUNDS):

        def merit(payoffs: Floats, prices: Floats = prices, pressure: float = pressure) -> Bent:
            gains = payoffs - threat
            pull = np.where(others, np.maximum(0.0, prices - pressure * gains), 0.0)
            value = gains[player] - ((pull**2 - prices**2)[others]).sum() / (2.0 * pressure)
            slope = pull.copy()
            slope[player] = 1.0
            return Bent(float(value), slope, pressure * np.diag(pull > 0.0).astype(float))

        rough = TOP * max(1.0, 10.0 ** (2 - turn))
        if beat > -np.inf and turn == 0:
            done = climb_payoffs(ascent, merit, x, top=GLANCE * TOP)
            x = done.x
            if done.value + STIFF * done.slack < beat:
                break
        x = climb_payoffs(ascent, merit, x, top=rough).x
        gains = ascent.place(x).payoffs - threat
        pull = np.where(others, np.maximum(0.0, prices - pressure * gains), 0.0)
        off = np.where(others, np.maximum(-gains, np.minimum(gains, pull / pressure)), 0.0)
        worst = float(np.abs(off).max())
        if turn >= 2 and worst <= 1e-6 * size:
            break
        prices = pull
        if worst > 0.25 * last:
            pressure *= 4.0
        last = worst
    return _agreement(ascent, threat, x, before)


def end_for(
    ground: Ground,
    threat: Floats,
    power: Floats,
    start: Agreement,
    player: int,
    size: float,
    ascent: Ascent,
    *,
    known: Agreement | None = None,
) -> Agreement:
    """Give a player all that leaves the others what they have without a deal.

    Parameters
    ----------
    ground : Ground
    threat, power : float arrays, one per player
    start : Agreement
        At these powers: tells what the others' payoffs cost the player there.
    player : int
    size : float
        Scale of gains.
    ascent : Ascent
    known : Agreement, optional
        The answer unless a better end is found: a search that cannot lead to one ends early.
    """
    price = power / np.maximum(start.gains, 1e-3 * size)
    guess = float(np.delete(price, player).mean() / price[player])
    beat = -np.inf if known is None else float(known.gains[player]) * (1.0 + RIVAL)
    found = most_for(
        ground, threat, player, start.x, size=size, price=guess, beat=beat, ascent=ascent
    )
    return found if known is None or better_end(found, known, player, size) else known


def better_end(found: Agreement, known: Agreement, player: int, size: float) -> bool:
    """Say whether one of two points leaves a player more, and the others what they must have."""
    meets = float(np.delete(found.gains, player).min()) >= -MEETS * size
    more = float(found.gains[player] - known.gains[player])
    return meets and more > RIVAL * abs(float(known.gains[player]))
