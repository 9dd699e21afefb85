"""Labels: ISO3 countries, country groups, HS codes as zero-padded strings.

Labels in data are free strings and nothing here is needed to use them.  The tables serve names in
output, groups in selectors, and the suggestion in the error of a label that matches nothing.
ISO3 codes are those of ISO 3166-1; the labels beyond it (XKX, ROW, EU27, EU28, S19 ...) are the
usual ones of trade statistics.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["AGGREGATES", "COUNTRIES", "GROUPS", "Group", "country_name", "hs_pad", "hs_parent"]
__all__ += ["is_hs", "longest_prefix", "product_group", "suggest"]

_NAMES = """
ABW Aruba|AFG Afghanistan|AGO Angola|AIA Anguilla|ALB Albania|AND Andorra
ARE United Arab Emirates|ARG Argentina|ARM Armenia|ASM American Samoa|ATG Antigua and Barbuda
AUS Australia|AUT Austria|AZE Azerbaijan|BDI Burundi|BEL Belgium|BEN Benin|BES Bonaire
BFA Burkina Faso|BGD Bangladesh|BGR Bulgaria|BHR Bahrain|BHS Bahamas|BIH Bosnia and Herzegovina
BLR Belarus|BLZ Belize|BMU Bermuda|BOL Bolivia|BRA Brazil|BRB Barbados|BRN Brunei|BTN Bhutan
BWA Botswana|CAF Central African Republic|CAN Canada|CCK Cocos Islands|CHE Switzerland|CHL Chile
CHN China|CIV Cote d'Ivoire|CMR Cameroon|COD DR Congo|COG Congo|COK Cook Islands|COL Colombia
COM Comoros|CPV Cabo Verde|CRI Costa Rica|CUB Cuba|CUW Curacao|CXR Christmas Island
CYM Cayman Islands|CYP Cyprus|CZE Czechia|DEU Germany|DJI Djibouti|DMA Dominica|DNK Denmark
DOM Dominican Republic|DZA Algeria|ECU Ecuador|EGY Egypt|ERI Eritrea|ESH Western Sahara|ESP Spain
EST Estonia|ETH Ethiopia|FIN Finland|FJI Fiji|FLK Falkland Islands|FRA France|FRO Faroe Islands
FSM Micronesia|GAB Gabon|GBR United Kingdom|GEO Georgia|GHA Ghana|GIB Gibraltar|GIN Guinea
GLP Guadeloupe|GMB Gambia|GNB Guinea-Bissau|GNQ Equatorial Guinea|GRC Greece|GRD Grenada
GRL Greenland|GTM Guatemala|GUF French Guiana|GUM Guam|GUY Guyana|HKG Hong Kong|HND Honduras
HRV Croatia|HTI Haiti|HUN Hungary|IDN Indonesia|IND India|IOT British Indian Ocean Territory
IRL Ireland|IRN Iran|IRQ Iraq|ISL Iceland|ISR Israel|ITA Italy|JAM Jamaica|JOR Jordan|JPN Japan
KAZ Kazakhstan|KEN Kenya|KGZ Kyrgyzstan|KHM Cambodia|KIR Kiribati|KNA Saint Kitts and Nevis
KOR South Korea|KWT Kuwait|LAO Laos|LBN Lebanon|LBR Liberia|LBY Libya|LCA Saint Lucia
LIE Liechtenstein|LKA Sri Lanka|LSO Lesotho|LTU Lithuania|LUX Luxembourg|LVA Latvia|MAC Macao
MAR Morocco|MCO Monaco|MDA Moldova|MDG Madagascar|MDV Maldives|MEX Mexico|MHL Marshall Islands
MKD North Macedonia|MLI Mali|MLT Malta|MMR Myanmar|MNE Montenegro|MNG Mongolia
MNP Northern Mariana Islands|MOZ Mozambique|MRT Mauritania|MSR Montserrat|MTQ Martinique
MUS Mauritius|MWI Malawi|MYS Malaysia|MYT Mayotte|NAM Namibia|NCL New Caledonia|NER Niger
NFK Norfolk Island|NGA Nigeria|NIC Nicaragua|NIU Niue|NLD Netherlands|NOR Norway|NPL Nepal
NRU Nauru|NZL New Zealand|OMN Oman|PAK Pakistan|PAN Panama|PCN Pitcairn|PER Peru|PHL Philippines
PLW Palau|PNG Papua New Guinea|POL Poland|PRI Puerto Rico|PRK North Korea|PRT Portugal
PRY Paraguay|PSE Palestine|PYF French Polynesia|QAT Qatar|REU Reunion|ROU Romania|RUS Russia
RWA Rwanda|SAU Saudi Arabia|SDN Sudan|SEN Senegal|SGP Singapore|SHN Saint Helena
SLB Solomon Islands|SLE Sierra Leone|SLV El Salvador|SMR San Marino|SOM Somalia
SPM Saint Pierre and Miquelon|SRB Serbia|SSD South Sudan|STP Sao Tome and Principe|SUR Suriname
SVK Slovakia|SVN Slovenia|SWE Sweden|SWZ Eswatini|SXM Sint Maarten|SYC Seychelles|SYR Syria
TCA Turks and Caicos Islands|TCD Chad|TGO Togo|THA Thailand|TJK Tajikistan|TKL Tokelau
TKM Turkmenistan|TLS Timor-Leste|TON Tonga|TTO Trinidad and Tobago|TUN Tunisia|TUR Turkiye
TUV Tuvalu|TWN Taiwan|TZA Tanzania|UGA Uganda|UKR Ukraine|URY Uruguay|USA United States
UZB Uzbekistan|VAT Holy See|VCT Saint Vincent and the Grenadines|VEN Venezuela
VGB British Virgin Islands|VIR US Virgin Islands|VNM Vietnam|VUT Vanuatu|WLF Wallis and Futuna
WSM Samoa|XKX Kosovo|YEM Yemen|ZAF South Africa|ZMB Zambia|ZWE Zimbabwe
"""

# English short names of countries by ISO3 code.
COUNTRIES: dict[str, str] = {
    entry[:3]: entry[4:] for line in _NAMES.split("\n") if line for entry in line.split("|")
}

# Labels that stand for more than one country.
AGGREGATES: dict[str, str] = {
    "EU27": "European Union",
    "EU28": "European Union with the United Kingdom",
    "ROW": "Rest of the world",
    "WLD": "World",
    "S19": "Other Asia, not elsewhere specified",
}

# What people write for a country, where difflib would not find the code.
_ALIASES = {
    "US": "USA",
    "UNITED STATES OF AMERICA": "USA",
    "AMERICA": "USA",
    "UK": "GBR",
    "GREAT BRITAIN": "GBR",
    "PRC": "CHN",
    "KOREA": "KOR",
    "TURKEY": "TUR",
    "CHINESE TAIPEI": "TWN",
    "MACAU": "MAC",
    "IVORY COAST": "CIV",
    "EUROPEAN UNION": "EU27",
    "EU": "EU27",
}


@dataclass(frozen=True, slots=True)
class Group:
    """A named group of countries.

    Attributes
    ----------
    name : str
        Short name used in selectors.
    members : frozenset of str
        ISO3 codes.
    aggregates : frozenset of str
        Labels that stand for the members together, such as EU27.
    customs_union : bool
        Whether rules that do not name both countries skip flows between members.
    """

    name: str
    members: frozenset[str]
    aggregates: frozenset[str] = frozenset()
    customs_union: bool = False


def _group(
    name: str, members: str, aggregates: str = "", customs_union: bool = False
) -> tuple[str, Group]:
    group = Group(name, frozenset(members.split()), frozenset(aggregates.split()), customs_union)
    return name, group


_EU27 = (
    "AUT BEL BGR CYP CZE DEU DNK ESP EST FIN FRA GRC HRV HUN IRL ITA LTU LUX LVA MLT NLD POL PRT "
    "ROU SVK SVN SWE"
)
_ASEAN = "BRN IDN KHM LAO MMR MYS PHL SGP THA TLS VNM"

# Membership in November 2025 (Timor-Leste joined ASEAN on 26 October 2025).  Only the EU counts as
# a customs union: elsewhere members keep tariffs of their own, and `except_` can leave them out.
# Industries of input-output tables that no customs office sees, and two that mark such tables.
_SERVICES = (
    "B09 D D35 E E36T39 F F41T43 G G45T47 H H49 H50 H51 H52 H53 I I55T56 J J58T60 J61 J62_63"
)
_SERVICES += " K K64T66 L L68 M M69T75 N N77T82 O O84 P P85 Q Q86T88 R R90T93 S S94T96 T T97T98"
SERVICES = frozenset(_SERVICES.split())
_INDUSTRIES = frozenset({"C10T12", "C20"})


def product_group(name: str, labels: Sequence[str]) -> list[int] | None:
    """Give the places of the labels in the group "goods" or "services"; None: no such group.

    Where the labels are industries of the OECD's input-output tables, services are all that cross
    no customs (mining services, electricity and construction among them); elsewhere every label
    is a good.
    """
    if name not in ("goods", "services"):
        return None
    industries = bool(_INDUSTRIES & set(labels))
    served = [industries and label in SERVICES for label in labels]
    return [k for k, service in enumerate(served) if service == (name == "services")]


GROUPS: dict[str, Group] = dict(
    [
        _group("EU", _EU27, "EU27 EU28", customs_union=True),
        _group("EFTA", "CHE ISL LIE NOR"),
        _group("USMCA", "CAN MEX USA"),
        _group("ASEAN", _ASEAN),
        _group("RCEP", "BRN IDN KHM LAO MMR MYS PHL SGP THA VNM AUS CHN JPN KOR NZL"),
        _group("CPTPP", "AUS BRN CAN CHL GBR JPN MEX MYS NZL PER SGP VNM"),
        _group("MERCOSUR", "ARG BOL BRA PRY URY"),
        _group("GCC", "ARE BHR KWT OMN QAT SAU"),
        _group("EAEU", "ARM BLR KAZ KGZ RUS"),
        _group("SACU", "BWA LSO NAM SWZ ZAF"),
        _group("BRICS", "ARE BRA CHN EGY ETH IDN IND IRN RUS ZAF"),
        _group("G7", "CAN DEU FRA GBR ITA JPN USA"),
        _group(
            "OECD",
            "AUS AUT BEL CAN CHE CHL COL CRI CZE DEU DNK ESP EST FIN FRA GBR GRC HUN IRL ISL ISR "
            "ITA JPN KOR LTU LUX LVA MEX NLD NOR NZL POL PRT SVK SVN SWE TUR USA",
        ),
    ]
)


def country_name(label: str) -> str:
    """Give the English short name of a label, or the label itself where none is known.

    Examples
    --------
    >>> country_name("CHN"), country_name("EU27"), country_name("Region 7")
    ('China', 'European Union', 'Region 7')
    """
    return COUNTRIES.get(label) or AGGREGATES.get(label) or label


def is_hs(label: str) -> bool:
    """Tell whether a product label can be an HS code or prefix: digits only.

    Examples
    --------
    >>> is_hs("850440"), is_hs("C26"), is_hs("")
    (True, False, False)
    """
    return label.isascii() and label.isdigit()


def hs_pad(code: int | str, digits: int = 6) -> str:
    """Write an HS code as a string of `digits`, with the leading zero that a number loses.

    Parameters
    ----------
    code : int or str
        The code; only digits.
    digits : int, default 6
        Length wanted: 2, 4, 6, 8 or 10.

    Raises
    ------
    ValueError
        `code` holds something other than digits or is longer than `digits`.

    Examples
    --------
    >>> hs_pad(10121)
    '010121'
    """
    text = str(code)
    if not is_hs(text) or len(text) > digits:
        raise ValueError(f"{code!r} is no HS code of {digits} digits")
    return text.zfill(digits)


def hs_parent(code: str, digits: int) -> str:
    """Give the heading of `digits` that an HS code belongs to.

    Examples
    --------
    >>> hs_parent("850440", 4), hs_parent("850440", 2)
    ('8504', '85')
    """
    if not is_hs(code) or len(code) < digits:
        raise ValueError(f"{code!r} has no HS heading of {digits} digits")
    return code[:digits]


def longest_prefix(labels: Iterable[str], keys: Sequence[str]) -> list[int]:
    """Find for each label the position in `keys` of its longest prefix, or -1.

    A key that is not made of digits, or a label that is not, matches only when the two are equal.

    Examples
    --------
    >>> longest_prefix(["850440", "C26", "870323"], ["85", "8504", "C2"])
    [1, -1, -1]
    """
    place = {key: k for k, key in enumerate(keys)}
    lengths = sorted({len(key) for key in keys if is_hs(key)}, reverse=True)
    found = []
    for label in labels:
        k = place.get(label, -1)
        if k < 0 and is_hs(label):
            tries = (place.get(label[:n], -1) for n in lengths if n < len(label))
            k = next((hit for hit in tries if hit >= 0), -1)
        found.append(k)
    return found


def suggest(label: str, options: Iterable[str]) -> str:
    """Write "; did you mean 'X'?" for the option nearest to `label`, or nothing.

    English country names and the usual short forms are understood.

    Examples
    --------
    >>> suggest("CHM", ["CHN", "USA"]), suggest("China", ["CHN", "USA"]), suggest("x", ["CHN"])
    ("; did you mean 'CHN'?", "; did you mean 'CHN'?", '')
    """
    options = list(options)
    upper = label.strip().upper()
    known = {name.upper(): code for code, name in (COUNTRIES | AGGREGATES).items()} | _ALIASES
    by_case = {option.upper(): option for option in options}
    for candidate in (upper, known.get(upper, "")):
        if candidate in by_case and by_case[candidate] != label:
            return f"; did you mean {by_case[candidate]!r}?"
    close = difflib.get_close_matches(upper, list(by_case), n=1, cutoff=0.5)
    return f"; did you mean {by_case[close[0]]!r}?" if close else ""
