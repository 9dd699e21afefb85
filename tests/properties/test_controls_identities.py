"""What results under quantity controls add up to, and what cannot change them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import tradewar as tw
from tests.helpers_controls import (
    LIMITS,
    RECEIVERS,
    TAME,
    Controlled,
    controlled,
    draw_controlled,
    replaceable,
    tame,
    with_rules,
)
from tests.helpers_pe import KEYS, Case, close, flows_of, make_case
from tests.properties.test_controls import (
    money_goes_round,
    named,
    on_the_demand_curve,
    pooled_rules,
    same,
)

EXACT = 1e-12  # an identity of the arithmetic: rounding only
SOLVED = 1e-9  # two solutions at a residual of 1e-12, times the conditioning of small markets
MONEY = ["buyers", "exporters", "lost_old_revenue", "trade_cost", "licence_rent"]
PARTS = ["consumer_surplus_change", "producer_surplus_change", "revenue_change", "rent"]
PRICES = ["quantity_ratio", "producer_price_ratio", "border_price_ratio", "buyer_price_ratio"]
SEEDS = st.integers(0, 2**32 - 1)

pytestmark = pytest.mark.filterwarnings("ignore:demand exceeds substitution")


# ---- adding up -----------------------------------------------------------------------------------


def delayed(drawn: Controlled, index: pd.MultiIndex) -> pd.Series:
    """Trade costs of the case with the delay of licences added."""
    cost = drawn.case.rows.set_index(KEYS)["cost"].reindex(index).copy()
    for instrument, args in drawn.rules:
        if instrument == "licence":
            cost[tuple(args[key] for key in KEYS)] += args["delay_cost"]
    return cost


@given(drawn=controlled())
def test_spending_and_money(drawn):
    res = drawn.solve()
    on_the_demand_curve(drawn.case, res)  # listed buyers and the rest together too
    money_goes_round(drawn.case, res, delayed(drawn, flows_of(res).index))


@given(drawn=controlled())
def test_rents_add_up(drawn):
    res = drawn.solve()
    table, flows, countries = res.rents(), res.flows, res.countries
    scale = flows["value"].sum()
    close(table[list(RECEIVERS)].sum(axis=1), table["rent"], EXACT, scale)
    by_flow = table.set_index(KEYS)["rent"].reindex(flows_of(res).index).fillna(0.0)
    close(flows_of(res)["rent"], by_flow, EXACT, scale)
    to_importer = table.groupby("importer")[["importer_firms", "importer_state"]].sum()
    to_exporter = table.groupby("exporter")[["exporter_firms", "exporter_state"]].sum()
    expected = to_importer.sum(axis=1).reindex(countries.index).fillna(0.0)
    expected += to_exporter.sum(axis=1).reindex(countries.index).fillna(0.0)
    close(countries["rent"], expected, EXACT, scale)
    close(countries["rent"].sum() + table["waste"].sum(), flows["rent"].sum(), EXACT, scale)


@given(drawn=controlled())
def test_welfare_adds_up(drawn):
    res = drawn.solve()
    c, scale = res.countries, res.flows["value"].sum()
    close(c[PARTS].sum(axis=1), c["welfare_change"], EXACT, scale)
    assert c.attrs["world"]["welfare_change"] == pytest.approx(
        c["welfare_change"].sum(), abs=EXACT * scale
    )
    f = res.flows
    duty = (f["revenue_new"] - f["revenue"]).groupby(f["importer"]).sum()
    tax = (f["export_tax_revenue_new"] - f["export_tax_revenue"]).groupby(f["exporter"]).sum()
    expected = duty.reindex(c.index).fillna(0.0) + tax.reindex(c.index).fillna(0.0)
    close(c["revenue_change"], expected, EXACT, scale)


@given(drawn=controlled(tariffs=True))
@pytest.mark.parametrize("by", ["total", "product", "importer", "exporter"])
def test_incidence_still_adds_up_to_the_revenue_change(by, drawn):
    res = drawn.solve()
    table = res.incidence(by=by)
    f = res.flows
    scale = f["value"].sum()
    close(table[MONEY].sum(axis=1), table["revenue_change"].fillna(0.0), EXACT, scale)
    own = f["tariff_new"] != f["tariff"]
    duty = (f["revenue_new"] - f["revenue"])[own].sum()
    close(table["revenue_change"].sum(), duty, EXACT, scale)


@given(drawn=controlled(n_countries=4))
def test_diversion_identities(drawn):
    res = drawn.solve()
    f = res.flows
    for importer in res.data.countries:
        mine = f[(f["importer"] == importer) & (f["value"] > 0) & (f["exporter"] != importer)]
        if mine.empty:
            continue
        table = res.diversion(importer=importer, exporter=mine["exporter"].iloc[0])
        flows = table[table["role"] != "lost demand"]
        scale = flows["value"].sum()
        close(flows["diversion"].sum(), 0.0, EXACT, scale)
        close(flows["diversion"] + flows["creation"], flows["volume_change"], EXACT, scale)
        close(table["volume_change"].sum(), 0.0, EXACT, scale)
        loss = -table.loc[table["role"] == "target", "volume_change"].sum()
        if abs(loss) > 1e-6 * scale:
            close(table["share"].sum(), 1.0, SOLVED)


@given(drawn=controlled(n_countries=4, supplies=(0.3, 1.0, 2.0)))
def test_deflection_identities(drawn):
    res = drawn.solve()
    rows = drawn.case.rows.set_index(KEYS)
    f = flows_of(res).join(rows[["supply", "export_tax"]]).reset_index()
    moved = f[(f["value"] > 0) & (f["quantity_ratio"] != 1.0) & (f["importer"] != f["exporter"])]
    assume(len(moved))
    importer, exporter = moved.iloc[0][["importer", "exporter"]]
    assume((f.loc[f["exporter"] == exporter].groupby("product")["importer"].size() > 1).any())
    table = res.deflection(importer=importer, exporter=exporter)
    scale = table["value"].sum()
    loss = -table.loc[table["role"] == "imposer", "volume_change"].sum()
    if abs(loss) > 1e-6 * scale:
        close(table.loc[table["role"] != "imposer", "share"].sum(), 1.0, SOLVED)
    goods = f.loc[
        (f["importer"] == importer) & (f["exporter"] == exporter) & (f["value"] > 0), "product"
    ]
    mine = f[(f["exporter"] == exporter) & f["product"].isin(goods)]
    made = (mine["value"] / (1 + mine["export_tax"])).groupby(mine["product"]).sum()
    slot = mine.groupby("product")[["producer_price_ratio", "supply"]].first()
    cut = (made * (1 - slot["producer_price_ratio"] ** slot["supply"])).sum()
    close(table.loc[table["role"] == "supply cut", "volume_change"].iloc[0], cut, SOLVED, scale)


WASTE_NOTHING = ("importer_firms", "importer_state", "exporter_firms", "exporter_state")


@given(case=tame(tariffs=False, taxes=False, costs=False), seed=SEEDS)
@pytest.mark.parametrize("instrument", [*LIMITS, "ban", "licence", "sellers", "buyers"])
def test_controls_on_a_market_without_distortions_never_raise_world_welfare(instrument, case, seed):
    rng = np.random.default_rng(seed)
    case = case.with_rows(tariff=0.0, tariff_new=0.0)
    row = replaceable(case, rng)
    assume(row is not None)
    args = named(row)
    if instrument in LIMITS[:3] or instrument == "purchase_commitment":
        args["quantity_ratio"] = float(rng.choice([0.2, 0.7, 1.5]))
    if instrument == "trq":
        args |= {"in_rate": 0.0, "over_rate": 0.5}
    if instrument == "min_import_price":
        args["ratio"] = float(rng.choice([0.9, 1.2, 2.0]))
    if instrument in LIMITS:
        args["rents"] = str(rng.choice(WASTE_NOTHING))
    if instrument == "licence":
        args |= {"approval": 0.5}
    if instrument in ("sellers", "buyers"):
        args |= {"side": instrument, "share": 0.5}
    name = "entity_list" if instrument in ("sellers", "buyers") else instrument
    res = case.solve(scenario=with_rules(tw.Scenario("control"), [(name, args)]))
    scale = res.flows["value"].sum()
    assert res.countries["welfare_change"].sum() <= EXACT * scale
    if instrument in LIMITS[:3] and args["quantity_ratio"] < 1 and instrument != "trq":
        assert res.countries["welfare_change"].sum() < 0


@given(drawn=controlled(tariffs=False, taxes=False, costs=False, instruments=LIMITS))
def test_wasted_rents_are_lost_to_the_world(drawn):
    """The same prices whoever gets the rent: waste takes exactly the rent from the world."""
    rules = tuple(
        (name, {k: v for k, v in args.items() if k != "rents"}) for name, args in drawn.rules
    )
    kept = Controlled(drawn.case, rules).solve()
    spoiled = tuple((name, args | {"rents": "waste"}) for name, args in rules)
    lost = Controlled(drawn.case, spoiled).solve()
    same(kept, lost, tolerance=0.0)
    scale = kept.flows["value"].sum()
    gap = kept.countries["welfare_change"].sum() - lost.countries["welfare_change"].sum()
    close(gap, kept.flows["rent"].sum(), EXACT, scale)


# ---- the batch, threads, order -------------------------------------------------------------------


@given(drawn=controlled(n_products=3))
def test_product_by_product_is_the_batch_bit_for_bit(drawn):
    whole = drawn.solve()
    flows, limits = flows_of(whole), whole.binding()
    for good, rows in drawn.case.rows.groupby("product"):
        part = Case(rows.reset_index(drop=True), drawn.case.two_level)
        there = set(rows["importer"]) | set(rows["exporter"])
        try:
            mine = Controlled(
                part,
                tuple(
                    (name, args | {"product": good})
                    for name, args in drawn.rules
                    if args["product"] in ("*", good)
                ),
            ).solve()
        except tw.errors.ScenarioError as error:  # a rule may have no flow in this product alone
            assert "matches no" in str(error) or not there
            continue
        expected = flows[flows.index.get_level_values("product") == good]
        pd.testing.assert_frame_equal(flows_of(mine), expected, check_exact=True)
        columns = ["instrument", "limit", "quantity_new", "premium", "binding"]
        pd.testing.assert_frame_equal(
            mine.binding()[columns],
            limits[limits["product"] == good][columns].reset_index(drop=True),
            check_exact=True,
        )


@given(drawn=controlled(n_products=3))
def test_threads_agree_bit_for_bit(drawn):
    one = drawn.solve(threads=1)
    for threads in (2, 4):
        other = drawn.solve(threads=threads)
        pd.testing.assert_frame_equal(one.flows, other.flows, check_exact=True)
        pd.testing.assert_frame_equal(one.binding(), other.binding(), check_exact=True)


@given(case=tame(n_products=3, n_countries=4), seed=SEEDS)
def test_threads_agree_bit_for_bit_on_pools(case, seed):
    scn = with_rules(case.scenario(), pooled_rules(case, np.random.default_rng(seed)))
    one, two = case.solve(scenario=scn, threads=1), case.solve(scenario=scn, threads=3)
    pd.testing.assert_frame_equal(one.flows, two.flows, check_exact=True)
    pd.testing.assert_frame_equal(one.binding(), two.binding(), check_exact=True)


@given(drawn=controlled(), seed=SEEDS)
def test_the_order_of_rows_changes_nothing_bit_for_bit(drawn, seed):
    shuffled = drawn.case.rows.sample(frac=1.0, random_state=seed).reset_index(drop=True)
    one = drawn.solve()
    two = drawn.case.solve(
        data=Case(shuffled, drawn.case.two_level).data(), scenario=drawn.scenario()
    )
    pd.testing.assert_frame_equal(flows_of(one), flows_of(two), check_exact=True)
    pd.testing.assert_frame_equal(one.rents(), two.rents(), check_exact=True)


@given(drawn=controlled(instruments=("export_quota", "import_quota", "min_import_price")))
def test_the_order_of_limits_does_not_matter(drawn):
    one = drawn.solve()
    two = Controlled(drawn.case, drawn.rules[::-1]).solve()
    # with equal groups and limits only the sum of the premia is determined
    same(one, two)


@given(drawn=controlled())
def test_scenarios_survive_json_and_frames(drawn):
    scn = drawn.scenario()
    assert tw.Scenario.from_json(scn.to_json()) == scn
    assert tw.Scenario.from_frame(scn.to_frame(), name=scn.name) == scn


@pytest.mark.filterwarnings("ignore:.*markets have no solution")
@given(seed=SEEDS)
def test_an_infeasible_limit_never_spoils_another_market(seed):
    case = make_case(seed, n_countries=4, n_products=3, **TAME)
    good = draw_controlled(seed, case)
    bad = make_case(seed + 1, n_countries=3, n_products=1, **TAME).rows.assign(product="P9")
    seller = bad.loc[(bad["importer"] != bad["exporter"]), "exporter"].iloc[0]
    bad = bad[(bad["exporter"] != seller) | (bad["importer"] != seller)]
    bad["supply"] = bad["supply"].mask(bad["exporter"] == seller, 0.0)
    both = Case(pd.concat([case.rows, bad], ignore_index=True), case.two_level)
    rules = [
        (name, args | ({"product": ["P1", "P2", "P3"]} if args["product"] == "*" else {}))
        for name, args in good.rules
    ]
    caps = {"exporter": seller, "product": "P9", "quantity_ratio": 0.5}
    scn = with_rules(both.scenario(), [*rules, ("export_quota", caps)])
    with pytest.raises(tw.errors.ScenarioError, match="P9"):
        both.solve(scenario=scn)
    res = both.solve(scenario=scn, on_error="record")
    assert list(res.markets.loc[~res.markets["converged"], "product"]) == ["P9"]
    f = flows_of(res)
    mine = f.index.get_level_values("product") != "P9"
    alone = Controlled(case, tuple(rules)).solve()
    pd.testing.assert_frame_equal(f[mine], flows_of(alone), check_exact=True)
    assert f.loc[~mine, PRICES].isna().all(axis=None)
    assert f.loc[~mine, ["value_new", "revenue_new", "rent"]].isna().all(axis=None)
    failed = res.binding().set_index("product").loc[["P9"]]
    assert failed[["premium", "quantity_new"]].isna().all(axis=None)
    assert not failed["binding"].any()
    assert "P9" not in set(res.rents()["product"])
    close(res.countries["rent"].reindex(alone.countries.index), alone.countries["rent"], EXACT)
