"""Steps that cannot be done: diverging losses, memory that runs out, operators that raise."""

from __future__ import annotations

import json
import math
import signal
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from deap import base

from tdgnas.fitness import SupernetFitness
from tdgnas.operators import OPERATORS
from tdgnas.reports import read_rows, result_table
from tdgnas.runs import Config as Settings
from tdgnas.runs import Experiment, Interrupted, RunFailed
from tdgnas.runs.guards import guard
from tdgnas.strategies.saving import toolbox_states
from tdgnas.supernet import Supernet, pretraining

Config = Callable[..., Settings]
Contents = Callable[[Path], dict[str, bytes]]

SHORT: dict[str, dict[str, Any]] = {"pretrain": {"epochs": 1}, "retrain": {"epochs": 0}}


def failures(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "faults.jsonl").read_text().splitlines()]


@pytest.fixture
def broken() -> Iterator[Callable[..., None]]:
    """Registers an operator ``broken``, and takes it out again."""

    def register(operator: Callable[..., Any]) -> None:
        OPERATORS.register("broken")(operator)

    yield register
    OPERATORS._entries.pop("broken", None)


def test_a_loss_that_is_no_number_names_epoch_and_step_and_leaves_the_state(
    finished_run: Path, tmp_path: Path, tiny: Config, contents: Contents, monkeypatch: Any
) -> None:
    """The fourth weight step, which is the second of the second epoch, is made to diverge."""
    import tdgnas.runs.experiment as module

    whole, count = pretraining.descend, [0]

    def diverge(losses: Iterable[torch.Tensor], *rest: Any) -> None:
        count[0] += 1
        whole((loss * (math.nan if count[0] == 4 else 1.0) for loss in losses), *rest)

    monkeypatch.setattr(module, "CHECKPOINT_SHARE", 1e9)
    with monkeypatch.context() as patch:
        patch.setattr(pretraining, "descend", diverge)
        with pytest.raises(RunFailed) as error:
            Experiment.start(tmp_path / "run", tiny()).execute()
    message = str(error.value)
    assert "pretraining stopped in step 2 of 2" in message
    assert "epoch 2, step 2" in message
    assert "the state after pretraining step 1 is saved" in message
    assert "--set" in message
    Experiment.open(tmp_path / "run").execute()
    assert contents(tmp_path / "run") == contents(finished_run)


def test_a_learning_rate_that_diverges_for_real(tmp_path: Path, tiny: Config) -> None:
    config = tiny(pretrain={"lr": 1e30, "clip": None, "schedule": "constant"})
    with pytest.raises(RunFailed, match="epoch 1, step"):
        Experiment.start(tmp_path / "run", config).execute()


@pytest.mark.filterwarnings("default::RuntimeWarning")
def test_a_local_search_that_diverges_gives_the_old_genes_back(
    tmp_path: Path, tiny: Config, listener: Any, monkeypatch: Any
) -> None:
    gradients = Supernet.alpha_gradients

    def diverging(self: Supernet, genes: Any, *args: Any, **keywords: Any) -> Any:
        found = gradients(self, genes, *args, **keywords)
        found[0] = math.nan
        return found

    monkeypatch.setattr(Supernet, "alpha_gradients", diverging)
    heard = listener()
    assert Experiment.start(tmp_path / "run", tiny(**SHORT), heard).execute()
    assert "local search diverged for individual 0" in heard.text


def test_an_evaluator_without_memory_says_what_to_lower(
    tmp_path: Path, tiny: Config, monkeypatch: Any
) -> None:
    def full(self: SupernetFitness, individuals: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(SupernetFitness, "batch", full)
    with pytest.raises(RunFailed, match=r"individual 0: CUDA out of memory.*lower fitness\.batch_size"):
        Experiment.start(tmp_path / "run", tiny(**SHORT)).execute()


def test_training_without_memory_says_what_to_lower(tmp_path: Path, tiny: Config, monkeypatch: Any) -> None:
    def full(*_: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(pretraining, "descend", full)
    with pytest.raises(RunFailed, match=r"out of memory.*\n.*smaller batch_size"):
        Experiment.start(tmp_path / "run", tiny()).execute()


def mutBroken(individual: Any) -> tuple[Any]:
    """Raise after half of the work is done."""
    individual[0] = 7.0
    raise ZeroDivisionError("no luck today")


def mutForgetful(individual: Any) -> Any:
    """Return nothing."""
    individual[0] = 7.0


def mutNaN(individual: Any) -> tuple[Any]:
    """Set a gene that is no number."""
    individual[3] = math.nan
    return (individual,)


@pytest.fixture
def _tried(monkeypatch: Any) -> None:
    """Let broken operators pass the trial before the run, as those do that break later."""
    monkeypatch.setattr("tdgnas.runs.experiment.try_strategy", lambda *_: None)


@pytest.mark.usefixtures("_tried")
@pytest.mark.parametrize(
    ("operator", "sentence"),
    [
        (mutBroken, "ZeroDivisionError: no luck today"),
        (mutForgetful, "it returned NoneType; an operator returns a tuple"),
        (mutNaN, "it set gene 3 to nan"),
    ],
)
def test_an_operator_that_raises_is_named_with_its_individual(
    tmp_path: Path, tiny: Config, broken: Callable[..., None], operator: Callable[..., Any], sentence: str
) -> None:
    broken(operator)
    config = tiny(**{**SHORT, "strategy": {"population": 4, "variation": {"mutate": "broken", "mutpb": 1.0}}})
    with pytest.raises(RunFailed) as error:
        Experiment.start(tmp_path / "run", config).execute()
    assert "search stopped in step 2 of 3: mutate (broken) failed on a child of individual 0" in str(
        error.value
    )
    assert sentence in str(error.value)
    assert "the state" in str(error.value)
    assert "Traceback" in (tmp_path / "run" / "error.log").read_text()


@pytest.mark.usefixtures("_tried")
def test_an_operator_that_raises_can_be_skipped_and_the_rest_goes_on(
    tmp_path: Path, tiny: Config, broken: Callable[..., None], listener: Any, contents: Contents
) -> None:
    broken(mutBroken)
    sections = {
        **SHORT,
        "strategy": {"variation": {"mutate": "broken", "mutpb": 1.0, "cxpb": 0.0}},
        "on_error": "skip",
    }
    heard = listener()
    Experiment.start(tmp_path / "run", tiny(**sections), heard).execute()
    assert "fault, skipped: mutate (broken) failed on a child of individual 0" in heard.text
    found = failures(tmp_path / "run")
    assert len(found) == 2 * 2 * 4  # two generations, parents and offspring of four
    assert {fault["entry"] for fault in found} == {"mutate"}
    events = [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    assert all(7.0 not in event["fitness"] for event in events)
    with pytest.raises(Interrupted):
        Experiment.start(tmp_path / "again", tiny(**sections), listener(2, signal.SIGTERM)).execute()
    Experiment.open(tmp_path / "again").execute()
    assert contents(tmp_path / "again") == contents(tmp_path / "run")


def test_an_individual_that_cannot_be_evaluated_can_be_skipped(
    tmp_path: Path, tiny: Config, monkeypatch: Any
) -> None:
    whole = SupernetFitness.batch

    def picky(self: SupernetFitness, individuals: Any) -> Any:
        if any(getattr(each, "origin", {}).get("id") == 2 for each in individuals):
            raise RuntimeError("cannot look at this one")
        return whole(self, individuals)

    monkeypatch.setattr(SupernetFitness, "batch", picky)
    with pytest.raises(RunFailed, match=r"evaluate \(SupernetFitness\) failed on individual 2: RuntimeError"):
        Experiment.start(tmp_path / "stopped", tiny(**SHORT)).execute()
    sections = {**SHORT, "on_error": "skip"}
    Experiment.start(tmp_path / "run", tiny(**sections)).execute()
    assert [fault["individuals"][0]["id"] for fault in failures(tmp_path / "run")] == [2]


def test_a_network_that_diverges_leaves_its_row_empty(tmp_path: Path, tiny: Config) -> None:
    sections: dict[str, dict[str, Any]] = {
        "pretrain": {"epochs": 1},
        "budget": {"limit": 0},
        "retrain": {"lr": 1e30, "clip": None, "epochs": 1, "warmup": 0},
    }
    assert Experiment.start(tmp_path / "run", tiny(**sections)).execute()
    rows = read_rows(tmp_path / "run")
    assert all(row.test is None for row in rows)
    assert all(fault["phase"] == "retraining" for fault in failures(tmp_path / "run"))
    assert [cells[3] for cells in result_table(rows)[1:]] == ["–"] * len(rows)
    stopping = tiny(**{**sections, "retrain": {**sections["retrain"], "on_error": "stop"}})
    with pytest.raises(RunFailed, match="retraining stopped in step 1"):
        Experiment.start(tmp_path / "stopped", stopping).execute()


def test_the_state_of_a_guarded_selection_is_saved() -> None:
    class Selection:
        turn = 3

        def __call__(self, individuals, k):
            return individuals[:k]

        def state_dict(self):
            return {"turn": self.turn}

        def load_state_dict(self, state):
            self.turn = state["turn"]

    toolbox = base.Toolbox()
    toolbox.register("select", Selection())
    guard(toolbox, {}, "skip", print)
    assert toolbox_states(toolbox)["select"]["own"] == {"turn": 3}
