"""The numbers of a pretraining: ranges, defaults and meanings, for Python and for a run's configuration."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, StrictBool, model_validator

from ..settings import Decay, Epochs, Images, Number, Rate, Section, Whole


class PretrainSettings(Section):
    """Pretraining of the supernet: weights and alpha alternately (DARTS).

    The one home of these ranges and defaults: :class:`Pretraining` takes it, and the section ``[pretrain]`` of a run's
    configuration is a subclass.
    """

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
    uniform: StrictBool = Field(False, description="draw those uniformly instead of from the relaxed weights")
    paths: Literal["all", "one"] = Field(
        "all", description="one: a sampled path per step instead of all operations, which saves memory"
    )
    temperature: Number = Field(1.0, gt=0, description="of the sampled path's gradient")
    skip_dropout: Number = Field(
        0.0, ge=0, lt=1, description="dropout rate of cells' skip connections at the start, annealed to 0"
    )
    stop_skips: Whole = Field(
        0, ge=0, description="stop once the derived normal cell has so many skip connections; 0 never does"
    )

    @model_validator(mode="after")
    def _fits(self) -> PretrainSettings:
        if self.schedule == "cosine" and self.lr_min > self.lr:
            raise ValueError(f"lr_min ({self.lr_min:g}) is larger than lr ({self.lr:g})")
        return self
