"""The phases of an experiment, in their order."""

from __future__ import annotations

from ..spaces import load_architecture
from .final_phase import FinalPhase
from .phase import Context, Phase
from .pretrain_phase import PretrainPhase
from .retrain_phase import RetrainPhase
from .search_phase import SearchPhase

#: What the checkpoint of a run says that has nothing left to do.
FINISHED = "finished"
#: All phases that there are; those of a problem see :func:`phase_names`.
NAMES = (PretrainPhase.name, SearchPhase.name, RetrainPhase.name, FinalPhase.name)


def phase_names(unused: tuple[str, ...]) -> tuple[str, ...]:
    """The phases of a problem that has no use for these sections of the configuration.

    >>> phase_names(("pretrain", "retrain"))
    ('search', 'final')
    """
    first = () if "pretrain" in unused else (PretrainPhase.name,)
    last = FinalPhase.name if "retrain" in unused else RetrainPhase.name
    return (*first, SearchPhase.name, last)


def make_phase(name: str, context: Context) -> Phase:
    """Make a phase; the ones before it have finished."""
    if name == PretrainPhase.name:
        return PretrainPhase(context)
    if name == SearchPhase.name:
        return SearchPhase(context)
    _, best = load_architecture(context.folder / "architecture.json")
    return FinalPhase(context, best) if name == FinalPhase.name else RetrainPhase(context, best)
