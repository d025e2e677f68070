"""Population evaluation on a GPU: beside the eager one-by-one loop, a whole search, and what limits it.

    python benchmarks/gpu.py                                        # on a GPU, at the published size: minutes
    python benchmarks/gpu.py --device cpu --quick                   # tries the script itself on a CPU, tiny

Sections: the rate of bfloat16 matrix products on this device; a TDGA generation (N=21) on 2,000 images at width 1,
one by one in float32 and by every order of the population evaluator; TDGA searches of 150 generations; a profile.
Images are random: what they show makes no difference to the time. Results go to benchmarks/results/gpu.md.
"""

from __future__ import annotations

import argparse
import random
import shlex
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import torch
from evaluation.search import tdga
from evaluation.timing import HERE, Row, clock, in_turns, loop, population, ratio, show, table
from evaluation.variants import profiled

import tdgnas
from tdgnas.data import ImageData, Splits
from tdgnas.spaces import VGGShortcuts
from tdgnas.supernet import EvaluationSet, PopulationEvaluator, Supernet, evaluate_one, evaluation_set

WAYS: dict[str, dict[str, Any]] = {
    "depth-first, float32": {"order": "depth-first", "autocast": False},
    "folded, float32": {"order": "folded", "autocast": False},
    "depth-first, bfloat16": {"order": "depth-first", "autocast": True},
    "folded, bfloat16": {"order": "folded", "autocast": True},
}


def images(n: int) -> ImageData:
    """Random images with random labels."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (n, 3, 32, 32), generator=generator, dtype=torch.uint8)
    labels = torch.randint(0, 10, (n,), generator=generator)
    return ImageData(pixels, labels, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def matrix_rate(device: torch.device, size: int) -> float:
    """Multiply-adds per second of bfloat16 matrix products, the best of ten."""
    a, b = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))

    def product() -> None:
        a @ b
        wait(device)

    product()
    return size**3 / min(clock(product) for _ in range(10))


def evaluation(supernet: Supernet, where: EvaluationSet, given: argparse.Namespace, rate: float) -> list[Row]:
    """One generation, by every way in turns; ratios to the one-by-one loop in float32 on contiguous images."""
    plain = evaluation_set(
        images(given.images).to(supernet.device), batch_size=given.batch_size, channels_last=False
    )
    rows = []
    for kind in ("random", "3", "1"):
        chosen = population(supernet.space, kind, given.population, given.seed)
        exact = [evaluate_one(supernet, plain, each) for each in chosen]
        evaluators = {
            name: PopulationEvaluator(supernet, where, cache_bytes=0, **o) for name, o in WAYS.items()
        }
        off = {}
        for name, evaluator in evaluators.items():  # also warms up
            found = evaluator.scores(chosen)
            off[name] = max(abs(f.loss - e.loss) / e.loss for f, e in zip(found, exact, strict=True))
        seconds = in_turns(
            {
                "loop": lambda c=chosen: loop(supernet, plain, c, len(c)),  # type: ignore[misc]
                **{n: lambda e=e, c=chosen: clock(lambda: e.scores(c)) for n, e in evaluators.items()},  # type: ignore[misc]
            },
            given.repeats,
        )
        work = sum(map(supernet.space.macs, chosen)) * where.images
        rows.append(
            {"population": kind, "way": "loop, float32", "s": statistics.median(seconds["loop"]), "x": 1.0}
        )
        rows[-1]["share of the matrix rate %"] = 100 * work / rows[-1]["s"] / rate
        show(rows[-1])
        for name, evaluator in evaluators.items():
            counted = evaluator.counters.copy()
            evaluator.scores(chosen)
            executed = evaluator.counters.since(counted).macs_executed
            spent = statistics.median(seconds[name])
            rows.append(
                {
                    "population": kind,
                    "way": name,
                    "s": spent,
                    "x": ratio(seconds, name),
                    "share of the matrix rate %": 100 * executed / spent / rate,
                    "largest relative difference of a loss": off[name],
                }
            )
            show(rows[-1])
    return rows


def searches(supernet: Supernet, given: argparse.Namespace) -> list[Row]:
    """TDGA searches, without and with the gradient step on every individual."""
    rows = []
    data = images(given.images)
    for local_search in (False, True):
        random.seed(given.seed)
        fitness = tdgnas.SupernetFitness(supernet, data, batch_size=given.batch_size)
        toolbox, strategy = tdga(fitness, 10, given.ngen, local_search=local_search)
        start = time.perf_counter()
        for _ in tdgnas.evolve(strategy, toolbox, given.ngen):
            pass
        wait(supernet.device)
        counters = fitness.counters
        rows.append(
            {
                "search": f"{given.ngen} generations" + (", a gradient step each" if local_search else ""),
                "minutes": (time.perf_counter() - start) / 60,
                "architectures evaluated": fitness.budget.evaluations,
                "multiply-adds executed %": 100 * counters.share,
            }
        )
        show(rows[-1])
    return rows


def profile(supernet: Supernet, where: EvaluationSet, given: argparse.Namespace) -> list[Row]:
    """Where the time goes: the loop, and the default order of this device."""
    chosen = population(supernet.space, "3", given.population, given.seed)
    activities = [torch.profiler.ProfilerActivity.CPU]
    if supernet.device.type == "cuda":
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    runs = {
        "loop": lambda: [evaluate_one(supernet, where, each) for each in chosen],
        "population": lambda: PopulationEvaluator(supernet, where, cache_bytes=0).scores(chosen),
    }
    return profiled(runs, activities)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--population", type=int, default=21)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--batch-size", type=int, default=500)
    parser.add_argument("--ngen", type=int, default=150)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--matrix", type=int, default=8192, help="side of the matrices of the rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="tiny, to try the script")
    parser.add_argument("--out", type=Path, default=HERE / "gpu.md")
    given = parser.parse_args()
    if given.quick:
        given.width, given.population, given.images, given.batch_size = 1 / 32, 4, 32, 16
        given.ngen, given.repeats, given.matrix = 2, 1, 256
    return given


def main() -> None:
    given = arguments()
    device = torch.device(given.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise SystemExit(
            "there is no GPU that torch can use here; --device cpu --quick tries the script without one"
        )
    data = images(given.images)
    names = tuple(map(str, range(10)))
    splits = Splits("random", data, data, data, names, data.mean, data.std)
    supernet = Supernet(VGGShortcuts(width=given.width), splits, device=given.device)
    where = evaluation_set(images(given.images).to(supernet.device), batch_size=given.batch_size)
    rate = matrix_rate(device, given.matrix)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    print(f"{name}: {2 * rate / 1e12:.1f} TFLOP/s in bfloat16 matrix products", flush=True)
    sections = {
        "One generation": evaluation(supernet, where, given, rate),
        "Searches": searches(supernet, given),
        "Profile": profile(supernet, where, given),
    }
    lines = [
        "# On a GPU",
        "",
        f"`python benchmarks/gpu.py {shlex.join(sys.argv[1:])}`, {name}, torch {torch.__version__}: "
        f"{2 * rate / 1e12:.1f} TFLOP/s in bfloat16 matrix products of side {given.matrix}.",
    ]
    for title, rows in sections.items():
        lines += ["", f"## {title}", "", table(rows)]
    if device.type == "cuda":
        lines += [
            "",
            f"Largest memory on the device: {torch.cuda.max_memory_allocated(device) / 2**20:.0f} MiB.",
        ]
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
