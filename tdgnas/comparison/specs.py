"""Strategies and problems as words on a command line: ``label=name:key=value,key=value``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..files import Json
from ..files.names import path_component
from ..runs.sections import parse_options

_NO_LABEL = re.compile(r"[^A-Za-z0-9_.+@-]+")
_FILES = "plan.json report.html results.csv pairs.csv summary.json summary.md"
#: What a comparison's folder and a problem's folder hold beside those of labels.
RESERVED = {"figures", "pretrained", *_FILES.split()}


@dataclass(frozen=True)
class Spec:
    """A strategy or a problem, and how it is called.

    :param label: names it in tables and files.
    :param text: a name, or ``name:key=value,...``, as `tdgnas search` takes them.
    """

    label: str
    text: str

    @property
    def name(self) -> str:
        """Of the strategy or problem."""
        return self.text.partition(":")[0]

    @property
    def options(self) -> Json:
        """What is set of it."""
        return parse_options(self.text.partition(":")[2], self.text)

    @property
    def document(self) -> Json:
        """The spec as JSON values, without its label."""
        return {"name": self.name, "options": self.options}


def parse(text: str) -> Spec:
    """Read ``label=name:key=value,key=value``; label and options may be left out.

    :raises ValueError: when the text has another form, or a label that cannot name a file.

    >>> parse("small=tdga:population=5")
    Spec(label='small', text='tdga:population=5')
    >>> parse("tdga:population=5").label
    'tdga-population5'
    """
    head, colon, tail = text.strip().partition(":")
    label, equals, name = head.partition("=")
    if not equals:
        label, name = _NO_LABEL.sub("-", text.strip().replace("=", "")), head
    if not name:
        raise ValueError(
            f"{text!r} is no name with options; expected NAME, NAME:key=value,key=value or LABEL=NAME:key=value"
        )
    parse_options(tail, text)
    if path_component(label).lower() in RESERVED:
        raise ValueError(f"the label {label!r} is a name of the comparison's own files; choose another")
    return Spec(label, name + colon + tail)


def parse_all(texts: Sequence[str], kind: str) -> list[Spec]:
    """Read several specs.

    :raises ValueError: for none, or two with one label; some file systems take capitals for small letters.
    """
    specs = [parse(text) for text in texts]
    labels = [spec.label.lower() for spec in specs]
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if not specs or twice is not None:
        raise ValueError(
            f"two {kind} are called {twice!r}; give one a label" if twice else f"there are no {kind}"
        )
    return specs
