"""Charts of a schedule: ``schedule.plot.timeline()`` gives matplotlib Axes."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tradewar.codes import country_name
from tradewar.errors import DataError
from tradewar.plot_pieces import BLUE, FAINT, GREEN, GREY, INK, ORANGE, RED, Frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tradewar.schedule import Schedule

__all__ = ["SchedulePlot"]

COLOURS = (RED, BLUE, GREEN, ORANGE, GREY)
LABEL = 34  # characters of an event's label
WIDE, HIGH = 150.0, 9.0  # points of page that a label takes


class SchedulePlot:
    """Charts of one schedule; every method takes ``ax=None``, draws on it and returns it."""

    __slots__ = ("_schedule",)

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule

    def timeline(
        self,
        *,
        weights: Any,
        start: Any = None,
        end: Any = None,
        pairs: Sequence[tuple[str, str]] | None = None,
        rule: Any = "exclusive",
        n: int = 5,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw average rates over time as step lines, with the largest steps labelled.

        Parameters
        ----------
        weights : TradeData or sequence of TradeData
            Trade to average with; one for each importer where they come from different tables.
        start, end : date, optional
            Default: from the first to the last change.
        pairs : sequence of (importer, exporter), optional
            Lines to draw; by default the pairs of the schedule's imposers that `weights` hold,
            at most five, the largest trade first.
        rule : as in `Schedule.rates`
        n : int, default 5
            Steps labelled in all, the largest changes.
        ax : Axes, optional

        Returns
        -------
        Axes
            Dates on x, per cent on y.
        """
        several = weights if isinstance(weights, list | tuple) else [weights]
        tables = [
            self._schedule.timeline(weights=w, start=start, end=end, rule=rule) for w in several
        ]
        table = pd.concat(tables, ignore_index=True)
        table = table.drop_duplicates(["date", "importer", "exporter"], keep="first")
        if not len(table):
            raise DataError("no rate changes between start and end for these flows")
        lines = list(pairs) if pairs is not None else self._largest(several, table)
        frame = Frame.make(ax, 9)
        ax = frame.ax
        labels: list[tuple[Any, float, str, str]] = []
        moves: list[tuple[float, Any, str]] = []
        ends: list[tuple[Any, float, str]] = []
        last = table["date"].max() if end is None else pd.Timestamp(end)
        for colour, (importer, exporter) in zip(COLOURS, lines, strict=False):
            mine = table[(table["importer"] == importer) & (table["exporter"] == exporter)]
            if not len(mine):
                raise DataError(f"no rate of {importer} on {exporter} changes in that time")
            days = [*mine["date"], max(last, mine["date"].iloc[-1])]
            level = 100 * np.append(mine["tariff"].to_numpy(), mine["tariff"].iloc[-1])
            name = f"{country_name(importer)} on {country_name(exporter)}"
            ax.step(days, level, where="post", color=colour, linewidth=1.8, label=name)
            ends.append((days[-1], float(level[-1]), colour))
            moved = mine.iloc[1:]  # the first is where the line starts
            largest = moved["tariff_change"].abs().sort_values(ascending=False, kind="stable")
            moves += [(float(largest[k]), mine.loc[k], colour) for k in largest.index[:n]]
        for _, step, colour in sorted(moves, key=lambda move: -move[0])[:n]:
            event = textwrap.shorten(step["event"], LABEL, placeholder="...")
            text = f"{event} {100 * step['tariff_change']:+.1f}"
            labels.append((step["date"], 100 * step["tariff"], text, colour))
        for side in ("top", "right", "left"):
            ax.spines[side].set_visible(False)
        ax.grid(axis="y", color="#E5E5E5", linewidth=0.8)
        ax.set_axisbelow(True)
        ax.tick_params(colors=FAINT, labelsize=8, length=0)
        ax.set_ylabel("Average duty, per cent", color=FAINT, fontsize=9)
        ax.legend(frameon=False, loc="upper left", fontsize=9)
        self._label(ax, labels, ends)
        basis = "; ".join(dict.fromkeys(t.attrs["weights"] for t in tables if len(t)))
        cut = f" As known on {self._schedule.date}." if self._schedule.date else ""
        frame.title(
            "Average duties over time",
            f"Statutory rates in force, stacking rule {tables[0].attrs['rule']!r}.{cut} Labels: "
            f"the {n} largest steps.",
            f"Weights: {basis}",
        )
        return ax

    def _largest(self, several: Sequence[Any], table: pd.DataFrame) -> list[tuple[str, str]]:
        """Choose the pairs with the largest trade."""
        known = set(zip(table["importer"], table["exporter"], strict=True))
        size: dict[tuple[str, str], float] = {}
        for data in several:
            flows = data.flows.groupby(["importer", "exporter"])["value"].sum()
            for pair, value in flows.items():
                if pair in known and pair[0] != pair[1]:
                    size.setdefault(pair, float(value))
        return sorted(size, key=lambda pair: -size[pair])[: len(COLOURS)]

    def _label(
        self,
        ax: Axes,
        steps: list[tuple[Any, float, str, str]],
        ends: list[tuple[Any, float, str]],
    ) -> None:
        """Name steps and last levels, each label moved up until it covers no other."""
        figure: Any = ax.figure
        figure.draw_without_rendering()  # so that data have their place on the page
        placed: list[tuple[float, float]] = []
        scale = 72.0 / figure.dpi
        place: Any = ax.convert_xunits
        below = -np.inf
        for day, level, colour in sorted(ends, key=lambda end: end[1]):
            y = scale * ax.transData.transform((place(day), level))[1]
            below = max(y, below + HIGH)
            ax.annotate(
                f"{level:.1f}",
                (day, level),
                xytext=(4.0, below - y),
                textcoords="offset points",
                color=colour,
                fontsize=9,
                va="center",
                annotation_clip=False,
            )
        for day, level, text, colour in sorted(steps, key=lambda step: step[1]):
            x, y = scale * ax.transData.transform((place(day), level))
            up = 4.0
            while any(abs(x - u) < WIDE and abs(y + up - v) < HIGH for u, v in placed):
                up += 2.0
            placed.append((x, y + up))
            ax.annotate(
                text,
                (day, level),
                xytext=(-8.0, up),
                textcoords="offset points",
                ha="right",
                va="bottom",
                fontsize=6.5,
                color=INK,
                annotation_clip=False,
                arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6},
            )
