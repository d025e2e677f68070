"""How long a network takes on a device: the sum over its operations, each measured once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from types import NoneType
from typing import Any, cast

import torch
from torch import Tensor, nn

from ..devices import own_noise, pick_device
from ..graphs.graph import Graph
from ..graphs.network import combine
from ..graphs.nodes import Node
from ..graphs.ops import Op, make
from ..settings import check_whole
from ..spaces import Architecture, SearchSpace

Shape = tuple[int, ...]


class Latency:
    """Milliseconds of an architecture: the sum over the steps of its graph, each of them measured on its own.

    An operation is measured once for each shape of its inputs, with fresh weights in evaluation mode: the median of
    some runs after others that do not count. What was measured is kept by its ``state_dict``, so that a search that
    goes on has the same numbers; two searches measure anew, and differ. A sum over operations leaves out what a device
    does side by side, or faster in a row: :meth:`check` says how far it is from whole networks.

    :param space: of the architectures.
    :param table: milliseconds of operations, in place of measuring, by the keys of :attr:`known` (as another device has
        them), by the operation's name in the graph, or by its kind. Joins of values are free where it has no ``sum`` or
        ``concat``.
    :param device: where to measure; CUDA where there is one, else the CPU.
    :param batch: samples at once.
    :param warmup: runs before those that count.
    :param repeats: runs that count.
    :param clock: seconds.
    :ivar known: milliseconds of everything measured so far, by operation and shapes.
    :raises ValueError: for no runs, or a table with something other than milliseconds or without one of the operations.
    """

    def __init__(
        self,
        space: SearchSpace,
        table: Mapping[str, float] | None = None,
        *,
        device: str | torch.device | None = None,
        batch: int = 1,
        warmup: int = 3,
        repeats: int = 10,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        check_whole(batch=batch, repeats=repeats)
        check_whole(0, warmup=warmup)
        for name, value in (table or {}).items():
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e9:
                raise ValueError(f"the table says {value!r} of {name!r}; milliseconds are expected")
        self.space, self.table, self.device = space, table, pick_device(device)
        self.batch, self.warmup, self.repeats, self.clock = batch, warmup, repeats, clock
        self.known: dict[str, float] = {}
        if table is not None and space.shares_weights:
            for op in space.graph.ops.values():
                if not any(name.startswith(f"{op.kind}(") for name in table):
                    self._listed("", op, None)  # it says what is missing before anything is trained

    def __call__(self, architecture: Architecture) -> float:
        """Return the milliseconds of an architecture.

        :raises ValueError: when the table lacks one of its operations.
        """
        graph, choices = self.space.drawn_from(architecture)
        return sum(self._cost(*part) for part in _parts(graph, choices))

    def check(self, architectures: Sequence[Architecture]) -> list[float]:
        """Return how long whole networks take on this device, as multiples of the sums."""
        found = []
        for architecture in architectures:
            with own_noise(0):
                network = self.space.network(architecture).to(self.device).eval()
            (images,) = self._inputs([self.space.drawn_from(architecture)[0].input_shape])
            found.append(self._measured(partial(network, images)) / self(architecture))
        return found

    def _cost(self, op: Op | None, node: Node | None, shapes: list[Shape]) -> float:
        key = _key(op, node, shapes)
        if self.table is not None:
            return self._listed(key, op, node)
        if key not in self.known:
            with own_noise(0):
                module = None if op is None else make(op).to(self.device).eval()
            inputs = self._inputs(shapes)
            run = (
                partial(cast(nn.Module, module), inputs[0])
                if node is None
                else partial(combine, node, inputs, module)
            )
            self.known[key] = self._measured(run)
        return self.known[key]

    def _listed(self, key: str, op: Op | None, node: Node | None) -> float:
        assert self.table is not None
        if key in self.table:
            return self.table[key]
        join = 0.0 if node is None else self.table.get(node.combine, 0.0)
        if op is None:
            return join
        for name in (op.name, op.kind):
            if name in self.table:
                return join + self.table[name]
        raise ValueError(
            f"the table of latencies has neither the operation {op.name!r} nor its kind {op.kind!r}; "
            f"it has {', '.join(list(self.table)[:8])}"
        )

    def _inputs(self, shapes: Sequence[Shape]) -> list[Tensor]:
        return [torch.ones((self.batch, *shape), device=self.device) for shape in shapes]

    @torch.no_grad()
    def _measured(self, run: Callable[[], Any]) -> float:
        for _ in range(self.warmup):
            run()
        return 1000 * median(self._once(run) for _ in range(self.repeats))

    def _once(self, run: Callable[[], Any]) -> float:
        self._wait()
        start = self.clock()
        run()
        self._wait()
        return self.clock() - start

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def state_dict(self) -> dict[str, Any]:
        """What was measured."""
        return {"known": dict(self.known)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take as measured what :meth:`state_dict` returned."""
        self.known = dict(state["known"])


def load_latencies(path: str | Path) -> dict[str, float]:
    """Read a table of latencies: JSON of milliseconds by operation.

    :raises ValueError: when it is none.
    :raises FileNotFoundError: when there is no such file.
    """
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no table of latencies, which is JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path} is no table of latencies: milliseconds by operation, {{...}}, are expected")
    return found


def _parts(graph: Graph, choices: Sequence[int]) -> Iterator[tuple[Op | None, Node | None, list[Shape]]]:
    """What an architecture computes: operations, the nodes that are joined before them, and the shapes that come in."""
    shapes: list[Shape] = [graph.input_shape]
    for step in graph.steps(choices)[1:]:
        coming = [shapes[number] for number in step.inputs]
        if step.op is not None:
            shapes.append(graph.profile.outputs[step.op])
            yield graph.ops[step.op], None, coming
            continue
        node = graph.nodes[step.node]
        shapes.append(graph.profile.values[node.name])
        coming = coming or [graph.profile.shapes[node.name]]  # a node that is zero
        if node.post is not None or len(coming) > 1:
            yield node.post, node, coming


def _key(op: Op | None, node: Node | None, shapes: Sequence[Shape]) -> str:
    """Say what is measured: ``conv(kernel=3) after sum on 8x4x4 8x4x4``, by name where a setting is a module."""
    said = []
    if op is not None:
        settings = dict(op.settings)
        plain = all(isinstance(each, (str, int, float, tuple, NoneType)) for each in settings.values())
        said.append(
            f"{op.kind}({', '.join(f'{name}={value}' for name, value in settings.items()) if plain else op.name})"
        )
    if node is not None:
        said.append(node.combine)
    return " after ".join(said) + " on " + " ".join("x".join(map(str, shape)) for shape in shapes)
