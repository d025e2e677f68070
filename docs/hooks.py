"""Lets mkdocs show the tutorial, a notebook, and the benchmarks' results as pages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def markdown(notebook: dict[str, Any]) -> str:
    """Return a notebook as markdown: text, code, and what the code printed."""
    parts = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        for output in cell.get("outputs", []):
            text = output.get("text") or output.get("data", {}).get("text/plain") or []
            if printed := ANSI.sub("", "".join(text)).rstrip():
                parts.append(f"```text\n{printed}\n```")
    return "\n\n".join(parts) + "\n"


def on_files(files: Files, *, config: Any) -> Files:
    """Add the page of the tutorial, and the benchmarks' results with their figures."""
    path = Path(config["docs_dir"]) / "tutorial.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    files.append(File.generated(config, "tutorial.md", content=markdown(notebook)))
    benchmarks = path.parent.parent / "benchmarks"
    for found in (benchmarks / "RESULTS.md", *sorted((benchmarks / "results").rglob("*"))):
        if found.suffix in (".md", ".svg", ".png"):
            name = found.relative_to(benchmarks.parent).as_posix()
            files.append(File.generated(config, name, abs_src_path=str(found)))
    return files
