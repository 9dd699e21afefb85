"""The homogeneous-good mode: conditions, limits, welfare that adds up, refusals with labels."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

import tradewar as tw
from tradewar import spatial
from tradewar.errors import ConvergenceError, DataError, DataWarning

CLOSE = 1e-9
ROUTES = ["exporter", "importer"]


def supply(**change):
    frame = pd.DataFrame(
        {
            "exporter": ["USA", "BRA", "ARG"],
            "price": [375.0, 380.0, 375.0],
            "quantity": [55.0, 68.0, 7.0],
            "elasticity": [0.5, 0.3, 0.2],
        }
    )
    return frame.assign(**change)


def demand(**change):
    frame = pd.DataFrame(
        {
            "importer": ["CHN", "ROW"],
            "price": [427.0, 400.0],
            "quantity": [90.0, 40.0],
            "elasticity": [0.3, 0.6],
        }
    )
    return frame.assign(**change)


def cost(**change):
    rows = [
        ("USA", "CHN", 40.0),
        ("BRA", "CHN", 35.0),
        ("ARG", "CHN", 40.0),
        ("USA", "ROW", 25.0),
        ("BRA", "ROW", 20.0),
    ]
    return pd.DataFrame(rows, columns=[*ROUTES, "cost"]).assign(**change)


def duty(us=0.03):
    rows = [("USA", "CHN", us), ("BRA", "CHN", 0.03), ("ARG", "CHN", 0.03)]
    return pd.DataFrame(rows, columns=[*ROUTES, "tariff"])


def limit(quantity=5.0, exporter="USA", importer="CHN", **more):
    return pd.DataFrame(
        {"exporter": [exporter], "importer": [importer], "quantity": [quantity], **more}
    )


def solve(**change):
    frames = {"supply": supply(), "demand": demand(), "cost": cost(), "tariff": duty()}
    units = {"price_unit": "USD/t", "quantity_unit": "Mt", "value_unit": "million USD"}
    return tw.solve_spatial(**{**frames, **units, "form": "isoelastic", **change})


def shipped(res, exporter, importer):
    return res.flows.set_index(ROUTES)["quantity"][exporter, importer]


FORMS = ["linear", "isoelastic", {"supply": "isoelastic", "demand": "linear"}]


# ---- conditions


@pytest.mark.parametrize("form", FORMS, ids=["linear", "isoelastic", "mixed"])
@pytest.mark.parametrize("quantity", [np.inf, 5.0, 0.0])
@pytest.mark.parametrize("us", [0.03, 0.28, -0.1])
def test_conditions_hold_by_hand(form, quantity, us):
    res = solve(form=form, tariff=duty(us), limit=limit(quantity))
    flows = res.flows
    price = res.prices
    delivered = (flows["producer_price"] + flows["cost"]) * (1.0 + flows["tariff"])
    gap = delivered + flows["premium"] - flows["price"]
    np.testing.assert_allclose(gap, flows["gap"], atol=CLOSE)
    assert (gap >= -CLOSE).all() and (flows["quantity"] >= 0.0).all()
    assert (np.minimum(flows["quantity"], gap) < 1e-7).all()
    assert (flows["quantity"] <= flows["limit"] + CLOSE).all()
    for label, total in flows.groupby("exporter")["quantity"].sum().items():
        row = supply().set_index("exporter").loc[label]
        p, e = price.at[label, "producer_price"] / row["price"], row["elasticity"]
        isoelastic = form != "linear"
        want = row["quantity"] * (p**e if isoelastic else 1.0 + e * (p - 1.0))
        assert total == pytest.approx(want, rel=CLOSE)
    for label, total in flows.groupby("importer")["quantity"].sum().items():
        row = demand().set_index("importer").loc[label]
        d, e = price.at[label, "buyer_price"] / row["price"], row["elasticity"]
        want = row["quantity"] * (d**-e if form == "isoelastic" else 1.0 - e * (d - 1.0))
        assert total == pytest.approx(want, rel=CLOSE)
    assert res.proof().attrs["largest"] < 1e-9


def test_point_of_calibration_is_an_equilibrium_of_its_own():
    # ARG cannot sell to ROW; the quantities given add up and the costs tie all routes
    res = solve(tariff=None, demand=demand(price=[415.0, 400.0]))
    assert res.prices["producer_price"].dropna().tolist() == pytest.approx([375.0, 380.0, 375.0])
    assert res.undetermined() == 1
    assert "1 flows could be shifted along ties" in res.card


def test_row_order_and_library_change_nothing():
    pl = pytest.importorskip("polars")
    one = solve()
    two = solve(
        supply=pl.from_pandas(supply().iloc[::-1]),
        cost=cost().sample(frac=1.0, random_state=1),
        tariff=pl.from_pandas(duty().iloc[::-1]),
    )
    pd.testing.assert_frame_equal(one.flows, two.flows, check_exact=True)


def test_inputs_are_not_changed():
    frames = {"supply": supply(), "demand": demand(), "cost": cost(), "tariff": duty()}
    copies = {name: frame.copy() for name, frame in frames.items()}
    tw.solve_spatial(**frames)
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, copies[name])


def test_units_scale():
    dollars, cents = (
        solve(),
        solve(
            supply=supply(price=supply()["price"] * 100),
            demand=demand(price=demand()["price"] * 100),
            cost=cost(cost=cost()["cost"] * 100),
        ),
    )
    np.testing.assert_allclose(cents.producer, 100 * dollars.producer, rtol=1e-10)
    np.testing.assert_allclose(cents.flow.sum(axis=0), dollars.flow.sum(axis=0), rtol=1e-10)


# ---- limits


def test_a_limit_that_does_not_bind_costs_nothing():
    free, slack = solve(), solve(limit=limit(1e3))
    np.testing.assert_allclose(slack.producer, free.producer, rtol=1e-12)
    assert (slack.flows["rent"] == 0.0).all() and "none binds" in slack.card


def test_auctioned_limit_is_the_tariff_that_lets_in_as_much():
    duty_25 = solve(tariff=duty(0.28), form="linear")
    let_in = shipped(duty_25, "USA", "CHN")
    quota = solve(limit=limit(let_in), form="linear")
    np.testing.assert_allclose(quota.producer, duty_25.producer, rtol=1e-9)
    np.testing.assert_allclose(quota.buyer, duty_25.buyer, rtol=1e-9)
    base = solve(form="linear")
    welfare = [res.compare(base)["welfare_change"] for res in (quota, duty_25)]
    np.testing.assert_allclose(welfare[0], welfare[1], rtol=1e-7)


def test_rents_go_where_they_are_sent():
    base = solve()
    home = solve(limit=limit())
    rent = home.flows["rent"].sum()
    assert rent > 0.0
    away = solve(limit=limit(), rents="exporter")
    mixed = solve(limit=limit(rent="exporter"))
    lost = solve(limit=limit(rent="waste"))
    for res, who in ((home, "CHN"), (away, "USA"), (mixed, "USA")):
        table = res.compare(base)
        assert table.at[who, "rent_change"] == pytest.approx(rent, rel=1e-9)
        assert table["rent_change"].sum() == pytest.approx(rent, rel=1e-9)
    world = lost.compare(base).attrs["world"]
    assert world["rent_change"] == 0.0 and world["waste_change"] == pytest.approx(rent, rel=1e-9)
    assert "Rents of limits go to: waste" in " ".join(lost.card.split())


def test_a_ban_has_a_price_and_no_flow():
    res = solve(limit=limit(0.0))
    row = res.flows.set_index(ROUTES).loc[("USA", "CHN")]
    assert row["quantity"] == row["rent"] == 0.0 and row["premium"] > 0.0
    assert row["gap"] == pytest.approx(0.0, abs=CLOSE)
    near = solve(limit=limit(1e-6)).flows.set_index(ROUTES).loc[("USA", "CHN")]
    assert near["premium"] == pytest.approx(row["premium"], rel=1e-4)


def test_capping_a_market_without_distortion_never_helps_the_world():
    base = solve(tariff=None)
    for quantity in (0.0, 1.0, 5.0, 15.0):
        res = solve(tariff=None, limit=limit(quantity))
        assert res.compare(base).attrs["world"]["welfare_change"] <= 1e-9


# ---- welfare


def test_welfare_adds_up_and_is_zero_against_itself():
    base, after = solve(), solve(tariff=duty(0.28))
    table = after.compare(base)
    parts = table.drop(columns="welfare_change").sum(axis=1)
    np.testing.assert_allclose(parts, table["welfare_change"])
    assert table.attrs["world"]["welfare_change"] == pytest.approx(table["welfare_change"].sum())
    assert (base.compare(base) == 0.0).all().all()
    back = base.compare(after)
    np.testing.assert_allclose(back.to_numpy(), -table.to_numpy(), atol=1e-9)
    assert table.at["USA", "producer_surplus_change"] < 0 < table.at["BRA", "welfare_change"]
    assert table.attrs["unit"]["welfare_change"] == "million USD"


@pytest.mark.parametrize("form", FORMS, ids=["linear", "isoelastic", "mixed"])
def test_surplus_is_the_area_along_the_curve(form):
    base, after = solve(form=form), solve(form=form, tariff=duty(0.28))
    table = after.compare(base)
    n = 20001
    for curves, labels, old, new, sign, column in (
        (base.supply, base.supply.labels, base.producer, after.producer, 1, "producer"),
        (base.demand, base.demand.labels, base.buyer, after.buyer, -1, "consumer"),
    ):
        for k, label in enumerate(labels):
            grid = np.linspace(old[k], new[k], n)
            along = np.array([curves.take(np.array([k])).quantity(grid[j : j + 1])[0]
                              for j in range(0, n, 100)])  # fmt: skip
            area = sign * np.trapezoid(along, grid[::100])
            assert table.at[label, f"{column}_surplus_change"] == pytest.approx(area, rel=1e-4)


def test_unit_elastic_demand_has_its_logarithm():
    base = solve(demand=demand(elasticity=1.0))
    after = solve(demand=demand(elasticity=1.0), tariff=duty(0.28))
    ratio = after.prices.at["CHN", "buyer_price"] / base.prices.at["CHN", "buyer_price"]
    spent = base.prices.at["CHN", "buyer_price"] * base.prices.at["CHN", "demand"]
    want = -spent * np.log(ratio)
    found = after.compare(base).at["CHN", "consumer_surplus_change"]
    assert found == pytest.approx(want, rel=1e-10)


def test_the_largest_sum_of_surpluses():
    """Without tariffs no other flows give more: try some."""
    res = solve(tariff=None, form="linear")

    def social(flow):
        total = 0.0
        for side, sums, sign in ((res.demand, flow.sum(0), 1), (res.supply, flow.sum(1), -1)):
            inverse = (sums / 2 - side.level) / side.slope  # mean of the inverse line from 0
            total += sign * float((inverse * sums).sum())
        return total - float((flow * np.where(np.isfinite(res.cost), res.cost, 0.0)).sum())

    best = social(res.flow)
    rng = np.random.default_rng(4)
    for _ in range(200):
        other = np.maximum(res.flow + rng.normal(0.0, 2.0, res.flow.shape), 0.0)
        other = np.where(np.isfinite(res.cost), other, 0.0)
        assert social(other) <= best + 1e-9


# ---- places without trade, and hard cases


@pytest.mark.filterwarnings("ignore::tradewar.errors.DataWarning")
def test_a_place_cut_off_keeps_to_itself():
    res = solve(form="linear", limit=limit(0.0, exporter="ARG"))
    row = res.prices.loc["ARG"]
    assert row["supply"] == 0.0
    assert row["producer_price"] == pytest.approx(375.0 * (1.0 - 1.0 / 0.2))
    iso = solve(limit=limit(0.0, exporter="ARG"))
    assert iso.prices.at["ARG", "producer_price"] == 0.0
    assert iso.compare(solve()).at["ARG", "producer_surplus_change"] < 0.0


@pytest.mark.filterwarnings("ignore::tradewar.errors.DataWarning")
def test_negative_prices_are_named():
    with pytest.warns(DataWarning, match=r"price of ARG is negative.*isoelastic"):
        res = solve(form="linear", limit=limit(0.0, exporter="ARG"))
    assert "ARG is negative" in " ".join(res.card.split())


@pytest.mark.parametrize(("price", "elasticity"), [(150.0, 30.0), (150.0, 100.0), (250.0, 100.0)])
def test_steep_curves_far_from_the_start(price, elasticity):
    # The core alone stops short here; tangents to the curves get there.
    frames = {
        "supply": pd.DataFrame(
            {
                "exporter": ["a"],
                "price": [price],
                "quantity": 10.0,
                "elasticity": elasticity,
            }
        ),
        "demand": pd.DataFrame(
            {"importer": ["n"], "price": [200.0], "quantity": 10.0, "elasticity": 0.5}
        ),
        "cost": pd.DataFrame({"exporter": ["a"], "importer": ["n"], "cost": [0.0]}),
    }
    res = tw.solve_spatial(**frames, form="isoelastic", start=600.0)
    # 10 (p/price)^e = 10 (p/200)^-1/2
    want = (price**elasticity * 200.0**0.5) ** (1.0 / (elasticity + 0.5))
    assert res.prices.at["n", "buyer_price"] == pytest.approx(want, rel=1e-8)
    assert res.proof().attrs["largest"] < 1e-6


def test_a_market_that_the_core_calls_solved_and_that_does_not_clear(monkeypatch):
    real, calls = spatial._core.spatial_solve, []

    def wrong(*arguments):
        producer, buyer, flow, rent, _, residual = real(*arguments)
        calls.append(arguments)
        return producer, buyer, flow * (1.01 if len(calls) <= failures else 1.0), rent, 3, residual

    monkeypatch.setattr(spatial._core, "spatial_solve", wrong)
    failures = 2
    res = solve(form="linear")
    assert len(calls) == 3 and res.proof().attrs["largest"] < 1e-9
    failures = 10**6
    with pytest.raises(ConvergenceError, match="no equilibrium found"):
        solve(form="linear")


def test_who_is_priced_out_sells_nothing_at_no_price():
    dear = cost()
    dear.loc[dear["exporter"] == "ARG", "cost"] = 5e3
    res = solve(cost=dear)
    assert res.prices.at["ARG", "supply"] < 1e-6
    assert res.proof().attrs["largest"] < 1e-6


def test_fixed_supply_is_sold():
    res = solve(supply=supply(elasticity=[0.5, 0.3, 0.0]))
    assert res.prices.at["ARG", "supply"] == pytest.approx(7.0)
    with pytest.raises(DataError, match=r"supply of ARG \(7 for sale, at most 2 may leave\)"):
        solve(supply=supply(elasticity=[0.5, 0.3, 0.0]), limit=limit(2.0, exporter="ARG"))


@pytest.mark.filterwarnings("ignore::tradewar.errors.DataWarning")
def test_random_worlds():
    rng = np.random.default_rng(2)
    for _ in range(40):
        ni, nn = rng.integers(1, 6, 2)
        quantity = rng.uniform(5.0, 50.0, ni)
        s = pd.DataFrame(
            {
                "exporter": [f"e{k}" for k in range(ni)],
                "price": rng.uniform(300.0, 500.0, ni),
                "quantity": quantity,
                "elasticity": rng.choice([0.1, 0.5, 2.0, 8.0], ni),
            }
        )
        share = rng.dirichlet(np.ones(nn))
        d = pd.DataFrame(
            {
                "importer": [f"n{k}" for k in range(nn)],
                "price": rng.uniform(300.0, 500.0, nn),
                "quantity": share * quantity.sum() + 0.5,
                "elasticity": rng.uniform(0.1, 3.0, nn),
            }
        )
        c = s[["exporter"]].merge(d[["importer"]], how="cross")
        c["cost"] = rng.uniform(0.0, 80.0, len(c))
        t = c.assign(tariff=rng.choice([0.0, 0.25], len(c)))
        q = c.assign(quantity=np.where(rng.random(len(c)) < 0.2, 3.0, np.inf))
        for form in ("linear", "isoelastic"):
            res = tw.solve_spatial(supply=s, demand=d, cost=c, tariff=t, limit=q, form=form)
            assert res.proof().attrs["largest"] < 1e-6


def test_no_equilibrium_is_an_error_with_names(monkeypatch):
    def stuck(*arguments):
        raise ConvergenceError("TW_NOCONV", 7, 0.5, -1)

    monkeypatch.setattr(spatial._core, "spatial_solve", stuck)
    with pytest.raises(ConvergenceError, match="between ARG, BRA, USA and CHN, ROW") as caught:
        solve()
    assert caught.value.labels == ("ARG", "BRA", "USA", "CHN", "ROW")
    assert (caught.value.iterations, caught.value.residual) == (7, 0.5)
    with pytest.warns(DataWarning, match="no equilibrium found"):
        res = solve(on_error="record")
    assert not res.info["converged"] and res.flows["quantity"].isna().all()
    with pytest.raises(DataError, match="was not solved"):
        res.compare(res)


# ---- refusals


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"supply": supply(elasticity=[0.5, -1.0, 0.2])}, r"elasticity.*row 1.*BRA.*0 or more"),
        ({"supply": supply(elasticity=[0.5, np.inf, 0.2])}, r"infinite.*row 1.*large one"),
        ({"demand": demand(elasticity=[0.0, 0.6])}, r"row 0.*CHN.*above 0 \(a magnitude\)"),
        ({"demand": demand(quantity=[-1.0, 2.0])}, r"price or quantity not above 0.*CHN"),
        ({"supply": supply().drop(columns="elasticity")}, r"has price, quantity: give price"),
        ({"supply": supply(intercept=1.0)}, r"has price, quantity, elasticity, intercept: give"),
        ({"supply": supply(exporter="USA")}, r"3 rows.*a row stands twice.*USA"),
        ({"cost": pd.concat([cost(), cost().head(1)])}, r"a row stands twice.*USA.*CHN"),
        ({"cost": cost(cost=-1.0)}, r"5 rows of the frame cost: no cost of 0 or more"),
        ({"cost": cost().replace("CHN", "CHM")}, r"not in demand; did you mean 'CHN'"),
        ({"tariff": duty().replace("ARG", "URY")}, r"not in supply.*row 2.*has ARG"),
        ({"tariff": duty(28.0)}, r"a tariff above 5.*25 % is 0.25"),
        ({"tariff": duty(-1.0)}, r"no tariff above -1"),
        ({"limit": limit(np.nan)}, r"no limit of 0 or more.*row 0"),
        ({"limit": limit(1.0, exporter="ARG", importer="ROW")}, r"limit on a pair without a route"),
        ({"limit": limit(1.0, rent="nobody")}, r"rent to nobody known.*importer, exporter, waste"),
        ({"form": "cubic"}, r"form='cubic'"),
        ({"form": {"supply": "linear"}}, r"form=\{'supply': 'linear'\}"),
        ({"rents": "me"}, r"rents='me'"),
        ({"on_error": "ignore"}, r"on_error='ignore'"),
        ({"threads": 0}, r"threads=0"),
        ({"tol": 0.0}, r"tol=0.0"),
        ({"start": -3.0}, r"start=-3.0"),
        ({"supply": 3}, r"frame supply is a int"),
        ({"limit": pd.concat([limit(0.0, importer=n) for n in ("CHN",)] +
                             [limit(0.0, exporter=e) for e in ("BRA", "ARG")])},
         r"demand of CHN has no open route.*isoelastic demand never ends"),
    ],
)  # fmt: skip
def test_refusals_name_what_is_wrong(change, message):
    with pytest.raises(DataError) as caught:
        solve(**change)
    assert pd.Series([str(caught.value).replace("\n", " ")]).str.contains(message).all(), (
        caught.value
    )


def test_lines_that_slope_the_wrong_way():
    lines = pd.DataFrame({"exporter": ["a"], "intercept": [0.0], "slope": [-1.0]})
    falling = pd.DataFrame({"importer": ["n"], "intercept": [10.0], "slope": [-1.0]})
    route = pd.DataFrame({"exporter": ["a"], "importer": ["n"], "cost": [0.0]})
    with pytest.raises(DataError, match=r"slopes the wrong way.*\n.*\n.*-a/b and 1/b"):
        tw.solve_spatial(supply=lines, demand=falling, cost=route)
    with pytest.raises(DataError, match=r"a/b and -1/b"):
        tw.solve_spatial(
            supply=lines.assign(slope=1.0), demand=falling.assign(slope=1.0), cost=route
        )
    with pytest.raises(DataError, match='intercept and slope are of form="linear"'):
        tw.solve_spatial(
            supply=lines.assign(slope=1.0), demand=falling, cost=route, form="isoelastic"
        )
    home = route.assign(importer="a")
    with pytest.raises(DataError, match="a tariff on home sales"):
        tw.solve_spatial(
            supply=lines.assign(slope=1.0),
            demand=falling.assign(importer="a"),
            cost=home,
            tariff=home.assign(tariff=0.1),
        )


def test_curves_too_steep_for_their_form():
    with pytest.raises(DataError, match=r"supply: elasticities of .* too large for an isoelastic"):
        solve(supply=supply(elasticity=1e6))
    assert solve(supply=supply(elasticity=1e4), form="linear").info["converged"]


def test_results_of_other_curves_do_not_compare():
    base = solve()
    with pytest.raises(DataError, match="supply curves of BRA differ between the two results"):
        solve(supply=supply(quantity=[55.0, 75.0, 7.0])).compare(base)
    with pytest.raises(DataError, match="supply of the two results differs"):
        solve(form="linear").compare(base)
    with pytest.raises(DataError, match="base is a DataFrame"):
        base.compare(base.flows)
    # another starting price refers the levels to another unit, and is the same curve
    assert solve(start=300.0).compare(base)["welfare_change"].abs().max() < 1e-6


# ---- looks


def test_prints_pickles_and_says_what_it_is():
    res = solve(limit=limit(), name="cap")
    assert str(res).startswith("cap: spatial price equilibrium, 3 exporters, 2 importers")
    assert "USD/t" in str(res) and "bn USD" in str(res)
    assert "<table" in res._repr_html_()
    text = " ".join(res.card.split())
    assert "No cost given, so no route: ARG->ROW" in text
    assert "USA->CHN bind" in text and "isoelastic, elasticity 0.2 to 0.5" in text
    again = pickle.loads(pickle.dumps(res))
    pd.testing.assert_frame_equal(again.flows, res.flows)
    assert "Samuelson" in res.cite() and res.to_frame().equals(res.flows)
    assert res.flows.attrs["unit"]["rent"] == "million USD"
    assert res.prices.attrs["unit"]["buyer_price"] == "USD/t"
    with pytest.raises(ValueError, match="read-only"):
        res.flow[0, 0] = 1.0
    with pytest.raises((AttributeError, TypeError)):
        res.name = "other"


def test_plot_of_prices():
    matplotlib = pytest.importorskip("matplotlib")
    import matplotlib.pyplot as plt

    plt.switch_backend("Agg")
    before = dict(matplotlib.rcParams)
    base, after = solve(), solve(tariff=duty(0.28), name="+25")
    ax = after.plot.prices(base=base)
    labels = [text.get_text() for text in ax.get_yticklabels()]
    assert labels == ["Argentina", "Brazil", "China", "Rest of the world", "United States"]
    new = next(line for line in ax.lines if line.get_label() == "Producers receive")
    table = after.prices["producer_price"]
    np.testing.assert_array_equal(new.get_xdata(), table)
    words = " ".join(" ".join(text.get_text() for text in ax.texts).split())
    assert "+25: hollow marks: before" in words and "USD/t" in ax.get_xlabel()
    _, own = plt.subplots()
    assert base.plot.prices(ax=own) is own
    assert dict(matplotlib.rcParams) == before
    plt.close("all")
