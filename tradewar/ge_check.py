"""The equations of general equilibrium written out again, to test a solution against them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar.ge_limits import EXPORTER, FLOOR_QUANTITY, FLOOR_VALUE, IMPORTER
from tradewar.world_reshape import ln_mean

if TYPE_CHECKING:
    from tradewar.ge_result import GEResult

__all__ = ["check"]

Floats = NDArray[np.float64]
ROUNDING = 1e-11
LOOSE = 1e3  # an error of one equation in units of another's residual


class Production(NamedTuple):
    """Equation (1) with its shares: c~, gamma', g'."""

    bundle: Floats
    value_added: Floats
    inputs: Floats


def production(res: GEResult) -> Production:
    """Evaluate the nest of value added and inputs at the prices found.

    ``M = (sum_k (g/(1-gamma)) P_k^(1-nu))^(1/(1-nu))``,
    ``c~ = (gamma w^(1-eta) + (1-gamma) M^(1-eta))^(1/(1-eta))``.
    """
    world, closure = res.world, res.closure
    gamma, g = world._value_added, world._input_use
    ln_w, ln_P = res.state.ln_w[:, None], res.state.ln_P[:, :, None]
    part = 1.0 - gamma
    some = part > 0.0
    nest = g / np.where(some, part, 1.0)[:, None, :]
    power, outer = 1.0 - closure.input_substitution, 1.0 - closure.va_substitution
    ln_M = ln_mean(nest, ln_P, power, axis=1)
    pair = np.stack(np.broadcast_arrays(ln_w, ln_M))
    ln_c = ln_mean(np.stack([gamma, part]), pair, outer, axis=0)
    inputs = g * np.exp(outer * (ln_M - ln_c))[:, None, :]
    inputs = inputs * np.exp(power * (ln_P - ln_M[:, None, :]))
    return Production(np.exp(ln_c), gamma * np.exp(outer * (ln_w - ln_c)), inputs)


def consumption(res: GEResult) -> tuple[Floats, Floats]:
    """Price index of consumption and final shares: Pc, alpha'."""
    alpha, ln_P = res.world._final_share, res.state.ln_P
    power = 1.0 - res.closure.final_substitution
    ln_Pc = ln_mean(alpha, ln_P, power, axis=1)
    return np.exp(ln_Pc), alpha * np.exp(power * (ln_P - ln_Pc[:, None]))


def check(res: GEResult) -> pd.DataFrame:
    """Test every equation; see `GEResult.check`."""
    world, state, levels, data = res.world, res.state, res.levels, res.data
    names, goods = world._countries, world._products
    flows, rho = res._flows(), world._rents
    N, J = len(names), len(goods)
    rows: dict[str, tuple[float, str]] = {}

    def compare(name: str, got: Floats, want: Floats, scale: Floats | float | None = None) -> None:
        size = np.abs(want) if scale is None else np.broadcast_to(scale, want.shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            miss = np.where(got == want, 0.0, np.abs(got - want) / size)
        worst = int(np.argmax(np.where(np.isnan(miss), np.inf, miss)))
        where = names[worst] if miss.ndim == 1 else f"{names[worst // J]} {goods[worst % J]}"
        rows[name] = (float(miss.flat[worst]), where)

    def by_cell(codes: NDArray[np.integer], numbers: Floats) -> Floats:
        cell = codes.astype(np.int64) * J + data._product
        return np.bincount(cell, numbers, minlength=N * J).reshape(N, J).astype(np.float64)

    spent = world._expenditure * np.exp(state.ln_X)
    made = production(res)
    index, final = consumption(res)
    a = 1.0 if res.changes.productivity is None else res.changes.productivity
    cost = made.bundle * np.exp(-world._scale * state.ln_S) / a
    used = np.einsum("nkj,nj->nk", made.inputs, (1.0 - rho) * levels.output)
    wages = np.exp(state.ln_w) * state.labour * world._labour_income
    rents = res._limit_rents(flows)
    limits = res.changes.limits
    mine = {
        side: rents[np.asarray(limits.holder) == side].sum(axis=0) for side in (IMPORTER, EXPORTER)
    }
    duty = res._by_country(
        data._importer, res._tariff_collected(flows) * flows.value_new + mine[IMPORTER]
    )
    tax = res._by_country(data._exporter, res._export_tax_new * flows.producer_new + mine[EXPORTER])
    earned = wages + (rho * levels.output).sum(axis=1) + duty + tax
    compare("unit costs (1)", np.where(world._output > 0, levels.cost, cost), cost)
    compare("shares of origins add up (3, 4)", by_cell(data._importer, flows.spending_new), spent)
    compare("purchases (5)", used + final * levels.income[:, None], spent)
    compare("sales (6)", by_cell(data._exporter, flows.producer_new), levels.output)
    compare("import duty and rents", duty, levels.tariff_revenue, levels.income)
    compare("export taxes and rents", tax, levels.export_revenue, levels.income)
    compare("income (7)", earned + levels.deficit, levels.income)
    compare(
        "labour, every country (8, Walras)",
        (made.value_added * (1.0 - rho) * levels.output).sum(axis=1),
        wages,
    )
    relief = np.ones(N)
    if res.closure.revenue == "income_tax":
        before = (world._tariff * world._trade).sum(axis=(1, 2)) / world._labour_income
        relief = (1.0 - before) / (1.0 - duty / wages)
    compare("relief of income tax (9)", relief, state.subsidy)
    supply = (np.exp(state.ln_w) * relief / index) ** res.closure.labour_supply
    compare("labour supply (9)", supply, state.labour)
    compare("price index of consumption", index, levels.price_index)
    world_income = float(world._labour_income.sum())
    rows["numeraire"] = (abs(float(wages.sum()) / world_income - 1.0), "world")
    rows["deficits sum to zero"] = (abs(float(levels.deficit.sum())) / world_income, "world")
    rows["limits hold"] = _limits(res)
    tolerance = max(LOOSE * float(res.info.get("tolerance", 0.0)), ROUNDING)
    frame = pd.DataFrame(
        {
            "error": [error for error, _ in rows.values()],
            "where": [where for _, where in rows.values()],
            "ok": [bool(error <= tolerance) for error, _ in rows.values()],
        },
        index=pd.Index(rows, name="check"),
    )
    frame.attrs["unit"] = {"error": "fraction", "ok": "flag"}
    return frame


def _limits(res: GEResult) -> tuple[float, str]:
    """Largest miss of 0 <= m, gap >= 0, one of them zero (m at its upper end: gap <= 0)."""
    limits, m = res.changes.limits, res.state.multiplier
    totals = res._limit_totals(res._flows())
    worst, where = 0.0, "no limit"
    for k in range(len(limits)):
        sign = -1.0 if limits.kind[k] in (FLOOR_QUANTITY, FLOOR_VALUE) else 1.0
        with np.errstate(divide="ignore"):  # nothing is left of banned flows
            gap = sign * float(np.log(limits.given[k] / totals[k]))
        wedge = float(m[k])
        miss = abs(min(gap, wedge))
        if wedge >= limits.upper[k]:
            miss = min(miss, max(gap, 0.0))
        miss = max(miss, -min(wedge, 0.0))
        if np.isnan(miss) or miss >= worst:
            worst, where = miss, f"rule {limits.rule[k]} {limits.product[k]}"
        if np.isnan(miss):
            break
    return worst, where
