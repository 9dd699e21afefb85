"""Optimal tariffs, Nash and cooperation: closed forms, restrictions, objectives, bad input."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

import tradewar as tw
from tests.game_worlds import A_TAXES_B, B_TAXES_A, draw, two
from tradewar.climb import climb
from tradewar.errors import ConvergenceError, DataError, NotIdentified, ScenarioError

AGREE = 1e-9  # two solves, residuals 1e-11 and 1e-10
RATE = 1e-5  # of a tariff at a top found to a slope of 1e-6; the other's enters to first order
SMALL = 1e-4  # size of the small country, and how far it is from being of no size


def rate(result, importer="A"):
    tariffs = result.tariffs
    [one] = tariffs.loc[tariffs["importer"] == importer, "tariff_new"]
    return one


def foreign_home_share(world, scenario, country="B"):
    """Share of home goods in what a country buys, at border prices."""
    flows = tw.solve_ge(world, scenario).flows
    mine = flows[flows["importer"] == country]
    home = mine["exporter"] == country
    return mine.loc[home, "value_new"].sum() / mine["value_new"].sum()


# ---- closed forms -----------------------------------------------------------------------------


@pytest.mark.parametrize("theta", [2.0, 5.0])
def test_small_economy_taxes_at_one_over_theta(theta):
    result = tw.optimal_tariff(two(theta, size=SMALL), "A")
    assert rate(result) == pytest.approx(1.0 / theta, abs=2.0 * SMALL)


@pytest.mark.parametrize(("theta", "size"), [(3.0, 1.0), (6.0, 2.5)])
def test_large_economy_taxes_at_one_over_theta_and_foreign_home_share(theta, size):
    world = two(theta, size, home=0.85)
    result = tw.optimal_tariff(world, "A")
    share = foreign_home_share(world, result.scenario)
    assert rate(result) == pytest.approx(1.0 / (theta * share), abs=RATE)


@pytest.mark.parametrize("start", ["factual", "free"])
def test_symmetric_nash_equilibrium(start):
    world = two(4.0, home=0.7, tariff=0.2)
    result = tw.nash(world, ["A", "B"], start=start)
    share = foreign_home_share(world, result.scenario)
    for country in ("A", "B"):
        assert rate(result, country) == pytest.approx(1.0 / (4.0 * share), abs=RATE)
    assert result.welfare["A"] == pytest.approx(result.welfare["B"], abs=RATE)
    assert (result.gain_from_deviating <= 1e-8).all()


def test_cooperation_of_equals_is_free_trade():
    result = tw.cooperate(two(4.0, home=0.7, tariff=0.2), ["A", "B"])
    np.testing.assert_allclose(result.tariffs["tariff_new"], 0.0, atol=RATE)
    gains = list(result.info["gains"].values())
    assert gains[0] > 0.0 and gains[0] == pytest.approx(gains[1], rel=1e-4)
    assert (result.gain_from_deviating > 1e-4).all()  # that is why it takes an agreement


# ---- what the answer is -----------------------------------------------------------------------


def test_nothing_tried_beats_the_optimum():
    world = draw(7, inputs=True, rents=True)
    result = tw.optimal_tariff(world, "A")
    best = result.welfare["A"]
    tariffs = result.tariffs
    rng = np.random.default_rng(0)
    for _ in range(6):
        frame = tariffs.assign(
            instrument="tariff",
            set=np.clip(tariffs["tariff_new"] + rng.normal(0, 0.03, len(tariffs)), 0.0, 5.0),
        )[["importer", "exporter", "product", "instrument", "set"]]
        other = tw.solve_ge(world, tw.Scenario.from_frame(frame)).welfare["A"]
        assert other < best


@pytest.mark.parametrize("uniform", ["none", "partners", "products", "all"])
def test_the_scenario_gives_the_same_welfare(uniform):
    world = draw(8, export_taxes=True)
    result = tw.optimal_tariff(world, "B", uniform=uniform)
    again = tw.solve_ge(world, result.scenario)
    np.testing.assert_allclose(result.welfare, again.welfare, atol=AGREE)
    np.testing.assert_allclose(result.ev, again.countries["ev"], rtol=1e-6)
    tariffs = result.tariffs
    by = {"none": None, "partners": "product", "products": "exporter"}.get(uniform, "importer")
    if by is not None:
        assert (tariffs.groupby(by)["tariff_new"].nunique() == 1).all()
    assert len(result.x) == {"none": 6, "partners": 3, "products": 2, "all": 1}[uniform]


def test_freedom_never_hurts():
    world = draw(9)
    value = {u: tw.optimal_tariff(world, "A", uniform=u).welfare["A"]
             for u in ("none", "partners", "products", "all")}  # fmt: skip
    assert value["none"] >= max(value["partners"], value["products"]) - AGREE
    assert min(value["partners"], value["products"]) >= value["all"] - AGREE
    starts = tw.optimal_tariff(world, "A").starts.set_index("start")["payoff"]
    assert starts["from best uniform"] >= starts["best uniform"]
    assert starts["best uniform"] == pytest.approx(np.log1p(value["all"]), abs=1e-9)


def test_partners_and_products_left_out_keep_their_rates():
    world = draw(10)
    result = tw.optimal_tariff(world, "A", against="B", products=["food", "cars"])
    tariffs = result.tariffs
    assert set(tariffs["exporter"]) == {"B"} and set(tariffs["product"]) == {"food", "cars"}
    assert len(tariffs) == 2


def test_bounds_hold():
    world = two(2.0)
    assert rate(tw.optimal_tariff(world, "A", bounds=(0.0, 0.1))) == pytest.approx(0.1)
    assert rate(tw.optimal_tariff(world, "A", bounds=(0.9, 1.0))) == pytest.approx(0.9)


def test_what_others_do_stays():
    world = two(4.0)
    result = tw.optimal_tariff(world, "A", background=B_TAXES_A)
    np.testing.assert_allclose(
        result.welfare, tw.solve_ge(world, result.scenario).welfare, atol=AGREE
    )
    assert result.scenario.rules[0] == B_TAXES_A.rules[0]
    assert "Fixed measures of others: B taxes A." in str(result.card)


def test_an_instrument_in_place_of_tariffs():
    world = two(4.0)
    free = tw.optimal_tariff(world, "A")
    sized = tw.optimal_tariff(world, "A", over={"duty": A_TAXES_B})
    [size] = sized.instruments["size"]
    assert 0.4 * size == pytest.approx(rate(free), abs=RATE)
    assert sized.welfare["A"] == pytest.approx(free.welfare["A"], abs=AGREE)


# ---- objectives -------------------------------------------------------------------------------


def test_neutral_political_weights_are_welfare():
    world = draw(11, rents=True)
    plain = tw.optimal_tariff(world, "A")
    neutral = tw.optimal_tariff(
        world, "A", objective="political", weights=dict.fromkeys(world.products, 1.0)
    )
    np.testing.assert_allclose(
        neutral.tariffs["tariff_new"], plain.tariffs["tariff_new"], atol=1e-3
    )
    assert neutral.payoffs[0] == pytest.approx(plain.payoffs[0], abs=1e-9)


def test_a_favoured_sector_gets_more_protection():
    world = draw(11, rents=True)
    neutral = tw.optimal_tariff(world, "A").tariffs
    frame = pd.DataFrame({"product": world.products, "weight": 1.0})
    frame.loc[frame["product"] == "food", "weight"] = 1.3
    for weights in (frame, frame.assign(country="A"), frame.set_index("product")["weight"]):
        kept = tw.optimal_tariff(world, "A", objective="political", weights=weights).tariffs
        food = kept["product"] == "food"
        assert (kept.loc[food, "tariff_new"] > neutral.loc[food, "tariff_new"]).all()


def test_revenue_is_at_its_peak():
    world = two(4.0)
    result = tw.optimal_tariff(world, "A", objective="revenue")

    def revenue(t):
        scn = tw.Scenario("t").tariff(importer="A", exporter="B", set=t)
        return tw.solve_ge(world, scn).countries.loc["A", "tariff_revenue_new"]

    top = rate(result)
    assert revenue(top) > max(revenue(top - 0.02), revenue(top + 0.02))
    assert top > rate(tw.optimal_tariff(world, "A"))


# ---- prints -----------------------------------------------------------------------------------


def test_result_prints_and_pickles():
    result = tw.optimal_tariff(two(), "A")
    assert "Optimal tariff, deficits fixed" in str(result)
    assert str(pickle.loads(pickle.dumps(result))) == str(result)
    assert "<table" in result._repr_html_()
    card = " ".join(str(result.card).split())
    assert "1 tariff rates from 0 to 5 on 1 flows" in card and "Not priced" in card
    assert result.summary().attrs["unit"]["ev"] == "USD"
    with pytest.raises(AttributeError):
        result.kind = "x"


# ---- bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("player", "options", "error", "message"),
    [
        ("X", {}, ScenarioError, "player 'X' is no country of the world.*it has A, B"),
        ("A", {"against": "Z"}, ScenarioError, "'Z'"),
        ("A", {"bounds": (0.5, 0.1)}, ScenarioError, "two rates are wanted, -1 < low < high"),
        ("A", {"bounds": (-1.0, 1.0)}, ScenarioError, "two rates are wanted, -1 < low < high"),
        ("A", {"uniform": "mfn"}, ScenarioError, "uniform='mfn': give 'none', 'partners'"),
        ("A", {"objective": "votes"}, ScenarioError, "objective='votes': give 'welfare'"),
        ("A", {"objective": "political"}, DataError, '"political" needs weights='),
        (
            "A",
            {"objective": "political", "weights": {"food": 1.0}},
            DataError,
            "sector cars, chips has no weight; 1.0 is neutral",
        ),
        (
            "A",
            {"objective": "political", "weights": {"food": 1.0, "cars": 0.0, "chips": 1.0}},
            DataError,
            "the weight of cars is not above 0",
        ),
        (
            "A",
            {
                "objective": "political",
                "weights": dict.fromkeys(["food", "cars", "chips"], 1.0),
                "labour_supply": 0.5,
            },
            NotIdentified,
            "use va_substitution=1.0 and labour_supply=0.0",
        ),
        (
            "A",
            {"over": {"nothing": tw.Scenario("n").tariff(importer="A", scale=1.0)}},
            ScenarioError,
            "instrument 'nothing' touches nothing",
        ),
        (
            "A",
            {"over": {"tea": tw.Scenario("n").ban(product="tea")}},
            ScenarioError,
            "instrument 'tea'.*'tea'",
        ),
        ("A", {"background": "peace"}, ScenarioError, "background is a str: give a Scenario"),
    ],
)
def test_bad_input(player, options, error, message):
    with pytest.raises(error, match=message):
        tw.optimal_tariff(draw(12), player, **options)


def test_bad_players_of_nash():
    with pytest.raises(ScenarioError, match="give 2 or more distinct countries"):
        tw.nash(two(), ["A"])
    with pytest.raises(ScenarioError, match=r"over=\['C'\]: give a mapping of players"):
        tw.nash(two(), ["A", "B"], over={"C": {"x": A_TAXES_B}})


def test_bounds_that_exclude_the_start():
    world = two(tariff=0.3)
    with pytest.raises(ScenarioError, match=r"bounds exclude the start 'factual': A<-B .* 0\.3"):
        tw.nash(world, ["A", "B"], bounds=(0.0, 0.2))
    with pytest.raises(ScenarioError, match="bounds exclude the start 'free'"):
        tw.nash(world, ["A", "B"], start="free", bounds=(0.1, 0.5))
    with pytest.raises(ScenarioError, match='start=\'war\': give "factual" or "free"'):
        tw.nash(world, ["A", "B"], start="war")


def test_default_bounds_give_way_to_rates_of_today():
    base = draw(15, 2, 2)
    tariff = base._tariff.copy()
    tariff[0, 1, 0] = 6.0
    world = tw.World.from_tables(
        base._trade, theta=4.0, tariff=tariff, countries=["A", "B"], products=["cars", "food"]
    )
    result = tw.nash(world, ["A", "B"])
    assert result.policy.high.max() == pytest.approx(np.log(7.0))
    assert (result.tariffs["tariff_new"] < 5.0).all()


def test_bent_instruments_are_refused():
    world = draw(13)
    twice = {
        "one": tw.Scenario("1").trade_cost(importer="A", exporter="B", ratio=1.5),
        "two": tw.Scenario("2").trade_cost(importer="A", exporter="B", ratio=1.5),
    }
    with pytest.raises(ScenarioError, match="act on the cost of the same flows and do not add up"):
        tw.optimal_tariff(world, "A", over=twice)
    clash = {"B": {"duty": tw.Scenario("d").tariff(importer="A", exporter="B", add=0.1)}}
    with pytest.raises(ScenarioError, match="'duty' and the free tariffs act on the tariff"):
        tw.nash(world, ["A", "B"], over=clash)


def test_cooperation_from_another_result():
    world = draw(14)
    over = {"A": {"against": "B", "uniform": "all"}, "B": {"against": "A", "uniform": "all"}}
    war = tw.nash(world, ["A", "B"], over=over)
    peace = tw.cooperate(world, ["A", "B"], over=over, start=war)
    gained = (1.0 + peace.welfare) - (1.0 + war.welfare)
    assert gained["A"] == pytest.approx(gained["B"], rel=1e-3)
    assert gained["A"] > 0.0
    weighted = tw.cooperate(
        world, ["A", "B"], over=over, gains="weighted", power={"A": 3.0, "B": 1.0}
    )
    assert weighted.welfare["A"] > peace.welfare["A"]
    with pytest.raises(ScenarioError, match="start= is a result in other variables"):
        tw.cooperate(world, ["A", "B"], start=war)
    with pytest.raises(DataError, match='gains=\'fair\': give "equal" or "weighted"'):
        tw.cooperate(world, ["A", "B"], gains="fair")
    with pytest.raises(DataError, match="give one number for each of A, B"):
        tw.cooperate(world, ["A", "B"], gains="weighted", power={"A": 1.0})


# ---- the climber ------------------------------------------------------------------------------


def test_climb_finds_a_top_in_a_box():
    top = np.array([0.3, 2.0, -1.0])

    def function(x):
        return -float(((x - top) ** 2).sum()), -2.0 * (x - top)

    found = climb(
        function, np.zeros(3), low=np.full(3, -0.5), high=np.ones(3), scale=np.full(3, 1.4)
    )
    np.testing.assert_allclose(found.x, [0.3, 1.0, -0.5], atol=1e-6)
    assert found.slope <= 1e-6


def test_climb_that_stops_short_is_an_error():
    def wrong(x):  # a gradient that is none
        return -float((x**2).sum()), np.ones(2)

    with pytest.raises(ConvergenceError, match="the optimiser stopped with a scaled slope of"):
        climb(
            wrong,
            np.full(2, 0.5),
            low=np.full(2, -1.0),
            high=np.ones(2),
            scale=np.ones(2),
            allowed=1e-9,
        )
