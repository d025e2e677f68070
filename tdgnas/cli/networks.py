"""Commands for found networks: training one to the end, and writing one for other programs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..files import Json
from ..signals import exit_status
from .common import DataFolder, Device, command_line, console, plain_errors, say

if TYPE_CHECKING:
    from ..data import Splits
    from ..tasks import Task
    from ..training import EpochRecord, NetworkPlan, Recipe
    from ..training.cards import Card

#: Data sets whose images mean something else when they are mirrored.
UNMIRRORED = ("digits", "digits-ink", "digits-parts", "mnist", "kmnist", "svhn")


Recipes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="a field of the recipe (clip=5.0, ema=0.999, augment.cutout=8), of the data (data.train=1000), of a "
        "network of cells (network.channels=36); repeatable",
    ),
]


def retrain(
    context: typer.Context,
    architecture: Annotated[
        str, typer.Argument(help="an architecture.json, a genotype, its file, or a published name: DARTS_V2")
    ],
    out: Annotated[Path, typer.Option(help="folder for the checkpoints, the model and its card")],
    data: Annotated[
        str | None, typer.Option(help="digits...; that of the architecture's run, else digits")
    ] = None,
    data_folder: DataFolder = None,
    download: Annotated[bool, typer.Option(help="let torchvision download what is missing")] = False,
    with_valid: Annotated[bool, typer.Option(help="learn from the validation images too")] = False,
    epochs: Annotated[int | None, typer.Option(help="600 for cells, else 150, as published")] = None,
    assignments: Recipes = None,
    seed: Annotated[int, typer.Option(help="of the initial weights and of the training")] = 0,
    device: Device = None,
    resume: Annotated[bool, typer.Option(help="go on with the training in the folder")] = False,
    checkpoint_every: Annotated[int, typer.Option(help="epochs between checkpoints")] = 1,
) -> None:
    """Train an architecture of any space, or a genotype, to the end; write the model and its card."""
    from ..parallel import joined

    with plain_errors(), _resumable(context, out), joined(device) as group:
        from ..devices import own_noise, pick_device
        from ..training import retrain as train

        console.quiet = not group.leads
        place = pick_device(device)
        own = {"name": data, "folder": data_folder, "download": download or None}
        fast = place.type == "cuda"
        given: Json = {"channels_last": fast, "with_valid": with_valid, "epochs": epochs}
        given |= {"precision": "bfloat16"} if fast else {}
        plan, splits, recipe = _prepared(architecture, own, given, assignments or [], seed)
        _check_place(out, resume)
        with own_noise(seed):
            network = plan.network(splits.image_shape, splits.outputs)
        _tell_data(splits, recipe, str(place))
        card = train(
            network,
            splits,
            recipe,
            out,
            name=f"{_name(architecture)} on {splits.name}",
            architecture=plan.to_dict(),
            command=command_line(context, leave_out=("resume", "checkpoint_every")),
            seed=seed,
            device=place,
            resume=resume,
            checkpoint_every=checkpoint_every,
            progress=lambda record: say(_line(record, recipe, splits)),
        )
        _tell_card(card, splits.task, out)


def _prepared(
    architecture: str, own: Json, given: Json, assignments: list[str], seed: int
) -> tuple[NetworkPlan, Splits, Recipe]:
    """Make what is trained, on what and how, of the options and what ``--set`` lays over them."""
    from ..training import NetworkPlan

    changed = _assigned(assignments)
    plan = _with_options(NetworkPlan.read(architecture), changed.pop("network"))
    splits = _data(architecture, {**own, **changed.pop("data")}, seed)
    given = {key: value for key, value in {**given, **changed}.items() if value is not None}
    return plan, splits, make_recipe(plan, splits, given)


@contextmanager
def _resumable(context: typer.Context, out: Path) -> Iterator[None]:
    """After Ctrl-C, say how to go on, where there is something to go on from."""
    try:
        yield
    except KeyboardInterrupt as stop:
        if not (out / "checkpoints").is_dir():
            raise
        again = command_line(context, leave_out=("resume",))
        say(f"stopped; the last checkpoint is kept. Go on with\n  {again} --resume")
        raise typer.Exit(exit_status(stop)) from None


def _check_place(out: Path, resume: bool) -> None:
    from ..files.checkpoints import CheckpointFolder

    kept = bool(CheckpointFolder(out / "checkpoints").paths())
    if not resume and (kept or (out / "card.json").exists()):
        raise ValueError(f"{out} has a training already; go on with --resume, or choose another --out")
    if resume and not kept:
        raise ValueError(f"there is no training in {out} to resume; leave --resume out to begin one")


def _tell_data(splits: Splits, recipe: Recipe, place: str) -> None:
    together = recipe.with_valid
    say(
        f"{splits.name}: {len(splits.train)} training{' and' if together else ','} {len(splits.valid)} "
        f"validation{' images together' if together else ''}, {len(splits.test)} test images; "
        f"{recipe.epochs} epochs on {place}"
    )


def _tell_card(card: Card, task: Task, out: Path) -> None:
    measure = task.measure(task.headline)
    for part, found in card.measures.items():
        say(f"{part:10}  {measure.text(found[task.headline])}")
    say(f"parameters  {card.parameters:,}\nMACs        {card.macs:,}")
    say(f"written to  {out} (model.safetensors, card.md, card.json)")


def export(
    folder: Annotated[
        Path, typer.Argument(help="the folder of a retraining, or of a run, whose winner is taken")
    ],
    format: Annotated[
        str, typer.Option(help="torch (torch.export) or onnx (needs the extra: pip install tdgnas\\[onnx])")
    ] = "torch",
    out: Annotated[Path | None, typer.Option(help="the file; model.pt2 or model.onnx in the folder")] = None,
    tolerance: Annotated[
        float, typer.Option(help="largest difference allowed, in units of the largest output")
    ] = 1e-4,
    steps: Annotated[int, typer.Option(help="of a recurrent cell, tokens that the file takes")] = 35,
) -> None:
    """Write a trained network for other programs, and check that the file computes the same."""
    with plain_errors():
        from ..training import EXPORTS, export_network, load_network

        if format not in EXPORTS:
            raise ValueError(f"format is {format!r}; it must be one of {', '.join(EXPORTS)}")
        network, card = load_network(folder)
        path = out or folder / ("model.onnx" if format == "onnx" else "model.pt2")
        shape, classes = tuple(card["image_shape"]), len(card["classes"])
        forms: Any = getattr(network, "forms", None)
        for suffix, (form, examples) in forms(steps).items() if forms else ():
            own = path.with_stem(f"{path.stem}{suffix}")
            difference = export_network(form, shape, own, format, tolerance=tolerance, examples=examples)  # type: ignore[arg-type]
            takes = ", ".join(str(tuple(each.shape[1:])) for each in examples)
            say(
                f"{own}: takes any number of inputs {takes}, gives logits of {classes} tokens; differs from the "
                f"network by {difference:.1e} of the largest output"
            )
        if forms:
            return
        difference = export_network(network, shape, path, format, tolerance=tolerance)  # type: ignore[arg-type]
        say(
            f"{path}: takes normalised images (any number, {', '.join(map(str, shape))}), gives logits "
            f"of {classes} classes; differs from the network by {difference:.1e} of the largest output"
        )


def generate(
    folder: Annotated[Path, typer.Argument(help="the folder of a retraining on text, or of a run")],
    start: Annotated[str, typer.Option(help="the text begins with it; words stand between blanks")] = "",
    count: Annotated[int, typer.Option(help="tokens to write")] = 50,
    temperature: Annotated[
        float, typer.Option(help="below 1 what is likely becomes likelier; 0 takes the likeliest")
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="of the draws")] = 0,
) -> None:
    """Print a text that a trained recurrent network writes."""
    with plain_errors():
        from ..training import generate as written
        from ..training import load_network

        network, card = load_network(folder)
        print(written(network, card["classes"], start, count, temperature=temperature, seed=seed))


def _assigned(assignments: list[str]) -> Json:
    """Read ``field=value``; ``data``, ``network`` and ``augment`` are groups of their own."""
    from ..runs.config import parse_assignment
    from ..runs.sections import assign

    found: Json = {"data": {}, "network": {}, "augment": {}}
    for text in assignments:
        keys, value = parse_assignment(text)
        if (
            len(keys) > 2
            or (len(keys) == 2 and keys[0] not in found)
            or (len(keys) == 1 and keys[0] in found)
        ):
            raise ValueError(
                f"--set {text!r}: expected a field of the recipe, such as clip=5.0 or augment.crop=4, data.train=1000 "
                "or network.channels=36"
            )
        assign(found, keys, value)
    return found


def make_recipe(plan: NetworkPlan, splits: Splits, given: Json) -> Recipe:
    """The published recipe of cells or of other networks, its crop and cutout in proportion to the images.

    :param given: fields of the recipe that replace its own; ``augment`` is a dict of such fields.
    :raises ValueError: for an unknown field or an impossible value.
    """
    from ..data import TokenData
    from ..settings import checked
    from ..training import Recipe, darts_cifar10, darts_text, vgg_cifar10

    text = isinstance(splits.train, TokenData)
    published = darts_text if text else darts_cifar10 if plan.final_options else vgg_cifar10
    recipe = published(given["epochs"]) if "epochs" in given else published()
    side = 0 if text else splits.image_shape[1]
    augment = {
        "crop": recipe.augment.crop * side // 32,
        "cutout": recipe.augment.cutout * side // 32,
        "flip": not text and splits.name not in UNMIRRORED,
    }
    own = {**recipe.model_dump(), **given, "augment": {**augment, **given.get("augment", {})}}
    return checked(Recipe, own)


def _with_options(plan: NetworkPlan, given: Json) -> NetworkPlan:
    known = plan.final_options
    strange = next((key for key in given if key not in known), None)
    if strange is not None and not known:
        raise ValueError(
            f"network.{strange} is for networks with a final form of their own; this one has none"
        )
    if strange is not None:
        raise ValueError(f"there is no network.{strange}; there are {', '.join(known)}")
    return replace(plan, options={**known, **given})


def _data(architecture: str, given: Json, seed: int) -> Splits:
    """Load the data that was asked for; without a name the one of the run that the architecture lies in."""
    from ..runs import make_config
    from ..runs.build import make_data
    from ..runs.config import read_config

    given = {key: value for key, value in given.items() if value is not None}
    config = Path(architecture).parent / "config.toml"
    if "name" not in given and "(" not in architecture and Path(architecture).is_file() and config.is_file():
        document = read_config(config)
        given, seed = {**document.get("data", {}), **given}, document.get("seed", seed)
    return make_data(make_config({"data": given}).data, seed)


def _name(architecture: str) -> str:
    return "genotype" if "(" in architecture else Path(architecture).stem


def _line(record: EpochRecord, recipe: Recipe, splits: Splits) -> str:
    task, images = splits.task, len(splits.train) + len(splits.valid) * recipe.with_valid
    parts = [
        f"{part} {found['loss']:.3f} {task.measure(task.headline).text(found[task.headline])}"
        for part, found in (("train", record.train), ("valid", record.valid))
        if found is not None
    ]
    speed = f"{record.seconds:.1f} s  {images / max(record.seconds, 1e-9):.0f} images/s"
    return f"epoch {record.epoch + 1}/{recipe.epochs}  {'  '.join(parts)}  {speed}"
