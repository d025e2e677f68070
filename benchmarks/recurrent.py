"""Recurrent cells on the text that comes with Python: how fast populations are scored, and what searches find.

python benchmarks/recurrent.py speed                   # ratios: folded against one by one, fused against term by term
python benchmarks/recurrent.py search --seeds 0 1 2    # LSTM, random cells, DARTS and TDGA, trained alike

Both print tables for benchmarks/results/recurrent.md. A finished seed is kept in --out and not run again;
--folder takes another text, such as WikiText-2's files.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from tdgnas.data import Splits, load, text_statistics
from tdgnas.devices import own_noise
from tdgnas.runs import Experiment
from tdgnas.spaces import Architecture, DartsRnn
from tdgnas.spaces.recurrent import Frame
from tdgnas.supernet import EvaluationSet, RecurrentEvaluator, Supernet, evaluate_one, evaluation_set
from tdgnas.training import Training, evaluate

SIZE, VOCABULARY, WINDOWS = 48, 1000, 1400
OPTIONS = f"size={SIZE},vocabulary={VOCABULARY},data.train={WINDOWS},batch_size=32"


class LSTM(nn.Module):
    """An LSTM of the same size in the same frame, with as many layers as are asked for."""

    def __init__(self, vocabulary: int, dropout: tuple[float, float, float]) -> None:
        super().__init__()
        self.frame = Frame(vocabulary, SIZE, 2 * SIZE, dropout=dropout)
        self.cell = nn.LSTMCell(SIZE, SIZE)

    def _step(self, value: Tensor) -> Tensor:
        token, h, c = value.split(SIZE, dim=1)
        return torch.cat(self.cell(token, (h, c)), dim=1)

    def forward(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.frame(self._step, tokens)
        return logits


def seconds(run: object, repeats: int) -> float:
    """Median processor time of a call, after one that does not count."""
    assert callable(run)
    found = []
    for _ in range(repeats + 1):
        start = time.process_time()
        run()
        found.append(time.process_time() - start)
    return statistics.median(found[1:])


def loop(supernet: Supernet, where: EvaluationSet, population: Sequence[Architecture]) -> None:
    """Score one cell after another."""
    for each in population:
        evaluate_one(supernet, where, each)


def speed(given: argparse.Namespace) -> None:
    """Print ratios for some sizes of vocabulary and population."""
    print("| vocabulary | units | cells | one by one / folded |\n|---|---|---|---|")
    for vocabulary in (100, VOCABULARY):
        data = load("text", vocabulary=vocabulary)
        for cells in (8, 64):
            supernet = Supernet(DartsRnn(size=SIZE, classes=data.outputs), data, device="cpu")
            assert supernet.data is not None
            where = evaluation_set(supernet.data.valid, size=16, batch_size=8)
            rng = random.Random(0)
            population = [supernet.space.sample(rng) for _ in range(cells)]
            folded = RecurrentEvaluator(supernet, where)
            alone = partial(loop, supernet, where, population)
            ratio = seconds(alone, given.repeats) / seconds(partial(folded.scores, population), given.repeats)
            print(f"| {vocabulary} | {SIZE} | {cells} | {ratio:.1f} |", flush=True)
    tokens, targets = supernet.data.train.batch(slice(0, 16))

    def step() -> None:
        with supernet.learning():
            logits = supernet.mixed(tokens, supernet.alpha)
        supernet.task.losses(logits.unsqueeze(0), targets)[0].backward()

    fused = seconds(step, given.repeats)
    supernet.space.fused = lambda *_: None
    print(
        f"\nOne step of the relaxed cell's weights: term by term / fused {seconds(step, given.repeats) / fused:.1f}"
    )


def search(given: argparse.Namespace) -> None:
    """Run the seeds that are not there yet; print a table of validation and test perplexity."""
    rows: dict[str, list[tuple[float, float]]] = {}
    for seed in given.seeds:
        path = given.out / f"seed{seed}.json"
        if not path.is_file():
            start = time.process_time()
            found = one_seed(given, seed)
            path.write_text(json.dumps({"rows": found, "seconds": time.process_time() - start}))
        kept = json.loads(path.read_text())
        print(f"seed {seed}: {kept['seconds']:.0f} s of processor time", flush=True)
        for name, each in kept["rows"].items():
            rows.setdefault(name, []).extend(map(tuple, each))
    print("\n| network | trainings | validation perplexity | test perplexity |\n|---|---|---|---|")
    for name, found in rows.items():
        told = [
            f"{statistics.mean(part):.1f} ± {statistics.stdev(part) if len(part) > 1 else 0.0:.1f}"
            for part in zip(*found, strict=True)
        ]
        print(f"| {name} | {len(found)} | {' | '.join(told)} |")


def one_seed(given: argparse.Namespace, seed: int) -> dict[str, list[tuple[float, float]]]:
    """Search, train what was found, random cells and an LSTM; return (validation, test) of each by name."""
    folder = "" if given.folder is None else f",folder={given.folder}"
    options = (
        f"{OPTIONS}{folder},epochs={given.pretrain},evaluations={given.evaluations},retrain={given.epochs}"
    )
    experiment = Experiment(
        f"text-darts:{options},retrain.batch_size=32,retrain.random_draws={given.random}",
        strategy="tdga",
        settings={"seed": seed, "device": "cpu", "fitness": {"batch_size": 10}},
        folder=given.out / f"run{seed}",
    )
    found: dict[str, list[tuple[float, float]]] = {}
    for row in experiment.run():
        name = (
            "TDGA" if row["row"] == "tdga" else "DARTS" if row["row"].startswith("DARTS") else "random cells"
        )
        found.setdefault(name, []).append((row["valid_perplexity"], row["test_perplexity"]))
    config = experiment.config
    data: Splits = load("text", folder=given.folder, vocabulary=VOCABULARY, train=WINDOWS)
    final = config.retrain.final_options
    with own_noise(seed):
        network = LSTM(
            data.outputs, tuple(final[f"{part}_dropout"] for part in ("embedding", "state", "output"))
        )
    training = Training(network, data, config.retrain.recipe, seed, "cpu")
    last = list(training)[-1]
    assert last.valid is not None
    found["LSTM"] = [(last.valid["perplexity"], evaluate(network, data.test)["perplexity"])]
    return found


def main() -> None:
    """Read the options and do what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("speed", "search"))
    parser.add_argument("--repeats", type=int, default=3, help="of each timing")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--folder", help="of another text")
    parser.add_argument("--pretrain", type=int, default=4, help="epochs of the supernet")
    parser.add_argument("--evaluations", type=int, default=60)
    parser.add_argument("--epochs", type=int, default=8, help="of every training")
    parser.add_argument("--random", type=int, default=2, help="random cells for each seed")
    parser.add_argument("--out", type=Path, default=Path("runs/recurrent"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.what == "speed":
        speed(given)
        return
    given.out.mkdir(parents=True, exist_ok=True)
    print(text_statistics(load("text", folder=given.folder, vocabulary=VOCABULARY, train=WINDOWS)))
    search(given)


if __name__ == "__main__":
    main()
