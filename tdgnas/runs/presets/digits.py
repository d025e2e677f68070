"""Problems on handwritten digits, which come with scikit-learn: seconds to minutes on a CPU."""

from __future__ import annotations

from typing import Any

from ..problems import PROBLEMS, from_scratch, on_supernet
from ..sections import Sections


@PROBLEMS.register("main")
def main() -> Sections:
    """The main system on handwritten digits: a pretrained supernet of VGG19 at an eighth of its width, in minutes."""
    return {
        "space": {"name": "vgg-shortcuts", "settings": {"width": 0.125}},
        "data": {"name": "digits"},
        "pretrain": {"epochs": 10, "alpha_lr": 0.02, "hold": 3},
        "budget": {"unit": "generations", "limit": 30},
    }


@PROBLEMS.register("demo")
def demo(epochs: int = 6, evaluations: int = 120, images: int = 240) -> Sections:
    """Which six convolutions of 6,862 weights at most read handwritten digits best? A minute or two on a CPU."""
    sizes = {"heights": [1, 3, 5], "widths": [], "strides": [1, 2], "filters": [4, 8, 12, 16, 24]}
    space = {"name": "nas-rl", "layers": 6, **sizes}
    recipe = {"epochs": epochs, "batch_size": 20, "lr": 0.1, "warmup": 1}
    data = {"name": "digits", "size": 8, "channels": 1, "train": images}
    return {
        **from_scratch(space, data, evaluations, recipe=recipe),
        "strategy": {"name": "tdga", "temperature": {"start": 0.3, "stop": 0.03}},
        "objectives": {"limits": {"parameters": 0.006862}},
        "retrain": {**recipe, "seeds": 3},
    }


@PROBLEMS.register("digits-vgg")
def digits_vgg(**options: Any) -> Sections:
    """Handwritten digits, shortcuts of VGG19 at an eighth of its width, scored on a supernet."""
    return on_supernet("vgg-shortcuts", "digits", **{"width": 0.125, **options})


@PROBLEMS.register("digits-vgg-tiny")
def digits_vgg_tiny(**options: Any) -> Sections:
    """The same with a 32nd of the width and less training, in seconds."""
    return on_supernet("vgg-shortcuts", "digits", **{"width": 0.03125, "epochs": 4, "images": 128, **options})


@PROBLEMS.register("digits-cells")
def digits_cells(**options: Any) -> Sections:
    """Handwritten digits, NAS-Bench-201's cells with 4 channels, scored on a supernet."""
    return on_supernet(
        "nasbench201", "digits", **{"channels": 4, "cells_per_stage": 1, "epochs": 10, **options}
    )


@PROBLEMS.register("digits-enas-macro")
def digits_enas_macro(**options: Any) -> Sections:
    """Handwritten digits, ENAS' macro space of whole networks, here of 4 layers, scored on a supernet."""
    return on_supernet("enas-macro", "digits", **{"layers": 4, "channels": 4, "epochs": 10, **options})


@PROBLEMS.register("digits-enas-micro")
def digits_enas_micro(**options: Any) -> Sections:
    """Handwritten digits, ENAS' micro space of cells, here of 3 nodes, scored on a supernet."""
    small = {"layers": 3, "nodes": 3, "channels": 4, "epochs": 10}
    return on_supernet("enas-micro", "digits", **{**small, **options})


@PROBLEMS.register("digits-genetic-cnn")
def digits_genetic_cnn(**options: Any) -> Sections:
    """Handwritten digits, the 19 bits of Genetic CNN with 4 channels and more, scored on a supernet."""
    return on_supernet("genetic-cnn", "digits", **{"channels": 4, "kernel": 3, "epochs": 10, **options})


@PROBLEMS.register("digits-scratch")
def digits_scratch(epochs: int = 1, evaluations: int = 50, **settings: Any) -> Sections:
    """Handwritten digits, NAS-Bench-201's cells with 4 channels, each trained from scratch for an epoch."""
    small = {"name": "nasbench201", "channels": 4, "cells_per_stage": 1, **settings}
    return from_scratch(small, {"name": "digits"}, evaluations, recipe={"epochs": epochs, "warmup": 0})


@PROBLEMS.register("digits-nas-rl")
def digits_nas_rl(epochs: int = 1, evaluations: int = 50, **settings: Any) -> Sections:
    """Handwritten digits of 8x8 pixels, strings of NAS-RL of three small layers, each trained for an epoch."""
    small = {"layers": 3, "heights": [1, 3], "widths": [1, 3], "filters": [4, 8]}
    space, data = {"name": "nas-rl", **small, **settings}, {"name": "digits", "size": 8, "channels": 1}
    recipe = {"epochs": epochs, "warmup": 0}
    return from_scratch(space, data, evaluations, measure="accuracy", recipe=recipe)


@PROBLEMS.register("digits-growth")
def digits_growth(
    data: str = "digits", epochs: int = 3, evaluations: int = 60, inherit: bool = True, **settings: Any
) -> Sections:
    """Handwritten digits of 8x8 pixels, networks that grow from three convolutions and inherit trained weights."""
    small = {"size": 8, "channels": 1} if data.startswith("digits") else {}
    recipe = {"epochs": epochs, "warmup": 0}
    found = from_scratch(
        {"name": "grown", "channels": 8, "steps": 40, **settings},
        {"name": data, **small},
        evaluations,
        recipe=recipe,
        inherit=inherit,
    )
    # A whole history swapped decision by decision would be another one; most children are one move further.
    variation = {"mutate": "neighbour", "mate": "one-point", "cxpb": 0.2, "mutpb": 0.8}
    return {**found, "strategy": {"name": "tdga", "variation": variation}}


#: Small spaces of genomes of other shapes.
GENOMES: dict[str, Sections] = {
    "trees": {"name": "trees", "size": 16, "kernels": [3], "filters": [4, 8], "most": 16},
    "cgp": {
        "name": "cgp", "rows": 3, "columns": 8, "levels_back": 4, "kernels": [3], "filters": [4, 8], "most": 16,
    },
    "motifs": {"name": "hierarchical", "channels": 4},
    "flat": {"name": "hierarchical", "channels": 4, "levels": [[1, 11]]},
    "bits": {"name": "genetic-cnn", "channels": 4, "kernel": 3},
}  # fmt: skip


@PROBLEMS.register("digits-genomes")
def digits_genomes(
    genome: str = "trees", epochs: int = 1, evaluations: int = 50, **settings: Any
) -> Sections:
    """Handwritten digits of 8x8 pixels, small networks as trees, grids (cgp), motifs, flat motifs or bits,
    each trained for an epoch."""
    if genome not in GENOMES:
        raise ValueError(f"genome is {genome!r}; it must be one of {', '.join(GENOMES)}")
    data = {"name": "digits", "size": 8, "channels": 1}
    recipe = {"epochs": epochs, "warmup": 0, "batch_size": 20, "lr": 0.05}
    small = {**GENOMES[genome], **settings}
    return from_scratch(small, data, evaluations, measure="accuracy", recipe=recipe)


@PROBLEMS.register("digits-zero-cost")
def digits_zero_cost(score: str = "naswot", evaluations: int = 100, **settings: Any) -> Sections:
    """Handwritten digits, NAS-Bench-201's cells with 4 channels, scored by a look at their fresh weights."""
    return {
        "space": {"name": "nasbench201", "settings": {"channels": 4, "cells_per_stage": 1, **settings}},
        "data": {"name": "digits"},
        "fitness": {"kind": "zero-cost", "score": score},
        "budget": {"unit": "evaluations", "limit": evaluations},
    }


@PROBLEMS.register("digits-ink")
def digits_ink(**options: Any) -> Sections:
    """How much ink a handwritten digit has: a regression, on VGG19 at a 32nd of its width."""
    return on_supernet("vgg-shortcuts", "digits-ink", **{"width": 0.03125, **options})


@PROBLEMS.register("digits-parts")
def digits_parts(**options: Any) -> Sections:
    """Which parts a handwritten digit has: several labels at once, on VGG19 at a 32nd of its width."""
    return on_supernet("vgg-shortcuts", "digits-parts", **{"width": 0.03125, **options})
