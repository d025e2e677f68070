"""Running the cells of a plan, several at a time; what is finished stays finished."""

from __future__ import annotations

import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import torch

from ..files import Json
from ..files.atomic import storing, write_json
from ..files.links import check_links
from ..files.lock import FolderLock
from ..mapping import finished
from ..processes import WorkerMap
from ..runs.adopt import pretrained
from ..runs.errors import Interrupted
from ..runs.folder import check_empty
from ..signals import exit_status
from ..workers import WorkerDied, Workers
from .cell import pretrain, read_cell, sealed, search_in_folder, search_in_memory
from .plan import Cell, Plan

Say = Callable[[str], None]


class Runner:
    """Runs a plan in a folder.

    A cell's file is written whole when the cell is done, so an interrupted comparison goes on with the same
    command, and one with more strategies or seeds runs only what is missing. A file made with other settings,
    or damaged, is named and made again.

    :param plan: what is to be run.
    :param out: the folder.
    :param map: hands the cells out: the builtin one does one after another here, ``WorkerMap(4)`` four at a time,
        ``RayMap()`` those of a cluster, whose machines then share the folder; one process per CPU when None.
    :param fresh: let :meth:`run` delete what the folder holds of these problems first.
    """

    def __init__(
        self, plan: Plan, out: Path, *, map: Callable[..., Any] | None = None, fresh: bool = False
    ) -> None:
        self.plan, self.out = plan, out
        self.map = WorkerMap() if map is None else map
        self.fresh = fresh

    def _read(self, cell: Cell) -> Json | str | None:
        return read_cell(cell, self.plan.subjects[cell.problem].metric, self.out)

    def missing(self, say: Say = print) -> list[Cell]:
        """Return the cells without a good result; ``say`` is told of bad ones."""
        cells = []
        for cell in self.plan.cells():
            found = self._read(cell)
            if isinstance(found, str):
                say(found)
            if not isinstance(found, dict):
                cells.append(cell)
        return cells

    def results(self) -> list[Json]:
        """Return the results of all finished cells."""
        found = (self._read(cell) for cell in self.plan.cells())
        return [result for result in found if isinstance(result, dict)]

    def run(self, *, say: Say = print, done: Callable[[str, int, int], None] | None = None) -> None:
        """Run what is missing.

        :param say: told of files that are made again.
        :param done: called with what was finished, and how many tasks are done of how many.
        :raises Interrupted: on Ctrl-C; the message says what is kept and how to go on.
        :raises WorkerDied: when a process ends without a result.
        :raises ConfigError: when another process works in the folder.
        :raises LinkedFile: when the folder holds a link.
        :raises StorageError: when nothing can be written there.
        """
        with storing(self.out):
            self.out.mkdir(parents=True, exist_ok=True)
        check_links(self.out)
        if not (self.out / "plan.json").exists():
            check_empty(self.out)  # `fresh` deletes folders in it
        lock = FolderLock(self.out)
        try:
            self._run(say, done)
        except (KeyboardInterrupt, Interrupted) as stop:
            raise Interrupted(f"stopped: {self._kept()}", exit_status(stop)) from None
        except WorkerDied as error:
            raise WorkerDied(f"{error}: {self._kept()}; fewer --jobs take less memory") from error
        finally:
            lock.release()

    def _kept(self) -> str:
        done, every = len(self.results()), len(list(self.plan.cells()))
        return (
            f"{done} of {every} searches are done and kept in {self.out}; the same command goes on from there"
        )

    def _run(self, say: Say, done: Callable[[str, int, int], None] | None) -> None:
        for spec in self.plan.problems if self.fresh else ():
            with storing(self.out / spec.label), suppress(FileNotFoundError):
                shutil.rmtree(self.out / spec.label)
        cells = self.missing(say)
        write_json(self.out / "plan.json", self.plan.document)
        folders = [cell for cell in cells if cell.subject.paired]
        donors = {str(cell.pretraining.folder(self.out)): cell.pretraining for cell in folders}
        tasks = [donor for donor in donors.values() if not pretrained(donor.folder(self.out))]
        total, count = len(tasks) + len(cells), 0
        with self.map if isinstance(self.map, Workers) else nullcontext():
            for function, these in ((_pretrain, tasks), (_search, cells)):
                for _, text in finished(self.map, function, these, [self.out.absolute()] * len(these)):
                    count += 1
                    if done is not None:
                        done(text, count, total)


def _pretrain(cell: Cell, out: Path) -> str:
    with _working():
        pretrain(cell, out)
    return f"{cell.problem}: pretraining of seed {cell.seed}"


def _search(cell: Cell, out: Path) -> str:
    with _working():
        result = search_in_memory(cell) if cell.subject.light else search_in_folder(cell, out)
    write_json(cell.path(out), sealed(result))
    return f"{cell.problem}: {cell.strategy}, seed {cell.seed}"


@contextmanager
def _working() -> Iterator[None]:
    """Compute on one thread, here as in workers (sums over several differ in their last bits); end a worker that was
    asked to, once it has saved what it was doing."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    except Interrupted:
        if multiprocessing.parent_process() is not None:
            os._exit(1)
        raise
    finally:
        torch.set_num_threads(threads)
