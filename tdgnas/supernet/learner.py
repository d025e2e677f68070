"""What the training of a supernet asks of it; the supernet itself knows its training, not the other way round."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ..budget import Budget
from ..spaces import Architecture, SearchSpace
from ..tasks import Task
from .paths import SampledPath

if TYPE_CHECKING:
    from ..data import Splits


class Learner(Protocol):
    """A :class:`Supernet`, as far as its training reads it."""

    space: SearchSpace
    data: Splits | None
    task: Task
    budget: Budget
    ops: nn.ModuleDict
    alpha: Tensor
    device: torch.device

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]:
        """Weights that are shared."""
        ...

    def learning(self) -> AbstractContextManager[None]:
        """Training mode inside a ``with`` block."""
        ...

    def frozen(self) -> AbstractContextManager[None]:
        """Evaluation mode inside a ``with`` block."""
        ...

    def mixed(self, images: Tensor, genes: Tensor, path: SampledPath | None = None) -> Tensor:
        """Outputs of the relaxed network of one alpha-vector."""
        ...

    def discrete(self, images: Tensor, architecture: Architecture) -> Tensor:
        """Outputs of one architecture."""
        ...

    def relaxed_weights(self) -> npt.NDArray[np.float64]:
        """Relaxed weights of the supernet's own alpha."""
        ...

    def bilevel_gradient(
        self,
        alpha: Tensor,
        train: tuple[Tensor, Tensor],
        valid: tuple[Tensor, Tensor],
        *,
        xi: float = 0.0,
        optimiser: torch.optim.Optimizer | None = None,
        path: SampledPath | None = None,
    ) -> Tensor:
        """Gradient of the validation loss with respect to one alpha."""
        ...
