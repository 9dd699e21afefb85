"""World: an economy of countries and sectors with flows, input use and income; general equilibrium.

Everything that the model needs at its baseline, consistent to the last digits: at no shock the
equations in changes hold.  Labels are sorted; a world's sectors are its products.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal, NoReturn

import numpy as np
import pandas as pd

from tradewar import reading, world_balance, world_checks, world_frames, world_reshape
from tradewar.data import TradeData
from tradewar.errors import DataError
from tradewar.records import Meta
from tradewar.world_balance import Accounts, Supplied, Tables
from tradewar.world_checks import Check
from tradewar.world_parameters import read_parameters
from tradewar.world_ras import Report, ras
from tradewar.world_reading import read_deficit, read_final, read_flows, read_shares
from tradewar.world_resolve import resolve

__all__ = ["World"]

Balance = Literal["raise", "ras", "resolve"]
_ARRAYS = ("trade", "tariff", "export_tax", "theta", "rents", "scale", "value_added", "input_use")


class World:
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
        "_rents",
        "_report",
        "_scale",
        "_tariff",
        "_theta",
        "_trade",
        "_value_added",
    )
    _data: TradeData
    _trade: np.ndarray  # [importer, exporter, product], value_unit
    _tariff: np.ndarray  # the same axes, fraction; 0 where there is no flow
    _export_tax: np.ndarray | None
    _theta: np.ndarray  # [product]
    _rents: np.ndarray  # [product], share of revenue
    _scale: np.ndarray  # [product]
    _value_added: np.ndarray  # [country, product], share of cost
    _input_use: np.ndarray  # [country, input, user], share of cost
    _final_share: np.ndarray  # [country, product]
    _deficit: np.ndarray  # [country], value_unit
    _expenditure: np.ndarray  # [country, product], duty included
    _output: np.ndarray  # [country, product], producer revenue
    _labour_income: np.ndarray  # [country]
    _income: np.ndarray  # [country], equal to final spending
    _checks: tuple[Check, ...]  # what was supplied against what the flows imply
    _report: tuple[tuple[str, float, str, str], ...]

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
        elif balance == "resolve":
            tables, report = resolve(tables, *labels, value_unit, supplied)
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
        report = list(report)
        if settled:
            report.append(("final demands negative by rounding, set to 0", settled, "cells", ""))
        return cls._build(
            data=_flows(tables, countries, products, meta),
            final_share=world_balance.final_shares(acc),
            deficit=acc.deficit,
            expenditure=acc.expenditure,
            output=acc.output,
            labour_income=acc.labour_income,
            income=acc.income,
            checks=tuple(checks),
            report=tuple(report),
            **tables._asdict(),
        )

    @classmethod
    def _build(cls, **parts: Any) -> World:
        """Set the slots; the one place where arrays become read-only."""
        self = object.__new__(cls)
        for name, part in parts.items():
            if isinstance(part, np.ndarray):
                part = np.ascontiguousarray(part, dtype=np.float64)
                part.flags.writeable = False
            object.__setattr__(self, "_" + name, part)
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arrays; the flows are made again."""
        parts = {name[1:]: getattr(self, name) for name in self.__slots__ if name != "_data"}
        meta = {f.name: getattr(self._data._meta, f.name) for f in fields(Meta)}
        return _unpickle, (parts, self.countries, self.products, meta)

    # ---- what it holds ------------------------------------------------------------------------

    @property
    def countries(self) -> tuple[str, ...]:
        """Countries, sorted: the order of every private array."""
        return tuple(self._data._countries)

    @property
    def products(self) -> tuple[str, ...]:
        """Products (sectors), sorted."""
        return tuple(self._data._products)

    @property
    def _countries(self) -> tuple[str, ...]:
        return self.countries

    @property
    def _products(self) -> tuple[str, ...]:
        return self.products

    @property
    def value_unit(self) -> str:
        """Unit of all values."""
        return self._data.value_unit

    @property
    def source(self) -> str:
        """Where the tables come from."""
        return self._data.source

    @property
    def licence(self) -> str:
        """Licence of the source."""
        return self._data.licence

    @property
    def year(self) -> int | None:
        """Year of the tables."""
        return self._data.year

    @property
    def tariff_date(self) -> str:
        """Date the tariffs stood on."""
        return self._data.tariff_date

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed, filled in or left out."""
        return self._data.notes

    @property
    def extra(self) -> Mapping[str, Any]:
        """Side tables of a dataset."""
        return self._data.extra

    @property
    def _tables(self) -> Tables:
        return Tables(*(getattr(self, "_" + name) for name in _ARRAYS))

    @property
    def _accounts(self) -> Accounts:
        return world_balance.accounts(self._tables)

    @property
    def flows(self) -> pd.DataFrame:
        """Flows above zero: exporter importer product value tariff, and export_tax where any."""
        return self._data.to_frame()

    @property
    def income(self) -> pd.DataFrame:
        """Income and spending by country.

        Returns
        -------
        DataFrame
            Index country; income (final spending), labour_income (value added), rents,
            tariff_revenue, export_tax_revenue, deficit (income is the sum of these five), exports
            and imports at border prices without home sales, all in `value_unit`.
        """
        return world_frames.income(self)

    @property
    def industries(self) -> pd.DataFrame:
        """Production and spending by country and product.

        Returns
        -------
        DataFrame
            country product output (producer revenue) value_added_share (of cost) expenditure
            (purchases, duty included) final_share (of final spending).
        """
        return world_frames.industries(self)

    @property
    def inputs(self) -> pd.DataFrame:
        """Input use: country input user input_share (of the user's cost), zeros left out."""
        return world_frames.inputs(self)

    @property
    def parameters(self) -> pd.DataFrame:
        """Index product: theta, substitution (theta + 1), rent_share (of revenue), scale."""
        return world_frames.parameters(self)

    def check(self) -> pd.DataFrame:
        """Check every identity and sign.

        Returns
        -------
        DataFrame
            check, value (the largest violation, or the least or largest number), tolerance, ok,
            where (labels of the worst place, or of the first five).  All values are pure numbers.
            Rows that are not ok are worth a look; under ``balance="raise"`` identities always hold.
            No table tells whether exporter and importer are transposed: the last row names a flow
            to compare with what you know.
        """
        rows = world_checks.checks(
            self._tables, self._final_share, self._deficit, self.countries, self.products
        )
        frame = pd.DataFrame([*self._checks, *rows], columns=list(Check._fields))
        frame.attrs["unit"] = {"value": "pure number", "tolerance": "pure number"}
        return frame

    @property
    def report(self) -> pd.DataFrame:
        """What reading and balancing changed: item, value, unit, where; empty where nothing."""
        return pd.DataFrame(list(self._report), columns=["item", "value", "unit", "where"])

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

    # ---- how it looks -------------------------------------------------------------------------

    def summary(self) -> pd.DataFrame:
        """Give the small table that stands for the world: index item, column value (text)."""
        return world_frames.summary(self)

    def _heading(self) -> str:
        return " ".join(str(x) for x in ("World", self.year or "", self.source) if x)

    def __repr__(self) -> str:
        body = self.summary()["value"]
        lines = [f"{item:<26}{text}" for item, text in body.items()]
        return "\n".join([self._heading(), *lines, *(f"note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        heading = f"<p><b>{html.escape(self._heading())}</b></p>"
        return heading + self.summary().to_html(header=False) + notes


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
    tables = Tables(*(parts[name] for name in _ARRAYS))
    return World._build(data=_flows(tables, countries, products, Meta(**meta)), **parts)
