"""Formulas behind the tables of a product-level result: pure functions of arrays.

Base units throughout: a baseline border price is 1, so that baseline values are quantities;
``border`` and ``buyer`` prices are ratios to the baseline; ``quantity`` is the quantity ratio q.
Flows are aligned arrays; ``slot`` gives the destination (importer and product) of each flow.
Letters follow the model: X value at the border, T = 1 + tariff, A = 1 + export tax, F the ratio
of other trade costs, V = X T0 baseline spending, E its sum over origins, P the composite price.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FirstOrder",
    "Split",
    "consumer_surplus",
    "consumer_surplus_linear",
    "first_order",
    "incidence_money",
    "producer_surplus",
    "producer_surplus_linear",
    "smart_creation",
    "split_by_volume",
    "sums",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.integer]


def sums(codes: IntArray, n: int, weights: FloatArray) -> FloatArray:
    """Add `weights` by code, shape (n,); codes that do not occur give 0."""
    # bincount gives float64 with weights; an empty input gives integers
    return np.asarray(np.bincount(codes, weights=weights, minlength=n), dtype=np.float64)


# ---- Surplus -----------------------------------------------------------------------------


def consumer_surplus(ln_index: FloatArray, spending: FloatArray, demand: FloatArray) -> FloatArray:
    """Area to the left of isoelastic demand between the old and the new composite price.

    ``-E (P^(1-eps) - 1) / (1 - eps)``, and ``-E ln P`` at eps = 1; exact near 1 as well.

    Parameters
    ----------
    ln_index : float array
        ln P, new over baseline.
    spending : float array
        E, baseline spending at buyer prices.
    demand : float array
        eps > 0, magnitude.
    """
    gap = 1.0 - demand
    unit = gap == 0.0
    area = np.expm1(gap * ln_index) / np.where(unit, 1.0, gap)
    return -spending * np.where(unit, ln_index, area)


def producer_surplus(ln_price: FloatArray, sales: FloatArray, supply: FloatArray) -> FloatArray:
    """Area to the left of isoelastic supply between the old and the new producer price.

    ``R (p^(1+mu) - 1) / (1 + mu)``: ``-R / (1 + mu)`` where the origin is shut out (p = 0), and 0
    for mu = inf, where the price is given.

    Parameters
    ----------
    ln_price : float array
        ln p, new over baseline; -inf where shut out, NaN where the market failed.
    sales : float array
        R, baseline producer revenue.
    supply : float array
        mu >= 0, may be infinite.
    """
    finite = np.isfinite(supply)
    power = 1.0 + np.where(finite, supply, 0.0)
    area = sales * np.expm1(power * ln_price) / power
    return np.where(finite | np.isnan(ln_price), area, 0.0)


def consumer_surplus_linear(
    index_change: FloatArray, spending: FloatArray, demand: FloatArray, *, published: bool
) -> FloatArray:
    """Second-order surplus of GSIM, ``E (-dP + eps dP^2 / 2)``.

    With `published` the formula as printed, ``E (-dP - eps dP^2 sign(dP) / 2)``, which overstates
    the loss where prices rise (Francois and Hall 2009).
    """
    curve = -np.sign(index_change) if published else 1.0
    return spending * (-index_change + curve * demand * index_change**2 / 2.0)


def producer_surplus_linear(
    price_change: FloatArray, sales: FloatArray, supply: FloatArray
) -> FloatArray:
    """Second-order surplus of GSIM, ``R (dp + mu dp^2 / 2)``; 0 for mu = inf."""
    slope = np.where(np.isfinite(supply), supply, 0.0)
    return sales * (price_change + slope * price_change**2 / 2.0)


def smart_creation(
    value: FloatArray,
    rate_change: FloatArray,
    demand: FloatArray,
    supply: FloatArray,
) -> FloatArray:
    """Trade creation of SMART, ``-e m r``, or ``-(mu e / (mu + e)) m r`` at finite supply.

    Parameters
    ----------
    value, demand, supply : float arrays
        m, e (magnitude) and mu, one per flow.
    rate_change : float array
        r = (T1 - T0) / T0.
    """
    finite = np.isfinite(supply)
    given = np.where(finite, supply, 1.0)
    slope = np.where(finite, given * demand / (given + demand), demand)
    return -slope * value * rate_change


# ---- Who pays ----------------------------------------------------------------------------


def incidence_money(
    value: FloatArray,
    quantity: FloatArray,
    border: FloatArray,
    tariff: FloatArray,
    tariff_new: FloatArray,
    cost: FloatArray | float = 1.0,
    import_premium: FloatArray | float = 0.0,
) -> dict[str, FloatArray]:
    """Split the change in duty on each flow into money columns that add up to it.

    With u0 = T0, b0 = 1, b1 the new border price, u1 = b1 F T1 + lm and sold units q1::

        buyers + exporters + lost_old_revenue + trade_cost + licence_rent = revenue_change
        (u1 - u0) q1 + (b0 - b1) q1 - t0 (q0 - q1) - b1 (F - 1) T1 q1 - lm q1 = b1 t1 q1 - t0 q0

    Parameters
    ----------
    value, quantity, border : float arrays
        X, q and the border-price ratio.
    tariff, tariff_new : float arrays
        Rates before and after, fractions.
    cost : float array, default 1
        F.
    import_premium : float array, default 0
        lm, in base border units.

    Returns
    -------
    dict of float arrays
        The five parts and ``revenue_change``, in the unit of `value`.
    """
    sold = value * quantity
    paid = border * (1.0 + tariff_new)
    return {
        "buyers": (paid * cost + import_premium - (1.0 + tariff)) * sold,
        "exporters": (1.0 - border) * sold,
        "lost_old_revenue": -tariff * (value - sold),
        "trade_cost": -paid * (cost - 1.0) * sold,
        "licence_rent": -import_premium * sold,
        "revenue_change": border * tariff_new * sold - tariff * value,
    }


class FirstOrder(NamedTuple):
    """First-order log changes: composite price by destination, buyer price by flow."""

    ln_index: FloatArray
    ln_buyer: FloatArray


def first_order(
    share: FloatArray,
    slot: IntArray,
    ln_wedge: FloatArray,
    substitution: FloatArray,
    demand: FloatArray,
    supply: FloatArray,
) -> FirstOrder:
    """First-order incidence with many origins and one destination, in closed form.

    ``D = 1 - (sig - eps) sum theta / (mu + sig)``,
    ``dln P = [sum theta mu / (mu + sig) dln T] / D`` and
    ``dln u = [mu dln T + (sig - eps) dln P] / (mu + sig)``.

    Parameters
    ----------
    share : float array
        theta, shares of baseline spending, one per flow.
    slot : int array
        Destination of each flow.
    ln_wedge : float array
        dln T, the log change of everything between producer and buyer price, one per flow.
    substitution, demand : float arrays
        sig and eps, one per destination.
    supply : float array
        mu of each flow's origin, finite: residual supply to this destination.
    """
    n = len(substitution)
    sig = substitution[slot]
    weight = 1.0 / (supply + sig)
    closure = 1.0 - (substitution - demand) * sums(slot, n, share * weight)
    ln_index = sums(slot, n, share * supply * weight * ln_wedge) / closure
    ln_buyer = (supply * ln_wedge + (sig - demand[slot]) * ln_index[slot]) * weight
    return FirstOrder(ln_index, ln_buyer)


# ---- Where trade goes --------------------------------------------------------------------


class Split(NamedTuple):
    """Diversion and creation of each flow, in money, at the prices of the weights given."""

    diversion: FloatArray
    creation: FloatArray


def split_by_volume(
    spending: FloatArray,
    quantity: FloatArray,
    slot: IntArray,
    n_slot: int,
    prices: Iterable[FloatArray],
) -> list[Split]:
    """Split each change in quantity into diversion and creation.

    With the Laspeyres volume ratio ``qbar = sum V q / E`` of a destination, diversion is
    ``V (q / qbar - 1)``, which sums to zero over origins, and creation ``V q (1 - 1 / qbar)``,
    which sums to ``E (qbar - 1)``; they add up to ``V (q - 1)``.

    Parameters
    ----------
    spending : float array
        V, the weights of qbar.
    quantity : float array
        q.
    slot : int array
        Destination of each flow, in [0, n_slot).
    prices : iterable of float arrays
        Baseline values to apply the split to: V itself, or X for border prices, where the
        diversions leave a remainder.
    """
    total = sums(slot, n_slot, spending)
    volume = sums(slot, n_slot, spending * quantity)
    # A destination without spending or without purchases has nothing to divert.
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(volume > 0, total / volume, np.nan)[slot]
    relative = np.where(np.isnan(scale), 1.0, quantity * scale)
    return [Split(v * (relative - 1.0), v * (quantity - relative)) for v in prices]
