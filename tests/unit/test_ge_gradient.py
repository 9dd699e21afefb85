"""Gradients of welfare against central differences of solves, through the public door."""

from __future__ import annotations

import numpy as np
import pytest

import tradewar as tw
from tests.unit.ge_cases import PLUS_100, rich_world, solve, unsolvable, world
from tradewar.errors import ConvergenceError, DataError
from tradewar.ge_gradient import limit_gradient, welfare_gradient

STEP = 1e-4
CLOSE = 1e-6  # of central differences with that step
OPTIONS = {
    "plain": {},
    "labour": {"labour_supply": 0.5, "revenue": "income_tax"},
    "ces": {"va_substitution": 0.3, "input_substitution": 0.2, "deficits": "income"},
}


def log_welfare(scn, options):
    return np.log1p(tw.solve_ge(rich_world(), scn, tol=1e-13, **options).welfare)


@pytest.mark.parametrize("name", OPTIONS)
def test_against_central_differences(name):
    options = OPTIONS[name]
    res = tw.solve_ge(rich_world(), PLUS_100, tol=1e-12, **options)
    table = welfare_gradient(res, cost=True)
    rows = table.set_index(["country", "exporter", "importer", "product"])
    flow = ("CHN", "USA", "C26")
    where = dict(zip(("exporter", "importer", "product"), flow, strict=True))
    old = res.details.set_index(["exporter", "importer", "product"]).loc[flow, "tariff_new"]
    tax = 0.04
    changes = {
        "tariff": lambda h: PLUS_100.tariff(**where, set=(1 + old) * np.exp(h) - 1),
        "export_tax": lambda h: PLUS_100.export_tax(**where, set=(1 + tax) * np.exp(h) - 1),
        "cost": lambda h: PLUS_100.trade_cost(**where, ratio=np.exp(h)),
    }
    for instrument, change in changes.items():
        up, down = (log_welfare(change(h), options) for h in (STEP, -STEP))
        want = (up - down) / (2 * STEP)
        got = rows.xs(flow, level=[1, 2, 3])[f"{instrument}_gradient"]
        np.testing.assert_allclose(got[want.index], want, atol=CLOSE)


def test_one_country_is_a_part_of_all():
    whole, one = welfare_gradient(solve()), welfare_gradient(solve(), "USA")
    assert list(one.columns) == [
        "country",
        "exporter",
        "importer",
        "product",
        "tariff_gradient",
        "export_tax_gradient",
    ]
    assert set(one["country"]) == {"USA"}
    mine = whole[whole["country"] == "USA"]
    np.testing.assert_allclose(mine["tariff_gradient"], one["tariff_gradient"], rtol=1e-9)
    assert one.attrs["unit"]["tariff_gradient"] == "pure number"
    assert len(one) == len(solve().flows)


def test_banned_flows_have_none():
    res = tw.solve_ge(world(), tw.Scenario("b").ban(exporter="CHN", importer="USA", product="C26"))
    row = welfare_gradient(res, "USA").query(
        "exporter == 'CHN' and importer == 'USA' and product == 'C26'"
    )
    assert (row[["tariff_gradient", "export_tax_gradient"]] == 0.0).all(axis=None)


def test_limits():
    def capped(ratio):
        scn = PLUS_100.export_quota(
            exporter="VNM", importer="USA", product="C26", quantity_ratio=ratio
        )
        return tw.solve_ge(world(), scn, tol=1e-12)

    res = capped(0.5)
    table = limit_gradient(res).set_index("country")["limit_gradient"]
    up, down = (np.log1p(capped(0.5 * np.exp(h)).welfare) for h in (STEP, -STEP))
    np.testing.assert_allclose(table, (up - down) / (2 * STEP), atol=CLOSE)
    slack = limit_gradient(capped(5.0), "USA")
    assert slack["limit_gradient"].tolist() == [0.0]
    assert list(slack.columns) == ["country", "rule", "instrument", "product", "limit_gradient"]


def test_the_small_optimal_tariff_is_one_over_theta():
    """A small open economy without home bias in its exports: d W / d t = 0 at t = 1/theta."""
    theta, tiny = 4.0, 1e-7
    trade = np.zeros((2, 2, 1))
    trade[:, :, 0] = [[0.5 * tiny, 0.5 * tiny], [0.5 * tiny, 1.0]]
    w = tw.World.from_tables(trade, theta=theta, tariff=0.0, countries=["A", "B"])
    scn = tw.Scenario("t").tariff(importer="A", exporter="B", set=1 / theta)
    res = tw.solve_ge(w, scn, tol=1e-12)
    slope = welfare_gradient(res, "A").set_index(["exporter", "importer"])["tariff_gradient"]
    free = tw.solve_ge(w, tw.Scenario("free"), tol=1e-12)
    start = welfare_gradient(free, "A").set_index(["exporter", "importer"])["tariff_gradient"]
    assert abs(slope["B", "A"]) < 1e-6 < 1e-2 < start["B", "A"]


def test_refusals():
    with pytest.raises(DataError, match="country='FRA' matches no country"):
        welfare_gradient(solve(), "FRA")
    with pytest.raises(DataError, match="tol=0"):
        welfare_gradient(solve(), tol=0)
    with pytest.raises(DataError, match="nothing to differentiate"):
        welfare_gradient(unsolvable())


def test_an_adjoint_that_is_not_solved_is_refused(monkeypatch):
    monkeypatch.setattr("tradewar.ge_gradient.MAX_PRODUCTS", 1)
    with pytest.raises(ConvergenceError, match="gradient of welfare of CHN was not solved"):
        welfare_gradient(solve())


def near_autarky(tol: float) -> tw.GEResult:
    world = tw.datasets.bilateral_2023_world()
    every = tw.Scenario("all").tariff(importer="*", exporter="*", product="*", add=2.0)
    return tw.solve_ge(world, every, deficits="zero", tol=tol)


def test_precision_bounds_the_error_of_welfare():
    """A loose solution is as far off as it says, and near autarky farther than its residual."""
    loose, tight = near_autarky(1e-6), near_autarky(1e-13)
    bound = loose.precision()["welfare_error"]
    error = np.abs(np.log1p(loose.welfare) - np.log1p(tight.welfare))
    assert (error <= 1.01 * bound + 1e-12).all()
    assert error.max() > 0.01 * bound.max() > 1e-8
    assert tight.precision()["welfare_error"].max() < 1e-4 * bound.max()
    assert bound.max() > loose.info["residual"]


def test_precision_of_one_country():
    res = solve()
    whole, one = res.precision(), res.precision("USA")
    assert one.index.tolist() == ["USA"] and one.attrs["unit"] == {"welfare_error": "fraction"}
    np.testing.assert_allclose(one.loc["USA"], whole.loc["USA"], rtol=1e-4)
    with pytest.raises(tw.DataError, match="USB"):
        res.precision("USB")
