"""World: an economy of countries and sectors with flows, input use and income; general equilibrium.

Everything that the model needs at its baseline, consistent to the last digits: at no shock the
equations in changes hold.  Labels are sorted; a world's sectors are its products.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal, NoReturn

import numpy as np

from tradewar import (
    reading,
    world_adapters,
    world_balance,
    world_checks,
    world_reshape,
)
from tradewar.data import TradeData
from tradewar.errors import DataError
from tradewar.records import Meta
from tradewar.world_balance import Supplied, Tables
from tradewar.world_checks import Check
from tradewar.world_frames import ARRAYS, WorldFrames
from tradewar.world_parameters import read_parameters
from tradewar.world_ras import MOVED, Report, ras
from tradewar.world_reading import read_deficit, read_final, read_flows, read_shares
from tradewar.world_resolve import resolve

__all__ = ["World"]

Balance = Literal["raise", "ras", "resolve"]
STILL = 1e-12  # share of flows: what moves less is rounding
ROUNDED = "final demands negative by rounding, set to 0"


class World(WorldFrames):
    """Countries that produce, use inputs, trade and spend: the input of general equilibrium.

    Made by `from_tables`, `from_icio`, `from_pymrio` or a function of `tradewar.datasets`;
    immutable; pickles.

    Attributes
    ----------
    countries, products : tuple of str
        Sorted labels; sectors are called products.
    flows, income, industries, inputs, parameters : DataFrame
    value_unit, source, licence, tariff_date : str
    year : int or None
    notes : tuple of str
    extra : mapping
    report : DataFrame
        What reading and balancing changed, and by how much.

    Notes
    -----
    Z[n,i,j] are n's purchases of j from i at the exporter's border price (after export tax, before
    import duty), home sales on the diagonal.  Cost is value added and inputs; producer revenue is
    cost and rents.  The deficit of a country is its spending less its income.

    See Also
    --------
    World.check : every identity with its largest violation.
    """

    __slots__ = (
        "_checks",
        "_data",
        "_deficit",
        "_expenditure",
        "_export_tax",
        "_final_share",
        "_income",
        "_input_use",
        "_labour_income",
        "_output",
        "_packed",
        "_rents",
        "_report",
        "_scale",
        "_tariff",
        "_theta",
        "_trade",
        "_value_added",
    )

    def __init__(self) -> None:
        raise DataError("make it with World.from_tables(trade, theta=...) or tradewar.datasets")

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"World is immutable: cannot set {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"World is immutable: cannot delete {name!r}")

    # ---- construction -------------------------------------------------------------------------

    @classmethod
    def from_tables(
        cls,
        trade: Any,
        *,
        theta: Any,
        tariff: Any = None,
        export_tax: Any = None,
        input_use: Any = None,
        value_added: Any = None,
        final_share: Any = None,
        deficit: Any = None,
        rents: Any = None,
        scale: Any = None,
        countries: Any = None,
        products: Any = None,
        value_unit: str = "USD",
        balance: Balance = "raise",
        columns: Mapping[str, str] | None = None,
        percent: bool = False,
        fill_tariff: float | None = None,
        source: str = "",
        licence: str = "",
        year: int | None = None,
        tariff_date: str = "",
        notes: tuple[str, ...] = (),
        extra: Mapping[str, Any] | None = None,
    ) -> World:
        """Check and balance the tables of an economy and make a World of them.

        Parameters
        ----------
        trade : long frame, or array of shape (importer, exporter, product)
            Purchases at the exporter's border price, in `value_unit`, >= 0, home sales on the
            diagonal.  A frame has the columns of `TradeData.from_frame`: exporter importer product
            value, and tariff and export_tax where given.
        theta : float, Series or mapping by product, array, or "cp2015"
            Trade elasticity > 0: the CES substitution minus one.
        tariff, export_tax : float, array like `trade`, or long frame, optional
            Ad valorem import duty on the border price, and export tax on the producer price,
            fractions > -1.  A number holds for all flows between countries.  None: the column of
            `trade`, else no duty, which `notes` says.  Frames: importer exporter product, tariff.
        input_use : array of shape (country, input, user), or long frame, optional
            Columns country input user value; as values or as shares of cost.  None: no inputs.
        value_added : array of shape (country, product), or long frame, optional
            Columns country product value.  Both tables are shares where they sum to one within
            1e-5 for every country and user with output, else values.
        final_share : array of shape (country, product), or long frame, optional
            Final spending by product, divided by its sum.  None: what the flows imply.
        deficit : Series or mapping by country, or array, optional
            Spending minus income, `value_unit`, summing to zero.  None: what the flows imply.
        rents : float, Series, mapping or array, optional
            Pure-profit share of producer revenue, in [0, 1); default 0.
        scale : float, Series, mapping or array, optional
            External scale elasticity >= 0 with theta times scale below 1; default 0.
        countries, products : list of str, optional
            Labels of arrays, in their order.
        value_unit : str, default "USD"
        balance : {"raise", "ras", "resolve"}
            What to do where the tables do not balance.  "raise": refuse, naming size and place.
            "ras": keep outputs, value added, input use and deficits; set negative final demands to
            zero, fit final demand to countries' spending and products' supply, and flows to
            outputs and purchases, each by iterative scaling.  "resolve": `final_share` and
            `deficit` replace what the flows imply, and the equilibrium at the observed tariffs
            becomes the baseline (Caliendo and Parro 2015).
        columns, percent, fill_tariff
            As in `TradeData.from_frame`.
        source, licence, tariff_date : str
        year : int, optional
        notes : tuple of str
        extra : mapping, optional
            Carried along.

        Returns
        -------
        World

        Raises
        ------
        DataError
            A table has the wrong shape, labels or numbers; a country or product has no trade;
            shares do not sum to one; an input use is negative (unless "resolve"); a final demand
            is negative or supplied numbers contradict the flows (under "raise").

        Warns
        -----
        DataWarning
            China and the USA look transposed.

        Examples
        --------
        >>> import numpy as np
        >>> import tradewar as tw
        >>> trade = np.array([[80.0, 20.0], [20.0, 180.0]])[:, :, None]
        >>> world = tw.World.from_tables(trade, theta=4.0, tariff=0.1, countries=["A", "B"])
        >>> world.income["tariff_revenue"].tolist()
        [2.0, 2.0]
        """
        if balance not in ("raise", "ras", "resolve"):
            raise DataError(f'balance={balance!r}: give "raise", "ras" or "resolve"')
        if not isinstance(value_unit, str) or not value_unit:
            raise DataError(
                f"value_unit={value_unit!r}: give a unit such as 'USD' or 'million USD'"
            )
        flows = read_flows(
            trade,
            tariff,
            export_tax,
            countries=countries,
            products=products,
            columns=columns,
            percent=percent,
            fill_tariff=fill_tariff,
        )
        axes = flows.axes
        output = world_balance.output_of(flows.trade, flows.export_tax)
        shares = read_shares(axes, value_added, input_use, output, negative=balance == "resolve")
        tables = Tables(
            flows.trade,
            flows.tariff,
            flows.export_tax,
            *read_parameters(theta, rents, scale, axes),
            shares.value_added,
            shares.input_use,
        )
        supplied = Supplied(read_final(final_share, axes), read_deficit(deficit, axes), shares.cost)
        labels = (axes.countries, axes.products)
        compared = world_checks.compare(tables, *labels, Supplied(cost=shares.cost))
        report: list[Report] = []
        if balance == "ras":
            tables, report = ras(tables, *labels, value_unit, supplied)
            axes.notes.append(_said("balanced by iterative scaling", report))
        elif balance == "resolve":
            tables, report = resolve(tables, *labels, value_unit, supplied)
            axes.notes.append(_said("the baseline is an equilibrium at the given tariffs", report))
        else:
            world_checks.refuse(tables, *labels, value_unit, supplied)
        compared += world_checks.compare(tables, *labels, supplied._replace(cost=None))
        notes = (notes,) if isinstance(notes, str) else tuple(notes)
        meta = Meta(
            value_unit=value_unit,
            source=source,
            licence=licence,
            year=year,
            tariff_date=tariff_date,
            notes=(*notes, *axes.notes),
            extra=dict(extra or {}),
        )
        world = cls._from_parts(tables, *labels, meta, checks=compared, report=report)
        reading.warn_looks(world._data)
        return world

    @classmethod
    def from_icio(
        cls,
        path: Any,
        *,
        theta: Any,
        tariff: Any = None,
        rents: Any = None,
        scale: Any = None,
        balance: Balance = "raise",
        member: str | None = None,
        value_unit: str = "million USD",
        year: int | None = None,
        tariff_date: str = "",
        notes: tuple[str, ...] = (),
    ) -> World:
        """Make a World of an OECD Inter-Country Input-Output file (``2022_SML.csv``).

        Parameters
        ----------
        path : path or open file
            A CSV of any edition, or a zip with one.  First column: rows COUNTRY_INDUSTRY
            (AUS_C17_18), then TLS or COUNTRY_TAXSUB, VA or VALU, OUT or OUTPUT.  Columns: the same
            producers, final demand AUS_HFCE ... (2016 edition HFCE_AUS), OUT or TOTAL.  Parts of
            China and Mexico (CN1, CN2, MX1, MX2) are merged.
        theta, tariff, rents, scale, balance
            As in `from_tables`.  The tables hold no tariffs; inputs are taken at what they cost
            with the duty given.
        member : str, optional
            CSV inside a zip with several.
        value_unit : str, default "million USD"
        year : int, optional
            Default: the last year in the file's name.
        tariff_date : str
        notes : tuple of str

        Returns
        -------
        World
            Value added holds taxes less subsidies on products.

        Raises
        ------
        DataError
            A row or column is not understood, sums are not the printed totals, or flows are
            negative (``balance="ras"`` sets them to zero and reports them).
        """
        blocks, name = world_adapters.read_icio(path, member)
        return world_adapters.from_blocks(
            cls,
            blocks,
            theta=theta,
            tariff=tariff,
            rents=rents,
            scale=scale,
            balance=balance,
            value_unit=value_unit,
            source=f"OECD Inter-Country Input-Output tables, {member or name}",
            licence="OECD terms and conditions (CC BY 4.0)",
            year=year or world_adapters.year_of(member or name),
            tariff_date=tariff_date,
            notes=notes,
        )

    @classmethod
    def from_pymrio(
        cls,
        io: Any,
        *,
        theta: Any,
        tariff: Any = None,
        rents: Any = None,
        scale: Any = None,
        balance: Balance = "raise",
        value_unit: str | None = None,
        source: str = "",
        licence: str = "",
        year: int | None = None,
        tariff_date: str = "",
        notes: tuple[str, ...] = (),
    ) -> World:
        """Make a World of an inter-country table that pymrio has read (EXIOBASE, WIOD ...).

        Parameters
        ----------
        io : pymrio.IOSystem, or anything with its Z and Y
            Z : DataFrame, (region, sector) by (region, sector); Y : (region, sector) by (region,
            category); `unit` : DataFrame, used where `value_unit` is not given.
        theta, tariff, rents, scale, balance
            As in `from_icio`.
        value_unit : str, optional
            Needed for Eora26, whose label is wrong, and where `unit` names several.
        source, licence, tariff_date, year, notes
            Carried along.

        Raises
        ------
        DataError
            Z or Y is missing, labels do not fit, the unit is unknown, or as in `from_icio`.
        """
        blocks, unit, name = world_adapters.read_pymrio(io, value_unit)
        return world_adapters.from_blocks(
            cls,
            blocks,
            theta=theta,
            tariff=tariff,
            rents=rents,
            scale=scale,
            balance=balance,
            value_unit=unit,
            source=source or name,
            licence=licence,
            year=year,
            tariff_date=tariff_date,
            notes=notes,
        )

    @classmethod
    def _from_parts(
        cls,
        tables: Tables,
        countries: Sequence[str],
        products: Sequence[str],
        meta: Meta,
        *,
        checks: Sequence[Check] = (),
        report: Sequence[tuple[str, float, str, str]] = (),
    ) -> World:
        """Make a World of balanced tables with sorted labels.

        What balances but for rounding is made exact and reported.
        """
        tables, settled = world_balance.settle(tables)
        acc = world_balance.accounts(tables)
        world_checks.refuse_dead(acc, countries)
        world_checks.refuse_negative(acc, countries, products, meta.value_unit)
        rows = [row for row in report if row[0] != ROUNDED]
        settled += int(sum(row[1] for row in report if row[0] == ROUNDED))
        if settled:
            rows.append((ROUNDED, float(settled), "cells", ""))
        return cls._build(
            data=_flows(tables, countries, products, meta),
            final_share=world_balance.final_shares(acc),
            deficit=acc.deficit,
            expenditure=acc.expenditure,
            output=acc.output,
            labour_income=acc.labour_income,
            income=acc.income,
            checks=tuple(checks),
            report=tuple(rows),
            **tables._asdict(),
        )

    @classmethod
    def _build(cls, **parts: Any) -> World:
        """Set the slots; the one place where arrays become read-only."""
        self = object.__new__(cls)
        for name, part in parts.items():
            if isinstance(part, np.ndarray):
                part = np.require(part, np.float64, ["C", "A"])  # a pickle may misalign
                part.flags.writeable = False
            object.__setattr__(self, "_" + name, part)
        object.__setattr__(self, "_packed", [])  # for the core, at its first call
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arrays; the flows are made again."""
        made = ("_data", "_packed")
        parts = {name[1:]: getattr(self, name) for name in self.__slots__ if name not in made}
        meta = {f.name: getattr(self._data._meta, f.name) for f in fields(Meta)}
        return _unpickle, (parts, self.countries, self.products, meta)

    # ---- new worlds from old ------------------------------------------------------------------

    def aggregate(self, *, countries: Any = None, products: Any = None) -> World:
        """Merge countries or products; values add up and the accounts still balance.

        Parameters
        ----------
        countries : mapping, Series or group name, optional
            Label -> new label; labels left out stay.  A group such as "EU" merges its members.
        products : mapping or Series, optional
            Label -> new label.

        Returns
        -------
        World
            Tariffs are weighted by value and export taxes by producer value, so that revenue is
            conserved; cost shares by cost; theta by trade between countries; rents and scale by
            output.  Trade between merged countries becomes home sales, with its duty as a tariff
            on them.  `notes` say what was averaged.

        Raises
        ------
        DataError
            A mapping names nothing that is present; rents that differ within a merged product
            make a final demand negative.
        """
        return world_reshape.aggregate(self, countries=countries, products=products)

    def rebase(self, result: Any) -> World:
        """Make the outcome of `result` the baseline: flows, rates, cost and final shares after.

        Parameters
        ----------
        result : GEResult
            Solved from this world, without binding quantity controls.

        Returns
        -------
        World
            Same labels and elasticities; deficits and final shares are those of the new flows.
            Changed trade costs and productivity are in the new flows; they cannot be undone.

        Raises
        ------
        DataError
            The result belongs to another world, has no solution, or has binding controls.
        """
        return world_reshape.rebase(self, result)


def _said(how: str, report: Sequence[Report]) -> str:
    """Say in a note that balancing changed the tables."""
    moved = next(value for item, value, *_ in report if item == MOVED)
    if moved < STILL:
        return f"{how}: nothing moved"
    return f"{how}: flows moved by {100.0 * moved:.3g} % in all; see report"


def _flows(
    tables: Tables, countries: Sequence[str], products: Sequence[str], meta: Meta
) -> TradeData:
    """Make the TradeData of flows above zero; they come out sorted already."""
    product, exporter, importer = np.nonzero(tables.trade.transpose(2, 1, 0) > 0)
    at = (importer, exporter, product)
    return TradeData._from_arrays(
        exporter=exporter.astype(np.int32),
        importer=importer.astype(np.int32),
        product=product.astype(np.int32),
        value=tables.trade[at],
        tariff=tables.tariff[at],
        export_tax=None if tables.export_tax is None else tables.export_tax[at],
        countries=countries,
        products=products,
        **{f.name: getattr(meta, f.name) for f in fields(Meta)},
    )


def _unpickle(
    parts: dict[str, Any], countries: Sequence[str], products: Sequence[str], meta: dict[str, Any]
) -> World:
    tables = Tables(*(parts[name] for name in ARRAYS))
    return World._build(data=_flows(tables, countries, products, Meta(**meta)), **parts)
