import json

import pytest
import torch

from tdgnas.data import Augment
from tdgnas.training import Recipe, darts_cifar10, vgg_cifar10


def recipe(**changes):
    return Recipe(
        **({"epochs": 10, "batch_size": 4, "lr": 0.5, "schedule": "constant", "warmup": 0} | changes)
    )


def rates(made, steps=1):
    return [made.learning_rate(epoch, step, steps) for epoch in range(made.epochs) for step in range(steps)]


def test_constant_stays():
    assert rates(recipe(), steps=2) == [0.5] * 20


def test_cosine_at_the_start_of_each_epoch_equals_torch():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10, eta_min=0.1)
    expected = []
    for _ in range(10):
        expected.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    made = recipe(schedule="cosine", min_lr=0.1)
    assert [made.learning_rate(epoch, 0, 7) for epoch in range(10)] == pytest.approx(expected)
    fine = rates(made, steps=7)
    assert fine == sorted(fine, reverse=True)
    assert fine[-1] > 0.1


def test_step_falls_at_each_milestone():
    made = recipe(schedule="step", milestones=[2, 5], gamma=0.5)
    assert rates(made) == [0.5] * 2 + [0.25] * 3 + [0.125] * 5


def test_warmup_rises_linearly_to_the_rate_and_the_cosine_follows():
    made = recipe(warmup=2, schedule="cosine")
    fine = rates(made, steps=4)
    assert fine[:8] == pytest.approx([0.5 * k / 8 for k in range(1, 9)])
    assert fine[8] == 0.5
    assert fine[9] < 0.5


def test_the_published_recipes():
    vgg = vgg_cifar10()
    assert (vgg.epochs, vgg.batch_size, vgg.lr, vgg.momentum) == (150, 64, 0.009, 0.9)
    assert vgg.learning_rate(99) == 0.009
    assert vgg.learning_rate(100) == vgg.learning_rate(149) == pytest.approx(0.009 * 0.234)
    assert vgg.augment == Augment(crop=4, flip=True)
    assert vgg_cifar10(epochs=9).milestones == [6]
    darts = darts_cifar10()
    assert (darts.epochs, darts.batch_size, darts.lr, darts.clip) == (600, 96, 0.025, 5.0)
    assert (darts.weight_decay, darts.aux_weight, darts.augment.cutout) == (3e-4, 0.4, 16)
    assert darts.learning_rate(300) == pytest.approx(0.0125)


def test_it_survives_json():
    made = vgg_cifar10()
    assert Recipe(**json.loads(json.dumps(made.model_dump()))) == made


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"epochs": 1.5},
        {"batch_size": True},
        {"lr": 0.0},
        {"lr": float("nan")},
        {"lr": float("inf")},
        {"momentum": 1.0},
        {"weight_decay": -1e-4},
        {"schedule": "linear"},
        {"schedule": "step"},
        {"milestones": [3]},
        {"schedule": "step", "milestones": [5, 3]},
        {"schedule": "step", "milestones": [0, 3]},
        {"gamma": 0.0},
        {"min_lr": 1.0},
        {"warmup": -1},
        {"epochs": 10**9},
        {"weight_decay": 1.7e308},
        {"clip": 0.0},
        {"label_smoothing": 1.0},
        {"optimizer": "rmsprop"},
        {"nesterov": True, "momentum": 0.0},
        {"nesterov": True, "optimizer": "adam"},
        {"aux_weight": -1.0},
        {"ema": 1.0},
        {"augment": None},
    ],
)
def test_values_outside_their_range_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match="|".join(wrong)):
        recipe(**wrong)
