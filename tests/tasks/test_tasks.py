"""Tasks: what they compute, what they refuse, and that a third one takes a loss and a measure."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn import functional

import tdgnas
from tdgnas import Individual, SupernetFitness
from tdgnas.data import DATA, ImageData, Source, Splits, load
from tdgnas.individual import AccuracyFitness, LossFitness
from tdgnas.spaces import DartsCells
from tdgnas.supernet import PopulationEvaluator, RacingEvaluator, Supernet, evaluate_one, evaluation_set
from tdgnas.tasks import CLASSIFICATION, MULTI_LABEL, REGRESSION, TASKS, Measure, Task
from tdgnas.training import Recipe, evaluate, load_weights, retrain, train

PACKAGE = Path(tdgnas.__file__).parent


def test_cross_entropy_is_named_in_the_tasks_only():
    named = {
        path.relative_to(PACKAGE).parts[0]
        for path in PACKAGE.rglob("*.py")
        if re.search(r"cross_entropy|nll_loss|CrossEntropy", path.read_text(encoding="utf-8"))
    }
    assert named == {"tasks"}


def drawn(outputs: int, count: int = 12) -> torch.Tensor:
    return torch.randn(count, outputs, generator=torch.Generator().manual_seed(outputs))


def test_classification_is_cross_entropy_and_accuracy():
    logits, labels = drawn(4), torch.arange(12) % 4
    found = CLASSIFICATION.means(CLASSIFICATION.sums(logits, labels).tolist(), 12)
    assert found == {
        "loss": pytest.approx(float(functional.cross_entropy(logits, labels))),
        "accuracy": int((logits.argmax(1) == labels).sum()) / 12,
    }
    assert CLASSIFICATION.batch_loss(logits, labels, 0.1) == functional.cross_entropy(
        logits, labels, label_smoothing=0.1
    )


def test_regression_is_the_mean_square_its_root_and_the_distance():
    outputs, targets = drawn(2), drawn(2).flip(0)
    found = REGRESSION.means(REGRESSION.sums(outputs, targets).tolist(), 12)
    square = float(functional.mse_loss(outputs, targets))
    distance = float(functional.l1_loss(outputs, targets))
    assert found == pytest.approx({"loss": square, "rmse": math.sqrt(square), "mae": distance})


def test_multi_label_counts_labels_and_whole_samples():
    outputs = torch.tensor([[1.0, -1.0], [1.0, 1.0], [-1.0, -1.0]])
    targets = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    found = MULTI_LABEL.means(MULTI_LABEL.sums(outputs, targets).tolist(), 3)
    assert (found["label_accuracy"], found["exact"]) == (pytest.approx(3 / 6), pytest.approx(1 / 3))
    expected = functional.binary_cross_entropy_with_logits(outputs, targets)
    assert found["loss"] == pytest.approx(float(expected))


@pytest.mark.parametrize("task", [CLASSIFICATION, REGRESSION, MULTI_LABEL], ids=lambda task: task.name)
def test_rows_are_scored_as_if_alone(task):
    targets = torch.arange(12) % 3 if task is CLASSIFICATION else drawn(3).sigmoid()
    rows = torch.stack([drawn(3), drawn(3).flip(0)])
    together = task.sums(rows, targets)
    assert together.shape == (len(task.names), 2)
    for place, row in enumerate(rows):
        assert torch.equal(together[:, place], task.sums(row, targets))
        assert torch.equal(task.losses(rows, targets)[place], task.losses(row.unsqueeze(0), targets)[0])


def test_an_unknown_measure_or_task_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match="no measure 'acuracy'; did you mean 'accuracy'"):
        CLASSIFICATION.measure("acuracy")
    with pytest.raises(ValueError, match="no task 'regresion'; did you mean 'regression'"):
        TASKS.get("regresion")


def test_a_task_that_cannot_be_one_is_refused():
    with pytest.raises(ValueError, match="measures its loss"):
        Task("mine", REGRESSION.loss, {"loss": Measure(REGRESSION.loss)})
    with pytest.raises(ValueError, match="must be finite"):
        Task("mine", REGRESSION.loss, worst=math.inf)
    with pytest.raises(TypeError, match="is no task"):
        TASKS.register("mine")(print)


@pytest.mark.parametrize("name", ["digits-ink", "digits-parts"])
def test_digits_have_other_targets_than_classes(name):
    data, plain = load(name, seed=3), load("digits", seed=3)
    assert data.task is (REGRESSION if name == "digits-ink" else MULTI_LABEL)
    assert data.outputs == data.train.labels.shape[1] == len(data.classes)
    assert [len(part.labels) for part in (data.train, data.valid, data.test)] == [899, 449, 449]
    assert data.image_shape == plain.image_shape == (3, 32, 32)
    if name == "digits-ink":
        assert 0.1 < float(data.train.labels.mean()) < 0.6
    assert len(data.train.sample(50).labels) == 50


def cells(outputs: int) -> DartsCells:
    return DartsCells(cells=2, channels=2, nodes=2, in_channels=1, image_size=8, classes=outputs)


def small(name: str) -> Splits:
    return load(name, size=8, channels=1, train=64, valid=32, test=32)


@pytest.mark.parametrize("name", ["digits-ink", "digits-parts"])
def test_another_task_is_searched_and_retrained(name, tmp_path):
    data = small(name)
    space = cells(data.outputs)
    supernet = Supernet(space, data, device="cpu")
    records = list(supernet.pretraining(2, batch_size=16, lr=0.01))
    assert set(records[-1].valid) == set(data.task.names)
    assert records[-1].row()[f"valid_{data.task.headline}"] == records[-1].valid[data.task.headline]
    population = supernet.population(3)
    for measure in data.task.names:
        fitness = SupernetFitness(supernet, data.valid, measure=measure, batch_size=16)
        higher = data.task.measure(measure).higher
        assert fitness.fitness_type is (AccuracyFitness if higher else LossFitness)
        assert all(math.isfinite(value) for (value,) in fitness.batch(population))
    assert supernet.alpha_gradients([list(each) for each in population], seed=0, batch_size=8).any()
    recipe = Recipe(epochs=2, batch_size=16, lr=0.01)
    architecture = space.decode(population[0])
    card = retrain(space.network(architecture), data, recipe, tmp_path)
    assert set(card.measures["test"]) == set(data.task.names)
    assert f"| test {data.task.headline} |" in (tmp_path / "card.md").read_text()
    network = load_weights(space.network(architecture), tmp_path)
    assert evaluate(network, data.test) == card.measures["test"]
    with pytest.raises(ValueError, match="knows none"):
        train(network, data, recipe.model_copy(update={"label_smoothing": 0.1}))


def test_every_evaluator_agrees_on_another_task():
    data = small("digits-parts")
    space = cells(3)
    supernet = Supernet(space, data, device="cpu")
    where = evaluation_set(data.valid, batch_size=8)
    architectures = [space.decode(each) for each in supernet.population(4)]
    expected = [evaluate_one(supernet, where, each) for each in architectures]
    assert PopulationEvaluator(supernet, where).scores(architectures) == expected
    raced = RacingEvaluator(supernet, where).scores(architectures)
    best = min(range(4), key=lambda n: raced[n].loss)
    assert raced[best].measures == pytest.approx(expected[best].measures)


# a third task takes a loss and a measure ---------------------------------------------------------------------------


def pinball(outputs, targets):
    over = targets - outputs
    return torch.maximum(0.9 * over, -0.1 * over).mean(1)


def below(outputs, targets):
    return (targets <= outputs).double().mean(1)


QUANTILE = Task("quantile", pinball, {"below": Measure(below)})


@pytest.fixture
def registered():
    TASKS.register("tests-quantile")(QUANTILE)
    yield "tests-quantile"
    TASKS._entries.pop("tests-quantile")


def test_a_third_task_is_learned_by_its_name(registered):
    data = load("digits-ink", size=8, channels=1, task=registered)
    assert data.task is QUANTILE
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 1))
    records = train(network, data, Recipe(epochs=6, batch_size=32, lr=0.05))
    assert records[-1].valid["below"] == pytest.approx(0.9, abs=0.1)
    assert evaluate(network, data.test)["below"] == pytest.approx(0.9, abs=0.1)


def test_a_readers_own_targets_are_loaded_by_its_name():
    def read(size: int | None = None) -> Source:
        """Squares with their sum."""
        images = torch.arange(12, dtype=torch.uint8).reshape(12, 1, 1, 1).expand(12, 1, 4, 4).contiguous()
        return Source("squares", ("sum",), images, images.float().sum((1, 2, 3)), task=REGRESSION)

    DATA.register("tests-squares")(read)
    try:
        data = load("tests_squares", size=4)
    finally:
        DATA._entries.pop("tests-squares")
    assert data.train.labels.shape == (len(data.train), 1)


# what is refused ---------------------------------------------------------------------------------------------------


def wrong_shape(outputs, targets):
    return outputs - targets


def never_finite(outputs, targets):
    return pinball(outputs, targets) / 0.0


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (Task("mine", wrong_shape), r"loss of the task 'mine' gives \(.*, 1\)"),
        (Task("mine", lambda o, t: 0.0), "loss of the task 'mine' gives float"),
        (Task("mine", pinball, {"odd": Measure(wrong_shape)}), "odd of the task 'mine' gives"),
        (Task("mine", never_finite), "loss of the task 'mine' is (inf|nan) on the first batch"),
    ],
)
def test_a_loss_that_is_not_finite_or_of_the_wrong_shape_is_refused_by_name_before_training(task, said):
    data = small("digits-ink").learning(task)
    with pytest.raises(ValueError, match=said):
        Supernet(cells(1), data, device="cpu")
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 1))
    before = network[1].weight.detach().clone()
    with pytest.raises(ValueError, match=said):
        train(network, data, Recipe(epochs=1, batch_size=16))
    assert torch.equal(network[1].weight, before)


@pytest.mark.parametrize("label", [99, -100])
def test_a_label_that_is_no_class_gets_a_sentence(label):
    data = small("digits")
    labels = data.train.labels.clone()
    labels[5] = label
    with pytest.raises(ValueError, match=rf"labels from .*{label}.*they lie in 0\.\.9"):
        replace(data, train=replace(data.train, labels=labels))
    broken = replace(data.train, labels=labels)
    with pytest.raises(ValueError, match=str(label)):
        evaluate(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10)), broken)
    supernet = Supernet(cells(10), device="cpu")
    with pytest.raises(ValueError, match=str(label)):
        SupernetFitness(supernet, broken)


@pytest.mark.parametrize("targets", [torch.full((4, 2), math.nan), torch.zeros(4, 3)])
def test_numbers_that_cannot_be_learned_are_refused(targets):
    part = ImageData(torch.zeros(4, 1, 2, 2), targets, (0.0,), (1.0,), REGRESSION)
    with pytest.raises(ValueError, match=r"not finite|of shape"):
        Splits("mine", part, part, part, ("one", "two"), (0.0,), (1.0,))


@pytest.mark.parametrize(("measure", "worst"), [("loss", 1e6), ("rmse", 1e6), ("mae", 1e6)])
def test_a_measure_that_is_no_number_becomes_the_tasks_worst(measure, worst):
    data = small("digits-ink")
    supernet = Supernet(cells(1), data, device="cpu")
    with torch.no_grad():
        for weight in supernet.parameters():
            weight.fill_(math.nan)
    fitness = SupernetFitness(supernet, data.valid, measure=measure)
    with pytest.warns(RuntimeWarning, match=f"the {measure} nan; it counts as 1e"):
        assert fitness(Individual([1.0] * supernet.space.length)) == (worst,)
    assert (CLASSIFICATION.worst_of("accuracy"), QUANTILE.worst_of("below")) == (0.0, -1e6)
