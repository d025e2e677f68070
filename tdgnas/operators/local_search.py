"""Local search: gradient steps on the genes of individuals, written back (Lamarckian) or not (Baldwinian)."""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any, ParamSpec, Protocol, TypeVar, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..individual import GenomeLike
from ..mapping import batch_map
from .genes import FloatArray, gene_matrix
from .moves import write
from .registry import OPERATORS

__all__ = ["GradientSource", "evalBaldwinian", "lsDARTS"]

P = ParamSpec("P")
R = TypeVar("R", covariant=True)
S = TypeVar("S")
Genes = TypeVar("Genes", bound=GenomeLike)


@runtime_checkable
class GradientSource(Protocol):
    """What a local search needs of a supernet: the validation loss' gradient for many alphas at once."""

    def alpha_gradients(self, genes: NDArray[np.float64], *, seed: int) -> NDArray[np.float64]:
        """Return d L_valid(w, alpha_i) / d alpha_i for every row of genes.

        :param genes: alphas, shape (individuals, genes).
        :param seed: draws the batch of images, the same one for all rows.
        :returns: the gradients, in the shape of the genes; row i depends on row i alone.
        """
        ...


class BatchedFunction(Protocol[P, R]):
    """A function of one individual with the attribute ``batch``, the same for a list of them."""

    batch: Callable[..., list[Any]]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...


def _with_batch(batch: Callable[..., list[S]]) -> Callable[[Callable[P, S]], BatchedFunction[P, S]]:
    def attach(function: Callable[P, S]) -> BatchedFunction[P, S]:
        function.batch = batch  # type: ignore[attr-defined]
        return cast("BatchedFunction[P, S]", function)

    return attach


def _darts_batch(
    individuals: Sequence[GenomeLike],
    *,
    supernet: GradientSource,
    steps: int = 1,
    rng: random.Random | None = None,
    **rule: Any,
) -> list[tuple[GenomeLike]]:
    """Step every distinct individual of a list, with one gradient computation per step for all."""
    update = _update_rule(supernet, steps, **rule)
    distinct = list({id(individual): individual for individual in individuals}.values())
    if not distinct:
        return []
    genes = gene_matrix(distinct)
    alive = np.asarray(np.isfinite(genes).all(axis=1))
    first, second = np.zeros_like(genes), np.zeros_like(genes)  # Adam's moments
    draw = random.getrandbits if rng is None else rng.getrandbits
    for step in range(1, steps + 1):
        seed = draw(32)
        if not (rows := np.flatnonzero(alive)).size:
            break
        gradients = np.asarray(supernet.alpha_gradients(genes[rows], seed=seed), dtype=np.float64)
        if gradients.shape != genes[rows].shape:
            raise ValueError(
                f"alpha_gradients must return one gradient per gene, shape {genes[rows].shape}; "
                f"got shape {gradients.shape}"
            )
        moved, first[rows], second[rows] = update(genes[rows], gradients, first[rows], second[rows], step)
        alive[rows] = np.isfinite(gradients).all(axis=1) & np.isfinite(moved).all(axis=1)
        genes[rows] = moved

    for individual, row, fine in zip(distinct, genes.tolist(), alive, strict=True):
        if fine:
            write(individual, row)
    if not alive.all():
        kept = {id(individual) for individual, fine in zip(distinct, alive, strict=True) if not fine}
        _warn([position for position, individual in enumerate(individuals) if id(individual) in kept])
    return [(individual,) for individual in individuals]


@OPERATORS.register("darts")
@_with_batch(_darts_batch)
def lsDARTS(
    individual: Genes,
    *,
    supernet: GradientSource,
    lr: float = 1e-3,
    steps: int = 1,
    optimizer: str = "adam",
    betas: tuple[float, float] = (0.5, 0.999),
    weight_decay: float = 0.0,
    rng: random.Random | None = None,
) -> tuple[Genes]:
    """Move an individual's genes down the gradient of the supernet's validation loss, in place (Lamarckian).

    The step of [Liu2019]_ on the architecture, for one individual of a population:
    alpha <- alpha - lr * grad_alpha L_valid(w, alpha), *steps* times, each on another batch of images, with
    the optimiser's state new at every call. ``lsDARTS.batch(individuals, ...)`` steps a whole list with one
    gradient computation per step, on the same images for all, and an object that is in the list several times
    once.

    An individual whose gradient or genes stop being finite keeps its old genes, with a RuntimeWarning; the
    others go on. The fitness is left as it is: delete or renew it after the step.

    :param individual: the individual, a sequence of floats, changed in place.
    :param supernet: has ``alpha_gradients(genes, seed=...)``, see :class:`GradientSource`.
    :param lr: the learning rate, > 0.
    :param steps: the number of steps, >= 1.
    :param optimizer: ``"adam"`` or ``"sgd"`` (plain, without momentum).
    :param betas: Adam's decay rates.
    :param weight_decay: adds weight_decay * alpha to the gradient.
    :param rng: where random numbers come from (``getrandbits``, once per step for its batch), instead of :mod:`random`.
    :returns: a tuple of the individual.
    :raises ValueError: when a setting is out of range, or the gradients have the wrong shape.
    :raises TypeError: when *supernet* gives no gradients, or genes are no numbers.

    .. [Liu2019] Liu, Simonyan, Yang, "DARTS: Differentiable architecture search", ICLR 2019, section 2.3.
    """
    rule: dict[str, Any] = {"lr": lr, "optimizer": optimizer, "betas": betas, "weight_decay": weight_decay}
    _darts_batch([individual], supernet=supernet, steps=steps, rng=rng, **rule)
    return (individual,)


Update = Callable[..., tuple[FloatArray, FloatArray, FloatArray]]


def _update_rule(
    supernet: object,
    steps: int,
    lr: float = 1e-3,
    optimizer: str = "adam",
    betas: tuple[float, float] = (0.5, 0.999),
    weight_decay: float = 0.0,
) -> Update:
    if not isinstance(supernet, GradientSource):
        raise TypeError(
            f"supernet must have alpha_gradients(genes, seed=...), as tdgnas.Supernet has; got {supernet!r}"
        )
    if not (math.isfinite(lr) and lr > 0 and math.isfinite(weight_decay) and weight_decay >= 0):
        raise ValueError(
            f"lr must be > 0 and weight_decay >= 0, both finite; got lr={lr!r}, weight_decay={weight_decay!r}"
        )
    if steps < 1:
        raise ValueError(f"steps must be at least 1; got {steps!r} (leave local search out for none)")
    if optimizer not in ("adam", "sgd"):
        raise ValueError(f"optimizer must be 'adam' or 'sgd'; got {optimizer!r}")
    if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
        raise ValueError(f"betas must be two numbers, 0 <= beta < 1; got {betas!r}")

    def update(
        genes: FloatArray, gradients: FloatArray, first: FloatArray, second: FloatArray, step: int
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        with np.errstate(
            over="ignore", invalid="ignore"
        ):  # what is not finite is found and reported afterwards
            gradients = gradients + weight_decay * genes
            if optimizer == "sgd":
                return genes - lr * gradients, first, second
            first = betas[0] * first + (1 - betas[0]) * gradients
            second = betas[1] * second + (1 - betas[1]) * gradients**2
            spread = np.sqrt(second / (1 - betas[1] ** step)) + 1e-8
            return genes - lr * first / (1 - betas[0] ** step) / spread, first, second

    return update


def _warn(positions: list[int]) -> None:
    names = ", ".join(map(str, positions))
    warnings.warn(
        f"local search diverged for individual {names}: a gradient or gene was not finite; "
        "its old genes are kept",
        RuntimeWarning,
        stacklevel=3,
    )


def _baldwinian_batch(
    individuals: Sequence[GenomeLike], *, local_search: Callable[..., Any], evaluate: Callable[..., Any]
) -> list[tuple[float, ...]]:
    """Evaluate improved copies of a list, each function once for all where it has a ``batch`` form."""
    copies = [deepcopy(individual) for individual in individuals]
    improved = [copy for (copy,) in batch_map(local_search, copies)]
    return batch_map(evaluate, improved)


@_with_batch(_baldwinian_batch)
def evalBaldwinian(
    individual: GenomeLike, *, local_search: Callable[..., Any], evaluate: Callable[..., Any]
) -> tuple[float, ...]:
    """Evaluate an individual by a copy that local search improved; its own genes stay (Baldwinian).

    ``evalBaldwinian.batch(individuals, ...)`` evaluates a list, through the ``batch`` forms of *local_search*
    and *evaluate* where they have them, also behind ``functools.partial`` and ``toolbox.register``.

    :param individual: the individual, left unchanged.
    :param local_search: a local search such as ``toolbox.local_search``, returns a tuple of the individual.
    :param evaluate: a fitness such as ``toolbox.evaluate``.
    :returns: the fitness of the improved copy, a tuple.

    It draws random numbers where *local_search* or *evaluate* do.
    """
    return _baldwinian_batch([individual], local_search=local_search, evaluate=evaluate)[0]
