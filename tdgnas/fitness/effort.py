"""What one training from scratch takes, and less of it: the fidelity of a search that tries many networks cheaply."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ..data import Splits
from ..spaces import SearchSpace, create
from ..training import Recipe

Scaled = Literal["epochs", "data", "width", "naswot", "synflow", "jacobian"]
"""What a fidelity is a share of: epochs, training samples, or the channels of the network. With the name of a score of
untrained networks it is epochs, and what comes to none is the score."""


@dataclass(frozen=True, eq=False)
class Effort:
    """The space whose network is trained, on what, and how.

    :param space: makes the network.
    :param data: train and valid of it.
    :param recipe: of the training.
    """

    space: SearchSpace
    data: Splits
    recipe: Recipe

    def share(self, scaled: Scaled, fidelity: float) -> float:
        """Return the fidelity that there is: the nearest whole number of epochs, or of two samples or more; or 0."""
        if scaled == "width":
            return fidelity
        full = len(self.data.train) if scaled == "data" else self.recipe.epochs
        return _part(scaled, fidelity, full) / full

    def at(self, scaled: Scaled, fidelity: float) -> Effort:
        """Return the effort of a fidelity.

        Fewer epochs are a whole training, whose learning rate falls as fast; fewer samples are the first ones.

        :raises ValueError: when the space has no such channels.
        """
        if fidelity == 1:
            return self
        if scaled == "data":
            count = _part(scaled, fidelity, len(self.data.train))
            return replace(self, data=replace(self.data, train=self.data.train.subset(slice(0, count))))
        if scaled == "width":
            return replace(self, space=narrower(self.space, fidelity))
        return replace(self, recipe=_shorter(self.recipe, _part(scaled, fidelity, self.recipe.epochs)))

    @property
    def passes(self) -> int:
        """Image passes of the training: 3 of each image in each epoch."""
        return 3 * self.recipe.epochs * len(self.data.train)


def _part(scaled: Scaled, fidelity: float, full: int) -> int:
    """A share as a whole number; BatchNorm needs two samples, and less than an epoch may be a score."""
    return min(full, max({"data": 2, "epochs": 1}.get(scaled, 0), round(fidelity * full)))


def _shorter(recipe: Recipe, epochs: int) -> Recipe:
    falls = sorted({max(1, round(fall * epochs / recipe.epochs)) for fall in recipe.milestones})
    return recipe.model_copy(update={"epochs": epochs, "milestones": falls})


def narrower(space: SearchSpace, share: float) -> SearchSpace:
    """Return the space with a share of its channels, by its setting ``multiplier``, ``width`` or ``channels``.

    :raises ValueError: when it has none of them.
    """
    settings = space.settings
    for name in ("multiplier", "width"):
        if isinstance(settings.get(name), (int, float)):
            return create(space.name, **{**settings, name: settings[name] * share})
    if isinstance(settings.get("channels"), int):
        channels = max(2, 2 * round(settings["channels"] * share / 2))
        return create(space.name, **{**settings, "channels": channels})
    raise ValueError(
        f"space {space.name!r} has no setting of its width (multiplier, width or channels); take the fidelity of "
        "epochs or data"
    )
