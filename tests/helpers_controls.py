"""Random quantity controls on the random trade of `helpers_pe`, for the property tests."""

from __future__ import annotations

from dataclasses import dataclass

import hypothesis.strategies as st
import numpy as np
import pandas as pd

import tradewar as tw
from tests.helpers_pe import KEYS, Case, make_case
from tests.reference import pe_driver

RECEIVERS = ("importer_firms", "importer_state", "exporter_firms", "exporter_state", "waste")
# Elasticities under which every limit can be met and the equilibrium is unique.
TAME = {
    "supplies": (0.3, 1.0, 2.0, 4.0, 30.0, np.inf),
    "sigmas": (1.5, 2.53, 5.0, 9.0),
    "complements": False,
    "bans": False,
}
LIMITS = ("export_quota", "import_quota", "trq", "min_import_price", "purchase_commitment")
WEIGHTS = ("licence", "sellers", "buyers")


@dataclass(frozen=True)
class Controlled:
    """A case and rules to add to its scenario: (instrument, keyword arguments)."""

    case: Case
    rules: tuple[tuple[str, dict], ...]

    def scenario(self, name: str = "controlled") -> tw.Scenario:
        """The case's changes, then the controls."""
        return with_rules(self.case.scenario(name), self.rules)

    def solve(self, **options) -> tw.PEResult:
        """Solve through the public door."""
        return self.case.solve(scenario=self.scenario(), **options)


def with_rules(scenario: tw.Scenario, rules) -> tw.Scenario:
    """Add rules to a scenario."""
    for instrument, args in rules:
        scenario = getattr(scenario, instrument)(**args)
    return scenario


def foreign(case: Case, **where) -> pd.DataFrame:
    """Flows with trade between two countries, in the order of keys."""
    r = case.rows[(case.rows["exporter"] != case.rows["importer"]) & (case.rows["value"] > 0)]
    for key, label in where.items():
        r = r[r[key] == label]
    return r.sort_values(KEYS).reset_index(drop=True)


def pick(case: Case, rng: np.random.Generator, **where) -> pd.Series:
    """One foreign flow with trade."""
    rows = foreign(case, **where)
    return rows.iloc[int(rng.integers(len(rows)))]


def replaceable(case: Case, rng: np.random.Generator) -> pd.Series | None:
    """A foreign flow whose destination has another origin for the product, or None."""
    r = case.rows[case.rows["value"] > 0]
    several = r.groupby(["importer", "product"])["value"].transform("size") > 1
    r = r[several & (r["exporter"] != r["importer"])].sort_values(KEYS)
    return r.iloc[int(rng.integers(len(r)))] if len(r) else None


def draw_rents(rng: np.random.Generator) -> dict:
    """The default, one receiver, or shares."""
    kind = int(rng.integers(3))
    if kind == 0:
        return {}
    two = [str(x) for x in rng.choice(RECEIVERS, 2, replace=False)]
    return {"rents": two[0] if kind == 1 else {two[0]: 0.25, two[1]: 0.75}}


def draw_rule(case: Case, rng: np.random.Generator, instrument: str, promised: str):
    """Draw one rule; None where the data have no flow for it.

    Commitments buy from `promised` and nothing else limits it, or they could not be met.
    """
    args: dict
    if instrument in WEIGHTS:
        row = replaceable(case, rng)
        if row is None or row["exporter"] == promised:
            return None
        args = {key: row[key] for key in KEYS}
        if instrument == "licence":
            args |= {"approval": float(rng.choice([0.3, 0.8])), "delay_cost": 0.1}
            return "licence", args
        args |= {"side": instrument, "share": float(rng.choice([0.2, 0.7])), "leakage": 0.1}
        return "entity_list", args
    rows = foreign(case)
    commitment = instrument == "purchase_commitment"
    rows = rows[(rows["exporter"] == promised) == commitment]
    if rows.empty:
        return None
    row = rows.iloc[int(rng.integers(len(rows)))]
    args = {"importer": row["importer"], "exporter": row["exporter"], "product": row["product"]}
    wide = int(rng.integers(4))
    if wide == 1:
        args["product"] = "*"
    if wide == 2 and instrument == "export_quota":
        args["importer"] = "*"
    if wide == 3 and instrument in ("import_quota", "min_import_price"):
        args |= {"exporter": "*", "except_": {"exporter": promised}}
    if instrument == "min_import_price":
        args["ratio"] = float(rng.choice([0.9, 1.05, 1.3]))
    else:
        args["quantity_ratio"] = float(
            rng.choice([0.7, 1.1, 1.4] if commitment else [0.3, 0.6, 0.95, 1.4])
        )
    if instrument == "trq":
        args |= {"in_rate": float(rng.choice([0.0, 0.05])), "over_rate": 0.4}
    return instrument, args | draw_rents(rng)


def draw_controlled(seed: int, case: Case, instruments=(*LIMITS, *WEIGHTS)) -> Controlled:
    """Draw some of the instruments, each with some chance, at most one list of buyers."""
    rng = np.random.default_rng([seed, 4])
    promised = str(pick(case, rng)["exporter"]) if len(foreign(case)) else ""
    rules = []
    for instrument in instruments:
        if rng.random() < 0.5:
            rule = draw_rule(case, rng, instrument, promised)
            rules += [rule] if rule is not None else []
    return Controlled(case, tuple(rules))


@st.composite
def controlled(draw, instruments=(*LIMITS, *WEIGHTS), **fixed) -> Controlled:
    """Draw a case and controls; keyword arguments fix a switch of `make_case`."""
    switches = {
        "n_countries": st.integers(3, 5),
        "n_products": st.integers(1, 3),
        "home": st.booleans(),
        "two_level": st.booleans(),
        "tariffs": st.booleans(),
        "taxes": st.booleans(),
        "costs": st.booleans(),
        "zeros": st.booleans(),
    }
    options = TAME | {k: draw(v) for k, v in switches.items() if k not in fixed} | fixed
    if options["two_level"]:
        options["home"] = True
    seed = draw(st.integers(0, 2**32 - 1))
    return draw_controlled(seed, make_case(seed, **options), instruments)


def tame(**fixed):
    """A case without controls under which limits can be met."""
    return controlled(instruments=(), **fixed).map(lambda drawn: drawn.case)


def twin(case: Case, lx=0.0, lm=0.0, keep=1.0, **columns) -> pd.DataFrame:
    """Solve with fixed premia by the exact twin: aligned with ``case.rows``; keep = 1 - subsidy."""
    r = case.rows.assign(**columns)
    found = pe_driver.solve_flows(
        r["exporter"].to_numpy(),
        r["importer"].to_numpy(),
        r["product"].to_numpy(),
        r["value"],
        tariff=r["tariff"],
        tariff_new=r["tariff_new"],
        export_tax=r["export_tax"],
        export_tax_new=r["export_tax_new"],
        cost=r["cost"] * keep,
        weight=r["weight"],
        lx=lx,
        lm=lm,
        sigma=r["substitution"],
        demand=r["demand"],
        supply=r["supply"],
        sigma_home=r["home_substitution"] if case.two_level else None,
    )
    return pd.concat([r[KEYS], pd.DataFrame(found)], axis=1).set_index(KEYS).sort_index()
