"""DARTS cells searched by TDGA: whole edges are crossed, moved and redrawn, so that every child is a cell.

python examples/cells.py            # some minutes on two CPU cores
python examples/cells.py --quick    # the same in seconds, too short to find anything
"""

import argparse
import random

from deap import base, tools

import tdgnas
from tdgnas import operators, spaces


def main(
    cells: int = 3, channels: int = 8, images: int | None = None, epochs: int = 10, ngen: int = 15
) -> str:
    """Search; return the best architecture in words."""
    random.seed(1)
    data = tdgnas.data.load("digits", train=images, size=16)
    space = spaces.create("darts-cells", cells=cells, channels=channels, image_size=16)
    supernet = tdgnas.Supernet(space, data).pretrain(epochs=epochs)

    toolbox = base.Toolbox()
    toolbox.register("evaluate", tdgnas.SupernetFitness(supernet, data.valid, size=images))
    toolbox.register("map", tdgnas.batch_map)
    toolbox.register("mate", operators.cxSubgraph, groups=space.groups)
    toolbox.register("mutate", operators.mutRewire, slices=space.slices, groups=space.groups)
    toolbox.register(
        "select",
        operators.selThermodynamic,
        temperature=operators.Geometric(1.0, 0.01, ngen=max(ngen, 1)),
        entropy=operators.ShannonEntropy(space.choices),  # a decision is a locus, not a gene
        relative=True,
    )

    hall = tools.HallOfFame(1)
    tdgnas.algorithms.eaTDGA(
        supernet.population(10), toolbox, cxpb=0.8, mutpb=0.5, ngen=ngen, loci=space.choices, halloffame=hall
    )
    best = space.decode(hall[0])
    print(f"loss on the supernet {hall[0].fitness.values[0]:.4f}, {space.parameters(best):,} weights")
    print(space.describe(best))
    return space.describe(best)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    if parser.parse_args().quick:
        main(channels=4, images=64, epochs=1, ngen=2)
    else:
        main()
