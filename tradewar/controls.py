"""Two limits on quantities that the talks were about: magnets and soybeans.

`ask` solves them, `text` and `record` write them; `main_lines` are the main job's two lines.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

import tradewar as tw
from tradewar.cases import mn, percent
from tradewar.codes import country_name
from tradewar.pe_result import PEResult

__all__ = ["Answer", "ask", "main_lines", "record", "text"]

MAGNETS, BEANS = "850511", "1201"
MAGNET_MONTH = "2025-05"
# Substitution and demand of US magnet imports: the set of 2018-19, and half of it within months.
MAGNET_CASES = {"within a year": (2.53, 1.53), "within months": (1.27, 0.77)}
# Fitted on China's imports from the US and Brazil in 2018 at residual supply 24; in the notebook
# on soybeans, with what it leaves open.
BEAN_ELASTICITIES: dict[str, Any] = {"substitution": 12.84, "demand": 2.47, "supply": 24.0}
BEAN_YEAR = 2024


@dataclass(frozen=True, slots=True)
class Answer:
    """What was solved.

    Attributes
    ----------
    cap : float
        China's exports of magnets in May 2025 over the monthly mean of 2024, a fraction.
    magnets : dict of case -> PEResult
    beans : PEResult
    """

    cap: float
    magnets: dict[str, PEResult]
    beans: PEResult


def ask() -> Answer:
    """Solve the cap on magnets under two sets of elasticities, and the freeze on US soybeans."""
    earths, beans = tw.datasets.rare_earths(), tw.datasets.china_soybeans()
    exports = earths.magnet_exports
    month = exports[(exports["period"] == MAGNET_MONTH) & (exports["importer"] == "WLD")]
    cap = float(month["quantity"].iloc[0]) / earths.monthly_mean_2024
    scenario = tw.Scenario("magnets").export_quota(
        importer="USA", exporter="CHN", product=MAGNETS, quantity_ratio=cap
    )
    magnets = {
        name: tw.solve_pe(
            earths.trade(MAGNETS), scenario, substitution=sub, demand=demand, supply=math.inf
        )
        for name, (sub, demand) in MAGNET_CASES.items()
    }
    freeze = tw.Scenario("soybeans").ban(importer="CHN", exporter="USA")
    result = tw.solve_pe(beans.trade(year=BEAN_YEAR), freeze, **BEAN_ELASTICITIES)
    return Answer(cap, magnets, result)


def _prices(result: PEResult) -> pd.Series:
    return result.price_changes().set_index("exporter")["price_change"]


def _rent(result: PEResult) -> float:
    return float(result.rents()["rent"].sum())


def main_lines(answer: Answer) -> list[str]:
    """Write the two lines of the main job, at most 100 characters each."""
    magnets, beans = answer.magnets["within a year"], answer.beans
    price = _prices(magnets)
    flows = beans.flows.set_index("exporter").to_dict("index")
    usa, brazil = flows["USA"], flows["BRA"]
    held, rise = f"{100 * answer.cap:.0f} %", percent(price["all origins"], "+")
    sales = mn(brazil["value_new"] - brazil["value"], "+")
    return [
        f"MAGNETS   China's at {held}, as in May 2025: US price {percent(price['CHN'], '+')}, all "
        f"origins {rise}; rent {mn(_rent(magnets))} mn.",
        f"SOYBEANS  China buys none from the US ({mn(usa['value'])} mn): Brazil's sales "
        f"{sales} mn, price {percent(brazil['producer_price_ratio'] - 1.0, '+')}.",
    ]


def _welfare(result: PEResult) -> str:
    table = result.countries["welfare_change"]
    order = table.abs().sort_values(ascending=False, kind="stable").index[:4]
    parts = [f"{country_name(c)} {mn(float(table[c]), '+')}" for c in order if table[c]]
    return f"{', '.join(parts)}; all {mn(float(table.sum()), '+')}"


def text(answer: Answer) -> str:
    """Write both cases in full."""
    lines = [
        "MAGNETS (HS 850511), US imports of 2024, mn USD. China's exports held at "
        f"{percent(answer.cap)} of the monthly",
        "mean of 2024, as in May 2025; the rent goes to exporting firms, by assumption.",
        f"{'elasticities':28}{'China price':>13}{'all origins':>13}{'rent':>9}{'tax equiv.':>12}",
    ]
    for name, result in answer.magnets.items():
        price = _prices(result)
        rate = float(result.tariff_equivalents()["export_tax_equivalent"].iloc[0])
        sub, demand = MAGNET_CASES[name]
        lines.append(
            f"{name + f' ({sub:g}, {demand:g})':28}{percent(price['CHN'], '+'):>13}"
            f"{percent(price['all origins'], '+'):>13}{mn(_rent(result)):>9}{percent(rate):>12}"
        )
    lines += [f"welfare, {name}: {_welfare(r)}" for name, r in answer.magnets.items()]
    beans = answer.beans
    options = ", ".join(f"{k} {v:g}" for k, v in BEAN_ELASTICITIES.items())
    lines += [
        "",
        f"SOYBEANS (HS 1201), China's imports of {BEAN_YEAR}, mn USD. No beans from the US;",
        f"{options}.",
        f"{'from':28}{'before':>13}{'after':>13}{'price':>13}",
    ]
    for row in beans.flows.sort_values("value", ascending=False).to_dict("records"):
        sold = row["quantity_ratio"] > 0.0
        shown = percent(row["border_price_ratio"] - 1.0, "+") if sold else "none sold"
        lines.append(
            f"{country_name(row['exporter'])[:27]:28}{mn(row['value']):>13}"
            f"{mn(row['value_new']):>13}{shown:>13}"
        )
    lines += [
        f"welfare: {_welfare(beans)}",
        "",
        "ASSUMED   Magnets: supply inf elsewhere. Beans: one supply to China for all origins.",
        "NOT KNOWN Where US beans go instead; China's own growers: one destination in the data.",
        "NOT IN IT Stocks, works that stop for want of magnets, seasons, state buyers.",
    ]
    return "\n".join(lines)


def record(answer: Answer) -> str:
    """Write both cases as JSON: prices and rates as fractions, money in USD."""

    def case(result: PEResult) -> dict[str, Any]:
        flows = result.flows[["exporter", "value", "value_new", "quantity_ratio"]]
        return {
            "price_change": {str(k): float(v) for k, v in _prices(result).items()},
            "rent": _rent(result),
            "flows": flows.to_dict("records"),
            "welfare_change": {
                str(k): float(v) for k, v in result.countries["welfare_change"].items()
            },
        }

    said = {
        "unit": "USD",
        "magnets": {
            "cap": answer.cap,
            **{name: case(result) for name, result in answer.magnets.items()},
        },
        "soybeans": {"elasticities": BEAN_ELASTICITIES, **case(answer.beans)},
    }
    return json.dumps(said, indent=1, allow_nan=False)
