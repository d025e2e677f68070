"""Tables of trained networks: reading, refusing damage, and the fitness with its simulated clock."""

from __future__ import annotations

import builtins
import gzip

import numpy as np
import pytest

from tdgnas import batch_map
from tdgnas.fitness import (
    Table,
    TableDamaged,
    TableNotFound,
    TabularFitness,
    WithObjectives,
    find_table,
    load_table,
    nats_table,
    save_table,
    shipped,
    synthetic_table,
)
from tdgnas.runs.presets.published import CHAIN
from tdgnas.spaces import NASBench201, NasRL, VGGShortcuts

SPACE = NASBench201(channels=4, cells_per_stage=1)
HEADER = "arch,val_acc_12,test_acc_200,train_seconds_200"
NONE = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
SKIP = "|skip_connect~0|+|none~0|none~1|+|none~0|none~1|none~2|"
LINES = [HEADER, f"{NONE},10.5,20,1000", f"{SKIP},50,60.25,2000"]


def write(path, lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def table(tmp_path):
    return load_table(SPACE, write(tmp_path / "t.csv", LINES))


@pytest.fixture
def individuals():
    return [SPACE.encode(SPACE.from_string(text)) for text in (NONE, SKIP)]


def test_accuracies_are_shares_and_other_columns_as_they_are(table):
    assert table.name == "t"
    assert table.columns["val_acc_12"].tolist() == [0.105, 0.5]
    assert table.columns["train_seconds_200"].tolist() == [1000, 2000]


def test_the_signal_is_what_a_search_sees_and_final_the_result(table, individuals):
    fitness = TabularFitness(SPACE, table)
    assert fitness(individuals[0]) == (0.105,)
    assert fitness.batch(individuals) == [(0.105,), (0.5,)]
    assert batch_map(fitness, individuals) == [(0.105,), (0.5,)]
    assert fitness.final(SPACE.from_string(SKIP)) == 0.6025


def test_an_evaluation_costs_twelve_two_hundredths_of_the_training(table, individuals):
    fitness = TabularFitness(SPACE, table)
    fitness.batch(individuals)
    fitness.batch(individuals)
    assert fitness.budget.seconds == pytest.approx(3000 * 12 / 200)
    assert (fitness.budget.requests, fitness.budget.evaluations) == (4, 2)


def test_repeats_can_be_charged(table, individuals):
    fitness = TabularFitness(SPACE, table, repeats="charged")
    fitness.batch([individuals[0]] * 3)
    assert fitness.budget.seconds == pytest.approx(3 * 1000 * 12 / 200)
    assert fitness.budget.evaluations == 3


def test_asking_for_the_final_result_costs_nothing(table):
    fitness = TabularFitness(SPACE, table)
    fitness.final(SPACE.from_string(NONE))
    assert (fitness.budget.requests, fitness.budget.seconds) == (0, 0.0)


def test_a_column_of_seconds_goes_before_a_share_of_the_training():
    columns = {"val_acc_12": [0.5], "test_acc_200": [0.6], "train_seconds_200": [1e3], "seconds_12": [7.0]}
    table = Table("t", {(0,) * 6: 0}, {name: np.array(value) for name, value in columns.items()})
    assert TabularFitness(SPACE, table).seconds.tolist() == [7.0]
    assert TabularFitness(SPACE, table, cost="train_seconds_200").seconds.tolist() == [1000.0]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"signal": "val_acc_99"}, "no column 'val_acc_99'"),
        ({"final": "nothing"}, "no column 'nothing'"),
        ({"signal": "test_acc_200", "cost": "hours"}, "no column 'hours'"),
        ({"repeats": "sometimes"}, "free"),
    ],
)
def test_what_the_table_does_not_have_is_refused(table, options, word):
    with pytest.raises(ValueError, match=word):
        TabularFitness(SPACE, table, **options)


def test_an_architecture_outside_the_table_is_named(table):
    with pytest.raises(ValueError, match=r"no architecture \(3, 3, 3, 3, 3, 3\); it holds 2"):
        TabularFitness(SPACE, table).final(SPACE.architecture([3] * 6))


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        ([*LINES[:2], f"{SKIP},50"], "line 3: 2 fields instead of 4"),
        ([*LINES, LINES[1]], "line 4: .* in line 2 already"),
        ([*LINES[:2], f"{SKIP},fifty,60,1"], "line 3: could not convert"),
        ([*LINES[:2], f"{SKIP},nan,60,1"], "line 3: 'nan' is not a finite number"),
        ([*LINES[:2], "|sausage~0|,50,60,1"], "line 3: there is no operation 'sausage'"),
        (
            [*LINES[:2], f"{SKIP},150,60,1"],
            "line 3: val_acc_12 is 150, and an accuracy is from 0 to 100 percent",
        ),
        ([*LINES[:2], f"{SKIP},50,-5,1"], "line 3: test_acc_200 is -5, and an accuracy"),
        ([*LINES[:2], f"{SKIP},1e308,60,1"], "line 3: val_acc_12 is 1e308, and an accuracy"),
        ([*LINES[:2], f"{SKIP},50,60,-1"], "line 3: train_seconds_200 is -1, and no time is negative"),
        ([*LINES[:2], f"{SKIP},50,60,inf"], "line 3: 'inf' is not a finite number"),
        ([HEADER], "no architecture"),
        (["a,b", "1,2"], "has the columns"),
        ([""], "has the columns"),
    ],
)
def test_a_damaged_table_is_named_with_its_line(tmp_path, lines, word):
    with pytest.raises(TableDamaged, match=word):
        load_table(SPACE, write(tmp_path / "bad.csv", lines))


def test_a_gzip_file_that_was_cut_short_is_damaged(tmp_path):
    whole = save_table(SPACE, synthetic_table(SPACE), tmp_path / "t.csv.gz")
    whole.write_bytes(whole.read_bytes()[:20_000])
    with pytest.raises(TableDamaged, match="cannot be read"):
        load_table(SPACE, whole)


@pytest.mark.parametrize("content", [b"\x00\xff\xfe binary", b"\x1f\x8b broken"])
def test_a_file_that_is_no_csv_is_damaged(tmp_path, content):
    for name in ("t.csv", "t.csv.gz"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(TableDamaged):
            load_table(SPACE, tmp_path / name)


def test_a_missing_table_says_where_it_was_looked_for_and_how_to_get_one(tmp_path, monkeypatch):
    with pytest.raises(TableNotFound, match="NATS-Bench"):
        load_table(SPACE, tmp_path / "absent.csv")
    monkeypatch.setattr("tdgnas.fitness.table_files.table_places", lambda: iter([tmp_path / "here.csv.gz"]))
    with pytest.raises(TableNotFound, match=r"here\.csv\.gz.*nats_bench"):
        find_table()


def test_the_environment_says_where_tables_are(tmp_path, monkeypatch):
    path = write(tmp_path / "mine.csv", LINES)
    monkeypatch.setenv("TDGNAS_NB201", str(path))
    assert find_table() == path
    assert len(load_table(SPACE)) == 2
    monkeypatch.delenv("TDGNAS_NB201")
    monkeypatch.setenv("TDGNAS_DATA", str(tmp_path))
    with gzip.open(tmp_path / "nasbench201_cifar10.csv.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(LINES))
    assert len(load_table(SPACE)) == 2


def test_a_saved_table_reads_back_equal(tmp_path):
    table = synthetic_table(SPACE, seed=3)
    read = load_table(SPACE, save_table(SPACE, table, tmp_path / "t.csv"))
    assert dict(read.rows) == dict(table.rows)
    for name, values in table.columns.items():
        assert np.allclose(read.columns[name], values, rtol=1e-9)


@pytest.fixture
def plain():
    """A space without a text form, and two of its architectures measured."""
    space = VGGShortcuts(width=1 / 32)
    rows = {(0,) * len(space.decisions): 0, (1,) * len(space.decisions): 1}
    return space, Table("mine", rows, {"valid_acc": np.array([0.5, 0.25]), "test_acc": np.array([0.75, 0.5])})


@pytest.mark.parametrize("name", ["mine.csv", "mine.csv.gz"])
def test_a_table_of_a_space_without_text_form_raised_an_attribute_error(tmp_path, plain, name):
    space, table = plain
    read = load_table(space, save_table(space, table, tmp_path / name))
    assert (read.name, dict(read.rows)) == ("mine", dict(table.rows))
    fitness = TabularFitness(space, read, "valid_acc", final="test_acc")
    assert fitness.batch([space.encode(space.architecture(choices)) for choices in table.rows]) == [
        (0.5,),
        (0.25,),
    ]
    assert (fitness.budget.evaluations, fitness.budget.seconds) == (2, 0.0)


def test_a_table_by_decisions_or_under_another_key_is_read_for_any_space(tmp_path, table):
    names = [decision.name for decision in SPACE.decisions]
    lines = [",".join(["val_acc_12", *names]), ",".join(["10.5", *["none"] * 6])]
    assert load_table(SPACE, write(tmp_path / "d.csv", lines)).rows == {(0,) * 6: 0}
    keyed = write(tmp_path / "k.csv", [HEADER.replace("arch", "cell"), *LINES[1:]])
    assert load_table(SPACE, keyed, key="cell").rows == table.rows


def test_columns_that_name_no_architecture_are_a_sentence(tmp_path, plain):
    with pytest.raises(
        TableDamaged, match=r"'nasbench201' is a column for each of its 6 decisions .* 'arch' with"
    ):
        load_table(SPACE, write(tmp_path / "a.csv", ["a,b", "1,2"]))
    with pytest.raises(TableDamaged, match="no text form that 'arch' could hold"):
        load_table(plain[0], write(tmp_path / "b.csv", LINES))
    with pytest.raises(TableNotFound, match=r"there is no table .*nowhere\.csv\. With the package come"):
        load_table(plain[0], tmp_path / "nowhere.csv")


def test_a_synthetic_table_covers_the_space_and_is_fixed_by_its_seed():
    table, again, other = (synthetic_table(SPACE, seed) for seed in (0, 0, 1))
    assert len(table) == 15625
    assert np.array_equal(table.columns["val_acc_12"], again.columns["val_acc_12"])
    assert not np.array_equal(table.columns["val_acc_12"], other.columns["val_acc_12"])
    signal, final = table.columns["val_acc_12"], table.columns["test_acc_200"]
    assert 0 < signal.min() <= signal.max() <= 1
    assert 0.5 < np.corrcoef(signal, final)[0, 1] < 1


class StandIn:
    """What the official API answers, for two architectures."""

    def __len__(self):
        return 2

    def arch(self, index):
        return (NONE, SKIP)[index]

    def get_more_info(self, index, dataset, iepoch=None, hp="12", is_random=True):
        assert not is_random
        if (dataset, hp) == ("cifar10-valid", "12"):
            return {"valid-accuracy": 40.0 + index, "train-all-time": 100.0, "valid-per-time": 5.0 + index}
        assert (dataset, hp) == ("cifar10", "200")
        return {"test-accuracy": 90.0 + index}

    def get_cost_info(self, index, dataset, hp="12"):
        return {"params": 1.5, "flops": 20.0, "latency": 0.1}


def test_the_official_api_gives_signal_result_and_cost(individuals):
    fitness = TabularFitness(SPACE, nats_table(SPACE, StandIn()))
    assert fitness.batch(individuals) == [(0.40,), (0.41,)]
    assert fitness.final(SPACE.from_string(SKIP)) == 0.91
    assert fitness.budget.seconds == pytest.approx(105.0 + 106.0)


def test_without_the_official_package_it_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("nats_bench"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match="pip install nats_bench"):
        nats_table(SPACE)


def test_a_size_can_stand_beside_any_fitness(table, individuals):
    fitness = TabularFitness(SPACE, table)
    sized = WithObjectives(fitness, SPACE)
    counts = [SPACE.parameters(SPACE.decode(individual)) / 1e6 for individual in individuals]
    assert sized.batch(individuals) == [(0.105, counts[0]), (0.5, counts[1])]
    assert sized(individuals[1]) == (0.5, counts[1])
    assert fitness.budget.requests == 3
    macs = WithObjectives(fitness, SPACE, ("macs",))(individuals[0])[1]
    assert macs == SPACE.macs(SPACE.decode(individuals[0])) / 1e6
    with pytest.raises(ValueError, match="macs"):
        WithObjectives(fitness, SPACE, ("weight",))


def test_the_real_table_has_what_was_published():
    try:
        table = load_table(NASBench201())
    except TableNotFound as error:
        pytest.skip(f"no table of NAS-Bench-201 here: {error}")
    space = NASBench201()
    fitness = TabularFitness(space, table)
    collapsed = (
        "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|skip_connect~1|skip_connect~2|"
    )
    assert len(table) == 15625
    assert round(100 * fitness.final(space.from_string(collapsed)), 2) == 54.30
    assert round(100 * fitness.finals.max(), 2) == 94.37


def test_the_table_of_nas_rl_comes_with_the_package():
    """All of its networks, measured: every line is one that the space makes, as large as the table says."""
    space = NasRL(**CHAIN, multiplier=0.5, in_channels=1, image_size=8)
    table = load_table(space, "nas-rl-digits")
    assert len(table) == 6**4
    assert shipped()["nas-rl-digits"].stat().st_size < 200_000
    for choices in list(table.rows)[::200]:
        parameters = space.parameters(space.architecture(choices))
        assert parameters == table.columns["parameters"][table.rows[choices]]
    fitness = TabularFitness(space, table, "val_acc_6", final="test_acc_6")
    assert fitness.fidelities == "epochs"
    early, late = table.columns["val_acc_2"], table.columns["val_acc_6"]
    assert early.mean() < late.mean()
    assert np.corrcoef(late, table.columns["test_acc_6"])[0, 1] > 0.9
    with pytest.raises(TableNotFound, match="With the package come nas-rl-digits"):
        load_table(space, "nas-rl-letters")
