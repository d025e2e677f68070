"""The tiny runs of the tests of runs."""

from tests.runs.conftest import _halfway, finished_run, halfway, listener, tiny

__all__ = ["_halfway", "finished_run", "halfway", "listener", "tiny"]
