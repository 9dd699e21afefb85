"""The game's twin and the core agree: welfare, gradients, and the tariffs that they lead to."""

from __future__ import annotations

import numpy as np
import pytest

import tradewar as tw
from tests.game_worlds import draw
from tests.reference.game_twin import TwinWorld
from tradewar.arena import make_arena
from tradewar.ge_problem import Closure

AGREE = 1e-10  # ln W, twin to 1e-13 and core to 1e-11 in every market
SLOPE = 1e-8  # of the largest slope


def twin_of(world: tw.World) -> TwinWorld:
    return TwinWorld(world._trade, world._tariff, world._theta, world._rents)


@pytest.mark.parametrize("seed", range(4))
def test_welfare_and_slopes(seed):
    world = draw(40 + seed, 4, 3, inputs=False, rents=True)
    twin = twin_of(world)
    rng = np.random.default_rng(seed)
    arena = make_arena(world, list(world.countries), closure=Closure(), least=2)
    policy, payoff = arena.policy, arena.payoff
    x = rng.uniform(0.0, 0.7, len(policy.low))
    values, point = payoff.at(x)
    tariff = world._tariff.copy()
    tariff.ravel()[policy.flow[policy.rate_at]] = np.expm1(x[policy.rate_variable])
    z = twin.solve(tariff)
    np.testing.assert_allclose(values, twin.log_welfare(z, tariff), atol=AGREE)
    weight = rng.normal(size=len(values))
    mine = payoff.slopes(point, weight)
    whole = twin.gradient(z, tariff, weight).ravel()[policy.flow[policy.rate_at]]
    theirs = np.bincount(policy.rate_variable, whole, len(x))
    np.testing.assert_allclose(mine, theirs, atol=SLOPE * np.abs(theirs).max())


def test_the_twin_climbs_no_higher():
    from scipy.optimize import minimize

    world = draw(44, 3, 2, inputs=False, rents=True)
    twin = twin_of(world)
    free = [(0, i, j) for i in (1, 2) for j in (0, 1)]

    def down(y):
        tariff = world._tariff.copy()
        for place, value in zip(free, y, strict=True):
            tariff[place] = np.expm1(value)
        return -twin.log_welfare(twin.solve(tariff), tariff)[0]

    slow = minimize(down, np.full(4, 0.2), method="Nelder-Mead",
                    options={"xatol": 1e-7, "fatol": 1e-13, "maxiter": 4000})  # fmt: skip
    result = tw.optimal_tariff(world, "A")
    assert result.payoffs[0] == pytest.approx(-slow.fun, abs=1e-9)
    order = result.tariffs.sort_values(["exporter", "product"])["tariff_new"]
    np.testing.assert_allclose(order, np.expm1(slow.x), atol=1e-4)
