"""Product scopes typed from orders and proclamations, and how collections map onto ours.

Where a scope was typed from memory of the legal text, the measures that use it carry the
confidence "medium" or "low".
"""

from __future__ import annotations

LIST_3_EXTRA = "3_addl"

# Our list -> (list of the collection, chapters or codes taken from it).
REVIEW: dict[str, tuple[str, tuple[str, ...]]] = {
    "us_301_ev": ("biden_100", ("8702", "8703")),
    "us_301_syringes": ("biden_100", ("9018",)),
    "us_301_solar": ("biden_50", ("8541",)),
    "us_301_metals": ("biden_25", ("72", "73", "76")),
    "us_301_minerals": ("biden_25", ("25", "26", "28", "79", "80", "81")),
    "us_301_batteries": ("biden_25", ("8507",)),
    "us_301_chips": ("biden_50_jan25", ("8541", "8542")),
    "us_301_polysilicon": ("biden_50_jan25", ("2804", "3818")),
    "us_301_tungsten": ("biden_25_jan25", ("8101",)),
    "us_301_cranes": ("cranes_301", ("8426",)),
    "us_301_gloves": ("biden_jan26", ("4015",)),
    "us_301_graphite": ("biden_jan26", ("2504",)),
    "us_301_magnets": ("biden_jan26", ("8505",)),
    "us_301_masks": ("biden_jan26", ("6307",)),
    "us_301_lithium": ("biden_jan26", ("8507",)),
}

# HS6 codes that the Harmonized System of 2022 renamed: new -> old.
SUCCESSORS = {"853952": "853950", "940440": "940490", "851713": "851712", "851714": "851712"}

# HTS or HS prefixes.
TYPED: dict[str, tuple[str, ...]] = {
    # memorandum of 11 April 2025: electronics out of the reciprocal duty
    "us_electronics": (
        *("8471", "847330", "8486", "85171300", "85176200", "85235100", "8524", "85285200"),
        *("85411000", "85412100", "85412900", "85413000", "85414910", "85414970", "85414980"),
        *("85414995", "85415100", "85415900", "85419000", "8542"),
    ),
    # EV lithium-ion batteries, 8507.60.0010: half of the line, see the recipe of auto parts
    "us_232_autos": (
        *("870322", "870323", "870324", "870331", "870332", "870333", "870340", "870350"),
        *("870360", "870370", "870380", "870390", "870421", "870431", "870441", "870451"),
        "870460",
    ),
    "us_232_lumber": ("440311", "440312", "440321", "440322", "440323", "440324", "440325")
    + ("440326", "440399", "440611", "440691", "440711", "440712", "440713", "440714", "440719"),
    "us_232_furniture": ("940161", "940340", "94036080", "940391"),
    "us_232_truck_vehicles": ("870120", "870121", "870122", "870123", "870124", "870129")
    + ("870422", "870423", "870432", "870442", "870443", "870452"),
    "us_232_buses": ("8702",),
    # derivatives of chapter 73, 12 March 2025: on the whole value
    "us_232_steel_march": ("730120", "730230", "7307", "7308", "7309", "7310", "7311", "7312")
    + ("7313", "7314", "7315", "7316", "7317", "7318", "7320", "7321", "7322", "7323", "7324")
    + ("7325", "7326"),
    "us_232_steel_2020": ("73170030", "73170055", "73170065"),
}

# First and last code of primary metal.
RANGES: dict[str, tuple[tuple[str, str], ...]] = {
    "us_232_steel": (
        ("72061000", "721650"),
        ("72169900", "730110"),
        ("73021000", "730210"),
        ("73024000", "730290"),
        ("73041000", "730690"),
    ),
    "us_232_aluminium": (("76010000", "7601"), ("76040000", "7609"), ("76169951", "76169951")),
}

# Appliances added on 23 June 2025; the collection dates them with the lists of August.
JUNE_DERIVATIVES: tuple[str, ...] = (
    *("841810", "841830", "841840", "842211", "845011", "845012", "845121", "845129", "851660"),
)

# Metal -> (column of the shares, chapters where the whole value is covered).
CONTENT_LISTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "steel": ("steel_share", ("72", "73")),
    "aluminium": ("aluminum_share", ("76",)),
    "copper": ("copper_share", ("74",)),
}

# What the lists hold but only for some use that the code does not show.
LEFT_OUT = (
    "8471",
    "large residential washers (Section 201)",
    "face masks that are not textile (2024 review)",
    "exclusions from Section 301 duties",
)

# China's February 2025 list, by headings: 8 lines at 15 %, 72 lines at 10 %.
CHINA_FEBRUARY: dict[str, tuple[str, ...]] = {
    "china_february_15": ("2701", "2702", "271111"),
    "china_february_10": (
        *("2709", "8432", "843351", "843352", "843353", "843359", "8436", "87032361"),
        *("87032362", "87032363", "87032369", "870324", "870421", "870431"),
    ),
}

# Partners with a trade agreement or programme in force in 2024; Canada and Mexico come by line.
PREFERRED = (
    *("AGO", "AUS", "CHL", "COL", "CRI", "DOM", "EGY", "GTM", "HND", "ISR", "JPN", "KOR", "NGA"),
    *("NIC", "PER", "SGP", "SLV", "TTO", "ZAF"),
)

# Country codes of the US Census Bureau, Schedule C.
CENSUS_CODES = {
    "AGO": "7620",
    "ARE": "5200",
    "ARG": "3570",
    "AUS": "6021",
    "BGD": "5380",
    "BRA": "3510",
    "CHE": "4419",
    "CHL": "3370",
    "CHN": "5700",
    "COL": "3010",
    "CRI": "2230",
    "DOM": "2470",
    "DZA": "7210",
    "ECU": "3310",
    "EGY": "7290",
    "GBR": "4120",
    "GTM": "2050",
    "HKG": "5820",
    "HND": "2150",
    "IDN": "5600",
    "IND": "5330",
    "IRQ": "5050",
    "ISR": "5081",
    "JPN": "5880",
    "KHM": "5550",
    "KOR": "5800",
    "KWT": "5130",
    "LKA": "5420",
    "MYS": "5570",
    "NGA": "7530",
    "NIC": "2190",
    "NOR": "4039",
    "NZL": "6141",
    "PAK": "5350",
    "PER": "3330",
    "PHL": "5650",
    "RUS": "4621",
    "SAU": "5170",
    "SGP": "5590",
    "SLV": "2110",
    "THA": "5490",
    "TTO": "2740",
    "TUR": "4890",
    "TWN": "5830",
    "VEN": "3070",
    "VNM": "5520",
    "ZAF": "7910",
}
