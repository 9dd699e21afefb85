"""Charts of product-level results: ``result.plot.<name>()`` gives matplotlib Axes.

Every bar is a number of the table it is drawn from, divided by the unit on the axis.  matplotlib
is imported when a chart is made; its settings are left alone and nothing is shown or saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from tradewar._display import money_scale, percent
from tradewar.errors import DataError
from tradewar.pe_trade import price_changes, select
from tradewar.plot_pieces import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    RED,
    Frame,
    bars,
    basis_text,
    draw_gains,
    label_of,
    labels_of,
    make_room,
    names_of,
    note,
    number_text,
    parties,
    product_labels,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tradewar.pe_result import PEResult, Selectors

__all__ = ["PEPlot"]

_PARTS = {
    "buyers": ("Buyers", BLUE),
    "exporters": ("Exporters", ORANGE),
    "lost_old_revenue": ("Old duty on the change in trade", GREY),
    "trade_cost": ("Other trade costs", GREEN),
    "licence_rent": ("Licence holders", RED),
}
_RECEIVERS = {
    "importer_firms": "Importing firms ({importer})",
    "importer_state": "Importing state ({importer})",
    "exporter_firms": "Exporting firms ({exporter})",
    "exporter_state": "Exporting state ({exporter})",
    "waste": "Nobody (wasted)",
}


class PEPlot:
    """Charts of one result; see the methods.

    Every method takes ``ax=None`` (new figure if left out), draws on it and returns it.
    """

    __slots__ = ("_result",)

    def __init__(self, result: PEResult) -> None:
        self._result = result

    def diversion(
        self,
        *,
        importer: Selectors = None,
        exporter: Selectors = None,
        n: int = 10,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw who replaces the target: its loss, by who gains and what is no longer bought.

        Parameters
        ----------
        importer, exporter : selectors, optional
            As in `PEResult.diversion`, whose volume_change is drawn.
        n : int, default 10
            Origins shown; the rest are one bar.
        ax : Axes, optional

        Returns
        -------
        Axes
        """
        res = self._result
        table = res.diversion(importer=importer, exporter=exporter)
        buyers, sellers = parties(res, importer, exporter)
        who, where = names_of(sellers), names_of(buyers)
        title, closing = f"Who replaces {who}'s lost sales in {where}", "No longer bought"
        if table["exporter"].iloc[-1] == "lost import demand":
            closing = "No longer imported (home goods or nothing)"
        if table.attrs["loss"] < 0:
            title, closing = f"Who makes room for {who}'s new sales in {where}", "Newly bought"
        return draw_gains(
            res,
            table,
            key="exporter",
            n=n,
            title=title,
            closing=closing,
            who=f"{who} sells",
            axis="Change in sales at the buyer prices of the baseline",
            ax=ax,
        )

    def deflection(
        self,
        *,
        importer: Selectors = None,
        exporter: Selectors = None,
        n: int = 10,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw where the target's lost exports go, and what is no longer produced for sale.

        Parameters
        ----------
        importer, exporter : selectors, optional
            As in `PEResult.deflection`, whose volume_change is drawn.
        n : int, default 10
            Destinations shown; the rest are one bar.
        ax : Axes, optional

        Returns
        -------
        Axes
        """
        res = self._result
        table = res.deflection(importer=importer, exporter=exporter)
        buyers, sellers = parties(res, importer, exporter)
        who, where = names_of(sellers), names_of(buyers)
        title = f"Where {who}'s lost exports to {where} go"
        closing = "Sold nowhere (supply cut)"
        if table.attrs["loss"] < 0:
            title = f"Where {who}'s new exports to {where} come from"
            closing = "New supply"
        return draw_gains(
            res,
            table,
            key="importer",
            n=n,
            title=title,
            closing=closing,
            who=f"{who} sells {where}",
            axis="Change in sales at the producer prices of the baseline",
            ax=ax,
        )

    def incidence(
        self,
        by: Literal["total", "product", "importer", "exporter"] = "total",
        *,
        n: int = 10,
        names: Mapping[str, str] | pd.Series | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw who pays: the parts of the change in duty, which add up to it.

        Parameters
        ----------
        by : {"total", "product", "importer", "exporter"}
            One bar a part, or one stacked bar for each group.
        n : int, default 10
            Groups shown, those with the largest change in duty.
        names : mapping or Series, optional
            Names of products by code or HS prefix, such as ``tw.datasets.chapter_names()``.
        ax : Axes, optional

        Returns
        -------
        Axes

        Raises
        ------
        DataError
            No tariff changed.
        """
        table = self._result.incidence(by).dropna(subset=["revenue_change"])
        if table.empty:
            raise DataError("no tariff changed in a product that was solved: nobody pays more")
        parts = {name: part for name, part in _PARTS.items() if (table[name] != 0).any()}
        if by == "total":
            return self._incidence_total(table.iloc[0], parts, ax)
        largest = table["revenue_change"].abs().sort_values(ascending=False, kind="stable").index
        table = table.loc[largest[:n]]
        labels = product_labels(table[by], names) if by == "product" else labels_of(table[by])
        return self._incidence_groups(table, by, labels, parts, ax)

    def _incidence_total(
        self, row: pd.Series, parts: dict[str, tuple[str, str]], ax: Axes | None
    ) -> Axes:
        res = self._result
        parts = {"buyers": _PARTS["buyers"], "exporters": _PARTS["exporters"], **parts}
        names = [*parts, "revenue_change"]
        lead = f"Buyers bear {percent(row['importer_share'])} of it on the trade that remains"
        if np.isinf(res.supply.values).all():
            lead += ", by assumption: supply is infinite"
        ax = bars(
            res,
            [*(label for label, _ in parts.values()), "Change in duty collected"],
            np.array([row[name] for name in names], dtype=float),
            [*(colour for _, colour in parts.values()), INK],
            title="Who bears the change in duty",
            lead=f"{lead}; the parts add up to the last bar",
            axis="Change against the baseline",
            ax=ax,
        )
        ax.axhline(len(parts) - 0.5, color=GREY, linewidth=0.8)
        return ax

    def _incidence_groups(
        self,
        table: pd.DataFrame,
        by: str,
        labels: list[str],
        parts: dict[str, tuple[str, str]],
        ax: Axes | None,
    ) -> Axes:
        res = self._result
        scale = money_scale(res.data.value_unit, float(table[list(parts)].abs().max().max()))
        frame = Frame.make(ax, len(table) + 1)
        ax = frame.ax
        place = np.arange(len(table))
        up, down = np.zeros(len(table)), np.zeros(len(table))
        for name, (label, colour) in parts.items():
            width = table[name].to_numpy() / scale.divisor
            start = np.where(width >= 0, up, down)
            ax.barh(place, width, left=start, color=colour, height=0.7, label=label)
            up, down = up + np.maximum(width, 0), down + np.minimum(width, 0)
        total = table["revenue_change"].to_numpy() / scale.divisor
        label = "Change in duty collected"
        ax.plot(total, place, linestyle="", marker="D", color=INK, markersize=5, label=label)
        frame.dress(labels, f"Change against the baseline, {scale.unit}")
        make_room(ax, up, down, 0.03)
        which = {"product": "products", "importer": "importers", "exporter": "exporters"}[by]
        lead = f"the {which} with the largest change; the bars add up to the diamond"
        title = f"Who bears the change in duty, by {by}"
        frame.title(title, f"{res.scenario.name}: {lead}.", basis_text(res))
        ax.legend(frameon=False, loc="lower right", fontsize=8)
        return ax

    def products(
        self,
        n: int = 10,
        *,
        importer: Selectors = None,
        exporter: Selectors = None,
        names: Mapping[str, str] | pd.Series | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw trade before and after in the products that move most.

        Parameters
        ----------
        n : int, default 10
            Products shown, by size of the change in value (`PEResult.top`).
        importer, exporter : selectors, optional
            Flows to count; by default between the countries whose flows the scenario changes.
        names : mapping or Series, optional
            Names of products by code or HS prefix, such as ``tw.datasets.chapter_names()``.
        ax : Axes, optional

        Returns
        -------
        Axes
        """
        res = self._result
        buyers, sellers = parties(res, importer, exporter)
        table = res.top(n, importer=buyers, exporter=sellers)
        old, new = table["value"].to_numpy(), table["value_new"].to_numpy()
        scale = money_scale(res.data.value_unit, float(max(old.max(), new.max())))
        frame = Frame.make(ax, 1.3 * len(table))
        ax = frame.ax
        place = np.arange(len(table))
        ax.barh(place - 0.2, old / scale.divisor, color=GREY, height=0.36, label="Before")
        ax.barh(place + 0.2, new / scale.divisor, color=BLUE, height=0.36, label="After")
        for y in place:
            for shift, value in ((-0.2, old[y]), (0.2, new[y])):
                text = number_text(value / scale.divisor, float(old.max()) / scale.divisor)
                if shift > 0 and old[y] > 0:
                    change = (value - old[y]) / old[y]
                    text += f" ({'+' if change > 0 else ''}{percent(change)})"
                note(ax, value / scale.divisor, y + shift, text)
        frame.dress(product_labels(table["product"], names), f"Value at the border, {scale.unit}")
        make_room(ax, np.maximum(old, new) / scale.divisor, np.zeros(1), 0.14)
        which = (
            f"The {len(table)} products that move" if len(table) > 1 else "The product that moves"
        )
        title = f"{which} most: what {names_of(buyers)} buys from {names_of(sellers)}"
        frame.title(title, f"{res.scenario.name}: imports before and after.", basis_text(res))
        ax.legend(frameon=False, loc="lower right", fontsize=8)
        return ax

    def rents(self, *, ax: Axes | None = None) -> Axes:
        """Draw who gets the rents of quantity controls.

        Parameters
        ----------
        ax : Axes, optional

        Returns
        -------
        Axes
            One bar for each receiver of `PEResult.rents` that gets or pays anything.

        Raises
        ------
        DataError
            No control binds: there is no rent.
        """
        res = self._result
        table = res.rents()
        parts = {name: float(table[name].sum()) for name in _RECEIVERS}
        parts = {name: amount for name, amount in parts.items() if amount != 0.0}
        if not parts:
            raise DataError("no quantity control binds: there is no rent to draw")
        sides = {name: names_of(sorted(set(table[name]))) for name in ("importer", "exporter")}
        labels = [
            _RECEIVERS[name].format(**sides) if name != "waste" else _RECEIVERS[name]
            for name in parts
        ]
        total = sum(parts.values())
        amount = money_scale(res.data.value_unit, abs(total)).text(abs(total))
        return bars(
            res,
            labels,
            np.array(list(parts.values())),
            [BLUE if value > 0 else RED for value in parts.values()],
            title="Who gets the rents",
            lead=f"limits on quantities make rents of {amount} in all",
            axis="Rent a year, at the quantities and prices after",
            ax=ax,
        )

    def prices(
        self,
        *,
        importer: Selectors = None,
        exporter: Selectors = None,
        product: Selectors = None,
        n: int = 10,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw what buyers pay more to each origin, and for the composite good.

        Parameters
        ----------
        importer, exporter, product : selectors, optional
            As in `PEResult.diversion`.
        n : int, default 10
            Origins shown, the largest at the baseline.
        ax : Axes, optional

        Returns
        -------
        Axes
            Changes in buyer prices, averaged over flows with baseline spending; the last bar is
            the composite price.
        """
        res = self._result
        table = price_changes(res, select(res, importer, exporter, product))
        total = table[table["role"] == "composite"]
        rows = table[table["role"] != "composite"].nlargest(n, "expenditure")
        rows = pd.concat([rows, total])
        values = 100.0 * rows["price_change"].to_numpy()
        frame = Frame.make(ax, len(rows))
        ax = frame.ax
        colour = {"target": ORANGE, "composite": INK}
        colours = [colour.get(role, BLUE) for role in rows["role"]]
        ax.barh(np.arange(len(rows)), values, color=colours, height=0.7)
        for y, value in enumerate(values):
            note(ax, value, y, f"{'+' if value > 0 else ''}{value:,.1f} %")
        labels = [
            "All origins together" if role == "composite" else label_of(name)
            for name, role in zip(rows["exporter"], rows["role"], strict=True)
        ]
        frame.dress(labels, "Change in the price that buyers pay, percent")
        make_room(ax, values, values, 0.16)
        buyers, _ = parties(res, importer, exporter)
        lead = f"change in buyer prices against the baseline, in {names_of(buyers)}"
        frame.title("What buyers pay", f"{res.scenario.name}: {lead}.", basis_text(res))
        return ax
