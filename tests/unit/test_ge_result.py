"""GEResult: columns of the contract, definitions, views, trade tables, card."""

from __future__ import annotations

import pickle
import re
from dataclasses import FrozenInstanceError

import numpy as np
import pandas as pd
import pytest

import tradewar as tw
from tests.unit.ge_cases import COUNTRIES, PLUS_100, SECTORS, solve, world
from tradewar.errors import DataError, ScenarioError

KEYS = ["exporter", "importer", "product"]
EXACT = 1e-12
SOLVED = 1e-8


# ---- frames -------------------------------------------------------------------------------------


def test_contract_columns():
    res = solve()
    assert list(res.countries.columns) == [
        "welfare_change",
        "ev",
        "real_wage_change",
        "wage_ratio",
        "price_index_ratio",
        "income",
        "income_new",
        "tariff_revenue",
        "tariff_revenue_new",
        "deficit",
        "deficit_new",
        "exports",
        "exports_new",
        "imports",
        "imports_new",
    ]
    assert res.countries.index.name == "country"
    assert list(res.countries.index) == COUNTRIES
    assert list(res.flows.columns) == [*KEYS, "value", "value_new", "tariff", "tariff_new"]
    assert list(res.prices.columns) == [
        "country",
        "product",
        "price_ratio",
        "cost_ratio",
        "output",
        "output_new",
    ]
    assert res.welfare.name == "welfare_change"
    assert res.welfare.index.name == "country"


def test_units():
    res = solve()
    assert res.welfare.attrs["unit"] == "fraction"
    unit = res.countries.attrs["unit"]
    assert set(unit) == set(res.countries.columns)
    assert unit["welfare_change"] == unit["real_wage_change"] == "fraction"
    assert unit["ev"] == unit["exports_new"] == "bn USD"
    assert unit["wage_ratio"] == "ratio"
    for frame in (res.flows, res.prices, res.employment, res.details):
        numbers = set(frame.columns) - {*KEYS, "country"}
        assert set(frame.attrs["unit"]) == numbers


def test_definitions():
    res, w = solve(), world()
    table = res.countries
    np.testing.assert_allclose(
        1 + res.welfare, table["income_new"] / table["income"] / table["price_index_ratio"]
    )
    np.testing.assert_allclose(table["ev"], table["income"] * res.welfare, rtol=EXACT)
    np.testing.assert_allclose(
        1 + table["real_wage_change"], table["wage_ratio"] / table["price_index_ratio"]
    )
    np.testing.assert_allclose(table["income"], w._income)
    abroad = res.flows[res.flows["exporter"] != res.flows["importer"]]
    for side, column in (("exporter", "exports"), ("importer", "imports")):
        for tail in ("", "_new"):
            got = abroad.groupby(side)["value" + tail].sum()
            np.testing.assert_allclose(table[column + tail], got, rtol=EXACT)


def test_money_metric_welfare_with_leisure():
    res = tw.solve_ge(world(), PLUS_100, labour_supply=0.5)
    table, k = res.countries, 0.5 / 1.5
    V = world()._labour_income
    work = k * table["wage_ratio"] * res.state.labour * V
    W = (table["income_new"] - work) / table["price_index_ratio"] / (table["income"] - k * V)
    np.testing.assert_allclose(1 + res.welfare, W, rtol=EXACT)
    np.testing.assert_allclose(table["ev"], (table["income"] - k * V) * (W - 1), rtol=EXACT)


def test_envelope_of_money_metric_welfare():
    """A small tariff's welfare effect is that of trade, whatever labour does with it."""
    scn = tw.Scenario("small").tariff(importer="USA", exporter="CHN", add=1e-4)
    res = tw.solve_ge(world(), scn, labour_supply=2.0, tol=1e-13)
    first = res.decompose()
    k = 2.0 / 3.0
    base = world()._income - k * world()._labour_income
    # labour's part of income is given up in leisure
    net = (first["total"] - first["labour"]) * world()._income / base
    np.testing.assert_allclose(res.welfare, net, atol=1e-8)


def test_details_are_consistent():
    d = solve().details
    np.testing.assert_allclose(
        d["spending_new"], d["value_new"] * (1 + d["tariff_new"]), rtol=EXACT
    )
    # what buyers pay is quantity times price
    np.testing.assert_allclose(
        d["spending_new"], d["spending"] * d["quantity_ratio"] * d["buyer_price_ratio"], rtol=EXACT
    )
    np.testing.assert_allclose(
        d["value_new"], d["value"] * d["quantity_ratio"] * d["border_price_ratio"], rtol=EXACT
    )
    np.testing.assert_allclose(d["revenue_new"], d["tariff_new"] * d["value_new"], rtol=EXACT)


def test_matrix_and_links():
    res = solve()
    wide = res.matrix("value_change")
    assert wide.index.name == "exporter"
    assert wide.columns.name == "importer"
    assert wide.attrs["unit"] == "bn USD"
    rows = res.flows.query("exporter == 'CHN' and importer == 'USA'")
    assert wide.loc["CHN", "USA"] == pytest.approx((rows["value_new"] - rows["value"]).sum())
    one = res.matrix("tariff_new", product="C26")
    cell = rows.loc[rows["product"] == "C26", "tariff_new"].iloc[0]
    assert one.loc["CHN", "USA"] == cell
    links = res.to_links()
    assert set(links.columns) == {"source", "target", "value"}
    assert (links["source"] != links["target"]).all()
    assert links["value"].sum() == pytest.approx(res.countries["exports_new"].sum())
    with pytest.raises(DataError, match="cannot be added over products: name one"):
        res.matrix("tariff")
    with pytest.raises(DataError, match="did you mean 'value_new'"):
        res.matrix("value_nw")
    with pytest.raises(DataError, match="product='C27' is not in the world; did you mean 'C29'"):
        res.matrix("value", product="C27")
    with pytest.raises(DataError, match="give a money column"):
        res.to_links("tariff")


def test_wide_tables():
    res = solve()
    table = res.wide("prices", "output_new")
    assert list(table.index) == COUNTRIES
    assert list(table.columns) == SECTORS
    assert (
        table.loc["USA", "C29"]
        == res.prices.set_index(["country", "product"]).loc[("USA", "C29"), "output_new"]
    )
    assert table.attrs["unit"] == "bn USD"
    with pytest.raises(DataError, match="give 'prices' or 'employment'"):
        res.wide("flows", "value")
    with pytest.raises(DataError, match="is not in prices"):
        res.wide("prices", "wage")


def test_employment_adds_up():
    res = solve("ces")
    table = res.employment
    by_country = table.groupby("country")["labour_income_new"].sum()
    wages = res.countries["wage_ratio"] * world()._labour_income
    np.testing.assert_allclose(by_country, wages, rtol=SOLVED)
    hours = (table["labour_income"] * table["employment_ratio"]).groupby(table["country"]).sum()
    np.testing.assert_allclose(hours, world()._labour_income, rtol=SOLVED)


def test_other_libraries():
    assert list(solve().to_frame("polars").columns) == list(solve().flows.columns)
    xr = pytest.importorskip("xarray")
    data = solve().to_xarray()
    assert isinstance(data, xr.Dataset)
    cell = data["value_new"].sel(importer="USA", exporter="CHN", product="C26")
    assert float(cell) == solve().matrix("value_new", product="C26").loc["CHN", "USA"]
    assert data["value_new"].attrs["unit"] == "bn USD"
    assert float(data["welfare_change"].sel(country="USA")) == solve().welfare["USA"]


# ---- where trade goes ---------------------------------------------------------------------------


def test_diversion_closes():
    table = solve().diversion(importer="USA", exporter="CHN")
    assert list(table["role"])[-1] == "lost demand"
    for column in ("volume_change", "diversion", "creation"):
        assert table[column].sum() == pytest.approx(0.0, abs=1e-10)
    assert table.loc[table["role"] == "target", "volume_change"].iloc[0] < 0
    assert table["share"].sum() == pytest.approx(1.0)
    assert table.equals(solve().diversion())  # the scenario's own pair
    by_product = solve().diversion(by="product")
    assert list(by_product["product"]) == SECTORS
    assert by_product["loss"].sum() == pytest.approx(table.attrs["loss"])
    with pytest.raises(DataError, match="by='sector'"):
        solve().diversion(by="sector")


def test_deflection_and_bystanders():
    res = solve()
    table = res.deflection()
    assert table["role"].iloc[0] == "imposer"
    assert table["volume_change"].sum() == pytest.approx(0.0, abs=1e-10)
    assert set(table["role"]) == {"imposer", "other", "home", "supply cut"}
    others = res.bystanders()
    assert set(others.index) == {"MEX", "VNM"}
    parts = others[["to_imposer_change", "to_target_change", "to_rest_change"]].sum(axis=1)
    np.testing.assert_allclose(parts, others["exports_change"], rtol=EXACT)
    change = res.countries["exports_new"] - res.countries["exports"]
    np.testing.assert_allclose(others["exports_change"], change[others.index], rtol=1e-9)


def test_price_changes():
    table = solve().price_changes(importer="USA", exporter="CHN")
    assert table["role"].iloc[-1] == "composite"
    target = table.loc[table["role"] == "target", "price_change"].iloc[0]
    assert target > table["price_change"].iloc[-1] > 0


def test_a_scenario_of_costs_touches_no_flow():
    res = tw.solve_ge(world(), tw.Scenario("a").productivity(country="VNM", ratio=1.1))
    with pytest.raises(ScenarioError, match="the scenario changes no such flow: name importer="):
        res.diversion()
    assert len(res.diversion(importer="USA", exporter="VNM")) > 0


# ---- how it looks -------------------------------------------------------------------------------


def test_print_and_card():
    res = solve()
    text = str(res)
    assert text.startswith("+100: general equilibrium, 4 countries, 3 products")
    assert "welfare, USA" in text
    assert "closure         Deficits fixed" in text
    assert "theta 3 to 6.5, median 4 (substitution sigma = theta + 1, 4 to 7.5)" in " ".join(
        text.split()
    )
    card = str(res.card)
    for label in ("model", "data", "change", "closure", "elasticities", "assumed", "solver"):
        assert re.search(rf"^{label} ", card, re.MULTILINE)
    assert "Numeraire: world value added" in card
    assert repr(res.card) == card
    html = res._repr_html_()
    assert "<table" in html
    assert "Numeraire" in html
    assert not re.search(r"0x[0-9a-f]+|seconds", text)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("zero", "set to zero together with the scenario"),
        ("purged", "the baseline is the equilibrium without deficits"),
        ("income", "a fixed share of each country's own spending"),
        ("income_tax", "lower the tax on labour income"),
        ("income_tax", "elasticity 0.5 in the real wage after tax"),
        ("ces", "value added and inputs 0.4, between inputs 0.2, between final goods 1.7"),
    ],
)
def test_card_names_the_closure(name, words):
    assert words in " ".join(str(solve(name).card).split())


def test_card_of_a_rich_world():
    card = " ".join(str(solve("plain", True).card).split())
    assert "Profits: 10.0 % to 10.0 % of revenue" in card
    assert "Scale: psi up to 0.05" in card
    assert "Ossa" in solve("plain", True).cite()
    assert "Caliendo" in solve().cite()


def test_summary_counts_what_changed():
    table = solve().summary()
    hit = solve().flows.query("exporter == 'CHN' and importer == 'USA'")
    assert table.loc["trade in the flows changed", "baseline"] == pytest.approx(hit["value"].sum())
    assert table.loc["welfare, CHN", "change"] == solve().welfare["CHN"]


def test_frozen_and_pickles():
    res = solve()
    with pytest.raises(FrozenInstanceError):
        res.info = {}
    with pytest.raises(ValueError, match="read-only"):
        res.state.ln_w[0] = 1.0
    again = pickle.loads(pickle.dumps(res))
    for name in ("flows", "countries", "prices", "employment"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(res, name))
    assert str(again) == str(res)


def test_tables_are_new_each_time():
    res = solve()
    table = res.flows
    table.loc[0, "value_new"] = -1.0
    assert res.flows.loc[0, "value_new"] > 0


def test_a_pickled_result_stays_frozen():
    again = pickle.loads(pickle.dumps(solve()))
    for array in (*again.state, *again.levels):
        assert not isinstance(array, np.ndarray) or not array.flags.writeable
