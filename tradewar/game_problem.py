"""Points of a game: the equilibrium at a choice of policies, payoffs, and gradients by the adjoint.

The inner loop of every optimiser of `tradewar`: private arrays, warm starts, one call of the core
for the solve and one for the transposed solve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradewar import _core, ge_problem
from tradewar.coverage import WorldRules
from tradewar.errors import ConvergenceError
from tradewar.ge_problem import Changes, Closure, Levels, State
from tradewar.goals import Goal, Seeds, ln_welfare
from tradewar.policy_space import Policy
from tradewar.scenario import Scenario
from tradewar.wedges import apply_rules
from tradewar.world import World

__all__ = ["Evaluator", "Gradient", "Payoff", "Point", "money_of"]

Floats = NDArray[np.float64]

ADJOINT_TOL = 1e-10  # relative residual of the transposed solve
FOREIGN = 0.02  # guess of a payoff's curvature by others' choices, over that by its own
ADJOINT_MOST = 600  # products with the transposed derivative


class Point(NamedTuple):
    """An equilibrium."""

    changes: Changes
    state: State
    levels: Levels
    ln_welfare: Floats  # [n]


class Gradient(NamedTuple):
    """Derivatives of one goal: by ln(1 + t'), ln(1 + x'), ln d and ln of each bound."""

    tariff: Floats | None  # [n, i, j]; None where not wanted
    export_tax: Floats | None
    cost: Floats | None
    limit: Floats  # [limit]


def money_of(world: World, closure: Closure) -> Floats:
    """Give what a fraction of welfare is worth in each country: I - k V, `value_unit`."""
    kappa = closure.labour_supply
    return np.asarray(world._income - kappa / (1.0 + kappa) * world._labour_income)


@dataclass(slots=True)
class Evaluator:
    """Solve a world at changes, from the last point or the nearest known one.

    Parameters
    ----------
    world : World
    closure : Closure
    tol : float
        Residual of every market, relative to its value.
    max_iter : int
    wanted : tuple of str
        Gradients to compute.
    """

    world: World
    closure: Closure
    tol: float = 1e-11
    max_iter: int = 2000
    wanted: tuple[str, ...] = ("tariff", "export_tax", "cost")
    solves: int = 0
    _rules: WorldRules | None = field(default=None, repr=False)
    _flat: NDArray[np.intp] | None = field(default=None, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without what is made again."""
        return type(self), (self.world, self.closure, self.tol, self.max_iter, self.wanted)

    def read(self, scenario: Scenario) -> Changes:
        """Give what a scenario changes."""
        if self._rules is None or self._flat is None:
            self._rules = WorldRules.of(self.world)
            self._flat = ge_problem.places(self.world)
        wedges = apply_rules(scenario.rules, self.world._data, self._rules)
        return ge_problem.read_wedges(self.world, wedges, self._flat)

    def point(self, changes: Changes, start: Point | None = None) -> Point:
        """Solve at one choice.

        Raises
        ------
        ConvergenceError
            The solver fails from the start and from the baseline.
        """
        self.solves += 1
        batch = self._batch(changes)
        begin = None if start is None else tuple(a[None] for a in start.state[:4]) + (None,)
        out = self._solve(batch, begin)
        if out[7][0] != 0 and begin is not None:
            out = self._solve(batch, None)
        ln_w, ln_P, ln_X, ln_S, multiplier, labour, subsidy, *rest = out
        status, iterations, residual, where, what = (a[0] for a in rest)
        state = State(
            ln_w[0], ln_P[0], ln_X[0], ln_S[0], multiplier, labour[0], subsidy[0],
            int(status), int(iterations), float(residual), int(where), int(what),
        )  # fmt: skip
        if state.status != 0:
            raise ConvergenceError(
                "TW_NOCONV", state.iterations, state.residual, state.where, state, ["a policy"]
            )
        solution = (ln_w, ln_P, ln_X, ln_S, multiplier)
        found = _core.ge_evaluate(self._world, self.closure.core(), *batch, solution, 0, 1, -1)
        levels = Levels(*(found[k][0] for k in (0, 2, 3, 4, 5, 6, 7)))  # type: ignore[index]
        return Point(changes, state, levels, ln_welfare(self.world, self.closure, state, levels))

    def trade(self, point: Point) -> Floats:
        """Give trade at border prices, [n, i, j], at a point."""
        ln_w, ln_P, ln_X, ln_S = (a[None] for a in point.state[:4])
        solution = (ln_w, ln_P, ln_X, ln_S, point.state.multiplier)
        found = _core.ge_evaluate(
            self._world, self.closure.core(), *self._batch(point.changes), solution, 1, 1, -1
        )
        assert found[1] is not None
        return found[1][0]

    @property
    def _world(self) -> Any:
        return ge_problem.packed(self.world)

    def _solve(self, batch: tuple[Any, Any, Any, Any], begin: Any) -> Any:
        return _core.ge_solve(
            self._world, self.closure.core(), *batch, begin, self.tol, self.max_iter, 1, -1, None
        )

    def _batch(self, changes: Changes) -> tuple[Any, Any, Any, Any]:
        """Write one scenario for the core; without copies where it changes prices alone."""
        if len(changes.limits) or changes.productivity is not None or changes.deficit is not None:
            return ge_problem.batch_arrays(self.world, [changes])
        ends = np.array([0, len(changes.flow)], dtype=np.intp)
        prices = (changes.tariff, changes.export_tax, changes.cost, changes.weight)
        return (ends, changes.flow, *prices), None, None, None

    def points(
        self,
        batch: Sequence[Changes],
        start: State | None = None,
        *,
        threads: int = 1,
        names: Sequence[str] = (),
    ) -> list[Point]:
        """Solve many choices in one call; `names` are for the error."""
        self.solves += len(batch)
        states = ge_problem.solve(
            self.world,
            self.closure,
            batch,
            tol=self.tol,
            max_iter=self.max_iter,
            threads=threads,
            start=start,
        )
        failed = [k for k, state in enumerate(states) if state.status != 0]
        if failed:
            state = states[failed[0]]
            labels = [names[k] if names else f"policy {k}" for k in failed]
            raise ConvergenceError(
                "TW_NOCONV", state.iterations, state.residual, state.where, state, labels
            )
        levels = ge_problem.evaluate(self.world, self.closure, batch, states, threads=threads)
        return [
            Point(changes, state, level, ln_welfare(self.world, self.closure, state, level))
            for changes, state, level in zip(batch, states, levels, strict=True)
        ]

    def relative_welfare(
        self, batch: Sequence[Changes], *, threads: int = 1, names: Sequence[str] = ()
    ) -> Floats:
        """Give changes in welfare against the status quo of the closure, [choice, country].

        Under ``deficits="zero"`` the status quo is the world without deficits: that they vanish is
        nobody's doing.
        """
        moves = self.closure.deficits == "zero" and bool(self.world._deficit.any())
        all_of = [*batch, ge_problem.NO_CHANGES] if moves else list(batch)
        points = self.points(all_of, threads=threads, names=[*names, "the status quo"])
        values = np.array([point.ln_welfare for point in points])
        return np.asarray(np.expm1(values[: len(batch)] - (values[-1] if moves else 0.0)))

    def gradient(self, point: Point, seeds: Seeds) -> list[Gradient]:
        """Give the derivatives of goals, one for each row of the seeds."""
        state = point.state
        ln_w, ln_P, ln_X, ln_S = (a[None] for a in state[:4])
        solution = (ln_w, ln_P, ln_X, ln_S, state.multiplier)
        wanted = self.wanted
        tariff, export_tax, cost, limit, status, products, left, _, where, *_ = _core.ge_gradient(
            self._world,
            self.closure.core(),
            *self._batch(point.changes),
            solution,
            (seeds.income, seeds.price, None, seeds.labour, seeds.output, seeds.revenue),
            int("tariff" in wanted),
            int("export_tax" in wanted),
            int("cost" in wanted),
            ADJOINT_TOL,
            ADJOINT_MOST,
            1,
            -1,
        )
        bad = np.flatnonzero(status[0])
        if bad.size:
            k = int(bad[0])
            raise ConvergenceError(
                "TW_NOCONV", int(products[0, k]), float(left[0, k]), int(where[0, k]),
                labels=["gradient of a payoff"],
            )  # fmt: skip
        found: list[Any] = [
            [None] * len(limit) if a is None else a[0] for a in (tariff, export_tax, cost)
        ]
        return [Gradient(*row) for row in zip(*found, limit, strict=True)]


@dataclass(slots=True)
class Payoff:
    """Payoffs of players as functions of what they choose.

    Parameters
    ----------
    evaluator : Evaluator
    policy : Policy
    goal : Goal
        One payoff for each of its players.
    """

    evaluator: Evaluator
    policy: Policy
    goal: Goal
    last: Point | None = None

    def at(self, x: Floats) -> tuple[Floats, Point]:
        """Give the payoffs at a choice of all variables."""
        changes = self.policy.changes(x)
        self.last = self.evaluator.point(changes, self.last)
        return self.goal.values(self.last.state, self.last.levels), self.last

    def slopes(self, point: Point, weight: Floats) -> Floats:
        """Give the gradient of a weighted sum of payoffs by all variables."""
        seeds = self.goal.seeds(point.state, point.levels).mixed(weight)
        [gradient] = self.evaluator.gradient(point, seeds)
        return self.policy.pull(gradient, point.changes)

    def jacobian(self, point: Point) -> Floats:
        """Give the gradients of all payoffs, [player, variable]: one call, one seed a player."""
        seeds = self.goal.seeds(point.state, point.levels)
        found = self.evaluator.gradient(point, seeds)
        return np.array([self.policy.pull(gradient, point.changes) for gradient in found])

    def curvature(self, point: Point) -> Floats:
        """Guess the diagonals of minus the Hessians of all payoffs, [player, variable]."""
        trade = self.evaluator.trade(point)
        guess = self.policy.curvature(trade, point.levels.income, point.changes)
        own = np.arange(len(self.goal.players))[:, None] == self.policy.owner
        return np.asarray(guess * np.where(own, 1.0, FOREIGN))
