"""The compile script: same bytes from the same files, and stops that name what is wrong.

Tests that need the source files skip, aloud, where the folder is absent.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tradewar.datasets import _compile, _compile_us, _tables
from tradewar.datasets._agreements import AGREEMENTS, SCOPES
from tradewar.datasets._compile_base import Source, Table, labels
from tradewar.datasets._compile_icio2017 import LEAST_FINAL, rebalance
from tradewar.datasets._compile_icio2022 import balance
from tradewar.datasets._names import CENSUS_ISO3, HS2_NAMES, ICIO_GOODS, ICIO_SECTORS
from tradewar.errors import DataError

SOURCE = Path(__file__).parents[3] / "shared" / "data"
MOST_BYTES = 2_500_000  # all tables; the wheel stays under 3 MB

needs_source = pytest.mark.skipif(
    not (SOURCE / _compile_us.US_FILE).exists(),
    reason=f"the source files are not here ({SOURCE}): the tables cannot be compiled again",
)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """Compile twice into two folders."""
    folders = [tmp_path_factory.mktemp(name) for name in ("first", "second")]
    for folder in folders:
        _compile.main([str(SOURCE), "--out", str(folder)])
    return folders


@needs_source
def test_two_runs_write_the_same_bytes(compiled):
    first, second = compiled
    names = sorted(path.name for path in first.iterdir())
    assert names == sorted(path.name for path in second.iterdir())
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


@needs_source
def test_tables_in_the_package_are_those_of_the_script(compiled):
    fresh = json.loads((compiled[0] / "metadata.json").read_text(encoding="utf-8"))["tables"]
    assert tuple(sorted(fresh)) == _tables.table_names()
    for name in fresh:
        assert fresh[name] == _tables.metadata(name), name
        with np.load(compiled[0] / f"{name}.npz") as archive:
            table = _tables.load_table(name)
            assert set(archive.files) == set(table)
            for key in archive.files:  # contents: packed bytes may differ between zlib builds
                np.testing.assert_array_equal(archive[key], table[key], strict=True)


@needs_source
def test_checksums_are_those_of_the_files_read():
    for name in _tables.table_names():
        inputs = _tables.metadata(name)["inputs"]
        assert inputs
        for file, checksum in inputs.items():
            assert hashlib.sha256((SOURCE / file).read_bytes()).hexdigest() == checksum, file


@needs_source
def test_no_table_is_a_copy_of_a_source_file():
    sources = {
        checksum
        for name in _tables.table_names()
        for checksum in _tables.metadata(name)["inputs"].values()
    }
    for path in _tables.TABLES.iterdir():
        assert hashlib.sha256(path.read_bytes()).hexdigest() not in sources


def test_tables_are_small_and_plain():
    files = list(_tables.TABLES.iterdir())
    assert sum(path.stat().st_size for path in files) < MOST_BYTES
    assert sorted(path.name for path in files) == sorted(
        ["metadata.json", *(f"{name}.npz" for name in _tables.table_names())]
    )
    for name in _tables.table_names():
        columns = _tables.metadata(name)["columns"]
        table = _tables.load_table(name)
        assert {key: f"{a.dtype} {a.shape}" for key, a in table.items()} == columns
        assert all(a.dtype.kind in "Uuif" for a in table.values())


def test_every_table_says_where_it_comes_from():
    for name in _tables.table_names():
        known = _tables.metadata(name)
        assert known["what"] and known["source"] and known["licence"] and known["unit"]
        assert known["rows"] > 0
        for check in known["checks"]:
            assert abs(check["found"] - check["expected"]) <= check["tolerance"]


def test_a_check_that_fails_stops():
    table = Table("t", "", "", "", 2024, {}, {}, 0)
    table.check("near enough", 1.04, 1.0, 0.05)
    with pytest.raises(DataError, match=r"t: flows: found 3, expected 4"):
        table.check("flows", 3, 4)
    with pytest.raises(DataError, match="found nan"):
        table.check("not a number", float("nan"), 0, 1.0)
    assert [c["what"] for c in table.checks] == ["near enough"]


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"cannot read .*us_imports_2024_hs6.*No such file"):
        _compile.main([str(tmp_path), "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_an_unknown_partner_is_named(tmp_path):
    pd.DataFrame(
        {
            "cty_code": ["5700", "0001"],
            "cty_name": ["CHINA", "ATLANTIS"],
            "hs6": ["010121", "010121"],
            "imports_usd": [1, 2],
            "duty_usd": [0, 0],
        }
    ).to_csv(tmp_path / _compile_us.US_FILE, index=False)
    with pytest.raises(DataError, match=r"partners without a label .*ATLANTIS"):
        _compile_us.read_us_imports(Source(tmp_path))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("CHINA", "010121", 1, 0), ("CHINA", "010121", 2, 0)], "'010121', 'CHN', 2"),
        ([("CHINA", "10121", 1, 0)], "'10121'"),
        ([("CHINA", "010121", -1, 0)], "-1"),
    ],
)
def test_bad_rows_are_named(tmp_path, rows, message):
    frame = pd.DataFrame(rows, columns=["cty_name", "hs6", "imports_usd", "duty_usd"])
    frame.assign(cty_code="5700").to_csv(tmp_path / _compile_us.US_FILE, index=False)
    with pytest.raises(DataError, match=message):
        _compile_us.read_us_imports(Source(tmp_path))


def test_a_label_na_is_no_missing_value(tmp_path):
    (tmp_path / "labels.csv").write_text("iso2,name\nNA,Namibia\n,nobody\n", encoding="utf-8")
    frame = Source(tmp_path).csv("labels.csv")
    assert frame["iso2"].iloc[0] == "NA"
    assert pd.isna(frame["iso2"].iloc[1])


def test_npz_bytes_depend_on_the_arrays_alone(tmp_path):
    arrays = {"value": np.arange(5), "label": np.array(["a", "bc"])}
    for name in ("one.npz", "two.npz"):
        _compile.write_npz(tmp_path / name, arrays)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    with np.load(tmp_path / "one.npz", allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["label"], arrays["label"])
        np.testing.assert_array_equal(archive["value"], arrays["value"])


def test_labels_are_sorted_with_positions():
    found, position = labels(pd.Series(["USA", "CHN", "USA"]))
    assert found.tolist() == ["CHN", "USA"]
    assert found[position].tolist() == ["USA", "CHN", "USA"]


def test_names_cover_what_they_must():
    assert len(CENSUS_ISO3) == len(set(CENSUS_ISO3.values())) == 50
    assert len(ICIO_GOODS) == 27
    assert {group for _, _, group in ICIO_GOODS.values()} == {
        "agriculture",
        "mining",
        "manufacturing",
    }
    assert set(HS2_NAMES) == {f"{k:02d}" for k in range(1, 100)} - {"77"}


def test_the_44_sectors_hold_the_goods_sectors():
    assert len(ICIO_SECTORS) == 44 and list(ICIO_SECTORS) == sorted(ICIO_SECTORS)
    for _, coarse, group in ICIO_GOODS.values():
        assert ICIO_SECTORS[coarse][1] == group


def test_agreements_are_whole():
    pairs = [(who, partner) for who, partners, _, _ in AGREEMENTS for partner in partners]
    assert len(pairs) == len(set(pairs)) and all(a != b for a, b in pairs)
    for _, partners, scope, treaty in AGREEMENTS:
        assert partners and scope in SCOPES
        assert any(char.isdigit() for char in treaty), treaty  # each says its year


def test_balance_meets_both_sums_and_keeps_zeros():
    flows = np.array([[90.0, 10.0, 0.0], [5.0, 80.0, 5.0], [0.0, 2.0, 60.0]])
    rows, columns = np.array([101.0, 89.0, 62.5]), np.array([96.0, 91.0, 65.5])
    got, rounds = balance(flows, rows, columns)
    np.testing.assert_allclose(got.sum(1), rows, rtol=2e-9)
    np.testing.assert_allclose(got.sum(0), columns, rtol=2e-9)
    assert ((got == 0) == (flows == 0)).all() and rounds > 1
    ratio = got / np.where(flows > 0, flows, 1.0)  # a row factor times a column factor
    assert ratio[0, 0] * ratio[1, 1] == pytest.approx(ratio[0, 1] * ratio[1, 0], rel=1e-12)
    assert flows[0, 0] == 90.0


def test_balance_refuses_what_it_cannot_meet():
    with pytest.raises(DataError, match="all zero"):
        balance(np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([1.0, 1.0]), np.array([1.0, 1.0]))
    with pytest.raises(DataError, match="sums are still missed by"):
        balance(np.eye(2), np.array([1.0, 2.0]), np.array([2.0, 1.0]))


def test_rebalance_moves_only_what_is_too_much():
    inputs = np.array([[[30.0, 40.0], [10.0, 20.0]]])
    cost, absorption = inputs.sum(1), np.array([[60.0, 90.0]])  # 70 of the first are used
    got = rebalance(inputs, cost, absorption)
    assert got.lifted.tolist() == [[0, 0]] and got.before.tolist() == [[-10.0, 60.0]]
    np.testing.assert_allclose(got.inputs.sum(1), cost, rtol=1e-14)
    assert got.inputs[0, 0].sum() == pytest.approx((1 - LEAST_FINAL) * 60.0, rel=1e-11)
    enough = rebalance(inputs, cost, np.array([[80.0, 90.0]]))
    np.testing.assert_allclose(enough.inputs, inputs, rtol=1e-15)
    assert enough.rounds == 1 and len(enough.lifted) == 0
