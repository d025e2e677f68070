"""Parts of an individual that operators treat as one: a decision, a target node, a layer."""

from __future__ import annotations

from collections.abc import Sequence

Group = slice | Sequence[int]
"""The genes of one part: a slice, or a sequence of gene indices."""


def gene_groups(groups: Sequence[Group], length: int, *, name: str) -> list[list[int]]:
    """Return the gene indices of every group, checked.

    :param groups: slices (``space.slices``) or sequences of gene indices.
    :param length: the number of genes of an individual.
    :param name: the parameter's name, for messages.
    :raises ValueError: when there is no group, a group is empty or reaches outside, or a gene is in two
        places.

    >>> gene_groups([slice(0, 2), [3, 2]], 4, name="groups")
    [[0, 1], [3, 2]]
    """
    if len(groups) == 0:
        raise ValueError(f"{name} is empty; give the genes of each group, for instance [[0, 1], [2, 3]]")
    listed = [list(range(length)[g]) if isinstance(g, slice) else [int(gene) for gene in g] for g in groups]
    for position, (group, genes) in enumerate(zip(groups, listed, strict=True)):
        outside = isinstance(group, slice) and (group.stop or 0) > length
        if not genes or outside or not all(0 <= gene < length for gene in genes):
            raise ValueError(
                f"{name}[{position}] is {group!r}; it must name at least one gene, from 0 to {length - 1}: "
                f"the individual has {length} genes. Do {name} and individual belong to one space?"
            )
    if len({gene for genes in listed for gene in genes}) < sum(map(len, listed)):
        raise ValueError(f"{name} names a gene twice; every gene belongs to one group at most: {listed!r}")
    return listed


def check_probability(name: str, value: float) -> None:
    """Raise ValueError when a value is no probability."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be a probability from 0 to 1; got {value!r}")
