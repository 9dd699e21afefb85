"""world_adapters.py: OECD ICIO files of every edition, and tables as pymrio holds them."""

from __future__ import annotations

import io
import zipfile
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import tradewar as tw
from tests.unit.world_cases import residual
from tradewar.errors import DataError

EXACT = 1e-12
INDUSTRIES = ["A01_02", "C17_18", "C24", "J62_63"]
FINAL = ["HFCE", "NPISH", "GGFC", "GFCF", "INVNT", "DPABR"]
MEMBERS = ["AUS", "CN1", "CN2", "MX1", "MX2", "USA"]  # CHN and MEX in two parts each
WHOLE = {"CN1": "CHN", "CN2": "CHN", "MX1": "MEX", "MX2": "MEX"}
COUNTRIES = ["AUS", "CHN", "MEX", "USA"]


def table(*, old: bool = False, split: bool = True, seed: int = 0) -> pd.DataFrame:
    """Draw a table in the form of an ICIO file; `old` is the 2016 edition."""
    rng = np.random.default_rng(seed)
    members = MEMBERS if split else COUNTRIES
    rows = [f"{c}_{k}" for c in members for k in INDUSTRIES]
    spenders = COUNTRIES
    final = [f"{f}_{c}" if old else f"{c}_{f}" for c in spenders for f in FINAL]
    m = len(rows)
    sales = rng.uniform(0.1, 1.0, (m, m))
    spent = rng.uniform(2.0, 9.0, (m, len(final)))
    spent[:, [k for k, name in enumerate(final) if "INVNT" in name]] *= 0.05
    spent[:, [k for k, name in enumerate(final) if "INVNT" in name]] -= 0.3
    output = sales.sum(axis=1) + spent.sum(axis=1)
    taxes = 0.02 * output
    added = output - sales.sum(axis=0) - taxes
    assert (added > 0).all()
    total = "TOTAL" if old else "OUT"
    body = pd.DataFrame(
        np.column_stack([sales, spent, output]), index=rows, columns=[*rows, *final, total]
    )
    blank = np.zeros(len(final) + 1)
    if old:
        names = [*[f"{c}_TAXSUB" for c in members], "VALU", "OUTPUT"]
        parts = [np.where([r.startswith(c) for r in rows], taxes, 0.0) for c in members]
    else:
        names, parts = ["TLS", "VA", "OUT"], [taxes]
    below = np.array([np.concatenate([x, blank]) for x in (*parts, added, output)])
    return pd.concat([body, pd.DataFrame(below, index=names, columns=body.columns)])


def write(frame: pd.DataFrame, path) -> str:
    frame.to_csv(path, index_label="V1")
    return str(path)


def wanted(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Trade [importer, exporter, product] and value-added shares, cell by cell."""
    n, j = len(COUNTRIES), len(INDUSTRIES)
    trade, inputs = np.zeros((n, n, j)), np.zeros((n, j))
    for row in frame.index:
        if "_" not in row or row.endswith("TAXSUB"):
            continue
        seller, product = row.split("_", 1)
        i, k = COUNTRIES.index(WHOLE.get(seller, seller)), INDUSTRIES.index(product)
        for column in frame.columns:
            if column in ("OUT", "TOTAL"):
                continue
            buyer, rest = column.split("_", 1)
            if buyer in FINAL:
                buyer, rest = rest, buyer
            m = COUNTRIES.index(WHOLE.get(buyer, buyer))
            trade[m, i, k] += frame.loc[row, column]
            if rest in INDUSTRIES:
                inputs[m, INDUSTRIES.index(rest)] += frame.loc[row, column]
    return trade, 1.0 - inputs / trade.sum(axis=0)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("split", [False, True])
def test_icio_of_either_order_of_labels(tmp_path, old, split):
    frame = table(old=old, split=split)
    name = "ICIO2016_2010.CSV" if old else "2022_SML.csv"
    world = tw.World.from_icio(write(frame, tmp_path / name), theta="cp2015")
    trade, share = wanted(frame)
    assert world.countries == tuple(COUNTRIES)
    assert world.products == tuple(INDUSTRIES)
    np.testing.assert_allclose(world._trade, trade, rtol=1e-12)
    np.testing.assert_allclose(world._value_added, share, rtol=1e-12)
    assert world.year == (2010 if old else 2022)
    assert world.value_unit == "million USD"
    assert world.source.endswith(name) and "CC BY 4.0" in world.licence
    merged = "parts of countries were merged: CN1, CN2, MX1, MX2"
    assert (merged in world.notes) == split
    assert "taxes less subsidies on products count as value added" in world.notes
    assert "no tariffs were given: all are 0" in world.notes
    assert world.parameters["theta"].tolist() == [9.11, 16.52, 3.28, 8.22]
    assert residual(world) < EXACT
    assert world.check()["ok"].all()


def test_icio_order_of_rows_and_columns_does_not_matter(tmp_path):
    frame = table()
    rng = np.random.default_rng(2)
    mixed = frame.iloc[rng.permutation(len(frame)), rng.permutation(frame.shape[1])]
    one = tw.World.from_icio(write(frame, tmp_path / "a.csv"), theta=4.0)
    two = tw.World.from_icio(write(mixed, tmp_path / "b.csv"), theta=4.0)
    np.testing.assert_allclose(two._trade, one._trade, rtol=1e-13)
    np.testing.assert_allclose(two._input_use, one._input_use, rtol=1e-12)
    assert two.year is None


def test_icio_with_duty_in_the_price_of_inputs(tmp_path):
    path = write(table(split=False), tmp_path / "2022_SML.csv")
    free = tw.World.from_icio(path, theta=4.0)
    world = tw.World.from_icio(path, theta=4.0, tariff=0.1, tariff_date="2022", notes=("n",))
    np.testing.assert_array_equal(world._trade, free._trade)
    frame = table(split=False)
    usa = [f"USA_{k}" for k in INDUSTRIES]
    paid = sum(
        frame.loc[f"{c}_C24", usa].to_numpy(float) * (1.0 if c == "USA" else 1.1) for c in COUNTRIES
    )
    output = frame.loc[usa, "OUT"].to_numpy(float)
    np.testing.assert_allclose(world._input_use[3, 2], paid / output, rtol=1e-12)
    assert (world._value_added < free._value_added).all()
    assert residual(world) < EXACT
    assert world.notes[0] == "n" and not any("no tariffs" in note for note in world.notes)


def destocked() -> pd.DataFrame:
    """A table in which changes in inventories make one flow -1."""
    frame = table(split=False)
    drop = 1.0 + frame.loc["AUS_C24", [c for c in frame if c.startswith("USA")]].sum()
    frame.loc["AUS_C24", ["USA_INVNT", "OUT"]] -= drop
    frame.loc[["VA", "OUT"], "AUS_C24"] -= drop
    return frame


def test_icio_negative_flows_are_refused(tmp_path):
    path = write(destocked(), tmp_path / "2022_SML.csv")
    match = (
        r"1 of 64 flows are negative \(-1 million USD of [\d,.]+\), through changes in inventories "
        r"\(importer exporter product: USA AUS C24\): balance=\"ras\" sets them to 0"
    )
    for balance in ("raise", "resolve"):
        with pytest.raises(DataError, match=match):
            tw.World.from_icio(path, theta=4.0, balance=balance)


def test_icio_negative_flows_are_cleared_and_reported_under_ras(tmp_path):
    path = write(destocked(), tmp_path / "2022_SML.csv")
    world = tw.World.from_icio(path, theta=4.0, balance="ras")
    assert world._trade[3, 0, 2] == 0.0
    assert any(
        note.startswith("1 of 64 flows are negative (-1 million USD") and note.endswith("set to 0")
        for note in world.notes
    )
    assert residual(world) < EXACT


def test_icio_sectors_that_sell_nothing_are_left_out(tmp_path):
    frame = table(split=False)
    rows = [r for r in frame.index if r.endswith("J62_63")]
    frame.loc[rows] = 0.0
    frame[rows] = 0.0
    frame["OUT"] = frame.drop(columns="OUT").sum(axis=1)
    users = [c for c in frame.columns if c in frame.index and c != "OUT"]
    frame.loc["OUT", users] = frame.loc[users, "OUT"]
    frame.loc["TLS", rows] = 0.0
    frame.loc["VA", users] = frame.loc["OUT", users] - frame.loc[[*users, "TLS"], users].sum()
    frame.loc[["TLS", "VA", "OUT"], "OUT"] = np.nan  # cells that nothing uses may be empty
    world = tw.World.from_icio(write(frame, tmp_path / "2022_SML.csv"), theta=4.0)
    assert world.products == tuple(INDUSTRIES[:3])
    assert "1 products without any sales left out (J62_63)" in world.notes


def test_icio_from_zips_and_open_files(tmp_path):
    text = table().to_csv(index_label="V1")
    one = tmp_path / "one.zip"
    with zipfile.ZipFile(one, "w") as archive:
        archive.writestr("2021_SML.csv", text)
    two = tmp_path / "2016-2022_SML.zip"
    with zipfile.ZipFile(two, "w") as archive:
        archive.writestr("2021_SML.csv", text)
        archive.writestr("2022_SML.csv", text)
    plain = tw.World.from_icio(io.StringIO(text), theta=4.0)
    for world in (
        tw.World.from_icio(one, theta=4.0),
        tw.World.from_icio(two, theta=4.0, member="2022_SML.csv"),
    ):
        np.testing.assert_array_equal(world._trade, plain._trade)
    assert tw.World.from_icio(two, theta=4.0, member="2022_SML.csv").year == 2022
    with pytest.raises(DataError, match=r"does not name one of its CSV files .*2021_SML.csv, 2022"):
        tw.World.from_icio(two, theta=4.0)
    with pytest.raises(DataError, match="is for a zip file"):
        tw.World.from_icio(io.StringIO(text), theta=4.0, member="a.csv")


def refused(frame: pd.DataFrame, match: str):
    with pytest.raises(DataError, match=match):
        tw.World.from_icio(io.StringIO(frame.to_csv(index_label="V1")), theta=4.0)


def test_icio_files_that_are_not_understood():
    frame = table(split=False)
    refused(frame.rename(columns={"AUS_HFCE": "AUT_HFCE"}), "column 'AUT_HFCE' is neither")
    refused(frame.rename(index={"VA": "VALUEADDED"}), "row 'VALUEADDED' is neither")
    refused(frame.drop(columns="AUS_C24"), r"1 producers have no column \(AUS_C24\)")
    refused(frame.drop(index="AUS_C24"), r"the sum of .* columns is not the printed output|neither")
    short = frame.copy()
    short.loc["USA_C24", "MEX_C24"] += 50.0
    refused(short, r"the sum of 1 rows is not the printed output \(USA_C24: .* against")
    holes = frame.copy()
    holes.loc["USA_C24", "MEX_C24"] = np.nan
    refused(holes, r"1 cells are empty or no numbers \(USA_C24 MEX_C24\)")
    text = frame.to_csv(index_label="V1").replace("USA_C24,", "USA_C17_18,", 2)
    with pytest.raises(DataError, match="stand twice"):
        tw.World.from_icio(io.StringIO(text), theta=4.0)
    refused(frame.loc[["VA", "OUT"]], "no row is COUNTRY_INDUSTRY")


# ---- pymrio -------------------------------------------------------------------------------------


def system(**changes):
    """Draw Z, Y and unit with pymrio's index names."""
    rng = np.random.default_rng(3)
    regions, sectors, categories = ["reg1", "reg2", "reg3"], ["food", "mining"], ["hh", "gov"]
    rows = pd.MultiIndex.from_product([regions, sectors], names=["region", "sector"])
    ends = pd.MultiIndex.from_product([regions, categories], names=["region", "category"])
    given = {
        "Z": pd.DataFrame(rng.uniform(0.1, 1.0, (6, 6)), index=rows, columns=rows),
        "Y": pd.DataFrame(rng.uniform(1.0, 3.0, (6, 6)), index=rows, columns=ends),
        "unit": pd.DataFrame({"unit": "M.EUR"}, index=rows),
        "meta": SimpleNamespace(name="toy"),
    }
    return SimpleNamespace(**{**given, **changes})


def test_pymrio():
    io_ = system()
    world = tw.World.from_pymrio(io_, theta=5.0, tariff=0.05, year=2020)
    assert world.countries == ("reg1", "reg2", "reg3")
    assert (world.value_unit, world.source, world.year) == ("M.EUR", "toy", 2020)
    into = io_.Z.T.groupby(level=0).sum().T + io_.Y.T.groupby(level=0).sum().T
    for n, buyer in enumerate(world.countries):
        for i, seller in enumerate(world.countries):
            np.testing.assert_allclose(
                world._trade[n, i], into.loc[seller, buyer].to_numpy(), rtol=1e-13
            )
    x = io_.Z.sum(axis=1) + io_.Y.sum(axis=1)
    duty = 1.05 * io_.Z.to_numpy() + 0.0
    for n in range(3):
        duty[2 * n : 2 * n + 2, 2 * n : 2 * n + 2] /= 1.05
    share = 1.0 - duty.sum(axis=0) / x.to_numpy()
    np.testing.assert_allclose(world._value_added.ravel(), share, rtol=1e-12)
    assert residual(world) < EXACT


def test_inputs_that_cost_more_than_output_are_named():
    io_ = system()
    with pytest.raises(DataError, match=r"inputs with duty cost more than output is worth for \d+"):
        tw.World.from_pymrio(system(Y=io_.Y * 0.3), theta=4.0, tariff=4.0)


def test_pymrio_order_of_rows():
    io_ = system()
    order = [5, 0, 3, 1, 4, 2]
    mixed = system(Z=io_.Z.iloc[order, order], Y=io_.Y.iloc[order, ::-1])
    np.testing.assert_allclose(
        tw.World.from_pymrio(mixed, theta=5.0)._input_use,
        tw.World.from_pymrio(io_, theta=5.0)._input_use,
        rtol=1e-12,
    )


def test_pymrio_refusals():
    def no(match, io_, **options):
        with pytest.raises(DataError, match=match):
            tw.World.from_pymrio(io_, theta=5.0, **options)

    io_ = system()
    no(r"io\.Z is not there: call io\.calc_all\(\) first", system(Z=None))
    no(r"io\.Y must have \(region, sector\) rows", system(Y=io_.Y.droplevel(0)))
    no("must have the same", system(Z=io_.Z.iloc[::-1]))
    no(
        r"io\.Y has regions that io\.Z does not have \(reg9\)",
        system(Y=io_.Y.rename(columns={"reg3": "reg9"})),
    )
    part = io_.Z.iloc[:5, :5]
    no("every region must have every sector", system(Z=part, Y=io_.Y.iloc[:5]))
    no(r"io\.Z has 1 NaN", system(Z=io_.Z.mask(io_.Z == io_.Z.iloc[0, 0])))
    unit = io_.unit.copy()
    unit.iloc[0] = "t"
    no(r"io\.unit names 2 units \(M\.EUR, t\): give value_unit=", system(unit=unit))
    eora = system(meta=SimpleNamespace(name="Eora26"))
    no("Eora26 is in thousand USD, whatever its label says", eora)
    assert tw.World.from_pymrio(eora, theta=5.0, value_unit="thousand USD").value_unit == (
        "thousand USD"
    )
