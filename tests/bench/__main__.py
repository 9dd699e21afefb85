"""Benchmarks of the engines and of games: ``python -m tests.bench [--quick] [--only PART ...]``.

Prints ratios taken in one run: to a vectorised NumPy twin with the same algorithm, to the limits
of the machine measured in place, and between threads. Absolute milliseconds are shown for
orientation; on another machine, or a busy one, only the ratios mean something.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import os
import statistics
import time
from functools import partial

import numpy as np

from tests.bench import (
    bench_controls,
    bench_game,
    bench_ge,
    bench_kernel,
    bench_schedule,
    machine,
    world,
)
from tests.bench.machine import measure, measure_together

PARTS = ("us", "kernel", "controls", "ge", "game", "schedule")
PARTS += ("sort", "frame", "memory", "import")
QUICK_PRODUCTS = 150
TWIN_MARKETS = 400

# Milliseconds asked of the kernel on two threads: (shock, sigma) -> goal.
KERNEL_GOALS = {
    ("one flow a market", "common"): 115,
    ("30 % of flows", "common"): 135,
    ("one flow a market", "by destination"): 200,
    ("30 % of flows", "by destination"): 230,
}
TWIN_GOALS = {"common": 8.0, "by destination": 5.0}


class Table:
    """Rows of (what, goal, reached, limit), printed together at the end."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str, str]] = []

    def add(self, what: str, goal: str, reached: str, limit: str = "") -> None:
        self.rows.append((what, goal, reached, limit))

    def text(self) -> str:
        head = ("what", "goal", "reached", "limit, in this run")
        width = [max(len(row[k]) for row in [head, *self.rows]) for k in range(4)]
        lines = [
            "  ".join(cell.ljust(w) for cell, w in zip(row, width, strict=True)).rstrip()
            for row in [head, tuple("-" * w for w in width), *self.rows]
        ]
        return "\n".join(lines)


def ms(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms" if seconds >= 0.0095 else f"{seconds * 1e3:.1f} ms"


def run_us(table: Table, repeat: int) -> None:
    from tests.bench.bench_frames import USSuite

    suite = USSuite()
    suite.setup()
    for name, call in (
        ("US frame to answer, supply inf", suite.time_answer),
        ("US frame to answer, supply 20", suite.time_answer_finite_supply),
    ):
        took = measure(call, repeat)
        table.add(name, "300 ms", f"{ms(took.best)} (median {ms(took.median)})")


def run_kernel(table: Table, big: world.BigWorld, found: machine.Limits, repeat: int) -> None:
    suite = bench_kernel.KernelSuite(big)
    twin = bench_kernel.TwinSuite(big, TWIN_MARKETS)
    full = len(big.target) == world.PRODUCTS
    for sigma, shock in itertools.product(bench_kernel.SIGMAS, world.SHOCKS):
        suite.setup(shock, sigma)
        calls = {f"{k}": partial(suite.time_solve, shock, sigma, k) for k in (1, 2)}
        if shock != "none":
            twin.setup(shock, sigma)
            calls["twin"] = twin.time_solve
        took = measure_together(calls, repeat)
        one, two = took["1"], took["2"]
        status, iterations = one.result[3], one.result[5]
        assert not status.any(), "the kernel failed in a market"
        for a, b in zip(one.result, two.result, strict=True):
            assert np.array_equal(a, b), "threads disagree"
        what = f"kernel, sigma {sigma}, {shock}"
        print(
            f"{what}: {ms(one.best)} / {ms(two.best)} on 1 / 2 threads; sweeps "
            f"{sweeps_text(iterations)}"
        )
        if shock == "none":
            nothing = np.zeros(len(big.target), dtype=bool)
            copy = bench_kernel.memory_seconds(big, nothing, found)
            for threads, seconds in ((1, one.best), (2, two.best)):
                table.add(
                    f"{what}, threads: {threads}",
                    "1.3 x copy",
                    f"{seconds / copy:.2f} x",
                    f"copy {ms(copy)}; into fresh memory {ms(copy * found.copy / found.fresh)}",
                )
            continue
        goal = KERNEL_GOALS.get((shock, sigma)) if full else None
        floor = bench_kernel.floor_seconds(big, iterations, sigma, found)
        table.add(
            f"{what}, 2 threads",
            f"{goal} ms" if goal else "",
            ms(two.best),
            f"exp + visits + memory {ms(floor)} on 1 thread, {ms(floor / 2)} on 2",
        )
        table.add(f"{what}, 2 threads against 1", "1.8 x", f"{one.best / two.best:.2f} x", "2 x")
        slow = took["twin"]
        whole = slow.cpu * twin.scale
        table.add(
            f"{what}, against NumPy, 1 thread",
            f"{TWIN_GOALS[sigma]:.0f} x" if goal or not full else "",
            f"{whole / one.cpu:.1f} x",
        )
        mine = np.isin(
            np.repeat(np.arange(len(big.target)), np.diff(big.layout.exp_ptr)), twin.markets
        )
        gap = np.abs(one.result[0] - slow.result[0])[mine].max()
        print(
            f"  NumPy twin: {len(twin.markets)} markets in {ms(slow.cpu)}, times "
            f"{twin.scale:.1f} by flows = {ms(whole)} of processor time (kernel {ms(one.cpu)}); "
            f"sweeps {sweeps_text(slow.result[3][twin.markets])}; ln p differs by {gap:.1e} at most"
        )


def sweeps_text(count: np.ndarray) -> str:
    """Median, 99th percentile and largest number of sweeps."""
    numbers = " / ".join(f"{np.percentile(count, p):.0f}" for p in (50, 99, 100))
    return f"{numbers} (median, 99 %, most)"


def run_controls(table: Table, big: world.BigWorld, repeat: int) -> None:
    suite = bench_controls.ControlSuite(big)
    took = measure_together(
        {name: partial(suite.time_solve, name) for name in suite.controls}, repeat
    )
    base = took["none"]
    for name, goal in (("no quota", "1.02 x"), ("quotas", "1.3 x")):
        status, shadow = took[name].result[3], took[name].result[7]
        assert not status.any(), "the kernel failed in a market"
        assert (shadow > 0.0).all(), "a quota at half of the base quantity does not bind"
        table.add(
            f"kernel, {len(shadow)} markets under a quota, against none, 1 thread",
            goal,
            f"{took[name].cpu / base.cpu:.2f} x",
            f"of {len(status):,} markets; none in {ms(base.cpu)}",
        )
    face = bench_controls.FaceSuite(big)
    took = measure_together(
        {name: partial(face.time_answer, name) for name in face.scenarios}, repeat
    )
    limits = took["quotas"].result
    assert limits["binding"].any(), "no quota at half of the base quantity binds"
    table.add(
        f"scenario to welfare, {len(limits)} quotas against none, 1 thread",
        "1.3 x",
        f"{took['quotas'].cpu / took['none'].cpu:.2f} x",
        f"none in {ms(took['none'].cpu)}",
    )


def run_schedule(table: Table, repeat: int) -> None:
    suite = bench_schedule.ScheduleSuite()
    suite.setup()
    flows = bench_schedule.PRODUCTS * bench_schedule.PARTNERS
    took = measure(suite.time_rates, repeat)
    assert took.result.shape == (bench_schedule.DAYS, bench_schedule.PARTNERS, flows // 50)
    table.add(
        f"schedule, rates of {flows:,} flows on {bench_schedule.DAYS} days",
        ms(bench_schedule.SECONDS),
        f"{ms(took.cpu)} of processor time",
        "every rate on every day unlike the last",
    )
    took = measure(suite.time_effective, repeat)
    table.add(
        f"schedule, averages of {len(suite.us):,} flows on {bench_schedule.DAYS} days",
        ms(bench_schedule.SECONDS),
        f"{ms(took.cpu)} of processor time",
        "the calendar, on 12,500 tariff lines",
    )


def run_sort(table: Table, big: world.BigWorld, repeat: int) -> None:
    suite = bench_kernel.SortSuite(big)
    reference = None
    for order in suite.params[0]:
        suite.setup(order)
        took = measure(suite.time_sort, repeat)
        limit = ""
        if order == "random":
            key = (suite.keys[0].astype(np.int64) << 16) | suite.keys[1] << 8 | suite.keys[2]
            reference = measure(lambda key=key: np.argsort(key, kind="stable"), 1).best
            limit = f"NumPy argsort of one key {ms(reference)}"
        table.add(f"order of {len(big.value):,} rows, {order}", "", ms(took.best), limit)


def run_frame(table: Table, big: world.BigWorld, repeat: int) -> None:
    from tests.bench.bench_frames import FrameSuite

    suite = FrameSuite(big)
    full = len(big.target) == world.PRODUCTS
    goals = {"categorical": "2 s", "string": "8 s"} if full else {}
    for keys, order in itertools.product(*suite.params):
        suite.setup(keys, order)
        made = measure(suite.time_from_frame, repeat)
        made = made._replace(result=None)
        took = measure(suite.time_answer, repeat)
        took = took._replace(result=None)
        what = f"frame to results, {keys} keys, {order}"
        print(f"{what}: from_frame {ms(made.best)}, whole {ms(took.best)}")
        table.add(what, goals.get(keys, ""), f"{took.best:.2f} s", f"from_frame {made.best:.2f} s")
        suite.df = None
        gc.collect()


def run_memory(table: Table, products: int) -> None:
    found = json.loads(machine.child("-m", "tests.bench.memory", str(products)))
    columns = found.pop("columns")
    for name, size in found.items():
        table.add(
            f"peak extra memory, {name}",
            "3 x columns",
            f"{size / columns:.2f} x",
            f"value and tariff are {columns / 1e6:.0f} MB",
        )


def run_import(table: Table, repeat: int) -> None:
    base, ours = "import numpy, pandas", "import numpy, pandas, tradewar"
    calls = {code: partial(machine.child, "-c", code) for code in (base, ours)}
    for call in calls.values():
        call()  # compiled files are there and read
    clock: dict[str, list[float]] = {base: [], ours: []}
    cpu: dict[str, list[float]] = {base: [], ours: []}
    for _ in range(max(3, 2 * repeat)):
        for code, call in calls.items():
            begin, start = os.times(), time.perf_counter()
            call()
            end = os.times()
            clock[code].append(time.perf_counter() - start)
            cpu[code].append(
                end.children_user - begin.children_user + end.children_system
                - begin.children_system
            )  # fmt: skip
    added = min(clock[ours]) - min(clock[base])
    work = statistics.median(cpu[ours]) - statistics.median(cpu[base])
    table.add(
        "import tradewar after numpy, pandas",
        "100 ms",
        f"{ms(max(added, 0.0))} ({ms(max(work, 0.0))} of processor time)",
        f"numpy, pandas themselves {ms(min(clock[base]))}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small world, to see that it runs")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to run")
    parser.add_argument("--repeat", type=int, default=5, help="repeats; the best is used")
    options = parser.parse_args()
    repeat = 2 if options.quick else options.repeat
    products = QUICK_PRODUCTS if options.quick else world.PRODUCTS

    found = machine.limits()
    print("\n".join(machine.describe(found)))
    table = Table()
    if {"kernel", "controls", "sort", "frame"} & set(options.only):
        start = time.perf_counter()
        big = world.generate(products)
        size = np.diff(big.layout.market_ptr)
        print(
            f"world     {products:,} products, {size.sum():,} flows (largest market "
            f"{size.max():,}), seed {world.SEED}, made in {time.perf_counter() - start:.1f} s\n"
        )
    for part in options.only:
        if part == "us":
            run_us(table, repeat)
        elif part == "kernel":
            run_kernel(table, big, found, repeat)
        elif part == "controls":
            run_controls(table, big, repeat)
        elif part == "ge":
            bench_ge.run(table.add, repeat, quick=options.quick)
        elif part == "game":
            bench_game.run(table.add, repeat, quick=options.quick)
        elif part == "schedule":
            run_schedule(table, repeat)
        elif part == "sort":
            run_sort(table, big, repeat)
        elif part == "frame":
            run_frame(table, big, max(1, repeat // 2))
        elif part == "memory":
            run_memory(table, products)
        else:
            run_import(table, repeat)
    print(f"\nload at the end {', '.join(f'{x:.2f}' for x in os.getloadavg())}\n")
    print(table.text())
    if options.quick:
        print("\n--quick: a small world; its ratios are no evidence")


if __name__ == "__main__":
    main()
