"""What tests/training/test_parallel.py computes twice: here by two processes, there by one."""

import json

import torch
from torch import nn

import tdgnas
from tdgnas.parallel import joined
from tdgnas.runs import Experiment, make_config
from tdgnas.training import Recipe, retrain


class Small(nn.Module):
    """BatchNorm of maps and of vectors, and a layer that some batches do not need."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.maps = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
        self.out = nn.Sequential(nn.Linear(4 * 49, 8), nn.BatchNorm1d(8), nn.Linear(8, 10))

    def forward(self, images):
        return self.out(self.maps(images))


def trained(folder, resume=False):
    """Loss and measures of two epochs, the last batch smaller than the others, and of the test set."""
    data = tdgnas.data.load("digits", size=16, train=50, valid=31, test=40)
    augment = {"crop": 2, "flip": True, "cutout": 4}
    recipe = Recipe(epochs=2, batch_size=16, lr=0.05, ema=0.9, augment=augment)
    rows = []
    card = retrain(
        Small(), data, recipe, folder, seed=3, device="cpu", resume=resume,
        progress=lambda record: rows.append(record.row()),
    )  # fmt: skip
    return {"rows": rows, "measures": card.measures}


def pretrained(**settings):
    """Losses, measures and relaxed weights of an epoch of pretraining of cells with BatchNorm."""
    data = tdgnas.data.load("digits", size=8, train=24, valid=12)
    space = tdgnas.spaces.create("nasbench201", channels=2, cells_per_stage=1, classes=10, image_size=8)
    supernet = tdgnas.Supernet(space, data, seed=1, device="cpu")
    own = {"batch_size": 12, "augment": {"crop": 1}, **settings}
    rows = [record.row() for record in supernet.pretraining(1, seed=2, **own)]
    return {"rows": rows, "weights": supernet.relaxed_weights().tolist()}


METHODS = {
    "darts": {},
    "second order": {"order": 2},
    "one path": {"computed": "one"},
    "paths": {"method": "paths", "paths": {"alpha_steps": 2, "fair": True}},
}


def config():
    """A run whose three phases take a second or two."""
    sizes = {"channels": 2, "cells_per_stage": 1}
    data = {"size": 8, "train": 24, "valid": 12, "test": 20}
    return make_config(
        {
            "device": "cpu",
            "data": data,
            "space": {"name": "nasbench201", "settings": sizes},
            "pretrain": {"epochs": 1, "batch_size": 12},
            "strategy": {"name": "random"},
            "budget": {"unit": "evaluations", "limit": 2},
            "fitness": {"size": 12},
            "retrain": {"epochs": 1, "batch_size": 12, "random_draws": 0},
        }
    )


def main(folder):
    with joined("cpu") as group:
        own = folder / f"of {group.rank}"
        own.mkdir()
        found = {"trained": trained(folder / "net")}
        found |= {name: pretrained(**settings) for name, settings in METHODS.items()}
        for until in ("search", "finished"):  # begun, and gone on with
            if group.leads:
                Experiment.begin(folder / "run", config()).execute(until)
            else:
                Experiment.follow()
        (own / "found.json").write_text(json.dumps(found))
