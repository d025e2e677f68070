"""Figures of a run: what they show, gaps where there are no numbers, and that no record makes them fail."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tdgnas.comparison.curves import Band
from tdgnas.pictures import (
    bands_figure,
    forecast_figure,
    pareto_figure,
    points_figure,
    ranks_figure,
    save,
    search_figure,
    seeds_figure,
    svg,
    training_figure,
)

HISTORY = [
    {
        "gen": gen, "nevals": 20, "best": 1 / (gen + 1), "mean": 2 / (gen + 1), "entropy": 10.0 - gen,
        "temperature": None if gen == 0 else 10.0 ** -gen, "gates": 5 + gen % 3, "distinct": 9 - gen,
    }
    for gen in range(6)
]  # fmt: skip
FORECASTS = [
    {"gen": 0, "predicted": None},
    *({"gen": 1 + n, "predicted": n - 1.0, "uncertainty": 0.5, "reached": n - 0.8} for n in range(3)),
]
EPOCHS = [
    {
        "epoch": n, "train_loss": 2.0 / n, "valid_loss": 2.5 / n, "train_accuracy": 0.1 * n,
        "valid_accuracy": 0.09 * n, "gates": 30.5,
    }
    for n in range(1, 5)
]  # fmt: skip
RESULTS = [
    {"row": "VGG19", "valid_accuracy": 0.931, "test_accuracy": 0.93},
    {"row": "random", "valid_accuracy": 0.932, "test_accuracy": 0.94},
    {"row": "random", "valid_accuracy": 0.934, "test_accuracy": 0.92},
    {"row": "TDGA", "valid_accuracy": 0.95, "test_accuracy": 0.94},
]
DRAW: list[tuple[Callable[..., Figure], list[dict[str, Any]]]] = [
    (search_figure, HISTORY),
    (training_figure, EPOCHS),
    (points_figure, RESULTS),
]


def panels(figure: Figure) -> dict[str, Axes]:
    return {axes.get_ylabel().replace("\n", " "): axes for axes in figure.axes}


def curve(axes: Axes, number: int = 0) -> list[float]:
    """Values of the number-th curve; every curve is followed by the markers of its lone points."""
    return [float(value) for value in axes.lines[2 * number].get_ydata()]


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
@pytest.mark.parametrize(("draw", "records"), [*DRAW, (forecast_figure, FORECASTS)])
def test_every_figure_is_written_in_every_format_with_equal_bytes_whatever_the_users_settings(
    draw: Callable[..., Figure], records: list[dict[str, Any]], suffix: str, tmp_path: Path
) -> None:
    one, other = save(draw(records), tmp_path / f"a{suffix}", tmp_path / f"b{suffix}")
    with matplotlib.rc_context({"font.size": 20, "lines.linewidth": 9, "axes.facecolor": "red"}):
        [again] = save(draw(records), str(tmp_path / f"c{suffix}"))
    assert one.read_bytes() == other.read_bytes() == again.read_bytes()
    assert len(one.read_bytes()) > 1000


def test_search_has_a_panel_with_units_for_each_quantity() -> None:
    figure = search_figure(HISTORY, title="TDGA")
    found = panels(figure)
    assert list(found) == [
        "energy (loss in nats)", "entropy (nats)", "temperature (energy per nat)", "active choices of the best",
        "distinct genotypes",
    ]  # fmt: skip
    assert curve(found["energy (loss in nats)"]) == [record["best"] for record in HISTORY]
    assert curve(found["energy (loss in nats)"], 1) == [record["mean"] for record in HISTORY]
    assert found["temperature (energy per nat)"].get_yscale() == "log"
    assert found["entropy (nats)"].get_yscale() == "linear"
    assert found["distinct genotypes"].get_xlabel() == "generation"
    assert [text.get_text() for text in figure.texts] == ["TDGA"]


def test_quantities_that_were_not_recorded_have_no_panel() -> None:
    history = [{"gen": gen, "best": 1.0, "temperature": None, "shortcuts": 7} for gen in range(3)]
    figure = search_figure(history)
    assert list(panels(figure)) == ["energy (loss in nats)", "active choices of the best"]


def test_temperature_of_zero_has_a_linear_axis() -> None:
    figure = search_figure([{"gen": gen, "temperature": 0.0} for gen in range(3)])
    assert figure.axes[0].get_yscale() == "linear"


def test_values_that_are_not_finite_leave_gaps_and_are_counted() -> None:
    history = [
        {"gen": gen, "best": best}
        for gen, best in enumerate([1.0, math.nan, 0.8, math.inf, 0.6, 0.5, 1e6, -math.inf, None])
    ]
    figure = search_figure(history)
    axes = figure.axes[0]
    assert [math.isnan(value) for value in curve(axes)] == [
        False,
        True,
        False,
        True,
        False,
        False,
        True,
        True,
        True,
    ]
    assert axes.get_title(loc="right") == "4 values not finite or off the scale"
    assert axes.get_ylim()[1] < 2
    lone = axes.lines[1]
    assert [float(x) for x in lone.get_xdata()] == [0.0, 2.0], "points between gaps need a marker to be seen"


def test_one_generation_is_visible() -> None:
    figure = search_figure(HISTORY[:1])
    energy = figure.axes[0]
    low, high = energy.get_ylim()
    assert low < 1.0 < 2.0 < high
    assert [float(line.get_ydata()[0]) for line in energy.lines[1::2]] == [1.0, 2.0]


def test_nothing_finite_is_said_instead_of_failing() -> None:
    figure = search_figure([{"gen": 0, "best": math.nan}])
    assert "no finite values were recorded" in [text.get_text() for text in figure.axes[0].texts]
    figure = points_figure([{"row": "TDGA", "test_accuracy": math.nan}])


def test_training_is_in_percent_and_nats() -> None:
    figure = training_figure(EPOCHS)
    found = panels(figure)
    assert list(found) == ["loss (nats)", "accuracy (%)", "open gates (sum of the weights)"]
    assert curve(found["accuracy (%)"], 1) == pytest.approx([9, 18, 27, 36])
    figure = training_figure([{k: v for k, v in r.items() if k != "gates"} for r in EPOCHS])
    assert list(panels(figure)) == ["loss (nats)", "accuracy (%)"]


def test_results_show_each_draw_and_the_mean_of_a_row() -> None:
    figure = points_figure(RESULTS)
    [axes] = figure.axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["VGG19", "random\n(mean of 2)", "TDGA"]
    assert [text.get_text() for text in axes.texts] == ["93.10", "93.30", "95.00", "93.00", "93.00", "94.00"]
    draws = [line for line in axes.lines if line.get_marker() == "|"]
    assert [sorted(map(float, line.get_xdata())) for line in draws] == [
        pytest.approx([93.2, 93.4]),
        pytest.approx([92.0, 94.0]),
    ]
    assert axes.get_xlabel() == "accuracy (%)"


def test_accuracy_axis_has_no_tick_beyond_100_percent() -> None:
    figure = points_figure([{"row": "TDGA", "test_accuracy": 1.0}])
    ticks = figure.axes[0].get_xticks()
    assert len(ticks) > 1
    assert max(ticks) <= 100


def test_predictions_that_came_true_lie_on_the_diagonal() -> None:
    figure = forecast_figure(FORECASTS)
    reached, calibration = figure.axes
    assert list(reached.lines[0].get_xdata()) == pytest.approx([-1.0, 0.0, 1.0])
    assert list(reached.lines[0].get_ydata()) == pytest.approx([-0.8, 0.2, 1.2])
    assert list(calibration.lines[0].get_ydata())[::40] == [0.0, 1.0]
    with pytest.raises(ValueError, match="no record has predicted"):
        forecast_figure(HISTORY)


@pytest.mark.parametrize(("draw", "records"), DRAW)
def test_mistakes_are_named_before_anything_is_written(
    draw: Callable[..., Figure], records: list[dict[str, Any]], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        draw([])
    with pytest.raises(ValueError, match=r"'(gen|epoch|row)'"):
        draw([*records, {"best": 1.0}])
    figure = draw(records)
    with pytest.raises(ValueError, match="must end in"):
        save(figure, tmp_path / "a.png", tmp_path / "a.jpeg")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        save(figure, tmp_path / "nowhere" / "a.png")
    with pytest.raises(ValueError, match="at least one file"):
        save(figure)
    assert list(tmp_path.iterdir()) == []


def test_measures_of_another_task_are_drawn_under_their_names() -> None:
    records = [{"epoch": n, "train_iou": 0.1 * n, "valid_iou": 0.2} for n in range(3)]
    assert list(panels(training_figure(records))) == ["iou"]
    figure = points_figure([{"row": "a", "valid_iou": 0.5, "test_iou": 1.5}])
    assert figure.axes[0].get_xlabel() == "iou"
    assert [text.get_text() for text in figure.axes[0].texts] == ["0.50", "1.50"]


def test_large_networks_and_diverged_ones_are_set_against_their_size() -> None:
    results = [
        {"row": "a", "test_accuracy": 0.5, "parameters": 20_040_522},
        {"row": "a", "test_accuracy": math.nan, "parameters": 10},
        {"row": "b", "test_accuracy": 0.7, "parameters": 5},
    ]
    found, trained = pareto_figure([(3.0, 0.5), (1.0, 0.2)], (3.0, 0.5), results, "b").axes
    assert [line.get_xdata().tolist() for line in trained.lines] == [[20_040_522], [5]]
    assert [line.get_ydata().tolist() for line in trained.lines] == [[50.0], [70.0]]
    assert found.get_title(loc="left") == "evaluated in the search"


def test_figures_of_a_comparison_have_equal_bytes_whatever_the_users_settings() -> None:
    """The user's matplotlibrc changed the figures of comparisons."""
    grid = np.linspace(0, 10, 5)
    curves = {name: Band(grid, grid + n, grid + n - 1, grid + n + 1) for n, name in enumerate("ab")}
    p = {"a": {"a": 1.0, "b": 0.01}, "b": {"a": 0.01, "b": 1.0}}

    def draw() -> list[bytes]:
        values = {"a": {0: 1.0, 1: 2.0}, "b": {0: 3.0, 1: 4.0}}
        drawn = [
            bands_figure(curves, "x", "y"),
            seeds_figure(values, "z"),
            ranks_figure({"a": 1, "b": 2}, p, 0.5),
        ]
        return [svg(figure) for figure in drawn]

    first = draw()
    with matplotlib.rc_context({"font.size": 20, "lines.linewidth": 9, "svg.fonttype": "none"}):
        assert draw() == first


VALUES = st.one_of(st.none(), st.floats(), st.integers(-(10**400), 10**400), st.booleans(), st.just("text"))


@given(
    st.lists(
        st.fixed_dictionaries({key: VALUES for key in HISTORY[0] if key != "gen"}), min_size=1, max_size=5
    )
)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_record_makes_a_figure_fail(tmp_path: Path, records: list[dict[str, Any]]) -> None:
    svg(search_figure([{**record, "gen": gen} for gen, record in enumerate(records)]))
    named = [{"row": "a", "valid_accuracy": r["best"], "test_accuracy": r["mean"]} for r in records]
    svg(points_figure(named))
