"""Damaged, altered and missing files, and disks that are full or cannot be written."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tdgnas.files.atomic import StorageError
from tdgnas.files.checkpoints import DamagedCheckpoint, load_checkpoint, save_checkpoint
from tdgnas.files.digests import AlteredFile
from tdgnas.files.lock import FolderInUse, FolderLock
from tdgnas.runs import Config as Settings
from tdgnas.runs import ConfigError, Experiment
from tdgnas.runs.folder import finished

Config = Callable[..., Settings]
Contents = Callable[[Path], dict[str, bytes]]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip(path: Path, place: float = 0.5) -> None:
    """Change one bit, by default of a tensor."""
    data = bytearray(path.read_bytes())
    data[int(len(data) * place)] ^= 1
    path.write_bytes(bytes(data))


def flip_state(path: Path) -> None:
    """Change one digit of the state that is kept as text."""
    data = path.read_bytes()
    path.write_bytes(data.replace(b'\\"generation\\", ', b'\\"generatioN\\", ', 1))


@pytest.mark.parametrize("damage", [cut, empty, flip, flip_state])
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(
    halfway: Path, finished_run: Path, contents: Contents, listener: Any, damage: Callable[[Path], None]
) -> None:
    newest = sorted((halfway / "checkpoints").glob("checkpoint-*"))[-1]
    before = newest.read_bytes()
    damage(newest)
    assert newest.read_bytes() != before
    heard = listener()
    Experiment.open(halfway, heard).execute()
    assert str(newest) in heard.text
    assert "the checkpoint before it is used" in heard.text
    assert contents(halfway) == contents(finished_run)


def test_when_all_checkpoints_are_damaged_each_is_named(halfway: Path) -> None:
    paths = list((halfway / "checkpoints").glob("checkpoint-*"))
    assert len(paths) == 2
    for path in paths:
        cut(path)
    with pytest.raises(DamagedCheckpoint) as error:
        Experiment.open(halfway).execute()
    assert all(path.name in str(error.value) for path in paths)


def test_a_finished_run_without_checkpoints_was_searched_again(
    finished_run: Path, tmp_path: Path, contents: Contents
) -> None:
    """Whoever removes them to save space lost the results that way."""
    folder = tmp_path / "run"
    shutil.copytree(finished_run, folder)
    shutil.rmtree(folder / "checkpoints")
    with pytest.raises(ConfigError, match="has results and no checkpoints"):
        Experiment.open(folder).execute()
    assert contents(folder) == contents(finished_run)


@pytest.mark.parametrize(
    "name", ["supernet/supernet.safetensors", "history.csv", "events.jsonl", "pretraining.csv"]
)
def test_a_file_that_was_altered_is_named_and_nothing_is_changed(
    halfway: Path, contents: Contents, name: str
) -> None:
    flip(halfway / name)
    before = contents(halfway)
    with pytest.raises(AlteredFile, match=name.split("/")[-1]):
        Experiment.open(halfway).execute()
    assert contents(halfway) == before


def test_a_file_that_was_removed_is_named(halfway: Path) -> None:
    (halfway / "history.csv").unlink()
    with pytest.raises(AlteredFile, match=r"history\.csv is missing"):
        Experiment.open(halfway).execute()


def test_a_finished_run_has_nothing_left_to_do_and_notices_changes(
    finished_run: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(finished_run, tmp_path / "run"))
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert finished(folder)
    assert Experiment.open(folder).execute() is False
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    (folder / "results.json").write_text("[]")
    with pytest.raises(AlteredFile, match=r"results\.json"):
        finished(folder)


@pytest.mark.parametrize("name", ["history.csv", "events.jsonl", "pretraining.csv", "retraining.csv"])
def test_a_finished_run_with_a_changed_or_emptied_table_said_finished(
    finished_run: Path, tmp_path: Path, name: str
) -> None:
    folder = Path(shutil.copytree(finished_run, tmp_path / "run"))
    data = (folder / name).read_bytes()
    for altered in (b"", data[:-1], data + b"1\n", data.replace(b"1", b"2", 1)):
        (folder / name).write_bytes(altered)
        for attempt in (finished, lambda folder: Experiment.open(folder).execute()):
            with pytest.raises(AlteredFile, match=name):
                attempt(folder)
    (folder / name).write_bytes(data)
    assert finished(folder)


def test_a_changed_configuration_is_refused_with_its_key(halfway: Path) -> None:
    path = halfway / "config.toml"
    path.write_text(path.read_text().replace("mutpb = 0.2 ", "mutpb = 0.3 "))
    with pytest.raises(ConfigError, match=r"strategy\.variation\.mutpb was 0\.2 and is 0\.3"):
        Experiment.open(halfway).execute()


def test_a_run_goes_on_under_a_version_with_another_key(halfway: Path) -> None:
    newest = sorted((halfway / "checkpoints").glob("checkpoint-*"))[-1]
    state = load_checkpoint(newest)
    del state["config"]["map"]["asynchronous"]
    save_checkpoint(state, newest)
    Experiment.open(halfway).execute()
    assert finished(halfway)


def test_a_run_that_was_begun_otherwise_is_not_taken_for_this_one(halfway: Path, tiny: Config) -> None:
    with pytest.raises(
        ConfigError, match=r"other settings: strategy\.variation\.sigma was 0\.2 and is 0\.7; choose another"
    ):
        Experiment.begin(halfway, tiny(strategy={"variation": {"sigma": 0.7}}))


def test_what_has_not_begun_yet_may_still_be_changed(halfway: Path) -> None:
    path = halfway / "config.toml"
    text = path.read_text().replace('on_error = "stop"', 'on_error = "skip"')
    path.write_text(re.sub(r"epochs = 2( +# 0 leaves)", r"epochs = 1\1", text))
    run = Experiment.open(halfway)
    assert run.config.retrain.epochs == 1
    run.execute()
    assert (halfway / "retraining.csv").read_text().count("\n0,") == 1


def test_one_process_at_a_time(halfway: Path) -> None:
    lock = FolderLock(halfway)
    with pytest.raises(FolderInUse, match="another process is working in"):
        Experiment.open(halfway).execute()
    lock.release()


def test_folders_that_are_no_runs(tmp_path: Path, tiny: Config) -> None:
    with pytest.raises(ConfigError, match="there is no folder"):
        Experiment.open(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"has no config\.toml"):
        Experiment.open(tmp_path)
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(ConfigError, match="is not empty"):
        Experiment.start(tmp_path, tiny())
    with pytest.raises(ConfigError, match="is a file"):
        Experiment.start(tmp_path / "thesis.tex", tiny())


@pytest.mark.parametrize("failing", [1, 6, 12])
def test_a_full_disk_stops_with_a_sentence_and_loses_nothing(
    finished_run: Path, tmp_path: Path, tiny: Config, contents: Contents, monkeypatch: Any, failing: int
) -> None:
    """The n-th flush fails, whatever is being written then: configuration, table, checkpoint or weights."""
    flush, count = os.fsync, [0]

    def fsync(handle: int) -> None:
        count[0] += 1
        if count[0] == failing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        flush(handle)

    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(StorageError, match=r"could not be written.*No space left on device.*is intact"):
            Experiment.start(folder, tiny()).execute()
    Experiment.begin(folder, tiny()).execute()
    assert contents(folder) == contents(finished_run)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 400 kB, where the tests may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", folder], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a small file system is not permitted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_really_full_disk_and_then_a_larger_one(
    finished_run: Path, small_disk: Path, tiny: Config, contents: Contents
) -> None:
    folder = small_disk / "run"
    with pytest.raises(StorageError, match=r"could not be written.*is intact"):
        Experiment.start(folder, tiny()).execute()
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    Experiment.open(folder).execute()
    assert contents(folder) == contents(finished_run)


def test_a_disk_that_cannot_be_written(
    halfway: Path, small_disk: Path, tiny: Config, contents: Contents
) -> None:
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    folder = Path(shutil.copytree(halfway, small_disk / "run"))
    before = contents(folder)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(StorageError, match="Read-only file system"):
        Experiment.open(folder).execute()
    with pytest.raises(OSError, match="Read-only file system"):
        Experiment.start(small_disk / "other", tiny())
    assert contents(folder) == before


def test_states_come_back_as_they_were(tmp_path: Path) -> None:
    import numpy as np
    import torch

    state = {
        "nested": [1, 2.5, None, True, "text", (1, (2, [3]))],
        3: {"tuple key": {(1, 2): "value"}},
        "nan": float("inf"),
        "array": np.arange(6, dtype=np.int32).reshape(2, 3),
        "tensors": [torch.ones(2, dtype=torch.bfloat16), torch.zeros(0), torch.tensor(5)],
    }
    back = load_checkpoint(save_checkpoint(state, tmp_path / "state.safetensors"))
    assert back["nested"] == state["nested"]
    assert back[3] == state[3]
    assert back["nan"] == float("inf")
    assert back["array"].dtype == np.int32
    assert (back["array"] == state["array"]).all()
    for one, other in zip(back["tensors"], state["tensors"], strict=True):  # type: ignore[call-overload]
        assert one.dtype == other.dtype
        assert torch.equal(one, other)


def test_what_a_state_cannot_hold_is_named(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="not set"):
        save_checkpoint({"names": {1, 2}}, tmp_path / "state.safetensors")
    assert not list(tmp_path.iterdir())
