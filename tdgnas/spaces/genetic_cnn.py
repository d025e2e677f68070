"""Networks as bits: of every stage, which of its ordered nodes are connected.

Source: Xie, Yuille 2017, *Genetic CNN*, section 3.1; the small networks of its section 4.2.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..decision import Decision
from ..graphs import INPUT, Condition, Node, Op, Term, on
from ..settings import check_whole
from .architecture import Architecture
from .registry import SPACES
from .space import SearchSpace, given


@SPACES.register("genetic-cnn")
class GeneticCNN(SearchSpace):
    """Stages of ordered nodes, and a bit for every pair of nodes of a stage: whether the later one reads the earlier.

    A node sums what it reads, then convolution, BatchNorm, ReLU. Of every stage a default node of the same kind comes
    first: what has no predecessor reads it, and what has no successor is summed by another one at the end. A node
    without either is left out, and a stage without connections is its first default node alone. A stage has twice the
    channels of the one before; between them is a 3x3 max pooling of stride 2. The classifier is the mean over the image
    and a linear layer, where the paper has a hidden layer of 128 units.

    All bits of a stage come in the order of the paper: 1-2; 1-3, 2-3; 1-4, 2-4, 3-4; and so on. A list of bits is an
    individual as it is, for every fitness and for the bit operators of DEAP.

    :param stages: nodes of each stage, 2 or more.
    :param channels: of the first stage.
    :param kernel: of the convolutions, odd.
    :param in_channels: channels of the image.
    :param image_size: height and width of the image.
    :param classes: number of classes.
    :raises ValueError: for sizes that make no network.

    >>> space = GeneticCNN()
    >>> space.length, space.to_string(space.from_string("1-01 | 0-00-000 | 1111111111"))
    (19, '1-01 | 0-00-000 | 1-11-111-1111')
    """

    name = "genetic-cnn"

    def __init__(
        self,
        stages: Sequence[int] = (3, 4, 5),
        channels: int = 8,
        kernel: int = 5,
        in_channels: int = 3,
        image_size: int = 32,
        classes: int = 10,
    ) -> None:
        settings = {**given(locals()), "stages": list(stages)}
        if not stages:
            raise ValueError("stages is empty; give the number of nodes of each stage, such as [3, 4, 5]")
        for count in stages:
            check_whole(2, stages=count)
        check_whole(channels=channels, kernel=kernel, in_channels=in_channels, image_size=image_size)
        check_whole(classes=classes)
        if kernel % 2 == 0:
            raise ValueError(f"kernel is {kernel}; it is odd, so that a window has a middle")
        self.stages = tuple(stages)
        #: Of each bit, the stage and the two nodes that it connects, counted from 1.
        self.pairs = [
            (stage, i, j)
            for stage, count in enumerate(stages, start=1)
            for j in range(2, count + 1)
            for i in range(1, j)
        ]
        decisions = [
            Decision(f"{stage}: {i}-{j}", ("off", "on"), binary=True, group=f"stage{stage}", kind="bit")
            for stage, i, j in self.pairs
        ]
        place = {pair: number for number, pair in enumerate(self.pairs)}
        nodes: list[Node] = []
        before, wide = INPUT, in_channels
        for stage, count in enumerate(stages, start=1):
            bits = {(i, j): bit for (own, i, j), bit in place.items() if own == stage}
            nodes += _stage(f"stage{stage}", count, bits, before, (wide, channels * 2 ** (stage - 1), kernel))
            before, wide = f"stage{stage}", channels * 2 ** (stage - 1)
        head = Op("head", "head", {"channels": wide, "classes": classes})
        nodes.append(Node("logits", (Term(before, head),)))
        super().__init__(decisions, nodes, (in_channels, image_size, image_size), classes, settings)

    def to_string(self, architecture: Architecture) -> str:
        """Return the text form of the paper, stages apart: ``1-01-001 | 0-10-000-0011``."""
        self.check(architecture)
        bits = iter(map(str, architecture.choices))
        return " | ".join(
            "-".join("".join(next(bits) for _ in range(1, j)) for j in range(2, count + 1))
            for count in self.stages
        )

    def describe(self, architecture: Architecture) -> str:
        """Return one line for people: the text form."""
        return self.to_string(architecture)

    def from_string(self, text: str) -> Architecture:
        """Return the architecture of a text form; whatever stands between the bits says nothing.

        :raises ValueError: when it is something else than so many bits.
        """
        bits = re.sub(r"[\s|,-]", "", text)
        if len(bits) != len(self.decisions) or set(bits) - {"0", "1"}:
            raise ValueError(
                f"{text!r} is no network of {self!r}, which has {len(self.decisions)} bits: 0 or 1 for each pair of "
                "nodes, such as 1-01 | 0-10-001 for stages of 3 and 4 nodes"
            )
        return self.architecture([int(bit) for bit in bits])


def _stage(
    name: str, count: int, bits: dict[tuple[int, int], int], before: str, sizes: tuple[int, int, int]
) -> list[Node]:
    """Return the nodes of a stage, the last one of which is its output.

    :param bits: the decisions by the nodes that they connect.
    :param sizes: channels before, channels, kernel.
    """
    before_channels, channels, kernel = sizes

    def conv(node: str, wide: int) -> Op:
        made = {"channels_in": wide, "channels_out": channels, "kernel": kernel}
        return Op(f"{node}_conv", "conv-norm-relu", made)

    def off(pairs: Sequence[tuple[int, int]]) -> tuple[Condition, ...]:
        return tuple(on(bits[pair], 0) for pair in pairs)

    pool = None if before == INPUT else Op(f"{name}_pool", "pool", {"kind": "max", "kernel": 3, "stride": 2})
    first, join = f"{name}_0", f"{name}_{count + 1}"
    nodes = [Node(first, (Term(before, pool),), conv(first, before_channels))]
    ends = []
    for j in range(1, count + 1):
        into, out = [(i, j) for i in range(1, j)], [(j, k) for k in range(j + 1, count + 1)]
        terms = [Term(first, None, off(into))]
        terms += [Term(f"{name}_{i}", None, on(bits[i, j])) for i, _ in into]
        nodes.append(Node(f"{name}_{j}", tuple(terms), conv(f"{name}_{j}", channels)))
        # It has a predecessor, the first of which is one of these, and no successor.
        ends += [
            Term(f"{name}_{j}", None, (on(bits[pair]), *off(into[:place]), *off(out)))
            for place, pair in enumerate(into)
        ]
    nodes.append(Node(join, tuple(ends), conv(join, channels)))
    # Joined when any bit is on, the first of which is one of these.
    pairs = list(bits)
    whole = [Term(join, None, (on(bits[pair]), *off(pairs[:place]))) for place, pair in enumerate(pairs)]
    return [*nodes, Node(name, (*whole, Term(first, None, off(pairs))))]
