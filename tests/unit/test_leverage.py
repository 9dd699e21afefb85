"""`leverage`: both sides' harm at a stated size and at the margin, ranges, notes, bad input."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import tradewar as tw
from tests.game_worlds import draw
from tradewar.errors import ScenarioError

MARGIN = 1e-4  # relative, of a slope from two one-sided steps
DUTY = tw.Scenario("duty").tariff(importer="A", exporter="B", product="food", add=0.5)
BAN = tw.Scenario("ban").ban(importer="A", exporter="B", product="cars")
CURB = tw.Scenario("curb").export_quota(
    exporter="A", importer="B", product="chips", quantity_ratio=0.3
)
QUOTA = tw.Scenario("trq").trq(
    importer="A", exporter="B", product="food", quantity_ratio=0.5, over_rate=0.9, in_rate=0.1
)


def test_pairs_are_those_of_solved_scenarios():
    world = draw(30)
    found = tw.leverage(
        world, own="A", other="B", instruments={"duty": DUTY, "ban": BAN, "curb": CURB}
    )
    table = found.table.set_index("instrument")
    for name, scenario in (("duty", DUTY), ("ban", BAN), ("curb", CURB)):
        ev = tw.solve_ge(world, scenario).countries["ev"]
        assert table.loc[name, "own_ev"] == pytest.approx(ev["A"], abs=1e-6)
        assert table.loc[name, "other_ev"] == pytest.approx(ev["B"], abs=1e-6)
    assert table["other_ev"].is_monotonic_increasing
    both = (table["own_ev"] < 0) & (table["other_ev"] < 0)
    np.testing.assert_allclose(table["ratio"][both], (table["other_ev"] / table["own_ev"])[both])
    assert table["ratio"][~both].isna().all()


def test_marginal_pair_is_the_slope_at_nothing():
    world = draw(30)
    found = tw.leverage(world, own="A", other="B", instruments={"duty": DUTY, "curb": CURB})
    table = found.table.set_index("instrument")
    step = 1e-4
    tax = tw.Scenario("t").tariff(importer="A", exporter="B", product="food", add=0.5 * step)
    ev = tw.solve_ge(world, tax, tol=1e-13).countries["ev"] / step
    assert table.loc["duty", "own_marginal"] == pytest.approx(0.01 * ev["A"], rel=1e-3)
    assert table.loc["duty", "other_marginal"] == pytest.approx(0.01 * ev["B"], rel=1e-3)
    assert np.isfinite(table.loc["curb", ["own_marginal", "other_marginal"]].astype(float)).all()


def test_an_own_gain_is_said_and_has_no_ratio():
    small = tw.Scenario("small").tariff(importer="A", exporter="B", add=0.02)
    table = tw.leverage(draw(31, 2, inputs=False), own="A", other="B",
                        instruments={"small": small}).table  # fmt: skip
    [row] = table.to_dict("records")
    assert row["own_ev"] > 0.0 > row["other_ev"]
    assert np.isnan(row["ratio"])
    assert row["note"] == "A gains: within the range of an optimal tariff, no sacrifice"


def test_no_harm_is_said():
    gift = tw.Scenario("gift").tariff(importer="A", exporter="B", scale=0.0)
    [row] = tw.leverage(draw(30), own="A", other="B", instruments={"gift": gift}).table.to_dict(
        "records"
    )
    if row["own_ev"] <= 0.0:
        assert row["note"] == "B is not harmed: no leverage"
    assert row["other_ev"] > 0.0 and np.isnan(row["ratio"])


def test_instruments_without_a_size_have_no_margin():
    [row] = tw.leverage(draw(30), own="A", other="B", instruments={"trq": QUOTA}).table.to_dict(
        "records"
    )
    assert np.isnan(row["own_marginal"])
    if row["own_ev"] < 0.0 and row["other_ev"] < 0.0:
        assert row["note"] == "no marginal pair: the instrument has no size"


def test_ranges_over_elasticities_and_closures():
    found = tw.leverage(
        draw(30),
        own="A",
        other="B",
        instruments={"ban": BAN},
        elasticities={"theta 2": 2.0},
        closures=["income"],
    )
    assert found.variants == ("base", "deficits income", "theta 2", "theta 2, deficits income")
    [row] = found.table.to_dict("records")
    assert row["own_low"] <= row["own_ev"] <= row["own_high"]
    assert row["other_low"] < row["other_high"]
    assert "[" in str(found)
    assert "Ranges: 4 variants" in str(found.card)


def test_prints_and_pickles():
    found = tw.leverage(draw(30), own="A", other="B", instruments={"ban": BAN})
    assert "Leverage of A over B" in str(found)
    assert str(pickle.loads(pickle.dumps(found))) == str(found)
    assert "<table" in found._repr_html_()
    assert found.table.attrs["unit"]["own_ev"] == "million USD"
    assert "Not priced" in found.table.attrs["card"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"own": "X"}, "player 'X' is no country"),
        ({"other": "A"}, "give 2 or more distinct countries"),
        ({"instruments": {}}, "instruments: give a mapping of names"),
        ({"instruments": {"x": 3}}, "'x' is a int: give a Scenario"),
        ({"instruments": {"x": tw.Scenario("x")}}, "'x' has no rules: it touches nothing"),
        ({"instruments": {"tea": tw.Scenario("tea").ban(product="tea")}}, "'tea'.*'tea'"),
        (
            {"instruments": {"r": tw.Instrument.rate("r", importer="A", exporter="B")}},
            "'r' is a rate without a stated size",
        ),
    ],
)
def test_bad_input(options, message):
    given = {"own": "A", "other": "B", "instruments": {"ban": BAN}} | options
    with pytest.raises(ScenarioError, match=message):
        tw.leverage(draw(30), **given)
