"""Comparing strategies at an equal budget: plan, run, statistics, figures, report."""

from .command import command
from .plan import Cell, Plan
from .problems import Problem, Session, make_problem
from .report import Outcome, write_report
from .run import Runner, Stopped
from .search import Trace, search
from .specs import Spec, parse
from .statistics import Pair, Ranks, Summary, compare_pairs, effect, holm, rank, summarise

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
    "Trace",
    "command",
    "compare_pairs",
    "effect",
    "holm",
    "make_problem",
    "parse",
    "rank",
    "search",
    "summarise",
    "write_report",
]
