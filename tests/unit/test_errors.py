"""errors.py: the family tree, the text of ConvergenceError, pickles."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from tradewar import errors
from tradewar.errors import ConvergenceError, TradewarError, first_five


@pytest.mark.parametrize(
    ("name", "also"),
    [
        ("DataError", ValueError),
        ("ScenarioError", ValueError),
        ("ConvergenceError", RuntimeError),
        ("NotIdentified", TradewarError),
    ],
)
def test_family(name, also):
    kind = getattr(errors, name)
    assert issubclass(kind, TradewarError)
    assert issubclass(kind, also)


def test_warnings_are_user_warnings():
    assert issubclass(errors.DataWarning, UserWarning)
    assert issubclass(errors.LinearizationWarning, UserWarning)


def test_convergence_error_says_where_and_how_far():
    error = ConvergenceError("TW_NOCONV", 500, 1.25e-3, 7, labels=["010121", "850440"])
    assert str(error) == (
        "no convergence at 010121, 850440: TW_NOCONV after 500 iterations, residual 0.00125"
    )
    assert error.labels == ("010121", "850440")
    assert error.last is None


def test_convergence_error_takes_another_message():
    assert str(ConvergenceError("x", 1, 0.5, -1, message="the text")) == "the text"


def test_convergence_error_pickles_with_its_last_iterate():
    error = ConvergenceError("TW_NOCONV", 3, 0.5, 1, np.arange(3.0), ("a",), "text")
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == "text"
    assert (again.status, again.iterations, again.residual, again.where) == ("TW_NOCONV", 3, 0.5, 1)
    assert again.last.tolist() == [0.0, 1.0, 2.0]
    assert again.labels == ("a",)


def test_first_five_counts_the_rest():
    assert first_five(["a"]) == "a"
    assert first_five(list("abcde")) == "a, b, c, d, e"
    assert first_five(list("abcdef")) == "a, b, c, d, e, ... (6 in all)"
