"""The published licence (A6) to every digit, through the public door and by the twin."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

import tradewar as tw
from tests.published.test_pe_published import agrees, read
from tests.reference import control_twin
from tests.reference.control_twin import Rule, World

ORIGINS = ["one", "two", "three"]
SHARES, SUPPLY = [70.0, 20.0, 10.0], [2.0, 0.5, 1.0]
FACE = ["import_quota", "export_quota"]
ROWS = read("a6_licence.csv")
[BAN] = read("a6_ban.csv")
HALF = 1e-12  # q of the capped origin against one half: the core's residual


@cache
def solve(instrument: str) -> tw.PEResult:
    data = tw.TradeData.from_frame(
        pd.DataFrame(
            {
                "exporter": ORIGINS,
                "importer": "home",
                "product": "good",
                "value": SHARES,
                "tariff": 0.0,
            }
        )
    )
    args = {} if instrument == "ban" else {"quantity_ratio": 0.5}
    scn = getattr(tw.Scenario("licence"), instrument)(importer="home", exporter="one", **args)
    supply = pd.DataFrame({"exporter": ORIGINS, "supply": SUPPLY})
    return tw.solve_pe(data, scn, substitution=2.0, demand=0.3, supply=supply)


def twin(*rules: Rule) -> control_twin.Solution:
    zero = np.zeros((1, 3))
    world = World(
        value=np.array([SHARES]),
        tariff=zero,
        tax=zero,
        sigma=np.array([2.0]),
        demand=np.array([0.3]),
        supply=np.array(SUPPLY),
        rules=rules,
    )
    return control_twin.solve(world)


@pytest.mark.parametrize("row", ROWS, ids=lambda r: " ".join(r.values()))
@pytest.mark.parametrize("instrument", FACE)
def test_licence(instrument, row):
    res = solve(instrument)
    name, key = row["quantity"], row["key"]
    flow = res.flows.set_index("exporter").loc[key] if key in ORIGINS else None
    if name == "equivalent":
        kind = "export_tax" if instrument == "export_quota" else "import_tariff"
        table = res.tariff_equivalents().set_index("exporter")
        found = table.loc[key, f"{kind}_equivalent"]
    elif name == "index_ratio":
        found = res.importers["price_index_ratio"].iloc[0]
    elif name == "total":
        found = res.countries["welfare_change"].sum()
    elif name in ("consumer_surplus", "producer_surplus"):
        found = res.countries.loc[key, f"{name}_change"]
    else:
        column = {"price_ratio": "producer_price_ratio", "buyer_ratio": "buyer_price_ratio"}
        found = flow[column.get(name, name)]
    agrees(float(found), row["value"])


@pytest.mark.parametrize("instrument", FACE)
def test_licence_tables_agree_with_each_other(instrument):
    res = solve(instrument)
    [limit] = res.binding().to_dict("records")
    flow = res.flows.set_index("exporter").loc["one"]
    assert limit["binding"] and limit["limit"] == 35.0
    assert limit["quantity_new"] == pytest.approx(35.0, rel=HALF)
    premium = flow["buyer_price_ratio"] - flow["producer_price_ratio"]
    assert limit["premium"] == pytest.approx(premium, rel=HALF)
    [rent] = res.rents().to_dict("records")
    holder, country = (
        ("exporter_firms", "one") if instrument == "export_quota" else ("importer_firms", "home")
    )
    assert rent["exporter"] == "one" and rent[holder] == rent["rent"] == flow["rent"]
    assert res.countries["rent"].to_dict() == {
        name: rent["rent"] if name == country else 0.0 for name in res.countries.index
    }


def test_ban():
    agrees(float(solve("ban").importers["price_index_ratio"].iloc[0]), BAN["value"])
    agrees(float(twin(Rule("ban", (0,), (0,))).at.index[0]), BAN["value"])


@pytest.mark.parametrize("instrument", FACE)
def test_twin_of_the_licence(instrument):
    found = twin(Rule(instrument, (0,), (0,), {"quantity_ratio": 0.5}))
    expected = {(row["quantity"], row["key"]): row["value"] for row in ROWS}
    for i, name in enumerate(ORIGINS):
        agrees(found.p[i], expected["price_ratio", name])
        agrees(found.q[0, i], expected["quantity_ratio", name])
        agrees(found.producer_surplus[i], expected["producer_surplus", name])
    agrees(found.at.u[0, 0], expected["buyer_ratio", "one"])
    agrees(found.at.index[0], expected["index_ratio", ""])
    agrees(found.consumer_surplus[0], expected["consumer_surplus", "home"])
    agrees(found.rents.sum(), expected["rent", "one"])
