"""Payoffs: a game of two players, one cell for each pair of strategies, and what it says.

The matrices are enough: nothing is solved here.  `tradewar.game` fills them from an economy.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar import normal_form
from tradewar._display import Card, divisor_of, money_scale
from tradewar.codes import suggest
from tradewar.errors import DataError, ScenarioError
from tradewar.scenario import Scenario
from tradewar.self_enforcing import SelfEnforcement, numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CANNOT_PRICE", "Payoffs"]

Floats = NDArray[np.float64]

ROUNDING = 1e-12  # of the range of payoffs: closer ones are equal
SOLVED = 1e-9  # fraction of welfare: what a solve leaves open
PURE = 1e-9  # a probability this close to 1 is a pure strategy
CANNOT_PRICE = (
    "Not priced, because no trade model can: national security, Taiwan, credibility and reputation "
    "in other talks, uncertainty, and what happens before the new equilibrium is reached."
)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Payoffs:
    """Payoffs of two players for every pair of strategies; made by `payoffs`, immutable, pickles.

    Parameters
    ----------
    players : tuple of two str
        Who chooses rows, who columns.
    strategies : two tuples of str
    payoff : float array, shape (variants, 2, rows, columns)
        Change in welfare as a fraction, or what `from_matrices` was given.  The first variant is
        the base; equilibria are those of the base.
    variants : tuple of str
    money : float array, shape (variants, 2), or None
        What a fraction of welfare is worth, in `value_unit`; None for bare matrices.
    value_unit : str
    scenarios : tuple of Scenario
        Both sides' measures composed, one for each cell, row by row.
    welfare_all : DataFrame or None
        Change in welfare of all countries in the base, a fraction; see `welfare`.
    basis : str
        Data, closure and elasticities, for the card.
    info : dict
    """

    players: tuple[str, str]
    strategies: tuple[tuple[str, ...], tuple[str, ...]]
    payoff: Floats
    variants: tuple[str, ...] = ("base",)
    money: Floats | None = None
    value_unit: str = ""
    scenarios: tuple[Scenario, ...] = ()
    welfare_all: pd.DataFrame | None = None
    basis: str = "given matrices"
    info: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_matrices(
        cls,
        row: Any,
        column: Any,
        *,
        players: Sequence[str] = ("row", "column"),
        rows: Sequence[str] | None = None,
        columns: Sequence[str] | None = None,
    ) -> Payoffs:
        """Make a game of two payoff matrices.

        Parameters
        ----------
        row, column : array_like or DataFrame, shape (rows, columns)
            Payoffs of the player who chooses rows, and of the one who chooses columns.
        players : two str
        rows, columns : sequence of str, optional
            Names of strategies; by default those of a DataFrame, else 1, 2, ...

        Raises
        ------
        DataError
            Shapes differ, a payoff is not finite, or names are not distinct.

        Examples
        --------
        >>> from tradewar.payoff_table import Payoffs
        >>> names = ["silent", "confess"]
        >>> game = Payoffs.from_matrices(
        ...     [[-1, -3], [0, -2]], [[-1, 0], [-3, -2]], rows=names, columns=names
        ... )
        >>> game.equilibria()[["row", "column", "strict"]]
               row   column  strict
        0  confess  confess    True
        """
        labels: list[Any] = [None, None]
        if isinstance(row, pd.DataFrame):
            labels = [row.index, row.columns]
        a, b = (np.array(m, dtype=np.float64) for m in (row, column))
        if a.ndim != 2 or a.shape != b.shape or not a.size:
            raise DataError(
                f"payoffs have shapes {a.shape} and {b.shape}: both need one row for each strategy "
                "of the first player and one column for each of the second"
            )
        for name, m in zip(players, (a, b), strict=True):
            if not np.isfinite(m).all():
                where = np.argwhere(~np.isfinite(m))[0].tolist()
                raise DataError(f"payoff of {name} in cell {where} is {m[tuple(where)]}")
        names = []
        for given, own, size in zip((rows, columns), labels, a.shape, strict=True):
            listed: Any = given if given is not None else own
            listed = range(1, size + 1) if listed is None else listed
            names.append(tuple(str(name) for name in listed))
            if len(names[-1]) != size or len(set(names[-1])) != size:
                raise DataError(f"strategies {names[-1]}: {size} distinct names are wanted")
        two = (str(players[0]), str(players[1]))
        return cls(two, (names[0], names[1]), np.stack([a, b])[None])

    # ---- Tables ----------------------------------------------------------------------------

    @property
    def _tie(self) -> float:
        span = ROUNDING * float(np.ptp(self.payoff))
        return span if self.money is None else max(span, SOLVED)

    def _matrices(self, variant: int = 0) -> tuple[Floats, Floats]:
        return self.payoff[variant, 0], self.payoff[variant, 1]

    def _in_unit(self, unit: str | None) -> tuple[Floats, str]:
        """Give payoffs of all variants in a unit, and its name."""
        if self.money is None:
            if unit is not None:
                raise DataError(f"unit={unit!r}: payoffs of bare matrices have no unit")
            return self.payoff, "payoff"
        if unit in ("percent", "%"):
            return 100.0 * self.payoff, "percent"
        amounts = self.payoff * self.money[:, :, None, None]
        if unit is None:
            scale = money_scale(self.value_unit, float(np.abs(amounts).max()))
            return amounts / scale.divisor, scale.unit
        divisor = divisor_of(self.value_unit, unit)
        if divisor is None:
            raise DataError(
                f'unit={unit!r}: give "percent", or money such as "USD bn"; values are in '
                f"{self.value_unit}"
            )
        return amounts / divisor, unit

    def table(self, unit: str | None = None) -> pd.DataFrame:
        """Give both players' payoffs against the status quo, cell by cell.

        Parameters
        ----------
        unit : str, optional
            "percent" of welfare, or money such as "USD bn"; by default money in a readable unit.

        Returns
        -------
        DataFrame
            Index: strategies of the first player.  Columns: strategy of the second, then player.
            ``attrs``: unit, card.
        """
        values, name = self._in_unit(unit)
        rows, columns = self.strategies
        both = np.moveaxis(values[0], 0, 2).reshape(len(rows), -1)
        frame = pd.DataFrame(
            both,
            index=pd.Index(rows, name=self.players[0]),
            columns=pd.MultiIndex.from_product(
                [columns, self.players], names=[self.players[1], "payoff of"]
            ),
        )
        frame.attrs = {"unit": name, "card": str(self.card)}
        return frame

    def ranges(self, unit: str | None = None) -> pd.DataFrame:
        """Give every payoff with its range over elasticity sets and closures.

        Returns
        -------
        DataFrame
            One row for each cell and player: the two players' strategies (columns named like the
            players), player, payoff (base), low, high, and sign_share, the share of variants in
            which the payoff has the sign of the base.  ``attrs["unit"]``.
        """
        values, name = self._in_unit(unit)
        records = []
        for r, row in enumerate(self.strategies[0]):
            for c, column in enumerate(self.strategies[1]):
                for k, player in enumerate(self.players):
                    cell = values[:, k, r, c]
                    signs = np.where(
                        np.abs(self.payoff[:, k, r, c]) <= self._tie, 0.0, np.sign(cell)
                    )
                    same = float(np.mean(signs == signs[0]))
                    records.append(
                        (row, column, player, cell[0], float(cell.min()), float(cell.max()), same)
                    )
        frame = pd.DataFrame(
            records, columns=[*self.players, "player", "payoff", "low", "high", "sign_share"]
        )
        frame.attrs = {
            "unit": dict.fromkeys(["payoff", "low", "high"], name) | {"sign_share": "fraction"},
            "card": str(self.card),
        }
        return frame

    def to_frame(self, unit: str | None = None) -> pd.DataFrame:
        """Give the long table: `ranges` by variant.

        Returns
        -------
        DataFrame
            variant, the two players' strategies, player, payoff.
        """
        values, name = self._in_unit(unit)
        index = pd.MultiIndex.from_product(
            [self.variants, self.players, *self.strategies],
            names=["variant", "player", *self.players],
        )
        frame = pd.Series(values.ravel(), index=index, name="payoff").reset_index()
        frame = frame[["variant", *self.players, "player", "payoff"]]
        frame.attrs["unit"] = {"payoff": name}
        return frame

    @property
    def welfare(self) -> pd.DataFrame:
        """Change in welfare of all countries, a fraction: index country, one column a cell.

        Columns are pairs of strategies.  Raises DataError for bare matrices.
        """
        if self.welfare_all is None:
            raise DataError("bare matrices say nothing about other countries")
        return self.welfare_all.copy()

    def scenario(self, row: str, column: str) -> Scenario:
        """Give the scenario of a cell: both sides' measures composed."""
        if not self.scenarios:
            raise DataError("bare matrices have no scenarios")
        r, c = self._cell((row, column), "scenario")
        return self.scenarios[r * len(self.strategies[1]) + c]

    def _cell(self, pair: Sequence[str], what: str) -> tuple[int, int]:
        """Find the place of a pair of strategies."""
        if isinstance(pair, str) or len(pair) != 2:
            raise ScenarioError(f"{what}={pair!r}: give two strategies, one for each player")
        place = []
        for player, names, name in zip(self.players, self.strategies, pair, strict=True):
            if name not in names:
                raise ScenarioError(
                    f"{what}: {player} has no strategy {name!r}{suggest(str(name), names)}; it has "
                    f"{', '.join(names)}"
                )
            place.append(names.index(name))
        return place[0], place[1]

    # ---- What the game says ----------------------------------------------------------------

    def equilibria(self, kind: Literal["pure", "mixed"] = "pure") -> pd.DataFrame:
        """List the Nash equilibria.

        Parameters
        ----------
        kind : {"pure", "mixed"}
            "mixed" needs nashpy and lists pure ones too.

        Returns
        -------
        DataFrame
            "pure": one row each: the players' strategies (columns named like the players),
            payoff_<player>, strict (every deviation loses) and share, the share of variants in
            which it is an equilibrium too.  Empty where there is none, which ``attrs["note"]``
            says.
            "mixed": one row for each equilibrium, player and strategy that is played: equilibrium,
            player, strategy, probability, payoff (expected).
        """
        if kind == "pure":
            frame = self._pure()
        elif kind == "mixed":
            frame = self._mixed()
        else:
            raise DataError(f'kind={kind!r}: "pure" or "mixed"')
        frame.attrs["card"] = str(self.card)
        return frame

    def _pure(self) -> pd.DataFrame:
        values, unit = self._in_unit(None)
        found = normal_form.pure_equilibria(*self._matrices(), self._tie)
        masks = [
            np.logical_and(*normal_form.best_replies(*self._matrices(v), self._tie))
            for v in range(len(self.variants))
        ]
        payoffs = [f"payoff_{player}" for player in self.players]
        records = [
            (
                self.strategies[0][r],
                self.strategies[1][c],
                *(float(values[0, k, r, c]) for k in (0, 1)),
                strict,
                float(np.mean([mask[r, c] for mask in masks])),
            )
            for r, c, strict in found
        ]
        frame = pd.DataFrame(records, columns=[*self.players, *payoffs, "strict", "share"])
        note = "" if found else "no equilibrium in pure strategies: see equilibria('mixed')"
        frame.attrs |= {"unit": dict.fromkeys(payoffs, unit) | {"share": "fraction"}, "note": note}
        return frame

    def _mixed(self) -> pd.DataFrame:
        values, unit = self._in_unit(None)
        factor = [self._factor(values, k) for k in (0, 1)]
        records = []
        found = normal_form.mixed_equilibria(*self._matrices(), self._tie)
        for number, mix in enumerate(found, start=1):
            for k, weights in enumerate((mix.row, mix.column)):
                for s in np.flatnonzero(weights > PURE):
                    records.append(
                        (
                            number,
                            self.players[k],
                            self.strategies[k][s],
                            float(weights[s]),
                            mix.payoff[k] * factor[k],
                        )
                    )
        columns = ["equilibrium", "player", "strategy", "probability", "payoff"]
        frame = pd.DataFrame(records, columns=columns)
        note = "" if len(found) % 2 else "the game is degenerate: there are more equilibria"
        frame.attrs |= {"unit": {"payoff": unit, "probability": "fraction"}, "note": note}
        return frame

    def _factor(self, values: Floats, player: int) -> float:
        """Give what one unit of the base payoff is in the unit of `values`."""
        base = self.payoff[0, player]
        place = np.unravel_index(np.argmax(np.abs(base)), base.shape)
        size = float(base[place])
        return float(values[0, player][place]) / size if size else 1.0

    def dominance(self) -> pd.DataFrame:
        """List dominated strategies: strict ones round by round, then weak ones of the whole game.

        Returns
        -------
        DataFrame
            round (0 for weak dominance, which is not deleted), player, strategy, dominated_by (a
            strategy, or a mixture such as "0.4 hold + 0.6 execute") and kind ("strict", "weak").
            ``attrs["left"]``: the strategies of each player that survive deletion.
        """
        steps, left = normal_form.eliminate(*self._matrices(), self._tie)
        records: list[tuple[Any, ...]] = []
        for step in steps:
            names = self.strategies[step.player]
            mixture = " + ".join(f"{p:.3g} {names[i]}" for i, p in step.by)
            by = names[step.by[0][0]] if len(step.by) == 1 else mixture
            who = self.players[step.player]
            records.append((step.round, who, names[step.strategy], by, "strict"))
        gone = {(step.player, step.strategy) for step in steps}
        for side, k, better in normal_form.weakly_dominated(*self._matrices(), self._tie):
            if (side, k) not in gone:
                names = self.strategies[side]
                records.append((0, self.players[side], names[k], names[better], "weak"))
        frame = pd.DataFrame(
            records, columns=["round", "player", "strategy", "dominated_by", "kind"]
        )
        frame.attrs["left"] = {
            player: [self.strategies[k][s] for s in left[k]]
            for k, player in enumerate(self.players)
        }
        frame.attrs["card"] = str(self.card)
        return frame

    def self_enforcing(self, *, deal: Sequence[str], no_deal: Sequence[str]) -> SelfEnforcement:
        """Ask whether a deal holds by itself: deviating once brings no deal ever after.

        Parameters
        ----------
        deal, no_deal : two strategies, one for each player

        Returns
        -------
        SelfEnforcement
            Prints what it found; `discount_factor` is the critical one, `valid` tells whether no
            deal is an equilibrium of the stage game, without which the threat is empty.

        Notes
        -----
        ``delta* = max_m (W_dev - W_deal) / (W_dev - W_nodeal)`` over both players.
        """
        kept, broken = self._cell(deal, "deal"), self._cell(no_deal, "no_deal")
        found = [self._criticals(v, kept, broken) for v in range(len(self.variants))]
        valid = [
            bool(np.logical_and(*normal_form.best_replies(*self._matrices(v), self._tie))[broken])
            for v in range(len(self.variants))
        ]
        values, unit = self._in_unit(None)
        records = []
        for k, player in enumerate(self.players):
            weighed, factor = found[0][k], self._factor(values, k)
            records.append(
                (
                    player,
                    weighed.deal * factor,
                    self.strategies[k][weighed.deviation],
                    weighed.deviating * factor,
                    weighed.no_deal * factor,
                    weighed.discount,
                )
            )
        columns = ["player", "deal", "deviation", "deviating", "no_deal", "discount_factor"]
        table = pd.DataFrame(records, columns=columns)
        money = dict.fromkeys(["deal", "deviating", "no_deal"], unit)
        table.attrs["unit"] = money | {"discount_factor": "pure number"}
        critical = np.array([float(np.max([w.discount for w in pair])) for pair in found])
        return SelfEnforcement(
            (str(deal[0]), str(deal[1])),
            (str(no_deal[0]), str(no_deal[1])),
            table,
            float(critical[0]),
            valid[0],
            critical,
            np.array(valid),
            self.variants,
            str(self.card),
        )

    def _criticals(
        self, variant: int, kept: tuple[int, int], broken: tuple[int, int]
    ) -> tuple[normal_form.Critical, normal_form.Critical]:
        a, b = self._matrices(variant)
        weigh = normal_form.critical_discount
        return (
            weigh(a[:, kept[1]], kept[0], float(a[broken]), self._tie),
            weigh(b[kept[0], :], kept[1], float(b[broken]), self._tie),
        )

    # ---- Show ------------------------------------------------------------------------------

    @property
    def card(self) -> Card:
        """What was assumed, what the ranges cover, and what such a model cannot price."""
        lines = [f"Game of {self.players[0]} (rows) and {self.players[1]} (columns): {self.basis}"]
        if self.money is not None:
            lines.append(
                "Payoffs: change in welfare against the status quo (the world's baseline), as "
                "money equivalent variation or a fraction; one period, both sides' measures in "
                "force together."
            )
            many = len(self.variants)
            listed = f": {', '.join(self.variants)}" if many > 1 else ""
            ranges = f"Ranges: {many} variants{listed}." if many > 1 else "Ranges: none computed."
            lines += [ranges, CANNOT_PRICE]
        wrap = textwrap.TextWrapper(100, subsequent_indent="  ")
        return Card("\n".join(wrap.fill(line) for line in lines))

    def plot(
        self,
        *,
        unit: str | None = None,
        names: Mapping[str, str] | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw the payoff table as a heat map: two triangles a cell, equilibria outlined.

        Parameters
        ----------
        unit : str, optional
            As in `table`.
        names : mapping, optional
            Names of players and strategies to show in place of their labels.
        ax : Axes, optional

        Returns
        -------
        Axes
        """
        from tradewar.game_plot import draw_payoffs

        return draw_payoffs(self, unit=unit, names=names, ax=ax)

    def _heading(self) -> str:
        found = self.equilibria()
        pairs = ", ".join(
            f"({r}, {c})" for r, c in found[list(self.players)].itertuples(index=False)
        )
        where = f"pure equilibria: {pairs}" if pairs else "no equilibrium in pure strategies"
        return f"{self.players[0]} (rows) against {self.players[1]} (columns); {where}"

    def __str__(self) -> str:
        table = self.table()
        unit = table.attrs["unit"]
        return f"{self._heading()}\n{numbers(table).to_string()}\npayoffs: {unit}"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        table = self.table()
        unit = html.escape(f"payoffs: {table.attrs['unit']}")
        head = html.escape(self._heading())
        return f"<p>{head}</p>{numbers(table).to_html()}<p>{unit}</p>"
