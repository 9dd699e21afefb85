"""Climbs that remember curvature: the quasi-Newton matrix, steps in a box, kinks, costs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import tradewar as tw
from tests.game_worlds import A_TAXES_B, B_TAXES_A, draw
from tradewar.ascent import Ascent, Bent
from tradewar.secants import Model, Secants

ROUND = 1e-9  # of numbers near 1, after a handful of solves
WAR = A_TAXES_B + B_TAXES_A
BOTH = {"A": {"against": "B", "uniform": "all"}, "B": {"against": "A", "uniform": "all"}}


@dataclasses.dataclass
class Bowls:
    """Payoffs ``-(x - top)' H (x - top) / 2``, one bowl a player; `curvature` knows diagonals."""

    hessians: np.ndarray
    tops: np.ndarray
    low: np.ndarray
    high: np.ndarray
    scale: np.ndarray
    calls: int = 0

    def at(self, x):
        self.calls += 1
        away = x - self.tops
        return -0.5 * np.einsum("mi,mij,mj->m", away, self.hessians, away), x.copy()

    def jacobian(self, x):
        return -np.einsum("mij,mj->mi", self.hessians, x - self.tops)

    def slopes(self, x, weight):
        return weight @ self.jacobian(x)

    def curvature(self, x):
        return np.einsum("mii->mi", self.hessians)


def bowls(size=12, seed=0, reach=3.0):
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(2, size, size)) / size + np.eye(size) * rng.uniform(0.3, 3.0, size)
    hessians = np.einsum("mij,mkj->mik", roots, roots)
    return Bowls(
        hessians,
        rng.normal(size=(2, size)),
        np.full(size, -reach),
        np.full(size, reach),
        np.sqrt(np.einsum("mii->i", hessians)),
    )


def weighted(weight):
    return lambda payoffs: Bent(float(weight @ payoffs), weight, np.zeros((2, 2)))


def test_the_last_pair_is_explained_for_any_weights():
    rng = np.random.default_rng(1)
    ground, secants = bowls(8), Secants()
    guess = ground.curvature(None)
    for _ in range(5):
        step = rng.normal(size=8)
        secants.learn(step, np.einsum("mij,j->mi", ground.hessians, step) - guess * step)
    for weight in (np.array([1.0, 0.0]), np.array([0.3, 2.0])):
        model = secants.model(weight, ground.jacobian(np.zeros(8)), np.zeros((2, 2)), guess)
        whole = np.einsum("m,mij->ij", weight, ground.hessians)
        np.testing.assert_allclose(model.times(step), whole @ step, atol=ROUND)
        dense = np.array([model.times(row) for row in np.eye(8)])
        np.testing.assert_allclose(dense, dense.T, atol=ROUND)
        assert np.linalg.eigvalsh(dense).min() > 0.0


@pytest.mark.parametrize("seed", range(6))
def test_steps_are_the_best_of_the_model_in_the_box(seed):
    rng = np.random.default_rng(seed)
    model = Model(rng.uniform(0.5, 2.0, 9), rng.normal(size=(3, 9)), np.eye(3))
    gradient = rng.normal(size=9)
    low, high = -rng.uniform(0.0, 1.0, 9), rng.uniform(0.0, 1.0, 9)
    low[0] = high[1] = 0.0
    step = model.step(gradient, low, high)
    left = gradient - model.times(step)
    np.testing.assert_allclose(np.clip(step + left, low, high), step, atol=ROUND)


def test_climbs_end_at_the_top_and_serve_the_next():
    ground = bowls()
    ascent = Ascent(ground)
    first = ascent.climb(weighted(np.array([1.0, 1.0])), np.zeros(12), allowed=1e-9)
    weight = np.array([1.0, 1.3])
    again = ascent.climb(weighted(weight), first.x, allowed=1e-9)
    fresh = Ascent(ground).climb(weighted(weight), first.x, allowed=1e-9)
    whole = np.einsum("m,mij->ij", weight, ground.hessians)
    top = np.linalg.solve(whole, np.einsum("m,mij,mj->i", weight, ground.hessians, ground.tops))
    assert (np.abs(top) < 3.0).all()
    for found in (again, fresh):
        np.testing.assert_allclose(found.x, top, atol=1e-5)
    assert again.evaluations < fresh.evaluations
    assert ascent.place(again.x).x is again.x  # known: no further call
    assert ground.calls == ascent.evaluations + fresh.evaluations


def test_a_kink_is_climbed_by_the_method_without_a_model():
    class Roof(Bowls):
        def at(self, x):
            return np.array([-abs(x[0] - 0.25) - x[1] ** 2, 0.0]), x.copy()

        def jacobian(self, x):
            return np.array([[-np.sign(x[0] - 0.25), -2.0 * x[1]], [0.0, 0.0]])

        def curvature(self, x):
            return np.ones((2, 2))

    one, zero = np.ones(2), np.zeros((2, 2, 2))
    roof = Roof(zero, np.zeros((2, 2)), -one, one, one)
    found = Ascent(roof).climb(weighted(np.array([1.0, 0.0])), 0.5 * one, allowed=np.inf)
    np.testing.assert_allclose(found.x, [0.25, 0.0], atol=1e-3)


def test_rows_are_slopes_of_each_payoff_with_a_transfer():
    deal = tw.bargain(draw(20), ["A", "B"], threat=WAR, over=BOTH, transfers=1.0)
    table = deal.table
    _, handle = table.at(deal.agreement.x)
    rows = table.jacobian(handle)
    for row, weight in zip(rows, np.eye(2), strict=True):
        np.testing.assert_allclose(table.slopes(handle, weight), row, atol=ROUND)
    assert rows.shape == (2, 3) and rows[0, 2] < 0.0 < rows[1, 2]  # the first pays


def test_the_guess_of_curvature_is_close():
    deal = tw.bargain(draw(22), ["A", "B"], threat=WAR)
    table, x = deal.table, deal.agreement.x
    guess = table.curvature(table.at(x)[1])
    own = table.payoff.policy.owner
    for k in range(len(x)):
        ends = []
        for side in (-1e-3, 1e-3):
            moved = x.copy()
            moved[k] += side
            ends.append(table.jacobian(table.at(moved)[1])[own[k], k])
        assert (ends[0] - ends[1]) / 2e-3 == pytest.approx(guess[own[k], k], rel=0.6)


def test_a_frontier_costs_a_few_solves_a_point():
    deal = tw.bargain(draw(20), ["A", "B"], threat="nash", over=BOTH)
    evaluator = deal.arena.payoff.evaluator
    before = evaluator.solves
    deal.minimum_concession()
    assert evaluator.solves - before <= 200  # ends, from several starts
    before = evaluator.solves
    frontier = deal.frontier(9)
    assert evaluator.solves - before <= 50  # 11 points; 146 with a fresh search at each
    before = evaluator.solves
    least = deal.minimum_concession().set_index("player")
    assert evaluator.solves == before
    assert least.loc["B", "gain"] == frontier["gain_B"].iloc[0]


def test_players_may_turn_on_a_third_country_together():
    """Two tops: low duties on each other, or low ones and prohibitive duties on the third."""
    world = draw(6, rents=True, export_taxes=True)
    recipes = {"va_substitution": 0.5, "input_substitution": 0.3, "final_substitution": 0.7}
    deal = tw.bargain(world, ["A", "B"], threat=WAR, **recipes)
    starts = deal.starts.set_index("start")["ln_product"]
    assert starts["from all for A"] > starts["from today"] + 0.5
    assert deal.tariffs.query("exporter == 'C'")["tariff_new"].min() > 3.0
    frontier = deal.frontier(5)
    gains = frontier[["gain_A", "gain_B"]].to_numpy()[1:-1]
    powers = frontier["power"].to_numpy()[1:-1]
    merit = powers[:, None] * np.log(gains[:, 0]) + (1.0 - powers[:, None]) * np.log(gains[:, 1])
    assert (merit.max(axis=1) <= np.diag(merit) + 1e-5).all()  # none beats another at its power
    middle = frontier.loc[np.isclose(frontier["power"], 0.5), ["gain_A", "gain_B"]]
    np.testing.assert_allclose(middle.to_numpy()[0], deal.gains["gain"], rtol=1e-3)
