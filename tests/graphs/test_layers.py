"""Layers that several spaces share."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from tdgnas.graphs import FactorisedReduction
from tdgnas.spaces import VGGShortcuts


@pytest.mark.parametrize("stride", [2, 4, 8, 16])
def test_a_reduction_has_as_many_branches_as_its_stride_each_shifted_by_one_more_pixel(stride: int) -> None:
    """Strides of 4 and above had two branches only, which see one pixel in eight or fewer."""
    layer = FactorisedReduction(3, 2 * stride, stride).eval()
    x = torch.randn(2, 3, 32, 32)
    weights = [weight for name, weight in layer.named_parameters() if "norm" not in name]
    assert [tuple(weight.shape) for weight in weights] == [(2, 3, 1, 1)] * stride
    parts = [functional.conv2d(x[:, :, k:, k:], weight, None, stride) for k, weight in enumerate(weights)]
    expected = torch.cat(parts, 1) / (1 + 1e-5) ** 0.5
    torch.testing.assert_close(layer(x), expected)
    assert expected.shape[2:] == (32 // stride, 32 // stride)


def test_stride_two_draws_its_weights_as_ever_and_the_candidates_keep_their_count() -> None:
    torch.manual_seed(0)
    layer = FactorisedReduction(3, 5, 2)
    torch.manual_seed(0)
    even, odd = torch.nn.Conv2d(3, 2, 1, 2, bias=False), torch.nn.Conv2d(3, 3, 1, 2, bias=False)
    assert torch.equal(layer.even.weight, even.weight)
    assert torch.equal(layer.odd.weight, odd.weight)
    space = VGGShortcuts(width=1 / 32, max_stride=None)
    assert space.length == 105
    assert space.network(space.architecture([1] * 105)).eval()(torch.randn(1, 3, 32, 32)).shape == (1, 10)
