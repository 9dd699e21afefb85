"""The measures on the table in Kuala Lumpur on 25-26 October 2025, as scenarios.

Every function returns a `Scenario` with its date, its sources and a sentence on what it assumes
(``.note``).  Each side's measures are relative to the status quo of 25 October 2025: rates *add*
to what stood that day and quantities are parts of what was traded, so that ``us_threat() +
rare_earth_licences()`` is one cell of the talks.  Nothing announced after the talks is in a
scenario except in `deal`, `us_deal_terms` and `china_deal_terms`, dated 10 November.
"""

from __future__ import annotations

import functools
from typing import Literal

import numpy as np

from tradewar import datasets, schedules
from tradewar.data import TradeData
from tradewar.errors import ScenarioError
from tradewar.scenario import Scenario
from tradewar.schedule import Schedule
from tradewar.world import World

__all__ = [
    "blacklist",
    "china_deal_terms",
    "china_mirror",
    "deal",
    "escalation",
    "phase_one",
    "rare_earth_licences",
    "snap_back",
    "soybean_freeze",
    "status_quo",
    "us_deal_terms",
    "us_threat",
]

TALKS, DEAL = "2025-10-25", "2025-11-10"
USA, CHN = "USA", "CHN"
GOODS = "goods"  # services cross no customs
RARE_EARTHS = ("280530", "2846", "850511")  # metals, compounds, permanent magnets
CHIP_TECHNOLOGY = ("8486", "8541", "8542", "9030", "9031")  # machines, devices, circuits, testers
SOYBEANS = "1201"
CHINA_BASE = "2019-06-30"  # the day of China's base rates in icio_2022
LICENSED_MONTH = "2025-05"  # the first full month under the licences of 4 April
COMMITTED_MT, COMMITMENT_BASE_YEAR = 25.0, 2022  # million tonnes a year from 2026
FENTANYL_CUT, TRUCE_RATE, APRIL_RATE = 0.10, 0.24, 1.15
FARM_15 = ("0207", "1001", "1005", "5201")
FARM_10 = ("02", "03", "04", "07", "08", "1007", "1201")

_STATEMENT = "US presidential statement of 10 October 2025, as reported"
_CONTROLS = "China, Ministry of Commerce, announcements 55-58, 61 and 62 of 9 October 2025"
_AFFILIATES = "US Bureau of Industry and Security, affiliates rule, FR Doc. 2025-19001"
_ORDERS = "US Executive Orders 14298 and 14334; China, Tariff Commission, May and August 2025"
_BUSAN = "White House fact sheet of 1 November 2025; Executive Orders 14357 and 14358"
_COMMISSION = "China, Tariff Commission, 5 November 2025"
_FARM = "China, Tariff Commission No. 2 of 2025 (4 March)"
_PROBE = "USTR, Section 301 probe of Phase One, Federal Register, October 2025"


def status_quo(base: TradeData | World | None = None) -> Scenario:
    """Give the status quo of 25 October 2025.

    Parameters
    ----------
    base : TradeData or World, optional
        Data whose US and Chinese duties are brought to that day, product by product, by the
        schedule as it was known then: US duties from what customs collected in 2024, China's duties
        on US goods from mid 2019, where its latest product tables end.  Without it the scenario has
        no rules: it is the point that the other scenarios start from.

    Returns
    -------
    Scenario
    """
    note = (
        "Tariffs stay as they stood on 25 October 2025; quantities are free, as in the base data: "
        "the freeze on soybeans, licences and lists are scenarios of their own."
    )
    start = Scenario("status quo", (), note, TALKS)
    if base is None:
        return start
    calendar = _calendar()
    sectors = not all(str(product).isdigit() for product in base.products)
    products = schedules.sectors_of(base) if sectors else None
    weights = schedules.shared_weights() if sectors else (None, None)
    importers = _importers(base)
    given = start
    for importer, date, trade in ((USA, 2024, weights[0]), (CHN, CHINA_BASE, weights[1])):
        if importer not in importers:
            continue
        given += calendar.to_scenario(
            on=TALKS,
            base=base,
            importer=importer,
            base_date=date,
            products=products,
            weights=trade,
        )
    if not given.rules:
        raise ScenarioError("status_quo: neither USA nor CHN is an importer of these data")
    return given.named("status quo")


@functools.lru_cache(maxsize=1)
def _calendar() -> Schedule:
    return schedules.us_china().as_of(TALKS)


def _importers(base: TradeData | World) -> set[str]:
    data = base if isinstance(base, TradeData) else base._data
    return {str(data.countries[n]) for n in np.unique(data._importer)}


def us_threat(*, add: float = 1.0) -> Scenario:
    """Give the US threat: 100 points on all Chinese goods from 1 November.

    Parameters
    ----------
    add : float, fraction, default 1.0
        Points added to every US duty on Chinese goods.
    """
    note = "Every US duty on Chinese goods rises by the threatened points; no good is exempt."
    start = Scenario("US threat", (), note, TALKS, (_STATEMENT,))
    return start.tariff(importer=USA, exporter=CHN, product=GOODS, add=add)


def china_mirror(*, add: float = 1.0) -> Scenario:
    """Give a Chinese tariff that answers the US threat point by point.

    Parameters
    ----------
    add : float, fraction, default 1.0
    """
    note = (
        "China adds the same points to its duties on US goods; it announced no number in October, "
        "but answered in kind in April 2025."
    )
    start = Scenario("China mirrors", (), note, TALKS, (_ORDERS,))
    return start.tariff(importer=CHN, exporter=USA, product=GOODS, add=add)


def rare_earth_licences(*, quantity_ratio: float | None = None) -> Scenario:
    """Give China's rare-earth export controls of 9 October.

    Parameters
    ----------
    quantity_ratio : float in (0, 1), optional
        What is licensed, as part of the base quantity, product by product.  By default what left
        China as magnets in May 2025, under the licences of 4 April, over the monthly mean of 2024.
    """
    if quantity_ratio is None:
        quantity_ratio = _licensed_in_may()
        how = f"as in May 2025 ({100 * quantity_ratio:.0f} % of the monthly mean of 2024)"
    else:
        how = f"at {100 * quantity_ratio:.0f} % of the base quantity"
    note = (
        f"China licenses exports of rare-earth metals, compounds and magnets to all buyers {how}; "
        "the rent goes to its exporters. Rules on goods made abroad are not in it."
    )
    start = Scenario("rare-earth licences", (), note, TALKS, (_CONTROLS,))
    return start.export_quota(
        exporter=CHN, product=list(RARE_EARTHS), quantity_ratio=quantity_ratio
    )


def _licensed_in_may() -> float:
    earths = datasets.rare_earths()
    exports = earths.magnet_exports
    month = exports[(exports["period"] == LICENSED_MONTH) & (exports["importer"] == "WLD")]
    return float(month["quantity"].iloc[0]) / earths.monthly_mean_2024


def blacklist(*, share: float = 0.5, leakage: float = 0.2) -> Scenario:
    """Give the 50 % rule of the US export blacklist, which binds Chinese buyers of technology.

    Parameters
    ----------
    share : float, fraction in (0, 1], default 0.5
        Of China's purchases of chips, chip machines and testers that listed firms and their
        affiliates make.  Assumed: no count by value is public.
    leakage : float, fraction in [0, 1), default 0.2
        Part of it that is bought all the same.  Assumed.
    """
    note = (
        f"Firms that make {100 * share:.0f} % of China's purchases of chips, chip machines and "
        f"testers may not buy US ones; {100 * leakage:.0f} % of that leaks. Both are assumed."
    )
    start = Scenario("blacklist", (), note, TALKS, (_AFFILIATES,))
    return start.entity_list(
        side="buyers",
        importer=CHN,
        exporter=USA,
        product=list(CHIP_TECHNOLOGY),
        share=share,
        leakage=leakage,
    )


def soybean_freeze() -> Scenario:
    """Give China's freeze on US soybeans: it buys none."""
    note = "China buys no US soybeans for a year; it never declared this, customs show it."
    source = "China customs: no US soybeans landed in September 2025, as reported"
    start = Scenario("soybean freeze", (), note, TALKS, (source,))
    return start.ban(importer=CHN, exporter=USA, product=SOYBEANS)


def escalation() -> Scenario:
    """Give both sides' threats executed: tariffs, rare earths, blacklist and soybeans."""
    both = us_threat() + blacklist() + china_mirror() + rare_earth_licences() + soybean_freeze()
    return both.named("escalation")


def snap_back(level: Literal["truce", "april"] = "truce") -> Scenario:
    """Give the end of the truce on 10 November: suspended duties come back on both sides.

    Parameters
    ----------
    level : {"truce", "april"}, default "truce"
        The 24 points that the truce suspended, as the orders say, or the 115 points that would
        bring back the 125 of April 2025.
    """
    if level not in ("truce", "april"):
        raise ScenarioError(f"level={level!r}: give 'truce' (24 points) or 'april' (115 points)")
    add = TRUCE_RATE if level == "truce" else APRIL_RATE
    note = f"The truce lapses and both sides' reciprocal duties rise by {100 * add:.0f} points."
    name = "snap-back" if level == "truce" else "snap-back to April"
    start = Scenario(name, (), note, TALKS, (_ORDERS,))
    both = start.tariff(importer=USA, exporter=CHN, product=GOODS, add=add)
    return both.tariff(importer=CHN, exporter=USA, product=GOODS, add=add)


def us_deal_terms() -> Scenario:
    """Give what the US conceded by 10 November: the fentanyl duty falls from 20 to 10 points."""
    note = "The US halves its fentanyl duty; the 24 points stay suspended, lists are not enlarged."
    start = Scenario("US terms of the deal", (), note, DEAL, (_BUSAN,))
    return start.tariff(importer=USA, exporter=CHN, product=GOODS, add=-FENTANYL_CUT)


def china_deal_terms(*, base_year: int = COMMITMENT_BASE_YEAR) -> Scenario:
    """Give what China conceded by 10 November: farm duties end, soybeans are bought.

    The duties of March 2025 go: 15 points on chicken, wheat, corn and cotton, 10 on sorghum,
    soybeans, pork, beef, fish, fruit, vegetables and dairy, here by HS chapter and heading.  The
    commitment of 25 Mt of soybeans a year is a part of what China bought from the US in the year of
    the data that the scenario is solved on.

    Parameters
    ----------
    base_year : int, default 2022
        2015 to 2024; 2022 is the year of ``icio_2022``.
    """
    beans = datasets.china_soybeans().imports
    row = beans[(beans["exporter"] == USA) & (beans["year"] == base_year)]
    if row.empty:
        raise ScenarioError(
            f"base_year={base_year!r}: China's soybeans are known from 2015 to 2024"
        )
    ratio = COMMITTED_MT * 1e6 / float(row["quantity"].iloc[0])
    note = (
        "China ends its farm duties of March 2025 and buys at least 25 Mt of US soybeans a year, "
        f"{100 * ratio:.0f} % of {base_year}; no new licences on rare earths."
    )
    start = Scenario("China's terms of the deal", (), note, DEAL, (_BUSAN, _COMMISSION, _FARM))
    lower = start.tariff(importer=CHN, exporter=USA, product=list(FARM_15), add=-0.15).tariff(
        importer=CHN, exporter=USA, product=list(FARM_10), except_={"product": "0207"}, add=-0.10
    )
    return lower.purchase_commitment(
        importer=CHN, exporter=USA, product=SOYBEANS, quantity_ratio=ratio
    )


def deal() -> Scenario:
    """Give the deal announced from 30 October to 10 November, both sides' terms (hindsight)."""
    return (us_deal_terms() + china_deal_terms()).named("deal")


def phase_one(*, add: float = 0.25) -> Scenario:
    """Give a probe of the Phase One deal of 2020 that ends in US tariffs.

    Parameters
    ----------
    add : float, fraction, default 0.25
        Assumed: the rate of lists 1 to 3 of the first probe under the same section.
    """
    note = (
        f"The probe ends in {100 * add:.0f} points on all Chinese goods, the rate of the lists of "
        "2018; the rate and the scope are assumed, the probe named none."
    )
    start = Scenario("Phase One tariffs", (), note, TALKS, (_PROBE,))
    return start.tariff(importer=USA, exporter=CHN, product=GOODS, add=add)
