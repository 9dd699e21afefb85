"""Typed stub of the C extension: strict, positional, private."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_F = NDArray[np.float64]
_P = NDArray[np.intp]
_I = NDArray[np.int32]
# what ge_pack takes; elsewhere what it gives passes, too
_World = tuple[_F, _F, _F | None, _F, _F, _F | None, _F | None, _F | None, _F, _F]

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
def ge_pack(world: _World, /) -> object: ...
def ge_solve(
    world: object,
    closure: tuple[float, float, float, float, int, int],
    changes: tuple[_P, _P, _F, _F, _F, _F] | None,
    productivity: _F | None,
    deficit: _F | None,
    limits: tuple[_P, _I, _I, _F, _F, _P, _P] | None,
    start: tuple[_F, _F, _F, _F | None, _F | None] | None,
    tol: float,
    max_iter: int,
    threads: int,
    level: int,
    progress: Callable[[int], object] | None,
    /,
) -> tuple[_F, _F, _F, _F, _F, _F, _F, _I, _I, _F, _P, _I]: ...
def ge_evaluate(
    world: object,
    closure: tuple[float, float, float, float, int, int],
    changes: tuple[_P, _P, _F, _F, _F, _F] | None,
    productivity: _F | None,
    deficit: _F | None,
    limits: tuple[_P, _I, _I, _F, _F, _P, _P] | None,
    point: tuple[_F, _F, _F, _F | None, _F | None],
    trade: int,
    threads: int,
    level: int,
    /,
) -> tuple[_F, _F | None, _F, _F, _F, _F, _F, _F]: ...
def ge_gradient(
    world: object,
    closure: tuple[float, float, float, float, int, int],
    changes: tuple[_P, _P, _F, _F, _F, _F] | None,
    productivity: _F | None,
    deficit: _F | None,
    limits: tuple[_P, _I, _I, _F, _F, _P, _P] | None,
    solution: tuple[_F, _F, _F, _F | None, _F | None],
    seeds: tuple[_F | None, _F | None, _F | None, _F | None, _F | None, _F | None],
    with_tariff: int,
    with_export_tax: int,
    with_cost: int,
    tol: float,
    max_iter: int,
    threads: int,
    level: int,
    /,
) -> tuple[_F | None, _F | None, _F | None, _F, _I, _I, _F, _F, _P, _I, _F]: ...
def ge_cause(cause: int, /) -> str: ...
def pe_cause(cause: int, /) -> str: ...
def vexp(level: int, x: _F, /) -> _F: ...
def vlog(level: int, x: _F, /) -> _F: ...
