"""Figures of a comparison as SVG text, to be put into a page as they are."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from ..spaces.picture import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION
from .curves import Band
from .statistics import Ranks, Results

_STYLE: Any = {"svg.fonttype": "none", "svg.hashsalt": "tdgnas", "font.size": 9, "axes.spines.top": False}
_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, "#000000", "#999933", "#882255")
_DASHES = ("-", "--", "-.", ":")


def style(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return a colour and a line style for each strategy, the same in every figure."""
    return {
        name: (_COLOURS[k % len(_COLOURS)], _DASHES[k // len(_COLOURS) % len(_DASHES)])
        for k, name in enumerate(names)
    }


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _svg(figure: Any) -> str:
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context(_STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def curve_figure(curves: Mapping[str, Band], colours: Mapping[str, tuple[str, str]], x: str, y: str) -> str:
    """Draw means with their confidence bands."""
    import matplotlib

    with matplotlib.rc_context(_STYLE):
        figure = _figure(7.2, 3.6)
        axes = figure.add_subplot()
        for name, one in curves.items():
            colour, dash = colours[name]
            axes.plot(one.grid, one.mean, dash, color=colour, label=name, linewidth=1.5)
            axes.fill_between(one.grid, one.low, one.high, color=colour, alpha=0.15, linewidth=0)
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        _tighten(axes, curves)
        figure.legend(loc="outside right upper", frameon=False)
        return _svg(figure)


def _tighten(axes: Any, curves: Mapping[str, Band]) -> None:
    # The first few evaluations are far off and would press all that matters into a line.
    import numpy as np

    late = [one.mean[len(one.mean) // 20 :] for one in curves.values()]
    values = np.concatenate(late) if late else np.array([])
    values = values[~np.isnan(values)]
    if len(values) and np.ptp(values) > 0:
        low, high = np.quantile(values, 0.02), values.max()
        if abs(values.min() - low) < 0.25 * np.ptp(values):
            low = values.min()
        margin = 0.08 * (high - low) or 0.01
        axes.set_ylim(low - margin, high + margin)


def result_figure(results: Results, colours: Mapping[str, tuple[str, str]], label: str) -> str:
    """Draw every result as a dot, with boxes of the quartiles."""
    import matplotlib

    with matplotlib.rc_context(_STYLE):
        figure = _figure(7.2, 0.5 + 0.38 * len(results))
        axes = figure.add_subplot()
        names = list(results)[::-1]
        values = [list(results[name].values()) for name in names]
        axes.boxplot(values, orientation="horizontal", showfliers=False, medianprops={"color": "black"})
        for place, (name, own) in enumerate(zip(names, values, strict=True), start=1):
            # Dots are spread by their order, not at random: the figure is the same every time.
            heights = [place + 0.24 * ((k * 0.618) % 1 - 0.5) for k in range(len(own))]
            axes.plot(own, heights, "o", color=colours[name][0], markersize=3, alpha=0.6)
        axes.set_yticks(range(1, len(names) + 1), names)
        axes.set_xlabel(label)
        return _svg(figure)


def rank_figure(ranks: Ranks) -> str:
    """Draw mean ranks with the critical difference; bars join what does not differ significantly."""
    import matplotlib
    from pandas import DataFrame
    from scikit_posthocs import critical_difference_diagram

    with matplotlib.rc_context(_STYLE):
        figure = _figure(7.2, 1.0 + 0.2 * len(ranks.mean))
        axes = figure.add_subplot()
        axes.set_title(f"critical difference {ranks.critical:.2f}")
        critical_difference_diagram(
            ranks.mean,
            DataFrame(ranks.nemenyi),
            ax=axes,
            label_fmt_left="{label} ({rank:.2f})",
            label_fmt_right="({rank:.2f}) {label}",
            elbow_props={"color": "#555555", "linewidth": 0.7},
        )
        return _svg(figure)
