"""ENAS' two spaces: sizes, text forms, networks against a plain reading of the paper, searches."""

from __future__ import annotations

import math
import random

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from typer.testing import CliRunner

from tdgnas import SupernetFitness
from tdgnas.cli import app
from tdgnas.data import ImageData, Splits
from tdgnas.decision import Decision, Decisions
from tdgnas.individual import LossFitness
from tdgnas.runs.search import Search
from tdgnas.spaces import EnasMacro, EnasMicro, SearchSpace, load_architecture, save_architecture
from tdgnas.spaces.enas import macro, micro
from tdgnas.strategies import create
from tdgnas.supernet import PopulationEvaluator, Supernet, evaluate_one, evaluation_set

SIZES = {"channels": 4, "in_channels": 1, "image_size": 8, "classes": 3}
MACRO, MICRO = EnasMacro(layers=5, **SIZES), EnasMicro(layers=3, nodes=3, **SIZES)
each_space = pytest.mark.parametrize("space", [MACRO, MICRO], ids=lambda space: space.name)


def images(n: int, seed: int) -> ImageData:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 3, (n,), generator=generator)
    return ImageData(torch.randn(n, 1, 8, 8, generator=generator), labels, (0.0,), (1.0,))


def test_spaces_have_the_published_sizes() -> None:
    assert math.prod(EnasMacro().decisions.sizes) == 6**12 * 2**66
    assert f"{6**12 * 2**66:.3e}" == "1.606e+29"
    assert EnasMicro().published_size == 129_600_000_000  # 1.296e11


@pytest.mark.parametrize(("layers", "places"), [(12, (4, 8)), (24, (8, 16)), (3, (1, 2)), (2, (1,)), (1, ())])
def test_macro_halves_after_one_and_two_thirds(layers: int, places: tuple[int, ...]) -> None:
    assert EnasMacro(layers=layers).reductions == places


def test_micro_reduces_at_the_published_positions() -> None:
    assert EnasMicro().reductions == (2, 5)


@each_space
def test_text_forms_are_read_and_printed(space, tmp_path) -> None:
    rng = random.Random(0)
    for _ in range(20):
        architecture = space.sample(rng)
        text = space.to_string(architecture)
        assert space.from_string(text) == architecture
        assert space.from_string(" ".join(map(str, architecture.choices))) == architecture
    loaded, again = load_architecture(save_architecture(space, architecture, tmp_path / "a.json"))
    assert loaded.to_string(again) == text
    with pytest.raises(ValueError, match="numbers"):
        space.from_string("[1] [0 1]")
    with pytest.raises(ValueError, match="no architecture of ENAS"):
        space.from_string("conv3")


#: What the authors found: the fixed architectures of their released scripts.
PUBLISHED_MACRO = """
    [0] [3 0] [0 1 0] [2 0 0 1] [2 0 0 0 0] [3 1 1 0 1 0] [2 0 0 0 0 0 1] [2 0 1 1 0 1 1 1] [1 0 1 1 1 0 1 0 1]
    [0 0 0 0 0 0 0 0 0 0] [2 0 0 0 0 0 1 0 0 0 0] [0 1 0 0 1 1 0 0 0 0 1 1] [2 0 1 0 0 0 0 0 1 0 1 1 0]
    [1 0 0 1 0 0 0 1 1 1 0 1 0 1] [0 1 1 0 1 0 1 0 0 0 0 0 1 0 0] [2 0 0 1 0 0 0 0 0 0 0 1 0 1 0 1]
    [2 0 1 0 0 0 1 0 0 1 1 1 1 0 0 1 0] [2 0 0 0 0 1 0 1 0 1 0 0 1 0 1 0 0 1]
    [3 0 1 1 0 1 0 0 0 0 0 1 0 1 0 1 0 0 0] [3 0 1 1 0 0 0 0 0 0 0 0 0 1 1 0 0 0 0 1]
    [0 1 0 0 1 0 1 1 0 0 0 1 0 0 0 0 0 1 1 0 0] [3 0 1 0 1 1 0 0 1 0 1 1 0 1 1 0 1 0 0 1 0 0]
    [0 1 0 1 0 1 0 0 0 0 0 0 0 0 1 0 1 0 0 1 0 0 0] [0 1 1 0 0 0 1 1 1 0 1 0 0 0 1 0 1 0 0 1 1 0 0 0]
"""
PUBLISHED_MICRO = "0 2 0 0 0 4 0 1 0 4 1 1 1 0 0 1 0 2 1 1 | 1 0 1 0 0 3 0 2 1 1 3 1 1 0 0 4 0 3 1 1"


def test_the_authors_own_strings_are_networks(tmp_path) -> None:
    """The how-to says where these counts differ from the published ones, and why."""
    with torch.device("meta"):
        for space, text, size in (
            (EnasMacro(layers=24), " ".join(PUBLISHED_MACRO.split()), 30_891_370),
            (EnasMicro(), PUBLISHED_MICRO, 4_205_856),
        ):
            architecture = space.from_string(text)
            assert space.to_string(architecture) == text
            final = space.final_network(architecture)
            assert sum(parameter.numel() for parameter in final.parameters()) == size
    path = save_architecture(space, architecture, tmp_path / "architecture.json")
    shown = CliRunner().invoke(app, ["show", str(path)]).output
    assert f"text        {PUBLISHED_MICRO}" in shown
    assert "final form  4,205,856 parameters (channels 36, cells 17, auxiliary True, drop_path 0.4)" in shown


@pytest.mark.parametrize(
    ("space", "text", "message"),
    [
        (
            MACRO,
            "[0] [0 1] [2 0] [0 0 0 0] [0 0 0 0 0]",
            r"layer 3 is \[2 0\]; it has an operation and 2 skip bits",
        ),
        (
            MACRO,
            "[0] [6 1] [2 0 0] [0 0 0 0] [0 0 0 0 0]",
            "layer 2 has operation 6; there are 0 to 5: conv3",
        ),
        (MACRO, "[0] [0 1] [2 0 2] [0 0 0 0] [0 0 0 0 0]", r"layer 3 has the skip bits \[0, 2\]; each"),
        (MACRO, "[0] [0 1]", "5 layers .* takes 15 numbers; this has 3"),
        (
            MICRO,
            "0 0 0 0 3 0 0 0 0 0 0 0 | 0 0 0 0 0 0 0 0 0 0 0 0",
            "node 3 of the normal cell reads value 3, ",
        ),
        (
            MICRO,
            "0 0 0 0 0 0 0 0 0 0 0 0 | 0 0 0 5 0 0 0 0 0 0 0 0",
            "node 2 of the reduce cell has operation 5",
        ),
    ],
)
def test_what_is_wrong_in_a_text_is_named(space, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        space.from_string(text)


def test_text_forms_as_the_paper_writes_them() -> None:
    small = EnasMacro(layers=3)
    assert small.to_string(small.architecture([1, 5, 0, 3, 0, 1])) == "[1] [5 0] [3 0 1]"
    cell = EnasMicro(nodes=1)
    assert cell.to_string(cell.architecture([0, 1, 1, 4, 1, 0, 0, 2])) == "0 1 1 4 | 1 0 0 2"


def plain_macro(space: EnasMacro, ops: nn.ModuleDict, rows: list[list[int]], x: Tensor) -> Tensor:
    """The shared model, layer by layer."""
    outputs = [ops["stem"](x)]
    for layer, (op, *bits) in enumerate(rows, start=1):
        value = ops[f"layer{layer}_{macro.OPERATIONS[op]}"](outputs[-1])
        for source, bit in enumerate(bits):
            value = value + outputs[source] if bit else value
        outputs.append(ops[f"norm{layer}"](value) if layer > 1 else value)
        if layer in space.reductions:
            outputs = [ops[f"half{layer}_{place}"](each) for place, each in enumerate(outputs)]
    return ops["logits" if "logits" in ops else "head"](outputs[-1])


def plain_micro(space: EnasMicro, ops: nn.ModuleDict, cells: list[list[int]], x: Tensor) -> Tensor:
    """The shared model, cell by cell; loose ends by one convolution on their concatenation."""
    before = [ops["stem"](x)] * 2
    for cell in range(space.layers + 2):
        arc = cells[int(cell in space.reductions)]
        if cell in space.reductions:
            before = [before[1], ops[f"c{cell}_half"](before[1])]
        name = [f"c{cell}_pre{place}" for place in (0, 1)]
        values = [ops[n](v) if n in ops else v for n, v in zip(name, before, strict=True)]
        for node in range(2, space.intermediates + 2):
            parts = []
            for index, op in (arc[4 * (node - 2) :][:2], arc[4 * (node - 2) + 2 :][:2]):
                kind = list(micro.OPERATIONS)[op]
                place = f"from{index}" if kind in ("avg3", "max3") else f"{index}to{node}"
                parts.append(
                    values[index] if kind == "identity" else ops[f"c{cell}_{place}_{kind}"](values[index])
                )
            values.append(parts[0] + parts[1])
        loose = [each for each in range(len(values)) if each not in arc[::2]]
        weight = torch.cat([ops[f"c{cell}_out{each}"][1].weight for each in loose], dim=1)
        joined = functional.conv2d(torch.relu(torch.cat([values[each] for each in loose], dim=1)), weight)
        before = [before[1], ops[f"c{cell}_norm"](joined)]
    return ops["head"](before[1])


@pytest.mark.parametrize("seed", range(6))
def test_the_shared_networks_compute_what_the_paper_says(seed: int) -> None:
    rng, x = random.Random(seed), torch.randn(3, 1, 8, 8)
    for space in (MACRO, MICRO):
        architecture = space.sample(rng)
        supernet = Supernet(space, seed=seed).eval()
        with torch.no_grad(), supernet.batchnorm.use("batch"):
            found = supernet.discrete(x, architecture)
            if isinstance(space, EnasMacro):
                rows = [
                    [int(each) for each in row.split()]
                    for row in space.to_string(architecture)[1:-1].split("] [")
                ]
                expected = plain_macro(space, supernet.ops, rows, x)
            else:
                cells = [
                    [int(each) for each in part.split()] for part in space.to_string(architecture).split("|")
                ]
                expected = plain_micro(space, supernet.ops, cells, x)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@each_space
@pytest.mark.parametrize("policy", ["batch", "recalibrated", "running"])
def test_populations_are_scored_bit_for_bit_as_one_by_one(space: SearchSpace, policy) -> None:
    supernet = Supernet(space, seed=2, device="cpu").eval()
    calibration = images(12, 1) if policy == "recalibrated" else None
    where = evaluation_set(
        images(16, 0), batch_size=8, policy=policy, calibration=calibration, calibration_size=12
    )
    rng = random.Random(4)
    population = [space.sample(rng) for _ in range(6)]
    for place in range(0, len(space.decisions), 5):  # neighbours share much
        choices = list(population[0].choices)
        choices[place] = (choices[place] + 1) % len(space.decisions[place].choices)
        population.append(space.architecture(choices))
    evaluator = PopulationEvaluator(supernet, where)
    assert evaluator.scores(population) == [evaluate_one(supernet, where, each) for each in population]
    assert evaluator.counters.macs_executed < evaluator.counters.macs_requested


@each_space
@pytest.mark.parametrize("name", ["tdga", "ga", "aging", "local-search", "random", "reinforce-table"])
def test_stock_strategies_search_them(space: SearchSpace, name: str) -> None:
    fitness = SupernetFitness(Supernet(space, seed=1, device="cpu"), images(12, 3), size=12)
    strategy = create(name, space.decisions, seed=0, fitness=LossFitness)
    trace = Search(strategy, fitness, fitness.budget, unit="evaluations", limit=12, whole=True).run()
    assert fitness.budget.evaluations >= 12
    _, signal, genes = trace.points[-1]
    assert signal == pytest.approx(fitness.scores([fitness.decode(genes)])[0].loss)


@each_space
def test_gradients_of_alpha_reach_every_kind_of_decision(space: SearchSpace) -> None:
    splits = Splits("noise", images(24, 5), images(24, 6), images(8, 7), tuple("abc"), (0.0,), (1.0,))
    supernet = Supernet(space, splits, seed=1, device="cpu")
    genes = torch.randn(2, space.length, generator=torch.Generator().manual_seed(0)).double().numpy()
    gradients = supernet.alpha_gradients(genes, seed=0, batch_size=8)
    for decision, where in zip(space.decisions, space.slices, strict=True):
        assert (gradients[:, where] != 0).any(), decision.name


@each_space
def test_kinds_and_groups_say_which_questions_are_alike(space: SearchSpace) -> None:
    kinds = {decision.kind: decision.choices for decision in space.decisions}
    assert all(decision.choices == kinds[decision.kind] for decision in space.decisions)
    assert set(kinds) == ({"op", "skip"} if space is MACRO else {"op", "index2", "index3", "index4"})


def test_decisions_point_at_earlier_positions() -> None:
    groups = [decision.group for decision in MACRO.decisions]
    for decision in MACRO.decisions:
        if decision.kind == "skip":  # the published controller: output s is layer s + 1's first input
            source, layer = map(int, decision.name.split("-"))
            assert decision.points == (f"layer{source + 1}",)
            assert source + 1 < layer
    index = next(d for d in MICRO.decisions if d.name == "reduce 3.2 index")
    assert index.points == ("reduce 0", "reduce 1", "reduce 2")
    assert set(index.points) - {d.group for d in MICRO.decisions} == {"reduce 0", "reduce 1"}  # inputs
    assert not any(d.points for space in (MACRO, MICRO) for d in space.decisions if d.kind == "op")
    assert "layer0" not in groups


def test_a_decision_that_points_forward_is_refused() -> None:
    first = Decision("a", ("x", "y"), group="one")
    with pytest.raises(ValueError, match="points at 'two', whose decisions are not all made before it"):
        Decisions([first, Decision("b", ("no", "yes"), binary=True, group="two", points=("two",))])
    with pytest.raises(ValueError, match="points at 2 positions; it needs 3"):
        Decision("b", ("0", "1", "2"), points=("one", "zero"))


def test_final_networks_concatenate_what_the_search_adds() -> None:
    architecture = MACRO.from_string("[0] [1 1] [2 0 1] [4 1 1 0] [3 0 1 1 0]")
    network = MACRO.final_network(architecture, channels=6, image_size=16, classes=5).eval()
    assert network(torch.randn(2, 1, 16, 16)).shape == (2, 5)
    joins = {name: op[1].in_channels for name, op in network.ops.items() if name.startswith("join")}
    # Channels double after layers 1 and 3; a join has the operation's and every skipped output.
    assert joins == {"join2": 24, "join3": 24, "join4": 72, "join5": 72}
    with pytest.raises(ValueError, match="no option 'cells'"):
        MACRO.final_network(architecture, cells=3)
    cells = MICRO.from_string("0 0 1 1  2 2 0 3  2 4 2 4 | 0 0 0 0  0 0 0 0  0 0 0 0")
    assert MICRO.plan(cells, "normal").concat == (3, 4)
    assert MICRO.plan(cells, "reduce").concat == (2, 3, 4)
    final = MICRO.final_network(cells, channels=4, cells=4, auxiliary=False).eval()
    assert final(torch.randn(2, 1, 8, 8)).shape == (2, 3)
    assert EnasMicro().final_options["cells"] == 15 + 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layers": 0}, "layers is 0"),
        ({"image_size": 30}, "multiple of 4"),
        ({"dropout": 1.0}, "dropout is 1.0"),
    ],
)
@pytest.mark.parametrize("kind", [EnasMacro, EnasMicro])
def test_impossible_settings_are_refused(kind, settings, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(**settings)
