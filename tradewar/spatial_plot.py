"""Charts of a spatial equilibrium: ``result.plot.<name>()`` gives matplotlib Axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tradewar.codes import country_name
from tradewar.plot_pieces import BLUE, GREY, INK, ORANGE, Frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tradewar.spatial_result import SpatialResult

__all__ = ["SpatialPlot"]


class SpatialPlot:
    """Charts of one result; every method takes ``ax=None``, draws on it and returns it."""

    __slots__ = ("_result",)

    def __init__(self, result: SpatialResult) -> None:
        self._result = result

    def prices(self, *, base: SpatialResult | None = None, ax: Axes | None = None) -> Axes:
        """Draw producer and buyer prices by country, and where they were.

        Parameters
        ----------
        base : SpatialResult, optional
            Baseline, drawn as hollow marks with a line to the new price.
        ax : Axes, optional

        Returns
        -------
        Axes
        """
        res = self._result
        table = res.prices
        old = None if base is None else base.prices.reindex(table.index)
        frame = Frame.make(ax, len(table) + 1.5)
        ax = frame.ax
        place = np.arange(len(table))
        for column, shift, colour, marker, label in (
            ("producer_price", -0.14, ORANGE, "o", "Producers receive"),
            ("buyer_price", 0.14, BLUE, "s", "Buyers pay"),
        ):
            new = table[column].to_numpy()
            was = new if old is None else old[column].to_numpy()
            if old is not None:
                ax.hlines(place + shift, was, new, color=colour, linewidth=2.0, alpha=0.5)
                ax.plot(
                    was,
                    place + shift,
                    linestyle="",
                    marker=marker,
                    markersize=6,
                    markerfacecolor="white",
                    markeredgecolor=colour,
                )
            ax.plot(
                new,
                place + shift,
                linestyle="",
                marker=marker,
                color=colour,
                label=label,
                markersize=6,
            )
            for y, value, before in zip(place + shift, new, was, strict=True):
                if np.isfinite(value):
                    fell = value < before
                    ax.annotate(
                        f"{value:,.4g}",
                        (value, y),
                        xytext=(-7 if fell else 7, 0),
                        textcoords="offset points",
                        ha="right" if fell else "left",
                        va="center",
                        fontsize=8,
                        color=INK,
                    )
        if old is not None:
            ax.plot([], [], linestyle="", marker="o", color=GREY, label="Before", mfc="white")
        frame.dress([country_name(label) for label in table.index], _axis("Price", res.price_unit))
        ax.axvline(0.0, color="white", linewidth=1.5)  # prices need no zero line
        shown = [table["producer_price"], table["buyer_price"]]
        shown += [] if old is None else [old["producer_price"], old["buyer_price"]]
        values = np.concatenate([column.to_numpy() for column in shown])
        values = values[np.isfinite(values)]
        low, high = float(values.min()), float(values.max())
        room = 0.12 * (high - low) or 0.1 * abs(high) or 1.0
        ax.set_xlim(low - 1.6 * room, high + 1.6 * room)
        ax.spines["bottom"].set_color(GREY)
        lead = "hollow marks: before" if base is not None else "what is paid and what is received"
        frame.title(
            "Prices by country",
            f"{res.name}: {lead}. On a route in use they differ by transport, duty and the rent "
            "of a limit.",
            f"Spatial equilibrium of one good; supply {res.supply.form}, demand {res.demand.form}.",
        )
        ax.legend(frameon=False, loc="best", fontsize=8)
        return ax


def _axis(what: str, unit: str) -> str:
    return f"{what}, {unit}" if unit else what
