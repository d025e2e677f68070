"""Problems by name: what data, what space, how it is scored, as sections of a configuration."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from ..files import Json
from ..registry import Registry
from ..settings import check_whole
from .errors import ConfigError

Sections = Json


def _check(preset: Callable[..., Sections]) -> None:
    if not callable(preset):
        raise TypeError(f"a problem is a function that returns sections of a configuration; got {preset!r}")


PROBLEMS: Registry[Callable[..., Sections]] = Registry(
    "problem", "tdgnas.problems", _check,
    also=("SPACE@DATA such as vgg-shortcuts@digits:width=0.125", "table:space=...,file=...,key=..."),
)  # fmt: skip
"""Problems by name; ``@PROBLEMS.register("mine")`` adds a function that returns sections of a configuration as a
nested dict, as does an entry point ``tdgnas.problems``. Its keywords are the options of ``mine:key=value``."""


#: The space of NAS-RL for a laptop: 6^4 networks.
CHAIN: Sections = {"layers": 4, "heights": [1, 3], "widths": [], "filters": [16, 32, 64], "anchors": False}


@PROBLEMS.register("main")
def main() -> Sections:
    """The main system on handwritten digits: a pretrained supernet of VGG19 at an eighth of its width, in minutes."""
    return {
        "space": {"name": "vgg-shortcuts", "settings": {"width": 0.125}},
        "data": {"name": "digits"},
        "pretrain": {"epochs": 10, "alpha_lr": 0.02, "hold": 3},
        "budget": {"unit": "generations", "limit": 30},
    }


#: How a supernet can be pretrained, and what goes with it.
PRETRAINED: dict[str, Sections] = {"darts": {}, "paths": {"method": "paths", "lr": 0.02, "lr_min": 0.0}}


def on_supernet(
    space: str,
    data: str,
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


@PROBLEMS.register("demo")
def demo(epochs: int = 2, evaluations: int = 60, images: int = 400) -> Sections:
    """Which shortcuts make a narrow VGG19 learn handwritten digits from 400 images in 26 steps? A minute on a CPU."""
    recipe = {"epochs": epochs, "batch_size": 32, "warmup": 0, "nesterov": True, "channels_last": True}
    space, data = {"name": "vgg-shortcuts", "width": 0.0625}, {"name": "digits", "train": images}
    found = from_scratch(space, data, evaluations, recipe=recipe)
    variation = {"gates": 0.15, "mutpb": 0.5}
    return {
        **found,
        "strategy": {"name": "tdga", "variation": variation},
        "retrain": {**recipe, "seeds": 2},
    }


@PROBLEMS.register("digits-vgg")
def digits_vgg(**options: Any) -> Sections:
    """Handwritten digits, shortcuts of VGG19 at an eighth of its width, scored on a supernet."""
    return on_supernet("vgg-shortcuts", "digits", **{"width": 0.125, **options})


@PROBLEMS.register("digits-vgg-tiny")
def digits_vgg_tiny(**options: Any) -> Sections:
    """The same with a 32nd of the width and less training, in seconds."""
    return on_supernet("vgg-shortcuts", "digits", **{"width": 0.03125, "epochs": 4, "images": 128, **options})


@PROBLEMS.register("digits-cells")
def digits_cells(**options: Any) -> Sections:
    """Handwritten digits, NAS-Bench-201's cells with 4 channels, scored on a supernet."""
    return on_supernet(
        "nasbench201", "digits", **{"channels": 4, "cells_per_stage": 1, "epochs": 10, **options}
    )


@PROBLEMS.register("digits-enas-macro")
def digits_enas_macro(**options: Any) -> Sections:
    """Handwritten digits, ENAS' macro space of whole networks, here of 4 layers, scored on a supernet."""
    return on_supernet("enas-macro", "digits", **{"layers": 4, "channels": 4, "epochs": 10, **options})


@PROBLEMS.register("digits-enas-micro")
def digits_enas_micro(**options: Any) -> Sections:
    """Handwritten digits, ENAS' micro space of cells, here of 3 nodes, scored on a supernet."""
    small = {"layers": 3, "nodes": 3, "channels": 4, "epochs": 10}
    return on_supernet("enas-micro", "digits", **{**small, **options})


@PROBLEMS.register("digits-genetic-cnn")
def digits_genetic_cnn(**options: Any) -> Sections:
    """Handwritten digits, the 19 bits of Genetic CNN with 4 channels and more, scored on a supernet."""
    return on_supernet("genetic-cnn", "digits", **{"channels": 4, "kernel": 3, "epochs": 10, **options})


@PROBLEMS.register("digits-scratch")
def digits_scratch(epochs: int = 1, evaluations: int = 50, **settings: Any) -> Sections:
    """Handwritten digits, NAS-Bench-201's cells with 4 channels, each trained from scratch for an epoch."""
    small = {"name": "nasbench201", "channels": 4, "cells_per_stage": 1, **settings}
    return from_scratch(small, {"name": "digits"}, evaluations, recipe={"epochs": epochs, "warmup": 0})


@PROBLEMS.register("digits-nas-rl")
def digits_nas_rl(epochs: int = 1, evaluations: int = 50, **settings: Any) -> Sections:
    """Handwritten digits of 8x8 pixels, strings of NAS-RL of three small layers, each trained for an epoch."""
    small = {"layers": 3, "heights": [1, 3], "widths": [1, 3], "filters": [4, 8]}
    space, data = {"name": "nas-rl", **small, **settings}, {"name": "digits", "size": 8, "channels": 1}
    recipe = {"epochs": epochs, "warmup": 0}
    return from_scratch(space, data, evaluations, measure="accuracy", recipe=recipe)


@PROBLEMS.register("digits-growth")
def digits_growth(
    data: str = "digits", epochs: int = 3, evaluations: int = 60, inherit: bool = True, **settings: Any
) -> Sections:
    """Handwritten digits of 8x8 pixels, networks that grow from three convolutions and inherit trained weights."""
    small = {"size": 8, "channels": 1} if data.startswith("digits") else {}
    recipe = {"epochs": epochs, "warmup": 0}
    found = from_scratch(
        {"name": "grown", "channels": 8, "steps": 40, **settings},
        {"name": data, **small},
        evaluations,
        recipe=recipe,
        inherit=inherit,
    )
    # A whole history swapped decision by decision would be another one; most children are one move further.
    variation = {"mutate": "neighbour", "mate": "one-point", "cxpb": 0.2, "mutpb": 0.8}
    return {**found, "strategy": {"name": "tdga", "variation": variation}}


#: Small spaces of genomes of other shapes.
GENOMES: dict[str, Sections] = {
    "trees": {"name": "trees", "size": 16, "kernels": [3], "filters": [4, 8], "most": 16},
    "cgp": {
        "name": "cgp", "rows": 3, "columns": 8, "levels_back": 4, "kernels": [3], "filters": [4, 8], "most": 16,
    },
    "motifs": {"name": "hierarchical", "channels": 4},
    "flat": {"name": "hierarchical", "channels": 4, "levels": [[1, 11]]},
    "bits": {"name": "genetic-cnn", "channels": 4, "kernel": 3},
}  # fmt: skip


@PROBLEMS.register("digits-genomes")
def digits_genomes(
    genome: str = "trees", epochs: int = 1, evaluations: int = 50, **settings: Any
) -> Sections:
    """Handwritten digits of 8x8 pixels, small networks as trees, grids (cgp), motifs, flat motifs or bits,
    each trained for an epoch."""
    if genome not in GENOMES:
        raise ValueError(f"genome is {genome!r}; it must be one of {', '.join(GENOMES)}")
    data = {"name": "digits", "size": 8, "channels": 1}
    recipe = {"epochs": epochs, "warmup": 0, "batch_size": 20, "lr": 0.05}
    small = {**GENOMES[genome], **settings}
    return from_scratch(small, data, evaluations, measure="accuracy", recipe=recipe)


@PROBLEMS.register("nas-rl-chain")
def nas_rl_chain(
    data: str = "digits", images: int = 400, epochs: int = 10, evaluations: int = 250, **settings: Any
) -> Sections:
    """NAS-RL for a laptop: 1,296 chains of four layers, windows of 1 or 3, 16, 32 or 64 filters, and few images."""
    small = {"size": 8, "channels": 1} if data.startswith("digits") else {"valid": 1000}
    space, few = {"name": "nas-rl", **CHAIN, **settings}, {"name": data, "train": images, **small}
    recipe = {"epochs": epochs, "batch_size": 20, "lr": 0.1}
    return from_scratch(space, few, evaluations, measure="accuracy", recipe=recipe)


@PROBLEMS.register("cifar10-nas-rl")
def cifar10_nas_rl(evaluations: int = 12_800, **settings: Any) -> Sections:
    """CIFAR-10, strings of NAS-RL that grow from 6 layers on, each trained for 50 epochs: as published, for GPUs."""
    space = {"name": "nas-rl", "layers": [6, 8, 10, 12, 14, 16, 18, 20], **settings}
    recipe = {
        "epochs": 50, "lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4, "schedule": "constant",
        "warmup": 0, "batch_size": 128, "augment": {"crop": 4, "flip": True},
    }  # fmt: skip
    found = from_scratch(
        space,
        {"name": "cifar10", "valid": 5_000},
        evaluations,
        measure="accuracy",
        last=5,
        power=3.0,
        recipe=recipe,
    )
    found["space"]["grow"] = 1_600
    return {**found, "strategy": {"name": "reinforce-lstm"}}


@PROBLEMS.register("digits-zero-cost")
def digits_zero_cost(score: str = "naswot", evaluations: int = 100, **settings: Any) -> Sections:
    """Handwritten digits, NAS-Bench-201's cells with 4 channels, scored by a look at their fresh weights."""
    return {
        "space": {"name": "nasbench201", "settings": {"channels": 4, "cells_per_stage": 1, **settings}},
        "data": {"name": "digits"},
        "fitness": {"kind": "zero-cost", "score": score},
        "budget": {"unit": "evaluations", "limit": evaluations},
    }


@PROBLEMS.register("digits-ink")
def digits_ink(**options: Any) -> Sections:
    """How much ink a handwritten digit has: a regression, on VGG19 at a 32nd of its width."""
    return on_supernet("vgg-shortcuts", "digits-ink", **{"width": 0.03125, **options})


@PROBLEMS.register("digits-parts")
def digits_parts(**options: Any) -> Sections:
    """Which parts a handwritten digit has: several labels at once, on VGG19 at a 32nd of its width."""
    return on_supernet("vgg-shortcuts", "digits-parts", **{"width": 0.03125, **options})


def on_text(
    space: str,
    data: str = "text",
    *,
    folder: str | None = None,
    vocabulary: int | None = None,
    segment: int = 35,
    windows: int = 96,
    evaluations: int = 100,
    **options: Any,
) -> Sections:
    """Return the sections of a space of recurrent cells on a text, with a supernet.

    :param data: ``text`` or ``text-characters``.
    :param folder: with a text of one's own; the one that comes with Python when None.
    :param vocabulary: keep only so many tokens.
    :param segment: tokens that gradients reach back.
    :param windows: of validation text, of so many tokens each, in one evaluation.
    :param evaluations: the budget, in evaluations' worth of token passes.
    :param options: of :func:`on_supernet`.
    """
    small = {"size": 64, "epochs": 5, "batch_size": 16, "retrain": 10}
    found = on_supernet(
        space, data, images=windows, evaluations=evaluations * segment, **{**small, **options}
    )
    kept = {"size": found["space"]["settings"]["size"], "output_dropout": 0.2, "state_dropout": 0.1}
    kept |= {"embedding_dropout": 0.1, "word_dropout": 0.0}
    own = {"folder": folder, "vocabulary": vocabulary, "segment": segment}
    found["data"] |= {key: value for key, value in own.items() if value is not None}
    # As published: plain descent with a large rate and small gradients.
    plain = {
        "lr": 20.0,
        "lr_min": 0.0,
        "schedule": "constant",
        "momentum": 0.0,
        "weight_decay": 5e-7,
        "clip": 0.25,
    }
    found["pretrain"] |= {
        **plain,
        "alpha_weight_decay": 1e-3,
        "batch_size": found["fitness"]["gradient_batch"],
    }
    found["fitness"]["weights"] = {"lr": 1.0, "momentum": 0.0, "weight_decay": 5e-7}
    recipe = {
        "lr": 20.0, "warmup": 0, "momentum": 0.0, "weight_decay": 8e-7, "clip": 0.25, "batch_size": 16, "final": True,
        "final_options": kept,
    }  # fmt: skip
    return {**found, "retrain": {**recipe, **found["retrain"]}}


@PROBLEMS.register("text-darts")
def text_darts(**options: Any) -> Sections:
    """English text by words, DARTS' recurrent cells with 64 units, scored on a supernet by perplexity."""
    return on_text("darts-rnn", **options)


@PROBLEMS.register("text-enas")
def text_enas(**options: Any) -> Sections:
    """English text by words, ENAS' recurrent cells of 8 nodes with 64 units, scored on a supernet by perplexity."""
    return on_text("enas-rnn", **{"nodes": 8, **options})


@PROBLEMS.register("text-nas-rl")
def text_nas_rl(
    epochs: int = 1, evaluations: int = 50, segment: int = 35, vocabulary: int = 1000, **settings: Any
) -> Sections:
    """English text by words, trees of base 8 with 32 units, each trained from scratch for an epoch."""
    space = {"name": "nas-rl-rnn", "size": 32, **settings}
    recipe = {
        "epochs": epochs, "warmup": 0, "lr": 20.0, "momentum": 0.0, "weight_decay": 5e-7, "clip": 0.25,
        "batch_size": 32,
    }  # fmt: skip
    data = {"name": "text", "segment": segment, "vocabulary": vocabulary}
    return from_scratch(space, data, evaluations, recipe=recipe)


@PROBLEMS.register("cifar10-vgg")
def cifar10_vgg(**options: Any) -> Sections:
    """CIFAR-10, shortcuts of VGG19 at full width: the published experiment, for a GPU."""
    found = on_supernet(
        "vgg-shortcuts", "cifar10", **{"width": 1.0, "epochs": 150, "images": 2000, **options}
    )
    found["data"]["valid"] = 25_000
    found["pretrain"] |= {"lr": 0.001, "schedule": "constant", "alpha_lr": 0.003, "hold": 10}
    found["fitness"]["batch_size"] = 500
    recipe = {
        "epochs": 150, "lr": 0.009, "schedule": "step", "milestones": [100], "gamma": 0.234, "warmup": 0,
    }  # fmt: skip
    return {
        **found,
        "strategy": {"name": "darts-tdga", "temperature": {"start": 1.0, "stop": 0.001}},
        "budget": {"unit": "generations", "limit": 150},
        "retrain": {**recipe, "augment": {"crop": 4, "flip": True}, **found.get("retrain", {})},
    }


@PROBLEMS.register("nasbench201")
def nasbench201(**options: Any) -> Sections:
    """NAS-Bench-201's cells with the measured accuracies of its table, by the simulated clock."""
    return on_table("nasbench201", **options)


@PROBLEMS.register("nas-rl-table")
def nas_rl_table(evaluations: int = 250, **options: Any) -> Sections:
    """The 1,296 chains of NAS-RL at half their width, all trained on 240 digits: their measured accuracies."""
    columns = {"file": "nas-rl-digits", "signal": "val_acc_6", "final": "test_acc_6"}
    own = {**CHAIN, "multiplier": 0.5, "in_channels": 1, "image_size": 8}
    budget = {"unit": "evaluations", "limit": evaluations}
    return {**on_table("nas-rl", **{**columns, **own, **options}), "budget": budget}


@PROBLEMS.register("synthetic")
def synthetic(seed: int = 0, **options: Any) -> Sections:
    """NAS-Bench-201's cells with an invented table, for trials without the real one."""
    return on_table("nasbench201", seed=seed, **options)


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
        preset, plain = on_supernet, {"space": space, "data": data, **plain}
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


def parse_options(text: str, whole: str) -> Json:
    """Read ``key=value,key=value``; values are read as JSON where they are JSON, else as words.

    :raises ValueError: when the text has another form.

    >>> parse_options("population=5,relative=true", "tdga:...")
    {'population': 5, 'relative': True}
    """
    options: Json = {}
    for part in filter(None, text.split(",")):
        key, equals, value = part.partition("=")
        if not equals or not all(piece.isidentifier() for piece in key.split(".")):
            raise ValueError(f"{part!r} in {whole!r} is no option; expected key=value")
        try:
            options[key] = json.loads(value)
        except ValueError:
            options[key] = value
    return options


def strategy_sections(text: str) -> Sections:
    """Return the sections of ``name`` or ``name:key=value,...``; ``order`` is that of the gradients it follows.

    >>> strategy_sections("darts:order=2,steps=5")
    {'strategy': {'name': 'darts', 'steps': 5}, 'fitness': {'gradient_order': 2}}
    """
    name, _, tail = text.strip().partition(":")
    given = parse_options(tail, text)
    order = given.pop("order", None)
    section: Sections = {"name": name}
    for key, value in given.items():
        assign(section, key.split("."), value)
    return {"strategy": section, **({} if order is None else {"fitness": {"gradient_order": order}})}


def assign(document: Json, keys: list[str], value: Any) -> None:
    """Set a nested key.

    :raises ConfigError: when the way there leads through something that is no section.
    """
    place = document
    for key in keys[:-1]:
        place = place.setdefault(key, {})
        if not isinstance(place, dict):
            raise ConfigError(f"{'.'.join(keys)}: {key!r} is a value, not a section")
    place[keys[-1]] = value


#: What makes a section another one: with another value of it, nothing of the problem's own section is kept.
_NAMES = {"space": "name", "fitness": "kind", "strategy": "name", "budget": "unit"}


def merged(sections: Mapping[str, Any], document: Mapping[str, Any]) -> Json:
    """Return a problem's sections with what a document says laid over them."""
    found = deepcopy(dict(sections))
    for key, value in document.items():
        name, old = _NAMES.get(key), found.get(key)
        if (
            not isinstance(value, dict)
            or not isinstance(old, dict)
            or (name is not None and name in value and value[name] != old.get(name))
        ):
            found[key] = deepcopy(value)
        else:
            found[key] = merged(old, value)
    return found
