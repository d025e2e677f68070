"""The checks as pytest tests: one test for every rule."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

from .kinds import KINDS, check_anything, kind_of


class Conformance:
    """Base class of tests; inherit it and name the subject.

    ::

        from tdgnas.testing import Conformance

        class TestMyMutation(Conformance):
            subject = staticmethod(mutMine)
            options = {"sigma": 0.1}

    pytest then runs one test for every rule of a mutation.

    :cvar subject: what is tested: an operator, a space or its class, a strategy's class, a fitness...
    :cvar kind: what it is, see ``tdgnas.testing.KINDS``; found out from the subject when None.
    :cvar options: keywords of the check, such as parameters of the operator.
    :cvar skip: names of rules that do not apply.
    """

    subject: ClassVar[Any]
    kind: ClassVar[str | None] = None
    options: ClassVar[dict[str, Any]] = {}
    skip: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def _subject(cls) -> Any:
        # A plain function in a class body would be taken for a method.
        found = inspect.getattr_static(cls, "subject", None)
        if found is None:
            raise ValueError(f"{cls.__name__} names no subject; write `subject = staticmethod(mutMine)`")
        return found.__func__ if isinstance(found, staticmethod) else found

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Make a test of every rule; pytest calls this."""
        if "rule" in metafunc.fixturenames:
            rules = KINDS[self.kind or kind_of(self._subject())].rules
            metafunc.parametrize("rule", [rule for rule in rules if rule not in self.skip])

    def test_conformance(self, rule: str) -> None:
        """Raise :class:`ConformanceError` when a rule is violated."""
        subject = self._subject()
        rules = KINDS[self.kind or kind_of(subject)].rules
        others = [other for other in rules if other != rule]
        check_anything(subject, self.kind, skip=others, **self.options)
