"""Rules of search spaces: decisions, genes, files, graphs and numbers."""

from __future__ import annotations

import dataclasses
import inspect
import json
import random
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from ..spaces import Architecture, SearchSpace
from .calling import pickle_violations, through_pickle
from .generators import drawn_from
from .network import NetworkCase
from .report import Kind


def _all_of(space: SearchSpace, architectures: list[Architecture]) -> list[Any]:
    counts = [(space.parameters(each), space.macs(each)) for each in architectures]
    nodes = [space.drawn_from(each)[0].nodes for each in architectures]
    return [space.decisions, nodes, space.image_shape, space.classes, counts]


class SpaceCase(NetworkCase):
    """A space, with the rules of its decisions, genes, files and graph."""

    titles: ClassVar[dict[str, str]] = {
        "round trips": "decode(encode(a)) == a",
        "one hot equals discrete": "a one-hot alpha equals the architecture",
    }

    def rule_can_be_called(self) -> Iterator[str]:
        space = self.space
        if not isinstance(getattr(type(space), "name", None), str):
            yield f'{self.name} has no name: give the class an attribute `name = "my-space"`, architectures carry it'
        space.decode(space.encode(space.sample(random.Random(0))))

    def rule_slices_cover_the_genes(self) -> Iterator[str]:
        space = self.space
        places = [gene for where in space.slices for gene in range(space.length)[where]]
        if places != list(range(space.length)):
            yield f"the slices of {self.name} do not cover its {space.length} genes once each, in order"
        for decision, where in zip(space.decisions, space.slices, strict=True):
            if where.stop - where.start != decision.genes:
                yield f"decision {decision.name!r} of {self.name} has {decision.genes} genes, its slice is {where}"
        grouped = [gene for group in space.groups for gene in group]
        if len(set(grouped)) != len(grouped) or not set(grouped) <= set(range(space.length)):
            yield f"the groups of {self.name} name a gene twice, or one that there is not"

    def rule_round_trips(self) -> Iterator[str]:
        space = self.space
        for architecture in self.samples():
            for scale in (1.0, 0.01):
                found = space.decode(space.encode(architecture, scale))
                pairs = zip(found.choices, architecture.choices, strict=True)
                for wrong in [place for place, (one, two) in enumerate(pairs) if one != two]:
                    yield (
                        f"decode(encode(a)) is not a in {self.name}: decision {space.decisions[wrong].name!r} comes "
                        f"back as choice {found.choices[wrong]} instead of {architecture.choices[wrong]}"
                    )

    def rule_choices_agree_with_decode(self) -> Iterator[str]:
        space, rng = self.space, random.Random(1)
        genes = [[rng.uniform(-1, 1) for _ in range(space.length)] for _ in range(6)]
        rows = np.asarray(space.choices(genes))
        if rows.shape != (6, len(space.decisions)) or rows.dtype.kind not in "iu":
            yield (
                f"choices() of {self.name} returned {rows.dtype} of shape {rows.shape}; it must be integers of shape "
                f"(individuals, decisions), here (6, {len(space.decisions)})"
            )
        for row, individual in zip(rows.tolist(), genes, strict=True):
            if tuple(row) != space.canonical(space.decode(individual)).choices:
                yield f"choices() and decode() of {self.name} disagree about the same genes"

    def rule_JSON_round_trip(self) -> Iterator[str]:
        for architecture in self.samples():
            if Architecture.from_json(architecture.to_json()) != architecture:
                yield (
                    f"an architecture of {self.name} does not survive JSON: its choices must be a tuple of Python "
                    f"ints, not {type(architecture.choices[0]).__name__}"
                )

    def rule_refuses_impossible_architectures(self) -> Iterator[str]:
        space = self.space
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
            yield f"{self.name} accepts an architecture with {what}; check() must raise a ValueError that says so"

    def rule_settings_make_it_again(self) -> Iterator[str]:
        space = self.space
        try:
            settings = json.loads(json.dumps(space.settings))
        except TypeError as error:
            yield f"the settings of {self.name} are no JSON values ({error}); they are written into every file"
            return
        for name, parameter in inspect.signature(type(space)).parameters.items():
            variadic = parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
            if not variadic and name not in settings:
                yield (
                    f"the settings of {self.name} lack {name!r}; pass every keyword of the constructor on as settings, "
                    "else a saved architecture is loaded into another space"
                )
        try:
            again = type(space)(**settings)
        except TypeError as error:
            yield f"{self.name} cannot be made of its settings ({error}); settings are the keywords of the constructor"
            return
        samples = self.samples(3)
        if _all_of(again, samples) != _all_of(space, samples):
            yield (
                f"{type(space).__name__}(**space.settings) makes another space than {space!r}; pass every keyword of "
                "the constructor on as settings, else a saved architecture is loaded into the wrong space"
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
                    f"{self.name}({key}={other}) has {key}={varied.get(key)} in its settings; pass on what was given, "
                    "else a saved architecture is loaded into another space"
                )

    def rule_samples_everything(self) -> Iterator[str]:
        space = self.space
        draws = [[space.sample(random.Random(seed)).choices for seed in range(300)] for _ in range(2)]
        if draws[0] != draws[1] or drawn_from(lambda: space.sample(random.Random(0))):
            yield f"sample(rng) of {self.name} must draw from the rng that it is given, and from nothing else"
        for number, decision in enumerate(space.decisions):
            seen = {choices[number] for choices in draws[0]}
            if len(decision.choices) <= 20 and len(seen) < len(decision.choices):
                missing = min(set(range(len(decision.choices))) - seen)
                yield (
                    f"sample() of {self.name} never drew choice {decision.choices[missing]!r} of decision "
                    f"{decision.name!r} in 300 draws; every architecture must be equally likely"
                )

    def rule_architectures_are_values(self) -> Iterator[str]:
        one, two = (self.space.sample(random.Random(5)) for _ in range(2))
        if one != two or hash(one) != hash(two):
            yield f"equal architectures of {self.name} are not equal, or hash differently; caches are keyed on them"
        try:
            one.choices = ()  # type: ignore[misc]
        except (dataclasses.FrozenInstanceError, AttributeError):
            return
        yield f"an architecture of {self.name} can be changed; it must be immutable"

    def rule_every_decision_matters(self) -> Iterator[str]:
        if not self.space.shares_weights:
            yield from self._live_choices_change_the_graph()
            return
        conditions = [
            each for node in self.space.graph.nodes for term in node.terms for each in term.conditions
        ]
        for number, decision in enumerate(self.space.decisions):
            switched = {choice for each in conditions if each.decision == number for choice in each.choices}
            if len(switched) < len(decision.choices) - 1:
                idle = [name for place, name in enumerate(decision.choices) if place not in switched]
                yield (
                    f"decision {decision.name!r} of {self.name}: no term is switched by its choices {idle}; one choice "
                    "may stand for nothing, the others need a Term(..., when=on(number, choice))"
                )

    def _live_choices_change_the_graph(self) -> Iterator[str]:
        space = self.space
        for architecture in self.samples(2):
            own, live = space.fixed(architecture).nodes, space.decisions.live(architecture.choices)
            for place, choice in enumerate(architecture.choices):
                same = True
                for other in set(range(space.decisions.sizes[place])) - {choice}:
                    changed = [*architecture.choices[:place], other, *architecture.choices[place + 1 :]]
                    same = same and space.fixed(space.architecture(changed)).nodes == own
                if same == live[place]:
                    found = "every other choice gives the same" if same else "another choice gives another"
                    yield (
                        f"decision {space.decisions[place].name!r} of {self.name} is said to "
                        f"{'' if same else 'not '}matter, and {found} graph; mend Decisions(live=...) or fixed()"
                    )

    def rule_can_be_pickled(self) -> Iterator[str]:
        problems = pickle_violations(
            self.space, self.name, "keep settings and no lambdas or open files on it"
        )
        yield from problems
        if not problems and through_pickle(self.space).settings != self.space.settings:
            yield f"{self.name} loses its settings when it is pickled"


check_space = Kind("space", SpaceCase)
"""Check a search space, or its class: its genes, files and graphs, and that supernet and stand-alone network agree.

Options are keywords of the class; a small one (few channels) makes the check quick.
"""
