"""The command ``tradewar welfare``."""

from __future__ import annotations

import json

import pytest

import tradewar as tw
from tradewar import welfare
from tradewar.__main__ import main

TOLERANCE = 1e-9  # of solves to 1e-10, alone and in a batch


@pytest.fixture(scope="module")
def answer():
    return welfare.ask()


def test_it_is_what_solve_ge_says(answer):
    world = tw.datasets.icio_2022()
    add = tw.Scenario("+100").tariff(importer="USA", exporter="CHN", product="goods", add=1.0)
    alone = tw.solve_ge(world, add)
    both = tw.solve_ge(world, add.tariff(importer="CHN", exporter="USA", product="goods", add=1.0))
    rows = welfare.table(answer)
    assert list(rows.index[:2]) == ["USA", "CHN"]
    assert set(rows.index) == set(world.countries)
    for column, result in (("alone", alone), ("both", both)):
        gap = (rows[column] - result.welfare).abs().max()
        assert gap < TOLERANCE


def test_services_are_left_out(answer):
    flows = answer.alone.flows
    changed = flows[flows["tariff_new"] != flows["tariff"]]
    assert {"H50", "J62_63", "B09"}.isdisjoint(changed["product"])
    assert {"A01_02", "C26"} <= set(changed["product"])
    assert welfare.trade(answer)["baseline"] == pytest.approx(changed["value"].sum() / 1e3)


def test_orders_of_magnitude(answer):
    """Recorded from an independent solver in NumPy, see the tests of the data sets."""
    rows = welfare.table(answer)["alone"]
    assert rows["USA"] == pytest.approx(-0.00417, abs=2e-5)
    assert rows["CHN"] == pytest.approx(-0.00379, abs=2e-5)
    assert rows["VNM"] == pytest.approx(0.01076, abs=2e-5)


def test_text_and_record(capsys):
    assert main(["welfare", "--rate", "0.25", "--theta", "4", "--deficits", "zero"]) == 0
    said = capsys.readouterr().out
    assert "+25 points of USA on goods of CHN" in said
    assert "theta 4" in said.lower() and "sum" in said
    assert max(map(len, said.splitlines())) <= 100
    assert main(["welfare", "--rate", "0.25", "--theta", "4", "--deficits", "zero", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["question"]["theta"] == 4.0
    assert len(record["countries"]) == 27


def test_a_country_that_is_not_there(capsys):
    assert main(["welfare", "--partner", "EUX"]) == 2
    assert "did you mean 'EU'?" in capsys.readouterr().err
