"""The TDGA search with the published settings whose evaluation is measured."""

from __future__ import annotations

from typing import Any

from deap import base, tools

import tdgnas
from tdgnas import operators
from tdgnas.fitness import SupernetFitness
from tdgnas.strategies import TDGA


def tdga(
    fitness: SupernetFitness, population: int, ngen: int, *, mate: str = "uniform", local_search: bool = False
) -> tuple[Any, TDGA]:
    """Return toolbox and strategy of a search on the fitness' supernet.

    :param mate: ``uniform`` or ``layer-order`` crossover.
    :param local_search: a gradient step on every alpha per generation.
    """
    supernet = fitness.supernet
    toolbox = base.Toolbox()
    toolbox.register("evaluate", fitness)
    toolbox.register("map", tdgnas.batch_map)
    if local_search:
        toolbox.register("local_search", operators.lsDARTS, supernet=supernet, lr=0.05)
    if mate == "uniform":
        toolbox.register("mate", tools.cxUniform, indpb=0.5)
    else:
        toolbox.register("mate", operators.cxLayerOrder)
    toolbox.register("mutate", tools.mutGaussian, mu=0, sigma=0.2, indpb=0.2)
    heat = operators.Geometric(1.0, 1e-3, ngen=ngen)
    toolbox.register("select", operators.selThermodynamic, temperature=heat)
    individuals = supernet.population(population)
    return toolbox, TDGA(individuals, toolbox, cxpb=0.8, mutpb=0.2, loci=supernet.space.choices)
