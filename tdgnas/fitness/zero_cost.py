"""Scores of networks that nobody has trained: a look at their fresh weights, or at their size."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import torch
from deap import base
from torch import Tensor, nn

from ..budget import Budget
from ..devices import own_noise, pick_device
from ..graphs.ops import make
from ..individual import AccuracyFitness
from ..spaces import Architecture, SearchSpace

if TYPE_CHECKING:
    from ..data import Splits

WORST = -1e6
"""The score of a network whose own is not finite."""


def naswot(network: nn.Module, images: Tensor) -> float:
    """Return log |det K|, K[i, j] the number of ReLUs that are equally on or off for images i and j.

    Mellor, Turner, Storkey, Crowley 2021, *Neural Architecture Search without Training*, eq. 2. -inf for images that a
    network cannot tell apart.

    :param network: with ``nn.ReLU`` layers.
    :raises ValueError: when it has none.
    """
    agreement = torch.zeros(len(images), len(images), dtype=torch.float64, device=images.device)
    seen = 0

    def count(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        nonlocal seen
        on = (inputs[0].flatten(1) > 0).float()
        agreement.add_((on @ on.T + (1 - on) @ (1 - on).T).double())
        seen += 1

    with ExitStack() as hooks, torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.ReLU):
                hooks.callback(layer.register_forward_pre_hook(count).remove)
        network(images)
    if not seen:
        raise ValueError(
            "naswot looks at nn.ReLU layers, and the network has none; take synflow, or its parameters"
        )
    return float(torch.linalg.slogdet(agreement).logabsdet)


def synflow(network: nn.Module, images: Tensor) -> float:
    """Return the logarithm of sum |w * dR/dw|, R the sum of outputs for an image of ones when all weights are positive.

    Tanaka, Kunin, Yamins, Ganguli 2020, *Pruning neural networks without any data by iteratively conserving synaptic
    flow*, eq. 1; as a score of networks Abdelfattah et al. 2021. BatchNorm does not normalise. The network's weights
    are changed.

    :param images: their shape matters, not what they show.
    """
    network = network.double().eval()
    with torch.no_grad():
        for tensor in (*network.parameters(), *network.buffers()):
            tensor.abs_()
    network.zero_grad()
    total: Tensor = network(torch.ones_like(images[:1], dtype=torch.float64)).sum()
    total.backward()  # type: ignore[no-untyped-call]
    flows = [(p * p.grad).abs().sum().item() for p in network.parameters() if p.grad is not None]
    return math.log(max(sum(flows), 1e-300))


def jacobian(network: nn.Module, images: Tensor) -> float:
    """Return -sum(log(v + k) + 1 / (v + k)), v the eigenvalues of the correlations of the images' gradients, k = 1e-5.

    -inf where an image has the same gradient everywhere, such as none.

    Mellor et al. 2020 (the first version of the paper), section 3; *jacobian covariance* in Abdelfattah et al. 2021.
    """
    images = images.clone().requires_grad_()
    total: Tensor = network(images).sum()
    (gradients,) = torch.autograd.grad(total, images, materialize_grads=True)
    correlations = torch.corrcoef(gradients.flatten(1).double())
    if not correlations.isfinite().all():
        return -math.inf
    values = torch.linalg.eigvalsh(correlations).clamp(min=0)
    return -float((torch.log(values + 1e-5) + 1 / (values + 1e-5)).sum())


#: What is computed of a fresh network and a batch of images, and the passes that an image costs.
SCORES: dict[str, tuple[Callable[[nn.Module, Tensor], float], int]] = {
    "naswot": (naswot, 1), "synflow": (synflow, 3), "jacobian": (jacobian, 3),
}  # fmt: skip
SIZES = ("parameters", "macs")


def _has_relu(network: nn.Module) -> bool:
    return any(isinstance(layer, nn.ReLU) for layer in network.modules())


class ZeroCostFitness:
    """A score of the architecture's own network with fresh weights, larger is better; nothing is trained.

    Every network's weights are drawn by the same seed. Values are remembered by canonical architecture. A network whose
    score is not finite, or has no ReLU where ``naswot`` is asked and others have some, gets the worst value.

    :param space: what is searched.
    :param data: of whose training images some are shown, without their targets.
    :param score: ``naswot``, ``synflow``, ``jacobian``, or ``parameters`` and ``macs``, which look at no image.
    :param images: how many images are shown.
    :param seed: of the weights.
    :param device: where to compute; CUDA where there is one, else the CPU.
    :raises ValueError: for an unknown score.
    """

    def __init__(
        self,
        space: SearchSpace,
        data: Splits,
        *,
        score: str = "naswot",
        images: int = 32,
        seed: int = 0,
        device: str | torch.device | None = None,
    ) -> None:
        if score not in (*SCORES, *SIZES):
            raise ValueError(f"there is no score {score!r}; there are {', '.join((*SCORES, *SIZES))}")
        self.space, self.score, self.seed = space, score, seed
        self.device = pick_device(device)
        self.images = data.train.batch(slice(0, images))[0].to(self.device)
        self.budget = Budget()
        self.worst = WORST
        self._known: dict[tuple[int, ...], float] = {}
        ops = space.graph.ops.values() if score == "naswot" and space.shares_weights else ()
        with own_noise(seed):
            self._rectifies = any(_has_relu(make(op)) for op in ops)

    @property
    def fitness_type(self) -> type[base.Fitness]:
        """The class that the individuals' fitness has to have."""
        return AccuracyFitness

    def __call__(self, individual: Sequence[float]) -> tuple[float, ...]:
        """Return the fitness of one individual."""
        self.budget.requests += 1
        choices = self.space.decisions.canonical(self.space.decode(individual).choices)
        if choices not in self._known:
            self._known[choices] = self.value(self.space.architecture(choices))
        return (self._known[choices],)

    @property
    def passes(self) -> int:
        """Image passes of one score."""
        if self.score in SIZES:
            return 0
        return SCORES[self.score][1] * (1 if self.score == "synflow" else len(self.images))

    def value(self, architecture: Architecture) -> float:
        """Return the score of an architecture, computed anew."""
        self.budget.count(1, self.passes)
        if self.score in SIZES:
            return float(getattr(self.space, self.score)(architecture))
        compute, _ = SCORES[self.score]
        with own_noise(self.seed):
            network = self.space.network(architecture).to(self.device).train()
            blank = self._rectifies and not _has_relu(
                network
            )  # others have some, this one is told apart from none
            found = -math.inf if blank else compute(network, self.images)
        return found if math.isfinite(found) else WORST

    def state_dict(self) -> dict[str, Any]:
        """The ledger, and the values that are known."""
        known = [[list(choices), value] for choices, value in self._known.items()]
        return {"budget": self.budget.state_dict(), "known": known}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self.budget.load_state_dict(state["budget"])
        self._known = {tuple(choices): value for choices, value in state["known"]}
