"""What players choose: tariff rates of flows and sizes of instruments, as one vector.

A rate's variable is ln(1 + t), common to a group of flows; an instrument's is its size.  Sizes move
tariffs, export taxes, trade costs, weights and bounds along straight lines, which is checked: two
instruments that act on the same flows in a way that does not add up are refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradewar.errors import ScenarioError, first_five
from tradewar.ge_limits import GELimits
from tradewar.ge_problem import Changes
from tradewar.instruments import Instrument
from tradewar.rules import RATE_LIMIT, make_rule
from tradewar.scenario import Scenario
from tradewar.wedges import match_flows

if TYPE_CHECKING:
    from collections.abc import Callable

    from tradewar.world import World

__all__ = ["Policy", "Rates", "join_changes", "make_policy", "select_rates"]

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]

FIELDS = ("tariff", "export_tax", "cost", "weight")
BOUNDS = (0.0, 5.0)
UNIFORM = ("none", "partners", "products", "all")
STRAIGHT = 1e-9  # how far from a straight line a wedge may stand
LEAST_WEIGHT = 1e-12  # taste that a ban leaves while it is a variable
LEAST_CURVED = 1e-3  # of the curvature at the baseline, that a guess keeps where trade is gone
LIMIT_CURVED = 0.2  # the same of sizes of limits, where nothing is known
LEAST_BOUND = 1e-12  # of its full size, that a commitment keeps at size 0


class Rates(NamedTuple):
    """Flows of one player with free tariffs, in groups.

    flow : int array, flat places, rising
    group : int array, one for each flow, from 0
    low, high : float, rates as fractions
    wide : bool
        The bounds give way to today's rates.
    """

    flow: Positions
    group: Positions
    low: float
    high: float
    wide: bool


class Slopes(NamedTuple):
    """Straight lines: ``value[at] += x[variable] slope``."""

    at: Positions
    variable: Positions
    slope: Floats


@dataclass(frozen=True, slots=True)
class Policy:
    """Variables of all players, and what they make of an economy.

    Attributes
    ----------
    world : World
    background : Scenario or None
        Measures that stay as they are.
    names : tuple of str, one per variable; "" for rates
    owner : int array, place of the player among `players`
    players : tuple of str
    low, high, scale : float arrays, one per variable
        Scale: times it, a variable has a curvature of about one.
    flow : int array, flat places, rising
    fixed : mapping of field to float array, one per flow
    lines : mapping of field to Slopes
    rate_at, rate_variable : int arrays
        Place in `flow` and variable of each flow with a free rate.
    limits : GELimits
    bound : float array
        Bounds at sizes 0.
    bound_lines : Slopes
    instruments : tuple of (variable, Instrument)
    """

    world: World
    background: Scenario | None
    players: tuple[str, ...]
    names: tuple[str, ...]
    owner: Positions
    low: Floats
    high: Floats
    scale: Floats
    flow: Positions
    fixed: Mapping[str, Floats]
    lines: Mapping[str, Slopes]
    rate_at: Positions
    rate_variable: Positions
    limits: GELimits
    bound: Floats
    bound_lines: Slopes
    instruments: tuple[tuple[int, Instrument], ...]

    def changes(self, x: Floats) -> Changes:
        """Give what the core needs at a choice of all variables."""
        now = {name: _along(self.fixed[name], self.lines[name], x) for name in FIELDS}
        now["tariff"][self.rate_at] = np.expm1(x[self.rate_variable])
        np.maximum(now["weight"], LEAST_WEIGHT * (self.fixed["weight"] > 0), out=now["weight"])
        limits = self.limits
        if len(self.bound_lines.at):
            bound = _along(self.bound, self.bound_lines, x)
            floor = LEAST_BOUND * limits.bound
            limits = dataclasses.replace(limits, bound=np.maximum(bound, floor))
        return Changes(self.flow, **now, limits=limits)

    def pull(self, gradient: Any, changes: Changes) -> Floats:
        """Turn a gradient by flow and limit into one by variable.

        `gradient` has tariff, export_tax, cost [..., n, i, j] and limit [..., limit]: derivatives
        by ln(1 + t'), ln(1 + x'), ln d and ln bound.
        """
        k = len(self.low)
        J = len(self.world._theta)
        out = np.zeros(k)
        if len(self.rate_at):
            own = _at(gradient.tariff, self.flow[self.rate_at])
            out += np.bincount(self.rate_variable, own, k)
        per: dict[str, Callable[[], Floats]] = {
            "tariff": lambda: _at(gradient.tariff, self.flow) / (1.0 + changes.tariff),
            "export_tax": lambda: _at(gradient.export_tax, self.flow) / (1.0 + changes.export_tax),
            "cost": lambda: _at(gradient.cost, self.flow) / changes.cost,
            "weight": lambda: (
                -_at(gradient.cost, self.flow)
                / self.world._theta[self.flow % J]
                / np.maximum(changes.weight, LEAST_WEIGHT)
            ),
        }
        for name, line in self.lines.items():
            if len(line.at):
                out += np.bincount(line.variable, per[name]()[line.at] * line.slope, k)
        line = self.bound_lines
        if len(line.at):
            by_bound = gradient.limit / changes.limits.bound
            out += np.bincount(line.variable, by_bound[line.at] * line.slope, k)
        return np.asarray(out, dtype=np.float64)

    def curvature(self, trade: Floats, income: Floats, changes: Changes) -> Floats:
        """Guess minus the second derivative of its owner's ln W by each variable.

        `trade` [n, i, j] at border prices and `income` [n] are those at the changes.
        """
        spent = (1.0 + changes.tariff) * _at(trade, self.flow)
        out = _curvature(self, spent, income, {name: getattr(changes, name) for name in FIELDS})
        out += _by_taste(self, spent, income, changes.weight)
        least = np.full(len(out), LEAST_CURVED)
        least[self.bound_lines.variable] = LIMIT_CURVED
        return np.maximum(out, least * self.scale**2)

    @property
    def wanted(self) -> tuple[str, ...]:
        """Gradients that `pull` reads."""
        used = {name for name, line in self.lines.items() if len(line.at)}
        if len(self.rate_at):
            used.add("tariff")
        if "weight" in used:
            used.add("cost")
        return tuple(name for name in ("tariff", "export_tax", "cost") if name in used)

    def of(self, player: int) -> NDArray[np.bool_]:
        """Mark the variables of a player."""
        return np.asarray(self.owner == player)

    def factual(self) -> Floats:
        """Give today's choice: the tariffs of the background, sizes as small as they can be.

        The rate of a group is the mean of its flows' ln(1 + t), weighted with base value.
        """
        x = self.low.copy()
        if len(self.rate_at):
            value = self.world._trade.ravel()[self.flow[self.rate_at]]
            rate = np.log1p(self.fixed["tariff"][self.rate_at])
            k = len(x)
            whole = np.bincount(self.rate_variable, value, k)
            mean = np.bincount(self.rate_variable, value * rate, k)
            x = np.where(whole > 0, mean / np.where(whole > 0, whole, 1.0), x)
        return x

    def monopsony(self) -> Floats:
        """Give the rate of a small seller's buyer, 1/theta, and sizes in the middle."""
        x = 0.5 * (self.low + self.high)
        if len(self.rate_at):
            J = len(self.world._theta)
            flow = self.flow[self.rate_at]
            value = self.world._trade.ravel()[flow]
            rate = np.log1p(1.0 / self.world._theta[flow % J])
            whole = np.bincount(self.rate_variable, value, len(x))
            mean = np.bincount(self.rate_variable, value * rate, len(x))
            x = np.where(whole > 0, mean / np.where(whole > 0, whole, 1.0), x)
        return np.clip(x, self.low, self.high)

    def excluded(self, x: Floats) -> list[str]:
        """Name the variables that stand outside their bounds, with their values."""
        out = np.flatnonzero((x < self.low - 1e-12) | (x > self.high + 1e-12))
        return [self.label(int(v), x) for v in out]

    def label(self, variable: int, x: Floats) -> str:
        """Name a variable and its value."""
        if self.names[variable]:
            return f"{self.names[variable]} {x[variable]:g}"
        return f"{self.name(variable)} {np.expm1(x[variable]):.4g}"

    def name(self, variable: int) -> str:
        """Name a variable: an instrument, or the first flow of a rate."""
        if self.names[variable]:
            return self.names[variable]
        first = self.flow[self.rate_at[np.argmax(self.rate_variable == variable)]]
        N, J = len(self.world._deficit), len(self.world._theta)
        n, i, j = first // (N * J), first // J % N, first % J
        c, p = self.world._countries, self.world._products
        return f"{c[n]}<-{c[i]} {p[j]}"


def _along(start: Floats, line: Slopes, x: Floats) -> Floats:
    out = start.copy()
    if len(line.at):
        np.add.at(out, line.at, line.slope * x[line.variable])
    return out


def _at(array: Floats, flow: Positions) -> Floats:
    return np.asarray(array.reshape(-1)[flow])


# ---- which rates are free -----------------------------------------------------------------------


def select_rates(
    world: World,
    player: str,
    *,
    against: Any = None,
    products: Any = None,
    uniform: str = "none",
    bounds: tuple[float, float] | None = None,
) -> Rates:
    """Choose a player's free tariffs; see `optimal_tariff`.

    Without bounds they are 0 and 5, and today's rate where it lies outside.
    """
    wide = bounds is None
    bounds = BOUNDS if bounds is None else bounds
    low, high = (float(b) for b in bounds)
    if not (-1.0 < low < high < np.inf):
        raise ScenarioError(
            f"bounds={tuple(bounds)!r}: two rates are wanted, -1 < low < high; fractions, so that "
            "1.0 is 100 %"
        )
    if high > RATE_LIMIT:
        raise ScenarioError(
            f"bounds={tuple(bounds)!r}: {high:g} means {100 * high:,.0f} percent: a percent taken "
            f"for a fraction? Write {high / 100:g} for {high:g} percent"
        )
    if uniform not in UNIFORM:
        raise ScenarioError(f"uniform={uniform!r}: give {', '.join(map(repr, UNIFORM))}")
    rule = make_rule(
        "tariff",
        set=0.0,
        importer=player,
        exporter="*" if against is None else against,
        product="*" if products is None else products,
    )
    data = world._data
    rows = match_flows(rule, data, list(world._countries), list(world._products))
    rows = rows[(data._value[rows] > 0.0) & (data._importer[rows] != data._exporter[rows])]
    if not rows.size:
        raise ScenarioError(f"{player} has no tariff to choose: {rule} matches no foreign trade")
    N, J = len(world._deficit), len(world._theta)
    flow = (data._importer[rows].astype(np.intp) * N + data._exporter[rows]) * J
    flow = np.sort(flow + data._product[rows])
    key = {
        "none": flow,
        "partners": flow % J,  # the same rate on all partners
        "products": flow // J % N,  # the same rate on all products
        "all": np.zeros_like(flow),
    }[uniform]
    group = np.unique(key, return_inverse=True)[1].astype(np.intp)
    return Rates(flow, group, low, high, wide)


# ---- building -----------------------------------------------------------------------------------


def make_policy(
    world: World,
    players: Sequence[str],
    parts: Sequence[Rates | tuple[Instrument, ...]],
    read: Callable[[Scenario], Changes],
    background: Scenario | None = None,
) -> Policy:
    """Put the choices of players together.

    Parameters
    ----------
    world : World
    players : sequence of str
    parts : one for each player: Rates, or instruments
    read : callable
        Gives the changes of a scenario.
    background : Scenario, optional

    Raises
    ------
    ScenarioError
        An instrument changes nothing, or two do not add up.
    """
    back = background or Scenario("background")
    instruments = [(m, i) for m, part in enumerate(parts) if isinstance(part, tuple) for i in part
                   if isinstance(i, Instrument)]  # fmt: skip
    rates = [(m, part) for m, part in enumerate(parts) if isinstance(part, Rates)]
    ends = [_ends(back, instrument, read) for _, instrument in instruments]
    base = read(back)
    flow = np.unique(
        np.concatenate(
            [base.flow, *(part.flow for _, part in rates)]
            + [changes.flow for pair in ends for changes in pair]
        )
    ).astype(np.intp)
    fixed = {name: _on(world, base, name, flow) for name in FIELDS}
    lines: dict[str, list[tuple[Positions, int, Floats]]] = {name: [] for name in FIELDS}
    names: list[str] = []
    owner: list[int] = []
    low: list[float] = []
    high: list[float] = []
    limits, bounds = base.limits, [base.limits.bound]
    bound_lines: list[tuple[Positions, int, Floats]] = []
    start = {name: fixed[name].copy() for name in FIELDS}
    for (m, instrument), (at_low, at_mid, at_high) in zip(instruments, ends, strict=True):
        k = len(names)
        names.append(instrument.name)
        owner.append(m)
        low.append(instrument.low)
        high.append(instrument.high)
        width = instrument.high - instrument.low
        moved = False
        for name in FIELDS:
            a, b = (_on(world, c, name, flow) for c in (at_low, at_high))
            slope = (b - a) / width
            place = np.flatnonzero(slope)
            start[name] += a - fixed[name] - slope * instrument.low
            if place.size:
                lines[name].append((place, k, slope[place]))
                moved = True
        own = len(at_high.limits) - len(base.limits)
        if own:
            added, line = _own_limits(instrument, len(back.rules), at_mid, at_high, width)
            bound_lines.append((len(limits) + np.arange(own), k, line))
            bounds.append(added.bound - line * instrument.high)
            limits = _join(limits, added)
            moved = True
        if not moved:
            raise ScenarioError(
                f"instrument {instrument.name!r} touches nothing: at full size all rates, costs "
                "and limits are what they were"
            )
    at, variable = [], []
    for m, part in rates:
        at.append(np.searchsorted(flow, part.flow))
        variable.append(part.group + len(names))
        groups = int(part.group.max()) + 1
        names += [""] * groups
        owner += [m] * groups
        low += [np.log1p(part.low)] * groups
        high += [np.log1p(part.high)] * groups
    policy = Policy(
        world,
        background,
        tuple(players),
        tuple(names),
        np.array(owner, dtype=np.intp),
        np.array(low, dtype=np.float64),
        np.array(high, dtype=np.float64),
        np.ones(len(names)),
        flow,
        start,
        {name: _slopes(lines[name]) for name in FIELDS},
        np.concatenate([np.zeros(0, np.intp), *at]),
        np.concatenate([np.zeros(0, np.intp), *variable]).astype(np.intp),
        limits,
        np.concatenate(bounds),
        _slopes(bound_lines),
        tuple(enumerate(instrument for _, instrument in instruments)),
    )
    _check_straight(policy, back, read)
    today = policy.factual()
    wide = np.array([getattr(parts[m], "wide", False) for m in owner], dtype=np.bool_)
    return dataclasses.replace(
        policy,
        low=np.where(wide, np.minimum(policy.low, today), policy.low),
        high=np.where(wide, np.maximum(policy.high, today), policy.high),
        scale=_scale(policy),
    )


def _ends(
    back: Scenario, instrument: Instrument, read: Callable[[Scenario], Changes]
) -> tuple[Changes, Changes, Changes]:
    middle = 0.5 * (instrument.low + instrument.high)
    try:
        return (
            read(back + instrument.at(instrument.low)),
            read(back + instrument.at(middle)),
            read(back + instrument.at(instrument.high)),
        )
    except ScenarioError as error:
        raise ScenarioError(f"instrument {instrument.name!r}: {error}") from None


def _on(world: World, changes: Changes, name: str, flow: Positions) -> Floats:
    """Give a field of some changes on the flows `flow`, the world's where nothing changes."""
    if name == "tariff":
        out = world._tariff.ravel()[flow].copy()
    elif name == "export_tax" and world._export_tax is not None:
        out = world._export_tax.ravel()[flow].copy()
    else:
        out = np.full(len(flow), float(name in ("cost", "weight")))
    out[np.searchsorted(flow, changes.flow)] = getattr(changes, name)
    return out


def _own_limits(
    instrument: Instrument, first: int, middle: Changes, full: Changes, width: float
) -> tuple[GELimits, Floats]:
    """Give the limits of rules after the `first` at full size, and how their bounds move."""
    own = [k for k, rule in enumerate(full.limits.rule) if rule > first]
    half = [k for k, rule in enumerate(middle.limits.rule) if rule > first]
    if len(half) != len(own):
        raise ScenarioError(
            f"instrument {instrument.name!r}: its limits change in number with its size"
        )
    added = _take(full.limits, own)
    slope = (added.bound - _take(middle.limits, half).bound) / (0.5 * width)
    return added, slope


def join_changes(a: Changes, b: Changes) -> Changes:
    """Put two sets of changes of different flows together."""
    flow = np.concatenate([a.flow, b.flow])
    order = np.argsort(flow, kind="stable")
    parts = {n: np.concatenate([getattr(a, n), getattr(b, n)])[order] for n in FIELDS}
    return Changes(flow[order], **parts, limits=_join(a.limits, b.limits))


def _take(limits: GELimits, chosen: list[int]) -> GELimits:
    arrays: dict[str, Any] = {
        n: getattr(limits, n)[chosen] for n in ("kind", "holder", "bound", "upper", "given")
    }
    parts: dict[str, Any] = {
        n: tuple(getattr(limits, n)[k] for k in chosen)
        for n in ("members", "rows", "source", "rule", "product", "shares")
    }
    return dataclasses.replace(limits, **arrays, **parts)


def _join(a: GELimits, b: GELimits) -> GELimits:
    arrays: dict[str, Any] = {
        n: np.concatenate([getattr(a, n), getattr(b, n)])
        for n in ("kind", "holder", "bound", "upper", "given")
    }
    parts: dict[str, Any] = {
        n: (*getattr(a, n), *getattr(b, n))
        for n in ("members", "rows", "source", "rule", "product", "shares")
    }
    return dataclasses.replace(a, **arrays, **parts, names={**a.names, **b.names})


def _slopes(parts: list[tuple[Positions, int, Floats]]) -> Slopes:
    return Slopes(
        np.concatenate([np.zeros(0, np.intp), *(at for at, _, _ in parts)]).astype(np.intp),
        np.concatenate([np.zeros(0, np.intp), *(np.full(len(at), k) for at, k, _ in parts)]).astype(
            np.intp
        ),
        np.concatenate([np.zeros(0), *(slope for _, _, slope in parts)]),
    )


def _check_straight(policy: Policy, back: Scenario, read: Callable[[Scenario], Changes]) -> None:
    """Compare straight lines with the scenarios of all instruments together."""
    if not policy.instruments:
        return
    x = policy.low.copy()
    for part in (0.5, 0.75):
        whole = back
        for k, instrument in policy.instruments:
            x[k] = instrument.low + part * (instrument.high - instrument.low)
            whole = whole + instrument.at(float(x[k]))
        found = read(whole)
        if not np.isin(found.flow, policy.flow).all():
            raise ScenarioError("instruments together touch flows that none touches alone")
        now = policy.changes(x)
        for name in FIELDS:
            truth = _on(policy.world, found, name, policy.flow)
            # Free rates replace what an instrument says about the tariff of the same flow.
            if name == "tariff":
                truth[policy.rate_at] = np.expm1(x[policy.rate_variable])
            gap = np.abs(getattr(now, name) - truth)
            bent = np.flatnonzero(gap > STRAIGHT * (1.0 + np.abs(truth)))
            clash = name == "tariff" and np.isin(policy.lines[name].at, policy.rate_at).any()
            if bent.size or clash:
                _refuse_bent(policy, name, bent)


def _refuse_bent(policy: Policy, name: str, bent: Positions) -> None:
    line = policy.lines[name]
    hit = np.unique(line.variable[np.isin(line.at, bent)]) if bent.size else np.unique(
        line.variable[np.isin(line.at, policy.rate_at)]
    )  # fmt: skip
    names = [repr(policy.names[k]) for k in hit]
    other = "" if bent.size else " and the free tariffs"
    raise ScenarioError(
        f"instruments {first_five(names)}{other} act on the {name} of the same flows and do not "
        "add up: join them in one scenario, or let them name different flows"
    )


def _scale(policy: Policy) -> Floats:
    """Scale each variable by the root of sigma times its flows' shares in the buyer's spending."""
    world = policy.world
    trade = world._trade.ravel()[policy.flow]
    spent = (1.0 + world._tariff.ravel()[policy.flow]) * trade
    out = np.sqrt(_curvature(policy, spent, world._income, policy.fixed, taste=True))
    return np.asarray(np.where(out > 0.0, out, out.max() or 1.0))


def _by_taste(policy: Policy, spent: Floats, income: Floats, weight: Floats) -> Floats:
    """Guess minus the second derivative of a buyer's ln W by each variable that moves tastes.

    A flow's share falls to 0 with its weight w, share over w hardly: ``ln W = ln(1 - a + a w) /
    theta`` with the flow's share a at w = 1.
    """
    line = policy.lines["weight"]
    N, J = len(policy.world._deficit), len(policy.world._theta)
    flow = policy.flow[line.at]
    level = np.maximum(weight[line.at], LEAST_WEIGHT)
    slope = spent[line.at] / income[flow // (N * J)] / level * line.slope
    slope = slope / np.sqrt(policy.world._theta[flow % J])
    return np.asarray(np.bincount(line.variable, slope, len(policy.low)) ** 2)


def _curvature(
    policy: Policy,
    spent: Floats,
    income: Floats,
    now: Mapping[str, Floats],
    *,
    taste: bool = False,
) -> Floats:
    """Guess minus the second derivative of a buyer's ln W by each variable.

    Sigma times the share in its spending: what a tariff on a small flow takes away.  With `taste`,
    a weight counts as the trade cost that does the same.
    """
    world, flow, k = policy.world, policy.flow, len(policy.low)
    N, J = len(world._deficit), len(world._theta)
    weight = (1.0 + world._theta[flow % J]) * spent / income[flow // (N * J)]
    out = np.bincount(policy.rate_variable, weight[policy.rate_at], k).astype(np.float64)
    for name, line in policy.lines.items():
        if len(line.at) and (taste or name != "weight"):
            level = np.maximum(now[name][line.at], 0.0)
            level = level + (name in ("tariff", "export_tax"))
            step = line.slope / np.where(level > 0, level, 1.0)
            if name == "weight":
                step = step / world._theta[flow[line.at] % J]
            out += np.bincount(line.variable, weight[line.at] * step**2, k)
    return out
