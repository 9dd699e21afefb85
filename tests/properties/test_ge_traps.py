"""Economies that stop a plain solver: near autarky, high elasticities, large ones, and none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests import helpers_ge
from tests.reference import ge_twin, ge_twin_vector, ge_worlds
from tests.reference.ge_twin import Options, Shock
from tests.reference.test_ge_twin_alone import economy
from tradewar import _core

SAME = 1e-8  # against the vector twin, which stops at 1e-12
AUTARKY = 1e-5  # near autarky the unknowns are known to about 5e-7 at a residual of 1e-10
SURE = 18.0  # foreign trade that shrinks by e^-18 is solved from the baseline
PETROLEUM = 64.85  # largest theta of Caliendo and Parro (2015)
POINTS = 5.0  # prohibitive: +500 points
NO_EQUILIBRIUM = 6  # the core's cause

seeds = st.integers(0, 2**32 - 1)


def foreign(w: ge_twin.World) -> np.ndarray:
    out = w.trade > 0
    home = np.arange(w.shape[0])
    out[home, home] = False
    return out


def own_share(w, found) -> np.ndarray:
    """Change of the own-trade share, one sector."""
    home = np.arange(w.shape[0])
    X = w.expenditure * np.exp(found.ln_X[0])
    own = found.evaluated["trade"][0][home, home, 0] / X[:, 0]
    return own / w.share[home, home, 0]


@given(seeds, st.floats(1.0, 25.0))
@example(5191, 25.0)  # solved by the very last step
def test_prohibitive_trade_costs_end_in_autarky(seed, power):
    """Whatever the path, the own-share formula holds; foreign trade shrinks by e^-power."""
    rng = np.random.default_rng(seed)
    w = ge_worlds.random_world(rng, J=1, tariffs=False, export_taxes=False, sparse=False)
    cost = np.where(foreign(w), np.exp(power / w.theta[0]), 1.0)
    found = helpers_ge.solve(w, Shock(cost=cost), Options(deficits="zero"))
    if power > SURE and found.status[0]:  # next to no trade: an honest failure
        assert found.residual[0] > helpers_ge.TOL and found.what[0] != 0
        return
    found.raise_failures()
    gain = own_share(w, found) ** (-1 / (w.theta[0] * w.value_added[:, 0]))
    np.testing.assert_allclose(found.real_wage[0], gain, rtol=AUTARKY)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("who", ["one", "all"])
def test_prohibitive_tariffs(seed, who):
    rng = np.random.default_rng(seed)
    w = ge_worlds.random_world(rng, 6, 4, export_taxes=False)
    hit = foreign(w)
    if who == "one":
        hit[1:] = False
    shock = Shock(tariff=w.tariff + POINTS * hit)
    found = helpers_ge.solve(w, shock, Options(deficits="zero")).raise_failures()
    twin = ge_twin.solve(w, shock, Options(deficits="zero"))
    np.testing.assert_allclose(found.welfare[0], twin.welfare, rtol=AUTARKY)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("points", [0.25, POINTS])
def test_petroleum(seed, points):
    rng = np.random.default_rng(seed)
    w = ge_worlds.random_world(rng, 5, 4, export_taxes=False)
    w = replace(w, theta=np.array([PETROLEUM, 4.0, 2.0, 30.0]))
    hit = foreign(w)
    hit[2:] = False
    shock = Shock(tariff=w.tariff + points * hit)
    found = helpers_ge.solve(w, shock, Options(deficits="income")).raise_failures()
    twin = ge_twin.solve(w, shock, Options(deficits="income"))
    np.testing.assert_allclose(found.welfare[0], twin.welfare, rtol=SAME)
    np.testing.assert_allclose(found.ln_w[0], np.log(twin.state.at.w), atol=SAME)


@pytest.mark.parametrize("seed", range(3))
def test_open_economies_with_high_elasticities(seed):
    """Home sales of a few percent: plain damping diverges here."""
    rng = np.random.default_rng(seed)
    N = 8
    trade = rng.lognormal(0.0, 1.0, (N, N, 2))
    trade = trade + trade.transpose(1, 0, 2)
    w = ge_twin.world(trade, [12.0, 25.0])
    shock = Shock(tariff=0.3 * rng.random(trade.shape) * foreign(w))
    found = helpers_ge.solve(w, shock).raise_failures()
    twin = ge_twin.solve(w, shock)
    np.testing.assert_allclose(found.welfare[0], twin.welfare, rtol=SAME)


@pytest.mark.parametrize("shape", [(30, 10), (9, 40), (60, 3), (120, 1)])
def test_larger_worlds(shape):
    """Odd sizes of lanes and blocks, against the vector twin."""
    rng = np.random.default_rng(shape)
    w = ge_worlds.random_world(rng, *shape, export_taxes=False, rents=True)
    shock = ge_worlds.random_shock(rng, w, export_tax=0, productivity=0)
    found = helpers_ge.solve(w, shock, threads=2).raise_failures()
    twin = ge_twin_vector.solve(economy(w), shock.tariff, shock.cost)
    np.testing.assert_allclose(found.ln_w[0], np.log(twin.w), atol=SAME)
    np.testing.assert_allclose(found.welfare[0], twin.welfare, rtol=SAME)
    scale = twin.trade.max()
    np.testing.assert_allclose(
        found.evaluated["trade"][0], twin.trade, rtol=1e-7, atol=SAME * scale
    )


def test_a_surplus_that_income_cannot_carry_is_named():
    """Country 1 has to give away more than it can earn."""
    trade = np.array([[80.0, 30.0, 5.0], [10.0, 60.0, 5.0], [10.0, 10.0, 90.0]])[:, :, None]
    w = ge_twin.world(trade, 4.0)
    assert w.deficit[1] < 0
    shift = np.array([0.6, -1.0, 0.4]) * 1.5 * w.income[1]
    found = helpers_ge.solve(w, Shock(deficit=w.deficit + shift))
    assert found.status[0] != 0
    assert (found.what[0], found.where[0]) == (NO_EQUILIBRIUM, 1)
    assert "income" in _core.ge_cause(NO_EQUILIBRIUM)


@pytest.mark.parametrize("cost", [3.0, 10.0])
def test_a_fixed_surplus_without_trade_has_no_equilibrium(cost):
    """Trade dies, the transfer stays: never NaN, never a false success."""
    trade = np.array([[70.0, 30.0], [20.0, 80.0]])[:, :, None]
    w = ge_twin.world(trade, 8.0)
    costs = np.where(foreign(w), np.exp(cost), 1.0)
    found = helpers_ge.solve(w, Shock(cost=costs))
    if found.status[0] == 0:  # then it must be one: the twin agrees from the point found
        assert found.residual[0] <= helpers_ge.TOL
        X = w.expenditure * np.exp(found.ln_X[0])
        np.testing.assert_allclose(found.evaluated["trade"][0].sum(axis=1), X, rtol=1e-9)
    else:
        assert found.what[0] in range(1, 8)
    for x in found.point[:4]:
        assert np.isfinite(x).all()


def test_one_bad_scenario_leaves_the_others_alone():
    rng = np.random.default_rng(1)
    w = ge_worlds.random_world(rng, 4, 2)
    good = [ge_worlds.random_shock(rng, w) for _ in range(3)]
    bad = Shock(deficit=w.deficit + 5 * w.income.sum() * np.array([1.0, -1.0, 0.0, 0.0]))
    alone = helpers_ge.solve(w, good).raise_failures()
    mixed = helpers_ge.solve(w, [good[0], bad, good[1], good[2]])
    assert list(mixed.status != 0) == [False, True, False, False]
    for x, y in zip(alone.point[:4], mixed.point[:4], strict=True):
        assert np.array_equal(x, y[[0, 2, 3]])
