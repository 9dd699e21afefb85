"""What players want, as numbers and as seeds of the adjoint: welfare, political welfare, revenue.

Welfare counts as ln W.  Political welfare is ln sum_s lambda[s] (real income of sector s), where
the income of a sector is its value added and rents, and its share of duties and deficits by its
share of value added (Ossa 2014); lambda = 1 gives ln of real income.  Revenue is that of import
duties over baseline income.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar.codes import suggest
from tradewar.errors import DataError, NotIdentified, ScenarioError, first_five

if TYPE_CHECKING:
    from tradewar.ge_problem import Closure, Levels, State
    from tradewar.world import World

__all__ = ["OBJECTIVES", "Goal", "Seeds", "find_players", "ln_welfare", "read_weights"]

Floats = NDArray[np.float64]

OBJECTIVES = ("welfare", "political", "revenue")


class Seeds(NamedTuple):
    """Derivatives of goals, one row a goal, as the adjoint takes them; None is zero."""

    income: Floats  # [goal, n] d / d ln I'
    price: Floats  # [goal, n] d / d ln Pc
    labour: Floats | None  # [goal, n] d / d ln L
    output: Floats | None  # [goal, n, j] d / d ln Y'
    revenue: Floats | None  # [goal, n] d / d R'

    def mixed(self, weight: Floats) -> Seeds:
        """Give the one row of a weighted sum of goals."""
        if len(weight) == 1 and weight[0] == 1.0:
            return self
        mixed: list[Any] = [None if a is None else np.tensordot(weight, a, 1)[None] for a in self]
        return Seeds(*mixed)


def ln_welfare(world: World, closure: Closure, state: State, levels: Levels) -> Floats:
    """Give ln W of every country.

    With k = kappa / (1 + kappa), ``W = (I'/Pc - k V L^(1/k)) / (I - k V)``: labour supply is
    ``L = (w s / Pc)^kappa``, so that ``w s L / Pc = L^(1/k)``.
    """
    real = levels.income / levels.price_index
    kappa = closure.labour_supply
    if kappa == 0.0:
        return np.asarray(np.log(real / world._income))
    k = kappa / (1.0 + kappa)
    effort = k * world._labour_income
    return np.asarray(
        np.log((real - effort * state.labour ** (1.0 / k)) / (world._income - effort))
    )


def find_players(world: World, players: Any, *, least: int = 1) -> NDArray[np.intp]:
    """Find the places of players among a world's countries.

    Raises
    ------
    ScenarioError
        A player is unknown or named twice, or there are fewer than `least`.
    """
    listed = [players] if isinstance(players, str) else list(players)
    countries = list(world._countries)
    for player in listed:
        if player not in countries:
            raise ScenarioError(
                f"player {player!r} is no country of the world{suggest(str(player), countries)}; "
                f"it has {first_five(countries)}"
            )
    if len(set(listed)) != len(listed) or len(listed) < least:
        raise ScenarioError(f"players {listed}: give {least} or more distinct countries")
    return np.array([countries.index(player) for player in listed], dtype=np.intp)


def read_weights(world: World, players: NDArray[np.intp], weights: Any) -> Floats:
    """Read political weights: a Series or mapping by product, or a frame with country too.

    Returns
    -------
    float array, shape (player, product), > 0

    Raises
    ------
    DataError
        There are none, a sector or country has none, or one is not positive.
    """
    if weights is None:
        raise DataError(
            'objective="political" needs weights=: a Series by product, or a frame with columns '
            "country product weight"
        )
    products = list(world._products)
    if isinstance(weights, pd.DataFrame):
        missing = [c for c in ("product", "weight") if c not in weights.columns]
        if missing:
            raise DataError(f"weights: the frame lacks the column {missing[0]!r}")
        out = np.empty((len(players), len(products)))
        for row, n in enumerate(players):
            part, country = weights, world._countries[n]
            if "country" in weights.columns:
                part = weights[weights["country"] == country]
            keys = part["product"].astype(str)
            if keys.duplicated().any():
                twice = first_five(list(keys[keys.duplicated()]))
                raise DataError(f"weights: {country} has several rows for {twice}")
            series = pd.Series(part["weight"].to_numpy(dtype=float), index=keys)
            out[row] = _by_product(series, products, f" of {country}")
        return out
    series = pd.Series(weights, dtype=float)
    series.index = series.index.astype(str)
    return np.tile(_by_product(series, products, ""), (len(players), 1))


def _by_product(series: pd.Series, products: list[str], whose: str) -> Floats:
    missing = [product for product in products if product not in series.index]
    if missing:
        raise DataError(
            f"weights: sector {first_five(missing)}{whose} has no weight; 1.0 is neutral"
        )
    values = series.loc[products].to_numpy(dtype=float)
    bad = [p for p, v in zip(products, values, strict=True) if not (np.isfinite(v) and v > 0)]
    if bad:
        raise DataError(f"weights: the weight of {first_five(bad)}{whose} is not above 0")
    return values


@dataclass(frozen=True, slots=True)
class Goal:
    """What some countries want.

    Parameters
    ----------
    world : World
    closure : Closure
    players : int array
    objective : {"welfare", "political", "revenue"}
    weights : float array, shape (player, product), or None
    """

    world: World
    closure: Closure
    players: NDArray[np.intp]
    objective: str = "welfare"
    weights: Floats | None = None

    def __post_init__(self) -> None:
        if self.objective not in OBJECTIVES:
            raise ScenarioError(
                f"objective={self.objective!r}: give {', '.join(map(repr, OBJECTIVES))}"
            )
        if self.objective == "political":
            if self.closure.va_substitution != 1.0 or self.closure.labour_supply != 0.0:
                raise NotIdentified(
                    'objective="political" divides income among sectors by fixed value-added '
                    "shares and fixed labour: use va_substitution=1.0 and labour_supply=0.0"
                )

    def values(self, state: State, levels: Levels) -> Floats:
        """Give one number a player; larger is better."""
        if self.objective == "welfare":
            whole = ln_welfare(self.world, self.closure, state, levels)
            return np.asarray(whole[self.players])
        if self.objective == "revenue":
            return np.asarray((levels.tariff_revenue / self.world._income)[self.players])
        start = self._political(self.world._output, self.world._income)[0]
        now = self._political(levels.output, levels.income)[0]
        return np.asarray(np.log(now / start) - np.log(levels.price_index[self.players]))

    def _political(self, output: Floats, income: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Give sum lambda income, then earnings, shares and what is divided among sectors."""
        assert self.weights is not None
        m, w = self.players, self.world
        labour = w._value_added[m] * (1.0 - w._rents) * output[m]
        earned = labour + w._rents * output[m]
        share = labour / labour.sum(axis=1, keepdims=True)
        rest = income[m] - earned.sum(axis=1)
        total = (self.weights * (earned + share * rest[:, None])).sum(axis=1)
        return total, earned, share, rest

    def seeds(self, state: State, levels: Levels) -> Seeds:
        """Give the derivatives of `values`."""
        N, J = len(self.world._deficit), len(self.world._theta)
        count = len(self.players)
        rows = np.arange(count)
        income, price = np.zeros((count, N)), np.zeros((count, N))
        if self.objective == "revenue":
            revenue = np.zeros((count, N))
            revenue[rows, self.players] = 1.0 / self.world._income[self.players]
            return Seeds(income, price, None, None, revenue)
        if self.objective == "political":
            assert self.weights is not None
            now, earned, share, rest = self._political(levels.output, levels.income)
            mean = (self.weights * share).sum(axis=1)
            income[rows, self.players] = mean * levels.income[self.players] / now
            price[rows, self.players] = -1.0
            output = np.zeros((count, N, J))
            slope = (self.weights - mean[:, None]) * (earned + rest[:, None] * share)
            output[rows, self.players] = slope / now[:, None]
            return Seeds(income, price, None, output, None)
        kappa = self.closure.labour_supply
        if kappa == 0.0:
            income[rows, self.players], price[rows, self.players] = 1.0, -1.0
            return Seeds(income, price, None, None, None)
        k = kappa / (1.0 + kappa)
        m = self.players
        real = levels.income[m] / levels.price_index[m]
        effort = k * self.world._labour_income[m] * state.labour[m] ** (1.0 / k)
        net = real - effort
        income[rows, m], price[rows, m] = real / net, -real / net
        labour = np.zeros((count, N))
        labour[rows, m] = -effort / (k * net)
        return Seeds(income, price, labour, None, None)
