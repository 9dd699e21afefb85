"""Economies and shocks of the general-equilibrium twin: plain arrays and what follows from them.

Flows are ``[importer n, exporter i, sector j]``; names as in the equations of `ge_twin`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

IMPORTER, EXPORTER, WASTED = 0, 1, 2  # who holds a rent, or pays for a floor
LIMITS = ("export", "import", "floor_quantity", "floor_value")


def ratio(a, b, empty=0.0):
    """a / b, and `empty` where b is 0."""
    a, b = np.broadcast_arrays(a, b)
    live = b != 0
    out = np.full(a.shape, empty, dtype=np.result_type(a, b, float))
    out[live] = a[live] / b[live]
    return out


@dataclass(frozen=True)
class World:
    """A baseline. Final shares and deficits are given, and must be those of the flows."""

    trade: np.ndarray  # Z [n, i, j]
    theta: np.ndarray  # [j]
    tariff: np.ndarray
    export_tax: np.ndarray
    value_added: np.ndarray  # gamma [n, j]
    input_use: np.ndarray  # g [n, input k, user j]
    rents: np.ndarray  # rho [j]
    scale: np.ndarray  # psi [j]
    final_share: np.ndarray  # alpha [n, j]
    deficit: np.ndarray  # D [n]

    @property
    def shape(self) -> tuple[int, int]:
        return self.final_share.shape

    @cached_property
    def spending(self) -> np.ndarray:
        return (1 + self.tariff) * self.trade

    @cached_property
    def expenditure(self) -> np.ndarray:
        return self.spending.sum(axis=1)

    @cached_property
    def share(self) -> np.ndarray:
        return ratio(self.spending, self.expenditure[:, None, :])

    @cached_property
    def output(self) -> np.ndarray:
        return (self.trade / (1 + self.export_tax)).sum(axis=0)

    @cached_property
    def labour_income(self) -> np.ndarray:
        return (self.value_added * (1 - self.rents) * self.output).sum(axis=1)

    @cached_property
    def tariff_revenue(self) -> np.ndarray:
        return (self.tariff * self.trade).sum(axis=(1, 2))

    @cached_property
    def export_revenue(self) -> np.ndarray:
        return (self.export_tax / (1 + self.export_tax) * self.trade).sum(axis=(0, 2))

    @cached_property
    def final(self) -> np.ndarray:
        """Final expenditure [n, j] that the flows imply."""
        bought = np.einsum("nkj,nj->nk", self.input_use, (1 - self.rents) * self.output)
        return self.expenditure - bought

    @cached_property
    def income(self) -> np.ndarray:
        """I: final expenditure."""
        return self.final.sum(axis=1)

    @cached_property
    def implied_deficit(self) -> np.ndarray:
        profits = (self.rents * self.output).sum(axis=1)
        return (
            self.income - self.labour_income - profits - self.tariff_revenue - self.export_revenue
        )


def world(trade, theta, **tables) -> World:
    """Fill in what is not given, from the flows."""
    trade = np.asarray(trade, dtype=float)
    N, _, J = trade.shape
    gamma = np.broadcast_to(tables.pop("value_added", 1.0), (N, J)).copy()
    use = tables.pop("input_use", None)
    tables = {
        "tariff": np.zeros((N, N, J)),
        "export_tax": np.zeros((N, N, J)),
        "rents": np.zeros(J),
        "scale": np.zeros(J),
    } | tables
    out = World(
        trade=trade,
        theta=np.broadcast_to(theta, (J,)).astype(float),
        value_added=gamma,
        input_use=np.zeros((N, J, J)) if use is None else use,
        final_share=np.empty((N, J)),
        deficit=np.empty(N),
        **tables,
    )
    return replace(
        out, final_share=out.final / out.income[:, None], deficit=out.implied_deficit.copy()
    )


@dataclass(frozen=True)
class Options:
    """The switches of the model."""

    labour_supply: float = 0.0
    va_substitution: float = 1.0
    input_substitution: float = 1.0
    final_substitution: float = 1.0
    deficits: str = "fixed"  # or "share", "zero", "income"
    revenue: str = "lump_sum"  # or "income_tax"


@dataclass(frozen=True)
class Limit:
    """A cap on, or a floor under, the flows `members` (a mask)."""

    kind: str  # one of LIMITS
    members: np.ndarray
    bound: float  # base-value units of the quantity, or a value
    holder: int = IMPORTER
    upper: float = np.inf  # largest log wedge

    @property
    def floor(self) -> bool:
        return self.kind.startswith("floor")

    def base(self, w: World) -> float:
        """Quantity or value at the baseline."""
        held = w.trade if self.kind == "floor_value" else w.trade / (1 + w.export_tax)
        return held[self.members].sum()


@dataclass(frozen=True)
class Shock:
    """Everything exogenous after; None stays as it was."""

    tariff: np.ndarray | None = None
    export_tax: np.ndarray | None = None
    cost: np.ndarray | None = None  # d
    weight: np.ndarray | None = None  # multiplies pi; 0 is a ban
    productivity: np.ndarray | None = None  # A
    deficit: np.ndarray | None = None
    limits: tuple[Limit, ...] = ()

    def filled(self, w: World, o: Options) -> Shock:
        def or_else(x, default):
            return default if x is None else x

        deficit = np.zeros_like(w.deficit) if o.deficits == "zero" else self.deficit

        return Shock(
            or_else(self.tariff, w.tariff),
            or_else(self.export_tax, w.export_tax),
            or_else(self.cost, np.ones(w.trade.shape)),
            or_else(self.weight, np.ones(w.trade.shape)),
            or_else(self.productivity, np.ones(w.shape)),
            or_else(deficit, w.deficit),
            self.limits,
        )

    def part(self, w: World, step) -> Shock:
        """Return the point a share `step` along the path; every array of `self` is there."""
        to = self
        return Shock(
            (1 + w.tariff) * ((1 + to.tariff) / (1 + w.tariff)) ** step - 1,
            (1 + w.export_tax) * ((1 + to.export_tax) / (1 + w.export_tax)) ** step - 1,
            to.cost**step,
            to.weight**step,
            to.productivity**step,
            w.deficit + step * (to.deficit - w.deficit),
            tuple(replace(x, bound=x.base(w) ** (1 - step) * x.bound**step) for x in to.limits),
        )
