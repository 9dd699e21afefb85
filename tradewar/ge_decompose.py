"""Where a country's welfare change comes from: the exact path integral and the first-order terms.

Along a path s in [0, 1] on which ln(1 + t), ln(1 + x), ln d, ln A, log taste weights and deficits
move linearly, with b = c (1 + x), z = Z / b and everything divided by current I,

    d ln(I / Pc) = terms of trade       sum_m Z[m,n] dln b_n - sum_m Z[n,m] dln b_m
                 + tariff volume        sum t Z dln z (n's imports)
                 + export-tax volume    sum x/(1+x) Z dln z (n's exports)
                 + profits              sum rho Y dln Q, Y dln Q = sum_m Z/(1+x) dln z
                 + technology, scale    sum (1-rho) Y (dln A + psi dln S)
                 + trade cost           - sum (1+t) Z dln d
                 + labour               w L V dln L
                 + transfers            dD
                 + taste                sum (1+t) Z dln w / theta.

The path is solved at Chebyshev points in one batch.  Prices, spending and scale are differentiated
through their interpolant; weights of Clenshaw and Curtis integrate.  Points are doubled until the
columns add up to ln(I'/I/Pc) and no longer move.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar.errors import ConvergenceError, DataError
from tradewar.ge_limits import NO_LIMITS, LimitWedges, limit_wedges
from tradewar.ge_problem import Changes, Levels, State, evaluate, places, solve
from tradewar.ge_tables import finish

if TYPE_CHECKING:
    from tradewar.ge_result import GEResult

__all__ = ["COLUMNS", "decompose"]

Floats = NDArray[np.float64]

COLUMNS = (
    "tot",
    "tariff_volume",
    "export_tax_volume",
    "profits",
    "technology_scale",
    "trade_cost",
    "labour",
    "transfers",
    "taste",
)
TOLERANCE = 1e-8  # of the sum of columns, and of each column when points are doubled
FIRST, LAST = 8, 128  # intervals between points
SOLVED = 1e-12  # residual of the points


def decompose(res: GEResult, method: str) -> pd.DataFrame:
    """Split welfare changes; see `GEResult.decompose`."""
    if method not in ("exact", "cp2015"):
        raise DataError(f'method={method!r}: choose "exact" or "cp2015"')
    if not res.converged:
        raise DataError("the result has no solution (on_error='record'): nothing to decompose")
    return _cp2015(res) if method == "cp2015" else _exact(res)


def _frame(res: GEResult, columns: dict[str, Floats]) -> pd.DataFrame:
    index = pd.Index(res.world._countries, name="country", dtype=str)
    frame = finish(res, pd.DataFrame(columns, index=index))
    frame.attrs["unit"] = dict.fromkeys(columns, "fraction")
    return frame


# ---- first order --------------------------------------------------------------------------------


def _cp2015(res: GEResult) -> pd.DataFrame:
    """First-order terms of Caliendo and Parro (2015, table 2), at the baseline."""
    world, data = res.world, res.data
    n, i, j = data._importer, data._exporter, data._product
    rise = res.levels.cost[i, j] - 1.0
    sold = data._value * rise
    tot = (res._by_country(i, sold) - res._by_country(n, sold)) / world._income
    moved = res._flows().value_new - data._value * res.levels.cost[i, j]
    volume = res._by_country(n, data._tariff * moved) / world._income
    real_wage = np.exp(res.state.ln_w) * res.state.subsidy / res.levels.price_index - 1.0
    frame = _frame(
        res,
        {
            "tot": tot,
            "volume_of_trade": volume,
            "total": tot + volume,
            "real_wage_change": real_wage,
        },
    )
    frame.attrs["method"] = "first order at the baseline (Caliendo and Parro 2015, table 2)"
    return frame


# ---- exact path ---------------------------------------------------------------------------------


class _Path(NamedTuple):
    """End points by flow (rows of the world's flows), as logs but for bans."""

    flat: NDArray[np.intp]
    ln_t: tuple[Floats, Floats]
    ln_x: tuple[Floats, Floats]
    ln_d: Floats
    ln_w: Floats  # 0 where banned
    banned: NDArray[np.bool_]
    ln_A: Floats  # [n, j]
    deficit: tuple[Floats, Floats]


def _path(res: GEResult) -> _Path:
    """Write limits as the taxes and costs they amount to at the end, and the end as a path."""
    data, world = res.data, res.world
    zero = np.zeros(len(data))
    limits: LimitWedges = limit_wedges(res.changes.limits, res.state.multiplier, len(data))
    x0 = zero if data._export_tax is None else data._export_tax
    cost = zero if res.wedges.cost is None else np.log(res.wedges.cost)
    weight = np.ones(len(data)) if res.wedges.weight is None else res.wedges.weight
    banned = weight == 0.0
    a = res.changes.productivity
    return _Path(
        places(world),
        (np.log1p(data._tariff), np.log1p(res.wedges.tariff) + limits.buyer),
        (np.log1p(x0), np.log1p(res._export_tax_new) + limits.border),
        cost + limits.waste,
        np.log(np.where(banned, 1.0, weight)),
        banned,
        np.zeros(res.levels.cost.shape) if a is None else np.log(a),
        (world._deficit, res.levels.deficit),
    )


class _Point(NamedTuple):
    """Wedges at a point of the path, by flow."""

    t: Floats
    x: Floats
    ln_d: Floats
    weight: Floats


def _at(path: _Path, s: float) -> _Point:
    def between(ends: tuple[Floats, Floats]) -> Floats:
        return np.where(ends[0] == ends[1], ends[0], (1.0 - s) * ends[0] + s * ends[1])

    weight = np.where(path.banned, 1.0 - s, np.exp(s * path.ln_w))
    return _Point(np.expm1(between(path.ln_t)), np.expm1(between(path.ln_x)), s * path.ln_d, weight)


def _changes(path: _Path, s: float) -> Changes:
    """One point of the path as a scenario for the core, without limits."""
    at = _at(path, s)
    moved = (path.ln_t[0] != path.ln_t[1]) | (path.ln_x[0] != path.ln_x[1])
    moved |= (path.ln_d != 0.0) | (path.ln_w != 0.0) | path.banned
    rows = np.flatnonzero(moved)
    rows = rows[np.argsort(path.flat[rows], kind="stable")]
    before, after = path.deficit
    return Changes(
        path.flat[rows],
        np.ascontiguousarray(at.t[rows]),
        np.ascontiguousarray(at.x[rows]),
        np.exp(at.ln_d[rows]),
        np.ascontiguousarray(at.weight[rows]),
        np.exp(s * path.ln_A) if path.ln_A.any() else None,
        (1.0 - s) * before + s * after,
        NO_LIMITS,
    )


def _points(intervals: int) -> Floats:
    """Chebyshev points of [0, 1], rising; those of half as many intervals are every second."""
    return np.asarray(np.sin(0.5 * np.pi * np.arange(intervals + 1) / intervals) ** 2)


def _derivative(s: Floats) -> Floats:
    """Differentiation matrix of the interpolant through Chebyshev points (barycentric form)."""
    size = len(s)
    weight = (-1.0) ** np.arange(size)
    weight[[0, -1]] *= 0.5
    gap = s[:, None] - s + np.eye(size)
    out = weight / weight[:, None] / gap
    np.fill_diagonal(out, 0.0)
    np.fill_diagonal(out, -out.sum(axis=1))
    return np.asarray(out)


def _weights(intervals: int) -> Floats:
    """Clenshaw-Curtis weights of [0, 1]: exact for the interpolant."""
    angle = np.pi * np.arange(intervals + 1) / intervals
    total = np.ones(intervals + 1)
    for k in range(1, intervals // 2 + 1):
        factor = 1.0 if 2 * k == intervals else 2.0
        total -= factor * np.cos(2 * k * angle) / (4 * k * k - 1)
    weight = total / intervals
    weight[[0, -1]] *= 0.5
    return np.asarray(weight)


def _exact(res: GEResult) -> pd.DataFrame:
    """Integrate every column, doubling points until they settle."""
    path = _path(res)
    known: dict[float, tuple[State, Levels]] = {}
    total = np.log(res.levels.income / res.world._income / res.levels.price_index)
    before: dict[str, Floats] | None = None
    intervals = FIRST
    while True:
        s = _points(intervals)
        _solve_points(res, path, [float(x) for x in s if float(x) not in known], known)
        columns = _integrate(res, path, s, [known[float(x)] for x in s])
        gap = float(np.abs(sum(columns.values()) - total).max())
        moved = np.inf
        if before is not None:
            moved = max(float(np.abs(columns[c] - before[c]).max()) for c in COLUMNS)
        if gap <= TOLERANCE and moved <= TOLERANCE:
            break
        if intervals >= LAST:
            raise ConvergenceError(
                "not converged",
                intervals,
                max(gap, moved),
                -1,
                None,
                (),
                f"the decomposition's columns miss ln(I'/I/Pc) by {gap:.2g} and move by "
                f"{moved:.2g} with {intervals + 1} points on the path (wanted {TOLERANCE:g}): the "
                "change is too extreme for a smooth path; split the scenario in steps and rebase",
            )
        before, intervals = columns, 2 * intervals
    frame = _frame(res, {**columns, "total": np.sum(list(columns.values()), axis=0)})
    frame.attrs["method"] = "exact path integral of ln(I'/I/Pc)"
    frame.attrs["gap"] = gap
    frame.attrs["nodes"] = intervals + 1
    return frame


def _solve_points(
    res: GEResult, path: _Path, new: list[float], known: dict[float, tuple[State, Levels]]
) -> None:
    """Solve points of the path in one batch; the deficits are given along it."""
    closure = replace(res.closure, deficits="fixed")
    batch = [_changes(path, s) for s in new]
    states = solve(
        res.world,
        closure,
        batch,
        tol=SOLVED,
        max_iter=res.info["max_iter"],
        threads=res.info["threads"],
    )
    for s, state in zip(new, states, strict=True):
        if state.status != 0:
            raise ConvergenceError(
                "not converged",
                state.iterations,
                state.residual,
                state.where,
                state,
                (),
                f"the point {s:.3g} of the path from the baseline to the scenario has no solution "
                f"to {SOLVED:g} (residual {state.residual:.2g}): decompose a smaller change, or "
                'use method="cp2015"',
            )
    for s, state, level in zip(
        new, states, evaluate(res.world, closure, batch, states), strict=True
    ):
        known[s] = state, level


def _integrate(
    res: GEResult, path: _Path, s: Floats, solved: list[tuple[State, Levels]]
) -> dict[str, Floats]:
    slope = _derivative(s)

    def along(arrays: list[Floats]) -> Floats:
        return np.tensordot(slope, np.array(arrays), axes=1)

    moves = {
        "c": along([np.log(level.cost) for _, level in solved]),
        "P": along([state.ln_P for state, _ in solved]),
        "X": along([state.ln_X for state, _ in solved]),
        "S": along([state.ln_S for state, _ in solved]),
        "L": along([np.log(state.labour) for state, _ in solved]),
    }
    out = {name: np.zeros(len(res.world._countries)) for name in COLUMNS}
    weights = _weights(len(s) - 1)
    for k, (state, level) in enumerate(solved):
        terms = _terms(res, path, float(s[k]), state, level, {m: a[k] for m, a in moves.items()})
        for name, term in terms.items():
            out[name] += weights[k] * term / level.income
    return out


def _terms(
    res: GEResult,
    path: _Path,
    s: float,
    state: State,
    level: Levels,
    move: dict[str, Floats],
) -> dict[str, Floats]:
    """Columns of I d ln(I/Pc) / ds at one point, by country."""
    world, data = res.world, res.data
    n, i, j = data._importer, data._exporter, data._product
    at, theta = _at(path, s), world._theta[j]
    d_t, d_x = path.ln_t[1] - path.ln_t[0], path.ln_x[1] - path.ln_x[0]
    ln_u = np.log(level.cost)[i, j] + np.log1p(at.t) - path.ln_t[0]
    ln_u += np.log1p(at.x) - path.ln_x[0] + at.ln_d
    # trade without the taste weight: a banned flow's is smooth up to the end
    bare = data._value * np.exp(path.ln_t[0] + state.ln_X[n, j] - theta * (ln_u - state.ln_P[n, j]))
    bare /= 1.0 + at.t
    Z = bare * at.weight
    d_c = move["c"][i, j]
    d_b = d_c + d_x
    d_u = d_b + d_t + path.ln_d
    # Z dln z, with dln z = dln w - theta (dln u - dln P) + dln X - dln(1+t) - dln b
    smooth = move["X"][n, j] - theta * (d_u - move["P"][n, j]) - d_t - d_b
    d_weight = np.where(path.banned, -1.0, at.weight * path.ln_w)  # dw/ds
    Z_dz = Z * smooth + bare * d_weight
    sold = Z / (1.0 + at.x)
    Q_moves = np.zeros(world._output.shape)
    np.add.at(Q_moves, (i, j), Z_dz / (1.0 + at.x))
    made = np.zeros(world._output.shape)
    np.add.at(made, (i, j), sold)
    technology = path.ln_A + world._scale * move["S"]
    wages = np.exp(state.ln_w) * state.labour * world._labour_income
    spent = (1.0 + at.t) * Z
    return {
        "tot": res._by_country(i, Z * d_b) - res._by_country(n, Z * d_b),
        "tariff_volume": res._by_country(n, at.t * Z_dz),
        "export_tax_volume": res._by_country(i, at.x / (1.0 + at.x) * Z_dz),
        "profits": (world._rents * Q_moves).sum(axis=1),
        "technology_scale": ((1.0 - world._rents) * made * technology).sum(axis=1),
        "trade_cost": -res._by_country(n, spent * path.ln_d),
        "labour": wages * move["L"],
        "transfers": path.deficit[1] - path.deficit[0],
        "taste": res._by_country(n, (1.0 + at.t) * bare * d_weight / theta),
    }
