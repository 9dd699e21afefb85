"""Tables of where trade goes: each closes, and what is not identified is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.unit.pe_cases import (
    CLEARING,
    ELASTIC,
    FREE_TRADE,
    SUMS,
    customs,
    solve_customs,
    solve_gsim,
    solve_war,
    world,
)
from tradewar.errors import DataError, NotIdentified, ScenarioError
from tradewar.pe import solve_pe
from tradewar.scenario import Scenario

# ---- diversion ---------------------------------------------------------------------------

METHODS = [
    {},
    {"home_substitution": 2.0},
    {"supply": np.inf},
    {"method": "euler", "steps": 7},
]


@pytest.mark.parametrize("options", METHODS)
def test_diversion_closes(options):
    if options.get("method") == "euler":
        scenario = Scenario("tariffs").tariff(importer="AAA", exporter="BBB", add=0.3)
        res = solve_pe(world(), scenario, **{**ELASTIC, **options})
    else:
        res = solve_war(**options)
    table = res.diversion(importer="AAA", exporter="BBB")
    origins = table[table["role"] != "lost demand"]
    assert origins["diversion"].sum() == pytest.approx(0.0, abs=SUMS)
    both = origins["diversion"] + origins["creation"]
    assert both.to_numpy() == pytest.approx(origins["volume_change"].to_numpy(), abs=SUMS)
    flows = res.flows[res.flows["importer"] == "AAA"]
    spending = flows["value"] * (1 + flows["tariff"])
    change = (spending * (flows["quantity_ratio"] - 1)).groupby(flows["exporter"]).sum()
    assert origins.set_index("exporter")["volume_change"].to_dict() == pytest.approx(
        change.to_dict()
    )
    closing = table[table["role"] == "lost demand"].iloc[0]
    assert closing["exporter"] == "lost demand"
    assert closing["volume_change"] == pytest.approx(-change.sum())
    shares = table["share"]
    assert shares.sum() == pytest.approx(1.0, abs=1e-12)
    assert shares[table["role"] == "target"].isna().all()
    loss = table.attrs["loss"]
    assert loss == pytest.approx(-change["BBB"])
    assert (shares * loss).sum() == pytest.approx(loss)
    remainder = origins["border_diversion"].sum()
    assert table.attrs["border_diversion_remainder"] == pytest.approx(remainder)
    assert closing["border_diversion"] == pytest.approx(-remainder, abs=SUMS)
    border = origins["border_diversion"] + origins["border_creation"]
    assert border.to_numpy() == pytest.approx(origins["border_volume_change"].to_numpy(), abs=SUMS)


def test_diversion_rows_are_target_others_home_lost():
    table = solve_war().diversion(importer="AAA", exporter="BBB")
    assert list(table["role"]) == ["target", *["other"] * 3, "home", "lost demand"]
    gains = table.loc[table["role"] == "other", "volume_change"]
    assert gains.is_monotonic_decreasing


def test_diversion_by_product_adds_up():
    res = solve_war()
    table = res.diversion(importer="AAA", exporter="BBB", by="product")
    whole = table[["other_origins", "home", "lost_demand"]].sum(axis=1)
    assert table["loss"].to_numpy() == pytest.approx(whole.to_numpy(), abs=SUMS)
    both = table["diversion"] + table["creation"]
    assert (-table["loss"]).to_numpy() == pytest.approx(both.to_numpy(), abs=SUMS)
    origins = res.diversion(importer="AAA", exporter="BBB").set_index("role")
    assert table["loss"].sum() == pytest.approx(-origins.at["target", "volume_change"])
    assert table["home"].sum() == pytest.approx(origins.at["home", "volume_change"])


def test_diversion_without_home_sales_calls_it_lost_import_demand():
    res = solve_customs()
    table = res.diversion(importer="USA", exporter="CHN")
    assert table["exporter"].iloc[-1] == "lost import demand"
    by_product = res.diversion(by="product").set_index("product")
    assert by_product["home"].isna().all()
    assert by_product.at["010121", "loss"] == 0


def test_diversion_defaults_to_the_flows_changed():
    res = solve_customs()
    assert res.diversion().equals(res.diversion(importer="USA", exporter="CHN"))
    assert res.hicks().loc[0, "role"] == "target"


def test_diversion_of_groups_and_lists_sums_money():
    res = solve_war()
    both = res.diversion(importer=["AAA", "BBB"], exporter=["AAA", "BBB"])
    one = res.diversion(importer="AAA", exporter="BBB")
    two = res.diversion(importer="BBB", exporter="AAA")
    assert both.attrs["loss"] == pytest.approx(one.attrs["loss"] + two.attrs["loss"])
    lost = [t["volume_change"].iloc[-1] for t in (both, one, two)]
    assert lost[0] == pytest.approx(lost[1] + lost[2])


def test_diversion_of_some_products():
    res = solve_war()
    table = res.diversion(importer="AAA", exporter="BBB", product="p4")
    assert table.loc[0, "value_new"] == 0
    whole = res.diversion(importer="AAA", exporter="BBB", by="product").set_index("product")
    assert table.attrs["loss"] == pytest.approx(whole.at["p4", "loss"])


def test_selectors_are_checked():
    res = solve_customs()
    with pytest.raises(DataError, match=r"exporter='CHM'.*did you mean 'CHN'"):
        res.diversion(importer="USA", exporter="CHM")
    with pytest.raises(DataError, match="no flow from"):
        res.diversion(importer="CHN", exporter="USA")
    with pytest.raises(DataError, match="by='sector'"):
        res.diversion(by="sector")
    nothing = Scenario("same").tariff(importer="USA", exporter="CHN", add=0.0)
    same = solve_pe(customs(), nothing, substitution=2.5, demand=1.2, supply=np.inf)
    with pytest.raises(ScenarioError, match="changes no such flow: name importer="):
        same.diversion()


@pytest.mark.parametrize("options", METHODS[:3])
def test_hicks_closes(options):
    res = solve_war(**options)
    table = res.hicks(importer="AAA", exporter="BBB")
    assert list(table["role"])[-2:] == ["curvature", "lost demand"]
    for column in ("substitution", "expansion", "volume_change"):
        assert table[column].sum() == pytest.approx(0.0, abs=SUMS)
    both = table["substitution"] + table["expansion"]
    assert both.to_numpy() == pytest.approx(table["volume_change"].to_numpy(), abs=SUMS)
    origins = table[~table["role"].isin(["curvature", "lost demand"])]
    assert table.attrs["curvature"] == pytest.approx(origins["substitution"].sum())
    assert table.attrs["curvature"] >= 0
    flows = res.flows[res.flows["importer"] == "AAA"]
    slots = res.importers.set_index(["importer", "product"])["price_index_ratio"]
    index = slots.loc[[("AAA", p) for p in flows["product"]]].to_numpy()
    compensated = flows["quantity_ratio"] * index ** ELASTIC["demand"]
    want = flows["value"] * (1 + flows["tariff"]) * (compensated - 1)
    want = want.groupby(flows["exporter"]).sum()
    assert origins.set_index("exporter")["substitution"].to_dict() == pytest.approx(want.to_dict())


def test_hicks_has_no_curvature_in_the_linear_model():
    res = solve_gsim(FREE_TRADE, method="linear")
    assert res.hicks(importer="US").attrs["curvature"] == pytest.approx(0.0, abs=SUMS)


# ---- deflection and bystanders -----------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"home_substitution": 2.0}, {"supply": 0.0}])
def test_deflection_shares_sum_to_one(options):
    res = solve_war(**options)
    table = res.deflection(importer="AAA", exporter="BBB")
    assert table["share"].sum() == pytest.approx(1.0, abs=1e-12)
    assert table["volume_change"].sum() == pytest.approx(0.0, abs=SUMS)
    assert list(table["role"]) == ["imposer", "other", "other", "other", "home", "supply cut"]
    supply = options.get("supply", ELASTIC["supply"])
    own = res.exporters[res.exporters["exporter"] == "BBB"].set_index("product")
    flows = res.data.flows
    mine = flows[flows["exporter"] == "BBB"]
    sales = (mine["value"] / (1 + mine["export_tax"])).groupby(mine["product"]).sum()
    bought = mine[(mine["importer"] == "AAA") & (mine["value"] > 0)]["product"]
    cut = (sales * (1 - own["producer_price_ratio"] ** supply))[bought].sum()
    assert table["volume_change"].iloc[-1] == pytest.approx(cut, abs=CLEARING)


def test_deflection_of_a_linear_result_closes():
    res = solve_gsim(FREE_TRADE, method="linear")
    table = res.deflection(importer="EU", exporter="US")
    price = res.exporters.set_index("exporter").at["US", "producer_price_ratio"]
    assert table["share"].sum() == pytest.approx(1.0, abs=1e-12)
    assert table["volume_change"].iloc[-1] == pytest.approx(-550.0 * 1.5 * (price - 1))


def test_bystanders_add_up():
    res = solve_war()
    table = res.bystanders(importer="AAA", exporter="BBB")
    assert set(table.index) == {"CCC", "DDD", "EEE"} and table.index.name == "country"
    parts = table[["to_imposer_change", "to_target_change", "to_rest_change"]].sum(axis=1)
    assert parts.to_numpy() == pytest.approx(table["exports_change"].to_numpy(), abs=SUMS)
    flows = res.flows
    abroad = flows[(flows["exporter"] != flows["importer"]) & (flows["exporter"] == "CCC")]
    assert table.at["CCC", "exports"] == pytest.approx(abroad["value"].sum())
    imposer = abroad[abroad["importer"] == "AAA"]
    want = (imposer["value_new"] - imposer["value"]).sum()
    assert table.at["CCC", "to_imposer_change"] == pytest.approx(want)


@pytest.mark.parametrize("table", ["deflection", "bystanders"])
def test_not_identified(table):
    with pytest.raises(NotIdentified, match=f"{table}.*one destination.*world_trade_2022"):
        getattr(solve_customs(supply=30.0), table)(importer="USA", exporter="CHN")
    infinite = solve_war(supply=np.inf)
    with pytest.raises(NotIdentified, match=f"{table}.*supply is infinite.*finite supply="):
        getattr(infinite, table)(importer="AAA", exporter="BBB")
    mixed = pd.DataFrame({"product": ["p1", "p2", "p3", "p4"], "supply": [2.0, 2.0, np.inf, 2.0]})
    with pytest.raises(NotIdentified, match="BBB p3"):
        getattr(solve_war(supply=mixed), table)(importer="AAA", exporter="BBB")
    kept = getattr(solve_war(supply=mixed), table)(
        importer="AAA", exporter="BBB", product=["p1", "p2"]
    )
    assert len(kept) >= 3
