"""Evolution.save and load: a search of one's own, with one's own operators, goes on as if it had not stopped."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from deap import base, cma, creator, tools

from tdgnas.algorithms import Evolution, evolve
from tdgnas.decision import Decision
from tdgnas.individual import Individual
from tdgnas.operators import Feedback, selThermodynamic
from tdgnas.strategies import TDGA, create


class Annealed:
    """A mutation with a state of its own: its step shrinks, and it draws from NumPy's generator."""

    def __init__(self) -> None:
        self.sigma = 1.0

    def __call__(self, individual: Any) -> tuple[Any]:
        """Move every gene."""
        for place in range(len(individual)):
            individual[place] += self.sigma * np.random.standard_normal()
        self.sigma *= 0.99
        return (individual,)

    def state_dict(self) -> dict[str, Any]:
        """The step."""
        return {"sigma": self.sigma}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Set the step."""
        self.sigma = state["sigma"]


def mutNoise(individual: Any, rng: random.Random) -> tuple[Any]:
    """Draw from a generator of its own."""
    individual[0] += rng.random()
    return (individual,)


@pytest.mark.parametrize(
    "rng",
    [
        lambda: random.Random(3),
        lambda: np.random.default_rng(3),
        lambda: np.random.Generator(np.random.MT19937(3)),
        lambda: np.random.RandomState(3),
        lambda: torch.Generator().manual_seed(3),
    ],
    ids=["random", "numpy", "twister", "numpy, old", "torch"],
)
def test_generators_of_operators_are_saved(tmp_path: Path, rng: Callable[[], Any]) -> None:
    def mutate(individual: Any, source: Any) -> tuple[Any]:
        drawn = (
            torch.rand(1, generator=source, dtype=torch.float64).item()
            if isinstance(source, torch.Generator)
            else source.random()
        )
        individual[0] += drawn - 0.5
        return (individual,)

    def begin() -> Evolution:
        evolution = make(ngen=4)
        evolution.toolbox.register("mutate", mutate, source=rng())
        return evolution

    whole, part = begin(), begin()
    random.seed(1)
    list(whole)
    random.seed(1)
    next(part)
    next(part)
    part.save(tmp_path / "a")
    list(part)
    resumed = begin().load(tmp_path / "a")
    list(resumed)
    assert [list(each) for each in resumed.strategy.population] == [
        list(i) for i in whole.strategy.population
    ]
    assert [list(each) for each in part.strategy.population] == [list(i) for i in whole.strategy.population]


def sphere(individual: Any) -> tuple[float]:
    return (sum(gene * gene for gene in individual),)


def make(ngen: int = 8, halloffame: bool = True) -> Evolution:
    """A search of its own; the seeds of everything that draws are set here, as a program does at its beginning."""
    random.seed(5)
    np.random.seed(5)
    toolbox = base.Toolbox()
    toolbox.register("evaluate", sphere)
    toolbox.register("mate", tools.cxBlend, alpha=0.3)
    toolbox.register("mutate", Annealed())
    toolbox.register("local_search", mutNoise, rng=random.Random(11))
    toolbox.register("select", selThermodynamic, temperature=Feedback(1.0, target=2.0))
    population = [Individual([random.gauss(0, 1) for _ in range(5)]) for _ in range(6)]
    strategy = TDGA(population, toolbox, cxpb=0.8, mutpb=0.5, rng=random.Random(7))
    stats = tools.Statistics(lambda individual: individual.fitness.values[0])
    stats.register("worst", max)
    hof = tools.HallOfFame(4) if halloffame else None
    return evolve(strategy, toolbox, ngen, stats=stats, halloffame=hof)


def outcome(evolution: Evolution) -> Any:
    """Everything that must not differ; seconds may."""
    records = [
        {key: value for key, value in record.items() if key != "seconds"} for record in evolution.logbook
    ]
    population = [(list(each), each.fitness.values, each.origin) for each in evolution.strategy.population]
    famous = None if evolution.halloffame is None else [list(each) for each in evolution.halloffame]
    return records, population, famous, random.random(), np.random.random()


@pytest.mark.parametrize("stop", [1, 4, 9])
def test_a_loaded_search_goes_on_as_if_it_had_not_stopped(tmp_path: Path, stop: int) -> None:
    whole = make()
    list(whole)
    wanted = outcome(whole)
    part = make()
    for _ in range(stop):
        next(part)
    part.save(tmp_path / "search.safetensors")
    random.seed(99)
    np.random.seed(99)
    resumed = make().load(tmp_path / "search.safetensors")
    assert resumed.generation == stop
    list(resumed)
    assert outcome(resumed) == wanted
    assert resumed.logbook.stream == whole.logbook.stream


def test_the_state_of_a_decorated_operator_is_saved(tmp_path: Path) -> None:
    def bounded(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def mutate(individual: Any) -> tuple[Any]:
            (individual,) = function(individual)
            individual[0] = min(individual[0], 2.0)
            return (individual,)

        return mutate

    def begin() -> Evolution:
        evolution = make(ngen=4)
        evolution.toolbox.decorate("mutate", bounded)
        return evolution

    whole, part = begin(), begin()
    random.seed(1)
    np.random.seed(1)
    list(whole)
    wanted = outcome(whole)
    random.seed(1)
    np.random.seed(1)
    next(part)
    next(part)
    part.save(tmp_path / "a")
    resumed = begin().load(tmp_path / "a")
    list(resumed)
    assert outcome(resumed) == wanted


def test_individuals_of_creator_with_whole_genes_and_attributes_come_back(tmp_path: Path) -> None:
    creator.create("SavedFitness", base.Fitness, weights=(0.3, -1.7))
    creator.create("SavedList", list, fitness=creator.SavedFitness, note=None)
    try:
        toolbox = base.Toolbox()
        toolbox.register("evaluate", lambda individual: (0.1 * sum(individual), 3.3))
        toolbox.register("mate", tools.cxTwoPoint)
        toolbox.register("mutate", tools.mutFlipBit, indpb=0.3)
        toolbox.register("select", tools.selTournament, tournsize=2)

        def evolution() -> Evolution:
            random.seed(3)
            population = [creator.SavedList(random.randint(0, 1) for _ in range(9)) for _ in range(6)]
            for number, individual in enumerate(population):
                individual.note = f"n{number}"
            return evolve(TDGA(population, toolbox), toolbox, 5)

        first = evolution()
        next(first)
        first.save(tmp_path / "a")
        second = evolution().load(tmp_path / "a")
        for one, other in zip(first.strategy.population, second.strategy.population, strict=True):
            assert type(one) is type(other)
            assert one == other
            assert [type(gene) for gene in one] == [type(gene) for gene in other]
            assert one.fitness.wvalues == other.fitness.wvalues
            assert one.note == other.note
    finally:
        del creator.SavedFitness, creator.SavedList


class Weights:
    """Something else that changes meanwhile."""

    def __init__(self, value: float) -> None:
        self.value = value

    def state_dict(self) -> dict[str, Any]:
        return {"value": self.value}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.value = state["value"]


def test_other_objects_are_saved_by_name(tmp_path: Path) -> None:
    make().save(tmp_path / "a", supernet=Weights(2.5))
    weights = Weights(0.0)
    make().load(tmp_path / "a", supernet=weights)
    assert weights.value == 2.5
    with pytest.raises(
        ValueError, match="was saved with supernet beside the evolution; load was given nothing"
    ):
        make().load(tmp_path / "a")


def other_toolbox() -> Evolution:
    evolution = make()
    evolution.toolbox.register("mutate", tools.mutGaussian, mu=0, sigma=1, indpb=1)
    return evolution


@pytest.mark.parametrize(
    ("loading", "sentence"),
    [
        (other_toolbox, "'mutate'"),
        (lambda: make(halloffame=False), "hall of fame"),
    ],
)
def test_another_kind_of_search_is_refused(
    tmp_path: Path, loading: Callable[[], Evolution], sentence: str
) -> None:
    make().save(tmp_path / "a")
    with pytest.raises(ValueError, match=sentence):
        loading().load(tmp_path / "a")


def test_files_that_are_missing_damaged_or_something_else(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no checkpoint"):
        make().load(tmp_path / "nothing")
    make().save(tmp_path / "a")
    (tmp_path / "b").write_bytes((tmp_path / "a").read_bytes()[:-1])
    with pytest.raises(ValueError, match="is cut short or no checkpoint"):
        make().load(tmp_path / "b")


def test_a_strategy_without_a_state_is_named() -> None:
    toolbox = base.Toolbox()
    toolbox.register("evaluate", sphere)
    evolution = evolve(cma.Strategy([0.0] * 3, 1.0, lambda_=4), toolbox, 2)
    with pytest.raises(TypeError, match="Strategy cannot be saved: it has no state_dict"):
        evolution.state_dict()


def test_what_a_hall_of_fame_could_not_be_made_again_from_is_not_saved() -> None:
    """It was saved, and could not be loaded."""

    class Stateful(cma.Strategy):
        def state_dict(self) -> dict[str, Any]:
            """Nothing."""
            return {}

        def load_state_dict(self, state: dict[str, Any]) -> None:
            """Nothing."""

    toolbox = base.Toolbox()
    toolbox.register("evaluate", sphere)
    evolve(Stateful([0.0] * 3, 1.0, lambda_=4), toolbox, 2).state_dict()
    evolution = evolve(Stateful([0.0] * 3, 1.0, lambda_=4), toolbox, 2, halloffame=tools.HallOfFame(1))
    with pytest.raises(TypeError, match="it has no unpack"):
        evolution.state_dict()


def test_a_generation_that_failed_can_be_tried_again() -> None:
    """An evaluator that fails for a while (a full device, a lost connection) costs nothing but time."""
    whole = make()
    list(whole)
    wanted = outcome(whole)
    evolution = make()
    calls, failing = [0], {3, 20, 21}

    def fragile(individual: Any) -> tuple[float]:
        calls[0] += 1
        if calls[0] in failing:
            raise ConnectionError("not now")
        return sphere(individual)

    evolution.toolbox.register("evaluate", fragile)
    errors = 0
    while evolution.generation <= evolution.ngen:
        try:
            next(evolution)
        except ConnectionError:
            errors += 1
            with pytest.raises(RuntimeError, match="was begun and not ended"):
                evolution.state_dict()
    assert errors == len(failing)
    found = outcome(evolution)
    for records in (found[0], wanted[0]):
        for record in records:
            del record["nevals"]  # those of the last try
    assert found == wanted


def test_operators_of_a_strategy_with_its_own_toolbox_are_saved(tmp_path: Path) -> None:
    """The weights' training inside darts-tdga lost its state: only the toolbox that evaluates was saved."""

    class Train:
        calls = 0

        def __call__(self, population: Any) -> None:
            self.calls += 1

        def state_dict(self) -> dict[str, Any]:
            return {"calls": self.calls}

        def load_state_dict(self, state: dict[str, Any]) -> None:
            self.calls = state["calls"]

    def begin() -> tuple[Train, Evolution]:
        train = Train()
        decisions = [Decision(f"d{k}", ("a", "b"), binary=True) for k in range(4)]
        settings = {"alternate": True, "train": train, "gradient.steps": 0}
        toolbox = base.Toolbox()
        toolbox.register("evaluate", sphere)
        return train, evolve(create("darts-tdga", decisions, seed=0, **settings), toolbox, 9)

    train, evolution = begin()
    for _ in range(4):
        next(evolution)
    evolution.save(tmp_path / "saved")
    other, resumed = begin()
    resumed.load(tmp_path / "saved")
    assert other.calls == train.calls == 3
