"""How the checks call an operator: with the parameters it was given, and usual values for those it needs."""

from __future__ import annotations

import inspect
import pickle
import random
from collections.abc import Callable, Collection, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ..individual import IndividualLike
from ..mapping import layers
from . import samples
from .generators import generator_violations, seeded
from .report import Case


def parameters_of(operator: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the parameters of a callable by name; none where Python cannot tell."""
    try:
        return dict(inspect.signature(operator).parameters)
    except (TypeError, ValueError):
        return {}


def declared_generators(operator: Callable[..., Any]) -> set[str]:
    """Return the generators that an operator may draw from by its docstring: none where it says so."""
    *_, inner = layers(operator)
    text = " ".join((inner.__doc__ or "").split()).lower()
    return set() if "no random numbers" in text else {"random"}


def through_pickle(value: Any) -> Any:
    """Return a copy of an object made by pickling it, as a process pool sends it to another process.

    Only what was pickled a moment ago is read, in memory; no pickle ever comes from a file.
    """
    return pickle.loads(pickle.dumps(value))


TOP_LEVEL = "define it at the top level of a module: no lambda, no function in a function, no open file in it"


def pickle_violations(value: Any, name: str, mend: str = TOP_LEVEL) -> list[str]:
    """Return a sentence when an object cannot be pickled, which ends with how to mend it."""
    try:
        through_pickle(value)
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        return [f"{name} cannot be pickled ({why}), so no process pool can run it; {mend}"]
    return []


def can_be_pickled(case: Case) -> list[str]:
    """The rule that a process pool can have the subject."""
    return pickle_violations(case.subject, case.name)


class Trial(NamedTuple):
    """One call of an operator: on individuals of which container, their fitness and lengths before, and the result."""

    container: str
    given: list[IndividualLike]
    fitness: list[Any]
    lengths: list[int]
    returned: Any


@dataclass
class OperatorCase(Case):
    """An operator with what it is called with.

    :param parameters: keywords given by whoever checks.
    :param generators: global generators it may draw from.
    :param containers: names of the individuals' classes, see :data:`samples.CONTAINERS`.
    :param genome: makes the genes of an individual.
    :param spaces: whether it is tried on the registered spaces.
    :cvar passed: how many arguments the caller passes by position.
    """

    parameters: Mapping[str, Any]
    generators: set[str]
    containers: tuple[str, ...]
    genome: samples.Genome
    spaces: bool
    passed: ClassVar[int] = 1

    @classmethod
    def of(
        cls,
        operator: Callable[..., Any],
        /,
        *,
        genes: str | samples.Genome = "real",
        containers: Collection[str] = tuple(samples.CONTAINERS),
        generators: Collection[str] | None = None,
        **parameters: Any,
    ) -> Any:
        """Make a case; the options are those of :data:`tdgnas.testing.check_mutation`.

        :raises TypeError: when the operator cannot be called.
        :raises ValueError: for containers or genes of an unknown name.
        """
        if not callable(operator):
            raise TypeError(f"an operator is a function; got {operator!r}")
        unknown = [name for name in containers if name not in samples.CONTAINERS]
        if unknown or not containers:
            known = ", ".join(samples.CONTAINERS)
            raise ValueError(f"containers must be some of {known}; got {list(containers)}")
        if isinstance(genes, str) and genes not in samples.GENOMES:
            known = " or ".join(samples.GENOMES)
            raise ValueError(f"genes must be {known}, or a function of an rng; got {genes!r}")
        return cls(
            operator,
            parameters,
            declared_generators(operator) if generators is None else set(generators),
            tuple(containers),
            samples.GENOMES[genes] if isinstance(genes, str) else genes,
            genes == "real",
        )

    def keywords(self, usual: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the keywords to call with: those given, and usual values for parameters without a default.

        :param usual: values by parameter name, instead of those for :data:`samples.GENES` genes.
        :raises ValueError: for a parameter that nothing gives.
        """
        usual = samples.defaults() if usual is None else usual
        keywords = dict(self.parameters)
        for name, parameter in list(parameters_of(self.subject).items())[self.passed :]:
            variadic = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
            if variadic or name in keywords or parameter.default is not parameter.empty:
                continue
            if name not in usual:
                raise ValueError(
                    f"{self.name} needs the parameter {name!r}, and neither a default nor the check gives it; "
                    f"give it a default, or name it to the check: {name}=..."
                )
            keywords[name] = usual[name]
        return keywords

    def call(self, *arguments: Any, **more: Any) -> Any:
        """Call the operator."""
        return self.subject(*arguments, **{**self.keywords(), **more})

    def individual(
        self, seed: int = 0, container: str | None = None, loss: float | None = None
    ) -> IndividualLike:
        """Make an individual, with a fitness where a loss is given."""
        make = samples.CONTAINERS[container or self.containers[0]]
        made = make(self.genome(random.Random(seed)))
        return made if loss is None else samples.evaluated(made, (loss,))

    def arguments(self, container: str | None = None, seed: int = 0) -> list[Any]:
        """Make what is passed by position."""
        return [self.individual(seed + place, container, 1.0 + place) for place in range(self.passed)]

    def outcome(self, arguments: list[Any], returned: Any) -> list[Any]:
        """Return what a call did, as plain values."""
        return [samples.values_of(one) for one in arguments]

    def run(self, container: str | None = None, seed: int = 0, **more: Any) -> list[Any]:
        """Call the operator on fresh arguments, and return what it did."""
        arguments = self.arguments(container, seed)
        return self.outcome(arguments, self.call(*arguments, **more))

    def runs(self, count: int) -> Iterator[list[Any]]:
        """Run so often, each time on other arguments and with another seed."""
        return (seeded(seed, partial(self.run, seed=seed)) for seed in range(count))

    def trials(self) -> Iterator[Trial]:
        """Call the operator on individuals of every container."""
        for container in self.containers:
            given = self.arguments(container)
            fitness, lengths = [one.fitness for one in given], [len(one) for one in given]
            yield Trial(container, given, fitness, lengths, self.call(*given))

    rule_can_be_pickled = can_be_pickled

    def rule_can_be_called(self) -> None:
        """The rule that an operator takes what the check calls it with."""
        self.run()

    def rule_repeats_with_the_seed(self) -> Iterator[str]:
        """The rule that an operator keeps no state."""
        results = [seeded(4, self.run) for _ in range(3)]
        if any(result != results[0] for result in results):
            yield (
                f"{self.name} gave different results for the same seed and the same arguments; draw only from random "
                "(or rng), and keep no state between calls: a temperature is a function of the generation, not of the "
                "calls"
            )

    def rule_draws_from_the_generators_it_declares(self) -> Iterator[str]:
        takes_rng = "rng" in parameters_of(self.subject)
        yield from generator_violations(self.name, self.run, self.generators, rng=takes_rng)

    def rule_treats_all_containers_alike(self) -> Iterator[str]:
        results = {container: seeded(3, partial(self.run, container)) for container in self.containers}
        first, *others = results
        for container in others:
            one, two = (np.array(results[name], dtype=float) for name in (first, container))
            if not np.allclose(one, two, rtol=1e-12, atol=1e-12):
                yield (
                    f"{self.name} does not do to {container} individuals what it does to {first}, with the same seed; "
                    "on ndarrays slices are views, so `a[i:j], b[i:j] = b[i:j], a[i:j]` makes both equal: go gene by "
                    "gene, or copy"
                )

    def rule_leaves_its_parameters_alone(self) -> Iterator[str]:
        keywords = self.keywords()
        plain = {name: value for name, value in keywords.items() if isinstance(value, (list, tuple, dict))}
        before = deepcopy(plain)
        self.subject(*self.arguments(), **keywords)
        for name in [name for name, value in plain.items() if value != before[name]]:
            yield f"{self.name} changes the parameter {name!r} that it was given; copy it, the next call gets it too"
