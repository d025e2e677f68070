"""Deliberately broken operations, tasks, data sets, rules and problems are caught by the rule for their fault."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from tdgnas import spaces
from tdgnas.data.digits import read_digits
from tdgnas.runs import OnTable, make_config
from tdgnas.spaces import RULES
from tdgnas.tasks import CLASSIFICATION, REGRESSION, Measure, Task
from tdgnas.testing import KINDS

# operations ------------------------------------------------------------------------------------------------------


def opNotOne(channels):
    return channels


def opSummed(channels):
    class Summed(nn.Module):
        def forward(self, images):
            return images.sum()

    return Summed()


SHARED = nn.Conv2d(4, 4, 1)


def opShared(channels):
    return SHARED


class Counts(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, images):
        self.calls += 1
        return images


class Drops(nn.Module):
    def forward(self, images):
        return nn.functional.dropout(images, 0.5)


class Mixes(nn.Module):
    def forward(self, images):
        return images - images.mean(0)


class Looks(nn.Module):
    def forward(self, images):
        return images if images.device.type == "meta" else images[:, :2]


class Hides(nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = [torch.randn(())]

    def forward(self, images):
        return images * self.weights[0].to(images.device)


# tasks -----------------------------------------------------------------------------------------------------------


def mean_loss(outputs, targets):
    return CLASSIFICATION.loss(outputs, targets).mean()


def centred_loss(outputs, targets):
    return REGRESSION.loss(outputs - outputs.mean(0), targets)


def climbing_loss(outputs, targets):
    return (outputs - targets).abs().detach().sum(1) + 0 * outputs.sum(1)


def noisy_loss(outputs, targets):
    return CLASSIFICATION.loss(outputs + 0.001 * torch.randn(()), targets)


def greedy_loss(outputs, targets):
    outputs += 0.1
    return CLASSIFICATION.loss(outputs, targets)


def distance(outputs, targets):
    return (outputs - targets).abs().mean(1)


def square(outputs, targets):
    return 9 + REGRESSION.loss(outputs, targets)


def task(name="mine", loss=REGRESSION.loss, **more):
    return Task(name, loss, **{"measures": {}, **more})


# data sets -------------------------------------------------------------------------------------------------------


def read_nothing():
    return read_digits().images


def read_floats():
    source = read_digits()
    return replace(source, images=source.images.float())


def read_shuffled():
    source = read_digits()
    order = torch.randperm(len(source.labels))
    return replace(source, images=source.images[order], labels=source.labels[order])


def read_of_more_classes():
    source = read_digits()
    return replace(source, classes=(*source.classes, "ten"))


# rules -----------------------------------------------------------------------------------------------------------

threshold = RULES.get("threshold")


def rule_of_lists(space, weights):
    return list(threshold(space, weights).choices)


def rule_of_nothing(space, weights):
    raise ValueError("no")


def rule_in_place(space, weights):
    found = threshold(space, weights)
    weights *= 0
    return found


def rule_by_torch(space, weights):
    return space.sample(random.Random(random.SystemRandom().random())) if weights.size else None


def rule_of_opposites(space, weights):
    found = threshold(space, weights)
    return space.architecture(
        [(choice + 1) % size for choice, size in zip(found.choices, space.decisions.sizes, strict=True)]
    )


def rule_of_zeros(space, weights):
    threshold(space, weights)
    return space.architecture([0] * len(space.decisions))


def rule_of_anything(space, weights):
    padded = np.zeros(space.length)
    padded[: len(weights)] = np.nan_to_num(weights)
    return threshold(space, padded)


# problems --------------------------------------------------------------------------------------------------------

KEPT = {"space": {"name": "nasbench201"}}


def preset_of_words():
    return "digits"


def preset_kept():
    return KEPT


def preset_unknown():
    return {"space": {"name": "nasbench2010"}}


def preset_of_objects():
    return {"space": {"name": "vgg-shortcuts", "settings": {"width": (1 / 32, 1 / 16)}}}


class Lists(OnTable):
    def __init__(self, config):
        super().__init__(config)
        evaluate = self.evaluate
        self.evaluate = lambda individual: list(evaluate(individual))
        self.evaluate.budget = evaluate.budget


class NeverCounts(OnTable):
    def __init__(self, config):
        super().__init__(config)
        self.evaluate.charge = lambda choices, *_: self.evaluate._row(choices)


class FinalCosts(OnTable):
    def final(self, architecture):
        self.budget.count(evaluations=1)
        return super().final(architecture)


class Boasts(OnTable):
    gradients = True


class Words(OnTable):
    def final(self, architecture):
        return {"test_accuracy": "good"}


class Learns(OnTable):
    made = 0

    def __init__(self, config):
        super().__init__(config)
        Learns.made += 1
        evaluate, shift = self.evaluate, Learns.made
        evaluate._columns = {epochs: column + shift for epochs, column in evaluate._columns.items()}


FAULTS = [
    ("operation", opNotOne, "can be called", "makes an nn.Module"),
    ("operation", opSummed, "can be called", "give a value for each"),
    ("operation", opShared, "makes new modules", "the same weights twice"),
    ("operation", Counts, "frozen is frozen", "changes 'calls' in evaluation mode"),
    ("operation", Drops, "frozen is frozen", "draws from torch"),
    ("operation", Mixes, "frozen is frozen", "mixes the images"),
    ("operation", Looks, "has shapes on the meta device", "another shape"),
    ("operation", Hides, "is saved by its state", "as parameters"),
    ("task", "classification", "can be called", "is no task"),
    ("task", task(loss=mean_loss), "can be called", "one value per sample"),
    ("task", task(loss=centred_loss), "gives a value per sample", "alone than in a batch"),
    ("task", task(loss=noisy_loss), "gives a value per sample", "draws from torch"),
    ("task", task(loss=greedy_loss), "gives a value per sample", "only reads them"),
    ("task", task(measures={"mae": Measure(distance)}), "measures what it learns", "say higher=False"),
    ("task", task(loss=climbing_loss), "measures what it learns", "is it differentiable"),
    ("task", task(worst=0.01), "knows what is worst", "worse than its worst, 0.01"),
    ("task", task(measures={"far": Measure(square, False, share=True)}), "knows what is worst", "called a share"),
    ("task", task(loss=lambda outputs, targets: REGRESSION.loss(outputs, targets)), "can be pickled", "top level"),
    ("data-set", read_nothing, "can be called", "returns a tdgnas.data.Source"),
    ("data-set", read_floats, "has images of bytes", "expected uint8"),
    ("data-set", read_shuffled, "is the same every time", "another order every time"),
    ("data-set", read_of_more_classes, "fits its task", "none of ten"),
    ("rule", rule_of_lists, "can be called", "return space.architecture(choices)"),
    ("rule", rule_of_nothing, "can be called", "refuses every small space"),
    ("rule", rule_in_place, "only reads", "copy them first"),
    ("rule", rule_by_torch, "only reads", "chose differently"),
    ("rule", rule_of_opposites, "keeps its own choice", "does not keep its own choice"),
    ("rule", rule_of_zeros, "follows the weights", "does it read them"),
    ("rule", rule_of_anything, "refuses impossible weights", "takes NaN"),
    ("problem", preset_of_words, "can be called", "a dict of dicts"),
    ("problem", preset_kept, "returns new sections", "make a new one at every call"),
    ("problem", preset_unknown, "is a configuration", "no space 'nasbench2010'; did you mean 'nasbench201'"),
    ("problem", preset_of_objects, "can be written", "numbers, words, lists and dicts"),
    ("scoring", Lists, "can be called", "DEAP wants a tuple"),
    ("scoring", NeverCounts, "counts what it costs", "does not count requests and evaluations"),
    ("scoring", FinalCosts, "counts what it costs", "pays into the ledger"),
    ("scoring", Boasts, "offers what it says", "does not offer `source`"),
    ("scoring", Words, "offers what it says", "give finite floats"),
    ("scoring", Learns, "goes on where its state was taken", "put into it what changes"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "broken", "rule", "sentence"), FAULTS, ids=[f"{kind}-{rule}" for kind, _, rule, _ in FAULTS]
)
def test_a_fault_is_caught_by_its_rule_in_a_sentence_that_says_what_to_do(
    kind, broken, rule, sentence, caught
) -> None:
    subject, options = broken if isinstance(broken, tuple) else (broken, {})
    if kind == "scoring":
        options = {"config": make_config({"problem": "synthetic"})}
    assert sentence in caught(KINDS[kind](subject, report_only=True, **options), rule)


def test_a_rule_is_tried_on_the_space_that_is_named() -> None:
    assert KINDS["rule"](partial(threshold), space=spaces.VGGShortcuts(width=1 / 32)).ok
