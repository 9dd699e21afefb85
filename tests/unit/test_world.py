"""world.py and world_frames.py: what a World holds, shows and keeps."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest

import tradewar as tw
from tests.unit.world_cases import COUNTRIES, PRODUCTS, as_frames, make, residual, tables
from tradewar.errors import DataError, DataWarning

EXACT = 1e-12  # what a world promises at no shock
ARRAYS = (
    "trade tariff theta rents scale value_added input_use final_share deficit expenditure output "
    "labour_income income"
).split()


def same(a: tw.World, b: tw.World) -> bool:
    """Tell whether two worlds hold the same bits."""
    if (a.countries, a.products) != (b.countries, b.products):
        return False
    return all(np.array_equal(getattr(a, "_" + x), getattr(b, "_" + x)) for x in ARRAYS)


def test_numbers_of_a_world_that_fits_on_a_card():
    trade = np.array([[80.0, 20.0], [30.0, 180.0]])[:, :, None]
    world = tw.World.from_tables(trade, theta=4.0, tariff=0.1, countries=["A", "B"])
    income = world.income
    assert income.index.tolist() == ["A", "B"]
    assert income["labour_income"].tolist() == [110.0, 200.0]
    assert income["tariff_revenue"].tolist() == [2.0, 3.0]
    assert income["exports"].tolist() == [30.0, 20.0]
    assert income["imports"].tolist() == [20.0, 30.0]
    assert income["deficit"].tolist() == [-10.0, 10.0]
    assert income["income"].tolist() == [102.0, 213.0]
    assert income.attrs["unit"] == dict.fromkeys(income.columns, "USD")


def test_accounts_with_inputs_rents_and_export_taxes():
    world = make(rents=[0.1, 0.0, 0.2], export_tax=0.05)
    income = world.income
    parts = ["labour_income", "rents", "tariff_revenue", "export_tax_revenue", "deficit"]
    np.testing.assert_allclose(income[parts].sum(axis=1), income["income"], rtol=1e-14)
    np.testing.assert_allclose(
        income["deficit"], income["imports"] - income["exports"], rtol=0, atol=1e-11
    )
    assert (income[["rents", "export_tax_revenue"]] > 0).all(axis=None)
    assert residual(world) < EXACT
    assert world.check()["ok"].all()


@pytest.mark.parametrize("seed", range(4))
def test_equations_hold_at_no_shock(seed):
    assert residual(make(seed, scale=[0.1, 0.0, 0.2])) < EXACT


def test_labels_are_sorted_and_arrays_follow():
    world = make()
    assert world.countries == ("CHN", "MEX", "ROW", "USA")
    assert world.products == ("cars", "food", "steel")
    given = tables()
    usa, chn, cars = COUNTRIES.index("USA"), COUNTRIES.index("CHN"), PRODUCTS.index("cars")
    assert world._trade[3, 0, 0] == given["trade"][usa, chn, cars]
    assert world._theta.tolist() == [6.0, 3.0, 4.0]
    np.testing.assert_allclose(world._value_added[3, 0], given["value_added"][usa, cars])
    food, steel = PRODUCTS.index("food"), PRODUCTS.index("steel")
    np.testing.assert_allclose(world._input_use[3, 1, 2], given["input_use"][usa, food, steel])


def test_order_of_labels_does_not_matter():
    given = tables()
    order, goods = [2, 0, 3, 1], [1, 2, 0]
    again = tables(
        trade=given["trade"][np.ix_(order, order, goods)],
        tariff=given["tariff"][np.ix_(order, order, goods)],
        input_use=given["input_use"][np.ix_(order, goods, goods)],
        value_added=given["value_added"][np.ix_(order, goods)],
        theta=[given["theta"][k] for k in goods],
        countries=[COUNTRIES[k] for k in order],
        products=[PRODUCTS[k] for k in goods],
    )
    other = tw.World.from_tables(again.pop("trade"), **again)
    assert all(
        np.allclose(getattr(make(), "_" + x), getattr(other, "_" + x), rtol=1e-14, atol=1e-14)
        for x in ARRAYS
    )
    assert other.countries == make().countries


def test_frames_and_arrays_agree():
    frames = as_frames(tables())
    before = {name: df.copy() for name, df in frames.items()}
    world = tw.World.from_tables(frames.pop("trade"), **frames)
    assert same(world, make())
    for name, df in frames.items():
        assert df.equals(before[name])


def test_polars_frames():
    frames = as_frames(tables())
    theta = frames.pop("theta")
    frames = {name: pl.from_pandas(df.reset_index(drop=True)) for name, df in frames.items()}
    assert same(tw.World.from_tables(frames.pop("trade"), theta=theta, **frames), make())


def test_values_and_shares_agree():
    given, world = tables(), make()
    output = given["trade"].sum(axis=0)
    values = make(
        value_added=given["value_added"] * output, input_use=given["input_use"] * output[:, None]
    )
    for name in ARRAYS:
        np.testing.assert_allclose(
            getattr(values, "_" + name), getattr(world, "_" + name), rtol=1e-13, atol=1e-12
        )
    assert "costs in the tables against output" in values.check()["check"].tolist()
    assert values.check()["ok"].all()


def test_money_is_only_a_unit():
    given, world = tables(), make()
    scaled = make(trade=given["trade"] * 1000.0, value_unit="thousand USD")
    np.testing.assert_allclose(scaled._final_share, world._final_share, rtol=1e-13)
    np.testing.assert_allclose(scaled._deficit, 1000.0 * world._deficit, rtol=1e-11)
    assert scaled.income.attrs["unit"]["income"] == "thousand USD"


def test_flows_stand_like_the_arrays():
    world = make(export_tax=0.05)
    data = world._data
    assert len(data) == np.count_nonzero(world._trade) == 47
    at = (data._importer, data._exporter, data._product)
    np.testing.assert_array_equal(world._trade[at], data._value)
    np.testing.assert_array_equal(world._tariff[at], data._tariff)
    np.testing.assert_array_equal(world._export_tax[at], data._export_tax)
    flows = world.flows
    assert list(flows) == ["exporter", "importer", "product", "value", "tariff", "export_tax"]
    row = flows[(flows["exporter"] == "CHN") & (flows["importer"] == "USA")]
    assert row["value"].tolist() == [9.0, 9.0, 9.0]
    home = flows["exporter"] == flows["importer"]
    assert (flows.loc[home, ["tariff", "export_tax"]] == 0).all(axis=None)
    assert flows.attrs["unit"]["value"] == "USD"


def test_frames_of_structure():
    world = make(rents=0.1)
    industries = world.industries
    assert list(industries) == [
        "country",
        "product",
        "output",
        "value_added_share",
        "expenditure",
        "final_share",
    ]
    assert industries.groupby("country")["final_share"].sum().round(12).eq(1.0).all()
    inputs = world.inputs
    assert len(inputs) == 4 * 3 * 3
    total = inputs.groupby(["country", "user"])["input_share"].sum()
    shares = industries.set_index(["country", "product"])["value_added_share"]
    np.testing.assert_allclose(total + shares.rename_axis(["country", "user"]), 1.0, rtol=1e-12)
    assert inputs.attrs["unit"] == {"input_share": "fraction"}
    assert world.parameters.loc["cars"].to_dict() == {
        "theta": 6.0,
        "substitution": 7.0,
        "rent_share": 0.1,
        "scale": 0.0,
    }


def test_immutable():
    world = make()
    with pytest.raises(AttributeError, match="World is immutable: cannot set '_trade'"):
        world._trade = None
    with pytest.raises(AttributeError, match="cannot delete"):
        del world._trade
    with pytest.raises(ValueError, match="read-only"):
        world._trade[0, 0, 0] = 1.0
    with pytest.raises(DataError, match=r"make it with World\.from_tables"):
        tw.World()


def test_given_arrays_stay_the_users():
    given = tables()
    copies = {k: np.array(x) for k, x in given.items() if isinstance(x, np.ndarray)}
    world = tw.World.from_tables(given.pop("trade"), **given)
    for name in ("tariff", "input_use", "value_added"):
        np.testing.assert_array_equal(given[name], copies[name])
        assert not np.shares_memory(given[name], getattr(world, "_" + name))


def test_read_only_and_strided_arrays_are_fine():
    given = tables()
    array = np.asfortranarray(given["trade"])
    array.flags.writeable = False
    assert same(make(trade=array), make())


def test_pickle_keeps_every_bit():
    world = make(source="made up", year=2022, notes=("a note",), extra={"k": 1}, export_tax=0.1)
    again = pickle.loads(pickle.dumps(world))
    assert same(again, world)
    pd.testing.assert_frame_equal(again.flows, world.flows)
    pd.testing.assert_frame_equal(again.check(), world.check())
    assert (again.year, again.source, again.notes) == (2022, "made up", world.notes)
    assert dict(again.extra) == {"k": 1}


def test_it_prints_as_a_table():
    world = make(year=2022, source="toy <data>", value_unit="million USD", rents=0.1, scale=0.05)
    text = repr(world)
    lines = dict(line.split(maxsplit=1) for line in text.splitlines()[1:4])
    assert text.splitlines()[0] == "World 2022 toy <data>"
    assert lines == {"countries": "4", "products": "3", "flows": "47"}
    for item in ("mean tariff on it", "rents, share of revenue", "scale elasticity", "all hold"):
        assert item in text
    assert "toy &lt;data&gt;" in world._repr_html_()
    balanced = tw.World.from_tables(np.array([[8.0, 1.0], [1.0, 8.0]]), theta=4.0)
    assert "largest deficit           none" in repr(balanced)
    assert "note: no tariffs were given: all are 0" in repr(balanced)


def test_check_is_a_frame_with_a_place_for_each_row():
    check = make().check()
    assert list(check) == ["check", "value", "tolerance", "ok", "where"]
    assert check["ok"].dtype == bool
    assert check["where"].str.len().gt(0).all()
    assert check.attrs["unit"]["value"] == "pure number"
    known = check[check["check"] == "orientation by a known flow"].iloc[0]
    assert known["where"].startswith("CHN->USA 27, USA->CHN 6")


def test_transposed_world_balances_but_is_noticed():
    given = tables(tariff=None)
    with pytest.warns(DataWarning, match="are exporter and importer transposed"):
        world = make(trade=given["trade"].transpose(1, 0, 2), tariff=None)
    check = world.check().set_index("check")
    assert not check.loc["orientation by a known flow", "ok"]
    assert check.drop("orientation by a known flow")["ok"].all()
    assert "1 to look at: see check()" in repr(world)


def test_check_names_a_flow_to_compare_where_no_fact_is_known():
    world = make(countries=["A", "B", "C", "D"])
    row = world.check().iloc[-1]
    assert row["check"] == "orientation by the largest flow"
    assert "check by what you know: B->A cars is 9, A->B 2" in row["where"]


def test_report_is_empty_where_nothing_changed():
    assert make().report.empty
    assert list(make().report) == ["item", "value", "unit", "where"]
