"""A depthwise convolution whose gradients are quick on a CPU.

The library's own backward pass takes five to thirty times as long as the forward pass for the 5x5 and the dilated
depthwise convolutions of a cell. The same gradients follow from convolutions that it is quick at: the gradient of the
input is a convolution with the mirrored kernel; a dilated convolution is an undilated one on each of the interleaved
parts of the image; and a wide kernel's gradient is put together from strips three taps wide.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class DepthwiseConv2d(nn.Conv2d):
    """A square depthwise convolution without bias that keeps the size of the image, or halves it with stride 2."""

    def __init__(self, channels: int, kernel: int, stride: int = 1, dilation: int = 1) -> None:
        padding = dilation * (kernel // 2)
        super().__init__(channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        """Return a tensor of 1/stride the height and width."""
        stride, dilation = self.stride[0], self.dilation[0]
        if _quick(input, self.kernel_size[0], stride, dilation):
            output: Tensor = _Depthwise.apply(input, self.weight, stride, dilation)  # type: ignore[no-untyped-call]
            return output
        return super().forward(input)


def _quick(x: Tensor, kernel: int, stride: int, dilation: int) -> bool:
    if not torch.is_grad_enabled() or x.device.type != "cpu" or torch.compiler.is_compiling():
        return False
    # The library's own way is good enough for plain 3x3 kernels, and for plain ones of stride 2.
    worth = dilation == 2 or (stride == 1 and kernel > 3)
    return worth and dilation <= 2 and stride <= 2 and x.shape[2] % 2 == 0 and x.shape[3] % 2 == 0


class _Depthwise(torch.autograd.Function):
    generate_vmap_rule = True  # gradients of many alpha-vectors at once

    @staticmethod
    def forward(x: Tensor, weight: Tensor, stride: int, dilation: int) -> Tensor:
        padding = dilation * (weight.shape[2] // 2)
        return functional.conv2d(x, weight, None, stride, padding, dilation, weight.shape[0])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, weight, ctx.stride, ctx.dilation = inputs
        # The image is only needed for the gradient of the weights.
        ctx.save_for_backward(x if ctx.needs_input_grad[1] else None, weight)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        x, weight = ctx.saved_tensors
        slope, stride, dilation = gradients[0], ctx.stride, ctx.dilation
        of_x = of_weight = None
        if ctx.needs_input_grad[0]:
            of_x = _input_gradient(slope, weight, stride, dilation)
        if ctx.needs_input_grad[1]:
            if stride == 2:  # and dilation 2: every tap falls on an even row and column
                x, dilation = x[:, :, ::2, ::2], 1
            elif dilation == 2:
                x, slope = _interleaved(x), _interleaved(slope)
            of_weight = _weight_gradient(x, slope, weight.shape[2])
        return of_x, of_weight, None, None


def _input_gradient(slope: Tensor, weight: Tensor, stride: int, dilation: int) -> Tensor:
    if stride == 2:
        return _spread(_input_gradient(slope, weight, 1, 1))
    padding = dilation * (weight.shape[2] // 2)
    return functional.conv2d(slope, weight.flip(2, 3), None, 1, padding, dilation, weight.shape[0])


def _weight_gradient(x: Tensor, slope: Tensor, kernel: int) -> Tensor:
    """Gradient of an undilated kernel at stride 1, in strips of three taps' width."""
    missing = kernel - x.shape[2]
    if missing > 0:  # an image lower than the kernel falls back to slow code
        x, slope = functional.pad(x, (0, 0, 0, missing)), functional.pad(slope, (0, 0, 0, missing))
    slope = _last(slope)
    if kernel == 3:
        return _strip(_last(x), slope, kernel, 1)
    strips = [_strip(_window(x, start - kernel // 2), slope, kernel, 0) for start in range(0, kernel, 3)]
    return torch.cat(strips, dim=3)[:, :, :, :kernel]


def _last(x: Tensor) -> Tensor:
    """The same image with its channels last in memory; vmap knows no memory format."""
    return x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)


def _window(x: Tensor, start: int) -> Tensor:
    """Columns from ``start`` on, two more than there are, zeros beyond the border."""
    n, c, h, w = x.shape
    wide = x.new_zeros(n, h, w + 2, c)
    first, last = max(start, 0), min(start + w + 2, w)
    if last > first:
        wide[:, :, first - start : last - start] = x[:, :, :, first:last].permute(0, 2, 3, 1)
    return wide.permute(0, 3, 1, 2)


def _strip(x: Tensor, slope: Tensor, height: int, padding: int) -> Tensor:
    channels = x.shape[1]
    like = x.new_empty(1).expand(channels, 1, height, 3)
    only_weight = [False, True, False]
    gradient: Tensor = torch.ops.aten.convolution_backward(
        slope, x, like, None, [1, 1], [height // 2, padding], [1, 1], False, [0, 0], channels, only_weight
    )[1]
    return gradient


def _interleaved(x: Tensor) -> Tensor:
    """The four images of every other row and column, along the batch."""
    n, c, h, w = x.shape
    parts = x.permute(0, 2, 3, 1).reshape(n, h // 2, 2, w // 2, 2, c).permute(0, 2, 4, 1, 3, 5)
    return parts.reshape(4 * n, h // 2, w // 2, c).permute(0, 3, 1, 2)


def _spread(x: Tensor) -> Tensor:
    """Put zeros between rows and columns: the transpose of taking every other one."""
    n, c, h, w = x.shape
    wide = x.new_zeros(n, h, 2, w, 2, c)
    wide[:, :, 0, :, 0] = x.permute(0, 2, 3, 1)
    return wide.reshape(n, 2 * h, 2 * w, c).permute(0, 3, 1, 2)
