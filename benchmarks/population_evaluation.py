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
import random
import resource
import shlex
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from recorded_search import load
from torch import Tensor

from tdgnas.spaces import Architecture, Interner, SearchSpace, VGGShortcuts
from tdgnas.supernet import (
    CompiledEvaluator,
    EvaluationSet,
    PopulationEvaluator,
    Supernet,
    evaluate_one,
    fastest,
    race,
    second_order_gradients,
)
from tdgnas.supernet.population import _Request

HERE = Path(__file__).parent / "results"
SEARCHES = ("tdga_search_uniform.json", "tdga_search_layer_order.json", "tdga_search_darts.json")
Row = dict[str, Any]


# what is measured on ---------------------------------------------------------------------------------------------


def evaluation_set(images: int, batch: int, *, last: bool = True, device: str = "cpu") -> EvaluationSet:
    """Random images: what they show makes no difference to the time."""
    generator = torch.Generator().manual_seed(0)
    layout = torch.channels_last if last else torch.contiguous_format
    batches: list[tuple[Tensor, Tensor]] = []
    for start in range(0, images, batch):
        size = min(batch, images - start)
        x = torch.randn(size, 3, 32, 32, generator=generator).contiguous(memory_format=layout)
        y = torch.randint(0, 10, (size,), generator=generator)
        batches.append((x.to(device), y.to(device)))
    return EvaluationSet(tuple(batches), None, "batch")


def population(space: SearchSpace, kind: str, n: int, seed: int) -> list[Architecture]:
    """``random``, or so many mutations (changed decisions) apart from one random architecture."""
    rng = random.Random(seed)
    if kind == "random":
        return [space.sample(rng) for _ in range(n)]
    base = space.sample(rng)
    found = []
    for _ in range(n):
        choices = list(base.choices)
        for place in rng.sample(range(len(choices)), int(kind)):
            size = len(space.decisions[place].choices)
            choices[place] = (choices[place] + rng.randrange(1, size)) % size
        found.append(space.architecture(choices))
    return found


TIMERS = {"wall": time.perf_counter, "processor": time.process_time}
timer = TIMERS["wall"]


def clock(function: Callable[[], Any]) -> float:
    """Seconds of one call."""
    start = timer()
    function()
    return timer() - start


def loop(supernet: Supernet, where: EvaluationSet, architectures: Sequence[Architecture], most: int) -> float:
    """Seconds of the one-by-one loop, timed on some of the architectures, evenly spread."""
    some = list(architectures)[:: max(1, len(architectures) // most)][:most]
    return (
        clock(lambda: [evaluate_one(supernet, where, each) for each in some]) * len(architectures) / len(some)
    )


def in_turns(ways: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Call every way once per round; return its seconds by round."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            found[name].append(way())
    return found


def ratio(seconds: dict[str, list[float]], way: str, base: str = "loop") -> float:
    """Median over the rounds of how many times faster a way is."""
    return statistics.median(b / w for b, w in zip(seconds[base], seconds[way], strict=True))


# sections --------------------------------------------------------------------------------------------------------


def populations(given: argparse.Namespace) -> list[Row]:
    """Random and mutated populations: the loop, duplicates removed, depth-first, folded."""
    rows = []
    for stride in given.max_stride:
        space = VGGShortcuts(width=given.width, max_stride=stride or None)
        supernet = Supernet(space, device="cpu")
        for kind in ("random", "3", "1"):
            chosen = population(space, kind, given.population, given.seed)
            for last in (False, True):
                where = evaluation_set(given.images, given.batch_size, last=last)

                def way(
                    order: Any, where: EvaluationSet = where, chosen: Any = chosen, net: Any = supernet
                ) -> float:
                    evaluator = PopulationEvaluator(net, where, order=order, cache_bytes=0)
                    return clock(lambda: evaluator.scores(chosen))

                seconds = in_turns(
                    {
                        "loop": lambda w=where, c=chosen, n=supernet: loop(n, w, c, given.loop),  # type: ignore[misc]
                        "depth-first": lambda way=way: way("depth-first"),  # type: ignore[misc]
                        "folded": lambda way=way: way("folded"),  # type: ignore[misc]
                    },
                    given.repeats,
                )
                rows.append(
                    {
                        "gates": space.length,
                        "population": "random" if kind == "random" else f"{kind} mutation(s) apart",
                        "channels last": last,
                        **counts(supernet, where, chosen),
                        "loop s": statistics.median(seconds["loop"]),
                        "depth-first x": ratio(seconds, "depth-first"),
                        "folded x": ratio(seconds, "folded"),
                        "bookkeeping %": 100
                        * planning(supernet, where, chosen)
                        / min(seconds["depth-first"]),
                    }
                )
                show(rows[-1])
    return rows


def counts(supernet: Supernet, where: EvaluationSet, chosen: Sequence[Architecture]) -> Row:
    """Shares of nodes and multiply-adds that are left, and values held at once, by planning alone."""
    found: Row = {"distinct": len(set(chosen))}
    largest = max(len(labels) for _, labels in where.batches)
    for order in ("depth-first", "folded"):
        evaluator = PopulationEvaluator(supernet, where, order=order, cache_bytes=0)  # type: ignore[arg-type]
        evaluator._refresh()
        request = _Request(evaluator, chosen, range(len(where.batches)))
        plan, _ = request._plans()
        request._count_runs(plan, None)
        if order == "depth-first":
            found["nodes left %"] = 100 * request.executed.evaluations / request.requested.requests
            found["multiply-adds left %"] = (
                100 * request.executed.macs_executed / request.requested.macs_requested
            )
        found[f"{order} MiB"] = plan.peak(evaluator.costs) * largest * 4 / 2**20
    return found


def planning(supernet: Supernet, where: EvaluationSet, chosen: Sequence[Architecture]) -> float:
    """Seconds that finding out what to compute takes, for all batches of images together."""
    evaluator = PopulationEvaluator(supernet, where, cache_bytes=1 << 30)
    for architecture in chosen:
        supernet.space.check(architecture)

    def plan() -> None:
        evaluator.interner = Interner(supernet.space.nodes)
        evaluator.costs = type(evaluator.costs)(supernet.space)
        evaluator._refresh()
        _Request(evaluator, chosen, range(len(where.batches)))._plans()

    return min(clock(plan) for _ in range(3))


def growth(given: argparse.Namespace) -> list[Row]:
    """More individuals, more images."""
    space = VGGShortcuts(width=given.width)
    supernet = Supernet(space, device="cpu")
    cases = [(n, given.growth_images) for n in given.sizes] + [(10, images) for images in given.image_counts]
    rows = []
    for n, images in cases:
        where = evaluation_set(images, given.batch_size)
        for kind in ("random", "3", "1"):
            chosen = population(space, kind, n, given.seed)
            some = min(given.loop, 6 if images <= 500 else 2)
            seconds = in_turns(
                {
                    "loop": lambda: loop(supernet, where, chosen, some),  # noqa: B023
                    "shared": lambda: clock(
                        lambda: PopulationEvaluator(supernet, where, cache_bytes=0).scores(chosen)  # noqa: B023
                    ),
                },
                given.repeats if images <= 2000 else 1,
            )
            rows.append(
                {
                    "N": n,
                    "images": images,
                    "population": kind,
                    **counts(supernet, where, chosen),
                    "loop s": statistics.median(seconds["loop"]),
                    "shared s": statistics.median(seconds["shared"]),
                    "x": ratio(seconds, "shared"),
                }
            )
            show(rows[-1])
    return rows


def searches(given: argparse.Namespace) -> list[Row]:
    """Recorded searches: counts for every way, and the time with remembered scores and the value cache."""
    space = VGGShortcuts(width=given.width)
    supernet = Supernet(space, device="cpu")
    where = evaluation_set(given.search_images, min(given.search_images, given.batch_size))
    rows = []
    for name in SEARCHES:
        if not (HERE / name).is_file():
            continue
        settings, generations = load(HERE / name, space)
        generations = generations[: given.generations]
        asked = sum(map(len, generations))
        naive = sum(space.macs(each) for generation in generations for each in generation)
        row: Row = {
            "search": name.removeprefix("tdga_search_").removesuffix(".json"),
            "N": settings["population"],
            "asked": asked,
            "distinct, each generation %": 100 * sum(len(set(g)) for g in generations) / asked,
            "distinct ever %": 100 * len({each for g in generations for each in g}) / asked,
            "duplicates removed x": naive / sum(space.macs(each) for g in generations for each in set(g)),
        }
        for label, mib, remember in [
            ("shared", 0, False),
            ("and scores remembered", 0, True),
            *((f"and {mib} MiB cache", mib, True) for mib in given.cache_mib),
        ]:
            row[f"{label}, multiply-adds x"] = naive / replay_counts(
                supernet, where, generations, mib, remember
            )
        row |= replay(supernet, where, generations, given)
        rows.append(row)
        show(row)
    return rows


def replay_counts(
    supernet: Supernet,
    where: EvaluationSet,
    generations: list[list[Architecture]],
    mib: float,
    remember: bool,
) -> int:
    """Multiply-adds of a recorded search, by planning alone."""
    evaluator = PopulationEvaluator(supernet, where, cache_bytes=int(mib * 2**20))
    known: set[Architecture] = set()
    total = 0
    for generation in generations:
        fresh = [each for each in dict.fromkeys(generation) if each not in known]
        evaluator.note([each for each in generation if each in known])
        if remember:
            known.update(fresh)
        if fresh:
            evaluator._refresh()
            request = _Request(evaluator, fresh, range(len(where.batches)))
            plan, _ = request._plans()
            total += sum(evaluator.costs.macs[value] for value in plan.computed)
            evaluator.cache.entries = {key: [] for key in request.keep}
    return total


def replay(
    supernet: Supernet, where: EvaluationSet, generations: list[list[Architecture]], given: argparse.Namespace
) -> Row:
    """Time of a whole recorded search; the loop is timed on a few individuals of every fifth generation."""
    evaluator = PopulationEvaluator(supernet, where, cache_bytes=int(given.cache_mib[-1] * 2**20))
    known: set[Architecture] = set()
    shared, single = 0.0, []
    for number, generation in enumerate(generations):
        fresh = [each for each in dict.fromkeys(generation) if each not in known]
        evaluator.note([each for each in generation if each in known])
        known.update(fresh)
        shared += clock(lambda: evaluator.scores(fresh))  # noqa: B023
        if number % 5 == 0 and generation:
            single.append(loop(supernet, where, generation, 3) / len(generation))
    naive = statistics.mean(single) * sum(map(len, generations))
    late = evaluator.counters
    return {
        "images": where.images,
        "loop s": naive,
        "search s": shared,
        "search x": naive / shared,
        "counted x": late.macs_requested / late.macs_executed,
    }


def compiling(given: argparse.Namespace) -> list[Row]:
    """torch.compile of the dense form, channels last, and sharing, for one architecture of a random population."""
    space = VGGShortcuts(width=given.width)
    supernet = Supernet(space, device="cpu")
    chosen = population(space, "random", given.loop, given.seed)
    sets = {last: evaluation_set(given.images, given.batch_size, last=last) for last in (False, True)}
    ways: dict[str, Callable[[], float]] = {}
    rows = []
    for last, where in sets.items():
        suffix = "channels last" if last else "contiguous"
        dense = CompiledEvaluator(supernet, where)
        seconds = clock(lambda: dense.scores(chosen[:1]))  # noqa: B023
        rows.append({"way": f"compilation, {suffix}", "ms each": 1e3 * seconds})
        ways[f"loop, {suffix}"] = lambda w=where: loop(supernet, w, chosen, given.loop)  # type: ignore[misc]
        ways[f"compiled, {suffix}"] = lambda d=dense: clock(lambda: d.scores(chosen))  # type: ignore[misc]
        ways[f"shared depth-first, {suffix}"] = lambda w=where: clock(  # type: ignore[misc]
            lambda: PopulationEvaluator(supernet, w, cache_bytes=0).scores(chosen)
        )
    seconds_by = in_turns(ways, given.repeats)
    for name in ways:
        each = 1e3 * statistics.median(seconds_by[name]) / len(chosen)
        rows.append({"way": name, "ms each": each, "x": ratio(seconds_by, name, "loop, contiguous")})
    for row in rows:
        show(row)
    return rows


def folding(given: argparse.Namespace) -> list[Row]:
    """Depth-first and folded by the size of the batch, 16 random individuals, wall time."""
    space = VGGShortcuts(width=given.width)
    supernet = Supernet(space, device="cpu")
    chosen = population(space, "random", 16, given.seed)
    rows = []
    for batch in (8, 32, 128, 500):
        where = evaluation_set(batch, batch)
        choice = fastest(supernet, where, chosen, repeats=given.repeats)
        best = choice.options["order"]
        if best == "folded":
            best += f" {choice.options['chunk'] or 'by size'}"
        rows.append(
            {
                "images per batch": batch,
                **{f"{name} s": seconds for name, seconds in choice.seconds.items()},
                "chosen": best,
                "equal bits": choice.equal,
            }
        )
        show(rows[-1])
    return rows


def gradients(given: argparse.Namespace) -> list[Row]:
    """Alpha gradients of a population: all rows together, one by one; second order alone and together."""
    space = VGGShortcuts(width=given.width)
    supernet = Supernet(space, device="cpu")
    train, valid = evaluation_set(128, 64, last=False).batches
    genes = torch.randn(given.rows, space.length, generator=torch.Generator().manual_seed(1))

    def first(rows: int) -> float:
        from tdgnas.supernet.forward import group_losses

        def run() -> None:
            with supernet.batchnorm.use("batch"):
                for part in torch.split(genes, rows):
                    alpha = part.clone().requires_grad_()
                    torch.autograd.grad(
                        group_losses(supernet.relaxed(valid[0], alpha), valid[1]).sum(), alpha
                    )

        return clock(run)

    def bilevel() -> float:
        return clock(
            lambda: [
                supernet.bilevel_gradient(a.clone().requires_grad_(), train, valid, xi=0.025) for a in genes
            ]
        )

    def second(rows: int) -> float:
        return clock(lambda: second_order_gradients(supernet, genes, train, valid, xi=0.025, rows=rows))

    for parameter in supernet.parameters():
        parameter.requires_grad_(False)
    ways = {f"first order, {rows} row(s) a pass": (lambda r=rows: first(r)) for rows in (1, 4, given.rows)}
    firsts = in_turns(ways, given.repeats)  # type: ignore[arg-type]
    for parameter in supernet.parameters():
        parameter.requires_grad_(True)
    ways = {
        "second order, weights changed in place": bilevel,  # type: ignore[dict-item]
        "second order, weights untouched": lambda: second(1),  # type: ignore[dict-item,misc]
        f"second order, {given.rows} rows together": lambda: second(given.rows),  # type: ignore[dict-item,misc]
    }
    seconds = {**firsts, **in_turns(ways, given.repeats)}  # type: ignore[arg-type]
    rows = []
    for name, each in seconds.items():
        base = next(iter(firsts if name in firsts else ways))
        rows.append(
            {
                "way": name,
                "ms each alpha": 1e3 * statistics.median(each) / len(genes),
                "x": ratio(seconds, name, base),
            }
        )
        show(rows[-1])
    return rows


def racing(given: argparse.Namespace) -> list[Row]:
    """Regret of racing on populations of 32, on a supernet trained on the digits."""
    import tdgnas
    from tdgnas.supernet import evaluation_set as real_images

    data = tdgnas.data.load("digits")
    space = VGGShortcuts(width=1 / 32)
    supernet = Supernet(space, data, device="cpu").pretrain(given.racing_epochs)
    where = real_images(data.valid, batch_size=57)
    rows = []
    kinds: dict[str, list[list[Architecture]]] = {
        kind: [population(space, kind, 32, seed) for seed in range(given.races)] for kind in ("random", "3")
    }
    for kind, groups in kinds.items():
        exact = [PopulationEvaluator(supernet, where).scores(group) for group in groups]
        spread = statistics.mean(statistics.pstdev([s.loss for s in scores]) for scores in exact)
        for keep in (0.25, 0.5, 0.75):
            regrets, passes = [], []
            for group, scores in zip(groups, exact, strict=True):
                evaluator = PopulationEvaluator(supernet, where)
                result = race(evaluator, group, keep=keep)
                losses = [score.loss for score in scores]
                winner = min(range(len(group)), key=lambda n: result.scores[n].loss)
                regrets.append(losses[winner] - min(losses))
                passes.append(evaluator.counters.passes / (where.images * len(set(group))))
            rows.append(
                {
                    "population": kind,
                    "keep": keep,
                    "image passes %": 100 * statistics.mean(passes),
                    "best found %": 100 * sum(regret == 0 for regret in regrets) / len(regrets),
                    "mean regret nats": statistics.mean(regrets),
                    "largest regret nats": max(regrets),
                    "standard deviation of the losses": spread,
                }
            )
            show(rows[-1])
    return rows


def profiles(given: argparse.Namespace) -> list[Row]:
    """torch.profiler: where the time goes before (the loop, contiguous) and after (shared, channels last)."""
    space = VGGShortcuts(width=given.width)
    supernet = Supernet(space, device="cpu")
    chosen = population(space, "3", 16, given.seed)
    before, after = (evaluation_set(given.images, given.batch_size, last=last) for last in (False, True))
    runs = {
        "loop, contiguous": lambda: [evaluate_one(supernet, before, each) for each in chosen],
        "loop, channels last": lambda: [evaluate_one(supernet, after, each) for each in chosen],
        "shared, channels last": lambda: PopulationEvaluator(supernet, after, cache_bytes=0).scores(chosen),
    }
    return profiled(runs, [torch.profiler.ProfilerActivity.CPU])


def profiled(runs: dict[str, Callable[[], Any]], activities: list[Any]) -> list[Row]:
    """Shares of the operations in the time of each run; what is in no operation is Python."""
    gpu = torch.profiler.ProfilerActivity.CUDA in activities
    tables = {}
    for name, run in runs.items():
        run()
        with torch.profiler.profile(activities=activities) as trace:
            seconds = clock(run)
        own = {
            e.key: (e.self_device_time_total if gpu else e.self_cpu_time_total) / 1e6
            for e in trace.key_averages()
        }
        tables[name] = {"seconds": seconds, "in no operation": seconds - sum(own.values()), **own}
    names = {
        key for table in tables.values() for key, spent in table.items() if spent > 0.01 * table["seconds"]
    }
    names -= {"seconds", "in no operation"}
    order = sorted(names, key=lambda key: -next(iter(tables.values())).get(key, 0.0))
    rows: list[Row] = [
        {"operation": "all, seconds", **{name: table["seconds"] for name, table in tables.items()}}
    ]
    for key in [*order, "in no operation"]:
        shares = {name: 100 * table.get(key, 0.0) / table["seconds"] for name, table in tables.items()}
        rows.append({"operation": f"{key} %", **shares})
    for row in rows:
        show(row)
    return rows


# output ----------------------------------------------------------------------------------------------------------


def show(row: Row) -> None:
    print(
        {key: round(value, 3) if isinstance(value, float) else value for key, value in row.items()},
        flush=True,
    )


def table(rows: list[Row]) -> str:
    """Markdown of rows with the same keys."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    lines = ["| " + " | ".join(keys) + " |", "|" + "---|" * len(keys)]
    lines += ["| " + " | ".join(text(row.get(key, "")) for key in keys) + " |" for row in rows]
    return "\n".join(lines)


def text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, float):
        return str(value)
    return f"{value:.4f}" if abs(value) < 0.1 else f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


SECTIONS: dict[str, Callable[[argparse.Namespace], list[Row]]] = {
    "populations": populations,
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
        given.search_images, given.generations, given.rows, given.races, given.racing_epochs = 16, 4, 2, 2, 0
    return given


def main() -> None:
    global timer
    given = arguments()
    timer = TIMERS[given.timer]
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
