"""General equilibrium: `solve_ge`.

Coerce, fill defaults, call the core, wrap in a result: the equations are in `solve_ge`'s notes,
the tables in `ge_result`.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from tradewar import _core
from tradewar.coverage import WorldRules
from tradewar.errors import ConvergenceError, DataError, DataWarning, ScenarioError, first_five
from tradewar.ge_limits import undetermined
from tradewar.ge_problem import (
    DEFICITS,
    NO_CHANGES,
    REVENUE,
    Changes,
    Closure,
    Levels,
    State,
    evaluate,
    places,
    read_wedges,
    solve,
)
from tradewar.ge_result import GEResult
from tradewar.running import (
    ON_ERROR,
    bar,
    check_choices,
    check_count,
    check_tol,
    threads_of,
    versions,
)
from tradewar.scenario import Scenario
from tradewar.wedges import Wedges, apply_rules
from tradewar.world import World

__all__ = ["solve_batch", "solve_ge", "warn_failures"]

MAX_ITER = 5000  # evaluations and Jacobian products; usual solves take 30 to 60
_NUMBERS = ("labour_supply", "va_substitution", "input_substitution", "final_substitution")
# tw_ge_cause in csrc/include/tradewar.h
_PRICE, _GOODS, _SCALE, _LABOUR, _LIMIT, _NO_EQUILIBRIUM, _NO_SOURCE = range(1, 8)
_BAD_LIMIT = 11
_KINDS = {
    _PRICE: "price index",
    _GOODS: "goods market",
    _SCALE: "scale of production",
    _LABOUR: "labour market",
    _LIMIT: "limit",
}


def solve_ge(
    world: World,
    scenario: Scenario,
    *,
    deficits: Literal["fixed", "share", "zero", "purged", "income"] = "fixed",
    revenue: Literal["lump_sum", "income_tax"] = "lump_sum",
    labour_supply: float = 0.0,
    va_substitution: float = 1.0,
    input_substitution: float = 1.0,
    final_substitution: float = 1.0,
    tol: float = 1e-10,
    max_iter: int = MAX_ITER,
    threads: int | None = None,
    on_error: Literal["raise", "record"] = "raise",
    progress: bool = False,
    start: GEResult | None = None,
) -> GEResult:
    """Solve a world for its general equilibrium after the scenario.

    Parameters
    ----------
    world : World
        Baseline; never modified.
    scenario : Scenario
        What changes.  One written for `solve_pe` works: HS codes are translated into shares of the
        world's sectors (`GEResult.coverage`), and a list of buyers scales the destination's taste
        for the origin instead of splitting it.
    deficits : {"fixed", "share", "zero", "purged", "income"}
        What becomes of trade deficits, in money of the numeraire.  "fixed": they stay.  "share": a
        share of world value added, the same as fixed here.  "zero": they vanish with the scenario,
        so that welfare has the end of imbalances in it: 1 + welfare_change is that of "purged"
        times that of the same world without deficits and without the scenario.
        "purged": they vanish first, at the baseline tariffs, and that is the baseline (Ossa 2014).
        "income": a fixed share of each country's spending, shifted alike to sum to zero.
    revenue : {"lump_sum", "income_tax"}
        Tariff revenue is paid out, or lowers the tax on labour income; export-tax revenue is
        always paid out.
    labour_supply : float >= 0, default 0
        Elasticity of labour supply in the real wage after tax.
    va_substitution, input_substitution, final_substitution : float >= 0, default 1
        CES between value added and inputs, between inputs, between final goods; 1 is Cobb-Douglas.
    tol : float, default 1e-10
        Largest residual of any market relative to its size.
    max_iter : int, default 5000
        Most evaluations of the equations.
    threads : int, optional
        Threads, default all cores this process may use.  Results are the same for any number.
    on_error : {"raise", "record"}
        What no solution does: an error, or NaN with ``converged`` False and a warning.
    progress : bool
        Show a progress bar over scenarios (needs tqdm).
    start : GEResult, optional
        A result on a world of the same size to start from; the answer does not depend on it.

    Returns
    -------
    GEResult

    Raises
    ------
    DataError
        `world` is no World, or an option is out of its range.
    ScenarioError
        A rule matches nothing, cannot be said in general equilibrium, or a ban leaves a country
        without any source of what it buys.
    ConvergenceError
        No equilibrium exists because a country's income cannot carry its fixed surplus, which is
        named; or none was found: with the worst market and its kind.

    Notes
    -----
    In ratios new / baseline, importer n, exporter i, sector j, inputs k (primes: new levels):

        c = c~(w, P) S^-psi / A,           kap = d (1+t')(1+x') / ((1+t)(1+x)),
        P[n,j] = (sum_i pi (c[i,j] kap)^-theta)^(-1/theta),
        pi' = pi (c[i,j] kap / P[n,j])^-theta,
        X'[n,j] = sum_k g'[n,j,k] (1-rho_k) Y'[n,k] + alpha'[n,j] I'[n],
        Z' = pi' X' / (1+t'),              Y'[i,j] = sum_n Z' / (1+x'),
        I' = w L V + sum rho Y' + R' + XR' + D',    w L V = sum gamma' (1-rho) Y',
        L = (w s / Pc)^kappa,              sum w L V = sum V (numeraire).

    A limit on quantities multiplies the price of its flows by e^m, 0 <= m, limit - quantity >= 0,
    one of them zero; a full ban is pi' = 0.

    References
    ----------
    Dekle, Eaton and Kortum (2008), doi:10.1057/imfsp.2008.17.  Caliendo and Parro (2015),
    doi:10.1093/restud/rdu035, equations 2 to 11.  Ossa (2014), doi:10.1257/aer.104.12.4104.
    Baqaee and Farhi (2024), doi:10.3982/ECTA17513.

    Examples
    --------
    >>> import numpy as np
    >>> import tradewar as tw
    >>> trade = np.array([[80.0, 20.0], [20.0, 80.0]])[:, :, None]
    >>> world = tw.World.from_tables(trade, theta=4.0, tariff=0.0, countries=["A", "B"])
    >>> scn = tw.Scenario("A taxes B").tariff(importer="A", exporter="B", set=0.25)
    >>> tw.solve_ge(world, scn).welfare.round(4).tolist()
    [0.0119, -0.0199]
    """
    [result] = solve_batch(
        world,
        [scenario],
        deficits=deficits,
        revenue=revenue,
        labour_supply=labour_supply,
        va_substitution=va_substitution,
        input_substitution=input_substitution,
        final_substitution=final_substitution,
        tol=tol,
        max_iter=max_iter,
        threads=threads,
        on_error=on_error,
        progress=progress,
        start=start,
    )
    warn_failures([result])
    return result


def solve_batch(
    world: World,
    scenarios: Sequence[Scenario],
    *,
    deficits: str = "fixed",
    revenue: str = "lump_sum",
    labour_supply: float = 0.0,
    va_substitution: float = 1.0,
    input_substitution: float = 1.0,
    final_substitution: float = 1.0,
    tol: float = 1e-10,
    max_iter: int = MAX_ITER,
    threads: int | None = None,
    on_error: str = "raise",
    progress: bool = False,
    start: GEResult | None = None,
) -> list[GEResult]:
    """Solve scenarios in one call of the core; options as in `solve_ge`.  Nobody is warned."""
    begun = time.perf_counter()
    _check(world, scenarios, start)
    check_choices(
        (
            ("deficits", deficits, DEFICITS),
            ("revenue", revenue, REVENUE),
            ("on_error", on_error, ON_ERROR),
        )
    )
    numbers = (labour_supply, va_substitution, input_substitution, final_substitution)
    for name, number in zip(_NUMBERS, numbers, strict=True):
        _check_number(name, number)
    check_tol(tol)
    check_count("max_iter", max_iter, "")
    check_count("threads", threads, "all cores")
    closure = Closure(deficits, revenue, *(float(x) for x in numbers))
    core: dict[str, Any] = {"tol": tol, "max_iter": max_iter, "threads": threads_of(threads)}
    if deficits == "purged":
        world = purge(world, closure, core)
    if revenue == "income_tax":
        _check_relief(world)
    _check_leisure(world, closure.labour_supply)
    economy = WorldRules.of(world)
    wedges = []
    for scenario in scenarios:
        try:
            wedges.append(apply_rules(scenario.rules, world._data, economy))
        except ScenarioError as error:
            if len(scenarios) == 1:
                raise
            raise ScenarioError(f"scenario {scenario.name!r}, {error}") from None
    flat = places(world)
    changes = [read_wedges(world, wedge, flat) for wedge in wedges]
    shown = bar(None, len(scenarios), "scenario") if progress else None
    tell = None if shown is None else lambda done: shown.update(done - shown.n)
    begin = None if start is None else start.state
    states = solve(world, closure, changes, start=begin, progress=tell, **core)
    if shown is not None:
        shown.update(len(scenarios) - shown.n)
        shown.close()
    levels = _levels(world, closure, changes, states, core["threads"])
    seconds = time.perf_counter() - begun
    out = []
    for k, scenario in enumerate(scenarios):
        state, level = states[k], levels[k]
        cause = ""
        if state.status != 0:
            cause = _report(world, scenario, changes[k], state, closure, on_error, len(scenarios))
            state = _blank(state)
        said = [cause] if cause else undetermined(changes[k].limits, state.multiplier)
        info = {
            "status": state.status,
            "cause": cause,
            "iterations": state.iterations,
            "residual": state.residual,
            "tolerance": tol,
            "seconds": seconds,
            "scenarios": len(scenarios),
            "max_iter": max_iter,
            "threads": core["threads"],
            "code_path": _core.levels[-1],
            "warnings": said,
            "versions": versions(_core.__version__),
        }
        out.append(GEResult(world, scenario, wedges[k], closure, changes[k], state, level, info))
    return out


def warn_failures(results: Sequence[GEResult]) -> None:
    """Warn of scenarios without a solution, or with many, in the name of the caller's caller."""
    for result in results:
        for text in result.info["warnings"] if result.converged else ():
            warnings.warn(f"{result.scenario.name!r}: {text}", DataWarning, stacklevel=3)
    notes = [f"{r.scenario.name!r}: {r.info['cause']}" for r in results if not r.converged]
    if notes:
        warnings.warn(
            f"{len(notes)} of {len(results)} scenarios have no solution and NaN in place of "
            f"numbers: {first_five(notes)}",
            DataWarning,
            stacklevel=3,
        )


def purge(world: World, closure: Closure, core: dict[str, Any]) -> World:
    """Give the equilibrium of a world without deficits at its own tariffs, as a world."""
    if not world._deficit.any():
        return world
    scenario = Scenario("no deficits")
    zero = replace(closure, deficits="zero")
    [state] = solve(world, zero, [NO_CHANGES], **core)
    if state.status != 0:
        _report(world, scenario, NO_CHANGES, state, zero, "raise", 1)
    [level] = evaluate(world, zero, [NO_CHANGES], [state])
    wedges = Wedges(world._data._tariff, world._data._export_tax, None, None, (), 0)
    info = {"status": 0, "cause": "", "tolerance": core["tol"], "warnings": [], **core}
    info |= {"iterations": state.iterations, "residual": state.residual}
    result = GEResult(world, scenario, wedges, zero, NO_CHANGES, state, level, info)
    return world.rebase(result)


# ---- arguments ----------------------------------------------------------------------------------


def _check(world: Any, scenarios: Sequence[Any], start: Any) -> None:
    if not isinstance(world, World):
        raise DataError(
            f"world is a {type(world).__name__}: make a World with tw.World.from_tables(trade, "
            "theta=...) or take one of tw.datasets; flows alone are for solve_pe"
        )
    for scenario in scenarios:
        if not isinstance(scenario, Scenario):
            raise ScenarioError(
                f"scenario is a {type(scenario).__name__}: start with tw.Scenario('name')"
            )
    if start is None:
        return
    if not isinstance(start, GEResult):
        raise DataError(f"start is a {type(start).__name__}: give a GEResult, or leave it out")
    if start.world.countries != world.countries or start.world.products != world.products:
        raise DataError("start= is a result on a world of other countries or products")
    if not start.converged:
        raise DataError("start= is a result without a solution")


def _check_number(name: str, given: Any) -> None:
    number = isinstance(given, int | float | np.number) and not isinstance(given, bool)
    if not (number and math.isfinite(given) and given >= 0):
        raise DataError(f"{name}={given!r}: give a number >= 0")


def _check_relief(world: World) -> None:
    """Refuse relief from income tax where tariffs already raise more than labour earns."""
    duty = (world._tariff * world._trade).sum(axis=(1, 2))
    bad = np.flatnonzero(~(duty < world._labour_income))
    if bad.size:
        named = first_five(
            [f"{world._countries[n]} {duty[n]:.4g} of {world._labour_income[n]:.4g}" for n in bad]
        )
        raise DataError(
            f'revenue="income_tax": tariff revenue is as large as labour income ({named} '
            f'{world.value_unit}), so that no tax is left to relieve; use revenue="lump_sum"'
        )


def _check_leisure(world: World, kappa: float) -> None:
    """Refuse an elasticity at which welfare, net of the cost of work, is not above zero."""
    work = kappa / (1.0 + kappa) * world._labour_income
    bad = np.flatnonzero(~(world._income > work))
    if bad.size:
        named = first_five(
            [f"{world._countries[n]} {world._income[n]:.4g} less {work[n]:.4g}" for n in bad]
        )
        raise DataError(
            f"labour_supply={kappa:g}: welfare, final spending less k = kappa/(1 + kappa) of "
            f"labour income, is not above zero at the baseline ({named} {world.value_unit}), so "
            'that a change relative to it has no meaning; use a smaller one, or deficits="purged"'
        )


# ---- failures -----------------------------------------------------------------------------------


def _levels(
    world: World, closure: Closure, changes: list[Changes], states: list[State], threads: int
) -> list[Levels]:
    """Evaluate the scenarios that have a solution; the others get NaN."""
    solved = [k for k, state in enumerate(states) if state.status == 0]
    found: dict[int, Levels] = {}
    if solved:
        batch, point = [changes[k] for k in solved], [states[k] for k in solved]
        levels = evaluate(world, closure, batch, point, threads=threads)
        found = dict(zip(solved, levels, strict=True))
    by_sector = np.full(world._output.shape, np.nan)
    by_country = np.full(len(world._income), np.nan)
    none = Levels(by_sector, by_sector, *(by_country for _ in range(5)))
    return [found.get(k, none) for k in range(len(states))]


def _blank(state: State) -> State:
    """Put NaN in place of the last iterate."""
    empty: Any = {
        name: np.full_like(array, np.nan)
        for name, array in state._asdict().items()
        if isinstance(array, np.ndarray)
    }
    return state._replace(**empty)


def _place(world: World, changes: Changes, state: State) -> str:
    """Name the worst market."""
    J = len(world._products)
    if state.where < 0:
        return ""
    if state.what in (_LABOUR, _NO_EQUILIBRIUM):
        return world._countries[state.where]
    if state.what in (_LIMIT, _BAD_LIMIT):
        limits = changes.limits
        return f"rule {limits.rule[state.where]} {limits.product[state.where]}"
    if state.what in (_PRICE, _GOODS, _SCALE, _NO_SOURCE):
        return f"{world._countries[state.where // J]} {world._products[state.where % J]}"
    return ""


def _report(
    world: World,
    scenario: Scenario,
    changes: Changes,
    state: State,
    closure: Closure,
    on_error: str,
    many: int,
) -> str:
    """Raise for a scenario without a solution, or say in words what is wrong."""
    place = _place(world, changes, state)
    label = f"scenario {scenario.name!r}: " if many > 1 else ""
    stuck = state.what in _KINDS or state.what == _NO_EQUILIBRIUM
    if state.what == _NO_EQUILIBRIUM:
        text = _no_equilibrium(world, closure, state, place)
    elif state.what == _NO_SOURCE:
        text = (
            f"{place} is left without any source: keep one origin open with except_=, or use a "
            "high tariff in place of the ban"
        )
    elif state.what in _KINDS:
        text = (
            f"no convergence: the worst market is the {_KINDS[state.what]} of {place}, residual "
            f"{state.residual:.3g} after {state.iterations} steps (max_iter= allows more)"
        )
    else:
        text = f"{_core.ge_cause(state.what)}{f' at {place}' if place else ''}"
    if on_error == "record":
        return text
    text = f'{label}{text}; on_error="record" gives NaN in place of an error'
    if not stuck:
        raise ScenarioError(text)
    raise ConvergenceError(
        "no equilibrium" if state.what == _NO_EQUILIBRIUM else "not converged",
        state.iterations,
        state.residual,
        state.where,
        state,
        (place,),
        text,
    )


def _no_equilibrium(world: World, closure: Closure, state: State, place: str) -> str:
    deficit, income = world._deficit[state.where], world._income[state.where]
    text = f"no equilibrium: the income of {place} cannot carry its "
    if deficit < 0.0 and closure.deficits in ("fixed", "share"):
        text += f"fixed surplus of {-deficit:,.6g} {world.value_unit}"
    else:
        text += "obligations"
    text += f" (final spending at the baseline {income:,.6g})"
    return text + '; use deficits="income", "zero" or "purged", or a smaller shock'
