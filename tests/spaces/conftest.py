"""What tests of spaces share."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def twelve() -> list[tuple[int, int]]:
    """The published architecture of twelve shortcuts, which has 20,851,530 parameters."""
    return [
        (2, 8),
        (4, 6),
        (4, 7),
        (4, 9),
        (4, 10),
        (4, 11),
        (5, 9),
        (5, 12),
        (6, 10),
        (7, 11),
        (12, 15),
        (13, 15),
    ]
