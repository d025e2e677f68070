"""A run of several processes: the first one does everything, the others train with it and write nothing that stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from ..files import State
from ..files.atomic import write_text
from ..parallel import Group
from ..signals import stop_signals
from .config import make_config
from .environment import same_bits
from .phase import Context
from .phases import make_phase
from .settings import Config

#: What phases that train read of the run's folder.
_READ = ("architecture.json", "events.jsonl", "trace.json")


def call(group: Group, context: Context, name: str, state: State | None) -> None:
    """Have the other processes train a phase too.

    :param state: of the phase, where it goes on.
    """
    if group.count > 1:
        paths = [path for path in (context.folder / name for name in _READ) if path.exists()]
        files = {path.name: path.read_text(encoding="utf-8") for path in paths}
        group.tell({"phase": name, "state": state, "files": files})
        _same(group, context)


def follow(group: Group, build: Callable[[Config, Path], Context]) -> None:
    """Do the part of a process beside the first one, until that has no more to train.

    Signals are the first one's business; the others end when it does.

    :param build: makes ready what a configuration describes, in a folder.
    """
    with TemporaryDirectory() as place, stop_signals(lambda _: None):
        config = make_config(group.tell())
        context = build(config, Path(place))
        with same_bits(config, context.problem.device):
            while (told := group.tell()) is not None:
                for name, text in told["files"].items():
                    write_text(Path(place) / name, text)
                _same(group, context)
                phase = make_phase(told["phase"], context)
                if told["state"] is not None:
                    phase.load_state_dict(told["state"])
                while phase.done < phase.total:
                    phase.step()
                    if group.tell():
                        return


def _same(group: Group, context: Context) -> None:
    if context.problem.supernet is not None:
        group.same(context.problem.supernet)
