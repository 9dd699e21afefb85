"""Random small worlds under quantity controls, and the way from a dense world to the public door.

Importer n is "Mn", exporter i "Xi"; in two-level worlds the last columns are the importers' home
goods and carry the importers' labels.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

import tradewar as tw
from tests.reference.control_twin import LIMITS, RECEIVERS, Rule, World

PRODUCT = "good"
SIGMAS = (1.6, 2.53, 4.0, 7.0)
SUPPLIES = (0.3, 1.0, 2.0, 6.0, np.inf)


def labels(world: World) -> tuple[list[str], list[str]]:
    """Names of importers and exporters."""
    n_imp, n_exp = world.value.shape
    importers = [f"M{n}" for n in range(n_imp)]
    if world.home is None:
        return importers, [f"X{i}" for i in range(n_exp)]
    return importers, [f"X{i}" for i in range(n_exp - n_imp)] + importers


def frame(world: World, product: str = PRODUCT) -> pd.DataFrame:
    """One row a flow, elasticities beside it."""
    importers, exporters = labels(world)
    n, i = np.nonzero(world.value > 0)
    return pd.DataFrame(
        {
            "exporter": np.array(exporters)[i],
            "importer": np.array(importers)[n],
            "product": product,
            "value": world.value[n, i],
            "tariff": world.tariff[n, i],
            "export_tax": world.tax[n, i],
            "substitution": world.sigma[n],
            "demand": world.demand[n],
            "supply": world.supply[i],
            "home_substitution": 1.0 if world.sigma_home is None else world.sigma_home[n],
            "n": n,
            "i": i,
        }
    )


def trade(rows: pd.DataFrame) -> tw.TradeData:
    """Make the data of a frame of worlds."""
    return tw.TradeData.from_frame(
        rows[["exporter", "importer", "product", "value", "tariff", "export_tax"]]
    )


def elasticities(rows: pd.DataFrame, two_level: bool) -> dict:
    """Keyword arguments of `solve_pe`."""

    def table(key, column):
        return rows[[key, "product", column]].drop_duplicates().reset_index(drop=True)

    out = {
        "substitution": table("importer", "substitution"),
        "demand": table("importer", "demand"),
        "supply": table("exporter", "supply"),
    }
    if two_level:
        out["home_substitution"] = table("importer", "home_substitution")
    return out


def scenario(world: World, name: str = "controls", product: str = PRODUCT) -> tw.Scenario:
    """The rules of a world as a scenario on one product."""
    importers, exporters = labels(world)
    out = tw.Scenario(name)
    for rule in world.rules:
        out = getattr(out, rule.instrument)(
            importer=[importers[n] for n in rule.importers],
            exporter=[exporters[i] for i in rule.exporters],
            product=product,
            **rule.args,
        )
    return out


def solve(world: World, **options) -> tw.PEResult:
    """Solve through the public door."""
    rows = frame(world)
    chosen = elasticities(rows, world.sigma_home is not None) | options
    return tw.solve_pe(trade(rows), scenario(world), **chosen)


def dense(world: World, column: pd.Series) -> np.ndarray:
    """Spread a column of `flows` (indexed by exporter, importer) over importers x exporters."""
    importers, exporters = labels(world)
    index = pd.MultiIndex.from_product([importers, exporters], names=["importer", "exporter"])
    return column.swaplevel().reindex(index).to_numpy().reshape(world.value.shape)


# ---- drawing ----------------------------------------------------------------------------------


def base(rng: np.random.Generator, *, two_level: bool = False, fixed: bool = False) -> World:
    """Draw a world without rules."""
    n_imp, n_exp = int(rng.integers(1, 5)), int(rng.integers(2, 6))
    shape = (n_imp, n_exp + n_imp * two_level)
    there = rng.random(shape) < 0.85
    there[:, 0] = True  # and every importer a foreign origin
    there[rng.integers(n_imp, size=n_exp), np.arange(n_exp)] = True  # every label has a flow
    value = rng.lognormal(2.0, 1.0, shape) * there
    home = None
    if two_level:
        home = n_exp + np.arange(n_imp)
        value[np.arange(n_imp), home] = rng.lognormal(3.0, 0.7, n_imp)
    sigma = rng.choice(SIGMAS, n_imp)
    supply = rng.choice(SUPPLIES, shape[1])
    tariff = rng.choice([0.0, 0.05, 0.2], shape)
    if two_level:
        tariff[np.arange(n_imp), home] = 0.0
    return World(
        value=value,
        tariff=tariff,
        tax=rng.choice([0.0, 0.1], shape, p=[0.7, 0.3]),
        sigma=sigma,
        demand=np.minimum(rng.choice([0.3, 0.8, 1.0, 1.4], n_imp), sigma),
        supply=supply,
        sigma_home=np.maximum(rng.choice([1.0, 1.5, 3.0], n_imp), 1.0 + two_level * 0.4)
        if two_level
        else None,
        home=home,
        lx=rng.choice([0.0, 0.3], shape, p=[0.7, 0.3]) if fixed else 0.0,
        lm=rng.choice([0.0, 0.2], shape, p=[0.7, 0.3]) if fixed else 0.0,
    )


def rents(rng: np.random.Generator):
    """Draw who gets a rent: the default, one receiver, or shares."""
    kind = rng.integers(3)
    if kind == 0:
        return {}
    if kind == 1:
        return {"rents": str(rng.choice(RECEIVERS))}
    two = rng.choice(RECEIVERS, 2, replace=False)
    return {"rents": {str(two[0]): 0.25, str(two[1]): 0.75}}


def draw_rule(rng: np.random.Generator, world: World, instrument: str) -> Rule:
    """Draw one rule on foreign flows."""
    n_imp = len(world.value)
    foreign = world.value.shape[1] - (0 if world.home is None else n_imp)

    def some(n):
        size = int(rng.integers(1, n + 1))
        return tuple(sorted(int(k) for k in rng.choice(n, size, replace=False)))

    importers, exporters = some(n_imp), some(foreign)
    if instrument in ("import_quota", "trq"):
        importers = importers[:1]
    if instrument in ("export_quota", "ban", "licence", "entity_list"):
        exporters = exporters[:1]
    cells = world.value[np.ix_(importers, exporters)]
    if not cells.any():
        importers, exporters = (0,), (0,)
    args = {
        "import_quota": {"quantity_ratio": float(rng.choice([0.3, 0.6, 0.95, 1.4]))},
        "export_quota": {"quantity_ratio": float(rng.choice([0.3, 0.6, 0.95, 1.4]))},
        "trq": {
            "quantity_ratio": float(rng.choice([0.4, 0.8, 1.1, 1.5])),
            "in_rate": float(rng.choice([0.0, 0.05])),
            "over_rate": float(rng.choice([0.05, 0.3, 1.5])),
        },
        "purchase_commitment": {"quantity_ratio": float(rng.choice([0.5, 1.1, 1.5]))},
        "min_import_price": {"ratio": float(rng.choice([0.9, 1.05, 1.3]))},
        "licence": {
            "approval": float(rng.choice([0.3, 0.8, 1.0])),
            "delay_cost": float(rng.choice([0.0, 0.15])),
        },
        "entity_list": {
            "side": str(rng.choice(["buyers", "sellers"])),
            "share": float(rng.choice([0.2, 0.7])),
            "leakage": float(rng.choice([0.0, 0.3])),
        },
        "ban": {},
        "tariff": {"add": float(rng.choice([0.1, 1.0]))},
        "export_tax": {"add": float(rng.choice([0.05, 0.2]))},
        "trade_cost": {"ratio": float(rng.choice([0.9, 1.2]))},
    }[instrument]
    if instrument in (*LIMITS, "min_import_price"):
        args |= rents(rng)
    return Rule(instrument, importers, exporters, args)


EVERY = (
    "tariff",
    "export_tax",
    "trade_cost",
    "licence",
    "ban",
    "entity_list",
    "min_import_price",
    "import_quota",
    "export_quota",
    "trq",
    "purchase_commitment",
)


def random_world(
    seed: int,
    *,
    instruments: tuple[str, ...] = EVERY,
    two_level: bool = False,
    fixed: bool = False,
    chance: float = 0.5,
) -> World:
    """Draw a world in which each instrument stands with some chance, limits that can be met.

    A commitment never shares a flow with a limit or a ban (it could not be met), two limits on the
    same flows differ (else only the sum of their premia is determined), only the first list of
    buyers counts (two of different size are an error), and only origins that no rule touches may
    have supply 0.
    """
    rng = np.random.default_rng([seed, 20251025])
    world = base(rng, two_level=two_level, fixed=fixed)
    rules: list[Rule] = []
    capped = np.zeros(world.value.shape, dtype=bool)
    promised = capped.copy()
    groups: list[tuple] = []
    listed = False
    for instrument in instruments:
        if rng.random() > chance:
            continue
        rule = draw_rule(rng, world, instrument)
        cells = np.zeros(world.value.shape, dtype=bool)
        cells[np.ix_(rule.importers, rule.exporters)] = True
        group = (rule.importers, rule.exporters, rule.args.get("quantity_ratio"))
        if instrument in LIMITS and group in groups:
            continue
        if instrument in ("ban", *LIMITS[:3]) and (cells & promised).any():
            continue
        if instrument == "entity_list" and rule.args["side"] == "buyers":
            if listed:
                continue
            listed = True
        if instrument == "ban" or (instrument == "entity_list"):
            left = world.value * ~(capped | cells)
            if not (left.sum(axis=1) > 0).all():
                continue
            capped |= cells
        elif instrument in LIMITS[:3]:
            capped |= cells
        elif instrument == "purchase_commitment":
            if (cells & capped).any():
                continue
            promised |= cells
        groups.append(group)
        rules.append(rule)
    touched = np.unique([i for rule in rules for i in rule.exporters]).astype(int)
    supply = world.supply.copy()
    rigid = np.setdiff1d(np.arange(len(supply)), touched)
    supply[rigid[rng.random(len(rigid)) < 0.2]] = 0.0
    fields = vars(world) | {"rules": tuple(rules), "supply": supply}
    return World(**fields)
