"""Progressive pruning of a supernet: train, take away what is weakest, train what is left.

The idea of Chen et al. 2019, *Progressive Differentiable Architecture Search* (P-DARTS), without its growing depth.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from ..decision import Genes
from ..spaces.edges import Mask

if TYPE_CHECKING:
    from .supernet import Supernet

#: What a pruned gene becomes: a softmax gives it exactly no weight.
PRUNED = -1e4


def train_what_is_left(supernet: Supernet, epochs: int = 1, **options: Any) -> Callable[[Mask], Genes]:
    """Return a ``refresh`` for :func:`tdgnas.spaces.progressive`: it trains the operations that are left.

    Pruned genes of the supernet's alpha are set to :data:`PRUNED`, so that their operations have no weight and no
    gradient; the supernet is changed in place.

    :param epochs: of pretraining after each round.
    :param options: of :class:`Pretraining`; the seed is raised by one each round.
    """
    rounds = 0

    def refresh(alive: Mask) -> Genes:
        nonlocal rounds
        gone = torch.as_tensor(~alive, device=supernet.alpha.device)
        supernet.alpha.masked_fill_(gone, PRUNED)
        supernet.pretrain(epochs, **{**options, "seed": options.get("seed", 0) + rounds})
        supernet.alpha.masked_fill_(gone, PRUNED)
        rounds += 1
        return supernet.relaxed_weights()

    return refresh
