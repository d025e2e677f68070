"""What the results say: summaries, pairwise tests with Holm's correction, effect sizes, ranks.

Sources: Holm 1979; Vargha and Delaney 2000 (effect size A); Demsar 2006, *Statistical Comparisons of
Classifiers over Multiple Data Sets* (Friedman test, critical difference).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy import stats

Results = Mapping[str, Mapping[int, float]]
"""Of each strategy the result of each seed."""


@dataclass(frozen=True)
class Summary:
    """A strategy's results on one problem."""

    strategy: str
    n: int
    mean: float
    std: float
    median: float
    best: float


@dataclass(frozen=True)
class Pair:
    """Two strategies compared.

    :param test: ``wilcoxon`` (signed ranks of paired seeds) or ``mann-whitney``.
    :param p: two-sided.
    :param holm: p corrected for all pairs of the problem.
    :param a12: probability that a result of the first is better than one of the second, ties counting half.
    :param difference: mean of the first minus mean of the second.
    """

    first: str
    second: str
    test: str
    p: float
    holm: float
    a12: float
    difference: float


@dataclass(frozen=True)
class Ranks:
    """Mean ranks over seeds (1 is best), and the difference that counts.

    :param mean: mean rank of each strategy.
    :param friedman: p of the Friedman test that all are equal; NaN for fewer than three strategies.
    :param critical: critical difference of mean ranks at 5 % (Nemenyi).
    :param blocks: number of blocks that were ranked.
    """

    mean: dict[str, float]
    friedman: float
    critical: float
    blocks: int


def summarise(results: Results, *, higher: bool) -> list[Summary]:
    """Return a summary of each strategy, the best mean first.

    :param higher: whether larger results are better.
    """
    rows = []
    for strategy, by_seed in results.items():
        values = np.array(list(by_seed.values()), dtype=np.float64)
        if not len(values):
            continue
        std = float(values.std(ddof=1)) if len(values) > 1 else math.nan
        best = float(values.max() if higher else values.min())
        rows.append(Summary(strategy, len(values), float(values.mean()), std, float(np.median(values)), best))
    return sorted(rows, key=lambda row: -row.mean if higher else row.mean)


def compare_pairs(results: Results, *, higher: bool, paired: bool) -> list[Pair]:
    """Test every pair of strategies.

    Where seeds are paired (they share a supernet), the seeds that both have are compared by Wilcoxon's signed
    ranks; otherwise all results by Mann and Whitney's test. Fewer than two results give p = 1.

    :param higher: whether larger results are better.
    :param paired: whether results of one seed belong together.
    """
    found = []
    for first, second in combinations(results, 2):
        seeds = sorted(set(results[first]) & set(results[second]))
        if paired:
            a, b = (np.array([results[name][seed] for seed in seeds]) for name in (first, second))
        else:
            a, b = (np.array(list(results[name].values())) for name in (first, second))
        if len(a) and len(b):
            found.append(
                (first, second, _p(a, b, paired), effect(a, b, higher=higher), float(a.mean() - b.mean()))
            )
    corrected = holm([p for _, _, p, _, _ in found])
    test = "wilcoxon" if paired else "mann-whitney"
    return [
        Pair(first, second, test, p, q, a12, difference)
        for (first, second, p, a12, difference), q in zip(found, corrected, strict=True)
    ]


def _p(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64], paired: bool) -> float:
    if min(len(a), len(b)) < 2 or (paired and bool(np.all(a == b))):
        return 1.0
    if paired:
        return float(stats.wilcoxon(a, b, zero_method="zsplit").pvalue)
    return float(stats.mannwhitneyu(a, b, alternative="two-sided").pvalue)


def effect(
    a: Sequence[float] | npt.NDArray[np.float64],
    b: Sequence[float] | npt.NDArray[np.float64],
    *,
    higher: bool,
) -> float:
    """Return Vargha and Delaney's A: the probability that one of ``a`` is better than one of ``b``.

    >>> effect([3, 4], [1, 2], higher=True), effect([1, 2], [1, 2], higher=False)
    (1.0, 0.5)
    """
    left, right = np.asarray(a, dtype=np.float64)[:, None], np.asarray(b, dtype=np.float64)[None]
    above = (left > right).mean() if higher else (left < right).mean()
    return float(above + (left == right).mean() / 2)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number by Holm's step-down method, in the same order.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    corrected, largest = [0.0] * len(p_values), 0.0
    for place, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[index]))
        corrected[index] = largest
    return corrected


def rank(results: Results, *, higher: bool) -> Ranks | None:
    """Rank the strategies within each seed that all of them have; None with fewer than two of either."""
    names = list(results)
    seeds = sorted(set.intersection(*(set(results[name]) for name in names))) if names else []
    if len(names) < 2 or len(seeds) < 2:
        return None
    table = np.array([[results[name][seed] for name in names] for seed in seeds])
    ranks = stats.rankdata(-table if higher else table, axis=1)
    friedman = math.nan
    if len(names) > 2 and np.ptp(ranks) > 0:
        friedman = float(stats.friedmanchisquare(*table.T).pvalue)
    k, n = len(names), len(seeds)
    # Nemenyi: q of the studentised range with infinite degrees of freedom, over sqrt(2) (Demsar, section 3.2.2).
    q = float(stats.studentized_range.ppf(0.95, k, np.inf)) / math.sqrt(2)
    critical = q * math.sqrt(k * (k + 1) / (6 * n))
    return Ranks(dict(zip(names, ranks.mean(axis=0).tolist(), strict=True)), friedman, critical, n)


def cliques(ranks: Ranks) -> list[tuple[str, ...]]:
    """Return the largest groups of strategies whose mean ranks differ by less than the critical
    difference."""
    order = sorted(ranks.mean, key=lambda name: ranks.mean[name])
    groups: list[tuple[str, ...]] = []
    for start, name in enumerate(order):
        near = [other for other in order[start:] if ranks.mean[other] - ranks.mean[name] < ranks.critical]
        if len(near) > 1 and not any(set(near) <= set(group) for group in groups):
            groups.append(tuple(near))
    return groups
