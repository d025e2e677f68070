"""ENAS: a controller and the shared weights learn in turn.

Source: Pham et al. 2018, *Efficient Neural Architecture Search via Parameter Sharing*, section 2.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from ...decision import Decision
from ...individual import IndividualLike
from ...settings import Count
from ..base import STRATEGIES
from .reinforce_lstm import PRESETS, Preset, ReinforceLSTM

__all__ = ["Enas"]


@STRATEGIES.register("enas")
class Enas(ReinforceLSTM):
    """REINFORCE as ENAS has it: the shared weights learn on architectures that the controller samples, one for each
    step, then the controller learns from what such architectures score, and so on.

    A generation is one update of the controller. What it last sampled is what the search settles on the best of, since
    scores of other weights do not compare. With ``alternate`` off, or where the fitness has no weights to train, these
    stay as they are and the best of all counts, as in every other search.

    :param decisions: ``space.decisions``.
    :param settings: published settings of the controller; where none ``enas-macro``, or where decisions point by
        index ``enas-micro``, of recurrent cells (four functions) ``enas-rnn``.
    :param alternate: train the shared weights in turn with the controller.
    :param updates: of the controller between two trainings of the weights; 50, for ``enas-micro`` 30, where none.
    :param steps: of the weights in each training, each on an architecture of its own; one pass over the training data
        where none.
    :param train: trains the weights, called with architectures and ``each=True``; given by the problem.
    :param given: further settings, see :class:`ReinforceLSTM`.
    """

    asynchronous = False  # weights and controller learn in turn

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        settings: Preset | None = None,
        alternate: bool = True,
        updates: Count | None = None,
        steps: Count | None = None,
        train: Callable[..., object] | None = None,
        **given: Any,
    ) -> None:
        if settings is None:
            settings = preset_of(decisions)
        super().__init__(decisions, settings=settings, **given)
        self.updates: int = updates or PRESETS[settings]["updates"]
        self.steps = steps
        self.train = train if alternate else None
        if self.train is not None:
            self.recommends = "present"

    def _generate(self) -> list[IndividualLike]:
        if self.train is not None and self.generation % self.updates == 0:
            epoch: int = getattr(self.train, "epoch", self.updates)
            self.train(self.sampled(self.steps or epoch), each=True)
        return super()._generate()

    def state_dict(self) -> dict[str, Any]:
        """What :class:`ReinforceLSTM` has, and the state of what trains the weights; the weights are the problem's."""
        own = getattr(self.train, "state_dict", None)
        return {**super().state_dict(), "train": None if own is None else own()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        super().load_state_dict(state)
        if state["train"] is not None:
            cast("Any", self.train).load_state_dict(state["train"])


def preset_of(decisions: Sequence[Decision]) -> Preset:
    """Return which published settings fit: decisions that point by index are those of cells, of images or recurrent."""
    if not any(decision.points and not decision.binary for decision in decisions):
        return "enas-macro"
    operations = {len(decision.choices) for decision in decisions if not decision.points}
    return "enas-micro" if operations == {len(PRESETS["enas-micro"]["bias"])} else "enas-rnn"
