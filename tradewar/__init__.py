"""Trade-policy engine: who pays for a tariff, and where trade goes.

Nouns: `TradeData` (flows of products), `World` (an economy: flows, input use, income), `Scenario`
(what changes), results.  Verbs: `solve_pe`, `solve_many`, `solve_spatial`.  Built-in data are in
`tradewar.datasets`, elasticity sets in `tradewar.elasticities`, the measures of October 2025 in
`tradewar.talks`.
"""

from __future__ import annotations

from tradewar import datasets, elasticities, errors, talks
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
from tradewar.ge import solve_ge
from tradewar.ge_result import GEResult
from tradewar.many import solve_many
from tradewar.pe import solve_pe
from tradewar.pe_result import PEResult
from tradewar.runs import Runs
from tradewar.scenario import Scenario
from tradewar.spatial import solve_spatial
from tradewar.spatial_result import SpatialResult
from tradewar.world import World

__all__ = [
    "ConvergenceError",
    "DataError",
    "DataWarning",
    "GEResult",
    "LinearizationWarning",
    "NotIdentified",
    "PEResult",
    "Runs",
    "Scenario",
    "ScenarioError",
    "SpatialResult",
    "TradeData",
    "TradewarError",
    "World",
    "__version__",
    "datasets",
    "elasticities",
    "errors",
    "solve_ge",
    "solve_many",
    "solve_pe",
    "solve_spatial",
    "talks",
]
