"""Selectors: which labels a code, a list, a group, an HS prefix or "*" stands for.

A label present in the data wins over a group and over a prefix.  A group covers its members and
the labels that stand for them together.  Prefixes apply only between strings of digits.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tradewar.codes import GROUPS, hs_pad, is_hs, product_group, suggest
from tradewar.errors import TradewarError, first_five

Selector = str | tuple[str, ...]

EVERY = "*"


def check_selector(value: Any, what: str, error: type[TradewarError]) -> Selector:
    """Check the form of a selector and freeze it: a non-empty string, or a tuple of such.

    Parameters
    ----------
    value : object
        What the user gave.
    what : str
        Name of the argument, for the message.
    error : exception class
        Raised when `value` is no selector.
    """
    if isinstance(value, str):
        if not value.strip():
            raise error(f"{what}= is an empty string; '*' selects everything")
        return str(value)
    if isinstance(value, int | float | np.number):
        hint = f" {hs_pad(int(value))!r}" if what == "product" and 0 <= value < 10**6 else ""
        raise error(
            f"{what}={value!r} is a number: labels are strings, and an HS code loses its leading "
            f"zero as a number; write a string, such as{hint or ' ' + repr(str(value))}"
        )
    if isinstance(value, Iterable) and not isinstance(value, dict):
        items = sorted(value) if isinstance(value, set | frozenset) else list(value)
        if not items:
            raise error(f"{what}= is an empty list: it selects nothing; leave it out for all")
        for item in items:
            if not isinstance(item, str):
                check_selector(item, what, error)
                raise error(f"{what}= holds {item!r}: a list of strings is wanted")
            if not item.strip():
                raise error(f"{what}= holds an empty string")
        return tuple(str(item) for item in items)
    raise error(f"{what}={value!r}: give a label, a list of labels, a group, a prefix or '*'")


def write_selector(selector: Selector) -> str:
    """Write a selector into one cell of a table; lists become JSON."""
    if isinstance(selector, tuple):
        return json.dumps(list(selector), ensure_ascii=False)
    return json.dumps(selector, ensure_ascii=False) if selector[0] in '[{"' else selector


def read_selector(cell: Any) -> Any:
    """Read what `write_selector` wrote; lists and plain labels pass."""
    if isinstance(cell, str) and cell[:1] in ("[", "{", '"'):
        try:
            return json.loads(cell)
        except json.JSONDecodeError:
            return cell
    return cell


def country_mask(
    selector: Selector, labels: Sequence[str], what: str, error: type[TradewarError]
) -> np.ndarray:
    """Mark the countries that a selector covers.

    Parameters
    ----------
    selector : str or tuple of str
        From `check_selector`.
    labels : sequence of str, shape (n,)
        Countries present.
    what : str
        Name of the argument, for the message.
    error : exception class
        Raised when a label, or one item of a list, covers no country.

    Returns
    -------
    bool array, shape (n,)
    """
    mask = np.zeros(len(labels), dtype=bool)
    place = {label: k for k, label in enumerate(labels)}
    for item in (selector,) if isinstance(selector, str) else selector:
        if item in place:
            mask[place[item]] = True
        elif item == EVERY:
            mask[:] = True
        else:
            group = GROUPS.get(item)
            covered = (
                [place[c] for c in group.members | group.aggregates if c in place] if group else []
            )
            if not covered:
                raise error(_no_country(item, selector, labels, what))
            mask[covered] = True
    return mask


def product_mask(
    selector: Selector, labels: Sequence[str], what: str, error: type[TradewarError]
) -> np.ndarray:
    """Mark the products that a selector covers, "goods" among them; see `country_mask`."""
    if selector == EVERY and EVERY not in labels:
        return np.ones(len(labels), dtype=bool)
    mask = np.zeros(len(labels), dtype=bool)
    place = {label: k for k, label in enumerate(labels)}
    for item in (selector,) if isinstance(selector, str) else selector:
        if item in place:
            mask[place[item]] = True
        elif item == EVERY:
            mask[:] = True
        else:
            covered = product_group(item, labels) or []
            if is_hs(item):
                covered = [k for k, c in enumerate(labels) if c.startswith(item) and is_hs(c)]
            if not covered:
                raise error(_no_match(item, selector, what, "product", suggest(item, labels)))
            mask[covered] = True
    return mask


def names_one(selector: Selector, labels: Sequence[str]) -> bool:
    """Tell whether a selector names a single label that is present, and not a group or list."""
    return isinstance(selector, str) and selector in labels


def customs_union_ids(labels: Sequence[str]) -> np.ndarray:
    """Number the customs union of each country; 0 where it belongs to none."""
    ids = np.zeros(len(labels), dtype=np.int32)
    unions = [group for group in GROUPS.values() if group.customs_union]
    for number, group in enumerate(unions, start=1):
        inside = group.members | group.aggregates
        ids[[k for k, label in enumerate(labels) if label in inside]] = number
    return ids


def _no_match(item: str, selector: Selector, what: str, kind: str, hint: str) -> str:
    where = f"{what}={item!r}" if isinstance(selector, str) else f"{what}= item {item!r}"
    return f"{where} matches no {kind} of the data{hint}"


def _no_country(item: str, selector: Selector, labels: Sequence[str], what: str) -> str:
    """Explain a country selector without a match, with the nearest label or group."""
    if item in GROUPS:
        members = first_five(sorted(GROUPS[item].members | GROUPS[item].aggregates))
        hint = f": none of its members ({members}) is present"
    else:
        groups = [name for name, g in GROUPS.items() if (g.members | g.aggregates) & set(labels)]
        stands = [
            label
            for group in GROUPS.values()
            if item in group.members | group.aggregates
            for label in [*sorted(group.aggregates), group.name]
            if label in labels or (label in groups and item in group.aggregates)
        ]
        if stands:
            hint = f"; it is part of {stands[0]!r}, which is there"
            if item in set().union(*(group.aggregates for group in GROUPS.values())):
                hint = f"; did you mean the group {stands[0]!r}?"
        else:
            hint = suggest(item, [*labels, *groups])
    return _no_match(item, selector, what, "country", hint)
