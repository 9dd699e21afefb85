"""How the dated facts become measures: layer, scope and what the facts leave to be said.

`RECODED` takes a row of the facts by (date, imposer, rate in points, start of its scope) and says
which measures it stands for; `EXTRA` adds measures that the facts name without a row of their own,
typed from the orders, with their source.  Rates are fractions.
"""

from __future__ import annotations

from typing import Any

CHINA_HONG_KONG = ("CHN", "HKG")
APRIL_EXEMPT = "us_annex_ii"
EXEMPT = "us_annex_ii us_electronics"
NOVEMBER_EXEMPT = "us_annex_ii us_electronics us_farm_november"
TRUCE_RATE, TRUCE_SUSPENDED = 0.10, 0.34  # 34 = 10 + 24, as the orders say

EO_AUGUST = "EO 14326 of 31 July 2025, Annex I"
EO_APRIL = "EO 14257 of 2 April 2025, Annex I"
STEEL = "Proclamations 9705 and 9704 of 8 March 2018 and their amendments"


def _s301(scope: str, **more: Any) -> dict[str, Any]:
    return {"layer": "s301", "scope": scope, **more}


def _china(scope: str, layer: str = "china_2018_301", **more: Any) -> dict[str, Any]:
    return {"layer": layer, "scope": scope, **more}


def _fentanyl() -> list[dict[str, Any]]:
    return [{"layer": "fentanyl", "target": target} for target in CHINA_HONG_KONG]


def _reciprocal(exempt: str, **more: Any) -> list[dict[str, Any]]:
    return [
        {"layer": "reciprocal", "target": target, "exemptions": exempt, **more}
        for target in CHINA_HONG_KONG
    ]


def _truce(exempt: str) -> list[dict[str, Any]]:
    return _reciprocal(exempt, instrument="truce")


def _metal(name: str, metal: str, **more: Any) -> dict[str, Any]:
    return {
        "layer": f"s232_{metal}",
        "scope": f"us_232_{name}",
        "content": f"us_content_{metal}",
        **more,
    }


# (date, imposer, points or None, start of the facts' scope) -> measures; [] keeps it as a note.
RECODED: dict[tuple[str, str, float | None, str], list[dict[str, Any]]] = {
    ("2018-02-07", "USA", 30.0, "Solar"): [{"layer": "s201", "scope": "us_201_solar"}],
    ("2018-03-23", "USA", 25.0, "Steel"): [{"layer": "s232_steel", "scope": "us_232_steel"}],
    ("2018-03-23", "USA", 10.0, "Alum"): [{"layer": "s232_aluminium", "scope": "us_232_aluminium"}],
    ("2018-04-02", "CHN", 15.0, "120"): [_china("china_232_15", "china_2018_232")],
    ("2018-04-02", "CHN", 25.0, "8 lines"): [_china("china_232_25", "china_2018_232")],
    ("2018-07-01", "CHN", None, "China cuts"): [
        {"layer": "mfn", "instrument": "tariff", "rate_table": "china_mfn_2018_07"}
    ],
    ("2018-07-06", "USA", 25.0, "818"): [_s301("us_301_1")],
    ("2018-07-06", "CHN", 25.0, "USD 34bn"): [_china("china_34bn"), _china("china_34bn_cars")],
    ("2018-08-23", "USA", 25.0, "279"): [_s301("us_301_2")],
    ("2018-08-23", "CHN", 25.0, "USD 16bn"): [_china("china_16bn"), _china("china_16bn_cars")],
    ("2018-09-17", "USA", None, "If China"): [],
    ("2018-09-24", "USA", 10.0, "USD 200bn"): [
        _s301("us_301_3"),
        _s301("us_301_3", rate=0.25, effective="2019-01-01"),
    ],
    ("2018-09-24", "CHN", 10.0, "3,571"): [_china("china_60bn_10")],
    ("2018-09-24", "CHN", 5.0, "1,636"): [_china("china_60bn_5"), _china("china_60bn_5_cars")],
    ("2018-11-01", "CHN", None, "Further"): [
        {"layer": "mfn", "instrument": "tariff", "rate_table": "china_mfn_2018_11"}
    ],
    ("2018-12-01", "USA", None, "List 3 stays"): [_s301("us_301_3", rate=0.10)],
    ("2019-01-01", "CHN", 0.0, "Extra"): [
        _china(f"china_{name}_cars") for name in ("34bn", "16bn", "60bn_5")
    ],
    ("2019-05-10", "USA", 25.0, "List 3"): [_s301("us_301_3")],
    ("2019-06-01", "CHN", 25.0, "2,493"): [_china("china_60bn_to_25")],
    ("2019-06-01", "CHN", 20.0, "1,078"): [_china("china_60bn_to_20")],
    ("2019-06-01", "CHN", 10.0, "974"): [_china("china_60bn_to_10")],
    ("2019-06-01", "CHN", 5.0, "595"): [],  # stays at the 5 of September 2018
    ("2019-08-01", "USA", 10.0, "10% on"): [
        _s301(f"us_301_{name}", branch="threat_2019_08", effective="2019-09-01")
        for name in ("4a", "4b")
    ],
    ("2019-09-01", "USA", 15.0, "About USD 120bn"): [
        _s301("us_301_4a"),
        _s301("us_301_4b", effective="2019-12-15"),
    ],
    ("2019-09-01", "CHN", 10.0, "First batch"): [_china("0203", "china_2019_09", confidence="low")],
    ("2019-09-01", "CHN", 5.0, "First batch"): [
        _china("120190 270900", "china_2019_09", confidence="low")
    ],
    ("2019-10-11", "USA", 30.0, "25% to 30%"): [
        _s301(f"us_301_{name}", branch="threat_2019_10", effective="2019-10-15")
        for name in ("1", "2", "3")
    ],
    ("2019-12-13", "USA", 0.0, "15% on about"): [_s301("us_301_4b")],
    ("2020-02-14", "USA", 7.5, "List 4A"): [_s301("us_301_4a")],
    ("2020-02-14", "CHN", 5.0, "Sept 2019"): [_china("0203", "china_2019_09", confidence="low")],
    ("2020-02-14", "CHN", 2.5, "Sept 2019"): [
        _china("120190 270900", "china_2019_09", confidence="low")
    ],
    ("2024-09-27", "USA", 100.0, "Electric"): [_s301("us_301_ev")],
    ("2024-09-27", "USA", 50.0, "Solar"): [_s301("us_301_solar")],
    ("2024-09-27", "USA", 100.0, "Syringes"): [_s301("us_301_syringes")],
    ("2024-09-27", "USA", 25.0, "Ship"): [_s301("us_301_cranes")],
    ("2024-09-27", "USA", 25.0, "Steel"): [_s301("us_301_metals")],
    ("2024-09-27", "USA", 25.0, "EV lithium"): [
        _s301("us_301_batteries"),
        _s301("us_301_ev_cells"),
    ],
    ("2024-09-27", "USA", 25.0, "Certain"): [_s301("us_301_minerals")],
    ("2024-09-27", "USA", 25.0, "Face masks"): [],
    ("2025-01-01", "USA", 50.0, "Semi"): [_s301("us_301_chips")],
    ("2025-01-01", "USA", 50.0, "Rubber"): [_s301("us_301_gloves")],
    ("2025-01-01", "USA", 50.0, "Poly"): [_s301("us_301_polysilicon")],
    ("2025-01-01", "USA", 25.0, "Tungsten"): [_s301("us_301_tungsten")],
    ("2025-02-04", "USA", 10.0, "All goods"): _fentanyl(),
    ("2025-02-10", "CHN", 15.0, "Coal"): [
        _china("china_february_15", "china_2025_feb", confidence="low")
    ],
    ("2025-02-10", "CHN", 10.0, "Crude"): [
        _china("china_february_10", "china_2025_feb", confidence="low")
    ],
    ("2025-03-04", "USA", 20.0, "All goods"): _fentanyl(),
    ("2025-03-10", "CHN", 15.0, "Chicken"): [_china("china_march_15", "china_2025_mar")],
    ("2025-03-10", "CHN", 10.0, "Soybeans"): [_china("china_march_10", "china_2025_mar")],
    ("2025-03-12", "USA", 25.0, "All countries"): [
        {"layer": "s232_steel", "scope": "us_232_steel"},
        {"layer": "s232_aluminium", "scope": "us_232_aluminium"},
        _metal("aluminium_2020", "aluminium"),
        _metal("aluminium_march", "aluminium"),
        _metal("steel_2020", "steel"),
        _metal("steel_march", "steel"),
    ],
    ("2025-04-03", "USA", 25.0, "Passenger"): [{"layer": "s232_autos", "scope": "us_232_autos"}],
    ("2025-04-05", "USA", 10.0, "10% baseline"): [
        {"layer": "reciprocal", "exemptions": APRIL_EXEMPT},
        *_reciprocal(APRIL_EXEMPT, rate=0.34, effective="2025-04-09"),
    ],
    ("2025-04-09", "USA", None, "Country rates"): [],  # see EXTRA, by country
    ("2025-04-09", "USA", 84.0, "China rate"): _reciprocal(APRIL_EXEMPT),
    ("2025-04-10", "USA", 125.0, "China rate"): _reciprocal(APRIL_EXEMPT),
    ("2025-04-10", "CHN", 84.0, "All US"): [
        _china("all", "china_reciprocal", rate=0.34, announced="2025-04-04"),
        _china("all", "china_reciprocal"),
    ],
    ("2025-04-11", "USA", 0.0, "Smartphones"): [
        {"layer": "reciprocal", "exemptions": EXEMPT, "rate": 0.10, "instrument": "tariff"},
        *_reciprocal(EXEMPT, rate=1.25, instrument="tariff"),
    ],
    ("2025-04-12", "CHN", 125.0, "All US"): [_china("all", "china_reciprocal")],
    ("2025-05-02", "USA", 120.0, "Parcels"): [],
    ("2025-05-03", "USA", 25.0, "Certain parts"): [
        {"layer": "s232_auto_parts", "scope": "us_232_auto_parts"}
    ],
    ("2025-05-14", "USA", 10.0, "Reciprocal 125"): [
        *_reciprocal(EXEMPT, rate=TRUCE_SUSPENDED, instrument="tariff", expires=""),
        *_truce(EXEMPT),
    ],
    ("2025-05-14", "CHN", 10.0, "125 cut"): [
        _china("all", "china_reciprocal", rate=TRUCE_SUSPENDED, instrument="tariff", expires=""),
        _china("all", "china_reciprocal"),
    ],
    ("2025-05-14", "USA", 54.0, "Postal"): [],
    ("2025-06-04", "USA", 50.0, "Doubled"): [
        {"layer": "s232_steel", "scope": "us_232_steel"},
        {"layer": "s232_aluminium", "scope": "us_232_aluminium"},
        _metal("aluminium_2020", "aluminium"),
        _metal("aluminium_march", "aluminium"),
        _metal("steel_2020", "steel"),
        _metal("steel_march", "steel"),
    ],
    ("2025-08-01", "USA", 50.0, "Semi-finished"): [_metal("copper", "copper")],
    ("2025-08-07", "USA", None, "10-41%"): [],  # see EXTRA, by country
    ("2025-08-12", "USA", 10.0, "24 pp"): _truce(EXEMPT),
    ("2025-08-12", "CHN", 10.0, "24 pp"): [_china("all", "china_reciprocal")],
    ("2025-08-18", "USA", 50.0, "407"): [
        _metal("aluminium_august", "aluminium"),
        _metal("steel_august", "steel"),
    ],
    ("2025-08-29", "USA", None, "Parcels"): [],
    ("2025-10-14", "USA", 25.0, "Softwood"): [
        {"layer": "s232_wood", "scope": "us_232_furniture"},
        {"layer": "s232_wood", "scope": "us_232_lumber", "rate": 0.10},
    ],
    ("2025-11-01", "USA", 100.0, "100% on"): [{"layer": "threat_2025_10", "branch": "us_threat"}],
    ("2025-11-01", "USA", 25.0, "Medium"): [
        {"layer": "s232_trucks", "scope": "us_232_truck_vehicles"},
        {"layer": "s232_trucks", "scope": "us_232_trucks"},
        {"layer": "s232_trucks", "scope": "us_232_buses", "rate": 0.10},
    ],
    ("2025-11-09", "USA", 100.0, "Ship"): [_s301("us_301_cranes", announced="2025-10-10")],
    ("2025-11-10", "USA", 0.0, "Port fees"): [
        _s301("us_301_cranes", rate=0.25),
    ],
    ("2025-11-10", "USA", 0.0, "178"): [],
    ("2025-11-10", "USA", 10.0, "Cut from"): _fentanyl(),
    ("2025-11-10", "USA", 10.0, "10 kept"): _truce(EXEMPT),
    ("2025-11-10", "CHN", 0.0, "March 2025"): [
        _china(f"china_march_{n}", "china_2025_mar") for n in (10, 15)
    ],
    ("2025-11-10", "CHN", 10.0, "10 kept"): [_china("all", "china_reciprocal")],
    ("2025-11-10", "CHN", 0.0, "Special"): [],
    ("2025-11-13", "USA", 0.0, "Coffee"): [
        {
            "layer": "reciprocal",
            "exemptions": NOVEMBER_EXEMPT,
            "rate": 0.10,
            "instrument": "tariff",
        },
        *_reciprocal(NOVEMBER_EXEMPT, rate=0.10, instrument="truce", expires="2026-11-10"),
    ],
    ("2025-12-23", "USA", 0.0, "Duty 0"): [],
    ("2026-01-01", "USA", 25.0, "Natural"): [_s301("us_301_graphite")],
    ("2026-01-01", "USA", 25.0, "Permanent"): [_s301("us_301_magnets")],
    ("2026-01-01", "USA", 25.0, "Non-EV"): [_s301("us_301_lithium")],
    ("2026-01-01", "USA", 100.0, "Rubber"): [_s301("us_301_gloves")],
    ("2026-01-01", "USA", 50.0, "Textile"): [_s301("us_301_masks")],
    ("2026-01-01", "USA", 100.0, "Enteral"): [],
    ("2026-02-20", "USA", 0.0, "IEEPA"): [],  # see the recipe: every IEEPA measure ends
    ("2026-02-24", "USA", 10.0, "10% on most"): [{"layer": "s122", "exemptions": NOVEMBER_EXEMPT}],
    ("2026-02-24", "CHN", 10.0, "China keeps"): [],
    ("2026-04-06", "USA", 50.0, "Rates"): [],
    ("2026-07-24", "USA", 12.5, "10 or"): [{"layer": "s301_forced_labour"}],
}

# Layers whose measures the Supreme Court ended; collection stopped on 24 February 2026.
IEEPA = ("fentanyl", "reciprocal", "border")
COURT = ("2026-02-20", "2026-02-24")

# Country rates of the reciprocal duty from 7 August 2025, by name of the order, percent.
AUGUST_RATES: dict[str, float] = {
    **dict.fromkeys(("AGO", "CRI", "ECU", "ISR", "KOR", "NGA", "NOR", "NZL", "TTO", "TUR"), 15.0),
    **dict.fromkeys(("VEN", "JPN"), 15.0),
    "NIC": 18.0,
    **dict.fromkeys(("IDN", "KHM", "MYS", "PAK", "PHL", "THA"), 19.0),
    **dict.fromkeys(("BGD", "LKA", "TWN", "VNM"), 20.0),
    "IND": 25.0,
    **dict.fromkeys(("DZA", "ZAF"), 30.0),
    "IRQ": 35.0,
    "CHE": 39.0,
}
# Country rates of 9 April 2025, in force for a day, percent.
APRIL_RATES: dict[str, float] = {
    "AGO": 32.0,
    "DZA": 30.0,
    "BGD": 37.0,
    "CHE": 31.0,
    "EU27": 20.0,
    "IDN": 32.0,
    "IND": 26.0,
    "IRQ": 39.0,
    "ISR": 17.0,
    "JPN": 24.0,
    "KHM": 49.0,
    "KOR": 25.0,
    "LKA": 44.0,
    "MYS": 24.0,
    "NGA": 14.0,
    "NIC": 18.0,
    "NOR": 15.0,
    "PAK": 29.0,
    "PHL": 17.0,
    "THA": 36.0,
    "TWN": 32.0,
    "VEN": 15.0,
    "VNM": 46.0,
    "ZAF": 30.0,
}


def _typed(
    effective: str,
    announced: str,
    target: str,
    layer: str,
    rate: float | None,
    authority: str,
    *,
    scope: str = "all",
    imposer: str = "USA",
    instrument: str = "tariff",
    confidence: str = "medium",
    **more: Any,
) -> dict[str, Any]:
    return {
        "effective": effective,
        "announced": announced,
        "imposer": imposer,
        "target": target,
        "layer": layer,
        "rate": rate,
        "authority": authority,
        "scope": scope,
        "instrument": instrument,
        "confidence": confidence,
        "source": more.pop("source", f"{authority}, Federal Register (typed)"),
        **more,
    }


def _base() -> list[dict[str, Any]]:
    """MFN duties and preferences."""
    rows = [
        _typed(
            *("2018-01-01", "2018-01-01", "WLD", "mfn", None, "Harmonized Tariff Schedule"),
            rate_table="us_mfn",
            confidence="high",
            source="US Harmonized Tariff Schedule 2025, which stands for all dates",
        ),
    ]
    bjz = "Bown, Jung and Zhang, PIIE, 2019"
    for day, table in (
        ("2018-01-01", "2018_01"),
        ("2018-05-01", "2018_05"),
        ("2019-01-01", "2019_01"),
    ):
        rows.append(
            _typed(
                *(day, day, "WLD", "mfn", None, "Tariff of the People's Republic"),
                imposer="CHN",
                rate_table=f"china_mfn_{table}",
                confidence="high",
                source=bjz,
            )
        )
    rows += [
        _typed(
            *("2018-01-01", "2018-01-01", country, "preference", None, "NAFTA and USMCA"),
            instrument="preference",
            rate_table=f"us_use_{country.lower()}",
            source="share entering under USMCA in 2024, USITC; kept for all dates",
        )
        for country in ("CAN", "MEX")
    ]
    return rows


def _metals() -> list[dict[str, Any]]:
    """Who was spared from Section 232 on metals before 12 March 2025, and derivatives of 2020."""
    end: dict[str, Any] = {"ended": "2025-03-12", "learnt": "2025-02-10"}
    spared = [
        *(("steel", c, "2018-06-01") for c in ("ARG", "BRA", "KOR")),
        ("aluminium", "ARG", "2018-06-01"),
        *((metal, "AUS", "2018-03-23") for metal in ("steel", "aluminium")),
        *((metal, c, "2019-05-20") for metal in ("steel", "aluminium") for c in ("CAN", "MEX")),
        *((metal, "EU", "2022-01-01") for metal in ("steel", "aluminium")),
        *((metal, "GBR", "2022-06-01") for metal in ("steel", "aluminium")),
        ("steel", "JPN", "2022-04-01"),
    ]
    rows = [
        _typed(
            *(day, day, country, f"s232_{metal}", 0.0, STEEL),
            scope=f"us_232_{metal}",
            what="exempt, or within a quota that did not bind for most trade",
            **end,
        )
        for metal, country, day in spared
    ]
    for metal, rate in (("steel", 0.25), ("aluminium", 0.10)):
        rows.append(
            _typed(
                *("2020-02-08", "2020-01-24", "WLD", f"s232_{metal}", rate),
                "Proclamation 9980 of 24 January 2020",
                scope=f"us_232_{metal}_2020",
                content=f"us_content_{metal}",
            )
        )
        rows.append(
            _typed(
                *("2025-06-04", "2025-05-08", "GBR", f"s232_{metal}", 0.25),
                "Proclamation 10947 of 3 June 2025",
                scope=f"us_232_{metal}",
            )
        )
        june = f"us_232_{metal}_june"
        rows.append(
            _typed(
                *("2025-06-23", "2025-06-12", "WLD", f"s232_{metal}", 0.50),
                "Inclusion of appliances, 12 June 2025",
                scope=june,
                content=f"us_content_{metal}",
            )
        )
    return rows


def _autos() -> list[dict[str, Any]]:
    """What partners pay on cars and parts besides the 25 of all."""
    rows = []
    for layer, scope in (("s232_autos", "us_232_autos"), ("s232_auto_parts", "us_232_auto_parts")):
        first = "2025-04-03" if layer == "s232_autos" else "2025-05-03"
        for country in ("CAN", "MEX"):
            rows.append(
                _typed(
                    *(first, "2025-03-26", country, layer, 0.25, "Proclamation 10908"),
                    scope=scope,
                    exemptions=f"us_usmca_{country.lower()}_2025",
                    what="parts under USMCA exempt; of cars under USMCA the US content, here all",
                    confidence="low",
                )
            )
        rows += [
            _typed(
                *("2025-06-30", "2025-06-16", "GBR", layer, 0.10, "EO 14309 of 16 June 2025"),
                scope=scope,
                instrument="floor",
            ),
            _typed(
                *("2025-09-16", "2025-09-04", "JPN", layer, 0.15, "EO 14345 of 4 September 2025"),
                scope=scope,
                instrument="floor",
            ),
            _typed(
                *("2025-08-01", "2025-09-25", "EU", layer, 0.15, "EU framework agreement notice"),
                scope=scope,
                instrument="floor",
            ),
        ]
    rows += [
        _typed(
            *("2025-10-14", "2025-09-29", country, "s232_wood", rate, "Proclamation 10976"),
            scope=scope,
            instrument="floor",
        )
        for country, rate in (("EU", 0.15), ("JPN", 0.15), ("GBR", 0.10))
        for scope in ("us_232_furniture", "us_232_lumber")
    ]
    return rows


def _countries() -> list[dict[str, Any]]:
    """Reciprocal duties by country, Canada and Mexico, Brazil, India, Russia."""
    rows = [
        _typed(
            *("2025-04-09", "2025-04-02", country, "reciprocal", rate / 100, EO_APRIL),
            exemptions=APRIL_EXEMPT,
            ended="2025-04-10",
            learnt="2025-04-09",
        )
        for country, rate in APRIL_RATES.items()
    ]
    rows += [
        _typed(
            *("2025-08-07", "2025-07-31", country, "reciprocal", rate / 100, EO_AUGUST),
            exemptions=EXEMPT,
        )
        for country, rate in AUGUST_RATES.items()
    ]
    rows += [
        _typed(
            *("2025-08-07", "2025-07-31", "EU", "reciprocal", 0.15, EO_AUGUST),
            exemptions=EXEMPT,
            instrument="floor",
        ),
        _typed(
            *("2025-09-01", "2025-09-05", "EU", "reciprocal", 0.15, "EO 14346 of 5 September 2025"),
            exemptions=f"{EXEMPT} us_floor_eu",
            instrument="floor",
        ),
        _typed(
            *(
                "2025-09-16",
                "2025-09-04",
                "JPN",
                "reciprocal",
                0.15,
                "EO 14345 of 4 September 2025",
            ),
            exemptions=f"{EXEMPT} us_floor_japan",
            instrument="floor",
        ),
    ]
    rows += [
        _typed(*("2025-04-05", "2025-04-02", country, "reciprocal", 0.0, "EO 14257"), what=what)
        for country, what in (
            ("CAN", "under the border orders instead"),
            ("MEX", "under the border orders instead"),
            ("RUS", "not under the order: no normal trade relations"),
        )
    ]
    rows += [
        {
            **row,
            "exemptions": f"{row['exemptions']} us_farm_november",
            "effective": "2025-11-13",
            "announced": "2025-11-14",
            "authority": "IEEPA reciprocal (farm goods exempted)",
        }
        for row in rows
        if row["layer"] == "reciprocal"
        and row["effective"] >= "2025-08-07"
        and (row["target"], row["effective"]) not in (("EU", "2025-08-07"), ("JPN", "2025-08-07"))
    ]
    lower = {"CAN": "us_potash_ca us_energy_ca", "MEX": "us_potash_mx"}
    for country in ("CAN", "MEX"):
        label = country.lower()
        order = "EO 14193" if country == "CAN" else "EO 14194"
        rows.append(
            _typed(
                *("2025-03-04", "2025-02-01", country, "border", 0.25, order),
                ended="2025-03-07",
                learnt="2025-03-06",
            )
        )
        rows.append(
            _typed(
                *("2025-03-07", "2025-03-06", country, "border", 0.25, f"{order}, amended"),
                exemptions=f"us_usmca_{label}_2025 {lower[country]}",
            )
        )
        rows.append(
            _typed(
                *("2025-03-07", "2025-03-06", country, "border_energy", 0.10, f"{order}, amended"),
                scope=lower[country],
                exemptions=f"us_usmca_{label}_2025",
            )
        )
    rows.append(
        _typed(
            *("2025-08-01", "2025-07-31", "CAN", "border", 0.35, "EO 14325 of 31 July 2025"),
            exemptions="us_usmca_can_2025 us_potash_ca us_energy_ca",
        )
    )
    rows += [
        _typed(
            *("2025-08-06", "2025-07-30", "BRA", "reciprocal_brazil", 0.40, "EO 14323"),
            exemptions="us_brazil_exempt",
        ),
        _typed(
            *("2025-08-27", "2025-08-06", "IND", "reciprocal_india", 0.25, "EO 14329"),
            exemptions=EXEMPT,
        ),
    ]
    return rows


def _others() -> list[dict[str, Any]]:
    """Steps between the United States and China that the facts name inside other rows."""
    rows = [
        _typed(
            *("2019-03-01", "2019-02-24", "CHN", "s301", 0.10, "Section 301 List 3"),
            scope="us_301_3",
            what="rise to 25 % put off until further notice",
        ),
    ]
    for year, rate in ((2019, 0.25), (2020, 0.20), (2021, 0.15), (2022, 0.1475), (2023, 0.145)):
        rows.append(_solar(f"{year}-02-07", rate))
    rows += [_solar("2024-02-07", 0.1425), _solar("2025-02-07", 0.14)]
    branches = (("snap_back_34", TRUCE_SUSPENDED), ("snap_back_125", 1.25))
    for branch, rate in branches:
        common: dict[str, Any] = {"instrument": "threat", "branch": branch, "confidence": "medium"}
        what = f"if the truce lapses on 10 November 2025: {100 * rate:.0f} % again"
        rows += [
            _typed(
                *("2025-11-10", "2025-05-12", target, "reciprocal", rate, "EO 14298"),
                exemptions=EXEMPT,
                what=what,
                **common,
            )
            for target in CHINA_HONG_KONG
        ]
        rows.append(
            _typed(
                *("2025-11-10", "2025-05-12", "USA", "china_reciprocal", rate),
                "Geneva joint statement",
                imposer="CHN",
                what=what,
                **common,
            )
        )
    return rows


def _solar(day: str, rate: float) -> dict[str, Any]:
    announced = "2022-02-04" if day > "2022" else "2018-01-22"
    return _typed(
        *(day, announced, "WLD", "s201", rate, "Section 201 safeguard"), scope="us_201_solar"
    )


def extra_rows() -> list[dict[str, Any]]:
    """Give all typed measures."""
    return [*_base(), *_metals(), *_autos(), *_countries(), *_others()]
