"""Published optimal and Nash tariffs: seven regions, 198 free tariffs each.

The world of the paper is read from ``../shared/reference``; without it these tests are skipped.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import tradewar as tw

HERE = Path(__file__).parent
SHARED = Path(__file__).parents[3] / "shared" / "reference"
WELFARE = 1e-3  # percent: half a unit of the last digit, and as much for where searches end
MEDIAN = 0.3  # points: nearly empty flows have flat optima, which move the median by about 0.1
NASH = 0.05  # percent: half a unit of the last digit given
DEVIATION = 1e-8  # ln W that a deviation may gain

pytestmark = pytest.mark.skipif(
    not SHARED.is_dir(), reason="../shared/reference is not here: Ossa's seven regions not checked"
)
ROWS = list(
    csv.DictReader(
        line
        for line in (HERE / "b3_ossa_game.csv").read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    )
)


@cache
def world() -> tw.World:
    with np.load(SHARED / "ossa_2014.npz") as z:
        return tw.World.from_tables(
            z["trade"],
            theta=z["sigma"] - 1.0,
            tariff=z["tariff"],
            rents=1.0 / z["sigma"],
            countries=z["countries"].tolist(),
            products=z["sectors"].tolist(),
        )


@pytest.mark.parametrize("row", ROWS, ids=[row["region"] for row in ROWS])
def test_optimal_tariffs(row):
    region = row["region"]
    result = tw.optimal_tariff(world(), region)
    tariffs = result.tariffs
    assert len(tariffs) == 198
    assert 100.0 * result.welfare[region] == pytest.approx(float(row["optimal"]), abs=WELFARE)
    median = 100.0 * tariffs["tariff_new"].median()
    assert median == pytest.approx(float(row["median"]), abs=MEDIAN)
    starts = result.starts.set_index("start")["payoff"]
    assert result.payoffs[0] > starts["best uniform"]
    again = tw.solve_ge(world(), result.scenario)
    np.testing.assert_allclose(result.welfare, again.welfare, atol=1e-9)


@pytest.mark.parametrize("start", ["factual", "free"])
def test_nash_tariffs(start):
    regions = [row["region"] for row in ROWS]
    result = tw.nash(world(), regions, start=start)
    for row in ROWS:
        found = 100.0 * result.welfare[row["region"]]
        assert found == pytest.approx(float(row["nash"]), abs=NASH)
    assert (result.gain_from_deviating <= DEVIATION).all()


def test_cooperation_raises_all_alike():
    regions = [row["region"] for row in ROWS]
    result = tw.cooperate(world(), regions)
    gains = np.array(list(result.info["gains"].values()))
    assert np.ptp(gains) <= 1e-4 * gains.mean()
    assert 0.004 < gains.mean() < 0.007  # the paper: 0.5 percent, with import subsidies
    assert result.starts["below_best"].max() < 1e-4
