"""Whole networks: every layer chooses an operation, and which earlier layers are added to it.

Source: Pham et al. 2018, *Efficient Neural Architecture Search via Parameter Sharing*, section 2.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar

from torch import nn

from ...decision import Decision
from ...graphs import INPUT, Graph, Node, Op, Term, needed_only, on
from ..architecture import Architecture
from ..registry import SPACES
from ..space import SearchSpace, given
from .operations import check_sizes, head, numbers

OPERATIONS = ("conv3", "sepconv3", "conv5", "sepconv5", "avg3", "max3")


def _operation(name: str, kind: str, channels: int) -> Op:
    if kind in ("avg3", "max3"):
        return Op(name, "enas-pool", {"channels": channels, "pool": kind[:3]})
    made = {"channels": channels, "kernel": int(kind[-1]), "separable": kind.startswith("sep")}
    return Op(name, "enas-conv", made)


@SPACES.register("enas-macro")
class EnasMacro(SearchSpace):
    """ENAS' macro space: each layer has one of six operations on the layer before it, and a skip bit for every earlier
    output but that one.

    In the shared network what the bits choose is added to the operation's output, and BatchNorm follows. Every layer
    from the second on has bits: of the stem, layer 1, ... in this order. After one and two thirds of the layers all
    earlier outputs are halved in height and width. The final network concatenates what the bits choose instead, and
    doubles its channels there.

    :param layers: how many.
    :param channels: of every layer of the shared network.
    :param dropout: before the last layer, while weights are trained.
    :param in_channels: channels of the image.
    :param image_size: height and width of the image, a multiple of 4.
    :param classes: number of classes.
    :raises ValueError: for sizes that make no network.

    >>> len(EnasMacro().decisions), EnasMacro(layers=3).length
    (78, 21)
    """

    name = "enas-macro"
    final_options: ClassVar[Mapping[str, Any]] = {"channels": 96, "dropout": 0.5}

    def __init__(
        self,
        layers: int = 12,
        channels: int = 36,
        dropout: float = 0.1,
        in_channels: int = 3,
        image_size: int = 32,
        classes: int = 10,
    ) -> None:
        settings = given(locals())
        #: Layers, counted from 1, after which all outputs are halved.
        self.reductions = (
            tuple(sorted({layers // 3, 2 * layers // 3} - {0})) if isinstance(layers, int) else ()
        )
        check_sizes(settings, len(self.reductions))
        self.layers, self.channels = layers, channels
        decisions = []
        for layer in range(1, layers + 1):
            group = f"layer{layer}"
            decisions.append(Decision(f"op{layer}", OPERATIONS, group=group, kind="op"))
            for source in range(layer - 1):
                # As the authors' controller: an output is pointed at by the layer that has it as its first input.
                skip = Decision(
                    f"{source}-{layer}",
                    ("none", "skip"),
                    binary=True,
                    group=group,
                    kind="skip",
                    points=(f"layer{source + 1}",),
                )
                decisions.append(skip)
        nodes = self._nodes(in_channels, classes, dropout)
        super().__init__(decisions, nodes, (in_channels, image_size, image_size), classes, settings)

    def decision_of(self, layer: int, source: int | None = None) -> int:
        """Index of the decision on a layer's operation, or on the skip from an earlier output (0 is the stem)."""
        return (layer - 1) * layer // 2 + (0 if source is None else 1 + source)

    def _nodes(self, in_channels: int, classes: int, dropout: float) -> list[Node]:
        channels = {"channels": self.channels}
        stem = Op("stem", "stem", {"channels_in": in_channels, "channels_out": self.channels})
        nodes = [Node("stem", (Term(INPUT, stem),))]
        outputs = ["stem"]
        for layer in range(1, self.layers + 1):
            terms = [
                Term(
                    outputs[-1],
                    _operation(f"layer{layer}_{kind}", kind, self.channels),
                    on(self.decision_of(layer), choice),
                )
                for choice, kind in enumerate(OPERATIONS)
            ]
            terms += [
                Term(outputs[source], None, on(self.decision_of(layer, source)))
                for source in range(layer - 1)
            ]
            # Nothing can be added to the first layer, so it is not normalised again.
            post = Op(f"norm{layer}", "norm", channels) if layer > 1 else None
            nodes.append(Node(f"layer{layer}", tuple(terms), post))
            outputs.append(f"layer{layer}")
            if layer in self.reductions and layer < self.layers:
                nodes += _halved(outputs, layer, self.channels, self.channels)
        return [*nodes, Node("logits", (Term(outputs[-1], head(self.channels, classes, dropout)),))]

    def final_network(self, architecture: Architecture, **options: Any) -> nn.Module:
        """Return the network that is trained to the end: skipped outputs are concatenated with the operation's, then
        ReLU, 1x1 convolution, BatchNorm; channels double where outputs are halved.

        :param options: ``channels`` of the first layers and ``dropout`` before the last one; images and classes.
        :raises ValueError: for another option.
        """
        self.check(architecture)
        made = self._fitting(options)
        strange = sorted(set(made) - {*self.final_options, "in_channels", "image_size", "classes"})
        if strange:
            raise ValueError(
                f"there is no option {strange[0]!r} of this network; there are {', '.join(self.final_options)}"
            )
        channels: int = made["channels"]
        stem = Op("stem", "stem", {"channels_in": made["in_channels"], "channels_out": channels})
        nodes = [Node("stem", (Term(INPUT, stem),))]
        outputs = ["stem"]
        for layer in range(1, self.layers + 1):
            kind = OPERATIONS[architecture.choices[self.decision_of(layer)]]
            operation = Term(outputs[-1], _operation(f"layer{layer}_{kind}", kind, channels))
            skips = [architecture.choices[self.decision_of(layer, source)] for source in range(layer - 1)]
            chosen = [Term(output) for output, on in zip(outputs, skips, strict=False) if on]
            ends = {"channels_in": channels * (1 + len(chosen)), "channels_out": channels}
            if chosen:
                join = Op(f"join{layer}", "pointwise", ends)
                nodes.append(Node(f"layer{layer}", (operation, *chosen), join, combine="concat"))
            else:
                nodes.append(Node(f"layer{layer}", (operation,)))
            outputs.append(f"layer{layer}")
            if layer in self.reductions and layer < self.layers:
                nodes += _halved(outputs, layer, channels, 2 * channels)
                channels *= 2
        last = head(channels, made["classes"], made["dropout"])
        nodes.append(Node("logits", (Term(outputs[-1], last),)))
        shape = (made["in_channels"], made["image_size"], made["image_size"])
        return Graph(needed_only(nodes), shape).network()

    # the text form -----------------------------------------------------------------------------------------------

    def to_string(self, architecture: Architecture) -> str:
        """Return the text form: for every layer its operation's number and its skip bits, such as ``[1] [0 1]``."""
        self.check(architecture)
        starts = [self.decision_of(layer) for layer in range(1, self.layers + 2)]
        rows = [architecture.choices[start:end] for start, end in pairwise(starts)]
        return " ".join(f"[{' '.join(map(str, row))}]" for row in rows)

    def from_string(self, text: str) -> Architecture:
        """Return the architecture of a text form; brackets may be missing.

        :raises ValueError: when the text is not that of a network of so many layers.
        """
        form = (
            f"a network of {self.layers} layers (per layer the operation, then a bit for every earlier output but the "
            "last)"
        )
        return self.architecture(numbers(text, len(self.decisions), form))


def _halved(outputs: list[str], layer: int, channels_in: int, channels_out: int) -> Sequence[Node]:
    """Reduce all outputs so far, and put the new ones in their place."""
    ends = {"channels_in": channels_in, "channels_out": channels_out, "stride": 2}
    nodes = []
    for place, name in enumerate(outputs):
        op = Op(f"half{layer}_{place}", "factorised-reduction", ends)
        nodes.append(Node(op.name, (Term(name, op),)))
        outputs[place] = op.name
    return nodes
