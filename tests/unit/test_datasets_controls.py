"""Soybeans and rare earths: figures that must come out, marks, missing values, data to solve."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

import tradewar as tw
from tradewar.codes import AGGREGATES, COUNTRIES
from tradewar.datasets import _compile_controls
from tradewar.errors import DataError

MT = 1e6
QUOTED = 0.05  # figures quoted to one decimal


@pytest.fixture(scope="module")
def beans():
    return tw.datasets.china_soybeans()


@pytest.fixture(scope="module")
def ree():
    return tw.datasets.rare_earths()


SETS = ("china_soybeans", "rare_earths")


@pytest.mark.parametrize("name", SETS)
def test_says_where_it_comes_from(name):
    data = getattr(tw.datasets, name)()
    assert data.source and data.licence and data.year and data.notes and data.counts
    listed = tw.datasets.list().set_index("name").loc[name]
    assert (listed["source"] in data.source, listed["rows"]) == (True, len(data))
    assert set(data.units) == set(data._frames())
    for frame, units in data.units.items():
        numbers = getattr(data, frame).select_dtypes("number").columns
        assert set(numbers) - {"year"} <= set(units), frame


@pytest.mark.parametrize("name", SETS)
def test_prints_pickles_and_is_frozen(name):
    data = getattr(tw.datasets, name)()
    assert "note: " in repr(data) and repr(data) in data._repr_html_().replace("&#x27;", "'")
    assert pickle.loads(pickle.dumps(data)) == data
    with pytest.raises((AttributeError, TypeError)):
        data.year = 1999


@pytest.mark.parametrize("name", SETS)
def test_spoiling_a_frame_spoils_no_other(name):
    data = getattr(tw.datasets, name)()
    for frame in data._frames():
        first = getattr(data, frame)
        column = first.select_dtypes("number").columns[-1]
        first[column] = 0
        assert getattr(data, frame)[column].ne(0).any()


# ---- soybeans


def test_soybeans_of_2017_and_2024(beans):
    wide = beans.imports.pivot(index="year", columns="exporter", values="quantity") / MT
    assert wide.index.tolist() == [*range(2015, 2025)]
    assert wide.loc[2024].sum() == pytest.approx(105.0, abs=QUOTED)
    assert wide.at[2024, "USA"] == pytest.approx(22.1, abs=QUOTED)
    assert wide.at[2024, "BRA"] == pytest.approx(74.6, abs=QUOTED)
    assert wide.loc[2017].sum() == pytest.approx(95.5, abs=QUOTED)
    assert wide.at[2017, "USA"] == pytest.approx(32.9, abs=QUOTED)
    assert wide.at[2018, "USA"] == pytest.approx(16.64, abs=QUOTED / 10)
    assert wide.at[2018, "BRA"] == pytest.approx(66.1, abs=QUOTED)


def test_unit_values_are_value_over_quantity(beans):
    frame = beans.imports
    rows = frame["quantity"] > 0
    made = frame["value"] / frame["quantity"]
    np.testing.assert_allclose(frame["unit_value"][rows], made[rows], rtol=1e-15)
    usa = frame[(frame["exporter"] == "USA") & (frame["year"] == 2017)]["unit_value"].iloc[0]
    assert usa == pytest.approx(424.3, abs=QUOTED)


def test_labels_of_soybeans_are_known(beans):
    labels = set(beans.imports["exporter"]) | set(beans.monthly["exporter"])
    labels |= set(beans.usda["country"]) | set(beans.freight["exporter"])
    assert labels - {"other"} <= set(COUNTRIES) | set(AGGREGATES)


def test_months_and_marks(beans):
    frame = beans.monthly
    assert frame["period"].nunique() == 16 and len(frame) == 52
    later = frame["period"] >= "2025-10"
    assert (frame["hindsight"] == later).all()
    assert frame[frame["derived"]]["exporter"].eq("WLD").all() and frame["derived"].sum() == 13
    freeze = frame[(frame["exporter"] == "USA") & (frame["period"] >= "2025-09")]
    assert freeze["quantity"].tolist() == [0.0] * 4
    argentina = frame[frame["exporter"] == "ARG"]
    assert argentina["period"].min() == "2025-09"  # unknown before, and so without a row
    totals = beans.totals_2025.set_index("exporter")
    assert totals["hindsight"].all() and totals.at["WLD", "quantity"] == 111_830_000


def test_balances_close(beans):
    frame = beans.balances.set_index(["country", "marketing_year", "vintage"])
    row = frame.loc[("USA", "2024/25", "2025-11")]
    assert row[["production", "exports", "crush"]].tolist() == [119047000, 51029000, 66542000]
    assert row["other"] == 9319000 + 119047000 - 66542000 - 51029000 - 8614000
    assert np.isnan(frame.loc[("BRA", "2021/22", "2025-11"), "other"])
    assert frame["hindsight"].sum() == 4
    sums = beans.usda.groupby(["marketing_year", "vintage", "item", "country"])["quantity"].sum()
    parts = sums.drop("WLD", level="country").groupby(level=[0, 1, 2]).sum()
    pd.testing.assert_series_equal(parts, sums.xs("WLD", level="country"), check_names=False)


def test_freight_is_called_an_assumption(beans):
    freight = beans.freight
    assert freight["basis"].str.startswith("assumed").all()
    assert "assumed" in freight.attrs["unit"]["cost"]
    assert any("assumption in round numbers" in note for note in beans.notes)
    assert beans.exports["basis"].str.len().gt(0).all()


def test_soybeans_to_solve(beans):
    data = beans.trade(year=2017)
    flows = data.flows.set_index("exporter")
    assert flows.index.tolist() == ["ARG", "BRA", "ROW", "USA"]
    assert flows["tariff"].tolist() == [0.03] * 4
    assert flows["value"].sum() / 1e9 == pytest.approx(39.638, abs=1e-3)
    assert data.report.one_destination and not data.report.home_sales
    assert data.tariff_date == "2017, MFN rate of 3 %" and data.default_elasticities is None
    wide = beans.trade(year=2024, keep="USA")
    assert wide.flows["exporter"].tolist() == ["ROW", "USA"]
    with pytest.raises(DataError, match="no default"):
        tw.solve_pe(data, tw.Scenario("x"))


def test_soybeans_of_the_duty_years_want_the_duty(beans):
    for year in (2018, 2019):
        with pytest.raises(DataError, match=r"25 points above the MFN rate.*us_added="):
            beans.trade(year=year)
    data = beans.trade(year=2018, us_added=0.25 * 179 / 365)
    rates = data.flows.set_index("exporter")["tariff"]
    assert rates["USA"] == pytest.approx(0.03 + 0.25 * 179 / 365)
    assert rates["BRA"] == 0.03
    assert any("12.26" in note for note in data.notes)


def test_soybeans_that_are_not_there(beans):
    with pytest.raises(DataError, match="2015-2024"):
        beans.trade(year=2025)
    with pytest.raises(DataError, match="no soybeans in 2024 from FRA"):
        beans.trade(year=2024, keep=["USA", "FRA"])


# ---- rare earths


def test_us_imports_of_rare_earths(ree):
    by = ree.us_imports.assign(heading=lambda f: f["product"].str[:4])
    total = by.groupby("heading")["value"].sum() / 1e6
    china = by[by["exporter"] == "CHN"].groupby("heading")["value"].sum() / 1e6
    assert total["8505"] == pytest.approx(453.2, abs=QUOTED)
    assert total["2846"] == pytest.approx(159, abs=0.5)
    assert china["8505"] / total["8505"] == pytest.approx(0.76, abs=0.005)
    assert china["2846"] / total["2846"] == pytest.approx(0.71, abs=0.005)
    np.testing.assert_allclose(by.groupby("product")["share"].sum(), 1.0, rtol=1e-14)


def test_shares_without_a_source_are_missing(ree):
    shares = ree.china_shares.set_index("stage")
    assert shares.index[shares["share"].isna()].tolist() == ["separation", "magnet making"]
    assert shares["basis"][shares["share"].isna()].str.contains("no source").all()
    assert shares.at["mine", "share"] == pytest.approx(270 / 390)
    assert shares.at["magnets", "share"] == pytest.approx(0.76, abs=0.005)
    assert any("not in the sources" in note for note in ree.notes)


def test_magnet_exports(ree):
    frame = ree.magnet_exports.set_index(["period", "importer"])
    assert ree.monthly_mean_2024 == 4846
    assert frame.at[("2024", "WLD"), "quantity"] == 58152
    may = frame.loc[("2025-05", "WLD")]
    assert may["quantity"] == 1238 and not may["derived"] and not may["hindsight"]
    assert 100 * (may["quantity"] / ree.monthly_mean_2024 - 1) == pytest.approx(-74.5, abs=QUOTED)


def test_magnet_rows_are_marked(ree):
    frame = ree.magnet_exports
    assert (frame["derived"] == frame["basis"].str.startswith("derived")).all()
    month = frame["period"].str.len() == 7
    late = month & (frame["period"] >= "2025-10") & ~frame["period"].str.contains("[HQ]")
    assert frame["hindsight"][late].all()
    marked = frame.set_index(["period", "importer"])["hindsight"]
    # stated in June 2025, and so not hindsight; the others come from growth rates of 2026
    assert not marked["2025-H1", "WLD"]
    assert marked["2025-03", "WLD"] and marked["2025-04", "WLD"] and marked["2024", "USA"]
    assert marked["2024-12", "JPN"]


def test_rare_earths_to_solve(ree):
    magnets = ree.trade("850511")
    assert magnets.products.tolist() == ["850511"] and magnets.report.one_destination
    assert magnets.default_elasticities == "us_2018_19"
    assert any("alnico" in note for note in magnets.notes)
    assert ree.trade("2846").products.tolist() == ["284610", "284690"]
    assert ree.trade().products.tolist() == ["280530", "284610", "284690", "850511"]
    with pytest.raises(DataError, match="850440"):
        ree.trade("850440")


# ---- the recipes


def test_a_name_without_a_label_is_named():
    with pytest.raises(DataError, match=r"here.csv: no label in _compile_controls.py: Atlantis"):
        _compile_controls.coded(["Brazil", "Atlantis"], _compile_controls.WITS_ISO3, "here.csv")
