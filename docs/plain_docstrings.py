"""Docstrings are reST, the pages are markdown: roles, citations and examples become what markdown has for them."""

from __future__ import annotations

import re
import textwrap
from typing import Any

import griffe

ROLE = re.compile(r":(?:class|func|meth|mod|data|attr|exc):`~?(?:[\w.]*?\.)?(\w+)`")
CITATION = re.compile(r"^\.\. \[(\w+)\] ", re.MULTILINE)
REFERENCE = re.compile(r"\[(\w+)\]_")
CODE = re.compile(r"(`[^`]*`)")
FIELD = re.compile(r":\w+[^:\n]*:(?=\s|$)")


def plain(text: str) -> str:
    """Return a docstring as markdown, its fields last.

    What follows the fields of a docstring (examples, citations) would be read as part of the last field.
    """
    prose: list[str] = []
    fields: list[str] = []
    for block in _blocks(text):
        (fields if FIELD.match(block) else prose).append(block)
    parts = [_example(block) if block.startswith((">>>", "::")) else _markdown(block) for block in prose]
    return "\n\n".join(parts) + ("\n\n" + _markdown("\n".join(fields)) if fields else "")


def _blocks(text: str) -> list[str]:
    """Paragraphs; every field, with its indented lines, is one of its own."""
    found: list[list[str]] = []
    begin = True
    for line in text.strip().splitlines():
        if FIELD.match(line) or (begin and line.strip() and not _continues(line, found)):
            found.append([])
        begin = not line.strip()
        if found:
            found[-1].append(line)
    return ["\n".join(lines).strip() for lines in found]


def _continues(line: str, found: list[list[str]]) -> bool:
    return line.startswith(" ") and bool(found)


def _example(block: str) -> str:
    if block.startswith("::"):
        return f"```python\n{textwrap.dedent(block[2:]).strip()}\n```"
    return f"```pycon\n{block}\n```"


def _markdown(text: str) -> str:
    text = ROLE.sub(r"`\1`", text.replace("``", "`"))
    text = "".join(part if part.startswith("`") else _escaped(part) for part in CODE.split(text))
    return REFERENCE.sub(r"[\1]", CITATION.sub(r"**\1**: ", text))


def _escaped(text: str) -> str:
    """Keep <E> from becoming a tag, and the star of T*H from becoming emphasis."""
    return re.sub(r"(?<=\w)\*(?=\w)", r"\\*", text.replace("<", "&lt;"))


class PlainDocstrings(griffe.Extension):
    """Called by mkdocstrings for every object."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring."""
        if obj.docstring is not None:
            obj.docstring.value = plain(obj.docstring.value)
