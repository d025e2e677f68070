"""What a strategy is: DEAP's ``generate`` and ``update``, and a state that can be saved."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from copy import deepcopy
from operator import attrgetter
from typing import Any, ClassVar

from ..individual import Individual, IndividualLike, merit
from ..registry import Registry
from ..seeding import own_state, set_own_state
from .options import check_settings
from .unseen import Unseen

__all__ = ["STRATEGIES", "Strategy", "pack"]


class Strategy(ABC):
    """A search as DEAP's ``algorithms.eaGenerateUpdate`` and our ``evolve`` run it.

    ``generate`` returns the individuals whose fitness the strategy wants next, ``update`` takes them back evaluated.
    Authors write :meth:`_generate` and :meth:`_update`; the bookkeeping (best so far, generation count, the state that
    is saved) is here.

    :ivar generation: updates so far.
    :ivar population: the individuals that the strategy holds now.
    :ivar best: a copy of the best individual ever evaluated, of those of the highest fidelity; None before the first
        update.
    """

    #: How many fitness values an individual has to be given, at least.
    objectives: ClassVar[int] = 1
    #: Whether it takes more of them as well.
    several: ClassVar[bool] = False
    #: Whether it cannot do without gradients of alpha, a keyword ``source``.
    needs_gradients: ClassVar[bool] = False
    #: Whether it evaluates with less effort too, by an individual's ``fidelity``, and so needs a fitness that can.
    needs_fidelity: ClassVar[bool] = False
    #: Whether it goes on while individuals are out: it may be asked for more (and return none) before all have come
    #: back, and takes any part of them back, in any order.
    asynchronous: ClassVar[bool] = False
    #: Which individual a search settles on: the ``best`` evaluated, the ``last``, or the best of the ``present`` ones.
    recommends: str = "best"
    #: What :meth:`record` tells beside a temperature: columns of an experiment's history.
    records: ClassVar[tuple[str, ...]] = ()
    #: Further attributes that the next generation depends on, ``owner.attribute`` for those of an object: the state.
    keeps: ClassVar[tuple[str, ...]] = ()
    #: Source of all draws, Python's :mod:`random` or a generator of its own.
    rng: Any = random
    #: What was asked for, saved with the state, where nothing is asked for twice; None where that may be.
    unseen: Unseen | None = None
    #: Names its own stream of random numbers, drawn from an experiment's seed; the seed's own stream where empty.
    stream: ClassVar[str] = "search"

    def __new__(cls, *arguments: Any, **keywords: Any) -> Any:
        """Check the keywords by the annotations of the constructor, before it runs.

        :raises ValueError: for a setting that is out of range or of another kind.
        """
        check_settings(cls, keywords)
        return super().__new__(cls)

    def __init__(self, clone: Callable[[Any], Any] | None = None) -> None:
        self.clone = clone or deepcopy
        self.generation = 0
        self.population: list[IndividualLike] = []
        self.best: Any = None

    @classmethod  # noqa: B027 - most strategies need nothing more
    def check_installed(cls) -> None:
        """Check, before any work, that what this strategy imports beyond the package's own dependencies is there.

        :raises ImportError: when it is not, with how to get it.
        """

    def generate(self) -> list[IndividualLike]:
        """Return the individuals to evaluate; those whose fitness is still valid need no evaluation."""
        return self._generate()

    def update(self, individuals: Sequence[IndividualLike]) -> None:
        """Take back what :meth:`generate` returned, evaluated.

        :raises ValueError: when there are none, or an individual has no fitness, or one that is not a number.
        """
        if not len(individuals):
            raise ValueError(
                "update takes back what generate returned, evaluated; it was given no individual"
            )
        check_evaluated(individuals)
        for individual in individuals:
            if self.best is None or merit(individual) > merit(self.best):
                self.best = self.clone(individual)
        self._update(list(individuals))
        self.generation += 1
        if self.unseen is not None:
            for individual in individuals:
                self.unseen.note(self.unseen.decisions.choices(individual))

    @abstractmethod
    def _generate(self) -> list[IndividualLike]:
        """Return individuals to evaluate."""

    @abstractmethod
    def _update(self, individuals: list[IndividualLike]) -> None:
        """Learn from evaluated individuals; ``generation`` still counts the updates before this one."""

    def recommendation(self) -> Any:
        """Return the individual that the search would settle on now; None before the first update."""
        if self.recommends == "best" or not self.population:
            return self.best
        return (
            self.population[-1]
            if self.recommends == "last"
            else max(self.population, key=attrgetter("fitness"))
        )

    def record(self) -> dict[str, float]:
        """Numbers of this strategy for the logbook, such as a temperature."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next generation depends on, as JSON values and arrays; subclasses add to it.

        What the class names in ``keeps``, what was asked for, and the random generator where it is this strategy's own.
        """
        return {
            "generation": self.generation,
            "population": [pack(individual) for individual in self.population],
            "best": None if self.best is None else pack(self.best),
            "random": own_state(self._own_rng()),
            "asked": None if self.unseen is None else self.unseen.state(),
            **{path: deepcopy(attrgetter(path)(self)) for path in self.keeps},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self.generation = state["generation"]
        self.population = [self.unpack(packed) for packed in state["population"]]
        self.best = None if state["best"] is None else self.unpack(state["best"])
        set_own_state(self._own_rng(), state["random"])
        if self.unseen is not None:
            self.unseen.load(state["asked"])
        for path in self.keeps:
            owner, _, name = path.rpartition(".")
            setattr(attrgetter(owner)(self) if owner else self, name, deepcopy(state[path]))

    def _own_rng(self) -> Any:
        """The generator whose state is saved, where it is no module's."""
        return self.rng

    def unpack(self, packed: dict[str, Any]) -> Any:
        """Make an individual of what :func:`pack` returned."""
        individual = self._blank(packed["genes"])
        attributes = packed["attributes"]
        for name in set(getattr(individual, "__dict__", ())) - set(attributes) - {"fitness"}:
            delattr(individual, name)
        for name, value in attributes.items():
            setattr(individual, name, value)
        if packed["fitness"] is not None:
            individual.fitness.wvalues = tuple(packed["fitness"])
        return individual

    def _blank(self, genes: list[Any]) -> Any:
        return Individual(genes)


def check_evaluated(individuals: Sequence[IndividualLike]) -> None:
    """Check that every individual has a fitness of numbers.

    :raises ValueError: naming the first one that has none, or NaN in it.
    """
    for place, individual in enumerate(individuals):
        values = individual.fitness.values
        if not values or any(value != value for value in values):
            raise ValueError(
                f"individual {place} came back with the fitness {values or 'missing'}; evaluate every individual "
                "before update, and let no NaN into a fitness (it would win every comparison in DEAP)"
            )


def pack(individual: Any) -> dict[str, Any]:
    """Return an individual's genes, weighted fitness and further attributes as JSON values.

    The weighted values, since values derived from them need not give the same bits back.

    :raises TypeError: for genes that are no numbers.
    """
    wvalues = individual.fitness.wvalues
    attributes = getattr(individual, "__dict__", {})
    return {
        "genes": [_plain(gene) for gene in individual],
        "fitness": [float(value) for value in wvalues] if wvalues else None,
        "attributes": {name: value for name, value in attributes.items() if name != "fitness"},
    }


def _plain(gene: Any) -> bool | int | float | str:
    gene = gene.item() if hasattr(gene, "item") else gene
    if not isinstance(gene, (bool, int, float, str)):
        raise TypeError(
            f"an individual's genes are saved as numbers or strings, not as {type(gene).__name__}"
        )
    return gene


def _check(kind: type[Strategy]) -> None:
    if not (isinstance(kind, type) and issubclass(kind, Strategy)):
        raise TypeError(f"a strategy is a subclass of tdgnas.strategies.Strategy; got {kind!r}")


STRATEGIES: Registry[type[Strategy]] = Registry("strategy", "tdgnas.strategies", _check)
"""The strategies by name; ``@STRATEGIES.register("mine")`` adds one, as an entry point ``tdgnas.strategies`` does."""
