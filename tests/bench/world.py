"""A seeded world the size of BACI: about 5,600 products, 11.2 million flows, 226 countries.

Country k (k = 0 the largest) takes part in a market with a probability that falls with k. A
market of size z in [0, 1] has about 20 + 180 z exporters and 60 + 160 z importers; exporter
number r of a market serves a share of its destinations that falls as a power of r, so a few
origins sell nearly everywhere and most to a handful, as in customs data. Every exporter and
every importer of a market has at least one flow. Values are log-normal around country sizes;
half of the tariffs are 0, the rest up to 30 %. Elasticities: sigma 1.5 to 12 by product (and
times 0.7 to 1.3 by destination), demand 0.8 to 1.4, supply 1 to 4. Nothing in it is an estimate.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

COUNTRIES = 226
PRODUCTS = 5_600
SEED = 20251025
DENSITY = 1.9  # chosen so that 5,600 products have 11.2 million flows


class Layout(NamedTuple):
    """Flows sorted by (product, exporter, importer): see `TradeData`."""

    market_ptr: np.ndarray
    exp_ptr: np.ndarray
    exp_code: np.ndarray
    row_ptr: np.ndarray
    imp_ptr: np.ndarray
    imp_code: np.ndarray
    col: np.ndarray


class BigWorld(NamedTuple):
    """Sorted flat arrays, their layout, and elasticities per slot."""

    product: np.ndarray
    exporter: np.ndarray
    importer: np.ndarray
    value: np.ndarray
    tariff: np.ndarray
    layout: Layout
    sigma_common: np.ndarray  # [importer slot]
    sigma_by_destination: np.ndarray  # [importer slot]
    demand: np.ndarray  # [importer slot]
    supply: np.ndarray  # [exporter slot]
    target: np.ndarray  # [market], the largest flow


def generate(products: int = PRODUCTS, seed: int = SEED, density: float = DENSITY) -> BigWorld:
    """Draw the world; the first products do not depend on how many there are."""
    size = np.exp(-np.arange(COUNTRIES) / 45.0)
    counts, e_count, n_count = [], [], []
    parts: dict[str, list] = {k: [] for k in ("e", "n", "x", "t", "ec", "nc", "col", "row", "top")}
    sigma, sigma_by, demand, supply = [], [], [], []
    for m in range(products):
        rng = np.random.default_rng([seed, m])
        z = rng.beta(1.1, 1.3)
        n_exp, n_imp = int(20 + 180 * z), int(60 + 160 * z)
        e = np.sort(np.argsort(-np.log(rng.random(COUNTRIES)) / size)[:n_exp])
        n = np.sort(np.argsort(-np.log(rng.random(COUNTRIES)) / np.sqrt(size))[:n_imp])
        rank = np.argsort(np.argsort(-size[e] * rng.lognormal(0.0, 1.0, n_exp)))
        reach = np.minimum(0.95, density * rng.lognormal(0.0, 0.7) * (1.0 + rank) ** -0.75)
        there = rng.random((n_exp, n_imp)) < reach[:, None] * rng.uniform(0.4, 1.0, n_imp)
        there &= e[:, None] != n[None, :]
        there[np.arange(n_exp), rng.integers(n_imp, size=n_exp)] = True
        there[rng.integers(n_exp, size=n_imp), np.arange(n_imp)] = True
        i, k = np.nonzero(there)
        scale = (1.0 + rank) ** -1.2
        x = scale[i] * size[n][k] * rng.lognormal(0.0, 1.5, i.size) * rng.lognormal(8.0, 2.0)
        t = np.where(rng.random(i.size) < 0.5, 0.0, rng.uniform(0.0, 0.3, i.size).round(3))
        counts.append(i.size)
        e_count.append(n_exp)
        n_count.append(n_imp)
        s = np.exp(rng.uniform(np.log(1.5), np.log(12.0)))
        for key, array in (
            ("e", e[i]),
            ("n", n[k]),
            ("x", x),
            ("t", t),
            ("ec", e),
            ("nc", n),
            ("col", k),
            ("row", there.sum(axis=1)),
        ):
            parts[key].append(array)
        parts["top"].append(np.argmax(x))
        sigma.append(np.full(n_imp, s))
        sigma_by.append(s * rng.uniform(0.7, 1.3, n_imp))
        demand.append(rng.uniform(0.8, 1.4, n_imp))
        supply.append(rng.uniform(1.0, 4.0, n_exp))

    def join(key, dtype):
        return np.concatenate(parts[key]).astype(dtype)

    def pointer(lengths):
        return np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)

    market_ptr = pointer(counts)
    layout = Layout(
        market_ptr,
        pointer(e_count),
        join("ec", np.int32),
        pointer(np.concatenate(parts["row"])),
        pointer(n_count),
        join("nc", np.int32),
        join("col", np.int32),
    )
    return BigWorld(
        product=np.repeat(np.arange(products, dtype=np.int32), counts),
        exporter=join("e", np.int32),
        importer=join("n", np.int32),
        value=join("x", float),
        tariff=join("t", float),
        layout=layout,
        sigma_common=np.concatenate(sigma),
        sigma_by_destination=np.concatenate(sigma_by),
        demand=np.concatenate(demand),
        supply=np.concatenate(supply),
        target=market_ptr[:-1] + np.array(parts["top"]),
    )


SHOCKS = ("one flow a market", "30 % of flows", "10 % of markets", "none")


def new_tariff(world: BigWorld, shock: str, seed: int = SEED) -> np.ndarray:
    """Tariff rates after one of SHOCKS: +100 points on the largest flow, or a trade war."""
    rng = np.random.default_rng(seed)
    t = world.tariff.copy()
    if shock == "one flow a market":
        t[world.target] += 1.0
    elif shock == "30 % of flows":
        hit = rng.random(t.size) < 0.3
        t[hit] += rng.uniform(0.05, 1.0, int(hit.sum()))
    elif shock == "10 % of markets":
        t[world.target[rng.random(world.target.size) < 0.1]] += 1.0
    elif shock != "none":
        raise ValueError(shock)
    return t
