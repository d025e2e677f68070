"""An autoregressive LSTM over the decisions of a space, for any number of independent runs at once.

Source: Zoph and Le 2017, *Neural Architecture Search with Reinforcement Learning*, section 3; Pham et al.
2018 (ENAS) for temperature and tanh constant.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


class LSTMController:
    """P(a) = prod_t P(a_t | a_1 .. a_t-1): each choice is embedded and fed to the LSTM that emits the next
    one.

    All tensors have a leading dimension of runs, each with parameters of its own, so that many searches
    advance in one pass; a single search is one run.

    :param sizes: number of choices of each decision.
    :param rngs: one generator per run, for its first weights.
    :param hidden: units of each layer and of the embedding.
    :param layers: LSTM layers.
    :param init: first weights are uniform in -init to init.
    :param tanh: logits become ``tanh * tanh(logits)``; 0 leaves them.
    :param temperature: divides the logits first.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        rngs: Sequence[random.Random],
        *,
        hidden: int = 35,
        layers: int = 2,
        init: float = 0.08,
        tanh: float = 0.0,
        temperature: float = 1.0,
    ) -> None:
        self.sizes, self.layers, self.tanh, self.temperature = tuple(sizes), layers, tanh, temperature
        self.tokens = (np.cumsum([0, *sizes[:-1]]) + 1).tolist()  # token 0 starts the sequence
        shapes: dict[str, tuple[int, ...]] = {"embedding": (1 + sum(sizes), hidden)}
        for layer in range(layers):
            shapes[f"lstm{layer}"] = (2 * hidden + 1, 4 * hidden)  # the last row is the bias
        for place, size in enumerate(sizes):
            shapes[f"head{place}"] = (hidden + 1, size)
        self.parameters = {
            name: torch.stack([_uniform(rng, shape, init) for rng in rngs]).requires_grad_()
            for name, shape in shapes.items()
        }

    def sample(self, uniforms: Tensor) -> Tensor:
        """Return choices, shape (runs, samples, decisions), by inverting the distribution at numbers from 0
        to 1."""
        with torch.no_grad():
            return self._run(uniforms, None)[0]

    def score(self, choices: Tensor, live: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return log P(a) and the entropy of the distributions met on the way (nats), both (runs, samples).

        :param choices: shape (runs, samples, decisions).
        :param live: which of the choices count, in their shape; all when None.
        """
        _, logs, entropies = self._run(None, choices)
        if live is not None:
            logs, entropies = logs * live.movedim(-1, 0), entropies * live.movedim(-1, 0)
        return logs.sum(0), entropies.sum(0)

    def _run(self, uniforms: Tensor | None, choices: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        given = uniforms if choices is None else choices
        assert given is not None
        runs, samples = given.shape[:2]
        embedding = self.parameters["embedding"]
        rows = torch.arange(runs)[:, None]
        hidden = embedding.shape[2]
        states = [(embedding.new_zeros(runs, samples, hidden),) * 2 for _ in range(self.layers)]
        token = torch.zeros(runs, samples, dtype=torch.long)
        picked, logs, entropies = [], [], []
        for place in range(len(self.sizes)):
            value = embedding[rows, token]
            for layer in range(self.layers):
                states[layer] = _cell(value, states[layer], self.parameters[f"lstm{layer}"])
                value = states[layer][0]
            log_p = torch.log_softmax(self._logits(value, place), dim=-1)
            if choices is None:
                ends = log_p.exp().cumsum(-1)[..., :-1].contiguous()
                choice = torch.searchsorted(ends, given[..., place, None].contiguous(), right=True)[..., 0]
            else:
                choice = choices[..., place]
            picked.append(choice)
            logs.append(log_p.gather(-1, choice[..., None])[..., 0])
            entropies.append(-(log_p.exp() * log_p).sum(-1))
            token = choice + self.tokens[place]
        return torch.stack(picked, -1), torch.stack(logs), torch.stack(entropies)

    def _logits(self, value: Tensor, place: int) -> Tensor:
        logits = _affine(value, self.parameters[f"head{place}"]) / self.temperature
        return logits if not self.tanh else self.tanh * torch.tanh(logits)


def _uniform(rng: random.Random, shape: tuple[int, ...], init: float) -> Tensor:
    draw = rng.random
    values = np.array([draw() for _ in range(shape[0] * shape[1])]) * (2 * init) - init
    return torch.as_tensor(values, dtype=torch.float32).reshape(shape)


def _affine(value: Tensor, weight: Tensor) -> Tensor:
    return torch.baddbmm(weight[:, -1:], value, weight[:, :-1])


def _cell(value: Tensor, state: tuple[Tensor, Tensor], weight: Tensor) -> tuple[Tensor, Tensor]:
    gates = _affine(torch.cat([value, state[0]], dim=-1), weight)
    keep_in, keep, out, new = gates.chunk(4, dim=-1)
    cell = torch.sigmoid(keep) * state[1] + torch.sigmoid(keep_in) * torch.tanh(new)
    return torch.sigmoid(out) * torch.tanh(cell), cell


class ControllerTrainer:
    """REINFORCE on a controller: Adam on -(1/m) sum_k (R_k - b) log P(a_k) - entropy bonus.

    :param controller: trained in place; the runs stay independent of each other.
    :param lr: learning rate.
    :param entropy: weight of the entropy bonus.
    """

    def __init__(self, controller: LSTMController, lr: float, entropy: float) -> None:
        self.controller, self.entropy = controller, entropy
        # foreach/fused variants differ between builds; the plain loop gives the same numbers everywhere.
        self.optimiser = torch.optim.Adam(controller.parameters.values(), lr, foreach=False)

    def loss(self, choices: Tensor, advantages: Tensor, live: Tensor | None = None) -> Tensor:
        """Return the loss of each run, shape (runs,), from choices (runs, samples, decisions) and R - b."""
        logs, entropies = self.controller.score(choices, live)
        return -(advantages * logs).mean(dim=1) - self.entropy * entropies.mean(dim=1)

    def step(self, choices: Tensor, advantages: Tensor, live: Tensor | None = None) -> None:
        """Take one step in all runs; only live choices, in the shape of the choices, are learned from."""
        self.optimiser.zero_grad(set_to_none=True)
        self.loss(choices, advantages, live).sum().backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
