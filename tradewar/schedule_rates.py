"""What measures amount to on given days: which rows are in force, and the rate they stack to.

Of the rows with one key (imposer, target, layer, scope) the latest word counts among those that
have begun and not ended: the one announced last, then the one that takes effect last, then a
temporary one before a permanent one.  When a temporary row ends, the row below it is back.

Within a layer the row with the most specific target speaks: a country before a group before WLD.
Where scopes of equal rank overlap, the higher rate counts and not the sum: coverage is filled up
to the whole product, the highest rate first.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tradewar.codes import GROUPS, suggest
from tradewar.errors import DataError
from tradewar.schedule_lists import Book, Universe
from tradewar.schedule_reading import WORLD, is_rated, tokens
from tradewar.stacking import Parts, Rate, Sectoral, family

__all__ = ["Engine", "in_force", "known_on", "rank"]

FAR = np.datetime64("9999-12-31", "s")
# Section 232 duties on one product claim its content in this order; the rest by name.
FIRST = ("s232_autos", "s232_auto_parts", "s232_trucks", "s232_wood", "s232_copper")


def known_on(table: pd.DataFrame) -> np.ndarray:
    """Give the day each row became known: announced or, where that is blank, effective."""
    return table["announced"].fillna(table["effective"]).to_numpy("datetime64[s]")


def in_force(table: pd.DataFrame, days: np.ndarray, branches: Sequence[str]) -> np.ndarray:
    """Mark the rows that set a rate on each day.

    Parameters
    ----------
    table : DataFrame
        From `read_measures`.
    days : datetime64[s] array, shape (D,)
    branches : sequence of str
        Branches that count.

    Returns
    -------
    bool array, shape (D, rows)
    """
    out = np.zeros((len(days), len(table)), dtype=bool)
    branch = table["branch"].to_numpy(dtype=object)
    counts = is_rated(table) & np.isin(branch.astype(str), ["", *branches])
    start = table["effective"].to_numpy("datetime64[s]")
    end = np.minimum(
        table["expires"].fillna(pd.Timestamp(FAR)).to_numpy("datetime64[s]"),
        table["ended"].fillna(pd.Timestamp(FAR)).to_numpy("datetime64[s]"),
    )
    temporary = table["expires"].notna().to_numpy()
    order = np.lexsort(
        (
            table["rate"].to_numpy(),
            -end.astype(np.int64),
            temporary,
            start,
            known_on(table),
            branch.astype(str) != "",
        )
    )
    keys: dict[Any, list[int]] = {}
    names = [table[name].to_numpy(dtype=object) for name in ("imposer", "target", "layer", "scope")]
    for row in order:
        if counts[row]:
            keys.setdefault(tuple(column[row] for column in names), []).append(int(row))
    for rows in keys.values():
        winner = np.full(len(days), -1)
        for row in rows:  # later words overwrite
            winner[(days >= start[row]) & (days < end[row])] = row
        some = np.flatnonzero(winner >= 0)
        out[some, winner[some]] = True
    return out


@functools.lru_cache(maxsize=4096)
def rank(target: str, exporter: str) -> int:
    """Say how specifically a target covers an exporter: 3 country, 2 group, 1 world, 0 not."""
    if target == exporter:
        return 3
    group = GROUPS.get(target)
    if group is None:
        group = next((g for g in GROUPS.values() if target in g.aggregates), None)
    if group is not None and exporter in group.members | group.aggregates:
        return 2
    return 1 if target == WORLD else 0


class _Row(NamedTuple):
    """A row on the lines of one importer."""

    name: str  # its key, for an order that does not depend on that of the rows
    floor: bool
    rate: Rate  # fraction; the floor where `floor`
    scope: Rate  # share of the line that the row speaks for
    pays: Rate  # share of that which is not exempt
    content: Rate  # covered-content share k


class _Piece(NamedTuple):
    """A row and the share of each line on which it counts."""

    row: _Row
    weight: Rate


# The rows of one layer with the rank of their targets, sorted; and those of several layers.
Found = tuple[tuple[int, int], ...]
Named = tuple[tuple[str, Found], ...]

_USED = ("target", "instrument", "scope", "exemptions", "rate", "rate_table", "content")


class Engine:
    """Rates of one importer's measures on a universe of products; remembers what it worked out.

    Parameters
    ----------
    table : DataFrame
        From `read_measures`.
    book : Book
    importer : str
    universe : Universe
    rule : callable
        A stacking rule of `tradewar.stacking`.
    """

    __slots__ = (
        "_columns",
        "_families",
        "_layers",
        "_memo",
        "_names",
        "_rates",
        "_rows",
        "_targets",
        "book",
        "importer",
        "rule",
        "table",
        "universe",
    )

    def __init__(
        self,
        table: pd.DataFrame,
        book: Book,
        importer: str,
        universe: Universe,
        rule: Callable[[Parts], Rate],
    ) -> None:
        self.table, self.book, self.importer = table, book, importer
        self.universe, self.rule = universe, rule
        self._rows: dict[int, _Row] = {}
        self._layers: dict[Found, tuple[_Piece, ...]] = {}
        self._memo: dict[Any, Any] = {}
        self._rates: dict[tuple[int, ...], np.ndarray] = {}
        self._targets = table["target"].to_list()
        self._names = table["layer"].to_list()
        self._families = {layer: family(layer) for layer in set(self._names)}
        self._columns = {name: table[name].to_list() for name in _USED}

    def rates(self, active: np.ndarray, exporters: Sequence[str]) -> list[list[np.ndarray]]:
        """Give the rate by product for each day and exporter.

        Parameters
        ----------
        active : bool array, shape (D, rows)
            From `in_force`.
        exporters : sequence of str

        Returns
        -------
        list of lists of float64 arrays, shape (M,), fraction; shared where equal: do not write
        """
        mine = (self.table["imposer"] == self.importer).to_numpy()
        rank_of = {t: [rank(t, e) for e in exporters] for t in set(self._targets)}
        covers = np.array([rank_of[t] for t in self._targets]).reshape(-1, len(exporters)) > 0
        covers &= mine[:, None]
        out: list[list[np.ndarray]] = []
        seen: dict[bytes, list[np.ndarray]] = {}
        for day in active:
            key = day.tobytes()
            if key not in seen:
                winners = np.flatnonzero(day & mine)
                some = covers[winners]
                seen[key] = [
                    self._rate(tuple(winners[some[:, e]].tolist()), exporter)
                    for e, exporter in enumerate(exporters)
                ]
            out.append(seen[key])
        return out

    def _rate(self, rows: tuple[int, ...], exporter: str) -> np.ndarray:
        """Stack the rows in force on one exporter, as a mean over the lines of each product."""
        ranks = tuple(rank(self._targets[k], exporter) for k in rows)
        signature = tuple(3 * k + r for k, r in zip(rows, ranks, strict=True))
        if signature not in self._rates:
            rate = np.asarray(self.rule(self.parts(rows, ranks)), dtype=np.float64)
            if rate.shape not in ((), (len(self.universe.lines),)):
                raise DataError(
                    f"the stacking rule gave an array of shape {rate.shape}; wanted is one rate "
                    f"for each of {len(self.universe.lines)} lines, or one number"
                )
            full = np.broadcast_to(rate, len(self.universe.lines))
            self._rates[signature] = self.universe.mean(full)
        return self._rates[signature]

    def parts(self, rows: Sequence[int], ranks: Sequence[int]) -> Parts:
        """Split the rows in force on one exporter into the parts that stacking rules see."""
        by_layer: dict[str, list[tuple[int, int]]] = {}
        for k, r in zip(rows, ranks, strict=True):
            by_layer.setdefault(self._names[k], []).append((r, k))
        by_family: dict[str, list[tuple[str, Found]]] = {}
        for layer in sorted(by_layer):
            found = tuple(sorted(by_layer[layer]))
            by_family.setdefault(self._families[layer], []).append((layer, found))
        bases = (*by_family.get("base", ()), *by_family.get("preference", ()))
        base = self._base(bases)
        layers = {
            layer: self._sum(found, base, bases) for layer, found in by_family.get("other", ())
        }
        reciprocal: Rate = 0.0
        for _, found in by_family.get("yielding", ()):
            reciprocal = reciprocal + self._sum(found, base, bases)
        duties = self._sectoral(tuple(by_family.get("sectoral", ())), base, bases)
        return Parts(base, layers, reciprocal, duties)

    def _base(self, found: Named) -> Rate:
        """Work out the duty after preferences."""
        key = ("base", found)
        if key not in self._memo:
            mfn: Rate = 0.0
            used: Rate = 0.0
            for layer, some in found:
                if self._families[layer] == "base":
                    mfn = mfn + _sum(self._layer(some), 0.0)
                else:
                    used = used + _sum(self._layer(some), 0.0)
            self._memo[key] = mfn * (1.0 - np.minimum(used, 1.0))
        result: Rate = self._memo[key]
        return result

    def _sum(self, found: Found, base: Rate, bases: Named) -> Rate:
        """Add up a layer; with a floor in it, it depends on the base."""
        pieces = self._layer(found)
        floors = any(piece.row.floor for piece in pieces)
        key = ("sum", found, bases if floors else ())
        if key not in self._memo:
            self._memo[key] = _sum(pieces, base)
        result: Rate = self._memo[key]
        return result

    def _sectoral(self, found: Named, base: Rate, bases: Named) -> tuple[Sectoral, ...]:
        """List Section 232 duties; they depend on the base where one is a floor."""
        pieces = {layer: self._layer(some) for layer, some in found}
        floors = any(piece.row.floor for some in pieces.values() for piece in some)
        key = ("sectoral", found, bases if floors else ())
        if key not in self._memo:
            self._memo[key] = _sectoral(pieces, base)
        result: tuple[Sectoral, ...] = self._memo[key]
        return result

    def _layer(self, found: Found) -> tuple[_Piece, ...]:
        """Weigh the rows of one layer: the most specific speaks, then the highest."""
        if found not in self._layers:
            pieces: list[_Piece] = []
            left: Rate = 1.0
            for level in sorted({r for r, _ in found}, reverse=True):
                rows = [self._row(k) for r, k in found if r == level]
                rows.sort(key=lambda row: row.name)
                some = _fill(rows, left)
                for piece in some:
                    left = left - piece.weight
                pieces += some
            self._layers[found] = tuple(pieces)
        return self._layers[found]

    def _row(self, k: int) -> _Row:
        """Put a row on the lines."""
        if k not in self._rows:
            record = {name: column[k] for name, column in self._columns.items()}
            where = f"row {self.table.index[k]} of the schedule"
            rate: Rate = float(record["rate"])
            if record["rate_table"]:
                rate = self.book.expand(record["rate_table"], self.universe, None)
            content: Rate = 1.0
            if record["content"] in self.book.lists:
                content = self.book.expand(record["content"], self.universe, 0.0)
            elif record["content"]:
                content = float(record["content"])
            self._rows[k] = _Row(
                f"{record['target']} {record['scope']}",
                record["instrument"] == "floor",
                rate,
                self._cover(record["scope"], where),
                1.0 - self._cover(record["exemptions"], where),
                content,
            )
        return self._rows[k]

    def _cover(self, text: str, where: str) -> Rate:
        """Give the share of each line that a scope covers; 1.0 for "all", 0.0 for nothing."""
        words = tokens(text)
        if words == ("all",):
            return 1.0
        if not words:
            return 0.0
        plain = tuple(word for word in words if word not in self.book.lists)
        share: Rate = 0.0
        if plain:
            lost = [w for w in plain if not w.isdigit()]
            known = set(self.universe.products.tolist()) if lost else set()
            for word in lost:
                if word not in known:
                    options = [*self.book.lists, *sorted(known)[:2000]]
                    raise DataError(
                        f"{where}: {word!r} is neither a list of the schedule nor a product asked "
                        f"for{suggest(word, options)}"
                    )
            share = self.book.prefixes(plain, self.universe, where)
        for word in words:
            if word in self.book.lists:
                share = np.maximum(share, self.book.expand(word, self.universe, 0.0))
        return share


def _fill(rows: Sequence[_Row], left: Rate) -> list[_Piece]:
    """Fill what is left of each line with rows of one rank, the highest rate first."""
    if len(rows) == 1:
        return [_Piece(rows[0], np.minimum(rows[0].scope, left))]
    if all(np.ndim(row.rate) == 0 for row in rows):
        pieces = []
        order = sorted(range(len(rows)), key=lambda k: -float(np.asarray(rows[k].rate)))
        for k in order:
            weight = np.minimum(rows[k].scope, left)
            pieces.append(_Piece(rows[k], weight))
            left = left - weight
        return pieces
    shape = np.broadcast_shapes(*(np.shape(row.rate) for row in rows))
    rate = np.array([np.broadcast_to(row.rate, shape) for row in rows])
    scope = np.array([np.broadcast_to(row.scope, shape) for row in rows])
    order_of = np.argsort(-rate, axis=0, kind="stable")
    ranked = np.take_along_axis(scope, order_of, axis=0)
    total = np.minimum(np.cumsum(ranked, axis=0), left)
    weight = np.empty_like(total)
    np.put_along_axis(weight, order_of, np.diff(total, axis=0, prepend=0.0), axis=0)
    return [_Piece(row, w) for row, w in zip(rows, weight, strict=True)]


def _duty(row: _Row, base: Rate) -> Rate:
    """Give the duty of a row: its rate, or what lifts the base to its floor."""
    return np.maximum(0.0, row.rate - base) if row.floor else row.rate


def _sum(pieces: Sequence[_Piece], base: Rate) -> Rate:
    total: Rate = 0.0
    for row, weight in pieces:
        total = total + weight * row.pays * _duty(row, base)
    return total


def _sectoral(pieces: dict[str, tuple[_Piece, ...]], base: Rate) -> tuple[Sectoral, ...]:
    """List Section 232 duties; together they claim at most the whole content."""
    names = [layer for layer in pieces if family(layer) == "sectoral"]
    names.sort(key=lambda layer: (FIRST.index(layer) if layer in FIRST else len(FIRST), layer))
    out: list[Sectoral] = []
    left: Rate = 1.0
    for layer in names:
        for row, weight in pieces[layer]:
            covered = weight * row.pays
            content = np.minimum(covered * row.content, left)
            left = left - content
            out.append(Sectoral(layer, _duty(row, base), covered, content))
    return tuple(out)
