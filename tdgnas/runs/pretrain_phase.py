"""First phase: weights and alpha of the supernet."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ..seeding import seed_everything
from ..supernet import Pretraining, save_supernet
from .files import storing, write_json
from .phase import Context, move_into
from .records import Table

COLUMNS = ("epoch", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "gates", "passes")


def make_pretraining(context: Context) -> Pretraining:
    """Make the pretraining that the configuration describes."""
    settings = context.config.pretrain.model_dump(exclude={"relaxation", "imagenet"})
    return Pretraining(context.supernet, seed=context.config.seed, **settings)


class PretrainPhase:
    """Weights and alpha of the supernet, by DARTS."""

    name = "pretraining"

    def __init__(self, context: Context) -> None:
        self.context = context
        seed_everything(context.config.seed)
        self.pretraining = make_pretraining(context)
        self.table = Table(context.folder / "pretraining.csv", COLUMNS)
        self.seconds = 0.0
        self.total = context.config.pretrain.epochs

    @property
    def done(self) -> int:
        """Epochs trained."""
        return self.pretraining.epoch

    def step(self) -> dict[str, Any]:
        """Train one epoch."""
        record = asdict(next(self.pretraining))
        self.seconds += record.pop("seconds")
        self.table.append(record)
        self.context.plot(self.name, self.done, record)
        return {key: record[key] for key in ("train_loss", "valid_loss", "valid_accuracy", "gates")}

    def finish(self) -> None:
        """Save the supernet."""
        folder = self.context.folder
        with storing(folder / "supernet"):
            saved = save_supernet(self.context.supernet, folder / ".supernet.part")
            for path in move_into(saved, folder / "supernet"):
                self.context.keep(path)
        write_json(folder / "timings" / "pretraining.json", {"seconds": self.seconds})

    def state_dict(self) -> dict[str, Any]:
        """Supernet, optimisers, order of the images."""
        supernet = self.context.supernet.state_dict()
        return {
            "supernet": dict(supernet),
            "pretraining": self.pretraining.state_dict(),
            "seconds": self.seconds,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where the state was taken."""
        self.context.supernet.load_state_dict(state["supernet"])
        self.pretraining.load_state_dict(state["pretraining"])
        self.seconds = state["seconds"]
