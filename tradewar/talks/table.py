"""The talks side by side: every scenario solved from the status quo, in one labelled table."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from tradewar.data import TradeData
from tradewar.errors import DataError, DataWarning, ScenarioError, first_five
from tradewar.ge import solve_ge
from tradewar.many import solve_many
from tradewar.pe import solve_pe
from tradewar.rules import RECEIVERS
from tradewar.scenario import Scenario
from tradewar.talks import measures
from tradewar.wedges import apply_rules
from tradewar.world import World

__all__ = ["SCENARIOS", "baseline", "compare"]

SCENARIOS = (
    measures.status_quo,
    measures.us_threat,
    measures.china_mirror,
    measures.rare_earth_licences,
    measures.blacklist,
    measures.soybean_freeze,
    measures.escalation,
    measures.snap_back,
    measures.phase_one,
    measures.us_deal_terms,
    measures.china_deal_terms,
    measures.deal,
)
_MONEY = ("ev", "exports_change", "imports_change", "tariff_revenue_change", "rent")


def baseline(base: TradeData | World, **options: Any) -> TradeData | World:
    """Bring data to the status quo of 25 October 2025 and let trade adjust to it.

    Parameters
    ----------
    base : TradeData or World
    **options
        Of `solve_pe` or `solve_ge`.

    Returns
    -------
    TradeData or World
        Rebased to the solution; the baseline of `compare`.
    """
    scenario = measures.status_quo(base)
    if isinstance(base, World):
        return base.rebase(solve_ge(base, scenario, **options))
    return base.rebase(solve_pe(base, scenario, **options))


def compare(
    base: TradeData | World,
    scenarios: Iterable[Scenario] | None = None,
    *,
    rebased: bool = False,
    **options: Any,
) -> pd.DataFrame:
    """Solve the scenarios of the talks from the status quo and put them into one table.

    Parameters
    ----------
    base : TradeData or World
        Brought to the status quo of 25 October 2025 first.
    scenarios : iterable of Scenario, optional
        Default: all of `tradewar.talks`, in the order of `SCENARIOS`.
    rebased : bool, default False
        `base` stands at the status quo already (`baseline`).
    **options
        Of `solve_pe` or `solve_ge`; the same for the baseline and every scenario.

    Returns
    -------
    DataFrame
        scenario country ev welfare_change exports_change imports_change price_change
        tariff_revenue_change rent.  ev is the equivalent variation (`solve_ge`) or the sum of
        surplus, revenue and rent (`solve_pe`, which has no welfare_change: NaN; ev is NaN too for
        countries that only sell where supply is infinite, which assumes their surplus away);
        price_change of consumption (`solve_ge`) or of all goods in the data; money in `value_unit`;
        ``attrs["unit"]`` says so.  ``attrs["assumes"]`` has the scenarios' notes and
        ``attrs["left_out"]`` the rules that touch no flow of the data, which are left out of it
        with a warning; ``attrs["residual"]`` is the largest of all solves.

    Raises
    ------
    DataError
        `base` is neither, or no scenario is given.

    Examples
    --------
    >>> import tradewar as tw
    >>> table = tw.talks.compare(tw.datasets.icio_2022(), [tw.talks.us_threat()])
    >>> table.query("country in ['USA', 'CHN']")["welfare_change"].round(3).tolist()
    [-0.002, -0.004]
    """
    if not isinstance(base, TradeData | World):
        raise DataError(f"base is a {type(base).__name__}: give a TradeData or a World")
    listed = [make() for make in SCENARIOS] if scenarios is None else list(scenarios)
    if not listed:
        raise DataError("no scenario given")
    start = base if rebased else baseline(base, **options)
    left_out: dict[str, list[str]] = {}
    if isinstance(start, TradeData):
        listed = [_reaching(scn, start, left_out) for scn in listed]
    runs = solve_many(start, listed, **options)
    frames = []
    for scn, result in zip(listed, runs, strict=True):
        rows = _economy(result) if isinstance(start, World) else _products(result)
        rows.insert(0, "scenario", scn.name)
        frames.append(rows)
    table = pd.concat(frames, ignore_index=True)
    if left_out:
        named = first_five([f"{name}: {len(rules)}" for name, rules in left_out.items()])
        warnings.warn(
            f"rules that touch no flow of these data are left out ({named}); "
            'attrs["left_out"] lists them',
            DataWarning,
            stacklevel=2,
        )
    unit = dict.fromkeys(_MONEY, start.value_unit)
    table.attrs = {
        "unit": unit | dict.fromkeys(("welfare_change", "price_change"), "fraction"),
        "assumes": {scn.name: scn.note for scn in listed},
        "left_out": left_out,
        "residual": max(result.info["residual"] for result in runs),
    }
    return table


def _reaching(scn: Scenario, data: TradeData, left_out: dict[str, list[str]]) -> Scenario:
    """Keep the rules of a scenario that reach a flow of product-level data."""
    rules = []
    for rule in scn.rules:
        try:
            apply_rules((rule,), data)
        except ScenarioError as error:
            if "match" not in str(error):
                raise
            left_out.setdefault(scn.name, []).append(str(rule))
        else:
            rules.append(rule)
    return replace(scn, rules=tuple(rules))


def _economy(result: Any) -> pd.DataFrame:
    frame = result.countries
    held = pd.Series(0.0, index=frame.index)
    rents = result.rents() if result.changes.limits.source else None
    for receiver in RECEIVERS:
        side = receiver.split("_")[0]
        if rents is not None and side in ("importer", "exporter"):
            paid = rents.groupby(rents[side].astype(str))[receiver].sum()
            held = held.add(paid.reindex(frame.index).fillna(0.0))
    return pd.DataFrame(
        {
            "country": frame.index.astype(str),
            "ev": frame["ev"].to_numpy(),
            "welfare_change": frame["welfare_change"].to_numpy(),
            "exports_change": (frame["exports_new"] - frame["exports"]).to_numpy(),
            "imports_change": (frame["imports_new"] - frame["imports"]).to_numpy(),
            "price_change": (frame["price_index_ratio"] - 1.0).to_numpy(),
            "tariff_revenue_change": (
                frame["tariff_revenue_new"] - frame["tariff_revenue"]
            ).to_numpy(),
            "rent": held.to_numpy(),
        }
    )


def _products(result: Any) -> pd.DataFrame:
    frame, flows = result.countries, result.flows
    abroad = flows[flows["exporter"] != flows["importer"]]
    moved = abroad["value_new"] - abroad["value"]
    sold = moved.groupby(abroad["exporter"].astype(str)).sum()
    bought = moved.groupby(abroad["importer"].astype(str)).sum()
    spent = result.importers
    weight = spent["expenditure"].groupby(spent["importer"].astype(str)).sum()
    dearer = spent["expenditure"] * (spent["price_index_ratio"] - 1.0)
    price = dearer.groupby(spent["importer"].astype(str)).sum() / weight
    welfare = frame["welfare_change"].to_numpy(copy=True)
    if np.isinf(result.supply.values).all():  # what sellers win or lose is assumed to be nothing
        welfare[~frame.index.isin(price.index)] = np.nan
    return pd.DataFrame(
        {
            "country": frame.index.astype(str),
            "ev": welfare,
            "welfare_change": float("nan"),
            "exports_change": sold.reindex(frame.index).fillna(0.0).to_numpy(),
            "imports_change": bought.reindex(frame.index).fillna(0.0).to_numpy(),
            "price_change": price.reindex(frame.index).to_numpy(),
            "tariff_revenue_change": frame["revenue_change"].to_numpy(),
            "rent": frame["rent"].to_numpy(),
        }
    )
