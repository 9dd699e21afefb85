"""Trade-policy engine: who pays for a tariff, and where trade goes.

Nouns: `TradeData` (flows of products), `World` (an economy: flows, input use, income), `Scenario`
(what changes), results.  Verbs: `solve_pe`, `solve_ge`, `solve_many`, `solve_spatial`.  Built-in
data are in `tradewar.datasets`, elasticity sets in `tradewar.elasticities`, the measures of October
2025 in `tradewar.talks`.
(what changes), results.  Verbs: `solve_pe`, `solve_ge`, `solve_many`, `solve_spatial`; of games
`payoffs`, `leverage`, `optimal_tariff`, `nash`, `cooperate`, `bargain`.  Built-in data are in
`tradewar.datasets`, elasticity sets in `tradewar.elasticities`, the measures of October 2025 in
`tradewar.talks`.
"""

from __future__ import annotations

from tradewar import datasets, elasticities, errors, schedules, talks
from tradewar._core import __version__
from tradewar.bargain_result import Bargain
from tradewar.bargaining import bargain
from tradewar.cooperation import cooperate
from tradewar.data import TradeData
from tradewar.errors import (
    ConvergenceError,
    DataError,
    DataWarning,
    LinearizationWarning,
    NotIdentified,
    ScenarioError,
    TradewarError,
)
from tradewar.game import payoffs
from tradewar.ge import solve_ge
from tradewar.ge_result import GEResult
from tradewar.harm import Leverage, leverage
from tradewar.instruments import Instrument
from tradewar.many import solve_many
from tradewar.nash_tariffs import nash
from tradewar.optimal import optimal_tariff
from tradewar.payoff_table import Payoffs
from tradewar.pe import solve_pe
from tradewar.pe_result import PEResult
from tradewar.policy_result import PolicyResult
from tradewar.runs import Runs
from tradewar.scenario import Scenario
from tradewar.schedule import Schedule
from tradewar.spatial import solve_spatial
from tradewar.spatial_result import SpatialResult
from tradewar.world import World

__all__ = [
    "Bargain",
    "ConvergenceError",
    "DataError",
    "DataWarning",
    "GEResult",
    "Instrument",
    "Leverage",
    "LinearizationWarning",
    "NotIdentified",
    "PEResult",
    "Payoffs",
    "PolicyResult",
    "Runs",
    "Scenario",
    "ScenarioError",
    "Schedule",
    "SpatialResult",
    "TradeData",
    "TradewarError",
    "World",
    "__version__",
    "bargain",
    "cooperate",
    "datasets",
    "elasticities",
    "errors",
    "leverage",
    "nash",
    "optimal_tariff",
    "payoffs",
    "schedules",
    "solve_ge",
    "solve_many",
    "solve_pe",
    "solve_spatial",
    "talks",
]
