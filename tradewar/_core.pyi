"""Typed stub of the C extension: strict, positional, private."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_F = NDArray[np.float64]
_P = NDArray[np.intp]
_I = NDArray[np.int32]

__version__: str
levels: tuple[str, ...]

def sort_flows(
    product: _I, exporter: _I, importer: _I, n_product: int, n_country: int, /
) -> tuple[_P | None, int, tuple[_I, _I, _I] | None]: ...
def flow_layout(
    product: _I, exporter: _I, importer: _I, n_product: int, n_country: int, /
) -> tuple[_P, _P, _I, _P, _P, _I, _I]: ...
def pe_solve(
    layout: tuple[_P, _P, _P, _I],
    flows: tuple[_F, _F, _F, _F | None, _F | None, _F | None, _F | None, _F | None, _F | None],
    elasticities: tuple[_F, _F, _F | None, _P | None, _F],
    method: int,
    steps: int,
    form: int,
    tol: float,
    max_iter: int,
    threads: int,
    level: int,
    progress: Callable[[int], object] | None,
    controls: tuple[_F | None, _P, _I, _F, _F, _P, _P] | None,
    /,
) -> tuple[_F, _F, _F, _I, _I, _I, _F, _F]: ...
def spatial_solve(
    supply_form: int,
    demand_form: int,
    supply_level: _F,
    supply_slope: _F,
    demand_level: _F,
    demand_slope: _F,
    cost: _F,
    tariff: _F | None,
    limit: _F | None,
    start: float,
    tol: float,
    max_iter: int,
    /,
) -> tuple[_F, _F, _F, _F, int, float]: ...
def pe_cause(cause: int, /) -> str: ...
def vexp(level: int, x: _F, /) -> _F: ...
def vlog(level: int, x: _F, /) -> _F: ...
