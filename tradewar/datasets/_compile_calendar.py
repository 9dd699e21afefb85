"""Recipe of the calendar: dated facts as measures, what was learnt later in columns of its own."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from tradewar.datasets._calendar import COURT, IEEPA, RECODED, extra_rows
from tradewar.datasets._compile_base import Source, Table
from tradewar.datasets._scopes import PREFERRED
from tradewar.errors import DataError, first_five

__all__ = ["calendar"]

FACTS = "../facts/timeline.csv"
TALKS = "2025-10-25"
AFTER = "after the talks of October 2025"
WORDS: tuple[str, ...] = (
    *("imposer", "target", "instrument", "layer", "authority", "scope", "exemptions", "what"),
    *("rate_table", "content", "quantity", "announced", "effective", "expires", "status"),
    *("source", "confidence", "branch", "ended", "outcome", "outcome_source", "learnt"),
)

# The facts give an expiry that was known when announced for these; elsewhere it is hindsight.
EXPIRY_KNOWN = ("truce", "suspension", "purchase_commitment")
EXPIRY_KNOWN_AUTHORITY = ("Section 122", "Section 301 legacy chips")
# Ends that came later than the announcement: (date, start of the scope) -> day it was known.
ENDED = {("2025-05-29", "Chip-design"): "2025-07-02", ("2025-05-15", "No US"): "2025-10-29"}
# What became of a measure, where the day it was known is: (date, start of the scope) -> day.
LEARNT = {
    ("2018-09-17", "If China"): "2019-09-01",
    ("2019-08-01", "10% on"): "2019-08-23",
    ("2019-10-11", "25% to 30%"): "2019-10-11",
    ("2025-09-29", "Firms"): "2025-11-01",
    ("2025-10-09", "Extra"): "2025-11-07",
    ("2025-10-09", "Rare"): "2025-11-07",
    ("2025-11-01", "100% on"): "2025-10-26",
    ("2025-11-01", "Export"): "2025-10-26",
    ("2025-11-08", "Five"): "2025-11-07",
    ("2025-11-08", "Super"): "2025-11-07",
    ("2025-11-08", "Rare"): "2025-11-07",
    ("2025-11-08", "Lithium"): "2025-11-07",
}
# Texts of the facts that tell the future, as they stood when announced.
AS_ANNOUNCED = {
    ("2018-04-16", "ZTE"): "ZTE cut off from US-origin items for 7 years",
    ("2019-05-10", "List 3"): "List 3 raised from 10% to 25%, for goods exported from 10 May",
    ("2020-02-14", "Sept 2019"): "September 2019 batch halved",
    ("2025-04-09", "Country"): "Country rates 11-50% for 57 partners",
    ("2025-04-09", "China rate"): "China rate 34 replaced by 84; total with fentanyl 104",
    ("2025-05-15", "No US"): "No new-crop bookings of US soybeans from about May (day approximate)",
    ("2025-11-01", "Soybeans"): "Soybeans, last two months of 2025",
}
# Notes on dates or published averages that the compiler of the facts added.
REMARK = re.compile(r"AFTER BASE DATE( \([^)]*\))?\. ?|[.;:]? ?PIIE [^;]*$|; China->US average.*$")


def _fact(row: Any) -> dict[str, Any]:
    """Turn a row of the facts into the columns of a measure, without layer."""
    place = (row.date, row.scope)
    known = row.instrument in EXPIRY_KNOWN or row.authority in EXPIRY_KNOWN_AUTHORITY
    text = next((t for k, t in AS_ANNOUNCED.items() if _is(k, place)), REMARK.sub("", row.scope))
    late = next((day for k, day in ENDED.items() if _is(k, place)), "")
    learnt = next((day for k, day in LEARNT.items() if _is(k, place)), late)
    instrument = row.instrument
    if instrument == "tariff":
        instrument = "note"  # until recoded
    return {
        "imposer": row.imposer,
        "target": row.target,
        "instrument": instrument,
        "authority": row.authority,
        "what": text.strip(),
        "quantity": row.quantity,
        "announced": row.announced,
        "effective": row.date,
        "expires": row.expires if known else "",
        "source": row.source,
        "confidence": row.confidence,
        "ended": late,
        "outcome": row.status_after if row.status_after != "-" else "",
        "outcome_source": row.source if row.status_after != "-" else "",
        "learnt": learnt,
        "branch": _branch(row) if instrument == "threat" else "",
    }


def _is(key: tuple[str, str], place: tuple[str, str]) -> bool:
    return key[0] == place[0] and place[1].startswith(key[1])


def _branch(row: Any) -> str:
    return "us_threat" if row.date == "2025-11-01" else f"threat_{row.date[:7].replace('-', '_')}"


def _measures(row: Any, used: set[Any]) -> list[dict[str, Any]]:
    """Give the measures that a row of the facts stands for."""
    fact = _fact(row)
    rate = float(row.rate_pp) if row.rate_pp else None
    rated = row.instrument in ("tariff", "truce", "suspension", "threat")
    text = re.sub(r"^AFTER BASE DATE( \([^)]*\))?\. ?", "", row.scope)
    keys = [
        key
        for key in RECODED
        if key[:2] == (row.date, row.imposer) and key[2] == rate and text.startswith(key[3])
    ]
    if len(keys) > 1 or (rate is not None and not keys):
        raise DataError(f"{FACTS}: {row.date} {row.imposer} {rate}: {len(keys)} recodings")
    if not keys or not rated:
        return [fact]
    used.add(keys[0])
    out = []
    for change in RECODED[keys[0]]:
        instrument = row.instrument
        measure = {**fact, "instrument": instrument, "scope": "all"}
        if "rate_table" not in change:
            measure["rate"] = None if rate is None else rate / 100
        out.append({**measure, **change})
    if not out:  # a fact that sets no rate of ours: kept, as a note where it is a tariff
        keep = row.instrument if row.instrument == "threat" else "note"
        out = [{**fact, "instrument": keep}]
    return out


def calendar(src: Source) -> Table:
    """Make the table of measures from the facts and the typed rows."""
    facts = src.csv(FACTS).fillna("")
    used: set[Any] = set()
    rows: list[dict[str, Any]] = []
    for fact in facts.itertuples():
        rows += _measures(fact, used)
    unused = [key for key in RECODED if key not in used]
    if unused:
        raise DataError(f"{FACTS}: no row for {first_five(unused)}")
    n_facts = len(rows)
    typed = extra_rows()
    typed += [
        {
            "imposer": "USA",
            "target": partner,
            "instrument": "preference",
            "layer": "preference",
            "scope": "all",
            "authority": "trade agreements and programmes",
            "rate_table": f"us_use_{partner.lower()}",
            "effective": "2018-01-01",
            "announced": "2018-01-01",
            "source": "share of the MFN duty that preferences took away in 2024, US Census Bureau",
            "confidence": "medium",
        }
        for partner in PREFERRED
    ]
    rows += typed
    ends = {}
    for row in rows:
        layer = row.get("layer", "")
        if layer.startswith(IEEPA) and not row.get("branch"):
            ends[row["target"], layer, row["scope"]] = row
    court: Any = facts[facts["date"] == COURT[0]].iloc[0]
    rows += [
        {
            "imposer": "USA",
            "target": target,
            "instrument": "removal",
            "layer": layer,
            "scope": scope,
            "rate": 0.0,
            "authority": court["authority"],
            "announced": COURT[0],
            "effective": COURT[1],
            "source": court["source"],
            "confidence": court["confidence"],
        }
        for target, layer, scope in sorted(ends)
    ]
    for row in rows:
        if (row.get("announced") or row["effective"]) > TALKS:
            row["status"] = AFTER
    frame = pd.DataFrame(rows)
    frame["rate"] = frame["rate"].astype(float)
    order = ["effective", "imposer", "target", "layer", "scope"]
    frame = frame.fillna({name: "" for name in WORDS if name in frame})
    frame = frame.sort_values(order, kind="stable", ignore_index=True)
    arrays = {name: frame[name].to_numpy(dtype=str) for name in WORDS if name != "status"}
    arrays["status"] = frame["status"].to_numpy(dtype=str)
    packed: dict[str, np.ndarray] = {}
    for name, column in arrays.items():  # each text once
        values, code = np.unique(column, return_inverse=True)
        packed[name], packed[f"{name}_code"] = values, code.astype(np.uint16)
    table = Table(
        name="us_china_calendar",
        what="dated measures of the United States and China, and of the United States on others",
        source="own selection from orders, notices and press, each row with its source",
        licence="facts; BSD-3-Clause (arrangement)",
        year=2025,
        unit={"rate": "fraction"},
        arrays={**packed, "rate": frame["rate"].to_numpy(np.float64)},
        rows=len(frame),
        inputs=(FACTS,),
    )
    table.counts = {
        "facts": len(facts),
        "measures_from_facts": n_facts,
        "measures_typed": len(typed),
        "announced_after_the_talks": int((frame["status"] == AFTER).sum()),
        "without_announced": int((frame["announced"] == "").sum()),
        "by_confidence": {k: int(v) for k, v in frame["confidence"].value_counts().items()},
    }
    table.check("dated facts", len(facts), 161)
    table.notes = [
        "Rates are the level of the measure's own duty. What was learnt later stands in ended, "
        "outcome, outcome_source and learnt alone.",
        "Typed rows (country rates, preferences, Section 232 on partners, Canada and Mexico) come "
        "from the orders they name and carry confidence medium or low where typed from memory.",
    ]
    return table
