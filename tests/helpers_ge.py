"""Call the core's general equilibrium with the plain arrays of the twin's worlds and shocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tests.reference.ge_twin import LIMITS, Options, Shock, World
from tradewar import _core

TOL = 1e-12
MAX_ITER = 3000
BEST_LEVEL = -1  # the fastest code path of the machine
DEFICITS = {"fixed": 0, "share": 0, "zero": 1, "income": 2}
REVENUE = {"lump_sum": 0, "income_tax": 1}


def plain(x) -> np.ndarray:
    return np.ascontiguousarray(x, dtype=np.float64)


def world_tuple(w: World) -> tuple:
    """Pass NULL for what is nowhere, so that both makes of the core are seen."""

    def or_null(x):
        return plain(x) if np.any(x) else None

    return (
        plain(w.trade),
        plain(w.tariff),
        or_null(w.export_tax),
        plain(w.theta),
        plain(w.value_added),
        or_null(w.input_use),
        or_null(w.rents),
        or_null(w.scale),
        plain(w.final_share),
        plain(w.deficit),
    )


def options_tuple(o: Options) -> tuple:
    return (
        o.labour_supply,
        o.va_substitution,
        o.input_substitution,
        o.final_substitution,
        DEFICITS[o.deficits],
        REVENUE[o.revenue],
    )


def changes_tuple(w: World, shocks: Sequence[Shock]) -> tuple:
    """Flows that any of the four arrays moves, of each scenario."""
    pieces = []
    for shock in shocks:
        moved = (
            (shock.tariff != w.tariff)
            | (shock.export_tax != w.export_tax)
            | (shock.cost != 1)
            | (shock.weight != 1)
        ) & (w.trade > 0)
        flow = np.flatnonzero(moved)
        arrays = (shock.tariff, shock.export_tax, shock.cost, shock.weight)
        pieces.append((flow, *(x.ravel()[flow] for x in arrays)))
    ptr = np.concatenate([[0], np.cumsum([len(p[0]) for p in pieces])]).astype(np.intp)
    flow, *values = (np.concatenate([p[k] for p in pieces]) for k in range(5))
    return (ptr, flow.astype(np.intp), *(plain(x) for x in values))


def limits_tuple(shocks: Sequence[Shock]) -> tuple | None:
    limits = [x for shock in shocks for x in shock.limits]
    if not limits:
        return None
    members = [np.flatnonzero(x.members) for x in limits]
    return (
        np.concatenate([[0], np.cumsum([len(s.limits) for s in shocks])]).astype(np.intp),
        np.array([LIMITS.index(x.kind) for x in limits], dtype=np.int32),
        np.array([x.holder for x in limits], dtype=np.int32),
        plain([x.bound for x in limits]),
        plain([x.upper for x in limits]),
        np.concatenate([[0], np.cumsum([len(m) for m in members])]).astype(np.intp),
        np.concatenate(members).astype(np.intp),
    )


@dataclass(frozen=True)
class Answer:
    """What the core says; the first axis is the scenario, but for multipliers."""

    world: World
    options: Options
    arguments: tuple  # what solve and evaluate share
    ln_w: np.ndarray
    ln_P: np.ndarray
    ln_X: np.ndarray
    ln_S: np.ndarray
    multiplier: np.ndarray
    labour: np.ndarray
    subsidy: np.ndarray
    status: np.ndarray
    iterations: np.ndarray
    residual: np.ndarray
    where: np.ndarray
    what: np.ndarray

    @property
    def point(self) -> tuple:
        return (self.ln_w, self.ln_P, self.ln_X, self.ln_S, self.multiplier)

    @cached_property
    def evaluated(self) -> dict[str, np.ndarray]:
        found = _core.ge_evaluate(*self.arguments, self.point, 1, 1, BEST_LEVEL)
        names = (
            "cost", "trade", "output", "income", "tariff_revenue", "export_revenue",
            "price_index", "deficit",
        )  # fmt: skip
        return dict(zip(names, found, strict=True))

    @property
    def wages(self) -> np.ndarray:
        """w L V."""
        return np.exp(self.ln_w) * self.labour * self.world.labour_income

    @property
    def welfare(self) -> np.ndarray:
        k = self.options.labour_supply / (1 + self.options.labour_supply)
        w, e = self.world, self.evaluated
        net = e["income"] - k * self.wages * self.subsidy
        return net / e["price_index"] / (w.income - k * w.labour_income)

    @property
    def real_wage(self) -> np.ndarray:
        return np.exp(self.ln_w) * self.subsidy / self.evaluated["price_index"]

    def raise_failures(self) -> Answer:
        """Stop a test that needs every scenario solved."""
        for k in np.flatnonzero(self.status):
            raise ArithmeticError(
                f"scenario {k}: status {self.status[k]}, {_core.ge_cause(int(self.what[k]))} at "
                f"{self.where[k]}, residual {self.residual[k]:.3g} after {self.iterations[k]}"
            )
        return self


def solve(
    w: World,
    shocks: Shock | Sequence[Shock],
    o: Options | None = None,
    *,
    start: tuple | None = None,
    tol: float = TOL,
    max_iter: int = MAX_ITER,
    threads: int = 1,
    level: int = BEST_LEVEL,
) -> Answer:
    """Solve one scenario or many; failures are in `status`."""
    o = Options() if o is None else o
    shocks = [shocks] if isinstance(shocks, Shock) else list(shocks)
    deficit = None
    if any(x.deficit is not None for x in shocks):
        deficit = plain([w.deficit if x.deficit is None else x.deficit for x in shocks])
    full = [x.filled(w, o) for x in shocks]
    productivity = plain([x.productivity for x in full])
    arguments = (
        world_tuple(w),
        options_tuple(o),
        changes_tuple(w, full),
        productivity if (productivity != 1).any() else None,
        deficit,
        limits_tuple(full),
    )
    found = _core.ge_solve(*arguments, start, tol, max_iter, threads, level, None)
    return Answer(w, o, arguments, *found)


def welfare_gradient(found: Answer, who: int) -> np.ndarray:
    """d ln W of one country / d ln(1 + t') of every flow, in the first scenario; kappa = 0."""
    one = np.zeros((1, found.world.shape[0]))
    one[0, who] = 1.0
    seeds = (one, -one, None, None, None, None)
    tariff, *_, status, _, _, _, _, _, _ = _core.ge_gradient(
        *found.arguments, found.point, seeds, 1, 0, 0, TOL, MAX_ITER, 1, BEST_LEVEL
    )
    if status[0, 0]:
        raise ArithmeticError(f"the adjoint failed: status {status[0, 0]}")
    return tariff[0, 0]
