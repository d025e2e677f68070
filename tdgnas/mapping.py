"""A ``map`` for DEAP toolboxes that hands the whole population over at once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any


def layers(function: Any) -> Iterator[Any]:
    """Return a function and whatever it wraps, outermost first.

    Seen through are ``functools.partial`` (and so what ``toolbox.register`` made), decorators that use
    ``functools.wraps``, and wrappers that keep what they wrap as ``guarded``.

    >>> [type(layer).__name__ for layer in layers(partial(max, 1))]
    ['partial', 'builtin_function_or_method']
    """
    while function is not None:
        yield function
        if isinstance(function, partial):
            function = function.func
        else:
            function = getattr(function, "__wrapped__", None) or getattr(function, "guarded", None)


def name_of(function: Any) -> str:
    """Return the name of what is innermost in a function, or of its class, for messages."""
    *_, inner = layers(function)
    return str(getattr(inner, "__name__", type(inner).__name__))


def batched(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return the ``batch`` form of a function, or None where it has none that may be used.

    ``toolbox.register`` wraps functions in ``functools.partial``; the arguments bound there are kept. A decorated
    function carries a copy of ``batch`` that would skip the decorator (``functools.wraps`` copies attributes), so
    whatever has ``__wrapped__`` is treated as having none.
    """
    arguments: tuple[Any, ...] = ()
    keywords: dict[str, Any] = {}
    while isinstance(function, partial):
        arguments = function.args + arguments
        keywords = {**function.keywords, **keywords}
        function = function.func
    batch = getattr(function, "batch", None)
    if batch is None or hasattr(function, "__wrapped__") or arguments:
        return None
    return partial(batch, **keywords) if keywords else batch


def batch_map(function: Callable[..., Any], *iterables: Iterable[Any]) -> list[Any]:
    """Map like the builtin, in one call where the function has a ``batch`` form.

    Register it as ``toolbox.register("map", tdgnas.batch_map)``: stock DEAP algorithms then evaluate a whole
    population in one call of ``fitness.batch(individuals)``. A function without ``batch``, a decorated one, or
    several iterables fall back to one call per item.

    :param function: what to call; ``function.batch(list) -> list`` is used where it exists.
    :param iterables: the items; with one iterable the batch form is possible.
    :returns: the list of results, in the order of the items.
    :raises ValueError: when ``batch`` returns another number of results than it was given items.
    """
    batch = batched(function) if len(iterables) == 1 else None
    if batch is None:
        return list(map(function, *iterables))
    items = list(iterables[0])
    if not items:
        return []
    return checked_batch(function, batch(items), len(items))


def checked_batch(function: Any, results: Iterable[Any], count: int) -> list[Any]:
    """Return what a batch form returned, checked to be as many results as items.

    :raises ValueError: when they are not.
    """
    found = list(results)
    if len(found) != count:
        raise ValueError(
            f"{function!r}.batch returned {len(found)} results for {count} items; "
            "a batch form returns one result for each item, in their order"
        )
    return found


def hands_out(batch: Callable[..., Any]) -> bool:
    """Whether a batch form takes a ``map`` over which it hands its work out itself."""
    return "map" in inspect.signature(batch).parameters


def finished(
    mapping: Callable[..., Any], function: Callable[..., Any], *iterables: Iterable[Any]
) -> Iterator[tuple[int, Any]]:
    """Yield the place of each item and its result, as soon as it is done where the map can tell."""
    own = getattr(mapping, "finished", None)
    return iter(enumerate(mapping(function, *iterables)) if own is None else own(function, *iterables))
