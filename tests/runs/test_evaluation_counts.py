"""What evaluating each generation took, as a run writes it down."""

from __future__ import annotations

from pathlib import Path

from tdgnas.files.tables import read_table
from tdgnas.runs.search_phase import COST_COLUMNS


def test_counts_are_written_for_every_generation(finished_run: Path) -> None:
    rows = read_table(finished_run / "timings" / "evaluation.csv")
    history = read_table(finished_run / "history.csv")
    assert [row["gen"] for row in rows] == [row["gen"] for row in history]
    assert tuple(rows[0]) == COST_COLUMNS
    for row in rows:
        assert 0 <= row["macs_executed"] <= row["macs_requested"]
        assert row["macs_saved"] == row["macs_requested"] - row["macs_executed"]
        assert row["evaluations"] <= row["requests"]
    first, last = rows[0], history[0]["passes"]
    pretrained = read_table(finished_run / "pretraining.csv")[-1]["passes"]
    assert last - first["passes"] == pretrained  # one ledger: what came before the search counts as well
    assert history[-1]["passes"] - pretrained > sum(row["passes"] for row in rows)  # and gradients
    assert rows[0]["macs_saved"] > 0
