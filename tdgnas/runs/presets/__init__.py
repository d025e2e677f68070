"""The problems that come with the package, by what they are about."""

from . import digits, published, text

__all__ = ["digits", "published", "text"]
