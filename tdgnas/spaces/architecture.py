"""An architecture: the tuple of choices that a search made."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Architecture:
    """A small immutable value; network, graph, drawing and counts are derived from it by its space.

    :param space: the space's name.
    :param choices: for each decision of the space, the index of the choice.

    >>> Architecture.from_json(Architecture("vgg-shortcuts", (0, 1)).to_json())
    Architecture(space='vgg-shortcuts', choices=(0, 1))
    """

    space: str
    choices: tuple[int, ...]

    def to_json(self) -> str:
        """Return the JSON text of the architecture."""
        return json.dumps({"space": self.space, "choices": list(self.choices)})

    @classmethod
    def from_json(cls, text: str) -> Architecture:
        """Read what :meth:`to_json` wrote.

        :raises ValueError: when the text is not the JSON of an architecture.
        """
        try:
            document = json.loads(text)
            space, choices = document["space"], document["choices"]
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(
                'this is not an architecture; expected JSON such as {"space": "vgg-shortcuts", "choices": [0, 1]}'
            ) from error
        whole = isinstance(choices, list) and all(type(choice) is int for choice in choices)
        if not isinstance(space, str) or not whole:
            raise ValueError(
                f"an architecture has a space's name and whole-numbered choices, got {document!r}"
            )
        return cls(space, tuple(choices))
