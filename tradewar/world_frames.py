"""The frames of a world: income, industries, inputs, parameters, and the table it prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tradewar._display import money_scale, percent
from tradewar.schema import with_units

if TYPE_CHECKING:
    from tradewar.world import World


def income(world: World) -> pd.DataFrame:
    """Make World.income; see there."""
    acc = world._accounts
    pair = world._trade.sum(axis=2)
    home = np.diagonal(pair)
    frame = pd.DataFrame(
        {
            "income": acc.income,
            "labour_income": acc.labour_income,
            "rents": acc.rents,
            "tariff_revenue": acc.tariff_revenue,
            "export_tax_revenue": acc.export_revenue,
            "deficit": acc.deficit,
            "exports": pair.sum(axis=0) - home,
            "imports": pair.sum(axis=1) - home,
        },
        index=pd.Index(world.countries, name="country", dtype=str),
    )
    return with_units(frame, world.value_unit)


def industries(world: World) -> pd.DataFrame:
    """Make World.industries; see there."""
    names, goods = world._data._countries, world._data._products
    frame = pd.DataFrame(
        {
            "country": names.repeat(len(goods)),
            "product": np.tile(goods, len(names)),
            "output": world._output.ravel(),
            "value_added_share": world._value_added.ravel(),
            "expenditure": world._expenditure.ravel(),
            "final_share": world._final_share.ravel(),
        }
    )
    return with_units(frame, world.value_unit)


def inputs(world: World) -> pd.DataFrame:
    """Make World.inputs; see there."""
    n, k, j = np.nonzero(world._input_use)
    names, goods = world._data._countries, world._data._products
    frame = pd.DataFrame(
        {
            "country": names.take(n),
            "input": goods.take(k),
            "user": goods.take(j),
            "input_share": world._input_use[n, k, j],
        }
    )
    return with_units(frame, world.value_unit)


def parameters(world: World) -> pd.DataFrame:
    """Make World.parameters; see there."""
    frame = pd.DataFrame(
        {
            "theta": world._theta,
            "substitution": world._theta + 1.0,
            "rent_share": world._rents,
            "scale": world._scale,
        },
        index=pd.Index(world.products, name="product", dtype=str),
    )
    frame.attrs["unit"] = dict.fromkeys(frame.columns, "pure number")
    return frame


def summary(world: World) -> pd.DataFrame:
    """Make World.summary; see there."""
    acc = world._accounts
    foreign = world._trade.sum() - np.einsum("nnj->", world._trade)
    money = money_scale(world.value_unit, float(acc.income.sum()))
    duty = float(acc.tariff_revenue.sum() / foreign) if foreign > 0 else 0.0
    worst = int(np.argmax(np.abs(acc.deficit)))
    low, high = world._theta.min(), world._theta.max()
    inputs = float((world._input_use.sum(axis=1) * (1 - world._rents) * world._output).sum())
    rows = {
        "countries": f"{len(world.countries):,}",
        "products": f"{len(world.products):,}",
        "flows": f"{len(world._data):,}",
        "value added": money.text(float(acc.labour_income.sum())),
        "trade between countries": money.text(float(foreign)),
        "mean tariff on it": percent(duty),
        "inputs, share of output": percent(inputs / float(world._output.sum())),
        "largest deficit": f"{money.text(acc.deficit[worst])} ({world.countries[worst]})",
        "theta": f"{low:g}" if low == high else f"{low:g} to {high:g}",
    }
    if world._rents.any():
        rows["rents, share of revenue"] = percent(float(acc.rents.sum() / world._output.sum()))
    if world._scale.any():
        rows["scale elasticity"] = f"up to {world._scale.max():g}"
    failed = int((~world.check()["ok"]).sum())
    rows["checks"] = "all hold" if not failed else f"{failed} to look at: see check()"
    return pd.DataFrame({"value": rows}).rename_axis("item")
