"""A knapsack of 30 items by TDGA (Mori et al. 1995), on lists of bits and without a neural network in sight.

python examples/knapsack.py
"""

import random

from deap import base, creator, tools

from tdgnas import algorithms, operators

ITEMS = [  # value, weight
    (75, 7), (84, 9), (58, 13), (21, 5), (55, 16), (95, 28), (28, 15), (76, 43), (88, 60), (53, 37),
    (58, 44), (81, 63), (32, 34), (89, 95), (54, 61), (23, 29), (42, 57), (52, 72), (58, 83), (53, 84),
    (30, 48), (26, 45), (40, 74), (40, 78), (26, 52), (39, 79), (25, 64), (23, 64), (16, 55), (12, 74),
]  # fmt: skip
CAPACITY = 744  # the best feasible value is 1099

creator.create("Value", base.Fitness, weights=(1.0,))
creator.create("Knapsack", list, fitness=creator.Value)


def evaluate(bits: list[int]) -> tuple[float]:
    """Return the value of what is packed, 0 where it is too heavy."""
    weight = sum(weight for bit, (_, weight) in zip(bits, ITEMS, strict=True) if bit)
    value = sum(value for bit, (value, _) in zip(bits, ITEMS, strict=True) if bit)
    return (float(value if weight <= CAPACITY else 0),)


def main(seed: int = 1) -> float:
    """Search; return the best value in the final population."""
    random.seed(seed)
    toolbox = base.Toolbox()
    toolbox.register("bit", random.randint, 0, 1)
    toolbox.register("individual", tools.initRepeat, creator.Knapsack, toolbox.bit, len(ITEMS))
    toolbox.register("population", tools.initRepeat, list, toolbox.individual)
    toolbox.register("evaluate", evaluate)
    toolbox.register("mate", tools.cxUniform, indpb=0.5)
    toolbox.register("mutate", tools.mutFlipBit, indpb=0.01)
    toolbox.register("select", operators.selThermodynamic, temperature=10.0)

    population, logbook = algorithms.eaTDGA(toolbox.population(n=32), toolbox, cxpb=1.0, mutpb=1.0, ngen=100)
    best = max(population, key=lambda one: one.fitness)
    packed = [number for number, bit in enumerate(best) if bit]
    print(f"value {best.fitness.values[0]:.0f} of at most 1099, items {packed}")
    print(f"entropy of the final population {logbook.select('entropy')[-1]:.2f} nats")
    return best.fitness.values[0]


if __name__ == "__main__":
    main()
