"""Tables about quantity controls, listed buyers, and what a result under controls may not do."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import tradewar as tw
from tests.helpers_pe import KEYS
from tests.unit.test_controls import CAP, ELASTIC, EXACT, SOLVED, data, frame, new, solve
from tradewar.pe import _home_flows
from tradewar.pe_problem import Problem, join_listed, split_listed
from tradewar.rules import RECEIVERS

# ---- tables ----------------------------------------------------------------------------------


def test_tables_of_a_result_without_controls_are_empty_and_typed():
    res = solve(new().tariff(importer="USA", exporter="CHN", add=0.1))
    rents, limits_ = res.rents(), res.binding()
    assert rents.empty and list(rents.columns) == [*KEYS, *RECEIVERS, "rent"]
    assert all(rents[name].dtype == float for name in (*RECEIVERS, "rent"))
    assert limits_.empty and limits_["binding"].dtype == bool
    assert limits_["premium"].dtype == float
    assert res.tariff_equivalents().empty
    assert (res.flows["rent"] == 0).all() and (res.countries["rent"] == 0).all()


def test_shares_of_rents():
    shares = {"importer_firms": 0.1, "importer_state": 0.2, "exporter_firms": 0.3}
    shares |= {"exporter_state": 0.25, "waste": 0.15}
    res = solve(new().export_quota(**CAP, rents=shares))
    table = res.rents()
    for name, share in shares.items():
        np.testing.assert_allclose(table[name], share * table["rent"], rtol=EXACT)
    by_country = res.countries["rent"]
    total = table["rent"].sum()
    assert by_country["CHN"] == pytest.approx(0.55 * total, rel=EXACT)
    assert by_country[["JPN", "USA"]].sum() == pytest.approx(0.3 * total, rel=EXACT)
    assert by_country[["MEX", "VNM"]].eq(0).all()
    assert table.attrs["unit"]["rent"] == "USD"


def test_a_commitment_is_a_cost_to_its_payer():
    for payer, country in (("importer_state", "USA"), ("exporter_firms", "CHN")):
        scn = new().purchase_commitment(
            exporter="CHN", importer="USA", quantity_ratio=1.5, rents=payer
        )
        res = solve(scn)
        table = res.rents()
        assert (table["rent"] < 0).all() and (table[payer] == table["rent"]).all()
        assert res.countries["rent"][country] == pytest.approx(table["rent"].sum(), rel=EXACT)
    rate = res.tariff_equivalents().set_index("product")["subsidy_rate"]
    f = res.flows[(res.flows["exporter"] == "CHN") & (res.flows["importer"] == "USA")]
    u = f["border_price_ratio"].to_numpy() * (1 - rate.to_numpy())
    np.testing.assert_allclose(f["buyer_price_ratio"], u, rtol=EXACT)


def test_two_receivers_on_one_flow_share_its_premium():
    """A world-wide quota and a tighter one to a destination both bind."""
    scn = (
        new()
        .export_quota(exporter="CHN", quantity_ratio=0.6)
        .export_quota(exporter="CHN", importer="USA", quantity_ratio=0.3, rents="importer_state")
    )
    res = solve(scn)
    table = res.binding()
    assert table["binding"].all()
    premium = table.pivot(index="product", columns="rule", values="premium")
    rents = res.rents()
    usa = rents[rents["importer"] == "USA"].set_index("product")
    ratio = usa["importer_state"] / usa["exporter_firms"]
    np.testing.assert_allclose(ratio, premium[2] / premium[1], rtol=EXACT)
    japan = rents[rents["importer"] == "JPN"]
    assert (japan["exporter_firms"] == japan["rent"]).all()


def test_equivalents_of_weights_and_bans():
    scn = (
        new()
        .licence(exporter="CHN", product="A", approval=0.5)
        .ban(exporter="MEX", importer="USA", product="B")
    )
    table = solve(scn).tariff_equivalents().set_index(KEYS)["weight_equivalent"]
    np.testing.assert_allclose(table["CHN"], 0.5 ** (-1 / 3) - 1, rtol=EXACT)
    assert table["MEX", "USA", "B"] == float("inf")


def test_two_tariff_quotas_on_one_flow_share_duty_and_rent():
    """The second quota is exceeded and collects duty, the first just filled: a rent."""
    flow = {"exporter": "CHN", "importer": "USA", "product": "A", "in_rate": 0.05}
    scn = (
        new()
        .trq(**flow, quantity_ratio=0.7, over_rate=2.0, rents="importer_state")
        .trq(**flow, quantity_ratio=0.5, over_rate=0.15)
    )
    res = solve(scn)
    filled, exceeded = res.binding()["premium"]
    assert 0 < filled < 1.95 and exceeded == pytest.approx(0.10, rel=EXACT)
    row = res.flows.set_index(KEYS).loc[("CHN", "USA", "A")]
    part = 1 - 0.5 / 0.7  # of the flow above the second quota
    assert row["quantity_ratio"] == pytest.approx(0.7, rel=SOLVED)
    assert row["tariff_new"] == pytest.approx(0.05 + 0.10 * part, rel=SOLVED)
    assert row["revenue_new"] == pytest.approx(row["tariff_new"] * row["value_new"], rel=EXACT)
    [rent] = res.rents().to_dict("records")
    assert rent["importer_state"] == pytest.approx(filled * row["value_new"], rel=SOLVED)
    expected = 0.10 * (1 - part) * row["value_new"]
    assert rent["importer_firms"] == pytest.approx(expected, rel=SOLVED)


@pytest.mark.parametrize("ratio", [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8])
def test_a_quota_just_filled_collects_no_duty_above_its_rate(ratio):
    """Else rounding would make a changed tariff of it, and a pass-through of 1e14."""
    res = solve(new().trq(importer="USA", quantity_ratio=ratio, over_rate=3.0))
    assert res.binding()["binding"].all()
    assert (res.flows["tariff_new"] == res.flows["tariff"]).all()
    assert res.incidence().isna().all(axis=None)


def test_a_slack_control_leaves_every_number_alone():
    tariff = new().tariff(importer="USA", exporter="CHN", add=0.5)
    free = solve(tariff)
    slack = solve(tariff.export_quota(exporter="CHN", quantity_ratio=4.0))
    pd.testing.assert_frame_equal(free.flows, slack.flows, rtol=SOLVED)
    only = solve(tariff.export_quota(exporter="CHN", quantity_ratio=4.0, product="A"))
    rest = free.flows["product"] != "A"
    pd.testing.assert_frame_equal(free.flows[rest], only.flows[rest], check_exact=True)
    pd.testing.assert_frame_equal(free.incidence(), slack.incidence(), rtol=SOLVED)
    assert (slack.incidence()["licence_rent"] == 0).all()


def test_card_and_summary_speak_of_limits_and_rents():
    res = solve(new().export_quota(**CAP).import_quota(importer="JPN", quantity_ratio=3.0))
    card = str(res.card)
    assert "3 of 6 limits bind" in card
    assert re.search(r"Rents go to exporter_firms [\d.]+ USD", card)
    total = res.rents()["rent"].sum()
    assert res.summary().loc["rents of quantity controls", "change"] == pytest.approx(total)


# ---- listed buyers -----------------------------------------------------------------------------


def test_split_and_join_are_inverse_where_nothing_is_banned():
    """Parts of a destination that buy alike are the destination."""
    d = data(frame(home=True))
    scn = new().tariff(importer="USA", exporter="CHN", add=0.5)
    wedges = scn._apply(d)
    layout = d._layout
    slots = len(layout.imp_code)
    problem = Problem(
        exp_ptr=layout.exp_ptr,
        row_ptr=layout.row_ptr,
        imp_ptr=layout.imp_ptr,
        col=layout.col,
        value=d._value,
        t0=d._tariff,
        t1=wedges.tariff,
        x0=None,
        x1=None,
        cost=None,
        weight=None,
        sigma=np.full(slots, 4.0),
        eps=np.full(slots, 0.8),
        sigma_home=np.full(slots, 2.0),
        home=_home_flows(d),
        mu=np.full(len(layout.exp_code), 2.0),
    )
    plain = problem.solve(tol=1e-12, threads=1)
    share = np.where(np.arange(slots) % 2 == 0, 0.3, 0.0)
    split = split_listed(problem, share, np.zeros(len(d), dtype=bool))
    assert len(split.problem.value) > len(d)
    np.testing.assert_allclose(split.problem.value.sum(), d._value.sum(), rtol=EXACT)
    assert (np.diff(split.first) > 0).all()
    joined = join_listed(split, split.problem.solve(tol=1e-12, threads=1), problem.eps)
    for name in ("ln_p", "ln_P", "q"):
        np.testing.assert_allclose(getattr(joined, name), getattr(plain, name), atol=SOLVED)


def test_markets_cut_out_of_a_problem_solve_alike():
    d = data()
    scn = new().export_quota(**CAP).min_import_price(importer="USA", ratio=1.1)
    whole = tw.solve_pe(d, scn, **ELASTIC)
    part = tw.solve_pe(d.subset(product=["A", "C"]), scn, **ELASTIC)
    mine = whole.flows[whole.flows["product"] != "B"].reset_index(drop=True)
    pd.testing.assert_frame_equal(part.flows, mine, check_exact=True)


# ---- neighbours ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "scn",
    [
        new().export_quota(**CAP),
        new().import_quota(importer="USA", quantity_ratio=0.5),
        new().purchase_commitment(importer="USA", exporter="CHN", quantity_ratio=1.5),
        new().trq(importer="USA", quantity_ratio=0.5, in_rate=0.05, over_rate=2.0),
    ],
    ids=["export quota", "import quota", "commitment", "tariff quota"],
)
def test_a_result_with_premia_is_no_baseline(scn):
    """Value and tariff alone would misstate what buyers spend."""
    d = data()
    res = tw.solve_pe(d, scn, **ELASTIC)
    with pytest.raises(tw.errors.DataError, match="quantity controls bind"):
        d.rebase(res)
