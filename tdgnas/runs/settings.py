"""Everything that defines a run, with its defaults (the demo) and what each key means."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from ..files.toml import NOTHING

# Numbers are numbers: a text or a truth value in their place is a mistake, not something to convert.
Whole = Annotated[int, Field(strict=True)]
Number = Annotated[float, Field(strict=True)]


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
    return type(None) in get_args(annotation)


class SpaceSettings(Section):
    """What is searched."""

    name: str = Field("vgg-shortcuts", description="see `tdgnas spaces`")
    settings: dict[str, Any] = Field(
        default_factory=lambda: {"width": 0.125},
        description="keywords of the space; image size and classes follow from the data where they are not set",
    )

    @model_validator(mode="before")
    @classmethod
    def _default_of_this_space(cls, value: Any) -> Any:
        # The default width belongs to the default space.
        if isinstance(value, dict) and value.get("name", "vgg-shortcuts") != "vgg-shortcuts":
            return {"settings": {}, **value}
        return value


class DataSettings(Section):
    """The images. A number of images, or a share of them where below 1."""

    name: str = Field(
        "digits", description="digits, cifar10, cifar100, mnist, fashion-mnist, kmnist, svhn or folder"
    )
    folder: str | None = Field(
        None, description="where the data set lies; else $TDGNAS_DATA or ~/.cache/tdgnas"
    )
    size: Whole | None = Field(None, ge=1, description="side of the square images")
    channels: Literal[1, 3] | None = Field(None, description="1 or 3")
    valid: Number | None = Field(None, gt=0, description="validation images")
    train: Whole | None = Field(None, ge=1, description="keep only so many training images")
    test: Number | None = Field(None, gt=0, description="test images")
    download: StrictBool = Field(False, description="let torchvision download what is missing")

    @model_validator(mode="after")
    def _fits(self) -> DataSettings:
        for name, value in [("valid", self.valid), ("test", self.test)]:
            if value is not None and value > 1 and value != int(value):
                raise ValueError(f"{name} is {value}; it is a share below 1 or a whole number of images")
        return self


class PretrainSettings(Section):
    """Pretraining of the supernet: weights and alpha alternately (DARTS)."""

    epochs: Whole = Field(10, ge=0, description="passes over the training images")
    batch_size: Whole = Field(64, ge=2, description="images per step, of weights and of alpha")
    lr: Number = Field(0.025, gt=0, description="learning rate of the weights")
    lr_min: Number = Field(0.001, ge=0, description="where the cosine ends")
    momentum: Number = Field(0.9, ge=0, lt=1, description="of the weights")
    weight_decay: Number = Field(3e-4, ge=0, description="of the weights")
    schedule: Literal["cosine", "constant"] = Field("cosine", description="of the weights' learning rate")
    clip: Number | None = Field(5.0, gt=0, description="largest norm of the weights' gradient")
    alpha_lr: Number = Field(0.02, gt=0, description="learning rate of alpha")
    alpha_weight_decay: Number = Field(0.0, ge=0, description="of alpha")
    hold: Whole = Field(3, ge=0, description="epochs during which alpha is held")
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


class TemperatureSettings(Section):
    """Temperature of the selection."""

    schedule: Literal["constant", "geometric", "linear", "feedback"] = Field(
        "geometric", description="constant, geometric, linear or feedback"
    )
    start: Number = Field(0.1, ge=0, description="first temperature, in the energies' unit per nat")
    stop: Number = Field(1e-4, ge=0, description="last temperature (geometric, linear)")
    target: Number | None = Field(None, ge=0, description="entropy in nats that feedback aims at")
    gain: Number = Field(0.1, gt=0, description="how strongly feedback follows")
    relative: StrictBool = Field(False, description="in units of the spread of the pool's energies")

    @model_validator(mode="after")
    def _fits(self) -> TemperatureSettings:
        if self.schedule == "geometric" and (self.start <= 0 or self.stop <= 0):
            raise ValueError("a geometric schedule needs start and stop above 0")
        if self.schedule == "feedback" and (self.target is None or not 1e-6 <= self.start <= 1e6):
            raise ValueError("a feedback schedule needs a target entropy and a start between 1e-6 and 1e6")
        return self


class SearchSettings(Section):
    """The search by TDGA."""

    population: Whole = Field(10, ge=2, description="individuals")
    ngen: Whole = Field(30, ge=0, description="generations after the initial one")
    scale: Number = Field(1.0, gt=0, description="initial genes are +scale or -scale")
    elite: Whole = Field(1, ge=0, description="best individuals that mutation cannot reach")
    select: str = Field("thermodynamic", description="see `tdgnas operators`, as are the next two")
    mate: str = Field("uniform", description="crossover")
    mutate: str = Field("gaussian", description="mutation")
    select_parameters: dict[str, Any] = Field(
        default_factory=dict, description="parameters of the selection by name, before those of other keys"
    )
    mate_parameters: dict[str, Any] = Field(default_factory=dict, description="of the crossover")
    mutate_parameters: dict[str, Any] = Field(default_factory=dict, description="of the mutation")
    cxpb: Number = Field(0.8, ge=0, le=1, description="probability that a pair is crossed")
    mutpb: Number = Field(0.2, ge=0, le=1, description="probability that an individual is mutated")
    indpb_mate: Number = Field(0.5, ge=0, le=1, description="probability per gene, of the crossover")
    indpb_mutate: Number = Field(0.2, ge=0, le=1, description="probability per gene, of the mutation")
    sigma: Number = Field(0.2, gt=0, description="of the Gaussian mutation")
    replacement: StrictBool = Field(True, description="a selected candidate can be selected again")
    entropy: Literal["shannon", "distance", "variance", "logdet"] = Field(
        "shannon", description="of the selection: shannon, distance, variance or logdet"
    )
    temperature: TemperatureSettings = TemperatureSettings()
    local_search: StrictBool = Field(True, description="the gradient step on alpha")
    local_lr: Number = Field(0.05, gt=0, description="its learning rate")
    local_steps: Whole = Field(1, ge=1, description="steps per generation")
    local_optimizer: Literal["adam", "sgd"] = Field("adam", description="adam or sgd")
    weights: Literal["frozen", "alternate"] = Field("frozen", description="train the weights too: alternate")
    weight_steps: Whole = Field(4, ge=1, description="steps per generation, for alternate")
    weight_lr: Number = Field(0.005, gt=0, description="learning rate, for alternate")
    on_error: Literal["stop", "skip"] = Field(
        "stop", description="an operator that raises: stop with everything saved, or skip the individual"
    )

    @model_validator(mode="after")
    def _fits(self) -> SearchSettings:
        if self.elite > self.population:
            raise ValueError(f"elite ({self.elite}) is larger than population ({self.population})")
        return self


class FitnessSettings(Section):
    """How an individual is scored on the supernet."""

    measure: Literal["loss", "accuracy"] = Field("loss", description="loss or accuracy")
    mode: Literal["threshold", "sample", "relaxed"] = Field(
        "threshold", description="score the discretised alpha, discrete samples of it, or the relaxed network"
    )
    batchnorm: Literal["batch", "recalibrated", "running"] = Field(
        "batch", description="where statistics come from"
    )
    size: Whole | None = Field(None, ge=2, description="validation images to score on; all of them")
    batch_size: Whole = Field(500, ge=2, description="images per forward pass")
    calibration_size: Whole = Field(256, ge=2, description="training images for recalibrated")
    samples: Whole = Field(4, ge=1, description="networks per individual in the mode sample")
    order: Literal["device", "depth-first", "folded", "measured"] = Field(
        "device",
        description="in which a population is computed: as suits the device, or the fastest at the start of the run",
    )
    chunk: Whole | None = Field(
        None, ge=1, description="values folded into one batch at most; as suits the device"
    )

    @model_validator(mode="after")
    def _fits(self) -> FitnessSettings:
        if self.mode == "relaxed" and self.order != "device":
            raise ValueError(
                f"order is {self.order!r}; the mode 'relaxed' computes all networks at once, leave it out"
            )
        if self.chunk is not None and self.order != "folded":
            raise ValueError(
                f"chunk is {self.chunk}; it is for the order 'folded', and the order is {self.order!r}"
            )
        return self


class RetrainSettings(Section):
    """Retraining from scratch, the same recipe for every row of the table."""

    epochs: Whole = Field(10, ge=0, description="0 leaves the retraining out")
    batch_size: Whole = Field(64, ge=2, description="images per step")
    lr: Number = Field(0.05, gt=0, description="learning rate")
    momentum: Number = Field(0.9, ge=0, lt=1, description="of SGD")
    weight_decay: Number = Field(5e-4, ge=0, description="of SGD")
    schedule: Literal["constant", "cosine", "step"] = Field("cosine", description="constant, cosine or step")
    milestones: list[Whole] = Field(default_factory=list, description="epochs at which step falls")
    gamma: Number = Field(0.1, gt=0, le=1, description="factor of step")
    warmup: Whole = Field(1, ge=0, description="epochs over which the learning rate rises")
    clip: Number | None = Field(5.0, gt=0, description="largest norm of the gradient")
    crop: Whole = Field(0, ge=0, description="padding of the random crop, in pixels")
    flip: StrictBool = Field(False, description="mirror half of the images")
    cutout: Whole = Field(0, ge=0, description="side of the square that is cut out, in pixels")
    random_draws: Whole = Field(3, ge=0, description="random architectures as controls")
    seeds: Whole = Field(1, ge=1, description="trainings of every network")
    on_error: Literal["stop", "skip"] = Field(
        "skip",
        description="a network that cannot be trained: stop with everything saved, or leave its row empty",
    )


class RunConfig(Section):
    """A run. The defaults are the demo: handwritten digits, VGG19 at an eighth of its width."""

    seed: Whole = Field(0, ge=0, lt=2**63, description="one seed for everything")
    device: str | None = Field(None, description="cpu, cuda, cuda:1; CUDA where there is one")
    deterministic: StrictBool = Field(True, description="on CUDA: the same bits each time, somewhat slower")
    tensorboard: StrictBool = Field(False, description="write records for TensorBoard, when it is installed")
    imports: list[str] = Field(default_factory=list, description="modules of your own that register things")
    space: SpaceSettings = SpaceSettings()
    data: DataSettings = DataSettings()
    pretrain: PretrainSettings = PretrainSettings()
    search: SearchSettings = SearchSettings()
    fitness: FitnessSettings = FitnessSettings()
    retrain: RetrainSettings = RetrainSettings()
