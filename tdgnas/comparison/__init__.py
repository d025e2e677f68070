"""Comparing strategies at an equal budget: plan, run, statistics."""

from .outcome import Outcome, outcomes, write_outcomes
from .plan import Cell, Plan, Subject, default_problem
from .run import Runner
from .specs import Spec, parse, parse_all
from .statistics import Pair, Ranks, Summary, compare_pairs, effect, rank, summarise

__all__ = [
    "Cell", "Outcome", "Pair", "Plan", "Ranks", "Runner", "Spec", "Subject", "Summary", "compare_pairs",
    "default_problem", "effect", "outcomes", "parse", "parse_all", "rank", "summarise", "write_outcomes",
]  # fmt: skip
