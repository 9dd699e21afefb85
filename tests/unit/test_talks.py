"""The measures of October 2025 as scenarios."""

from __future__ import annotations

import pytest

import tradewar as tw
from tradewar import talks
from tradewar.errors import ScenarioError

SCENARIOS = [name for name in talks.__all__ if name != "compare"]


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
