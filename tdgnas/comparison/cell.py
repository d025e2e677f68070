"""One cell of a comparison: run it, write it, read it back."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from ..files import Json
from ..files.checkpoints import DamagedCheckpoint
from ..files.digests import AlteredFile
from ..runs.adopt import adopt_pretraining
from ..runs.errors import ConfigError
from ..runs.experiment import Experiment
from ..runs.problem import Problem
from ..runs.wiring import make_search, make_strategy, search_record
from ..seeding import seed_everything
from .plan import Cell, digest_of

FORMAT = "tdgnas-comparison-cell/2"


def search_in_memory(cell: Cell) -> Json:
    """Search where nothing is trained, and return the result as JSON values; the same search as a run's."""
    start, config = time.perf_counter(), cell.config
    problem = Problem.made(config)
    seed_everything(config.seed)
    strategy, evaluate = make_strategy(config, problem)
    search = make_search(config, problem, strategy, evaluate)
    search.run()
    result = _result(cell, search_record(search, problem), problem, every=True)
    return {**result, "seconds": time.perf_counter() - start}


def search_in_folder(cell: Cell, out: Path) -> Json:
    """Run or go on with a cell's experiment in its folder, with the pretraining that its problem and seed share.

    What is in the folder and cannot be gone on with, other settings or altered files, is deleted and made again.
    """
    folder = cell.folder(out)
    experiment = _executed(cell, out, cell.pretraining.folder(out))
    record = json.loads((folder / "trace.json").read_text(encoding="utf-8"))
    problem = experiment.context.problem
    if problem.supernet is not None:  # a search may have trained it on; results are on what all share
        problem.supernet.load_state_dict(load_file(folder / "supernet" / "supernet.safetensors"))
    result = _result(cell, record, problem, every=False)
    if cell.subject.retrained:
        rows = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        name, seed = cell.config.strategy.name, cell.config.seed
        own = next(row for row in rows if row["row"] == name and row["seed"] == seed)
        measure = problem.data.task.headline if problem.data is not None else "accuracy"
        result[f"retrained_{measure}"] = result["curve"][-1][2] = own[f"test_{measure}"]
    return {**result, "seconds": _seconds(folder)}


def pretrain(cell: Cell, out: Path) -> None:
    """Run or go on with the pretraining of a cell of :attr:`Cell.pretraining`."""
    _executed(cell, out, None)


def _executed(cell: Cell, out: Path, donor: Path | None) -> Experiment:
    folder = cell.folder(out)
    while True:
        there = folder.exists()
        try:
            experiment = Experiment.begin(folder, cell.config)
            if donor is None:
                experiment.execute(until="search")
                return experiment
            if "pretraining" in experiment.phases:
                adopt_pretraining(experiment, donor)
            experiment.execute()
            return experiment
        except (ConfigError, AlteredFile, DamagedCheckpoint):
            if not there:
                raise
            shutil.rmtree(folder)


def _seconds(folder: Path) -> float:
    files = (folder / "timings" / f"{name}.json" for name in ("search", "retraining"))
    found = (json.loads(file.read_text(encoding="utf-8"))["seconds"] for file in files if file.exists())
    return float(sum(sum(each) if isinstance(each, list) else each for each in found))


def _result(cell: Cell, trace: Mapping[str, Any], problem: Problem, *, every: bool) -> Json:
    """The result of a search; ``every``: what it had settled on is measured each time that this changed."""
    points = trace["points"]
    if not points:
        budget = cell.config.budget
        raise ValueError(
            f"the budget of {budget.limit:g} {budget.unit} is too small for one evaluation of {cell.problem!r}"
        )
    chosen = [problem.decode(genes) for _, _, genes in points]
    finals = [problem.final(one) for one in (chosen if every else chosen[-1:])]
    finals = [{}] * (len(chosen) - len(finals)) + finals
    metric = "test_loss" if "test_loss" in finals[-1] else "test_accuracy"
    return {
        "format": FORMAT,
        "fingerprint": cell.fingerprint,
        "problem": cell.problem,
        "strategy": cell.strategy,
        "seed": cell.seed,
        **finals[-1],
        "parameters_M": problem.space.parameters(chosen[-1]) / 1e6,
        "signal": points[-1][1],
        "choices": list(chosen[-1].choices),
        "evaluations": trace["evaluations"],
        "requests": trace["requests"],
        "prepaid": trace["start"],
        "used": trace["used"] - trace["start"],
        "converged": trace["converged"],
        "costs": trace["costs"],
        "curve": [
            [cost, signal, final.get(metric)] for (cost, signal, _), final in zip(points, finals, strict=True)
        ],
        "entropy": trace["entropies"],
    }


def sealed(result: Mapping[str, Any]) -> Json:
    """Return a result with the digest by which a later change of it is noticed."""
    own = {key: value for key, value in result.items() if key != "digest"}
    return {**own, "digest": digest_of(own)}


def read_cell(cell: Cell, metric: str, out: Path) -> Json | str | None:
    """Return a finished cell's result; None where there is none, and a sentence where there is no good one."""
    path = cell.path(out)
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return f"{path} is damaged and is run again"
    if not isinstance(result, dict) or result.get("format") != FORMAT:
        return f"{path} is no result of this version and is run again"
    if result.get("digest") != sealed(result)["digest"]:
        return f"{path} was changed after it was written and is run again"
    if result.get("fingerprint") != cell.fingerprint:
        return f"{path} was made with other settings and is run again"
    wrong = _impossible(result, metric)
    return f"{path} says {wrong}, which cannot be, and is run again" if wrong else result


def _impossible(result: Mapping[str, Any], metric: str) -> str:
    """Say what no search can have found, where a result says so."""
    for key in (metric, *(key for key in result if key.endswith(("accuracy", "loss")))):
        value = result.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            return f"{key} {value!r}"
        if key.endswith("accuracy") and not 0 <= value <= 1:
            return f"{key} {value!r}"
    return "" if result.get("curve") else "no curve"
