"""TDGA with predicted energies: thermodynamical selection among offspring that nobody has paid for yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from ...decision import Decision
from ...operators import ShannonEntropy, selThermodynamic
from ...settings import Count, NotNegative, Positive, Section
from ..base import STRATEGIES
from .gp import ChoiceGP
from .model import Array
from .search import PredictedSearch, Row

__all__ = ["PredictedTDGA", "Process"]


class Process(Section):
    """The Gaussian process that predicts."""

    rho: float = Field(
        0.7, strict=True, gt=0, lt=1, description="correlation over one differing decision of `per`"
    )
    noise: Positive = Field(0.3, description="variance of the ranks around the process, whose own is 1")
    reach: Positive = Field(1.73, description="ranks are spread from -reach to reach")


_PROCESS = Process()


@STRATEGIES.register("tdga-gp")
class PredictedTDGA(PredictedSearch):
    """TDGA whose offspring have predicted energies, so that only the chosen ones are evaluated.

    A Gaussian process on the choices (:class:`ChoiceGP`) predicts mean mu and standard deviation s of each
    offspring's rank. Its energy is -(mu + deviation * s), and :func:`selThermodynamic` picks ``batch`` offspring that
    together with the population have the least free energy, without replacement. Candidates, memory and what is
    recorded are those of :class:`PredictedSearch`. ``temperature=0`` is the upper confidence bound alone,
    ``deviation=0`` the mean.

    Its settings were chosen on NAS-Bench-201's validation signal for CIFAR-10, whose cells are six decisions. With more
    of them each says less: one that differs is a smaller share of the architecture, while the entropy, a sum over
    decisions, grows. So in a space of D > ``per`` decisions the process has rho^(per / D), the temperature is
    T * per / D, and the deviation counts (per / D)^(1/2) times, since that of near neighbours shrinks by about this
    against that of random architectures. ``benchmarks/landscapes.py`` shows what it is worth.

    :param decisions: ``space.decisions``.
    :param temperature: T, in units of the spread ranks per nat, for a space of ``per`` decisions.
    :param deviation: how many standard deviations the energy of an offspring is lower for what is not known of it.
    :param process: the model.
    :param per: decisions of the space for which ``temperature``, ``deviation`` and ``process.rho`` are given; none
        takes them as they are.
    :param given: ``initial``, ``population``, ``offspring``, ``redraw``, ``batch``, ``memory`` of
        :class:`PredictedSearch`; ``rng`` and ``fitness``, see :class:`DecisionStrategy`.
    """

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        temperature: NotNegative = 0.1,
        deviation: NotNegative = 3.0,
        process: Process = _PROCESS,
        per: Count | None = 6,
        **given: Any,
    ) -> None:
        share = 1.0 if per is None else min(1.0, per / max(len(decisions), 1))
        self.process, self.rho, self.reach = process, process.rho**share, process.reach
        self.temperature, self.deviation = temperature * share, deviation * share**0.5
        super().__init__(decisions, **given)

    def _model(self) -> ChoiceGP:
        return ChoiceGP(self.rho, self.process.noise)

    def _choose(self, candidates: list[Row], mean: Array, deviation: Array) -> list[Row]:
        energies = dict(zip(candidates, (-(mean + self.deviation * deviation)).tolist(), strict=True))
        return selThermodynamic(
            candidates,
            min(self.batch, len(candidates)),
            temperature=self.temperature,
            entropy=ShannonEntropy(),
            replacement=False,
            energy=energies.__getitem__,
            beside=[self.decisions.choices(member) for member in self.population],
        )
