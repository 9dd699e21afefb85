"""Where trade goes: the tables of creation, diversion, deflection and bystanders.

Functions of a product-level result; `PEResult` documents and calls them.  Every table closes: its
special rows ("lost demand", "supply cut", "curvature") are addends, so that each money column sums
to zero over all rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar.errors import DataError, NotIdentified, ScenarioError
from tradewar.pe_tables import FloatArray, IntArray, smart_creation, split_by_volume, sums
from tradewar.selectors import check_selector, country_mask, product_mask

if TYPE_CHECKING:
    from tradewar.data import TradeData
    from tradewar.pe_result import PEResult

TARGET, OTHER, HOME = 0, 1, 2
ROLES = ("target", "other", "home")

_SEVERAL = (
    "Use data with several destinations, such as tradewar.datasets.world_trade_2022(), and a "
    "finite supply="
)


class Trade(Protocol):
    """What a result says about its flows: enough for every table here but `hicks`."""

    @property
    def data(self) -> TradeData:
        """Flows of the baseline."""

    @property
    def method(self) -> str:
        """ "smart" for the formula that knows no other destinations."""

    @property
    def q(self) -> FloatArray:
        """Quantity ratio by flow."""

    @property
    def _value_new(self) -> FloatArray:
        """Value after, by flow."""

    @property
    def _tariff_new(self) -> FloatArray:
        """Tariff after, by flow."""

    @property
    def _price_given(self) -> NDArray[np.bool_]:
        """Exporter slots whose price cannot move."""

    def _touched(self) -> NDArray[np.bool_]:
        """Mark flows that the scenario changes."""

    def _solved_flows(self) -> NDArray[np.bool_]:
        """Mark flows that have a solution."""

    def _tax_factor(self, rows: Any = ...) -> FloatArray | float:
        """1 + export tax at the baseline."""

    def _finish(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Set the attributes of a frame."""


class Selection(NamedTuple):
    """What a table is about: masks over countries, and the flows of the chosen products."""

    imposers: NDArray[np.bool_]
    targets: NDArray[np.bool_]
    flows: NDArray[np.bool_]


def select(res: Trade, importer: object, exporter: object, product: object) -> Selection:
    """Resolve selectors; None stands for the countries whose flows the scenario changed.

    Raises
    ------
    DataError
        A selector matches nothing, or no flow runs between the countries named.
    ScenarioError
        A selector was left out and the scenario changes no flow.
    """
    data = res.data
    flows = res._solved_flows()
    if product is not None:
        chosen = check_selector(product, "product", DataError)
        flows = (
            flows & product_mask(chosen, list(data.products), "product", DataError)[data._product]
        )
    abroad = data._importer != data._exporter
    masks: dict[str, NDArray[np.bool_]] = {}
    for what, wanted in (("importer", importer), ("exporter", exporter)):
        if wanted is not None:
            chosen = check_selector(wanted, what, DataError)
            masks[what] = country_mask(chosen, list(data.countries), what, DataError)
    hit = res._touched() & abroad if len(masks) < 2 else abroad
    if "importer" in masks:
        hit &= masks["importer"][data._importer]
    if "exporter" in masks:
        hit &= masks["exporter"][data._exporter]
    for what, codes in (("importer", data._importer), ("exporter", data._exporter)):
        if what not in masks:
            if not hit.any():
                raise ScenarioError(f"the scenario changes no such flow: name {what}=")
            masks[what] = np.bincount(codes[hit], minlength=len(data.countries)) > 0
    if not (hit & flows).any():
        raise DataError(f"no flow from exporter={exporter!r} to importer={importer!r} was solved")
    return Selection(masks["importer"], masks["exporter"], flows)


# ---- Diversion ---------------------------------------------------------------------------


class _Arrivals(NamedTuple):
    """Flows into the imposers: rows of the data, their destination, and columns of money."""

    rows: NDArray[np.intp]
    role: NDArray[np.int8]
    slot: IntArray
    columns: dict[str, FloatArray]
    home: bool


def _arrivals(res: Trade, sel: Selection) -> _Arrivals:
    data = res.data
    rows = np.flatnonzero(sel.imposers[data._importer] & sel.flows)
    exporter, importer = data._exporter[rows], data._importer[rows]
    slot = data._imp_slot[rows]
    value, quantity = data._value[rows], res.q[rows]
    spending = value * (1.0 + data._tariff[rows])
    role = np.where(sel.targets[exporter], TARGET, OTHER).astype(np.int8)
    at_home = exporter == importer
    role[at_home] = HOME
    buyer, border = split_by_volume(
        spending, quantity, slot, len(data._layout.imp_code), (spending, value)
    )
    columns = {
        "value": value,
        "value_new": res._value_new[rows],
        "volume_change": spending * (quantity - 1.0),
        "diversion": buyer.diversion,
        "creation": buyer.creation,
        "border_volume_change": value * (quantity - 1.0),
        "border_diversion": border.diversion,
        "border_creation": border.creation,
    }
    if res.method == "smart":
        smart: Any = res  # a PEResult
        tariff = 1.0 + data._tariff[rows]
        columns["smart_creation"] = smart_creation(
            value,
            (1.0 + res._tariff_new[rows] - tariff) / tariff,
            smart.demand.values[slot],
            smart.supply.values[data._exp_slot[rows]],
        )
        columns["smart_diversion"] = columns["border_volume_change"] - columns["smart_creation"]
    return _Arrivals(rows, role, slot, columns, bool(at_home.any()))


def price_changes(res: PEResult, sel: Selection) -> pd.DataFrame:
    """Average buyer-price changes by origin; see `PEResult.price_changes`."""
    data = res.data
    arrivals = _arrivals(res, sel)
    touched = np.zeros(len(res.ln_P), dtype=bool)  # destination-products
    touched[data._imp_slot[res._touched() & sel.flows]] = True
    kept = (
        touched[arrivals.slot]
        if touched[arrivals.slot].any()
        else np.ones(len(arrivals.rows), bool)
    )
    rows, slot, role = (x[kept] for x in (arrivals.rows, arrivals.slot, arrivals.role))
    n = len(data.countries)
    spending = data._value[rows] * (1.0 + data._tariff[rows])
    bought = res.q[rows] > 0.0  # nothing of a banned flow is bought at any price
    code = data._exporter[rows] + n * role.astype(np.int64)
    total = sums(code, 3 * n, np.where(bought, spending, 0.0))
    rise = np.where(bought, spending * (res._buyer[rows] - 1.0), 0.0)
    kept = np.flatnonzero(total)
    slots = np.unique(slot)
    whole = sums(slot, len(res.ln_P), spending)[slots]
    frame = pd.DataFrame(
        {
            "exporter": [*data.countries.take(kept % n), "all origins"],
            "role": [*(ROLES[k] for k in kept // n), "composite"],
            "expenditure": [*total[kept], whole.sum()],
            "price_change": [
                *(sums(code, 3 * n, rise)[kept] / total[kept]),
                (whole * (res._price_index[slots] - 1.0)).sum() / whole.sum(),
            ],
        }
    )
    return res._finish(frame)


def diversion_by_exporter(res: Trade, sel: Selection) -> pd.DataFrame:
    """Make one row per origin and the row of lost demand; see `PEResult.diversion`."""
    data = res.data
    arrivals = _arrivals(res, sel)
    n = len(data.countries)
    code = data._exporter[arrivals.rows] + n * arrivals.role.astype(np.int64)
    kept = np.flatnonzero(np.bincount(code, minlength=3 * n))
    table = {name: sums(code, 3 * n, col)[kept] for name, col in arrivals.columns.items()}
    role = kept // n
    change = table["volume_change"]
    order = np.lexsort((np.where(role == TARGET, change, -change), role))
    table = {name: column[order] for name, column in table.items()}
    role, change = role[order], change[order]
    lost = "lost demand" if arrivals.home else "lost import demand"
    frame = pd.DataFrame({"exporter": [*data.countries.take(kept[order] % n), lost]})
    frame["role"] = [*(ROLES[k] for k in role), "lost demand"]
    for name, column in table.items():
        closing = np.nan if name in ("value", "value_new") else 0.0 - column.sum()
        frame[name] = np.append(column, closing)
    loss = -change[role == TARGET].sum()
    share = frame["volume_change"] / (loss if loss else np.nan) + 0.0
    frame.insert(5, "share", share.mask(frame["role"] == "target"))
    frame = res._finish(frame)
    remainder = float(table["border_diversion"].sum())
    frame.attrs |= {"loss": float(loss), "border_diversion_remainder": remainder}
    return frame


def diversion_by_product(res: Trade, sel: Selection) -> pd.DataFrame:
    """Make one row per product bought; see `PEResult.diversion`."""
    data = res.data
    arrivals = _arrivals(res, sel)
    n = len(data.products)
    product = data._product[arrivals.rows]

    def total(name: str, *roles: int) -> FloatArray:
        mine = np.isin(arrivals.role, roles)
        return sums(product[mine], n, arrivals.columns[name][mine])

    everywhere = (TARGET, OTHER, HOME)
    kept = np.flatnonzero(np.bincount(product, minlength=n))
    table = {
        "value": total("value", TARGET),
        "value_new": total("value_new", TARGET),
        "loss": 0.0 - total("volume_change", TARGET),
        "other_origins": total("volume_change", OTHER),
        "home": total("volume_change", HOME) if arrivals.home else np.full(n, np.nan),
        "lost_demand": 0.0 - total("volume_change", *everywhere),
    }
    for name in list(arrivals.columns)[3:]:
        if name != "border_volume_change":
            table[name] = total(name, TARGET)
    table["border_diversion_remainder"] = total("border_diversion", *everywhere)
    frame = pd.DataFrame({"product": data.products.take(kept)})
    for name, column in table.items():
        frame[name] = column[kept]
    frame = res._finish(frame)
    frame.attrs["loss"] = float(table["loss"].sum())
    return frame


def hicks(res: PEResult, sel: Selection) -> pd.DataFrame:
    """Split each origin's change into substitution and expansion; see `PEResult.hicks`."""
    if res.method == "smart":
        raise NotIdentified(
            "SMART has no demand system, so no Hicksian split; its creation and diversion are "
            "columns of .diversion()"
        )
    data = res.data
    arrivals = _arrivals(res, sel)
    rows, slot = arrivals.rows, arrivals.slot
    spending = data._value[rows] * (1.0 + data._tariff[rows])
    quantity, demand = res.q[rows], res.demand.values
    if res.method == "linear":
        n_slot = len(demand)
        share = spending / sums(slot, n_slot, spending)[slot]
        tax_ratio = res._tax_ratio
        chain = res._wedge if tax_ratio is None else res._wedge * tax_ratio
        rise = res._producer_price[data._exp_slot[rows]] - 1.0 + chain[rows] - 1.0
        price = sums(slot, n_slot, share * rise)
        compensated = quantity + (demand * price)[slot]
    else:
        compensated = quantity * np.exp(demand * res.ln_P)[slot]
    n = len(data.countries)
    code = data._exporter[rows] + n * arrivals.role.astype(np.int64)
    kept = np.flatnonzero(np.bincount(code, minlength=3 * n))
    expenditure = sums(code, 3 * n, spending)[kept]
    substitution = sums(code, 3 * n, spending * (compensated - 1.0))[kept]
    expansion = sums(code, 3 * n, spending * (quantity - compensated))[kept]
    change = sums(code, 3 * n, spending * (quantity - 1.0))[kept]
    order = np.lexsort((-change, kept // n))
    curvature = float(substitution.sum())
    lost = "lost demand" if arrivals.home else "lost import demand"
    frame = pd.DataFrame(
        {
            "exporter": [*data.countries.take(kept[order] % n), "curvature", lost],
            "role": [*(ROLES[k] for k in kept[order] // n), "curvature", "lost demand"],
            "expenditure": np.append(expenditure[order], [np.nan, np.nan]),
            "substitution": np.append(substitution[order], [-curvature, 0.0]),
            "expansion": np.append(expansion[order], [curvature, 0.0 - change.sum()]),
            "volume_change": np.append(change[order], [0.0, 0.0 - change.sum()]),
        }
    )
    frame = res._finish(frame)
    frame.attrs["curvature"] = curvature
    return frame


# ---- Deflection --------------------------------------------------------------------------


def deflection(res: Trade, sel: Selection) -> pd.DataFrame:
    """Follow the target's lost exports to other destinations; see `PEResult.deflection`."""
    data = res.data
    layout = data._layout
    exp_slot = data._exp_slot
    abroad = data._importer != data._exporter
    lost = sel.imposers[data._importer] & sel.targets[data._exporter] & abroad & sel.flows
    concerned = np.zeros(len(layout.exp_code), dtype=bool)
    moved = concerned.copy()
    concerned[exp_slot[lost & (data._value > 0)]] = True
    moved[exp_slot[lost & (data._value > 0) & (res.q != 1.0)]] = True
    _need_destinations(res, "deflection", concerned)
    _need_finite_supply(res, "deflection", moved)
    rows = np.flatnonzero(concerned[exp_slot])
    volume = data._value[rows] / res._tax_factor(rows)
    change = volume * (res.q[rows] - 1.0)
    role = np.full(len(rows), OTHER)
    role[lost[rows]] = TARGET
    role[~abroad[rows]] = HOME
    n = len(data.countries)
    code = data._importer[rows] + n * role
    kept = np.flatnonzero(np.bincount(code, minlength=3 * n))
    table = {
        "value": sums(code, 3 * n, data._value[rows])[kept],
        "value_new": sums(code, 3 * n, res._value_new[rows])[kept],
        "volume_change": sums(code, 3 * n, change)[kept],
    }
    role = kept // n
    gain = table["volume_change"]
    order = np.lexsort((np.where(role == TARGET, gain, -gain), role))
    role = role[order]
    loss = -gain[kept // n == TARGET].sum()
    frame = pd.DataFrame({"importer": [*data.countries.take(kept[order] % n), "supply cut"]})
    names = ("imposer", "other", "home")
    frame["role"] = [*(names[k] for k in role), "supply cut"]
    for name, column in table.items():
        closing = 0.0 - column.sum() if name == "volume_change" else np.nan
        frame[name] = np.append(column[order], closing)
    share = frame["volume_change"] / (loss if loss else np.nan) + 0.0
    frame["share"] = share.mask(frame["role"] == "imposer")
    frame = res._finish(frame)
    frame.attrs["loss"] = float(loss)
    frame.attrs["home_sales"] = bool(data.report.home_sales)
    return frame


def bystanders(res: Trade, sel: Selection) -> pd.DataFrame:
    """Follow the exports of third countries; see `PEResult.bystanders`."""
    data = res.data
    concerned = np.zeros(len(data._layout.exp_code), dtype=bool)
    moved = concerned.copy()
    concerned[data._exp_slot[sel.flows]] = True
    moved[data._exp_slot[sel.flows & (data._value > 0) & (res.q != 1.0)]] = True
    _need_destinations(res, "bystanders", concerned)
    _need_finite_supply(res, "bystanders", moved)
    third = ~(sel.imposers | sel.targets)
    rows = np.flatnonzero(third[data._exporter] & sel.flows & (data._importer != data._exporter))
    n = len(data.countries)
    value, importer = data._value[rows], data._importer[rows]
    change = res._value_new[rows] - value
    exporter = data._exporter[rows]
    to_imposer = sel.imposers[importer]
    to_target = sel.targets[importer] & ~to_imposer
    kept = np.flatnonzero(np.bincount(exporter, minlength=n))
    table = {
        "exports": value,
        "to_imposer_change": np.where(to_imposer, change, 0.0),
        "to_target_change": np.where(to_target, change, 0.0),
        "to_rest_change": np.where(to_imposer | to_target, 0.0, change),
        "exports_change": change,
    }
    frame = pd.DataFrame({name: sums(exporter, n, col)[kept] for name, col in table.items()})
    frame.index = pd.Index(data.countries.take(kept), name="country")
    return res._finish(frame.sort_values("exports_change", ascending=False, kind="stable"))


def _need_destinations(res: Trade, what: str, concerned: NDArray[np.bool_]) -> None:
    """Refuse where no product concerned has a second destination."""
    layout = res.data._layout
    market = np.searchsorted(layout.exp_ptr, np.flatnonzero(concerned), side="right") - 1
    if not (np.diff(layout.imp_ptr)[market] > 1).any():
        raise NotIdentified(
            f"{what} is not identified: the products concerned have one destination in the data, "
            f"so sales elsewhere are not in the frame. {_SEVERAL}"
        )
    if res.method == "smart":
        raise NotIdentified(
            f"{what} is not identified by SMART, a formula for a single importer. "
            'Solve with method="exact" and a finite supply='
        )


def _need_finite_supply(res: Trade, what: str, concerned: NDArray[np.bool_]) -> None:
    """Refuse where an exporter slot concerned has supply = inf: its other sales cannot move."""
    layout = res.data._layout
    given = np.flatnonzero(concerned & res._price_given)
    if given.size == 0:
        return
    market = np.searchsorted(layout.exp_ptr, given, side="right") - 1
    names = [
        f"{res.data.countries[layout.exp_code[e]]} {res.data.products[m]}"
        for e, m in zip(given[:5], market[:5], strict=True)
    ]
    listed = ", ".join(names) + (f", ... {len(given)} in all" if len(given) > 5 else "")
    raise NotIdentified(
        f"{what} is not identified where supply is infinite: prices are given, so sales elsewhere "
        f"stay the same by assumption ({listed}). Solve again with a finite supply=, "
        "2 is usual for production (range 1 to 4)"
    )
