"""Published numbers of the homogeneous-good mode, through the public door."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest

import tradewar as tw

ROWS = list(
    csv.DictReader(
        line
        for line in (Path(__file__).parent / "a4_a5_spatial.csv").read_text("utf-8").splitlines()
        if not line.startswith("#")
    )
)
EXACT = 1e-9  # the numbers of A5 are integers and exact; the solver stops at 1e-12
ELASTIC = 1e6  # supply of A4: price moves by 1e-6 where the quantity doubles
PER_UNIT = 1e-9  # slope of A4's demand for one unit: it stays one unit


def miranda_fackler() -> tw.SpatialResult:
    inverse_supply = {"1": (9, 1), "2": (3, 2), "3": (18, 1)}
    inverse_demand = {"1": (42, 2), "2": (54, 3), "3": (51, 1)}
    transport = [[0, 3, 9], [3, 0, 3], [6, 3, 0]]
    supply = pd.DataFrame(
        [(k, -a / b, 1 / b) for k, (a, b) in inverse_supply.items()],
        columns=["exporter", "intercept", "slope"],
    )
    demand = pd.DataFrame(
        [(k, a / b, -1 / b) for k, (a, b) in inverse_demand.items()],
        columns=["importer", "intercept", "slope"],
    )
    cost = pd.DataFrame(
        [(i, n, transport[int(i) - 1][int(n) - 1]) for i in "123" for n in "123"],
        columns=["exporter", "importer", "cost"],
    )
    return tw.solve_spatial(supply=supply, demand=demand, cost=cost)


def textbook(mexico: float, form: str) -> tw.SpatialResult:
    sellers = ["Asia", "Mexico"]
    supply = pd.DataFrame(
        {"exporter": sellers, "price": [19.0, 20.0], "quantity": 1.0, "elasticity": ELASTIC}
    )
    demand = pd.DataFrame(
        {"importer": ["home"], "price": 20.0, "quantity": 1.0, "elasticity": PER_UNIT}
    )
    cost = pd.DataFrame({"exporter": sellers, "importer": "home", "cost": 0.0})
    tariff = cost.assign(tariff=[0.10, mexico])
    return tw.solve_spatial(
        supply=supply,
        demand=demand,
        cost=cost,
        tariff=tariff,
        form={"supply": "linear", "demand": form},
    )


@pytest.mark.parametrize("row", [r for r in ROWS if r["case"] == "A5"], ids=lambda r: r["key"])
def test_miranda_fackler(row):
    res = miranda_fackler()
    if row["quantity"] == "flow":
        found = res.flows.set_index(["exporter", "importer"])["quantity"][
            tuple(row["key"].split(">"))
        ]
    else:
        prices = res.prices.loc[row["key"]]
        assert prices["producer_price"] == pytest.approx(prices["buyer_price"], abs=EXACT)
        found = prices["buyer_price"]
    assert found == pytest.approx(float(row["value"]), abs=EXACT)


@pytest.mark.parametrize("form", ["linear", "isoelastic"])
def test_textbook_diversion(form):
    both, freed = textbook(0.10, form), textbook(0.0, form)
    welfare = freed.compare(both).loc["home"]
    found = {
        "asia_price": both.prices.at["Asia", "producer_price"],
        "mexico_price": freed.prices.at["Mexico", "producer_price"],
        "buyer_price_before": both.prices.at["home", "buyer_price"],
        "buyer_price_after": freed.prices.at["home", "buyer_price"],
        "consumer_surplus": welfare["consumer_surplus_change"],
        "revenue": welfare["revenue_change"],
        "welfare": welfare["welfare_change"],
    }
    wanted = {row["quantity"]: row["value"] for row in ROWS if row["case"] == "A4"}
    assert set(found) == set(wanted)
    for name, text in wanted.items():
        # far closer than half a unit of the last digit: what is left is 1 / ELASTIC
        assert found[name] == pytest.approx(float(text), abs=1e-4), name
    shares = both.flows.set_index("exporter")["quantity"]
    assert shares["Asia"] == pytest.approx(1.0, abs=1e-4) and shares["Mexico"] < 1e-4
    shares = freed.flows.set_index("exporter")["quantity"]
    assert shares["Mexico"] == pytest.approx(1.0, abs=1e-4) and shares["Asia"] < 1e-4
