"""NAS-RL's distribution: a controller whose parameters lie in shards, and replicas of it that learn asynchronously.

Source: Zoph and Le 2017, *Neural Architecture Search with Reinforcement Learning*, section 3.2; the servers are those
of Dean et al. 2012, *Large Scale Distributed Deep Networks* (Downpour SGD).
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..decision import Decision
from ..individual import IndividualLike
from ..settings import Count
from ..strategies.base import pack
from ..strategies.controllers.reinforce_lstm import ReinforceLSTM
from ..strategies.controllers.training import adam
from ..strategies.decisions import DecisionStrategy
from ..workers import Died, WorkerDied

Arrays = dict[str, npt.NDArray[np.float32]]

#: Times that a step is done before it is given up, where shards or replicas die in it.
_TRIES = 3


class Shard:
    """A part of the controller's parameters, with their optimiser: a parameter server.

    :param parameters: by name; whole ones, so that the number of shards changes no bit.
    :param settings: of Adam: ``lr``, ``beta1``, ``eps``.
    :ivar version: updates so far.
    """

    def __init__(
        self, parameters: Mapping[str, npt.NDArray[np.float32]], settings: Mapping[str, float]
    ) -> None:
        self.parameters = {name: torch.tensor(value).requires_grad_() for name, value in parameters.items()}
        self.optimiser = adam(self.parameters.values(), **settings)
        self.version = 0

    def fetch(self) -> tuple[int, Arrays]:
        """Return the version and the parameters."""
        return self.version, {name: value.detach().numpy().copy() for name, value in self.parameters.items()}

    def push(self, gradients: Mapping[str, npt.NDArray[np.float32]], since: int) -> int:
        """Take a step at once, on the parameters as they are now.

        :param gradients: of what :meth:`fetch` returned at the version ``since``.
        :returns: how stale they are: updates by others in between.
        """
        for name, value in self.parameters.items():
            value.grad = torch.tensor(gradients[name]) if name in gradients else None
        self.optimiser.step()
        self.version += 1
        return self.version - 1 - since

    def state(self) -> dict[str, Any]:
        """Everything that changes, as numbers and arrays."""
        moments = {
            name: {key: moment.numpy().copy() for key, moment in self.optimiser.state.get(value, {}).items()}
            for name, value in self.parameters.items()
        }
        return {"version": self.version, "parameters": self.fetch()[1], "moments": moments}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on where :meth:`state` was taken."""
        self.version = state["version"]
        with torch.no_grad():
            for name, value in self.parameters.items():
                value.copy_(torch.tensor(state["parameters"][name]))
                moments = state["moments"][name].items()
                self.optimiser.state[value] = {key: torch.tensor(moment) for key, moment in moments}


class _ToShards:
    """An optimiser whose step is taken where the parameters lie."""

    def __init__(self, parameters: Mapping[str, torch.Tensor], shards: Sequence[Any]) -> None:
        self.parameters, self.shards = parameters, shards
        self.versions: list[int] = []
        self.names: list[list[str]] = []
        self.stale = 0
        self.state: dict[Any, Any] = {}  # of the optimiser: the shards have it

    def fetch(self) -> None:
        """Copy the parameters from the shards."""
        self.versions, self.names = [], []
        with torch.no_grad():
            for shard in self.shards:
                version, values = shard.fetch()
                self.versions.append(version)
                self.names.append(list(values))
                for name, value in values.items():
                    self.parameters[name].copy_(torch.tensor(value))

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        for value in self.parameters.values():
            value.grad = None

    def step(self) -> None:
        """Send the gradients to the shards."""
        found = {
            name: value.grad.numpy() for name, value in self.parameters.items() if value.grad is not None
        }
        stale = [
            shard.push({name: found[name] for name in names if name in found}, since)
            for shard, names, since in zip(self.shards, self.names, self.versions, strict=True)
        ]
        self.stale = max(stale)


class Replica:
    """A copy of the controller that samples and learns, its parameters in the shards; its baseline is its own.

    :param decisions: what is searched.
    :param given: as of :class:`ReinforceLSTM`.
    """

    def __init__(self, decisions: Sequence[Decision], given: Mapping[str, Any]) -> None:
        self.strategy = ReinforceLSTM(decisions, **given)

    def parameters(self) -> Arrays:
        """Return its parameters, which the shards begin with where it is the first replica."""
        found = self.strategy.controller.parameters
        return {name: value.detach().numpy().copy() for name, value in found.items()}

    def settings(self) -> dict[str, float]:
        """Return the settings of the optimiser."""
        return dict(self.strategy.trainer.settings)

    def join(self, shards: Sequence[Any]) -> None:
        """From now on take parameters from these shards, and send gradients there."""
        self.strategy.trainer.optimiser = _ToShards(self.strategy.controller.parameters, shards)

    def sample(self) -> list[Any]:
        """Fetch the parameters and return m individuals."""
        self.strategy.trainer.optimiser.fetch()
        return list(self.strategy.generate())

    def learn(self, individuals: Sequence[IndividualLike]) -> int:
        """Send the gradient of m rewards to the shards, and return how stale it was there."""
        self.strategy.update(individuals)
        return int(self.strategy.trainer.optimiser.stale)

    def state(self) -> dict[str, Any]:
        """Everything that changes; the parameters are those that it has fetched."""
        there = self.strategy.trainer.optimiser
        return {
            "strategy": self.strategy.state_dict(),
            "versions": list(there.versions),
            "names": list(there.names),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on where :meth:`state` was taken."""
        self.strategy.load_state_dict(state["strategy"])
        there = self.strategy.trainer.optimiser
        there.versions, there.names = list(state["versions"]), list(state["names"])


class ReplicatedLSTM(DecisionStrategy):
    """REINFORCE with an LSTM as NAS-RL distributed it: S shards of its parameters, K replicas, m children of each.

    Each replica samples m architectures by the parameters it has fetched; when all its children are trained, it sends
    the gradient to the shards, which take the step at once, whatever other replicas have sent since. Run it by
    :func:`evolve_async`, with K x m workers or more; by ``evolve`` replicas take turns. With one shard and one replica
    it is ``reinforce-lstm`` to the bit. Published: S=20, K=100, m=8.

    What shards and replicas know is known here, too, as of the last step. Where one of them dies, it is made anew, all
    go back to before the step, and the step is done again: nothing is lost, and nothing counts twice.

    :param decisions: ``space.decisions``.
    :param shards: S.
    :param replicas: K.
    :param make: makes a shard or a replica of its class and arguments: :func:`by_ray` as an actor of Ray; in this
        process when None.
    :param rng: of the first replica; those of the others follow from it.
    :param given: settings of every replica, see :class:`ReinforceLSTM`; ``batch`` is m.
    :ivar staleness: of each gradient: updates of the shards between the fetch of its parameters and its arrival.
    """

    asynchronous = True

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        shards: Count = 1,
        replicas: Count = 1,
        make: Callable[..., Any] | None = None,
        rng: random.Random | None = None,
        fitness: Any = None,
        **given: Any,
    ) -> None:
        own = {} if fitness is None else {"fitness": fitness}
        super().__init__(decisions, rng=rng, **own)
        self._make = make or _here
        first = rng or random.Random(random.getrandbits(64))
        seed = first.getstate()[1][:4]
        rngs = [first, *(random.Random(f"{seed} {number}") for number in range(1, replicas))]
        made_of: list[Any] = [(Replica, self.decisions, {**own, **given, "rng": each}) for each in rngs]
        self.replicas = [self._make(*each) for each in made_of]
        parameters, settings = self.replicas[0].parameters(), self.replicas[0].settings()
        self._made_of = {
            "shards": [(Shard, part, settings) for part in _parts(parameters, shards)],
            "replicas": made_of,
        }
        self.shards = [self._make(*each) for each in self._made_of["shards"]]
        for replica in self.replicas:
            replica.join(self.shards)
        self._known = None if make is None else self._states()
        self.free = deque(range(replicas))
        self.out: dict[int, list[Any]] = {}  # what each replica waits for
        self.staleness: list[int] = []

    def _generate(self) -> list[IndividualLike]:
        """Return the children of the next replica that waits for none; nothing where all do."""
        if not self.free:
            return []
        number = self.free[0]
        children = self._do(number, "sample")
        self.free.popleft()
        for place, child in enumerate(children):
            child.replica = [number, place]
        self.out[number] = [None] * len(children)
        return list(children)

    def _update(self, individuals: list[Any]) -> None:
        self.population = list(individuals)
        for individual in individuals:
            number, place = individual.replica
            self.out[number][place] = individual
            if all(child is not None for child in self.out[number]):
                self.staleness.append(self._do(number, "learn", self.out[number]))
                del self.out[number]
                self.free.append(number)

    def _do(self, number: int, step: str, *arguments: Any) -> Any:
        """Let a replica do a step; again, where it or a shard died meanwhile."""
        for _ in range(_TRIES):
            try:
                found = getattr(self.replicas[number], step)(*arguments)
                if self._known is not None:
                    own = self.replicas[number].state()
                    if step == "learn":
                        self._known["shards"] = [shard.state() for shard in self.shards]
                    self._known["replicas"][number] = own
                return found
            except Died:
                self._go_back(self._known or {})
        raise WorkerDied(f"a shard or a replica of the controller died {_TRIES} times in one step")

    def _go_back(self, known: Mapping[str, list[Any]]) -> None:
        """Put all shards and replicas where they are known to have been, and others in the place of dead ones."""
        for kind, states in known.items():
            made = getattr(self, kind)
            for place, (arguments, state) in enumerate(zip(self._made_of[kind], states, strict=True)):
                try:
                    self._load(made[place], state)
                except Died:
                    made[place] = self._make(*arguments)
                    self._load(made[place], state)

    def _load(self, one: Any, state: Any) -> None:
        if "strategy" in state:  # of a replica
            one.join(self.shards)
        one.load(state)

    def _states(self) -> dict[str, list[Any]]:
        return {kind: [one.state() for one in getattr(self, kind)] for kind in ("shards", "replicas")}

    def record(self) -> dict[str, float]:
        """Staleness of the last gradient."""
        return {"staleness": float(self.staleness[-1])} if self.staleness else {}

    def state_dict(self) -> dict[str, Any]:
        """The shards, the replicas, and which children they wait for; those that are out come back by themselves."""
        return {
            **super().state_dict(),
            **(self._states() if self._known is None else {k: [*v] for k, v in self._known.items()}),
            "free": list(self.free),
            "out": [
                [number, [None if one is None else pack(one) for one in children]]
                for number, children in self.out.items()
            ],
            "staleness": list(self.staleness),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        super().load_state_dict(state)
        known = {kind: [*state[kind]] for kind in ("shards", "replicas")}
        self._go_back(known)
        self._known = None if self._known is None else known
        self.free = deque(state["free"])
        self.out = {
            number: [None if one is None else self.unpack(one) for one in children]
            for number, children in state["out"]
        }
        self.staleness = list(state["staleness"])


def _here(kind: type, *arguments: Any) -> Any:
    return kind(*arguments)


def _parts(parameters: Arrays, count: int) -> list[Arrays]:
    """Split parameters into shards of about equal size, whole ones, the largest first."""
    if count > len(parameters):
        raise ValueError(
            f"shards is {count}, and the controller has {len(parameters)} parameters; ask for fewer"
        )
    parts: list[Arrays] = [{} for _ in range(count)]
    for name in sorted(parameters, key=lambda name: -parameters[name].size):
        least = min(parts, key=lambda part: sum(value.size for value in part.values()))
        least[name] = parameters[name]
    return parts
