"""Tables of trained networks: where they lie, how they are read, and how one is made."""

from __future__ import annotations

import csv
import gzip
import math
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..files.atomic import write_atomic

if TYPE_CHECKING:
    from ..spaces import Architecture, NASBench201, SearchSpace

NB201_FILE = "nasbench201_cifar10.csv.gz"
HOW_TO_GET = (
    "To get one: install the official NATS-Bench (pip install nats_bench, then its file "
    "NATS-tss-v1_0-3ffb9-simple), call tdgnas.fitness.nats_table(space) and save_table it as "
    f"{NB201_FILE} in $TDGNAS_DATA or ~/.cache/tdgnas, or name your own CSV in $TDGNAS_NB201."
)


class TableNotFound(FileNotFoundError):
    """A table is not where it was looked for."""


class TableDamaged(ValueError):
    """A table's file does not hold what it should."""


@dataclass(frozen=True, eq=False)
class Table:
    """Measurements of many architectures.

    :param name: for reports.
    :param rows: the row of each architecture's choices.
    :param columns: arrays of one length; columns with ``acc`` in their name are accuracies from 0 to 1.
    """

    name: str
    rows: Mapping[tuple[int, ...], int]
    columns: Mapping[str, npt.NDArray[np.float64]]

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> npt.NDArray[np.float64]:
        """Return a column.

        :raises ValueError: when there is none of that name, with those that there are.
        """
        if name not in self.columns:
            raise ValueError(f"table {self.name!r} has no column {name!r}; it has {', '.join(self.columns)}")
        return self.columns[name]


def table_places() -> Iterator[Path]:
    """Return the files at which the table of NAS-Bench-201 is looked for, in order."""
    if os.environ.get("TDGNAS_NB201"):
        yield Path(os.environ["TDGNAS_NB201"]).expanduser()
    if os.environ.get("TDGNAS_DATA"):
        yield Path(os.environ["TDGNAS_DATA"]).expanduser() / NB201_FILE
    yield Path("~/.cache/tdgnas").expanduser() / NB201_FILE
    project = Path(__file__).resolve().parents[2]
    yield project / "data" / NB201_FILE
    yield from sorted(project.parent.glob(f"*/data/{NB201_FILE}"))


def find_table() -> Path:
    """Return the file with the table of NAS-Bench-201.

    :raises TableNotFound: saying where it was looked for and how to get it.
    """
    places = list(dict.fromkeys(table_places()))
    for place in places:
        if place.is_file():
            return place
    looked = ", ".join(map(str, places))
    raise TableNotFound(f"there is no table of NAS-Bench-201; looked for {looked}. {HOW_TO_GET}")


def shipped() -> dict[str, Path]:
    """Return the tables that come with the package, by name."""
    files = sorted((Path(__file__).parent / "tables").glob("*.csv.gz"))
    return {file.name.removesuffix(".csv.gz"): file for file in files}


def table_file(name: str | Path | None) -> Path:
    """Return the file of a table: the path that is given, the one of that name that comes with the package, or that of
    NAS-Bench-201 when None.

    :raises TableNotFound: when NAS-Bench-201 is looked for in vain.
    """
    return find_table() if name is None else shipped().get(str(name), Path(name))


def load_table(space: SearchSpace, path: str | Path | None = None, *, key: str = "arch") -> Table:
    """Read a table of trained networks from CSV, gzipped or not.

    An architecture is one column with its text form, where the space has one, or a column for each decision, named
    like it, with the names of the choices. All other columns are numbers: those with ``acc`` in their name are
    accuracies in percent, those with ``seconds`` times.

    :param space: reads the architectures.
    :param path: the file, or the name of a table that comes with the package (:func:`shipped`); that of NAS-Bench-201,
        looked for by :func:`find_table`, when None.
    :param key: the column with the text form.
    :raises TableNotFound: when there is no such file.
    :raises TableDamaged: when it is cut short, doubled, not CSV, or holds something other than numbers, accuracies
        outside 0 to 100 % or negative seconds; with the line.
    :raises ValueError: when the columns name no architectures of this space.
    """
    path = table_file(path)
    if not path.is_file():
        own = HOW_TO_GET if space.name == "nasbench201" else f"With the package come {', '.join(shipped())}"
        raise TableNotFound(f"there is no table {path}. {own}")
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8", newline="")
            if path.suffix == ".gz"
            else open(path, encoding="utf-8", newline="") as file
        ):
            return _read(space, path, csv.reader(file), key)
    except (OSError, EOFError, UnicodeDecodeError, zlib.error, csv.Error) as error:
        raise TableDamaged(f"{path} cannot be read: {error}. Fetch it again, or delete it") from error


def _read(space: SearchSpace, path: Path, lines: Iterable[list[str]], key: str) -> Table:
    reader = iter(lines)
    header = next(reader, [])
    keys, read = _keys(space, path, header, key)
    names = [name for name in header if name not in keys]
    if not names or len(set(header)) != len(header):
        raise TableDamaged(
            f"{path} has the columns {header!r}; expected {keys[0]} and columns of numbers, each once"
        )
    rows: dict[tuple[int, ...], int] = {}
    values: list[list[float]] = []
    for number, line in enumerate(reader, start=2):
        try:
            if len(line) != len(header):
                raise ValueError(f"{len(line)} fields instead of {len(header)}; is the file cut short?")
            fields = dict(zip(header, line, strict=True))
            choices = read(fields).choices
            if choices in rows:
                named = ", ".join(fields[name] for name in keys)
                raise ValueError(f"{named} is in line {rows[choices] + 2} already")
            values.append([_number(name, fields[name]) for name in names])
        except ValueError as error:
            raise TableDamaged(f"{path}, line {number}: {error}") from error
        rows[choices] = number - 2
    if not rows:
        raise TableDamaged(f"{path} has a header and no architecture; fetch it again")
    columns = dict(zip(names, np.array(values).T.copy(), strict=True))
    return Table(path.name.removesuffix(".gz").removesuffix(".csv"), rows, columns)


def _keys(
    space: SearchSpace, path: Path, header: list[str], key: str
) -> tuple[list[str], Callable[[Mapping[str, str]], Architecture]]:
    """The columns that say which architecture a line is of, and what reads them."""
    from_string: Callable[[str], Architecture] | None = getattr(space, "from_string", None)
    if key in header and from_string is not None:
        return [key], lambda fields: from_string(fields[key])
    decisions = [decision.name for decision in space.decisions]
    if set(decisions) <= set(header):
        return decisions, lambda fields: space.architecture({name: fields[name] for name in decisions})
    missing = next(name for name in decisions if name not in header)
    text = (
        f"a column {key!r} with the space's text form"
        if from_string
        else f"no text form that {key!r} could hold"
    )
    raise TableDamaged(
        f"{path} has the columns {', '.join(header)!r}; an architecture of {space.name!r} is a column for each of its "
        f"{len(decisions)} decisions ({missing!r} is missing); the space has {text}"
    )


def _number(name: str, text: str) -> float:
    """A cell's value; of an accuracy, as a share."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not a finite number")
    if "acc" in name and not 0 <= value <= 100:
        raise ValueError(f"{name} is {text}, and an accuracy is from 0 to 100 percent")
    if "seconds" in name and value < 0:
        raise ValueError(f"{name} is {text}, and no time is negative")
    return value / 100 if "acc" in name else value


def save_table(space: SearchSpace, table: Table, path: str | Path) -> Path:
    """Write a table as the CSV that :func:`load_table` reads, gzipped where the name ends in ``.gz``.

    Architectures are written in the space's text form in column ``arch``, or by a column for each decision.

    :raises StorageError: when it cannot be written.
    """
    to_string: Callable[[Architecture], str] | None = getattr(space, "to_string", None)
    keys = ["arch"] if to_string else [decision.name for decision in space.decisions]

    def named(choices: tuple[int, ...]) -> list[str]:
        if to_string:
            return [to_string(space.architecture(choices))]
        return [decision.choices[k] for decision, k in zip(space.decisions, choices, strict=True)]

    def write(temporary: Path) -> None:
        zipped = temporary.suffix == ".gz"
        opened: Any = gzip.open if zipped else open
        with opened(temporary, "wt", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*keys, *table.columns])
            for choices, row in table.rows.items():
                scaled = [
                    values[row] * (100 if "acc" in name else 1) for name, values in table.columns.items()
                ]
                writer.writerow([*named(choices), *(f"{value:.10g}" for value in scaled)])

    return write_atomic(Path(path), write)


def nats_table(space: NASBench201, api: Any = None, *, limit: int | None = None) -> Table:
    """Read the table out of the official NATS-Bench API (topology space, CIFAR-10).

    The signal is the 12-epoch schedule's validation accuracy on the half that validates, its cost the
    training plus one validation, and the result the 200-epoch schedule's test accuracy; each a mean over the
    trained seeds.

    :param space: reads the architectures' strings.
    :param api: what ``nats_bench.create(path, "tss", fast_mode=True, verbose=False)`` returns; made when
        None.
    :param limit: read only so many architectures.
    :raises ImportError: when no API is given and the package is not installed.
    """
    if api is None:
        try:
            from nats_bench import create  # type: ignore[import-not-found,import-untyped,unused-ignore]
        except ImportError as error:
            raise ImportError(
                "the official NATS-Bench is not installed: pip install nats_bench, and unpack its file "
                "NATS-tss-v1_0-3ffb9-simple into $TORCH_HOME; or pass a CSV to tdgnas.fitness.load_table"
            ) from error
        api = create(None, "tss", fast_mode=True, verbose=False)
    rows: dict[tuple[int, ...], int] = {}
    values = []
    for index in range(len(api) if limit is None else min(limit, len(api))):
        short = api.get_more_info(index, "cifar10-valid", hp="12", is_random=False)
        full = api.get_more_info(index, "cifar10", hp="200", is_random=False)
        cost = api.get_cost_info(index, "cifar10")
        rows[space.from_string(api.arch(index)).choices] = index
        seconds = short["train-all-time"] + short["valid-per-time"]
        accuracies = (short["valid-accuracy"] / 100, full["test-accuracy"] / 100)
        values.append([*accuracies, seconds, cost["params"], cost["flops"]])
    names = ("val_acc_12", "test_acc_200", "seconds_12", "params_M", "flops_M")
    return Table("nats-bench", rows, dict(zip(names, np.array(values).T, strict=True)))


def synthetic_table(space: SearchSpace, seed: int = 0, noise: float = 0.01) -> Table:
    """Invent a table over all architectures of a small space: additive and pairwise effects, and a noisy
    signal.

    It stands in for real measurements where there are none, in demonstrations and tests; its columns are
    those of the real one, and nothing that is learned on it says anything about networks.

    :param seed: fixes the effects and the noise.
    :param noise: standard deviation of the signal around the accuracy.
    :raises ValueError: when the space has more than 100,000 architectures.
    """
    sizes = [len(decision.choices) for decision in space.decisions]
    if math.prod(sizes) > 100_000:
        raise ValueError(
            f"{space.name!r} has {math.prod(sizes)} architectures; a synthetic table holds up to 100000"
        )
    rng = Random(seed)
    every = list(product(*map(range, sizes)))
    array = np.array(every)
    score = np.zeros(len(every))
    for k, size in enumerate(sizes):
        score += np.array([rng.gauss(0, 1) for _ in range(size)])[array[:, k]]
        for other in range(k):
            effects = np.array([[rng.gauss(0, 0.5) for _ in range(size)] for _ in range(sizes[other])])
            score += effects[array[:, other], array[:, k]]
    accuracy = 0.94 - 0.04 * np.log1p(np.exp(1.5 - (score - score.mean()) / score.std()))  # few good ones
    weight = 1 + array.sum(axis=1) / max(1, sum(sizes) - len(sizes))
    signal = np.clip(accuracy - 0.08 + np.array([rng.gauss(0, noise) for _ in every]), 0.0, 1.0)
    # After fewer epochs the accuracy is lower, and says less.
    early = {
        epochs: np.clip(accuracy - gap + np.array([rng.gauss(0, spread * noise) for _ in every]), 0.0, 1.0)
        for epochs, gap, spread in ((4, 0.2, 2), (1, 0.4, 3))
    }
    columns = {
        **{f"val_acc_{epochs}": values for epochs, values in early.items()},
        "val_acc_12": signal,
        "test_acc_200": accuracy,
        "seconds_12": 60 * weight,
        "params_M": weight / 4,
    }
    return Table(f"synthetic-{seed}", {choices: row for row, choices in enumerate(every)}, columns)
