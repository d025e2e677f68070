"""The space of a module's choices."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ...descent import in_mode
from ...registry import resolve
from ..architecture import Architecture
from ..registry import SPACES
from ..space import SearchSpace
from .lowering import Lowering


@SPACES.register("module")
class ModuleSpace(SearchSpace):
    """Your own ``nn.Module`` with choices in it (:func:`tdgnas.choice` and the like); a small example without one.

    :param model: what makes the module, as ``my_module:MyNet``; a class or a function. It is given ``in_channels`` and
        ``classes`` where it has parameters of these names.
    :param arguments: further keywords that it is called with.
    :param own_weights: whether the supernet and stand-alone networks begin with the model's weights, such as pretrained
        ones; layers draw fresh ones otherwise.
    :param shape: of one input, such as channels, height and width.
    :param classes: number of outputs.
    :raises ValueError: when there is no such module, or it is not one that can be searched.
    """

    name = "module"

    def __init__(
        self,
        model: str = "tdgnas.spaces.module.example:SmallNet",
        arguments: Mapping[str, Any] | None = None,
        own_weights: bool = False,
        shape: Sequence[int] = (3, 32, 32),
        classes: int = 10,
    ) -> None:
        if ":" not in model:
            raise ValueError(
                f"model is {model!r}; give what makes your nn.Module as my_module:MyNet. A space that was made of a "
                "module in memory cannot be made again from a file; load_architecture(path, space=...) takes it"
            )
        make = resolve(model)
        known = inspect.signature(make).parameters
        data = {"in_channels": shape[0], "classes": classes}
        keywords = {name: value for name, value in data.items() if name in known} | dict(arguments or {})
        self._build(make(**keywords), torch.zeros(2, *shape), own_weights, f"{model} {keywords}")
        self.settings = {"model": model, "arguments": dict(arguments or {}), "own_weights": own_weights}
        self.settings |= {"shape": list(shape), "classes": classes}
        if self.classes != classes:
            raise ValueError(
                f"{model} gives {self.classes} outputs, {classes} were asked for (classes={classes})"
            )

    def _build(self, model: nn.Module, example: Tensor, own_weights: bool, origin: Hashable) -> None:
        if not isinstance(model, nn.Module):
            raise ValueError(f"a search needs an nn.Module, got {type(model).__name__}")
        if not isinstance(example, Tensor) or example.dtype != torch.float32 or not example.ndim:
            given = example.dtype if isinstance(example, Tensor) else type(example).__name__
            raise ValueError(
                f"an example input is one tensor of torch.float32, shape (batch, ...), as searches do; got {given}. "
                "A model.float() takes it; several inputs go side by side into one; indices are made inside, x.long()"
            )
        # A batch whose size is no other dimension's, so that it is known wherever it goes.
        size = next(n for n in range(5, example.ndim + 6) if n not in example.shape[1:])
        example = example[torch.arange(size) % len(example)]
        with in_mode(model, False):
            found = Lowering(model, example, own_weights, origin)
        settings = {"model": type(model).__name__}
        super().__init__(found.decisions, found.nodes, tuple(example.shape[1:]), 0, settings)
        outputs = self.graph.profile.values[self.graph.output]
        if not outputs:
            raise ValueError(
                f"{type(model).__name__} gives one number for each input, shape (batch,); a network gives them as "
                "(batch, outputs): leave out the squeeze"
            )
        self.classes = outputs[-1]

    def baseline(self) -> Architecture:
        """Return the first choice everywhere: the module as it is."""
        return Architecture(self.name, (0,) * len(self.decisions))


def from_module(
    model: nn.Module | Callable[[], nn.Module], example_input: Tensor, *, own_weights: bool = True
) -> ModuleSpace:
    """Make a search space of a module with choices in it.

    :param model: the module, or what makes it.
    :param example_input: a batch of two or more inputs, shape (batch, ...), on the CPU.
    :param own_weights: whether the supernet and stand-alone networks begin with the model's weights, such as pretrained
        ones; layers draw fresh ones otherwise.
    :raises ValueError: for a module without choices, or one that cannot be traced; the line is named.

    >>> import tdgnas
    >>> net = nn.Sequential(tdgnas.choice([nn.Linear(4, 8), nn.Linear(4, 8)]), nn.ReLU(), nn.Linear(8, 3))
    >>> space = from_module(net, torch.zeros(2, 4))
    >>> space.decisions[0].choices, space.classes, len(space.graph.nodes)
    (('0', '1'), 3, 2)
    """
    space = ModuleSpace.__new__(ModuleSpace)
    made = model if isinstance(model, nn.Module) else model()
    space._build(made, example_input, own_weights, made)
    return space
