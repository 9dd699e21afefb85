"""world_reading.py and world_parameters.py: tables that are taken, and tables that are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import tradewar as tw
from tests.unit.world_cases import COUNTRIES, PRODUCTS, as_frames, flow_frame, make, tables
from tradewar.errors import DataError


def refused(match: str, **changes):
    with pytest.raises(DataError, match=match):
        make(**changes)


def frames(**changes):
    given = {**as_frames(tables()), **changes}
    return tw.World.from_tables(given.pop("trade"), **given)


def frames_refused(match: str, **changes):
    with pytest.raises(DataError, match=match):
        frames(**changes)


# ---- flows --------------------------------------------------------------------------------------


def test_default_labels_and_one_sector():
    world = tw.World.from_tables(np.eye(11) * 9.0 + 1.0, theta=4.0)
    assert world.countries == tuple(f"C{k:02d}" for k in range(1, 12))
    assert world.products == ("S1",)


def test_shapes_and_labels_of_arrays():
    trade = tables()["trade"]
    refused(
        r"trade has shape \(4, 3, 3\); wanted \[importer, exporter, product\]", trade=trade[:, :3]
    )
    refused("countries names 3 labels; trade has 4", countries=COUNTRIES[:3])
    refused(r"products: labels stand twice \(cars\)", products=["cars", "cars", "food"])
    refused(r"countries: 1 labels are no strings \(1\)", countries=["A", "B", "C", 1])
    refused("countries='ABCD': give a list of labels", countries="ABCD")
    refused(
        "tariff has shape .*; wanted .4 .importer., 4 .exporter., 3 .product..",
        tariff=np.zeros((4, 4, 2)),
    )
    refused("trade: the array does not hold numbers", trade=[["a"]])
    refused("columns= renames the columns of a frame", columns={"a": "b"})


def test_numbers_of_flows():
    for value, text in ((np.nan, "NaN or infinite"), (-1.0, "1 flows are negative")):
        trade = tables()["trade"]
        trade[0, 1, 2] = value
        refused(f"{text}.*USA CHN food", trade=trade)


def test_labels_without_trade_are_named():
    trade = tables()["trade"]
    trade[:, :, 1] = 0.0
    refused(r"1 products are not traded at all \(cars\)", trade=trade)
    trade = tables()["trade"]
    trade[:, 2] = 0.0
    refused(r"1 countries sell or buy nothing at all \(MEX\)", trade=trade)


def test_tariff_rules():
    frame = flow_frame(tables())
    frames_refused("tariff is given twice", trade=frame, tariff=0.1)
    world = frames(trade=frame.drop(columns="tariff"))
    assert not world._tariff.any()
    assert world.notes == ("no tariffs were given: all are 0",)
    world = frames(trade=frame.drop(columns="tariff"), tariff=0.1)
    assert world._tariff[0, 1, 0] == 0.1 and not np.einsum("nnj->", world._tariff)
    assert not world.notes
    world = frames(trade=frame.drop(columns="tariff"), fill_tariff=0.25)
    assert world._tariff[0, 1, 0] == 0.25
    assert "0.25 for all" in world.notes[0]
    holes = frame.assign(tariff=frame["tariff"].where(frame["product"] != "food"))
    frames_refused("the tariff is missing", trade=holes)
    assert frames(trade=holes, fill_tariff=0.5)._tariff[0, 1, 1] == 0.5


def test_tariffs_in_a_frame_of_their_own():
    frame = flow_frame(tables())
    rates = frame.drop(columns="value")
    abroad = rates[rates["importer"] != rates["exporter"]]
    world = frames(trade=frame.drop(columns="tariff"), tariff=abroad)
    np.testing.assert_array_equal(world._tariff, make()._tariff)
    frames_refused(
        "tariff: 1 flows between countries have no rate",
        trade=frame.drop(columns="tariff"),
        tariff=abroad.iloc[1:],
    )


def test_rates_in_percent():
    rates = tables()["tariff"]
    np.testing.assert_allclose(
        make(tariff=100.0 * rates, percent=True)._tariff, make()._tariff, rtol=1e-14
    )
    refused("rates are above 5 and the median is .*Say percent=True", tariff=100.0 * rates)
    refused(
        "1 rates are <= -1, NaN or infinite .*USA CHN steel",
        tariff=np.where(np.arange(48).reshape(4, 4, 3) == 3, -1.0, rates),
    )


def test_a_few_very_high_rates_are_noted():
    rates = tables()["tariff"]
    rates[0, 1, 2] = 7.5
    assert make(tariff=rates).notes == ("tariff: 1 rates above 5 (500 %): USA CHN food, up to 7.5",)


def test_rates_where_nothing_is_traded_are_dropped():
    rates = tables()["tariff"]
    rates[2, 3, 1] = 0.7  # MEX buys no cars from ROW
    assert make(tariff=rates)._tariff[1, 2, 0] == 0.0


def test_duplicates_and_unknown_labels_in_frames():
    frame = flow_frame(tables())
    frames_refused("stand in an earlier row too", trade=pd.concat([frame, frame.iloc[:1]]))
    use = as_frames(tables())["input_use"]
    frames_refused(
        "country, input, user stand in an earlier row too", input_use=pd.concat([use, use.iloc[:1]])
    )
    frames_refused(
        "column 'country' has labels that trade does not have; did you mean 'CHN'",
        input_use=use.assign(country="CHM"),
    )
    frames_refused("value is NaN or infinite", input_use=use.assign(value=np.nan))
    frames_refused("the frame input_use lacks 'user'", input_use=use.drop(columns="user"))


def test_arrays_beside_a_frame_need_an_order():
    given = tables()
    frames_refused("theta is an array without labels .* say products=", theta=given["theta"])
    frames_refused(
        "value_added is an array without labels .* say countries=",
        value_added=given["value_added"],
        products=PRODUCTS,
    )
    world = frames(
        theta=given["theta"],
        value_added=given["value_added"],
        products=PRODUCTS,
        countries=COUNTRIES,
    )
    np.testing.assert_array_equal(world._value_added, make()._value_added)
    frames_refused(
        r"countries= and the labels of trade differ by 2 \(CHN, XXX\)",
        countries=["USA", "XXX", "MEX", "ROW"],
    )


# ---- parameters ---------------------------------------------------------------------------------


def test_theta_as_number_series_mapping_and_set():
    assert make(theta=4)._theta.tolist() == [4.0, 4.0, 4.0]
    labelled = {"food": 3.0, "steel": 4.0, "cars": 6.0, "tanks": 9.0}
    for given in (labelled, pd.Series(labelled)):
        world = make(theta=given)
        assert world._theta.tolist() == [6.0, 3.0, 4.0]
        assert world.notes == ("theta: 1 labels are not in trade (tanks)",)
    world = make(theta="cp2015", products=["C24", "A01_02", "J62_63"])
    assert world.parameters["theta"].to_dict() == {"A01_02": 9.11, "C24": 3.28, "J62_63": 8.22}
    assert "Caliendo and Parro (2015)" in world.notes[0]


def test_theta_refusals():
    refused(r"theta must be above 0 for 1 products \(cars: 0\)", theta=[1.0, 0.0, 2.0])
    refused(r"theta has no value for 1 labels \(steel\)", theta={"food": 1.0, "cars": 2.0})
    refused(
        r"theta has no finite value for 1 labels \(cars\)",
        theta={"food": 1.0, "cars": np.nan, "steel": 2.0},
    )
    refused("theta='cp2014' is no set; did you mean 'cp2015'", theta="cp2014")
    refused(r"3 products are no ICIO sectors \(cars, food, steel\)", theta="cp2015")
    refused("theta is a object: give a number", theta=object())
    refused("theta: labels stand twice", theta=pd.Series([1.0, 2.0], index=["cars", "cars"]))
    refused("theta does not hold numbers", theta={"food": "a", "cars": "b", "steel": "c"})


def test_rents_and_scale():
    world = make(rents={"food": 0.1, "cars": 0.2, "steel": 0.0}, scale=0.1)
    assert world._rents.tolist() == [0.2, 0.1, 0.0]
    assert world._scale.tolist() == [0.1, 0.1, 0.1]
    refused(r"rents must be in \[0, 1\) for every product \(cars: 1, food: 1, steel: 1\)", rents=1)
    refused("scale must be >= 0", scale=-0.1)
    refused(r"scale times theta must be below 1 .*cars: 0.2 x 6", scale=0.2)


# ---- structure ----------------------------------------------------------------------------------


def test_no_tables_means_no_inputs():
    world = make(input_use=None, value_added=None)
    assert (world._value_added == 1.0).all() and not world._input_use.any()


def test_shares_are_made_to_sum_to_one():
    given = tables()
    near = make(value_added=given["value_added"] * (1.0 + 3e-6))
    total = near._value_added + near._input_use.sum(axis=1)
    np.testing.assert_allclose(total, 1.0, rtol=1e-15)


def test_shares_that_do_not_sum_to_one_are_no_values():
    share = tables()["value_added"].copy()
    share[1, 2] += 0.01
    refused(
        "look like shares of cost, but 1 of 12 columns do not sum to 1 within 1e-05; the worst "
        "is CHN food: 1.01",
        value_added=share,
    )


def test_values_that_contradict_output():
    given = tables()
    output = given["trade"].sum(axis=0)
    cost = {
        "value_added": given["value_added"] * output,
        "input_use": given["input_use"] * output[:, None],
    }
    cost["value_added"][2, 1] *= 1.5
    refused(
        r"costs in the tables against output: 0\.\d+ \(tolerance 1e-05\), worst at MEX cars "
        r"\(.* against .*\).*balance=\"ras\"",
        **cost,
    )


def test_structure_refusals():
    given = tables()
    refused("input_use without value_added: give both", value_added=None)
    frame = as_frames(given)["value_added"]
    frames_refused(r"value_added has no row for 1 producers", value_added=frame.iloc[1:])
    low = given["value_added"].copy()
    low[0, 0] = -0.1
    refused("value_added is negative for 1 producers .*USA steel", value_added=low)
    use = given["input_use"].copy()
    use[3, 0, 1] = -0.05
    for balance in ("raise", "ras"):
        refused(
            r"input_use is negative in 1 cells \(country input user: ROW steel cars\), least "
            r'-0.05: correct them; only balance="resolve" keeps them',
            input_use=use,
            value_added=1.0 - use.sum(axis=1),
            balance=balance,
        )


def test_a_producer_without_sales_needs_no_cost():
    trade = tables()["trade"]
    trade[:, 2, 1] = 0.0  # MEX makes no cars
    world = make(trade=trade)
    assert world._value_added[1, 0] == 1.0 and not world._input_use[1, :, 0].any()
    assert world._output[1, 0] == 0.0
    output = trade.sum(axis=0)
    given = tables()
    cost = given["value_added"] * output
    cost[2, 1] = 7.0
    world = make(trade=trade, value_added=cost, input_use=given["input_use"] * output[:, None])
    assert world.notes == (
        "1 producers have cost in the tables but sell nothing (MEX cars; 7 in all): left out",
    )


def test_final_share_and_deficit():
    world = make()
    back_n = [world.countries.index(c) for c in COUNTRIES]
    back_j = [world.products.index(p) for p in PRODUCTS]
    final = world._final_share[np.ix_(back_n, back_j)]
    deficit = dict(zip(world.countries, world._deficit, strict=True))
    again = make(final_share=17.0 * final, deficit=pd.Series(deficit))
    check = again.check().set_index("check")
    assert check.loc["supplied final shares against the flows", "value"] < 1e-12
    assert check.loc["supplied deficits against the flows, share of income", "value"] < 1e-12
    off = final.copy()
    off[0, 0] += 0.01
    refused("supplied final shares against the flows: .* worst at USA ", final_share=off)
    refused(
        "supplied deficits against the flows",
        deficit={**deficit, "USA": deficit["USA"] + 5.0, "CHN": deficit["CHN"] - 5.0},
    )
    refused(r"deficit sums to 5 over all countries", deficit={**deficit, "USA": deficit["USA"] + 5})
    refused(
        r"final_share must be >= 0 .*1 cells are negative \(USA steel\)",
        final_share=np.where(np.arange(12).reshape(4, 3) == 0, -1.0, final),
    )


def test_options():
    refused("balance='fix': give", balance="fix")
    refused("value_unit='': give a unit", value_unit="")
