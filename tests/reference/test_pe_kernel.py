"""The C kernel against the twin: random markets with every switch, and the real US data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

import tradewar as tw
from tests import helpers_kernel
from tests.helpers_pe import KEYS, cases, close, flows_of
from tests.reference import pe_driver, pe_twin
from tests.reference.random_markets import random_market
from tradewar import _core

AGREE = 1e-10  # the kernel stops at 1e-12, the twin at 1e-13; conditioning takes the rest
LEGACY = 1e-10  # closed formulas: linear systems of at most eight unknowns

pytestmark = pytest.mark.filterwarnings("ignore:demand exceeds substitution")


@given(case=cases())
def test_exact_agrees_with_the_twin(case):
    res = case.solve()
    f = flows_of(res)
    twin = case.twin().set_index(KEYS).reindex(f.index)
    live = (twin["value"] > 0) & (twin["weight"] > 0)
    close(f["quantity_ratio"][live], twin["q"][live], AGREE)
    close(np.log(f["producer_price_ratio"][live]), twin["ln_p"][live], AGREE)
    close(f["border_price_ratio"][live], twin["b"][live], AGREE)
    close(f["buyer_price_ratio"][live], twin["u"][live], AGREE)
    scale = f["value"].sum()
    for name in ("value_new", "revenue", "revenue_new"):
        close(f[name], twin[name], AGREE, scale)
    close(f["export_tax_revenue"], twin["export_tax_revenue"], AGREE, scale)
    close(f["export_tax_revenue_new"], twin["export_tax_revenue_new"], AGREE, scale)
    for table, key, column in (
        (res.importers, "importer", "consumer_surplus_change"),
        (res.exporters, "exporter", "producer_surplus_change"),
    ):
        expected = twin.groupby([key, "product"])[column].first()
        found = table.set_index([key, "product"])[column]
        close(found.reindex(expected.index), expected, AGREE, scale)
    index = res.importers.set_index(["importer", "product"])["price_index_ratio"]
    expected = twin.groupby(["importer", "product"])["ln_index"].first().reindex(index.index)
    close(np.log(index), expected, AGREE)


def _dense(case):
    r = case.rows
    return pe_driver.dense_markets(
        r["exporter"].to_numpy(),
        r["importer"].to_numpy(),
        r["product"].to_numpy(),
        r["value"],
        tariff=r["tariff"],
        tariff_new=r["tariff_new"],
        export_tax=r["export_tax"],
        export_tax_new=r["export_tax_new"],
        cost=r["cost"],
        weight=r["weight"],
        sigma=r["substitution"],
        demand=r["demand"],
        supply=r["supply"],
        sigma_home=r["home_substitution"] if case.two_level else None,
    )


def _side_by_side(case, res):
    """The case's rows in their own order with the result's columns."""
    known = [c for c in res.flows if c in case.rows and c not in KEYS]
    return case.rows.merge(res.flows.drop(columns=known), on=KEYS, how="left")


@given(case=cases(bans=False, taxes=False))
@pytest.mark.filterwarnings("ignore::tradewar.errors.LinearizationWarning")
@pytest.mark.parametrize("surplus", ["exact", "gsim2003"])
def test_linear_agrees_with_the_twin(case, surplus):
    res = case.solve(method="linear", surplus=surplus)
    rows = _side_by_side(case, res)
    scale = rows["value"].sum()
    cs = res.importers.set_index(["importer", "product"])["consumer_surplus_change"]
    ps = res.exporters.set_index(["exporter", "product"])["producer_surplus_change"]
    for where, n, i, mk in _dense(case):
        twin = pe_twin.solve_linear(mk, surplus)
        mine = rows.iloc[where]
        live = mine["value"].to_numpy() > 0
        close(mine["producer_price_ratio"][live], 1 + twin["pdot"][i][live], LEGACY)
        close(mine["quantity_ratio"][live], 1 + twin["qdot"][n, i][live], LEGACY)
        close(mine["value_new"], twin["value_new"][n, i], LEGACY, scale)
        close(mine["revenue_new"], twin["revenue_new"][n, i], LEGACY, scale)
        buyers = list(zip(mine["importer"], mine["product"], strict=True))
        sellers = list(zip(mine["exporter"], mine["product"], strict=True))
        close(cs.loc[buyers], twin["consumer_surplus_change"][n], LEGACY, scale)
        close(ps.loc[sellers], twin["producer_surplus_change"][i], LEGACY, scale)


@given(case=cases(bans=False))
@pytest.mark.parametrize("steps", [1, 7])
def test_euler_agrees_with_the_twin(case, steps):
    res = case.solve(method="euler", steps=steps)
    rows = _side_by_side(case, res)
    for where, n, i, mk in _dense(case):
        twin = pe_twin.solve_euler(mk, steps)
        mine = rows.iloc[where]
        live = mine["value"].to_numpy() > 0
        close(np.log(mine["producer_price_ratio"][live]), twin["ln_p"][i][live], LEGACY)
        close(np.log(mine["quantity_ratio"][live]), np.log(twin["q"][n, i][live]), LEGACY)
        close(np.log(mine["buyer_price_ratio"][live]), np.log(twin["u"][n, i][live]), LEGACY)


@pytest.mark.parametrize("formula", ["derivative", "laird_yeats"])
@pytest.mark.parametrize("supply", [np.inf, 3.0])
@pytest.mark.parametrize("target", range(5))
def test_smart_agrees_with_the_twin(target, supply, formula):
    value = np.random.default_rng(4).lognormal(3, 1, 5)
    exporters = [f"E{k}" for k in range(5)]
    df = pd.DataFrame({"exporter": exporters, "value": value, "tariff": 0.2})
    data = tw.TradeData.from_frame(df.assign(importer="N", product="P"))
    scn = tw.Scenario("one").tariff(importer="N", exporter=exporters[target], set=0.35)
    res = tw.solve_pe(
        data,
        scn,
        substitution=2.0,
        demand=1.2,
        supply=supply,
        method="smart",
        diversion_formula=formula,
    )
    twin = pe_twin.smart(
        value[target],
        value.sum() - value[target],
        0.2,
        0.35,
        demand=1.2,
        substitution=2.0,
        supply=supply,
        formula=formula,
    )
    change = res.flows.set_index("exporter").eval("value * (quantity_ratio - 1)")
    close(change.iloc[target], twin["creation"] + twin["diversion"], LEGACY)
    close(change.sum(), twin["creation"], LEGACY)
    price = res.flows["producer_price_ratio"].to_numpy()
    close(price[target], 1.0 + twin["world_price"], LEGACY)
    close(np.delete(price, target), 1.0, 0.0)
    if np.isinf(supply):
        found = res.countries.loc["N", "welfare_change"]
        close(found, twin["welfare"] + 0.2 * twin["rivals"], LEGACY)


# ---- The kernel itself: partial weights and premia, which no instrument sets yet -----------------


@pytest.mark.parametrize("premia", [False, True])
@pytest.mark.parametrize("parity", [0, 1])
@pytest.mark.parametrize("level", range(len(_core.levels)))
def test_kernel_agrees_with_the_twin_on_weights_and_premia(parity, premia, level):
    """One call for 60 markets: one level (even seeds) or two (odd)."""
    markets = [random_market(seed, premia=premia) for seed in range(parity, 120, 2)]
    layout, flows, elasticities, rows = helpers_kernel.flat(markets)
    product, importer, exporter, imp_ptr, imp_code, exp_ptr, exp_code = rows
    ln_p, ln_index, q, status, *_, residual = helpers_kernel.solve(
        layout, flows, elasticities, level=level
    )
    assert not status.any() and residual.max() <= 1e-12
    for m, mk in enumerate(markets):
        twin = pe_twin.solve_exact(mk)
        e, n = slice(exp_ptr[m], exp_ptr[m + 1]), slice(imp_ptr[m], imp_ptr[m + 1])
        mine = product == m
        close(np.exp(ln_p[e]), np.exp(twin.ln_p[exp_code[e]]), AGREE)
        close(ln_index[n], twin.ln_index[imp_code[n]], AGREE)
        close(q[mine], twin.q[importer[mine], exporter[mine]], AGREE)


def test_code_paths_and_threads_agree_bit_for_bit():
    markets = [random_market(seed) for seed in range(0, 80, 2)]
    layout, flows, elasticities, _ = helpers_kernel.flat(markets)
    first = helpers_kernel.solve(layout, flows, elasticities, level=0)
    for level in range(len(_core.levels)):
        for threads in (1, 2, 4):
            again = helpers_kernel.solve(layout, flows, elasticities, level=level, threads=threads)
            for a, b in zip(first, again, strict=True):
                np.testing.assert_array_equal(a, b)


# ---- The real data, end to end -------------------------------------------------------------------


@pytest.mark.parametrize("supply", [np.inf, 25.0, 1.5])
def test_us_imports_agree_with_the_twin_on_fifty_products(supply):
    data = tw.datasets.us_imports_2024()
    scn = tw.Scenario("+100").tariff(importer="USA", exporter="CHN", add=1.0)
    res = tw.solve_pe(data, scn, substitution=2.53, demand=1.19, supply=supply)
    flows = res.flows
    from_china = flows.loc[(flows["exporter"] == "CHN") & (flows["value"] > 0), "product"]
    sample = np.random.default_rng(50).choice(from_china.unique(), 50, replace=False)
    base = data.flows
    mine = base[base["product"].isin(sample)].reset_index(drop=True)
    hit = (mine["exporter"] == "CHN").to_numpy()
    out = pe_driver.solve_flows(
        mine["exporter"].to_numpy(),
        mine["importer"].to_numpy(),
        mine["product"].to_numpy(),
        mine["value"],
        tariff=mine["tariff"],
        tariff_new=mine["tariff"] + hit,
        sigma=2.53,
        demand=1.19,
        supply=supply,
    )
    found = flows.set_index(KEYS).loc[pd.MultiIndex.from_frame(mine[KEYS])]
    live = mine["value"].to_numpy() > 0
    close(found["quantity_ratio"][live], out["q"][live], AGREE)
    close(found["buyer_price_ratio"][live], out["u"][live], AGREE)
    close(found["value_new"], out["value_new"], AGREE, mine["value"].mean())
    close(found["revenue_new"], out["revenue_new"], AGREE, mine["value"].mean())
    close(found["tariff"], mine["tariff"], 0.0)
    incidence = res.incidence(by="product").set_index("product").loc[np.sort(sample)]
    twin = pd.DataFrame(out).assign(product=mine["product"])[hit]
    twin = twin.groupby("product").sum().loc[np.sort(sample)]
    for name in ("buyers", "exporters", "lost_old_revenue"):
        close(incidence[name], twin[name], AGREE, mine["value"].mean())
