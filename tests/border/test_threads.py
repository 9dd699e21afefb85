"""Two Python threads at once, any number of C threads, and a fork: always the same bits."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import tradewar as tw
from tests.border import worlds

FORK_TIMEOUT = 60.0
NUMBERS = ["value_new", "quantity_ratio", "producer_price_ratio", "buyer_price_ratio"]


@pytest.fixture(scope="module")
def trade() -> tw.TradeData:
    """Enough work for every thread to take part."""
    return worlds.data(countries=12, products=300)


def numbers(result: tw.PEResult) -> bytes:
    """Return the solved numbers, bit for bit."""
    return result.flows[NUMBERS].to_numpy(dtype=np.float64).tobytes()


@pytest.mark.filterwarnings("ignore::tradewar.LinearizationWarning")
@pytest.mark.parametrize("method", ["exact", "euler", "linear"])
def test_any_number_of_threads_gives_the_same_bits(trade, method):
    steps = {"steps": 10} if method == "euler" else {}
    first = numbers(worlds.solve(trade, method=method, threads=1, **steps))
    for threads in (2, 3, 4, None):
        assert numbers(worlds.solve(trade, method=method, threads=threads, **steps)) == first


def test_two_python_threads_at_once(trade):
    alone = numbers(worlds.solve(trade))
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda _: numbers(worlds.solve(trade, threads=2)), range(8)))
    assert results == [alone] * 8


@pytest.mark.native
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_fork_after_a_threaded_solve(trade):
    expected = numbers(worlds.solve(trade, threads=2))
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = int(numbers(worlds.solve(trade, threads=2)) != expected)
        finally:
            os._exit(status)
    deadline = time.monotonic() + FORK_TIMEOUT
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            assert os.waitstatus_to_exitcode(status) == 0
            return
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    pytest.fail("a solve in a forked child hangs")


def test_solve_in_another_process_by_pickle(trade):
    # What an executor of processes does with data, scenario and result.
    moved = pickle.loads(pickle.dumps(trade))
    assert numbers(worlds.solve(moved)) == numbers(worlds.solve(trade))


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2"])
def test_threads_are_a_positive_whole_number(threads):
    with pytest.raises((TypeError, ValueError), match="threads"):
        worlds.solve(threads=threads)
