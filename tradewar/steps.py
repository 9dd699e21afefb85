"""The calendar on the command line: the steps of the conflict and the duty after each.

`ask` picks the steps, `text` and `record` write them, `main_lines` are the main job's.
"""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass

import pandas as pd

import tradewar as tw
from tradewar.cases import percent

__all__ = ["Answer", "ask", "main_lines", "record", "text"]

TALKS = "2025-10-25"
PRODUCT = "850440"  # power supplies and chargers, on list 3 of Section 301 and free of MFN duty
SIDES = ("USA", "CHN")
# What a step was, where the calendar's own words are long: by day.
SHORT = {
    "2025-06-23": "US: steel and aluminium in appliances, 50",
    "2025-08-01": "US: copper goods 50, Section 232",
    "2025-08-12": "both: 24 points stay suspended to 10 November",
    "2025-08-18": "US: 407 more steel and aluminium goods, 50",
    "2025-10-14": "US: lumber 10, wooden furniture 25",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """The steps and the duties after each.

    Attributes
    ----------
    product : str
        HS6.
    steps : DataFrame
        date, event, product_rate (US duty on the product from China, statutory), mean_rate (on
        all Chinese goods, 2024 trade as weights), china_rate (China's on US goods, 2017 trade).
    threat : float
        The product's rate if the threat of 100 points is carried out.
    """

    product: str
    steps: pd.DataFrame
    threat: float


def ask(n: int | None = 5, product: str = PRODUCT) -> Answer:
    """Take the last n steps (None: all) before the talks in which either side's duties moved."""
    calendar = tw.schedules.us_china().as_of(TALKS)
    frame = calendar.to_frame()
    moved = frame[
        frame["rate"].notna()
        & (frame["instrument"] != "threat")
        & (frame["effective"] <= pd.Timestamp(TALKS))
        & frame["imposer"].isin(SIDES)
        & frame["target"].isin((*SIDES, "WLD"))
    ]
    days = sorted(moved["effective"].unique())
    days = days if n is None else days[-n:]
    dates = [str(pd.Timestamp(day).date()) for day in days]
    sold = tw.datasets.us_imports_2024().subset(exporter="CHN")
    bought = tw.datasets.china_imports_from_us_2017()

    def rate(on: str, schedule: tw.Schedule = calendar) -> float:
        rows = schedule.rates(on=on, importer="USA", exporter="CHN", products=[product])
        return float(rows["tariff"].iloc[0])

    steps = pd.DataFrame(
        {
            "date": dates,
            "event": [_event(date, moved[moved["effective"] == date]) for date in dates],
            "product_rate": [rate(date) for date in dates],
            "mean_rate": calendar.effective(weights=sold, on=dates)["tariff"].to_numpy(),
            "china_rate": calendar.effective(weights=bought, on=dates)["tariff"].to_numpy(),
        }
    )
    return Answer(product, steps, rate("2025-11-02", calendar.branch("us_threat")))


def _event(date: str, rows: pd.DataFrame) -> str:
    if date in SHORT:
        return SHORT[date]
    said = [
        f"{'US' if row['imposer'] == 'USA' else 'China'}: {row['authority']}"
        for row in rows.to_dict("records")
    ]
    return "; ".join(dict.fromkeys(said))


def main_lines(answer: Answer) -> list[str]:
    """Write the main job's lines: a title and a line a step, at most 100 characters."""
    head = f"CALENDAR, last steps before the talks{'':22}{'list 3 (' + answer.product + ')':>17}"
    lines = [f"{head}{'mean on China':>15}"]
    for row in answer.steps.to_dict("records"):
        lines.append(
            f"{row['date']}  {row['event'][:46]:47}{percent(row['product_rate']):>17}"
            f"{percent(row['mean_rate']):>15}"
        )
    return lines


def text(answer: Answer) -> str:
    """Write the steps for a terminal, 100 columns wide."""
    lines = [
        "CALENDAR of the conflict, as known on 25 October 2025: duties after each step, statutory",
        f"{'':50}{'US on ' + answer.product:>16}{'US on China':>16}{'China on US':>16}",
    ]
    for row in answer.steps.to_dict("records"):
        wrapped = textwrap.wrap(f"{row['date']}  {row['event']}", 49, subsequent_indent=" " * 12)
        rates = (percent(row[name]) for name in ("product_rate", "mean_rate", "china_rate"))
        lines.append(f"{wrapped[0]:50}" + "".join(f"{rate:>16}" for rate in rates))
        lines += wrapped[1:]
    lines += [
        f"{'2025-11-01  US: threat of 100 points, branch':50}{percent(answer.threat):>16}",
        "",
        "Means: trade of 2024 (US on China) and of 2017 (China on the US) as weights; exclusions,",
        "exemptions by use and refunds are not deducted, so that customs collects less.",
        "",
    ]
    notes = tw.schedules.us_china_notes()
    for note in dict.fromkeys(notes["note"]):
        if note:
            lines += textwrap.wrap(f"note: {note}", 100, subsequent_indent="      ")
    return "\n".join(line.rstrip() for line in lines)


def record(answer: Answer) -> str:
    """Write the steps as JSON; rates are fractions."""
    said = {
        "product": answer.product,
        "unit": "fraction",
        "steps": answer.steps.to_dict("records"),
        "threat": answer.threat,
    }
    return json.dumps(said, indent=1, allow_nan=False)
