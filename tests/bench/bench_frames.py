"""From a data frame to results, through the public door."""

from __future__ import annotations

import numpy as np
import pandas as pd

import tradewar as tw
from tests.bench.world import BigWorld


def labels(world: BigWorld) -> tuple[np.ndarray, np.ndarray]:
    """Country names and six-digit product codes."""
    countries = np.array([f"C{k:03d}" for k in range(int(world.exporter.max()) + 10)])
    products = np.array([f"{100_000 + k:06d}" for k in range(len(world.target))])
    return countries, products


def frame(world: BigWorld, keys: str, order: str = "random") -> pd.DataFrame:
    """Make the long frame with categorical or string keys, rows sorted or in random order."""
    row = slice(None)
    if order == "random":
        row = np.random.default_rng(1).permutation(len(world.value))
    countries, products = labels(world)

    def column(codes, names):
        made = pd.Categorical.from_codes(codes[row], names)
        return made if keys == "categorical" else pd.Series(made).astype(str)

    return pd.DataFrame(
        {
            "exporter": column(world.exporter, countries),
            "importer": column(world.importer, countries),
            "product": column(world.product, products),
            "value": world.value[row],
            "tariff": world.tariff[row],
        }
    )


def plus_100() -> tw.Scenario:
    """+100 points of one large importer on one large exporter, every product."""
    return tw.Scenario("+100").tariff(importer="C001", exporter="C000", add=1.0)


def world_wide() -> tw.Scenario:
    """Every importer adds 100 points on one exporter: nearly every market is hit."""
    return tw.Scenario("all on one").tariff(exporter="C000", add=1.0)


def answer(df: pd.DataFrame, threads: int | None = None) -> pd.DataFrame:
    """Go from a frame to the tables a user reads first."""
    data = tw.TradeData.from_frame(df)
    return tables(solve(data, threads))


def solve(data: tw.TradeData, threads: int | None = None) -> tw.PEResult:
    """Solve the world-wide shock."""
    return tw.solve_pe(
        data, world_wide(), substitution=4.0, demand=1.0, supply=2.0, threads=threads
    )


def tables(res: tw.PEResult) -> pd.DataFrame:
    """Countries, incidence and diversion of the main target."""
    res.incidence(by="total")
    return res.countries


class FrameSuite:
    """Frame to results."""

    params = (("categorical", "string"), ("sorted", "random"))
    param_names = ("keys", "order")

    def __init__(self, world: BigWorld):
        self.world = world

    def setup(self, keys: str, order: str) -> None:
        """Make the frame outside the time taken."""
        self.df = frame(self.world, keys, order)

    def time_from_frame(self, *_):
        """Check, sort and lay out."""
        return tw.TradeData.from_frame(self.df)

    def time_answer(self, *_):
        """Frame to tables."""
        return answer(self.df)


class USSuite:
    """The main job: the US frame of 5,480 products and 50 partners."""

    def setup(self) -> None:
        """Load the data set and give its frame away."""
        self.df = tw.datasets.us_imports_2024().flows

    def time_answer(self):
        """Frame to incidence, with the data set's own elasticities."""
        data = tw.TradeData.from_frame(self.df)
        scn = tw.Scenario("+100").tariff(importer="USA", exporter="CHN", add=1.0)
        res = tw.solve_pe(data, scn, substitution=2.53, demand=1.19, supply=np.inf)
        res.incidence(by="total")
        return res.countries

    def time_answer_finite_supply(self):
        """The same with finite supply: prices to find in every market."""
        data = tw.TradeData.from_frame(self.df)
        scn = tw.Scenario("+100").tariff(importer="USA", exporter="CHN", add=1.0)
        res = tw.solve_pe(data, scn, substitution=2.53, demand=1.19, supply=20.0)
        res.incidence(by="total")
        return res.countries
