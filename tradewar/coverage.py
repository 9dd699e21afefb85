"""Rules that name HS codes on a world of sectors: what share of each sector they cover.

A sector's flow from an exporter is made of HS6 goods in the proportions of the exporter's own sales
to the United States in 2024 and, for the United States, of China's imports from there in 2017: the
flows by HS6 in the package.  Where it sold none of the sector there, the proportions are those of
all sales to the United States; where nobody did, each HS6 line counts the same.  A world may bring
its own concordance as ``extra={"hs6_to_sector": Series}``.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tradewar.codes import GROUPS, is_hs, product_group
from tradewar.data import TradeData
from tradewar.datasets._sectors import most_common
from tradewar.errors import ScenarioError, first_five
from tradewar.rules import Rule
from tradewar.selectors import Selector, country_mask, product_mask
from tradewar.wedges import Covered, excluded, find_or_explain, matched_pairs

if TYPE_CHECKING:
    from tradewar.world import World

__all__ = ["WorldRules", "frame"]

REST, US = "ROW", "USA"
OWN, ALL, LINES = "US imports 2024 from {}", "US imports 2024 from all", "HS6 lines, unweighted"
FROM_US = "China's imports 2017 from USA"


def names_hs(rule: Rule, sectors: Sequence[str]) -> bool:
    """Tell whether a rule names HS codes that are no sectors and no prefixes of sectors."""
    selectors = [rule.selector("product")]
    for exclusion in rule.except_:
        selectors += [selector for key, selector in exclusion if key in ("", "product")]
    items = [i for s in selectors for i in ((s,) if isinstance(s, str) else s)]
    return any(_is_hs_good(item, sectors) for item in items)


def _is_hs_good(item: str, sectors: Sequence[str]) -> bool:
    if not is_hs(item) or item in sectors:
        return False
    return not any(label.startswith(item) and is_hs(label) for label in sectors)


@dataclass(frozen=True)
class Goods:
    """HS6 goods within sectors, and what each exporter sells of them.

    Attributes
    ----------
    codes : list of str, HS6
    sector : int array, sector of each good
    sales : mapping of exporter to float array, money by good: to the US; of the US to China
    total : float array, of all partners
    """

    codes: list[str]
    sector: np.ndarray
    sales: Mapping[str, np.ndarray]
    total: np.ndarray


@dataclass
class WorldRules:
    """What rules reach in a world beside whole flows; an `Economy` of `tradewar.wedges`.

    Parameters
    ----------
    countries, products : list of str
        Of the world, in its order, which is that of its flows.
    extra : mapping
        Of the world; see the module.
    """

    countries: list[str]
    products: list[str]
    extra: Mapping[str, Any] = field(default_factory=dict)
    _goods: dict[tuple[str, ...], Goods] = field(default_factory=dict)

    @classmethod
    def of(cls, world: World) -> WorldRules:
        """Take what is needed from a world."""
        return cls(list(world._countries), list(world._products), world.extra)

    # ---- what wedges.apply_rules asks -----------------------------------------------------------

    def cover(self, number: int, rule: Rule, data: TradeData) -> Covered | None:
        """Find flows and shares of a rule that names HS codes; None where it names sectors."""
        if not names_hs(rule, self.products):
            return None
        sectors, labels = self.products, self.countries
        goods = self.goods(sectors)
        units = [*sectors, *goods.codes]
        named, pairs = matched_pairs(rule, labels)
        wanted = self._units(rule.selector("product"), sectors, goods)
        blocks = []  # pairs and goods that exclusions leave out together
        for exclusion in rule.except_:
            out_pairs, out_units, either = excluded(exclusion, rule, labels, units)
            out = _by_good(out_units, sectors, goods)
            if either or out_units.all():
                pairs &= ~out_pairs
            if either or out_pairs.all():
                wanted &= ~out
            elif not out_units.all():
                blocks.append((out_pairs, out))
        touched = np.bincount(self._owner(goods, sectors)[wanted], minlength=len(sectors)) > 0
        rows = find_or_explain(data, named, pairs, touched)
        share, texts = self._shares(data, rows, wanted, blocks, goods)
        if not (share > 0.0).any():
            raise ScenarioError(
                f"covers no part of the {rows.size} flows of its sectors: US imports of 2024, "
                "which weigh HS codes within sectors, hold none of these goods from these "
                "exporters, or except_ leaves all of them out; name the sector to reach it whole"
            )
        return Covered(number, rows, share, tuple(texts))

    def productivity(
        self, number: int, rule: Rule, data: TradeData
    ) -> tuple[np.ndarray, np.ndarray, Covered | None]:
        """Give a rule's ratio, shape (country, sector), and the flows that it makes cheaper."""
        who = country_mask(rule.selector("country"), self.countries, "country", ScenarioError)
        ratio, product = float(dict(rule.args)["ratio"]), rule.selector("product")
        factor = np.ones((len(self.countries), len(self.products)))
        covered = None
        if names_hs(rule, self.products):
            goods = self.goods(self.products)
            wanted = self._units(product, self.products, goods)
            for n in np.flatnonzero(who):
                share, _ = self._share(self.countries[n], wanted, goods, len(self.products))
                factor[n] = 1.0 + share * (ratio - 1.0)
            touched = np.bincount(self._owner(goods, self.products)[wanted], minlength=1) > 0
            touched = np.pad(touched, (0, len(self.products) - len(touched)))
        else:
            touched = product_mask(product, self.products, "product", ScenarioError)
            factor[np.ix_(who, touched)] = ratio
        labels = {label for n, label in enumerate(self.countries) if who[n]}
        exporters = np.array([label in labels for label in data._countries])
        sold = {label for j, label in enumerate(self.products) if touched[j]}
        sectors = np.array([label in sold for label in data._products])
        pairs = exporters[:, None] & np.ones(len(exporters), dtype=bool)
        rows = data._find(pairs, sectors)
        if names_hs(rule, self.products):
            share, texts = self._shares(data, rows, wanted, [], goods)
            covered = Covered(number, rows, share, tuple(texts))
        return factor, rows, covered

    # ---- goods ----------------------------------------------------------------------------------

    def goods(self, sectors: list[str]) -> Goods:
        """Load the goods of sectors once."""
        key = tuple(sectors)
        if key not in self._goods:
            self._goods[key] = load_goods(sectors, self.extra)
        return self._goods[key]

    def _units(self, selector: Selector, sectors: list[str], goods: Goods) -> np.ndarray:
        """Mark the goods that a product selector covers, and sectors that hold no HS6 good."""
        items = (selector,) if isinstance(selector, str) else selector
        long = [item for item in items if is_hs(item) and len(item) > 6]
        if long:
            raise ScenarioError(
                f"product={long[0]!r} has more than the six digits of the data that weigh HS codes "
                f"within sectors: write {long[0][:6]!r}"
            )
        named = [
            label
            for item in items
            for label in _group_labels(item, sectors) or [item]  # "goods" are sectors here
        ]
        units = [*sectors, *goods.codes]
        selector = named[0] if len(named) == 1 else tuple(named)
        return _by_good(product_mask(selector, units, "product", ScenarioError), sectors, goods)

    def _owner(self, goods: Goods, sectors: list[str]) -> np.ndarray:
        return np.concatenate([goods.sector, np.arange(len(sectors))])

    def _share(
        self, exporter: str, wanted: np.ndarray, goods: Goods, n_sector: int
    ) -> tuple[np.ndarray, list[str]]:
        """Give the share of each sector that the wanted goods make up, and its weights."""
        size = len(goods.codes)
        mine, whole = wanted[:size], wanted[size:]
        share, texts = np.zeros(n_sector), [""] * n_sector
        open_ = np.ones(n_sector, dtype=bool)
        own = self._sales(exporter, goods)
        text = FROM_US if exporter == US else OWN.format(exporter)
        levels = [] if own is None else [(own, text)]
        levels += [(goods.total, ALL), (np.ones(size), LINES)]
        for weight, text in levels:
            total = np.bincount(goods.sector, weight, minlength=n_sector)
            part = np.bincount(goods.sector[mine], weight[mine], minlength=n_sector)
            here = open_ & (total > 0.0)
            share[here] = part[here] / total[here]
            for j in np.flatnonzero(here):
                texts[j] = text
            open_ &= ~here
        share[open_] = whole[open_]  # sectors without goods: named whole, or not at all
        full = np.bincount(goods.sector, minlength=n_sector)
        share[np.bincount(goods.sector[mine], minlength=n_sector) == full] = 1.0
        share[open_ & ~whole] = 0.0
        return share, texts

    def _shares(
        self,
        data: TradeData,
        rows: np.ndarray,
        wanted: np.ndarray,
        blocks: list[tuple[np.ndarray, np.ndarray]],
        goods: Goods,
    ) -> tuple[np.ndarray, list[str]]:
        """Give the share covered and its weights, flow by flow."""
        exporter, importer = data._exporter[rows], data._importer[rows]
        sector = data._product[rows]
        state = np.zeros(rows.size, dtype=np.int64)  # which exclusions act on the flow
        for k, (out_pairs, _) in enumerate(blocks):
            state |= out_pairs[exporter, importer].astype(np.int64) << k
        share, texts = np.zeros(rows.size), [""] * rows.size
        keys = exporter.astype(np.int64) * (1 << len(blocks)) + state
        for key in np.unique(keys):
            left = wanted.copy()
            for k, (_, out) in enumerate(blocks):
                if key >> k & 1:
                    left &= ~out
            label = str(data._countries[int(key >> len(blocks))])
            by_sector, names = self._share(label, left, goods, len(data._products))
            here = np.flatnonzero(keys == key)
            share[here] = by_sector[sector[here]]
            for row in here:
                texts[row] = names[sector[row]]
        return share, texts

    def _sales(self, exporter: str, goods: Goods) -> np.ndarray | None:
        """US imports by good of what a label of the world stands for; None: there are none."""
        if exporter in goods.sales:
            return goods.sales[exporter]
        partners: set[str] = set()
        for group in GROUPS.values():
            if exporter in group.aggregates or exporter == group.name:
                partners |= (group.members | group.aggregates) & set(goods.sales)
        if exporter == REST:
            taken = set(self.countries)
            for group in GROUPS.values():
                if (group.aggregates | {group.name}) & taken:
                    taken |= group.members | group.aggregates
            partners = set(goods.sales) - taken - {US}
        if not partners:
            return None
        return np.sum([goods.sales[name] for name in sorted(partners)], axis=0)


def load_goods(sectors: list[str], extra: Mapping[str, Any]) -> Goods:
    """Give the goods of sectors by the world's concordance, or the one of the package."""
    if "hs6_to_sector" in extra:
        return _sort_goods(sectors, pd.Series(extra["hs6_to_sector"]))
    return _standard_goods(tuple(sectors))


@functools.lru_cache(maxsize=4)
def _standard_goods(sectors: tuple[str, ...]) -> Goods:
    """Keep the goods of the last few worlds: loading them takes longer than a solve."""
    return _sort_goods(list(sectors), None)


def _sort_goods(sectors: list[str], given: pd.Series | None) -> Goods:
    """Sort HS6 goods into sectors and add up US imports of 2024, and US exports, by good.

    Codes of 2017 that no longer stand go where the rest of their heading goes.

    Raises
    ------
    ScenarioError
        The sectors are none that HS codes can be sorted into.
    """
    from tradewar import datasets, schedules

    table = datasets.hs6_to_icio22() if given is None else given
    place = {label: j for j, label in enumerate(sectors)}
    data, exports = schedules.shared_weights()
    if given is None:
        table = pd.concat([table, _retired(table, list(exports.products))])
    codes = [str(code) for code, label in table.items() if str(label) in place]
    if not codes:
        raise ScenarioError(
            "HS codes cannot be translated: the world's sectors "
            f"({first_five(sectors)}) are not those of ICIO; name sectors, or make the world with "
            'extra={"hs6_to_sector": a Series of sectors by HS6 code}'
        )
    sector = np.array([place[str(label)] for label in table if str(label) in place])
    where = {code: k for k, code in enumerate(codes)}
    good = np.array([where.get(code, -1) for code in data._products])[data._product]
    known = good >= 0
    sales = {}
    for n, label in enumerate(data._countries):
        mine = known & (data._exporter == n)
        if mine.any():
            weights = data._value[mine]
            sales[str(label)] = np.bincount(good[mine], weights, minlength=len(codes))
    total = np.bincount(good[known], data._value[known], minlength=len(codes))
    good = np.array([where.get(code, -1) for code in exports._products])[exports._product]
    known = good >= 0
    sales[US] = np.bincount(good[known], exports._value[known], minlength=len(codes))
    for weight in (total, *sales.values()):
        weight.flags.writeable = False
    return Goods(codes, sector.astype(np.intp), sales, total)


def _group_labels(item: str, sectors: list[str]) -> list[str]:
    """Sectors of a product group such as "goods"; none where the item is no group."""
    places = None if item in sectors else product_group(item, sectors)
    return [] if places is None else [sectors[k] for k in places]


def _retired(table: pd.Series, codes: list[str]) -> pd.Series:
    """Give codes that a concordance lacks the sector that most of their heading has."""
    most = most_common(table, 4).to_dict()
    lost = [code for code in codes if code not in table.index and code[:4] in most]
    return pd.Series([most[code[:4]] for code in lost], index=lost, dtype=str)


def _by_good(mask: np.ndarray, sectors: list[str], goods: Goods) -> np.ndarray:
    """Spread a mask over sectors and goods to goods, then sectors."""
    whole, mine = mask[: len(sectors)], mask[len(sectors) :]
    return np.concatenate([mine | whole[goods.sector], whole])


def frame(covered: Sequence[Covered], rules: Sequence[Rule], data: TradeData) -> pd.DataFrame:
    """Write translations as a table; see `GEResult.coverage`."""
    parts = [
        pd.DataFrame(
            {
                "rule": np.full(len(c.rows), c.rule),
                "instrument": rules[c.rule - 1].instrument,
                "importer": data.countries.take(data._importer[c.rows]),
                "exporter": data.countries.take(data._exporter[c.rows]),
                "product": data.products.take(data._product[c.rows]),
                "coverage": c.share,
                "weights": list(c.weights),
            }
        )
        for c in covered
    ]
    columns = ["rule", "instrument", "importer", "exporter", "product", "coverage", "weights"]
    if not parts:
        return pd.DataFrame({name: [] for name in columns}).astype({"rule": int, "coverage": float})
    return pd.concat(parts, ignore_index=True)[columns]
