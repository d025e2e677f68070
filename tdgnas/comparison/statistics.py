"""What the results say: summaries, pairwise tests with Holm's correction, effect sizes, ranks.

Sources: Holm 1979; Vargha and Delaney 2000 (effect size A); Demsar 2006, *Statistical Comparisons of
Classifiers over Multiple Data Sets* (Friedman test, critical difference).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt
import scipy  # which imports its parts when they are used

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
    :param nemenyi: of each strategy, p of Nemenyi's test against each of them.
    """

    mean: dict[str, float]
    friedman: float
    critical: float
    blocks: int
    nemenyi: dict[str, dict[str, float]]


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
    from statsmodels.stats.multitest import multipletests  # here and below: half a second to import

    found, test = [], "wilcoxon" if paired else "mann-whitney"
    for first, second in combinations(results, 2):
        seeds = sorted(set(results[first]) & set(results[second]))
        if paired:
            a, b = (np.array([results[name][seed] for seed in seeds]) for name in (first, second))
        else:
            a, b = (np.array(list(results[name].values())) for name in (first, second))
        if len(a) and len(b):
            p, a12 = _p(a, b, paired), effect(a, b, higher=higher)
            found.append(Pair(first, second, test, p, p, a12, float(a.mean() - b.mean())))
    corrected = multipletests([pair.p for pair in found], method="holm")[1].tolist() if found else []
    return [replace(pair, holm=p) for pair, p in zip(found, corrected, strict=True)]


def _p(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64], paired: bool) -> float:
    if min(len(a), len(b)) < 2 or (paired and bool(np.all(a == b))):
        return 1.0
    if paired:
        return float(scipy.stats.wilcoxon(a, b, zero_method="zsplit").pvalue)
    return float(scipy.stats.mannwhitneyu(a, b, alternative="two-sided").pvalue)


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
    above = scipy.stats.mannwhitneyu(a, b).statistic / (len(a) * len(b))
    return float(above if higher else 1 - above)


def rank(results: Results, *, higher: bool) -> Ranks | None:
    """Rank the strategies within each seed that all of them have; None with fewer than two of either."""
    from pandas import DataFrame
    from scikit_posthocs import posthoc_nemenyi_friedman

    names = list(results)
    seeds = sorted(set.intersection(*(set(results[name]) for name in names))) if names else []
    if len(names) < 2 or len(seeds) < 2:
        return None
    table = np.array([[results[name][seed] for name in names] for seed in seeds])
    ranks = scipy.stats.rankdata(-table if higher else table, axis=1)
    friedman = math.nan
    if len(names) > 2 and np.ptp(ranks) > 0:
        friedman = float(scipy.stats.friedmanchisquare(*table.T).pvalue)
    k, n = len(names), len(seeds)
    # Nemenyi: q of the studentised range with infinite degrees of freedom, over sqrt(2) (Demsar, section 3.2.2).
    q = float(scipy.stats.studentized_range.ppf(0.95, k, np.inf)) / math.sqrt(2)
    critical = q * math.sqrt(k * (k + 1) / (6 * n))
    nemenyi = posthoc_nemenyi_friedman(DataFrame(table, columns=names)).to_dict()
    return Ranks(dict(zip(names, ranks.mean(axis=0).tolist(), strict=True)), friedman, critical, n, nemenyi)
