"""The bilevel gradient: analytic checks, exact differentiation, exact restoration."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tdgnas.spaces import DartsCells
from tdgnas.supernet import Supernet, WeightStep, alpha_gradient

SPACE = DartsCells(cells=2, channels=2, nodes=2, image_size=8)


def analytic(a, w, xi, **options):
    """The one-dimensional example: L_val = a*w - 2a + 1, L_train = w^2 - 2aw + a^2."""
    ahead = WeightStep(xi, **options)
    return float(alpha_gradient(a, [w], lambda: w**2 - 2 * a * w + a**2, lambda: a * w - 2 * a + 1, ahead))


def leaf(value):
    return torch.tensor(float(value), dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("xi", [0.0, 0.01, 0.1, 0.5])
def test_analytic_gradient(xi):
    a, w = leaf(2), leaf(-2)
    ahead = -2 - xi * 2 * (-2 - 2)  # w' = w - xi * 2 (w - a)
    expected = (ahead - 2) + xi * 2 * 2.0  # dL_val/da at w', plus dw'/da = 2 xi times dL_val/dw' = a
    assert analytic(a, w, xi) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("xi", "end"), [(0.0, 2.0), (0.5, 1.0)])
def test_iterated_it_goes_to_the_known_points(xi, end):
    a, w = leaf(2), leaf(-2)
    for _ in range(600):
        slope = analytic(a, w, xi)
        with torch.no_grad():
            a -= 0.05 * slope
            w -= 0.2 * 2 * (w - a)
    assert (a.item(), w.item()) == pytest.approx((end, end), abs=1e-3)


@settings(max_examples=25, deadline=None)
@given(xi=st.floats(1e-3, 0.5), momentum=st.floats(0, 0.95), decay=st.floats(0, 0.5), seed=st.integers(0, 99))
def test_second_order_equals_differentiation_through_the_step(xi, momentum, decay, seed):
    """A small smooth network, with momentum buffers and weight decay in the unrolled step."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    alpha, weights = draw(3).requires_grad_(), [draw(4, 5).requires_grad_(), draw(3, 4).requires_grad_()]
    buffers = [draw(4, 5), None]
    inputs, targets = draw(2, 6, 5), draw(2, 6, 3)

    def loss(which, own):
        hidden = torch.tanh(inputs[which] @ own[0].T)
        return ((torch.softmax(alpha, 0) * (hidden @ own[1].T) - targets[which]) ** 2).mean()

    found = alpha_gradient(
        alpha,
        weights,
        lambda: loss(0, weights),
        lambda: loss(1, weights),
        WeightStep(xi, momentum, buffers, decay),
    )
    exact = unrolled(
        lambda own: loss(0, own), lambda own: loss(1, own), alpha, weights, xi, momentum, buffers, decay
    )
    train = lambda own: loss(0, own)  # noqa: E731
    assert float((found - exact).norm()) < 1e-9 + error_of_the_difference(
        train, lambda own: loss(1, own), alpha, weights, xi, momentum, buffers, decay
    )


def error_of_the_difference(train, valid, alpha, weights, xi, momentum, buffers, decay, step=0.01):
    """Twice xi |v| h^2 / 6 times the largest third derivative of the train gradient along v, where h is the step.

    The second-order term is xi times a central difference along v, the validation gradient after the step.
    """
    slopes = torch.autograd.grad(train(weights), weights)
    moments = [0.0 if buffer is None else momentum * buffer for buffer in buffers]
    ahead = [w - xi * (m + s + decay * w) for w, m, s in zip(weights, moments, slopes, strict=True)]
    v = torch.autograd.grad(valid(ahead), ahead)
    size = torch.cat([each.flatten() for each in v]).norm()
    third = []
    for place in (-step, 0.0, step):
        t = torch.tensor(place, dtype=torch.float64, requires_grad=True)
        moved = [w.detach() + t * each / size for w, each in zip(weights, v, strict=True)]
        rows = torch.autograd.grad(train(moved), alpha, create_graph=True)[0]
        for _ in range(3):
            rows = torch.stack([torch.autograd.grad(row, t, create_graph=True)[0] for row in rows])
        third.append(float(rows.detach().norm()))
    return float(2 * xi * size * step**2 / 6 * max(third))


def unrolled(train, valid, alpha, weights, xi, momentum, buffers, decay):
    slopes = torch.autograd.grad(train(weights), weights, create_graph=True)
    moments = [0.0 if buffer is None else momentum * buffer for buffer in buffers]
    ahead = [w - xi * (m + s + decay * w) for w, m, s in zip(weights, moments, slopes, strict=True)]
    return torch.autograd.grad(valid(ahead), alpha)[0]


def supernet_and_batches():
    supernet = Supernet(SPACE, device="cpu").double()
    generator = torch.Generator().manual_seed(3)
    batches = [
        (torch.randn(6, 3, 8, 8, generator=generator, dtype=torch.float64), torch.arange(6) % 10)
        for _ in range(2)
    ]
    return supernet, supernet.alpha.clone().requires_grad_(), batches


def test_second_order_of_a_supernet_equals_differentiation_through_the_step():
    supernet, alpha, (train, valid) = supernet_and_batches()
    weights = dict(supernet.named_parameters())
    xi = 0.01

    def loss(own, batch):
        def run():
            return supernet.mixed(batch[0], alpha)

        with supernet.batchnorm.use("batch"):
            logits = torch.func.functional_call(
                Runner(supernet, run), {f"net.{k}": v for k, v in own.items()}, ()
            )
        return nn.functional.cross_entropy(logits.float(), batch[1])

    slopes = torch.autograd.grad(loss(weights, train), list(weights.values()), create_graph=True)
    ahead = {name: w - xi * s for (name, w), s in zip(weights.items(), slopes, strict=True)}
    exact = torch.autograd.grad(loss(ahead, valid), alpha)[0]
    found = alpha_gradient(
        alpha,
        list(weights.values()),
        lambda: loss(weights, train),
        lambda: loss(weights, valid),
        WeightStep(xi),
        radius=1e-4,
    )
    first = alpha_gradient(
        alpha, list(weights.values()), lambda: loss(weights, train), lambda: loss(weights, valid)
    )
    assert float((found - exact).norm() / exact.norm()) < 1e-4
    assert float((first - exact).norm() / exact.norm()) > 1e-3


class Runner(nn.Module):
    """Call something while the parameters of a supernet are replaced."""

    def __init__(self, net, run):
        super().__init__()
        self.net, self.run = net, run

    def forward(self):
        return self.run()


@pytest.mark.parametrize("xi", [0.0, 0.1])
def test_everything_is_as_before_bit_for_bit(xi):
    supernet, alpha, (train, valid) = supernet_and_batches()
    before = {name: value.clone() for name, value in supernet.state_dict().items()}
    optimiser = torch.optim.SGD(supernet.parameters(), 0.1, momentum=0.9)
    supernet.bilevel_gradient(alpha, train, valid, xi=xi, optimiser=optimiser)
    assert all(torch.equal(value, before[name]) for name, value in supernet.state_dict().items())
    assert all(p.requires_grad and p.grad is None for p in supernet.parameters())
    assert alpha.requires_grad
    assert alpha.grad is None


def test_weights_are_restored_when_a_loss_raises():
    a, w = leaf(2), leaf(-2)
    calls = []

    def train():
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("no more images")
        return w**2 - 2 * a * w

    with pytest.raises(RuntimeError, match="no more images"):
        alpha_gradient(a, [w], train, lambda: a * w, WeightStep(0.5))
    assert w.item() == -2
    assert w.requires_grad
    assert a.requires_grad


def test_second_order_differs_from_first():
    supernet, alpha, (train, valid) = supernet_and_batches()
    first, second = (supernet.bilevel_gradient(alpha, train, valid, xi=xi) for xi in (0.0, 0.1))
    assert float((first - second).norm() / first.norm()) > 1e-3


def test_first_order_keeps_no_gradient_of_the_weights():
    """What is not asked for is not computed: the weights are constants while alpha's gradient is taken."""
    a, w = leaf(2), leaf(-2)
    seen = []

    def valid():
        seen.append(w.requires_grad)
        return a * w

    alpha_gradient(a, [w], valid, valid)
    assert seen == [False]


def test_a_loss_without_alpha_has_the_gradient_zero():
    a, w = leaf(2), leaf(-2)
    assert float(alpha_gradient(a, [w], lambda: w**2, lambda: w**2)) == 0
    assert float(alpha_gradient(a, [w], lambda: w**2, lambda: w**2, WeightStep(0.1))) == 0


def test_buffers_have_to_fit():
    a, w = leaf(2), leaf(-2)
    with pytest.raises(ValueError, match="1 weights and 2 momentum buffers"):
        alpha_gradient(a, [w], lambda: w, lambda: a * w, WeightStep(buffers=[None, None]))
