"""Controllers: whether they learn, on tables and on shared weights, and what they cost.

    python benchmarks/controllers.py tables nasbench201       # REINFORCE with shared heads, without, random: 100 seeds
    python benchmarks/controllers.py weights --data-folder ~/.cache/cifar10     # ENAS on a small supernet
    python benchmarks/controllers.py speed                    # one update beside an epoch of the shared weights

On a table every search draws the same number of architectures, and asking twice is paid for. Many controllers advance
together. On shared weights, what the controller samples is held against architectures drawn uniformly, on the same
weights and the same validation images, after every epoch.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer

from tdgnas import data
from tdgnas.comparison.curves import Band
from tdgnas.comparison.statistics import compare_pairs, summarise
from tdgnas.fitness import SupernetFitness
from tdgnas.individual import AccuracyFitness
from tdgnas.pictures import save
from tdgnas.pictures.curves import bands_figure
from tdgnas.runs import FITNESSES, make_config
from tdgnas.spaces import Architecture, EnasMacro, EnasMicro, SearchSpace
from tdgnas.strategies import Controller, create
from tdgnas.strategies.controllers.reinforce_lstm import PRESETS, make_trainer
from tdgnas.supernet import PopulationEvaluator, Supernet, WeightTraining, evaluation_set

RESULTS = Path(__file__).parent / "results"
#: Published settings with one learning rate for all, so that only the heads differ; and as published.
VARIANTS: dict[str, dict[str, Any]] = {
    "shared heads, lr 0.005": {"preset": "nas-rl", "lr": 0.005},
    "own heads, lr 0.005": {"preset": "nas-rl", "lr": 0.005, "shared": False},
    "shared heads, lr 0.0006": {"preset": "nas-rl"},
    "own heads, lr 0.0006": {"preset": "nas-rl", "shared": False},
}
app = typer.Typer(add_completion=False, help=__doc__, no_args_is_help=True)


def rows_of(title: list[str], rows: list[list[str]]) -> str:
    """A table as Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [title, ["---"] * len(title), *rows])


# tables ---------------------------------------------------------------------------------------------------------


def drawn_by_controllers(
    space: SearchSpace, signal: Callable[[Any], Any], seeds: list[int], samples: int, options: dict[str, Any]
) -> np.ndarray:
    """Choices that controllers draw while they learn from the signal, shape (seeds, samples, decisions)."""
    options = dict(options)
    preset, shared = options.pop("preset"), options.pop("shared", True)
    rngs = [random.Random(seed) for seed in seeds]
    trainer = make_trainer(space.decisions, rngs, preset, Controller(shared=shared), **options)
    found, places, batch = [], range(len(space.decisions)), PRESETS[preset]["batch"]
    while len(found) * batch < samples:
        uniforms = torch.tensor([[[rng.random() for _ in places] for _ in range(batch)] for rng in rngs])
        found.append(choices := trainer.controller.sample(uniforms))
        trainer.step(choices, signal(choices.numpy()))
    return torch.cat(found, 1)[:, :samples].numpy()


@app.command()
def tables(
    problem: Annotated[str, typer.Argument(help="A problem whose fitness is a table.")] = "nasbench201",
    seeds: int = 100,
    first_seed: int = 1000,
    samples: Annotated[int, typer.Option(help="Architectures that each search draws.")] = 1000,
) -> None:
    """Best final accuracy by the signal, and what the last tenth of the samples is worth; with statistics."""
    torch.set_num_threads(1)
    config = make_config({"problem": problem})
    made = FITNESSES.get(config.fitness.kind)(config)
    space, fitness = made.space, made.evaluate
    rows: dict[tuple[int, ...], int] = {}

    def row(choices: list[int]) -> int:
        key = space.canonical(space.architecture(choices)).choices
        return rows[key] if key in rows else rows.setdefault(key, fitness.charge(key))

    def numbers(choices: np.ndarray) -> np.ndarray:
        flat = choices.reshape(-1, choices.shape[-1]).tolist()
        return np.array([row(one) for one in flat]).reshape(choices.shape[:-1])

    every = list(range(first_seed, first_seed + seeds))
    uniform = [[space.decisions.sample(rng) for _ in range(samples)] for rng in map(random.Random, every)]
    drawn = {"random": np.array(uniform)}
    for name, options in VARIANTS.items():
        drawn[name] = drawn_by_controllers(
            space, lambda choices: fitness.signal[numbers(choices)], every, samples, options
        )
    finals, late, distinct = {}, {}, {}
    for name, choices in drawn.items():
        found = numbers(choices)
        signal = fitness.signal[found]
        best = np.take_along_axis(found, signal.argmax(axis=1)[:, None], 1)[:, 0]
        finals[name] = dict(zip(every, (100 * fitness.finals[best]).tolist(), strict=True))
        tenth = 100 * signal[:, -(samples // 10) :].mean(axis=1)
        late[name] = dict(zip(every, tenth.tolist(), strict=True))
        distinct[name] = float(np.mean([len(set(one.tolist())) for one in found]))
    print(f"{problem}: {seeds} seeds from {first_seed}, {samples} architectures each\n")
    for title, results in {"final accuracy of the best": finals, "signal of the last tenth": late}.items():
        pairs = {frozenset((p.first, p.second)): p for p in compare_pairs(results, higher=True, paired=False)}
        lines = []
        for one in summarise(results, higher=True):
            said = [one.strategy, f"{one.mean:.2f} ± {one.std:.2f}", f"{one.median:.2f}"]
            for other in ("random", "own heads, lr 0.005"):
                pair = pairs.get(frozenset((one.strategy, other)))
                a12 = None if pair is None else pair.a12 if pair.first == one.strategy else 1 - pair.a12
                said.append("–" if pair is None else f"{a12:.2f} ({pair.holm:.2g})")
            lines.append([*said, f"{distinct[one.strategy]:.0f}"])
        head = [title, "mean ± std (%)", "median", "A against random (p)", "A against own heads, 0.005 (p)"]
        print(rows_of([*head, "distinct networks"], lines), end="\n\n")


# shared weights -------------------------------------------------------------------------------------------------


def measured(supernet: Supernet, where: Any, individuals: list[Any]) -> float:
    """Mean accuracy of individuals on the shared weights, not counted."""
    scores = PopulationEvaluator(supernet, where).scores([supernet.decode(one) for one in individuals])
    return float(np.mean([score.measures["accuracy"] for score in scores]))


@app.command()
def weights(
    data_folder: Annotated[str | None, typer.Option(help="Where CIFAR-10 lies; else the digits.")] = None,
    epochs: int = 12,
    seeds: int = 2,
    layers: int = 6,
    channels: int = 6,
    size: Annotated[int, typer.Option(help="Side of CIFAR-10's images.")] = 16,
    train: Annotated[int, typer.Option(help="Training images.")] = 2000,
    updates: Annotated[int, typer.Option(help="Of the controller after each epoch, 20 samples each.")] = 25,
    settings: Annotated[str, typer.Option(help="Of the controller: nas-rl, enas-macro.")] = "nas-rl",
    lr: Annotated[float, typer.Option(help="Of the controller.")] = 0.01,
    out: Annotated[Path, typer.Option(help="The figure; a file of numbers beside it is gone on with.")] = (
        RESULTS / "figures" / "enas-rewards.svg"
    ),
) -> None:
    """ENAS, small: validation accuracy of sampled and of uniform architectures after every epoch."""
    torch.set_num_threads(1)
    kept = out.with_suffix(".json")
    curves: list[list[list[float]]] = json.loads(kept.read_text()) if kept.exists() else []
    for seed in range(len(curves), seeds):
        named: dict[str, Any] = {"name": "digits"}
        if data_folder is not None:
            named = {"name": "cifar10", "folder": data_folder, "train": train, "size": size, "valid": 1000}
        splits = data.load(**named, seed=seed)
        shape = {"in_channels": splits.image_shape[0], "image_size": splits.image_shape[1]}
        space = EnasMacro(layers=layers, channels=channels, classes=splits.outputs, **shape)
        supernet = Supernet(space, splits, seed=seed)
        sgd = {"lr": 0.05, "lr_min": 5e-4, "restart": 10, "nesterov": True, "weight_decay": 2.5e-4}
        learn = WeightTraining(supernet, rng=random.Random(seed), batch_size=64, **sgd)
        fitness = SupernetFitness(supernet, splits.valid, size=128, batch_size=128, measure="accuracy")
        strategy = create(
            "enas", space.decisions, seed=seed, fitness=AccuracyFitness, train=learn, settings=settings,
            updates=updates, lr=lr, batch=20,
        )  # fmt: skip
        where, rng = evaluation_set(splits.valid, batch_size=500), random.Random(seed)
        curves.append([])
        for _ in range(epochs):
            for _ in range(updates):
                individuals = strategy.generate()
                for one, values in zip(individuals, fitness.batch(individuals), strict=True):
                    one.fitness.values = values
                strategy.update(individuals)
            drawn = [strategy.individual(space.decisions.sample(rng)) for _ in range(40)]
            uniform = measured(supernet, where, drawn)
            rewards = [float(np.mean(fitness.batch(each))) for each in (individuals, drawn)]
            curves[-1].append([*rewards, measured(supernet, where, individuals), uniform])
            said = " ".join(f"{100 * x:.1f}" for x in curves[-1][-1])
            print(f"seed {seed} epoch {len(curves[-1])}: {said}", flush=True)
        kept.write_text(json.dumps(curves))
    every = 100 * np.array(curves)
    names = [
        "sampled: the reward", "uniform: the reward", "sampled: 1,000 images", "uniform: 1,000 images",
    ]  # fmt: skip
    bands = {
        name: Band(np.arange(1.0, epochs + 1), each.mean(0), each.min(0), each.max(0))
        for name, each in zip(names, np.moveaxis(every, 2, 0), strict=True)
    }
    save(bands_figure(bands, "epoch of the shared weights", "accuracy on them (%)"), out)
    rows = [
        [str(epoch + 1), *(f"{x:.1f}" for x in every[:, epoch].mean(0))]
        for epoch in sorted({0, epochs // 3, 2 * epochs // 3, epochs - 1})
    ]
    print(rows_of(["epoch", *names], rows))


# speed ----------------------------------------------------------------------------------------------------------


def mutated(space: SearchSpace, rng: random.Random) -> Architecture:
    """The architecture of seed 0 with one decision drawn anew."""
    choices = list(space.sample(random.Random(0)).choices)
    place = rng.randrange(len(choices))
    choices[place] = rng.randrange(space.decisions.sizes[place])
    return space.architecture(choices)


def sharing(supernet: Supernet, noise: Any, architectures: list[Architecture]) -> float:
    """Multiply-adds that evaluating a population one by one takes, over those that were computed."""
    evaluator = PopulationEvaluator(supernet, evaluation_set(noise, size=2, batch_size=2))
    evaluator.scores(architectures)
    return evaluator.counters.macs_requested / evaluator.counters.macs_executed


def timed(function: Callable[[], Any], rounds: int = 5) -> float:
    """Median seconds of a call, after one that does not count."""
    function()
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        found.append(time.perf_counter() - start)
    return float(np.median(found))


@app.command()
def speed(
    images: Annotated[int, typer.Option(help="Of CIFAR-10's size, for one step of the weights.")] = 128,
    rounds: int = 5,
) -> None:
    """ENAS' macro search at its published size: 12 layers, 36 channels, batches of 128 images of 32 x 32."""
    torch.set_num_threads(1)
    noise = data.ImageData(torch.randn(images, 3, 32, 32), torch.arange(images) % 10, (0.0,) * 3, (1.0,) * 3)
    rows = []
    for space in (EnasMacro(), EnasMicro()):
        strategy = create("enas", space.decisions, seed=0, fitness=AccuracyFitness)
        splits = data.Splits("noise", noise, noise, noise, tuple("0123456789"), (0.0,) * 3, (1.0,) * 3)
        supernet = Supernet(space, splits, device="cpu")
        learn = WeightTraining(supernet, batch_size=images, rng=random.Random(0))
        net, count = strategy.controller, len(space.decisions)
        uniforms = torch.rand(1, 1000, count)
        lstm = torch.nn.LSTM(64, 64, bias=False)
        inputs = torch.zeros(len(net.steps), 1000, 64)

        def update(strategy: Any = strategy) -> None:
            individuals = strategy.generate()
            for place, one in enumerate(individuals):
                one.fitness.values = (0.1 + 0.01 * place,)
            strategy.update(individuals)

        def plain(lstm: Any = lstm, inputs: Any = inputs) -> None:
            with torch.no_grad():
                lstm(inputs)

        one_step = timed(lambda: learn(strategy.sampled(1), each=True), rounds)  # noqa: B023
        epoch = one_step * -(-45_000 // images)
        update_s, pass_s = timed(update, rounds), timed(plain, rounds)
        sample_s = timed(lambda: net.sample(uniforms), rounds)  # noqa: B023
        alike = [mutated(space, rng) for rng in [random.Random(0)] for _ in range(64)]
        drawn = [space.sample(random.Random(seed)) for seed in range(64)]
        shared = [sharing(supernet, noise, each) for each in (drawn, alike)]
        rows.append(
            [
                space.name,
                f"{strategy.batch}",
                f"{update_s:.3f} s",
                f"{one_step:.2f} s",
                f"{100 * update_s / epoch:.3f} %",
                f"{sample_s:.2f} s",
                f"{sample_s / pass_s:.1f}",
                *(f"{each:.2f}" for each in shared),
            ]
        )
    title = ["space", "samples", "one update", "one step of the weights", "update / epoch of 45,000 images"]
    title += ["1,000 samples", "over one LSTM pass", "shared by 64 drawn", "by 64 one mutation apart"]
    print(rows_of(title, rows))


if __name__ == "__main__":
    app()
