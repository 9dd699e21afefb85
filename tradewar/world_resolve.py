"""Balance a world by an equilibrium (Caliendo and Parro 2015, section 4): balance="resolve".

Trade shares, cost shares and value added come from the flows and tables; supplied final shares and
deficits replace what the flows imply.  With them the start is no equilibrium.  The equations in
changes do not ask it to be: they take shares, V and D', and hold world value added.  Solved at
unchanged tariffs and costs, their flows Z' = pi' X'/(1+t) are the baseline.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tradewar.errors import ConvergenceError, DataError
from tradewar.world_balance import Accounts, Supplied, Tables, accounts
from tradewar.world_checks import refuse_dead
from tradewar.world_ras import MOVED, Report, center
from tradewar.world_reading import named

__all__ = ["resolve"]

TOLERANCE = 1e-12  # of the solver: every market's residual relative to its value
COUNTRY, CELL = (4, 6), (1, 2, 3, 7)  # kinds of market that the core names by place
MAX_ITER = 2000
Keys = tuple[Sequence[str], Sequence[str]]


class Unbalanced:
    """What the solver reads of a world: tables with supplied final shares and deficits."""

    def __init__(
        self, tables: Tables, final_share: np.ndarray, deficit: np.ndarray, keys: Keys
    ) -> None:
        self._countries, self._products = keys
        for name, array in tables._asdict().items():
            setattr(self, "_" + name, array)
        self._final_share = np.ascontiguousarray(final_share)
        self._deficit = np.ascontiguousarray(deficit)


def resolve(
    tables: Tables,
    countries: Sequence[str],
    products: Sequence[str],
    value_unit: str,
    supplied: Supplied,
) -> tuple[Tables, list[Report]]:
    """Solve for the baseline; give the tables and what changed.

    Raises
    ------
    DataError
        A country spends on a product that it does not buy, or a final share is negative.
    ConvergenceError
        There is no equilibrium at the supplied deficits, or the solver does not find it.
    """
    keys = (countries, products)
    acc = accounts(tables)
    refuse_dead(acc, countries)
    share, deficit = acc.final_share, acc.deficit
    if supplied.final_share is not None:
        share = supplied.final_share
    if supplied.deficit is not None:
        deficit = center(supplied.deficit, acc.labour_income)
    if (share < 0).any():
        raise DataError(
            f"final demand is negative in {np.count_nonzero(share < 0)} cells (country product: "
            f'{named(share < 0, keys)}): give final_share=, or say balance="ras"'
        )
    none = (share > 0) & (acc.expenditure <= 0)
    if none.any():
        raise DataError(
            f"final_share is above 0 in {np.count_nonzero(none)} cells where nothing is bought "
            f"(country product: {named(none, keys)}): shares of sellers are undefined there"
        )
    trade, wage, iterations = _solve(tables, share, deficit, keys)
    solved = tables._replace(trade=trade)
    return solved, _what_changed(acc, accounts(solved), tables, trade, wage, keys, value_unit) + [
        ("iterations of the equilibrium", float(iterations), "count", "")
    ]


def _solve(
    tables: Tables, share: np.ndarray, deficit: np.ndarray, keys: Keys
) -> tuple[np.ndarray, np.ndarray, int]:
    """Solve in changes at unchanged tariffs; give Z', w and the iterations."""
    from tradewar import ge_problem  # stands above in the order of imports

    start = Unbalanced(tables, share, deficit, keys)
    closure = ge_problem.Closure()
    batch = [ge_problem.NO_CHANGES]
    [state] = ge_problem.solve(start, closure, batch, tol=TOLERANCE, max_iter=MAX_ITER, threads=1)
    if state.status != 0:
        place = _place(state.what, state.where, keys)
        raise ConvergenceError(
            "no equilibrium",
            state.iterations,
            state.residual,
            state.where,
            state,
            (place,),
            f'balance="resolve": no equilibrium was found at the observed tariffs, worst at '
            f"{place or 'no single place'} (residual {state.residual:.3g} after "
            f"{state.iterations} iterations); a deficit may exceed what income can carry",
        )
    [levels] = ge_problem.evaluate(start, closure, batch, [state])
    ln_cost = np.log(levels.cost)  # [i, j]
    ln_ratio = state.ln_X[:, None, :] - tables.theta * (ln_cost[None] - state.ln_P[:, None, :])
    trade = tables.trade * np.exp(ln_ratio)
    return np.where(tables.trade > 0, trade, 0.0), np.exp(state.ln_w), state.iterations


def _place(what: int, where: int, keys: Keys) -> str:
    """Name the worst market."""
    countries, products = keys
    if where < 0:
        return ""
    if what in COUNTRY:
        return countries[where]
    if what in CELL:
        return f"{countries[where // len(products)]} {products[where % len(products)]}"
    return ""


def _what_changed(
    before: Accounts,
    after: Accounts,
    tables: Tables,
    trade: np.ndarray,
    wage: np.ndarray,
    keys: Keys,
    value_unit: str,
) -> list[Report]:
    """Say how much wages, flows, final demand and deficits moved, and where most."""
    countries, products = keys
    low = before.final < 0
    moved = trade - tables.trade
    m, i, j = (int(k) for k in np.unravel_index(int(np.argmax(np.abs(moved))), moved.shape))
    gap = after.final - before.final
    n, k = (int(x) for x in np.unravel_index(int(np.argmax(np.abs(gap))), gap.shape))
    jump = after.deficit - before.deficit
    d, w = int(np.argmax(np.abs(jump))), int(np.argmax(np.abs(np.log(wage))))
    share = float(np.abs(moved).sum() / tables.trade.sum())
    return [
        (
            "final demands that the flows make negative",
            float(np.count_nonzero(low)),
            "cells",
            named(low, keys) if low.any() else "",
        ),
        ("their sum", float(before.final[low].sum()), value_unit, ""),
        (MOVED, share, "fraction", ""),
        (
            "largest change of a flow",
            float(moved[m, i, j]),
            value_unit,
            f"{countries[i]}->{countries[m]} {products[j]}",
        ),
        (
            "largest change of a final demand",
            float(gap[n, k]),
            value_unit,
            f"{countries[n]} {products[k]}",
        ),
        ("largest change of a deficit", float(jump[d]), value_unit, countries[d]),
        ("wage that moved most, new / old", float(wage[w]), "ratio", countries[w]),
    ]
