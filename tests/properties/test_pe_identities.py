"""Accounting identities of the product-level result, on random markets with every switch."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

import tradewar as tw
from tests.helpers_pe import KEYS, cases, close, flows_of

EXACT = 1e-12  # an identity of the arithmetic: rounding only
SOLVED = 1e-9  # holds at the solution: residual 1e-12 times the conditioning of small markets
ADDITIVE = ["buyers", "exporters", "lost_old_revenue", "trade_cost", "licence_rent"]

pytestmark = pytest.mark.filterwarnings("ignore:demand exceeds substitution")

RATIOS = [
    "quantity_ratio",
    "producer_price_ratio",
    "border_price_ratio",
    "buyer_price_ratio",
]
CHANGES = [
    "consumer_surplus_change",
    "producer_surplus_change",
    "revenue_change",
    "rent",
    "welfare_change",
]


@given(case=cases(tariffs=False, taxes=False, costs=False, bans=False))
@pytest.mark.parametrize("method", ["exact", "euler", "linear"])
def test_no_shock_gives_exactly_one(case, method):
    options = {"steps": 3} if method == "euler" else {}
    res = case.solve(scenario=tw.Scenario("nothing"), method=method, **options)
    flows = res.flows
    assert (flows[RATIOS].to_numpy() == 1.0).all()
    assert (flows["value_new"] == flows["value"]).all()
    assert (flows["revenue_new"] == flows["revenue"]).all()
    assert (res.importers["price_index_ratio"] == 1.0).all()
    assert (res.countries[CHANGES].to_numpy() == 0.0).all()
    assert res.markets["converged"].all() and (res.markets["iterations"] == 0).all()


@given(case=cases())
@pytest.mark.parametrize("by", ["total", "product", "importer", "exporter"])
def test_money_columns_add_up_to_the_revenue_change(case, by):
    res = case.solve()
    table = res.incidence(by=by)
    scale = res.flows["value"].sum()
    close(table[ADDITIVE].sum(axis=1), table["revenue_change"].fillna(0.0), EXACT, scale)
    flows = res.flows
    own = flows["tariff_new"] != flows["tariff"]
    duty = (flows["revenue_new"] - flows["revenue"])[own].sum()
    close(table["revenue_change"].sum(), duty, EXACT, scale)


@given(case=cases())
def test_money_columns_are_those_of_the_twin(case):
    res = case.solve()
    twin = case.twin()
    own = (twin["tariff_new"] != twin["tariff"]) & (twin["value"] > 0)
    by_product = res.incidence(by="product").set_index("product")
    if "exporting_state" in by_product:  # what the state loses on surviving units
        lost = twin["export_tax_revenue"] - twin["export_tax_revenue_new"]
        gone = twin["value"] * (1 - np.where(twin["value"] > 0, twin["q"], 1.0))
        lost -= gone * twin["export_tax"] / (1 + twin["export_tax"])
        twin["exporting_state"] = lost
    twin = twin[own]
    scale = res.flows["value"].sum()
    for name in (*ADDITIVE, "exporting_state"):
        if name not in by_product:
            continue
        expected = twin.groupby("product")[name].sum()
        close(by_product.loc[expected.index, name], expected, SOLVED, scale)


@given(case=cases())
def test_importer_share_is_buyers_over_extra_duty(case):
    res = case.solve()
    table = res.incidence(by="exporter")
    extra = table["buyers"] + table["exporters"]
    some = extra.abs() > 1e-9
    plain = some & (table["trade_cost"].abs() == 0)
    found = table["importer_share"] * extra
    close(found[plain], table["buyers"][plain], EXACT, res.flows["value"].sum())


@given(case=cases())
def test_pass_through_and_bystander_prices_are_those_of_the_twin(case):
    row = case.solve().incidence(by="total").iloc[0]
    twin = case.twin()
    changed = twin["tariff_new"] != twin["tariff"]
    live = changed & (twin["value"] > 0) & (twin["weight"] > 0)
    mine = twin[live]
    d_t = np.log1p(mine["tariff_new"]) - np.log1p(mine["tariff"])
    passed = (mine["value"] * np.log(mine["u"])).sum()
    every = twin[changed & (twin["value"] > 0)]
    whole = (every["value"] * (np.log1p(every["tariff_new"]) - np.log1p(every["tariff"]))).sum()
    if (case.rows["weight"] > 0).all() and abs(whole) > 1e-3 * (every["value"]).sum():
        close(row["log_pass_through"], passed / (mine["value"] * d_t).sum(), SOLVED)
    hit = twin[changed][["importer", "product"]].drop_duplicates()
    beside = twin[~changed].merge(hit, on=["importer", "product"])
    beside = beside[(beside["value"] > 0) & (beside["weight"] > 0)]
    paid = ((beside["b"] - 1) * beside["value"] * beside["q"]).sum()
    found = 0.0 if np.isnan(row["bystander_prices"]) else row["bystander_prices"]
    close(found, paid, SOLVED, twin["value"].sum())


@given(case=cases(n_countries=6))
def test_diversion_sums_to_zero_and_with_creation_to_the_change(case):
    res = case.solve()
    for importer in res.data.countries:
        table = _diversion(res, importer)
        if table is None:
            continue
        flows = table[~table["role"].isin(["lost demand"])]
        scale = flows["value"].sum()
        close(flows["diversion"].sum(), 0.0, EXACT, scale)
        close(flows["diversion"] + flows["creation"], flows["volume_change"], EXACT, scale)
        mine = res.flows[res.flows["importer"] == importer]
        spending = (mine["value"] * (1 + mine["tariff"])).groupby(mine["product"])
        volume = (mine["value"] * (1 + mine["tariff"]) * mine["quantity_ratio"]).groupby(
            mine["product"]
        )
        lost = (spending.sum() - volume.sum()).sum()
        close(table.loc[table["role"] == "lost demand", "volume_change"], lost, EXACT, scale)


def _diversion(res, importer):
    """Diversion of the first exporter that sells to `importer`, None when there is none."""
    mine = res.flows[(res.flows["importer"] == importer) & (res.flows["value"] > 0)]
    sellers = mine.loc[mine["exporter"] != importer, "exporter"]
    if sellers.empty:
        return None
    return res.diversion(importer=importer, exporter=sellers.iloc[0])


@given(case=cases(n_countries=6))
def test_diversion_table_adds_to_the_loss(case):
    res = case.solve()
    for importer in res.data.countries:
        table = _diversion(res, importer)
        if table is None:
            continue
        loss = -table.loc[table["role"] == "target", "volume_change"].sum()
        rest = table.loc[table["role"] != "target", "volume_change"].sum()
        close(rest, loss, EXACT, table["value"].sum())
        if abs(loss) > 1e-6 * table["value"].sum():
            close(table["share"].sum(), 1.0, 1e-9)


@given(case=cases(n_countries=5, supplies=(0.0, 0.5, 2.0, 4.0)))
def test_deflection_shares_sum_to_one_and_the_supply_cut_is_that_of_the_supply_curve(case):
    res = case.solve()
    rows = case.rows.set_index(KEYS)
    flows = flows_of(res).join(rows[["supply", "export_tax"]])
    moved = flows[(flows["value"] > 0) & (flows["quantity_ratio"] != 1.0)].reset_index()
    moved = moved[moved["importer"] != moved["exporter"]]
    if moved.empty:
        return
    importer, exporter = moved.iloc[0][["importer", "exporter"]]
    table = res.deflection(importer=importer, exporter=exporter)
    shares = table.loc[table["role"] != "imposer", "share"]
    loss = -table.loc[table["role"] == "imposer", "volume_change"].sum()
    scale = table["value"].sum()
    if abs(loss) > 1e-6 * scale:
        close(shares.sum(), 1.0, SOLVED)
    mine = flows.reset_index()
    goods = mine.loc[
        (mine["importer"] == importer) & (mine["exporter"] == exporter) & (mine["value"] > 0),
        "product",
    ]
    mine = mine[(mine["exporter"] == exporter) & mine["product"].isin(goods)]
    made = (mine["value"] / (1 + mine["export_tax"])).groupby(mine["product"]).sum()
    slot = mine.groupby("product")[["producer_price_ratio", "supply"]].first()
    # a power of 0 is 1 at mu = 0 and p = 0: nothing is shut out there
    output = np.where(
        slot["producer_price_ratio"] > 0,
        slot["producer_price_ratio"].clip(lower=1e-300) ** slot["supply"],
        0.0,
    )
    cut = (made * (1 - output)).sum()
    found = table.loc[table["role"] == "supply cut", "volume_change"].iloc[0]
    close(found, cut, SOLVED, scale)


@given(case=cases(n_countries=6, supplies=(0.0, 0.5, 2.0, 4.0)))
def test_bystanders_exports_split_into_three_destinations(case):
    res = case.solve()
    f = res.flows
    f = f[(f["exporter"] != f["importer"]) & (f["value"] > 0)]
    exporter, importer = f.iloc[0][["exporter", "importer"]]
    table = res.bystanders(importer=importer, exporter=exporter)
    assert not table.index.isin([exporter, importer]).any()
    scale = f["value"].sum()
    parts = table[["to_imposer_change", "to_target_change", "to_rest_change"]].sum(axis=1)
    close(parts, table["exports_change"], EXACT, scale)
    f = f.assign(change=f["value_new"] - f["value"])
    f = f[f["exporter"].isin(table.index)]
    for name, mine in (
        ("exports_change", f),
        ("to_imposer_change", f[f["importer"] == importer]),
        ("to_target_change", f[f["importer"] == exporter]),
    ):
        expected = mine.groupby("exporter")["change"].sum().reindex(table.index).fillna(0.0)
        close(table[name], expected, EXACT, scale)


@given(case=cases(n_countries=6))
def test_diversion_by_product_adds_up_to_diversion_by_exporter(case):
    res = case.solve()
    f = res.flows
    f = f[(f["exporter"] != f["importer"]) & (f["value"] > 0)]
    exporter, importer = f.iloc[0][["exporter", "importer"]]
    sold = f[(f["exporter"] == exporter) & (f["importer"] == importer)]["product"].tolist()
    part = {"importer": importer, "exporter": exporter, "product": sold}
    goods = res.diversion(**part, by="product")
    origins = res.diversion(**part, by="exporter")
    scale = origins["value"].sum()
    loss = -origins.loc[origins["role"] == "target", "volume_change"].sum()
    close(goods["loss"].sum(), loss, EXACT, scale)
    others = goods["other_origins"] + goods["home"].fillna(0.0) + goods["lost_demand"]
    close(others, goods["loss"], EXACT, scale)


@given(case=cases(one_destination=True, two_level=False))
def test_one_destination_identifies_no_deflection(case):
    res = case.solve()
    importer = res.data.countries[res.data._importer[0]]
    for table in (res.deflection, res.bystanders):
        with pytest.raises(tw.errors.NotIdentified):
            table(importer=importer, exporter=_seller(res, importer))


@given(case=cases(n_countries=5, supplies=(np.inf,), bans=False))
def test_infinite_supply_identifies_no_deflection(case):
    res = case.solve()
    f = res.flows
    moved = f[(f["exporter"] != f["importer"]) & (f["quantity_ratio"] != 1.0) & (f["value"] > 0)]
    if moved.empty:
        return
    exporter, importer = moved.iloc[0][["exporter", "importer"]]
    with pytest.raises(tw.errors.NotIdentified):
        res.deflection(importer=importer, exporter=exporter)


def _seller(res, importer):
    f = res.flows
    return f.loc[(f["importer"] == importer) & (f["exporter"] != importer), "exporter"].iloc[0]


@given(case=cases(n_countries=5))
def test_hicks_columns_add_up_and_the_curvature_is_not_negative(case):
    res = case.solve()
    for importer in res.data.countries:
        if _diversion(res, importer) is None:
            continue
        mine = res.flows[(res.flows["importer"] == importer) & (res.flows["value"] > 0)]
        seller = mine.loc[mine["exporter"] != importer, "exporter"].iloc[0]
        table = res.hicks(importer=importer, exporter=seller)
        flows = table[table["role"].isin(["target", "other", "home"])]
        scale = flows["expenditure"].sum()
        close(flows["substitution"] + flows["expansion"], flows["volume_change"], EXACT, scale)
        if (case.rows["weight"] > 0).all():  # a ban is no move along an indifference curve
            assert flows["substitution"].sum() >= -EXACT * scale


@given(case=cases())
def test_welfare_is_the_sum_of_its_parts(case):
    res = case.solve()
    c = res.countries
    scale = res.flows["value"].sum()
    close(c[CHANGES[:4]].sum(axis=1), c["welfare_change"], EXACT, scale)
    f = res.flows
    duty = (f["revenue_new"] - f["revenue"]).groupby(f["importer"]).sum()
    tax = (f["export_tax_revenue_new"] - f["export_tax_revenue"]).groupby(f["exporter"]).sum()
    expected = duty.reindex(c.index).fillna(0.0) + tax.reindex(c.index).fillna(0.0)
    close(c["revenue_change"], expected, EXACT, scale)
    cs = res.importers.groupby("importer")["consumer_surplus_change"].sum()
    ps = res.exporters.groupby("exporter")["producer_surplus_change"].sum()
    close(c["consumer_surplus_change"], cs.reindex(c.index).fillna(0.0), EXACT, scale)
    close(c["producer_surplus_change"], ps.reindex(c.index).fillna(0.0), EXACT, scale)


@given(case=cases(bans=False))
def test_spending_is_the_value_of_what_is_bought(case):
    res = case.solve()
    f = res.flows.merge(case.rows[[*KEYS, "cost"]], on=KEYS)
    f["paid"] = f["value"] * (1 + f["tariff"]) * f["quantity_ratio"] * f["buyer_price_ratio"]
    paid = f.groupby(["importer", "product"])["paid"].sum()
    table = res.importers.set_index(["importer", "product"])
    close(table["expenditure_new"], paid.reindex(table.index), SOLVED, f["value"].sum())
    # and spending moves along the demand curve: E P^(1 - eps)
    eps = case.rows.groupby(["importer", "product"])["demand"].first().reindex(table.index)
    curve = table["expenditure"] * table["price_index_ratio"] ** (1 - eps)
    close(table["expenditure_new"], curve, SOLVED, f["value"].sum())


@given(case=cases())
def test_prices_chain_from_producer_to_buyer(case):
    res = case.solve()
    f = flows_of(res).join(case.rows.set_index(KEYS)[["export_tax", "export_tax_new", "cost"]])
    live = f["quantity_ratio"] > 0
    border = f["producer_price_ratio"] * (1 + f["export_tax_new"]) / (1 + f["export_tax"])
    close(f["border_price_ratio"][live], border[live], EXACT)
    buyer = f["border_price_ratio"] * f["cost"] * (1 + f["tariff_new"]) / (1 + f["tariff"])
    close(f["buyer_price_ratio"][live], buyer[live], EXACT)
    value = f["value"] * f["quantity_ratio"] * f["border_price_ratio"]
    close(f["value_new"][live], value[live], EXACT, f["value"].sum())
    assert (f.loc[f["value"] == 0, "value_new"] == 0).all()
    banned = case.rows.set_index(KEYS)["weight"].reindex(f.index) == 0
    assert (f.loc[banned, ["value_new", "revenue_new"]].to_numpy() == 0).all()


@given(case=cases(bans=False))
def test_envelope_consumer_surplus_falls_by_quantity_times_price(case):
    """For small changes dCS = -sum q dp; the error is of second order."""
    rows = case.rows
    small = 1e-5
    case = case.with_rows(
        tariff_new=rows["tariff"] + small * (rows["tariff_new"] - rows["tariff"]),
        export_tax_new=rows["export_tax"] + small * (rows["export_tax_new"] - rows["export_tax"]),
        cost=1 + small * (rows["cost"] - 1),
    )
    res = case.solve()
    f = res.flows
    cost = f["value"] * (1 + f["tariff"]) * (f["buyer_price_ratio"] - 1)
    expected = -cost.groupby(f["importer"]).sum()
    found = res.countries["consumer_surplus_change"].reindex(expected.index)
    close(found, expected, 1e-8, f["value"].sum())
    made = flows_of(res)["value"] / (1 + case.rows.set_index(KEYS)["export_tax"])
    price = flows_of(res)["producer_price_ratio"] - 1
    gain = (made * price).groupby("exporter").sum()
    close(
        res.countries["producer_surplus_change"].reindex(gain.index), gain, 1e-8, f["value"].sum()
    )


@given(case=cases(bans=False, taxes=False, costs=False))
def test_world_loss_from_small_tariffs_on_free_trade_is_the_triangles(case):
    """From free trade the world loses sum (1/2) V t dq to third order: Harberger."""
    small = 1e-4
    rows = case.rows
    case = case.with_rows(
        tariff=0.0, tariff_new=small * (rows["tariff_new"] - rows["tariff"]).abs()
    )
    res = case.solve()
    f = res.flows
    triangles = 0.5 * (f["value"] * f["tariff_new"] * (f["quantity_ratio"] - 1)).sum()
    found = res.countries["welfare_change"].sum()
    scale = f["value"].sum() * small**2
    assert found == pytest.approx(triangles, abs=0.02 * scale + 1e-9 * abs(triangles))
    assert found <= 1e-6 * scale


@given(case=cases())
def test_top_and_long_frames_agree_with_flows(case):
    res = case.solve()
    f = res.flows
    assert isinstance(f, pd.DataFrame)
    assert list(f.columns[:3]) == KEYS
    markets = res.markets.set_index("product")
    assert set(markets.index) == set(f["product"])
    assert markets["converged"].all()
    assert (markets["residual"] <= EXACT).all()
