"""Vectorised NumPy twin of general equilibrium: the algorithm of the C core in array calls.

Unknowns ln w, ln P and ln X'; a sweep goes through equations (1) to (8) and Anderson mixing speeds
it up. Cobb-Douglas, fixed deficits, no export taxes, no scale, given labour: this twin measures
speed and solves worlds of published size; the exact twin is for correctness. It comes in two
makes: ``packed`` has K = pi kap^(-theta) ready, so that a sweep has N J exponentials and two
batched products; without it every flow has its exponential in every sweep. A baseline need not be
an equilibrium: `resolve` finds the one at its own tariffs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

MEMORY = 10
MIXING = 0.7
LONGEST_STEP = 1.0  # in ln w
WAGE_STEP = 0.5
RIDGE = 1e-14


@dataclass(frozen=True)
class Economy:
    """Shares and levels, arrays ``[importer, exporter, sector]``."""

    trade: np.ndarray
    tariff: np.ndarray
    theta: np.ndarray
    value_added: np.ndarray
    input_use: np.ndarray
    rents: np.ndarray
    final_share: np.ndarray
    deficit: np.ndarray

    @property
    def expenditure(self) -> np.ndarray:
        return ((1 + self.tariff) * self.trade).sum(axis=1)

    @property
    def share(self) -> np.ndarray:
        total = self.expenditure[:, None, :]
        return (1 + self.tariff) * self.trade / np.where(total > 0, total, 1.0)

    @property
    def output(self) -> np.ndarray:
        return self.trade.sum(axis=0)

    @property
    def labour_income(self) -> np.ndarray:
        return (self.value_added * (1 - self.rents) * self.output).sum(axis=1)

    @property
    def income(self) -> np.ndarray:
        """I, as income: equal to final spending where the flows are an equilibrium."""
        profits = (self.rents * self.output).sum(axis=1)
        duties = (self.tariff * self.trade).sum(axis=(1, 2))
        return self.labour_income + profits + duties + self.deficit


@dataclass(frozen=True)
class Found:
    """Ratios and levels at the last point."""

    economy: Economy
    tariff: np.ndarray
    w: np.ndarray
    P: np.ndarray
    c: np.ndarray
    trade: np.ndarray
    income: np.ndarray
    sweeps: int
    residual: float

    @property
    def price_index(self) -> np.ndarray:
        return np.exp((self.economy.final_share * np.log(self.P)).sum(axis=1))

    @property
    def welfare(self) -> np.ndarray:
        return self.income / self.economy.income / self.price_index

    @property
    def real_wage(self) -> np.ndarray:
        return self.w / self.price_index

    def baseline(self) -> Economy:
        return replace(self.economy, trade=self.trade, tariff=self.tariff)

    def cp2015(self) -> tuple[np.ndarray, np.ndarray]:
        """Terms and volume of trade to first order (Caliendo and Parro 2015)."""
        e, rise = self.economy, self.c - 1
        exports = np.einsum("mnj,nj->n", e.trade, rise)
        imports = np.einsum("nmj,mj->n", e.trade, rise)
        volume = (e.tariff * (self.trade - e.trade * self.c[None])).sum(axis=(1, 2))
        return (exports - imports) / e.income, volume / e.income


class Sweep:
    """z + step F(z) is a sweep; arrays are [sector, importer, exporter] and [sector, country]."""

    def __init__(self, e: Economy, tariff: np.ndarray, cost, packed: bool):
        self.e, self.tariff = e, tariff
        wedge = cost * (1 + tariff) / (1 + e.tariff)
        flows = (2, 0, 1)  # [n, i, j] -> [j, n, i]
        self.ln_wedge = np.ascontiguousarray(np.log(wedge).transpose(flows))
        self.pi = np.ascontiguousarray(e.share.transpose(flows))
        self.duty = np.ascontiguousarray(1 + tariff.transpose(flows))
        self.theta = e.theta[:, None]
        self.packed = packed
        if packed:
            self.K = self.pi * np.exp(-self.theta[:, :, None] * self.ln_wedge)
            self.KT = self.K / self.duty
        self.gamma = np.ascontiguousarray(e.value_added.T)
        self.g = np.ascontiguousarray(e.input_use)  # [n, input, user]
        self.g_by_user = np.ascontiguousarray(e.input_use.transpose(0, 2, 1))
        self.alpha = np.ascontiguousarray(e.final_share.T)
        self.rents = e.rents[:, None]
        self.V, self.X = e.labour_income, e.expenditure.T
        self.live = self.X > 0
        self.shape = self.X.shape

    def visit(self, ln_c, X):
        """Phi, tariff-free spending by importer and Y by exporter, of both makes."""
        if self.packed:
            u = np.exp(-self.theta * ln_c)
            phi = np.matmul(self.K, u[:, :, None])[:, :, 0]
            q = np.divide(X, phi, out=np.zeros_like(X), where=self.live)
            border = q * np.matmul(self.KT, u[:, :, None])[:, :, 0]
            Y = u * np.matmul(q[:, None, :], self.KT)[:, 0, :]
            return phi, border, Y
        flow = self.pi * np.exp(-self.theta[:, :, None] * (ln_c[:, None, :] + self.ln_wedge))
        phi = flow.sum(axis=2)
        q = np.divide(X, phi, out=np.zeros_like(X), where=self.live)
        Z = flow * q[:, :, None] / self.duty
        return phi, Z.sum(axis=2), Z.sum(axis=1)

    def costs(self, ln_w, ln_P):
        bought = np.matmul(self.g_by_user, ln_P.T[:, :, None])[:, :, 0].T
        return self.gamma * ln_w + bought

    def __call__(self, z: np.ndarray) -> np.ndarray:
        """F: the residual of every market in logs."""
        J, N = self.shape
        ln_w, ln_P, ln_X = z[:N], z[N : N + J * N], z[N + J * N :]
        ln_P, ln_X = ln_P.reshape(J, N), ln_X.reshape(J, N)
        X = self.X * np.exp(ln_X)
        phi, border, Y = self.visit(self.costs(ln_w, ln_P), X)
        wages = np.exp(ln_w) * self.V
        self.income = (
            wages + (self.rents * Y).sum(axis=0) + (X - border).sum(axis=0) + self.e.deficit
        )
        paid = (1 - self.rents) * Y
        X_new = np.matmul(self.g, paid.T[:, :, None])[:, :, 0].T + self.alpha * self.income
        B = (self.gamma * paid).sum(axis=0)
        F_w = np.log(B / wages) - np.log(wages.sum() / self.V.sum())
        F_P = np.where(self.live, -np.log(np.where(self.live, phi, 1.0)) / self.theta - ln_P, 0.0)
        ratio = np.divide(X_new, self.X, out=np.ones_like(X), where=self.live)
        F_X = np.where(self.live, np.log(ratio) - ln_X, 0.0)
        return np.concatenate([F_w, F_P.ravel(), F_X.ravel()])

    def shift(self, z: np.ndarray) -> np.ndarray:
        """Move along the direction of money until world value added is what it was."""
        N = len(self.V)
        money = np.log((np.exp(z[:N]) * self.V).sum() / self.V.sum())
        return z - money


def anderson(sweep: Sweep, tol: float, limit: int):
    """Mix the last points; fall back to a damped sweep where the residual grows tenfold."""
    J, N = sweep.shape
    z = np.zeros(N + 2 * J * N)
    step = np.ones_like(z)
    step[:N] = WAGE_STEP
    dz, dF = [], []
    best, old = np.inf, None
    for count in range(1, limit + 1):
        F = sweep(z)
        residual = np.abs(F).max()
        if residual <= tol:
            return z, count, residual
        if not residual <= 10 * best:
            dz, dF, old = [], [], None
        best = min(best, residual)
        G = step * F
        if old is not None:
            dz.append(z - old[0])
            dF.append(G - old[1])
            dz, dF = dz[-MEMORY:], dF[-MEMORY:]
        old = z, G
        move = MIXING * G
        if dF:
            a = np.array(dF)
            gram = a @ a.T
            gram[np.diag_indices_from(gram)] *= 1 + RIDGE
            weight = np.linalg.lstsq(gram, a @ G, rcond=None)[0]
            move = MIXING * (G - weight @ a) - weight @ np.array(dz)
        longest = np.abs(move[:N]).max()
        z = sweep.shift(z + move * min(1.0, LONGEST_STEP / max(longest, 1e-300)))
    raise ArithmeticError(f"residual {residual:.3g} after {limit} sweeps")


def solve(
    e: Economy, tariff=None, cost=1.0, *, packed: bool = True, tol: float = 1e-12, limit=2000
) -> Found:
    """Find the equilibrium after a change of tariffs and trade costs."""
    tariff = e.tariff if tariff is None else tariff
    sweep = Sweep(e, tariff, cost * np.ones(e.trade.shape), packed)
    z, sweeps, residual = anderson(sweep, tol, limit)
    J, N = sweep.shape
    ln_w, ln_P = z[:N], z[N : N + J * N].reshape(J, N)
    X = sweep.X * np.exp(z[N + J * N :].reshape(J, N))
    ln_c = sweep.costs(ln_w, ln_P)
    power = sweep.theta[:, :, None] * (ln_P[:, :, None] - ln_c[:, None, :] - sweep.ln_wedge)
    trade = sweep.pi * np.exp(power) * X[:, :, None] / sweep.duty
    return Found(
        economy=e,
        tariff=tariff,
        w=np.exp(ln_w),
        P=np.exp(ln_P.T),
        c=np.exp(ln_c.T),
        trade=trade.transpose(1, 2, 0),
        income=sweep.income,
        sweeps=sweeps,
        residual=float(residual),
    )


def resolve(e: Economy, **options) -> Economy:
    """Make the equilibrium at the tariffs, shares and deficits of `e` a baseline."""
    return solve(e, **options).baseline()
