"""SelfEnforcement: whether a deal holds by itself, and from which discount factor on."""

from __future__ import annotations

import html
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["SelfEnforcement", "numbers"]

Floats = NDArray[np.float64]

SHOWN = 1e-9  # of the largest payoff: less is printed as 0


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class SelfEnforcement:
    """Whether a deal holds by itself; made by `Payoffs.self_enforcing`.

    Parameters
    ----------
    deal, no_deal : two strategies
    table : DataFrame
        player deal deviation deviating no_deal discount_factor: payoffs of one period, the best
        deviation, and the least discount factor that keeps the player in (NaN: none does).
    discount_factor : float
        The larger of the two; NaN where none keeps both in.
    valid : bool
        No deal is an equilibrium of the stage game, so that the threat of it is credible.
    discount_factors, valids : arrays, shape (variants,)
    variants : tuple of str
    card : str
    """

    deal: tuple[str, str]
    no_deal: tuple[str, str]
    table: pd.DataFrame
    discount_factor: float
    valid: bool
    discount_factors: Floats
    valids: NDArray[np.bool_]
    variants: tuple[str, ...]
    card: str

    def verdict(self) -> str:
        """Say in a sentence whether the deal holds, and for which discount factors."""
        critical = self.discount_factor
        if np.isnan(critical):
            out = self.table.loc[self.table["discount_factor"].isna(), "player"]
            text = (
                f"{' and '.join(out)} would leave {self.deal} at any discount factor: it is no "
                "better than no deal, or not by enough"
            )
        elif critical == 0.0:
            text = f"{self.deal} holds at any discount factor: nobody gains from deviating"
        else:
            text = f"{self.deal} holds where both weigh the next period by {critical:.3f} or more"
        if not self.valid and critical == 0.0:
            text += (
                f"; no threat is needed, and that to return to {self.no_deal} would not be "
                "credible: it is no equilibrium of the stage game"
            )
        elif not self.valid:
            text += (
                f"; not valid: no deal {self.no_deal} is no equilibrium of the stage game, so that "
                "the threat to return to it is not credible"
            )
        if len(self.variants) > 1:
            good = self.discount_factors[self.valids & ~np.isnan(self.discount_factors)]
            needless = int((self.discount_factors == 0.0).sum())
            text += (
                f"; of {len(self.variants)} variants it needs no threat in {needless} and has a "
                f"valid one in {good.size}"
            )
            if good.size:
                text += f", critical from {good.min():.3f} to {good.max():.3f}"
        return text

    def __str__(self) -> str:
        table = self.table.set_index("player")
        unit = self.table.attrs["unit"]["deal"]
        columns = ["deal", "deviating", "no_deal"]
        table[columns] = numbers(table[columns])
        return f"{self.verdict()}\n{table.to_string()}\npayoffs: {unit}"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        table = self.table.set_index("player").to_html()
        return f"<p>{html.escape(self.verdict())}</p>{table}"


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Write numbers; what is nothing beside the largest is 0."""
    largest = float(table.abs().max().max())

    def text(value: float) -> str:
        if abs(value) <= SHOWN * largest:
            return "0"
        return f"{value:,.2f}" if abs(value) >= 0.1 else f"{value:.2g}"

    return table.map(text)
