"""The sections of a configuration: every key with its range, its default and what it means."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from ..files.toml import NOTHING

# Numbers are numbers: a text or a truth value in their place is a mistake, not something to convert.
Whole = Annotated[int, Field(strict=True, le=10**9)]
Number = Annotated[float, Field(strict=True, le=1e12)]
Epochs = Annotated[int, Field(strict=True, ge=0, le=100_000)]
Rate = Annotated[float, Field(strict=True, gt=0, le=1000)]
Decay = Annotated[float, Field(strict=True, ge=0, le=100)]
Images = Annotated[int, Field(strict=True, ge=2, le=10**8)]


class Section(BaseModel):
    """A section of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _nothing(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        fields = cls.model_fields
        return {
            key: None
            if value == NOTHING and key in fields and takes_nothing(fields[key].annotation)
            else value
            for key, value in given.items()
        }


def takes_nothing(annotation: Any) -> bool:
    """Whether a key may have no value."""
    return annotation is type(None) or type(None) in get_args(annotation)


class SpaceSettings(Section):
    """What is searched."""

    name: str = Field("vgg-shortcuts", description="see `tdgnas spaces`")
    settings: dict[str, Any] = Field(
        default_factory=dict,
        description="keywords of the space; image size and classes follow from the data where they are not set",
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
    task: str | None = Field(
        None, description="what is learned, as tdgnas.tasks names it; as the data set says"
    )
    download: StrictBool = Field(False, description="let torchvision download what is missing")

    @model_validator(mode="after")
    def _fits(self) -> DataSettings:
        for name, value in [("valid", self.valid), ("test", self.test)]:
            if value is not None and value > 1 and value != int(value):
                raise ValueError(f"{name} is {value}; it is a share below 1 or a whole number of samples")
        return self


class PretrainSettings(Section):
    """Pretraining of the supernet: weights and alpha alternately (DARTS)."""

    epochs: Epochs = Field(10, description="passes over the training images")
    batch_size: Images = Field(64, description="images per step, of weights and of alpha")
    lr: Rate = Field(0.025, description="learning rate of the weights")
    lr_min: Number = Field(0.001, ge=0, description="where the cosine ends")
    momentum: Number = Field(0.9, ge=0, lt=1, description="of the weights")
    weight_decay: Decay = Field(3e-4, description="of the weights")
    schedule: Literal["cosine", "constant"] = Field("cosine", description="of the weights' learning rate")
    clip: Number | None = Field(5.0, gt=0, description="largest norm of the weights' gradient")
    alpha_lr: Rate = Field(3e-3, description="learning rate of alpha")
    alpha_weight_decay: Decay = Field(0.0, description="of alpha")
    hold: Epochs = Field(0, description="epochs during which alpha is held")
    order: Literal[1, 2] = Field(1, description="1 or 2: order of the bilevel gradient")
    discrete: Number = Field(0.5, ge=0, le=1, description="share of the weights' steps on discrete networks")
    uniform: StrictBool = Field(False, description="draw those uniformly instead of from the relaxed weights")
    relaxation: Literal["sigmoid", "hard-sigmoid", "target-softmax"] = Field(
        "sigmoid", description="of the gates"
    )
    paths: Literal["all", "one"] = Field(
        "all", description="one: a sampled path per step instead of all operations, which saves memory"
    )
    skip_dropout: Number = Field(
        0.0, ge=0, lt=1, description="dropout rate of cells' skip connections at the start, annealed to 0"
    )
    stop_skips: Whole = Field(
        0, ge=0, description="stop once the derived normal cell has so many skip connections; 0 never does"
    )
    imagenet: StrictBool = Field(False, description="start from VGG19's ImageNet weights (width 1 only)")

    @model_validator(mode="after")
    def _fits(self) -> PretrainSettings:
        if self.schedule == "cosine" and self.lr_min > self.lr:
            raise ValueError(f"lr_min ({self.lr_min:g}) is larger than lr ({self.lr:g})")
        return self


class SupernetSettings(Section):
    """How an individual is scored: on the supernet."""

    kind: Literal["supernet"] = Field("supernet", description="supernet, table, scratch")
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
    order: Literal["device", "depth-first", "folded", "measured"] = Field(
        "device",
        description="in which a population is computed: as suits the device, or the fastest at the start of the run",
    )
    chunk: Whole | None = Field(
        None, ge=1, description="values folded into one batch at most; as suits the device"
    )
    gradient_batch: Images = Field(64, description="images per gradient of alpha that a strategy asks for")
    gradient_order: Literal[1, 2] = Field(1, description="1 or 2: order of those gradients")
    weight_lr: Rate = Field(0.005, description="learning rate, where a strategy trains the weights on")
    weight_steps: Annotated[int, Field(strict=True, ge=1, le=100_000)] = Field(
        4, description="steps each time it does"
    )

    @model_validator(mode="after")
    def _fits(self) -> SupernetSettings:
        if self.mode == "relaxed" and self.order != "device":
            raise ValueError(
                f"order is {self.order!r}; the mode 'relaxed' computes all networks at once, leave it out"
            )
        if self.chunk is not None and self.order != "folded":
            raise ValueError(
                f"chunk is {self.chunk}; it is for the order 'folded', and the order is {self.order!r}"
            )
        return self


class TableSettings(Section):
    """How an individual is scored: by a table of trained networks."""

    kind: Literal["table"] = Field("table", description="supernet, table, scratch")
    file: str | None = Field(None, description="a CSV, gzipped or not; that of NAS-Bench-201 is looked for")
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


class StrategySettings(Section):
    """The search strategy; its own settings are keys beside its name, see `tdgnas options strategy`."""

    name: str = Field("darts-tdga", description="see `tdgnas strategies`")


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


class RetrainSettings(Section):
    """Retraining from scratch, the same recipe for every row of the table."""

    epochs: Epochs = Field(10, description="0 leaves the retraining out")
    batch_size: Images = Field(64, description="images per step")
    lr: Rate = Field(0.05, description="learning rate")
    momentum: Number = Field(0.9, ge=0, lt=1, description="of SGD")
    weight_decay: Decay = Field(5e-4, description="of SGD")
    schedule: Literal["constant", "cosine", "step"] = Field("cosine", description="constant, cosine or step")
    milestones: list[Whole] = Field(default_factory=list, description="epochs at which step falls")
    gamma: Number = Field(0.1, gt=0, le=1, description="factor of step")
    warmup: Epochs = Field(1, description="epochs over which the learning rate rises")
    clip: Number | None = Field(5.0, gt=0, description="largest norm of the gradient")
    crop: Annotated[int, Field(strict=True, ge=0, le=10_000)] = Field(
        0, description="padding of the random crop, in pixels"
    )
    flip: StrictBool = Field(False, description="mirror half of the images")
    cutout: Annotated[int, Field(strict=True, ge=0, le=10_000)] = Field(
        0, description="side of the square that is cut out, in pixels"
    )
    random_draws: Annotated[int, Field(strict=True, ge=0, le=10_000)] = Field(
        3, description="random architectures as controls"
    )
    seeds: Annotated[int, Field(strict=True, ge=1, le=1000)] = Field(
        1, description="trainings of every network"
    )
    on_error: Literal["stop", "skip"] = Field(
        "skip",
        description="a network that cannot be trained: stop with everything saved, or leave its row empty",
    )


class Config(Section):
    """One experiment: a problem, a strategy, a budget. The defaults are the demo."""

    seed: Annotated[int, Field(strict=True, ge=0, lt=2**63)] = Field(0, description="one seed for everything")
    device: str | None = Field(None, description="cpu, cuda, cuda:1; CUDA where there is one")
    deterministic: StrictBool = Field(True, description="on CUDA: the same bits each time, somewhat slower")
    tensorboard: StrictBool = Field(False, description="write records for TensorBoard, when it is installed")
    imports: list[str] = Field(default_factory=list, description="modules of your own that register things")
    on_error: Literal["stop", "skip"] = Field(
        "stop", description="an operator that raises: stop with everything saved, or skip the individual"
    )
    problem: str = Field("demo", description="fills the sections below; see `tdgnas problems`")
    data: DataSettings = DataSettings()
    space: SpaceSettings = SpaceSettings()
    pretrain: PretrainSettings = PretrainSettings()
    fitness: Any = SupernetSettings()
    strategy: Any = StrategySettings()
    budget: BudgetSettings = BudgetSettings()
    retrain: RetrainSettings = RetrainSettings()
