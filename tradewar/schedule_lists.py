"""Product lists of a schedule: named sets of codes, rates by code, and the lines below a product.

A duty is written for tariff lines (HTS8, HS10) and a flow is known by HS6.  A schedule that knows
the lines of an importer works out the rate of every line and takes the plain mean over the lines of
a product: shares are counts of lines, as there are no import values by line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tradewar.codes import is_hs, suggest
from tradewar.errors import DataError, first_five

__all__ = ["Book", "ProductList", "Universe", "read_lists"]

KINDS = ("share", "rate")
MOST = 18  # digits that a number holds


@dataclass(frozen=True, slots=True, eq=False)
class ProductList:
    """A named list of codes, each with a number.

    Attributes
    ----------
    codes : str array, sorted
        HS codes of any length, or labels; the longest code that a line starts with counts.
    values : float64 array
        kind "share": share of the code that is on the list, 1.0 as a rule; kind "rate": a rate,
        fraction.
    kind : {"share", "rate"}
    source : str
    """

    codes: np.ndarray
    values: np.ndarray
    kind: str = "share"
    source: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        return ProductList, (self.codes, self.values, self.kind, self.source)


@dataclass(frozen=True, slots=True, eq=False)
class Universe:
    """Products asked for, and the lines that stand for them at one importer.

    Attributes
    ----------
    products : str array, shape (M,)
    lines : str array, shape (L,)
        Lines in the order of `products`; a product without lines is its own line.
    start : int array, shape (M + 1,)
        Lines of product m are start[m] to start[m + 1].
    number : int64 array, shape (L,), or None
        The lines as numbers, rising; None unless all have as many digits.
    """

    products: np.ndarray
    lines: np.ndarray
    start: np.ndarray
    number: np.ndarray | None = None

    def mean(self, rate: np.ndarray) -> np.ndarray:
        """Average over the lines of each product; last axis L -> M."""
        if len(self.lines) == len(self.products):
            return rate
        return np.add.reduceat(rate, self.start[:-1], axis=-1) / np.diff(self.start)


class Book:
    """All lists of a schedule and the lines of its importers; immutable, with a cache.

    Parameters
    ----------
    lists : mapping of name -> ProductList
    lines : mapping of importer -> str array, sorted
        Tariff lines, HS codes longer than six digits as a rule.
    """

    __slots__ = ("_cache", "lines", "lists")

    def __init__(
        self,
        lists: Mapping[str, ProductList] | None = None,
        lines: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        self.lists: dict[str, ProductList] = dict(lists or {})
        self.lines: dict[str, np.ndarray] = dict(lines or {})
        self._cache: dict[Any, Any] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return Book, (self.lists, self.lines)

    def merged(self, other: Book) -> Book:
        """Give the lists of both; one name for two different lists is an error."""
        for name, found in other.lists.items():
            mine = self.lists.get(name)
            if mine is not None and mine is not found and not _same(mine, found):
                raise DataError(f"two lists are called {name!r} and differ: rename one")
        return Book({**self.lists, **other.lists}, {**self.lines, **other.lines})

    def same(self, other: Book) -> bool:
        """Tell whether both hold the same lists and lines."""
        return (
            self.lists.keys() == other.lists.keys()
            and all(_same(item, other.lists[name]) for name, item in self.lists.items())
            and self.lines.keys() == other.lines.keys()
            and all(np.array_equal(codes, other.lines[key]) for key, codes in self.lines.items())
        )

    def universe(self, importer: str, products: Sequence[str]) -> Universe:
        """Find the lines below each product."""
        key = ("universe", importer, tuple(products))
        if key not in self._cache:
            if len(self._cache) > 400:
                self._cache.clear()
            self._cache[key] = _universe(
                np.asarray(products, dtype=str), self.lines.get(importer, np.empty(0, "U1"))
            )
        found: Universe = self._cache[key]
        return found

    def expand(self, name: str, universe: Universe, fill: float | None) -> np.ndarray:
        """Give a list's numbers on the lines of a universe.

        Parameters
        ----------
        name : str
        universe : Universe
        fill : float or None
            Where the list has no code; None: an error that names the products.
        """
        key = ("list", name, id(universe), fill)
        if key not in self._cache:
            values = match(self.lists[name].codes, self.lists[name].values, universe, name)
            missing = np.isnan(values)
            if missing.any():
                if fill is None:
                    named = first_five(universe.lines[missing].tolist())
                    raise DataError(
                        f"the rate table {name!r} has no rate for {int(missing.sum())} of "
                        f"{len(values)} lines ({named}); add them to the table, with 0.0 where "
                        "nothing is due, or leave them out of products="
                    )
                values[missing] = fill
            values.flags.writeable = False
            self._cache[key] = (universe, values)  # holds the universe, so that its id stays its
        result: np.ndarray = self._cache[key][1]
        return result

    def prefixes(self, tokens: tuple[str, ...], universe: Universe, where: str) -> np.ndarray:
        """Mark lines (1.0) that a set of prefixes or labels covers."""
        key = ("prefix", tokens, id(universe))
        if key not in self._cache:
            codes = np.array(sorted(tokens), dtype=str)
            values = match(codes, np.ones(len(codes)), universe, where)
            values = np.nan_to_num(values, nan=0.0)
            values.flags.writeable = False
            self._cache[key] = (universe, values)
        result: np.ndarray = self._cache[key][1]
        return result


def _same(a: ProductList, b: ProductList) -> bool:
    return (
        a.kind == b.kind and np.array_equal(a.codes, b.codes) and np.array_equal(a.values, b.values)
    )


def _universe(products: np.ndarray, lines: np.ndarray) -> Universe:
    """Attach to each product the lines that start with it."""
    if not len(lines):
        return Universe(products, products, np.arange(len(products) + 1))
    low = np.searchsorted(lines, products, side="left")
    high = np.searchsorted(lines, np.array([p + "~" for p in products.tolist()]), side="left")
    digits = np.array([is_hs(p) for p in products.tolist()], dtype=bool)
    count = np.where(digits, high - low, 0)
    own = count == 0
    size = np.where(own, 1, count)
    start = np.concatenate([[0], np.cumsum(size)])
    first = np.repeat(low, size) + np.arange(start[-1]) - np.repeat(start[:-1], size)
    width = max(lines.dtype.itemsize, products.dtype.itemsize) // 4
    out = lines[np.minimum(first, len(lines) - 1)].astype(f"U{width}")
    out[np.repeat(own, size)] = products[own]
    read = _numbers(out, width)
    even = read is not None and (read[1] == width).all() and (np.diff(read[0]) >= 0).all()
    return Universe(products, out, start, read[0] if read is not None and even else None)


def _numbers(codes: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Read codes of digits as numbers of `width` digits, with zeros at the end, and their lengths.

    None where a code is longer or holds anything but digits.
    """
    codes = np.ascontiguousarray(codes)
    given = codes.dtype.itemsize // 4
    sign = codes.view(np.uint32).reshape(len(codes), given).astype(np.int64) - ord("0")
    used = sign != -ord("0")  # behind the end there are zeros
    if given > width or width > MOST or not ((sign >= 0) & (sign <= 9))[used].all():
        return None
    power = 10 ** np.arange(width - 1, width - 1 - given, -1, dtype=np.int64)
    return np.where(used, sign, 0) @ power, used.sum(axis=1)


def match(codes: np.ndarray, values: np.ndarray, universe: Universe, what: str) -> np.ndarray:
    """Give each line the number of the longest code that it starts with, NaN where there is none.

    Raises
    ------
    DataError
        A code is finer than a line, so that the share of the line on the list is unknown.
    """
    lines = universe.lines
    found = np.full(len(lines), np.nan)
    if not len(codes):
        return found
    width = lines.dtype.itemsize // 4
    read = None if universe.number is None else _numbers(codes, width)
    if read is not None and universe.number is not None:
        low, length = read
        first = np.searchsorted(universe.number, low)
        after = np.searchsorted(universe.number, low + 10 ** (width - length))
        return _fill(found, first, after, length, values)
    digits, length = np.char.isdigit(codes), np.char.str_len(codes)
    line_digits, line_length = np.char.isdigit(lines), np.char.str_len(lines)
    order = None if (lines[1:] >= lines[:-1]).all() else np.argsort(lines, kind="stable")
    ordered = lines if order is None else lines[order]
    first = np.searchsorted(ordered, codes, side="left")
    equal = np.searchsorted(ordered, codes, side="right")
    below = np.searchsorted(ordered, np.char.add(codes, "~"), side="left")  # past all digits
    after = np.where(digits, below, equal)  # codes of digits are prefixes, others are labels
    out = _fill(found.copy(), first, after, length, values)
    found[slice(None) if order is None else order] = out
    if not line_digits.all():  # a prefix counts between digits alone
        by_prefix = ~line_digits & ~np.isin(lines, codes)
        found[by_prefix] = np.nan
    long = np.flatnonzero(digits & (length > line_length[line_digits].min(initial=99)))
    if long.size:
        place = np.searchsorted(codes, lines[line_digits], side="left")
        near = np.minimum(place, len(codes) - 1)
        short = lines[line_digits]
        finer = (np.char.str_len(codes[near]) > np.char.str_len(short)) & np.char.startswith(
            codes[near], short
        )
        finer &= place < len(codes)
        if finer.any():
            pairs = [
                f"{code} in {line}"
                for code, line in zip(codes[near][finer], short[finer], strict=True)
            ]
            raise DataError(
                f"{what}: {len(pairs)} codes are finer than the products ({first_five(pairs)}): "
                'what share they are is not known; give the tariff lines, lines={"USA": [...]}, '
                "or shares by product"
            )
    return found


def _fill(
    found: np.ndarray,
    first: np.ndarray,
    after: np.ndarray,
    length: np.ndarray,
    values: np.ndarray,
) -> np.ndarray:
    """Write each code's value on its range of lines; a longer code speaks after a shorter one."""
    for n in np.unique(length):
        some = np.flatnonzero((length == n) & (after > first))
        count = after[some] - first[some]
        at = np.repeat(first[some] - np.cumsum(count) + count, count) + np.arange(count.sum())
        found[at] = np.repeat(values[some], count)
    return found


def read_lists(given: Any) -> dict[str, ProductList]:
    """Read the lists that a user gives.

    Parameters
    ----------
    given : mapping of name -> list of codes, Series of numbers by code, or ProductList
        A list of codes and a Series called "share" are shares; a Series called "rate" holds rates.

    Raises
    ------
    DataError
        A name or code that cannot be, a share outside (0, 1], a rate that looks like a percent.
    """
    out: dict[str, ProductList] = {}
    if given is None:
        return out
    if not isinstance(given, Mapping):
        raise DataError(
            f"lists= is a {type(given).__name__}: give a mapping of names to lists of codes, or to "
            "Series of shares or rates by code"
        )
    for name, item in given.items():
        if not isinstance(name, str) or not name or name.isdigit() or set(name) & set(" ,;+"):
            raise DataError(f"lists: {name!r} is no name for a list: letters, digits, _ and -")
        out[name] = item if isinstance(item, ProductList) else _read_list(name, item)
    return out


def _read_list(name: str, item: Any) -> ProductList:
    kind = "share"
    if isinstance(item, pd.Series):
        if item.name not in (*KINDS, None):
            raise DataError(
                f"list {name!r}: the Series is called {item.name!r}"
                f"{suggest(str(item.name), KINDS)}; call it 'share' or 'rate'"
            )
        kind = str(item.name or "share")
        codes, numbers = list(item.index), [float(x) for x in item]
    elif isinstance(item, str) or not hasattr(item, "__iter__"):
        raise DataError(f"list {name!r} is {item!r}: give a list of codes or a Series by code")
    else:
        codes = list(item)
        numbers = [1.0] * len(codes)
    if not codes:
        raise DataError(f"list {name!r} is empty")
    for code in codes:
        if not isinstance(code, str) or not code.strip():
            raise DataError(
                f"list {name!r} holds {code!r}: codes are strings, an HS code loses its leading "
                "zero as a number"
            )
    values = np.array(numbers, dtype=np.float64)
    text = np.array(codes, dtype=str)
    order = np.argsort(text, kind="stable")
    text, values = text[order], values[order]
    twice = text[1:][text[1:] == text[:-1]]
    if twice.size:
        raise DataError(f"list {name!r} holds {str(twice[0])!r} twice")
    low, high = (0.0, 1.0) if kind == "share" else (-1.0, 5.0)
    bad = np.flatnonzero(~((values > low) | (values == 0.0)) | ~(values <= high))
    if bad.size:
        k = bad[0]
        meant = "a share lies between 0 and 1" if kind == "share" else "rates are fractions"
        raise DataError(
            f"list {name!r}: {str(text[k])!r} has {values[k]:g}: {meant}, 0.25 for 25 %"
        )
    text.flags.writeable = values.flags.writeable = False
    return ProductList(text, values, kind)
