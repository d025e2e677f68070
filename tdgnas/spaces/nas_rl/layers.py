"""What the tokens of a string say, as layers; and the fixed graph that they make.

Source: Zoph, Le 2017, *Neural Architecture Search with Reinforcement Learning*, sections 3.1 and 3.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from torch import nn

from ...graphs import INPUT, OPS, Node, Op, Term

CONV = "conv"
POOLS = ("max", "avg")
_TEXT = re.compile(r"(?:(\w+) +)?(\d+)x(\d+)(?:/(\d+)x(\d+))?(?::(\d+))?(?: *<- *(\d+(?: *, *\d+)*))?")


OPS.register("zero-pad")(nn.ZeroPad2d)


class Layer(NamedTuple):
    """One layer of a network.

    :ivar type: ``conv``, ``max`` or ``avg``.
    :ivar kernel: height and width of its window.
    :ivar stride: in height and in width.
    :ivar filters: of a convolution; 0 of a pooling, which keeps its channels.
    :ivar sources: the earlier layers that feed it, counted from 1; the image where there are none.
    """

    type: str
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    filters: int = 0
    sources: tuple[int, ...] = ()

    def __str__(self) -> str:
        window, step = ("x".join(map(str, pair)) for pair in (self.kernel, self.stride))
        filters = f":{self.filters}" if self.filters else ""
        sources = f" <- {','.join(map(str, self.sources))}" if self.sources else ""
        name = "" if self.type == CONV else f"{self.type} "
        return f"{name}{window}{'' if step == '1x1' else f'/{step}'}{filters}{sources}"

    @classmethod
    def parse(cls, text: str) -> Layer:
        """Read what ``str`` writes.

        :raises ValueError: when it is something else.

        >>> Layer.parse("max 3x5/2x1 <- 1,2")
        Layer(type='max', kernel=(3, 5), stride=(2, 1), filters=0, sources=(1, 2))
        """
        found = _TEXT.fullmatch(text.strip())
        if found is None:
            raise ValueError(
                f"{text.strip()!r} is no layer; expected such as 3x5:36, 3x3/2x1:24 <- 1,2 or max 3x3 <- 1"
            )
        kind, height, width, down, right, filters, sources = found.groups()
        earlier = tuple(int(one) for one in sources.split(",")) if sources else ()
        stride = (int(down or 1), int(right or 1))
        return cls(kind or CONV, (int(height), int(width)), stride, int(filters or 0), earlier)


def nodes_of(layers: Sequence[Layer], image_shape: tuple[int, ...], classes: int) -> list[Node]:
    """Return the graph of layers: what feeds a layer is concatenated in depth, smaller values padded with zeros to the
    largest; all outputs that nobody reads are concatenated before the classifier.

    Zeros are added on all sides alike, the odd one below or at the right.
    """
    wide, height, width = image_shape
    shapes = {INPUT: (wide, height, width)}
    nodes = []
    for number, layer in enumerate(layers, start=1):
        name = f"layer{number}"
        terms, (channels, *size) = _joined([f"layer{j}" for j in layer.sources] or [INPUT], name, shapes)
        window = {"kernel": layer.kernel, "stride": layer.stride}
        if layer.type == CONV:
            ends = {"channels_in": channels, "channels_out": layer.filters}
            op, channels = Op(f"conv{number}", "conv-norm-relu", {**ends, **window}), layer.filters
        else:
            op = Op(f"pool{number}", "pool", {"kind": layer.type, **window})
        nodes.append(_node(name, terms, op))
        height, width = (-(-one // step) for one, step in zip(size, layer.stride, strict=True))
        shapes[name] = (channels, height, width)
    read = {source for layer in layers for source in layer.sources}
    unread = [f"layer{number}" for number in range(1, len(layers) + 1) if number not in read]
    terms, (channels, *_) = _joined(unread, "logits", shapes)
    return [*nodes, _node("logits", terms, Op("head", "head", {"channels": channels, "classes": classes}))]


def _joined(
    sources: Iterable[str], name: str, shapes: dict[str, tuple[int, int, int]]
) -> tuple[tuple[Term, ...], tuple[int, int, int]]:
    """The terms by which sources enter a node, and the shape of what they are together."""
    found = {source: shapes[source] for source in sources}
    height, width = (max(shape[axis] for shape in found.values()) for axis in (1, 2))
    terms = []
    for source, (_, own_height, own_width) in found.items():
        down, right = height - own_height, width - own_width
        padding = (right // 2, right - right // 2, down // 2, down - down // 2)
        op = Op(f"pad_{source}_{name}", "zero-pad", {"padding": padding}) if down or right else None
        terms.append(Term(source, op))
    return tuple(terms), (sum(shape[0] for shape in found.values()), height, width)


def _node(name: str, terms: tuple[Term, ...], op: Op) -> Node:
    return Node(name, terms, op, "concat" if len(terms) > 1 else "sum")
