"""What the solver makes of quantity controls: the wedge of each group, spread over flows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradewar.data import TradeData
from tradewar.limits import (
    COMMITMENT,
    EXPORT_QUOTA,
    IMPORT_QUOTA,
    TARIFF_QUOTA,
    Floats,
    Limits,
    Positions,
)
from tradewar.pe_problem import Problem, Solution
from tradewar.rules import RECEIVERS


@dataclass(frozen=True, slots=True)
class Settled:
    """Limits with the wedges that the solver found.

    Few flows carry a wedge: arrays hold these flows alone, and are as long as `rows`.

    Attributes
    ----------
    limits : Limits
    shadow : float array, one a control
        Premium on the border price (base 1), tariff above the in-quota rate, or subsidy rate;
        NaN where the market failed, whose flows have no wedges.
    pool_shadow : float array, one a pool
    volume, pool_volume : float arrays
        What the flows of the group add up to after, in the units of the limit; NaN as above.
    rows : int array
        Flows with a wedge, rising.
    lx, lm : float arrays
        Export- and import-licence premium, in base border prices.
    extra : float array
        Ad valorem rate above the in-quota tariff.
    over : float array
        Part of `extra` that is collected as duty, 0 to 1: the part of the flow above its quota,
        averaged over quotas where several cover it; licences inside the quota earn the rest.
    subsidy : float array
        Part of the buyer price that a commitment's payer bears.
    share_x, share_m, share_extra, share_subsidy : float arrays, shape (rows, receivers)
        Who gets lx, lm and the in-quota gain, and who pays the subsidy: per unit of each wedge's
        total, in the order of RECEIVERS.
    """

    limits: Limits
    shadow: Floats
    pool_shadow: Floats
    volume: Floats
    pool_volume: Floats
    rows: Positions
    lx: Floats
    lm: Floats
    extra: Floats
    over: Floats
    subsidy: Floats
    share_x: Floats
    share_m: Floats
    share_extra: Floats
    share_subsidy: Floats

    @property
    def between(self) -> NDArray[np.bool_]:
        """Rows with a wedge between the border price with freight and duty and the buyer's."""
        hit: NDArray[np.bool_] = (self.lm > 0.0) | (self.extra > 0.0) | (self.subsidy > 0.0)
        return hit


class _Group(NamedTuple):
    """A limit that holds some flows to a wedge."""

    kind: int
    member: Positions
    wedge: float
    share: Floats
    over: float = 0.0  # part of the flows above a tariff quota
    pooled: bool = False


class _Spread:
    """Wedges of some flows, and who gets them, while groups are added."""

    def __init__(self, rows: Positions) -> None:
        size = len(rows)
        self.rows = rows
        self.lx, self.lm, self.extra, self.duty = (np.zeros(size) for _ in range(4))
        self.keep, self.keep_pooled = np.ones(size), np.ones(size)  # 1 - subsidy
        self.to_x, self.to_m, self.to_extra, self.to_subsidy = (
            np.zeros((size, len(RECEIVERS))) for _ in range(4)
        )

    def add(self, group: _Group) -> None:
        """Add the wedge of one group to its flows."""
        at, wedge = np.searchsorted(self.rows, group.member), group.wedge
        if group.kind == EXPORT_QUOTA:
            self.lx[at] += wedge
            self.to_x[at] += wedge * group.share
        elif group.kind == IMPORT_QUOTA:
            self.lm[at] += wedge
            self.to_m[at] += wedge * group.share
        elif group.kind == TARIFF_QUOTA:
            self.extra[at] += wedge
            self.duty[at] += wedge * group.over
            self.to_extra[at] += wedge * (1.0 - group.over) * group.share
        else:
            (self.keep_pooled if group.pooled else self.keep)[at] *= 1.0 - wedge
            self.to_subsidy[at] += wedge * group.share

    def lift(self, limits: Limits, border: Floats) -> None:
        """Raise border prices (without wedges) to their floors."""
        if limits.floor is None or limits.floor_rule is None:
            return
        lift = np.maximum(limits.floor[self.rows] - (border + self.lx), 0.0)
        rule = np.where(lift > 0.0, limits.floor_rule[self.rows], -1)
        for number in np.unique(rule[rule >= 0]):
            at = np.flatnonzero(rule == number)
            self.to_x[at] += lift[at, None] * np.array(limits.shares[int(number)])
        self.lx += lift

    def subsidy(self, chain: Floats) -> Floats:
        """Part of the buyer price that payers bear; `chain` is the price with freight and duty.

        A pooled subsidy does not bear on the import premium (see `pooled.with_wedge`), one inside
        a market does.
        """
        both = (self.lm > 0.0) & (self.keep_pooled < 1.0)
        total = np.where(both, chain + self.lm, 1.0)
        mixed = (chain * self.keep_pooled + self.lm) / total
        part: Floats = 1.0 - self.keep * np.where(both, mixed, self.keep_pooled)
        return part


def _fractions(amount: Floats) -> Floats:
    """Rows as shares of their sum; a row of zeros stays."""
    total = amount.sum(axis=1, keepdims=True)
    return amount / np.where(total > 0.0, total, 1.0)


def settle_flows(
    limits: Limits,
    data: TradeData,
    problem: Problem,
    solution: Solution,
    pool_x: list[float],
) -> Settled:
    """Spread the wedges of groups over flows.

    Parameters
    ----------
    limits : Limits
    data : TradeData
    problem : Problem
        Before controls: taxes, tariffs and costs of flows.
    solution : Solution
        On the data's flows.
    pool_x : list of float
        From `pooled.settle`.
    """
    failed = solution.status != 0
    shadow, volume, groups = _inside_markets(limits, data, solution, failed)
    pool_shadow = np.zeros(len(pool_x))
    for k, (pool, x) in enumerate(zip(limits.pools, pool_x, strict=True)):
        pool_shadow[k] = -np.expm1(-x) if pool.kind == COMMITMENT else np.expm1(x)
        share = np.array(limits.shares[limits.pool_rule[k]])
        member = pool.member[~failed[_market(data, pool.member)]]
        groups.append(_Group(pool.kind, member, float(pool_shadow[k]), share, pooled=True))
    groups = [group for group in groups if group.wedge > 0.0]
    covered = [group.member for group in groups]
    if limits.floor is not None:
        covered.append(np.flatnonzero(limits.floor > 0.0))
    rows = np.unique(np.concatenate([np.zeros(0, np.intp), *covered]))
    rows = rows[~failed[_market(data, rows)]]

    spread = _Spread(rows)
    for group in groups:
        spread.add(group)
    border = _border(data, problem, solution, rows)
    spread.lift(limits, border)
    border += spread.lx
    chain = border * (1.0 + problem.t1[rows] + spread.extra)
    if problem.cost is not None:
        chain *= problem.cost[rows]
    subsidy = spread.subsidy(chain)
    kept = (spread.lx > 0.0) | (spread.lm > 0.0) | (spread.extra > 0.0) | (subsidy > 0.0)
    pool_volume = np.zeros(len(pool_x))
    for k, pool in enumerate(limits.pools):
        member = pool.member
        amount = data._value[member] * solution.q[member]
        if pool.by_value:
            price = _border(data, problem, solution, member)
            wedge, at = np.isin(member, rows), np.isin(rows, member)
            price[wedge] += spread.lx[at]  # both rising
            amount *= price
        whole = not failed[_market(data, member)].any()
        pool_volume[k] = amount.sum() if whole else np.nan
    return Settled(
        limits,
        shadow,
        pool_shadow,
        volume,
        pool_volume,
        rows[kept],
        spread.lx[kept],
        spread.lm[kept],
        spread.extra[kept],
        (spread.duty / np.where(spread.extra > 0.0, spread.extra, 1.0))[kept],
        subsidy[kept],
        _fractions(spread.to_x[kept]),
        _fractions(spread.to_m[kept]),
        _fractions(spread.to_extra[kept]),
        _fractions(spread.to_subsidy[kept]),
    )


def _inside_markets(
    limits: Limits, data: TradeData, solution: Solution, failed: NDArray[np.bool_]
) -> tuple[Floats, Floats, list[_Group]]:
    """Wedges and volumes of the controls inside markets, NaN where one failed; their groups."""
    shadow, c = solution.shadow.copy(), limits.controls
    volume = np.full(len(shadow), np.nan)
    groups: list[_Group] = []
    for k in range(0 if c is None else len(c.kind)):
        assert c is not None
        if failed[c.market[k]]:
            shadow[k] = np.nan
            continue
        rows = c.member[c.member_ptr[k] : c.member_ptr[k + 1]]
        volume[k] = (data._value[rows] * solution.q[rows]).sum()
        # a quota just filled collects nothing above it, whatever the rounding of its volume
        above = c.kind[k] == TARIFF_QUOTA and shadow[k] >= c.upper[k] and volume[k] > c.limit[k]
        over = 1.0 - float(c.limit[k] / volume[k]) if above else 0.0
        share = np.array(limits.shares[int(limits.control_rule[k])])
        groups.append(_Group(int(c.kind[k]), rows, float(shadow[k]), share, over))
    return shadow, volume, groups


def _market(data: TradeData, rows: Positions) -> Positions:
    """Give the market of each of some flows."""
    return np.searchsorted(data._layout.market_ptr, rows, side="right") - 1


def _border(data: TradeData, problem: Problem, solution: Solution, rows: Positions) -> Floats:
    """p A1/A0 of some flows: the border price before premium and floor."""
    exporter = np.searchsorted(data._layout.row_ptr, rows, side="right") - 1
    price: Floats = np.exp(solution.ln_p[exporter])
    if problem.x0 is not None and problem.x1 is not None:
        price *= (1.0 + problem.x1[rows]) / (1.0 + problem.x0[rows])
    return price
