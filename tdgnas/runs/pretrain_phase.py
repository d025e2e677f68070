"""First phase: weights and alpha of the supernet."""

from __future__ import annotations

from ..files import Json, State
from ..files.atomic import write_json
from ..files.tables import Table
from ..pictures import save, weights_figure
from ..seeding import seed_everything
from ..supernet import make_pretraining, save_supernet
from .phase import Context


class PretrainPhase:
    """Weights and alpha of the supernet, by DARTS."""

    name = "pretraining"

    def __init__(self, context: Context) -> None:
        self.context = context
        seed_everything(context.config.seed)
        config = context.config
        self.pretraining = make_pretraining(context.supernet, config.pretrain, seed=config.seed)
        names = context.problem.task.names
        means = [f"{part}_{name}" for part in ("train", "valid") for name in names]
        self.table = Table(context.folder / "pretraining.csv", ("epoch", *means, "gates", "passes"))
        self.seconds = 0.0
        self.total = context.config.pretrain.epochs

    @property
    def done(self) -> int:
        """Epochs trained; all of them once a guard has stopped the pretraining."""
        return self.total if self.pretraining.stopped else self.pretraining.epoch

    def step(self) -> Json:
        """Train one epoch."""
        epoch = next(self.pretraining)
        record = epoch.row()
        self.seconds += epoch.seconds
        self.table.append(record)
        self.context.plot(self.name, self.pretraining.epoch, record)
        headline = f"valid_{self.context.problem.task.headline}"
        shown = {key: record[key] for key in ("train_loss", "valid_loss", headline, "gates")}
        images = self.pretraining.steps * self.pretraining.batch_size
        shown["images/s"] = images / max(epoch.seconds, 1e-9)
        stopped = self.pretraining.stopped
        return {**shown, "stopped": f"after epoch {self.pretraining.epoch}, {stopped}"} if stopped else shown

    def finish(self) -> None:
        """Save the supernet, and draw how the relaxed weights of choices went."""
        folder, space = self.context.folder, self.context.problem.space
        saved = save_supernet(self.context.supernet, folder / "supernet")
        for name in ("supernet.json", "supernet.safetensors"):
            self.context.keep(saved / name)
        write_json(folder / "timings" / "pretraining.json", {"seconds": self.seconds})
        if not all(decision.binary for decision in space.decisions):
            (folder / "figures").mkdir(exist_ok=True)
            figure = weights_figure(space.decisions, self.pretraining.history)
            save(figure, folder / "figures" / "weights.png")

    def state_dict(self) -> State:
        """Supernet, optimisers, order of the images."""
        supernet = self.context.supernet.state_dict()
        return {
            "supernet": dict(supernet),
            "pretraining": self.pretraining.state_dict(),
            "seconds": self.seconds,
        }

    def load_state_dict(self, state: State) -> None:
        """Go on where the state was taken."""
        self.context.supernet.load_state_dict(state["supernet"])
        self.pretraining.load_state_dict(state["pretraining"])
        self.seconds = state["seconds"]
