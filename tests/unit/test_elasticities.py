"""elasticities.py and elasticity_sets.py: sets with sources, and how flows find their value."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tradewar.data import TradeData
from tradewar.elasticities import get_set, list_sets, resolve, winsorize
from tradewar.errors import DataError

KEYS = ["exporter", "importer", "product"]


def flows(products, exporters=("CHN", "MEX"), importers=("USA", "FRA")):
    cells = [(i, n, k) for i in exporters for n in importers for k in products]
    return TradeData.from_frame(pd.DataFrame(cells, columns=KEYS).assign(value=1.0, tariff=0.0))


@pytest.fixture(scope="module")
def data():
    """Two products, two importers (FRA, USA), two exporters."""
    return flows(["010121", "850440"])


# ---- sets ---------------------------------------------------------------------------------------


def test_sets_are_listed_with_sources():
    sets = list_sets()
    assert sets["name"].tolist() == ["us_2018_19", "long_run", "bw2006", "protee", "world"]
    assert sets["source"].str.len().min() > 40
    assert sets["source"].str.contains("doi:").all()
    assert sets["caveats"].str.len().min() > 40


def test_us_2018_19():
    us = get_set("us_2018_19")
    assert (us.substitution, us.demand, us.demand_one_product) == (2.53, 1.19, 1.53)
    assert us.supply == np.inf
    assert us.home_substitution is None
    assert "Fajgelbaum, Goldberg, Kennedy and Khandelwal (2020)" in us.source
    assert "complete pass-through" in us.caveats
    assert "demand: 1.19 (1.53 for one product)" in repr(us)


def test_long_run():
    long_run = get_set("long_run")
    assert (long_run.substitution, long_run.demand, long_run.supply) == (5.0, 1.19, np.inf)


def test_world_is_one_more_than_the_trade_elasticity():
    world = get_set("world")
    assert world.substitution.to_dict() == pytest.approx({"A": 4.34, "B": 5.06, "C": 4.8})
    assert world.home_substitution.equals(world.substitution)
    assert (world.demand, world.supply) == (1.0, 2.0)


@pytest.mark.parametrize(("name", "upper", "moved"), [("bw2006", 20.0, 5), ("protee", 30.0, 270)])
def test_estimates_are_winsorised_and_say_so(name, upper, moved):
    got = get_set(name)
    assert got.bounds == (1.05, upper)
    assert got.winsorised == moved
    assert got.substitution.max() == upper
    assert got.substitution.min() >= 1.05
    assert f"Winsorised to 1.05 ... {upper:g}: {moved} of" in got.caveats
    assert (got.demand, got.supply) == (None, None)


def test_protee_is_minus_the_tariff_elasticity():
    assert get_set("protee").substitution["010210"] == pytest.approx(12.11)
    assert "minus the elasticity of substitution" in get_set("protee").caveats


def test_each_call_gives_a_new_set():
    got = get_set("bw2006").substitution
    got.iloc[:] = -1.0
    assert get_set("bw2006").substitution.min() > 1


def test_unknown_set():
    with pytest.raises(DataError, match="no elasticity set 'proteee'; did you mean 'protee'"):
        get_set("proteee")


def test_winsorize():
    series = pd.Series({"01": 0.5, "02": 3.0, "03": 100.0, "04": np.nan})
    moved, n = winsorize(series, lower=1.0, upper=20.0)
    assert moved.tolist()[:3] == [1.0, 3.0, 20.0]
    assert n == 2
    assert series["03"] == 100.0
    assert winsorize(series, upper=20.0)[1] == 1
    with pytest.raises(DataError, match="give lower=, upper= or both"):
        winsorize(series)
    with pytest.raises(DataError, match="lower=3 is above upper=2"):
        winsorize(series, lower=3, upper=2)


# ---- numbers, sets, defaults --------------------------------------------------------------------


def test_numbers(data):
    found = resolve(data, "substitution", 3)
    assert found.values.tolist() == [3.0] * 4
    assert (found.label, found.source, found.unused) == ("3", "", 0)
    assert not found.values.flags.writeable
    assert resolve(data, "supply", np.inf).values.tolist() == [np.inf] * 4
    assert resolve(data, "supply", 0).values.tolist() == [0.0] * 4


@pytest.mark.parametrize(
    ("param", "bad", "message"),
    [
        ("substitution", 0.0, "substitution must be > 0 and finite, as a magnitude: 0 gives 0, 0"),
        ("demand", -1.0, r"-1 gives -1, .* for 4 pairs of importer and product \(FRA 010121, "),
        ("demand", np.nan, "demand must be > 0 and finite"),
        ("substitution", np.inf, "substitution must be > 0 and finite"),
        ("supply", -0.5, r"supply must be >= 0 \(inf: price given.* pairs of exporter and product"),
        ("supply", np.nan, "supply must be >= 0"),
    ],
)
def test_values_that_cannot_be(data, param, bad, message):
    with pytest.raises(DataError, match=message):
        resolve(data, param, bad)


def test_a_users_own_frame_has_no_default(data):
    with pytest.raises(DataError) as caught:
        resolve(data, "demand", None)
    text = str(caught.value)
    assert text.startswith("demand= has no default for a frame of your own")
    for word in ("substitution=", "supply=", "us_2018_19", "protee", "Series", "frame"):
        assert word in text


def test_default_set_of_the_data(data):
    own = data._with(meta=type(data._meta)(default_elasticities="us_2018_19"))
    found = resolve(own, "substitution", None)
    assert found.values.tolist() == [2.53] * 4
    assert found.label == "2.53 (set us_2018_19)"
    assert "doi:" in found.source


@pytest.mark.parametrize(
    ("touched", "value", "word"),
    [(1, 1.53, "one product"), (2, 1.19, "broad shock"), (None, 1.19, "broad shock")],
)
def test_demand_depends_on_how_broad_the_shock_is(data, touched, value, word):
    found = resolve(data, "demand", "us_2018_19", touched_products=touched)
    assert found.values.tolist() == [value] * 4
    assert found.label == f"{value} (set us_2018_19, {word})"


def test_a_set_without_the_parameter(data):
    with pytest.raises(DataError, match="demand='protee': this set holds substitution only"):
        resolve(data, "demand", "protee")


# ---- fall-back by HS code -----------------------------------------------------------------------


def test_protee_falls_back_from_six_digits_to_the_median():
    table = get_set("protee").substitution
    six = table[table.index.str.len() == 6]
    four = table[table.index.str.len() == 4]
    known = six.index[0]
    heading = next(code for code in four.index if f"{code}99" not in six.index and code[:2] != "99")
    three = next(
        code
        for code in (f"{n:04d}" for n in range(9999))
        if code not in four.index and six.index.str.startswith(code[:3]).any()
    )
    products = sorted({known, f"{heading}99", f"{three}99", "999999"})
    found = resolve(flows(products), "substitution", "protee")
    value = dict(zip(products, found.values[::2], strict=True))
    assert value[known] == six[known]
    assert value[f"{heading}99"] == four[heading]
    assert value[f"{three}99"] == six[six.index.str.startswith(three[:3])].median()
    assert value["999999"] == six.median()
    assert found.levels == {"HS6": 4, "HS4": 4, "HS3": 4, "default": 4}
    assert found.winsorised == 270


def test_bw2006_is_found_at_three_digits_or_the_median_of_two():
    table = get_set("bw2006").substitution
    known = table.index[10]
    found = resolve(flows([f"{known}000", f"{known}001"]), "substitution", "bw2006")
    assert set(found.values) == {table[known]}
    assert found.levels == {"HS3": 8}
    chapter = resolve(flows(["85"]), "substitution", "bw2006")
    assert chapter.values[0] == table[table.index.str.startswith("85")].median()
    assert chapter.levels == {"HS2": 4}


def test_sets_by_code_refuse_other_labels():
    with pytest.raises(DataError, match=r"substitution='protee': 1 products are no HS code"):
        resolve(flows(["850440", "steel"]), "substitution", "protee")
    with pytest.raises(DataError, match="2 products are no ICIO goods sector such as C26"):
        resolve(flows(["850440", "Cars"]), "substitution", "world")


def test_world_goes_by_sector_letter():
    found = resolve(flows(["A01", "B05", "C10T12", "C26"]), "substitution", "world")
    assert found.values[::2] == pytest.approx([4.34, 5.06, 4.8, 4.8])
    assert found.levels == {"sector A": 4, "sector B": 4, "sector C": 8}
    assert resolve(flows(["A01"]), "supply", "world").values.tolist() == [2.0, 2.0]


# ---- Series and frames --------------------------------------------------------------------------


def test_series_by_prefix_takes_the_longest(data):
    given = pd.Series({"85": 2.0, "8504": 3.0, "01": 4.0, "62": 9.0})
    found = resolve(data, "substitution", given)
    assert found.values.tolist() == [4.0, 4.0, 3.0, 3.0]
    assert found.levels == {"HS4": 4, "HS2": 4}
    assert found.unused == 2
    assert found.label == "a Series by product"
    exact = resolve(flows(["C26", "C27"]), "demand", pd.Series({"C26": 1.0, "C27": 2.0}))
    assert exact.values.tolist() == [1.0, 1.0, 2.0, 2.0]
    assert exact.levels == {}


def test_series_that_leave_flows_without_a_value(data):
    message = (
        r"a Series by product given as supply= has no value for 2 pairs of exporter and product "
        r"\(CHN 850440, MEX 850440\); every flow must find one"
    )
    with pytest.raises(DataError, match=message):
        resolve(data, "supply", pd.Series({"01": 1.0}))


def test_series_that_are_wrong(data):
    with pytest.raises(DataError, match="index holds int64 and not strings"):
        resolve(data, "demand", pd.Series({85: 1.0}))
    with pytest.raises(DataError, match=r"1 labels stand more than once in the index \('85'\)"):
        resolve(data, "demand", pd.Series([1.0, 2.0, 3.0], index=["85", "85", "01"]))
    with pytest.raises(DataError, match="demand must be > 0"):
        resolve(data, "demand", pd.Series({"85": np.nan, "01": 1.0}))


def test_frame_by_importer(data):
    given = pd.DataFrame({"importer": ["USA", "FRA", "XXX"], "demand": [1.0, 2.0, 9.0]})
    found = resolve(data, "demand", given)
    assert found.values.tolist() == [2.0, 1.0, 2.0, 1.0]  # FRA, USA of each product
    assert found.unused == 1
    assert found.levels == {}
    assert found.label == "a frame by importer"


def test_frame_by_importer_and_prefix(data):
    given = pd.DataFrame(
        [("USA", "85", 1.0), ("USA", "850440", 2.0), ("FRA", "85", 3.0), ("USA", "01", 4.0)]
        + [("FRA", "0101", 5.0)],
        columns=["importer", "product", "substitution"],
    )
    found = resolve(data, "substitution", given)
    assert found.values.tolist() == [5.0, 4.0, 3.0, 2.0]
    assert found.levels == {"HS6": 2, "HS4": 2, "HS2": 4}
    assert found.unused == 1


def test_supply_goes_by_exporter(data):
    given = pd.DataFrame({"exporter": ["CHN", "MEX"], "supply": [np.inf, 2.0]})
    assert resolve(data, "supply", given).values.tolist() == [np.inf, 2.0, np.inf, 2.0]
    with pytest.raises(DataError, match="has a column 'importer': supply is by exporter and/or"):
        resolve(data, "supply", given.rename(columns={"exporter": "importer"}))


def test_frames_from_other_libraries(data):
    pl = pytest.importorskip("polars")
    given = pl.DataFrame({"product": ["85", "01"], "demand": [1.0, 2.0]})
    assert resolve(data, "demand", given).values.tolist() == [2.0, 2.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"importer": ["USA"]}, "the frame given as demand= lacks 'demand'"),
        ({"demand": [1.0]}, "has no key column: give importer and/or product"),
        ({"importer": ["USA"], "demand": [1.0]}, "no value for 2 pairs of importer and product"),
        ({"importer": ["USA", "USA"], "demand": [1.0, 2.0]}, "the key stands in an earlier row"),
        ({"product": [850440], "demand": [1.0]}, "column 'product' holds Int64 and not strings"),
        ({"importer": ["USA", "FRA"], "demand": [1.0, -1.0]}, "a frame by importer gives -1, -1"),
    ],
)
def test_frames_that_are_wrong(data, given, message):
    with pytest.raises(DataError, match=message):
        resolve(data, "demand", pd.DataFrame(given))


def test_nothing_else_is_taken(data):
    with pytest.raises(DataError, match="the frame given as demand= is a list"):
        resolve(data, "demand", [1.0])
    with pytest.raises(DataError, match="is a bool"):
        resolve(data, "demand", True)
