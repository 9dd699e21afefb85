"""Charts of product-level results: ``result.plot.<name>()`` gives matplotlib Axes.

Every bar is a number of the table it is drawn from, divided by the unit on the axis.  matplotlib
is imported when a chart is made; its settings are left alone and nothing is shown or saved.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from tradewar._display import money_scale, percent
from tradewar.codes import country_name, longest_prefix
from tradewar.errors import DataError
from tradewar.pe_trade import select

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tradewar.pe_result import PEResult, Selectors

__all__ = ["PEPlot"]

# Okabe and Ito's palette, which colour-blind readers can tell apart.
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#999999"
INK, FAINT = "#222222", "#666666"
WIDTH = 8.0  # inches
ROW = 0.34  # inches of height for a bar
TITLE_SIZE, NOTE_SIZE = 12.0, 8.5  # points
LONGEST_LABEL = 40  # characters

_PARTS = {
    "buyers": ("Buyers", BLUE),
    "exporters": ("Exporters", ORANGE),
    "lost_old_revenue": ("Old duty on the change in trade", GREY),
    "trade_cost": ("Other trade costs", GREEN),
    "licence_rent": ("Licence holders", RED),
}
_WITH_ARTICLE = ("United ", "European Union", "Netherlands", "Philippines", "Dominican Republic")


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
        buyers, sellers = _parties(res, importer, exporter)
        who, where = _names(sellers), _names(buyers)
        title, closing = f"Who replaces {who}'s lost sales in {where}", "No longer bought"
        if table["exporter"].iloc[-1] == "lost import demand":
            closing = "No longer imported (home goods or nothing)"
        if table.attrs["loss"] < 0:
            title, closing = f"Who makes room for {who}'s new sales in {where}", "Newly bought"
        return _draw_gains(
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
        buyers, sellers = _parties(res, importer, exporter)
        who, where = _names(sellers), _names(buyers)
        title = f"Where {who}'s lost exports to {where} go"
        closing = "Sold nowhere (supply cut)"
        if table.attrs["loss"] < 0:
            title = f"Where {who}'s new exports to {where} come from"
            closing = "New supply"
        return _draw_gains(
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
        labels = _product_labels(table[by], names) if by == "product" else _labels(table[by])
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
        ax = _bars(
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
        frame = _Frame.make(ax, len(table) + 1)
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
        _room(ax, up, down, 0.03)
        which = {"product": "products", "importer": "importers", "exporter": "exporters"}[by]
        lead = f"the {which} with the largest change; the bars add up to the diamond"
        title = f"Who bears the change in duty, by {by}"
        frame.title(title, f"{res.scenario.name}: {lead}.", _basis(res))
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
        buyers, sellers = _parties(res, importer, exporter)
        table = res.top(n, importer=buyers, exporter=sellers)
        old, new = table["value"].to_numpy(), table["value_new"].to_numpy()
        scale = money_scale(res.data.value_unit, float(max(old.max(), new.max())))
        frame = _Frame.make(ax, 1.3 * len(table))
        ax = frame.ax
        place = np.arange(len(table))
        ax.barh(place - 0.2, old / scale.divisor, color=GREY, height=0.36, label="Before")
        ax.barh(place + 0.2, new / scale.divisor, color=BLUE, height=0.36, label="After")
        for y in place:
            for shift, value in ((-0.2, old[y]), (0.2, new[y])):
                text = _number(value / scale.divisor, float(old.max()) / scale.divisor)
                if shift > 0 and old[y] > 0:
                    change = (value - old[y]) / old[y]
                    text += f" ({'+' if change > 0 else ''}{percent(change)})"
                _note(ax, value / scale.divisor, y + shift, text)
        frame.dress(_product_labels(table["product"], names), f"Value at the border, {scale.unit}")
        _room(ax, np.maximum(old, new) / scale.divisor, np.zeros(1), 0.14)
        which = (
            f"The {len(table)} products that move" if len(table) > 1 else "The product that moves"
        )
        title = f"{which} most: what {_names(buyers)} buys from {_names(sellers)}"
        frame.title(title, f"{res.scenario.name}: imports before and after.", _basis(res))
        ax.legend(frameon=False, loc="lower right", fontsize=8)
        return ax


# ---- Pieces ------------------------------------------------------------------------------


class _Frame(NamedTuple):
    """Axes, and whether the figure around them is ours to write on."""

    ax: Axes
    own: bool

    @classmethod
    def make(cls, ax: Axes | None, rows: float) -> _Frame:
        """Take the axes given, or those of a new figure with room for `rows` bars."""
        if ax is not None:
            return cls(ax, False)
        import matplotlib.pyplot as plt

        _, made = plt.subplots(figsize=(WIDTH, 1.9 + ROW * rows), layout="constrained")
        return cls(made, True)

    def dress(self, labels: Sequence[str], axis: str) -> None:
        """Label the bars and the axis; keep nothing that carries no information."""
        ax = self.ax
        ax.set_yticks(np.arange(len(labels)), labels=list(labels), fontsize=9)
        ax.set_ylim(len(labels) - 0.4, -0.6)
        ax.set_xlabel(axis, color=FAINT, fontsize=9)
        ax.tick_params(axis="y", length=0)
        ax.tick_params(axis="x", colors=FAINT, labelsize=8)
        for side in ("top", "right", "left"):
            ax.spines[side].set_visible(False)
        ax.spines["bottom"].set_color(GREY)
        ax.grid(axis="x", color="#E5E5E5", linewidth=0.8)
        ax.set_axisbelow(True)
        ax.axvline(0.0, color=INK, linewidth=0.8)

    def title(self, title: str, lead: str, basis: str) -> None:
        """Write the question in bold, one line below it, and the basis under the axis."""
        ax = self.ax
        points = 72.0 * WIDTH if self.own else 72.0 * ax.get_window_extent().width / ax.figure.dpi
        left = ("figure fraction" if self.own else "axes fraction", "axes fraction")

        def wrap(text: str, size: float, weight: float) -> str:
            return textwrap.fill(text, max(20, int(0.97 * points / (size * weight))))

        lead = wrap(lead, NOTE_SIZE, 0.56)
        basis = wrap(basis, NOTE_SIZE - 1.0, 0.56)
        above = 8.0 + 1.25 * NOTE_SIZE * len(lead.splitlines())
        start = 0.01 if self.own else 0.0
        place: Any = {"xycoords": left, "textcoords": "offset points", "annotation_clip": False}
        ax.annotate(
            wrap(title, TITLE_SIZE, 0.66),
            (start, 1.0),
            xytext=(0, above + 3.0),
            va="bottom",
            fontsize=TITLE_SIZE,
            fontweight="bold",
            **place,
        )
        ax.annotate(
            lead, (start, 1.0), xytext=(0, 6), va="bottom", fontsize=NOTE_SIZE, color=INK, **place
        )
        ax.annotate(
            basis,
            (start, 0.0),
            xytext=(0, -38),
            va="top",
            fontsize=NOTE_SIZE - 1.0,
            color=FAINT,
            **place,
        )


def _draw_gains(
    res: PEResult,
    table: pd.DataFrame,
    *,
    key: str,
    n: int,
    title: str,
    closing: str,
    who: str,
    axis: str,
    ax: Axes | None,
) -> Axes:
    """Draw the rows that make up a loss: others by size, the rest, home, and the closing row."""
    others = table[table["role"] == "other"]
    shown = others["volume_change"].abs().sort_values(ascending=False, kind="stable").index[:n]
    shown = others.index[others.index.isin(shown)]  # the table's order, largest gain first
    rest = others.drop(shown)["volume_change"]
    rows = [(name, gain, BLUE) for name, gain in others.loc[shown, [key, "volume_change"]].values]
    rows = [(_label(name), gain, colour) for name, gain, colour in rows]
    if len(rest):
        rows.append((f"{len(rest)} others", rest.sum(), BLUE))
    home = table[table["role"] == "home"]
    if len(home):
        kind = "Home producers" if key == "exporter" else "Home market"
        rows.append((f"{kind} ({_names(home[key])})", home["volume_change"].sum(), GREEN))
    rows.append((closing, table["volume_change"].iloc[-1], GREY))
    labels, values, colours = zip(*rows, strict=True)
    loss = table.attrs["loss"]
    amount = money_scale(res.data.value_unit, abs(loss)).text(abs(loss))
    change = "less; the bars add up to that" if loss >= 0 else "more; the bars take that away"
    return _bars(
        res,
        labels,
        np.array(values, dtype=float),
        colours,
        title=title,
        lead=f"{who} {amount} {change}",
        axis=axis,
        whole=loss,
        ax=ax,
    )


def _bars(
    res: PEResult,
    labels: Sequence[str],
    values: np.ndarray,
    colours: Sequence[str],
    *,
    title: str,
    lead: str,
    axis: str,
    whole: float = float("nan"),
    ax: Axes | None,
) -> Axes:
    """Draw labelled horizontal bars, first on top, each with its number."""
    scale = money_scale(res.data.value_unit, float(np.abs(values).max()))
    frame = _Frame.make(ax, len(values))
    ax = frame.ax
    width = values / scale.divisor
    ax.barh(np.arange(len(values)), width, color=colours, height=0.7)
    for y, value in enumerate(values):
        sign = "+" if value > 0 else ""
        share = f" ({percent(value / whole)})" if whole > 0 else ""
        number = _number(width[y], float(np.abs(width).max()))
        _note(ax, width[y], y, f"{sign}{number}{share}")
    frame.dress(labels, f"{axis}, {scale.unit}")
    _room(ax, width, width, 0.25 if whole > 0 else 0.14)
    frame.title(title, f"{res.scenario.name}: {_lower(lead)}.", _basis(res))
    return ax


def _note(ax: Axes, x: float, y: float, text: str) -> None:
    """Write a number beside the end of its bar."""
    ax.annotate(
        text.replace("-", "\N{MINUS SIGN}"),
        (x, y),
        xytext=(5 if x >= 0 else -5, 0),
        textcoords="offset points",
        ha="left" if x >= 0 else "right",
        va="center",
        fontsize=8,
        color=INK,
    )


def _number(value: float, largest: float) -> str:
    """Write a number with the decimals that suit the largest of its chart."""
    return f"{value:,.{1 if largest >= 10 else 2}f}"


def _room(ax: Axes, high: np.ndarray, low: np.ndarray, share: float) -> None:
    """Set the limits so that the numbers beside the bars have room."""
    top, bottom = max(float(high.max()), 0.0), min(float(low.min()), 0.0)
    pad = share * ((top - bottom) or 1.0)
    ax.set_xlim(bottom - pad if bottom < 0 else 0.0, top + pad if top > 0 or bottom == 0 else pad)


def _basis(res: PEResult) -> str:
    """Say on which trade and assumptions a chart rests."""
    after = f", {res.data.tariff_date}" if res.data.tariff_date.startswith("after ") else ""
    year = f"Trade of {res.data.year}{after}. " if res.data.year else ""
    values = [f"substitution {res.substitution.label}", f"demand {res.demand.label}"]
    if res.home_substitution is not None:
        values.append(f"home_substitution {res.home_substitution.label}")
    values.append(f"supply {res.supply.label}")
    source = f" Data: {res.data.source}." if res.data.source else ""
    return f"{year}Partial equilibrium, {res.method}: {', '.join(values)}.{source}"


def _parties(
    res: PEResult, importer: Selectors, exporter: Selectors
) -> tuple[list[str], list[str]]:
    """Give the labels of the buyers and of the target."""
    chosen = select(res, importer, exporter, None)
    countries = res.data.countries
    return list(countries[chosen.imposers]), list(countries[chosen.targets])


def _label(code: str) -> str:
    return str(country_name(code))


def _labels(codes: Iterable[str]) -> list[str]:
    return [_label(code) for code in codes]


def _product_labels(codes: Iterable[str], names: Mapping[str, str] | pd.Series | None) -> list[str]:
    """Write codes with the name of their longest known prefix."""
    listed = list(codes)
    if names is None:
        return listed
    known = {str(key): str(name) for key, name in dict(names).items()}
    keys = list(known)
    places = longest_prefix(listed, keys)
    return [
        textwrap.shorten(f"{code} {known[keys[k]]}", LONGEST_LABEL, placeholder=" ...")
        if k >= 0
        else code
        for code, k in zip(listed, places, strict=True)
    ]


def _names(codes: Iterable[str]) -> str:
    """Name up to two countries within a sentence, or count them."""
    labels = [
        f"the {label}" if label.startswith(_WITH_ARTICLE) else label for label in _labels(codes)
    ]
    return " and ".join(labels) if len(labels) <= 2 else f"{len(labels)} countries"


def _lower(text: str) -> str:
    """Lower the first letter of a sentence that does not begin with a name."""
    return text[0].lower() + text[1:] if text.startswith("Buyers ") else text
