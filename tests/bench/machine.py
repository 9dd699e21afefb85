"""What the machine can do right now: load, copy bandwidth, exponentials, multiply-adds."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from tradewar import _core

BIG = 12_000_000  # doubles; far beyond any second-level cache
IN_CACHE = 4_000  # doubles per array; within a first-level cache


class Times(NamedTuple):
    """Seconds: best and median by the clock, best of this thread's processor time; last value."""

    best: float
    median: float
    cpu: float
    result: object


def measure_together(calls: dict[str, Callable[[], object]], repeat: int = 5) -> dict[str, Times]:
    """Time several calls in turn, again and again, so that all meet the same noise.

    Noise only adds, so the best of the repeats goes into ratios. Processor time does not count
    what other processes take; it is that of the calling thread alone.
    """
    clock: dict[str, list[float]] = {name: [] for name in calls}
    cpu: dict[str, list[float]] = {name: [] for name in calls}
    result: dict[str, object] = {}
    for _ in range(repeat):
        for name, call in calls.items():
            result[name] = None  # the old result's memory is free before the next one is made
            begin, start = time.thread_time(), time.perf_counter()
            result[name] = call()
            clock[name].append(time.perf_counter() - start)
            cpu[name].append(time.thread_time() - begin)
    return {
        name: Times(min(clock[name]), statistics.median(clock[name]), min(cpu[name]), result[name])
        for name in calls
    }


def measure(call: Callable[[], object], repeat: int = 5) -> Times:
    """Time one call several times; see `measure_together`."""
    return measure_together({"": call}, repeat)[""]


class Limits(NamedTuple):
    """Measured in this run."""

    copy: float  # bytes read + written per second, one thread
    copy_two: float  # the same, two threads
    fresh: float  # the same into memory that was never touched, one thread
    exp: float  # seconds per exponential of the code path in use
    visit: float  # seconds per multiply-add with two operands in cache


def limits() -> Limits:
    """Measure the limits with calls that do nothing else."""
    src, dst = np.ones(BIG), np.ones(BIG)
    half = BIG // 2
    one = measure(lambda: np.copyto(dst, src), 7).best
    with ThreadPoolExecutor(2) as pool:

        def both():
            jobs = [
                pool.submit(np.copyto, dst[part], src[part])
                for part in (slice(0, half), slice(half, BIG))
            ]
            return [job.result() for job in jobs]

        two = measure(both, 7).best
    fresh = measure(src.copy, 7).best
    x = np.linspace(-1.0, 1.0, IN_CACHE)
    loops = 200

    def exponentials():
        for _ in range(loops):
            _core.vexp(-1, x)

    def dots():
        for _ in range(loops):
            np.dot(x, x)

    per = loops * IN_CACHE
    size = 2 * 8 * BIG
    return Limits(
        size / one,
        size / two,
        size / fresh,
        measure(exponentials, 5).best / per,
        measure(dots, 5).best / per,
    )


def describe(found: Limits) -> list[str]:
    """Lines for the head of the report."""
    load = ", ".join(f"{x:.2f}" for x in os.getloadavg())
    import pandas as pd

    return [
        f"machine   {platform.machine()}, {os.cpu_count()} cpus, {_cpu()}; load {load}",
        f"versions  python {platform.python_version()}, numpy {np.__version__}, "
        f"pandas {pd.__version__}, tradewar {_core.__version__}",
        f"code path {_core.levels[-1]} (built: {', '.join(_core.levels)})",
        f"limits    copy {found.copy / 1e9:.1f} GB/s on one thread, {found.copy_two / 1e9:.1f} on "
        f"two, {found.fresh / 1e9:.1f} into fresh memory; exp {found.exp * 1e9:.2f} ns; "
        f"multiply-add {found.visit * 1e9:.2f} ns",
    ]


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown cpu"


def child(*args: str) -> str:
    """Run a fresh interpreter from the project's root and return what it prints."""
    done = subprocess.run(
        [sys.executable, *args],
        capture_output=True,
        text=True,
        check=True,
        cwd=os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
    )
    return done.stdout


def peak_rss() -> int:
    """Highest resident size of this process so far, in bytes."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
