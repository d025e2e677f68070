"""Genotypes known from the literature, by name.

DARTS_V1 (first order) and DARTS_V2 (second order): Liu, Simonyan, Yang 2018, figures 4 and 5. NASNet: Zoph et al. 2018,
NASNet-A. AmoebaNet: Real et al. 2019, AmoebaNet-A. The last two are in the form that the DARTS project compares with.
"""

from __future__ import annotations

from .genotypes import Genotype, Pair

_NAMES = {
    "max": "max_pool_3x3",
    "avg": "avg_pool_3x3",
    "skip": "skip_connect",
    "dil3": "dil_conv_3x3",
    "1x7": "conv_7x1_1x7",
} | {f"sep{size}": f"sep_conv_{size}x{size}" for size in (3, 5, 7)}


def _nodes(text: str) -> tuple[Pair, ...]:
    """Pairs written as ``operation source``, a bar between nodes."""
    found = (pair.split() for pair in text.replace("|", ",").split(","))
    return tuple((_NAMES[op], int(source)) for op, source in found)


PUBLISHED: dict[str, Genotype] = {
    "DARTS_V1": Genotype(
        _nodes("sep3 1, sep3 0 | skip 0, sep3 1 | skip 0, sep3 1 | sep3 0, skip 2"),
        (2, 3, 4, 5),
        _nodes("max 0, max 1 | skip 2, max 0 | max 0, skip 2 | skip 2, avg 0"),
        (2, 3, 4, 5),
    ),
    "DARTS_V2": Genotype(
        _nodes("sep3 0, sep3 1 | sep3 0, sep3 1 | sep3 1, skip 0 | skip 0, dil3 2"),
        (2, 3, 4, 5),
        _nodes("max 0, max 1 | skip 2, max 1 | max 0, skip 2 | skip 2, max 1"),
        (2, 3, 4, 5),
    ),
    "NASNet": Genotype(
        _nodes("sep5 1, sep3 0 | sep5 0, sep3 0 | avg 1, skip 0 | avg 0, avg 0 | sep3 1, skip 1"),
        (2, 3, 4, 5, 6),
        _nodes("sep5 1, sep7 0 | max 1, sep7 0 | avg 1, sep5 0 | skip 3, avg 2 | sep3 2, max 1"),
        (4, 5, 6),
    ),
    "AmoebaNet": Genotype(
        _nodes("avg 0, max 1 | sep3 0, sep5 2 | sep3 0, avg 3 | sep3 1, skip 1 | skip 0, avg 1"),
        (4, 5, 6),
        _nodes("avg 0, sep3 1 | max 0, sep7 2 | sep7 0, avg 1 | max 0, max 1 | 1x7 0, sep3 5"),
        (3, 4, 6),
    ),
}


def as_genotype(given: Genotype | str) -> Genotype:
    """Return a genotype given as itself, as text, or by its published name.

    >>> len(as_genotype("DARTS_V2").normal)
    8
    """
    if isinstance(given, Genotype):
        return given
    if given in PUBLISHED:
        return PUBLISHED[given]
    if "(" not in given:
        raise ValueError(f"there is no published genotype {given!r}; there are {', '.join(PUBLISHED)}")
    return Genotype.from_text(given)
