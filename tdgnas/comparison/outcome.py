"""What a comparison found, and the files that hold it: results.csv, pairs.csv, summary.json."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..files import Json
from ..files.atomic import write_json, write_text
from .plan import Plan, Subject
from .statistics import Pair, Ranks, Summary, compare_pairs, rank, summarise

_NOT_COLUMNS = ("format", "fingerprint", "digest", "curve", "entropy", "costs")


@dataclass(frozen=True)
class Outcome:
    """What a comparison found on one problem."""

    problem: str
    subject: Subject
    results: list[Json]
    values: dict[str, dict[int, float]]
    summary: list[Summary]
    pairs: list[Pair]
    ranks: Ranks | None


def outcomes(plan: Plan, results: list[Json]) -> list[Outcome]:
    """Return what was found on each problem of a plan."""
    found = []
    for spec in plan.problems:
        subject = plan.subjects[spec.label]
        own = [result for result in results if result["problem"] == spec.label]
        values: dict[str, dict[int, float]] = {}
        for strategy in plan.strategies:
            by_seed = {r["seed"]: float(r[subject.metric]) for r in own if r["strategy"] == strategy.label}
            if by_seed:
                values[strategy.label] = by_seed
        higher = subject.higher
        pairs = compare_pairs(values, higher=higher, paired=subject.paired)
        summary, ranks = summarise(values, higher=higher), rank(values, higher=higher)
        found.append(Outcome(spec.label, subject, own, values, summary, pairs, ranks))
    return found


def write_outcomes(plan: Plan, results: list[Json], found: Sequence[Outcome], out: Path) -> None:
    """Write ``results.csv`` (a row per search), ``pairs.csv`` and ``summary.json``.

    :param found: see :func:`outcomes`.
    :param out: the folder.
    """
    write_text(out / "results.csv", _csv([_row(result) for result in results]))
    pairs = [{"problem": one.problem, **asdict(pair)} for one in found for pair in one.pairs]
    write_text(out / "pairs.csv", _csv(pairs))
    document = [
        {
            "problem": one.problem,
            "metric": one.subject.metric,
            "summary": [asdict(row) for row in one.summary],
            "pairs": [asdict(pair) for pair in one.pairs],
            "ranks": None if one.ranks is None else asdict(one.ranks),
        }
        for one in found
    ]
    write_json(out / "summary.json", _finite({"plan": plan.document, "outcomes": document}))


def _row(result: Json) -> Json:
    row = {key: value for key, value in result.items() if key not in _NOT_COLUMNS}
    costs = {f"passes_{cause}": passes for cause, passes in result["costs"]["by_cause"].items()}
    return {**row, "choices": "-".join(map(str, result["choices"])), **costs}


def _csv(rows: list[Json]) -> str:
    buffer = io.StringIO()
    columns = list(dict.fromkeys(key for row in rows for key in row))
    writer = csv.DictWriter(buffer, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def _finite(value: Any) -> Any:
    """JSON has no NaN: what is not a number becomes null."""
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
