"""Maximise a smooth function in a box: SciPy's L-BFGS-B on scaled variables.

Nothing here knows about trade.  A variable times its scale should have a curvature of about one;
that, and not the choice of the method, makes large problems quick.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradewar.errors import ConvergenceError

__all__ = ["Climb", "best_of", "climb", "projected"]

Floats = NDArray[np.float64]
ValueGradient = Callable[[Floats], tuple[float, Floats]]

MEMORY = 20  # pairs that L-BFGS-B keeps
MOST = 5000  # evaluations
STIFF = 5.0  # the function is multiplied by this, so that a scaled curvature is about one
RESTARTS = 8  # after line searches that found nothing better
TOP = 1e-6  # projected scaled gradient at which a climb is done


class Climb(NamedTuple):
    """Where a climb ended.

    Attributes
    ----------
    x : float array
    value : float
    slope : float
        Largest entry of the projected scaled gradient.
    slack : float
        About what a further climb would gain: half the sum of squared scaled slopes.
    evaluations : int
    message : str
        Of the method.
    """

    x: Floats
    value: float
    slope: float
    slack: float
    evaluations: int
    message: str


def projected(gradient: Floats, u: Floats, low: Floats, high: Floats) -> Floats:
    """Give the step along the gradient that stays in the box."""
    return np.asarray(np.clip(u + gradient, low, high) - u)


def climb(
    function: ValueGradient,
    start: Floats,
    *,
    low: Floats,
    high: Floats,
    scale: Floats,
    top: float = TOP,
    most: int = MOST,
    stiff: float = STIFF,
    allowed: float = np.inf,
) -> Climb:
    """Climb from one start.

    Parameters
    ----------
    function : callable
        Gives value and gradient.
    start, low, high, scale : float arrays, shape (variables,)
        The start is moved into the box.
    top : float
        Projected scaled gradient at which the climb is done.
    most : int
        Evaluations.
    stiff : float
        Guess of the reciprocal of the scaled curvature.
    allowed : float
        Largest `Climb.slack` that is taken for a top.

    Raises
    ------
    ConvergenceError
        More slack is left than is allowed.
    """
    from scipy.optimize import minimize

    def down(u: Floats) -> tuple[float, Floats]:
        value, gradient = function(np.clip(u / scale, low, high))
        return -stiff * value, -stiff * gradient / scale

    options = {
        "maxcor": MEMORY,
        "gtol": stiff * top,
        "ftol": 0.0,
        "maxiter": most,
        "maxfun": most,
        "maxls": 30,
    }
    u, evaluations = np.clip(start, low, high) * scale, 0
    for _ in range(RESTARTS):
        with one_thread():
            found = minimize(
                down,
                u,
                jac=True,
                method="L-BFGS-B",
                bounds=np.column_stack([low * scale, high * scale]),
                options=options,
            )
        evaluations += int(found.nfev)
        slopes = projected(-found.jac / stiff, found.x, low * scale, high * scale)
        slope = float(np.abs(slopes).max(initial=0.0))
        moved = float(np.abs(found.x - u).max(initial=0.0))
        u = found.x
        if slope <= top or moved == 0.0 or evaluations >= most:
            break  # else a line search failed: begin anew without memory
    x = np.clip(u / scale, low, high)
    slack = 0.5 * float(slopes @ slopes)
    result = Climb(x, -float(found.fun) / stiff, slope, slack, evaluations, str(found.message))
    if not slack <= max(allowed, len(x) * top**2):
        raise ConvergenceError(
            "TW_NOCONV",
            result.evaluations,
            slope,
            -1,
            result,
            message=(
                f"the optimiser stopped with a scaled slope of {slope:.1e} after "
                f"{result.evaluations} evaluations ({found.message.lower()}): give another start, "
                "narrower bounds or fewer instruments"
            ),
        )
    return result


@functools.cache
def _blas() -> Any:
    """Find the BLAS libraries of this process, where threadpoolctl is there to ask."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()


def one_thread() -> AbstractContextManager[Any]:
    """Keep BLAS to one thread: waking more costs many times what the optimiser computes."""
    found = _blas()
    return nullcontext() if found is None else found.limit(limits=1, user_api="blas")


def best_of(climbs: Mapping[str, Climb]) -> str:
    """Give the name of the highest; the first of equals."""
    return max(climbs, key=lambda name: climbs[name].value)
