"""Charts: bars equal their table, axes are labelled, matplotlib's state is left alone."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from tests.unit.pe_cases import (
    ELASTIC,
    FREE_TRADE,
    solve_customs,
    solve_gsim,
    solve_war,
    world,
)
from tradewar.errors import DataError, NotIdentified
from tradewar.pe import solve_pe
from tradewar.scenario import Scenario

matplotlib = pytest.importorskip("matplotlib")
BAR = 1e-12  # relative: a bar is a number of the table over the unit


@pytest.fixture(autouse=True)
def canvas():
    """Draw without a screen; close what was opened; nothing may change matplotlib's settings."""
    import matplotlib.pyplot as plt

    plt.switch_backend("Agg")
    before = dict(matplotlib.rcParams)
    yield plt
    assert dict(matplotlib.rcParams) == before
    plt.close("all")


def widths(ax) -> list[float]:
    return [bar.get_width() for bar in ax.patches]


def labels(ax) -> list[str]:
    return [text.get_text() for text in ax.get_yticklabels()]


def texts(ax) -> str:
    return " ".join(" ".join(text.get_text() for text in ax.texts).split())


def test_diversion_bars_equal_the_table():
    res = solve_customs()
    ax = res.plot.diversion()
    table = res.diversion()
    want = table.loc[table["role"] != "target", "volume_change"] / 1e9
    assert widths(ax) == pytest.approx(want.tolist(), rel=BAR)
    assert labels(ax) == [
        "Mexico",
        "Vietnam",
        "Canada",
        "No longer imported (home goods or nothing)",
    ]
    assert "bn USD" in ax.get_xlabel()
    assert "Who replaces China's lost sales in the United States" in texts(ax)
    assert "+100 on China" in texts(ax) and "substitution 2.53" in texts(ax)
    assert sum(widths(ax)) == pytest.approx(table.attrs["loss"] / 1e9)


def test_diversion_puts_the_rest_into_one_bar():
    res = solve_war()
    ax = res.plot.diversion(importer="AAA", exporter="BBB", n=1)
    table = res.diversion(importer="AAA", exporter="BBB")
    others = table.loc[table["role"] == "other", "volume_change"]
    assert labels(ax)[1] == "2 others"
    assert widths(ax)[1] * 1 == pytest.approx(others.sum() - widths(ax)[0])
    assert labels(ax)[-2:] == ["Home producers (AAA)", "No longer bought"]
    assert f"war: BBB sells {table.attrs['loss']:,.1f} mn USD less" in texts(ax)
    assert sum(widths(ax)) == pytest.approx(table.attrs["loss"])


def test_deflection_bars_equal_the_table():
    res = solve_war()
    ax = res.plot.deflection(importer="AAA", exporter="BBB")
    table = res.deflection(importer="AAA", exporter="BBB")
    want = table.loc[table["role"] != "imposer", "volume_change"]
    assert widths(ax) == pytest.approx(want.tolist(), rel=BAR)
    assert labels(ax)[-2:] == ["Home market (BBB)", "Sold nowhere (supply cut)"]
    assert f"BBB sells AAA {table.attrs['loss']:,.1f} mn USD less" in texts(ax)
    assert "mn USD" in ax.get_xlabel()
    with pytest.raises(NotIdentified):
        solve_customs().plot.deflection()


def test_incidence_bars_equal_the_table_and_add_up():
    res = solve_customs()
    ax = res.plot.incidence()
    row = res.incidence().iloc[0]
    want = row[["buyers", "exporters", "lost_old_revenue", "revenue_change"]] / 1e9
    assert widths(ax) == pytest.approx(want.tolist(), rel=BAR)
    assert sum(widths(ax)[:-1]) == pytest.approx(widths(ax)[-1])
    assert labels(ax)[0] == "Buyers" and labels(ax)[-1] == "Change in duty collected"
    assert "100.0 %" in texts(ax) and "by assumption: supply is infinite" in texts(ax)


@pytest.mark.parametrize("by", ["product", "importer", "exporter"])
def test_incidence_by_group_stacks_to_the_change_in_duty(by):
    res = solve_war()
    ax = res.plot.incidence(by)
    table = res.incidence(by).dropna(subset=["revenue_change"]).set_index(by)
    table = table.loc[table["revenue_change"].abs().sort_values(ascending=False).index]
    n = len(table)
    stacked = np.array(widths(ax)).reshape(-1, n).sum(axis=0)
    assert stacked == pytest.approx(table["revenue_change"].to_numpy(), abs=1e-9)
    (diamonds,) = (
        line for line in ax.lines if len(line.get_xdata()) == n and line.get_marker() == "D"
    )
    assert diamonds.get_xdata() == pytest.approx(table["revenue_change"].to_numpy())
    assert labels(ax) == list(table.index)
    assert ax.get_legend() is not None


def test_products_bars_equal_the_table():
    res = solve_customs()
    ax = res.plot.products(names={"85": "Machines", "01": "Animals"})
    table = res.top(10, importer="USA", exporter="CHN")
    want = [*table["value"] / 1e9, *table["value_new"] / 1e9]
    assert widths(ax) == pytest.approx(want, rel=BAR)
    assert labels(ax) == ["850440 Machines", "010121 Animals"]
    assert labels(res.plot.products(1)) == ["850440"]
    assert "what the United States buys from China" in texts(ax)


def test_names_may_be_a_series():
    ax = solve_customs().plot.incidence("product", names=pd.Series({"85": "Machines"}))
    assert labels(ax) == ["850440 Machines"]


def test_axes_given_are_drawn_on(canvas):
    figure, axes = canvas.subplots(1, 2, figsize=(14, 5))
    res = solve_customs()
    assert res.plot.diversion(ax=axes[0]) is axes[0]
    assert res.plot.incidence(ax=axes[1]) is axes[1]
    assert canvas.get_fignums() == [figure.number]


def test_nothing_is_cut_off():
    """Every text lies inside the picture once it is laid out."""
    for ax in (
        solve_customs().plot.diversion(),
        solve_customs().plot.products(),
        solve_war().plot.incidence(),
        solve_war().plot.deflection(importer="AAA", exporter="BBB"),
    ):
        figure = ax.figure
        figure.canvas.draw()
        box = figure.bbox
        for text in [*ax.texts, *ax.get_yticklabels(), ax.xaxis.label]:
            extent = text.get_window_extent()
            assert extent.x0 >= box.x0 - 1 and extent.x1 <= box.x1 + 1, text.get_text()
            assert extent.y0 >= box.y0 - 1 and extent.y1 <= box.y1 + 1, text.get_text()


def test_no_tariff_changed_is_refused():
    scenario = Scenario("cost").trade_cost(importer="AAA", exporter="BBB", ratio=1.1)
    res = solve_pe(world(), scenario, **ELASTIC)
    with pytest.raises(DataError, match="no tariff changed"):
        res.plot.incidence()


def test_a_tariff_cut_can_be_drawn():
    res = solve_gsim(FREE_TRADE)
    ax = res.plot.incidence()
    assert widths(ax)[0] < 0
    loss = res.diversion(importer="US", exporter="EU").attrs["loss"]
    ax = res.plot.diversion(importer="US", exporter="EU")
    assert loss < 0 and sum(widths(ax)) == pytest.approx(loss)
    assert "Who makes room for EU's new sales in US" in texts(ax)
    ax = res.plot.deflection(importer="EU", exporter="US")
    assert "come from" in texts(ax) and labels(ax)[-1] == "New supply"


def test_matplotlib_is_imported_only_for_a_chart():
    code = "import sys, tradewar, tradewar.plot; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
