"""What importing the package costs, and what it offers."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import grimp
import networkx as nx
import pytest

import tdgnas
from tdgnas.files import toml


@pytest.mark.parametrize("module", ["tdgnas", "tdgnas.operators", "tdgnas.individual", "tdgnas.mapping"])
def test_light_parts_import_neither_torch_nor_torchvision(module: str) -> None:
    code = f"import sys, {module}; sys.exit(any(name in sys.modules for name in ('torch', 'torchvision')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_supernets_need_no_torchvision() -> None:
    code = "import sys, tdgnas.supernet, tdgnas.fitness, tdgnas.algorithms; sys.exit('torchvision' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", ["operators", "spaces"])
def test_a_link_at_the_root_ended_in_an_import_beyond_the_top_level(name: str) -> None:
    root = Path(__file__).parents[1]
    if not (root / name).is_symlink():
        pytest.skip("links are in the repository, not in a source distribution")
    done = subprocess.run([sys.executable, "-c", f"import {name}"], cwd=root, capture_output=True, text=True)
    assert f"write `import tdgnas.{name}`" in done.stderr.splitlines()[-1]


def test_a_run_time_dependency_was_imported_by_tests_only() -> None:
    root = Path(__file__).parents[1]
    project = toml.read(root / "pyproject.toml")["project"]
    package = Path(tdgnas.__file__).parent
    code = "".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
    for dependency in project["dependencies"]:
        name = re.split(r"[^\w-]", dependency)[0]
        module = {"scikit-learn": "sklearn"}.get(name, name.replace("-", "_"))
        found = re.search(rf"(import|from) {module}\b|import_module\(\"{module}\b", code)
        assert found, f"{name} is a run-time dependency, and nothing imports it"


def test_every_public_name_can_be_had() -> None:
    for name in tdgnas.__all__:
        assert getattr(tdgnas, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Supermet'"):
        tdgnas.Supermet  # noqa: B018


def test_no_modules_import_each_other_in_a_circle_not_even_for_types() -> None:
    graph = grimp.build_graph("tdgnas", exclude_type_checking_imports=False)
    packages = {module.rpartition(".")[0] for module in graph.modules}
    imports = nx.DiGraph()
    for module in graph.modules - packages:
        imports.add_edges_from((module, other) for other in graph.find_modules_directly_imported_by(module))
    imports.remove_nodes_from(packages)
    assert [group for group in nx.strongly_connected_components(imports) if len(group) > 1] == []
