"""The core's general equilibrium against the twin: unknowns, levels and limits."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest

from tests import helpers_ge
from tests.reference import ge_twin, ge_worlds
from tests.reference.ge_twin import Options, Shock

AGREE = 1e-9  # both stop at a residual of 1e-12; conditioning takes the rest
N_SEEDS = 150 if os.environ.get("HYPOTHESIS_PROFILE") == "ci" else 40
CES = ("va_substitution", "input_substitution", "final_substitution")


def close(found, expected, scale=1.0):
    np.testing.assert_allclose(found, expected, rtol=AGREE, atol=AGREE * scale)


def agrees(found: helpers_ge.Answer, twin: ge_twin.Solution) -> None:
    """Compare the first scenario."""
    found.raise_failures()
    w, s, at = twin.world, twin.state, twin.state.at
    money = w.expenditure.max()
    spent = w.expenditure > 0
    made = w.output > 0
    close(np.exp(found.ln_w[0]), at.w)
    close(np.exp(found.ln_P[0]), at.P)
    close(np.exp(found.ln_X[0])[spent], (at.X / np.where(spent, w.expenditure, 1.0))[spent])
    close(np.exp(found.ln_S[0]), at.S)
    close(found.labour[0], at.L)
    close(found.subsidy[0], s.s)
    close(found.multiplier, twin.m)
    assert (found.ln_P[0][~spent] == 0).all() and (found.ln_X[0][~spent] == 0).all()
    e = {name: x[0] for name, x in found.evaluated.items()}
    close(e["cost"][made], s.c[made])
    close(e["trade"], s.Z, money)
    close(e["output"], s.Y, money)
    close(e["income"], s.I, money)
    close(e["tariff_revenue"], s.R, money)
    close(e["export_revenue"], s.XR, money)
    close(e["price_index"], s.Pc)
    close(e["deficit"], s.D, money)
    close(found.welfare[0], twin.welfare)


def both(w, shock, o) -> None:
    agrees(helpers_ge.solve(w, shock, o), ge_twin.solve(w, shock, o))


@pytest.mark.parametrize("seed", range(N_SEEDS))
def test_plain(seed):
    """Tariffs, costs and productivity; Cobb-Douglas."""
    rng = np.random.default_rng(seed)
    w = ge_worlds.random_world(rng, export_taxes=False)
    both(w, ge_worlds.random_shock(rng, w, export_tax=0), Options())


@pytest.mark.parametrize("seed", range(1000, 1000 + N_SEEDS))
def test_every_switch(seed):
    rng = np.random.default_rng(seed)
    w = ge_worlds.random_world(rng, rents=seed % 2 == 0, scale=seed % 3 == 0)
    shock = ge_worlds.random_shock(
        rng, w, bans=seed % 4 == 0, weight=0.3 * (seed % 5 == 0), deficit=0.02 * (seed % 2)
    )
    solved_alike(w, shock, ge_worlds.random_options(rng))


@pytest.mark.parametrize("name", CES)
@pytest.mark.parametrize("value", [0.0, 0.05, 1 - 1e-9, 1 + 1e-5, 1.05, 5.0])
def test_elasticities_near_their_traps(name, value):
    rng = np.random.default_rng(5)
    w = ge_worlds.random_world(rng, 3, 3)
    shock = ge_worlds.random_shock(rng, w)
    both(w, shock, Options(**{name: value}))


@pytest.mark.parametrize("deficits", ["fixed", "share", "zero", "income"])
@pytest.mark.parametrize("revenue", ["lump_sum", "income_tax"])
@pytest.mark.parametrize("labour_supply", [0.0, 0.4, 2.5])
def test_closures(deficits, revenue, labour_supply):
    rng = np.random.default_rng(11)
    w = ge_worlds.random_world(rng, 4, 2, scale=True, rents=True)
    shock = ge_worlds.random_shock(rng, w)
    both(w, shock, Options(deficits=deficits, revenue=revenue, labour_supply=labour_supply))


@pytest.mark.parametrize("kinds", [("export",), ("import",), ("export", "import")])
@pytest.mark.parametrize("holder", [None, 0, 1, 2])
@pytest.mark.parametrize("seed", range(2000, 2004 if N_SEEDS < 100 else 2012))
def test_caps(seed, kinds, holder):
    rng = np.random.default_rng(seed)
    w = ge_worlds.random_world(rng, rents=seed % 2 == 0)
    shock = ge_worlds.random_shock(rng, w, tariff=0.1, export_tax=0.05, cost=0)
    limits = ge_worlds.random_limits(rng, w, 2, kinds)
    if holder is not None:
        limits = tuple(replace(x, holder=holder) for x in limits)
    solved_alike(w, replace(shock, limits=limits), ge_worlds.random_options(rng))


@pytest.mark.parametrize("kind", ["floor_quantity", "floor_value"])
@pytest.mark.parametrize("payer", [0, 1])
@pytest.mark.parametrize("seed", range(3000, 3004 if N_SEEDS < 100 else 3012))
def test_floors(seed, kind, payer):
    rng = np.random.default_rng(seed)
    w = ge_worlds.random_world(rng)
    shock = ge_worlds.random_shock(rng, w, tariff=0.05, export_tax=0, cost=0)
    limits = tuple(replace(x, holder=payer) for x in ge_worlds.random_limits(rng, w, 1, (kind,)))
    solved_alike(w, replace(shock, limits=limits), ge_worlds.random_options(rng))


@pytest.mark.parametrize("seed", range(4000, 4010))
def test_tariff_quotas(seed):
    """The wedge has an upper end: all three pieces come up."""
    rng = np.random.default_rng(seed)
    w = ge_worlds.random_world(rng)
    limits = ge_worlds.random_limits(rng, w, 2, ("import",))
    limits = tuple(replace(x, upper=float(rng.uniform(0.005, 0.1))) for x in limits)
    solved_alike(w, Shock(limits=limits), Options())


def solved_alike(w, shock, o) -> None:
    """Compare, or find that both see no equilibrium."""
    found = helpers_ge.solve(w, shock, o)
    try:
        twin = ge_twin.solve(w, shock, o)
    except ArithmeticError:
        if found.status[0] != 0:
            return
        twin = ge_twin.solve_near(w, shock, o, *(x[0] for x in found.point[:4]), found.labour[0],
                                  found.multiplier)  # fmt: skip
    agrees(found, twin)


@pytest.mark.parametrize("seed", range(5000, 5008))
def test_gradients(seed):
    """Of one country's ln W in all tariffs: the adjoint against the twin's Jacobian."""
    rng = np.random.default_rng(seed)
    w = ge_worlds.random_world(rng, 3, 2, rents=seed % 2 == 0, scale=seed % 3 == 0)
    o = replace(ge_worlds.random_options(rng), labour_supply=0.0)
    shock = ge_worlds.random_shock(rng, w).filled(w, o)
    found = helpers_ge.solve(w, shock, o).raise_failures()
    who = int(rng.integers(w.shape[0]))
    gradient = helpers_ge.welfare_gradient(found, who)
    twin = ge_twin.solve(w, shock, o)
    slopes = ge_twin.jacobian(lambda z: ge_twin.equations(twin.layout, shock, z), twin.z)

    def real_income(shock, z):
        s = ge_twin.evaluate(w, o, shock, twin.layout.unpack(z))
        return np.log(s.I / s.Pc)[who]

    at_z = ge_twin.jacobian(lambda z: real_income(shock, z)[None], twin.z)[0]
    adjoint = np.linalg.solve(slopes.T, at_z)
    for n, i, j in np.argwhere(w.trade > 0):
        tariff = shock.tariff.astype(complex)
        tariff[n, i, j] += 1j * ge_twin.STEP * (1 + shock.tariff[n, i, j])
        moved, z = replace(shock, tariff=tariff), twin.z.astype(complex)
        direct = real_income(moved, z).imag / ge_twin.STEP
        through = ge_twin.equations(twin.layout, moved, z).imag / ge_twin.STEP
        assert gradient[n, i, j] == pytest.approx(direct - adjoint @ through, abs=AGREE, rel=AGREE)
    assert (gradient[w.trade == 0] == 0).all()


def test_few_worlds_have_no_equilibrium():
    """Else the comparisons above would be empty."""
    none = 0
    for seed in range(1000, 1000 + N_SEEDS):
        rng = np.random.default_rng(seed)
        w = ge_worlds.random_world(rng, rents=seed % 2 == 0, scale=seed % 3 == 0)
        shock = ge_worlds.random_shock(rng, w)
        none += helpers_ge.solve(w, shock, ge_worlds.random_options(rng)).status[0] != 0
    assert none <= 0.05 * N_SEEDS
