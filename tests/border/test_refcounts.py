"""Reference counts and memory stay flat over thousands of calls, good and bad."""

from __future__ import annotations

import gc
import sys
import tracemalloc

import numpy as np
import pytest

from tests.border import calls
from tradewar import _core

CALLS = 2_000
REPEATS = 100  # of each of the many refused calls
BLOCKS = 50  # objects that caches and the loop itself may keep; fewer than REPEATS
BYTES = 20_000

BAD = {}
for _name, _what, _arguments in calls.bad_calls():
    BAD.setdefault(_name, []).append(_arguments)


def counts(arguments: tuple) -> list[int]:
    """Return the reference counts of the arrays and tuples among the arguments."""
    arrays = [value for _, value in calls.leaves(arguments) if isinstance(value, np.ndarray)]
    tuples = [value for value in arguments if isinstance(value, tuple)]
    return [sys.getrefcount(value) for value in arrays + tuples]


def flat(function, repeats: int, arguments: list[tuple]) -> None:
    """Call in turn with all arguments and check that nothing is kept."""

    def run(times: int) -> None:
        for _ in range(times):
            for each in arguments:
                function(each)

    run(3)  # warm up
    gc.collect()
    before = [counts(each) for each in arguments]
    blocks = sys.getallocatedblocks()
    tracemalloc.start()
    run(3)
    start = tracemalloc.get_traced_memory()[0]
    run(repeats)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - start
    tracemalloc.stop()
    kept = sys.getallocatedblocks() - blocks
    assert [counts(each) for each in arguments] == before
    assert kept <= BLOCKS
    assert grown <= BYTES


@pytest.mark.native
@pytest.mark.parametrize("name", calls.VALID)
def test_good_calls(name):
    function = getattr(_core, name)
    flat(lambda arguments: function(*arguments), CALLS, [calls.VALID[name]()])


@pytest.mark.native
@pytest.mark.parametrize("name", calls.VALID)
def test_refused_calls(name):
    function = getattr(_core, name)

    def refused(arguments: tuple) -> None:
        try:
            function(*arguments)
        except (TypeError, ValueError, OverflowError):
            return
        raise AssertionError("accepted")

    flat(refused, max(REPEATS, CALLS // len(BAD[name])), BAD[name])


@pytest.mark.native
def test_markets_that_fail():
    arguments = calls.pe_solve()
    arguments[1][0][:6] = -1.0

    def solve(each: tuple) -> None:
        assert _core.pe_solve(*each)[3][0] != 0

    flat(solve, CALLS, [arguments])


@pytest.mark.native
@pytest.mark.parametrize("method", [calls.LINEAR, calls.EULER, calls.SMART])
def test_other_methods(method):
    flat(lambda each: _core.pe_solve(*each), CALLS, [calls.pe_solve(method)])
