"""No name that a user gives, and no link in a folder, leads out of a comparison's folder."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tdgnas.comparison import run as runs
from tdgnas.files.links import LinkedFile
from tests.comparison.comparing import make_plan, run

PARTS = [
    "..",
    ".",
    "/",
    "\\",
    "~",
    "C:",
    "NUL",
    "\n",
    "\0",
    "\x1b",
    "a",
    "\u202e",
    " ",
    "",
    "out",
    "-",
    "../..",
]
LABELS = st.one_of(st.text(), st.lists(st.sampled_from(PARTS)).map("".join))


@pytest.fixture
def inside(tmp_path, monkeypatch):
    """A folder for comparisons beside a file that has to stay, and searches that cost nothing."""
    (tmp_path / "kept").write_text("kept")
    monkeypatch.setattr(runs, "search_in_memory", lambda _: {})
    return tmp_path / "out"


def around(out):
    return sorted(path.name for path in out.parent.iterdir()), (out.parent / "kept").read_text()


@pytest.mark.parametrize("kind", ["problem", "strategy"])
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LABELS)
def test_a_label_deleted_or_wrote_outside_the_folder(inside, kind, label):
    """``-p "..=synthetic" --fresh`` deleted the folder above ``--out``."""
    inside.mkdir(exist_ok=True)
    before = around(inside)
    problem = f"{label}=synthetic" if kind == "problem" else "synthetic"
    strategy = f"{label}=random" if kind == "strategy" else "random"
    try:
        plan = make_plan((strategy,), (problem,), seeds=(0,))
    except ValueError:
        return
    run(plan, inside, fresh=True)
    assert around(inside) == before
    (cell,) = plan.cells()
    assert cell.path(inside).resolve().parents[2] == inside.resolve()


@pytest.mark.parametrize(
    "name",
    ["synthetic", "synthetic/random", "synthetic/random/0.json", "plan.json", ".plan.part.json", ".lock"],
)
@pytest.mark.parametrize("fresh", [False, True])
def test_a_link_in_the_folder_led_out_of_it(inside, name, fresh):
    link, victim = inside / name, inside.parent / "victim"
    link.parent.mkdir(parents=True)
    victim.mkdir()
    (victim / "random").mkdir()
    link.symlink_to(victim if "." not in name else inside.parent / "kept")
    before = around(inside)
    with pytest.raises(LinkedFile, match="link to"):
        run(make_plan(("random",), seeds=(0,)), inside, fresh=fresh)
    assert around(inside) == before
    assert [path.name for path in victim.rglob("*")] == ["random"]
