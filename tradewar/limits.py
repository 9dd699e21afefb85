"""Quantity controls of a scenario as groups of flows: limits, floors, lists, who gets the rent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradewar.data import TradeData
from tradewar.errors import ScenarioError, first_five
from tradewar.rules import RECEIVERS, Rule, read_rents

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]

# Kinds of limits, as tw_control_kind in the core.
IMPORT_QUOTA, EXPORT_QUOTA, TARIFF_QUOTA, COMMITMENT = range(4)

KINDS = {
    "import_quota": IMPORT_QUOTA,
    "export_quota": EXPORT_QUOTA,
    "trq": TARIFF_QUOTA,
    "purchase_commitment": COMMITMENT,
}
DEFAULT_RECEIVER = {
    "import_quota": "importer_firms",
    "export_quota": "exporter_firms",
    "trq": "importer_firms",
    "min_import_price": "exporter_firms",
    "purchase_commitment": "importer_state",
}


class Controls(NamedTuple):
    """Quantity limits inside markets, sorted by market.

    kind, limit, upper, market have one entry a control; its flows are
    ``member[member_ptr[k]:member_ptr[k + 1]]``, in rising order.
    """

    kind: NDArray[np.int32]
    limit: Floats
    upper: Floats
    market: Positions
    member_ptr: Positions
    member: Positions


class Pool(NamedTuple):
    """A limit on the sum over many markets.

    kind : int, IMPORT_QUOTA, EXPORT_QUOTA or COMMITMENT
    limit : float, value_unit at base prices (by_value: at current prices)
    by_value : bool
    member : int array of flows, rising
    """

    kind: int
    limit: float
    by_value: bool
    member: Positions


@dataclass(frozen=True, slots=True)
class Limits:
    """Quantity controls of a scenario on some data.

    Attributes
    ----------
    controls : Controls or None
        Limits inside markets.
    control_rule : int array
        Rule of each control.
    pools : tuple of Pool
        Limits over many markets.
    pool_rule : tuple of int
    floor : float array, shape (F,), or None
        Least border price, base 1; 0 = none.
    floor_rule : int array, shape (F,), or None
    listed : float array, shape (importer slots,), or None
        Effective share of buyers on a list.
    banned : bool array, shape (F,), or None
        Flows whose origin may not sell to listed buyers.
    shares : mapping of rule number to five fractions
        Who gets the rent, in the order of RECEIVERS (who pays, for a commitment).
    names : mapping of rule number to text
    """

    controls: Controls | None
    control_rule: Positions
    pools: tuple[Pool, ...]
    pool_rule: tuple[int, ...]
    floor: Floats | None
    floor_rule: Positions | None
    listed: Floats | None
    banned: NDArray[np.bool_] | None
    shares: dict[int, tuple[float, ...]]
    names: dict[int, str]


@dataclass
class LimitsBuilder:
    """Collect the controls of rules one after another."""

    data: TradeData
    kind: list[int] = field(default_factory=list)
    limit: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    market: list[int] = field(default_factory=list)
    members: list[Positions] = field(default_factory=list)
    rule: list[int] = field(default_factory=list)
    pools: list[Pool] = field(default_factory=list)
    pool_rule: list[int] = field(default_factory=list)
    floor: Floats | None = None
    floor_rule: Positions | None = None
    listed: Floats | None = None
    banned: NDArray[np.bool_] | None = None
    shares: dict[int, tuple[float, ...]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)

    def add_limit(
        self,
        number: int,
        instrument: str,
        args: dict[str, Any],
        rows: Positions,
        upper: float,
        share: Floats | float = 1.0,
    ) -> None:
        """Add a quota, tariff quota or commitment on flows `rows` (rising).

        Where the limit covers only a share of each flow, the rest is allowed for as it was.
        """
        value = self.data._value
        kind = KINDS[instrument]
        if kind == COMMITMENT and "quantity_ratio" not in args:
            self._check_trade(args, instrument, rows)
        traded = value[rows] > 0.0
        rows = rows[traded]
        if not rows.size:
            return  # nothing is traded, so that a limit is slack
        covered, rest = value[rows], np.zeros(rows.size)
        if not isinstance(share, float):
            rest = (1.0 - share[traded]) * covered
            covered = covered - rest
        if args.get("pooled") or "value" in args:
            whole = float(covered.sum())
            limit = args["quantity_ratio"] * whole if "quantity_ratio" in args else None
            limit = args.get("quantity", args.get("value", 0.0)) if limit is None else limit
            self._check(limit, instrument)
            limit += float(rest.sum())
            self.pools.append(Pool(kind, float(limit), "value" in args, rows))
            self.pool_rule.append(number)
            return
        first = self.data._layout.market_ptr
        market = np.searchsorted(first, rows, side="right") - 1
        starts = np.flatnonzero(np.diff(market, prepend=-1))
        base, free = np.add.reduceat(covered, starts), np.add.reduceat(rest, starts)
        ends = [*starts[1:], len(rows)]
        for start, stop, total, open_part in zip(starts, ends, base, free, strict=True):
            limit = args["quantity_ratio"] * total if "quantity_ratio" in args else args["quantity"]
            self._check(limit, instrument)
            self.kind.append(kind)
            self.limit.append(float(limit + open_part))
            self.upper.append(upper)
            self.market.append(int(market[start]))
            self.members.append(rows[start:stop])
            self.rule.append(number)

    def _check_trade(self, args: dict[str, Any], instrument: str, rows: Positions) -> None:
        """Refuse a floor on flows without trade: the model has no price for what is not sold."""
        goods = self.data._product[rows]
        traded = np.unique(goods[self.data._value[rows] > 0.0])
        empty = np.setdiff1d(goods, traded)
        if not traded.size or (empty.size and not (args.get("pooled") or "value" in args)):
            raise ScenarioError(
                f"{instrument}: the flows named have no trade at the baseline in "
                f"{first_five(list(self.data.products[empty]))}, and no price makes any: leave "
                "these products out with product= or except_="
            )

    @staticmethod
    def _check(limit: float, instrument: str) -> None:
        if not limit > 0:
            raise ScenarioError(
                f"{instrument}: a limit of {limit:g} leaves nothing: use ban() for zero trade"
            )

    def add_floor(self, number: int, ratio: float, rows: Positions) -> None:
        """Put a floor under the border price of flows; the highest counts."""
        if self.floor is None or self.floor_rule is None:
            self.floor = np.zeros(len(self.data))
            self.floor_rule = np.full(len(self.data), -1, dtype=np.intp)
        higher = rows[self.floor[rows] < ratio]
        self.floor[higher] = ratio
        self.floor_rule[higher] = number

    def add_list(self, share: float, rows: Positions) -> None:
        """List a share of the buyers of flows `rows`: their origins may not sell to it."""
        if self.listed is None or self.banned is None:
            self.listed = np.zeros(len(self.data._layout.imp_code))
            self.banned = np.zeros(len(self.data), dtype=bool)
        slots = np.unique(self.data._imp_slot[rows])
        other = slots[(self.listed[slots] > 0.0) & (self.listed[slots] != share)]
        if other.size:
            layout = self.data._layout
            market = np.searchsorted(layout.imp_ptr, other, side="right") - 1
            named = [
                f"{country} {product}"
                for country, product in zip(
                    self.data.countries[layout.imp_code[other]],
                    self.data.products[market],
                    strict=True,
                )
            ]
            raise ScenarioError(
                f"{other.size} destination-products stand on two lists of different size "
                f"({first_five(named)}): give their listed buyers one share"
            )
        self.listed[slots] = share
        self.banned[rows] = True

    def remember(self, number: int, rule: Rule) -> None:
        """Note a rule's text and who gets its rent."""
        args = dict(rule.args)
        default = {DEFAULT_RECEIVER.get(rule.instrument, "waste"): 1.0}
        shares = read_rents(str(args["rents"])) if "rents" in args else default
        self.shares[number] = tuple(shares.get(name, 0.0) for name in RECEIVERS)
        self.names[number] = str(rule)

    def build(self) -> Limits | None:
        """Give the limits sorted by market; None where there are none."""
        if not (self.kind or self.pools or self.floor is not None or self.listed is not None):
            return None
        controls, order = None, np.argsort(np.array(self.market, dtype=np.intp), kind="stable")
        if self.kind:
            sizes = [len(self.members[k]) for k in order]
            controls = Controls(
                np.array(self.kind, dtype=np.int32)[order],
                np.array(self.limit)[order],
                np.array(self.upper)[order],
                np.array(self.market, dtype=np.intp)[order],
                np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp),
                np.concatenate([self.members[k] for k in order]).astype(np.intp),
            )
        return Limits(
            controls,
            np.array(self.rule, dtype=np.intp)[order],
            tuple(self.pools),
            tuple(self.pool_rule),
            self.floor,
            self.floor_rule,
            self.listed,
            self.banned,
            self.shares,
            self.names,
        )
