"""Quantity controls in general equilibrium: limits for the core, and what they became.

A limit multiplies the price of its flows by e^m, a purchase commitment by e^-m.  Who holds the rent
says where: the exporter at the border, so that it acts as an export tax and duty is due on it; the
importer behind the border, as a duty.  Wasted rents use up resources as freight does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradewar.data import TradeData
from tradewar.errors import ScenarioError
from tradewar.limits import COMMITMENT, EXPORT_QUOTA, TARIFF_QUOTA, Limits
from tradewar.rules import RECEIVERS
from tradewar.wedges import Wedges

__all__ = ["NO_LIMITS", "GELimits", "LimitWedges", "limit_wedges", "read_limits", "undetermined"]

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]

# Kinds and holders as in csrc/include/tradewar.h.
EXPORT, IMPORT, FLOOR_QUANTITY, FLOOR_VALUE = range(4)
IMPORTER, EXPORTER, WASTED = range(3)
_HOLDERS = {0: IMPORTER, 1: IMPORTER, 2: EXPORTER, 3: EXPORTER, 4: WASTED}  # by receiver


@dataclass(frozen=True, slots=True)
class GELimits:
    """Limits of one scenario.

    Attributes
    ----------
    kind, holder : int arrays, one per limit
    bound, upper : float arrays
        Bound in base value before export tax (a value floor: in value); largest log wedge.
    members : tuple of int arrays
        Flat places, rising.
    rows : tuple of int arrays
        The same as rows of the world's flows, in the order of `members`.
    source : tuple of int
        Kind of each limit as in `tradewar.limits`.
    given : float array
        Limit as the scenario gives it: at base border prices.
    rule : tuple of int
    product : tuple of str
        "(pooled)" over several.
    names : mapping of rule number to text
    shares : tuple of tuples
        Who gets each limit's rent, in the order of RECEIVERS.
    """

    kind: NDArray[np.int32]
    holder: NDArray[np.int32]
    bound: Floats
    upper: Floats
    members: tuple[Positions, ...]
    rows: tuple[Positions, ...]
    source: tuple[int, ...]
    given: Floats
    rule: tuple[int, ...]
    product: tuple[str, ...]
    names: dict[int, str]
    shares: tuple[tuple[float, ...], ...]

    def __len__(self) -> int:
        return len(self.kind)


NO_LIMITS = GELimits(
    np.zeros(0, np.int32),
    np.zeros(0, np.int32),
    np.zeros(0),
    np.zeros(0),
    (),
    (),
    (),
    np.zeros(0),
    (),
    (),
    {},
    (),
)


class _Group(NamedTuple):
    """One limit of a scenario before it is written for the core."""

    kind: int
    limit: float
    extra: float  # tariff above the in-quota rate
    rows: Positions
    rule: int
    product: str
    by_value: bool


def _groups(limits: Limits, data: TradeData) -> list[_Group]:
    found = []
    c = limits.controls
    for k in range(0 if c is None else len(c.kind)):
        assert c is not None
        rows = c.member[c.member_ptr[k] : c.member_ptr[k + 1]]
        product = str(data.products[int(c.market[k])])
        rule = int(limits.control_rule[k])
        extra = float(c.upper[k])
        found.append(_Group(int(c.kind[k]), float(c.limit[k]), extra, rows, rule, product, False))
    for pool, rule in zip(limits.pools, limits.pool_rule, strict=True):
        group = _Group(pool.kind, pool.limit, 0.0, pool.member, rule, "(pooled)", pool.by_value)
        found.append(group)
    return found


def read_limits(wedges: Wedges, data: TradeData, flat: Positions) -> GELimits:
    """Write the limits of a scenario for the core.

    Parameters
    ----------
    wedges : Wedges
    data : TradeData
        The world's flows.
    flat : int array
        Flat place of each flow.

    Raises
    ------
    ScenarioError
        Rents are split between countries, or go where a limit of the kind cannot send them.
    """
    limits = wedges.limits
    if limits is None:
        return NO_LIMITS
    groups = _groups(limits, data)
    kind, holder, bound, upper = (np.zeros(len(groups)) for _ in range(4))
    members, all_rows = [], []
    for k, group in enumerate(groups):
        order = np.argsort(flat[group.rows], kind="stable")
        rows = group.rows[order]
        members.append(flat[rows])
        all_rows.append(rows)
        kind[k] = _kind(group)
        name = f"rule {group.rule}, {limits.names[group.rule]}"
        holder[k] = _holder(limits.shares[group.rule], group.kind, name)
        value = data._value[rows]
        made = value if data._export_tax is None else value / (1.0 + data._export_tax[rows])
        bound[k] = group.limit if group.by_value else group.limit * made.sum() / value.sum()
        upper[k] = np.inf
        if group.kind == TARIFF_QUOTA:
            upper[k] = _upper(group.extra, wedges.tariff[rows], name)
    return GELimits(
        kind.astype(np.int32),
        holder.astype(np.int32),
        bound,
        upper,
        tuple(members),
        tuple(all_rows),
        tuple(group.kind for group in groups),
        np.array([group.limit for group in groups]),
        tuple(group.rule for group in groups),
        tuple(group.product for group in groups),
        limits.names,
        tuple(limits.shares[group.rule] for group in groups),
    )


def _kind(group: _Group) -> int:
    if group.kind == COMMITMENT:
        return FLOOR_VALUE if group.by_value else FLOOR_QUANTITY
    return EXPORT if group.kind == EXPORT_QUOTA else IMPORT


def _holder(shares: tuple[float, ...], kind: int, name: str) -> int:
    """Country side that gets a rent, or pays for a commitment."""
    sides = {_HOLDERS[k] for k, share in enumerate(shares) if share > 0.0}
    if len(sides) > 1:
        given = ", ".join(f"{n} {s:g}" for n, s in zip(RECEIVERS, shares, strict=True) if s > 0.0)
        raise ScenarioError(
            f"{name}: rents={{{given}}} go to different countries, and in general equilibrium a "
            "limit's rent is income of one: give rents= on one side, or split the limit in two"
        )
    [side] = sides
    if kind == COMMITMENT and side == WASTED:
        raise ScenarioError(f"{name}: somebody pays the subsidy of a commitment: not 'waste'")
    if kind == TARIFF_QUOTA and side != IMPORTER:
        raise ScenarioError(
            f"{name}: a tariff quota fills the importer's treasury above the quota, so that in "
            "general equilibrium its rents go to importer_firms or importer_state; for rents of "
            "exporters use import_quota() or export_quota()"
        )
    return side


def _upper(extra: float, rate: Floats, name: str) -> float:
    """Log wedge between the rate in the quota and the rate above it."""
    if float(np.ptp(rate)) > 1e-12:
        raise ScenarioError(
            f"{name}: its flows have different rates in the quota ({rate.min():g} to "
            f"{rate.max():g}) after later rules: give them one rate"
        )
    return float(np.log1p(extra / (1.0 + rate[0])))


# ---- what limits became -------------------------------------------------------------------------


class LimitWedges(NamedTuple):
    """Log wedges by row of the world's flows."""

    border: Floats  # on the border price: limits held by the exporter, less its commitments
    buyer: Floats  # behind the border: the same of the importer
    waste: Floats  # uses up resources
    floors: Floats  # part of border and buyer that commitments take away


def limit_wedges(limits: GELimits, m: Floats, size: int) -> LimitWedges:
    """Spread the multipliers of limits over flows."""
    border, buyer, waste, floors = (np.zeros(size) for _ in range(4))
    for k in range(len(limits)):
        rows = limits.rows[k]
        floor = limits.kind[k] >= FLOOR_QUANTITY
        to = {IMPORTER: buyer, EXPORTER: border, WASTED: waste}[int(limits.holder[k])]
        to[rows] += -m[k] if floor else m[k]
        if floor:
            floors[rows] += m[k]
    return LimitWedges(border, buyer, waste, floors)


def undetermined(limits: GELimits, m: Floats) -> list[str]:
    """Say which limits bind on the very same flows: then any split of the premium is a solution.

    Where the rents are income of different countries, welfare depends on the split.
    """
    first: dict[tuple[int, ...], int] = {}
    texts = []
    for k in np.flatnonzero(m > 0.0):
        before = first.setdefault(tuple(limits.members[k].tolist()), int(k))
        if before != k:
            texts.append(
                f"Rules {limits.rule[before]} and {limits.rule[k]} both bind on the same flows of "
                f"{limits.product[k]}: how the premium, and its rent, is split between them is "
                "not determined, and neither is welfare where the rents go to different countries; "
                "the numbers are one of the solutions: leave one of the rules out"
            )
    return texts
