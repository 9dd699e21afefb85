"""Second derivatives of payoffs by what players choose: products with vectors, largest eigenvalues.

A product is a central difference of adjoint gradients at two equilibria beside the point, each
solved from it.  Its step moves no variable by more than the cube root of the gradients' relative
precision, where what the difference leaves out and what rounding adds are about as large.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradewar.climb import TOP, one_thread, projected
from tradewar.errors import ConvergenceError
from tradewar.game_problem import ADJOINT_TOL, Payoff, Point
from tradewar.policy_space import Policy

__all__ = ["Shape", "hessian_product", "shape_of"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

STEP = float(np.cbrt(ADJOINT_TOL))  # largest change of ln(1 + t), or of a size
TELLS = 1e-8  # least curvature of a variable: e-fold changes of 1 + t move ln W by half of it
DENSE = 24  # variables up to which all products are taken
PRECISE = 1e-4  # of eigenvalues
SEED = 22  # of the vector that the iteration starts with


class Shape(NamedTuple):
    """What the second-order condition says of one player's own variables.

    slope : float
        Largest projected scaled slope.
    values : float array, shape (direction,)
        Largest eigenvalues of the scaled Hessian, falling.
    directions : float array, shape (direction, variable)
        Changes of all variables of the game for a scaled step of one.
    parts : float array, shape (direction, variable)
        Squares of the scaled components; they sum to 1.
    free, held, small : bool arrays, shape (variable,)
        Own variables that the eigenvalues are about, those at bounds that the slope presses
        against, and those too small to matter.
    products : int
    """

    slope: float
    values: Floats
    directions: Floats
    parts: Floats
    free: Mask
    held: Mask
    small: Mask
    products: int


def hessian_product(
    payoff: Payoff, x: Floats, vector: Floats, weight: Floats, *, point: Point | None = None
) -> Floats:
    """Multiply the Hessian of a weighted sum of payoffs with a vector.

    Parameters
    ----------
    payoff : Payoff
    x : float array, shape (variable,)
        The choice: ln(1 + t) of rates, sizes of instruments.
    vector : float array, shape (variable,)
    weight : float array, shape (player,)
    point : Point, optional
        The equilibrium at `x`, where both solves start.

    Returns
    -------
    float array, shape (variable,)
        Payoff (ln W for ``objective="welfare"``) by variables, twice, times the vector.

    Notes
    -----
    ``(g(x + h v) - g(x - h v)) / 2 h`` with ``max |h v| = 1e-10^(1/3) = 4.6e-4``.  Sizes of
    instruments end at their bounds: where a step would leave them, `x` is moved inside by it.  At a
    kink, where a limit begins to bind, it is no derivative.
    """
    largest = float(np.abs(vector).max(initial=0.0))
    if largest == 0.0:
        return np.zeros_like(x)
    evaluator, changes = payoff.evaluator, payoff.policy.changes
    start = evaluator.point(changes(x)) if point is None else point
    middle, step = _inside(payoff.policy, x, vector, STEP / largest)
    ahead, behind = (
        payoff.slopes(evaluator.point(changes(middle + side * vector), start), weight)
        for side in (step, -step)
    )
    return np.asarray((ahead - behind) / (2.0 * step))


def _inside(policy: Policy, x: Floats, vector: Floats, step: float) -> tuple[Floats, float]:
    """Give the point nearest to a choice from which steps to both sides keep sizes in bounds."""
    moved = np.array([name != "" for name in policy.names]) & (vector != 0.0)
    if not moved.any():
        return x, step
    part, low, high = np.abs(vector[moved]), policy.low[moved], policy.high[moved]
    step = min(step, 0.5 * float(((high - low) / part).min()))
    middle = x.copy()
    middle[moved] = np.clip(x[moved], low + step * part, high - step * part)
    return middle, step


def shape_of(payoff: Payoff, player: int, x: Floats, count: int) -> Shape:
    """Find the largest eigenvalues of the Hessian of one player's payoff by its own variables.

    A few products with the Hessian find them by Lanczos iteration; small problems take all.

    Variables are scaled by the roots of the guess of their curvature (`Payoff.curvature`): sigma
    times the flow's share in spending, so that an eigenvalue of about -1 is usual.

    Parameters
    ----------
    payoff : Payoff
    player : int
        Place among the players of the payoff.
    x : float array, shape (variable,)
    count : int
        Eigenvalues.
    """
    policy, weight = payoff.policy, np.zeros(len(payoff.goal.players))
    weight[player] = 1.0
    point = payoff.evaluator.point(policy.changes(x))
    slopes = payoff.slopes(point, weight)
    curvature = payoff.curvature(point)[player]
    own = policy.of(player)
    inside = projected(slopes / policy.scale, x * policy.scale,
                       policy.low * policy.scale, policy.high * policy.scale)  # fmt: skip
    pressed = np.abs(slopes / policy.scale) > TOP
    at_low, at_high = x <= policy.low, x >= policy.high
    held = own & pressed & ((at_low & (slopes < 0.0)) | (at_high & (slopes > 0.0)))
    small = own & ~held & (curvature < TELLS)
    free = own & ~held & ~small
    place = np.flatnonzero(free)
    root = np.sqrt(curvature[place])
    products = 0

    def times(scaled: Floats) -> Floats:
        nonlocal products
        products += 1
        vector = np.zeros_like(x)
        vector[place] = scaled.ravel() / root
        return hessian_product(payoff, x, vector, weight, point=point)[place] / root

    with one_thread():
        values, vectors = _largest(times, len(place), count)
    directions, parts = np.zeros((2, len(values), len(x)))
    directions[:, place], parts[:, place] = vectors.T / root, vectors.T**2
    slope = float(np.abs(inside[own]).max(initial=0.0))
    return Shape(slope, values, directions, parts, free, held, small, products)


def _largest(times: Callable[[Floats], Floats], size: int, count: int) -> tuple[Floats, Floats]:
    """Give the largest eigenvalues of a symmetric operator, falling, and vectors in columns."""
    if size <= max(DENSE, count):
        whole = np.array([times(row) for row in np.eye(size)]).reshape(size, size)
        values, vectors = np.linalg.eigh(0.5 * (whole + whole.T))
    else:
        from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

        operator = LinearOperator((size, size), matvec=times, dtype=np.float64)
        start = np.random.default_rng(SEED).normal(size=size)
        try:
            values, vectors = eigsh(operator, count, which="LA", v0=start, tol=PRECISE)
        except ArpackNoConvergence as error:
            raise ConvergenceError(
                "TW_NOCONV",
                size,
                float("nan"),
                -1,
                message=f"the flattest {count} directions were not found ({error}): give a "
                "smaller k=",
            ) from None
    order = np.argsort(-values)[:count]
    return values[order], vectors[:, order]
