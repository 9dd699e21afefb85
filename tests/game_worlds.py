"""Small economies for the tests of games: closed forms, random ones, and scenarios on them."""

from __future__ import annotations

import numpy as np

import tradewar as tw

A_TAXES_B = tw.Scenario("A taxes B").tariff(importer="A", exporter="B", add=0.4)
B_TAXES_A = tw.Scenario("B taxes A").tariff(importer="B", exporter="A", add=0.4)


def two(theta: float = 4.0, size: float = 1.0, home: float = 0.8, tariff: float = 0.0) -> tw.World:
    """Make two countries and one sector; A is `size` times as large as B, trade balances."""
    cross = (1.0 - home) * size * 100.0
    trade = np.array([[size * 100.0 - cross, cross], [cross, 100.0 - cross]])[:, :, None]
    return tw.World.from_tables(trade, theta=theta, tariff=tariff, countries=["A", "B"])


def draw(
    seed: int,
    countries: int = 3,
    products: int = 3,
    *,
    inputs: bool = True,
    rents: bool = False,
    export_taxes: bool = False,
) -> tw.World:
    """Draw an economy whose final demands are positive."""
    rng = np.random.default_rng(seed)
    shape = (countries, countries, products)
    trade = rng.lognormal(0.0, 0.4, shape)
    trade += 3.0 * countries * np.eye(countries)[:, :, None]
    tariff = rng.uniform(0.0, 0.2, shape) * (1.0 - np.eye(countries)[:, :, None])
    tax = rng.uniform(0.0, 0.1, shape) * (1.0 - np.eye(countries)[:, :, None])
    tables = {}
    if inputs:
        use = rng.uniform(0.05, 0.5 / products, (countries, products, products))
        tables = {"input_use": use, "value_added": 1.0 - use.sum(axis=1)}
    return tw.World.from_tables(
        trade,
        theta=rng.uniform(2.0, 8.0, products),
        tariff=tariff,
        export_tax=tax if export_taxes else None,
        rents=rng.uniform(0.05, 0.2, products) if rents else None,
        countries=["A", "B", "C", "D", "E"][:countries],
        products=["food", "cars", "chips", "coal"][:products],
        value_unit="million USD",
        **tables,
    )


def dilemma() -> tw.Payoffs:
    """Two large countries that both like to tax and both dislike to be taxed."""
    peace = tw.Scenario("peace")
    return tw.payoffs(
        two(), A={"free": peace, "tax": A_TAXES_B}, B={"free": peace, "tax": B_TAXES_A}
    )
