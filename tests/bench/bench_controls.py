"""What quantity controls cost: 300 of 5,600 markets under a quota, and none at all."""

from __future__ import annotations

import numpy as np

import tradewar as tw
from tests.bench import bench_frames, world
from tests.bench.world import BigWorld
from tradewar import _core

EXPORT_QUOTA = 1
QUOTAS = 300  # of 5,600 markets
SEED = 300


class ControlSuite:
    """+100 points on the largest flow of every market; one exporter held to half in some."""

    params = (["none", "no quota", "quotas"],)
    param_names = ("controls",)

    def __init__(self, big: BigWorld):
        self.big = big
        self.t1 = world.new_tariff(big, "one flow a market")
        self.controls = {"none": None, "no quota": self._quotas(0), "quotas": self._quotas(QUOTAS)}

    def _quotas(self, count: int):
        """Hold the largest exporter of some markets to half of its base quantity."""
        big, layout = self.big, self.big.layout
        markets = len(layout.exp_ptr) - 1
        count = min(count, markets)
        chosen = np.sort(np.random.default_rng(SEED).choice(markets, count, replace=False))
        sales = np.add.reduceat(big.value, layout.row_ptr[:-1])
        rows, limit = [], []
        for m in chosen:
            first, last = layout.exp_ptr[m], layout.exp_ptr[m + 1]
            slot = first + int(np.argmax(sales[first:last]))
            rows.append(np.arange(layout.row_ptr[slot], layout.row_ptr[slot + 1]))
            limit.append(0.5 * sales[slot])
        size = np.array([len(r) for r in rows], dtype=np.intp)
        return (
            None,
            np.searchsorted(chosen, np.arange(markets + 1)).astype(np.intp),
            np.full(count, EXPORT_QUOTA, dtype=np.int32),
            np.array(limit, dtype=np.float64),
            np.zeros(count),
            np.concatenate([[0], np.cumsum(size)]).astype(np.intp),
            np.concatenate([*rows, np.zeros(0, np.intp)]).astype(np.intp),
        )

    def time_solve(self, controls: str, threads: int = 1):
        """Solve every market."""
        big, layout = self.big, self.big.layout
        return _core.pe_solve(
            (layout.exp_ptr, layout.row_ptr, layout.imp_ptr, layout.col),
            (big.value, big.tariff, self.t1, None, None, None, None, None, None),
            (big.sigma_common, big.demand, None, None, big.supply),
            *(0, 1, 0, 1e-12, 500, threads, -1, None),
            self.controls[controls],
        )


class FaceSuite:
    """Scenario to welfare through the public door: what rents and premia by flow add."""

    params = (["none", "quotas"],)
    param_names = ("controls",)

    def __init__(self, big: BigWorld):
        frame = bench_frames.frame(big, "categorical", "sorted")
        self.data = tw.TradeData.from_frame(frame)
        shock = bench_frames.world_wide()
        every = max(1, len(big.target) // min(QUOTAS, len(big.target)))
        held = bench_frames.labels(big)[1][::every].tolist()
        quota = shock.export_quota(exporter="C001", product=held, quantity_ratio=0.5)
        self.scenarios = {"none": shock, "quotas": quota}

    def time_answer(self, controls: str):
        """Solve, and add up welfare by country; give the limits."""
        res = tw.solve_pe(
            self.data,
            self.scenarios[controls],
            substitution=4.0,
            demand=1.0,
            supply=2.0,
            threads=1,
        )
        assert res.countries["welfare_change"].notna().all()
        return res.binding()
