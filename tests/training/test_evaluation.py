import pytest
import torch
from torch import nn
from torch.nn import functional

from tdgnas.data import load
from tdgnas.training import evaluate


@pytest.fixture(scope="module")
def images():
    return load("digits", size=8, channels=1).valid


def network(*heads):
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten(), nn.Linear(144, 10)]
    return nn.Sequential(*layers, *heads)


class Tuple(nn.Module):
    def forward(self, logits):
        return (logits, None, "more")


@pytest.mark.parametrize("batch_size", [7, 500])
def test_loss_and_accuracy_are_those_of_the_whole_set(images, batch_size):
    made = network()
    found = evaluate(made, images, batch_size)
    logits = made.eval()(images.normalised())
    assert found["loss"] == pytest.approx(functional.cross_entropy(logits, images.labels).item(), rel=1e-5)
    assert found["accuracy"] == pytest.approx((logits.argmax(1) == images.labels).double().mean().item())


def test_modes_weights_buffers_and_generators_stay(images):
    made = network()
    made[1].eval()  # a BatchNorm that its owner holds still while the rest trains
    before = {name: tensor.clone() for name, tensor in made.state_dict().items()}
    modes, noise = [module.training for module in made.modules()], torch.get_rng_state()
    evaluate(made, images)
    assert [module.training for module in made.modules()] == modes
    assert all(torch.equal(tensor, before[name]) for name, tensor in made.state_dict().items())
    assert torch.equal(torch.get_rng_state(), noise)
    assert all(weight.grad is None for weight in made.parameters())


def test_modes_come_back_after_an_error(images):
    made = network(nn.Linear(3, 3))
    with pytest.raises(RuntimeError):
        evaluate(made, images)
    assert all(module.training for module in made.modules())


def test_a_tuple_begins_with_the_logits(images):
    assert evaluate(network(Tuple()), images) == evaluate(network(), images)


def test_another_output_is_refused(images):
    with pytest.raises(ValueError, match=r"returned \(449, 10, 1\) for 449 images"):
        evaluate(network(nn.Unflatten(1, (10, 1))), images)


def test_no_images_are_refused(images):
    with pytest.raises(ValueError, match="0 images"):
        evaluate(network(), images.subset([]))
