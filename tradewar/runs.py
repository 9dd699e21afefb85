"""Runs: the results of several scenarios on the same data, side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from tradewar.codes import suggest
from tradewar.errors import DataError, ScenarioError, first_five

__all__ = ["Runs"]


class Runs:
    """Results of `solve_many`, in the order of the scenarios; immutable, pickles.

    ``runs["name"]`` and ``runs[0]`` give a result; iteration gives results; ``len(runs)``.

    Parameters
    ----------
    results : iterable of results
        Each with a ``scenario``; scenarios have distinct names.

    Raises
    ------
    ScenarioError
        Two scenarios have the same name, so that one could not be told from the other.
    """

    __slots__ = ("_results",)
    _results: tuple[Any, ...]

    def __init__(self, results: Iterable[Any]) -> None:
        held = tuple(results)
        names = [result.scenario.name for result in held]
        twice = sorted(name for name, count in Counter(names).items() if count > 1)
        if twice:
            shown = first_five([repr(name) for name in twice])
            raise ScenarioError(f"several scenarios are named {shown}: give each its own name")
        object.__setattr__(self, "_results", held)

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse: runs are immutable."""
        raise AttributeError(f"Runs is immutable: cannot set {name!r}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by the results."""
        return type(self), (self._results,)

    @property
    def names(self) -> list[str]:
        """Names of the scenarios, in order."""
        return [result.scenario.name for result in self._results]

    def __len__(self) -> int:
        return len(self._results)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._results)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, key: str | int) -> Any:
        """Give the result of a scenario by name or position."""
        if isinstance(key, int):
            return self._results[key]
        names = self.names
        if key not in names:
            raise KeyError(f"no scenario {key!r}{suggest(str(key), names)}; there are {names}")
        return self._results[names.index(key)]

    def compare(self, column: str = "welfare_change") -> pd.DataFrame:
        """Put one column of `countries` side by side.

        Parameters
        ----------
        column : str, default "welfare_change"
            A column of each result's `countries`.

        Returns
        -------
        DataFrame, index country, one column per scenario
            In the column's own unit, which ``attrs["unit"]`` says.

        Raises
        ------
        DataError
            `countries` has no such column.
        """
        quick = [_series(result, column) for result in self._results]
        if quick and quick[0] is not None:
            table = pd.DataFrame(dict(zip(self.names, quick, strict=True)))
            table.index.name = "country"
            table.attrs = {"unit": quick[0].attrs["unit"]}
            return table
        frames = {result.scenario.name: result.countries for result in self._results}
        for frame in frames.values():
            if column not in frame.columns:
                known = ", ".join(frame.columns)
                raise DataError(
                    f"column={column!r} is not in countries{suggest(column, frame.columns)}; "
                    f"it has {known}"
                )
        table = pd.DataFrame({name: frame[column] for name, frame in frames.items()})
        table.index.name = "country"
        table.attrs = {"unit": next((f.attrs["unit"].get(column, "") for f in frames.values()), "")}
        return table

    def to_frame(self) -> pd.DataFrame:
        """Stack `countries` of all results into one long frame.

        Returns
        -------
        DataFrame
            scenario, country and the columns of `countries`, in their units
            (``attrs["unit"]``).
        """
        frames = []
        unit: dict[str, str] = {}
        for result in self._results:
            frame = result.countries
            unit |= frame.attrs["unit"]
            frame.attrs = {}
            frame = frame.reset_index()
            frame.insert(0, "scenario", result.scenario.name)
            frames.append(frame)
        table = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
        table.attrs["unit"] = unit
        return table

    def __repr__(self) -> str:
        if not self._results:
            return "Runs: none"
        table = self.compare() if hasattr(self._results[0], "countries") else self.names
        return f"Runs: {len(self)} scenarios, welfare_change\n{table}"

    def _repr_html_(self) -> str:
        return self.compare().to_html()


def _series(result: Any, column: str) -> pd.Series | None:
    """A column that a result gives without its whole table: welfare of an economy."""
    series = getattr(result, "welfare", None)
    return series if isinstance(series, pd.Series) and series.name == column else None
