"""The report of a comparison: Markdown with figures, and one page, of the same blocks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .. import pictures
from ..comparison.curves import bands
from ..comparison.outcome import Outcome, outcomes, write_outcomes
from ..files import Json
from ..files.atomic import write_text
from ..runs.config import flat
from .page import Block, Page, Picture, Section, Table, Text, counted, markdown, picture_file, value_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..comparison import Plan
    from ..comparison.plan import Subject

_UNITS = {"seconds": "simulated seconds"}
_METRICS = {
    "test_loss": "test loss on the supernet (nats)",
    "retrained_accuracy": "test accuracy after training from scratch",
}
_TITLE = "Comparison of search strategies"
#: Columns of the table of a problem.
COLUMNS = ("strategy", "seeds", "mean", "std", "median", "best", "rank", "A", "p (Holm)")


def write_comparison(plan: Plan, results: list[Json], out: Path, command: str = "") -> list[Outcome]:
    """Write ``results.csv``, ``pairs.csv``, ``summary.json``, ``summary.md`` with ``figures/``, and ``report.html``.

    :param out: the folder.
    :param command: shown in the report.
    :returns: what was found on each problem.
    :raises ValueError: when there are no results.
    """
    if not results:
        raise ValueError("no search is finished, so there is nothing to report")
    found = outcomes(plan, results)
    write_outcomes(plan, results, found, out)
    (out / "figures").mkdir(exist_ok=True)
    sections, lines = [], [f"# {_TITLE}", "", f"`{command}`" if command else ""]
    for number, one in enumerate(found, 1):
        blocks = [*_found(one), *_pictures(one)]
        for picture in blocks:
            if isinstance(picture, Picture):
                file = out / "figures" / f"{one.problem}-{picture_file(picture)}"
                write_text(file, picture.svg_text)
        lines += ["", f"## {one.problem}", "", *markdown(blocks, f"figures/{one.problem}-")]
        sections.append(Section(f"problem-{number}", one.problem, [*blocks, *_costs(one), *_pairs(one)]))
    write_text(out / "summary.md", "\n".join(lines))
    write_text(out / "report.html", Page(_TITLE, list(_lead(plan, command)), sections).html())
    return found


def table_rows(one: Outcome) -> list[tuple[str, ...]]:
    """Return the cells of the table of a problem, by :data:`COLUMNS`.

    A is the probability that a result is better than one of the first row, p that of the test between the two.
    """
    first = one.summary[0].strategy
    rows = []
    for row in one.summary:
        numbers = [
            value_text(value, one.subject.metric) for value in (row.mean, row.std, row.median, row.best)
        ]
        place = "–" if one.ranks is None else f"{one.ranks.mean.get(row.strategy, math.nan):.2f}"
        pair = next((p for p in one.pairs if {p.first, p.second} == {first, row.strategy}), None)
        effect = p = "–"
        if pair is not None:
            effect = f"{pair.a12 if pair.first == row.strategy else 1 - pair.a12:.2f}"
            p = f"{pair.holm:.3g}"
        rows.append((row.strategy, str(row.n), *numbers, place, effect, p))
    return rows


def _lead(plan: Plan, command: str) -> Iterator[Block]:
    if command:
        yield Text(command, "command")
    named = [
        f"{spec.label} ({', '.join((spec.name, *_settings(spec.options)))})" if spec.options else spec.label
        for spec in plan.strategies
    ]
    seeds = f"{counted(len(plan.seeds), 'seed')}, from {plan.seeds[0]} to {plan.seeds[-1]}."
    yield Text(f"{seeds} Strategies: {', '.join(named)}.", "soft")


def _settings(options: Json) -> list[str]:
    return [f"{key} {value}" for key, value in options.items() if value not in ({}, None)]


def _stated(subject: Subject) -> str:
    """What is searched, on what, how it is scored, and the settings that are not as they are by default."""
    config, names = subject.config, ("space.name", "data.name", "fitness.kind")
    data = "" if subject.light else f"data {config.data.name}, "
    told = f"Space {config.space.name}, {data}fitness {config.fitness.kind}"
    own = _settings({key: value for key, value in flat(subject.stated).items() if key not in names})
    return f"{told}; by default but for {', '.join(own)}." if own else f"{told}; all else by default."


def _title(one: Outcome) -> str:
    unit = " (%)" if one.subject.metric.endswith("accuracy") else ""
    return _METRICS.get(one.subject.metric, one.subject.metric.replace("_", " ")) + unit


def _found(one: Outcome) -> Iterator[Block]:
    """What came out, and what a reader has to know before the figures."""
    better = "larger" if one.subject.higher else "smaller"
    budget = f"{one.subject.limit:,.0f} {_UNITS.get(one.subject.unit, one.subject.unit)}"
    prepaid = max((result["prepaid"] for result in one.results), default=0)
    if prepaid:
        budget += f" after {prepaid:,.0f} of pretraining, which count for every strategy"
    told = f"Result: {_title(one)} of the architecture that a search chose by its own signal"
    yield Text(f"{told}; {better} is better. Budget: {budget}.")
    yield Text(_stated(one.subject), "soft")
    if "invented" in one.subject.stated.get("fitness", {}):
        yield Text("These measurements are invented; they say nothing about networks.", "warning")
    n = min((row.n for row in one.summary), default=0)
    if one.subject.paired and n < 6:
        yield Text(f"With {n} pairs Wilcoxon's test cannot give p below {2 / 2**n:.3g}.", "warning")
    converged = sum(bool(result["converged"]) for result in one.results)
    if converged:
        searches = counted(converged, "search", "searches")
        yield Text(f"{searches} converged: they asked for nothing new and left budget unused.", "warning")
    yield Table(COLUMNS, table_rows(one))
    under = "A: probability that a result is better than one of the first row (one half: no difference); p of the test "
    under += "between the two, corrected for all pairs; rank: mean over seeds, 1 is best."
    if one.ranks is not None and math.isfinite(one.ranks.friedman):
        p, blocks = one.ranks.friedman, one.ranks.blocks
        under += f" Friedman test that all strategies are equal: p = {p:.3g} over {blocks} seeds"
        under += f"; critical difference of mean ranks by Nemenyi's test at 5 %: {one.ranks.critical:.2f}."
    yield Text(under, "soft")


def _costs(one: Outcome) -> Iterator[Block]:
    """What the searches cost, by cause: means over the seeds."""
    causes = dict.fromkeys(cause for result in one.results for cause in result["costs"]["by_cause"])
    rows = []
    for name, seeds in one.values.items():
        costs = [result["costs"] for result in one.results if result["strategy"] == name]
        keys = [[cost["requests"], cost["evaluations"], cost["seconds"]] for cost in costs]
        passes = [[cost["by_cause"].get(cause, 0) for cause in causes] for cost in costs]
        means = (sum(column) / len(seeds) for table in (keys, passes) for column in zip(*table, strict=True))
        rows.append((name, *(f"{mean:,.0f}" for mean in means)))
    yield Text(
        "What the searches cost, means over the seeds; a pass is one sample through one network forward."
    )
    passes_of = (f"passes: {cause}" for cause in causes)
    yield Table(("strategy", "asked for", "evaluated", "simulated seconds", *passes_of), rows)


def _pairs(one: Outcome) -> Iterator[Block]:
    test = "Wilcoxon's signed ranks of paired seeds" if one.subject.paired else "Mann and Whitney's test"
    yield Text(
        f"{test}, two-sided, p corrected by Holm's method for {counted(len(one.pairs), 'pair')}. A: probability that "
        "a result of the first is better than one of the second. Marked: corrected p below 0.05."
    )
    ordered = sorted(one.pairs, key=lambda pair: pair.holm)
    numbers = [
        (value_text(p.difference, one.subject.metric), f"{p.a12:.2f}", f"{p.p:.3g}", f"{p.holm:.3g}")
        for p in ordered
    ]
    rows = [(p.first, p.second, *cells) for p, cells in zip(ordered, numbers, strict=True)]
    unit = " (%)" if one.subject.metric.endswith("accuracy") else ""
    head = ("first", "second", f"difference of means{unit}", "A", "p", "p (Holm)")
    yield Table(head, rows, own=[place for place, p in enumerate(ordered) if p.holm < 0.05], texts=2)


def _pictures(one: Outcome) -> Iterator[Block]:
    x, metric = _UNITS.get(one.subject.unit, one.subject.unit), _title(one)
    factor = 100 if one.subject.metric.endswith("accuracy") else 1

    def picture(title: str, figure: Figure) -> Picture:
        return Picture(figure, title, title)

    values = {name: {seed: factor * v for seed, v in seeds.items()} for name, seeds in one.values.items()}
    yield picture("Result of each seed", pictures.seeds_figure(values, metric))
    if one.ranks is not None:
        figure = pictures.ranks_figure(one.ranks.mean, one.ranks.nemenyi, one.ranks.critical)
        yield picture("Mean ranks", figure)
    final, signal, entropy = (bands(one.results, what) for what in ("final", "signal", "entropy"))
    if final and any(len(each["curve"]) > 1 and each["curve"][0][2] is not None for each in one.results):
        for name, b in final.items():
            final[name] = replace(b, mean=factor * b.mean, low=factor * b.low, high=factor * b.high)
        title = f"Best so far: {metric.removesuffix(' (%)')} of the choice"
        yield picture(title, pictures.bands_figure(final, x, metric))
    yield picture("Best so far: what the search sees", pictures.bands_figure(signal, x, "search signal"))
    if entropy:
        yield picture("Diversity", pictures.bands_figure(entropy, x, "entropy of the population (nats)"))
