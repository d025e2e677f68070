"""Everything that is registered keeps the rules of its kind, and every operator has a golden result."""

from __future__ import annotations

import inspect
import random

import pytest
import torch

from tdgnas import Individual, operators
from tdgnas.data import DATA
from tdgnas.graphs import OPS
from tdgnas.operators import OPERATORS, Entropy
from tdgnas.runs import FITNESSES, PROBLEMS
from tdgnas.spaces import RULES, SPACES, create
from tdgnas.spaces.module.pieces import Held
from tdgnas.strategies import STRATEGIES
from tdgnas.tasks import TASKS
from tdgnas.testing import KINDS, Conformance, check_anything, kind_of
from tdgnas.testing.samples import GROUPS, SLICES, QuadraticSource, defaults, evaluated, real_genes, values_of

# DEAP's own operators as they are, with the rules that they do not keep.
EXCEPTIONS = {
    "selBest": {"skip": ("lets no NaN through",)},
    "selTournament": {"skip": ("lets no NaN through",)},
    "selNSGA2": {"skip": ("lets no NaN through",), "objectives": 2},
    "cxOnePoint": {"containers": ("Individual", "list")},  # swaps slices, which are views of an ndarray
    "cxTwoPoint": {"containers": ("Individual", "list")},
}
# Settings that keep a space small.
SMALL = {
    "vgg-shortcuts": {"width": 1 / 32},
    "nasbench201": {"channels": 4, "cells_per_stage": 1, "image_size": 16},
    "darts-cells": {"cells": 3, "channels": 4, "nodes": 2, "image_size": 8},
    "one-input-cells": {"cells": 2, "channels": 2, "image_size": 8},
    "hierarchical": {"levels": [[2, 3], [1, 3]], "channels": 2, "image_size": 6},
    "cgp": {"rows": 2, "columns": 2, "kernels": [1, 3], "filters": [2, 3], "most": 4, "image_size": 8},
    "trees": {"size": 4, "kernels": [1, 3], "filters": [2, 3], "most": 4, "image_size": 17},
    "genetic-cnn": {"stages": [2, 3], "channels": 2, "kernel": 3, "image_size": 8},
    "enas-macro": {"layers": 4, "channels": 4, "image_size": 8},
    "darts-rnn": {"nodes": 3, "size": 6, "classes": 11},
    "nas-rl-rnn": {"base": 2, "size": 6, "classes": 11},
    "enas-rnn": {"nodes": 3, "size": 6, "classes": 11},
    "module": {"arguments": {"width": 4}, "shape": [3, 8, 8]},
    "enas-micro": {"layers": 2, "nodes": 2, "channels": 4, "image_size": 8},
    "grown": {"kinds": ["stay", "deepen", "widen"], "channels": 2, "steps": 3, "places": 3, "image_size": 8},
    "nas-rl": {
        "layers": [1, 3],
        "heights": [1, 3],
        "widths": [1, 3],
        "filters": [2, 4],
        "strides": [1, 2],
        "types": ["conv", "max"],
        "image_size": 6,
    },
}
PREFIXES = ("sel", "cx", "mut", "ls", "init")


def all_operators():
    """Operators by name: the registered ones, and those that the package offers."""
    found = {entry.value.__name__: entry.value for entry in OPERATORS}
    for name in vars(operators):
        if name.startswith(PREFIXES) and name[len(next(p for p in PREFIXES if name.startswith(p)))].isupper():
            found[name] = getattr(operators, name)
    return dict(sorted(found.items()))


ALL = all_operators()
INSTANCES = {
    "Constant": operators.Constant(1.0),
    "Geometric": operators.Geometric(1.0, 0.01, ngen=10),
    "Linear": operators.Linear(1.0, 0.0, ngen=10),
    "Feedback": operators.Feedback(1.0, target=2.0),
    "ShannonEntropy": operators.ShannonEntropy(),
    "LogDetEntropy": operators.LogDetEntropy(),
    "MeanDistanceEntropy": operators.MeanDistanceEntropy(),
    "VarianceEntropy": operators.VarianceEntropy(),
}


@pytest.mark.parametrize("name", ALL)
def test_every_operator_keeps_the_rules_of_its_kind(name) -> None:
    assert check_anything(ALL[name], **EXCEPTIONS.get(name, {})).ok


@pytest.mark.parametrize("name", [name for name in ALL if name.startswith("sel")])
def test_every_selection_takes_two_objectives(name) -> None:
    assert check_anything(ALL[name], **{**EXCEPTIONS.get(name, {}), "objectives": 2}).ok


@pytest.mark.parametrize("name", INSTANCES)
def test_every_schedule_and_entropy_keeps_the_rules_of_its_kind(name) -> None:
    assert check_anything(INSTANCES[name]).ok


def test_no_schedule_or_entropy_is_left_out() -> None:
    offered = [thing for name, thing in vars(operators).items() if not name.startswith("_")]
    classes = {
        thing.__name__
        for thing in offered
        if inspect.isclass(thing)
        and not inspect.isabstract(thing)
        and not getattr(thing, "_is_protocol", False)
        and (issubclass(thing, Entropy) or "__call__" in vars(thing))
    }
    assert classes <= set(INSTANCES)


@pytest.mark.parametrize("name", SPACES.names())
def test_every_space_keeps_the_rules_of_spaces(name) -> None:
    assert name in SMALL, (
        f"space {name!r} has no small settings: add them here, so that it can be checked quickly"
    )
    assert check_anything(create(name, **SMALL[name])).ok


@pytest.mark.parametrize("name", STRATEGIES.names())
def test_every_strategy_keeps_the_rules_of_strategies(name) -> None:
    if name == "optuna":
        pytest.importorskip("optuna", reason="the strategy needs optuna, which is not installed")
    few = {
        "bananas": {"epochs": 1, "layers": 1, "networks": 2, "offspring": 20},
        "random-forest": {"trees": 2, "offspring": 20},
        "pnas": {"trees": 1},
    }
    assert check_anything(STRATEGIES.get(name), **few.get(name, {})).ok


# What a kind of operation takes beside channels and the like.
OPERATIONS = {
    "cell-input": {"affine": True},
    "channel-shuffle": {"groups": 2},
    "dropout-head": {"dropout": 0.1},
    "enas-pool": {"pool": "max"},
    "pool": {"kind": "max"},
    "plain-norm": {"shape": (8,)},
    "rnn-input-gates": {"shape": (16,)},
    "rnn-gates": {"shape": (8,)},
    "rnn-highway": {"activation": "tanh", "shape": (24,)},
    "rnn-leaf": {"way": "mul", "shape": (24,)},
    "rnn-memory": {"shape": (24,)},
    "rnn-activation": {"activation": "tanh"},
    "rnn-combine": {"way": "mul", "activation": "tanh"},
    "rnn-counted": {"shape": (8,)},
    "rnn-average": {"shape": (9,)},
    "scale": {"factor": 0.5},
    "factorised-reduction": {"stride": 2},
    "held": {"module": Held("here", torch.nn.ReLU())},
    "first-channels": {"operation": "sep_conv_3x3", "affine": True},
    "other-channels": {"channels": 2},
}
# What each kind of fitness scores.
SCORED = {
    "supernet": {"problem": "digits-vgg-tiny"},
    "table": {"problem": "synthetic"},
    "zero-cost": {"problem": "digits-zero-cost", "data": {"train": 64, "valid": 64, "test": 64}},
    "scratch": {"problem": "digits-scratch", "data": {"train": 64, "valid": 64, "test": 64}},
}


def test_every_part_keeps_the_rules_of_its_kind() -> None:
    for entry in OPS:
        if entry.name.startswith("tests-"):
            continue  # some of these break the rules on purpose
        assert KINDS["operation"](entry.value, **OPERATIONS.get(entry.name, {})).ok
    for registry in (TASKS, RULES, PROBLEMS):
        for entry in registry:
            assert check_anything(entry.value).ok, entry.name
    for name in ("digits", "digits-ink", "digits-parts", "cluttered-digits", "text"):  # the others read files
        assert check_anything(DATA.get(name)).ok
    for entry in FITNESSES:
        assert check_anything(entry.value, config=SCORED[entry.name]).ok


def test_what_deap_does_not_keep_is_still_not_kept() -> None:
    for name, options in EXCEPTIONS.items():
        for rule in options.get("skip", ()):
            assert rule in dict(check_anything(ALL[name], report_only=True).violations)


class TestMutationByInheritance(Conformance):
    """The base class that plug-ins inherit, on one of our own."""

    subject = staticmethod(operators.mutFlipGate)
    options = {"indpb": 0.3}  # noqa: RUF012


class TestEntropyByInheritance(Conformance):
    subject = operators.ShannonEntropy()


# golden results --------------------------------------------------------------------------------------------------


def result(name):
    """What an operator does with seed 1 on the pool or individuals of seed 0."""
    operator = ALL[name]
    rng = random.Random(0)
    pool = [evaluated(Individual(real_genes(rng)), (rng.random(),)) for _ in range(8)]
    known = {
        "decisions": defaults()["decisions"],
        "slices": SLICES,
        "groups": GROUPS,
        "indpb": 0.4,
        "mu": 0.0,
        "sigma": 0.3,
        "tournsize": 2,
        "supernet": QuadraticSource(),
        "lr": 0.1,
        "size": 4,
        "probabilities": [0.1, 0.9, 0.5, 0.5],
        "temperature": 0.1,
        "start": [1.0, -1.0, -1.0, -1.0],
        "mutate": lambda one: operators.mutFlipGate(one, indpb=0.5),
        "times": 3,
    }
    parameters = inspect.signature(operator).parameters
    keywords = {key: value for key, value in known.items() if key in parameters}
    if name in ("mutSelfAdaptive", "selRating", "selBoltzmannTournament"):
        keywords = {}
    random.seed(1)
    kind = kind_of(operator)
    if kind == "selection":
        chosen = operator(pool, 4, **keywords)
        return [next(place for place, one in enumerate(pool) if one is found) for found in chosen]
    if kind == "initialiser":
        keywords.pop("slices", None)
        return [round(gene, 3) for gene in operator(list, **keywords)]
    individuals = pool[: 2 if kind == "crossover" else 1]
    operator(*individuals, **keywords)
    return [round(gene, 3) for gene in values_of(individuals[0])]


@pytest.mark.parametrize("name", ALL)
def test_golden_result(name, golden) -> None:
    """Places of the pool that a selection picks; genes that the others leave behind, rounded."""
    assert result(name) == pytest.approx(golden("operators", name, result(name)), abs=2e-3)
