"""Random economies, consistent by construction, and random shocks to them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.reference.ge_twin import EXPORTER, IMPORTER, Limit, Options, Shock, World, ratio, world

SPARSE = 0.25  # chance that a flow abroad is missing
EMPTY = 0.15  # chance that a country makes, or buys, none of a good
HOME = 20.0  # least home sales, relative to the trade deficit
INPUTS = 0.6  # mean input share of cost


def random_world(
    rng: np.random.Generator,
    N: int | None = None,
    J: int | None = None,
    *,
    tariffs: bool = True,
    export_taxes: bool = True,
    inputs: bool = True,
    rents: bool = False,
    scale: bool = False,
    sparse: bool = True,
    balanced: bool = False,
    theta: tuple[float, float] = (1.5, 9.0),
) -> World:
    """Draw flows first; tables follow from them, so that the flows are an equilibrium.

    ``balanced`` gives flows of equal value in both directions, before taxes (one sector then has
    no deficit). ``sparse`` leaves out flows, producers and buyers.
    """
    N = int(rng.integers(2, 5)) if N is None else N
    J = int(rng.integers(1, 4)) if J is None else J
    size = rng.lognormal(0.0, 0.7, N)
    trade = 10 * size[:, None, None] * size[None, :, None] * rng.lognormal(0.0, 0.6, (N, N, J))
    if balanced:
        trade = (trade + trade.transpose(1, 0, 2)) / 2
    home = np.arange(N)
    trade[home, home] = 100 * size[:, None] * rng.lognormal(0.0, 0.3, (N, J))
    if sparse:
        keep = rng.random(trade.shape) > SPARSE
        keep[home, home] = True
        ring = (home + 1) % N  # all buy and sell abroad: else D = 0 may have no equilibrium
        keep[home, ring, 0] = keep[ring, home, 0] = True
        if J > 1:  # the first good is made and bought everywhere
            no_maker = rng.random((N, J)) < EMPTY
            no_buyer = rng.random((N, J)) < EMPTY
            no_maker[:, 0] = no_buyer[:, 0] = False
            keep &= ~no_maker[None] & ~no_buyer[:, None, :]
        trade = np.where(keep, trade, 0.0)
    # a deficit that trade or income cannot carry has no equilibrium
    gap = np.abs(trade.sum(axis=(1, 2)) - trade.sum(axis=(0, 2)))
    sold = trade[home, home].sum(axis=1)
    trade[home, home] *= np.maximum(HOME * gap / sold, 1.0)[:, None]

    def rates(on: bool, top: float) -> np.ndarray:
        drawn = rng.uniform(0.0, top, trade.shape) * (rng.random(trade.shape) < 0.7)
        drawn[home, home] = 0.0
        return np.where(trade > 0, drawn, 0.0) * on

    t, x = rates(tariffs, 0.4), rates(export_taxes, 0.2)
    rho = rng.uniform(0.05, 0.3, J) if rents else np.zeros(J)
    th = rng.uniform(*theta, J)
    # input links multiply returns to scale: beyond this, equilibria fold and vanish
    psi = rng.uniform(0.0, 0.15, J) / th if scale else np.zeros(J)
    output = (trade / (1 + x)).sum(axis=0)
    bought = ((1 + t) * trade).sum(axis=1)
    gamma, use = np.ones((N, J)), np.zeros((N, J, J))
    if inputs:
        gamma, use = input_tables(rng, output * (1 - rho), bought)
    out = world(
        trade,
        th,
        tariff=t,
        export_tax=x,
        rents=rho,
        scale=psi,
        value_added=gamma,
        input_use=use,
    )
    tiny = np.abs(out.final_share) < 1e-12  # a good that is an input alone
    return replace(out, final_share=np.where(tiny, 0.0, out.final_share))


def input_tables(rng: np.random.Generator, cost: np.ndarray, bought: np.ndarray):
    """Value-added and input shares that leave final demand everywhere positive, or just zero."""
    N, J = cost.shape
    nest = rng.dirichlet(np.ones(J), (N, J)).transpose(0, 2, 1)  # [n, input, user]
    nest = nest * (bought > 0)[:, :, None] * (cost > 0)[:, None, :]
    use = nest * (INPUTS * rng.uniform(0.5, 1.3, (N, J)))[:, None, :]
    total = np.einsum("nkj,nj->nk", use, cost)
    room = ratio(bought, total, np.inf).min(axis=1)
    exact = (rng.random(N) < 0.2) & (J > 1)  # one good of this country is an input alone
    factor = np.where(exact, np.minimum(room, 1.0), np.minimum(0.8 * room, 1.0))
    use = use * factor[:, None, None]
    return 1.0 - use.sum(axis=1), use


def random_shock(
    rng: np.random.Generator,
    w: World,
    *,
    tariff: float = 0.5,
    export_tax: float = 0.2,
    cost: float = 0.2,
    weight: float = 0.0,
    bans: bool = False,
    productivity: float = 0.1,
    deficit: float = 0.0,
) -> Shock:
    """Draw changes of at most the given sizes for some of the flows; 0 leaves them out."""
    N, J = w.shape
    home = np.arange(N)

    def some(size, chance=0.4):
        drawn = rng.uniform(0.0, 1.0, w.trade.shape) * (rng.random(w.trade.shape) < chance)
        drawn[home, home] = 0.0
        return np.where(w.trade > 0, size * drawn, 0.0)

    lighter = np.exp(-some(weight))
    if bans:  # all keep a source and an outlet at home, and buy and sell abroad
        sold = w.trade[home, home] > 0
        banned = (rng.random(w.trade.shape) < 0.2) & sold[:, None, :] & sold[None, :, :]
        banned[home, home] = False
        ring = (home + 1) % N
        banned[home, ring, 0] = banned[ring, home, 0] = False
        lighter = np.where(banned, 0.0, lighter)
    change = rng.normal(0.0, 1.0, N)
    shift = deficit * w.income.min() * (change - change.mean())
    return Shock(
        tariff=w.tariff + some(tariff),
        export_tax=w.export_tax + some(export_tax),
        cost=np.exp(some(cost)),
        weight=lighter,
        productivity=np.exp(productivity * rng.normal(0.0, 1.0, (N, J))),
        deficit=w.deficit + shift if deficit else None,
    )


def random_options(rng: np.random.Generator, *, ces: bool = True, labour: bool = True) -> Options:
    """Draw every switch."""

    def substitution():
        return float(rng.choice([1.0, 0.3, 0.8, 2.0])) if ces else 1.0

    return Options(
        labour_supply=float(rng.choice([0.0, 0.5, 2.0])) if labour else 0.0,
        va_substitution=substitution(),
        input_substitution=substitution(),
        final_substitution=substitution(),
        deficits=str(rng.choice(["fixed", "share", "zero", "income"])),
        revenue=str(rng.choice(["lump_sum", "income_tax"])),
    )


def random_limits(
    rng: np.random.Generator, w: World, number: int = 2, kinds=("export", "import")
) -> tuple[Limit, ...]:
    """Caps from 70 to 110 % of the base quantity, or floors from 95 to 120 %, on sets of flows."""
    N, J = w.shape
    quantity = w.trade / (1 + w.export_tax)
    abroad = w.trade > 0
    abroad[np.arange(N), np.arange(N)] = False
    out = []
    for _ in range(number):
        n, i = rng.permutation(N)[:2]
        members = np.zeros(w.trade.shape, dtype=bool)
        if rng.random() < 0.7:
            members[n, i] = True
        else:
            members[:, i] = True
        if J > 1 and rng.random() < 0.7:
            members[:, :, np.arange(J) != rng.integers(J)] = False
        members &= abroad
        if not members.any():
            continue
        kind = str(rng.choice(kinds))
        floor = kind.startswith("floor")
        factor = rng.uniform(0.95, 1.2) if floor else rng.uniform(0.7, 1.1)
        base = w.trade if kind == "floor_value" else quantity
        holder = EXPORTER if kind == "export" else IMPORTER
        out.append(Limit(kind, members, float(factor * base[members].sum()), holder))
    return tuple(out)
