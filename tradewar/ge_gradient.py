"""How a country's welfare moves with every tariff, export tax, trade cost and limit at once.

One adjoint (transposed) solve for each country gives the derivatives by all flows, at the price of
about one forward solve.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar.errors import ConvergenceError, DataError
from tradewar.ge_problem import Gradient, Seeds, gradient
from tradewar.ge_tables import finish
from tradewar.running import check_count, check_tol, threads_of
from tradewar.selectors import check_selector, country_mask

if TYPE_CHECKING:
    from tradewar.ge_result import GEResult

__all__ = ["limit_gradient", "precision", "welfare_gradient", "welfare_seeds"]

Floats = NDArray[np.float64]

MAX_PRODUCTS = 600  # Jacobian products a country; usual solves take 20


def welfare_gradient(
    result: GEResult,
    country: Any = None,
    *,
    cost: bool = False,
    tol: float = 1e-10,
    threads: int | None = None,
) -> pd.DataFrame:
    """Differentiate welfare by every tariff and export tax at a solution.

    Parameters
    ----------
    result : GEResult
    country : selector, optional
        Whose welfare: a label, a list or a group; all by default.
    cost : bool, default False
        Differentiate by trade costs as well.
    tol : float, default 1e-10
        Relative residual of the adjoint equations.
    threads : int, optional
        Threads, default all cores this process may use.

    Returns
    -------
    DataFrame
        country exporter importer product tariff_gradient (d ln W / d ln(1 + t')), and in the same
        way export_tax_gradient and, if asked for, cost_gradient: pure numbers, new revenue counted
        where it goes.  Every flow of the world is a row; a banned one has 0.

    Raises
    ------
    DataError
        The result has no solution, or a selector matches nothing.
    ConvergenceError
        The adjoint equations were not solved to `tol`.

    Notes
    -----
    With F(z, p) = 0 the equations and ln W(z, p): ``d ln W/dp = W_p - a' F_p`` where
    ``F_z' a = W_z``.  At a kink, where a limit is just met, it is the derivative of one side.

    Examples
    --------
    >>> import numpy as np
    >>> import tradewar as tw
    >>> trade = np.array([[80.0, 20.0], [20.0, 80.0]])[:, :, None]
    >>> world = tw.World.from_tables(trade, theta=4.0, tariff=0.0, countries=["A", "B"])
    >>> res = tw.solve_ge(world, tw.Scenario("free trade"))
    >>> table = welfare_gradient(res, "A")
    >>> rows = table.set_index(["exporter", "importer"])["tariff_gradient"]
    >>> bool(rows["B", "A"] > 0 > rows["A", "B"])  # own tariffs help, those of others hurt
    True
    """
    who, found = _solve(result, country, cost, tol, threads)
    world, data = result.world, result.data
    place = (data._importer, data._exporter, data._product)
    parts = []
    for row, n in enumerate(who):
        columns: dict[str, Any] = {
            "country": world._countries[n],
            "exporter": data.countries.take(data._exporter),
            "importer": data.countries.take(data._importer),
            "product": data.products.take(data._product),
        }
        for name in ("tariff", "export_tax", "cost"):
            array = getattr(found, name)
            if array is not None:
                columns[f"{name}_gradient"] = array[row][place]
        parts.append(pd.DataFrame(columns))
    frame = finish(result, pd.concat(parts, ignore_index=True))
    numbers = [name for name in frame.columns if name.endswith("_gradient")]
    frame.attrs["unit"] = dict.fromkeys(numbers, "pure number")
    return frame


def limit_gradient(
    result: GEResult, country: Any = None, *, tol: float = 1e-10, threads: int | None = None
) -> pd.DataFrame:
    """Differentiate welfare by the bounds of quantity limits at a solution.

    Parameters
    ----------
    result, country, tol, threads
        As in `welfare_gradient`.

    Returns
    -------
    DataFrame
        country rule instrument product limit_gradient (d ln W / d ln bound, a pure number; 0 where
        the limit is slack).
    """
    who, found = _solve(result, country, False, tol, threads)
    table = result.binding()[["rule", "instrument", "product"]]
    parts = [
        table.assign(country=result.world._countries[n], limit_gradient=found.limit[row])
        for row, n in enumerate(who)
    ]
    frame = pd.concat(parts, ignore_index=True)
    frame = finish(result, frame[["country", *table.columns, "limit_gradient"]])
    frame.attrs["unit"] = {"limit_gradient": "pure number"}
    return frame


def precision(
    result: GEResult, country: Any = None, *, tol: float = 1e-6, threads: int | None = None
) -> pd.DataFrame:
    """Say how well welfare is known; see `GEResult.precision`."""
    who, found = _solve(result, country, False, tol, threads, flows=False)
    names = pd.Index([result.world._countries[n] for n in who], dtype=str, name="country")
    frame = pd.DataFrame({"welfare_error": found.error}, index=names)
    frame.attrs["unit"] = {"welfare_error": "fraction"}
    return frame


def welfare_seeds(result: GEResult, who: NDArray[np.intp]) -> Seeds:
    """Derivatives of ln W of some countries by ln I', ln Pc and ln L.

    ``W = [I'/Pc - k V L^(1 + 1/kappa)] / [I - k V]`` with k = kappa/(1 + kappa), and
    ``k (1 + 1/kappa) = 1``.
    """
    world, kappa = result.world, result.closure.labour_supply
    pick = np.zeros((len(who), len(world._countries)))
    pick[np.arange(len(who)), who] = 1.0
    if kappa == 0.0:
        return Seeds(income=pick, price=-pick)
    real = result.levels.income / result.levels.price_index
    power = world._labour_income * result.state.labour ** (1.0 + 1.0 / kappa)
    whole = real - result._leisure * power
    return Seeds(
        income=np.ascontiguousarray(pick * (real / whole)),
        price=np.ascontiguousarray(-pick * (real / whole)),
        labour=np.ascontiguousarray(-pick * (power / whole)),
    )


def _solve(
    result: GEResult,
    country: Any,
    cost: bool,
    tol: float,
    threads: int | None,
    *,
    flows: bool = True,
) -> tuple[NDArray[np.intp], Gradient]:
    """Solve the adjoint equations of some countries."""
    check_tol(tol)
    check_count("threads", threads, "all cores")
    if not result.converged:
        raise DataError("the result has no solution (on_error='record'): nothing to differentiate")
    labels = list(result.world._countries)
    who = np.arange(len(labels))
    if country is not None:
        selector = check_selector(country, "country", DataError)
        who = np.flatnonzero(country_mask(selector, labels, "country", DataError))
    found = gradient(
        result.world,
        result.closure,
        result.changes,
        result.state,
        welfare_seeds(result, who),
        tariff=flows,
        export_tax=flows,
        cost=cost,
        tol=tol,
        max_iter=MAX_PRODUCTS,
        threads=threads_of(threads),
    )
    bad = np.flatnonzero(found.status != 0)
    if bad.size:
        names = [labels[who[k]] for k in bad]
        worst = int(bad[np.argmax(found.left[bad])])
        raise ConvergenceError(
            "not converged",
            int(found.products[worst]),
            float(found.left[worst]),
            int(who[worst]),
            None,
            names,
            f"the gradient of welfare of {names[0]} was not solved to {tol:g} (relative residual "
            f"{found.left[worst]:.2g} after {found.products[worst]} products): raise tol=",
        )
    return who, found
