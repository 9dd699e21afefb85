"""Games on drawn economies: gradients against differences, and what must hold of every answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tradewar as tw
from tests.game_worlds import A_TAXES_B, B_TAXES_A, draw
from tradewar.arena import make_arena
from tradewar.closures import make_closure

STEP = 1e-4  # in ln(1 + t), for central differences
SLOPE = 1e-6  # relative to the largest slope: steps of 1e-4 leave squares of them
DEVIATION = 1e-8
MONEY = 1e-6  # relative: searches in other units end elsewhere
CLOSURES = [
    {},
    {"labour_supply": 0.4, "revenue": "income_tax"},
    {"va_substitution": 0.5, "input_substitution": 0.3, "final_substitution": 0.7},
    {"deficits": "income", "final_substitution": 2.0},
    {"deficits": "zero", "labour_supply": 0.2},
]
FEW = settings(max_examples=8)  # each example is a search of its own

worlds = st.builds(
    draw,
    st.integers(0, 10_000),
    st.integers(2, 4),
    st.integers(1, 3),
    inputs=st.booleans(),
    rents=st.booleans(),
    export_taxes=st.booleans(),
)


def slopes_and_differences(arena, seed, low=0.0, high=0.5):
    rng = np.random.default_rng(seed)
    payoff = arena.payoff
    payoff.evaluator.tol = 1e-13
    x = rng.uniform(low, high, len(arena.policy.low))
    weight = rng.normal(size=len(arena.players))
    point = payoff.at(x)[1]
    slopes = payoff.slopes(point, weight)
    found = []
    for k in rng.choice(len(x), min(len(x), 4), replace=False):
        ends = []
        for side in (STEP, -STEP):
            moved = x.copy()
            moved[k] += side
            ends.append(float(weight @ payoff.at(moved)[0]))
        found.append((k, (ends[0] - ends[1]) / (2.0 * STEP)))
    places, numbers = (np.array(part) for part in zip(*found, strict=True))
    return slopes[places], numbers, np.abs(slopes).max()


@given(worlds, st.sampled_from(CLOSURES), st.integers(0, 100))
def test_gradient_of_welfare_by_tariffs(world, closure, seed):
    arena = make_arena(world, list(world.countries), closure=make_closure(closure), least=2)
    slopes, numbers, largest = slopes_and_differences(arena, seed)
    np.testing.assert_allclose(slopes, numbers, atol=SLOPE * largest)


@given(worlds, st.sampled_from(["political", "revenue"]), st.integers(0, 100))
def test_gradient_of_other_objectives(world, objective, seed):
    rng = np.random.default_rng(seed)
    weights = dict(zip(world.products, rng.uniform(0.7, 1.4, len(world.products)), strict=True))
    arena = make_arena(
        world,
        list(world.countries),
        objective=objective,
        weights=weights,
        closure=make_closure({}),
        least=2,
    )
    slopes, numbers, largest = slopes_and_differences(arena, seed)
    np.testing.assert_allclose(slopes, numbers, atol=SLOPE * largest)


@given(st.integers(0, 10_000), st.sampled_from(CLOSURES))
def test_gradient_by_sizes_of_instruments(seed, closure):
    world = draw(seed, 3, 3, export_taxes=True, rents=True)
    at = {"importer": "A", "exporter": "B"}
    over = {
        "A": {
            "duty": tw.Scenario("duty").tariff(**at, product="food", add=0.6),
            "half": tw.Scenario("half").tariff(**at, product="cars", scale=0.2),
            "ban": tw.Scenario("ban").ban(importer="A", exporter="C", product="cars"),
            "quota": tw.Scenario("quota").import_quota(**at, product="chips", quantity_ratio=0.4),
        },
        "B": {
            "tax": tw.Scenario("tax").export_tax(importer="C", exporter="B", set=0.4),
            "slow": tw.Scenario("slow").licence(
                importer="B", exporter="A", approval=0.5, delay_cost=0.3
            ),
            "buy": tw.Scenario("buy").purchase_commitment(
                importer="B", exporter="C", product="food", quantity_ratio=1.6
            ),
        },
    }
    arena = make_arena(world, ["A", "B"], over=over, closure=make_closure(closure), least=2)
    slopes, numbers, largest = slopes_and_differences(arena, seed, 0.3, 0.7)
    np.testing.assert_allclose(slopes, numbers, atol=SLOPE * largest)


@FEW
@given(worlds)
def test_best_tariffs_help_and_leave_nothing_to_gain(world):
    result = tw.optimal_tariff(world, "A")
    factual = np.clip(result.policy.factual(), result.policy.low, result.policy.high)
    assert result.payoffs[0] >= -1e-12  # today's tariffs are a choice
    assert (factual >= 0.0).all()
    assert result.starts["below_best"].min() == 0.0
    again = tw.solve_ge(world, result.scenario)
    np.testing.assert_allclose(result.welfare, again.welfare, atol=1e-8)


@FEW
@given(worlds)
def test_nobody_gains_by_leaving_a_nash_equilibrium(world):
    result = tw.nash(world, ["A", "B"])
    assert (result.gain_from_deviating <= DEVIATION).all()
    for player in ("A", "B"):
        other = "B" if player == "A" else "A"
        frame = result.tariffs[result.tariffs["importer"] == other]
        frame = frame.assign(instrument="tariff", set=frame["tariff_new"])
        fixed = tw.Scenario.from_frame(
            frame[["importer", "exporter", "product", "instrument", "set"]]
        )
        alone = tw.optimal_tariff(world, player, background=fixed)
        assert alone.payoffs[0] <= np.log1p(result.welfare[player]) + DEVIATION


@FEW
@given(st.integers(0, 10_000), st.booleans())
def test_bargains_beat_their_threat_and_grow_with_power(seed, transfers):
    world = draw(seed, 3, 2)
    over = {p: {"against": q, "uniform": "all"} for p, q in (("A", "B"), ("B", "A"))}
    money = 0.02 * float(world._income.min()) if transfers else None
    gains = []
    for power in (0.25, 0.5, 0.75):
        deal = tw.bargain(
            world, ["A", "B"], threat=A_TAXES_B + B_TAXES_A, over=over, power=power, transfers=money
        )
        gains.append(deal.gains["gain"].to_numpy())
        assert (gains[-1] > 0.0).all()
    first, second = np.array(gains).T
    assert (np.diff(first) > -1e-7).all() and (np.diff(second) < 1e-7).all()


@FEW
@given(st.integers(0, 10_000))
def test_units_of_money_change_nothing(seed):
    world = draw(seed, 3, 2)
    scaled = tw.World.from_tables(
        1000.0 * world._trade,
        theta=world._theta,
        tariff=world._tariff,
        input_use=world._input_use,
        value_added=world._value_added,
        countries=list(world.countries),
        products=list(world.products),
    )
    threat = A_TAXES_B + B_TAXES_A
    one, other = (tw.bargain(w, ["A", "B"], threat=threat) for w in (world, scaled))
    np.testing.assert_allclose(one.gains["gain"], other.gains["gain"], atol=MONEY)
    np.testing.assert_allclose(
        1000.0 * one.gains["gain_money"], other.gains["gain_money"], rtol=1e-2
    )


@FEW
@given(st.integers(0, 10_000))
def test_order_of_players_and_strategies_changes_nothing(seed):
    world = draw(seed, 3, 2)
    peace = tw.Scenario("peace")
    a, b = {"peace": peace, "tax": A_TAXES_B}, {"peace": peace, "tax": B_TAXES_A}
    game = tw.payoffs(world, A=a, B=b)
    turned = tw.payoffs(world, B=b, A=a)
    np.testing.assert_allclose(game.payoff, np.swapaxes(turned.payoff[:, ::-1], 2, 3), atol=1e-9)
    found = game.equilibria()[["A", "B"]].values.tolist()
    assert sorted(found) == sorted(turned.equilibria()[["A", "B"]].values.tolist())
    deals = [
        g.self_enforcing(deal=("peace", "peace"), no_deal=("tax", "tax")) for g in (game, turned)
    ]
    assert deals[0].discount_factor == pytest.approx(
        deals[1].discount_factor, abs=1e-5, nan_ok=True
    )
