"""Built-in schedules: the calendar of the conflict between the United States and China."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pandas as pd

from tradewar.data import TradeData
from tradewar.datasets import china_imports_from_us_2017, hs6_to_icio22, us_imports_2024
from tradewar.datasets._names import ICIO_GOODS
from tradewar.datasets._sectors import most_common
from tradewar.datasets._tables import load_table, metadata
from tradewar.errors import DataError, first_five
from tradewar.schedule import Schedule
from tradewar.schedule_lists import Book, ProductList
from tradewar.schedule_reading import COLUMNS, read_measures

__all__ = ["sector_weights", "sectors_of", "us_china", "us_china_notes"]

SCALE = 10_000  # the tables hold shares and rates as whole numbers of 0.01 %
TABLES = ("us_china_calendar", "us_tariff_lines", "us_preference_use", "china_tariff_lines")


def us_china() -> Schedule:
    """Load the calendar from January 2018 to the talks of October 2025, and, marked, after.

    Returns
    -------
    Schedule
        Imposers USA (on 50 partners) and CHN (on the United States).  Layers: mfn, preference,
        s201, s232_..., s301, fentanyl, reciprocal..., border... (Canada, Mexico) and, after the
        talks, s122 and s301_forced_labour; china_2018_232, china_2018_301, china_2019_09,
        china_2025_feb, china_2025_mar, china_reciprocal.  US rates are worked out on the HTS8
        lines of 2025, China's on the HTS10 lines of 2018; a product's rate is the plain mean
        over its lines.  Branches: us_threat (100 points from 1 November 2025), snap_back_34 and
        snap_back_125 (the truce lapses on 10 November 2025), threat_2019_08, threat_2019_10.
        Export controls, entity lists, purchase commitments and port fees are rows without a rate.

        Rows announced after 25 October 2025 have the status "after the talks of October 2025";
        ``us_china().as_of("2025-10-25")`` is what was known then.

    Notes
    -----
    `us_china_notes` says what is approximated.  Statutory rates: exclusions (Section 301, China's
    since 2020) are not in them.

    Examples
    --------
    >>> us = us_china()
    >>> some = us.rates(on="2025-10-25", products=["850440"], importer="USA", exporter="CHN")
    >>> round(float(some["tariff"].iloc[0]), 4)  # free of MFN duty: 25 + 20 + 10
    0.55
    """
    return _us_china()


def us_china_notes() -> pd.DataFrame:
    """List sources, counts and approximations behind `us_china`.

    Returns
    -------
    DataFrame
        table, what, source, licence, note; one row for each note.
    """
    rows = []
    for name in TABLES:
        known = metadata(name)
        for note in known["notes"] or [""]:
            rows.append((name, known["what"], known["source"], known["licence"], note))
    return pd.DataFrame(rows, columns=["table", "what", "source", "licence", "note"])


def sectors_of(base: Any) -> dict[str, tuple[str, ...]]:
    """Map HS6 products onto the goods sectors of ICIO that a data set has.

    Parameters
    ----------
    base : TradeData or World
        With sectors of ICIO as products, in the division of 27 goods sectors or a coarser one.

    Returns
    -------
    dict of HS6 -> tuple of sectors
        For ``to_scenario(products=...)``.  A product counts in every sector of `base` that its
        coarse sector is split into; () where there is none.  Codes of older HS versions take the
        most frequent sector of their heading.

    Raises
    ------
    DataError
        `base` has none of the sectors.
    """
    names = [str(name) for name in base.products]
    coarse: dict[str, list[str]] = {}
    known = set(hs6_to_icio22())
    for name in names:
        label = name if name in known else ICIO_GOODS[name][1] if name in ICIO_GOODS else ""
        coarse.setdefault(label, []).append(name)
    if not known & set(coarse):
        raise DataError(
            f"base has no goods sector of ICIO: its products are {first_five(names)}; take a "
            "world with them, or give to_scenario(products=, weights=) a mapping of your own"
        )
    out = {str(p): tuple(coarse.get(s, ())) for p, s in hs6_to_icio22().items()}
    heading, chapter = (most_common(hs6_to_icio22(), n).to_dict() for n in (4, 2))
    for line in _us_china()._book.lines.values():
        for product in {code[:6] for code in line.tolist()} - out.keys():
            sector = heading.get(product[:4], chapter.get(product[:2], ""))
            out[product] = tuple(coarse.get(sector, ()))
    return out


def sector_weights() -> tuple[TradeData, TradeData]:
    """Give trade by product to average duties over sectors with, for both imposers.

    Returns
    -------
    tuple of TradeData
        US imports of 2024; China's imports from the United States of 2017.
    """
    return us_imports_2024(), china_imports_from_us_2017()


@functools.cache
def shared_weights() -> tuple[TradeData, TradeData]:
    """Give `sector_weights` again and again; for readers that keep them to themselves."""
    return sector_weights()


@functools.cache
def _us_china() -> Schedule:
    us, china = load_table("us_tariff_lines"), load_table("china_tariff_lines")
    us_codes = np.array([f"{code:08d}" for code in us["line"].tolist()])
    china_codes = np.array([f"{code:010d}" for code in china["line"].tolist()])
    lists = {**_lists(us, us_codes, "US"), **_lists(china, china_codes, "China")}
    lists["us_mfn"] = ProductList(us_codes, us["mfn"] / SCALE, "rate", "HTS 2025")
    for country in ("can", "mex"):
        share = lists[f"us_usmca_{country}_2024"]
        full = np.zeros(len(us_codes))
        full[np.searchsorted(us_codes, share.codes)] = share.values
        lists[f"us_use_{country}"] = ProductList(us_codes, full, "rate")
    use = load_table("us_preference_use")
    for k, partner in enumerate(use["exporter"].tolist()):
        name = f"us_use_{partner.lower()}"
        lists[name] = ProductList(use["chapter"].astype(str), use["share"][k] / SCALE, "rate")
    level = np.cumsum(china["mfn"], axis=0, dtype=np.int64) / SCALE
    for day, values in zip(china["date"].tolist(), level, strict=True):
        name = f"china_mfn_{day[:4]}_{day[5:7]}"
        lists[name] = ProductList(china_codes, np.ascontiguousarray(values), "rate")
    book = Book(lists, {"USA": us_codes, "CHN": china_codes})
    for item in lists.values():
        item.codes.flags.writeable = item.values.flags.writeable = False
    frame = _calendar()
    rates = [name for name, item in lists.items() if item.kind == "rate"]
    shares = [name for name, item in lists.items() if item.kind == "share"]
    table = read_measures(frame, percent=False, lists=shares, rates=rates)
    partners = sorted({*load_table("us_imports_2024")["exporter"].tolist(), "USA"})
    return Schedule._build(table, book, "United States and China", (), tuple(partners), (), "")


def _calendar() -> pd.DataFrame:
    """Give the calendar's rows with our columns."""
    packed = load_table("us_china_calendar")
    columns: dict[str, Any] = {
        name: packed[name][packed[f"{name}_code"]] if name != "rate" else packed["rate"]
        for name in COLUMNS
    }
    return pd.DataFrame(columns)


def _lists(table: dict[str, np.ndarray], codes: np.ndarray, source: str) -> dict[str, ProductList]:
    """Turn triples (list, line, share) into lists."""
    out = {}
    for k, name in enumerate(table["list"].tolist()):
        some = table["list_code"] == k
        lines = codes[table["line_code"][some]]
        out[name] = ProductList(lines, table["share"][some] / SCALE, "share", source)
    return out
