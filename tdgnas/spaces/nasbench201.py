"""NAS-Bench-201's cell: six edges, each with one of five operations.

Source: Dong and Yang 2020, *NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search*.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from torch import Tensor, nn

from ..decision import Decision
from ..graphs import INPUT, OPS, Node, Op, Term, head, norm_relu, on, relu_conv_norm
from ..settings import check_whole
from .architecture import Architecture
from .registry import SPACES
from .space import SearchSpace, given

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))  # in the order of the string form
PATHS = ((3,), (0, 4), (1, 5), (0, 2, 5))  # from node 0 to node 3, as places in EDGES
_EDGE = re.compile(r"(\w+)~(\d)")


@OPS.register("residual-reduction")
class ResidualReduction(nn.Module):
    """Halves height and width between stages: two convolutions, and a pooled 1x1 convolution beside them."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            relu_conv_norm(channels_in, channels_out, 3, 2), relu_conv_norm(channels_out, channels_out, 3)
        )
        self.side = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(channels_in, channels_out, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of half the height and width."""
        value: Tensor = self.side(x) + self.main(x)
        return value


@OPS.register("norm-relu-head")
def norm_relu_head(channels: int, classes: int) -> nn.Sequential:
    """BatchNorm, ReLU, mean over the image, linear layer."""
    return nn.Sequential(norm_relu(channels), *head(channels, classes).children())


@SPACES.register("nasbench201")
class NASBench201(SearchSpace):
    """The 15,625 cells of NAS-Bench-201, each repeated in three stages with residual reductions between them.

    A cell has four nodes; an edge (i, j), i < j, applies one of five operations to node i, and node j sums
    what enters it. All cells of a network are equal, so there are six decisions.

    :param channels: of the first stage; the second has twice and the third four times as many.
    :param cells_per_stage: cells in each of the three stages.
    :param in_channels: channels of the image.
    :param image_size: height and width of the image, a multiple of 4.
    :param classes: number of classes.
    :raises ValueError: for sizes that make no network.

    >>> NASBench201().length
    30
    """

    name = "nasbench201"
    # Convolutions learn in their own steps only; and where skips are met seldom, the weights learn to do without that
    # from input to output, which the best cells have.
    path_shares: ClassVar[Mapping[str, float]] = {"skip_connect": 3, "nor_conv_1x1": 2, "nor_conv_3x3": 5}

    def __init__(
        self,
        channels: int = 16,
        cells_per_stage: int = 5,
        in_channels: int = 3,
        image_size: int = 32,
        classes: int = 10,
    ) -> None:
        settings = given(locals())
        check_whole(
            channels=channels, cells_per_stage=cells_per_stage, in_channels=in_channels, classes=classes
        )
        check_whole(4, image_size=image_size)
        if image_size % 4:
            raise ValueError(
                f"image_size is {image_size}; two reductions halve it, so it must be a multiple of 4"
            )
        self.channels = (channels, 2 * channels, 4 * channels)
        self.cells_per_stage = cells_per_stage
        decisions = [Decision(f"{i}-{j}", OPERATIONS, group=f"node{j}", kind="op") for i, j in EDGES]
        nodes = self._nodes(in_channels, classes)
        super().__init__(decisions, nodes, (in_channels, image_size, image_size), classes, settings)

    def _nodes(self, in_channels: int, classes: int) -> list[Node]:
        stem = Op("stem", "stem", {"channels_in": in_channels, "channels_out": self.channels[0]})
        nodes = [Node("stem", (Term(INPUT, stem),))]
        for stage, channels in enumerate(self.channels):
            if stage:
                ends = {"channels_in": self.channels[stage - 1], "channels_out": channels}
                reduction = Op(f"reduction{stage}", "residual-reduction", ends)
                nodes.append(Node(reduction.name, (Term(nodes[-1].name, reduction),)))
            for cell in range(self.cells_per_stage):
                nodes.extend(_cell(f"s{stage}c{cell}", nodes[-1].name, channels))
        last = Op("head", "norm-relu-head", {"channels": self.channels[2], "classes": classes})
        return [*nodes, Node("logits", (Term(nodes[-1].name, last),))]

    # the published string form ------------------------------------------------------------------------------

    def to_string(self, architecture: Architecture) -> str:
        """Return the published string, such as ``|op~0|+|op~0|op~1|+|op~0|op~1|op~2|``."""
        self.check(architecture)
        parts = {j: "|" for _, j in EDGES}
        for (i, j), choice in zip(EDGES, architecture.choices, strict=True):
            parts[j] += f"{OPERATIONS[choice]}~{i}|"
        return "+".join(parts.values())

    def from_string(self, text: str) -> Architecture:
        """Return the architecture of a published string.

        :raises ValueError: when the text is not the string of a cell of this space.
        """
        found = _EDGE.findall(text)
        names = [op for op, _ in found]
        unknown = sorted(set(names) - set(OPERATIONS))
        if unknown:
            raise ValueError(
                f"there is no operation {unknown[0]!r} in {text!r}; there are {', '.join(OPERATIONS)}"
            )
        form = "+".join("|" + "".join(f"{{}}~{i}|" for i in range(j)) for j in (1, 2, 3))
        if len(names) != len(EDGES) or form.format(*names) != text.strip():
            raise ValueError(f"{text!r} is not a cell; expected the form {form.format(*['op'] * 6)}")
        return Architecture(self.name, tuple(OPERATIONS.index(name) for name in names))

    def path_encoding(self, choices: Sequence[int]) -> list[float]:
        """Tell which sequences of operations lead from the cell's input to its output: 155 zeros and ones.

        Source: White, Neiswanger, Savani 2021, *BANANAS*, section 3: 5 sequences of one operation, 25 of two, 125 of
        three.
        """
        base, found = len(OPERATIONS), [0.0] * 155
        for path in PATHS:
            first = sum(base**length for length in range(1, len(path)))
            found[first + sum(choices[edge] * base**place for place, edge in enumerate(path))] = 1.0
        return found

    def published_parameters(self, architecture: Architecture) -> int:
        """Parameters as NAS-Bench-201 counts them: with the operations of edges that the output does not
        read.

        :meth:`parameters` counts what :meth:`network` has, which leaves such edges out.
        """
        return sum(self.graph.profile.parameters[name] for name in self._published(architecture))

    def published_macs(self, architecture: Architecture) -> int:
        """Multiply-adds as NAS-Bench-201 counts them; see :meth:`published_parameters`.

        The published figures also count the additions of the classifier's bias, one per class.
        """
        return sum(self.graph.profile.macs[name] for name in self._published(architecture)) + self.classes

    def _published(self, architecture: Architecture) -> set[str]:
        self.check(architecture)
        return {
            term.op.name
            for node in self.graph.nodes
            for term in node.terms
            if term.op is not None and term.is_on(architecture.choices)
        }


def _cell(name: str, source: str, channels: int) -> list[Node]:
    names = [source, *(f"{name}n{j}" for j in (1, 2, 3))]
    terms: dict[int, list[Term]] = {1: [], 2: [], 3: []}
    for number, (i, j) in enumerate(EDGES):
        for choice, kind in enumerate(OPERATIONS):
            if kind != "none":
                op = _operation(f"{name}_{i}-{j}_{kind}", kind, channels)
                terms[j].append(Term(names[i], op, on(number, choice)))
    return [Node(names[j], tuple(own)) for j, own in terms.items()]


def _operation(name: str, kind: str, channels: int) -> Op | None:
    match kind:
        case "skip_connect":
            return None
        case "avg_pool_3x3":
            return Op(name, "pool", {"kind": "avg", "kernel": 3})
    kernel = 3 if kind == "nor_conv_3x3" else 1
    return Op(name, "relu-conv-norm", {"channels_in": channels, "channels_out": channels, "kernel": kernel})
