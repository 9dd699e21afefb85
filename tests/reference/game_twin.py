"""A slow, obvious twin of what the game needs: an economy without inputs, and its gradient.

Many countries and sectors, Armington or Eaton-Kortum, a profit share rho of revenue (Ossa 2014),
Cobb-Douglas final demand, fixed deficits.  Unknowns are ln wages and ln incomes, solved by Newton
with a dense Jacobian; ``d ln W / d ln (1 + t)`` of every flow comes from one transposed solve.
Arrays are [importer n, exporter i, sector j].
"""

from __future__ import annotations

import numpy as np

TOL = 1e-13
MOST = 60  # Newton steps


class TwinWorld:
    """Trade [n, i, j] at border prices, tariffs, theta and rho by sector."""

    def __init__(self, trade, tariff, theta, rents):
        self.trade, self.tariff, self.theta, self.rents = trade, tariff, theta, rents
        spent = (1.0 + tariff) * trade
        expenditure = spent.sum(axis=1)
        output = trade.sum(axis=0)
        self.N, _, self.J = trade.shape
        self.income = expenditure.sum(axis=1)
        self.share = spent / expenditure[:, None, :]
        self.alpha = expenditure / self.income[:, None]
        self.V = ((1.0 - rents) * output).sum(axis=1)
        revenue = (tariff * trade).sum(axis=(1, 2))
        self.D = self.income - self.V - (rents * output).sum(axis=1) - revenue

    def _parts(self, z, tariff):
        """Everything at ln w, ln I = z and tariffs t'."""
        lw, lI = z[: self.N], z[self.N :]
        I = np.exp(lI) * self.income
        cost = lw[None, :, None] + np.log((1.0 + tariff) / (1.0 + self.tariff))
        k = self.share * np.exp(-self.theta * cost)
        phi = k.sum(axis=1)
        pi = k / phi[:, None, :]
        S = pi * self.alpha[:, None, :] / (1.0 + tariff)
        sold = np.einsum("nij,n->ij", S, I)  # producer revenue
        Q = ((1.0 - self.rents) * sold).sum(axis=1)
        E = (
            np.exp(lw) * self.V
            + self.D
            + (self.rents * sold).sum(axis=1)
            + I * (tariff * S).sum(axis=(1, 2))
        )
        lP = -np.log(phi) / self.theta
        return lw, I, pi, S, Q, E, lP

    def _residual(self, z, tariff):
        lw, I, _, _, Q, E, _ = self._parts(z, tariff)
        money = np.log(np.exp(lw) @ self.V / self.V.sum())
        return np.concatenate([np.log(Q / (np.exp(lw) * self.V)) - money, np.log(E / I)])

    def _jacobian(self, z, tariff):
        N, theta, rho = self.N, self.theta, self.rents
        lw, I, pi, S, Q, E, _ = self._parts(z, tariff)
        w = np.exp(lw)
        # d S[n, i, j] / d ln w[k] = -theta S (delta_ik - pi[n, k, j])
        dS = np.einsum("j,nij,nkj->nijk", theta, S, pi)
        for k in range(N):
            dS[:, k, :, k] -= theta * S[:, k, :]
        dsold = np.einsum("nijk,n->ijk", dS, I)
        A = np.zeros((2 * N, 2 * N))
        A[:N, :N] = np.einsum("j,ijk->ik", 1.0 - rho, dsold) / Q[:, None]
        A[:N, :N] -= np.eye(N) + (w * self.V / (w @ self.V))[None, :]
        A[:N, N:] = np.einsum("j,nij->in", 1.0 - rho, S) * I[None, :] / Q[:, None]
        A[N:, :N] = np.einsum("j,ijk->ik", rho, dsold)
        A[N:, :N] += I[:, None] * np.einsum("nij,nijk->nk", tariff, dS) + np.diag(w * self.V)
        A[N:, :N] /= E[:, None]
        A[N:, N:] = np.einsum("j,nij->in", rho, S) * I[None, :]
        A[N:, N:] += np.diag(I * (tariff * S).sum(axis=(1, 2)))
        A[N:, N:] = A[N:, N:] / E[:, None] - np.eye(N)
        return A

    def solve(self, tariff, start=None):
        """Give z = (ln w, ln I'/I) at tariffs t'."""
        z = np.zeros(2 * self.N) if start is None else start.copy()
        for _ in range(MOST):
            residual = self._residual(z, tariff)
            if np.abs(residual).max() < TOL:
                return z
            step = np.linalg.solve(self._jacobian(z, tariff), -residual)
            z = z + step * min(1.0, 0.5 / np.abs(step).max())
        if np.abs(residual).max() > 1e-10:
            raise RuntimeError(f"the twin does not converge: {np.abs(residual).max():.1e}")
        return z

    def log_welfare(self, z, tariff):
        """Give ln W of every country."""
        lP = self._parts(z, tariff)[6]
        return z[self.N :] - (self.alpha * lP).sum(axis=1)

    def gradient(self, z, tariff, weight):
        """Give d (weight @ ln W) / d ln(1 + t'), [n, i, j]."""
        N, theta, rho = self.N, self.theta, self.rents
        _, I, pi, S, Q, E, _ = self._parts(z, tariff)
        # d ln Pc[n] / d ln w[k] = sum_j alpha pi[n, k, j]
        spend = self.alpha[:, None, :] * pi
        seed = np.concatenate([-np.einsum("n,nkj->k", weight, spend), weight])
        lam = np.linalg.solve(self._jacobian(z, tariff).T, -seed)
        one, two = lam[:N], lam[N:]
        bar = (
            np.einsum("i,j,n->nij", one / Q, 1.0 - rho, I)
            + np.einsum("i,j,n->nij", two / E, rho, I)
            + (two * I / E)[:, None, None] * tariff
        )
        flow = bar * S
        out = -theta * (flow - pi * flow.sum(axis=1)[:, None, :]) - flow
        out += (two * I / E)[:, None, None] * S * (1.0 + tariff)
        return out - weight[:, None, None] * spend
