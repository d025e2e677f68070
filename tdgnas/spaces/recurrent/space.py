"""What the recurrent spaces have in common: a cell inside a frame that runs it over a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from ...decision import Decision
from ...graphs import Graph, Node
from ...settings import check_whole
from ..architecture import Architecture
from ..space import SearchSpace
from .frame import Frame, RecurrentNetwork, parts_of


class RecurrentSpace(SearchSpace):
    """What the recurrent spaces have in common: a graph from token and state to the new state, inside a frame.

    An input is a row of tokens, and there is an output for every token.

    :param state: numbers that a stream carries on, the output of the cell first.
    """

    final_options: ClassVar[Mapping[str, Any]] = {
        "size": 850, "embedding_dropout": 0.2, "state_dropout": 0.25, "output_dropout": 0.75, "word_dropout": 0.1,
        "activation_penalty": 0.0, "change_penalty": 0.0, "tied": True,
    }  # fmt: skip

    size: int

    def __init__(
        self, decisions: Sequence[Decision], nodes: Sequence[Node] | None, classes: int, settings: dict[str, Any],
        state: int,
    ) -> None:  # fmt: skip
        self._state = state
        super().__init__(decisions, nodes, (settings["size"] + state,), classes, settings)
        self.image_shape = (1,)

    def frame(self) -> Frame:
        """Return what stands around the cell, with fresh weights."""
        return Frame(self.classes, self.size, self._state)

    def example(self, count: int, generator: torch.Generator) -> Tensor:
        """Return single tokens."""
        return torch.randint(self.classes, (count, 1), generator=generator).float()

    def cell(self, architecture: Architecture, size: int) -> Graph:
        """Return the graph of an architecture's cell of another size, as it is trained to the end."""
        raise NotImplementedError

    def network(self, architecture: Architecture) -> RecurrentNetwork:
        """Return the stand-alone network of an architecture, with fresh weights."""
        return RecurrentNetwork(self.frame(), *self.drawn_from(architecture))

    def final_network(self, architecture: Architecture, **options: Any) -> RecurrentNetwork:
        """Return the network that is trained to the end.

        :param options: ``size`` of embedding and cell; dropout of embedding, state, output and words;
            ``activation_penalty`` and ``change_penalty``; ``tied``; and ``classes``, the vocabulary.
        :raises ValueError: for another option, or a size that is none.
        """
        self.check(architecture)
        own = {
            key: value
            for key, value in options.items()
            if key not in ("in_channels", "image_size", "classes")
        }
        strange = sorted(own.keys() - self.final_options.keys())
        if strange:
            raise ValueError(
                f"there is no option {strange[0]!r} of this network; there are {', '.join(self.final_options)}"
            )
        made = {**self.final_options, **own}
        check_whole(size=made["size"])
        size, classes = made["size"], options.get("classes") or self.classes
        frame = Frame(classes, size, size * self._state // self.size, **parts_of(made))
        return RecurrentNetwork(frame, self.cell(architecture, size))

    def parameters(self, architecture: Architecture) -> int:
        """Number of parameters of the stand-alone network, the frame's included."""
        return super().parameters(architecture) + self.classes * (self.size + 1)

    def macs(self, architecture: Architecture) -> int:
        """Multiply-adds for one token."""
        return super().macs(architecture) + self.classes * self.size

    def equations(self, architecture: Architecture) -> str:
        """Return the cell as equations, one a line."""
        raise NotImplementedError
