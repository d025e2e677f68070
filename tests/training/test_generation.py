"""Text that a trained recurrent network writes."""

from __future__ import annotations

import random

import pytest
import torch

from tdgnas.spaces import DartsRnn
from tdgnas.spaces.recurrent import RecurrentNetwork
from tdgnas.training import generate

WORDS = ("<eos>", "the", "list", "a", "<unk>", "is")


def network(classes: int = len(WORDS)) -> RecurrentNetwork:
    """One whose probabilities are far from even, and which is left in training mode."""
    space = DartsRnn(nodes=2, size=5, classes=classes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        made = space.final_network(space.sample(random.Random(0)), size=5)
        for parameter in made.parameters():
            torch.nn.init.normal_(parameter)
    return made.train()


def test_without_temperature_the_likeliest_token_follows() -> None:
    made = network()
    text = generate(made, WORDS, "the list", 12, temperature=0)
    assert made.training
    tokens = [1, 2]
    with torch.no_grad():
        made.eval()
        for _ in range(12):
            logits = made(torch.tensor([tokens]))[-1]  # the whole text so far, from a state of zero
            logits[WORDS.index("<unk>")] = -torch.inf
            tokens.append(int(logits.argmax()))
    assert text.replace("\n", " <eos> ").split() == [WORDS[token] for token in tokens]


def test_draws_follow_the_seed_and_the_probabilities_and_no_random_state() -> None:
    made, before = network(), torch.random.get_rng_state()
    texts = [generate(made, WORDS, "is", 1, seed=seed) for seed in range(200)]
    assert texts == [generate(made, WORDS, "is", 1, seed=seed) for seed in range(200)]
    assert torch.equal(torch.random.get_rng_state(), before)
    with torch.no_grad():
        logits = made.eval()(torch.tensor([[5]]))[-1]
    logits[4] = -torch.inf
    shares = torch.softmax(logits, 0)
    ends = ["is\n", "is the", "is list", "is a", "is <unk>", "is is"]
    for end, share in zip(ends, shares.tolist(), strict=True):
        assert texts.count(end) / 200 == pytest.approx(share, abs=0.12), end
    sharper = [generate(made, WORDS, "is", 1, temperature=0.2, seed=seed) for seed in range(100)]
    likeliest = ends[int(shares.argmax())]
    assert sharper.count(likeliest) / 100 > texts.count(likeliest) / 200


def test_characters_stand_side_by_side_and_lines_end() -> None:
    text = generate(network(4), ("a", " ", "<eos>", "b"), "ab\na", 30, seed=1)
    assert text.startswith("ab\na")
    assert len(text) == 34
    assert generate(network(), WORDS, "", 5, seed=1) == generate(network(), WORDS, count=5, seed=1)


def test_what_cannot_be_written_is_said() -> None:
    with pytest.raises(ValueError, match="this is a Linear"):
        generate(torch.nn.Linear(2, 2), WORDS)
    with pytest.raises(ValueError, match="has 2 tokens, the network 6"):
        generate(network(), ("a", "b"))
    with pytest.raises(ValueError, match="at least 1 token"):
        generate(network(), WORDS, count=0)
    with pytest.raises(ValueError, match="'zebra' is none of the 2 tokens"):
        generate(network(2), ("one", "two"), "zebra")
