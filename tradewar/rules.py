"""One rule of a scenario: an instrument, the flows it applies to, its argument, its exceptions.

A new instrument is one more line of INSTRUMENTS, a check of its arguments, and its effect in
`tradewar.wedges`; frames, JSON and equality follow from the table.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tradewar.codes import suggest
from tradewar.errors import DataWarning, ScenarioError
from tradewar.rate_table import RateTable
from tradewar.selectors import EVERY, Selector, check_selector

FLOW_KEYS = ("importer", "exporter", "product")

RATE_DOUBT = 5.0  # a rate above this draws a warning ...
RATE_LIMIT = 20.0  # ... and above this it is taken for a percent


@dataclass(frozen=True, slots=True)
class Instrument:
    """What an instrument needs.

    Attributes
    ----------
    keys : tuple of str
        Selectors it takes.
    one_of : tuple of str
        Arguments of which exactly one must be given; empty: none.
    options : tuple of str
        Arguments that may be left out.
    needs : tuple of str
        Those of the options that may not.
    """

    keys: tuple[str, ...]
    one_of: tuple[str, ...]
    options: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


INSTRUMENTS: dict[str, Instrument] = {
    "tariff": Instrument(FLOW_KEYS, ("set", "add", "scale")),
    "export_tax": Instrument(FLOW_KEYS, ("set", "add", "scale")),
    "tariff_table": Instrument((), ("rates",)),
    "trade_cost": Instrument(FLOW_KEYS, ("ratio",)),
    "ban": Instrument(FLOW_KEYS, ()),
    "productivity": Instrument(("country", "product"), ("ratio",)),
    "import_quota": Instrument(FLOW_KEYS, ("quantity_ratio", "quantity"), ("pooled", "rents")),
    "export_quota": Instrument(FLOW_KEYS, ("quantity_ratio", "quantity"), ("pooled", "rents")),
    "trq": Instrument(
        FLOW_KEYS,
        ("quantity_ratio", "quantity"),
        ("in_rate", "over_rate", "rents"),
        needs=("over_rate",),
    ),
    "licence": Instrument(FLOW_KEYS, ("approval",), ("delay_cost",)),
    "entity_list": Instrument(FLOW_KEYS, ("share",), ("side", "leakage"), needs=("side",)),
    "purchase_commitment": Instrument(
        FLOW_KEYS, ("quantity_ratio", "quantity", "value"), ("pooled", "rents")
    ),
    "min_import_price": Instrument(FLOW_KEYS, ("ratio",), ("rents",)),
}

# Who can hold a licence, in the order of tables; "waste" is rent that queueing eats up.
RECEIVERS = ("importer_firms", "importer_state", "exporter_firms", "exporter_state", "waste")
SIDES = ("buyers", "sellers")
_NEEDED = {"over_rate": ", the rate above the quota", "side": '"buyers" or "sellers"'}

# Every argument of every instrument, in the order of columns.
ARGUMENTS: tuple[str, ...] = tuple(
    dict.fromkeys(name for spec in INSTRUMENTS.values() for name in (*spec.one_of, *spec.options))
)

Argument = Any  # float, bool, str or RateTable

# One exception: (key, selector) pairs that must all match; key "" leaves the side open.
Exclusion = tuple[tuple[str, Selector], ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; made and checked by `make_rule`.

    Attributes
    ----------
    instrument : str
        A key of INSTRUMENTS.
    where : tuple of (key, selector)
        Selectors in the order of the instrument's keys.
    args : tuple of (name, number, bool, text or RateTable)
        The instrument's own arguments.
    except_ : tuple of exclusions
        Flows that match every selector of one exclusion are left out.
    """

    instrument: str
    where: tuple[tuple[str, Selector], ...]
    args: tuple[tuple[str, Argument], ...] = ()
    except_: tuple[Exclusion, ...] = ()

    def selector(self, key: str) -> Selector:
        """Give the selector of a key, "*" where it was left out."""
        return dict(self.where).get(key, EVERY)

    def as_dict(self) -> dict[str, Any]:
        """Give the rule as plain values: instrument, selectors, arguments, except_."""
        out: dict[str, Any] = {"instrument": self.instrument}
        out.update((key, _plain(selector)) for key, selector in self.where)
        for name, value in self.args:
            out[name] = value.as_plain() if isinstance(value, RateTable) else value
        if self.except_:
            out["except_"] = plain_except(self.except_)
        return out

    def __str__(self) -> str:
        parts = [f"{key}={_plain(sel)!r}" for key, sel in self.where if sel != EVERY]
        parts += [f"{name}={value!r}" for name, value in self.args]
        if self.except_:
            parts.append(f"except_={plain_except(self.except_)!r}")
        return f"{self.instrument}({', '.join(parts)})"


def make_rule(instrument: str, *, except_: Any = None, **given: Any) -> Rule:
    """Check an instrument's selectors and arguments and make a rule of them.

    Raises
    ------
    ScenarioError
        An unknown instrument or argument, not exactly one of the alternatives, or a number that
        cannot be.

    Warns
    -----
    DataWarning
        A rate between 5 and 20 (500 and 2000 percent).
    """
    spec = INSTRUMENTS.get(instrument)
    if spec is None:
        raise ScenarioError(
            f"instrument {instrument!r} is not known{suggest(str(instrument), INSTRUMENTS)}; "
            f"known are {', '.join(INSTRUMENTS)}"
        )
    given = {name: value for name, value in given.items() if value is not None}
    known = (*spec.keys, *spec.one_of, *spec.options)
    unknown = [name for name in given if name not in known]
    if unknown:
        takes = ", ".join(known)
        raise ScenarioError(f"{instrument} takes no {unknown[0]!r}; it takes {takes}")
    where = tuple(
        (key, check_selector(given.get(key, EVERY), key, ScenarioError)) for key in spec.keys
    )
    names = [name for name in spec.one_of if name in given]
    if spec.one_of and len(names) != 1:
        wanted = " or ".join(f"{name}=" for name in spec.one_of)
        got = ", ".join(names) if names else "none"
        raise ScenarioError(f"{instrument} needs exactly one of {wanted}; got {got}")
    for name in spec.needs:
        if name not in given:
            raise ScenarioError(f"{instrument} needs {name}={_NEEDED[name]}")
    if "value" in given and given.get("pooled") in (False, 0.0):
        raise ScenarioError(f"{instrument}: value= is a sum over all products: leave out pooled=")
    names += [name for name in spec.options if name in given]
    args = tuple((name, _argument(instrument, name, given[name])) for name in names)
    exclusions = read_except(except_)
    return Rule(instrument, where, args, exclusions)


def _argument(instrument: str, name: str, value: Any) -> Argument:
    if name == "rates":
        return RateTable.of(value)
    if name == "pooled":
        if not isinstance(value, bool | np.bool_) and value not in (0.0, 1.0):
            raise ScenarioError(f"{instrument}: pooled={value!r}: give True or False")
        return bool(value)
    if name == "side":
        if value not in SIDES:
            raise ScenarioError(f'{instrument}: side={value!r}: "buyers" or "sellers"')
        return str(value)
    if name == "rents":
        return write_rents(instrument, value)
    return _number(instrument, name, value)


def read_rents(text: str) -> dict[str, float]:
    """Read "importer_firms:0.5;exporter_state:0.5" as shares by receiver."""
    parts = (part.split(":") for part in text.split(";") if part.strip())
    return {name.strip(): float(share) for name, share in parts}


def write_rents(instrument: str, given: Any) -> str:
    """Check who gets a rent: one receiver, or shares that sum to 1; as text."""
    what = f"{instrument}: rents={given!r}"
    shares = given
    if isinstance(given, str):
        try:
            shares = read_rents(given) if ":" in given else {given: 1.0}
        except ValueError:
            raise ScenarioError(f"{what} is no list of receiver:share") from None
    if not isinstance(shares, Mapping):
        raise ScenarioError(f"{what}: give a receiver, or a mapping of receivers to shares")
    for name, share in shares.items():
        if name not in RECEIVERS:
            raise ScenarioError(
                f"{what}: receiver {name!r} is not known{suggest(str(name), RECEIVERS)}; known are "
                f"{', '.join(RECEIVERS)}"
            )
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise ScenarioError(f"{what}: the share of {name} must lie between 0 and 1")
    if not math.isclose(sum(shares.values()), 1.0, abs_tol=1e-9):
        raise ScenarioError(f"{what}: shares sum to {sum(shares.values()):g} and not to 1")
    return ";".join(f"{name}:{shares[name]!r}" for name in RECEIVERS if shares.get(name))


def _number(instrument: str, name: str, value: Any) -> float:
    """Check a rule's number by what the argument means."""
    what = f"{instrument}: {name}={value!r}"
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise ScenarioError(f"{what} is no number; rates are fractions: 0.25 means 25 %")
    number = float(value)
    if not math.isfinite(number):
        raise ScenarioError(f"{what} is not finite")
    if name == "ratio" and number <= 0:
        raise ScenarioError(f"{what} must be > 0 (after / before; 1.0 = unchanged)")
    if name == "scale" and number < 0:
        raise ScenarioError(f"{what} must be >= 0: it multiplies the rate")
    if name == "set" and number <= -1:
        raise ScenarioError(f"{what} must be > -1 (-100 %): a rate leaves a positive price")
    if name in ("quantity_ratio", "quantity", "value") and number <= 0:
        way_out = "" if instrument == "purchase_commitment" else "; use ban() for no trade at all"
        raise ScenarioError(f"{what} must be > 0{way_out}")
    percent = f"; write {name}={number / 100:g} for {number:g} percent" if number > 1 else ""
    if name in ("approval", "share") and not 0 < number <= 1:
        raise ScenarioError(f"{what} must be above 0 and at most 1 (a fraction){percent}")
    if name == "leakage" and not 0 <= number < 1:
        raise ScenarioError(f"{what} must be at least 0 and below 1 (a fraction){percent}")
    if name == "delay_cost" and number < 0:
        raise ScenarioError(f"{what} must be >= 0: a part of the price")
    if name in ("in_rate", "over_rate") and number <= -1:
        raise ScenarioError(f"{what} must be > -1 (-100 %): a rate leaves a positive price")
    if name in _FRACTIONS or (name == "ratio" and instrument == "min_import_price"):
        if number > RATE_LIMIT:
            way_out = _FRACTIONS.get(name, "").format(number=number)
            raise ScenarioError(
                f"{what} means {100 * number:,.0f} percent: a percent taken for a fraction? "
                f"Write {name}={number / 100:g} for {number:g} percent{way_out}"
            )
        if number > RATE_DOUBT:
            warnings.warn(
                f"{what} means {100 * number:,.0f} percent; write {name}={number / 100:g} "
                f"if {number:g} percent is meant",
                DataWarning,
                stacklevel=6,  # the caller of Scenario's method
            )
    return number


_TWO_RULES = (
    "; if the rate is meant, set 1.0 and multiply it with scale={number:g} in a second rule"
)
# Arguments that a percent is easily taken for, and what to do if the number is meant.
_FRACTIONS = {
    "set": _TWO_RULES,
    "add": _TWO_RULES,
    "in_rate": "",
    "over_rate": "; for a rate that stops trade, use import_quota()",
    "delay_cost": "; for a larger cost, use trade_cost(ratio=)",
    "quantity_ratio": "; if that many times the base quantity is meant, give quantity=",
}


# ---- exceptions -------------------------------------------------------------------------------


def read_except(given: Any) -> tuple[Exclusion, ...]:
    """Check `except_`: a selector, a mapping of selectors, or a list of mappings."""
    if given is None:
        return ()
    if isinstance(given, Mapping):
        return (_exclusion(given),)
    if isinstance(given, Iterable) and not isinstance(given, str):
        items = list(given)
        if items and all(isinstance(item, Mapping) for item in items):
            return tuple(_exclusion(item) for item in items)
        given = items
    return ((("", check_selector(given, "except_", ScenarioError)),),)


def _exclusion(given: Mapping[str, Any]) -> Exclusion:
    bad = [key for key in given if key not in FLOW_KEYS]
    if bad or not given:
        raise ScenarioError(
            f"except_={dict(given)!r}: give selectors for importer, exporter and/or product"
        )
    return tuple(
        (key, check_selector(given[key], f"except_ {key}", ScenarioError))
        for key in FLOW_KEYS
        if key in given
    )


def plain_except(exclusions: tuple[Exclusion, ...]) -> Any:
    """Write exclusions as `read_except` takes them."""
    items = [
        _plain(item[0][1]) if item[0][0] == "" else {key: _plain(sel) for key, sel in item}
        for item in exclusions
    ]
    return items[0] if len(items) == 1 else items


def _plain(selector: Selector) -> Any:
    return list(selector) if isinstance(selector, tuple) else selector
