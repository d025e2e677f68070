"""Pretraining of the supernet by single paths: every step trains one discrete network, and alpha waits for the end.

Sources: Guo et al. 2020, *Single Path One-Shot Neural Architecture Search with Uniform Sampling*; Chu, Zhang, Xu 2021,
*FairNAS*, for strict fairness. Paths that grow from the trunk and operations drawn by a share are ours.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from functools import partial
from typing import Any

from torch import Tensor

from ..devices import channels_last
from ..spaces import Architecture, SearchSpace
from .bilevel import Batch
from .learner import Learner
from .mixed import channels_last_is_safe
from .pretrain_settings import PathSettings, PretrainSettings
from .pretraining import Pretraining


class Paths:
    """Draws the networks that a supernet's weights learn from.

    A K-way decision takes each choice with a probability proportional to its share. Gates are on with a probability
    that is drawn anew for every network, uniformly below a ceiling that rises from 0 to 1: sums of many branches that
    nothing normalises do not train from the start, and networks of every size have to be met later.

    :param space: what is searched.
    :param settings: shares, growth, fairness.
    :raises ValueError: for the share of a choice that the space has not, shares that are all zero, or fairness among
        decisions that differ in their number of choices.
    """

    def __init__(self, space: SearchSpace, settings: PathSettings) -> None:
        self.space, self.settings = space, settings
        wide = [decision for decision in space.decisions if not decision.binary]
        known = {choice for decision in wide for choice in decision.choices}
        unknown = sorted(set(settings.shares) - known)
        if unknown:
            raise ValueError(
                f"paths.shares names {unknown[0]!r}; the choices of {space.name!r} are "
                f"{', '.join(sorted(known)) or 'gates'}"
            )
        shares = {**(space.path_shares if settings.weighted else {}), **settings.shares}
        self.shares = [
            [float(shares.get(choice, 1.0)) for choice in each.choices] for each in space.decisions
        ]
        if any(sum(row) <= 0 for row in self.shares):
            raise ValueError(
                "paths.shares leaves a decision without any choice; give one of them a share above 0"
            )
        self.sizes = {len(decision.choices) for decision in wide}
        if settings.fair and len(self.sizes) > 1:
            raise ValueError(
                f"paths.fair trains every operation once a step, and the decisions of {space.name!r} have "
                f"{' and '.join(map(str, sorted(self.sizes)))} choices; leave it out"
            )

    def ceiling(self, done: float) -> float:
        """Return the largest probability of a gate when a share ``done`` of the training is over."""
        return 1.0 if not self.settings.grow else min(1.0, done / self.settings.grow)

    def draw(self, done: float, rng: random.Random) -> list[Architecture]:
        """Return the networks of one step: one, or with fairness as many as a decision has choices."""
        count = max(self.sizes, default=1) if self.settings.fair else 1
        share = rng.random() * self.ceiling(done)
        columns: list[Sequence[int]] = []
        for decision, shares in zip(self.space.decisions, self.shares, strict=True):
            places = range(len(decision.choices))
            if decision.binary:
                columns.append([int(rng.random() < share) for _ in range(count)])
            elif self.settings.fair:
                columns.append(rng.sample(places, count))
            else:
                columns.append(rng.choices(places, shares, k=count))
        return [self.space.architecture(choices) for choices in zip(*columns, strict=True)]


class PathTraining(Pretraining):
    """A :class:`Pretraining` whose every step trains the weights of one path; see :class:`PathSettings`.

    The learning rate warms up and falls by a cosine, step by step. When the weights are trained, alpha takes
    ``paths.alpha_steps`` steps on validation batches with the weights as they are, first order, so that what inherits
    from alpha begins with gradients on these weights.

    :param given: as of :class:`Pretraining`.
    """

    def __init__(self, supernet: Learner, settings: PretrainSettings | None = None, **given: Any) -> None:
        settings = settings or PretrainSettings(method="paths")
        self.paths = Paths(supernet.space, settings.paths)
        super().__init__(supernet, settings, **given)
        self.optimiser.param_groups[0]["nesterov"] = settings.paths.nesterov
        self._channels_last = supernet.device.type == "cuda" or channels_last_is_safe(supernet.ops)

    def learns_alpha(self, epoch: int) -> bool:
        """Alpha is learned after the weights."""
        return False

    def learning_rate(self, epoch: float) -> float:
        """Learning rate after so many epochs: linear warm-up, then a cosine."""
        given = self.settings
        done, warm = epoch / given.epochs, given.paths.warmup
        if done < warm:
            return given.lr * max(done, 1 / (given.epochs * self.steps)) / warm
        return (
            given.lr_min
            + (given.lr - given.lr_min) * (1 + math.cos(math.pi * (done - warm) / (1 - warm))) / 2
        )

    def _weight_step(self, batch: Batch, step: int) -> Tensor:
        now = self.epoch + step / self.steps
        self.optimiser.param_groups[0]["lr"] = self.learning_rate(now)
        networks = self.paths.draw(now / self.settings.epochs, self.rng)
        images = channels_last(batch[0]) if self._channels_last else batch[0]
        passes = [partial(self.supernet.discrete, architecture=network) for network in networks]
        means = self._learn(passes, (images, batch[1]), step)
        if self.epoch + 1 == self.settings.epochs and step + 1 == self.steps:
            self._learn_alpha()
        return means

    def _learn_alpha(self) -> None:
        data = self.supernet.data
        assert data is not None
        for _ in range(self.settings.paths.alpha_steps):
            images, targets = data.valid.drawn(self.batch_size, self.rng)
            own = self.processes.share(len(targets))
            self._alpha_step((images[own], targets[own]), (images[own], targets[own]))


def make_pretraining(supernet: Learner, settings: PretrainSettings, **given: Any) -> Pretraining:
    """Return the pretraining that the settings name by ``method``.

    :param given: as of :class:`Pretraining`.
    """
    kind = PathTraining if settings.method == "paths" else Pretraining
    return kind(supernet, settings, **given)
