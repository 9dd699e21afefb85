"""Games in strategies: `payoffs` solves one scenario for each pair of strategies."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tradewar.closures import Variant, make_closure, variants
from tradewar.errors import ScenarioError
from tradewar.game_problem import Evaluator, money_of
from tradewar.ge_problem import Changes
from tradewar.goals import find_players
from tradewar.limits import TARIFF_QUOTA
from tradewar.payoff_table import Payoffs
from tradewar.policy_result import closure_text
from tradewar.policy_space import join_changes
from tradewar.running import threads_of
from tradewar.scenario import Scenario
from tradewar.world import World

__all__ = ["payoffs"]

CELL_TOL = 1e-10  # residual of every market in a cell


def payoffs(
    world: World,
    *,
    elasticities: Mapping[str, Any] | None = None,
    closures: Mapping[str, Mapping[str, Any]] | Sequence[str] | None = None,
    deficits: str = "fixed",
    revenue: str = "lump_sum",
    labour_supply: float = 0.0,
    va_substitution: float = 1.0,
    input_substitution: float = 1.0,
    final_substitution: float = 1.0,
    threads: int | None = None,
    **players: Mapping[str, Scenario],
) -> Payoffs:
    """Solve a game of two players: every cell is one scenario, both sides' measures composed.

    Parameters
    ----------
    world : World
        Its baseline is the status quo (under ``deficits="zero"``: the baseline without deficits).
    elasticities : mapping of labels to trade elasticities, optional
        Sets to compute ranges over: a number, a Series by product, the name of a set, or a World
        with the same labels.
    closures : mapping of labels to options of `solve_ge`, or list such as ["zero"], optional
        Closures to compute ranges over, in every combination with `elasticities`.
    deficits, revenue, labour_supply, va_substitution, input_substitution, final_substitution
        Closure of the base; as in `solve_ge`.
    threads : int, optional
        Default all cores.
    **players : mapping of names to scenarios
        ``USA={"hold": scn, "execute": scn}, CHN={...}``: two countries of the world; the first
        chooses rows.  A scenario may have no rules: the status quo.

    Returns
    -------
    Payoffs

    Raises
    ------
    ScenarioError
        Not two players, an unknown one, a strategy that is no Scenario or matches nothing.
    ConvergenceError
        A cell has no solution; it is named.

    Examples
    --------
    >>> import numpy as np
    >>> import tradewar as tw
    >>> trade = np.array([[80.0, 20.0], [20.0, 80.0]])[:, :, None]
    >>> world = tw.World.from_tables(trade, theta=4.0, tariff=0.0, countries=["A", "B"])
    >>> peace = tw.Scenario("peace")
    >>> a = tw.Scenario("war").tariff(importer="A", exporter="B", set=0.25)
    >>> b = tw.Scenario("war").tariff(importer="B", exporter="A", set=0.25)
    >>> game = tw.payoffs(world, A={"peace": peace, "war": a}, B={"peace": peace, "war": b})
    >>> game.equilibria()[["A", "B"]].values.tolist()
    [['war', 'war']]
    """
    begun = time.perf_counter()
    closure = make_closure(
        {
            "deficits": deficits,
            "revenue": revenue,
            "labour_supply": labour_supply,
            "va_substitution": va_substitution,
            "input_substitution": input_substitution,
            "final_substitution": final_substitution,
        }
    )
    found = variants(world, closure, elasticities, closures)
    if len(players) != 2:
        raise ScenarioError(
            f"{len(players)} players ({', '.join(players) or 'none'}): give two countries, such as "
            'USA={"hold": scn}, CHN={...}'
        )
    first, second = players
    names = (first, second)
    places = find_players(world, names, least=2)
    for name, strategies in players.items():
        _check_strategies(name, strategies)
    listed = [list(players[name]) for name in names]
    count = threads_of(threads)
    shape = (len(listed[0]), len(listed[1]))
    payoff = np.empty((len(found), 2, *shape))
    money = np.empty((len(found), 2))
    whole = None
    for k, variant in enumerate(found):
        welfare = _cells(variant, players, names, count)
        payoff[k] = np.moveaxis(welfare[:, places].reshape(*shape, 2), 2, 0)
        money[k] = money_of(variant.world, variant.closure)[places]
        whole = welfare if whole is None else whole
    cells = pd.MultiIndex.from_product(listed, names=names)
    everyone = pd.DataFrame(
        whole.T if whole is not None else None,
        index=pd.Index(world._countries, name="country"),
        columns=cells,
    )
    everyone.attrs["unit"] = "fraction"
    scenarios = tuple(
        Scenario(f"{r}, {c}", (*players[names[0]][r].rules, *players[names[1]][c].rules))
        for r in listed[0]
        for c in listed[1]
    )
    return Payoffs(
        names,
        (tuple(map(str, listed[0])), tuple(map(str, listed[1]))),
        payoff,
        tuple(variant.label for variant in found),
        money,
        world.value_unit,
        scenarios,
        everyone,
        closure_text(found[0].world, closure),
        {"seconds": time.perf_counter() - begun, "solves": len(found) * shape[0] * shape[1]},
    )


def _check_strategies(player: str, strategies: Any) -> None:
    if not isinstance(strategies, Mapping) or not strategies:
        raise ScenarioError(f"{player}: give a mapping of names of strategies to scenarios")
    for name, scenario in strategies.items():
        if not isinstance(scenario, Scenario):
            raise ScenarioError(
                f"{player}, strategy {name!r} is a {type(scenario).__name__}: give a Scenario"
            )


def _cells(
    variant: Variant,
    players: Mapping[str, Mapping[str, Scenario]],
    names: tuple[str, str],
    threads: int,
) -> np.ndarray:
    """Solve all cells of a variant in one call: change in welfare, [cell, country]."""
    evaluator = Evaluator(variant.world, variant.closure, tol=CELL_TOL)
    own: list[dict[str, Changes]] = []
    for name in names:
        own.append({})
        for strategy, scenario in players[name].items():
            try:
                own[-1][strategy] = evaluator.read(scenario)
            except ScenarioError as error:
                raise ScenarioError(f"{name}, strategy {strategy!r}: {error}") from None
    batch, labels = [], []
    for r, row in own[0].items():
        for c, column in own[1].items():
            labels.append(f"({r}, {c})")
            if _apart(row, column):
                batch.append(join_changes(row, column))
            else:
                batch.append(evaluator.read(players[names[0]][r] + players[names[1]][c]))
    return evaluator.relative_welfare(batch, threads=threads, names=labels)


def _apart(a: Changes, b: Changes) -> bool:
    """Tell whether two sets of measures change different things, so that they can be joined."""
    if a.productivity is not None or b.productivity is not None:
        return False
    if TARIFF_QUOTA in (*a.limits.source, *b.limits.source):
        return False
    return not np.intersect1d(a.flow, b.flow, assume_unique=True).size
