"""Second derivatives of payoffs, and what they say of optimal and Nash tariffs."""

from __future__ import annotations

import dataclasses
import pickle
from types import SimpleNamespace

import numpy as np
import pytest

import tradewar as tw
from tests.game_worlds import A_TAXES_B, B_TAXES_A, draw, two
from tests.reference.game_twin import TwinWorld
from tradewar import game_hessian
from tradewar.arena import make_arena
from tradewar.closures import make_closure
from tradewar.errors import ConvergenceError, DataError
from tradewar.game_hessian import hessian_product, shape_of
from tradewar.second_order import verdict_of

SYMMETRIC = 1e-5  # relative: differences with a step of 4.6e-4 on gradients known to 1e-10
PRODUCT = 3e-5  # of the largest second derivative, against differences of payoffs
STEP = 2e-3  # of those differences: its square and 1e-13 over it are both below 1e-5
EDGE = 0.02  # between products at a ban and next to it; half is missing where a step is cut off
LIKE = 12.0  # between a guess of a curvature and the truth
EIGEN = 1e-3  # of eigenvalues by Lanczos iteration
CLOSURES = [
    {},
    {
        "labour_supply": 0.4,
        "revenue": "income_tax",
        "va_substitution": 0.5,
        "input_substitution": 0.3,
        "final_substitution": 0.7,
        "deficits": "income",
    },
    {"deficits": "zero", "labour_supply": 0.2},
]
MIXED = {
    "A": {
        "duty": tw.Scenario("duty").tariff(importer="A", exporter="B", product="food", add=0.6),
        "quota": tw.Scenario("quota").import_quota(
            importer="A", exporter="B", product="chips", quantity_ratio=0.4
        ),
        "ban": tw.Scenario("ban").ban(importer="A", exporter="C", product="cars"),
    },
    "B": {
        "tax": tw.Scenario("tax").export_tax(importer="C", exporter="B", set=0.4),
        "slow": tw.Scenario("slow").licence(
            importer="B", exporter="A", approval=0.5, delay_cost=0.3
        ),
    },
}


def ground(seed, closure, over, objective="welfare"):
    """Make payoffs of two players and a point between the bounds."""
    world = draw(seed, 3, 3, rents=True, export_taxes=True)
    weights = dict(zip(world.products, (0.8, 1.3, 1.0), strict=True))
    arena = make_arena(
        world,
        ["A", "B"],
        over=over,
        objective=objective,
        weights=weights,
        closure=make_closure(closure),
        least=2,
    )
    rng = np.random.default_rng(seed)
    return arena.payoff, rng.uniform(0.3, 0.6, len(arena.policy.low)), rng


@pytest.mark.parametrize("closure", CLOSURES)
@pytest.mark.parametrize("over", [None, MIXED])
def test_products_are_symmetric(closure, over):
    payoff, x, rng = ground(3, closure, over)
    weight = np.array([1.0, 0.4])
    for _ in range(3):
        u, v = rng.normal(size=(2, len(x)))
        left = u @ hessian_product(payoff, x, v, weight)
        right = v @ hessian_product(payoff, x, u, weight)
        size = np.linalg.norm(u) * np.linalg.norm(hessian_product(payoff, x, v, weight))
        assert left == pytest.approx(right, abs=SYMMETRIC * size)


@pytest.mark.parametrize("closure", CLOSURES)
@pytest.mark.parametrize("over", [None, MIXED])
def test_products_are_second_differences_of_payoffs(closure, over):
    payoff, x, rng = ground(4, closure, over)
    weight = np.array([0.7, 1.0])
    rows = rng.choice(len(x), min(len(x), 4), replace=False)
    mine = np.array([hessian_product(payoff, x, row, weight) for row in np.eye(len(x))[rows]])
    payoff.evaluator.tol = 1e-13

    def value(*moves):
        moved = x.copy()
        for k, step in moves:
            moved[k] += step
        return float(weight @ payoff.at(moved)[0])

    for i, k in enumerate(rows):
        for m in rows:
            ends = [
                value((k, a * STEP), (m, b * STEP)) for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1))
            ]
            number = (ends[0] - ends[1] - ends[2] + ends[3]) / (4.0 * STEP**2)
            assert mine[i, m] == pytest.approx(number, abs=PRODUCT * np.abs(mine).max())


@pytest.mark.parametrize("objective", ["political", "revenue"])
def test_products_of_other_objectives_are_differences_of_gradients(objective):
    payoff, x, rng = ground(5, {}, None, objective)
    weight, v = np.array([1.0, 0.0]), rng.normal(size=len(x))
    step = 1e-3 / np.abs(v).max()
    ends = [payoff.slopes(payoff.at(x + side * v)[1], weight) for side in (-step, step)]
    number = (ends[1] - ends[0]) / (2.0 * step)
    mine = hessian_product(payoff, x, v, weight)
    np.testing.assert_allclose(mine, number, atol=1e-4 * np.abs(number).max())
    assert not hessian_product(payoff, x, np.zeros_like(x), weight).any()


@pytest.mark.parametrize(("theta", "size"), [(3.0, 1.0), (6.0, 2.5)])
def test_one_sector_and_two_countries_by_a_model_of_its_own(theta, size):
    world = two(theta, size, home=0.85)
    result = tw.optimal_tariff(world, "A")
    twin = TwinWorld(world._trade, world._tariff, world._theta, np.zeros(1))

    def value(x):
        tariff = np.zeros((2, 2, 1))
        tariff[0, 1, 0] = np.expm1(x)
        return twin.log_welfare(twin.solve(tariff), tariff)[0]

    x, step = float(result.x[0]), 1e-3
    number = (value(x + step) - 2.0 * value(x) + value(x - step)) / step**2
    arena = make_arena(world, ["A"], closure=make_closure({}))
    one = np.ones(1)
    assert hessian_product(arena.payoff, result.x, one, one)[0] == pytest.approx(number, rel=1e-4)
    found = result.second_order()
    assert found.verdict == "strict maximum" and number < 0.0
    [reach] = found.directions["reach"]
    assert reach == pytest.approx(np.sqrt(2e-6 / -number), rel=1e-4)


def test_products_at_full_size_are_those_just_below():
    payoff, x, _ = ground(3, {}, MIXED)
    ban = payoff.policy.names.index("ban")
    row, weight = np.eye(len(x))[ban], np.array([1.0, 0.0])
    found = []
    for size in (1.0, 0.998):
        x[ban] = size
        found.append(hessian_product(payoff, x, row, weight))
    np.testing.assert_allclose(found[0], found[1], atol=EDGE * np.abs(found[1]).max())


@pytest.mark.parametrize("size", [0.0, 0.9, 1.0])
def test_guesses_of_bans_and_limits_are_of_the_right_size(size):
    payoff, x, _ = ground(3, {}, MIXED)
    weight = np.array([1.0, 0.0])
    for name in ("ban", "quota"):
        k = payoff.policy.names.index(name)
        x[payoff.policy.names.index("ban")] = size
        truth = -hessian_product(payoff, x, np.eye(len(x))[k], weight)[k]
        guess = payoff.curvature(payoff.at(x)[1])[0, k]
        assert truth / LIKE < guess < truth * LIKE


# ---- verdicts ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [7, 8])
def test_an_optimum_is_a_strict_maximum(seed, monkeypatch):
    result = tw.optimal_tariff(draw(seed, 4, 3), "A")
    whole = result.second_order(k=9)  # all products
    assert whole.verdict == "strict maximum"
    values = whole.directions.groupby("direction")["curvature"].first()
    assert (values < 0.0).all() and values.is_monotonic_decreasing
    monkeypatch.setattr(game_hessian, "DENSE", 2)
    few = result.second_order(k=2)  # Lanczos iteration
    found = few.directions.groupby("direction")["curvature"].first()
    np.testing.assert_allclose(found, values[:2], rtol=EIGEN)
    assert "Second-order conditions: strict maximum" in str(few) and "<table" in few._repr_html_()
    assert str(pickle.loads(pickle.dumps(few))) == str(few)


def test_players_of_a_nash_equilibrium_stand_on_tops_of_their_own():
    found = tw.nash(draw(9, 3, 2), ["A", "B"]).second_order()
    assert found.table.index.tolist() == ["A", "B"]
    assert found.table["verdict"].tolist() == ["strict maximum"] * 2
    assert (found.table["curvature"] < 0.0).all()
    owner = found.directions["variable"].str[0]
    assert (owner == found.directions["player"]).all()  # nobody moves the other's tariffs


def test_free_trade_of_a_large_country_is_no_maximum():
    world = draw(7, 4, 3)
    result = tw.optimal_tariff(world, "A")
    free = dataclasses.replace(result, x=np.zeros_like(result.x))
    found = free.second_order()
    assert found.verdict == "no maximum"
    assert found.table.loc["A", "slope"] > 1e-3 and found.table.loc["A", "held"] == 0


def test_a_saddle_is_no_maximum():
    hessian = np.diag([-1.0, -2.0, 0.5])

    payoff = SimpleNamespace(
        evaluator=SimpleNamespace(point=lambda x, start=None: x),
        goal=SimpleNamespace(players=[0]),
        policy=SimpleNamespace(
            changes=lambda x: x,
            names=("", "", ""),
            low=np.full(3, -1.0),
            high=np.ones(3),
            scale=np.ones(3),
            of=lambda player: np.ones(3, dtype=bool),
        ),
        slopes=lambda x, weight: hessian @ x,
        curvature=lambda x: np.ones((1, 3)),
    )
    shape = shape_of(payoff, 0, np.zeros(3), 1)
    assert shape.slope == 0.0 and shape.values[0] == pytest.approx(0.5)
    np.testing.assert_allclose(shape.parts[0], [0.0, 0.0, 1.0], atol=1e-12)
    assert verdict_of(shape) == "no maximum"


def test_import_and_export_taxes_are_told_apart_by_nothing():
    """Lerner: a duty on all imports and a tax on all exports do the same."""
    over = {
        "duty": tw.Instrument.rate("duty", importer="A", exporter="B", low=-0.5, high=2.0),
        "tax": tw.Instrument.rate(
            "tax", importer="B", exporter="A", low=-0.5, high=2.0, rate_of="export_tax"
        ),
    }
    found = tw.optimal_tariff(two(4.0), "A", over=over).second_order()
    assert found.verdict == "flat"
    first = found.directions[found.directions["direction"] == 1]
    assert set(first["variable"]) == {"duty", "tax"}
    assert (first["reach"] > 0.5).all() and (first["part"] > 0.4).all()
    second = found.directions[found.directions["direction"] == 2]
    assert (second["curvature"] < -0.5).all()


def test_bounds_hold_and_empty_flows_are_set_aside():
    held = tw.optimal_tariff(two(2.0), "A", bounds=(0.0, 0.1)).second_order()
    assert held.table.loc["A", ["free", "held", "too_small"]].tolist() == [0, 1, 0]
    assert held.verdict == "strict maximum" and held.directions.empty
    trade = np.array(draw(10, 2, 2)._trade)
    trade[0, 1, 0] = 1e-9
    world = tw.World.from_tables(
        trade, theta=4.0, tariff=0.0, countries=["A", "B"], products=["cars", "food"]
    )
    found = tw.optimal_tariff(world, "A").second_order()
    assert found.table.loc["A", ["free", "held", "too_small"]].tolist() == [1, 0, 1]
    assert found.directions["variable"].tolist() == ["A<-B food"]
    assert found.verdict == "strict maximum"  # in what matters
    result = tw.optimal_tariff(two(4.0, home=1.0 - 1e-9), "A")
    found = result.second_order()
    assert found.table.loc["A", ["free", "held", "too_small"]].tolist() == [0, 0, 1]
    assert found.verdict == "flat"


# ---- bad input --------------------------------------------------------------------------------


def test_bad_input(monkeypatch):
    world = draw(11, 4, 3)
    with pytest.raises(DataError, match="players cooperate against that: see gain_from_deviating"):
        tw.cooperate(two(), ["A", "B"]).second_order()
    result = tw.optimal_tariff(world, "A")
    war = A_TAXES_B + B_TAXES_A
    with pytest.raises(DataError, match="see gain_from_deviating of the Bargain"):
        tw.bargain(two(), ["A", "B"], threat=war).outcome.second_order()
    for bad in (0, True, np.True_, 1.0):
        with pytest.raises(DataError, match=f"k={bad!r}: give a whole number >= 1"):
            result.second_order(k=bad)
    assert len(result.second_order(k=np.int64(2)).directions["direction"].unique()) == 2
    with pytest.raises(DataError, match="does not say what players want"):
        dataclasses.replace(result, goal=None).second_order()
    monkeypatch.setattr(game_hessian, "DENSE", 2)
    from scipy.sparse import linalg

    def fails(*args, **kwargs):
        raise linalg.ArpackNoConvergence("no convergence", np.zeros(0), np.zeros((0, 0)))

    monkeypatch.setattr(linalg, "eigsh", fails)
    with pytest.raises(ConvergenceError, match="the flattest 3 directions were not found"):
        result.second_order()
