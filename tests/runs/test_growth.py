"""The schedule of depth: every strategy's networks are small at first and grow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tdgnas.budget import Budget
from tdgnas.files.tables import read_events, read_table
from tdgnas.individual import AccuracyFitness
from tdgnas.runs import ConfigError, Experiment
from tdgnas.runs.growth import Growth
from tdgnas.runs.problems import problem_sections
from tdgnas.runs.search import Search
from tdgnas.spaces import NasRL, VGGShortcuts
from tdgnas.strategies import create

SPACE = NasRL(layers=(1, 2, 4), heights=(1, 3), widths=(), filters=(2, 3), image_size=8)


class Deeper:
    """Deep networks are better; it notes the depths that it is asked for."""

    def __init__(self) -> None:
        self.budget, self.depths = Budget(), []

    def __call__(self, individual: Any) -> tuple[float]:
        choices = SPACE.decode(individual).choices
        self.budget.requests += 1
        self.budget.evaluations += 1
        self.depths.append(SPACE.depth(choices))
        return (self.depths[-1] + sum(choices) / 100,)


def searched(name: str, **settings: Any) -> tuple[Search, Deeper]:
    evaluate = Deeper()
    growth = Growth(SPACE.decisions, 12, evaluate.budget)
    strategy = create(name, growth.decisions, seed=0, fitness=AccuracyFitness, **settings)
    search = Search(strategy, evaluate, evaluate.budget, unit="evaluations", limit=48, begin=growth)
    search.run()
    return search, evaluate


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("random", {"batch": 4}),
        ("aging", {"population": 6, "batch": 3}),
        ("ga", {"population": 6}),
        ("tdga", {"population": 6}),
        ("local-search", {}),
        ("reinforce-table", {"batch": 4}),
        ("reinforce-lstm", {"batch": 4}),
    ],
)
def test_networks_of_every_strategy_grow(name: str, settings: dict[str, Any]) -> None:
    search, evaluate = searched(name, **settings)
    for place, depth in enumerate(evaluate.depths):
        due = SPACE.depths[min(place // 12, 2)]
        assert depth <= due
    assert evaluate.depths[:12] == [1] * 12  # all of these batches end at 12
    assert evaluate.depths[-6:] == [4] * 6
    best = SPACE.decode(search.trace.points[-1][2])
    assert SPACE.depth(best.choices) == 4


def test_nothing_is_learned_of_the_depth_or_of_what_is_beyond() -> None:
    search, evaluate = searched("reinforce-table", batch=4)
    strategy = search.strategy
    learned = [
        np.any(strategy.logits[start:end])
        for start, end in zip(strategy.starts, strategy.starts[1:], strict=False)
    ]
    assert not learned[0]
    evaluate.budget.requests = 0
    shallow = Growth(SPACE.decisions, 99, Budget())
    individual = strategy.individual(SPACE.sample().choices)
    shallow([individual])
    live = dict(
        zip(
            (one.name for one in SPACE.decisions),
            shallow.decisions.live(SPACE.decode(individual).choices),
            strict=True,
        )
    )
    assert {name for name, own in live.items() if own} == {"height1", "filters1"}
    deep = SPACE.architecture([2, *[1] * (len(SPACE.decisions) - 1)]).choices
    assert shallow.decisions.canonical(deep) == deep  # the depth is part of what a network is
    assert sum(shallow.decisions.live(deep)) == len(deep) - 1


def test_a_run_grows_as_its_configuration_says(tmp_path: Path) -> None:
    sections = problem_sections("digits-nas-rl:space.grow=4")
    sections["space"]["settings"] |= {"layers": [1, 3], "filters": [2, 3]}
    settings = {
        **sections,
        "data": {"train": 16, "valid": 12, "test": 12},
        "strategy": {"name": "random", "batch": 2},
        "budget": {"unit": "generations", "limit": 3},
        "retrain": {"epochs": 0},
    }
    Experiment("digits-nas-rl", settings=settings, folder=tmp_path / "run").run()
    events = read_events(tmp_path / "run" / "events.jsonl")
    assert [event["choices"][0] for event in events] == [0] * 4 + [1] * 4
    children = read_table(tmp_path / "run" / "children.csv")
    assert (
        len({row["choices"] for row in children}) == len(children) > 4
    )  # what is asked for again is not trained


def test_a_space_without_depths_and_no_samples_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"space\.grow: grow needs a decision on the depth"):
        Experiment("digits-nas-rl", settings={"space": {"grow": 4}}, folder=tmp_path / "run")
    with pytest.raises(ConfigError, match="greater than or equal to 1"):
        Experiment("digits-nas-rl", settings={"space": {"grow": 0}}, folder=tmp_path / "run")
    with pytest.raises(ValueError, match="decision on the depth"):
        Growth(VGGShortcuts().decisions, 4, Budget())
