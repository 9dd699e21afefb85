"""The same one-sector problem here and in gegravity: both times, both answers, why they differ.

    python -m tests.bench.bench_peer        (needs gegravity, which is no dependency of ours)

Of the 44 largest traders of `bilateral_2023_world` those that all trade with each other, with their
home sales; trade between twelve of them becomes cheaper by 10 %.  gegravity rebuilds its baseline
from gravity costs, so it is given costs that return the observed flows exactly.  Its "full GE"
solves factory-gate prices while nominal output and expenditure stay at the baseline; `held_prices`
repeats that in NumPy and agrees with it, `solve_ge` lets incomes follow wages.
"""

from __future__ import annotations

import time
import warnings

import numpy as np
import pandas as pd

import tradewar as tw

COUNTRIES, THETA, CHEAPER = 44, 4.0, 0.9
CLUB = 12
SWEEPS, DAMPING = 20_000, 0.2


def problem() -> tuple[tw.World, pd.DataFrame, list[str]]:
    """Give the world, its flows and the countries whose trade becomes cheaper."""
    world = tw.datasets.bilateral_2023_world(theta=THETA)
    flows = world.flows
    abroad = flows[flows["exporter"] != flows["importer"]]
    size = abroad.groupby("exporter")["value"].sum() + abroad.groupby("importer")["value"].sum()
    largest = list(size.nlargest(COUNTRIES).index)
    inside = flows[flows["exporter"].isin(largest) & flows["importer"].isin(largest)]
    full = inside.set_index(["exporter", "importer"])["value"].unstack(fill_value=0.0)
    keep = list(full.index[(full > 0).all(axis=1) & (full > 0).all(axis=0)])
    table = full.loc[keep, keep].stack().rename("value").reset_index()
    table["product"] = "TOTAL"
    small = tw.World.from_tables(table.assign(tariff=0.0), theta=THETA, value_unit=world.value_unit)
    return small, table, [c for c in largest if c in keep][:CLUB]


def cheaper(table: pd.DataFrame, club: list[str]) -> pd.Series:
    """Mark the flows whose cost falls."""
    both = table["exporter"].isin(club) & table["importer"].isin(club)
    return both & (table["exporter"] != table["importer"])


def ours(world: tw.World, club: list[str]) -> tuple[pd.Series, float]:
    """Real wages, in changes, and the seconds of a solve with a warm cache."""
    scenario = tw.Scenario("cheaper").trade_cost(importer=club, exporter=club, ratio=CHEAPER)
    tw.solve_ge(world, scenario, deficits="income")
    start = time.perf_counter()
    result = tw.solve_ge(world, scenario, deficits="income")
    return result.countries["real_wage_change"], time.perf_counter() - start


def held_prices(table: pd.DataFrame, club: list[str]) -> pd.Series:
    """Real factory-gate prices when nominal output and expenditure stay: gegravity's problem."""
    gain = np.where(cheaper(table, club), CHEAPER**-THETA, 1.0)
    wide = table.assign(gain=gain).pivot(index="importer", columns="exporter")
    trade, cost = wide["value"].to_numpy(), wide["gain"].to_numpy()
    spend, output = trade.sum(1), trade.sum(0)
    price = np.ones(len(output))
    for _ in range(SWEEPS):
        parts = trade / spend[:, None] * cost * price**-THETA
        index = parts.sum(1)
        sold = (parts / index[:, None] * spend[:, None]).sum(0)
        price *= (sold / output) ** DAMPING
    return pd.Series(price / index ** (-1.0 / THETA) - 1.0, index=wide["value"].index)


def theirs(table: pd.DataFrame, club: list[str]) -> tuple[pd.Series, float, float]:
    """Give gegravity's real GDP, in changes, and its seconds: baseline, and solve."""
    import gegravity as ge

    frame = table.rename(columns={"value": "trade"}).assign(year="2023")
    frame["Y"] = frame.groupby("exporter")["trade"].transform("sum")
    frame["E"] = frame.groupby("importer")["trade"].transform("sum")
    frame["cost"] = np.log(frame["trade"] * frame["trade"].sum() / (frame["Y"] * frame["E"]))
    columns = ["exporter", "importer", "year", "trade", "Y", "E", "cost"]
    base = ge.BaselineData(
        frame[columns].copy(), trade_var_name="trade", expend_var_name="E", output_var_name="Y"
    )
    one = pd.DataFrame({"name": ["cost"], "value": [1.0], "error": [0.1]})
    model = ge.OneSectorGE(
        base,
        year="2023",
        expend_var_name="E",
        output_var_name="Y",
        sigma=1.0 + THETA,
        cost_variables=["cost"],
        cost_coeff_values=ge.CostCoeffs(
            one, identifier_col="name", coeff_col="value", stderr_col="error"
        ),
        reference_importer=club[0],
        quiet=True,
    )
    start = time.perf_counter()
    model.build_baseline(mr_tolerance=1e-12, mr_max_iter=10_000)
    built = time.perf_counter()
    after = frame[columns].copy()
    after["cost"] += np.where(cheaper(frame, club), -THETA * np.log(CHEAPER), 0.0)
    model.define_experiment(after)
    model.simulate(ge_tolerance=1e-12, ge_max_iter=10_000)
    end = time.perf_counter()
    real = model.country_results["GDP change (percent)"] / 100
    return real.rename_axis("country"), built - start, end - built


def main() -> None:
    world, table, club = problem()
    mine, seconds = ours(world, club)
    held = held_prices(table, club)
    print(f"{len(world.countries)} countries, trade among {CLUB} of them 10 % cheaper")
    print(f"solve_ge              {1e3 * seconds:9.1f} ms")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            peer, base, solve = theirs(table, club)
    except ImportError:
        print("gegravity is not installed: nothing to compare with")
        return
    print(f"gegravity             {1e3 * solve:9.1f} ms, and {1e3 * base:.0f} ms for its baseline")
    print(f"ratio                 {solve / seconds:9.0f}")
    both = pd.DataFrame({"solve_ge": mine, "gegravity": peer, "nominal incomes held": held})
    print((100 * both.loc[club[:6]]).round(4).to_string())
    gap = (both["gegravity"] - both["nominal incomes held"]).abs().max()
    apart = (both["gegravity"] / both["solve_ge"] - 1.0).abs()[club].max()
    print(f"gegravity less NumPy with nominal incomes held: {gap:.1e} at most")
    print(f"gegravity against solve_ge: up to {100 * apart:.0f} % apart in the club")


if __name__ == "__main__":
    main()
