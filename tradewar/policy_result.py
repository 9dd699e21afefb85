"""PolicyResult: chosen policies, the welfare that follows, and what was checked."""

from __future__ import annotations

import html
import textwrap
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar._display import Card
from tradewar.arena import Arena
from tradewar.game_problem import Point
from tradewar.ge_problem import Closure
from tradewar.goals import Goal
from tradewar.payoff_table import CANNOT_PRICE
from tradewar.policy_space import Policy, Rates
from tradewar.rules import Rule
from tradewar.scenario import Scenario
from tradewar.second_order import SecondOrder, second_order
from tradewar.world import World

__all__ = ["PolicyResult", "closure_text", "make_result"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class PolicyResult:
    """Policies that players chose; made by `optimal_tariff`, `nash`, `cooperate`.

    Attributes
    ----------
    kind : str
        What was asked: "optimal tariff", "Nash equilibrium", "cooperation".
    players : tuple of str
    objective : {"welfare", "political", "revenue"}
    policy : Policy
    x : float array
        The choice: ln(1 + t) of rates, sizes of instruments.
    closure : Closure
    payoffs : float array, one per player
        The objective at the choice: ln W, ln political welfare, or duties over baseline income.
    ln_welfare : float array, one per country
    deviation : float array, one per player
        Payoff gained by a fresh best response from another start; NaN where not asked for.
    starts : DataFrame
        start, payoff and evaluations of each climb, and what else the verb reports.
    info : dict
    goal : Goal
        What players want, with political weights.
    """

    kind: str
    players: tuple[str, ...]
    objective: str
    policy: Policy
    x: Floats
    closure: Closure
    payoffs: Floats
    ln_welfare: Floats
    deviation: Floats
    starts: pd.DataFrame
    info: dict[str, Any] = field(default_factory=dict)
    goal: Goal | None = None

    @property
    def _world(self) -> World:
        return self.policy.world

    @property
    def welfare(self) -> pd.Series:
        """Change in welfare of all countries against the world's baseline, a fraction."""
        countries = pd.Index(self._world._countries, name="country")
        series = pd.Series(np.expm1(self.ln_welfare), index=countries, name="welfare_change")
        series.attrs["unit"] = "fraction"
        return series

    @property
    def ev(self) -> pd.Series:
        """The same as money: equivalent variation, `value_unit`."""
        kappa = self.closure.labour_supply
        scale = self._world._income - kappa / (1.0 + kappa) * self._world._labour_income
        series = (self.welfare * scale).rename("ev")
        series.attrs["unit"] = self._world.value_unit
        return series

    @property
    def gain_from_deviating(self) -> pd.Series:
        """What each player would gain by a fresh best response from another start, in its payoff.

        In ln W for ``objective="welfare"``.
        """
        index = pd.Index(self.players, name="player")
        series = pd.Series(self.deviation, index=index, name="gain_from_deviating")
        series.attrs["unit"] = "ln of welfare" if self.objective == "welfare" else "payoff"
        return series

    @property
    def tariffs(self) -> pd.DataFrame:
        """Tariffs of the flows that players chose on or that their instruments move.

        Returns
        -------
        DataFrame
            exporter importer product value (baseline) tariff (baseline) tariff_new, fractions.
        """
        policy, world = self.policy, self._world
        N, J = len(world._countries), len(world._products)
        new = policy.changes(self.x).tariff
        moved = np.union1d(policy.rate_at, policy.lines["tariff"].at).astype(np.intp)
        flow = policy.flow[moved]
        countries = np.array(world._countries, dtype=object)
        frame = pd.DataFrame(
            {
                "exporter": countries[flow // J % N],
                "importer": countries[flow // (N * J)],
                "product": np.array(world._products, dtype=object)[flow % J],
                "value": world._trade.ravel()[flow],
                "tariff": world._tariff.ravel()[flow],
                "tariff_new": new[moved],
            }
        )
        frame.attrs["unit"] = {
            "value": world.value_unit,
            "tariff": "fraction",
            "tariff_new": "fraction",
        }
        return frame

    @property
    def instruments(self) -> pd.DataFrame:
        """Sizes of instruments: player instrument size low high; empty where all are rates."""
        rows = [
            (
                self.players[self.policy.owner[k]],
                instrument.name,
                float(self.x[k]),
                instrument.low,
                instrument.high,
            )
            for k, instrument in self.policy.instruments
        ]
        return pd.DataFrame(rows, columns=["player", "instrument", "size", "low", "high"])

    @property
    def scenario(self) -> Scenario:
        """The choice as a scenario, background first: `solve_ge` gives the same welfare."""
        return choice_scenario(self.policy, self.x, f"{self.kind} of {', '.join(self.players)}")

    def second_order(self, *, k: int = 3) -> SecondOrder:
        """Say whether each player's choice is a strict local maximum, and how flat it is around it.

        Solves some 40 to 80 equilibria for each player, and so is not done unless asked for.

        Parameters
        ----------
        k : int, default 3
            Directions to find: those with the largest eigenvalues, the flattest.

        Returns
        -------
        SecondOrder
            `verdict`; `table` with one row a player; `directions`.  "strict maximum": no slope is
            left and all eigenvalues are below 0, or all variables are held by bounds that slopes
            press against; it is one in the variables that matter, the table counts the rest as
            too_small.  "flat": in some direction the payoff does not tell choices apart, or no
            variable is left between bounds and some are too small.  "no maximum": a small step
            makes a player better off.

        Raises
        ------
        DataError
            The result is a cooperation or a bargain, in which no player's own choice is best for
            it.
        ConvergenceError
            An equilibrium beside the point does not solve.

        Notes
        -----
        Eigenvalues of the Hessian of a player's payoff (ln W for ``objective="welfare"``) by its
        own variables (ln(1 + t), sizes), the others' fixed: of those between their bounds, by
        Lanczos iteration on differences of adjoint gradients.  Each variable is scaled by the root
        of CES substitution times its flows' present share in spending, so that -1 is the curvature
        of a tariff on one small flow; eigenvalues within 1e-3 of 0 count as 0.  Variables whose
        curvature is below 1e-8, flows with next to no trade, are set aside and counted: the payoff
        says nothing of their rates.

        References
        ----------
        Nocedal, J., and S. J. Wright (2006), Numerical Optimization, theorem 12.6,
        doi:10.1007/978-0-387-40065-5.

        Examples
        --------
        >>> import numpy as np
        >>> import tradewar as tw
        >>> trade = np.array([[80.0, 20.0], [20.0, 80.0]])[:, :, None]
        >>> world = tw.World.from_tables(trade, theta=4.0, tariff=0.0, countries=["A", "B"])
        >>> found = tw.optimal_tariff(world, "A").second_order()
        >>> found.verdict
        'strict maximum'
        >>> found.directions[["variable", "part"]].values.tolist()
        [['A<-B S1', 1.0]]
        """
        return second_order(self, k)

    def summary(self) -> pd.DataFrame:
        """Give one row a player.

        Returns
        -------
        DataFrame
            Index player.  welfare_change, ev, median_tariff and mean_tariff (weighted with baseline
            trade) of its chosen rates, gain_from_deviating.
        """
        tariffs = self.tariffs
        rows = []
        for k, player in enumerate(self.players):
            own = tariffs[tariffs["importer"] == player]
            value = own["value"].to_numpy()
            mean = np.average(own["tariff_new"], weights=value) if value.sum() > 0 else np.nan
            rows.append(
                (
                    player,
                    self.welfare[player],
                    self.ev[player],
                    own["tariff_new"].median(),
                    mean,
                    self.deviation[k],
                )
            )
        columns = ["welfare_change", "ev", "median_tariff", "mean_tariff", "gain_from_deviating"]
        frame = pd.DataFrame(rows, columns=["player", *columns]).set_index("player")
        frame.attrs["unit"] = dict.fromkeys(columns, "fraction") | {
            "ev": self._world.value_unit,
            "gain_from_deviating": self.gain_from_deviating.attrs["unit"],
        }
        return frame

    @property
    def card(self) -> Card:
        """What was assumed and checked, and what such a model cannot price."""
        lines = [
            f"{self.kind.capitalize()} of {', '.join(self.players)}; objective {self.objective}",
            closure_text(self._world, self.closure),
            f"{len(self.x)} variables: {self.info.get('choice', '')}",
        ]
        if self.policy.background is not None:
            lines.append(f"Fixed measures of others: {self.policy.background.name}.")
        if np.isfinite(self.deviation).any():
            lines.append(
                "Gain from deviating, by a fresh best response from another start: at most "
                f"{np.nanmax(self.deviation):.1e} in the payoff."
            )
        lines += [
            "Optima are local ones, the best of several starts (see .starts); where they differ, "
            "another start may do better.",
            CANNOT_PRICE,
        ]
        wrap = textwrap.TextWrapper(100, subsequent_indent="  ")
        return Card("\n".join(wrap.fill(line) for line in lines))

    def _printed(self) -> pd.DataFrame:
        table = self.summary()
        out = pd.DataFrame(index=table.index)
        out["welfare, %"] = (100 * table["welfare_change"]).map("{:.3f}".format)
        out[f"EV, {self._world.value_unit}"] = table["ev"].map("{:,.0f}".format)
        if len(self.policy.rate_at):
            out["median tariff, %"] = (100 * table["median_tariff"]).map("{:.1f}".format)
            out["mean tariff, %"] = (100 * table["mean_tariff"]).map("{:.1f}".format)
        for _, row in self.instruments.iterrows():
            out.loc[row["player"], row["instrument"]] = f"{row['size']:.3f}"
        out["gain from deviating"] = table["gain_from_deviating"].map("{:.0e}".format)
        return out.fillna("")

    def _heading(self) -> str:
        return f"{self.kind.capitalize()}, deficits {self.closure.deficits}"

    def __str__(self) -> str:
        return f"{self._heading()}\n{self._printed().to_string()}"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self._heading())}</p>{self._printed().to_html()}"


def closure_text(world: World, closure: Closure) -> str:
    """Say on which economy and closure a game rests."""
    year = f" of {world.year}" if world.year else ""
    source = f", {world.source}" if world.source else ""
    return (
        f"Economy{year}: {len(world._countries)} countries, {len(world._products)} sectors{source}."
        f" Closure: deficits {closure.deficits}, revenue {closure.revenue}, labour supply "
        f"{closure.labour_supply:g}, substitution of value added {closure.va_substitution:g}, of "
        f"inputs {closure.input_substitution:g}, of final goods {closure.final_substitution:g}; "
        f"trade elasticities {world._theta.min():.3g} to {world._theta.max():.3g} (CES "
        "substitution is one more)."
    )


def choice_scenario(policy: Policy, x: Floats, name: str) -> Scenario:
    """Write a choice as rules: instruments at their sizes, then one rule for each free rate."""
    world = policy.world
    N, J = len(world._countries), len(world._products)
    rules: list[Rule] = [] if policy.background is None else list(policy.background.rules)
    for k, instrument in policy.instruments:
        rules += instrument.at(float(np.clip(x[k], instrument.low, instrument.high))).rules
    order = np.argsort(policy.rate_variable, kind="stable")
    variable, flow = policy.rate_variable[order], policy.flow[policy.rate_at[order]]
    for start in np.flatnonzero(np.diff(variable, prepend=-1)):
        own = flow[variable == variable[start]]
        exporters = [world._countries[i] for i in np.unique(own // J % N)]
        goods = [world._products[j] for j in np.unique(own % J)]
        where = (
            ("importer", str(world._countries[own[0] // (N * J)])),
            ("exporter", _selector(exporters)),
            ("product", _selector(goods)),
        )
        rate = float(np.expm1(x[variable[start]]))
        rules.append(Rule("tariff", where, (("set", rate),)))
    return Scenario(name, tuple(rules))


def _selector(labels: list[str]) -> Any:
    return str(labels[0]) if len(labels) == 1 else tuple(str(label) for label in labels)


def make_result(
    arena: Arena,
    kind: str,
    x: Floats,
    point: Point,
    payoffs: Floats,
    deviation: Floats,
    starts: pd.DataFrame,
    **info: Any,
) -> PolicyResult:
    """Put a result together."""
    import time

    chosen = []
    for player, part in zip(arena.players, arena.parts, strict=True):
        if isinstance(part, Rates):
            groups = int(part.group.max()) + 1
            chosen.append(
                f"{player} {groups} tariff rates from {part.low:g} to {part.high:g} on "
                f"{len(part.flow)} flows"
            )
        else:
            chosen.append(f"{player} {', '.join(i.name for i in part)}")
    evaluator = arena.payoff.evaluator
    info = {
        "seconds": time.perf_counter() - arena.started,
        "solves": evaluator.solves,
        "choice": "; ".join(chosen),
        **info,
    }
    return PolicyResult(
        kind,
        arena.players,
        arena.objective,
        arena.policy,
        x,
        evaluator.closure,
        payoffs,
        point.ln_welfare,
        deviation,
        starts,
        info,
        arena.payoff.goal,
    )
