"""Limits pooled over products: one wedge for a group of flows in many markets.

The wedge of a pooled limit is the same number in every market, so markets meet in one scalar
complementarity condition a limit.  Limits are taken in turn, with Newton steps on those that bind
between the rounds, until all conditions hold together.  Inside, each market is solved exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewar.errors import ConvergenceError
from tradewar.limits import COMMITMENT, EXPORT_QUOTA, IMPORT_QUOTA, Floats, Pool, Positions
from tradewar.pe_problem import Problem, Solution

_ROUNDS = 100  # over all limits
_NEWTON = 8  # steps between two rounds
_TOL = 1e-11  # |ln(total / limit)| of a binding limit
_RANGE = 40.0  # of ln(1 + wedge): a wedge of 1e17
_STEP = 1e-6  # of a difference quotient in ln(1 + wedge)


class MarketsFailed(Exception):
    """Markets that a pooled limit covers have no solution at some wedge.

    Attributes
    ----------
    markets : int array
        Positions in the problem.
    cause, iterations, residual : arrays
        As in `Solution`, of these markets.
    """

    def __init__(self, markets: Positions, solution: Solution, bad: NDArray[np.bool_]) -> None:
        super().__init__("markets failed")
        self.markets = markets[bad]
        self.cause = solution.cause[bad]
        self.iterations = solution.iterations[bad]
        self.residual = solution.residual[bad]


class Unmet(Exception):
    """No wedge meets a pooled limit.

    Attributes
    ----------
    pool : int
        Its number.
    failed : MarketsFailed or None
        The markets that have no solution at a higher wedge, where that is what stands in the way.
    """

    def __init__(self, pool: int, failed: MarketsFailed | None) -> None:
        super().__init__("a pooled limit cannot be met")
        self.pool = pool
        self.failed = failed


@dataclass
class _Search:
    """Scalar complementarity problems: x >= 0 with gap(x) = 0, or x = 0 with gap(0) < 0."""

    problem: Problem
    pools: list[Pool]
    options: dict[str, Any]

    def __post_init__(self) -> None:
        first = self.problem.first_flow
        member = np.concatenate([pool.member for pool in self.pools])
        markets = np.unique(np.searchsorted(first, member, side="right") - 1)
        self.markets = markets.astype(np.intp)
        self.part, rows = self.problem.only(self.markets)
        self.local = [np.searchsorted(rows, pool.member) for pool in self.pools]

    def gaps(self, x: Floats) -> Floats:
        """ln(total / limit) of each limit, with the sign turned for a commitment."""
        problem = self.part
        for pool, rows, wedge in zip(self.pools, self.local, x, strict=True):
            problem = with_wedge(problem, pool.kind, rows, float(wedge))
        solution = problem.solve(**self.options)
        bad = solution.status != 0
        if bad.any():
            raise MarketsFailed(self.markets, solution, bad)
        found = np.empty(len(self.pools))
        for k, (pool, rows) in enumerate(zip(self.pools, self.local, strict=True)):
            amount = problem.value[rows] * solution.q[rows]
            if pool.by_value:
                amount = amount * border_price(problem, solution)[rows]
            total = float(amount.sum())
            gap = float(np.log(total / pool.limit)) if total > 0.0 else -np.inf
            found[k] = -gap if pool.kind == COMMITMENT else gap
        return found

    def gap(self, x: float) -> float:
        """The gap of the only limit."""
        return float(self.gaps(np.array([x]))[0])


def border_price(problem: Problem, solution: Solution) -> Floats:
    """Border price after / before by flow: b = p A1/A0 + lx, at least the floor."""
    border = np.repeat(np.exp(solution.ln_p), np.diff(problem.row_ptr))
    if problem.x0 is not None and problem.x1 is not None:
        border *= (1.0 + problem.x1) / (1.0 + problem.x0)
    if problem.lx is not None:
        border += problem.lx
    c = problem.controls
    if c is not None:
        premium = np.where(c.kind == EXPORT_QUOTA, solution.shadow, 0.0)
        np.add.at(border, c.member, np.repeat(premium, np.diff(c.member_ptr)))
    if problem.floor is not None:
        np.maximum(border, problem.floor, out=border)
    return border


def with_wedge(problem: Problem, kind: int, rows: NDArray[np.intp], x: float) -> Problem:
    """Add the wedge of a limit to some flows; x = ln(1 + premium) or -ln(1 - subsidy).

    A subsidy scales the price before any import premium and stands in `cost`, which acts on
    buyers in the same way.
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
    MarketsFailed
        A market has no solution whatever the limits do.
    Unmet
        No wedge meets a limit.
    ConvergenceError
        The limits do not settle.
    """
    found = np.zeros(len(pools))
    together = _Search(problem, pools, options)
    for _ in range(_ROUNDS):
        for k, pool in enumerate(pools):
            others = problem
            for j, other in enumerate(pools):
                if j != k:
                    others = with_wedge(others, other.kind, other.member, float(found[j]))
            found[k] = _solve_one(_Search(others, [pool], options), k, float(found[k]))
        if len(pools) == 1:
            return [float(found[0])]
        found, worst = _newton(together, found)
        if worst <= _TOL:
            return [float(x) for x in found]
    raise ConvergenceError(
        "pooled limits do not settle",
        _ROUNDS,
        worst,
        -1,
        found,
        message=(
            f"{len(pools)} pooled limits still miss by {worst:.2g} (in logs) after {_ROUNDS} "
            "rounds: solve them one at a time to see which two fight"
        ),
    )


def _residual(x: Floats, gap: Floats) -> Floats:
    """Natural residual: 0 where a limit is met at x > 0, or slack at x = 0."""
    return np.where((x <= 0.0) & (gap <= 0.0), 0.0, gap)


def _newton(search: _Search, x: Floats) -> tuple[Floats, float]:
    """Improve all wedges together while that helps; give them and the largest residual."""
    gap = search.gaps(x)
    worst = float(np.abs(_residual(x, gap)).max())
    for _ in range(_NEWTON):
        active = np.flatnonzero((x > 0.0) | (gap > 0.0))
        if worst <= _TOL or not active.size:
            break
        slope = np.empty((active.size, active.size))
        try:
            for j, k in enumerate(active):
                moved = x.copy()
                moved[k] += _STEP
                slope[:, j] = (search.gaps(moved)[active] - gap[active]) / _STEP
            new = x.copy()
            new[active] = np.maximum(x[active] - np.linalg.solve(slope, gap[active]), 0.0)
            new_gap = search.gaps(new)
        except (MarketsFailed, np.linalg.LinAlgError):
            break
        new_worst = float(np.abs(_residual(new, new_gap)).max())
        if not new_worst < worst:
            break
        x, gap, worst = new, new_gap, new_worst
    return x, worst


def _solve_one(search: _Search, number: int, start: float) -> float:
    from scipy.optimize import brentq

    if search.gap(0.0) <= _TOL:
        return 0.0
    low, high = 0.0, max(2.0 * start, 0.25)
    ceiling, failed = np.inf, None  # above this wedge a market has no solution
    while True:
        try:
            gap = search.gap(high)
        except MarketsFailed as error:
            ceiling, failed = high, error
        else:
            if gap <= 0.0:
                break
            low = high
        high = 0.5 * (low + ceiling) if failed is not None else 2.0 * low
        if high > _RANGE or (failed is not None and ceiling - low < _STEP):
            raise Unmet(number, failed)
    root: float = brentq(search.gap, low, high, xtol=1e-13, rtol=1e-14, maxiter=200)
    return root
