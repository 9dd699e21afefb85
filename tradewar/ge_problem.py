"""General-equilibrium problems as the core takes them: closure, changes and limits of scenarios.

The only module beside `ge` that calls the core's general-equilibrium functions.  Arrays are
[importer n, exporter i, sector j] and a flow's flat place is ``(n N + i) J + j``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradewar import _core
from tradewar.ge_limits import NO_LIMITS, GELimits, read_limits
from tradewar.wedges import Wedges

if TYPE_CHECKING:
    from tradewar.world import World

__all__ = [
    "Changes",
    "Closure",
    "Gradient",
    "Levels",
    "Seeds",
    "State",
    "batch_arrays",
    "evaluate",
    "gradient",
    "packed",
    "read_wedges",
    "solve",
    "world_arrays",
]

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]

DEFICITS = {"fixed": 0, "share": 0, "zero": 1, "purged": 0, "income": 2}
REVENUE = {"lump_sum": 0, "income_tax": 1}


Baseline = Any  # a World, or tables that are not yet an equilibrium (world_resolve)


@dataclass(frozen=True, slots=True)
class Closure:
    """Switches of the model; see `solve_ge`."""

    deficits: str = "fixed"
    revenue: str = "lump_sum"
    labour_supply: float = 0.0
    va_substitution: float = 1.0
    input_substitution: float = 1.0
    final_substitution: float = 1.0

    def core(self) -> tuple[float, float, float, float, int, int]:
        """Give the switches in the order of the core."""
        return (
            self.labour_supply,
            self.va_substitution,
            self.input_substitution,
            self.final_substitution,
            DEFICITS[self.deficits],
            REVENUE[self.revenue],
        )


@dataclass(frozen=True, slots=True)
class Changes:
    """One scenario on a world.

    Attributes
    ----------
    flow : int array, flat places of the flows that change, rising
    tariff, export_tax, cost, weight : float arrays, one per change
        t', x', d (ratio) and the taste weight that multiplies the share (0 = ban).
    productivity : float array, shape (country, sector), ratio, or None
    deficit : float array, shape (country,), D', or None: the world's
    limits : GELimits
    """

    flow: Positions
    tariff: Floats
    export_tax: Floats
    cost: Floats
    weight: Floats
    productivity: Floats | None = None
    deficit: Floats | None = None
    limits: GELimits = NO_LIMITS


class State(NamedTuple):
    """What the core solves for, of one scenario."""

    ln_w: Floats  # [n]
    ln_P: Floats  # [n, j]
    ln_X: Floats  # [n, j] ln(X'/X)
    ln_S: Floats  # [n, j] ln of the ratio of input bundles
    multiplier: Floats  # [limit] log wedges
    labour: Floats  # [n] ratio
    subsidy: Floats  # [n] ratio: s, the relief of income tax
    status: int
    iterations: int
    residual: float
    where: int
    what: int


class Levels(NamedTuple):
    """What follows from a state: levels in value_unit, prices as ratios."""

    cost: Floats  # [n, j] c
    output: Floats  # [n, j] Y'
    income: Floats  # [n] I'
    tariff_revenue: Floats  # [n] R', rents and subsidies of the importer in
    export_revenue: Floats  # [n] XR', rents of the exporter in
    price_index: Floats  # [n] Pc
    deficit: Floats  # [n] D'


def places(world: World) -> Positions:
    """Flat place of each row of the world's flows."""
    data = world._data
    N, J = len(world._countries), len(world._products)
    flat = (data._importer.astype(np.intp) * N + data._exporter) * J + data._product
    return np.asarray(flat, dtype=np.intp)


def world_arrays(world: Baseline) -> Any:
    """Give the arrays of a world in the order of the core."""
    return (
        world._trade,
        world._tariff,
        world._export_tax,
        world._theta,
        world._value_added,
        world._input_use,
        world._rents,
        world._scale,
        world._final_share,
        world._deficit,
    )


def packed(world: Baseline) -> Any:
    """Give a world as the core keeps it: checked and laid out at the first call."""
    kept = getattr(world, "_packed", None)
    if kept is None:  # tables
        return world_arrays(world)
    if not kept:
        kept.append(_core.ge_pack(world_arrays(world)))
    return kept[0]


def read_wedges(world: World, wedges: Wedges, flat: Positions) -> Changes:
    """Keep what a scenario changes; `wedges` and `flat` are those of the world's flows."""
    data = world._data
    old = data._export_tax
    moved = wedges.tariff != data._tariff
    if wedges.export_tax is not None:
        moved |= wedges.export_tax != (0.0 if old is None else old)
    for ratio in (wedges.cost, wedges.weight):
        if ratio is not None:
            moved |= ratio != 1.0
    rows = np.flatnonzero(moved)
    rows = rows[np.argsort(flat[rows], kind="stable")]

    def pick(array: Floats | None, otherwise: float) -> Floats:
        if array is None:
            return np.full(len(rows), otherwise)
        return np.ascontiguousarray(array[rows])

    return Changes(
        flat[rows],
        pick(wedges.tariff, 0.0),
        pick(old if wedges.export_tax is None else wedges.export_tax, 0.0),
        pick(wedges.cost, 1.0),
        pick(wedges.weight, 1.0),
        wedges.productivity,
        None,
        read_limits(wedges, data, flat),
    )


NO_CHANGES = Changes(np.zeros(0, np.intp), np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0))


# ---- calls of the core --------------------------------------------------------------------------


def _offsets(sizes: Sequence[int]) -> Positions:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)


def _join(parts: list[NDArray[Any]], dtype: Any) -> NDArray[Any]:
    return np.ascontiguousarray(np.concatenate(parts) if parts else np.zeros(0), dtype=dtype)


def batch_arrays(world: Baseline, batch: Sequence[Changes]) -> tuple[Any, Any, Any, Any]:
    """Write scenarios as the core takes them: changes, productivity, deficit, limits."""
    N, J = len(world._countries), len(world._products)
    changes: tuple[Any, ...] | None = (
        _offsets([len(c.flow) for c in batch]),
        _join([c.flow for c in batch], np.intp),
        *(
            _join([getattr(c, name) for c in batch], np.float64)
            for name in ("tariff", "export_tax", "cost", "weight")
        ),
    )
    productivity = deficit = None
    if any(c.productivity is not None for c in batch):
        one = np.ones((N, J))
        productivity = np.ascontiguousarray(
            [one if c.productivity is None else c.productivity for c in batch]
        )
    if any(c.deficit is not None for c in batch):
        deficit = np.ascontiguousarray(
            [world._deficit if c.deficit is None else c.deficit for c in batch]
        )
    limits = None
    held = [c.limits for c in batch]
    if any(len(x.kind) for x in held):
        limits = (
            _offsets([len(x.kind) for x in held]),
            _join([x.kind for x in held], np.int32),
            _join([x.holder for x in held], np.int32),
            _join([x.bound for x in held], np.float64),
            _join([x.upper for x in held], np.float64),
            _offsets([len(m) for x in held for m in x.members]),
            _join([m for x in held for m in x.members], np.intp),
        )
    return changes, productivity, deficit, limits


def solve(
    world: Baseline,
    closure: Closure,
    batch: Sequence[Changes],
    *,
    tol: float,
    max_iter: int,
    threads: int,
    start: State | None = None,
    progress: Callable[[int], object] | None = None,
) -> list[State]:
    """Solve scenarios in one call; the states say which ones failed."""
    begin = None
    if start is not None:
        parts = (start.ln_w, start.ln_P, start.ln_X, start.ln_S)
        ln_w, ln_P, ln_X, ln_S = (np.require(part[None], np.float64, ["C", "A"]) for part in parts)
        begin = (ln_w, ln_P, ln_X, ln_S, None)
    out = _core.ge_solve(
        packed(world),
        closure.core(),
        *batch_arrays(world, batch),
        begin,
        tol,
        max_iter,
        threads,
        -1,
        progress,
    )
    (ln_w, ln_P, ln_X, ln_S, multiplier, labour, subsidy) = out[:7]
    (status, iterations, residual, where, what) = out[7:]
    first = _offsets([len(c.limits.kind) for c in batch])
    return [
        State(
            ln_w[s],
            ln_P[s],
            ln_X[s],
            ln_S[s],
            multiplier[first[s] : first[s + 1]],
            labour[s],
            subsidy[s],
            int(status[s]),
            int(iterations[s]),
            float(residual[s]),
            int(where[s]),
            int(what[s]),
        )
        for s in range(len(batch))
    ]


def evaluate(
    world: Baseline,
    closure: Closure,
    batch: Sequence[Changes],
    states: Sequence[State],
    *,
    threads: int = 1,
) -> list[Levels]:
    """Give the levels that follow from solved states."""
    ln_w, ln_P, ln_X, ln_S = (
        np.ascontiguousarray([getattr(state, name) for state in states])
        for name in ("ln_w", "ln_P", "ln_X", "ln_S")
    )
    point = (ln_w, ln_P, ln_X, ln_S, _join([state.multiplier for state in states], np.float64))
    out = _core.ge_evaluate(
        packed(world), closure.core(), *batch_arrays(world, batch), point, 0, threads, -1
    )
    cost, _, output, income, tariff_revenue, export_revenue, price_index, deficit = out
    return [
        Levels(
            cost[s],
            output[s],
            income[s],
            tariff_revenue[s],
            export_revenue[s],
            price_index[s],
            deficit[s],
        )
        for s in range(len(states))
    ]


class Seeds(NamedTuple):
    """Derivatives of objectives, one a row; None: 0."""

    income: Floats | None = None  # [seed, n] by ln I'
    price: Floats | None = None  # [seed, n] by ln Pc
    wage: Floats | None = None  # [seed, n] by ln w
    labour: Floats | None = None  # [seed, n] by ln L
    output: Floats | None = None  # [seed, n, j] by ln Y'
    revenue: Floats | None = None  # [seed, n] by R'


class Gradient(NamedTuple):
    """Derivatives of objectives by what a scenario sets, flows [seed, n, i, j]."""

    tariff: Floats | None  # by ln(1 + t')
    export_tax: Floats | None  # by ln(1 + x')
    cost: Floats | None  # by ln d
    limit: Floats  # [seed, limit] by ln bound
    status: NDArray[np.int32]  # [seed]
    products: NDArray[np.int32]  # [seed] Jacobian products
    left: Floats  # [seed] relative residual of the adjoint
    error: Floats  # [seed] how far the state's residuals can put the objective off


def gradient(
    world: Baseline,
    closure: Closure,
    changes: Changes,
    state: State,
    seeds: Seeds,
    *,
    tariff: bool = True,
    export_tax: bool = True,
    cost: bool = False,
    tol: float,
    max_iter: int,
    threads: int,
) -> Gradient:
    """Differentiate objectives at a solved state by one adjoint solve each."""
    parts = (state.ln_w, state.ln_P, state.ln_X, state.ln_S)
    ln_w, ln_P, ln_X, ln_S = (np.require(part[None], np.float64, ["C", "A"]) for part in parts)
    point = (ln_w, ln_P, ln_X, ln_S, np.require(state.multiplier, np.float64, ["C", "A"]))
    out = _core.ge_gradient(
        packed(world),
        closure.core(),
        *batch_arrays(world, [changes]),
        point,
        seeds,
        int(tariff),
        int(export_tax),
        int(cost),
        tol,
        max_iter,
        threads,
        -1,
    )
    by_flow = [None if array is None else array[0] for array in out[:3]]
    tariffs, taxes, costs = by_flow
    return Gradient(tariffs, taxes, costs, out[3], out[4][0], out[5][0], out[6][0], out[10][0])
