"""Recipes of product tables behind the calendar: tariff lines of both sides and their lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from tradewar.datasets._compile_base import Source, Table
from tradewar.datasets._scopes import (
    CENSUS_CODES,
    CHINA_FEBRUARY,
    CONTENT_LISTS,
    JUNE_DERIVATIVES,
    LEFT_OUT,
    LIST_3_EXTRA,
    PREFERRED,
    RANGES,
    REVIEW,
    SUCCESSORS,
    TYPED,
)
from tradewar.errors import DataError

__all__ = ["china_lines", "preferences", "us_lines"]

FOLDER = "tariffs/"
MFN_FILE = FOLDER + "us_mfn_rates_2025_hts8.csv"
LIST_FILE = "us_section301_lists_hts8.csv"
IMPORTS_FILE = "us_imports_2024_hs6_by_partner.csv.gz"
HTS10_FILE = FOLDER + "us_hs10_naics_crosswalk.csv.gz"
CONTENT_FILE = FOLDER + "us_metal_content_shares_hs10.csv.gz"
USMCA_FILE = FOLDER + "us_usmca_product_shares_{year}.csv.gz"
MFN_USE_FILE = FOLDER + "us_mfn_exemption_shares.csv"
BJZ_FILE = FOLDER + "china_tariff_changes_2018_2019_hs10.csv.gz"
MARCH_10_FILE = FOLDER + "twt_china-10-percent-030425.csv"
MARCH_15_FILE = FOLDER + "twt_china-15-percent-US-exports-030425.csv"
WEIGHTS_FILE = FOLDER + "china_imports_from_us_2017_hs8.csv.gz"
SECTOR_FILE = "china_tariff_on_us_2018_2019_by_icio_sector.csv"
SECTOR_RATES = ("mfn_2019_wavg_pct", "retaliation_jun2019_wavg_pct")
SCALE = 10_000  # shares and rates are stored as whole numbers of 0.01 %

EV_CELLS = 0.5  # 8507.60.0010, batteries of electric cars: one of the two HTS10 lines
COUNTRY_CODES = {"1220": "can", "2010": "mex"}


class Lines:
    """Tariff lines under construction, and lists on them as shares."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = np.array(sorted(set(lines)), dtype=str)
        self.place = {line: k for k, line in enumerate(self.lines.tolist())}
        self.lists: dict[str, np.ndarray] = {}

    def put(self, name: str, codes: Mapping[str, float] | Iterable[str]) -> list[str]:
        """Add a list by code prefixes with shares; give the codes that no line starts with."""
        shares = dict(codes) if isinstance(codes, Mapping) else dict.fromkeys(codes, 1.0)
        values = self.lists.setdefault(name, np.zeros(len(self.lines)))
        lost = []
        for code, share in sorted(shares.items()):
            low, high = np.searchsorted(self.lines, [code, code + "~"])
            if low == high:
                lost.append(code)
            values[low:high] = np.maximum(values[low:high], share)
        return lost

    def put_range(self, name: str, first: str, last: str) -> None:
        """Add all lines from `first` to `last`, both included, compared as far as they go."""
        values = self.lists.setdefault(name, np.zeros(len(self.lines)))
        n = len(last)
        cut = self.lines.astype(f"U{n}")
        values[(cut >= first[:n]) & (cut <= last) & (self.lines >= first)] = 1.0

    def arrays(self) -> dict[str, np.ndarray]:
        """Give the lists as triples: list, line, share."""
        names = sorted(self.lists)
        code, line, share = [], [], []
        for k, name in enumerate(names):
            values = np.rint(self.lists[name] * SCALE).astype(np.uint16)
            some = np.flatnonzero(values)
            code.append(np.full(len(some), k, np.uint8))
            line.append(some.astype(np.uint16))
            share.append(values[some])
        return {
            "list": np.array(names),
            "list_code": np.concatenate(code),
            "line_code": np.concatenate(line),
            "share": np.concatenate(share),
        }


def _hts8(codes: Iterable[str]) -> list[str]:
    return [code.replace(".", "").strip()[:8] for code in codes]


def _by_hts10(codes: Iterable[str], hts10: pd.Series) -> dict[str, float]:
    """Turn codes of 4 to 10 digits into prefixes of at most 8, HTS10 codes as shares of lines."""
    out: dict[str, float] = {}
    lines = hts10.groupby(hts10.str[:8]).size()
    tens: dict[str, int] = {}
    for code in codes:
        if len(code) <= 8:
            out[code] = 1.0
        else:
            tens[code[:8]] = tens.get(code[:8], 0) + 1
    for code, n in tens.items():
        out[code] = max(out.get(code, 0.0), min(1.0, n / max(int(lines.get(code, n)), n)))
    return out


def us_lines(src: Source, frame: pd.DataFrame) -> Table:
    """Collect the US tariff lines of 2025, their MFN rates and every list of products on them.

    `frame` is what `read_us_imports` gave: products that trade in 2024 must have a line.
    """
    whole = src.csv(MFN_FILE, {"mfn_rate": float}).drop_duplicates("hs8").set_index("hs8")
    mfn = whole[~whole.index.str[:2].isin(["98", "99"])]
    traded = frame[~frame["product"].str[:2].isin(["98", "99"])]
    present = set(mfn.index.str[:6])
    added = sorted(set(traded["product"]) - present)
    book = Lines([*mfn.index, *(product + "00" for product in added)])
    rate = pd.Series(mfn["mfn_rate"].to_numpy(), index=mfn.index)
    for product in added:  # old HS6 codes that customs still used in 2024
        near = rate[rate.index.str[:4] == product[:4]]
        rate[product + "00"] = float(near.mean())
    rates = rate.reindex(book.lines).to_numpy(float)

    lists = src.csv(LIST_FILE).drop_duplicates(["hts8", "list"])
    lost: dict[str, list[str]] = {}
    mapped: dict[str, int] = {}
    for name in ("1", "2", "3", "4A", "4B"):
        wanted = ["3", LIST_3_EXTRA] if name == "3" else [name]
        codes = set(lists["hts8"][lists["list"].isin(wanted)])
        label = f"us_301_{name.lower()}"
        lost[label] = book.put(label, codes)
    listed = np.maximum.reduce([book.lists[f"us_301_{n}"] for n in ("1", "2", "3", "4a", "4b")])
    for label, dead in lost.items():
        taken = _map_dead(book, label, dead, listed, added)
        mapped[label] = taken
    for name, (source_list, chapters) in REVIEW.items():
        codes = set(lists["hts8"][lists["list"] == source_list])
        chosen = [c for c in codes if c.startswith(chapters)]
        if not chosen:
            raise DataError(f"{LIST_FILE}: nothing for {name} in list {source_list}")
        book.put(name, chosen)
    for name, prefixes in TYPED.items():
        book.put(name, prefixes)
    book.put("us_301_ev_cells", {"85076000": EV_CELLS})
    for name, ranges in RANGES.items():
        for first, last in ranges:
            book.put_range(name, first, last)

    annex = _hts8(src.csv(FOLDER + "us_annex_II_2025_04_02_hts8.csv")["hts8"])
    lost["us_annex_ii"] = book.put("us_annex_ii", annex)
    november = src.csv(FOLDER + "twt_annex-II-exemptions-nov14.csv")["HTSUS"]
    farm = sorted(set(_hts8(november)) - set(annex))
    lost["us_farm_november"] = book.put("us_farm_november", farm)
    carve = src.csv(FOLDER + "us_fentanyl_carveout_products.csv")
    for name in ("energy_ca", "potash_ca", "potash_mx"):
        book.put(f"us_{name}", _hts8(carve["hts8"][carve["category"] == name]))
    brazil = src.csv(FOLDER + "us_country_eo_exempt_products.csv")
    brazil = brazil[brazil["effective_date_start"] < "2025-11"]
    lost["us_brazil_exempt"] = book.put("us_brazil_exempt", _hts8(brazil["hts10"]))
    floor = src.csv(FOLDER + "us_floor_exempt_products.csv")
    for group in ("eu", "japan"):
        codes = set(_hts8(floor["hts8"][floor["country_group"] == group]))
        lost[f"us_floor_{group}"] = book.put(f"us_floor_{group}", codes)
    _sectoral(src, book, lost)
    for year in (2024, 2025):
        _usmca(src, book, year)

    missed = {name: len(some) for name, some in sorted(lost.items()) if some}
    table = Table(
        name="us_tariff_lines",
        what="US tariff lines of 2025 (HTS8): MFN rate, and every list of products on them",
        source="US Harmonized Tariff Schedule 2025; USTR Section 301 notices 2018-2024; annexes of "
        "executive orders and proclamations 2025; USITC preference use; metal content from BEA "
        "tables, through the tariff-rate-tracker and tradewartracker projects",
        licence="US government facts; collections under MIT",
        year=2025,
        unit={"mfn": "0.01 %", "share": "0.01 % of the line"},
        arrays={
            "line": np.array([int(line) for line in book.lines.tolist()], dtype=np.uint32),
            "mfn": np.rint(rates * SCALE).astype(np.uint16),
            **book.arrays(),
        },
        rows=len(book.lines),
        inputs=tuple(sorted(_us_inputs())),
    )
    table.counts = {
        "lines": len(book.lines),
        "products": len({line[:6] for line in book.lines.tolist()}),
        "lines_added_for_old_products": added,
        "codes_not_in_the_schedule_of_2025": missed,
        "list_lines_mapped_to_new_codes": mapped,
        "lines_by_list": {k: int((v > 0).sum()) for k, v in sorted(book.lists.items())},
        "lines_of_chapters_98_and_99_left_out": len(whole) - len(mfn),
        "specific_duties_set_to_zero": int((mfn["rate_type"] == "specific").sum()),
    }
    china = traded[traded["exporter"] == "CHN"].set_index("product")["value"]
    partly = {}
    six = pd.Series([line[:6] for line in book.lines.tolist()])
    for name in ("us_301_1", "us_301_2", "us_301_3", "us_301_4a"):
        share = pd.Series(book.lists[name]).groupby(six).mean()
        partly[name] = share
    mixed = pd.concat(partly, axis=1)
    some_list = ((mixed > 0) & (mixed < 1)).any(axis=1)
    cover = mixed.sum(axis=1)
    for what, some in (
        ("partly_on_a_301_list", some_list),
        ("partly_covered", (cover > 0) & (cover < 1)),
    ):
        worth = china.reindex(some.index[some]).fillna(0)
        table.counts[f"products_{what}"] = int(some.sum())
        table.counts[f"products_{what}_from_china"] = int((worth > 0).sum())
        table.counts[f"china_value_share_{what}"] = round(float(worth.sum() / china.sum()), 4)
    table.check("tariff lines", len(whole), 13073)
    table.check("traded products without a line", len(set(traded["product"]) - set(six)), 0)
    table.check("largest MFN rate", float(rates.max()), 3.5, 0.01)
    table.notes = [
        "There are no import values by HTS8: a rate of an HS6 product is the plain mean over its "
        "lines, and a list's share of a product a count of lines. "
        f"{table.counts['products_partly_covered']} products are partly covered by Section 301 "
        f"({100 * table.counts['china_value_share_partly_covered']:.1f} % of China's value of "
        f"2024), {table.counts['products_partly_on_a_301_list']} partly by one of its lists.",
        "MFN rates are ad valorem; of compound duties the ad valorem part, specific duties are "
        f"zero ({table.counts['specific_duties_set_to_zero']} lines). The schedule of 2025 stands "
        "for all dates from 2018.",
        f"{sum(missed.values())} codes of the lists are not in the schedule of 2025; "
        f"{sum(mapped.values())} lines that took their place were put on the list instead, by HS6 "
        "code and, for three products renamed in 2022, by name.",
        "USMCA shares are plain means over the HTS10 lines of a line, 2024 and 2025. Covered "
        "content of derivatives is the metal's share in cost of the line's industry; it is not "
        "what importers declare.",
        "Lists typed from the proclamations and not found in a collection (confidence medium): "
        f"{', '.join(sorted((*TYPED, *RANGES)))}. Left out: {'; '.join(LEFT_OUT)}.",
    ]
    return table


def _map_dead(
    book: Lines, label: str, dead: list[str], listed: np.ndarray, added: list[str]
) -> int:
    """Put lines of 2025 on a list whose old codes they replaced; give how many."""
    values = book.lists[label]
    old = {code[:6] for code in dead}
    n = 0
    for k, line in enumerate(book.lines.tolist()):
        before = SUCCESSORS.get(line[:6], line[:6])
        renamed = before in old or (line[:6] in SUCCESSORS and _touches(book, values, before))
        if (
            not listed[k]
            and not values[k]
            and renamed
            and (line[:6] in SUCCESSORS or line[:6] not in added)
        ):
            values[k] = 1.0
            listed[k] = 1.0
            n += 1
    for product in added:  # a line that stands for an old product: the share of its heading
        k = book.place[product + "00"]
        if product in old:
            values[k], listed[k] = 1.0, 1.0
            n += 1
    return n


def _touches(book: Lines, values: np.ndarray, product: str) -> bool:
    low, high = np.searchsorted(book.lines, [product, product + "~"])
    return bool(low < high and values[low:high].mean() > 0.5)


def _sectoral(src: Source, book: Lines, lost: dict[str, list[str]]) -> None:
    """Put Section 201 and 232 coverage and covered content on the lines."""
    hts10 = src.csv(HTS10_FILE)["hs10"]
    derivative = src.csv(FOLDER + "us_s232_derivative_products.csv")
    blank = derivative["effective_date"].isna()
    early = derivative["ch99_code"] == "9903.85.04"
    june = derivative["hts_prefix"].str.startswith(JUNE_DERIVATIVES)
    aluminium = derivative["derivative_type"] == "aluminum"
    when = {
        "2020": early,
        "march": blank & ~early,
        "june": ~blank & june,
        "august": ~blank & ~june,
    }
    for metal, kind in (("aluminium", aluminium), ("steel", ~aluminium)):
        for name, some in when.items():
            codes = derivative["hts_prefix"][kind & some]
            if len(codes):
                label = f"us_232_{metal}_{name}"
                lost[label] = book.put(label, codes)
    copper = src.csv(FOLDER + "us_s232_copper_products.csv")["hts10"]
    lost["us_232_copper"] = book.put("us_232_copper", _hts8(copper))
    for name, file in (
        ("auto_parts", "us_s232_auto_parts.txt"),
        ("trucks", "us_s232_mhd_parts.txt"),
    ):
        text = src.open(FOLDER + file).read().decode("utf-8").split()
        label = f"us_232_{name}"
        shares = _by_hts10([code for code in text if code not in LEFT_OUT], hts10)
        if name == "auto_parts" and "850760" in shares:
            shares["850760"] = EV_CELLS
        lost[label] = book.put(label, shares)
    solar = [row[0] for row in src.csv_rows(FOLDER + "us_s201_solar_products.csv")[1:]]
    book.put("us_201_solar", _by_hts10(solar, hts10))

    metal_share = src.csv(
        CONTENT_FILE, {"steel_share": float, "aluminum_share": float, "copper_share": float}
    )
    eight = metal_share["hs10"].str[:8]
    for name, (column, chapters) in CONTENT_LISTS.items():
        mean = metal_share[column].groupby(eight).mean().clip(0.0, 1.0)
        values = mean.reindex(book.lines).fillna(0.0).to_numpy(float).copy()
        whole = np.char.startswith(book.lines, chapters[0])
        for chapter in chapters[1:]:
            whole |= np.char.startswith(book.lines, chapter)
        values[whole] = 1.0
        covered = [v for k, v in book.lists.items() if k.startswith(f"us_232_{name[:6]}")]
        values[np.maximum.reduce(covered) == 0] = 0.0
        book.lists[f"us_content_{name}"] = np.round(values, 3)


def _usmca(src: Source, book: Lines, year: int) -> None:
    """Put the shares of imports that enter under USMCA on the lines."""
    raw = src.csv(USMCA_FILE.format(year=year), {"usmca_share": float})
    for code, label in COUNTRY_CODES.items():
        some = raw[raw["cty_code"] == code]
        mean = some["usmca_share"].groupby(some["hts10"].str[:8]).mean()
        six = some["usmca_share"].groupby(some["hts10"].str[:6]).mean()
        values = mean.reindex(book.lines)
        filled = values.fillna(
            pd.Series(
                six.reindex([line[:6] for line in book.lines.tolist()]).to_numpy(), book.lines
            )
        )
        book.lists[f"us_usmca_{label}_{year}"] = filled.fillna(0.0).to_numpy(float).round(2)


def _us_inputs() -> list[str]:
    names = (
        "us_annex_II_2025_04_02_hts8.csv",
        "twt_annex-II-exemptions-nov14.csv",
        "us_fentanyl_carveout_products.csv",
        "us_country_eo_exempt_products.csv",
        "us_floor_exempt_products.csv",
        "us_s232_derivative_products.csv",
        "us_s232_copper_products.csv",
        "us_s232_auto_parts.txt",
        "us_s232_mhd_parts.txt",
        "us_s201_solar_products.csv",
    )
    usmca = [USMCA_FILE.format(year=year) for year in (2024, 2025)]
    files = [MFN_FILE, LIST_FILE, IMPORTS_FILE, HTS10_FILE, CONTENT_FILE, *usmca]
    return [*files, *(FOLDER + name for name in names)]


def preferences(src: Source) -> Table:
    """Read how much of the MFN duty each partner's preferences take away, by chapter."""
    raw = src.csv(MFN_USE_FILE, {"exemption_share": float})
    share = raw.set_index(["cty_code", "hs2"])["exemption_share"]
    chapters = [f"{k:02d}" for k in range(1, 98)]  # one without a share has no duty to spare
    out = np.array(
        [share[CENSUS_CODES[p]].reindex(chapters).fillna(0.0).to_numpy() for p in PREFERRED]
    )
    others = sorted(set(CENSUS_CODES) - set(PREFERRED))
    left = share[[CENSUS_CODES[p] for p in others]]
    table = Table(
        name="us_preference_use",
        what="share of the MFN duty that preferences take away, by partner and chapter",
        source="US Census Bureau imports by rate provision, through tariff-rate-tracker",
        licence="MIT",
        year=2024,
        unit={"share": "0.01 % of the MFN duty"},
        arrays={
            "exporter": np.array(PREFERRED),
            "chapter": np.array(chapters),
            "share": np.rint(out * SCALE).astype(np.uint16),
        },
        rows=int((out > 0).sum()),
        inputs=(MFN_USE_FILE,),
    )
    table.counts = {
        "partners": len(PREFERRED),
        "shares_of_partners_without_a_programme_left_out": int((left > 0).sum()),
    }
    table.check("largest share", float(out.max()), 1.0, 1e-9)
    table.notes = [
        "Only partners with an agreement or programme in force in 2024; for others (China among "
        "them) the source's shares are not preferences and are left out. Canada and Mexico take "
        "USMCA shares by line instead."
    ]
    return table


def china_lines(src: Source) -> tuple[Table, Table]:
    """Collect China's tariff lines with MFN rates and duties on US goods, and imports of 2017."""
    names = dict.fromkeys(src.csv(BJZ_FILE).columns[1:], float)
    raw = src.csv(BJZ_FILE, names)
    raw["line"] = raw["hs10"].str[:10]
    mean = raw.drop(columns="hs10").groupby("line").mean()  # 28 codes split by model, A and B
    unknown = mean["mfn_20180101"].isna()
    steps = mean.fillna(0.0)
    dates = {
        "2018-01-01": ["mfn_20180101"],
        "2018-05-01": ["chg_20180501_mfn_pharma"],
        "2018-07-01": ["chg_20180701_mfn_consumer_ita"],
        "2018-11-01": ["chg_20181101_mfn_industry"],
        "2019-01-01": ["chg_20190101_mfn_temp"],
    }
    level = np.zeros(len(steps))
    rates = []
    for columns in dates.values():
        level = level + steps[columns].sum(axis=1).to_numpy()
        rates.append(np.rint(level * 100).astype(np.int16))

    book = Lines(steps.index)
    auto = steps["chg_20190101_auto_suspension"] != 0

    def put(name: str, mask: pd.Series) -> None:
        book.lists[name] = mask.reindex(book.lines).to_numpy(bool).astype(float)

    first = steps["chg_20180402_s232"]
    put("china_232_15", first == 15)
    put("china_232_25", first == 25)
    sixty, more = steps["chg_20180924_s301_60bn"], steps["chg_20190601_s301_60bn_increase"]
    put("china_34bn", (steps["chg_20180706_s301_34bn"] == 25) & ~auto)
    put("china_16bn", (steps["chg_20180823_s301_16bn"] == 25) & ~auto)
    put("china_34bn_cars", (steps["chg_20180706_s301_34bn"] == 25) & auto)
    put("china_16bn_cars", (steps["chg_20180823_s301_16bn"] == 25) & auto)
    put("china_60bn_10", sixty == 10)
    put("china_60bn_5", (sixty == 5) & ~auto)
    put("china_60bn_5_cars", (sixty == 5) & auto)
    for rate in (25, 20, 10):
        put(f"china_60bn_to_{rate}", (sixty + more == rate) & (more > 0))
    gaps = {
        "4 April 2018": (first != 0) & ~first.isin([15, 25]),
        "60bn": (sixty != 0) & ~sixty.isin([5, 10]),
        "cars raised": auto & (more != 0),
        "60bn raised": (more != 0) & ~(sixty + more).isin([10, 20, 25]),
    }
    for what, bad in gaps.items():
        if bad.any():
            raise DataError(f"{BJZ_FILE}: {what}: {int(bad.sum())} lines do not fit the lists")

    ten = src.csv_rows(MARCH_10_FILE)
    codes = {row[1].zfill(8) for row in ten}
    missing = book.put("china_march_10", codes)
    six = {line[:6] for line in book.lines.tolist()}
    newer = sorted({code[:6] for code in missing} & six)
    book.put("china_march_10", newer)  # later versions split these: all their lines
    fifteen = set(src.csv(MARCH_15_FILE)["hs-code"])
    lost15 = book.put("china_march_15", fifteen)
    for name, prefixes in CHINA_FEBRUARY.items():
        book.put(name, prefixes)

    weights = src.csv(WEIGHTS_FILE, {"imports_from_us_2017_kusd": int})
    total = int(weights["imports_from_us_2017_kusd"].sum())
    known = weights["hs8"].str[:6].isin(six) & (weights["imports_from_us_2017_kusd"] > 0)
    eights = {line[:8] for line in book.lines.tolist()}
    kept = weights[known].sort_values("hs8")
    newer8 = ~kept["hs8"].isin(eights)  # the code is not among the lines of 2018, its HS6 is
    kept["code"] = kept["hs8"].where(~newer8, kept["hs8"].str[:6])
    kept = kept.groupby("code", as_index=False).agg(
        {"imports_from_us_2017_kusd": "sum", "hs8": "first"}
    )
    special = int(weights["imports_from_us_2017_kusd"][weights["hs8"].str[:2] == "98"].sum())
    mfn_all = np.array(rates)
    lists = book.arrays()
    bjz = (
        "Bown, Jung and Zhang (2019), Trump has gotten China to lower its tariffs, Peterson "
        "Institute for International Economics (HS10 rates and changes 2018-19)"
    )
    table = Table(
        name="china_tariff_lines",
        what="China's tariff lines of 2018 (HS10): MFN by date, and lists of duties on US goods",
        source=f"{bjz}; China's March 2025 lists through the tradewartracker project (MIT)",
        licence="facts, cited",
        year=2019,
        unit={"mfn": "0.01 %", "share": "0.01 % of the line"},
        arrays={
            "line": np.array([int(line) for line in book.lines.tolist()], dtype=np.uint64),
            "date": np.array(list(dates)),
            "mfn": np.diff(mfn_all, axis=0, prepend=0).astype(np.int16),  # changes pack better
            **lists,
        },
        rows=len(book.lines),
        inputs=(BJZ_FILE, MARCH_10_FILE, MARCH_15_FILE),
    )
    duties = [str(c) for c in steps if str(c).startswith("chg") and "mfn" not in str(c)]
    duty = steps[duties].sum(axis=1)
    table.counts = {
        "lines": len(book.lines),
        "lines_split_by_model_merged": int(len(raw) - len(steps)),
        "lines_without_mfn_set_to_zero": unknown.index[unknown].tolist(),
        "lines_by_list": {k: int((v > 0).sum()) for k, v in sorted(book.lists.items())},
        "march_10_codes": len(codes),
        "march_10_codes_without_a_line": len(missing),
        "march_10_products_of_those_with_lines": newer,
        "march_15_codes_without_a_line": len(lost15),
    }
    whole = raw.drop(columns=["hs10", "line"])
    table.check(
        "simple mean on the US in June 2019, %", float(whole.sum(axis=1).mean()), 21.1, 0.05
    )
    other = whole[[str(c) for c in whole if "mfn" in str(c)]].sum(axis=1)
    table.check("simple mean on others, %", float(other.mean()), 7.1, 0.05)
    table.check("largest retaliation, points", float(duty.max()), 50, 1e-9)
    table.check("codes of the March 2025 list of 10 %", len(codes), 690)
    table.notes = [
        "Rates on US goods are statutory: exclusions granted since 2020 lowered what was paid.",
        "The September 2019 list (10 and 5 points, halved in February 2020) is not in the source; "
        "of it only soybeans, crude oil and pork are taken in, from memory.",
        f"The March 2025 list has {len(missing)} codes of HS versions later than 2018; the "
        f"February 2025 list is approximated by headings ({_listed(CHINA_FEBRUARY)}).",
    ]

    trade = Table(
        name="china_imports_from_us_2017",
        what="China's imports from the United States in 2017 by HS8",
        source="ITC Trade Map, China Customs, 2017",
        licence="facts, cited",
        year=2017,
        tariff_date="2017",
        unit={"value": "thousand USD, c.i.f."},
        arrays={
            "product": np.array([int(c) for c in kept["code"]], dtype=np.uint32),
            "value": kept["imports_from_us_2017_kusd"].to_numpy(np.int64),
        },
        rows=int(kept["code"].str[:6].nunique()),
        inputs=(WEIGHTS_FILE, BJZ_FILE, SECTOR_FILE),
    )
    trade.counts = {
        "value_in_all": total,
        "value": int(kept["imports_from_us_2017_kusd"].sum()),
        "value_without_a_tariff_line": total - int(kept["imports_from_us_2017_kusd"].sum()),
        "value_of_chapter_98": special,
        "codes": len(kept),
        "codes_taken_at_six_digits": int(newer8.sum()),
        "codes_without_value": int((weights["imports_from_us_2017_kusd"] == 0).sum()),
    }
    trade.check("imports, bn USD", total / 1e6, 154.8, 0.05)
    by_eight = duty.add(other.groupby(raw["line"]).mean(), fill_value=0.0)
    eight = by_eight.groupby(by_eight.index.str[:8]).mean()
    some = kept[kept["hs8"].isin(eight.index)]
    value = some["imports_from_us_2017_kusd"].to_numpy(float)
    average = float((eight.reindex(some["hs8"]).to_numpy() * value).sum() / value.sum())
    cells = src.csv(
        SECTOR_FILE,
        dict.fromkeys(("imports_from_US_2017_musd", *SECTOR_RATES), float),
    )
    worth = cells["imports_from_US_2017_musd"]
    theirs = float((cells[list(SECTOR_RATES)].sum(axis=1) * worth).sum() / worth.sum())
    trade.check("mean duty on them in June 2019, %", average, theirs, 1e-3)  # they round to 3
    size = _sizes(book, kept)
    table.counts["imports_2017_by_list_bn_usd"] = size
    table.notes += [
        "What the approximated lists cover, bn USD of 2017: February 2025 at 15 % "
        f"{size['china_february_15']:.1f}, at 10 % {size['china_february_10']:.1f} (announced: 8 "
        f"and 72 lines); March 2025 at 15 % {size['china_march_15']:.1f}, at 10 % "
        f"{size['china_march_10']:.1f}; of September 2019 soybeans and crude oil "
        f"{size['120190 270900']:.1f}, pork {size['0203']:.1f} of about 75 announced."
    ]
    trade.notes = [
        f"{special / 1e6:.1f} bn USD of chapter 98 (special goods) have no tariff line and are "
        "left out."
    ]
    return table, trade


def _sizes(book: Lines, kept: pd.DataFrame) -> dict[str, float]:
    """Give China's imports of 2017 on each list, bn USD; lines of a code count alike."""
    values = kept["imports_from_us_2017_kusd"].to_numpy(float)
    low = np.searchsorted(book.lines, kept["code"].to_numpy(str))
    high = np.searchsorted(book.lines, np.array([c + "~" for c in kept["code"]]))
    masks = dict(book.lists)
    for scope in ("120190 270900", "0203"):
        words = scope.split()
        masks[scope] = np.array([line.startswith(tuple(words)) for line in book.lines.tolist()])
    out = {}
    for name, mask in sorted(masks.items()):
        total = np.concatenate([[0.0], np.cumsum(mask)])
        out[name] = round(
            float((values * (total[high] - total[low]) / (high - low)).sum()) / 1e6, 3
        )
    return out


def _listed(lists: Mapping[str, Iterable[str]]) -> str:
    return "; ".join(f"{name[-2:]} %: {', '.join(codes)}" for name, codes in lists.items())
