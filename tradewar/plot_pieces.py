"""What every chart is made of: a frame with title and basis, bars with their numbers, labels."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from tradewar._display import money_scale, percent
from tradewar.codes import country_name, longest_prefix
from tradewar.pe_trade import select

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tradewar.pe_result import PEResult, Selectors

# Okabe and Ito's palette, which colour-blind readers can tell apart.
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#999999"
INK, FAINT = "#222222", "#666666"
WIDTH = 8.0  # inches
ROW = 0.34  # inches of height for a bar
TITLE_SIZE, NOTE_SIZE = 12.0, 8.5  # points
LONGEST_LABEL = 40  # characters
WITH_ARTICLE = ("United ", "European Union", "Netherlands", "Philippines", "Dominican Republic")


class Frame(NamedTuple):
    """Axes, and whether the figure around them is ours to write on."""

    ax: Axes
    own: bool

    @classmethod
    def make(cls, ax: Axes | None, rows: float) -> Frame:
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


def draw_gains(
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
    rows = [(label_of(name), gain, colour) for name, gain, colour in rows]
    if len(rest):
        rows.append((f"{len(rest)} others", rest.sum(), BLUE))
    home = table[table["role"] == "home"]
    if len(home):
        kind = "Home producers" if key == "exporter" else "Home market"
        rows.append((f"{kind} ({names_of(home[key])})", home["volume_change"].sum(), GREEN))
    rows.append((closing, table["volume_change"].iloc[-1], GREY))
    labels, values, colours = zip(*rows, strict=True)
    loss = table.attrs["loss"]
    amount = money_scale(res.data.value_unit, abs(loss)).text(abs(loss))
    change = "less; the bars add up to that" if loss >= 0 else "more; the bars take that away"
    return bars(
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


def bars(
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
    frame = Frame.make(ax, len(values))
    ax = frame.ax
    width = values / scale.divisor
    ax.barh(np.arange(len(values)), width, color=colours, height=0.7)
    for y, value in enumerate(values):
        sign = "+" if value > 0 else ""
        share = f" ({percent(value / whole)})" if whole > 0 else ""
        number = number_text(width[y], float(np.abs(width).max()))
        note(ax, width[y], y, f"{sign}{number}{share}")
    frame.dress(labels, f"{axis}, {scale.unit}")
    make_room(ax, width, width, 0.25 if whole > 0 else 0.14)
    frame.title(title, f"{res.scenario.name}: {lower_first(lead)}.", basis_text(res))
    return ax


def note(ax: Axes, x: float, y: float, text: str) -> None:
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


def number_text(value: float, largest: float) -> str:
    """Write a number with the decimals that suit the largest of its chart."""
    return f"{value:,.{1 if largest >= 10 else 2}f}"


def make_room(ax: Axes, high: np.ndarray, low: np.ndarray, share: float) -> None:
    """Set the limits so that the numbers beside the bars have room."""
    top, bottom = max(float(high.max()), 0.0), min(float(low.min()), 0.0)
    pad = share * ((top - bottom) or 1.0)
    ax.set_xlim(bottom - pad if bottom < 0 else 0.0, top + pad if top > 0 or bottom == 0 else pad)


def basis_text(res: PEResult) -> str:
    """Say on which trade and assumptions a chart rests."""
    own = getattr(res, "_basis", None)  # a result of general equilibrium says so itself
    if own is not None:
        return str(own)
    after = f", {res.data.tariff_date}" if res.data.tariff_date.startswith("after ") else ""
    year = f"Trade of {res.data.year}{after}. " if res.data.year else ""
    values = [f"substitution {res.substitution.label}", f"demand {res.demand.label}"]
    if res.home_substitution is not None:
        values.append(f"home_substitution {res.home_substitution.label}")
    values.append(f"supply {res.supply.label}")
    source = f" Data: {res.data.source}." if res.data.source else ""
    return f"{year}Partial equilibrium, {res.method}: {', '.join(values)}.{source}"


def parties(res: PEResult, importer: Selectors, exporter: Selectors) -> tuple[list[str], list[str]]:
    """Give the labels of the buyers and of the target."""
    chosen = select(res, importer, exporter, None)
    countries = res.data.countries
    return list(countries[chosen.imposers]), list(countries[chosen.targets])


def label_of(code: str) -> str:
    """Give the name of a country."""
    return str(country_name(code))


def labels_of(codes: Iterable[str]) -> list[str]:
    """Give the names of countries."""
    return [label_of(code) for code in codes]


def product_labels(codes: Iterable[str], names: Mapping[str, str] | pd.Series | None) -> list[str]:
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


def names_of(codes: Iterable[str]) -> str:
    """Name up to two countries within a sentence, or count them."""
    labels = [
        f"the {label}" if label.startswith(WITH_ARTICLE) else label for label in labels_of(codes)
    ]
    return " and ".join(labels) if len(labels) <= 2 else f"{len(labels)} countries"


def lower_first(text: str) -> str:
    """Lower the first letter of a sentence that does not begin with a name."""
    return text[0].lower() + text[1:] if text.startswith("Buyers ") else text
