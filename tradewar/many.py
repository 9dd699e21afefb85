"""Many scenarios on the same baseline: `solve_many`, for both engines, here or on an executor."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from inspect import Parameter, signature
from itertools import pairwise
from typing import Any

from tradewar.codes import suggest
from tradewar.data import TradeData
from tradewar.errors import DataError, ScenarioError, first_five
from tradewar.ge import solve_batch, solve_ge, warn_failures
from tradewar.pe import solve_pe
from tradewar.running import bar
from tradewar.runs import Runs
from tradewar.scenario import Scenario
from tradewar.world import World

__all__ = ["solve_many"]

_OPTION = Parameter.KEYWORD_ONLY


def solve_many(
    data: TradeData | World,
    scenarios: Iterable[Scenario],
    *,
    executor: Any = None,
    progress: bool = False,
    **options: Any,
) -> Runs:
    """Solve several scenarios on the same baseline.

    Parameters
    ----------
    data : TradeData or World
        TradeData are solved by `solve_pe`, a World by `solve_ge`.
    scenarios : iterable of Scenario
        Names must differ.
    executor : object with ``submit``, optional
        A `concurrent.futures` executor or anything that looks like one (loky, dask.distributed,
        mpi4py); it is not shut down.  Scenarios go in one chunk per worker, so that the baseline
        is sent once to each, and each runs on one thread unless ``threads=`` says more.  None:
        flows are solved one scenario after the other on all threads, a world's scenarios in one
        call with threads over scenarios.
    progress : bool
        Show a progress bar (needs tqdm).
    **options
        As for `solve_pe` or `solve_ge`.

    Returns
    -------
    Runs
        ``runs["name"]``, ``runs.compare("welfare_change")``, ``runs.to_frame()``.

    Raises
    ------
    ScenarioError
        Two scenarios have the same name, or there is none.
    DataError
        `data` is neither, or `executor` cannot take work.
    TypeError
        The engine has no such option.
    """
    if not isinstance(data, TradeData | World):
        raise DataError(
            f"data is a {type(data).__name__}: give a TradeData or a World, such as "
            "tw.TradeData.from_frame(df)"
        )
    if isinstance(scenarios, Scenario):
        raise ScenarioError("scenarios is one Scenario: give a list, such as [scenario]")
    engine = solve_ge if isinstance(data, World) else solve_pe
    known = [name for name, item in signature(engine).parameters.items() if item.kind is _OPTION]
    for name in options:
        if name not in known:
            raise TypeError(
                f"{engine.__name__} has no option {name!r}{suggest(name, known)}; it has "
                f"{', '.join(known)}"
            )
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise DataError(
            f"executor is a {type(executor).__name__} without submit: give an executor such as "
            "concurrent.futures.ProcessPoolExecutor(), or None; threads= sets a number"
        )
    listed = list(scenarios)
    for scenario in listed:
        if not isinstance(scenario, Scenario):
            raise ScenarioError(
                f"a scenario is a {type(scenario).__name__}: start with tw.Scenario('name')"
            )
    names = [s.name for s in listed]
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise ScenarioError(f"scenario names must differ: {first_five(twice)} come twice")
    if not listed:
        raise ScenarioError("no scenario given")
    if executor is not None:
        solved: Iterable[Any] = _on_executor(executor, data, listed, options)
    elif isinstance(data, World):
        solved = solve_batch(data, listed, progress=progress, **options)
        progress = False
    else:
        solved = (solve_pe(data, s, **options) for s in listed)
    results = list(bar(solved, len(listed), "scenario") if progress else solved)
    if isinstance(data, World):
        warn_failures(results)
    return Runs(results)


def _chunk(data: TradeData | World, scenarios: Sequence[Scenario], options: dict[str, Any]) -> Any:
    """Solve part of the scenarios: the function that is sent to workers."""
    if isinstance(data, World):
        return solve_batch(data, list(scenarios), **options)
    return [solve_pe(data, scenario, **options) for scenario in scenarios]


def _on_executor(
    executor: Any, data: TradeData | World, scenarios: list[Scenario], options: dict[str, Any]
) -> Iterator[Any]:
    options = {"threads": 1, **options}
    parts = min(_workers(executor), len(scenarios))
    cuts = [k * len(scenarios) // parts for k in range(parts + 1)]
    submit: Callable[..., Any] = executor.submit
    futures = [
        submit(_chunk, data, tuple(scenarios[start:stop]), options)
        for start, stop in pairwise(cuts)
    ]
    shared: dict[str, Any] = {}  # one baseline for all results, and not one per chunk
    for future in futures:
        for result in future.result():
            if isinstance(data, TradeData):
                yield replace(result, data=data)
            elif result.closure.deficits == "purged":
                shared.setdefault("world", result.world)
                yield replace(result, world=shared["world"])
            else:
                yield replace(result, world=data)


def _workers(executor: Any) -> int:
    """Number of workers an executor says it has; the cores of this machine where it does not."""
    known = getattr(executor, "_max_workers", None)
    if isinstance(known, int) and known > 0:
        return known
    cores = getattr(executor, "ncores", None)  # dask.distributed
    if callable(cores):
        return max(1, len(cores()))
    return os.cpu_count() or 1
