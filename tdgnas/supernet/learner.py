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
from .bilevel import Batch
from .paths import SampledPath

if TYPE_CHECKING:
    from ..data import Splits


class Learner(Protocol):
    """A :class:`Supernet`, as far as its training reads it; what each method does is said there."""

    space: SearchSpace
    data: Splits | None
    task: Task
    budget: Budget
    ops: nn.ModuleDict
    alpha: Tensor
    device: torch.device

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]: ...

    def learning(self) -> AbstractContextManager[None]: ...

    def frozen(self) -> AbstractContextManager[None]: ...

    def mixed(self, images: Tensor, genes: Tensor, path: SampledPath | None = None) -> Tensor: ...

    def discrete(self, images: Tensor, architecture: Architecture) -> Tensor: ...

    def relaxed_weights(self) -> npt.NDArray[np.float64]: ...

    def bilevel_gradient(
        self,
        alpha: Tensor,
        train: Batch,
        valid: Batch,
        *,
        xi: float = 0.0,
        optimiser: torch.optim.Optimizer | None = None,
        path: SampledPath | None = None,
    ) -> Tensor: ...
