"""Gradients by one transposed solve: against differences of solutions, and identities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests import helpers_ge
from tests.helpers_ge import BEST_LEVEL, Answer
from tests.reference import ge_worlds
from tests.reference.ge_twin import Options, Shock, World
from tradewar import _core

STEP, SOLVED = 5e-4, 1e-13  # differences of fourth order; residuals of the solutions
POINTS, WEIGHTS = (-2, -1, 1, 2), np.array([1, -8, 8, -1]) / (12 * STEP)
AGREE = 1e-6  # relative to the sum of what a direction adds up
NOISE = 10 * SOLVED / STEP  # what the residuals of solutions leave in a difference
IDENTITY = 1e-9  # two adjoints at 1e-12, times conditioning
BINDS = 1e-9  # log wedge of a limit
TOL, MAX_PRODUCTS = 1e-12, 500
OK, EDOMAIN = 0, 2
SEEDS = st.integers(0, 2**32 - 1)
INSTRUMENTS = ("tariff", "export_tax", "cost")
RESULTS = (
    *INSTRUMENTS,
    *("limit", "status", "products", "left", "residual", "where", "what", "error"),
)


def gradient(found: Answer, seeds: tuple, threads: int = 1, level: int = BEST_LEVEL) -> dict:
    """Call the core at the solution, with the six seeds."""
    flags = (1, 1, 1)
    out = _core.ge_gradient(
        *found.arguments, found.point, seeds, *flags, TOL, MAX_PRODUCTS, threads, level
    )
    return dict(zip(RESULTS, out, strict=True))


def welfare_seeds(found: Answer) -> tuple:
    """ln W of every country: W = (I'/Pc - k V L^(1 + 1/kappa)) / (I - k V)."""
    kappa, e = found.options.labour_supply, found.evaluated
    real = (e["income"] / e["price_index"])[0]
    work = np.zeros_like(real)
    if kappa:
        work = kappa / (1 + kappa) * found.world.labour_income * found.labour[0] ** (1 + 1 / kappa)
    income = np.diag(real / (real - work))
    labour = -np.diag(work / (real - work) * (1 + 1 / kappa)) if kappa else None
    return income, -income, None, labour, None, None


def moved(w: World, shock: Shock, o: Options, instrument: str, v: np.ndarray) -> Shock:
    """Move ln(1 + rate), or ln d, of all flows along v."""
    now = getattr(shock.filled(w, o), instrument)
    one = 0.0 if instrument == "cost" else 1.0
    return replace(shock, **{instrument: (one + now) * np.exp(v) - one})


def around(w: World, found: Answer, shocks) -> list[Answer]:
    """Solve the points of a difference, from the solution in the middle."""
    o, start = found.options, found.point
    answers = [helpers_ge.solve(w, x, o, start=start, tol=SOLVED) for x in shocks]
    return [x.raise_failures() for x in answers]


def agrees(terms: np.ndarray, answers: list[Answer]) -> None:
    """Compare; ``terms`` are what each flow adds, with the country whose welfare it is first."""
    expected = WEIGHTS @ np.log([x.welfare[0] for x in answers])
    axes = tuple(range(1, terms.ndim))
    found, size = terms.sum(axes), np.abs(terms).sum(axes)
    assert (size > 0).all()
    assert (np.abs(found - expected) <= AGREE * size + NOISE).all(), (found, expected)


def draw(seed: int) -> tuple[np.random.Generator, World, Shock, Options]:
    """2 to 8 countries, 1 to 5 sectors, every switch."""
    rng = np.random.default_rng(seed)
    N, J = int(rng.integers(2, 9)), int(rng.integers(1, 6))
    mixed = {
        name: bool(rng.random() < 0.6) for name in ("export_taxes", "inputs", "rents", "scale")
    }
    w = ge_worlds.random_world(rng, N, J, **mixed)
    shock = ge_worlds.random_shock(rng, w, tariff=0.3, export_tax=0.1, bans=rng.random() < 0.3)
    return rng, w, shock, ge_worlds.random_options(rng)


def solved(w: World, shock: Shock, o: Options) -> Answer:
    """Leave out what has no equilibrium."""
    found = helpers_ge.solve(w, shock, o, tol=SOLVED)
    assume(found.status[0] == OK)
    return found


@given(SEEDS)
def test_welfare_against_differences(seed):
    """All flows at once along a random direction, and one flow alone."""
    rng, w, shock, o = draw(seed)
    found = solved(w, shock, o)
    out = gradient(found, welfare_seeds(found))
    assert (out["status"] == OK).all() and (out["left"] <= TOL).all()
    assert (out["residual"] <= SOLVED).all()
    abroad = np.argwhere((w.trade > 0) & (shock.weight > 0))
    for instrument in INSTRUMENTS:
        one = np.zeros(w.trade.shape)
        one[tuple(rng.choice(abroad))] = 1.0
        for v in (rng.uniform(-1, 1, w.trade.shape), one):
            shocks = (moved(w, shock, o, instrument, s * STEP * v) for s in POINTS)
            agrees(out[instrument][0] * v, around(w, found, shocks))


@given(SEEDS)
def test_no_trade_no_gradient(seed):
    _, w, shock, o = draw(seed)
    found = solved(w, shock, o)
    out = gradient(found, welfare_seeds(found))
    idle = (w.trade == 0) | (shock.weight == 0)
    for instrument in INSTRUMENTS:
        assert (out[instrument][0][:, idle] == 0).all()
    assert (out["cost"][0][:, ~idle] != 0).any()


@given(SEEDS)
def test_lerner_symmetry(seed):
    """A country's uniform tariff does what its uniform export tax does, if trade balances."""
    _, w, shock, o = draw(seed)
    o = replace(o, deficits="zero", revenue="lump_sum")
    found = solved(w, shock, o)
    out = gradient(found, welfare_seeds(found))
    for m in range(w.shape[0]):
        away = np.arange(w.shape[0]) != m
        by_tariff = out["tariff"][0][:, m, away].sum((1, 2))
        by_export_tax = out["export_tax"][0][:, away, m].sum((1, 2))
        scale = np.abs(out["tariff"][0][:, m, away]).sum((1, 2)).max()
        np.testing.assert_allclose(by_tariff, by_export_tax, atol=IDENTITY * max(scale, 1.0))


@given(SEEDS)
def test_cost_and_tax_differ_by_revenue(seed):
    """Without taxes a cost loses what a small tax collects: d ln W differs by flows over income."""
    rng = np.random.default_rng(seed)
    w = ge_worlds.random_world(rng, tariffs=False, export_taxes=False)
    found = solved(w, Shock(), Options())
    out = gradient(found, welfare_seeds(found))
    world_income = w.income  # sum_m I_m dlnW_m: transfers cancel, only what melts is lost
    by_cost = np.einsum("m,mnij->nij", world_income, out["cost"][0])
    by_tariff = np.einsum("m,mnij->nij", world_income, out["tariff"][0])
    np.testing.assert_allclose(by_cost, -w.trade, atol=1e-8 * w.trade.max())
    np.testing.assert_allclose(by_tariff, 0, atol=1e-8 * w.trade.max())


@given(SEEDS, st.sampled_from(["export", "import", "floor_quantity", "floor_value"]))
def test_limits_against_differences(seed, kind):
    """Binding limits stay binding: flows' and bounds' derivatives."""
    rng = np.random.default_rng(seed)
    w = ge_worlds.random_world(rng)
    holder = int(rng.integers(2 if kind.startswith("floor") else 3))
    limits = ge_worlds.random_limits(rng, w, 2, (kind,))
    shock = Shock(limits=tuple(replace(x, holder=holder) for x in limits))
    o = ge_worlds.random_options(rng)
    found = solved(w, shock, o)
    binding = found.multiplier > BINDS
    assume(binding.any())
    out = gradient(found, welfare_seeds(found))
    assert (out["limit"][:, ~binding] == 0).all()

    def compared(terms, shocks):
        answers = around(w, found, shocks)
        assume(all(((x.multiplier > BINDS) == binding).all() for x in answers))
        agrees(terms, answers)

    for instrument in INSTRUMENTS:
        v = rng.uniform(-1, 1, w.trade.shape)
        shocks = (moved(w, shock, o, instrument, s * STEP * v) for s in POINTS)
        compared(out[instrument][0] * v, shocks)
    v = rng.uniform(-1, 1, len(shock.limits))

    def bounds(step):
        return tuple(
            replace(x, bound=x.bound * np.exp(step * d))
            for x, d in zip(shock.limits, v, strict=True)
        )

    compared(out["limit"] * v, [replace(shock, limits=bounds(s * STEP)) for s in POINTS])


def test_batch_threads_and_levels_give_the_same_bits():
    rng = np.random.default_rng(8)
    w = ge_worlds.random_world(rng, 5, 3, rents=True, scale=True)
    o = Options(labour_supply=0.5, va_substitution=0.7, revenue="income_tax")
    shocks = [ge_worlds.random_shock(rng, w) for _ in range(3)]
    every = helpers_ge.solve(w, shocks, o).raise_failures()
    N, J = w.shape
    seeds = tuple(rng.normal(size=(2, N)) for _ in range(4))
    seeds += (rng.normal(size=(2, N, J)), rng.normal(size=(2, N)))
    base = gradient(every, seeds, level=0)
    for threads in (1, 2, 4):
        for level in range(len(_core.levels)):
            again = gradient(every, seeds, threads, level)
            assert all(again[name].tobytes() == base[name].tobytes() for name in RESULTS)
    for k, shock in enumerate(shocks):
        alone = helpers_ge.solve(w, shock, o).raise_failures()
        for part in range(2):
            one = tuple(x[part : part + 1].copy() for x in seeds)
            out = gradient(alone, one, level=0)
            for name in INSTRUMENTS:
                np.testing.assert_allclose(out[name][0, 0], base[name][k, part], rtol=1e-9)


def test_a_point_that_is_no_solution_is_told_by_its_residual():
    rng = np.random.default_rng(9)
    w = ge_worlds.random_world(rng, 3, 2)
    found = helpers_ge.solve(w, ge_worlds.random_shock(rng, w)).raise_failures()
    off = replace(found, ln_w=found.ln_w + np.array([0.1, 0.0, 0.0]))
    assert (gradient(off, welfare_seeds(found))["residual"] > 1e-3).all()
    lost = replace(found, ln_w=found.ln_w * np.nan)
    out = gradient(lost, welfare_seeds(found))
    assert (out["status"] != OK).all() and np.isnan(out["tariff"]).all()


def test_too_few_products_are_reported():
    rng = np.random.default_rng(10)
    w = ge_worlds.random_world(rng, 4, 3)
    found = helpers_ge.solve(w, ge_worlds.random_shock(rng, w)).raise_failures()
    seeds = welfare_seeds(found)
    out = _core.ge_gradient(*found.arguments, found.point, seeds, 1, 0, 0, TOL, 2, 1, BEST_LEVEL)
    status, left = out[4], out[6]
    assert (status == 1).all() and (left > TOL).all()
    assert out[1] is None and out[2] is None


@pytest.mark.parametrize("what", ["productivity", "limit"])
def test_bad_scenarios_are_refused_with_their_place(what):
    rng = np.random.default_rng(11)
    w = ge_worlds.random_world(rng, 3, 2, sparse=False)
    shock = Shock(limits=ge_worlds.random_limits(rng, w, 1))
    found = helpers_ge.solve(w, shock)
    bad = {
        "productivity": replace(shock, productivity=np.array([[1, 1], [1, -1], [1, 1]])),
        "limit": Shock(limits=(replace(shock.limits[0], bound=-1.0),)),
    }
    arguments = helpers_ge.solve(w, bad[what]).arguments
    out = gradient(replace(found, arguments=arguments), welfare_seeds(found))
    assert (out["status"] == EDOMAIN).all() and np.isnan(out["cost"]).all()
    assert (out["where"] == {"productivity": 3, "limit": 0}[what]).all()
