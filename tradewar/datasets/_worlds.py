"""Worlds that come with the package: economies with input use, ready for general equilibrium.

Flows and input use are read from the tables; output, final demand, value added and deficits are
what they imply, so that the accounts are exact in the last digits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradewar.codes import suggest
from tradewar.datasets._tables import load_table, metadata
from tradewar.errors import DataError
from tradewar.scenario import Scenario
from tradewar.world import World

__all__ = ["bilateral_2023_world", "icio_2017", "icio_2022", "trade_war_2018_19"]

Array = NDArray[np.float64]

_DEFAULT = "ignatenko2025"
_NOTES = {
    "ignatenko2025": "theta: 3.34 in agriculture, 4.06 in mining, 3.80 in manufacturing "
    "(Ignatenko and others 2025), 3 in services, a convention",
    "protee": "theta: CEPII ProTEE by HS6 (elasticities of substitution less 1), averaged with US "
    "imports of 2024 as weights; where it has none (mining services and services) that of "
    "ignatenko2025",
    "icio2017": "theta: as came with the data of 2017; 10 in services is a convention",
}
_OBSERVED = ("none", "collected", "statutory", "TRAINS")


def _elasticity(theta: Any, own: pd.DataFrame | None = None) -> tuple[Any, str]:
    """Give theta= of `World.from_tables` for a named set, and a note on it."""
    if not isinstance(theta, str):
        return theta, "theta: given by the user"
    if theta == "cp2015":
        return theta, ""  # World notes it
    names = [_DEFAULT, "cp2015", "protee", *(["icio2017"] if own is not None else [])]
    if theta not in names:
        raise DataError(
            f"theta={theta!r} is no set{suggest(theta, names)}; sets are {', '.join(names)}; or "
            "give a number, or a Series by product"
        )
    if own is not None and theta == "icio2017":
        return own["theta"], _NOTES[theta]
    table = load_table("icio_44_elasticities")
    index = pd.Index(table["product"].tolist(), name="product", dtype=str)
    found = pd.Series(table[theta], index=index, name="theta")
    return found.fillna(pd.Series(table[_DEFAULT], index=index)), _NOTES[theta]


def _sectors() -> pd.DataFrame:
    """Give the side table of the 44 sectors."""
    table = load_table("icio_44_elasticities")
    frame = pd.DataFrame({key: table[key] for key in ("product", "name", "group")})
    for name in (_DEFAULT, "protee"):
        frame[name] = table[name]
    frame.attrs["unit"] = dict.fromkeys((_DEFAULT, "protee"), "trade elasticity, pure number")
    return frame


def icio_2022(*, theta: Any = "ignatenko2025") -> World:
    """Load the world economy of 2022: 26 economies and regions, the rest, 44 sectors.

    The default world of general equilibrium: trade in goods and services, home sales, input use,
    base tariffs.  Balanced; partly estimated, and every cell says so.

    Parameters
    ----------
    theta : str, float, Series or mapping by product, default "ignatenko2025"
        Trade elasticity > 0, the CES substitution minus one.  "ignatenko2025": 3.34 in
        agriculture, 4.06 in mining, 3.80 in manufacturing (Ignatenko, Lashkaripour, Macedoni and
        Simonovska 2025), 3 in services by convention.  "cp2015": Caliendo and Parro (2015), see
        `World.from_tables`.  "protee": CEPII ProTEE, averaged over HS6 with US imports of 2024.

    Returns
    -------
    World
        Million USD at basic prices, without duties; countries by ISO3 code, the European Union as
        EU27, ROW.  Input use is a share of cost with the mean duty on the input in it; value
        added is the rest of cost.  ``.extra`` holds

        ``flows``
            exporter, importer, product, estimated_share (of the flow's value, fraction),
            tariff_source (see below), tariff_observed (bool), treaty ("" where none);
        ``sectors``
            product, name, group, ignatenko2025, protee (trade elasticities);
        ``us_imports``
            exporter, value (goods, million USD), customs_2024 (million USD, outside HS 98-99);
        ``notes``
            tuple of str: how flows were cleaned and balanced, how tariffs were put together, and
            what to distrust;
        ``counts``, ``tariff_counts``
            what was dropped, changed and checked when the tables were compiled.

    Raises
    ------
    DataError
        No set has the name `theta`, or a product has no value.

    Notes
    -----
    tariff_source is "collected" (US customs 2024), "statutory" (China on the US: most favoured
    nation and retaliation of June 2019), "TRAINS" (applied rates of 2023 by group of goods),
    "TRAINS, partner ROW" (the partner is not named there), "estimated" (17 importers: rates of
    TRAINS' rest of the world, scaled to the mean of WITS), "agreement" (zero under `treaty`) or
    "none" (own trade, mining services, electricity, services).

    Examples
    --------
    >>> world = icio_2022()
    >>> len(world.countries), len(world.products), world.year, world.value_unit
    (27, 44, 2022, 'million USD')
    >>> flows = world.flows
    >>> china = flows[(flows["exporter"] == "CHN") & (flows["importer"] == "USA")]
    >>> f"{china.loc[china['product'].str[0].isin(['A', 'B', 'C']), 'value'].sum() / 1e3:.0f}"
    '407'
    """
    table, known = load_table("icio_2022"), metadata("icio_2022")
    base, duties = load_table("base_tariffs_2022"), metadata("base_tariffs_2022")
    country, product = table["country"].tolist(), table["product"].tolist()
    trade, inputs = table["trade"].astype(np.float64), table["input_use"].astype(np.float64)
    tariff = np.zeros_like(trade)
    tariff[:, :, : len(base["product"])] = base["tariff"]

    bought, output = trade.sum(1), trade.sum(0)
    charge = 1 + (tariff * trade).sum(1) / bought  # duty on a product, mean over its origins
    share = inputs * charge[:, :, None] / np.where(output > 0, output, 1.0)[:, None, :]
    share *= (output > 0)[:, None, :]
    elasticity, note = _elasticity(theta)
    details = (*known["notes"], *duties["notes"])
    notes = (*known["notes"][:2], duties["notes"][0], "More in .extra['notes'].")
    imports = known["counts"]["us_goods_imports"]
    us_imports = pd.DataFrame(
        {
            "exporter": [*imports],
            "value": np.array([*imports.values()], float),
            "customs_2024": [
                float(known["counts"]["us_goods_imports_customs_2024"][c]) for c in imports
            ],
        }
    )
    us_imports.attrs["unit"] = dict.fromkeys(("value", "customs_2024"), "million USD")
    return World.from_tables(
        trade,
        theta=elasticity,
        tariff=tariff,
        input_use=share,
        value_added=1 - share.sum(1),
        countries=country,
        products=product,
        value_unit="million USD",
        source=f"{known['source']}; tariffs: {duties['source']}",
        licence=f"{known['licence']} (OECD); tariffs: {duties['licence']}",
        year=known["year"],
        tariff_date=duties["tariff_date"],
        notes=(*notes, *([note] if note else [])),
        extra={
            "notes": details,
            "flows": _flows_2022(table, base, trade),
            "sectors": _sectors(),
            "us_imports": us_imports,
            "counts": known["counts"],
            "tariff_counts": duties["counts"],
        },
    )


def _flows_2022(table: dict[str, Any], base: dict[str, Any], trade: Array) -> pd.DataFrame:
    """Tell what is estimated: one row a flow, in the order of `World.flows`."""
    product, exporter, importer = np.nonzero(trade.transpose(2, 1, 0) > 0)
    at = (importer, exporter, product)
    goods = product < len(base["product"])
    code, treaty = (np.zeros(len(product), np.uint8) for _ in range(2))
    inside = tuple(part[goods] for part in at)
    code[goods] = base["source_code"][inside]
    treaty[goods] = base["treaty_code"][inside]
    observed = np.isin(base["source"], _OBSERVED)
    frame = pd.DataFrame(
        {
            "exporter": table["country"][exporter],
            "importer": table["country"][importer],
            "product": table["product"][product],
            "estimated_share": table["estimated"][at] / 100,
            "tariff_source": base["source"][code],
            "tariff_observed": observed[code],
            "treaty": base["treaty"][treaty],
        }
    )
    frame.attrs["unit"] = {"estimated_share": "fraction"}
    return frame


def icio_2017(*, theta: Any = "ignatenko2025", scale: Any = 0.0) -> World:
    """Load the world economy of 2017, before the trade war: 7 regions, 44 sectors.

    Parameters
    ----------
    theta : str, float, Series or mapping by product, default "ignatenko2025"
        As in `icio_2022`; also "icio2017", the trade elasticities that came with the data (10 in
        services is a convention).
    scale : float, Series or mapping by product, or "icio2017", default 0.0
        External scale elasticity >= 0 with scale times theta below 1; "icio2017": the one that
        came with the data, which fits its own `theta`; the product is above 0.9 in some sectors,
        so that specialisation outweighs all else and can turn the sign of a country's welfare.

    Returns
    -------
    World
        Million USD; BRA, CHN, EU28 (with the United Kingdom), IND, JPN, ROW, USA; tariffs before
        the trade war.  Input use was rebalanced, see ``.notes``.  ``.extra`` holds

        ``rebalanced``
            country, product, final_before and final_after (final demand, million USD),
            share_before (of absorption, fraction), input_use_change (fraction): where inputs used
            up more than there was;
        ``sectors``
            product, name, group, ignatenko2025, protee, icio2017 (trade elasticities),
            scale_icio2017;
        ``counts``
            what was changed and checked when the table was compiled.

    Raises
    ------
    DataError
        No set has that name, a product has no value, or scale times theta reaches 1.

    See Also
    --------
    trade_war_2018_19 : the duties of 2018-19 as scenarios for this world.

    Examples
    --------
    >>> world = icio_2017()
    >>> world.countries
    ('BRA', 'CHN', 'EU28', 'IND', 'JPN', 'ROW', 'USA')
    >>> len(world.extra["rebalanced"])
    20
    """
    table, known = load_table("icio_2017"), metadata("icio_2017")
    product = table["product"].tolist()
    trade = table["trade"].astype(np.float64)
    tariff = np.zeros_like(trade)
    tariff[:, :, : table["tariff"].shape[2]] = table["tariff"]
    added, share = (table[name].astype(np.float64) for name in ("value_added", "input_use"))
    share *= ((1 - added) / share.sum(1))[:, None, :]

    own = pd.DataFrame({key: table[key] for key in ("theta", "psi")}, index=product)
    elasticity, note = _elasticity(theta, own)
    if isinstance(scale, str):
        if scale != "icio2017":
            raise DataError(f"scale={scale!r}: give 'icio2017', a number or a Series by product")
        scale = own["psi"]
        note += "; scale: as came with the data of 2017"
    lifted = pd.DataFrame(known["counts"].pop("lifted")).rename(
        columns={"sector": "product", "share_of_absorption_before": "share_before"}
    )
    money = dict.fromkeys(("final_before", "final_after"), "million USD")
    lifted.attrs["unit"] = money | dict.fromkeys(("share_before", "input_use_change"), "fraction")
    sectors = _sectors().assign(icio2017=table["theta"], scale_icio2017=table["psi"])
    sectors.attrs["unit"] = {
        **sectors.attrs["unit"],
        "icio2017": "trade elasticity, pure number",
        "scale_icio2017": "scale elasticity, pure number",
    }
    return World.from_tables(
        trade,
        theta=elasticity,
        tariff=tariff,
        input_use=share,
        value_added=added,
        scale=scale,
        countries=table["country"].tolist(),
        products=product,
        value_unit="million USD",
        source=known["source"],
        licence=known["licence"],
        year=known["year"],
        tariff_date=known["tariff_date"],
        notes=(*known["notes"], *([note] if note else [])),
        extra={"rebalanced": lifted, "sectors": sectors, "counts": known["counts"]},
    )


def trade_war_2018_19() -> dict[str, Scenario]:
    """Give the duties that the US and China announced in 2018-19 as scenarios.

    Added rates by sector, on top of the tariffs of `icio_2017`.  `icio_2022` has most of them in
    its base tariffs already.

    Returns
    -------
    dict of Scenario
        ``us`` (the US on China), ``china`` (China on the US), ``both``; each a rule a goods sector.

    Examples
    --------
    >>> waves = trade_war_2018_19()
    >>> list(waves), len(waves["both"].to_frame())
    (['us', 'china', 'both'], 44)
    """
    table = load_table("trade_war_2018_19")
    us, china = (
        pd.DataFrame(
            {
                "importer": importer,
                "exporter": exporter,
                "product": table["product"],
                "instrument": "tariff",
                "add": table[column],
            }
        )
        for importer, exporter, column in (
            ("USA", "CHN", "us_on_china"),
            ("CHN", "USA", "china_on_us"),
        )
    )
    return {
        "us": Scenario.from_frame(us, name="US duties on China, 2018-19"),
        "china": Scenario.from_frame(china, name="China's duties on the US, 2018-19"),
        "both": Scenario.from_frame(pd.concat([us, china]), name="trade war, 2018-19"),
    }


def bilateral_2023_world(*, theta: Any = 4.0) -> World:
    """Make `bilateral_2023` a one-sector world: 194 economies, home sales from GDP, no inputs.

    Parameters
    ----------
    theta : float, default 4.0
        Trade elasticity > 0.

    Returns
    -------
    World
        Thousand USD; one product, ``TOTAL``; no tariffs.  ``.extra`` holds

        ``home_sales``
            country, gdp, exports, imports, home_sales, output (thousand USD) and raised (bool):
            whether home sales would have been negative;
        ``counts``
            what was counted when the table was compiled.

    Notes
    -----
    Expenditure is GDP and the trade deficit, E = GDP + imports - exports; home sales are what is
    left of it after imports, max(E - imports, 0) = max(GDP - exports, 0).  Output, income and
    expenditure then follow from the flows: where goods exports exceed GDP (entrepots, ports), home
    sales are 0 and output is exports, above GDP.  GDP holds services and the flows do not, so that
    home sales are large and openness low.

    Examples
    --------
    >>> world = bilateral_2023_world()
    >>> home = world.extra["home_sales"]
    >>> len(world.countries), home.loc[home["raised"], "country"].tolist()
    (194, ['GMB', 'MHL'])
    """
    table, known = load_table("bilateral_2023"), metadata("bilateral_2023")
    country = table["country"].tolist()
    trade = np.zeros((len(country), len(country), 1))
    trade[table["importer_code"], table["exporter_code"], 0] = table["value"] / 1000
    gdp = table["gdp"] / 1000
    exports, imports = trade[:, :, 0].sum(0), trade[:, :, 0].sum(1)
    home = np.maximum(gdp - exports, 0.0)
    each = np.arange(len(country))
    trade[each, each, 0] = home
    frame = pd.DataFrame(
        {
            "country": country,
            "gdp": gdp,
            "exports": exports,
            "imports": imports,
            "home_sales": home,
            "output": home + exports,
            "raised": exports > gdp,
        }
    )
    money = ("gdp", "exports", "imports", "home_sales", "output")
    frame.attrs["unit"] = dict.fromkeys(money, "thousand USD")
    raised = frame[frame["raised"]]
    return World.from_tables(
        trade,
        theta=theta,
        tariff=0.0,
        countries=country,
        products=["TOTAL"],
        value_unit="thousand USD",
        source=known["source"],
        licence=known["licence"],
        year=known["year"],
        notes=(
            "Home sales are max(GDP - goods exports, 0); output and income are what the flows "
            "then imply: GDP but where the maximum binds "
            f"({len(raised)} of {len(country)}: {', '.join(raised['country']) or 'none'}).",
            "Tariffs are not in this table and stand at 0: added points are exact, levels are not.",
            *known["notes"],
        ),
        extra={"home_sales": frame, "counts": known["counts"]},
    )
