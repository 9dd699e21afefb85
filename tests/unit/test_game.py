"""`payoffs`: cells are solved scenarios; closures and elasticities as ranges; bad input."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import tradewar as tw
from tests.game_worlds import A_TAXES_B, B_TAXES_A, dilemma, draw, two
from tradewar.errors import ConvergenceError, DataError, ScenarioError

AGREE = 1e-9  # two solves with tolerances of 1e-10 on every market
QUOTA = tw.Scenario("quota").export_quota(exporter="B", importer="C", quantity_ratio=0.6)
SAME_FLOWS = tw.Scenario("rebate").tariff(importer="A", exporter="B", scale=0.5)
PEACE = tw.Scenario("peace")


def test_tariff_war_is_a_dilemma():
    game = dilemma()
    assert game.equilibria()[["A", "B", "strict"]].values.tolist() == [["tax", "tax", True]]
    deal = game.self_enforcing(deal=("free", "free"), no_deal=("tax", "tax"))
    assert deal.valid and 0.0 < deal.discount_factor < 1.0
    by_hand = game.table("percent")
    best, kept, broken = (
        by_hand.loc[row, (column, "A")]
        for row, column in (("tax", "free"), ("free", "free"), ("tax", "tax"))
    )
    assert deal.table["discount_factor"][0] == pytest.approx((best - kept) / (best - broken))


def test_every_cell_is_the_scenario_of_both_sides():
    world = draw(2, inputs=True, rents=True, export_taxes=True)
    rows = {"peace": PEACE, "tax": A_TAXES_B, "tax and more": A_TAXES_B + SAME_FLOWS}
    columns = {"peace": PEACE, "quota": QUOTA, "rebate": SAME_FLOWS, "tax": B_TAXES_A}
    game = tw.payoffs(world, A=rows, B=columns, deficits="income")
    for r, c in game.welfare.columns:
        both = rows[r] + columns[c]
        alone = tw.solve_ge(world, both, deficits="income")
        np.testing.assert_allclose(game.welfare[(r, c)], alone.welfare, atol=AGREE)
        assert game.scenario(r, c).rules == both.rules
        money = game.table("million USD")
        for player in ("A", "B"):
            assert money.loc[r, (c, player)] == pytest.approx(
                alone.countries.loc[player, "ev"], abs=1e-6
            )


def test_rules_on_the_same_flows_are_composed_in_order():
    world = draw(3)
    add = tw.Scenario("add").tariff(importer="A", exporter="B", add=0.5)
    scale = tw.Scenario("scale").tariff(importer="A", exporter="B", scale=0.0)
    game = tw.payoffs(world, A={"add": add}, B={"scale": scale})
    alone = tw.solve_ge(world, add + scale)
    np.testing.assert_allclose(game.welfare[("add", "scale")], alone.welfare, atol=AGREE)


def test_variants_are_every_combination():
    world = draw(4)
    game = tw.payoffs(
        world,
        A={"peace": PEACE, "tax": A_TAXES_B},
        B={"peace": PEACE, "tax": B_TAXES_A},
        elasticities={"theta 8": 8.0},
        closures={"relief": {"revenue": "income_tax", "labour_supply": 0.3}},
    )
    assert game.variants == ("base", "relief", "theta 8", "theta 8, relief")
    changed = tw.solve_ge(
        draw_with_theta(world, 8.0), A_TAXES_B, revenue="income_tax", labour_supply=0.3
    )
    long = game.to_frame("million USD")
    row = long[
        (long["variant"] == "theta 8, relief")
        & (long["A"] == "tax")
        & (long["B"] == "peace")
        & (long["player"] == "A")
    ]
    assert row["payoff"].item() == pytest.approx(changed.countries.loc["A", "ev"], abs=1e-6)
    assert "Ranges: 4 variants" in str(game.card)


def draw_with_theta(world: tw.World, theta: float) -> tw.World:
    return tw.World.from_tables(
        world._trade,
        theta=theta,
        tariff=world._tariff,
        input_use=world._input_use,
        value_added=world._value_added,
        countries=list(world.countries),
        products=list(world.products),
        value_unit=world.value_unit,
    )


def test_under_vanishing_deficits_the_status_quo_is_the_world_without_them():
    world = draw(5)
    assert world._deficit.any()
    game = tw.payoffs(world, A={"peace": PEACE}, B={"peace": PEACE}, deficits="zero")
    np.testing.assert_allclose(game.payoff, 0.0, atol=AGREE)
    taxed = tw.payoffs(world, A={"tax": A_TAXES_B}, B={"peace": PEACE}, deficits="zero")
    gone = tw.solve_ge(world, PEACE, deficits="zero").welfare
    both = tw.solve_ge(world, A_TAXES_B, deficits="zero").welfare
    np.testing.assert_allclose(
        taxed.welfare[("tax", "peace")], (1.0 + both) / (1.0 + gone) - 1.0, atol=AGREE
    )


def test_threads_change_nothing():
    strategies = {"peace": PEACE, "tax": A_TAXES_B}, {"peace": PEACE, "tax": B_TAXES_A}
    one = tw.payoffs(draw(6), A=strategies[0], B=strategies[1], threads=1)
    two_threads = tw.payoffs(draw(6), A=strategies[0], B=strategies[1], threads=2)
    np.testing.assert_array_equal(one.payoff, two_threads.payoff)


def test_prints_and_pickles():
    game = dilemma()
    assert "pure equilibria: (tax, tax)" in str(game)
    assert str(pickle.loads(pickle.dumps(game))) == str(game)
    assert "Closure: deficits fixed" in " ".join(str(game.card).split())
    assert game.table().attrs["unit"] == "USD"


@pytest.mark.parametrize(
    ("players", "error", "message"),
    [
        ({"A": {"peace": PEACE}}, ScenarioError, r"1 players \(A\): give two countries"),
        (
            {"A": {"peace": PEACE}, "X": {"peace": PEACE}},
            ScenarioError,
            "player 'X' is no country of the world.*it has A, B",
        ),
        (
            {"A": {"peace": PEACE}, "B": {}},
            ScenarioError,
            "B: give a mapping of names of strategies",
        ),
        (
            {"A": {"peace": PEACE}, "B": {"war": 3}},
            ScenarioError,
            "B, strategy 'war' is a int: give a Scenario",
        ),
        (
            {"A": {"x": tw.Scenario("x").ban(product="tea")}, "B": {"peace": PEACE}},
            ScenarioError,
            "A, strategy 'x': rule 1, ban.*'tea'",
        ),
    ],
)
def test_bad_players(players, error, message):
    with pytest.raises(error, match=message):
        tw.payoffs(two(), **players)


def test_bad_options():
    players = {"A": {"peace": PEACE}, "B": {"peace": PEACE}}
    with pytest.raises(DataError, match="deficits='none': choose one of"):
        tw.payoffs(two(), **players, deficits="none")
    with pytest.raises(DataError, match="labour_supply=-1: give a number >= 0"):
        tw.payoffs(two(), **players, labour_supply=-1)
    with pytest.raises(DataError, match="deficit= is no option of a closure; did you mean"):
        tw.payoffs(two(), **players, closures={"x": {"deficit": "zero"}})
    with pytest.raises(DataError, match=r"elasticities\['x'\] is a World of other labels"):
        tw.payoffs(two(), **players, elasticities={"x": draw(1)})
    with pytest.raises(DataError, match="theta must be above 0"):
        tw.payoffs(two(), **players, elasticities={"x": -2.0})
    with pytest.raises(DataError, match="world is a int"):
        tw.payoffs(3, **players)


def test_a_cell_without_a_solution_is_named():
    trade = np.array([[10.0, 10.0], [60.0, 40.0]])[:, :, None]
    world = tw.World.from_tables(trade, theta=4.0, tariff=0.0, countries=["A", "B"])
    cut = tw.Scenario("cut").trade_cost(importer="B", exporter="A", ratio=1e4)
    with pytest.raises(ConvergenceError, match=r"\(cut, peace\)"):
        tw.payoffs(world, A={"cut": cut, "peace": PEACE}, B={"peace": PEACE})
