"""Cases of the command line: a change on top of a solved baseline, and where duty peaks.

A `Case` is one change solved from a baseline that was solved with the same elasticities.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
import pandas as pd

import tradewar as tw
from tradewar.codes import country_name
from tradewar.data import TradeData
from tradewar.pe_result import PEResult
from tradewar.pe_summary import RESIDUAL_SUPPLY
from tradewar.scenario import Scenario

__all__ = [
    "Case",
    "bn",
    "counted_warnings",
    "mn",
    "moved",
    "percent",
    "plus",
    "points",
    "product_name",
    "revenue_peak",
    "set_options",
    "side_by_side",
    "solve_case",
]

IMPORTER, PARTNER = "USA", "CHN"
DEFAULT_SET = "us_2018_19"
# Residual export supply to one large buyer, as the evidence of 2018-19 implies: the high and the
# low end.
HIGH_SUPPLY, FINITE_SUPPLY = RESIDUAL_SUPPLY
PEAK_TO = 3.0  # the search for the rate of most duty ends at +300 points
PEAK_STEP = 0.001

# Short names, in our words, of the HS6 products (HS 2022) that move most between China and the US.
PRODUCT_NAMES = {
    "300490": "Medicines in doses",
    "391810": "Vinyl floor coverings",
    "392410": "Plastic tableware",
    "392490": "Plastic household goods",
    "392690": "Other plastic goods",
    "420292": "Bags, textile or plastic",
    "630790": "Made-up textile goods",
    "640299": "Rubber or plastic shoes",
    "640419": "Shoes, textile uppers",
    "732393": "Steel kitchenware",
    "732690": "Other steel goods",
    "841451": "Household fans",
    "841590": "Air-conditioner parts",
    "846729": "Electric hand tools",
    "847130": "Laptops and tablets",
    "847160": "Keyboards, mice",
    "847330": "Computer parts",
    "848180": "Taps and valves",
    "850440": "Power supplies, chargers",
    "850760": "Lithium-ion batteries",
    "851679": "Small heating appliances",
    "851713": "Smartphones",
    "851762": "Routers, wireless gear",
    "851830": "Headphones",
    "852589": "Cameras",
    "852852": "Computer monitors",
    "854442": "Cables with connectors",
    "870323": "Cars, 1.5 to 3 litres",
    "870829": "Car body parts",
    "870830": "Car brakes",
    "870870": "Car wheels",
    "870899": "Other car parts",
    "940161": "Upholstered wooden seats",
    "940179": "Metal seats",
    "940320": "Metal furniture",
    "950300": "Toys",
    "950450": "Game consoles",
    "950510": "Christmas goods",
    "950590": "Party goods",
    "950691": "Fitness equipment",
}


# ---- Cases: a set of elasticities, the baseline it implies, and the change on top --------------


@dataclass(frozen=True, slots=True)
class Case:
    """A change solved from a baseline that was solved with the same elasticities.

    Attributes
    ----------
    elasticities : str
        Name of the set.
    supply : float
        Residual supply elasticity of every origin; inf: border prices are given, an assumption.
    result : PEResult
        The change; ``result.data`` is the baseline.
    """

    elasticities: str
    supply: float
    result: PEResult

    @property
    def options(self) -> dict[str, Any]:
        """Elasticities as arguments of `solve_pe`."""
        return set_options(self.elasticities, self.supply)

    def totals(self, exporter: Any = None) -> pd.Series:
        """Sum value, value_new, revenue and revenue_new over the flows from `exporter` (all)."""
        table = self.result.top(len(self.result.data), of="exporter", exporter=exporter)
        return table[["value", "value_new", "revenue", "revenue_new"]].sum()

    @property
    def paid(self) -> pd.Series:
        """Row of `PEResult.incidence` for the whole."""
        return self.result.incidence().iloc[0]


def set_options(name: str, supply: float | None = None) -> dict[str, Any]:
    """Give arguments of `solve_pe` for a set; what it lacks is taken from ``us_2018_19``."""
    found = tw.elasticities.get_set(name)
    options: dict[str, Any] = {
        param: name if getattr(found, param) is not None else DEFAULT_SET
        for param in ("substitution", "demand", "supply")
    }
    return options if supply is None else {**options, "supply": float(supply)}


def plus(rate: float, exporter: Any = PARTNER, product: Any = "*") -> Scenario:
    """Write the change: `rate` (fraction) added to US duties on the exporter's goods."""
    whose = country_name(exporter) if isinstance(exporter, str) else " and ".join(exporter)
    name = f"{100 * rate:+g} points on {whose}"
    return Scenario(name).tariff(importer=IMPORTER, exporter=exporter, product=product, add=rate)


def solve_case(
    data: TradeData,
    change: Scenario,
    *,
    elasticities: str = DEFAULT_SET,
    supply: float = math.inf,
    baseline: Scenario | None = None,
) -> Case:
    """Solve `change` from the outcome of `baseline`, or from the data where there is none."""
    options = set_options(elasticities, supply)
    if baseline is not None:
        data = data.rebase(tw.solve_pe(data, baseline, **options))
    return Case(elasticities, supply, tw.solve_pe(data, change, **options))


def revenue_peak(case: Case, exporter: str = PARTNER) -> tuple[float, float]:
    """Find the added rate that brings most duty on the exporter's goods, at supply inf.

    Returns
    -------
    rate : float, fraction
        Added to the baseline's duties; negative where they are past the peak already.
    revenue : float
        Duty on the exporter's goods there, in the data's unit.

    Notes
    -----
    With supply infinite the exact model is closed: of rate t0 and share theta, with t1 = t0 + a,

        u = (1 + t1) / (1 + t0),  P^(1-sigma) = 1 + theta (u^(1-sigma) - 1),
        duty = sum X t1 u^-sigma P^(sigma-eps).
    """
    result, data = case.result, case.result.data
    if not (np.isinf(result.supply.values).all() and data.report.one_destination):
        raise ValueError("the closed form holds at supply inf and one destination alone")
    slot = data._imp_slot
    spending = data._value * (1.0 + data._tariff)
    everything = np.bincount(slot, weights=spending)
    rows = np.flatnonzero(data._exporter == data.countries.get_loc(exporter))
    value, tariff, slot = data._value[rows], data._tariff[rows], slot[rows]
    theta = spending[rows] / everything[slot]
    sigma, demand = result.substitution.values[slot], result.demand.values[slot]
    gap = np.where(sigma == 1.0, 1e-9, 1.0 - sigma)  # the limit at sigma = 1, to 1e-9

    def revenue(added: float) -> float:
        u = (1.0 + tariff + added) / (1.0 + tariff)
        ln_index = np.log1p(theta * np.expm1(gap * np.log(u))) / gap
        quantity = u**-sigma * np.exp((sigma - demand) * ln_index)
        return float((value * (tariff + added) * quantity).sum())

    return maximum(revenue, -0.9 * float(tariff.min()), PEAK_TO, PEAK_STEP)


def maximum(
    f: Callable[[float], float], low: float, high: float, step: float
) -> tuple[float, float]:
    """Find the largest value of f between low and high: a coarse grid, then golden sections."""
    grid = np.linspace(low, high, 15)
    best = int(np.argmax([f(x) for x in grid]))
    a, b = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    ratio = (math.sqrt(5.0) - 1.0) / 2.0
    while b - a > step:
        c, d = b - ratio * (b - a), a + ratio * (b - a)
        a, b = (a, d) if f(c) >= f(d) else (c, b)
    x = float(max((a, b, (a + b) / 2.0), key=f))
    return x, f(x)


# ---- Words --------------------------------------------------------------------------------


@contextmanager
def counted_warnings() -> Iterator[list[str]]:
    """Collect the texts of warnings in place of writing them to stderr."""
    texts: list[str] = []
    with warnings.catch_warnings(record=True) as records:
        warnings.simplefilter("always")
        yield texts
    texts += [str(record.message) for record in records]


def bn(value: float, sign: str = "") -> str:
    """Write USD in billions with one decimal; sign "+" shows it always."""
    return f"{value / 1e9:{sign},.1f}"


def mn(value: float, sign: str = "") -> str:
    """Write USD in millions with one decimal; sign "+" shows it always."""
    return f"{value / 1e6:{sign},.1f}"


def percent(value: float, sign: str = "") -> str:
    """Write a fraction as a percentage with one decimal."""
    return f"{100.0 * value:{sign},.1f} %"


def points(rate: float) -> str:
    """Write a rate found by `revenue_peak` in points."""
    if rate > PEAK_TO - 2.0 * PEAK_STEP:
        return f"> +{100 * PEAK_TO:.0f}"
    return f"{round(100 * rate):+d}"


def product_name(code: str) -> str:
    """Name an HS6 product in a few words, by its chapter where it has no name here."""
    if code in PRODUCT_NAMES:
        return PRODUCT_NAMES[code]
    return str(tw.datasets.chapter_names().get(code[:2], ""))


def moved(
    row: Mapping[Hashable, Any],
    money: Callable[[float, str], str] = bn,
    *,
    width: int = 31,
    part: bool = True,
) -> str:
    """Write a row of a ranking: who or what, the change in value, and by how much that is."""
    if "product" in row:
        label = f"{row['product']} {product_name(row['product'])}"
    else:
        label = country_name(row["exporter"])
    change, value = row["value_new"] - row["value"], row["value"]
    share = percent(change / value, "+") if value and part else ""
    return f"{label[:width]:{width}}{money(change, '+'):>8}{share:>9}".rstrip()


def side_by_side(*columns: Sequence[str], widths: Sequence[int] = (52,)) -> list[str]:
    """Set lists of lines beside each other; each column but the last has a width."""
    rows = zip_longest(*columns, fillvalue="")
    return [
        "".join(f"{cell:{width}}" for cell, width in zip(row, (*widths, 0), strict=True)).rstrip()
        for row in rows
    ]
