"""What surrounds a run: versions and threads that decide the last bits, warnings."""

from __future__ import annotations

import os
import platform
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import torch

from .. import __version__
from ..files import Json
from .settings import Config

if TYPE_CHECKING:
    from .progress import Reporter

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "deap", "scikit-learn")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that a result depends on."""
    installed = {package: _version(package) for package in PACKAGES}
    found = {"python": platform.python_version(), "tdgnas": __version__}
    return found | {package: one for package, one in installed.items() if one is not None}


@cache
def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def environment(device: torch.device) -> Json:
    """Versions, and what else decides the order in which numbers are added."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return {**versions(), "threads": torch.get_num_threads(), "device": f"{device.type} ({name})"}


def changes(before: Json, now: Json) -> list[str]:
    """What has changed, in words."""
    return [
        f"{key} changed from {before[key]} to {now.get(key)}" for key in before if before[key] != now.get(key)
    ]


@contextmanager
def same_bits(config: Config, device: torch.device) -> Iterator[None]:
    """On CUDA, use only algorithms that give the same bits each time, unless the configuration says otherwise."""
    if device.type != "cuda" or not config.deterministic:
        yield
        return
    # cuBLAS reads this when it is first used.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    enabled = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark = torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warn_only)
        torch.backends.cudnn.benchmark = benchmark


@contextmanager
def quiet_warnings(reporter: Reporter) -> Iterator[None]:
    """Let the reporter say warnings, where they do not tear a display."""

    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        reporter.say(f"warning: {message}")

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield
