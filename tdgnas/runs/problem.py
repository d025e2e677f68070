"""A problem made ready for a search: what is searched, how it is scored, and what a strategy may ask of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from deap import base

from ..budget import Budget
from ..decision import Decisions
from ..files import Json, State
from ..registry import Registry
from ..settings import Section
from ..spaces import Architecture, SearchSpace
from ..tasks import CLASSIFICATION, Task
from .errors import ConfigError
from .growth import Growth
from .settings import Config

if TYPE_CHECKING:
    from ..data import Splits
    from ..supernet import Supernet


class Problem(ABC):
    """What the fitness of one kind makes of a configuration.

    :cvar Settings: the section ``[fitness]`` of this kind; its ``kind`` is the registered name.
    :cvar unused: sections of the configuration that mean nothing here.
    :cvar units: what a budget can be counted in.
    :cvar gradients: whether strategies can ask it for gradients of alpha.
    :cvar trains: whether it trains the networks from scratch, with the experiment's seed.
    :cvar whole: whether a generation is evaluated in one call.
    :ivar space: what is searched.
    :ivar evaluate: the fitness; it has the ledger ``budget``.
    :ivar fitness: class of the individuals' fitness, of one value.
    :ivar growth: the schedule of depth, where there is one; called with the individuals that are to be evaluated.
    :ivar folder: that of the run, where there is one.
    :ivar worst: fitness value of an individual that cannot be evaluated.
    """

    Settings: ClassVar[type[Section]]
    unused: ClassVar[tuple[str, ...]] = ()
    units: ClassVar[tuple[str, ...]] = ("generations", "evaluations", "passes")
    whole: ClassVar[bool] = False
    gradients: ClassVar[bool] = False
    trains: ClassVar[bool] = False

    space: SearchSpace
    evaluate: Any
    fitness: type[base.Fitness]
    worst: float = 0.0
    task: Task = CLASSIFICATION
    data: Splits | None = None
    supernet: Supernet | None = None
    folder: Path | None = None
    growth: Growth | None = None

    @abstractmethod
    def __init__(self, config: Config) -> None:
        """Make it ready.

        :raises ConfigError: when that cannot be done; nothing has been trained then.
        """

    @classmethod
    def reads(cls, config: Config) -> str:
        """Digest of what results depend on beside the configuration, such as a file that may be exchanged."""
        return ""

    @classmethod
    def has_fidelity(cls, config: Config) -> bool:
        """Whether an individual can be evaluated with less effort, by its ``fidelity``."""
        return False

    @classmethod
    def made(cls, config: Config) -> Problem:
        """Make the problem of a configuration.

        :raises ConfigError: when that cannot be done; nothing has been trained then.
        """
        problem = FITNESSES.get(config.fitness.kind)(config)
        if config.space.grow is not None:
            try:
                problem.growth = Growth(problem.decisions, config.space.grow, problem.budget)
            except ValueError as error:
                raise ConfigError(f"space.grow: {error}") from error
        return problem

    @property
    def budget(self) -> Budget:
        """The ledger that everybody pays into."""
        budget: Budget = self.evaluate.budget
        return budget

    @property
    def decisions(self) -> Decisions:
        """What is searched, with the choices that matter to this fitness."""
        if self.growth is not None:
            return self.growth.decisions
        found: Decisions = getattr(self.evaluate, "decisions", self.space.decisions)
        return found

    def decode(self, individual: Sequence[float]) -> Architecture:
        """Return the architecture that the fitness scores for an individual."""
        found: Architecture = getattr(self.evaluate, "decode", self.space.decode)(individual)
        return found

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return torch.device("cpu")

    @property
    def offers(self) -> Mapping[str, Callable[[], Any]]:
        """What a strategy may ask for by the name of a parameter, see :data:`tdgnas.strategies.PROVIDED`.

        By default what the space has of them: ``encode``, its ``path_encoding`` of choices; ``grammar``; and ``start``,
        the genes of its architecture of this name.
        """
        space = self.space
        found = {"encode": "path_encoding", "grammar": "grammar", "start": "start"}
        offered: dict[str, Callable[[], Any]] = {
            name: partial(getattr, space, own) for name, own in found.items() if hasattr(space, own)
        }
        if "start" in offered:
            offered["start"] = lambda: space.encode(space.start)  # type: ignore[attr-defined]
        return offered

    def final(self, architecture: Architecture) -> dict[str, float]:
        """Measure an architecture that a search has chosen; it costs nothing, and no search sees it."""
        return {}

    def measured(self, architectures: Sequence[Architecture]) -> list[Json]:
        """Return further numbers of architectures that were just evaluated, at no cost."""
        return [{} for _ in architectures]

    def beside(self, architecture: Architecture) -> dict[str, float]:
        """Return what is shown beside the fitness of an architecture that was just evaluated, at no cost."""
        return {}

    @property
    def learned(self) -> bool:
        """Whether weights have changed since :meth:`begin`."""
        return False

    def begin(self) -> None:
        """Take the present state as the one that the search begins with."""
        return None

    def keep_in(self, folder: Path) -> None:
        """Keep what is dear to compute in a run's folder, and take what is there as computed."""
        return None

    def keep_winner(self, architecture: Architecture) -> list[Path]:
        """Write what the search has trained of its winner into the run's folder; return the files."""
        return []

    def release(self) -> None:
        """Give back memory that only the search needed."""
        return None

    def state_dict(self) -> State:
        """What changes here during a search, beside the fitness."""
        return {}

    def load_state_dict(self, state: State) -> None:
        """Go on where :meth:`state_dict` was taken."""
        return None


def _check(kind: type[Problem]) -> None:
    if not (isinstance(kind, type) and issubclass(kind, Problem) and hasattr(kind, "Settings")):
        raise TypeError(f"a fitness is a subclass of tdgnas.runs.Problem with its Settings; got {kind!r}")


FITNESSES: Registry[type[Problem]] = Registry("fitness", "tdgnas.fitnesses", _check)
"""How individuals are scored, by name; ``@FITNESSES.register("mine")`` adds one, as does an entry point
``tdgnas.fitnesses``."""
