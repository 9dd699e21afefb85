"""Valid calls of the general-equilibrium functions: a small world, every optional array given."""

from __future__ import annotations

from typing import Any

import numpy as np

from tradewar import _core

BASELINE = 0  # the code path that every machine has
N, J, S = 3, 2, 2  # countries, products, scenarios


def ge_world() -> tuple[Any, ...]:
    """A world in balance, without inputs but with every other ingredient."""
    rng = np.random.default_rng(11)
    home = np.eye(N)[:, :, None]
    trade = rng.uniform(0.5, 1.0, (N, N, J)) + 3.0 * home
    tariff = rng.uniform(0.0, 0.2, trade.shape) * (1.0 - home)
    export_tax = rng.uniform(0.0, 0.1, trade.shape) * (1.0 - home)
    expenditure = ((1.0 + tariff) * trade).sum(1)
    before_tax = trade / (1.0 + export_tax)
    income = expenditure.sum(1)
    deficit = income - before_tax.sum((0, 2)) - (tariff * trade).sum((1, 2))
    deficit -= (export_tax * before_tax).sum((0, 2))
    theta, rents, scale = np.array([4.0, 6.0]), np.array([0.1, 0.0]), np.array([0.05, 0.0])
    none, all_of_it = np.zeros((N, J, J)), np.ones((N, J))
    final_share = expenditure / income[:, None]
    return trade, tariff, export_tax, theta, all_of_it, none, rents, scale, final_share, deficit


def ge_batch() -> tuple[Any, ...]:
    """Two scenarios: a tariff or two, and a limit each."""
    world = ge_world()
    flow = np.array([2, 3, 4], dtype=np.intp)  # country 0's imports
    rate = world[1].ravel()[flow] + 0.1
    one = np.ones(flow.size)
    ptr = np.array([0, 1, 3], dtype=np.intp)
    changes = (ptr, flow, rate, world[2].ravel()[flow], one, one.copy())
    member = np.array([4, 14], dtype=np.intp)
    base = (world[0] / (1.0 + world[2])).ravel()[member]
    kind, holder = np.array([0, 1], dtype=np.int32), np.array([1, 0], dtype=np.int32)
    start = np.arange(S + 1, dtype=np.intp)
    limits = (start, kind, holder, 0.9 * base, np.full(2, 5.0), start.copy(), member)
    deficit = np.tile(world[9], (S, 1))
    closure = (0.5, 0.8, 0.9, 1.2, 0, 1)
    return world, closure, changes, np.full((S, N, J), 1.01), deficit, limits


def ge_pack() -> tuple[Any, ...]:
    """The world alone."""
    return (ge_world(),)


def ge_solve() -> tuple[Any, ...]:
    """Solve from a start."""
    zero = np.zeros((S, N, J))
    start = (np.zeros((S, N)), zero, zero.copy(), zero.copy(), np.zeros(2))
    return *ge_batch(), start, 1e-10, 500, 1, BASELINE, None


def ge_evaluate() -> tuple[Any, ...]:
    """Levels at a solution."""
    return *ge_batch(), _core.ge_solve(*ge_solve())[:5], 1, 1, BASELINE


def ge_gradient() -> tuple[Any, ...]:
    """Two objectives at a solution."""
    seeds = tuple(np.full((2, N), weight) for weight in (1.0, -1.0, 0.5, 0.2))
    seeds += (np.full((2, N, J), 0.1), np.full((2, N), 0.3))
    solution = _core.ge_solve(*ge_solve())[:5]
    return *ge_batch(), solution, seeds, 1, 1, 1, 1e-10, 300, 1, BASELINE


def ge_cause() -> tuple[Any, ...]:
    """Any cause."""
    return (1,)


VALID = (ge_pack, ge_solve, ge_evaluate, ge_gradient, ge_cause)
