"""Tables of who pays: published vectors, surplus formulas, incidence that adds up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.unit.pe_cases import (
    ELASTIC,
    FREE_TRADE,
    MONEY,
    PLUS_100,
    PRINTED,
    PRINTED_EXACT,
    SUMS,
    flow,
    frame,
    solve_customs,
    solve_gsim,
    solve_war,
)
from tradewar.data import TradeData
from tradewar.errors import DataError, NotIdentified
from tradewar.pe import solve_pe
from tradewar.pe_tables import consumer_surplus, first_order, producer_surplus
from tradewar.scenario import Scenario

# ---- published vectors -------------------------------------------------------------------


def test_a1_linear():
    res = solve_gsim(FREE_TRADE, method="linear")
    price = res.exporters.set_index("exporter")["producer_price_ratio"] - 1.0
    want = {"US": 0.0791813134, "JP": -0.0316209421, "EU": 0.0480492966, "RW": -0.0183717099}
    assert price.to_dict() == pytest.approx(want, abs=PRINTED_EXACT)
    table = res.countries.loc[["US", "JP", "EU", "RW"]]
    assert table["producer_surplus_change"].tolist() == pytest.approx(
        [46.1359655, -26.2403747, 39.8246782, -5.0731996], abs=PRINTED
    )
    assert table["revenue_change"].tolist() == pytest.approx(
        [-138.5172424, 0.6219206, -93.8391859, -2.8699144], abs=PRINTED
    )
    assert table["consumer_surplus_change"].tolist() == pytest.approx(
        [110.5951967, -8.5934737, 68.5588537, -31.3784450], abs=PRINTED
    )


def test_a1_linear_published_surplus():
    res = solve_gsim(FREE_TRADE, method="linear", surplus="gsim2003")
    assert res.countries.loc[["US", "JP", "EU", "RW"], "consumer_surplus_change"].tolist() == (
        pytest.approx([110.5951967, -8.8760518, 68.5588537, -32.8589423], abs=PRINTED)
    )


def test_a1_exact():
    res = solve_gsim(FREE_TRADE)
    order = ["US", "JP", "EU", "RW"]
    price = res.exporters.set_index("exporter").loc[order, "producer_price_ratio"] - 1.0
    assert price.tolist() == pytest.approx(
        [0.1264599283, -0.0322904070, 0.0793293139, -0.0173263987], abs=PRINTED_EXACT
    )
    index = res.importers.set_index("importer").loc[order, "price_index_ratio"] - 1.0
    assert index.tolist() == pytest.approx(
        [-0.0979398158, 0.0395487284, -0.0940102454, 0.0537647941], abs=PRINTED_EXACT
    )
    table = res.countries.loc[order]
    assert table["producer_surplus_change"].tolist() == pytest.approx(
        [76.2866262, -26.7857354, 67.2887746, -4.7885312], abs=PRINTED_EXACT
    )
    assert table["consumer_surplus_change"].tolist() == pytest.approx(
        [121.0675127, -13.0272500, 81.5638937, -45.3163387], abs=PRINTED_EXACT
    )
    assert table["revenue_change"].tolist() == pytest.approx(
        [-145.4086580, 1.5749022, -99.0167039, -1.0804212], abs=PRINTED_EXACT
    )
    assert res.countries.attrs["world"]["welfare_change"] == pytest.approx(12.3580709, abs=1e-7)


@pytest.mark.parametrize(
    ("steps", "want"), [(1, 0.097768), (10, 0.123944), (100, 0.126211), (1000, 0.126435)]
)
def test_a1_euler(steps, want):
    res = solve_gsim(FREE_TRADE, method="euler", steps=steps)
    price = res.exporters.set_index("exporter").at["US", "producer_price_ratio"]
    assert price - 1.0 == pytest.approx(want, abs=6e-7)


def test_a2_exact():
    res = solve_gsim(PLUS_100)
    order = ["US", "JP", "EU", "RW"]
    price = res.exporters.set_index("exporter").loc[order, "producer_price_ratio"] - 1.0
    assert price.tolist() == pytest.approx(
        [-0.0156482217, -0.1174932858, 0.0499095772, 0.0268197224], abs=PRINTED_EXACT
    )
    japan = flow(res, "JP", "US")
    assert japan["quantity_ratio"] == pytest.approx(0.2545245706, abs=PRINTED_EXACT)
    assert japan["value_new"] == pytest.approx(112.3098213, abs=PRINTED_EXACT)
    assert flow(res, "EU", "US")["value_new"] == pytest.approx(521.1615467, abs=PRINTED_EXACT)
    assert res.countries.loc["US"].drop("rent").tolist() == pytest.approx(
        [-225.3430637, -8.5057783, 65.2522827, -168.5965594], abs=PRINTED_EXACT
    )
    # Japan's number is printed as ...556; in 40 digits it is -101.85185552829
    assert res.countries.loc[["JP", "EU", "RW"], "welfare_change"].tolist() == pytest.approx(
        [-101.8518555283, 78.2845757, 44.4070147], abs=PRINTED_EXACT
    )
    assert res.countries.attrs["world"]["welfare_change"] == pytest.approx(-147.7568244, abs=1e-7)


@pytest.mark.filterwarnings("ignore::tradewar.errors.LinearizationWarning")
@pytest.mark.parametrize(("surplus", "want"), [("gsim2003", -514.6236), ("exact", -453.2206)])
def test_a2_linear(surplus, want):
    res = solve_gsim(PLUS_100, method="linear", surplus=surplus)
    assert flow(res, "JP", "US")["value_new"] == pytest.approx(-111.476957, abs=PRINTED)
    assert res.countries.at["US", "revenue_change"] == pytest.approx(-210.827704, abs=PRINTED)
    world_sum = res.countries.attrs["world"]["welfare_change"]
    assert world_sum == pytest.approx(want, abs=5e-5)
    negative = res.negative_flows()
    assert negative[["exporter", "importer"]].values.tolist() == [["JP", "US"]]


def one_importer() -> TradeData:
    return TradeData.from_frame(
        frame(
            [
                ("target", "here", "g", 20.0, 0.0),
                ("rival", "here", "g", 30.0, 0.0),
                ("here", "here", "g", 50.0, 0.0),
            ]
        )
    )


A3 = {
    "substitution": 5.0,
    "demand": 1.0,
    "supply": pd.DataFrame({"exporter": ["target", "rival", "here"], "supply": [4.0, 4.0, 1.0]}),
}


def test_a3_exact():
    scenario = Scenario("T = 2").tariff(importer="here", exporter="target", set=1.0)
    res = solve_pe(one_importer(), scenario, **A3)
    hit = flow(res, "target", "here")
    assert hit["producer_price_ratio"] == pytest.approx(0.707905, abs=5e-7)
    assert hit["buyer_price_ratio"] == pytest.approx(1.415810, abs=5e-7)
    assert res.importers["price_index_ratio"].iloc[0] == pytest.approx(1.0932796351, abs=1e-9)
    total = res.incidence().loc["total"]
    assert total["log_pass_through"] == pytest.approx(0.501628, abs=5e-7)
    assert total["importer_share"] == pytest.approx(0.587381, abs=5e-7)
    assert total["exporters"] / total["revenue_change"] == pytest.approx(0.412619, abs=5e-7)


@pytest.mark.parametrize(
    ("wedge", "ln_buyer", "ln_index"),
    [
        ([1.0, 0.0, 0.0], [0.5333333333, 0.0888888889, 0.1333333333], 0.2),
        ([1.0, 1.0, 0.0], [0.6666666667, 0.6666666667, 0.3333333333], 0.5),
    ],
)
def test_a3_first_order(wedge, ln_buyer, ln_index):
    got = first_order(
        np.array([0.2, 0.3, 0.5]),
        np.zeros(3, dtype=int),
        np.array(wedge),
        np.array([5.0]),
        np.array([1.0]),
        np.array([4.0, 4.0, 1.0]),
    )
    assert got.ln_index.tolist() == pytest.approx([ln_index], abs=1e-10)
    assert got.ln_buyer.tolist() == pytest.approx(ln_buyer, abs=1e-10)


@pytest.mark.parametrize(("formula", "pull"), [("derivative", 6.0), ("laird_yeats", 5.4545455)])
def test_a7_smart(formula, pull):
    data = TradeData.from_frame(
        frame([("P", "N", "g", 40.0, 0.2), ("Q", "N", "g", 45.0, 0.1), ("R", "N", "g", 15.0, 0.1)])
    )
    scenario = Scenario("free").tariff(importer="N", exporter="P", set=0.0)
    res = solve_pe(
        data,
        scenario,
        substitution=1.5,
        demand=1.5,
        supply=np.inf,
        method="smart",
        diversion_formula=formula,
    )
    table = res.diversion(importer="N", exporter="P").set_index("exporter")
    assert table.at["P", "smart_creation"] == pytest.approx(10.0, abs=1e-12)
    assert table.at["P", "smart_diversion"] == pytest.approx(pull, abs=5e-8)
    assert table.loc[["Q", "R"], "smart_diversion"].tolist() == pytest.approx(
        [-0.75 * pull, -0.25 * pull], abs=5e-8
    )
    # each partner's mean rate times its change in imports
    want = 0.1 * (10.0 + table.at["P", "smart_diversion"]) - 0.1 * pull
    assert res.countries.at["N", "welfare_change"] == pytest.approx(want, abs=5e-8)
    with pytest.raises(NotIdentified, match="SMART has no demand system"):
        res.hicks(importer="N")


# ---- surplus -----------------------------------------------------------------------------


def test_consumer_surplus_at_and_near_unit_elasticity():
    ln_index = np.full(3, 0.3)
    got = consumer_surplus(ln_index, np.full(3, 100.0), np.array([1.0, 1.0 + 1e-9, 1.0 - 1e-9]))
    assert got == pytest.approx(-30.0, rel=1e-9)
    got = consumer_surplus(np.log([2.0]), np.array([100.0]), np.array([3.0]))
    assert got == pytest.approx(-100.0 * (2.0**-2 - 1.0) / -2.0, rel=1e-14)


def test_producer_surplus_limits():
    ln_price = np.array([np.log(0.5), 0.0, -np.inf, np.log(0.5), np.nan])
    supply = np.array([2.0, np.inf, 3.0, 0.0, np.inf])
    got = producer_surplus(ln_price, np.full(5, 80.0), supply)
    assert got[:4] == pytest.approx([80.0 * (0.125 - 1.0) / 3.0, 0.0, -20.0, -40.0], rel=1e-14)
    assert np.isnan(got[4])


# ---- incidence ---------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["total", "product", "importer", "exporter"])
def test_incidence_adds_up_to_the_change_in_duty(by):
    res = solve_war()
    table = res.incidence(by=by)
    seen = table["revenue_change"].notna()
    gap = table.loc[seen, MONEY].sum(axis=1) - table.loc[seen, "revenue_change"]
    assert gap.abs().max() < SUMS
    assert table.loc[~seen, MONEY].isna().all(axis=None)
    flows = res.flows
    own = flows[flows["tariff"] != flows["tariff_new"]]
    change = own["revenue_new"] - own["revenue"]
    assert table["revenue_change"].sum() == pytest.approx(change.sum())
    if by != "total":
        want = change.groupby(own[by]).sum()
        assert table.set_index(by)["revenue_change"].dropna().to_dict() == pytest.approx(
            want.to_dict()
        )
        assert list(table[by]) == list(res.data.products if by == "product" else res.data.countries)


def test_incidence_is_nan_where_no_tariff_changed():
    table = solve_war().incidence(by="exporter").set_index("exporter")
    assert table.loc["CCC", [*MONEY, "revenue_change", "importer_share"]].isna().all()
    assert table.at["CCC", "bystander_prices"] != 0  # yet its buyers pay another price
    table = solve_war().incidence(by="importer").set_index("importer")
    assert table.loc["CCC"].isna().all()


def test_bystander_prices_are_those_of_the_same_buyers():
    res = solve_war()
    flows = res.flows
    hit = (flows["importer"] == "AAA") | (
        (flows["importer"] == "BBB") & flows["product"].isin(["p1", "p2"])
    )
    beside = flows[hit & (flows["tariff"] == flows["tariff_new"])]
    rise = (beside["border_price_ratio"] - 1) * beside["quantity_ratio"] * beside["value"]
    assert res.incidence().at["total", "bystander_prices"] == pytest.approx(rise.sum())


def test_exporting_state_is_the_states_part_of_the_exporters():
    data = TradeData.from_frame(
        frame([("A", "N", "g", 60.0, 0.1), ("B", "N", "g", 40.0, 0.1)]).assign(
            export_tax=[0.25, 0.0]
        )
    )
    scenario = (
        Scenario("both")
        .tariff(importer="N", exporter="A", add=0.5)
        .export_tax(importer="N", exporter="A", set=0.1)
    )
    res = solve_pe(data, scenario, **ELASTIC)
    total = res.incidence().loc["total"]
    hit = flow(res, "A", "N")
    sold = 60.0 * hit["quantity_ratio"]
    p = hit["producer_price_ratio"] / 1.25  # p0 = 1 / A0 in border units
    assert total["exporters"] == pytest.approx((1 - 1.1 * p) * sold)
    assert total["exporting_state"] == pytest.approx((0.2 - 0.1 * p) * sold)
    producers = total["exporters"] - total["exporting_state"]
    assert producers == pytest.approx((0.8 - p) * sold)
    assert "exporting_state" not in solve_gsim(PLUS_100).incidence().columns
    untaxed = TradeData.from_frame(data.flows.assign(export_tax=0.0))
    tariff = Scenario("one").tariff(importer="N", exporter="A", add=0.5)
    assert "exporting_state" not in solve_pe(untaxed, tariff, **ELASTIC).incidence().columns


def test_incidence_aggregates_money_not_shares():
    res = solve_war()
    by_product = res.incidence(by="product")
    total = res.incidence().loc["total"]
    extra = by_product["revenue_change"] - by_product["lost_old_revenue"]
    assert total["importer_share"] == pytest.approx(by_product["buyers"].sum() / extra.sum())
    flows = res.flows
    own = flows[(flows["tariff"] != flows["tariff_new"]) & (flows["quantity_ratio"] > 0)]
    ln_tariff = np.log((1 + own["tariff_new"]) / (1 + own["tariff"]))
    weight = own["value"] * ln_tariff
    each = np.log(own["buyer_price_ratio"]) / ln_tariff
    assert total["log_pass_through"] == pytest.approx((weight * each).sum() / weight.sum())


def test_infinite_supply_passes_everything_through():
    total = solve_customs().incidence().loc["total"]
    assert total["importer_share"] == pytest.approx(1.0, abs=1e-15)
    assert total["log_pass_through"] == pytest.approx(1.0, abs=1e-15)
    assert total["exporters"] == 0 and total["bystander_prices"] == 0


def test_basket_price_change():
    res = solve_customs()
    index = res.importers.set_index("product")["price_index_ratio"]
    got = res.basket_price_change()
    assert got.to_dict() == pytest.approx({"USA": index["850440"] - 1})
    assert got.attrs["unit"] == "fraction"
    assert np.isnan(solve_war().basket_price_change("DDD").iloc[0])


def test_incidence_refuses_another_grouping():
    with pytest.raises(DataError, match="by='continent'"):
        solve_customs().incidence(by="continent")
