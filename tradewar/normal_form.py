"""Games of two players in normal form: best replies, equilibria, dominance, repetition.

Pure numbers; nothing here knows about trade.  `a[r, c]` is the payoff of the player who chooses
rows, `b[r, c]` of the one who chooses columns.  Payoffs closer than `tie` count as equal.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradewar.errors import TradewarError

__all__ = [
    "Critical",
    "Mixed",
    "Step",
    "best_replies",
    "critical_discount",
    "eliminate",
    "mixed_equilibria",
    "pure_equilibria",
    "weakly_dominated",
]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

MIXED_GAIN = 1e-9  # gain from deviating in a mixed equilibrium, of the range of payoffs
SAME_MIX = 1e-7  # probabilities closer than this are one equilibrium
MARGIN = 1e-9  # of the range of payoffs, by which a mixture must dominate


def best_replies(a: Floats, b: Floats, tie: float = 0.0) -> tuple[Mask, Mask]:
    """Mark the cells in which the row, and the column, is a best reply to the other.

    Examples
    --------
    >>> import numpy as np
    >>> rows, columns = best_replies(np.array([[3, 0], [5, 1]]), np.array([[3, 5], [0, 1]]))
    >>> (rows & columns).tolist()
    [[False, False], [False, True]]
    """
    return a >= a.max(axis=0) - tie, b >= b.max(axis=1, keepdims=True) - tie


def pure_equilibria(a: Floats, b: Floats, tie: float = 0.0) -> list[tuple[int, int, bool]]:
    """List the equilibria in pure strategies: row, column, and whether both replies are strict."""
    rows, columns = best_replies(a, b, tie)
    strict = (rows.sum(axis=0) == 1)[None, :] & (columns.sum(axis=1) == 1)[:, None]
    return [(int(r), int(c), bool(strict[r, c])) for r, c in np.argwhere(rows & columns)]


class Step(NamedTuple):
    """A strategy that is strictly dominated by a pure strategy or a mixture of some.

    Attributes
    ----------
    round : int
        From 1; in the first, all strategies of the other player count.
    player, strategy : int
    by : tuple of (strategy, probability)
    """

    round: int
    player: int
    strategy: int
    by: tuple[tuple[int, float], ...]


def eliminate(a: Floats, b: Floats, tie: float = 0.0) -> tuple[list[Step], list[list[int]]]:
    """Delete strictly dominated strategies round by round.

    Returns
    -------
    steps : list of Step
    left : list of two lists of int
        Strategies of each player that remain; the order of deletion does not matter for them.
    """
    own = (a, b.T)
    left = [list(range(a.shape[0])), list(range(a.shape[1]))]
    steps: list[Step] = []
    number = 0
    while True:
        number += 1
        found = []
        for player in (0, 1):
            payoff = own[player][np.ix_(left[player], left[1 - player])]
            for k in range(len(left[player])):
                by = _dominating(payoff, k, tie)
                if by:
                    named = tuple((left[player][i], p) for i, p in by)
                    found.append(Step(number, player, left[player][k], named))
        if not found:
            return steps, left
        steps += found
        for step in found:
            left[step.player].remove(step.strategy)


def _dominating(payoff: Floats, k: int, tie: float) -> tuple[tuple[int, float], ...]:
    """Give the mixture of rows that beats row `k` against every column, or nothing."""
    others = [i for i in range(len(payoff)) if i != k]
    for i in others:
        if (payoff[i] > payoff[k] + tie).all():
            return ((i, 1.0),)
    if len(others) < 2:
        return ()
    return _dominating_mixture(payoff, k, others, tie)


def _dominating_mixture(
    payoff: Floats, k: int, others: list[int], tie: float
) -> tuple[tuple[int, float], ...]:
    """Maximise the least advantage of a mixture over row `k`: a linear program."""
    from scipy.optimize import linprog

    span = float(np.ptp(payoff)) or 1.0
    gain = (payoff[others] - payoff[k]) / span
    count = len(others)
    found = linprog(
        np.append(np.zeros(count), -1.0),
        A_ub=np.column_stack([-gain.T, np.ones(gain.shape[1])]),
        b_ub=np.zeros(gain.shape[1]),
        A_eq=np.append(np.ones(count), 0.0)[None, :],
        b_eq=[1.0],
        bounds=[(0.0, 1.0)] * count + [(None, None)],
    )
    if not found.success:
        raise TradewarError(f"the test for dominance by mixtures failed: {found.message}")
    mix = found.x[:count]
    if not (mix @ gain).min() > max(MARGIN, tie / span):
        return ()
    return tuple((i, float(p)) for i, p in zip(others, mix, strict=True) if p > SAME_MIX)


def weakly_dominated(a: Floats, b: Floats, tie: float = 0.0) -> list[tuple[int, int, int]]:
    """List (player, strategy, by): never better and somewhere worse, in the game as it is."""
    found = []
    for player, payoff in enumerate((a, b.T)):
        for k in range(len(payoff)):
            for i in range(len(payoff)):
                better = payoff[i] - payoff[k]
                never_worse, all_better = (better >= -tie).all(), (better > tie).all()
                if i != k and never_worse and (better > tie).any() and not all_better:
                    found.append((player, k, i))
                    break
    return found


class Mixed(NamedTuple):
    """An equilibrium in mixed strategies: probabilities of rows and columns, expected payoffs."""

    row: Floats
    column: Floats
    payoff: tuple[float, float]


def mixed_equilibria(a: Floats, b: Floats, tie: float = 0.0) -> list[Mixed]:
    """List the equilibria in mixed strategies, pure ones included, by support enumeration.

    In a degenerate game there is a continuum of equilibria, of which some are listed.

    Raises
    ------
    ImportError
        nashpy is not installed.
    """
    try:
        import nashpy
    except ImportError:
        raise ImportError(
            "mixed equilibria need nashpy: pip install 'tradewar[game]' (pure ones do not)"
        ) from None
    scaled = [(m - m.min()) / (float(np.ptp(m)) or 1.0) for m in (a, b)]
    candidates = [
        (np.eye(a.shape[0])[r], np.eye(a.shape[1])[c]) for r, c, _ in pure_equilibria(a, b, tie)
    ]
    with warnings.catch_warnings():
        # It warns of an even number of equilibria, which a degenerate game can have.
        warnings.simplefilter("ignore", RuntimeWarning)
        candidates += [
            (np.asarray(p, dtype=float), np.asarray(q, dtype=float))
            for p, q in nashpy.Game(*scaled).support_enumeration()
        ]
    found: list[Mixed] = []
    for p, q in candidates:
        gains = [
            float((scaled[0] @ q).max() - p @ scaled[0] @ q),
            float((p @ scaled[1]).max() - p @ scaled[1] @ q),
        ]
        allowed = [max(MIXED_GAIN, tie / (float(np.ptp(m)) or 1.0)) for m in (a, b)]
        if not all(g <= most for g, most in zip(gains, allowed, strict=True)):
            continue  # NaN, or no equilibrium
        known = (np.abs(np.append(e.row - p, e.column - q)).max() for e in found)
        if all(gap > SAME_MIX for gap in known):
            found.append(Mixed(p, q, (float(p @ a @ q), float(p @ b @ q))))
    return found


class Critical(NamedTuple):
    """What one player weighs before breaking a deal.

    Attributes
    ----------
    deviation : int
        Its best strategy while the other keeps the deal.
    deal, deviating, no_deal : float
        Payoffs of one period.
    discount : float
        Least discount factor that keeps it in; 0 where deviating gains nothing, NaN where none
        does because the deal is not better than no deal.
    """

    deviation: int
    deal: float
    deviating: float
    no_deal: float
    discount: float


def critical_discount(payoff: Floats, deal: int, no_deal: float, tie: float = 0.0) -> Critical:
    """Weigh one period of deviating against no deal ever after.

    Parameters
    ----------
    payoff : float array, shape (strategies,)
        Of the player's strategies while the other keeps the deal.
    deal : int
        The strategy that keeps it.
    no_deal : float
        Payoff of a period without a deal.
    tie : float

    Notes
    -----
    Keeping is worth ``W_deal / (1 - d)``, deviating ``W_dev + d W_nodeal / (1 - d)``: keeping is
    better from ``d = (W_dev - W_deal) / (W_dev - W_nodeal)`` on.

    Examples
    --------
    >>> import numpy as np
    >>> critical_discount(np.array([3.0, 5.0]), 0, 1.0).discount
    0.5
    """
    best = int(np.argmax(payoff))
    kept, broken = float(payoff[deal]), float(payoff[best])
    if kept < no_deal - tie:
        discount = float("nan")
    elif broken <= kept + tie:
        best, broken, discount = deal, kept, 0.0
    elif kept <= no_deal + tie:
        discount = float("nan")
    else:
        discount = (broken - kept) / (broken - no_deal)
    return Critical(best, kept, broken, no_deal, discount)
