"""Tables made from a schedule: averages, parts of a stack, what began and ended, new rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tradewar.codes import GROUPS
from tradewar.data import TradeData
from tradewar.errors import DataError, first_five
from tradewar.schedule_lists import Book
from tradewar.schedule_rates import Engine, in_force, rank
from tradewar.schedule_reading import WORLD, as_day, is_rated, tokens
from tradewar.stacking import get_rule

if TYPE_CHECKING:
    from tradewar.schedule import Schedule

__all__ = ["between", "days_of", "effective", "own_products", "own_targets", "parts", "timeline"]


# ---- what a schedule covers by itself ---------------------------------------------------------


def own_products(table: pd.DataFrame, book: Book) -> list[str]:
    """List the HS6 products of the lines, or the codes and labels that scopes name."""
    if book.lines:
        return sorted({line[:6] for lines in book.lines.values() for line in lines.tolist()})
    found: set[str] = set()
    for text in table["scope"][is_rated(table)]:
        for word in tokens(text):
            if word in book.lists:
                found |= set(book.lists[word].codes.tolist())
            elif word != "all":
                found.add(word)
    for item in book.lists.values():
        if item.kind == "rate":
            found |= set(item.codes.tolist())
    return sorted(found)


def own_targets(table: pd.DataFrame) -> list[str]:
    """List the countries among the targets."""
    named = set(table["target"][is_rated(table)])
    return sorted(t for t in named if t != WORLD and t not in GROUPS)


# ---- averages ---------------------------------------------------------------------------------


def days_of(on: Any, what: str = "on") -> np.ndarray:
    """Read one date or several; shape (D,)."""
    several = isinstance(on, list | tuple | np.ndarray | pd.Index | pd.Series)
    given = list(on) if several else [on]
    if not given:
        raise DataError(f"{what}= is empty: give a date or a list of dates")
    return np.array([as_day(day, what) for day in given], dtype="datetime64[s]")


def flows_of(weights: Any, imposers: Sequence[str], what: str) -> list[tuple[str, np.ndarray]]:
    """Split flows by importer with measures: (importer, positions), without home sales."""
    if not isinstance(weights, TradeData):
        raise DataError(f"{what} is a {type(weights).__name__}: give a TradeData")
    names = list(weights.countries)
    out = []
    for imposer in imposers:
        if imposer in names:
            code = names.index(imposer)
            rows = np.flatnonzero((weights._importer == code) & (weights._exporter != code))
            if rows.size:
                out.append((imposer, rows))
    if not out:
        raise DataError(
            f"{what}: none of its flows has an importer with measures ({first_five(imposers)}); "
            f"its importers are {first_five(sorted({names[k] for k in set(weights._importer)}))}"
        )
    return out


def flow_rates(
    schedule: Schedule,
    data: TradeData,
    imposer: str,
    rows: np.ndarray,
    days: np.ndarray,
    rule: Any,
    goods: Sequence[str] | None = None,
) -> np.ndarray:
    """Give the rate of each flow on each day, shape (D, flows)."""
    names = list(data.countries)
    sellers, at = np.unique(data._exporter[rows], return_inverse=True)
    exporters = [names[k] for k in sellers.tolist()]
    universe = data.products.tolist() if goods is None else list(goods)
    product = data._product[rows]
    arrays = schedule._array(imposer, exporters, universe, days, rule)
    out = np.empty((len(days), len(rows)))
    groups = [np.flatnonzero(at == k) for k in range(len(exporters))]
    done: dict[tuple[int, ...], int] = {}
    for d, by_exporter in enumerate(arrays):
        key = tuple(id(rates) for rates in by_exporter)
        if key in done:
            out[d] = out[done[key]]
            continue
        done[key] = d
        for rates, some in zip(by_exporter, groups, strict=True):
            out[d, some] = rates[product[some]]
    return out


def effective(schedule: Schedule, weights: Any, on: Any, rule: Any, by: str) -> pd.DataFrame:
    """Average rates with trade as weights; see `Schedule.effective`."""
    if by not in ("exporter", "importer", "product"):
        raise DataError(f"by={by!r}: give 'exporter', 'importer' or 'product'")
    days = days_of(on)
    pieces = []
    for imposer, rows in flows_of(weights, schedule.imposers, "weights"):
        rates = flow_rates(schedule, weights, imposer, rows, days, rule)
        value = weights._value[rows]
        if not value.sum() > 0:
            raise DataError(f"weights: the imports of {imposer} are worth nothing")
        labels: list[str] = [imposer]
        group = np.zeros(len(rows), dtype=np.intp)
        if by != "importer":
            codes = weights._exporter[rows] if by == "exporter" else weights._product[rows]
            names = list(weights.countries if by == "exporter" else weights.products)
            used, group = np.unique(codes, return_inverse=True)
            labels = [names[k] for k in used.tolist()]
        total = np.bincount(group, weights=value, minlength=len(labels))
        duty = np.array(
            [np.bincount(group, weights=value * r, minlength=len(labels)) for r in rates]
        )
        with np.errstate(invalid="ignore"):
            mean = duty / total
        piece = pd.DataFrame(
            {
                "date": np.repeat(days, len(labels)),
                "importer": pd.Series([imposer] * (len(days) * len(labels)), dtype=str),
                by: pd.Series(labels * len(days), dtype=str),
                "value": np.tile(total, len(days)),
                "tariff": mean.ravel(),
            }
        )
        pieces.append(piece[piece["value"] > 0])
    frame = pd.concat(pieces, ignore_index=True)
    frame = frame.sort_values("date", kind="stable", ignore_index=True)
    frame.attrs = {
        "unit": {"value": weights.value_unit, "tariff": "fraction"},
        "rule": get_rule(rule)[0],
        "weights": f"{weights.year or ''} {weights.source}".strip(),
    }
    return frame


def parts(
    schedule: Schedule, day: np.datetime64, imposer: str, exporter: str, goods: Sequence[str]
) -> pd.DataFrame:
    """Take a stack apart; see `Schedule.parts`."""
    table, book = schedule._table, schedule._book
    universe = book.universe(imposer, goods)
    engine = Engine(table, book, imposer, universe, get_rule("exclusive")[1])
    mine = in_force(table, np.array([day]), schedule.branches)[0]
    mine &= (table["imposer"] == imposer).to_numpy()
    ranks = [rank(target, exporter) for target in table["target"]]
    rows = [int(k) for k in np.flatnonzero(mine) if ranks[k]]
    found = engine.parts(rows, [ranks[k] for k in rows])
    full = len(universe.lines)

    def mean(x: Any) -> np.ndarray:
        return universe.mean(np.broadcast_to(np.asarray(x, dtype=np.float64), full))

    columns: dict[str, Any] = {"product": pd.Series(list(goods), dtype=str)}
    columns["base"] = mean(found.base)
    columns |= {layer: mean(found.layers[layer]) for layer in sorted(found.layers)}
    columns["reciprocal"] = mean(found.reciprocal)
    for layer in dict.fromkeys(duty.layer for duty in found.sectoral):
        some = [duty for duty in found.sectoral if duty.layer == layer]
        content = sum((duty.content for duty in some), start=np.zeros(full))
        paid = sum((duty.content * duty.rate for duty in some), start=np.zeros(full))
        columns[layer] = mean(np.divide(paid, content, out=np.zeros(full), where=content > 0))
        columns[f"{layer}_content"] = mean(content)
    frame = pd.DataFrame(columns)
    frame.attrs["unit"] = dict.fromkeys(columns.keys() - {"product"}, "fraction")
    return frame


# ---- the calendar -----------------------------------------------------------------------------


def between(table: pd.DataFrame, first: np.datetime64, last: np.datetime64) -> pd.DataFrame:
    """List beginnings and ends after `first` and up to `last`."""
    pieces = []
    for event, column in (("expires", "expires"), ("ended", "ended"), ("begins", "effective")):
        day = table[column].to_numpy("datetime64[s]")
        inside = (day > first) & (day <= last)
        piece = table[inside].copy()
        piece.insert(0, "event", event)
        piece.insert(0, "date", day[inside])
        pieces.append(piece)
    frame = pd.concat(pieces, ignore_index=True)
    frame = frame.sort_values(["date", "imposer", "target", "layer"], kind="stable")
    frame = frame.reset_index(drop=True)
    frame["event"] = frame["event"].astype(str)
    frame.attrs["unit"] = {"rate": "fraction"}
    return frame


def timeline(schedule: Schedule, weights: Any, start: Any, end: Any, rule: Any) -> pd.DataFrame:
    """List the days on which rates change, and average rates; see `Schedule.timeline`."""
    table = schedule._table
    rated = table[is_rated(table) & table["branch"].isin(["", *schedule.branches])]
    low = as_day("1900-01-01", "start") if start is None else as_day(start, "start")
    high = as_day("9999-01-01", "end") if end is None else as_day(end, "end")
    events = between(rated, low - np.timedelta64(1, "D"), high)
    pairs: list[tuple[str, str]] = []
    if weights is None:
        pairs = [(i, t) for i in schedule.imposers for t in schedule.targets if t != i]
    else:
        names = list(weights.countries)
        for imposer, rows in flows_of(weights, schedule.imposers, "weights"):
            pairs += [(imposer, names[k]) for k in np.unique(weights._exporter[rows])]
    rank_of = {
        (target, exporter): rank(target, exporter)
        for target in set(events["target"])
        for _, exporter in pairs
    }
    records = []
    for day, today in events.groupby("date"):
        for imposer, exporter in pairs:
            covers = [
                rank_of[target, exporter] > 0 and who == imposer
                for who, target in zip(today["imposer"], today["target"], strict=True)
            ]
            mine = today[covers]
            if len(mine):
                words = [
                    (text or layer) + ("" if event == "begins" else f" {event}")
                    for text, layer, event in zip(
                        mine["authority"], mine["layer"], mine["event"], strict=True
                    )
                ]
                records.append((day, imposer, exporter, "; ".join(dict.fromkeys(words))))
    frame = pd.DataFrame(records, columns=["date", "importer", "exporter", "event"])
    frame["date"] = frame["date"].astype("datetime64[s]")
    if weights is None or not len(frame):
        return frame
    days = np.unique(frame["date"].to_numpy("datetime64[s]"))
    before = np.concatenate([[days[0] - np.timedelta64(1, "D")], days])
    average = effective(schedule, weights, list(before), rule, "exporter")
    wide = average.pivot(index="date", columns=["importer", "exporter"], values="tariff")
    steps = wide.diff()
    keys = list(zip(frame["date"], frame["importer"], frame["exporter"], strict=True))
    frame["tariff"] = [wide.loc[day, (i, e)] for day, i, e in keys]
    frame["tariff_change"] = [steps.loc[day, (i, e)] for day, i, e in keys]
    frame.attrs = {
        "unit": dict.fromkeys(("tariff", "tariff_change"), "fraction"),
        "rule": average.attrs["rule"],
        "weights": average.attrs["weights"],
    }
    return frame
