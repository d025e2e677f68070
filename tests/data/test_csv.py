"""A table of features as a data set, searched with a network of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import tdgnas
from tdgnas import data
from tdgnas.data import DataDamaged, DataNotFound, ImageData
from tdgnas.runs import Experiment, make_config
from tdgnas.tasks import REGRESSION


class Perceptron(nn.Sequential):
    """Two layers with an open width and activation."""

    def __init__(self, in_channels: int, classes: int) -> None:
        super().__init__(
            tdgnas.channels(nn.Linear(in_channels, 8), (2, 8), label="width"),
            tdgnas.choice({"relu": nn.ReLU(), "tanh": nn.Tanh()}, label="activation"),
            nn.Linear(8, classes),
        )


def write(path: Path, target: str) -> Path:
    """Sixty lines: two numbers, a word, and a target made of them."""
    lines = ["width,height,colour,target"]
    for n in range(60):
        colour, width = ("red", "green", "blue")[n % 3], n / 10
        values = {"class": "tall" if n % 2 else "wide", "number": f"{width * 1.5 + 0.25:g}"}
        lines.append(f"{width:g},{n % 2},{colour},{values[target]}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_words_become_features_and_classes(tmp_path: Path) -> None:
    splits = data.load("csv", folder=write(tmp_path / "shapes.csv", "class"))
    assert splits.classes == ("tall", "wide")
    assert splits.image_shape == (5,)
    inputs = splits.train.batch(slice(None))[0]
    assert inputs.dtype == torch.float32
    torch.testing.assert_close(inputs.mean(0), torch.zeros(5), atol=1e-5, rtol=0)
    torch.testing.assert_close(inputs.std(0, correction=0), torch.ones(5))
    assert splits.valid.batch(slice(None))[0].std(0).min() > 0.5  # by the statistics of train


def test_numbers_are_a_regression(tmp_path: Path) -> None:
    splits = data.load("csv", folder=write(tmp_path / "shapes.csv", "number"))
    assert splits.task is REGRESSION
    assert splits.train.labels.shape[1:] == (1,)


def test_a_network_of_ones_own_is_searched_on_a_table(tmp_path: Path) -> None:
    file = write(tmp_path / "shapes.csv", "class")
    config = make_config(
        {
            "problem": "module@csv",
            "device": "cpu",
            "space": {"settings": {"model": f"{__name__}:Perceptron"}},
            "data": {"folder": str(file)},
            "pretrain": {"epochs": 2, "batch_size": 8},
            "fitness": {"size": 8, "batch_size": 8, "gradient_batch": 8},
            "strategy": {"population": 4},
            "budget": {"unit": "generations", "limit": 1},
            "retrain": {"epochs": 2, "random_draws": 0, "batch_size": 8},
        }
    )
    assert Experiment.begin(tmp_path / "run", config).execute()
    assert (tmp_path / "run" / "network" / "card.json").is_file()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n", "features and a target"),
        ("a\n1\n", "features and a target"),
        ("a,b\n1,x\n,y\n", "'a' has empty fields"),
        ("a,b\n1,x\n2,x\n", "'x' in every line"),
        ("a,b\ninf,x\n2,y\n", "not finite"),
    ],
)
def test_a_table_that_cannot_be_learned_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(DataDamaged, match=message):
        data.load("csv", folder=tmp_path / "table.csv")
    with pytest.raises(DataNotFound, match="there is no file"):
        data.load("csv", folder=tmp_path / "other.csv")


def test_inputs_of_another_kind_are_floats() -> None:
    part = ImageData(torch.zeros(4, 2, 5), torch.zeros(4, dtype=torch.int64), (0.0, 0.0), (1.0, 1.0))
    assert part.image_shape == (2, 5)
    with pytest.raises(ValueError, match="expected"):
        ImageData(
            torch.zeros(4, 2, 5, dtype=torch.uint8), torch.zeros(4, dtype=torch.int64), (0.0,) * 2, (1.0,) * 2
        )
