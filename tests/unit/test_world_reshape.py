"""world_reshape.py: merging countries and sectors, moving the baseline."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import tradewar as tw
from tests.unit.world_cases import COUNTRIES, make, residual, tables
from tradewar.errors import DataError

EXACT = 1e-12
NORTH = {"USA": "NOR", "MEX": "NOR"}
GOODS = {"steel": "goods", "cars": "goods"}


@pytest.mark.parametrize("changes", [{}, {"export_tax": 0.05, "rents": 0.1, "scale": 0.05}])
def test_aggregate_conserves_every_account(changes):
    world = make(**changes)
    small = world.aggregate(countries=NORTH, products=pd.Series(GOODS))
    assert small.countries == ("CHN", "NOR", "ROW")
    assert small.products == ("food", "goods")
    old, new = world.income, small.income
    merged = old.groupby(old.index.map(lambda c: NORTH.get(c, c))).sum()
    names = ["income", "labour_income", "rents", "tariff_revenue", "export_tax_revenue", "deficit"]
    np.testing.assert_allclose(new[names], merged.loc[new.index, names], rtol=1e-12, atol=1e-11)
    assert small._output.sum() == pytest.approx(world._output.sum(), rel=1e-14)
    assert residual(small) < EXACT
    use = (world._input_use * ((1 - world._rents) * world._output)[:, None, :]).sum()
    again = (small._input_use * ((1 - small._rents) * small._output)[:, None, :]).sum()
    assert again == pytest.approx(use, rel=1e-13)


def test_aggregate_weights():
    world = make()
    small = world.aggregate(products=GOODS)
    trade = world._trade.copy()
    trade[np.arange(4), np.arange(4)] = 0.0
    abroad = trade.sum(axis=(0, 1))
    theta = (6.0 * abroad[0] + 4.0 * abroad[2]) / (abroad[0] + abroad[2])
    assert small.parameters["theta"].to_dict() == pytest.approx({"food": 3.0, "goods": theta})
    assert "theta: mean weighted by trade for 1 merged products (goods)" in small.notes
    two = world._trade[..., [0, 2]]
    rate = (two * world._tariff[..., [0, 2]]).sum(axis=2) / two.sum(axis=2)
    np.testing.assert_allclose(small._tariff[..., 1], rate, rtol=1e-13)


def test_aggregate_notes_trade_within():
    world = make()
    small = world.aggregate(countries=NORTH)
    n, m = world.countries.index("USA"), world.countries.index("MEX")
    inside = world._trade[[n, m], [m, n]].sum()
    note = next(note for note in small.notes if "became home sales" in note)
    assert f"of NOR became home sales: {inside:,.6g} USD" in note
    row = small.check().set_index("check").loc["tariff on home sales"]
    assert not row["ok"] and row["where"].startswith("NOR")
    assert make(tariff=None).aggregate(countries=NORTH).check()["ok"].all()


def test_aggregate_groups_and_refusals():
    world = make(countries=["DEU", "FRA", "GBR", "USA"])
    assert world.aggregate(countries="EU").countries == ("EU27", "GBR", "USA")
    with pytest.raises(DataError, match="countries= names no label of the data"):
        world.aggregate(countries={"XXX": "Y"})
    with pytest.raises(DataError, match="products= maps 1 labels to something other"):
        world.aggregate(products={"food": 3})


def test_aggregate_to_one_country_and_product():
    one = make(tariff=None).aggregate(
        countries=dict.fromkeys(COUNTRIES, "WLD"), products={**GOODS, "food": "goods"}
    )
    assert one._trade.shape == (1, 1, 1)
    assert one.income.loc["WLD", "deficit"] == pytest.approx(0.0, abs=1e-11)


def test_unequal_rents_are_averaged_and_noted():
    small = make(rents={"steel": 0.3, "cars": 0.1, "food": 0.0}).aggregate(products=GOODS)
    assert "rents: mean weighted by output for 1 merged products (goods)" in small.notes
    assert residual(small) < EXACT


# ---- rebase -------------------------------------------------------------------------------------


def shock() -> tw.Scenario:
    return (
        tw.Scenario("war")
        .tariff(importer="USA", exporter="CHN", add=0.5)
        .export_tax(exporter="CHN", importer="USA", product="steel", add=0.2)
        .trade_cost(importer="MEX", exporter="ROW", ratio=1.1)
        .ban(importer="CHN", exporter="USA", product="food")
    )


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"deficits": "income", "labour_supply": 0.5},
        {"va_substitution": 0.4, "input_substitution": 0.3, "final_substitution": 0.7},
        {"va_substitution": 0.4},
        {"input_substitution": 2.0},
        {"deficits": "purged"},
    ],
)
def test_rebase_is_an_equilibrium_with_the_numbers_of_the_result(options):
    world = make(rents=0.05)
    result = tw.solve_ge(world, shock(), tol=1e-12, **options)
    new = world.rebase(result)
    assert residual(new) < EXACT
    assert new.countries == world.countries
    np.testing.assert_allclose(new._output, result.levels.output, rtol=1e-10)
    np.testing.assert_allclose(new._income, result.levels.income, rtol=1e-10)
    np.testing.assert_allclose(new._deficit, result.levels.deficit, atol=1e-8)
    wages = np.exp(result.state.ln_w) * result.state.labour * result.world._labour_income
    np.testing.assert_allclose(new._labour_income, wages, rtol=1e-10)
    usa, chn = world.countries.index("USA"), world.countries.index("CHN")
    steel, food = world.products.index("steel"), world.products.index("food")
    assert new._tariff[usa, chn, steel] == world._tariff[usa, chn, steel] + 0.5
    assert new._export_tax[usa, chn, steel] == 0.2
    assert new._trade[chn, usa, food] == 0.0 and len(new.flows) == len(world.flows) - 1
    assert new.notes[-1] == "baseline: outcome of scenario 'war'"
    assert new.tariff_date == "after war"


def test_there_and_back_again():
    world = make()
    up = tw.Scenario("up").tariff(importer="USA", add=0.3)
    down = tw.Scenario("down").tariff(importer="USA", add=-0.3)
    there = tw.solve_ge(world, up, tol=1e-12)
    back = tw.solve_ge(world.rebase(there), down, tol=1e-12)
    np.testing.assert_allclose((1 + there.welfare) * (1 + back.welfare), 1.0, rtol=1e-9)
    again = world.rebase(there).rebase(back)
    np.testing.assert_allclose(again._trade, world._trade, rtol=1e-9)


def test_rebase_refusals():
    world = make()
    result = tw.solve_ge(world, shock())
    with pytest.raises(DataError, match="solved from another world"):
        make(seed=1).rebase(result)
    with pytest.raises(DataError, match="solved from another world"):
        world.aggregate(countries=NORTH).rebase(result)
    with pytest.raises(DataError, match="solved from another world"):
        world.rebase(SimpleNamespace())
    steeper = tw.World.from_tables(
        world._trade,
        theta=world._theta + 1.0,
        tariff=world._tariff,
        export_tax=world._export_tax,
        value_added=world._value_added,
        input_use=world._input_use,
        rents=world._rents,
        countries=list(world.countries),
        products=list(world.products),
    )
    with pytest.raises(DataError, match="solved from another world"):  # the same flows
        steeper.rebase(result)
    failed = SimpleNamespace(world=world, converged=False)
    with pytest.raises(DataError, match="the result has no solution"):
        world.rebase(failed)
    bound = SimpleNamespace(
        world=world, converged=True, state=SimpleNamespace(multiplier=np.array([0.2]))
    )
    with pytest.raises(DataError, match="quantity controls bind"):
        world.rebase(bound)


def test_money_of_a_rebased_world_scales():
    given = tables()
    result = tw.solve_ge(make(), shock(), tol=1e-12)
    scaled = make(trade=given["trade"] * 100.0)
    again = scaled.rebase(tw.solve_ge(scaled, shock(), tol=1e-12))
    np.testing.assert_allclose(again._trade, 100.0 * make().rebase(result)._trade, rtol=1e-9)
