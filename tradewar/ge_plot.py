"""Charts of general-equilibrium results: ``result.plot.<name>()`` gives matplotlib Axes.

Every bar and cell is a number of the table it is drawn from.  matplotlib is imported when a chart
is made; its settings are left alone and nothing is shown or saved.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tradewar._display import money_scale
from tradewar.errors import DataError
from tradewar.ge_trade import GETrade
from tradewar.plot import PEPlot
from tradewar.plot_pieces import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    RED,
    WIDTH,
    Frame,
    labels_of,
    make_room,
    note,
)
from tradewar.selectors import check_selector, country_mask, product_mask

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tradewar.ge_result import GEResult, Selectors

__all__ = ["GEPlot"]

_PARTS = {
    "tot": ("Terms of trade", BLUE),
    "tariff_volume": ("Volume of taxed imports", ORANGE),
    "export_tax_volume": ("Volume of taxed exports", "#F0E442"),
    "profits": ("Profits", GREEN),
    "technology_scale": ("Technology and scale", "#56B4E9"),
    "trade_cost": ("Trade costs", RED),
    "labour": ("Labour", "#CC79A7"),
    "transfers": ("Transfers", GREY),
    "taste": ("Licences, lists and bans", "#8B5A2B"),
}
_SMALLEST = 5e-7  # of income: a part below it everywhere is left out of the legend


def _signed(number: float, digits: int) -> str:
    """Write a number with its sign, and one that rounds to zero without."""
    text = f"{number:+.{digits}f}".replace("-", "\N{MINUS SIGN}")
    return text if text.strip("+\N{MINUS SIGN}0.") else "0"


class GEPlot:
    """Charts of one result; see the methods.

    Every method takes ``ax=None`` (new figure if left out), draws on it and returns it.
    """

    __slots__ = ("_result",)

    def __init__(self, result: GEResult) -> None:
        if not result.converged:
            raise DataError("the result has no solution (on_error='record'): nothing to draw")
        self._result = result

    def welfare(
        self,
        *,
        countries: Selectors = None,
        n: int = 12,
        parts: bool = True,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw welfare changes by country, stacked by where they come from.

        Parameters
        ----------
        countries : selector, optional
            Countries shown; by default the `n` with the largest changes.
        n : int, default 12
        parts : bool, default True
            Stack the parts of ``decompose("exact")``, in log points, which add up to
            ``ln(I'/I/Pc)``, beside the exact change; False: the change alone.
        ax : Axes, optional

        Returns
        -------
        Axes
        """
        res = self._result
        welfare = res.welfare
        if countries is None:
            order = welfare.abs().sort_values(ascending=False, kind="stable").index[:n]
        else:
            order = pd.Index(self._countries(countries, "countries"))
        order = welfare[order].sort_values(ascending=False, kind="stable").index
        frame = Frame.make(ax, len(order) + (1 if parts else 0))
        ax = frame.ax
        place = np.arange(len(order))
        total = 100.0 * welfare[order].to_numpy()
        high, low = np.maximum(total, 0.0), np.minimum(total, 0.0)
        if parts:
            table = res.decompose().loc[order]
            up, down = np.zeros(len(order)), np.zeros(len(order))
            for name, (label, colour) in _PARTS.items():
                width = 100.0 * table[name].to_numpy()
                if np.abs(width).max(initial=0.0) < 100.0 * _SMALLEST:
                    continue
                start = np.where(width >= 0, up, down)
                ax.barh(place, width, left=start, color=colour, height=0.7, label=label)
                up, down = up + np.maximum(width, 0.0), down + np.minimum(width, 0.0)
            high, low = np.maximum(high, up), np.minimum(low, down)
            ax.plot(
                total,
                place,
                linestyle="",
                marker="D",
                color=INK,
                markersize=5,
                label="Welfare",
            )
            ax.legend(frameon=False, loc="best", fontsize=8)
        else:
            ax.barh(place, total, color=[BLUE if x >= 0 else RED for x in total], height=0.7)
        for y in place:
            end = high[y] if total[y] >= 0 else low[y]
            note(ax, end, float(y), f"{'+' if total[y] > 0 else ''}{total[y]:.2f} %")
        frame.dress(labels_of(order), "Change in welfare, percent")
        make_room(ax, high, low, 0.16)
        lead = f"{res.scenario.name}: real income against the baseline"
        if parts:
            lead += "; bars are log points and add up to the diamond but for its curvature"
        frame.title("Who gains and who loses", f"{lead}.", res._basis)
        return ax

    def trade_change(
        self,
        *,
        product: str | None = None,
        countries: Selectors = None,
        n: int = 12,
        ratio: bool = True,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw the change in trade from each exporter to each importer as a heat map.

        Parameters
        ----------
        product : str, optional
            One product; the sum of all by default.
        countries : selector, optional
            Countries shown; by default the `n` that trade most.
        n : int, default 12
        ratio : bool, default True
            Change in percent; False: in money.
        ax : Axes, optional

        Returns
        -------
        Axes
            Exporters down, importers across; home sales are left blank.
        """
        res = self._result
        before = res.matrix("value", product=product)
        after = res.matrix("value_new", product=product)
        home = np.eye(len(before), dtype=bool)
        size = before.mask(home, 0.0).sum(axis=0) + before.mask(home, 0.0).sum(axis=1)
        if countries is None:
            shown = list(size.sort_values(ascending=False, kind="stable").index[:n])
        else:
            shown = self._countries(countries, "countries")
        old = before.loc[shown, shown].to_numpy()
        change = after.loc[shown, shown].to_numpy() - old
        blank = np.eye(len(shown), dtype=bool) | (old == 0.0)
        if ratio:
            cells = 100.0 * change / np.where(blank, 1.0, old)
            unit, digits = "percent", 0
        else:
            scale = money_scale(res.world.value_unit, float(np.abs(change[~blank]).max(initial=0)))
            cells, unit, digits = change / scale.divisor, scale.unit, 1
        cells = np.where(blank, np.nan, cells)
        return self._heat(cells, shown, product, unit, digits, ax)

    def _heat(
        self,
        cells: np.ndarray,
        shown: Sequence[str],
        product: str | None,
        unit: str,
        digits: int,
        ax: Axes | None,
    ) -> Axes:
        res = self._result
        figure: Any
        if ax is None:
            import matplotlib.pyplot as plt

            side = 1.6 + 0.52 * len(shown)
            figure, ax = plt.subplots(
                figsize=(max(WIDTH, side + 1.5), side + 1.0), layout="constrained"
            )
        else:
            figure = ax.figure
        known = np.abs(cells[~np.isnan(cells)])
        # the colour follows most cells; the largest few saturate
        top = float(np.quantile(known, 0.95)) if known.size else 1.0
        top = top if top > 0.0 else 1.0
        image = ax.imshow(cells, cmap="RdBu", vmin=-top, vmax=top, aspect="auto")
        names = labels_of(shown)
        ax.set_xticks(np.arange(len(shown)), labels=names, rotation=45, ha="right", fontsize=8)
        ax.set_yticks(np.arange(len(shown)), labels=names, fontsize=8)
        ax.set_xlabel("Importer", fontsize=9)
        ax.set_ylabel("Exporter", fontsize=9)
        for (i, n), cell in np.ndenumerate(cells):
            if not np.isnan(cell):
                ax.text(
                    n,
                    i,
                    _signed(cell, digits),
                    ha="center",
                    va="center",
                    fontsize=7,
                    color="white" if abs(cell) > 0.7 * top else INK,
                )
        what = "all products" if product is None else product
        basis = textwrap.fill(res._basis, 26 + 9 * len(shown))
        ax.set_title(
            f"Change in trade, {unit}: {res.scenario.name}; {what}", fontsize=9, loc="left"
        )
        ax.set_xlabel(f"Importer\n\n{basis}", fontsize=7, color=INK)
        figure.colorbar(image, ax=ax, extend="both", shrink=0.7)
        return ax

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
            As in `GEResult.diversion`, whose volume_change is drawn.
        n : int, default 10
            Origins shown; the rest are one bar.
        ax : Axes, optional

        Returns
        -------
        Axes
        """
        view: Any = GETrade.of(self._result)
        return PEPlot(view).diversion(importer=importer, exporter=exporter, n=n, ax=ax)

    def deflection(
        self,
        *,
        importer: Selectors = None,
        exporter: Selectors = None,
        n: int = 10,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw where the target's lost exports go; arguments as in `diversion`."""
        view: Any = GETrade.of(self._result)
        return PEPlot(view).deflection(importer=importer, exporter=exporter, n=n, ax=ax)

    def prices(
        self,
        *,
        country: Selectors = None,
        product: Selectors = None,
        n: int = 15,
        column: str = "price_ratio",
        ax: Axes | None = None,
    ) -> Axes:
        """Draw price changes by product.

        Parameters
        ----------
        country : selector, optional
            One country or several; by default the importer whose flows change most.
        product : selector, optional
            Products shown; by default the `n` whose prices move most.
        n : int, default 15
        column : {"price_ratio", "cost_ratio"}
            What is bought, or what it costs to make at home.
        ax : Axes, optional

        Returns
        -------
        Axes
            One bar a product and country, in money of the numeraire.
        """
        res = self._result
        if column not in ("price_ratio", "cost_ratio"):
            raise DataError(f'column={column!r}: "price_ratio" or "cost_ratio"')
        chosen = [self._main_importer()] if country is None else self._countries(country, "country")
        table = 100.0 * (res.wide("prices", column).loc[chosen].T - 1.0)
        if product is None:
            most = table.abs().max(axis=1).sort_values(ascending=False, kind="stable").index[:n]
            table = table.loc[table.index.isin(most)]
        else:
            selector = check_selector(product, "product", DataError)
            table = table[product_mask(selector, list(table.index), "product", DataError)]
        frame = Frame.make(ax, len(table) * max(1.0, 0.7 * len(chosen)))
        ax = frame.ax
        height = 0.75 / len(chosen)
        colours = [BLUE, ORANGE, GREEN, RED, GREY, "#CC79A7"]
        for k, name in enumerate(chosen):
            place = np.arange(len(table)) + (k - 0.5 * (len(chosen) - 1)) * height
            [label] = labels_of([name])
            values = table[name].to_numpy()
            ax.barh(place, values, color=colours[k % len(colours)], height=height, label=label)
            for y, value in zip(place, values, strict=True):
                if not np.isnan(value):
                    note(ax, value, y, f"{'+' if value > 0 else ''}{value:.1f} %")
        if len(chosen) > 1:
            ax.legend(frameon=False, loc="best", fontsize=8)
        frame.dress(list(table.index), "Change against world value added, percent")
        values = np.nan_to_num(table.to_numpy()).ravel()
        make_room(ax, values, values, 0.14)
        what = "buyers pay" if column == "price_ratio" else "it costs to produce"
        lead = f"{res.scenario.name}: changes in {', '.join(labels_of(chosen))}"
        frame.title(f"What {what}, by product", f"{lead}.", res._basis)
        return ax

    # ---- selectors ------------------------------------------------------------------------------

    def _countries(self, selector: Any, what: str) -> list[str]:
        """Give the countries of a selector; those of a list in its order."""
        labels = list(self._result.world._countries)
        checked = check_selector(selector, what, DataError)
        found: dict[str, None] = {}
        for item in (checked,) if isinstance(checked, str) else checked:
            mask = country_mask(item, labels, what, DataError)
            found |= {label: None for label, keep in zip(labels, mask, strict=True) if keep}
        return list(found)

    def _main_importer(self) -> str:
        res = self._result
        data, hit = res.data, res._touched()
        value = np.where(hit if hit.any() else True, data._value, 0.0)
        return str(data.countries[int(np.argmax(res._by_country(data._importer, value)))])
