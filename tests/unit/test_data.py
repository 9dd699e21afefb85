"""data.py: what comes in, what is refused and how, what is made of it."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest

from tradewar.data import TradeData
from tradewar.errors import DataError, DataWarning

KEYS = ["exporter", "importer", "product"]
ROWS = [
    ("MEX", "USA", "850440", 40.0, 0.0),
    ("CHN", "USA", "850440", 60.0, 0.25),
    ("CHN", "USA", "010121", 6.0, 0.02),
    ("USA", "CHN", "010121", 3.0, 0.10),
    ("DEU", "FRA", "010121", 8.0, 0.0),
    ("CHN", "FRA", "010121", 2.0, 0.5),
]


def frame(rows=ROWS):
    return pd.DataFrame(rows, columns=[*KEYS, "value", "tariff"])


def changed(**columns):
    return frame().assign(**columns)


def read(df, **options):
    return TradeData.from_frame(df, **options)


def same(a, b):
    names = ("_exporter", "_importer", "_value", "_tariff")
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in names)


# ---- reading ------------------------------------------------------------------------------------


def test_flows_are_sorted_and_labelled():
    data = read(frame())
    flows = data.flows
    assert flows[KEYS].to_numpy().tolist() == [
        ["CHN", "FRA", "010121"],
        ["CHN", "USA", "010121"],
        ["DEU", "FRA", "010121"],
        ["USA", "CHN", "010121"],
        ["CHN", "USA", "850440"],
        ["MEX", "USA", "850440"],
    ]
    assert flows["value"].tolist() == [2.0, 6.0, 8.0, 3.0, 60.0, 40.0]
    assert flows["tariff"].tolist() == [0.5, 0.02, 0.0, 0.1, 0.25, 0.0]
    assert flows.attrs["unit"] == {"value": "USD", "tariff": "fraction"}
    assert data.units == flows.attrs["unit"]
    assert data.countries.tolist() == ["CHN", "DEU", "FRA", "MEX", "USA"]
    assert data.products.tolist() == ["010121", "850440"]
    assert len(data) == 6


def test_layout_describes_the_flows():
    data = read(frame())
    layout = data._layout
    assert layout.market_ptr.tolist() == [0, 4, 6]
    assert layout.exp_ptr.tolist() == [0, 3, 5]
    assert layout.exp_code.tolist() == [0, 1, 4, 0, 3]
    assert layout.row_ptr.tolist() == [0, 2, 3, 4, 5, 6]
    assert layout.imp_ptr.tolist() == [0, 3, 4]
    assert layout.imp_code.tolist() == [0, 2, 4, 4]
    assert layout.col.tolist() == [1, 2, 1, 0, 0, 0]
    assert data._product.tolist() == [0, 0, 0, 0, 1, 1]
    assert data._exp_slot.tolist() == [0, 0, 1, 2, 3, 4]
    assert data._imp_slot.tolist() == [1, 2, 1, 0, 3, 3]


def test_row_order_changes_no_bit():
    rng = np.random.default_rng(1)
    base = frame()
    base["value"] = rng.lognormal(0, 5, len(base))
    first = read(base)
    for _ in range(5):
        shuffled = base.iloc[rng.permutation(len(base))]
        assert same(first, read(shuffled))


def test_arrays_are_read_only_and_own_their_memory():
    base = frame().sort_values(["product", "exporter", "importer"], ignore_index=True)
    value = base["value"].to_numpy().copy()
    data = read(base)
    base.loc[0, "value"] = 1e9
    assert np.array_equal(data._value, value)
    arrays = [data._value, data._tariff, data._exporter, data._importer, *data._layout]
    assert not any(array.flags.writeable for array in arrays)
    flows = data.flows
    flows.loc[0, "value"] = -1.0
    assert np.array_equal(data._value, value)


def test_input_is_not_modified():
    base = frame()
    before = base.copy(deep=True)
    read(base)
    with pytest.warns(DataWarning, match="already"):
        read(base, percent=True)
    pd.testing.assert_frame_equal(base, before)


def test_it_is_immutable():
    data = read(frame())
    with pytest.raises(AttributeError, match="TradeData is immutable: cannot set '_value'"):
        data._value = None
    with pytest.raises(AttributeError, match="cannot delete"):
        del data._value
    with pytest.raises(DataError, match=r"TradeData\.from_frame"):
        TradeData()


def key_forms(df):
    def with_keys(change):
        return df.assign(**{key: change(df[key]) for key in KEYS})

    yield "object", with_keys(lambda s: s.astype(object))
    yield "string", with_keys(lambda s: s.astype("string"))
    yield "categorical", with_keys(lambda s: s.astype("category"))
    extra = ["unused", *sorted(set(df["exporter"]), reverse=True)]
    yield "categorical, unused", df.assign(exporter=pd.Categorical(df["exporter"], extra))
    yield "float32", df.assign(value=df["value"].astype(np.float32))
    yield "integer values", df.assign(value=df["value"].astype(np.int64))
    yield "nullable", df.assign(value=df["value"].astype("Float64"))
    yield "object numbers", df.assign(value=df["value"].astype(object))
    yield "wider", df.assign(year=2024)


@pytest.mark.parametrize("form", [name for name, _ in key_forms(frame())])
def test_pandas_columns_of_every_kind(form):
    df = dict(key_forms(frame()))[form]
    assert same(read(df), read(frame()))


def test_read_only_and_strided_columns():
    base = frame()
    numbers = np.zeros((len(base), 4))
    numbers[:, 0], numbers[:, 2] = base["value"], base["tariff"]
    strided = base.assign(value=0.0, tariff=0.0)
    strided = strided.drop(columns=["value", "tariff"]).join(
        pd.DataFrame(numbers, index=base.index, columns=["value", "a", "tariff", "b"])
    )
    numbers.flags.writeable = False
    assert same(read(strided), read(base))


@pytest.mark.parametrize("form", ["eager", "lazy", "categorical", "enum", "chunks"])
def test_polars(form):
    pl = pytest.importorskip("polars")
    df = pl.DataFrame(frame().to_dict("list"))
    if form == "lazy":
        df = df.lazy()
    elif form == "categorical":
        df = df.with_columns(pl.col(KEYS).cast(pl.Categorical))
    elif form == "enum":
        labels = sorted({*frame()["exporter"], *frame()["importer"], "ZZZ"})
        df = df.with_columns(pl.col("exporter", "importer").cast(pl.Enum(labels)))
    elif form == "chunks":
        df = pl.concat([df[:2], df[2:]], rechunk=False)
    assert same(read(df), read(frame()))


@pytest.mark.parametrize("form", ["plain", "dictionary", "chunks"])
def test_pyarrow(form):
    pa = pytest.importorskip("pyarrow")
    table = pa.table(frame().to_dict("list"))
    if form == "dictionary":
        table = table.set_column(0, "exporter", table["exporter"].dictionary_encode())
    elif form == "chunks":
        table = pa.concat_tables([table[:2], table[2:]])
    assert same(read(table), read(frame()))


@pytest.mark.parametrize("backend", ["pandas", "polars", "pyarrow"])
def test_frames_come_back(backend):
    pytest.importorskip(backend)
    data = read(frame().assign(export_tax=0.1))
    out = data.to_frame(backend)
    assert type(out).__module__.startswith(backend)
    again = read(out)
    assert same(data, again)
    assert np.array_equal(again._export_tax, data._export_tax)


def test_unknown_backend():
    with pytest.raises(DataError, match="backend='dask': give 'pandas', 'polars' or 'pyarrow'"):
        read(frame()).to_frame("dask")


def test_columns_renames():
    theirs = frame().rename(columns={"exporter": "i", "importer": "j", "product": "k"})
    assert same(
        read(theirs, columns={"i": "exporter", "j": "importer", "k": "product"}), read(frame())
    )


def test_columns_can_swap():
    with pytest.warns(DataWarning, match="transposed"):
        swapped = read(frame(), columns={"exporter": "importer", "importer": "exporter"})
    assert swapped.flows["importer"].tolist().count("CHN") == 3


def test_percent_divides_rates():
    percent = changed(tariff=frame()["tariff"] * 100, export_tax=10.0)
    data = read(percent, percent=True)
    assert np.allclose(data._tariff, read(frame())._tariff, rtol=1e-15)
    assert data._export_tax.tolist() == [0.1] * 6


def test_fill_tariff_is_counted_and_noted():
    some = changed(tariff=[0.1, np.nan, 0.1, np.nan, 0.1, 0.1])
    data = read(some, fill_tariff=0.0)
    assert data.report.filled_tariffs == 2
    assert data.notes == ("tariff missing in 2 of 6 rows: 0 was filled in",)
    none = read(frame().drop(columns="tariff"), fill_tariff=0.05)
    assert none.report.filled_tariffs == 6
    assert none._tariff.tolist() == [0.05] * 6
    assert data.subset(importer="FRA").report.filled_tariffs == 0


def test_metadata_is_carried():
    data = read(
        frame(),
        value_unit="1000 USD",
        source="customs",
        licence="CC0",
        year=2024,
        tariff_date="2024-07-01",
        notes=("a note",),
    )
    got = (data.value_unit, data.source, data.licence, data.year, data.tariff_date, data.notes)
    assert got == ("1000 USD", "customs", "CC0", 2024, "2024-07-01", ("a note",))
    assert data.default_elasticities is None
    assert data.subset(importer="USA").source == "customs"
    assert "TradeData 2024 customs" in repr(data)
    assert "note: a note" in repr(data)


# ---- refusals -----------------------------------------------------------------------------------


def refused(df, message, **options):
    with pytest.raises(DataError) as caught:
        read(df, **options)
    assert message in str(caught.value), caught.value
    return str(caught.value)


def test_no_frame():
    refused([1, 2], "the frame of flows is a list: give a pandas, polars or pyarrow table")
    refused(frame().iloc[:0], "the frame of flows has no rows")


def test_missing_columns_are_named_with_the_nearest():
    text = refused(frame().rename(columns={"exporter": "exportr"}), "lacks 'exporter'")
    assert "did you mean 'exportr'?" in text
    assert 'columns={"theirs": "ours"}' in text


def test_wrong_columns_argument():
    refused(
        frame(),
        "columns= names 'expo', which the frame of flows does not have",
        columns={"expo": "exporter"},
    )
    refused(frame(), "did you mean 'importer'", columns={"exporter": "importr"})
    refused(changed(i="x"), "has 'i', 'exporter' for 'exporter'", columns={"i": "exporter"})


@pytest.mark.parametrize("kind", [np.int64, np.float64, np.int32])
def test_hs_code_read_as_a_number(kind):
    text = refused(changed(product=frame()["product"].astype(kind)), "and not strings")
    assert text.startswith("6 rows of the frame of flows: column 'product' holds")
    assert "loses its leading zero" in text
    assert "dtype={'product': str}" in text
    assert ".str.zfill(6)" in text


def test_hs_code_read_as_a_number_in_a_categorical():
    df = changed(product=pd.Categorical(frame()["product"].astype(int)))
    refused(df, "leading zero")
    refused(changed(product=frame()["product"].astype(int).astype(object)), "leading zero")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.nan, "value is NaN"),
        (-1.0, "value is negative"),
        (np.inf, "value is infinite"),
    ],
)
def test_bad_values_are_named(bad, message):
    df = changed(value=[1.0, bad, 1.0, bad, 1.0, 1.0])
    df.index = list("abcdef")
    text = refused(df, message)
    assert text.startswith("2 rows of the frame of flows")
    assert "row b: exporter='CHN' importer='USA' product='850440'" in text
    assert "row d: " in text


def test_only_five_rows_are_named():
    rows = [("CHN", "USA", f"{k:06d}", -1.0, 0.0) for k in range(9)]
    text = refused(frame(rows), "9 rows of the frame of flows: value is negative")
    assert text.count("  row ") == 5
    assert "... 4 more" in text


def test_values_that_are_no_numbers():
    text = refused(changed(value=["1", "2", "x", "4", "5", "6"]), "and not numbers")
    assert "pd.to_numeric(df['value'])" in text
    mixed = pd.Series([1.0, "two", 3.0, 4.0, 5.0, 6.0], dtype=object)
    assert refused(changed(value=mixed), "and not numbers").startswith("1 row of")
    refused(changed(value=[True] * 6), "and not numbers")


@pytest.mark.parametrize("key", KEYS)
def test_missing_and_empty_labels(key):
    for bad, message in ((None, "no label in column"), ("  ", "an empty label in column")):
        column = frame()[key].tolist()
        column[2] = bad
        text = refused(changed(**{key: column}), message)
        assert repr(key) in text
        assert "  row 2: " in text


def test_missing_tariffs():
    text = refused(frame().drop(columns="tariff"), "has no column 'tariff' for its 6 rows")
    assert "fill_tariff=0.0" in text
    text = refused(changed(tariff=[0, np.nan, 0, 0, 0, 0]), "the tariff is missing")
    assert "row 1: exporter='CHN'" in text
    assert "fill_tariff=0.0" in text
    refused(frame(), "fill_tariff=25: give a rate as a fraction", fill_tariff=25)


def test_rates_that_cannot_be():
    refused(changed(tariff=-1.0), "6 rows of the frame of flows: tariff is <= -1")
    refused(changed(tariff=np.inf), "tariff is <= -1 (-100 %) or infinite")
    refused(changed(export_tax=-1.5), "export_tax is <= -1")
    refused(changed(export_tax=np.nan), "export_tax is NaN")


def test_a_percent_taken_for_a_fraction():
    text = refused(changed(tariff=[25, 10, 0, 0, 2.5, 5.0]), "a percent taken for a fraction?")
    assert text.startswith("2 rows")
    assert "percent=True" in text
    assert read(changed(tariff=5.0))._tariff.max() == 5.0


def test_a_fraction_taken_for_a_percent_is_warned_of():
    with pytest.warns(DataWarning, match="no tariff is above 1 %: is the column in fractions"):
        read(changed(tariff=0.01 * frame()["tariff"]), percent=True)


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_duplicates(order):
    df = frame(ROWS + ROWS[:2])[order]
    text = refused(df, "2 rows of the frame of flows: exporter, importer, product stand in an")
    assert "product='850440'" in text
    assert "add the values up" in text
    with pytest.raises(DataError, match=r"1 flows stand more than once \(a->b x\)"):
        TradeData._from_arrays(
            exporter=np.zeros(2, np.int32),
            importer=np.ones(2, np.int32),
            product=np.zeros(2, np.int32),
            value=np.ones(2),
            tariff=np.zeros(2),
            countries=["a", "b"],
            products=["x"],
        )


def test_destination_without_spending():
    text = refused(changed(value=[40, 60, 0, 3, 8, 2]), "1 destinations spend nothing")
    assert "(USA 010121)" in text
    assert "row 2: exporter='CHN' importer='USA' product='010121' value=0" in text
    kept = read(changed(value=[40, 60, 6, 3, 0, 2]))
    assert kept.report.zero_rows == 1


# ---- doubts -------------------------------------------------------------------------------------


def both_ways(products, out=1.0, back=4.0):
    rows = [("CHN", "USA", p, out, 0.0) for p in products]
    return frame(rows + [("USA", "CHN", p, back, 0.0) for p in products])


@pytest.mark.parametrize("products", [["010121", "850440"], ["TOTAL"], ["steel", "cars", "chips"]])
def test_transposed_countries_are_warned_of(products):
    with pytest.warns(DataWarning, match=r"CHN->USA is .* are exporter and importer transposed\?"):
        read(both_ways(products))


def test_no_doubt_where_the_order_is_usual_or_the_frame_is_partial():
    read(both_ways(["010121", "850440"], out=4.0, back=1.0))
    read(both_ways(["120190", "120110"]))  # soybeans do flow that way
    read(both_ways(["soybeans"]))
    read(frame([("USA", "CHN", "TOTAL", 1.0, 0.0)]))


def test_codes_of_mixed_length_are_warned_of():
    rows = [("CHN", "USA", "8504", 1.0, 0.0), ("CHN", "USA", "850440", 1.0, 0.0)]
    with pytest.warns(DataWarning, match="HS codes of 4 digits .'8504'.*, 6 digits"):
        read(frame(rows))
    rows = [("CHN", "USA", "10121", 1.0, 0.0)]
    with pytest.warns(DataWarning, match="did '10121' lose a leading zero"):
        read(frame(rows))


# ---- report -------------------------------------------------------------------------------------


def test_report_counts():
    report = read(frame()).report
    assert (report.rows, report.zero_rows, report.countries) == (6, 0, 5)
    assert (report.exporters, report.destinations, report.products) == (4, 3, 2)
    assert not report.one_destination
    assert report.one_destination_products == 1
    assert not report.home_sales
    assert report.value == 119.0
    assert "destinations            3 (one only for 1 products)" in repr(report)
    assert report.to_frame()["item"].tolist()[0] == "rows"
    assert "<table>" in report._repr_html_()


def test_report_sees_one_destination_and_home_sales():
    one = read(frame(ROWS[:3])).report
    assert one.one_destination
    assert "(one for each product)" in repr(one)
    home = read(frame([*ROWS, ("USA", "USA", "850440", 9.0, 0.0)])).report
    assert home.home_sales
    assert (home.home_rows, home.home_value) == (1, 9.0)


def test_html_is_escaped():
    data = read(frame(), source="<b>x</b>")
    assert "&lt;b&gt;x" in data._repr_html_()


# ---- pickles -------------------------------------------------------------------------------------


def test_pickles_and_copies_stay_read_only():
    data = read(changed(tariff=[0.1, np.nan, 0.1, 0.1, 0.1, 0.1]), fill_tariff=0.0, year=2024)
    for again in (pickle.loads(pickle.dumps(data)), copy.deepcopy(data)):
        assert same(data, again)
        assert repr(again) == repr(data)
        assert not again._value.flags.writeable
        assert not again._layout.col.flags.writeable
