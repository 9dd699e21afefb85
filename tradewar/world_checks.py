"""The named checks on a world, and the refusal of one that does not balance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tradewar.errors import DataError
from tradewar.world_balance import ROUNDING, Accounts, Supplied, Tables, accounts, used
from tradewar.world_reading import named

__all__ = ["Check", "checks", "compare", "refuse", "refuse_dead"]

SUPPLIED = 1e-5  # relative: what is supplied may differ by this from what the flows imply
EXACT = 1e-10  # identities of a finished world, relative
_OUT = 'balance="ras" moves flows and final demand, balance="resolve" lets an equilibrium settle it'


class Check(NamedTuple):
    """One row of World.check(): all values are pure numbers."""

    check: str
    value: float
    tolerance: float
    ok: bool
    where: str


def refuse(
    tables: Tables,
    countries: Sequence[str],
    products: Sequence[str],
    value_unit: str,
    supplied: Supplied,
) -> None:
    """Refuse a world that does not balance; says how large the defect is, where, and the way out.

    Raises
    ------
    DataError
        A final demand is negative; a country has no income; supplied costs, final shares or
        deficits contradict the flows.
    """
    acc = accounts(tables)
    refuse_dead(acc, countries)
    refuse_negative(acc, countries, products, value_unit)
    for row in compare(tables, countries, products, supplied):
        if not row.ok:
            raise DataError(
                f"{row.check}: {row.value:.3g} (tolerance {row.tolerance:g}), worst at "
                f"{row.where}. Leave the table out to take what the flows imply; {_OUT}."
            )


def refuse_negative(
    acc: Accounts, countries: Sequence[str], products: Sequence[str], value_unit: str
) -> None:
    """Refuse final demands below zero, beyond rounding."""
    low = acc.final < -ROUNDING * acc.expenditure
    if low.any():
        order = np.argsort(np.where(low, acc.final, 0.0), axis=None)[:5]
        lines = []
        for flat in order[: np.count_nonzero(low)]:
            n, j = _at(int(flat), low)
            share = _ratio(acc.final[n, j], acc.expenditure[n, j])
            lines.append(
                f"  {countries[n]} {products[j]}: {acc.final[n, j]:.6g} {value_unit} ({share} of "
                "purchases)"
            )
        raise DataError(
            f"final demand is negative in {np.count_nonzero(low)} of {low.size} cells (purchases "
            f"less input use): {acc.final[low].sum():.6g} {value_unit} in all\n"
            + "\n".join(lines)
            + f"\n{_OUT}."
        )


def refuse_dead(acc: Accounts, countries: Sequence[str]) -> None:
    """Refuse countries without value added or without spending."""
    for value, what in (
        (acc.labour_income, "value added"),
        (acc.income, "final spending (purchases less input use)"),
    ):
        bad = np.flatnonzero(~(value > 0))
        if bad.size:
            shown = ", ".join(f"{countries[n]}: {value[n]:.6g}" for n in bad[:5])
            raise DataError(f"{bad.size} countries have no {what} ({shown}): leave them out")


def _at(flat: int, array: np.ndarray) -> tuple[int, ...]:
    """Turn a flat place into one place per axis."""
    return tuple(int(k) for k in np.unravel_index(flat, array.shape))


def _ratio(part: float, whole: float) -> str:
    return f"{100.0 * part / whole:.3g} %" if whole > 0 else "no part"


def compare(
    tables: Tables, countries: Sequence[str], products: Sequence[str], supplied: Supplied
) -> list[Check]:
    """Compare what was supplied with what the flows imply."""
    acc = accounts(tables)
    rows = []
    if supplied.cost is not None:
        made = (1.0 - tables.rents) * acc.output
        floor = ROUNDING * made.sum(axis=1, keepdims=True)
        gap = np.abs(supplied.cost - made) / np.maximum(made, floor)
        gap[(made == 0)] = 0.0  # reported when read
        rows.append(
            _largest(
                "costs in the tables against output",
                gap,
                SUPPLIED,
                countries,
                products,
                (supplied.cost, made),
            )
        )
    if supplied.final_share is not None:
        gap = np.abs(supplied.final_share - acc.final_share)
        rows.append(
            _largest(
                "supplied final shares against the flows",
                gap,
                SUPPLIED,
                countries,
                products,
                (supplied.final_share, acc.final_share),
            )
        )
    if supplied.deficit is not None:
        gap = np.abs(supplied.deficit - acc.deficit) / acc.income
        n = int(np.argmax(gap))
        where = f"{countries[n]} ({supplied.deficit[n]:.6g} against {acc.deficit[n]:.6g})"
        rows.append(
            Check(
                "supplied deficits against the flows, share of income",
                float(gap[n]),
                SUPPLIED,
                bool(gap[n] <= SUPPLIED),
                where,
            )
        )
    return rows


def _largest(
    name: str,
    gap: np.ndarray,
    tolerance: float,
    countries: Sequence[str],
    products: Sequence[str],
    pair: tuple[np.ndarray, np.ndarray] | None = None,
) -> Check:
    """Make the check that the largest gap is within the tolerance."""
    n, j = _at(int(np.argmax(gap)), gap)
    where = f"{countries[n]} {products[j]}"
    if pair is not None:
        where += f" ({pair[0][n, j]:.6g} against {pair[1][n, j]:.6g})"
    return Check(name, float(gap[n, j]), tolerance, bool(gap[n, j] <= tolerance), where)


def checks(
    tables: Tables,
    final_share: np.ndarray,
    deficit: np.ndarray,
    countries: Sequence[str],
    products: Sequence[str],
) -> list[Check]:
    """Check every identity and sign of a finished world, worst place first named."""
    acc = accounts(tables)
    keys = (countries, products)
    total = tables.value_added + tables.input_use.sum(axis=1)
    income = acc.labour_income + acc.rents + acc.tariff_revenue + acc.export_revenue + deficit
    wanted = used(tables, acc.output) + final_share * income[:, None]
    scale = np.where(acc.expenditure > 0, acc.expenditure, acc.income[:, None])
    rows = [
        _largest(
            "purchases equal input use and final demand",
            np.abs(wanted - acc.expenditure) / scale,
            EXACT,
            *keys,
        ),
        _largest("value added and inputs sum to cost", np.abs(total - 1.0), EXACT, *keys),
        _by_country("final shares sum to one", np.abs(final_share.sum(axis=1) - 1.0), countries),
        _by_country(
            "income is earned, collected or borrowed",
            np.abs(income - acc.income) / acc.income,
            countries,
        ),
    ]
    world = abs(float(deficit.sum())) / float(acc.income.sum())
    n = int(np.argmax(np.abs(deficit)))
    rows.append(
        Check(
            "deficits sum to zero, share of world income",
            world,
            EXACT,
            world <= EXACT,
            f"largest deficit {countries[n]}: {deficit[n]:.6g}",
        )
    )
    rows.append(_sign("least final share", final_share, keys))
    rows.append(_sign("least value-added share", tables.value_added, keys))
    rows.append(_sign("least input share", tables.input_use, (*keys, products)))
    rows.append(_below_one("scale times theta", tables.scale * tables.theta, products))
    rows.append(_home(acc, tables, keys))
    rows.append(_home_tariff(tables, keys))
    rows.append(_orientation(tables, countries, products))
    return rows


def _by_country(name: str, gap: np.ndarray, countries: Sequence[str]) -> Check:
    n = int(np.argmax(gap))
    return Check(name, float(gap[n]), EXACT, bool(gap[n] <= EXACT), countries[n])


def _sign(name: str, array: np.ndarray, labels: Sequence[Sequence[str]]) -> Check:
    """Check that nothing is negative, and name what is."""
    low = array < 0
    least = float(array.min())
    if low.any():
        where = named(low, labels)
    else:
        spot = _at(int(np.argmin(array)), array)
        where = " ".join(names[k] for names, k in zip(labels, spot, strict=True))
    return Check(name, least, 0.0, not low.any(), where)


def _below_one(name: str, value: np.ndarray, products: Sequence[str]) -> Check:
    j = int(np.argmax(value))
    return Check(name, float(value[j]), 1.0, bool(value[j] < 1.0), products[j])


def _home(acc: Accounts, tables: Tables, labels: Sequence[Sequence[str]]) -> Check:
    """Count producers that sell nothing at home."""
    n = np.arange(len(labels[0]))
    none = (acc.output > 0) & (tables.trade[n, n] == 0)
    share = float(np.count_nonzero(none)) / float(np.count_nonzero(acc.output > 0))
    where = named(none, labels) if none.any() else "every producer sells at home"
    return Check("share of producers without home sales", share, 0.5, share <= 0.5, where)


def _home_tariff(tables: Tables, labels: Sequence[Sequence[str]]) -> Check:
    """Report the largest tariff on home sales; an aggregate of countries may have one."""
    n = np.arange(len(labels[0]))
    rate = np.abs(tables.tariff[n, n])
    return _largest("tariff on home sales", rate, 0.0, labels[0], labels[1])


def _orientation(tables: Tables, countries: Sequence[str], products: Sequence[str]) -> Check:
    """Name a flow that the user may know: a transposed world balances just as well."""
    foreign = tables.trade.copy()
    n = np.arange(len(countries))
    foreign[n, n] = 0.0
    pair = foreign.sum(axis=2)
    if {"CHN", "USA"} <= set(countries):
        china, usa = countries.index("CHN"), countries.index("USA")
        out, back = float(pair[usa, china]), float(pair[china, usa])
        ratio = out / back if back > 0 else np.inf
        where = f"CHN->USA {out:.6g}, USA->CHN {back:.6g}: China sells more in every recent year"
        return Check("orientation by a known flow", ratio, 1.0, ratio >= 1.0, where)
    m, i, j = _at(int(np.argmax(foreign)), foreign)
    back = foreign[i, m, j]
    ratio = float(foreign[m, i, j] / back) if back > 0 else np.inf
    where = (
        f"check by what you know: {countries[i]}->{countries[m]} {products[j]} is "
        f"{foreign[m, i, j]:.6g}, {countries[m]}->{countries[i]} {back:.6g}"
    )
    return Check("orientation by the largest flow", ratio, 1.0, True, where)
