"""A space that forgets an argument: its saved architectures came back as other networks without a word."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from tdgnas.spaces import SPACES, load_architecture, save_architecture
from tdgnas.testing import check_space

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "space.md"
RULE = "settings make it again"


@pytest.fixture
def tiny():
    """The space of the how-to page, with one line of it replaced; it is not registered afterwards."""

    def make(line: str, by: str):
        code = re.search(r'title="my_space.py"\n(.*?)^```', PAGE.read_text(encoding="utf-8"), re.M | re.S)[1]
        assert line in code
        names: dict[str, object] = {"__name__": "my_space"}
        exec(code.replace(line, by), names)
        return names["Tiny"]

    yield make
    SPACES._entries.pop("tiny", None)


@pytest.mark.parametrize("by", ["", '"channels": 8,'])
def test_an_argument_that_is_dropped_from_settings_is_caught(tiny, by, caught) -> None:
    space = tiny('"channels": channels,\n', by)
    for channels in (4, 8):  # at its default the space made again is the same one
        report = check_space(space, channels=channels, image_size=16, report_only=True, skip=())
        assert "as settings" in caught(report, RULE) or "pass on what was given" in caught(report, RULE)


def test_a_saved_architecture_that_is_another_network_is_refused(tiny, tmp_path) -> None:
    space = tiny('"channels": channels,\n', "")(channels=4)
    path = save_architecture(space, space.sample(random.Random(0)), tmp_path / "a.json")
    with pytest.raises(
        ValueError, match=r"written of a network with [\d]+ parameters, .* now makes one of [\d]+"
    ):
        load_architecture(path)


def test_what_to_json_wrote_is_refused_by_the_name_of_what_writes_a_file(tiny, tmp_path) -> None:
    space = tiny('"channels": channels,\n', '"channels": channels,\n')()
    (tmp_path / "a.json").write_text(space.sample(random.Random(0)).to_json())
    with pytest.raises(ValueError, match="save_architecture"):
        load_architecture(tmp_path / "a.json")
