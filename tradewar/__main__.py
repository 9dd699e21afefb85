"""The command line: ``python -m tradewar`` and ``tradewar``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import tradewar as tw
from tradewar import controls, deal, report, steps, talks_answer, welfare, who_pays
from tradewar.errors import TradewarError

MAIN_HELP = """\
Who pays for a tariff, and where trade goes.

Without a command: the main job. It prices 100 points added to US duties on Chinese goods, on top
of what was in force on 25 October 2025, over real imports by product and partner, and says who
pays, who gains, where China's lost exports go, what the measures on the table do to whole
economies, whether a deal holds, and what is assumed.
"""
MAIN_EXAMPLES = """\
examples:
  tradewar                                       the main job, 40 lines
  tradewar who-pays --partner VNM --rate 0.2     20 points on Vietnam
  tradewar who-pays --product 8517 --json        100 points on China's telephones, as JSON
  tradewar welfare --rate 0.5                    whole economies: 50 points, and mirrored
  tradewar calendar --all --product 850440       every step since 2018 and the duty after it
  tradewar talks                                 the measures on the table, whole economies
  tradewar game                                  hold, execute or concede: does a deal hold?
  tradewar game --ranges                         the same over elasticities and closures
  tradewar controls                              magnets held back, soybeans not bought
  tradewar datasets                              data and elasticities in the package
In Python:
  import tradewar as tw
  data = tw.datasets.us_imports_2024()
  scn = tw.Scenario("+100").tariff(importer="USA", exporter="CHN", add=1.0)
  print(tw.solve_pe(data, scn))
  print(tw.solve_ge(tw.datasets.icio_2022(), scn))
"""
WHO_HELP = """\
Solve one question on US imports of 2024: a rate added to duties on a partner's goods.

Rates are fractions: 1.0 adds 100 points. Money is in USD a year.
"""
WHO_EXAMPLES = """\
selectors:
  a code (CHN), several with commas (VNM,THA), a group (EU, ASEAN) or '*' for all; products also by
  HS prefix (85, 8517). Quote the star: '*'.

supply:
  The data hold one buyer, so this is what is left of the world's export supply for the US. inf
  fixes border prices: buyers then bear everything, by assumption. The evidence of 2018-19 fits 24
  to 47 for China. Without --supply the answer shows inf and both.

examples:
  tradewar who-pays --rate 1.0 --partner CHN
  tradewar who-pays --rate 0.25 --partner EU --product 87 --supply 24
  tradewar who-pays --partner CHN --elasticities long_run --baseline 2024 --out answer/

keys of --json (money in USD, rates and shares as fractions, null where a number does not exist):
  question, baseline, unit, tradewar (version)
  rules     rule, rows (flows touched), value
  cases     one for each supply: supply ("inf" or a number), assumed (true where inf);
            imports, imports_all, duty, duty_all, average_duty: baseline, new, change;
            incidence: buyers, exporters, lost_old_revenue, revenue_change, bystander_prices,
            importer_share, log_pass_through; price_change; welfare of the US and its parts
  partners  exporter, value, value_new, value_change
  products  product, value, value_new, value_change, revenue, revenue_new, tariff, tariff_new
  card, sources, warnings
"""


WELFARE_HELP = """\
Welfare of all countries in general equilibrium: wages, input-output links, tariff revenue.

A rate is added to one country's duties on goods of another, alone and with the same tariff in
return. Rates are fractions: 1.0 adds 100 points.
"""


CALENDAR_HELP = """\
The steps of the conflict and US and Chinese duties after each, as known on 25 October 2025.

For each day on which either side's duties moved: what happened, the statutory US duty on one
product from China, and the means on all Chinese goods and on US goods in China. All steps since
2018 take some seconds.
"""


TALKS_HELP = """\
The measures on the table on 25-26 October 2025 in general equilibrium, each from the duties of
that day: welfare of the US, of China and of the countries it moves most, and what each assumes.
"""


GAME_HELP = """\
Deal or no deal: each side holds, executes its threats or concedes the terms of the deal.

Nine cells in general equilibrium from the duties of 25 October 2025, bn USD of welfare; equilibria,
dominance, best replies, whether the deal holds by itself, and what such a model cannot price.
With --ranges also over 15 cases, elasticities of 2 and 8 and four other closures: the range of each
payoff, and in how many cases the equilibrium and the deal survive.
"""


CONTROLS_HELP = """\
Two limits on quantities that the talks were about, solved exactly.

China's exports of rare-earth magnets at the level of May 2025: what the US pays, who gets the rent,
under two sets of elasticities. China's freeze on US soybeans: who sells in their place. Other
limits are methods of tradewar.Scenario: import_quota, export_quota, trq, licence, entity_list,
purchase_commitment, min_import_price.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; give the exit status: 0, or 2 for a question that has no answer."""
    options = parser().parse_args(arguments)
    try:
        for text in options.run(options):
            print(text)
        sys.stdout.flush()
    except TradewarError as error:
        print(f"tradewar: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:  # --out names a place that cannot be written
        print(f"tradewar: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    top = argparse.ArgumentParser(
        "tradewar",
        description=MAIN_HELP,
        epilog=MAIN_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"tradewar {tw.__version__}")
    top.set_defaults(run=_main_job)
    commands = top.add_subparsers(title="commands", metavar="COMMAND")

    who = commands.add_parser(
        "who-pays",
        help="ask about one change of duty",
        description=WHO_HELP,
        epilog=WHO_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    asked = who_pays.Question()
    who.add_argument(
        "--rate",
        type=float,
        default=asked.rate,
        metavar="R",
        help="added to the duties, a fraction: 0.25 is 25 points (default 1.0)",
    )
    who.add_argument(
        "--partner",
        type=_selector,
        default=asked.partner,
        metavar="CODE",
        help="whose goods (default CHN)",
    )
    who.add_argument(
        "--product",
        type=_selector,
        default=asked.product,
        metavar="HS",
        help="which goods (default '*', all)",
    )
    who.add_argument(
        "--elasticities",
        default=asked.elasticities,
        metavar="SET",
        help=f"default {asked.elasticities}; also long_run, bw2006, protee: see tradewar datasets",
    )
    who.add_argument(
        "--supply",
        type=float,
        metavar="X",
        help="residual export supply elasticity (default: inf, 47 and 24 side by side)",
    )
    who.add_argument(
        "--baseline",
        choices=who_pays.BASELINES,
        default=asked.baseline,
        help="duties the rate is added to (default october_2025)",
    )
    who.add_argument("--top", type=_count, default=10, metavar="N", help="rows of rankings")
    who.add_argument("--out", type=Path, metavar="DIR", help="write all tables and pictures there")
    who.add_argument("--json", action="store_true", help="print JSON in place of text")
    who.set_defaults(run=_who_pays)

    whole = commands.add_parser(
        "welfare",
        help="what whole economies gain and lose",
        description=WELFARE_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    posed = welfare.Question()
    whole.add_argument(
        "--rate",
        type=float,
        default=posed.rate,
        metavar="R",
        help="added to the duties, a fraction: 0.25 is 25 points (default 1.0)",
    )
    whole.add_argument("--importer", default=posed.importer, metavar="CODE", help="default USA")
    whole.add_argument("--partner", default=posed.partner, metavar="CODE", help="default CHN")
    whole.add_argument(
        "--product",
        type=_selector,
        default=posed.product,
        metavar="CODE",
        help="sectors, HS codes, goods (default) or '*'",
    )
    whole.add_argument(
        "--world", choices=welfare.WORLDS, default=posed.world, help=f"default {posed.world}"
    )
    whole.add_argument(
        "--theta", type=float, metavar="X", help="one trade elasticity (default: by sector)"
    )
    whole.add_argument(
        "--deficits",
        choices=welfare.DEFICITS,
        default=posed.deficits,
        help=f"default {posed.deficits}",
    )
    whole.add_argument("--top", type=_count, default=12, metavar="N", help="rows of the table")
    whole.add_argument("--json", action="store_true", help="print JSON in place of text")
    whole.set_defaults(run=_welfare)

    dated = commands.add_parser(
        "calendar",
        help="the steps of the conflict and the duty after each",
        description=CALENDAR_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    dated.add_argument("--all", action="store_true", help="all steps (default: the last five)")
    dated.add_argument(
        "--product", default=steps.PRODUCT, metavar="HS6", help=f"default {steps.PRODUCT}"
    )
    dated.add_argument("--json", action="store_true", help="print JSON in place of text")
    dated.set_defaults(run=_calendar)

    table = commands.add_parser(
        "talks",
        help="the measures on the table in October 2025",
        description=TALKS_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    table.add_argument("--json", action="store_true", help="print JSON in place of text")
    table.set_defaults(run=_talks)

    sides = commands.add_parser(
        "game",
        help="deal or no deal: payoffs, equilibria, whether a deal holds",
        description=GAME_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    sides.add_argument(
        "--ranges", action="store_true", help="also over 15 cases of elasticities and closures"
    )
    sides.add_argument("--json", action="store_true", help="print JSON in place of text")
    sides.set_defaults(run=_game)

    limits = commands.add_parser(
        "controls",
        help="two limits on quantities: magnets and soybeans",
        description=CONTROLS_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    limits.add_argument("--json", action="store_true", help="print JSON in place of text")
    limits.set_defaults(run=_controls)

    what = commands.add_parser(
        "datasets",
        help="list data and elasticities",
        description="List the data and the elasticities in the package, with their sources.",
    )
    what.set_defaults(run=_datasets)
    return top


def _selector(text: str) -> str | tuple[str, ...]:
    items = tuple(item.strip() for item in text.split(","))
    return items[0] if len(items) == 1 else items


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _main_job(options: argparse.Namespace) -> list[str]:
    return [report.main_text(report.main_job())]


def _who_pays(options: argparse.Namespace) -> list[str]:
    answer = who_pays.ask(
        who_pays.Question(
            rate=options.rate,
            partner=options.partner,
            product=options.product,
            elasticities=options.elasticities,
            supply=options.supply,
            baseline=options.baseline,
        )
    )
    said = [] if options.out is None else who_pays.write(answer, options.out, options.top)
    if options.json:
        return [who_pays.record(answer, options.top)]
    return [who_pays.text(answer, options.top), *said]


def _welfare(options: argparse.Namespace) -> list[str]:
    answer = welfare.ask(
        welfare.Question(
            rate=options.rate,
            importer=options.importer,
            partner=options.partner,
            product=options.product,
            world=options.world,
            theta=options.theta,
            deficits=options.deficits,
        )
    )
    return [welfare.record(answer) if options.json else welfare.text(answer, options.top)]


def _calendar(options: argparse.Namespace) -> list[str]:
    answer = steps.ask(None if options.all else steps.LAST, options.product)
    return [steps.record(answer) if options.json else steps.text(answer)]


def _talks(options: argparse.Namespace) -> list[str]:
    answer = talks_answer.ask()
    return [talks_answer.record(answer) if options.json else talks_answer.text(answer)]


def _game(options: argparse.Namespace) -> list[str]:
    answer = deal.ask(ranges=options.ranges)
    return [deal.record(answer) if options.json else deal.text(answer)]


def _controls(options: argparse.Namespace) -> list[str]:
    answer = controls.ask()
    return [controls.record(answer) if options.json else controls.text(answer)]


def _datasets(options: argparse.Namespace) -> list[str]:
    return [report.datasets_text()]


if __name__ == "__main__":
    sys.exit(main())
