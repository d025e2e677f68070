"""The functions that a program is made of, and the graph that comes of calling them.

Source: Suganuma, Shirakawa, Nagao 2017, *A Genetic Programming Approach to Designing Convolutional Neural Network
Architectures*, section 3.1 and table 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ...graphs import INPUT, OPS, Graph, Node, Op, Term, conv_norm_relu
from ...settings import check_whole

IMAGE = "image"
"""What a program's input is called."""

POOLS, JOINS = ("max", "avg"), ("sum", "concat")


def function_names(kernels: Sequence[int], filters: Sequence[int], most: int) -> tuple[str, ...]:
    """Return the functions: convolution and residual blocks as ``conv3_16`` and ``res3_16``, then pools, then joins.

    :param kernels: of the blocks, odd.
    :param filters: of the blocks.
    :param most: channels that a concatenation may have.
    :raises ValueError: naming what is none or impossible.
    """
    for kernel in kernels:
        check_whole(kernels=kernel)
    for wide in filters:
        check_whole(filters=wide)
    if not kernels or not filters or any(kernel % 2 == 0 for kernel in kernels):
        raise ValueError(
            f"kernels are {list(kernels)} and filters {list(filters)}; give one or more of each, the kernels odd"
        )
    check_whole(max(filters), most=most)
    blocks = [f"{kind}{kernel}_{wide}" for kind in ("conv", "res") for kernel in kernels for wide in filters]
    return (*blocks, *POOLS, *JOINS)


def arity(name: str) -> int:
    """Return how many values a function takes."""
    return 2 if name in JOINS else 1


class Residual(nn.Module):
    """Two convolutions with BatchNorm and a ReLU between them, added to the input, ReLU.

    Of the input and the sum, the one with fewer channels has zeros for the others.
    """

    def __init__(self, channels_in: int, channels_out: int, kernel: int) -> None:
        super().__init__()
        second = nn.Conv2d(channels_out, channels_out, kernel, 1, kernel // 2, bias=False)
        first = conv_norm_relu(channels_in, channels_out, kernel)
        self.main = nn.Sequential(*first, second, nn.BatchNorm2d(channels_out))
        self.past, self.own = max(0, channels_out - channels_in), max(0, channels_in - channels_out)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the same height and width."""
        value = nn.functional.pad(self.main(x), (0, 0, 0, 0, 0, self.own))
        return torch.relu(value + nn.functional.pad(x, (0, 0, 0, 0, 0, self.past)))


OPS.register("residual")(Residual)


@OPS.register("fit")
def fit(more: int = 0, halvings: int = 0) -> nn.Sequential:
    """Max-pooling to half the height and width so many times, and channels of zeros beside the others."""
    pools = [nn.MaxPool2d(3, 2, 1) for _ in range(halvings)]
    return nn.Sequential(*pools, nn.ZeroPad3d((0, 0, 0, 0, 0, more)))


class Program:
    """The graph of a program, call by call.

    A pool halves height and width, rounded up; an image of one pixel stays as it is. Where values are joined, the
    larger image is max-pooled to the size of the smaller one. A sum has the channels of the wider value, the other's
    missing ones are zeros. So every call has a value, whatever it is called with.

    :param image_shape: (channels, height, width).
    :param most: channels: a concatenation of more is followed by a 1x1 convolution, BatchNorm, ReLU to as many.
    """

    def __init__(self, image_shape: tuple[int, ...], most: int) -> None:
        self.image_shape, self.most = image_shape, most
        self.nodes: list[Node] = []
        #: Of every value, its channels and how often height and width were halved.
        self.values = {INPUT: (image_shape[0], 0)}
        self.last = (max(image_shape[1:]) - 1).bit_length()

    def call(self, function: str, sources: Sequence[str], name: str) -> str:
        """Append a node of this name; return the name."""
        given = [self.values[source] for source in sources]
        combine: Any = "sum"
        post: Op | None = None
        terms = tuple(Term(source) for source in sources)
        wide, halved = given[0]
        if function in POOLS:
            if halved < self.last:
                post, halved = Op(name, "pool", {"kind": function, "kernel": 3, "stride": 2}), halved + 1
        elif function not in JOINS:
            kernel, _, filters = function.strip("convres").partition("_")
            kind = "residual" if function.startswith("res") else "conv-norm-relu"
            ends = {"channels_in": wide, "channels_out": int(filters), "kernel": int(kernel)}
            post = Op(name, kind, ends)
            wide = max(wide, int(filters)) if kind == "residual" else int(filters)
        else:
            halved = max(each[1] for each in given)
            wide = max(each[0] for each in given)
            more = [(wide - own) * (function == "sum") for own, _ in given]
            terms = tuple(
                self._fitted(source, f"{name}_{place}", more[place], halved - given[place][1])
                for place, source in enumerate(sources)
            )
            if function == "concat":
                combine, wide = "concat", sum(each[0] for each in given)
                if wide > self.most:
                    ends = {"channels_in": wide, "channels_out": self.most, "kernel": 1}
                    post, wide = Op(name, "conv-norm-relu", ends), self.most
        self.nodes.append(Node(name, terms, post, combine))
        self.values[name] = wide, halved
        return name

    @staticmethod
    def _fitted(source: str, name: str, more: int, halvings: int) -> Term:
        needed = more or halvings
        return Term(source, Op(name, "fit", {"more": more, "halvings": halvings}) if needed else None)

    def graph(self, last: str, classes: int) -> Graph:
        """Return the graph whose logits are read from a value: the mean over the image, a linear layer."""
        head = Op("head", "head", {"channels": self.values[last][0], "classes": classes})
        return Graph([*self.nodes, Node("logits", (Term(last, head),))], self.image_shape)
