"""Charts of games: what is drawn are the numbers of the tables, and the words fit them."""

from __future__ import annotations

import numpy as np
import pytest

import tradewar as tw
from tests.game_worlds import A_TAXES_B, B_TAXES_A, dilemma, draw, two
from tradewar.payoff_table import Payoffs

matplotlib = pytest.importorskip("matplotlib")


@pytest.fixture(autouse=True)
def canvas():
    """Draw without a screen; close what was opened; nothing may change matplotlib's settings."""
    import matplotlib.pyplot as plt

    plt.switch_backend("Agg")
    before = dict(matplotlib.rcParams)
    yield plt
    assert dict(matplotlib.rcParams) == before
    plt.close("all")


def texts(ax) -> list[str]:
    return [t.get_text() for t in ax.texts]


def test_payoff_table_as_heat_map():
    game = dilemma()
    ax = game.plot(unit="percent")
    table = game.table("percent")
    shown = [t for t in texts(ax) if t and (t[0] in "+\N{MINUS SIGN}" or t == "0")]
    assert len(shown) == 8
    value = table.loc["tax", ("free", "A")]
    assert f"{value:+.2f}".replace("-", "\N{MINUS SIGN}") in shown
    outlines = [p for p in ax.patches if not p.get_fill()]
    assert len(outlines) == 1
    assert outlines[0].get_xy() == pytest.approx((1.015, 1.015))  # tax, tax
    assert any("outlined: equilibria" in t for t in texts(ax))
    assert ax.get_ylabel() == "A"
    assert any("A: rows, lower left; B: columns" in " ".join(t.split()) for t in texts(ax))


def test_heat_map_without_a_pure_equilibrium(canvas):
    game = Payoffs.from_matrices([[1, -1], [-1, 1]], [[-1, 1], [1, -1]])
    _, given = canvas.subplots()
    ax = game.plot(ax=given)
    assert ax is given
    assert not [p for p in ax.patches if not p.get_fill()]
    assert "no equilibrium in pure strategies" in " ".join(" ".join(texts(ax)).split())


def test_leverage_bars_are_the_table():
    ban = tw.Scenario("ban").ban(importer="A", exporter="B", product="cars")
    found = tw.leverage(
        draw(30),
        own="A",
        other="B",
        instruments={"ban": ban, "duty": A_TAXES_B},
        elasticities={"theta 3": 3.0},
    )
    ax = found.plot(names={"ban": "No cars"})
    widths = [bar.get_width() for bar in ax.patches]
    table = found.table
    np.testing.assert_allclose(widths, [*table["other_ev"], *table["own_ev"]])
    assert "No cars" in [t.get_text() for t in ax.get_yticklabels()]
    assert any("range over 2 variants" in t for t in texts(ax))


def test_frontier_with_deals():
    deal = tw.bargain(two(4.0, home=0.7), ["A", "B"], threat=A_TAXES_B + B_TAXES_A)
    announced = tw.Scenario("half").tariff(importer="A", exporter="B", add=0.1)
    ax = deal.plot(deals={"Announced": announced}, names={"A": "Alpha"})
    line = ax.lines[0]
    frontier = deal.frontier()
    np.testing.assert_allclose(line.get_xdata(), 100.0 * frontier["payoff_A"])
    np.testing.assert_allclose(line.get_ydata(), 100.0 * frontier["payoff_B"])
    names = texts(ax)
    assert "Announced" in names and "No deal" in names and "Nash bargain" in names
    assert "Alpha" in ax.get_xlabel()
