"""How the tests of comparisons make one and run it."""

from __future__ import annotations

from tdgnas.comparison import Plan, Runner, parse


def make_plan(strategies=("random", "aging"), problems=("synthetic",), seeds=(0, 1), **options):
    options = {"limit": 1500, **options} if problems == ("synthetic",) else options
    return Plan(
        None if strategies is None else [parse(s) for s in strategies],
        [parse(p) for p in problems],
        seeds,
        **options,
    )


def run(plan, out, **options):
    said, done = [], []
    runner = Runner(plan, out, map=map, **options)
    runner.run(say=said.append, done=lambda text, count, total: done.append((text, count, total)))
    return runner, said, done
