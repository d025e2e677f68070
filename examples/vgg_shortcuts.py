"""DARTS + TDGA on VGG19's shortcuts, written as a DEAP toolbox.

python examples/vgg_shortcuts.py            # about three minutes on two CPU cores
python examples/vgg_shortcuts.py --quick    # the same in seconds, too short to find anything
"""

import argparse
import random

from deap import base, tools

import tdgnas
from tdgnas import operators, spaces


def main(
    width: float = 1 / 8, images: int | None = None, epochs: int = 12, ngen: int = 20
) -> spaces.Architecture:
    """Search; return the best architecture."""
    random.seed(1)
    data = tdgnas.data.load("digits", train=images)
    space = spaces.VGGShortcuts(width=width)
    supernet = tdgnas.Supernet(space, data).pretrain(epochs=epochs)

    toolbox = base.Toolbox()
    toolbox.register("evaluate", tdgnas.SupernetFitness(supernet, data.valid))
    toolbox.register("map", tdgnas.batch_map)
    toolbox.register("local_search", operators.lsDARTS, supernet=supernet, lr=0.05)
    toolbox.register("mate", tools.cxUniform, indpb=0.5)
    toolbox.register("mutate", tools.mutGaussian, mu=0, sigma=0.2, indpb=0.2)
    toolbox.register(
        "select", operators.selThermodynamic, temperature=operators.Geometric(1.0, 1e-3, ngen=max(ngen, 1))
    )

    hall = tools.HallOfFame(1)
    population, _ = tdgnas.algorithms.eaTDGA(
        supernet.population(10), toolbox, cxpb=0.8, mutpb=0.2, ngen=ngen, halloffame=hall, verbose=True
    )
    best = space.decode(hall[0])
    network = space.network(best)  # a plain nn.Module, ready to train or to export
    print(f"{len(population)} individuals; best: {space.describe(best)}")
    weights = sum(parameter.numel() for parameter in network.parameters())
    print(f"loss on the supernet {hall[0].fitness.values[0]:.4f}, {weights:,} weights")
    return best


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    if parser.parse_args().quick:
        main(width=1 / 32, images=64, epochs=1, ngen=2)
    else:
        main()
