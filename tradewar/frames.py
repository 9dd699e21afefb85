"""Read the columns of any data frame: keys as codes and labels, numbers as float64.

pandas, polars, pyarrow and everything else that narwhals understands come in column by column;
the frame itself is never converted, copied as a whole, or changed.  Every refusal names the first
five offending rows and how many there are.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from tradewar.codes import suggest
from tradewar.errors import DataError

if TYPE_CHECKING:
    import narwhals.stable.v2 as nw

N_SHOWN = 5  # rows named in an error
BLOCK = 1 << 16  # rows handled at a time where a temporary would leave the cache


class Keys(NamedTuple):
    """A key column: ``labels[codes]`` gives back the column; unused labels are allowed."""

    codes: np.ndarray
    labels: list[str]


class Table:
    """The columns of a frame under our names.

    Parameters
    ----------
    df : any frame that narwhals can wrap
        Lazy frames are collected after the columns were chosen.
    columns : mapping, optional
        Names in `df` -> our names; names left out stay as they are.
    required, optional : sequences of str
        Our names that must and that may be there.
    what : str
        How errors call the frame.

    Raises
    ------
    DataError
        `df` is no frame, has no rows, lacks a column, or has two columns for one name.
    """

    def __init__(
        self,
        df: Any,
        *,
        columns: Mapping[str, str] | None = None,
        required: Sequence[str],
        optional: Sequence[str] = (),
        what: str = "the frame",
    ) -> None:
        import narwhals.stable.v2 as nw

        try:
            frame = nw.from_native(df)
        except TypeError:
            raise DataError(
                f"{what} is a {type(df).__name__}: give a pandas, polars or pyarrow table"
            ) from None
        if isinstance(frame, nw.LazyFrame):
            names = frame.collect_schema().names()
        else:
            names = frame.columns
        self.what = what
        self.source = _match_columns(names, dict(columns or {}), required, optional, what)
        chosen = list(self.source.values())
        if isinstance(frame, nw.LazyFrame):
            frame = frame.select(chosen).collect()
        self.frame: nw.DataFrame[Any] = frame
        if len(self) == 0:
            raise DataError(f"{what} has no rows")
        self.index = df.index if isinstance(df, pd.DataFrame) else None

    def __len__(self) -> int:
        return len(self.frame)

    def __contains__(self, name: str) -> bool:
        return name in self.source

    def series(self, name: str) -> nw.Series[Any]:
        """Give the column called `name` as a narwhals series."""
        return self.frame[self.source[name]]

    def error(self, problem: str, rows: np.ndarray, cure: str, *names: str) -> DataError:
        """Make the error that names the first five of `rows` (positions) with their values.

        Parameters
        ----------
        problem : str
            What is wrong, without the count.
        rows : int array
            Positions of the offending rows.
        cure : str
            What the user can do.
        *names : str
            Columns to show; all columns read when none is given.
        """
        shown = [int(row) for row in rows[:N_SHOWN]]
        columns = [self.source[name] for name in (names or self.source)]
        values = self.frame[shown, columns].rows(named=True)
        lines = []
        for row, record in zip(shown, values, strict=True):
            place = row if self.index is None else self.index[row]
            text = " ".join(f"{key}={value!r}" for key, value in record.items())
            lines.append(f"  row {place!s}: {text}")
        if len(rows) > N_SHOWN:
            lines.append(f"  ... {len(rows) - N_SHOWN} more")
        plural = "row" if len(rows) == 1 else "rows"
        listing = "\n".join(lines)
        return DataError(f"{len(rows)} {plural} of {self.what}: {problem}\n{listing}\n{cure}")

    def keys(self, name: str, cure: str = "") -> Keys:
        """Read a key column; labels must be non-empty strings.

        Parameters
        ----------
        name : str
            Our name of the column.
        cure : str
            Appended to the error for a column of numbers.
        """
        import narwhals.stable.v2 as nw

        column = self.series(name)
        if column.dtype.is_numeric() or column.dtype == nw.Boolean:
            raise self._not_labels(name, cure)
        missing = column.is_null()
        if missing.any():
            raise self.error(
                f"no label in column {self.source[name]!r}",
                np.asarray(missing.arg_true().to_numpy()),
                "Drop those rows or give them a label.",
            )
        codes, labels = _encode(column)
        if not all(isinstance(label, str) for label in labels):
            raise self._not_labels(name, cure)
        blank = [k for k, label in enumerate(labels) if not label.strip()]
        if blank:
            rows = np.flatnonzero(np.isin(codes, blank))
            if rows.size:
                raise self.error(
                    f"an empty label in column {self.source[name]!r}",
                    rows,
                    "Drop those rows or give them a label.",
                )
        return Keys(codes, labels)

    def _not_labels(self, name: str, cure: str) -> DataError:
        column = self.series(name)
        return self.error(
            f"column {self.source[name]!r} holds {column.dtype} and not strings",
            np.arange(len(self)),
            cure or f"Turn it into strings first: df[{self.source[name]!r}].astype(str).",
        )

    def number(self, name: str) -> np.ndarray:
        """Read a column of numbers as float64, NaN where missing; may share memory with it."""
        import narwhals.stable.v2 as nw

        column = self.series(name)
        if column.dtype.is_numeric():
            if column.dtype.is_decimal():
                column = column.cast(nw.Float64)
            return np.ascontiguousarray(column.to_numpy(), dtype=np.float64)
        items = column.to_list()
        bad = [
            k
            for k, item in enumerate(items)
            if isinstance(item, bool) or not (item is None or isinstance(item, numbers.Real))
        ]
        if bad:
            raise self.error(
                f"column {self.source[name]!r} holds {column.dtype} and not numbers",
                np.asarray(bad),
                f"Turn it into numbers first: pd.to_numeric(df[{self.source[name]!r}]).",
            )
        return np.asarray([math.nan if item is None else item for item in items], np.float64)


def _match_columns(
    present: Sequence[str],
    columns: dict[str, str],
    required: Sequence[str],
    optional: Sequence[str],
    what: str,
) -> dict[str, str]:
    """Find the frame's column for each of our names."""
    known = [*required, *optional]
    for theirs, ours in columns.items():
        if theirs not in present:
            raise DataError(
                f"columns= names {theirs!r}, which {what} does not have"
                f"{suggest(theirs, present)}; it has {_listed(present)}"
            )
        if ours not in known:
            raise DataError(
                f"columns= maps {theirs!r} to {ours!r}{suggest(ours, known)}; "
                f"names are {_listed(known)}"
            )
    source: dict[str, str] = {}
    for name in known:
        found = [theirs for theirs, ours in columns.items() if ours == name]
        if name in present and name not in columns:
            found.append(name)
        if len(found) > 1:
            raise DataError(f"{what} has {_listed(found)} for {name!r}: rename or drop one")
        if found:
            source[name] = found[0]
    missing = [name for name in required if name not in source]
    if missing:
        hints = "".join(suggest(name, [c for c in present if c not in known]) for name in missing)
        raise DataError(
            f"{what} lacks {_listed(missing)}{hints}; it has {_listed(present)}. "
            'Rename columns with columns={"theirs": "ours"}.'
        )
    return source


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:12])
    return shown + (", ..." if len(names) > 12 else "")


def _encode(column: nw.Series[Any]) -> Keys:
    """Turn a column without missing values into integer codes and labels."""
    import narwhals.stable.v2 as nw

    native = column.to_native()
    if column.implementation.is_polars():
        if column.dtype in (nw.String, nw.Categorical, nw.Enum):
            labels = column.unique().cast(nw.String).to_list()
            coded = column.cast(nw.String).cast(nw.Enum(labels)).to_native()
            return Keys(coded.to_physical().to_numpy(), labels)
    elif column.implementation.is_pyarrow():
        chunks = native.dictionary_encode().unify_dictionaries().combine_chunks()
        if hasattr(chunks, "chunks"):  # several chunks, or none, stay chunked in old pyarrow
            chunks = chunks.chunk(0)
        return Keys(chunks.indices.to_numpy(zero_copy_only=False), chunks.dictionary.to_pylist())
    series = native if isinstance(native, pd.Series) else pd.Series(column.to_list())
    if isinstance(series.dtype, pd.CategoricalDtype):
        return Keys(series.cat.codes.to_numpy(), series.cat.categories.tolist())
    codes, found = pd.factorize(series)
    return Keys(codes, found.tolist())


def first_rows(rows: Sequence[str], total: int) -> str:
    """Write up to five ready-made lines, indented, and how many more there are."""
    lines = [f"  {row}" for row in rows[:N_SHOWN]]
    if total > N_SHOWN:
        lines.append(f"  ... {total - N_SHOWN} more")
    return "\n".join(lines)


def make_frame(
    keys: Mapping[str, tuple[pd.Index, np.ndarray]],
    numbers_: Mapping[str, np.ndarray],
    backend: str = "pandas",
) -> Any:
    """Make a frame of label columns, given as (labels, codes), and number columns.

    Parameters
    ----------
    keys : mapping of name -> (Index of str, int array)
    numbers_ : mapping of name -> array
        Copied.
    backend : {"pandas", "polars", "pyarrow"}
    """
    import narwhals.stable.v2 as nw

    if backend == "pandas":
        taken = {name: labels.take(codes) for name, (labels, codes) in keys.items()}
        return pd.DataFrame({**taken, **{name: x.copy() for name, x in numbers_.items()}})
    if backend not in ("polars", "pyarrow"):
        raise DataError(f"backend={backend!r}: give 'pandas', 'polars' or 'pyarrow'")
    kind: Literal["polars", "pyarrow"] = "polars" if backend == "polars" else "pyarrow"
    columns: dict[str, Any] = {}
    for name, (labels, codes) in keys.items():
        column = nw.new_series(name, list(labels), nw.String, backend=kind)
        columns[name] = column[codes.astype(np.int64)]
    for name, x in numbers_.items():
        columns[name] = nw.new_series(name, x, backend=kind)
    return nw.from_dict(columns, backend=kind).to_native()


def blocks(n: int) -> Iterator[slice]:
    """Cut n rows into slices whose temporaries stay in cache."""
    for start in range(0, n, BLOCK):
        yield slice(start, min(start + BLOCK, n))
