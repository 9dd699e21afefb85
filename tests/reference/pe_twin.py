"""Slow, obvious twin of the product-level model: one market at a time, dense arrays, plain NumPy.

Written from the equations alone, to be compared with the C kernel. Arrays are
``[importer, exporter]``; every price is a ratio new / baseline; tariffs and export taxes are
factors (1 + rate). The exact model is solved by damped Newton in ln p with the Jacobian
J_is = sum_n phi_ni H_is,n - [i = s] mu_i; where that stalls, in stages from the baseline.

    b = p A1/A0 + lx;   u = (b F T1 + lm) / T0    (ratios; b0 = 1 and u0 = T0 in base units)
    P = [sum w theta u^(1-sig)]^(1/(1-sig));   q = w (u/P)^-sig P^-eps
    sum_n phi_ni q_ni = p_i^mu_i               (mu = inf: p = 1; mu = 0: right side 1)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

RESIDUAL = 1e-13  # |ln demand - ln supply|; a dozen rounding errors of ln p near 1
NEAR_ONE = 1.0  # expm1/log1p wherever every exponent is below this


@dataclass(frozen=True)
class Market:
    """One product: baseline, change and elasticities, all dense ``[importer, exporter]``."""

    value: np.ndarray  # X, at the exporter's border
    tariff: np.ndarray  # T0, factor
    tariff_new: np.ndarray  # T1, factor
    tax: np.ndarray  # A0, factor
    tax_new: np.ndarray  # A1, factor
    cost: np.ndarray  # F, ratio
    weight: np.ndarray  # 0 banned .. 1 whole
    lx: np.ndarray  # export-licence premium, base border units
    lm: np.ndarray  # import-licence premium, base border units
    sigma: np.ndarray  # [importer]
    demand: np.ndarray  # [importer]
    supply: np.ndarray  # [exporter], 0 .. inf
    sigma_home: np.ndarray | None  # [importer] or None: one level
    home: np.ndarray  # [importer], column of the home good or -1

    @property
    def spending(self) -> np.ndarray:
        """E_n, at base buyer prices."""
        return (self.value * self.tariff).sum(axis=1)

    @property
    def theta(self) -> np.ndarray:
        """Tariff-inclusive share of each origin in each destination."""
        return self.value * self.tariff / self.spending[:, None]

    @property
    def revenue(self) -> np.ndarray:
        """R_i, baseline producer revenue."""
        return (self.value / self.tax).sum(axis=0)

    @property
    def phi(self) -> np.ndarray:
        """Share of each destination in an origin's quantity (0 for an origin without sales)."""
        total = self.revenue
        return self.value / self.tax / np.where(total > 0, total, 1.0)

    @property
    def alive(self) -> np.ndarray:
        """Flows that are still bought."""
        return (self.value > 0) & (self.weight > 0)


def market(
    value,
    *,
    tariff=1.0,
    tariff_new=None,
    tax=1.0,
    tax_new=None,
    cost=1.0,
    weight=1.0,
    lx=0.0,
    lm=0.0,
    sigma,
    demand,
    supply=np.inf,
    sigma_home=None,
    home=None,
) -> Market:
    """Build a Market, spreading scalars over importers and exporters."""
    value = np.asarray(value, dtype=float)
    n_importer, n_exporter = value.shape

    def full(x):
        return np.broadcast_to(np.asarray(x, dtype=float), value.shape).copy()

    def each(x, n):
        return np.broadcast_to(np.asarray(x, dtype=float), (n,)).copy()

    return Market(
        value=value,
        tariff=full(tariff),
        tariff_new=full(tariff if tariff_new is None else tariff_new),
        tax=full(tax),
        tax_new=full(tax if tax_new is None else tax_new),
        cost=full(cost),
        weight=full(weight),
        lx=full(lx),
        lm=full(lm),
        sigma=each(sigma, n_importer),
        demand=each(demand, n_importer),
        supply=each(supply, n_exporter),
        sigma_home=None if sigma_home is None else each(sigma_home, n_importer),
        home=np.full(n_importer, -1) if home is None else np.asarray(home, dtype=int),
    )


def ln_ces(share: np.ndarray, lost: float, ln_u: np.ndarray, sigma: float) -> float:
    """ln of a CES price index; shares of the living goods, `lost` = 1 - their sum."""
    if share.size == 0:
        return np.inf
    if sigma == 1.0:
        return float(share @ ln_u)
    x = (1.0 - sigma) * ln_u
    if lost < 0.5 and np.abs(x).max() < NEAR_ONE:
        return float(np.log1p(share @ np.expm1(x) - lost)) / (1.0 - sigma)
    top = x.max()
    return float(top + np.log(share @ np.exp(x - top))) / (1.0 - sigma)


@dataclass
class Buyer:
    """One destination at given buyer prices; arrays over all exporters."""

    ln_index: float  # ln P
    ln_q: np.ndarray  # -inf where nothing is bought
    response: np.ndarray  # H[i, s] = d ln q_i / d ln u_s


def buyer(mk: Market, n: int, ln_u: np.ndarray) -> Buyer:
    """Demand of importer n, one or two levels."""
    share = mk.theta[n] * mk.weight[n]
    missing = mk.theta[n] * (1.0 - mk.weight[n])
    alive = mk.alive[n]
    eps, sig = mk.demand[n], mk.sigma[n]
    n_exp = len(share)
    ln_q = np.full(n_exp, -np.inf)
    response = np.zeros((n_exp, n_exp))
    ln_w = np.log(np.where(alive, mk.weight[n], 1.0))
    home = mk.home[n]
    two_level = mk.sigma_home is not None and home >= 0 and mk.theta[n, home] > 0
    if not two_level:
        ln_p = ln_ces(share[alive], missing.sum(), ln_u[alive], sig)
        ln_q[alive] = (ln_w - sig * (ln_u - ln_p) - eps * ln_p)[alive]
        now = _spending_share(share, ln_u - ln_p, sig, alive)
        for i in np.flatnonzero(alive):
            response[i] = (sig - eps) * now
            response[i, i] -= sig
        return Buyer(ln_p, ln_q, response)

    sig_h = mk.sigma_home[n]
    foreign = np.ones(n_exp, dtype=bool)
    foreign[home] = False
    theta_m = mk.theta[n, foreign].sum()
    theta_h = mk.theta[n, home]
    from_abroad = alive & foreign
    ln_pm = np.inf
    if theta_m > 0:
        lost = missing[foreign].sum() / theta_m
        ln_pm = ln_ces(share[from_abroad] / theta_m, lost, ln_u[from_abroad], sig)
    outer_share, outer_ln = np.array([theta_m, share[home]]), np.array([ln_pm, ln_u[home]])
    living = np.array([from_abroad.any(), alive[home]])
    outer_lost = (theta_m if not living[0] else 0.0) + missing[home]
    ln_p = ln_ces(outer_share[living], outer_lost, outer_ln[living], sig_h)
    if from_abroad.any():
        ln_q[from_abroad] = (ln_w - sig * (ln_u - ln_pm) - sig_h * (ln_pm - ln_p) - eps * ln_p)[
            from_abroad
        ]
    if alive[home]:
        ln_q[home] = ln_w[home] - sig_h * (ln_u[home] - ln_p) - eps * ln_p
    m_now = np.zeros(n_exp)
    theta_now = np.zeros(n_exp)
    if from_abroad.any():
        m_now = _spending_share(share, ln_u - ln_pm, sig, from_abroad)
        whole = theta_m * np.exp((1.0 - sig_h) * (ln_pm - ln_p))
        rest = theta_h * mk.weight[n, home] * np.exp((1.0 - sig_h) * (ln_u[home] - ln_p))
        theta_now = m_now * whole / (whole + (rest if alive[home] else 0.0))
    theta_now[home] = 1.0 - theta_now.sum() if alive[home] else 0.0
    for i in np.flatnonzero(alive):
        response[i] = (sig_h - eps) * theta_now
        if i == home:
            response[i, i] -= sig_h
        else:
            response[i] += (sig - sig_h) * m_now
            response[i, i] -= sig
    return Buyer(ln_p, ln_q, response)


def _spending_share(share, ln_relative, sigma, alive):
    out = np.zeros(len(share))
    if alive.any():
        out[alive] = share[alive] * np.exp((1.0 - sigma) * ln_relative[alive])
        out /= out.sum()
    return out


def buyer_prices(mk: Market, ln_p: np.ndarray):
    """Return b, ln u and d ln u / d ln p at producer prices exp(ln_p); garbage where dead."""
    p = np.exp(ln_p)[None, :]
    no_wedge = (mk.lx == 0) & (mk.lm == 0)
    border = p * mk.tax_new / mk.tax + mk.lx
    wedge = mk.cost * mk.tariff_new / mk.tariff
    u = border * wedge + mk.lm / mk.tariff
    direct = ln_p[None, :] + np.log(mk.tax_new / mk.tax) + np.log(wedge)
    ln_u = np.where(no_wedge, direct, np.log(np.where(no_wedge, 1.0, u)))
    slope = np.where(no_wedge, 1.0, p * mk.tax_new / mk.tax * wedge / u)
    return border, ln_u, slope


@dataclass
class Solution:
    """Ratios of one market, arrays as in Market."""

    market: Market
    ln_p: np.ndarray  # -inf where a finite-supply origin is shut out
    ln_index: np.ndarray
    q: np.ndarray
    b: np.ndarray
    u: np.ndarray
    residual: float
    iterations: int


def unknowns(mk: Market) -> np.ndarray:
    """Exporters with a price to find: finite supply and something still sold."""
    return np.flatnonzero(np.isfinite(mk.supply) & mk.alive.any(axis=0))


def excess(mk: Market, ln_p: np.ndarray):
    """ln demand - ln supply and its Jacobian in ln p, over the unknown exporters."""
    free = unknowns(mk)
    _, ln_u, slope = buyer_prices(mk, ln_p)
    phi = mk.phi
    demand = np.zeros(len(ln_p))
    jac = np.zeros((len(ln_p), len(ln_p)))
    for n in range(len(mk.value)):
        d = buyer(mk, n, ln_u[n])
        sold = phi[n] * np.exp(d.ln_q)
        demand += sold
        jac += sold[:, None] * d.response * slope[n][None, :]
    jac = jac[np.ix_(free, free)] / demand[free, None]
    jac -= np.diag(mk.supply[free])
    return np.log(demand[free]) - mk.supply[free] * ln_p[free], jac


def _newton(mk: Market, ln_p: np.ndarray, tol: float):
    """Damped Newton from ln_p; returns the last ln_p, residual, iterations."""
    free = unknowns(mk)
    if free.size == 0:
        return ln_p, 0.0, 0
    r, jac = excess(mk, ln_p)
    best = np.abs(r).max()
    for iteration in range(200):
        if best <= tol:
            return ln_p, best, iteration
        step = np.linalg.solve(jac, -r)
        step *= min(1.0, 3.0 / np.abs(step).max())
        for halving in range(25):
            trial = ln_p.copy()
            trial[free] += step * 0.5**halving
            r_new, jac_new = excess(mk, trial)
            new = np.abs(r_new).max()
            if new < best:
                break
        else:
            return ln_p, best, iteration
        ln_p, r, jac, best = trial, r_new, jac_new, new
    return ln_p, best, 200


def _part_way(mk: Market, s: float) -> Market:
    """The same market with a share s of every change in logs (weights and premia linear)."""
    return replace(
        mk,
        tariff_new=mk.tariff * (mk.tariff_new / mk.tariff) ** s,
        tax_new=mk.tax * (mk.tax_new / mk.tax) ** s,
        cost=mk.cost**s,
        lx=mk.lx * s,
        lm=mk.lm * s,
    )


def solve_exact(mk: Market, tol: float = RESIDUAL) -> Solution:
    """Solve the exact model; raise if the residual stays above the rounding floor."""
    n_exp = mk.value.shape[1]
    steep = np.concatenate([mk.sigma, mk.supply[np.isfinite(mk.supply)]]).max()
    floor = tol * max(1.0, steep / 30)  # rounding of ln p is multiplied by sigma or mu
    ln_p, residual, iterations = _newton(mk, np.zeros(n_exp), tol)
    stages = 2
    while residual > floor and stages <= 64:
        ln_p = np.zeros(n_exp)
        for s in np.linspace(0, 1, stages + 1)[1:]:
            ln_p, residual, iterations = _newton(_part_way(mk, s), ln_p, tol)
        stages *= 2
    if not residual <= floor:
        raise ArithmeticError(f"twin: residual {residual:.3g} > {floor:.3g}")
    border, ln_u, _ = buyer_prices(mk, ln_p)
    ln_index = np.empty(len(mk.value))
    q = np.empty(mk.value.shape)
    for n in range(len(mk.value)):
        d = buyer(mk, n, ln_u[n])
        ln_index[n] = d.ln_index
        q[n] = np.exp(d.ln_q)
    shut = (mk.revenue > 0) & ~mk.alive.any(axis=0) & np.isfinite(mk.supply)
    ln_p = np.where(shut, -np.inf, ln_p)
    return Solution(mk, ln_p, ln_index, q, border, np.exp(ln_u), residual, iterations)


def report(sol: Solution) -> dict[str, np.ndarray]:
    """What the model says of money: flows, consumer and producer surplus, revenue, incidence."""
    mk, q, b = sol.market, sol.q, sol.b
    x = mk.value
    u0, u1 = mk.tariff, sol.u * mk.tariff
    t0, t1 = mk.tariff - 1.0, mk.tariff_new - 1.0
    p = np.exp(sol.ln_p)[None, :]
    sold = np.where(q > 0, q, 0.0) * x
    live = sold > 0

    def money(per_unit):
        return np.where(live, per_unit, 0.0) * sold

    out = {
        "value_new": money(b),
        "revenue": t0 * x,
        "revenue_new": money(b * t1),
        "export_tax_revenue": x * (1 - 1 / mk.tax),
        "export_tax_revenue_new": money((mk.tax_new - 1) / mk.tax * p),
        "buyers": money(u1 - u0),
        "exporters": money(1.0 - b),
        "lost_old_revenue": -t0 * (x - sold),
        "trade_cost": -money(b * (mk.cost - 1.0) * mk.tariff_new),
        "licence_rent": -money(mk.lm),
    }
    e = mk.spending
    eps = mk.demand
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.where(eps == 1.0, sol.ln_index, np.expm1((1 - eps) * sol.ln_index) / (1 - eps))
        mu = mk.supply
        finite = np.isfinite(mu)
        slope = 1.0 + np.where(finite, mu, 0.0)
        gain = np.where(finite, np.expm1(slope * sol.ln_p) / slope, 0.0)
    out["consumer_surplus_change"] = -e * power
    out["producer_surplus_change"] = mk.revenue * gain
    return out


def base_response(mk: Market) -> np.ndarray:
    """H[n, i, s] at the baseline."""
    zero = np.zeros(mk.value.shape[1])
    whole = replace(mk, weight=np.ones_like(mk.weight))
    return np.array([buyer(whole, n, zero).response for n in range(len(mk.value))])


def solve_linear(mk: Market, surplus: str = "exact") -> dict[str, np.ndarray]:
    """GSIM: one Euler step from the baseline with tau = (A1/A0) F (T1/T0) - 1."""
    tau = mk.tax_new / mk.tax * mk.cost * mk.tariff_new / mk.tariff - 1.0
    h = base_response(mk)
    phi = mk.phi
    n_exp = mk.value.shape[1]
    free = np.flatnonzero(np.isfinite(mk.supply) & (mk.revenue > 0))
    lhs = np.diag(np.where(np.isfinite(mk.supply), mk.supply, 0.0))
    rhs = np.zeros(n_exp)
    for n in range(len(mk.value)):
        lhs -= phi[n][:, None] * h[n]
        rhs += phi[n] * (h[n] @ tau[n])
    pdot = np.zeros(n_exp)
    if free.size:
        pdot[free] = np.linalg.solve(lhs[np.ix_(free, free)], rhs[free])
    qdot = np.einsum("nis,ns->ni", h, pdot[None, :] + tau)
    x = mk.value
    # the tariff's part of tau belongs to the buyer's government, the rest moves the border price
    index = (mk.theta * ((1 + pdot[None, :]) * (1 + tau) - 1)).sum(axis=1)
    sign = -np.sign(index) if surplus == "gsim2003" else 1.0
    mu = np.where(np.isfinite(mk.supply), mk.supply, 0.0)
    value_new = x * (1 + qdot) * (1 + pdot[None, :])
    return {
        "pdot": pdot,
        "qdot": qdot,
        "index": index,
        "value_new": value_new,
        "revenue": (mk.tariff - 1) * x,
        "revenue_new": (mk.tariff_new - 1) * value_new,
        "consumer_surplus_change": mk.spending * (-index + sign * mk.demand * index**2 / 2),
        "producer_surplus_change": mk.revenue * (pdot + mu * pdot**2 / 2),
    }


def solve_euler(mk: Market, steps: int) -> dict[str, np.ndarray]:
    """K equal steps in log wedges that carry ln q and never re-evaluate the exact CES."""
    d_wedge = np.log(mk.tax_new / mk.tax * mk.cost * mk.tariff_new / mk.tariff) / steps
    n_imp, n_exp = mk.value.shape
    ln_p = np.zeros(n_exp)
    ln_q = np.zeros((n_imp, n_exp))
    ln_u = np.zeros((n_imp, n_exp))
    ln_index = np.zeros(n_imp)
    free = np.flatnonzero(np.isfinite(mk.supply) & (mk.revenue > 0))
    quantity = mk.value / mk.tax
    for _ in range(steps):
        theta = mk.value * mk.tariff * np.exp(ln_q + ln_u)
        theta /= theta.sum(axis=1, keepdims=True)
        sold = quantity * np.exp(ln_q)
        phi = sold / np.where(mk.revenue > 0, sold.sum(axis=0), 1.0)
        # a market whose baseline shares are the carried ones gives H at those shares
        now = replace(mk, value=theta, tariff=np.ones_like(theta), weight=np.ones_like(theta))
        h = base_response(now)
        lhs = np.diag(np.where(np.isfinite(mk.supply), mk.supply, 0.0))
        rhs = np.zeros(n_exp)
        for n in range(n_imp):
            lhs -= phi[n][:, None] * h[n]
            rhs += phi[n] * (h[n] @ d_wedge[n])
        d_p = np.zeros(n_exp)
        if free.size:
            d_p[free] = np.linalg.solve(lhs[np.ix_(free, free)], rhs[free])
        d_u = d_p[None, :] + d_wedge
        ln_q += np.einsum("nis,ns->ni", h, d_u)
        ln_u += d_u
        ln_index += (theta * d_u).sum(axis=1)
        ln_p += d_p
    return {"ln_p": ln_p, "ln_index": ln_index, "q": np.exp(ln_q), "u": np.exp(ln_u)}


def smart(partner, rivals, t0, t1, *, demand, substitution, supply=np.inf, formula="derivative"):
    """SMART for one partner with imports `partner` beside `rivals` together, rates t0 -> t1."""
    r = (t1 - t0) / (1.0 + t0)
    if np.isfinite(supply):
        creation = -(supply * demand / (supply + demand)) * partner * r
        world_price = -demand * r / (supply + demand)
    else:
        creation = -demand * partner * r
        world_price = 0.0
    pull = -substitution * r * partner
    if formula == "derivative":
        diversion = np.clip(pull * rivals / (partner + rivals), -partner, rivals)
    elif formula == "laird_yeats":
        if not substitution * r < 1:
            raise ValueError("Laird-Yeats needs s r < 1")
        diversion = pull * rivals / (partner + rivals + pull)
    else:
        raise ValueError(formula)
    welfare = (t0 + t1) / 2 * (creation + diversion)
    return {
        "creation": creation,
        "diversion": diversion,
        "rivals": -diversion,
        "world_price": world_price,
        "welfare": welfare,
    }
