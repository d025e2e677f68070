"""Ctrl-C and SIGTERM: a step is finished and saved where there is one, else the process ends with a sentence."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import NoReturn


class Terminated(KeyboardInterrupt):
    """SIGTERM while nothing handles it better; it goes the way of Ctrl-C."""

    code = 128 + signal.SIGTERM


def exit_status(stop: BaseException) -> int:
    """Return the status for a shell: 128 and the number of the signal."""
    return int(getattr(stop, "code", 128 + signal.SIGINT))


def stop_signals(ask: Callable[[signal.Signals], None]) -> AbstractContextManager[None]:
    """Call ``ask`` when Ctrl-C is pressed or the process is asked to end."""
    return _handling(ask, signal.SIGINT, signal.SIGTERM)


def terminable() -> AbstractContextManager[None]:
    """Let SIGTERM raise :class:`Terminated`, as Ctrl-C raises KeyboardInterrupt."""

    def terminate(_: signal.Signals) -> NoReturn:
        raise Terminated

    return _handling(terminate, signal.SIGTERM)


@contextmanager
def _handling(call: Callable[[signal.Signals], None], *numbers: signal.Signals) -> Iterator[None]:
    def handler(number: int, _: FrameType | None) -> None:
        call(signal.Signals(number))

    before = {}
    for name in numbers:
        try:
            before[name] = signal.signal(name, handler)
        except ValueError:  # not the main thread: whoever runs us there handles signals
            break
    try:
        yield
    finally:
        for name, old in before.items():
            signal.signal(name, old)
