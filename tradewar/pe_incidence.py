"""Who pays: incidence of the tariff changes of a product-level result.

Functions of a result; `PEResult` documents and calls them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tradewar.errors import DataError
from tradewar.pe_tables import FloatArray, IntArray, first_order, incidence_money, sums
from tradewar.selectors import check_selector, country_mask

if TYPE_CHECKING:
    from tradewar.pe_result import PEResult

__all__ = ["basket_price_change", "finite_supply_shares", "incidence"]


def incidence(res: PEResult, by: str) -> pd.DataFrame:
    """Add up who pays by group; see `PEResult.incidence`."""
    data = res.data
    if by not in ("total", "product", "importer", "exporter"):
        raise DataError(f'by={by!r}: one of "total", "product", "importer", "exporter"')
    changed = res._tariff_changed()
    rows = np.flatnonzero(changed)
    slot = data._imp_slot
    hit = np.zeros(len(data._layout.imp_code), dtype=bool)
    hit[slot[rows]] = True
    beside = np.flatnonzero(hit[slot] & ~changed)
    if by == "total":
        labels = pd.Index(["total"])
        mine, theirs = np.zeros(len(rows), np.intp), np.zeros(len(beside), np.intp)
    else:
        labels = data.products if by == "product" else data.countries
        codes = getattr(data, "_" + by)
        mine, theirs = codes[rows], codes[beside]
    n = len(labels)

    border = res._border
    buyer = res._buyer[rows]
    columns = _money(res, rows, border[rows])
    rise = (border[beside] - 1.0) * res.q[beside] * data._value[beside]
    seen = np.bincount(mine, minlength=n) > 0
    near = np.bincount(theirs, minlength=n) > 0
    table = {name: np.where(seen, sums(mine, n, col), np.nan) for name, col in columns.items()}
    table["bystander_prices"] = np.where(near, sums(theirs, n, rise), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = ("buyers", "exporters", "trade_cost", "licence_rent")
        extra_duty = sum(table[name] for name in parts)  # (b1 t1 - b0 t0) q1
        table["importer_share"] = table["buyers"] / extra_duty
        live = (res.q[rows] > 0) & (buyer > 0)
        value = np.where(live, data._value[rows], 0.0)
        ln_buyer = value * np.log(np.where(live, buyer, 1.0))
        ln_tariff = value * _ln_tariff(res, rows)
        table["log_pass_through"] = sums(mine, n, ln_buyer) / sums(mine, n, ln_tariff)
    if by == "total":
        return res._finish(pd.DataFrame(table, index=labels))
    return res._finish(pd.DataFrame({by: labels, **table}))


def _ln_tariff(res: PEResult, rows: IntArray) -> FloatArray:
    change: FloatArray = np.log1p(res._tariff_new[rows]) - np.log1p(res.data._tariff[rows])
    return change


def _money(res: PEResult, rows: IntArray, border: FloatArray) -> dict[str, FloatArray]:
    """Money columns of the flows given; with the exporting state's part under export taxes."""
    data = res.data
    cost = 1.0 if res.wedges.cost is None else res.wedges.cost[rows]
    value, quantity = data._value[rows], res.q[rows]
    columns = incidence_money(
        value,
        quantity,
        border,
        data._tariff[rows],
        res._tariff_new[rows],
        cost,
        res._import_premium(rows),
    )
    if res._export_tax_new is None:
        return columns
    after = res._export_tax_new[rows]
    before = np.zeros(len(rows)) if data._export_tax is None else data._export_tax[rows]
    if not (before.any() or after.any()):
        return columns
    # p0 = 1 / A0 and p1 = b1 / A1, so the state's loss a unit is a0 p0 - a1 p1
    taxed = res._border_without_premium[rows]
    lost = before / (1.0 + before) - taxed * after / (1.0 + after)
    ordered = {"buyers": columns.pop("buyers"), "exporters": columns.pop("exporters")}
    return {**ordered, "exporting_state": lost * value * quantity, **columns}


def basket_price_change(res: PEResult, importer: object) -> pd.Series:
    """Average the price rise over the products touched; see `PEResult.basket_price_change`."""
    data, layout = res.data, res.data._layout
    n, n_country = len(layout.imp_code), len(data.countries)
    slot = data._imp_slot
    hit = np.zeros(n, dtype=bool)
    hit[slot[res._touched() & res._solved_flows()]] = True
    spending = sums(slot, n, data._value * (1.0 + data._tariff)) * hit
    rise = np.where(hit, spending * (res._price_index - 1.0), 0.0)
    total = sums(layout.imp_code, n_country, spending)
    wanted = total > 0
    if importer is not None:
        chosen = check_selector(importer, "importer", DataError)
        wanted = country_mask(chosen, list(data.countries), "importer", DataError)
    with np.errstate(invalid="ignore"):
        change = sums(layout.imp_code, n_country, rise)[wanted] / total[wanted]
    index = pd.Index(data.countries[wanted], name="importer")
    series = pd.Series(change, index=index, name="price_change")
    series.attrs["unit"] = "fraction"
    return series


def finite_supply_shares(res: PEResult, supply: float) -> tuple[float, float] | None:
    """Give importer share and log pass-through to first order, were supply finite.

    For data with one destination for each product, one level of demand and no ban; None
    elsewhere.  The closed form of `first_order` gives prices, exact demand the quantities.

    Parameters
    ----------
    supply : float
        Residual supply elasticity of every origin, finite.
    """
    data = res.data
    if (
        not data.report.one_destination
        or res.home_substitution is not None
        or res.wedges.weight is not None
        or res.settled is not None
        or res._failed.size
        or not res._in_logs
    ):
        return None
    slot = data._imp_slot
    n = len(data._layout.imp_code)
    sig, eps = res.substitution.values, res.demand.values
    spending = data._value * (1.0 + data._tariff)
    share = spending / sums(slot, n, spending)[slot]
    wedge, tax_ratio = res._wedge, res._tax_ratio
    ln_wedge = np.log(wedge if tax_ratio is None else wedge * tax_ratio)
    given = np.full(len(spending), supply)
    ln_buyer = first_order(share, slot, ln_wedge, sig, eps, given).ln_buyer
    ln_index = _ces(share, slot, ln_buyer, sig)
    quantity = np.exp(-sig[slot] * (ln_buyer - ln_index[slot]) - (eps * ln_index)[slot])
    rows = np.flatnonzero(res._tariff_changed())
    border = np.exp(ln_buyer[rows]) / wedge[rows]
    money = incidence_money(
        data._value[rows],
        quantity[rows],
        border,
        data._tariff[rows],
        res._tariff_new[rows],
        1.0 if res.wedges.cost is None else res.wedges.cost[rows],
    )
    extra = (money["revenue_change"] - money["lost_old_revenue"]).sum()
    value = data._value[rows]
    ln_tariff = (value * _ln_tariff(res, rows)).sum()
    if not extra or not ln_tariff:
        return None
    pass_through = (value * ln_buyer[rows]).sum() / ln_tariff
    return float(money["buyers"].sum() / extra), float(pass_through)


def _ces(
    share: FloatArray, slot: IntArray, ln_price: FloatArray, substitution: FloatArray
) -> FloatArray:
    """Give ln of the CES price index of each destination; geometric mean at sig = 1."""
    n = len(substitution)
    gap = 1.0 - substitution
    unit = gap == 0.0
    inner = sums(slot, n, share * np.expm1(gap[slot] * ln_price))
    mean = sums(slot, n, share * ln_price)
    return np.where(unit, mean, np.log1p(inner) / np.where(unit, 1.0, gap))
