"""Settings shared by all tests: hypothesis profiles, and what a sanitized build leaves out."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

QUICK_EXAMPLES = 25  # per property; enough to catch a slip within seconds
CI_EXAMPLES = 150

# Times vary on shared machines, so no example has a deadline.
settings.register_profile(
    "quick",
    max_examples=QUICK_EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("ci", settings.get_profile("quick"), max_examples=CI_EXAMPLES)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what a sanitizer distorts when ``TRADEWAR_SANITIZED`` says that one is loaded."""
    if not os.environ.get("TRADEWAR_SANITIZED"):
        return
    skip = pytest.mark.skip(reason="measures time, memory or processes; sanitized build")
    for item in items:
        if item.get_closest_marker("native"):
            item.add_marker(skip)
