"""Small worlds for the tests of World."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import tradewar as tw

COUNTRIES = ["USA", "CHN", "MEX", "ROW"]
PRODUCTS = ["steel", "cars", "food"]


def tables(seed: int = 0, **changes: Any) -> dict[str, Any]:
    """Draw arrays of an economy with inputs, in the (unsorted) order of the labels above."""
    rng = np.random.default_rng(seed)
    n, j = len(COUNTRIES), len(PRODUCTS)
    trade = rng.uniform(1.0, 6.0, (n, n, j)) + 60.0 * np.eye(n)[:, :, None]
    trade[0, 1] = 9.0  # China sells more to the USA than it buys
    trade[1, 0] = 2.0
    trade[2, 3, 1] = 0.0
    tariff = rng.uniform(0.0, 0.3, (n, n, j)) * (1.0 - np.eye(n)[:, :, None])
    use = rng.uniform(0.05, 0.2, (n, j, j))
    given = {
        "trade": trade,
        "tariff": tariff,
        "theta": [4.0, 6.0, 3.0],
        "input_use": use,
        "value_added": 1.0 - use.sum(axis=1),
        "countries": COUNTRIES,
        "products": PRODUCTS,
    }
    return {**given, **changes}


def make(seed: int = 0, **changes: Any) -> tw.World:
    """Make the world of `tables`; None leaves an argument out."""
    given = {key: x for key, x in tables(seed, **changes).items() if x is not None}
    return tw.World.from_tables(given.pop("trade"), **given)


def long(array: np.ndarray, value: str = "value", **axes: list[str]) -> pd.DataFrame:
    """Write an array as a long frame, one column per axis, zeros left out, rows shuffled."""
    at = np.nonzero(array)
    columns = {
        name: np.asarray(labels, dtype=object)[k]
        for (name, labels), k in zip(axes.items(), at, strict=True)
    }
    frame = pd.DataFrame({**columns, value: array[at]})
    return frame.sample(frac=1.0, random_state=1)


def flow_frame(given: dict[str, Any]) -> pd.DataFrame:
    """Write trade and tariff of `tables` as one long frame."""
    keys = {"importer": COUNTRIES, "exporter": COUNTRIES, "product": PRODUCTS}
    frame = long(given["trade"], **keys)
    rates = given["tariff"][
        tuple(np.array([labels.index(x) for x in frame[name]]) for name, labels in keys.items())
    ]
    return frame.assign(tariff=rates)


def as_frames(given: dict[str, Any]) -> dict[str, Any]:
    """Turn the arrays of `tables` into frames and Series."""
    return {
        "trade": flow_frame(given),
        "theta": pd.Series(given["theta"], index=given["products"]),
        "input_use": long(given["input_use"], country=COUNTRIES, input=PRODUCTS, user=PRODUCTS),
        "value_added": long(given["value_added"], country=COUNTRIES, product=PRODUCTS),
    }


def residual(world: tw.World) -> float:
    """Largest relative miss of the equations in changes at no shock, in plain loops."""
    n_all, j_all = range(len(world.countries)), range(len(world.products))
    Z, t = world._trade, world._tariff
    x = np.zeros_like(Z) if world._export_tax is None else world._export_tax
    rho, gamma, g = world._rents, world._value_added, world._input_use
    E = Z * (1.0 + t)
    X = {(n, j): sum(E[n, i, j] for i in n_all) for n in n_all for j in j_all}
    Y = {(i, j): sum(Z[n, i, j] / (1 + x[n, i, j]) for n in n_all) for i in n_all for j in j_all}
    worst = 0.0
    for n in n_all:
        V = sum(gamma[n, j] * (1 - rho[j]) * Y[n, j] for j in j_all)
        R = sum(t[n, i, j] * Z[n, i, j] for i in n_all for j in j_all)
        XR = sum(x[m, n, j] / (1 + x[m, n, j]) * Z[m, n, j] for m in n_all for j in j_all)
        profit = sum(rho[j] * Y[n, j] for j in j_all)
        income = V + profit + R + XR + world._deficit[n]
        worst = max(worst, abs(V / world._labour_income[n] - 1.0))
        worst = max(worst, abs(income / world._income[n] - 1.0))
        for j in j_all:
            use = sum(g[n, j, k] * (1 - rho[k]) * Y[n, k] for k in j_all)
            wanted = use + world._final_share[n, j] * income
            worst = max(worst, abs(wanted - X[n, j]) / X[n, j])
            worst = max(worst, abs(gamma[n, j] + sum(g[n, k, j] for k in j_all) - 1.0))
            worst = max(worst, abs(world._expenditure[n, j] / X[n, j] - 1.0))
            worst = max(worst, abs(world._output[n, j] / Y[n, j] - 1.0))
    return worst
