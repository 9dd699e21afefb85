"""Payoff tables: equilibria, dominance, and deals that hold by themselves."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pandas as pd
import pytest

from tradewar import normal_form
from tradewar.errors import DataError, ScenarioError
from tradewar.payoff_table import CANNOT_PRICE, Payoffs

ROUNDING = 1e-12
NAMES = ["silent", "confess"]


def prisoners() -> Payoffs:
    return Payoffs.from_matrices(
        [[-1, -3], [0, -2]], [[-1, 0], [-3, -2]], players=("Al", "Bo"), rows=NAMES, columns=NAMES
    )


def pennies() -> Payoffs:
    return Payoffs.from_matrices(
        [[1, -1], [-1, 1]], [[-1, 1], [1, -1]], rows=["h", "t"], columns=["h", "t"]
    )


def solvable() -> Payoffs:
    """Two rounds in which strategies of both players go, then the middle column."""
    return Payoffs.from_matrices(
        [[1, 1, 0], [0, 0, 2]],
        [[0, 2, 1], [3, 1, 0]],
        rows=["up", "down"],
        columns=["left", "middle", "right"],
    )


# ---- equilibria -------------------------------------------------------------------------------


def test_prisoners_dilemma_has_one_strict_equilibrium():
    found = prisoners().equilibria()
    assert found.columns.tolist() == ["Al", "Bo", "payoff_Al", "payoff_Bo", "strict", "share"]
    assert found.values.tolist() == [["confess", "confess", -2.0, -2.0, True, 1.0]]
    assert found.attrs["note"] == ""


def test_matching_pennies_has_none_in_pure_strategies_and_says_so():
    found = pennies().equilibria()
    assert found.empty
    assert "no equilibrium in pure strategies" in found.attrs["note"]
    assert "no equilibrium in pure strategies" in str(pennies())


def test_matching_pennies_in_mixed_strategies():
    pytest.importorskip("nashpy")
    found = pennies().equilibria("mixed")
    assert found["equilibrium"].tolist() == [1] * 4
    np.testing.assert_allclose(found["probability"], 0.5, atol=ROUNDING)
    np.testing.assert_allclose(found["payoff"], 0.0, atol=ROUNDING)


def test_battle_of_the_sexes_has_two_pure_and_one_mixed_equilibrium():
    pytest.importorskip("nashpy")
    game = Payoffs.from_matrices([[2, 0], [0, 1]], [[1, 0], [0, 2]])
    assert len(game.equilibria()) == 2
    mixed = game.equilibria("mixed")
    assert mixed["equilibrium"].max() == 3
    row = mixed[(mixed["equilibrium"] == 3) & (mixed["player"] == "row")]
    np.testing.assert_allclose(row["probability"], [2 / 3, 1 / 3], atol=ROUNDING)
    np.testing.assert_allclose(mixed.loc[row.index, "payoff"], 2 / 3, atol=ROUNDING)


def test_a_degenerate_game_is_called_so():
    pytest.importorskip("nashpy")
    game = Payoffs.from_matrices([[1, 1], [1, 0]], [[1, 1], [1, 0]])
    found = game.equilibria("mixed")
    pure = game.equilibria()
    assert len(pure) == 3 and not pure["strict"].any()
    assert found["equilibrium"].nunique() >= 3


def test_mixed_equilibria_without_nashpy_say_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "nashpy", None)
    with pytest.raises(ImportError, match=r"pip install 'tradewar\[game\]'"):
        pennies().equilibria("mixed")


def test_unknown_kind_of_equilibrium():
    with pytest.raises(DataError, match='kind=\'correlated\': "pure" or "mixed"'):
        pennies().equilibria("correlated")


def test_pure_equilibria_agree_with_every_deviation_tried():
    rng = np.random.default_rng(7)
    for rows, columns in itertools.product((1, 2, 3, 5), repeat=2):
        a, b = rng.integers(0, 4, (2, rows, columns)).astype(float)
        slow = [
            (r, c)
            for r in range(rows)
            for c in range(columns)
            if all(a[k, c] <= a[r, c] for k in range(rows))
            and all(b[r, k] <= b[r, c] for k in range(columns))
        ]
        assert [(r, c) for r, c, _ in normal_form.pure_equilibria(a, b)] == slow


def test_mixed_equilibria_leave_nothing_to_gain():
    pytest.importorskip("nashpy")
    rng = np.random.default_rng(11)
    for _ in range(10):
        a, b = rng.normal(size=(2, 3, 4))
        found = normal_form.mixed_equilibria(a, b)
        assert len(found) % 2 == 1  # almost every game has an odd number
        for mix in found:
            assert (a @ mix.column).max() <= mix.payoff[0] + 1e-8
            assert (mix.row @ b).max() <= mix.payoff[1] + 1e-8


# ---- dominance --------------------------------------------------------------------------------


def test_dominance_solvable_game():
    found = solvable().dominance()
    assert found.values.tolist() == [
        [1, "column", "right", "middle", "strict"],
        [2, "row", "down", "up", "strict"],
        [3, "column", "left", "middle", "strict"],
    ]
    assert found.attrs["left"] == {"row": ["up"], "column": ["middle"]}
    assert solvable().equilibria()[["row", "column"]].values.tolist() == [["up", "middle"]]


def test_prisoners_dilemma_is_solved_in_one_round():
    found = prisoners().dominance()
    assert found["round"].tolist() == [1, 1]
    assert found.attrs["left"] == {"Al": ["confess"], "Bo": ["confess"]}


def test_nothing_is_dominated_in_matching_pennies():
    assert pennies().dominance().empty


def test_dominance_by_a_mixture():
    game = Payoffs.from_matrices(
        [[3, 0], [0, 3], [1, 1]], np.zeros((3, 2)), rows=["a", "b", "c"], columns=["l", "r"]
    )
    [row] = game.dominance().values.tolist()
    assert row == [1, "row", "c", "0.5 a + 0.5 b", "strict"]


def test_weak_dominance_is_named_and_not_deleted():
    game = Payoffs.from_matrices([[1, 1], [1, 0]], [[0, 0], [0, 0]], rows=["a", "b"])
    found = game.dominance()
    assert found.values.tolist() == [[0, "row", "b", "a", "weak"]]
    assert found.attrs["left"] == {"row": ["a", "b"], "column": ["1", "2"]}


# ---- deals that hold --------------------------------------------------------------------------


def test_critical_discount_factor_of_the_dilemma():
    deal = prisoners().self_enforcing(deal=NAMES[:1] * 2, no_deal=NAMES[1:] * 2)
    assert deal.discount_factor == 0.5 and deal.valid
    assert deal.table["deviation"].tolist() == ["confess", "confess"]
    assert "holds where both weigh the next period by 0.500 or more" in str(deal)


def test_the_less_patient_player_counts():
    game = Payoffs.from_matrices(
        [[3, 0], [5, 1]], [[3, 9], [0, 1]], rows=NAMES, columns=NAMES
    )  # (5 - 3) / (5 - 1) and (9 - 3) / (9 - 1)
    deal = game.self_enforcing(deal=("silent", "silent"), no_deal=("confess", "confess"))
    assert deal.table["discount_factor"].tolist() == [0.5, 0.75]
    assert deal.discount_factor == 0.75


def test_a_deal_that_is_an_equilibrium_holds_at_any_discount_factor():
    game = Payoffs.from_matrices([[2, 0], [0, 1]], [[2, 0], [0, 1]])
    deal = game.self_enforcing(deal=("1", "1"), no_deal=("2", "2"))
    assert deal.discount_factor == 0.0 and deal.valid
    assert "nobody gains from deviating" in deal.verdict()


def test_a_deal_worse_than_none_holds_at_no_discount_factor():
    game = Payoffs.from_matrices([[-3, -4], [0, -2]], [[-1, 0], [-3, -2]])
    deal = game.self_enforcing(deal=("1", "1"), no_deal=("2", "2"))
    assert np.isnan(deal.discount_factor)
    assert "row would leave ('1', '1') at any discount factor" in deal.verdict()


def test_no_deal_that_is_no_equilibrium_is_no_threat():
    deal = prisoners().self_enforcing(deal=("silent", "silent"), no_deal=("confess", "silent"))
    assert not deal.valid
    assert "not valid: no deal ('confess', 'silent') is no equilibrium" in str(deal)


def test_unknown_strategies_of_a_deal():
    with pytest.raises(ScenarioError, match="deal: Al has no strategy 'confes'; did you mean"):
        prisoners().self_enforcing(deal=("confes", "silent"), no_deal=("confess", "confess"))
    with pytest.raises(ScenarioError, match="no_deal='confess': give two strategies"):
        prisoners().self_enforcing(deal=("silent", "silent"), no_deal="confess")


# ---- variants and units -----------------------------------------------------------------------


def with_variants() -> Payoffs:
    """The dilemma, and a variant in which silence pays both: half of the variants."""
    a, b = prisoners().payoff[0]
    other = np.array([[[1.0, -3.0], [0.0, -2.0]], [[1.0, 0.0], [-3.0, -2.0]]])
    return Payoffs(
        ("Al", "Bo"),
        (tuple(NAMES), tuple(NAMES)),
        np.stack([np.stack([a, b]), other]) / 100.0,
        variants=("base", "theta 8"),
        money=np.array([[2000.0, 100.0], [2000.0, 100.0]]),
        value_unit="million USD",
        basis="a test",
    )


def test_equilibria_carry_the_share_of_variants_in_which_they_survive():
    game = with_variants()
    assert game.equilibria()["share"].tolist() == [1.0]
    swapped = Payoffs(
        game.players, game.strategies, game.payoff[::-1], game.variants, game.money, "million USD"
    )
    found = swapped.equilibria()
    assert found[["Al", "Bo"]].values.tolist() == [["silent"] * 2, ["confess"] * 2]
    assert found["share"].tolist() == [0.5, 1.0]


def test_self_enforcing_over_variants():
    deal = with_variants().self_enforcing(deal=("silent",) * 2, no_deal=("confess",) * 2)
    np.testing.assert_allclose(deal.discount_factors, [0.5, 0.0])
    said = deal.verdict()
    assert "of 2 variants it needs no threat in 1 and has a valid one in 2" in said
    assert "critical from 0.000 to 0.500" in said


def test_units_of_the_table():
    game = with_variants()
    bn = game.table("USD bn")
    assert bn.loc["silent", ("confess", "Al")] == pytest.approx(-0.06)
    assert bn.attrs["unit"] == "USD bn"
    percent = game.table(unit="percent")
    assert percent.loc["confess", ("silent", "Bo")] == pytest.approx(-3.0)
    assert game.table().attrs["unit"] == "mn USD"
    with pytest.raises(DataError, match="unit='EUR bn': give \"percent\", or money such as"):
        game.table("EUR bn")
    with pytest.raises(DataError, match="bare matrices have no unit"):
        prisoners().table("percent")


def test_ranges_over_variants():
    found = with_variants().ranges("percent")
    first = found.iloc[0]
    assert (first["payoff"], first["low"], first["high"]) == (-1.0, -1.0, 1.0)
    assert first["sign_share"] == 0.5
    assert len(found) == 8
    long = with_variants().to_frame("percent")
    assert len(long) == 16
    assert set(long["variant"]) == {"base", "theta 8"}


def test_card_says_what_is_not_priced():
    card = " ".join(str(with_variants().card).split())
    assert CANNOT_PRICE in card and "2 variants: base, theta 8" in card
    assert "a test" in card
    for frame in (with_variants().table(), with_variants().equilibria(), with_variants().ranges()):
        assert "Not priced" in frame.attrs["card"]


# ---- input and output -------------------------------------------------------------------------


def test_bad_matrices():
    with pytest.raises(DataError, match=r"shapes \(1, 2\) and \(2, 1\)"):
        Payoffs.from_matrices([[1, 2]], [[1], [2]])
    with pytest.raises(DataError, match=r"payoff of column in cell \[0, 1\] is nan"):
        Payoffs.from_matrices([[1, 2]], [[1, float("nan")]])
    with pytest.raises(DataError, match="2 distinct names are wanted"):
        Payoffs.from_matrices([[1, 2]], [[1, 2]], columns=["a", "a"])
    with pytest.raises(DataError, match="bare matrices have no scenarios"):
        prisoners().scenario("silent", "silent")
    with pytest.raises(DataError, match="bare matrices say nothing about other countries"):
        _ = prisoners().welfare


def test_names_of_a_frame_are_kept():
    frame = pd.DataFrame([[1, 2]], index=["r"], columns=["x", "y"])
    game = Payoffs.from_matrices(frame, frame)
    assert game.strategies == (("r",), ("x", "y"))


def test_prints_pickles_and_is_frozen():
    for game in (prisoners(), with_variants()):
        again = pickle.loads(pickle.dumps(game))
        assert str(again) == str(game) == repr(game)
        assert "<table" in game._repr_html_()
        deal = game.self_enforcing(deal=("silent",) * 2, no_deal=("confess",) * 2)
        assert str(pickle.loads(pickle.dumps(deal))) == str(deal)
        assert "<table" in deal._repr_html_()
    with pytest.raises(AttributeError):
        prisoners().players = ("a", "b")
