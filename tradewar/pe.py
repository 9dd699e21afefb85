"""Partial equilibrium by product: `solve_pe`.

Coerce, fill defaults, call the core, wrap in a result: the equations are in `solve_pe`'s notes,
the tables in `pe_result`.
"""

from __future__ import annotations

import time
import warnings
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar import _core
from tradewar.data import TradeData
from tradewar.elasticities import Resolved, resolve
from tradewar.errors import (
    ConvergenceError,
    DataError,
    DataWarning,
    LinearizationWarning,
    ScenarioError,
    first_five,
)
from tradewar.pe_controls import solve_with_limits
from tradewar.pe_problem import Problem
from tradewar.pe_result import PEResult
from tradewar.running import (
    ON_ERROR,
    bar,
    check_choices,
    check_count,
    check_tol,
    threads_of,
    versions,
)
from tradewar.scenario import Scenario, Wedges

__all__ = ["solve_pe"]

Method = Literal["exact", "euler", "linear", "smart"]
Elasticity = float | str | pd.Series | pd.DataFrame | None

_METHODS = {"exact": 0, "linear": 1, "euler": 2, "smart": 3}
_FORMS = {"derivative": 0, "laird_yeats": 1}
_SURPLUS = ("exact", "gsim2003")
_EULER_STEPS = 100
_STUCK = (9, 10)  # not converged, out of range
# Causes that lie in the scenario and not in the numbers: tw_pe_cause in csrc/include/tradewar.h.
_SCENARIO_CAUSES = {
    6: "keep one origin open: use except_=, or a high tariff in place of the ban",
    7: "use substitution above 1 for these destinations, or a high tariff in place of the ban",
    8: 'use method="exact"; SMART also needs one destination and tariffs alone',
    11: "give a limit above 0; ban() is for no trade at all",
    12: "raise a quota, lower a commitment or price floor, or give supply an elasticity above 0",
}


def solve_pe(
    data: TradeData,
    scenario: Scenario,
    *,
    substitution: Elasticity = None,
    demand: Elasticity = None,
    supply: Elasticity = None,
    home_substitution: Elasticity = None,
    method: Method = "exact",
    steps: int | None = None,
    surplus: Literal["exact", "gsim2003"] = "exact",
    diversion_formula: Literal["derivative", "laird_yeats"] = "derivative",
    on_error: Literal["raise", "record"] = "raise",
    threads: int | None = None,
    progress: bool = False,
    tol: float = 1e-12,
) -> PEResult:
    """Solve every market of the data for its equilibrium after the scenario.

    Parameters
    ----------
    data : TradeData
        Baseline flows; never modified.
    scenario : Scenario
        What changes.
    substitution, demand, supply, home_substitution : float, str, Series, DataFrame or None
        Elasticities, pure numbers, as magnitudes.  substitution (> 0): between origins in a
        destination.  demand (> 0): of the composite good in a destination; of *total* demand where
        the data hold home sales, of *import* demand where they do not.  supply (0 to inf): of an
        exporter; *residual* supply where the data hold one destination.  home_substitution:
        between the home good and the composite of imports; None = one level.
        A number; the name of a set (`elasticities.list_sets`); a Series by HS prefix, longest
        prefix first; or a frame with key columns (importer or exporter, product) and a column of
        the argument's name.  None takes the default set of a built-in dataset; a user's own data
        have none.
    method : {"exact", "euler", "linear", "smart"}, default "exact"
        "linear" is GSIM (one Euler step in levels), "euler" `steps` steps in logs, "smart" the
        single-importer formula: for comparison with other tools.
    steps : int, optional
        Steps of "euler", default 100.
    surplus : {"exact", "gsim2003"}
        "gsim2003" with "linear": the published consumer-surplus formula with sign().
    diversion_formula : {"derivative", "laird_yeats"}
        Diversion of "smart".
    on_error : {"raise", "record"}
        What a market without a solution does: an error, or NaN rows with a status in
        ``res.markets`` and one warning with counts.
    threads : int, optional
        Threads, default all cores this process may use.  Results are the same for any number.
    progress : bool
        Show a progress bar (needs tqdm).
    tol : float, default 1e-12
        Largest |ln demand - ln supply| of an exporter that counts as solved; never below the
        rounding of the elasticities, 16 eps (1 + largest elasticity).

    Returns
    -------
    PEResult

    Raises
    ------
    DataError
        An argument is out of its range, an elasticity is missing for a flow, or no default exists.
    ScenarioError
        A rule matches nothing, or a market has no equilibrium because of a ban.
    ConvergenceError
        A market did not converge, with the labels of the markets.

    Notes
    -----
    For importer n and exporter i, with ratios after / before: producer price p_i, export tax
    A = 1 + x, other trade costs F, tariff T = 1 + t,

        u_ni = p_i (A1/A0) F (T1/T0),      P_n = [sum_i theta_ni u_ni^(1-sigma)]^(1/(1-sigma)),
        q_ni = (u_ni/P_n)^-sigma P_n^-eps, sum_n phi_ni q_ni = p_i^mu_i,

    theta tariff-inclusive shares of origins in a destination, phi shares of destinations in an
    exporter's sales by quantity.  mu infinite: p = 1; mu = 0: quantity given.  A banned flow
    leaves the sum.  An equilibrium is unique where substitution >= demand.

    References
    ----------
    Armington (1969), doi:10.2307/3866403.  Francois and Hall (2009), GSIM: the case
    ``method="linear"``.  Laird and Yeats (1986), UNCTAD discussion paper 19: ``method="smart"``.

    Examples
    --------
    >>> import pandas as pd, tradewar as tw
    >>> df = pd.DataFrame(
    ...     [("CHN", "USA", "850440", 60.0, 0.25), ("MEX", "USA", "850440", 40.0, 0.0)],
    ...     columns=["exporter", "importer", "product", "value", "tariff"],
    ... )
    >>> scn = tw.Scenario("+100").tariff(importer="USA", exporter="CHN", add=1.0)
    >>> res = tw.solve_pe(
    ...     tw.TradeData.from_frame(df), scn, substitution=3.0, demand=1.0, supply=float("inf")
    ... )
    >>> res.flows["quantity_ratio"].round(4).tolist()
    [0.3123, 1.8211]
    """
    start = time.perf_counter()
    _check_types(data, scenario)
    _check_options(method, steps, surplus, diversion_formula, on_error, threads, tol)
    if method == "euler" and steps is None:
        steps = _EULER_STEPS
    wedges = scenario._apply(data)
    touched = wedges.touched_products
    found = {
        "substitution": resolve(data, "substitution", substitution, touched_products=touched),
        "demand": resolve(data, "demand", demand, touched_products=touched),
        "supply": resolve(data, "supply", supply, touched_products=touched),
    }
    home = _resolve_home(data, home_substitution, touched)
    notes = _warn_complements(data, found["substitution"], found["demand"])

    layout = data._layout
    before, after = _export_taxes(data, wedges)
    problem = Problem(
        exp_ptr=layout.exp_ptr,
        row_ptr=layout.row_ptr,
        imp_ptr=layout.imp_ptr,
        col=layout.col,
        value=data._value,
        t0=data._tariff,
        t1=wedges.tariff,
        x0=before,
        x1=after,
        cost=wedges.cost,
        weight=wedges.weight,
        sigma=found["substitution"].values,
        eps=found["demand"].values,
        sigma_home=None if home is None else home.values,
        home=None if home is None else _home_flows(data),
        mu=found["supply"].values,
    )
    shown = bar(None, len(data.products), "market") if progress else None
    tell = None if shown is None else lambda done: shown.update(done - shown.n)
    settled = None
    if wedges.limits is None:
        solution = problem.solve(
            method=_METHODS[method],
            steps=1 if steps is None else steps,
            form=_FORMS[diversion_formula],
            tol=tol,
            threads=threads_of(threads),
            progress=tell,
        )
    elif method != "exact":
        raise ScenarioError(f'quantity controls need method="exact", not {method!r}')
    else:
        solution, settled = solve_with_limits(
            problem, wedges.limits, data, tol=tol, threads=threads_of(threads), progress=tell
        )
    if shown is not None:
        shown.update(len(data.products) - shown.n)
        shown.close()
    p, composite, q, status, cause, iterations, residual, _ = solution
    failed = status != 0
    if failed.any():
        notes += _report_failures(data, status, cause, iterations, residual, on_error)
        p[failed[_owner(layout.exp_ptr)]] = np.nan
        composite[failed[_owner(layout.imp_ptr)]] = np.nan
        q[np.repeat(failed, np.diff(layout.market_ptr))] = np.nan
    seconds = time.perf_counter() - start
    result = PEResult(
        data=data,
        scenario=scenario,
        wedges=wedges,
        method=method,
        surplus=surplus,
        steps=steps,
        ln_p=p,
        ln_P=composite,
        q=q,
        substitution=found["substitution"],
        demand=found["demand"],
        home_substitution=home,
        supply=found["supply"],
        status=status,
        iterations=iterations,
        residual=residual,
        settled=settled,
        info={
            "seconds": seconds,
            "threads": threads_of(threads),
            "code_path": _core.levels[-1],
            "iterations": int(iterations.max(initial=0)),
            "residual": float(np.max(residual[~failed], initial=0.0)),
            "tolerance": tol,
            "markets_failed": int(failed.sum()),
            "warnings": notes,
            "versions": versions(_core.__version__),
        },
    )
    if method in ("linear", "smart"):
        _warn_negative(result)
    return result


# ---- arguments ----------------------------------------------------------------------------------


def _check_types(data: Any, scenario: Any) -> None:
    if not isinstance(data, TradeData):
        raise DataError(
            f"data is a {type(data).__name__}: make a TradeData with tw.TradeData.from_frame(df)"
        )
    if not isinstance(scenario, Scenario):
        raise ScenarioError(
            f"scenario is a {type(scenario).__name__}: start with tw.Scenario('name')"
        )


def _check_options(
    method: str,
    steps: Any,
    surplus: str,
    diversion_formula: str,
    on_error: str,
    threads: Any,
    tol: Any,
) -> None:
    check_choices(
        (
            ("method", method, _METHODS),
            ("surplus", surplus, _SURPLUS),
            ("diversion_formula", diversion_formula, _FORMS),
            ("on_error", on_error, ON_ERROR),
        )
    )
    if surplus != "exact" and method != "linear":
        raise DataError(f'surplus={surplus!r} belongs to method="linear", not to {method!r}')
    if diversion_formula != "derivative" and method != "smart":
        raise DataError(f'diversion_formula belongs to method="smart", not to {method!r}')
    if steps is not None and method != "euler":
        raise DataError(f'steps={steps} belongs to method="euler", not to {method!r}')
    if steps is not None and not (isinstance(steps, (int, np.integer)) and 1 <= steps <= 10**6):
        raise DataError(f"steps={steps!r}: give a whole number from 1 to 1,000,000")
    check_count("threads", threads, "all cores")
    check_tol(tol)


def _owner(ptr: NDArray[np.intp]) -> NDArray[np.intp]:
    """Market of each slot."""
    return np.repeat(np.arange(len(ptr) - 1), np.diff(ptr))


def _export_taxes(
    data: TradeData, wedges: Wedges
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
    """Export taxes before and after: both, or neither."""
    before, after = data._export_tax, wedges.export_tax
    if before is None and after is None:
        return None, None
    zero = np.zeros(len(data._value)) if before is None or after is None else None
    return (zero if before is None else before), (before if after is None else after)


def _home_flows(data: TradeData) -> NDArray[np.intp]:
    """Flow of the home good of each importer slot, -1 where there is none."""
    home = np.full(len(data._layout.imp_code), -1, dtype=np.intp)
    rows = np.flatnonzero(data._exporter == data._importer)
    home[data._imp_slot[rows]] = rows
    return home


def _resolve_home(data: TradeData, spec: Elasticity, touched: int | None) -> Resolved | None:
    if spec is None:
        return None
    if not data.report.home_sales:
        raise DataError(
            "home_substitution needs home sales (rows with exporter == importer) and the data hold "
            "none: leave it out, or add an estimated home good with data.with_home(share=...)"
        )
    return resolve(data, "home_substitution", spec, touched_products=touched)


# ---- warnings and failures ----------------------------------------------------------------------


def _warn_complements(data: TradeData, substitution: Resolved, demand: Resolved) -> list[str]:
    above = demand.values > substitution.values
    if not above.any():
        return []
    lines = np.bincount(data._imp_slot, minlength=len(above))[above].sum()
    note = (
        f"demand exceeds substitution in {int(above.sum())} of {len(above)} destination-products "
        f"({int(lines)} flows): origins there are complements, and rivals lose from a tariff"
    )
    warnings.warn(note, DataWarning, stacklevel=3)
    return [note]


def _warn_negative(result: PEResult) -> None:
    flows = result.negative_flows()
    if len(flows) == 0:
        return
    rows = [
        f"{r.exporter}->{r.importer} {r.product} ({r.value_new:.6g})"
        for r in flows.head(5).itertuples()
    ]
    note = (
        f"the {result.method} method gives {len(flows)} negative flows: "
        f"{'; '.join(rows)}{'; ...' if len(flows) > 5 else ''}. Nothing is clipped; "
        'method="exact" keeps flows positive'
    )
    warnings.warn(note, LinearizationWarning, stacklevel=3)
    result.info["warnings"].append(note)


def _report_failures(
    data: TradeData,
    status: NDArray[np.int32],
    cause: NDArray[np.int32],
    iterations: NDArray[np.int32],
    residual: NDArray[np.float64],
    on_error: str,
) -> list[str]:
    """Raise for failed markets, or warn with counts and go on."""
    bad = np.flatnonzero(status != 0)
    parts = []
    for code in np.unique(cause[bad]):
        labels = list(data.products[bad[cause[bad] == code]])
        way_out = _SCENARIO_CAUSES.get(int(code), "see res.markets")
        parts.append(
            f"{_core.pe_cause(int(code))} in {len(labels)} of {len(data.products)} markets: "
            f"{first_five(labels)} ({way_out})"
        )
    text = "; ".join(parts)
    if on_error == "record":
        note = f"{len(bad)} markets have no solution and NaN rows: {text}"
        warnings.warn(note, DataWarning, stacklevel=3)
        return [note]
    text += '; on_error="record" keeps the other markets'
    if not np.isin(cause[bad], _STUCK).any():
        raise (ScenarioError if int(cause[bad[0]]) in _SCENARIO_CAUSES else DataError)(text)
    worst = bad[np.nanargmax(np.where(np.isfinite(residual[bad]), residual[bad], np.inf))]
    raise ConvergenceError(
        "not converged",
        int(iterations[worst]),
        float(residual[worst]),
        int(worst),
        None,
        tuple(data.products[bad]),
        text,
    )
