import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load as from_bytes
from safetensors.torch import save as to_bytes
from torch import nn

from tdgnas.data import Augment, load
from tdgnas.training import Recipe, Training, TrainingDiverged, evaluate, train


@pytest.fixture(scope="module")
def data():
    return load("digits", size=8, channels=1, train=300, valid=100, test=100)


def network(seed=0, width=6, classes=10):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(16 * width, classes),
    )


def recipe(**changes):
    augment = Augment(crop=1, flip=True, cutout=2)
    return Recipe(
        **({"epochs": 4, "batch_size": 32, "lr": 0.05, "schedule": "cosine", "augment": augment} | changes)
    )


def same_weights(one, other):
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def numbers(records):
    return [replace(record, seconds=0.0) for record in records]


def test_it_learns(data):
    made = network()
    records = train(made, data, Recipe(epochs=8, batch_size=32, lr=0.05))
    assert [record.epoch for record in records] == list(range(8))
    assert records[-1].train["loss"] < records[0].train["loss"] / 4
    assert records[-1].valid["accuracy"] > 0.85
    last = records[-1]
    assert last.valid == evaluate(made, data.valid)


def test_progress_sees_every_record(data):
    seen = []
    assert train(network(), data, recipe(epochs=2), progress=seen.append) == seen
    assert len(seen) == 2


def test_the_same_seed_gives_the_same_weights_whatever_the_global_state(data):
    one, again, other = network(), network(), network()
    first = train(one, data, recipe(), seed=1)
    torch.manual_seed(12345)
    second = train(again, data, recipe(), seed=1)
    train(other, data, recipe(), seed=2)
    assert numbers(first) == numbers(second)
    assert same_weights(one, again)
    assert not same_weights(one, other)


def test_the_global_generator_is_put_back(data):
    training = Training(network(), data, recipe())
    state = torch.get_rng_state()
    next(training)
    assert torch.equal(torch.get_rng_state(), state)


def test_dropout_differs_from_epoch_to_epoch(data):
    seen = []

    class Spy(nn.Module):
        def forward(self, images):
            if self.training:
                seen.append(torch.rand(1).item())
            return images

    train(nn.Sequential(Spy(), network()), data, recipe(epochs=2, batch_size=300))
    assert len(set(seen)) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"optimizer": "adam", "lr": 0.01},
        {"nesterov": True, "clip": 0.5, "weight_decay": 1e-3},
        {"ema": 0.9},
    ],
)
def test_a_training_continued_from_files_equals_one_that_never_stopped(data, changes):
    made = recipe(warmup=1, label_smoothing=0.1, **changes)
    whole = Training(network(), data, made, seed=7)
    expected = list(whole)

    begun = Training(network(), data, made, seed=7)
    next(begun), next(begun)
    state = begun.state_dict()
    values, tensors = json.dumps(state["values"]), to_bytes(state["tensors"])
    next(begun)  # the saved state does not follow

    resumed = Training(network(seed=9), data, made, seed=7)
    resumed.load_state_dict({"values": json.loads(values), "tensors": from_bytes(tensors)})
    assert resumed.epoch == 2
    rest = list(resumed)
    assert numbers(rest) == numbers(expected[2:])
    assert numbers(resumed.records) == numbers(expected)
    assert same_weights(resumed.network, whole.network)
    assert same_weights(resumed.evaluated, whole.evaluated)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"seed": 8}, "seed 7, this training has 8"),
        ({"made": recipe(lr=0.06)}, "lr 0.05 there, 0.06 here"),
        ({"made": recipe(augment=Augment())}, "augment"),
        ({"net": network(width=5)}, r"another network: .* \(6,\) there, \(5,\) here"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(data, change, says):
    begun = Training(network(), data, recipe(), seed=7)
    next(begun)
    parts = {"net": network(seed=3), "made": recipe(), "seed": 7} | change
    other = Training(parts["net"], data, parts["made"], seed=parts["seed"])
    before = other.state_dict()["tensors"]
    with pytest.raises(ValueError, match=says):
        other.load_state_dict(begun.state_dict())
    after = other.state_dict()["tensors"]
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_the_test_part_is_never_read(data):
    class Locked:
        def __getattribute__(self, name):
            if name == "labels":  # whether they are classes is checked before any training
                return data.test.labels
            raise AssertionError(f"the test part was asked for {name}")

    locked = replace(data, test=Locked())
    assert len(train(network(), locked, recipe(epochs=2))) == 2
    with pytest.raises(AssertionError, match="the test part"):
        _ = locked.test.images


def test_a_loss_that_is_not_finite_names_epoch_and_step(data):
    class Burst(nn.Module):
        calls = 0

        def forward(self, logits):
            self.calls += self.training
            return logits * (float("nan") if self.calls == 14 else 1.0)

    training = Training(nn.Sequential(network(), Burst()), data, recipe())  # 10 steps an epoch
    next(training)
    with pytest.raises(TrainingDiverged, match="epoch 1, step 3") as error:
        next(training)
    assert (error.value.epoch, error.value.step) == (1, 3)


def test_a_validation_that_is_not_finite_is_told_as_well(data):
    class Fragile(nn.Module):
        def forward(self, logits):
            return logits if self.training else logits / 0

    with pytest.raises(TrainingDiverged, match="epoch 0, at its validation"):
        train(nn.Sequential(network(), Fragile()), data, recipe())


def test_an_epoch_broken_off_can_be_neither_saved_nor_continued(data):
    class Impatient(nn.Module):
        calls = 0

        def forward(self, logits):
            self.calls += self.training
            if self.calls == 13:
                raise KeyboardInterrupt
            return logits

    training = Training(nn.Sequential(network(), Impatient()), data, recipe())
    next(training)
    state = training.state_dict()
    with pytest.raises(KeyboardInterrupt):
        next(training)
    with pytest.raises(RuntimeError, match="cannot be saved"):
        training.state_dict()
    with pytest.raises(RuntimeError, match="cannot be trained on"):
        next(training)
    training.load_state_dict(state)
    assert next(training).epoch == 1


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = network()
        self.side = nn.Linear(64, 10)

    def forward(self, images):
        logits = self.body(images)
        return (logits, self.side(images.flatten(1))) if self.training else logits


@pytest.mark.parametrize("weight", [0.0, 0.4])
def test_the_auxiliary_head_learns_by_its_weight(data, weight):
    torch.manual_seed(0)
    made = TwoHeads()
    before = made.side.weight.detach().clone()
    train(made, data, recipe(epochs=1, aux_weight=weight))
    assert torch.equal(made.side.weight, before) == (weight == 0.0)


def test_clipping_bounds_every_step(data):
    made = network()
    before = [weight.detach().clone() for weight in made.parameters()]
    train(made, data, Recipe(epochs=1, batch_size=300, lr=1.0, momentum=0.0, weight_decay=0.0, clip=1e-3))
    after = [weight.detach() for weight in made.parameters()]
    moved = sum(float((new - old).square().sum()) for new, old in zip(after, before, strict=True)) ** 0.5
    assert moved == pytest.approx(1e-3, rel=1e-3)


def test_the_moving_average_is_evaluated_and_handed_over(data):
    plain, smooth = Training(network(), data, recipe()), Training(network(), data, recipe(ema=0.95))
    raw, averaged = list(plain), list(smooth)
    assert [record.train for record in raw] == [record.train for record in averaged]
    assert [record.valid for record in raw] != [record.valid for record in averaged]
    assert same_weights(plain.network, smooth.network)
    made = network()
    train(made, data, recipe(ema=0.95))
    assert same_weights(made, smooth.evaluated)


def test_a_last_batch_of_one_image_is_left_out(data):
    """BatchNorm raises an error on a single value per channel."""
    sizes = []

    class Spy(nn.Module):
        def forward(self, images):
            if self.training:
                sizes.append(len(images))
            return images

    body = nn.Sequential(Spy(), nn.Flatten(), nn.Linear(64, 10), nn.BatchNorm1d(10))
    train(body, replace(data, train=data.train.subset(slice(65))), recipe(epochs=1))
    assert sizes == [32, 32]


def test_channels_last_changes_the_layout_only(data):
    plain, last = network(), network()
    train(plain, data, recipe(epochs=1))
    train(last, data, recipe(epochs=1, channels_last=True))
    for one, other in zip(plain.parameters(), last.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_too_few_outputs_are_told(data):
    with pytest.raises(ValueError, match="has 4 outputs, but the data has 10"):
        train(network(classes=4), data, recipe())


@pytest.mark.parametrize("seed", [-1, 1.5, True])
def test_a_bad_seed_is_refused(data, seed):
    with pytest.raises(ValueError, match="seed is"):
        Training(network(), data, recipe(), seed=seed)


def test_a_network_without_trainable_weights_is_refused(data):
    with pytest.raises(ValueError, match="no trainable weights"):
        Training(network().requires_grad_(False), data, recipe())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_it_learns_on_a_gpu(data, precision):
    made = network()
    records = train(
        made, data, Recipe(epochs=8, batch_size=32, lr=0.05, precision=precision, channels_last=True)
    )
    assert records[-1].valid["accuracy"] > 0.85
    assert next(made.parameters()).is_cuda


def without_noise(seed=0):
    """A network whose images do not see each other."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 12), nn.Tanh(), nn.Linear(12, 10))


@pytest.mark.parametrize("parts", [3, 100])
def test_a_batch_in_parts_is_the_batch(data, parts):
    whole, accumulated = (
        train(without_noise(), data, recipe(epochs=2, accumulate=k), device="cpu") for k in (1, parts)
    )
    for one, other in zip(whole, accumulated, strict=True):
        assert other.row() == pytest.approx(one.row(), rel=1e-4)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_fewer_digits_learn_as_well_and_go_on(data, precision):
    own = recipe(epochs=3, precision=precision)
    whole = Training(without_noise(), data, own, device="cpu")
    next(whole)
    state = whole.state_dict()
    assert bool(state["values"]["scaler"]) == (precision == "float16")
    rest = list(whole)
    resumed = Training(without_noise(seed=1), data, own, device="cpu")
    resumed.load_state_dict(json.loads(json.dumps(state["values"])) and state)
    assert numbers(list(resumed)) == numbers(rest)
    full = train(without_noise(), data, recipe(epochs=3), device="cpu")
    assert numbers(whole.records) != numbers(full)
    assert whole.records[-1].train["loss"] == pytest.approx(full[-1].train["loss"], rel=0.05)
