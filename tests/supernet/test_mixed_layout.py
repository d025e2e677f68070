"""Narrow supernets must not be laid out in the way that a library's gradient cannot bear."""

from __future__ import annotations

from torch import nn

from tdgnas.supernet.mixed import channels_last_is_safe


def test_a_narrow_strided_pointwise_convolution_keeps_the_usual_layout() -> None:
    """Pretraining at a width of 1/32 used to end in "double free or corruption" on the CPU."""
    assert not channels_last_is_safe(nn.Sequential(nn.Conv2d(4, 8, 1, stride=2)))
    assert channels_last_is_safe(nn.Sequential(nn.Conv2d(4, 8, 1), nn.Conv2d(3, 8, 3, stride=2)))
    assert channels_last_is_safe(nn.Conv2d(16, 8, 1, stride=2))
