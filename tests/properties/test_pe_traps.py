"""Every numeric trap of the product-level solver, each under its name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import tradewar as tw
from tests.helpers_pe import KEYS, Case, close, flows_of, make_case

AGREE = 1e-10  # C against the twin
STEEP = 1e-9  # at sigma 3000 a rounding error of a price is multiplied by sigma
NEAR_ONE = 1e-12  # plain logs from |1 - sigma| = 1e-3 on: a rounding error over 1e-3
COMPLEMENTS = pytest.mark.filterwarnings("ignore:demand exceeds substitution")


def one_market(seed=1, n=5, **columns) -> Case:
    """A market of n countries in which every pair trades and two tariffs rise by 100 points."""
    rng = np.random.default_rng(seed)
    names = [f"C{k}" for k in range(n)]
    pairs = [(i, k) for i in names for k in names if i != k]
    rows = pd.DataFrame(pairs, columns=["exporter", "importer"]).assign(
        product="P1",
        value=rng.lognormal(3, 1.5, len(pairs)),
        tariff=0.05,
        tariff_new=0.05,
        export_tax=0.0,
        export_tax_new=0.0,
        cost=1.0,
        weight=1.0,
        substitution=4.0,
        home_substitution=4.0,
        demand=1.0,
        supply=2.0,
    )
    rows.loc[[0, len(rows) // 2], "tariff_new"] = 1.05
    return Case(rows.assign(**columns), False)


def agrees_with_twin(case: Case, tolerance=AGREE, **options) -> tw.PEResult:
    res = case.solve(**options)
    f = flows_of(res)
    twin = case.twin().set_index(KEYS).reindex(f.index)
    live = (twin["value"] > 0) & (twin["weight"] > 0)
    close(np.log(f["quantity_ratio"][live]), np.log(twin["q"][live]), tolerance)
    close(np.log(f["producer_price_ratio"][live]), twin["ln_p"][live], tolerance)
    index = res.importers.set_index(["importer", "product"])["price_index_ratio"]
    expected = twin.groupby(["importer", "product"])["ln_index"].first().reindex(index.index)
    close(np.log(index), expected, tolerance)
    assert (res.markets["residual"] <= 1e-12).all()
    return res


@pytest.mark.parametrize("gap", [1e-13, 1e-11, 1e-9, 1e-7, 1e-5, 9e-4, 1.1e-3])
@pytest.mark.parametrize("side", [-1, 1])
def test_sigma_near_one_has_the_right_price_and_not_only_a_small_residual(gap, side):
    case = one_market(substitution=1.0 + side * gap, demand=0.5, supply=np.inf)
    res = agrees_with_twin(case, NEAR_ONE)
    unit = one_market(substitution=1.0, demand=0.5, supply=np.inf).solve()
    near = np.log(res.importers["price_index_ratio"])
    at_one = np.log(unit.importers["price_index_ratio"])
    # d ln P / d sigma is minus half the variance of ln u, at most 0.5 ln(2)^2 / 4 here
    assert np.abs(near - at_one).max() <= 0.1 * gap + 1e-15


@pytest.mark.parametrize("gap", [0.0, 1e-11, 1e-7])
def test_sigma_near_one_with_finite_supply(gap):
    agrees_with_twin(one_market(substitution=1.0 + gap, demand=0.5))


@pytest.mark.parametrize("gap", [0.0, 1e-11, -1e-7, 1e-3])
def test_demand_elasticity_near_one_has_the_right_surplus(gap):
    case = one_market(demand=1.0 + gap)
    res = agrees_with_twin(case)
    twin = case.twin().groupby("importer")["consumer_surplus_change"].first()
    found = res.countries["consumer_surplus_change"].reindex(twin.index)
    close(found, twin, AGREE, case.rows["value"].sum())


@pytest.mark.parametrize("supply", [0.5, 4.0, np.inf])
def test_sigma_of_three_thousand_works_in_logs(supply):
    case = one_market(substitution=3000.0, supply=supply)
    if np.isinf(supply):
        f = flows_of(case.solve())
        twin = case.twin().set_index(KEYS).reindex(f.index)
        # an untaxed rival takes all; 2^-3000 of the old quantity is below the smallest double
        close(f["quantity_ratio"], twin["q"], STEEP)
    else:
        res = case.solve()
        f = flows_of(res)
        twin = case.twin().set_index(KEYS).reindex(f.index)
        close(np.log(f["producer_price_ratio"]), twin["ln_p"], AGREE)
        close(f["quantity_ratio"], twin["q"], 1e-7)


@COMPLEMENTS
@pytest.mark.parametrize("supply", [0.0, 0.5, 2.0, np.inf])
def test_sigma_below_demand_elasticity(supply):
    agrees_with_twin(one_market(substitution=0.3, demand=4.0, supply=supply))


@pytest.mark.parametrize("sigma", [5.0, 12.0, 40.0])
def test_quantity_given_with_high_sigma(sigma):
    res = agrees_with_twin(one_market(substitution=sigma, supply=0.0))
    f = res.flows
    sold = (f["value"] * f["quantity_ratio"]).groupby(f["exporter"]).sum()
    close(sold, f["value"].groupby(f["exporter"]).sum(), AGREE)


def test_price_given_everywhere_needs_one_evaluation():
    res = agrees_with_twin(one_market(supply=np.inf))
    assert (res.flows["producer_price_ratio"] == 1.0).all()
    assert res.markets["iterations"].max() <= 1


def test_price_given_for_some_and_quantity_given_for_others():
    supply = {"C0": np.inf, "C1": 0.0, "C2": 2.0, "C3": np.inf, "C4": 0.3}
    case = one_market()
    case = case.with_rows(supply=case.rows["exporter"].map(supply))
    f = agrees_with_twin(case).flows
    assert (f.loc[f["exporter"].isin(["C0", "C3"]), "producer_price_ratio"] == 1.0).all()


def test_a_tariff_of_minus_one_is_refused():
    case = one_market()
    with pytest.raises(tw.errors.ScenarioError):
        case.solve(scenario=tw.Scenario("free goods").tariff(exporter="C0", set=-1.0))
    with pytest.raises(tw.errors.DataError):
        case.with_rows(tariff=-1.0).data()


@pytest.mark.filterwarnings("ignore:tariff. set=.* means")  # +950 points are meant
@pytest.mark.parametrize("factor", [0.05, 0.2, 0.5, 2.0, 5.0, 11.0])
@pytest.mark.parametrize("supply", [0.0, 1.0, np.inf])
def test_factors_from_a_twentieth_to_eleven_converge_from_the_base(factor, supply):
    case = one_market(supply=supply, substitution=6.0)
    new = case.rows["tariff"].copy()
    new[[0, 3, 7]] = 1.05 * factor - 1
    agrees_with_twin(case.with_rows(tariff_new=new))
    agrees_with_twin(case.with_rows(tariff_new=np.full(len(new), 1.05 * factor - 1)))


@pytest.mark.filterwarnings("ignore:tariff. set=.* means")
@pytest.mark.parametrize("seed", range(20))
def test_thin_markets_converge(seed):
    """Two or three origins with shares down to 1e-8 defeat undamped Newton."""
    rng = np.random.default_rng(seed)
    case = one_market(seed, n=3, substitution=float(rng.choice([1.5, 8.0, 30.0])))
    value = 10.0 ** rng.uniform(-6, 3, len(case.rows))
    supply = case.rows["exporter"].map(dict(zip(["C0", "C1", "C2"], [0.0, 0.5, 4.0], strict=True)))
    case = case.with_rows(value=value, supply=supply)
    new = np.where(rng.random(len(value)) < 0.5, 0.05, rng.uniform(0.5, 10, len(value)))
    agrees_with_twin(case.with_rows(tariff_new=new), 1e-9)


def test_untouched_markets_return_at_once():
    case = make_case(7, n_products=5, complements=False)
    first = case.rows["product"] == "P1"
    res = case.with_rows(
        tariff_new=np.where(first, case.rows["tariff_new"], case.rows["tariff"])
    ).solve()
    rest = res.markets[res.markets["product"] != "P1"]
    assert (rest["iterations"] == 0).all() and (rest["residual"] == 0).all()
    f = res.flows[res.flows["product"] != "P1"]
    assert (f[["quantity_ratio", "producer_price_ratio"]].to_numpy() == 1.0).all()


def test_zero_flows_stay_zero():
    case = one_market()
    value = case.rows["value"].copy()
    value[[2, 9]] = 0.0
    f = agrees_with_twin(case.with_rows(value=value)).flows
    assert (f.loc[f["value"] == 0, ["value_new", "revenue_new"]].to_numpy() == 0).all()


def two_level_market(**columns) -> Case:
    """Three countries with home goods; C0's imports from C1 meet a higher tariff."""
    names = ["C0", "C1", "C2"]
    rows = pd.DataFrame([(i, n) for i in names for n in names], columns=["exporter", "importer"])
    own = rows["exporter"] == rows["importer"]
    rows = rows.assign(
        product="P1",
        value=np.arange(5.0, 14.0),
        tariff=np.where(own, 0.0, 0.1),
        tariff_new=np.where(own, 0.0, 0.1),
        export_tax=0.0,
        export_tax_new=0.0,
        cost=1.0,
        weight=1.0,
        substitution=4.0,
        home_substitution=2.0,
        demand=0.8,
        supply=2.0,
    )
    rows.loc[(rows["importer"] == "C0") & (rows["exporter"] == "C1"), "tariff_new"] = 1.1
    return Case(rows.assign(**columns), True)


@pytest.mark.parametrize("home", [1.0, 1 + 1e-9, 2.0])
@pytest.mark.parametrize("sigma", [1.0, 1 + 1e-9, 4.0])
def test_home_buyer_whose_foreign_flows_are_all_zero(home, sigma):
    """Zero rows from abroad beside a home good: the foreign nest is empty, not undefined."""
    case = two_level_market(home_substitution=home, substitution=sigma)
    r = case.rows
    empty = (r["importer"] == "C2") & (r["exporter"] != "C2")
    agrees_with_twin(case.with_rows(value=np.where(empty, 0.0, r["value"])))


def test_home_buyer_whose_foreign_flows_are_banned_or_zero():
    case = two_level_market()
    r = case.rows
    zero = (r["importer"] == "C2") & (r["exporter"] == "C0")
    banned = (r["importer"] == "C2") & (r["exporter"] == "C1")
    agrees_with_twin(
        case.with_rows(
            value=np.where(zero, 0.0, r["value"]), weight=np.where(banned, 0.0, r["weight"])
        )
    )


def test_home_buyer_whose_foreign_flows_are_all_banned():
    case = two_level_market()
    r = case.rows
    banned = (r["importer"] == "C2") & (r["exporter"] != "C2")
    agrees_with_twin(case.with_rows(weight=np.where(banned, 0.0, r["weight"])))


@pytest.mark.parametrize("sigma", [0.9, 4.0])
def test_home_good_of_value_zero_leaves_one_level(sigma):
    case = two_level_market(substitution=sigma)
    r = case.rows
    own = (r["importer"] == "C1") & (r["exporter"] == "C1")
    agrees_with_twin(case.with_rows(value=np.where(own, 0.0, r["value"])))


def test_a_ban_at_sigma_one_or_below_is_refused_by_name():
    case = one_market(substitution=0.9, demand=0.5)
    weight = np.ones(len(case.rows))
    weight[0] = 0.0
    with pytest.raises(tw.errors.TradewarError, match="P1"):
        case.with_rows(weight=weight).solve()


def test_a_destination_cut_off_from_every_origin_is_refused_by_name():
    case = one_market()
    cut = np.where(case.rows["importer"] == "C2", 0.0, 1.0)
    with pytest.raises(tw.errors.TradewarError, match=r"P1"):
        case.with_rows(weight=cut).solve()


def test_one_failing_market_never_spoils_another():
    good = make_case(11, n_products=3, sigmas=(2.53, 5.0))
    bad = one_market(substitution=0.9, demand=0.5).rows.assign(product="P9")
    bad.loc[0, "weight"] = 0.0
    both = Case(pd.concat([good.rows, bad], ignore_index=True), False)
    with pytest.warns(tw.errors.DataWarning):
        res = both.solve(on_error="record")
    markets = res.markets.set_index("product")
    assert not markets.loc["P9", "converged"]
    assert markets["converged"].sum() == 3
    f = flows_of(res)
    mine = f[f.index.get_level_values("product") != "P9"]
    pd.testing.assert_frame_equal(mine, flows_of(good.solve()), check_exact=True)
    lost = f[f.index.get_level_values("product") == "P9"]
    assert lost["quantity_ratio"].isna().all()


def test_values_of_very_different_size_in_one_market():
    case = one_market()
    rng = np.random.default_rng(0)
    agrees_with_twin(case.with_rows(value=10.0 ** rng.uniform(-12, 12, len(case.rows))), 1e-9)
