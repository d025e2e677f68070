"""What stands around a recurrent cell: embedding, the cell over time with its state, decoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...graphs import Graph, GraphNetwork
from ...streams import Segment, keep_state, state_before

#: Takes the token and the state before it, side by side, (batch, size + state), to the state after it.
Cell = Callable[[Tensor], Tensor]


class TiedDecoder(nn.Linear):
    """A linear layer whose weights are those of an embedding, which alone is saved."""

    def __init__(self, embedding: nn.Embedding) -> None:
        super().__init__(embedding.embedding_dim, embedding.num_embeddings)
        self.weight = embedding.weight

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        del destination[f"{prefix}weight"]

    def _load_from_state_dict(self, state: Any, prefix: str, *given: Any) -> None:
        super()._load_from_state_dict({**state, f"{prefix}weight": self.weight.detach()}, prefix, *given)


class Frame(nn.Module):
    """Embedding and decoder, which share their weights, around a cell that is run token by token.

    While it trains, one mask of dropout serves all tokens of a segment (Gal, Ghahramani 2016), and ``penalty`` is
    what large and changing activations cost (Merity et al. 2017).

    :param vocabulary: how many tokens there are.
    :param size: of the embedding and of the cell's output.
    :param state: of what the cell keeps; its first ``size`` numbers are its output.
    :param dropout: of the embedding, of the state before each token, and of the output.
    :param word_dropout: share of the vocabulary that a segment does not see.
    :param penalties: of the squared output, and of its squared change from token to token.
    :param tied: whether the decoder's weights are the embedding's.
    """

    #: Largest norm of the gradient by which the second order looks ahead (Liu et al. 2018, the released code).
    clip_ahead = 0.25

    def __init__(
        self,
        vocabulary: int,
        size: int,
        state: int,
        *,
        dropout: tuple[float, float, float] = (0.0, 0.0, 0.0),
        word_dropout: float = 0.0,
        penalties: tuple[float, float] = (0.0, 0.0),
        tied: bool = True,
    ) -> None:
        super().__init__()
        self.size, self.state = size, state
        self.dropout, self.word_dropout, self.penalties = dropout, word_dropout, penalties
        self.embedding = nn.Embedding(vocabulary, size)
        self.decoder = TiedDecoder(self.embedding) if tied else nn.Linear(size, vocabulary)
        with torch.no_grad():
            for weight in (self.embedding.weight, self.decoder.weight):
                weight.uniform_(-0.04, 0.04)
            self.decoder.bias.zero_()
        self.penalty: Tensor | None = None

    def forward(self, cell: Cell, tokens: Tensor, rows: int = 1) -> Tensor:
        """Return logits, (rows * streams * steps, vocabulary); the state goes on from that of the segment before.

        :param cell: runs ``rows`` networks at once, folded into the batch.
        :param tokens: shape (streams, steps).
        """
        states = self.run(cell, tokens, rows, state_before(tokens))
        keep_state(tokens, states[-1])
        return self.decode(states).flatten(0, 1)

    def run(self, cell: Cell, tokens: Tensor, rows: int = 1, state: Tensor | None = None) -> Tensor:
        """Return the states after each token, shape (steps, rows * streams, state).

        :param state: before the first token, shape (rows * streams, state); zero when None.
        """
        inputs = self.embed(tokens)
        if rows > 1:
            inputs = inputs.repeat(1, rows, 1)
        streams = inputs.shape[1]
        if state is None or state.shape[0] != streams:
            state = inputs.new_zeros((streams, self.state))
        mask = self._mask(state, self.dropout[1])
        found = []
        for value in inputs:
            state = cell(torch.cat([value, state if mask is None else state * mask], dim=1))
            found.append(state)
        return torch.stack(found)

    def embed(self, tokens: Tensor) -> Tensor:
        """Return the embedded tokens, shape (steps, streams, size)."""
        weight = self.embedding.weight
        if self.training and self.word_dropout:
            weight = weight * functional.dropout(torch.ones_like(weight[:, :1]), self.word_dropout)
        plain = tokens.as_subclass(Tensor) if isinstance(tokens, Segment) else tokens
        value = functional.embedding(plain.long().t(), weight)
        mask = self._mask(value[0], self.dropout[0])
        return value if mask is None else value * mask

    def decode(self, states: Tensor) -> Tensor:
        """Return logits of states, (steps, n, state) to (n, steps, vocabulary)."""
        plain = states[..., : self.size].transpose(0, 1)
        mask = self._mask(plain[:, :1], self.dropout[2])
        value = plain if mask is None else plain * mask
        if self.training and any(self.penalties):
            change = (plain[:, 1:] - plain[:, :-1]).square().mean() if plain.shape[1] > 1 else 0.0
            self.penalty = self.penalties[0] * value.square().mean() + self.penalties[1] * change
        logits: Tensor = self.decoder(value)
        return logits

    def _mask(self, like: Tensor, rate: float) -> Tensor | None:
        return functional.dropout(torch.ones_like(like), rate) if self.training and rate else None


class RecurrentNetwork(GraphNetwork):
    """A cell inside its frame, as one network: tokens (streams, steps) to logits (streams * steps, vocabulary).

    :param frame: what stands around the cell.
    :param graph: of the cell, from the token and the state side by side to the state after it.
    :param choices: of the architecture, where the graph is a conditional one.
    """

    def __init__(self, frame: Frame, graph: Graph, choices: tuple[int, ...] = ()) -> None:
        super().__init__(graph.nodes, graph.steps(choices), graph.ops, graph.profile.shapes)
        self.frame = frame

    @property
    def penalty(self) -> Tensor | None:
        """What the activations of the last training pass cost beside the loss."""
        return self.frame.penalty

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits; of a :class:`~tdgnas.data.Segment`, with the state at its beginning."""
        logits: Tensor = self.frame(super().forward, tokens)
        return logits

    def forms(self, steps: int = 35) -> dict[str, tuple[nn.Module, tuple[Tensor, ...]]]:
        """Return what is exported, with inputs of two streams: the network on so many tokens, and on one more."""
        tokens = torch.randint(self.frame.decoder.out_features, (2, steps))
        return {
            "": (self, (tokens,)),
            "-step": (_Step(self), (tokens[:, 0], torch.zeros(2, self.frame.state))),
        }

    def step(self, token: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits after one more token of each stream, (streams, vocabulary), and the state, from tokens
        (streams,) and the state before, (streams, state).
        """
        states = self.frame.run(super().forward, token.unsqueeze(1), state=state)
        return self.frame.decode(states)[:, 0], states[-1]


class _Step(nn.Module):
    """:meth:`RecurrentNetwork.step` as a module."""

    def __init__(self, network: RecurrentNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, token: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        return self.network.step(token, state)


def parts_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords of a :class:`Frame` among a final network's options."""
    rates = tuple(options[f"{name}_dropout"] for name in ("embedding", "state", "output"))
    return {
        "dropout": rates,
        "word_dropout": options["word_dropout"],
        "penalties": (options["activation_penalty"], options["change_penalty"]),
        "tied": options["tied"],
    }
