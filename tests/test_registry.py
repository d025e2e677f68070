"""Names, clashes and broken plug-ins."""

from __future__ import annotations

import importlib.metadata
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tdgnas
from tdgnas.operators import OPERATORS, bind, kind_of
from tdgnas.registry import NameTakenError, Registry, resolve
from tdgnas.spaces import SPACES
from tdgnas.strategies import STRATEGIES


def test_a_name_is_found_an_unknown_one_hints_and_a_clash_names_both() -> None:
    registry: Registry[object] = Registry("operator", "none.such")

    @registry.register("flip")
    def mine() -> None:
        """Flip it like :func:`~deap.tools.mutFlipBit`.  Then rest. More."""

    assert registry.get("flip") is mine
    assert next(iter(registry)).summary == "Flip it like deap.tools.mutFlipBit"
    with pytest.raises(ValueError, match="no operator 'flp'; did you mean 'flip'"):
        registry.get("flp")
    with pytest.raises(ValueError, match=r"'flip' is taken: .*test_registry has it and builtins wants it"):
        registry.register("flip")(int)
    registry.register("flip")(mine)


def test_plugins_are_loaded_and_a_broken_one_is_reported_and_does_not_stop_the_rest(monkeypatch) -> None:
    points = [
        importlib.metadata.EntryPoint("root", "math:sqrt", "test.group"),
        importlib.metadata.EntryPoint("broken", "no_such_module_at_all:thing", "test.group"),
    ]
    monkeypatch.setattr("tdgnas.registry.entry_points", lambda group: points if group == "test.group" else [])
    registry: Registry[object] = Registry("operator", "test.group")
    assert registry.names() == ["root"]
    assert registry.get("root")(4.0) == 2.0
    assert "no_such_module_at_all" in next(iter(registry.failures.values()))
    with pytest.raises(ValueError, match="could not be imported"):
        registry.get("broken")


def test_an_unknown_operator_is_told_the_names_of_its_kind_only() -> None:
    with pytest.raises(ValueError, match="no operator 'gausian'; did you mean 'gaussian'") as error:
        bind("mutate", "gausian", {})
    assert "flip-gate" in str(error.value)
    assert "thermodynamic" not in str(error.value)
    with pytest.raises(ValueError, match=r"no operator 'uniforn'\. There are: choice"):
        bind("mutate", "uniforn", {})  # a crossover has a name like it, no mutation has


def test_an_operator_of_ones_own_needs_no_name(tmp_path, monkeypatch) -> None:
    code = "def mutOwn(individual, *, indpb, factor=2.0):\n    return (individual,)\n"
    (tmp_path / "own_operators.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    bound = bind("mutate", "own_operators:mutOwn", {"indpb": 0.3, "sigma": 1.0})
    assert bound.func.__name__ == "mutOwn"
    assert bound.keywords == {"indpb": 0.3}
    own = bind("mutate", "own_operators:mutOwn", {"indpb": 0.3}, {"factor": 3.0, "indpb": 0.9})
    assert own.keywords == {"indpb": 0.9, "factor": 3.0}
    with pytest.raises(ValueError, match="no parameter 'factr'; it has indpb, factor"):
        bind("mutate", "own_operators:mutOwn", {"indpb": 0.3}, {"factr": 3.0})
    with pytest.raises(ValueError, match=r"needs the parameter 'indpb'.*among the operator's own"):
        bind("mutate", "own_operators:mutOwn", {})
    with pytest.raises(ValueError, match="'own_operators:mutOwn' is made for 'mutate', not for 'select'"):
        bind("select", "own_operators:mutOwn", {})
    with pytest.raises(ValueError, match="own_operators has no 'mutOwm'; did you mean mutOwn"):
        resolve("own_operators:mutOwm")
    with pytest.raises(ValueError, match=r"is a file; name its module: own_operators:mutOwn"):
        resolve("own_operators.py:mutOwn")


def test_a_module_that_lacks_another_one_is_not_called_missing_itself(tmp_path, monkeypatch) -> None:
    """Its name may begin with the name of what it lacks."""
    (tmp_path / "nosuch_operators.py").write_text("import nosuch\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="No module named 'nosuch'"):
        resolve("nosuch_operators:mutOwn")
    for missing in ("nosuch_either:mutOwn", "nosuch_package.nosuch_module:mutOwn"):
        with pytest.raises(ValueError, match=r"there is no module 'nosuch_"):
            resolve(missing)


def test_a_plugin_that_wants_a_taken_name_makes_that_name_an_error_and_no_other(monkeypatch) -> None:
    points = [
        importlib.metadata.EntryPoint("flip", "math:sqrt", "test.group"),
        importlib.metadata.EntryPoint("flop", "math:cos", "test.group"),
    ]
    monkeypatch.setattr("tdgnas.registry.entry_points", lambda group: points)
    registry: Registry[object] = Registry("operator", "test.group")
    registry.register("flip")(int)
    assert registry.names() == ["flip", "flop"]
    with pytest.raises(NameTakenError, match=r"'flip' is taken: builtins has it and math:sqrt wants it"):
        registry.get("flip")
    assert registry.get("flop")(0.0) == 1.0
    assert list(registry.failures) == ["flip from math:sqrt"]


def test_the_same_object_may_come_by_decorator_and_by_entry_point(monkeypatch) -> None:
    points = [importlib.metadata.EntryPoint("root", "math:sqrt", "test.group")]
    monkeypatch.setattr("tdgnas.registry.entry_points", lambda group: points)
    registry: Registry[object] = Registry("operator", "test.group")
    registry.register("root")(math.sqrt)
    assert registry.names() == ["root"]
    assert not registry.failures


def test_what_cannot_be_used_is_refused_at_once_or_reported(monkeypatch) -> None:
    with pytest.raises(ValueError, match="name it like selMine"):
        OPERATORS.register("odd")(math.sqrt)
    with pytest.raises(TypeError, match="subclass of"):
        SPACES.register("odd")(int)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="subclass of"):
        STRATEGIES.register("odd")(int)  # type: ignore[arg-type]
    assert "odd" not in OPERATORS.names() + SPACES.names() + STRATEGIES.names()

    points = [importlib.metadata.EntryPoint("root", "math:sqrt", "test.group")]
    monkeypatch.setattr("tdgnas.registry.entry_points", lambda group: points)
    registry: Registry[object] = Registry("operator", "test.group", kind_of)
    assert registry.names() == []
    assert "name it like selMine" in registry.failures["root from math:sqrt"]


OPERATOR = '''"""A mutation of its own module."""

from .registry import OPERATORS

__all__ = ["mutZero"]


@OPERATORS.register("zero")
def mutZero(individual):
    """Put the first gene to zero. It uses no random numbers."""
    individual[0] = 0.0
    return (individual,)
'''
STRATEGY = '''"""A strategy of its own module."""

from .base import STRATEGIES
from .random_search import RandomSearch

__all__ = ["Second"]


@STRATEGIES.register("second")
class Second(RandomSearch):
    """Random search once more."""
'''


def test_an_operator_or_a_strategy_is_its_module_and_one_line(tmp_path: Path) -> None:
    """A new operator took changes in four files."""
    copy = tmp_path / "tdgnas"
    shutil.copytree(Path(tdgnas.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for folder, module, text in (("operators", "zero", OPERATOR), ("strategies", "second", STRATEGY)):
        (copy / folder / f"{module}.py").write_text(text, encoding="utf-8")
        with (copy / folder / "__init__.py").open("a", encoding="utf-8") as init:
            init.write(f"from .{module} import *\n")
    code = (
        "from tdgnas import operators, strategies; "
        "assert operators.OPERATORS.get('zero') is operators.mutZero; "
        "assert operators.kind_of(operators.mutZero) == 'mutate'; "
        "assert strategies.STRATEGIES.get('second') is strategies.Second; "
        "assert sorted(strategies.option_names('second')) == ['batch', 'repeat']"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=True,
    )
