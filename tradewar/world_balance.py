"""What a world's tables imply: output, income, final demand, deficits.

Accounts: E = (1+t) Z; X[n,j] = sum_i E; Y[i,j] = sum_n Z/(1+x); V[n] = sum_j gamma (1-rho) Y;
final demand F[n,j] = X - sum_k g[n,j,k] (1-rho_k) Y[n,k]; I = sum_j F; R = sum t Z (imports),
XR = sum x/(1+x) Z (exports); deficit D = I - V - sum_j rho Y - R - XR, which sums to zero.
Arrays are [importer, exporter, product], [country, input, user], [country, product].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

__all__ = ["Accounts", "Supplied", "Tables", "accounts", "final_shares", "output_of", "settle"]
__all__ += ["used"]

ROUNDING = 1e-9  # of purchases: a final demand above minus this is zero but for rounding


class Tables(NamedTuple):
    """The numbers of a world.

    Attributes
    ----------
    trade, tariff : float64 array, shape (importer, exporter, product)
    export_tax : the same, or None
    theta, rents, scale : float64 array, shape (product,)
    value_added : float64 array, shape (country, product), share of cost
    input_use : float64 array, shape (country, input, user), share of cost
    """

    trade: np.ndarray
    tariff: np.ndarray
    export_tax: np.ndarray | None
    theta: np.ndarray
    rents: np.ndarray
    scale: np.ndarray
    value_added: np.ndarray
    input_use: np.ndarray


@dataclass(frozen=True)
class Accounts:
    """What the tables imply; values in value_unit.

    Attributes
    ----------
    expenditure, output, final : float64 array, shape (country, product)
        Purchases with tariffs, producer revenue, final demand.
    labour_income, rents, tariff_revenue, export_revenue, income, deficit : shape (country,)
    """

    expenditure: np.ndarray
    output: np.ndarray
    final: np.ndarray
    labour_income: np.ndarray
    rents: np.ndarray
    tariff_revenue: np.ndarray
    export_revenue: np.ndarray
    income: np.ndarray
    deficit: np.ndarray

    @property
    def final_share(self) -> np.ndarray:
        """Share of each product in final demand, shape (country, product)."""
        return self.final / self.income[:, None]


class Supplied(NamedTuple):
    """Final shares and deficits that the user supplied, or None; cost of value tables."""

    final_share: np.ndarray | None = None
    deficit: np.ndarray | None = None
    cost: np.ndarray | None = None


def output_of(trade: np.ndarray, export_tax: np.ndarray | None) -> np.ndarray:
    """Producer revenue [country, product]."""
    return (trade if export_tax is None else trade / (1.0 + export_tax)).sum(axis=0)


def used(tables: Tables, output: np.ndarray) -> np.ndarray:
    """Use of each product as an input, [country, product]."""
    cost = (1.0 - tables.rents) * output
    return np.einsum("njk,nk->nj", tables.input_use, cost)


def accounts(tables: Tables) -> Accounts:
    """Derive the accounts of a world."""
    trade, tax = tables.trade, tables.export_tax
    expenditure = (trade * (1.0 + tables.tariff)).sum(axis=1)
    output = output_of(trade, tax)
    rents = output @ tables.rents
    labour = (tables.value_added * (1.0 - tables.rents) * output).sum(axis=1)
    final = expenditure - used(tables, output)
    income = final.sum(axis=1)
    tariffs = (trade * tables.tariff).sum(axis=(1, 2))
    exports = np.zeros(len(income))
    if tax is not None:
        exports = (trade * (tax / (1.0 + tax))).sum(axis=(0, 2))
    deficit = income - labour - rents - tariffs - exports
    return Accounts(expenditure, output, final, labour, rents, tariffs, exports, income, deficit)


def settle(tables: Tables) -> tuple[Tables, int]:
    """Take final demands that are negative by rounding as zero, exactly.

    The input use of such a product is scaled down by the same rounding, and value added takes the
    difference.  Also gives the number of cells.
    """
    acc = accounts(tables)
    low = (acc.final < 0) & (acc.final >= -ROUNDING * acc.expenditure)
    if not low.any():
        return tables, 0
    use = acc.expenditure - acc.final
    factor = np.where(low, acc.expenditure / np.where(low, use, 1.0), 1.0)
    g = tables.input_use * factor[:, :, None]
    gamma = tables.value_added + (tables.input_use - g).sum(axis=1)
    return tables._replace(input_use=g, value_added=gamma), int(np.count_nonzero(low))


def final_shares(acc: Accounts) -> np.ndarray:
    """Final shares, with what `settle` made zero but for the last bits at zero."""
    final = np.where(np.abs(acc.final) <= 1e-13 * acc.expenditure, 0.0, acc.final)
    return final / final.sum(axis=1, keepdims=True)
