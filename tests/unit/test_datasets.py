"""The data that comes with the package: figures that must come out, labels, units, speed."""

from __future__ import annotations

import pickle
import time

import numpy as np
import pandas as pd
import pytest

from tradewar import datasets
from tradewar.codes import AGGREGATES, COUNTRIES, GROUPS
from tradewar.data import TradeData
from tradewar.datasets import _tables
from tradewar.errors import DataError
from tradewar.world import World

LOAD_SECONDS = 0.060  # us_imports_2024, after import
BN_TOLERANCE = 0.05  # figures quoted to 0.1 bn USD
LOADERS = ("us_imports_2024", "world_trade_2022", "bilateral_2023")


@pytest.fixture(scope="module")
def us():
    return datasets.us_imports_2024()


@pytest.fixture(scope="module")
def october():
    return datasets.us_imports_2024(tariffs="october_2025")


@pytest.fixture(scope="module")
def world():
    return datasets.world_trade_2022()


@pytest.fixture(scope="module")
def bilateral():
    return datasets.bilateral_2023()


def total(data, exporter, importer):
    flows = data.flows
    rows = (flows["exporter"] == exporter) & (flows["importer"] == importer)
    return flows.loc[rows, "value"].sum()


# ---- every data set


def test_list_names_the_loaders():
    listed = datasets.list()
    assert listed.columns.tolist() == ["name", "what", "year", "unit", "source", "licence", "rows"]
    assert listed["name"].tolist()[:3] == [*LOADERS]
    for row in listed.itertuples():
        data = getattr(datasets, row.name)()
        if isinstance(data, World):
            assert (data.value_unit, data.year, len(data._data)) == (row.unit, row.year, row.rows)
            continue
        if not isinstance(data, TradeData):  # sets of frames: test_datasets_controls.py
            assert (data.year, len(data)) == (row.year, row.rows)
            continue
        assert (data.value_unit, data.year, len(data)) == (row.unit, row.year, row.rows)


@pytest.mark.parametrize("name", LOADERS)
def test_says_where_it_comes_from(name):
    data = getattr(datasets, name)()
    assert isinstance(data, TradeData)
    assert data.source and data.licence and data.year and data.notes
    assert data.units["value"] == data.value_unit
    assert data.units["tariff"] == "fraction"


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.filterwarnings("error")
def test_passes_the_checks_of_a_users_own_frame(name):
    data = getattr(datasets, name)()
    again = TradeData.from_frame(data.flows, value_unit=data.value_unit)
    pd.testing.assert_frame_equal(again.flows, data.flows)


@pytest.mark.parametrize("name", LOADERS)
def test_pickles_with_its_side_tables(name):
    data = getattr(datasets, name)()
    again = pickle.loads(pickle.dumps(data))
    pd.testing.assert_frame_equal(again.flows, data.flows)
    assert set(again.extra) == set(data.extra)
    assert again.notes == data.notes


@pytest.mark.parametrize("name", LOADERS)
def test_labels_are_known(name):
    data = getattr(datasets, name)()
    assert not set(data.countries) - set(COUNTRIES) - set(AGGREGATES)


def test_spoiling_a_side_table_spoils_no_later_load():
    partners = datasets.us_imports_2024().extra["partners"]
    partners["value"] = 0.0
    gdp = datasets.bilateral_2023().extra["gdp"]
    gdp[:] = 0.0
    assert (datasets.us_imports_2024().extra["partners"]["value"] > 0).all()
    assert (datasets.bilateral_2023().extra["gdp"] > 0).all()


@pytest.mark.native
def test_loads_fast():
    best = min(_seconds(datasets.us_imports_2024) for _ in range(5))
    assert best < LOAD_SECONDS


def _seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


# ---- US imports


def test_us_imports_from_china(us):
    partners = us.extra["partners"].set_index("exporter")
    assert partners.at["CHN", "value"] / 1e9 == pytest.approx(429.4, abs=BN_TOLERANCE)
    assert partners.at["CHN", "held_out"] / 1e9 == pytest.approx(11.4, abs=BN_TOLERANCE)
    china = us.flows.query("exporter == 'CHN'")
    assert china["value"].sum() == 417_986_720_127
    assert partners.at["CHN", "products"] == len(china) == 4636


def test_us_counts(us):
    counts = us.extra["counts"]
    assert counts["products_listed"] == 5480
    assert counts["china_products_listed"] == 4641
    assert counts["products"] == len(us.products) == 5479
    assert counts["products_without_value"] == ["120230"]
    assert counts["flows"] == len(us) == counts["flows_listed"] - counts["flows_without_value"]
    assert us.report.exporters == counts["partners"] == 50
    assert us.report.one_destination and not us.report.home_sales and not us.report.zero_rows


def test_us_has_no_slovakia_and_no_special_chapters(us):
    assert "SVK" not in us.countries and "EU27" in us.countries
    assert us.products.str.fullmatch(r"\d{6}").all()
    assert not us.products.str[:2].isin(["98", "99"]).any()
    assert set(us.flows["importer"]) == {"USA"} and "USA" not in set(us.flows["exporter"])


def test_us_held_out(us):
    held = us.extra["held_out"]
    assert set(held["chapter"]) == {"98", "99"}
    assert held["value"].sum() / 1e9 == pytest.approx(124.6, abs=BN_TOLERANCE)
    everything = us.report.value + held["value"].sum()
    assert everything == us.extra["partners"]["value"].sum()
    assert everything / 1e9 == pytest.approx(3208.82, abs=0.005)


def test_us_collected_rates(us):
    flows = us.flows
    assert (flows["tariff"] > 1).sum() == 12
    duty = (flows["value"] * flows["tariff"]).sum()
    assert duty == pytest.approx(75_623_990_763, rel=1e-12)
    rate = us.extra["partners"].set_index("exporter")["collected_rate"]
    by_hand = flows.assign(duty=flows["value"] * flows["tariff"]).groupby("exporter")
    sums = by_hand[["value", "duty"]].sum()
    np.testing.assert_allclose((sums["duty"] / sums["value"]).to_numpy(), rate, rtol=1e-12)


def test_us_metadata():
    us = datasets.us_imports_2024()
    assert us.default_elasticities == "us_2018_19"
    assert (us.value_unit, us.year, us.tariff_date) == ("USD", 2024, "2024")
    assert us.licence == "public domain"
    text = " ".join(us.notes)
    for figure in ("5,480", "5,479", "4,641", "4,636", "429.4", "418.0", "124.6", "SLOVAKIA"):
        assert figure in text


def test_october_adds_the_partners_points(us, october):
    added = datasets.october_2025_added()
    assert len(added) == 50 and "SVK" not in added.index
    assert added["CHN"] == pytest.approx(0.31016674, abs=1e-8)
    assert added["EU27"] == pytest.approx(0.15194637, abs=1e-8)
    before, after = us.flows, october.flows
    pd.testing.assert_series_equal(before["value"], after["value"])
    points = (after["tariff"] - before["tariff"]).to_numpy()
    np.testing.assert_allclose(points, before["exporter"].map(added).to_numpy(), atol=1e-14)
    assert october.tariff_date == "2025-10-14"
    assert "MIT" in october.licence
    assert any("still those of 2024" in note for note in october.notes)
    assert any("Doubtful" in note and "IRQ" in note for note in october.notes)


def test_unknown_tariffs_are_refused():
    with pytest.raises(DataError, match=r"tariffs='now': give 'collected_2024' or 'october_2025'"):
        datasets.us_imports_2024(tariffs="now")


def test_one_partner_can_be_taken_alone(us):
    assert us.subset(exporter="CHN").report.products == 4636


# ---- the world


def test_world_counts(world):
    assert len(world) == 128_644
    assert (len(world.countries), len(world.products)) == (81, 27)
    assert "ROW" in world.countries and world.report.home_sales
    assert not world.report.zero_rows and world._value.min() > 0.01
    assert total(world, "CHN", "USA") / 1e3 == pytest.approx(407, abs=0.5)
    counts = world.extra["counts"]
    assert counts["origins_without_output"] == 41
    assert counts["home_cells_zero"] == 68
    assert counts["value_share_dropped"] < 2e-6
    assert world.report.value == pytest.approx(counts["value"], abs=0.001)


def test_world_destinations_are_complete(world):
    assert len(world._layout.imp_code) == 81 * 27


def test_world_base_tariffs(world):
    flows = world.flows
    abroad = (flows["importer"] == "USA") & (flows["exporter"] != "USA")
    assert (flows.loc[~abroad, "tariff"] == 0).all()
    us = flows[abroad]
    duty = us["value"] * us["tariff"]
    assert duty.sum() / us["value"].sum() == pytest.approx(0.0305, abs=5e-5)
    china = us["exporter"] == "CHN"
    assert duty[china].sum() / us.loc[china, "value"].sum() == pytest.approx(0.123, abs=5e-4)
    assert any("added points are exact, levels are not" in note for note in world.notes)


def test_world_rates_are_those_of_us_imports(us, world):
    sector = datasets.hs6_to_icio22()
    flows = us.flows
    flows["duty"] = flows["value"] * flows["tariff"]
    sums = flows.groupby(["exporter", flows["product"].map(sector)])[["value", "duty"]].sum()
    rate = sums["duty"] / sums["value"]
    table = world.extra["us_tariff"].set_index(["exporter", "product"])
    for exporter, partner in (("CHN", "CHN"), ("DEU", "EU27"), ("TWN", "TWN")):
        for product, coarse in (("A01", "A01_02"), ("C24B", "C24"), ("C26", "C26")):
            row = table.loc[(exporter, product)]
            assert row["tariff"] == pytest.approx(rate[partner, coarse], rel=1e-12)
            assert ("European Union" in row["basis"]) == (partner == "EU27")


def test_world_rates_of_partners_that_customs_does_not_name(us, world):
    table = world.extra["us_tariff"].set_index(["exporter", "product"])
    outside = set(us.extra["partners"]["exporter"]) - set(world.countries) - {"EU27"}
    flows = us.flows[us.flows["exporter"].isin(outside)]
    flows = flows[flows["product"].map(datasets.hs6_to_icio22()) == "C13T15"]
    mean = (flows["value"] * flows["tariff"]).sum() / flows["value"].sum()
    for exporter in ("ROW", "MAR", "KAZ"):
        assert table.loc[(exporter, "C13T15"), "tariff"] == pytest.approx(mean, rel=1e-12)
        assert "outside the 80" in table.loc[(exporter, "C13T15"), "basis"]


def test_world_members_of_the_union_are_there_one_by_one(world):
    assert set(world.countries) >= GROUPS["EU"].members


def test_rest_of_the_world_has_no_home_sales(world):
    assert total(world, "ROW", "ROW") == 0
    assert world.extra["counts"]["home_cells_zero_row"] == 27
    assert any("all sectors of ROW" in note for note in world.notes)


def test_world_is_flagged_estimated(world):
    flows = world.flows
    abroad = (flows["exporter"] != flows["importer"]).sum()
    assert world.report.estimated_rows == abroad
    share = world.extra["sectors"].set_index("product")["estimated_share"]
    assert share.index.tolist() == world.products.tolist()
    assert share.between(0, 1).all()
    assert any("Partly estimated" in note for note in world.notes)


def test_world_metadata(world):
    assert world.default_elasticities == "world"
    assert (world.value_unit, world.year) == ("million USD", 2022)
    assert world.tariff_date == "2024 (importer USA only)"
    assert "CC BY 4.0" in world.licence and "OECD" in world.source
    sectors = world.extra["sectors"]
    assert sectors["group"].value_counts().to_dict() == {
        "manufacturing": 19,
        "mining": 5,
        "agriculture": 3,
    }


# ---- all goods


def test_bilateral_figures(bilateral):
    assert len(bilateral.countries) == 194 and "TWN" not in bilateral.countries
    assert bilateral.products.tolist() == ["TOTAL"]
    assert total(bilateral, "CHN", "USA") / 1e6 == pytest.approx(440.5, abs=BN_TOLERANCE)
    assert bilateral.report.value / 1e9 == pytest.approx(21.75, abs=0.005)
    assert not bilateral.report.home_sales and not bilateral.report.one_destination


def test_bilateral_metadata(bilateral):
    assert bilateral.default_elasticities is None
    assert (bilateral.value_unit, bilateral.tariff_date) == ("thousand USD", "")
    assert (bilateral.flows["tariff"] == 0).all()
    assert any("levels are not" in note for note in bilateral.notes)
    gdp = bilateral.extra["gdp"]
    assert gdp.index.tolist() == bilateral.countries.tolist()
    assert gdp["USA"] / 1e12 == pytest.approx(27.8, abs=0.1)
    assert "NAM" in gdp.index


# ---- tables behind the elasticity sets


def test_bw2006_table():
    table = _tables.load_table("bw2006")
    assert len(table["prefix"]) == len(set(table["prefix"])) == 168
    assert {len(prefix) for prefix in table["prefix"].tolist()} == {3}
    assert table["sigma"].min() > 1
    assert table["sigma"].max() == pytest.approx(108.186, abs=1e-3)  # not winsorised


def test_protee_table():
    table, known = _tables.load_table("protee"), _tables.metadata("protee")
    counts = known["counts"]
    assert len(table["prefix"]) == len(set(table["prefix"]))
    assert table["sigma"].min() > 0 and np.isfinite(table["sigma"]).all()
    assert np.bincount(table["flag"]).tolist() == [3044, 1435, 87, 971]
    assert counts["source_rows"] == 3044 + 1435 + 87 + counts["blank"]
    length = np.char.str_len(table["prefix"])
    np.testing.assert_array_equal(length == 4, table["flag"] == 3)
    heading = table["sigma"][(table["flag"] == 0) & (np.char.find(table["prefix"], "0303") == 0)]
    row = table["sigma"][table["prefix"] == "0303"]
    assert row == pytest.approx(heading.mean())
    assert "HS 2007" in known["what"]


def test_every_us_product_has_a_sector(us):
    sector = datasets.hs6_to_icio22()
    assert sector.index.is_unique
    assert us.products.isin(sector.index).all()
    assert sector["850440"] == "C27"


def test_chapter_names(us):
    names = datasets.chapter_names()
    assert set(us.products.str[:2]) <= set(names.index)
    assert names["85"] == "Electrical and electronic"


def test_unknown_table_is_refused():
    with pytest.raises(
        DataError, match=r"no table 'nope'; there are: base_tariffs_2022, bilateral_2023"
    ):
        _tables.load_table("nope")
    with pytest.raises(DataError, match="no table"):
        _tables.metadata("nope")


def test_tables_are_read_only_and_metadata_is_a_copy():
    with pytest.raises(ValueError, match="read-only"):
        _tables.load_table("bw2006")["sigma"][0] = 1.0
    _tables.metadata("bw2006")["notes"].append("changed")
    assert "changed" not in _tables.metadata("bw2006")["notes"]
