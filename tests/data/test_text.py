"""Texts as data: layouts of files, vocabulary, segments that go on where the last one ended, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tdgnas.data import DataDamaged, DataNotFound, TokenData, load, text_statistics
from tdgnas.streams import Segment

LAYOUTS = ("ptb.{}.txt", "wiki.{}.tokens", "{}.txt")


def write(folder: Path, form: str = "{}.txt", **texts: str) -> Path:
    """Files of a text, one part after another."""
    whole = {"train": "a b c\na b a b\n" * 20, "valid": "a b\n" * 30, "test": "b new\n" * 30, **texts}
    for part, text in whole.items():
        (folder / form.format(part)).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("form", LAYOUTS)
def test_the_layouts_are_read_as_they_are(form: str, tmp_path: Path) -> None:
    data = load("text", folder=write(tmp_path, form), segment=5)
    assert data.classes == ("a", "b", "<eos>", "c", "<unk>")
    counts = text_statistics(data)
    assert counts.tokens == {"train": 180, "valid": 90, "test": 90}
    assert counts.unknown["test"] == pytest.approx(1 / 3)
    assert counts.unknown["train"] == 0
    assert "vocabulary 5" in str(counts)


def test_the_most_frequent_words_are_kept(tmp_path: Path) -> None:
    data = load("text", folder=write(tmp_path), segment=5, vocabulary=3)
    assert data.classes == ("a", "b", "<unk>")


def test_characters_are_tokens(tmp_path: Path) -> None:
    data = load("text-characters", folder=write(tmp_path, train="ab ab\n" * 20, valid="b\n" * 30), segment=5)
    assert set(data.classes) == {"a", "b", " ", "<eos>", "<unk>"}


def test_the_text_that_comes_with_python_has_three_parts() -> None:
    data = load("text", train=50, valid=20, test=10)
    assert [len(part) for part in (data.train, data.valid, data.test)] == [50, 20, 10]
    assert data.task.name == "language"
    assert {"the", "<eos>", "<unk>"} <= set(data.classes)


def test_segments_of_streams_follow_each_other() -> None:
    data = TokenData(torch.arange(41), segment=3)
    found = list(data.in_order(4, slice(None)))
    assert len(found) == 4
    whole = torch.cat([tokens for tokens, _ in found], dim=1)
    assert torch.equal(whole, torch.arange(40).view(4, 10))
    for place, (tokens, targets) in enumerate(found):
        assert isinstance(tokens, Segment)
        assert tokens.place == place
        assert torch.equal(targets.view(4, -1), tokens + 1)
        assert type(tokens + 1) is torch.Tensor
    fed = list(data.feed(data.order(4)))
    assert [tokens[1].tolist() for tokens, _ in fed] == [[9, 10, 11], [12, 13, 14], [15, 16, 17]]
    assert [
        tokens.place
        for tokens, _ in data.feed([torch.tensor([0, 4]), torch.tensor([1, 5]), torch.tensor([0, 4])])
    ] == [0, 1, 0]
    # A reading hands on its own state; drawn windows have no past.
    assert len({id(tokens.carry) for tokens, _ in found}) == 1
    assert type(data.drawn(2)[0]) is torch.Tensor


@pytest.mark.parametrize(
    ("texts", "error", "said"),
    [
        ({"train": ""}, DataDamaged, "train.txt is empty"),
        ({"train": "\n" * 30}, DataDamaged, "vocabulary of 1|is empty"),
        ({"valid": "a b\n"}, DataDamaged, "the part valid .* a text of 3 tokens has no segment of 5"),
    ],
)
def test_texts_that_cannot_be_learned_are_refused(
    texts: dict[str, str], error: type[Exception], said: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=said):
        load("text", folder=write(tmp_path, **texts), segment=5)


def test_another_encoding_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "valid.txt").write_bytes("größer\n".encode("latin-1"))
    with pytest.raises(DataDamaged, match=r"valid.txt is not UTF-8"):
        load("text", folder=tmp_path)
    (tmp_path / "valid.txt").unlink()
    with pytest.raises(DataNotFound, match=r"no ptb.valid.txt or wiki.valid.tokens or valid.txt"):
        load("text", folder=tmp_path)


def test_there_are_no_more_streams_than_windows() -> None:
    assert [indices.tolist() for indices in TokenData(torch.arange(20), segment=3).order(50)] == [[*range(6)]]
