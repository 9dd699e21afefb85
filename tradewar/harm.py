"""Leverage: what an instrument costs the other side, and what it costs oneself."""

from __future__ import annotations

import html
import textwrap
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar._display import Card, money_scale
from tradewar.closures import Variant, make_closure, variants
from tradewar.errors import ScenarioError
from tradewar.game_problem import Evaluator, money_of
from tradewar.goals import find_players
from tradewar.instruments import Instrument, read_instruments
from tradewar.payoff_table import CANNOT_PRICE
from tradewar.policy_result import closure_text
from tradewar.running import threads_of
from tradewar.scenario import Scenario
from tradewar.world import World

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Leverage", "leverage"]

Floats = NDArray[np.float64]

SMALL = 0.01  # size at which the marginal pair is taken
MARGINAL_TOL = 1e-12  # residual of markets there
NO_CHANGE = 1e-9  # fraction of welfare: less is neither harm nor gain


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Leverage:
    """Harm done and harm suffered by instrument; made by `leverage`, immutable, pickles.

    Attributes
    ----------
    own, other : str
    names : tuple of str
        Instruments, in the order given.
    ev : float array, shape (variants, instruments, 2)
        Money EV of own and other at full size, `value_unit`; the first variant is the base.
    marginal : float array, shape (instruments, 2)
        d EV / d size at 0; NaN where an instrument has no size.
    welfare : float array, shape (instruments, 2), fractions
    variants : tuple of str
    value_unit, basis : str
    info : dict
    """

    own: str
    other: str
    names: tuple[str, ...]
    ev: Floats
    marginal: Floats
    welfare: Floats
    variants: tuple[str, ...]
    value_unit: str
    basis: str
    info: dict[str, Any] = field(default_factory=dict)

    @property
    def table(self) -> pd.DataFrame:
        """Give both sides' money EV by instrument, the largest harm to the other first.

        Returns
        -------
        DataFrame
            instrument, own_ev, other_ev (`value_unit`, negative is harm), their range over
            variants (own_low own_high other_low other_high), ratio (harm to the other over own
            harm; NaN unless both are harmed), own_marginal, other_marginal (EV of the first
            percent of the size), marginal_ratio, and note.  An own gain means that the instrument
            is within the range of an optimal tariff; a ratio says nothing there.
        """
        base = self.ev[0]
        frame = pd.DataFrame(
            {
                "instrument": self.names,
                "own_ev": base[:, 0],
                "other_ev": base[:, 1],
                "own_low": self.ev[:, :, 0].min(axis=0),
                "own_high": self.ev[:, :, 0].max(axis=0),
                "other_low": self.ev[:, :, 1].min(axis=0),
                "other_high": self.ev[:, :, 1].max(axis=0),
                "ratio": _ratio(base),
                "own_marginal": 0.01 * self.marginal[:, 0],
                "other_marginal": 0.01 * self.marginal[:, 1],
                "marginal_ratio": _ratio(self.marginal),
                "note": [self._note(k) for k in range(len(self.names))],
            }
        )
        money = [c for c in frame.columns if c not in ("instrument", "note", "ratio",
                                                       "marginal_ratio")]  # fmt: skip
        frame = frame.sort_values("other_ev", kind="stable", ignore_index=True)
        frame.attrs["unit"] = dict.fromkeys(money, self.value_unit) | {
            "ratio": "pure number",
            "marginal_ratio": "pure number",
        }
        frame.attrs["card"] = str(self.card)
        return frame

    def _note(self, k: int) -> str:
        own, other = self.welfare[k]
        if own > NO_CHANGE:
            return f"{self.own} gains: within the range of an optimal tariff, no sacrifice"
        if other > NO_CHANGE:
            return f"{self.other} is not harmed: no leverage"
        if np.isnan(self.marginal[k]).any():
            return "no marginal pair: the instrument has no size"
        return ""

    def plot(self, *, names: Mapping[str, str] | None = None, ax: Axes | None = None) -> Axes:
        """Draw the pair of bars of each instrument, with ranges over variants.

        Parameters
        ----------
        names : mapping, optional
            Names of instruments and countries to show.
        ax : Axes, optional

        Returns
        -------
        Axes
        """
        from tradewar.game_plot import draw_leverage

        return draw_leverage(self, names=names or {}, ax=ax)

    @property
    def card(self) -> Card:
        """What was assumed, and what such a model cannot price."""
        many = len(self.variants)
        lines = [
            f"Leverage of {self.own} over {self.other}: {self.basis}",
            "Money equivalent variation against the baseline, at each instrument's stated size; "
            "marginal pairs are those of the first percent of it.",
            f"Ranges: {many} variants: {', '.join(self.variants)}."
            if many > 1
            else "Ranges: none computed.",
            CANNOT_PRICE,
        ]
        wrap = textwrap.TextWrapper(100, subsequent_indent="  ")
        return Card("\n".join(wrap.fill(line) for line in lines))

    def _printed(self) -> pd.DataFrame:
        table = self.table
        scale = money_scale(self.value_unit, float(np.abs(self.ev[0]).max()))
        out = pd.DataFrame(index=pd.Index(table["instrument"], name="instrument"))
        for name, column in ((self.own, "own"), (self.other, "other")):
            values = table[f"{column}_ev"].map(scale.number)
            if len(self.variants) > 1:
                low, high = (table[f"{column}_{end}"].map(scale.number) for end in ("low", "high"))
                values = values + " [" + low + ", " + high + "]"
            out[f"{name}, {scale.unit}"] = values.to_numpy()
        out["ratio"] = table["ratio"].map(lambda x: "" if np.isnan(x) else f"{x:.2f}").to_numpy()
        out["note"] = table["note"].to_numpy()
        return out

    def _heading(self) -> str:
        return f"Leverage of {self.own} over {self.other}: money EV of both"

    def __str__(self) -> str:
        return f"{self._heading()}\n{self._printed().to_string()}"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self._heading())}</p>{self._printed().to_html()}"


def _ratio(pair: Floats) -> Floats:
    """Give the other's harm over the own, NaN unless both are harmed."""
    out = np.full(len(pair), np.nan)
    both = (pair < 0.0).all(axis=1)
    out[both] = pair[both, 1] / pair[both, 0]
    return out


def leverage(
    world: World,
    *,
    own: str,
    other: str,
    instruments: Mapping[str, Scenario | Instrument],
    elasticities: Mapping[str, Any] | None = None,
    closures: Mapping[str, Mapping[str, Any]] | Sequence[str] | None = None,
    deficits: str = "fixed",
    revenue: str = "lump_sum",
    labour_supply: float = 0.0,
    va_substitution: float = 1.0,
    input_substitution: float = 1.0,
    final_substitution: float = 1.0,
    threads: int | None = None,
) -> Leverage:
    """Rank a country's instruments by what they cost the other side and itself.

    Parameters
    ----------
    world : World
    own, other : str
        Who uses the instruments, and against whom.
    instruments : mapping of names to scenarios or Instruments
        Each at its stated size, say ``{"rare earths -50 %": scn}``.
    elasticities, closures : optional
        Ranges; as in `payoffs`.
    deficits, revenue, labour_supply, va_substitution, input_substitution, final_substitution
        Closure of the base; as in `solve_ge`.  Substitution near 0 shows bottlenecks.
    threads : int, optional

    Returns
    -------
    Leverage
        `table`: money EV of both at the stated size, then the marginal pair; the ratio only where
        both are harmed.

    Raises
    ------
    ScenarioError
        An unknown country, the same on both sides, or an instrument that touches nothing.
    """
    begun = time.perf_counter()
    closure = make_closure(
        {
            "deficits": deficits,
            "revenue": revenue,
            "labour_supply": labour_supply,
            "va_substitution": va_substitution,
            "input_substitution": input_substitution,
            "final_substitution": final_substitution,
        }
    )
    found = variants(world, closure, elasticities, closures)
    places = find_players(world, [own, other], least=2)
    listed = read_sized(instruments)
    count = threads_of(threads)
    ev = np.empty((len(found), len(listed), 2))
    welfare = np.empty((len(listed), 2))
    for v, variant in enumerate(found):
        change = _changes(variant, [full for _, full, _ in listed], count)[:, places]
        ev[v] = change * money_of(variant.world, variant.closure)[places]
        welfare = change if v == 0 else welfare
    marginal = _marginal(found[0], [sized for _, _, sized in listed], count)[:, places]
    marginal *= money_of(found[0].world, closure)[places]
    return Leverage(
        own,
        other,
        tuple(name for name, _, _ in listed),
        ev,
        marginal,
        welfare,
        tuple(variant.label for variant in found),
        world.value_unit,
        closure_text(found[0].world, closure),
        {"seconds": time.perf_counter() - begun},
    )


def read_sized(given: Any) -> list[tuple[str, Scenario, Instrument | None]]:
    """Read instruments: name, scenario at full size, and the Instrument where it has a size."""
    if not isinstance(given, Mapping) or not given:
        raise ScenarioError("instruments: give a mapping of names to scenarios or Instruments")
    out: list[tuple[str, Scenario, Instrument | None]] = []
    for name, item in given.items():
        if isinstance(item, Instrument):
            if item.rate_of is not None:
                raise ScenarioError(
                    f"instrument {str(name)!r} is a rate without a stated size: give the scenario"
                )
            out.append((str(name), item.at(item.high), item))
            continue
        try:
            [sized] = read_instruments({name: item}, "instruments")
        except ScenarioError as error:
            if not isinstance(item, Scenario) or "has no size" not in str(error):
                raise
            out.append((str(name), item, None))
        else:
            out.append((str(name), item, sized))
    return out


def _changes(
    variant: Variant, scenarios: Sequence[Scenario], threads: int, tol: float | None = None
) -> Floats:
    """Give the change in welfare of all countries, [scenario, country]."""
    evaluator = Evaluator(variant.world, variant.closure)
    if tol is not None:
        evaluator.tol = tol
    batch = []
    for scenario in scenarios:
        try:
            batch.append(evaluator.read(scenario))
        except ScenarioError as error:
            raise ScenarioError(f"instrument {scenario.name!r}: {error}") from None
    names = [scenario.name for scenario in scenarios]
    return evaluator.relative_welfare(batch, threads=threads, names=names)


def _marginal(variant: Variant, instruments: Sequence[Instrument | None], threads: int) -> Floats:
    """Differentiate welfare by the size at 0: one-sided, the second order removed."""
    out = np.full((len(instruments), len(variant.world._countries)), np.nan)
    sized = [(k, i) for k, i in enumerate(instruments) if i is not None and i.low == 0.0]
    if sized:
        steps = [min(SMALL, i.high) for _, i in sized]
        ends = [i.at(h) for (_, i), h in zip(sized, steps, strict=True)]
        middles = [i.at(0.5 * h) for (_, i), h in zip(sized, steps, strict=True)]
        change = _changes(variant, [*ends, *middles], threads, MARGINAL_TOL)
        end, middle = change[: len(sized)], change[len(sized) :]
        step = np.array(steps)[:, None]
        out[[k for k, _ in sized]] = (4.0 * middle - end) / step
    return out
