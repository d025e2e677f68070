"""What ``torchrun`` does, with forks of this process, which need not import anything again."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any
from unittest.mock import patch


def torchrun(arguments: list[str], work: Callable[..., Any]) -> Any:
    """Call ``torchrun``'s own command; its processes do ``work`` in place of the module or script that is named.

    :param arguments: of the command line.
    :param work: is given what follows the name of the module.
    :returns: what it returned in the first process.
    """
    from torch.distributed import run

    launch, found = run.elastic_launch, []

    def forked(config: Any, entrypoint: Any) -> Callable[..., None]:
        config.start_method = "fork"
        words = run.parse_args(arguments).training_script_args
        return lambda *_: found.append(launch(config, work)(*words))

    handlers = {
        one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
    }
    try:
        with patch.object(run, "elastic_launch", forked):
            run.main(arguments)
    finally:
        for one, handler in handlers.items():
            signal.signal(one, handler)
    return found[0][0]
