"""Whole networks: every layer chooses an operation, and which earlier layers are added to it.

Source: Pham et al. 2018, *Efficient Neural Architecture Search via Parameter Sharing*, section 2.2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar

from torch import nn

from ...decision import Decision
from ...graphs import INPUT, Graph, Node, Op, Term, needed_only, on
from ..architecture import Architecture
from ..registry import SPACES
from ..space import SearchSpace, given
from .operations import check_operation, check_sizes, head, numbers

OPERATIONS = ("conv3", "sepconv3", "conv5", "sepconv5", "avg3", "max3")


Layer = Callable[[int, Sequence[str], int], Node]


def _operation(layer: int, kind: str, channels: int) -> Op:
    name = f"layer{layer}_{kind}"
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
                named, pair, at = f"{source}-{layer}", ("none", "skip"), (f"layer{source + 1}",)
                decisions.append(Decision(named, pair, binary=True, group=group, kind="skip", points=at))
        nodes = self._nodes(channels, (in_channels, classes, dropout), self._shared_layer)
        super().__init__(decisions, nodes, (in_channels, image_size, image_size), classes, settings)

    def decision_of(self, layer: int, source: int | None = None) -> int:
        """Index of the decision on a layer's operation, or on the skip from an earlier output (0 is the stem)."""
        return (layer - 1) * layer // 2 + (0 if source is None else 1 + source)

    def _nodes(
        self, channels: int, ends: tuple[int, int, float], layer_of: Layer, widening: int = 1
    ) -> list[Node]:
        """Return stem, layers and head.

        :param ends: channels of the image, classes, and dropout before the last layer.
        :param layer_of: makes a layer of its number, the names of all outputs before it, and its channels.
        :param widening: multiplies the channels where outputs are halved.
        """
        in_channels, classes, dropout = ends
        stem = Op("stem", "stem", {"channels_in": in_channels, "channels_out": channels})
        nodes = [Node("stem", (Term(INPUT, stem),))]
        outputs = ["stem"]
        for layer in range(1, self.layers + 1):
            nodes.append(layer_of(layer, outputs, channels))
            outputs.append(f"layer{layer}")
            if layer in self.reductions and layer < self.layers:
                nodes += _halved(outputs, layer, channels, widening * channels)
                channels *= widening
        return [*nodes, Node("logits", (Term(outputs[-1], head(channels, classes, dropout)),))]

    def _shared_layer(self, layer: int, outputs: Sequence[str], channels: int) -> Node:
        at = self.decision_of
        operations = [_operation(layer, kind, channels) for kind in OPERATIONS]
        terms = [Term(outputs[-1], op, on(at(layer), choice)) for choice, op in enumerate(operations)]
        terms += [Term(outputs[source], None, on(at(layer, source))) for source in range(layer - 1)]
        # Nothing can be added to the first layer, so it is not normalised again.
        post = Op(f"norm{layer}", "norm", {"channels": channels}) if layer > 1 else None
        return Node(f"layer{layer}", tuple(terms), post)

    def final_network(self, architecture: Architecture, **options: Any) -> nn.Module:
        """Return the network that is trained to the end: skipped outputs are concatenated with the operation's, then
        ReLU, 1x1 convolution, BatchNorm; channels double where outputs are halved.

        :param options: ``channels`` of the first layers and ``dropout`` before the last one; images and classes.
        :raises ValueError: for another option.
        """
        self.check(architecture)
        made = self._fitting(options)

        def chosen_layer(layer: int, outputs: Sequence[str], channels: int) -> Node:
            first, *skips = architecture.choices[self.decision_of(layer) : self.decision_of(layer + 1)]
            operation = Term(outputs[-1], _operation(layer, OPERATIONS[first], channels))
            chosen = [Term(output) for output, skip in zip(outputs, skips, strict=False) if skip]
            if not chosen:
                return Node(f"layer{layer}", (operation,))
            wide = {"channels_in": channels * (1 + len(chosen)), "channels_out": channels, "kernel": 1}
            join = Op(f"join{layer}", "relu-conv-norm", wide)
            return Node(f"layer{layer}", (operation, *chosen), join, combine="concat")

        ends = made["in_channels"], made["classes"], made["dropout"]
        nodes = self._nodes(made["channels"], ends, chosen_layer, widening=2)
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

        :raises ValueError: when the text is not that of a network of so many layers, naming the layer.
        """
        form = (
            f"a network of {self.layers} layers (per layer the operation, then a bit for every earlier output but the "
            "last)"
        )
        for layer, row in enumerate(re.findall(r"\[([^]]*)\]", text)[: self.layers], start=1):
            if len(row.replace(",", " ").split()) != layer:
                raise ValueError(
                    f"layer {layer} is [{row}]; it has an operation and {layer - 1} skip bits, one for every earlier "
                    "output but the last"
                )
        found = numbers(text, len(self.decisions), form)
        for layer in range(1, self.layers + 1):
            operation, *bits = found[self.decision_of(layer) : self.decision_of(layer + 1)]
            check_operation(f"layer {layer}", operation, OPERATIONS)
            if max(bits, default=0) > 1:
                raise ValueError(f"layer {layer} has the skip bits {bits}; each must be 0 or 1")
        return self.architecture(found)


def _halved(outputs: list[str], layer: int, channels_in: int, channels_out: int) -> Sequence[Node]:
    """Reduce all outputs so far, and put the new ones in their place."""
    ends = {"channels_in": channels_in, "channels_out": channels_out, "stride": 2}
    nodes = []
    for place, name in enumerate(outputs):
        op = Op(f"half{layer}_{place}", "factorised-reduction", ends)
        nodes.append(Node(op.name, (Term(name, op),)))
        outputs[place] = op.name
    return nodes
