"""TPE through optuna, an optional baseline.

Source: Bergstra, Bardenet, Bengio, Kegl 2011, *Algorithms for Hyper-Parameter Optimization*.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..decision import Decision
from ..individual import IndividualLike
from ..settings import Count, Natural
from .base import STRATEGIES
from .decisions import DecisionStrategy

__all__ = ["TPE"]


@STRATEGIES.register("tpe")
class TPE(DecisionStrategy):
    """Optuna's tree-structured Parzen estimator over categorical choices; needs optuna (``pip install 'tdgnas[tpe]'``).

    :param decisions: ``space.decisions``.
    :param batch: individuals per generation.
    :param startup: random individuals before the estimator is used.
    :param given: ``rng`` and ``fitness``, see :class:`DecisionStrategy`.
    :raises ImportError: when optuna is not installed.
    """

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        batch: Count = 1,
        startup: Natural = 10,
        **given: Any,
    ) -> None:
        super().__init__(decisions, **given)
        self.check_installed()
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.batch, self.startup = batch, startup
        self.optuna = optuna
        self.space: dict[str, Any] = {
            str(place): optuna.distributions.CategoricalDistribution(tuple(range(size)))
            for place, size in enumerate(self.decisions.sizes)
        }
        self.history: list[tuple[list[int], float]] = []
        self.study = self._study()

    @classmethod
    def check_installed(cls) -> None:
        """Check that optuna is there.

        :raises ImportError: when it is not, with how to get it.
        """
        try:
            import optuna  # noqa: F401
        except ImportError as error:
            raise ImportError(
                "the strategy 'tpe' needs optuna: pip install 'tdgnas[tpe]', or pip install optuna"
            ) from error

    def _study(self) -> Any:
        sense = "maximize" if self.fitness.weights[0] > 0 else "minimize"
        return self.optuna.create_study(direction=sense)  # type: ignore[arg-type,unused-ignore]

    def _generate(self) -> list[IndividualLike]:
        drawn: list[IndividualLike] = []
        for _ in range(self.batch):
            # A fresh sampler for every draw: its randomness then comes from this strategy's generator alone.
            self.study.sampler = self.optuna.samplers.TPESampler(
                n_startup_trials=self.startup, seed=self.rng.getrandbits(32)
            )
            trial = self.study.ask(self.space)
            drawn.append(self.individual([trial.params[str(place)] for place in range(len(self.space))]))
            self.study.tell(trial, state=self.optuna.trial.TrialState.FAIL)  # its result comes with update
        return drawn

    def _update(self, individuals: list[IndividualLike]) -> None:
        self.population = individuals
        for individual in individuals:
            self._add(list(self.decisions.choices(individual)), individual.fitness.values[0])

    def _add(self, choices: list[int], value: float) -> None:
        self.history.append((choices, value))
        params = {str(place): choice for place, choice in enumerate(choices)}
        self.study.add_trial(
            self.optuna.trial.create_trial(params=params, distributions=self.space, value=value)
        )

    def state_dict(self) -> dict[str, Any]:
        """What every strategy has, and all choices and values so far."""
        return {
            **super().state_dict(),
            "history": [[list(choices), value] for choices, value in self.history],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        super().load_state_dict(state)
        self.history, self.study = [], self._study()
        for choices, value in state["history"]:
            self._add(list(choices), float(value))
