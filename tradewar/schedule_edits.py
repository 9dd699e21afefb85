"""Changes of a schedule: every method gives a new one, with rows added; the old rows stay."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd

from tradewar.codes import suggest
from tradewar.errors import DataError
from tradewar.schedule_lists import Book, read_lists
from tradewar.schedule_rates import in_force
from tradewar.schedule_reading import COLUMNS, NEVER, as_day, is_rated, read_measures

__all__ = ["ScheduleEdits"]

CHOOSABLE = ("imposer", "target", "layer", "scope", "authority")


class ScheduleEdits:
    """The part of `Schedule` that adds, suspends, resumes, removes and prolongs measures."""

    __slots__ = ()
    _table: pd.DataFrame
    _book: Book
    branches: tuple[str, ...]

    def _with(self, **parts: Any) -> Self:
        raise NotImplementedError

    def add(self, df: Any, *, percent: bool = False, lists: Any = None) -> Self:
        """Append measures; a row replaces the row of its key and no other.

        Parameters
        ----------
        df : pandas, polars or pyarrow table
            As in `from_frame`.
        percent : bool, default False
        lists : mapping, optional
            New lists.
        """
        book = self._book.merged(Book(read_lists(lists)))
        both = pd.concat([self._table, _checked(df, percent, book)], ignore_index=True)
        return self._with(table=_checked(both, False, book), book=book)

    def suspend(
        self, *, on: Any, until: Any = None, announced: Any = None, source: str = "", **where: str
    ) -> Self:
        """Set the rates of some measures to zero for a time.

        Parameters
        ----------
        on : date
            First day without the rates.
        until : date, optional
            Day on which they are back; never, if left out.
        announced : date, optional
            Default: `on`.
        source : str
        **where : str
            imposer, target, layer, scope, authority: the measures meant, those that match all.

        Returns
        -------
        Schedule
            With one more row for each key; the old rows stay.
        """
        return self._more("suspension", where, on, until, announced, source, None)

    def resume(self, *, on: Any, **where: str) -> Self:
        """End suspensions and truces in force: the rows below them are back from that day.

        Parameters
        ----------
        on : date
        **where : str
            As in `suspend`.
        """
        day = as_day(on, "on")
        chosen = choose(self._table, where)
        active = in_force(self._table, np.array([day]), self.branches)[0]
        chosen &= active & self._table["instrument"].isin(["suspension", "truce"]).to_numpy()
        if not chosen.any():
            raise DataError(f"resume: no suspension or truce of these is in force on {on}")
        table = self._table.copy()
        table.loc[chosen, ["ended", "learnt"]] = day
        return self._with(table=table)

    def remove(self, *, on: Any, announced: Any = None, source: str = "", **where: str) -> Self:
        """Lift measures for good from a day on; what was before stays as it was.

        Parameters as in `suspend`.
        """
        return self._more("removal", where, on, None, announced, source, None)

    def extend(self, *, until: Any, announced: Any = None, source: str = "", **where: str) -> Self:
        """Prolong measures that expire: one more row with the same rate, up to a later day.

        Parameters
        ----------
        until : date
            New day of expiry.
        announced : date, optional
            Default: the day the old row expires.
        source, **where : as in `suspend`

        Raises
        ------
        DataError
            No measure of these expires, or `until` is not later.
        """
        return self._more("", where, None, until, announced, source, until)

    def _more(
        self,
        instrument: str,
        where: dict[str, str],
        on: Any,
        until: Any,
        announced: Any,
        source: str,
        prolong: Any,
    ) -> Self:
        rows = _more_rows(
            self._table, instrument, where, on, until, announced, source, prolong is not None
        )
        kinds = {name: self._table[name].dtype for name in rows.columns}
        both = pd.concat([self._table, rows.astype(kinds)], ignore_index=True)
        return self._with(table=_checked(both, False, self._book))


def _checked(df: Any, percent: bool, book: Book) -> pd.DataFrame:
    rates = [name for name, item in book.lists.items() if item.kind == "rate"]
    shares = [name for name, item in book.lists.items() if item.kind == "share"]
    table: pd.DataFrame = read_measures(df, percent=percent, lists=shares, rates=rates)
    return table


def choose(table: pd.DataFrame, where: dict[str, str]) -> np.ndarray:
    """Mark the rows with rates that match all of `where`."""
    if not where:
        raise DataError(f"say which measures: {', '.join(f'{name}=' for name in CHOOSABLE)}")
    chosen = is_rated(table)
    for name, value in where.items():
        if name not in CHOOSABLE:
            raise DataError(
                f"{name}= is not known{suggest(name, CHOOSABLE)}; measures are chosen by "
                f"{', '.join(CHOOSABLE)}"
            )
        hit = (table[name] == value).to_numpy()
        if not hit.any():
            options = sorted(set(table[name]) - {""})
            raise DataError(f"no measure has {name}={value!r}{suggest(str(value), options)}")
        chosen &= hit
    if not chosen.any():
        given = ", ".join(f"{name}={value!r}" for name, value in where.items())
        raise DataError(f"no measure that sets a rate has {given} together")
    return chosen


def _more_rows(
    table: pd.DataFrame,
    instrument: str,
    where: dict[str, str],
    on: Any,
    until: Any,
    announced: Any,
    source: str,
    prolong: bool,
) -> pd.DataFrame:
    """Make the rows that suspend, remove or prolong measures: one for each key."""
    chosen = choose(table, where)
    last = NEVER if until is None else as_day(until, "until")
    keys = ["imposer", "target", "layer", "scope", "branch"]
    rows = table[chosen]
    if prolong:
        rows = rows[rows["expires"].notna()].sort_values("expires", kind="stable")
        rows = rows.drop_duplicates(keys, keep="last")
        if not len(rows):
            raise DataError("extend: none of these measures expires")
        late = rows[rows["expires"] >= last]
        if len(late):
            k = late.index[0]
            raise DataError(
                f"extend: until={until!r} is not after {late.loc[k, 'expires']:%Y-%m-%d}, when "
                f"row {k} expires"
            )
        first = rows["expires"].to_numpy("datetime64[s]")
    else:
        day = as_day(on, "on")
        rows = rows[rows["effective"].to_numpy("datetime64[s]") <= day]
        rows = rows.drop_duplicates(keys, keep="last")
        if not len(rows):
            raise DataError(f"none of these measures has begun by on={on!r}")
        if not np.isnat(last) and last <= day:
            raise DataError(f"until={until!r} is not after on={on!r}")
        first = np.repeat(day, len(rows))
    told = first if announced is None else np.repeat(as_day(announced, "announced"), len(rows))
    new = rows.copy()
    new["effective"], new["expires"], new["announced"] = first, last, told
    new["ended"] = new["learnt"] = NEVER
    for name in ("outcome", "outcome_source", "status", "quantity"):
        new[name] = ""
    new["source"] = source
    if not prolong:
        new["instrument"], new["rate"] = instrument, 0.0
        for name in ("rate_table", "content", "exemptions", "authority"):
            new[name] = ""
    return new[list(COLUMNS)]
