"""The published architecture of the tests of spaces."""

from tests.spaces.conftest import twelve

__all__ = ["twelve"]
