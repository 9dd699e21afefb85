"""Games: gradients against solves, optimal and Nash tariffs of seven regions, a payoff table."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import tradewar as tw
from tests.bench.machine import measure, measure_together
from tests.reference.game_twin import TwinWorld
from tradewar.arena import make_arena
from tradewar.closures import make_closure
from tradewar.game_hessian import hessian_product
from tradewar.optimal import best_response

SHARED = Path(__file__).parents[3] / "shared" / "reference" / "ossa_2014.npz"
OPTIMA_GOAL, NASH_GOAL, TABLE_GOAL = 0.5, 2.0, 0.3  # seconds
GRADIENT_GOAL = 1.5  # equilibrium solves
TWIN_GOAL = 20.0
RATES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
SEED = 2014
DIFFERENCE = 1e-6  # of a tariff, for one-sided differences

Add = Callable[[str, str, str, str], None]


def seven_regions() -> tuple[tw.World, str]:
    """Load the regions of Ossa (2014); draw some like them where the file is not there."""
    if SHARED.is_file():
        with np.load(SHARED) as z:
            world = tw.World.from_tables(
                z["trade"],
                theta=z["sigma"] - 1.0,
                tariff=z["tariff"],
                rents=1.0 / z["sigma"],
                countries=z["countries"].tolist(),
                products=z["sectors"].tolist(),
            )
        return world, "Ossa (2014)"
    rng = np.random.default_rng(SEED)
    trade = rng.lognormal(0.0, 1.5, (7, 7, 33)) + 60.0 * np.eye(7)[:, :, None]
    theta = rng.uniform(1.0, 9.0, 33)
    world = tw.World.from_tables(
        trade, theta=theta, tariff=0.1, rents=1.0 / (1.0 + theta), countries=list("ABCDEFG"),
        products=[f"S{k:02d}" for k in range(33)],
    )  # fmt: skip
    return world, "drawn, ../shared is not here"


class OptimaSuite:
    """Best tariffs of seven regions, 198 rates each, each from two starts."""

    def setup(self) -> None:
        """Prepare the world, and its twin."""
        self.world, self.source = seven_regions()
        w = self.world
        self.twin = TwinWorld(w._trade, w._tariff, w._theta, w._rents)
        tariff = w._tariff + 0.1 * (1.0 - np.eye(len(w.countries))[:, :, None])
        self.near = self.twin.solve(tariff)
        self.beside = tariff.copy()
        self.beside[0, 1, 0] += DIFFERENCE

    def time_optima(self):
        """Find them with the core."""
        return [tw.optimal_tariff(self.world, country) for country in self.world.countries]

    def time_twin(self, player: int):
        """Climb the same hill for one region from the same starts, NumPy in the place of the core.

        Equilibria and gradients are the twin's, plain NumPy that knows that there are no inputs:
        Newton on wages and incomes, a dense adjoint.  The optimiser and the list of free rates are
        ours in both.
        """
        country = self.world.countries[player]
        arena = make_arena(self.world, [country], closure=make_closure({}))
        arena.payoff = TwinPayoff(self.twin, arena.payoff.policy, arena.payoff.goal)
        return best_response(arena, 0, arena.policy.factual())

    def time_twin_solve(self):
        """Solve the twin beside a point it knows, as a one-sided difference does."""
        return self.twin.solve(self.beside, self.near)

    def time_nash(self):
        """Find the tariff war of all seven."""
        return tw.nash(self.world, list(self.world.countries))


class TwinPayoff:
    """What `Payoff` does, by the NumPy twin."""

    def __init__(self, twin: TwinWorld, policy, goal) -> None:
        self.twin, self.policy, self.goal, self.last = twin, policy, goal, None

    def at(self, x):
        """Give payoffs, and where they were found."""
        policy = self.policy
        tariff = policy.world._tariff.copy()
        tariff.ravel()[policy.flow[policy.rate_at]] = np.expm1(x[policy.rate_variable])
        self.last = self.twin.solve(tariff, self.last)
        values = self.twin.log_welfare(self.last, tariff)
        return values[self.goal.players], (self.last, tariff)

    def slopes(self, point, weight):
        """Give the gradient of a weighted sum of payoffs."""
        policy, whole = self.policy, np.zeros(self.twin.N)
        whole[self.goal.players] = weight
        found = self.twin.gradient(*point, whole).ravel()[policy.flow[policy.rate_at]]
        return np.bincount(policy.rate_variable, found, len(policy.low))

    def curvature(self, point):
        """Guess minus the second derivatives of payoffs, as `Payoff.curvature` does."""
        policy, twin = self.policy, self.twin
        shares = twin._parts(*point)[2] * twin.alpha[:, None, :] * (1.0 + twin.theta)
        own = shares.ravel()[policy.flow[policy.rate_at]]
        return np.bincount(policy.rate_variable, own, len(policy.low))[None]


class GradientSuite:
    """One player's gradient of ln welfare against one solve from the baseline."""

    def setup(self, world: tw.World, player: str) -> None:
        """Move the player's tariffs by ten points."""
        self.arena = make_arena(world, [player], closure=make_closure({}))
        payoff = self.arena.payoff
        x = np.clip(payoff.policy.factual() + 0.1, payoff.policy.low, payoff.policy.high)
        self.x, self.changes = x, payoff.policy.changes(x)
        payoff.evaluator.tol = 1e-10
        self.point = payoff.evaluator.point(self.changes)

    def time_solve(self):
        """Solve from the baseline."""
        return self.arena.payoff.evaluator.point(self.changes)

    def time_gradient(self):
        """Differentiate by all tariffs of the player."""
        return self.arena.payoff.slopes(self.point, np.ones(1))

    def time_product(self):
        """Multiply the Hessian with a vector: two equilibria beside the point, a gradient each."""
        payoff = self.arena.payoff
        vector = 1.0 / payoff.policy.scale
        return hessian_product(payoff, self.x, vector, np.ones(1), point=self.point)


class FrontierSuite:
    """Bargains of the US and China over one rate each on the world of 2022."""

    def setup(self) -> None:
        """Find the agreement."""
        rates = {"USA": {"against": "CHN", "uniform": "all"}}
        rates["CHN"] = {"against": "USA", "uniform": "all"}
        world = tw.datasets.icio_2022()
        self.deal = tw.bargain(world, ["USA", "CHN"], threat="nash", over=rates)

    def time_frontier(self):
        """Trace eleven points and seek the ends; a copy, so that no point is known."""
        deal = dataclasses.replace(self.deal, ends=dict(self.deal.ends), _memo={}, _sought=set())
        before = deal.arena.payoff.evaluator.solves
        deal.frontier()
        return deal.arena.payoff.evaluator.solves - before


class TableSuite:
    """Six by six strategies on the world of 2022."""

    def setup(self) -> None:
        """Make the strategies: tariffs of each side on the other."""
        self.world = tw.datasets.icio_2022()
        self.sides = [
            {f"+{100 * r:g}": tw.Scenario("t").tariff(importer=a, exporter=b, add=r) for r in RATES}
            for a, b in (("USA", "CHN"), ("CHN", "USA"))
        ]

    def time_table(self):
        """Solve the 36 cells."""
        return tw.payoffs(self.world, USA=self.sides[0], CHN=self.sides[1])


def run(add: Add, repeat: int, *, quick: bool = False) -> None:
    """Measure all parts and add rows to the table."""
    suite = OptimaSuite()
    suite.setup()
    w = suite.world
    for world, player, name in ((w, w.countries[-1], "7 x 33"), (None, "USA", "27 x 44")):
        gradients = GradientSuite()
        gradients.setup(world or tw.datasets.icio_2022(), player)
        took = measure_together(
            {
                "solve": gradients.time_solve,
                "gradient": gradients.time_gradient,
                "product": gradients.time_product,
            },
            4 * repeat,
        )
        ratio = took["gradient"].cpu / took["solve"].cpu
        add(f"gradient of one player, {name}", f"{GRADIENT_GOAL} solves", f"{ratio:.2f} solves",
            f"solve from the baseline {1e3 * took['solve'].best:.2f} ms")  # fmt: skip
        ratio = took["product"].cpu / took["solve"].cpu
        add(f"  its Hessian times a vector, {name}", "", f"{ratio:.2f} solves",
            "difference of two gradients beside the point")  # fmt: skip
    mine = measure(suite.time_optima, repeat)
    evaluations = sum(result.info["solves"] for result in mine.result)
    players = range(1 if quick else len(w.countries))
    begin = time.thread_time()
    spent = sum(sum(c.evaluations for c in suite.time_twin(player).values()) for player in players)
    per_twin = (time.thread_time() - begin) / spent
    per_core = mine.cpu / evaluations
    add(
        f"optimal tariffs of 7 regions ({suite.source}), 198 rates each, both starts",
        f"{OPTIMA_GOAL} s",
        f"{mine.best:.2f} s ({mine.cpu:.2f} s of processor time)",
        f"{evaluations} evaluations at {1e3 * per_core:.2f} ms, the optimiser's part included",
    )
    add(
        "  faster than the best NumPy twin: adjoint gradient, same optimiser",
        f"{TWIN_GOAL:.0f} x",
        f"{per_twin / per_core:.1f} x",
        "per evaluation; plain NumPy for worlds without inputs, dense Newton",
    )
    solve = measure(suite.time_twin_solve, 4 * repeat).cpu
    add(
        "  faster than that twin with gradients by one-sided differences",
        f"{TWIN_GOAL:.0f} x",
        f"{199 * solve / per_core:.0f} x",
        f"per evaluation; 199 solves of {1e3 * solve:.2f} ms from the point, counted, not run",
    )
    took = measure(suite.time_nash, 1 if quick else max(1, repeat // 2))
    add(
        "Nash tariffs of 7 regions",
        f"{NASH_GOAL} s",
        f"{took.best:.2f} s ({took.cpu:.2f} s of processor time)",
        f"{took.result.info['solves']} evaluations, best replies of all proven",
    )
    frontier = FrontierSuite()
    frontier.setup()
    took = measure(frontier.time_frontier, repeat)
    add("frontier of a bargain over two rates, 11 points, icio_2022", "", f"{took.best:.2f} s",
        f"{took.result} equilibria of 27 x 44")  # fmt: skip
    table = TableSuite()
    table.setup()
    took = measure(table.time_table, 2 * repeat)
    add(
        "payoff table of 6 x 6 on icio_2022",
        f"{TABLE_GOAL} s",
        f"{took.best:.2f} s (median {took.median:.2f} s)",
        "36 equilibria of 27 x 44",
    )
