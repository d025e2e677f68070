"""Rules of local searches: they improve individuals in place, alone or many at once."""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np

from ..mapping import batched
from .calling import parameters_of
from .report import Kind
from .samples import QuadraticSource, values_of
from .variation import VariationCase


class LocalSearchCase(VariationCase):
    """A local search, and the problem that it improves individuals of."""

    without = ("works on every space",)

    def _source(self, broken_row: int | None = None) -> tuple[QuadraticSource, dict[str, Any]]:
        """Return a problem, and the keywords that pass it to the operator where it asks for one."""
        source = QuadraticSource(broken_row=broken_row)
        names = [name for name in ("supernet", "evaluate") if name in parameters_of(self.subject)]
        return source, {name: source for name in names if name not in self.parameters}

    def rule_does_not_climb(self) -> Iterator[str]:
        source, keywords = self._source()
        if not keywords:
            return
        before, after = [], []
        for seed in range(10):
            individual = self.individual(seed, loss=1.0)
            before.append(source.loss(individual))
            for _ in range(5):
                self.call(individual, **keywords)
            after.append(source.loss(individual))
        if np.mean(after) >= np.mean(before):
            yield (
                f"{self.name} raised the mean loss of a quadratic bowl from {np.mean(before):.3g} to "
                f"{np.mean(after):.3g} in 5 calls; it has to go down: check the sign of the step and its size"
            )

    def rule_is_the_same_in_a_batch(self) -> Iterator[str]:
        batch = batched(self.subject)
        if batch is None:
            return
        many = [self.individual(seed, loss=1.0) for seed in range(4)]
        alone = deepcopy(many)
        random.seed(1)
        results = list(batch(many, **self.keywords()))
        pairs = zip(results, many, strict=False)
        if len(results) != len(many) or not all(isinstance(a, tuple) and a[0] is one for a, one in pairs):
            yield f"{self.name}.batch must return `(individual,)`, the object itself, for each one given, in order"
        for one in alone:
            random.seed(1)
            self.call(one)
        if not np.allclose([values_of(one) for one in many], [values_of(one) for one in alone], atol=1e-9):
            yield f"{self.name}.batch gives other genes than {self.name} one by one with the same seed; they must agree"

    def rule_steps_duplicates_once(self) -> Iterator[str]:
        batch = batched(self.subject)
        if batch is None:
            return
        one, reference = self.individual(1, loss=1.0), self.individual(1, loss=1.0)
        for individuals in ([one, one, one], [reference]):
            random.seed(2)
            batch(individuals, **self.keywords())
        if not np.allclose(values_of(one), values_of(reference), atol=1e-12):
            yield (
                f"{self.name}.batch steps an object that is in the list several times more than once; selection with "
                "replacement returns such lists: go through the distinct objects, by id()"
            )

    def rule_survives_divergence(self) -> Iterator[str]:
        _, keywords = self._source(broken_row=0)
        if not keywords:
            return
        individual = self.individual(3, loss=1.0)
        genes = values_of(individual)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.call(individual, **keywords)
        if not all(math.isfinite(gene) for gene in values_of(individual)):
            yield f"{self.name} writes NaN into the genes when a gradient is NaN; give their old values back, and warn"
        elif "supernet" in keywords and values_of(individual) != genes:
            yield f"{self.name} moves an individual part of the way when a gradient is NaN; give all its old genes back"


check_local_search = Kind("local-search", LocalSearchCase)
"""Check a local search, ``lsX(individual, ...) -> (individual,)``, and its ``batch`` form where it has one; options as
of :data:`check_mutation`. A parameter named ``supernet`` gets a source of gradients and one named ``evaluate`` a
fitness, both of a quadratic bowl."""
