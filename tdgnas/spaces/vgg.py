"""VGG19's convolutions and the shortcut connections that may be added to them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from ..decision import Decision
from ..graphs import INPUT, OPS, Node, Op, Term, on
from ..settings import check_whole
from .architecture import Architecture
from .registry import SPACES
from .space import SearchSpace, given

# VGG19 (Simonyan, Zisserman 2015, configuration E): channels of each stage's convolution blocks.
STAGES = ((64, 64), (128, 128), (256, 256, 256, 256), (512, 512, 512, 512), (512, 512, 512, 512))
BLOCKS = tuple(channels for stage in STAGES for channels in stage)
_LAST_OF_STAGE = frozenset({2, 4, 8, 12, 16})
# Cumulative stride of the output of node 0 (the image) to node 16.
STRIDES = tuple(2 ** sum(1 for last in _LAST_OF_STAGE if last <= node) for node in range(17))


@OPS.register("vgg-block")
def vgg_block(channels_in: int, channels_out: int) -> nn.Sequential:
    """3x3 convolution with bias, its weights drawn for the ReLU that follows, BatchNorm."""
    block = nn.Conv2d(channels_in, channels_out, 3, padding=1)
    nn.init.kaiming_normal_(block.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(block, nn.BatchNorm2d(channels_out))


def vgg_blocks(channels: Sequence[int]) -> list[Op]:
    """Return VGG19's convolution blocks, ``conv1`` to ``conv16``.

    :param channels: of the image, and of each block's output.
    """
    return [
        Op(f"conv{j}", "vgg-block", {"channels_in": before, "channels_out": after})
        for j, (before, after) in enumerate(pairwise(channels), start=1)
    ]


@SPACES.register("vgg-shortcuts")
class VGGShortcuts(SearchSpace):
    """Shortcut connections (i, j) of VGG19, one gate each, added before the ReLU and the pooling of block j.

    Nodes 0 to 16 are the image and the outputs of VGG19's convolution blocks. A shortcut from node i >= 1 to block
    j >= i + 2 is a candidate when the stride it has to bridge is at most ``max_stride``. Its operation is the identity
    (same channels, stride 1), a 1x1 convolution (other channels, stride 1), or a factorised reduction.

    :param width: multiplies all channels of VGG19; 1 gives the published 61 candidates and 20,040,522 parameters.
    :param max_stride: the largest stride a shortcut may bridge; 16 or None lifts the limit (105 candidates).
    :param in_channels: channels of the image.
    :param image_size: height and width of the image, a multiple of 32.
    :param classes: number of classes.
    :raises ValueError: for a width that leaves no channels, or an image that cannot be pooled five times.

    >>> VGGShortcuts().length
    61
    """

    name = "vgg-shortcuts"

    def __init__(
        self,
        width: float = 1.0,
        max_stride: int | None = 2,
        in_channels: int = 3,
        image_size: int = 32,
        classes: int = 10,
    ) -> None:
        settings = given(locals())
        _check_settings(**settings)
        self.channels = (in_channels, *(max(2, 2 * round(block * width / 2)) for block in BLOCKS))
        limit = STRIDES[-1] if max_stride is None else max_stride
        self.candidates = tuple(
            (i, j) for j in range(3, 17) for i in range(1, j - 1) if STRIDES[j - 1] // STRIDES[i] <= limit
        )
        decisions = [
            Decision(f"{i}-{j}", ("none", self.kind(i, j)), binary=True, group=f"x{j}")
            for i, j in self.candidates
        ]
        super().__init__(
            decisions, self._nodes(classes), (in_channels, image_size, image_size), classes, settings
        )

    def kind(self, i: int, j: int) -> str:
        """Name of the operation of shortcut (i, j): ``identity``, ``pointwise`` or ``reduction``."""
        if STRIDES[j - 1] != STRIDES[i]:
            return "reduction"
        return "identity" if self.channels[i] == self.channels[j] else "pointwise"

    def _nodes(self, classes: int) -> list[Node]:
        nodes, blocks = [], vgg_blocks(self.channels)
        for j in range(1, 17):
            terms = [Term(f"x{j - 1}" if j > 1 else INPUT, blocks[j - 1])]
            for number, (i, target) in enumerate(self.candidates):
                if target == j:
                    terms.append(Term(f"x{i}", self._shortcut(i, j), on(number)))
            post = Op("relu_pool", "relu-pool") if j in _LAST_OF_STAGE else Op("relu", "relu")
            nodes.append(Node(f"x{j}", tuple(terms), post))
        head = Op("head", "head", {"channels": self.channels[16], "classes": classes})
        return [*nodes, Node("logits", (Term("x16", head),))]

    def _shortcut(self, i: int, j: int) -> Op | None:
        ends = {"channels_in": self.channels[i], "channels_out": self.channels[j]}
        match self.kind(i, j):
            case "identity":
                return None
            case "pointwise":
                return Op(f"short{i}_{j}", "conv", ends)
        return Op(f"short{i}_{j}", "factorised-reduction", {**ends, "stride": STRIDES[j - 1] // STRIDES[i]})

    def shortcuts(self, architecture: Architecture) -> tuple[tuple[int, int], ...]:
        """Return the shortcuts (i, j) of an architecture."""
        self.check(architecture)
        return tuple(pair for pair, on in zip(self.candidates, architecture.choices, strict=True) if on)

    def with_shortcuts(self, pairs: list[tuple[int, int]]) -> Architecture:
        """Return the architecture with just these shortcuts.

        :raises ValueError: for a pair that is no candidate.
        """
        wrong = sorted(set(pairs) - set(self.candidates))
        if wrong:
            raise ValueError(f"{wrong[0]} is no candidate of {self!r}; see `candidates`")
        return self.architecture([int(pair in set(pairs)) for pair in self.candidates])


def _check_settings(
    width: float, max_stride: int | None, in_channels: int, image_size: int, classes: int
) -> None:
    if not 0 < width <= 16:
        raise ValueError(
            f"width is {width}; it multiplies VGG19's channels and must be above 0 (1 is VGG19, at most 16)"
        )
    if max_stride is not None and max_stride < 1:
        raise ValueError(f"max_stride is {max_stride}; it must be 1, 2, 4, 8 or 16, or None for no limit")
    check_whole(in_channels=in_channels, classes=classes)
    if image_size < 32 or image_size % 32:
        raise ValueError(
            f"image_size is {image_size}; VGG19 halves the image five times, so it must be a multiple of 32. "
            "Resize the images to 32x32 or 64x64."
        )
