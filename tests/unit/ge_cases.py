"""Small worlds for the tests of general equilibrium, made through the public door."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import tradewar as tw
from tradewar.errors import DataWarning

COUNTRIES = ["CHN", "MEX", "USA", "VNM"]
SECTORS = ["A01_02", "C26", "C29"]
SEED = 11


def tables(seed: int = SEED, n: int = 4, sectors: int = 3, inputs: bool = True):
    """Random tables that balance: trade, tariff, shares of cost."""
    rng = np.random.default_rng(seed)
    trade = rng.uniform(0.5, 8.0, (n, n, sectors))
    at = np.arange(n)
    trade[at, at] = rng.uniform(60.0, 160.0, (n, sectors))
    tariff = rng.uniform(0.0, 0.25, (n, n, sectors))
    tariff[at, at] = 0.0
    gamma = rng.uniform(0.6, 0.8, (n, sectors)) if inputs else np.ones((n, sectors))
    nest = rng.dirichlet(np.ones(sectors), (n, sectors)).transpose(0, 2, 1)
    use = (1.0 - gamma)[:, None, :] * nest
    return trade, tariff, gamma, use


def make_world(seed: int = SEED, *, inputs: bool = True, export_tax: bool = False, **more):
    """Four countries and three sectors under ICIO labels."""
    trade, tariff, gamma, use = tables(seed, inputs=inputs)
    options = {"theta": np.array([4.0, 6.5, 3.0]), "tariff": tariff}
    if inputs:
        options |= {"value_added": gamma, "input_use": use}
    if export_tax:
        tax = np.where(trade < 50.0, 0.04, 0.0)
        options["export_tax"] = tax
    return tw.World.from_tables(
        trade, countries=COUNTRIES, products=SECTORS, value_unit="bn USD", **options, **more
    )


@functools.cache
def world():
    """The plain world."""
    return make_world()


@functools.cache
def rich_world():
    """Profits, scale and export taxes on top."""
    return make_world(export_tax=True, rents=0.1, scale=0.05)


PLUS_100 = tw.Scenario("+100").tariff(importer="USA", exporter="CHN", add=1.0)

SWITCHES = {
    "plain": {},
    "zero": {"deficits": "zero"},
    "purged": {"deficits": "purged"},
    "income": {"deficits": "income"},
    "income_tax": {"revenue": "income_tax", "labour_supply": 0.5},
    "ces": {"va_substitution": 0.4, "input_substitution": 0.2, "final_substitution": 1.7},
    "leontief": {"va_substitution": 0.0, "input_substitution": 0.0},
}


@functools.cache
def solve(name: str = "plain", rich: bool = False):
    """Solve +100 under a set of switches."""
    return tw.solve_ge(rich_world() if rich else world(), PLUS_100, **SWITCHES[name])


WALL = tw.Scenario("wall").trade_cost(importer="A", exporter="B", ratio=40.0)


@functools.cache
def surplus_world():
    """Country B lends half of its income, which no equilibrium behind `WALL` can carry."""
    trade = np.array([[50.0, 80.0], [20.0, 60.0]])[:, :, None]
    return tw.World.from_tables(trade, theta=4.0, tariff=0.0, countries=["A", "B"])


def unsolvable():
    """A recorded failure."""
    with pytest.warns(DataWarning, match="1 of 1 scenarios have no solution"):
        return tw.solve_ge(surplus_world(), WALL, on_error="record")
