"""China's imports from the United States in 2017, with China's duties by date."""

from __future__ import annotations

import numpy as np
import pytest

import tradewar as tw
from tradewar.errors import DataError

CLOSE = 1e-12


@pytest.fixture(scope="module")
def data():
    return tw.datasets.china_imports_from_us_2017()


def test_values(data):
    counts = data.extra["counts"]
    assert data.flows["value"].sum() == counts["value"] == 149_321_202
    assert counts["value_in_all"] == 154_839_651
    assert counts["value_in_all"] - counts["value"] == counts["value_of_chapter_98"]
    assert (data.value_unit, data.year, data.tariff_date) == ("thousand USD", 2017, "2018-01-01")
    assert set(data.products.str.len()) == {6}


def test_it_says_what_is_not_identified(data):
    assert any("not identified" in note for note in data.notes)
    assert any("chapter 98" in note for note in data.notes)
    assert data.report.one_destination


def test_duties_by_date(data):
    duties = data.extra["duties"]
    assert np.allclose(duties["mfn"] + duties["retaliation"], duties["tariff"], atol=CLOSE)
    beans = duties[duties["product"] == "120190"].set_index("date")
    for day, mfn, retaliation in (
        ("2018-01-01", 0.03, 0.0),
        ("2018-07-06", 0.03, 0.25),
        ("2019-09-01", 0.03, 0.30),
        ("2020-02-14", 0.03, 0.275),
        ("2025-03-10", 0.03, 0.375),
        ("2025-04-12", 0.03, 1.625),
        ("2025-08-12", 0.03, 0.475),
        ("2025-11-10", 0.03, 0.375),
    ):
        row = beans.loc[day]
        assert row["mfn"] == pytest.approx(mfn, abs=CLOSE), day
        assert row["retaliation"] == pytest.approx(retaliation, abs=CLOSE), day
    assert (duties[duties["date"] < "2018-04-02"]["retaliation"].abs() < CLOSE).all()


def test_mean_duty_of_june_2019_in_both_codes():
    means = []
    for digits in (6, 8):
        flows = tw.datasets.china_imports_from_us_2017(on="2019-06-01", digits=digits).flows
        means.append((flows["tariff"] * flows["value"]).sum() / flows["value"].sum())
    assert 100 * means[0] == pytest.approx(16.03, abs=0.005)
    assert 100 * means[1] == pytest.approx(15.64, abs=0.005)


def test_it_prices_chinas_duties_product_by_product(data):
    us = tw.schedules.us_china()
    scn = us.to_scenario(on="2018-09-24", base=data, importer="CHN")
    res = tw.solve_pe(data, scn, substitution=3.0, demand=1.2, supply=np.inf)
    beans = res.flows.set_index("product").loc["120190"]
    assert beans["tariff_new"] == pytest.approx(0.28, abs=CLOSE)
    assert beans["quantity_ratio"] == pytest.approx((1.28 / 1.03) ** -1.2)
    assert res.countries.loc["USA", "producer_surplus_change"] == 0


def test_arguments_are_checked():
    with pytest.raises(DataError, match="digits=4: give 6 or 8"):
        tw.datasets.china_imports_from_us_2017(digits=4)
    with pytest.raises(DataError, match="on='June' is no date"):
        tw.datasets.china_imports_from_us_2017(on="June")
