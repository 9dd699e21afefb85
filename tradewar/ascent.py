"""Climb a function of several payoffs in a box, with all that is known of their curvature.

Evaluations are what costs: each step is the best one of a quadratic model in the box, and what made
the model is kept for the next climb on the same payoffs.  Nothing here knows about trade.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tradewar.climb import STIFF, TOP, Climb, climb, one_thread, projected
from tradewar.secants import Secants

__all__ = ["Ascent", "Bent", "Ground", "Merit", "Place"]

Floats = NDArray[np.float64]

STEPS = 40  # before the climb goes to the method that needs no model
SHORTER = 5  # times that a step is cut
RISE = 1e-4  # part of what the slope promises that a step must bring
FLATTER = 0.9  # part of the slope along a step that may be left where rises are rounding
NOISE = 1e-10  # rounding of payoffs: rises below it are judged by slopes
FARTHEST = 0.5  # step of a variable


class Bent(NamedTuple):
    """A function of payoffs, at some.

    value : float
    slope : float array, shape (payoffs,)
    bend : float array, shape (payoffs, payoffs)
        Minus the second derivatives, semi-definite.
    """

    value: float
    slope: Floats
    bend: Floats


Merit = Callable[[Floats], Bent]


class Ground(Protocol):
    """Payoffs as functions of a choice in a box.

    A ground may have two more methods, both giving an array of shape (payoffs, variables):
    `jacobian(handle)`, the slopes of all payoffs, where that costs less than one by one; and
    `curvature(handle)`, a guess of the diagonals of minus their Hessians, above 0.
    """

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


class Place(NamedTuple):
    """Payoffs and their slopes by scaled variables at a choice."""

    x: Floats
    payoffs: Floats
    rows: Floats
    guess: Floats  # of minus the second derivatives


class Ascent:
    """Climbs on one ground that learn from each other.

    Parameters
    ----------
    ground : Ground
    secants : Secants, optional
        What earlier climbs on the ground learned; it is not changed.

    Attributes
    ----------
    secants : Secants
    evaluations : int
        Of payoffs, in all climbs.
    """

    def __init__(self, ground: Ground, secants: Secants | None = None) -> None:
        self.ground = ground
        self.secants = Secants() if secants is None else secants.copy()
        self.evaluations = 0
        self._scale = np.asarray(ground.scale)
        self._low, self._high = ground.low * self._scale, ground.high * self._scale
        self._last: Place | None = None

    def place(self, x: Floats) -> Place:
        """Evaluate payoffs and slopes; free of cost where the last climb ended."""
        if self._last is None or not np.array_equal(self._last.x, x):
            self._last = self._place(x.copy(), *self._at(x))
        return self._last

    def _place(self, x: Floats, payoffs: Floats, handle: Any) -> Place:
        rows = self._rows(handle, len(payoffs))
        return Place(x, payoffs, rows, self._curvature(handle, rows))

    def climb(
        self,
        merit: Merit,
        start: Floats,
        *,
        top: float = TOP,
        allowed: float,
        aim: float = 1.0,
    ) -> Climb:
        """Climb from one start.

        Parameters
        ----------
        merit : callable
            A function of payoffs, in their unit.
        start : float array
        top : float
            Projected scaled gradient at which the climb may end.
        allowed : float
            Largest `Climb.slack` that is taken for a top.
        aim : float
            Part of `top` down to which steps go on while they lower the slope.

        Raises
        ------
        ConvergenceError
            More slack is left than is allowed.
        """
        with one_thread():
            return self._climb(merit, start, top, allowed, aim)

    def _climb(self, merit: Merit, start: Floats, top: float, allowed: float, aim: float) -> Climb:
        before = self.evaluations
        here = self.place(np.clip(start, self.ground.low, self.ground.high))
        for _ in range(STEPS):
            bent = merit(here.payoffs)
            slopes, slope = self._slope(here, bent)
            found = None if slope <= aim * top else self._step(merit, here, bent)
            if slope <= top and not self._lower(found, merit, slope):
                slack = 0.5 * float(slopes @ slopes)
                spent = self.evaluations - before
                return Climb(here.x, bent.value, slope, slack, spent, "CONVERGENCE: by its slope")
            if found is None:
                break
            step, known = (found.x - here.x) * self._scale, 0.5 * (here.guess + found.guess)
            self.secants.learn(step, here.rows - found.rows - known * step)
            self._last = here = found
        return self._plain(merit, here.x, top, allowed, before)

    def _lower(self, found: Place | None, merit: Merit, slope: float) -> bool:
        return found is not None and self._slope(found, merit(found.payoffs))[1] < slope

    def _slope(self, here: Place, bent: Bent) -> tuple[Floats, float]:
        slopes = projected(bent.slope @ here.rows, here.x * self._scale, self._low, self._high)
        return slopes, float(np.abs(slopes).max(initial=0.0))

    def _step(self, merit: Merit, here: Place, bent: Bent) -> Place | None:
        """Take the best step of the model, or a shorter one; None where nothing is better."""
        gradient = bent.slope @ here.rows
        model = self.secants.model(bent.slope, here.rows, bent.bend, here.guess)
        u = here.x * self._scale
        reach = FARTHEST * self._scale
        low, high = np.maximum(self._low - u, -reach), np.minimum(self._high - u, reach)
        try:
            step = model.step(gradient, low, high)
        except np.linalg.LinAlgError:  # two pairs say the same
            step = np.zeros_like(u)
        if not gradient @ step > 0.0:
            step = np.clip(gradient / model.base, low, high)
        promise = float(gradient @ step)
        noise = NOISE * float(np.abs(bent.slope).sum())
        part = 1.0
        for _ in range(SHORTER):
            x = np.clip((u + part * step) / self._scale, self.ground.low, self.ground.high)
            payoffs, handle = self._at(x)
            rise = merit(payoffs).value - bent.value
            if rise >= RISE * part * promise:
                return self._place(x, payoffs, handle)
            if part * promise <= noise and rise >= -noise:
                found = self._place(x, payoffs, handle)
                left = float(merit(payoffs).slope @ found.rows @ step)
                if abs(left) <= FLATTER * promise:
                    return found
            best = 0.5 * part * promise / max(promise - rise / part, 1e-300)
            part = min(max(best, 0.1 * part), 0.5 * part)
        return None

    def _plain(self, merit: Merit, start: Floats, top: float, allowed: float, before: int) -> Climb:
        """Climb without a model: at a kink of the payoffs there is none."""

        def function(x: Floats) -> tuple[float, Floats]:
            payoffs, handle = self._at(x)
            bent = merit(payoffs)
            return bent.value, self.ground.slopes(handle, bent.slope)

        done = climb(
            function,
            start,
            low=self.ground.low,
            high=self.ground.high,
            scale=self._scale,
            top=top,
            allowed=allowed,
        )
        return done._replace(evaluations=self.evaluations - before)

    def _at(self, x: Floats) -> tuple[Floats, Any]:
        self.evaluations += 1
        return self.ground.at(x)

    def _curvature(self, handle: Any, rows: Floats) -> Floats:
        whole = getattr(self.ground, "curvature", None)
        if whole is not None:
            return np.asarray(whole(handle) / self._scale**2)
        return np.full(rows.shape, 1.0 / STIFF)

    def _rows(self, handle: Any, count: int) -> Floats:
        whole = getattr(self.ground, "jacobian", None)
        if whole is not None:
            return np.asarray(whole(handle) / self._scale)
        rows = [self.ground.slopes(handle, weight) for weight in np.eye(count)]
        return np.array(rows) / self._scale
