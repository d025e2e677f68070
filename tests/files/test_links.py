"""Nothing in a folder leads out of it, whoever prepared it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tdgnas.files.atomic import write_text
from tdgnas.files.links import LinkedFile, check_links
from tdgnas.files.lock import FolderLock
from tdgnas.files.names import path_component
from tdgnas.files.tables import Appender

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=8)


@settings(max_examples=150)
@given(
    st.lists(NAMES.filter(lambda name: name not in (".", "..")), min_size=1, max_size=3),
    st.booleans(),
    st.data(),
)
def test_a_link_anywhere_in_a_folder_is_named(
    names: list[str], to_a_folder: bool, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        victim, folder = Path(temporary) / "victim", Path(temporary) / "run"
        victim.mkdir()
        (victim / "precious").write_text("precious")
        place = folder.joinpath(*names)
        place.parent.mkdir(parents=True)
        check_links(folder)
        place.symlink_to(victim if to_a_folder else victim / data.draw(st.sampled_from(["precious", "new"])))
        with pytest.raises(LinkedFile) as error:
            check_links(folder)
        assert str(place) in str(error.value)
        with pytest.raises(LinkedFile):
            FolderLock(folder)
        assert [path.name for path in victim.iterdir()] == ["precious"]


def test_a_growing_table_that_was_a_link_to_a_victim_emptied_it(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "faults.jsonl").symlink_to(victim)
    table = Appender(tmp_path / "faults.jsonl")
    for attempt in (lambda: table.cut(0), lambda: table.write("more")):
        with pytest.raises(LinkedFile, match=r"faults\.jsonl is a link to .*victim"):
            attempt()
    assert victim.read_text() == "precious"


def test_a_temporary_file_that_is_a_link_is_not_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for name in (".results.part.json", "results.json"):
        (tmp_path / name).symlink_to(victim)
    write_text(tmp_path / "results.json", "[]")
    assert victim.read_text() == "precious"
    assert (tmp_path / "results.json").read_text() == "[]"
    assert not (tmp_path / "results.json").is_symlink()


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "history.csv")
    with pytest.raises(LinkedFile, match=r"history\.csv is no plain file"):
        check_links(tmp_path)


def test_the_folder_itself_may_be_reached_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "here").symlink_to(tmp_path / "there")
    FolderLock(tmp_path / "here").release()
    check_links(tmp_path / "nowhere")


@settings(max_examples=1000)
@given(st.one_of(st.text(max_size=12), st.text("./\\~ :ab-", max_size=6)))
def test_any_label_is_one_file_inside_the_folder_or_a_sentence(label: str) -> None:
    """``-p "..=synthetic" --fresh`` deleted the folder above ``--out``."""
    try:
        name = path_component(label)
    except ValueError:
        return
    out = Path("/somewhere/out")
    assert Path(os.path.normpath(out / name)).parent == out
    assert not name.startswith((".", "-"))


BAD = [
    "",
    ".",
    "..",
    ".git",
    "a/b",
    "a\\b",
    "~",
    "a\nb",
    "a\x00",
    "nul",
    "COM1.txt",
    "a.",
    " a",
    "a" * 101,
    "-rf",
    "a:b",
]


@pytest.mark.parametrize("label", BAD)
def test_labels_that_name_no_file(label: str) -> None:
    with pytest.raises(ValueError, match="cannot name a file"):
        path_component(label)


@pytest.mark.parametrize("label", ["tdga-gp", "größe", "a b", "cifar10@vgg+x", "\u8a66\u3057", "v1.2"])
def test_labels_that_name_a_file(label: str) -> None:
    assert path_component(label) == label
