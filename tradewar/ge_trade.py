"""Where trade goes in general equilibrium: diversion, deflection and bystanders as in `pe_trade`.

`GETrade` is a result seen flow by flow.  Wages and prices move everywhere, so that nothing here is
unidentified; quantities are those that arrive, those of `deflection` those that leave.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar import pe_trade
from tradewar.errors import DataError
from tradewar.ge_tables import finish
from tradewar.pe_tables import sums

if TYPE_CHECKING:
    from tradewar.data import TradeData
    from tradewar.ge_result import GEResult
    from tradewar.scenario import Scenario

__all__ = ["GETrade"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class GETrade:
    """Flows of a result: a `pe_trade.Trade`.

    Attributes
    ----------
    result : GEResult
    q, shipped : float arrays, quantity ratios
    value_new, tariff_new : float arrays
    buyer_price : float array, ratio
    """

    result: GEResult
    q: Floats
    shipped: Floats
    value_new: Floats
    tariff_new: Floats
    buyer_price: Floats
    method: str = "exact"

    @classmethod
    def of(cls, result: GEResult) -> GETrade:
        """Take the flows of a result.

        Raises
        ------
        DataError
            The result has no solution.
        """
        if not result.converged:
            raise DataError("the result has no solution (on_error='record'): nothing to follow")
        found = result._flows()
        rate = result._tariff_collected(found)
        return cls(result, found.bought, found.shipped, found.value_new, rate, found.buyer_price)

    @property
    def data(self) -> TradeData:
        """Flows of the baseline."""
        return self.result.data

    @property
    def scenario(self) -> Scenario:
        """What changed."""
        return self.result.scenario

    @property
    def _basis(self) -> str:
        return self.result._basis

    @property
    def _value_new(self) -> Floats:
        return self.value_new

    @property
    def _tariff_new(self) -> Floats:
        return self.tariff_new

    @property
    def _price_given(self) -> NDArray[np.bool_]:
        return np.zeros(len(self.data._layout.exp_code), dtype=bool)

    def _touched(self) -> NDArray[np.bool_]:
        return self.result._touched()

    def _solved_flows(self) -> NDArray[np.bool_]:
        return np.ones(len(self.data), dtype=bool)

    def _tax_factor(self, rows: Any = slice(None)) -> Floats | float:
        tax = self.data._export_tax
        return 1.0 if tax is None else 1.0 + tax[rows]

    def _finish(self, frame: pd.DataFrame) -> pd.DataFrame:
        return finish(self.result, frame)

    # ---- tables ---------------------------------------------------------------------------------

    def diversion(
        self,
        *,
        importer: Any = None,
        exporter: Any = None,
        by: Literal["exporter", "product"] = "exporter",
        product: Any = None,
    ) -> pd.DataFrame:
        """See `GEResult.diversion`."""
        selection = pe_trade.select(self, importer, exporter, product)
        if by == "exporter":
            return pe_trade.diversion_by_exporter(self, selection)
        if by == "product":
            return pe_trade.diversion_by_product(self, selection)
        raise DataError(f'by={by!r}: "exporter" or "product"')

    def deflection(
        self, *, importer: Any = None, exporter: Any = None, product: Any = None
    ) -> pd.DataFrame:
        """See `GEResult.deflection`."""
        view = GETrade(
            self.result,
            self.shipped,
            self.shipped,
            self.value_new,
            self.tariff_new,
            self.buyer_price,
        )
        selection = pe_trade.select(view, importer, exporter, product)
        return pe_trade.deflection(view, selection)

    def bystanders(
        self, *, importer: Any = None, exporter: Any = None, product: Any = None
    ) -> pd.DataFrame:
        """See `GEResult.bystanders`."""
        return pe_trade.bystanders(self, pe_trade.select(self, importer, exporter, product))

    def price_changes(
        self, *, importer: Any = None, exporter: Any = None, product: Any = None
    ) -> pd.DataFrame:
        """See `GEResult.price_changes`."""
        data = self.data
        chosen = pe_trade.select(self, importer, exporter, product)
        rows = np.flatnonzero(chosen.imposers[data._importer] & chosen.flows)
        hit = np.zeros((len(data.countries), len(data.products)), dtype=bool)
        touched = self._touched() & chosen.flows
        hit[data._importer[touched], data._product[touched]] = True
        if hit[data._importer[rows], data._product[rows]].any():
            rows = rows[hit[data._importer[rows], data._product[rows]]]
        origin = data._exporter[rows]
        role = np.where(chosen.targets[origin], pe_trade.TARGET, pe_trade.OTHER)
        role[origin == data._importer[rows]] = pe_trade.HOME
        n = len(data.countries)
        spending = data._value[rows] * (1.0 + data._tariff[rows])
        bought = self.q[rows] > 0.0  # nothing of a banned flow is bought at any price
        code = origin + n * role.astype(np.int64)
        total = sums(code, 3 * n, np.where(bought, spending, 0.0))
        rise = np.where(bought, spending * (self.buyer_price[rows] - 1.0), 0.0)
        kept = np.flatnonzero(total)
        index = np.exp(self.result.state.ln_P)[data._importer[rows], data._product[rows]]
        frame = pd.DataFrame(
            {
                "exporter": [*data.countries.take(kept % n), "all origins"],
                "role": [*(pe_trade.ROLES[k] for k in kept // n), "composite"],
                "expenditure": [*total[kept], spending.sum()],
                "price_change": [
                    *(sums(code, 3 * n, rise)[kept] / total[kept]),
                    (spending * (index - 1.0)).sum() / spending.sum(),
                ],
            }
        )
        return self._finish(frame)
