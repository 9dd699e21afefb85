"""From a schedule into models: duties of a day on the flows of a data set, and the ladder."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from tradewar.codes import GROUPS
from tradewar.data import TradeData
from tradewar.errors import DataError, DataWarning, first_five
from tradewar.frames import Keys
from tradewar.rate_table import RateTable
from tradewar.scenario import Scenario
from tradewar.schedule_reading import as_day
from tradewar.schedule_tables import flow_rates, flows_of
from tradewar.selectors import check_selector, country_mask
from tradewar.stacking import Parts, Rate, get_rule

if TYPE_CHECKING:
    from tradewar.schedule import Schedule

__all__ = ["ScheduleModels"]

Rule = str | Callable[[Parts], Rate]
NOISE = 1e-12  # fraction; a change of a mean below this is rounding


class ScheduleModels:
    """The part of `Schedule` that leads into models."""

    __slots__ = ()

    def to_scenario(
        self,
        *,
        on: Any,
        base: Any,
        rule: Rule = "exclusive",
        method: str = "change",
        base_date: Any = None,
        importer: Any = "*",
        exporter: Any = "*",
        products: Any = None,
        weights: Any = None,
        name: str | None = None,
    ) -> Scenario:
        """Set the import duties of a data set to those of a day; for both engines.

        Parameters
        ----------
        on : date
        base : TradeData or World
            Its rates are where the scenario starts; the result names its flows.
        rule : as in `rates`
        method : {"change", "level"}, default "change"
            "change": the data set's own rate (collected, as a rule) plus the change of the
            statutory stack from `base_date` to `on`, not below zero.  "level": the statutory
            stack itself.
        base_date : date, year or None
            Day the base rates stood on; a year takes the mean over its days.  Default:
            ``base.tariff_date``.
        importer, exporter : selector, default "*"
            Flows to set.
        products : Series or mapping, optional
            Schedule product -> product of `base`, where these are sectors: a label, a tuple where
            it counts in several, None to leave it out; rates are averaged with `weights`.  For the
            sectors of ICIO see `tradewar.schedules.sectors_of`.
        weights : TradeData or sequence of them, optional
            Trade by schedule product for that average; one for each importer where they come from
            different tables.
        name : str, optional

        Returns
        -------
        Scenario
            One rule, a table of rates.

        Raises
        ------
        DataError
            No base date is known, no flow has an importer with measures, or a product is in no
            list.
        """
        return _to_scenario(
            cast(Any, self),
            as_day(on, "on"),
            base,
            rule=rule,
            method=method,
            base_date=base_date,
            importer=importer,
            exporter=exporter,
            products=products,
            weights=weights,
            name=name,
        )

    def ladder(
        self,
        base: Any,
        *,
        on: Any,
        new: Any,
        rule: Rule = "exclusive",
        base_date: Any = None,
        by: str = "importer",
    ) -> pd.DataFrame:
        """Step from the statute to the rate paid: three averages that are never mixed.

        Parameters
        ----------
        base : TradeData
            Base flows with collected rates.
        on : date
        new : TradeData or result of `solve_pe`
            Flows after trade has moved: the weights of the last step.
        rule : as in `rates`
        base_date : as in `to_scenario`
        by : {"importer", "exporter"}, default "importer"

        Returns
        -------
        DataFrame
            importer (and exporter), value and value_new, wedge (1 - collected / statutory at the
            base date), statutory_base and collected_base (at the base date), statutory (on `on`,
            base weights), collected (statutory times 1 - wedge of the exporter, base weights),
            collected_new (the same rates at new weights); rates and wedge are fractions.

        Notes
        -----
        The wedge holds exemptions, preferences not in the schedule, and evasion.  It is
        carried over from the base date unchanged, which is an assumption.
        """
        return _ladder(cast(Any, self), base, as_day(on, "on"), new, rule, base_date, by)


def _base_days(base_date: Any, data: TradeData) -> tuple[np.ndarray, np.ndarray]:
    """Give the days that stand for the base date, and the weight of each."""
    given = data.tariff_date if base_date is None else base_date
    if given in (None, ""):
        raise DataError(
            "the day of the base rates is not known: base has no tariff_date; give base_date=, "
            'a day or a year, or method="level" for the statutory rates themselves'
        )
    text = str(given)
    if isinstance(given, int | str) and len(text) == 4 and text.isdigit():
        first = np.datetime64(f"{text}-01-01", "D")
        days = np.arange(first, np.datetime64(f"{int(text) + 1}-01-01", "D"))
        return days.astype("datetime64[s]"), np.full(len(days), 1.0 / len(days))
    return np.array([as_day(given, "base_date")]), np.ones(1)


def _mean_rates(
    schedule: Schedule,
    data: TradeData,
    imposer: str,
    rows: np.ndarray,
    when: tuple[np.ndarray, np.ndarray],
    rule: Rule,
) -> np.ndarray:
    """Average the rates of flows over days; equal spells are worked out once."""
    days, share = _spells(schedule, when)
    return share @ flow_rates(schedule, data, imposer, rows, days, rule)


def _spells(
    schedule: Schedule, when: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Merge days between which no measure begins or ends: first days, and their weights."""
    days, weight = when
    table = schedule._table
    edges = pd.concat([table[name].dropna() for name in ("effective", "expires", "ended")])
    cut = np.unique(np.searchsorted(days, edges.to_numpy("datetime64[s]")))
    starts = np.unique(np.concatenate([[0], cut[cut < len(days)]]))
    return days[starts], np.add.reduceat(weight, starts)


def _to_scenario(
    schedule: Schedule,
    day: np.datetime64,
    base: Any,
    *,
    rule: Rule,
    method: str,
    base_date: Any,
    importer: Any,
    exporter: Any,
    products: Any,
    weights: Any,
    name: str | None,
) -> Scenario:
    if method not in ("change", "level"):
        raise DataError(f"method={method!r}: give 'change' or 'level'")
    data = getattr(base, "_data", base)  # a World wraps the flows it was made from
    if not isinstance(data, TradeData):
        raise DataError(f"base is a {type(base).__name__}: give a TradeData or a World")
    labels = list(data.countries)
    imposers = [i for i in schedule._importers(importer) if i in labels]
    buys = np.zeros(len(labels), dtype=bool)
    buys[[labels.index(i) for i in imposers]] = True
    sells = country_mask(
        check_selector(exporter, "exporter", DataError), labels, "exporter", DataError
    )
    when = None if method == "level" else _base_days(base_date, data)
    keys: list[np.ndarray] = []
    rates: list[np.ndarray] = []
    lowered = 0
    for imposer, every in flows_of(data, imposers, "base"):
        rows = every[sells[data._exporter[every]]]
        if not rows.size:
            continue
        if products is None:
            _check_products(schedule, data, imposer)
            new = flow_rates(schedule, data, imposer, rows, np.array([day]), rule)[0]
            old = None if when is None else _mean_rates(schedule, data, imposer, rows, when, rule)
        else:
            new, old = _by_sector(schedule, data, imposer, rows, day, when, rule, products, weights)
        if old is not None:
            change = new - old
            change[np.abs(change) < NOISE] = 0.0
            new = data._tariff[rows] + change
            lowered += int((new < 0).sum())
            new = np.maximum(new, 0.0)
        keys.append(rows)
        rates.append(new)
    if not keys:
        raise DataError(f"base has no flow of importer={importer!r} from exporter={exporter!r}")
    if lowered:
        warnings.warn(
            f"{lowered} flows would fall below zero: the statutory stack falls by more than the "
            "rate collected at the base date; they are set to zero",
            DataWarning,
            stacklevel=3,
        )
    at = np.concatenate(keys)
    table = RateTable(
        (
            Keys(data._importer[at], labels),
            Keys(data._exporter[at], labels),
            Keys(data._product[at], data.products.tolist()),
        ),
        np.concatenate(rates),
    )
    called = name or f"{schedule.name}, {str(day)[:10]}"
    what = "statutory duties" if method == "level" else "base duties plus the statutory change"
    known = f", as known on {schedule.date}" if schedule.date else ""
    inside = f", branch {', '.join(schedule.branches)}" if schedule.branches else ""
    note = (
        f"{schedule.name}: {what} of {str(day)[:10]}{known}{inside}; stacking rule "
        f"{get_rule(rule)[0]!r}."
    )
    return Scenario(called, note=note, date=str(day)[:10]).tariff_table(table)


def _check_products(schedule: Schedule, data: TradeData, imposer: str) -> None:
    """Refuse sectors where the schedule's duties are by HS code."""
    known = set(schedule._goods(None, imposer)) if schedule._book.lines else set(schedule.products)
    if known and not known & set(data.products):
        raise DataError(
            f"none of the {len(data.products)} products of base ({first_five(list(data.products))})"
            f" is a product of the schedule ({first_five(sorted(known))}): give "
            "products=, schedule product -> product of base, and weights= for the averages"
        )


def _by_sector(
    schedule: Schedule,
    data: TradeData,
    imposer: str,
    rows: np.ndarray,
    day: np.datetime64,
    when: tuple[np.ndarray, np.ndarray] | None,
    rule: Rule,
    products: Any,
    weights: Any,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Average rates by product over the products of each sector, with trade as weights.

    Weights of each importer come from the first table that holds its imports.  Exporters without
    trade in `weights` take the weights of the aggregate they belong to, then those of all
    exporters together.
    """
    if not isinstance(products, Mapping | pd.Series):
        raise DataError("products=: give a Series or mapping, schedule product -> product of base")
    several = list(weights) if isinstance(weights, list | tuple) else [weights]
    if not several or any(not isinstance(w, TradeData) for w in several):
        raise DataError("products= needs weights=, a TradeData by schedule product, or several")
    having = [w for w in several if imposer in w.countries and _buys(w, imposer)]
    if not having:
        raise DataError(
            f"weights= holds no imports of {imposer}: add a TradeData that does, or leave "
            f"{imposer} out with importer="
        )
    weights = having[0]
    to_sector = dict(products.items())
    lost = [p for p in weights.products if p not in to_sector]
    if lost:
        raise DataError(
            f"products= has no entry for {len(lost)} products of weights ({first_five(lost)})"
        )
    [(_, trade)] = flows_of(weights, [imposer], "weights")
    place = {label: k for k, label in enumerate(data.products.tolist())}
    member = _members([to_sector[p] for p in weights.products], place, "products=")
    weigh = np.zeros((len(weights.countries), len(weights.products)))
    np.add.at(weigh, (weights._exporter[trade], weights._product[trade]), weights._value[trade])
    everyone = weigh.sum(axis=0)
    names = {label: k for k, label in enumerate(weights.countries)}
    new, old = np.zeros(len(rows)), np.zeros(len(rows))
    goods = weights.products.tolist()
    codes = data._product[rows]
    sellers = np.unique(data._exporter[rows]).tolist()
    exporters = [data.countries[code] for code in sellers]
    days, share = np.array([day]), np.zeros(0)
    if when is not None:
        before, share = _spells(schedule, when)
        days = np.concatenate([days, before])
    arrays = schedule._array(imposer, exporters, goods, days, rule)
    for place_of, (code, label) in enumerate(zip(sellers, exporters, strict=True)):
        some = np.flatnonzero(data._exporter[rows] == code)
        stand = [label, *(a for g in GROUPS.values() if label in g.members for a in g.aggregates)]
        tries = [weigh[names[x]] for x in stand if x in names] + [everyone]
        later, earlier = arrays[0][place_of], None
        if when is not None:
            earlier = share @ np.array([by_exporter[place_of] for by_exporter in arrays[1:]])
        for k in some.tolist():
            inside = member[codes[k]]
            mass = next((w[inside] for w in tries if w[inside].sum() > 0), None)
            if mass is None:  # no import of the sector anywhere: nothing changes there
                new[k] = old[k] = 0.0 if when is not None else data._tariff[rows[k]]
                continue
            mass = mass / mass.sum()
            new[k] = mass @ later[inside]
            if earlier is not None:
                old[k] = mass @ earlier[inside]
    return new, (None if when is None else old)


def _members(given: Sequence[Any], place: dict[str, int], what: str) -> np.ndarray:
    """Mark which schedule products lie in each product of base; shape (base, schedule)."""
    out = np.zeros((len(place), len(given)), dtype=bool)
    lost: dict[str, int] = {}
    for k, labels in enumerate(given):
        for label in (labels,) if isinstance(labels, str) else (labels or ()):
            if label in place:
                out[place[label], k] = True
            else:
                lost[label] = lost.get(label, 0) + 1
    if lost:
        named = first_five([f"{label!r} ({n} products)" for label, n in lost.items()])
        raise DataError(
            f"{what} maps to {named}, which base does not have; its products are "
            f"{first_five(list(place))}; map to those, to a tuple of them, or to None to leave a "
            "product out"
        )
    return out


def _buys(data: TradeData, importer: str) -> bool:
    """Tell whether a country imports from another in these data."""
    code = list(data.countries).index(importer)
    return bool(((data._importer == code) & (data._exporter != code)).any())


def _ladder(
    schedule: Schedule,
    base: Any,
    day: np.datetime64,
    new: Any,
    rule: Rule,
    base_date: Any,
    by: str,
) -> pd.DataFrame:
    if by not in ("importer", "exporter"):
        raise DataError(f"by={by!r}: give 'importer' or 'exporter'")
    if not isinstance(base, TradeData):
        raise DataError(f"base is a {type(base).__name__}: give a TradeData")
    after = new if isinstance(new, TradeData) else base.rebase(new)
    when = _base_days(base_date, base)
    records = []
    for imposer, rows in flows_of(base, schedule.imposers, "base"):
        stat0 = _mean_rates(schedule, base, imposer, rows, when, rule)
        stat1 = flow_rates(schedule, base, imposer, rows, np.array([day]), rule)[0]
        value, paid = base._value[rows], base._tariff[rows]
        worth = _values_at(after, base, rows)
        seller = base._exporter[rows]
        n = len(base.countries)

        def total(x: np.ndarray, seller: np.ndarray = seller, n: int = n) -> np.ndarray:
            return np.bincount(seller, weights=x, minlength=n)

        due, got = total(value * stat0), total(value * paid)
        with np.errstate(invalid="ignore", divide="ignore"):
            wedge = np.where(due > 0, 1.0 - got / due, 0.0)
        sums = {
            "value": total(value),
            "value_new": total(worth),
            "due_base": due,
            "statutory": total(value * stat1),
            "collected": (1.0 - wedge) * total(value * stat1),
            "collected_new": (1.0 - wedge) * total(worth * stat1),
            "paid": got,
        }
        groups: Sequence[tuple[Any, Any]] = [(None, slice(None))]
        if by == "exporter":
            groups = [(base.countries[k], k) for k in np.flatnonzero(sums["value"]).tolist()]
        for label, some in groups:
            s = {key: float(np.sum(x[some])) for key, x in sums.items()}
            record: dict[str, Any] = {"importer": imposer}
            if label is not None:
                record["exporter"] = label
            records.append(
                record
                | {
                    "value": s["value"],
                    "value_new": s["value_new"],
                    "wedge": 1.0 - s["paid"] / s["due_base"] if s["due_base"] > 0 else np.nan,
                    "statutory_base": s["due_base"] / s["value"],
                    "collected_base": s["paid"] / s["value"],
                    "statutory": s["statutory"] / s["value"],
                    "collected": s["collected"] / s["value"],
                    "collected_new": (
                        s["collected_new"] / s["value_new"] if s["value_new"] > 0 else np.nan
                    ),
                }
            )
    frame = pd.DataFrame(records)
    for name in {"importer", "exporter"} & set(frame):
        frame[name] = frame[name].astype(str)
    rates = ("statutory_base", "collected_base", "statutory", "collected", "collected_new")
    money = dict.fromkeys(("value", "value_new"), base.value_unit)
    frame.attrs = {
        "unit": {**money, **dict.fromkeys((*rates, "wedge"), "fraction")},
        "rule": get_rule(rule)[0],
    }
    return frame


def _values_at(after: TradeData, base: TradeData, rows: np.ndarray) -> np.ndarray:
    """Find the new value of base flows; every flow with value after must be one of them."""
    table = RateTable(
        (
            Keys(base._importer[rows], list(base.countries)),
            Keys(base._exporter[rows], list(base.countries)),
            Keys(base._product[rows], base.products.tolist()),
        ),
        np.arange(len(rows), dtype=np.float64),
    )
    flows, found = table.find(
        list(after.countries),
        after.products.tolist(),
        (after._importer, after._exporter, after._product),
    )
    importers = set(base._importer[rows].tolist())
    labels = {base.countries[k] for k in importers}
    mine = np.isin(after._importer, [k for k, c in enumerate(after.countries) if c in labels])
    mine &= after._importer != after._exporter
    extra = np.setdiff1d(np.flatnonzero(mine & (after._value > 0)), flows)
    if extra.size:
        named = first_five([after._flow_name(int(k)) for k in extra[:6]])
        raise DataError(
            f"new: {extra.size} flows are not in base ({named}): their duty would be left out of "
            "the average; give flows on the same keys"
        )
    out = np.zeros(len(rows))
    out[table.rate[found].astype(np.intp)] = after._value[flows]
    return out
