"""Names, clashes and broken plug-ins."""

from __future__ import annotations

import importlib.metadata

import pytest

from tdgnas.registry import Registry


def test_a_name_is_found_an_unknown_one_hints_and_a_clash_names_both() -> None:
    registry: Registry[object] = Registry("operator", "none.such")

    @registry.register("flip")
    def mine() -> None:
        """Flip it.  Then rest. More."""

    assert registry.get("flip") is mine
    assert next(iter(registry)).summary == "Flip it"
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
