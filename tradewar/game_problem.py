"""Points of a game: the equilibrium at a choice of policies, payoffs, and gradients by the adjoint.

The inner loop of every optimiser of `tradewar`: private arrays, warm starts, one call of the core
for the solve and one for the transposed solve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradewar import ge_problem
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


class Point(NamedTuple):
    """An equilibrium."""

    changes: Changes
    state: State
    levels: Levels
    ln_welfare: Floats  # [n]


class Gradient(NamedTuple):
    """Derivatives of one goal: by ln(1 + t'), ln(1 + x'), ln d and ln of each bound."""

    tariff: Floats  # [n, i, j]
    export_tax: Floats
    cost: Floats
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
    """

    world: World
    closure: Closure
    tol: float = 1e-11
    max_iter: int = 2000
    solves: int = 0
    _rules: WorldRules | None = field(default=None, repr=False)

    def read(self, scenario: Scenario) -> Changes:
        """Give what a scenario changes."""
        if self._rules is None:
            self._rules = WorldRules.of(self.world)
        wedges = apply_rules(scenario.rules, self.world._data, self._rules)
        return ge_problem.read_wedges(self.world, wedges)

    def point(self, changes: Changes, start: Point | None = None) -> Point:
        """Solve at one choice.

        Raises
        ------
        ConvergenceError
            The solver fails from the start and from the baseline.
        """
        begin = None if start is None else start.state
        point = self.points([changes], begin, on_error="none")[0]
        if point is None and begin is not None:
            point = self.points([changes], None, on_error="none")[0]
        if point is None:
            self.points([changes], None)  # raises
        assert point is not None
        return point

    def points(
        self,
        batch: Sequence[Changes],
        start: State | None = None,
        *,
        threads: int = 1,
        on_error: str = "raise",
        names: Sequence[str] = (),
    ) -> list[Point | None]:
        """Solve many choices in one call; None where the solver fails and on_error is "none"."""
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
        if failed and on_error == "raise":
            state = states[failed[0]]
            labels = [names[k] if names else f"policy {k}" for k in failed]
            raise ConvergenceError(
                "TW_NOCONV", state.iterations, state.residual, state.where, state, labels
            )
        good = [k for k in range(len(batch)) if k not in set(failed)]
        levels = ge_problem.evaluate(
            self.world,
            self.closure,
            [batch[k] for k in good],
            [states[k] for k in good],
            threads=threads,
        ) if good else []  # fmt: skip
        out: list[Point | None] = [None] * len(batch)
        for k, level in zip(good, levels, strict=True):
            value = ln_welfare(self.world, self.closure, states[k], level)
            out[k] = Point(batch[k], states[k], level, value)
        return out

    def gradient(self, point: Point, seeds: Seeds) -> list[Gradient]:
        """Give the derivatives of goals, one for each row of the seeds."""
        found = ge_problem.gradient(self.world, self.closure, point.changes, point.state, seeds)
        return [Gradient(*parts) for parts in found]


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
