"""The phases of a search run, in their order."""

from __future__ import annotations

from ..spaces import load_architecture
from .phase import Context, Phase
from .pretrain_phase import PretrainPhase
from .retrain_phase import RetrainPhase
from .search_phase import SearchPhase

#: What the checkpoint of a run says that has nothing left to do.
FINISHED = "finished"
NAMES = (PretrainPhase.name, SearchPhase.name, RetrainPhase.name)


def make_phase(number: int, context: Context) -> Phase:
    """Make a phase; the ones before it have finished."""
    if number == 0:
        return PretrainPhase(context)
    if number == 1:
        return SearchPhase(context)
    _, best = load_architecture(context.folder / "architecture.json")
    return RetrainPhase(context, best)
