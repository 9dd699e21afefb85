"""The command ``tradewar calendar``."""

from __future__ import annotations

import json

import pytest

import tradewar as tw
from tradewar import steps
from tradewar.__main__ import main

RATE = 1e-12  # rates are sums of a few numbers
SWEATERS = "611020"


@pytest.fixture(scope="module")
def answer():
    return steps.ask()


def test_the_last_steps_are_days_on_which_duties_moved(answer):
    dates = answer.steps["date"].tolist()
    assert dates == ["2025-06-23", "2025-08-01", "2025-08-12", "2025-08-18", "2025-10-14"]
    measures = tw.schedules.us_china().to_frame().dropna(subset="rate")
    for date in dates:
        day = measures[measures["effective"] == date]
        assert day["imposer"].isin(steps.SIDES).any()
    # nothing between the last step and the talks touches either side's duties
    later = measures[(measures["effective"] > dates[-1]) & (measures["effective"] <= steps.TALKS)]
    assert later[later["target"].isin(["USA", "CHN", "WLD"])].empty


def test_rates_are_what_adds_up(answer):
    """List 3 is 25, fentanyl 20, reciprocal 10 points; chargers are free of MFN duty."""
    assert answer.steps["product_rate"].to_numpy() == pytest.approx(0.25 + 0.20 + 0.10, rel=RATE)
    assert answer.threat == pytest.approx(1.55, rel=RATE)


def test_means_are_weighted_by_trade(answer):
    calendar = tw.schedules.us_china().as_of("2025-10-25")
    trade = tw.datasets.us_imports_2024().subset(exporter="CHN").flows
    rates = calendar.rates(
        on="2025-10-14", importer="USA", exporter="CHN", products=trade["product"].astype(str)
    )
    merged = trade.astype({"product": str})[["product", "value"]].merge(
        rates[["product", "tariff"]].astype({"product": str}), on="product", how="left"
    )
    assert merged["tariff"].notna().all()
    mean = (merged["value"] * merged["tariff"]).sum() / merged["value"].sum()
    assert answer.steps["mean_rate"].iloc[-1] == pytest.approx(mean)
    assert set(steps.ask(means=False).steps) == {"date", "event", "product_rate"}


def test_all_steps_of_another_product():
    """List 4A: 15 points from September 2019, 7.5 from February 2020, 30 more in 2025."""
    rows = steps.ask(None, SWEATERS, means=False).steps.set_index("date")["product_rate"]
    assert rows.index.is_monotonic_increasing and rows.index[0].startswith("2018")
    start = rows["2018-02-07"]
    assert rows["2019-09-01"] - start == pytest.approx(0.15)
    assert rows["2020-02-14"] - start == pytest.approx(0.075)
    assert rows["2025-10-14"] - start == pytest.approx(0.075 + 0.20 + 0.10)


def test_lines_of_the_main_job(answer):
    lines = steps.main_lines(answer)
    assert len(lines) == 4 and max(map(len, lines)) <= 100
    assert lines[-1].endswith("155.0 %")
    for event in steps.SHORT.values():
        assert any(event in line for line in lines), event  # nothing is cut


def test_text_and_record(capsys, answer):
    assert main(["calendar"]) == 0
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 100
    assert "2025-10-14" in said and "155.0 %" in said and "note: " in said
    assert main(["calendar", "--product", SWEATERS, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["product"] == SWEATERS and len(record["steps"]) == 5
    shown = answer.steps["mean_rate"].tolist()
    assert [row["mean_rate"] for row in record["steps"]] == pytest.approx(shown)


@pytest.mark.parametrize(("product", "said"), [("8504", "HS6 code"), ("999999", "999999")])
def test_a_product_that_is_not_there(capsys, product, said):
    assert main(["calendar", "--product", product]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
