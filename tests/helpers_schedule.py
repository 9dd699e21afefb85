"""Schedules that tests share: the vectors of the model, with the lists they need."""

from __future__ import annotations

import pandas as pd

import tradewar as tw

COLUMNS = ["imposer", "target", "instrument", "layer", "scope", "rate", "effective"]


def table(*rows: tuple, **more: list) -> pd.DataFrame:
    """Make a table of measures; `more` adds columns."""
    frame = pd.DataFrame(rows, columns=COLUMNS)
    for name, values in more.items():
        frame[name] = values
    return frame


def one(rate: float, /, **changes: object) -> pd.DataFrame:
    """Make a table of one measure that is right, but for `changes`."""
    row = dict(
        zip(COLUMNS, ("USA", "CHN", "tariff", "s301", "all", rate, "2018-07-06"), strict=True)
    )
    row.update(changes)
    return pd.DataFrame([row])


def stack(
    base: float = 0.0,
    *,
    s301: float = 0.0,
    fentanyl: float = 0.0,
    reciprocal: float | None = None,
    floor: float | None = None,
    sectoral: float | None = None,
    content: float = 1.0,
    used: float = 0.0,
    layer: str = "s232_steel",
) -> tw.Schedule:
    """Make a schedule of one product and one exporter whose duties are given."""
    records = [("mfn", "tariff", base), ("s301", "tariff", s301), ("fentanyl", "tariff", fentanyl)]
    if reciprocal is not None:
        records.append(("reciprocal", "tariff", reciprocal))
    if floor is not None:
        records.append(("reciprocal", "floor", floor))
    if used:
        records.append(("preference", "preference", used))
    if sectoral is not None:
        records.append((layer, "tariff", sectoral))
    frame = pd.DataFrame(records, columns=["layer", "instrument", "rate"])
    frame["imposer"], frame["target"] = "USA", "CHN"
    frame["effective"] = "2025-10-01"
    frame["content"] = [str(content) if k.startswith("s232") else None for k in frame["layer"]]
    return tw.Schedule.from_frame(frame, products=["760410"])


def rate(schedule: tw.Schedule, rule: object = "exclusive", on: str = "2025-10-25") -> float:
    """Give the rate, in percent, of a schedule with one flow."""
    [number] = schedule.rates(on=on, rule=rule)["tariff"]
    return 100.0 * number
