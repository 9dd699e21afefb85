"""Limits pooled over products: one wedge for a group of flows in many markets.

The wedge of a pooled limit is the same number in every market, so markets meet in one scalar
complementarity condition a limit; several limits are taken in turn until none moves.  Inside, each
market is solved exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewar.errors import ConvergenceError
from tradewar.limits import COMMITMENT, EXPORT_QUOTA, IMPORT_QUOTA, Floats, Pool
from tradewar.pe_problem import Problem, Solution

_ROUNDS = 100  # over all limits
_TOL = 1e-11  # |ln(total / limit)| of a binding limit
_RANGE = 40.0  # of ln(1 + wedge): a wedge of 1e17


@dataclass
class _Search:
    """A scalar complementarity problem: find x >= 0 with gap(x) = 0, or gap(0) < 0."""

    problem: Problem
    pool: Pool
    options: dict[str, Any]

    def __post_init__(self) -> None:
        first = self.problem.first_flow
        markets = np.unique(np.searchsorted(first, self.pool.member, side="right") - 1)
        self.part, rows = self.problem.only(markets.astype(np.intp))
        self.local = np.searchsorted(rows, self.pool.member)

    def gap(self, x: float) -> float:
        """ln(total / limit), with the sign turned for a commitment."""
        problem = with_wedge(self.part, self.pool.kind, self.local, x)
        solution = problem.solve(**self.options)
        bad = solution.status != 0
        if bad.any():
            raise ConvergenceError(
                "not converged", int(solution.iterations.max()), float("nan"), -1, solution
            )
        total = float(self.volume(solution, problem).sum())
        gap = float(np.log(total / self.pool.limit))
        return -gap if self.pool.kind == COMMITMENT else gap

    def volume(self, solution: Solution, problem: Problem) -> Floats:
        """Quantity of the members at base prices, or their value at current ones."""
        out = self.part.value[self.local] * solution.q[self.local]
        if self.pool.by_value:
            out = out * border_price(problem, solution)[self.local]
        return out


def border_price(problem: Problem, solution: Solution) -> Floats:
    """Border price after / before by flow: b = p A1/A0 + lx, at least the floor."""
    border = np.repeat(np.exp(solution.ln_p), np.diff(problem.row_ptr))
    if problem.x0 is not None and problem.x1 is not None:
        border *= (1.0 + problem.x1) / (1.0 + problem.x0)
    if problem.lx is not None:
        border += problem.lx
    if problem.floor is not None:
        np.maximum(border, problem.floor, out=border)
    return border


def with_wedge(problem: Problem, kind: int, rows: NDArray[np.intp], x: float) -> Problem:
    """Add the wedge of a limit to some flows; x = ln(1 + premium) or -ln(1 - subsidy).

    A subsidy scales what buyers pay and stands in `cost`, which acts on them in the same way.
    """
    if x == 0.0:
        return problem
    name, start = {
        IMPORT_QUOTA: ("lm", 0.0),
        EXPORT_QUOTA: ("lx", 0.0),
        COMMITMENT: ("cost", 1.0),
    }[kind]
    base = getattr(problem, name)
    array = np.full(len(problem.value), start) if base is None else base.copy()
    if kind == COMMITMENT:
        array[rows] *= np.exp(-x)
    else:
        array[rows] += np.expm1(x)
    changed: dict[str, Any] = {name: array}
    return replace(problem, **changed)


def settle(problem: Problem, pools: list[Pool], options: dict[str, Any]) -> list[float]:
    """Find the wedge x of every pooled limit.

    Parameters
    ----------
    problem : Problem
    pools : list of Pool
    options : dict
        Of `Problem.solve`.

    Returns
    -------
    list of float >= 0
        ln(1 + premium) of a quota, -ln(1 - subsidy) of a commitment; 0 where slack.

    Raises
    ------
    ConvergenceError
        No wedge meets a limit, or the limits do not settle.
    """
    found = [0.0] * len(pools)
    for _ in range(_ROUNDS):
        moved = 0.0
        for k, pool in enumerate(pools):
            others = problem
            for other, x in zip(
                pools[:k] + pools[k + 1 :], found[:k] + found[k + 1 :], strict=True
            ):
                others = with_wedge(others, other.kind, other.member, x)
            new = _solve_one(_Search(others, pool, options), found[k])
            moved = max(moved, abs(new - found[k]))
            found[k] = new
        if moved <= _TOL or len(pools) == 1:
            return found
    raise ConvergenceError(
        "pooled limits do not settle",
        _ROUNDS,
        moved,
        -1,
        found,
        message=(
            f"{len(pools)} pooled limits still move by {moved:.2g} after {_ROUNDS} rounds: solve "
            "them one at a time to see which two fight"
        ),
    )


def _solve_one(search: _Search, start: float) -> float:
    from scipy.optimize import brentq

    if search.gap(0.0) <= _TOL:
        return 0.0
    low, high = 0.0, max(2.0 * start, 0.25)
    while search.gap(high) > 0.0:
        low, high = high, 2.0 * high
        if high > _RANGE:
            raise ConvergenceError(
                "no wedge meets a pooled limit",
                0,
                float(search.gap(low)),
                -1,
                None,
                message=(
                    f"a pooled limit of {search.pool.limit:,.6g} cannot be met at any price: what "
                    "it covers has nowhere else to go, or the floor is above capacity"
                ),
            )
    root: float = brentq(search.gap, low, high, xtol=1e-13, rtol=1e-14, maxiter=200)
    return root
