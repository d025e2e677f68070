"""One search within a budget, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from ..fitness import Budget
from ..mapping import batch_map
from ..operators import population_entropy

Unit = Literal["evaluations", "passes", "seconds"]
UNITS: tuple[str, ...] = get_args(Unit)

#: Requests in a row that cost nothing after which a search counts as converged.
PATIENCE = 300


def used(budget: Budget, unit: str) -> float:
    """Return what a budget has used, in one of the :data:`UNITS`."""
    return float(getattr(budget, unit))


@dataclass
class Trace:
    """What a search saw.

    :param points: whenever its choice changed: budget used, signal of the choice, genes of the choice.
    :param entropies: per generation: budget used, entropy of the population's choices in nats.
    :param evaluations: evaluations that were computed within the budget.
    :param requests: all individuals whose fitness was asked for.
    :param used: budget used, at most the limit.
    :param converged: whether it stopped because it asked for nothing new any more.
    """

    points: list[tuple[float, float, list[float]]] = field(default_factory=list)
    entropies: list[tuple[float, float]] = field(default_factory=list)
    evaluations: int = 0
    requests: int = 0
    used: float = 0.0
    converged: bool = False


def search(
    strategy: Any,
    evaluate: Callable[[Any], tuple[float, ...]],
    budget: Budget,
    *,
    unit: Unit,
    limit: float,
    loci: Callable[[Sequence[Any]], Any] | None = None,
    whole: bool = False,
) -> Trace:
    """Run a strategy until its budget is used up.

    Nothing that was evaluated beyond the limit counts, so no strategy gains from large generations.

    :param strategy: with ``generate``, ``update`` and, where it does not settle on the best, ``recommends``.
    :param evaluate: a fitness; its costs, and those of gradients, go to ``budget``.
    :param unit: what is counted.
    :param limit: of that unit, what ``budget`` holds already included.
    :param loci: a population's choices for the entropy; none is kept where None.
    :param whole: evaluate a generation in one call; costs are then spread evenly over it.
    :returns: what happened.
    """
    trace = Trace()
    last = getattr(strategy, "recommends", "best") == "last"
    best: Any = None
    idle = 0
    while used(budget, unit) < limit and idle < PATIENCE:
        individuals = strategy.generate()
        fresh = [individual for individual in individuals if not individual.fitness.valid]
        before = used(budget, unit)
        for individual, cost, new in _evaluated(fresh, evaluate, budget, unit, whole):
            if cost > limit:
                continue
            trace.used = max(trace.used, cost)
            trace.evaluations += new
            trace.requests += 1
            if best is None or last or individual.fitness > best:
                best = individual.fitness
                trace.points.append(
                    (cost, float(individual.fitness.values[0]), [float(gene) for gene in individual])
                )
        idle = 0 if used(budget, unit) > before else idle + max(1, len(fresh))
        strategy.update(individuals)
        if loci is not None:
            population = strategy.population or individuals
            trace.entropies.append((min(used(budget, unit), limit), population_entropy(population, loci)))
    trace.converged = idle >= PATIENCE
    return trace


def _evaluated(
    fresh: list[Any], evaluate: Callable[[Any], tuple[float, ...]], budget: Budget, unit: str, whole: bool
) -> list[tuple[Any, float, int]]:
    """Evaluate individuals; return each with the budget used after it and the evaluations it took (0 or
    1)."""
    groups = [fresh] if whole and fresh else [[individual] for individual in fresh]
    done = []
    for group in groups:
        start, computed = used(budget, unit), budget.evaluations
        for individual, values in zip(group, batch_map(evaluate, group), strict=True):
            individual.fitness.values = values
        step = (used(budget, unit) - start) / len(group)
        new = budget.evaluations - computed
        for place, individual in enumerate(group):
            done.append((individual, start + (place + 1) * step, int(place < new)))
    return done
