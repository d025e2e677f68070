"""A search space: decisions, and the nodes of operations that they switch."""

from __future__ import annotations

from tdgnas.spaces import INPUT, Decision, Node, Op, SearchSpace, Term, on

KERNELS = ("3x3", "5x5")


class TwoLayers(SearchSpace):
    """Two gated convolutions of a chosen kernel each, and a shortcut over the second.

    :param channels: of both layers.
    :param in_channels: channels of the image.
    :param image_size: height and width of the image.
    :param classes: number of classes.
    """

    name = "two-layers"
    default_rule = "cautious"

    def __init__(
        self, channels: int = 8, in_channels: int = 3, image_size: int = 32, classes: int = 10
    ) -> None:
        decisions = [
            Decision("first kernel", KERNELS),
            Decision("second kernel", KERNELS),
            Decision("shortcut", ("none", "shortcut"), binary=True),
        ]
        norm = {"channels": channels}
        nodes = [
            Node(
                "first",
                _kernels(INPUT, "first", 0, in_channels, channels),
                Op("first norm", "norm-relu", norm),
            ),
            Node(
                "second",
                (*_kernels("first", "second", 1, channels, channels), Term("first", None, on(2))),
                Op("second norm", "norm-relu", norm),
            ),
            Node("logits", (Term("second", Op("head", "head", {**norm, "classes": classes})),)),
        ]
        settings = {
            "channels": channels,
            "in_channels": in_channels,
            "image_size": image_size,
            "classes": classes,
        }
        super().__init__(decisions, nodes, (in_channels, image_size, image_size), classes, settings)


def _kernels(source: str, name: str, decision: int, channels_in: int, channels_out: int) -> tuple[Term, ...]:
    """A gated convolution for every kernel that the decision has."""
    ends = {"channels_in": channels_in, "channels_out": channels_out}
    ops = [Op(f"{name} {kernel}", "gated-conv", {**ends, "kernel": int(kernel[0])}) for kernel in KERNELS]
    return tuple(Term(source, op, on(decision, choice)) for choice, op in enumerate(ops))
