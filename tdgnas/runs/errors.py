"""What can be wrong with an experiment, for people."""

from __future__ import annotations


class ConfigError(ValueError):
    """A configuration that cannot be run; the message names each wrong key."""


class Interrupted(Exception):
    """The run was asked to stop; it has saved everything and can be resumed.

    :ivar code: exit status for a shell, 128 and the signal's number.
    """

    def __init__(self, message: str, code: int = 130) -> None:
        super().__init__(message)
        self.code = code


class RunFailed(RuntimeError):
    """A step cannot be done; the message says which, why, what is saved, and what to do."""
