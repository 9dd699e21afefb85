"""reshape.py through TradeData: subset, aggregate, with_home, rebase."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tests.unit.test_data import frame, read, same
from tradewar.errors import DataError, DataWarning


def test_subset():
    data = read(frame())
    sub = data.subset(importer="USA", product="85")
    assert sub.flows["value"].tolist() == [60.0, 40.0]
    assert sub.countries.tolist() == ["CHN", "MEX", "USA"]
    assert sub.products.tolist() == ["850440"]
    assert len(data.subset(exporter=["CHN", "DEU"])) == 4
    assert len(data.subset(importer="EU")) == 2
    assert len(data.subset(exporter="EU", importer="EU")) == 1
    assert len(data.subset()) == 6


def test_subset_that_matches_nothing():
    data = read(frame())
    with pytest.raises(DataError, match=r"exporter='CHM' matches no country.*did you mean 'CHN'"):
        data.subset(exporter="CHM")
    with pytest.raises(DataError, match="no flow matches exporter='MEX', importer='CHN'"):
        data.subset(exporter="MEX", importer="CHN")


def test_find_walks_few_and_many_flows_alike():
    rng = np.random.default_rng(3)
    codes = [f"C{k}" for k in range(12)]
    cells = rng.choice(12 * 12 * 40, 3000, replace=False)
    rows = [(codes[c // 12 % 12], codes[c % 12], f"p{c // 144}", 1.0, 0.0) for c in cells]
    data = read(frame(rows))
    exporter, importer, product = data._exporter, data._importer, data._product
    for share in (0.05, 0.3, 0.9, 1.0):
        pairs = rng.random((12, 12)) < share
        products = rng.random(40) < share
        wanted = np.flatnonzero(pairs[exporter, importer] & products[product])
        assert np.array_equal(data._find(pairs, products), wanted)


def test_aggregate_countries_conserves_value_and_duty():
    data = read(frame())
    with pytest.warns(DataWarning, match="1 flows between merged countries became home sales"):
        merged = data.aggregate(countries={"DEU": "EU27", "FRA": "EU27"})
    assert merged.countries.tolist() == ["CHN", "EU27", "MEX", "USA"]
    assert merged._value.sum() == data._value.sum()
    assert (merged._value * merged._tariff).sum() == pytest.approx(
        (data._value * data._tariff).sum(), rel=1e-15
    )
    assert merged.report.intra_rows == 1
    assert merged.report.home_value == 8.0
    assert any("became home sales" in note for note in merged.notes)
    assert any("countries merged: 5 became 4" in note for note in merged.notes)


def test_aggregate_takes_a_series_and_a_group():
    with pytest.warns(DataWarning):
        one = read(frame()).aggregate(countries=pd.Series({"DEU": "EU27", "FRA": "EU27"}))
    with pytest.warns(DataWarning):
        two = read(frame()).aggregate(countries="EU")
    assert same(one, two)


def test_aggregate_products():
    rows = [
        ("CHN", "USA", "850440", 60.0, 0.25),
        ("CHN", "USA", "850450", 40.0, 0.0),
        ("MEX", "USA", "850450", 0.0, 0.3),
        ("MEX", "USA", "850460", 0.0, 0.1),
    ]
    df = frame([*rows, ("CHN", "USA", "850460", 1.0, 0.0)]).assign(
        export_tax=[0.2, 0.0, 0.1, 0.3, 0.0]
    )
    data = read(df)
    by_heading = data.aggregate(products=4)
    assert by_heading.products.tolist() == ["8504"]
    assert by_heading._value.tolist() == [101.0, 0.0]
    assert by_heading._tariff == pytest.approx([15.0 / 101.0, 0.2])
    producers = 60 / 1.2 + 41
    assert by_heading._export_tax == pytest.approx([101 / producers - 1, 0.2])
    by_name = data.aggregate(products=dict.fromkeys(data.products, "power"))
    assert by_name._value.tolist() == by_heading._value.tolist()


def test_aggregate_one_to_one_keeps_every_bit():
    data = read(frame())
    renamed = data.aggregate(products={"850440": "power", "010121": "horses"})
    assert sorted(renamed._tariff) == sorted(data._tariff)


def test_aggregate_refuses():
    data = read(frame())
    with pytest.raises(DataError, match=r"names no label of the data .CHM.; did you mean 'CHN'"):
        data.aggregate(countries={"CHM": "X"})
    with pytest.raises(DataError, match="products=8: 2 products are no HS codes of at least 8"):
        data.aggregate(products=8)
    with pytest.raises(DataError, match="countries='EUU' is no group; did you mean 'EU'"):
        data.aggregate(countries="EUU")
    with pytest.raises(DataError, match="give a mapping or Series"):
        data.aggregate(countries=["DEU"])
    with pytest.raises(DataError, match="maps 1 labels to something other than a label"):
        data.aggregate(countries={"CHN": None})
    noted = data.aggregate(countries={"CHN": "China", "XYZ": "Nowhere"})
    assert any("1 labels of the mapping are not in the data (XYZ)" in note for note in noted.notes)


@pytest.mark.parametrize(
    "share",
    [
        0.5,
        pd.Series({"USA": 0.5, "FRA": 0.5, "CHN": 0.5}),
        pd.Series({"85": 0.5, "01": 0.5}),
        pd.DataFrame({"importer": ["USA", "FRA", "CHN"], "share": 0.5}),
        pd.DataFrame(
            {
                "importer": ["USA", "USA", "FRA", "CHN"],
                "product": ["850440", "010121", "010121", "010121"],
                "share": 0.5,
            }
        ),
    ],
    ids=["number", "by country", "by prefix", "frame by country", "frame by both"],
)
def test_with_home(share):
    data = read(frame()).with_home(share=share)
    home = data.flows[data.flows["exporter"] == data.flows["importer"]]
    assert home["value"].tolist() == pytest.approx([3.3, 11.0, 6.12, 115.0])
    assert (home["tariff"] == 0).all()
    assert data.report.estimated_rows == 4
    assert any("home sales estimated for 4 destinations" in note for note in data.notes)


def test_with_home_refuses():
    data = read(frame())
    with pytest.raises(DataError, match=r"4 destinations have no home share in \[0, 1\)"):
        data.with_home(share=1.0)
    with pytest.raises(DataError, match=r"2 destinations have no home share.*CHN 010121: nan"):
        data.with_home(share=pd.Series({"USA": 0.5}))
    with pytest.raises(DataError, match="needs a column importer or product"):
        data.with_home(share=pd.DataFrame({"share": [0.5]}))
    with pytest.raises(DataError, match="has 4 rows of home sales already"):
        data.with_home(share=0.5).with_home(share=0.5)
    assert not data.with_home(share=0.0).report.home_sales


def outcome(data, **changes):
    result = {
        "data": data,
        "_value_new": data._value * 0.5,
        "_tariff_new": data._tariff + 1.0,
        "_export_tax_new": None,
        "scenario": SimpleNamespace(name="threat"),
    }
    return SimpleNamespace(**{**result, **changes})


def test_rebase():
    data = read(frame())
    value = data._value.copy()
    value[1] = 3.0
    value[4] = 0.0
    new = data.rebase(outcome(data, _value_new=value, _export_tax_new=np.full(6, 0.1)))
    assert np.array_equal(new._value, value)
    assert np.array_equal(new._tariff, data._tariff + 1.0)
    assert new._export_tax.tolist() == [0.1] * 6
    assert new._layout is data._layout
    assert new.notes == ("baseline: outcome of scenario 'threat'",)
    assert new.report.zero_rows == 1
    assert not new._value.flags.writeable


def test_rebase_refuses():
    data = read(frame())
    other = read(frame().iloc[:4])
    with pytest.raises(DataError, match="solved from other data"):
        data.rebase(outcome(other))
    value = data._value.copy()
    value[0] = np.nan
    with pytest.raises(DataError, match=r"1 flows have no value in the result \(CHN->FRA 010121\)"):
        data.rebase(outcome(data, _value_new=value))
    value = np.where(data._importer == 4, 0.0, data._value)
    with pytest.raises(DataError, match="2 destinations spend nothing on a product"):
        data.rebase(outcome(data, _value_new=value))


def test_rebase_takes_a_result_of_equal_data():
    data = read(frame())
    assert data.rebase(outcome(read(frame())))._value.sum() == data._value.sum() / 2
