"""Deliberately broken spaces, each with one fault, are caught by the rule for it."""

from __future__ import annotations

import random
from typing import ClassVar

import pytest
import torch
from torch import nn

from tdgnas.spaces import INPUT, OPS, Architecture, Decision, Node, Op, SearchSpace, Term, on
from tdgnas.testing import KINDS, check_space

OPS.register("tests-norm")(nn.BatchNorm2d)


@OPS.register("tests-mixer")
class Mixer(nn.Module):
    """Adds the mean over the batch to every image."""

    def forward(self, x):
        return x + x.mean(0, keepdim=True)


@OPS.register("tests-counter")
class Counter(nn.Module):
    """Counts its calls in a buffer."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        self.calls.add_(1)
        return x


@OPS.register("tests-noise")
class Noise(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3))

    def forward(self, x):
        return x * float("nan")


@OPS.register("tests-always-drops")
class AlwaysDrops(nn.Module):
    def forward(self, x):
        return nn.functional.dropout(x, 0.5, True)


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, slope):
        return 2 * slope


@OPS.register("tests-own-gradient")
class OwnGradient(nn.Module):
    def forward(self, x):
        return Doubled.apply(x)


class Small(SearchSpace):
    """Two convolutions, a skip connection and a choice between two operations. Keeps every rule."""

    name = "small"
    faulty: ClassVar[dict[str, Op]] = {}

    def __init__(self, channels: int = 4, classes: int = 3) -> None:
        ends = {"channels_in": channels, "channels_out": channels}
        self.ops = {
            "stem": Op("stem", "conv", {"channels_in": 1, "channels_out": channels, "kernel": 3}),
            "body": Op("body", "conv", {**ends, "kernel": 3}),
            "extra": Op("extra", "conv", ends),
            "pool": Op("pool", "pool", {"kind": "avg", "kernel": 3}),
            "norm": Op("norm", "tests-norm", {"num_features": channels}),
            "relu": Op("relu", "relu"),
            "head": Op("head", "head", {"channels": channels, "classes": classes}),
            **self.faulty,
        }
        settings = {"channels": channels, "classes": classes}
        super().__init__(self.make_decisions(), self.make_nodes(), (1, 8, 8), classes, settings)

    def make_decisions(self):
        return [Decision("skip", ("off", "on"), binary=True), Decision("kind", ("none", "conv", "pool"))]

    def make_nodes(self):
        ops = self.ops
        body = (
            Term("stem", ops["body"]),
            Term("stem", ops["extra"], on(1)),
            Term("stem", ops["pool"], on(1, 2)),
        )
        return [
            Node("stem", (Term(INPUT, ops["stem"]),)),
            Node("body", body, ops["norm"]),
            Node("top", (Term("body"), Term("stem", None, on(0))), ops["relu"]),
            Node("logits", (Term("top", ops["head"]),)),
        ]


class Nameless(Small):
    name = None  # type: ignore[assignment]


class WrongEncode(Small):
    def encode(self, architecture, scale=1.0):
        genes = super().encode(architecture, scale)
        return [-genes[0], *genes[1:]]


class WrongChoices(Small):
    def choices(self, individuals):
        return self.decisions.matrix(individuals)


class OtherDecode(Small):
    def decode(self, individual):
        found = super().decode(individual)
        genes = list(individual)
        return found if abs(genes[0]) in (0.01, 1.0) else Architecture(self.name, (0, found.choices[1]))


class ChoicesAsText(Small):
    def decode(self, individual):
        return Architecture(self.name, tuple(float(c) for c in super().decode(individual).choices))

    def sample(self, rng=None):
        return Architecture(self.name, tuple(float(c) for c in super().sample(rng).choices))

    def encode(self, architecture, scale=1.0):
        return super().encode(Architecture(self.name, tuple(map(int, architecture.choices))), scale)


class Trusting(Small):
    def check(self, architecture):
        pass


class ForgetsSettings(Small):
    def __init__(self, channels: int = 4, classes: int = 3, deep: bool = False) -> None:
        self.deep = deep
        super().__init__(channels, classes)

    def make_nodes(self):
        stem, body, top, logits = super().make_nodes()
        return [stem, body, top, logits] if self.deep else [stem, body, Node("top", top.terms), logits]


class OtherSettings(Small):
    def __init__(self, channels: int = 4) -> None:
        super().__init__(channels)


class SettingsNoJSON(Small):
    def __init__(self, channels: int = 4, classes: int = 3) -> None:
        super().__init__(channels, classes)
        self.settings = {"channels": channels, "activation": nn.ReLU}


class Biased(Small):
    def sample(self, rng=None):
        return Architecture(self.name, (super().sample(rng).choices[0], 1))


class SamplesGlobally(Small):
    def sample(self, rng=None):
        return super().sample(random)  # type: ignore[arg-type]


class IdleDecision(Small):
    def make_decisions(self):
        return [*super().make_decisions(), Decision("idle", ("off", "on"), binary=True)]


class HoldsLambda(Small):
    def __init__(self, channels: int = 4, classes: int = 3) -> None:
        super().__init__(channels, classes)
        self.activation = lambda x: x


@OPS.register("tests-no-logits")
def no_logits() -> nn.Module:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())


class WrongLogits(Small):
    faulty: ClassVar = {"head": Op("head", "tests-no-logits")}


class NotANumber(Small):
    faulty: ClassVar = {"relu": Op("relu", "tests-noise")}


SHARED = nn.Conv2d(4, 4, 1)


@OPS.register("tests-shared")
def shared() -> nn.Module:
    return SHARED


class SharedWeights(Small):
    faulty: ClassVar = {"extra": Op("extra", "tests-shared")}


class ReservedName(Small):
    faulty: ClassVar = {"relu": Op("half", "relu")}


class OtherNetwork(Small):
    def network(self, architecture):
        network = super().network(architecture)
        network.ops["relu"] = nn.Tanh()
        return network


class IgnoresScale(Small):
    def encode(self, architecture, scale=1.0):
        return super().encode(architecture)


class Drops(Small):
    """Drops values in evaluation too."""

    faulty: ClassVar = {"relu": Op("relu", "tests-always-drops")}


class NoVmap(Small):
    """Has an operation with a gradient of its own that torch.func cannot follow."""

    faulty: ClassVar = {"relu": Op("relu", "tests-own-gradient")}


class KeepsCounts(Small):
    faulty: ClassVar = {"relu": Op("relu", "tests-counter")}


class MixesImages(Small):
    faulty: ClassVar = {"relu": Op("relu", "tests-mixer")}


class WrongParameters(Small):
    def parameters(self, architecture):
        return super().parameters(architecture) + 1


class WrongMacs(Small):
    def macs(self, architecture):
        return 2 * super().macs(architecture)


FAULTS = [
    (Nameless, "can be called", "has no name"),
    (WrongEncode, "decode(encode(a)) == a", "decision 'skip' comes back"),
    (WrongChoices, "choices agree with decode", "must be integers of shape"),
    (OtherDecode, "choices agree with decode", "disagree about the same genes"),
    (ChoicesAsText, "JSON round trip", "raised ValueError"),
    (Trusting, "refuses impossible architectures", "a choice too many"),
    (ForgetsSettings, "settings make it again", "as settings"),
    (
        OtherSettings,
        "settings make it again",
        "unexpected keyword argument 'classes'); settings are the keywords",
    ),
    (SettingsNoJSON, "settings make it again", "no JSON values"),
    (Biased, "samples everything", "never drew choice 'none' of decision 'kind'"),
    (SamplesGlobally, "samples everything", "must draw from the rng"),
    (IdleDecision, "every decision matters", "decision 'idle' of IdleDecision"),
    (HoldsLambda, "can be pickled", "no lambdas"),
    (WrongLogits, "gives logits", "returned shape (4, 4)"),
    (NotANumber, "gives logits", "NaN or infinity"),
    (ReservedName, "makes fresh operations", "operation 'half' of ReservedName"),
    (SharedWeights, "makes fresh operations", "the same weights twice"),
    (OtherNetwork, "the supernet equals the network", "with the same weights differ by"),
    (IgnoresScale, "a one-hot alpha equals the architecture", "differs from the architecture by"),
    (KeepsCounts, "evaluating changes nothing", "evaluating changes 'ops.relu.calls'"),
    (Drops, "evaluating changes nothing", "must not draw in evaluation mode"),
    (NoVmap, "second order of a population equals one by one", "needs setup_context"),
    (MixesImages, "images do not mix", "other logits alone than in a batch"),
    (WrongParameters, "counts are true", "parameters() of WrongParameters says"),
    (WrongMacs, "counts are true", "macs() of WrongMacs says"),
]


@pytest.mark.parametrize(
    ("broken", "rule", "sentence"), FAULTS, ids=lambda value: getattr(value, "__name__", "")
)
def test_a_fault_is_caught_by_its_rule_in_a_sentence_that_says_what_to_do(
    broken, rule, sentence, caught
) -> None:
    space = broken(deep=True) if broken is ForgetsSettings else broken()
    others = [other for other in KINDS["space"].rules if other not in (rule, "can be called")]
    assert sentence in caught(check_space(space, report_only=True, skip=others), rule)


def test_the_same_space_without_a_fault_passes() -> None:
    assert check_space(Small, channels=6).ok


def test_what_is_no_space_is_said_to_be_none() -> None:
    with pytest.raises(TypeError, match="subclass of"):
        check_space(nn.Linear(1, 1))  # type: ignore[arg-type]
