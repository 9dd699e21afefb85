"""What holds for every world that can be made: accounts, balance, symmetries, merging."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import tradewar as tw
from tests.unit.world_cases import residual
from tradewar.errors import DataError

EXACT = 1e-12  # the promise of a world at no shock
SAME = 1e-9  # two orders of the same sums, through differences of large numbers

pytestmark = pytest.mark.filterwarnings("ignore:CHN->USA")


@dataclass
class Draw:
    """Tables of a random economy; many do not balance."""

    tables: dict[str, Any]

    def world(self, **changes: Any) -> tw.World:
        given_ = {**self.tables, **changes}
        return tw.World.from_tables(given_.pop("trade"), **given_)

    def scaled(self, **changes: Any) -> tw.World:
        """Balance by scaling; leave out economies in which a country has nothing to spend."""
        try:
            return self.world(balance="ras", **changes)
        except DataError as error:
            assert "countries have no final spending" in str(error)
            assume(False)
            raise


@st.composite
def draws(draw: Any) -> Draw:
    """Draw 2-6 countries and 1-4 products, with zeros, taxes, rents and heavy input use."""
    n, j = draw(st.integers(2, 6)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    trade = rng.lognormal(0.0, draw(st.floats(0.1, 2.5)), (n, n, j))
    trade[np.arange(n), np.arange(n)] *= draw(st.floats(1.0, 50.0))
    abroad = ~np.eye(n, dtype=bool)[:, :, None]
    trade[abroad & (rng.random((n, n, j)) < draw(st.floats(0.0, 0.4)))] = 0.0
    pair = np.where(abroad[:, :, 0], trade.sum(axis=2), 0.0)
    assume((pair.sum(axis=0) > 0).all() and (pair.sum(axis=1) > 0).all())
    use = rng.dirichlet(np.ones(j), (n, j)).transpose(0, 2, 1) * draw(st.floats(0.0, 0.9))
    return Draw(
        {
            "trade": trade,
            "tariff": np.where(abroad, rng.uniform(0.0, 0.5, trade.shape), 0.0),
            "export_tax": np.where(abroad, rng.uniform(-0.1, 0.2, trade.shape), 0.0),
            "theta": rng.uniform(1.0, 12.0, j),
            "rents": rng.uniform(0.0, 0.3, j) if draw(st.booleans()) else 0.0,
            "input_use": use,
            "value_added": 1.0 - use.sum(axis=1),
        }
    )


@given(case=draws())
def test_a_world_balances_or_is_refused_and_scaling_balances_it(case):
    try:
        world = case.world()
    except DataError as error:
        assert "final demand is negative" in str(error) or "have no final" in str(error)
        world = None
    else:
        assert residual(world) < EXACT
        assert world.check().iloc[:8]["ok"].all()
    scaled = case.scaled()
    assert residual(scaled) < EXACT
    assert scaled.check().iloc[:8]["ok"].all()
    if world is not None:
        np.testing.assert_allclose(scaled._trade, world._trade, rtol=SAME)


@given(case=draws(), seed=st.integers(0, 2**31))
def test_scaling_fits_any_final_shares_and_small_deficits(case, seed):
    rng = np.random.default_rng(seed)
    n, j = case.tables["trade"].shape[0], case.tables["trade"].shape[2]
    output = (case.tables["trade"] / (1.0 + case.tables["export_tax"])).sum(axis=0)
    earned = (case.tables["value_added"] * output).sum(axis=1)
    deficit = rng.normal(0.0, 0.02, n) * earned.min()
    deficit -= deficit.mean()
    final = rng.uniform(0.1, 1.0, (n, j))
    world = case.scaled(final_share=final, deficit=deficit)
    assert residual(world) < EXACT
    share = final / final.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(world._final_share, share, atol=SAME)
    np.testing.assert_allclose(world._deficit / world._income, deficit / world._income, atol=SAME)


@given(case=draws(), seed=st.integers(0, 2**31))
def test_order_of_countries_and_products_does_not_matter(case, seed):
    rng = np.random.default_rng(seed)
    given_ = case.tables
    n, j = given_["trade"].shape[0], given_["trade"].shape[2]
    a, b = rng.permutation(n), rng.permutation(j)
    names = [f"c{k}" for k in range(n)], [f"p{k}" for k in range(j)]
    one = case.scaled(countries=names[0], products=names[1])
    flows = {key: given_[key][np.ix_(a, a, b)] for key in ("trade", "tariff", "export_tax")}
    rents = given_["rents"]
    two = case.scaled(
        **flows,
        theta=given_["theta"][b],
        rents=rents if isinstance(rents, float) else rents[b],
        input_use=given_["input_use"][np.ix_(a, b, b)],
        value_added=given_["value_added"][np.ix_(a, b)],
        countries=[names[0][k] for k in a],
        products=[names[1][k] for k in b],
    )
    np.testing.assert_allclose(two._trade, one._trade, rtol=SAME)
    np.testing.assert_allclose(two._value_added, one._value_added, rtol=SAME)
    np.testing.assert_allclose(two._final_share, one._final_share, atol=SAME)


@given(case=draws(), power=st.integers(-20, 20))
def test_money_is_a_unit(case, power):
    scale = 2.0**power
    one = case.scaled()
    two = case.scaled(trade=scale * case.tables["trade"])
    np.testing.assert_array_equal(two._trade, scale * one._trade)
    np.testing.assert_array_equal(two._final_share, one._final_share)


@given(case=draws())
def test_merging_keeps_totals_and_merging_all_products_keeps_countries(case):
    world = case.scaled(rents=0.1)
    first = dict.fromkeys(world.countries[:2], "AB")
    small = world.aggregate(countries=first)
    assert residual(small) < EXACT
    for column in ("income", "labour_income", "rents", "tariff_revenue", "export_tax_revenue"):
        assert small.income[column].sum() == pytest.approx(world.income[column].sum(), rel=SAME)
    one = world.aggregate(products=dict.fromkeys(world.products, "all"))
    assert residual(one) < EXACT
    columns = ["income", "labour_income", "tariff_revenue", "exports", "imports"]
    np.testing.assert_allclose(one.income[columns], world.income[columns], rtol=SAME)
