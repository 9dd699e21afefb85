"""How duties on one product add up: named rules, and the rounding of customs entries.

Symbols: b duty after preferences, R duties that yield to Section 232 (the reciprocal duty), M
Section 232 duties with covered-content share k, and everything else (Section 301, fentanyl, ...),
which comes on top.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tradewar.codes import suggest
from tradewar.errors import DataError

__all__ = ["RULES", "Parts", "Sectoral", "additive", "entry_duty", "exclusive", "family"]
__all__ += ["get_rule", "maximum"]

Rate = np.ndarray | float

_FAMILIES = (
    ("mfn", "base"),
    ("preference", "preference"),
    ("s232", "sectoral"),
    ("reciprocal", "yielding"),
    ("border", "yielding"),
    ("s122", "yielding"),
)


def family(layer: str) -> str:
    """Tell how a layer stacks, by how its name starts.

    "mfn" is the base; "preference" lowers it; "s232..." covers content; "reciprocal...",
    "border..." and "s122..." fall on content that no Section 232 duty covers; every other layer is
    "other", and adds.

    Examples
    --------
    >>> family("s232_steel"), family("reciprocal"), family("fentanyl")
    ('sectoral', 'yielding', 'other')
    """
    return next((kind for start, kind in _FAMILIES if layer.startswith(start)), "other")


class Sectoral(NamedTuple):
    """One Section 232 duty.

    Attributes
    ----------
    layer : str
    rate : fraction
        M, zero where it does not apply.
    covered : fraction
        Share of the product's lines that it applies to.
    content : fraction
        Share of the product's value that pays it: covered times the covered-content share k.
    """

    layer: str
    rate: Rate
    covered: Rate
    content: Rate


@dataclass(frozen=True, slots=True)
class Parts:
    """The duties on one exporter's goods, by part; arrays over products, or one number for all.

    Attributes
    ----------
    base : fraction
        b: MFN duty after preferences.
    layers : mapping of layer -> fraction
        Duties that simply add: Section 301, fentanyl, China's answers, ...
    reciprocal : fraction
        R: duties that yield to Section 232, floors already turned into max(0, floor - b).
    sectoral : sequence of Sectoral
        M and k of each Section 232 duty; the contents sum to at most 1.
    """

    base: Rate
    layers: Mapping[str, Rate]
    reciprocal: Rate
    sectoral: Sequence[Sectoral]

    @property
    def other(self) -> Rate:
        """Sum of `layers`, in the order of their names."""
        total: Rate = 0.0
        for layer in sorted(self.layers):
            total = total + self.layers[layer]
        return total


Rule = Callable[[Parts], Rate]


def additive(parts: Parts) -> Rate:
    """Add everything: b + other + R + M, Section 232 on the whole value."""
    total = parts.base + parts.other + parts.reciprocal
    for duty in parts.sectoral:
        total = total + duty.covered * duty.rate
    return total


def exclusive(parts: Parts) -> Rate:
    """Let R fall only on content that Section 232 does not cover: b + kM + (1-k)R + other."""
    total = parts.base + parts.other
    left: Rate = 1.0
    for duty in parts.sectoral:
        total = total + duty.content * duty.rate
        left = left - duty.content
    return total + left * parts.reciprocal


def maximum(parts: Parts) -> Rate:
    """Let the higher of M and R fall on covered content: b + k max(M, R) + (1-k)R + other."""
    total = parts.base + parts.other
    left: Rate = 1.0
    for duty in parts.sectoral:
        total = total + duty.content * np.maximum(duty.rate, parts.reciprocal)
        left = left - duty.content
    return total + left * parts.reciprocal


RULES: dict[str, Rule] = {"exclusive": exclusive, "additive": additive, "max": maximum}


def get_rule(rule: str | Rule) -> tuple[str, Rule]:
    """Find a stacking rule; give its name and function.

    Parameters
    ----------
    rule : {"exclusive", "additive", "max"} or callable
        A callable takes `Parts` and gives the rate, an array over products or one number.

    Raises
    ------
    DataError
        An unknown name.
    """
    if callable(rule):
        return getattr(rule, "__name__", type(rule).__name__), rule
    if not isinstance(rule, str) or rule not in RULES:
        raise DataError(
            f"rule={rule!r} is not known{suggest(str(rule), RULES)}; known are "
            f"{', '.join(RULES)}, or give a function of tradewar.stacking.Parts"
        )
    return rule, RULES[rule]


def entry_duty(value: float, rates: Sequence[float]) -> tuple[list[float], float]:
    """Work out the duty of a customs entry: each line rounded to the cent, then added.

    Parameters
    ----------
    value : float, USD
        Customs value of the entry line.
    rates : sequence of float, fraction
        One for each duty it pays.

    Returns
    -------
    lines : list of float, USD
        Each duty, rounded half up to the cent.
    total : float, USD

    Examples
    --------
    >>> entry_duty(14172.00, [0.25, 0.50, 0.029])
    ([3543.0, 7086.0, 410.99], 11039.99)
    """
    from decimal import ROUND_HALF_UP, Decimal

    cent = Decimal("0.01")
    amount = Decimal(str(value))
    lines = [(amount * Decimal(str(r))).quantize(cent, rounding=ROUND_HALF_UP) for r in rates]
    return [float(line) for line in lines], float(sum(lines, Decimal(0)))
