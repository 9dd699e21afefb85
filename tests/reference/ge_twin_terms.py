"""Where welfare comes from, by the general-equilibrium twin.

Columns of ln(I'/I/Pc) are integrated by Gauss-Legendre nodes along the path on which ln(1 + t),
ln(1 + x), ln d, ln A, the log taste weights and D move linearly; derivatives are complex steps.
"""

from __future__ import annotations

import numpy as np

from tests.reference import ge_twin

NODES = 12  # of the path integral
COLUMNS = (
    "terms_of_trade",
    "tariff_volume",
    "export_tax_volume",
    "profits",
    "technology_and_scale",
    "trade_cost",
    "labour",
    "transfers",
    "taste",
)


def decompose(sol: ge_twin.Solution, nodes: int = NODES) -> dict[str, np.ndarray]:
    """Integrate every column of ln(I'/I/Pc) along the path; no limits and no bans."""
    w, layout = sol.world, sol.layout
    assert not sol.shock.limits
    assert (sol.shock.weight > 0).all()
    at, weight = np.polynomial.legendre.leggauss(nodes)
    out = {name: np.zeros(w.shape[0]) for name in COLUMNS}
    z = np.zeros_like(sol.z)
    for step, part in zip((at + 1) / 2, weight / 2, strict=True):
        here, ahead = (sol.shock.part(w, s) for s in (step, step + 1j * ge_twin.STEP))
        z = ge_twin.find(layout, here, z)

        def equations(y, here=here):
            return ge_twin.equations(layout, here, y)

        moved = ge_twin.equations(layout, ahead, z.astype(complex)).imag / ge_twin.STEP
        slope = -np.linalg.solve(ge_twin.jacobian(equations, z), moved)
        for name, term in terms(sol, step, z, slope).items():
            out[name] += part * term
    return out


def terms(
    sol: ge_twin.Solution, step: float, z: np.ndarray, slope: np.ndarray
) -> dict[str, np.ndarray]:
    """Columns of d ln(I/Pc) per unit of the path, at one of its points."""
    w = sol.world
    shock = sol.shock.part(w, step + 1j * ge_twin.STEP)
    s = ge_twin.evaluate(w, sol.options, shock, sol.layout.unpack(z + 1j * ge_twin.STEP * slope))

    def now(x):
        return x.real

    def dln(x):
        live = x.real != 0
        return np.where(live, x.imag / np.where(live, x.real, 1.0) / ge_twin.STEP, 0.0)

    t, x, Z, Y = now(shock.tariff), now(shock.export_tax), now(s.Z), now(s.Y)
    b = dln(s.c[None] * (1 + shock.export_tax))
    dz = dln(ge_twin.ratio(s.Z, s.c[None] * (1 + shock.export_tax)))
    made = (Z / (1 + x) * dz).sum(axis=0)  # Y dln Q
    at = s.at
    wages = now(at.w * at.L) * w.labour_income
    technology = dln(shock.productivity) + w.scale * dln(at.S)
    spent = (1 + t) * Z
    out = {
        "terms_of_trade": (Z * b).sum(axis=(0, 2)) - (Z * b).sum(axis=(1, 2)),
        "tariff_volume": (t * Z * dz).sum(axis=(1, 2)),
        "export_tax_volume": (x / (1 + x) * Z * dz).sum(axis=(0, 2)),
        "profits": (w.rents * made).sum(axis=1),
        "technology_and_scale": ((1 - w.rents) * Y * technology).sum(axis=1),
        "trade_cost": -(spent * dln(shock.cost)).sum(axis=(1, 2)),
        "labour": wages * dln(at.L),
        "transfers": s.D.imag / ge_twin.STEP,
        "taste": (spent * dln(shock.weight) / w.theta).sum(axis=(1, 2)),
    }
    return {name: term / now(s.I) for name, term in out.items()}


def cp2015(sol: ge_twin.Solution) -> dict[str, np.ndarray]:
    """First-order terms of Caliendo and Parro (2015), at the baseline."""
    w, s = sol.world, sol.state
    Z, rise = w.trade, s.c - 1
    exports = np.einsum("mnj,nj->n", Z, rise)
    imports = np.einsum("nmj,mj->n", Z, rise)
    volume = (w.tariff * (s.Z - Z * s.c[None])).sum(axis=(1, 2))
    tot, vot = (exports - imports) / w.income, volume / w.income
    return {"terms_of_trade": tot, "volume_of_trade": vot, "total": tot + vot}
