"""Rules of mutations and crossovers: operators that change individuals in place and return them as a tuple."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Iterator
from numbers import Real
from typing import Any

from . import samples
from .calling import OPERATOR, OperatorCase, through_pickle
from .report import FIRST, Kind, Rule
from .samples import values_of


def _returns_a_tuple(case: OperatorCase) -> Iterator[str]:
    arguments = case.arguments()
    result = case.call(*arguments)
    names = "individual," if case.passed == 1 else "ind1, ind2"
    if not isinstance(result, tuple):
        yield (
            f"{case.name} returned a value of type {type(result).__name__}; DEAP's algorithms unpack a tuple: "
            f"write `return {names}`"
        )
    elif len(result) != case.passed:
        yield f"{case.name} returned a tuple of {len(result)}, not of {case.passed}: write `return {names}`"


def _works_in_place(case: OperatorCase) -> Iterator[str]:
    for container in case.containers:
        arguments = case.arguments(container)
        result = case.call(*arguments)
        if isinstance(result, tuple) and any(
            one is not own for one, own in zip(result, arguments, strict=False)
        ):
            yield (
                f"{case.name} returned another object than the {container} individual that it was given; change the "
                "genes in place (`individual[:] = genes` or gene by gene) and return the individual itself, else its "
                "class, its fitness and what else it carries are lost"
            )


def _keeps_fitness(case: OperatorCase) -> Iterator[str]:
    for container in case.containers:
        arguments = case.arguments(container)
        before = [one.fitness for one in arguments]
        case.call(*arguments)
        for one, fitness, place in zip(arguments, before, range(len(before)), strict=True):
            if one.__dict__.get("fitness") is not fitness or fitness.values != (1.0 + place,):
                yield (
                    f"{case.name} touches the fitness of the {container} individual; leave it: the algorithm deletes "
                    "it (`del child.fitness.values`) and so knows what has to be evaluated again"
                )
            if type(fitness).weights != (-1.0,):
                type(fitness).weights = (-1.0,)
                yield f"{case.name} changes the weights of the fitness class, and with it every individual"


def _keeps_length(case: OperatorCase) -> Iterator[str]:
    for container in case.containers:
        arguments = case.arguments(container)
        lengths = [len(one) for one in arguments]
        case.call(*arguments)
        if [len(one) for one in arguments] != lengths:
            yield (
                f"{case.name} changes the number of genes from {lengths[0]} to {len(arguments[0])}; every gene of an "
                "alpha-vector belongs to a decision of the space"
            )


def _gives_numbers(case: OperatorCase) -> Iterator[str]:
    if all(isinstance(gene, Real) for gene in case.individual()):
        for container in case.containers:
            genes = [gene for genes in case.run(container) for gene in genes]
            strange = next((gene for gene in genes if not isinstance(gene, Real)), None)
            if strange is not None:
                yield (
                    f"{case.name} stores a gene of type {type(strange).__name__} in a {container} individual; "
                    "genes are plain numbers: write float(gene)"
                )
    for seed in range(30):
        random.seed(seed)
        for genes in case.run(seed=seed):
            if any(isinstance(gene, float) and not math.isfinite(gene) for gene in genes):
                yield (
                    f"{case.name} makes a gene that is NaN or infinite out of numbers from -1 to 1; look for a "
                    "logarithm, a division or a power, and keep genes finite"
                )


def _changes_something(case: OperatorCase) -> Iterator[str]:
    for seed in range(40):
        random.seed(seed)
        if case.run(seed=seed) != [values_of(one) for one in case.arguments(seed=seed)]:
            return
    yield (
        f"{case.name} changed nothing in 40 calls; is the result written to the individual, and not to a copy "
        "(an ndarray's `ind = ind + step` makes a new array)?"
    )


def _keeps_what_an_individual_carries(case: OperatorCase) -> Iterator[str]:
    arguments = case.arguments()
    for one in arguments:
        one.origin = {"id": 7}
    case.call(*arguments)
    for one in arguments:
        if getattr(one, "origin", None) != {"id": 7}:
            yield f"{case.name} loses or changes the attribute `origin` of an individual; leave what is not yours"
        try:
            clones = [copy.deepcopy(one), through_pickle(one)]
            same = all(values_of(c) == values_of(one) and vars(c).keys() == vars(one).keys() for c in clones)
        except Exception:
            same = False  # whatever stops a copy or a pickle is the finding
        if not same:
            yield (
                f"after {case.name} an individual does not survive deepcopy or pickle; attributes that an operator "
                "adds have to be plain values"
            )


def _works_on_every_space(case: OperatorCase) -> Iterator[str]:
    if not case.spaces:
        return
    from ..individual import Individual
    from ..spaces import SPACES, create

    for entry in SPACES:
        try:
            space = create(entry.name)
        except Exception:
            continue  # a plug-in's fault, or settings without defaults: nothing that this operator could mend
        usual = samples.defaults(space.length, space.slices, space.groups)
        own = {name: usual[name] for name in ("slices", "groups") if name in case.keywords(usual)}
        rng = random.Random(1)
        for seed in range(3):
            random.seed(seed)
            arguments = [Individual(space.encode(space.sample(rng))) for _ in range(case.passed)]
            case.call(*arguments, usual=usual, **own)
            for one in arguments:
                try:
                    space.check(space.decode(one))
                except ValueError as error:
                    yield f"{case.name} spoils an individual of the space {entry.name!r}: {error}"


VARIATION: dict[str, Rule[Any]] = {
    **{name: OPERATOR[name] for name in (FIRST, "repeats with the seed")},
    "returns a tuple": _returns_a_tuple,
    "works in place": _works_in_place,
    "leaves the fitness alone": _keeps_fitness,
    "keeps the number of genes": _keeps_length,
    "gives finite genes": _gives_numbers,
    "changes something": _changes_something,
    "leaves attributes alone": _keeps_what_an_individual_carries,
    "works on every space": _works_on_every_space,
    **OPERATOR,
}
"""The rules of mutations and of crossovers."""


class CrossoverCase(OperatorCase):
    """A crossover takes two individuals."""

    passed = 2


check_mutation = Kind("mutation", OperatorCase.of, VARIATION)
"""Check a mutation, ``mutX(individual, ...) -> (individual,)``.

Options, also of the other operators:

- ``genes``: ``real`` (architecture parameters), ``binary``, or a function of a ``random.Random`` that makes the genes
  of one individual; with other genes than real ones the registered spaces are left out.
- ``containers``: the individuals' classes: ``Individual``, ``list``, ``ndarray``.
- ``generators``: the global random generators that it may draw from: ``random``, ``numpy.random``, ``torch``. By
  default ``random``, or none where the docstring says that it uses no random numbers.
- all others are keywords of the operator; the usual ones (``indpb``, ``sigma``, ``slices``...) have values.
"""

check_crossover = Kind("crossover", CrossoverCase.of, VARIATION)
"""Check a crossover, ``cxX(ind1, ind2, ...) -> (ind1, ind2)``; options as of :data:`check_mutation`."""
