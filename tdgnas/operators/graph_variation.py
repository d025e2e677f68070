"""Variation of networks as graphs: what is crossed or changed hangs together, and stays a valid architecture.

Operators know decisions by their genes (``slices``) and what belongs together by ``groups`` (the genes of each target
node or cell), as ``space.slices`` and ``space.groups`` have them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import wraps
from itertools import combinations
from typing import Any, TypeVar

from ..decision import choice_of
from ..individual import GenomeLike
from .moves import Group, check_scale, choose, flip, gene_groups, pair_length, redraw, swap, write
from .registry import OPERATORS

__all__ = ["cxSubgraph", "keepValid", "mutOperation", "mutRewire"]

Genes = TypeVar("Genes", bound=GenomeLike)


@OPERATORS.register("subgraph")
def cxSubgraph(
    ind1: Genes,
    ind2: Genes,
    *,
    groups: Sequence[Group],
    links: Sequence[tuple[int, int]] | None = None,
    rng: random.Random | None = None,
) -> tuple[Genes, Genes]:
    """Swap a random connected part of the graph: all genes of some groups that hang together [Globus1999]_.

    The part grows from a random group by random neighbours to a random size, at most all groups but one.

    :param ind1: the first individual, changed in place.
    :param ind2: the second individual, changed in place.
    :param groups: the genes of each node.
    :param links: pairs of groups that are neighbours; by default each one and the next.
    :param rng: where random numbers come from (``randrange``), instead of :mod:`random`.
    :returns: a tuple of the two individuals.
    :raises ValueError: when groups or links do not fit, or there are fewer than two groups.

    .. [Globus1999] Globus, Lawton, Wipke, "Automatic molecular design using evolutionary techniques",
       Nanotechnology 10, 1999: crossover by connected fragments of graphs.
    """
    parts = gene_groups(groups, pair_length(ind1, ind2), name="groups")
    if len(parts) < 2:
        raise ValueError(
            "a part of the graph needs at least two groups; got one, which would swap everything"
        )
    pairs = [(place, place + 1) for place in range(len(parts) - 1)] if links is None else list(links)
    if not all(0 <= end < len(parts) for pair in pairs for end in pair):
        raise ValueError(f"links must be pairs of groups from 0 to {len(parts) - 1}; got {pairs!r}")
    pick = random.randrange if rng is None else rng.randrange
    part = [pick(len(parts))]
    size = pick(1, len(parts))
    while len(part) < size:
        around = sorted({b for a, b in pairs if a in part} | {a for a, b in pairs if b in part})
        around = [group for group in around if group not in part]
        if not around:
            break
        part.append(around[pick(len(around))])
    for group in part:
        swap(ind1, ind2, parts[group])
    return ind1, ind2


@OPERATORS.register("rewire")
def mutRewire(
    individual: Genes,
    *,
    slices: Sequence[Group],
    groups: Sequence[Group],
    scale: float = 1.0,
    rng: random.Random | None = None,
) -> tuple[Genes]:
    """Move a connection: two decisions of one target node exchange their genes.

    The mutation of inputs ("hidden state") of regularised evolution [Real2019]_, for decisions on edges. What an edge
    carries, an operation or a gate's state, goes to another edge into the same node, so that a node keeps the number
    of its connections and of each operation. Where no node has two decisions that differ in their choice, one random
    decision is redrawn.

    :param individual: the individual, changed in place.
    :param slices: the genes of each decision.
    :param groups: the genes of each target node, each made of whole decisions.
    :param scale: the magnitude given to a gate of 0, > 0.
    :param rng: where random numbers come from (``randrange``), instead of :mod:`random`.
    :returns: a tuple of the individual.
    :raises ValueError: when slices or groups do not fit.
    """
    check_scale(scale)
    decisions = gene_groups(slices, len(individual), name="slices")
    targets = [set(genes) for genes in gene_groups(groups, len(individual), name="groups")]
    chosen = [choice_of([individual[gene] for gene in one]) for one in decisions]
    inside = [
        [(one, choice) for one, choice in zip(decisions, chosen, strict=True) if target.issuperset(one)]
        for target in targets
    ]
    pairs = [
        (one, two)
        for own in inside
        for (one, first), (two, second) in combinations(own, 2)
        if len(one) == len(two) and first != second
    ]
    pick = random.randrange if rng is None else rng.randrange
    if pairs:
        one, two = pairs[pick(len(pairs))]
        for a, b in zip(one, two, strict=True):
            individual[a], individual[b] = individual[b], individual[a]
    else:
        redraw(individual, decisions[pick(len(decisions))], pick, scale)
    return (individual,)


@OPERATORS.register("operation")
def mutOperation(
    individual: Genes,
    *,
    slices: Sequence[Group],
    keep: Sequence[int] = (),
    scale: float = 1.0,
    rng: random.Random | None = None,
) -> tuple[Genes]:
    """Redraw exactly one decision, and never one that now takes, nor to, a choice that is to be kept [Real2019]_.

    With ``keep=(0,)`` where choice 0 is ``none``, edges that are cut stay cut and no other is: the graph keeps its
    connections and only operations change.

    :param individual: the individual, changed in place.
    :param slices: the genes of each decision.
    :param keep: choices that are neither left nor entered; gates are choices 0 and 1.
    :param scale: the magnitude given to a gate of 0, > 0.
    :param rng: where random numbers come from (``randrange``), instead of :mod:`random`.
    :returns: a tuple of the individual, unchanged when nothing may change.
    :raises ValueError: when slices or scale do not fit.
    """
    check_scale(scale)
    open_choices = []
    for genes in gene_groups(slices, len(individual), name="slices"):
        old = choice_of([individual[gene] for gene in genes])
        others = [c for c in range(max(len(genes), 2)) if c != old and c not in keep and old not in keep]
        open_choices += [(genes, others)] if others else []
    pick = random.randrange if rng is None else rng.randrange
    if open_choices:
        genes, others = open_choices[pick(len(open_choices))]
        new = others[pick(len(others))]
        if len(genes) == 1:
            flip(individual, genes, scale)
        else:
            choose(individual, genes, new)
    return (individual,)


def keepValid(
    valid: Callable[[GenomeLike], bool], tries: int = 10
) -> Callable[[Callable[..., tuple[Any, ...]]], Callable[..., tuple[Any, ...]]]:
    """Return a decorator for a mutation or crossover that draws again until its results are valid.

    ``toolbox.decorate("mutate", keepValid(connected))``: after so many tries without success the individuals keep
    their old genes.

    :param valid: says whether an individual is valid, for instance whether its graph is connected.
    :param tries: how often the operator is called at most, >= 1.
    :raises ValueError: for fewer than one try.

    It uses the random numbers of the operator that it decorates.
    """
    if tries < 1:
        raise ValueError(f"tries must be at least 1; got {tries!r}")

    def decorate(operator: Callable[..., tuple[Any, ...]]) -> Callable[..., tuple[Any, ...]]:
        @wraps(operator)
        def again(*individuals: GenomeLike, **keywords: Any) -> tuple[Any, ...]:
            before = [deepcopy(list(individual)) for individual in individuals]
            for _ in range(tries):
                result = operator(*individuals, **keywords)
                if all(valid(individual) for individual in result):
                    return result
                for individual, genes in zip(individuals, before, strict=True):
                    write(individual, genes)
            return individuals

        return again

    return decorate
