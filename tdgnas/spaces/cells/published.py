"""Genotypes known from the literature, by name.

DARTS_V1 (first order) and DARTS_V2 (second order): Liu, Simonyan, Yang 2018, figures 4 and 5. NASNet: Zoph et al. 2018,
NASNet-A. AmoebaNet: Real et al. 2019, AmoebaNet-A. The last two are in the form that the DARTS project compares with.
"""

from __future__ import annotations

from .genotypes import Genotype, Pair


def _nodes(*pairs: str) -> tuple[Pair, ...]:
    """Pairs written as ``operation source``."""
    return tuple((op, int(source)) for op, source in (pair.split() for pair in pairs))


_MAX, _AVG, _SKIP = "max_pool_3x3", "avg_pool_3x3", "skip_connect"
_SEP3, _SEP5, _SEP7 = "sep_conv_3x3", "sep_conv_5x5", "sep_conv_7x7"
_ALL = (2, 3, 4, 5)

PUBLISHED: dict[str, Genotype] = {
    "DARTS_V1": Genotype(
        normal=_nodes(
            *(f"{_SEP3} 1", f"{_SEP3} 0"),
            *(f"{_SKIP} 0", f"{_SEP3} 1"),
            *(f"{_SKIP} 0", f"{_SEP3} 1"),
            *(f"{_SEP3} 0", f"{_SKIP} 2"),
        ),
        normal_concat=_ALL,
        reduce=_nodes(
            *(f"{_MAX} 0", f"{_MAX} 1"),
            *(f"{_SKIP} 2", f"{_MAX} 0"),
            *(f"{_MAX} 0", f"{_SKIP} 2"),
            *(f"{_SKIP} 2", f"{_AVG} 0"),
        ),
        reduce_concat=_ALL,
    ),
    "DARTS_V2": Genotype(
        normal=_nodes(
            *(f"{_SEP3} 0", f"{_SEP3} 1"),
            *(f"{_SEP3} 0", f"{_SEP3} 1"),
            *(f"{_SEP3} 1", f"{_SKIP} 0"),
            *(f"{_SKIP} 0", "dil_conv_3x3 2"),
        ),
        normal_concat=_ALL,
        reduce=_nodes(
            *(f"{_MAX} 0", f"{_MAX} 1"),
            *(f"{_SKIP} 2", f"{_MAX} 1"),
            *(f"{_MAX} 0", f"{_SKIP} 2"),
            *(f"{_SKIP} 2", f"{_MAX} 1"),
        ),
        reduce_concat=_ALL,
    ),
    "NASNet": Genotype(
        normal=_nodes(
            *(f"{_SEP5} 1", f"{_SEP3} 0"),
            *(f"{_SEP5} 0", f"{_SEP3} 0"),
            *(f"{_AVG} 1", f"{_SKIP} 0"),
            *(f"{_AVG} 0", f"{_AVG} 0"),
            *(f"{_SEP3} 1", f"{_SKIP} 1"),
        ),
        normal_concat=(2, 3, 4, 5, 6),
        reduce=_nodes(
            *(f"{_SEP5} 1", f"{_SEP7} 0"),
            *(f"{_MAX} 1", f"{_SEP7} 0"),
            *(f"{_AVG} 1", f"{_SEP5} 0"),
            *(f"{_SKIP} 3", f"{_AVG} 2"),
            *(f"{_SEP3} 2", f"{_MAX} 1"),
        ),
        reduce_concat=(4, 5, 6),
    ),
    "AmoebaNet": Genotype(
        normal=_nodes(
            *(f"{_AVG} 0", f"{_MAX} 1"),
            *(f"{_SEP3} 0", f"{_SEP5} 2"),
            *(f"{_SEP3} 0", f"{_AVG} 3"),
            *(f"{_SEP3} 1", f"{_SKIP} 1"),
            *(f"{_SKIP} 0", f"{_AVG} 1"),
        ),
        normal_concat=(4, 5, 6),
        reduce=_nodes(
            *(f"{_AVG} 0", f"{_SEP3} 1"),
            *(f"{_MAX} 0", f"{_SEP7} 2"),
            *(f"{_SEP7} 0", f"{_AVG} 1"),
            *(f"{_MAX} 0", f"{_MAX} 1"),
            *("conv_7x1_1x7 0", f"{_SEP3} 5"),
        ),
        reduce_concat=(3, 4, 6),
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
