"""Text that a trained recurrent network writes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..data.text import END, UNKNOWN
from ..descent import in_mode
from ..spaces.recurrent import RecurrentNetwork


def generate(
    network: nn.Module,
    vocabulary: Sequence[str],
    start: str = "",
    count: int = 50,
    *,
    temperature: float = 1.0,
    seed: int = 0,
) -> str:
    """Return a text that a network writes, token after token, each drawn by the probabilities that it gives.

    The unknown word is never written; words of ``start`` that the network does not know are read as the unknown word.
    Neither the network nor a random state changes.

    :param network: a recurrent one, such as :func:`load_network` returns.
    :param vocabulary: its tokens in their order, ``data.classes`` or ``card["classes"]``; all of single characters
        where the text was read by characters.
    :param start: the text begins with it; words stand between blanks.
    :param count: tokens to write.
    :param temperature: divides the logits: below 1 what is likely becomes likelier; 0 takes the likeliest.
    :param seed: of the draws.
    :returns: ``start`` and what follows; line ends are line ends.
    :raises ValueError: for a network that is none, another vocabulary than its own, a word of ``start`` where there is
        no unknown word, or an impossible number.
    """
    if not isinstance(network, RecurrentNetwork):
        raise ValueError(f"text is written by a recurrent network; this is a {type(network).__name__}")
    if len(vocabulary) != network.frame.decoder.out_features:
        raise ValueError(
            f"the vocabulary has {len(vocabulary)} tokens, the network {network.frame.decoder.out_features}"
        )
    if count < 1 or not temperature >= 0:
        raise ValueError(
            f"count is {count} and temperature {temperature}; expected at least 1 token and a temperature from 0 on"
        )
    characters = all(len(token) == 1 for token in vocabulary if token not in (END, UNKNOWN))
    given = _numbers(vocabulary, start, characters)
    generator, place = torch.Generator().manual_seed(seed), network.frame.decoder.weight
    state, found = place.new_zeros((1, network.frame.state)), list(given)
    # Where nothing is given, a line has just ended.
    ended = [vocabulary.index(END)] if END in vocabulary else [0]
    with torch.no_grad(), in_mode(network, False):
        for token in given or ended:
            logits, state = network.step(torch.tensor([token], device=place.device), state)
        for _ in range(count):
            found.append(_drawn(logits[0].double().cpu(), vocabulary, temperature, generator))
            logits, state = network.step(torch.tensor([found[-1]], device=place.device), state)
    told = ["\n" if vocabulary[token] == END else vocabulary[token] for token in found]
    return "".join(told) if characters else " ".join(told).replace(" \n", "\n").replace("\n ", "\n")


def _numbers(vocabulary: Sequence[str], start: str, characters: bool) -> list[int]:
    number = {token: place for place, token in enumerate(vocabulary)}
    unknown = number.get(UNKNOWN)
    found = []
    for token in start if characters else start.split():
        place = number.get(END if token == "\n" else token, unknown)
        if place is None:
            raise ValueError(f"{token!r} is none of the {len(vocabulary)} tokens that the network knows")
        found.append(place)
    return found


def _drawn(logits: Tensor, vocabulary: Sequence[str], temperature: float, generator: torch.Generator) -> int:
    if UNKNOWN in vocabulary:
        logits[vocabulary.index(UNKNOWN)] = -torch.inf
    if not temperature:
        return int(logits.argmax())
    return int(torch.multinomial(torch.softmax(logits / temperature, 0), 1, generator=generator))
