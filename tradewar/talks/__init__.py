"""The measures on the table in Kuala Lumpur on 25-26 October 2025, as scenarios.

Every function returns a `Scenario` with its date, its sources and a sentence on what it assumes
(``.note``).  Each side's measures are relative to the status quo of 25 October 2025: rates *add*
to what stood that day and quantities are parts of what was traded, so that ``us_threat() +
rare_earth_licences()`` is one cell of the talks.  Nothing announced after the talks is in a
scenario except in `deal`, `us_deal_terms` and `china_deal_terms`, dated 10 November.
`baseline` brings data to the status quo, `compare` solves all scenarios from there in one table.
"""

from __future__ import annotations

from tradewar.talks.measures import (
    blacklist,
    china_deal_terms,
    china_mirror,
    deal,
    escalation,
    phase_one,
    rare_earth_licences,
    snap_back,
    soybean_freeze,
    status_quo,
    us_deal_terms,
    us_threat,
)
from tradewar.talks.table import SCENARIOS, baseline, compare

__all__ = [
    "SCENARIOS",
    "baseline",
    "blacklist",
    "china_deal_terms",
    "china_mirror",
    "compare",
    "deal",
    "escalation",
    "phase_one",
    "rare_earth_licences",
    "snap_back",
    "soybean_freeze",
    "status_quo",
    "us_deal_terms",
    "us_threat",
]
