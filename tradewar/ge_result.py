"""GEResult: what a general-equilibrium solve says, as tables made on demand.

The result keeps what the solver found (wages, prices, expenditure, limits) beside the world and the
wedges it was given; every frame is derived from them.  Nothing is solved here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from tradewar import coverage, ge_card, ge_check, ge_gradient, ge_tables, pe_summary
from tradewar._display import Card, Display
from tradewar.ge_arrays import GEArrays
from tradewar.ge_trade import GETrade

if TYPE_CHECKING:
    from tradewar.ge_plot import GEPlot

__all__ = ["GEResult"]

Selectors = str | Sequence[str] | None


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class GEResult(GEArrays, Display):
    """General equilibrium after a scenario: made by `solve_ge`, immutable, pickles.

    Tables are made on demand: `welfare`, `countries`, `flows`, `prices`, `employment`,
    `decompose`, `diversion`, `deflection`, `bystanders`, `binding`, `rents`, `coverage`.  The bare
    name of a column is the baseline, ``_new`` after, ``_ratio`` new / baseline, ``_change`` new -
    baseline or, of an index, a fraction; money is in ``world.value_unit``
    (``frame.attrs["unit"]`` says so column by column), and the numeraire is world value added.

    Parameters
    ----------
    world : World
        The baseline of all numbers; under ``deficits="purged"`` the world without deficits.
    scenario : Scenario
    wedges : Wedges
        What the scenario makes of the flows: rates, cost ratios, weights, one per flow.
    closure : Closure
        Deficits, revenue, labour supply and elasticities of substitution.
    changes : Changes
        The same for the core, with its limits.
    state : State
        What the core solved for: ln w, ln P, ln X'/X, ln S, multipliers, labour, relief.
    levels : Levels
        What follows by country and sector.
    info : dict
        status, cause, iterations, residual, seconds, threads, versions, warnings.

    Notes
    -----
    Equations: `solve_ge`.  A result without a solution (``on_error="record"``) has NaN in every
    ``_new``, ``_ratio`` and ``_change`` column and ``converged`` False.
    """

    def _heading(self) -> str:
        return ge_card.heading(self)

    @property
    def _basis(self) -> str:
        return ge_card.basis(self)

    def __str__(self) -> str:
        return f"{Display.__str__(self)}\n\n{ge_card.body(self)}"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return Display._repr_html_(self) + Card(ge_card.body(self))._repr_html_()

    # ---- countries ------------------------------------------------------------------------------

    @property
    def welfare(self) -> pd.Series:
        """Change in welfare by country, W - 1, a fraction.

        ``W = [I'/Pc - k w s L V/Pc] / [I - k V]`` with k = kappa/(1 + kappa); (I'/I)/Pc where
        labour supply is fixed.
        """
        return self._series(self._welfare() - 1.0, "welfare_change", "fraction")

    @property
    def countries(self) -> pd.DataFrame:
        """One row per country (index `country`).

        Columns: welfare_change (W - 1, fraction) ev (its money value at baseline prices)
        real_wage_change (w s / Pc - 1) wage_ratio price_index_ratio (of consumption) income
        income_new (final spending: wages, profits, revenue and deficit) tariff_revenue
        tariff_revenue_new deficit deficit_new (spending less income earned) exports exports_new
        imports imports_new (at the border, home sales left out).  ``attrs["world"]`` has sums.
        """
        return ge_tables.countries(self)

    @property
    def employment(self) -> pd.DataFrame:
        """Labour by country and product.

        Columns: country product labour_income labour_income_new (`value_unit`) employment_ratio
        (new / baseline; NaN where nobody worked).  ``attrs["country"]`` has each country's total
        ratio, 1 unless ``labour_supply`` is above 0.
        """
        return ge_tables.employment(self)

    # ---- flows and prices -----------------------------------------------------------------------

    @property
    def flows(self) -> pd.DataFrame:
        """One row per flow, home sales in, sorted by product, exporter, importer.

        Columns: exporter importer product value value_new (at the exporter's border) tariff
        tariff_new (fractions; above a tariff quota, the average collected).
        """
        return ge_tables.flows(self)

    @property
    def details(self) -> pd.DataFrame:
        """Every number there is by flow.

        Columns: those of `flows`, value_change, quantity_ratio (that arrives), border_price_ratio,
        buyer_price_ratio, spending, spending_new (of buyers, duty in), revenue, revenue_new
        (import duty) and rent (of quantity controls).
        """
        return ge_tables.details(self)

    @property
    def prices(self) -> pd.DataFrame:
        """One row per country and product.

        Columns: country product price_ratio (of the composite good that is bought; NaN where
        nothing is) cost_ratio (of production; NaN where nothing is made) output output_new
        (producer revenue, `value_unit`).
        """
        return ge_tables.prices(self)

    def matrix(self, column: str = "value_new", *, product: str | None = None) -> pd.DataFrame:
        """Give a column of `details` as a matrix, exporters down and importers across.

        Parameters
        ----------
        column : str
            Money is added up over products and 0 where there is no flow; a rate or a ratio needs
            one product and is NaN there.
        product : str, optional
            One product; all by default.

        Returns
        -------
        DataFrame, index exporter, columns importer
            Home sales on the diagonal; for chord and Sankey diagrams see also `to_links`.

        Raises
        ------
        DataError
            No such column or product, or a rate over several products.
        """
        return ge_tables.matrix(self, column, product)

    def wide(self, table: Literal["prices", "employment"], column: str) -> pd.DataFrame:
        """Give a column of `prices` or `employment` with countries down and products across."""
        return ge_tables.wide(self, table, column)

    def to_links(self, column: str = "value_new") -> pd.DataFrame:
        """Give a money column as links for chord and Sankey charts.

        Returns
        -------
        DataFrame
            source (exporter), target (importer), value: sums over products, without home sales
            and zeros.
        """
        return ge_tables.links(self, column)

    # ---- why welfare moves ----------------------------------------------------------------------

    def decompose(self, method: Literal["exact", "cp2015"] = "exact") -> pd.DataFrame:
        """Split each country's welfare change into its sources.

        Parameters
        ----------
        method : {"exact", "cp2015"}
            "exact" integrates along the path on which ln(1 + t), ln(1 + x), ln d, ln A, ln taste
            weights (a ban: the weight) and deficits move linearly; limits enter as the taxes or
            costs that they amount to.  "cp2015" is the first-order, two-term formula of Caliendo
            and Parro (2015, table 2) at the baseline, for comparison: the two can differ in sign.

        Returns
        -------
        DataFrame, index country
            Fractions.  "exact": tot (terms of trade) tariff_volume export_tax_volume profits
            technology_scale trade_cost labour transfers taste, and total, their sum, which is
            ``ln(I'/I/Pc)`` to 1e-8 (``attrs["gap"]`` has the largest miss, ``attrs["nodes"]`` the
            points solved).  "cp2015": tot volume_of_trade total real_wage_change.
            Where deficits are not 0, tot and transfers depend on the numeraire.

        Raises
        ------
        ConvergenceError
            A point of the path has no solution, or the columns do not add up to 1e-8.
        """
        from tradewar import ge_decompose

        return ge_decompose.decompose(self, method)

    # ---- where trade goes -----------------------------------------------------------------------

    def diversion(
        self,
        *,
        importer: Selectors = None,
        exporter: Selectors = None,
        by: Literal["exporter", "product"] = "exporter",
        product: Selectors = None,
    ) -> pd.DataFrame:
        """Say who replaces the target in the importer's market, and what is no longer bought.

        Parameters, columns and closing rows are those of `PEResult.diversion`: money at the prices
        of the baseline, home producers among the rows.
        """
        return GETrade.of(self).diversion(
            importer=importer, exporter=exporter, by=by, product=product
        )

    def deflection(
        self,
        *,
        importer: Selectors = None,
        exporter: Selectors = None,
        product: Selectors = None,
    ) -> pd.DataFrame:
        """Say where the target's lost exports go; as `PEResult.deflection`."""
        return GETrade.of(self).deflection(importer=importer, exporter=exporter, product=product)

    def bystanders(
        self,
        *,
        importer: Selectors = None,
        exporter: Selectors = None,
        product: Selectors = None,
    ) -> pd.DataFrame:
        """Say how the exports of third countries change; as `PEResult.bystanders`."""
        return GETrade.of(self).bystanders(importer=importer, exporter=exporter, product=product)

    def price_changes(
        self,
        *,
        importer: Selectors = None,
        exporter: Selectors = None,
        product: Selectors = None,
    ) -> pd.DataFrame:
        """Give what buyers pay more to each origin; as `PEResult.price_changes`."""
        return GETrade.of(self).price_changes(importer=importer, exporter=exporter, product=product)

    # ---- quantity controls and coverage ---------------------------------------------------------

    def binding(self) -> pd.DataFrame:
        """Say which limits bind.

        Returns
        -------
        DataFrame
            One row per limit: rule (its number), instrument, product, limit, quantity_new in
            `value_unit` at base prices (a value commitment: at current ones), premium (fraction of
            the price it adds to; a subsidy's share of it), binding, coverage (share of the flows
            that the rule names; below 1 where HS codes are part of a sector, whose rest may absorb
            the limit).
        """
        return ge_tables.binding(self)

    def rents(self) -> pd.DataFrame:
        """Say who gets the rents of quantity controls.

        Returns
        -------
        DataFrame
            One row per flow with a rent: exporter importer product, the five receivers and their
            sum rent, in `value_unit`.  State and firms of a country are one income here.  A
            commitment's cost is negative; "waste" is what melts away.
        """
        return ge_tables.rents(self)

    def tariff_equivalents(self) -> pd.DataFrame:
        """Give the taxes that would do what the controls do, flow by flow.

        Returns
        -------
        DataFrame
            exporter importer product export_tax_equivalent import_tariff_equivalent subsidy_rate
            weight_equivalent (``w^(-1/theta) - 1`` of licences and lists; infinite where banned):
            fractions of the price they add to.
        """
        return ge_tables.tariff_equivalents(self)

    @property
    def coverage(self) -> pd.DataFrame:
        """How rules that name HS codes were translated to sectors; empty where none does.

        Columns: rule (its number) instrument importer exporter product coverage (share of the flow
        that the rule covers) weights (whose flows by HS6 the share is made of).
        """
        frame = coverage.frame(self.wedges.coverage, self.scenario.rules, self.data)
        return ge_tables.finish(self, frame)

    # ---- overviews ------------------------------------------------------------------------------

    def check(self) -> pd.DataFrame:
        """Test the solution against the equations, evaluated anew from wages, prices and spending.

        Returns
        -------
        DataFrame, index check
            error, the largest relative miss, where, and ok (at ``1e3`` times the tolerance).
        """
        return ge_check.check(self)

    def precision(self, country: Selectors = None, *, threads: int | None = None) -> pd.DataFrame:
        """Say how well welfare is known, given the residuals that the solver has left.

        Residuals are relative misses of markets; near autarky a small one may leave wages, and
        with them welfare, much wider open than it is itself.

        Parameters
        ----------
        country : selector, optional
            Whose welfare; all by default.
        threads : int, optional
            Threads, default all cores this process may use.

        Returns
        -------
        DataFrame, index country
            welfare_error, a fraction: to first order, ln W is no farther from that of the exact
            solution than ``sum |a F|``, F the residuals and a the adjoint of ln W.  Solve again
            with a smaller ``tol=`` where it is too large.

        Raises
        ------
        DataError
            The result has no solution, or a selector matches nothing.
        ConvergenceError
            The adjoint equations were not solved.

        Examples
        --------
        >>> import tradewar as tw
        >>> threat = tw.Scenario("t").tariff(importer="USA", exporter="CHN", add=1.0)
        >>> result = tw.solve_ge(tw.datasets.icio_2022(), threat)
        >>> bool(result.precision()["welfare_error"].max() < 1e-8)
        True
        """
        return ge_gradient.precision(self, country, threads=threads)

    def summary(self) -> pd.DataFrame:
        """Give the main numbers in one small table.

        Returns
        -------
        DataFrame, index item
            baseline, new, change and unit: trade in the flows changed, all trade, tariff revenue,
            welfare of the countries concerned and of the third countries most affected.
        """
        return ge_card.summary(self)

    @property
    def card(self) -> Card:
        """Say what was solved, from what, how the model is closed and what is assumed."""
        return Card(ge_card.card(self))

    def cite(self) -> str:
        """Name the sources of data and model."""
        return ge_card.cite(self)

    def to_frame(self, backend: Literal["pandas", "polars", "pyarrow"] = "pandas") -> Any:
        """Give `flows`, the one tidy table, as a frame of another library.

        Raises
        ------
        DataError
            `backend` is none of the three.
        """
        return pe_summary.to_frame(self.flows, backend)

    def to_xarray(self) -> Any:
        """Give every number as an xarray Dataset (importer, exporter, product; country).

        Raises
        ------
        DataError
            xarray is not installed.
        """
        return ge_tables.to_xarray(self)

    @property
    def plot(self) -> GEPlot:
        """Charts: ``plot.welfare()``, ``.trade_change()``, ``.diversion()``, ``.prices()``."""
        from tradewar.ge_plot import GEPlot

        return GEPlot(self)

    # ---- for World.rebase -----------------------------------------------------------------------

    @property
    def _value_new(self) -> np.ndarray:
        return self._flows().value_new
