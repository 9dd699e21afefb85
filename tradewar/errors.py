"""Exceptions and warnings raised by tradewar.

Every message says what is wrong, where (the first five rows, labels or values and how many there
are), and what to do about it.  This module imports nothing of the package.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = [
    "ConvergenceError",
    "DataError",
    "DataWarning",
    "LinearizationWarning",
    "NotIdentified",
    "ScenarioError",
    "TradewarError",
]


class TradewarError(Exception):
    """Base of every exception of the package."""


class DataError(TradewarError, ValueError):
    """A table, value or elasticity cannot be used; names the first five offending rows."""


class ScenarioError(TradewarError, ValueError):
    """A rule of a scenario is wrong, matches nothing, or leads to an impossible rate."""


class NotIdentified(TradewarError):
    """The data or the assumptions cannot tell the quantity asked for; it is not zero."""


class ConvergenceError(TradewarError, RuntimeError):
    """A solver stopped before it reached its tolerance.

    Parameters
    ----------
    status : str
        Name of the solver's status, for example ``"TW_NOCONV"``.
    iterations : int
        Iterations done.
    residual : float
        Size of the last residual, a pure number (the solver's docstring defines it).
    where : int
        Flat index of the worst equation, -1 where there is none.
    last : object, optional
        Last iterate, for inspection; not a solution.
    labels : sequence of str, optional
        What ``where`` stands for: markets, countries or products that failed.
    message : str, optional
        Text to show in place of the standard one.

    Attributes
    ----------
    status, iterations, residual, where, last, labels
        As given.
    """

    def __init__(
        self,
        status: str,
        iterations: int,
        residual: float,
        where: int,
        last: Any = None,
        labels: Sequence[str] = (),
        message: str | None = None,
    ) -> None:
        self.status = status
        self.iterations = iterations
        self.residual = residual
        self.where = where
        self.last = last
        self.labels = tuple(labels)
        self.message = message
        if message is None:
            named = f" at {first_five(self.labels)}" if self.labels else ""
            message = (
                f"no convergence{named}: {status} after {iterations} iterations, "
                f"residual {residual:.3g}"
            )
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by the constructor's arguments."""
        return type(self), (
            self.status,
            self.iterations,
            self.residual,
            self.where,
            self.last,
            self.labels,
            self.message,
        )


class LinearizationWarning(UserWarning):
    """A linear method gave an impossible number, such as a negative flow."""


class DataWarning(UserWarning):
    """A table can be used but looks wrong, or part of it was filled in."""


def first_five(labels: Sequence[object]) -> str:
    """Write the first five labels, comma separated, and how many there are if more.

    Examples
    --------
    >>> first_five(["a", "b"])
    'a, b'
    >>> first_five(range(7))
    '0, 1, 2, 3, 4, ... (7 in all)'
    """
    text = ", ".join(str(label) for label in labels[:5])
    return f"{text}, ... ({len(labels)} in all)" if len(labels) > 5 else text
