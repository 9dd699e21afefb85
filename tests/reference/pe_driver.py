"""The exact twin over a long table of flows, one product after another, and what it reports."""

from __future__ import annotations

import numpy as np

from tests.reference import pe_twin


def dense_markets(
    exporter,
    importer,
    product,
    value,
    *,
    tariff=0.0,
    tariff_new=None,
    export_tax=0.0,
    export_tax_new=None,
    cost=1.0,
    weight=1.0,
    lx=0.0,
    lm=0.0,
    sigma,
    demand,
    supply=np.inf,
    sigma_home=None,
):
    """Yield ``(rows, n, i, market)`` per product; rates are fractions, all arguments per flow.

    ``sigma``, ``demand``, ``sigma_home`` must not vary within (importer, product), nor
    ``supply`` within (exporter, product). Home goods are rows with exporter == importer.
    """
    exporter, importer, product = map(np.asarray, (exporter, importer, product))
    rows_all = len(exporter)

    def column(x):
        return np.broadcast_to(np.asarray(x, dtype=float), (rows_all,))

    t0, a0 = 1 + column(tariff), 1 + column(export_tax)
    flow = {
        "tariff": t0,
        "tariff_new": t0 if tariff_new is None else 1 + column(tariff_new),
        "tax": a0,
        "tax_new": a0 if export_tax_new is None else 1 + column(export_tax_new),
        "cost": column(cost),
        "weight": column(weight),
        "lx": column(lx),
        "lm": column(lm),
    }
    blank = dict.fromkeys(flow, 1.0) | {"lx": 0.0, "lm": 0.0}
    value = column(value)
    for good in np.unique(product):
        rows = np.flatnonzero(product == good)
        importers, n = np.unique(importer[rows], return_inverse=True)
        exporters, i = np.unique(exporter[rows], return_inverse=True)
        shape = (len(importers), len(exporters))

        def spread(x, fill, rows=rows, n=n, i=i, shape=shape):
            out = np.full(shape, fill)
            out[n, i] = x[rows]
            return out

        def by(x, slot, size, rows=rows):
            out = np.empty(size)
            out[slot] = column(x)[rows]
            return out

        home = np.full(len(importers), -1)
        own = exporter[rows] == importer[rows]
        home[n[own]] = i[own]
        yield (
            rows,
            n,
            i,
            pe_twin.market(
                spread(value, 0.0),
                **{k: spread(v, blank[k]) for k, v in flow.items()},
                sigma=by(sigma, n, len(importers)),
                demand=by(demand, n, len(importers)),
                supply=by(supply, i, len(exporters)),
                sigma_home=None if sigma_home is None else by(sigma_home, n, len(importers)),
                home=home,
            ),
        )


def solve_flows(*args, **kwargs) -> dict[str, np.ndarray]:
    """Solve every product exactly; per-flow arrays in the order of the rows given.

    ``ln_p``, ``ln_index``, ``consumer_surplus_change`` and ``producer_surplus_change`` are
    repeated on each flow of their exporter or importer.
    """
    out: dict[str, np.ndarray] = {}
    rows_all = len(args[0])
    for rows, n, i, mk in dense_markets(*args, **kwargs):
        sol = pe_twin.solve_exact(mk)
        found = pe_twin.report(sol)
        parts = {
            "ln_p": sol.ln_p[i],
            "ln_index": sol.ln_index[n],
            "q": sol.q[n, i],
            "b": sol.b[n, i],
            "u": sol.u[n, i],
        }
        for key, x in found.items():
            if key == "consumer_surplus_change":
                parts[key] = x[n]
            elif key == "producer_surplus_change":
                parts[key] = x[i]
            else:
                parts[key] = x[n, i]
        for key, x in parts.items():
            out.setdefault(key, np.full(rows_all, np.nan))[rows] = x
    return out
