"""Runs the tutorial and writes what its cells print into the notebook.

python docs/update_tutorial.py
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import matplotlib

HERE = Path(__file__).resolve().parent


def stream(text: str) -> list[dict[str, Any]]:
    """The outputs of a cell that printed a text."""
    lines = text.splitlines(keepends=True)
    return [{"name": "stdout", "output_type": "stream", "text": lines}] if text else []


def run(notebook: dict[str, Any]) -> None:
    """Run the cells in one namespace and keep what they print."""
    names: dict[str, Any] = {"__name__": "__main__"}
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(cells, start=1):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)
        cell["execution_count"] = number
        cell["outputs"] = stream(printed.getvalue())


def main() -> None:
    """Bring the notebook and the picture in it up to date."""
    matplotlib.use("Agg")
    path = HERE / "tutorial.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        run(notebook)
        (HERE / "pictures").mkdir(exist_ok=True)
        shutil.copy("best.svg", HERE / "pictures" / "best.svg")
        os.chdir(HERE)
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
