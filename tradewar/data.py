"""TradeData: bilateral flows of products with their tariffs, checked and sorted once.

A market is one product.  Flows are kept sorted by (product, exporter, importer) together with the
layout that the solver walks, so that later calls start from contiguous arrays.  The result is the
same, bit for bit, whatever the row order of the table it came from.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from tradewar import _core, reading, reshape
from tradewar.errors import DataError
from tradewar.frames import Keys, Table, blocks, make_frame
from tradewar.records import DataReport, Layout, Meta, count
from tradewar.schema import units, with_units
from tradewar.selectors import check_selector, country_mask, product_mask

__all__ = ["DataReport", "Layout", "TradeData"]


class TradeData:
    """Flows of products between countries, with tariffs: the input of every product-level model.

    Made by `from_frame` or by a function of `tradewar.datasets`; immutable; pickles.

    Attributes
    ----------
    flows : DataFrame
        exporter importer product value tariff, and export_tax where given; see `to_frame`.
    countries, products : Index of str
        Sorted labels.
    value_unit, source, licence, tariff_date : str
    year : int or None
    units : mapping
        Unit of each column of `flows`.
    notes : tuple of str
        What was filled in, estimated or left out.
    report : DataReport
    default_elasticities : str or None
        Set used when a solver is given none; None for a user's own frame.
    extra : mapping
        Side tables of a dataset.

    Notes
    -----
    `value` is at the exporter's border price; buyers spend value x (1 + tariff), and the producer
    receives value / (1 + export_tax).  Rates are fractions.
    """

    __slots__ = (
        "_countries",
        "_export_tax",
        "_exporter",
        "_flags",
        "_importer",
        "_layout",
        "_meta",
        "_products",
        "_report",
        "_tariff",
        "_value",
    )
    _countries: pd.Index
    _products: pd.Index
    _exporter: np.ndarray  # int32, shape (F,), codes into _countries
    _importer: np.ndarray  # int32, shape (F,)
    _value: np.ndarray  # float64, shape (F,), value_unit
    _tariff: np.ndarray  # float64, shape (F,), fraction
    _export_tax: np.ndarray | None  # float64, shape (F,), fraction
    _flags: np.ndarray | None  # uint8, shape (F,), bits of records.FILLED, ESTIMATED, INTRA
    _layout: Layout
    _meta: Meta
    _report: DataReport | None

    def __init__(self) -> None:
        raise DataError("make it with TradeData.from_frame(df) or tradewar.datasets")

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"TradeData is immutable: cannot set {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"TradeData is immutable: cannot delete {name!r}")

    # ---- construction -------------------------------------------------------------------------

    @classmethod
    def from_frame(
        cls,
        df: Any,
        *,
        columns: Mapping[str, str] | None = None,
        value_unit: str = "USD",
        percent: bool = False,
        fill_tariff: float | None = None,
        source: str = "",
        licence: str = "",
        year: int | None = None,
        tariff_date: str = "",
        notes: tuple[str, ...] = (),
    ) -> TradeData:
        """Check a long frame of flows and make a TradeData of it.

        Parameters
        ----------
        df : pandas, polars or pyarrow table, or anything narwhals can wrap
            Columns exporter, importer, product (strings), value (at the exporter's border price,
            `value_unit`, >= 0), tariff (fraction of the value, > -1) and optionally export_tax
            (fraction of the producer price, > -1).  Other columns are ignored.  Never modified.
        columns : mapping, optional
            Names in `df` -> ours, e.g. ``{"i": "exporter", "j": "importer", "v": "value"}``.
        value_unit : str, default "USD"
            Unit of `value`; carried to every result.
        percent : bool, default False
            Whether the columns tariff and export_tax are in percent; they are divided by 100.
        fill_tariff : float, optional
            Rate, always a fraction, where the tariff is missing.  Without it a missing tariff is
            an error: unknown is not duty-free.
        source, licence, tariff_date : str
        year : int, optional
        notes : tuple of str
            Carried along and printed with results.

        Returns
        -------
        TradeData

        Raises
        ------
        DataError
            A column is missing, holds the wrong kind or NaN, negative or infinite values; an HS
            code is a number; a rate is <= -1, or above 5 without ``percent=True``; a row stands
            twice; a destination spends nothing.  Names the first five rows and how many there are.

        Warns
        -----
        DataWarning
            Exporter and importer look transposed; HS codes differ in length; with
            ``percent=True`` every rate is below 1 percent.

        Examples
        --------
        >>> import pandas as pd
        >>> df = pd.DataFrame(
        ...     [("CHN", "USA", "850440", 60.0, 0.25), ("MEX", "USA", "850440", 40.0, 0.0)],
        ...     columns=["exporter", "importer", "product", "value", "tariff"],
        ... )
        >>> data = TradeData.from_frame(df)
        >>> data.report.rows, data.report.one_destination, data.report.home_sales
        (2, True, False)
        """
        if not isinstance(value_unit, str) or not value_unit:
            raise DataError(f"value_unit={value_unit!r}: give a unit such as 'USD' or '1000 USD'")
        table = reading.flow_table(df, columns)
        got = reading.read_flows(table, percent=percent, fill_tariff=fill_tariff)
        if isinstance(notes, str):
            notes = (notes,)
        meta = Meta(
            value_unit=value_unit,
            source=source,
            licence=licence,
            year=year,
            tariff_date=tariff_date,
            notes=(*notes, *got.notes),
        )
        data, order = cls._sorted(got, meta, table)
        reading.check_spending(data, table, order)
        reading.warn_looks(data)
        return data

    @classmethod
    def _from_arrays(
        cls,
        *,
        exporter: np.ndarray,
        importer: np.ndarray,
        product: np.ndarray,
        value: np.ndarray,
        tariff: np.ndarray,
        countries: Any,
        products: Any,
        export_tax: np.ndarray | None = None,
        flags: np.ndarray | None = None,
        **meta: Any,
    ) -> TradeData:
        """Make a TradeData from codes into labels in any order; values are trusted.

        Labels that no flow uses are left out; `meta` are the fields of `Meta`.
        """
        got = reading.Flows(
            Keys(exporter, list(countries)),
            Keys(importer, list(countries)),
            Keys(product, list(products)),
            value,
            tariff,
            export_tax,
            flags,
        )
        return cls._sorted(got, Meta(**meta), None)[0]

    @classmethod
    def _sorted(
        cls, got: reading.Flows, meta: Meta, table: Table | None
    ) -> tuple[TradeData, np.ndarray | None]:
        """Sort checked columns; also give the permutation (None: they were sorted)."""
        countries, (exporter, importer) = reading.merge_labels(got.exporter, got.importer)
        products, (product,) = reading.merge_labels(got.product)
        order, duplicates, keys = _core.sort_flows(
            product, exporter, importer, len(products), len(countries)
        )

        def put(x: np.ndarray, dtype: Any) -> np.ndarray:
            if order is None:  # a copy: the user's memory may change later
                return np.array(x, dtype=dtype, order="C")
            return np.take(x, order, mode="clip").astype(dtype, copy=False)

        if keys is not None:
            product, exporter, importer = keys
            del keys
        if duplicates:
            raise reading.duplicate_error(
                table, order, (exporter, importer, product), countries, products
            )
        layout = Layout(
            *_core.flow_layout(product, exporter, importer, len(products), len(countries))
        )
        del product

        data = cls._build(
            countries=pd.Index(countries, dtype=str),
            products=pd.Index(products, dtype=str),
            exporter=_own(exporter, got.exporter),
            importer=_own(importer, got.importer),
            value=put(got.value, np.float64),
            tariff=put(got.tariff, np.float64),
            export_tax=None if got.export_tax is None else put(got.export_tax, np.float64),
            flags=None if got.flags is None else put(got.flags, np.uint8),
            layout=layout,
            meta=meta,
        )
        return data, order

    @classmethod
    def _build(cls, **parts: Any) -> TradeData:
        """Set the slots; the one place where arrays become read-only."""
        self = object.__new__(cls)
        for name, part in parts.items():
            if isinstance(part, np.ndarray):
                part.flags.writeable = False
            object.__setattr__(self, "_" + name, part)
        for part in self._layout:
            part.flags.writeable = False
        object.__setattr__(self, "_report", None)
        return self

    def _with(self, **parts: Any) -> TradeData:
        """Give a copy on the same rows with some parts replaced; the rest is shared."""
        kept = {name[1:]: getattr(self, name) for name in self.__slots__ if name != "_report"}
        return self._build(**{**kept, **parts})

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle codes and values; the layout is made again."""
        meta = {f.name: getattr(self._meta, f.name) for f in fields(Meta)}
        parts = {
            "exporter": self._exporter,
            "importer": self._importer,
            "product": self._product,
            "value": self._value,
            "tariff": self._tariff,
            "export_tax": self._export_tax,
            "flags": self._flags,
            "countries": list(self._countries),
            "products": list(self._products),
        }
        return _unpickle, ({**parts, **meta},)

    # ---- what it holds ------------------------------------------------------------------------

    @property
    def countries(self) -> pd.Index:
        """Countries that export or import, sorted."""
        return self._countries

    @property
    def products(self) -> pd.Index:
        """Products, sorted; one market each."""
        return self._products

    @property
    def value_unit(self) -> str:
        """Unit of all values."""
        return self._meta.value_unit

    @property
    def source(self) -> str:
        """Where the flows come from."""
        return self._meta.source

    @property
    def licence(self) -> str:
        """Licence of the source."""
        return self._meta.licence

    @property
    def year(self) -> int | None:
        """Year of the flows."""
        return self._meta.year

    @property
    def tariff_date(self) -> str:
        """Date the tariffs stood on."""
        return self._meta.tariff_date

    @property
    def notes(self) -> tuple[str, ...]:
        """What was filled in, estimated or left out."""
        return self._meta.notes

    @property
    def default_elasticities(self) -> str | None:
        """Name of the elasticity set used when a solver is given none."""
        return self._meta.default_elasticities

    @property
    def extra(self) -> Mapping[str, Any]:
        """Side tables of a dataset, such as what was held out."""
        return MappingProxyType(dict(self._meta.extra))

    @property
    def units(self) -> dict[str, str]:
        """Unit of each column of `flows`."""
        names = ["value", "tariff", *(["export_tax"] if self._export_tax is not None else [])]
        return units(names, self.value_unit)

    @property
    def _product(self) -> np.ndarray:
        """Market of each flow, int32, shape (F,)."""
        n = len(self._products)
        return np.repeat(np.arange(n, dtype=np.int32), np.diff(self._layout.market_ptr))

    @property
    def _exp_slot(self) -> np.ndarray:
        """Exporter slot of each flow, int64, shape (F,)."""
        n = len(self._layout.exp_code)
        return np.repeat(np.arange(n, dtype=np.int64), np.diff(self._layout.row_ptr))

    @property
    def _imp_slot(self) -> np.ndarray:
        """Importer slot of each flow, int64, shape (F,)."""
        first = np.repeat(self._layout.imp_ptr[:-1], np.diff(self._layout.market_ptr))
        first += self._layout.col
        return first

    @property
    def report(self) -> DataReport:
        """Count rows, zeros, destinations, home sales and what was filled in."""
        if self._report is None:
            object.__setattr__(self, "_report", count(self))
        assert self._report is not None
        return self._report

    def __len__(self) -> int:
        return len(self._value)

    @property
    def flows(self) -> pd.DataFrame:
        """The flows as a new pandas frame, sorted by product, exporter, importer."""
        return self.to_frame()

    def to_frame(self, backend: str = "pandas") -> Any:
        """Give the flows as a frame.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}

        Returns
        -------
        frame
            exporter importer product (strings), value (`value_unit`), tariff (fraction) and,
            where given, export_tax (fraction); sorted by product, exporter, importer.
            A pandas frame carries its units in ``.attrs["unit"]``.
        """
        numbers = {"value": self._value, "tariff": self._tariff}
        if self._export_tax is not None:
            numbers["export_tax"] = self._export_tax
        keys = {
            "exporter": (self._countries, self._exporter),
            "importer": (self._countries, self._importer),
            "product": (self._products, self._product),
        }
        frame = make_frame(keys, numbers, backend)
        return with_units(frame, self.value_unit) if backend == "pandas" else frame

    def __repr__(self) -> str:
        heading = " ".join(str(x) for x in ("TradeData", self.year or "", self.source) if x)
        notes = "".join(f"\nnote: {note}" for note in self.notes)
        return f"{heading}\n{self.report!r}{notes}"

    def _repr_html_(self) -> str:
        heading = " ".join(str(x) for x in ("TradeData", self.year or "", self.source) if x)
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        return f"<p><b>{html.escape(heading)}</b></p>{self.report._repr_html_()}{notes}"

    # ---- new data from old --------------------------------------------------------------------

    def subset(self, *, importer: Any = "*", exporter: Any = "*", product: Any = "*") -> TradeData:
        """Keep the flows that match all selectors.

        Parameters
        ----------
        importer, exporter, product : str or list of str, default "*"
            A label, a list, a group such as "EU", an HS prefix (product), or "*".  Home sales are
            kept where both sides match.

        Raises
        ------
        DataError
            A selector matches nothing, or no flow matches all of them, or a destination is left
            without spending.
        """
        masks = []
        for what, given, labels, find in (
            ("exporter", exporter, self._countries, country_mask),
            ("importer", importer, self._countries, country_mask),
            ("product", product, self._products, product_mask),
        ):
            selector = check_selector(given, what, DataError)
            masks.append(find(selector, list(labels), what, DataError))
        rows = self._find(masks[0][:, None] & masks[1], masks[2])
        if not rows.size:
            raise DataError(
                f"no flow matches exporter={exporter!r}, importer={importer!r}, "
                f"product={product!r} together"
            )
        return self._take(rows)

    def _find(self, pairs: np.ndarray, products: np.ndarray) -> np.ndarray:
        """Find the flows of marked country pairs and products, in order.

        Parameters
        ----------
        pairs : bool array, shape (exporter, importer)
        products : bool array, shape (M,)

        Returns
        -------
        int64 array of positions
        """
        layout = self._layout
        exporters, importers = np.logical_or.reduce(pairs, axis=1), np.logical_or.reduce(pairs)
        slots = exporters[layout.exp_code]
        if not products.all():
            slots &= np.repeat(products, np.diff(layout.exp_ptr))
        size = np.diff(layout.row_ptr)
        chosen = np.flatnonzero(slots)
        n_rows = int(size[chosen].sum())
        if n_rows > len(self) // 4:  # walk all flows
            keep = np.repeat(slots, size)
            if not importers.all():
                for block in blocks(len(self)):
                    keep[block] &= importers[self._importer[block]]
            rows = np.flatnonzero(keep)
        else:
            start, size = layout.row_ptr[chosen], size[chosen]
            rows = np.repeat(start - (np.cumsum(size) - size), size)
            rows += np.arange(n_rows)
        keep = np.empty(rows.size, dtype=bool)
        for block in blocks(rows.size):
            keep[block] = pairs[self._exporter[rows[block]], self._importer[rows[block]]]
        return rows if keep.all() else rows[keep]

    def _take(self, rows: np.ndarray, **extra_meta: Any) -> TradeData:
        """Keep the flows at `rows` (positions)."""

        def pick(x: np.ndarray | None) -> np.ndarray | None:
            return None if x is None else x[rows]

        got = reading.Flows(
            Keys(self._exporter[rows], self._countries.tolist()),
            Keys(self._importer[rows], self._countries.tolist()),
            Keys(self._product[rows], self._products.tolist()),
            self._value[rows],
            self._tariff[rows],
            pick(self._export_tax),
            pick(self._flags),
        )
        data, _ = self._sorted(got, replace(self._meta, **extra_meta), None)
        reading.check_spending(data, None, None)
        return data

    def aggregate(self, *, countries: Any = None, products: Any = None) -> TradeData:
        """Merge countries or products; values add up and duty stays what it was.

        Parameters
        ----------
        countries : mapping, Series or group name, optional
            Label -> new label; labels left out stay.  A group name such as "EU" merges its
            members into "EU27" or, where the group has no such label, into the group's name.
        products : mapping, Series or int, optional
            Label -> new label, or the number of digits that HS codes are cut to.

        Returns
        -------
        TradeData
            Tariffs are weighted by value (and export taxes by producer value), so that duty is
            conserved; a cell whose flows are all zero takes the plain mean.  Flows between merged
            countries become home sales of the aggregate and are counted in the report.

        Raises
        ------
        DataError
            A mapping names nothing that is present, or a code has fewer digits than asked for.

        Warns
        -----
        DataWarning
            Home sales arise where there were none: they hold trade between members only, and
            `demand` would then be read as the elasticity of total demand.
        """
        return reshape.aggregate(self, countries=countries, products=products)

    def with_home(self, *, share: Any) -> TradeData:
        """Add an estimated home good to every destination that has none.

        Parameters
        ----------
        share : float, Series or frame
            Share of the home good in what buyers spend, duty included (0 <= share < 1).  A Series
            has countries or products (or HS prefixes) as index; a frame the columns importer
            and/or product, and share.  Every destination must find one.

        Returns
        -------
        TradeData
            Home sales of value ``share / (1 - share)`` times spending on imports, at tariff 0,
            flagged as estimated in `report` and `notes`.

        Raises
        ------
        DataError
            Home sales are present already, a share is missing or outside [0, 1).

        Notes
        -----
        With a home good `demand` is the elasticity of total demand, and no longer of imports.
        """
        return reshape.with_home(self, share=share)

    def rebase(self, result: Any) -> TradeData:
        """Make the outcome of `result` the baseline: values, tariffs and export taxes after.

        Parameters
        ----------
        result : PEResult
            A result solved from this TradeData.

        Returns
        -------
        TradeData
            The same flows; those that were banned or shut out are zero.

        Raises
        ------
        DataError
            The result belongs to other data, holds NaN (a market that failed), or leaves a
            destination without spending.
        """
        return reshape.rebase(self, result)

    def _flow_name(self, flow: int) -> str:
        """Write a flow as 'CHN->USA 850440'."""
        market = int(np.searchsorted(self._layout.market_ptr, flow, side="right")) - 1
        exporter = self._countries[self._exporter[flow]]
        importer = self._countries[self._importer[flow]]
        return f"{exporter}->{importer} {self._products[market]}"


def _own(codes: np.ndarray, given: Keys) -> np.ndarray:
    """Copy codes that are still the user's memory."""
    return codes.copy() if np.shares_memory(codes, given.codes) else codes


def _unpickle(parts: dict[str, Any]) -> TradeData:
    aligned = {  # out-of-band buffers of a pickle may start anywhere
        name: np.require(part, requirements=["C", "A"]) if isinstance(part, np.ndarray) else part
        for name, part in parts.items()
    }
    return TradeData._from_arrays(**aligned)
