"""Curves by generation, by epoch and over a budget.

Values that are not finite, or missing, leave a gap in their curve; a quantity that was never recorded has no panel.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import style
from .style import Axes, Figure, line_styles, new_figure, styled, whole_ticks

if TYPE_CHECKING:
    from ..comparison.curves import Band

Record = Mapping[str, Any]
_Curve = tuple[str, str, str, str]  # key of the record, label, colour, line
# A diverged network's loss becomes a huge finite number (its task's worst), which would flatten every real curve.
OFF_SCALE = 1e5


@styled
def search_figure(
    history: Sequence[Record], title: str = "", energy: str = "energy\n(loss in nats)"
) -> Figure:
    """Draw a search by generation: energies, entropy, temperature, active choices of the best, distinct genotypes.

    :param history: a record per generation with ``gen`` and any of ``best``, ``mean``, ``entropy``, ``temperature``,
        ``gates`` (or ``shortcuts``), ``distinct``, ``fidelity``, ``rank_correlation``; the records of :func:`evolve`
        are such.
    :param title: above the figure.
    :param energy: name and unit of the energies.
    :raises ValueError: for an empty history, or a record without ``gen``.
    """
    x = _steps(history, "gen", "history")
    gates = "gates" if any("gates" in record for record in history) else "shortcuts"
    panels: list[tuple[str, list[_Curve]]] = [
        (
            energy,
            [("best", "best", style.BLUE, "-"), ("mean", "mean of the population", style.VERMILLION, "--")],
        ),
        ("entropy (nats)", [("entropy", "", style.GREEN, "-")]),
        ("temperature\n(energy per nat)", [("temperature", "", style.PURPLE, "-")]),
        ("active choices\nof the best", [(gates, "", style.BLUE, "steps")]),
        ("distinct genotypes", [("distinct", "", style.INK, "steps")]),
        ("share of the\nfull effort", [("fidelity", "", style.SKY, "steps")]),
        ("rank correlation\nof the predictions", [("rank_correlation", "", style.ORANGE, "-")]),
    ]
    return _panels(history, x, panels, title, "generation")


@styled
def training_figure(records: Sequence[Record], title: str = "", loss: str = "loss (nats)") -> Figure:
    """Draw the pretraining of a supernet, or the training of a network, by epoch.

    :param records: a record per epoch with ``epoch`` and any of ``train_<measure>``, ``valid_<measure>`` (accuracies
        between 0 and 1 are shown in percent) and ``gates`` (sum of the relaxed gates).
    :param title: above the figure.
    :param loss: name and unit of the loss.
    :raises ValueError: for no records, or a record without ``epoch``.
    """
    x = _steps(records, "epoch", "list of epochs")
    sides = (("train", "training", style.BLUE, "-"), ("valid", "validation", style.VERMILLION, "--"))
    keys = [key for record in records for key in record if key.startswith(("train_", "valid_"))]
    names = dict.fromkeys(key.partition("_")[2] for key in keys)
    titles = {"loss": loss, "accuracy": "accuracy (%)"}
    panels: list[tuple[str, list[_Curve]]] = [
        (titles.get(name, name), [(f"{key}_{name}", *rest) for key, *rest in sides])  # type: ignore[misc]
        for name in names
    ]
    panels.append(("open gates\n(sum of the weights)", [("gates", "", style.GREEN, "-")]))
    percent = [
        {k: 100 * v if k.endswith("accuracy") and is_number(v) else v for k, v in record.items()}
        for record in records
    ]
    return _panels(percent, x, panels, title, "epoch")


@styled
def runs_figure(runs: Mapping[str, Sequence[Record]]) -> Figure:
    """Draw the searches of several runs over one another: best energy, entropy, distinct genotypes.

    :param runs: the history of each run by its name.
    """
    figure = new_figure(10, 3.6, fitted=True)
    keys = {"best": "best energy", "entropy": "entropy (nats)", "distinct": "distinct genotypes"}
    for axes, (key, name) in zip(figure.subplots(1, 3), keys.items(), strict=True):
        for run, (colour, dash) in line_styles(list(runs)).items():
            shown = [row for row in runs[run] if is_number(row.get(key))]
            x, y = [row["gen"] for row in shown], [row[key] for row in shown]
            axes.plot(x, y, dash, color=colour, label=run)
        axes.set_title(name)
        axes.grid()
        if key == "distinct":
            axes.locator_params(axis="y", integer=True, min_n_ticks=1)
        whole_ticks(axes, "generation")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=4)
    return figure


@styled
def bands_figure(curves: Mapping[str, Band], x: str, y: str) -> Figure:
    """Draw means over seeds with their confidence bands.

    :param curves: a band of each strategy.
    """
    import numpy as np

    figure = new_figure(8, 3.6, fitted=True)
    axes = figure.add_subplot(xlabel=x, ylabel=y)
    for name, (colour, dash) in line_styles(list(curves)).items():
        one = curves[name]
        axes.plot(one.grid, one.mean, dash, color=colour, label=name)
        axes.fill_between(one.grid, one.low, one.high, color=colour, alpha=0.15, linewidth=0)
    # The first few evaluations are far off and would press all that matters into a line.
    values = np.concatenate([one.mean[len(one.mean) // 20 :] for one in curves.values()] or [np.array([])])
    values = values[~np.isnan(values)]
    if len(values) and np.ptp(values) > 0:
        low, high = float(np.quantile(values, 0.02)), float(values.max())
        if low - values.min() < 0.25 * np.ptp(values):
            low = float(values.min())
        margin = 0.08 * (high - low) or 0.01
        axes.set_ylim(low - margin, high + margin)
    axes.grid()
    figure.legend(loc="outside right upper")
    return figure


@styled
def forecast_figure(history: Sequence[Record]) -> Figure:
    """Draw what a search predicted against what it found, and how often its uncertainty was right.

    :param history: records of which some have ``predicted``, ``uncertainty`` (a standard deviation) and ``reached``.
    :raises ValueError: when none has.
    """
    import numpy as np
    from scipy.stats import norm

    keys = ("predicted", "uncertainty", "reached")
    rows = [
        [float(row[key]) for key in keys] for row in history if all(is_number(row.get(key)) for key in keys)
    ]
    if not rows:
        raise ValueError(f"there is nothing to draw: no record has {', '.join(keys)}")
    predicted, unsure, reached = np.array(rows).T
    figure = new_figure(8, 3.6, fitted=True)
    left, right = figure.subplots(1, 2)
    left.errorbar(
        predicted, reached, xerr=unsure, fmt="o", markersize=3, color=style.BLUE, ecolor=style.SKY, lw=0.6
    )
    ends = [min(predicted.min(), reached.min()), max(predicted.max(), reached.max())]
    left.plot(ends, ends, "--", color=style.GREY)
    left.set(xlabel="predicted, with one standard deviation", ylabel="reached")
    shares = np.linspace(0, 1, 41)
    scores = norm.cdf((reached - predicted) / unsure)
    right.plot(shares, [(scores <= share).mean() for share in shares], color=style.BLUE)
    right.plot([0, 1], [0, 1], "--", color=style.GREY)
    right.set(xlabel="predicted to be below, share", ylabel="was below, share", title="calibration")
    for axes in (left, right):
        axes.grid()
    return figure


def is_number(value: Any) -> bool:
    """Whether a value is a finite number; booleans and text are not."""
    try:
        return not isinstance(value, (bool, str)) and math.isfinite(float(value))
    except (TypeError, ValueError, OverflowError):
        return False


def _steps(records: Sequence[Record], key: str, what: str) -> list[float]:
    if not records:
        raise ValueError(f"there is nothing to draw: the {what} is empty")
    for place, record in enumerate(records):
        if not is_number(record.get(key)):
            found = f"record {place} of the {what} has {key!r} {record.get(key)!r}"
            raise ValueError(f"{found}; a number is needed")
    return [float(record[key]) for record in records]


def _panels(
    records: Sequence[Record],
    x: Sequence[float],
    panels: Sequence[tuple[str, Sequence[_Curve]]],
    title: str,
    step: str,
) -> Figure:
    known = {key for record in records for key, value in record.items() if is_number(value)}
    there = [(name, [curve for curve in curves if curve[0] in known]) for name, curves in panels]
    shown = [(name, curves) for name, curves in there if curves]
    count = max(1, len(shown))
    figure = new_figure(8, 1.45 * count + 0.4 + 0.3 * bool(title), title, fitted=True)
    stacked = figure.subplots(count, 1, sharex=True, squeeze=False)[:, 0]
    for axes, (name, curves) in zip(stacked, shown, strict=False):
        lost = sum([_draw_curve(axes, x, records, curve) for curve in curves])
        _readable_limits(axes, curves)
        axes.set_ylabel(name)
        axes.grid()
        if lost:
            text = f"{lost} value{'s' if lost > 1 else ''} not finite or off the scale"
            axes.set_title(text, loc="right", fontsize=8, color=style.GREY, pad=3)
        if any(curve[1] for curve in curves):
            above = 1.0 + 0.1 * bool(lost)
            axes.legend(loc="lower right", bbox_to_anchor=(1, above), ncols=2, borderaxespad=0)
    if not shown:
        stacked[0].text(0.5, 0.5, "no finite values were recorded", ha="center", color=style.GREY)
        stacked[0].set_yticks([])
    room = 0.02 * (max(x) - min(x)) or 0.5
    stacked[-1].set_xlim(min(x) - room, max(x) + room)
    whole_ticks(stacked[-1], step)
    figure.align_ylabels()
    return figure


def _draw_curve(axes: Axes, x: Sequence[float], records: Sequence[Record], curve: _Curve) -> int:
    """Draw a curve with gaps; return how many values it could not show."""
    key, label, colour, line = curve
    shown = [is_number(r.get(key)) and abs(float(r[key])) < OFF_SCALE for r in records]
    y = [float(r[key]) if ok else math.nan for ok, r in zip(shown, records, strict=True)]
    shape: dict[str, Any] = {"drawstyle": "steps-mid"} if line == "steps" else {"linestyle": line}
    axes.plot(x, y, color=colour, label=label or None, **shape)
    # A value between two gaps, or a lone one, would be an invisible line.
    padded = [False, *shown, False]
    alone = [n for n, ok in enumerate(shown) if ok and not padded[n] and not padded[n + 2]]
    axes.plot([x[n] for n in alone], [y[n] for n in alone], "o", markersize=4, color=colour)
    return sum(not ok and r.get(key) is not None for ok, r in zip(shown, records, strict=True))


def _readable_limits(axes: Axes, curves: Sequence[_Curve]) -> None:
    """Whole ticks for counts, a logarithmic axis for a temperature that falls."""
    drawn: list[Any] = [y for line in axes.lines for y in line.get_ydata()]  # type: ignore[union-attr]
    values = [float(y) for y in drawn if math.isfinite(y)]
    if curves[0][3] == "steps":
        axes.locator_params(axis="y", nbins=4, integer=True, min_n_ticks=1)
    elif curves[0][0] == "temperature" and values and 0 < 3 * min(values) < max(values):
        axes.set_yscale("log")
