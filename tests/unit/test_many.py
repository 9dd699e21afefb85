"""solve_many: both engines, in one batch and on executors of several kinds."""

from __future__ import annotations

import pickle
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pandas as pd
import pytest

import tradewar as tw
from tests.border import worlds
from tests.unit.ge_cases import PLUS_100, WALL, make_world, surplus_world, world
from tradewar.errors import ConvergenceError, DataError, DataWarning, ScenarioError
from tradewar.many import _chunk

SCENARIOS = [
    tw.Scenario(f"+{k}").tariff(importer="USA", exporter="CHN", add=k / 100) for k in (10, 25, 50)
] + [PLUS_100.export_quota(exporter="VNM", importer="USA", product="C26", quantity_ratio=0.8)]


def misaligned(thing):
    """Send a thing as pickle 5 does with buffers out of band, each at an odd address."""
    buffers = []
    text = pickle.dumps(thing, 5, buffer_callback=buffers.append)
    frames = []
    for buffer in buffers:
        raw = bytes(buffer.raw())
        frames.append(memoryview(b"x" + raw)[1:])
    return pickle.loads(text, buffers=frames)


class Inline:
    """The least that an executor is: submit. Counts what is sent, as pickles."""

    def __init__(self, workers=2):
        self._max_workers = workers
        self.sent = []

    def submit(self, function, *arguments):
        self.sent.append(arguments)
        function, arguments = misaligned((function, arguments))
        future = Future()
        future.set_result(misaligned(function(*arguments)))
        return future


def one_by_one():
    return {scn.name: tw.solve_ge(world(), scn) for scn in SCENARIOS}


def test_a_batch_gives_what_single_solves_give():
    runs = tw.solve_many(world(), SCENARIOS)
    assert runs.names == [scn.name for scn in SCENARIOS]
    for name, alone in one_by_one().items():
        np.testing.assert_array_equal(runs[name].welfare, alone.welfare)
        pd.testing.assert_frame_equal(runs[name].flows, alone.flows)
        pd.testing.assert_frame_equal(runs[name].binding(), alone.binding())
    table = runs.compare()
    assert list(table.columns) == runs.names
    assert table.attrs["unit"] == "fraction"
    assert set(runs.to_frame()["scenario"]) == set(runs.names)


def test_threads_over_scenarios_change_no_bit():
    one = tw.solve_many(world(), SCENARIOS, threads=1)
    two = tw.solve_many(world(), SCENARIOS, threads=2)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a.welfare, b.welfare)


def test_options_reach_the_solver():
    runs = tw.solve_many(world(), SCENARIOS[:2], deficits="purged", va_substitution=0.5)
    alone = tw.solve_ge(world(), SCENARIOS[1], deficits="purged", va_substitution=0.5)
    np.testing.assert_array_equal(runs[1].welfare, alone.welfare)
    assert runs[0].world is runs[1].world  # purged once


@pytest.mark.parametrize("workers", [1, 3, 9])
def test_one_chunk_for_each_worker(workers):
    executor = Inline(workers)
    runs = tw.solve_many(world(), SCENARIOS, executor=executor)
    assert len(executor.sent) == min(workers, len(SCENARIOS))
    sizes = [len(scenarios) for _, scenarios, _ in executor.sent]
    assert sum(sizes) == len(SCENARIOS)
    assert max(sizes) - min(sizes) <= 1
    for name, alone in one_by_one().items():
        np.testing.assert_array_equal(runs[name].welfare, alone.welfare)
        assert runs[name].world is world()


def test_results_that_came_back_can_be_used():
    runs = tw.solve_many(world(), SCENARIOS[:2], executor=Inline(), deficits="purged")
    assert runs[0].decompose().attrs["gap"] < 1e-8
    tw.solve_ge(world(), PLUS_100, start=runs[0])
    assert runs[0].check()["ok"].all()


def test_a_purged_world_is_shared_by_chunks():
    runs = tw.solve_many(world(), SCENARIOS[:2], executor=Inline(), deficits="purged")
    assert runs[0].world is runs[1].world
    alone = tw.solve_ge(world(), SCENARIOS[1], deficits="purged")
    np.testing.assert_array_equal(runs[1].welfare, alone.welfare)


def test_flows_of_products_too():
    data, scn = worlds.data(), [worlds.scenario(), tw.Scenario("nothing")]
    executor = Inline()
    runs = tw.solve_many(data, scn, executor=executor, **worlds.ELASTICITIES)
    here = tw.solve_many(data, scn, **worlds.ELASTICITIES)
    for a, b in zip(runs, here, strict=True):
        pd.testing.assert_frame_equal(a.flows, b.flows)
        assert a.data is data
    assert len(executor.sent) == 2


def same_as_here(runs):
    for name, alone in one_by_one().items():
        np.testing.assert_array_equal(runs[name].welfare, alone.welfare)


def test_threads():
    with ThreadPoolExecutor(2) as executor:
        same_as_here(tw.solve_many(world(), SCENARIOS, executor=executor))


@pytest.mark.native
def test_processes():
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        same_as_here(tw.solve_many(world(), SCENARIOS, executor=executor))


@pytest.mark.native
def test_loky():
    loky = pytest.importorskip("loky")
    executor = loky.ProcessPoolExecutor(2)
    same_as_here(tw.solve_many(world(), SCENARIOS, executor=executor))
    executor.shutdown()


@pytest.mark.native
@pytest.mark.filterwarnings("ignore")  # of the cluster's own
def test_dask():
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster, distributed.Client(cluster) as client:
        same_as_here(tw.solve_many(world(), SCENARIOS, executor=client))
        data, scn = worlds.data(), [worlds.scenario(), tw.Scenario("nothing")]
        there = tw.solve_many(data, scn, executor=client, **worlds.ELASTICITIES)
        here = tw.solve_many(data, scn, **worlds.ELASTICITIES)
        pd.testing.assert_frame_equal(there[0].flows, here[0].flows)


def test_what_fails_is_named():
    fine = tw.Scenario("fine").tariff(importer="A", add=0.1)
    with pytest.raises(ConvergenceError, match="scenario 'wall': no equilibrium"):
        tw.solve_many(surplus_world(), [fine, WALL])
    with pytest.warns(DataWarning, match="1 of 2 scenarios have no solution"):
        runs = tw.solve_many(surplus_world(), [fine, WALL], on_error="record")
    assert [res.converged for res in runs] == [True, False]
    wrong = tw.Scenario("wrong").tariff(importer="FRA", add=0.1)
    with pytest.raises(ScenarioError, match="scenario 'wrong', rule 1"):
        tw.solve_many(world(), [PLUS_100, wrong])


@pytest.mark.parametrize("executor", [None, Inline()])
def test_failures_are_warned_of_wherever_they_are_solved(executor):
    fine = tw.Scenario("fine").tariff(importer="A", add=0.1)
    with pytest.warns(DataWarning, match="1 of 2 scenarios have no solution") as caught:
        tw.solve_many(surplus_world(), [fine, WALL], on_error="record", executor=executor)
    assert [w.filename for w in caught] == [__file__]


def test_good_scenarios_survive_bad_ones():
    w = make_world()
    trade = np.array(w._trade)
    trade[2, [1, 2, 3], 2] = 0.0
    trade[2, 0, 2] = 60.0
    w = tw.World.from_tables(
        trade, theta=4.0, tariff=0.05, countries=list(w.countries), products=list(w.products)
    )
    ban = tw.Scenario("ban").ban(importer="USA", exporter="CHN", product="C29")
    with pytest.warns(DataWarning, match="1 of 2 scenarios have no solution .*USA C29 is left"):
        runs = tw.solve_many(w, [ban, PLUS_100], on_error="record")
    assert not runs["ban"].converged
    np.testing.assert_array_equal(runs["+100"].welfare, tw.solve_ge(w, PLUS_100).welfare)
    assert runs.compare()["ban"].isna().all()


def test_refusals():
    with pytest.raises(DataError, match="data is a DataFrame: give a TradeData or a World"):
        tw.solve_many(pd.DataFrame(), [PLUS_100])
    with pytest.raises(ScenarioError, match="a scenario is a str"):
        tw.solve_many(world(), ["+100"])
    with pytest.raises(ScenarioError, match=r"scenario names must differ: \+100 come twice"):
        tw.solve_many(world(), [PLUS_100, PLUS_100])
    with pytest.raises(ScenarioError, match="no scenario given"):
        tw.solve_many(world(), [])
    with pytest.raises(TypeError, match=r"solve_ge has no option 'supply'; .*labour_supply"):
        tw.solve_many(world(), [PLUS_100], supply=2.0)
    with pytest.raises(TypeError, match="solve_ge has no option 'world'"):
        tw.solve_many(world(), [PLUS_100], world=world())
    with pytest.raises(ScenarioError, match=r"scenarios is one Scenario: give a list"):
        tw.solve_many(world(), PLUS_100)
    with pytest.raises(DataError, match="executor is a int without submit"):
        tw.solve_many(world(), [PLUS_100], executor=2)


def test_progress():
    tqdm = pytest.importorskip("tqdm")
    assert tqdm
    runs = tw.solve_many(world(), SCENARIOS, progress=True)
    assert len(runs) == len(SCENARIOS)


def test_a_chunk_is_what_workers_run():
    [result] = _chunk(world(), (PLUS_100,), {"threads": 1})
    np.testing.assert_array_equal(result.welfare, tw.solve_ge(world(), PLUS_100).welfare)
