"""What a scenario does to flows: rates, cost ratios and weights after its rules.

Rules run in order on the flows they match.  "*", lists and groups never match home sales
(exporter == importer) nor flows inside a customs union; a rule that names one country on each side
does.  Flows that no rule names keep their rates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from tradewar.codes import GROUPS, is_hs
from tradewar.data import TradeData
from tradewar.errors import ScenarioError
from tradewar.limits import Limits, LimitsBuilder
from tradewar.rate_table import RateTable
from tradewar.rules import Exclusion, Rule
from tradewar.selectors import (
    EVERY,
    Selector,
    country_mask,
    customs_union_ids,
    names_one,
    product_mask,
)


@dataclass(frozen=True, slots=True)
class RuleReport:
    """What one rule touched.

    Attributes
    ----------
    rule : str
        The rule as a call.
    rows : int
        Flows it matched.
    value : float
        Their baseline value, in the data's value_unit.
    """

    rule: str
    rows: int
    value: float


class Covered(NamedTuple):
    """A rule that reaches only parts of sectors: what it names by HS code.

    rule : int, its number from 1
    rows : int array, flows, rising
    share : float array, part of each flow that the rule covers, from 0 to 1
    weights : tuple of str, what the shares of each flow are weighted with
    """

    rule: int
    rows: np.ndarray
    share: np.ndarray
    weights: tuple[str, ...]

    def reached(self) -> tuple[np.ndarray, np.ndarray]:
        """Flows of which the rule covers anything, and their shares."""
        hit = self.share > 0.0
        return self.rows[hit], self.share[hit]


class Economy(Protocol):
    """What a scenario can change in an economy beside its flows: see `coverage.WorldRules`."""

    countries: list[str]
    products: list[str]

    def cover(self, number: int, rule: Rule, data: TradeData) -> Covered | None:
        """Find flows and shares of a rule that names HS codes; None where it names sectors."""

    def productivity(
        self, number: int, rule: Rule, data: TradeData
    ) -> tuple[np.ndarray, np.ndarray, Covered | None]:
        """Give a rule's ratio, shape (country, sector), and the flows that it makes cheaper."""


@dataclass(frozen=True, slots=True)
class Wedges:
    """The flows' price wedges after a scenario.

    Attributes
    ----------
    tariff : float64 array, shape (F,), fraction > -1
        Import duty after.
    export_tax : float64 array, shape (F,), fraction > -1, or None
        Export tax after; None where neither data nor scenario has any.
    cost : float64 array, shape (F,), ratio > 0, or None
        Other trade costs after / before; None: unchanged.
    weight : float64 array, shape (F,), 0 or 1, or None
        0 where banned; None: no ban.
    touched : tuple of RuleReport
        One for each rule.
    touched_products : int
        Products of which some rule matched a flow.
    limits : Limits or None
        Quantity controls; None: there are none.
    productivity : float64 array, shape (country, sector), ratio > 0, or None
        Of an economy, in its own order; None: unchanged.
    coverage : tuple of Covered
        Rules that reach parts of an economy's sectors.
    """

    tariff: np.ndarray
    export_tax: np.ndarray | None
    cost: np.ndarray | None
    weight: np.ndarray | None
    touched: tuple[RuleReport, ...]
    touched_products: int
    limits: Limits | None = None
    productivity: np.ndarray | None = None
    coverage: tuple[Covered, ...] = ()


def apply_rules(rules: Sequence[Rule], data: TradeData, economy: Economy | None = None) -> Wedges:
    """Run rules in order on the flows of `data`, those of an `economy` where one is given.

    A rule that covers a share s of a flow moves its rate, cost or weight by s times the move.

    Raises
    ------
    ScenarioError
        A rule matches no flow, brings a rate to -1 or below, or changes what a model of single
        products does not have.
    """
    arrays: dict[str, np.ndarray | None] = {
        "tariff": data._tariff,
        "export_tax": data._export_tax,
        "cost": None,
        "weight": None,
    }
    own: set[str] = set()  # arrays that are ours to write
    limits = LimitsBuilder(data)
    touched = []
    products = np.zeros(len(data._products), dtype=bool)
    names = (
        (data._countries.tolist(), data._products.tolist())
        if economy is None
        else (economy.countries, economy.products)  # the same, and made once
    )
    productivity: np.ndarray | None = None
    coverage: list[Covered] = []

    def writable(name: str, start: float) -> np.ndarray:
        if name not in own:
            base = arrays[name]
            arrays[name] = np.full(len(data), start) if base is None else base.copy()
            own.add(name)
        array = arrays[name]
        assert array is not None
        return array

    for number, rule in enumerate(rules, start=1):
        try:
            covered: Covered | None = None
            share: np.ndarray | float = 1.0
            if rule.instrument == "tariff_table":
                table = dict(rule.args)["rates"]
                assert isinstance(table, RateTable)
                rows, found = _find_rates(table, data, *names)
                writable("tariff", 0.0)[rows] = table.rate[found]
                touched.append(_touched(rule, rows, data))
                products |= np.diff(np.searchsorted(rows, data._layout.market_ptr)) > 0
                continue
            if rule.instrument == "productivity":
                if economy is None:
                    raise ScenarioError(
                        "productivity changes costs of whole economies: use solve_ge"
                    )
                factor, rows, covered = economy.productivity(number, rule, data)
                productivity = factor if productivity is None else productivity * factor
            else:
                covered = None if economy is None else economy.cover(number, rule, data)
                if covered is None:
                    rows = match_flows(rule, data, *names)
                else:
                    rows, share = covered.reached()
            if covered is not None:
                coverage.append(covered)
            if rule.instrument in ("tariff", "export_tax"):
                _set_rate(writable(rule.instrument, 0.0), rows, rule, data, share)
            elif rule.instrument == "trade_cost":
                ratio = float(dict(rule.args)["ratio"])
                writable("cost", 1.0)[rows] *= _part(ratio, share)
            elif rule.instrument == "ban":
                writable("weight", 1.0)[rows] *= _part(0.0, share)
            elif rule.instrument == "licence":
                args = dict(rule.args)
                writable("weight", 1.0)[rows] *= _part(float(args["approval"]), share)
                writable("cost", 1.0)[rows] += share * float(args.get("delay_cost", 0.0))
            elif rule.instrument == "entity_list" and _bars_weight(rule, economy):
                writable("weight", 1.0)[rows] *= _part(1.0 - _listed_share(rule), share)
            elif rule.instrument != "productivity":
                _refuse_floor(rule, economy)
                limits.remember(number, rule)
                tariff = writable("tariff", 0.0) if rule.instrument == "trq" else data._tariff
                _limit(limits, number, rule, rows, tariff, share)
        except ScenarioError as error:
            raise ScenarioError(f"rule {number}, {rule}: {error}") from None
        touched.append(_touched(rule, rows, data))
        products |= np.diff(np.searchsorted(rows, data._layout.market_ptr)) > 0
    for name in own:
        array = arrays[name]
        assert array is not None
        array.flags.writeable = False
    after = arrays["tariff"]
    assert after is not None
    return Wedges(
        after,
        arrays["export_tax"],
        arrays["cost"],
        arrays["weight"],
        tuple(touched),
        int(np.count_nonzero(products)),
        limits.build(),
        productivity,
        tuple(coverage),
    )


def _part(ratio: float, share: np.ndarray | float) -> np.ndarray | float:
    """Ratio of a whole of which a share moves by `ratio`; exactly `ratio` where the share is 1."""
    if isinstance(share, float):
        return ratio
    return np.where(share == 1.0, ratio, 1.0 + share * (ratio - 1.0))


def _bars_weight(rule: Rule, economy: Economy | None) -> bool:
    """Tell whether a list is a weight: sellers always, buyers in an economy.

    Refuses a list of every buyer, as in a model of single products.
    """
    if dict(rule.args).get("side") == "sellers":
        return True
    if economy is not None and _listed_share(rule) >= 1.0:
        raise ScenarioError(_EVERY_BUYER)
    return economy is not None


_EVERY_BUYER = "a list of every buyer without leakage is a ban: use ban()"


def _refuse_floor(rule: Rule, economy: Economy | None) -> None:
    if economy is not None and rule.instrument == "min_import_price":
        raise ScenarioError(
            "min_import_price holds a border price against wages that move, which solve_ge does "
            "not do: use export_quota() with rents, or export_tax(), whose premium the result "
            "reports; or solve_pe for the product alone"
        )


def _touched(rule: Rule, rows: np.ndarray, data: TradeData) -> RuleReport:
    return RuleReport(str(rule), int(rows.size), float(data._value[rows].sum()))


def _find_rates(
    table: RateTable, data: TradeData, labels: list[str], goods: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Find the flows that a table of rates names, and its row for each."""
    codes = (data._importer, data._exporter, data._product)
    rows, found = table.find(labels, goods, codes)
    if not rows.size:
        spaces = (("importer", labels), ("exporter", labels), ("product", goods))
        counts = [
            f"{len(set(mine) & set(theirs))} of its {len(mine)} {what}s"
            for (what, theirs), mine in zip(spaces, table.labels, strict=True)
        ]
        raise ScenarioError(
            f"the table of rates matches no flow; the data have {', '.join(counts)}: make it for "
            "these data, with the schedule's to_scenario(base=data)"
        )
    return rows, found


def _listed_share(rule: Rule) -> float:
    """Share of a list that is out of reach: share (1 - leakage)."""
    args = dict(rule.args)
    return float(args["share"]) * (1.0 - float(args.get("leakage", 0.0)))


def _limit(
    limits: LimitsBuilder,
    number: int,
    rule: Rule,
    rows: np.ndarray,
    tariff: np.ndarray,
    share: np.ndarray | float,
) -> None:
    """Add a quantity control; a tariff quota sets the in-quota rate."""
    args = dict(rule.args)
    if rule.instrument == "entity_list":
        listed = _listed_share(rule)
        if listed >= 1.0:
            raise ScenarioError(_EVERY_BUYER)
        limits.add_list(listed, rows)
    elif rule.instrument == "min_import_price":
        limits.add_floor(number, float(args["ratio"]), rows)
    elif rule.instrument == "trq":
        if "over_rate" not in args:
            raise ScenarioError("trq needs over_rate=, the rate above the quota")
        if not isinstance(share, float) and (share < 1.0).any():
            raise ScenarioError(
                "trq: a tariff quota on part of a sector has no single rate above the quota: name "
                "whole sectors, or use import_quota()"
            )
        if "in_rate" in args:
            tariff[rows] = float(args["in_rate"])
        upper = float(args["over_rate"]) - tariff[rows]
        if not (upper >= 0).all() or np.ptp(upper) > 0:
            raise ScenarioError(
                "trq: over_rate must be at least the in-quota rate, which must be one for all its "
                "flows: give in_rate="
            )
        limits.add_limit(number, "trq", args, rows, float(upper[0]))
    else:
        limits.add_limit(number, rule.instrument, args, rows, 0.0, share)


def _set_rate(
    rate: np.ndarray, rows: np.ndarray, rule: Rule, data: TradeData, share: np.ndarray | float
) -> None:
    """Set, add to or scale the rates of some flows in place, by the share covered."""
    [(name, given)] = rule.args
    number = float(given)
    if name == "set":
        moved = rate[rows] + share * (number - rate[rows])
        rate[rows] = np.where(share == 1.0, number, moved)
        return
    new = rate[rows]
    if name == "add":
        new += share * number
    else:
        new *= _part(number, share)
    bad = np.flatnonzero(~(new > -1))
    if bad.size:
        named = ", ".join(
            f"{data._flow_name(int(rows[k]))}: {rate[rows[k]]:g} -> {new[k]:g}" for k in bad[:5]
        )
        raise ScenarioError(
            f"the rate of {bad.size} flows falls to -1 (-100 %) or below ({named}"
            f"{', ...' if bad.size > 5 else ''}); a rate must leave a positive price"
        )
    rate[rows] = new


def match_flows(
    rule: Rule, data: TradeData, labels: Sequence[str], goods: Sequence[str]
) -> np.ndarray:
    """Find the flows that a rule applies to.

    Parameters
    ----------
    rule : Rule
    data : TradeData
    labels, goods : sequence of str
        Countries and products of `data`, as lists.

    Returns
    -------
    int64 array of positions, increasing; never empty

    Raises
    ------
    ScenarioError
        A selector matches no label, or no flow matches all of them.
    """
    named, pairs = matched_pairs(rule, labels)
    products = product_mask(rule.selector("product"), goods, "product", ScenarioError)
    rows = find_or_explain(data, named, pairs, products)
    if not rule.except_:
        return rows
    both = []  # exclusions by country and product together
    for exclusion in rule.except_:
        out_pairs, out_products, either = excluded(exclusion, rule, labels, goods)
        if either or out_products.all():
            pairs &= ~out_pairs
        if either or out_pairs.all():
            products &= ~out_products
        elif not out_products.all():
            both.append((out_pairs, out_products))
    rows = data._find(pairs, products)
    if both:
        keep = np.ones(rows.size, dtype=bool)
        for out_pairs, out_products in both:
            out = data._find(pairs & out_pairs, products & out_products)
            keep[np.searchsorted(rows, out)] = False
        rows = rows[keep]
    if not rows.size:
        raise ScenarioError("except_ leaves out every flow that the rule matches")
    return rows


def matched_pairs(rule: Rule, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Mark (exporter, importer) pairs that a rule names, and those of them that it reaches."""
    importers = country_mask(rule.selector("importer"), labels, "importer", ScenarioError)
    exporters = country_mask(rule.selector("exporter"), labels, "exporter", ScenarioError)
    named = exporters[:, None] & importers
    pairs = named.copy()
    if not all(names_one(rule.selector(side), labels) for side in ("importer", "exporter")):
        np.fill_diagonal(pairs, False)
        union = customs_union_ids(labels)
        pairs &= (union[:, None] != union) | (union[:, None] == 0)
    return named, pairs


def find_or_explain(
    data: TradeData, named: np.ndarray, pairs: np.ndarray, products: np.ndarray
) -> np.ndarray:
    """Find the flows of marked pairs and products; say why where there are none."""
    rows = data._find(pairs, products)
    if not rows.size:
        raise ScenarioError(_why_nothing(data, named, products))
    return rows


def excluded(
    exclusion: Exclusion, rule: Rule, labels: Sequence[str], goods: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Mark the (exporter, importer) pairs and the products that an exclusion leaves out.

    The third item tells whether a flow is left out by either mark, or only by both.
    """
    if exclusion[0][0] == "":
        return (*_excluded_open(exclusion[0][1], rule, labels, goods), True)
    pairs = np.ones((len(labels), len(labels)), dtype=bool)
    products = np.ones(len(goods), dtype=bool)
    for key, selector in exclusion:
        what = f"except_ {key}"
        if key == "product":
            products = product_mask(selector, goods, what, ScenarioError)
        else:
            mask = country_mask(selector, labels, what, ScenarioError)
            pairs &= mask[:, None] if key == "exporter" else mask
    return pairs, products, False


def _excluded_open(
    selector: Selector, rule: Rule, labels: Sequence[str], goods: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Mark pairs and products for an exclusion that names no key.

    Countries are meant on the side that the rule leaves open.
    """
    sides = [key for key in ("exporter", "importer") if rule.selector(key) == EVERY]
    sides = sides or [
        key for key in ("exporter", "importer") if not names_one(rule.selector(key), labels)
    ]
    sides = sides or ["exporter", "importer"]
    pairs = np.zeros((len(labels), len(labels)), dtype=bool)
    products = np.zeros(len(goods), dtype=bool)
    for item in (selector,) if isinstance(selector, str) else selector:
        group = GROUPS.get(item)
        inside = set() if group is None else group.members | group.aggregates
        if item in labels or inside & set(labels) or not _is_product(item, goods):
            mask = country_mask(item, labels, "except_", ScenarioError)
            if "exporter" in sides:
                pairs |= mask[:, None]
            if "importer" in sides:
                pairs |= mask
        else:
            products |= product_mask(item, goods, "except_", ScenarioError)
    return pairs, products


def _is_product(item: str, goods: Sequence[str]) -> bool:
    """Tell whether an item of an open exclusion is meant as a product."""
    return is_hs(item) or item in goods


def _why_nothing(data: TradeData, named: np.ndarray, products: np.ndarray) -> str:
    """Explain why selectors that each match a label leave no flow."""
    inner = data._find(named, products).size
    if inner:
        return (
            f"matches only {inner:,} home sales or flows inside a customs union, which '*', lists "
            "and groups leave out; name one country on each side to reach them"
        )
    if data._find(named.T, products).size:
        return "matches no flow, but does with importer and exporter swapped"
    exporters, importers = np.logical_or.reduce(named, axis=1), np.logical_or.reduce(named)
    anyone = np.ones(len(exporters), dtype=bool)
    anything = np.ones(len(products), dtype=bool)
    counts = [
        f"{data._find(pairs, goods).size:,} for the {what} alone"
        for what, pairs, goods in (
            ("exporter", exporters[:, None] & anyone, anything),
            ("importer", anyone[:, None] & importers, anything),
            ("product", anyone[:, None] & anyone, products),
        )
    ]
    return f"matches no flow: {', '.join(counts)}, none for all together"
