"""Schedules: rates of 5,500 products from 50 partners on 100 days, each day unlike the last."""

from __future__ import annotations

import numpy as np
import pandas as pd

import tradewar as tw

PRODUCTS, PARTNERS, DAYS = 5500, 50, 100
SECONDS = 1.0  # goal for the dense case


def labels() -> tuple[list[str], list[str]]:
    """Give product codes and partner names."""
    return [f"{100_000 + k:06d}" for k in range(PRODUCTS)], [f"P{k:02d}" for k in range(PARTNERS)]


def dates(n: int = DAYS) -> list[str]:
    """Give days, a week apart."""
    first = np.datetime64("2024-01-01", "D")
    return [str(first + 7 * k) for k in range(n)]


def schedule(seed: int = 1) -> tw.Schedule:
    """Make a schedule whose rates on every partner change on every day."""
    rng = np.random.default_rng(seed)
    products, partners = labels()
    rows = [("WLD", "tariff", "mfn", "all", np.nan, "mfn", "", "2018-01-01")]
    for k, partner in enumerate(partners):
        rows.append((partner, "preference", "preference", "all", 0.01 * k, "", "", "2018-01-01"))
        rows.append((partner, "floor", "reciprocal", "all", 0.15, "", "", "2018-01-01"))
        rows.append((partner, "tariff", "s301", "l1", 0.25, "", "", "2018-01-01"))
        rows.append((partner, "tariff", "s301", "l2", 0.075, "", "", "2018-01-01"))
        rows.append((partner, "tariff", "s232_steel", "metal", 0.5, "", "0.35", "2018-01-01"))
    for day in dates():
        for partner in partners:
            rate = float(rng.integers(0, 5000)) / 10_000
            rows.append((partner, "tariff", "fentanyl", "all", rate, "", "", day))
    names = ["target", "instrument", "layer", "scope", "rate", "rate_table", "content", "effective"]
    frame = pd.DataFrame(rows, columns=names).assign(imposer="USA")
    mask = rng.random((3, PRODUCTS)) < np.array([[0.6], [0.5], [0.1]])
    lists = {
        name: [p for p, hit in zip(products, some, strict=True) if hit]
        for name, some in zip(("l1", "l2", "metal"), mask, strict=True)
    }
    mfn = pd.Series(rng.uniform(0, 0.3, PRODUCTS).round(3), index=products, name="rate")
    return tw.Schedule.from_frame(frame, lists={**lists, "mfn": mfn}, products=products)


def rates(measures: tw.Schedule) -> np.ndarray:
    """Work out the rate of every flow on every day; shape (DAYS, PARTNERS, PRODUCTS)."""
    products, partners = labels()
    days = np.array(dates(), dtype="datetime64[s]")
    found = measures._array("USA", partners, products, days, "exclusive")
    return np.array(found)


class ScheduleSuite:
    """Rates of many flows on many days."""

    def setup(self) -> None:
        """Make the schedules outside the time taken."""
        self.dense = schedule()
        self.us = tw.datasets.us_imports_2024()
        self.calendar = tw.schedules.us_china()

    def time_rates(self):
        """5,500 x 50 x 100, every rate worked out."""
        return rates(self.dense)

    def time_effective(self):
        """Averages over the flows of the customs file on 100 days."""
        return self.calendar.effective(self.us, on=dates())
