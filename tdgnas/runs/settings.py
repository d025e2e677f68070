"""The sections of a configuration: every key with its range, its default and what it means."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, field_validator, model_validator

from ..settings import Count, Epochs, Images, Number, Positive, Rate, Section, Whole
from ..supernet.alternating import WeightSettings
from ..supernet.pretrain_settings import PretrainSettings
from ..training.recipe import Recipe


class SpaceSettings(Section):
    """What is searched."""

    name: str = Field("vgg-shortcuts", description="see `tdgnas spaces`")
    settings: dict[str, Any] = Field(
        default_factory=dict,
        description="keywords of the space; image size and classes follow from the data where they are not set",
    )
    grow: Count | None = Field(
        None,
        description="individuals asked for at each depth, from the smallest on (nas-rl 1600); where none, depth is "
        "searched like all else",
    )


class DataSettings(Section):
    """The data. A number of samples, or a share of them where below 1."""

    name: str = Field("digits", description="digits, cifar10, cifar100, mnist, folder..., see tdgnas.data")
    folder: str | None = Field(
        None, description="where the data set lies; else $TDGNAS_DATA or ~/.cache/tdgnas"
    )
    size: Annotated[int, Field(strict=True, ge=1, le=10_000)] | None = Field(
        None, description="side of the square images"
    )
    channels: Literal[1, 3] | None = Field(None, description="1 or 3")
    valid: Number | None = Field(None, gt=0, description="validation samples")
    train: Whole | None = Field(None, ge=1, description="keep only so many training samples")
    test: Number | None = Field(None, gt=0, description="test samples")
    segment: Whole = Field(35, ge=1, description="of texts: tokens that gradients reach back")
    vocabulary: Whole | None = Field(
        None, ge=2, description="of texts: keep only so many tokens, the most frequent"
    )
    task: str | None = Field(
        None, description="what is learned, as tdgnas.tasks names it; as the data set says"
    )
    download: StrictBool = Field(False, description="let torchvision download what is missing")
    workers: Whole = Field(2, ge=0, description="processes that read ahead, of the data set stream")

    @model_validator(mode="after")
    def _fits(self) -> DataSettings:
        for name, value in [("valid", self.valid), ("test", self.test)]:
            if value is not None and value > 1 and value != int(value):
                raise ValueError(f"{name} is {value}; it is a share below 1 or a whole number of samples")
        return self


class PretrainSection(PretrainSettings):
    """Pretraining of the supernet: weights and alpha alternately (DARTS)."""

    relaxation: Literal["sigmoid", "hard-sigmoid", "target-softmax"] = Field(
        "sigmoid", description="of the gates"
    )
    imagenet: StrictBool = Field(False, description="start from VGG19's ImageNet weights (width 1 only)")


class SupernetSettings(Section):
    """How an individual is scored: on the supernet."""

    kind: Literal["supernet"] = Field("supernet", description="supernet, table, scratch, zero-cost")
    measure: str = Field("loss", description="loss, accuracy, or another measure of the task")
    mode: Literal["threshold", "sample", "relaxed"] = Field(
        "threshold", description="score the discretised alpha, discrete samples of it, or the relaxed network"
    )
    batchnorm: Literal["batch", "recalibrated", "running"] = Field(
        "batch", description="where statistics come from"
    )
    size: Images | None = Field(None, description="validation images to score on; all of them")
    batch_size: Images = Field(500, description="images per forward pass")
    calibration_size: Images = Field(256, description="training images for recalibrated")
    samples: Annotated[int, Field(strict=True, ge=1, le=10_000)] = Field(
        4, description="networks per individual in the mode sample"
    )
    controls: tuple[Literal["parameters", "macs", "naswot", "synflow", "jacobian"], ...] = Field(
        (),
        description="the fitness is a sum of ranks of the measure and of these scores, which need no training, such as "
        '["parameters", "naswot"]; the measure alone where there is none',
    )
    references: Annotated[int, Field(strict=True, ge=2, le=100_000)] = Field(
        200, description="random networks that those ranks are among"
    )
    order: Literal["device", "depth-first", "folded", "measured"] = Field(
        "device",
        description="in which a population is computed: as suits the device, or the fastest at the start of the run",
    )
    evaluator: Literal["population", "racing", "compiled"] = Field(
        "population",
        description="what scores discrete networks: exactly, in a race where the worse drop out, or by one compiled "
        "network",
    )
    chunk: Whole | None = Field(
        None, ge=1, description="values folded into one batch at most; as suits the device"
    )
    gradient_batch: Images = Field(64, description="images per gradient of alpha that a strategy asks for")
    gradient_order: Literal[1, 2] = Field(1, description="1 or 2: order of those gradients")
    weights: WeightSettings = WeightSettings()

    @model_validator(mode="after")
    def _fits(self) -> SupernetSettings:
        if self.mode == "relaxed" and self.order != "device":
            raise ValueError(
                f"order is {self.order!r}; the mode 'relaxed' computes all networks at once, leave it out"
            )
        if self.evaluator == "compiled" and (self.order != "device" or self.chunk is not None):
            raise ValueError("the evaluator 'compiled' has neither an order nor a chunk; leave them out")
        if self.mode == "relaxed" and self.evaluator != "population":
            raise ValueError(f"the evaluator {self.evaluator!r} scores discrete networks; mode is 'relaxed'")
        if self.controls and (self.mode != "threshold" or self.evaluator == "racing"):
            raise ValueError(
                f"controls rank networks by full scores; mode is {self.mode!r} and the evaluator {self.evaluator!r}, "
                "set them to threshold and population"
            )
        if self.chunk is not None and self.order != "folded":
            raise ValueError(
                f"chunk is {self.chunk}; it is for the order 'folded', and the order is {self.order!r}"
            )
        return self


class TableSettings(Section):
    """How an individual is scored: by a table of trained networks."""

    kind: Literal["table"] = Field("table", description="supernet, table, scratch, zero-cost")
    file: str | None = Field(
        None,
        description="a CSV, gzipped or not, or the name of a table that comes with the package (nas-rl-digits); that "
        "of NAS-Bench-201 is looked for",
    )
    key: str | None = Field(None, description="the column that names the architecture")
    invented: Whole | None = Field(
        None, ge=0, description="seed of an invented table in place of a file, for trials"
    )
    signal: str = Field("val_acc_12", description="the column that a search sees")
    final: str = Field("test_acc_200", description="the column of the final result")
    cost: str | None = Field(None, description="the column with the seconds of one evaluation")
    repeats: Literal["free", "charged"] = Field(
        "free", description="whether an architecture that is asked for again costs nothing, or all of it"
    )

    @model_validator(mode="after")
    def _fits(self) -> TableSettings:
        if self.file is not None and self.invented is not None:
            raise ValueError("there is a file and a seed of an invented table; leave one of them out")
        return self


class ScratchSettings(Section):
    """How an individual is scored: by training its own network from scratch."""

    kind: Literal["scratch"] = Field("scratch", description="supernet, table, scratch, zero-cost")
    measure: str = Field("loss", description="loss, accuracy, or another measure of the task")
    recipe: Recipe = Field(Recipe(epochs=1, warmup=0), description="of every training")
    last: Count = Field(1, description="the best value of so many of the last epochs counts (nas-rl 5)")
    power: Positive = Field(1.0, description="that the value is raised to (nas-rl 3)")
    fidelity: Literal["epochs", "data", "width", "naswot", "synflow", "jacobian"] = Field(
        "epochs", description="what less effort is a share of; a score: of epochs, and none is that score"
    )
    inherit: StrictBool = Field(
        False, description="a network that grew begins with its ancestor's trained weights (space grown)"
    )
    keep: Count = Field(32, description="networks whose weights are kept to be inherited, the last used ones")


class MapSettings(Section):
    """Who evaluates. Results do not depend on it, but for ``asynchronous``, and it may be changed at any time."""

    kind: Literal["here", "processes", "ray"] = Field(
        "here",
        description="this process, processes beside it, or ray: the devices of this machine or of a cluster",
    )
    workers: Count | None = Field(
        None, description="how many; one per CPU, or as many as fit into the cluster"
    )
    address: str | None = Field(
        None, description="ray: of the cluster, such as auto; this machine where none"
    )
    gpus_per_worker: Number = Field(0.0, ge=0, description="ray: GPUs of each worker, also a part of one")
    resources: dict[str, Positive] = Field(
        default_factory=dict, description="ray: what else a worker needs, such as {cpu = 4}"
    )
    asynchronous: StrictBool = Field(
        False,
        description="children that are trained: the next goes out as soon as one is done, without generations; which "
        "comes first is then the clock's affair",
    )

    @model_validator(mode="after")
    def _fits(self) -> MapSettings:
        rest = {name for name in ("address", "gpus_per_worker", "resources") if getattr(self, name)}
        if self.kind != "ray" and rest:
            raise ValueError(
                f"{' and '.join(sorted(rest))} are for the kind 'ray', and the kind is {self.kind!r}"
            )
        if self.kind == "here" and self.workers is not None:
            raise ValueError("workers are for the kinds 'processes' and 'ray', and the kind is 'here'")
        return self


class ZeroCostSettings(Section):
    """How an individual is scored: by its own network with fresh weights."""

    kind: Literal["zero-cost"] = Field("zero-cost", description="supernet, table, scratch, zero-cost")
    score: Literal["naswot", "synflow", "jacobian", "parameters", "macs"] = Field(
        "naswot", description="what is computed; larger is better"
    )
    images: Images = Field(32, description="training images that a network is shown")


class StrategySettings(Section):
    """The search strategy; its own settings are keys beside its name, see `tdgnas options strategy`."""

    name: str = Field("darts-tdga", description="see `tdgnas strategies`")


class ObjectiveSettings(Section):
    """What is minimised beside the fitness, and what no network may exceed."""

    names: tuple[Literal["parameters", "macs", "latency"], ...] = Field(
        (),
        description="minimised beside the fitness: parameters, macs, latency; parameters where none and the strategy "
        "needs two",
    )
    limits: dict[Literal["parameters", "macs", "latency"], Positive] = Field(
        default_factory=dict,
        description="the most that a network may have, in millions and milliseconds, such as {macs = 2.0}; beyond, it "
        "is not evaluated",
    )
    latencies: str | None = Field(
        None, description="JSON of milliseconds by operation; they are measured on this device where none"
    )

    @field_validator("names", mode="before")
    @classmethod
    def _split(cls, given: Any) -> Any:
        """Read ``parameters,macs`` as well."""
        return [part.strip() for part in given.split(",")] if isinstance(given, str) else given

    @field_validator("names")
    @classmethod
    def _distinct(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) < len(names):
            raise ValueError("an objective is named twice")
        return names


class BudgetSettings(Section):
    """What the search may use, beyond the pretraining."""

    unit: Literal["generations", "evaluations", "passes", "seconds"] = Field(
        "generations", description="generations (after the first), evaluations, passes, seconds (simulated)"
    )
    limit: Number = Field(30, ge=0, description="of that unit")

    @model_validator(mode="after")
    def _fits(self) -> BudgetSettings:
        if self.unit != "generations" and self.limit <= 0:
            raise ValueError(f"limit is {self.limit:g}; a budget of {self.unit} is larger than 0")
        if self.unit != "seconds" and self.limit != int(self.limit):
            raise ValueError(f"limit is {self.limit:g}; {self.unit} are whole numbers")
        return self


class ShortlistSettings(Section):
    """After the search its best networks are trained shortly from scratch, and the best of these is taken."""

    k: Annotated[int, Field(strict=True, ge=0, le=10_000)] = Field(0, description="how many; 0 leaves it out")
    apart: Annotated[int, Field(strict=True, ge=1, le=10_000)] = Field(
        1,
        description="decisions in which any two of them differ at least; fewer than k where there are no more",
    )
    recipe: Recipe = Field(Recipe(epochs=12), description="of every training")


class FineTuneSettings(Section):
    """The winner trained on from the shared weights, otherwise by the recipe; baseline and a random control are trained
    from scratch for as many passes as supernet, search and fine-tuning took."""

    epochs: Epochs = Field(0, description="0 leaves it out")
    lr: Rate = Field(0.01, description="learning rate it begins with")


class RetrainSettings(Recipe):
    """Retraining from scratch, the same recipe for every row of the table."""

    epochs: Epochs = Field(10, description="0 leaves the retraining out")
    final: StrictBool = Field(
        False, description="in the space's final form instead of the searched network's size"
    )
    final_options: dict[str, Any] = Field(
        default_factory=dict, description="of the final form, such as {channels = 36, cells = 20}"
    )
    random_draws: Annotated[int, Field(strict=True, ge=0, le=10_000)] = Field(
        3, description="random architectures as controls"
    )
    rules: tuple[str, ...] = Field(
        (),
        description="discretisation rules that make controls of the relaxed weights alone, such as "
        '["per-edge", "progressive"]; the space\'s own where none is named',
    )
    seeds: Annotated[int, Field(strict=True, ge=1, le=1000)] = Field(
        1, description="trainings of every network"
    )
    fine_tune: FineTuneSettings = Field(
        FineTuneSettings(), description="a row more: the winner from the supernet's weights"
    )
    on_error: Literal["stop", "skip"] = Field(
        "skip",
        description="a network that cannot be trained: stop with everything saved, or leave its row empty",
    )

    @model_validator(mode="after")
    def _final_fits(self) -> RetrainSettings:
        if self.final_options and not self.final:
            raise ValueError("final_options are for the final form; set final = true as well")
        if self.fine_tune.epochs and self.final:
            raise ValueError(
                "fine_tune goes on with shared weights, which the final form has none of; leave one out"
            )
        if self.fine_tune.epochs and self.min_lr > self.fine_tune.lr:
            raise ValueError(f"min_lr ({self.min_lr:g}) is larger than fine_tune.lr ({self.fine_tune.lr:g})")
        return self

    @property
    def recipe(self) -> Recipe:
        """How each network is trained."""
        values = {name: getattr(self, name) for name in Recipe.model_fields}
        return Recipe(**{**values, "epochs": max(1, self.epochs)})

    @property
    def fine_tuning(self) -> Recipe:
        """How the winner is trained on from the shared weights."""
        return self.recipe.over(max(1, self.fine_tune.epochs), lr=self.fine_tune.lr)


class Config(Section):
    """One experiment: a problem, a strategy, a budget. The defaults are the main system on digits."""

    seed: Annotated[int, Field(strict=True, ge=0, lt=2**63)] = Field(0, description="one seed for everything")
    device: str | None = Field(None, description="cpu, cuda, cuda:1; CUDA where there is one")
    deterministic: StrictBool = Field(True, description="on CUDA: the same bits each time, somewhat slower")
    tensorboard: StrictBool = Field(False, description="write records for TensorBoard, when it is installed")
    imports: list[str] = Field(default_factory=list, description="modules of your own that register things")
    on_error: Literal["stop", "skip"] = Field(
        "stop", description="an operator that raises: stop with everything saved, or skip the individual"
    )
    problem: str = Field("main", description="fills the sections below; see `tdgnas problems`")
    data: DataSettings = DataSettings()
    space: SpaceSettings = SpaceSettings()
    pretrain: PretrainSection = PretrainSection()
    fitness: Any = SupernetSettings()
    objectives: ObjectiveSettings = ObjectiveSettings()
    map: MapSettings = MapSettings()
    strategy: Any = StrategySettings()
    budget: BudgetSettings = BudgetSettings()
    shortlist: ShortlistSettings = ShortlistSettings()
    retrain: RetrainSettings = RetrainSettings()
