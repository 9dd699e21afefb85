"""PEResult: what a product-level solve says, as tables made on demand.

The result keeps the solver's three arrays (producer prices, composite prices, quantities) beside
the data and the wedges it was given; every frame is derived from them.  Nothing is solved here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar import pe_controls, pe_incidence, pe_summary, pe_trade
from tradewar._display import Card, Display
from tradewar.errors import DataError
from tradewar.pe_arrays import PEArrays
from tradewar.pe_tables import IntArray, sums

if TYPE_CHECKING:
    from tradewar.plot import PEPlot

__all__ = ["PEResult"]

Selectors = str | Sequence[str] | None


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class PEResult(PEArrays, Display):
    """Product-level equilibrium after a scenario: made by `solve_pe`, immutable, pickles.

    Tables are made on demand: `flows`, `importers`, `exporters`, `countries`, `markets`,
    `incidence`, `diversion`, `hicks`, `deflection`, `bystanders`, `top`, `summary`.  The bare name
    of a column is the baseline, ``_new`` after, ``_ratio`` new / baseline, ``_change`` new -
    baseline; rates are fractions and money is in `data.value_unit`
    (``frame.attrs["unit"]`` says so column by column).

    Markets that failed under ``on_error="record"`` have NaN rows; totals leave them out, and say
    so in ``frame.attrs["failed_markets"]`` and ``["failed_value_share"]``, `summary` and `card`.

    Parameters
    ----------
    data : TradeData
        Baseline, shared and not copied.
    scenario : Scenario
    wedges : Wedges
        What the scenario makes of the data: new rates, cost ratios, weights, one per flow.
    method : {"exact", "euler", "linear", "smart"}
    surplus : {"exact", "gsim2003"}
        Consumer-surplus formula of ``method="linear"``.
    steps : int or None
        Steps of ``method="euler"``.
    ln_p : float array, shape (exporter slots,)
        ln of the producer-price ratio, -inf where an origin is shut out; p - 1 if linear, smart.
    ln_P : float array, shape (importer slots,)
        The same of the composite price in each destination.
    q : float array, shape (flows,)
        Quantity new / baseline.
    substitution, demand, supply, home_substitution : Resolved
        Elasticities with their label, source and level counts; home_substitution may be None.
    status, iterations, residual : arrays, shape (markets,)
        Of the solver; status 0 is success.
    info : dict
        Seconds, threads, versions and what else the solver reports.

    Notes
    -----
    Base units: a baseline border price is 1.  ``b = p A1/A0``, ``u = b F T1/T0``, value after
    ``X q b``; welfare of a country is its consumer surplus + producer surplus + change in tariff
    and export-tax revenue + rents.
    """

    def _heading(self) -> str:
        return pe_summary.heading(self)

    # ---- Frames ----------------------------------------------------------------------------

    @property
    def flows(self) -> pd.DataFrame:
        """One row per flow, sorted by product, exporter, importer.

        Columns: exporter importer product value value_new tariff tariff_new quantity_ratio
        producer_price_ratio border_price_ratio buyer_price_ratio revenue revenue_new
        export_tax_revenue export_tax_revenue_new rent.  Values and revenue are in `value_unit`,
        revenue is import duty, prices are ratios new / baseline.  Keys are strings.
        """
        data = self.data
        keys = {
            "exporter": data.countries.take(data._exporter),
            "importer": data.countries.take(data._importer),
            "product": data.products.take(data._product),
        }
        columns = {name: column() for name, column in self._flow_columns().items()}
        return self._finish(pd.DataFrame({**keys, **columns}))

    @property
    def importers(self) -> pd.DataFrame:
        """One row per importer and product.

        Columns: importer product price_index_ratio expenditure expenditure_new
        consumer_surplus_change.  Expenditure is at buyer prices, duty included.  Where the data
        hold no home sales the surplus is that of buyers and domestic producers together.
        """
        data, layout = self.data, self.data._layout
        n = len(layout.imp_code)
        slot = data._imp_slot
        spending_new = self._buyer
        spending_new *= self.q
        spent = data._value * (1.0 + data._tariff)
        spending_new *= spent
        frame = pd.DataFrame(
            {
                "importer": data.countries.take(layout.imp_code),
                "product": data.products.take(_owner(layout.imp_ptr)),
                "price_index_ratio": self._price_index,
                "expenditure": sums(slot, n, spent),
                "expenditure_new": sums(slot, n, spending_new),
                "consumer_surplus_change": self._consumer_surplus(),
            }
        )
        return self._finish(frame)

    @property
    def exporters(self) -> pd.DataFrame:
        """One row per exporter and product.

        Columns: exporter product producer_price_ratio producer_surplus_change.
        """
        data, layout = self.data, self.data._layout
        frame = pd.DataFrame(
            {
                "exporter": data.countries.take(layout.exp_code),
                "product": data.products.take(_owner(layout.exp_ptr)),
                "producer_price_ratio": self._producer_price,
                "producer_surplus_change": self._producer_surplus(),
            }
        )
        return self._finish(frame)

    @property
    def countries(self) -> pd.DataFrame:
        """One row per country (index `country`), in `value_unit`.

        Columns: consumer_surplus_change producer_surplus_change revenue_change (import duty and
        export taxes) rent welfare_change, the sum of the four.  ``attrs["world"]`` holds the sums
        over countries.  A country that only sells in these data has no consumer surplus here.
        """
        data, layout = self.data, self.data._layout
        n = len(data.countries)
        consumer = self._zero_failed(self._consumer_surplus(), layout.imp_ptr)
        producer = self._zero_failed(self._producer_surplus(), layout.exp_ptr)
        value_new = self._zero_failed(self._value_new, layout.market_ptr)
        before = self._zero_failed(data._value, layout.market_ptr)
        duty = value_new * self._tariff_new
        duty -= before * data._tariff
        revenue = sums(data._importer, n, duty)
        if self._export_tax_new is not None:
            taxed = value_new
            if self.settled is not None:
                rows = self.settled.rows
                taxed = value_new.copy()
                taxed[rows] -= data._value[rows] * self.q[rows] * self.settled.lx
            revenue += sums(layout.exp_code, n, self._export_tax_change(taxed, before))
        columns = {
            "consumer_surplus_change": sums(layout.imp_code, n, consumer),
            "producer_surplus_change": sums(layout.exp_code, n, producer),
            "revenue_change": revenue,
            "rent": self._rent_by_country(n),
        }
        columns["welfare_change"] = sum(columns.values(), np.zeros(n))
        frame = pd.DataFrame(columns, index=pd.Index(data.countries, name="country"))
        frame = self._finish(frame)
        frame.attrs["world"] = {name: float(col.sum()) for name, col in columns.items()}
        return frame

    def _rent_by_country(self, n: int) -> NDArray[np.float64]:
        """Rents less subsidies, one per country; what is wasted is nobody's."""
        if self.settled is None:
            return np.zeros(n)
        amount, rows = pe_controls.flow_rents(self), self.settled.rows
        importers = sums(self.data._importer[rows], n, amount[:, 0] + amount[:, 1])
        return importers + sums(self.data._exporter[rows], n, amount[:, 2] + amount[:, 3])

    @property
    def markets(self) -> pd.DataFrame:
        """One row per product: product converged iterations residual.

        The residual is the largest |ln demand - ln supply| over exporters.
        """
        frame = pd.DataFrame(
            {
                "product": self.data.products,
                "converged": self.status == 0,
                "iterations": self.iterations,
                "residual": self.residual,
            }
        )
        return self._finish(frame)

    # ---- Who pays --------------------------------------------------------------------------

    def incidence(
        self, by: Literal["total", "product", "importer", "exporter"] = "total"
    ) -> pd.DataFrame:
        """Say who bears the change in duty, in money that adds up to it.

        Only flows whose own tariff changed count; a group without one is NaN, not 0.

        Parameters
        ----------
        by : {"total", "product", "importer", "exporter"}
            One row in all (index "total"), or one for each label of the data.

        Returns
        -------
        DataFrame
            In `value_unit`: buyers + exporters + lost_old_revenue + trade_cost + licence_rent =
            revenue_change, the change in duty collected.  A positive buyers or exporters entry is
            a cost to them.  Where export taxes are levied, exporting_state is the part of
            exporters borne by their state.  bystander_prices, beside the sum: what the same buyers
            pay more for the product from origins whose tariff did not change (home included).
            importer_share: buyers over the extra duty on surviving units, a fraction;
            log_pass_through: d ln u / d ln T, weighted by base value times d ln T.

        Notes
        -----
        ``(u1-u0) q1 + (b0-b1) q1 - t0 (q0-q1) - b1 (F-1) T1 q1 - lm q1 = b1 t1 q1 - t0 q0`` per
        flow, with b0 = 1 and u0 = T0.  Aggregates sum the money and never average shares.
        """
        return pe_incidence.incidence(self, by)

    def basket_price_change(self, importer: Selectors = None) -> pd.Series:
        """Give the price rise of the basket of products that the scenario touches.

        Parameters
        ----------
        importer : selector, optional
            Buyers; by default those whose imports the scenario changes.

        Returns
        -------
        Series by importer, fraction
            ``sum E (P - 1) / sum E`` over the products on whose imports anything changed, E
            baseline spending on all origins in the data and P the composite price.
        """
        return pe_incidence.basket_price_change(self, importer)

    def price_changes(
        self,
        *,
        importer: Selectors = None,
        exporter: Selectors = None,
        product: Selectors = None,
    ) -> pd.DataFrame:
        """Give what buyers pay more to each origin, and for the composite good.

        Parameters
        ----------
        importer, exporter, product : selectors, optional
            As in `diversion`; exporter only marks the target.

        Returns
        -------
        DataFrame
            For the destination-products that the scenario touches: exporter, role (target, other,
            home, composite), expenditure (baseline, `value_unit`) and price_change, the change in
            the buyer price, a fraction, averaged with baseline
            expenditure over flows that are still bought.  The last row is the composite price.
        """
        return pe_trade.price_changes(self, pe_trade.select(self, importer, exporter, product))

    # ---- Where trade goes ------------------------------------------------------------------

    def diversion(
        self,
        *,
        importer: Selectors = None,
        exporter: Selectors = None,
        by: Literal["exporter", "product"] = "exporter",
        product: Selectors = None,
    ) -> pd.DataFrame:
        """Say who replaces the target in the importer's market, and what is no longer bought.

        Parameters
        ----------
        importer, exporter : selector, optional
            Buyers and target: a label, a list or a group.  By default those whose flows the
            scenario changes.
        by : {"exporter", "product"}
            One row per origin, or one per product bought.
        product : selector, optional
            Products to look at; all by default.

        Returns
        -------
        DataFrame
            In `value_unit`.  ``by="exporter"``: exporter, role (target, other, home, lost
            demand), value and value_new at border prices, volume_change ``V (q - 1)`` at base
            buyer prices, share of the target's loss, diversion and creation, which add up to
            volume_change, and the same three at base border prices.  The last row closes each
            column to zero: it holds the demand that is lost (with home producers' gain where the
            data hold no home sales, labelled "lost import demand"), and under border_diversion
            minus the remainder that border prices leave.  ``by="product"``: the target's value,
            value_new, and loss = other_origins + home + lost_demand (home is NaN where the data
            hold no home sales), its diversion and creation, and the remainder of the product.
            With ``method="smart"`` SMART's own creation and diversion stand beside.

        Raises
        ------
        DataError
            A selector matches nothing.

        Notes
        -----
        With qbar = sum V q / E in each destination: diversion ``V (q / qbar - 1)`` sums to zero
        over origins, creation ``V q (1 - 1 / qbar)`` to ``E (qbar - 1)``.  Destinations and
        products are added in money.
        """
        selection = pe_trade.select(self, importer, exporter, product)
        if by == "exporter":
            return pe_trade.diversion_by_exporter(self, selection)
        if by == "product":
            return pe_trade.diversion_by_product(self, selection)
        raise DataError(f'by={by!r}: "exporter" or "product"')

    def hicks(
        self,
        *,
        importer: Selectors = None,
        exporter: Selectors = None,
        product: Selectors = None,
    ) -> pd.DataFrame:
        """Split the change in each origin's sales into substitution and expansion.

        Parameters
        ----------
        importer, exporter, product : selectors, optional
            As in `diversion`; exporter only marks the target.

        Returns
        -------
        DataFrame
            exporter, role, expenditure V, substitution ``V (c - 1)``, expansion ``V (q - c)`` and
            their sum volume_change, in `value_unit` at base buyer prices, with ``c = q P^eps`` the
            compensated ratio.  Substitution sums over origins to the curvature
            ``E (sum theta c - 1) >= 0``: the rows "curvature" and "lost demand" close the columns
            to zero, and ``attrs["curvature"]`` holds it.

        Raises
        ------
        NotIdentified
            ``method="smart"``: there is no demand system to compensate.
        """
        return pe_trade.hicks(self, pe_trade.select(self, importer, exporter, product))

    def deflection(
        self,
        *,
        importer: Selectors = None,
        exporter: Selectors = None,
        product: Selectors = None,
    ) -> pd.DataFrame:
        """Say where the target's lost exports go.

        Parameters
        ----------
        importer, exporter, product : selectors, optional
            As in `diversion`.

        Returns
        -------
        DataFrame
            importer (destination), role (imposer, other, home, supply cut), value and value_new
            in `value_unit` at border prices, volume_change ``(X / A0) (q - 1)`` at base producer
            prices, share of the lost exports.  The row "supply cut" is what producers no longer
            sell anywhere; shares sum to 1 over all rows but the imposer's.  Without home sales in
            the data the target's own market is not among the rows.

        Raises
        ------
        NotIdentified
            The data have one destination, or supply is infinite where exports were lost.

        Notes
        -----
        ``share_w = phi_w (q_w - 1) / [phi_n (1 - q_n)]`` and ``(1 - p^mu) / [phi_n (1 - q_n)]``;
        several targets or products are added in money.
        """
        return pe_trade.deflection(self, pe_trade.select(self, importer, exporter, product))

    def bystanders(
        self,
        *,
        importer: Selectors = None,
        exporter: Selectors = None,
        product: Selectors = None,
    ) -> pd.DataFrame:
        """Say how the exports of third countries change.

        Parameters
        ----------
        importer, exporter, product : selectors, optional
            As in `diversion`.

        Returns
        -------
        DataFrame, index country
            exports at the baseline and their change to the imposer, to the target and to the
            rest, which add up to exports_change, in `value_unit` at border prices; home sales are
            no exports.

        Raises
        ------
        NotIdentified
            The data have one destination, or supply is infinite where quantities changed.
        """
        return pe_trade.bystanders(self, pe_trade.select(self, importer, exporter, product))

    # ---- Quantity controls -----------------------------------------------------------------

    def rents(self) -> pd.DataFrame:
        """Say who gets the rents of quantity controls.

        Returns
        -------
        DataFrame
            One row per flow with a rent: exporter importer product, importer_firms,
            importer_state, exporter_firms, exporter_state, waste and their sum rent, in
            `value_unit`.  What a purchase commitment costs its payer is negative.
        """
        return pe_controls.rents(self)

    def tariff_equivalents(self) -> pd.DataFrame:
        """Give the taxes that would do what the controls do, flow by flow.

        Returns
        -------
        DataFrame
            exporter importer product; export_tax_equivalent ``lx / (p A1/A0)``,
            import_tariff_equivalent ``lm / (b F)`` plus the rate above the in-quota tariff,
            subsidy_rate of a commitment, weight_equivalent ``w^(-1/(sigma-1)) - 1`` of a licence
            or list of sellers (infinite where banned): fractions.
        """
        return pe_controls.tariff_equivalents(self)

    def binding(self) -> pd.DataFrame:
        """Say which limits bind.

        Returns
        -------
        DataFrame
            One row per limit: rule (its number), instrument, product, limit, quantity_new in
            `value_unit` at base prices (a value commitment: at current ones), premium (in base
            border prices; a rate for a tariff quota or commitment), binding.
        """
        return pe_controls.binding(self)

    # ---- Overviews -------------------------------------------------------------------------

    def top(
        self,
        n: int = 10,
        *,
        by: str = "value_change",
        of: Literal["product", "exporter", "importer", "flow"] = "product",
        order: Literal["size", "largest", "smallest"] = "size",
        importer: Selectors = None,
        exporter: Selectors = None,
    ) -> pd.DataFrame:
        """Rank products, countries or flows by a column.

        Parameters
        ----------
        n : int, default 10
            Rows wanted.
        by : str, default "value_change"
            Any column of the table but its keys.
        of : {"product", "exporter", "importer", "flow"}
            What to rank; flows are added up, home sales left out.
        order : {"size", "largest", "smallest"}
            By absolute value, or from either end.
        importer, exporter : selectors, optional
            Count only these flows.

        Returns
        -------
        DataFrame
            The key columns, value, value_new, value_change, revenue, revenue_new, revenue_change
            in `value_unit`, and tariff, tariff_new, the average collected rates.

        Raises
        ------
        DataError
            An option or a selector is none of those above.
        """
        return pe_summary.top(self, n, by, of, order, importer, exporter)

    def summary(self) -> pd.DataFrame:
        """Give the main numbers in one small table.

        Returns
        -------
        DataFrame, index item
            baseline, new, change and unit: trade in the flows that the scenario changes, all
            trade, duty and the average duty rate on the flows changed, who bears it, the price of
            the goods concerned, welfare of the five countries most affected and of all.  Home
            sales are no trade.  Markets that failed are left out and counted in the last row.
        """
        return pe_summary.summary(self)

    @property
    def card(self) -> Card:
        """Say what was solved, from what, what is assumed and what is not identified."""
        return Card(pe_summary.card(self))

    def cite(self) -> str:
        """Name the sources of data, elasticities and model."""
        return pe_summary.cite(self)

    def to_frame(self, backend: Literal["pandas", "polars", "pyarrow"] = "pandas") -> Any:
        """Give `flows`, the one tidy table, as a frame of another library.

        Raises
        ------
        DataError
            `backend` is none of the three.
        """
        return pe_summary.to_frame(self.flows, backend)

    def to_matrix(self, column: str, *, product: str | None = None) -> pd.DataFrame:
        """Give a column of `flows` as a matrix, importers down and exporters across.

        Parameters
        ----------
        column : str
            A money column is added up over products and 0 where the data have no flow; a rate or
            a ratio needs one product and is NaN there.
        product : str, optional
            One product; all by default.

        Returns
        -------
        DataFrame, index importer, columns exporter

        Raises
        ------
        DataError
            No such column or product, or a rate over several products.
        """
        return pe_summary.to_matrix(self, column, product)

    def to_links(self, column: str = "value_new") -> pd.DataFrame:
        """Give a money column as links for chord and Sankey charts.

        Returns
        -------
        DataFrame
            source (exporter), target (importer), value: sums over products, without home sales
            and zeros.
        """
        return pe_summary.to_links(self, column)

    @property
    def plot(self) -> PEPlot:
        """Charts: ``plot.diversion()``, ``.incidence()``, ``.products()``, ``.deflection()``."""
        from tradewar.plot import PEPlot

        return PEPlot(self)

    def negative_flows(self) -> pd.DataFrame:
        """Give the rows of `flows` whose quantity is negative, as linear methods can make it."""
        return self.flows[self.q < 0]


def _owner(ptr: IntArray) -> NDArray[np.intp]:
    """Give the market of each slot."""
    return np.repeat(np.arange(len(ptr) - 1), np.diff(ptr))
