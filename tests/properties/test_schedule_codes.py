"""Codes on tariff lines: ranges of numbers, of sorted text, and a loop over all pairs agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tradewar.schedule_lists import Book, match

digits = st.text("0123", min_size=1, max_size=4)
labels = st.text("01ab", min_size=1, max_size=4)


def by_pairs(codes: np.ndarray, values: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """The longest code that a line starts with; labels that are no digits must be equal."""
    out = np.full(len(lines), np.nan)
    for k, line in enumerate(lines.tolist()):
        fits = [
            (len(code), value)
            for code, value in zip(codes.tolist(), values.tolist(), strict=True)
            if code == line or (code.isdigit() and line.isdigit() and line.startswith(code))
        ]
        if fits:
            out[k] = max(fits)[1]
    return out


@given(
    st.sets(digits, min_size=1),
    st.sets(st.text("0123", min_size=4, max_size=4), min_size=1),
)
def test_numbers_and_text_find_the_same_lines(codes, lines):
    """Lines of one length are numbers."""
    book = Book({}, {"USA": np.array(sorted(lines), dtype=str)})
    universe = book.universe("USA", sorted({line[:2] for line in lines}))
    assert universe.number is not None
    names = np.array(sorted(codes), dtype=str)
    values = np.arange(1.0, 1.0 + len(names))
    found = match(names, values, universe, "list")
    np.testing.assert_array_equal(found, match(names, values, replace(universe, number=None), ""))
    np.testing.assert_array_equal(found, by_pairs(names, values, universe.lines))


@given(st.sets(labels, min_size=1), st.sets(st.text("01ab", min_size=4, max_size=4), min_size=1))
def test_labels_match_whole(codes, lines):
    """A prefix counts between codes of digits alone."""
    universe = Book().universe("USA", sorted(lines))
    names = np.array(sorted(codes), dtype=str)
    values = np.arange(1.0, 1.0 + len(names))
    found = match(names, values, universe, "list")
    np.testing.assert_array_equal(found, by_pairs(names, values, universe.lines))
