"""Call the kernel on dense markets or on flat arrays, without the public face."""

from __future__ import annotations

import numpy as np

from tests.reference import pe_twin
from tradewar import _core

METHODS = {"exact": 0, "linear": 1, "euler": 2, "smart": 3}
AUTO = -1


def flat(markets: list[pe_twin.Market]):
    """Turn dense markets into the kernel's tuples; also rows (market, importer, exporter)."""
    product, exporter, importer = [], [], []
    for m, mk in enumerate(markets):
        i, n = np.nonzero(mk.value.T > 0)
        product.append(np.full(i.size, m))
        exporter.append(i)
        importer.append(n)
    product, exporter, importer = (
        np.concatenate(x).astype(np.int32) for x in (product, exporter, importer)
    )
    countries = int(max(exporter.max(), importer.max())) + 1
    layout = _core.flow_layout(product, exporter, importer, len(markets), countries)
    _, exp_ptr, exp_code, row_ptr, imp_ptr, imp_code, col = layout

    def flow(name):
        return np.array(
            [
                getattr(markets[m], name)[n, i]
                for m, n, i in zip(product, importer, exporter, strict=True)
            ]
        )

    def slots(name, ptr, code):
        market = np.repeat(np.arange(len(markets)), np.diff(ptr))
        return np.array(
            [getattr(markets[m], name)[k] for m, k in zip(market, code, strict=True)], dtype=float
        )

    two_level = markets[0].sigma_home is not None
    home = None
    if two_level:
        home = np.full(len(imp_code), -1, dtype=np.int64)
        for f, (m, n, i) in enumerate(zip(product, importer, exporter, strict=True)):
            if markets[m].home[n] == i:
                home[imp_ptr[m] + col[f]] = f
    flows = (
        flow("value"),
        flow("tariff") - 1,
        flow("tariff_new") - 1,
        flow("tax") - 1,
        flow("tax_new") - 1,
        flow("cost"),
        flow("weight"),
        flow("lx"),
        flow("lm"),
    )
    elasticities = (
        slots("sigma", imp_ptr, imp_code),
        slots("demand", imp_ptr, imp_code),
        slots("sigma_home", imp_ptr, imp_code) if two_level else None,
        home,
        slots("supply", exp_ptr, exp_code),
    )
    rows = (product, importer, exporter, imp_ptr, imp_code, exp_ptr, exp_code)
    return (exp_ptr, row_ptr, imp_ptr, col), flows, elasticities, rows


def solve(
    layout,
    flows,
    elasticities,
    *,
    method="exact",
    steps=1,
    form=0,
    tol=1e-12,
    max_iter=500,
    threads=1,
    level=AUTO,
):
    """Call the kernel with names; returns (p, P, q, status, cause, iterations, residual)."""
    return _core.pe_solve(
        layout,
        flows,
        elasticities,
        METHODS[method],
        steps,
        form,
        tol,
        max_iter,
        threads,
        level,
        None,
        None,
    )[:7]
