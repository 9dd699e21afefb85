"""Twin of the general-equilibrium model: equations (1) to (9) as they are written, and one root.

Dense arrays ``[importer n, exporter i, sector j]``, plain powers, SciPy's `root`; nothing shared
with the package. The unknowns are w, P, X'/X, S and L in logs and the log wedge of each limit that
binds. Labour-market clearing (8) of the first country is dropped for the numeraire, so that Walras'
law can be checked. Limits are settled by pivoting on their conditions. Derivatives are complex
steps.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from scipy.optimize import brentq, root

from tests.reference.ge_model import (
    EXPORTER,
    IMPORTER,
    WASTED,
    Limit,
    Options,
    Shock,
    World,
    ratio,
)
from tests.reference.ge_model import LIMITS as LIMITS
from tests.reference.ge_model import world as world

SOLVED = 1e-12  # largest log residual of a market at a solution
SIGN = 1e-9  # a wedge or a gap this far on the wrong side is no solution
STEP = 1e-30  # of complex differentiation: no rounding
ROUNDS = 20  # of pivoting before every set of states is tried
HALVINGS = 4  # of the shock, when the root is not found from the baseline


@dataclass(frozen=True)
class Unknowns:
    """A point; complex where derivatives are taken."""

    w: np.ndarray
    P: np.ndarray
    X: np.ndarray  # X' itself
    S: np.ndarray
    L: np.ndarray
    m: np.ndarray  # log wedge of each limit


@dataclass(frozen=True)
class Layout:
    """Which entries of the unknowns are free, and how they stand in a vector."""

    world: World
    options: Options
    states: tuple[str, ...]  # of the limits: "slack", "binding", "upper"
    limits: tuple[Limit, ...]
    spent: np.ndarray = field(init=False)  # where X > 0
    scaled: np.ndarray = field(init=False)  # where S moves

    def __post_init__(self) -> None:
        w = self.world
        object.__setattr__(self, "spent", w.expenditure > 0)
        object.__setattr__(self, "scaled", (w.output > 0) & (w.scale > 0))

    @property
    def sizes(self) -> list[int]:
        N, _ = self.world.shape
        some = int(self.spent.sum())
        labour = N if self.options.labour_supply > 0 else 0
        return [N, some, some, int(self.scaled.sum()), labour, self.states.count("binding")]

    def unpack(self, z: np.ndarray) -> Unknowns:
        N, J = self.world.shape
        w, P, X, S, L, m = np.split(z, np.cumsum(self.sizes)[:-1])
        full = {name: np.ones((N, J), dtype=z.dtype) for name in "PXS"}
        full["P"][self.spent] = np.exp(P)
        full["X"][self.spent] = np.exp(X)
        full["S"][self.scaled] = np.exp(S)
        wedge = np.zeros(len(self.limits), dtype=z.dtype)
        wedge[[s == "binding" for s in self.states]] = m
        for k, limit in enumerate(self.limits):
            if self.states[k] == "upper":
                wedge[k] = limit.upper
        labour = np.exp(L) if len(L) else np.ones(N, dtype=z.dtype)
        return Unknowns(
            np.exp(w), full["P"], full["X"] * self.world.expenditure, full["S"], labour, wedge
        )


@dataclass(frozen=True)
class State:
    """Everything that follows from the unknowns; names as in the model file."""

    at: Unknowns
    unit_cost: np.ndarray  # c~
    c: np.ndarray
    gamma: np.ndarray
    g: np.ndarray
    alpha: np.ndarray
    Pc: np.ndarray
    kap: np.ndarray
    P: np.ndarray  # by (3)
    share: np.ndarray
    Z: np.ndarray
    Y: np.ndarray
    shipped: np.ndarray  # quantity [n, i, j] that the exporter makes for each flow, waste included
    R: np.ndarray  # tariff revenue, rents of importers included and subsidies taken off
    XR: np.ndarray  # export-tax revenue, with rents of exporters
    D: np.ndarray
    I: np.ndarray
    X: np.ndarray  # by (5)
    S: np.ndarray
    L: np.ndarray  # by (9)
    s: np.ndarray
    B: np.ndarray  # right-hand side of (8)
    held: np.ndarray  # quantity or value of each limit


def chain(w: World, shock: Shock, m: np.ndarray):
    """Log wedges of the limits on each flow: before the border, behind it, and wasted.

    The government of who holds the rent levies it: exporters like an export tax, importers like a
    tariff. A wasted rent is spent on resources, as a trade cost is. Payers of floors alike.
    """
    border, buyer, wasted = (np.zeros(w.trade.shape, dtype=m.dtype) for _ in range(3))
    place = {IMPORTER: buyer, EXPORTER: border, WASTED: wasted}
    for limit, x in zip(shock.limits, m, strict=True):
        place[limit.holder][limit.members] += -x if limit.floor else x
    return border, buyer, wasted


def mean(share, price, substitution: float):
    """CES mean of prices over axis 1, where shares sum to one (or are all 0: then 1)."""
    ln = np.log(price)
    if substitution == 1:
        return np.exp((share * ln).sum(axis=1))
    power = 1 - substitution  # sum share p^power - 1 keeps its digits where the power is small
    return np.exp(np.log1p((share * np.expm1(power * ln)).sum(axis=1)) / power)


def production(w: World, o: Options, at: Unknowns):
    """Equation (1) and its CES form: c~, gamma', g'."""
    inputs = w.input_use.sum(axis=1)  # 1 - gamma
    P = at.P[:, :, None]  # [n, input, user]
    w_n = at.w[:, None]
    nest = ratio(w.input_use, inputs[:, None, :])
    M = mean(nest, P, o.input_substitution)
    both = np.stack([w.value_added, inputs], axis=1), np.stack([w_n + 0 * M, M], axis=1)
    cost = mean(*both, o.va_substitution)
    gamma = w.value_added * (w_n / cost) ** (1 - o.va_substitution)
    within = (P / M[:, None, :]) ** (1 - o.input_substitution)
    g = w.input_use * ((M / cost) ** (1 - o.va_substitution))[:, None, :] * within
    return cost, gamma, g


def consumption(w: World, o: Options, P: np.ndarray):
    """Pc and alpha'."""
    Pc = mean(w.final_share, P, o.final_substitution)
    return Pc, w.final_share * (P / Pc[:, None]) ** (1 - o.final_substitution)


def evaluate(w: World, o: Options, shock: Shock, at: Unknowns) -> State:
    """Go through equations (1) to (9) once; `shock` has every array."""
    unit_cost, gamma, g = production(w, o, at)
    Pc, alpha = consumption(w, o, at.P)
    c = unit_cost * at.S**-w.scale / shock.productivity
    border, buyer, wasted = chain(w, shock, at.m)
    duty = (1 + shock.tariff) * np.exp(buyer)
    levy = (1 + shock.export_tax) * np.exp(border)
    kap = shock.cost * np.exp(wasted) * duty * levy / ((1 + w.tariff) * (1 + w.export_tax))
    weighed = w.share * shock.weight * (c[None] * kap) ** -w.theta
    total = weighed.sum(axis=1)
    some = w.expenditure > 0
    P = np.where(some, np.where(some, total, 1.0) ** (-1 / w.theta), 1.0)
    share = ratio(weighed, total[:, None, :])
    Z = share * at.X[:, None, :] / duty
    made = Z / levy
    Y = made.sum(axis=0)
    profits = (w.rents * Y).sum(axis=1)
    R = ((duty - 1) * Z).sum(axis=(1, 2))
    XR = ((levy - 1) * made).sum(axis=(0, 2))
    wages = at.w * at.L * w.labour_income
    D, income = close_deficits(w, o, shock, wages + profits + R + XR)
    X = np.einsum("nkj,nj->nk", g, (1 - w.rents) * Y) + alpha * income[:, None]
    relief = np.ones_like(at.w)
    if o.revenue == "income_tax":
        before = 1 - w.tariff_revenue / w.labour_income
        relief = before / (1 - R / wages)
    return State(
        at=at,
        unit_cost=unit_cost,
        c=c,
        gamma=gamma,
        g=g,
        alpha=alpha,
        Pc=Pc,
        kap=kap,
        P=P,
        share=share,
        Z=Z,
        Y=Y,
        shipped=made / c[None],
        R=R,
        XR=XR,
        D=D,
        I=income,
        X=X,
        S=np.where(w.scale > 0, ratio(Y, w.output, 1.0) / unit_cost, 1.0),
        L=(at.w * relief / Pc) ** o.labour_supply,
        s=relief,
        B=(gamma * (1 - w.rents) * Y).sum(axis=1),
        held=np.array(
            [
                (Z if x.kind == "floor_value" else made / np.exp(wasted) / c[None])[x.members].sum()
                for x in shock.limits
            ],
            dtype=Z.dtype,
        ),
    )


def close_deficits(w: World, o: Options, shock: Shock, earned: np.ndarray):
    """D' and I' = earned + D'."""
    if o.deficits in ("fixed", "share", "zero"):  # the numeraire is world value added
        return shock.deficit + np.zeros_like(earned), earned + shock.deficit
    if o.deficits != "income":
        raise ValueError(o.deficits)
    # I' = earned / (1 - delta + mean): the mean of delta weighted by I' solves sum D' = 0
    delta = shock.deficit / w.income
    real = earned.real, delta.real

    def imbalance(mean, real=real):
        return ((real[1] - mean) * real[0] / (1 - real[1] + mean)).sum()

    floor = (real[1] - 1).max()  # every income stays positive above it
    low, high = floor + 1e-9, max(real[1].max(), floor + 1.0)
    mean = brentq(imbalance, low, high, xtol=1e-12)
    for _ in range(3):  # Newton carries the complex step, and the last digit
        gap = ((delta - mean) * earned / (1 - delta + mean)).sum()
        slope = (-earned / (1 - delta + mean) ** 2).sum()
        mean = mean - gap / slope
    income = earned / (1 - delta + mean)
    return (delta - mean) * income, income


def equations(layout: Layout, shock: Shock, z: np.ndarray) -> np.ndarray:
    """One number a market, in logs."""
    w = layout.world
    at = layout.unpack(z)
    s = evaluate(w, layout.options, shock, at)
    wages = at.w * at.L * w.labour_income
    labour = np.log(s.B / wages)
    labour[0] = np.log(wages.sum() / w.labour_income.sum())  # the numeraire, for Walras
    rows = [
        labour,
        np.log(s.P / at.P)[layout.spent],
        np.log(s.X[layout.spent] / at.X[layout.spent]),
        np.log(s.S / at.S)[layout.scaled],
    ]
    if layout.options.labour_supply > 0:
        rows.append(np.log(s.L / at.L))
    bound = np.array([limit.bound for limit in shock.limits])
    tight = [state == "binding" for state in layout.states]
    if any(tight):
        rows.append(np.log(s.held[tight] / bound[tight]))
    return np.concatenate(rows)


def jacobian(f, z: np.ndarray) -> np.ndarray:
    """Derivatives by complex steps."""
    columns = []
    for k in range(len(z)):
        step = z.astype(complex)
        step[k] += 1j * STEP
        columns.append(f(step).imag / STEP)
    return np.array(columns).T


def find(layout: Layout, shock: Shock, start: np.ndarray) -> np.ndarray:
    """Solve the equations for given states of the limits."""

    def f(z):
        with np.errstate(all="ignore"):
            out = equations(layout, shock, z)
        return np.where(np.isfinite(out), out, 1e6)

    z = root(f, start, jac=lambda z: jacobian(f, z), method="hybr", options={"xtol": 1e-13}).x
    for _ in range(20):  # polish; full steps near the root
        value = f(z)
        if np.abs(value).max() <= SOLVED / 10:
            break
        try:
            z = z - np.linalg.solve(jacobian(f, z), value)
        except np.linalg.LinAlgError:
            raise ArithmeticError("singular") from None
    if not np.abs(f(z)).max() <= SOLVED:
        raise ArithmeticError(f"no root: residual {np.abs(f(z)).max():.3g}")
    if not (evaluate(layout.world, layout.options, shock, layout.unpack(z)).I > 0).all():
        raise ArithmeticError("an income is not positive")
    return z


@dataclass(frozen=True)
class Solution:
    """An equilibrium."""

    world: World
    options: Options
    shock: Shock  # every array
    layout: Layout
    z: np.ndarray

    @cached_property
    def state(self) -> State:
        return evaluate(self.world, self.options, self.shock, self.layout.unpack(self.z))

    @property
    def m(self) -> np.ndarray:
        return self.state.at.m

    @property
    def welfare(self) -> np.ndarray:
        """W."""
        w, s, at = self.world, self.state, self.state.at
        k = self.options.labour_supply / (1 + self.options.labour_supply)
        work = k * at.w * s.s * at.L * w.labour_income
        return (s.I - work) / s.Pc / (w.income - k * w.labour_income)

    @property
    def equivalent_variation(self) -> np.ndarray:
        k = self.options.labour_supply / (1 + self.options.labour_supply)
        return (self.world.income - k * self.world.labour_income) * (self.welfare - 1)

    @property
    def real_wage(self) -> np.ndarray:
        return self.state.at.w * self.state.s / self.state.Pc

    def walras(self) -> float:
        """Return the log gap of the labour market that was dropped."""
        s = self.state
        return float(np.log(s.B / (s.at.w * s.at.L * self.world.labour_income))[0])

    def rebased(self) -> World:
        """Return the equilibrium as a baseline of its own; without limits and scale."""
        s = self.state
        return replace(
            self.world,
            trade=s.Z,
            tariff=self.shock.tariff,
            export_tax=self.shock.export_tax,
            value_added=s.gamma,
            input_use=s.g,
            final_share=s.alpha,
            deficit=s.D,
        )


def attempt(w: World, o: Options, shock: Shock, states, start) -> Solution:
    """Solve for given states; walk to the shock when it is too far."""
    layout = Layout(w, o, tuple(states), shock.limits)
    size = sum(layout.sizes)
    z = np.zeros(size) if start is None or len(start) != size else start
    try:
        return Solution(w, o, shock, layout, find(layout, shock, z))
    except (ArithmeticError, ValueError):
        bans = shock.weight == 0
    for halving in range(1, HALVINGS + 1):
        z = np.zeros(size)
        try:
            for step in np.linspace(0, 1, 2**halving + 1)[1:]:
                part = shock.part(w, step)
                if step < 1:  # bans are approached
                    part = replace(part, weight=np.where(bans, np.exp(-9 * step), part.weight))
                z = find(layout, part, z)
        except (ArithmeticError, ValueError):
            continue
        return Solution(w, o, shock, layout, z)
    raise ArithmeticError("no root along the path")


def wrong(sol: Solution) -> list[str | None]:
    """Return the state each limit should be in instead, or None."""
    out: list[str | None] = []
    for k, limit in enumerate(sol.shock.limits):
        state, m = sol.layout.states[k], sol.m[k]
        over = np.log(limit.bound / sol.state.held[k]) * (1 if limit.floor else -1)
        move = None  # over > 0: the condition is broken
        if state == "slack" and over > SIGN:
            move = "binding"
        elif state == "binding" and m < -SIGN:
            move = "slack"
        elif state == "binding" and m > limit.upper + SIGN:
            move = "upper"
        elif state == "upper" and over < -SIGN:
            move = "binding"
        out.append(move)
    return out


def sane(sol: Solution) -> Solution:
    """Refuse a point where rounding has eaten an income: Walras' law fails there."""
    if not abs(sol.walras()) <= SIGN:
        raise ArithmeticError(f"Walras' law fails by {sol.walras():.3g}")
    return sol


def solve(w: World, shock: Shock, options: Options | None = None) -> Solution:
    """Find the equilibrium.

    Raises
    ------
    ArithmeticError
        There is none, or the root was not found.
    """
    o = Options() if options is None else options
    shock = shock.filled(w, o)
    states = ["slack"] * len(shock.limits)
    seen = set()
    start = None
    for _ in range(ROUNDS):
        if tuple(states) in seen:
            break
        seen.add(tuple(states))
        try:
            sol = attempt(w, o, shock, states, start)
        except ArithmeticError:
            break
        moves = wrong(sol)
        if not any(moves):
            return sane(sol)
        states = [move or old for move, old in zip(moves, states, strict=True)]
    choices = [
        ("slack", "binding", "upper") if np.isfinite(limit.upper) else ("slack", "binding")
        for limit in shock.limits
    ]
    for some in itertools.product(*choices):
        if some in seen:
            continue
        try:
            sol = attempt(w, o, shock, some, None)
        except ArithmeticError:
            continue
        if not any(wrong(sol)):
            return sane(sol)
    raise ArithmeticError("no equilibrium was found")


def solve_near(w, shock, options, ln_w, ln_P, ln_X, ln_S, labour, m) -> Solution:
    """Find the equilibrium from a point that should be one; its limits keep their states.

    Raises
    ------
    ArithmeticError
        There is no root near it, or a limit has the wrong sign.
    """
    shock = shock.filled(w, options)
    states = tuple(
        "slack" if x == 0 else "upper" if x == limit.upper else "binding"
        for x, limit in zip(m, shock.limits, strict=True)
    )
    layout = Layout(w, options, states, shock.limits)
    parts = [ln_w, ln_P[layout.spent], ln_X[layout.spent], ln_S[layout.scaled]]
    if options.labour_supply > 0:
        parts.append(np.log(labour))
    parts.append(m[[x == "binding" for x in states]])
    sol = Solution(w, options, shock, layout, find(layout, shock, np.concatenate(parts)))
    if any(wrong(sol)):
        raise ArithmeticError("a limit has the wrong sign")
    return sane(sol)
