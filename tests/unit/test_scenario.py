"""scenario.py, rules.py, wedges.py: rules, what they match, what they do, how they are written."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest

from tradewar.data import TradeData
from tradewar.errors import DataWarning, ScenarioError
from tradewar.scenario import Scenario

COUNTRIES = ["CHN", "DEU", "FRA", "MEX", "USA"]
GOODS = ["010121", "850440", "851712", "C26"]


@pytest.fixture(scope="module")
def data():
    """Everybody sells everything to everybody, home included, at a tariff of 10 %."""
    cells = [(i, n, k) for i in COUNTRIES for n in COUNTRIES for k in GOODS]
    df = pd.DataFrame(cells, columns=["exporter", "importer", "product"])
    return TradeData.from_frame(df.assign(value=1.0 + df["product"].map(GOODS.index), tariff=0.1))


def hit(data, scenario):
    """List the flows whose tariff changed."""
    rows = np.flatnonzero(scenario._apply(data).tariff != data._tariff)
    return {data._flow_name(int(row)) for row in rows}


def flows(exporters, importers, goods):
    """Name all flows but those at home and inside the EU."""
    pairs = {(i, n) for i in exporters for n in importers if i != n}
    return {f"{i}->{n} {k}" for i, n in pairs - {("DEU", "FRA"), ("FRA", "DEU")} for k in goods}


def add(**where):
    return Scenario("s").tariff(add=1.0, **where)


# ---- what rules match ---------------------------------------------------------------------------


def test_one_pair(data):
    assert hit(data, add(importer="USA", exporter="CHN")) == flows(["CHN"], ["USA"], GOODS)


def test_left_out_means_every_foreign_flow(data):
    assert hit(data, add()) == flows(COUNTRIES, COUNTRIES, GOODS)
    assert len(hit(data, add())) == 4 * (25 - 5 - 2)


def test_prefix_list_and_star(data):
    got = hit(data, add(importer=["USA", "MEX"], exporter="*", product="85"))
    assert got == flows(COUNTRIES, ["USA", "MEX"], ["850440", "851712"])
    assert hit(data, add(importer="USA", product=["C26", "01"])) == flows(
        COUNTRIES, ["USA"], ["C26", "010121"]
    )


def test_groups_skip_home_and_the_union(data):
    assert hit(data, add(importer="EU")) == flows(["CHN", "MEX", "USA"], ["DEU", "FRA"], GOODS)
    assert hit(data, add(importer="DEU")) == flows(["CHN", "MEX", "USA"], ["DEU"], GOODS)
    assert hit(data, add(importer="USMCA", exporter="USMCA")) == flows(
        ["MEX", "USA"], ["MEX", "USA"], GOODS
    )


def test_naming_one_country_on_each_side_reaches_home_and_union(data):
    assert hit(data, add(importer="USA", exporter="USA", product="C26")) == {"USA->USA C26"}
    assert hit(data, add(importer="DEU", exporter="FRA", product="C26")) == {"FRA->DEU C26"}
    with pytest.raises(ScenarioError, match="matches only 4 home sales or flows inside a customs"):
        add(importer=["USA"], exporter=["USA"])._apply(data)
    with pytest.raises(ScenarioError, match="name one country on each side"):
        add(importer="EU", exporter="EU")._apply(data)


def test_a_group_covers_the_aggregate_that_stands_for_it():
    rows = [("EU27", "USA", "x", 1.0, 0.0), ("CHN", "USA", "x", 1.0, 0.0)]
    names = ["exporter", "importer", "product", "value", "tariff"]
    eu = TradeData.from_frame(pd.DataFrame(rows, columns=names))
    assert hit(eu, add(importer="USA", exporter="EU")) == {"EU27->USA x"}
    rows = [("EU", "USA", "x", 1.0, 0.0), ("FRA", "USA", "x", 1.0, 0.0)]
    label = TradeData.from_frame(pd.DataFrame(rows, columns=names))
    assert hit(label, add(importer="USA", exporter="EU")) == {"EU->USA x"}  # the label wins


# ---- except_ ------------------------------------------------------------------------------------


def test_except_mapping_needs_all_its_selectors(data):
    got = hit(data, add(importer="USA", except_={"exporter": "EU", "product": "85"}))
    wanted = flows(COUNTRIES, ["USA"], GOODS) - flows(["DEU", "FRA"], ["USA"], ["850440", "851712"])
    assert got == wanted


def test_except_by_one_key(data):
    assert hit(data, add(importer="USA", except_={"exporter": ["CHN", "MEX"]})) == flows(
        ["DEU", "FRA"], ["USA"], GOODS
    )
    assert hit(data, add(importer="USA", except_={"product": "85"})) == flows(
        COUNTRIES, ["USA"], ["010121", "C26"]
    )


def test_except_list_of_mappings_takes_any(data):
    exclusions = [
        {"exporter": "CHN", "product": "C26"},
        {"exporter": "CHN", "product": ["C26", "01"]},
        {"exporter": "EU"},
    ]
    assert hit(data, add(importer="USA", except_=exclusions)) == flows(
        ["MEX"], ["USA"], GOODS
    ) | flows(["CHN"], ["USA"], ["850440", "851712"])


def test_bare_except_stands_for_the_open_side(data):
    assert hit(data, add(importer="USA", except_="USMCA")) == flows(
        ["CHN", "DEU", "FRA"], ["USA"], GOODS
    )
    assert hit(data, add(exporter="CHN", except_=["USA", "EU"])) == flows(["CHN"], ["MEX"], GOODS)
    assert hit(data, add(importer=["USA", "MEX"], except_="USMCA")) == flows(
        ["CHN", "DEU", "FRA"], ["USA", "MEX"], GOODS
    )
    assert hit(data, add(except_=["EU", "MEX"])) == flows(["CHN", "USA"], ["CHN", "USA"], GOODS)


def test_bare_except_may_name_products(data):
    assert hit(data, add(importer="USA", except_=["85", "C26", "CHN"])) == flows(
        ["DEU", "FRA", "MEX"], ["USA"], ["010121"]
    )


@pytest.mark.parametrize(
    ("exclusion", "message"),
    [
        ("CHM", "except_='CHM' matches no country of the data; did you mean 'CHN'"),
        ("8599", "except_='8599' matches no product"),
        ({"exporter": "CHM"}, "except_ exporter='CHM' matches no country"),
        ({"exporter": "*"}, "except_ leaves out every flow"),
    ],
)
def test_except_that_is_wrong(data, exclusion, message):
    with pytest.raises(ScenarioError, match=message):
        add(importer="USA", except_=exclusion)._apply(data)


def test_except_of_a_wrong_form():
    with pytest.raises(ScenarioError, match="give selectors for importer, exporter and/or product"):
        add(except_={"country": "USA"})
    with pytest.raises(ScenarioError, match="give selectors for"):
        add(except_={})
    with pytest.raises(ScenarioError, match="except_= is an empty list"):
        add(except_=[])


# ---- a rule that matches nothing ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (
            {"exporter": "CHM"},
            r"rule 1, tariff\(exporter='CHM', add=1.0\): exporter='CHM' matches no country of the "
            "data; did you mean 'CHN'",
        ),
        ({"importer": "China"}, "importer='China' matches no country.* did you mean 'CHN'"),
        ({"product": "850441"}, "product='850441' matches no product.* did you mean '850440'"),
        ({"product": "C2"}, "product='C2' matches no product.* did you mean 'C26'"),
        ({"exporter": "ASEAN"}, "exporter='ASEAN' matches no country.*none of its members"),
    ],
)
def test_unknown_labels_name_the_selector_and_the_nearest(data, where, message):
    with pytest.raises(ScenarioError, match=message):
        add(**where)._apply(data)


def test_known_labels_without_a_flow_together(data):
    one = data.subset(importer="USA")
    with pytest.raises(ScenarioError, match="does with importer and exporter swapped"):
        add(importer="CHN", exporter="USA")._apply(one)
    partly = data.subset(exporter="MEX", product="85").flows
    rest = data.subset(exporter="CHN", product="01").flows
    both = TradeData.from_frame(pd.concat([partly, rest]))
    message = (
        "matches no flow: 10 for the exporter alone, 3 for the importer alone, 5 for the product "
        "alone, none for all together"
    )
    with pytest.raises(ScenarioError, match=message):
        add(importer="USA", exporter="MEX", product="01")._apply(both)


def test_the_error_says_which_rule(data):
    with pytest.raises(ScenarioError, match=r"^rule 2, ban"):
        add().ban(exporter="XXX")._apply(data)


# ---- what rules do ------------------------------------------------------------------------------


def usa_from_china(wedge, data):
    china, usa = COUNTRIES.index("CHN"), COUNTRIES.index("USA")
    return wedge[(data._exporter == china) & (data._importer == usa)]


def test_set_add_scale_run_in_order(data):
    where = {"importer": "USA", "exporter": "CHN"}
    scn = Scenario("s").tariff(set=0.2, **where).tariff(add=0.3, **where)
    scn = scn.tariff(scale=2.0, **where)
    wedges = scn._apply(data)
    assert usa_from_china(wedges.tariff, data) == pytest.approx([1.0] * 4)
    assert (wedges.tariff != data._tariff).sum() == 4
    assert (wedges.export_tax, wedges.cost, wedges.weight) == (None, None, None)


def test_export_taxes_costs_and_bans(data):
    where = {"importer": "USA", "exporter": "CHN"}
    scn = Scenario("s").export_tax(add=0.2, **where).trade_cost(ratio=1.5, **where)
    scn = scn.trade_cost(ratio=2.0, product="C26", **where).ban(product="01", **where)
    wedges = scn._apply(data)
    assert wedges.tariff is data._tariff
    assert usa_from_china(wedges.export_tax, data).tolist() == [0.2] * 4
    assert usa_from_china(wedges.cost, data).tolist() == [1.5, 1.5, 1.5, 3.0]
    assert usa_from_china(wedges.weight, data).tolist() == [0.0, 1.0, 1.0, 1.0]
    assert wedges.export_tax.sum() == pytest.approx(0.8)
    assert wedges.cost.sum() == len(data) + 3 * 0.5 + 2.0
    assert wedges.weight.sum() == len(data) - 1


def test_export_taxes_start_from_the_data(data):
    taxed = TradeData.from_frame(data.flows.assign(export_tax=0.1))
    scn = Scenario("s").export_tax(importer="USA", exporter="CHN", add=0.2)
    assert usa_from_china(scn._apply(taxed).export_tax, taxed) == pytest.approx([0.3] * 4)
    assert Scenario("s")._apply(taxed).export_tax is taxed._export_tax


def test_no_rules_change_nothing(data):
    wedges = Scenario("nothing")._apply(data)
    assert wedges.tariff is data._tariff
    assert wedges.touched == ()
    assert wedges.touched_products == 0


def test_touched_counts_rows_value_and_products(data):
    scn = add(importer="USA", exporter="CHN", product="85").tariff(exporter="MEX", set=0.0)
    wedges = scn._apply(data)
    first, second = wedges.touched
    assert first.rule == "tariff(importer='USA', exporter='CHN', product='85', add=1.0)"
    assert first.rows == 2
    china, usa = data.subset(exporter="CHN", importer="USA", product="85"), "USA"
    assert first.value == china._value.sum()
    assert usa in china.countries
    assert second.rows == 16
    assert wedges.touched_products == 4
    assert add(importer="USA", product="85")._apply(data).touched_products == 2


def test_wedges_are_read_only_and_data_unchanged(data):
    before = data._tariff.copy()
    wedges = add()._apply(data)
    assert not wedges.tariff.flags.writeable
    assert np.array_equal(data._tariff, before)


def test_rates_that_fall_to_minus_one(data):
    message = (
        r"rule 1, .*: the rate of 4 flows falls to -1 \(-100 %\) or below "
        r"\(CHN->USA 010121: 0.1 -> -1.1, "
    )
    with pytest.raises(ScenarioError, match=message):
        Scenario("s").tariff(importer="USA", exporter="CHN", add=-1.2)._apply(data)
    low = Scenario("s").tariff(importer="USA", exporter="CHN", add=-0.6)
    assert usa_from_china(low._apply(data).tariff, data) == pytest.approx([-0.5] * 4)


def test_productivity_belongs_to_economies(data):
    scn = Scenario("s").productivity(country="CHN", product="C26", ratio=1.1)
    assert str(scn.rules[0]) == "productivity(country='CHN', product='C26', ratio=1.1)"
    with pytest.raises(ScenarioError, match=r"rule 1, productivity.*: .* use solve_ge"):
        scn._apply(data)


# ---- arguments ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "args", "message"),
    [
        ("tariff", {}, "tariff needs exactly one of set= or add= or scale=; got none"),
        ("tariff", {"set": 0.1, "add": 0.1}, "needs exactly one of .*; got set, add"),
        ("export_tax", {}, "export_tax needs exactly one of"),
        ("tariff", {"add": "0.1"}, "add='0.1' is no number; rates are fractions"),
        ("tariff", {"add": True}, "add=True is no number"),
        ("tariff", {"add": np.nan}, "add=nan is not finite"),
        ("tariff", {"set": -1.0}, "set=-1.0 must be > -1"),
        ("tariff", {"scale": -1.0}, "scale=-1.0 must be >= 0"),
        ("tariff", {"add": 25.0}, "2,500 percent: a percent taken for a fraction.*add=0.25"),
        ("tariff", {"set": 100}, "10,000 percent: .* Write set=1 for 100 percent"),
        ("trade_cost", {"ratio": 0.0}, "ratio=0.0 must be > 0"),
        ("productivity", {"ratio": -1.0}, "ratio=-1.0 must be > 0"),
        ("tariff", {"add": 0.1, "importer": ""}, "importer= is an empty string"),
        ("ban", {"product": 850440}, "product=850440 is a number.*'850440'"),
    ],
)
def test_arguments_that_cannot_be(method, args, message):
    with pytest.raises(ScenarioError, match=message):
        getattr(Scenario("s"), method)(**args)


@pytest.mark.parametrize("kind", ["set", "add"])
def test_high_rates_are_possible_and_warned_of(data, kind):
    with pytest.warns(DataWarning, match=f"{kind}=10.0 means 1,000 percent; write {kind}=0.1"):
        scn = Scenario("s").tariff(importer="USA", exporter="CHN", **{kind: 10.0})
    assert usa_from_china(scn._apply(data).tariff, data) == pytest.approx(
        [10.0 + 0.1 * (kind == "add")] * 4
    )
    Scenario("s").tariff(**{kind: 5.0})  # silent


def test_scale_is_no_rate():
    Scenario("s").tariff(scale=30.0)


def test_names():
    with pytest.raises(ScenarioError, match="name=3: give a string"):
        Scenario(3)
    with pytest.raises(ScenarioError, match="rules are added with tariff"):
        Scenario("s", [])


# ---- the object ---------------------------------------------------------------------------------


def full():
    """Use every instrument and every way to write a selector."""
    return (
        Scenario("all")
        .tariff(importer="USA", exporter=["CHN", "a, b"], add=0.1 + 0.2)
        .tariff(
            importer="EU", product="85", set=0.0, except_={"exporter": ["CHN"], "product": "01"}
        )
        .tariff(importer="EU", scale=0.5, except_=["CAN", "MEX"])
        .tariff(scale=0.5, except_="USMCA")
        .export_tax(exporter="CHN", product=["2504", "2846"], set=1 / 3)
        .trade_cost(ratio=1.05, except_=[{"importer": "USA"}, {"exporter": "EU"}])
        .ban(exporter="[odd", importer='"quoted"')
        .productivity(country="CHN", ratio=1.01)
    )


def test_immutable_and_chained():
    first = Scenario("s")
    second = first.ban()
    assert first.rules == ()
    assert len(second.rules) == 1
    with pytest.raises(AttributeError):
        second.name = "t"
    with pytest.raises(AttributeError):
        second.rules[0].instrument = "tariff"


def test_adding_runs_one_after_the_other():
    a, b = Scenario("a").tariff(add=0.1), Scenario("b").ban(exporter="CHN")
    both = a + b
    assert both.name == "a + b"
    assert both.rules == a.rules + b.rules
    with pytest.raises(TypeError):
        a + 1


def test_equality_and_hash():
    assert full() == full()
    assert hash(full()) == hash(full())
    assert full() != full().ban()
    assert Scenario("a") != Scenario("b")
    assert len({full(), full(), Scenario("a")}) == 2


def test_json_round_trip_is_exact():
    assert Scenario.from_json(full().to_json()) == full()
    assert Scenario.from_json(Scenario("empty").to_json()) == Scenario("empty")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no JSON of a scenario"),
        ("[]", 'an object with "name" and "rules" is wanted'),
        ('{"rules": [3]}', "rule 1: 3 is no object"),
        ('{"rules": [{}]}', "rule 1: no instrument; known are tariff, export_tax"),
        ('{"rules": [{"instrument": "ban", "add": 1}]}', "rule 1: ban takes no 'add'"),
    ],
)
def test_json_that_is_wrong(text, message):
    with pytest.raises(ScenarioError, match=message):
        Scenario.from_json(text)


def test_frame_has_a_row_a_rule():
    frame = full().to_frame()
    assert frame.columns.tolist() == [
        *("importer", "exporter", "product", "instrument", "country"),
        *("set", "add", "scale", "ratio", "except_"),
    ]
    assert frame["instrument"].tolist()[4:] == ["export_tax", "trade_cost", "ban", "productivity"]
    assert frame["exporter"][0] == '["CHN", "a, b"]'
    assert frame["add"][0] == 0.1 + 0.2
    assert frame["add"][1:].isna().all()
    short = Scenario("s").tariff(importer="USA", add=1.0).to_frame()
    assert short.columns.tolist() == ["importer", "exporter", "product", "instrument", "add"]
    assert short.iloc[0].tolist() == ["USA", "*", "*", "tariff", 1.0]
    assert Scenario("empty").to_frame().columns.tolist() == short.columns.tolist()[:4]


@pytest.mark.parametrize("backend", ["pandas", "polars", "pyarrow", "csv"])
def test_frame_round_trip(backend, tmp_path):
    frame = full().to_frame()
    if backend == "csv":
        frame.to_csv(tmp_path / "rules.csv", index=False)
        frame = pd.read_csv(tmp_path / "rules.csv", dtype=str)
        numbers = ["set", "add", "scale", "ratio"]
        frame[numbers] = frame[numbers].map(float)  # read_csv may round the last bit
    elif backend == "polars":
        pl = pytest.importorskip("polars")
        records = [
            {key: None if pd.isna(cell) else cell for key, cell in record.items()}
            for record in frame.to_dict("records")
        ]
        frame = pl.DataFrame(records, infer_schema_length=None)
    elif backend == "pyarrow":
        frame = pytest.importorskip("pyarrow").Table.from_pandas(frame)
    assert Scenario.from_frame(frame, name="all") == full()


def test_from_frame_fills_what_is_left_out():
    frame = pd.DataFrame({"instrument": ["ban", "tariff"], "exporter": [["CHN", "USA"], None]})
    frame["set"] = [np.nan, 0.1]
    scn = Scenario.from_frame(frame)
    assert scn == Scenario("scenario").ban(exporter=["CHN", "USA"]).tariff(set=0.1)
    assert Scenario.from_frame(frame.iloc[:0]) == Scenario("scenario")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"exporter": ["CHN"]}, "lacks the column 'instrument'; known instruments are tariff"),
        ({"instrument": ["ban"], "exportr": ["CHN"]}, "column 'exportr'; did you mean 'exporter'"),
        (
            {"instrument": ["blockade"]},
            "row 0 .*: instrument 'blockade' is not known.*known are tariff",
        ),
        ({"instrument": ["tarif"]}, "did you mean 'tariff'"),
        ({"instrument": ["ban", "tariff"]}, "row 1 .*: tariff needs exactly one of"),
        ({"instrument": [None]}, "row 0 .*: no instrument"),
        ({"instrument": ["ban"], "ratio": [2.0]}, "row 0 .*: ban takes no 'ratio'; it takes imp"),
        ({"instrument": ["ban"], "product": [850440]}, "row 0 .*: product=850440 is a number"),
    ],
)
def test_frames_that_are_wrong(columns, message):
    with pytest.raises(ScenarioError, match=message):
        Scenario.from_frame(pd.DataFrame(columns))


def test_from_frame_wants_a_frame():
    with pytest.raises(ScenarioError, match="df is a list: give a pandas, polars or pyarrow"):
        Scenario.from_frame([1])


def test_text():
    assert repr(Scenario("x")) == "Scenario 'x': no rules"
    assert repr(Scenario("x").ban(exporter="CHN").tariff(add=1.0)) == (
        "Scenario 'x'\n  1. ban(exporter='CHN')\n  2. tariff(add=1.0)"
    )
    assert "<table" in full()._repr_html_()


def test_pickles_and_copies():
    assert pickle.loads(pickle.dumps(full())) == full()
    assert copy.deepcopy(full()) == full()


def test_rebuilding_does_not_warn_again():
    with pytest.warns(DataWarning, match="1,000 percent"):
        scn = Scenario("s").tariff(add=10.0)
    pickle.loads(pickle.dumps(scn))
    assert (scn + scn).ban().rules[0] == scn.rules[0]


# ---- tables of rates --------------------------------------------------------------------------


def table_of_rates() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "importer": ["USA", "USA"],
            "exporter": ["MEX", "CHN"],
            "product": ["850440", "850440"],
            "tariff": [0.1, 0.475],
        }
    )


def rate_data() -> TradeData:
    return TradeData.from_frame(
        pd.DataFrame(
            {
                "importer": "USA",
                "exporter": ["CHN", "MEX", "VNM"],
                "product": "850440",
                "value": [60.0, 40.0, 20.0],
                "tariff": [0.25, 0.0, 0.02],
            }
        )
    )


def test_a_table_of_rates_sets_flows_one_by_one():
    scn = Scenario("table").tariff_table(table_of_rates())
    wedges = scn._apply(rate_data())
    assert wedges.tariff.tolist() == [0.475, 0.1, 0.02]
    assert [(t.rows, t.value) for t in wedges.touched] == [(2, 100.0)]
    assert wedges.touched_products == 1
    assert "2 rates from 0.1 to 0.475: importer USA; 2 exporters, 1 products" in repr(scn)
    after = scn.tariff(importer="USA", exporter="CHN", add=1.0)._apply(rate_data())
    assert after.tariff[0] == 1.475


def test_a_table_of_rates_survives_frames_json_and_pickle():
    scn = Scenario("table").tariff_table(table_of_rates()).tariff(importer="USA", add=0.1)
    assert Scenario.from_json(scn.to_json()) == scn
    assert Scenario.from_frame(scn.to_frame(), name="table") == scn
    assert hash(Scenario.from_json(scn.to_json())) == hash(scn)
    assert len(scn._repr_html_()) < 5000
    shuffled = Scenario("table").tariff_table(table_of_rates().iloc[::-1])
    assert shuffled.rules[0] == scn.rules[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="tariff"), "the table of rates lacks 'tariff'"),
        (lambda f: pd.concat([f, f]), "has USA CHN 850440 twice"),
        (lambda f: f.assign(tariff=-1.0), "the rate of USA CHN 850440 is -1"),
        (lambda f: f.assign(tariff=float("nan")), "the rate of USA CHN 850440 is nan"),
        (lambda f: f.to_numpy(), "the table of rates is a ndarray"),
        (lambda f: "{", "rates= is text, but no JSON of a table"),
        (lambda f: {"importer": 1}, "rates= is no table of rates"),
    ],
)
def test_tables_of_rates_that_are_wrong(change, message):
    with pytest.raises(ScenarioError, match=message):
        Scenario("table").tariff_table(change(table_of_rates()))


def test_a_table_of_rates_for_other_data():
    other = table_of_rates().assign(product="C27")
    with pytest.raises(ScenarioError, match=r"matches no flow; .* 0 of its 1 products"):
        Scenario("table").tariff_table(other)._apply(rate_data())
