"""What the solver makes of quantity controls: the wedge of each group, spread over flows."""

from __future__ import annotations

from dataclasses import dataclass

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

    Attributes
    ----------
    limits : Limits
    shadow : float array, one a control
        Premium on the border price (base 1), tariff above the in-quota rate, or subsidy rate;
        NaN where the market failed, whose flows have no wedges.
    pool_shadow : float array, one a pool
    volume, pool_volume : float arrays
        What the flows of the group add up to after, in the units of the limit; NaN as above.
    lx, lm : float arrays, shape (F,)
        Export- and import-licence premium, in base border prices.
    extra : float array, shape (F,)
        Ad valorem rate above the in-quota tariff.
    over : float array, shape (F,)
        Part of `extra` that is collected as duty, 0 to 1: the part of the flow above its quota,
        averaged over quotas where several cover it; licences inside the quota earn the rest.
    subsidy : float array, shape (F,)
        Part of the buyer price that a commitment's payer bears.
    share_x, share_m, share_extra, share_subsidy : float arrays, shape (F, receivers)
        Who gets lx, lm and the in-quota gain, and who pays the subsidy: per unit of each wedge's
        total, in the order of RECEIVERS.
    """

    limits: Limits
    shadow: Floats
    pool_shadow: Floats
    volume: Floats
    pool_volume: Floats
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
        """Flows with a wedge between the border price with freight and duty and the buyer's."""
        hit: NDArray[np.bool_] = (self.lm > 0.0) | (self.extra > 0.0) | (self.subsidy > 0.0)
        return hit


class _Spread:
    """Wedges by flow, and who gets them, while groups are added."""

    def __init__(self, size: int) -> None:
        self.lx, self.lm, self.extra, self.duty = (np.zeros(size) for _ in range(4))
        self.keep, self.keep_pooled = np.ones(size), np.ones(size)  # 1 - subsidy
        self.to_x, self.to_m, self.to_extra, self.to_subsidy = (
            np.zeros((size, len(RECEIVERS))) for _ in range(4)
        )

    def add(
        self,
        kind: int,
        rows: Positions,
        wedge: float,
        share: Floats,
        *,
        over: float = 0.0,
        pooled: bool = False,
    ) -> None:
        """Add the wedge of one group to its flows; `over`: part of them above a tariff quota."""
        if kind == EXPORT_QUOTA:
            self.lx[rows] += wedge
            self.to_x[rows] += wedge * share
        elif kind == IMPORT_QUOTA:
            self.lm[rows] += wedge
            self.to_m[rows] += wedge * share
        elif kind == TARIFF_QUOTA:
            self.extra[rows] += wedge
            self.duty[rows] += wedge * over
            self.to_extra[rows] += wedge * (1.0 - over) * share
        else:
            (self.keep_pooled if pooled else self.keep)[rows] *= 1.0 - wedge
            self.to_subsidy[rows] += wedge * share

    @property
    def over(self) -> Floats:
        """Part of `extra` that is duty."""
        return self.duty / np.where(self.extra > 0.0, self.extra, 1.0)


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
    border_without: Floats,
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
    border_without : float array, shape (F,)
        p A1/A0, before licence premium and floor.
    """
    spread = _Spread(len(data))
    failed = solution.status != 0
    failed_flow = np.repeat(failed, np.diff(data._layout.market_ptr))
    quantity = np.where(failed_flow, np.nan, data._value * solution.q)
    shadow = solution.shadow.copy()
    volume = np.full(len(shadow), np.nan)
    c = limits.controls
    for k in range(0 if c is None else len(c.kind)):
        assert c is not None
        rows = c.member[c.member_ptr[k] : c.member_ptr[k + 1]]
        if failed[c.market[k]]:
            shadow[k] = np.nan
            continue
        volume[k] = quantity[rows].sum()
        share = np.array(limits.shares[int(limits.control_rule[k])])
        quota = c.kind[k] == TARIFF_QUOTA and volume[k] > c.limit[k]
        over = 1.0 - float(c.limit[k] / volume[k]) if quota else 0.0
        spread.add(int(c.kind[k]), rows, float(shadow[k]), share, over=over)
    pool_shadow, pool_volume = np.zeros(len(pool_x)), np.zeros(len(pool_x))
    for k, (pool, x) in enumerate(zip(limits.pools, pool_x, strict=True)):
        pool_shadow[k] = -np.expm1(-x) if pool.kind == COMMITMENT else np.expm1(x)
        share = np.array(limits.shares[limits.pool_rule[k]])
        spread.add(pool.kind, pool.member, float(pool_shadow[k]), share, pooled=True)
    if limits.floor is not None and limits.floor_rule is not None:
        lift = np.maximum(limits.floor - (border_without + spread.lx), 0.0)
        lift[failed_flow] = 0.0
        for number in np.unique(limits.floor_rule[lift > 0.0]):
            rows = np.flatnonzero((limits.floor_rule == number) & (lift > 0.0))
            spread.to_x[rows] += lift[rows, None] * np.array(limits.shares[int(number)])
        spread.lx += lift
    extra, both = spread.extra, (spread.lm > 0.0) & (spread.keep_pooled < 1.0)
    part = spread.keep_pooled  # a pooled subsidy does not bear on the import premium
    if both.any():
        chain = (border_without + spread.lx) * (1.0 + problem.t1 + extra)
        chain *= 1.0 if problem.cost is None else problem.cost
        mixed = (chain * part + spread.lm) / (chain + spread.lm)
        part = np.where(both, mixed, part)
    for k, pool in enumerate(limits.pools):
        amount = quantity * (border_without + spread.lx) if pool.by_value else quantity
        pool_volume[k] = amount[pool.member].sum()
    return Settled(
        limits,
        shadow,
        pool_shadow,
        volume,
        pool_volume,
        spread.lx,
        spread.lm,
        extra,
        spread.over,
        1.0 - spread.keep * part,
        _fractions(spread.to_x),
        _fractions(spread.to_m),
        _fractions(spread.to_extra),
        _fractions(spread.to_subsidy),
    )
