"""New worlds from old: merging countries or sectors, moving the baseline to a result.

These are the bodies of World's methods; see the docstrings there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tradewar.errors import DataError, first_five
from tradewar.reshape import merge_codes
from tradewar.world_balance import Tables

if TYPE_CHECKING:
    from tradewar.world import World

__all__ = ["aggregate", "rebase"]


def aggregate(world: World, *, countries: Any, products: Any) -> World:
    """Merge countries or products; see `World.aggregate`."""
    notes: list[str] = []
    country_of, names = merge_codes(countries, list(world.countries), "countries", notes)
    product_of, goods = merge_codes(products, list(world.products), "products", notes)
    to_country = _membership(country_of, len(names))
    to_product = _membership(product_of, len(goods))

    def merge(array: np.ndarray, axes: str) -> np.ndarray:
        """Add up along countries (c) and products (p)."""
        for axis, kind in enumerate(axes):
            member = to_country if kind == "c" else to_product
            array = np.moveaxis(np.tensordot(member, array, axes=(1, axis)), 0, axis)
        return np.ascontiguousarray(array)

    old = world._tables
    trade = merge(old.trade, "ccp")
    tariff = _ratio(merge(old.trade * old.tariff, "ccp"), trade, 0.0)
    tax = None
    if old.export_tax is not None:
        net = merge(old.trade / (1.0 + old.export_tax), "ccp")
        tax = _ratio(trade, net, 1.0) - 1.0
    cost = (1.0 - old.rents) * world._output
    merged_cost = merge(cost, "cp")
    value_added = _ratio(merge(old.value_added * cost, "cp"), merged_cost, 1.0)
    use = merge(old.input_use * cost[:, None, :], "cpp")
    input_use = _ratio(use, merged_cost[:, None, :], 0.0)
    home = np.arange(len(world.countries))
    foreign = old.trade.copy()
    foreign[home, home] = 0.0
    made = world._output.sum(axis=0)
    abroad = foreign.sum(axis=(0, 1))
    parameters = {}
    for name, weight, what in (
        ("theta", np.where(to_product.T @ (to_product @ abroad) > 0, abroad, made), "trade"),
        ("rents", made, "output"),
        ("scale", made, "output"),
    ):
        given = getattr(old, name)
        parameters[name] = _mean(given, weight, to_product, product_of)
        differ = [goods[g] for g in range(len(goods)) if np.ptp(given[product_of == g]) > 0]
        if differ:
            notes.append(
                f"{name}: mean weighted by {what} for {len(differ)} merged products "
                f"({first_five(differ)})"
            )
    _note_intra(world, country_of, names, notes)
    tables = Tables(trade, tariff, tax, **parameters, value_added=value_added, input_use=input_use)
    meta = replace(world._data._meta, notes=(*world.notes, *notes))
    return type(world)._from_parts(tables, names, goods, meta, report=world._report)


def _membership(codes: np.ndarray, n: int) -> np.ndarray:
    """0-1 matrix [new label, old label]."""
    return (np.arange(n)[:, None] == codes).astype(np.float64)


def _ratio(top: np.ndarray, bottom: np.ndarray, empty: float) -> np.ndarray:
    bottom = np.broadcast_to(bottom, top.shape)
    return np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1.0), empty)


def _mean(
    given: np.ndarray, weight: np.ndarray, member: np.ndarray, code: np.ndarray
) -> np.ndarray:
    """Weighted mean by new product; exact where all members agree."""
    mean = (member @ (weight * given)) / (member @ weight)
    low = np.array([given[code == g].min() for g in range(len(member))])
    high = np.array([given[code == g].max() for g in range(len(member))])
    return np.where(low == high, low, mean)


def _note_intra(world: World, country_of: np.ndarray, names: list[str], notes: list[str]) -> None:
    """Note trade between merged countries, which becomes home sales."""
    pair = world._trade.sum(axis=2)
    inside = (country_of[:, None] == country_of) & ~np.eye(len(country_of), dtype=bool)
    total = float(pair[inside].sum())
    if total > 0:
        duty = float((world._trade * world._tariff).sum(axis=2)[inside].sum())
        merged = [n for k, n in enumerate(names) if np.count_nonzero(country_of == k) > 1]
        notes.append(
            f"trade between members of {first_five(merged)} became home sales: {total:,.6g} "
            f"{world.value_unit}, with duty of {duty:,.6g} kept as a tariff on home sales"
        )


def rebase(world: World, result: Any) -> World:
    """Make an outcome the baseline; see `World.rebase`."""
    base = getattr(result, "world", None)
    if base is None or not _same(world, base, getattr(result, "closure", None)):
        raise DataError("rebase: the result was solved from another world than this")
    if not result.converged:
        raise DataError("rebase: the result has no solution")
    if np.any(result.state.multiplier != 0.0):
        raise DataError(
            "rebase: quantity controls bind in the result, and a world's flows do not carry their "
            "premium: solve the other changes together with the controls"
        )
    data = base._data
    at = (data._importer, data._exporter, data._product)

    def spread(numbers: np.ndarray) -> np.ndarray:
        array = np.zeros(base._trade.shape)
        array[at] = numbers
        return array

    trade = spread(result._flows().value_new)
    bad = ~np.isfinite(trade)
    if bad.any():
        raise DataError(f"rebase: {np.count_nonzero(bad)} flows have no value in the result")
    tax = spread(result._export_tax_new)
    value_added, input_use = shares_after(
        base._tables, result.closure, result.state.ln_w, result.state.ln_P
    )
    live = trade > 0
    tables = base._tables._replace(
        trade=trade,
        tariff=np.where(live, spread(result.wedges.tariff), 0.0),
        export_tax=np.where(live, tax, 0.0) if tax.any() else None,
        value_added=value_added,
        input_use=input_use,
    )
    name = getattr(getattr(result, "scenario", None), "name", "")
    note = f"baseline: outcome of scenario {name!r}" if name else "baseline: outcome of a run"
    meta = replace(
        base._data._meta,
        notes=(*world.notes, note),
        tariff_date=f"after {name}" if name else world.tariff_date,
    )
    return type(world)._from_parts(
        tables, world.countries, world.products, meta, report=world._report
    )


def _same(world: World, base: World, closure: Any) -> bool:
    """Tell whether a result's baseline is this world, or this world purged of deficits."""
    if base is world:
        return True
    if (base.countries, base.products) != (world.countries, world.products):
        return False
    mine, theirs = world._tables, base._tables
    for name in ("theta", "rents", "scale"):
        if not np.array_equal(getattr(mine, name), getattr(theirs, name)):
            return False
    if getattr(closure, "deficits", "") == "purged":
        return bool(np.array_equal(base._trade > 0, world._trade > 0))
    return all(
        a is b or (a is not None and b is not None and np.array_equal(a, b))
        for a, b in zip(mine, theirs, strict=True)
    )


NEAR_ZERO = 0.1  # powers this small lose digits of exp and log


def ln_mean(weight: np.ndarray, ln_price: np.ndarray, power: float, axis: int) -> np.ndarray:
    """Log of a power mean of prices, ``ln(sum weight e^(power ln_price)) / power``.

    The weights sum to 1, or to 0 where the result is 0; a power of 0 is the geometric mean.
    """
    if power == 0.0:
        return np.asarray((weight * ln_price).sum(axis=axis))
    if abs(power) < NEAR_ZERO:
        return np.asarray(np.log1p((weight * np.expm1(power * ln_price)).sum(axis=axis)) / power)
    total = (weight * np.exp(power * ln_price)).sum(axis=axis)
    some = weight.any(axis=axis)
    return np.where(some, np.log(np.where(some, total, 1.0)), 0.0) / power


def shares_after(
    tables: Tables, closure: Any, ln_w: np.ndarray, ln_P: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Cost shares after: gamma' = gamma (w/c)^(1-eta), g' = g (M/c)^(1-eta) (P_k/M)^(1-nu).

    Parameters
    ----------
    tables : Tables
    closure : Closure
        Its va_substitution is eta, its input_substitution nu.
    ln_w : float64 array, shape (country,)
    ln_P : float64 array, shape (country, product)
    """
    eta, nu = closure.va_substitution, closure.input_substitution
    gamma, g = tables.value_added, tables.input_use
    if eta == 1.0 and nu == 1.0:
        return gamma, g
    material = g.sum(axis=1)
    share = _ratio(g, material[:, None, :], 0.0)
    price = ln_P[:, :, None]
    ln_m = ln_mean(share, price, 1.0 - nu, axis=1)
    wage = ln_w[:, None]
    ln_c = ln_mean(
        np.stack([gamma, material]), np.stack(np.broadcast_arrays(wage, ln_m)), 1.0 - eta, axis=0
    )
    new_gamma = gamma * np.exp((1.0 - eta) * (wage - ln_c))
    new_g = g * np.exp((1.0 - eta) * (ln_m - ln_c))[:, None, :]
    new_g = new_g * np.exp((1.0 - nu) * (price - ln_m[:, None, :]))
    total = new_gamma + new_g.sum(axis=1)
    return new_gamma / total, new_g / total[:, None, :]
