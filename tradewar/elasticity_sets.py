"""Named sets of elasticities, each with its source and what to distrust."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from tradewar.codes import suggest
from tradewar.datasets._tables import load_table, metadata
from tradewar.errors import DataError

PARAMETERS = ("substitution", "demand", "supply", "home_substitution")

# Estimates outside these bounds are moved to them: the tails are noise and freeze or explode trade.
BOUNDS = {"bw2006": (1.05, 20.0), "protee": (1.05, 30.0)}


@dataclass(frozen=True, slots=True)
class ElasticitySet:
    """A named set of elasticities.

    Attributes
    ----------
    name : str
    source : str
        Author, year, journal, DOI.
    caveats : str
        What it is for and what to distrust.
    year : int
        Last year of the data it was estimated on.
    substitution, demand, supply, home_substitution : float, Series or None
        Pure numbers > 0 (supply: inf allowed); a Series is by HS prefix or by sector letter; None:
        the set has none.
    demand_one_product : float or None
        Demand where the scenario touches a single product.
    scheme : {"", "HS", "ICIO"}
        What the index of a Series means.
    winsorised : int
        Values that were moved to `bounds`.
    bounds : tuple of two floats, or None
    """

    name: str
    source: str
    caveats: str
    year: int
    substitution: float | pd.Series | None
    demand: float | pd.Series | None
    supply: float | pd.Series | None
    home_substitution: float | pd.Series | None = None
    demand_one_product: float | None = None
    scheme: str = ""
    winsorised: int = 0
    bounds: tuple[float, float] | None = None

    def describe(self, param: str) -> str:
        """Give a parameter in a few words."""
        value = getattr(self, param)
        if value is None:
            return "none"
        if param == "demand" and self.demand_one_product is not None:
            return f"{value:g} ({self.demand_one_product:g} for one product)"
        if not isinstance(value, pd.Series):
            return f"{value:g}"
        if self.scheme == "ICIO":
            return ", ".join(f"{key} {number:g}" for key, number in value.items())
        return f"by HS code, {len(value):,} values, median {value.median():.3g}"

    def __repr__(self) -> str:
        lines = [f"elasticity set {self.name!r}"]
        lines += [f"  {param}: {self.describe(param)}" for param in PARAMETERS]
        return "\n".join([*lines, f"  source: {self.source}", f"  caveats: {self.caveats}"])


def _us_2018_19() -> ElasticitySet:
    return ElasticitySet(
        name="us_2018_19",
        source=(
            "Fajgelbaum, Goldberg, Kennedy and Khandelwal (2020), Quarterly Journal of Economics "
            "135(1), 1-55, doi:10.1093/qje/qjz036"
        ),
        caveats=(
            "Estimated on US imports within about a year of the tariffs of 2018-19: short run. "
            "Demand is that of imports, 1.19 for imports as a whole and 1.53 between products. "
            "Supply infinite: complete pass-through at the border, as found then; it is residual "
            "supply to one destination and says nothing about larger or longer shocks."
        ),
        year=2019,
        substitution=2.53,
        demand=1.19,
        supply=np.inf,
        demand_one_product=1.53,
    )


def _long_run() -> ElasticitySet:
    return ElasticitySet(
        name="long_run",
        source=(
            "substitution: a convention near the mean of estimates from tariffs, Head and Mayer "
            "(2014), Handbook of International Economics 4, 131-195, "
            "doi:10.1016/B978-0-444-54314-1.00003-3; demand and supply as us_2018_19"
        ),
        caveats=(
            "One number for all products, for sourcing that has years to adjust. Demand and supply "
            "stay those of the short run."
        ),
        year=2014,
        substitution=5.0,
        demand=1.19,
        supply=np.inf,
        demand_one_product=1.53,
    )


def _from_table(name: str, caveats: str) -> ElasticitySet:
    table, known = load_table(name), metadata(name)
    sigma = pd.Series(table["sigma"], index=pd.Index(table["prefix"].tolist(), name="product"))
    bounds = BOUNDS[name]
    sigma, moved = winsorize(sigma, lower=bounds[0], upper=bounds[1])
    return ElasticitySet(
        name=name,
        source=str(known["source"]),
        caveats=f"{caveats} Winsorised to {bounds[0]:g} ... {bounds[1]:g}: {moved} of "
        f"{len(sigma):,} values moved. Holds no demand and no supply.",
        year=int(known["year"]),
        substitution=sigma,
        demand=None,
        supply=None,
        scheme="HS",
        winsorised=moved,
        bounds=bounds,
    )


def _bw2006() -> ElasticitySet:
    return _from_table(
        "bw2006",
        "US imports 1990-2001 by HS 3-digit group, from the variances of prices and shares and "
        "not from tariffs; several values are below usual elasticities of demand, which makes "
        "origins complements.",
    )


def _protee() -> ElasticitySet:
    return _from_table(
        "protee",
        "By HS6 (HS 2007), from tariffs 2001-2016. The trade values behind it are net of duty, so "
        "that the elasticity to 1 + tariff is minus the elasticity of substitution, and is taken "
        "so here; read as 1 - substitution it would give one more. Values that were insignificant "
        "or of the wrong sign are means of their HS4 heading.",
    )


def _world() -> ElasticitySet:
    index = pd.Index(["A", "B", "C"], name="product")
    substitution = pd.Series([1 + 3.34, 1 + 4.06, 1 + 3.80], index=index)
    return ElasticitySet(
        name="world",
        source=(
            "1 + trade elasticity of 3.34 in agriculture, 4.06 in mining and 3.80 in manufacturing,"
            " set near the central estimate of about 4 of Simonovska and Waugh (2014), Journal of "
            "International Economics 92(1), 34-50, doi:10.1016/j.jinteco.2013.10.001; demand 1 and "
            "supply 2 are conventions"
        ),
        caveats=(
            "By ICIO sector, for data with home sales: demand is the elasticity of total demand, "
            "supply that of production (1 to 4 is usual). Three broad groups hide large "
            "differences between sectors."
        ),
        year=2014,
        substitution=substitution,
        demand=1.0,
        supply=2.0,
        home_substitution=substitution.copy(),
        scheme="ICIO",
    )


SETS = {
    "us_2018_19": _us_2018_19,
    "long_run": _long_run,
    "bw2006": _bw2006,
    "protee": _protee,
    "world": _world,
}


def get_set(name: str) -> ElasticitySet:
    """Give a named set.

    Parameters
    ----------
    name : str
        One of `list_sets`.

    Raises
    ------
    DataError
        No set has that name.

    Examples
    --------
    >>> get_set("us_2018_19").substitution
    2.53
    """
    if name not in SETS:
        raise DataError(
            f"no elasticity set {name!r}{suggest(str(name), SETS)}; sets are {', '.join(SETS)}"
        )
    return _fresh(_made(name))


@functools.cache
def _made(name: str) -> ElasticitySet:
    return SETS[name]()


def _fresh(made: ElasticitySet) -> ElasticitySet:
    """Give the caller Series of his own."""
    own: dict[str, Any] = {
        name: value.copy()
        for name in PARAMETERS
        if isinstance(value := getattr(made, name), pd.Series)
    }
    return replace(made, **own)


def list_sets() -> pd.DataFrame:
    """List the named sets: name, the four elasticities in words, source, caveats.

    Examples
    --------
    >>> list_sets()["name"].tolist()
    ['us_2018_19', 'long_run', 'bw2006', 'protee', 'world']
    """
    sets = [make() for make in SETS.values()]
    rows = [
        {"name": s.name, **{p: s.describe(p) for p in PARAMETERS}, "source": s.source}
        | {"caveats": s.caveats}
        for s in sets
    ]
    return pd.DataFrame(rows)


def winsorize(
    series: pd.Series, *, lower: float | None = None, upper: float | None = None
) -> tuple[pd.Series, int]:
    """Move values outside the bounds to the bounds.

    Parameters
    ----------
    series : Series
        Elasticities; never modified; NaN stays.
    lower, upper : float, optional
        Bounds; at least one.

    Returns
    -------
    series : Series
    n_changed : int

    Raises
    ------
    DataError
        No bound is given, or `lower` exceeds `upper`.

    Examples
    --------
    >>> winsorize(pd.Series({"01": 108.2, "02": 2.3}), upper=20.0)[1]
    1
    """
    if lower is None and upper is None:
        raise DataError("winsorize: give lower=, upper= or both")
    if lower is not None and upper is not None and lower > upper:
        raise DataError(f"winsorize: lower={lower:g} is above upper={upper:g}")
    moved = series.clip(lower, upper)
    return moved, int(((moved != series) & series.notna()).sum())
