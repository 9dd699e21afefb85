"""The twin against a second opinion: differences, scipy's root finder, and its vector sibling.

These tests need no compiled code.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.bench import world as bench_world
from tests.reference import pe_driver, pe_twin, pe_twin_vector
from tests.reference.random_markets import random_market

ROOT = 1e-9  # scipy.optimize.root stops at about 1e-12 in the residual; conditioning costs the rest
DIFFERENCE = 5e-7  # central differences with a step of 1e-6
VECTOR = 1e-10  # the vector twin stops at a residual of 1e-12


def plain_excess(mk: pe_twin.Market, ln_p: np.ndarray) -> np.ndarray:
    """Excess demand straight from the definitions, with powers and no logs; sigma != 1."""
    p = np.exp(ln_p)
    b = p * mk.tax_new / mk.tax + mk.lx
    u = (b * mk.cost * mk.tariff_new + mk.lm) / mk.tariff
    theta = mk.value * mk.tariff / (mk.value * mk.tariff).sum(axis=1, keepdims=True)
    demand = np.zeros(len(p))
    for n in range(len(theta)):
        s, e = mk.sigma[n], mk.demand[n]
        h = mk.home[n]
        if mk.sigma_home is None or theta[n, h] == 0:
            index = (mk.weight[n] * theta[n] * u[n] ** (1 - s)).sum() ** (1 / (1 - s))
            q = mk.weight[n] * (u[n] / index) ** -s * index**-e
        else:
            sh = mk.sigma_home[n]
            m = np.where(np.arange(len(p)) == h, 0.0, theta[n])
            abroad = max(m.sum(), 1e-300)  # nothing from abroad: any inner price will do
            inner = (max((mk.weight[n] * m * u[n] ** (1 - s)).sum(), abroad * 1e-9) / abroad) ** (
                1 / (1 - s)
            )
            outer = theta[n, h] * u[n, h] ** (1 - sh) + m.sum() * inner ** (1 - sh)
            index = outer ** (1 / (1 - sh))
            q = mk.weight[n] * (u[n] / inner) ** -s * (inner / index) ** -sh * index**-e
            q[h] = (u[n, h] / index) ** -sh * index**-e
        demand += mk.value[n] / mk.tax[n] * q
    sold = (mk.value / mk.tax).sum(axis=0)
    finite = np.where(np.isfinite(mk.supply), mk.supply, 0.0)
    return demand / np.where(sold > 0, sold, 1.0) - p**finite


@pytest.mark.parametrize("premia", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_twin_agrees_with_scipy_root_on_the_plain_equations(seed, premia):
    optimize = pytest.importorskip("scipy.optimize")
    mk = random_market(seed, premia=premia)
    ones = {1.0: 1.6, 1 + 1e-7: 1.7, 1 + 1e-8: 1.8}  # the plain form cannot do sigma near 1
    fields = dict(vars(mk))
    fields["sigma"] = np.array([ones.get(s, s) for s in mk.sigma])
    if mk.sigma_home is not None:
        fields["sigma_home"] = np.array([ones.get(s, s) for s in mk.sigma_home])
    mk = pe_twin.Market(**fields)
    sol = pe_twin.solve_exact(mk)
    free = pe_twin.unknowns(mk)

    def f(x):
        ln_p = np.zeros(len(mk.supply))
        ln_p[free] = x
        return plain_excess(mk, ln_p)[free]

    if free.size == 0:
        pytest.skip("no price to find: every supply is infinite")
    found = optimize.root(f, 0.3 * sol.ln_p[free], tol=1e-13)
    assert np.abs(f(found.x)).max() < 1e-11
    np.testing.assert_allclose(sol.ln_p[free], found.x, rtol=0, atol=ROOT)


@pytest.mark.parametrize("seed", range(30))
def test_twin_jacobian_is_the_derivative(seed):
    mk = random_market(seed, premia=seed % 4 == 0)
    free = pe_twin.unknowns(mk)
    rng = np.random.default_rng(seed)
    ln_p = np.where(np.isfinite(mk.supply), rng.normal(0, 0.2, len(mk.supply)), 0.0)
    _, jac = pe_twin.excess(mk, ln_p)
    h = 1e-6
    for k, s in enumerate(free):
        up, down = ln_p.copy(), ln_p.copy()
        up[s] += h
        down[s] -= h
        slope = (pe_twin.excess(mk, up)[0] - pe_twin.excess(mk, down)[0]) / (2 * h)
        np.testing.assert_allclose(jac[:, k], slope, atol=DIFFERENCE, rtol=DIFFERENCE)


@pytest.mark.parametrize("common", [True, False])
@pytest.mark.parametrize("shock", bench_world.SHOCKS)
def test_vector_twin_agrees_with_the_exact_twin(shock, common):
    w = bench_world.generate(3)
    new = bench_world.new_tariff(w, shock)
    sigma = w.sigma_common if common else w.sigma_by_destination
    rng = np.random.default_rng(1)
    ratio = np.where(rng.random(w.value.size) < 0.1, 1.2, 1.0)
    ln_p, ln_index, q, sweeps, residual = pe_twin_vector.solve(
        w.layout,
        w.value,
        tariff=w.tariff,
        tariff_new=new,
        ratio=ratio,
        sigma=sigma,
        eps=w.demand,
        mu=w.supply,
        common=common,
    )
    assert residual.max() <= 1e-12
    assert sweeps.min() > 0
    exp_slot = np.repeat(np.arange(len(w.supply)), np.diff(w.layout.row_ptr))
    imp_slot = w.layout.col + w.layout.imp_ptr[w.product]
    out = pe_driver.solve_flows(
        w.exporter,
        w.importer,
        w.product,
        w.value,
        tariff=w.tariff,
        tariff_new=new,
        cost=ratio,
        sigma=sigma[imp_slot],
        demand=w.demand[imp_slot],
        supply=w.supply[exp_slot],
    )
    np.testing.assert_allclose(ln_p[exp_slot], out["ln_p"], rtol=0, atol=VECTOR)
    np.testing.assert_allclose(ln_index[imp_slot], out["ln_index"], rtol=0, atol=VECTOR)
    np.testing.assert_allclose(q, out["q"], rtol=VECTOR * 10)


def test_vector_twin_leaves_untouched_markets_alone():
    w = bench_world.generate(4)
    _, _, q, sweeps, _ = pe_twin_vector.solve(
        w.layout,
        w.value,
        tariff=w.tariff,
        tariff_new=w.tariff,
        sigma=w.sigma_common,
        eps=w.demand,
        mu=w.supply,
        common=True,
    )
    assert (q == 1.0).all() and (sweeps == 0).all()
