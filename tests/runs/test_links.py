"""A run's folder that somebody prepared: every file that a run writes, as a link out of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tdgnas.files.links import LinkedFile
from tdgnas.reports import write_report
from tdgnas.runs import Experiment
from tdgnas.runs.folder import finished

#: What a run may write beside what the run of this test has written.
MORE = [
    "faults.jsonl",
    "error.log",
    "report.html",
    ".lock",
    ".config.part.toml",
    "network",
    "figures",
    "tensorboard",
]


def test_resuming_a_prepared_folder_emptied_files_outside_it(
    halfway: Path, finished_run: Path, tmp_path: Path, contents: Callable[[Path], dict[str, bytes]]
) -> None:
    written = [path.relative_to(folder) for folder in (halfway, finished_run) for path in folder.rglob("*")]
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "precious").write_text("precious")
    for name in sorted({*map(str, written), *MORE}):
        folder = Path(shutil.copytree(halfway, tmp_path / "prepared"))
        place = folder / name
        if place.is_dir():
            shutil.rmtree(place)
        place.unlink(missing_ok=True)
        place.parent.mkdir(exist_ok=True)
        directory = (finished_run / name).is_dir() or name in MORE[5:]
        place.symlink_to(tmp_path / "victim" if directory else tmp_path / "victim" / "precious")
        for attempt in (Experiment.open, finished, write_report):
            with pytest.raises(LinkedFile, match=place.name):
                attempt(folder)
        assert [path.read_text() for path in (tmp_path / "victim").iterdir()] == ["precious"]
        shutil.rmtree(folder)
