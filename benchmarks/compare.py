"""Search strategies compared at an equal budget: any strategies, any spaces, any number of seeds.

    python benchmarks/compare.py                                    # about a minute, without any data
    python benchmarks/compare.py --problem digits-vgg --seeds 5     # on supernets, under 20 minutes on two cores

It is the command ``tdgnas compare``; see ``--help``.
"""

import typer

from tdgnas.runs.comparison import command

if __name__ == "__main__":
    typer.run(command)
