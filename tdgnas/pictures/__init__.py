"""All pictures, in one style: architectures, curves, results, where the best one comes from.

Functions take plain data and return figures, which :func:`save` writes to files; spaces know nothing of them.
"""

from .architectures import architecture_figure, draw, register_drawing
from .cells import cell_figure, weights_figure
from .curves import bands_figure, forecast_figure, runs_figure, search_figure, training_figure
from .graph import graph_figure
from .lineage import choices_figure, family_figure
from .results import front_figure, pareto_figure, points_figure, ranks_figure, seeds_figure
from .style import new_figure, save, styled, svg

__all__ = [
    "architecture_figure", "bands_figure", "cell_figure", "choices_figure", "draw", "family_figure",
    "forecast_figure", "front_figure", "graph_figure", "new_figure", "pareto_figure", "points_figure", "ranks_figure",
    "register_drawing", "runs_figure", "save", "search_figure", "seeds_figure", "styled", "svg",
    "training_figure", "weights_figure",
]  # fmt: skip
