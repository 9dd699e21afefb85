"""Curvature of several payoffs, remembered from how their slopes changed along steps taken.

A guess of the diagonals of the payoffs' Hessians is known at every point; a pair is a step and
what the guess did not explain of the change of slopes along it.  For any weights, guess and pairs
make a quasi-Newton matrix of the weighted sum (BFGS in compact form), so that what was learned at
one point of a frontier serves at the next, where weights and guess differ.  Nothing here knows
about trade.

References: Byrd, R. H., J. Nocedal and R. B. Schnabel (1994), "Representations of Quasi-Newton
Matrices and Their Use in Limited Memory Methods", Mathematical Programming 63,
doi:10.1007/BF01582063, equation 2.17.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Model", "Secants"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

MOST = 20  # pairs kept
SHORT = 1e-7  # a step shorter than this teaches rounding
BENT = 1e-3  # least curvature of a pair that is used, over its guess, over the largest such
SETS = 12  # guesses of which bounds hold a step


@dataclass(slots=True)
class Secants:
    """Steps in scaled variables and the changes of slopes along them.

    Attributes
    ----------
    steps : list of float arrays, shape (variables,)
    rests : list of float arrays, shape (payoffs, variables)
        Minus the changes of slopes, less those that the guess explains.
    """

    steps: list[Floats] = field(default_factory=list)
    rests: list[Floats] = field(default_factory=list)

    def copy(self) -> Secants:
        """Give a memory that learns on its own."""
        return Secants(list(self.steps), list(self.rests))

    def learn(self, step: Floats, rest: Floats) -> None:
        """Keep a pair, and forget the oldest where there are too many."""
        if float(np.linalg.norm(step)) < SHORT:
            return
        self.steps.append(step)
        self.rests.append(rest)
        del self.steps[:-MOST], self.rests[:-MOST]

    def model(self, weight: Floats, rows: Floats, bend: Floats, guess: Floats) -> Model:
        """Make the quasi-Newton matrix of a function of payoffs.

        Parameters
        ----------
        weight : float array, shape (payoffs,)
            Derivatives of the function by payoffs.
        rows : float array, shape (payoffs, variables)
            Slopes of payoffs.
        bend : float array, shape (payoffs, payoffs)
            Minus the second derivatives of the function by payoffs; semi-definite.
        guess : float array, shape (payoffs, variables), > 0
            Of the diagonals of minus the Hessians of payoffs.
        """
        base, known = np.abs(weight) @ guess, weight @ guess
        values, vectors = np.linalg.eigh(bend)
        stiff = np.sqrt(np.maximum(values, 0.0))[:, None] * (vectors.T @ rows)
        pairs = [(s, weight @ r + known * s) for s, r in zip(self.steps, self.rests, strict=True)]
        curved = [float(s @ y) / float(s @ (base * s)) for s, y in pairs]
        most = max(curved, default=0.0)
        pairs = [p for p, c in zip(pairs, curved, strict=True) if c > BENT * most]
        if not pairs or most <= 0.0:
            return Model(base, stiff, np.eye(len(stiff)))
        S, Y = (np.array(part) for part in zip(*pairs, strict=True))
        SY = S @ Y.T
        base = base * float(SY[-1, -1] / (S[-1] @ (base * S[-1])))
        BS, low = base * S, np.tril(SY, -1)
        middle = np.block([[BS @ S.T, low], [low.T, -np.diag(np.diag(SY))]])
        count = len(middle)
        core = np.zeros((count + len(stiff),) * 2)
        core[:count, :count] = -middle
        core[count:, count:] = np.eye(len(stiff))
        return Model(base, np.vstack([BS, Y, stiff]), core)


@dataclass(frozen=True, slots=True)
class Model:
    """A positive definite matrix ``diag(base) + thin' core^-1 thin``: minus a Hessian.

    Attributes
    ----------
    base : float array, shape (variables,)
    thin : float array, shape (rank, variables)
    core : float array, shape (rank, rank)
    """

    base: Floats
    thin: Floats
    core: Floats

    def times(self, step: Floats) -> Floats:
        """Multiply a step."""
        return np.asarray(
            self.base * step + np.linalg.solve(self.core, self.thin @ step) @ self.thin
        )

    def step(self, gradient: Floats, low: Floats, high: Floats) -> Floats:
        """Maximise ``gradient' step - step' model step / 2`` between bounds that hold 0.

        By guesses of the bounds that hold the step, each from the prices of the last.
        """
        at_low, at_high = (low >= 0.0) & (gradient < 0.0), (high <= 0.0) & (gradient > 0.0)
        for _ in range(SETS):
            held = at_low | at_high
            step = np.where(at_low, low, np.where(at_high, high, 0.0))
            free = ~held
            pull = gradient - self.times(step) if step.any() else gradient
            thin, base = self.thin[:, free], self.base[free]
            small = self.core + (thin / base) @ thin.T
            inner = np.linalg.solve(small, thin @ (pull[free] / base))
            step[free] = (pull[free] - inner @ thin) / base
            price = gradient - self.times(step)
            now_low = np.where(held, at_low & (price <= 0.0), step < low)
            now_high = np.where(held, at_high & (price >= 0.0), step > high)
            if (now_low == at_low).all() and (now_high == at_high).all():
                break
            at_low, at_high = now_low, now_high
        return np.asarray(np.clip(step, low, high))
