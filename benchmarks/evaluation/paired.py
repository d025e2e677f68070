"""Rows of numbers by seed as a table, with paired tests of one column against all others."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import stats


def paired(rows: Mapping[int, Mapping[str, float]], hero: str) -> list[str]:
    """Return Markdown: the seeds, means and deviations, and how much better the hero is, seed by seed.

    :param rows: percentages by seed and column; every seed has every column.
    :param hero: the column that is tested, one-sided, against each of the others.
    """
    names = list(next(iter(rows.values())))
    lines = [f"| seed | {' | '.join(names)} |", f"|{' ---: |' * (1 + len(names))}"]
    lines += [
        f"| {seed} | {' | '.join(f'{row[name]:.1f}' for name in names)} |" for seed, row in rows.items()
    ]
    columns = {name: np.array([row[name] for row in rows.values()]) for name in names}
    means = [f"{each.mean():.1f} ± {each.std(ddof=1):.1f}" for each in columns.values()]
    lines += [f"| mean ± sd | {' | '.join(means)} |", ""]
    for name in (one for one in names if one != hero):
        gain = columns[hero] - columns[name]
        test = stats.ttest_1samp(gain, 0.0, alternative="greater")
        lines.append(
            f"- {hero} minus {name}: {gain.mean():+.1f} points (sd {gain.std(ddof=1):.1f}), better for "
            f"{(gain > 0).sum()} of {len(gain)} seeds, one-sided paired t-test p = {test.pvalue:.2g}."
        )
    return lines
