"""Recurrent cells on the text that comes with Python: how fast populations are scored, and what searches find.

python benchmarks/recurrent.py speed                   # ratios: folded against one by one, fused against term by term
python benchmarks/recurrent.py search --seeds 0 1 2    # LSTM, random cells, DARTS and TDGA, trained alike
python benchmarks/recurrent.py docstrings --folder F   # write another English text in WikiText-2's layout

The first two print tables for benchmarks/results/recurrent.md. A finished seed is kept in --out and not run again;
--folder takes another text, such as WikiText-2's files, or what ``docstrings`` writes: the docstrings of Python's
standard library, split by file, words that come less than three times being unknown.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import re
import statistics
import sysconfig
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tdgnas.data import Splits, load, text_statistics
from tdgnas.devices import own_noise
from tdgnas.runs import Experiment
from tdgnas.spaces import Architecture, DartsRnn
from tdgnas.spaces.recurrent import Frame
from tdgnas.supernet import EvaluationSet, RecurrentEvaluator, Supernet, evaluate_one, evaluation_set
from tdgnas.training import Training, evaluate

SIZE, NODES, VOCABULARY, SEGMENT = 32, 4, 500, 20
OPTIONS = f"size={SIZE},nodes={NODES},vocabulary={VOCABULARY},segment={SEGMENT},batch_size=16,data.valid=300"

TEXT: Any = {"vocabulary": VOCABULARY, "segment": SEGMENT, "valid": 300}


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
    size = 48
    for vocabulary in (100, 1000):
        data = load("text", vocabulary=vocabulary)
        for cells in (8, 64):
            supernet = Supernet(DartsRnn(size=size, classes=data.outputs), data, device="cpu")
            assert supernet.data is not None
            where = evaluation_set(supernet.data.valid, size=16, batch_size=8)
            rng = random.Random(0)
            population = [supernet.space.sample(rng) for _ in range(cells)]
            folded = RecurrentEvaluator(supernet, where)
            alone = partial(loop, supernet, where, population)
            ratio = seconds(alone, given.repeats) / seconds(partial(folded.scores, population), given.repeats)
            print(f"| {vocabulary} | {size} | {cells} | {ratio:.1f} |", flush=True)
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
        f"{OPTIONS},data.train={given.windows}{folder},epochs={given.pretrain},"
        f"evaluations={given.evaluations},retrain={given.epochs}"
    )
    experiment = Experiment(
        f"text-darts:{options},retrain.batch_size=16,retrain.random_draws={given.random}",
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
    data: Splits = load("text", folder=given.folder, train=given.windows, **TEXT)
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


def docstrings(folder: Path) -> None:
    """Write the docstrings of the standard library in WikiText-2's layout; of ten files the ninth is for valid and the
    tenth for test."""
    root = Path(sysconfig.get_paths()["stdlib"])
    left_out = {"site-packages", "test", "tests", "idlelib"}
    kinds = ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef
    files = []
    for path in sorted(root.rglob("*.py")):
        if left_out.isdisjoint(path.relative_to(root).parts):
            tree = ast.parse(path.read_text("utf-8", errors="replace"))
            told = [ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, kinds)]
            lines = [re.findall(r"\w+|[^\w\s]", line) for text in told for line in text.splitlines()]
            if any(lines):
                files.append([line for line in lines if line])
    parts = {"valid": files[8::10], "test": files[9::10]}
    parts["train"] = [each for place, each in enumerate(files) if place % 10 < 8]
    counts = Counter(word for each in parts["train"] for line in each for word in line)
    folder.mkdir(parents=True, exist_ok=True)
    for part, own in parts.items():
        lines = [" ".join(w if counts[w] > 2 else "<unk>" for w in line) for each in own for line in each]
        (folder / f"wiki.{part}.tokens").write_text("\n".join(lines) + "\n", "utf-8")
    print(text_statistics(load("text", folder=folder)))


def main() -> None:
    """Read the options and do what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("speed", "search", "docstrings"))
    parser.add_argument("--repeats", type=int, default=3, help="of each timing")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--folder", help="of another text")
    parser.add_argument("--windows", type=int, default=1600, help="of 20 tokens, that are learned from")
    parser.add_argument("--pretrain", type=int, default=1, help="epochs of the supernet")
    parser.add_argument("--evaluations", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=4, help="of every training")
    parser.add_argument("--random", type=int, default=2, help="random cells for each seed")
    parser.add_argument("--out", type=Path, default=Path("runs/recurrent"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.what != "search":
        speed(given) if given.what == "speed" else docstrings(Path(given.folder or "runs/docstrings"))
        return
    given.out.mkdir(parents=True, exist_ok=True)
    print(text_statistics(load("text", folder=given.folder, train=given.windows, **TEXT)))
    search(given)


if __name__ == "__main__":
    main()
