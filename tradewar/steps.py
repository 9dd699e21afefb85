"""The calendar on the command line: the steps of the conflict and the duty after each.

`ask` picks the steps, `text` and `record` write them, `main_lines` are the main job's.
"""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass

import pandas as pd

import tradewar as tw
from tradewar.cases import percent, side_by_side
from tradewar.errors import DataError

__all__ = ["Answer", "ask", "main_lines", "record", "text"]

TALKS = "2025-10-25"
PRODUCT = "850440"  # power supplies and chargers, on list 3 of Section 301 and free of MFN duty
SIDES = ("USA", "CHN")
HS6 = 6  # digits
LAST = 5  # steps shown unless all are asked for
# What a step was, where the calendar's own words are long: by day.
SHORT = {
    "2025-06-23": "US: metal in appliances 50",
    "2025-08-01": "US: copper goods 50, Section 232",
    "2025-08-12": "both: 24 points suspended to 10 Nov",
    "2025-08-18": "US: 407 more metal goods 50",
    "2025-10-14": "US: lumber 10, wooden furniture 25",
}
THREAT_DAY = "2025-11-01"


@dataclass(frozen=True, slots=True)
class Answer:
    """The steps and the duties after each.

    Attributes
    ----------
    product : str
        HS6.
    steps : DataFrame
        date, event, product_rate (US duty on the product from China, statutory), and where means
        are asked for mean_rate (on all Chinese goods, 2024 trade as weights) and china_rate
        (China's on US goods, 2017 trade).
    threat : float
        The product's rate if the threat of 100 points is carried out.
    """

    product: str
    steps: pd.DataFrame
    threat: float


def ask(n: int | None = LAST, product: str = PRODUCT, *, means: bool = True) -> Answer:
    """Take the last n steps (None: all) before the talks in which either side's duties moved.

    Raises
    ------
    DataError
        The product is no HS6 code of the tariff schedule.
    """
    if len(product) != HS6 or not product.isdigit():
        raise DataError(f"product {product!r}: give an HS6 code, six digits, such as {PRODUCT}")
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

    def rate(on: str, schedule: tw.Schedule = calendar) -> float:
        rows = schedule.rates(on=on, importer="USA", exporter="CHN", products=[product])
        return float(rows["tariff"].iloc[0])

    steps = pd.DataFrame(
        {
            "date": dates,
            "event": [_event(date, moved[moved["effective"] == date]) for date in dates],
            "product_rate": [rate(date) for date in dates],
        }
    )
    if means:
        weights = {
            "mean_rate": tw.datasets.us_imports_2024().subset(exporter="CHN"),
            "china_rate": tw.datasets.china_imports_from_us_2017(),
        }
        for name, trade in weights.items():
            steps[name] = calendar.effective(weights=trade, on=dates)["tariff"].to_numpy()
    return Answer(product, steps, rate(THREAT_DAY, calendar.branch("us_threat")))


def _event(date: str, rows: pd.DataFrame) -> str:
    if date in SHORT:
        return SHORT[date]
    said = [
        f"{'US' if row['imposer'] == 'USA' else 'China'}: {row['authority']}"
        for row in rows.to_dict("records")
    ]
    return "; ".join(dict.fromkeys(said))


def main_lines(answer: Answer) -> list[str]:
    """Write the main job's lines: a title, then two steps a line, the threat last."""
    columns = (answer.steps[name] for name in ("date", "event", "product_rate"))
    rows = list(zip(*columns, strict=True))
    rows.append((THREAT_DAY, "US: 100 points more, the threat", answer.threat))
    cells = [f"{date[5:]} {event[:35]:35}{percent(rate):>8}" for date, event, rate in rows]
    half = (len(cells) + 1) // 2
    head = (
        f"CALENDAR, last steps of 2025; US duty on {answer.product} from China (list 3) after each"
    )
    return [head, *side_by_side(cells[:half], cells[half:], widths=(51,))]


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
        f"{THREAT_DAY + '  US: threat of 100 points, branch':50}{percent(answer.threat):>16}",
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
