"""What a run shows while it goes."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tdgnas.runs import Config as Settings
from tdgnas.runs import ConfigError, Experiment
from tdgnas.runs.board import Board
from tdgnas.runs.progress import Terminal

NUMBERS = {
    "best": 1.5,
    "mean": 2.5,
    "entropy": 12.3456789,
    "temperature": None,
    "distinct": 7,
    "evaluations/s": 31.0,
}


def test_a_terminal_shows_a_bar_numbers_and_the_time_left() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=80, legacy_windows=False)
    with Terminal(console) as terminal:
        terminal.phase("search", 10, 2)
        terminal.step(3, NUMBERS)
        terminal.say("a [line] of its own")
        terminal.alert("finishing")
    shown = out.getvalue().replace("\N{NO-BREAK SPACE}", " ")
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    for word in (
        "search",
        "3/10",
        "left",
        "best 1.5",
        "mean 2.5",
        "entropy 12.35",
        "distinct 7",
        "evaluations/s 31",
    ):
        assert word in plain
    assert "a [line] of its own" in plain
    assert "finishing" in plain
    assert "temperature" not in plain


def test_elsewhere_it_is_a_line_now_and_then(capfd: Any) -> None:
    out = io.StringIO()
    with Terminal(Console(file=out, width=200), every=3600) as terminal:
        terminal.phase("search", 3, 0)
        for step in range(1, 4):
            terminal.step(step, NUMBERS)
        terminal.alert("finishing")
    lines = out.getvalue().splitlines()
    assert [line.split()[1] for line in lines] == ["1/3", "3/3"]
    assert capfd.readouterr().err == "finishing\n"


def test_tensorboard_is_refused_with_a_sentence_where_it_is_missing(
    tmp_path: Path, tiny: Callable[..., Settings], monkeypatch: Any
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    config = tiny().model_copy(update={"tensorboard": True})
    with pytest.raises(ConfigError, match=r"tensorboard: it is not installed.*tdgnas\[tensorboard\]"):
        Experiment.start(tmp_path / "run", config)
    assert not (tmp_path / "run").exists()


def test_tensorboard_gets_every_step(tmp_path: Path, tiny: Callable[..., Settings], monkeypatch: Any) -> None:
    written: list[tuple[str, str, float, int]] = []

    class Writer:
        def __init__(self, folder: str, purge_step: int) -> None:
            assert purge_step == 3
            self.folder = Path(folder).name

        def add_scalar(self, name: str, value: float, step: int) -> None:
            written.append((self.folder, name, value, step))

        def flush(self) -> None:
            pass

    module = type(pytest)("torch.utils.tensorboard")
    module.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    board = Board(tmp_path / "tensorboard")
    board.write("search", 3, {"best": 1.5, "name": "x", "flag": True, "broken": float("nan"), "gates": 4})
    assert written == [("search", "best", 1.5, 3), ("search", "gates", 4, 3)]


def test_what_was_written_can_be_read_by_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for steps in (range(4), range(2, 5)):  # the second one a resumed run's
        board = Board(tmp_path)
        for step in steps:
            board.write("search", step, {"best": 1.5 - step, "gates": 4})
    read = EventAccumulator(str(tmp_path / "search"))
    read.Reload()
    assert read.Tags()["scalars"] == ["best", "gates"]
    assert [(each.step, each.value) for each in read.Scalars("best")] == [(n, 1.5 - n) for n in range(5)]
