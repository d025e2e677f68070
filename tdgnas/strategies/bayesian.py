"""Bayesian optimisation through optuna, an optional baseline: one of its samplers over categorical choices.

Sources: Bergstra, Bardenet, Bengio, Kegl 2011, *Algorithms for Hyper-Parameter Optimization* (TPE); Akiba et al. 2019,
*Optuna*.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Literal

from ..decision import Decision
from ..individual import IndividualLike
from ..settings import Count, Natural
from .base import STRATEGIES
from .decisions import AskingOnce

__all__ = ["Optuna"]


@STRATEGIES.register("optuna")
class Optuna(AskingOnce):
    """A sampler of optuna's over categorical choices; needs optuna (``pip install 'tdgnas[optuna]'``).

    With their defaults, but for the number of random architectures first. An architecture that was asked for before is
    mutated until it is new; optuna itself repeats.

    :param decisions: ``space.decisions``.
    :param sampler: ``tpe``, the tree-structured Parzen estimator; ``gp``, a Gaussian process with expected improvement;
        ``random``.
    :param batch: individuals per generation.
    :param startup: random individuals before the sampler's model is used.
    :param parameters: further parameters of the sampler by name, such as ``multivariate`` of ``tpe``.
    :param given: ``repeat``, ``rng`` and ``fitness``, see :class:`AskingOnce`.
    :raises ImportError: when optuna is not installed.
    :raises ValueError: for parameters that the sampler does not have.
    """

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        sampler: Literal["tpe", "gp", "random"] = "tpe",
        batch: Count = 1,
        startup: Natural = 10,
        parameters: dict[str, Any] | None = None,
        **given: Any,
    ) -> None:
        super().__init__(decisions, **given)
        self.check_installed()
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.optuna, self.batch = optuna, batch
        kinds = {"tpe": "TPESampler", "gp": "GPSampler", "random": "RandomSampler"}
        self.sampler = getattr(optuna.samplers, kinds[sampler])
        self.settings = dict(parameters or {})
        if sampler != "random":
            self.settings.setdefault("n_startup_trials", startup)
        self.space: dict[str, Any] = {
            str(place): optuna.distributions.CategoricalDistribution(tuple(range(size)))
            for place, size in enumerate(self.decisions.sizes)
        }
        self.history: list[tuple[list[int], float]] = []
        self.study = self._study()
        self._make(0)  # before any work, so that what it does not know is told now

    @classmethod
    def check_installed(cls) -> None:
        """Check that optuna is there.

        :raises ImportError: when it is not, with how to get it.
        """
        try:
            import optuna  # noqa: F401
        except ImportError as error:
            raise ImportError(
                "the strategy 'optuna' needs optuna: pip install 'tdgnas[optuna]', or pip install optuna"
            ) from error

    def _study(self) -> Any:
        sense = "maximize" if self.fitness.weights[0] > 0 else "minimize"
        return self.optuna.create_study(direction=sense)  # type: ignore[arg-type,unused-ignore]

    def _make(self, seed: int) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", self.optuna.exceptions.ExperimentalWarning)
            try:
                return self.sampler(seed=seed, **self.settings)
            except TypeError as error:
                raise ValueError(f"parameters: {self.sampler.__name__} refuses them: {error}") from error

    def _generate(self) -> list[IndividualLike]:
        drawn: list[IndividualLike] = []
        for _ in range(self.batch):
            # A fresh sampler for every draw: its randomness then comes from this strategy's generator alone.
            self.study.sampler = self._make(self.rng.getrandbits(32))
            trial = self.study.ask(self.space)
            drawn.append(self.new([trial.params[str(place)] for place in range(len(self.space))]))
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
