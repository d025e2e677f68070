"""Problems by name: what data, what space, how it is scored, as sections of a configuration."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any

from ..registry import Registry
from ..settings import check_whole
from ..spaces import SPACES
from .sections import Sections, assign, parse_options


def _check(preset: Callable[..., Sections]) -> None:
    if not callable(preset):
        raise TypeError(f"a problem is a function that returns sections of a configuration; got {preset!r}")


PROBLEMS: Registry[Callable[..., Sections]] = Registry(
    "problem", "tdgnas.problems", _check,
    also=("SPACE@DATA such as vgg-shortcuts@digits:width=0.125", "table:space=...,file=...,key=..."),
)  # fmt: skip
"""Problems by name; ``@PROBLEMS.register("mine")`` adds a function that returns sections of a configuration as a
nested dict, as does an entry point ``tdgnas.problems``. Its keywords are the options of ``mine:key=value``."""


#: How a supernet can be pretrained, and what goes with it.
PRETRAINED: dict[str, Sections] = {"darts": {}, "paths": {"method": "paths", "lr": 0.02, "lr_min": 0.0}}


def on_supernet(
    space: str,
    data: str,
    /,
    *,
    epochs: int = 20,
    images: int = 256,
    evaluations: int = 100,
    retrain: int | None = None,
    batch_size: int = 64,
    pretrain: str = "darts",
    **settings: Any,
) -> Sections:
    """Return the sections of a space on a data set, with a supernet.

    :param space: name of a space.
    :param data: name of a data set.
    :param epochs: of pretraining.
    :param images: validation images of one evaluation.
    :param evaluations: the budget, in evaluations' worth of image passes.
    :param retrain: epochs of training from scratch of what was found.
    :param batch_size: of gradient steps during the search.
    :param pretrain: ``darts``, or ``paths`` with a rate that single paths need.
    :param settings: of the space.
    """
    check_whole(2, images=images)
    check_whole(evaluations=evaluations)
    if pretrain not in PRETRAINED:
        raise ValueError(f"pretrain is {pretrain!r}; it must be {' or '.join(PRETRAINED)}")
    found: Sections = {
        "space": {"name": space, "settings": settings},
        "data": {"name": data},
        "pretrain": {"epochs": epochs, **PRETRAINED[pretrain]},
        "fitness": {"kind": "supernet", "size": images, "batch_size": images, "gradient_batch": batch_size},
        "budget": {"unit": "passes", "limit": evaluations * images},
    }
    return found if retrain is None else {**found, "retrain": {"epochs": retrain}}


def on_table(
    space: str = "nasbench201",
    *,
    file: str | None = None,
    key: str | None = None,
    seed: int | None = None,
    budget: float = 12_000,
    repeats: str = "free",
    signal: str = "val_acc_12",
    final: str = "test_acc_200",
    cost: str | None = None,
    **settings: Any,
) -> Sections:
    """Return the sections of a space with a table of its trained networks.

    :param space: name of a space.
    :param file: a CSV, or the name of a table that comes with the package; that of NAS-Bench-201 is looked for when
        None.
    :param key: its column that names the architecture.
    :param seed: of an invented table in place of a file.
    :param budget: simulated seconds.
    :param repeats: ``free`` or ``charged``, see :class:`TabularFitness`, as for the next three.
    :param signal: the column that a search sees.
    :param final: the column of the final result.
    :param cost: the column with the seconds of one evaluation.
    :param settings: of the space.
    """
    given = {"file": file, "key": key, "invented": seed, "signal": signal, "final": final, "cost": cost}
    return {
        "space": {"name": space, "settings": settings},
        "fitness": {"kind": "table", "repeats": repeats, **{k: v for k, v in given.items() if v is not None}},
        "budget": {"unit": "seconds", "limit": budget},
    }


def from_scratch(space: Sections, data: Sections, evaluations: int, **fitness: Any) -> Sections:
    """Return the sections of a space whose networks are each trained from scratch.

    :param space: its settings and, beside them, its ``name``.
    :param data: the section of the data.
    :param evaluations: the budget.
    :param fitness: ``recipe`` and what else the section of the fitness has.
    """
    settings = {key: value for key, value in space.items() if key != "name"}
    return {
        "space": {"name": space["name"], "settings": settings},
        "data": data,
        "fitness": {"kind": "scratch", **fitness},
        "strategy": {"name": "tdga"},
        "budget": {"unit": "evaluations", "limit": evaluations},
    }


def problem_sections(text: str) -> Sections:
    """Return the sections of ``name``, ``name:key=value,...``, ``space@data:key=value,...`` or ``table:key=value,...``.

    A key with a dot is one of the configuration itself, such as ``pretrain.order=2``.

    :raises ValueError: for an unknown problem (with the nearest), or an option that it does not take.
    """
    name, _, tail = text.strip().partition(":")
    options = parse_options(tail, text)
    plain = {key: value for key, value in options.items() if "." not in key}
    if name == "table":
        preset: Callable[..., Sections] = on_table
    elif "@" in name:
        space, _, data = name.partition("@")
        preset = partial(on_supernet, space, data)
    elif name in SPACES.names() and name not in PROBLEMS.names():
        raise ValueError(
            f"{name!r} is a space, and a problem says on what data as well: {name}@digits, for one"
        )
    else:
        preset = PROBLEMS.get(name)
    try:
        inspect.signature(preset).bind(**plain)
    except TypeError as error:
        known = ", ".join(inspect.signature(preset).parameters)
        raise ValueError(f"problem {name!r}: {error}; its options are {known or 'none'}") from error
    found = deepcopy(dict(preset(**plain)))
    for key, value in options.items():
        if "." in key:
            assign(found, key.split("."), value)
    return found
