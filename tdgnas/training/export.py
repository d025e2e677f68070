"""A trained network in a form that other programs run, checked against the network itself."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from ..files.atomic import write_atomic

ExportFormat = Literal["torch", "onnx"]
EXPORTS: tuple[str, ...] = get_args(ExportFormat)
_ONNX = ("onnx", "onnxscript", "onnxruntime")
_NAMES = ["images", "state"]
Tensors = tuple[Tensor, ...]


class ExportDisagrees(RuntimeError):
    """The exported network computes something else than the network it was made of."""


def export_network(
    network: nn.Module,
    image_shape: tuple[int, ...],
    path: str | Path,
    format: ExportFormat = "torch",
    *,
    tolerance: float = 1e-4,
    batch: int = 3,
    examples: tuple[Tensor, ...] | None = None,
) -> float:
    """Write a network's evaluation mode with any number of images per batch, and check what was written.

    The file is read again and run beside the network on random images, in a batch of another size than it was traced
    with. A file that disagrees is not kept. The network itself is not changed.

    :param network: returns logits (batch, classes) in evaluation mode.
    :param image_shape: channels, height, width.
    :param path: the file; usually ``.pt2`` for ``torch`` (torch.export) and ``.onnx`` for ``onnx``.
    :param format: ``torch``, or ``onnx`` (needs the extra packages onnx, onnxscript and onnxruntime).
    :param tolerance: largest difference of the outputs, in units of the largest output.
    :param batch: images in the check.
    :param examples: what the network takes, two of each, where that is no image; it may then return several tensors.
    :returns: the largest difference found, in the same unit.
    :raises ValueError: for an unknown format or impossible sizes.
    :raises ImportError: for ``onnx`` without its packages.
    :raises ExportDisagrees: when the outputs differ by more than the tolerance.
    """
    _check(image_shape, format, batch)
    module = deepcopy(network).to("cpu").eval()
    generator = torch.Generator().manual_seed(0)
    if examples is None:
        example: Tensors = (torch.randn(2, *image_shape, generator=generator),)
        inputs: Tensors = (torch.randn(batch, *image_shape, generator=generator),)
    else:
        example, inputs = examples, tuple(torch.cat([each, each[:1]]) for each in examples)
    with torch.no_grad():
        expected = module(*inputs)
    if examples is None and not isinstance(expected, Tensor):
        raise ValueError(
            "the network returns something else than logits in evaluation mode; it cannot be exported"
        )
    found: list[float] = []

    def write(temporary: Path) -> None:
        run = _write_torch if format == "torch" else _write_onnx
        pairs = zip(_several(run(module, example, inputs, temporary)), _several(expected), strict=True)
        found.append(
            max(float((own - one).abs().max() / one.abs().max().clamp_min(1e-12)) for own, one in pairs)
        )
        if not found[0] <= tolerance:
            raise ExportDisagrees(
                f"the exported network differs by {found[0]:.1e} of the largest output (at most {tolerance:.1e} is "
                f"allowed); {path} was not written"
            )

    write_atomic(Path(path), write)
    return found[0]


def _check(image_shape: tuple[int, ...], format: str, batch: int) -> None:
    if format not in EXPORTS:
        raise ValueError(f"format is {format!r}; it must be one of {', '.join(EXPORTS)}")
    if not image_shape or min(image_shape) < 1 or batch < 1:
        raise ValueError(
            f"image_shape is {image_shape} and batch {batch}; expected such as (channels, height, width), 1 input"
        )
    missing = [name for name in _ONNX if importlib.util.find_spec(name) is None]
    if format == "onnx" and missing:
        raise ImportError(
            f"exporting to ONNX needs {', '.join(missing)}: pip install 'tdgnas[onnx]', or {' '.join(missing)}"
        )


def _several(outputs: Tensor | Sequence[Tensor]) -> Sequence[Tensor]:
    return (outputs,) if isinstance(outputs, Tensor) else outputs


def _write_torch(module: nn.Module, example: Tensors, inputs: Tensors, path: Path) -> Tensor | Tensors:
    batch = torch.export.Dim("batch", min=1)
    shapes = tuple({0: batch} for _ in example)
    torch.export.save(torch.export.export(module, example, dynamic_shapes=shapes), path)
    with torch.no_grad():
        output: Tensor | Tensors = torch.export.load(path).module()(*inputs)
    return output


def _write_onnx(module: nn.Module, example: Tensors, inputs: Tensors, path: Path) -> Tensors:
    runtime: Any = importlib.import_module("onnxruntime")
    torch.onnx.export(
        module,
        example,
        str(path),
        input_names=_NAMES[: len(example)],
        dynamic_shapes=tuple({0: torch.export.Dim("batch", min=1)} for _ in example),
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    given = {name: each.numpy() for name, each in zip(_NAMES, inputs, strict=False)}
    return tuple(torch.from_numpy(each) for each in session.run(None, given))
