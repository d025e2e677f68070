"""From a configuration to the objects of a run; what cannot be built is refused before anything is trained."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from ..data import Splits, load
from ..fitness import RankSumFitness, SupernetFitness
from ..processes import WorkerMap
from ..settings import Section
from ..spaces import SPACES, SearchSpace, create
from ..supernet import (
    CompiledEvaluator,
    Evaluator,
    PopulationEvaluator,
    RacingEvaluator,
    RecurrentEvaluator,
    Supernet,
    fastest,
    load_imagenet,
)
from .errors import ConfigError
from .settings import Config, DataSettings, MapSettings, SpaceSettings, SupernetSettings


@contextmanager
def section(name: str) -> Iterator[None]:
    """Say which section of the configuration cannot be built; whatever was raised inside becomes a ConfigError."""
    try:
        yield
    except ConfigError:
        raise
    except (ValueError, OSError, ImportError) as error:
        raise ConfigError(f"{name}: {error}") from error
    except Exception as error:
        raise ConfigError(f"{name}: {type(error).__name__}: {error}") from error


def check_device(name: str | None) -> None:
    """Check that there is such a device.

    :raises ConfigError: when there is none.
    """
    import torch

    if name is None:
        return
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError, ValueError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"device: {name!r} cannot be used here ({reason}); leave it out, or set it to cpu"
        ) from error


def settings_for(function: Callable[..., Any], settings: Section) -> dict[str, Any]:
    """Return the settings that a function takes, by the names of its parameters."""
    known = inspect.signature(function).parameters
    return {name: value for name, value in settings if name in known}


def make_data(settings: DataSettings, seed: int) -> Splits:
    """Load the data set."""
    given = settings_for(load, settings)
    counts = {part: int(given[part]) for part in ("valid", "test") if (given[part] or 0) >= 1}
    return load(**{**given, **counts}, seed=seed)


def make_both(config: Config) -> tuple[Splits, SearchSpace]:
    """Load the data and make the space for it; a ConfigError names the section that cannot be used."""
    with section("data"):
        data = make_data(config.data, config.seed)
    with section("space"):
        return data, make_space(config.space, data)


def make_space(settings: SpaceSettings, data: Splits) -> SearchSpace:
    """Make the space; image shape and classes come from the data where the settings do not say."""
    given = dict(settings.settings)
    known = inspect.signature(SPACES.get(settings.name)).parameters
    shape = data.image_shape
    own = {"in_channels": shape[0], "image_size": shape[-1], "shape": list(shape), "classes": data.outputs}
    for name, value in own.items():
        if name in known:
            given.setdefault(name, value)
    return create(settings.name, **given)


def make_supernet(config: Config, space: SearchSpace, data: Splits) -> Supernet:
    """Make the supernet with fresh weights."""
    supernet = Supernet(
        space, data, relaxation=config.pretrain.relaxation, seed=config.seed, device=config.device
    )
    return load_imagenet(supernet) if config.pretrain.imagenet else supernet


def make_fitness(config: Config, supernet: Supernet, data: Splits) -> SupernetFitness:
    """Make the fitness on the validation data."""
    settings: SupernetSettings = config.fitness
    given = settings_for(SupernetFitness, settings)
    given |= {"evaluator": _evaluator(settings, supernet.frame is not None), "seed": config.seed}
    if settings.batchnorm == "recalibrated":
        given["calibration"] = data.train
    if config.map.kind != "here" and (settings.evaluator == "racing" or settings.mode == "relaxed"):
        what = "the evaluator 'racing'" if settings.evaluator == "racing" else "the mode 'relaxed'"
        raise ValueError(f"{what} scores a population as a whole, which no map can split; leave --map out")
    if settings.controls:
        given |= {"controls": settings.controls, "references": settings.references}
    fitness = (RankSumFitness if settings.controls else SupernetFitness)(supernet, data.valid, **given)
    if config.map.kind != "here":
        fitness.over(make_map(config.map))
    return fitness


def _evaluator(settings: SupernetSettings, recurrent: bool) -> Callable[..., Evaluator]:
    """Return what makes the evaluator of the settings."""
    if recurrent:
        if settings.evaluator != "population" or settings.order not in ("device", "folded"):
            raise ValueError(
                "recurrent cells are scored folded, by one evaluator; leave evaluator and order out"
            )
        return partial(RecurrentEvaluator, chunk=settings.chunk)
    options: Any = {"chunk": settings.chunk}
    if settings.order in ("depth-first", "folded"):
        options["order"] = settings.order
    evaluators: dict[str, Any] = {
        "population": partial(PopulationEvaluator, **options),
        "racing": partial(RacingEvaluator, **options),
        "compiled": CompiledEvaluator,
    }
    found: Callable[..., Evaluator] = evaluators[settings.evaluator]
    return found


def make_map(settings: MapSettings) -> Any:
    """Make what work is handed out by: the builtin map where everything is done here, else :class:`Workers`.

    :raises ConfigError: when ray is needed and not installed, or not reached.
    """
    if settings.kind == "here":
        return map
    if settings.kind == "processes":
        return WorkerMap(settings.workers)
    with section("map"):
        from ..distributed import RayMap

        found = RayMap(**settings_for(RayMap, settings))
        if settings.address is not None:
            found.count()  # a cluster that is not there is known now rather than after a pretraining
        return found


def with_fastest_order(config: Config, fitness: SupernetFitness) -> tuple[Config, str]:
    """Time the orders of evaluation on a random population, as large as the run's.

    :returns: the configuration with the fastest order in place of ``measured``, and a sentence with the times.
    """
    individuals = getattr(config.strategy, "population", 10)
    supernet, rng = fitness.supernet, random.Random(config.seed)
    choice = fastest(supernet, fitness.where, [supernet.space.sample(rng) for _ in range(individuals)])
    times = ", ".join(f"{way} {seconds:.3f} s" for way, seconds in choice.seconds.items())
    said = f"populations are evaluated {choice.options['order']}, the fastest here: {times} for a batch of images"
    return with_order(config, **choice.options), said


def with_order(config: Config, order: str, chunk: int | None = None) -> Config:
    """Return the configuration with this order of evaluation."""
    return config.model_copy(
        update={"fitness": config.fitness.model_copy(update={"order": order, "chunk": chunk})}
    )
