"""The command ``tradewar talks``."""

from __future__ import annotations

import json
import re

import pytest

import tradewar as tw
from tradewar import talks_answer
from tradewar.__main__ import main

TOLERANCE = 1e-9  # of solves to 1e-10, alone and in a batch
PRINTED = 0.0051  # %: half of the last digit printed


@pytest.fixture(scope="module")
def answer():
    return talks_answer.ask()


@pytest.fixture(scope="module")
def start():
    world = tw.datasets.icio_2022()
    return world.rebase(tw.solve_ge(world, tw.talks.status_quo(world)))


@pytest.mark.parametrize(
    "scenario", [tw.talks.us_threat(), tw.talks.rare_earth_licences(), tw.talks.deal()]
)
def test_it_is_what_solve_ge_says(answer, start, scenario):
    alone = tw.solve_ge(start, scenario)
    rows = answer.table[answer.table["scenario"] == scenario.name].set_index("country")
    assert set(rows.index) == set(start.countries)
    assert (rows["welfare_change"] - alone.welfare).abs().max() < TOLERANCE
    rents = alone.rents()
    got = rents["exporter_state"].sum() + rents["exporter_firms"].sum()
    if scenario.name == "rare-earth licences":
        assert rows.loc["CHN", "rent"] == pytest.approx(got, rel=1e-6) and got > 0
    if scenario.name == "US threat":
        assert (rows["rent"] == 0).all()


def test_both_tariffs_are_the_sum_of_measures(answer, start):
    both = tw.solve_ge(start, tw.talks.us_threat() + tw.talks.china_mirror())
    rows = answer.table[answer.table["scenario"] == talks_answer.BOTH_TARIFFS].set_index("country")
    assert (rows["welfare_change"] - both.welfare).abs().max() < TOLERANCE


def test_the_largest_residual_is_told(answer):
    assert 0 < answer.table.attrs["residual"] <= 1e-10
    assert "residual" in talks_answer.main_card(answer)


def test_lines_of_the_main_job(answer):
    lines = talks_answer.main_rows(answer)
    assert len(lines) == 7 and max(map(len, lines)) <= 100
    wide = 100 * answer.table.pivot(index="scenario", columns="country", values="welfare_change")
    for k, names in enumerate(zip(talks_answer.LEFT, talks_answer.RIGHT, strict=True), start=1):
        for name, cell in zip(names, (lines[k][:54], lines[k][54:]), strict=True):
            assert cell.startswith(talks_answer.BRIEF.get(name, name))  # no name is cut
            printed = [float(n) for n in re.findall(r"[+-]\d+\.\d\d", cell)]
            expected = wide.loc[name, ["USA", "CHN", "VNM", "MEX"]].tolist()
            assert printed == pytest.approx(expected, abs=PRINTED)
    assert len(talks_answer.main_card(answer)) <= 100


def test_text_and_record(capsys, answer):
    assert main(["talks"]) == 0
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 100
    for make in tw.talks.SCENARIOS:
        assert f"\n{make().name[:25]} " in said
    assert main(["talks", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert len(record["table"]) == 13 * 27
    assert record["assumes"]["US threat"] == tw.talks.us_threat().note
    first = answer.table.to_dict("records")[30]
    assert record["table"][30]["ev"] == pytest.approx(first["ev"])
