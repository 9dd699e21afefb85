"""Closures and elasticity sets of a game: which economies its payoffs are computed in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np

from tradewar.codes import suggest
from tradewar.errors import DataError
from tradewar.ge import purge
from tradewar.ge_problem import DEFICITS, REVENUE, Closure
from tradewar.running import check_choices
from tradewar.world import World
from tradewar.world_parameters import read_theta
from tradewar.world_reading import Axes

__all__ = ["Variant", "make_closure", "settle", "variants", "with_theta"]

TOL = 1e-10
MAX_ITER = 5000


class Variant(NamedTuple):
    """An economy and a closure under which a game is solved.

    label : str
    world : World
        Without deficits where the closure is "purged".
    closure : Closure
    """

    label: str
    world: World
    closure: Closure


def make_closure(options: Mapping[str, Any], start: Closure | None = None) -> Closure:
    """Check the options of a closure; those left out are `start`'s.

    Raises
    ------
    DataError
        An option is unknown or out of its range.
    """
    known = {f.name: f.default for f in fields(Closure)}
    given = {} if start is None else {name: getattr(start, name) for name in known}
    for name in options:
        if name not in known:
            raise DataError(
                f"{name}= is no option of a closure{suggest(name, known)}; options are "
                f"{', '.join(known)}"
            )
    given |= options
    check_choices(
        (
            ("deficits", given.get("deficits", "fixed"), DEFICITS),
            ("revenue", given.get("revenue", "lump_sum"), REVENUE),
        )
    )
    for name, value in given.items():
        if name in ("deficits", "revenue"):
            continue
        number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        if not (number and math.isfinite(value) and value >= 0):
            raise DataError(f"{name}={value!r}: give a number >= 0")
        given[name] = float(value)
    return Closure(**given)


def settle(world: Any, closure: Closure) -> World:
    """Give the world that a closure starts from: without deficits where it is "purged"."""
    if not isinstance(world, World):
        raise DataError(
            f"world is a {type(world).__name__}: make a World with tw.World.from_tables(trade, "
            "theta=...) or take one of tw.datasets"
        )
    if closure.deficits != "purged":
        return world
    return purge(world, closure, {"tol": TOL, "max_iter": MAX_ITER, "threads": 1})


def with_theta(world: World, theta: Any) -> World:
    """Give a world with other trade elasticities and the same baseline.

    Parameters
    ----------
    world : World
    theta : float, Series or mapping by product, or the name of a set
    """
    axes = Axes(world.countries, world.products, (None, None))
    elasticity = read_theta(theta, axes)
    if not (elasticity * world._scale < 1.0).all():
        raise DataError("scale times theta must be below 1 for an equilibrium to be unique")
    parts = {name[1:]: getattr(world, name) for name in World.__slots__}
    return World._build(**{**parts, "theta": elasticity})


def variants(world: Any, closure: Closure, elasticities: Any, closures: Any) -> list[Variant]:
    """List the base and every combination of elasticity sets and closures.

    Parameters
    ----------
    world : World
    closure : Closure
    elasticities : mapping of labels to trade elasticities, optional
        A number, a Series by product or the name of a set; a World with its own.
    closures : mapping of labels to options, or list of deficit closures, optional
        Each changes the base closure.

    Raises
    ------
    DataError
        A World of other countries or products, or an unknown option.
    """
    base = settle(world, closure)
    thetas: dict[str, Any] = {"": world}
    for label, given in (elasticities or {}).items():
        if isinstance(given, World):
            if given.countries != world.countries or given.products != world.products:
                raise DataError(f"elasticities[{label!r}] is a World of other labels")
            thetas[str(label)] = given
        else:
            thetas[str(label)] = with_theta(world, given)
    rules: dict[str, Closure] = {"": closure}
    if closures is not None and not isinstance(closures, Mapping):
        closures = {f"deficits {name}": {"deficits": name} for name in closures}
    for label, options in (closures or {}).items():
        rules[str(label)] = make_closure(options, closure)
    found = [Variant("base", base, closure)]
    for name, economy in thetas.items():
        for rule, chosen in rules.items():
            if name or rule:
                label = ", ".join(part for part in (name, rule) if part)
                found.append(Variant(label, settle(economy, chosen), chosen))
    return found
