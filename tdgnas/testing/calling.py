"""How the checks call an operator: with the parameters it was given, and usual values for those it needs."""

from __future__ import annotations

import inspect
import pickle
import random
from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from ..mapping import layers, name_of
from . import samples


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


@dataclass
class OperatorCase:
    """An operator with what it is called with.

    :param operator: the function.
    :param passed: how many arguments the caller passes by position.
    :param parameters: keywords given by whoever checks.
    :param generators: global generators it may draw from.
    :param containers: names of the individuals' classes, see :data:`samples.CONTAINERS`.
    :param genome: makes the genes of an individual.
    :param spaces: whether it is tried on the registered spaces.
    """

    operator: Callable[..., Any]
    passed: int
    parameters: Mapping[str, Any]
    generators: set[str] = field(default_factory=lambda: {"random"})
    containers: tuple[str, ...] = tuple(samples.CONTAINERS)
    genome: Callable[[random.Random], list[Any]] = samples.real_genes
    spaces: bool = True

    @property
    def name(self) -> str:
        """The operator's name."""
        return name_of(self.operator)

    @property
    def takes_rng(self) -> bool:
        """Whether the operator takes a random generator."""
        return "rng" in parameters_of(self.operator)

    def keywords(self, usual: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the keywords to call with: those given, and usual values for parameters without a default.

        :param usual: values by parameter name, instead of those for :data:`samples.GENES` genes.
        :raises ValueError: for a parameter that nothing gives.
        """
        usual = samples.defaults() if usual is None else usual
        keywords = dict(self.parameters)
        for position, (name, parameter) in enumerate(parameters_of(self.operator).items()):
            variadic = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
            if (
                position < self.passed
                or variadic
                or name in keywords
                or parameter.default is not parameter.empty
            ):
                continue
            if name not in usual:
                raise ValueError(
                    f"{self.name} needs the parameter {name!r}, and neither a default nor the check gives it; "
                    f"give it a default, or name it to the check: {name}=..."
                )
            keywords[name] = usual[name]
        return keywords

    def call(self, *arguments: Any, usual: Mapping[str, Any] | None = None, **more: Any) -> Any:
        """Call the operator."""
        return self.operator(*arguments, **{**self.keywords(usual), **more})

    def individual(self, seed: int = 0, container: str | None = None, loss: float | None = None) -> Any:
        """Make an individual, with a fitness where a loss is given."""
        make = samples.CONTAINERS[container or self.containers[0]]
        made = make(self.genome(random.Random(seed)))
        return made if loss is None else samples.evaluated(made, (loss,))


def make_case(
    operator: Callable[..., Any],
    passed: int,
    parameters: Mapping[str, Any],
    *,
    genes: str | Callable[[random.Random], list[Any]] = "real",
    containers: Collection[str] = tuple(samples.CONTAINERS),
    generators: Collection[str] | None = None,
) -> OperatorCase:
    """Make a case of an operator.

    :raises TypeError: when the operator cannot be called.
    :raises ValueError: for containers or genes of an unknown name.
    """
    if not callable(operator):
        raise TypeError(f"an operator is a function; got {operator!r}")
    unknown = [name for name in containers if name not in samples.CONTAINERS]
    if unknown or not containers:
        raise ValueError(
            f"containers must be some of {', '.join(samples.CONTAINERS)}; got {list(containers)}"
        )
    if isinstance(genes, str) and genes not in samples.GENOMES:
        raise ValueError(
            f"genes must be {' or '.join(samples.GENOMES)}, or a function of an rng; got {genes!r}"
        )
    return OperatorCase(
        operator,
        passed,
        dict(parameters),
        declared_generators(operator) if generators is None else set(generators),
        tuple(containers),
        samples.GENOMES[genes] if isinstance(genes, str) else genes,
        genes == "real",
    )


def through_pickle(value: Any) -> Any:
    """Return a copy of an object made by pickling it, as a process pool sends it to another process.

    Only what was pickled a moment ago is read, in memory; no pickle ever comes from a file.
    """
    return pickle.loads(pickle.dumps(value))


TOP_LEVEL = (
    "define it at the top level of a module: no lambda, no function inside a function, "
    "no open file in an object"
)


def pickle_violations(value: Any, name: str, mend: str = TOP_LEVEL) -> list[str]:
    """Return a sentence when an object cannot be pickled, which ends with how to mend it."""
    try:
        through_pickle(value)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        return [f"{name} cannot be pickled ({reason}), so no process pool can run it; {mend}"]
    return []


def changed_parameters(case: OperatorCase, call: Callable[[dict[str, Any]], Any]) -> list[str]:
    """Return a sentence when a call changes a list or dict that was passed as a parameter."""
    keywords = case.keywords()
    plain = {name: value for name, value in keywords.items() if isinstance(value, (list, tuple, dict))}
    before = deepcopy(plain)
    call(keywords)
    return [
        f"{case.name} changes the parameter {name!r} that it was given; copy it first, the next call gets it as well"
        for name, value in plain.items()
        if value != before[name]
    ]
