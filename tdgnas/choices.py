"""Choices inside a module of your own: what a search may vary, written where the module uses it.

A module with choices is an ordinary ``nn.Module``. It runs as it is, with the first choice everywhere, until
:attr:`Element.chosen` says otherwise; :func:`tdgnas.spaces.from_module` makes a search space of it.

Parts of one choice share weights as they do in once-for-all networks (Cai et al. 2020): a larger kernel, more channels
or more depth is the smaller one and something added to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from itertools import combinations
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .slicing import Slice, outputs, uncut


class Element(nn.Module):
    """A place in a module that is left open.

    :ivar choices: what can be chosen, by name.
    :ivar chosen: index of what is computed; 0 at first.
    :ivar label: what the decision is called; the place in the model where empty.
    """

    def __init__(self, choices: Sequence[str], label: str = "") -> None:
        super().__init__()
        if len(choices) < 2:
            raise ValueError(f"a choice needs two or more things to choose from, got {list(choices)}")
        self.choices = tuple(choices)
        self.chosen = 0
        self.label = label

    def extra_repr(self) -> str:
        """What is chosen, for ``print(model)``."""
        return f"{self.choices[self.chosen]!r} of {', '.join(self.choices)}"


def _apart(module: Any) -> nn.Module:
    """Check a module; let its layers leave their input as it is, since other choices may read that too.

    :raises TypeError: for anything else than a module.
    """
    if not isinstance(module, nn.Module):
        raise TypeError(
            f"what is chosen has to be a module, got {module!r}: write nn.ReLU() for a function such as torch.relu, "
            "nn.Identity() for nothing"
        )
    every: list[Any] = [*module.modules()]
    for part in every:
        if getattr(part, "inplace", None) is True:
            part.inplace = False
    return module


def _its_own(value: Any, given: Any) -> Tensor:
    """Return a value that what goes on may change in place, without changing what was given."""
    return cast(Tensor, value.clone() if value is given else value)


class Choice(Element):
    """One of several modules, see :func:`choice`."""

    def __init__(self, options: Mapping[str, nn.Module], label: str = "") -> None:
        super().__init__(list(options), label)
        self.options = nn.ModuleDict()
        for name, module in options.items():
            try:
                self.options[name] = _apart(module)
            except KeyError as error:
                raise ValueError(
                    f"{name!r} cannot name a choice, take another name: {error.args[0]}"
                ) from error

    def forward(self, x: Tensor) -> Tensor:
        """Run the module that is chosen."""
        return _its_own(self.options[self.choices[self.chosen]](x), x)


class Gate(Element):
    """A module or nothing, see :func:`gate`."""

    def __init__(self, module: nn.Module, label: str = "") -> None:
        super().__init__(("off", "on"), label)
        self.module = _apart(module)
        self._outputs: dict[tuple[Any, ...], tuple[torch.Size, torch.dtype]] = {}

    def forward(self, x: Tensor) -> Tensor:
        """Run the module, or return zeros of its output's shape."""
        if self.chosen:
            return cast(Tensor, self.module(x))
        key = (*x.shape, x.dtype)
        if key not in self._outputs:
            with torch.no_grad():
                value = deepcopy(self.module).eval()(x.clone())
            self._outputs[key] = value.shape, value.dtype
        shape, dtype = self._outputs[key]
        return x.new_zeros(shape, dtype=dtype)


class Inputs(Element):
    """A sum of some of several values, see :func:`inputs`."""

    def __init__(self, n: int, k: int = 1, label: str = "") -> None:
        if not 1 <= k <= n:
            raise ValueError(f"inputs(n={n}, k={k}): k of n values are chosen, so 1 <= k <= n")
        self.sets = tuple(combinations(range(n), k))
        super().__init__(["+".join(map(str, each)) for each in self.sets], label)
        self.n = n

    def forward(self, values: Sequence[Tensor]) -> Tensor:
        """Add up the values that are chosen.

        :param values: n tensors of one shape.
        :raises ValueError: for another number of them.
        """
        if len(values) != self.n:
            raise ValueError(f"inputs(n={self.n}) takes a list of {self.n} tensors, got {len(values)}")
        total = None
        for place in self.sets[self.chosen]:
            total = values[place] if total is None else total + values[place]
        return _its_own(total, total if len(self.sets[0]) == 1 else None)


class Depth(Element):
    """Some first blocks of a row of blocks, see :func:`repeat`."""

    def __init__(self, blocks: Sequence[nn.Module], low: int, label: str = "") -> None:
        if not 0 <= low < len(blocks):
            raise ValueError(
                f"repeat: from {low} to {len(blocks)} blocks; the least has to be 0 or more, and smaller"
            )
        super().__init__([str(depth) for depth in range(low, len(blocks) + 1)], label)
        self.blocks = nn.ModuleList(map(_apart, blocks))
        self.low = low

    def forward(self, x: Tensor) -> Tensor:
        """Run as many blocks as are chosen."""
        value = x
        for block in list(self.blocks)[: self.low + self.chosen]:
            value = block(value)
        return _its_own(value, x)


class Growing(Element):
    """A sum of parts, the first ones of which are chosen, see :func:`kernel` and :func:`channels`."""

    def __init__(self, parts: Sequence[nn.Module], choices: Sequence[str], label: str = "") -> None:
        super().__init__(choices, label)
        self.parts = nn.ModuleList(parts)

    def forward(self, x: Tensor) -> Tensor:
        """Add up the parts up to the chosen one."""
        total: Tensor = self.parts[0](x)
        for part in list(self.parts)[1 : self.chosen + 1]:
            total = total + part(x)
        return total


class Ring(nn.Conv2d):
    """The weights of a convolution that a larger kernel has and a smaller one has not.

    :param conv: whose weights are taken over, the middle of its kernel where ``outer`` is smaller.
    :param outer: height and width of the larger kernel.
    :param inner: of the smaller one; 0 where there is none, and the bias belongs here.
    """

    def __init__(self, conv: nn.Conv2d, outer: int, inner: int) -> None:
        super().__init__(
            conv.in_channels,
            conv.out_channels,
            outer,
            cast(Any, conv.stride),
            outer // 2,
            groups=conv.groups,
            bias=conv.bias is not None and not inner,
            device=conv.weight.device,
            dtype=conv.weight.dtype,
        )
        edge, hole = (conv.kernel_size[0] - outer) // 2, (outer - inner) // 2
        mask = torch.ones(outer, outer, dtype=torch.bool)
        mask[hole : hole + inner, hole : hole + inner] = False
        self.places: Tensor
        self.register_buffer("places", mask.flatten().nonzero().flatten(), persistent=False)
        with torch.no_grad():
            middle = conv.weight[:, :, edge : edge + outer, edge : edge + outer].flatten(2)
            self.weight = nn.Parameter(middle[:, :, self.places.to(middle.device)].clone())
            if self.bias is not None and conv.bias is not None:
                self.bias.copy_(conv.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolution with these weights, zero where the smaller kernel is."""
        height, width = self.kernel_size
        weight = self.weight.new_zeros((*self.weight.shape[:2], height * width))
        weight = weight.index_copy(2, self.places, self.weight)
        weight = weight.reshape(*weight.shape[:2], height, width)
        return F.conv2d(x, weight, self.bias, self.stride, self.padding, groups=self.groups)


def choice(options: Mapping[str, nn.Module] | nn.ModuleDict | Iterable[nn.Module], label: str = "") -> Choice:
    """Choose one of several modules.

    :param options: modules by name, or in a row; each takes one tensor, and all give the same shape. ``nn.Identity()``
        passes its input on.
    :param label: what the decision is called; the module's place in the model by default.

    >>> layer = choice({"k3": nn.Conv2d(3, 8, 3, padding=1), "k5": nn.Conv2d(3, 8, 5, padding=2)})
    >>> layer(torch.zeros(1, 3, 4, 4)).shape
    torch.Size([1, 8, 4, 4])
    """
    if isinstance(options, (Mapping, nn.ModuleDict)):
        return Choice(dict(options.items()), label)
    return Choice({str(n): module for n, module in enumerate(options)}, label)


def gate(module: nn.Module, label: str = "") -> Gate:
    """Choose whether a module is computed; without it there are zeros, as in ``x + self.branch(x)``.

    >>> gate(nn.Linear(2, 3))(torch.ones(1, 2))
    tensor([[0., 0., 0.]])
    """
    return Gate(module, label)


def inputs(n: int, k: int = 1, label: str = "") -> Inputs:
    """Choose k of n values, called with a list of tensors of one shape; those that are chosen are added up.

    >>> inputs(3, 2).choices
    ('0+1', '0+2', '1+2')
    """
    return Inputs(n, k, label)


def repeat(
    block: Callable[[int], nn.Module] | Sequence[nn.Module] | nn.ModuleList,
    low: int,
    high: int | None = None,
    label: str = "",
) -> Depth:
    """Choose how many blocks of a row are computed, from ``low`` to ``high`` of them.

    :param block: the blocks, or a function of a block's place that makes it.
    :param high: how many a function makes; the number of blocks where they are given.

    >>> repeat([nn.Linear(2, 2), nn.Linear(2, 2)], 1).choices
    ('1', '2')
    """
    if isinstance(block, nn.ModuleList):
        block = list(block)
    if isinstance(block, nn.Module):
        raise TypeError(
            f"repeat is given one {type(block).__name__}; give a list of blocks, or a function of a block's place that "
            "makes it, such as lambda place: nn.Linear(8, 8)"
        )
    if not isinstance(block, Sequence):
        if high is None:
            raise ValueError("repeat needs `high`, the number of blocks that the function is to make")
        block = [block(place) for place in range(high)]
    if high not in (None, len(block)):
        raise ValueError(f"repeat is given {len(block)} blocks and high={high}; leave `high` out")
    return Depth(block, low, label)


def kernel(conv: nn.Conv2d, sizes: Sequence[int], label: str = "") -> Growing:
    """Choose the size of a convolution's kernel; smaller ones are the middle of larger ones.

    :param conv: with an odd kernel, padded by half of it; its weights are taken over.
    :param sizes: odd and growing, the last one at most the convolution's own.
    :raises ValueError: for other sizes or another convolution.

    >>> kernel(nn.Conv2d(1, 4, 5, padding=2), (3, 5)).choices
    ('3', '5')
    """
    own = conv.kernel_size[0] if isinstance(conv, nn.Conv2d) else 0
    fits = own and (conv.kernel_size, conv.padding, conv.dilation, conv.padding_mode) == (
        (own, own),
        (own // 2, own // 2),
        (1, 1),
        "zeros",
    )
    odd = all(size % 2 for size in (own, *sizes)) and list(sizes) == sorted({*sizes} & {*range(own + 1)})
    if not fits or not odd:
        raise ValueError(
            "kernel takes a square, undilated nn.Conv2d padded with zeros by half its odd kernel, and odd, growing "
            f"sizes up to it; got {conv} and {tuple(sizes)}"
        )
    parts = [Ring(conv, outer, inner) for inner, outer in zip((0, *sizes), sizes, strict=False)]
    return Growing(parts, [str(size) for size in sizes], label)


def channels(module: nn.Module, counts: Sequence[int], label: str = "") -> Growing:
    """Choose how many of a layer's first output channels are computed.

    Where the row of layers ends with one that reads them, as in the hidden layer of a perceptron or an inverted
    bottleneck, both ends are cut, and what is not chosen costs nothing. Else the other channels are zero, and whoever
    reads them goes on reading all: those readers' costs stay.

    :param module: see :class:`Slice`; its weights are taken over.
    :param counts: growing, the last one the layer's own.
    :raises ValueError: for other counts or a layer that cannot be cut.

    >>> hidden = channels(nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 4)), (2, 8))
    >>> hidden.choices, hidden(torch.zeros(1, 3)).shape
    (('2', '8'), torch.Size([1, 4]))
    """
    first = next(iter(module), module) if isinstance(module, nn.Sequential) else module
    total = outputs(first)
    if not total:
        raise ValueError(uncut(first))
    if list(counts) != sorted(set(counts)) or not counts or counts[0] < 1 or counts[-1] != total:
        raise ValueError(
            f"channels takes growing counts from 1 to {total}, the layer's own; got {tuple(counts)}"
        )
    parts = [Slice(module, start, stop) for start, stop in zip((0, *counts), counts, strict=False)]
    return Growing(parts, [str(count) for count in counts], label)
