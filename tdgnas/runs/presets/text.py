"""Problems on text: recurrent cells by perplexity."""

from __future__ import annotations

from typing import Any

from ..problems import PROBLEMS, from_scratch, on_supernet
from ..sections import Sections


def on_text(
    space: str,
    data: str = "text",
    *,
    folder: str | None = None,
    vocabulary: int | None = None,
    segment: int = 35,
    windows: int = 96,
    evaluations: int = 100,
    **options: Any,
) -> Sections:
    """Return the sections of a space of recurrent cells on a text, with a supernet.

    :param data: ``text`` or ``text-characters``.
    :param folder: with a text of one's own; the one that comes with Python when None.
    :param vocabulary: keep only so many tokens.
    :param segment: tokens that gradients reach back.
    :param windows: of validation text, of so many tokens each, in one evaluation.
    :param evaluations: the budget, in evaluations' worth of token passes.
    :param options: of :func:`on_supernet`.
    """
    small = {"size": 64, "epochs": 5, "batch_size": 16, "retrain": 10}
    found = on_supernet(
        space, data, images=windows, evaluations=evaluations * segment, **{**small, **options}
    )
    kept = {"size": found["space"]["settings"]["size"], "output_dropout": 0.2, "state_dropout": 0.1}
    kept |= {"embedding_dropout": 0.1, "word_dropout": 0.0}
    own = {"folder": folder, "vocabulary": vocabulary, "segment": segment}
    found["data"] |= {key: value for key, value in own.items() if value is not None}
    # As published: plain descent with a large rate and small gradients.
    plain = {
        "lr": 20.0,
        "lr_min": 0.0,
        "schedule": "constant",
        "momentum": 0.0,
        "weight_decay": 5e-7,
        "clip": 0.25,
    }
    found["pretrain"] |= {
        **plain,
        "alpha_weight_decay": 1e-3,
        "batch_size": found["fitness"]["gradient_batch"],
    }
    found["fitness"]["weights"] = {"lr": 1.0, "momentum": 0.0, "weight_decay": 5e-7}
    recipe = {
        "lr": 20.0, "warmup": 0, "momentum": 0.0, "weight_decay": 8e-7, "clip": 0.25, "batch_size": 16, "final": True,
        "final_options": kept,
    }  # fmt: skip
    return {**found, "retrain": {**recipe, **found["retrain"]}}


@PROBLEMS.register("text-darts")
def text_darts(**options: Any) -> Sections:
    """English text by words, DARTS' recurrent cells with 64 units, scored on a supernet by perplexity."""
    return on_text("darts-rnn", **options)


@PROBLEMS.register("text-enas")
def text_enas(**options: Any) -> Sections:
    """English text by words, ENAS' recurrent cells of 8 nodes with 64 units, scored on a supernet by perplexity."""
    return on_text("enas-rnn", **{"nodes": 8, **options})


@PROBLEMS.register("text-nas-rl")
def text_nas_rl(
    epochs: int = 1, evaluations: int = 50, segment: int = 35, vocabulary: int = 1000, **settings: Any
) -> Sections:
    """English text by words, trees of base 8 with 32 units, each trained from scratch for an epoch."""
    space = {"name": "nas-rl-rnn", "size": 32, **settings}
    recipe = {
        "epochs": epochs, "warmup": 0, "lr": 20.0, "momentum": 0.0, "weight_decay": 5e-7, "clip": 0.25,
        "batch_size": 32,
    }  # fmt: skip
    data = {"name": "text", "segment": segment, "vocabulary": vocabulary}
    return from_scratch(space, data, evaluations, recipe=recipe)
