"""Rules of search spaces: decisions, genes, files, graphs and numbers."""

from __future__ import annotations

import dataclasses
import inspect
import json
import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..spaces import Architecture, SearchSpace
from .calling import pickle_violations, through_pickle
from .generators import drawn_from
from .network import CONSISTENCY, one_hot_equals_discrete
from .report import Kind, Rules, rules_of
from .space_case import SpaceCase


def _can_be_called(case: SpaceCase) -> Iterator[str]:
    space = case.space
    if not isinstance(getattr(type(space), "name", None), str):
        yield f'{case.name} has no name: give the class an attribute `name = "my-space"`, architectures carry it'
    space.decode(space.encode(space.sample(random.Random(0))))


def _slices_cover_the_genes(case: SpaceCase) -> Iterator[str]:
    space = case.space
    places = [gene for where in space.slices for gene in range(space.length)[where]]
    if places != list(range(space.length)):
        yield f"the slices of {case.name} do not cover its {space.length} genes once each, in order"
    for decision, where in zip(space.decisions, space.slices, strict=True):
        if where.stop - where.start != decision.genes:
            yield f"decision {decision.name!r} of {case.name} has {decision.genes} genes, its slice is {where}"
    grouped = [gene for group in space.groups for gene in group]
    if len(set(grouped)) != len(grouped) or not set(grouped) <= set(range(space.length)):
        yield f"the groups of {case.name} name a gene twice, or one that there is not"


def _round_trips(case: SpaceCase) -> Iterator[str]:
    space = case.space
    for architecture in case.samples():
        for scale in (1.0, 0.01):
            found = space.decode(space.encode(architecture, scale))
            pairs = zip(found.choices, architecture.choices, strict=True)
            for wrong in [place for place, (one, two) in enumerate(pairs) if one != two]:
                yield (
                    f"decode(encode(a)) is not a in {case.name}: decision {space.decisions[wrong].name!r} comes back "
                    f"as choice {found.choices[wrong]} instead of {architecture.choices[wrong]}"
                )


def _choices_agree_with_decode(case: SpaceCase) -> Iterator[str]:
    space, rng = case.space, random.Random(1)
    genes = [[rng.uniform(-1, 1) for _ in range(space.length)] for _ in range(6)]
    rows = np.asarray(space.choices(genes))
    if rows.shape != (6, len(space.decisions)) or rows.dtype.kind not in "iu":
        yield (
            f"choices() of {case.name} returned {rows.dtype} of shape {rows.shape}; it must be integers of shape "
            f"(individuals, decisions), here (6, {len(space.decisions)})"
        )
    for row, individual in zip(rows.tolist(), genes, strict=True):
        if tuple(row) != space.canonical(space.decode(individual)).choices:
            yield f"choices() and decode() of {case.name} disagree about the same genes"


def _JSON_round_trip(case: SpaceCase) -> Iterator[str]:
    for architecture in case.samples():
        if Architecture.from_json(architecture.to_json()) != architecture:
            yield (
                f"an architecture of {case.name} does not survive JSON: its choices must be a tuple of Python ints, "
                f"not {type(architecture.choices[0]).__name__}"
            )


def _refuses_impossible_architectures(case: SpaceCase) -> Iterator[str]:
    space = case.space
    good = [0] * len(space.decisions)
    for what, choices in (
        ("a choice too many", [*good, 0]),
        ("a choice that there is not", [len(space.decisions[0].choices), *good[1:]]),
        ("a negative choice", [-1, *good[1:]]),
    ):
        try:
            space.architecture(choices)
        except ValueError:
            continue
        yield f"{case.name} accepts an architecture with {what}; check() must raise a ValueError that says so"


def _settings_make_it_again(case: SpaceCase) -> Iterator[str]:
    space = case.space
    try:
        settings = json.loads(json.dumps(space.settings))
    except TypeError as error:
        yield f"the settings of {case.name} are no JSON values ({error}); they are written into every file"
        return
    for name, parameter in inspect.signature(type(space)).parameters.items():
        variadic = parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        if not variadic and name not in settings:
            yield (
                f"the settings of {case.name} lack {name!r}; pass every keyword of the constructor on as settings, "
                "else a saved architecture is loaded into another space"
            )
    try:
        again = type(space)(**settings)
    except TypeError as error:
        yield f"{case.name} cannot be made of its settings ({error}); settings are the keywords of the constructor"
        return
    samples = case.samples(3)
    if _all_of(again, samples) != _all_of(space, samples):
        yield (
            f"{type(space).__name__}(**space.settings) makes another space than {space!r}; pass every keyword of the "
            "constructor on as settings, else a saved architecture is loaded into the wrong space"
        )
    for key, value in settings.items():
        if not isinstance(value, (int, float)):
            continue
        other = not value if isinstance(value, bool) else 2 * value
        try:
            varied = type(space)(**{**settings, key: other}).settings
        except Exception:
            continue  # a value that the space does not take
        if varied.get(key) != other:
            yield (
                f"{case.name}({key}={other}) has {key}={varied.get(key)} in its settings; pass on what was given, else "
                "a saved architecture is loaded into another space"
            )


def _all_of(space: SearchSpace, architectures: list[Architecture]) -> list[Any]:
    counts = [(space.parameters(each), space.macs(each)) for each in architectures]
    nodes = [space.drawn_from(each)[0].nodes for each in architectures]
    return [space.decisions, nodes, space.image_shape, space.classes, counts]


def _samples_everything(case: SpaceCase) -> Iterator[str]:
    space = case.space
    draws = [[space.sample(random.Random(seed)).choices for seed in range(300)] for _ in range(2)]
    if draws[0] != draws[1] or drawn_from(lambda: space.sample(random.Random(0))):
        yield f"sample(rng) of {case.name} must draw from the rng that it is given, and from nothing else"
    for number, decision in enumerate(space.decisions):
        seen = {choices[number] for choices in draws[0]}
        if len(decision.choices) <= 20 and len(seen) < len(decision.choices):
            missing = min(set(range(len(decision.choices))) - seen)
            yield (
                f"sample() of {case.name} never drew choice {decision.choices[missing]!r} of decision "
                f"{decision.name!r} in 300 draws; every architecture must be equally likely"
            )


def _architectures_are_values(case: SpaceCase) -> Iterator[str]:
    one, two = (case.space.sample(random.Random(5)) for _ in range(2))
    if one != two or hash(one) != hash(two):
        yield f"equal architectures of {case.name} are not equal, or hash differently; caches are keyed on them"
    try:
        one.choices = ()  # type: ignore[misc]
    except (dataclasses.FrozenInstanceError, AttributeError):
        return
    yield f"an architecture of {case.name} can be changed; it must be immutable"


def _every_decision_matters(case: SpaceCase) -> Iterator[str]:
    if not case.space.shares_weights:
        yield from _live_choices_change_the_graph(case)
        return
    conditions = [each for node in case.space.graph.nodes for term in node.terms for each in term.conditions]
    for number, decision in enumerate(case.space.decisions):
        switched = {choice for each in conditions if each.decision == number for choice in each.choices}
        if len(switched) < len(decision.choices) - 1:
            idle = [name for place, name in enumerate(decision.choices) if place not in switched]
            yield (
                f"decision {decision.name!r} of {case.name}: no term is switched by its choices {idle}; one choice may "
                "stand for nothing, the others need a Term(..., when=on(number, choice))"
            )


def _live_choices_change_the_graph(case: SpaceCase) -> Iterator[str]:
    space = case.space
    for architecture in case.samples(2):
        own, live = space.fixed(architecture).nodes, space.decisions.live(architecture.choices)
        for place, choice in enumerate(architecture.choices):
            for other in set(range(space.decisions.sizes[place])) - {choice}:
                changed = [*architecture.choices[:place], other, *architecture.choices[place + 1 :]]
                same = space.fixed(space.architecture(changed)).nodes == own
                if same == live[place]:
                    yield (
                        f"decision {space.decisions[place].name!r} of {case.name} is said to "
                        f"{'' if same else 'not '}matter, and another choice gives {'the same' if same else 'another'} "
                        "graph; mend Decisions(live=...) or fixed()"
                    )


def _can_be_pickled(case: SpaceCase) -> Iterator[str]:
    problems = pickle_violations(case.space, case.name, "keep settings and no lambdas or open files on it")
    yield from problems
    if not problems and through_pickle(case.space).settings != case.space.settings:
        yield f"{case.name} loses its settings when it is pickled"


SPACE: Rules = {
    **rules_of(
        _can_be_called, _slices_cover_the_genes, _choices_agree_with_decode, _JSON_round_trip,
        _refuses_impossible_architectures, _settings_make_it_again, _samples_everything,
        _architectures_are_values, _every_decision_matters, _can_be_pickled, *CONSISTENCY,
    ),
    "decode(encode(a)) == a": _round_trips,
    "a one-hot alpha equals the architecture": one_hot_equals_discrete,
}  # fmt: skip


check_space = Kind("space", SpaceCase.of, SPACE)
"""Check a search space, or its class: its genes, files and graphs, and that supernet and stand-alone network agree.

Options are keywords of the class; a small one (few channels) makes the check quick.
"""
