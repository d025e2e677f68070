"""Rules of what networks are made of and learn: kinds of operations, tasks, data sets, discretisation rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..data import Source, Splits
from ..data.splitting import make_splits
from ..decision import Genes
from ..mapping import name_of
from ..spaces import Architecture, DartsCells, NASBench201, SearchSpace, VGGShortcuts
from ..tasks import Task
from .calling import can_be_pickled, parameters_of
from .generators import drawn_from, seeded
from .report import Case, Kind

BATCH = 6


@dataclass
class PartCase(Case):
    """Something that is registered by name, and the options that it is tried with."""

    options: Mapping[str, Any]

    @classmethod
    def of(cls, value: Any, /, **options: Any) -> Any:
        """Make a case."""
        return cls(value, options)

    @property
    def name(self) -> str:
        """Its name."""
        return str(getattr(self.subject, "name", "")) or name_of(self.subject)

    def call(self, usual: Mapping[str, Any]) -> Any:
        """Call it with the options, and with usual values for parameters without a default."""
        assert callable(self.subject)
        needed = {n for n, p in parameters_of(self.subject).items() if p.default is p.empty and n in usual}
        return self.subject(**{**{name: usual[name] for name in needed}, **self.options})

    def draws_nothing(self, call: Callable[[], Any], does: str) -> Iterator[str]:
        """Give a sentence where a call draws from a global generator."""
        used = drawn_from(call)
        if used:
            yield f"{self.name} draws from {sorted(used)[0]} when it {does}; give it a generator of its own"


# operations ------------------------------------------------------------------------------------------------------

_USUAL = {
    "channels": 4, "channels_in": 4, "channels_out": 4, "in_channels": 4, "out_channels": 4, "kernel": 3, "stride": 1,
    "classes": 3, "features": 4, "outputs": 3, "size": 8, "padding": 1,
}  # fmt: skip


#: One image that operations are tried on.
_SHAPE = (4, 8, 8)


# tasks -----------------------------------------------------------------------------------------------------------


def _outputs(seed: int = 0) -> Tensor:
    return torch.randn((BATCH, 3), generator=torch.Generator().manual_seed(seed))


def _targets(task: Task) -> Tensor:
    """Targets that the task takes: class numbers, else labels of 0 and 1."""
    generator = torch.Generator().manual_seed(1)
    classes = torch.randint(0, 3, (BATCH,), generator=generator)
    try:
        task.check(_outputs(), classes)
    except Exception:
        classes = torch.randint(0, 2, (BATCH, 3), generator=generator).float()
    return classes


# data sets -------------------------------------------------------------------------------------------------------


# discretisation rules --------------------------------------------------------------------------------------------


@dataclass
class RuleCase(PartCase):
    """A rule on the small spaces that it takes."""

    def spaces(self) -> list[SearchSpace]:
        """The space among the options, or each of the small ones that the rule does not refuse."""
        given = self.options.get("space")
        if given is not None:
            return [given]
        small = (
            VGGShortcuts(width=1 / 32),
            NASBench201(channels=4),
            DartsCells(cells=2, channels=2, image_size=8),
        )
        return [space for space in small if self._takes(space)]

    def choose(self, space: SearchSpace, weights: Genes) -> Any:
        """Apply the rule."""
        keywords = {name: value for name, value in self.options.items() if name != "space"}
        return self.subject(space, weights, **keywords)

    def _takes(self, space: SearchSpace) -> bool:
        try:
            self.choose(space, _weights(space, 0))
        except ValueError:
            return False
        return True

    def rule_can_be_called(self) -> Iterator[str]:
        spaces = self.spaces()
        if not spaces:
            yield f"{self.name} refuses every small space; name one that it takes: space=..."
        for space in spaces:
            found = self.choose(space, _weights(space, 1))
            if not isinstance(found, Architecture):
                yield f"{self.returned(found)}; return space.architecture(choices)"
            else:
                space.check(found)

    def rule_only_reads(self) -> Iterator[str]:
        for space in self.spaces():
            weights = _weights(space, 2)
            kept = weights.copy()
            found = [seeded(4, partial(self.choose, space, weights)) for _ in range(2)]
            if not np.array_equal(weights, kept):
                yield f"{self.name} changes the weights that it was given; copy them first"
            elif found[0] != found[1]:
                yield f"{self.name} chose differently for the same weights and seed; draw only from random, or an rng"

    def rule_keeps_its_own_choice(self) -> Iterator[str]:
        for space in self.spaces():
            found = self.choose(space, _weights(space, 3))
            certain = (np.asarray(space.encode(found)) > 0).astype(np.float64)
            if self.choose(space, certain) != found:
                yield f"{self.name} on {space.name!r} does not keep its own choice when the weights are certain of it"

    def rule_follows_the_weights(self) -> Iterator[str]:
        for space in self.spaces():
            if len({self.choose(space, _weights(space, seed)).choices for seed in range(8)}) == 1:
                yield f"{self.name} on {space.name!r} chose the same for eight different weights; does it read them?"

    def rule_refuses_impossible_weights(self) -> Iterator[str]:
        for space in self.spaces():
            good = _weights(space, 4)
            for what, weights in (("NaN", np.full_like(good, np.nan)), ("too few weights", good[:-1])):
                try:
                    self.choose(space, weights)
                except ValueError:
                    continue
                yield f"{self.name} takes {what}; raise a ValueError that says so, like checked_weights(space, weights)"


def _weights(space: SearchSpace, seed: int) -> Genes:
    """Relaxed weights: a number from 0 to 1 for a gate, shares of the choices elsewhere."""
    rng = np.random.default_rng(seed)
    rows = [rng.random(decision.genes) for decision in space.decisions]
    return np.concatenate([row if len(row) == 1 else row / row.sum() for row in rows])


class OperationCase(PartCase):
    """A kind of operation."""

    def _images(self) -> Tensor:
        shape = self.options.get("shape", _SHAPE)
        return torch.randn((BATCH, *shape), generator=torch.Generator().manual_seed(0))

    def call(self, usual: Mapping[str, Any]) -> Any:
        """Call it with the options, but for the shape of its inputs."""
        own = {name: value for name, value in self.options.items() if name != "shape"}
        return PartCase(self.subject, own).call(usual)

    def _module(self) -> nn.Module:
        module: nn.Module = self.call(_USUAL)
        return module.eval()

    def rule_can_be_called(self) -> Iterator[str]:
        module = self.call(_USUAL)
        if not isinstance(module, nn.Module):
            yield f"{self.returned(module)}; a kind of operation makes an nn.Module"
        output = module.eval()(self._images())
        if not isinstance(output, Tensor) or output.shape[:1] != (BATCH,):
            yield f"{self.name} gives {getattr(output, 'shape', output)!r} for {BATCH} images; give a value for each"
        elif not torch.isfinite(output).all():
            yield f"{self.name} gives NaN or infinity with fresh weights; check the initialisation"

    def rule_makes_new_modules(self) -> Iterator[str]:
        one, two = self._module(), self._module()
        if one is two or {id(p) for p in one.parameters()} & {id(p) for p in two.parameters()}:
            yield f"{self.name} gives the same weights twice; make a new module every time, else networks share theirs"

    def rule_frozen_is_frozen(self) -> Iterator[str]:
        module, images = self._module(), self._images()
        before = {name: value.clone() for name, value in module.state_dict().items()}
        with torch.no_grad():
            whole = module(images)
            parts = torch.cat([module(image.unsqueeze(0)) for image in images])
        for name, value in module.state_dict().items():
            if not torch.equal(value, before[name]):
                yield f"{self.name} changes {name!r} in evaluation mode; only training may"
        yield from self.draws_nothing(lambda: module(images), "evaluates")
        if not torch.allclose(whole, parts, atol=1e-4 * (1.0 + float(whole.norm()))):
            yield f"{self.name} mixes the images of a batch in evaluation mode; an image alone must give the same"

    def rule_has_shapes_on_the_meta_device(self) -> Iterator[str]:
        with torch.device("meta"):
            module = self._module()
            shape = module(self._images().to("meta")).shape
        if shape != self._module()(self._images()).shape:
            yield f"{self.name} gives another shape on torch's meta device, by which graphs are measured"

    def rule_is_saved_by_its_state(self) -> Iterator[str]:
        one, two, images = self._module(), self._module(), self._images()
        two.load_state_dict(one.state_dict())
        if not torch.equal(one(images), two(images)):
            yield f"{self.name} with the weights of another one gives other values; keep what it learns as parameters"


check_operation = Kind("operation", OperationCase)
"""Check a kind of operation, a function or class that makes an ``nn.Module``. Options are its keywords; channels,
kernel and the like have usual values. It is run on six images of 4 channels and 8 x 8 pixels."""


class TaskCase(PartCase):
    """A task."""

    rule_can_be_pickled = can_be_pickled

    def rule_can_be_called(self) -> Iterator[str]:
        if not isinstance(self.subject, Task):
            yield f"{self.name} is no task; make one: tdgnas.tasks.Task(name, loss, measures)"
        self.subject.check(_outputs(), _targets(self.subject))

    def rule_gives_a_value_per_sample(self) -> Iterator[str]:
        outputs, targets = _outputs(), _targets(self.subject)
        kept = outputs.clone(), targets.clone()
        for name in self.subject.names:
            function = self.subject.measure(name).function
            whole = function(outputs, targets)
            alone = torch.cat([function(outputs[k : k + 1], targets[k : k + 1]) for k in range(BATCH)])
            if not torch.allclose(whole.double(), alone.double(), atol=1e-5):
                yield f"{name} of the task {self.name} gives a sample another value alone than in a batch"
            yield from self.draws_nothing(partial(function, outputs, targets), f"computes {name}")
        if not (torch.equal(outputs, kept[0]) and torch.equal(targets, kept[1])):
            yield f"the task {self.name} changes the outputs or targets that it was given; it only reads them"

    def rule_measures_what_it_learns(self) -> Iterator[str]:
        task, targets = self.subject, _targets(self.subject)
        outputs = (3 * _outputs(2)).requires_grad_()
        start = task.means(task.sums(outputs.detach(), targets).tolist(), BATCH)
        optimizer = torch.optim.Adam([outputs], lr=0.1)
        for _ in range(300):
            optimizer.zero_grad()
            task.batch_loss(outputs, targets).backward()
            optimizer.step()
        end = task.means(task.sums(outputs.detach(), targets).tolist(), BATCH)
        for name in task.names:
            higher = task.measure(name).higher
            if (end[name] < start[name]) if higher else (end[name] > start[name]):
                yield (
                    f"{name} of the task {self.name} goes from {start[name]:.4g} to {end[name]:.4g} while its loss is "
                    f"minimised; say higher={not higher}, or look for a sign"
                )
        if not end["loss"] < start["loss"]:
            yield f"the loss of the task {self.name} does not fall along its gradient; is it differentiable?"

    def rule_knows_what_is_worst(self) -> Iterator[str]:
        task = self.subject
        found = task.means(task.sums(_outputs(), _targets(task)).tolist(), BATCH)
        for name, value in found.items():
            measure, worst = task.measure(name), task.worst_of(name)
            if (value < worst) if measure.higher else (value > worst):
                yield f"{name} of the task {self.name} is {value:.4g} at random, worse than its worst, {worst:.4g}"
            if measure.share and not 0 <= value <= 1:
                yield f"{name} of the task {self.name} is {value:.4g} and called a share; leave share=True out"


check_task = Kind("task", TaskCase)
"""Check a task, a :class:`tdgnas.tasks.Task`: on six samples of three outputs, with classes or labels of 0 and 1."""


class DataCase(PartCase):
    """A reader of a data set."""

    def rule_can_be_called(self) -> Iterator[str]:
        source = self.call({})
        if not isinstance(source, (Source, Splits)):
            yield f"{self.returned(source)}; a reader returns a tdgnas.data.Source, or Splits"

    def rule_has_images_of_bytes(self) -> Iterator[str]:
        source = self.call({})
        if isinstance(source, Splits):
            return
        images = source.images
        if images.dtype == torch.float32 and images.ndim in (2, 3):
            return  # inputs of another kind
        if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] not in (1, 3):
            yield f"the images of {self.name} are {images.dtype} {tuple(images.shape)}; expected uint8 (N, 1|3, H, W)"

    def rule_is_the_same_every_time(self) -> Iterator[str]:
        one, two = self.call({}), self.call({})
        if not all(torch.equal(*pair) for pair in zip(_tensors(one), _tensors(two), strict=True)):
            yield f"{self.name} reads other images or another order every time; a split is fixed by its seed alone"
        yield from self.draws_nothing(lambda: self.call({}), "is read")

    def rule_fits_its_task(self) -> None:
        source = self.call({})
        splits = source
        if isinstance(source, Source):
            splits = make_splits(source, size=source.size, channels=source.channels)
        targets = splits.train.batch(slice(0, len(splits.train)))[1].unique(dim=0)
        splits.task.check(torch.zeros((len(targets), splits.outputs)), targets)


def _tensors(source: Source | Splits) -> list[Tensor]:
    if isinstance(source, Source):
        return [source.images, source.labels]
    return [
        tensor for part in (source.train, source.valid, source.test) for tensor in part.batch(slice(0, 8))
    ]


check_data = Kind("data-set", DataCase)
"""Check a reader of a data set, which returns a :class:`tdgnas.data.Source`. Options are its keywords."""

check_rule = Kind("rule", RuleCase)
"""Check a discretisation rule, ``rule(space, weights, ...) -> architecture``: on three small spaces as far as it takes
them, or on the option ``space``. All other options are keywords of the rule."""
