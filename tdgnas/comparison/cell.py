"""One cell of a comparison: run it, write it, read it back."""

from __future__ import annotations

import json
import math
import random
import time
from pathlib import Path
from typing import Any

from ..fitness import WithSize
from ..individual import AccuracyFitness
from ..runs.search import Search
from ..seeding import seed_everything
from ..strategies import STRATEGIES, AccuracyAndSize, LossAndSize, Strategy, create, wants
from .plan import Cell
from .session import Problem, Session
from .specs import own_options

FORMAT = "tdgnas-comparison-cell/1"


def run_cell(cell: Cell, problem: Problem, folder: Path) -> dict[str, Any]:
    """Search, measure what was chosen, and return the result as JSON values.

    :param folder: the problem's folder, with what its searches share.
    """
    start = time.perf_counter()
    seed_everything(cell.seed)
    session = problem.open(cell.seed, folder)
    strategy, evaluate = make_strategy(cell, session)
    search = Search(
        strategy,
        evaluate,
        session.evaluate.budget,
        unit=cell.unit,
        limit=cell.limit,
        loci=session.evaluate.decisions.loci,
        whole=session.whole,
    )
    trace = search.run()
    if not trace.points:
        raise ValueError(
            f"the budget of {cell.limit:g} {cell.unit} is too small for one evaluation of {cell.problem.label!r}"
        )
    chosen = [session.evaluate.decode(genes) for _, _, genes in trace.points]
    finals = [session.final(one) for one in (chosen if problem.curve else chosen[-1:])]
    finals = [{}] * (len(chosen) - len(finals)) + finals
    return {
        "format": FORMAT,
        "fingerprint": cell.fingerprint(problem),
        "problem": cell.problem.label,
        "strategy": cell.strategy.label,
        "seed": cell.seed,
        **finals[-1],
        "signal": trace.points[-1][1],
        "choices": list(chosen[-1].choices),
        "evaluations": trace.evaluations,
        "requests": trace.requests,
        "prepaid": search.start,
        "used": trace.used - search.start,
        "converged": trace.converged,
        "seconds": time.perf_counter() - start,
        "curve": [
            [cost, signal, final.get(problem.metric)]
            for (cost, signal, _), final in zip(trace.points, finals, strict=True)
        ],
        "entropy": trace.entropies,
    }


def make_strategy(cell: Cell, session: Session) -> tuple[Strategy, Any]:
    """Make a cell's strategy and the fitness that it wants."""
    options, order, local = own_options(cell.strategy)
    fitness, evaluate = session.fitness, session.evaluate
    kind = STRATEGIES.get(cell.strategy.name)
    if kind.objectives == 2:
        fitness = AccuracyAndSize if fitness is AccuracyFitness else LossAndSize
        evaluate = WithSize(evaluate, session.space)
    learns = "start" in wants(cell.strategy.name)
    if kind.needs_gradients or local:
        assert session.source is not None
        options["source"] = session.source(order, learns)
    if learns:
        options.setdefault("start", session.start)
    # Not the seed itself, which splits the data and starts the supernet: strategies must not share its stream.
    seed = random.Random(f"search {cell.seed}").getrandbits(32)
    return create(
        cell.strategy.name, session.evaluate.decisions, seed=seed, fitness=fitness, **options
    ), evaluate


def read_cell(cell: Cell, problem: Problem, out: Path) -> dict[str, Any] | str | None:
    """Return a finished cell's result; None where there is none, and a sentence where there is no good
    one."""
    path = cell.path(out)
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return f"{path} is damaged and is run again"
    if not isinstance(result, dict) or result.get("format") != FORMAT:
        return f"{path} is no result of this version and is run again"
    if result.get("fingerprint") != cell.fingerprint(problem):
        return f"{path} was made with other settings and is run again"
    value = result.get(problem.metric)
    if not isinstance(value, (int, float)) or not math.isfinite(value) or not result.get("curve"):
        return f"{path} lacks its result and is run again"
    return result
