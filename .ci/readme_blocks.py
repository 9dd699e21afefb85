"""Print the n-th shell block of a README's Quick start: ``readme_blocks.py README.md 1``.

The Quick start has exactly two blocks fenced as ``sh``: the first sets up and runs the main job,
the second sets up and runs the tests. CI runs what this script prints, so the two cannot drift.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

EXPECTED = 2


def quick_start(text: str) -> str:
    """Return the section headed *Quick start*, without its heading."""
    match = re.search(r"^## Quick start\s*\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if match is None:
        raise ValueError("the README has no section '## Quick start'")
    return match.group(1)


def fenced(text: str, language: str) -> list[str]:
    """Return the bodies of the blocks fenced as `language`."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def shell_blocks(text: str) -> list[str]:
    """Return the two shell blocks of the Quick start."""
    blocks = fenced(quick_start(text), "sh")
    if len(blocks) != EXPECTED:
        raise ValueError(f"the Quick start has {len(blocks)} sh blocks, expected {EXPECTED}")
    return blocks


if __name__ == "__main__":
    readme, number = sys.argv[1:]
    print(shell_blocks(Path(readme).read_text(encoding="utf-8"))[int(number) - 1], end="")
