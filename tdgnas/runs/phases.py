"""The phases of an experiment, in their order."""

from __future__ import annotations

from ..files import Json, State
from ..files.atomic import write_json
from ..spaces import Architecture, load_architecture
from .phase import Context, Phase, result_row
from .pretrain_phase import PretrainPhase
from .retrain_phase import RetrainPhase
from .search_phase import SearchPhase
from .settings import Config
from .shortlist_phase import ShortlistPhase


class FinalPhase:
    """Last phase where nothing is retrained: what the problem itself says of the winner."""

    name = "final"
    total = 1

    def __init__(self, context: Context, best: Architecture) -> None:
        self.context, self.best = context, best
        self.done = 0

    def step(self) -> Json:
        """Look the winner up."""
        self.done = 1
        return dict(self.context.problem.final(self.best))

    def finish(self) -> None:
        """Write the result table: one row."""
        config, problem = self.context.config, self.context.problem
        row = result_row(problem.space, self.best, config.strategy.name, config.seed)
        result = {**row, **problem.final(self.best)}
        self.context.keep(write_json(self.context.folder / "results.json", [result]))

    def state_dict(self) -> State:
        """Nothing but whether it is done."""
        return {"done": self.done}

    def load_state_dict(self, state: State) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self.done = state["done"]


#: What the checkpoint of a run says that has nothing left to do.
FINISHED = "finished"


#: Phases that train networks: processes that have joined (see :mod:`tdgnas.parallel`) do them together.
TOGETHER = frozenset({PretrainPhase.name, ShortlistPhase.name, RetrainPhase.name})


def phase_names(config: Config) -> tuple[str, ...]:
    """The phases of an experiment; sections that mean nothing to its problem are None."""
    first = () if config.pretrain is None else (PretrainPhase.name,)
    short = (ShortlistPhase.name,) if config.shortlist is not None and config.shortlist.k else ()
    last = FinalPhase.name if config.retrain is None else RetrainPhase.name
    return (*first, SearchPhase.name, *short, last)


def make_phase(name: str, context: Context) -> Phase:
    """Make a phase; the ones before it have finished."""
    if name == PretrainPhase.name:
        return PretrainPhase(context)
    if name == SearchPhase.name:
        return SearchPhase(context)
    _, best = load_architecture(context.folder / "architecture.json")
    if name == ShortlistPhase.name:
        return ShortlistPhase(context, best)
    return FinalPhase(context, best) if name == FinalPhase.name else RetrainPhase(context, best)
