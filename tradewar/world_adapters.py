"""Worlds from inter-country input-output tables: OECD ICIO files, and tables that pymrio reads.

T[i,k,n,j] are sales of product k from i to user j in n, F[i,k,n] final sales, at basic prices:
Z[n,i,k] = sum_j T + F; g[n,k,j] = sum_i (1+t) T / Y, so that inputs are bought with the duty that
trade pays; gamma = 1 - sum_k g holds value added and taxes less subsidies on products.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from tradewar.errors import DataError, first_five
from tradewar.world_reading import named, read_flows

if TYPE_CHECKING:
    from tradewar.world import World

__all__ = ["Blocks", "from_blocks", "read_icio", "read_pymrio"]

# Parts of a country that extended tables report apart.
SPLIT = {f"{part}{k}": whole for part, whole in (("CN", "CHN"), ("MX", "MEX")) for k in range(1, 5)}
_TOTAL_COLUMN = {"OUT", "TOTAL", "OUTPUT"}
_OUTPUT_ROW = {"OUT", "OUTPUT"}
_OTHER_ROW = {"TLS", "TAXSUB", "VA", "VALU", "VALUE"}
TOTALS = 1e-3  # printed totals may differ by this from the sums, relative to output
NOTHING = 1.0  # in the file's unit: outputs below it are not compared


class Blocks(NamedTuple):
    """An inter-country table.

    Attributes
    ----------
    inputs : float64 array, shape (origin, product, country, user)
    final : float64 array, shape (origin, product, country)
    countries, products : tuple of str
    notes : tuple of str
    """

    inputs: np.ndarray
    final: np.ndarray
    countries: tuple[str, ...]
    products: tuple[str, ...]
    notes: tuple[str, ...]


def from_blocks(
    cls: type[World], blocks: Blocks, *, tariff: Any, balance: str, **options: Any
) -> World:
    """Make a world of an inter-country table."""
    sales = np.ascontiguousarray((blocks.inputs.sum(axis=3) + blocks.final).transpose(2, 0, 1))
    notes, keep = list(blocks.notes), sales.sum(axis=(0, 1)) != 0
    labels = (blocks.countries, blocks.countries, blocks.products)
    low = sales < 0
    if low.any():
        size = (
            f"{np.count_nonzero(low)} of {np.count_nonzero(sales)} flows are negative "
            f"({sales[low].sum():,.6g} {options['value_unit']} of "
            f"{np.abs(sales).sum():,.6g}), through changes in inventories (importer exporter "
            f"product: {named(low, labels)})"
        )
        if balance != "ras":
            raise DataError(f'{size}: balance="ras" sets them to 0 and balances the rest')
        notes.append(f"{size}; set to 0")
    inputs = blocks.inputs
    if not keep.all():
        idle = [p for p, k in zip(blocks.products, keep, strict=True) if not k]
        notes.append(f"{len(idle)} products without any sales left out ({first_five(idle)})")
        inputs = inputs[:, keep][..., keep]
    products = tuple(p for p, k in zip(blocks.products, keep, strict=True) if k)
    clean = np.maximum(sales, 0.0)[:, :, keep]
    flows = read_flows(
        clean,
        tariff,
        None,
        countries=blocks.countries,
        products=products,
        columns=None,
        percent=False,
        fill_tariff=None,
    )
    back = [flows.axes.countries.index(c) for c in blocks.countries]
    into = [flows.axes.products.index(p) for p in products]
    duty = flows.tariff[np.ix_(back, back, into)]
    use = np.einsum("iknj,nik->nkj", inputs, 1.0 + duty)
    output = clean.sum(axis=0)
    share = np.where(output[:, None] > 0, use / np.where(output > 0, output, 1.0)[:, None], 0.0)
    value_added = 1.0 - share.sum(axis=1)
    bad = (output > 0) & (value_added <= 0)
    if bad.any():
        raise DataError(
            f"inputs with duty cost more than output is worth for {np.count_nonzero(bad)} "
            f"producers (country product: {named(bad, (blocks.countries, products))}), down to "
            f"{value_added[bad].min():.3g} of output: merge these sectors or correct them"
        )
    return cls.from_tables(
        clean,
        tariff=duty,
        input_use=share,
        value_added=value_added,
        countries=blocks.countries,
        products=products,
        balance=balance,  # type: ignore[arg-type]
        notes=(*options.pop("notes", ()), *notes, *_no_tariff(tariff)),
        **options,
    )


def _no_tariff(tariff: Any) -> tuple[str, ...]:
    return ("no tariffs were given: all are 0",) if tariff is None else ()


# ---- OECD ICIO ----------------------------------------------------------------------------------


def read_icio(path: str | Path | IO[Any], member: str | None) -> tuple[Blocks, str]:
    """Read an ICIO file; also give its name."""
    name = str(getattr(path, "name", path) if not isinstance(path, str | Path) else Path(path).name)
    table = _open(path, member)
    table.index = pd.Index([str(label).strip() for label in table.index])
    table.columns = pd.Index([str(label).strip() for label in table.columns])
    for axis, labels in (("rows", table.index), ("columns", table.columns)):
        if labels.has_duplicates:
            twice = labels[labels.duplicated()].unique()
            raise DataError(f"{name}: {axis} stand twice ({first_five(list(twice))})")
    rows, totals = _rows(table.index, name)
    users, final, total_column = _columns(table.columns, rows, name)
    numbers = table.to_numpy(dtype=np.float64)
    _check_finite(table, [*rows, *totals], list(users), name)
    _check_finite(table, [*rows], list(final), name)
    countries = tuple(sorted({c for c, _ in rows.values()}))
    products = tuple(dict.fromkeys(p for _, p in rows.values()))
    n_of = {c: k for k, c in enumerate(countries)}
    j_of = {p: k for k, p in enumerate(products)}
    shape = (len(countries), len(products))
    at_row = np.array([n_of[c] * shape[1] + j_of[p] for c, p in rows.values()])
    body = numbers[[_place(table.index, label) for label in rows]]
    _check_totals(numbers, table, rows, users, final, total_column, totals, name)
    users_at = np.array([n_of[c] * shape[1] + j_of[p] for c, p in users.values()])
    inputs = _gather(body[:, [_place(table.columns, c) for c in users]], at_row, users_at, shape)
    final_at = np.array([n_of[c] for c in final.values()])
    spent = _gather(
        body[:, [_place(table.columns, c) for c in final]],
        at_row,
        final_at,
        (shape[0], 1),
        rows_shape=shape,
    )
    notes = ["taxes less subsidies on products count as value added"]
    split = sorted({label.split("_", 1)[0] for label in rows} & set(SPLIT))
    if split:
        notes.append(f"parts of countries were merged: {', '.join(split)}")
    blocks = Blocks(
        inputs.reshape(*shape, *shape),
        spent.reshape(*shape, shape[0]),
        countries,
        products,
        tuple(notes),
    )
    return blocks, name


def _open(path: Any, member: str | None) -> pd.DataFrame:
    """Read the CSV, plain, compressed, or a member of a zip."""
    if isinstance(path, str | Path) and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if n.lower().endswith(".csv")]
            chosen = member or (names[0] if len(names) == 1 else None)
            if chosen not in names:
                raise DataError(
                    f"{path}: member={member!r} does not name one of its CSV files "
                    f"({first_five(names)})"
                )
            with archive.open(chosen) as file:
                return pd.read_csv(file, index_col=0, low_memory=False)
    if member is not None:
        raise DataError(f"member={member!r} is for a zip file")
    return pd.read_csv(path, index_col=0, low_memory=False)


def _place(labels: pd.Index, label: str) -> int:
    place: Any = labels.get_loc(label)
    return int(place)


def _check_finite(table: pd.DataFrame, rows: Sequence[str], columns: list[str], name: str) -> None:
    """Refuse empty cells among those that are used."""
    bad = ~np.isfinite(table.loc[list(rows), columns].to_numpy(dtype=np.float64))
    if bad.any():
        where = named(bad, (list(rows), columns))
        raise DataError(f"{name}: {np.count_nonzero(bad)} cells are empty or no numbers ({where})")


def _rows(labels: pd.Index, name: str) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """Split row labels into producers (country, industry) and the rows below them."""
    rows: dict[str, tuple[str, str]] = {}
    others = []
    for label in labels:
        country, _, industry = label.partition("_")
        if label in _OUTPUT_ROW | _OTHER_ROW or industry in _OTHER_ROW:
            others.append(label)
        elif not industry:
            raise DataError(
                f"{name}: row {label!r} is neither COUNTRY_INDUSTRY nor one of "
                f"{', '.join(sorted(_OUTPUT_ROW | _OTHER_ROW))}"
            )
        else:
            rows[label] = (SPLIT.get(country, country), industry)
    if not rows:
        raise DataError(f"{name}: no row is COUNTRY_INDUSTRY, such as AUS_C17_18")
    return rows, others


def _columns(
    labels: pd.Index, rows: Mapping[str, tuple[str, str]], name: str
) -> tuple[dict[str, tuple[str, str]], dict[str, str], str | None]:
    """Split column labels into users, final demand by country, and the total."""
    countries = {country for country, _ in rows.values()}
    users: dict[str, tuple[str, str]] = {}
    final: dict[str, str] = {}
    total = None
    for label in labels:
        first, last = label.split("_", 1)[0], label.rsplit("_", 1)[-1]
        if label in rows:
            users[label] = rows[label]
        elif label in _TOTAL_COLUMN:
            total = label
        elif SPLIT.get(first, first) in countries:
            final[label] = SPLIT.get(first, first)
        elif SPLIT.get(last, last) in countries:  # the order of the 2016 edition
            final[label] = SPLIT.get(last, last)
        else:
            raise DataError(
                f"{name}: column {label!r} is neither a producer, nor final demand of a country "
                "(AUS_HFCE or HFCE_AUS), nor a total (OUT, TOTAL)"
            )
    lone = [label for label in rows if label not in users]
    if lone or not final:
        raise DataError(
            f"{name}: {len(lone)} producers have no column ({first_five(lone)}), "
            f"{len(final)} columns are final demand: is this the whole file?"
        )
    return users, final, total


def _gather(
    body: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    shape: tuple[int, int],
    rows_shape: tuple[int, int] | None = None,
) -> np.ndarray:
    """Add rows and columns up into their places."""
    height, width = np.prod(rows_shape or shape), np.prod(shape)
    if len(rows) == height and np.array_equal(rows, np.arange(height)):
        tall = body
    else:
        tall = np.zeros((height, body.shape[1]))
        np.add.at(tall, rows, body)
    out = np.zeros((width, height))
    np.add.at(out, columns, tall.T)
    return np.ascontiguousarray(out.T)


def _check_totals(
    numbers: np.ndarray,
    table: pd.DataFrame,
    rows: Mapping[str, Any],
    users: Mapping[str, Any],
    final: Mapping[str, Any],
    total_column: str | None,
    others: Sequence[str],
    name: str,
) -> None:
    """Compare sums with the printed totals."""
    at = [_place(table.index, label) for label in rows]
    across = [_place(table.columns, label) for label in (*users, *final)]
    pairs = []
    if total_column is not None:
        printed = numbers[at, _place(table.columns, total_column)]
        pairs.append(("row", list(rows), printed, numbers[np.ix_(at, across)].sum(axis=1)))
    below = [label for label in others if label in _OUTPUT_ROW]
    if below:
        used = [_place(table.columns, label) for label in users]
        parts = at + [_place(table.index, label) for label in others if label not in below]
        printed = numbers[_place(table.index, below[0]), used]
        pairs.append(("column", list(users), printed, numbers[np.ix_(parts, used)].sum(axis=0)))
    for what, labels, printed, summed in pairs:
        gap = np.abs(summed - printed) / np.maximum(np.abs(printed), NOTHING)
        bad = np.flatnonzero(~(gap <= TOTALS))
        if bad.size:
            shown = [f"{labels[k]}: {summed[k]:.6g} against {printed[k]:.6g}" for k in bad[:5]]
            raise DataError(
                f"{name}: the sum of {bad.size} {what}s is not the printed output "
                f"({first_five(shown)}): is part of the file missing?"
            )


def year_of(name: str) -> int | None:
    """Find the year in a file's name, the last of them: ICIO2018_2010.CSV is 2010."""
    found = re.findall(r"(?<!\d)(?:19|20)\d{2}(?!\d)", name)
    return int(found[-1]) if found else None


# ---- pymrio -------------------------------------------------------------------------------------


def read_pymrio(io: Any, value_unit: str | None) -> tuple[Blocks, str, str]:
    """Read Z and Y of a pymrio IOSystem; also give the unit and a name."""
    Z: Any = getattr(io, "Z", None)
    Y: Any = getattr(io, "Y", None)
    for table, name in ((Z, "Z"), (Y, "Y")):
        if not isinstance(table, pd.DataFrame):
            raise DataError(f"io.{name} is not there: call io.calc_all() first, or read a database")
        if table.index.nlevels != 2 or table.columns.nlevels != 2:
            raise DataError(f"io.{name} must have (region, sector) rows and two column levels")
    if not Z.index.equals(Y.index) or not Z.index.equals(Z.columns):
        raise DataError("io.Z and io.Y must have the same (region, sector) rows, and Z columns too")
    if Z.index.has_duplicates:
        raise DataError("io.Z: (region, sector) labels stand twice")
    regions = [str(region) for region in Z.index.unique(0)]
    sectors = [str(sector) for sector in Z.index.unique(1)]
    if len(Z) != len(regions) * len(sectors):
        raise DataError("io.Z: every region must have every sector")
    order = pd.MultiIndex.from_product([Z.index.unique(0), Z.index.unique(1)])
    n, j = len(regions), len(sectors)
    inputs = Z.reindex(index=order, columns=order).to_numpy(dtype=np.float64).reshape(n, j, n, j)
    where = {r: k for k, r in enumerate(regions)}
    code = np.array([where.get(str(r), -1) for r in Y.columns.get_level_values(0)])
    if (code < 0).any():
        odd = sorted({str(r) for r in Y.columns.get_level_values(0)} - set(regions))
        raise DataError(f"io.Y has regions that io.Z does not have ({first_five(odd)})")
    final = np.zeros((n, n * j))
    np.add.at(final, code, Y.reindex(index=order).to_numpy(dtype=np.float64).T)
    name = str(getattr(getattr(io, "meta", None), "name", "") or getattr(io, "name", "") or "")
    blocks = Blocks(
        inputs,
        final.T.reshape(n, j, n),
        tuple(regions),
        tuple(sectors),
        ("value added is output less inputs: it holds all taxes less subsidies",),
    )
    _refuse_nan(blocks)
    return blocks, _unit(io, name, value_unit), name


def _refuse_nan(blocks: Blocks) -> None:
    for array, what in ((blocks.inputs, "io.Z"), (blocks.final, "io.Y")):
        if not np.isfinite(array).all():
            raise DataError(f"{what} has {np.count_nonzero(~np.isfinite(array))} NaN or infinities")


def _unit(io: Any, name: str, given: str | None) -> str:
    """Find the unit; some labels are wrong and must be said."""
    if given is not None:
        return given
    if "eora" in name.lower():
        raise DataError(
            "Eora26 is in thousand USD, whatever its label says: give value_unit='thousand USD'"
        )
    unit = getattr(io, "unit", None)
    units = [] if not isinstance(unit, pd.DataFrame) else sorted({str(u) for u in unit.iloc[:, 0]})
    if len(units) != 1:
        raise DataError(f"io.unit names {len(units)} units ({first_five(units)}): give value_unit=")
    return units[0]
