"""``tradewar who-pays``: one question about US duties, answered in text, JSON, tables and pictures.

`ask` solves a `Question`; `text`, `record` and `write` say the `Answer`.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

import tradewar as tw
from tradewar.cases import (
    DEFAULT_SET,
    FINITE_SUPPLY,
    HIGH_SUPPLY,
    IMPORTER,
    PARTNER,
    PRODUCT_NAMES,
    Case,
    bn,
    counted_warnings,
    mn,
    moved,
    percent,
    plus,
    side_by_side,
    solve_case,
)
from tradewar.errors import DataError

__all__ = ["BASELINES", "Answer", "Question", "ask", "record", "text", "write"]

BASELINES = {
    "october_2025": "duties of 25 October 2025 by product, solved",
    "2024": "trade and collected duties of 2024",
}
LARGEST_RATE = 5.0  # as in a table of tariffs: above this, a percent was taken for a fraction
LARGE = 1e10  # USD of trade from which numbers are in billions

_SUMMARY = {
    "imports": "trade in the flows changed",
    "imports_all": "all trade",
    "duty_all": "duty collected",
    "average_duty": "average duty on the flows changed",
}
_PAID = ("buyers", "exporters", "lost_old_revenue", "revenue_change", "bystander_prices")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a rate added to US duties on a partner's goods, and how it is answered.

    Attributes
    ----------
    rate : float, fraction
        Added to the duties; 1.0 is 100 points.
    partner, product : str or tuple of str
        Selectors as in `Scenario`.
    elasticities : str
        A set of `elasticities.list_sets`; what it lacks is taken from ``us_2018_19``.
    supply : float or None
        Residual supply elasticity of every origin; None: inf, with two finite values beside it.
    baseline : {"october_2025", "2024"}
    """

    rate: float = 1.0
    partner: str | tuple[str, ...] = PARTNER
    product: str | tuple[str, ...] = "*"
    elasticities: str = DEFAULT_SET
    supply: float | None = None
    baseline: str = "october_2025"


@dataclass(frozen=True, slots=True)
class Answer:
    """A question and its solved cases, the one asked for first."""

    question: Question
    cases: tuple[Case, ...]
    warnings: tuple[str, ...]

    @property
    def main(self) -> tw.PEResult:
        """The result that tables and pictures are made of."""
        return self.cases[0].result


def ask(question: Question) -> Answer:
    """Solve the question.

    Raises
    ------
    DataError
        The rate looks like a percent, or an option has no such value.
    ScenarioError
        A selector matches nothing.
    """
    rate = question.rate
    if not math.isfinite(rate):
        raise DataError(f"--rate {rate}: give a number, such as 1.0 for 100 points")
    if abs(rate) > LARGEST_RATE:
        raise DataError(
            f"--rate {rate:g} would add {100 * rate:,.0f} points: rates are fractions, so write "
            f"--rate {rate / 100:g} for {rate:g} points (rates above {LARGEST_RATE:g} are refused)"
        )
    if rate == 0:
        raise DataError("--rate 0 changes nothing")
    if question.baseline not in BASELINES:
        raise DataError(f"--baseline {question.baseline}: choose {' or '.join(BASELINES)}")
    given = question.supply
    supplies = [math.inf, HIGH_SUPPLY, FINITE_SUPPLY] if given is None else [given]
    with counted_warnings() as caught:
        data = tw.datasets.us_imports_2024()
        change = plus(rate, question.partner, question.product)
        now = question.baseline == "october_2025"
        baseline = tw.talks.status_quo(data) if now else None
        cases = tuple(
            solve_case(
                data,
                change,
                elasticities=question.elasticities,
                supply=supply,
                baseline=baseline,
            )
            for supply in supplies
        )
    return Answer(question, cases, tuple(dict.fromkeys(caught)))


# ---- Numbers ---------------------------------------------------------------------------------


def partners(answer: Answer) -> pd.DataFrame:
    """Rank the partners that sell more, or all where the question names all of them."""
    table = answer.main.diversion(
        importer=IMPORTER, exporter=answer.question.partner, product=_product(answer)
    )
    others = table[table["role"] == "other"]
    rows = table[table["role"] == "target"] if others.empty else others
    rows = rows[["exporter", "value", "value_new"]]
    rows = rows.assign(value_change=rows["value_new"] - rows["value"])
    key = rows["value_change"].abs() if others.empty else rows["value_change"]
    return rows.loc[key.sort_values(ascending=False, kind="stable").index].reset_index(drop=True)


def products(answer: Answer) -> pd.DataFrame:
    """Rank the partner's products by the size of the change in value."""
    table = answer.main.top(len(answer.main.data.products), exporter=answer.question.partner)
    return table[table["value_change"] != 0].reset_index(drop=True)


def _product(answer: Answer) -> Any:
    return None if answer.question.product == "*" else answer.question.product


def case_numbers(case: Case) -> dict[str, Any]:
    """Give the numbers of one case: money in USD, shares and rates as fractions."""
    summary, paid = case.result.summary(), case.paid
    numbers: dict[str, Any] = {"supply": case.supply, "assumed": math.isinf(case.supply)}
    for name, item in _SUMMARY.items():
        numbers[name] = summary.loc[item, ["baseline", "new", "change"]].to_dict()
    old, new = (
        numbers["imports"][when] * numbers["average_duty"][when] for when in ("baseline", "new")
    )
    numbers["duty"] = {"baseline": old, "new": new, "change": new - old}
    numbers["incidence"] = paid[[*_PAID, "importer_share", "log_pass_through"]].to_dict()
    numbers["price_change"] = case.result.basket_price_change(IMPORTER).iloc[0]
    numbers["welfare"] = case.result.countries.loc[IMPORTER].to_dict()
    return numbers


def record(answer: Answer, n: int = 10) -> str:
    """Write the answer as JSON: see the help of ``tradewar who-pays`` for the keys."""
    result = answer.main
    plain = {
        "tradewar": tw.__version__,
        "question": asdict(answer.question),
        "baseline": BASELINES[answer.question.baseline],
        "unit": "USD",
        "rules": [asdict(rule) for rule in result.wedges.touched],
        "cases": [case_numbers(case) for case in answer.cases],
        "partners": partners(answer).head(n).to_dict("records"),
        "products": products(answer).head(n).to_dict("records"),
        "card": str(result.card),
        "sources": result.cite().splitlines(),
        "warnings": list(answer.warnings),
    }
    return json.dumps(_plain(plain), indent=1, allow_nan=False)


def _plain(value: Any) -> Any:
    """Make a value fit for JSON: NaN becomes null, infinity the string "inf"."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, str | bool | int) or value is None:
        return value
    number = float(value)
    if math.isnan(number):
        return None
    return number if math.isfinite(number) else ("inf" if number > 0 else "-inf")


# ---- Text ------------------------------------------------------------------------------------


def text(answer: Answer, n: int = 10) -> str:
    """Write the answer for a terminal, 100 columns wide."""
    question, numbers = answer.question, [case_numbers(case) for case in answer.cases]
    first = numbers[0]
    money = bn if first["imports"]["baseline"] > LARGE else mn
    unit = "bn USD a year" if money is bn else "mn USD a year"
    points = f"{100 * question.rate:+g} points"
    lines = [
        f"tradewar {tw.__version__}: {points} on US duties; partner {_said(question.partner)}, "
        f"products {_said(question.product)}",
        f"Baseline: {BASELINES[question.baseline]}. Elasticities: {question.elasticities}.",
        f"{unit:34}{'baseline':>14}{points:>14}{'change':>14}",
    ]
    labels = {
        "imports": "Imports concerned",
        "imports_all": "All imports",
        "duty": "Duty on the imports concerned",
        "duty_all": "Duty on all imports",
    }
    for name, label in labels.items():
        old, new, change = (first[name][when] for when in ("baseline", "new", "change"))
        part = percent(change / old, "+") if old else ""
        lines.append(
            f"{label:34}{money(old):>14}{money(new):>14}{money(change, '+'):>14}{part:>10}"
        )
    old, new = first["average_duty"]["baseline"], first["average_duty"]["new"]
    welfare = first["welfare"]
    lines += [
        f"{'Average duty on them':34}{percent(old):>14}{percent(new):>14}",
        f"Such goods of all origins cost {percent(first['price_change'], '+')}. US buyers and "
        f"producers: {money(welfare['consumer_surplus_change'], '+')}, Treasury: "
        f"{money(welfare['revenue_change'], '+')}.",
        "",
        "WHO BEARS the change in duty: buyers + exporters + lost old revenue = change",
        f"{'':26}{'imports':>12}{'buyers':>12}{'exporters':>12}{'lost':>12}{'change':>12}"
        f"{'buyers bear':>14}",
        *(_case_line(row, money) for row in numbers),
        "",
        *_rankings(answer, money, n),
        "",
        *_card(answer),
    ]
    return "\n".join(line.rstrip() for line in lines)


def _said(selector: str | tuple[str, ...]) -> str:
    if selector == "*":
        return "all"
    return selector if isinstance(selector, str) else ", ".join(selector)


def _case_line(row: dict[str, Any], money: Any) -> str:
    paid = row["incidence"]
    label = f"supply {row['supply']:g}" + (" (assumed)" if row["assumed"] else "")
    return (
        f"{label:26}{money(row['imports']['new']):>12}{money(paid['buyers']):>12}"
        f"{money(paid['exporters']):>12}{money(paid['lost_old_revenue'], '+'):>12}"
        f"{money(paid['revenue_change'], '+'):>12}{percent(paid['importer_share']):>14}"
    )


def _rankings(answer: Answer, money: Any, n: int) -> list[str]:
    left, right = partners(answer).head(n), products(answer).head(n)
    return side_by_side(
        ["PARTNERS THAT MOVE MOST", *(moved(row, money) for row in left.to_dict("records"))],
        ["PRODUCTS THAT MOVE MOST", *(moved(row, money) for row in right.to_dict("records"))],
    )


def _card(answer: Answer) -> list[str]:
    """Take the parts of the card that say what to distrust."""
    lines, wanted = [], False
    for line in str(answer.main.card).splitlines()[2:]:
        if line[:1].strip():
            wanted = line.startswith(("assumed", "not identified"))
        if wanted:
            lines.append(line)
    lines.append(f"{'warnings':16}{len(answer.warnings)}" + ("" if answer.warnings else ": none"))
    return [*lines, *(f"{'':16}{warning}" for warning in answer.warnings)]


# ---- Files -----------------------------------------------------------------------------------


def write(answer: Answer, folder: Path, n: int = 10) -> list[str]:
    """Write every table as CSV and every picture as PNG, with the card and the scenario.

    Returns
    -------
    list of str
        What was written, and what could not be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    result, question = answer.main, answer.question
    chosen = {"importer": IMPORTER, "exporter": question.partner, "product": _product(answer)}
    tables = {
        "cases": pd.json_normalize([case_numbers(case) for case in answer.cases]),
        "summary": result.summary().reset_index(),
        "incidence": result.incidence().rename_axis("total").reset_index(),
        "incidence_by_product": result.incidence("product").dropna(subset="revenue_change"),
        "incidence_by_exporter": result.incidence("exporter").dropna(subset="revenue_change"),
        "diversion": result.diversion(**chosen),
        "diversion_by_product": result.diversion(**chosen, by="product"),
        "partners": partners(answer),
        "products": products(answer),
        "countries": result.countries.reset_index(),
        "importers": result.importers,
        "flows": result.flows,
    }
    said, units = [], []
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
        unit = table.attrs.get("unit", {})
        units += [{"table": name, "column": c, "unit": unit[c]} for c in table.columns if c in unit]
    pd.DataFrame(units).to_csv(folder / "units.csv", index=False)
    (folder / "answer.json").write_text(record(answer, n) + "\n", encoding="utf-8")
    (folder / "card.txt").write_text(f"{result.card}\n", encoding="utf-8")
    (folder / "scenario.json").write_text(result.scenario.to_json() + "\n", encoding="utf-8")
    said.append(f"wrote {len(tables) + 1} tables, the card, the scenario and the answer: {folder}")
    try:
        import matplotlib
    except ModuleNotFoundError:
        return [*said, "no pictures: matplotlib is missing; pip install 'tradewar[plot]'"]
    matplotlib.use("Agg")
    return [*said, _pictures(answer, folder, n)]


def _pictures(answer: Answer, folder: Path, n: int) -> str:
    from matplotlib import pyplot
    from matplotlib.figure import Figure

    plot, partner = answer.main.plot, answer.question.partner
    names = {**tw.datasets.chapter_names(), **PRODUCT_NAMES}
    made = {
        "incidence": plot.incidence(),
        "incidence_by_product": plot.incidence("product", n=n, names=names),
        "diversion": plot.diversion(importer=IMPORTER, exporter=partner, n=n),
        "products": plot.products(n, importer=IMPORTER, exporter=partner, names=names),
    }
    for name, axes in made.items():
        figure = axes.figure
        assert isinstance(figure, Figure)
        figure.savefig(folder / f"{name}.png", dpi=150)
        pyplot.close(figure)
    return f"wrote {len(made)} pictures: {folder}"
