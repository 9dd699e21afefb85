"""The kernel on the big world, and the vectorised NumPy twin on some of its markets."""

from __future__ import annotations

import numpy as np

from tests import helpers_kernel
from tests.bench.world import SHOCKS, BigWorld, new_tariff
from tests.reference import pe_twin_vector

TOL = 1e-12
SIGMAS = ("common", "by destination")


class KernelSuite:
    """Kernel alone: sorted flat arrays in, fresh output arrays out."""

    params = (SHOCKS, SIGMAS, (1, 2))
    param_names = ("shock", "sigma", "threads")

    def __init__(self, world: BigWorld):
        self.world = world

    def setup(self, shock: str, sigma: str, *_) -> None:
        """Prepare the arguments outside the time taken."""
        w, lay = self.world, self.world.layout
        self.layout = (lay.exp_ptr, lay.row_ptr, lay.imp_ptr, lay.col)
        self.flows = (w.value, w.tariff, new_tariff(w, shock), *(None,) * 6)
        chosen = w.sigma_common if sigma == "common" else w.sigma_by_destination
        self.elasticities = (chosen, w.demand, None, None, w.supply)

    def time_solve(self, shock: str, sigma: str, threads: int):
        """Solve every market."""
        return helpers_kernel.solve(
            self.layout, self.flows, self.elasticities, tol=TOL, threads=threads
        )


class TwinSuite:
    """The vectorised NumPy twin, one thread, on evenly spaced markets."""

    params = (SHOCKS[:3], SIGMAS)
    param_names = ("shock", "sigma")

    def __init__(self, world: BigWorld, markets: int):
        self.world = world
        total = len(world.target)
        self.markets = np.unique(np.linspace(0, total - 1, min(markets, total)).astype(int))

    def setup(self, shock: str, sigma: str) -> None:
        """Prepare the arguments, and how many flows of the world stand for one of the sample."""
        w = self.world
        self.new = new_tariff(w, shock)
        self.sigma = w.sigma_common if sigma == "common" else w.sigma_by_destination
        self.common = sigma == "common"
        size = np.diff(w.layout.market_ptr)
        changed = np.add.reduceat(self.new != w.tariff, w.layout.market_ptr[:-1]) > 0
        self.scale = size[changed].sum() / max(1, size[self.markets][changed[self.markets]].sum())

    def time_solve(self, *_):
        """Solve the sample."""
        w = self.world
        return pe_twin_vector.solve(
            w.layout,
            w.value,
            tariff=w.tariff,
            tariff_new=self.new,
            sigma=self.sigma,
            eps=w.demand,
            mu=w.supply,
            common=self.common,
            tol=TOL,
            markets=self.markets,
            chunk=100_000,
        )


class SortSuite:
    """Order and layout of the keys, as integer codes."""

    params = (("sorted", "random"),)
    param_names = ("order",)

    def __init__(self, world: BigWorld):
        self.world = world

    def setup(self, order: str) -> None:
        """Shuffle the rows when asked."""
        w = self.world
        keys = (w.product, w.exporter, w.importer)
        if order == "random":
            row = np.random.default_rng(1).permutation(len(w.value))
            keys = tuple(np.ascontiguousarray(k[row]) for k in keys)
        self.keys = keys
        self.size = (len(w.target), int(max(w.exporter.max(), w.importer.max())) + 1)

    def time_sort(self, *_):
        """Find the order of the rows."""
        return helpers_kernel._core.sort_flows(*self.keys, *self.size)


def floor_seconds(world: BigWorld, iterations, sigma: str, limits) -> float:
    """Seconds that exponentials, flow visits and memory take at the speeds measured."""
    lay = world.layout
    flows = np.diff(lay.market_ptr)
    slots = np.diff(lay.exp_ptr) + np.diff(lay.imp_ptr)
    powers = 2 * slots + (flows if sigma == "by destination" else 0)
    sweeps = np.asarray(iterations)
    hit = sweeps > 0
    work = (sweeps * powers).sum() * limits.exp + 2 * (sweeps * flows).sum() * limits.visit
    setup = flows[hit].sum() * 2 * limits.exp  # theta^..., wedge^(1 - sigma): a log and an exp
    return float(work + setup + memory_seconds(world, hit, limits))


def memory_seconds(world: BigWorld, hit, limits) -> float:
    """Seconds to read the columns once and to write q: value only where a market is hit."""
    flows = np.diff(world.layout.market_ptr)
    read_always = 8 + 8  # both tariffs
    read_hit = 8 + 4  # value and importer slot
    return float(
        (flows.sum() * (read_always + 8) + flows[np.asarray(hit)].sum() * read_hit) / limits.copy
    )
