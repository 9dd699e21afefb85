"""Vectorised NumPy twin: many markets at once, the algorithm of the C kernel in array calls.

Flat arrays sorted by (product, exporter, importer). Unknowns ln p per exporter slot; residual
r = ln(demand) - mu ln p; step r / (exact diagonal at the start); Anderson mixing with a memory of
five columns, one small system per market. With sigma common in a market a sweep has no exponential
per flow, because u^(1-sigma) = p^(1-sigma) K; with sigma by destination it has one. Markets
without a change are left out, solved ones are dropped as the sweeps go on, and the work is done
in chunks that stay in cache. One level of demand, no premia, and sigma away from 1: this twin
measures speed; the exact twin is for correctness.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MEMORY = 5
LONGEST_STEP = 2.0  # in ln p


@dataclass
class Flat:
    """A chunk of markets: flows, exporter slots, importer slots, all numbered from 0."""

    exp_market: np.ndarray  # [exporter slot]
    imp_market: np.ndarray  # [importer slot]
    row_ptr: np.ndarray  # [exporter slot + 1], flows of a slot
    imp: np.ndarray  # [flow], importer slot
    share: np.ndarray  # [flow], theta w wedge^(1-sigma)
    sold: np.ndarray  # [flow], see prepare()
    lift: np.ndarray | None  # [flow], 1 - sigma of the destination; None: common sigma
    sigma: np.ndarray  # [importer slot]
    eps: np.ndarray  # [importer slot]
    sigma_e: np.ndarray  # [exporter slot], common sigma of the market
    mu: np.ndarray  # [exporter slot], inf -> 1 with `fixed`
    fixed: np.ndarray  # [exporter slot], True: the price is given

    @property
    def market_count(self) -> int:
        """Number of markets."""
        return int(self.imp_market[-1]) + 1


def ranges(start, stop):
    """Concatenate arange(start[k], stop[k])."""
    length = stop - start
    out = np.repeat(start - np.concatenate(([0], np.cumsum(length)[:-1])), length)
    return out + np.arange(out.size)


def prepare(layout, value, markets, *, tariff, tariff_new, ratio, weight, sigma, eps, mu, common):
    """Cut the chosen markets out of the flat arrays and precompute what a sweep needs.

    ``ratio`` = (A1/A0) F or None, ``weight`` or None; ``sigma``, ``eps`` per importer slot,
    ``mu`` per exporter slot; tariffs are rates.
    """
    lo_e, hi_e = layout.exp_ptr[markets], layout.exp_ptr[markets + 1]
    lo_i, hi_i = layout.imp_ptr[markets], layout.imp_ptr[markets + 1]
    lo_f, hi_f = layout.row_ptr[lo_e], layout.row_ptr[hi_e]
    if markets[-1] - markets[0] + 1 == len(markets):  # neighbours: views, no gathering
        e, n = slice(lo_e[0], hi_e[-1]), slice(lo_i[0], hi_i[-1])
        f = slice(lo_f[0], hi_f[-1])
        length = np.diff(layout.row_ptr[lo_e[0] : hi_e[-1] + 1])
    else:
        e, n, f = ranges(lo_e, hi_e), ranges(lo_i, hi_i), ranges(lo_f, hi_f)
        length = layout.row_ptr[e + 1] - layout.row_ptr[e]
    count = np.arange(len(markets))
    exp_market = np.repeat(count, hi_e - lo_e)
    imp_market = np.repeat(count, hi_i - lo_i)
    row_ptr = np.concatenate(([0], np.cumsum(length)))
    first_imp = np.concatenate(([0], np.cumsum(hi_i - lo_i)[:-1]))
    imp = layout.col[f] + np.repeat(first_imp, hi_f - lo_f)
    x, t0 = value[f], 1.0 + tariff[f]
    wedge = (1.0 + tariff_new[f]) / t0
    if ratio is not None:
        wedge = wedge * ratio[f]
    spent = x * t0
    theta = spent / np.bincount(imp, spent, len(imp_market))[imp]
    phi = x * np.repeat(1.0 / np.add.reduceat(x, row_ptr[:-1]), length)
    if weight is not None:
        theta, phi = theta * weight[f], phi * weight[f]
    sigma_n = sigma[n]
    first = np.searchsorted(imp_market, exp_market)
    sigma_e = sigma_n[first]
    if common:
        power = np.exp((1.0 - np.repeat(sigma_e, length)) * np.log(wedge))
        share, sold, lift = theta * power, phi * power / wedge, None
    else:
        lift = 1.0 - sigma_n[imp]
        share = theta * np.exp(lift * np.log(wedge))
        sold = np.divide(phi, theta * wedge, out=np.zeros_like(phi), where=theta > 0)
    mu_e = mu[e]
    fixed = ~np.isfinite(mu_e)
    return Flat(
        exp_market=exp_market,
        imp_market=imp_market,
        row_ptr=row_ptr,
        imp=imp,
        share=share,
        sold=sold,
        lift=lift,
        sigma=sigma_n,
        eps=eps[n],
        sigma_e=sigma_e,
        mu=np.where(fixed, 1.0, mu_e),
        fixed=fixed,
    )


def sweep(c: Flat, ln_p, with_diagonal: bool):
    """Return residual, ln P and, where asked for, the exact diagonal; one evaluation of demand."""
    length = np.diff(c.row_ptr)
    start = c.row_ptr[:-1]
    diagonal = None
    if c.lift is None:
        x = np.exp((1.0 - c.sigma_e) * ln_p)
        f = c.share * np.repeat(x, length)
        total = np.bincount(c.imp, f, len(c.sigma))
        ln_index = np.log(total) / (1.0 - c.sigma)
        pull = np.exp((c.sigma - c.eps) * ln_index)
        g = c.sold * pull[c.imp]
        bought = np.add.reduceat(g, start)
        ln_d = np.log(bought) - c.sigma_e * ln_p
        if with_diagonal:
            own = np.add.reduceat(g * f * ((c.sigma - c.eps) / total)[c.imp], start) / bought
            diagonal = c.mu + c.sigma_e - own
    else:
        f = c.share * np.exp(c.lift * np.repeat(ln_p, length))
        total = np.bincount(c.imp, f, len(c.sigma))
        ln_index = np.log(total) / (1.0 - c.sigma)
        pull = np.exp((c.sigma - c.eps) * ln_index)
        g = f * c.sold * pull[c.imp]
        bought = np.add.reduceat(g, start)
        ln_d = np.log(bought) - ln_p
        if with_diagonal:
            h = c.sigma[c.imp] - f * ((c.sigma - c.eps) / total)[c.imp]
            diagonal = c.mu + np.add.reduceat(g * h, start) / bought
    r = np.where(c.fixed, 0.0, ln_d - c.mu * ln_p)
    return r, ln_index, diagonal


def shrink(c: Flat, keep):
    """Keep the markets marked True; return the new chunk and the slots kept."""
    e = keep[c.exp_market]
    n = keep[c.imp_market]
    length = np.diff(c.row_ptr)
    f = np.repeat(e, length)
    number = np.cumsum(keep) - 1
    slot = np.cumsum(n) - 1
    return (
        Flat(
            exp_market=number[c.exp_market[e]],
            imp_market=number[c.imp_market[n]],
            row_ptr=np.concatenate(([0], np.cumsum(length[e]))),
            imp=slot[c.imp[f]],
            share=c.share[f],
            sold=c.sold[f],
            lift=None if c.lift is None else c.lift[f],
            sigma=c.sigma[n],
            eps=c.eps[n],
            sigma_e=c.sigma_e[e],
            mu=c.mu[e],
            fixed=c.fixed[e],
        ),
        e,
        n,
    )


def fixed_point(chunk: Flat, tol, max_iter):
    """Iterate ln p of a chunk to the tolerance; return ln p, ln P, sweeps and residual."""
    c = chunk
    markets = chunk.market_count
    out = np.zeros(len(chunk.exp_market))
    sweeps = np.zeros(markets, dtype=int)
    worst = np.zeros(markets)
    label = np.arange(markets)  # market of the whole chunk, per market still in work
    slots, buyers = np.arange(len(out)), np.arange(len(chunk.imp_market))
    index = np.zeros(len(buyers))
    diagonal = None
    ln_p = np.zeros(len(out))
    d_f = np.zeros((MEMORY, len(out)))
    d_x = np.zeros((MEMORY, len(out)))
    gram = np.zeros((markets, MEMORY, MEMORY))
    last_f = last_x = None
    first = np.flatnonzero(np.diff(c.exp_market, prepend=-1))
    for k in range(max_iter):
        r, index[buyers], at_start = sweep(c, ln_p, diagonal is None)
        diagonal = at_start if diagonal is None else diagonal
        worst_now = np.maximum.reduceat(np.abs(r), first)
        worst[label], sweeps[label] = worst_now, k + 1
        out[slots] = ln_p
        going = ~(worst_now <= tol)
        if not going.any():
            break
        f = r / diagonal
        if last_f is not None:
            col = k % MEMORY
            d_f[col], d_x[col] = f - last_f, ln_p - last_x
            dots = np.add.reduceat(d_f * d_f[col], first, axis=1).T
            gram[:, col, :] = gram[:, :, col] = dots
            right = np.add.reduceat(d_f * f, first, axis=1).T
            system = gram.copy()
            scale = np.trace(gram, axis1=1, axis2=2)
            j = np.arange(MEMORY)
            system[:, j, j] += 1e-14 * scale[:, None] + (gram[:, j, j] == 0) + 1e-300
            gamma = np.linalg.solve(system, right[:, :, None])[:, :, 0]
            move = f - np.einsum("ke,ek->e", d_f + d_x, gamma[c.exp_market])
        else:
            move = f
        np.clip(move, -LONGEST_STEP, LONGEST_STEP, out=move)
        last_f, last_x = f, ln_p
        ln_p = ln_p + move
        if going.mean() < 0.7:
            c, e, n = shrink(c, going)
            ln_p, last_f, last_x, slots = ln_p[e], last_f[e], last_x[e], slots[e]
            diagonal, buyers = diagonal[e], buyers[n]
            d_f, d_x = d_f[:, e], d_x[:, e]
            gram, label = gram[going], label[going]
            first = np.flatnonzero(np.diff(c.exp_market, prepend=-1))
    return out, index, sweeps, worst


def solve(
    layout,
    value,
    *,
    tariff,
    tariff_new,
    ratio=None,
    weight=None,
    sigma,
    eps,
    mu,
    common,
    tol=1e-12,
    max_iter=400,
    chunk=60_000,
    markets=None,
):
    """Solve all markets (or those listed); return ln p, ln P, q, sweeps and residual.

    Shapes: ln p per exporter slot, ln P per importer slot, q per flow, the rest per market.
    """
    market_count = len(layout.market_ptr) - 1
    ln_p = np.zeros(len(layout.exp_code))
    ln_index = np.zeros(len(layout.imp_code))
    q = np.ones(len(value))
    sweeps = np.zeros(market_count, dtype=int)
    residual = np.zeros(market_count)
    changed = tariff_new != tariff
    if ratio is not None:
        changed |= ratio != 1.0
    if weight is not None:
        changed |= weight != 1.0
    hit = np.logical_or.reduceat(changed, layout.market_ptr[:-1])
    todo = np.flatnonzero(hit) if markets is None else markets[hit[markets]]
    size = np.cumsum(np.diff(layout.market_ptr)[todo])
    cuts = np.searchsorted(size, np.arange(chunk, size[-1] + chunk, chunk)) if todo.size else []
    begin = 0
    for end in np.unique(np.minimum(np.asarray(cuts, dtype=int) + 1, len(todo))):
        part = todo[begin:end]
        begin = end
        c = prepare(
            layout,
            value,
            part,
            tariff=tariff,
            tariff_new=tariff_new,
            ratio=ratio,
            weight=weight,
            sigma=sigma,
            eps=eps,
            mu=mu,
            common=common,
        )
        found, index, n_sweeps, worst = fixed_point(c, tol, max_iter)
        sweeps[part], residual[part] = n_sweeps, worst
        length = np.diff(c.row_ptr)
        slot = ranges(layout.exp_ptr[part], layout.exp_ptr[part + 1])
        rows = ranges(layout.market_ptr[part], layout.market_ptr[part + 1])
        ln_p[slot] = found
        ln_index[ranges(layout.imp_ptr[part], layout.imp_ptr[part + 1])] = index
        wedge = (1.0 + tariff_new[rows]) / (1.0 + tariff[rows])
        if ratio is not None:
            wedge *= ratio[rows]
        ln_u = np.repeat(found, length) + np.log(wedge)
        ln_q = (c.sigma - c.eps)[c.imp] * index[c.imp] - c.sigma[c.imp] * ln_u
        q[rows] = np.exp(ln_q) if weight is None else weight[rows] * np.exp(ln_q)
    return ln_p, ln_index, q, sweeps, residual
