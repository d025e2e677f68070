"""A space under test, and architectures of it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from ..spaces import Architecture, SearchSpace
from .report import Case


@dataclass
class SpaceCase(Case):
    """A space and its name."""

    @classmethod
    def of(cls, space: SearchSpace | type[SearchSpace], /, **settings: Any) -> SpaceCase:
        """Make a case of a space, or of a class and its keywords."""
        if isinstance(space, type) and issubclass(space, SearchSpace):
            space = space(**settings)
        if not isinstance(space, SearchSpace):
            raise TypeError(
                f"a space is a subclass of tdgnas.spaces.SearchSpace, or an instance of one; got {space!r}"
            )
        return cls(space)

    @property
    def space(self) -> SearchSpace:
        """The space."""
        return self.subject  # type: ignore[no-any-return]

    def samples(self, count: int = 8) -> list[Architecture]:
        """Return architectures: drawn ones, the first choices only, and the last choices only."""
        rng, space = random.Random(0), self.space
        ends = [(0,) * len(space.decisions), tuple(size - 1 for size in space.decisions.sizes)]
        return [space.sample(rng) for _ in range(count)] + [Architecture(space.name, end) for end in ends]
