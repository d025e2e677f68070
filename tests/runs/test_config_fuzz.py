"""Configurations: every mistake is a sentence that names the key, and nothing is begun."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from typer.testing import CliRunner

from tdgnas.cli import app
from tdgnas.runs import Config as Settings
from tdgnas.runs import ConfigError, Experiment, make_config
from tdgnas.runs.config import config_text, parse_assignment, read_config, read_versions

Config = Callable[..., Settings]


def keys_of(model: type[BaseModel], prefix: str = "") -> dict[str, Any]:
    """All keys with their types; ``space.settings`` takes anything, which the space judges."""
    found: dict[str, Any] = {}
    for key, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found.update(keys_of(field.annotation, f"{prefix}{key}."))
        else:
            found[f"{prefix}{key}"] = field.annotation
    return found


KEYS = keys_of(type(make_config({})))
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=12),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
    st.sampled_from(
        ["cosine", "step", "cuda", "none", "nan", "relaxed", "geometric", "feedback", 0, -1, 1e400]
    ),
)
quick = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def attempt(function: Callable[..., Any], *arguments: Any) -> tuple[Any, str]:
    """Return the result, or None and the sentence; any other exception fails the test."""
    try:
        return function(*arguments), ""
    except ConfigError as error:
        return None, str(error)


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for key, value in flat.items():
        place = document
        *sections, last = key.split(".")
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                return document
        place[last] = value
    return document


@quick
@given(st.dictionaries(st.one_of(st.sampled_from(sorted(KEYS)), st.text(max_size=8)), ANYTHING, max_size=4))
def test_any_document_is_a_configuration_or_a_sentence(flat: dict[str, Any]) -> None:
    config, sentence = attempt(make_config, nested(flat))
    assert config is not None or "the configuration cannot be used" in sentence
    assert config is None or make_config(config.model_dump()) == config


@quick
@given(st.sampled_from(sorted(KEYS)), ANYTHING)
def test_a_wrong_value_is_named_by_its_key(key: str, value: Any) -> None:
    found, sentence = attempt(make_config, nested({key: value}))
    if found is None:
        assert key.split(".")[0] in sentence
        return
    for part in key.split("."):
        found = getattr(found, part)
    allowed = KEYS[key]
    plain = allowed is Any or get_origin(allowed) is not None or get_args(allowed)
    assert found is None or plain or isinstance(found, allowed)
    assert not isinstance(found, float) or math.isfinite(found)


@quick
@given(st.text(max_size=30))
def test_any_assignment_is_a_key_and_a_value_or_a_sentence(text: str) -> None:
    found, sentence = attempt(parse_assignment, text)
    assert "is no assignment" in sentence or "several lines" in sentence if found is None else all(found[0])


@quick
@given(st.binary(max_size=40))
def test_any_file_is_toml_or_a_sentence(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.toml"
    path.write_bytes(data)
    found, sentence = attempt(read_config, path)
    assert isinstance(found, dict) or "fuzz.toml" in sentence


WILD_SETTINGS = st.dictionaries(
    st.sampled_from(["width", "max_stride", "classes", "image_size", "in_channels", "wisdom"]),
    st.one_of(
        st.integers(-2, 40), st.floats(-1, 1), st.booleans(), st.text(max_size=3), st.lists(st.integers())
    ),
    max_size=2,
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "device": st.sampled_from(["cuda:99", "warp", "cpu", ""]),
            "space.name": st.sampled_from(["vgg-shortcuts", "nasbench201", "vgg"]),
            "space.settings": WILD_SETTINGS,
            "data.name": st.sampled_from(["digits", "cifar10", "folder", "digit"]),
            "data.folder": st.just("/nonexistent"),
            "data.train": st.integers(1, 2000),
            "data.valid": st.one_of(st.floats(0.01, 0.99), st.integers(1, 10_000)),
            "data.size": st.integers(1, 40),
            "strategy.variation.mutate": st.sampled_from(
                ["gaussian", "uniform", "gausian", "layer-order", "choice"]
            ),
            "strategy.variation.mate": st.sampled_from(["uniform", "gaussian", "target", "layer-order"]),
            "strategy.selection.operator": st.sampled_from(
                ["tournament", "thermodynamic", "nsga2", "best", "darts"]
            ),
            "fitness.size": st.integers(2, 10_000),
            "fitness.batchnorm": st.sampled_from(["batch", "recalibrated"]),
            "retrain.schedule": st.sampled_from(["step", "cosine"]),
            "retrain.milestones": st.lists(st.integers(-1, 5), max_size=3),
            "tensorboard": st.booleans(),
        },
    )
)
def test_what_cannot_be_built_is_refused_before_a_folder_is_made(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch_module: Any, changes: dict[str, Any]
) -> None:
    """Spaces, data and operators judge their own settings; nothing is trained in this test."""
    folder = tmp_path_factory.getbasetemp() / "never"
    base = {"space.settings": {"width": 0.03125}, "data.train": 64, "data.valid": 64.0, "data.test": 64}
    config, sentence = attempt(make_config, nested({**base, **changes}))
    run = None
    if config is not None:
        run, sentence = attempt(lambda: Experiment(config, folder=folder))
    sentence = sentence.removeprefix("the configuration cannot be used:\n  ")
    assert run is not None or sentence.split(":")[0].split(".")[0] in Settings.model_fields
    assert not folder.exists()


@pytest.fixture(scope="module")
def monkeypatch_module() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TDGNAS_DATA", "/nonexistent")
        yield patch


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["--set", "strategy.populatio=5"],
            "strategy.populatio: there is no such key; did you mean 'population'?",
        ),
        (["--set", "budget.limit=five"], "budget.limit: input should be a valid number (given: 'five')"),
        (["--set", "budget.limit"], "is no assignment"),
        (["--set", "seed=1\nretrain.epochs=2"], "has several lines; give --set once for each key"),
        (["--set", "strategy=5"], "strategy: "),
        (["--set", "fitness.mode=best"], "fitness.mode"),
        (["--set", "seed=true"], "seed: input should be a valid integer"),
        (["--set", "pretrain.lr=1e-4"], "pretrain: lr_min (0.001) is larger than lr (0.0001)"),
        (
            ["--set", "pretrain.alpha_weight_decay=1.7e308"],
            "pretrain.alpha_weight_decay: input should be less",
        ),
        (["--set", "retrain.seeds=1000000000"], "retrain.seeds: input should be less than or equal to 1000"),
        (["--set", "space.settings.width=0"], "space: width is 0"),
        (["--set", "space.name=vgg"], "no space 'vgg'; did you mean 'vgg-shortcuts'"),
        (["--device", "cpu", "--set", "device=cpu"], "is given twice, by --device and by --set"),
        (["--set", "data.valid=1.5"], "data: valid is 1.5; it is a share below 1 or a whole number of"),
        (["--set", "space.settings.depth=3"], "space: "),
        (
            ["--set", "strategy.variation.mutate=gausian"],
            "there is no operator 'gausian'; did you mean 'gaussian'?",
        ),
        (
            ["--set", "strategy.variation.mutate_parameters.sigm=1"],
            "the operator 'gaussian' has no parameter 'sigm'; it has mu, sigma, indpb",
        ),
        (["--set", "strategy.variation.mutate_parameters=3"], "strategy.variation.mutate_parameters: "),
        (
            ["--set", "strategy.selection={operator='tournament', parameters={tournsize='many'}}"],
            "strategy.select: 'tournament' fails on the space 'vgg-shortcuts'",
        ),
        (["--set", "strategy.variation.mutate=uniform"], "'uniform' is made for 'mate', not for 'mutate'"),
        (["--set", "strategy.selection.operator=thermodynamics"], "did you mean 'thermodynamic'"),
        (["--set", "strategy.selection.operator=uniform"], "'uniform' is made for 'mate', not for 'select'"),
        (["--device", "warp"], "device: 'warp' cannot be used here"),
        (["--device", "tpu0"], "device: 'tpu0' cannot be used here"),
        (["--set", "data.name=digit"], "data: there is no data set 'digit'; did you mean 'digits'"),
        (["--set", "data.name=digitz"], "did you mean 'digits'"),
        (
            ["--set", "data.name=cifar10", "--data-folder", "/nowhere"],
            "another place is given by --data-folder",
        ),
        (["--set", "data.name=folder", "--data-folder", "nowhere"], "data: "),
        (["--set", "data.name=folder"], "needs --data-folder, with one subfolder per class"),
        (["--set", "fitness.size=100000"], "fitness: "),
        (
            ["--set", "strategy.temperature.start=-1"],
            "strategy.temperature.start: input should be ",
        ),
        (
            ["--set", "strategy.temperature.schedule=feedback"],
            "temperature: a feedback schedule needs a target",
        ),
        (
            ["--set", "strategy.population=0"],
            "strategy.population: input should be ",
        ),
        (["--config", "missing.toml"], "there is no file missing.toml"),
        (["--set", "retrain.schedule='step'"], "retrain: "),
        (["--problem", "digits-vg"], "there is no problem 'digits-vg'; did you mean 'digits-vgg'?"),
        (["--strategy", "darts-tdgaa"], "there is no strategy 'darts-tdgaa'; did you mean 'darts-tdga'?"),
        (["--problem", "synthetic:sed=3"], "sed"),
        (
            ["--problem", "digits-vgg-tiny", "--strategy", "random", "--budget", "100"],
            "budget: 100 passes are too few for one evaluation, which takes 128",
        ),
        (
            ["--problem", "synthetic"],
            "'darts-tdga' follows gradients of alpha, and the fitness 'table' has none; what fits",
        ),
        (
            ["--strategy", "aging", "--unit", "seconds", "--budget", "9"],
            "'main' has no seconds; it counts generations",
        ),
        (["--strategy", "aging", "--unit", "passes"], "budget: one in passes needs its size: add --budget"),
    ],
)
def test_mistakes_on_the_command_line_are_sentences_before_anything_is_written(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    out = tmp_path / "run"
    untrained = [] if "--problem" in arguments else ["--set", "pretrain.epochs=0"]
    result = CliRunner().invoke(app, ["search", "--out", str(out), *untrained, *arguments])
    assert result.exit_code == 1, result.output
    assert sentence in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert not out.exists()


def test_the_printed_configuration_is_the_default_and_explains_every_key(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["config"])
    assert result.exit_code == 0
    (tmp_path / "default.toml").write_text(result.output)
    assert make_config(read_config(tmp_path / "default.toml")) == make_config({})
    lines = [line for line in result.output.splitlines() if " = " in line]
    assert len(lines) == len(KEYS)
    assert all("  # " in line for line in lines)


def test_a_configuration_comes_back_from_its_text(tmp_path: Path, tiny: Config) -> None:
    strange = tiny(
        pretrain={"clip": None},
        data={"folder": 'C:\\data "quoted" \x7f ü', "train": 96},
        space={"settings": {"width": 0.5, "a key": [1, {"b": True}], "nothing": "none"}},
    )
    (tmp_path / "config.toml").write_text(config_text(strange, {"torch": "2"}), encoding="utf-8")
    assert make_config(read_config(tmp_path / "config.toml")) == strange
    assert read_versions(tmp_path / "config.toml") == {"torch": "2"}
    (tmp_path / "plain.toml").write_text("seed = 4\nbudget = { limit = 1 }\n")
    assert make_config(read_config(tmp_path / "plain.toml")).seed == 4
