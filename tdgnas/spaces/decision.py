"""A decision: one thing that a search chooses."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Decision:
    """One choice that a space leaves open.

    A binary decision has one gene: choice 1 when the gene is positive (sigmoid above one half; exactly one half is
    dropped). A K-way decision has K genes, one per choice: the largest wins, the first of equals.

    :param name: unique within the space, for people.
    :param choices: the choices' names, two or more.
    :param binary: one gene instead of one per choice; only with two choices.
    :param group: what belongs together (the target node of a connection, an edge's cell); may be empty.
    :raises ValueError: for fewer than two choices, doubled names, or a binary decision without exactly two.

    >>> Decision("2-8", ("none", "shortcut"), binary=True).genes
    1
    """

    name: str
    choices: tuple[str, ...]
    binary: bool = False
    group: str = ""

    def __post_init__(self) -> None:
        if len(self.choices) < 2 or len(set(self.choices)) != len(self.choices):
            raise ValueError(
                f"decision {self.name!r} needs two or more different choices, got {self.choices!r}"
            )
        if self.binary and len(self.choices) != 2:
            raise ValueError(
                f"decision {self.name!r} is binary and needs exactly two choices, got {self.choices!r}"
            )

    @property
    def genes(self) -> int:
        """Number of genes in an alpha-vector."""
        return 1 if self.binary else len(self.choices)
