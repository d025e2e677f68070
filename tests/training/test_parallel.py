"""Two processes, started once by torchrun, learn what one learns; one writes, and any number goes on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tdgnas.files.tables import read_table
from tdgnas.parallel import Group, joined, present, working
from tdgnas.runs import Experiment
from tests.torchrun import torchrun

from . import two_processes as work


@pytest.fixture(scope="module")
def folder(tmp_path_factory, alone) -> Path:
    """What two processes left."""
    folder = tmp_path_factory.mktemp("two")
    torchrun(["--standalone", "--nproc-per-node", "2", work.__file__], lambda: work.main(folder))
    return folder


@pytest.fixture(scope="module")
def found(folder) -> dict:
    return json.loads((folder / "of 0" / "found.json").read_text())


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> dict:
    """What one process learns; done before there are two, which then have everything imported."""
    folder = tmp_path_factory.mktemp("one")
    Experiment.start(folder / "run", work.config()).execute()
    found = {name: work.pretrained(**settings) for name, settings in work.METHODS.items()}
    return {"run": folder / "run", **work.trained(folder / "net"), **found}


def test_two_processes_have_the_learning_curve_of_one(found, alone):
    for row, own in zip(found["trained"]["rows"], alone["rows"], strict=True):
        assert row == pytest.approx(own, rel=1e-4)
    for part in ("valid", "test"):
        assert found["trained"]["measures"][part] == pytest.approx(alone["measures"][part], rel=1e-4)


@pytest.mark.parametrize("method", work.METHODS)
def test_two_processes_pretrain_a_supernet_as_one_does(method, found, alone):
    own = alone[method]
    near = 5e-3 if method == "second order" else 1e-3  # a central difference in float32
    for row, single in zip(found[method]["rows"], own["rows"], strict=True):
        assert row == pytest.approx(single, rel=near)
    assert found[method]["weights"] == pytest.approx(own["weights"], rel=near)


def test_a_run_of_two_processes_is_that_of_one(folder, alone):
    runs = (folder / "run", alone["run"])
    for name in ("pretraining.csv", "retraining.csv"):
        for row, single in zip(*(read_table(run / name) for run in runs), strict=True):
            for column, value in row.items():
                assert value == (
                    pytest.approx(single[column], rel=1e-3) if type(value) is float else single[column]
                )
    rows = [json.loads((run / "results.json").read_text()) for run in runs]
    assert [row["choices"] for row in rows[0]] == [row["choices"] for row in rows[1]]


def test_all_processes_tell_the_same(folder, found):
    assert json.loads((folder / "of 1" / "found.json").read_text()) == found


def test_one_process_goes_on_where_two_stopped(folder, tmp_path, alone):
    shutil.copytree(folder / "net" / "checkpoints", tmp_path / "checkpoints")
    newest = max((tmp_path / "checkpoints").iterdir())
    shutil.rmtree(newest) if newest.is_dir() else newest.unlink()
    rest = work.trained(tmp_path, resume=True)
    assert [row["epoch"] for row in rest["rows"]] == [1]
    assert rest["rows"][0] == pytest.approx(alone["rows"][1], rel=1e-4)


def test_alone_nothing_is_shared():
    with joined("cpu") as group, group.together():
        assert group == present() == working() == Group()
        assert group.share(5) == slice(0, 5)
        assert group.tell("word") == "word"


@pytest.mark.parametrize("count", [2, 3, 7])
def test_shares_are_disjoint_and_whole(count):
    rows = [list(range(20))[Group(rank, count).share(20)] for rank in range(count)]
    assert [row for part in rows for row in part] == list(range(20))
    assert max(map(len, rows)) - min(map(len, rows)) <= 1
