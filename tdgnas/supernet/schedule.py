"""In which order the shared values of a population are computed, and when each may be forgotten."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from ..graphs import Interner
from ..spaces import SearchSpace

# What moving one number of a value costs beside the multiply-adds that make it, in multiply-adds: only weighs what
# is worth keeping.
_TOUCH = 16


class Costs:
    """Multiply-adds and sizes of an interner's values, per image; grows with the interner.

    :ivar macs: multiply-adds of each value.
    :ivar sizes: numbers that each value has.
    :ivar density: multiply-adds that each number of a value stands for, were it to be computed again.
    """

    def __init__(self, space: SearchSpace) -> None:
        self.space = space
        self.macs: list[int] = []
        self.sizes: list[int] = []
        self.density: list[float] = []

    def grow(self, interner: Interner) -> None:
        """Take in the values that the interner has numbered since."""
        profile, nodes, steps = self.space.graph.profile, self.space.graph.nodes, interner.steps
        for number in range(len(self.macs), len(interner)):
            step = steps[number]
            shape: tuple[int, ...] = self.space.graph.input_shape
            if number:
                shape = profile.values[nodes[step.node].name] if step.op is None else profile.outputs[step.op]
            macs = profile.step_macs(step, nodes) if number else 0
            # Who computes a join again computes the operations in front of it as well.
            joined = [each for each in step.inputs if step.op is None and steps[each].op is not None]
            self.macs.append(macs)
            self.sizes.append(math.prod(shape))
            self.density.append((macs + sum(self.macs[each] for each in joined)) / math.prod(shape) + _TOUCH)


@dataclass(frozen=True)
class Task:
    """Values that the same operation, or the same node's join, makes: they may be folded into one batch.

    :param op: the operation; None for a join.
    :param node: index of the node that is joined; -1 for an operation.
    :param values: the values to compute.
    :param dead: values that nobody reads after this task.
    :param spare: of these, the ones that only one of this task's values reads: they may be overwritten.
    """

    op: str | None
    node: int
    values: tuple[int, ...]
    dead: tuple[int, ...]
    spare: frozenset[int]


@dataclass(frozen=True)
class Schedule:
    """What one batch of images takes.

    :param tasks: in order.
    :param loaded: values taken from the cache.
    """

    tasks: tuple[Task, ...]
    loaded: tuple[int, ...]

    @property
    def computed(self) -> list[int]:
        """The values that the tasks compute."""
        return [value for task in self.tasks for value in task.values]

    def peak(self, costs: Costs) -> int:
        """Largest number of numbers per image that are alive at once, the values loaded and kept included."""
        alive = largest = sum(costs.sizes[value] for value in self.loaded)
        for task in self.tasks:
            alive += sum(costs.sizes[value] for value in task.values)
            largest = max(largest, alive)
            alive -= sum(costs.sizes[value] for value in task.dead)
        return largest


def reading_order(interner: Interner, outputs: Iterable[int]) -> list[int]:
    """Order outputs so that those which share much follow each other: by the chain of first inputs, image first."""
    steps = interner.steps
    known: dict[int, tuple[int, ...]] = {0: ()}

    def chain(value: int) -> tuple[int, ...]:
        path: list[int] = []
        while value not in known:
            path.append(value)
            inputs = steps[value].inputs
            value = inputs[0] if inputs else 0
        found = known[value]
        for each in reversed(path):
            found = known[each] = (*found, each)
        return found

    return sorted(dict.fromkeys(outputs), key=chain)


def groups(interner: Interner, outputs: Sequence[int], loaded: set[int], wave: int) -> list[list[int]]:
    """Return what outputs need in an order of computation, values that may be folded together in one list.

    ``wave`` outputs at a time are computed node by node: 1 is depth-first, which holds the fewest values at once; all
    of them at once folds most: whatever individuals chose it, an operation of a node then runs once.
    """
    steps, places = interner.steps, interner.places
    done = set(loaded)
    found: list[list[int]] = []
    for start in range(0, len(outputs), wave):
        part, _ = interner.closure(outputs[start : start + wave], done)
        done |= part
        by_kind: dict[tuple[int, bool, str], list[int]] = {}
        for value in sorted(part):
            op = steps[value].op
            by_kind.setdefault((places[value], op is None, op or ""), []).append(value)
        # A node's operations come before its joins.
        order = sorted(by_kind.items(), key=lambda item: (item[0][:2], item[1][0]))
        found.extend(values for _, values in order)
    return found


def schedule(
    interner: Interner,
    outputs: Sequence[int],
    loaded: set[int],
    *,
    keep: Container[int] = (),
    wave: int = 1,
    hold: bool = True,
) -> Schedule:
    """Return in which order the values that outputs need are computed, and when values are no longer read.

    :param outputs: values wanted, in :func:`reading_order`.
    :param loaded: what they read from the cache, see :meth:`Interner.closure`.
    :param keep: values that are to be cached; they never count as dead.
    :param wave: outputs that are computed together, node by node; 1 is depth-first.
    :param hold: whether outputs are wanted at the end; otherwise they die like other values.
    """
    steps = interner.steps
    held = set(outputs) if hold else set()
    seen: set[int] = set()
    tasks: list[Task] = []
    for values in reversed(groups(interner, outputs, loaded, wave)):
        uses = dict.fromkeys((value for value in values if value not in seen), 0)
        for value in values:
            for each in steps[value].inputs:
                uses[each] = uses.get(each, 0) + 1
        dead = [each for each in uses if each and each not in seen and each not in held and each not in keep]
        seen.update(uses)
        spare = frozenset(each for each in dead if uses[each] == 1 and each not in loaded)
        step = steps[values[0]]
        tasks.append(Task(step.op, step.node, tuple(values), tuple(dead), spare))
    return Schedule(tuple(reversed(tasks)), tuple(sorted(loaded)))
