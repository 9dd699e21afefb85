"""A user's own schedule from a table with every kind of mistake: one clear message each."""

from __future__ import annotations

import re
import warnings
from io import StringIO

import pandas as pd
import pytest

import tradewar as tw
from tests.helpers_schedule import COLUMNS, one, table
from tradewar.errors import DataError

LISTS = {"list_3": ["850440"], "mfn_2025": pd.Series({"85": 0.02}, name="rate")}

# changes of a row that is right -> what the message says
MISTAKES = {
    "no imposer": ({"imposer": ""}, "row 0 .*: no imposer"),
    "world imposes": ({"imposer": "WLD"}, "row 0 .*imposer='WLD': name the country"),
    "on itself": ({"target": "USA"}, "row 0 .*imposer and target are both 'USA'"),
    "no target": ({"target": None}, "row 0 .*: no target"),
    "number for a country": ({"target": 156}, "row 0 .*target=156 is no text"),
    "instrument misspelt": (
        {"instrument": "tarif"},
        "row 0 .*instrument='tarif' is not known; did you mean 'tariff'",
    ),
    "no layer": ({"layer": ""}, "row 0 .*: no layer: a tariff replaces the row of the same"),
    "layer of a control": (
        {"instrument": "export_control"},
        "row 0 .*layer='s301': a export_control sets no rate",
    ),
    "no rate": ({"rate": None}, "row 0 .*: a tariff in layer 's301' without a rate"),
    "rate as text": ({"rate": "25 %"}, "row 0 .*rate='25 %' is no number: write 0.25 for 25 %"),
    "rate is true": ({"rate": True}, "row 0 .*rate=True is no number"),
    "rate is infinite": ({"rate": float("inf")}, "row 0 .*rate=inf is not finite"),
    "percent": ({"rate": 25.0}, "row 0 .*rate=25 means 2,500 %: write 0.25 for 25 %, or percent"),
    "subsidy of all": ({"rate": -1.0}, "row 0 .*rate=-1: a rate must be > -1"),
    "use above one": (
        {"instrument": "preference", "rate": 1.5},
        "row 0 .*rate=1.5: the use of a preference lies between 0 and 1",
    ),
    "two rates": ({"rate_table": "mfn_2025"}, "row 0 .*rate=0.25 and rate_table='mfn_2025'"),
    "unknown table": (
        {"rate": None, "rate_table": "mfn_2024"},
        "row 0 .*rate_table='mfn_2024' is no table of rates; did you mean 'mfn_2025'",
    ),
    "table as scope": ({"scope": "mfn_2025"}, "row 0 .*scope='mfn_2025' is a table of rates"),
    "code as a number": ({"scope": 101}, "row 0 .*scope=101 is a number: an HS code loses"),
    "lost zero": ({"scope": "10121"}, "row 0 .*scope='10121' has 5 digits: .*leading zero lost"),
    "all and more": ({"scope": "all 85"}, "row 0 .*scope='all 85': 'all' stands alone"),
    "exempt all": ({"exemptions": "all"}, "row 0 .*exemptions='all': 'all' stands alone"),
    "content": ({"content": "list_4"}, "row 0 .*content='list_4' is neither a share nor a list"),
    "content above one": ({"content": 35}, "row 0 .*content=35: the covered share"),
    "no day": ({"effective": None}, "row 0 .*effective is missing: a measure needs the day"),
    "day first": ({"effective": "25/10/2025"}, "row 0 .*effective='25/10/2025' is no date: write"),
    "no such day": ({"effective": "2025-02-30"}, "row 0 .*effective='2025-02-30' is no date"),
    "year alone": ({"effective": 2025}, "row 0 .*effective=2025 is no date"),
    "ends before it starts": (
        {"effective": "2025-11-01", "expires": "2025-10-26"},
        "row 0 .*expires=2025-10-26 is before effective=2025-11-01: what was learnt later belongs",
    ),
    "ended early": (
        {"ended": "2018-01-01", "learnt": "2018-01-01"},
        "row 0 .*ended=2018-01-01 is before effective=2018-07-06",
    ),
    "ended, but when known": ({"ended": "2019-01-01"}, "row 0 .*ended=2019-01-01 without learnt"),
    "confidence": (
        {"confidence": "hihg"},
        "row 0 .*confidence='hihg'; did you mean 'high'.*write high, medium or low",
    ),
    "unknown column": ({"tariff": 0.25}, "a column 'tariff'; .*known are imposer, target"),
    "column misspelt": ({"expiry": "2026-01-01"}, "a column 'expiry'.*; known are imposer"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name):
    changes, message = MISTAKES[name]
    with pytest.raises(DataError, match=message) as caught:
        tw.Schedule.from_frame(one(0.25, **changes), lists=LISTS)
    assert len(str(caught.value)) < 400


def test_the_row_is_the_users():
    frame = pd.concat([one(0.25), one(0.25, scope="85", rate="x")])
    frame.index = [10, 20]
    with pytest.raises(DataError, match="row 20 of the table of measures: rate='x'"):
        tw.Schedule.from_frame(frame)


def test_two_words_for_one_day_are_refused():
    """The facts hold two rows of one key with rates 5 and 2.5; they need scopes of their own."""
    frame = pd.concat([one(0.05), one(0.025)], ignore_index=True)
    with pytest.raises(
        DataError,
        match=r"rows 0 and 1 .*same imposer, target, layer and scope \(USA, CHN, s301, all\).*"
        r"with rates 0.05 and 0.025: give each its own scope",
    ):
        tw.Schedule.from_frame(frame)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1, 2], "df is a list: give a pandas, polars or pyarrow table"),
        (pd.DataFrame(columns=COLUMNS), "the table of measures has no rows"),
        (one(0.1).drop(columns="imposer"), "lacks the column 'imposer'; it has target"),
    ],
)
def test_what_is_no_table(given, message):
    with pytest.raises(DataError, match=message):
        tw.Schedule.from_frame(given)


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        (["8504"], "lists= is a list: give a mapping"),
        ({"list 3": ["8504"]}, "lists: 'list 3' is no name for a list"),
        ({"x": []}, "list 'x' is empty"),
        ({"x": "8504"}, "list 'x' is '8504': give a list of codes"),
        ({"x": [8504]}, "list 'x' holds 8504: codes are strings"),
        ({"x": ["8504", "8504"]}, "list 'x' holds '8504' twice"),
        ({"x": pd.Series({"85": 25.0}, name="share")}, "list 'x': '85' has 25: a share lies"),
        ({"x": pd.Series({"85": 25.0}, name="rate")}, "list 'x': '85' has 25: rates are fractions"),
        ({"x": pd.Series({"85": 0.2}, name="rates")}, "called 'rates'; did you mean 'rate'"),
    ],
)
def test_lists_that_are_wrong(lists, message):
    with pytest.raises(DataError, match=message):
        tw.Schedule.from_frame(one(0.25), lists=lists)


def test_every_rate_above_one_is_doubted():
    with pytest.warns(tw.DataWarning, match=r"every rate is above 1.0 .100 %. .row 0: 2.5."):
        tw.Schedule.from_frame(one(2.5))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tw.Schedule.from_frame(table(*one(1.25).to_numpy(), *one(0.2, scope="85").to_numpy()))


def test_fractions_called_percent_are_doubted():
    with pytest.warns(tw.DataWarning, match="every rate is below 1 percent"):
        tw.Schedule.from_frame(one(0.25), percent=True)


def test_labels_are_checked_when_rates_are_asked_for():
    duties = tw.Schedule.from_frame(one(0.25, scope="lst_3"), lists=LISTS)
    with pytest.raises(DataError, match=r"row 0 .*'lst_3' is neither a list .*mean 'list_3'"):
        duties.rates(on="2025-01-01", products=["850440"])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"on": "25.10.2025"}, "on='25.10.2025' is no date"),
        ({"on": "2025-10-25", "products": [850440]}, "products=850440: give strings"),
        ({"on": "2025-10-25", "products": []}, "products=.*: give strings"),
        ({"on": "2025-10-25", "importer": "CHN"}, "importer='CHN' matches no country"),
        ({"on": "2025-10-25", "exporter": "USA"}, "no exporter: exporter='USA' leaves none"),
    ],
)
def test_questions_that_are_wrong(call, message):
    duties = tw.Schedule.from_frame(one(0.25), products=["850440"])
    with pytest.raises(DataError, match=message):
        duties.rates(**call)


def test_a_csv_with_a_mistake():
    text = f"{','.join(COLUMNS)}\nUSA,CHN,tariff,s301,0101,x,2018-07-06\n"
    frame = pd.read_csv(StringIO(text), dtype=str)
    with pytest.raises(DataError, match=re.escape("rate='x' is no number")):
        tw.Schedule.from_frame(frame)
    good = pd.read_csv(StringIO(text.replace("x", "0.25")), dtype=str)
    duties = tw.Schedule.from_frame(good)
    assert duties.products == ("0101",)
    assert duties.rates(on="2019-01-01", products=["010121"])["tariff"].tolist() == [0.25]
