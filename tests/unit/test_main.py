"""The command line: what it prints is what the API gives, and wrong questions get one line."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tradewar as tw
from tradewar import controls, deal, report, steps, talks_answer
from tradewar.__main__ import main
from tradewar.cases import (
    FINITE_SUPPLY,
    PRODUCT_NAMES,
    maximum,
    plus,
    product_name,
    revenue_peak,
    solve_case,
)

ROOT = Path(__file__).parents[2]
PACKAGE = Path(tw.__file__).parent
MOST_LINES, MOST_COLUMNS = 40, 100
GENEROUS = 30.0  # seconds: a hung process, not a slow machine
PRINTED = 0.051  # bn USD: half of the last digit printed
WHOLE = 0.51  # %: half of a point
HUNDREDTH = 0.0051  # %: half of the last digit of welfare
PROCESSOR = 12.0  # seconds: three times what is promised, for machines that are slower or shared
CLOSED_FORM = 1e-9  # relative: the closed form of duty against the solver
FLAT = 0.05  # rate: duty this far from its peak must be lower than there


@pytest.fixture(scope="module")
def job():
    return report.main_job()


@pytest.fixture(scope="module")
def text(job):
    return report.main_text(job)


@pytest.fixture(scope="module")
def us():
    """The default case, written out: duties of 25 October 2025 from the calendar, then +100."""
    data = tw.datasets.us_imports_2024()
    calendar = tw.schedules.us_china().as_of("2025-10-25")
    stack = calendar.to_scenario(on="2025-10-25", base=data, importer="USA", base_date=2024)
    base = data.rebase(tw.solve_pe(data, stack))
    more = tw.Scenario("+100").tariff(importer="USA", exporter="CHN", add=1.0)
    return data, base, tw.solve_pe(base, more)


def run(*arguments: str, **options):
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent), "PYTHONWARNINGS": "default"}
    return subprocess.run(
        [sys.executable, "-m", "tradewar", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=GENEROUS,
        **options,
    )


def numbers(line: str) -> list[float]:
    """Read the numbers of a line; signs and thousands commas are understood."""
    return [float(n.replace(",", "")) for n in re.findall(r"[+-]?\d[\d,]*\.?\d*", line)]


def row(text: str, label: str) -> list[float]:
    """Read the numbers after a label that begins a line."""
    [line] = [line for line in text.splitlines() if line.startswith(label)]
    return numbers(line[len(label) :])


# ---- the main job ------------------------------------------------------------------------------


@pytest.mark.native
def test_main_job_as_a_process(text):
    start = time.perf_counter()
    ran = run()
    assert time.perf_counter() - start < GENEROUS
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == text + "\n"
    assert ran.stdout.isascii()


def test_main_job_fits_a_screen(text):
    lines = text.splitlines()
    assert len(lines) <= MOST_LINES
    assert max(map(len, lines)) <= MOST_COLUMNS
    assert not any(line.endswith(" ") for line in lines)
    assert "nan" not in text.lower()


def test_trade_and_duty(text, us):
    data, base, result = us
    china = data.flows.query("exporter == 'CHN'")
    before = base.flows.query("exporter == 'CHN'")
    after = result.flows.query("exporter == 'CHN'")
    expected = {
        "Imports from China": [china["value"], before["value"], after["value_new"]],
        "Duty collected on Chinese goods": [
            china["value"] * china["tariff"],
            before["value"] * before["tariff"],
            after["revenue_new"],
        ],
    }
    for label, columns in expected.items():
        was, old, new = (column.sum() / 1e9 for column in columns)
        printed = row(text, label)
        assert printed[:4] == pytest.approx([was, old, new, new - old], abs=PRINTED)
        assert printed[4] == pytest.approx(100 * (new / old - 1), abs=PRINTED)
    assert row(text, "Imports from China")[0] == 418.0
    assert row(text, "US customs")[:4] == [2024, 50, 4641, 5480]
    imports, duty = expected.values()
    rates = [100 * d.sum() / v.sum() for d, v in zip(duty, imports, strict=True)]
    assert row(text, "Average duty on Chinese goods")[:3] == pytest.approx(rates, abs=PRINTED)


def test_calendar(text):
    calendar = tw.schedules.us_china().as_of("2025-10-25")
    lines = text.splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("CALENDAR"))
    assert "850440" in lines[start]
    columns = [[line[:51], line[51:]] for line in lines[start + 1 : start + 4]]
    cells = [cell for column in zip(*columns, strict=True) for cell in column]
    days = [cell[:5] for cell in cells]
    assert days == ["06-23", "08-01", "08-12", "08-18", "10-14", "11-01"]
    for day, cell in zip(days, cells, strict=True):
        known = calendar.branch("us_threat") if day == "11-01" else calendar
        rates = known.rates(on=f"2025-{day}", importer="USA", exporter="CHN", products=["850440"])[
            "tariff"
        ]
        assert numbers(cell)[-1] == pytest.approx(100 * rates.item(), abs=PRINTED)
    assert numbers(cells[-1])[-1] == 155.0


def test_prices_and_welfare(text, us):
    result = us[2]
    usa = result.countries.loc["USA"]
    price, lost, gained = row(text, "Such goods of all origins cost")[:3]
    assert price == pytest.approx(100 * result.basket_price_change("USA").iloc[0], abs=PRINTED)
    assert lost == pytest.approx(-usa["consumer_surplus_change"] / 1e9, abs=PRINTED)
    assert gained == pytest.approx(usa["revenue_change"] / 1e9, abs=PRINTED)


@pytest.mark.parametrize("name", report.SETS)
def test_incidence_rows_add_up(job, text, name):
    fields = next(line for line in text.splitlines() if line.startswith(name)).split()
    assert len(fields) == len(name.split()) + (11 if "by" in fields else 10)
    imports, b0, lost0, change0, b1, exporters, lost1, change1, _ = map(float, fields[-9:])
    assert b0 + lost0 == pytest.approx(change0, abs=2 * PRINTED)
    assert b1 + exporters + lost1 == pytest.approx(change1, abs=3 * PRINTED)
    given, finite = job.cases[name, np.inf], job.cases[name, FINITE_SUPPLY]
    assert given.paid["exporters"] == pytest.approx(0.0, abs=1.0)  # USD of 1e11
    assert imports == pytest.approx(given.totals("CHN")["value_new"] / 1e9, abs=PRINTED)
    assert b1 == pytest.approx(finite.paid["buyers"] / 1e9, abs=PRINTED)
    assert change1 == pytest.approx(finite.paid["revenue_change"] / 1e9, abs=PRINTED)
    assert 0.9 < finite.paid["importer_share"] < 1.0


def test_range_over_sets(job, text):
    changes = [case.paid["revenue_change"] / 1e9 for case in job.cases.values()]
    low, high = row(text, "Change ")[:2]
    assert (low, high) == (round(min(changes), 1), round(max(changes), 1))
    assert low < 0 < high


def test_rankings(text, us):
    result = us[2]
    gains = result.diversion().query("role == 'other'")
    gains = gains.assign(change=gains["value_new"] - gains["value"]).nlargest(10, "change")
    losses = result.top(10, exporter="CHN")
    lines = text.splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("TEN PARTNERS"))
    edges = (0, 21, 42, 71, MOST_COLUMNS)
    columns = list(
        zip(
            *(
                [line[a:b] for a, b in itertools.pairwise(edges)]
                for line in lines[start + 1 : start + 6]
            ),
            strict=True,
        )
    )
    partners, products = columns[0] + columns[1], columns[2] + columns[3]
    for cell, gain in zip(partners, gains.to_dict("records"), strict=True):
        assert cell.startswith(tw.codes.country_name(gain["exporter"]))
        assert numbers(cell) == pytest.approx([gain["change"] / 1e9], abs=PRINTED)
    for cell, loss in zip(products, losses.to_dict("records"), strict=True):
        assert cell.startswith(product_name(loss["product"]))
        assert numbers(cell)[-1] == pytest.approx(loss["value_change"] / 1e9, abs=PRINTED)


def test_deflection(text):
    world = tw.datasets.world_trade_2022()
    base = world.rebase(tw.solve_pe(world, tw.talks.status_quo(world)))
    result = tw.solve_pe(base, plus(1.0))
    lost = 100 * result.deflection(importer="USA", exporter="CHN").groupby("role")["share"].sum()
    gains = 100 * result.diversion(importer="USA", exporter="CHN").groupby("role")["share"].sum()
    printed = row(text, "LOST SALES, % (OECD 2022)")
    expected = [
        *(lost[name] for name in ("supply cut", "home", "other")),
        *(gains[name] for name in ("home", "other", "lost demand")),
    ]
    assert printed == pytest.approx(expected, abs=WHOLE)
    assert sum(expected[:3]) == pytest.approx(100) and sum(expected[3:]) == pytest.approx(100)


def test_talks_and_game_are_what_their_commands_say(job, text):
    lines = text.splitlines()
    for said in (
        talks_answer.main_rows(job.talks),
        deal.main_lines(job.game),
        steps.main_lines(job.steps),
    ):
        start = lines.index(said[0])
        assert lines[start : start + len(said)] == [line.rstrip() for line in said]
    assert lines[-2:] == deal.main_lines(job.game)
    assert job.game.game.scenarios[0].rules == ()
    start = job.talks.start
    moved = tw.solve_ge(start, tw.talks.us_threat()).welfare["USA"]
    assert numbers(next(line for line in lines if line.startswith("US threat ")))[0] == (
        pytest.approx(100 * moved, abs=HUNDREDTH)
    )


def test_warnings_are_counted(job, text):
    [count, *_] = row(text, "WARNINGS")
    assert count == len(job.caught) > 0
    other = [said for said in job.caught if not said.startswith(report.COMPLEMENTS)]
    [line] = [line for line in text.splitlines() if line.startswith("WARNINGS")]
    assert (f"{len(other)} other: " in line) == bool(other)
    for said in other:
        assert said[:15] in line


def test_every_other_warning_is_begun(job):
    said = ("flows are left out of it", "rates look like percent: " + "x" * 200)
    line = report._warnings(replace(job, caught=(*job.caught, *said)))
    assert len(line) <= MOST_COLUMNS
    assert line.startswith(f"WARNINGS  {len(job.caught) + 2}:")
    assert "2 other: flows" in line and "; rates" in line and line.endswith("...")


@pytest.mark.native
def test_processor_time():
    code = "import time; from tradewar.__main__ import main; main([]); print(time.process_time())"
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert float(ran.stdout.splitlines()[-1]) < PROCESSOR


@pytest.mark.filterwarnings("ignore:demand exceeds substitution")
@pytest.mark.parametrize("name", ["us_2018_19", "bw2006"])
def test_duty_peaks_where_the_solver_says(job, name):
    case = job.cases[name, np.inf]
    rate, most = job.peaks[name]

    def duty(added: float) -> float:
        solved = tw.solve_pe(case.result.data, plus(added), **case.options)
        return solved.flows.query("exporter == 'CHN'")["revenue_new"].sum()

    assert duty(rate) == pytest.approx(most, rel=CLOSED_FORM)
    assert max(duty(rate - FLAT), duty(rate + FLAT)) < most


def test_peak_needs_given_prices(job):
    with pytest.raises(ValueError, match="supply inf"):
        revenue_peak(job.cases["us_2018_19", FINITE_SUPPLY])


@pytest.mark.parametrize("top", [-0.2, 0.613, 3.0])
def test_maximum(top):
    x, value = maximum(lambda x: -abs(x - top), -0.25, 3.0, 1e-4)
    assert x == pytest.approx(top, abs=1e-3)
    assert value == -abs(x - top)


def test_product_names_are_products():
    products = set(tw.datasets.us_imports_2024().products)
    assert set(PRODUCT_NAMES) <= products
    assert product_name("010121") == "Live animals"
    assert product_name("C26") == ""


# ---- who-pays ----------------------------------------------------------------------------------


def out(capsys, *arguments: str) -> str:
    assert main(arguments) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out


def test_who_pays_agrees_with_the_main_job(capsys, us):
    result = us[2]
    printed = out(capsys, "who-pays", "--rate", "1.0", "--partner", "CHN", "--product", "*")
    new = result.flows.query("exporter == 'CHN'")
    assert row(printed, "Imports concerned")[:2] == pytest.approx(
        [new["value"].sum() / 1e9, new["value_new"].sum() / 1e9], abs=PRINTED
    )
    assert "supply inf (assumed)" in printed and "supply 24" in printed and "Vietnam" in printed


def test_who_pays_json(capsys, us):
    answer = json.loads(out(capsys, "who-pays", "--baseline", "2024", "--supply", "24", "--json"))
    assert set(answer) == {
        *("tradewar", "question", "baseline", "unit", "rules", "cases", "partners", "products"),
        *("card", "sources", "warnings"),
    }
    result = tw.solve_pe(us[0], plus(1.0), supply=24.0)
    [case] = answer["cases"]
    paid = result.incidence().iloc[0]
    assert (case["supply"], case["assumed"]) == (24.0, False)
    for name in ("buyers", "exporters", "lost_old_revenue", "revenue_change", "importer_share"):
        assert case["incidence"][name] == pytest.approx(paid[name])
    assert case["duty"]["change"] == pytest.approx(paid["revenue_change"])
    welfare = result.countries.loc["USA", "welfare_change"]
    assert case["welfare"]["welfare_change"] == pytest.approx(welfare)
    assert answer["rules"][0]["rows"] == 4636
    assert len(answer["partners"]) == len(answer["products"]) == 10
    assert "no home sales" in answer["card"].lower()


def test_json_has_no_nan(capsys):
    text = out(capsys, "who-pays", "--product", "8517", "--json", "--top", "3")
    assert "NaN" not in text and "Infinity" not in text
    answer = json.loads(text)
    assert [case["supply"] for case in answer["cases"]] == ["inf", 47.0, 24.0]
    assert answer["cases"][0]["assumed"] is True
    assert len(answer["partners"]) == 3


def test_json_keys_are_documented(capsys):
    with pytest.raises(SystemExit):
        main(["who-pays", "--help"])
    told = capsys.readouterr().out
    answer = json.loads(out(capsys, "who-pays", "--product", "8517", "--supply", "24", "--json"))
    case = answer["cases"][0]
    rows = (answer, case, case["incidence"], answer["partners"][0], answer["products"][0])
    for key in {key for row in rows for key in row}:
        assert re.search(rf"\b{key}\b", told), f"--help does not name {key}"


def test_everyone_and_lists(capsys):
    everyone = out(capsys, "who-pays", "--partner", "*", "--rate", "0.1", "--supply", "inf")
    assert "partner all" in everyone and "Mexico" in everyone
    some = out(capsys, "who-pays", "--partner", "EU,GBR", "--product", "87", "--top", "2")
    assert "partner EU, GBR" in some and "mn USD" not in some
    small = out(capsys, "who-pays", "--partner", "LKA", "--product", "0902", "--rate", "-0.05")
    assert "mn USD" in small
    warned = out(capsys, "who-pays", "--elasticities", "bw2006", "--top", "1")
    assert "demand exceeds substitution" in warned


def test_out_writes_tables_and_pictures(capsys, tmp_path):
    pytest.importorskip("matplotlib")
    folder = tmp_path / "new" / "answer"
    chosen = ("who-pays", "--partner", "CHN", "--product", "8517", "--supply", "24")
    printed = out(capsys, *chosen, "--out", str(folder))
    assert "4 pictures" in printed
    units = pd.read_csv(folder / "units.csv")
    tables = {path.stem: pd.read_csv(path) for path in folder.glob("*.csv")}
    assert set(units["table"]) <= set(tables)
    for name in ("cases", "incidence", "diversion", "partners", "products", "flows", "countries"):
        assert len(tables[name]), name
    answer = json.loads((folder / "answer.json").read_text())
    paid = tables["incidence"].iloc[0]
    assert paid["buyers"] == pytest.approx(answer["cases"][0]["incidence"]["buyers"])
    assert tables["diversion"]["volume_change"].sum() == pytest.approx(0, abs=1e4)  # USD of 1e10
    flows = pd.read_csv(folder / "flows.csv", dtype={"product": str})
    assert flows["product"].str.len().eq(6).all()
    scenario = tw.Scenario.from_json((folder / "scenario.json").read_text())
    assert scenario == plus(1.0, "CHN", "8517")
    assert "assumed" in (folder / "card.txt").read_text()
    for name in ("incidence", "incidence_by_product", "diversion", "products"):
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_out_without_matplotlib(capsys, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    printed = out(capsys, "who-pays", "--product", "8517", "--supply", "24", "--out", str(tmp_path))
    assert "pip install 'tradewar[plot]'" in printed
    assert not list(tmp_path.glob("*.png")) and (tmp_path / "flows.csv").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--rate", "100"],
            r"10,000 points: rates are fractions, so write --rate 1 for 100 points",
        ),
        (["--rate", "nan"], "give a number"),
        (["--rate", "0"], "changes nothing"),
        (["--partner", "China"], "did you mean 'CHN'"),
        (["--partner", "USA"], "matches no flow"),
        (["--product", "8599"], "matches no product"),
        (["--elasticities", "us_2018"], "did you mean 'us_2018_19'"),
        (["--elasticities", "world"], "ICIO goods sector"),
        (["--supply", "-1"], "supply must be >= 0"),
        (["--rate", "-1.5", "--baseline", "2024"], "a rate must leave a positive price"),
    ],
)
def test_wrong_questions_get_one_line(capsys, arguments, said):
    assert main(["who-pays", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.search(said, printed.err)
    assert printed.err.startswith("tradewar: ") and printed.err.count("\n") == 1


def test_out_that_cannot_be_written(capsys, tmp_path):
    (tmp_path / "taken").write_text("")
    assert main(["who-pays", "--product", "8517", "--out", str(tmp_path / "taken")]) == 2
    assert "taken" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--rate", "abc"], ["--top", "0"], ["--baseline", "2023"]])
def test_usage_errors(capsys, arguments):
    with pytest.raises(SystemExit) as stopped:
        main(["who-pays", *arguments])
    assert stopped.value.code == 2
    assert arguments[0] in capsys.readouterr().err


# ---- help, lists, pipes ------------------------------------------------------------------------


def test_help_teaches(capsys):
    for arguments in (["--help"], ["who-pays", "--help"]):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 0
        told = capsys.readouterr().out
        assert "examples:" in told and "who-pays --" in told
        assert max(map(len, told.splitlines())) <= MOST_COLUMNS


def test_version(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"tradewar {tw.__version__}\n"


def test_datasets(capsys):
    printed = out(capsys, "datasets")
    for name in [*tw.datasets.list()["name"], *tw.elasticities.list_sets()["name"]]:
        assert f"\n{name} " in printed
    assert "public domain" in printed and "doi:" in printed
    assert max(map(len, printed.splitlines())) <= MOST_COLUMNS


@pytest.mark.native
@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_a_closed_pipe_is_no_error():
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    command = f'"{sys.executable}" -m tradewar datasets | head -n 1'
    ran = subprocess.run(
        command, shell=True, capture_output=True, text=True, env=environment, check=False
    )
    assert ran.stderr == "" and ran.stdout.startswith("DATA")


# ---- README.md ---------------------------------------------------------------------------------

README = ROOT / "README.md"
WITH_README = pytest.mark.skipif(not README.is_file(), reason="README.md is not here")


def fenced(language: str) -> list[str]:
    text = README.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@WITH_README
def test_readme_shows_what_a_run_prints(text):
    texts, sources = fenced("text"), fenced("python")
    table, outputs = texts[0], texts[1:]
    lines = [line for line in table.splitlines() if line.strip()]
    assert len(lines) > 10
    for line in lines:
        assert line in text.splitlines(), f"README.md has an old line: {line}"
    names: dict = {}
    for source, printed in zip(sources, outputs, strict=True):
        assert len([line for line in source.splitlines() if line.strip()]) <= 14
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(source, "README.md", "exec"), names)
        assert said.getvalue() == printed


@WITH_README
def test_readme_files_exist():
    text = README.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


def test_case_without_baseline(us):
    case = solve_case(us[0], plus(1.0), supply=24.0)
    assert case.result.data is us[0]
    assert case.paid["exporters"] > 0


# ---- Quantity controls --------------------------------------------------------------------------


def test_controls_text_says_what_the_results_say(capsys):
    answer = controls.ask()
    assert main(["controls"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert max(map(len, printed.out.splitlines())) <= MOST_COLUMNS
    for result in answer.magnets.values():
        rent = result.flows["rent"].sum()
        assert f"{rent / 1e6:,.1f}" in printed.out
        quantity = result.flows.set_index("exporter").loc["CHN", "quantity_ratio"]
        assert quantity == pytest.approx(answer.cap, rel=1e-10)
    brazil = answer.beans.flows.set_index("exporter").loc["BRA"]
    assert f"{brazil['value_new'] / 1e6:,.1f}" in printed.out


def test_controls_record_is_json(capsys):
    assert main(["controls", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["magnets"]["cap"] == pytest.approx(1238 / 4846, rel=1e-3)
    assert said["soybeans"]["rent"] == 0.0
    assert said["soybeans"]["flows"][0]["value"] > 0


def test_main_job_has_a_line_for_each_control():
    lines = controls.main_lines(controls.ask())
    assert [line.split()[0] for line in lines] == ["MAGNETS", "SOYBEANS"]
    assert max(map(len, lines)) <= MOST_COLUMNS
