"""Check the symbols of built files: ``symbols.py FILE...`` (needs ``nm``).

A shared object must export its init function alone. An object of the C core (``*.o``) may call
libc, libm and the core itself, never Python, nor anything that prints, exits or draws random
numbers; only ``tw_base.o`` allocates, and no object keeps writable globals.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

FORBIDDEN = re.compile(
    r"_?Py|.*printf|puts$|putchar|fopen|exit$|_exit$|abort$|s?rand|random|signal$|sigaction"
)
ALLOCATORS = {"malloc", "calloc", "realloc", "free", "aligned_alloc", "posix_memalign"}
ALLOCATING = "tw_base"
WRITABLE = set("bBdDC")
COLUMNS = 7


class Symbol(NamedTuple):
    """One row of ``nm``."""

    name: str
    kind: str
    section: str


def nm(*arguments: str) -> list[Symbol]:
    """Run ``nm`` and return its rows."""
    command = ["nm", "--format=sysv", *arguments]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    rows = [[cell.strip() for cell in line.split("|")] for line in run.stdout.splitlines()]
    return [Symbol(row[0].split("@")[0], row[2], row[6]) for row in rows if len(row) == COLUMNS]


def problems_of_object(path: Path) -> list[str]:
    """Name every symbol that an object of the core must not have."""
    found = []
    for name, kind, section in nm(str(path)):
        if kind == "U" and FORBIDDEN.match(name):
            found.append(f"{path.name}: calls {name}")
        if kind == "U" and name in ALLOCATORS and path.stem != ALLOCATING:
            found.append(f"{path.name}: calls {name}; only {ALLOCATING} may")
        if kind in WRITABLE and not section.startswith(".data.rel.ro"):
            found.append(f"{path.name}: keeps a global, {name}")
        if kind == "T" and not name.startswith("tw_"):
            found.append(f"{path.name}: defines {name} without the prefix tw_")
    return found


def problems_of_module(path: Path) -> list[str]:
    """Name what a built extension exports beside its init function."""
    exported = {symbol.name for symbol in nm("--dynamic", "--defined-only", str(path))}
    exported -= {"_init", "_fini", "_edata", "_end", "__bss_start"}
    if exported == {"PyInit__core"}:
        return []
    return [f"{path.name}: exports {', '.join(sorted(exported))}, expected PyInit__core alone"]


def problems(paths: list[Path]) -> list[str]:
    """Check every file by its kind."""
    found = []
    for path in paths:
        found += problems_of_object(path) if path.suffix == ".o" else problems_of_module(path)
    return found


if __name__ == "__main__":
    bad = problems([Path(name) for name in sys.argv[1:]])
    print("\n".join(bad) or f"symbols: {len(sys.argv) - 1} files are in order")
    sys.exit(bool(bad) or len(sys.argv) < 2)
