"""Dense random markets with every switch, partial weights and licence premia included."""

from __future__ import annotations

import numpy as np

from tests.reference import pe_twin


def random_market(seed: int, *, premia: bool = False) -> pe_twin.Market:
    rng = np.random.default_rng(seed)
    n_imp, n_exp = rng.integers(1, 6), rng.integers(2, 7)
    shape = (n_imp, n_exp)
    x = rng.lognormal(2, 1, shape) * (rng.random(shape) < 0.8)
    x[:, 0] += 1.0
    home = np.full(n_imp, -1)
    sigma_home = None
    if seed % 2:
        home = np.arange(n_imp) % n_exp
        sigma_home = rng.choice([1.0, 1 + 1e-8, 0.7, 3.0], n_imp)
    weight = np.ones(shape)
    sigma = rng.choice([1.0, 1 + 1e-7, 0.5, 2.5, 6.0], n_imp)
    if seed % 3 == 0:
        sigma = np.maximum(sigma, 2.5)
        weight = rng.choice([1.0, 0.4, 0.0], shape, p=[0.7, 0.15, 0.15])
        weight[:, 0] = 1.0
        if sigma_home is not None:
            weight[np.arange(n_imp), home] = 1.0
            sigma_home = np.full(n_imp, 3.0)
    supply = rng.choice([0.0, 0.5, 2.0, np.inf], n_exp)
    if premia:  # a fixed quantity may have no price that leaves room for a fixed premium
        supply = np.maximum(supply, 0.5)
    return pe_twin.market(
        x,
        tariff=rng.choice([1.0, 1.2], shape),
        tariff_new=rng.choice([1.0, 1.2, 2.2], shape),
        tax=rng.choice([1.0, 1.1], shape),
        tax_new=rng.choice([1.0, 1.3], shape),
        cost=rng.choice([1.0, 1.2], shape),
        weight=weight,
        lx=rng.choice([0.0, 0.4], shape) if premia else 0.0,
        lm=rng.choice([0.0, 0.3], shape) if premia else 0.0,
        sigma=sigma,
        demand=rng.choice([1.0, 0.4, 1.7], n_imp),
        supply=supply,
        sigma_home=sigma_home,
        home=home,
    )
