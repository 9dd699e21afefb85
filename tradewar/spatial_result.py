"""Result of `solve_spatial`: frozen arrays, labelled frames, a proof of optimality, welfare.

Reads and adds up; solves nothing.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar import spatial_proof
from tradewar._display import Card, Display
from tradewar.codes import country_name
from tradewar.errors import DataError, first_five
from tradewar.spatial_proof import money, paid

if TYPE_CHECKING:
    from tradewar.spatial_plot import SpatialPlot

__all__ = ["RECEIVERS", "Curves", "SpatialResult"]

Floats = NDArray[np.float64]
Form = Literal["linear", "isoelastic"]

RECEIVERS = ("importer", "exporter", "waste")
SUMMARY_ROWS = 17


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Supply or demand of every place.

    Attributes
    ----------
    labels : tuple of str
    form : {"linear", "isoelastic"}
    level, slope : float64 arrays
        linear: quantity = level + slope price; isoelastic: quantity = level (price/unit)^slope.
    unit : float
        Price that isoelastic levels refer to.
    """

    labels: tuple[str, ...]
    form: Form
    level: Floats
    slope: Floats
    unit: float

    def quantity(self, price: Floats) -> Floats:
        """Give the quantity at each place's price."""
        if self.form == "linear":
            return self.level + self.slope * price
        with np.errstate(divide="ignore"):
            return np.where(
                (price == 0.0) & (self.slope > 0.0),
                0.0,
                self.level * (price / self.unit) ** self.slope,
            )

    def take(self, places: NDArray[np.intp]) -> Curves:
        """Keep some places."""
        labels = tuple(self.labels[k] for k in places)
        return Curves(labels, self.form, self.level[places], self.slope[places], self.unit)

    def tangent(self, price: Floats, quantity: Floats) -> Curves:
        """Give the lines that touch the curves, at the price or, where steep, at the quantity."""
        if self.form == "linear":
            return self
        steep = (np.abs(self.slope) > 1.0) & (quantity > 0.0)
        power = np.where(steep, self.slope, 1.0)
        ratio = np.where(steep, quantity / self.level, 1.0)
        point = np.where(steep, self.unit * ratio ** (1.0 / power), price)
        touched = self.quantity(point)
        slope = self.slope * touched / point
        return Curves(self.labels, "linear", touched - slope * point, slope, self.unit)

    def area(self, low: Floats, high: Floats) -> Floats:
        """Integrate the quantity from one price to another, place by place."""
        if self.form == "linear":
            return (high - low) * (self.level + 0.5 * self.slope * (low + high))
        a, b = low / self.unit, high / self.unit
        power = self.slope + 1.0
        with np.errstate(divide="ignore", invalid="ignore"):
            raised = (b**power - a**power) / power
            return self.level * self.unit * np.where(power == 0.0, np.log(b / a), raised)

    def elasticity(self, price: Floats) -> Floats:
        """Give the elasticity, as a magnitude, at each place's price."""
        if self.form == "isoelastic":
            return np.abs(self.slope)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.abs(self.slope * price / self.quantity(price))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SpatialResult(Display):
    """Equilibrium of one homogeneous good between places; made by `solve_spatial`.

    Attributes
    ----------
    name : str
    supply, demand : Curves
    cost, tariff, limit : float64 arrays, shape (exporter, importer)
        Transport cost (inf: no route), ad valorem tariff on price and cost, most that may flow.
    receiver : uint8 array, shape (exporter, importer)
        Who gets the rent of a limit: position in RECEIVERS.
    producer, buyer : float64 arrays
        Prices; NaN where the solver failed and ``on_error="record"``.
    flow, premium : float64 arrays, shape (exporter, importer)
        Quantity, and price of the right to ship one unit where a limit binds.
    price_unit, quantity_unit, value_unit : str
    info : mapping
        converged, iterations, residual, seconds, start, warnings, versions.

    Notes
    -----
    Frames are made at each access: `flows`, `prices`, `proof`, `compare`.  Labels are sorted.
    """

    name: str
    supply: Curves
    demand: Curves
    cost: Floats
    tariff: Floats
    limit: Floats
    receiver: NDArray[np.uint8]
    producer: Floats
    buyer: Floats
    flow: Floats
    premium: Floats
    price_unit: str
    quantity_unit: str
    value_unit: str
    info: Mapping[str, Any]

    # ---- tables ----------------------------------------------------------------------------

    @property
    def _route(self) -> NDArray[np.bool_]:
        return np.isfinite(self.cost)

    @property
    def _delivered(self) -> Floats:
        """Price at the buyer's door by route, duty and premium in; inf where no route."""
        return (self.producer[:, None] + self.cost) * (1.0 + self.tariff) + self.premium

    @property
    def _gap(self) -> Floats:
        return np.where(self._route, self._delivered - self.buyer[None, :], np.inf)

    def _units(self, **columns: str) -> dict[str, str]:
        kinds = {
            "price": self.price_unit,
            "quantity": self.quantity_unit,
            "value": self.value_unit,
        }
        return {name: kinds.get(kind, kind) for name, kind in columns.items()}

    @property
    def flows(self) -> pd.DataFrame:
        """One row per route: what is shipped, at what prices, and why not more.

        Returns
        -------
        DataFrame
            exporter importer; quantity; cost, tariff (fraction) and limit (inf: none);
            producer_price and price, what the exporter's producers get and the importer's buyers
            pay; premium, the price of the right to ship a unit; gap = (producer_price + cost)(1 +
            tariff) + premium - price, 0 on routes in use and what is missing for a route to pay
            on others; value = quantity x producer_price; revenue, the duty; rent = quantity x
            premium.
        """
        i, n = np.nonzero(self._route)
        quantity = self.flow[i, n]
        border = self.producer[i] + self.cost[i, n]
        frame = pd.DataFrame(
            {
                "exporter": np.array(self.supply.labels)[i],
                "importer": np.array(self.demand.labels)[n],
                "quantity": quantity,
                "cost": self.cost[i, n],
                "tariff": self.tariff[i, n],
                "limit": self.limit[i, n],
                "producer_price": self.producer[i],
                "price": self.buyer[n],
                "premium": self.premium[i, n],
                "gap": self._gap[i, n],
                "value": paid(quantity, self.producer[i]),
                "revenue": paid(quantity, border * self.tariff[i, n]),
                "rent": quantity * self.premium[i, n],
            }
        )
        price = dict.fromkeys(("cost", "producer_price", "price", "premium", "gap"), "price")
        money = dict.fromkeys(("value", "revenue", "rent"), "value")
        units = self._units(
            quantity="quantity", limit="quantity", tariff="fraction", **price, **money
        )
        frame.attrs["unit"] = units
        return frame

    @property
    def prices(self) -> pd.DataFrame:
        """Prices and quantities by country.

        Returns
        -------
        DataFrame, index country
            producer_price and supply, buyer_price and demand; NaN where the country has none.
            A place that does not trade has the price at which its curve meets zero.
        """
        frame = pd.DataFrame(
            {
                "producer_price": pd.Series(self.producer, self.supply.labels),
                "buyer_price": pd.Series(self.buyer, self.demand.labels),
                "supply": pd.Series(self.flow.sum(axis=1), self.supply.labels),
                "demand": pd.Series(self.flow.sum(axis=0), self.demand.labels),
            }
        )
        frame.index = pd.Index(frame.index, name="country", dtype=str)
        frame.attrs["unit"] = self._units(
            producer_price="price", buyer_price="price", supply="quantity", demand="quantity"
        )
        return frame

    def proof(self) -> pd.DataFrame:
        """Show that the result is an equilibrium: how far each condition is from holding.

        Returns
        -------
        DataFrame, index condition
            violation, the largest absolute one, and its unit; relative, the same over the typical
            price, quantity or value; where, the place or route it is found at.  Computed from the
            frames alone, not by the solver.  ``.attrs["largest"]`` is the largest relative one.

        Notes
        -----
        The conditions are those of Enke, Samuelson, Takayama and Judge,

            0 <= F_in  _|_  (p_i + c_in)(1 + t_in) + l_in - d_n >= 0,
            0 <= l_in  _|_  limit_in - F_in >= 0,
            S_i(p_i) = sum_n F_in,    D_n(d_n) = sum_i F_in.

        With rising supply and falling demand and no tariffs they are necessary and sufficient for
        the largest sum of surpluses less transport cost.
        """
        return spatial_proof.proof(self)

    # ---- welfare ---------------------------------------------------------------------------

    def compare(self, base: SpatialResult) -> pd.DataFrame:
        """Give the change in welfare by country against another result with the same curves.

        Parameters
        ----------
        base : SpatialResult
            The baseline: other costs, tariffs or limits, the same supply and demand.

        Returns
        -------
        DataFrame, index country
            consumer_surplus_change, producer_surplus_change, revenue_change (import duty),
            rent_change (to whom the limits say) and their sum welfare_change, in `value_unit`.
            ``.attrs["world"]`` holds the sums, with transport_change, the change in what
            transport costs, and waste_change, in rents that nobody gets; both are no part of
            any country's welfare.

        Raises
        ------
        DataError
            `base` is no SpatialResult, has other countries or curves, or either failed.
        """
        self._check_base(base)
        countries = sorted({*self.supply.labels, *self.demand.labels})

        def by_country(labels: tuple[str, ...], amount: Floats) -> pd.Series:
            return pd.Series(amount, labels).groupby(level=0).sum().reindex(countries).fillna(0.0)

        buyers = -self.demand.area(base.buyer, self.buyer)
        makers = self.supply.area(base.producer, self.producer)
        frame = pd.DataFrame(
            {
                "consumer_surplus_change": by_country(self.demand.labels, buyers),
                "producer_surplus_change": by_country(self.supply.labels, makers),
                "revenue_change": by_country(
                    self.demand.labels, self._duty().sum(axis=0) - base._duty().sum(axis=0)
                ),
                "rent_change": self._rents(countries) - base._rents(countries),
            }
        )
        frame["welfare_change"] = frame.sum(axis=1)
        frame.index = pd.Index(countries, name="country", dtype=str)
        frame.attrs["unit"] = self._units(**dict.fromkeys(frame.columns, "value"))
        waste = [float(r._rent()[r.receiver == 2].sum()) for r in (self, base)]
        frame.attrs["world"] = {
            **{name: float(column.sum()) for name, column in frame.items()},
            "transport_change": money(self)["transport"] - money(base)["transport"],
            "waste_change": waste[0] - waste[1],
        }
        return frame

    def _check_base(self, base: SpatialResult) -> None:
        if not isinstance(base, SpatialResult):
            raise DataError(f"base is a {type(base).__name__}: give another SpatialResult")
        for side in ("supply", "demand"):
            mine, other = getattr(self, side), getattr(base, side)
            if mine.labels != other.labels or mine.form != other.form:
                raise DataError(
                    f"{side} of the two results differs: {first_five(mine.labels)} ({mine.form}) "
                    f"and {first_five(other.labels)} ({other.form})"
                )
            scale = (mine.unit / other.unit) ** mine.slope if mine.form == "isoelastic" else 1.0
            same = np.isclose(mine.level, other.level * scale, rtol=1e-9, atol=0.0)
            same &= np.isclose(mine.slope, other.slope, rtol=1e-9, atol=0.0)
            moved = [label for label, ok in zip(mine.labels, same, strict=True) if not ok]
            if moved:
                raise DataError(
                    f"{side} curves of {first_five(moved)} differ between the two results: a "
                    "surplus has no change between two curves. Compare prices and quantities, or "
                    "solve both with the same curves"
                )
        for result in (self, base):
            if not result.info["converged"]:
                raise DataError(f"{result.name!r} was not solved")

    def _duty(self) -> Floats:
        border = self.producer[:, None] + np.where(self._route, self.cost, 0.0)
        return paid(self.flow, border * self.tariff)

    def _rent(self) -> Floats:
        return self.flow * self.premium

    def _rents(self, countries: list[str]) -> pd.Series:
        rent = self._rent()
        to_importer = np.where(self.receiver == 0, rent, 0.0).sum(axis=0)
        to_exporter = np.where(self.receiver == 1, rent, 0.0).sum(axis=1)
        parts = [
            pd.Series(to_importer, self.demand.labels),
            pd.Series(to_exporter, self.supply.labels),
        ]
        return pd.concat(parts).groupby(level=0).sum().reindex(countries).fillna(0.0)

    # ---- overviews -------------------------------------------------------------------------

    def undetermined(self) -> int:
        """Count the flows that could be shifted along ties without changing any price.

        Routes in use, or unused with a zero gap, that close circles between places: prices and
        the totals of each place are unique, flows along such circles are not.
        """
        return spatial_proof.circles(self)

    def summary(self) -> pd.DataFrame:
        """Give the main numbers in one small table, index item, columns as everywhere."""
        abroad = self._route & (
            np.array(self.supply.labels)[:, None] != np.array(self.demand.labels)[None, :]
        )
        spent = money(self)
        rows: dict[str, tuple[float, str]] = {
            "trade between countries": (float(self.flow[abroad].sum()), self.quantity_unit),
            "demand, all countries": (float(self.flow.sum()), self.quantity_unit),
            "spent by buyers": (spent["spent"], self.value_unit),
            "of it to producers": (spent["producers"], self.value_unit),
            "of it transport": (spent["transport"], self.value_unit),
            "of it duty": (spent["duty"], self.value_unit),
            "of it rent of limits": (spent["rent"], self.value_unit),
        }
        for label, price in zip(self.supply.labels, self.producer, strict=True):
            rows[f"producer price, {country_name(label)}"] = (float(price), self.price_unit)
        for label, price in zip(self.demand.labels, self.buyer, strict=True):
            rows[f"buyer price, {country_name(label)}"] = (float(price), self.price_unit)
        data = {
            item: (np.nan, amount, np.nan, unit)
            for item, (amount, unit) in list(rows.items())[:SUMMARY_ROWS]
        }
        frame = pd.DataFrame.from_dict(
            data, orient="index", columns=["baseline", "new", "change", "unit"]
        )
        frame.index.name = "item"
        frame.attrs["value_unit"] = self.value_unit
        frame.attrs["unit"] = dict.fromkeys(("baseline", "new", "change"), "see unit")
        return frame

    def _heading(self) -> str:
        used = int((self.flow > 0.0).sum())
        return (
            f"{self.name}: spatial price equilibrium, {len(self.supply.labels)} exporters, "
            f"{len(self.demand.labels)} importers, {used} of {int(self._route.sum())} routes in use"
        )

    def _printed(self) -> pd.DataFrame:
        return super(SpatialResult, self)._printed()[["new", "unit"]].rename(columns={"new": ""})

    def to_frame(self) -> pd.DataFrame:
        """Give `flows`, the one tidy table."""
        return self.flows

    @property
    def card(self) -> Card:
        """Say what was solved, from what, what is assumed and what is not identified."""
        lines = [self._heading(), ""]
        for label, texts in self._card_parts():
            for k, text in enumerate(texts):
                lead = f"{label:<16}" if k == 0 else " " * 16
                lines.append(
                    textwrap.fill(text, 100, initial_indent=lead, subsequent_indent=" " * 16)
                )
        return Card("\n".join(lines))

    def _card_parts(self) -> list[tuple[str, list[str]]]:
        i_labels, n_labels = self.supply.labels, self.demand.labels
        pairs = [
            (f"{i_labels[i]}->{n_labels[n]}", i, n)
            for i in range(len(i_labels))
            for n in range(len(n_labels))
        ]
        absent = [name for name, i, n in pairs if not self._route[i, n]]
        limited = [name for name, i, n in pairs if np.isfinite(self.limit[i, n])]
        binding = [name for name, i, n in pairs if self.premium[i, n] > 0.0]
        routes = [f"{int(self._route.sum())} of {len(pairs)} pairs have a route."]
        if absent:
            routes.append(f"No cost given, so no route: {first_five(absent)}.")
        if limited:
            none = "none binds" if not binding else f"{first_five(binding)} bind"
            routes.append(f"Limited: {first_five(limited)}; {none}.")
        circles = self.undetermined()
        open_ = []
        if circles:
            open_.append(
                f"{circles} flows could be shifted along ties between routes: prices and the "
                "totals of each country are unique, these flows are not."
            )
        open_.append("quality differences, stocks and seasons (the good is one, the period one).")
        residual = self.proof().attrs["largest"]
        return [
            (
                "model",
                [
                    "One homogeneous good in many places (Enke, Samuelson, Takayama and Judge): "
                    "goods move where the price difference pays transport, duty and the right to "
                    "ship, and nowhere else. Duty is due on price and transport cost (CIF)."
                ],
            ),
            ("routes", routes),
            ("curves", [_curve_text("Supply", self.supply), _curve_text("Demand", self.demand)]),
            (
                "assumed",
                [
                    "Transport costs are given, whatever the quantity, and use up resources. Rents "
                    f"of limits go to: {_receivers(self)}."
                ],
            ),
            ("not identified", open_),
            (
                "solver",
                [
                    f"{self.info['iterations']} iterations, residual {self.info['residual']:.1e}; "
                    f"largest relative violation in proof() {residual:.1e}."
                ],
            ),
            ("warnings", [f"{text}." for text in self.info["warnings"]] or ["none"]),
        ]

    def cite(self) -> str:
        """Name the sources of the model."""
        return (
            "Samuelson, P. A. (1952), Spatial price equilibrium and linear programming, American "
            "Economic Review 42(3), 283-303.\n"
            "Takayama, T. and Judge, G. G. (1971), Spatial and Temporal Price and Allocation "
            "Models, North-Holland."
        )

    @property
    def plot(self) -> SpatialPlot:
        """Charts: ``plot.prices()``."""
        from tradewar.spatial_plot import SpatialPlot

        return SpatialPlot(self)


def _curve_text(side: str, curves: Curves) -> str:
    values = np.abs(curves.slope)
    if curves.form == "isoelastic":
        low, high = float(values.min()), float(values.max())
        text = f"{low:g}" if low == high else f"{low:g} to {high:g}"
        return f"{side}: isoelastic, elasticity {text}."
    return f"{side}: linear in the price, {len(curves.labels)} curves."


def _receivers(res: SpatialResult) -> str:
    limited = np.isfinite(res.limit) & res._route
    kinds = sorted({int(k) for k in res.receiver[limited]})
    return ", ".join(RECEIVERS[k] for k in kinds) if kinds else "nobody, there is no limit"
