"""The numbers of a pretraining: ranges, defaults and meanings, for Python and for a run's configuration."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, StrictBool, model_validator

from ..data import Augment
from ..settings import Decay, Epochs, Images, Number, Rate, Section, Whole


class PathSettings(Section):
    """Pretraining by single paths: which networks are drawn, and how the weights learn from them."""

    weighted: StrictBool = Field(
        True, description="draw operations by the shares that the space has for them"
    )
    shares: dict[str, float] = Field(
        default_factory=dict,
        description="shares of choices by name, 1 for others, such as {nor_conv_3x3 = 4}",
    )
    grow: Number = Field(
        2 / 3,
        ge=0,
        le=1,
        description="part of the training over which gates come up from none to all; 0 does not",
    )
    fair: StrictBool = Field(False, description="train every operation once a step, one path each (FairNAS)")
    warmup: Number = Field(0.05, ge=0, lt=1, description="part of the training over which the rate rises")
    nesterov: StrictBool = Field(True, description="Nesterov's momentum")
    alpha_steps: Whole = Field(50, ge=0, description="steps of alpha once the weights are trained")


class PretrainSettings(Section):
    """Pretraining of the supernet: weights and alpha alternately (DARTS).

    The one home of these ranges and defaults: :class:`Pretraining` takes it, and the section ``[pretrain]`` of a run's
    configuration is a subclass.
    """

    method: Literal["darts", "paths"] = Field(
        "darts", description="weights and alpha alternately, or weights by single paths and then alpha"
    )
    epochs: Epochs = Field(10, description="passes over the training images")
    batch_size: Images = Field(64, description="images per step, of weights and of alpha")
    lr: Rate = Field(0.025, description="learning rate of the weights (SGD)")
    lr_min: Number = Field(0.001, ge=0, description="where the cosine ends")
    momentum: Number = Field(0.9, ge=0, lt=1, description="of the weights")
    weight_decay: Decay = Field(3e-4, description="of the weights")
    schedule: Literal["cosine", "constant"] = Field("cosine", description="of the weights' learning rate")
    clip: Number | None = Field(5.0, gt=0, description="largest norm of the weights' gradient")
    alpha_lr: Rate = Field(3e-3, description="learning rate of alpha (Adam, betas 0.5 and 0.999)")
    alpha_weight_decay: Decay = Field(0.0, description="of alpha")
    hold: Epochs = Field(0, description="epochs during which alpha is held")
    order: Literal[1, 2] = Field(1, description="1 or 2: order of the bilevel gradient")
    discrete: Number = Field(0.5, ge=0, le=1, description="share of the weights' steps on discrete networks")
    computed: Literal["all", "one"] = Field(
        "all", description="one: a sampled path per step instead of all operations, which saves memory"
    )
    temperature: Number = Field(1.0, gt=0, description="of the sampled path's gradient")
    skip_dropout: Number = Field(
        0.0, ge=0, lt=1, description="dropout rate of cells' skip connections at the start, annealed to 0"
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="float32; bfloat16 where torch's autocast takes it for safe"
    )
    accumulate: Whole = Field(
        1,
        ge=1,
        description="parts that a step computes one after another, which saves memory; BatchNorm sees a part",
    )
    augment: Augment = Field(default_factory=Augment, description="random changes of all images")
    paths: PathSettings = Field(default_factory=PathSettings, description="of single paths")
    stop_skips: Whole = Field(
        0, ge=0, description="stop once the derived normal cell has so many skip connections; 0 never does"
    )

    @model_validator(mode="after")
    def _fits(self) -> PretrainSettings:
        if self.schedule == "cosine" and self.lr_min > self.lr:
            raise ValueError(f"lr_min ({self.lr_min:g}) is larger than lr ({self.lr:g})")
        if self.order == 2 and self.accumulate > 1:
            raise ValueError(
                f"accumulate is {self.accumulate}; second order looks ahead by the whole batch; take order 1, or 1 part"
            )
        return self
