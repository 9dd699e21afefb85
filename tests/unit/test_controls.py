"""Quantity controls of a scenario: rules, groups of flows, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import tradewar as tw
from tests.helpers_pe import KEYS
from tradewar.errors import DataWarning, ScenarioError
from tradewar.limits import COMMITMENT, EXPORT_QUOTA, IMPORT_QUOTA, TARIFF_QUOTA
from tradewar.rules import read_rents, write_rents
from tradewar.scenario_controls import QuantityControls

EXACT = 1e-12  # rounding only
SOLVED = 1e-10  # two solutions at a residual of 1e-12
ELASTIC = {"substitution": 4.0, "demand": 1.0, "supply": 2.0}


def frame(home: bool = False) -> pd.DataFrame:
    """Products A, B, C from three origins to two destinations."""
    rows = [
        (e, n, k, 10.0 + 3.0 * i + 5.0 * j + 7.0 * m, 0.05 * j)
        for m, k in enumerate("ABC")
        for i, e in enumerate(("CHN", "MEX", "VNM"))
        for j, n in enumerate(("JPN", "USA"))
    ]
    if home:
        rows += [(n, n, k, 50.0, 0.0) for n in ("JPN", "USA") for k in "ABC"]
    return pd.DataFrame(rows, columns=[*KEYS, "value", "tariff"])


def data(df: pd.DataFrame | None = None) -> tw.TradeData:
    return tw.TradeData.from_frame(frame() if df is None else df)


def new() -> tw.Scenario:
    return tw.Scenario("controls")


def solve(scn: tw.Scenario, df: pd.DataFrame | None = None, **options) -> tw.PEResult:
    return tw.solve_pe(data(df), scn, **(ELASTIC | options))


def limits(scn: tw.Scenario, df: pd.DataFrame | None = None):
    return scn._apply(data(df)).limits


def refused(call, *parts: str, error: type[Exception] = ScenarioError) -> str:
    """Assert that a call is refused with each of the parts in its message."""
    with pytest.raises(error) as caught:
        call()
    text = str(caught.value)
    for part in parts:
        assert part in text, text
    return text


CAP = {"exporter": "CHN", "quantity_ratio": 0.5}
RIGID = pd.DataFrame(
    [(e, k, 0.0 if (e, k) == ("CHN", "A") else 2.0) for e in ("CHN", "MEX", "VNM") for k in "ABC"],
    columns=["exporter", "product", "supply"],
)


# ---- rules -----------------------------------------------------------------------------------


EVERY = [
    (
        "import_quota",
        {"quantity": 5.0, "pooled": True, "rents": {"waste": 0.5, "importer_firms": 0.5}},
    ),
    ("export_quota", {"quantity_ratio": 0.5, "except_": {"product": "A"}}),
    ("trq", {"quantity_ratio": 0.5, "in_rate": 0.0, "over_rate": 1.0, "rents": "exporter_state"}),
    ("licence", {"approval": 0.8, "delay_cost": 0.05}),
    ("entity_list", {"side": "buyers", "share": 0.3, "leakage": 0.1}),
    ("entity_list", {"side": "sellers", "share": 1.0}),
    ("purchase_commitment", {"value": 200.0, "exporter": ["CHN", "MEX"]}),
    ("purchase_commitment", {"quantity_ratio": 1.5, "pooled": False}),
    ("min_import_price", {"ratio": 1.1}),
]


@pytest.mark.parametrize(("instrument", "args"), EVERY)
def test_rules_are_values_that_survive_frames_and_json(instrument, args):
    empty = new()
    scn = getattr(empty, instrument)(importer="USA", **args)
    assert empty.rules == () and len(scn.rules) == 1
    assert scn.rules[0].instrument == instrument
    assert tw.Scenario.from_json(scn.to_json()) == scn
    assert tw.Scenario.from_frame(scn.to_frame(), name="controls") == scn
    assert instrument in repr(scn)


def test_the_base_of_scenario_is_no_scenario():
    with pytest.raises(TypeError, match="base of Scenario"):
        QuantityControls().export_quota(quantity_ratio=0.5)


WRONG = [
    ("export_quota", {}, "needs exactly one of quantity_ratio= or quantity=; got none"),
    ("import_quota", {"quantity": 1.0, "quantity_ratio": 0.5}, "got quantity_ratio, quantity"),
    ("export_quota", {"quantity_ratio": 0.0}, "must be > 0; use ban() for no trade at all"),
    ("import_quota", {"quantity": -3}, "must be > 0; use ban() for no trade at all"),
    ("purchase_commitment", {"value": 0}, "value=0 must be > 0"),
    ("purchase_commitment", {"value": 5.0, "pooled": False}, "leave out pooled="),
    ("export_quota", {"quantity_ratio": "half"}, "is no number; rates are fractions"),
    ("export_quota", {"quantity_ratio": float("nan")}, "is not finite"),
    ("export_quota", {"quantity_ratio": 50}, "Write quantity_ratio=0.5 for 50 percent"),
    ("export_quota", {"quantity_ratio": 50}, "give quantity="),
    ("min_import_price", {"ratio": 130}, "Write ratio=1.3 for 130 percent"),
    ("min_import_price", {"ratio": 0}, "must be > 0"),
    ("licence", {"approval": 80}, "write approval=0.8 for 80 percent"),
    ("licence", {"approval": 0.0}, "must be above 0 and at most 1"),
    ("licence", {"delay_cost": 30}, "Write delay_cost=0.3 for 30 percent"),
    ("licence", {"delay_cost": 30}, "trade_cost(ratio=)"),
    ("licence", {"delay_cost": -0.1}, "must be >= 0"),
    ("entity_list", {"side": "sellers", "share": 25}, "write share=0.25 for 25 percent"),
    ("entity_list", {"side": "sellers", "share": 0}, "must be above 0 and at most 1"),
    ("entity_list", {"side": "sellers", "share": 0.5, "leakage": 30}, "leakage=0.3 for 30"),
    ("entity_list", {"side": "sellers", "share": 0.5, "leakage": 1.0}, "below 1"),
    ("entity_list", {"side": "both", "share": 0.5}, '"buyers" or "sellers"'),
    ("trq", {"quantity_ratio": 1.0, "over_rate": 50}, "Write over_rate=0.5 for 50 percent"),
    ("trq", {"quantity_ratio": 1.0, "over_rate": -1.5}, "must be > -1"),
    ("export_quota", {"quantity_ratio": 0.5, "pooled": "yes"}, "give True or False"),
    ("export_quota", {"quantity_ratio": 0.5, "rents": "importer"}, "did you mean"),
    ("export_quota", {"quantity_ratio": 0.5, "rents": 3}, "give a receiver, or a mapping"),
    ("export_quota", {"quantity_ratio": 0.5, "rents": {"waste": 0.5}}, "sum to 0.5 and not to 1"),
    (
        "export_quota",
        {"quantity_ratio": 0.5, "rents": {"waste": 50, "importer_firms": 50}},
        "between 0 and 1",
    ),
    ("export_quota", {"quantity_ratio": 0.5, "rents": "waste:half"}, "no list of receiver:share"),
]


@pytest.mark.parametrize(("instrument", "args", "message"), WRONG)
def test_wrong_arguments_say_what_to_write(instrument, args, message):
    refused(lambda: getattr(new(), instrument)(**args), instrument, message)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"instrument": "trq", "quantity_ratio": 0.5}, "trq needs over_rate="),
        ({"instrument": "entity_list", "share": 0.5}, 'needs side="buyers" or "sellers"'),
        ({"instrument": "licence"}, "needs exactly one of approval="),
        (
            {"instrument": "export_quota", "quantity_ratio": 0.5, "side": "buyers"},
            "takes no 'side'",
        ),
    ],
)
def test_rules_of_frames_that_lack_something_are_refused(record, message):
    refused(lambda: tw.Scenario.from_frame(pd.DataFrame([record])), "row 0", message)


@pytest.mark.parametrize(
    ("instrument", "args"),
    [
        ("export_quota", {"quantity_ratio": 6.0}),
        ("trq", {"quantity_ratio": 0.5, "over_rate": 6.0}),
        ("min_import_price", {"ratio": 6.0}),
    ],
)
def test_doubtful_numbers_warn_at_the_caller(instrument, args):
    with pytest.warns(DataWarning, match="600 percent") as caught:
        getattr(new(), instrument)(**args)
    assert caught[0].filename == __file__


def test_rents_are_written_in_the_order_of_receivers():
    text = write_rents("export_quota", {"waste": 0.5, "importer_firms": 0.5, "exporter_firms": 0})
    assert text == "importer_firms:0.5;waste:0.5"
    assert read_rents(text) == {"importer_firms": 0.5, "waste": 0.5}
    assert write_rents("export_quota", text) == text
    assert write_rents("export_quota", "waste") == "waste:1.0"


# ---- groups ----------------------------------------------------------------------------------


def test_a_limit_holds_for_each_product_over_the_flows_selected():
    found = limits(new().export_quota(**CAP).import_quota(importer="USA", quantity=9.0))
    df = frame()
    c = found.controls
    assert c.kind.tolist() == [EXPORT_QUOTA, IMPORT_QUOTA] * 3
    assert c.market.tolist() == [0, 0, 1, 1, 2, 2]
    assert found.control_rule.tolist() == [1, 2] * 3
    half = df[df["exporter"] == "CHN"].groupby("product")["value"].sum() / 2
    np.testing.assert_allclose(c.limit[::2], half, rtol=EXACT)
    assert (c.limit[1::2] == 9.0).all()
    assert np.diff(c.member_ptr).tolist() == [2, 3] * 3
    assert found.shares[1] == (0, 0, 1, 0, 0) and found.shares[2] == (1, 0, 0, 0, 0)
    assert found.pools == ()


def test_a_pooled_limit_is_one_group():
    scn = new().export_quota(**CAP, pooled=True).purchase_commitment(importer="USA", value=100.0)
    found = limits(scn)
    assert found.controls is None
    one, two = found.pools
    df = frame()
    assert one.kind == EXPORT_QUOTA and not one.by_value and len(one.member) == 6
    assert one.limit == pytest.approx(df[df["exporter"] == "CHN"]["value"].sum() / 2)
    assert two.kind == COMMITMENT and two.by_value and two.limit == 100.0
    assert found.pool_rule == (1, 2)


def test_home_sales_and_flows_without_trade_are_no_members():
    df = frame(home=True)
    df.loc[(df["exporter"] == "CHN") & (df["product"] == "B"), "value"] = 0.0
    found = limits(new().export_quota(exporter="*", quantity_ratio=0.5), df)
    named = data(df).flows.iloc[found.controls.member]
    assert (named["exporter"] != named["importer"]).all()
    assert (named["value"] > 0).all()
    assert np.diff(found.controls.member_ptr).tolist() == [6, 4, 6]


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("args", [{"quantity": 5.0}, {"quantity_ratio": 0.5}])
def test_a_quota_on_flows_without_trade_is_slack(args, pooled):
    df = frame()
    df.loc[(df["exporter"] == "CHN") & (df["importer"] == "USA"), "value"] = 0.0
    scn = new().export_quota(exporter="CHN", importer="USA", pooled=pooled, **args)
    res = solve(scn, df)
    assert (res.flows["quantity_ratio"] == 1.0).all()
    assert res.binding().empty and res.rents().empty


@pytest.mark.parametrize(
    "args", [{"quantity": 5.0}, {"quantity": 5.0, "pooled": True}, {"value": 5.0}]
)
def test_a_commitment_on_flows_without_trade_is_refused_by_name(args):
    df = frame()
    none = (df["exporter"] == "CHN") & (df["importer"] == "USA")
    df.loc[none, "value"] = 0.0
    scn = new().purchase_commitment(exporter="CHN", importer="USA", **args)
    refused(lambda: solve(scn, df), "rule 1", "no trade at the baseline in A, B, C", "except_=")


def test_a_commitment_by_quantity_names_the_products_that_cannot_meet_it():
    df = frame()
    none = (df["exporter"] == "CHN") & (df["importer"] == "USA") & (df["product"] == "B")
    df.loc[none, "value"] = 0.0
    scn = new().purchase_commitment(exporter="CHN", importer="USA", quantity=40.0)
    refused(lambda: solve(scn, df), "no trade at the baseline in B,")
    pooled = new().purchase_commitment(exporter="CHN", importer="USA", quantity=70.0, pooled=True)
    [row] = solve(pooled, df).binding().to_dict("records")
    assert row["quantity_new"] == pytest.approx(70.0, rel=SOLVED)
    ratio = new().purchase_commitment(exporter="CHN", importer="USA", quantity_ratio=1.2)
    assert list(solve(ratio, df).binding()["product"]) == ["A", "C"]


def test_the_highest_floor_counts_and_its_rule_says_who_gets_the_rent():
    scn = (
        new()
        .min_import_price(importer="USA", ratio=1.2, rents="waste")
        .min_import_price(importer="USA", exporter="CHN", ratio=1.1)
        .min_import_price(exporter="MEX", ratio=1.4, rents="importer_state")
    )
    res = solve(scn)
    flows = res.flows.set_index(KEYS).sort_index()
    assert flows.loc[("CHN", "USA", "A"), "border_price_ratio"] == pytest.approx(1.2, rel=EXACT)
    assert flows.loc[("MEX", "USA", "A"), "border_price_ratio"] == pytest.approx(1.4, rel=EXACT)
    rents = res.rents().set_index(KEYS).sort_index()
    assert rents.loc[("CHN", "USA", "A"), "waste"] > 0
    assert (rents.loc["MEX", "importer_state"] == rents.loc["MEX", "rent"]).all()
    assert (rents.loc[("CHN", "USA"), "waste"] == rents.loc[("CHN", "USA"), "rent"]).all()


def test_two_lists_of_different_size_are_refused_and_of_one_size_are_one():
    one = {"importer": "USA", "product": "B", "side": "buyers"}
    scn = new().entity_list(exporter="CHN", share=0.5, **one)
    refused(
        lambda: solve(scn.entity_list(exporter="VNM", share=0.4, **one)),
        "rule 2",
        "USA B",
        "one share",
    )
    found = limits(scn.entity_list(exporter="VNM", share=0.625, leakage=0.2, **one))
    assert found.banned.sum() == 2
    assert sorted(found.listed[found.listed > 0]) == [0.5]


def test_a_list_of_every_buyer_is_a_ban():
    scn = new().entity_list(importer="USA", exporter="CHN", side="buyers", share=1.0)
    refused(lambda: solve(scn), "rule 1", "use ban()")
    leak = new().entity_list(importer="USA", exporter="CHN", side="buyers", share=1.0, leakage=0.2)
    f = solve(leak).flows.set_index(KEYS)["quantity_ratio"]
    assert 0.2 < f["CHN", "USA", "A"] < 0.4  # a fifth of the buyers, who buy more of it


def test_weights_multiply_and_delays_add():
    scn = (
        new()
        .licence(exporter="CHN", importer="USA", approval=0.5, delay_cost=0.1)
        .entity_list(exporter="CHN", importer="USA", side="sellers", share=0.4, leakage=0.5)
        .licence(exporter="CHN", approval=0.5, delay_cost=0.2)
    )
    wedges = scn._apply(data())
    d = data()
    to_usa = (d.flows["exporter"] == "CHN") & (d.flows["importer"] == "USA")
    np.testing.assert_allclose(wedges.weight[to_usa], 0.5 * 0.8 * 0.5, rtol=EXACT)
    np.testing.assert_allclose(wedges.cost[to_usa], 1.3, rtol=EXACT)
    assert wedges.limits is None


def test_tariff_quota_takes_the_rate_that_stands_if_it_is_one():
    scn = new().trq(importer="USA", quantity_ratio=0.9, over_rate=0.8)
    wedges = scn._apply(data())
    assert (wedges.tariff == data()._tariff).all()
    c = wedges.limits.controls
    assert (c.kind == TARIFF_QUOTA).all()
    np.testing.assert_allclose(c.upper, 0.75, rtol=EXACT)
    both = new().trq(quantity_ratio=0.9, over_rate=0.8)
    refused(lambda: solve(both), "rule 1", "give in_rate=")
    given = new().trq(quantity_ratio=0.9, in_rate=0.02, over_rate=0.8)._apply(data())
    assert (given.tariff == 0.02).all()
    low = new().trq(importer="USA", quantity_ratio=0.9, in_rate=0.5, over_rate=0.2)
    refused(lambda: solve(low), "over_rate must be at least the in-quota rate")


# ---- refusals at the solution ----------------------------------------------------------------


def test_other_methods_are_refused():
    for method in ("linear", "euler", "smart"):
        refused(
            lambda method=method: solve(new().export_quota(**CAP), method=method),
            'need method="exact"',
            method,
        )
    weight = new().licence(exporter="CHN", approval=0.5)
    refused(lambda: solve(weight, method="linear"), 'use method="exact"', "A, B, C")


@pytest.mark.parametrize(
    "scn",
    [
        new().licence(exporter="CHN", product="B", approval=0.5),
        new().entity_list(exporter="CHN", product="B", side="sellers", share=0.5),
        new().entity_list(exporter="CHN", importer="USA", product="B", side="buyers", share=0.5),
        new().ban(exporter="CHN", importer="USA", product="B"),
    ],
    ids=["licence", "sellers", "buyers", "ban"],
)
@pytest.mark.parametrize("sigma", [0.7, 1.0])
def test_a_weight_cut_without_a_finite_price_is_refused_by_name(scn, sigma):
    refused(
        lambda: solve(scn, substitution=sigma, demand=0.5),
        "in 1 of 3 markets: B",
        "use substitution above 1",
    )


def test_a_destination_whose_listed_buyers_have_no_source_is_named():
    scn = new().entity_list(importer="USA", side="buyers", share=0.5, product="C")
    refused(lambda: solve(scn), "left without any source", "1 of 3 markets: C", "except_=")


def test_a_quota_below_what_has_nowhere_to_go_is_named():
    scn = new().export_quota(**CAP)
    text = refused(lambda: solve(scn, supply=RIGID), "in 1 of 3 markets: A", "raise a quota")
    assert 'on_error="record"' in text


def test_a_price_floor_above_what_a_given_quantity_sells_for_is_named():
    scn = new().min_import_price(exporter="CHN", ratio=1.2)
    refused(lambda: solve(scn, supply=RIGID), "cannot be met", "in 1 of 3 markets: A")


def test_a_commitment_above_capacity_is_named():
    scn = new().purchase_commitment(exporter="CHN", quantity_ratio=2.0)
    refused(lambda: solve(scn, supply=RIGID), "cannot be met", "in 1 of 3 markets: A")


def test_a_commitment_on_banned_flows_is_named():
    scn = new().ban(exporter="CHN", importer="USA")
    scn = scn.purchase_commitment(exporter="CHN", importer="USA", quantity_ratio=1.0)
    refused(lambda: solve(scn), "cannot be met", "A, B, C")


def test_a_quota_on_banned_flows_is_slack():
    ban = new().ban(exporter="CHN", importer="USA")
    res = solve(ban.export_quota(exporter="CHN", importer="USA", quantity_ratio=0.5))
    pd.testing.assert_frame_equal(res.flows, solve(ban).flows, rtol=SOLVED)
    assert not res.binding()["binding"].any()


def test_recorded_failures_have_no_numbers():
    scn = (
        new()
        .export_quota(**CAP)
        .trq(exporter="MEX", importer="USA", quantity_ratio=0.5, in_rate=0.0, over_rate=0.9)
    )
    with pytest.warns(DataWarning, match="1 markets have no solution"):
        res = solve(scn, supply=RIGID, on_error="record")
    table = res.binding()
    failed = table["product"] == "A"
    assert table.loc[failed, ["quantity_new", "premium"]].isna().all(axis=None)
    assert table.loc[~failed, ["quantity_new", "premium"]].notna().all(axis=None)
    assert not table.loc[failed, "binding"].any() and table.loc[~failed, "binding"].any()
    flows = res.flows[res.flows["product"] == "A"]
    assert flows[["rent", "value_new", "buyer_price_ratio", "revenue_new"]].isna().all(axis=None)
    for frame_ in (res.rents(), res.tariff_equivalents()):
        assert "A" not in set(frame_["product"])
        assert frame_.attrs["failed_markets"] == 1
    assert res.countries.notna().all(axis=None)
    assert res.incidence().notna().all(axis=None)
    assert "1 of 3 products failed" in str(res.card)
