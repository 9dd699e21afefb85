"""Choices at which searches for agreements begin; with transfers, a last variable is theirs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tradewar.arena import Arena
from tradewar.policy_space import Policy

__all__ = ["alliance_of", "starts_of"]

Floats = NDArray[np.float64]


def starts_of(policy: Policy, *, transfers: bool) -> dict[str, Floats]:
    """Give the starts of every agreement: today, free trade or no measure, and the middle."""
    free = np.array([name == "" for name in policy.names])
    named = {
        "today": np.clip(policy.factual(), policy.low, policy.high),
        "free trade" if free.any() else "no measure": np.where(
            free, np.clip(0.0, policy.low, policy.high), policy.low
        ),
        "half": 0.5 * (np.clip(policy.factual(), policy.low, policy.high) + policy.monopsony()),
    }
    if transfers:
        named = {name: np.append(x, 0.0) for name, x in named.items()}
    return {name: np.asarray(x, dtype=np.float64) for name, x in named.items()}


def alliance_of(arena: Arena, *, transfers: bool) -> Floats | None:
    """Give free trade among players and the highest tariffs on all others, where there are others.

    Payoffs may have a top of their own there, far above that of low tariffs on all.
    """
    policy, world = arena.policy, arena.world
    exporter = policy.flow[policy.rate_at] // len(world._theta) % len(world._deficit)
    outside = ~np.isin(exporter, arena.payoff.goal.players)
    taxed = np.zeros(len(policy.low), dtype=np.bool_)
    taxed[policy.rate_variable[outside]] = True
    if not taxed.any():
        return None
    free = np.array([name == "" for name in policy.names])
    x = np.where(free, np.clip(0.0, policy.low, policy.high), policy.low)
    x = np.where(taxed, policy.high, x)
    return np.append(x, 0.0) if transfers else x
