"""Networks as strings of tokens: for every layer its window, stride and filters, and which earlier layers feed it.

Source: Zoph, Le 2017, *Neural Architecture Search with Reinforcement Learning*, sections 3 and 4.1.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import nn

from ...decision import Decision, Decisions
from ...graphs import Graph
from ...settings import check_whole
from ..architecture import Architecture
from ..registry import SPACES
from ..space import SearchSpace, given
from .layers import CONV, POOLS, Layer, nodes_of

#: The tokens of a layer, in their order; each is the kind of its decisions in all layers.
TOKENS = ("type", "height", "width", "stride-height", "stride-width", "filters")
ANCHOR, DEPTH = "anchor", "depth"


@SPACES.register("nas-rl")
class NasRL(SearchSpace):
    """The space of NAS with reinforcement learning: every layer is a string of tokens, then an anchor for each earlier
    layer, which says whether that layer feeds it.

    What feeds a layer is concatenated in depth; a layer that nothing feeds reads the image; outputs that nobody reads
    are concatenated before the classifier; of different sizes, the smaller ones are padded with zeros to the largest.
    So every string is a network. A layer is a convolution, BatchNorm, ReLU, or a pooling; sizes are divided by the
    stride and rounded up. The classifier is the mean over the image and a linear layer.

    Channels depend on what was chosen: every architecture is a graph of its own, and there is no supernet. A token
    with one choice is no decision. Of several depths, a first decision ``depth`` says how many layers there are; those
    beyond do not matter.

    :param layers: how many; or several depths to choose from, the smallest first.
    :param heights: of the window, odd.
    :param widths: of the window, odd; none where the width is the height.
    :param strides: in height, and in width.
    :param filters: of a convolution.
    :param types: of layers, of ``conv``, ``max`` and ``avg``.
    :param anchors: whether layers choose what feeds them; else each reads the one before.
    :param multiplier: multiplies all filters, rounded, one at least.
    :param in_channels: channels of the image.
    :param image_size: height and width of the image.
    :param classes: number of classes.
    :raises ValueError: for settings that make no network.

    >>> space = NasRL(layers=3)
    >>> len(space.decisions), space.to_string(space.architecture([0] * 9 + [1] + [0, 1]))
    (12, '1x1:24 | 1x1:24 | 1x1:36 <- 2')
    """

    name = "nas-rl"
    final_options: ClassVar[Mapping[str, Any]] = {"more_filters": 0}

    def __init__(
        self,
        layers: int | Sequence[int] = 6,
        heights: Sequence[int] = (1, 3, 5, 7),
        widths: Sequence[int] = (1, 3, 5, 7),
        strides: Sequence[int] = (1,),
        filters: Sequence[int] = (24, 36, 48, 64),
        types: Sequence[str] = (CONV,),
        anchors: bool = True,
        multiplier: float = 1.0,
        in_channels: int = 3,
        image_size: int = 32,
        classes: int = 10,
    ) -> None:
        kept = given(locals())
        settings = {name: list(one) if isinstance(one, tuple) else one for name, one in kept.items()}
        _check_settings(settings)
        #: Depths to choose from, rising.
        self.depths = (layers,) if isinstance(layers, int) else tuple(layers)
        self.tokens: dict[str, tuple[Any, ...]] = {
            token: tuple(choices)
            for token, choices in zip(
                TOKENS, (types, heights, widths, strides, strides, filters), strict=True
            )
        }
        self.anchors, self.multiplier = anchors, multiplier
        decisions = list(self._decisions())
        self._place = {decision.name: place for place, decision in enumerate(decisions)}
        self._layer = [int(decision.group.removeprefix("layer") or 0) for decision in decisions]
        self._shape = (in_channels, image_size, image_size)
        known = Decisions(decisions, self._live if len(self.depths) > 1 or len(types) > 1 else None)
        super().__init__(known, None, self._shape, classes, settings)

    def _decisions(self) -> list[Decision]:
        found = []
        if len(self.depths) > 1:
            found.append(Decision(DEPTH, tuple(map(str, self.depths)), kind=DEPTH))
        for layer in range(1, self.depths[-1] + 1):
            group = f"layer{layer}"
            for token, choices in self.tokens.items():
                if len(choices) > 1:
                    names = tuple(map(str, choices))
                    found.append(Decision(f"{token}{layer}", names, group=group, kind=token))
            for source in range(1, layer if self.anchors else 1):
                pair, at = ("none", "input"), (f"layer{source}",)
                name = f"{source}-{layer}"
                found.append(Decision(name, pair, binary=True, group=group, kind=ANCHOR, points=at))
        return found

    # what the choices say ----------------------------------------------------------------------------------------

    def depth(self, choices: Sequence[int]) -> int:
        """Number of layers under an architecture's choices."""
        return self.depths[choices[0]] if len(self.depths) > 1 else self.depths[0]

    def _token(self, choices: Sequence[int], token: str, layer: int) -> Any:
        place, known = self._place.get(f"{token}{layer}"), self.tokens[token]
        return known[0 if place is None else choices[place]] if known else None

    def _live(self, choices: Sequence[int]) -> list[bool]:
        """All but the layers beyond the depth, and filters of poolings."""
        depth = self.depth(choices)
        found = [layer <= depth for layer in self._layer]
        for layer in range(1, depth + 1):
            place = self._place.get(f"filters{layer}")
            if place is not None and self._token(choices, "type", layer) != CONV:
                found[place] = False
        return found

    def layers(self, architecture: Architecture) -> list[Layer]:
        """Return the layers of an architecture, without the multiplier of their filters."""
        self.check(architecture)
        choices = architecture.choices
        found = []
        for layer in range(1, self.depth(choices) + 1):
            kind, height, width, down, right, filters = (
                self._token(choices, token, layer) for token in TOKENS
            )
            if self.anchors:
                fed = [j for j in range(1, layer) if choices[self._place[f"{j}-{layer}"]]]
            else:
                fed = [layer - 1] if layer > 1 else []
            window, filters = (height, width or height), filters if kind == CONV else 0
            found.append(Layer(kind, window, (down, right), filters, tuple(fed)))
        return found

    def of_layers(self, layers: Sequence[Layer]) -> Architecture:
        """Return the architecture of layers, the opposite of :meth:`layers`.

        :raises ValueError: for another number of layers, a token that the space does not have, or a layer that is fed
            by itself, by a later one or, without anchors, by another than the one before.
        """
        if len(layers) not in self.depths:
            depths = " or ".join(map(str, self.depths))
            raise ValueError(
                f"a network of {self.name!r} with these settings has {depths} layers, got {len(layers)}"
            )
        choices = [0] * len(self.decisions)
        if len(self.depths) > 1:
            choices[0] = self.depths.index(len(layers))
        for number, layer in enumerate(layers, start=1):
            for token, value in self._values(number, layer):
                if value not in self.tokens[token]:
                    known = ", ".join(map(str, self.tokens[token]))
                    raise ValueError(f"layer {number} has the {token} {value}, and there is {known}")
                place = self._place.get(f"{token}{number}")
                if place is not None:
                    choices[place] = self.tokens[token].index(value)
            for source in self._sources(number, layer):
                choices[self._place[f"{source}-{number}"]] = 1
        return self.architecture(choices)

    def _values(self, number: int, layer: Layer) -> list[tuple[str, Any]]:
        (height, width), (down, right) = layer.kernel, layer.stride
        found = [("type", layer.type), ("height", height), ("stride-height", down), ("stride-width", right)]
        if self.tokens["width"]:
            found.append(("width", width))
        elif width != height:
            raise ValueError(f"layer {number} is {height}x{width}, and windows are square here")
        if layer.type == CONV or layer.filters:
            found.append(("filters", layer.filters))
        return found

    def _sources(self, number: int, layer: Layer) -> tuple[int, ...]:
        wrong = [source for source in layer.sources if not 1 <= source < number]
        if wrong:
            raise ValueError(
                f"layer {number} is fed by layer {wrong[0]}, which does not come before it; layers count from 1"
            )
        if self.anchors:
            return layer.sources
        if layer.sources not in ((), (number - 1,)):
            raise ValueError(
                f"layer {number} is fed by {layer.sources}; without anchors each reads the one before"
            )
        return ()

    # what a search is compared with ------------------------------------------------------------------------------

    def baseline(self) -> Architecture:
        """Return the chain of equal layers: each reads the one before, and every token has its middle choice, the
        smaller of two."""
        middle = {
            token: sorted(choices)[(len(choices) - 1) // 2]
            for token, choices in self.tokens.items()
            if choices
        }
        window = (middle["height"], middle.get("width", middle["height"]))
        stride = (middle["stride-height"], middle["stride-width"])
        depth = self.depths[(len(self.depths) - 1) // 2]
        return self.of_layers(
            [Layer(CONV, window, stride, middle["filters"], (n,) if n else ()) for n in range(depth)]
        )

    def sample_like(self, architecture: Architecture, rng: random.Random | None = None) -> Architecture:
        """Return a random control of the same size: drawn until its parameters are within a tenth of the
        architecture's; the nearest of a thousand where none is."""
        size, nearest, least = self.parameters(architecture), architecture, math.inf
        for _ in range(1000):
            drawn = self.sample(rng)
            distance = abs(self.parameters(drawn) - size) / size
            if distance < least:
                nearest, least = drawn, distance
            if distance <= 0.1:
                break
        return nearest

    # the text form -----------------------------------------------------------------------------------------------

    def to_string(self, architecture: Architecture) -> str:
        """Return the text form, such as ``3x5:36 | 1x7/2x2:24 <- 1 | max 3x3 <- 1,2``; choices that do not matter are
        not in it."""
        layers = self.layers(architecture)
        return " | ".join(str(layer if self.anchors else layer._replace(sources=())) for layer in layers)

    def describe(self, architecture: Architecture) -> str:
        """Return one line for people: the text form."""
        return self.to_string(architecture)

    def from_string(self, text: str) -> Architecture:
        """Return the architecture of a text form; choices that it does not have are the first ones.

        :raises ValueError: naming what is not that of a network of this space.
        """
        return self.of_layers([Layer.parse(part) for part in text.split("|")])

    # networks ----------------------------------------------------------------------------------------------------

    def fixed(self, architecture: Architecture) -> Graph:
        """Return the graph of an architecture."""
        return self._graph_of(architecture, self._shape, self.classes)

    def _graph_of(
        self, architecture: Architecture, image_shape: tuple[int, ...], classes: int, more: int = 0
    ) -> Graph:
        layers = [
            layer._replace(filters=max(1, round(layer.filters * self.multiplier)) + more)
            if layer.filters
            else layer
            for layer in self.layers(architecture)
        ]
        return Graph(nodes_of(layers, image_shape, classes), image_shape)

    def final_network(self, architecture: Architecture, **options: Any) -> nn.Module:
        """Return the network that is trained to the end.

        :param options: ``more_filters`` of every convolution (40 in the paper's last network); images and classes.
        :raises ValueError: for another option.
        """
        made = self._fitting(options)
        check_whole(0, more_filters=made["more_filters"])
        shape = (made["in_channels"], made["image_size"], made["image_size"])
        return self._graph_of(architecture, shape, made["classes"], made["more_filters"]).network()


def _check_settings(settings: Mapping[str, Any]) -> None:
    layers = settings["layers"]
    depths = [layers] if isinstance(layers, int) else layers
    for depth in depths:
        check_whole(layers=depth)
    if not depths or depths != sorted(set(depths)):
        raise ValueError(f"layers are {layers}; expected a number of layers, or several in rising order")
    check_whole(**{name: settings[name] for name in ("in_channels", "image_size", "classes")})
    for name in ("heights", "widths", "strides", "filters", "types"):
        _check_choices(name, settings[name])
    for name in ("heights", "widths"):
        even = [size for size in settings[name] if size % 2 == 0]
        if even:
            raise ValueError(f"{name} has {even[0]}; windows are odd, so that they have a middle")
    if max(settings["strides"]) > settings["image_size"]:
        raise ValueError(
            f"strides has {max(settings['strides'])}, which leaves nothing of an image of {settings['image_size']} "
            "pixels"
        )
    if set(settings["types"]) - {CONV, *POOLS} or CONV not in settings["types"]:
        raise ValueError(f"types are {settings['types']}; expected {CONV}, and perhaps {' and '.join(POOLS)}")
    if not 0 < settings["multiplier"] <= 16:
        raise ValueError(f"multiplier is {settings['multiplier']}; it must be above 0, and at most 16")


def _check_choices(name: str, choices: Any) -> None:
    if (
        not isinstance(choices, list)
        or len(set(choices)) != len(choices)
        or (not choices and name != "widths")
    ):
        raise ValueError(f"{name} is {choices!r}; expected a list of different choices")
    if name != "types":
        for choice in choices:
            check_whole(**{name: choice})
