"""solve_ge: published numbers, options, what is refused, and identities through the public door."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tradewar as tw
import tradewar.ge
from tests.unit.ge_cases import (
    COUNTRIES,
    PLUS_100,
    SECTORS,
    SWITCHES,
    WALL,
    make_world,
    solve,
    surplus_world,
    unsolvable,
    world,
)
from tradewar.errors import ConvergenceError, DataError, ScenarioError

SHARED = Path(__file__).parents[3] / "shared" / "reference"
SOLVED = 1e-9  # what a residual of 1e-10 leaves in the unknowns of these small worlds
ROUNDING = 1e-12
ARRANGED = 1e-11  # the same sums in another order, solved to 1e-12


def equal(res, other, tol=SOLVED):
    """Same welfare and flows."""
    np.testing.assert_allclose(res.welfare, other.welfare, atol=tol)
    np.testing.assert_allclose(
        res.flows["value_new"], other.flows["value_new"], rtol=10 * tol, atol=10 * tol
    )


# ---- published ----------------------------------------------------------------------------------

# Ossa (2014), 7 x 33: US +50 points on China, China +25 on the US; ten digits.
WELFARE = {
    "BRA": 1.0002875366,
    "CHN": 0.9929155518,
    "EU": 1.0005695686,
    "IND": 1.0005182029,
    "JPN": 1.0002610498,
    "ROW": 1.0005367285,
    "USA": 0.9982990157,
}


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/reference is not here")
def test_ossa_2014():
    d = np.load(SHARED / "ossa_2014.npz")
    names, sectors = [str(x) for x in d["countries"]], [str(x) for x in d["sectors"]]
    ossa = tw.World.from_tables(
        d["trade"],
        tariff=d["tariff"],
        theta=d["sigma"] - 1,
        rents=1 / d["sigma"],
        countries=names,
        products=sectors,
    )
    war = tw.Scenario("war").tariff(importer="USA", exporter="CHN", add=0.5)
    war = war.tariff(importer="CHN", exporter="USA", add=0.25)
    res = tw.solve_ge(ossa, war, tol=1e-12)
    for name, value in WELFARE.items():
        assert 1 + res.welfare[name] == pytest.approx(value, abs=6e-11)


# ---- identities ---------------------------------------------------------------------------------


@pytest.mark.parametrize("rich", [False, True], ids=["plain", "rich"])
@pytest.mark.parametrize("name", SWITCHES)
def test_every_equation_holds(name, rich):
    table = solve(name, rich).check()
    assert table["ok"].all(), table
    assert len(table) == 14


@pytest.mark.parametrize("name", [n for n in SWITCHES if n not in ("zero", "purged")])
def test_no_shock_changes_nothing(name):
    res = tw.solve_ge(world(), tw.Scenario("nothing"), **SWITCHES[name])
    np.testing.assert_allclose(res.welfare, 0.0, atol=ROUNDING)
    np.testing.assert_allclose(res.flows["value_new"], res.flows["value"], rtol=ROUNDING)
    np.testing.assert_allclose(res.prices["price_ratio"], 1.0, atol=ROUNDING)


def test_money_is_neutral():
    scaled = tw.World.from_tables(
        1e6 * world()._trade,
        theta=world()._theta,
        tariff=world()._tariff,
        value_added=world()._value_added,
        input_use=world()._input_use,
        countries=COUNTRIES,
        products=SECTORS,
    )
    np.testing.assert_allclose(tw.solve_ge(scaled, PLUS_100).welfare, solve().welfare, atol=SOLVED)


def test_order_of_labels_does_not_matter():
    order = [2, 0, 3, 1]
    w = world()
    moved = tw.World.from_tables(
        w._trade[np.ix_(order, order)],
        theta=w._theta,
        tariff=w._tariff[np.ix_(order, order)],
        value_added=w._value_added[order],
        input_use=w._input_use[order],
        countries=[COUNTRIES[k] for k in order],
        products=SECTORS,
        value_unit="bn USD",
    )
    equal(tw.solve_ge(moved, PLUS_100, tol=1e-12), tw.solve_ge(w, PLUS_100, tol=1e-12), ARRANGED)


def test_iceberg_welfare_is_the_own_share_rule():
    trade = np.random.default_rng(2).uniform(1.0, 9.0, (3, 3, 1)) + 40 * np.eye(3)[:, :, None]
    trade = (trade + trade.transpose(1, 0, 2)) / 2  # no deficits
    w = tw.World.from_tables(trade, theta=5.0, tariff=0.0, countries=list("ABC"))
    res = tw.solve_ge(w, tw.Scenario("ice").trade_cost(importer="A", ratio=1.4), tol=1e-12)
    flows = res.flows[res.flows["exporter"] == res.flows["importer"]].set_index("exporter")
    total = res.flows.groupby("importer")[["value", "value_new"]].sum()
    own = (flows["value_new"] / total["value_new"]) / (flows["value"] / total["value"])
    np.testing.assert_allclose(1 + res.welfare, own ** (-1 / 5.0), rtol=ARRANGED)


def test_tariff_revenue_is_the_rate_times_trade():
    res = solve("ces")
    flows = res.flows.assign(duty=lambda f: f["tariff_new"] * f["value_new"])
    by_country = flows.groupby("importer")["duty"].sum()
    np.testing.assert_allclose(res.countries["tariff_revenue_new"], by_country, rtol=ROUNDING)
    np.testing.assert_allclose(res.levels.tariff_revenue, by_country, rtol=SOLVED)
    assert res.countries["exports_new"].sum() == pytest.approx(res.countries["imports_new"].sum())


def test_deficit_closures():
    fixed, zero, purged, income = (solve(n) for n in ("plain", "zero", "purged", "income"))
    np.testing.assert_allclose(fixed.countries["deficit_new"], world()._deficit, rtol=ROUNDING)
    equal(tw.solve_ge(world(), PLUS_100, deficits="share"), fixed, ROUNDING)
    np.testing.assert_allclose(zero.countries["deficit_new"], 0.0, atol=ROUNDING)
    # purged: no deficit before the shock either; zero counts their end as part of the change
    assert purged.world is not world()
    np.testing.assert_allclose(purged.countries["deficit"], 0.0, atol=1e-7)
    rebased = world().rebase(tw.solve_ge(world(), tw.Scenario("end"), deficits="zero", tol=1e-12))
    equal(tw.solve_ge(rebased, PLUS_100), purged, 1e-8)
    both = (1 + purged.welfare) * (
        1 + tw.solve_ge(world(), tw.Scenario("end"), deficits="zero").welfare
    )
    np.testing.assert_allclose(both, 1 + zero.welfare, rtol=1e-8)
    change = income.countries["deficit_new"] / income.countries["income_new"]
    change -= income.countries["deficit"] / income.countries["income"]
    assert np.ptp(change) < SOLVED
    assert abs(income.countries["deficit_new"].sum()) < SOLVED


def test_an_income_tax_moves_labour():
    scn = tw.Scenario("+10 on all").tariff(importer="USA", add=0.1)
    res = tw.solve_ge(world(), scn, labour_supply=0.5, revenue="income_tax")
    lump = tw.solve_ge(world(), scn, labour_supply=0.5)
    assert (res.countries["tariff_revenue_new"] > res.countries["tariff_revenue"])["USA"]
    assert res.employment.attrs["country"]["USA"] > lump.employment.attrs["country"]["USA"]
    work = res.employment
    paid = work.assign(moved=work["labour_income"] * work["employment_ratio"])
    paid = paid.groupby("country")[["labour_income", "moved"]].sum()
    hours = paid["moved"] / paid["labour_income"]
    np.testing.assert_allclose(hours, res.state.labour, rtol=SOLVED)


@pytest.mark.parametrize("off", [1e-12, -1e-12, 1e-9, 1e-5, 0.05])
def test_elasticities_near_one(off):
    """Checks and rebased shares lose no digits where powers of prices are near 1."""
    names = ("va_substitution", "input_substitution", "final_substitution")
    options = {"input_substitution": 1 + off, "final_substitution": 1 - off, "tol": 1e-12}
    assert tw.solve_ge(world(), PLUS_100, va_substitution=1 + off, **options).check()["ok"].all()
    near = tw.solve_ge(world(), PLUS_100, va_substitution=0.3, **options)
    if abs(off) < 1e-8:
        exact = tw.solve_ge(world(), PLUS_100, va_substitution=0.3, tol=1e-12)
        a, b = world().rebase(near), world().rebase(exact)
        np.testing.assert_allclose(a._input_use, b._input_use, rtol=1e-8)
        np.testing.assert_allclose(a._value_added, b._value_added, rtol=1e-8)
    same = {name: getattr(near.closure, name) for name in names}
    again = tw.solve_ge(world().rebase(near), tw.Scenario("nothing"), **same)
    np.testing.assert_allclose(again.welfare, 0.0, atol=ROUNDING)


def test_export_taxes_relieve_nobody():
    scn = tw.Scenario("tax").export_tax(exporter="USA", importer="MEX", set=0.3)
    res = tw.solve_ge(world(), scn, labour_supply=0.5, revenue="income_tax")
    duty = (
        res.countries["tariff_revenue_new"]
        / res.employment.groupby("country")["labour_income_new"].sum()
    ).to_numpy()
    before = (world()._tariff * world()._trade).sum(axis=(1, 2)) / world()._labour_income
    np.testing.assert_allclose(res.state.subsidy, (1 - before) / (1 - duty), rtol=SOLVED)
    assert "export-tax revenue is paid to households" in " ".join(str(res.card).split())


def test_check_tests_the_relief_of_income_tax():
    scn = tw.Scenario("+10 on all").tariff(importer="USA", add=0.1)
    res = tw.solve_ge(world(), scn, labour_supply=0.5, revenue="income_tax")
    assert res.check()["ok"].all()
    wrong = res.state._replace(subsidy=res.state.subsidy * 1.001)
    table = replace(res, state=wrong).check()
    assert not table.loc["relief of income tax (9)", "ok"]


def test_welfare_net_of_work_must_be_above_zero():
    """Else a gain would read as a loss: the ratio's denominator changes the sign."""
    w = surplus_world()
    scn = tw.Scenario("+10").tariff(importer="A", add=0.1)
    assert tw.solve_ge(w, scn, labour_supply=0.1).converged
    with pytest.raises(DataError, match=r"labour_supply=20: welfare.*not above zero.*B "):
        tw.solve_ge(w, scn, labour_supply=20.0)
    assert tw.solve_ge(w, scn, labour_supply=20.0, deficits="purged").converged


def test_relief_needs_income_tax_to_relieve():
    trade = np.array([[1.0, 50.0], [50.0, 100.0]])[:, :, None]
    w = tw.World.from_tables(
        trade,
        theta=4.0,
        tariff=np.array([[0.0, 1.5], [0.0, 0.0]])[:, :, None],
        countries=["A", "B"],
    )
    with pytest.raises(DataError, match=r"as large as labour income \(A 75 of 51 USD\)"):
        tw.solve_ge(w, tw.Scenario("x"), revenue="income_tax")
    assert tw.solve_ge(w, tw.Scenario("x")).check()["ok"].all()


def test_productivity_reaches_costs():
    scn = tw.Scenario("chips").productivity(country="VNM", product="C26", ratio=1.5)
    res = tw.solve_ge(world(), scn)
    cost = res.wide("prices", "cost_ratio")
    assert cost.loc["VNM", "C26"] == cost.loc["VNM"].min()
    assert res.check()["ok"].all()
    assert res.welfare["VNM"] > 0


def test_a_start_does_not_change_the_answer():
    warm = tw.solve_ge(world(), PLUS_100, start=solve())
    assert warm.info["iterations"] < solve().info["iterations"]
    equal(warm, solve())


def test_threads_do_not_change_a_bit():
    one = tw.solve_ge(world(), PLUS_100, threads=1)
    two = tw.solve_ge(world(), PLUS_100, threads=2)
    np.testing.assert_array_equal(one.welfare, two.welfare)


def test_rebase_takes_up_where_a_result_ends():
    half = tw.Scenario("half").tariff(importer="USA", exporter="CHN", add=0.4)
    rest = tw.Scenario("rest").tariff(importer="USA", exporter="CHN", add=0.6)
    first = tw.solve_ge(world(), half, tol=1e-12)
    second = tw.solve_ge(world().rebase(first), rest, tol=1e-12)
    np.testing.assert_allclose(second.flows["value_new"], solve().flows["value_new"], rtol=1e-8)


def test_a_scenario_of_a_product_model_works_unchanged():
    scn = (
        tw.Scenario("war")
        .tariff(importer="USA", exporter="CHN", product="8542", add=0.5)
        .licence(exporter="CHN", importer="USA", product="C26", approval=0.8, delay_cost=0.05)
        .entity_list(side="buyers", share=0.3, exporter="USA", importer="CHN", product="C26")
    )
    scn = tw.Scenario.from_json(scn.to_json())
    res = tw.solve_ge(world(), scn)
    assert res.check()["ok"].all()
    assert "solve_pe splits" in res.card


# ---- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"deficits": "none"}, "deficits='none': choose one of 'fixed', 'share'"),
        ({"revenue": "burnt"}, "revenue='burnt'"),
        ({"labour_supply": -0.1}, "labour_supply=-0.1: give a number >= 0"),
        ({"va_substitution": float("nan")}, "va_substitution=nan"),
        ({"input_substitution": "low"}, "input_substitution='low'"),
        ({"final_substitution": True}, "final_substitution=True"),
        ({"tol": 2}, "tol=2"),
        ({"max_iter": 0}, "max_iter=0: give a whole number >= 1$"),
        ({"max_iter": None}, "max_iter=None"),
        ({"threads": 0}, "threads=0"),
        ({"on_error": "ignore"}, "on_error='ignore'"),
        ({"start": 3}, "start is a int"),
    ],
)
def test_options(options, message):
    with pytest.raises(DataError, match=message):
        tw.solve_ge(world(), PLUS_100, **options)


def test_types():
    with pytest.raises(DataError, match="world is a TradeData: make a World"):
        tw.solve_ge(world()._data, PLUS_100)
    with pytest.raises(ScenarioError, match="scenario is a str"):
        tw.solve_ge(world(), "+100")
    other = tw.World.from_tables(
        np.eye(2)[:, :, None] + 0.1, theta=4.0, tariff=0.0, countries=["A", "B"]
    )
    with pytest.raises(DataError, match="other countries or products"):
        tw.solve_ge(other, tw.Scenario("none"), start=solve())


def test_a_price_floor_is_refused_with_the_way_out():
    scn = tw.Scenario("floor").min_import_price(importer="USA", exporter="CHN", ratio=1.2)
    with pytest.raises(ScenarioError, match=r"min_import_price holds .* use export_quota\(\)"):
        tw.solve_ge(world(), scn)


def test_a_list_of_every_buyer_is_a_ban():
    scn = tw.Scenario("all").entity_list(side="buyers", share=1.0, exporter="USA", importer="CHN")
    with pytest.raises(ScenarioError, match=r"use ban\(\)"):
        tw.solve_ge(world(), scn)


def no_cars_at_home():
    """The USA buys cars from China alone."""
    w = world()
    trade = np.array(w._trade)
    trade[2, [1, 2, 3], 2] = 0.0
    trade[2, 0, 2] = 60.0
    return tw.World.from_tables(
        trade, theta=4.0, tariff=0.05, countries=COUNTRIES, products=SECTORS
    )


def test_a_ban_that_leaves_no_source():
    scn = tw.Scenario("ban").ban(importer="USA", exporter="CHN", product="C29")
    with pytest.raises(ScenarioError, match="USA C29 is left without any source: keep one origin"):
        tw.solve_ge(no_cars_at_home(), scn)


@pytest.mark.parametrize(
    ("what", "where", "words"),
    [
        (1, 7, "price index of USA C26"),
        (2, 0, "goods market of CHN A01_02"),
        (3, 11, "scale of production of VNM C29"),
        (4, 1, "labour market of MEX"),
        (5, 1, "limit of rule 2 C26"),
    ],
)
def test_no_convergence_names_market_and_kind(monkeypatch, what, where, words):
    real = tradewar.ge.solve

    def stopped(*args, **options):
        return [
            state._replace(status=1, what=what, where=where, residual=0.25)
            for state in real(*args, **options)
        ]

    monkeypatch.setattr(tradewar.ge, "solve", stopped)
    scn = PLUS_100.export_quota(importer="USA", product=["A01_02", "C26"], quantity_ratio=0.9)
    with pytest.raises(ConvergenceError, match=f"the worst market is the {words}, res") as caught:
        tw.solve_ge(world(), scn)
    error = caught.value
    assert error.labels == (words.split(" of ")[-1],)
    assert (error.status, error.residual, error.where) == ("not converged", 0.25, where)
    assert "max_iter= allows more" in str(error)
    assert error.last.ln_w.shape == (4,)


def test_recorded_failures_are_nan_and_said():
    res = unsolvable()
    assert not res.converged
    assert res.welfare.isna().all()
    assert res.flows["value_new"].isna().all()
    assert res.flows["value"].notna().all()
    assert res.countries["income_new"].isna().all()
    assert "NO SOLUTION" in str(res)
    with pytest.raises(DataError, match="nothing to decompose"):
        res.decompose()
    with pytest.raises(DataError, match="nothing to follow"):
        res.diversion()
    with pytest.raises(DataError, match="without a solution"):
        tw.solve_ge(surplus_world(), WALL, start=res)


@pytest.mark.filterwarnings("ignore:CHN->USA")
def test_a_way_cut_short_does_not_tell_that_there_is_no_equilibrium():
    w = make_world(17, export_tax=True, rents=0.2, scale=0.05)
    scn = tw.Scenario("wall").ban(importer="CHN", exporter="USA")
    scn = scn.tariff(importer="USA", set=1.0).tariff(importer="USA", scale=5.0)
    options = {"deficits": "income", "va_substitution": 0.1, "revenue": "income_tax"}
    for most in (10, 15, 20, 25):
        with pytest.raises(ConvergenceError, match="no convergence: the worst market"):
            tw.solve_ge(w, scn, max_iter=most, **options)
    assert tw.solve_ge(w, scn, **options).check()["ok"].all()


def test_a_surplus_that_income_cannot_carry_is_named():
    with pytest.raises(ConvergenceError, match="no equilibrium: the income of B cannot carry") as e:
        tw.solve_ge(surplus_world(), WALL)
    assert "fixed surplus of 60 USD" in str(e.value)
    assert e.value.labels == ("B",)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        res = tw.solve_ge(surplus_world(), WALL, deficits="income")
    assert res.check()["ok"].all()


def test_a_loose_tolerance_is_refused():
    """A residual of 2 % in a market would pass as solved."""
    with pytest.raises(DataError, match=r"tol=0.5: give a number between 0 and 0.0001"):
        tw.solve_ge(world(), PLUS_100, tol=0.5)
