"""Parameters of a world's sectors: trade elasticities, rents, scale; numbers or a named set."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from tradewar.codes import suggest
from tradewar.datasets._tables import load_table
from tradewar.errors import DataError, first_five
from tradewar.world_reading import Axes

__all__ = ["SETS", "read_parameters"]

SERVICES = 8.22  # the mean of the estimates, which the paper's simulation gives to services
_SERVICE = re.compile(r"[D-T](\d.*)?")
SETS = {
    "cp2015": (
        "theta: Caliendo and Parro (2015), Review of Economic Studies 82(1), 1-44, "
        "doi:10.1093/restud/rdu035, Table 1, by ICIO goods sector; services 8.22, the mean that "
        "their simulation uses"
    ),
}


def read_parameters(
    theta: Any, rents: Any, scale: Any, axes: Axes
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read theta, rents and scale of each product, and check that they go together."""
    elasticity = read_theta(theta, axes)
    profit, returns = _read_rents_and_scale(rents, scale, axes)
    bad = np.flatnonzero(~(returns * elasticity < 1.0))
    if bad.size:
        shown = first_five([f"{axes.products[j]}: {returns[j]:g} x {elasticity[j]:g}" for j in bad])
        raise DataError(
            f"scale times theta must be below 1 for an equilibrium to be unique ({shown})"
        )
    return elasticity, profit, returns


def _read_rents_and_scale(rents: Any, scale: Any, axes: Axes) -> tuple[np.ndarray, np.ndarray]:
    """Read the rent share and the scale elasticity of each product; None is 0."""
    out = []
    for given, name, top in ((rents, "rents", 1.0), (scale, "scale", np.inf)):
        number = axes.line(0.0 if given is None else given, name, "product")
        bad = np.flatnonzero(~((number >= 0) & (number < top)))
        if bad.size:
            shown = first_five([f"{axes.products[j]}: {number[j]:g}" for j in bad])
            limits = "in [0, 1)" if name == "rents" else ">= 0"
            raise DataError(f"{name} must be {limits} for every product ({shown})")
        out.append(number)
    return out[0], out[1]


def read_theta(given: Any, axes: Axes) -> np.ndarray:
    """Read the trade elasticity of each product.

    Parameters
    ----------
    given : float, Series or mapping by product, array, or the name of a set
        "cp2015": by ICIO sector label of any edition (A01_02, C24, C24A, G ...).
    axes : Axes

    Returns
    -------
    float64 array, shape (product,), pure number > 0

    Raises
    ------
    DataError
        A product has no value, or one that is not above 0; no set has that name.
    """
    if isinstance(given, str):
        theta = _named(given, axes.products)
        axes.notes.append(SETS[given])
    else:
        theta = axes.line(given, "theta", "product")
    bad = np.flatnonzero(~(theta > 0))
    if bad.size:
        shown = [f"{axes.products[j]}: {theta[j]:g}" for j in bad]
        raise DataError(
            f"theta must be above 0 for {bad.size} products ({first_five(shown)}); it is the trade "
            "elasticity, the CES substitution minus one"
        )
    return theta


def _named(name: str, products: Sequence[str]) -> np.ndarray:
    if name not in SETS:
        raise DataError(
            f"theta={name!r} is no set{suggest(name, SETS)}; sets are {', '.join(SETS)}"
        )
    table = load_table("icio_sectors")
    of = dict(zip(table["product"].tolist(), table["cp2015"].tolist(), strict=True))
    of.update(zip(table["coarse"].tolist(), table["cp2015"].tolist(), strict=True))
    found = [of.get(p, SERVICES if _SERVICE.fullmatch(p) else np.nan) for p in products]
    theta = np.array(found, dtype=np.float64)
    bad = [p for p, x in zip(products, theta, strict=True) if np.isnan(x)]
    if bad:
        raise DataError(
            f"theta={name!r}: {len(bad)} products are no ICIO sectors ({first_five(bad)}): give a "
            "Series by product"
        )
    return theta
