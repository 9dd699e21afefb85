"""Decompositions of welfare: columns add up, paths agree with what they integrate."""

from __future__ import annotations

import numpy as np
import pytest

import tradewar as tw
from tests.unit.ge_cases import PLUS_100, SWITCHES, rich_world, solve, world
from tradewar.errors import ConvergenceError, DataError
from tradewar.ge_decompose import COLUMNS, TOLERANCE

SMALL = 1e-5  # tariff of the first-order comparisons
SECOND_ORDER = 1e-8


def real_income(res):
    table = res.countries
    return np.log(table["income_new"] / table["income"] / table["price_index_ratio"])


@pytest.mark.parametrize("rich", [False, True], ids=["plain", "rich"])
@pytest.mark.parametrize("name", SWITCHES)
def test_columns_add_up(name, rich):
    res = solve(name, rich)
    table = res.decompose()
    assert list(table.columns) == [*COLUMNS, "total"]
    np.testing.assert_allclose(table[list(COLUMNS)].sum(axis=1), table["total"], atol=1e-15)
    np.testing.assert_allclose(table["total"], real_income(res), atol=TOLERANCE)
    assert table.attrs["gap"] <= TOLERANCE
    assert table.attrs["unit"]["tot"] == "fraction"


def everything():
    return (
        PLUS_100.export_tax(exporter="CHN", importer="VNM", product="C26", set=0.3)
        .trade_cost(exporter="MEX", importer="USA", ratio=1.1)
        .productivity(country="VNM", product="C26", ratio=1.2)
        .licence(exporter="CHN", importer="USA", product="C29", approval=0.6)
        .ban(exporter="USA", importer="CHN", product="C26")
    )


def test_every_column_has_its_cause():
    res = tw.solve_ge(rich_world(), everything(), labour_supply=0.3, deficits="income")
    table = res.decompose()
    np.testing.assert_allclose(table["total"], real_income(res), atol=TOLERANCE)
    assert (table.abs().max() > 1e-6).all()
    plain = solve().decompose()
    for column in ("export_tax_volume", "profits", "technology_scale", "trade_cost", "labour"):
        assert (plain[column] == 0.0).all(), column
    assert (plain["taste"] == 0.0).all()


def test_world_terms_of_trade_are_a_wash():
    """Weighted by income, terms of trade and transfers cancel for a small change."""
    scn = tw.Scenario("small").tariff(importer="USA", add=SMALL)
    table = tw.solve_ge(world(), scn, tol=1e-13).decompose()
    money = table["tot"] * world()._income
    assert abs(money.sum()) < SMALL * money.abs().sum()


def test_first_order_terms_agree_for_small_tariffs():
    scn = tw.Scenario("small").tariff(importer="USA", add=SMALL)
    res = tw.solve_ge(world(), scn, tol=1e-13)
    exact, first = res.decompose(), res.decompose("cp2015")
    np.testing.assert_allclose(first["tot"], exact["tot"], atol=SECOND_ORDER)
    np.testing.assert_allclose(first["volume_of_trade"], exact["tariff_volume"], atol=SECOND_ORDER)
    np.testing.assert_allclose(first["total"], res.welfare, atol=SECOND_ORDER)
    assert "first order" in first.attrs["method"]
    np.testing.assert_array_equal(first["real_wage_change"], res.countries["real_wage_change"])


def test_first_order_terms_are_far_off_for_large_ones():
    """The reason why they are not the default."""
    res = solve()
    gap = (res.decompose("cp2015")["total"] - res.welfare).abs().max()
    assert gap > 100 * (res.decompose()["total"] - real_income(res)).abs().max()


def test_prohibitive_tariffs_take_more_points():
    scn = tw.Scenario("wall").tariff(importer="USA", exporter="CHN", add=5.0)
    res = tw.solve_ge(world(), scn)
    table = res.decompose()
    assert table.attrs["nodes"] > solve().decompose().attrs["nodes"]
    np.testing.assert_allclose(table["total"], real_income(res), atol=TOLERANCE)


def test_refusals():
    with pytest.raises(DataError, match='method=\'first\': choose "exact" or "cp2015"'):
        solve().decompose("first")


def test_a_path_that_does_not_settle_is_refused(monkeypatch):
    monkeypatch.setattr("tradewar.ge_decompose.LAST", 8)
    with pytest.raises(ConvergenceError, match=r"columns miss ln\(I'/I/Pc\) by .* split the scen"):
        solve().decompose()
