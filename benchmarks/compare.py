"""Search strategies compared at an equal budget: any strategies, any spaces, any number of seeds.

    python benchmarks/compare.py                                    # about a minute, without any data
    python benchmarks/compare.py --problem digits-vgg --seeds 5     # on supernets, under 20 minutes on two cores

It is the command ``tdgnas compare``; see ``--help``.
"""

import sys

from tdgnas.cli import app

if __name__ == "__main__":
    app(["compare", *sys.argv[1:]])
