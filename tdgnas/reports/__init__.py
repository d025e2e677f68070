"""Pages: the report of an experiment, of several beside each other, of a comparison; each one HTML file."""

from .comparison import write_comparison
from .run import draw_run, read_findings, write_report
from .runs import write_runs
from .summary import read_rows, result_table

__all__ = [
    "draw_run", "read_findings", "read_rows", "result_table", "write_comparison", "write_report",
    "write_runs",
]  # fmt: skip
