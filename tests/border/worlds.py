"""Small and large worlds for the tests of the border between C and Python."""

from __future__ import annotations

import numpy as np
import pandas as pd

import tradewar as tw

KEYS = ["exporter", "importer", "product"]


def frame(countries: int = 6, products: int = 8, seed: int = 1) -> pd.DataFrame:
    """Draw flows between all pairs of countries, home sales left out."""
    rng = np.random.default_rng(seed)
    names = [f"C{k:02d}" for k in range(countries)]
    goods = [f"{k:06d}" for k in range(products)]
    index = pd.MultiIndex.from_product([goods, names, names], names=["product", *KEYS[:2]])
    df = index.to_frame(index=False)
    df = df[df["exporter"] != df["importer"]].reset_index(drop=True)
    df["value"] = rng.lognormal(3.0, 1.5, len(df))
    df["tariff"] = rng.uniform(0.0, 0.3, len(df)).round(3)
    return df[[*KEYS, "value", "tariff"]]


def data(**sizes: int) -> tw.TradeData:
    """Make a TradeData of :func:`frame`."""
    return tw.TradeData.from_frame(frame(**sizes))


def scenario() -> tw.Scenario:
    """Add 100 points on what C00 buys from C01."""
    return tw.Scenario("add 100 points").tariff(importer="C00", exporter="C01", add=1.0)


ELASTICITIES = {"substitution": 3.0, "demand": 1.2, "supply": 2.0}


def solve(trade: tw.TradeData | None = None, **options: object) -> tw.PEResult:
    """Solve the scenario with plain elasticities."""
    trade = data() if trade is None else trade
    return tw.solve_pe(trade, scenario(), **{**ELASTICITIES, **options})


def economy() -> tw.World:
    """Three countries, two products, inputs, tariffs and export taxes."""
    rng = np.random.default_rng(4)
    trade = rng.lognormal(1.0, 0.5, (3, 3, 2)) + 20.0 * np.eye(3)[:, :, None]
    use = rng.uniform(0.1, 0.3, (3, 2, 2))
    return tw.World.from_tables(
        trade,
        theta=[4.0, 6.0],
        tariff=0.1,
        export_tax=0.05,
        input_use=use,
        value_added=1.0 - use.sum(axis=1),
        countries=["A", "B", "C"],
        products=["food", "cars"],
        year=2022,
        source="made up",
    )


def war() -> tw.Scenario:
    """A tariff and a quota between two countries of `economy`."""
    scn = tw.Scenario("war").tariff(importer="A", exporter="B", product="cars", add=0.5)
    return scn.export_quota(exporter="B", importer="C", quantity_ratio=0.7)


def solve_economy(**options: object) -> tw.GEResult:
    """Solve `economy` for `war`."""
    return tw.solve_ge(economy(), war(), **options)


def spatial() -> tw.SpatialResult:
    """Two sellers of one good, one buyer, no freight."""
    sellers = {"exporter": ["A", "B"], "price": [19.0, 20.0], "quantity": 1.0, "elasticity": 2.0}
    buyers = {"importer": ["home"], "price": 20.0, "quantity": 2.0, "elasticity": 1.0}
    cost = pd.DataFrame({"exporter": ["A", "B"], "importer": "home", "cost": 0.0})
    return tw.solve_spatial(supply=pd.DataFrame(sellers), demand=pd.DataFrame(buyers), cost=cost)


def schedule() -> tw.Schedule:
    """Two layers, one of them raised, a list of products and a threat."""
    rows = [
        ("USA", "WLD", "tariff", "mfn", "all", 0.025, "2018-01-01"),
        ("USA", "CHN", "tariff", "s301", "list_3", 0.10, "2018-09-24"),
        ("USA", "CHN", "tariff", "s301", "list_3", 0.25, "2019-05-10"),
        ("USA", "CHN", "threat", "threat", "all", 1.0, "2025-11-01"),
    ]
    columns = ["imposer", "target", "instrument", "layer", "scope", "rate", "effective"]
    return tw.Schedule.from_frame(
        pd.DataFrame(rows, columns=columns), name="small", lists={"list_3": ["850440", "0101"]}
    )
