"""The shared one-shot supernet: one set of weights for every architecture of a space."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from deap import base
from torch import Tensor, nn

from ..budget import Budget
from ..descent import in_mode
from ..devices import own_noise, pick_device
from ..graphs import GraphNetwork, make, run_steps
from ..individual import Individual, LossFitness
from ..operators import initBernoulli
from ..settings import checked
from ..spaces import Architecture, SearchSpace, threshold
from ..tasks import CLASSIFICATION
from .batchnorm import BatchNormState, Policy, Statistics, convert
from .bilevel import Batch, WeightStep, alpha_gradient, constant, gradient_passes, second_order_gradients
from .forward import RelaxedForward
from .mixed import MixedForward
from .path_training import make_pretraining
from .paths import SampledPath
from .pretrain_settings import PretrainSettings
from .pretraining import EpochRecord, Pretraining
from .relaxation import Relaxation, RelaxationName

if TYPE_CHECKING:
    from ..data import Splits

Array = npt.NDArray[np.float64]
# The weight of a gate whose gene is positive, but too small for the sigmoid.
_ABOVE_HALF = np.nextafter(0.5, 1.0)


class Supernet(nn.Module):
    """Every operation of a space once, the relaxed weights of one alpha-vector, and passes through them.

    The operations' weights are the module's parameters. ``alpha`` is a buffer, not a parameter: no optimiser of the
    weights can move it.

    :param space: what can be searched.
    :param data: train, valid and test images, and the task; needed for pretraining and for alpha gradients.
    :param relaxation: how gates are relaxed: ``sigmoid``, ``hard-sigmoid`` or ``target-softmax``.
    :param seed: fixes the initial weights and alpha (1e-3 * N(0, 1), as DARTS).
    :param device: where to compute; CUDA where there is one, else the CPU.
    :ivar frame: what stands around the space's graph, such as the run over time of a recurrent cell; None for nothing.
    :ivar by_weights: the relaxed forward pass of images and rows of relaxed weights, see :class:`RelaxedForward`.
    :ivar task: what is learned; classification without data.
    :ivar budget: the ledger that pretraining, gradients, weight training and evaluations pay into.
    :raises ValueError: when the data's images or classes do not fit the space, or the device is not there.
    """

    def __init__(
        self,
        space: SearchSpace,
        data: Splits | None = None,
        *,
        relaxation: RelaxationName = "sigmoid",
        seed: int = 0,
        device: str | torch.device | None = None,
    ) -> None:
        super().__init__()
        if data is not None:
            _check_fit(space, data)
        self.space = space
        self.relaxation = Relaxation(space, relaxation)
        self.batchnorm = BatchNormState()
        with own_noise(seed):
            self.ops = nn.ModuleDict(
                {name: convert(make(op), self.batchnorm) for name, op in space.graph.ops.items()}
            )
            alpha = 1e-3 * torch.randn(space.length)
        self.alpha: Tensor
        self.register_buffer("alpha", alpha)
        with own_noise(seed):
            self.frame = space.frame()
        self.scales = (
            nn.Parameter(torch.ones(len(self.relaxation.targets))) if self.relaxation.targets else None
        )
        self.device = pick_device(device)
        self.to(self.device)
        self.data = None if data is None else data.to(self.device)
        self.task = CLASSIFICATION if data is None else data.task
        self.budget = Budget()
        self.by_weights = RelaxedForward(space, self.ops, self.batchnorm)
        self._mixed = MixedForward(space, self.ops, self.batchnorm)
        if self.data is not None:
            images, targets = self.data.train.batch(slice(0, 4))
            with self.frozen("running"), torch.no_grad():
                self.task.check(self.mixed(images, self.alpha), targets)

    @property
    def version(self) -> tuple[int, ...]:
        """A value that changes whenever a weight or buffer is changed in place; alpha does not count."""
        # Asked several times in every generation: without the names that torch puts together.
        held = (own for part in self.modules() for own in (part._parameters, part._buffers))
        tensors = (tensor for own in held for tensor in own.values() if tensor is not None)
        return tuple(tensor._version for tensor in tensors if tensor is not self.alpha)

    @contextmanager
    def frozen(self, policy: Policy = "batch", statistics: Statistics | None = None) -> Iterator[None]:
        """Evaluate inside a ``with`` block: evaluation mode (dropout is off), BatchNorm by a policy.

        Nothing in it changes a weight, a buffer or a random state.
        """
        with in_mode(self, False), self.batchnorm.use(policy, statistics=statistics):
            yield

    @contextmanager
    def learning(self) -> Iterator[None]:
        """Train inside a ``with`` block: training mode, BatchNorm by the batch, running statistics follow."""
        with in_mode(self, True), self.batchnorm.use("train"):
            yield

    # passes ------------------------------------------------------------------------------------------------------

    def weights(self, genes: Tensor) -> Tensor:
        """Return the relaxed weights of genes, same shape (..., genes)."""
        return self.relaxation(genes, self.scales)

    def relaxed(self, images: Tensor, genes: Tensor) -> Tensor:
        """Relaxed forward pass of alpha-vectors of shape (rows, genes); logits (rows, batch, classes)."""
        weights, batch = self.weights(genes), len(images)
        if self.frame is None:
            return self.by_weights(images, weights)
        rows = len(genes)

        def graph(each: Tensor) -> Tensor:
            with self.batchnorm.grouped(rows):
                found = self.space.fused(self.ops, each, weights)
            return self.by_weights(each, weights, batch).flatten(0, 1) if found is None else found

        found: Tensor = self.frame(graph, images, rows)
        return found.reshape(rows, -1, found.shape[-1])

    def mixed(self, images: Tensor, genes: Tensor, path: SampledPath | None = None) -> Tensor:
        """Relaxed forward pass of one alpha-vector of shape (genes,); logits (batch, classes).

        The same as one row of :meth:`relaxed` up to rounding, and quicker; made for training.

        :param path: compute this path alone, see :func:`sample_path`.
        """
        weights, choices = (
            (self.weights(genes), None) if path is None else (path.weights(genes), path.choices)
        )

        def graph(each: Tensor) -> Tensor:
            found = None if choices else self.space.fused(self.ops, each, weights.unsqueeze(0))
            return self._mixed(each, weights, choices) if found is None else found

        return self._framed(graph, images)

    def _framed(self, graph: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
        return graph(images) if self.frame is None else self.frame(graph, images)

    def discrete(self, images: Tensor, architecture: Architecture) -> Tensor:
        """Forward pass of one architecture; logits of shape (batch, classes)."""
        self.space.check(architecture)
        graph = self.space.graph
        steps, shapes = graph.steps(architecture.choices), graph.profile.shapes
        return self._framed(lambda each: run_steps(steps, graph.nodes, self.ops, shapes, each), images)

    def forward(self, images: Tensor) -> Tensor:
        """Relaxed forward pass of the supernet's own alpha; logits of shape (batch, classes)."""
        return self.relaxed(images, self.alpha.unsqueeze(0))[0]

    # what a search asks for --------------------------------------------------------------------------------------

    def relaxed_weights(self, genes: Array | None = None) -> Array:
        """Return relaxed weights as a NumPy array, of the supernet's own alpha where no genes are given.

        They are computed in double precision, and a gate's weight is above one half just when its gene says so, however
        small it is: what a rule makes of the weights is what the genes decode to.
        """
        values = self.alpha if genes is None else torch.as_tensor(np.asarray(genes), device=self.device)
        values = values.double()
        with torch.no_grad():
            scales = None if self.scales is None else self.scales.double()
            weights = self.relaxation(values, scales)
        found: Array = weights.cpu().numpy()
        if self.relaxation.by_sign:
            gates, on = self.relaxation.gates, values.cpu().numpy()[..., self.relaxation.gates] > 0
            found[..., gates] = np.where(on, np.maximum(found[..., gates], _ABOVE_HALF), found[..., gates])
        return found

    def decode(self, individual: Sequence[float] | Array) -> Architecture:
        """Return the architecture of an individual by the relaxation that it lives under: what the rule ``threshold``
        makes of its relaxed weights.

        That is ``space.decode`` but for ``target-softmax``, where a gate's weight depends on the others of its target.
        """
        if self.relaxation.by_sign:
            return self.space.decode(individual)
        row = self.space.decisions.matrix([individual])[0]
        return threshold(self.space, self.relaxed_weights(row))

    def population(
        self,
        n: int,
        *,
        scale: float = 1.0,
        container: Callable[[list[float]], Any] = Individual,
        fitness: type[base.Fitness] | None = LossFitness,
        rng: random.Random | None = None,
    ) -> list[Any]:
        """Return n individuals that inherit from the pretrained alpha.

        Each gate is drawn with its relaxed weight as probability and set to ``+scale`` or ``-scale``; of a K-way
        decision one choice is drawn. Draws from ``rng``, or from Python's :mod:`random`.

        :param container: makes an individual of a list of genes.
        :param fitness: class of the individuals' fitness; None leaves what the container gives.
        """
        probabilities = np.clip(self.relaxed_weights(), 0.0, 1.0).tolist()
        slices = self.space.slices
        population = [initBernoulli(container, probabilities, scale, slices, rng) for _ in range(n)]
        if fitness is not None:
            for individual in population:
                individual.fitness = fitness()
        return population

    def alpha_gradients(
        self,
        genes: Array,
        seed: int,
        batch_size: int = 64,
        rows: int = 16,
        xi: float = 0.0,
        optimiser: torch.optim.Optimizer | None = None,
    ) -> Array:
        """Return the gradient of the relaxed validation loss for each of many alpha-vectors; weights stay frozen.

        All rows see the same validation images, drawn by ``seed``; ``rows`` of them share one forward and backward
        pass, which bounds the memory. Liu et al. 2018, eq. 5 (first order: the weights do not follow); with ``xi``
        above 0 eq. 7, where each row looks one step of its own weights ahead, on training images drawn by ``seed``.

        :param genes: shape (rows, genes).
        :param seed: fixes the batch of validation images, and of training images where they are needed.
        :param xi: learning rate of the weights' step; 0 is first order.
        :param optimiser: of the weights, for its momentum buffers and weight decay (second order only).
        :returns: shape (rows, genes).
        :raises ValueError: when the supernet was made without data.
        """
        if self.data is None:
            raise ValueError(
                "this supernet has no data; make it with Supernet(space, data) for alpha gradients"
            )
        if not len(genes):
            return np.empty((0, self.space.length))
        rng = random.Random(seed)
        images, labels = self.data.valid.drawn(batch_size, rng)
        passes = len(genes) * gradient_passes(len(labels), 2 if xi else 1)
        self.budget.count(passes=passes, cause="gradients")
        alphas = torch.as_tensor(np.asarray(genes), dtype=self.alpha.dtype, device=self.device)
        if xi:
            train = self.data.train.drawn(batch_size, rng)
            found = self.bilevel_gradients(alphas, train, (images, labels), xi=xi, optimiser=optimiser)
            return found.double().cpu().numpy()
        gradients = []
        with self.frozen("batch"), constant(list(self.parameters())):
            for part in torch.split(alphas, rows):
                alpha = part.clone().requires_grad_()
                loss = self.task.losses(self.relaxed(images, alpha), labels).sum()
                gradients.append(torch.autograd.grad(loss, alpha)[0])
        return torch.cat(gradients).double().cpu().numpy()

    def bilevel_gradient(
        self,
        alpha: Tensor,
        train: Batch,
        valid: Batch,
        *,
        xi: float = 0.0,
        optimiser: torch.optim.Optimizer | None = None,
        path: SampledPath | None = None,
    ) -> Tensor:
        """Gradient of the validation loss for one alpha; first order, or second order with ``xi`` above 0.

        :param alpha: leaf tensor of shape (genes,).
        :param train: images and labels for the look-ahead of the weights.
        :param valid: images and labels of the loss that is differentiated.
        :param optimiser: of the weights, for its momentum buffers and weight decay.
        :param path: compute this path alone in all passes, see :func:`sample_path`.
        """
        weights = self._learned()
        train_loss, valid_loss = (partial(self._loss, alpha, batch, path) for batch in (train, valid))
        with self.frozen("batch"):
            ahead = WeightStep.of(xi, optimiser, weights, self._clip_ahead)
            return alpha_gradient(alpha, weights, train_loss, valid_loss, ahead)

    def bilevel_gradients(
        self,
        genes: Tensor,
        train: Batch,
        valid: Batch,
        *,
        xi: float,
        optimiser: torch.optim.Optimizer | None = None,
        rows: int | None = None,
    ) -> Tensor:
        """Second order for many alpha-vectors, shape (rows, genes), see :func:`second_order_gradients`.

        The same as :meth:`bilevel_gradient` for one after another, without ever writing to the weights.
        """
        ahead = WeightStep.of(xi, optimiser, self._learned(), self._clip_ahead)
        with self.frozen("batch"):
            return second_order_gradients(self, self._loss, genes, train, valid, ahead, rows=rows)

    def network(self, architecture: Architecture) -> GraphNetwork:
        """Return the stand-alone network of an architecture with a copy of the shared weights."""
        network = self.space.network(architecture)
        for name, op in network.ops.items():
            op.load_state_dict(self.ops[name].state_dict())
        if self.frame is not None:
            network.get_submodule("frame").load_state_dict(self.frame.state_dict())
        return network.to(self.device)

    def _loss(self, alpha: Tensor, batch: Batch, path: SampledPath | None = None) -> Tensor:
        return self.task.losses(self.mixed(batch[0], alpha, path).unsqueeze(0), batch[1])[0]

    @property
    def _clip_ahead(self) -> float | None:
        """What a frame limits the gradient to by which the weights look a step ahead."""
        found: float | None = getattr(self.frame, "clip_ahead", None)
        return found

    def _learned(self) -> list[Tensor]:
        return [parameter for parameter in self.parameters() if parameter.requires_grad]

    def pretrain(
        self, epochs: int = 10, *, progress: Callable[[EpochRecord], None] | None = None, **options: Any
    ) -> Supernet:
        """Train weights and alpha together; return self. The options are those of :meth:`pretraining`."""
        for record in self.pretraining(epochs, **options):
            if progress is not None:
                progress(record)
        return self

    def pretraining(self, epochs: int = 10, **options: Any) -> Pretraining:
        """Return the pretraining as an iterator over its epochs, see :class:`Pretraining`.

        :param options: ``seed`` and ``stop`` of :class:`Pretraining`, and values of
            :class:`PretrainSettings` by name; ``method="paths"`` makes it a :class:`PathTraining`.
        :raises ValueError: for unknown names and impossible values, before anything is trained.
        """
        own = {name: options.pop(name) for name in ("seed", "stop") if name in options}
        settings = checked(PretrainSettings, {"epochs": epochs, **options})
        return make_pretraining(self, settings, **own)


def _check_fit(space: SearchSpace, data: Splits) -> None:
    if tuple(data.image_shape) != tuple(space.image_shape):
        raise ValueError(
            f"the images of {data.name!r} have shape {tuple(data.image_shape)}, the space {space!r} takes "
            f"{space.image_shape}; load the data with another size or channels, or set them in the space"
        )
    if data.outputs != space.classes:
        raise ValueError(
            f"{data.name!r} has {data.outputs} classes or outputs, the space {space!r} has {space.classes}; "
            f"make the space with classes={data.outputs}"
        )
