"""Small results that the tests of result tables share, and their tolerances."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from tradewar.data import TradeData
from tradewar.pe import solve_pe
from tradewar.scenario import Scenario

PRINTED = 1e-6  # the vectors are given to 7 digits and more
PRINTED_EXACT = 6e-8  # ... and to 10 digits where the model is exact
SUMS = 1e-9  # money columns of order 1e3 that must add up, rounding errors only
CLEARING = 1e-9  # supply p^mu against quantities sold, relative to money of order 1e3
KEYS = ["exporter", "importer", "product"]
MONEY = [
    "buyers",
    "exporters",
    "lost_old_revenue",
    "trade_cost",
    "licence_rent",
]


def frame(rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[*KEYS, "value", "tariff"])


def gsim() -> TradeData:
    """Vector A1: four regions, rows exporters, columns importers."""
    regions = ["US", "JP", "EU", "RW"]
    value = [[0, 50, 200, 300], [500, 0, 150, 200], [300, 100, 200, 200], [50, 100, 110, 20]]
    tariff = [
        [1, 1.21, 1.41, 1.22],
        [1.37, 1, 1.31, 1.23],
        [1.32, 1.36, 1, 1.18],
        [1.57, 1.41, 1.25, 1.15],
    ]
    return TradeData.from_frame(
        frame(
            (e, n, "goods", float(value[i][j]), tariff[i][j] - 1.0)
            for i, e in enumerate(regions)
            for j, n in enumerate(regions)
        )
    )


FREE_TRADE = (
    Scenario("EU-US free trade")
    .tariff(importer="US", exporter="EU", set=0.0)
    .tariff(importer="EU", exporter="US", set=0.0)
)
PLUS_100 = Scenario("+100 on JP").tariff(importer="US", exporter="JP", set=1.37)


def solve_gsim(scenario, **options):
    return solve_pe(gsim(), scenario, substitution=5.0, demand=1.25, supply=1.5, **options)


def world(seed: int = 1, tax: bool = True) -> TradeData:
    """Five countries, four products, home sales, export taxes, some flows zero."""
    rng = np.random.default_rng(seed)
    labels = ["AAA", "BBB", "CCC", "DDD", "EEE"]
    rows = []
    for product in ("p1", "p2", "p3", "p4"):
        for e in labels:
            for n in labels:
                value = rng.lognormal(3.0, 1.0) * (8.0 if e == n else 1.0)
                value = 0.0 if rng.random() < 0.1 and e != n else value
                rate = 0.0 if e == n else rng.uniform(0.0, 0.3)
                rows.append((e, n, product, value, rate))
    table = frame(rows)
    if tax:
        table["export_tax"] = np.where(
            table["exporter"] == table["importer"], 0.0, rng.uniform(0.0, 0.1, len(table))
        )
    return TradeData.from_frame(table, value_unit="million USD")


WAR = (
    Scenario("war")
    .tariff(importer="AAA", exporter="BBB", add=1.0)
    .tariff(importer="BBB", exporter="AAA", product=["p1", "p2"], add=0.5)
    .export_tax(exporter="BBB", importer="AAA", product="p1", add=0.2)
    .trade_cost(importer="AAA", exporter="BBB", product="p2", ratio=1.1)
    .ban(importer="AAA", exporter="BBB", product="p4")
)
ELASTIC = {"substitution": 4.0, "demand": 1.2, "supply": 2.0}


def solve_war(**options):
    return solve_pe(world(), WAR, **{**ELASTIC, **options})


def customs() -> TradeData:
    """One destination, no home sales, two products."""
    return TradeData.from_frame(
        frame(
            [
                ("CHN", "USA", "850440", 60e9, 0.1),
                ("MEX", "USA", "850440", 40e9, 0.0),
                ("VNM", "USA", "850440", 20e9, 0.0),
                ("CHN", "USA", "010121", 5e9, 0.0),
                ("CAN", "USA", "010121", 9e9, 0.02),
            ]
        ),
        year=2024,
        source="customs",
    )


ADD_100 = Scenario("+100 on China").tariff(importer="USA", exporter="CHN", product="85", add=1.0)


def solve_customs(**options):
    given = {"substitution": 2.53, "demand": 1.19, "supply": np.inf}
    return solve_pe(customs(), ADD_100, **{**given, **options})


def fail(res, product: str):
    """The same result with a market that was not solved."""
    layout = res.data._layout
    m = list(res.data.products).index(product)
    status, q, ln_p, ln_index = (x.copy() for x in (res.status, res.q, res.ln_p, res.ln_P))
    status[m] = 1
    q[layout.market_ptr[m] : layout.market_ptr[m + 1]] = np.nan
    ln_p[layout.exp_ptr[m] : layout.exp_ptr[m + 1]] = np.nan
    ln_index[layout.imp_ptr[m] : layout.imp_ptr[m + 1]] = np.nan
    return replace(res, status=status, q=q, ln_p=ln_p, ln_P=ln_index)


def flow(res, exporter: str, importer: str, product: str | None = None) -> pd.Series:
    table = res.flows
    hit = (table["exporter"] == exporter) & (table["importer"] == importer)
    if product is not None:
        hit &= table["product"] == product
    return table[hit].iloc[0]
