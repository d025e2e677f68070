"""Runs with operators of one's own, that have a state, from a module of one's own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tdgnas.operators import OPERATORS
from tdgnas.runs import Config as Settings
from tdgnas.runs import ConfigError, Experiment, Interrupted, make_config
from tdgnas.runs.config import read_config

MODULE = '''
import random
from tdgnas.operators import OPERATORS

class Annealed:
    """A Gaussian mutation whose step shrinks with every use."""

    __name__ = "mutAnnealed"
    sigma = 1.0

    def __call__(self, individual, indpb, limit=0.0):
        if limit != 9.5:
            raise ValueError(f"limit is {limit}; the configuration says 9.5")
        for place in range(len(individual)):
            if random.random() < indpb:
                individual[place] += max(-limit, min(limit, random.gauss(0, self.sigma)))
        self.sigma *= 0.97
        return (individual,)

    def state_dict(self):
        return {"sigma": self.sigma}

    def load_state_dict(self, state):
        self.sigma = state["sigma"]

OPERATORS.register("annealed")(Annealed())
'''
SECTIONS: dict[str, Any] = {
    "pretrain": {"epochs": 1},
    "strategy": {"variation": {"mutate": "annealed", "mutpb": 0.9, "mutate_parameters": {"limit": 9.5}}},
    "budget": {"limit": 3},
    "retrain": {"epochs": 0},
}


@pytest.fixture
def module(tmp_path: Path, monkeypatch: Any) -> Iterator[Path]:
    """A folder with the module in it; what it registers is taken out again."""
    (tmp_path / "my_annealed.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    OPERATORS._entries.pop("annealed", None)
    sys.modules.pop("my_annealed", None)


def test_a_run_with_an_operator_of_ones_own_is_resumed_elsewhere(
    module: Path, tiny: Callable[..., Settings], contents: Callable[[Path], dict[str, bytes]], listener: Any
) -> None:
    """In a process that has neither imported the module nor seen the operator's state."""
    config = tiny(**SECTIONS).model_copy(update={"imports": ["my_annealed"]})
    Experiment.start(module / "whole", config).execute()
    assert make_config(read_config(module / "whole" / "config.toml")) == config
    operator: Any = OPERATORS.get("annealed")
    assert operator.sigma < 1
    operator.sigma = 1.0
    run = Experiment.start(module / "run", config, listener(3))
    assert operator.sigma == 1.0  # tried before the run, and put back
    with pytest.raises(Interrupted):
        run.execute()
    code = (
        "from pathlib import Path; from tdgnas.runs import Experiment; Experiment.open(Path('run')).execute()"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=module, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert contents(module / "run") == contents(module / "whole")


def test_a_module_that_is_missing_is_named(tmp_path: Path, tiny: Callable[..., Settings]) -> None:
    config = tiny().model_copy(update={"imports": ["no_such_module"]})
    with pytest.raises(ConfigError, match="imports: there is no module 'no_such_module'"):
        Experiment.start(tmp_path / "run", config)
