"""Digests: files that grow and files that are complete are what was noted of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tdgnas.files.digests import AlteredFile, check_recorded, digest, recorded


@pytest.fixture
def noted(tmp_path: Path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    (tmp_path / "c.json").write_text("[]")
    return recorded(tmp_path, ["a.csv", "b.csv"]), {"c.json": digest(tmp_path / "c.json")}


def test_what_was_not_touched_passes(tmp_path: Path, noted) -> None:
    check_recorded(tmp_path, *noted, whole=True)
    with (tmp_path / "a.csv").open("a") as file:
        file.write("3,4\n")
    check_recorded(tmp_path, *noted, whole=False)
    with pytest.raises(AlteredFile, match=r"a\.csv"):
        check_recorded(tmp_path, *noted, whole=True)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    ("name", "text"), [("a.csv", ""), ("a.csv", "a,b\n1,3\n"), ("a.csv", "a,b\n"), ("c.json", "{}")]
)
def test_what_was_changed_cut_or_emptied_is_named(
    tmp_path: Path, noted, whole: bool, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(AlteredFile, match=name):
        check_recorded(tmp_path, *noted, whole=whole)
    (tmp_path / name).unlink()
    with pytest.raises(AlteredFile, match=name):
        check_recorded(tmp_path, *noted, whole=whole)


def test_a_file_that_appeared_later_is_named_once_the_run_is_finished(tmp_path: Path, noted) -> None:
    (tmp_path / "b.csv").write_text("")
    check_recorded(tmp_path, *noted, whole=True)
    (tmp_path / "b.csv").write_text("x")
    check_recorded(tmp_path, *noted, whole=False)
    with pytest.raises(AlteredFile, match=r"b\.csv"):
        check_recorded(tmp_path, *noted, whole=True)
