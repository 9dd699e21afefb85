"""Twin of one market under quantity controls: a generic complementarity problem for SciPy.

Dense arrays ``[importer, exporter]``, plain powers, nothing shared with the package. Rules are read
here a second time, from the words of models/partial_equilibrium.md. Unknowns are ln p of every
origin with finite supply, one wedge a limit and one lift a floored flow:

    b = p A1/A0 + lx + lift,   u = [b F (T1 + r) + lm] (1 - s) / T0
    0 <= lx, lm _|_ L - sum X q,   0 <= s _|_ sum X q - L,   0 <= lift _|_ b - floor
    0 <= r <= over - in: r = 0 below the quota, over - in above it

The conditions are Fischer-Burmeister equations, smoothed, solved by `scipy.optimize.least_squares`
for a falling smoothing, then as equations of the active set, with derivatives by complex steps.
A destination with listed buyers is two destinations.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import least_squares

RECEIVERS = ("importer_firms", "importer_state", "exporter_firms", "exporter_state", "waste")
HOLDER = {
    "import_quota": "importer_firms",
    "export_quota": "exporter_firms",
    "trq": "importer_firms",
    "min_import_price": "exporter_firms",
    "purchase_commitment": "importer_state",
}
LIMITS = ("import_quota", "export_quota", "trq", "purchase_commitment")
SMOOTHING = (1e-1, 1e-3, 1e-5, 1e-7, 1e-9)
POLISHED = 1e-13  # largest equation left after the polish
SIGN = 1e-9  # a wedge or a gap this far on the wrong side is no solution
STEP = 1e-30  # of complex differentiation: no rounding


@dataclass(frozen=True)
class Rule:
    """An instrument on the flows importers x exporters (positions), as a scenario has it."""

    instrument: str
    importers: tuple[int, ...]
    exporters: tuple[int, ...]
    args: dict = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    """One product: baseline, elasticities and rules; matrices ``[importer, exporter]``."""

    value: np.ndarray
    tariff: np.ndarray  # rates
    tax: np.ndarray  # rates
    sigma: np.ndarray
    demand: np.ndarray
    supply: np.ndarray
    rules: tuple[Rule, ...] = ()
    sigma_home: np.ndarray | None = None
    home: np.ndarray | None = None  # [importer] column of the home good
    lx: np.ndarray | float = 0.0  # fixed premia
    lm: np.ndarray | float = 0.0


@dataclass(frozen=True)
class Limit:
    """A group of cells held to a quantity."""

    kind: str
    limit: float
    cells: np.ndarray
    upper: float
    rents: dict


@dataclass(frozen=True)
class Problem:
    """What the rules make of a world; destinations with listed buyers are two rows."""

    world: World
    row: np.ndarray  # importer of each row
    part: np.ndarray  # share of that importer's baseline in the row
    tariff: np.ndarray  # rates after, in-quota, [importer, exporter]
    tax: np.ndarray
    cost: np.ndarray
    weight: np.ndarray  # [row, exporter]
    floor: np.ndarray  # [importer, exporter]
    floor_rents: np.ndarray  # object array of dicts
    limits: tuple[Limit, ...]
    free: np.ndarray  # exporters with a price to find
    floored: tuple[np.ndarray, np.ndarray]  # cells with a lift to find


def read(world: World) -> Problem:
    """Run the rules in order."""
    shape = world.value.shape
    tariff, tax = world.tariff.copy(), world.tax.copy()
    cost, weight = np.ones(shape), np.ones(shape)
    floor = np.zeros(shape)
    floor_rents = np.full(shape, None, dtype=object)
    listed, banned = np.zeros(shape[0]), np.zeros(shape, dtype=bool)
    limits = []
    for rule in world.rules:
        cells = np.zeros(shape, dtype=bool)
        cells[np.ix_(rule.importers, rule.exporters)] = True
        cells &= world.value > 0
        a = rule.args
        rents = a.get("rents", HOLDER.get(rule.instrument))
        rents = {rents: 1.0} if isinstance(rents, str) else rents
        effective = a.get("share", 0.0) * (1.0 - a.get("leakage", 0.0))
        if rule.instrument == "tariff":
            tariff[cells] += a["add"]
        elif rule.instrument == "export_tax":
            tax[cells] += a["add"]
        elif rule.instrument == "trade_cost":
            cost[cells] *= a["ratio"]
        elif rule.instrument == "ban":
            weight[cells] = 0.0
        elif rule.instrument == "licence":
            weight[cells] *= a["approval"]
            cost[cells] += a.get("delay_cost", 0.0)
        elif rule.instrument == "entity_list" and a["side"] == "sellers":
            weight[cells] *= 1.0 - effective
        elif rule.instrument == "entity_list":
            listed[cells.any(axis=1)] = effective
            banned |= cells
        elif rule.instrument == "min_import_price":
            higher = cells & (floor < a["ratio"])
            floor[higher] = a["ratio"]
            floor_rents[higher] = [rents] * int(higher.sum())
        else:
            limit = a.get("quantity", a.get("quantity_ratio", 0.0) * world.value[cells].sum())
            upper = 0.0
            if rule.instrument == "trq":
                tariff[cells] = a["in_rate"]
                upper = a["over_rate"] - a["in_rate"]
            limits.append(Limit(rule.instrument, limit, cells, upper, rents))
    two = np.flatnonzero(listed > 0)
    row = np.concatenate([np.arange(shape[0]), two])
    part = np.concatenate([1.0 - listed, listed[two]])
    rows = weight[row]
    rows[shape[0] :][banned[two]] = 0.0
    sold = (world.value[row] * part[:, None] * rows).sum(axis=0) > 0
    free = np.flatnonzero(sold & np.isfinite(world.supply))
    floored = np.nonzero((floor > 0) & (rows[: shape[0]] > 0) & (world.value > 0))
    return Problem(
        world,
        row,
        part,
        tariff,
        tax,
        cost,
        rows,
        floor,
        floor_rents,
        tuple(limits),
        free,
        floored,
    )


@dataclass(frozen=True)
class Point:
    """Everything at one vector of unknowns; complex where the unknowns are."""

    p: np.ndarray
    lift: np.ndarray
    lx: np.ndarray
    lm: np.ndarray
    r: np.ndarray
    keep: np.ndarray  # 1 - subsidy
    b: np.ndarray
    u: np.ndarray
    index: np.ndarray  # [row]
    q: np.ndarray  # [row, exporter]
    total: np.ndarray  # quantity of each limit


def unpack(pb: Problem, z: np.ndarray):
    n_free, n_limit = len(pb.free), len(pb.limits)
    return z[:n_free], z[n_free : n_free + n_limit], z[n_free + n_limit :]


def evaluate(pb: Problem, z: np.ndarray) -> Point:
    """Prices, quantities and group totals."""
    w = pb.world
    ln_p, wedge, lifts = unpack(pb, z)
    shape = w.value.shape
    p = np.ones(shape[1], dtype=z.dtype)
    p[pb.free] = np.exp(ln_p)
    lx, lm, r, lift = (np.zeros(shape, dtype=z.dtype) for _ in range(4))
    keep = np.ones(shape, dtype=z.dtype)
    lx += w.lx
    lm += w.lm
    lift[pb.floored] = lifts
    for limit, x in zip(pb.limits, wedge, strict=True):
        if limit.kind == "export_quota":
            lx[limit.cells] += x
        elif limit.kind == "import_quota":
            lm[limit.cells] += x
        elif limit.kind == "trq":
            r[limit.cells] += x
        else:
            keep[limit.cells] *= 1.0 - x
    b = p * (1.0 + pb.tax) / (1.0 + w.tax) + lx + lift
    u = (b * pb.cost * (1.0 + pb.tariff + r) + lm) * keep / (1.0 + w.tariff)
    index = np.empty(len(pb.row), dtype=z.dtype)
    q = np.zeros((len(pb.row), shape[1]), dtype=z.dtype)
    for k, n in enumerate(pb.row):
        index[k], q[k] = buyers(pb, k, n, u[n])
    quantity = w.value[pb.row] * pb.part[:, None] * q
    total = np.array([quantity[limit.cells[pb.row]].sum() for limit in pb.limits], dtype=z.dtype)
    return Point(p, lift, lx, lm, r, keep, b, u, index, q, total)


def ces(share: np.ndarray, price: np.ndarray, sigma: float):
    """Index of the goods that have a share."""
    live = share > 0
    if sigma == 1.0:
        return np.exp((share[live] * np.log(price[live])).sum())
    return (share[live] * price[live] ** (1.0 - sigma)).sum() ** (1.0 / (1.0 - sigma))


def buyers(pb: Problem, k: int, n: int, u: np.ndarray):
    """Price index and quantity ratios of row k, which buys at the prices of importer n."""
    w = pb.world
    theta = w.value[n] * (1.0 + w.tariff[n])
    theta = theta / theta.sum()
    share, eps, sigma = theta * pb.weight[k], w.demand[n], w.sigma[n]
    if w.sigma_home is None or theta[w.home[n]] == 0:
        index = ces(share, u, sigma)
        return index, pb.weight[k] * (u / index) ** -sigma * index**-eps
    h, top = w.home[n], w.sigma_home[n]
    abroad = np.arange(len(u)) != h
    theta_m = theta[abroad].sum()
    q = np.zeros(len(u), dtype=u.dtype)
    if not share[abroad].any():  # nothing is left abroad
        index = ces(share * ~abroad, u, top)
        q[h] = pb.weight[k, h] * (u[h] / index) ** -top * index**-eps
        return index, q
    inner = ces(np.where(abroad, share, 0.0) / theta_m, u, sigma)
    index = ces(np.array([share[h], theta_m]), np.array([u[h], inner]), top)
    q = pb.weight[k] * (u / inner) ** -sigma * (inner / index) ** -top * index**-eps
    q[h] = pb.weight[k, h] * (u[h] / index) ** -top * index**-eps
    return index, q


def gaps(pb: Problem, z: np.ndarray):
    """Excess demand in logs, and both sides of every complementarity condition, >= 0 each."""
    w, at = pb.world, evaluate(pb, z)
    ln_p, wedge, lifts = unpack(pb, z)
    made = w.value / (1.0 + w.tax)
    demand = (made[pb.row] * pb.part[:, None] * at.q).sum(axis=0)[pb.free]
    excess = np.log(demand / made.sum(axis=0)[pb.free]) - w.supply[pb.free] * ln_p
    limit = np.array([x.limit for x in pb.limits])
    room = 1.0 - at.total / limit if len(limit) else at.total
    sign = np.array([-1.0 if x.kind == "purchase_commitment" else 1.0 for x in pb.limits])
    return excess, wedge, sign * room, lifts, at.b[pb.floored] - pb.floor[pb.floored]


def smooth_min(a, b, mu: float):
    """Fischer-Burmeister: 0 where a >= 0, b >= 0 and a b = mu."""
    return a + b - np.sqrt(a * a + b * b + 2.0 * mu)


def smoothed(pb: Problem, z: np.ndarray, mu: float) -> np.ndarray:
    """Every condition as an equation."""
    excess, wedge, room, lifts, above = gaps(pb, z)
    rows = []
    for limit, x, y in zip(pb.limits, wedge, room, strict=True):
        if limit.kind == "trq":  # 0 <= x <= upper: min(x, max(x - upper, y)) = 0
            y = -smooth_min(limit.upper - x, -y, mu)
        rows.append(smooth_min(x, y, mu))
    return np.concatenate([excess, np.array(rows, dtype=z.dtype), smooth_min(lifts, above, mu)])


def jacobian(f, z: np.ndarray) -> np.ndarray:
    """Derivatives by complex steps."""
    out = np.empty((len(z), len(z)))
    for k in range(len(z)):
        step = z.astype(complex)
        step[k] += 1j * STEP
        out[:, k] = f(step).imag / STEP
    return out


def polish(pb: Problem, z: np.ndarray) -> np.ndarray:
    """Solve the equations of the active set that z points at by Newton's method."""
    _, wedge, room, lifts, above = (x.copy() for x in gaps(pb, z))
    upper = np.array([limit.upper if limit.kind == "trq" else np.inf for limit in pb.limits])
    high = upper - wedge < -room
    tight = ~high & (wedge > room)
    lifted = lifts > above

    def equations(y):
        excess, wedge, room, lifts, above = gaps(pb, y)
        bound = np.where(high, wedge - np.where(high, upper, 0.0), wedge)
        return np.concatenate(
            [excess, np.where(tight, room, bound), np.where(lifted, above, lifts)]
        )

    for _ in range(60):
        f = equations(z)
        if np.abs(f).max(initial=0.0) <= POLISHED:
            break
        z = z - np.linalg.solve(jacobian(equations, z), f)
    if not np.abs(equations(z)).max(initial=0.0) <= POLISHED:
        raise ArithmeticError("the polish did not converge")
    _, wedge, room, lifts, above = gaps(pb, z)
    wrong = np.concatenate([-wedge, wedge - upper, np.where(high, room, -room), -lifts, -above])
    if (wrong > SIGN).any():
        raise ArithmeticError(f"no complementary point: {wrong.max():.3g} on the wrong side")
    return z


def solve(world: World) -> Solution:
    """Find the equilibrium.

    Raises
    ------
    ArithmeticError
        The last point is none.
    """
    pb = read(world)
    n_free = len(pb.free)
    kinds = [limit.kind for limit in pb.limits]
    size = n_free + len(kinds) + len(pb.floored[0])
    low, high = np.full(size, 0.0), np.full(size, np.inf)
    low[:n_free] = -60.0
    high[:n_free] = 60.0
    z = np.full(size, 0.1)
    z[:n_free] = 0.0
    for k, limit in enumerate(pb.limits):
        if limit.kind == "purchase_commitment":
            high[n_free + k] = 1.0 - 1e-12
        elif limit.kind == "trq":
            z[n_free + k] = 0.5 * limit.upper
    for mu in SMOOTHING:

        def equations(y, mu=mu):
            return smoothed(pb, y, mu)

        def slopes(y, equations=equations):
            return jacobian(equations, y)

        z = least_squares(
            equations,
            np.clip(z, low + 1e-13, high - 1e-13),
            jac=slopes,
            bounds=(low, high),
            x_scale="jac",
            xtol=1e-15,
            ftol=1e-15,
            gtol=1e-15,
            max_nfev=300,
        ).x
    return Solution(pb, polish(pb, z))


@dataclass(frozen=True)
class Solution:
    """A point, and what it says about money; cells are ``[importer, exporter]``."""

    problem: Problem
    z: np.ndarray

    @property
    def at(self) -> Point:
        return evaluate(self.problem, self.z)

    @property
    def shadow(self) -> np.ndarray:
        """Premium, rate above the in-quota one, or subsidy rate, of each limit."""
        return unpack(self.problem, self.z)[1]

    @property
    def p(self) -> np.ndarray:
        """Producer prices; 0 where an origin with finite supply is shut out."""
        w, at = self.problem.world, self.at
        shut = np.isfinite(w.supply) & (w.value.sum(axis=0) > 0)
        shut[self.problem.free] = False
        return np.where(shut, 0.0, at.p)

    @property
    def q(self) -> np.ndarray:
        """Quantity ratios; the parts of a destination together."""
        pb = self.problem
        out = np.zeros(pb.world.value.shape)
        np.add.at(out, pb.row, pb.part[:, None] * self.at.q)
        return out

    @property
    def over(self) -> np.ndarray:
        """Duty above the in-quota rate that is collected, as a rate on the whole flow."""
        out = np.zeros(self.problem.world.value.shape)
        for limit, x, total in zip(self.problem.limits, self.shadow, self.at.total, strict=True):
            if limit.kind == "trq" and total > limit.limit:
                out[limit.cells] += x * (1.0 - limit.limit / total)
        return out

    @property
    def revenue(self) -> np.ndarray:
        """Import duty after."""
        pb = self.problem
        return pb.world.value * self.q * self.at.b * (pb.tariff + self.over)

    @property
    def export_tax(self) -> np.ndarray:
        """Export-tax revenue after."""
        pb = self.problem
        return pb.world.value / (1.0 + pb.world.tax) * self.q * self.at.p * pb.tax

    @property
    def rents(self) -> np.ndarray:
        """Rents less subsidies, ``[importer, exporter, receiver]``."""
        pb, at, q = self.problem, self.at, self.q
        sold = pb.world.value * q
        out = np.zeros((*sold.shape, len(RECEIVERS)))

        def pay(cells, money, rents):
            for name, share in rents.items():
                out[..., RECEIVERS.index(name)][cells] += share * money[cells]

        # with several commitments each payer's part is in proportion to its rate
        rates = np.zeros(sold.shape)
        for limit, x in zip(pb.limits, self.shadow, strict=True):
            if limit.kind == "purchase_commitment":
                rates[limit.cells] += x
        chain = at.b * pb.cost * (1.0 + pb.tariff + at.r) + at.lm
        cost = sold * chain * (1.0 - at.keep)
        for limit, x, total in zip(pb.limits, self.shadow, at.total, strict=True):
            if limit.kind == "trq":
                inside = min(1.0, limit.limit / total) if total > 0 else 1.0
                pay(limit.cells, sold * at.b * pb.cost * x * inside, limit.rents)
            elif limit.kind == "purchase_commitment":
                part = x / np.where(rates > 0, rates, 1.0)
                pay(limit.cells, -cost * part, limit.rents)
            else:
                pay(limit.cells, sold * x, limit.rents)
        for n, i in zip(*pb.floored, strict=True):
            cell = np.zeros(sold.shape, dtype=bool)
            cell[n, i] = True
            pay(cell, sold * at.lift, pb.floor_rents[n, i])
        return out

    @property
    def consumer_surplus(self) -> np.ndarray:
        """Change by importer: the area under each part's demand curve."""
        pb, w = self.problem, self.problem.world
        spending = (w.value * (1.0 + w.tariff)).sum(axis=1)[pb.row] * pb.part
        gap = 1.0 - w.demand[pb.row]
        unit = gap == 0.0
        index = self.at.index
        area = np.where(unit, np.log(index), (index**gap - 1.0) / np.where(unit, 1.0, gap))
        out = np.zeros(len(w.value))
        np.add.at(out, pb.row, -spending * area)
        return out

    @property
    def producer_surplus(self) -> np.ndarray:
        """Change by exporter; 0 where the price is given."""
        w = self.problem.world
        made = (w.value / (1.0 + w.tax)).sum(axis=0)
        finite = np.isfinite(w.supply)
        slope = 1.0 + np.where(finite, w.supply, 0.0)
        return np.where(finite, made * (self.p**slope - 1.0) / slope, 0.0)
