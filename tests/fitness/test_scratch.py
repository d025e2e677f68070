"""Fitness from training from scratch: one value per network, and its costs."""

from __future__ import annotations

import json
import pickle
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tdgnas.data import load
from tdgnas.files.tables import read_table
from tdgnas.fitness import Table, TabularFitness, TrainingFitness, ZeroCostFitness
from tdgnas.individual import Individual, LossFitness
from tdgnas.spaces import Architecture, NASBench201, NasRL
from tdgnas.training import Recipe, evaluate


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    data = load("digits", train=16, valid=12, test=12)
    space = NASBench201(channels=2, cells_per_stage=1, image_size=data.image_shape[1])
    return {"space": space, "data": data, "recipe": Recipe(epochs=1, warmup=0, batch_size=8)}


def test_a_network_is_trained_once_and_costs_its_passes(made: dict[str, Any]) -> None:
    fitness, space = TrainingFitness(**made, device="cpu"), made["space"]
    assert fitness.fitness_type is LossFitness
    one = Individual(space.decisions.genes((1, 0, 2, 0, 0, 3)))
    value = fitness(one)
    assert fitness(one) == value
    assert (fitness.budget.requests, fitness.budget.evaluations) == (2, 1)
    assert fitness.budget.passes == 3 * 16 + 12
    network = fitness.train(space.decode(one)).evaluated
    assert evaluate(network, made["data"].valid)["loss"] == value[0]


def test_what_is_known_is_not_trained_again_after_a_restart(made: dict[str, Any]) -> None:
    first, space = TrainingFitness(**made, measure="accuracy", device="cpu"), made["space"]
    one = Individual(space.decisions.genes((2, 1, 0, 0, 3, 3)))
    value = first(one)
    again = TrainingFitness(**made, measure="accuracy", device="cpu")
    again.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert again(one) == value
    assert again.budget.evaluations == 1


def test_a_training_that_diverges_has_the_worst_value(made: dict[str, Any]) -> None:
    recipe = Recipe(epochs=1, warmup=0, lr=1e30, clip=None, batch_size=8)
    fitness = TrainingFitness(**{**made, "recipe": recipe}, device="cpu")
    one = Individual(made["space"].decisions.genes((3, 3, 3, 3, 3, 3)))
    with pytest.warns(RuntimeWarning, match="choices 3 3 3 3 3 3 gets the worst value.*diverged"):
        assert fitness(one) == (fitness.worst,)


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: not enough memory: 9 bytes")]
)
def test_a_network_that_does_not_fit_in_memory_has_the_worst_value(made, monkeypatch, error) -> None:
    fitness = TrainingFitness(**made, measure="accuracy", device="cpu")

    def full(architecture: Architecture) -> None:
        if architecture.choices[5] == 3:
            raise error

    monkeypatch.setattr(made["space"], "network", full)
    with pytest.warns(RuntimeWarning, match="does not fit in memory"):
        assert fitness(Individual(made["space"].decisions.genes((1, 0, 0, 0, 0, 3)))) == (0.0,)
    with pytest.raises(AttributeError):  # no network at all is another mistake, and stays one
        fitness(Individual(made["space"].decisions.genes((0, 0, 0, 0, 0, 2))))


def test_the_reward_is_the_best_of_the_last_epochs_cubed(made: dict[str, Any]) -> None:
    recipe = Recipe(epochs=4, warmup=0, batch_size=8)
    fitness = TrainingFitness(**{**made, "recipe": recipe}, measure="accuracy", last=3, power=3, device="cpu")
    one = Individual(made["space"].decisions.genes((1, 0, 2, 0, 0, 3)))
    records = fitness.train(made["space"].decode(one)).records
    assert fitness(one) == (max(record.valid["accuracy"] for record in records[1:]) ** 3,)
    assert fitness.budget.passes == 3 * 4 * 16 + 3 * 12


def test_another_task_is_learned_as_well() -> None:
    ink = load("digits-ink", size=8, channels=1, train=16, valid=12, test=12)
    space = NasRL(layers=1, widths=(), filters=(4, 8), in_channels=1, image_size=8, classes=1)
    recipe = Recipe(epochs=3, warmup=0, batch_size=8)
    fitness = TrainingFitness(space, ink, recipe, measure="mae", last=2, power=2.0, device="cpu")
    records = fitness.train(space.architecture([1, 1])).records
    best = min(record.valid["mae"] for record in records[1:])
    assert fitness(Individual(space.decisions.genes((1, 1)))) == (best**2,)
    assert fitness.fitness_type is LossFitness


@pytest.mark.parametrize(
    ("scaled", "passes"), [("epochs", 3 * 1 * 16 + 12), ("data", 3 * 4 * 4 + 12), ("width", 3 * 4 * 16 + 12)]
)
def test_an_individual_is_trained_with_the_share_that_it_asks_for(made, scaled: Any, passes: int) -> None:
    recipe = Recipe(epochs=4, warmup=0, batch_size=8, schedule="step", milestones=[2])
    space = NasRL(layers=1, widths=(), filters=(4, 8), in_channels=3, image_size=32)
    fitness = TrainingFitness(space, made["data"], recipe, fidelities=scaled, device="cpu")
    one = Individual(space.decisions.genes((1, 0)))
    one.fidelity = 0.25
    value = fitness(one)
    assert fitness.budget.passes == passes
    data, small = made["data"], {"multiplier": 0.25} if scaled == "width" else {}
    if scaled == "epochs":
        recipe = Recipe(epochs=1, warmup=0, batch_size=8, schedule="step", milestones=[1])
    if scaled == "data":
        data = replace(data, train=data.train.subset(slice(0, 4)))
    alone = TrainingFitness(NasRL(**{**space.settings, **small}), data, recipe, device="cpu")
    assert alone(Individual(one)) == value
    full = Individual(one)
    assert fitness(full) != value
    assert fitness.budget.evaluations == 1.25
    full.fidelity = 1.5
    with pytest.raises(ValueError, match=r"fidelity is 1.5; it is a share"):
        fitness(full)


@pytest.mark.parametrize(("measure", "sign"), [("loss", -1), ("accuracy", 1)])
def test_less_than_an_epoch_is_a_score_of_the_untrained_network(made, measure: str, sign: int) -> None:
    recipe = Recipe(epochs=3, warmup=0, batch_size=8)
    fitness = TrainingFitness(
        **{**made, "recipe": recipe}, measure=measure, fidelities="synflow", seed=4, device="cpu"
    )
    score = ZeroCostFitness(made["space"], made["data"], score="synflow", seed=4, device="cpu")
    one = Individual(made["space"].decisions.genes((3, 1, 2, 3, 1, 3)))
    one.fidelity = 1 / 9
    assert fitness(one) == (sign * score(one)[0],)
    assert (fitness.budget.requests, fitness.budget.evaluations, fitness.budget.passes) == (1, 0, 3)
    one.fidelity = 1 / 3
    shorter = TrainingFitness(**made, measure=measure, seed=4, device="cpu")
    assert fitness(one) == shorter(Individual(one))
    assert fitness.budget.evaluations == pytest.approx(1 / 3)


class Elsewhere:
    """A map that trains copies, the last one first, and can be killed; it notes what it trains."""

    def __init__(self, most: int = 99) -> None:
        self.trained: list[Any] = []
        self.most = most

    def finished(self, function, children, starts):
        for place in reversed(range(len(children))):
            if len(self.trained) == self.most:
                raise KeyboardInterrupt
            self.trained.append(children[place])
            yield place, pickle.loads(pickle.dumps(function))(children[place], starts[place])


def population(space: NASBench201) -> list[Individual]:
    rng = random.Random(0)
    found = [Individual(space.encode(space.sample(rng))) for _ in range(3)]
    found[1].fidelity = 0.5
    return [*found, Individual(found[0])]


def test_side_by_side_gives_the_same_bits_and_the_same_ledger(made: dict[str, Any]) -> None:
    made = {**made, "recipe": Recipe(epochs=2, warmup=0, batch_size=8)}
    one, other = (TrainingFitness(**made, device="cpu", map=each) for each in (map, Elsewhere()))
    people = population(made["space"])
    assert other.batch(people) == [one(each) for each in people]
    assert one.state_dict() == other.state_dict()
    assert len(other.map.trained) == 3
    assert one.budget.evaluations == 2.5  # one of them was half an evaluation


def test_a_killed_search_trains_no_child_twice(made: dict[str, Any], tmp_path) -> None:
    """Not within a generation either; and it has paid as much in the end as if it had never been killed."""
    people, path = population(made["space"]), tmp_path / "children.csv"
    killed = TrainingFitness(**made, device="cpu", map=Elsewhere(most=2))
    killed.keep_in(path)
    with pytest.raises(KeyboardInterrupt):
        killed.batch(people)
    path.write_bytes(path.read_bytes() + b"s0000,1 2 3")  # a line that was being written
    again = TrainingFitness(**made, device="cpu", map=Elsewhere())
    again.keep_in(path)
    whole = TrainingFitness(**made, device="cpu")
    assert again.batch(people) == whole.batch(people)
    assert again.state_dict() == whole.state_dict()
    assert (len(killed.map.trained), len(again.map.trained)) == (2, 1)
    other = TrainingFitness(**{**made, "seed": 1}, device="cpu", map=Elsewhere())
    other.keep_in(path)
    other.batch(people[:1])
    assert len(other.map.trained) == 1  # another seed's value is another
    assert len(read_table(path)) == 4


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"last": 0}, "last is 0"),
        ({"power": 0.0}, "power is 0.0"),
        ({"recipe": Recipe(epochs=1, with_valid=True)}, "unset with_valid"),
        ({"measure": "perplexity"}, "perplexity"),
    ],
)
def test_bad_settings_are_named(made: dict[str, Any], settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        TrainingFitness(**{**made, **settings})


def test_a_table_gives_the_accuracy_after_fewer_epochs(tmp_path) -> None:
    space = NASBench201()
    rows = {(0,) * 6: 0, (1,) * 6: 1}
    columns = {
        "val_acc_1": [0.1, 0.2],
        "val_acc_3": [0.3, 0.4],
        "val_acc_9": [0.5, 0.6],
        "test_acc": [0.7, 0.8],
    }
    columns |= {"train_seconds_9": [9.0, 18.0], "val_acc_27": [1.0, 1.0]}
    made = {name: np.array(values) for name, values in columns.items()}
    fitness = TabularFitness(space, Table("t", rows, made), "val_acc_9", final="test_acc")
    assert fitness.fidelities == "epochs"
    one = Individual(space.decisions.genes((1,) * 6))
    for fidelity, value, paid in ((1 / 3, 0.4, 6.0), (0.5, 0.4, 6.0), (0.01, 0.2, 8.0), (1.0, 0.6, 26.0)):
        one.fidelity = fidelity
        assert fitness(one) == (value,)
        assert fitness.budget.seconds == pytest.approx(paid)
    again = TabularFitness(space, Table("t", rows, made), "val_acc_9", final="test_acc")
    again.load_state_dict(json.loads(json.dumps(fitness.state_dict())))
    assert again(one) == (0.6,)
    assert again.budget.evaluations == fitness.budget.evaluations == pytest.approx(1 / 3 + 1 / 9 + 1)
    assert (
        TabularFitness(
            space, Table("t", rows, made), "test_acc", final="test_acc", cost="train_seconds_9"
        ).fidelities
        == ""
    )
