"""Homogeneous-good mode: `solve_spatial`, prices and flows of one good between places.

Read frames, check, call the core, wrap in a `SpatialResult`.
"""

from __future__ import annotations

import platform
import time
import warnings
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from tradewar import _core
from tradewar.errors import ConvergenceError, DataWarning, first_five
from tradewar.spatial_reading import (
    FORMS,
    alone,
    check_options,
    check_outlets,
    read_forms,
    read_points,
    read_routes,
    typical_price,
)
from tradewar.spatial_result import Curves, Floats, Form, SpatialResult

__all__ = ["solve_spatial"]

# Times the typical price, until one converges; near 1 first.
_STARTS = (1.0, 0.8, 1.25, 0.5, 2.0, 0.2, 5.0, 0.1, 10.0, 0.05, 0.02)
_CLEARED = 1e-6  # most that a place's balance may miss, in units of the mean flow
_SETTLED = 1e-11  # relative change of prices at which tangents have settled


def solve_spatial(
    *,
    supply: Any,
    demand: Any,
    cost: Any,
    tariff: Any = None,
    limit: Any = None,
    form: Form | Mapping[str, Form] = "linear",
    rents: Literal["importer", "exporter", "waste"] = "importer",
    price_unit: str = "price",
    quantity_unit: str = "quantity",
    value_unit: str | None = None,
    name: str = "spatial equilibrium",
    start: float | None = None,
    on_error: Literal["raise", "record"] = "raise",
    threads: int | None = None,
    progress: bool = False,
    tol: float = 1e-12,
    max_iter: int = 200,
) -> SpatialResult:
    """Solve for prices and flows of one homogeneous good between exporters and importers.

    The limit of `solve_pe` where substitution between origins is infinite: goods of all origins
    are the same, buyers take the cheapest delivered, and transport costs decide who supplies whom.

    Parameters
    ----------
    supply : frame, one row an exporter
        exporter and either price (> 0), quantity (> 0) and elasticity (>= 0) at one point of the
        curve, or intercept and slope (>= 0) of the quantity in the price (``form="linear"``).
    demand : frame, one row an importer
        importer and price, quantity, elasticity (> 0, a magnitude), or intercept (> 0) and
        slope (< 0) of the quantity in the price.
    cost : frame, one row a route
        exporter, importer, cost: transport in `price_unit` (>= 0).  A pair without a row has no
        route; the result's card lists them.  For home sales give the country's own pair.
    tariff : frame, optional
        exporter, importer, tariff: fraction (> -1) of price and transport cost; 0 where missing.
    limit : frame, optional
        exporter, importer, quantity: the most that may be shipped (0: a ban; inf: no limit), and
        optionally rent: "importer", "exporter" or "waste", who gets what the right to ship is
        worth.
    form : {"linear", "isoelastic"} or mapping, default "linear"
        Of both sides, or ``{"supply": ..., "demand": ...}``.
    rents : {"importer", "exporter", "waste"}, default "importer"
        Who gets rents where `limit` does not say.
    price_unit, quantity_unit, value_unit : str
        For labels; value_unit is by default their product in words.
    name : str
    start : float > 0, optional
        A price to start from; by default made from the curves.
    on_error : {"raise", "record"}
        "record" gives a result of NaN with a warning in place of an error.
    threads, progress
        As in every solver; one market runs on one thread and shows no bar.
    tol : float, default 1e-12
        Largest residual, in units of the starting price and of mean demand at it.
    max_iter : int, default 200

    Returns
    -------
    SpatialResult
        `flows`, `prices`, `proof`, `compare` and `card`.

    Raises
    ------
    DataError
        A column is missing or wrong, a label is unknown, a row stands twice, a curve slopes the
        wrong way, or a place that must trade has no open route; names the rows or labels.
    ConvergenceError
        The solver stopped before its tolerance.

    Warns
    -----
    DataWarning
        A linear curve ends at a negative price.

    Notes
    -----
    Producer prices p, buyer prices d, flows F and premia l solve

        0 <= F_in  _|_  (p_i + c_in)(1 + t_in) + l_in - d_n >= 0,
        0 <= l_in  _|_  limit_in - F_in >= 0,
        S_i(p_i) = sum_n F_in,    D_n(d_n) = sum_i F_in,

    with S = a + b p or a p^e and D likewise.  Every pair of unknowns is kept in memory and a
    dense system solved: made for some tens of places, not for hundreds.

    References
    ----------
    Samuelson (1952), American Economic Review 42(3), 283-303.  Takayama and Judge (1971).
    Miranda and Fackler (2002), Applied Computational Economics and Finance, for the example.

    Examples
    --------
    >>> import pandas as pd
    >>> supply = pd.DataFrame({"exporter": ["Asia", "Mexico"], "price": [19.0, 20.0],
    ...                        "quantity": 1.0, "elasticity": 1e5})
    >>> demand = pd.DataFrame({"importer": ["home"], "price": 20.9, "quantity": 1.0,
    ...                        "elasticity": 1e-3})
    >>> cost = pd.DataFrame({"exporter": ["Asia", "Mexico"], "importer": "home", "cost": 0.0})
    >>> tariff = cost.assign(tariff=0.1)
    >>> both = solve_spatial(supply=supply, demand=demand, cost=cost, tariff=tariff)
    >>> both.prices.loc["home", "buyer_price"].round(2).item()
    20.9
    """
    started = time.perf_counter()
    check_options(rents, on_error, threads, tol, max_iter, start)
    forms = read_forms(form)
    read = [
        read_points(supply, "supply", "exporter", forms["supply"]),
        read_points(demand, "demand", "importer", forms["demand"]),
    ]
    if start is None:
        start = typical_price(*read)
    sellers, buyers = (points.curves(start) for points in read)
    places = (sellers.labels, buyers.labels)
    costs, _ = read_routes(cost, "cost", "cost", places)
    tariffs, _ = read_routes(tariff, "tariff", "tariff", places, costs)
    limits, receiver = read_routes(limit, "limit", "quantity", places, costs, rents)
    check_outlets(sellers, buyers, costs, limits)

    solved = _solve(sellers, buyers, costs, tariffs, limits, start, tol, max_iter)
    notes: list[str] = []
    if isinstance(solved, ConvergenceError):
        if on_error == "raise":
            raise solved
        notes.append(str(solved))
        warnings.warn(str(solved), DataWarning, stacklevel=2)
        blank = np.full((len(sellers.labels), len(buyers.labels)), np.nan)
        producer, buyer, flow, premium = blank[:, 0], blank[0], blank, blank
        iterations, residual = solved.iterations, solved.residual
        converged = False
    else:
        producer, buyer, flow, premium, iterations, residual = solved
        converged = True
        notes += _negative_prices(sellers, buyers, producer, buyer)
    arrays = (costs, tariffs, limits, receiver, producer, buyer, flow, premium)
    for array in (*arrays, sellers.level, sellers.slope, buyers.level, buyers.slope):
        array.flags.writeable = False
    return SpatialResult(
        name=name,
        supply=sellers,
        demand=buyers,
        cost=costs,
        tariff=tariffs,
        limit=limits,
        receiver=receiver,
        producer=producer,
        buyer=buyer,
        flow=flow,
        premium=premium,
        price_unit=price_unit,
        quantity_unit=quantity_unit,
        value_unit=f"{price_unit} x {quantity_unit}" if value_unit is None else value_unit,
        info={
            "converged": converged,
            "iterations": iterations,
            "residual": residual,
            "seconds": time.perf_counter() - started,
            "threads": 1,
            "start": start,
            "tol": tol,
            "warnings": notes,
            "versions": {
                "tradewar": _core.__version__,
                "python": platform.python_version(),
                "numpy": np.__version__,
                "pandas": pd.__version__,
            },
        },
    )


# ---- solving ----------------------------------------------------------------------------------

_Solution = tuple[Floats, Floats, Floats, Floats, int, float]


def _solve(
    sellers: Curves,
    buyers: Curves,
    cost: Floats,
    tariff: Floats,
    limit: Floats,
    start: float,
    tol: float,
    max_iter: int,
) -> _Solution | ConvergenceError:
    """Call the core on the places that can trade; the others keep to themselves."""
    ni, nn = cost.shape
    open_ = np.isfinite(cost) & (limit > 0.0)
    i, n = np.flatnonzero(open_.any(axis=1)), np.flatnonzero(open_.any(axis=0))
    producer, buyer = alone(sellers), alone(buyers)
    flow, premium = np.zeros((ni, nn)), np.zeros((ni, nn))
    iterations, residual = 0, 0.0
    if i.size and n.size:
        cut = np.ix_(i, n)
        open_sellers, open_buyers = sellers.take(i), buyers.take(n)
        routes = tuple(np.ascontiguousarray(x[cut]) for x in (cost, tariff, limit))
        found = _try_core(open_sellers, open_buyers, routes, start, tol, max_iter)
        if isinstance(found, ConvergenceError) and "isoelastic" in (sellers.form, buyers.form):
            found = _by_tangents(open_sellers, open_buyers, routes, start, tol, max_iter) or found
        if isinstance(found, ConvergenceError):
            return _named(found, sellers, buyers)
        producer[i], buyer[n], flow[cut], premium[cut], iterations, residual = found
    # What a ban is worth: the gain that it forbids.
    banned = np.isfinite(cost) & (limit == 0.0)
    delivered = (producer[:, None] + np.where(banned, cost, 0.0)) * (1.0 + tariff)
    premium = np.where(banned, np.maximum(buyer[None, :] - delivered, 0.0), premium)
    return producer, buyer, flow, premium, iterations, residual


def _try_core(
    sellers: Curves,
    buyers: Curves,
    routes: tuple[Floats, ...],
    start: float,
    tol: float,
    max_iter: int,
) -> _Solution | ConvergenceError:
    """Call the core from several prices until it finds an equilibrium that clears."""
    cost, tariff, limit = routes
    forms = FORMS[sellers.form], FORMS[buyers.form]
    arrays = (*_in_units(sellers, start), *_in_units(buyers, start), cost / start)
    failure: ConvergenceError | None = None
    for factor in _STARTS:
        try:
            found = _core.spatial_solve(*forms, *arrays, tariff, limit, factor, tol, max_iter)
        except ConvergenceError as error:
            if failure is None or error.residual < failure.residual:
                failure = error
            continue
        producer, buyer, flow = found[0] * start, found[1] * start, found[2]
        missed = _missed(sellers, buyers, producer, buyer, flow)
        if missed <= _CLEARED:
            return producer, buyer, flow, found[3] * start, found[4], found[5]
        failure = failure or ConvergenceError("markets not cleared", found[4], missed, -1)
    assert failure is not None
    return failure


def _by_tangents(
    sellers: Curves,
    buyers: Curves,
    routes: tuple[Floats, ...],
    start: float,
    tol: float,
    max_iter: int,
) -> _Solution | None:
    """Solve isoelastic curves by linear equilibria on their tangents, each at the last outcome."""
    price = [np.full(len(side.labels), start) for side in (sellers, buyers)]
    total = [side.quantity(p) for side, p in zip((sellers, buyers), price, strict=True)]
    for iteration in range(max_iter):
        lines = [
            side.tangent(p, q) for side, p, q in zip((sellers, buyers), price, total, strict=True)
        ]
        found = _try_core(lines[0], lines[1], routes, start, tol, max_iter)
        if isinstance(found, ConvergenceError):
            return None
        floor = _SETTLED * start  # who is priced out goes there, and counts as zero
        moved = [
            np.clip(new, np.maximum(0.2 * p, floor), 5.0 * p)
            for new, p in zip(found[:2], price, strict=True)
        ]
        total = [found[2].sum(axis=1), found[2].sum(axis=0)]
        change = max(float(np.max(np.abs(a - b))) for a, b in zip(moved, price, strict=True))
        price = moved
        ends = [np.where(p > floor, new, 0.0) for new, p in zip(found[:2], price, strict=True)]
        missed = _missed(sellers, buyers, ends[0], ends[1], found[2])
        if change <= _SETTLED * start and missed <= _CLEARED:
            return ends[0], ends[1], found[2], found[3], iteration + 1, missed
    return None


def _missed(
    sellers: Curves, buyers: Curves, producer: Floats, buyer: Floats, flow: Floats
) -> float:
    """Measure how far supply is from shipments and demand from arrivals, over the mean flow.

    The core's residual weighs steep curves by price; this one does not.
    """
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        gaps = np.concatenate(
            [
                sellers.quantity(producer) - flow.sum(axis=1),
                buyers.quantity(buyer) - flow.sum(axis=0),
            ]
        )
    worst = float(np.max(np.abs(gaps)))
    scale = float(flow.sum()) / len(buyers.labels)
    return worst / scale if scale > 0.0 else worst


def _in_units(curves: Curves, start: float) -> tuple[Floats, Floats]:
    """Give level and slope where prices are counted in `start`."""
    slope = curves.slope * start if curves.form == "linear" else curves.slope
    return np.ascontiguousarray(curves.level), np.ascontiguousarray(slope)


def _named(error: ConvergenceError, sellers: Curves, buyers: Curves) -> ConvergenceError:
    places = (*sellers.labels, *buyers.labels)
    text = (
        f"no equilibrium found between {first_five(sellers.labels)} and "
        f"{first_five(buyers.labels)}: {error.status} after {error.iterations} iterations, "
        f"residual {error.residual:.3g}, from {len(_STARTS)} starting prices; give start= a price "
        "near the one you expect, or less extreme elasticities"
    )
    return ConvergenceError(
        error.status, error.iterations, error.residual, error.where, None, places, text
    )


def _negative_prices(sellers: Curves, buyers: Curves, producer: Floats, buyer: Floats) -> list[str]:
    bad = [label for label, p in zip(sellers.labels, producer, strict=True) if p < 0.0]
    bad += [label for label, p in zip(buyers.labels, buyer, strict=True) if p < 0.0]
    if not bad:
        return []
    note = (
        f"the price of {first_five(bad)} is negative: a linear curve was left its range; "
        'form="isoelastic" has no negative prices'
    )
    warnings.warn(note, DataWarning, stacklevel=3)
    return [note]
