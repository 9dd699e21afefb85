"""Scenario: who taxes or limits whom, on what, and how much.  Pure data, immutable."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from tradewar.codes import suggest
from tradewar.data import TradeData
from tradewar.errors import ScenarioError
from tradewar.rate_table import RateTable
from tradewar.rules import ARGUMENTS, FLOW_KEYS, INSTRUMENTS, Rule, make_rule
from tradewar.scenario_controls import QuantityControls
from tradewar.selectors import read_selector, write_selector
from tradewar.wedges import RuleReport, Wedges, apply_rules

__all__ = ["Rule", "RuleReport", "Scenario", "Wedges"]

_KEYS = (*FLOW_KEYS, "country")
_COLUMNS = (*FLOW_KEYS, "instrument", "country", *ARGUMENTS, "except_")


@dataclass(frozen=True, slots=True, repr=False)
class Scenario(QuantityControls):
    """An immutable list of rules; every method returns a new scenario with one rule more.

    Parameters
    ----------
    name : str
        Shown in results.
    rules : tuple of Rule
        Usually left out and built with the methods.
    note : str, optional
        What the scenario stands for and assumes, in a sentence.
    date : str, optional
        ISO date of what it describes.
    sources : tuple of str, optional

    Notes
    -----
    *Selectors* (`importer`, `exporter`, `product`, `country`) are a label, a list, a group such as
    "EU" or, for products, "goods" or "services", an HS prefix or "*", the default. A label present
    in the data wins over a group or prefix. A group covers its members and an aggregate that stands
    for them. "*", lists and groups never match exporter == importer nor flows inside a customs
    union; a rule that names one country on each side does. *Rates* are fractions: 1.0 is 100
    points. Rules run in order, so that a later rule acts on the rates an earlier one left. Flows
    that no rule names keep their rates.

    *except_* leaves flows out of the rule.  A mapping, ``{"exporter": "EU", "product": "8471"}``,
    excludes flows that match all its selectors; a list of mappings, those that match any of them.
    A bare selector stands for products or, if it names countries, for countries on the side that
    the rule leaves at "*" (where neither is, on the side that is a list or group).

    Examples
    --------
    >>> scn = Scenario("threat").tariff(importer="USA", exporter="CHN", add=1.0)
    >>> scn = scn.tariff(importer="USA", add=0.1, except_=["CAN", "MEX", "CHN"])
    >>> scn.to_frame()[["importer", "exporter", "instrument", "add"]]
      importer exporter instrument  add
    0      USA      CHN     tariff  1.0
    1      USA        *     tariff  0.1
    """

    name: str
    rules: tuple[Rule, ...] = ()
    note: str = ""
    date: str = ""
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in ("name", "note", "date"):
            if not isinstance(getattr(self, field), str):
                raise ScenarioError(f"{field}={getattr(self, field)!r}: give a string")
        if not isinstance(self.sources, tuple) or any(type(s) is not str for s in self.sources):
            raise ScenarioError(f"sources={self.sources!r}: give a tuple of strings")
        if not isinstance(self.rules, tuple) or any(type(r) is not Rule for r in self.rules):
            raise ScenarioError("rules are added with tariff(), ban() and so on")

    def _and(self, rule: Rule) -> Scenario:
        return replace(self, rules=(*self.rules, rule))

    # ---- instruments --------------------------------------------------------------------------

    def tariff(
        self,
        *,
        importer: Any = "*",
        exporter: Any = "*",
        product: Any = "*",
        set: float | None = None,
        add: float | None = None,
        scale: float | None = None,
        except_: Any = None,
    ) -> Scenario:
        """Change import duties; give exactly one of set, add, scale.

        Parameters
        ----------
        importer, exporter, product : selector, default "*"
        set : float, fraction > -1
            The new rate.
        add : float, fraction
            Added to the rate; 0.25 is 25 percentage points.
        scale : float >= 0, pure number
            Multiplies the rate (and not 1 + rate).
        except_ : selector, mapping or list of mappings, optional
            Flows left out; see the class.

        Returns
        -------
        Scenario

        Raises
        ------
        ScenarioError
            Not exactly one of the three, or a rate above 20 (2000 percent): a percent taken for a
            fraction.

        Warns
        -----
        DataWarning
            A rate between 5 and 20.
        """
        rule = make_rule(
            "tariff",
            importer=importer,
            exporter=exporter,
            product=product,
            set=set,
            add=add,
            scale=scale,
            except_=except_,
        )
        return self._and(rule)

    def tariff_table(self, rates: Any) -> Scenario:
        """Set import duties flow by flow.

        Parameters
        ----------
        rates : pandas, polars or pyarrow table
            Columns importer, exporter, product (labels of the data, no selectors) and tariff
            (fraction > -1), each flow once.  Flows that it does not name keep their rates; rows
            that no flow uses do nothing, but some must be used.

        Returns
        -------
        Scenario

        Raises
        ------
        ScenarioError
            A column is missing, a flow stands twice, or a rate is no fraction above -1.
        """
        return self._and(make_rule("tariff_table", rates=rates))

    def export_tax(
        self,
        *,
        importer: Any = "*",
        exporter: Any = "*",
        product: Any = "*",
        set: float | None = None,
        add: float | None = None,
        scale: float | None = None,
        except_: Any = None,
    ) -> Scenario:
        """Change export taxes, on the producer price; arguments as in `tariff`."""
        rule = make_rule(
            "export_tax",
            importer=importer,
            exporter=exporter,
            product=product,
            set=set,
            add=add,
            scale=scale,
            except_=except_,
        )
        return self._and(rule)

    def trade_cost(
        self,
        *,
        importer: Any = "*",
        exporter: Any = "*",
        product: Any = "*",
        ratio: float,
        except_: Any = None,
    ) -> Scenario:
        """Change other trade costs (freight, delay), which use up resources.

        Parameters
        ----------
        importer, exporter, product : selector, default "*"
        ratio : float > 0, pure number
            Cost factor after / before; 1.0 = unchanged; later rules multiply.
        except_ : selector, mapping or list of mappings, optional
        """
        rule = make_rule(
            "trade_cost",
            importer=importer,
            exporter=exporter,
            product=product,
            ratio=ratio,
            except_=except_,
        )
        return self._and(rule)

    def ban(
        self,
        *,
        importer: Any = "*",
        exporter: Any = "*",
        product: Any = "*",
        except_: Any = None,
    ) -> Scenario:
        """Forbid flows: their quantity becomes zero, whatever their tariff."""
        rule = make_rule(
            "ban", importer=importer, exporter=exporter, product=product, except_=except_
        )
        return self._and(rule)

    def productivity(self, *, country: Any = "*", product: Any = "*", ratio: float) -> Scenario:
        """Change productivity; only economies have it, so that `solve_pe` refuses it.

        Parameters
        ----------
        country, product : selector, default "*"
        ratio : float > 0, pure number
            After / before; 1.0 = unchanged.
        """
        return self._and(make_rule("productivity", country=country, product=product, ratio=ratio))

    def __add__(self, other: object) -> Scenario:
        """Run the rules of `other` after those of this scenario; notes and sources are joined."""
        if not isinstance(other, Scenario):
            return NotImplemented
        return Scenario(
            f"{self.name} + {other.name}",
            (*self.rules, *other.rules),
            " ".join(note for note in (self.note, other.note) if note),
            max(self.date, other.date),
            tuple(dict.fromkeys((*self.sources, *other.sources))),
        )

    def named(self, name: str) -> Scenario:
        """Give the same scenario under another name."""
        return replace(self, name=name)

    # ---- effect -------------------------------------------------------------------------------

    def _apply(self, data: TradeData) -> Wedges:
        """Give the wedges of every flow of `data` after the rules; see `tradewar.wedges`."""
        return apply_rules(self.rules, data)

    # ---- frames and JSON ----------------------------------------------------------------------

    def to_frame(self) -> pd.DataFrame:
        """Give the rules as a frame, one row each, in order; `from_frame` reads it back.

        Returns
        -------
        DataFrame
            importer exporter product instrument, then the columns that some rule uses (country,
            the instruments' arguments, except_), NaN where unused.  Lists are written as JSON.
        """
        records = []
        for rule in self.rules:
            record: dict[str, Any] = {"instrument": rule.instrument, **dict(rule.args)}
            if isinstance(record.get("rates"), RateTable):
                record["rates"] = json.dumps(record["rates"].as_plain(), ensure_ascii=False)
            record.update((key, write_selector(selector)) for key, selector in rule.where)
            if rule.except_:
                plain = rule.as_dict()["except_"]
                record["except_"] = json.dumps(plain, ensure_ascii=False)
            records.append(record)
        used = {name for record in records for name in record}
        columns = [name for name in _COLUMNS if name in used or name in _COLUMNS[:4]]
        return pd.DataFrame(records, columns=columns)

    @classmethod
    def from_frame(cls, df: Any, *, name: str = "scenario") -> Scenario:
        """Make a scenario of a frame of rules.

        Parameters
        ----------
        df : pandas, polars or pyarrow table
            Columns importer, exporter, product, instrument and the instruments' own arguments
            (set, add, scale, ratio); country for productivity; except_.  Rows are rules in order.
            A missing or empty selector means "*"; lists and except_ may be JSON.
        name : str

        Raises
        ------
        ScenarioError
            An unknown column or instrument, or a rule that is wrong; names the row.
        """
        import narwhals.stable.v2 as nw

        try:
            frame = nw.from_native(df, eager_only=True)
        except TypeError:
            raise ScenarioError(
                f"df is a {type(df).__name__}: give a pandas, polars or pyarrow table"
            ) from None
        unknown = [column for column in frame.columns if column not in _COLUMNS]
        if unknown:
            raise ScenarioError(
                f"the frame of rules has a column {unknown[0]!r}{suggest(unknown[0], _COLUMNS)}; "
                f"known are {', '.join(_COLUMNS)}"
            )
        if "instrument" not in frame.columns:
            raise ScenarioError(
                "the frame of rules lacks the column 'instrument'; "
                f"known instruments are {', '.join(INSTRUMENTS)}"
            )
        rules = []
        for row, record in enumerate(frame.iter_rows(named=True)):
            given = {key: read_selector(cell) for key, cell in record.items() if not _missing(cell)}
            try:
                rules.append(_rule_of(given))
            except ScenarioError as error:
                raise ScenarioError(f"row {row} of the frame of rules: {error}") from None
        return cls(name, tuple(rules))

    def to_json(self) -> str:
        """Write the scenario as JSON; `from_json` reads it back exactly."""
        rules = [rule.as_dict() for rule in self.rules]
        said = {"note": self.note, "date": self.date, "sources": list(self.sources)}
        known = {key: value for key, value in said.items() if value}
        record = {"name": self.name, **known, "rules": rules}
        return json.dumps(record, ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Scenario:
        """Read what `to_json` wrote.

        Raises
        ------
        ScenarioError
            The text is no JSON of a scenario, or a rule is wrong; names the rule.
        """
        try:
            record = json.loads(text)
        except json.JSONDecodeError as error:
            raise ScenarioError(f"no JSON of a scenario: {error}") from None
        if not isinstance(record, dict) or not isinstance(record.get("rules"), list):
            raise ScenarioError(
                'no JSON of a scenario: an object with "name" and "rules" is wanted'
            )
        rules = []
        for number, given in enumerate(record["rules"], start=1):
            if not isinstance(given, dict):
                raise ScenarioError(f"rule {number}: {given!r} is no object")
            try:
                rules.append(_rule_of(given))
            except ScenarioError as error:
                raise ScenarioError(f"rule {number}: {error}") from None
        sources = record.get("sources", [])
        return cls(
            record.get("name", "scenario"),
            tuple(rules),
            record.get("note", ""),
            record.get("date", ""),
            tuple(sources) if isinstance(sources, list) else sources,
        )

    def __repr__(self) -> str:
        date = f", {self.date}" if self.date else ""
        head = f"Scenario {self.name!r}{date}"
        if not self.rules:
            return f"{head}: no rules"
        lines = [f"  {number}. {rule}" for number, rule in enumerate(self.rules, start=1)]
        return "\n".join([head, *([f"  {self.note}"] if self.note else []), *lines])

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        if "rates" in frame:  # thousands of numbers: say how many
            rates = [dict(rule.args).get("rates") for rule in self.rules]
            frame["rates"] = [None if r is None else repr(r) for r in rates]
        table = frame.to_html(na_rep="", border=0)
        note = f" {html.escape(self.note)}" if self.note else ""
        return f"<p><b>Scenario {html.escape(self.name)}</b>{note}</p>{table}"


def _rule_of(given: Mapping[str, Any]) -> Rule:
    """Make a rule of its values by name."""
    cells = dict(given)
    instrument = cells.pop("instrument", None)
    if not isinstance(instrument, str):
        raise ScenarioError(f"no instrument; known are {', '.join(INSTRUMENTS)}")
    spec = INSTRUMENTS.get(instrument)
    unused = [] if spec is None else [key for key in _KEYS if key not in spec.keys]
    for key in unused:  # "*" in a selector the instrument does not take says nothing
        if cells.get(key) == "*":
            del cells[key]
    return make_rule(instrument, **cells)


def _missing(cell: Any) -> bool:
    """Tell whether a cell of a frame is empty: None, NaN, NaT, NA or an empty string."""
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return True
    if isinstance(cell, float | np.floating):
        return math.isnan(cell)
    return isinstance(cell, str) and not cell.strip()
