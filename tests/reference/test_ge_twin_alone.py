"""The general-equilibrium twins by themselves: published numbers, closed forms, identities."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.reference import ge_twin, ge_twin_terms, ge_twin_vector, ge_worlds
from tests.reference.ge_twin import Limit, Options, Shock

SHARED = Path(__file__).parents[3] / "shared" / "reference"
EXACT = 1e-12  # no shock; Walras' law
CLOSE = 1e-10  # two roads to one equilibrium, each solved to 1e-12
SWEPT = 1e-10  # the vector twin stops at 1e-12; an open economy multiplies that
FLOW = 1e-8  # its flows, relative: theta times the error in prices
SUMS = 1e-8  # columns of the decomposition against the whole
OPEN_END = 1e-4  # distance of a small economy's optimal tariff from 1/theta, see the test
SEEDS = range(24)


def published(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path} is not here: published data are not part of the project")
    return path


def drawn(seed: int, **switches):
    """Return a world with a shock and options; every switch comes up over the seeds."""
    rng = np.random.default_rng(seed)
    w = ge_worlds.random_world(rng, rents=seed % 2 == 0, scale=seed % 3 == 0)
    o = ge_worlds.random_options(rng)
    shock = ge_worlds.random_shock(rng, w, **{"bans": seed % 4 == 0} | switches)
    return rng, w, o, shock


@cache
def solved(seed: int) -> ge_twin.Solution:
    _, w, o, shock = drawn(seed, weight=0.3 * (seed % 5 == 1), deficit=0.02 * (seed % 2))
    return ge_twin.solve(w, shock, o)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_worlds_are_consistent(seed):
    _, w, _, _ = drawn(seed)
    scale = w.expenditure.max()
    assert np.abs(w.implied_deficit - w.deficit).max() <= EXACT * scale
    assert abs(w.deficit.sum()) <= EXACT * scale
    assert (w.final_share >= 0).all() and (w.value_added > 0).all()
    assert np.abs(w.final - w.final_share * w.income[:, None]).max() <= EXACT * scale


def test_random_worlds_hold_the_hard_cases():
    worlds = [drawn(seed)[1] for seed in SEEDS]
    assert any((w.output == 0).any() for w in worlds)
    assert any((w.expenditure == 0).any() for w in worlds)
    assert any(((w.final_share == 0) & (w.expenditure > 0)).any() for w in worlds)
    assert any((w.deficit < -0.05 * w.income).any() for w in worlds)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_shock_changes_nothing(seed):
    _, w, o, _ = drawn(seed)
    for deficits in ("fixed", "share", "income"):
        sol = ge_twin.solve(w, Shock(), replace(o, deficits=deficits))
        assert np.abs(sol.z).max() <= EXACT
        assert np.abs(sol.welfare - 1).max() <= EXACT
        assert np.abs(sol.state.Z - w.trade).max() <= EXACT * w.trade.max()


@pytest.mark.parametrize("seed", SEEDS)
def test_walras_holds(seed):
    sol = solved(seed)
    s, w = sol.state, sol.world
    assert abs(sol.walras()) <= EXACT
    spent = s.X.sum()
    used = np.einsum("nkj,nj->", s.g, (1 - w.rents) * s.Y) + s.I.sum()
    assert spent == pytest.approx(used, rel=EXACT)
    assert abs(s.D.sum()) <= EXACT * s.I.sum()


@pytest.mark.parametrize("seed", SEEDS[:10])
def test_money_is_neutral(seed):
    _, w, o, shock = drawn(seed)
    richer = replace(w, trade=1e3 * w.trade, deficit=1e3 * w.deficit)
    a, b = ge_twin.solve(w, shock, o), ge_twin.solve(richer, shock, o)
    np.testing.assert_allclose(a.z, b.z, atol=CLOSE)


@pytest.mark.parametrize("seed", SEEDS[:12])
def test_decomposition_adds_up(seed):
    sol = solved(seed)
    if (sol.shock.weight == 0).any():
        sol = ge_twin.solve(sol.world, replace(sol.shock, weight=None), sol.options)
    whole = np.log(sol.state.I / sol.world.income / sol.state.Pc)
    parts = ge_twin_terms.decompose(sol)
    assert np.abs(sum(parts.values()) - whole).max() <= SUMS
    for name in ge_twin_terms.COLUMNS:
        assert np.isfinite(parts[name]).all()


@pytest.mark.parametrize("seed", SEEDS[:8])
def test_first_order_terms_are_of_first_order(seed):
    """Their sum misses EV by an error that falls with the square of the shock."""
    rng = np.random.default_rng(seed)
    w = ge_worlds.random_world(rng, export_taxes=False)
    w = ge_twin.solve(w, Shock(), Options(deficits="zero")).rebased()
    full = w.tariff + 0.1 * rng.random(w.trade.shape) * (w.trade > 0)
    gaps = []
    for size in (1e-2, 1e-3):
        sol = ge_twin.solve(w, Shock(tariff=w.tariff + size * (full - w.tariff)))
        gaps.append(np.abs(ge_twin_terms.cp2015(sol)["total"] - (sol.welfare - 1)).max())
    assert gaps[1] <= 0.02 * gaps[0] + EXACT


@pytest.mark.parametrize("seed", SEEDS[:10])
@pytest.mark.parametrize("inputs", [False, True])
def test_own_share_formula(seed, inputs):
    """One sector, no tariffs, iceberg costs (Arkolakis, Costinot, Rodriguez-Clare 2012)."""
    rng = np.random.default_rng(seed)
    w = ge_worlds.random_world(rng, J=1, tariffs=False, export_taxes=False, inputs=inputs)
    shock = ge_worlds.random_shock(rng, w, tariff=0, export_tax=0, productivity=0)
    sol = ge_twin.solve(w, shock, Options(deficits="income"))
    home = np.arange(len(w.trade))
    own = sol.state.share[home, home, 0] / w.share[home, home, 0]
    expected = own ** (-1 / (w.theta[0] * w.value_added[:, 0]))
    np.testing.assert_allclose(sol.real_wage, expected, rtol=CLOSE)


@pytest.mark.parametrize("theta", [2.0, 4.0, 8.0])
def test_optimal_tariff_of_a_small_economy(theta):
    """1/theta in the limit; the gap is of the order of its size in the world."""
    size = 1e-5
    trade = np.array([[0.6 * size, 0.4 * size], [0.4 * size, 1.0]])[:, :, None]
    w = ge_twin.world(trade, theta)

    def slope(t, h=1e-4):
        def welfare(rate):
            tariff = np.array([[0.0, rate], [0.0, 0.0]])[:, :, None]
            return ge_twin.solve(w, Shock(tariff=tariff)).welfare[0]

        return (welfare(t + h) - welfare(t - h)) / (2 * h)

    low, high = 0.5 / theta, 1.5 / theta
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    assert middle == pytest.approx(1 / theta, abs=OPEN_END)


def test_a_binding_cap_is_an_export_tax_at_its_shadow_rate():
    count = 0
    for seed in SEEDS:
        rng, w, o, shock = drawn(seed, bans=False, tariff=0.05, export_tax=0, cost=0)
        limits = ge_worlds.random_limits(rng, w, 1)
        try:
            capped = ge_twin.solve(w, replace(shock, limits=limits), o)
        except ArithmeticError:  # a country that may not sell cannot pay
            continue
        if not capped.m.any():
            continue
        count += 1
        [limit], [m] = limits, capped.m
        name = "export_tax" if limit.holder == ge_twin.EXPORTER else "tariff"
        rate = np.where(limit.members, (1 + getattr(shock, name)) * np.exp(m) - 1, 0)
        rate = np.where(limit.members, rate, getattr(shock, name))
        taxed = ge_twin.solve(w, replace(shock, **{name: rate}), o)
        np.testing.assert_allclose(taxed.welfare, capped.welfare, rtol=CLOSE)
        quantity = (taxed.state.shipped * limit.members).sum()
        assert quantity == pytest.approx(limit.bound, rel=CLOSE)
    assert count >= 8


@pytest.mark.parametrize("kind", ["floor_quantity", "floor_value"])
def test_a_floor_is_met_and_paid_for(kind):
    count = 0
    for seed in SEEDS:
        rng, w, o, shock = drawn(seed, bans=False, tariff=0.05, export_tax=0, cost=0)
        limits = ge_worlds.random_limits(rng, w, 1, (kind,))
        try:
            sol = ge_twin.solve(w, replace(shock, limits=limits), o)
        except ArithmeticError:  # income cannot pay for it
            continue
        count += bool(sol.m.any())
        assert (sol.m >= -EXACT).all()
        assert (sol.state.held >= np.array([x.bound for x in limits]) * (1 - CLOSE)).all()
    assert count >= 8


def test_a_wasted_rent_is_a_trade_cost():
    w = ge_twin.world(np.array([[80.0, 20.0], [25.0, 90.0]])[:, :, None], 4.0)
    members = np.zeros(w.trade.shape, dtype=bool)
    members[0, 1] = True
    cap = Limit("import", members, 12.0, ge_twin.WASTED)
    capped = ge_twin.solve(w, Shock(limits=(cap,)))
    cost = np.where(members, np.exp(capped.m[0]), 1.0)
    costly = ge_twin.solve(w, Shock(cost=cost))
    np.testing.assert_allclose(costly.welfare, capped.welfare, rtol=CLOSE)
    assert capped.m[0] > 0.1
    assert abs(capped.walras()) <= EXACT
    held = ge_twin.solve(w, Shock(limits=(replace(cap, holder=ge_twin.IMPORTER),)))
    assert held.welfare[0] > capped.welfare[0]


@pytest.mark.parametrize("seed", SEEDS[:15])
@pytest.mark.parametrize("packed", [False, True])
def test_vector_twin_agrees(seed, packed):
    rng = np.random.default_rng(seed)
    w = ge_worlds.random_world(rng, export_taxes=False, rents=seed % 2 == 0)
    shock = ge_worlds.random_shock(rng, w, export_tax=0, productivity=0)
    sol = ge_twin.solve(w, shock)
    found = ge_twin_vector.solve(economy(w), shock.tariff, shock.cost, packed=packed)
    np.testing.assert_allclose(found.w, sol.state.at.w, rtol=SWEPT)
    np.testing.assert_allclose(found.welfare, sol.welfare, rtol=SWEPT)
    np.testing.assert_allclose(found.trade, sol.state.Z, rtol=FLOW, atol=FLOW * w.trade.max())
    tot, vot = found.cp2015()
    terms = ge_twin_terms.cp2015(sol)
    np.testing.assert_allclose(tot, terms["terms_of_trade"], atol=FLOW)
    np.testing.assert_allclose(vot, terms["volume_of_trade"], atol=FLOW)


def economy(w: ge_twin.World) -> ge_twin_vector.Economy:
    names = ge_twin_vector.Economy.__dataclass_fields__
    return ge_twin_vector.Economy(**{name: getattr(w, name) for name in names})


# ---- published numbers ---------------------------------------------------------------------

OSSA = {  # Ossa (2014): +50 points of the US on China, +25 of China on the US
    "BRA": (1.0002875366, 1.0045739158),
    "CHN": (0.9929155518, 0.9766321838),
    "EU": (1.0005695686, 1.0028959268),
    "IND": (1.0005182029, 1.0039715908),
    "JPN": (1.0002610498, 0.9999126794),
    "ROW": (1.0005367285, 1.0035027654),
    "USA": (0.9982990157, 1.0155588932),  # circulates as ...8931; converged 1.01555889316
}
OSSA_DIGITS = 0.5e-10 + 1e-12


def test_ossa():
    with np.load(published("ossa_2014.npz")) as data:
        names = [str(name) for name in data["countries"]]
        sigma = data["sigma"]
        w = ge_twin.world(data["trade"], sigma - 1, tariff=data["tariff"], rents=1 / sigma)
    assert np.abs(w.deficit / w.income).max() < 1e-10
    tariff = w.tariff.copy()
    tariff[names.index("USA"), names.index("CHN")] += 0.5
    tariff[names.index("CHN"), names.index("USA")] += 0.25
    sol = ge_twin.solve(w, Shock(tariff=tariff))
    for k, name in enumerate(names):
        welfare, wage = OSSA[name]
        assert sol.welfare[k] == pytest.approx(welfare, abs=OSSA_DIGITS, rel=0)
        assert sol.state.at.w[k] == pytest.approx(wage, abs=OSSA_DIGITS, rel=0)


GRAVITY = 1e-6  # the source is in single precision
GRAVITY_FLOWS = {"eu": 1e-6, "mult": 5e-6}  # the multiplicative one misses a budget by 1.6e-6


@pytest.mark.parametrize("closure", ["eu", "mult"])
def test_ge_gravity(closure):
    lines = np.genfromtxt(
        published("ge_gravity_44_countries_2000.csv"), delimiter=",", names=True, dtype=None,
        encoding="utf-8",
    )  # fmt: skip
    names = sorted(set(lines["exporter"]))
    at = {name: k for k, name in enumerate(names)}
    n = [at[name] for name in lines["importer"]]
    i = [at[name] for name in lines["exporter"]]

    def dense(column):
        out = np.zeros((len(names), len(names), 1))
        out[n, i, 0] = lines[column]
        return out

    w = ge_twin.world(dense("trade"), 4.0)
    deficits = {"eu": "fixed", "mult": "income"}[closure]
    cost = np.exp(-dense("eu_effect") / 4.0)
    sol = ge_twin.solve(w, Shock(cost=cost), Options(deficits=deficits))
    expected = np.zeros(len(names))
    expected[i] = lines[f"w_{closure}"]
    found = sol.welfare if closure == "eu" else sol.real_wage
    np.testing.assert_allclose(found, expected, rtol=GRAVITY)
    trade = dense(f"X_{closure}")
    np.testing.assert_allclose(sol.state.Z, trade, rtol=GRAVITY_FLOWS[closure])


NAFTA = {  # Caliendo and Parro (2015), table 2: total, terms, volume, real wage in percent
    (False, "Mexico"): (1.31, -0.41, 1.72, 1.72),
    (False, "Canada"): (-0.06, -0.11, 0.04, 0.32),
    (False, "USA"): (0.08, 0.04, 0.04, 0.11),
    (True, "Mexico"): (1.17, -0.41, 1.59, 1.64),
    (True, "Canada"): (-0.04, -0.08, 0.04, 0.33),
    (True, "USA"): (0.08, 0.05, 0.04, 0.12),
}
NAFTA_EV = {"Mexico": 0.0073, "Canada": -0.1101, "USA": 0.0741}


@cache
def nafta(deficits: bool):
    with np.load(published("caliendo_parro_2015.npz")) as data:
        cost = data["value_added"] + data["intermediate"].sum(axis=1)
        final = data["final"]
        e = ge_twin_vector.Economy(
            trade=data["trade"],
            tariff=data["tariff"],
            theta=data["theta"],
            value_added=data["value_added"] / cost,
            input_use=data["intermediate"] / cost[:, None, :],
            rents=np.zeros(len(data["theta"])),
            final_share=final / final.sum(axis=1, keepdims=True),
            deficit=data["deficit"] * deficits,
        )
        names = [str(name) for name in data["countries"]]
        tariff = data["tariff_nafta"]
    return names, ge_twin_vector.solve(ge_twin_vector.resolve(e), tariff)


@pytest.mark.parametrize("deficits", [False, True])
@pytest.mark.parametrize("country", ["Mexico", "Canada", "USA"])
def test_nafta(deficits, country):
    names, found = nafta(deficits)
    k = names.index(country)
    tot, vot = (x[k] for x in found.cp2015())
    numbers = 100 * np.array([tot + vot, tot, vot, found.real_wage[k] - 1])
    np.testing.assert_allclose(numbers, NAFTA[deficits, country], atol=0.005, rtol=0)
    if not deficits:
        ev = 100 * (found.welfare[k] - 1)
        assert ev == pytest.approx(NAFTA_EV[country], abs=0.00005, rel=0)
