"""Random small trade data with every switch, for the property tests and the twin comparisons."""

from __future__ import annotations

from dataclasses import dataclass

import hypothesis.strategies as st
import numpy as np
import pandas as pd

import tradewar as tw
from tests.reference import pe_driver

KEYS = ["exporter", "importer", "product"]
COUNTRIES = ["AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG", "HHH"]
PRODUCTS = ["P1", "P2", "P3", "P4", "P5"]

SIGMAS = (1.0, 1 + 1e-9, 1 - 1e-6, 1.0004, 0.6, 1.5, 2.53, 5.0, 9.0)
BANNABLE_SIGMAS = (1.5, 2.53, 5.0, 9.0)
DEMANDS = (1.0, 1 + 1e-9, 0.4, 0.8, 1.3, 2.5)
SUPPLIES = (0.0, 0.3, 1.0, 2.0, 4.0, 30.0, np.inf)


@dataclass(frozen=True)
class Case:
    """Flows with their baseline and their change, one row a flow; elasticities repeated per row."""

    rows: pd.DataFrame
    two_level: bool

    def data(self) -> tw.TradeData:
        """Make the TradeData through the public door."""
        return tw.TradeData.from_frame(self.rows[[*KEYS, "value", "tariff", "export_tax"]])

    def scenario(self, name: str = "case") -> tw.Scenario:
        """One rule for each flow that changes."""
        rules = []
        for row in self.rows.itertuples():
            names = {"importer": row.importer, "exporter": row.exporter, "product": row.product}
            if row.tariff_new != row.tariff:
                rules.append(names | {"instrument": "tariff", "set": row.tariff_new})
            if row.export_tax_new != row.export_tax:
                rules.append(names | {"instrument": "export_tax", "set": row.export_tax_new})
            if row.cost != 1.0:
                rules.append(names | {"instrument": "trade_cost", "ratio": row.cost})
            if row.weight == 0.0:
                rules.append(names | {"instrument": "ban"})
        if not rules:
            return tw.Scenario(name)
        return tw.Scenario.from_frame(pd.DataFrame(rules), name=name)

    def elasticities(self) -> dict:
        """Keyword arguments of solve_pe: frames by (importer | exporter, product)."""

        def frame(key, column):
            return self.rows[[key, "product", column]].drop_duplicates().reset_index(drop=True)

        out = {
            "substitution": frame("importer", "substitution"),
            "demand": frame("importer", "demand"),
            "supply": frame("exporter", "supply"),
        }
        if self.two_level:
            out["home_substitution"] = frame("importer", "home_substitution")
        return out

    def solve(self, data=None, scenario=None, **options) -> tw.PEResult:
        """Solve through the public door."""
        return tw.solve_pe(
            self.data() if data is None else data,
            self.scenario() if scenario is None else scenario,
            **(self.elasticities() | options),
        )

    def twin(self, **changes) -> pd.DataFrame:
        """Solve with the exact twin; the rows with ln_p, ln_index, q, b, u and money columns."""
        r = self.rows.assign(**changes)
        found = pe_driver.solve_flows(
            r["exporter"].to_numpy(),
            r["importer"].to_numpy(),
            r["product"].to_numpy(),
            r["value"],
            tariff=r["tariff"],
            tariff_new=r["tariff_new"],
            export_tax=r["export_tax"],
            export_tax_new=r["export_tax_new"],
            cost=r["cost"],
            weight=r["weight"],
            sigma=r["substitution"],
            demand=r["demand"],
            supply=r["supply"],
            sigma_home=r["home_substitution"] if self.two_level else None,
        )
        return pd.concat([r.drop(columns=["value"]), r["value"], pd.DataFrame(found)], axis=1).loc[
            :, lambda d: ~d.columns.duplicated()
        ]

    def with_rows(self, **changes) -> Case:
        """Give the same case with columns replaced."""
        return Case(self.rows.assign(**changes), self.two_level)


def make_case(
    seed: int,
    *,
    n_countries: int = 5,
    n_products: int = 2,
    home: bool = True,
    two_level: bool = False,
    one_destination: bool = False,
    tariffs: bool = True,
    taxes: bool = False,
    costs: bool = False,
    bans: bool = False,
    zeros: bool = False,
    supplies: tuple[float, ...] = SUPPLIES,
    sigmas: tuple[float, ...] = SIGMAS,
    demands: tuple[float, ...] = DEMANDS,
    biggest: float = 1.0,
    complements: bool = True,
) -> Case:
    """Draw a case from a seed; ``biggest`` scales the tariff changes in points / 100."""
    rng = np.random.default_rng(seed)
    names = COUNTRIES[:n_countries]
    parts = []
    for good in PRODUCTS[:n_products]:
        buyers = names[:1] if one_destination else names
        pairs = [(i, n) for i in names for n in buyers if (home or i != n) and rng.random() < 0.75]
        for n in buyers:  # every destination buys from someone abroad, and at home if asked
            if all(b != n or i == n for i, b in pairs):
                pairs.append((names[1] if n == names[0] else names[0], n))
            if two_level and (n, n) not in pairs:
                pairs.append((n, n))
        part = pd.DataFrame(pairs, columns=["exporter", "importer"]).assign(product=good)
        parts.append(part)
    rows = pd.concat(parts, ignore_index=True)
    size = len(rows)
    rows["value"] = rng.lognormal(3.0, 1.5, size)
    if zeros:
        first = ~rows.duplicated(["importer", "product"])
        rows.loc[~first & (rng.random(size) < 0.15), "value"] = 0.0
    own = (rows["exporter"] == rows["importer"]).to_numpy()
    rows["tariff"] = np.where(own, 0.0, rng.choice([0.0, 0.05, 0.25, 0.6], size))
    rows["export_tax"] = np.where(rng.random(size) < 0.3, 0.1, 0.0) if taxes else 0.0
    change = rng.choice([0.0, 0.1, 0.5, 1.0], size, p=[0.5, 0.2, 0.15, 0.15]) * biggest
    cut = rng.random(size) < 0.1
    rows["tariff_new"] = rows["tariff"]
    if tariffs:
        new = np.where(cut, rows["tariff"] * 0.5, rows["tariff"] + change)
        rows["tariff_new"] = np.where(own, 0.0, new)
    rows["export_tax_new"] = rows["export_tax"]
    if taxes:
        rows["export_tax_new"] += rng.choice([0.0, 0.2, -0.05], size, p=[0.7, 0.2, 0.1])
    rows["cost"] = rng.choice([1.0, 1.15, 0.9], size, p=[0.7, 0.2, 0.1]) if costs else 1.0
    rows["weight"] = 1.0
    if bans:
        first = ~(rows["value"] > 0) | ~rows[rows["value"] > 0].duplicated(["importer", "product"])
        hit = ~first.to_numpy() & ~own & (rng.random(size) < 0.2)
        rows.loc[hit, "weight"] = 0.0
        sigmas = tuple(s for s in sigmas if s in BANNABLE_SIGMAS)

    def per(keys, choices):
        slot = rows.groupby(keys, sort=True).ngroup().to_numpy()
        return np.asarray(choices)[rng.integers(len(choices), size=slot.max() + 1)][slot]

    rows["substitution"] = per(["importer", "product"], sigmas)
    rows["home_substitution"] = per(["importer", "product"], sigmas)
    rows["demand"] = per(["importer", "product"], demands)
    if not complements:
        rows["demand"] = np.minimum(rows["demand"], rows["substitution"])
    rows["supply"] = per(["exporter", "product"], supplies)
    return Case(rows.sample(frac=1.0, random_state=rng).reset_index(drop=True), two_level)


@st.composite
def cases(draw, **fixed) -> Case:
    """Draw a case; keyword arguments fix a switch that is otherwise drawn."""
    switches = {
        "n_countries": st.integers(2, 8),
        "n_products": st.integers(1, 5),
        "home": st.booleans(),
        "two_level": st.booleans(),
        "taxes": st.booleans(),
        "costs": st.booleans(),
        "bans": st.booleans(),
        "zeros": st.booleans(),
    }
    drawn = {k: draw(v) for k, v in switches.items() if k not in fixed}
    options = drawn | fixed
    if options["two_level"]:
        options["home"] = True
    return make_case(draw(st.integers(0, 2**32 - 1)), **options)


def flows_of(result) -> pd.DataFrame:
    """res.flows sorted by key, keys as index."""
    return result.flows.set_index(KEYS).sort_index()


def close(x, y, tolerance, scale=1.0):
    """Assert |x - y| <= tolerance (|y| + scale), NaN equal to NaN."""
    np.testing.assert_allclose(
        np.asarray(x, float), np.asarray(y, float), rtol=tolerance, atol=tolerance * scale
    )
