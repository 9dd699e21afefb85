"""SecondOrder: whether a chosen policy is a strict local maximum, and how flat it is around it."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar.climb import TOP
from tradewar.errors import DataError
from tradewar.game_hessian import Shape, shape_of
from tradewar.game_problem import Evaluator, Payoff
from tradewar.running import check_count

if TYPE_CHECKING:
    from tradewar.policy_result import PolicyResult
    from tradewar.policy_space import Policy

__all__ = ["SecondOrder", "second_order"]

Floats = NDArray[np.float64]

SURE = 1e-3  # scaled eigenvalue: one nearer to 0 is not told from 0
LOSS = 1e-6  # of the payoff, for the reach of a direction
SHOWN = 3  # variables of a direction
STATIONARY = 2.0 * TOP  # scaled slope that a search may leave
TOGETHER = {
    "cooperation": "players cooperate against that: see gain_from_deviating",
    "bargain": "players agree against that: see gain_from_deviating of the Bargain",
}
VERDICTS = ("strict maximum", "flat", "no maximum")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class SecondOrder:
    """Second-order conditions at chosen policies; made by `PolicyResult.second_order`.

    Attributes
    ----------
    table : DataFrame
        One row a player.  Index player; verdict ("strict maximum", "flat", "no maximum"), slope
        (largest projected scaled slope of its payoff), curvature (the largest scaled eigenvalue),
        free (variables between their bounds), held (by a bound), too_small (to matter to the
        payoff: set aside), products (of the Hessian with a vector; two equilibria each).
    directions : DataFrame
        player direction curvature reach variable part: for each of the flattest directions its
        scaled eigenvalue, how far the variable that moves most can go (change in ln(1 + t), or of
        a size) until the payoff has changed by 1e-6, and the variables with the largest parts of
        it (squares of scaled components, which sum to 1 over all).
    """

    table: pd.DataFrame
    directions: pd.DataFrame

    @property
    def verdict(self) -> str:
        """The weakest of the players' verdicts."""
        return max(self.table["verdict"], key=VERDICTS.index)

    def __str__(self) -> str:
        shown = self.table.copy()
        shown["slope"] = shown["slope"].map("{:.0e}".format)
        shown["curvature"] = shown["curvature"].map("{:.3f}".format)
        return f"Second-order conditions: {self.verdict}\n{shown.to_string()}"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        heading = html.escape(f"Second-order conditions: {self.verdict}")
        return f"<p>{heading}</p>{self.table.to_html()}"


def second_order(result: PolicyResult, count: int) -> SecondOrder:
    """See `PolicyResult.second_order`."""
    if result.kind in TOGETHER:
        raise DataError(
            "second_order: asks whether each player's own choice is best for it; "
            f"{TOGETHER[result.kind]}"
        )
    check_count("k", count, "")
    if result.goal is None:
        raise DataError("second_order: the result does not say what players want: solve it anew")
    policy = result.policy
    evaluator = Evaluator(policy.world, result.closure, wanted=policy.wanted)
    payoff = Payoff(evaluator, policy, result.goal)
    found = [shape_of(payoff, m, result.x, count) for m in range(len(result.players))]
    return write(found, policy, result.players)


def write(found: list[Shape], policy: Policy, players: tuple[str, ...]) -> SecondOrder:
    """Put the shapes of players into tables."""
    rows = [
        (
            player,
            verdict_of(shape),
            shape.slope,
            float(shape.values[0]) if len(shape.values) else np.nan,
            int(shape.free.sum()),
            int(shape.held.sum()),
            int(shape.small.sum()),
            shape.products,
        )
        for player, shape in zip(players, found, strict=True)
    ]
    columns = ["verdict", "slope", "curvature", "free", "held", "too_small", "products"]
    table = pd.DataFrame(rows, columns=["player", *columns]).set_index("player")
    table.attrs["unit"] = {"slope": "scaled", "curvature": "scaled"}
    parts = [
        (player, k + 1, float(value), *row)
        for player, shape in zip(players, found, strict=True)
        for k, value in enumerate(shape.values)
        for row in _moved(policy, shape, k)
    ]
    columns = ["player", "direction", "curvature", "reach", "variable", "part"]
    directions = pd.DataFrame(parts, columns=columns)
    directions.attrs["unit"] = {
        "curvature": "scaled",
        "reach": "ln(1 + t) or size",
        "part": "fraction",
    }
    return SecondOrder(table, directions)


def verdict_of(shape: Shape) -> str:
    """Read a shape: where slope or an eigenvalue is above 0, a step makes the player better off.

    Bounds that slopes press against hold a strict maximum by themselves.  Variables that are too
    small to matter are left out, unless nothing else is left to judge by.
    """
    if len(shape.values):
        top = float(shape.values[0])
    else:
        top = -np.inf if shape.held.any() and not shape.small.any() else 0.0
    if shape.slope > STATIONARY or top > SURE:
        return "no maximum"
    return "strict maximum" if top < -SURE else "flat"


def _moved(policy: Policy, shape: Shape, k: int) -> list[tuple[float, str, float]]:
    """Give reach, name and part of the variables that a direction moves most."""
    direction = shape.directions[k]
    curved = max(abs(float(shape.values[k])), 1e-300)
    reach = float(np.sqrt(2.0 * LOSS / curved) * np.abs(direction).max())
    order = np.argsort(-shape.parts[k], kind="stable")[:SHOWN]
    return [(reach, policy.name(int(v)), float(shape.parts[k][v])) for v in order if shape.free[v]]
