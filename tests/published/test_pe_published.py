"""Published and cross-checked numbers of the product-level model, through the public door.

Every number is compared to all digits given: the tolerance is half a unit of the last one, read
from the text of the CSV, plus ROUNDING for numbers that end in a digit computed in another order.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tradewar as tw

HERE = Path(__file__).parent
ROUNDING = 1e-11  # sums of some hundreds, in double precision


def read(name: str) -> list[dict[str, str]]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def digits(text: str) -> float:
    """Half a unit of the last digit of a decimal number as written."""
    return 0.5 * 10.0 ** -len(text.partition(".")[2]) + ROUNDING


def agrees(found: float, text: str) -> None:
    assert found == pytest.approx(float(text), abs=digits(text), rel=0)


def gsim_data() -> tw.TradeData:
    rows = pd.DataFrame(read("a1_flows.csv"))
    rows = rows.assign(
        product="good",
        value=rows["value"].astype(float),
        tariff=rows["factor"].astype(float) - 1.0,
    )
    return tw.TradeData.from_frame(rows.drop(columns="factor"))


FREE_TRADE = (
    tw.Scenario("free trade")
    .tariff(importer="US", exporter="EU", set=0.0)
    .tariff(importer="EU", exporter="US", set=0.0)
)
PLUS_100 = tw.Scenario("+100").tariff(importer="US", exporter="JP", add=1.0)


@cache
def gsim(name: str, method: str, steps: str, surplus: str) -> tw.PEResult:
    return tw.solve_pe(
        gsim_data(),
        {"a1": FREE_TRADE, "a2": PLUS_100}[name],
        substitution=5.0,
        demand=1.25,
        supply=1.5,
        method=method,
        surplus=surplus,
        **({"steps": int(steps)} if steps else {}),
    )


def quantity(res: tw.PEResult, name: str, key: str) -> float:
    """Read one number from the result's frames."""
    if ">" in key:
        exporter, importer = key.split(">")
        flows = res.flows.set_index(["exporter", "importer"])
        return float(flows.loc[(exporter, importer), name])
    if name == "price_change":
        return float(res.exporters.set_index("exporter").loc[key, "producer_price_ratio"]) - 1.0
    if name == "index_change":
        return float(res.importers.set_index("importer").loc[key, "price_index_ratio"]) - 1.0
    column = res.countries[f"{name}_change"]
    return float(column.sum() if key == "world" else column[key])


def gsim_rows():
    for name, file in (("a1", "a1_gsim.csv"), ("a2", "a2_plus_100.csv")):
        for row in read(file):
            words = [name, *(v for k, v in row.items() if v and k != "value"), row["value"]]
            yield pytest.param(name, row, id=" ".join(words))


@pytest.mark.filterwarnings("ignore::tradewar.errors.LinearizationWarning")
@pytest.mark.parametrize(("name", "row"), list(gsim_rows()))
def test_gsim(name, row):
    res = gsim(name, row["method"], row["steps"], row["surplus"])
    agrees(quantity(res, row["quantity"], row["key"]), row["value"])


def test_linear_result_with_negative_trade_warns_and_names_it():
    with pytest.warns(tw.errors.LinearizationWarning, match=r"JP.*US"):
        tw.solve_pe(
            gsim_data(), PLUS_100, substitution=5.0, demand=1.25, supply=1.5, method="linear"
        )


# ---- A3 ------------------------------------------------------------------------------------


def pass_through(both: bool, method: str, steps: int | None = None) -> tw.PEResult:
    data = tw.TradeData.from_frame(
        pd.DataFrame(
            {
                "exporter": ["target", "rival", "home"],
                "importer": "home",
                "product": "good",
                "value": [20.0, 30.0, 50.0],
                "tariff": 0.0,
            }
        )
    )
    scn = tw.Scenario("T = 2").tariff(importer="home", exporter="target", set=1.0)
    if both:
        scn = scn.tariff(importer="home", exporter="rival", set=1.0)
    supply = pd.DataFrame({"exporter": ["target", "rival", "home"], "supply": [4.0, 4.0, 1.0]})
    options = {} if steps is None else {"steps": steps}
    return tw.solve_pe(
        data, scn, substitution=5.0, demand=1.0, supply=supply, method=method, **options
    )


@pytest.mark.parametrize("row", read("a3_pass_through.csv"), ids=lambda r: " ".join(r.values()))
def test_pass_through(row):
    first = row["case"].startswith("first_order")
    # one Euler step in logs is the first order: changes per unit of d ln T
    res = pass_through("both" in row["case"], *(("euler", 1) if first else ("exact",)))
    key = row["key"]
    unit = np.log(2.0) if first else 1.0
    flow = res.flows.set_index("exporter").loc[key] if key else None
    if row["quantity"] == "ln_u":
        found = np.log(flow["buyer_price_ratio"]) / unit
    elif row["quantity"] == "exporter_bears":
        found = -np.log(flow["producer_price_ratio"]) / unit
    elif row["quantity"] == "ln_index":
        found = np.log(res.importers["price_index_ratio"].iloc[0]) / unit
    elif row["quantity"] == "price_ratio":
        found = flow["producer_price_ratio"]
    elif row["quantity"] == "buyer_ratio":
        found = flow["buyer_price_ratio"]
    elif row["quantity"] == "index_ratio":
        found = res.importers["price_index_ratio"].iloc[0]
    else:
        money = res.incidence(by="total").iloc[0]
        share = money["importer_share"]
        found = {
            "log_pass_through": money["log_pass_through"],
            "importer_share": share,
            "exporter_share": 1.0 - share,
        }[row["quantity"]]
    agrees(float(found), row["value"])


# ---- A4 ------------------------------------------------------------------------------------

TEXTBOOK = {row["quantity"]: float(row["value"]) for row in read("a4_textbook.csv")}
NO_RESPONSE = 1e-9  # demand elasticity: one unit is bought before and after


def textbook(sigma: float) -> tw.PEResult:
    """One unit bought at buyer prices 20.90 and 22.00, shares as CES demand has them."""
    ln_rival = (1.0 - sigma) * np.log(22.0 / 20.9)
    mexico = np.exp(ln_rival) / (1.0 + np.exp(ln_rival))
    spending = TEXTBOOK["buyer_price_before"]
    data = tw.TradeData.from_frame(
        pd.DataFrame(
            {
                "exporter": ["Asia", "Mexico"],
                "importer": "US",
                "product": "good",
                "value": np.array([1.0 - mexico, mexico]) * spending / 1.1,
                "tariff": 0.1,
            }
        )
    )
    scn = tw.Scenario("Mexico freed").tariff(importer="US", exporter="Mexico", set=0.0)
    return tw.solve_pe(data, scn, substitution=sigma, demand=NO_RESPONSE, supply=np.inf)


@pytest.mark.parametrize("sigma", [20.0, 50.0, 200.0, 1000.0, 3000.0])
def test_textbook_diversion_is_approached_at_the_known_rate(sigma):
    index = textbook(sigma).importers["price_index_ratio"].iloc[0]
    # both origins: u^(1-sigma) theta is (20/20.9)^(1-sigma) and 1, over the base sum
    base = np.log1p(np.exp((1 - sigma) * np.log(22 / 20.9)))
    after = np.log1p(np.exp((1 - sigma) * np.log(20.9 / 20.0)))
    expected = np.log(20.0 / 20.9) + (after - base) / (1.0 - sigma)
    assert np.log(index) == pytest.approx(expected, abs=1e-12)


def test_textbook_diversion_in_the_limit():
    countries = textbook(1000.0).countries.loc["US"]
    assert countries["consumer_surplus_change"] == pytest.approx(
        TEXTBOOK["consumer_surplus"], abs=1e-7
    )  # the demand elasticity is 1e-9 and not 0
    assert countries["revenue_change"] == pytest.approx(TEXTBOOK["revenue"], abs=1e-7)
    assert countries["welfare_change"] == pytest.approx(TEXTBOOK["welfare"], abs=1e-7)


# ---- A7 ------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", read("a7_smart.csv"), ids=lambda r: " ".join(r.values()))
def test_smart(row):
    data = tw.TradeData.from_frame(
        pd.DataFrame(
            {
                "exporter": ["partner", "rival 1", "rival 2"],
                "importer": "home",
                "product": "good",
                "value": [40.0, 20.0, 40.0],
                "tariff": 0.2,
            }
        )
    )
    scn = tw.Scenario("freed").tariff(importer="home", exporter="partner", set=0.0)
    res = tw.solve_pe(
        data,
        scn,
        substitution=1.5,
        demand=1.5,
        supply=np.inf,
        method="smart",
        diversion_formula=row["formula"],
    )
    flows = res.flows.set_index("exporter")
    change = flows["value_new"] - flows["value"]
    diversion = -(change["rival 1"] + change["rival 2"])
    assert change["rival 2"] == pytest.approx(2 * change["rival 1"])
    found = {"diversion": diversion, "creation": change["partner"] - diversion}
    agrees(found[row["quantity"]], row["value"])
