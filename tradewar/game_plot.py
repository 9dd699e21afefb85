"""Charts of games: the payoff table, leverage bars, the frontier with deals on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tradewar._display import money_scale
from tradewar.codes import country_name
from tradewar.plot_pieces import BLUE, FAINT, GREEN, GREY, INK, ORANGE, RED, Frame, names_of, note

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tradewar.bargain_result import Bargain
    from tradewar.harm import Leverage
    from tradewar.payoff_table import Payoffs

__all__ = ["draw_bargain", "draw_leverage", "draw_payoffs"]

CELL = (1.9, 0.95)  # inches
LOSS, GAIN = "#D55E00", "#0072B2"


def _named(label: str, names: Mapping[str, str] | None) -> str:
    return (names or {}).get(label, str(country_name(label)))


def _text(value: float, largest: float) -> str:
    if abs(value) < 1e-6 * largest:
        value = 0.0
    digits = 0 if largest >= 100 else 1 if largest >= 10 else 2
    return f"{value:+,.{digits}f}".replace("-", "\N{MINUS SIGN}") if value else "0"


def draw_payoffs(
    game: Payoffs, *, unit: str | None, names: Mapping[str, str] | None, ax: Axes | None
) -> Axes:
    """Draw a payoff table as a heat map; see `Payoffs.plot`."""
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Polygon, Rectangle

    values, label = game._in_unit(unit)
    table = values[0]
    rows, columns = game.strategies
    if ax is None:
        import matplotlib.pyplot as plt

        size = (2.2 + CELL[0] * len(columns), 2.0 + CELL[1] * len(rows))
        _, made = plt.subplots(figsize=size, layout="constrained")
        frame = Frame(made, True)
    else:
        frame = Frame(ax, False)
    ax = frame.ax
    shades = LinearSegmentedColormap.from_list("loss_gain", [LOSS, "#FFFFFF", GAIN])
    largest = [float(np.abs(table[k]).max()) or 1.0 for k in (0, 1)]
    for r in range(len(rows)):
        for c in range(len(columns)):
            corners = ([(c, r), (c, r + 1), (c + 1, r + 1)], [(c, r), (c + 1, r), (c + 1, r + 1)])
            for k, place in enumerate(((c + 0.3, r + 0.74), (c + 0.7, r + 0.26))):
                value = float(table[k, r, c])
                colour = shades(0.5 + 0.4 * value / largest[k])
                ax.add_patch(Polygon(corners[k], facecolor=colour, edgecolor="white", lw=1.0))
                text = _text(value, max(largest))
                ax.text(*place, text, ha="center", va="center", fontsize=9, color=INK)
    found = game.equilibria()
    for r, c in found[list(game.players)].itertuples(index=False):
        corner = (columns.index(c) + 0.015, rows.index(r) + 0.015)
        ax.add_patch(Rectangle(corner, 0.97, 0.97, fill=False, edgecolor=INK, lw=2.2))
    ax.set_xlim(0, len(columns))
    ax.set_ylim(len(rows), 0)
    for axis, labels in ((ax.xaxis, columns), (ax.yaxis, rows)):
        axis.set_ticks(np.arange(len(labels)) + 0.5)
        axis.set_ticklabels([(names or {}).get(s, s) for s in labels], fontsize=9)
        axis.set_tick_params(length=0)
    first, second = (_named(player, names) for player in game.players)
    ax.set_ylabel(first, color=INK, fontsize=9)
    for side in ax.spines.values():
        side.set_visible(False)
    outlined = "outlined: equilibria" if len(found) else "no equilibrium in pure strategies"
    where = "Payoffs" if label == "payoff" else f"Change in welfare, {label}"
    frame.title(
        f"{first} against {second}",
        f"{where}; {first}: rows, lower left; {second}: columns, upper right. Blue is a gain, "
        f"orange a loss against the status quo; {outlined}.",
        game.basis if game.basis.endswith(".") else f"Source: {game.basis}.",
    )
    return ax


def draw_leverage(result: Leverage, *, names: Mapping[str, str], ax: Axes | None) -> Axes:
    """Draw leverage bars; see `Leverage.plot`."""
    table = result.table
    scale = money_scale(result.value_unit, float(np.abs(result.ev[0]).max()))
    frame = Frame.make(ax, 1.7 * len(table))
    ax = frame.ax
    place = np.arange(len(table))
    ends = []
    for shift, side, colour, who in (
        (-0.2, "other", ORANGE, result.other),
        (0.2, "own", BLUE, result.own),
    ):
        value = table[f"{side}_ev"].to_numpy() / scale.divisor
        low, high = (table[f"{side}_{end}"].to_numpy() / scale.divisor for end in ("low", "high"))
        ax.barh(place + shift, value, color=colour, height=0.36, label=_named(who, names))
        if len(result.variants) > 1:
            ax.hlines(place + shift, low, high, color=INK, linewidth=1.2)
        for y, (x, a, b) in enumerate(zip(value, low, high, strict=True)):
            note(ax, a if x < 0 else b, y + shift, _text(x, float(np.abs(value).max())))
        ends += [low, high]
    frame.dress([names.get(n, n) for n in table["instrument"]], f"Change in welfare, {scale.unit}")
    least, most = min(0.0, float(np.min(ends))), max(0.0, float(np.max(ends)))
    room = 0.16 * ((most - least) or 1.0)
    ax.set_xlim(least - room, most + room)
    ranges = (
        f"; lines: range over {len(result.variants)} variants" if len(result.variants) > 1 else ""
    )
    own, other = (names.get(who) or names_of([who]) for who in (result.own, result.other))
    frame.title(
        f"What {own} can do to {other}, and at what cost to itself",
        f"Equivalent variation a year at each instrument's stated size{ranges}.",
        result.basis,
    )
    ax.legend(frameon=False, loc="best", fontsize=8)
    return ax


def draw_bargain(
    result: Bargain, *, deals: Mapping[str, Any], names: Mapping[str, str], ax: Axes | None
) -> Axes:
    """Draw the frontier, the threat point, the agreement and deals; see `Bargain.plot`."""
    from tradewar.bargaining import payoffs_of
    from tradewar.policy_result import closure_text

    first, second = result._two()
    frontier = result.frontier()
    frame = Frame.make(ax, 9.0)
    ax = frame.ax
    x, y = (100.0 * frontier[f"payoff_{p}"].to_numpy() for p in (first, second))
    ax.plot(
        x, y, color=INK, linewidth=1.8, label="Frontier: no more for one without less", zorder=2
    )
    one = result._one
    marks = [
        ("No deal", result.threat, RED, "X"),
        ("Nash bargain", result.agreement.payoffs, GREEN, "o"),
    ]
    marks += [
        (label, payoffs_of(result.arena, deal, "deal")[0], colour, "D")
        for (label, deal), colour in zip(
            deals.items(), [BLUE, ORANGE, GREY] * (1 + len(deals)), strict=False
        )
    ]
    for label, payoffs, colour, marker in marks:
        a, b = 100.0 * (payoffs - one)
        ax.plot([a], [b], linestyle="", marker=marker, color=colour, markersize=8, label=label,
                zorder=3)  # fmt: skip
        ax.annotate(label, (a, b), xytext=(7, 5), textcoords="offset points", fontsize=8, color=INK)
    a, b = 100.0 * (result.threat - one)
    ax.axvline(a, color=GREY, linewidth=0.8, linestyle=":")
    ax.axhline(b, color=GREY, linewidth=0.8, linestyle=":")
    ax.set_xlabel(f"Change in welfare of {_named(first, names)}, percent", color=FAINT, fontsize=9)
    ax.set_ylabel(f"Change in welfare of {_named(second, names)}, percent", color=FAINT, fontsize=9)
    ax.tick_params(colors=FAINT, labelsize=8)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    frame.title(
        "Which deals both prefer to no deal",
        "Welfare of both against the status quo; above and right of the dotted lines both gain "
        f"over no deal ({result.threat_name}).",
        closure_text(result.arena.world, result.outcome.closure),
    )
    ax.legend(frameon=False, loc="best", fontsize=8)
    return ax
