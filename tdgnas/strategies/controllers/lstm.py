"""An autoregressive LSTM over the decisions of a space, for any number of independent runs at once.

Source: Zoph and Le 2017, *Neural Architecture Search with Reinforcement Learning*, section 3; Pham et al. 2018 (ENAS),
sections 2.1 to 2.4, for anchors, temperature and tanh constant.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...decision import Decision, Decisions
from .sequence import Step, sequence


@dataclass(frozen=True)
class Shape:
    """What a controller is like; the defaults are those of NAS-RL.

    :param hidden: units of each layer, of embeddings and of attention.
    :param layers: LSTM layers.
    :param init: first weights are uniform in -init to init.
    :param shared: decisions of one kind share head and embedding, and those that point at earlier positions are
        answered by attention to them; False gives every decision a head of its own.
    :param biases: of LSTM and heads.
    :param temperature: divides the logits first.
    :param tanh: logits become ``tanh * tanh(logits)``; 0 leaves them.
    :param reduce: divides ``tanh`` where a head answers.
    :param gain: the log-odds that an earlier position is taken are so many times its logit: 2 for the two logits
        [-q, q] of ENAS, 1 for the sigmoid of NAS-RL.
    :param bias: first values of the heads' learned bias; none but what ``biases`` gives where empty.
    :param constant: added to the heads' logits in the first part, see :class:`Step`; never learned.
    :param reach: where one of several positions is chosen, the square of how far back it lies, divided by this, is
        taken off its logit; 0 takes nothing off.
    """

    hidden: int = 35
    layers: int = 2
    init: float = 0.08
    shared: bool = True
    biases: bool = True
    temperature: float = 1.0
    tanh: float = 0.0
    reduce: float = 1.0
    gain: float = 1.0
    bias: tuple[float, ...] = ()
    constant: tuple[float, ...] = ()
    reach: float = 0.0


class Scores(NamedTuple):
    """What a controller thinks of architectures, all of shape (runs, samples).

    :param log: log P(a).
    :param entropy: of the distributions met on the way, in nats.
    :param pull: KL divergence of the probabilities that earlier positions are taken from the wanted rate: summed over
        a step's, averaged over the steps.
    """

    log: Tensor
    entropy: Tensor
    pull: Tensor


class LSTMController:
    """P(a) = prod_t P(a_t | a_1 .. a_t-1): each choice is embedded and fed to the LSTM that emits the next one.

    All tensors have a leading dimension of runs, each with parameters of its own, so that many searches advance in one
    pass; a single search is one run. A decision whose ``given`` does not hold takes its first choice, and counts for
    nothing.

    :param decisions: of the space; their ``kind`` and ``points`` say what is shared, see :func:`sequence`.
    :param rngs: one generator per run, for its first weights.
    :param shape: what it is like.
    :raises ValueError: when the biases of ``shape`` do not fit the heads, or decisions of one kind differ.
    """

    def __init__(
        self, decisions: Sequence[Decision], rngs: Sequence[random.Random], shape: Shape | None = None
    ) -> None:
        self.decisions, self.shape = Decisions.of(decisions), shape or Shape()
        self.steps, heads = sequence(self.decisions, self.shape.shared)
        self.tokens = (np.cumsum([0, *heads[:-1]]) + 1).tolist()  # token 0 starts the sequence
        self.parameters = {
            name: torch.stack([_uniform(rng, size, self.shape.init) for rng in rngs]).requires_grad_()
            for name, size in self._sizes(heads).items()
        }
        if self.shape.bias:
            with torch.no_grad():
                for number in range(len(heads)):
                    self.parameters[f"head{number}"][:, -1] = torch.tensor(self.shape.bias)

    def _sizes(self, heads: Sequence[int]) -> dict[str, tuple[int, ...]]:
        shape, hidden = self.shape, self.shape.hidden
        for name in ("bias", "constant"):
            values = getattr(shape, name)
            strange = next((size for size in heads if values and size != len(values)), None)
            if strange is not None:
                raise ValueError(
                    f"controller.{name} has {len(values)} numbers, and there are decisions with {strange} choices; "
                    "give one number per choice, or none"
                )
        sizes: dict[str, tuple[int, ...]] = {"embedding": (1 + sum(heads), hidden)}
        for layer in range(shape.layers):
            sizes[f"lstm{layer}"] = (2 * hidden + shape.biases, 4 * hidden)  # the last row is the bias
        for number, size in enumerate(heads):
            sizes[f"head{number}"] = (hidden + (shape.biases or bool(shape.bias)), size)
        if any(step.makes for step in self.steps):
            sizes |= {"keys": (hidden, hidden), "queries": (hidden, hidden), "attention": (hidden, 1)}
        return sizes

    def sample(self, uniforms: Tensor) -> Tensor:
        """Return choices, shape (runs, samples, decisions), by inverting the distribution at numbers from 0 to 1."""
        with torch.no_grad():
            return torch.stack(_Pass(self, uniforms, None).run().picked, -1)

    def score(self, choices: Tensor, live: Tensor | None = None, rate: float = 0.4) -> Scores:
        """Return log P(a), the entropies met on the way, and how far the rate of taken positions is from a wanted one.

        :param choices: shape (runs, samples, decisions).
        :param live: which of the choices count, in their shape; all when None.
        :param rate: the wanted one.
        """
        done = _Pass(self, None, choices).run()
        logs, entropies = torch.stack(done.logs), torch.stack(done.entropies)
        if live is not None:
            logs, entropies = logs * live.movedim(-1, 0), entropies * live.movedim(-1, 0)
        pulls = []
        for places, odds in done.odds:
            each = _divergence(odds, rate)
            pulls.append((each if live is None else each * live[..., places]).sum(-1))
        pull = torch.stack(pulls).mean(0) if pulls else torch.zeros_like(logs[0])
        return Scores(logs.sum(0), entropies.sum(0), pull)


@dataclass
class _Pass:
    """One run through the sequence, at given choices or drawing them."""

    net: LSTMController
    uniforms: Tensor | None
    choices: Tensor | None
    anchors: list[Tensor] = field(default_factory=list)
    keys: list[Tensor] = field(default_factory=list)
    odds: list[tuple[list[int], Tensor]] = field(default_factory=list)

    def run(self) -> _Pass:
        net, given = self.net, self.uniforms if self.choices is None else self.choices
        assert given is not None
        runs, samples, count = given.shape
        # By place, whatever the order of the steps is.
        self.picked, self.logs, self.entropies = ([torch.empty(0)] * count for _ in range(3))
        self.alive: list[Tensor | None] = [None] * count
        embedding = net.parameters["embedding"]
        states = [(embedding.new_zeros(runs, samples, embedding.shape[2]),) * 2] * net.shape.layers
        rows = torch.arange(runs)[:, None]
        start = torch.zeros(runs, samples, dtype=torch.long)
        value = embedding[rows, start]
        for step in net.steps:
            for layer in range(net.shape.layers):
                weight = net.parameters[f"lstm{layer}"]
                states[layer] = _cell(value, states[layer], weight, net.shape.biases)
                value = states[layer][0]
            state = value
            if step.head is not None:
                value = embedding[rows, self._ask(step, state) + net.tokens[step.head]]
            elif step.bits:
                value = self._ask_bits(step, state)
            elif step.places:
                choice = self._ask(step, state)
                value = _at(self.anchors, step)[rows, torch.arange(samples), choice]
            else:
                value = embedding[rows, start]
            if step.makes:
                self.anchors.append(torch.zeros_like(state) if step.blank else state)
                self.keys.append(torch.bmm(state, net.parameters["keys"]))
        return self

    def _ask(self, step: Step, state: Tensor) -> Tensor:
        """Answer one decision of several choices by its head, or by attention; return the choices."""
        (place,) = step.places
        log_p = torch.log_softmax(self._logits(step, state), dim=-1)
        if self.choices is None:
            assert self.uniforms is not None
            ends = log_p.exp().cumsum(-1)[..., :-1].contiguous()
            at = self.uniforms[..., place, None].contiguous()
            choice = torch.searchsorted(ends, at, right=True)[..., 0]
        else:
            choice = self.choices[..., place]
        log = log_p.gather(-1, choice[..., None])[..., 0]
        return self._note(place, choice, log, -(log_p.exp() * log_p).sum(-1))

    def _ask_bits(self, step: Step, state: Tensor) -> Tensor:
        """Answer whether each of the earlier positions is taken; return the next input, sum / (1 + number)."""
        odds = self.net.shape.gain * self._logits(step, state)  # shape (runs, samples, positions)
        given, places = (self.uniforms if self.choices is None else self.choices), list(step.places)
        self.odds.append((places, odds))
        yes, no = F.logsigmoid(odds), F.logsigmoid(-odds)
        assert given is not None
        choices = (given[..., places] >= no.exp()).long() if self.choices is None else given[..., places]
        logs, entropies = torch.where(choices > 0, yes, no), -(yes.exp() * yes + no.exp() * no)
        parts = (each.unbind(-1) for each in (choices, logs, entropies))
        taken = [self._note(place, *each) for place, *each in zip(places, *parts, strict=True)]
        chosen = torch.stack(taken, -1).to(state.dtype)
        total: Tensor = torch.einsum("rsn,rsnh->rsh", chosen, _at(self.anchors, step))
        return total / (1 + chosen.sum(-1, keepdim=True))

    def _logits(self, step: Step, state: Tensor) -> Tensor:
        shape, parameters = self.net.shape, self.net.parameters
        if step.head is not None:
            bias, bound = shape.biases or bool(shape.bias), shape.tanh / shape.reduce
            logits = _affine(state, parameters[f"head{step.head}"], bias)
        else:  # query_j = v^T tanh(W1 h_j + W2 h)
            mixed = torch.tanh(_at(self.keys, step) + torch.bmm(state, parameters["queries"])[:, :, None])
            logits = torch.bmm(mixed.flatten(1, 2), parameters["attention"]).view(mixed.shape[:3])
            bound = shape.tanh
        logits = logits / shape.temperature
        logits = logits if not shape.tanh else bound * torch.tanh(logits)
        if step.head is not None and step.first and shape.constant:
            logits = logits + logits.new_tensor(shape.constant)
        if (
            step.head is None and not step.bits and shape.reach
        ):  # the position that asks comes after all anchors
            back = len(self.anchors) - logits.new_tensor(step.anchors)
            logits = logits - back.square() / shape.reach
        return logits

    def _note(self, place: int, choice: Tensor, log: Tensor, entropy: Tensor) -> Tensor:
        """Keep what was answered; a decision that is dead by what came before takes its first choice for certain."""
        alive = self._alive(place)
        if alive is not None:
            choice, log, entropy = choice * alive, log * alive, entropy * alive
        self.picked[place], self.logs[place], self.entropies[place] = choice, log, entropy
        self.alive[place] = alive
        return choice

    def _alive(self, place: int) -> Tensor | None:
        found = None
        for earlier, wanted in self.net.decisions.given[place]:
            if not len(self.picked[earlier]):  # asked later
                continue
            on, before = self.picked[earlier] == wanted, self.alive[earlier]
            on = on if before is None else on & before
            found = on if found is None else found & on
        return found


def _at(values: Sequence[Tensor], step: Step) -> Tensor:
    """What anchors have that a step attends to, shape (runs, samples, anchors, units)."""
    return torch.stack([values[each] for each in step.anchors], 2)


def _divergence(odds: Tensor, rate: float) -> Tensor:
    """KL divergences of the probabilities sigmoid(odds) from a rate."""
    yes, no = F.logsigmoid(odds), F.logsigmoid(-odds)
    return yes.exp() * (yes - float(np.log(rate))) + no.exp() * (no - float(np.log1p(-rate)))


def _uniform(rng: random.Random, shape: tuple[int, ...], init: float) -> Tensor:
    draw = rng.random
    values = np.array([draw() for _ in range(shape[0] * shape[1])]) * (2 * init) - init
    return torch.as_tensor(values, dtype=torch.float32).reshape(shape)


def _affine(value: Tensor, weight: Tensor, bias: bool = True) -> Tensor:
    return torch.baddbmm(weight[:, -1:], value, weight[:, :-1]) if bias else torch.bmm(value, weight)


def _cell(value: Tensor, state: tuple[Tensor, Tensor], weight: Tensor, bias: bool) -> tuple[Tensor, Tensor]:
    gates = _affine(torch.cat([value, state[0]], dim=-1), weight, bias)
    keep_in, keep, out, new = gates.chunk(4, dim=-1)
    cell = torch.sigmoid(keep) * state[1] + torch.sigmoid(keep_in) * torch.tanh(new)
    return torch.sigmoid(out) * torch.tanh(cell), cell
