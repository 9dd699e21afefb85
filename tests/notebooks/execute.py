"""Execute notebooks in a fresh kernel of this very Python.

    python -m tests.notebooks.execute notebooks/*.ipynb            write the outputs
    python -m tests.notebooks.execute --check notebooks/*.ipynb    compare the text outputs

What is written holds no times, ids or paths, so that a diff shows numbers. Pictures are written,
never compared. A notebook that fails, or that writes to stderr, is an error in both uses.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
TIMEOUT = 60  # seconds a cell may take
KERNEL = "python3"
TEXT_TYPES = ("text/plain", "text/html", "text/markdown", "text/latex")


def use_this_python(folder: Path) -> None:
    """Make `KERNEL` mean this interpreter and this package, whatever the machine has installed."""
    spec = {
        "argv": [
            *(sys.executable, "-m", "ipykernel_launcher"),
            *("--log-level=40", "-f", "{connection_file}"),
        ],
        "display_name": "Python 3",
        "language": "python",
        "env": {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"},
    }
    kernel = folder / "kernels" / KERNEL
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    os.environ["JUPYTER_PATH"] = str(folder)
    os.environ["JUPYTER_RUNTIME_DIR"] = str(folder / "runtime")
    os.environ["IPYTHONDIR"] = str(folder / "ipython")
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    os.environ.pop("MPLBACKEND", None)  # pictures go inline


def clean(text: str) -> str:
    """Take addresses and trailing spaces out of a text."""
    text = re.sub(r"\b0x[0-9a-f]{6,}\b", "0x0", text)
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)


def text_of(notebook: Any) -> str:
    """Return every source and text output of a notebook as one text."""
    parts = []
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        parts.append(f"[cell {number}] {cell.source}")
        for output in cell.outputs:
            if output.output_type == "stream":
                parts.append(clean(output.text))
            else:
                data = output.get("data", {})
                parts += [clean(data[kind]) for kind in TEXT_TYPES if kind in data]
    return "\n".join(parts)


def normalised(notebook: Any) -> Any:
    """Drop what differs between runs that give the same numbers."""
    notebook.metadata = {
        "kernelspec": {"name": KERNEL, "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
    }
    count = 0
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
        cell.metadata = {}
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
            for kind, value in output.get("data", {}).items():
                if kind in TEXT_TYPES:
                    output["data"][kind] = clean(value)
    return notebook


def executed(path: Path) -> Any:
    """Run a notebook and return it with its new outputs."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT,
        kernel_name=KERNEL,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stderr":
                raise RuntimeError(f"{path.name}, cell {number} wrote to stderr: {output.text}")
    return normalised(notebook)


def differences(path: Path) -> list[str]:
    """Compare the text outputs of a fresh run with the committed ones."""
    old = text_of(nbformat.read(path, as_version=4)).splitlines()
    new = text_of(executed(path)).splitlines()
    return list(difflib.unified_diff(old, new, f"{path.name}, committed", "now", lineterm=""))


def main() -> int:
    """Write or check the notebooks that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("notebooks", nargs="+", type=Path)
    arguments = parser.parse_args()
    status = 0
    with tempfile.TemporaryDirectory() as folder:
        use_this_python(Path(folder))
        for path in arguments.notebooks:
            if arguments.check:
                changed = differences(path)
                print("\n".join(changed) or f"{path.name}: the same text outputs")
                status |= bool(changed)
            else:
                nbformat.write(executed(path), path)
                print(f"{path.name}: executed")
    return status


if __name__ == "__main__":
    sys.exit(main())
