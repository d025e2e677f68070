"""The report of a comparison: CSV, JSON, and one page of HTML that needs nothing else."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...storage import write_json, write_text
from .curves import bands
from .figures import curve_figure, rank_figure, result_figure, style
from .plan import Plan
from .statistics import Pair, Ranks, Summary, compare_pairs, rank, summarise

_NOT_COLUMNS = ("format", "fingerprint", "curve", "entropy")
_UNITS = {"seconds": "simulated seconds", "passes": "image passes", "evaluations": "evaluations"}
_METRICS = {
    "test_accuracy": "test accuracy",
    "test_loss": "test loss on the supernet (nats)",
    "retrained_accuracy": "test accuracy after training from scratch",
}


@dataclass(frozen=True)
class Outcome:
    """What a comparison found on one problem."""

    problem: str
    metric: str
    higher: bool
    paired: bool
    unit: str
    budget: float
    settings: dict[str, Any]
    results: list[dict[str, Any]]
    values: dict[str, dict[int, float]]
    summary: list[Summary]
    pairs: list[Pair]
    ranks: Ranks | None


def outcomes(plan: Plan, results: list[dict[str, Any]]) -> list[Outcome]:
    """Return what was found on each problem of a plan."""
    found = []
    for spec in plan.problems:
        problem = plan.made[spec.label]
        own = [result for result in results if result["problem"] == spec.label]
        values: dict[str, dict[int, float]] = {}
        for strategy in plan.strategies:
            by_seed = {r["seed"]: float(r[problem.metric]) for r in own if r["strategy"] == strategy.label}
            if by_seed:
                values[strategy.label] = by_seed
        higher, paired = problem.higher, problem.paired
        found.append(
            Outcome(
                spec.label,
                problem.metric,
                higher,
                paired,
                plan.unit or problem.unit,
                plan.limit or problem.limit,
                problem.document,
                own,
                values,
                summarise(values, higher=higher),
                compare_pairs(values, higher=higher, paired=paired),
                rank(values, higher=higher),
            )
        )
    return found


def write_report(plan: Plan, results: list[dict[str, Any]], out: Path, command: str = "") -> list[Outcome]:
    """Write ``results.csv``, ``pairs.csv``, ``summary.json`` and ``report.html`` into a folder.

    :param command: shown in the report.
    :returns: what was found on each problem.
    :raises ValueError: when there are no results.
    """
    if not results:
        raise ValueError("no search is finished, so there is nothing to report")
    found = outcomes(plan, results)
    write_text(out / "results.csv", _csv([_row(result) for result in results]))
    pairs = [{"problem": one.problem, **asdict(pair)} for one in found for pair in one.pairs]
    write_text(out / "pairs.csv", _csv(pairs))
    document = [
        {
            "problem": one.problem,
            "metric": one.metric,
            "summary": [asdict(row) for row in one.summary],
            "pairs": [asdict(pair) for pair in one.pairs],
            "ranks": None if one.ranks is None else asdict(one.ranks),
        }
        for one in found
    ]
    write_json(out / "summary.json", _finite({"plan": plan.document, "outcomes": document}))
    write_text(out / "report.html", _page(plan, found, command))
    return found


def _row(result: dict[str, Any]) -> dict[str, Any]:
    row = {key: value for key, value in result.items() if key not in _NOT_COLUMNS}
    return {**row, "choices": "-".join(map(str, result["choices"]))}


def _csv(rows: list[dict[str, Any]]) -> str:
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


def _page(plan: Plan, found: list[Outcome], command: str) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("tdgnas.runs.comparison", "."), autoescape=True, undefined=StrictUndefined
    )
    sections = [{"outcome": one, **_figures(one), **_words(one)} for one in found]
    template = environment.get_template("report.html.j2")
    return template.render(plan=plan, sections=sections, command=command, number=format_value)


def _figures(one: Outcome) -> dict[str, Any]:
    colours = style(list(one.values))
    x = _UNITS[one.unit]
    metric = _METRICS.get(one.metric, one.metric)
    final, signal, entropy = (bands(one.results, what) for what in ("final", "signal", "entropy"))
    figures = [("Result of each seed", result_figure(one.values, colours, metric))]
    if one.ranks is not None:
        figures.append(("Mean ranks", rank_figure(one.ranks)))
    if final and any(
        len(result["curve"]) > 1 and result["curve"][0][2] is not None for result in one.results
    ):
        figures.append((f"Best so far: {metric} of the choice", curve_figure(final, colours, x, metric)))
    figures.append(("Best so far: what the search sees", curve_figure(signal, colours, x, "search signal")))
    figures.append(("Diversity", curve_figure(entropy, colours, x, "entropy of the population (nats)")))
    return {"figures": figures}


def _words(one: Outcome) -> dict[str, Any]:
    settings = ", ".join(f"{key} {value}" for key, value in one.settings.items() if value not in ({}, None))
    n = min((row.n for row in one.summary), default=0)
    notes = []
    if one.settings.get("table", "").startswith("synthetic"):
        notes.append("These measurements are invented; they say nothing about networks.")
    if one.paired and n < 6:
        notes.append(f"With {n} pairs Wilcoxon's test cannot give p below {2 / 2**n:.3g}.")
    converged = sum(bool(result["converged"]) for result in one.results)
    if converged:
        notes.append(f"{converged} searches converged: they asked for nothing new and left budget unused.")
    budget = f"{one.budget:,.0f} {_UNITS[one.unit]}"
    prepaid = max((result["prepaid"] for result in one.results), default=0)
    if prepaid:
        budget += f" after {prepaid:,.0f} of pretraining, which count for every strategy"
    title = _METRICS.get(one.metric, one.metric)
    return {"settings": settings, "notes": notes, "budget": budget, "title": title}


def format_value(value: float, metric: str) -> str:
    """Return a result for people: accuracies in percent, losses with four digits."""
    if not math.isfinite(value):
        return "–"
    return f"{100 * value:.2f}" if "accuracy" in metric else f"{value:.4f}"
