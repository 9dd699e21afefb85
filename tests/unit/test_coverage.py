"""HS codes on a world of sectors: shares, their weights, what they do to each instrument."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import tradewar as tw
from tests.unit.ge_cases import make_world, world
from tradewar.errors import ScenarioError

EXACT = 1e-14


def rate(res, exporter, product, column="tariff_new", importer="USA"):
    rows = res.flows.set_index(["exporter", "importer", "product"])
    return rows.loc[(exporter, importer, product), column]


def share(res, exporter, product):
    rows = res.coverage.set_index(["exporter", "product"])
    return rows.loc[(exporter, product), "coverage"]


def of_us_imports(exporter, prefixes, sector):
    """The share by hand: what the goods are of the sector's US imports in 2024."""
    flows = tw.datasets.us_imports_2024().flows
    if exporter is not None:
        flows = flows[flows["exporter"] == exporter]
    sectors = tw.datasets.hs6_to_icio22()
    flows = flows[flows["product"].map(sectors) == sector]
    hit = flows["product"].str.startswith(tuple(prefixes))
    return flows.loc[hit, "value"].sum() / flows["value"].sum()


def solve(scn, w=None):
    return tw.solve_ge(world() if w is None else w, scn)


def test_added_tariff_is_the_covered_share():
    res = solve(
        tw.Scenario("chips").tariff(importer="USA", exporter="CHN", product="8542", add=0.5)
    )
    want = of_us_imports("CHN", ["8542"], "C26")
    assert share(res, "CHN", "C26") == pytest.approx(want, rel=1e-12)
    move = rate(res, "CHN", "C26") - rate(res, "CHN", "C26", "tariff")
    assert move == pytest.approx(0.5 * want, rel=1e-12)
    assert rate(res, "CHN", "C29") == rate(res, "CHN", "C29", "tariff")
    assert res.check()["ok"].all()


@pytest.mark.parametrize(
    ("args", "moved"),
    [
        ({"set": 0.8}, lambda t, s: t + s * (0.8 - t)),
        ({"scale": 3.0}, lambda t, s: t * (1 + 2 * s)),
        ({"add": 0.3}, lambda t, s: t + 0.3 * s),
    ],
)
def test_rates_move_by_the_share(args, moved):
    res = solve(tw.Scenario("x").tariff(importer="USA", exporter="CHN", product="85", **args))
    s = share(res, "CHN", "C26")
    assert 0.1 < s < 0.9
    before = rate(res, "CHN", "C26", "tariff")
    assert rate(res, "CHN", "C26") == pytest.approx(moved(before, s), rel=1e-12)


def test_a_code_for_the_whole_sector_acts_as_the_sector():
    sectors = tw.datasets.hs6_to_icio22()
    codes = list(sectors[sectors == "C29"].index)
    by_code = solve(tw.Scenario("x").tariff(importer="USA", exporter="CHN", product=codes, set=0.7))
    whole = solve(tw.Scenario("x").tariff(importer="USA", exporter="CHN", product="C29", set=0.7))
    assert share(by_code, "CHN", "C29") == 1.0
    assert rate(by_code, "CHN", "C29") == 0.7
    np.testing.assert_array_equal(by_code.welfare, whole.welfare)
    assert whole.coverage.empty


def test_a_ban_on_part_is_a_taste_weight():
    res = solve(tw.Scenario("x").ban(importer="USA", exporter="CHN", product="8703"))
    s = share(res, "CHN", "C29")
    row = res.tariff_equivalents().set_index("product").loc["C29"]
    assert row["weight_equivalent"] == pytest.approx((1 - s) ** (-1 / 3.0) - 1)
    assert rate(res, "CHN", "C29", "value_new") > 0


def test_costs_and_licences():
    scn = (
        tw.Scenario("x")
        .trade_cost(importer="USA", exporter="CHN", product="8703", ratio=1.5)
        .licence(importer="USA", exporter="CHN", product="8542", approval=0.5, delay_cost=0.2)
        .entity_list(side="sellers", share=0.5, importer="USA", exporter="MEX", product="8517")
    )
    res = solve(scn)
    cost = pd.Series(res.wedges.cost).where(lambda x: x != 1.0).dropna()
    weight = pd.Series(res.wedges.weight).where(lambda x: x != 1.0).dropna()
    s = res.coverage.set_index(["rule", "product"])["coverage"]
    want = [1 + 0.2 * s[(2, "C26")], 1 + 0.5 * s[(1, "C29")]]
    assert sorted(cost) == pytest.approx(sorted(want))
    want = [1 - 0.5 * s[(2, "C26")], 1 - 0.5 * s[(3, "C26")]]
    assert sorted(weight) == pytest.approx(sorted(want))


def test_productivity_of_part_of_a_sector():
    res = solve(tw.Scenario("x").productivity(country="VNM", product="8517", ratio=1.4))
    s = res.coverage["coverage"].unique()
    assert len(s) == 1
    n, j = world().countries.index("VNM"), world().products.index("C26")
    assert res.changes.productivity[n, j] == pytest.approx(1 + 0.4 * s[0])
    assert (np.delete(res.changes.productivity.ravel(), n * 3 + j) == 1.0).all()


def test_weights_are_stated():
    scn = tw.Scenario("x").tariff(product="8542", add=0.1)
    table = solve(scn).coverage
    assert set(table["importer"]) == {"CHN", "MEX", "USA", "VNM"}
    by_exporter = table.groupby("exporter")["weights"].unique()
    assert list(by_exporter["CHN"]) == ["US imports 2024 from CHN"]
    assert list(by_exporter["USA"]) == ["China's imports 2017 from USA"]
    text = " ".join(str(solve(scn).card).split())
    assert "Rule 1 names HS codes" in text
    assert "own sales to the US in 2024" in text
    assert "China's imports 2017 from USA" in text


def test_us_exports_are_weighted_by_what_china_bought():
    """The US imports few soybeans, and they were most of what China's farms' rivals sold."""
    scn = tw.Scenario("soy").import_quota(
        importer="CHN", exporter="USA", product="1201", quantity_ratio=0.1
    )
    s = share(solve(scn), "USA", "A01_02")
    flows = tw.datasets.china_imports_from_us_2017().flows
    heading = tw.datasets.hs6_to_icio22()
    heading = heading.groupby(heading.index.str[:4]).first()
    farm = flows[flows["product"].str[:4].map(heading) == "A01_02"]
    want = farm.loc[farm["product"].str.startswith("1201"), "value"].sum() / farm["value"].sum()
    assert s == pytest.approx(want, rel=0.02)  # headings of two sectors are few
    assert 0.55 < s < 0.75


def test_exporters_without_own_sales_take_those_of_all():
    trade = np.random.default_rng(1).uniform(1, 5, (2, 2, 1)) + 40 * np.eye(2)[:, :, None]
    w = tw.World.from_tables(
        trade, theta=4.0, tariff=0.0, countries=["Atlantis", "USA"], products=["C26"]
    )
    res = solve(tw.Scenario("x").tariff(importer="USA", product="8542", add=1), w)
    assert res.coverage["weights"].tolist() == ["US imports 2024 from all"]
    want = of_us_imports(None, ["8542"], "C26")
    assert share(res, "Atlantis", "C26") == pytest.approx(want, rel=1e-12)


def test_a_limit_on_a_small_part_of_a_sector_is_said():
    scn = tw.Scenario("licences").export_quota(
        exporter="CHN", importer="USA", product="8542", quantity_ratio=0.1
    )
    res = solve(scn)
    [row] = res.binding().itertuples()
    assert row.coverage == share(res, "CHN", "C26")
    text = " ".join(str(res).split())
    assert "Rule 1 limits 0.8 % of what is traded of C26" in text
    assert "held to 99.3 % of its quantity, which binds" in text
    assert "use solve_pe for them" in text
    whole = solve(
        tw.Scenario("x").export_quota(
            exporter="CHN", importer="USA", product="C26", quantity_ratio=0.1
        )
    )
    assert whole.binding()["coverage"].tolist() == [1.0]
    assert "what is traded of" not in str(whole)


def test_exceptions_by_code_and_country():
    base = tw.Scenario("x").tariff(importer="USA", product="85", add=0.1)
    less = tw.Scenario("x").tariff(
        importer="USA",
        product="85",
        add=0.1,
        except_=[{"exporter": "MEX", "product": "8517"}, {"exporter": "VNM"}],
    )
    all_, some = solve(base), solve(less)
    assert share(some, "CHN", "C26") == share(all_, "CHN", "C26")
    gap = share(all_, "MEX", "C26") - share(some, "MEX", "C26")
    assert gap == pytest.approx(of_us_imports("MEX", ["8517"], "C26"), rel=1e-9)
    assert "VNM" not in set(some.coverage["exporter"])
    bare = tw.Scenario("x").tariff(importer="USA", product="C26", add=0.1, except_="8517")
    res = solve(bare)
    assert share(res, "MEX", "C26") == pytest.approx(
        1 - of_us_imports("MEX", ["8517"], "C26"), rel=1e-9
    )


def test_goods_are_sectors_beside_codes():
    """Electricity has an HS code and is no good of an input-output table."""
    w = tw.World.from_tables(
        np.random.default_rng(1).uniform(1, 5, (2, 2, 3)) + 40 * np.eye(2)[:, :, None],
        theta=4.0,
        tariff=0.0,
        countries=["CAN", "USA"],
        products=["C20", "C26", "D"],
    )
    scn = tw.Scenario("x").tariff(importer="USA", product="goods", add=0.1, except_="8542")
    res = solve(scn, w)
    assert rate(res, "CAN", "D") == 0.0
    assert rate(res, "CAN", "C20") == 0.1
    assert 0.0 < rate(res, "CAN", "C26") < 0.1


def test_a_mixed_list_of_sectors_and_codes():
    scn = tw.Scenario("x").tariff(importer="USA", exporter="CHN", product=["A01_02", "8703"], add=1)
    res = solve(scn)
    assert share(res, "CHN", "A01_02") == 1.0
    assert 0 < share(res, "CHN", "C29") < 1


def test_a_concordance_of_the_world():
    rng = np.random.default_rng(3)
    trade = rng.uniform(1, 5, (2, 2, 2)) + 40 * np.eye(2)[:, :, None]
    mine = {"854231": "chips", "854232": "chips", "870323": "cars", "870340": "cars"}
    w = tw.World.from_tables(
        trade,
        theta=4.0,
        tariff=0.0,
        countries=["CHN", "USA"],
        products=["chips", "cars"],
        extra={"hs6_to_sector": mine},
    )
    res = solve(tw.Scenario("x").tariff(importer="USA", exporter="CHN", product="854231", add=1), w)
    assert 0 < share(res, "CHN", "chips") < 1
    other = make_world()
    assert "hs6_to_sector" not in other.extra


@pytest.mark.parametrize(
    ("product", "message"),
    [
        ("999999", "product='999999' matches no product"),
        ("85423910", "more than the six digits .* write '854239'"),
        ("0101", "covers no part of the 1 flows of its sectors: US imports of 2024"),
    ],
)
def test_codes_that_cover_nothing(product, message):
    scn = tw.Scenario("x").tariff(importer="USA", exporter="CHN", product=product, add=0.1)
    with pytest.raises(ScenarioError, match=message):
        solve(scn)


def test_a_world_without_hs_sectors():
    w = tw.World.from_tables(
        np.eye(2)[:, :, None] + 0.1,
        theta=4.0,
        tariff=0.0,
        countries=["CHN", "USA"],
        products=["goods"],
    )
    with pytest.raises(
        ScenarioError, match=r"sectors \(goods\) are not those of ICIO; name sectors"
    ):
        solve(tw.Scenario("x").tariff(importer="USA", product="85", add=0.1), w)


def test_labels_win_over_codes():
    """A world whose sectors are HS chapters needs no translation."""
    trade = np.random.default_rng(1).uniform(1, 5, (2, 2, 2)) + 40 * np.eye(2)[:, :, None]
    trade[1, 0] += 5.0  # China sells more
    w = tw.World.from_tables(
        trade, theta=4.0, tariff=0.0, countries=["CHN", "USA"], products=["84", "85"]
    )
    res = solve(tw.Scenario("x").tariff(importer="USA", exporter="CHN", product="85", add=1), w)
    assert res.coverage.empty
    assert rate(res, "CHN", "85") == 1.0
    res = solve(tw.Scenario("x").tariff(importer="USA", exporter="CHN", product="8", add=1), w)
    assert rate(res, "CHN", "84") == rate(res, "CHN", "85") == 1.0


def test_regions_are_weighted_by_their_members():
    trade = np.random.default_rng(1).uniform(1, 5, (4, 4, 1)) + 40 * np.eye(4)[:, :, None]
    names = ["CHN", "EU27", "ROW", "USA"]
    w = tw.World.from_tables(trade, theta=4.0, tariff=0.0, countries=names, products=["C26"])
    res = solve(tw.Scenario("x").tariff(importer="USA", product="8542", add=1), w)
    assert set(res.coverage["weights"]) == {f"US imports 2024 from {n}" for n in names[:3]}
    flows = tw.datasets.us_imports_2024().flows
    flows = flows[~flows["exporter"].isin(["CHN", "EU27", "USA"])]
    flows = flows[flows["product"].map(tw.datasets.hs6_to_icio22()) == "C26"]
    hit = flows["product"].str.startswith("8542")
    want = flows.loc[hit, "value"].sum() / flows["value"].sum()
    assert share(res, "ROW", "C26") == pytest.approx(want, rel=1e-12)
