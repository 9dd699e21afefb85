"""world_balance.py, world_checks.py, world_ras.py, world_resolve.py: what does not balance."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.world_cases import COUNTRIES, PRODUCTS, make, residual, tables
from tradewar import world_balance
from tradewar.errors import ConvergenceError, DataError

EXACT = 1e-12
HELD = 1e-11  # where iterative scaling may stop


def short(**changes):
    """Tables in which the USA and ROW use more steel than they buy."""
    given = tables()
    trade, use = given["trade"].copy(), given["input_use"].copy()
    for n in (0, 3):
        trade[n, :, 0] *= 0.25
    use[[0, 3], 0] += 0.1
    return {"trade": trade, "input_use": use, "value_added": 1.0 - use.sum(axis=1), **changes}


def in_order(world, array):
    """Put an array [country, ...] of a world into the order of COUNTRIES, PRODUCTS."""
    n = [world.countries.index(c) for c in COUNTRIES]
    j = [world.products.index(p) for p in PRODUCTS]
    return array[n] if array.ndim == 1 else array[np.ix_(n, j)]


def test_negative_final_demand_is_refused_with_its_size_and_place():
    with pytest.raises(DataError) as error:
        make(**short(), value_unit="million USD")
    text = str(error.value)
    assert text.startswith("final demand is negative in 2 of 12 cells")
    tables_ = short()
    output = tables_["trade"].sum(axis=0)
    bought = (tables_["trade"] * (1.0 + tables()["tariff"])).sum(axis=1)
    final = bought - np.einsum("nkj,nj->nk", tables_["input_use"], output)
    assert (final < 0).sum() == 2
    for n, country in ((0, "USA"), (3, "ROW")):
        share = 100 * final[n, 0] / bought[n, 0]
        assert f"  {country} steel: {final[n, 0]:.6g} million USD ({share:.3g} %" in text
    assert 'balance="ras"' in text and 'balance="resolve"' in text


def test_countries_without_value_added_or_spending_are_refused():
    given = tables()
    none = given["value_added"].copy()
    none[1] = 0.0
    use = given["input_use"].copy()
    use[1] /= use[1].sum(axis=0)
    with pytest.raises(DataError, match=r"1 countries have no value added \(CHN: 0\)"):
        make(input_use=use, value_added=none)
    use = np.full((4, 3, 3), 1.0 / 3.0) * 0.999
    with pytest.raises(DataError, match=r"countries have no final spending .*(USA|CHN|MEX|ROW): -"):
        make(
            input_use=use,
            value_added=1.0 - use.sum(axis=1),
            tariff=None,
            trade=given["trade"] * np.array([1.0, 9.0, 9.0, 9.0])[None, :, None],
        )


def test_a_final_demand_of_minus_rounding_becomes_zero_exactly():
    given = tables()
    output = given["trade"].sum(axis=0)
    bought = (given["trade"] * (1.0 + given["tariff"])).sum(axis=1)
    use = given["input_use"].copy()
    steel = np.einsum("kj,j->k", use[0], output[0])[0]
    use[0, 0] *= bought[0, 0] * (1.0 + 1e-11) / steel
    world = make(input_use=use, value_added=1.0 - use.sum(axis=1))
    usa, place = world.countries.index("USA"), world.products.index("steel")
    assert world._final_share[usa, place] == 0.0
    assert world.report.iloc[0].tolist() == [
        "final demands negative by rounding, set to 0",
        1.0,
        "cells",
        "",
    ]
    assert residual(world) < EXACT
    assert world.check()["ok"].all()


def test_ras_lifts_purchases_to_input_use_and_keeps_deficits():
    given = short()
    world = make(**given, balance="ras")
    assert residual(world) < EXACT
    assert world.check()["ok"].all()
    raw = world_balance.accounts(
        world_balance.Tables(
            given["trade"],
            tables()["tariff"],
            None,
            np.ones(3),
            np.zeros(3),
            np.zeros(3),
            given["value_added"],
            given["input_use"],
        )
    )
    np.testing.assert_allclose(in_order(world, world._deficit), raw.deficit, atol=HELD * 100)
    shares = in_order(world, world._final_share)
    assert shares[0, 0] == pytest.approx(0.0, abs=HELD)
    assert shares[3, 0] == pytest.approx(0.0, abs=HELD)
    np.testing.assert_allclose(in_order(world, world._value_added), given["value_added"], rtol=HELD)
    report = world.report.set_index("item")
    assert report.loc["final demands that were negative", "value"] == 2
    assert set(report.loc["final demands that were negative", "where"].split(", ")) == {
        "USA steel",
        "ROW steel",
    }
    assert report.loc["their sum, now 0", "value"] == pytest.approx(raw.final[raw.final < 0].sum())
    moved = np.abs(world._trade - given["trade"][np.ix_(*([[1, 2, 3, 0]] * 2), [1, 2, 0])])
    assert report.loc["flows moved, sum of all changes", "value"] == pytest.approx(moved.sum())
    assert abs(report.loc["largest change of a flow", "value"]) == pytest.approx(moved.max())
    assert report.loc["largest change of a deficit", "value"] == pytest.approx(0.0, abs=1e-8)
    assert report.loc["output moved, share of all", "value"] > 0.001


def test_ras_keeps_the_shares_of_sellers_within_home_and_abroad():
    given = short(tariff=None)
    world = make(**given, balance="ras")
    before = given["trade"][np.ix_([1, 2, 3, 0], [1, 2, 3, 0], [1, 2, 0])]
    log = np.log(np.where(before > 0, world._trade / np.where(before > 0, before, 1.0), 1.0))
    usa, steel = 3, 2  # ln Z'/Z = row + r[importer] - r[exporter]: the same r for every product
    spread = log[usa, :3] - log[usa, 3]
    np.testing.assert_allclose(spread[:, steel], spread[:, 0], atol=1e-9)


def test_ras_changes_nothing_that_balances():
    world, again = make(), make(balance="ras")
    np.testing.assert_allclose(again._trade, world._trade, rtol=1e-13)
    report = again.report.set_index("item")
    assert report.loc["final demands that were negative", "value"] == 0
    assert report.loc["flows moved, sum of all changes, share of flows", "value"] < 1e-14
    assert again.notes == ("balanced by iterative scaling: nothing moved",)


@pytest.mark.parametrize("extra", [{}, {"rents": 0.1, "export_tax": 0.05}])
def test_ras_fits_supplied_final_shares_and_deficits(extra):
    rng = np.random.default_rng(5)
    final = rng.uniform(0.5, 2.0, (4, 3))
    deficit = np.array([4.0, -3.0, 0.0, -1.0])
    world = make(**short(**extra), balance="ras", final_share=final, deficit=deficit)
    np.testing.assert_allclose(in_order(world, world._deficit), deficit, atol=1e-9)
    share = final / final.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(in_order(world, world._final_share), share, atol=HELD)
    assert residual(world) < EXACT


def test_ras_says_what_it_cannot_supply():
    given = short()
    given["trade"][0, :, 0] = 0.0  # the USA buys no steel at all and uses it
    with pytest.raises(
        DataError,
        match=r"1 countries use or spend on a product that they do not "
        r"buy \(country product: USA steel\)",
    ):
        make(**given, balance="ras")


def test_ras_stops_where_a_deficit_cannot_be_held():
    trade = np.array([[10.0, 0.0], [0.0, 10.0]])[:, :, None]
    trade[0, 1] = 1.0  # A buys, and sells nothing
    with pytest.raises(DataError, match=r"iterative scaling stops .*deficits miss by 0\.\d+"):
        make(
            trade=trade,
            countries=["A", "B"],
            products=["x"],
            theta=4.0,
            tariff=None,
            input_use=None,
            value_added=None,
            deficit=[-3.0, 3.0],
            balance="ras",
        )


# ---- balance="resolve" --------------------------------------------------------------------------


def test_resolve_of_a_world_that_balances_is_that_world():
    world = make(rents=0.1, export_tax=0.02)
    again = make(
        rents=0.1,
        export_tax=0.02,
        balance="resolve",
        final_share=in_order(world, world._final_share),
        deficit=in_order(world, world._deficit),
    )
    np.testing.assert_allclose(again._trade, world._trade, rtol=1e-11)
    assert residual(again) < EXACT


def test_resolve_puts_supplied_final_shares_and_deficits_in_place():
    rng = np.random.default_rng(6)
    final = rng.uniform(0.5, 2.0, (4, 3))
    given = short()
    world = make(**given, balance="resolve", final_share=final, deficit=np.zeros(4))
    np.testing.assert_allclose(world._deficit, 0.0, atol=1e-9)
    share = final / final.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(in_order(world, world._final_share), share, atol=1e-11)
    assert residual(world) < EXACT
    assert world._labour_income.sum() == pytest.approx(
        (given["value_added"] * given["trade"].sum(axis=0)).sum(), rel=1e-11
    )
    # pi' = pi (c kap / P)^-theta: ratios of ratios of shares depend on exporters alone
    before = given["trade"][np.ix_([1, 2, 3, 0], [1, 2, 3, 0], [1, 2, 0])]
    log = np.log(world._trade / np.where(before > 0, before, np.nan))
    gap = (log[0, 0] - log[0, 1]) - (log[3, 0] - log[3, 1])
    np.testing.assert_allclose(gap, 0.0, atol=1e-10)
    report = world.report.set_index("item")
    assert report.loc["final demands that the flows make negative", "value"] == 2
    assert report.loc["wage that moved most, new / old", "where"] in COUNTRIES
    moved = 100 * report.loc["flows moved, sum of all changes, share of flows", "value"]
    assert f"flows moved by {moved:.3g} % in all; see report" in world.notes[-1]
    assert report.loc["largest change of a deficit", "unit"] == "USD"
    check = world.check().set_index("check")
    assert check.loc["supplied final shares against the flows", "ok"]
    assert check.loc["supplied deficits against the flows, share of income", "ok"]


def test_resolve_keeps_a_negative_input_use_and_check_names_it():
    given = tables()
    use = given["input_use"].copy()
    use[3, 0, 1] = -0.01
    world = make(
        input_use=use, value_added=1.0 - use.sum(axis=1), balance="resolve", deficit=np.zeros(4)
    )
    assert world._input_use.min() == pytest.approx(-0.01, rel=1e-9)
    row = world.check().set_index("check").loc["least input share"]
    assert not row["ok"] and row["where"] == "ROW steel cars"
    assert residual(world) < EXACT


def test_resolve_refusals():
    with pytest.raises(DataError, match=r"final demand is negative in 2 cells .*give final_share="):
        make(**short(), balance="resolve")
    given = tables()
    given["trade"][2, :, 1] = 0.0  # MEX buys no cars
    use = given["input_use"].copy()
    use[2, 1] = 0.0
    with pytest.raises(DataError, match=r"final_share is above 0 in 1 cells .*MEX cars"):
        make(
            trade=given["trade"],
            input_use=use,
            value_added=1.0 - use.sum(axis=1),
            final_share=np.ones((4, 3)),
            balance="resolve",
        )


def test_resolve_says_where_there_is_no_equilibrium():
    match = r"no equilibrium was found at the observed tariffs, worst at \w+"
    with pytest.raises(ConvergenceError, match=match) as error:
        make(balance="resolve", deficit=[500.0, 0.0, -500.0, 0.0])
    assert error.value.labels[0].split()[0] in COUNTRIES
