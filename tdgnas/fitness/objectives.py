"""Further objectives beside any fitness, and limits: parameters, multiply-adds, latency of the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from deap import base

from ..individual import LossFitness
from ..mapping import batch_map
from ..spaces import Architecture, SearchSpace

#: Any further objective of a network that is beyond a limit or cannot be evaluated: more than any network's.
WORST = 1e6

#: What is known of a network without training it, and its unit.
UNITS = {"parameters": "millions", "macs": "millions", "latency": "ms"}


class WithObjectives:
    """Appends objectives to the values of a fitness, all of them minimised, and holds networks to limits.

    A network beyond a limit is not evaluated and costs nothing. It is worse than every network within them, in every
    objective, and the worse the more it exceeds them (Deb 2000, *An efficient constraint handling method for genetic
    algorithms*): its values are the worst ones, and beyond these by the sum of what it exceeds, as shares of the
    limits.

    Callable for one individual; ``batch`` takes a population.

    :param fitness: any fitness with one value.
    :param space: decodes individuals and counts.
    :param names: the further objectives, of ``parameters`` and ``macs`` of the stand-alone network, in millions, and
        ``latency`` in milliseconds.
    :param limits: the most that a network may have, by the same names.
    :param latency: measures an architecture, such as :class:`Latency`.
    :param fitness_type: class of the fitness' own value, which says whether it is maximised.
    :param worst: the fitness' worst value.
    :raises ValueError: for another name, or latency without something that measures it.
    """

    def __init__(
        self,
        fitness: Callable[[Any], tuple[float, ...]],
        space: SearchSpace,
        names: Sequence[str] = ("parameters",),
        *,
        limits: Mapping[str, float] | None = None,
        latency: Callable[[Architecture], float] | None = None,
        fitness_type: type[base.Fitness] = LossFitness,
        worst: float = WORST,
    ) -> None:
        self.fitness, self.space, self.names = fitness, space, tuple(names)
        self.limits, self.latency = dict(limits or {}), latency
        self.worst, self._sign = worst, 1.0 if fitness_type.weights[0] < 0 else -1.0
        known: dict[str, Callable[[Architecture], float]] = {
            "parameters": lambda one: space.parameters(one) / 1e6,
            "macs": lambda one: space.macs(one) / 1e6,
        }
        if latency is not None:
            known["latency"] = latency
        for name in (*self.names, *self.limits):
            if name not in known:
                hint = "; pass what measures it as latency=" if name == "latency" else ""
                raise ValueError(f"{name!r} is no objective; there are {', '.join(known)}{hint}")
        self._measures = {name: known[name] for name in dict.fromkeys((*self.names, *self.limits))}
        self._known: dict[Architecture, dict[str, float]] = {}

    def __call__(self, individual: Sequence[float]) -> tuple[float, ...]:
        """Return the fitness values of one individual and its further objectives."""
        return self.batch([individual])[0]

    def batch(self, individuals: Sequence[Sequence[float]]) -> list[tuple[float, ...]]:
        """Return the fitness values of individuals and their further objectives, in their order."""
        measured = [self.measured(individual) for individual in individuals]
        excess = [self.excess(each) for each in measured]
        within = [one for one, over in zip(individuals, excess, strict=True) if not over]
        values = iter(batch_map(self.fitness, within))
        return [
            self._beyond(over) if over else (*next(values), *(each[name] for name in self.names))
            for each, over in zip(measured, excess, strict=True)
        ]

    def ahead(self, individuals: Sequence[Sequence[float]]) -> None:
        """Let the fitness compute individuals side by side, where it does that."""
        if hasattr(self.fitness, "ahead"):
            self.fitness.ahead([one for one in individuals if not self.excess(self.measured(one))])

    @property
    def guarded(self) -> Callable[[Any], tuple[float, ...]]:
        """The fitness, so that what it counts is found (:func:`tdgnas.mapping.layers`)."""
        return self.fitness

    def measured(self, individual: Sequence[float]) -> dict[str, float]:
        """Return what the objectives and limits are about, of an individual's network."""
        architecture = getattr(self.fitness, "decode", self.space.decode)(individual)
        if architecture not in self._known:
            self._known[architecture] = {name: one(architecture) for name, one in self._measures.items()}
        return self._known[architecture]

    def excess(self, measured: Mapping[str, float]) -> float:
        """Return by what shares of the limits a network exceeds them, in sum; 0 for one that is within."""
        return sum(max(0.0, measured[name] / limit - 1) for name, limit in self.limits.items())

    def _beyond(self, excess: float) -> tuple[float, ...]:
        own = self.worst + self._sign * excess * max(1.0, abs(self.worst))
        return own, *(WORST * (1 + excess) for _ in self.names)

    def state_dict(self) -> dict[str, Any]:
        """What the fitness and the latency keep."""
        kept: dict[str, Any] = {"fitness": self.fitness, "latency": self.latency}
        return {name: one.state_dict() for name, one in kept.items() if hasattr(one, "state_dict")}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        for name, part in state.items():
            getattr(self, name).load_state_dict(part)
        self._known.clear()
