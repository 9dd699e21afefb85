"""Schedule: the vectors of the model, replacement, targets, truces, knowledge, scenarios."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import tradewar as tw
from tests.helpers_schedule import one, rate, stack, table
from tradewar.errors import DataError
from tradewar.stacking import entry_duty, exclusive

CLOSE = 1e-10  # percent; sums of a few doubles


def near(found: float, expected: float) -> None:
    assert found == pytest.approx(expected, abs=CLOSE, rel=0)


# ---- stacking: the vectors --------------------------------------------------------------------


def test_everything_adds_without_section_232():
    duties = stack(0.034, s301=0.25, fentanyl=0.10, reciprocal=0.25)
    for rule in ("exclusive", "additive", "max"):
        near(rate(duties, rule), 63.4)


def test_floor_counts_from_the_duty_after_preferences():
    duties = stack(0.05, used=0.9, floor=0.15)
    parts = duties.parts(on="2025-10-25", importer="USA", exporter="CHN").iloc[0]
    near(100 * parts["base"], 0.5)
    near(100 * parts["reciprocal"], 14.5)
    near(rate(duties), 15.0)


def test_floor_below_the_base_adds_nothing():
    near(rate(stack(0.20, floor=0.15)), 20.0)


@pytest.mark.parametrize(
    ("rule", "expected"), [("exclusive", 71.5), ("additive", 107.5), ("max", 71.5)]
)
def test_aluminium_derivative(rule, expected):
    duties = stack(0.025, s301=0.25, fentanyl=0.20, reciprocal=0.10, sectoral=0.50, content=0.35)
    near(rate(duties, rule), expected)


@pytest.mark.parametrize(
    ("rule", "expected"), [("additive", 105.0), ("exclusive", 95.0), ("max", 95.0)]
)
def test_primary_steel(rule, expected):
    duties = stack(s301=0.25, fentanyl=0.20, reciprocal=0.10, sectoral=0.50)
    near(rate(duties, rule), expected)


def test_max_takes_the_higher_of_the_two_on_covered_content():
    duties = stack(reciprocal=0.40, sectoral=0.25, content=0.5)
    near(rate(duties, "max"), 40.0)
    near(rate(duties, "exclusive"), 32.5)


def test_two_section_232_duties_claim_at_most_the_whole_content():
    frame = pd.DataFrame(
        {
            "imposer": "USA",
            "target": "CHN",
            "instrument": "tariff",
            "layer": ["s232_autos", "s232_steel", "reciprocal"],
            "rate": [0.25, 0.50, 0.10],
            "content": ["0.8", "0.6", None],
            "effective": "2025-10-01",
        }
    )
    duties = tw.Schedule.from_frame(frame, products=["870899"])
    near(rate(duties), 100 * (0.8 * 0.25 + 0.2 * 0.50))


def test_entries_are_rounded_line_by_line():
    assert entry_duty(14172.00, [0.25, 0.50, 0.029]) == ([3543.0, 7086.0, 410.99], 11039.99)


def test_a_users_rule_sees_the_parts():
    def no_fentanyl(parts):
        return exclusive(parts) - parts.layers["fentanyl"]

    duties = stack(0.025, s301=0.25, fentanyl=0.20, reciprocal=0.10)
    near(rate(duties, no_fentanyl), 37.5)
    assert duties.rates(on="2025-10-25", rule=no_fentanyl).attrs["rule"] == "no_fentanyl"


def test_a_rule_of_the_wrong_shape_is_refused():
    with pytest.raises(DataError, match=r"shape \(2,\); wanted is one rate for each of 1 lines"):
        rate(stack(0.1), lambda parts: np.zeros(2))


def test_an_unknown_rule_is_named():
    with pytest.raises(DataError, match="rule='adddditive' is not known; did you mean 'additive'"):
        rate(stack(0.1), "adddditive")


# ---- a calendar: replacement, lists, truces, threats ------------------------------------------

CALENDAR = table(
    ("USA", "WLD", "tariff", "mfn", "all", 0.025, "2018-01-01"),
    ("USA", "CHN", "tariff", "s301", "list_1", 0.25, "2018-07-06"),
    ("USA", "CHN", "tariff", "s301", "list_3", 0.10, "2018-09-24"),
    ("USA", "CHN", "tariff", "s301", "list_3", 0.25, "2019-05-10"),
    ("USA", "CHN", "tariff", "fentanyl", "all", 0.10, "2025-02-04"),
    ("USA", "CHN", "tariff", "fentanyl", "all", 0.20, "2025-03-04"),
    ("USA", "WLD", "tariff", "reciprocal", "all", 0.10, "2025-04-05"),
    ("USA", "CHN", "tariff", "reciprocal", "all", 0.84, "2025-04-09"),
    ("USA", "CHN", "tariff", "reciprocal", "all", 1.25, "2025-04-10"),
    ("USA", "CHN", "tariff", "reciprocal", "all", 0.34, "2025-05-14"),
    ("USA", "CHN", "truce", "reciprocal", "all", 0.10, "2025-05-14"),
    ("USA", "CHN", "truce", "reciprocal", "all", 0.10, "2025-08-12"),
    ("USA", "CHN", "threat", "threat_100", "all", 1.00, "2025-11-01"),
    ("USA", "CHN", "tariff", "fentanyl", "all", 0.10, "2025-11-10"),
    ("USA", "CHN", "truce", "reciprocal", "all", 0.10, "2025-11-10"),
    announced=[
        None,
        "2018-06-15",
        "2018-09-17",
        "2019-05-05",
        "2025-02-01",
        "2025-03-03",
        "2025-04-02",
        "2025-04-08",
        "2025-04-09",
        "2025-05-12",
        "2025-05-12",
        "2025-08-11",
        "2025-10-10",
        "2025-11-04",
        "2025-11-04",
    ],
    expires=[None] * 10 + ["2025-08-12", "2025-11-10", None, None, "2026-11-10"],
    outcome=[""] * 12 + ["withdrawn", "", ""],
    learnt=[None] * 12 + ["2025-10-26", None, None],
)
LISTS = {"list_1": ["847989"], "list_3": ["850440"]}


@pytest.fixture(scope="module")
def us():
    return tw.Schedule.from_frame(CALENDAR, name="USA", lists=LISTS)


def list_3(schedule: tw.Schedule, on: str) -> float:
    [number] = schedule.rates(on=on, products=["850440"], exporter="CHN")["tariff"]
    return 100.0 * number


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ("2018-09-23", 2.5),
        ("2018-09-24", 12.5),
        ("2019-05-10", 27.5),
        ("2025-02-04", 37.5),
        ("2025-03-04", 47.5),
        ("2025-04-05", 57.5),
        ("2025-04-09", 131.5),
        ("2025-04-10", 172.5),
        ("2025-05-14", 57.5),
        ("2025-10-25", 57.5),
        ("2025-11-10", 47.5),
        ("2026-11-10", 71.5),  # the truce lapses: 34 is back
    ],
)
def test_list_3(us, on, expected):
    near(list_3(us, on), expected)


def test_the_threat_counts_in_its_branch_alone(us):
    near(list_3(us, "2025-11-01"), 57.5)
    near(list_3(us.branch("threat"), "2025-11-01"), 157.5)
    near(list_3(us.branch("threat"), "2025-10-31"), 57.5)
    with pytest.raises(DataError, match="branch 'treat' is not known; did you mean 'threat'"):
        us.branch("treat")


def test_what_was_known_before_the_deal_snaps_back(us):
    then = us.as_of("2025-10-25")
    near(list_3(then, "2025-11-10"), 81.5)  # 2.5 + 25 + 20 + 34
    assert then.date == "2025-10-25"
    frame = then.to_frame()
    assert (frame["announced"].dropna() <= "2025-10-25").all()
    assert set(frame["outcome"]) == {""}
    near(list_3(us.as_of("2025-08-11"), "2025-08-20"), 57.5)
    near(list_3(us.as_of("2025-08-10"), "2025-08-20"), 81.5)


def test_the_country_speaks_before_the_world(us):
    got = us.rates(on="2025-04-10", products=["010121"], exporter=["CHN", "VNM"])
    np.testing.assert_allclose(got["tariff"], [0.025 + 0.20 + 1.25, 0.025 + 0.10])
    assert got["exporter"].tolist() == ["CHN", "VNM"]
    assert got.attrs["unit"] == {"tariff": "fraction"}


def test_a_group_speaks_before_the_world_and_after_a_country():
    frame = table(
        ("USA", "WLD", "tariff", "reciprocal", "all", 0.10, "2025-08-07"),
        ("USA", "EU", "tariff", "reciprocal", "all", 0.15, "2025-08-07"),
        ("USA", "DEU", "tariff", "reciprocal", "all", 0.05, "2025-08-07"),
    )
    duties = tw.Schedule.from_frame(frame, products=["850440"])
    got = duties.rates(on="2025-10-01", exporter=["DEU", "FRA", "EU27", "JPN"])
    assert got.set_index("exporter")["tariff"].to_dict() == {
        "DEU": 0.05,
        "EU27": 0.15,
        "FRA": 0.15,
        "JPN": 0.10,
    }


def test_overlapping_lists_take_the_highest():
    frame = table(
        ("USA", "CHN", "tariff", "s301", "list_3", 0.25, "2019-05-10"),
        ("USA", "CHN", "tariff", "s301", "review", 1.00, "2024-09-27"),
    )
    duties = tw.Schedule.from_frame(frame, lists={"list_3": ["8703"], "review": ["870380"]})
    got = duties.rates(on="2025-01-01", products=["870323", "870380"])["tariff"]
    np.testing.assert_allclose(got, [0.25, 1.00])


def test_shares_of_lists_fill_up_to_the_whole():
    frame = table(
        ("USA", "CHN", "tariff", "s301", "list_3", 0.25, "2019-05-10"),
        ("USA", "CHN", "tariff", "s301", "list_4a", 0.075, "2020-02-14"),
    )
    lists = {
        "list_3": pd.Series({"610910": 0.5}, name="share"),
        "list_4a": pd.Series({"610910": 0.75}, name="share"),
    }
    duties = tw.Schedule.from_frame(frame, lists=lists)
    near(rate(duties, on="2021-01-01"), 100 * (0.5 * 0.25 + 0.5 * 0.075))


def test_lines_are_averaged():
    frame = table(
        ("USA", "CHN", "tariff", "s301", "list_3", 0.25, "2019-05-10"), exemptions=["out"]
    )
    duties = tw.Schedule.from_frame(
        frame,
        lists={"list_3": ["61091000", "61099010", "61099090"], "out": ["61099090"]},
        lines={"USA": ["61091000", "61099010", "61099090", "61099095"]},
    )
    assert duties.products == ("610910", "610990")
    got = duties.rates(on="2020-01-01")["tariff"]
    np.testing.assert_allclose(got, [0.25, 0.25 / 3])


def test_codes_finer_than_products_need_lines():
    frame = table(("USA", "CHN", "tariff", "s301", "list_3", 0.25, "2019-05-10"))
    duties = tw.Schedule.from_frame(frame, lists={"list_3": ["61091000"]})
    with pytest.raises(DataError, match=r"1 codes are finer than the products .61091000 in 6"):
        duties.rates(on="2020-01-01", products=["610910"])


def test_rate_tables_must_cover_what_is_asked():
    frame = table(
        ("USA", "WLD", "tariff", "mfn", "all", None, "2018-01-01"), rate_table=["mfn_2025"]
    )
    lists = {"mfn_2025": pd.Series({"850440": 0.0, "61": 0.16}, name="rate")}
    duties = tw.Schedule.from_frame(frame, lists=lists, targets=["CHN"])
    np.testing.assert_allclose(
        duties.rates(on="2020-01-01", products=["610910", "850440"])["tariff"], [0.16, 0.0]
    )
    with pytest.raises(DataError, match=r"no rate for 1 of 1 lines .870323."):
        duties.rates(on="2020-01-01", products=["870323"])


def test_a_retroactive_measure_was_not_known_before():
    frame = table(("USA", "WLD", "suspension", "reciprocal", "all", 0.0, "2025-11-13"))
    frame["announced"] = "2025-11-14"
    duties = tw.Schedule.from_frame(frame, products=["090111"], targets=["BRA"])
    assert len(duties.as_of("2025-11-14")) == 1
    with pytest.raises(DataError, match="no measure had been announced by then"):
        duties.as_of("2025-11-13")


def test_a_suspension_before_the_start_holds():
    """Section 301 list 4B: due on 15 December 2019, suspended on the 13th, never applied."""
    frame = table(
        ("USA", "CHN", "tariff", "s301", "all", 0.15, "2019-12-15"),
        ("USA", "CHN", "suspension", "s301", "all", 0.0, "2019-12-13"),
        announced=["2019-08-23", "2019-12-13"],
    )
    duties = tw.Schedule.from_frame(frame, products=["851712"])
    near(rate(duties, on="2020-01-01"), 0.0)
    near(rate(duties.as_of("2019-12-01"), on="2020-01-01"), 15.0)


def test_order_of_rows_does_not_matter(us):
    shuffled = CALENDAR.sample(frac=1.0, random_state=7)
    again = tw.Schedule.from_frame(shuffled, lists=LISTS)
    for on in ("2019-06-01", "2025-04-09", "2025-05-14", "2026-12-01"):
        pd.testing.assert_frame_equal(us.rates(on=on), again.rates(on=on), check_exact=True)


# ---- edits ------------------------------------------------------------------------------------


def test_suspend_adds_rows_and_leaves_the_schedule_alone(us):
    calm = us.suspend(on="2025-06-01", until="2025-07-01", layer="fentanyl")
    near(list_3(calm, "2025-05-31"), 57.5)
    near(list_3(calm, "2025-06-01"), 37.5)
    near(list_3(calm, "2025-07-01"), 57.5)
    near(list_3(us, "2025-06-01"), 57.5)
    assert len(calm) == len(us) + 1


def test_resume_ends_a_suspension_and_was_not_known_before(us):
    calm = us.suspend(on="2025-06-01", layer="fentanyl")
    back = calm.resume(on="2025-09-01", layer="fentanyl")
    near(list_3(back, "2025-08-31"), 37.5)
    near(list_3(back, "2025-09-01"), 57.5)
    near(list_3(back.as_of("2025-08-31"), "2025-09-01"), 37.5)
    with pytest.raises(DataError, match="no suspension or truce of these is in force"):
        us.resume(on="2025-09-01", layer="fentanyl")


def test_remove_lifts_for_good(us):
    free = us.remove(on="2025-10-30", layer="s301", scope="list_3")
    near(list_3(free, "2025-10-29"), 57.5)
    near(list_3(free, "2025-10-30"), 32.5)
    [kept] = free.rates(on="2025-10-30", products=["847989"], exporter="CHN")["tariff"]
    near(100 * kept, 57.5)


def test_extend_prolongs_a_truce():
    frame = table(
        ("USA", "CHN", "tariff", "reciprocal", "all", 0.34, "2025-05-14"),
        ("USA", "CHN", "truce", "reciprocal", "all", 0.10, "2025-05-14"),
        expires=[None, "2025-08-12"],
    )
    duties = tw.Schedule.from_frame(frame, products=["850440"])
    near(rate(duties, on="2025-08-12"), 34.0)
    longer = duties.extend(until="2025-11-10", layer="reciprocal")
    near(rate(longer, on="2025-08-12"), 10.0)
    near(rate(longer, on="2025-11-10"), 34.0)
    with pytest.raises(DataError, match="until='2025-08-12' is not after 2025-08-12"):
        duties.extend(until="2025-08-12", layer="reciprocal")


def test_add_replaces_its_own_key_and_no_other(us):
    more = us.add(one(0.5, scope="list_3", effective="2025-10-01", announced="2025-09-01"))
    near(list_3(more, "2025-10-25"), 82.5)
    got = more.rates(on="2025-10-25", products=["847989"], exporter="CHN")["tariff"]
    near(100 * got[0], 57.5)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({}, "say which measures: imposer=, target=, layer=, scope=, authority="),
        ({"layers": "s301"}, "layers= is not known; did you mean 'layer'"),
        ({"layer": "s310"}, "no measure has layer='s310'; did you mean 's301'"),
        ({"layer": "mfn", "target": "CHN"}, "layer='mfn', target='CHN' together"),
    ],
)
def test_edits_say_what_they_did_not_find(us, where, message):
    with pytest.raises(DataError, match=message):
        us.remove(on="2025-10-01", **where)


# ---- tables -----------------------------------------------------------------------------------


def test_diff_keeps_what_moved(us):
    moved = us.diff("2025-10-25", "2025-11-10", exporter="CHN")
    np.testing.assert_allclose(moved["tariff_change"], -0.10)
    assert list(moved.columns) == [
        *("importer", "exporter", "product", "tariff", "tariff_new", "tariff_change")
    ]
    assert us.diff("2025-09-01", "2025-10-01").attrs["unchanged"] == 2


def test_between_lists_beginnings_and_ends(us):
    got = us.between("2025-08-01", "2025-11-09")
    assert list(zip(got["date"].astype(str), got["event"], strict=True)) == [
        ("2025-08-12", "expires"),
        ("2025-08-12", "begins"),
        ("2025-11-01", "begins"),
    ]


def flows() -> tw.TradeData:
    frame = pd.DataFrame(
        {
            "exporter": ["CHN", "CHN", "VNM"],
            "importer": "USA",
            "product": ["850440", "010121", "850440"],
            "value": [60.0, 40.0, 50.0],
            "tariff": [0.20, 0.01, 0.02],
        }
    )
    return tw.TradeData.from_frame(frame, tariff_date="2024-12-31", year=2024)


def test_effective_is_the_weighted_mean(us):
    got = us.effective(flows(), on=["2025-02-03", "2025-02-04"])
    china = got[got["exporter"] == "CHN"]["tariff"]
    np.testing.assert_allclose(china, [0.025 + 0.6 * 0.25, 0.125 + 0.6 * 0.25])
    total = us.effective(flows(), on="2025-02-03", by="importer")["tariff"]
    np.testing.assert_allclose(total, 0.025 + 60 * 0.25 / 150)
    assert got.attrs["unit"] == {"value": "USD", "tariff": "fraction"}


def test_timeline_names_the_events(us):
    got = us.timeline(weights=flows(), start="2025-01-01", end="2025-12-31")
    china = got[got["exporter"] == "CHN"].set_index("date")
    assert china.loc["2025-08-12", "tariff_change"] == pytest.approx(0.0, abs=CLOSE)
    assert china.loc["2025-02-04", "tariff_change"] == pytest.approx(0.10)
    assert china.loc["2025-08-12", "event"] == "reciprocal expires; reciprocal"


def test_plot_draws_the_steps(us):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    ax = us.plot.timeline(weights=flows(), start="2025-01-01", end="2025-12-31")
    assert ax.get_ylabel() == "Average duty, per cent"
    [line] = [x for x in ax.get_lines() if x.get_label() == "United States on China"]
    steps = us.timeline(weights=flows(), start="2025-01-01", end="2025-12-31")
    expected = 100 * steps[steps["exporter"] == "CHN"]["tariff"].to_numpy()
    np.testing.assert_allclose(line.get_ydata()[:-1], expected)
    two = us.plot.timeline(weights=flows(), start="2025-01-01", end="2025-12-31", n=2)
    moved = steps.groupby(["importer", "exporter"]).tail(-1)["tariff_change"]
    largest = moved.loc[moved.abs().sort_values(kind="stable").index[-2:]]
    notes = [text for text in two.texts if isinstance(text, matplotlib.text.Annotation)]
    named = [note.get_text().split()[-1] for note in notes if note.arrow_patch is not None]
    assert sorted(named) == sorted(f"{100 * x:+.1f}" for x in largest)
    levels = [note for note in notes if re.fullmatch(r"[0-9.]+", note.get_text())]
    assert len(levels) == len(two.get_lines()) > 1
    heights = sorted(note.get_window_extent().y0 for note in levels)
    assert np.diff(heights).min() > 8.0  # none on another
    matplotlib.pyplot.close("all")


# ---- scenarios and the ladder -----------------------------------------------------------------


def test_to_scenario_sets_the_base_rate_plus_the_change(us):
    data = flows()
    scn = us.to_scenario(on="2025-10-25", base=data)
    res = tw.solve_pe(data, scn, substitution=3.0, demand=1.0, supply=np.inf)
    got = res.flows.set_index(["exporter", "product"])["tariff_new"]
    assert got["CHN", "850440"] == pytest.approx(0.20 + 0.30)
    assert got["CHN", "010121"] == pytest.approx(0.01 + 0.30)
    assert got["VNM", "850440"] == pytest.approx(0.02 + 0.10)
    twice = tw.solve_pe(data, scn + scn, substitution=3.0, demand=1.0, supply=np.inf)
    pd.testing.assert_frame_equal(res.flows, twice.flows)


def test_to_scenario_can_set_the_statutory_level(us):
    scn = us.to_scenario(on="2025-10-25", base=flows(), method="level", exporter="CHN")
    [(_, rates)] = scn.rules[0].args
    np.testing.assert_allclose(rates.to_frame()["tariff"], [0.325, 0.575])


def test_a_year_is_the_mean_over_its_days(us):
    data = flows()
    scn = us.to_scenario(on="2018-12-31", base=data, base_date=2018, exporter="CHN")
    frame = dict(scn.rules[0].args)["rates"].to_frame().set_index("product")["tariff"]
    days = (pd.Timestamp("2019-01-01") - pd.Timestamp("2018-09-24")).days
    assert frame["850440"] == pytest.approx(0.20 + 0.10 * (1 - days / 365))


def test_to_scenario_needs_a_base_date(us):
    data = tw.TradeData.from_frame(flows().flows)
    with pytest.raises(DataError, match="base has no tariff_date; give base_date="):
        us.to_scenario(on="2025-10-25", base=data)


def test_rates_that_fall_below_zero_are_counted(us):
    with pytest.warns(tw.DataWarning, match="1 flows would fall below zero"):
        us.to_scenario(on="2018-01-01", base=flows(), exporter="CHN")


def test_sectors_take_the_mean_over_products(us):
    sectors = {"850440": "C27", "010121": "A01"}
    frame = flows().flows.replace({"product": sectors})
    base = tw.TradeData.from_frame(frame, tariff_date="2024-12-31")
    scn = us.to_scenario(on="2025-10-25", base=base, products=sectors, weights=flows())
    got = dict(scn.rules[0].args)["rates"].to_frame().set_index(["exporter", "product"])["tariff"]
    assert got["CHN", "C27"] == pytest.approx(0.50)
    with pytest.raises(DataError, match="none of the 2 products of base"):
        us.to_scenario(on="2025-10-25", base=base)


def test_ladder_keeps_three_rates_apart(us):
    base = flows()
    after = base.flows.assign(value=[10.0, 40.0, 90.0])  # 010121 CHN, 850440 CHN, 850440 VNM
    got = us.ladder(base, on="2025-10-25", new=tw.TradeData.from_frame(after), by="exporter")
    china = got.set_index("exporter").loc["CHN"]
    stat0, paid = (60 * 0.275 + 40 * 0.025) / 100, (60 * 0.20 + 40 * 0.01) / 100
    stat1 = (60 * 0.575 + 40 * 0.325) / 100
    assert china["statutory_base"] == pytest.approx(stat0)
    assert china["collected_base"] == pytest.approx(paid)
    assert china["wedge"] == pytest.approx(1 - paid / stat0)
    assert china["statutory"] == pytest.approx(stat1)
    assert china["collected"] == pytest.approx(stat1 * paid / stat0)
    mix = (40 * 0.575 + 10 * 0.325) / 50
    assert china["collected_new"] == pytest.approx(mix * paid / stat0)


def test_ladder_refuses_flows_that_are_not_in_the_base(us):
    new = pd.concat([flows().flows, flows().flows.tail(1).assign(product="999999")])
    with pytest.raises(DataError, match=r"1 flows are not in base .VNM->USA 999999."):
        us.ladder(flows(), on="2025-10-25", new=tw.TradeData.from_frame(new))


# ---- the object -------------------------------------------------------------------------------


def test_round_trip(us):
    again = tw.Schedule.from_frame(us.to_frame(), name="USA", lists=LISTS)
    assert again == us
    csv = us.to_frame().to_csv(index=False)
    from io import StringIO

    read = pd.read_csv(StringIO(csv), dtype=str)
    assert tw.Schedule.from_frame(read, name="USA", lists=LISTS) == us


def test_schedules_with_lists_of_one_name_and_other_codes_differ():
    rows = one(0.25, scope="goods")
    first, second, third = (
        tw.Schedule.from_frame(rows, lists={"goods": codes}, products=["850440"], lines=lines)
        for codes, lines in ((["8504"], None), (["8505"], None), (["8504"], {"USA": ["85044095"]}))
    )
    assert first == tw.Schedule.from_frame(rows, lists=first)
    np.testing.assert_allclose(first.rates(on="2020-01-01")["tariff"], [0.25])
    np.testing.assert_allclose(second.rates(on="2020-01-01")["tariff"], [0.0])
    assert first != second and first != third


def test_it_is_immutable_and_prints(us):
    with pytest.raises(AttributeError, match="immutable"):
        us.name = "x"
    frame = us.to_frame()
    frame["rate"] = 9.0
    assert us.to_frame()["rate"].max() == 1.25
    assert repr(us).startswith("Schedule 'USA': 15 measures, effective 2018-01-01 to 2025-11-10")
    assert "as known on 2025-10-25" in repr(us.as_of("2025-10-25"))
    assert "<table" in us._repr_html_()
    with pytest.raises(DataError, match="from_frame"):
        tw.Schedule()


def test_polars_is_read_too(us):
    polars = pytest.importorskip("polars")
    frame = polars.from_pandas(us.to_frame())
    assert tw.Schedule.from_frame(frame, name="USA", lists=LISTS) == us


def test_exporters_that_are_not_listed_may_be_named(us):
    assert us.targets == ("CHN",)
    assert us.rates(on="2025-05-01", exporter="VNM")["tariff"].tolist() == [0.125, 0.125]
    with pytest.raises(DataError, match="exporter='WLD': name an exporter"):
        us.rates(on="2025-05-01", exporter="WLD")
    with pytest.raises(DataError, match="importer='CHN' matches no country"):
        us.rates(on="2025-05-01", importer="CHN")
