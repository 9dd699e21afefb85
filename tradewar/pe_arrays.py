"""What a product-level solve leaves behind: the solver's arrays and what follows flow by flow.

`PEResult` derives its tables from the arrays here.  Nothing is solved, nothing is stored twice:
arrays as long as the flows are made when asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar.pe_controls import flow_rents
from tradewar.pe_tables import (
    FloatArray,
    IntArray,
    consumer_surplus,
    consumer_surplus_linear,
    producer_surplus,
    producer_surplus_linear,
    sums,
)
from tradewar.schema import units

if TYPE_CHECKING:
    from tradewar.data import TradeData
    from tradewar.elasticities import Resolved
    from tradewar.scenario import Scenario, Wedges
    from tradewar.settled import Settled

__all__ = ["PEArrays"]

# Columns of this module that the schema does not list.
TRADE_UNITS = {
    "volume_change": "value",
    "creation": "value",
    "border_volume_change": "value",
    "border_diversion": "value",
    "border_creation": "value",
    "border_diversion_remainder": "value",
    "smart_creation": "value",
    "smart_diversion": "value",
    "other_origins": "value",
    "home": "value",
    "lost_demand": "value",
    "exporting_state": "value",
    "exports": "value",
    "to_imposer_change": "value",
    "to_target_change": "value",
    "to_rest_change": "value",
    "exports_change": "value",
    "value_change": "value",
}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class PEArrays:
    """Fields of `PEResult`, which documents them, and arrays aligned with flows or slots."""

    data: TradeData
    scenario: Scenario
    wedges: Wedges
    method: str
    surplus: str
    steps: int | None
    ln_p: FloatArray
    ln_P: FloatArray
    q: FloatArray
    substitution: Resolved
    demand: Resolved
    home_substitution: Resolved | None
    supply: Resolved
    status: NDArray[np.int32]
    iterations: NDArray[np.int32]
    residual: FloatArray
    info: dict[str, Any]
    settled: Settled | None = None

    def __post_init__(self) -> None:
        """Make the arrays read-only; refuse numbers in the rows of failed markets."""
        first = self.data._layout.market_ptr[:-1][np.asarray(self.status) != 0]
        if not np.isnan(self.q[first]).all():
            raise ValueError("rows of failed markets must be NaN")
        arrays = (self.ln_p, self.ln_P, self.q, self.status, self.iterations, self.residual)
        for array in arrays:
            array.flags.writeable = False

    @property
    def _in_logs(self) -> bool:
        """Whether ln_p and ln_P are logs; else they are changes."""
        return self.method in ("exact", "euler")

    @property
    def _producer_price(self) -> FloatArray:
        """Producer-price ratio p, one per exporter slot."""
        return np.exp(self.ln_p) if self._in_logs else 1.0 + self.ln_p

    @property
    def _price_index(self) -> FloatArray:
        """Composite-price ratio P, one per importer slot."""
        return np.exp(self.ln_P) if self._in_logs else 1.0 + self.ln_P

    @property
    def _tariff_new(self) -> FloatArray:
        """Tariff rate collected after, one per flow; the average over a tariff quota."""
        s = self.settled
        if s is None or not s.extra.any():
            return self.wedges.tariff
        rate: FloatArray = self.wedges.tariff.copy()
        rate[s.rows] += s.extra * s.over
        return rate

    @property
    def _export_tax_new(self) -> FloatArray | None:
        """Export-tax rate after, one per flow; None where there is none before and after."""
        tax = self.wedges.export_tax
        return self.data._export_tax if tax is None else tax

    @property
    def _tax_ratio(self) -> FloatArray | None:
        """A1/A0, one per flow; None where no export tax changes."""
        tax, tax_new = self.data._export_tax, self._export_tax_new
        if tax_new is None or tax_new is tax:
            return None
        ratio = 1.0 + tax_new
        return ratio if tax is None else ratio / (1.0 + tax)

    @property
    def _border(self) -> FloatArray:
        """Border-price ratio b = p A1/A0 + lx, one per flow."""
        price = self._border_without_premium
        if self.settled is not None:
            price[self.settled.rows] += self.settled.lx
        return price

    def _border_at(self, rows: IntArray) -> FloatArray:
        """Border-price ratio of some flows."""
        border: FloatArray = self._border[rows]
        return border

    @property
    def _border_without_premium(self) -> FloatArray:
        """p A1/A0, one per flow: what producers and their treasury get."""
        price = np.repeat(self._producer_price, np.diff(self.data._layout.row_ptr))
        ratio = self._tax_ratio
        if ratio is not None:
            price *= ratio
        return price

    @property
    def _wedge(self) -> FloatArray:
        """Ratio of buyer to border price, new / baseline, F T1/T0, without licence premium."""
        wedge = (1.0 + self.wedges.tariff) / (1.0 + self.data._tariff)
        if self.wedges.cost is not None:
            wedge *= self.wedges.cost
        return wedge

    @property
    def _buyer(self) -> FloatArray:
        """Buyer-price ratio u = (b F T1 + lm)(1 - s) / T0, one per flow."""
        border, s = self._border, self.settled
        buyer: FloatArray = border * self._wedge
        if s is not None:
            some = s.between
            rows = s.rows[some]
            chain = border[rows] * (1.0 + self.wedges.tariff[rows] + s.extra[some])
            if self.wedges.cost is not None:
                chain *= self.wedges.cost[rows]
            paid = (chain + s.lm[some]) * (1.0 - s.subsidy[some])
            buyer[rows] = paid / (1.0 + self.data._tariff[rows])
        return buyer

    def _import_premium(self, rows: Any) -> FloatArray | float:
        """What buyers pay above b F (1 + collected rate), in base border prices; less subsidy."""
        s = self.settled
        if s is None or not s.between.any():
            return 0.0
        between = np.zeros(len(self.data._value), dtype=bool)
        between[s.rows[s.between]] = True
        cost = 1.0 if self.wedges.cost is None else self.wedges.cost[rows]
        paid = self._buyer[rows] * (1.0 + self.data._tariff[rows])
        premium: FloatArray = paid - self._border[rows] * cost * (1.0 + self._tariff_new[rows])
        return np.where(between[rows], premium, 0.0)

    @property
    def _value_new(self) -> FloatArray:
        """Value after at the border price, X q b, one per flow; 0 where the baseline is 0."""
        value = self._border
        value *= self.q
        value *= self.data._value
        return value

    @property
    def _price_given(self) -> NDArray[np.bool_]:
        """Mark exporter slots of infinite supply."""
        return np.isinf(self.supply.values)

    @property
    def _failed(self) -> NDArray[np.intp]:
        """Markets without a solution."""
        return np.flatnonzero(self.status)

    def _tax_factor(self, rows: Any = slice(None)) -> FloatArray | float:
        """A0 of the flows given."""
        tax = self.data._export_tax
        return 1.0 if tax is None else 1.0 + tax[rows]

    def _solved_flows(self) -> NDArray[np.bool_]:
        """Mark flows whose market was solved."""
        return np.repeat(np.asarray(self.status) == 0, np.diff(self.data._layout.market_ptr))

    def _tariff_changed(self) -> NDArray[np.bool_]:
        """Mark solved flows whose own tariff changed."""
        changed: NDArray[np.bool_] = self._tariff_new != self.data._tariff
        return changed & self._solved_flows() if self._failed.size else changed

    def _touched(self) -> NDArray[np.bool_]:
        """Mark flows on which the scenario changes anything."""
        hit: NDArray[np.bool_] = self._tariff_new != self.data._tariff
        ratio = self._tax_ratio
        if ratio is not None:
            hit |= ratio != 1.0
        for factor in (self.wedges.cost, self.wedges.weight):
            if factor is not None:
                hit |= factor != 1.0
        s = self.settled
        if s is not None:
            hit[s.rows] = True
            if s.limits.banned is not None:
                hit |= s.limits.banned
        return hit

    def _zero_failed(self, x: FloatArray, ptr: IntArray) -> FloatArray:
        """Put 0 in the rows of failed markets, which `ptr` delimits, before a total."""
        if self._failed.size:
            x = np.where(np.repeat(np.asarray(self.status) == 0, np.diff(ptr)), x, 0.0)
        return x

    def _finish(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Set the attributes every frame carries."""
        unit = self.data.value_unit
        own = {c: TRADE_UNITS[c] for c in frame.columns if c in TRADE_UNITS}
        own = {c: unit if u == "value" else u for c, u in own.items()}
        known = {**units(frame.columns, unit), **own}
        frame.attrs["unit"] = {c: known[c] for c in frame.columns if c in known}
        frame.attrs["failed_markets"] = int(self._failed.size)
        if self._failed.size:
            frame.attrs["failed_value_share"] = self._failed_value_share()
        return frame

    def _failed_value_share(self) -> float:
        """Share of baseline value in markets without a solution."""
        value = np.add.reduceat(self.data._value, self.data._layout.market_ptr[:-1])
        return float(value[self._failed].sum() / value.sum())

    def _flow_columns(self) -> dict[str, Callable[[], FloatArray]]:
        """Give the columns of `flows` after its keys, each as a function that makes it."""
        data = self.data
        tax, tax_new = data._export_tax, self._export_tax_new
        border = self._border
        value_new = border * self.q
        value_new *= data._value
        price = np.repeat(self._producer_price, np.diff(data._layout.row_ptr))
        sold = data._value / self._tax_factor()
        zero = np.zeros(len(data._value))
        return {
            "value": lambda: data._value,
            "value_new": lambda: value_new,
            "tariff": lambda: data._tariff,
            "tariff_new": lambda: self._tariff_new,
            "quantity_ratio": lambda: self.q,
            "producer_price_ratio": lambda: price,
            "border_price_ratio": lambda: border,
            "buyer_price_ratio": lambda: self._buyer,
            "revenue": lambda: data._tariff * data._value,
            "revenue_new": lambda: self._tariff_new * value_new,
            "export_tax_revenue": lambda: zero if tax is None else tax * sold,
            "export_tax_revenue_new": lambda: (
                zero if tax_new is None else tax_new * price * sold * self.q
            ),
            "rent": self._flow_rent,
        }

    def _flow_rent(self) -> FloatArray:
        """Rents less subsidies, one per flow; NaN in failed markets."""
        rent = np.zeros(len(self.data._value))
        if self.settled is not None:
            rent[self.settled.rows] = flow_rents(self).sum(axis=1)
            if self._failed.size:
                rent[~self._solved_flows()] = np.nan
        return rent

    # ---- Surplus and revenue by slot --------------------------------------------------------

    def _consumer_surplus(self) -> FloatArray:
        """Change in consumer surplus, one per importer slot."""
        data, layout = self.data, self.data._layout
        n = len(layout.imp_code)
        slot = data._imp_slot
        if self.method == "smart":
            return self._smart_surplus(slot, n)
        spending = sums(slot, n, data._value * (1.0 + data._tariff))
        if self._in_logs:
            return consumer_surplus(self.ln_P, spending, self.demand.values)
        published = self.surplus == "gsim2003"
        return consumer_surplus_linear(self.ln_P, spending, self.demand.values, published=published)

    def _smart_surplus(self, slot: IntArray, n: int) -> FloatArray:
        """SMART's welfare, sum (t0 + t1)/2 dm over partners, less the change in duty."""
        data = self.data
        tariff, tariff_new = data._tariff, self._tariff_new
        welfare = 0.5 * (tariff + tariff_new) * data._value * (self.q - 1.0)
        duty = tariff_new * self._value_new - tariff * data._value
        return sums(slot, n, welfare - duty)

    def _producer_surplus(self) -> FloatArray:
        """Change in producer surplus, one per exporter slot."""
        sales = np.add.reduceat(
            self.data._value / self._tax_factor(), self.data._layout.row_ptr[:-1]
        )
        formula = producer_surplus if self._in_logs else producer_surplus_linear
        return formula(self.ln_p, sales, self.supply.values)

    def _export_tax_change(self, value_new: FloatArray, value: FloatArray) -> FloatArray:
        """Change in export-tax revenue, one per exporter slot, from values at the border."""
        tax, tax_new = self.data._export_tax, self._export_tax_new
        assert tax_new is not None
        change = value_new * (tax_new / (1.0 + tax_new))
        if tax is not None:
            change -= value * (tax / (1.0 + tax))
        return np.add.reduceat(change, self.data._layout.row_ptr[:-1])
