"""Evaluating whole populations on frozen weights: what individuals have in common is computed once.

A value of the supernet depends on its operation and on the values that it reads, and on nothing else while weights,
images and BatchNorm policy are fixed. Equal values of different architectures are therefore one value: a common
prefix on a chain such as VGG, equal sub-networks elsewhere. A population costs its distinct values; what an earlier
call has computed may still be in the cache.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..graphs import Interner
from ..spaces import Architecture
from .batchnorm import Policy, Statistics
from .counters import Counters
from .evaluation import EvaluationSet, Score
from .folding import Folder, out_of_memory
from .schedule import Costs, Schedule, reading_order, schedule
from .value_cache import Key, ValueCache, default_limit

if TYPE_CHECKING:
    from .supernet import Supernet

Order = Literal["depth-first", "folded"]
_CALIBRATION, _SCORING = 0, 1
# More than any population: everything at once.
_MOST = 1 << 30
# An interner that has grown to this many values beyond four times those in use is made smaller.
_PRUNE_AT = 50_000


class PopulationEvaluator:
    """Scores populations on fixed images; equal to :func:`evaluate_one`, one architecture after another.

    Each distinct value is computed once for each batch of images, duplicates are free, and what the output of an
    architecture does not need never runs. Nothing is written to weights or buffers. When the weights' version
    changes, everything computed before is forgotten.

    ``depth-first`` holds the fewest values at a time and gives the same bits as :func:`evaluate_one` on a CPU.
    ``folded`` computes node by node, equal operations as one batch, each value with BatchNorm statistics of its
    own: the same up to rounding (1e-5). It keeps a GPU busy; on a CPU it pays for small batches of images only.
    The default follows from the device alone, never from a clock, so that a run repeats itself bit for bit;
    :func:`fastest` measures which is faster.

    :param supernet: whose weights are shared.
    :param where: images, batches and BatchNorm policy.
    :param order: ``depth-first`` (the default on a CPU) or ``folded`` (on a GPU).
    :param chunk: the most values folded into one batch; as many as are sensible for the device when None.
    :param cache_bytes: memory for values that the next call may use again; a share of the memory when None, 0 for none.
    :param memory_bytes: memory for what is folded; populations that need more are computed in several waves.
    :param autocast: compute in bfloat16 where that is safe; on a GPU when None.
    :raises ValueError: for an unknown order or impossible sizes.
    """

    def __init__(
        self,
        supernet: Supernet,
        where: EvaluationSet,
        *,
        order: Order | None = None,
        chunk: int | None = None,
        cache_bytes: int | None = None,
        memory_bytes: int | None = None,
        autocast: bool | None = None,
    ) -> None:
        gpu = supernet.device.type == "cuda"
        order = order or ("folded" if gpu else "depth-first")
        if order not in get_args(Order):
            raise ValueError(f"order is {order!r}; it must be one of {', '.join(get_args(Order))}")
        for name, given, least in [
            ("chunk", chunk, 1),
            ("cache_bytes", cache_bytes, 0),
            ("memory_bytes", memory_bytes, 1),
        ]:
            if given is not None and given < least:
                raise ValueError(f"{name} is {given}; it must be at least {least}")
        self.supernet = supernet
        self.where = where
        self.order = order
        self.autocast = gpu if autocast is None else autocast
        self.counters = Counters()
        self.interner = Interner(supernet.space.graph.nodes)
        self.costs = Costs(supernet.space)
        self.cache = ValueCache(default_limit(supernet.device) if cache_bytes is None else cache_bytes)
        if order == "depth-first":
            chunk = 1
        # Input folded into one batch: on a CPU what its caches hold, on a GPU what keeps it busy.
        self.folder = Folder(supernet, chunk or _MOST, None if chunk else 2**30 if gpu else 2**20)
        self.memory_bytes = default_limit(supernet.device, 0.4) if memory_bytes is None else memory_bytes
        self._wave = 1 if order == "depth-first" else _MOST
        self._statistics: dict[int, Statistics] = {}
        self._version = supernet.version

    def scores(self, architectures: Sequence[Architecture]) -> list[Score]:
        """Return the score of each architecture, in their order.

        :raises ValueError: for an architecture of another space.
        :raises MemoryError: when not even one value at a time fits into the memory.
        """
        sums = self.sums(architectures).transpose(1, 0, 2).tolist()
        return [Score.of(self.where.task, each, self.where.images) for each in sums]

    def sums(
        self, architectures: Sequence[Architecture], batches: Sequence[int] | None = None
    ) -> npt.NDArray[np.float64]:
        """Return sums of the loss and of each measure, shape (1 + measures, architectures, batches).

        :param batches: indices of the batches to score on; all of them when None. Values are cached for later calls
            only when all are scored.
        """
        chosen = range(len(self.where.batches)) if batches is None else batches
        for architecture in architectures:
            self.supernet.space.check(architecture)
        if not architectures or not len(chosen):
            return np.zeros((len(self.where.task.names), len(architectures), len(chosen)))
        request = self.request(architectures, chosen)
        while True:
            # Out of the handler before anything is tried again: the exception holds on to what was allocated.
            try:
                sums = request.run()
                break
            except BaseException as error:
                self.cache.clear()
                if not (isinstance(error, RuntimeError) and out_of_memory(error)):
                    raise
            self._shrink()
        self.counters.add(request.requested)
        self.counters.add(request.executed)
        row = {output: number for number, output in enumerate(request.outputs)}
        return sums[:, [row[output] for output in request.of]]

    def request(self, architectures: Sequence[Architecture], batches: Sequence[int] | None = None) -> Request:
        """Return what one call of :meth:`sums` would do: it can be planned and counted without computing anything."""
        self._refresh()
        return Request(self, architectures, range(len(self.where.batches)) if batches is None else batches)

    def note(self, architectures: Sequence[Architecture]) -> None:
        """Count requests for architectures whose scores are known already: their values are in demand as well."""
        if architectures:
            self.counters.add(Request(self, architectures, range(len(self.where.batches))).requested)

    def _refresh(self) -> None:
        """Forget what other weights have computed, and values that nobody needs any more."""
        version = self.supernet.version
        if version != self._version:
            self.cache.clear()
            self._statistics.clear()
            self._version = version
        live = {key.value for key in self.cache.entries}
        if len(self.interner) > _PRUNE_AT + 4 * len(live):
            self.interner, numbers = self.interner.subset(live)
            self.cache.renumber(numbers)
            self._statistics = {numbers[each]: s for each, s in self._statistics.items() if each in numbers}
            self.costs = Costs(self.supernet.space)
        self.cache.calls += 1

    def _shrink(self) -> None:
        """Ask for less memory than before.

        :raises MemoryError: when nothing is left to give up.
        """
        torch.cuda.empty_cache()
        if self._wave > 1:
            self._wave = max(1, min(self._wave, 64) // 2)
        elif self.cache.limit:
            self.cache.limit = 0
        else:
            raise MemoryError(
                f"one batch of {len(self.where.batches[0][1])} images does not fit into the memory of "
                f"{self.supernet.device}; evaluate with a smaller batch_size"
            )


class Request:
    """One call of :meth:`PopulationEvaluator.sums`: its plan, its run, its counts.

    :ivar requested: what a one-by-one evaluation would compute.
    :ivar executed: what was computed, once :meth:`run` or :meth:`count_runs` has counted it.
    :ivar keep: the keys of what will be cached, once there is a plan.
    """

    def __init__(
        self, evaluator: PopulationEvaluator, architectures: Sequence[Architecture], batches: Sequence[int]
    ) -> None:
        self.evaluator = evaluator
        self.batches = {number: evaluator.where.batches[number] for number in batches}
        self.whole = list(batches) == list(range(len(evaluator.where.batches)))
        self.requested, self.executed = Counters(), Counters()
        times = Counter(architectures)
        known = {architecture: evaluator.interner.trace(architecture.choices) for architecture in times}
        for _, values in known.values():
            evaluator.cache.count(values)
        evaluator.costs.grow(evaluator.interner)
        self.of = [known[architecture][0] for architecture in architectures]
        self.outputs = reading_order(evaluator.interner, self.of)
        # Batches and images of each part.
        self.seen = {_SCORING: (len(batches), sum(len(labels) for _, labels in self.batches.values()))}
        if evaluator.where.calibration is not None:
            self.seen[_CALIBRATION] = 1, len(evaluator.where.calibration)
        passes, images = map(sum, zip(*self.seen.values(), strict=True))
        for architecture, (_, values) in known.items():
            self.requested.requests += times[architecture] * passes * len(values)
            macs = sum(evaluator.costs.macs[each] for each in values)
            self.requested.macs_requested += times[architecture] * images * macs

    def run(self) -> npt.NDArray[np.float64]:
        """Compute; return sums of loss and measures of the distinct outputs, (1 + measures, outputs, batches)."""
        evaluator = self.evaluator
        where, cache = evaluator.where, evaluator.cache
        plans = self.plans()
        device = evaluator.supernet.device
        results: list[Tensor] = []
        with (
            torch.inference_mode(),
            evaluator.supernet.frozen(),
            torch.autocast(device.type, torch.bfloat16, enabled=evaluator.autocast),
        ):
            if where.calibration is not None:
                self._pass(_CALIBRATION, 0, where.calibration, plans[_CALIBRATION], "record")
            for number, (images, labels) in self.batches.items():
                values = self._pass(_SCORING, number, images, plans[_SCORING], where.normalising)
                results.append(self._score(values, labels))
            found: npt.NDArray[np.float64] = torch.stack(results, dim=-1).cpu().numpy()  # the only transfer
        cache.entries = {
            key: entry for key, entry in cache.entries.items() if key in self.keep or not self.whole
        }
        self.count_runs(plans)
        return found

    def plans(self) -> dict[int, Schedule]:
        """Plan the scoring and the calibration, of values without statistics; decide what will be cached."""
        evaluator = self.evaluator
        interner, cache = evaluator.interner, evaluator.cache
        wanted = {_SCORING: self.outputs}
        needs = {_SCORING: interner.closure(self.outputs, cache.available(_SCORING))}
        if _CALIBRATION in self.seen:
            lacking = [
                value
                for value in sorted(needs[_SCORING][0])
                if value not in evaluator._statistics and evaluator.folder.normalised(interner.steps[value])
            ]
            wanted[_CALIBRATION] = reading_order(interner, lacking)
            needs[_CALIBRATION] = interner.closure(lacking, cache.available(_CALIBRATION))
        self.keep = (
            self._choose({part: needed for part, (needed, _) in needs.items()}) if self.whole else set()
        )
        return {part: self._schedule(part, wanted[part], loaded) for part, (_, loaded) in needs.items()}

    def _choose(self, needed: dict[int, set[int]]) -> set[Key]:
        costs, cache = self.evaluator.costs, self.evaluator.cache
        keys = {
            Key(part, value) for part, values in needed.items() for value in values
        } | cache.entries.keys()
        size = {
            part: images * (2 if self.evaluator.autocast else 4) for part, (_, images) in self.seen.items()
        }
        return cache.choose(
            (key, costs.density[key.value], costs.sizes[key.value] * size[key.part]) for key in keys
        )

    def _schedule(self, part: int, outputs: list[int], loaded: set[int]) -> Schedule:
        evaluator = self.evaluator
        keep = {key.value for key in self.keep if key.part == part}
        wave = max(1, min(evaluator._wave, len(outputs)))
        images = max(len(labels) for _, labels in self.batches.values())
        while True:
            hold = part == _SCORING
            plan = schedule(evaluator.interner, outputs, loaded, keep=keep, wave=wave, hold=hold)
            if wave == 1 or plan.peak(evaluator.costs) * images * 4 <= evaluator.memory_bytes:
                return plan
            wave //= 2

    def _pass(
        self, part: int, number: int, images: Tensor, plan: Schedule, policy: Policy
    ) -> dict[int, Tensor]:
        """Compute one batch; what is kept goes to the cache, and what is no longer kept leaves it."""
        evaluator = self.evaluator
        entries = evaluator.cache.entries
        values = {0: images}
        for each in plan.loaded:
            entry = entries[Key(part, each)]
            found = entry[number]
            assert found is not None
            values[each] = found
        for key, entry in entries.items():
            if key.part == part and self.whole and key not in self.keep:
                entry[number] = None
        evaluator.folder.run(plan, evaluator.interner.steps, values, policy, evaluator._statistics)
        loaded = set(plan.loaded)
        for value, tensor in values.items():
            key = Key(part, value)
            if key in self.keep and value not in loaded:
                evaluator.cache.store(key, tensor)
        return values

    def _score(self, values: dict[int, Tensor], targets: Tensor) -> Tensor:
        """Return sums of loss and measures of the outputs, shape (1 + measures, outputs)."""
        task = self.evaluator.where.task
        if self.evaluator.order == "folded":
            return task.sums(torch.stack([values[each] for each in self.outputs]), targets)
        return torch.stack([task.sums(values[each], targets) for each in self.outputs], dim=1)

    def count_runs(self, plans: dict[int, Schedule]) -> None:
        """Count what carrying out the plans computes."""
        macs = self.evaluator.costs.macs
        for part, plan in plans.items():
            batches, images = self.seen[part]
            self.executed.evaluations += batches * len(plan.computed)
            self.executed.cache_hits += batches * len(plan.loaded)
            self.executed.macs_executed += images * sum(macs[each] for each in plan.computed)
            self.executed.passes += images * len(self.outputs)
