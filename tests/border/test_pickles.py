"""Every public object survives a pickle and a deep copy."""

from __future__ import annotations

import copy
import inspect
import pickle

import numpy as np
import pandas as pd
import pytest

import tradewar as tw
from tests import game_worlds
from tests.border import worlds
from tradewar import elasticities
from tradewar.errors import ConvergenceError, TradewarError

PROTOCOLS = range(2, pickle.HIGHEST_PROTOCOL + 1)
OBJECTS = {
    "TradeData": worlds.data,
    "TradeData of a dataset": tw.datasets.us_imports_2024,
    "DataReport": lambda: worlds.data().report,
    "Scenario": worlds.scenario,
    "Schedule": worlds.schedule,
    "Rule": lambda: worlds.scenario().rules[0],
    "PEResult": worlds.solve,
    "Runs": lambda: tw.solve_many(
        worlds.data(), [worlds.scenario(), tw.Scenario("nothing")], **worlds.ELASTICITIES
    ),
    "SpatialResult": worlds.spatial,
    "World": worlds.economy,
    "GEResult": worlds.solve_economy,
    "Runs of an economy": lambda: tw.solve_many(
        worlds.economy(), [worlds.war(), tw.Scenario("nothing")]
    ),
    "Payoffs": game_worlds.dilemma,
    "PolicyResult": lambda: tw.optimal_tariff(game_worlds.two(), "A"),
    "Bargain": lambda: tw.bargain(
        game_worlds.two(), ["A", "B"], threat=game_worlds.A_TAXES_B + game_worlds.B_TAXES_A
    ),
    "Leverage": lambda: tw.leverage(
        game_worlds.two(), own="A", other="B", instruments={"duty": game_worlds.A_TAXES_B}
    ),
    "Instrument": lambda: tw.Instrument("duty", game_worlds.A_TAXES_B),
    "ElasticitySet": lambda: elasticities.get_set("us_2018_19"),
    "ConvergenceError": lambda: ConvergenceError("TW_NOCONV", 500, 0.1, 3, None, ("010121",)),
}


def text(thing: object) -> str:
    """Return what a person sees of an object."""
    return f"{type(thing).__name__}\n{thing}\n{thing!r}"


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("make", OBJECTS.values(), ids=OBJECTS)
def test_pickle(make, protocol):
    thing = make()
    again = pickle.loads(pickle.dumps(thing, protocol))
    assert type(again) is type(thing)
    assert text(again) == text(thing)


@pytest.mark.parametrize("make", OBJECTS.values(), ids=OBJECTS)
def test_deep_copy(make):
    thing = make()
    assert text(copy.deepcopy(thing)) == text(thing)


def test_every_public_class_is_covered():
    classes = {name for name in tw.__all__ if inspect.isclass(getattr(tw, name))}
    made = {type(make()).__name__ for make in OBJECTS.values()}
    raised = {name for name in classes if issubclass(getattr(tw, name), (Exception, Warning))}
    assert classes - raised <= made


def test_tables_of_a_pickled_result():
    result = worlds.solve()
    again = pickle.loads(pickle.dumps(result))
    for name in ("flows", "importers", "exporters", "countries", "markets"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(result, name))
    pd.testing.assert_frame_equal(again.incidence(), result.incidence())
    assert str(again.card) == str(result.card)


def test_arrays_stay_read_only():
    again = pickle.loads(pickle.dumps(worlds.data()))
    with pytest.raises(ValueError, match="read-only"):
        again._value[0] = 1.0
    solved = worlds.solve(again)
    np.testing.assert_array_equal(solved.flows["value"], worlds.solve().flows["value"])


def test_scenarios_are_equal_and_hash_alike_after_a_pickle():
    scenario = worlds.scenario()
    again = pickle.loads(pickle.dumps(scenario))
    assert again == scenario
    assert hash(again) == hash(scenario)


def errors() -> list[type[TradewarError]]:
    """List the exceptions that take one message."""
    found = vars(tw.errors).values()
    every = [e for e in found if inspect.isclass(e) and issubclass(e, (Exception, Warning))]
    return [error for error in every if error is not ConvergenceError]


@pytest.mark.parametrize("error", errors(), ids=lambda error: error.__name__)
def test_errors(error):
    again = pickle.loads(pickle.dumps(error("what is wrong")))
    assert type(again) is error
    assert str(again) == "what is wrong"


def test_convergence_error_keeps_what_it_carries():
    last = np.array([1.0, 2.0])
    error = ConvergenceError("TW_NOCONV", 500, 0.25, 3, last, ("010121", "010129"))
    again = pickle.loads(pickle.dumps(error))
    assert (again.status, again.iterations, again.residual) == ("TW_NOCONV", 500, 0.25)
    assert (again.where, again.labels) == (3, ("010121", "010129"))
    np.testing.assert_array_equal(again.last, last)
    assert str(again) == str(error)
