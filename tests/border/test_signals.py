"""Ctrl-C ends a solve within 0.2 s, in one long market and in many short ones."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIMIT = 0.2  # seconds from the signal to the exception
TRIES = 3
LATE = 2.0  # a busy machine may wake a process late, once
TIMEOUT = 20.0

SCRIPT = """
import os, sys, time
import pandas as pd
import tradewar as tw
from tests.border import worlds

trade = tw.TradeData.from_frame(pd.concat([
    worlds.frame(countries=n, products=m).assign(product=lambda df: label + df["product"].str[1:])
    for label, n, m in {markets}
]))
worlds.solve(trade)
print("ready", flush=True)
try:
    worlds.solve(trade, method="euler", steps={steps}, threads={threads})
except KeyboardInterrupt:
    print("interrupted", time.monotonic(), flush=True)
    sys.stdout.flush()
    os._exit(0)
print("finished", flush=True)
"""


def seconds_to_stop(**solve: object) -> float:
    """Send SIGINT to a process in the middle of a solve; return how long it took to stop."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(**solve)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
    )
    try:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.3)  # well inside the solve
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        ready, _, _ = select.select([process.stdout], [], [], TIMEOUT)
        assert ready, f"still running {TIMEOUT} s after the signal"
        words = process.stdout.readline().split()
        assert words[:1] == ["interrupted"], words
        process.wait(TIMEOUT)
        return float(words[1]) - sent
    finally:
        process.kill()
        process.wait(TIMEOUT)
        process.stdout.close()


# (prefix of the products, countries, products); unequal markets leave one thread waiting, and
# these are large enough for a second thread to be worth while.
MARKETS = {
    "one": [("0", 150, 1)],
    "long after short": [("0", 3, 4), ("1", 150, 4)],
    "short after long": [("0", 150, 4), ("1", 3, 4)],
    "many": [("0", 12, 4_000)],
}


@pytest.mark.native
@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", MARKETS)
def test_interrupt(name, threads):
    steps = 2_000 if name == "many" else 1_000_000  # minutes, if nobody stopped it
    times = [
        seconds_to_stop(markets=MARKETS[name], steps=steps, threads=threads) for _ in range(TRIES)
    ]
    assert min(times) <= LIMIT
    assert max(times) <= LATE
