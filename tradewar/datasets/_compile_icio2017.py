"""Recipe of the world of 2017 (7 regions x 44 sectors) and of the tariff waves of 2018-19."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar.datasets._compile_base import Source, Table
from tradewar.datasets._names import ICIO_SECTORS
from tradewar.errors import DataError

__all__ = ["GOODS", "icio_2017", "read_tariffs_2017", "trade_war_2018_19"]

Array = NDArray[np.float64]

FOLDER = "icio2017_7x44/"
TRADE_FILE = FOLDER + "TradeFlow2017.csv"
INPUT_FILE = FOLDER + "IOshare.csv"
ADDED_FILE = FOLDER + "vashare.csv"
TARIFF_FILE = FOLDER + "tariff_prewar2017.csv"
THETA_FILE = FOLDER + "cal_elasticities.csv"
US_WAVE_FILE = FOLDER + "tariff_Trump.csv"
CHINA_WAVE_FILE = FOLDER + "tariff_China.csv"

COUNTRY = ("BRA", "CHN", "EU28", "IND", "JPN", "ROW", "USA")  # EU of the source, the UK inside
GOODS = 22  # goods are the first sectors
LEAST_FINAL = 0.001  # of absorption: final demand that is left where inputs would use it all up
MET = 1e-12
MOST_ROUNDS = 10_000


def _place(labels: pd.Series) -> NDArray[np.intp]:
    names = labels.replace({"EU": "EU28"})
    return np.array([COUNTRY.index(name) for name in names])


def _sector(numbers: pd.Series) -> NDArray[np.intp]:
    return numbers.to_numpy(dtype=np.intp) - 1


def _full(frame: pd.DataFrame, values: str, shape: tuple[int, ...], *at: Any) -> Array:
    """Lay a complete long frame out as an array."""
    out = np.full(shape, np.nan)
    out[at] = frame[values].to_numpy(dtype=float)
    if len(frame) != out.size or np.isnan(out).any():
        raise DataError(f"{values}: {len(frame)} rows do not fill {shape}")
    return out


def read_tariffs_2017(src: Source) -> Array:
    """Read applied tariffs before the trade war, [importer, exporter, goods sector], fractions."""
    frame = src.csv(TARIFF_FILE, {"indcode": int, "AHS_simple": float})
    n, j = len(COUNTRY), len(ICIO_SECTORS)
    at = (_place(frame["iso_d"]), _place(frame["iso_o"]), _sector(frame["indcode"]))
    rate = _full(frame, "AHS_simple", (n, n, j), *at)
    if rate[:, :, GOODS:].any() or rate[np.arange(n), np.arange(n)].any() or (rate < 0).any():
        raise DataError(f"{TARIFF_FILE}: a rate on services or own trade, or a negative one")
    return rate[:, :, :GOODS]


@dataclass(frozen=True)
class Rebalanced:
    """Input use [country, input, user] after the repair, and what it took."""

    inputs: Array
    lifted: NDArray[np.intp]  # [cell, 2] country, sector whose final demand was too small
    before: Array  # [country, sector] final demand that the source implies
    rounds: int


def rebalance(inputs: Array, cost: Array, absorption: Array) -> Rebalanced:
    """Scale input use until each user's cost is met and no product is used up.

    Input use in each row (a product of a country) is scaled down to (1 - LEAST_FINAL) of its
    absorption where it is more, each column (a user) to its cost of inputs, in turn: the input
    use nearest to the source, in relative entropy, that leaves final demand positive.

    Parameters
    ----------
    inputs : shape (country, input, user)
    cost : shape (country, user), cost of all inputs
    absorption : shape (country, input), purchases at home, duty included
    """
    x = inputs.copy()
    most = (1 - LEAST_FINAL) * absorption
    before = absorption - x.sum(2)
    lifted = np.argwhere(before < LEAST_FINAL * absorption)
    for rounds in range(1, MOST_ROUNDS + 1):
        use = x.sum(2)
        x *= np.minimum(1.0, most / use)[:, :, None]
        x *= (cost / x.sum(1))[:, None, :]
        if (x.sum(2) <= most * (1 + MET)).all():
            return Rebalanced(x, lifted, before, rounds)
    raise DataError(f"input use cannot be balanced in {MOST_ROUNDS} rounds")


def icio_2017(src: Source) -> Table:
    """Take the world of 2017 before the trade war, with input use rebalanced."""
    sectors, n = list(ICIO_SECTORS), len(COUNTRY)
    frame = src.csv(TRADE_FILE, {"indcode": int, "tradevalue": float})
    at = (_place(frame["iso_d"]), _place(frame["iso_o"]), _sector(frame["indcode"]))
    trade = _full(frame, "tradevalue", (n, n, len(sectors)), *at)
    frame = src.csv(ADDED_FILE, {"indcode": int, "vashare": float})
    at2 = (_place(frame["iso_o"]), _sector(frame["indcode"]))
    added = _full(frame, "vashare", (n, len(sectors)), *at2)
    frame = src.csv(INPUT_FILE, {"input_ind": int, "output_ind": int, "valueshare": float})
    at = (_place(frame["iso_o"]), _sector(frame["input_ind"]), _sector(frame["output_ind"]))
    share = _full(frame, "valueshare", (n, len(sectors), len(sectors)), *at)
    tariff = np.zeros_like(trade)
    tariff[:, :, :GOODS] = read_tariffs_2017(src)

    output = trade.sum(0)
    absorption = ((1 + tariff) * trade).sum(1)
    cost = (1 - added) * output
    miss = np.abs(share.sum(1) - 1)
    inputs = share / share.sum(1, keepdims=True) * cost[:, None, :]
    new = rebalance(inputs, cost, absorption)
    final = absorption - new.inputs.sum(2)
    use = new.inputs / output[:, None, :]
    named = [
        {
            "country": COUNTRY[a],
            "sector": sectors[b],
            "final_before": round(float(new.before[a, b]), 1),
            "share_of_absorption_before": round(float(new.before[a, b] / absorption[a, b]), 4),
            "final_after": round(float(final[a, b]), 1),
            "input_use_change": round(float(new.inputs[a, b].sum() / inputs[a, b].sum() - 1), 4),
        }
        for a, b in new.lifted
    ]
    theta = src.csv(THETA_FILE)
    theta.columns = [name.strip("\ufeff \\") for name in theta.columns]
    moved = np.abs(new.inputs - inputs)
    table = Table(
        name="icio_2017",
        what="world economy of 2017 before the trade war: 7 regions, 44 sectors, input use",
        source="OECD Inter-Country Input-Output tables, year 2017 (flows, value added, input use); "
        "tariffs: World Bank WITS, applied rates, simple means",
        licence="CC BY 4.0 (OECD); facts, cited (tariffs)",
        year=2017,
        tariff_date="2017",
        unit={
            "trade": "million USD, without import duty",
            "tariff": "fraction",
            "value_added": "share of output",
            "input_use": "share of output, duty included",
            "theta": "trade elasticity, pure number > 0",
            "psi": "scale elasticity, pure number >= 0",
        },
        arrays={
            "country": np.array(COUNTRY),
            "product": np.array(sectors),
            "trade": trade.astype(np.float32),
            "tariff": tariff[:, :, :GOODS],
            "value_added": added.astype(np.float32),
            "input_use": use.astype(np.float32),
            "theta": theta["theta"].astype(float).to_numpy(),
            "psi": theta["psi"].astype(float).to_numpy(),
        },
        rows=int((trade > 0).sum()),
        inputs=(TRADE_FILE, INPUT_FILE, ADDED_FILE, TARIFF_FILE, THETA_FILE),
    )
    place = {name: k for k, name in enumerate(COUNTRY)}
    goods = trade[:, :, :GOODS].sum(2)
    abroad = goods.sum(1) - np.diag(goods)
    revenue = (tariff * trade).sum((1, 2))
    table.counts = {
        "negative_final_demands": int((new.before < 0).sum()),
        "final_demands_lifted": len(new.lifted),
        "value_lifted": round(float((final - new.before)[tuple(new.lifted.T)].sum()), 1),
        "input_use_moved_share": round(float(moved.sum() / 2 / inputs.sum()), 6),
        "largest_change_of_an_input_share": round(float((moved / output[:, None, :]).max()), 4),
        "rounds": new.rounds,
        "lifted": named,
        "largest_miss_of_input_shares": round(float(miss.max()), 9),
        "value_added": dict(zip(COUNTRY, (added * output).sum(1).round(0).tolist(), strict=True)),
        "tariff_revenue": dict(zip(COUNTRY, revenue.round(0).tolist(), strict=True)),
        "mean_tariff_on_goods": dict(
            zip(COUNTRY, (revenue / abroad).round(4).tolist(), strict=True)
        ),
    }
    usa, chn = place["USA"], place["CHN"]
    table.check("flows", table.rows, 2156)
    table.check("China to the US, goods, bn USD", float(goods[usa, chn]) / 1e3, 398.9, 0.05)
    table.check("the other way", float(goods[chn, usa]) / 1e3, 119.5, 0.05)
    without = trade.sum(1) - inputs.sum(2)
    table.check("negative final demands without duties", int((without < 0).sum()), 20)
    table.check("... largest, bn USD", float(without.min()) / 1e3, -47.6, 0.05)
    table.check(
        "... Japan B09, share of absorption",
        float((without / trade.sum(1))[place["JPN"], sectors.index("B09")]),
        -0.1175,
        0.0005,
    )
    table.check("smallest final demand now, share", float((final / absorption).min()), 0.001, 1e-9)
    c = table.counts
    table.notes = [
        "The European Union is EU28, with the United Kingdom.",
        f"Rebalanced: as read, {c['negative_final_demands']} of {final.size} final demands are "
        f"negative (20 without duties).  {c['final_demands_lifted']} are lifted to "
        f"{100 * LEAST_FINAL:g} % of absorption, {c['value_lifted'] / 1e3:.0f} bn USD in all, by "
        f"scaling input use: {100 * c['input_use_moved_share']:.2f} % of it moves, the largest "
        f"change of an input's share of output is {c['largest_change_of_an_input_share']:.3f}. "
        "Flows, tariffs, output and value-added shares are as in the source. .extra['rebalanced'] "
        "lists the cells.",
        "Input shares of the source are shares of the cost of inputs; here of output, duty "
        "included.",
        "Final shares are what flows and inputs imply; those of the source, floored at .0001, are "
        "not used.",
        "The theta of 10 for services that came with the data is a convention.",
    ]
    return table


def trade_war_2018_19(src: Source) -> Table:
    """Take the duties that both sides announced in 2018-19, by sector, as added rates."""
    sectors = list(ICIO_SECTORS)[:GOODS]
    waves = {}
    for file, column in (
        (US_WAVE_FILE, "trump_tariff_wave5"),
        (CHINA_WAVE_FILE, "China_tariff_wave5"),
    ):
        frame = src.csv(file, {"indcode": int, column: float})
        if frame["indcode"].tolist() != list(range(1, GOODS + 1)):
            raise DataError(f"{file}: not the {GOODS} goods sectors in order")
        waves[file] = frame[column].to_numpy()
    usa, chn = waves[US_WAVE_FILE], waves[CHINA_WAVE_FILE]
    frame = src.csv(TRADE_FILE, {"indcode": int, "tradevalue": float})
    mean = {}
    for rate, exporter, importer in ((usa, "CHN", "USA"), (chn, "USA", "CHN")):
        flow = frame[(frame["iso_o"] == exporter) & (frame["iso_d"] == importer)]
        value = flow.sort_values("indcode")["tradevalue"].to_numpy()[:GOODS]
        mean[importer] = float((rate * value).sum() / value.sum())
    table = Table(
        name="trade_war_2018_19",
        what="duties that the US and China announced on each other in 2018-19, by sector",
        source="announced lists of both sides up to the fifth wave, simple means of the added "
        "rates by ICIO sector",
        licence="facts",
        year=2019,
        tariff_date="2019, announced",
        unit={
            "us_on_china": "fraction, added to the rate of 2017",
            "china_on_us": "fraction, added to the rate of 2017",
        },
        arrays={"product": np.array(sectors), "us_on_china": usa, "china_on_us": chn},
        rows=2 * GOODS,
        counts={
            "us_on_china_mean": round(mean["USA"], 4),
            "china_on_us_mean": round(mean["CHN"], 4),
        },
        inputs=(US_WAVE_FILE, CHINA_WAVE_FILE, TRADE_FILE),
    )
    table.notes = [
        f"Weighted by goods trade of 2017: the US adds {100 * mean['USA']:.1f} points, China "
        f"{100 * mean['CHN']:.1f}.",
        "Announced rates, simple means: exclusions lowered what was paid, and part of the last "
        "rise was called off (sectors above 0.25).",
    ]
    table.check("least added by the US", float(usa.min()), 0.0395, 0.00005)
    table.check("most", float(usa.max()), 0.3069, 0.00005)
    table.check("least added by China", float(chn.min()), 0.0596, 0.00005)
    table.check("most", float(chn.max()), 0.2148, 0.00005)
    return table
