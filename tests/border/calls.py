"""A valid call of every function of ``_core``, and ways to spoil one argument at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.border import ge_calls
from tradewar import _core

EXACT, LINEAR, EULER, SMART = range(4)
BASELINE = 0  # the code path that every machine has

PRODUCT = np.repeat(np.arange(3, dtype=np.int32), 6)
EXPORTER = np.tile(np.repeat(np.arange(3, dtype=np.int32), 2), 3)
IMPORTER = np.array([1, 2, 0, 2, 0, 1] * 3, dtype=np.int32)

Path = tuple[int, ...]


def sort_flows() -> tuple[Any, ...]:
    """Rows in reverse order."""
    return tuple(keys[::-1].copy() for keys in (PRODUCT, EXPORTER, IMPORTER)) + (3, 3)


def flow_layout() -> tuple[Any, ...]:
    """Sorted rows."""
    return PRODUCT.copy(), EXPORTER.copy(), IMPORTER.copy(), 3, 3


def pe_solve(method: int = EXACT, threads: int = 1) -> tuple[Any, ...]:
    """Three markets of three countries, one tariff raised in each, every optional array given.

    SMART knows one importer and tariffs only: its call has no optional array.
    """
    keep = IMPORTER == 0 if method == SMART else IMPORTER >= 0
    keys = PRODUCT[keep], EXPORTER[keep], IMPORTER[keep]
    _, exp_ptr, exp_code, row_ptr, imp_ptr, imp_code, col = _core.flow_layout(*keys, 3, 3)
    rng = np.random.default_rng(5)
    one, zero = np.ones(keys[0].size), np.zeros(keys[0].size)
    t0 = rng.uniform(0.0, 0.3, one.size)
    t1 = t0.copy()
    t1[:: one.size // 3] += 1.0
    value = rng.uniform(1.0, 9.0, one.size)
    flows = (value, t0, t1, zero + 0.01, zero + 0.02, one, one.copy(), zero, zero.copy())
    slots = np.ones(imp_code.size)
    home = np.full(imp_code.size, -1, dtype=np.intp)
    elasticities = (3.0 * slots, 1.2 * slots, 2.0 * slots, home, np.full(exp_code.size, 2.0))
    layout = (exp_ptr, row_ptr, imp_ptr, col)
    if method == SMART:
        flows = flows[:3] + (None,) * 6
        elasticities = (*elasticities[:2], None, None, elasticities[4])
    controls = None
    if method == EXACT:  # half of the first flow of each market, and a low price floor
        ptr, member = np.arange(4, dtype=np.intp), np.arange(0, 18, 6, dtype=np.intp)
        limit = 0.5 * value[member]
        controls = (0.1 * one, ptr, np.ones(3, np.int32), limit, np.zeros(3), ptr.copy(), member)
    return layout, flows, elasticities, method, 4, 0, 1e-12, 500, threads, BASELINE, None, controls


def spatial_solve() -> tuple[Any, ...]:
    """Two sellers, three buyers, isoelastic curves, a tariff and a limit."""
    two, three, cells = np.ones(2), np.ones(3), np.full((2, 3), 0.1)
    curves = (two, 0.5 * two, 2.0 * three, -1.5 * three)
    return 1, 1, *curves, cells, cells.copy(), cells + 1.0, 1.0, 1e-10, 100


def pe_cause() -> tuple[Any, ...]:
    """Any cause."""
    return (1,)


def vexp() -> tuple[Any, ...]:
    """A few numbers."""
    return BASELINE, np.linspace(-2.0, 2.0, 11)


def vlog() -> tuple[Any, ...]:
    """A few positive numbers."""
    return BASELINE, np.linspace(0.5, 2.0, 11)


VALID = {
    call.__name__: call
    for call in (
        *(sort_flows, flow_layout, pe_solve, spatial_solve, pe_cause, vexp, vlog),
        *ge_calls.VALID,
    )
}


def leaves(arguments: tuple[Any, ...], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Walk the arguments, and those inside tuples."""
    for k, value in enumerate(arguments):
        if isinstance(value, tuple):
            yield from leaves(value, (*path, k))
        else:
            yield (*path, k), value


def replaced(arguments: tuple[Any, ...], path: Path, value: Any) -> tuple[Any, ...]:
    """Return the arguments with one of them replaced."""
    head, *rest = path
    new = replaced(arguments[head], tuple(rest), value) if rest else value
    return (*arguments[:head], new, *arguments[head + 1 :])


def misaligned(array: np.ndarray) -> np.ndarray:
    """Return the same numbers at an odd address."""
    memory = np.empty(array.nbytes + 1, dtype=np.uint8)
    out = memory[1:].view(array.dtype).reshape(array.shape)
    out[:] = array
    return out


def spoiled_arrays(array: np.ndarray) -> dict[str, Any]:
    """Return objects that must be refused in place of a 1-d array."""
    other = np.float32 if array.dtype == np.float64 else np.float64
    swapped = array.dtype.newbyteorder()
    return {
        "a list": array.tolist(),
        "a scalar": array[0],
        "text": "text",
        "a memoryview": memoryview(array),
        "another dtype": array.astype(other),
        "wider or narrower": array.astype(np.int16 if array.dtype.kind == "i" else np.longdouble),
        "unsigned or complex": array.astype(np.uint32 if array.dtype.kind == "i" else complex),
        "objects": array.astype(object),
        "booleans": array.astype(bool),
        "other byte order": array.astype(swapped),
        "every other cell": np.repeat(array, 2)[::2],
        "backwards": array[::-1],
        "a column": array[:, None],
        "a 0-d array": np.array(array[0]),
        "at an odd address": misaligned(array),
    }


SPOILED_INTEGERS = {"none": None, "text": "1", "a float": 1.5, "too large": 2**80, "a list": [1]}
SPOILED_FLOATS = {"none": None, "text": "1", "a list": [1.0]}
SPOILED_CALLBACKS = {"a number": 5, "text": "text"}


def spoiled(value: Any) -> dict[str, Any]:
    """Return objects that must be refused in place of a value."""
    if isinstance(value, np.ndarray):
        return spoiled_arrays(value)
    if value is None:
        return SPOILED_CALLBACKS
    return SPOILED_FLOATS if isinstance(value, float) else SPOILED_INTEGERS


def bad_calls() -> Iterator[tuple[str, str, tuple[Any, ...]]]:
    """Yield function, what is wrong, and the arguments, for every argument of every function."""
    for name, valid in VALID.items():
        arguments = valid()
        for path, value in leaves(arguments):
            where = ".".join(map(str, path))
            for what, bad in spoiled(value).items():
                yield name, f"{where} {what}", replaced(arguments, path, bad)
