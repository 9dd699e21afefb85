"""Quantity controls in general equilibrium: what binds, who gets the rent, what they amount to."""

from __future__ import annotations

import numpy as np
import pytest

import tradewar as tw
from tests.unit.ge_cases import WALL, make_world, rich_world, surplus_world, world
from tradewar.errors import DataWarning, ScenarioError

BINDS = 1e-8  # relative, of a binding limit
SAME = 1e-8  # between two solutions of one equilibrium
RECEIVERS = ["importer_firms", "importer_state", "exporter_firms", "exporter_state", "waste"]
FROM_CHINA = {"exporter": "CHN", "importer": "USA"}


def solve(scn, w=None, **options):
    res = tw.solve_ge(world() if w is None else w, scn, tol=1e-11, **options)
    assert res.check()["ok"].all(), res.check()
    return res


def test_limits_hold_product_by_product():
    res = solve(tw.Scenario("q").export_quota(**FROM_CHINA, quantity_ratio=0.5))
    table = res.binding()
    assert list(table["product"]) == list(world().products)
    assert table["binding"].all()
    np.testing.assert_allclose(table["quantity_new"], table["limit"], rtol=BINDS)
    d = res.details.query("exporter == 'CHN' and importer == 'USA'")
    np.testing.assert_allclose(d["quantity_ratio"], 0.5, rtol=BINDS)
    assert (table["premium"] > 0).all()


def test_limits_over_several_flows_leave_the_split_free():
    res = solve(tw.Scenario("q").export_quota(exporter="CHN", quantity_ratio=0.5, product="C26"))
    d = res.details.query("exporter == 'CHN' and product == 'C26'").set_index("importer")
    abroad = d.drop("CHN")
    total = (abroad["value"] * abroad["quantity_ratio"]).sum()
    assert total == pytest.approx(0.5 * abroad["value"].sum(), rel=BINDS)
    assert np.ptp(abroad["quantity_ratio"]) > 1e-3
    assert np.ptp(abroad["border_price_ratio"]) < 1e-12  # one premium
    assert d.loc["CHN", "quantity_ratio"] > 1  # home sales are not limited


def test_a_pooled_limit():
    res = solve(tw.Scenario("q").import_quota(**FROM_CHINA, quantity_ratio=0.4, pooled=True))
    [row] = res.binding().itertuples()
    assert row.product == "(pooled)"
    assert row.quantity_new == pytest.approx(row.limit, rel=BINDS)
    ave = res.tariff_equivalents()["import_tariff_equivalent"]
    assert np.ptp(ave) < 1e-12
    assert ave.iloc[0] == pytest.approx(row.premium)


def test_a_slack_limit_does_nothing():
    res = solve(tw.Scenario("q").import_quota(**FROM_CHINA, quantity_ratio=3.0))
    assert not res.binding()["binding"].any()
    assert res.rents().empty
    np.testing.assert_allclose(res.welfare, 0.0, atol=1e-10)


def test_an_export_quota_is_the_export_tax_at_its_shadow_rate():
    quota = solve(tw.Scenario("q").export_quota(**FROM_CHINA, product="C26", quantity_ratio=0.3))
    rate = quota.tariff_equivalents()["export_tax_equivalent"].iloc[0]
    tax = solve(tw.Scenario("t").export_tax(**FROM_CHINA, product="C26", set=float(rate)))
    np.testing.assert_allclose(quota.welfare, tax.welfare, atol=SAME)
    rent = quota.rents()["rent"].sum()
    assert rent == pytest.approx(tax.levels.export_revenue.sum(), rel=1e-7)


def test_an_import_quota_is_the_tariff_at_its_shadow_rate():
    quota = solve(tw.Scenario("q").import_quota(**FROM_CHINA, product="C26", quantity_ratio=0.3))
    ave = float(quota.tariff_equivalents()["import_tariff_equivalent"].iloc[0])
    before = quota.flows.query("exporter == 'CHN' and importer == 'USA' and product == 'C26'")[
        "tariff"
    ].iloc[0]
    rate = (1 + before) * (1 + ave) - 1
    tariff = solve(tw.Scenario("t").tariff(**FROM_CHINA, product="C26", set=float(rate)))
    np.testing.assert_allclose(quota.welfare, tariff.welfare, atol=SAME)
    # the duty of the quota is that of the old rate; the rest is rent
    duty = quota.countries["tariff_revenue_new"]["USA"] + quota.rents()["rent"].sum()
    assert duty == pytest.approx(tariff.countries["tariff_revenue_new"]["USA"], rel=1e-7)


@pytest.mark.parametrize("rents", RECEIVERS)
@pytest.mark.parametrize("quota", ["export_quota", "import_quota"])
def test_rents_go_where_they_are_sent(quota, rents):
    scn = getattr(tw.Scenario("q"), quota)(
        **FROM_CHINA, product="C26", quantity_ratio=0.5, rents=rents
    )
    res = solve(scn)
    table = res.rents()
    assert table[rents].sum() == table["rent"].sum() > 0
    # who holds the rent is better off than when it is wasted
    wasted = solve(
        getattr(tw.Scenario("w"), quota)(
            **FROM_CHINA, product="C26", quantity_ratio=0.5, rents="waste"
        )
    )
    if rents != "waste":
        side = "USA" if rents.startswith("importer") else "CHN"
        assert res.welfare[side] > wasted.welfare[side]
    table = res.decompose()
    assert table.attrs["gap"] < 1e-8


def test_state_and_firms_of_a_country_share_a_rent():
    both = {"importer_firms": 0.25, "importer_state": 0.75}
    res = solve(
        tw.Scenario("q").import_quota(**FROM_CHINA, product="C26", quantity_ratio=0.5, rents=both)
    )
    [row] = res.rents().itertuples()
    assert row.importer_state == pytest.approx(3 * row.importer_firms)


def test_a_purchase_commitment_by_quantity_and_by_value():
    by_quantity = solve(
        tw.Scenario("q").purchase_commitment(
            importer="CHN", exporter="USA", product="A01_02", quantity_ratio=1.5
        )
    )
    [row] = by_quantity.binding().itertuples()
    assert row.quantity_new == pytest.approx(row.limit, rel=BINDS)
    assert 0 < row.premium < 1
    assert by_quantity.rents()["importer_state"].sum() < 0
    value = by_quantity.flows.query("exporter == 'USA' and importer == 'CHN'")["value"].sum()
    by_value = solve(
        tw.Scenario("v").purchase_commitment(importer="CHN", exporter="USA", value=1.3 * value)
    )
    new = by_value.flows.query("exporter == 'USA' and importer == 'CHN'")["value_new"].sum()
    assert new == pytest.approx(1.3 * value, rel=BINDS)
    assert by_value.binding()["instrument"].iloc[0] == "purchase commitment, by value"
    assert by_value.decompose().attrs["gap"] < 1e-8


def test_a_tariff_quota_below_at_and_above_its_limit():
    def trq(ratio, over=0.6):
        scn = tw.Scenario(f"{ratio}").trq(
            **FROM_CHINA, product="C26", quantity_ratio=ratio, in_rate=0.05, over_rate=over
        )
        return solve(scn)

    low, mid, high = trq(0.05), trq(0.5), trq(5.0)
    at = {"exporter": "CHN", "importer": "USA", "product": "C26"}

    def cell(res, column):
        d = res.details
        return d.loc[(d[list(at)] == list(at.values())).all(axis=1), column].iloc[0]

    assert cell(high, "tariff_new") == pytest.approx(0.05)
    assert high.rents().empty
    assert mid.binding()["quantity_new"].iloc[0] == pytest.approx(mid.binding()["limit"].iloc[0])
    assert cell(mid, "tariff_new") == pytest.approx(0.05)  # no duty above a quota just filled
    assert mid.rents()["rent"].sum() > 0
    # overfilled: buyers pay the rate above the quota, licences inside it earn the difference
    price = cell(low, "buyer_price_ratio") / cell(low, "border_price_ratio")
    assert price == pytest.approx(1.6 / (1 + cell(low, "tariff")))
    assert low.binding()["quantity_new"].iloc[0] > low.binding()["limit"].iloc[0]
    inside = low.binding()["limit"].iloc[0] / low.binding()["quantity_new"].iloc[0]
    value = cell(low, "value_new")
    assert low.rents()["rent"].sum() == pytest.approx(0.55 * value * inside, rel=1e-9)
    assert cell(low, "tariff_new") == pytest.approx(0.05 + 0.55 * (1 - inside), rel=1e-9)
    plain = solve(tw.Scenario("t").tariff(**FROM_CHINA, product="C26", set=0.6))
    np.testing.assert_allclose(low.welfare, plain.welfare, atol=SAME)


def test_a_ban_and_a_quota_towards_it():
    ban = solve(tw.Scenario("b").ban(**FROM_CHINA, product="C26"))
    near = solve(tw.Scenario("q").export_quota(**FROM_CHINA, product="C26", quantity_ratio=1e-9))
    np.testing.assert_allclose(near.welfare, ban.welfare, atol=1e-6)
    cells = ban.flows.query("exporter == 'CHN' and importer == 'USA' and product == 'C26'")
    assert cells["value_new"].iloc[0] == 0.0
    assert np.isinf(ban.tariff_equivalents()["weight_equivalent"].iloc[0])
    assert ban.decompose()["taste"]["USA"] < 0


def test_a_limit_on_part_of_a_sector():
    res = solve(tw.Scenario("q").export_quota(**FROM_CHINA, product="8542", quantity_ratio=0.2))
    s = res.coverage["coverage"].iloc[0]
    [row] = res.binding().itertuples()
    cell = res.details.query("exporter == 'CHN' and importer == 'USA' and product == 'C26'").iloc[0]
    assert row.limit == pytest.approx(cell["value"] * (1 - s + 0.2 * s))
    assert cell["quantity_ratio"] == pytest.approx(1 - 0.8 * s, rel=BINDS)
    by_amount = solve(
        tw.Scenario("q").export_quota(
            **FROM_CHINA, product="8542", quantity=float(0.2 * s * cell["value"])
        )
    )
    assert by_amount.binding()["limit"].iloc[0] == pytest.approx(row.limit)


def test_export_taxes_at_the_baseline():
    scn = tw.Scenario("q").export_quota(**FROM_CHINA, quantity_ratio=0.5)
    res = solve(scn, rich_world())
    d = res.details.query("exporter == 'CHN' and importer == 'USA'")
    np.testing.assert_allclose(d["quantity_ratio"], 0.5, rtol=BINDS)
    np.testing.assert_allclose(
        res.binding()["limit"].to_numpy(), 0.5 * d["value"].to_numpy(), rtol=1e-12
    )
    assert res.decompose().attrs["gap"] < 1e-8


def test_two_limits_on_one_flow():
    scn = (
        tw.Scenario("q")
        .export_quota(exporter="CHN", product="C26", quantity_ratio=0.6)
        .import_quota(importer="USA", product="C26", quantity_ratio=0.7)
    )
    res = solve(scn)
    table = res.binding()
    assert table["binding"].all()
    np.testing.assert_allclose(table["quantity_new"], table["limit"], rtol=BINDS)
    both = res.rents().query("exporter == 'CHN' and importer == 'USA'").iloc[0]
    assert both["exporter_firms"] > 0 < both["importer_firms"]


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        (
            tw.Scenario("x").export_quota(
                **FROM_CHINA,
                quantity_ratio=0.5,
                rents={"importer_firms": 0.5, "exporter_firms": 0.5},
            ),
            "go to different countries.*split the limit in two",
        ),
        (
            tw.Scenario("x").trq(
                **FROM_CHINA,
                quantity_ratio=0.5,
                in_rate=0.0,
                over_rate=0.5,
                rents="exporter_firms",
            ),
            r"a tariff quota fills the importer's treasury.*import_quota\(\) or export_quota\(\)",
        ),
        (
            tw.Scenario("x").purchase_commitment(**FROM_CHINA, quantity_ratio=1.5, rents="waste"),
            "somebody pays the subsidy",
        ),
        (
            tw.Scenario("x").trq(
                **FROM_CHINA, product="8542", quantity_ratio=0.5, in_rate=0.0, over_rate=0.5
            ),
            "a tariff quota on part of a sector",
        ),
        (
            tw.Scenario("x")
            .trq(importer="USA", product="C26", quantity_ratio=0.5, in_rate=0.0, over_rate=0.5)
            .tariff(**FROM_CHINA, add=0.1),
            "different rates in the quota .* give them one rate",
        ),
    ],
)
def test_refusals(scenario, message):
    with pytest.raises(ScenarioError, match=message):
        tw.solve_ge(world(), scenario)


def test_the_card_and_summary_tell():
    res = solve(tw.Scenario("q").export_quota(**FROM_CHINA, quantity_ratio=0.5))
    card = " ".join(str(res.card).split())
    assert "3 of 3 limits bind." in card
    assert "Rents go to exporter_firms" in card
    rents = res.summary().loc["rents of quantity controls", "change"]
    assert rents == pytest.approx(res.rents()["rent"].sum())


def test_limits_survive_a_rich_world_with_ces_links():
    w = make_world(seed=5, export_tax=True, rents=0.05, scale=0.03)
    scn = tw.Scenario("embargo").export_quota(exporter="CHN", product="C26", quantity_ratio=0.2)
    res = solve(
        scn, w, va_substitution=0.2, input_substitution=0.1, deficits="income", labour_supply=0.4
    )
    assert res.binding()["binding"].all()


def test_limits_without_a_solution_are_not_said_to_be_slack():
    scn = WALL.export_quota(exporter="A", importer="B", quantity_ratio=0.5)
    with pytest.warns(DataWarning, match="1 of 1 scenarios have no solution"):
        res = tw.solve_ge(surplus_world(), scn, on_error="record")
    assert res.binding()["binding"].isna().all()
    assert res.rents()["rent"].isna().tolist() == [True]
    assert res.tariff_equivalents()["export_tax_equivalent"].isna().all()
    assert not res.check()["ok"].any()
    assert "limits bind" not in str(res.card)


def test_a_tariff_quota_with_one_rate_holds_nothing():
    rate = 0.1
    for ratio in (0.5, 2.0):
        scn = tw.Scenario("q").trq(
            **FROM_CHINA, product="C26", quantity_ratio=ratio, in_rate=rate, over_rate=rate
        )
        same = tw.Scenario("t").tariff(**FROM_CHINA, product="C26", set=rate)
        res = solve(scn)
        np.testing.assert_allclose(res.welfare, tw.solve_ge(world(), same).welfare, atol=SAME)


def test_a_limit_on_banned_flows_is_slack():
    scn = tw.Scenario("q").import_quota(**FROM_CHINA, quantity_ratio=0.5).ban(**FROM_CHINA)
    res = solve(scn)
    assert (res.binding()["quantity_new"] == 0).all()
    assert not res.binding()["binding"].any()


def test_a_commitment_on_banned_flows_is_named():
    scn = tw.Scenario("q").ban(**FROM_CHINA)
    scn = scn.purchase_commitment(**FROM_CHINA, quantity_ratio=0.5, product="C26")
    with pytest.raises(ScenarioError, match="a limit is outside its domain at rule 2 C26"):
        tw.solve_ge(world(), scn)


def test_two_limits_that_bind_on_the_same_flows_are_said_to_be_undetermined():
    """By export quota alone the USA loses, by import quota alone it gains."""
    one = tw.Scenario("q").export_quota(**FROM_CHINA, quantity_ratio=0.5, product="C26")
    both = one.import_quota(**FROM_CHINA, quantity_ratio=0.5, product="C26")
    for run in (tw.solve_ge, lambda w, scn: tw.solve_many(w, [scn])[0]):
        with pytest.warns(DataWarning, match="Rules 1 and 2 both bind on the same flows of C26"):
            res = run(world(), both)
        assert "not determined" in " ".join(str(res.card).split())
    slack = one.import_quota(**FROM_CHINA, quantity_ratio=0.6, product="C26")
    assert solve(slack).info["warnings"] == []
