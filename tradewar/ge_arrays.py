"""What a general-equilibrium solve leaves behind, and what follows from it flow by flow.

`GEResult` derives its tables from the arrays here.  Nothing is solved and nothing stored twice:
arrays as long as the flows are made when asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar.ge_limits import (
    EXPORTER,
    FLOOR_QUANTITY,
    IMPORTER,
    WASTED,
    LimitWedges,
    limit_wedges,
)
from tradewar.limits import TARIFF_QUOTA
from tradewar.rules import RECEIVERS

if TYPE_CHECKING:
    from tradewar.data import TradeData
    from tradewar.ge_problem import Changes, Closure, Levels, State
    from tradewar.scenario import Scenario, Wedges
    from tradewar.world import World

__all__ = ["FlowNumbers", "GEArrays", "flow_numbers"]

Floats = NDArray[np.float64]


class FlowNumbers(NamedTuple):
    """One number a flow, in the order of the world's flows.

    spending_new : E', buyers' spending, value_unit
    value_new : Z', at the border
    producer_new : what producers get
    buyer_price : buyer price ratio, trade costs in
    border_price : border price ratio c (1+x')/(1+x) e^m
    shipped : ratio of the quantity that leaves the producer
    bought : ratio of the quantity that arrives
    """

    spending_new: Floats
    value_new: Floats
    producer_new: Floats
    buyer_price: Floats
    border_price: Floats
    shipped: Floats
    bought: Floats


def flow_numbers(
    world: World,
    wedges: Wedges,
    limits: LimitWedges,
    state: State,
    cost: Floats,
) -> FlowNumbers:
    """Evaluate equations (2), (4) and (6) on the flows of a world.

    ``E' = E w (c kap / P)^-theta X'/X``, ``Z' = E' / ((1+t') e^m)``, producers get
    ``Z' / ((1+x') e^m)``.
    """
    data = world._data
    n, i, j = data._importer, data._exporter, data._product
    zero = np.zeros(len(data))
    x0 = zero if data._export_tax is None else data._export_tax
    x1 = x0 if wedges.export_tax is None else wedges.export_tax
    ln_border = np.log(cost)[i, j] + np.log1p(x1) - np.log1p(x0) + limits.border
    ln_buyer = ln_border + np.log1p(wedges.tariff) - np.log1p(data._tariff)
    ln_buyer += limits.buyer + limits.waste
    if wedges.cost is not None:
        ln_buyer += np.log(wedges.cost)
    ratio = np.exp(state.ln_X[n, j] - world._theta[j] * (ln_buyer - state.ln_P[n, j]))
    if wedges.weight is not None:
        ratio *= wedges.weight
    spending = data._value * (1.0 + data._tariff) * ratio
    value = spending / ((1.0 + wedges.tariff) * np.exp(limits.buyer))
    made = value / ((1.0 + x1) * np.exp(limits.border))
    buyer = np.exp(ln_buyer)
    # made0 = Z/(1+x0) > 0: a world holds flows above zero only
    shipped = made * (1.0 + x0) / data._value / cost[i, j]
    return FlowNumbers(spending, value, made, buyer, np.exp(ln_border), shipped, ratio / buyer)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class GEArrays:
    """Fields of `GEResult`, which documents them, and arrays aligned with flows."""

    world: World
    scenario: Scenario
    wedges: Wedges
    closure: Closure
    changes: Changes
    state: State
    levels: Levels
    info: dict[str, Any]

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        for array in (*self.state, *self.levels):
            if isinstance(array, np.ndarray):
                array.flags.writeable = False

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by the fields, so that the copy's arrays are read-only as well."""
        return type(self), tuple(getattr(self, field.name) for field in fields(self))

    @property
    def data(self) -> TradeData:
        """Flows of the baseline."""
        return self.world._data

    @property
    def converged(self) -> bool:
        """Whether there is a solution; numbers are NaN otherwise (``on_error="record"``)."""
        return self.state.status == 0

    # ---- by flow --------------------------------------------------------------------------------

    def _limit_wedges(self) -> LimitWedges:
        return limit_wedges(self.changes.limits, self.state.multiplier, len(self.data))

    def _flows(self) -> FlowNumbers:
        return flow_numbers(
            self.world, self.wedges, self._limit_wedges(), self.state, self.levels.cost
        )

    @property
    def _export_tax_new(self) -> Floats:
        for tax in (self.wedges.export_tax, self.data._export_tax):
            if tax is not None:
                return tax
        return np.zeros(len(self.data))

    def _limit_totals(self, flows: FlowNumbers) -> Floats:
        """What each limit's flows add up to after, in the unit of the limit given."""
        limits, data = self.changes.limits, self.data
        out = np.zeros(len(limits))
        waste = np.exp(-self._limit_wedges().waste)
        made = data._value if data._export_tax is None else data._value / (1.0 + data._export_tax)
        for k, rows in enumerate(limits.rows):
            if limits.kind[k] > FLOOR_QUANTITY:
                out[k] = flows.value_new[rows].sum()
            else:
                volume = (made[rows] * flows.shipped[rows] * waste[rows]).sum()
                out[k] = volume * data._value[rows].sum() / made[rows].sum()
        return out

    def _tariff_collected(self, flows: FlowNumbers) -> Floats:
        """Tariff rate collected after, by flow: with the duty above a tariff quota."""
        limits, rate = self.changes.limits, self.wedges.tariff
        quotas = [k for k in range(len(limits)) if limits.source[k] == TARIFF_QUOTA]
        if not quotas:
            return rate
        rate, totals = rate.copy(), self._limit_totals(flows)
        for k in quotas:
            if self.state.multiplier[k] > 0.0 and totals[k] > limits.given[k]:
                over = 1.0 - limits.given[k] / totals[k]
                rows = limits.rows[k]
                extra = (1.0 + self.wedges.tariff[rows]) * np.expm1(self.state.multiplier[k])
                rate[rows] += over * extra
        return rate

    def _limit_rents(self, flows: FlowNumbers) -> Floats:
        """Rent of each limit on each of its flows: shape (limit, flow), value_unit.

        A subsidy is negative.  Where several limits act on a flow, each has the part of the gap
        that is its part of the log wedge.
        """
        limits, m = self.changes.limits, self.state.multiplier
        w = self._limit_wedges()
        out = np.zeros((len(limits), len(self.data)))
        with np.errstate(invalid="ignore"):
            border = (1.0 + self._export_tax_new) * flows.producer_new * _slope(w.border)
            buyer = (1.0 + self.wedges.tariff) * flows.value_new * _slope(w.buyer)
            waste = flows.value_new * _slope(-w.waste)
        duty = flows.value_new * (self._tariff_collected(flows) - self.wedges.tariff)
        place = {IMPORTER: buyer, EXPORTER: border, WASTED: waste}
        for k, rows in enumerate(limits.rows):
            sign = -1.0 if limits.kind[k] >= FLOOR_QUANTITY else 1.0
            out[k, rows] = sign * m[k] * place[int(limits.holder[k])][rows]
            if limits.source[k] == TARIFF_QUOTA:
                out[k, rows] -= duty[rows]
        return out

    def _flow_rents(self, flows: FlowNumbers) -> Floats:
        """Rents by flow and receiver, shape (F, receivers), value_unit."""
        limits = self.changes.limits
        out = np.zeros((len(self.data), len(RECEIVERS)))
        if len(limits):
            for rent, share in zip(self._limit_rents(flows), limits.shares, strict=True):
                out += rent[:, None] * np.array(share)
        return out

    def _touched(self) -> NDArray[np.bool_]:
        """Mark flows on which the scenario changes anything but costs of production."""
        data, w = self.data, self._limit_wedges()
        hit: NDArray[np.bool_] = self.wedges.tariff != data._tariff
        x0 = np.zeros(len(data)) if data._export_tax is None else data._export_tax
        hit |= self._export_tax_new != x0
        for factor in (self.wedges.cost, self.wedges.weight):
            if factor is not None:
                hit |= factor != 1.0
        hit |= (w.border != 0) | (w.buyer != 0) | (w.floors > 0) | (w.waste > 0)
        return hit

    # ---- by country -----------------------------------------------------------------------------

    def _by_country(self, codes: NDArray[np.integer], numbers: Floats) -> Floats:
        n = len(self.world._countries)
        return np.asarray(np.bincount(codes, numbers, minlength=n), dtype=np.float64)

    @property
    def _leisure(self) -> float:
        """kappa / (1 + kappa), the weight of labour income in money-metric welfare."""
        return self.closure.labour_supply / (1.0 + self.closure.labour_supply)

    def _welfare(self) -> Floats:
        """Welfare ratio W by country."""
        world, state, k = self.world, self.state, self._leisure
        work = k * np.exp(state.ln_w) * state.subsidy * state.labour * world._labour_income
        base = world._income - k * world._labour_income
        return np.asarray((self.levels.income - work) / self.levels.price_index / base)

    def _series(self, numbers: Floats, name: str, unit: str) -> pd.Series:
        index = pd.Index(self.world._countries, name="country", dtype=str)
        series = pd.Series(numbers, index=index, name=name)
        series.attrs["unit"] = unit
        return series


def _slope(wedge: Floats) -> Floats:
    """(e^m - 1) / m, 1 at 0."""
    safe = np.where(wedge == 0.0, 1.0, wedge)
    return np.where(wedge == 0.0, 1.0, np.expm1(safe) / safe)
