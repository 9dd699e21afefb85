"""Schedule: dated measures as an immutable table, and the rates they stack to on any day."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pandas as pd

from tradewar import schedule_tables
from tradewar.codes import suggest
from tradewar.errors import DataError, first_five
from tradewar.frames import make_frame
from tradewar.schedule_edits import ScheduleEdits
from tradewar.schedule_lists import Book, read_lists
from tradewar.schedule_models import ScheduleModels
from tradewar.schedule_rates import Engine, in_force, known_on
from tradewar.schedule_reading import (
    DATES,
    HINDSIGHT,
    NEVER,
    as_day,
    doubt_exporter,
    is_rated,
    read_measures,
)
from tradewar.selectors import check_selector, country_mask
from tradewar.stacking import Parts, Rate, get_rule

if TYPE_CHECKING:
    from tradewar.schedule_plot import SchedulePlot

__all__ = ["Schedule"]

Rule = str | Callable[[Parts], Rate]

ENGINES = 4  # kept by a schedule: one for each imposer and list of products asked for


class Schedule(ScheduleEdits, ScheduleModels):
    """Dated measures: who imposes what on whom, from when to when, as far as was known.

    Made by `from_frame` or `tradewar.schedules.us_china`; immutable: every method gives a new one.

    Attributes
    ----------
    name : str
    imposers : tuple of str
        Countries with rates.
    targets : tuple of str
        Exporters that `rates` covers when none are asked for.
    products : tuple of str
        Products that `rates` covers when none are given and the importer's tariff lines are not
        known; else those of its lines.
    branches : tuple of str
        Branches that count; see `branch`.
    date : str
        Day the schedule was cut at by `as_of`, "" where it was not.

    Notes
    -----
    *Replacement.*  A row replaces the row of the same imposer, target, layer and scope, and no
    other, from its effective day on; of two such rows the one announced last counts.  When a
    temporary row expires, the row below it is back: a truce that lapses snaps back.

    *Targets.*  Within a layer, a row that names a country speaks before one that names a group,
    and that before WLD.

    *Overlap.*  Where scopes of one layer and rank overlap, the higher rate counts, not the sum.

    *Stacking.*  With b the MFN duty after preferences, R duties that yield to Section 232 (layers
    reciprocal..., s122...), M Section 232 duties (s232...) on the share k of the value, and every
    other layer adding: "exclusive" b + kM + (1-k)R + other (default), "max"
    b + k max(M, R) + (1-k)R + other, "additive" the plain sum.  A floor means
    R = max(0, floor - b).

    *Threats.*  Rows with a branch (instrument threat, or a branch named) count only in
    ``schedule.branch(name)``, where they are the last word.

    Examples
    --------
    >>> rows = pd.DataFrame(
    ...     [
    ...         ("USA", "WLD", "tariff", "mfn", 0.025, "2018-01-01"),
    ...         ("USA", "CHN", "tariff", "s301", 0.25, "2018-07-06"),
    ...         ("USA", "CHN", "tariff", "fentanyl", 0.10, "2025-02-04"),
    ...         ("USA", "CHN", "tariff", "fentanyl", 0.20, "2025-03-04"),
    ...     ],
    ...     columns=["imposer", "target", "instrument", "layer", "rate", "effective"],
    ... )
    >>> us = Schedule.from_frame(rows, products=["850440"])
    >>> us.rates(on="2025-03-03")["tariff"].round(4).tolist()
    [0.375]
    >>> us.rates(on="2025-03-04")["tariff"].round(4).tolist()
    [0.475]
    """

    __slots__ = ("_book", "_engines", "_table", "branches", "date", "name", "products", "targets")
    _table: pd.DataFrame
    _book: Book
    _engines: dict[Any, Engine]
    name: str
    products: tuple[str, ...]
    targets: tuple[str, ...]
    branches: tuple[str, ...]
    date: str

    def __init__(self) -> None:
        raise DataError("make it with Schedule.from_frame(df) or tradewar.schedules.us_china()")

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"Schedule is immutable: cannot set {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"Schedule is immutable: cannot delete {name!r}")

    @classmethod
    def from_frame(
        cls,
        df: Any,
        *,
        name: str = "schedule",
        percent: bool = False,
        lists: Mapping[str, Any] | Schedule | None = None,
        lines: Mapping[str, Sequence[str]] | None = None,
        products: Sequence[str] | None = None,
        targets: Sequence[str] | None = None,
    ) -> Schedule:
        """Check a table of measures and make a schedule of it.

        Parameters
        ----------
        df : pandas, polars or pyarrow table
            One row a measure.  Needed: imposer, target (a country, a group such as "EU", or
            "WLD"), instrument, effective.  Instruments that set rates, and then need a layer:
            tariff, floor (lifts the duty after preferences to this rate), preference (share of
            trade that does not pay the MFN duty), suspension, truce, removal (rate in their time),
            threat (counts in a branch).  Others (export_control, entity_list, note, ...) are kept
            as they are.  Further columns:

            layer, authority
                what a new row replaces; who ordered it.
            scope, exemptions
                "all" (default), HS prefixes, names of `lists`, or labels of products, separated by
                blanks or commas.
            rate, rate_table
                fraction, or the name of a list of rates by product.
            content
                covered-content share k of a Section 232 duty: a number, or a list; default 1.
            announced, effective, expires
                days, year-month-day; `expires` as announced, the first day without the measure.
                A blank `announced` counts as announced on the day it took effect.
            what, status, source, confidence, quantity, branch
                text; confidence is high, medium or low.
            ended, outcome, outcome_source, learnt
                what was learnt later, and when: `ended` is the day the measure really ceased.

        name : str
        percent : bool, default False
            Whether `rate` is in percent.
        lists : mapping or Schedule, optional
            Name -> list of codes, or Series by code called "share" or "rate".  A Schedule lends
            its lists, and its lines, products and targets where none are given.
        lines : mapping, optional
            Importer -> its tariff lines (HS8, HS10): rates of an HS6 product are the plain mean
            over its lines.
        products, targets : sequence of str, optional
            Products and exporters covered when `rates` is not told; by default the product
            labels of the scopes and lines, and the countries among the targets.

        Raises
        ------
        DataError
            Every mistake has one message that names row and value.

        Warns
        -----
        DataWarning
            Every rate is above 1.0; with ``percent=True``, every rate is below 1 percent.
        """
        by_line = {
            key: np.array(sorted(set(some)), dtype=str) for key, some in (lines or {}).items()
        }
        if isinstance(lists, Schedule):
            by_line = by_line if lines else lists._book.lines
            products = lists.products if products is None else products
            targets = lists.targets if targets is None else targets
            lists = lists._book.lists
        found = read_lists(lists)
        rates = [key for key, item in found.items() if item.kind == "rate"]
        shares = [key for key, item in found.items() if item.kind == "share"]
        table = read_measures(df, percent=percent, lists=shares, rates=rates)
        book = Book(found, by_line)
        universe = schedule_tables.own_products(table, book) if products is None else products
        named = schedule_tables.own_targets(table) if targets is None else targets
        return cls._build(
            table, book, name, tuple(sorted(set(universe))), tuple(sorted(set(named))), (), ""
        )

    @classmethod
    def _build(
        cls,
        table: pd.DataFrame,
        book: Book,
        name: str,
        products: tuple[str, ...],
        targets: tuple[str, ...],
        branches: tuple[str, ...],
        date: str,
    ) -> Schedule:
        """Set the slots; the table is ours from here on and never changed."""
        self = object.__new__(cls)
        for slot, part in (
            ("_table", table.reset_index(drop=True)),
            ("_book", book),
            ("name", name),
            ("products", products),
            ("targets", targets),
            ("branches", branches),
            ("date", date),
        ):
            object.__setattr__(self, slot, part)
        object.__setattr__(self, "_engines", {})
        return self

    def _with(self, **parts: Any) -> Schedule:
        names = ("table", "book", "name", "products", "targets", "branches", "date")
        mine = {
            name: getattr(self, f"_{name}" if name in ("table", "book") else name) for name in names
        }
        return self._build(**{**mine, **parts})

    def __reduce__(self) -> tuple[Any, ...]:
        return Schedule._build, (
            self._table,
            self._book,
            self.name,
            self.products,
            self.targets,
            self.branches,
            self.date,
        )

    # ---- what it holds ------------------------------------------------------------------------

    @property
    def imposers(self) -> tuple[str, ...]:
        """Countries with rates, sorted."""
        return tuple(sorted(set(self._table["imposer"][is_rated(self._table)])))

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers that set rates, sorted."""
        return tuple(sorted(set(self._table["layer"][is_rated(self._table)])))

    def __len__(self) -> int:
        return len(self._table)

    def to_frame(self) -> pd.DataFrame:
        """Give the measures as a new frame; ``from_frame(frame, lists=schedule)`` reads it back.

        Returns
        -------
        DataFrame
            imposer target instrument layer authority scope exemptions what rate (fraction)
            rate_table content quantity announced effective expires status source confidence
            branch, then what was learnt later: ended outcome outcome_source learnt.
        """
        frame = self._table.copy()
        frame.attrs["unit"] = {"rate": "fraction", "content": "fraction"}
        return frame

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Schedule):
            return NotImplemented
        mine, theirs = ((s.name, s.products, s.targets, s.branches, s.date) for s in (self, other))
        return mine == theirs and self._book.same(other._book) and self._table.equals(other._table)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        table = self._table
        cut = f", as known on {self.date}" if self.date else ""
        inside = f", branch {', '.join(self.branches)}" if self.branches else ""
        first, last = table["effective"].min(), table["effective"].max()
        lines = [
            f"Schedule {self.name!r}{cut}{inside}: {len(table)} measures, effective "
            f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
        ]
        rated = table[is_rated(table)]
        for imposer, mine in rated.groupby("imposer"):
            lines.append(f"  {imposer}: {', '.join(sorted(set(mine['layer'])))}")
        goods = {code[:6] for codes in self._book.lines.values() for code in codes.tolist()}
        count = len(goods | set(self.products))
        lines.append(f"  {count:,} products, {len(self.targets)} exporters")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        columns = ["effective", "imposer", "target", "layer", "scope", "rate", "authority"]
        table = self._table[columns].tail(12).to_html(na_rep="", border=0, index=False)
        return f"<pre>{html.escape(repr(self))}</pre>{table}"

    # ---- rates --------------------------------------------------------------------------------

    def rates(
        self,
        *,
        on: Any,
        rule: Rule = "exclusive",
        products: Sequence[str] | None = None,
        importer: Any = "*",
        exporter: Any = "*",
    ) -> pd.DataFrame:
        """Give the rate on each flow on a day.

        Parameters
        ----------
        on : date
        rule : {"exclusive", "additive", "max"} or callable, default "exclusive"
            How duties stack; a callable takes `tradewar.stacking.Parts`.
        products : sequence of str, optional
            Labels or HS codes; by default the schedule's own.  A product without tariff lines
            below it is its own line.
        importer, exporter : selector, default "*"
            Label, list or group.  An exporter that the schedule does not list may be named: rows
            for WLD and groups apply to it.

        Returns
        -------
        DataFrame
            importer exporter product (labels), tariff (fraction, the plain mean over the lines of
            the product); sorted by importer, exporter, product, without flows within a country.
            ``.attrs``: unit, rule, on.

        Raises
        ------
        DataError
            No date, an unknown rule or importer, a table of rates without a product.
        """
        day = as_day(on, "on")
        called, _ = get_rule(rule)
        frames = []
        for imposer in self._importers(importer):
            goods = self._goods(products, imposer)
            exporters = self._exporters(exporter, imposer)
            rates = self._array(imposer, exporters, goods, np.array([day]), rule)[0]
            codes = np.arange(len(exporters)).repeat(len(goods))
            keys = {
                "importer": (pd.Index([imposer], dtype=str), np.zeros(len(codes), int)),
                "exporter": (pd.Index(exporters, dtype=str), codes),
                "product": (
                    pd.Index(goods, dtype=str),
                    np.tile(np.arange(len(goods)), len(exporters)),
                ),
            }
            frames.append(make_frame(keys, {"tariff": np.concatenate(rates)}))
        frame = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
        frame.attrs = {"unit": {"tariff": "fraction"}, "rule": called, "on": str(day)[:10]}
        return frame

    def _array(
        self,
        imposer: str,
        exporters: Sequence[str],
        goods: Sequence[str],
        days: np.ndarray,
        rule: Rule,
    ) -> list[list[np.ndarray]]:
        """Give rates by day and exporter as arrays over products; equal ones are shared."""
        key = (imposer, tuple(goods), get_rule(rule)[1])
        engine = self._engines.pop(key, None)
        if engine is None:
            universe = self._book.universe(imposer, goods)
            engine = Engine(self._table, self._book, imposer, universe, key[2])
        for old in list(self._engines)[: 1 - ENGINES]:
            self._engines.pop(old, None)
        self._engines[key] = engine  # its rows over products serve every date
        return engine.rates(in_force(self._table, days, self.branches), exporters)

    def _goods(self, products: Sequence[str] | None, imposer: str) -> list[str]:
        if products is None:
            if imposer in self._book.lines:
                return sorted({line[:6] for line in self._book.lines[imposer].tolist()})
            if not self.products:
                raise DataError(
                    "the schedule knows no products: its scopes name none; give products="
                )
            return list(self.products)
        if isinstance(products, str):
            products = [products]
        goods = list(products)
        wrong = [good for good in goods if not isinstance(good, str) or not good]
        if wrong or not goods:
            raise DataError(
                f"products={first_five([repr(w) for w in wrong]) or '[]'}: give strings; an HS "
                "code loses its leading zero as a number"
            )
        return sorted(set(goods))

    def _importers(self, given: Any) -> list[str]:
        labels = list(self.imposers)
        if not labels:
            raise DataError("the schedule has no measure that sets a rate")
        mask = country_mask(
            check_selector(given, "importer", DataError), labels, "importer", DataError
        )
        return [label for label, wanted in zip(labels, mask, strict=True) if wanted]

    def _exporters(self, given: Any, imposer: str) -> list[str]:
        selector = check_selector(given, "exporter", DataError)
        named = [selector] if isinstance(selector, str) else list(selector)
        out: set[str] = set()
        for item in named:
            if item == "*":
                out |= set(self.targets)
                continue
            try:
                mask = country_mask(item, list(self.targets), "exporter", DataError)
                out |= {t for t, wanted in zip(self.targets, mask, strict=True) if wanted}
            except DataError:
                doubt_exporter(item, self.targets)
                out.add(item)
        exporters = sorted(out - {imposer})
        if not exporters:
            raise DataError(
                f"no exporter: exporter={given!r} leaves none besides the importer {imposer}; the "
                f"schedule lists {first_five(self.targets) or 'none'}; name one with exporter="
            )
        return exporters

    def parts(
        self, *, on: Any, importer: str, exporter: str, products: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Take the stack of one pair of countries apart, layer by layer.

        Returns
        -------
        DataFrame
            product, base (b, after preferences), one column for each layer that adds, reciprocal
            (R), and for each Section 232 duty its rate and its content share k (as ..._content);
            fractions, means over the lines of each product.  The stacked rate of a product with
            several lines is the mean of their stacks and not the stack of these means.
        """
        [imposer] = self._importers(importer)
        [seller] = self._exporters(exporter, imposer)
        goods = self._goods(products, imposer)
        return schedule_tables.parts(self, as_day(on, "on"), imposer, seller, goods)

    def effective(
        self,
        weights: Any,
        *,
        on: Any,
        rule: Rule = "exclusive",
        by: str = "exporter",
    ) -> pd.DataFrame:
        """Average rates with trade as weights.

        Parameters
        ----------
        weights : TradeData
            Flows; those of importers without measures are left out.  The average is over the
            whole value of a pair of countries, duty-free goods included.
        on : date or sequence of dates
        rule : as in `rates`
        by : {"exporter", "importer", "product"}, default "exporter"

        Returns
        -------
        DataFrame
            date importer, then exporter or product, value (unit of `weights`), tariff (fraction).

        Raises
        ------
        DataError
            No flow of `weights` has an importer with measures, or their value is zero.
        """
        return schedule_tables.effective(self, weights, on, rule, by)

    def diff(
        self,
        d0: Any,
        d1: Any,
        *,
        rule: Rule = "exclusive",
        products: Sequence[str] | None = None,
        importer: Any = "*",
        exporter: Any = "*",
    ) -> pd.DataFrame:
        """Give the flows whose rate differs between two days.

        Returns
        -------
        DataFrame
            importer exporter product tariff (on d0) tariff_new (on d1) tariff_change (fractions);
            unchanged flows are left out and counted in ``.attrs["unchanged"]``.
        """
        keys = {"rule": rule, "products": products, "importer": importer, "exporter": exporter}
        old, new = (self.rates(on=day, **keys) for day in (d0, d1))
        frame = old.assign(tariff_new=new["tariff"].to_numpy())
        frame["tariff_change"] = frame["tariff_new"] - frame["tariff"]
        moved = frame["tariff_change"] != 0
        out = frame[moved].reset_index(drop=True)
        unit = dict.fromkeys(("tariff", "tariff_new", "tariff_change"), "fraction")
        out.attrs = {"unit": unit, "rule": old.attrs["rule"], "unchanged": int((~moved).sum())}
        return out

    # ---- the calendar -------------------------------------------------------------------------

    def between(self, d0: Any, d1: Any) -> pd.DataFrame:
        """List what began or ended after d0 and up to d1, in order of days.

        Returns
        -------
        DataFrame
            date, event ("begins", "expires", "ended"), then the columns of `to_frame`.  A row that
            another replaces does not end here: the new row begins.
        """
        return schedule_tables.between(self._table, as_day(d0, "d0"), as_day(d1, "d1"))

    def timeline(
        self, *, weights: Any = None, start: Any = None, end: Any = None, rule: Rule = "exclusive"
    ) -> pd.DataFrame:
        """List the days on which a rate changed, with what did it.

        Parameters
        ----------
        weights : TradeData, optional
            With it, each row carries the average rate from that day on.
        start, end : date, optional
            First and last day.
        rule : as in `rates`

        Returns
        -------
        DataFrame
            date importer exporter event (the measures' authorities) and, with weights, tariff and
            tariff_change (fractions), one row for each day and pair of which a measure began,
            expired or ended.  `plot.timeline()` draws it.
        """
        return schedule_tables.timeline(self, weights, start, end, rule)

    def as_of(self, date: Any) -> Schedule:
        """Go back to what was known on a day.

        Rows announced later are gone, and so is what was learnt later of the others: ended,
        outcome, outcome_source and learnt are blank where `learnt` is later or not given.

        Parameters
        ----------
        date : date

        Raises
        ------
        DataError
            Nothing had been announced by then.
        """
        day = as_day(date, "date")
        table = self._table[known_on(self._table) <= day].copy()
        if not len(table):
            raise DataError(f"as_of({str(day)[:10]}): no measure had been announced by then")
        learnt = table["learnt"].to_numpy("datetime64[s]")
        later = ~(learnt <= day)
        for name in HINDSIGHT:
            table.loc[later, name] = NEVER if name in DATES else ""
        return self._with(table=table, date=str(day)[:10])

    def branch(self, *names: str) -> Schedule:
        """Let the rows of some branches count, as the last word on their keys.

        Parameters
        ----------
        *names : str
            Values of the column branch; a threat without one belongs to the branch "threat".

        Raises
        ------
        DataError
            No row has that branch.
        """
        there = sorted(set(self._table["branch"]) - {""})
        for name in names:
            if name not in there:
                known = ", ".join(there) or "none"
                raise DataError(
                    f"branch {name!r} is not known{suggest(str(name), there)}; there are: {known}"
                )
        return self._with(branches=tuple(dict.fromkeys((*self.branches, *names))))

    @property
    def plot(self) -> SchedulePlot:
        """Charts: ``plot.timeline()``."""
        from tradewar.schedule_plot import SchedulePlot

        return SchedulePlot(self)
