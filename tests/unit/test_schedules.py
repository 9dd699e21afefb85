"""The built-in calendar: what its rows say, its lists, its way into sectors."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import tradewar as tw
from tradewar.datasets._tables import metadata
from tradewar.errors import DataError


@pytest.fixture(scope="module")
def us():
    return tw.schedules.us_china()


def test_every_row_has_source_and_confidence(us):
    frame = us.to_frame()
    assert (frame["source"] != "").all()
    assert set(frame["confidence"]) == {"high", "medium", "low"}
    assert len(frame) > 161
    assert us.imposers == ("CHN", "USA")
    assert len(us.targets) == 51


def test_what_came_after_the_talks_is_marked(us):
    frame = us.to_frame()
    known = frame["announced"].fillna(frame["effective"])
    after = frame["status"] == "after the talks of October 2025"
    assert (after == (known > "2025-10-25")).all()
    assert after.sum() > 50


def test_hindsight_stays_in_its_columns(us):
    frame = us.to_frame()
    threat = frame[(frame["branch"] == "us_threat") & (frame["layer"] != "")].iloc[0]
    assert threat["outcome"].startswith("Withdrawn")
    assert pd.isna(threat["expires"])
    assert threat["learnt"] == pd.Timestamp("2025-10-26")
    controls = frame[frame["what"].str.startswith("Rare-earth mining")].iloc[0]
    assert pd.isna(controls["expires"])  # agreed on 7 November, not on 9 October
    assert controls["learnt"] == pd.Timestamp("2025-11-07")
    then = us.as_of("2025-10-25").to_frame()
    assert (then["outcome"] == "").sum() > 0.9 * len(then)


def test_lists_are_counted_and_named(us):
    counts = metadata("us_tariff_lines")["counts"]
    assert counts["products_partly_covered"] == 238
    assert counts["codes_not_in_the_schedule_of_2025"]["us_301_3"] == 224
    assert counts["lines_by_list"]["us_annex_ii"] == 1035
    china = metadata("china_tariff_lines")["counts"]
    assert china["imports_2017_by_list_bn_usd"]["china_february_15"] == pytest.approx(1.1, abs=0.05)
    notes = tw.schedules.us_china_notes()
    assert set(notes["table"]) >= {"us_china_calendar", "china_tariff_lines"}
    assert notes["note"].str.contains("February 2025 list is approximated").any()


def test_list_4b_never_took_effect(us):
    table = us.diff("2019-12-01", "2020-01-31", importer="USA", exporter="CHN")
    assert not len(table)
    due = us.as_of("2019-12-01")
    moved = due.diff("2019-12-01", "2020-01-31", importer="USA", exporter="CHN")
    assert moved["tariff_change"].max() == pytest.approx(0.15)


def test_a_threat_counts_in_its_branch(us):
    calm, threat = (
        s.rates(on="2025-11-02", importer="USA", exporter="CHN")["tariff"].to_numpy()
        for s in (us, us.branch("us_threat"))
    )
    np.testing.assert_allclose(threat - calm, 1.0, rtol=0, atol=1e-12)


def test_on_sectors_of_both_imposers(us):
    world = tw.datasets.world_trade_2022()
    sectors = tw.schedules.sectors_of(world)
    assert sectors["850440"] == ("C27",)
    assert sectors["720610"] == ("C24A", "C24B")
    scn = us.to_scenario(
        on="2025-10-25",
        base=world,
        base_date=2024,
        products=sectors,
        weights=tw.schedules.sector_weights(),
    )
    table = dict(scn.rules[0].args)["rates"].to_frame()
    table = table.set_index(["importer", "exporter"]).sort_index()
    china = table.loc[("USA", "CHN")].set_index("product")["tariff"]
    assert china["C13T15"] > china["C26"]
    assert china["B09"] == 0.0
    usa = table.loc[("CHN", "USA")].set_index("product")["tariff"]
    assert usa["C16"] == pytest.approx(0.10)  # the base has no tariff of China: the change alone


def test_sectors_that_base_does_not_have(us):
    world = tw.datasets.world_trade_2022()
    weights = tw.datasets.us_imports_2024()
    with pytest.raises(DataError, match=r"maps to .*'A01_02' .*, which base does not have"):
        us.to_scenario(
            on="2025-10-25",
            base=world,
            base_date=2024,
            importer="USA",
            products=tw.datasets.hs6_to_icio22(),
            weights=weights,
        )
    with pytest.raises(DataError, match="weights= holds no imports of CHN"):
        us.to_scenario(
            on="2025-10-25",
            base=world,
            base_date=2024,
            products=tw.schedules.sectors_of(world),
            weights=weights,
        )
    with pytest.raises(DataError, match="base has no goods sector of ICIO"):
        tw.schedules.sectors_of(tw.datasets.bilateral_2023())


def test_october_on_the_customs_file(us):
    """Every flow gets its own rate; partners' means are those of `effective`."""
    data = tw.datasets.us_imports_2024()
    scn = us.to_scenario(on="2025-10-25", base=data)
    table = dict(scn.rules[0].args)["rates"]
    assert len(table) == len(data)
    assert table.rate.min() >= 0
    level = us.to_scenario(on="2025-10-25", base=data, method="level", exporter="VNM")
    rates = dict(level.rules[0].args)["rates"].to_frame()
    value = data.flows.set_index(["exporter", "product"])["value"]["VNM"]
    mean = (rates.set_index("product")["tariff"] * value).sum() / value.sum()
    average = us.effective(data, on="2025-10-25").set_index("exporter")["tariff"]["VNM"]
    assert mean == pytest.approx(average, abs=1e-12)


def test_the_whole_calendar_goes_through_a_frame_and_back(us):
    frame = us.to_frame()
    again = tw.Schedule.from_frame(frame, name=us.name, lists=us)
    assert again == us
    assert again.rates(on="2025-10-25", products=["850440"]).equals(
        us.rates(on="2025-10-25", products=["850440"])
    )
    with pytest.raises(DataError, match="neither a share nor a list; give lists=, a mapping or"):
        tw.Schedule.from_frame(frame)
    own = tw.Schedule.from_frame(frame, lists=us, targets=["CHN"], lines={"USA": ["85044095"]})
    assert own.targets == ("CHN",)
    assert own != us


def test_a_base_date_in_words_needs_one_that_is_a_day(us):
    with pytest.raises(DataError, match=r"base.tariff_date='2024 .USA., .* give base_date="):
        us.to_scenario(on="2025-10-25", base=tw.datasets.icio_2022())
    with pytest.raises(DataError, match="base_date='soon' is no date"):
        us.to_scenario(on="2025-10-25", base=tw.datasets.icio_2022(), base_date="soon")


def test_an_exporter_that_is_nobody_is_doubted():
    """A typo would take the duty on all countries, 10 points, for the 55 on China."""
    us = tw.schedules.us_china()
    with pytest.warns(tw.DataWarning, match="exporter='CHM' is no target .*did you mean"):
        us.rates(on="2025-10-25", products=["850440"], importer="USA", exporter="CHM")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        us.rates(on="2025-10-25", products=["850440"], importer="USA", exporter=["CHN", "KAZ"])
