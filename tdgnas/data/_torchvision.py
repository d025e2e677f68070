"""Import torchvision, also beside a torch build that its compiled part was not made for."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

MISSING = "operator torchvision::"
SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
_declared: list[Any] = []  # the library object must live on: its schemas vanish with it


def import_torchvision() -> ModuleType:
    """torchvision with its data sets, transforms and models.

    A CUDA build of torchvision beside a CPU build of torch cannot load its compiled operators, and then
    refuses to be imported because two of them have no schema. Declaring these is enough for all that is used
    here; the box operators themselves stay unusable. A matching pair of builds is imported as it is.

    :raises ImportError: when torchvision is not installed, or cannot be imported for another reason.
    """
    if "torchvision" not in sys.modules:
        _forget_leftovers()
    try:
        return import_module("torchvision")
    except ModuleNotFoundError as error:
        raise ImportError(
            "torchvision is needed for this data set or these weights and is not installed; "
            "install it with: pip install torchvision"
        ) from error
    except RuntimeError as error:
        if MISSING not in str(error):
            raise ImportError(f"torchvision is installed but cannot be imported: {error}") from error
    _forget_leftovers()
    _declare()
    try:
        return import_module("torchvision")
    except RuntimeError as error:
        raise ImportError(
            f"torchvision is installed but does not fit this torch: {error}. "
            "Install the pair of versions that belong together"
        ) from error


def _forget_leftovers() -> None:
    """Drop modules left by a failed import; they are never attached to the package imported next."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        if sys.modules[name] is not None:
            del sys.modules[name]


def _declare() -> None:
    import torch

    library: Any = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name, schema in SCHEMAS.items():
        if not hasattr(torch.ops.torchvision, name):
            library.define(schema)
    _declared.append(library)
