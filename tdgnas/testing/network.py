"""Rules that need numbers: the supernet, the stand-alone network and the counts of a space agree.

Those about a supernet have nothing to say of a space whose networks share no weights.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

import torch
from torch import Tensor, nn

from ..data import ImageData
from ..graphs import make
from ..spaces import Architecture, SearchSpace
from ..supernet import Supernet, evaluate_one, evaluation_set
from ..supernet.evaluation import BatchNormPolicy
from .report import Case

TOLERANCE = 1e-4
BATCH = 4


def _count_macs(network: nn.Module, image: Tensor) -> int:
    counts: list[int] = []

    def count(module: Any, _: Any, output: Tensor) -> None:
        counts.append(output.numel() * module.weight[0].numel())

    for module in network.modules():
        if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Linear)):
            module.register_forward_hook(count)
    with torch.no_grad():
        network(image)
    return sum(counts)


@dataclass
class NetworkCase(Case):
    """A space, architectures of it, and the rules that run its networks."""

    @classmethod
    def of(cls, space: SearchSpace | type[SearchSpace], /, **settings: Any) -> Any:
        """Make a case of a space, or of a class and its keywords."""
        if isinstance(space, type) and issubclass(space, SearchSpace):
            space = space(**settings)
        if not isinstance(space, SearchSpace):
            raise TypeError(
                f"a space is a subclass of tdgnas.spaces.SearchSpace, or an instance of one; got {space!r}"
            )
        return cls(space)

    @property
    def space(self) -> SearchSpace:
        """The space."""
        return self.subject  # type: ignore[no-any-return]

    def samples(self, count: int = 8) -> list[Architecture]:
        """Return architectures: drawn ones, the first choices only, and the last choices only."""
        rng, space = random.Random(0), self.space
        ends = [(0,) * len(space.decisions), tuple(size - 1 for size in space.decisions.sizes)]
        return [space.sample(rng) for _ in range(count)] + [Architecture(space.name, end) for end in ends]

    def _images(self) -> Tensor:
        return self.space.example(BATCH, torch.Generator().manual_seed(0))

    def _supernet(self) -> Supernet:
        return Supernet(self.space, seed=1, device="cpu")

    def _network(self, architecture: Architecture, supernet: Supernet | None = None) -> nn.Module:
        network = self.space.network(architecture)
        if supernet is not None:
            for name, operation in network.ops.items():
                operation.load_state_dict(supernet.ops[name].state_dict())
            if supernet.frame is not None:
                network.get_submodule("frame").load_state_dict(supernet.frame.state_dict())
        # BatchNorm normalises by the batch, as in the supernet, and everything random (dropout) is off.
        network.eval()
        for part in network.modules():
            if isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)):
                part.train()
        return network

    def rule_gives_logits(self) -> Iterator[str]:
        for architecture in self.samples(2):
            with torch.no_grad():
                logits = self._network(architecture)(self._images())
            if tuple(logits.shape) != (BATCH, self.space.classes):
                yield (
                    f"the network of {self.name} returned shape {tuple(logits.shape)}; the last node must give logits "
                    f"of shape (batch, classes), here ({BATCH}, {self.space.classes})"
                )
            elif not torch.isfinite(logits).all():
                yield f"the network of {self.name} gives NaN or infinity with fresh weights; check the initialisation"

    def rule_makes_fresh_operations(self) -> Iterator[str]:
        graphs = [self.space.drawn_from(each)[0] for each in self.samples(2)]
        for name, op in {name: op for graph in graphs for name, op in graph.ops.items()}.items():
            if "." in name or hasattr(nn.ModuleDict(), name):
                yield (
                    f"operation {name!r} of {self.name} cannot be a part of a torch module: names have no dot and are "
                    "no attribute of nn.Module (such as half, type, train); rename it"
                )
            one, two = make(op), make(op)
            if one is two or {id(p) for p in one.parameters()} & {id(p) for p in two.parameters()}:
                yield (
                    f"the kind {op.kind!r} of operation {name!r} of {self.name} gives the same weights twice; make a "
                    "new module at every call, else stand-alone networks share theirs"
                )

    def rule_the_supernet_equals_the_network(self) -> Iterator[str]:
        if not self.space.shares_weights:
            return
        supernet, images = self._supernet(), self._images()
        for architecture in self.samples(3):
            network = self._network(architecture, supernet)
            with torch.no_grad(), supernet.frozen():
                own, alone = supernet.discrete(images, architecture), network(images)
            if not torch.allclose(own, alone, atol=TOLERANCE, rtol=TOLERANCE):
                yield (
                    f"the supernet of {self.name} and the stand-alone network with the same weights differ by "
                    f"{(own - alone).abs().max():.3g}; a kind of operation must make the same module every time, and "
                    "network() must run the nodes as they stand"
                )

    def rule_one_hot_equals_discrete(self) -> Iterator[str]:
        """The rule that the relaxed supernet of a one-hot alpha is the architecture."""
        if not self.space.shares_weights:
            return
        supernet, images = self._supernet(), self._images()
        for architecture in self.samples(2):
            genes = torch.tensor(self.space.encode(architecture, 60.0)).unsqueeze(0)
            with torch.no_grad(), supernet.frozen():
                relaxed, discrete = (
                    supernet.relaxed(images, genes)[0],
                    supernet.discrete(images, architecture),
                )
            scale = 1.0 + float(discrete.abs().max())
            if not torch.allclose(relaxed, discrete, atol=1e-3 * scale, rtol=1e-3):
                yield (
                    f"with a one-hot alpha the relaxed supernet of {self.name} differs from the architecture by "
                    f"{(relaxed - discrete).abs().max():.3g}; a term must be on exactly when its decision takes its "
                    "choice"
                )

    def rule_evaluating_changes_nothing(self) -> Iterator[str]:
        if not self.space.shares_weights:
            return
        supernet, images = self._supernet(), self._images()
        before = {name: value.clone() for name, value in supernet.state_dict().items()}
        channels = images.shape[1]
        data = ImageData(
            images, torch.arange(BATCH) % self.space.classes, (0.0,) * channels, (1.0,) * channels
        )
        architecture, random = self.samples(1)[0], torch.get_rng_state()
        for policy in get_args(BatchNormPolicy):
            where = evaluation_set(data, policy=policy, calibration=data)
            scores = [evaluate_one(supernet, where, architecture) for _ in range(2)]
            if scores[0] != scores[1]:
                yield (
                    f"{self.name} scores one architecture {scores[0].loss:.6g} and then {scores[1].loss:.6g}; an "
                    "operation must not draw in evaluation mode (nn.Dropout does not)"
                )
                break
        if not torch.equal(torch.get_rng_state(), random):
            yield f"evaluating {self.name} draws from torch's generator; nothing may be drawn in evaluation mode"
        for name, value in supernet.state_dict().items():
            if not torch.equal(value, before[name]):
                yield f"evaluating changes {name!r} of the supernet of {self.name}; only BatchNorm may keep statistics"

    def rule_second_order_of_a_population_equals_one_by_one(self) -> Iterator[str]:
        # In float64 the rounding of the central difference is far below the tolerance.
        if not self.space.shares_weights:
            return
        supernet, images = self._supernet().double(), self._images().double()
        targets = torch.arange(BATCH) % self.space.classes
        train, valid = (images, targets), (images.flip(0), targets)
        generator = torch.Generator().manual_seed(0)
        genes = torch.randn(2, self.space.length, generator=generator, dtype=torch.float64)
        rows_alone = [row.clone().requires_grad_() for row in genes]
        alone = torch.stack([supernet.bilevel_gradient(row, train, valid, xi=0.01) for row in rows_alone])
        for rows in (1, 2):
            try:
                together = supernet.bilevel_gradients(genes, train, valid, xi=0.01, rows=rows)
            except RuntimeError as error:
                yield (
                    f"second-order gradients of {self.name} for {rows} at a time end in {error}; a "
                    "torch.autograd.Function of your own needs setup_context and generate_vmap_rule"
                )
                return
            if not torch.allclose(together, alone, rtol=1e-4, atol=1e-6 * (1.0 + float(alone.abs().max()))):
                yield (
                    f"second-order gradients of {self.name} for {rows} at a time differ from one after another by "
                    f"{(together - alone).abs().max():.3g}; an operation must compute the same under torch.func as "
                    "outside"
                )

    def rule_images_do_not_mix(self) -> Iterator[str]:
        images = self._images()
        for architecture in self.samples(2):
            network = self._network(architecture).eval()
            with torch.no_grad():
                whole = network(images)
                parts = torch.cat([network(image.unsqueeze(0)) for image in images])
            if not torch.allclose(whole, parts, atol=1e-3 * (1.0 + float(whole.abs().max())), rtol=1e-3):
                yield (
                    f"in eval mode the network of {self.name} gives an image other logits alone than in a batch; only "
                    "BatchNorm in training may look at the other images"
                )

    def rule_counts_are_true(self) -> Iterator[str]:
        for architecture in self.samples(2):
            network = self._network(architecture)
            parameters = sum(parameter.numel() for parameter in network.parameters())
            stated = self.space.parameters(architecture)
            if parameters != stated:
                yield f"parameters() of {self.name} says {stated:,}, the network has {parameters:,}"
            macs, counted = self.space.macs(architecture), _count_macs(network.eval(), self._images()[:1])
            if macs != counted:
                yield f"macs() of {self.name} says {macs:,}, the network's layers do {counted:,} on one image"
