"""PEResult: frames against their definitions, failed markets, overviews, runs."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, replace

import pandas as pd
import pytest

from tests.unit.pe_cases import (
    ELASTIC,
    FREE_TRADE,
    KEYS,
    MONEY,
    PLUS_100,
    PRINTED_EXACT,
    SUMS,
    fail,
    flow,
    solve_customs,
    solve_gsim,
    solve_war,
    world,
)
from tradewar.errors import DataError, ScenarioError
from tradewar.pe import solve_pe
from tradewar.runs import Runs
from tradewar.scenario import Scenario

# ---- frames ------------------------------------------------------------------------------


def test_contract_columns():
    res = solve_war()
    assert list(res.flows.columns) == [
        *KEYS,
        "value",
        "value_new",
        "tariff",
        "tariff_new",
        "quantity_ratio",
        "producer_price_ratio",
        "border_price_ratio",
        "buyer_price_ratio",
        "revenue",
        "revenue_new",
        "export_tax_revenue",
        "export_tax_revenue_new",
        "rent",
    ]
    assert list(res.importers.columns) == [
        "importer",
        "product",
        "price_index_ratio",
        "expenditure",
        "expenditure_new",
        "consumer_surplus_change",
    ]
    assert list(res.exporters.columns) == [
        "exporter",
        "product",
        "producer_price_ratio",
        "producer_surplus_change",
    ]
    assert res.countries.index.name == "country"
    assert list(res.countries.columns) == [
        "consumer_surplus_change",
        "producer_surplus_change",
        "revenue_change",
        "rent",
        "welfare_change",
    ]
    assert list(res.markets.columns) == ["product", "converged", "iterations", "residual"]
    assert [c for c in res.incidence().columns if c != "exporting_state"] == [
        *MONEY,
        "revenue_change",
        "bystander_prices",
        "importer_share",
        "log_pass_through",
    ]


def test_keys_behave_as_strings():
    table = solve_war().flows
    assert (table[table["exporter"] == "AAA"]["exporter"] == "AAA").all()
    for key in KEYS:
        assert pd.api.types.is_string_dtype(table[key])
    assert len(table.groupby(["exporter", "product"])) == 20


def test_every_frame_says_its_units():
    res = solve_war()
    frames = {
        "flows": res.flows,
        "importers": res.importers,
        "exporters": res.exporters,
        "countries": res.countries,
        "incidence": res.incidence(by="product"),
        "diversion": res.diversion(),
        "by product": res.diversion(by="product"),
        "hicks": res.hicks(),
        "deflection": res.deflection(),
        "bystanders": res.bystanders(),
        "top": res.top(3),
    }
    keys = {*KEYS, "role", "country"}
    for name, table in frames.items():
        missing = set(table.columns) - keys - set(table.attrs["unit"])
        assert not missing, (name, missing)
        assert "million USD" in table.attrs["unit"].values() or name == "flows", name


def test_flows_follow_the_price_chain():
    res = solve_war()
    table = res.flows
    data = res.data.flows
    assert table[KEYS].equals(data[KEYS])
    tax_new = data["export_tax"] + 0.2 * (
        (table["exporter"] == "BBB") & (table["importer"] == "AAA") & (table["product"] == "p1")
    )
    border = table["producer_price_ratio"] * (1 + tax_new) / (1 + data["export_tax"])
    assert table["border_price_ratio"].to_numpy() == pytest.approx(border.to_numpy(), rel=1e-14)
    value_new = table["value"] * table["quantity_ratio"] * border
    assert table["value_new"].to_numpy() == pytest.approx(value_new.to_numpy(), rel=1e-14)
    cost = 1.0 + 0.1 * (
        (table["exporter"] == "BBB") & (table["importer"] == "AAA") & (table["product"] == "p2")
    )
    buyer = border * cost * (1 + table["tariff_new"]) / (1 + table["tariff"])
    assert table["buyer_price_ratio"].to_numpy() == pytest.approx(buyer.to_numpy(), rel=1e-14)
    levied = value_new * tax_new / (1 + tax_new)
    assert table["export_tax_revenue_new"].to_numpy() == pytest.approx(levied.to_numpy())
    assert (table.loc[table["value"] == 0, "value_new"] == 0).all()
    banned = flow(res, "BBB", "AAA", "p4")
    assert banned["quantity_ratio"] == 0 and banned["value_new"] == 0


def test_sums_over_flows_agree_with_the_other_frames():
    res = solve_war()
    table = res.flows
    spent = table["value"] * (1 + table["tariff"])
    after = spent * table["quantity_ratio"] * table["buyer_price_ratio"]
    by_slot = [table["importer"], table["product"]]
    importers = res.importers.set_index(["importer", "product"])
    for name, series in (("expenditure", spent), ("expenditure_new", after)):
        want = series.groupby(by_slot).sum()
        assert importers[name].loc[want.index].to_numpy() == pytest.approx(want.to_numpy())
    duty = (table["revenue_new"] - table["revenue"]).groupby(table["importer"]).sum()
    tax = table["export_tax_revenue_new"] - table["export_tax_revenue"]
    revenue = duty + tax.groupby(table["exporter"]).sum()
    assert res.countries["revenue_change"].to_numpy() == pytest.approx(revenue.to_numpy())
    for side, column in (("importers", "consumer"), ("exporters", "producer")):
        slots = getattr(res, side)
        name = f"{column}_surplus_change"
        want = slots.groupby(side[:-1])[name].sum()
        assert res.countries[name].to_numpy() == pytest.approx(want.to_numpy())


def test_welfare_adds_up_and_the_world_is_reported():
    table = solve_war().countries
    parts = table.drop(columns="welfare_change").sum(axis=1)
    assert table["welfare_change"].to_numpy() == pytest.approx(parts.to_numpy(), abs=SUMS)
    assert table.attrs["world"]["welfare_change"] == pytest.approx(
        table["welfare_change"].sum(), abs=SUMS
    )
    assert "world" not in table.index


def test_expenditure_is_the_ces_value():
    """Spending after is E P^(1-eps) where demand is exact CES."""
    table = solve_war().importers
    want = table["expenditure"] * table["price_index_ratio"] ** (1 - ELASTIC["demand"])
    assert table["expenditure_new"].to_numpy() == pytest.approx(want.to_numpy(), rel=1e-9)


# ---- failed markets ----------------------------------------------------------------------


@pytest.mark.parametrize("table", ["flows", "importers", "exporters"])
def test_failed_markets_have_nan_rows(table):
    res = fail(solve_war(), "p2")
    got = getattr(res, table)
    bad = got["product"] == "p2"
    column = {"flows": "value_new", "importers": "price_index_ratio"}.get(
        table, "producer_surplus_change"
    )
    assert got.loc[bad, column].isna().all() and got.loc[~bad, column].notna().all()
    assert got.attrs["failed_markets"] == 1
    value = res.data.flows.groupby("product")["value"].sum()
    assert got.attrs["failed_value_share"] == pytest.approx(value["p2"] / value.sum())


def test_failed_markets_are_left_out_of_totals_and_counted():
    whole, res = solve_war(), fail(solve_war(), "p2")
    rest = whole.importers[whole.importers["product"] != "p2"]
    want = rest.groupby("importer")["consumer_surplus_change"].sum()
    got = res.countries
    assert got["consumer_surplus_change"].to_numpy() == pytest.approx(want.to_numpy())
    assert got.notna().all(axis=None) and got.attrs["failed_markets"] == 1
    kept = whole.incidence(by="product").set_index("product").drop("p2")
    assert res.incidence()["buyers"].iloc[0] == pytest.approx(kept["buyers"].sum())
    for table in (res.diversion(), res.hicks(), res.deflection(), res.bystanders()):
        assert table.attrs["failed_markets"] == 1
        assert not table.filter(like="change").isna().any(axis=None)
    assert res.to_matrix("value_new").notna().all(axis=None)
    assert any("failed" in item for item in res.summary().index)
    assert "1 of 4 products failed" in res.card and "p2" in res.card
    assert not res.markets.set_index("product").at["p2", "converged"]


def test_numbers_in_failed_rows_are_refused():
    res = solve_war()
    status = res.status.copy()
    status[0] = 1
    with pytest.raises(ValueError, match="must be NaN"):
        replace(res, status=status)


# ---- the object --------------------------------------------------------------------------


def test_result_is_frozen_and_pickles():
    res = solve_war()
    with pytest.raises(FrozenInstanceError):
        res.method = "linear"
    with pytest.raises(ValueError, match="read-only"):
        res.q[0] = 2.0
    again = pickle.loads(pickle.dumps(res))
    assert again.flows.equals(res.flows)
    assert again.card == res.card
    assert not hasattr(res, "__dict__")


def test_arrays_that_others_read():
    res = solve_war()
    assert res._value_new.tolist() == res.flows["value_new"].tolist()
    assert res._tariff_new.tolist() == res.flows["tariff_new"].tolist()
    assert res._export_tax_new.shape == res.q.shape
    assert solve_gsim(FREE_TRADE)._export_tax_new is None


def test_frames_are_the_users_to_change():
    res = solve_war()
    table = res.flows
    table["value"] = 0.0
    table.loc[0, "quantity_ratio"] = 9.0
    assert res.flows["value"].sum() > 0 and res.flows.loc[0, "quantity_ratio"] != 9.0


def test_top_ranks():
    res = solve_customs()
    losers = res.top(1, of="exporter", order="smallest")
    assert losers["exporter"].tolist() == ["CHN"]
    gains = res.top(2, of="exporter", order="largest", importer="USA")
    assert gains["exporter"].tolist() == ["MEX", "VNM"]
    products = res.top(5, exporter="CHN")
    assert products["product"].tolist() == ["850440", "010121"]
    assert products.loc[0, "tariff_new"] == pytest.approx(1.1)
    flows = res.top(1, by="revenue_change", of="flow")
    assert flows[KEYS].iloc[0].tolist() == ["CHN", "USA", "850440"]
    with pytest.raises(DataError, match=r"by='profit' is no column.*value_change"):
        res.top(by="profit")
    with pytest.raises(DataError, match="of='sector'"):
        res.top(of="sector")
    with pytest.raises(DataError, match="order='up'"):
        res.top(order="up")


def test_top_leaves_home_sales_out():
    res = solve_war()
    table = res.top(10, of="exporter").set_index("exporter")
    flows = res.flows[res.flows["exporter"] != res.flows["importer"]]
    want = flows.groupby("exporter")["value"].sum()
    assert table["value"].loc[want.index].to_numpy() == pytest.approx(want.to_numpy())


def test_summary_is_small_and_prints():
    res = solve_customs()
    table = res.summary()
    assert table.at["trade in the flows changed", "baseline"] == 60e9
    assert table.at["average duty on the flows changed", "new"] == pytest.approx(1.1)
    text = str(res)
    assert text.splitlines()[0] == (
        "+100 on China: partial equilibrium (exact), 2 products, 5 flows"
    )
    assert "60.0" in text and "bn USD" in text and "10.0 %" in text
    assert "0x" not in text and repr(res) == text
    assert "<table" in res._repr_html_()
    welfare = res.countries["welfare_change"]
    assert table.at["welfare, USA", "change"] == pytest.approx(welfare["USA"])
    assert table.at["welfare, all countries in the data", "change"] == pytest.approx(welfare.sum())
    paid = res.incidence().loc["total"]
    assert table.at["change in duty borne by buyers", "change"] == paid["buyers"]


def test_card_of_customs_data_says_what_is_assumed():
    card = solve_customs().card
    text = " ".join(card.split())
    assert "elasticity of import demand" in text
    assert "residual export supply" in text
    assert "by assumption and not as a result" in text
    assert "100.0 % (1.00) at supply inf" in text
    assert "deflection and bystanders (one destination)" in text
    assert "what home producers gain" in text
    assert "1 flows, 60.0 bn USD" in text
    assert repr(card) == str(card) and "<pre>" in card._repr_html_()
    assert max(len(line) for line in card.splitlines()) <= 100


def test_finite_supply_beside_the_assumption_is_close_to_the_solution():
    """The first-order column of the card against a solve at that supply."""
    from tradewar.pe_incidence import finite_supply_shares

    share, pass_through = finite_supply_shares(solve_customs(), 30.0)
    solved = solve_customs(supply=30.0).incidence().loc["total"]
    assert share == pytest.approx(solved["importer_share"], abs=0.02)
    assert pass_through == pytest.approx(solved["log_pass_through"], abs=0.01)
    assert finite_supply_shares(solve_war(), 30.0) is None


@pytest.mark.parametrize("rule", ["nothing", "trade cost"])
def test_overviews_without_a_tariff_change(rule):
    scenario = Scenario(rule)
    if rule == "trade cost":
        scenario = scenario.trade_cost(importer="AAA", exporter="BBB", ratio=1.2)
    res = solve_pe(world(), scenario, **ELASTIC)
    assert rule in str(res) and rule in res.card
    assert not any("duty borne" in item for item in res.summary().index)
    assert res.incidence().drop(columns="bystander_prices").isna().all(axis=None)
    assert res.countries.notna().all(axis=None)


def test_card_of_a_world_with_home_sales():
    text = " ".join(solve_war().card.split())
    assert "elasticity of total demand" in text
    assert "supply is that of production" in text
    assert "nothing that these tables ask for" in text


def test_cite_names_the_method():
    assert "Armington" in solve_customs().cite()
    assert "GSIM" in solve_gsim(FREE_TRADE, method="linear").cite()


def test_to_frame_backends():
    import polars as pl
    import pyarrow as pa

    res = solve_war()
    polars, arrow = res.to_frame("polars"), res.to_frame("pyarrow")
    assert isinstance(polars, pl.DataFrame) and isinstance(arrow, pa.Table)
    assert polars["value_new"].to_list() == res.flows["value_new"].tolist()
    assert polars["exporter"].to_list() == arrow["exporter"].to_pylist()
    assert res.to_frame().equals(res.flows)
    with pytest.raises(DataError, match="backend='spark'"):
        res.to_frame("spark")


def test_to_matrix():
    res = solve_war()
    flows = res.flows
    money = res.to_matrix("value_new")
    assert money.index.name == "importer" and money.columns.name == "exporter"
    want = flows[(flows["exporter"] == "BBB") & (flows["importer"] == "AAA")]["value_new"].sum()
    assert money.at["AAA", "BBB"] == pytest.approx(want)
    assert money.attrs["unit"] == "million USD"
    rate = res.to_matrix("tariff_new", product="p1")
    assert rate.at["AAA", "BBB"] == flow(res, "BBB", "AAA", "p1")["tariff_new"]
    with pytest.raises(DataError, match="cannot be added over products"):
        res.to_matrix("tariff")
    with pytest.raises(DataError, match="did you mean"):
        res.to_matrix("value_now")
    with pytest.raises(DataError, match="product='p9'"):
        res.to_matrix("value", product="p9")


def test_to_links():
    res = solve_war()
    links = res.to_links("value")
    flows = res.flows[res.flows["exporter"] != res.flows["importer"]]
    assert list(links.columns) == ["source", "target", "value"]
    assert links["value"].sum() == pytest.approx(flows["value"].sum())
    assert (links["source"] != links["target"]).all()
    with pytest.raises(DataError, match="give a money column"):
        res.to_links("tariff")


# ---- runs --------------------------------------------------------------------------------


def test_runs():
    runs = Runs([solve_gsim(FREE_TRADE), solve_gsim(PLUS_100)])
    assert len(runs) == 2 and runs.names == ["EU-US free trade", "+100 on JP"]
    assert [res.scenario.name for res in runs] == runs.names
    assert runs["+100 on JP"].flows.equals(runs[1].flows)
    assert "+100 on JP" in runs
    table = runs.compare("welfare_change")
    assert table.at["US", "+100 on JP"] == pytest.approx(-168.5965594, abs=PRINTED_EXACT)
    assert table.attrs["unit"] == "USD" and table.index.name == "country"
    long = runs.to_frame()
    assert list(long.columns[:2]) == ["scenario", "country"] and len(long) == 8
    assert long.attrs["unit"]["welfare_change"] == "USD"
    assert "2 scenarios" in repr(runs)
    assert pickle.loads(pickle.dumps(runs)).names == runs.names
    with pytest.raises(KeyError, match="no scenario 'war'"):
        runs["war"]
    with pytest.raises(DataError, match="column='welfare' is not in countries"):
        runs.compare("welfare")
    with pytest.raises(ScenarioError, match=r"several scenarios are named '\+100 on JP'"):
        Runs([runs[1], runs[1]])
