"""TOML: whatever is written is read back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from tdgnas.files import toml
from tdgnas.files.toml import Section, TomlError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), TEXT.filter(bool)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)


class Inner(BaseModel):
    """What lies below."""

    path: str = Field("", description="a path")
    options: dict[str, Any] = Field(default_factory=dict)


class Outer(BaseModel):
    """What lies above."""

    size: float | None = Field(None, description="a size")
    inner: Inner = Inner()


@given(st.dictionaries(TEXT, VALUES, max_size=4), st.dictionaries(TEXT, VALUES, max_size=2))
def test_everything_that_toml_has_comes_back_as_it_was(above: dict[str, Any], below: dict[str, Any]) -> None:
    rows = [(key, value, "a comment") for key, value in above.items()]
    inner = Section("below", [(key, value, "") for key, value in below.items()])
    expected = {**above, "the table below": below}
    assert toml.loads(toml.dumps(Section("above", [*rows, ("the table below", inner, "")]))) == expected


@pytest.mark.parametrize(
    "text", ["\U0001f642", "\U00020bb7", "\x00\x1f\x7f\x80\x9f", "\"\\'", "\r\n\t\u2028", "'''\"\"\"", ""]
)
def test_a_character_above_ffff_was_written_as_toml_that_cannot_be_read(text: str) -> None:
    """A folder named with an emoji or a rare CJK letter: the run was trained, then neither resumed nor reported."""
    model = Outer(inner=Inner(path=text, options={text: [text]}))
    back = toml.loads(toml.dumps(model))
    assert back == {"size": toml.NOTHING, "inner": {"path": text, "options": {text: [text]}}}


def test_half_a_character_is_refused_before_anything_is_written() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        toml.dumps(Inner(path="").model_copy(update={"path": "a\udc80"}))


def test_comments_stand_beside_their_keys() -> None:
    text = toml.dumps(Outer(size=1.5, inner=Inner(path="here")))
    assert text == (
        "# What lies above.\n\nsize = 1.5  # a size\n\n"
        '# What lies below.\n[inner]\npath = "here"  # a path\noptions = {}\n'
    )


@pytest.mark.parametrize(
    "text", ["a", "a = ", "= 1", "[a", 'a = "\n', "a = 1\na = 2", "[" * 3000, "a = \x00"]
)
def test_what_is_no_toml_is_a_sentence(text: str) -> None:
    with pytest.raises(TomlError):
        toml.loads(text)
