"""Recipe of the world of 2022: 26 economies and regions and the rest, 44 sectors, balanced."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar.datasets._compile_base import Source, Table
from tradewar.datasets._compile_us import US_FILE
from tradewar.datasets._names import ICIO_GOODS, ICIO_SECTORS
from tradewar.errors import DataError

__all__ = ["GE_FILE", "GOODS", "Array", "World2022", "icio_2022", "read_icio_2022", "sums"]

Array = NDArray[np.float64]

ICIO = "OECD (2025), Inter-Country Input-Output tables, year 2022"
GE_FILE = "icio2022/icio2022_27x44_ge_world.npz"
ESTIMATE_FILE = "icio2022/icio2022_81x50_trade_estimate.npz"
SMALLEST_FLOW = 0.01  # million USD; smaller flows are noise of the estimation
BALANCED = 1e-9  # largest miss of a sum, relative to it
MOST_ROUNDS = 50_000
GOODS = 22  # goods are the first sectors


@dataclass(frozen=True)
class World2022:
    """The balanced world: million USD at basic prices, without duties; labels in order."""

    country: list[str]
    trade: NDArray[np.float32]  # [importer, exporter, sector], home sales included
    inputs: NDArray[np.float32]  # [country, input, user]
    estimated: NDArray[np.uint8]  # [importer, exporter, sector] percent of the flow
    counts: dict[str, Any]

    @property
    def product(self) -> list[str]:
        """The 44 sectors."""
        return list(ICIO_SECTORS)


def sums(x: Array) -> Array:
    """Sum over the last axis, correctly rounded, so that the result is the same everywhere."""
    flat = x.reshape(-1, x.shape[-1])
    return np.array([math.fsum(row) for row in flat.tolist()]).reshape(x.shape[:-1])


def balance(flows: Array, rows: Array, columns: Array) -> tuple[Array, int]:
    """Scale rows and columns in turn until both meet their sums; zeros stay zeros.

    Parameters
    ----------
    flows : shape (row, column), >= 0
    rows, columns : sums to meet, with the same total.

    Returns
    -------
    flows : shape (row, column), sums met to 1e-9
    rounds : int
        Thousands where nearly all is sold at home.
    """
    x = flows.copy()
    if ((x.sum(1) == 0) != (rows == 0)).any() or ((x.sum(0) == 0) != (columns == 0)).any():
        raise DataError("flows that are all zero cannot be scaled to a sum, nor others to zero")
    row_size = np.where(rows > 0, rows, 1.0)
    column_size = np.where(columns > 0, columns, 1.0)
    for rounds in range(1, MOST_ROUNDS + 1):
        total = x.sum(1)
        x *= (rows / np.where(total > 0, total, 1.0))[:, None]
        total = x.sum(0)
        x *= columns / np.where(total > 0, total, 1.0)
        miss = max(
            float(np.abs((x.sum(1) - rows) / row_size).max()),
            float(np.abs((x.sum(0) - columns) / column_size).max()),
        )
        if miss <= BALANCED:
            return x, rounds
    raise DataError(f"sums are still missed by {miss:.2e} after {MOST_ROUNDS} rounds")


def coarse(sector: str) -> str:
    """Give the sector of 44 that holds a sector of 50."""
    if sector in ICIO_GOODS:
        return ICIO_GOODS[sector][1]
    return "S" if sector == "T" else sector


def estimated_values(
    src: Source, region: dict[str, str], country: list[str]
) -> tuple[Array, Array]:
    """Sum up the flows of 81 x 50 by region and sector: [n, i, j] what is estimated, and all.

    Estimated are the split of final goods by partner and all trade of ROW; home sales of named
    economies are observed.
    """
    with np.load(src.open(ESTIMATE_FILE), allow_pickle=False) as file:
        names = ["ROW81" if c == "ROW" else str(c) for c in file["countries"]]
        sectors = [str(s) for s in file["sectors"]]
        total = file["trade_product_origin_dest"].astype(np.float64)
        final = file["trade_final_product_origin_dest"].astype(np.float64)
    rest = np.array([name == "ROW81" for name in names])
    home = np.eye(len(names), dtype=bool)
    guessed = np.where(rest[:, None] | rest[None, :], total, np.where(home, 0.0, final))
    to = np.array([country.index(region[name]) for name in names])
    s = np.array([list(ICIO_SECTORS).index(coarse(sector)) for sector in sectors])
    at = np.broadcast_arrays(to[None, None, :], to[None, :, None], s[:, None, None])
    shape = (len(country), len(country), len(ICIO_SECTORS))
    summed = []
    for part in (guessed, total):
        out = np.zeros(shape)
        np.add.at(out, tuple(at), part)
        summed.append(out)
    return summed[0], summed[1]


def read_icio_2022(src: Source) -> World2022:
    """Read, clean and balance the world of 2022."""
    sectors = list(ICIO_SECTORS)
    with np.load(src.open(GE_FILE), allow_pickle=False) as file:
        if [str(s) for s in file["sectors"]] != sectors:
            raise DataError(f"{GE_FILE}: the sectors are not the 44 of _names.py")
        order = np.argsort(file["regions"])
        country = [str(c) for c in file["regions"][order]]
        region = dict(str(pair).split(":") for pair in file["country_to_region"])
        raw = file["trade_product_origin_dest"].transpose(2, 1, 0).astype(np.float64)
        raw = raw[np.ix_(order, order)]  # [importer, exporter, sector]
        inputs, output, final, added = (
            file[name][order].astype(np.float64)
            for name in (
                "intermediate_use_region_product_user",
                "output_region_sector",
                "final_region_product",
                "value_added_region_sector",
            )
        )
    flows = np.where(raw > SMALLEST_FLOW, raw, 0.0)
    idle = output == 0
    if flows.sum(0)[idle].any() or inputs.sum(1)[idle].any():
        raise DataError(f"{GE_FILE}: a sector without output sells or buys")
    use = sums(inputs) + final
    gap = use.sum(0) - output.sum(0)
    rest = country.index("ROW")
    output[rest] += gap  # the one region that is estimated throughout
    balanced, rounds = np.zeros_like(flows), 0
    for j in range(len(sectors)):
        balanced[:, :, j], taken = balance(flows[:, :, j], use[:, j], output[:, j])
        rounds = max(rounds, taken)
    trade = balanced.astype(np.float32)

    guessed, total = estimated_values(src, region, country)
    home = np.eye(len(country), dtype=bool)
    outside = (raw - total)[rest, rest]  # at home in what is no economy of the source
    guessed[rest, rest] += outside
    share = np.divide(guessed, raw, out=np.zeros_like(raw), where=trade > 0).clip(0.0, 1.0)
    stored, kept = trade.astype(np.float64), flows > 0
    implied = sums(stored.transpose(0, 2, 1)) - sums(inputs)
    counts = {
        "flows": int((trade > 0).sum()),
        "flows_dropped": int(((raw > 0) & ~kept).sum()),
        "value_dropped": round(float(raw[~kept].sum()), 4),
        "cells_without_output": [f"{country[i]} {sectors[j]}" for i, j in np.argwhere(idle)],
        "gap_put_on_output_of_row": {
            sectors[j]: round(float(gap[j]), 3) for j in np.flatnonzero(np.abs(gap) > 1)
        },
        "largest_gap": round(float(np.abs(gap).max()), 3),
        "balance_rounds": rounds,
        "largest_change": round(float(np.abs(balanced - flows).max()), 3),
        "largest_relative_change": round(
            float((np.abs(balanced - flows)[kept] / flows[kept]).max()), 4
        ),
        "smallest_final": round(float(implied.min()), 3),
        "home_sales_of_row_outside_the_80": round(float(outside.sum()), 0),
        "estimated_share": round(float((share * stored)[~home].sum() / stored[~home].sum()), 4),
        "value_added": dict(zip(country, sums(added).round(0).tolist(), strict=True)),
    }
    drift = np.abs(sums(stored.transpose(1, 2, 0)) - output) / np.where(idle, 1.0, output)
    counts["largest_rounding_of_output"] = round(float(drift.max()), 9)
    counts["gap_to_the_estimate"] = round(float(np.abs(total - raw)[~home].max()), 3)
    return World2022(
        country=country,
        trade=trade,
        inputs=inputs.astype(np.float32),
        estimated=np.rint(100 * share).astype(np.uint8),
        counts=counts,
    )


def icio_2022(world: World2022, tariff: Array, flows: pd.DataFrame) -> Table:
    """Make the table of the balanced world and the figures it was checked by.

    Parameters
    ----------
    world : the balanced world
    tariff : shape (importer, exporter, goods sector), base tariffs
    flows : US imports of 2024: exporter product value
    """
    trade, inputs = world.trade.astype(np.float64), world.inputs.astype(np.float64)
    goods = sums(trade[:, :, :GOODS])
    place = {name: k for k, name in enumerate(world.country)}
    usa, chn = place["USA"], place["CHN"]
    duty = np.zeros_like(trade)
    duty[:, :, :GOODS] = tariff
    bought = sums(trade.transpose(0, 2, 1))  # [n, k]
    charge = 1 + sums((duty * trade).transpose(0, 2, 1)) / bought
    output = sums(trade.transpose(1, 2, 0))
    cost = sums((inputs * charge[:, :, None]).transpose(0, 2, 1))
    active = output > 0
    gamma = 1 - cost[active] / output[active]
    deficit = sums(bought) - sums(output)
    customs = flows[~flows["product"].str[:2].isin(["98", "99"])]
    label = customs["exporter"].where(customs["exporter"].isin(place), "ROW")
    by_partner = customs["value"].groupby(label).sum() / 1e6
    table = Table(
        name="icio_2022",
        what="world economy of 2022: 26 economies and regions and ROW, 44 sectors, input use",
        source=f"{ICIO}, aggregated; split of final goods by partner and ROW estimated",
        licence="CC BY 4.0",
        year=2022,
        unit={
            "trade": "million USD, basic prices, without import duty",
            "input_use": "million USD, basic prices, without import duty",
            "estimated": "percent of the flow whose split by partner is estimated",
        },
        arrays={
            "country": np.array(world.country),
            "product": np.array(world.product),
            "trade": world.trade,
            "input_use": world.inputs,
            "estimated": world.estimated,
        },
        rows=world.counts["flows"],
        counts={
            **world.counts,
            "smallest_value_added_share": round(float(gamma.min()), 4),
            "deficit": dict(zip(world.country, deficit.round(0).tolist(), strict=True)),
            "us_goods_imports": {
                c: round(float(goods[usa, k])) for c, k in place.items() if c != "USA"
            },
            "us_goods_imports_customs_2024": {
                c: round(float(by_partner[c])) for c in world.country if c != "USA"
            },
            "charge_on_inputs": {
                c: round(float((inputs[k] * (charge[k] - 1)[:, None]).sum()), 1)
                for c, k in place.items()
            },
        },
        inputs=(GE_FILE, ESTIMATE_FILE, US_FILE),
    )
    c = table.counts
    table.check("China to the US, goods, bn USD", float(goods[usa, chn]) / 1e3, 406.9, 0.05)
    table.check("US value added, tn USD", c["value_added"]["USA"] / 1e6, 25.09, 0.005)
    table.check("China's value added, tn USD", c["value_added"]["CHN"] / 1e6, 17.21, 0.005)
    table.check("US deficit, bn USD", float(deficit[usa]) / 1e3, 962, 0.5)
    table.check("China's deficit, bn USD", float(deficit[chn]) / 1e3, -555, 0.5)
    table.check("deficit of ROW, bn USD", float(deficit[place["ROW"]]) / 1e3, 453, 0.5)
    table.check("cells without output", len(c["cells_without_output"]), 4)
    table.check("negative final demands", int((bought - sums(inputs) < 0).sum()), 0)
    table.check("value added not positive", int((gamma <= 0).sum()), 0)
    home = float(np.trace(goods)) / float(goods.sum())
    table.notes = [
        f"Partly estimated: {100 * c['estimated_share']:.0f} % of cross-border value is final "
        "goods and services, whose split by partner is estimated, or trade with what lies outside "
        "the 80 economies of the source, all of it estimated (by iterative scaling to trade "
        "statistics). Intermediate goods between the 80 and their home sales are observed. "
        ".extra['flows'] tells by flow.",
        "The US column follows customs statistics by country of origin of 2024, scaled to the "
        "imports of 2022 (China 407 bn USD); Taiwan is somewhat high. Basic prices are about 0.76 "
        "of export (FOB) values.",
        f"{c['flows_dropped']} flows of at most {SMALLEST_FLOW} million USD "
        f"({c['value_dropped']:.1f} million in all) are left out; "
        f"{', '.join(c['cells_without_output'])} have no output and sell nothing.",
        "Balanced by scaling rows and columns of each sector in turn to output and use, to 1e-9 "
        f"of each sum: no flow moves by more than {c['largest_change']:.2f} million USD. "
        f"{c['largest_gap']:.0f} million USD of aircraft and ships that no output stood for are "
        "put on the output of ROW.",
        "Output, final demand, value added and deficits are what flows and input use imply; "
        "value added therefore includes taxes on products other than duties (US 25.1 tn USD, of "
        "which 24.8 before taxes).",
        f"Of the goods of all 27, {100 * home:.0f} % are sold at home; the trade of EU27 and of "
        "ROW within themselves counts as home.",
    ]
    return table
