"""The sector that most HS6 products of a heading or chapter belong to."""

from __future__ import annotations

import pandas as pd

__all__ = ["most_common"]


def most_common(sectors: pd.Series, digits: int) -> pd.Series:
    """Give the most frequent sector by the first digits of the index; the first by name in a tie.

    Parameters
    ----------
    sectors : Series of str by HS6 code
    digits : int

    Returns
    -------
    Series of str by prefix
    """
    frame = pd.DataFrame(
        {"prefix": sectors.index.astype(str).str[:digits], "sector": sectors.to_numpy(dtype=str)}
    )
    counts = frame.value_counts(sort=False).rename("n").reset_index()
    counts = counts.sort_values(["prefix", "n", "sector"], ascending=[True, False, True])
    return counts.drop_duplicates("prefix").set_index("prefix")["sector"]
