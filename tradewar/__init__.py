"""Trade-policy engine: who pays for a tariff, and where trade goes.

Nouns: `TradeData` (flows of products), `Scenario` (what changes), `Schedule` (dated measures),
results.  Verbs: `solve_pe`, `solve_many`, `solve_spatial`.  Built-in data are in
`tradewar.datasets`, elasticity sets in `tradewar.elasticities`, the measures of October 2025 in
`tradewar.talks`.
"""

from __future__ import annotations

from tradewar import datasets, elasticities, errors, schedules, talks
from tradewar._core import __version__
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
from tradewar.pe import solve_many, solve_pe
from tradewar.pe_result import PEResult
from tradewar.runs import Runs
from tradewar.scenario import Scenario
from tradewar.schedule import Schedule
from tradewar.spatial import solve_spatial
from tradewar.spatial_result import SpatialResult

__all__ = [
    "ConvergenceError",
    "DataError",
    "DataWarning",
    "LinearizationWarning",
    "NotIdentified",
    "PEResult",
    "Runs",
    "Scenario",
    "ScenarioError",
    "Schedule",
    "SpatialResult",
    "TradeData",
    "TradewarError",
    "__version__",
    "datasets",
    "elasticities",
    "errors",
    "schedules",
    "solve_many",
    "solve_pe",
    "solve_spatial",
    "talks",
]
