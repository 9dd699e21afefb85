"""Instruments: what a size makes of every kind of rule, and what is refused."""

from __future__ import annotations

import pytest

import tradewar as tw
from tests.game_worlds import draw
from tradewar.errors import ScenarioError
from tradewar.game_problem import Evaluator
from tradewar.ge_problem import Closure
from tradewar.instruments import Instrument, read_instruments

FLOW = {"importer": "A", "exporter": "B", "product": "cars"}


def only_rule(scenario: tw.Scenario, size: float) -> tuple[str, dict]:
    [rule] = Instrument("x", scenario).at(size).rules
    return rule.instrument, dict(rule.args)


@pytest.mark.parametrize(
    ("scenario", "size", "instrument", "args"),
    [
        (tw.Scenario("s").tariff(**FLOW, add=0.5), 0.2, "tariff", {"add": 0.1}),
        (tw.Scenario("s").tariff(**FLOW, scale=3.0), 0.5, "tariff", {"scale": 2.0}),
        (tw.Scenario("s").export_tax(**FLOW, add=-0.5), 0.5, "export_tax", {"add": -0.25}),
        (tw.Scenario("s").trade_cost(**FLOW, ratio=1.5), 0.5, "trade_cost", {"ratio": 1.25}),
        (tw.Scenario("s").ban(**FLOW), 0.75, "licence", {"approval": 0.25}),
        (tw.Scenario("s").ban(**FLOW), 1.0, "ban", {}),
        (
            tw.Scenario("s").licence(**FLOW, approval=0.5, delay_cost=0.2),
            0.5,
            "licence",
            {"approval": 0.75, "delay_cost": 0.1},
        ),
        (
            tw.Scenario("s").export_quota(**FLOW, quantity_ratio=0.5),
            0.5,
            "export_quota",
            {"quantity_ratio": 0.75},
        ),
        (
            tw.Scenario("s").entity_list(**FLOW, side="sellers", share=0.4),
            0.5,
            "entity_list",
            {"share": 0.2, "side": "sellers", "leakage": 0.0},
        ),
        (
            tw.Scenario("s").purchase_commitment(**FLOW, value=8.0),
            0.25,
            "purchase_commitment",
            {"value": 2.0},
        ),
        (
            tw.Scenario("s").purchase_commitment(**FLOW, quantity_ratio=2.0),
            0.25,
            "purchase_commitment",
            {"quantity_ratio": 1.25},
        ),
    ],
)
def test_size_of_every_rule(scenario, size, instrument, args):
    found = only_rule(scenario, size)
    assert found[0] == instrument
    assert found[1] == pytest.approx(args)


def test_half_of_a_rate_that_is_set_lies_between_old_and_new():
    world = draw(1)
    half = Instrument("x", tw.Scenario("s").tariff(**FLOW, set=1.0)).at(0.5)
    changes = Evaluator(world, Closure()).read(half)
    n, i, j = (world.countries.index("A"), world.countries.index("B"),
               world.products.index("cars"))  # fmt: skip
    assert changes.tariff.tolist() == pytest.approx([0.5 * (world._tariff[n, i, j] + 1.0)])


def test_a_quota_of_no_size_holds_the_baseline():
    quota = Instrument("x", tw.Scenario("s").import_quota(**FLOW, quantity_ratio=0.5))
    [rule] = quota.at(0.0).rules
    assert dict(rule.args)["quantity_ratio"] == 1.0


def test_no_size_is_no_rule_and_full_size_the_scenario_itself():
    scenario = tw.Scenario("s").tariff(**FLOW, set=1.0).ban(importer="B", exporter="A")
    instrument = Instrument("x", scenario)
    assert instrument.at(0.0).rules == ()
    assert instrument.at(1.0) is scenario


def test_rates():
    rate = Instrument.rate("duty", importer="A", exporter="B", high=2.0)
    [rule] = rate.at(1.5).rules
    assert dict(rule.args) == {"set": 1.5}
    tax = Instrument.rate("tax", exporter="B", rate_of="export_tax")
    assert tax.at(0.5).rules[0].instrument == "export_tax"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Instrument("x", tw.Scenario("s")), "'x' has no rules: it touches nothing"),
        (lambda: Instrument("x", 3), "'x' is a int: give a Scenario"),
        (lambda: Instrument("", tw.Scenario("s")), "give a name"),
        (
            lambda: Instrument("x", tw.Scenario("s").ban(**FLOW), high=2.0),
            r"bounds \(0, 2\) of a size must lie between 0 and 1",
        ),
        (
            lambda: Instrument("x", tw.Scenario("s").ban(**FLOW), low=0.5, high=0.5),
            "must be finite and rise",
        ),
        (lambda: Instrument.rate("x", low=-1.0), r"must be above -1 \(-100 %\)"),
        (lambda: Instrument.rate("x", rate_of="ban"), '"tariff" or "export_tax"'),
        (
            lambda: Instrument("x", tw.Scenario("s").export_quota(**FLOW, quantity=3.0)),
            "a quota of a size needs quantity_ratio=, not quantity=",
        ),
        (
            lambda: Instrument(
                "x", tw.Scenario("s").trq(**FLOW, quantity_ratio=0.5, over_rate=0.4)
            ),
            "rule 1, trq.*: trq has no size",
        ),
        (
            lambda: Instrument("x", tw.Scenario("s").productivity(country="A", ratio=1.1)),
            "productivity has no size",
        ),
        (lambda: read_instruments({}, "over"), "over: give a mapping of names"),
        (lambda: read_instruments([1], "over"), "over: give a mapping of names"),
    ],
)
def test_bad_instruments(make, message):
    with pytest.raises(ScenarioError, match=message):
        make()


def test_a_size_outside_its_bounds():
    instrument = Instrument("x", tw.Scenario("s").ban(**FLOW), high=0.5)
    with pytest.raises(ScenarioError, match=r"'x': 0\.6 lies outside 0 to 0\.5"):
        instrument.at(0.6)
