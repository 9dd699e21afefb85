"""Proof of a spatial equilibrium: how far each of its conditions is from holding.

Functions of a result; `SpatialResult` calls them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tradewar.spatial_result import SpatialResult

__all__ = ["circles", "money", "paid", "proof"]

Floats = NDArray[np.float64]
TIED = 1e-9  # gap over the typical price below which an unused route would pay as well


def paid(quantity: Floats, price: Floats) -> Floats:
    """Multiply, with nothing at any price nothing."""
    return np.where(quantity == 0.0, 0.0, quantity * np.where(quantity == 0.0, 0.0, price))


def money(res: SpatialResult) -> dict[str, float]:
    """Give what buyers spend and where it goes."""
    cost = np.where(res._route, res.cost, 0.0)
    border = res.producer[:, None] + cost
    return {
        "spent": float(paid(res.flow.sum(axis=0), res.buyer).sum()),
        "producers": float(paid(res.flow.sum(axis=1), res.producer).sum()),
        "transport": float((res.flow * cost).sum()),
        "duty": float(paid(res.flow, border * res.tariff).sum()),
        "rent": float((res.flow * res.premium).sum()),
    }


def typical(res: SpatialResult) -> tuple[float, float]:
    """Give a typical price and quantity, to judge residuals by."""
    prices = np.abs(np.concatenate([res.producer, res.buyer]))
    price = float(np.mean(prices)) or 1.0
    quantity = float(res.flow.sum()) / len(res.demand.labels) or 1.0
    return price, quantity


def proof(res: SpatialResult) -> pd.DataFrame:
    """Measure every condition; see `SpatialResult.proof`."""
    price, quantity = typical(res)
    flow, premium, limit = res.flow, res.premium, res.limit
    gap = np.where(res._route, res._gap, np.inf)
    routes = [f"{i}->{n}" for i in res.supply.labels for n in res.demand.labels]
    banned = limit == 0.0
    room = np.maximum(limit - flow, 0.0)
    unused = np.minimum(flow / quantity, np.abs(gap) / price)
    slack = np.where(banned, 0.0, np.minimum(premium / price, room / quantity))
    spent = money(res)
    left = spent["spent"] - sum(part for name, part in spent.items() if name != "spent")
    supplied = res.supply.quantity(res.producer) - flow.sum(axis=1)
    demanded = res.demand.quantity(res.buyer) - flow.sum(axis=0)
    q, p = (res.quantity_unit, quantity), (res.price_unit, price)
    pure = ("pure number", 1.0)
    table: list[tuple[str, Floats, tuple[str, float], Sequence[str]]] = [
        ("supply is what is shipped", np.abs(supplied), q, res.supply.labels),
        ("demand is what arrives", np.abs(demanded), q, res.demand.labels),
        ("no flow is negative", np.maximum(-flow, 0.0), q, routes),
        ("no route leaves a gain", np.maximum(-gap, 0.0), p, routes),
        ("routes in use pay exactly", unused, pure, routes),
        ("limits hold", np.maximum(flow - limit, 0.0), q, routes),
        ("no premium is negative", np.maximum(-premium, 0.0), p, routes),
        ("premium only at a limit", slack, pure, routes),
        ("payments add up", np.abs([left]), (res.value_unit, abs(spent["spent"]) or 1.0), [""]),
    ]
    rows = {}
    for name, amounts, (unit, scale), labels in table:
        amount = np.where(np.isnan(amounts), np.inf, amounts).ravel()
        worst = int(np.argmax(amount))
        top = float(amount[worst])
        rows[name] = (top, unit, top / scale, labels[worst] if top > 0.0 else "")
    frame = pd.DataFrame.from_dict(
        rows, orient="index", columns=["violation", "unit", "relative", "where"]
    )
    frame.index.name = "condition"
    frame.attrs["largest"] = float(frame["relative"].max())
    frame.attrs["unit"] = {"violation": "see unit", "relative": "pure number"}
    return frame


def circles(res: SpatialResult) -> int:
    """Count circles of tied routes; see `SpatialResult.undetermined`."""
    price, _ = typical(res)
    free = res._route & (np.abs(res._gap) <= TIED * price)
    free &= (res.premium == 0.0) & (res.limit > 0.0)
    ni, nn = free.shape
    root = [*range(ni + nn)]

    def find(k: int) -> int:
        while root[k] != k:
            root[k] = root[root[k]]
            k = root[k]
        return k

    found = 0
    for i, n in zip(*np.nonzero(free), strict=True):
        a, b = find(int(i)), find(ni + int(n))
        found += a == b
        root[a] = b
    return found
