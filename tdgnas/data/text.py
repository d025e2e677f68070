"""Texts: files of train, valid and test, or the English text that comes with Python, by words or by characters."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from .source import DataDamaged, DataNotFound, contents, data_root
from .splits import Splits
from .tokens import TokenData

END, UNKNOWN = "<eos>", "<unk>"
PARTS = ("train", "valid", "test")
#: File names of the layouts: Penn Treebank as usually spread, WikiText, and plain ones.
_FILES = ("ptb.{}.txt", "wiki.{}.tokens", "{}.txt")
#: Lines of a block of the embedded text; of ten blocks the ninth validates and the tenth tests.
_BLOCK = 50


@dataclass(frozen=True)
class TextStatistics:
    """What a text is made of: tokens of each part, size of the vocabulary, share of unknown tokens of each part."""

    tokens: dict[str, int]
    vocabulary: int
    unknown: dict[str, float]

    def __str__(self) -> str:
        parts = ", ".join(
            f"{part} {self.tokens[part]:,} tokens ({100 * self.unknown[part]:.1f} % unknown)"
            for part in self.tokens
        )
        return f"{parts}; vocabulary {self.vocabulary:,}"


def read_text(
    folder: str | os.PathLike[str] | None = None,
    segment: int = 35,
    vocabulary: int | None = None,
    *,
    characters: bool = False,
) -> Splits:
    """A text, line after line, the end of a line being a token.

    The vocabulary is that of the training part; all other words are one unknown word.

    :param folder: with the files of the three parts (``ptb.train.txt``, ``wiki.train.tokens`` or ``train.txt``, and so
        on), UTF-8, whose words stand between blanks; the help texts of Python's own language reference when None, in
        lower case, with punctuation as words, of ten blocks of lines the ninth for valid and the tenth for test.
    :param segment: tokens that gradients reach back.
    :param vocabulary: keep only so many tokens, the most frequent; all of the training part when None, of the embedded
        words those that come twice.
    :param characters: take characters as tokens instead of words.
    :raises DataNotFound: when a file is missing.
    :raises DataDamaged: when a file is empty or not UTF-8, the vocabulary has a single token, or a part has no whole
        segment.
    """
    if folder is None:
        lines, name = _embedded(characters), "text"
    else:
        lines, name = _files(data_root(folder)), data_root(folder).name
    texts = {part: _tokens(lines[part], characters) for part in PARTS}
    least = 2 if folder is None and not characters and vocabulary is None else 1
    words = _vocabulary(texts, vocabulary, least)
    if len(words) < 2:
        raise DataDamaged(
            f"the training part of {name!r} has a vocabulary of {len(words)}; there is nothing to foretell"
        )
    number = {word: place for place, word in enumerate(words)}
    unknown = number.get(UNKNOWN, 0)
    made = {}
    for part, tokens in texts.items():
        try:
            made[part] = TokenData(torch.tensor([number.get(each, unknown) for each in tokens]), segment)
        except ValueError as error:
            raise DataDamaged(f"the part {part} of {name!r}: {error}") from None
    return Splits(name, **made, classes=words, mean=(), std=())


def read_characters(
    folder: str | os.PathLike[str] | None = None, segment: int = 35, vocabulary: int | None = None
) -> Splits:
    """The same by characters."""
    return read_text(folder, segment, vocabulary, characters=True)


def text_statistics(data: Splits) -> TextStatistics:
    """Count the tokens of a text."""
    parts = {part: getattr(data, part) for part in PARTS}
    lost = data.classes.index(UNKNOWN) if UNKNOWN in data.classes else -1
    unknown = {part: float((each.tokens == lost).double().mean()) for part, each in parts.items()}
    return TextStatistics({part: len(each.tokens) for part, each in parts.items()}, data.outputs, unknown)


def _vocabulary(texts: dict[str, list[str]], most: int | None, least: int) -> tuple[str, ...]:
    counts = Counter(texts["train"])
    known = sorted((word for word, count in counts.items() if count >= least), key=lambda w: (-counts[w], w))
    known = known[:most]
    new = any(word not in counts for part in ("valid", "test") for word in set(texts[part]))
    if UNKNOWN not in known and (len(known) < len(counts) or new):
        known = [*known[: None if most is None else most - 1], UNKNOWN]
    return tuple(known)


def _tokens(lines: Iterable[Sequence[str]], characters: bool) -> list[str]:
    return [token for line in lines for token in (*(" ".join(line) if characters else line), END)]


def _embedded(characters: bool) -> dict[str, list[list[str]]]:
    from pydoc_data.topics import topics

    found: dict[str, list[list[str]]] = {part: [] for part in PARTS}
    lines = [line.strip() for key in sorted(topics) for line in topics[key].splitlines() if line.strip()]
    for place, line in enumerate(lines):
        part = {8: "valid", 9: "test"}.get(place // _BLOCK % 10, "train")
        found[part].append(line.split() if characters else re.findall(r"\w+|[^\w\s]", line.lower()))
    return found


def _files(folder: Path) -> dict[str, list[list[str]]]:
    found = {}
    for part in PARTS:
        paths = [folder / form.format(part) for form in _FILES]
        path = next((each for each in paths if each.is_file()), None)
        if path is None:
            names = " or ".join(each.name for each in paths)
            raise DataNotFound(f"there is no {names} in {folder}: {contents(folder)}")
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError as error:
            raise DataDamaged(
                f"{path} is not UTF-8 ({error.reason}); convert it, for example with iconv"
            ) from None
        found[part] = [line.split() for line in lines]
        if not any(found[part]):
            raise DataDamaged(f"{path} is empty; it needs text")
    return found
