"""Read a table of measures: columns, instruments, and one clear message for every mistake.

`read_measures` gives a frame with our columns, dates as datetime64[s], rates as float64 and text as
str, "" where nothing was said.  Rows keep their order.
"""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tradewar.codes import AGGREGATES, COUNTRIES, suggest
from tradewar.errors import DataError, DataWarning, first_five

__all__ = ["COLUMNS", "HINDSIGHT", "RATED", "as_day", "doubt_exporter", "read_measures", "tokens"]

# What was known when the measure was announced, in the order of `to_frame`.
KNOWN = (
    "imposer",
    "target",
    "instrument",
    "layer",
    "authority",
    "scope",
    "exemptions",
    "what",
    "rate",
    "rate_table",
    "content",
    "quantity",
    "announced",
    "effective",
    "expires",
    "status",
    "source",
    "confidence",
    "branch",
)
# What was learnt later; rates use `ended` alone, and `as_of` blanks all four.
HINDSIGHT = ("ended", "outcome", "outcome_source", "learnt")
COLUMNS = (*KNOWN, *HINDSIGHT)
REQUIRED = ("imposer", "target", "instrument", "effective")
DATES = ("announced", "effective", "expires", "ended", "learnt")
# Instruments that set the rate of their layer; a suspension or truce without a layer is about
# something else than a rate.
RATED = ("tariff", "floor", "preference", "suspension", "truce", "threat", "removal")
PLAIN = (
    "export_control",
    "entity_list",
    "import_ban",
    "purchase_commitment",
    "purchase_shortfall",
    "investigation",
    "port_fee",
    "note",
)
CONFIDENCE = ("high", "medium", "low", "")
WORLD = "WLD"
PERCENT = 5.0  # a rate above this is taken for a percent
PREFIX_LENGTHS = (2, 4, 6, 8, 10, 11)
NEVER = np.datetime64("NaT", "s")


def as_day(value: Any, what: str) -> np.datetime64:
    """Read one date; text must be year-month-day.

    Raises
    ------
    DataError
        Not a date.
    """
    if isinstance(value, str):
        text = value.strip()
        try:
            if len(text) == 10 and text[4] == text[7] == "-":
                return np.datetime64(text, "D").astype("datetime64[s]")
        except ValueError:
            pass
        raise DataError(f"{what}={value!r} is no date: write year-month-day, such as 2025-10-25")
    try:
        stamp = pd.Timestamp(value)
    except (TypeError, ValueError):
        stamp = None
    if stamp is None or pd.isna(stamp) or isinstance(value, bool | int | float | np.number):
        raise DataError(f"{what}={value!r} is no date: write year-month-day, such as 2025-10-25")
    return np.datetime64(stamp.date(), "s")


def tokens(text: str) -> tuple[str, ...]:
    """Split a scope or a list of exemptions: codes and names between blanks, commas or +."""
    for mark in ",;+":
        text = text.replace(mark, " ")
    return tuple(text.split())


class _Rows:
    """The columns of the user's frame, as lists, and errors that name a row."""

    def __init__(self, df: Any) -> None:
        import narwhals.stable.v2 as nw

        try:
            frame = nw.from_native(df, eager_only=True)
        except TypeError:
            raise DataError(
                f"df is a {type(df).__name__}: give a pandas, polars or pyarrow table of measures"
            ) from None
        unknown = [name for name in frame.columns if name not in COLUMNS]
        if unknown:
            raise DataError(
                f"the table of measures has a column {unknown[0]!r}{suggest(unknown[0], COLUMNS)}; "
                f"known are {', '.join(COLUMNS)}"
            )
        missing = [name for name in REQUIRED if name not in frame.columns]
        if missing:
            raise DataError(
                f"the table of measures lacks the column {missing[0]!r}"
                f"; it has {', '.join(frame.columns)}"
            )
        if not len(frame):
            raise DataError("the table of measures has no rows")
        self.n = len(frame)
        self.cells = {name: frame[name].to_list() for name in frame.columns}
        self.index = list(df.index) if isinstance(df, pd.DataFrame) else list(range(self.n))

    def error(self, row: int, text: str) -> DataError:
        """Make an error about one row."""
        return DataError(f"row {self.index[row]} of the table of measures: {text}")

    def text(self, name: str) -> list[str]:
        """Read a column of text."""
        out = []
        for row, cell in enumerate(self.cells.get(name, [None] * self.n)):
            if _empty(cell):
                out.append("")
            elif isinstance(cell, str):
                out.append(cell.strip())
            elif name in ("scope", "exemptions"):
                raise self.error(
                    row,
                    f"{name}={cell!r} is a number: an HS code loses its leading zero as a number; "
                    "read the column as text, pd.read_csv(..., dtype=str)",
                )
            else:
                raise self.error(row, f"{name}={cell!r} is no text")
        return out

    def number(self, name: str) -> list[float]:
        """Read a column of numbers; numbers written as text count."""
        out = []
        for row, cell in enumerate(self.cells.get(name, [None] * self.n)):
            if _empty(cell):
                out.append(math.nan)
                continue
            number: Any = cell
            if isinstance(cell, str):
                try:
                    number = float(cell)
                except ValueError:
                    cure = "write 0.25 for 25 %, or 25 with percent=True"
                    raise self.error(row, f"{name}={cell!r} is no number: {cure}") from None
            if isinstance(number, bool) or not isinstance(number, numbers.Real):
                raise self.error(row, f"{name}={cell!r} is no number: write 0.25 for 25 %")
            if not math.isfinite(number):
                raise self.error(row, f"{name}={cell!r} is not finite")
            out.append(float(number))
        return out

    def date(self, name: str) -> list[np.datetime64]:
        """Read a column of dates."""
        out = []
        for row, cell in enumerate(self.cells.get(name, [None] * self.n)):
            try:
                out.append(NEVER if _empty(cell) else as_day(cell, name))
            except DataError as error:
                raise self.error(row, str(error)) from None
        return out


def _empty(cell: Any) -> bool:
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return True
    if isinstance(cell, float | np.floating):
        return math.isnan(cell)
    if isinstance(cell, np.datetime64):
        return bool(np.isnat(cell))
    return isinstance(cell, str) and not cell.strip()


def read_measures(df: Any, *, percent: bool, lists: Sequence[str], rates: Sequence[str]) -> Any:
    """Check a table of measures.

    Parameters
    ----------
    df : pandas, polars or pyarrow table
        Columns of COLUMNS; imposer, target, instrument and effective are needed.
    percent : bool
        Whether rates are in percent.
    lists, rates : sequences of str
        Names of the lists of shares and of rates.

    Returns
    -------
    DataFrame with all of COLUMNS
    """
    rows = _Rows(df)
    columns: dict[str, Any] = {}
    for name in COLUMNS:
        if name in DATES:
            columns[name] = np.array(rows.date(name), dtype="datetime64[s]")
        elif name == "rate":
            columns[name] = np.array(rows.number(name), dtype=np.float64)
        elif name == "content":
            columns[name] = _content(rows, lists)
        else:
            columns[name] = rows.text(name)
    if percent:
        columns["rate"] = columns["rate"] / 100.0
    table = pd.DataFrame({name: columns[name] for name in COLUMNS})
    for name in COLUMNS:
        if name not in DATES and name != "rate":
            table[name] = table[name].astype(str)
    for row, record in enumerate(table.to_dict("records")):
        _check_row(rows, row, record, percent, lists, rates)
    rated = is_rated(table)
    scope = table["scope"].to_numpy(dtype=object)
    table["scope"] = pd.Series(np.where(rated & (scope == ""), "all", scope), dtype=str)
    branch = table["branch"].to_numpy(dtype=object)
    threat = (table["instrument"] == "threat").to_numpy()
    table["branch"] = pd.Series(np.where(threat & (branch == ""), "threat", branch), dtype=str)
    _check_pairs(rows, table, rated)
    _check_looks(table, rated, percent)
    return table


def is_rated(table: pd.DataFrame) -> np.ndarray:
    """Mark rows that set a rate: a rated instrument with a layer."""
    return np.array(table["instrument"].isin(RATED) & (table["layer"] != ""), dtype=bool)


def _content(rows: _Rows, lists: Sequence[str]) -> list[str]:
    """Read covered-content shares: a number, or the name of a list, kept as text."""
    out = []
    for row, cell in enumerate(rows.cells.get("content", [None] * rows.n)):
        if _empty(cell):
            out.append("")
            continue
        text = cell.strip() if isinstance(cell, str) else repr(float(cell))
        if text in lists:
            out.append(text)
            continue
        try:
            share = float(text)
        except ValueError:
            raise rows.error(
                row,
                f"content={cell!r} is neither a share nor a list{suggest(text, lists)}; "
                "give lists=, a mapping or the schedule that the row comes from",
            ) from None
        if not 0 < share <= 1:
            raise rows.error(
                row, f"content={cell!r}: the covered share of the value lies between 0 and 1"
            )
        out.append(text)
    return out


def _check_row(
    rows: _Rows,
    row: int,
    record: dict[Any, Any],
    percent: bool,
    lists: Sequence[str],
    rates: Sequence[str],
) -> None:
    """Check what one row says."""
    for name in ("imposer", "target", "instrument"):
        if not record[name]:
            raise rows.error(row, f"no {name}")
    instrument, layer = record["instrument"], record["layer"]
    known = (*RATED, *PLAIN)
    if instrument not in known:
        raise rows.error(
            row,
            f"instrument={instrument!r} is not known{suggest(instrument, known)}; known are "
            f"{', '.join(known)}",
        )
    if record["imposer"] == WORLD:
        raise rows.error(row, "imposer='WLD': name the country that imposes it")
    if record["imposer"] == record["target"]:
        raise rows.error(row, f"imposer and target are both {record['target']!r}")
    if record["confidence"] not in CONFIDENCE:
        hint = suggest(record["confidence"], CONFIDENCE[:3])
        raise rows.error(
            row, f"confidence={record['confidence']!r}{hint}; write high, medium or low"
        )
    _check_dates(rows, row, record)
    rate, table = record["rate"], record["rate_table"]
    if instrument in ("tariff", "floor", "preference", "removal") and not layer:
        raise rows.error(
            row,
            f"no layer: a {instrument} replaces the row of the same imposer, target, layer and "
            "scope; name one, such as mfn, s301, fentanyl, reciprocal, s232_steel",
        )
    if not layer:
        return
    if instrument not in RATED:
        raise rows.error(row, f"layer={layer!r}: a {instrument} sets no rate; leave layer empty")
    if not math.isnan(rate) and table:
        raise rows.error(row, f"rate={rate:g} and rate_table={table!r}: give one of them")
    if math.isnan(rate) and not table:
        raise rows.error(
            row,
            f"a {instrument} in layer {layer!r} without a rate: give rate= or rate_table=, or "
            "instrument 'note' if it sets none",
        )
    if table and table not in rates:
        raise rows.error(
            row,
            f"rate_table={table!r} is no table of rates{suggest(table, rates)}; give it with "
            'lists={...}, a Series called "rate" by code',
        )
    if not math.isnan(rate):
        if not rate > -1:
            raise rows.error(row, f"rate={rate:g}: a rate must be > -1 (-100 %)")
        if rate > PERCENT:
            cure = "write 0.25 for 25 %" if percent else "write 0.25 for 25 %, or percent=True"
            raise rows.error(row, f"rate={rate:g} means {100 * rate:,.0f} %: {cure}")
        if instrument == "preference" and not 0 <= rate <= 1:
            raise rows.error(row, f"rate={rate:g}: the use of a preference lies between 0 and 1")
    _check_scope(rows, row, record, lists, rates)


def _check_dates(rows: _Rows, row: int, record: dict[str, Any]) -> None:
    if pd.isna(record["effective"]):
        raise rows.error(row, "effective is missing: a measure needs the day it takes effect")
    for name, later in (
        ("expires", "what was learnt later belongs into ended, outcome and learnt"),
        ("ended", "a measure that never took effect has ended = effective"),
    ):
        day = record[name]
        if pd.isna(day):
            continue
        early = day < record["effective"] or (name == "expires" and day == record["effective"])
        if early:
            raise rows.error(
                row,
                f"{name}={day:%Y-%m-%d} is before effective={record['effective']:%Y-%m-%d}: "
                f"{later}",
            )
    if not pd.isna(record["ended"]) and pd.isna(record["learnt"]):
        raise rows.error(
            row, f"ended={record['ended']:%Y-%m-%d} without learnt: say when it became known"
        )


def _check_scope(
    rows: _Rows, row: int, record: dict[str, Any], lists: Sequence[str], rates: Sequence[str]
) -> None:
    """Check codes of the scope and the exemptions; labels are checked when rates are asked for."""
    for name in ("scope", "exemptions"):
        words = tokens(record[name])
        if "all" in words and (name == "exemptions" or len(words) > 1):
            raise rows.error(row, f"{name}={record[name]!r}: 'all' stands alone, and only in scope")
        for word in words:
            if word in rates:
                raise rows.error(
                    row,
                    f"{name}={word!r} is a table of rates, not of products: rate_table={word!r}",
                )
            if word in lists or word == "all":
                continue
            if word.isdigit() and len(word) not in PREFIX_LENGTHS:
                raise rows.error(
                    row,
                    f"{name}={word!r} has {len(word)} digits: HS prefixes have 2, 4, 6, 8 or 10; "
                    "was a leading zero lost?",
                )


def _check_pairs(rows: _Rows, table: pd.DataFrame, rated: np.ndarray) -> None:
    """Refuse rows that say two things of one key on the same days."""
    columns = ["imposer", "target", "layer", "scope", "branch", "announced", "effective", "expires"]
    some = table[rated]
    twice = some.duplicated(columns, keep=False).to_numpy()
    if twice.any():
        group = some.groupby(columns, dropna=False, sort=False).ngroup().to_numpy()
        same = some[group == group[np.flatnonzero(twice)[0]]]
        first = same.iloc[0]
        names = " and ".join(str(rows.index[k]) for k in same.index[:5])
        rates = " and ".join(f"{rate:g}" for rate in same["rate"][:5])
        raise DataError(
            f"rows {names} of the table of measures: same imposer, target, layer and scope "
            f"({first['imposer']}, {first['target']}, {first['layer']}, {first['scope']}), same "
            f"announced, effective and expires, with rates {rates}: give each its own scope"
        )


def _check_looks(table: pd.DataFrame, rated: np.ndarray, percent: bool) -> None:
    rates = table["rate"].to_numpy()[rated & (table["instrument"] != "preference").to_numpy()]
    rates = rates[~np.isnan(rates) & (rates != 0)]
    if not rates.size:
        return
    if percent and (rates < 0.01).all():
        warnings.warn(
            "with percent=True every rate is below 1 percent: are they fractions already?",
            DataWarning,
            stacklevel=5,
        )
    if not percent and (rates > 1).all():
        rows = np.flatnonzero(rated & (table["rate"].to_numpy() > 1.0))
        big = [f"row {k}: {table['rate'].iloc[k]:g}" for k in rows]
        warnings.warn(
            f"every rate is above 1.0 (100 %) ({first_five(big)}): a percent taken for a "
            "fraction? Write 0.025 for 2.5 %, or percent=True",
            DataWarning,
            stacklevel=5,
        )


def doubt_exporter(exporter: str, targets: Sequence[str]) -> None:
    """Warn of a label that is neither a target nor a country: a typo takes the world's rate."""
    if exporter == WORLD:
        raise DataError("exporter='WLD': name an exporter, or '*' for all") from None
    if exporter not in COUNTRIES and exporter not in AGGREGATES:
        warnings.warn(
            f"exporter={exporter!r} is no target of the schedule and no country code"
            f"{suggest(exporter, targets)}; it gets the measures on all (WLD) alone",
            DataWarning,
            stacklevel=4,
        )
