"""Points on a Pareto frontier: Nash products, equal gains, the most that leaves the other nothing.

A ground gives payoffs of several players at a choice, and slopes of their weighted sums; nothing
here knows about trade.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tradewar.climb import TOP, Climb, climb

__all__ = [
    "Agreement",
    "Ground",
    "climb_payoffs",
    "equal_gains",
    "least_gain",
    "most_for",
    "nash_product",
]

Floats = NDArray[np.float64]
Merit = Callable[[Floats], tuple[float, Floats]]

SOFT = 20.0  # how sharply the least gain counts, over the spread of gains
BARRIER = 1e-3  # of the least gain that is possible: below it the logarithm goes on as a parabola
ROUNDS = 25  # of multipliers
EVEN = 3e-6  # of the mean gain: gains that differ less are equal
STRONG = 10.0  # curvature of a penalty, over that of payoffs
STRONGER = 4  # times that a penalty may be made stronger
ENOUGH = 1e-8  # slack of a climb, in payoffs


class Ground(Protocol):
    """Payoffs as functions of a choice in a box."""

    @property
    def low(self) -> Floats:
        """Lower bounds of variables."""

    @property
    def high(self) -> Floats:
        """Upper bounds."""

    @property
    def scale(self) -> Floats:
        """Scales: times its scale, a variable has a curvature of about one."""

    def at(self, x: Floats) -> tuple[Floats, Any]:
        """Give payoffs, and a handle for `slopes`."""

    def slopes(self, handle: Any, weight: Floats) -> Floats:
        """Give the gradient of a weighted sum of payoffs."""


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
    ground: Ground, merit: Merit, start: Floats, *, top: float = TOP, size: float = 1.0
) -> Climb:
    """Climb a function of payoffs.

    Parameters
    ----------
    ground : Ground
    merit : callable
        Gives the value and its derivatives by payoffs.
    start : float array
    top : float
    size : float
        What the merit's unit is in payoffs; the climb works in payoffs.
    """

    def function(x: Floats) -> tuple[float, Floats]:
        payoffs, handle = ground.at(x)
        value, weight = merit(payoffs)
        return size * value, ground.slopes(handle, size * weight)

    return climb(
        function,
        start,
        low=ground.low,
        high=ground.high,
        scale=ground.scale,
        top=top,
        allowed=ENOUGH,
    )


def least_gain(ground: Ground, threat: Floats, starts: list[Floats]) -> Agreement:
    """Raise the least gain over the threat point, from the best of several starts.

    Smooth: the least of gains counts through ``-ln sum exp(-k gain) / k``, with k set by the spread
    of gains and raised once.
    """
    found = [ground.at(start)[0] - threat for start in starts]
    best = int(np.argmax([gains.min() for gains in found]))
    x, evaluations = starts[best], len(starts)
    for sharper in (1.0, 10.0):
        gains = ground.at(x)[0] - threat
        sharp = sharper * SOFT / max(float(np.abs(gains).max()), 1e-9)

        def soft(payoffs: Floats, sharp: float = sharp) -> tuple[float, Floats]:
            low = -sharp * (payoffs - threat)
            most = low.max()
            part = np.exp(low - most)
            return -float(most + np.log(part.sum())) / sharp, part / part.sum()

        done = climb_payoffs(ground, soft, x, top=100.0 * TOP)
        x, evaluations = done.x, evaluations + done.evaluations
    payoffs = ground.at(x)[0]
    return Agreement(x, payoffs, payoffs - threat, evaluations)


def nash_product(
    ground: Ground, threat: Floats, power: Floats, start: Floats, *, size: float
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
    """
    edge = BARRIER * size

    def product(payoffs: Floats) -> tuple[float, Floats]:
        gains = payoffs - threat
        beyond = (gains - edge) / edge
        inside = gains > edge
        logs = np.where(
            inside,
            np.log(np.where(inside, gains, 1.0)),
            np.log(edge) + beyond - 0.5 * beyond**2,
        )
        slopes = np.where(inside, 1.0 / np.where(inside, gains, 1.0), (1.0 - beyond) / edge)
        return float(power @ logs), power * slopes

    done = climb_payoffs(ground, product, start, size=size)
    payoffs = ground.at(done.x)[0]
    return Agreement(done.x, payoffs, payoffs - threat, done.evaluations)


def equal_gains(
    ground: Ground, threat: Floats, start: Floats, unit: Floats | None = None
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
    """
    count = len(threat)
    unit = np.ones(count) if unit is None else unit
    price, pressure = np.zeros(count), _pressure(ground, start, unit)
    x, evaluations, last, stronger = start, 0, np.inf, 0
    for turn in range(ROUNDS):

        def merit(
            payoffs: Floats, price: Floats = price, pressure: float = pressure
        ) -> tuple[float, Floats]:
            gains = (payoffs - threat) / unit
            gap = gains - gains.mean()
            value = gains.mean() - price @ gap - 0.5 * pressure * (gap @ gap)
            slope = 1.0 / count - (price - price.mean()) - pressure * gap
            return float(value), slope / unit

        size = float(np.mean(unit))
        rough = TOP * max(1.0, 10.0 ** (2 - turn))
        done = climb_payoffs(ground, merit, x, top=rough, size=size)
        x, evaluations = done.x, evaluations + done.evaluations
        payoffs = ground.at(x)[0]
        gains = (payoffs - threat) / unit
        gap = gains - gains.mean()
        spread, mean = float(np.abs(gap).max()), max(float(np.abs(gains).mean()), 1e-6)
        if turn >= 2 and spread <= EVEN * mean:
            return Agreement(x, payoffs, payoffs - threat, evaluations)
        price = price + pressure * gap
        if turn and spread > 0.3 * last and stronger < STRONGER:
            pressure *= 4.0
            stronger += 1
        last = spread
    return Agreement(x, payoffs, payoffs - threat, evaluations)


def _pressure(ground: Ground, x: Floats, unit: Floats) -> float:
    """Choose a penalty whose curvature is some times that of payoffs in scaled variables."""
    _, handle = ground.at(x)
    rows = [ground.slopes(handle, row) / ground.scale for row in np.diag(1.0 / unit)]
    steepest = float(np.linalg.norm(np.array(rows), 2))
    return STRONG * float(np.mean(unit)) / max(steepest**2 * float(np.mean(unit)) ** 2, 1e-12)


def most_for(
    ground: Ground, threat: Floats, player: int, start: Floats, *, size: float
) -> Agreement:
    """Raise one player's payoff with no other below the threat point.

    An augmented Lagrangian of the others' gains, each at least 0.
    """
    count = len(threat)
    others = np.arange(count) != player
    price, pressure = np.where(others, 1.0, 0.0), _pressure(ground, start, np.ones(count))
    x, evaluations, last = start, 0, np.inf
    for turn in range(ROUNDS):

        def merit(
            payoffs: Floats, price: Floats = price, pressure: float = pressure
        ) -> tuple[float, Floats]:
            gains = payoffs - threat
            pull = np.where(others, np.maximum(0.0, price - pressure * gains), 0.0)
            value = gains[player] - ((pull**2 - price**2)[others]).sum() / (2.0 * pressure)
            slope = pull.copy()
            slope[player] = 1.0
            return float(value), slope

        rough = TOP * max(1.0, 10.0 ** (2 - turn))
        done = climb_payoffs(ground, merit, x, top=rough)
        x, evaluations = done.x, evaluations + done.evaluations
        payoffs = ground.at(x)[0]
        gains = payoffs - threat
        pull = np.where(others, np.maximum(0.0, price - pressure * gains), 0.0)
        off = np.where(others, np.maximum(-gains, np.minimum(gains, pull / pressure)), 0.0)
        worst = float(np.abs(off).max())
        if turn >= 2 and worst <= 1e-6 * size:
            break
        price = pull
        if worst > 0.25 * last:
            pressure *= 4.0
        last = worst
    return Agreement(x, payoffs, payoffs - threat, evaluations)
