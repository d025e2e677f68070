"""DEAP's first example with one line changed: selection by tournament, then by free energy.

python examples/onemax.py
"""

import random
from collections.abc import Callable

from deap import algorithms, base, creator, tools

from tdgnas import operators

creator.create("FitnessMax", base.Fitness, weights=(1.0,))
creator.create("Bits", list, fitness=creator.FitnessMax)


def evaluate(individual: list[int]) -> tuple[int]:
    """Return the number of ones."""
    return (sum(individual),)


def run(select: Callable[..., list], **options: object) -> tuple[int, list[float]]:
    """Run DEAP's simple genetic algorithm; return the best sum and the population's entropy per generation."""
    random.seed(64)
    toolbox = base.Toolbox()
    toolbox.register("bit", random.randint, 0, 1)
    toolbox.register("individual", tools.initRepeat, creator.Bits, toolbox.bit, 100)
    toolbox.register("population", tools.initRepeat, list, toolbox.individual)
    toolbox.register("evaluate", evaluate)
    toolbox.register("mate", tools.cxUniform, indpb=0.5)
    toolbox.register("mutate", tools.mutFlipBit, indpb=0.01)
    toolbox.register("select", select, **options)

    stats = tools.Statistics()
    stats.register("entropy", operators.population_entropy)
    hall = tools.HallOfFame(1)
    _, logbook = algorithms.eaMuPlusLambda(
        toolbox.population(n=50),
        toolbox,
        mu=50,
        lambda_=50,
        cxpb=0.7,
        mutpb=0.3,
        ngen=60,
        stats=stats,
        halloffame=hall,
        verbose=False,
    )
    return int(hall[0].fitness.values[0]), logbook.select("entropy")


if __name__ == "__main__":
    print("                    best of 100   entropy after 10, 30, 60 generations (nats)")
    for name, best, entropies in [
        ("tournament of 3", *run(tools.selTournament, tournsize=3)),
        ("thermodynamical", *run(operators.selThermodynamic, temperature=0.5)),
    ]:
        shown = "   ".join(f"{entropies[generation]:5.2f}" for generation in (10, 30, 60))
        print(f"{name:18}  {best:11}   {shown}")
