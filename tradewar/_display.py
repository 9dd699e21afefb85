"""How results look in print and in a notebook: one small table, money in readable units."""

from __future__ import annotations

import html
import math
from typing import NamedTuple

import pandas as pd

__all__ = ["Card", "Display", "Money", "divisor_of", "money_scale", "percent"]

_SIZES = {"": 0, "thousand": 3, "k": 3, "million": 6, "mn": 6, "m": 6, "billion": 9, "bn": 9}
_SIZES |= {"1000": 3, "1,000": 3, "tn": 12, "trillion": 12}
_NAMES = {0: "", 3: "thousand ", 6: "mn ", 9: "bn "}


class Money(NamedTuple):
    """How to print money: divide by `divisor`, call it `unit`.

    Examples
    --------
    >>> money_scale("million USD", 429_400.0).text(429_400.0)
    '429.4 bn USD'
    """

    divisor: float
    unit: str

    def number(self, value: float) -> str:
        """Write the scaled number, with one decimal where it is large enough, else three digits."""
        if value is None or math.isnan(value):
            return ""
        scaled = value / self.divisor
        return f"{scaled:,.1f}" if abs(scaled) >= 1 or scaled == 0 else f"{scaled:.3g}"

    def text(self, value: float) -> str:
        """Write the scaled number with its unit."""
        return f"{self.number(value)} {self.unit}"


def money_scale(value_unit: str, largest: float) -> Money:
    """Choose a readable unit for numbers up to `largest`, given in `value_unit`.

    Units such as "USD", "thousand USD" and "USD million" are understood; another unit is kept.

    Examples
    --------
    >>> money_scale("USD", 4.2e11)
    Money(divisor=1000000000.0, unit='bn USD')
    >>> money_scale("index points", 4.2e11)
    Money(divisor=1.0, unit='index points')
    """
    words = value_unit.strip().split()
    if len(words) == 2 and words[1].lower() in _SIZES:
        words.reverse()
    size = _SIZES.get(words[0].lower()) if len(words) == 2 else 0
    if size is None or len(words) not in (1, 2) or not math.isfinite(largest):
        return Money(1.0, value_unit)
    magnitude = abs(largest) * 10.0**size
    power = next((k for k in (9, 6) if magnitude >= 10.0**k), None)
    if power is None:
        return Money(1.0, value_unit)
    return Money(10.0 ** (power - size), _NAMES[power] + words[-1])


def divisor_of(value_unit: str, unit: str) -> float | None:
    """Give what amounts in `value_unit` are divided by to be in `unit`; None where they cannot be.

    Examples
    --------
    >>> divisor_of("million USD", "USD bn"), divisor_of("USD", "bn USD"), divisor_of("EUR", "USD")
    (1000.0, 1000000000.0, None)
    """
    sizes = []
    for text in (value_unit, unit):
        words = [word for word in text.strip().split() if word.lower() not in _SIZES]
        powers = [_SIZES[word.lower()] for word in text.split() if word.lower() in _SIZES]
        if len(words) != 1 or len(powers) > 1:
            return 1.0 if unit == value_unit else None
        sizes.append((words[0], sum(powers)))
    (currency, size), (wanted, power) = sizes
    return 10.0 ** (power - size) if currency == wanted else None


def percent(value: float, decimals: int = 1) -> str:
    """Write a fraction as a percentage; nothing for NaN.

    Examples
    --------
    >>> percent(0.8532)
    '85.3 %'
    """
    return "" if value is None or math.isnan(value) else f"{100.0 * value:,.{decimals}f} %"


class Card(str):
    """A text that shows itself whole, also without print."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


class Display:
    """Print as `summary()`, a frame with index item and columns baseline, new, change, unit.

    Fractions are printed with ``attrs["decimals"]`` decimals of a percent, 1 where it is left out.
    """

    __slots__ = ()

    def summary(self) -> pd.DataFrame:
        """Give the small table that stands for the object."""
        raise NotImplementedError

    def _heading(self) -> str:
        """Give the line above the table."""
        return type(self).__name__

    def _printed(self) -> pd.DataFrame:
        """Give the summary as text, money in readable units and fractions in per cent."""
        table = self.summary()
        columns = ["baseline", "new", "change"]
        money = table.attrs.get("value_unit", "")
        decimals = table.attrs.get("decimals", 1)
        mine = table.loc[table["unit"] == money, columns].abs().max().max()
        scale = money_scale(money, float(mine))
        rows = {
            item: [
                *(
                    scale.number(x)
                    if unit == money
                    else percent(x, decimals)
                    if unit == "fraction"
                    else ("" if math.isnan(x) else f"{x:,.4g}")
                    for x in row
                ),
                {money: scale.unit, "fraction": ""}.get(unit, unit),
            ]
            for item, unit, *row in table[["unit", *columns]].itertuples()
        }
        return pd.DataFrame.from_dict(rows, orient="index", columns=[*columns, "unit"])

    def __str__(self) -> str:
        return f"{self._heading()}\n{self._printed().to_string()}"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self._heading())}</p>{self._printed().to_html()}"
