"""The report of a comparison: CSV, JSON, Markdown, figures, and one page of HTML that needs nothing else."""

from __future__ import annotations

import csv
import io
import math
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..files.atomic import write_json, write_text
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
    """Write ``results.csv``, ``pairs.csv``, ``summary.json``, ``summary.md`` with ``figures/``, and ``report.html``.

    :param out: the folder.
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
    sections = [{"outcome": one, "figures": _figures(one), **_words(one)} for one in found]
    for section in sections:
        for title, picture in section["figures"]:
            write_text(out / _file(section["outcome"], title), picture)
    write_text(out / "summary.md", _markdown(sections, command))
    write_text(out / "report.html", _page(plan, sections, command))
    return found


#: Columns of the table of a problem.
COLUMNS = ("strategy", "seeds", "mean", "std", "median", "best", "rank", "A", "p (Holm)")


def table_rows(one: Outcome) -> list[tuple[str, ...]]:
    """Return the cells of the table of a problem, by :data:`COLUMNS`.

    A is the probability that a result is better than one of the first row, p that of the test between the two.
    """
    first = one.summary[0].strategy
    rows = []
    for row in one.summary:
        numbers = [format_value(value, one.metric) for value in (row.mean, row.std, row.median, row.best)]
        place = "–" if one.ranks is None else f"{one.ranks.mean.get(row.strategy, math.nan):.2f}"
        pair = next((p for p in one.pairs if {p.first, p.second} == {first, row.strategy}), None)
        effect = p = "–"
        if pair is not None:
            effect = f"{pair.a12 if pair.first == row.strategy else 1 - pair.a12:.2f}"
            p = f"{pair.holm:.3g}"
        rows.append((row.strategy, str(row.n), *numbers, place, effect, p))
    return rows


def _file(one: Outcome, title: str) -> Path:
    return Path("figures") / f"{one.problem}-{re.sub(r'[^a-z]+', '-', title.lower()).strip('-')}.svg"


def _markdown(sections: list[dict[str, Any]], command: str) -> str:
    lines = ["# Comparison of search strategies", "", f"`{command}`" if command else ""]
    for section in sections:
        one = section["outcome"]
        lines += [
            "",
            f"## {one.problem}",
            "",
            f"Result: {section['title']}{' (%)' if 'accuracy' in one.metric else ''}, "
            f"{'larger' if one.higher else 'smaller'} is better. Budget: {section['budget']}. {section['settings']}.",
            *section["notes"],
            "",
            "| " + " | ".join(COLUMNS) + " |",
            "|---" + "|---:" * (len(COLUMNS) - 1) + "|",
            *("| " + " | ".join(row) + " |" for row in table_rows(one)),
            "",
            "A: probability that a result is better than one of the first row (one half: no difference); "
            "p of the test between the two, corrected for all pairs.",
        ]
        for title, _ in section["figures"]:
            lines += ["", f"![{title}]({_file(one, title).as_posix()})"]
    return "\n".join(lines) + "\n"


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


def _page(plan: Plan, sections: list[dict[str, Any]], command: str) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("tdgnas.comparison", "."), autoescape=True, undefined=StrictUndefined
    )
    template = environment.get_template("report.html.j2")
    return template.render(plan=plan, sections=sections, command=command, number=format_value)


def _figures(one: Outcome) -> list[tuple[str, str]]:
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
    return figures


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
