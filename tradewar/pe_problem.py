"""The arrays of a product-level problem: assembled, split by listed buyers, cut to some markets.

Everything here is positions and numbers; labels stay in `TradeData`.  `Problem` is what one call
of the core takes, `Solution` what it gives back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradewar import _core
from tradewar.limits import Controls, Floats, Positions

_MAX_ITER = 500
_AUTO = -1


class Solution(NamedTuple):
    """Outputs of the core, aligned with slots, flows, markets and controls."""

    ln_p: Floats
    ln_P: Floats
    q: Floats
    status: NDArray[np.int32]
    cause: NDArray[np.int32]
    iterations: NDArray[np.int32]
    residual: Floats
    shadow: Floats


@dataclass(frozen=True, slots=True)
class Problem:
    """One call of the core; arrays as in csrc/include/tradewar.h."""

    exp_ptr: Positions
    row_ptr: Positions
    imp_ptr: Positions
    col: NDArray[np.int32]
    value: Floats
    t0: Floats
    t1: Floats
    x0: Floats | None
    x1: Floats | None
    cost: Floats | None
    weight: Floats | None
    sigma: Floats
    eps: Floats
    sigma_home: Floats | None
    home: Positions | None
    mu: Floats
    lx: Floats | None = None
    lm: Floats | None = None
    floor: Floats | None = None
    controls: Controls | None = None

    @property
    def first_flow(self) -> Positions:
        """First flow of each market, and the end: shape (M + 1,)."""
        return self.row_ptr[self.exp_ptr]

    def solve(
        self,
        *,
        method: int = 0,
        steps: int = 1,
        form: int = 0,
        tol: float,
        threads: int,
        progress: Callable[[int], object] | None = None,
    ) -> Solution:
        """Call the core."""
        controls = None
        if self.controls is not None or self.floor is not None:
            c = no_controls() if self.controls is None else self.controls
            markets = np.arange(len(self.exp_ptr))
            ptr = np.searchsorted(c.market, markets).astype(np.intp)
            controls = (self.floor, ptr, c.kind, c.limit, c.upper, c.member_ptr, c.member)
        return Solution(
            *_core.pe_solve(
                (self.exp_ptr, self.row_ptr, self.imp_ptr, self.col),
                (self.value, self.t0, self.t1, self.x0, self.x1)
                + (self.cost, self.weight, self.lx, self.lm),
                (self.sigma, self.eps, self.sigma_home, self.home, self.mu),
                method,
                steps,
                form,
                tol,
                _MAX_ITER,
                threads,
                _AUTO,
                progress,
                controls,
            )
        )

    def take_flows(self, name: str, rows: Positions) -> Floats | None:
        """Give an array by flow at some rows; None stays None."""
        array: Floats | None = getattr(self, name)
        return None if array is None else np.ascontiguousarray(array[rows])

    def only(self, markets: Positions) -> tuple[Problem, Positions]:
        """Cut the problem to some markets (rising); also give the flows kept."""
        first = self.first_flow
        rows = _ranges(first[markets], first[markets + 1])
        exporters = _ranges(self.exp_ptr[markets], self.exp_ptr[markets + 1])
        importers = _ranges(self.imp_ptr[markets], self.imp_ptr[markets + 1])
        sizes = np.diff(self.row_ptr)[exporters]
        flows: dict[str, Any] = {
            name: self.take_flows(name, rows)
            for name in ("value", "t0", "t1", "x0", "x1", "cost", "weight", "lx", "lm", "floor")
        }
        home = None
        if self.home is not None:
            place = np.full(len(self.value) + 1, -1, dtype=np.intp)
            place[rows] = np.arange(len(rows))
            home = place[self.home[importers]]
        part = replace(
            self,
            exp_ptr=_offsets(np.diff(self.exp_ptr)[markets]),
            row_ptr=_offsets(sizes),
            imp_ptr=_offsets(np.diff(self.imp_ptr)[markets]),
            col=self.col[rows],
            sigma=self.sigma[importers],
            eps=self.eps[importers],
            sigma_home=None if self.sigma_home is None else self.sigma_home[importers],
            home=home,
            mu=self.mu[exporters],
            controls=_cut_controls(self.controls, markets, rows),
            **flows,
        )
        return part, rows


def cause_text(cause: int) -> str:
    """Say why a market failed; `cause` as in `Solution`."""
    return _core.pe_cause(cause)


def no_controls() -> Controls:
    """Controls of a problem that has none."""
    return Controls(
        np.zeros(0, np.int32),
        np.zeros(0),
        np.zeros(0),
        np.zeros(0, np.intp),
        np.zeros(1, np.intp),
        np.zeros(0, np.intp),
    )


def _ranges(start: Positions, stop: Positions) -> Positions:
    """Concatenate arange(start, stop) of each pair."""
    size = stop - start
    out = np.arange(size.sum(), dtype=np.intp)
    return out + np.repeat(start - _offsets(size)[:-1], size)


def _offsets(sizes: Positions) -> Positions:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)


def _cut_controls(c: Controls | None, markets: Positions, rows: Positions) -> Controls | None:
    if c is None:
        return None
    keep = np.flatnonzero(np.isin(c.market, markets))
    member = c.member[_ranges(c.member_ptr[keep], c.member_ptr[keep + 1])]
    return Controls(
        c.kind[keep],
        c.limit[keep],
        c.upper[keep],
        np.searchsorted(markets, c.market[keep]).astype(np.intp),
        _offsets(np.diff(c.member_ptr)[keep]),
        np.searchsorted(rows, member).astype(np.intp),
    )


class Split(NamedTuple):
    """How a problem with listed buyers maps back: see `split_listed`."""

    problem: Problem
    first: Positions  # [flow] where it went
    twin: Positions  # [flow] its listed part, or -1
    share: Floats  # [flow] listed share of its destination, 0 where there is none
    slot: Positions  # [importer slot] where it went
    slot_twin: Positions  # [importer slot] its listed part, or -1
    slot_share: Floats  # [importer slot]


def split_listed(problem: Problem, share: Floats, banned: NDArray[np.bool_]) -> Split:
    """Split destinations into buyers on a list and the rest.

    Parameters
    ----------
    problem : Problem
    share : float array, shape (importer slots,), fraction in [0, 1)
        Effective listed share of each destination; 0 = no list.
    banned : bool array, shape (flows,)
        Flows whose origin may not sell to the listed part.

    Returns
    -------
    Split
        Each listed part is a destination of its own with a twin of every flow; banned twins have
        weight 0.
    """
    n_market = len(problem.exp_ptr) - 1
    slot_market = np.repeat(np.arange(n_market), np.diff(problem.imp_ptr))
    listed = share > 0.0
    added = np.bincount(slot_market[listed], minlength=n_market)
    flow_market = np.repeat(np.arange(n_market), np.diff(problem.first_flow))
    flow_slot = problem.imp_ptr[flow_market] + problem.col
    doubled = listed[flow_slot]

    # importers: the listed parts follow the market's own slots
    imp_ptr = _offsets(np.diff(problem.imp_ptr) + added)
    slot = np.arange(len(share)) + (imp_ptr[:-1] - problem.imp_ptr[:-1])[slot_market]
    order = np.cumsum(listed) - 1 - _offsets(added)[:-1][slot_market]
    end = (imp_ptr[:-1] + np.diff(problem.imp_ptr))[slot_market]
    slot_twin = np.where(listed, end + order, -1)

    # flows: a twin stands right behind its flow
    counts = np.where(doubled, 2, 1)
    source = np.repeat(np.arange(len(counts)), counts)
    first = _offsets(counts)[:-1]
    twin = np.where(doubled, first + 1, -1)
    is_twin = np.zeros(len(source), dtype=bool)
    is_twin[twin[doubled]] = True
    part = share[flow_slot]
    col = problem.col[source].astype(np.int32)
    col[is_twin] = (slot_twin[flow_slot[doubled]] - imp_ptr[flow_market[doubled]]).astype(np.int32)

    flows: dict[str, Any] = {name: problem.take_flows(name, source) for name in _BY_FLOW}
    value = problem.value[source] * np.where(is_twin, part[source], 1.0 - part[source])
    weight = np.ones(len(source)) if problem.weight is None else problem.weight[source]
    weight[is_twin & banned[source]] = 0.0

    def by_slot(array: Floats) -> Floats:
        out = np.empty(imp_ptr[-1])
        out[slot] = array
        out[slot_twin[listed]] = array[listed]
        return out

    home = None
    if problem.home is not None:
        home = np.full(imp_ptr[-1], -1, dtype=np.intp)
        has = problem.home >= 0
        home[slot[has]] = first[problem.home[has]]
        both = has & listed
        home[slot_twin[both]] = twin[problem.home[both]]
    controls = problem.controls
    if controls is not None:
        ends = np.concatenate([[0], np.cumsum(counts[controls.member])]).astype(np.intp)
        start = first[controls.member]
        controls = controls._replace(
            member_ptr=ends[controls.member_ptr],
            member=_ranges(start, start + counts[controls.member]),
        )
    out = replace(
        problem,
        row_ptr=_offsets(counts)[problem.row_ptr],
        imp_ptr=imp_ptr,
        col=col,
        value=value,
        weight=weight,
        sigma=by_slot(problem.sigma),
        eps=by_slot(problem.eps),
        sigma_home=None if problem.sigma_home is None else by_slot(problem.sigma_home),
        home=home,
        controls=controls,
        **flows,
    )
    return Split(out, first, twin, part, slot, slot_twin, share)


_BY_FLOW = ("t0", "t1", "x0", "x1", "cost", "lx", "lm", "floor")


def twin_rows(split: Split, member: Positions) -> Positions:
    """Give the rows of some flows and their twins after a split, rising."""
    both = np.concatenate([split.first[member], split.twin[member]])
    return np.sort(both[both >= 0])


def join_listed(split: Split, solution: Solution, eps: Floats) -> Solution:
    """Put the parts of split destinations together again.

    Quantities add with the parts' shares; the index of a split destination is the one that gives
    the sum of the parts' consumer surplus,
    ``P^(1-eps) = (1-z) P_rest^(1-eps) + z P_listed^(1-eps)``.
    """
    has = split.twin >= 0
    q = solution.q[split.first]
    q[has] = (1.0 - split.share[has]) * q[has] + split.share[has] * solution.q[split.twin[has]]
    ln_P = solution.ln_P[split.slot]
    two = split.slot_twin >= 0
    z, one = split.slot_share[two], 1.0 - eps[two]
    rest, listed = ln_P[two], solution.ln_P[split.slot_twin[two]]
    unit = np.abs(one) < 1e-9
    safe = np.where(unit, 1.0, one)
    power = (1.0 - z) * np.expm1(safe * rest) + z * np.expm1(safe * listed)
    ln_P[two] = np.where(unit, (1.0 - z) * rest + z * listed, np.log1p(power) / safe)
    return solution._replace(q=q, ln_P=ln_P)
