"""The measures of October 2025 as scenarios."""

from __future__ import annotations

import pytest

import tradewar as tw
from tradewar import talks
from tradewar.errors import ScenarioError

SCENARIOS = [name for name in talks.__all__ if name not in ("SCENARIOS", "baseline", "compare")]


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_says_its_date_sources_and_assumption(name):
    scn = getattr(talks, name)()
    assert scn.date in ("2025-10-25", "2025-11-10")
    assert len(scn.note) > 40
    assert scn.sources or name == "status_quo"
    assert tw.Scenario.from_json(scn.to_json()) == scn
    assert scn.note in str(scn) or not scn.rules


def test_the_deal_alone_is_hindsight():
    later = {name for name in SCENARIOS if getattr(talks, name)().date > "2025-10-26"}
    assert later == {"deal", "us_deal_terms", "china_deal_terms"}


def test_sides_compose():
    cell = talks.us_threat() + talks.rare_earth_licences()
    assert cell.name == "US threat + rare-earth licences"
    assert len(cell.rules) == 2 and len(cell.sources) == 2
    assert cell.note.startswith("Every US duty") and "licenses exports" in cell.note
    assert talks.deal().rules == talks.us_deal_terms().rules + talks.china_deal_terms().rules
    assert {r.instrument for r in talks.escalation().rules} == {
        "tariff",
        "entity_list",
        "export_quota",
        "ban",
    }


def test_numbers_come_from_the_data():
    quota = talks.rare_earth_licences().to_frame().loc[0]
    earths = tw.datasets.rare_earths()
    may = earths.magnet_exports.query("period == '2025-05' and importer == 'WLD'")["quantity"]
    assert quota["quantity_ratio"] == pytest.approx(may.item() / earths.monthly_mean_2024)
    rules = talks.china_deal_terms().to_frame()
    bought = tw.datasets.china_soybeans().imports.query("exporter == 'USA' and year == 2022")
    ratio = rules.loc[rules["instrument"] == "purchase_commitment", "quantity_ratio"].item()
    assert ratio == pytest.approx(25e6 / bought["quantity"].item())


def test_the_levels_of_the_snap_back():
    assert set(talks.snap_back().to_frame()["add"]) == {0.24}
    assert set(talks.snap_back("april").to_frame()["add"]) == {1.15}
    with pytest.raises(ScenarioError, match=r"level='may': give 'truce' \(24 points\)"):
        talks.snap_back("may")


def test_us_customs_data_take_the_threat():
    data = tw.datasets.us_imports_2024()
    res = tw.solve_pe(data, talks.us_threat(), substitution=2.53, demand=1.19, supply=float("inf"))
    china = res.flows.query("exporter == 'CHN'")
    assert (china["tariff_new"] - china["tariff"]).to_numpy() == pytest.approx(1.0)


# ---- the table ---------------------------------------------------------------------------------

SMALL = 1e-8  # a solve to 1e-10 in every market, as a change in welfare


def test_status_quo_brings_the_duties_of_the_day():
    world = tw.datasets.icio_2022()
    after = tw.solve_ge(world, talks.status_quo(world)).flows
    goods = after[after["product"].str[0].isin(list("ABC"))]

    def mean(importer: str, exporter: str, column: str) -> float:
        rows = goods.query("importer == @importer and exporter == @exporter")
        return float((rows[column] * rows["value"]).sum() / rows["value"].sum())

    assert 0.37 < mean("USA", "CHN", "tariff_new") < 0.58  # between the published concepts
    assert 0.20 < mean("CHN", "USA", "tariff_new") < 0.35
    assert mean("JPN", "KOR", "tariff_new") == mean("JPN", "KOR", "tariff")


def test_compare_starts_from_the_status_quo():
    world = tw.datasets.icio_2022()
    start = talks.baseline(world)
    listed = [talks.status_quo(), talks.us_threat(), talks.deal()]
    table = talks.compare(start, listed, rebased=True)
    wide = table.pivot(index="country", columns="scenario", values="welfare_change")
    assert wide["status quo"].abs().max() < SMALL
    direct = tw.solve_ge(start, talks.us_threat())
    assert (wide["US threat"] - direct.welfare).abs().max() < SMALL
    assert table.attrs["assumes"]["deal"] == talks.deal().note
    assert table.attrs["unit"]["ev"] == world.value_unit
    assert not table.attrs["left_out"]


def test_rents_of_a_table_are_those_of_the_result():
    start = talks.baseline(tw.datasets.icio_2022())
    scn = talks.rare_earth_licences(quantity_ratio=0.5)
    table = talks.compare(start, [scn], rebased=True).set_index("country")
    rents = tw.solve_ge(start, scn).rents()
    assert rents["rent"].sum() > 0
    assert table["rent"].sum() == pytest.approx(rents["rent"].sum())
    assert table["rent"].drop("CHN").abs().max() == 0.0


def test_products_of_one_importer_leave_rules_out_aloud():
    data = tw.datasets.us_imports_2024()
    with pytest.warns(tw.DataWarning):
        table = talks.compare(data, [talks.us_threat(), talks.soybean_freeze()])
    assert list(table.attrs["left_out"]) == ["soybean freeze"]
    usa = table.query("country == 'USA'").set_index("scenario")
    assert usa.loc["US threat", "ev"] < 0 == usa.loc["soybean freeze", "ev"]
    assert table["welfare_change"].isna().all()


def test_compare_refuses_what_it_cannot_solve():
    with pytest.raises(tw.DataError, match="base is a dict: give a TradeData or a World"):
        talks.compare({})
    with pytest.raises(tw.DataError, match="no scenario given"):
        talks.compare(tw.datasets.icio_2022(), [])
    with pytest.raises(ScenarioError, match="neither USA nor CHN is an importer"):
        talks.status_quo(
            tw.datasets.us_imports_2024().subset(importer="USA").aggregate(countries={"USA": "XXX"})
        )
