"""Evolutionary neural architecture search with DEAP: thermodynamical selection, DARTS local search, one supernet.

Names are imported when first used, so that ``import tdgnas`` and ``import tdgnas.operators`` need no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_MODULES = (
    "algorithms",
    "data",
    "distributed",
    "fitness",
    "operators",
    "pictures",
    "spaces",
    "strategies",
    "supernet",
    "tasks",
    "training",
)
_NAMES = {
    "AccuracyFitness": "individual",
    "fitness_of": "individual",
    "Budget": "budget",
    "Individual": "individual",
    "LossFitness": "individual",
    "WorkerMap": "processes",
    "batch_map": "mapping",
    "seed_everything": "seeding",
    "Architecture": "spaces",
    "Decision": "spaces",
    "SearchSpace": "spaces",
    "Supernet": "supernet",
    "SupernetFitness": "fitness",
    "channels": "choices",
    "choice": "choices",
    "evolve": "algorithms",
    "gate": "choices",
    "inputs": "choices",
    "kernel": "choices",
    "repeat": "choices",
}
__all__ = ["__version__", *_MODULES, *_NAMES]

if TYPE_CHECKING:
    from . import (
        algorithms,
        data,
        distributed,
        fitness,
        operators,
        pictures,
        spaces,
        strategies,
        supernet,
        tasks,
        training,
    )
    from .algorithms import evolve
    from .budget import Budget
    from .choices import channels, choice, gate, inputs, kernel, repeat
    from .fitness import SupernetFitness
    from .individual import AccuracyFitness, Individual, LossFitness, fitness_of
    from .mapping import batch_map
    from .processes import WorkerMap
    from .seeding import seed_everything
    from .spaces import Architecture, Decision, SearchSpace
    from .supernet import Supernet


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name in _NAMES:
        return getattr(import_module(f"{__name__}.{_NAMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
