"""Charts of general equilibrium: bars and cells equal their table; axes are labelled."""

from __future__ import annotations

import numpy as np
import pytest

import tradewar as tw
from tests.unit.ge_cases import PLUS_100, rich_world, solve, unsolvable
from tradewar.errors import DataError

matplotlib = pytest.importorskip("matplotlib")
BAR = 1e-12


@pytest.fixture(autouse=True)
def canvas():
    """Draw without a screen; close what was opened; nothing may change matplotlib's settings."""
    import matplotlib.pyplot as plt

    plt.switch_backend("Agg")
    before = dict(matplotlib.rcParams)
    yield plt
    assert dict(matplotlib.rcParams) == before
    plt.close("all")


def labels(ax):
    return [text.get_text() for text in ax.get_yticklabels()]


def texts(ax):
    return " ".join(" ".join(text.get_text() for text in ax.texts).split())


def test_welfare_bars_add_up():
    res = solve()
    ax = res.plot.welfare()
    order = res.welfare.sort_values(ascending=False).index
    assert labels(ax) == [tw.codes.country_name(code) for code in order]
    table = res.decompose().loc[order]
    stacked = {}
    for container in ax.containers:
        for k, bar in enumerate(container):
            stacked[k] = stacked.get(k, 0.0) + bar.get_width()
    np.testing.assert_allclose([stacked[k] for k in range(4)], 100 * table["total"], atol=1e-5)
    [diamonds] = [line for line in ax.lines if line.get_marker() == "D"]
    np.testing.assert_allclose(diamonds.get_xdata(), 100 * res.welfare[order], rtol=BAR)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["Welfare", "Terms of trade", "Volume of taxed imports"]
    assert "Who gains and who loses" in texts(ax)
    assert "theta 3 to 6.5" in texts(ax)


def test_welfare_alone():
    ax = solve().plot.welfare(parts=False, countries=["USA", "CHN"])
    assert sorted(bar.get_width() for bar in ax.patches) == pytest.approx(
        sorted(100 * solve().welfare[["USA", "CHN"]]), rel=BAR
    )
    with pytest.raises(DataError, match="countries='FRA' matches no country"):
        solve().plot.welfare(countries="FRA")


def test_trade_change_cells():
    res = solve()
    ax = res.plot.trade_change()
    [image] = ax.images
    cells = np.ma.filled(image.get_array(), np.nan)
    shown = [text.get_text() for text in ax.get_yticklabels()]
    before, after = res.matrix("value"), res.matrix("value_new")
    ratio = 100 * (after / before - 1)
    ratio.index = ratio.columns = [tw.codes.country_name(c) for c in ratio.index]
    want = ratio.loc[shown, shown].to_numpy()
    off = ~np.eye(4, dtype=bool)
    np.testing.assert_allclose(cells[off], want[off], rtol=1e-9)
    assert np.isnan(cells[~off]).all()
    money = res.plot.trade_change(product="C26", ratio=False, countries=["CHN", "USA"])
    cells = np.ma.filled(money.images[0].get_array(), np.nan)
    change = res.matrix("value_change", product="C26")
    assert cells[0, 1] == pytest.approx(change.loc["CHN", "USA"])
    assert "bn USD" in money.get_title(loc="left")


def test_diversion_and_deflection_bars():
    res = solve()
    ax = res.plot.diversion()
    table = res.diversion()
    want = table.loc[table["role"] != "target", "volume_change"].tolist()
    assert [bar.get_width() for bar in ax.patches] == pytest.approx(want, rel=BAR)
    assert "General equilibrium: deficits fixed" in texts(ax)
    ax = res.plot.deflection()
    table = res.deflection()
    want = table.loc[table["role"] != "imposer", "volume_change"].tolist()
    assert [bar.get_width() for bar in ax.patches] == pytest.approx(want, rel=BAR)


def test_price_bars():
    res = solve()
    ax = res.plot.prices()
    want = 100 * (res.wide("prices", "price_ratio").loc["USA"] - 1)
    assert labels(ax) == list(want.index)
    assert [bar.get_width() for bar in ax.patches] == pytest.approx(want.tolist(), rel=BAR)
    two = res.plot.prices(country=["USA", "CHN"], product="C26", column="cost_ratio")
    assert len(two.patches) == 2
    with pytest.raises(DataError, match='"price_ratio" or "cost_ratio"'):
        res.plot.prices(column="output")


def test_every_chart_draws_on_axes_given(canvas):
    res = tw.solve_ge(rich_world(), PLUS_100.export_tax(exporter="VNM", set=0.2))
    for name in ("welfare", "trade_change", "diversion", "deflection", "prices"):
        _, ax = canvas.subplots()
        assert getattr(res.plot, name)(ax=ax) is ax
        ax.figure.canvas.draw()


def test_nothing_to_draw():
    with pytest.raises(DataError, match="nothing to draw"):
        unsolvable().plot.welfare()
