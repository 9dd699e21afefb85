"""Trade agreements under which the base tariffs of 2022 are taken to be zero.

Constants only; imports nothing of the package.  Each line is (importer, exporters, scope, treaty);
the scope says for which goods sectors.  That every good of the scope is free is an approximation:
some sensitive goods (rice, sugar, dairy, cars in places) are not.
"""

from __future__ import annotations

__all__ = ["AGREEMENTS", "SCOPES"]

_FARM = ("A01_02", "A03", "C10T12")
_ASEAN = ("IDN", "MYS", "PHL", "SGP", "THA", "VNM")

# scope -> sectors that are not free under it
SCOPES: dict[str, tuple[str, ...]] = {
    "all": (),
    "industrial": _FARM,
    "most": (*_FARM, "C13T15", "C29"),
}

ATIGA = "ASEAN Trade in Goods Agreement, in force 17 May 2010"
AANZFTA = "ASEAN-Australia-New Zealand Free Trade Area, in force from 1 January 2010"
CUSTOMS_UNION = "EC-Turkey Customs Union, Decision 1/95, in force 31 December 1995"
SWISS = "EEC-Switzerland Free Trade Agreement of 1972, in force 1 January 1973"
EEA = "Agreement on the European Economic Area, in force 1 January 1994"
MERCOSUR = "Treaty of Asuncion (MERCOSUR), 1991"

AGREEMENTS: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    ("EU27", ("TUR",), "industrial", CUSTOMS_UNION),
    ("EU27", ("CHE",), "industrial", SWISS),
    ("EU27", ("NOR",), "industrial", EEA),
    ("TUR", ("EU27",), "industrial", CUSTOMS_UNION),
    ("CHE", ("EU27",), "industrial", SWISS),
    ("NOR", ("EU27",), "industrial", EEA),
    ("BRA", ("ARG",), "all", MERCOSUR),
    ("ARG", ("BRA",), "all", MERCOSUR),
    ("KOR", ("USA",), "all", "Korea-US Free Trade Agreement (KORUS), in force 15 March 2012"),
    ("KOR", ("EU27",), "all", "EU-Korea Free Trade Agreement, applied from 1 July 2011"),
    ("KOR", ("GBR",), "all", "UK-Korea Free Trade Agreement, in force 1 January 2021"),
    ("KOR", ("AUS",), "all", "Korea-Australia Free Trade Agreement, in force 12 December 2014"),
    ("KOR", ("CHL",), "all", "Korea-Chile Free Trade Agreement, in force 1 April 2004"),
    ("KOR", ("SGP",), "all", "Korea-Singapore Free Trade Agreement, in force 2 March 2006"),
    ("KOR", ("CAN",), "all", "Canada-Korea Free Trade Agreement, in force 1 January 2015"),
    ("VNM", ("KOR",), "all", "Viet Nam-Korea Free Trade Agreement, in force 20 December 2015"),
    ("VNM", ("JPN",), "all", "Japan-Viet Nam Economic Partnership, in force 1 October 2009"),
    *(
        (member, tuple(p for p in _ASEAN if p != member), "all", ATIGA)
        for member in ("VNM", "THA", "IDN", "MYS", "PHL")
    ),
    ("AUS", ("USA",), "all", "Australia-US Free Trade Agreement, in force 1 January 2005"),
    ("AUS", ("CHN",), "all", "China-Australia Free Trade Agreement, in force 20 December 2015"),
    ("AUS", ("JPN",), "all", "Japan-Australia Economic Partnership, in force 15 January 2015"),
    ("AUS", ("KOR",), "all", "Korea-Australia Free Trade Agreement, in force 12 December 2014"),
    ("AUS", _ASEAN, "all", AANZFTA),
    (
        "ZAF",
        ("EU27",),
        "most",
        "SADC-EU Economic Partnership Agreement, applied from 10 October 2016",
    ),
    ("ZAF", ("GBR",), "most", "SACUM-UK Economic Partnership Agreement, in force 1 January 2021"),
    ("CHL", ("USA",), "all", "US-Chile Free Trade Agreement, in force 1 January 2004"),
    (
        "CHL",
        ("EU27",),
        "all",
        "EU-Chile Association Agreement, trade part applied from 1 February 2003",
    ),
    ("CHL", ("CHN",), "all", "Chile-China Free Trade Agreement, in force 1 October 2006"),
    ("CHL", ("JPN",), "all", "Japan-Chile Economic Partnership, in force 3 September 2007"),
    ("CHL", ("KOR",), "all", "Korea-Chile Free Trade Agreement, in force 1 April 2004"),
)
