"""``_core`` refuses every wrong type, shape, order and value with a clean exception."""

from __future__ import annotations

import numpy as np
import pytest

from tests.border import calls
from tradewar import _core

REFUSED = (TypeError, ValueError, OverflowError)
TW_OK, TW_EDOMAIN = 0, 2
BAD_CALLS = list(calls.bad_calls())
LAYOUT, FLOWS, ELASTICITIES = range(3)
SUPPLY = (ELASTICITIES, 4)
OPTIONAL = {(FLOWS, k) for k in range(3, 9)} | {(ELASTICITIES, 2), (ELASTICITIES, 3)}


def call(name: str, arguments: tuple):
    """Call a function of the core by its name."""
    return getattr(_core, name)(*arguments)


@pytest.mark.parametrize("name", calls.VALID)
def test_the_valid_call_works(name):
    assert call(name, calls.VALID[name]()) is not None


def test_every_function_is_covered():
    functions = {name for name in dir(_core) if callable(getattr(_core, name)) and name[0] != "_"}
    assert functions == set(calls.VALID)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [(name, arguments) for name, _, arguments in BAD_CALLS],
    ids=[f"{name} {what}" for name, what, _ in BAD_CALLS],
)
def test_wrong_argument(name, arguments):
    with pytest.raises(REFUSED) as caught:
        call(name, arguments)
    assert str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("name", ["sort_flows", "flow_layout", "pe_solve"])
@pytest.mark.parametrize("change", ["shorter", "longer", "empty"])
def test_wrong_length(name, change):
    arguments = calls.VALID[name]()
    arrays = [(path, a) for path, a in calls.leaves(arguments) if isinstance(a, np.ndarray)]
    for path, array in arrays:
        new = {"shorter": array[:-1], "longer": np.append(array, array[-1]), "empty": array[:0]}
        with pytest.raises(ValueError, match=r"length|offsets|lies outside|not a flow|entry"):
            call(name, calls.replaced(arguments, path, new[change].astype(array.dtype)))


def test_messages_name_the_argument():
    arguments = calls.pe_solve()
    with pytest.raises(TypeError, match="sigma must be a 1-d C-contiguous float64 ndarray"):
        call("pe_solve", calls.replaced(arguments, (ELASTICITIES, 0), [3.0]))
    with pytest.raises(ValueError, match="mu: axis 0 has length 8, expected 9"):
        call("pe_solve", calls.replaced(arguments, SUPPLY, np.ones(8)))
    with pytest.raises(TypeError, match="product must be a 1-d C-contiguous int32 ndarray"):
        call("sort_flows", calls.replaced(calls.sort_flows(), (0,), np.zeros(18, dtype=np.int64)))


@pytest.mark.parametrize("name", ["sort_flows", "flow_layout"])
@pytest.mark.parametrize("key", [0, 1, 2])
@pytest.mark.parametrize("code", [-1, 3, 2**31 - 1, -(2**31)])
def test_code_outside_its_range(name, key, code):
    arguments = calls.VALID[name]()
    arguments[key][7] = code
    with pytest.raises(ValueError, match=r"flat index 7"):
        call(name, arguments)


@pytest.mark.parametrize("name", ["sort_flows", "flow_layout"])
@pytest.mark.parametrize("count", [3, 4])
@pytest.mark.parametrize("value", [-1, 0, -(2**62)])
def test_counts(name, count, value):
    with pytest.raises(ValueError):
        call(name, calls.replaced(calls.VALID[name](), (count,), value))


def test_layout_of_unsorted_rows_is_refused():
    with pytest.raises(ValueError):
        call("flow_layout", calls.sort_flows())


def test_no_rows():
    nothing = np.zeros(0, dtype=np.int32)
    order, duplicates, _ = call("sort_flows", (nothing, nothing, nothing, 0, 0))
    assert order is None and duplicates == 0
    layout = call("flow_layout", (nothing, nothing, nothing, 0, 0))
    assert [array.size for array in layout] == [1, 1, 0, 1, 1, 0, 0]


def test_sorting_orders_and_counts():
    rng = np.random.default_rng(2)
    keys = [rng.integers(0, top, 500).astype(np.int32) for top in (7, 5, 4)]
    order, duplicates, _ = call("sort_flows", (*keys, 7, 5))
    code = (keys[0].astype(np.int64) * 5 + keys[1]) * 5 + keys[2]
    np.testing.assert_array_equal(code[order], np.sort(code))
    assert duplicates == 500 - np.unique(code).size
    again = [key[order] for key in keys]
    assert call("sort_flows", (*again, 7, 5))[0] is None


@pytest.mark.parametrize("which", [0, 1, 2], ids=["exp_ptr", "row_ptr", "imp_ptr"])
@pytest.mark.parametrize("spoil", ["falls", "starts at 1", "negative", "huge"])
def test_offsets_out_of_order(which, spoil):
    arguments = calls.pe_solve()
    offsets = arguments[LAYOUT][which].copy()
    if spoil == "falls":
        offsets[1], offsets[2] = offsets[2] + 1, offsets[1]
    elif spoil == "starts at 1":
        offsets[0] = 1
    elif spoil == "negative":
        offsets[1] = -5
    else:
        offsets[1] = 2**62
    with pytest.raises(ValueError, match=r"offsets|lies outside"):
        call("pe_solve", calls.replaced(arguments, (LAYOUT, which), offsets))


@pytest.mark.parametrize("col", [-1, 3, 2**31 - 1])
def test_column_outside_its_market(col):
    arguments = calls.pe_solve()
    cols = arguments[LAYOUT][3].copy()
    cols[4] = col
    with pytest.raises(ValueError, match="col of market 0 lies outside its importers"):
        call("pe_solve", calls.replaced(arguments, (LAYOUT, 3), cols))


@pytest.mark.parametrize("flow", [6, 1, 2**40, 17])
def test_home_flow_of_another_importer(flow):
    arguments = calls.pe_solve()
    arguments[ELASTICITIES][3][0] = flow
    with pytest.raises(ValueError, match=r"home\[0\] is not a flow of its importer"):
        call("pe_solve", arguments)


@pytest.mark.parametrize(
    ("position", "value"),
    [(3, -1), (3, 4), (4, 0), (4, -3), (5, 7), (6, 0.0), (6, -1.0), (6, np.nan), (7, 0), (7, -1)]
    + [(8, 0), (8, -2), (9, -2), (9, 99)],
)
def test_option_outside_its_range(position, value):
    arguments = calls.replaced(calls.pe_solve(calls.EULER), (position,), value)
    with pytest.raises(ValueError):
        call("pe_solve", arguments)


BAD_NUMBERS = [
    (method, path, value)
    for method in (calls.EXACT, calls.LINEAR, calls.EULER, calls.SMART)
    for path, array in calls.leaves(calls.pe_solve(method))
    if getattr(array, "dtype", None) == np.float64
    for value in (np.nan, -np.inf, np.inf, -5.0)
    if (path, value) != (SUPPLY, np.inf)  # that one is allowed
]


@pytest.mark.parametrize(("method", "path", "value"), BAD_NUMBERS, ids=str)
def test_bad_number_fails_its_market_alone(method, path, value):
    arguments = calls.pe_solve(method)
    good = call("pe_solve", arguments)
    np.testing.assert_array_equal(good[3], TW_OK)
    array = dict(calls.leaves(arguments))[path].copy()
    array[0] = value
    bad = call("pe_solve", calls.replaced(arguments, path, array))
    assert bad[3][0] == TW_EDOMAIN
    assert bad[4][0] > 0 and _core.pe_cause(int(bad[4][0])) != _core.pe_cause(0)
    for got, expected in zip(bad, good, strict=True):
        one_market = got.size // 3
        np.testing.assert_array_equal(got[one_market:], expected[one_market:])


@pytest.mark.parametrize("path", sorted(OPTIONAL), ids=lambda path: ".".join(map(str, path)))
def test_optional_arrays_may_be_missing(path):
    arguments = calls.pe_solve()
    pairs = {(FLOWS, 3): (FLOWS, 4), (ELASTICITIES, 2): (ELASTICITIES, 3)}
    pairs |= {second: first for first, second in pairs.items()}
    alone = calls.replaced(arguments, path, None)
    if path in pairs:
        with pytest.raises(ValueError, match="come together"):
            call("pe_solve", alone)
        alone = calls.replaced(alone, pairs[path], None)
    status = call("pe_solve", alone)[3]
    np.testing.assert_array_equal(status, TW_OK)


def test_read_only_arrays_are_welcome():
    arguments = calls.pe_solve()
    expected = call("pe_solve", arguments)
    for _, value in calls.leaves(arguments):
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    for got, wanted in zip(call("pe_solve", arguments), expected, strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("level", range(len(_core.levels)), ids=_core.levels)
def test_every_code_path_gives_the_same_bits(level):
    arguments = calls.replaced(calls.pe_solve(), (9,), level)
    for got, wanted in zip(
        call("pe_solve", arguments), call("pe_solve", calls.pe_solve()), strict=True
    ):
        assert got.tobytes() == wanted.tobytes()
    for name in ("vexp", "vlog"):
        x = np.random.default_rng(7).uniform(0.01, 300.0, 1001)
        assert call(name, (level, x)).tobytes() == call(name, (calls.BASELINE, x)).tobytes()
