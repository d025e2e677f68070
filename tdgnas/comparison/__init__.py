"""Comparing strategies at an equal budget: plan, run, statistics."""

from .outcome import Outcome, outcomes, write_outcomes
from .plan import Cell, Plan
from .problems import default_problem, make_problem
from .run import Runner, Stopped, cpus
from .session import Problem, Session
from .specs import Spec, parse, parse_all
from .statistics import Pair, Ranks, Summary, compare_pairs, effect, rank, summarise

__all__ = [
    "Cell",
    "Outcome",
    "Pair",
    "Plan",
    "Problem",
    "Ranks",
    "Runner",
    "Session",
    "Spec",
    "Stopped",
    "Summary",
    "compare_pairs",
    "cpus",
    "default_problem",
    "effect",
    "make_problem",
    "outcomes",
    "parse",
    "parse_all",
    "rank",
    "summarise",
    "write_outcomes",
]
