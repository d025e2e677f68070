"""Rules of mutations, crossovers and initialisers: operators that change individuals in place, or make them."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Iterator
from functools import lru_cache
from numbers import Real
from typing import Any

from ..individual import Individual
from . import samples
from .calling import OperatorCase, through_pickle
from .report import Kind
from .samples import values_of


@lru_cache
def _usual(kind: Callable[[], Any]) -> Any:
    """A space with its default settings; every operator is tried on all of them."""
    return kind()


class VariationCase(OperatorCase):
    """A mutation: it changes individuals in place."""

    def rule_returns_a_tuple(self) -> Iterator[str]:
        result = self.call(*self.arguments())
        names = "individual," if self.passed == 1 else "ind1, ind2"
        if not isinstance(result, tuple):
            yield f"{self.returned(result)}; DEAP's algorithms unpack a tuple: write `return {names}`"
        elif len(result) != self.passed:
            yield f"{self.name} returned a tuple of {len(result)}, not of {self.passed}: write `return {names}`"

    def rule_works_in_place(self) -> Iterator[str]:
        for trial in self.trials():
            pairs = (
                zip(trial.returned, trial.given, strict=False) if isinstance(trial.returned, tuple) else ()
            )
            if any(one is not own for one, own in pairs):
                yield (
                    f"{self.name} returned another object than the {trial.container} individual that it was given; "
                    "change the genes in place (`individual[:] = genes` or gene by gene) and return the individual "
                    "itself, else its class, its fitness and what else it carries are lost"
                )

    def rule_leaves_the_fitness_alone(self) -> Iterator[str]:
        for trial in self.trials():
            for place, (one, fitness) in enumerate(zip(trial.given, trial.fitness, strict=True)):
                if fitness.values != (1.0 + place,) or one.__dict__.get("fitness") is not fitness:
                    yield (
                        f"{self.name} touches the fitness of the {trial.container} individual; leave it: the algorithm "
                        "deletes it (`del child.fitness.values`) and so knows what has to be evaluated again"
                    )
                if type(fitness).weights != (-1.0,):
                    type(fitness).weights = (-1.0,)
                    yield f"{self.name} changes the weights of the fitness class, and with it every individual"

    def rule_keeps_the_number_of_genes(self) -> Iterator[str]:
        for trial in self.trials():
            if [len(one) for one in trial.given] != trial.lengths:
                yield (
                    f"{self.name} changes the number of genes from {trial.lengths[0]} to {len(trial.given[0])}; every "
                    "gene of an alpha-vector belongs to a decision of the space"
                )

    def rule_gives_finite_genes(self) -> Iterator[str]:
        if all(isinstance(gene, Real) for gene in self.individual()):
            for container in self.containers:
                genes = [gene for genes in self.run(container) for gene in genes]
                for kind in [type(gene).__name__ for gene in genes if not isinstance(gene, Real)]:
                    yield f"{self.name} stores a gene of type {kind} in a {container} individual; write float(gene)"
        drawn = [gene for run in self.runs(30) for genes in run for gene in genes]
        if not all(math.isfinite(gene) for gene in drawn if isinstance(gene, float)):
            yield f"{self.name} makes NaN or infinite genes of -1 to 1; mind logarithms, divisions and powers"

    def rule_changes_something(self) -> Iterator[str]:
        if not any(
            run != [values_of(one) for one in self.arguments(seed=seed)]
            for seed, run in enumerate(self.runs(40))
        ):
            yield (
                f"{self.name} changed nothing in 40 calls; is the result written to the individual, and not to a copy "
                "(an ndarray's `ind = ind + step` makes a new array)?"
            )

    def rule_leaves_attributes_alone(self) -> Iterator[str]:
        arguments = self.arguments()
        for one in arguments:
            one.origin = {"id": 7}
        self.call(*arguments)
        for one in arguments:
            if getattr(one, "origin", None) != {"id": 7}:
                yield f"{self.name} loses or changes the attribute `origin` of an individual; leave what is not yours"
            try:
                clones = [copy.deepcopy(one), through_pickle(one)]
                same = all(
                    values_of(c) == values_of(one) and vars(c).keys() == vars(one).keys() for c in clones
                )
            except Exception:
                same = False  # whatever stops a copy or a pickle is the finding
            if not same:
                yield f"after {self.name} an individual does not survive deepcopy or pickle; add plain values only"

    def rule_works_on_every_space(self) -> Iterator[str]:
        from ..spaces import SPACES

        for entry in SPACES if self.spaces else ():
            try:
                space = _usual(entry.value)
            except Exception:
                continue  # a plug-in's fault, or settings without defaults: nothing that this operator could mend
            usual = samples.defaults(space.length, space.slices, space.groups)
            keywords = self.keywords(usual)
            keywords |= {name: usual[name] for name in ("slices", "groups") if name in keywords}
            rng = random.Random(1)
            for seed in range(3):
                random.seed(seed)
                arguments = [Individual(space.encode(space.sample(rng))) for _ in range(self.passed)]
                self.subject(*arguments, **keywords)
                for one in arguments:
                    try:
                        space.check(space.decode(one))
                    except ValueError as error:
                        yield f"{self.name} spoils an individual of the space {entry.name!r}: {error}"


class CrossoverCase(VariationCase):
    """A crossover takes two individuals."""

    passed = 2


check_mutation = Kind("mutation", VariationCase)
"""Check a mutation, ``mutX(individual, ...) -> (individual,)``.

Options, also of the other operators:

- ``genes``: ``real`` (architecture parameters), ``binary``, or a function of a ``random.Random`` that makes the genes
  of one individual; with other genes than real ones the registered spaces are left out.
- ``containers``: the individuals' classes: ``Individual``, ``list``, ``ndarray``.
- ``generators``: the global random generators that it may draw from: ``random``, ``numpy.random``, ``torch``. By
  default ``random``, or none where the docstring says that it uses no random numbers.
- all others are keywords of the operator; the usual ones (``indpb``, ``sigma``, ``slices``...) have values.
"""

check_crossover = Kind("crossover", CrossoverCase)
"""Check a crossover, ``cxX(ind1, ind2, ...) -> (ind1, ind2)``; options as of :data:`check_mutation`."""


class InitialiserCase(OperatorCase):
    """An initialiser takes the class of the individuals."""

    without = ("treats all containers alike",)

    def arguments(self, container: str | None = None, seed: int = 0) -> list[Any]:
        """The class."""
        return [samples.CONTAINERS[container or self.containers[0]]]

    def outcome(self, arguments: list[Any], returned: Any) -> list[Any]:
        """The genes."""
        return values_of(returned)

    def rule_fills_the_container(self) -> Iterator[str]:
        for name in self.containers:
            made = self.call(samples.CONTAINERS[name])
            if not isinstance(made, samples.CONTAINERS[name]):  # type: ignore[arg-type]
                yield f"{self.returned(made)}; return `container(genes)`: it has the user's class, and a fitness"
            elif made.fitness.valid:
                yield f"{self.name} gives a new individual a fitness; it has to be evaluated first"

    def rule_gives_finite_genes(self) -> Iterator[str]:
        made = list(self.runs(20))
        if not all(math.isfinite(gene) for genes in made for gene in genes):
            yield f"{self.name} makes genes that are NaN or infinite"
        lengths = {len(genes) for genes in made}
        size = self.keywords().get("size", min(lengths))
        if lengths != {size}:
            yield f"{self.name} makes individuals of {min(lengths)} to {max(lengths)} genes where {size} were asked for"

    def rule_makes_new_objects(self) -> Iterator[str]:
        made = [self.call(*self.arguments()) for _ in range(10)]
        one, two = made[:2]
        genes = values_of(two)
        for gene in range(len(one)):
            one[gene] = 17
        if len({id(individual) for individual in made}) < len(made) or values_of(two) != genes:
            yield f"{self.name} returns the same object twice; make a new individual at every call"

    def rule_varies(self) -> Iterator[str]:
        if len({tuple(genes) for genes in self.runs(20)}) == 1:
            yield f"{self.name} made 20 equal individuals; a population needs different ones to begin with"


check_initialiser = Kind("initialiser", InitialiserCase)
"""Check an initialiser, ``initX(container, ...) -> container(genes)``; options as of :data:`check_mutation`."""
