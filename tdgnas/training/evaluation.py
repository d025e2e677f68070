"""Loss and accuracy of one network on labelled images."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..data import ImageData

__all__ = ["evaluate", "logits_of"]


def evaluate(
    network: nn.Module, data: ImageData, batch_size: int = 500, amp: bool = False
) -> tuple[float, float]:
    """Mean cross-entropy (nats) and accuracy (0..1) of ``network`` on ``data``, in evaluation mode.

    Every module's training or evaluation mode is afterwards what it was; no weight and no buffer changes.

    :param network: returns logits ``(N, classes)``, or a tuple that begins with them.
    :param data: the images, in their order; moved to the network's device batch by batch.
    :param batch_size: images per forward pass.
    :param amp: bfloat16 autocast, on CUDA only.
    :raises ValueError: when there are no images, or the network returns something else.
    """
    if len(data) == 0 or batch_size < 1:
        raise ValueError(f"{len(data)} images in batches of {batch_size}; both must be at least 1")
    device = next((tensor.device for tensor in network.parameters()), data.device)
    total = torch.zeros(2, dtype=torch.float64, device=device)
    with _evaluation_mode(network), torch.no_grad():
        for start in range(0, len(data), batch_size):
            images, labels = data.batch(slice(start, start + batch_size))
            labels = labels.to(device)
            with torch.autocast(device.type, torch.bfloat16, enabled=amp and device.type == "cuda"):
                logits, _ = logits_of(network(images.to(device)), labels)
            loss = functional.cross_entropy(logits.double(), labels, reduction="sum")
            correct = (logits.argmax(1) == labels).sum()
            total += torch.stack([loss, correct.double()])
    loss_sum, correct_sum = total.tolist()
    return loss_sum / len(data), correct_sum / len(data)


def logits_of(output: object, labels: Tensor) -> tuple[Tensor, Tensor | None]:
    """A network's output as float32 logits and auxiliary logits (None without them).

    :raises ValueError: when the logits are no ``(N, classes)`` tensor.
    """
    logits, auxiliary, *_ = (*output, None, None) if isinstance(output, tuple) else (output, None)
    if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != len(labels):
        shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise ValueError(
            f"the network returned {shape} for {len(labels)} images; expected ({len(labels)}, classes)"
        )
    return logits.float(), auxiliary.float() if isinstance(auxiliary, Tensor) else None


@contextmanager
def _evaluation_mode(network: nn.Module) -> Iterator[None]:
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
