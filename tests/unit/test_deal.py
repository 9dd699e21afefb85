"""The command ``tradewar game``."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import tradewar as tw
from tradewar import deal
from tradewar.__main__ import main
from tradewar.deal_ranges import ranges_lines, ranges_record
from tradewar.payoff_table import Payoffs

TOLERANCE = 1e-9  # of solves to 1e-10, alone and in a batch
BN = 1e3  # in the million USD of the world


@pytest.fixture(scope="module")
def start():
    world = tw.datasets.icio_2022()
    return world.rebase(tw.solve_ge(world, tw.talks.status_quo(world)))


@pytest.fixture(scope="module")
def answer(start):
    return deal.ask(start)


def matrices(row, column):
    """A game of given payoffs under the names of the talks."""
    names = (deal.HOLD, deal.EXECUTE, deal.CONCEDE)
    return Payoffs.from_matrices(row, column, players=("USA", "CHN"), rows=names, columns=names)


@pytest.mark.parametrize(
    ("cell", "scenario"),
    [
        (("concede", "concede"), tw.talks.deal()),
        (("execute", "execute"), tw.talks.escalation()),
        (("hold", "concede"), tw.talks.china_deal_terms()),
        (("execute", "hold"), tw.talks.us_threat() + tw.talks.blacklist()),
    ],
)
def test_cells_are_what_solve_ge_says(answer, start, cell, scenario):
    result = tw.solve_ge(start, scenario)
    assert (answer.game.welfare[cell] - result.welfare).abs().max() < TOLERANCE
    table = answer.game.table(deal.UNIT)
    for side in ("USA", "CHN"):
        money = result.countries.loc[side, "ev"] / BN
        assert table.loc[cell[0], (cell[1], side)] == pytest.approx(money, abs=1e-4)


def test_holding_on_both_sides_changes_nothing(answer):
    assert answer.game.welfare["hold", "hold"].abs().max() < TOLERANCE


def test_best_replies_by_looking_at_every_cell(answer):
    table = answer.game.table(deal.UNIT)
    for other in (deal.HOLD, deal.EXECUTE, deal.CONCEDE):
        mine = {s: table.loc[s, (other, "USA")] for s in table.index}
        theirs = {s: table.loc[other, (s, "CHN")] for s in table.index}
        assert deal.best_replies(answer, "USA", other) == [max(mine, key=mine.get)]
        assert deal.best_replies(answer, "CHN", other) == [max(theirs, key=theirs.get)]


def test_terms_are_the_corners(answer):
    rows, table = deal.terms(answer), answer.game.table(deal.UNIT)
    for side in ("USA", "CHN"):
        assert rows.loc[side, "deal"] == table.loc["concede", ("concede", side)]
        assert rows.loc[side, "no_deal"] == table.loc["execute", ("execute", side)]
    assert answer.holds.deal == ("concede", "concede")
    assert answer.holds.valid == (("execute", "execute") in set(pairs(answer.game)))


def pairs(game):
    return list(game.equilibria()[["USA", "CHN"]].itertuples(index=False, name=None))


def test_lines_of_a_game_with_known_answers():
    """A prisoners' dilemma: temptation 1, deal 0, no deal -2 needs a factor of (1-0)/(1+2)."""
    row = [[-5.0, -5.0, -5.0], [0.5, -2.0, 1.0], [-5.0, -3.0, 0.0]]
    column = [[-5.0, 0.5, -5.0], [-5.0, -2.0, -3.0], [-5.0, 1.0, 0.0]]
    game = matrices(row, column)
    holds = game.self_enforcing(deal=deal.DEAL, no_deal=deal.NO_DEAL)
    assert holds.valid and holds.discount_factor == pytest.approx(1 / 3)
    assert deal._factor(holds.discount_factor) == "0.33"
    assert deal._factor(float("nan")) == "none" and deal._factor(0.0) == "any"


def test_lines_of_the_main_job(answer):
    lines = deal.main_lines(answer)
    assert len(lines) == 2 and max(map(len, lines)) <= 100
    for line, (side, row) in zip(lines, deal.terms(answer).iterrows(), strict=True):
        [reply] = deal.best_replies(answer, side, deal.EXECUTE)
        [other] = deal.best_replies(answer, side, deal.HOLD)
        assert f"reply to execute: {reply}, hold: {other};" in line
        assert f"deal {row['deal']:+.1f}, no deal {row['no_deal']:+.1f} bn" in line
        assert line.endswith(f"discount {deal._factor(row['discount_factor'])}")


def test_text_and_record(capsys, answer):
    assert main(["game"]) == 0
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 100
    for word in ("pure equilibria", "dominated", "best reply", "Taiwan", "credibility", "security"):
        assert word in said
    for r, c in pairs(answer.game):
        assert f"({r}, {c})" in said
    words = " ".join(said.split())
    assert " ".join(answer.holds.verdict().split()) in words
    assert answer.holds.valid or "no equilibrium of the stage game" in words
    assert main(["game", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert len(record["payoffs"]) == 9
    table = answer.game.table(deal.UNIT)
    for cell in record["payoffs"]:
        for side in ("USA", "CHN"):
            assert cell["payoff"][side] == pytest.approx(
                table.loc[cell["USA"], (cell["CHN"], side)], abs=1e-6
            )
    assert record["self_enforcing"]["valid"] is answer.holds.valid
    assert record["equilibria"] == [{"USA": r, "CHN": c} for r, c in pairs(answer.game)]


def test_no_factor_becomes_null(answer):
    """A deal that is worse than no deal: no discount factor keeps anyone in."""
    same = [[0.0, 0.0, 0.0], [0.0, 1.0, 2.0], [0.0, 0.0, -1.0]]
    game = matrices(same, [list(column) for column in zip(*same, strict=True)])
    holds = game.self_enforcing(deal=deal.DEAL, no_deal=deal.NO_DEAL)
    assert holds.table["discount_factor"].isna().all()
    other = replace(answer, holds=holds)
    record = json.loads(deal.record(other))
    assert record["self_enforcing"]["discount_factor"] == {"USA": None, "CHN": None}
    assert deal.main_lines(other)[0].endswith("discount none")


# ---- ranges -----------------------------------------------------------------------------------


def test_ranges_of_a_game_with_known_answers():
    """In the other case the first player is tempted and both conceding is no equilibrium."""
    base = np.array([[-6.0, -5.0, -5.0], [-5.0, -2.0, -1.0], [-5.0, -1.0, 3.0]])
    other = base.copy()
    other[1, 2] = 4.0
    game = matrices(base, base)
    cases = np.stack([game.payoff[0], np.stack([other, base])])
    game = replace(game, payoff=cases, variants=("base", "tempting"))
    holds = game.self_enforcing(deal=deal.DEAL, no_deal=deal.NO_DEAL)
    found = ranges_record(game, holds, None)
    assert found["cases"] == ["base", "tempting"]
    [row] = [r for r in found["payoffs"]
             if (r["USA"], r["CHN"], r["player"]) == ("execute", "concede", "USA")]  # fmt: skip
    assert (row["payoff"], row["low"], row["high"], row["sign_share"]) == (-1.0, -1.0, 4.0, 0.5)
    assert found["equilibria"] == [{"USA": "concede", "CHN": "concede", "share": 0.5}]
    assert found["deal"] == {"holds_share": 1.0, "no_threat_share": 0.5}
    lines = ranges_lines(game, holds, None)
    assert "equilibrium (concede, concede): in 1 of 2 cases" in lines
    assert "some discount factor in 2 of 2 cases, with nobody tempted in 1" in lines[-1]
    assert "the same in all cases but for 1 of 18 payoffs" in " ".join(lines)


def test_ranges_on_the_command_line(capsys, answer):
    assert main(["game", "--ranges", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    ranges = record["ranges"]
    assert len(ranges["cases"]) == 15 and len(ranges["payoffs"]) == 18
    table = answer.game.table(deal.UNIT)
    for row in ranges["payoffs"]:
        assert row["low"] <= row["payoff"] <= row["high"]
        base = table.loc[row["USA"], (row["CHN"], row["player"])]
        assert row["payoff"] == pytest.approx(base, abs=1e-6)
    assert ranges["equilibria"] == [{"USA": "concede", "CHN": "concede", "share": 1.0}]
    assert ranges["deal"] == {"holds_share": 1.0, "no_threat_share": 1.0}
    wide = deal.ask(ranges=True)
    said = deal.text(wide)
    assert max(map(len, said.splitlines())) <= 100
    assert "equilibrium (concede, concede): in 15 of 15 cases" in said
    assert json.loads(deal.record(answer))["ranges"] is None
