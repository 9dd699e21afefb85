"""Any memory layout of the input gives the same answer, and the input is never touched."""

from __future__ import annotations

import hashlib

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pytest

import tradewar as tw
from tests.border import worlds


def digest(df: pd.DataFrame) -> str:
    """Return a hash of every cell, label and type of a frame."""
    hashed = pd.util.hash_pandas_object(df, index=True).to_numpy().tobytes()
    text = repr((list(df.columns), [str(kind) for kind in df.dtypes], df.attrs))
    return hashlib.sha256(hashed + text.encode()).hexdigest()


def read_only(df: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose numbers live in read-only memory."""
    columns = {}
    for name in df:
        array = df[name].to_numpy(copy=True)
        array.flags.writeable = False
        columns[name] = pd.Series(array, copy=False)
    return pd.DataFrame(columns, copy=False)


def strided(df: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose numbers are every third cell of a larger block, backwards."""
    block = np.full((len(df), 7), np.nan)
    block[::-1, 1] = df["value"]
    block[::-1, 4] = df["tariff"]
    view = pd.DataFrame(block, copy=False)
    out = df[worlds.KEYS].copy()
    out["value"] = pd.Series(block[::-1, 1], copy=False)
    out["tariff"] = pd.Series(block[::-1, 4], copy=False)
    assert view.shape[1] == 7
    return out


def fortran(df: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose numbers are one Fortran-ordered block."""
    block = np.asfortranarray(df[["value", "tariff"]].to_numpy())
    numbers = pd.DataFrame(block, columns=["value", "tariff"], copy=False)
    return pd.concat([df[worlds.KEYS], numbers], axis=1)


def categorical(df: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with categorical keys in an unhelpful order, some categories unused."""
    out = df.copy()
    for key in worlds.KEYS:
        labels = sorted(set(out[key]), reverse=True)
        out[key] = pd.Categorical(out[key], categories=["unused", *labels, "unused too"])
    return out


def odd_index(df: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with a repeated, unsorted index."""
    out = df.copy()
    out.index = pd.Index([7] * len(df))
    return out


def narrow(df: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with nullable numbers and object keys."""
    out = df.copy()
    out[["value", "tariff"]] = out[["value", "tariff"]].astype("Float64")
    out[worlds.KEYS] = out[worlds.KEYS].astype(object)
    return out


def shuffled(df: pd.DataFrame) -> pd.DataFrame:
    """Return the rows in another order, the columns too."""
    return df.sample(frac=1.0, random_state=3)[["tariff", "product", "value", *worlds.KEYS[:2]]]


SHAPES = [read_only, strided, fortran, categorical, odd_index, narrow, shuffled]


def flows(df: object) -> pd.DataFrame:
    """Solve on a frame and return the flows."""
    return worlds.solve(tw.TradeData.from_frame(df)).flows


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_memory_and_types_do_not_matter(shape):
    df = worlds.frame()
    changed = shape(df)
    before = digest(changed)
    pd.testing.assert_frame_equal(flows(changed), flows(df))
    assert digest(changed) == before


@pytest.mark.parametrize("backend", ["polars", "pyarrow"])
def test_other_frames(backend):
    pytest.importorskip(backend)
    df = worlds.frame()
    other = nw.from_dict({name: df[name].tolist() for name in df}, backend=backend).to_native()
    result = flows(other)
    pd.testing.assert_frame_equal(pd.DataFrame(result), flows(df))


def test_elasticity_series_and_frames_are_not_touched():
    trade = worlds.data()
    by_prefix = pd.Series({"0000": 2.0, "000003": 4.0})
    by_product = pd.DataFrame({"product": sorted(set(trade.products)), "supply": 1.5})
    before = by_prefix.copy(), digest(by_product)
    worlds.solve(trade, substitution=by_prefix, supply=by_product)
    pd.testing.assert_series_equal(by_prefix, before[0])
    assert digest(by_product) == before[1]


def test_solving_twice_gives_the_same_and_leaves_the_data_alone():
    trade = worlds.data()
    before = digest(trade.flows)
    first, second = worlds.solve(trade), worlds.solve(trade)
    pd.testing.assert_frame_equal(first.flows, second.flows)
    assert digest(trade.flows) == before


def test_what_is_handed_out_can_be_written_without_harm():
    trade = worlds.data()
    result = worlds.solve(trade)
    expected = result.flows.copy()
    for table in (trade.flows, result.flows, result.importers, result.countries):
        table.iloc[:, -1] = np.nan
    pd.testing.assert_frame_equal(result.flows, expected)
    assert not trade.flows.isna().any().any()


def test_private_arrays_are_read_only():
    trade = worlds.data()
    for array in (trade._value, trade._tariff, trade._exporter, *trade._layout):
        assert not array.flags.writeable
