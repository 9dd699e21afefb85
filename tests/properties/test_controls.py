"""What quantity controls are equal to: taxes, bans, each other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import tradewar as tw
from tests.helpers_controls import (
    LIMITS,
    foreign,
    pick,
    replaceable,
    tame,
    twin,
    with_rules,
)
from tests.helpers_pe import KEYS, Case, close, flows_of, make_case

EXACT = 1e-12  # an identity of the arithmetic: rounding only
SOLVED = 1e-9  # two solutions at a residual of 1e-12, times the conditioning of small markets
TINY = 1e-7  # a quota of 1e-8 at substitution 9 leaves (1e-8)^(8/9) of the origin's share
PARTS = ["consumer_surplus_change", "producer_surplus_change", "revenue_change", "rent"]
PRICES = ["quantity_ratio", "producer_price_ratio", "border_price_ratio", "buyer_price_ratio"]
SEEDS = st.integers(0, 2**32 - 1)

pytestmark = pytest.mark.filterwarnings("ignore:demand exceeds substitution")


def named(row) -> dict:
    """Selectors of one flow."""
    return {key: row[key] for key in KEYS}


def same(one: tw.PEResult, two: tw.PEResult, columns=PRICES, tolerance=SOLVED) -> None:
    """Compare columns of flows where something is sold."""
    a, b = flows_of(one), flows_of(two)
    live = (a["quantity_ratio"] > 0) & (a["value"] > 0)
    assert (live == ((b["quantity_ratio"] > 0) & (b["value"] > 0))).all()
    close(b[columns][live], a[columns][live], tolerance)


def same_welfare(one: tw.PEResult, two: tw.PEResult) -> None:
    scale = one.flows["value"].sum()
    close(two.countries["welfare_change"], one.countries["welfare_change"], SOLVED, scale)


def set_rates(case: Case, scenario: tw.Scenario, instrument: str, rate: pd.Series) -> tw.Scenario:
    """Rules for each flow with a rate, a Series by KEYS; above 1 in two steps, as it is asked."""
    rows = rate.rename("rate").reset_index().assign(instrument=instrument)
    large = rows[rows["rate"] > 1].rename(columns={"rate": "scale"})
    first = rows.rename(columns={"rate": "set"}).assign(set=rows["rate"].clip(upper=1.0))
    for part in (first, large):
        if len(part):
            scenario = scenario + tw.Scenario.from_frame(part, name="rates")
    return scenario


def on_the_demand_curve(case: Case, res: tw.PEResult) -> None:
    """Spending follows E P^(1 - eps)."""
    table = res.importers.set_index(["importer", "product"])
    eps = case.rows.groupby(["importer", "product"])["demand"].first().reindex(table.index)
    curve = table["expenditure"] * table["price_index_ratio"] ** (1 - eps)
    close(table["expenditure_new"], curve, SOLVED, res.flows["value"].sum())


def money_goes_round(case: Case, res: tw.PEResult, cost: pd.Series | None = None) -> None:
    """What buyers pay is what producers, states and licence holders get and freight eats up."""
    f = flows_of(res)
    r = case.rows.set_index(KEYS).reindex(f.index)
    cost = r["cost"] if cost is None else cost
    sold = f["value"] * f["quantity_ratio"]
    live = sold > 0
    paid = sold * (1 + f["tariff"]) * f["buyer_price_ratio"]
    made = sold / (1 + r["export_tax"]) * f["producer_price_ratio"]
    freight = f["value_new"] * (cost - 1) * (1 + f["tariff_new"])
    parts = made + f["export_tax_revenue_new"] + f["revenue_new"] + freight + f["rent"]
    close(parts[live], paid[live], EXACT * 10, f["value"].sum())


# ---- a quota is a tax, a commitment a subsidy ----------------------------------------------------


@given(case=tame(n_products=2), seed=SEEDS, ratio=st.sampled_from([0.3, 0.7]))
@pytest.mark.parametrize("wide", [False, True])
def test_export_quota_is_the_export_tax_at_its_shadow_rate(wide, case, seed, ratio):
    row = pick(case, np.random.default_rng(seed))
    where = named(row) | ({"importer": "*"} if wide else {})
    args = where | {"quantity_ratio": ratio, "rents": "exporter_state"}
    quota = case.solve(scenario=case.scenario().export_quota(**args))
    f = flows_of(quota)
    taxed = quota.tariff_equivalents().set_index(KEYS)["export_tax_equivalent"].sort_index()
    # A1' = A1 (1 + lx / (p A1/A0)): the new rate on top of the one that stands
    tax = case.rows.set_index(KEYS)["export_tax_new"].reindex(taxed.index)
    assert (taxed > 0).all()
    tax = case.solve(
        scenario=set_rates(case, case.scenario(), "export_tax", (1 + tax) * (1 + taxed) - 1)
    )
    same(quota, tax)
    same_welfare(quota, tax)
    premium = (f["border_price_ratio"] / f["producer_price_ratio"]).reindex(taxed.index)
    before = case.rows.set_index(KEYS).reindex(taxed.index)
    ratio_a = (1 + before["export_tax_new"]) / (1 + before["export_tax"])
    close(premium / ratio_a - 1, taxed, SOLVED)


@given(case=tame(n_products=2), seed=SEEDS, ratio=st.sampled_from([0.3, 0.7]))
@pytest.mark.parametrize("wide", [False, True])
def test_auctioned_import_quota_is_the_tariff(wide, case, seed, ratio):
    row = pick(case, np.random.default_rng(seed))
    where = named(row) | ({"exporter": "*"} if wide else {})
    args = where | {"quantity_ratio": ratio, "rents": "importer_state"}
    quota = case.solve(scenario=case.scenario().import_quota(**args))
    rate = quota.tariff_equivalents().set_index(KEYS)["import_tariff_equivalent"].sort_index()
    old = case.rows.set_index(KEYS)["tariff_new"].reindex(rate.index)
    tariff = case.solve(scenario=set_rates(case, case.scenario(), "tariff", old + rate))
    same(quota, tariff)
    # duty is due on the border value: with freight on top its revenue is another one
    if (case.rows["cost"] == 1.0).all():
        same_welfare(quota, tariff)


@given(case=tame(n_products=2, costs=False), seed=SEEDS)
def test_commitment_is_the_subsidy_that_its_payer_pays(case, seed):
    row = pick(case, np.random.default_rng(seed))
    scn = case.scenario().purchase_commitment(**named(row), quantity_ratio=1.5)
    held = case.solve(scenario=scn)
    rate = held.tariff_equivalents().set_index(KEYS)["subsidy_rate"].sort_index()
    assert (rate > 0).all()
    old = case.rows.set_index(KEYS)["tariff_new"].reindex(rate.index)
    subsidy = case.solve(
        scenario=set_rates(case, case.scenario(), "tariff", (1 + old) * (1 - rate) - 1)
    )
    same(held, subsidy)
    same_welfare(held, subsidy)


@given(case=tame(n_products=2), seed=SEEDS, ratio=st.sampled_from([1.05, 1.4]))
def test_price_floor_is_the_export_tax_that_lifts_the_price_to_it(case, seed, ratio):
    row = pick(case, np.random.default_rng(seed))
    scn = case.scenario().min_import_price(
        importer=row["importer"], ratio=ratio, rents="exporter_state"
    )
    floor = case.solve(scenario=scn)
    f = flows_of(floor)
    covered = (f.index.get_level_values("importer") == row["importer"]) & (
        f.index.get_level_values("exporter") != row["importer"]
    )
    assert (f["border_price_ratio"][covered] >= ratio * (1 - EXACT)).all()
    table = floor.tariff_equivalents().set_index(KEYS)["export_tax_equivalent"].sort_index()
    lifted = table[table > 0]
    close(f["border_price_ratio"].reindex(lifted.index), ratio, EXACT)
    tax = case.rows.set_index(KEYS)["export_tax_new"].reindex(lifted.index)
    rates = set_rates(case, case.scenario(), "export_tax", (1 + tax) * (1 + lifted) - 1)
    by_tax = case.solve(scenario=rates)
    same(floor, by_tax)
    same_welfare(floor, by_tax)


# ---- slack limits, and the way to a ban ----------------------------------------------------------


@given(case=tame(n_products=2), seed=SEEDS)
@pytest.mark.parametrize("instrument", LIMITS)
def test_slack_limit_is_no_limit(instrument, case, seed):
    free = case.solve()
    row = pick(case, np.random.default_rng(seed))
    f = flows_of(free).loc[tuple(row[key] for key in KEYS)]
    if instrument == "min_import_price":
        args = {"ratio": 0.99 * f["border_price_ratio"]}
    else:
        factor = 0.99 if instrument == "purchase_commitment" else 1.01
        args = {"quantity": factor * row["value"] * f["quantity_ratio"]}
    if instrument == "trq":
        args |= {"in_rate": float(row["tariff_new"]), "over_rate": float(row["tariff_new"]) + 0.5}
    scn = with_rules(case.scenario(), [(instrument, named(row) | args)])
    slack = case.solve(scenario=scn)
    same(free, slack)
    same_welfare(free, slack)
    assert not slack.binding()["binding"].any()
    assert slack.rents().empty
    close(slack.flows["rent"], 0.0, 0.0)
    close(slack.tariff_equivalents().get("export_tax_equivalent"), 0.0, 0.0)


@given(case=tame(n_products=1), seed=SEEDS)
@pytest.mark.parametrize("instrument", ["export_quota", "import_quota"])
def test_vanishing_quota_is_a_ban(instrument, case, seed):
    case = case.with_rows(substitution=9.0, home_substitution=9.0)
    row = replaceable(case, np.random.default_rng(seed))
    assume(row is not None)
    quota = with_rules(case.scenario(), [(instrument, named(row) | {"quantity_ratio": 1e-8})])
    a = case.solve(scenario=case.scenario().ban(**named(row)))
    b = case.solve(scenario=quota)
    # with its home good as the only other origin, a price index can rise without end
    index = a.importers["price_index_ratio"]
    assume(index.max() < 3)
    close(np.log(b.importers["price_index_ratio"]), np.log(index), 5 * TINY)
    # a flow without trade has a ratio too: at the price of an origin that sells nowhere, any number
    live = (flows_of(a)["quantity_ratio"] > 0) & (flows_of(a)["value"] > 0)
    close(flows_of(b)["quantity_ratio"][live], flows_of(a)["quantity_ratio"][live], 100 * TINY)


@given(case=tame(n_products=1, n_countries=4), seed=SEEDS)
def test_a_huge_tariff_tends_to_the_ban_and_the_ban_is_no_tariff(case, seed):
    # with a supply of 0.3 the producer would bear it: a price of T^-0.97, and hardly any less trade
    case = case.with_rows(substitution=9.0, home_substitution=9.0, supply=30.0)
    row = replaceable(case, np.random.default_rng(seed))
    assume(row is not None)
    ban = case.solve(scenario=case.scenario().ban(**named(row)))
    steps = ({"set": 1.0}, {"scale": 19.0}, {"scale": 19.0})  # a factor of 362
    rules = [("tariff", named(row) | step) for step in steps]
    tariff = case.solve(scenario=with_rules(case.scenario(), rules))
    index = ban.importers["price_index_ratio"]
    assume(index.max() < 3)
    close(np.log(tariff.importers["price_index_ratio"]), np.log(index), TINY)
    assert flows_of(ban).loc[tuple(row[key] for key in KEYS), "revenue_new"] == 0.0


# ---- tariff quotas -------------------------------------------------------------------------------


@given(case=tame(n_products=1), seed=SEEDS, wide=st.booleans())
@pytest.mark.parametrize("where", ["below", "at", "above"])
def test_tariff_quota_below_at_and_above_its_quantity(where, case, seed, wide):
    row = pick(case, np.random.default_rng(seed))
    flow = named(row) | ({"exporter": "*"} if wide else {})
    inside, outside = 0.05, 0.6
    low = case.solve(scenario=case.scenario().tariff(**flow, set=inside))
    high = case.solve(scenario=case.scenario().tariff(**flow, set=outside))
    rows = foreign(case, importer=row["importer"], product=row["product"])
    rows = rows if wide else rows[rows["exporter"] == row["exporter"]]
    keys = pd.MultiIndex.from_frame(rows[KEYS])

    def volume(res):
        f = flows_of(res).loc[keys]
        return (f["value"] * f["quantity_ratio"]).sum()

    most, least = volume(low), volume(high)
    quota = {"below": 1.01 * most, "at": 0.5 * (most + least), "above": 0.9 * least}[where]
    scn = case.scenario().trq(
        **flow, quantity=quota, in_rate=inside, over_rate=outside, rents="importer_state"
    )
    res = case.solve(scenario=scn)
    f = flows_of(res).loc[keys]
    bought = volume(res)
    border_value = f["border_price_ratio"] * f["value"] * f["quantity_ratio"]
    freight = rows.set_index(KEYS)["cost"].reindex(keys)
    [limit] = res.binding().to_dict("records")
    extra = limit["premium"]
    if where == "below":
        same(low, res)
        assert extra == 0.0 and not limit["binding"] and bought < quota
    elif where == "above":
        same(high, res)
        assert extra == outside - inside and bought > quota
        if (case.rows["cost"] == 1.0).all():
            same_welfare(high, res)
    else:
        close(bought, quota, SOLVED)
        assert 0.0 < extra < outside - inside
    share = min(1.0, quota / bought)
    close(f["rent"], extra * border_value * freight * share, SOLVED, border_value.sum())
    duty = border_value * (inside + (outside - inside) * (1 - share))
    close(f["revenue_new"], duty, SOLVED, border_value.sum())
    close(f["revenue_new"], f["tariff_new"] * f["value_new"], EXACT, border_value.sum())


# ---- pooled limits -------------------------------------------------------------------------------


@given(case=tame(n_products=1), seed=SEEDS)
@pytest.mark.parametrize("instrument", ["export_quota", "import_quota", "purchase_commitment"])
def test_pooled_limit_over_one_product_is_the_unpooled_one(instrument, case, seed):
    row = pick(case, np.random.default_rng(seed))
    ratio = 1.3 if instrument == "purchase_commitment" else 0.5
    rule = (instrument, {"exporter": row["exporter"], "quantity_ratio": ratio})
    one = case.solve(scenario=with_rules(case.scenario(), [rule]))
    rule[1]["pooled"] = True
    two = case.solve(scenario=with_rules(case.scenario(), [rule]))
    same(one, two)
    close(two.countries, one.countries, SOLVED, one.flows["value"].sum())
    columns = ["limit", "quantity_new", "premium"]
    close(two.binding()[columns], one.binding()[columns], SOLVED)


def pooled_rules(case: Case, rng: np.random.Generator) -> list[tuple[str, dict]]:
    """Two or three pools that overlap: on an exporter, on an importer, and a commitment.

    Under a tight import quota the commitment is low, or no price could meet both.
    """
    row = pick(case, rng)
    seller, buyer = row["exporter"], row["importer"]
    tight = rng.random() < 0.5
    rules = [
        ("export_quota", {"exporter": seller, "quantity_ratio": 0.6}),
        ("import_quota", {"importer": buyer, "quantity_ratio": 0.6 if tight else 2.0}),
    ]
    rest = foreign(case, importer=buyer)
    others = [x for x in rest["exporter"].unique() if x != seller]
    if others:
        spent = rest.loc[rest["exporter"] == others[0], "value"].sum()
        by_value = rng.random() < 0.5
        share = (0.1 if by_value else 0.4) if tight else 1.2
        kind = {"value": share * spent} if by_value else {"quantity_ratio": share}
        rules.append(("purchase_commitment", {"importer": buyer, "exporter": others[0], **kind}))
    return [(name, args | {"pooled": True}) for name, args in rules]


@given(case=tame(n_products=3, n_countries=4), seed=SEEDS)
@pytest.mark.parametrize("how_many", [1, 2, 3])
def test_pools_meet_their_limits_with_one_premium_everywhere(how_many, case, seed):
    """The premia found, put into the slow twin as numbers, give the same world and the limits."""
    rules = pooled_rules(case, np.random.default_rng(seed))[:how_many]
    res = case.solve(scenario=with_rules(case.scenario(), rules))
    r = case.rows
    lx, lm, keep = np.zeros(len(r)), np.zeros(len(r)), np.ones(len(r))
    members = []
    abroad = (r["exporter"] != r["importer"]).to_numpy()
    table = res.binding()
    assert (table["product"] == "(pooled)").all()
    for (name, args), limit in zip(rules, table.itertuples(), strict=True):
        mine = abroad.copy()
        for key in ("importer", "exporter"):
            if key in args:
                mine &= (r[key] == args[key]).to_numpy()
        members.append(mine)
        if name == "export_quota":
            lx[mine] += limit.premium
        elif name == "import_quota":
            lm[mine] += limit.premium
        else:
            keep[mine] *= 1.0 - limit.premium
    expected = twin(case, lx=lx, lm=lm, keep=keep)
    f = flows_of(res)
    live = f["value"] > 0
    for column, mine in (("quantity_ratio", "q"), ("border_price_ratio", "b")):
        close(f[column][live], expected[mine][live], SOLVED)
    t0 = (1 + f["tariff"])[live]
    close(f["buyer_price_ratio"][live] * t0, expected["u"][live] * t0, SOLVED)
    for (name, args), mine, limit in zip(rules, members, table.itertuples(), strict=True):
        hit = pd.MultiIndex.from_frame(r.loc[mine, KEYS])
        amount = f["value"] * f["quantity_ratio"]
        amount = amount * f["border_price_ratio"] if "value" in args else amount
        total = amount.loc[hit][f["value"].loc[hit] > 0].sum()
        close(limit.quantity_new, total, EXACT)
        gap = np.log(total / limit.limit) * (-1 if name == "purchase_commitment" else 1)
        assert limit.binding == (limit.premium > 0)
        assert abs(gap) <= SOLVED if limit.binding else gap <= SOLVED


@given(case=tame(n_products=3, n_countries=3, two_level=False), seed=SEEDS)
def test_pooled_quota_equals_an_outer_search(case, seed):
    """Brute force: bisect on one premium over the slow twin."""
    row = pick(case, np.random.default_rng(seed))
    rule = ("export_quota", {"exporter": row["exporter"], "quantity_ratio": 0.5, "pooled": True})
    res = case.solve(scenario=with_rules(case.scenario(), [rule]))
    mine = (case.rows["exporter"] == row["exporter"]) & (case.rows["importer"] != row["exporter"])
    hit = mine.to_numpy() & (case.rows["value"] > 0).to_numpy()
    keys = pd.MultiIndex.from_frame(case.rows.loc[hit, KEYS])
    value = case.rows.loc[hit, "value"].to_numpy()

    def total(premium):
        return (twin(case, lx=np.where(mine, premium, 0.0)).loc[keys, "q"].to_numpy() * value).sum()

    low, high = 0.0, 1.0
    while total(high) > 0.5 * value.sum():
        low, high = high, 2 * high
    while high - low > SOLVED * high:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if total(middle) > 0.5 * value.sum() else (low, middle)
    close(res.binding()["premium"], 0.5 * (low + high), 2 * SOLVED)


@pytest.mark.parametrize("substitution", [3.0, 10.0, 30.0])
def test_pools_of_close_substitutes_settle(substitution):
    """Limits on three rivals in one market: taken in turn alone they would creep."""
    case = make_case(5, n_countries=4, n_products=3, home=False, one_destination=True)
    case = case.with_rows(substitution=substitution, demand=0.2, supply=30.0, export_tax=0.0)
    rules = [
        ("import_quota", {"exporter": name, "quantity_ratio": ratio, "pooled": True})
        for name, ratio in zip(case.rows["exporter"].unique(), (0.5, 0.5, 0.9), strict=True)
    ]
    table = case.solve(scenario=with_rules(tw.Scenario("rivals"), rules)).binding()
    assert table["binding"].all()
    close(table["quantity_new"], table["limit"], 1e-10)


@given(case=tame(n_products=2, n_countries=4, costs=False), seed=SEEDS)
def test_pooled_subsidy_and_import_premium_on_one_flow(case, seed):
    """Buyers' spending is on their demand curve, whoever pays which part."""
    rng = np.random.default_rng(seed)
    row = pick(case, rng)
    buyer = row["importer"]
    rules = [
        ("import_quota", named(row) | {"quantity_ratio": 0.6}),
        ("purchase_commitment", {"importer": buyer, "quantity_ratio": 1.1, "pooled": True}),
    ]
    assume(len(foreign(case, importer=buyer)) > 2)
    res = case.solve(scenario=with_rules(case.scenario(), rules))
    on_the_demand_curve(case, res)
    money_goes_round(case, res)


@given(case=tame(n_products=2, n_countries=4, one_destination=True), seed=SEEDS)
def test_value_commitment_counts_export_premia(case, seed):
    row = pick(case, np.random.default_rng(seed))
    rows = foreign(case)
    scn = with_rules(
        case.scenario(),
        [
            ("export_quota", named(row) | {"quantity_ratio": 0.6}),
            ("purchase_commitment", {"value": 1.2 * rows["value"].sum()}),
        ],
    )
    assume(rows["exporter"].nunique() > 1)
    try:
        res = case.solve(scenario=scn)
    except tw.errors.ScenarioError:
        assume(False)  # the only other origin of a product may be unable to make up for it
    pool = res.binding().iloc[-1]
    f = res.flows
    total = f.loc[f["exporter"] != f["importer"], "value_new"].sum()
    close(pool["quantity_new"], total, EXACT)
    assert total >= pool["limit"] * (1 - SOLVED)
    if pool["binding"]:
        close(total, pool["limit"], SOLVED)


# ---- entity lists --------------------------------------------------------------------------------


@given(case=tame(n_products=2, two_level=False), seed=SEEDS, share=st.sampled_from([0.2, 0.7]))
@pytest.mark.parametrize("leakage", [0.0, 0.25])
@pytest.mark.parametrize("quota", [False, True])
def test_listed_buyers_are_a_destination_of_their_own(quota, leakage, case, seed, share):
    """Split by hand: rename the rows of the destination and divide their values."""
    rng = np.random.default_rng(seed)
    row = replaceable(case, rng)
    assume(row is not None)
    buyer, seller = row["importer"], row["exporter"]
    good = row["product"]
    z = share * (1 - leakage)
    listed = named(row) | {"side": "buyers", "share": share, "leakage": leakage}
    rules = [("entity_list", listed)]
    if quota:
        caps = {"exporter": seller, "product": good, "quantity_ratio": 0.6}
        rules.append(("export_quota", caps))
    res = case.solve(scenario=with_rules(case.scenario(), rules))

    r = case.rows
    hit = (r["importer"] == buyer) & (r["product"] == good)
    rest = r.assign(value=r["value"].where(~hit, r["value"] * (1 - z)))
    twins = r[hit].assign(importer="ZZ listed", value=r["value"][hit] * z)
    split = Case(pd.concat([rest, twins], ignore_index=True), False)
    scn = split.scenario().ban(importer="ZZ listed", exporter=seller, product=good)
    if quota:
        abroad = [x for x in split.rows["importer"].unique() if x != seller]
        if seller == "ZZ listed" or buyer == seller:
            assume(False)
        scn = scn.export_quota(**caps | {"importer": abroad})
    by_hand = split.solve(scenario=scn)

    def back(frame):
        renamed = frame.assign(importer=frame["importer"].replace("ZZ listed", buyer))
        return renamed.groupby(KEYS)[
            ["value", "value_new", "revenue_new", "export_tax_revenue_new", "rent"]
        ].sum()

    a, b = back(res.flows), back(by_hand.flows)
    close(b, a, SOLVED, r["value"].sum())
    one, two = res.countries, by_hand.countries
    for name in PARTS:
        joined = two[name].copy()
        joined[buyer] += joined.pop("ZZ listed")
        close(joined.reindex(one.index), one[name], SOLVED, r["value"].sum())
    prices = res.exporters.set_index(["exporter", "product"])["producer_price_ratio"]
    again = by_hand.exporters.set_index(["exporter", "product"])["producer_price_ratio"]
    close(again.reindex(prices.index), prices, SOLVED)


@given(case=tame(n_products=2), seed=SEEDS)
@pytest.mark.parametrize("side", ["buyers", "sellers"])
def test_a_list_of_nearly_nobody_changes_nearly_nothing(side, case, seed):
    row = replaceable(case, np.random.default_rng(seed))
    assume(row is not None)
    free = case.solve()
    gaps = []
    for share in (1e-5, 1e-6, 1e-7):
        scn = case.scenario().entity_list(**named(row), side=side, share=share)
        f = flows_of(case.solve(scenario=scn))["quantity_ratio"]
        gaps.append(np.abs(f - flows_of(free)["quantity_ratio"]).max())
    # linear in the share, down to the solver's own gap; how steep, depends on the rivals' size
    assert gaps[1] <= 0.101 * gaps[0] + SOLVED
    assert gaps[2] <= 0.101 * gaps[1] + SOLVED


@given(case=tame(n_products=2), seed=SEEDS, leakage=st.sampled_from([0.0, 0.4]))
def test_list_of_sellers_is_a_licence_with_the_same_weight(case, seed, leakage):
    row = replaceable(case, np.random.default_rng(seed))
    assume(row is not None)
    z = 0.6 * (1 - leakage)
    listed = case.scenario().entity_list(**named(row), side="sellers", share=0.6, leakage=leakage)
    licence = case.scenario().licence(**named(row), approval=1 - z)
    one, two = case.solve(scenario=listed), case.solve(scenario=licence)
    same(one, two, tolerance=EXACT)
    hit = np.logical_and.reduce([case.rows[key] == row[key] for key in KEYS])
    expected = twin(case, weight=np.where(hit, 1 - z, 1.0))
    f = flows_of(one)
    live = f["value"] > 0
    close(f["quantity_ratio"][live], expected["q"][live], SOLVED)
    [table] = one.tariff_equivalents().to_dict("records")
    sigma = float(row["substitution"])
    close(table["weight_equivalent"], (1 - z) ** (-1 / (sigma - 1)) - 1, EXACT)
