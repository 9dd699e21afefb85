"""Limits over many products: their search, what they count, and what they say when they fail."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import tradewar as tw
from tests.unit.test_controls import CAP, EXACT, RIGID, SOLVED, data, frame, new, refused, solve
from tradewar import pooled
from tradewar.errors import ConvergenceError, DataWarning
from tradewar.limits import COMMITMENT, EXPORT_QUOTA, IMPORT_QUOTA, Controls, Pool
from tradewar.pe_problem import Problem
from tradewar.pooled import MarketsFailed, Unmet, border_price, settle, with_wedge

POOLED = CAP | {"pooled": True}
OPTIONS = {"tol": 1e-12, "threads": 1}


def problem(df: pd.DataFrame | None = None, supply: float = 2.0, **arrays) -> Problem:
    """The arrays of the test data without any change."""
    d = data(df)
    layout = d._layout
    slots = len(layout.imp_code)
    return Problem(
        exp_ptr=layout.exp_ptr,
        row_ptr=layout.row_ptr,
        imp_ptr=layout.imp_ptr,
        col=layout.col,
        value=d._value,
        t0=d._tariff,
        t1=d._tariff,
        x0=None,
        x1=None,
        cost=None,
        weight=None,
        sigma=np.full(slots, 4.0),
        eps=np.full(slots, 1.0),
        sigma_home=None,
        home=None,
        mu=np.full(len(layout.exp_code), supply),
        **arrays,
    )


def rows_of(exporter: str) -> np.ndarray:
    return np.flatnonzero(data().flows["exporter"] == exporter)


# ---- wedges ----------------------------------------------------------------------------------


def test_a_wedge_is_added_to_what_is_there():
    rows = np.array([0, 3])
    base = problem()
    assert with_wedge(base, EXPORT_QUOTA, rows, 0.0) is base
    once = with_wedge(base, EXPORT_QUOTA, rows, np.log(1.5))
    twice = with_wedge(once, EXPORT_QUOTA, rows[:1], np.log(1.25))
    assert base.lx is None
    np.testing.assert_allclose(twice.lx[rows], [0.75, 0.5], rtol=EXACT)
    assert twice.lx.sum() == pytest.approx(1.25, rel=EXACT)
    both = with_wedge(with_wedge(base, IMPORT_QUOTA, rows, 1.0), COMMITMENT, rows, np.log(2.0))
    np.testing.assert_allclose(both.lm[rows], np.expm1(1.0), rtol=EXACT)
    np.testing.assert_allclose(both.cost[rows], 0.5, rtol=EXACT)
    assert (np.delete(both.cost, rows) == 1.0).all()


def test_border_prices_hold_taxes_premia_of_every_kind_and_floors():
    n = len(data())
    rows = rows_of("CHN")
    zero, tax = np.zeros(n), np.full(n, 0.1)
    first = rows[:2]  # product A
    quota = Controls(
        np.array([EXPORT_QUOTA, IMPORT_QUOTA], dtype=np.int32),
        np.array([10.0, 5.0]),
        np.zeros(2),
        np.array([0, 0]),
        np.array([0, 2, 3]),
        np.array([*first, rows_of("MEX")[0]]),
    )
    whole = problem(lx=np.where(np.arange(n) == first[0], 0.2, 0.0), controls=quota)
    whole = Problem(**{f: getattr(whole, f) for f in whole.__slots__} | {"x0": zero, "x1": tax})
    solution = whole.solve(**OPTIONS)
    assert (solution.status == 0).all() and (solution.shadow > 0).all()
    producer = np.repeat(np.exp(solution.ln_p), np.diff(whole.row_ptr))
    expected = 1.1 * producer
    expected[first] += solution.shadow[0]
    expected[first[0]] += 0.2
    np.testing.assert_allclose(border_price(whole, solution), expected, rtol=EXACT)
    floor = np.full(n, 1.2)
    whole = Problem(**{f: getattr(whole, f) for f in whole.__slots__} | {"floor": floor})
    assert border_price(whole, whole.solve(**OPTIONS)).min() == 1.2


# ---- the search ------------------------------------------------------------------------------


def test_a_slack_pool_has_no_wedge_and_a_binding_one_meets_its_limit():
    base, rows = problem(), rows_of("CHN")
    total = base.value[rows].sum()
    assert settle(base, [Pool(EXPORT_QUOTA, total, False, rows)], OPTIONS) == [0.0]
    assert settle(base, [Pool(COMMITMENT, total, False, rows)], OPTIONS) == [0.0]
    for kind, limit in ((EXPORT_QUOTA, 0.5), (IMPORT_QUOTA, 1e-4), (COMMITMENT, 2.0)):
        [x] = settle(base, [Pool(kind, limit * total, False, rows)], OPTIONS)
        found = with_wedge(base, kind, rows, x).solve(**OPTIONS)
        assert x > 0
        assert (base.value * found.q)[rows].sum() == pytest.approx(limit * total, rel=1e-10)


def test_a_wedge_beyond_which_a_market_breaks_down_is_no_obstacle():
    """A given quantity bears no premium above some height; the search must stay below it."""
    df = frame()
    base = problem(df)
    mu = base.mu.copy()
    mu[0] = 0.0  # CHN in product A: its whole output, but only in one destination of two
    base = Problem(**{f: getattr(base, f) for f in base.__slots__} | {"mu": mu})
    rows = rows_of("CHN")
    captive = base.value[rows[:2]].sum()
    other = base.value[rows[2:]].sum()
    [x] = settle(base, [Pool(EXPORT_QUOTA, captive + 0.9 * other, False, rows)], OPTIONS)
    q = with_wedge(base, EXPORT_QUOTA, rows, x).solve(**OPTIONS).q
    assert (base.value * q)[rows].sum() == pytest.approx(captive + 0.9 * other, rel=1e-10)
    with pytest.raises(Unmet) as caught:
        settle(base, [Pool(EXPORT_QUOTA, 0.9 * captive, False, rows)], OPTIONS)
    assert caught.value.pool == 0 and caught.value.failed.markets.tolist() == [0]


def test_a_market_that_fails_without_any_wedge_is_reported():
    base = problem(floor=np.where(np.arange(len(data())) < 2, 1.2, 0.0))  # CHN, product A
    mu = base.mu.copy()
    mu[0] = 0.0
    base = Problem(**{f: getattr(base, f) for f in base.__slots__} | {"mu": mu})
    rows = rows_of("MEX")
    with pytest.raises(MarketsFailed) as caught:
        settle(base, [Pool(EXPORT_QUOTA, 1.0, False, rows)], OPTIONS)
    assert caught.value.markets.tolist() == [0] and len(caught.value.cause) == 1


def test_pools_that_do_not_settle_say_how_much_they_miss(monkeypatch):
    monkeypatch.setattr(pooled, "_ROUNDS", 1)
    monkeypatch.setattr(pooled, "_NEWTON", 0)
    base, rows = problem(), rows_of("CHN")
    total = base.value[rows].sum()
    pools = [
        Pool(EXPORT_QUOTA, 0.5 * total, False, rows),
        Pool(EXPORT_QUOTA, 0.2 * total, False, rows[::2]),
    ]
    with pytest.raises(ConvergenceError, match="2 pooled limits still miss by"):
        settle(base, pools, OPTIONS)
    monkeypatch.setattr(pooled, "_ROUNDS", 100)
    slow = settle(base, pools, OPTIONS)
    monkeypatch.setattr(pooled, "_NEWTON", 8)
    np.testing.assert_allclose(settle(base, pools, OPTIONS), slow, atol=SOLVED)


# ---- through the public door -----------------------------------------------------------------


def test_a_pool_has_one_premium_and_its_own_row():
    res = solve(new().export_quota(**POOLED))
    [row] = res.binding().to_dict("records")
    assert row["product"] == "(pooled)" and row["instrument"] == "export quota"
    df = frame()
    total = df[df["exporter"] == "CHN"]["value"].sum()
    assert row["limit"] == pytest.approx(total / 2, rel=EXACT)
    assert row["quantity_new"] == pytest.approx(total / 2, rel=SOLVED)
    f = res.flows[res.flows["exporter"] == "CHN"]
    premium = f["border_price_ratio"] - f["producer_price_ratio"]
    np.testing.assert_allclose(premium, row["premium"], rtol=SOLVED)
    # products are cut to different degrees, unlike under a limit on each
    assert np.ptp(f.groupby("product")["quantity_ratio"].mean()) > 1e-3


def test_a_value_commitment_counts_current_border_prices():
    scn = new().purchase_commitment(importer="USA", exporter=["CHN", "MEX"], value=250.0)
    res = solve(scn)
    [row] = res.binding().to_dict("records")
    assert row["instrument"] == "purchase commitment, by value" and row["binding"]
    f = res.flows
    mine = (f["importer"] == "USA") & f["exporter"].isin(["CHN", "MEX"])
    assert f.loc[mine, "value_new"].sum() == pytest.approx(250.0, rel=SOLVED)
    assert row["quantity_new"] == pytest.approx(250.0, rel=SOLVED)


def test_a_value_commitment_counts_the_premium_of_a_quota_on_the_same_flows():
    scn = new().export_quota(exporter="CHN", importer="USA", quantity_ratio=0.5)
    scn = scn.purchase_commitment(importer="USA", exporter=["CHN", "MEX"], value=250.0)
    res = solve(scn)
    f = res.flows
    mine = (f["importer"] == "USA") & f["exporter"].isin(["CHN", "MEX"])
    assert res.binding()["binding"].all()
    assert f.loc[mine, "value_new"].sum() == pytest.approx(250.0, rel=SOLVED)


def test_buyers_pay_the_same_however_subsidy_and_premium_are_split():
    """A quota in the market and a pooled subsidy: u follows from p, lm and s as it was solved."""
    scn = new().import_quota(importer="USA", exporter="CHN", quantity_ratio=0.6)
    scn = scn.purchase_commitment(importer="USA", quantity_ratio=1.1, pooled=True)
    res = solve(scn)
    table = res.importers.set_index(["importer", "product"])
    # demand elasticity 1: spending never changes
    np.testing.assert_allclose(table["expenditure_new"], table["expenditure"], rtol=SOLVED)
    limit = res.binding().set_index("product")["premium"]
    f = res.flows[(res.flows["importer"] == "USA") & (res.flows["exporter"] == "CHN")]
    chain = f["border_price_ratio"] * (1 + f["tariff_new"]) * (1 - limit["(pooled)"])
    expected = (chain + limit[f["product"]].to_numpy()) / (1 + f["tariff"])
    np.testing.assert_allclose(f["buyer_price_ratio"], expected, rtol=SOLVED)


def test_listed_buyers_count_in_a_pool():
    listed = new().entity_list(importer="USA", exporter="CHN", side="buyers", share=0.4)
    res = solve(listed.export_quota(**POOLED))
    [row] = res.binding().to_dict("records")
    f = res.flows[res.flows["exporter"] == "CHN"]
    total = (f["value"] * f["quantity_ratio"]).sum()
    assert row["quantity_new"] == pytest.approx(total, rel=EXACT)
    assert total == pytest.approx(row["limit"], rel=SOLVED)
    free = solve(new().export_quota(**POOLED)).binding()["premium"][0]
    assert 0 < row["premium"] < free  # the list does part of the work


def test_markets_outside_a_pool_are_left_alone():
    res = solve(new().export_quota(**POOLED, product=["A", "B"]))
    rest = res.flows[res.flows["product"] == "C"]
    assert (rest[["quantity_ratio", "buyer_price_ratio"]] == 1.0).all(axis=None)


def test_a_pool_on_banned_flows_is_slack():
    ban = new().ban(exporter="CHN", importer="USA")
    res = solve(ban.export_quota(exporter="CHN", importer="USA", quantity_ratio=0.5, pooled=True))
    assert not res.binding()["binding"].any()
    floor = ban.purchase_commitment(exporter="CHN", importer="USA", value=5.0)
    refused(lambda: solve(floor), "rule 2", "cannot be met at any price", "lower the floor")


@pytest.mark.parametrize("on_error", ["raise", "record"])
def test_a_pool_that_cannot_be_met_names_its_rule_and_the_products(on_error):
    scn = new().export_quota(exporter="CHN", quantity_ratio=0.1, pooled=True)
    refused(
        lambda: solve(scn, supply=RIGID, on_error=on_error),
        "rule 1, export_quota(exporter='CHN', quantity_ratio=0.1, pooled=True)",
        "USD cannot be met at any price",
        "because of 1 products: A",
        "except_=",
    )


def test_a_market_that_fails_by_itself_under_a_pool_is_named():
    scn = new().export_quota(exporter="VNM", quantity_ratio=0.5, pooled=True)
    own = scn.export_quota(exporter="CHN", product="A", quantity_ratio=0.5)
    refused(lambda: solve(own, supply=RIGID, on_error="record"), "in A", "on_error", "except_=")
    cut = scn.licence(exporter="CHN", product="B", approval=0.5)
    refused(lambda: solve(cut, substitution=0.8, demand=0.5), "no finite price index in B")


def test_a_failure_outside_the_pool_is_recorded():
    scn = new().export_quota(exporter="VNM", product=["B", "C"], quantity_ratio=0.5, pooled=True)
    scn = scn.export_quota(exporter="CHN", product="A", quantity_ratio=0.5)
    with pytest.warns(DataWarning, match="1 markets have no solution"):
        res = solve(scn, supply=RIGID, on_error="record")
    table = res.binding()
    assert table["premium"].isna().tolist() == [True, False]
    assert table["binding"].tolist() == [False, True]
    alone = tw.solve_pe(
        data().subset(product=["B", "C"]),
        new().export_quota(exporter="VNM", quantity_ratio=0.5, pooled=True),
        substitution=4.0,
        demand=1.0,
        supply=RIGID,
    )
    rest = res.flows[res.flows["product"] != "A"].reset_index(drop=True)
    pd.testing.assert_frame_equal(rest, alone.flows, check_exact=True)
