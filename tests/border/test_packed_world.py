"""A packed world: the same answers as its arrays, alive without them, and nothing else passes."""

from __future__ import annotations

import datetime
import gc
import pickle

import numpy as np
import pytest

from tests.border import ge_calls
from tradewar import _core

CALLS = {
    "ge_solve": ge_calls.ge_solve,
    "ge_evaluate": ge_calls.ge_evaluate,
    "ge_gradient": ge_calls.ge_gradient,
}


@pytest.mark.parametrize("name", CALLS)
def test_packed_and_loose_worlds_give_the_same_bits(name: str) -> None:
    """Twice, as the first call might leave something behind."""
    world, *rest = CALLS[name]()
    loose = getattr(_core, name)(world, *rest)
    packed = _core.ge_pack(world)
    for _ in range(2):
        for a, b in zip(getattr(_core, name)(packed, *rest), loose, strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_packed_world_keeps_its_arrays() -> None:
    """Calls read tariffs and export taxes from them."""
    world, *rest = ge_calls.ge_solve()
    packed, loose = _core.ge_pack(world), _core.ge_solve(world, *rest)
    del world
    gc.collect()
    np.full(1000, np.nan)
    np.testing.assert_array_equal(_core.ge_solve(packed, *rest)[0], loose[0])


def test_other_closures_share_a_packed_world() -> None:
    """Nothing of one closure stays for the next."""
    world, closure, *rest = ge_calls.ge_solve()
    packed = _core.ge_pack(world)
    for eta, deficits in ((0.5, 0), (1.0, 2), (1.0, 0)):
        other = (closure[0], eta, closure[2], closure[3], deficits, closure[5])
        one, two = _core.ge_solve(packed, other, *rest), _core.ge_solve(world, other, *rest)
        np.testing.assert_array_equal(one[0], two[0])


def test_bad_worlds_are_refused_where_they_are_packed() -> None:
    """With the place of the first offender."""
    world = list(ge_calls.ge_world())
    world[0] = world[0].copy()
    world[0].flat[5] = -1.0
    with pytest.raises(ValueError, match=r"trade is negative or not finite \(flat index 5\)"):
        _core.ge_pack(tuple(world))


@pytest.mark.parametrize("other", [datetime.datetime_CAPI, None, 1, [1.0]])
def test_only_packed_worlds_and_tuples_pass(other: object) -> None:
    """A capsule of somebody else is no world."""
    _, *rest = ge_calls.ge_solve()
    with pytest.raises(TypeError, match="world must be a tuple or come from ge_pack"):
        _core.ge_solve(other, *rest)


def test_a_packed_world_cannot_be_pickled() -> None:
    """Worlds are, and pack themselves again."""
    with pytest.raises(TypeError):
        pickle.dumps(_core.ge_pack(ge_calls.ge_world()))
