"""Balance a world by iterative scaling (RAS): flows move, cost shares and deficits stay.

Where a country buys less of a product than it uses as an input, its purchases are raised to that
use, by one factor over all sellers, so that final demand becomes zero and shares of sellers stay;
sellers' output and input use follow.  Where final shares were supplied, every purchase is scaled to
input use plus final demand.  Between these steps each country's imports are scaled by r[n] and its
exports by 1/r[n], so that imports less exports stay the deficit (multipliers of the least change in
relative entropy).  The steps are repeated until both hold.  Zeros stay zeros.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tradewar.errors import DataError
from tradewar.world_balance import Accounts, Supplied, Tables, accounts
from tradewar.world_checks import refuse_dead
from tradewar.world_reading import named

__all__ = ["MOVED", "Report", "center", "ras"]

Report = tuple[str, float, str, str]  # item, value, unit, where
Keys = tuple[Sequence[str], Sequence[str]]

MOVED = "flows moved, sum of all changes, share of flows"
CLOSE = 1e-14  # largest miss of a purchase or a deficit, relative to purchases and income
STALLED = 1e-11  # accepted where rounding stops the scaling; the rest is made exact later
MAX_SWEEPS = 20_000
PATIENCE = 200  # sweeps without progress
_CURE = "Correct the tables there, or leave the country or product out."


def ras(
    tables: Tables,
    countries: Sequence[str],
    products: Sequence[str],
    value_unit: str,
    supplied: Supplied,
) -> tuple[Tables, list[Report]]:
    """Balance the tables; give them and what changed.

    Parameters
    ----------
    tables : Tables
    countries, products : sequence of str
    value_unit : str
    supplied : Supplied
        Final shares and deficits to hold, in place of what the flows imply.

    Raises
    ------
    DataError
        Zeros leave no flow to scale, or the scaling does not come to rest.
    """
    keys = (countries, products)
    before = accounts(tables)
    deficit = before.deficit
    if supplied.deficit is None:
        refuse_dead(before, countries)
    else:
        deficit = center(supplied.deficit, before.labour_income)
    trade = tables.trade.copy()
    balanced = tables._replace(trade=trade)
    best, waited = np.inf, 0
    sweep = 0
    while sweep < MAX_SWEEPS:
        sweep += 1
        away = _hold_deficits(trade, deficit, before.income)
        acc = accounts(balanced)
        row, short = _purchases(acc, supplied.final_share, keys)
        miss = max(away, short)
        trade *= row[:, None, :]
        if miss <= CLOSE:
            break
        best, waited = (miss, 0) if miss < 0.9 * best else (best, waited + 1)
        if waited > PATIENCE:
            break
    if not miss <= STALLED:
        n, j = _most(row - 1.0)
        raise DataError(
            f"iterative scaling stops {miss:.2g} from balance after {sweep:,} sweeps; purchases "
            f"move most at {countries[n]} {products[j]}, deficits miss by {away:.2g} of income: "
            f"the tables leave no way to supply it. {_CURE}"
        )
    after = accounts(balanced)
    refuse_dead(after, countries)
    report = _what_changed(tables, balanced, before, after, keys, value_unit)
    report.append(("sweeps of iterative scaling", float(sweep), "count", ""))
    return balanced, report


def center(deficit: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Make deficits sum to zero exactly, in proportion to a weight."""
    return deficit - deficit.sum() * weight / weight.sum()


def _hold_deficits(trade: np.ndarray, deficit: np.ndarray, income: np.ndarray) -> float:
    """Scale imports by r and exports by 1/r, half a step, in place; give the largest miss."""
    pair = trade.sum(axis=2)
    home = np.diagonal(pair)
    imports, exports = pair.sum(axis=1) - home, pair.sum(axis=0) - home
    miss = np.abs(imports - exports - deficit)
    live = (imports > 0) & (exports > 0)
    root = np.sqrt(deficit**2 + 4.0 * imports * exports)
    # r imports - exports / r = deficit, written without cancellation
    up = (deficit + root) / np.where(live, 2.0 * imports, 1.0)
    down = 2.0 * exports / np.where(live, root - deficit, 1.0)
    r = np.sqrt(np.where(live, np.where(deficit > 0, up, down), 1.0))
    if (r != 1.0).any():
        trade *= (r[:, None] / r)[:, :, None]
    return float((miss / np.abs(income)).max())


def _purchases(
    acc: Accounts, final_share: np.ndarray | None, keys: Keys
) -> tuple[np.ndarray, float]:
    """Give the factor of each purchase [country, product], and the largest miss."""
    bought = acc.expenditure
    if final_share is None:
        wanted = np.where(acc.final < 0, bought - acc.final, bought)
    else:
        wanted = bought - acc.final + final_share * acc.income[:, None]
    none = (bought <= 0) & (wanted > 0)
    if none.any():
        raise DataError(
            f"{np.count_nonzero(none)} countries use or spend on a product that they do not buy "
            f"(country product: {named(none, keys)}). {_CURE}"
        )
    if not (wanted >= 0).all():
        raise DataError(
            f"income leaves nothing to spend (country product: {named(~(wanted >= 0), keys)}): "
            "check the deficits"
        )
    row = np.where(bought > 0, wanted / np.where(bought > 0, bought, 1.0), 1.0)
    return row, float(np.abs(row - 1.0).max())


def _most(array: np.ndarray) -> tuple[int, ...]:
    return tuple(int(k) for k in np.unravel_index(int(np.argmax(np.abs(array))), array.shape))


def _what_changed(
    old: Tables, new: Tables, before: Accounts, after: Accounts, keys: Keys, value_unit: str
) -> list[Report]:
    """Say how much flows, outputs and final demand moved, and where most."""
    countries, products = keys
    low = before.final < 0
    change = new.trade - old.trade
    m, i, j = _most(change)
    rows: list[Report] = [
        (
            "final demands that were negative",
            float(np.count_nonzero(low)),
            "cells",
            named(low, keys) if low.any() else "",
        ),
        ("their sum, now 0", float(before.final[low].sum()), value_unit, ""),
        ("flows moved, sum of all changes", float(np.abs(change).sum()), value_unit, ""),
        (MOVED, float(np.abs(change).sum() / old.trade.sum()), "fraction", ""),
        (
            "largest change of a flow",
            float(change[m, i, j]),
            value_unit,
            f"{countries[i]}->{countries[m]} {products[j]}",
        ),
    ]
    for what, was, now in (
        ("output", before.output, after.output),
        ("final demand", before.final, after.final),
    ):
        n, j = _most(now - was)
        share = float(np.abs(now - was).sum() / np.abs(was).sum())
        rows.append((f"{what} moved, share of all", share, "fraction", ""))
        rows.append(
            (
                f"largest change of {what}",
                float(now[n, j] - was[n, j]),
                value_unit,
                f"{countries[n]} {products[j]}",
            )
        )
    gap = after.deficit - before.deficit
    n = int(np.argmax(np.abs(gap)))
    rows.append(("largest change of a deficit", float(gap[n]), value_unit, countries[n]))
    return rows
