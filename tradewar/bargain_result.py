"""Bargain: an agreement, the frontier it lies on, and what announced deals say about power."""

from __future__ import annotations

import html
import logging
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar._display import Card
from tradewar.ascent import Ascent
from tradewar.bargain_starts import starts_of
from tradewar.errors import ConvergenceError, DataError
from tradewar.pareto import Agreement, better_end, end_for, nash_product
from tradewar.policy_result import PolicyResult, choice_scenario
from tradewar.running import check_count
from tradewar.scenario import Scenario
from tradewar.secants import Secants

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tradewar.arena import Arena
    from tradewar.bargaining import Table

LOG = logging.getLogger("tradewar")

__all__ = ["Bargain", "ImpliedPower"]

Floats = NDArray[np.float64]

EDGE = 1e-4  # powers between which an implied one is sought
FOUND = 1e-6  # of implied power
BEATEN = 1e-6  # in the log of the product: an agreement that another one beats by more
ENVELOPES = 4  # times that beaten agreements are sought again


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class ImpliedPower:
    """What a deal says about bargaining power; made by `Bargain.implied_power`.

    Attributes
    ----------
    players : tuple of two str
    gains : two floats, fractions of welfare over the threat point
    power : float
        Of the first player; NaN where the deal leaves one below the threat point.
    reached : float
        The deal's gains over the frontier's in the same proportion; 1 on the frontier, NaN where
        there are none.
    slope : float
        ``-d W2 / d W1`` of the frontier there, so that ``power / (1 - power) = slope x gain of
        the first / gain of the second``.
    """

    players: tuple[str, str]
    gains: tuple[float, float]
    power: float
    reached: float
    slope: float

    def __str__(self) -> str:
        gains = ", ".join(
            f"{p} {100 * g:+.3f} %" for p, g in zip(self.players, self.gains, strict=True)
        )
        if np.isnan(self.power):
            return f"gains over no deal: {gains}; no bargaining power rationalises a loss"
        where = "lies on the frontier"
        if self.reached > 1.001:
            where = (
                f"brings {100 * self.reached:.1f} % of the frontier's gains in the same "
                "proportion: it has terms that are not among the instruments; the power is that "
                "of the frontier's point"
            )
        elif self.reached < 0.999:
            where = (
                f"reaches {100 * self.reached:.1f} % of the gains on the frontier in the same "
                "proportion; the power is that of the frontier's point"
            )
        first, second = self.players
        if not EDGE < self.power < 1.0 - EDGE:
            strong = first if self.power > 0.5 else second
            return (
                f"gains over no deal: {gains}; the deal {where}, beyond which the frontier does "
                f"not go: all power of {strong}"
            )
        return (
            f"gains over no deal: {gains}; the deal {where}; power of {first} {self.power:.3f}, "
            f"of {second} {1 - self.power:.3f}"
        )

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Bargain:
    """A Nash bargaining agreement; made by `bargain`.

    Attributes
    ----------
    outcome : PolicyResult
        The agreement; its members stand here too: welfare, ev, tariffs, instruments, scenario.
    threat : float array, one per player
        Payoffs (welfare, 1 at the baseline) without a deal.
    threat_name : str
    power : float array, one per player, summing to 1
    ends : mapping of a player's place to Agreement
        All for it, and no less than the threat point for the others.
    """

    outcome: PolicyResult
    arena: Arena
    table: Table
    threat: Floats
    threat_name: str
    power: Floats
    size: float
    agreement: Agreement
    ends: dict[int, Agreement]
    secants: Secants
    _memo: dict[int, pd.DataFrame] = field(default_factory=dict)
    _sought: set[int] = field(default_factory=set)  # ends that other starts were tried for

    @property
    def players(self) -> tuple[str, ...]:
        """Who bargains."""
        return self.outcome.players

    @property
    def welfare(self) -> pd.Series:
        """Change in welfare of all countries against the world's baseline, a fraction."""
        return self.outcome.welfare

    @property
    def ev(self) -> pd.Series:
        """The same as money."""
        return self.outcome.ev

    @property
    def tariffs(self) -> pd.DataFrame:
        """Tariffs agreed on; see `PolicyResult.tariffs`."""
        return self.outcome.tariffs

    @property
    def starts(self) -> pd.DataFrame:
        """What each search found; see `PolicyResult.starts`."""
        return self.outcome.starts

    @property
    def instruments(self) -> pd.DataFrame:
        """Sizes agreed on; see `PolicyResult.instruments`."""
        return self.outcome.instruments

    @property
    def scenario(self) -> Scenario:
        """The agreement as a scenario, without the transfer."""
        return self.outcome.scenario

    @property
    def transfer(self) -> float:
        """Money from the first player to the second, `value_unit`; 0 where not allowed."""
        return float(self.outcome.info.get("transfer", 0.0))

    @property
    def gain_from_deviating(self) -> pd.Series:
        """What each player would gain by breaking the agreement alone, in its payoff.

        A best response from where it stands, the other keeping the agreement; not near zero as a
        rule: that is what agreements are for.
        """
        arena, x = self.arena, self.agreement.x[: self.table.count]
        if self.transfer != 0.0:
            raise DataError("gain_from_deviating: not defined with transfers")
        base = arena.payoff.at(x)[0]
        gains = [arena.respond(m, x).value - base[m] for m in range(len(arena.players))]
        index = pd.Index(self.players, name="player")
        series = pd.Series(gains, index=index, name="gain_from_deviating")
        series.attrs["unit"] = "ln of welfare" if arena.objective == "welfare" else "payoff"
        return series

    @property
    def gains(self) -> pd.DataFrame:
        """What each player gains over no deal.

        Returns
        -------
        DataFrame
            Index player.  no_deal and deal (change in payoff against the baseline, fractions),
            gain (their difference), gain_money (`value_unit`), share (of the surplus in money),
            power.
        """
        money = self._money * self.agreement.gains
        frame = pd.DataFrame(
            {
                "no_deal": self.threat - self._one,
                "deal": self.agreement.payoffs - self._one,
                "gain": self.agreement.gains,
                "gain_money": money,
                "share": money / money.sum(),
                "power": self.power,
            },
            index=pd.Index(self.players, name="player"),
        )
        unit = dict.fromkeys(frame.columns, "fraction")
        frame.attrs["unit"] = unit | {"gain_money": self.arena.world.value_unit}
        return frame

    @property
    def _one(self) -> float:
        return 0.0 if self.arena.objective == "revenue" else 1.0

    @property
    def _money(self) -> Floats:
        from tradewar.game_problem import money_of

        whole = money_of(self.arena.world, self.outcome.closure)
        return np.asarray(whole[self.arena.payoff.goal.players])

    def _two(self) -> tuple[str, str]:
        if len(self.players) != 2:
            raise DataError(f"{len(self.players)} players: a frontier is drawn for two")
        return self.players[0], self.players[1]

    def _ascent(self) -> Ascent:
        """Begin climbs with the curvature that the agreement was found with."""
        return Ascent(self.table, self.secants)

    def _agree(self, first: float, start: Floats, ascent: Ascent) -> Agreement:
        """Find the agreement at another power of the first player."""
        power = np.array([first, 1.0 - first])
        return nash_product(self.table, self.threat, power, start, size=self.size, ascent=ascent)

    def frontier(self, points: int = 9) -> pd.DataFrame:
        """Trace the Pareto frontier between the two players' threat payoffs.

        Parameters
        ----------
        points : int, default 9
            Agreements at powers spread between 0 and 1, beside the two ends, which leave one
            player nothing.

        Returns
        -------
        DataFrame
            power (of the first player), then of each player payoff_<player> (change against the
            baseline) and gain_<player> (over no deal), fractions.  Sorted by power; parts of the
            frontier that bend inwards are left out.  No point beats another at that one's power.
        """
        check_count("points", points, "")
        first, second = self._two()
        if points not in self._memo:
            rows = self._trace(np.linspace(0.0, 1.0, points + 2)[1:-1])
            frame = pd.DataFrame(
                [
                    (power, *(a.payoffs - self._one), *a.gains)
                    for power, a in [(0.0, self._end(1)), *rows, (1.0, self._end(0))]
                ],
                columns=[
                    "power",
                    f"payoff_{first}",
                    f"payoff_{second}",
                    f"gain_{first}",
                    f"gain_{second}",
                ],
            )
            frame.attrs["unit"] = dict.fromkeys(frame.columns, "fraction")
            self._memo[points] = frame
        return self._memo[points].copy()

    def _trace(self, powers: Floats) -> list[tuple[float, Agreement]]:
        """Find agreements at powers, away from the chosen one; each the best that any one leads to.

        Payoffs have several tops where players can turn on third countries together: an agreement
        whose product another one beats, at the same power, is sought again from there.
        """
        found: dict[float, Agreement] = {}
        stronger = powers >= self.power[0]
        for way in (powers[stronger], powers[~stronger][::-1]):
            start, ascent = self.agreement.x, self._ascent()
            for power in way:
                found[power] = self._agree(float(power), start, ascent)
                start = found[power].x
        for _ in range(ENVELOPES):
            known = [self.agreement, self._end(0), self._end(1), *found.values()]
            moved = [self._improve_end(player, known) for player in (0, 1)]
            known = [self.agreement, self._end(0), self._end(1), *found.values()]
            better = {}
            for power, mine in found.items():
                best = max(known, key=lambda other: self._merit(power, other))
                if self._merit(power, best) > self._merit(power, mine) + BEATEN:
                    better[power] = self._agree(float(power), best.x, self._ascent())
            found |= better
            if not better and not any(moved):
                break
        return sorted(found.items())

    def _merit(self, power: float, found: Agreement) -> float:
        """Give the log of the product of gains at a power of the first player."""
        gains = np.log(np.maximum(found.gains, BEATEN * self.size))
        return float(power * gains[0] + (1.0 - power) * gains[1])

    def _end(self, player: int) -> Agreement:
        """Give the agreement that leaves all but one player nothing, the best of several starts."""
        if player not in self._sought:
            end, ascent = self.ends.get(player, self.agreement), self._ascent()
            if end.gains[player] <= self.agreement.gains[player]:
                end = self.agreement
                end = self._seek_end(player, end, end, ascent)
            for name, x in starts_of(self.arena.policy, transfers=self.table.most > 0.0).items():
                try:
                    end = self._seek_end(player, self.agreement._replace(x=x), end, ascent)
                except ConvergenceError as error:
                    LOG.info("bargain: no end from %s for %s: %s", name, player, error)
            self.ends[player] = end
            self._sought.add(player)
        return self.ends[player]

    def _seek_end(
        self, player: int, start: Agreement, known: Agreement, ascent: Ascent
    ) -> Agreement:
        return end_for(
            self.table, self.threat, self.power, start, player, self.size, ascent, known=known
        )

    def _improve_end(self, player: int, known: list[Agreement]) -> bool:
        """Seek an end again from where others leave its player more; say whether it moved."""
        end = self._end(player)
        rivals = [other for other in known if better_end(other, end, player, self.size)]
        if not rivals:
            return False
        best = max(rivals, key=lambda other: float(other.gains[player]))
        self.ends[player] = self._seek_end(player, best, best, self._ascent())
        return True

    def minimum_concession(self) -> pd.DataFrame:
        """Say how little each player can offer: the other gets just its threat payoff.

        Returns
        -------
        DataFrame
            One row for each player that makes the least concession: player, gain (its own over no
            deal), other_gain (about 0, or more where taking it would not serve the player),
            gain_share (own gain over that of the agreement, at least 1), and the sizes of
            instruments, where there are any.

        Notes
        -----
        Searched from the agreement and other agreements known, today's tariffs, free trade and half
        of 1/theta: some 200 equilibria when ends are first asked for, here or by `frontier`.
        """
        names = self._two()
        try:
            self.frontier()  # whose points may lead to better ends
        except ConvergenceError as error:
            LOG.info("bargain: ends without the points between them: %s", error)
        rows = []
        for k, player in enumerate(names):
            end = self._end(k)
            row: dict[str, Any] = {
                "player": player,
                "gain": end.gains[k],
                "other_gain": end.gains[1 - k],
                "gain_share": end.gains[k] / self.agreement.gains[k],
            }
            for place, instrument in self.arena.policy.instruments:
                row[instrument.name] = float(end.x[place])
            if self.table.most > 0.0:
                row["transfer"] = float(end.x[-1] * self.table.unit)
            rows.append(row)
        frame = pd.DataFrame(rows)
        frame.attrs["unit"] = dict.fromkeys(["gain", "other_gain", "gain_share"], "fraction")
        return frame

    def implied_power(self, deal: Any) -> ImpliedPower:
        """Find the bargaining power that rationalises a deal.

        Parameters
        ----------
        deal : Scenario, result, or Series of welfare changes by country

        Returns
        -------
        ImpliedPower
            Off the frontier the gains are scaled to it, and that is said.

        Notes
        -----
        On the frontier with slope ``s = -d W2 / d W1``, ``beta1 / beta2 = s (W1-d1) / (W2-d2)``;
        found as the power whose agreement splits gains in the deal's proportion.
        """
        from scipy.optimize import brentq

        from tradewar.bargaining import payoffs_of

        players = self._two()
        gains = payoffs_of(self.arena, deal, "deal")[0] - self.threat
        both = (float(gains[0]), float(gains[1]))
        if gains.min() < 0.0 or gains.max() <= 0.0:
            nothing = float("nan")
            return ImpliedPower(players, both, nothing, nothing, nothing)
        wanted = gains[0] / gains.sum()
        start, ascent = {"x": self.agreement.x}, self._ascent()

        def miss(power: float) -> float:
            found = self._agree(power, start["x"], ascent)
            start["x"] = found.x
            return float(found.gains[0] / found.gains.sum() - wanted)

        low, high = miss(EDGE), miss(1.0 - EDGE)
        if low >= 0.0 or high <= 0.0:
            power = EDGE if low >= 0.0 else 1.0 - EDGE
            miss(power)
        else:
            power = float(brentq(miss, EDGE, 1.0 - EDGE, xtol=FOUND))
        on = self._agree(power, start["x"], ascent)
        slope = power / (1.0 - power) * on.gains[1] / on.gains[0]
        reached = float(gains.sum() / on.gains.sum())
        return ImpliedPower(players, both, power, reached, float(slope))

    def plot(
        self,
        *,
        deals: Mapping[str, Any] | None = None,
        names: Mapping[str, str] | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw the frontier with the threat point, the agreement and deals.

        Parameters
        ----------
        deals : mapping of labels to scenarios, results or Series, optional
        names : mapping, optional
            Names of players to show.
        ax : Axes, optional

        Returns
        -------
        Axes
        """
        from tradewar.game_plot import draw_bargain

        return draw_bargain(self, deals=deals or {}, names=names or {}, ax=ax)

    def at(self, x: Floats) -> Scenario:
        """Write a choice of the instruments as a scenario."""
        return choice_scenario(self.arena.policy, x[: self.table.count], "agreement")

    @property
    def card(self) -> Card:
        """What was assumed, and what such a model cannot price."""
        powers = ", ".join(f"{p} {b:.3g}" for p, b in zip(self.players, self.power, strict=True))
        lines = [f"No deal: {self.threat_name}. Bargaining power: {powers}."]
        if self.table.most > 0.0:
            lines.append(
                f"Transfers up to {self.table.most:,.6g} {self.arena.world.value_unit} either way."
            )
        text = "\n".join(textwrap.fill(line, 100) for line in lines)
        return Card(f"{self.outcome.card}\n{text}")

    def _printed(self) -> pd.DataFrame:
        table = self.gains
        out = pd.DataFrame(index=table.index)
        for name in ("no_deal", "deal", "gain"):
            out[f"{name}, %"] = (100 * table[name]).map("{:.3f}".format)
        out[f"gain, {self.arena.world.value_unit}"] = table["gain_money"].map("{:,.0f}".format)
        out["share of surplus, %"] = (100 * table["share"]).map("{:.1f}".format)
        out["power"] = table["power"].map("{:.2f}".format)
        for _, row in self.instruments.iterrows():
            out.loc[row["player"], row["instrument"]] = f"{row['size']:.3f}"
        return out.fillna("")

    def _heading(self) -> str:
        return f"Nash bargain against {self.threat_name}"

    def __str__(self) -> str:
        return f"{self._heading()}\n{self._printed().to_string()}"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self._heading())}</p>{self._printed().to_html()}"
