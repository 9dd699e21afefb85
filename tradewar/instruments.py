"""Instruments of a player: scenarios with a size from 0 to 1, and rates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tradewar.errors import ScenarioError
from tradewar.rules import Rule, make_rule
from tradewar.scenario import Scenario

__all__ = ["Instrument", "read_instruments", "scaled"]

SMALL = 1e-12  # approval left by a ban of size 1 - SMALL or more: it is a ban


@dataclass(frozen=True, slots=True)
class Instrument:
    """A scenario whose size can be chosen, or the rate of a tariff or export tax.

    Parameters
    ----------
    name : str
    scenario : Scenario
        The instrument at size 1: see `at` for what a smaller size means.
    low, high : float, default 0 and 1
        Bounds of the size, or of the rate (a fraction).
    rate_of : {"tariff", "export_tax"} or None
        A rate: the scenario's rules, which are of that instrument, are set to it.

    Notes
    -----
    What size s makes of a rule: tariffs and export taxes move by s times the move of the rule;
    trade costs, quota and commitment ratios become ``1 + s (ratio - 1)``; a ban lets ``1 - s`` of
    the taste for the flow live; approval becomes ``1 - s (1 - approval)``; the listed share of an
    entity list, and a commitment in money or quantity, are multiplied by s.  At size 0 a rule is
    gone, but a quota or commitment by quantity_ratio still holds the quantity at the baseline.

    Examples
    --------
    >>> from tradewar import Scenario
    >>> threat = Scenario("threat").tariff(importer="USA", exporter="CHN", add=1.0)
    >>> Instrument("threat", threat).at(0.25).to_frame()["add"].tolist()
    [0.25]
    """

    name: str
    scenario: Scenario
    low: float = 0.0
    high: float = 1.0
    rate_of: str | None = None

    def __post_init__(self) -> None:
        what = f"instrument {self.name!r}"
        if not isinstance(self.name, str) or not self.name:
            raise ScenarioError(f"{what}: give a name")
        if not isinstance(self.scenario, Scenario):
            raise ScenarioError(f"{what} is a {type(self.scenario).__name__}: give a Scenario")
        if not self.scenario.rules:
            raise ScenarioError(f"{what} has no rules: it touches nothing")
        bounds = f"bounds ({self.low:g}, {self.high:g})"
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ScenarioError(f"{what}: {bounds} must be finite and rise")
        if self.rate_of is None:
            if self.low < 0.0 or self.high > 1.0:
                raise ScenarioError(f"{what}: {bounds} of a size must lie between 0 and 1")
            self.at(0.5)
        elif self.rate_of not in ("tariff", "export_tax"):
            raise ScenarioError(f'{what}: rate_of={self.rate_of!r}: "tariff" or "export_tax"')
        elif self.low <= -1.0:
            raise ScenarioError(f"{what}: {bounds} of a rate must be above -1 (-100 %)")

    @classmethod
    def rate(
        cls,
        name: str,
        *,
        importer: Any = "*",
        exporter: Any = "*",
        product: Any = "*",
        except_: Any = None,
        low: float = 0.0,
        high: float = 1.0,
        rate_of: str = "tariff",
    ) -> Instrument:
        """Make one rate for all flows selected.

        Parameters
        ----------
        name : str
        importer, exporter, product, except_ : selectors, as in `Scenario.tariff`
        low, high : float, fractions
        rate_of : {"tariff", "export_tax"}
        """
        if rate_of not in ("tariff", "export_tax"):
            raise ScenarioError(f'rate_of={rate_of!r}: "tariff" or "export_tax"')
        where = {"importer": importer, "exporter": exporter, "product": product}
        rule = make_rule(rate_of, set=0.0, except_=except_, **where)
        return cls(name, Scenario(name, (rule,)), low, high, rate_of)

    def at(self, size: float) -> Scenario:
        """Give the scenario of a size, or of a rate.

        Raises
        ------
        ScenarioError
            The size lies outside the bounds, or a rule has no size.
        """
        if not self.low <= size <= self.high:
            raise ScenarioError(
                f"instrument {self.name!r}: {size!r} lies outside {self.low:g} to {self.high:g}"
            )
        if self.rate_of is not None:
            rules = [
                Rule(rule.instrument, rule.where, (("set", float(size)),), rule.except_)
                for rule in self.scenario.rules
            ]
            return Scenario(f"{self.name} at {100 * size:.4g} %", tuple(rules))
        if size == 1.0:
            return self.scenario
        rules = []
        for number, rule in enumerate(self.scenario.rules, start=1):
            try:
                rules += scaled(rule, float(size))
            except ScenarioError as error:
                raise ScenarioError(
                    f"instrument {self.name!r}, rule {number}, {rule}: {error}"
                ) from None
        return Scenario(f"{100 * size:.4g} % of {self.name}", tuple(rules))


def scaled(rule: Rule, size: float) -> list[Rule]:
    """Write a rule at a size between 0 and 1; see `Instrument`."""
    args: dict[str, Any] = dict(rule.args)
    name = rule.instrument

    def become(instrument: str, **given: float | bool | str) -> Rule:
        return Rule(instrument, rule.where, tuple(given.items()), rule.except_)

    if name in ("productivity", "trq", "min_import_price"):
        raise ScenarioError(f"{name} has no size: give it as part of a fixed scenario")
    if name in ("import_quota", "export_quota") and "quantity" in args:
        raise ScenarioError("a quota of a size needs quantity_ratio=, not quantity=")
    if size == 0.0 and "quantity_ratio" not in args:
        return []
    if name in ("tariff", "export_tax"):
        if "add" in args:
            return [become(name, add=size * args["add"])]
        if "scale" in args:
            return [become(name, scale=1.0 + size * (args["scale"] - 1.0))]
        return [become(name, scale=1.0 - size), become(name, add=size * args["set"])]
    if name == "ban":
        if 1.0 - size <= SMALL:
            return [rule]
        return [become("licence", approval=1.0 - size)]
    moved = dict(args)
    for key in ("ratio", "quantity_ratio", "approval"):
        if key in args:
            moved[key] = 1.0 + size * (args[key] - 1.0)
    for key in ("quantity", "value", "share", "delay_cost"):
        if key in args:
            moved[key] = size * args[key]
    return [become(name, **moved)]


def read_instruments(given: Any, what: str) -> tuple[Instrument, ...]:
    """Read a mapping of names to scenarios or instruments.

    Raises
    ------
    ScenarioError
        It is no mapping, is empty, or holds something else.
    """
    if not isinstance(given, Mapping) or not given:
        raise ScenarioError(
            f"{what}: give a mapping of names to scenarios (of size 1) or Instruments"
        )
    found = []
    for name, item in given.items():
        if isinstance(item, Instrument):
            found.append(Instrument(str(name), item.scenario, item.low, item.high, item.rate_of))
        else:
            found.append(Instrument(str(name), item))
    return tuple(found)
