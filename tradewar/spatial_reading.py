"""Read the frames of `solve_spatial`: curves, routes, limits; refuse what cannot be right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar.codes import suggest
from tradewar.errors import DataError, first_five
from tradewar.frames import Table
from tradewar.spatial_result import RECEIVERS, Curves, Floats, Form

__all__ = [
    "FORMS",
    "alone",
    "check_options",
    "check_outlets",
    "read_forms",
    "read_points",
    "read_routes",
    "typical_price",
]

FORMS: dict[str, int] = {"linear": 0, "isoelastic": 1}
_LARGEST_RATE = 5.0  # above it a rate is taken for a percentage
_POINT = ("price", "quantity", "elasticity")
_LINE = ("intercept", "slope")


def alone(curves: Curves) -> Floats:
    """Give the price at which a place without trade meets zero."""
    if curves.form == "isoelastic":
        return np.zeros(len(curves.labels))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(curves.slope == 0.0, 0.0, -curves.level / curves.slope)


def check_options(
    rents: str, on_error: str, threads: Any, tol: float, max_iter: int, start: Any
) -> None:
    """Refuse options outside their range."""
    if rents not in RECEIVERS:
        raise DataError(f"rents={rents!r}: one of {', '.join(map(repr, RECEIVERS))}")
    if on_error not in ("raise", "record"):
        raise DataError(f'on_error={on_error!r}: "raise" or "record"')
    if threads is not None and (isinstance(threads, bool) or not threads >= 1):
        raise DataError(f"threads={threads!r}: None or a whole number from 1")
    if not 0.0 < tol < 1.0 or not max_iter >= 1:
        raise DataError(f"tol={tol!r}, max_iter={max_iter!r}: give 0 < tol < 1 and max_iter >= 1")
    if start is not None and not (np.isfinite(start) and start > 0.0):
        raise DataError(f"start={start!r}: a price above 0")


def read_forms(form: Any) -> dict[str, Form]:
    """Give the form of each side."""
    sides = dict(form) if isinstance(form, Mapping) else {"supply": form, "demand": form}
    good = set(sides) == {"supply", "demand"}
    if not good or any(not isinstance(v, str) or v not in FORMS for v in sides.values()):
        raise DataError(
            f'form={form!r}: "linear", "isoelastic", or {{"supply": ..., "demand": ...}} of them'
        )
    return cast("dict[str, Form]", sides)


class _Points(NamedTuple):
    """Curves as given: at a price each (level is the quantity there), or by their lines."""

    side: str
    labels: tuple[str, ...]
    form: Form
    level: Floats
    slope: Floats
    price: Floats | None

    def curves(self, start: float) -> Curves:
        """Refer isoelastic levels to one price, `start`."""
        level = self.level
        if self.form == "isoelastic":
            assert self.price is not None
            with np.errstate(over="ignore", under="ignore"):
                level = level * (start / self.price) ** self.slope
            bad = ~(np.isfinite(level) & (level > 0.0))
            if bad.any():
                names = [self.labels[k] for k in np.flatnonzero(bad)]
                raise DataError(
                    f"{self.side}: elasticities of {first_five(names)} are too large for an "
                    'isoelastic curve; give a smaller number, or form="linear"'
                )
        return Curves(self.labels, self.form, level, self.slope, start)


def read_points(frame: Any, side: str, key: str, form: Form) -> _Points:
    """Read the curves of one side, sorted by label."""
    table = Table(frame, required=(key,), optional=(*_POINT, *_LINE), what=f"the frame {side}")
    keys = table.keys(key)
    row = _sorted_once(table, [(keys.codes, keys.labels)], key)
    labels = tuple(keys.labels[code] for code in keys.codes[row])
    given = [c for c in _POINT if c in table], [c for c in _LINE if c in table]
    if (len(given[0]), len(given[1])) not in ((3, 0), (0, 2)):
        raise DataError(
            f"the frame {side} has {', '.join((*given[0], *given[1])) or 'no numbers'}: give "
            f"{', '.join(_POINT)}, or {' and '.join(_LINE)}"
        )
    falls = side == "demand"
    if given[1]:
        if form != "linear":
            raise DataError(
                f'{side}: intercept and slope are of form="linear"; give price, quantity and '
                "elasticity for an isoelastic curve"
            )
        level, slope = (_numbers(table, name) for name in _LINE)
        wrong = (slope >= 0.0) | (level <= 0.0) if falls else slope < 0.0
        cure = (
            "Demand: quantity = intercept + slope price with intercept > 0 and slope < 0. For an "
            "inverse line p = a - b q these are a/b and -1/b."
            if falls
            else "Supply: quantity = intercept + slope price with slope >= 0. For an inverse line "
            "p = a + b q these are -a/b and 1/b."
        )
        if wrong.any():
            raise table.error("a curve slopes the wrong way", np.flatnonzero(wrong), cure)
        return _Points(side, labels, form, level[row], slope[row], None)
    price, quantity, elasticity = (_numbers(table, name) for name in _POINT)
    wrong = (price <= 0.0) | (quantity <= 0.0)
    if wrong.any():
        raise table.error(
            "price or quantity not above 0", np.flatnonzero(wrong), "Leave such places out."
        )
    wrong = elasticity <= 0.0 if falls else elasticity < 0.0
    if wrong.any():
        least = "above 0 (a magnitude)" if falls else "0 or more"
        raise table.error("elasticity", np.flatnonzero(wrong), f"Give a number {least}.")
    signed = -elasticity if falls else elasticity
    if form == "isoelastic":
        return _Points(side, labels, form, quantity[row], signed[row], price[row])
    slope = signed * quantity / price
    return _Points(side, labels, form, (quantity - slope * price)[row], slope[row], price[row])


def _numbers(table: Table, name: str) -> Floats:
    values = table.number(name)
    bad = ~np.isfinite(values)
    if bad.any():
        cure = "Drop the row or give a number."
        if name == "elasticity":
            cure = "Give a finite number; for all but infinite ones a large one such as 1e4."
        raise table.error(f"column {name!r} is missing or infinite", np.flatnonzero(bad), cure)
    return np.array(values)


def _sorted_once(
    table: Table, columns: Sequence[tuple[NDArray[Any], list[str]]], *names: str
) -> NDArray[np.intp]:
    """Sort rows by their labels; a key that stands twice is an error."""
    texts = [np.array(labels, dtype=object)[codes] for codes, labels in columns]
    keys = pd.MultiIndex.from_arrays(texts) if len(texts) > 1 else pd.Index(texts[0])
    twice = np.asarray(keys.duplicated(keep=False))
    if twice.any():
        raise table.error(
            "a row stands twice", np.flatnonzero(twice), "Keep one row for each.", *names
        )
    return np.asarray(keys.argsort(), dtype=np.intp)


def typical_price(supply: _Points, demand: _Points) -> float:
    """Make a price to start from: of the points given, or between the ends of the lines."""
    given = [side.price for side in (supply, demand) if side.price is not None]
    if given:
        return float(np.mean(np.concatenate(given)))
    top = float(np.mean(alone(demand.curves(1.0))))
    low = float(np.clip(np.mean(alone(supply.curves(1.0))), 0.0, top))
    return 0.5 * (top + low)


def read_routes(
    frame: Any,
    what: str,
    column: str,
    places: tuple[tuple[str, ...], tuple[str, ...]],
    cost: Floats | None = None,
    rents: str = "importer",
) -> tuple[Floats, NDArray[np.uint8]]:
    """Read a long frame of routes as a matrix; also who gets the rent of each."""
    blank = {"cost": np.inf, "tariff": 0.0, "limit": np.inf}[what]
    matrix = np.full((len(places[0]), len(places[1])), blank)
    receiver = np.full(matrix.shape, RECEIVERS.index(rents), dtype=np.uint8)
    if frame is None and what != "cost":
        return matrix, receiver
    optional = ("rent",) if what == "limit" else ()
    table = Table(
        frame,
        required=("exporter", "importer", column),
        optional=optional,
        what=f"the frame {what}",
    )
    keys = [table.keys(name) for name in ("exporter", "importer")]
    _sorted_once(table, [(k.codes, k.labels) for k in keys], "exporter", "importer")
    i, n = (
        _positions(table, key, known, name)
        for key, known, name in zip(keys, places, ("exporter", "importer"), strict=True)
    )
    values = table.number(column)
    home = np.array([places[0][a] == places[1][b] for a, b in zip(i, n, strict=True)])
    for bad, problem, cure in _complaints(what, values, home):
        if bad.any():
            raise table.error(problem, np.flatnonzero(bad), cure)
    if cost is not None and not np.isfinite(cost[i, n]).all():
        raise table.error(
            f"a {what} on a pair without a route",
            np.flatnonzero(~np.isfinite(cost[i, n])),
            "Give the pair a cost, or leave the row out.",
        )
    matrix[i, n] = values
    if "rent" in table:
        receiver[i, n] = _receiver_codes(table)
    return matrix, receiver


def _complaints(
    what: str, values: Floats, home: NDArray[np.bool_]
) -> list[tuple[NDArray[np.bool_], str, str]]:
    """List what may be wrong with a column of routes, as (rows, problem, cure)."""
    if what == "cost":
        cure = "Leave pairs without a route out; costs are 0 or more."
        return [(~(np.isfinite(values) & (values >= 0.0)), "no cost of 0 or more", cure)]
    if what == "limit":
        cure = "A limit is 0 (a ban) or more; leave the row out where there is none."
        return [(~(values >= 0.0), "no limit of 0 or more", cure)]
    return [
        (
            ~(np.isfinite(values) & (values > -1.0)),
            "no tariff above -1",
            "Tariffs are fractions of price and transport cost.",
        ),
        (values > _LARGEST_RATE, "a tariff above 5", "Rates are fractions: 25 % is 0.25."),
        (home & (values != 0.0), "a tariff on home sales", "Leave the row out."),
    ]


def _positions(table: Table, keys: Any, known: tuple[str, ...], name: str) -> NDArray[np.intp]:
    """Find the labels of a column among those of supply or demand."""
    where = {label: k for k, label in enumerate(known)}
    found = np.array([where.get(label, -1) for label in keys.labels], dtype=np.intp)[keys.codes]
    if (found < 0).any():
        rows = np.flatnonzero(found < 0)
        label = keys.labels[keys.codes[rows[0]]]
        side = "supply" if name == "exporter" else "demand"
        raise table.error(
            f"{name} that is not in {side}{suggest(label, known)}",
            rows,
            f"The frame {side} has {first_five(known)}.",
        )
    return found


def _receiver_codes(table: Table) -> NDArray[np.uint8]:
    keys = table.keys("rent")
    unknown = [k for k, label in enumerate(keys.labels) if label not in RECEIVERS]
    rows = np.flatnonzero(np.isin(keys.codes, unknown))
    if rows.size:
        raise table.error("rent to nobody known", rows, f"Give one of {', '.join(RECEIVERS)}.")
    codes = np.array([RECEIVERS.index(label) for label in keys.labels], dtype=np.uint8)
    return codes[keys.codes]


def check_outlets(sellers: Curves, buyers: Curves, cost: Floats, limit: Floats) -> None:
    """Refuse places that must trade and cannot."""
    room = np.where(np.isfinite(cost), limit, 0.0)
    if buyers.form == "isoelastic":
        cut_off = room.sum(axis=0) == 0.0
        if cut_off.any():
            names = [buyers.labels[k] for k in np.flatnonzero(cut_off)]
            raise DataError(
                f"demand of {first_five(names)} has no open route, and isoelastic demand never "
                'ends: open a route, leave the place out, or give form={"demand": "linear", ...}'
            )
    fixed = np.where(sellers.slope == 0.0, sellers.level, 0.0)
    stuck = fixed > room.sum(axis=1)
    if stuck.any():
        names = [
            f"{sellers.labels[k]} ({fixed[k]:g} for sale, at most {room[k].sum():g} may leave)"
            for k in np.flatnonzero(stuck)
        ]
        raise DataError(
            f"supply of {first_five(names)} does not depend on the price: open a route, raise a "
            "limit, or give it an elasticity above 0"
        )
