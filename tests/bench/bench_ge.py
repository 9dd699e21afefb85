"""General equilibrium: the core against NumPy twins, the adjoint against a solve, batches."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from tests import helpers_ge
from tests.bench.machine import Times, measure_together
from tests.reference import ge_twin_vector, ge_worlds
from tests.reference.ge_twin import Options, Shock, World
from tradewar import _core

# (countries, sectors): goal against NumPy with an exponential per flow, with K ready (0: none
# is set), and in milliseconds
SIZES = {
    (31, 40): (25.0, 8.0, 1.6),
    (7, 44): (0.0, 0.0, 0.25),
    (77, 45): (25.0, 5.0, 5.5),
    (141, 65): (0.0, 0.0, 50.0),
    (194, 1): (0.0, 0.0, 0.25),
}
QUICK_SIZES = ((31, 40), (7, 44), (40, 1))
BATCHES = ((7, 44), (27, 44))
SCENARIOS, QUICK_SCENARIOS = 1000, 50
TOL = 1e-10
POINTS = 0.5
SEED = 2015

Add = Callable[[str, str, str, str], None]


def make(size: tuple[int, int]) -> World:
    """Draw an economy without empty flows; one of a single sector uses no inputs (gravity)."""
    rng = np.random.default_rng((SEED, *size))
    inputs = size[1] > 1
    return ge_worlds.random_world(rng, *size, export_taxes=False, sparse=False, inputs=inputs)


class SolveSuite:
    """One country puts points on all its imports; the core and both makes of the NumPy twin."""

    params = (tuple(SIZES),)
    param_names = ("size",)

    def setup(self, size: tuple[int, int]) -> None:
        """Prepare the arguments outside the time taken."""
        w = make(size)
        tariff = w.tariff.copy()
        tariff[0, 1:] += POINTS
        self.world, self.tariff = w, tariff
        shock = Shock(tariff=tariff).filled(w, Options())
        self.loose = helpers_ge.world_tuple(w)
        self.arguments = (
            _core.ge_pack(self.loose),  # as a World keeps it
            helpers_ge.options_tuple(Options()),
            helpers_ge.changes_tuple(w, [shock]),
            *(None, None, None),
        )
        names = ge_twin_vector.Economy.__dataclass_fields__
        self.economy = ge_twin_vector.Economy(**{name: getattr(w, name) for name in names})

    def time_solve(self, *_, threads: int = 1, tol: float = TOL):
        """Solve from the baseline."""
        return _core.ge_solve(*self.arguments, None, tol, 1000, threads, -1, None)

    def time_first(self, *_):
        """Solve a world that is not packed yet."""
        return _core.ge_solve(self.loose, *self.arguments[1:], None, TOL, 1000, 1, -1, None)

    def time_twin(self, *_, packed: bool = True):
        """Solve with NumPy."""
        return ge_twin_vector.solve(self.economy, self.tariff, packed=packed, tol=TOL)

    def prepare_adjoint(self, solution: tuple) -> None:
        """Seed the welfare of the country that acts."""
        N = self.world.shape[0]
        one = np.zeros((1, N))
        one[0, 0] = 1.0
        self.adjoint = (solution[:5], (one, -one, None, None, None, None))

    def time_adjoint(self, *_):
        """Find the gradient of one welfare in all tariffs."""
        return _core.ge_gradient(*self.arguments, *self.adjoint, 1, 0, 0, TOL, 300, 1, -1)


class BatchSuite:
    """Many scenarios of one country's tariffs on another, sector by sector."""

    params = (BATCHES,)
    param_names = ("size",)

    def setup(self, size: tuple[int, int], count: int) -> None:
        """Draw rates for random pairs of countries."""
        w = make(size)
        rng = np.random.default_rng(SEED)
        N, J = size
        flows, rates = [], []
        for _ in range(count):
            n, i = rng.permutation(N)[:2]
            flow = (n * N + i) * J + np.arange(J)
            flows.append(flow)
            rates.append(w.tariff[n, i] + rng.uniform(0.0, 1.0, J))
        flow, rate = np.concatenate(flows), np.concatenate(rates)
        same = np.ones(flow.size)
        self.count = count
        self.head = (helpers_ge.world_tuple(w), helpers_ge.options_tuple(Options()))
        self.changes = (
            (np.arange(count + 1) * J).astype(np.intp),
            flow.astype(np.intp),
            *(rate, w.export_tax.ravel()[flow], same, same),
        )

    def time_batch(self, *_, threads: int = 1):
        """Solve all in one call."""
        rest = (None, None, None, None, TOL, 1000, threads, -1, None)
        return _core.ge_solve(*self.head, self.changes, *rest)

    def time_one_by_one(self, *_):
        """Solve each in its own call."""
        ptr, *arrays = self.changes
        out = []
        for k in range(self.count):
            part = slice(ptr[k], ptr[k + 1])
            changes = (ptr[k : k + 2] - ptr[k], *(np.ascontiguousarray(x[part]) for x in arrays))
            rest = (None, None, None, None, TOL, 1000, 1, -1, None)
            out.append(_core.ge_solve(*self.head, changes, *rest))
        return out


def ms(took: Times) -> str:
    """Milliseconds by the clock."""
    return f"{took.best * 1e3:.2f} ms"


def run(add: Add, repeat: int, *, quick: bool) -> None:
    """Measure everything and add rows to the table."""
    for size in QUICK_SIZES if quick else SIZES:
        run_size(add, size, repeat)
    for size in BATCHES[:1] if quick else BATCHES:
        run_batch(add, size, QUICK_SCENARIOS if quick else SCENARIOS, max(1, repeat // 2))


def run_size(add: Add, size: tuple[int, int], repeat: int) -> None:
    suite = SolveSuite()
    suite.setup(size)
    name = "x".join(map(str, size))
    suite.prepare_adjoint(suite.time_solve())
    calls = {
        "1": suite.time_solve,
        "2": partial(suite.time_solve, threads=2),
        "setup": partial(suite.time_solve, tol=np.inf),
        "first": suite.time_first,
        "adjoint": suite.time_adjoint,
        "packed": suite.time_twin,
        "flows": partial(suite.time_twin, packed=False),
    }
    took = measure_together(calls, repeat)
    one, two, packed = took["1"].result, took["2"].result, took["packed"].result
    assert not one[7].any(), "the core failed"
    assert np.array_equal(one[0], two[0]), "threads disagree"
    gradient = took["adjoint"].result
    assert not gradient[4].any(), "the adjoint failed"
    gap = np.abs(np.exp(one[0][0]) - packed.w).max()
    assert gap < 1e-6, f"the twin's wages differ by {gap:.1e}"
    sweeps = int(one[8][0])
    each = (took["1"].cpu - took["setup"].cpu) / (sweeps - 1)
    print(
        f"ge {name}: {ms(took['1'])} / {ms(took['2'])} on 1 / 2 threads, setup "
        f"{ms(took['setup'])} and {sweeps} sweeps of {each * 1e6:.1f} us; adjoint "
        f"{ms(took['adjoint'])} in {int(gradient[5][0, 0])} products; NumPy {packed.sweeps} "
        f"sweeps; wages differ by {gap:.1e}"
    )
    goal_flows, goal_packed, goal_ms = SIZES.get(size, (0.0, 0.0, 0.0))
    add(
        f"ge {name}, a solve on 1 thread (goal of a machine with 0.76 ns an exp)",
        f"{goal_ms:g} ms" if goal_ms else "",
        ms(took["1"]),
        f"{ms(took['first'])} with the packing of the world",
    )
    for twin, goal, what in (
        ("flows", goal_flows, "with an exponential per flow"),
        ("packed", goal_packed, "with K ready"),
    ):
        whole = took[twin].cpu / took["1"].cpu
        sweep = took[twin].cpu / took[twin].result.sweeps / each
        add(
            f"ge {name} against NumPy {what}, 1 thread",
            f"{goal:.1f} x" if goal else "",
            f"{whole:.1f} x",
            f"{sweep:.1f} x a sweep; NumPy {took[twin].cpu * 1e3:.1f} ms",
        )
    add(
        f"ge {name}, all tariff gradients of one welfare against a solve",
        "1.5 x",
        f"{took['adjoint'].cpu / took['1'].cpu:.2f} x",
        "",
    )


def run_batch(add: Add, size: tuple[int, int], count: int, repeat: int) -> None:
    suite = BatchSuite()
    suite.setup(size, count)
    name = "x".join(map(str, size))
    calls = {
        "1": suite.time_batch,
        "2": partial(suite.time_batch, threads=2),
        "alone": suite.time_one_by_one,
    }
    took = measure_together(calls, repeat)
    one, two = took["1"].result, took["2"].result
    assert not one[7].any(), "the core failed in a scenario"
    assert np.array_equal(one[0], two[0]), "threads disagree"
    assert np.array_equal(one[0], np.concatenate([x[0] for x in took["alone"].result]))
    print(
        f"ge {name}, {count} scenarios: {ms(took['1'])} / {ms(took['2'])} on 1 / 2 threads, "
        f"{ms(took['alone'])} one by one; {np.median(one[8]):.0f} sweeps (median), "
        f"{one[8].max()} at most"
    )
    what = f"ge {name}, {count} tariff scenarios"
    each = f"{took['1'].cpu / count * 1e3:.3f} ms of processor time a scenario"
    add(f"{what}, 2 threads against 1", "1.8 x", f"{took['1'].best / took['2'].best:.2f} x", each)
    add(f"{what}, batch against one by one", "", f"{took['alone'].cpu / took['1'].cpu:.2f} x", "")
