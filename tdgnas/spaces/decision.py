"""Moved to tdgnas.decision; goes with the next step."""

from ..decision import Decision

__all__ = ["Decision"]
