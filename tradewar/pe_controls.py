"""Solve a product-level problem under quantity controls, and the tables about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pandas as pd

from tradewar.data import TradeData
from tradewar.errors import ConvergenceError, ScenarioError, first_five
from tradewar.limits import COMMITMENT, EXPORT_QUOTA, IMPORT_QUOTA, TARIFF_QUOTA, Floats, Limits
from tradewar.pe_problem import (
    Problem,
    Solution,
    cause_text,
    join_listed,
    split_listed,
    twin_rows,
)
from tradewar.pooled import MarketsFailed, Unmet, settle, with_wedge
from tradewar.rules import RECEIVERS
from tradewar.settled import Settled, settle_flows

if TYPE_CHECKING:
    from tradewar.pe_arrays import PEArrays
    from tradewar.pe_result import PEResult

_STUCK = (9, 10)  # tw_pe_cause of a solver that gave up, and not of an impossible scenario

KIND_NAMES = {
    IMPORT_QUOTA: "import quota",
    EXPORT_QUOTA: "export quota",
    TARIFF_QUOTA: "tariff quota",
    COMMITMENT: "purchase commitment",
}


def solve_with_limits(
    problem: Problem,
    limits: Limits,
    data: TradeData,
    *,
    tol: float,
    threads: int,
    progress: Callable[[int], object] | None,
) -> tuple[Solution, Settled]:
    """Solve every market with its controls; pooled limits first find their common wedge."""
    base, eps = problem, problem.eps
    problem = replace(problem, floor=limits.floor, controls=limits.controls)
    pools = list(limits.pools)
    split = None
    if limits.listed is not None and limits.banned is not None:
        split = split_listed(problem, limits.listed, limits.banned)
        problem = split.problem
        pools = [pool._replace(member=twin_rows(split, pool.member)) for pool in pools]
    found: list[float] = []
    if pools:
        try:
            found = settle(problem, pools, {"tol": tol, "threads": threads})
        except Unmet as error:
            _refuse_pool(limits, data, error)
        except MarketsFailed as error:
            _refuse_markets(data, error)
    for pool, x in zip(pools, found, strict=True):
        problem = with_wedge(problem, pool.kind, pool.member, x)
    solution = problem.solve(tol=tol, threads=threads, progress=progress)
    if split is not None:
        solution = join_listed(split, solution, eps)
    return solution, settle_flows(limits, data, base, solution, found)


def _refuse_pool(limits: Limits, data: TradeData, error: Unmet) -> NoReturn:
    """Say which rule no wedge meets, where it stops, and what to do."""
    number, pool = limits.pool_rule[error.pool], limits.pools[error.pool]
    text = (
        f"rule {number}, {limits.names[number]}: the pooled limit of {pool.limit:,.6g} "
        f"{data.value_unit} cannot be met at any price"
    )
    if error.failed is not None:
        labels = list(data.products[error.failed.markets])
        text += f", because of {len(labels)} products: {first_five(labels)}"
    if pool.kind == COMMITMENT:
        raise ScenarioError(f"{text}; lower the floor: it is above what can be made and sold there")
    raise ScenarioError(
        f"{text}; raise the limit, give supply an elasticity above 0, or leave those products out "
        "with product= or except_=: what is made there has nowhere else to go"
    )


def _refuse_markets(data: TradeData, error: MarketsFailed) -> NoReturn:
    """Say which markets under a pooled limit have no solution, whatever its premium."""
    parts = []
    for code in np.unique(error.cause):
        labels = list(data.products[error.markets[error.cause == code]])
        parts.append(f"{cause_text(int(code))} in {first_five(labels)}")
    text = (
        f"{'; '.join(parts)}: {len(error.markets)} products under a pooled limit, which needs all "
        'of its products, so that on_error="record" cannot go on without them; leave them out of '
        "it with product= or except_="
    )
    if not np.isin(error.cause, _STUCK).any():
        raise ScenarioError(text)
    worst = int(np.argmax(np.nan_to_num(error.residual, nan=np.inf)))
    raise ConvergenceError(
        "not converged",
        int(error.iterations[worst]),
        float(error.residual[worst]),
        int(error.markets[worst]),
        None,
        tuple(data.products[error.markets]),
        text,
    )


# ---- tables -------------------------------------------------------------------------------------


def flow_rents(res: PEArrays) -> Floats:
    """Rents of the flows with a wedge, shape (``settled.rows``, receivers), in value_unit.

    What a subsidy costs is negative.
    """
    s = res.settled
    assert s is not None
    rows = s.rows
    sold = res.data._value[rows] * res.q[rows]
    border = res._border_at(rows)
    cost = 1.0 if res.wedges.cost is None else res.wedges.cost[rows]
    chain = border * cost * (1.0 + res.wedges.tariff[rows] + s.extra) + s.lm
    out = (sold * s.lx)[:, None] * s.share_x
    out += (sold * s.lm)[:, None] * s.share_m
    out += (sold * border * cost * s.extra * (1.0 - s.over))[:, None] * s.share_extra
    out -= (sold * chain * s.subsidy)[:, None] * s.share_subsidy
    return out


def rents(res: PEResult) -> pd.DataFrame:
    """Give rents by flow; see `PEResult.rents`."""
    data = res.data
    columns = [*RECEIVERS, "rent"]
    if res.settled is None:
        empty = {name: np.zeros(0) for name in columns}
        keys = {name: pd.Index([], dtype=str) for name in ("exporter", "importer", "product")}
        return res._finish(pd.DataFrame({**keys, **empty}))
    amount = flow_rents(res)
    some = np.abs(amount).sum(axis=1) > 0.0
    amount, rows = amount[some], res.settled.rows[some]
    frame = pd.DataFrame(
        {
            "exporter": data.countries.take(data._exporter[rows]),
            "importer": data.countries.take(data._importer[rows]),
            "product": data.products.take(data._product[rows]),
            **{name: amount[:, j] for j, name in enumerate(RECEIVERS)},
            "rent": amount.sum(axis=1),
        }
    )
    return res._finish(frame)


def tariff_equivalents(res: PEResult) -> pd.DataFrame:
    """Give ad valorem equivalents by flow; see `PEResult.tariff_equivalents`."""
    data, s = res.data, res.settled
    hit = np.zeros(len(data), dtype=bool)
    if s is not None:
        hit[s.rows] = True
    if res.wedges.weight is not None:
        hit |= res.wedges.weight < 1.0
    rows = np.flatnonzero(hit)
    lx, lm, extra, subsidy = (np.zeros(len(rows)) for _ in range(4))
    if s is not None:
        at = np.searchsorted(rows, s.rows)
        lx[at], lm[at], extra[at], subsidy[at] = s.lx, s.lm, s.extra, s.subsidy
    border = res._border_at(rows)
    cost = 1.0 if res.wedges.cost is None else res.wedges.cost[rows]
    weight = np.ones(len(rows)) if res.wedges.weight is None else res.wedges.weight[rows]
    with np.errstate(divide="ignore", invalid="ignore"):
        sigma = res.substitution.values[data._imp_slot[rows]]
        frame = pd.DataFrame(
            {
                "exporter": data.countries.take(data._exporter[rows]),
                "importer": data.countries.take(data._importer[rows]),
                "product": data.products.take(data._product[rows]),
                "export_tax_equivalent": lx / (border - lx),
                "import_tariff_equivalent": lm / (border * cost) + extra,
                "subsidy_rate": subsidy,
                "weight_equivalent": weight ** (-1.0 / (sigma - 1.0)) - 1.0,
            }
        )
    return res._finish(frame)


def binding(res: PEResult) -> pd.DataFrame:
    """Give one row for each limit; see `PEResult.binding`."""
    data, s = res.data, res.settled
    records = []
    if s is not None:
        limits = s.limits
        c = limits.controls
        for k in range(0 if c is None else len(c.kind)):
            assert c is not None
            records.append(
                {
                    "rule": int(limits.control_rule[k]),
                    "instrument": KIND_NAMES[int(c.kind[k])],
                    "product": str(data.products[int(c.market[k])]),
                    "limit": c.limit[k],
                    "quantity_new": s.volume[k],
                    "premium": s.shadow[k],
                    "binding": bool(s.shadow[k] > 0.0),
                }
            )
        for k, pool in enumerate(limits.pools):
            records.append(
                {
                    "rule": limits.pool_rule[k],
                    "instrument": KIND_NAMES[pool.kind] + (", by value" if pool.by_value else ""),
                    "product": "(pooled)",
                    "limit": pool.limit,
                    "quantity_new": s.pool_volume[k],
                    "premium": s.pool_shadow[k],
                    "binding": bool(s.pool_shadow[k] > 0.0),
                }
            )
    kinds = {"rule": int, "instrument": str, "product": str, "limit": float}
    kinds |= {"quantity_new": float, "premium": float, "binding": bool}
    return res._finish(pd.DataFrame(records, columns=list(kinds)).astype(kinds))
