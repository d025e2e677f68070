"""Evaluating populations on the shared supernet beside the one-by-one loop: multiply-adds, wall time, memory.

    python benchmarks/population_evaluation.py                      # everything; about half an hour on two cores
    python benchmarks/population_evaluation.py --sections populations search --repeats 5
    python benchmarks/population_evaluation.py --quick              # every section, tiny, in a minute

All ways of evaluating are timed in turns in the same process, and a ratio is the median over the rounds of the loop's
time through the other's, so that a busy machine slows both. The loop is timed on some of the individuals and scaled
to all (its time for each is the same but for the gates). Multiply-adds are exact counts. Results go to
benchmarks/results/population_evaluation.md.
"""

from __future__ import annotations

import argparse
import json
import resource
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from evaluation.sharing import cells, growth, populations, searches
from evaluation.timing import HERE, TIMERS, Row, table, use_timer
from evaluation.variants import compiling, folding, gradients, profiles, racing

SECTIONS: dict[str, Callable[[argparse.Namespace], list[Row]]] = {
    "populations": populations,
    "cells": cells,
    "search": searches,
    "growth": growth,
    "folding": folding,
    "compile": compiling,
    "gradients": gradients,
    "racing": racing,
    "profile": profiles,
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sections", nargs="+", choices=list(SECTIONS), default=list(SECTIONS))
    parser.add_argument("--width", type=float, default=1 / 8)
    parser.add_argument(
        "--max-stride", type=int, nargs="+", default=[2, 0], help="0 lifts the limit: 105 gates"
    )
    parser.add_argument("--population", type=int, default=64)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--batch-size", type=int, default=500)
    parser.add_argument("--loop", type=int, default=12, help="individuals on which the loop is timed")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--growth-images", type=int, default=100)
    parser.add_argument("--image-counts", type=int, nargs="+", default=[500, 2000, 10000])
    parser.add_argument("--search-images", type=int, default=250)
    parser.add_argument("--generations", type=int, default=151)
    parser.add_argument(
        "--cache-mib", type=float, nargs="+", default=[128, 512, 2048], help="the last one is timed"
    )
    parser.add_argument("--cell-channels", type=int, default=8, help="of the spaces of cells")
    parser.add_argument("--cell-images", type=int, default=100)
    parser.add_argument("--rows", type=int, default=8)
    parser.add_argument("--races", type=int, default=20)
    parser.add_argument("--racing-epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument(
        "--timer",
        choices=list(TIMERS),
        default="wall",
        help="processor: on a machine that others use, one thread",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path, default=HERE / "population_evaluation.md")
    parser.add_argument("--json", type=Path, default=None)
    given = parser.parse_args()
    if given.quick:
        given.width, given.population, given.images, given.batch_size, given.loop = 1 / 32, 8, 16, 16, 2
        given.repeats, given.sizes, given.growth_images, given.image_counts = 1, [4, 8], 16, [16, 32]
        given.cell_channels, given.cell_images = 4, 16
        given.search_images, given.generations, given.rows, given.races, given.racing_epochs = 16, 4, 2, 2, 0
    return given


def main() -> None:
    given = arguments()
    use_timer(given.timer)
    if given.threads:
        torch.set_num_threads(given.threads)
    results = {}
    lines = ["# Population evaluation", "", settings_line(given)]
    for name in given.sections:
        print(f"== {name}", flush=True)
        start = time.perf_counter()
        results[name] = SECTIONS[name](given)
        head = (SECTIONS[name].__doc__ or name).strip().splitlines()[0]
        lines += [
            "",
            f"## {name}",
            "",
            f"{head} ({time.perf_counter() - start:.0f} s)",
            "",
            table(results[name]),
        ]
        write(given, [*lines, "", f"Largest memory of the process so far: {peak_mib():.0f} MiB."], results)


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def write(given: argparse.Namespace, lines: list[str], results: dict[str, list[Row]]) -> None:
    """Write what there is: a stopped run leaves its finished sections."""
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if given.json is not None:
        given.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def settings_line(given: argparse.Namespace) -> str:
    shown = {k: v for k, v in vars(given).items() if k not in ("out", "json", "sections")}
    return (
        f"`python benchmarks/population_evaluation.py {shlex.join(sys.argv[1:])}`, torch {torch.__version__}, "
        f"{torch.get_num_threads()} thread(s), settings {json.dumps(shown)}.\n\n"
        "`x` is how many times faster than the one-by-one loop (evaluate_one, the same images in the same layout "
        "unless said otherwise); `left` is the share of what that loop computes."
    )


if __name__ == "__main__":
    main()
