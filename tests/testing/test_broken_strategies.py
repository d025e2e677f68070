"""Deliberately broken strategies and fitness functions are caught by the rule for their fault."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tdgnas import Individual
from tdgnas.strategies import DecisionStrategy
from tdgnas.testing import check_fitness, check_strategy
from tdgnas.testing.samples import SmallProblem


class Walk(DecisionStrategy):
    """A population of four, of which the best is kept and redrawn around. Keeps every rule."""

    def _generate(self):
        if not self.population:
            return [self.individual(self.decisions.sample(self.rng)) for _ in range(4)]
        made = [self.clone(self.best) for _ in range(4)]
        for one in made[1:]:
            gene = self.rng.randrange(len(one))
            one[gene] = self.rng.uniform(-2, 2)
            del one.fitness.values
        return made

    def _update(self, individuals):
        self.population = individuals


class NoState(Walk):
    state_dict = None  # type: ignore[assignment]


class Tuples(Walk):
    def _generate(self):
        return tuple(super()._generate())


class Nobody(Walk):
    def _generate(self):
        return []


class TooShort(Walk):
    def _generate(self):
        return [Individual(list(one)[:-1]) for one in super()._generate()]


class TooFew(Walk):
    """The kit said ``zip() argument 3 is shorter than arguments 1-2``."""

    def _generate(self):
        return [self.individual(self.decisions.sample(self.rng)[:-1]) for _ in range(4)]


class NoSuchChoice(Walk):
    def _generate(self):
        return [self.individual([2] * len(self.decisions)) for _ in range(4)]


class NaNGenes(Walk):
    def _generate(self):
        made = super()._generate()
        made[0][0] = float("nan")
        return made


class Lists(Walk):
    def _generate(self):
        return [list(one) for one in super()._generate()]


class Duplicates(Walk):
    def _generate(self):
        made = super()._generate()
        return [made[0], made[0], *made[1:]]


class Stale(Walk):
    def _generate(self):
        made = super()._generate()
        if self.generation:
            one = self.clone(self.best)
            one[0] = -one[0]
            made[1] = one
        return made


class NoBest(Walk):
    def update(self, individuals):
        self.best = self.best or self.clone(individuals[0])
        self._update(individuals)
        self.generation += 1


class AliasBest(Walk):
    def _update(self, individuals):
        super()._update(individuals)
        self.best = max(individuals, key=lambda one: one.fitness)


class Minimises(Walk):
    def update(self, individuals):
        for one in individuals:
            if self.best is None or one.fitness.values < self.best.fitness.values:
                self.best = self.clone(one)
        self._update(individuals)
        self.generation += 1


class Global(Walk):
    def _generate(self):
        made = super()._generate()
        made[-1][0] += random.random() * 1e-9
        made[-1][random.randrange(11)] *= -1
        return made


class Burns(Walk):
    def _generate(self):
        np.random.random()
        return super()._generate()


class Seeds(Walk):
    def _generate(self):
        random.seed(3)
        return super()._generate()


class TakesNaN(Walk):
    def update(self, individuals):
        for one in individuals:
            if self.best is None or one.fitness > self.best.fitness:
                self.best = self.clone(one)
        self._update(individuals)
        self.generation += 1


class Forgets(Walk):
    def state_dict(self):
        return {**super().state_dict(), "random": None}


class SavesObjects(Walk):
    def state_dict(self):
        return {**super().state_dict(), "rng": self.rng}


class LosesCount(Walk):
    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.generation = 0


class NeverCounts(Walk):
    def update(self, individuals):
        super().update(individuals)
        self.generation = min(self.generation, 1)


class Worst(Walk):
    def _update(self, individuals):
        super()._update(individuals)
        self.population = individuals

    def _generate(self):
        if not self.population:
            worst = [effect.index(max(effect)) for effect in SmallProblem().effects]
            return [self.individual(worst) for _ in range(4)]
        return [self.clone(one) for one in self.population]


STRATEGIES = [
    (NoState, "can be called", "has no state_dict()"),
    (Tuples, "generates individuals", "must be a list"),
    (Nobody, "generates individuals", "at least one individual"),
    (TooShort, "generates individuals", "individuals of 10 genes; the decisions have 11"),
    (TooFew, "can be called", "4 choices were given for 5 decisions"),
    (NoSuchChoice, "can be called", "choice 2 of decision 'gate0' is none of its 2 (off, on)"),
    (NaNGenes, "generates individuals", "NaN or infinite"),
    (Lists, "can be called", "raised AttributeError: 'list' object has no attribute 'fitness'"),
    (Duplicates, "generates distinct objects", "clone what selection returned"),
    (Stale, "keeps no stale fitness", "del individual.fitness.values"),
    (NoBest, "keeps the best", "is not the best individual evaluated"),
    (AliasBest, "keeps the best", "keep a clone"),
    (Minimises, "maximises what is maximised", "settles on the worse architectures"),
    (Global, "repeats with the seed", "with the same rng searches differently"),
    (Burns, "repeats with the seed", "changes the global generator numpy.random"),
    (Seeds, "repeats with the seed", "changes the global generator random"),
    (TakesNaN, "lets no NaN through", "takes individuals with NaN"),
    (Forgets, "goes on where its state was taken", "the random generator's state"),
    (SavesObjects, "goes on where its state was taken", "more than JSON values"),
    (LosesCount, "goes on where its state was taken", "counts 3 generations after 6"),
    (NeverCounts, "runs in eaGenerateUpdate", "generation is 1 after 3 generations"),
    (Worst, "finds something", "worse than the median"),
]

# fitness ---------------------------------------------------------------------------------------------------------


class Bowl:
    """The squared length of the genes. Keeps every rule."""

    def __call__(self, individual):
        return (float(sum(gene * gene for gene in individual)),)

    def batch(self, individuals):
        return [self(one) for one in individuals]


class Bare(Bowl):
    def __call__(self, individual):
        return super().__call__(individual)[0]


class Numpy(Bowl):
    def __call__(self, individual):
        return (np.float32(super().__call__(individual)[0]),)


class Broken(Bowl):
    def __call__(self, individual):
        return (float("nan"),)


class Ragged(Bowl):
    def __call__(self, individual):
        return super().__call__(individual) * (1 if individual[0] > 0 else 2)


class Repairs(Bowl):
    def __call__(self, individual):
        individual[0] = abs(individual[0])
        return super().__call__(individual)


class Assigns(Bowl):
    def __call__(self, individual):
        individual.fitness.values = super().__call__(individual)
        return individual.fitness.values


class Drifts(Bowl):
    calls = 0

    def __call__(self, individual):
        self.calls += 1
        return (super().__call__(individual)[0] + self.calls,)


class OtherOrder(Bowl):
    def batch(self, individuals):
        return super().batch(individuals)[::-1]


class Deduplicates(Bowl):
    def batch(self, individuals):
        return list(dict.fromkeys(super().batch(individuals)))


class NeedsSome(Bowl):
    def batch(self, individuals):
        return [self(one) for one in individuals] or [(0.0,)]


class Noisy(Bowl):
    def __call__(self, individual):
        return (super().__call__(individual)[0] + random.random() * 0.0,)


class ArraysOnly(Bowl):
    def __call__(self, individual):
        return (float(np.square(np.frombuffer(individual)).sum()),)


class Empty(Bowl):
    def __call__(self, individual):
        return ()


FITNESSES = [
    (Bare, "returns a tuple of numbers", "write `return loss,`"),
    (Numpy, "returns a tuple of numbers", "plain floats: float(loss)"),
    (Broken, "returns a tuple of numbers", "a fitness is finite"),
    (Ragged, "returns a tuple of numbers", "different lengths: [1, 2]"),
    (Repairs, "only reads", "changes the genes"),
    (Assigns, "only reads", "sets the fitness"),
    (Drifts, "does not move", "another fitness when it is asked again"),
    (OtherOrder, "agrees with its batch", "in another order"),
    (Deduplicates, "agrees with its batch", "returned 6 results for 7"),
    (NeedsSome, "agrees with its batch", "of an empty list must be an empty list"),
    (Noisy, "leaves random generators alone", "draws from the global generator random"),
    (ArraysOnly, "reads all containers", "raised TypeError"),
    (Empty, "returns a tuple of numbers", "different lengths: [0]"),
]


@pytest.mark.parametrize(
    ("broken", "rule", "sentence"), STRATEGIES, ids=lambda value: getattr(value, "__name__", "")
)
def test_a_faulty_strategy_is_caught(broken, rule, sentence, caught) -> None:
    assert sentence in caught(check_strategy(broken, report_only=True), rule)


@pytest.mark.parametrize(
    ("broken", "rule", "sentence"), FITNESSES, ids=lambda value: getattr(value, "__name__", "")
)
def test_a_faulty_fitness_is_caught(broken, rule, sentence, caught) -> None:
    assert sentence in caught(check_fitness(broken(), genes=5, report_only=True), rule)


def test_the_same_strategy_and_fitness_without_a_fault_pass() -> None:
    assert check_strategy(Walk).ok
    assert check_fitness(Bowl(), genes=5).ok
    assert check_fitness(Bowl(), [Individual([1.0]), Individual([2.0])]).ok


def test_a_fitness_without_individuals_is_a_clear_error() -> None:
    with pytest.raises(ValueError, match=r"check_fitness\(fitness, genes=12\)"):
        check_fitness(Bowl())
