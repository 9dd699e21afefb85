"""Schedules: nothing learnt later leaks, and the algebra of intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import tradewar as tw
from tradewar.schedule_rates import known_on
from tradewar.schedule_reading import COLUMNS, DATES, HINDSIGHT, is_rated

FIRST, LAST = np.datetime64("2018-01-01", "D"), np.datetime64("2026-12-31", "D")
ROUNDING = 1e-14
PRODUCTS = ["010121", "720610", "850440"]
LAYERS = ["s301", "fentanyl", "reciprocal", "china_2025_mar"]
LISTS = {"list_a": ["01", "8504"], "list_b": pd.Series({"72": 1.0, "850440": 0.5}, name="share")}

days = st.integers(0, int((LAST - FIRST).astype(int))).map(lambda n: str(FIRST + n))
rates = st.integers(0, 99).map(lambda n: n / 100)


@st.composite
def measures(draw, minimum: int = 1, maximum: int = 8) -> pd.DataFrame:
    """Draw a table of measures with different words on every key and day."""
    rows = []
    for _ in range(draw(st.integers(minimum, maximum))):
        effective = np.datetime64(draw(days))
        rows.append(
            {
                "imposer": "USA",
                "target": draw(st.sampled_from(["CHN", "WLD", "EU", "VNM"])),
                "instrument": "tariff",
                "layer": draw(st.sampled_from(LAYERS)),
                "scope": draw(st.sampled_from(["all", "list_a", "list_b", "85"])),
                "rate": draw(rates),
                "announced": str(effective - draw(st.integers(-3, 60))),
                "effective": str(effective),
                "expires": draw(
                    st.none() | st.integers(1, 400).map(lambda n, e=effective: str(e + n))
                ),
            }
        )
    frame = pd.DataFrame(rows).drop_duplicates(
        ["target", "layer", "scope", "announced", "effective"], ignore_index=True
    )
    return frame


def schedule(frame: pd.DataFrame) -> tw.Schedule:
    return tw.Schedule.from_frame(
        frame, lists=LISTS, products=PRODUCTS, targets=["CHN", "DEU", "VNM"]
    )


def rate(measures_: tw.Schedule, on: str, rule: str = "exclusive") -> np.ndarray:
    return measures_.rates(on=on, rule=rule)["tariff"].to_numpy()


# ---- leaks ------------------------------------------------------------------------------------


def changed(table: pd.DataFrame, column: str, rows: np.ndarray, later: str) -> pd.DataFrame:
    """Change a column of some rows, keeping what makes the row late."""
    out = table.copy()
    if column == "announced":
        value = np.datetime64(later, "s") + np.timedelta64(1, "D")
    elif column in DATES:
        value = np.datetime64("2027-05-05", "s")
    elif column == "rate":
        value = 0.123
    else:
        value = "changed"
    out.loc[rows, column] = value
    return out


def test_a_change_of_the_past_is_seen():
    """The comparison below can fail: a field known by then makes a difference."""
    us = tw.schedules.us_china()
    table = us.to_frame()
    past = known_on(table) <= np.datetime64("2025-10-25", "s")
    for column in COLUMNS:
        rows = past & (table["announced"].notna() if column in DATES else past)
        if column in HINDSIGHT:
            rows = (table["learnt"] <= "2025-10-25").to_numpy()
            if column == "learnt":
                continue
        if column == "announced":
            continue
        other = changed(table, column, np.asarray(rows), "2025-10-25")
        assert us._with(table=other).as_of("2025-10-25") != us.as_of("2025-10-25"), column


@pytest.mark.parametrize("column", COLUMNS)
@settings(max_examples=max(6, settings.default.max_examples // 4))
@given(day=days)
def test_what_is_learnt_after_a_day_changes_nothing_on_it(column, day):
    """Of rows announced later every field; of others the fields of hindsight learnt later."""
    us = tw.schedules.us_china()
    table = us.to_frame()
    cut = np.datetime64(day, "s")
    late_rows = known_on(table) > cut
    rows = late_rows.copy()
    if column in HINDSIGHT:
        learnt = table["learnt"].to_numpy("datetime64[s]")
        rows |= ~(learnt <= cut)
    if column == "effective":  # a row without announcement is known from that day on
        rows &= table["announced"].notna().to_numpy()
    assume(rows.any())
    if column == "learnt":  # it stays later than the day
        other = table.copy()
        other.loc[rows, "learnt"] = cut + np.timedelta64(7, "D")
    else:
        other = changed(table, column, rows, day)
    before = us.as_of(day)
    after = us._with(table=other).as_of(day)
    assert before == after  # every cell, bit for bit


@given(day=days, later=days)
def test_rates_as_of_a_day_are_bitwise_those_without_the_future(day, later):
    us = tw.schedules.us_china()
    table = us.to_frame()
    past = table[known_on(table) <= np.datetime64(day, "s")].copy()
    learnt = past["learnt"].to_numpy("datetime64[s]")
    unknown = ~(learnt <= np.datetime64(day, "s"))
    past.loc[unknown, ["ended", "learnt"]] = pd.NaT
    some = {"products": ["850440", "720610", "870380"], "importer": "USA", "exporter": "CHN"}
    alone = us._with(table=past).rates(on=later, **some)
    np.testing.assert_array_equal(alone["tariff"], us.as_of(day).rates(on=later, **some)["tariff"])


def test_no_text_of_october_tells_the_future():
    then = tw.schedules.us_china().as_of("2025-10-25").to_frame()
    for column in ("what", "status", "authority", "source", "quantity"):
        text = " ".join(then[column])
        for word in ("Busan", "Kuala Lumpur", "Supreme Court", "AFTER BASE", "H200"):
            assert word not in text, (column, word)
    assert not (then["status"] == "after the talks of October 2025").any()


# ---- intervals --------------------------------------------------------------------------------


@given(frame=measures(), start=days, length=st.integers(1, 300), on=days)
def test_a_suspension_that_ends_leaves_the_rest_as_it_was(frame, start, length, on):
    before = schedule(frame)
    layer = frame["layer"].iloc[0]
    begun = (frame["layer"] == layer) & (frame["effective"] <= start)
    assume(begun.any())
    end = str(np.datetime64(start) + length)
    known = str(LAST)  # the latest word on its keys
    calm = before.suspend(on=start, until=end, announced=known, layer=layer)
    if not start <= on < end:
        np.testing.assert_array_equal(rate(calm, on), rate(before, on))


@given(frame=measures(), start=days, wait=st.integers(1, 300), on=days)
def test_suspend_then_resume_is_identity(frame, start, wait, on):
    before = schedule(frame)
    layer = frame["layer"].iloc[0]
    begun = (frame["layer"] == layer) & (frame["effective"] <= start)
    assume(begun.any())
    back = str(np.datetime64(start) + wait)
    calm = before.suspend(on=start, announced=str(LAST), layer=layer)
    again = calm.resume(on=back, layer=layer)
    if not start <= on < back:
        np.testing.assert_array_equal(rate(again, on), rate(before, on))
    else:
        np.testing.assert_array_equal(rate(again, on), rate(calm, on))
    assert len(again) >= len(before) + 1


@given(frame=measures(minimum=2), on=days, seed=st.integers(0, 2**32 - 1))
def test_order_of_measures_is_irrelevant(frame, on, seed):
    order = np.random.default_rng(seed).permutation(len(frame))
    for rule in ("additive", "exclusive"):
        np.testing.assert_array_equal(
            rate(schedule(frame), on, rule), rate(schedule(frame.iloc[order]), on, rule)
        )


@given(frame=measures(), new=rates, on=days)
def test_a_new_row_replaces_its_own_key_and_no_other(frame, new, on):
    before = schedule(frame)
    row = frame.iloc[[0]].assign(rate=new, announced=str(LAST), effective=str(FIRST), expires=None)
    after = before.add(row)
    table = after.to_frame()
    rest = frame[
        ~(
            (frame["target"] == row["target"].iloc[0])
            & (frame["layer"] == row["layer"].iloc[0])
            & (frame["scope"] == row["scope"].iloc[0])
        )
    ]
    alone = schedule(pd.concat([rest, row], ignore_index=True))
    np.testing.assert_allclose(rate(after, on), rate(alone, on), rtol=0, atol=ROUNDING)
    assert len(table) == len(frame) + 1
    assert is_rated(table).all()


@given(frame=measures(), on=days)
def test_rates_follow_an_obvious_twin(frame, on):
    """One product, one exporter at a time, in plain Python."""
    found = schedule(frame).rates(on=on, rule="additive")
    covered = {
        "all": dict.fromkeys(PRODUCTS, 1.0),
        "85": {"850440": 1.0},
        "list_a": {"010121": 1.0, "850440": 1.0},
        "list_b": {"720610": 1.0, "850440": 0.5},
    }
    speaks = {"CHN": ["CHN", "WLD"], "DEU": ["EU", "WLD"], "VNM": ["VNM", "WLD"]}
    for exporter, product, tariff in found[["exporter", "product", "tariff"]].to_numpy():
        total = 0.0
        for layer in LAYERS:
            left = 1.0
            for target in speaks[exporter]:
                words = {}
                mine = frame[(frame["layer"] == layer) & (frame["target"] == target)]
                for row in mine.sort_values(["announced", "effective"]).itertuples():
                    open_end = not isinstance(row.expires, str) or on < row.expires
                    if row.effective <= on and open_end:
                        words[row.scope] = row.rate
                for value, scope in sorted(((r, s) for s, r in words.items()), reverse=True):
                    share = min(covered[scope].get(product, 0.0), left)
                    total += share * value
                    left -= share
        assert tariff == pytest.approx(total, abs=1e-12)


@given(frame=measures(), first=days, second=days)
def test_diff_is_the_difference(frame, first, second):
    duties = schedule(frame)
    moved = duties.diff(first, second)
    whole = rate(duties, second) - rate(duties, first)
    assert len(moved) + moved.attrs["unchanged"] == len(whole)
    np.testing.assert_array_equal(moved["tariff_change"], whole[whole != 0])


@given(frame=measures())
def test_frames_survive_the_round_trip(frame):
    duties = schedule(frame)
    again = tw.Schedule.from_frame(
        duties.to_frame(), lists=LISTS, products=PRODUCTS, targets=["CHN", "DEU", "VNM"]
    )
    assert again == duties
