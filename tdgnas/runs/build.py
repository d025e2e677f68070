"""From a configuration to the objects of a run; what cannot be built is refused before anything is trained."""

from __future__ import annotations

import inspect
import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from deap import base

from ..data import Splits, load
from ..fitness import SupernetFitness
from ..mapping import batch_map
from ..operators import (
    OPERATORS,
    Constant,
    Entropy,
    Feedback,
    Geometric,
    Linear,
    LogDetEntropy,
    MeanDistanceEntropy,
    Schedule,
    ShannonEntropy,
    VarianceEntropy,
    bind,
)
from ..seeding import random_states, set_random_states
from ..spaces import SPACES, SearchSpace, create
from ..strategies.saving import set_toolbox_states, toolbox_states
from ..supernet import PopulationEvaluator, Supernet, fastest, load_imagenet
from ..supernet.alternating import WeightTraining
from ..training import Recipe
from .config import ConfigError, DataSettings, RetrainSettings, RunConfig, SpaceSettings, TemperatureSettings


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


def check_operators(toolbox: base.Toolbox, supernet: Supernet, config: RunConfig) -> None:
    """Try crossover, mutation and selection once, on a throw-away population; all states are put back.

    :raises ConfigError: naming the operator that fails.
    """
    states, own = random_states(), toolbox_states(toolbox)
    try:
        with section("search"):
            kind = toolbox.evaluate.func.fitness_type
            pair = supernet.population(2, fitness=kind, rng=random.Random(0))
            for individual in pair:
                individual.fitness.values = (1.0,)
        for entry, given in (("mate", pair), ("mutate", pair[:1]), ("select", (pair, 2))):
            with section(
                f"search.{entry}: {getattr(config.search, entry)!r} fails on the space {config.space.name!r}"
            ):
                keywords = {"temperature": 1.0} if "temperature" in getattr(toolbox, entry).keywords else {}
                getattr(toolbox, entry)(*given, **keywords)
    finally:
        set_toolbox_states(toolbox, own)
        set_random_states(states)


def make_data(settings: DataSettings, seed: int) -> Splits:
    """Load the data set."""
    return load(
        settings.name,
        folder=settings.folder,
        size=settings.size,
        channels=settings.channels,
        valid=_count(settings.valid),
        train=settings.train,
        test=_count(settings.test),
        download=settings.download,
        seed=seed,
    )


def make_space(settings: SpaceSettings, data: Splits) -> SearchSpace:
    """Make the space; image shape and classes come from the data where the settings do not say."""
    given = dict(settings.settings)
    known = inspect.signature(SPACES.get(settings.name)).parameters
    channels, size, _ = data.image_shape
    for name, value in [("in_channels", channels), ("image_size", size), ("classes", data.outputs)]:
        if name in known:
            given.setdefault(name, value)
    return create(settings.name, **given)


def make_supernet(config: RunConfig, space: SearchSpace, data: Splits) -> Supernet:
    """Make the supernet with fresh weights."""
    supernet = Supernet(
        space, data, relaxation=config.pretrain.relaxation, seed=config.seed, device=config.device
    )
    return load_imagenet(supernet) if config.pretrain.imagenet else supernet


def make_fitness(config: RunConfig, supernet: Supernet, data: Splits) -> SupernetFitness:
    """Make the fitness on the validation images."""
    settings = config.fitness
    order = None if settings.order == "device" or settings.order == "measured" else settings.order
    return SupernetFitness(
        supernet,
        data.valid,
        size=settings.size,
        batch_size=settings.batch_size,
        measure=settings.measure,
        mode=settings.mode,
        batchnorm=settings.batchnorm,
        calibration=data.train if settings.batchnorm == "recalibrated" else None,
        calibration_size=settings.calibration_size,
        samples=settings.samples,
        seed=config.seed,
        evaluator=partial(PopulationEvaluator, order=order, chunk=settings.chunk),
    )


def with_fastest_order(config: RunConfig, fitness: SupernetFitness) -> tuple[RunConfig, str]:
    """Time the orders of evaluation on a random population, as large as the run's.

    :returns: the configuration with the fastest order in place of ``measured``, and a sentence with the times.
    """
    supernet, rng = fitness.supernet, random.Random(config.seed)
    choice = fastest(
        supernet, fitness.where, [supernet.space.sample(rng) for _ in range(config.search.population)]
    )
    times = ", ".join(f"{way} {seconds:.3f} s" for way, seconds in choice.seconds.items())
    said = f"populations are evaluated {choice.options['order']}, the fastest here: {times} for a batch of images"
    return with_order(config, **choice.options), said


def with_order(config: RunConfig, order: str, chunk: int | None = None) -> RunConfig:
    """Return the configuration with this order of evaluation."""
    return config.model_copy(
        update={"fitness": config.fitness.model_copy(update={"order": order, "chunk": chunk})}
    )


def make_toolbox(
    config: RunConfig, space: SearchSpace, supernet: Supernet, fitness: SupernetFitness
) -> base.Toolbox:
    """Register the operators that the configuration names."""
    search = config.search
    settings: dict[str, Any] = {
        "temperature": make_schedule(search.temperature, search.ngen),
        "relative": search.temperature.relative,
        "entropy": make_entropy(search.entropy, space),
        "replacement": search.replacement,
        "tournsize": 3,
        "slices": space.slices,
        "groups": space.groups,
        "mu": 0.0,
        "sigma": search.sigma,
        "scale": search.scale,
    }
    toolbox = base.Toolbox()
    toolbox.register("map", batch_map)
    toolbox.register("evaluate", fitness)
    for kind, name, indpb, own in [
        ("select", search.select, 0.0, search.select_parameters),
        ("mate", search.mate, search.indpb_mate, search.mate_parameters),
        ("mutate", search.mutate, search.indpb_mutate, search.mutate_parameters),
    ]:
        operator = bind(kind, name, {**settings, "indpb": indpb}, own)
        toolbox.register(kind, operator.func, **operator.keywords)  # type: ignore[attr-defined]
    if search.local_search:
        toolbox.register(
            "local_search",
            OPERATORS.get("darts"),
            supernet=supernet,
            lr=search.local_lr,
            steps=search.local_steps,
            optimizer=search.local_optimizer,
        )
    if search.weights == "alternate":
        toolbox.register("train", WeightTraining(supernet, lr=search.weight_lr, steps=search.weight_steps))
    return toolbox


def make_schedule(settings: TemperatureSettings, ngen: int) -> Schedule:
    """Make the temperature schedule."""
    ngen = max(ngen, 1)
    if settings.schedule == "constant":
        return Constant(settings.start)
    if settings.schedule == "geometric":
        return Geometric(settings.start, settings.stop, ngen=ngen)
    if settings.schedule == "linear":
        return Linear(settings.start, settings.stop, ngen=ngen)
    if settings.target is None:
        raise ConfigError("search.temperature.target: a feedback schedule needs a target entropy")
    return Feedback(settings.start, target=settings.target, gain=settings.gain)


def make_entropy(name: str, space: SearchSpace) -> Entropy:
    """Make the entropy of the selection."""
    kinds = {"distance": MeanDistanceEntropy, "variance": VarianceEntropy, "logdet": LogDetEntropy}
    return ShannonEntropy(space.choices) if name == "shannon" else kinds[name]()


def make_recipe(settings: RetrainSettings) -> Recipe:
    """Make the recipe of the retraining."""
    from ..data import Augment

    return Recipe(
        epochs=max(settings.epochs, 1),  # 0 leaves the retraining out, and the rest is checked all the same
        batch_size=settings.batch_size,
        lr=settings.lr,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
        schedule=settings.schedule,
        milestones=tuple(settings.milestones),
        gamma=settings.gamma,
        warmup=min(settings.warmup, max(settings.epochs - 1, 0)),
        clip=settings.clip,
        augment=Augment(crop=settings.crop, flip=settings.flip, cutout=settings.cutout),
    )


def _count(value: float | None) -> float | None:
    return int(value) if value is not None and value >= 1 else value
