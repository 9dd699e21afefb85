"""codes.py and selectors.py: labels, groups, prefixes, suggestions."""

from __future__ import annotations

import numpy as np
import pytest

from tradewar.codes import (
    AGGREGATES,
    COUNTRIES,
    GROUPS,
    country_name,
    hs_pad,
    hs_parent,
    is_hs,
    longest_prefix,
    suggest,
)
from tradewar.errors import DataError, ScenarioError
from tradewar.selectors import (
    check_selector,
    country_mask,
    customs_union_ids,
    names_one,
    product_mask,
    read_selector,
    write_selector,
)


def test_country_table():
    assert len(COUNTRIES) > 200
    assert {"TWN", "HKG", "MAC", "XKX", "USA", "CHN"} <= set(COUNTRIES)
    assert {"ROW", "EU27", "EU28"} <= set(AGGREGATES)
    assert all(len(code) == 3 and code.isupper() for code in COUNTRIES)
    assert len(set(COUNTRIES.values())) == len(COUNTRIES)


def test_groups_hold_known_countries():
    for group in GROUPS.values():
        assert group.members <= set(COUNTRIES), group.name
        assert group.aggregates <= set(AGGREGATES), group.name
    sizes = {"EU": 27, "ASEAN": 11, "USMCA": 3, "RCEP": 15, "CPTPP": 12, "OECD": 38, "G7": 7}
    assert {name: len(GROUPS[name].members) for name in sizes} == sizes
    assert [name for name, group in GROUPS.items() if group.customs_union] == ["EU"]


def test_country_name_falls_back_to_the_label():
    assert country_name("TWN") == "Taiwan"
    assert country_name("ROW") == "Rest of the world"
    assert country_name("Region 7") == "Region 7"


def test_hs_helpers():
    assert is_hs("010121")
    assert not is_hs("9999AA")
    assert not is_hs("")
    assert hs_pad(10121) == "010121"
    assert hs_pad("101", 4) == "0101"
    assert hs_parent("010121", 2) == "01"
    with pytest.raises(ValueError, match="no HS code of 6 digits"):
        hs_pad(12345678)
    with pytest.raises(ValueError, match="no HS heading of 4 digits"):
        hs_parent("85", 4)


def test_longest_prefix_wins_and_needs_digits():
    keys = ["85", "8504", "C2", "C26"]
    assert longest_prefix(["850440", "851712", "C26", "870323"], keys) == [1, 0, 3, -1]


@pytest.mark.parametrize(
    ("label", "wanted"),
    [
        ("CHM", "CHN"),
        ("China", "CHN"),
        ("usa", "USA"),
        ("US", "USA"),
        ("European Union", "EU27"),
    ],
)
def test_suggest_finds_the_nearest(label, wanted):
    assert suggest(label, ["CHN", "USA", "EU27"]) == f"; did you mean {wanted!r}?"


def test_suggest_keeps_silent_where_nothing_is_near():
    assert suggest("QQQQ", ["CHN", "USA"]) == ""
    assert suggest("x", []) == ""


LABELS = ["CHN", "DEU", "EU27", "FRA", "USA"]


def picked(mask):
    return [label for label, there in zip(LABELS, mask, strict=True) if there]


def countries(selector, labels=LABELS):
    return country_mask(selector, labels, "exporter", ScenarioError)


def test_country_selectors():
    assert picked(countries("CHN")) == ["CHN"]
    assert picked(countries("*")) == LABELS
    assert picked(countries("EU")) == ["DEU", "EU27", "FRA"]
    assert picked(countries(("USA", "EU"))) == ["DEU", "EU27", "FRA", "USA"]


def test_a_label_wins_over_a_group():
    assert country_mask("EU", ["CHN", "EU", "FRA"], "exporter", DataError).tolist() == [
        False,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("selector", "labels", "message"),
    [
        ("CHM", LABELS, "exporter='CHM' matches no country of the data; did you mean 'CHN'?"),
        (("USA", "Chyna"), LABELS, "exporter= item 'Chyna' matches no country"),
        ("ASEAN", LABELS, "none of its members \\(BRN, IDN, KHM, LAO, MMR, ... \\(11 in all\\)"),
        ("FRA", ["CHN", "EU27"], "'FRA' .* it is part of 'EU27', which is there"),
        ("EU27", ["CHN", "FRA"], "did you mean the group 'EU'\\?"),
    ],
)
def test_country_selectors_that_match_nothing(selector, labels, message):
    with pytest.raises(ScenarioError, match=message):
        countries(selector, labels)


def test_product_selectors():
    goods = ["0101", "850440", "851712", "C85"]

    def find(selector):
        return product_mask(selector, goods, "product", ScenarioError).tolist()

    assert find("85") == [False, True, True, False]
    assert find(("C85", "01")) == [True, False, False, True]
    assert find("*") == [True] * 4
    with pytest.raises(ScenarioError, match=r"product='850441' .* did you mean '850440'"):
        find("850441")
    with pytest.raises(ScenarioError, match="product='C8' matches no product"):
        find("C8")  # a prefix needs digits on both sides


def test_a_product_label_wins_over_a_prefix():
    assert product_mask("1", ["1", "10", "11"], "product", DataError).tolist() == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "exporter= is an empty string"),
        ([], "exporter= is an empty list"),
        (["CHN", ""], "holds an empty string"),
        ([["CHN"]], "holds \\['CHN'\\]: a list of strings"),
        (8504, "exporter=8504 is a number"),
        ([8504], "exporter=8504 is a number"),
        (None, "give a label, a list"),
        ({"a": 1}, "give a label, a list"),
    ],
)
def test_forms_that_are_no_selector(given, message):
    with pytest.raises(ScenarioError, match=message):
        check_selector(given, "exporter", ScenarioError)


def test_a_product_given_as_a_number_is_told_its_padded_code():
    with pytest.raises(DataError, match="write a string, such as '010121'"):
        check_selector(10121, "product", DataError)


def test_check_selector_freezes_lists_and_sorts_sets():
    assert check_selector(["USA", "CHN"], "x", DataError) == ("USA", "CHN")
    assert check_selector({"USA", "CHN"}, "x", DataError) == ("CHN", "USA")
    assert check_selector(np.array(["USA"]), "x", DataError) == ("USA",)


@pytest.mark.parametrize("selector", ["CHN", ("CHN", "a, b"), "[odd", '"quoted"', "{x", ("CHN",)])
def test_selectors_survive_a_cell(selector):
    assert check_selector(read_selector(write_selector(selector)), "x", DataError) == selector


def test_names_one_and_unions():
    assert names_one("CHN", LABELS)
    assert not names_one("EU", LABELS)
    assert not names_one(("CHN",), LABELS)
    assert customs_union_ids(LABELS).tolist() == [0, 1, 1, 1, 0]
