"""Symmetries, limits and paths of the exact product-level model on random markets."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import tradewar as tw
from tests.helpers_pe import KEYS, Case, cases, close, flows_of, make_case

EXACT = 1e-12  # rounding only
SOLVED = 1e-10  # two solutions at a residual of 1e-12
FIRST_ORDER = 1e-5  # relative error of the first-order formula at a tariff of 1e-6
BAN_LIMIT = 1e-9  # a ratio of 1e6 at sigma 9, or of 9 at sigma 30, leaves a share under 1e-14
RESULT = ["quantity_ratio", "producer_price_ratio", "buyer_price_ratio", "value_new"]

pytestmark = pytest.mark.filterwarnings("ignore:demand exceeds substitution")


@given(case=cases(), power=st.integers(-20, 20))
def test_values_times_a_power_of_two_change_no_ratio(case, power):
    scale = 2.0**power
    one, two = case.solve(), case.with_rows(value=case.rows["value"] * scale).solve()
    a, b = flows_of(one), flows_of(two)
    assert (a[RESULT[:3]].to_numpy() == b[RESULT[:3]].to_numpy()).all()
    close(b["value_new"] / scale, a["value_new"], EXACT, a["value"].sum())
    close(two.countries / scale, one.countries, EXACT, a["value"].sum())


@given(case=cases(), scale=st.floats(1e-6, 1e6))
def test_values_times_any_number_change_no_ratio(case, scale):
    one, two = case.solve(), case.with_rows(value=case.rows["value"] * scale).solve()
    close(flows_of(two)[RESULT[:3]], flows_of(one)[RESULT[:3]], SOLVED)


@given(case=cases(), seed=st.integers(0, 1000))
def test_the_order_of_rows_changes_nothing_bit_for_bit(case, seed):
    shuffled = case.rows.sample(frac=1.0, random_state=seed).reset_index(drop=True)
    one, two = case.solve(), Case(shuffled, case.two_level).solve()
    pd.testing.assert_frame_equal(flows_of(one), flows_of(two), check_exact=True)
    pd.testing.assert_frame_equal(one.countries, two.countries, check_exact=True)


@given(case=cases(), seed=st.integers(0, 1000))
def test_names_of_countries_and_products_do_not_matter(case, seed):
    rng = np.random.default_rng(seed)

    def rename(column, alphabet):
        old = np.unique(column)
        return dict(zip(old, rng.permutation(alphabet)[: len(old)], strict=True))

    names = pd.concat([case.rows["exporter"], case.rows["importer"]])
    country = rename(names, [f"country {k}" for k in range(8)])
    good = rename(case.rows["product"], [f"good {k}" for k in range(5)])
    other = case.with_rows(
        exporter=case.rows["exporter"].map(country),
        importer=case.rows["importer"].map(country),
        product=case.rows["product"].map(good),
    )
    a = case.solve().flows
    a = a.assign(
        exporter=a["exporter"].map(country),
        importer=a["importer"].map(country),
        product=a["product"].map(good),
    )
    a, b = a.set_index(KEYS).sort_index(), flows_of(other.solve())
    close(b[RESULT[:3]], a[RESULT[:3]], SOLVED)


@given(case=cases(n_products=4))
def test_product_by_product_is_the_batch_bit_for_bit(case):
    whole = flows_of(case.solve())
    for good, rows in case.rows.groupby("product"):
        part = Case(rows.reset_index(drop=True), case.two_level)
        mine = whole[whole.index.get_level_values("product") == good]
        pd.testing.assert_frame_equal(flows_of(part.solve()), mine, check_exact=True)


@given(case=cases(n_products=5))
def test_threads_agree_bit_for_bit(case):
    data, scenario = case.data(), case.scenario()
    one = case.solve(data, scenario, threads=1)
    for threads in (2, 3, 8):
        other = case.solve(data, scenario, threads=threads)
        pd.testing.assert_frame_equal(one.flows, other.flows, check_exact=True)
        pd.testing.assert_frame_equal(one.markets, other.markets, check_exact=True)


@given(case=cases(bans=False))
def test_a_tariff_moves_quantities_as_the_equal_trade_cost_does(case):
    r = case.rows
    as_cost = case.with_rows(
        cost=r["cost"] * (1 + r["tariff_new"]) / (1 + r["tariff"]), tariff_new=r["tariff"]
    )
    a, b = flows_of(case.solve()), flows_of(as_cost.solve())
    close(b[RESULT[:3]], a[RESULT[:3]], SOLVED)


@given(case=cases(bans=False))
def test_an_export_tax_moves_quantities_as_the_equal_tariff_does(case):
    r = case.rows
    swapped = case.with_rows(
        tariff_new=(1 + r["tariff"]) * (1 + r["export_tax_new"]) / (1 + r["export_tax"]) - 1,
        export_tax_new=(1 + r["export_tax"]) * (1 + r["tariff_new"]) / (1 + r["tariff"]) - 1,
    )
    a, b = flows_of(case.solve()), flows_of(swapped.solve())
    close(b[RESULT[:3]], a[RESULT[:3]], SOLVED)


@given(case=cases(bans=False, costs=False))
def test_two_steps_over_a_rebased_baseline_are_one_step(case):
    r = case.rows
    half = case.with_rows(
        tariff_new=np.sqrt((1 + r["tariff"]) * (1 + r["tariff_new"])) - 1,
        export_tax_new=np.sqrt((1 + r["export_tax"]) * (1 + r["export_tax_new"])) - 1,
    )
    data = case.data()
    first = half.solve(data)
    middle = data.rebase(first)
    rest = half.with_rows(
        tariff=half.rows["tariff_new"],
        export_tax=half.rows["export_tax_new"],
        tariff_new=r["tariff_new"],
        export_tax_new=r["export_tax_new"],
    )
    second = rest.solve(middle)
    whole = case.solve(data)
    a, b, c = flows_of(whole), flows_of(first), flows_of(second)
    close(c["value_new"], a["value_new"], SOLVED, a["value"].mean())
    close(c["revenue_new"], a["revenue_new"], SOLVED, a["value"].mean())
    live = a["value"] > 0
    for name in RESULT[:3]:
        close((b[name] * c[name])[live], a[name][live], SOLVED * 10)
    close(
        first.importers["price_index_ratio"] * second.importers["price_index_ratio"],
        whole.importers["price_index_ratio"],
        SOLVED,
    )
    scale = a["value"].sum()
    both = first.countries["welfare_change"] + second.countries["welfare_change"]
    close(both, whole.countries["welfare_change"], SOLVED, scale)


@given(case=cases(one_destination=True, two_level=False, taxes=False, costs=False, bans=False))
def test_small_tariffs_follow_the_first_order_formula(case):
    """D = 1 - (sig - eps) sum theta/(mu + sig), one destination and many origins."""
    small = 1e-6
    r = case.rows
    points = np.abs(r["tariff_new"] - r["tariff"])
    case = case.with_rows(tariff_new=(1 + r["tariff"]) * np.exp(small * points) - 1)
    f = flows_of(case.solve()).join(case.rows.set_index(KEYS)[["substitution", "demand", "supply"]])
    for _, mine in f.groupby("product"):
        mine = mine[mine["value"] > 0]
        theta = mine["value"] * (1 + mine["tariff"])
        theta = theta / theta.sum()
        d_t = np.log1p(mine["tariff_new"]) - np.log1p(mine["tariff"])
        sig, eps, mu = mine["substitution"], mine["demand"], mine["supply"]
        inf = np.isinf(mu)
        passed = np.where(inf, 1.0, mu / (np.where(inf, 0.0, mu) + sig))
        loose = np.where(inf, 0.0, 1.0 / (np.where(inf, 1.0, mu) + sig))
        d = 1 - ((sig - eps) * theta * loose).sum()
        d_index = (theta * passed * d_t).sum() / d
        d_u = passed * d_t + (sig - eps) * loose * d_index
        close(np.log(mine["buyer_price_ratio"]), d_u, 0.0 + FIRST_ORDER, small)


def _complete(seed: int, mu: float) -> Case:
    """Every pair of four countries trades, no home sales; BBB has supply elasticity mu."""
    names = ["AAA", "BBB", "CCC", "DDD"]
    pairs = [(i, n) for i in names for n in names if i != n]
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(pairs, columns=["exporter", "importer"]).assign(
        product="P1",
        value=rng.lognormal(3, 1, len(pairs)),
        tariff=0.1,
        tariff_new=0.1,
        export_tax=0.05,
        export_tax_new=0.05,
        cost=1.0,
        weight=1.0,
        substitution=3.0,
        home_substitution=3.0,
        demand=0.8,
        supply=1.5,
    )
    rows.loc[rows["exporter"] == "BBB", "supply"] = mu
    return Case(rows, False)


@pytest.mark.parametrize("mu", [0.0, 0.5, 2.0, np.inf])
def test_an_origin_shut_out_has_price_zero_and_loses_its_rent(mu):
    case = _complete(3, mu)
    banned = case.with_rows(weight=np.where(case.rows["exporter"] == "BBB", 0.0, 1.0))
    res = banned.solve()
    r = case.rows
    sales = (r["value"] / (1 + r["export_tax"]))[r["exporter"] == "BBB"].sum()
    origin = res.exporters.set_index("exporter").loc["BBB"]
    expected = 0.0 if np.isinf(mu) else -sales / (1 + mu)
    assert origin["producer_surplus_change"] == pytest.approx(expected, rel=EXACT)
    assert origin["producer_price_ratio"] == (1.0 if np.isinf(mu) else 0.0)
    flows = res.flows[res.flows["exporter"] == "BBB"]
    assert (flows[["quantity_ratio", "value_new", "revenue_new"]].to_numpy() == 0).all()
    twin = banned.twin().set_index(KEYS).sort_index()
    f = flows_of(res)
    close(f["quantity_ratio"], twin["q"].reindex(f.index), SOLVED)


@pytest.mark.filterwarnings("ignore:tariff. set=.* means")
@pytest.mark.parametrize(
    ("mu", "instrument"), [(4.0, "cost"), (np.inf, "cost"), (np.inf, "tariff")]
)
def test_a_huge_wedge_tends_to_the_ban(mu, instrument):
    case = _complete(5, mu).with_rows(substitution=9.0 if instrument == "cost" else 30.0)
    hit = (case.rows["exporter"] == "BBB") & (case.rows["importer"] != "CCC")
    ban = flows_of(case.with_rows(weight=np.where(hit, 0.0, 1.0)).solve())
    if instrument == "cost":
        huge = flows_of(case.with_rows(cost=np.where(hit, 1e6, 1.0)).solve())
    else:
        huge = flows_of(case.with_rows(tariff_new=np.where(hit, 9.0, 0.1)).solve())
    close(huge["quantity_ratio"], ban["quantity_ratio"], BAN_LIMIT)
    live = ban["quantity_ratio"] > 0
    close(huge["buyer_price_ratio"][live], ban["buyer_price_ratio"][live], BAN_LIMIT)


@given(seed=st.integers(0, 10_000), taxes=st.booleans(), two_level=st.booleans())
def test_euler_steps_converge_to_the_exact_solution_at_first_order(seed, taxes, two_level):
    case = make_case(
        seed,
        n_countries=4,
        n_products=1,
        two_level=two_level,
        taxes=taxes,
        sigmas=(1.5, 2.53, 5.0),
        supplies=(0.5, 2.0, np.inf),
    )
    data, scenario = case.data(), case.scenario()

    def ln_q(**options):
        f = flows_of(case.solve(data, scenario, **options))
        return np.log(f.loc[f["value"] > 0, "quantity_ratio"].to_numpy())

    exact = ln_q()
    coarse, fine = (ln_q(method="euler", steps=k) for k in (200, 400))
    assume(np.abs(coarse - exact).max() > 1e-6)
    assert np.abs(fine - exact).max() < 0.52 * np.abs(coarse - exact).max()
    extrapolated = 2 * fine - coarse
    assert np.abs(extrapolated - exact).max() < 0.02 * np.abs(fine - exact).max()


@given(case=cases(bans=False, taxes=False, costs=False, two_level=False))
def test_uniform_growth_of_every_tariff_with_fixed_quantities_falls_on_producers(case):
    """With mu = 0 everywhere and one common tariff factor, producers bear it all."""
    case = case.with_rows(
        supply=0.0, tariff_new=(1 + case.rows["tariff"]) * 1.5 - 1, export_tax=0.0
    )
    f = case.solve().flows
    live = f["value"] > 0
    close(f["producer_price_ratio"][live], 1 / 1.5, SOLVED * 10)
    close(f["quantity_ratio"][live], 1.0, SOLVED * 100)


@given(case=cases())
def test_inputs_are_left_alone_and_results_pickle(case):
    import pickle

    data, scenario, kwargs = case.data(), case.scenario(), case.elasticities()
    before = {k: v.copy() for k, v in kwargs.items()}
    flows = data.flows.copy()
    res = tw.solve_pe(data, scenario, **kwargs)
    pd.testing.assert_frame_equal(data.flows, flows, check_exact=True)
    for k, v in kwargs.items():
        pd.testing.assert_frame_equal(v, before[k], check_exact=True)
    again = pickle.loads(pickle.dumps(res))
    pd.testing.assert_frame_equal(again.flows, res.flows, check_exact=True)
