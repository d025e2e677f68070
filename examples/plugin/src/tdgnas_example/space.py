"""A search space: decisions, nodes, and the operations that the nodes name."""

from __future__ import annotations

from torch import nn

from tdgnas.spaces import INPUT, Decision, Node, SearchSpace, Term

KERNELS = ("3x3", "5x5")


class TwoLayers(SearchSpace):
    """Two convolutions of a chosen kernel each, and a shortcut over the second.

    :param channels: of both layers.
    :param in_channels: channels of the image.
    :param image_size: height and width of the image.
    :param classes: number of classes.
    """

    name = "two-layers"

    def __init__(
        self, channels: int = 8, in_channels: int = 3, image_size: int = 32, classes: int = 10
    ) -> None:
        self.channels, self.in_channels = channels, in_channels
        decisions = [
            Decision("first kernel", KERNELS),
            Decision("second kernel", KERNELS),
            Decision("shortcut", ("none", "shortcut"), binary=True),
        ]
        first = tuple(Term(INPUT, f"first {kernel}", 0, place) for place, kernel in enumerate(KERNELS))
        second = tuple(Term("first", f"second {kernel}", 1, place) for place, kernel in enumerate(KERNELS))
        nodes = [
            Node("first", first, post="first norm"),
            Node("second", (*second, Term("first", None, 2, 1)), post="second norm"),
            Node("logits", (Term("second", "head"),)),
        ]
        settings = {
            "channels": channels,
            "in_channels": in_channels,
            "image_size": image_size,
            "classes": classes,
        }
        super().__init__(decisions, nodes, (in_channels, image_size, image_size), classes, settings)

    def operation(self, name: str) -> nn.Module:
        """Make the module of an operation."""
        if name == "head":
            return nn.Sequential(
                nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(self.channels, self.classes)
            )
        layer, what = name.split()
        if what == "norm":
            return nn.Sequential(nn.BatchNorm2d(self.channels), nn.ReLU())
        size = int(what[0])
        inputs = self.in_channels if layer == "first" else self.channels
        return nn.Conv2d(inputs, self.channels, size, padding=size // 2)
