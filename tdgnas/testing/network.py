"""Rules that need numbers: the supernet, the stand-alone network and the counts of a space agree.

Those about a supernet have nothing to say of a space whose networks share no weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import torch
from torch import Tensor, nn

from ..data import ImageData
from ..graphs import make
from ..spaces import Architecture
from ..supernet import Supernet, evaluate_one, evaluation_set
from ..supernet.evaluation import BatchNormPolicy
from .report import Rule
from .space_case import SpaceCase

TOLERANCE = 1e-4
BATCH = 4


def _images(case: SpaceCase) -> Tensor:
    return torch.randn((BATCH, *case.space.image_shape), generator=torch.Generator().manual_seed(0))


def _supernet(case: SpaceCase) -> Supernet:
    return Supernet(case.space, seed=1, device="cpu")


def _network(case: SpaceCase, architecture: Architecture, supernet: Supernet | None = None) -> nn.Module:
    network = case.space.network(architecture)
    if supernet is not None:
        for name, operation in network.ops.items():
            operation.load_state_dict(supernet.ops[name].state_dict())
    # BatchNorm normalises by the batch, as in the supernet, and everything random (dropout) is off.
    network.eval()
    for part in network.modules():
        if isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)):
            part.train()
    return network


def _gives_logits(case: SpaceCase) -> Iterator[str]:
    for architecture in case.samples(2):
        with torch.no_grad():
            logits = _network(case, architecture)(_images(case))
        if tuple(logits.shape) != (BATCH, case.space.classes):
            yield (
                f"the network of {case.name} returned shape {tuple(logits.shape)}; the last node must give logits of "
                f"shape (batch, classes), here ({BATCH}, {case.space.classes})"
            )
        elif not torch.isfinite(logits).all():
            yield f"the network of {case.name} returned NaN or infinity with fresh weights; check the initialisation"


def _makes_fresh_operations(case: SpaceCase) -> Iterator[str]:
    graphs = [case.space.drawn_from(each)[0] for each in case.samples(2)]
    for name, op in {name: op for graph in graphs for name, op in graph.ops.items()}.items():
        if "." in name or hasattr(nn.ModuleDict(), name):
            yield (
                f"operation {name!r} of {case.name} cannot be a part of a torch module: names have no dot and are no "
                "attribute of nn.Module (such as half, type, train); rename it"
            )
        one, two = make(op), make(op)
        if one is two or {id(p) for p in one.parameters()} & {id(p) for p in two.parameters()}:
            yield (
                f"the kind {op.kind!r} of operation {name!r} of {case.name} gives the same weights twice; make a new "
                "module at every call, else stand-alone networks share theirs"
            )


def _the_supernet_equals_the_network(case: SpaceCase) -> Iterator[str]:
    if not case.space.shares_weights:
        return
    supernet, images = _supernet(case), _images(case)
    for architecture in case.samples(3):
        network = _network(case, architecture, supernet)
        with torch.no_grad(), supernet.frozen():
            own, alone = supernet.discrete(images, architecture), network(images)
        if not torch.allclose(own, alone, atol=TOLERANCE, rtol=TOLERANCE):
            yield (
                f"the supernet of {case.name} and the stand-alone network with the same weights differ by "
                f"{(own - alone).abs().max():.3g}; a kind of operation must make the same module every time, and "
                "network() must run the nodes as they stand"
            )


def one_hot_equals_discrete(case: SpaceCase) -> Iterator[str]:
    """The rule that the relaxed supernet of a one-hot alpha is the architecture."""
    if not case.space.shares_weights:
        return
    supernet, images = _supernet(case), _images(case)
    for architecture in case.samples(2):
        genes = torch.tensor(case.space.encode(architecture, 60.0)).unsqueeze(0)
        with torch.no_grad(), supernet.frozen():
            relaxed, discrete = supernet.relaxed(images, genes)[0], supernet.discrete(images, architecture)
        scale = 1.0 + float(discrete.abs().max())
        if not torch.allclose(relaxed, discrete, atol=1e-3 * scale, rtol=1e-3):
            yield (
                f"with a one-hot alpha the relaxed supernet of {case.name} differs from the architecture by "
                f"{(relaxed - discrete).abs().max():.3g}; a term must be on exactly when its decision takes its choice"
            )


def _evaluating_changes_nothing(case: SpaceCase) -> Iterator[str]:
    if not case.space.shares_weights:
        return
    supernet, images = _supernet(case), _images(case)
    before = {name: value.clone() for name, value in supernet.state_dict().items()}
    channels = images.shape[1]
    data = ImageData(images, torch.arange(BATCH) % case.space.classes, (0.0,) * channels, (1.0,) * channels)
    architecture, random = case.samples(1)[0], torch.get_rng_state()
    for policy in get_args(BatchNormPolicy):
        where = evaluation_set(data, policy=policy, calibration=data)
        scores = [evaluate_one(supernet, where, architecture) for _ in range(2)]
        if scores[0] != scores[1]:
            yield (
                f"{case.name} scores one architecture {scores[0].loss:.6g} and then {scores[1].loss:.6g}; an operation "
                "must not draw in evaluation mode (nn.Dropout does not)"
            )
            break
    if not torch.equal(torch.get_rng_state(), random):
        yield f"evaluating {case.name} draws from torch's generator; nothing may be drawn in evaluation mode"
    for name, value in supernet.state_dict().items():
        if not torch.equal(value, before[name]):
            yield f"evaluating changes {name!r} of the supernet of {case.name}; only BatchNorm may keep statistics"


def _second_order_of_a_population_equals_one_by_one(case: SpaceCase) -> Iterator[str]:
    # In float64 the rounding of the central difference is far below the tolerance.
    if not case.space.shares_weights:
        return
    supernet, images = _supernet(case).double(), _images(case).double()
    targets = torch.arange(BATCH) % case.space.classes
    train, valid = (images, targets), (images.flip(0), targets)
    generator = torch.Generator().manual_seed(0)
    genes = torch.randn(2, case.space.length, generator=generator, dtype=torch.float64)
    rows_alone = [row.clone().requires_grad_() for row in genes]
    alone = torch.stack([supernet.bilevel_gradient(row, train, valid, xi=0.01) for row in rows_alone])
    for rows in (1, 2):
        try:
            together = supernet.bilevel_gradients(genes, train, valid, xi=0.01, rows=rows)
        except RuntimeError as error:
            yield (
                f"second-order gradients of {case.name} for {rows} at a time end in {error}; a torch.autograd.Function "
                "of your own needs setup_context and generate_vmap_rule"
            )
            return
        if not torch.allclose(together, alone, rtol=1e-4, atol=1e-6 * (1.0 + float(alone.abs().max()))):
            yield (
                f"second-order gradients of {case.name} for {rows} at a time differ from one after another by "
                f"{(together - alone).abs().max():.3g}; an operation must compute the same under torch.func as outside"
            )


def _images_do_not_mix(case: SpaceCase) -> Iterator[str]:
    images = _images(case)
    for architecture in case.samples(2):
        network = _network(case, architecture).eval()
        with torch.no_grad():
            whole = network(images)
            parts = torch.cat([network(image.unsqueeze(0)) for image in images])
        if not torch.allclose(whole, parts, atol=1e-3 * (1.0 + float(whole.abs().max())), rtol=1e-3):
            yield (
                f"in eval mode the network of {case.name} gives an image other logits alone than in a batch; only "
                "BatchNorm in training may look at the other images"
            )


def _counts_are_true(case: SpaceCase) -> Iterator[str]:
    for architecture in case.samples(2):
        network = _network(case, architecture)
        parameters = sum(parameter.numel() for parameter in network.parameters())
        stated = case.space.parameters(architecture)
        if parameters != stated:
            yield f"parameters() of {case.name} says {stated:,}, the network has {parameters:,}"
        macs, counted = case.space.macs(architecture), _count_macs(network.eval(), _images(case)[:1])
        if macs != counted:
            yield f"macs() of {case.name} says {macs:,}, the network's layers do {counted:,} on one image"


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


#: Rules of a space that run its networks.
CONSISTENCY: tuple[Rule[Any], ...] = (
    _makes_fresh_operations, _gives_logits, _the_supernet_equals_the_network, _evaluating_changes_nothing,
    _second_order_of_a_population_equals_one_by_one, _images_do_not_mix, _counts_are_true,
)  # fmt: skip
