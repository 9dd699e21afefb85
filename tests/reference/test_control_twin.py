"""`solve_pe` under quantity controls against the complementarity twin, and the twin by itself."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest

import tradewar as tw
from tests.reference import control_twin as ct
from tests.reference import control_worlds as cw
from tests.reference.control_twin import Rule, World
from tradewar.pe import _export_taxes, _home_flows
from tradewar.pe_controls import solve_with_limits
from tradewar.pe_problem import Problem

AGREE = (
    1e-9  # the core stops at a residual of 1e-12, the twin at 1e-13; conditioning takes the rest
)
MET = 1e-12  # a condition at the twin's own point
SUMS = 1e-11  # money columns that add up, relative to all trade
N_SEEDS = 150 if os.environ.get("HYPOTHESIS_PROFILE") == "ci" else 30
KEYS = ["exporter", "importer"]
TWICE = {"instruments": cw.EVERY * 2, "chance": 0.35}

pytestmark = pytest.mark.filterwarnings("ignore:demand exceeds substitution")


def close(found, expected, scale=1.0):
    np.testing.assert_allclose(found, expected, rtol=AGREE, atol=AGREE * scale)


def agrees(world: World) -> tw.PEResult:
    """Compare prices, quantities, premia and money, flow by flow and country by country."""
    twin, res = ct.solve(world), cw.solve(world)
    flows = res.flows.set_index(KEYS)
    live = world.value > 0
    bought = live & (twin.q > 0)
    scale = world.value.sum()

    def column(name, where=live):
        return cw.dense(world, flows[name])[where]

    close(column("quantity_ratio"), twin.q[live])
    close(column("producer_price_ratio"), np.broadcast_to(twin.p, live.shape)[live])
    close(column("border_price_ratio", bought), twin.at.b[bought])
    close(column("buyer_price_ratio", bought), twin.at.u[bought])
    close(column("revenue_new"), twin.revenue[live], scale)
    close(column("export_tax_revenue_new"), twin.export_tax[live], scale)
    table = res.binding()
    close(table["premium"], twin.shadow)
    close(table["quantity_new"], twin.at.total, scale)
    rents = res.rents().set_index(KEYS)
    for j, name in enumerate(ct.RECEIVERS):
        found = cw.dense(world, rents[name]) if len(rents) else np.zeros(live.shape)
        close(np.nan_to_num(found)[live], twin.rents[live, j], scale)
    importers, exporters = cw.labels(world)
    index = res.importers.set_index("importer")["price_index_ratio"]
    if twin.problem.row.size == len(importers):  # nobody is on a list
        close(index[importers], twin.at.index)
    surplus = res.exporters.set_index("exporter")["producer_surplus_change"]
    close(surplus[exporters], twin.producer_surplus, scale)
    close(res.countries["consumer_surplus_change"][importers], twin.consumer_surplus, scale)
    welfare(world, res, twin, scale)
    return res


def welfare(world: World, res: tw.PEResult, twin: ct.Solution, scale: float) -> None:
    """Welfare of each country from the twin's parts."""
    importers, exporters = cw.labels(world)
    expected = pd.Series(0.0, index=res.countries.index)

    def add(names, money):
        for name, amount in zip(names, money, strict=True):
            expected[name] += amount

    add(importers, twin.consumer_surplus)
    add(exporters, twin.producer_surplus)
    add(importers, (twin.revenue - world.value * world.tariff).sum(axis=1))
    taxed = world.value / (1 + world.tax) * world.tax
    add(exporters, (twin.export_tax - taxed).sum(axis=0))
    add(importers, twin.rents[..., :2].sum(axis=(1, 2)))
    add(exporters, twin.rents[..., 2:4].sum(axis=(0, 2)))
    close(res.countries["welfare_change"], expected, scale)


@pytest.mark.parametrize("two_level", [False, True])
@pytest.mark.parametrize("seed", range(N_SEEDS))
def test_every_instrument(seed, two_level):
    agrees(cw.random_world(seed, two_level=two_level))


@pytest.mark.parametrize("two_level", [False, True])
@pytest.mark.parametrize("seed", range(1000, 1000 + N_SEEDS))
def test_every_instrument_twice(seed, two_level):
    agrees(cw.random_world(seed, two_level=two_level, **TWICE))


@pytest.mark.parametrize("instrument", cw.EVERY)
@pytest.mark.parametrize("seed", range(2000, 2006))
def test_one_instrument_alone(seed, instrument):
    agrees(cw.random_world(seed, instruments=(instrument,), chance=1.0))


@pytest.mark.parametrize("two_level", [False, True])
@pytest.mark.parametrize("seed", range(3000, 3000 + N_SEEDS))
def test_fixed_premia_beside_limits(seed, two_level):
    """Fixed lx and lm have no rule; they go in below the public door."""
    world = cw.random_world(
        seed,
        instruments=("tariff", "entity_list", "import_quota", "export_quota", "trq"),
        two_level=two_level,
        fixed=True,
    )
    if np.isfinite(world.supply).any():  # a given quantity may leave no room for a premium
        world = World(**vars(world) | {"supply": np.maximum(world.supply, 0.3)})
    twin = ct.solve(world)
    rows = cw.frame(world)
    data = cw.trade(rows)
    wedges = cw.scenario(world)._apply(data)
    place = {(i, n): (i_, n_) for i, n, i_, n_ in rows[[*KEYS, "i", "n"]].itertuples(index=False)}
    flows = data.flows
    at = np.array([place[key] for key in zip(flows["exporter"], flows["importer"], strict=True)])
    cells = at[:, 1], at[:, 0]
    layout = data._layout
    importers, exporters = cw.labels(world)
    n = np.array([importers.index(data.countries[c]) for c in layout.imp_code])
    i = np.array([exporters.index(data.countries[c]) for c in layout.exp_code])
    before, after = _export_taxes(data, wedges)
    problem = Problem(
        exp_ptr=layout.exp_ptr,
        row_ptr=layout.row_ptr,
        imp_ptr=layout.imp_ptr,
        col=layout.col,
        value=data._value,
        t0=data._tariff,
        t1=wedges.tariff,
        x0=before,
        x1=after,
        cost=wedges.cost,
        weight=wedges.weight,
        sigma=world.sigma[n],
        eps=world.demand[n],
        sigma_home=None if world.sigma_home is None else world.sigma_home[n],
        home=None if world.sigma_home is None else _home_flows(data),
        mu=world.supply[i],
        lx=np.ascontiguousarray(world.lx[cells]),
        lm=np.ascontiguousarray(world.lm[cells]),
    )
    if wedges.limits is None:
        solution = problem.solve(tol=1e-12, threads=1)
    else:
        solution, settled = solve_with_limits(
            problem, wedges.limits, data, tol=1e-12, threads=1, progress=None
        )
        close(settled.shadow, twin.shadow)
    assert (solution.status == 0).all()
    close(solution.q, twin.q[cells])
    close(np.exp(solution.ln_p), twin.p[i])


# ---- the twin by itself -----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_twin_meets_its_conditions(seed):
    world = cw.random_world(seed, two_level=bool(seed % 2))
    twin = ct.solve(world)
    excess, wedge, room, lifts, above = ct.gaps(twin.problem, twin.z)
    upper = [x.upper if x.kind == "trq" else np.inf for x in twin.problem.limits]
    assert np.abs(excess).max(initial=0.0) <= MET
    for x, y, hi in zip(wedge, room, upper, strict=True):
        assert abs(min(x, max(x - hi, y))) <= MET
    assert np.abs(np.minimum(lifts, above)).max(initial=0.0) <= MET


@pytest.mark.parametrize("seed", range(10))
def test_twin_money_goes_round(seed):
    """What buyers pay is what producers, states and licence holders get and freight eats up."""
    world = cw.random_world(seed, two_level=bool(seed % 2), **TWICE)
    twin = ct.solve(world)
    pb, at = twin.problem, twin.at
    sold = world.value * twin.q
    paid = sold * (1 + world.tariff) * np.where(sold > 0, at.u, 0.0)
    p = np.where(sold > 0, at.p, 0.0)
    freight = sold * at.b * (pb.cost - 1) * (1 + pb.tariff + twin.over)
    parts = sold * p / (1 + world.tax) + twin.export_tax + twin.revenue + freight
    gap = paid - parts - twin.rents.sum(axis=2)
    assert np.abs(gap[sold > 0]).max() <= SUMS * world.value.sum()


# ---- cases that once failed ---------------------------------------------------------------------


def small(value, *rules, sigma=4.0, demand=1.0, supply=(2.0, 2.0), **more) -> World:
    """A world without tariffs."""
    value = np.array(value, dtype=float)
    n_imp = len(value)
    return World(
        value=value,
        tariff=np.zeros(value.shape),
        tax=np.zeros(value.shape),
        sigma=np.full(n_imp, sigma),
        demand=np.full(n_imp, demand),
        supply=np.array(supply, dtype=float),
        rules=rules,
        **more,
    )


def test_no_solution_is_made_of_nan_residuals():
    """A slack quota beside a floor: the residual of the quota once hid that of the market."""
    world = small(
        [[4.0, 9.0, 18.0, 6.0, 19.0]],
        Rule("trade_cost", (0,), (0, 1, 3), {"ratio": 1.2}),
        Rule("entity_list", (0,), (1,), {"side": "sellers", "share": 0.7}),
        Rule("min_import_price", (0,), (0, 1, 2), {"ratio": 1.05}),
        Rule("export_quota", (0,), (0,), {"quantity_ratio": 0.95}),
        sigma=7.0,
        demand=0.3,
        supply=(1.0, 0.3, 0.3, np.inf, np.inf),
        sigma_home=np.array([1.4]),
        home=np.array([4]),
    )
    world.tariff[0, 2] = 0.05
    agrees(world)


@pytest.mark.parametrize("supply", [0.5, 2.0, 6.0])
@pytest.mark.parametrize("sigma", [2.0, 4.0, 7.0])
@pytest.mark.parametrize("other", ["trq", "import_quota"])
def test_two_limits_on_the_same_flow(other, sigma, supply):
    """Only the tighter one binds; while both are violated their rows are the same."""
    args = {"quantity_ratio": 0.4}
    args |= {"in_rate": 0.0, "over_rate": 1.5} if other == "trq" else {}
    agrees(
        small(
            [[10.0, 10.0]],
            Rule("export_quota", (0,), (0,), {"quantity_ratio": 0.3}),
            Rule(other, (0,), (0,), args),
            sigma=sigma,
            supply=(supply, supply),
        )
    )


@pytest.mark.parametrize("supply", [0.5, 2.0, 6.0])
@pytest.mark.parametrize("sigma", [2.0, 4.0, 7.0])
def test_quota_on_flows_at_their_price_floor(sigma, supply):
    """A premium below the floor's lift moves nothing, so that its slope is zero."""
    agrees(
        small(
            [[10.0, 10.0], [10.0, 10.0]],
            Rule("min_import_price", (0, 1), (0,), {"ratio": 1.05}),
            Rule("export_quota", (0, 1), (0,), {"quantity_ratio": 0.6}),
            sigma=sigma,
            supply=(supply, supply),
        )
    )


CROWDED = {
    "instruments": (
        *("tariff", "min_import_price", "min_import_price", "export_quota", "trq"),
        *("import_quota", "purchase_commitment", "entity_list", "export_quota", "trq"),
    ),
    "chance": 0.75,
}


@pytest.mark.parametrize(("seed", "options"), [(2065, {}), (20258, CROWDED)])
def test_floors_and_limits_in_a_crowd(seed, options):
    """Sweeps and a Newton method on the active set both circled here."""
    agrees(cw.random_world(seed, **options))


def test_two_tariff_quotas_on_one_flow_share_duty_and_rent():
    """One is exceeded and collects duty, the other just filled and leaves a rent."""
    agrees(
        small(
            [[10.0, 10.0]],
            Rule("trq", (0,), (0,), {"quantity_ratio": 0.5, "in_rate": 0.05, "over_rate": 0.15}),
            Rule(
                "trq",
                (0,),
                (0, 1),
                {
                    "quantity_ratio": 0.7,
                    "in_rate": 0.05,
                    "over_rate": 2.0,
                    "rents": "exporter_state",
                },
            ),
        )
    )
