"""Comparisons that are stopped, lose a process or share a folder."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time

import pytest

from tdgnas.comparison import Runner
from tdgnas.comparison import run as runs
from tdgnas.files.lock import FolderInUse, FolderLock
from tdgnas.processes import WorkerMap
from tdgnas.training import TrainingDiverged
from tdgnas.workers import WorkerDied
from tests.comparison.comparing import make_plan, run


def test_sigterm_ends_a_comparison_and_its_processes_with_a_sentence(tmp_path):
    """A real process with two workers, as a cluster's scheduler ends it."""
    code, said = end_a_comparison(tmp_path, signal.SIGTERM)
    assert code == 128 + signal.SIGTERM, said
    assert "the same command goes on from there" in " ".join(said.split())
    assert "Traceback" not in said


def test_killing_a_comparison_left_its_workers_alive(tmp_path):
    code, said = end_a_comparison(tmp_path, signal.SIGKILL)
    assert code == -signal.SIGKILL, said


def end_a_comparison(folder, number):
    """Start a comparison with two workers, send it a signal, and wait until nobody holds its pipe any more."""
    arguments = ["-p", "synthetic", "-s", "random", "--seeds", "400", "--budget", "60000", "--jobs", "2"]
    command = [sys.executable, "-m", "tdgnas", "compare", *arguments, "--out", "compared"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    patience = time.monotonic() + 1800  # of a machine that is busy
    while not list(folder.glob("compared/synthetic/random/*.json")) and process.poll() is None:
        assert time.monotonic() < patience
        time.sleep(0.05)
    process.send_signal(number)
    # The pipes close when the workers, which hold them too, have ended.
    said, errors = process.communicate(timeout=1800)
    return process.returncode, said + errors


def test_a_process_that_dies_is_a_sentence_and_what_is_done_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "_search", _die)
    with pytest.raises(WorkerDied, match=r"the worker died, and so did .* 0 of 4 searches .* fewer --jobs"):
        Runner(make_plan(), tmp_path, map=WorkerMap(2)).run()


def _die(cell, out):
    os._exit(1)


def test_an_error_of_a_training_comes_back_from_a_process():
    error = pickle.loads(pickle.dumps(TrainingDiverged("training", 3, 7)))
    assert (error.epoch, error.step, str(error)) == (3, 7, str(TrainingDiverged("training", 3, 7)))


def test_one_comparison_at_a_time_in_a_folder(tmp_path):
    lock = FolderLock(tmp_path)
    with pytest.raises(FolderInUse, match="another process is working in"):
        run(make_plan(), tmp_path)
    lock.release()
    run(make_plan(), tmp_path)


def test_a_fresh_comparison_forgets_what_was_there(tmp_path):
    run(make_plan(), tmp_path)
    done = []
    Runner(make_plan(), tmp_path, map=map, fresh=True).run(done=lambda *each: done.append(each))
    assert len(done) == 4
