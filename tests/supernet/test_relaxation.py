"""From genes to relaxed weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tdgnas import SupernetFitness
from tdgnas.data import ImageData
from tdgnas.spaces import VGGShortcuts, create, threshold
from tdgnas.supernet import Relaxation, Supernet

SPACE = VGGShortcuts(width=1 / 32)
GENES = torch.linspace(-4, 4, 61)


def test_sigmoid_and_hard_sigmoid_by_their_formulas() -> None:
    torch.testing.assert_close(Relaxation(SPACE, "sigmoid")(GENES), 1 / (1 + torch.exp(-GENES)))
    hard = Relaxation(SPACE, "hard-sigmoid")(GENES)
    torch.testing.assert_close(hard, (GENES / 6 + 0.5).clamp(0, 1))


def test_hard_sigmoid_has_no_gradient_from_three_on() -> None:
    genes = torch.tensor([3.5, -3.5, 2.9] + [0.0] * 58).requires_grad_()
    Relaxation(SPACE, "hard-sigmoid")(genes).sum().backward()
    assert genes.grad is not None
    torch.testing.assert_close(genes.grad[:3], torch.tensor([0.0, 0.0, 1 / 6]))


def test_target_softmax_sums_to_the_targets_scale() -> None:
    relaxation = Relaxation(SPACE, "target-softmax")
    scales = torch.arange(1.0, len(relaxation.targets) + 1)
    weights = relaxation(torch.stack([GENES, -GENES]), scales)
    for number, members in enumerate(relaxation.targets.values()):
        torch.testing.assert_close(weights[:, members].sum(1), torch.full((2,), number + 1.0))
    assert next(iter(relaxation.targets)) == "x3"


@pytest.mark.parametrize("name", ["sigmoid", "hard-sigmoid"])
def test_k_way_decisions_are_softmax_whatever_gates_are(name) -> None:
    space = create("nasbench201")
    genes = torch.randn(3, 30)
    expected = torch.softmax(genes.reshape(3, 6, 5), -1).reshape(3, 30)
    torch.testing.assert_close(Relaxation(space, name)(genes), expected)
    assert Relaxation(space, "sigmoid")(genes).double().sum() == pytest.approx(18, abs=1e-4)


def test_target_softmax_decodes_to_what_the_relaxed_weights_say() -> None:
    """All genes at +1 relaxed to one gate above one half and decoded to 61."""
    supernet = Supernet(SPACE, relaxation="target-softmax")
    genes = [1.0] * 61
    expected = tuple(int(weight > 0.5) for weight in supernet.relaxed_weights(np.array(genes)))
    assert sum(expected) == 1
    assert supernet.decode(genes).choices == expected
    images = ImageData(torch.randn(4, 3, 32, 32), torch.tensor([0, 1, 2, 3]), (0.0,) * 3, (1.0,) * 3)
    fitness = SupernetFitness(supernet, images)
    assert fitness.decode(genes).choices == expected
    assert fitness(genes) == (fitness.scores([SPACE.architecture(expected)])[0].loss,)
    spread = np.linspace(-2, 2, 61)
    assert supernet.decode(spread) == threshold(SPACE, supernet.relaxed_weights(spread))


@pytest.mark.parametrize("relaxation", ["sigmoid", "hard-sigmoid"])
@pytest.mark.parametrize("gene", [1e-9, 1e-17, 5e-324, 0.0, -1e-9])
def test_a_tiny_gene_is_on_by_decoding_and_by_the_threshold_rule_alike(relaxation, gene: float) -> None:
    """A gene of 1e-9 was on by decode and off by the rule, which saw single precision."""
    supernet = Supernet(SPACE, relaxation=relaxation)
    genes = np.full(61, gene)
    assert threshold(SPACE, supernet.relaxed_weights(genes)) == supernet.decode(genes) == SPACE.decode(genes)
    assert set(SPACE.decode(genes).choices) == {int(gene > 0)}
