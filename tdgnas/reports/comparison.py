"""The report of a comparison: Markdown with figures, and one page."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import pictures
from ..comparison.curves import bands
from ..comparison.outcome import Outcome, outcomes, write_outcomes
from ..files.atomic import write_text
from .page import Page, Picture, Section, Table, Text, counted, value_text

if TYPE_CHECKING:
    from ..comparison import Plan

_UNITS = {"seconds": "simulated seconds", "passes": "passes", "evaluations": "evaluations"}
_METRICS = {
    "test_accuracy": "test accuracy",
    "test_loss": "test loss on the supernet (nats)",
    "retrained_accuracy": "test accuracy after training from scratch",
}
#: Columns of the table of a problem.
COLUMNS = ("strategy", "seeds", "mean", "std", "median", "best", "rank", "A", "p (Holm)")


def write_comparison(
    plan: Plan, results: list[dict[str, Any]], out: Path, command: str = ""
) -> list[Outcome]:
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
    drawn = [list(_pictures(one)) for one in found]
    (out / "figures").mkdir(exist_ok=True)
    for one, shown in zip(found, drawn, strict=True):
        for picture in shown:
            pictures.save(picture.figure, out / _file(one, picture))
    write_text(out / "summary.md", _markdown(found, drawn, command))
    write_text(out / "report.html", comparison_page(plan, found, drawn, command).html())
    return found


def table_rows(one: Outcome) -> list[tuple[str, ...]]:
    """Return the cells of the table of a problem, by :data:`COLUMNS`.

    A is the probability that a result is better than one of the first row, p that of the test between the two.
    """
    first = one.summary[0].strategy
    rows = []
    for row in one.summary:
        numbers = [value_text(value, one.metric) for value in (row.mean, row.std, row.median, row.best)]
        place = "–" if one.ranks is None else f"{one.ranks.mean.get(row.strategy, math.nan):.2f}"
        pair = next((p for p in one.pairs if {p.first, p.second} == {first, row.strategy}), None)
        effect = p = "–"
        if pair is not None:
            effect = f"{pair.a12 if pair.first == row.strategy else 1 - pair.a12:.2f}"
            p = f"{pair.holm:.3g}"
        rows.append((row.strategy, str(row.n), *numbers, place, effect, p))
    return rows


def comparison_page(
    plan: Plan, found: Sequence[Outcome], drawn: Sequence[Sequence[Picture]], command: str
) -> Page:
    """Return the page of a comparison.

    :param drawn: the pictures of each problem.
    """
    named = [
        spec.label
        + (f" ({', '.join([spec.name, *map(_setting, spec.options.items())])})" if spec.options else "")
        for spec in plan.strategies
    ]
    lead = [Text(command, "command")] if command else []
    seeds = f"{counted(len(plan.seeds), 'seed')}, from {plan.seeds[0]} to {plan.seeds[-1]}."
    lead.append(Text(f"{seeds} Strategies: {', '.join(named)}.", "soft"))
    sections = [
        Section(f"problem-{number}", one.problem, [*_found(one), *shown, *_pairs(one)])
        for number, (one, shown) in enumerate(zip(found, drawn, strict=True), 1)
    ]
    return Page("Comparison of search strategies", lead, sections)


def _setting(option: tuple[str, Any]) -> str:
    return f"{option[0]} {option[1]}"


def _title(one: Outcome) -> str:
    return _METRICS.get(one.metric, one.metric.replace("_", " "))


def _unit(one: Outcome) -> str:
    return " (%)" if one.metric.endswith("accuracy") else ""


def _budget(one: Outcome) -> str:
    budget = f"{one.budget:,.0f} {_UNITS.get(one.unit, one.unit)}"
    prepaid = max((result["prepaid"] for result in one.results), default=0)
    after = f" after {prepaid:,.0f} of pretraining, which count for every strategy" if prepaid else ""
    return budget + after


def _settings(one: Outcome) -> str:
    return ", ".join(map(_setting, ((k, v) for k, v in one.settings.items() if v not in ({}, None))))


def _notes(one: Outcome) -> Iterator[str]:
    """What a reader has to know before the figures."""
    n = min((row.n for row in one.summary), default=0)
    if "fitness.invented" in one.settings:
        yield "These measurements are invented; they say nothing about networks."
    if one.paired and n < 6:
        yield f"With {n} pairs Wilcoxon's test cannot give p below {2 / 2**n:.3g}."
    converged = sum(bool(result["converged"]) for result in one.results)
    if converged:
        searches = counted(converged, "search").replace("searchs", "searches")
        yield f"{searches} converged: they asked for nothing new and left budget unused."


def _found(one: Outcome) -> Iterator[Any]:
    better = "larger" if one.higher else "smaller"
    told = f"Result: {_title(one)}{_unit(one)} of the architecture that a search chose by its own signal; "
    yield Text(f"{told}{better} is better. Budget: {_budget(one)}.")
    yield Text(_settings(one), "soft")
    yield from (Text(note, "warning") for note in _notes(one))
    yield Table(COLUMNS, table_rows(one))
    under = "A: probability that a result is better than one of the first row (one half: no difference); p of the test "
    under += "between the two, corrected for all pairs; rank: mean over seeds, 1 is best."
    if one.ranks is not None and math.isfinite(one.ranks.friedman):
        p, blocks = one.ranks.friedman, one.ranks.blocks
        under += f" Friedman test that all strategies are equal: p = {p:.3g} over {blocks} seeds"
        under += f"; critical difference of mean ranks by Nemenyi's test at 5 %: {one.ranks.critical:.2f}."
    yield Text(under, "soft")


def _pairs(one: Outcome) -> Iterator[Any]:
    if len(one.pairs) < 2:
        return
    test = "Wilcoxon's signed ranks of paired seeds" if one.paired else "Mann and Whitney's test"
    yield Text(
        f"{test}, two-sided, p corrected by Holm's method for {len(one.pairs)} pairs. A: probability that a result of "
        "the first is better than one of the second. Marked: corrected p below 0.05."
    )
    ordered = sorted(one.pairs, key=lambda pair: pair.holm)
    rows = [
        (
            pair.first, pair.second, value_text(pair.difference, one.metric), f"{pair.a12:.2f}", f"{pair.p:.3g}",
            f"{pair.holm:.3g}",
        )
        for pair in ordered
    ]  # fmt: skip
    head = ("first", "second", f"difference of means{_unit(one)}", "A", "p", "p (Holm)")
    marked = frozenset(place for place, pair in enumerate(ordered) if pair.holm < 0.05)
    yield Table(head, rows, own=marked, texts=2)


def _pictures(one: Outcome) -> Iterator[Picture]:
    x, metric, unit = _UNITS.get(one.unit, one.unit), _title(one), _unit(one)
    factor = 100 if unit else 1
    values = {name: {seed: factor * v for seed, v in seeds.items()} for name, seeds in one.values.items()}
    yield _picture("Result of each seed", pictures.seeds_figure(values, metric + unit))
    if one.ranks is not None:
        yield _picture(
            "Mean ranks", pictures.ranks_figure(one.ranks.mean, one.ranks.nemenyi, one.ranks.critical)
        )
    final, signal, entropy = (bands(one.results, what) for what in ("final", "signal", "entropy"))
    if final and any(len(each["curve"]) > 1 and each["curve"][0][2] is not None for each in one.results):
        shown = {
            name: replace(b, mean=factor * b.mean, low=factor * b.low, high=factor * b.high)
            for name, b in final.items()
        }
        yield _picture(f"Best so far: {metric} of the choice", pictures.bands_figure(shown, x, metric + unit))
    yield _picture("Best so far: what the search sees", pictures.bands_figure(signal, x, "search signal"))
    if entropy:
        label = "entropy of the population (nats)"
        yield _picture("Diversity", pictures.bands_figure(entropy, x, label))


def _picture(title: str, figure: Any) -> Picture:
    return Picture(figure, title, title)


def _file(one: Outcome, picture: Picture) -> Path:
    title = re.sub(r"[^a-z]+", "-", picture.text.lower()).strip("-")
    return Path("figures") / f"{one.problem}-{title}.svg"


def _markdown(found: Sequence[Outcome], drawn: Sequence[Sequence[Picture]], command: str) -> str:
    lines = ["# Comparison of search strategies", "", f"`{command}`" if command else ""]
    for one, shown in zip(found, drawn, strict=True):
        better = "larger" if one.higher else "smaller"
        lines += [
            "",
            f"## {one.problem}",
            "",
            f"Result: {_title(one)}{_unit(one)}, {better} is better. Budget: {_budget(one)}. {_settings(one)}.",
            *_notes(one),
            "",
            "| " + " | ".join(COLUMNS) + " |",
            "|---" + "|---:" * (len(COLUMNS) - 1) + "|",
            *("| " + " | ".join(row) + " |" for row in table_rows(one)),
            "",
            "A: probability that a result is better than one of the first row (one half: no difference); "
            "p of the test between the two, corrected for all pairs.",
        ]
        for picture in shown:
            lines += ["", f"![{picture.text}]({_file(one, picture).as_posix()})"]
    return "\n".join(lines) + "\n"
