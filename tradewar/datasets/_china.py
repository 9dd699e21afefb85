"""China's imports from the United States in 2017, with China's duties by date."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tradewar.data import TradeData
from tradewar.datasets._tables import load_table, metadata
from tradewar.errors import DataError

__all__ = ["china_imports_from_us_2017"]

NAME = "china_imports_from_us_2017"
LAST = "2025-11-10"  # the last step of China's duties before the end of 2025


def china_imports_from_us_2017(*, on: Any = "2018-01-01", digits: int = 6) -> TradeData:
    """Load China's imports from the United States in 2017 by product, with duties of a day.

    Parameters
    ----------
    on : date, default "2018-01-01"
        Day of the duties.  The default is before the conflict: MFN duties alone, which fit the
        values.  Later days set duties that the values of 2017 have not adjusted to; the usual way
        is ``schedules.us_china().to_scenario(on=..., base=data, importer="CHN")``.
    digits : {6, 8}, default 6
        HS6 or China's HS8 codes.  Rates are plain means over the HS10 lines of the product, as in
        `schedules.us_china`; with HS8 codes the values of 2017 weigh inside an HS6 product, which
        is more exact (15.6 and not 16.0 per cent on average in June 2019).

    Returns
    -------
    TradeData
        Thousand USD c.i.f.; importer CHN, exporter USA; 149.3 of 154.8 bn USD: chapter 98 has no
        tariff line.  ``.extra`` holds

        ``duties``
            date product mfn retaliation tariff (fractions) on every day a duty changed, up to
            10 November 2025; ``tariff`` is their sum;
        ``counts``
            what was dropped and counted when the table was compiled.

    Raises
    ------
    DataError
        `digits` is not 6 or 8, or `on` is no date.

    Notes
    -----
    One destination and one origin.  Identified: duty, what buyers and US exporters bear for given
    elasticities of demand *for US goods* and of their supply.  Not identified: diversion to other
    origins (Brazil for soybeans), deflection of US goods to other markets, gains of home
    producers, and any difference between demand for a good and demand for it from the United
    States; `substitution` has nothing to work on.

    Examples
    --------
    >>> data = china_imports_from_us_2017()
    >>> data.report.one_destination, data.report.exporters, data.tariff_date
    (True, 1, '2018-01-01')
    """
    from tradewar.schedule_reading import as_day
    from tradewar.schedules import us_china

    if digits not in (6, 8):
        raise DataError(f"digits={digits!r}: give 6 or 8")
    day = str(as_day(on, "on"))[:10]
    table, known = load_table(NAME), metadata(NAME)
    codes = [f"{c:06d}" if c < 10**6 else f"{c:08d}" for c in table["product"].tolist()]
    value = table["value"].astype(np.float64)
    us = us_china()
    measures = us.to_frame()
    mine = measures[(measures["imposer"] == "CHN") & (measures["layer"] != "")]
    known_days = {str(d)[:10] for d in mine["effective"] if str(d)[:10] <= LAST}
    days = sorted({"2018-01-01", day, *known_days})
    when = np.array(days, dtype="datetime64[s]")
    products, at = np.unique([code[:digits] for code in codes], return_inverse=True)
    products = products.tolist()
    worth = np.bincount(at, weights=value)
    total = np.array([a[0] for a in us._array("CHN", ["USA"], products, when, "additive")])
    other = np.array([a[0] for a in us._array("CHN", ["WLD"], products, when, "additive")])
    duties = pd.DataFrame(
        {
            "date": np.repeat(when, len(products)),
            "product": pd.Series(products * len(days), dtype=str),
            "mfn": other.ravel(),
            "retaliation": (total - other).ravel(),
            "tariff": total.ravel(),
        }
    )
    duties.attrs["unit"] = dict.fromkeys(("mfn", "retaliation", "tariff"), "fraction")
    return TradeData._from_arrays(
        exporter=np.ones(len(products), dtype=np.int64),
        importer=np.zeros(len(products), dtype=np.int64),
        product=np.arange(len(products)),
        value=worth,
        tariff=total[days.index(day)],
        countries=["CHN", "USA"],
        products=products,
        value_unit="thousand USD",
        source=f"{known['source']}; duties: {metadata('china_tariff_lines')['source']}",
        licence=known["licence"],
        year=known["year"],
        tariff_date=day,
        notes=(
            *known["notes"],
            "One destination and one origin: diversion to other origins, deflection and gains of "
            "home producers are not identified; the elasticity of demand is that for US goods.",
            "Duties are statutory: exclusions granted since 2020 are not in them.",
        ),
        default_elasticities=None,
        extra={"duties": duties, "counts": known["counts"]},
    )
