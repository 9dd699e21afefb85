"""Properties of general equilibrium that hold in any economy, through the core."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import helpers_ge
from tests.reference import ge_twin, ge_worlds
from tests.reference.ge_twin import EXPORTER, Limit, Options, Shock, World

ONES = 1e-12  # no shock
SAME = 1e-9  # two roads to one equilibrium, each solved to a residual of 1e-12
SUMS = 1e-10  # accounts, relative to the largest entry: markets close to the residual

seeds = st.integers(0, 2**32 - 1)
switches = st.fixed_dictionaries(
    {"rents": st.booleans(), "scale": st.booleans(), "inputs": st.booleans()}
)
closures = st.builds(
    Options,
    labour_supply=st.sampled_from([0.0, 0.5, 2.0]),
    va_substitution=st.sampled_from([1.0, 0.2, 0.999, 1.5]),
    input_substitution=st.sampled_from([1.0, 0.2, 1.001, 3.0]),
    final_substitution=st.sampled_from([1.0, 0.4, 2.0]),
    deficits=st.sampled_from(["fixed", "share", "zero", "income"]),
    revenue=st.sampled_from(["lump_sum", "income_tax"]),
)


def draw(seed: int, kinds: dict, **sizes) -> tuple[np.random.Generator, World, Shock]:
    rng = np.random.default_rng(seed)
    w = ge_worlds.random_world(rng, **kinds)
    mild = {"tariff": 0.3, "export_tax": 0.1, "cost": 0.1, "productivity": 0.05}
    return rng, w, ge_worlds.random_shock(rng, w, **(mild | sizes))


def solve(w, shock, o=None, **how) -> helpers_ge.Answer:
    return helpers_ge.solve(w, shock, o, **how).raise_failures()


def close(found, expected, scale=1.0, tol=SAME):
    np.testing.assert_allclose(found, expected, rtol=tol, atol=tol * scale)


@given(seeds, switches, closures)
def test_no_shock_changes_nothing(seed, kinds, o):
    _, w, _ = draw(seed, kinds)
    o = replace(o, deficits="fixed" if o.deficits == "zero" else o.deficits)
    found = solve(w, Shock(), o)
    for x in found.point[:4]:
        assert np.abs(x).max() <= ONES
    e = found.evaluated
    assert np.abs(found.welfare - 1).max() <= ONES
    assert np.abs(e["trade"][0] - w.trade).max() <= ONES * w.trade.max()
    assert np.abs(e["deficit"][0] - w.deficit).max() <= 10 * ONES * w.income.max()
    assert (e["trade"][0][w.trade == 0] == 0).all()


@given(seeds, switches, closures, st.integers(-60, 60))
def test_money_is_neutral(seed, kinds, o, power):
    _, w, shock = draw(seed, kinds)
    factor = 10.0**power
    richer = replace(w, trade=factor * w.trade, deficit=factor * w.deficit)
    a, b = solve(w, shock, o), solve(richer, shock, o)
    for x, y in zip(a.point[:4], b.point[:4], strict=True):
        close(x, y)
    close(b.evaluated["income"], factor * a.evaluated["income"], factor)


@given(seeds, switches, closures)
def test_accounts(seed, kinds, o):
    """Budgets, taxes, deficits, shares and Walras' law, rebuilt from trade and costs."""
    _, w, shock = draw(seed, kinds, bans=seed % 3 == 0)
    found = solve(w, shock, o)
    e = {name: x[0] for name, x in found.evaluated.items()}
    full = shock.filled(w, o)
    money = e["income"].max()
    Z, t, x = e["trade"], full.tariff, full.export_tax
    X = w.expenditure * np.exp(found.ln_X[0])
    close(((1 + t) * Z).sum(axis=1), X, money, SUMS)
    close((Z / (1 + x)).sum(axis=0), e["output"], money, SUMS)
    close((t * Z).sum(axis=(1, 2)), e["tariff_revenue"], money, SUMS)
    close((x / (1 + x) * Z).sum(axis=(0, 2)), e["export_revenue"], money, SUMS)
    profits = (w.rents * e["output"]).sum(axis=1)
    earned = found.wages[0] + profits + e["tariff_revenue"] + e["export_revenue"]
    close(earned + e["deficit"], e["income"], money, SUMS)
    close(e["deficit"].sum(), 0.0, money, SUMS)
    assert found.wages.sum() == pytest.approx(w.labour_income.sum(), rel=SUMS)
    # goods and labour together: no market is left out
    spent_on_inputs = ((1 - w.rents) * e["output"]).sum(axis=1) - found.wages[0]
    close(X.sum(axis=1) - spent_on_inputs, e["income"], money, SUMS)
    # the deficit is what the country buys abroad less what it sells
    net = (Z.sum(axis=(1, 2)) - Z.sum(axis=(0, 2))) * 1.0
    close(net, e["deficit"], money, SUMS)
    if o.labour_supply == 0:
        assert (found.labour == 1).all()
    if o.revenue == "lump_sum":
        assert (found.subsidy == 1).all()
    assert (Z[full.weight == 0] == 0).all()


@given(seeds, switches, closures)
def test_permutation(seed, kinds, o):
    rng, w, shock = draw(seed, kinds, bans=seed % 3 == 0)
    N, J = w.shape
    n, j = rng.permutation(N), rng.permutation(J)
    cut = np.ix_(n, n, j)
    two = np.ix_(n, j)
    turned = World(
        trade=w.trade[cut],
        theta=w.theta[j],
        tariff=w.tariff[cut],
        export_tax=w.export_tax[cut],
        value_added=w.value_added[two],
        input_use=w.input_use[np.ix_(n, j, j)],
        rents=w.rents[j],
        scale=w.scale[j],
        final_share=w.final_share[two],
        deficit=w.deficit[n],
    )
    moved = Shock(
        shock.tariff[cut],
        shock.export_tax[cut],
        shock.cost[cut],
        shock.weight[cut],
        shock.productivity[two],
    )
    a, b = solve(w, shock, o), solve(turned, moved, o)
    close(b.ln_w[0], a.ln_w[0][n])
    close(b.ln_P[0], a.ln_P[0][two])
    close(b.evaluated["trade"][0], a.evaluated["trade"][0][cut], w.trade.max())
    close(b.welfare[0], a.welfare[0][n])


@given(seeds, switches, closures)
def test_splitting_a_sector(seed, kinds, o):
    """Two halves of a good, with equal prices, are the good."""
    _, w, shock = draw(seed, kinds)
    _, J = w.shape
    old = np.append(np.arange(J), J - 1)
    half = np.where(old == J - 1, 0.5, 1.0)
    split = replace(
        w,
        trade=w.trade[:, :, old] * half,
        theta=w.theta[old],
        tariff=w.tariff[:, :, old],
        export_tax=w.export_tax[:, :, old],
        value_added=w.value_added[:, old],
        input_use=w.input_use[:, old][:, :, old] * half[:, None],
        rents=w.rents[old],
        scale=w.scale[old],
        final_share=w.final_share[:, old] * half,
    )
    wider = Shock(
        shock.tariff[:, :, old],
        shock.export_tax[:, :, old],
        shock.cost[:, :, old],
        shock.weight[:, :, old],
        shock.productivity[:, old],
    )
    a, b = solve(w, shock, o), solve(split, wider, o)
    close(b.ln_w, a.ln_w)
    close(b.ln_P, a.ln_P[:, :, old])
    close(b.welfare, a.welfare)


@given(seeds, switches, closures)
def test_splitting_a_country(seed, kinds, o):
    """Two halves of a country, trading as its parts do, are the country."""
    _, w, shock = draw(seed, kinds)
    N, _ = w.shape
    old = np.append(np.arange(N), N - 1)
    half = np.where(old == N - 1, 0.5, 1.0)
    cut = np.ix_(old, old)
    split = replace(
        w,
        trade=w.trade[cut] * half[:, None, None] * half[None, :, None],
        tariff=w.tariff[cut],
        export_tax=w.export_tax[cut],
        value_added=w.value_added[old],
        input_use=w.input_use[old],
        final_share=w.final_share[old],
        deficit=w.deficit[old] * half,
    )
    wider = Shock(
        shock.tariff[cut],
        shock.export_tax[cut],
        shock.cost[cut],
        shock.weight[cut],
        shock.productivity[old],
    )
    a, b = solve(w, shock, o), solve(split, wider, o)
    close(b.ln_w, a.ln_w[:, old])
    close(b.ln_P, a.ln_P[:, old])
    close(b.welfare, a.welfare[:, old])


@given(seeds, switches, closures)
def test_two_steps_are_one(seed, kinds, o):
    """The equilibrium halfway, as a baseline of its own, leads to the same end."""
    _, w, shock = draw(seed, kinds)
    o = replace(o, deficits="fixed" if o.deficits == "zero" else o.deficits)
    full = shock.filled(w, o)
    half = full.part(w, 0.5)
    middle = ge_twin.solve(w, half, o)
    base = replace(middle.rebased(), final_share=middle.state.alpha)
    rest = replace(
        full,
        cost=full.cost / half.cost,
        productivity=full.productivity / half.productivity,
        weight=full.weight / half.weight,
        deficit=middle.state.D,
    )
    whole, second = solve(w, shock, o), solve(base, rest, o)
    close(second.ln_w + np.log(middle.state.at.w), whole.ln_w)
    close(second.ln_P + np.log(middle.state.at.P), whole.ln_P)
    close(second.evaluated["trade"], whole.evaluated["trade"], w.trade.max())
    if o.revenue == "lump_sum" or o.labour_supply == 0:
        close(second.welfare * middle.welfare, whole.welfare, 10.0)


@given(seeds, st.booleans())
def test_lerner_symmetry(seed, inputs):
    """With balanced trade, one rate on all imports is the same rate on all exports."""
    rng, w, _ = draw(seed, {"inputs": inputs})
    n, rate = int(rng.integers(w.shape[0])), rng.uniform(0.05, 0.5)
    o = Options(deficits="zero")
    abroad = np.arange(w.shape[0]) != n
    t, x = w.tariff.copy(), w.export_tax.copy()
    t[n, abroad] = (1 + t[n, abroad]) * (1 + rate) - 1
    x[abroad, n] = (1 + x[abroad, n]) * (1 + rate) - 1
    a, b = solve(w, Shock(tariff=t), o), solve(w, Shock(export_tax=x), o)
    close(a.welfare, b.welfare)


@given(seeds, st.floats(0.2, 5.0), st.booleans())
def test_better_technology_everywhere(seed, factor, as_cost):
    """Without inputs, one productivity factor for all goods moves prices alone."""
    _, w, _ = draw(seed, {"inputs": False, "rents": True})
    shock = (
        Shock(cost=np.full(w.trade.shape, 1 / factor))
        if as_cost
        else Shock(productivity=np.full(w.shape, factor))
    )
    found = solve(w, shock)
    close(found.ln_w, 0.0)
    close(found.welfare, factor)
    close(found.evaluated["trade"][0], w.trade, w.trade.max())


@given(seeds, st.booleans(), st.sampled_from(["fixed", "zero", "income"]))
def test_own_share_formula(seed, inputs, deficits):
    """One sector, no tariffs, iceberg costs (Arkolakis, Costinot, Rodriguez-Clare 2012)."""
    rng = np.random.default_rng(seed)
    w = ge_worlds.random_world(rng, J=1, tariffs=False, export_taxes=False, inputs=inputs)
    shock = ge_worlds.random_shock(rng, w, tariff=0, export_tax=0, productivity=0)
    found = solve(w, shock, Options(deficits=deficits))
    X = w.expenditure * np.exp(found.ln_X[0])
    home = np.arange(len(w.trade))
    own = found.evaluated["trade"][0][home, home, 0] / X[:, 0] / w.share[home, home, 0]
    close(found.real_wage[0], own ** (-1 / (w.theta[0] * w.value_added[:, 0])))


@given(seeds)
def test_closed_economy(seed):
    """One country: prices are the Leontief inverse of productivity."""
    rng = np.random.default_rng(seed)
    J = 4
    use = rng.dirichlet(np.ones(J), J).T * rng.uniform(0.1, 0.7, J)  # [input, user]
    final = rng.uniform(1.0, 5.0, J)
    output = np.linalg.solve(np.eye(J) - use, final)
    w = ge_twin.world(
        output[None, None],
        4.0,
        value_added=1 - use.sum(axis=0)[None],
        input_use=use[None],
    )
    A = np.exp(0.3 * rng.normal(size=J))
    found = solve(w, Shock(productivity=A[None]))
    ln_P = np.linalg.solve(np.eye(J) - use.T, -np.log(A))
    close(found.ln_w, 0.0)
    close(found.ln_P[0, 0], ln_P)
    close(np.log(found.welfare[0, 0]), -(w.final_share[0] * ln_P).sum())


@pytest.mark.parametrize("theta", [5.0, 20.0, 60.0])
@pytest.mark.parametrize("rate", [0.1, 1.0])
def test_full_pass_through_to_a_small_country(theta, rate):
    """Its tariff leaves the world's price alone: the gap is of the order of its size."""
    for size in (1e-4, 1e-6):
        trade = np.array([[0.7 * size, 0.3 * size], [0.3 * size, 1.0]])[:, :, None]
        w = ge_twin.world(trade, theta)
        tariff = np.array([[0.0, rate], [0.0, 0.0]])[:, :, None]
        cost = solve(w, Shock(tariff=tariff)).evaluated["cost"][0]
        assert abs(np.log(cost[1, 0])) <= size


@pytest.mark.parametrize("theta", [2.0, 4.0, 8.0])
def test_optimal_tariff_of_a_small_economy(theta):
    size, near = 1e-6, 0.01
    trade = np.array([[0.6 * size, 0.4 * size], [0.4 * size, 1.0]])[:, :, None]
    w = ge_twin.world(trade, theta)
    rates = (1 / theta) * np.array([1 - near, 1.0, 1 + near])
    shocks = [Shock(tariff=np.array([[0.0, r], [0.0, 0.0]])[:, :, None]) for r in rates]
    below, best, above = solve(w, shocks).welfare[:, 0]
    assert best > max(below, above) and best > 1
    # the parabola through the three peaks at the middle, to a hundredth of the spacing
    peak = 0.5 * (above - below) / (2 * best - above - below)
    assert abs(peak) < 0.01


# ---- limits --------------------------------------------------------------------------------


@given(seeds, switches, closures, st.floats(0.6, 0.95))
def test_a_cap_is_a_tax_at_its_shadow_rate(seed, kinds, o, share):
    rng, w, shock = draw(seed, kinds)
    n, i = rng.permutation(w.shape[0])[:2]
    members = np.zeros(w.trade.shape, dtype=bool)
    members[n, i] = w.trade[n, i] > 0
    if not members.any():
        return
    free = solve(w, shock, o)
    made = free.evaluated["trade"][0] / (1 + shock.export_tax) / free.evaluated["cost"][0]
    for holder, name in ((EXPORTER, "export_tax"), (ge_twin.IMPORTER, "tariff")):
        kind = "export" if holder == EXPORTER else "import"
        limit = Limit(kind, members, float(share * made[members].sum()), holder)
        limited = replace(shock, limits=(limit,))
        capped = helpers_ge.solve(w, limited, o)
        if capped.status[0]:  # its buyers take the rent, and it cannot pay for its imports
            assert holder == ge_twin.IMPORTER
            with pytest.raises(ArithmeticError):
                ge_twin.solve(w, limited, o)
            continue
        assert capped.multiplier[0] > 0
        rate = getattr(shock, name).copy()
        rate[members] = (1 + rate[members]) * np.exp(capped.multiplier[0]) - 1
        taxed = solve(w, replace(shock, **{name: rate}), o)
        close(taxed.ln_w, capped.ln_w)
        close(taxed.welfare, capped.welfare, 10.0)
        close(taxed.evaluated["trade"], capped.evaluated["trade"], w.trade.max())


@given(seeds, switches, closures, st.floats(1.01, 3.0))
def test_a_slack_cap_changes_nothing(seed, kinds, o, room):
    rng, w, shock = draw(seed, kinds)
    i = int(rng.integers(w.shape[0]))
    members = np.zeros(w.trade.shape, dtype=bool)
    members[:, i] = w.trade[:, i] > 0
    free = solve(w, shock, o)
    made = free.evaluated["trade"][0] / (1 + shock.export_tax) / free.evaluated["cost"][0]
    limit = Limit("export", members, float(room * made[members].sum()), EXPORTER)
    capped = solve(w, replace(shock, limits=(limit,)), o)
    assert capped.multiplier[0] == 0
    close(capped.ln_w, free.ln_w)
    close(capped.welfare, free.welfare, 10.0)


# ---- batches -------------------------------------------------------------------------------


@given(seeds, switches, closures, st.integers(2, 9))
def test_a_batch_is_its_scenarios(seed, kinds, o, count):
    """Bit for bit, at any number of threads."""
    rng, w, _ = draw(seed, kinds)
    shocks = [
        replace(
            ge_worlds.random_shock(rng, w, tariff=0.3, export_tax=0.1, cost=0.1, productivity=0.02),
            limits=ge_worlds.random_limits(rng, w, int(rng.integers(3))),
        )
        for _ in range(count)
    ]
    one, two = (helpers_ge.solve(w, shocks, o, threads=k) for k in (1, 2))
    names = ("ln_w", "ln_P", "ln_X", "ln_S", "multiplier", "labour", "subsidy")
    for name in (*names, "status", "iterations", "residual", "where", "what"):
        assert np.array_equal(getattr(one, name), getattr(two, name), equal_nan=True)
    assert np.mean(one.status != 0) <= 0.5  # a cap may leave nothing to pay imports with
    first = 0
    for k, shock in enumerate(shocks):
        alone = helpers_ge.solve(w, shock, o)
        for x, y in zip(alone.point[:4], one.point[:4], strict=True):
            assert np.array_equal(x[0], y[k], equal_nan=True)
        last = first + len(shock.limits)
        assert np.array_equal(alone.multiplier, one.multiplier[first:last], equal_nan=True)
        first = last


@given(seeds, switches, closures)
def test_a_ban_is_a_prohibitive_cost(seed, kinds, o):
    _, w, shock = draw(seed, kinds, bans=True)
    banned = shock.weight == 0
    dear = replace(shock, weight=None, cost=np.where(banned, np.exp(60 / w.theta), shock.cost))
    a, b = solve(w, shock, o), solve(w, dear, o)
    assert (a.evaluated["trade"][0][banned] == 0).all()
    close(b.ln_w, a.ln_w)
    close(b.welfare, a.welfare, 10.0)


@given(seeds, switches, closures)
def test_a_start_does_not_move_the_end(seed, kinds, o):
    rng, w, shock = draw(seed, kinds)
    cold = solve(w, shock, o)
    near = tuple(x + 0.02 * rng.normal(size=x.shape) * (x != 0) for x in cold.point[:4])
    warm = solve(w, shock, o, start=(*near, cold.multiplier))
    for x, y in zip(cold.point[:4], warm.point[:4], strict=True):
        close(x, y)


@given(seeds, switches, closures)
def test_code_paths_agree(seed, kinds, o):
    _, w, shock = draw(seed, kinds)
    a, b = (solve(w, shock, o, level=level) for level in (0, helpers_ge.BEST_LEVEL))
    for x, y in zip(a.point[:4], b.point[:4], strict=True):
        close(x, y)
