"""Bargains: textbook problems with known answers, deals and the power they imply, bad input."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

import tradewar as tw
from tests.game_worlds import A_TAXES_B, B_TAXES_A, draw, two
from tradewar.errors import DataError, ScenarioError
from tradewar.pareto import equal_gains, least_gain, most_for, nash_product

CLOSE = 1e-5  # of a split found to a slope of 1e-6
BOTH = {"A": {"against": "B", "uniform": "all"}, "B": {"against": "A", "uniform": "all"}}
WAR = A_TAXES_B + B_TAXES_A


@dataclass
class Pie:
    """A pie that shrinks off the middle: x is the first's part, y is waste or skill.

    Payoffs ``a (x - y^2)`` and ``b (1 - x - y^2)``, times and plus what a test likes: the frontier
    is a straight line.
    """

    scale_of: np.ndarray = field(default_factory=lambda: np.ones(2))
    shift: np.ndarray = field(default_factory=lambda: np.zeros(2))
    low: np.ndarray = field(default_factory=lambda: np.array([-1.0, -1.0]))
    high: np.ndarray = field(default_factory=lambda: np.array([2.0, 1.0]))
    scale: np.ndarray = field(default_factory=lambda: np.ones(2))

    def at(self, x):
        raw = np.array([x[0] - x[1] ** 2, 1.0 - x[0] - x[1] ** 2])
        return self.scale_of * raw + self.shift, x.copy()

    def slopes(self, x, weight):
        first, second = weight * self.scale_of
        return np.array([first - second, -2.0 * x[1] * (first + second)])


@dataclass
class Arc(Pie):
    """Payoffs sin(x) and cos(x), less waste: the frontier is a quarter of a circle."""

    high: np.ndarray = field(default_factory=lambda: np.array([np.pi / 2.0, 1.0]))
    low: np.ndarray = field(default_factory=lambda: np.array([0.0, -1.0]))

    def at(self, x):
        raw = np.array([np.sin(x[0]) - x[1] ** 2, np.cos(x[0]) - x[1] ** 2])
        return self.scale_of * raw + self.shift, x.copy()

    def slopes(self, x, weight):
        first, second = weight * self.scale_of
        return np.array(
            [first * np.cos(x[0]) - second * np.sin(x[0]), -2.0 * x[1] * (first + second)]
        )


BEATEN = 1e-4  # of the largest gain

START = np.array([0.4, 0.3])


@pytest.mark.parametrize("threat", [(0.0, 0.0), (0.2, 0.1), (-0.3, 0.25)])
@pytest.mark.parametrize("power", [0.5, 0.2])
def test_straight_frontier_is_split_by_power(threat, power):
    threat = np.array(threat)
    surplus = 1.0 - threat.sum()
    least = least_gain(Pie(), threat, [START])
    assert least.gains.min() == pytest.approx(surplus / 2.0, rel=0.05)
    found = nash_product(
        Pie(), threat, np.array([power, 1.0 - power]), least.x, size=least.gains.min()
    )
    np.testing.assert_allclose(
        found.payoffs, threat + surplus * np.array([power, 1.0 - power]), atol=CLOSE
    )


def test_nash_bargain_is_invariant_to_affine_rescaling():
    threat = np.array([0.1, 0.2])
    plain = nash_product(Arc(), threat, np.array([0.5, 0.5]), START, size=0.3)
    factor, shift = np.array([7.0, 0.02]), np.array([-3.0, 5.0])
    ground = Arc(scale_of=factor, shift=shift)
    scaled = nash_product(ground, factor * threat + shift, np.array([0.5, 0.5]), START, size=0.02)
    np.testing.assert_allclose(scaled.payoffs, factor * plain.payoffs + shift, rtol=CLOSE)


def test_more_power_never_hurts():
    threat = np.array([0.1, 0.0])
    gains = [
        nash_product(Arc(), threat, np.array([p, 1.0 - p]), START, size=0.3).gains
        for p in (0.1, 0.3, 0.5, 0.7, 0.9)
    ]
    first, second = np.array(gains).T
    assert (np.diff(first) > 0.0).all() and (np.diff(second) < 0.0).all()


def test_equal_gains_and_ends_of_a_circle():
    threat = np.array([0.2, 0.5])
    even = equal_gains(Arc(), threat, START)
    assert even.gains[0] == pytest.approx(even.gains[1], rel=1e-4)
    assert np.hypot(*even.payoffs) == pytest.approx(1.0, abs=CLOSE)
    end = most_for(Arc(), threat, 0, START, size=0.3)
    np.testing.assert_allclose(end.payoffs, [np.sqrt(1.0 - 0.25), 0.5], atol=1e-4)


def test_nothing_to_gain():
    assert least_gain(Arc(), np.array([0.9, 0.9]), [START]).gains.min() < 0.0


# ---- worlds -----------------------------------------------------------------------------------


def test_equals_share_equally():
    world = two(4.0, home=0.7)
    deal = tw.bargain(world, ["A", "B"], threat=WAR)
    gains = deal.gains
    assert gains.loc["A", "gain"] == pytest.approx(gains.loc["B", "gain"], rel=1e-3)
    assert gains["share"].sum() == pytest.approx(1.0)
    np.testing.assert_allclose(deal.tariffs["tariff_new"], 0.0, atol=1e-3)
    assert deal.threat_name == "A taxes B + B taxes A"


def test_transfers_make_the_frontier_nearly_straight_and_power_its_split():
    world = two(4.0, home=0.7)
    threat = "nash"
    splits = []
    for power in (0.25, 0.5, 0.75):
        deal = tw.bargain(world, ["A", "B"], threat=threat, power=power, transfers=10.0)
        splits.append(deal.gains["share"]["A"])
        assert (deal.gains["gain"] > 0.0).all()
    assert splits[1] == pytest.approx(0.5, abs=0.01)
    assert splits == pytest.approx([0.25, 0.5, 0.75], abs=0.05)
    assert splits == sorted(splits)
    assert deal.transfer < 0.0  # B pays A
    assert "Transfers up to 10 USD either way" in str(deal.card)


def test_frontier_and_its_ends():
    deal = tw.bargain(draw(20), ["A", "B"], threat="nash", over=BOTH)
    frontier = deal.frontier(5)
    assert len(frontier) == 7 and frontier["power"].is_monotonic_increasing
    assert (frontier["gain_A"].diff()[1:] > -1e-9).all()
    assert (frontier["gain_B"].diff()[1:] < 1e-9).all()
    assert (frontier[["gain_A", "gain_B"]] > -1e-7).all(axis=None)
    least = deal.minimum_concession().set_index("player")
    assert least.loc["A", "gain"] >= frontier["gain_A"].max() - 1e-9
    assert (least["other_gain"] >= -1e-7).all()
    assert (least["gain_share"] >= 1.0 - 1e-6).all()


def test_power_implied_by_deals():
    world = draw(20)
    half = tw.bargain(world, ["A", "B"], threat="nash", over=BOTH)
    strong = tw.bargain(world, ["A", "B"], threat="nash", over=BOTH, power=0.7)
    found = half.implied_power(strong)
    assert found.power == pytest.approx(0.7, abs=0.01)
    assert found.reached == pytest.approx(1.0, abs=1e-4)
    ratio = found.slope * found.gains[0] / found.gains[1]
    assert ratio == pytest.approx(found.power / (1.0 - found.power), rel=1e-3)
    assert "lies on the frontier" in str(found)
    mild = tw.Scenario("mild").tariff(importer="A", exporter="B", scale=0.9)
    mild = mild.tariff(importer="B", exporter="A", scale=0.9)
    inside = half.implied_power(mild)
    assert 0.0 < inside.reached < 1.0 and "of the gains on the frontier" in str(inside)
    loss = half.implied_power(A_TAXES_B)
    assert np.isnan(loss.power) and "no bargaining power rationalises a loss" in str(loss)


def test_issues_are_traded():
    world = draw(21)
    over = {
        "A": {"duty": tw.Scenario("d").tariff(importer="A", exporter="B", product="food", add=0.5)},
        "B": {"curb": tw.Scenario("c").export_quota(exporter="B", importer="A", product="chips",
                                                    quantity_ratio=0.5)},
    }  # fmt: skip
    both = over["A"]["duty"] + over["B"]["curb"]
    deal = tw.bargain(world, ["A", "B"], threat=both, over=over)
    assert (deal.gains["gain"] > 0.0).all()
    assert deal.instruments["instrument"].tolist() == ["duty", "curb"]
    again = tw.solve_ge(world, deal.scenario).welfare
    np.testing.assert_allclose(deal.welfare, again, atol=1e-7)
    assert (deal.gain_from_deviating >= -1e-9).all()


def test_threats_of_every_kind_agree():
    world = two(4.0, home=0.7)
    result = tw.solve_ge(world, WAR)
    deals = [
        tw.bargain(world, ["A", "B"], threat=threat).gains["no_deal"]
        for threat in (WAR, result, result.welfare, dict(result.welfare))
    ]
    for other in deals[1:]:
        np.testing.assert_allclose(other, deals[0], atol=1e-9)
    quiet = tw.bargain(world, ["A", "B"], threat=WAR, power={"A": 3.0, "B": 1.0})
    assert quiet.power.tolist() == [0.75, 0.25]


def test_prints_and_pickles():
    deal = tw.bargain(two(4.0, home=0.7), ["A", "B"], threat=WAR)
    assert "Nash bargain against A taxes B + B taxes A" in str(deal)
    again = pickle.loads(pickle.dumps(deal))
    assert str(again) == str(deal)
    assert again.frontier(2).equals(deal.frontier(2))
    assert "<table" in deal._repr_html_()
    assert "Bargaining power: A 0.5, B 0.5." in str(deal.card)
    assert "(see .starts)" in str(deal.card)
    chosen = deal.starts.set_index("chosen").loc[True]
    reached = [chosen["payoff_A"], chosen["payoff_B"]]
    np.testing.assert_allclose(reached, deal.welfare[["A", "B"]], atol=1e-9)  # fractions
    assert deal.starts.attrs["unit"]["payoff_A"] == "fraction"


def test_no_gains_from_agreement():
    world = two(4.0, home=0.7)
    with pytest.raises(
        ScenarioError, match=r"no gains from agreement.*leaves [AB] -?[\d.e-]+ % of"
    ):
        tw.bargain(world, ["A", "B"], threat="status quo")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"threat": "war"}, ScenarioError, 'threat=\'war\': give "nash", "status quo"'),
        ({"threat": {"A": 0.0}}, ScenarioError, "threat: no welfare change of B"),
        ({"threat": WAR, "power": 1.0}, DataError, "powers lie between 0 and 1"),
        ({"threat": WAR, "power": {"A": 1.0}}, DataError, "give one number for each of"),
        ({"threat": WAR, "transfers": -1.0}, DataError, "give the most that is paid"),
        (
            {"threat": WAR, "transfers": 1.0, "deficits": "zero"},
            ScenarioError,
            "deficits='zero' leaves no room",
        ),
        ({"threat": WAR, "players": ["A", "X"]}, ScenarioError, "'X' is no country of the world"),
    ],
)
def test_bad_input(options, error, message):
    players = options.pop("players", ["A", "B"])
    with pytest.raises(error, match=message):
        tw.bargain(two(), players, **options)


def worlds_with_two_tops(seed):
    """Draw a world in which two players gain most by taxing a third."""
    rng = np.random.default_rng(seed)
    products = int(rng.integers(1, 4))
    inputs, rents, taxes = (rng.random() < part for part in (0.6, 0.5, 0.5))
    return draw(seed, 3, products, inputs=inputs, rents=rents, export_taxes=taxes)


@pytest.mark.parametrize("seed", [391, 305])
def test_no_point_of_a_frontier_is_beaten_not_even_an_end(seed):
    deal = tw.bargain(worlds_with_two_tops(seed), ["A", "B"], threat=WAR)
    gains = deal.frontier(5)[["gain_A", "gain_B"]].to_numpy()
    beats = (gains[:, None, :] > gains[None, :, :] + BEATEN * gains.max()).all(axis=2)
    assert not beats.any()
    least = deal.minimum_concession()
    assert (least["gain_share"] >= 1.0 - 1e-6).all()


def test_an_alliance_against_a_third_country_is_found():
    deal = tw.bargain(worlds_with_two_tops(240), ["A", "B"], threat=WAR)
    starts = deal.starts.set_index("start")["ln_product"]
    assert starts["from an alliance"] == pytest.approx(starts.max(), abs=1e-6)
    assert starts["from an alliance"] > starts["from the most even gains"] + 0.1


@pytest.mark.parametrize("gains", ["equal", "weighted"])
def test_cooperation_finds_an_alliance_too(gains):
    found = tw.cooperate(worlds_with_two_tops(240), ["A", "B"], gains=gains)
    assert found.starts.set_index("start").loc["an alliance", "chosen"]
    assert np.mean(list(found.info["gains"].values())) > 0.1  # 0.016 from today's tariffs


def test_ends_are_sought_from_more_than_one_start():
    world = draw(10, 4, 3)
    deal = tw.bargain(world, ["A", "B"], threat=WAR, objective="revenue")
    assert deal.minimum_concession()["gain"][0] == pytest.approx(0.09735, abs=1e-4)  # not 0.0710


@pytest.mark.parametrize("points", [0, -3, 2.5, float("nan"), True, "9"])
def test_a_number_of_points_that_is_none(points):
    deal = tw.bargain(two(), ["A", "B"], threat=WAR, over=BOTH)
    with pytest.raises(DataError, match=f"points={points!r}: give a whole number >= 1"):
        deal.frontier(points)


def test_the_order_of_questions_does_not_matter():
    world = draw(305)
    first, second = (tw.bargain(world, list(world.countries[:2]), threat="nash") for _ in range(2))
    least = first.minimum_concession()
    second.frontier()
    pd.testing.assert_frame_equal(least, second.minimum_concession())
    first.frontier()
    pd.testing.assert_frame_equal(least, first.minimum_concession())
