"""Everything that defines a run, with its defaults: the demo."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)


class SpaceSettings(_Section):
    """What is searched; ``settings`` are the keywords of the space."""

    name: str = "vgg-shortcuts"
    settings: dict[str, Any] = Field(default_factory=lambda: {"width": 0.125})


class DataSettings(_Section):
    """The images; sizes are numbers of images, or a share where below 1."""

    name: str = "digits"
    folder: str | None = None
    size: int | None = Field(None, ge=1)
    channels: Literal[1, 3] | None = None
    valid: float | None = Field(None, gt=0)
    train: int | None = Field(None, ge=1)
    test: float | None = Field(None, gt=0)
    download: bool = False


class PretrainSettings(_Section):
    """Pretraining of the supernet (DARTS)."""

    epochs: int = Field(16, ge=0)
    batch_size: int = Field(64, ge=2)
    lr: float = Field(0.025, gt=0)
    lr_min: float = Field(0.001, ge=0)
    momentum: float = Field(0.9, ge=0, lt=1)
    weight_decay: float = Field(3e-4, ge=0)
    schedule: Literal["cosine", "constant"] = "cosine"
    clip: float | None = Field(5.0, gt=0)
    alpha_lr: float = Field(0.02, gt=0)
    alpha_weight_decay: float = Field(0.0, ge=0)
    hold: int = Field(4, ge=0)
    order: Literal[1, 2] = 1
    discrete: float = Field(0.5, ge=0, le=1)
    uniform: bool = False
    relaxation: Literal["sigmoid", "hard-sigmoid", "target-softmax"] = "sigmoid"
    imagenet: bool = False


class TemperatureSettings(_Section):
    """Temperature of the selection, in units of the energies' spread where ``relative``."""

    schedule: Literal["constant", "geometric", "linear", "feedback"] = "geometric"
    start: float = Field(1.0, ge=0)
    stop: float = Field(1e-3, ge=0)
    target: float | None = Field(None, ge=0)
    gain: float = Field(0.1, gt=0)
    relative: bool = False

    @model_validator(mode="after")
    def _fits(self) -> TemperatureSettings:
        if self.schedule == "geometric" and (self.start <= 0 or self.stop <= 0):
            raise ValueError("a geometric schedule needs start and stop above 0")
        if self.schedule == "feedback" and (self.target is None or self.start <= 0):
            raise ValueError("a feedback schedule needs a target entropy and a start above 0")
        return self


class SearchSettings(_Section):
    """The search by TDGA."""

    population: int = Field(10, ge=2)
    ngen: int = Field(30, ge=0)
    scale: float = Field(1.0, gt=0)
    elite: int = Field(1, ge=0)
    select: str = "thermodynamic"
    mate: str = "uniform"
    mutate: str = "gaussian"
    cxpb: float = Field(0.8, ge=0, le=1)
    mutpb: float = Field(0.2, ge=0, le=1)
    indpb_mate: float = Field(0.5, ge=0, le=1)
    indpb_mutate: float = Field(0.2, ge=0, le=1)
    sigma: float = Field(0.2, gt=0)
    replacement: bool = True
    entropy: Literal["shannon", "distance", "variance", "logdet"] = "shannon"
    temperature: TemperatureSettings = TemperatureSettings()
    local_search: bool = True
    local_lr: float = Field(0.05, gt=0)
    local_steps: int = Field(1, ge=1)
    local_optimizer: Literal["adam", "sgd"] = "adam"
    weights: Literal["frozen", "alternate"] = "frozen"
    weight_steps: int = Field(4, ge=1)
    weight_lr: float = Field(0.005, gt=0)

    @model_validator(mode="after")
    def _fits(self) -> SearchSettings:
        if self.elite > self.population:
            raise ValueError(f"elite ({self.elite}) is larger than population ({self.population})")
        return self


class FitnessSettings(_Section):
    """How an individual is scored on the supernet."""

    measure: Literal["loss", "accuracy"] = "loss"
    mode: Literal["threshold", "sample", "relaxed"] = "threshold"
    batchnorm: Literal["batch", "recalibrated", "running"] = "batch"
    size: int | None = Field(None, ge=2)
    batch_size: int = Field(500, ge=2)
    calibration_size: int = Field(256, ge=2)
    samples: int = Field(4, ge=1)


class RetrainSettings(_Section):
    """Retraining from scratch, the same recipe for every row of the table."""

    epochs: int = Field(12, ge=0)
    batch_size: int = Field(64, ge=2)
    lr: float = Field(0.05, gt=0)
    momentum: float = Field(0.9, ge=0, lt=1)
    weight_decay: float = Field(5e-4, ge=0)
    schedule: Literal["constant", "cosine", "step"] = "cosine"
    milestones: list[int] = Field(default_factory=list)
    gamma: float = Field(0.1, gt=0, le=1)
    warmup: int = Field(1, ge=0)
    clip: float | None = Field(5.0, gt=0)
    crop: int = Field(0, ge=0)
    flip: bool = False
    cutout: int = Field(0, ge=0)
    random_draws: int = Field(3, ge=0)
    seeds: int = Field(1, ge=1)


class RunConfig(_Section):
    """A run. The defaults are the demo: handwritten digits, VGG19 at an eighth of its width."""

    seed: int = Field(0, ge=0, lt=2**63)
    device: str | None = None
    space: SpaceSettings = SpaceSettings()
    data: DataSettings = DataSettings()
    pretrain: PretrainSettings = PretrainSettings()
    search: SearchSettings = SearchSettings()
    fitness: FitnessSettings = FitnessSettings()
    retrain: RetrainSettings = RetrainSettings()


class ConfigError(ValueError):
    """A configuration that cannot be run; the message names each wrong key."""


def make_config(document: dict[str, Any]) -> RunConfig:
    """Check a nested dict and return the configuration.

    :raises ConfigError: naming every unknown key, wrong type and impossible value.
    """
    try:
        return RunConfig.model_validate(document)
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            key = ".".join(map(str, problem["loc"])) or "(together)"
            if problem["type"] == "extra_forbidden":
                lines.append(f"{key}: there is no such key{_near(problem['loc'])}")
            else:
                given = "" if isinstance(problem["input"], dict) else f" (given: {problem['input']!r})"
                lines.append(f"{key}: {problem['msg']}{given}")
        raise ConfigError("the configuration cannot be used:\n  " + "\n  ".join(lines)) from None


def read_config(path: Path) -> dict[str, Any]:
    """Read a TOML file as a nested dict; a ``[versions]`` table, written by runs, is left out.

    :raises ConfigError: when the file is missing or no TOML.
    """
    tomllib = _tomllib()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    document.pop("versions", None)
    return dict(document)


def parse_assignment(text: str) -> tuple[list[str], Any]:
    """Split ``search.ngen=50`` into the key's parts and the value, read as TOML where it is, else as a string.

    :raises ConfigError: when there is no ``=`` or no key.
    """
    key, equals, value = text.partition("=")
    if not equals or not all(key.split(".")):
        raise ConfigError(f"--set {text!r} is no assignment; write it as section.key=value, e.g. search.ngen=50")
    tomllib = _tomllib()
    try:
        return key.strip().split("."), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip().split("."), value


def assign(document: dict[str, Any], keys: list[str], value: Any) -> None:
    """Set a nested key.

    :raises ConfigError: when the way there leads through something that is no section.
    """
    place = document
    for key in keys[:-1]:
        place = place.setdefault(key, {})
        if not isinstance(place, dict):
            raise ConfigError(f"{'.'.join(keys)}: {key!r} is a value, not a section")
    place[keys[-1]] = value


def config_text(config: RunConfig, versions: dict[str, str]) -> str:
    """Return the TOML text of a configuration, defaults included, with the versions of the packages."""
    import tomli_w

    document = config.model_dump(exclude_none=True)
    return tomli_w.dumps({**document, "versions": versions})


def _near(location: tuple[int | str, ...]) -> str:
    import difflib

    model: Any = RunConfig
    for part in location[:-1]:
        field = model.model_fields.get(part) if hasattr(model, "model_fields") else None
        model = None if field is None else field.annotation
    known = list(getattr(model, "model_fields", {}))
    near = difflib.get_close_matches(str(location[-1]), known, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; there are {', '.join(known)}" if known else ""


def _tomllib() -> Any:
    import importlib
    import sys

    return importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
