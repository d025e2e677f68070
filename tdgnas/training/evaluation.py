"""What a task measures of one network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..data import Data
from ..descent import in_mode
from ..devices import Precision, autocast
from ..parallel import working
from ..tasks import check_targets


def evaluate(
    network: nn.Module, data: Data, batch_size: int = 500, precision: Precision = "float32"
) -> dict[str, float]:
    """Loss and measures of ``network`` on ``data``, by name as its task has them, in evaluation mode.

    Processes that work together take a share of the images each.

    Every module's training or evaluation mode is afterwards what it was; no weight and no buffer changes.

    :param network: returns ``(N, outputs)``, or a tuple that begins with that.
    :param data: the images, in their order; moved to the network's device batch by batch.
    :param batch_size: images per forward pass.
    :param precision: of what torch's autocast takes for safe.
    :raises ValueError: when there are no images, targets do not fit the network, or it returns something else.
    """
    if len(data) == 0 or batch_size < 1:
        raise ValueError(f"{len(data)} images in batches of {batch_size}; both must be at least 1")
    device = next((tensor.device for tensor in network.parameters()), data.device)
    task = data.task
    total = torch.zeros(len(task.names), dtype=torch.float64, device=device)
    count = torch.zeros((), dtype=torch.float64, device=device)
    with in_mode(network, False), torch.no_grad():
        for images, targets in data.in_order(batch_size, working().share(len(data))):
            targets = targets.to(device)
            with autocast(device, precision):
                outputs, _ = outputs_of(network(images.to(device)), targets)
            if not count:
                check_targets(data.labels, outputs.shape[1], "the data")
            total += task.sums(outputs.double(), targets)
            count += len(targets)
    return task.means(working().sum(total).tolist(), int(working().sum(count)))


def outputs_of(given: object, targets: Tensor) -> tuple[Tensor, Tensor | None]:
    """What a network returns as float32 outputs and auxiliary outputs (None without them).

    :raises ValueError: when the outputs are no ``(N, outputs)`` tensor.
    """
    outputs, auxiliary, *_ = (*given, None, None) if isinstance(given, tuple) else (given, None)
    if not isinstance(outputs, Tensor) or outputs.ndim != 2 or len(outputs) != len(targets):
        shape = tuple(outputs.shape) if isinstance(outputs, Tensor) else type(outputs).__name__
        raise ValueError(
            f"the network returned {shape} for {len(targets)} images; expected ({len(targets)}, outputs)"
        )
    return outputs.float(), auxiliary.float() if isinstance(auxiliary, Tensor) else None
