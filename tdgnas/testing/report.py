"""What a check found: the rules it tried, and a sentence for each one that is violated."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from ..mapping import name_of
from ..seeding import seed_everything
from .generators import preserved

Rule = Callable[[Any], Iterable[str] | None]
"""A rule takes the case that is checked and gives a sentence for a violation; at the first one it is left."""
Rules = dict[str, Rule]

#: Kept by every kind of thing; where it is violated the other rules are not tried.
FIRST = "can be called"
#: Tried next: what counts its calls has not had many by then.
SECOND = "repeats with the seed"


class Violation(NamedTuple):
    """A rule that does not hold, and the sentence that says how to mend it."""

    rule: str
    text: str


class ConformanceError(AssertionError):
    """Something violates the rules of its kind; the message lists how.

    :ivar report: the :class:`Report`.
    """

    def __init__(self, report: Report) -> None:
        super().__init__(str(report))
        self.report = report


@dataclass
class Report:
    """The outcome of a check.

    :param subject: name of what was checked.
    :param kind: what it was checked as, such as ``mutation``.
    :param rules: names of the rules that were tried.
    :param violations: what was found, in the order of the rules.
    :param skipped: names of the rules that were left out on request.
    """

    subject: str
    kind: str
    rules: list[str] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether no rule is violated."""
        return not self.violations

    def raise_if_any(self) -> Report:
        """Raise :class:`ConformanceError` when a rule is violated, else return the report."""
        if self.violations:
            raise ConformanceError(self)
        return self

    def __str__(self) -> str:
        if self.ok:
            return f"{self.subject} is a good {self.kind}: {len(self.rules)} rules hold"
        lines = [
            f"{self.subject} violates {len(self.violations)} of {len(self.rules)} rules of {_a(self.kind)}:"
        ]
        return "\n".join([*lines, *(f"  {rule}: {text}" for rule, text in self.violations)])


@dataclass
class Case:
    """What is checked, and the rules of its kind: the methods ``rule_...``, which give sentences.

    :param subject: what is checked.
    :cvar titles: names of rules that are no names of methods, by those that are.
    :cvar without: names of rules of the parent class that do not hold for this kind.
    """

    subject: Any
    titles: ClassVar[Mapping[str, str]] = {}
    without: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def of(cls, *arguments: Any, **options: Any) -> Any:
        """Make a case of what is checked and the options of the check."""
        return cls(*arguments, **options)

    @classmethod
    def rules(cls) -> Rules:
        """Return the rules by name: :data:`FIRST` and :data:`SECOND`, those of the class, those of its parents."""
        names = [name for kind in cls.__mro__ for name in vars(kind) if name.startswith("rule_")]
        spoken = {name: name.removeprefix("rule_").replace("_", " ") for name in names}
        named = {cls.titles.get(text, text): getattr(cls, name) for name, text in spoken.items()}
        kept = {name: rule for name, rule in named.items() if name not in cls.without}
        return {**{name: kept.pop(name) for name in (FIRST, SECOND) if name in kept}, **kept}

    @property
    def name(self) -> str:
        """What sentences call it."""
        return name_of(self.subject)

    def returned(self, value: object) -> str:
        """Begin the sentence about a value of a wrong type."""
        return f"{self.name} returned a value of type {type(value).__name__}"


@dataclass(frozen=True)
class Kind:
    """A kind of thing, and its check: called with something, it tries the rules of the kind.

    :param name: what it is called, such as ``mutation``.
    :param case: how it is checked.
    """

    name: str
    case: type[Case]

    @property
    def rules(self) -> Rules:
        """The rules by name."""
        return self.case.rules()

    def __call__(
        self, *arguments: Any, skip: Collection[str] = (), report_only: bool = False, **options: Any
    ) -> Report:
        """Try the rules, each with seeded random generators, which are put back afterwards.

        :param arguments: what is checked.
        :param skip: names of rules to leave out.
        :param report_only: return the report also where it has violations.
        :param options: of this kind, see there.
        :returns: the report.
        :raises ConformanceError: listing every rule that is violated and how to mend it, unless ``report_only``.
        :raises TypeError: when the subject is nothing of this kind.
        :raises ValueError: for impossible options, or when ``skip`` names a rule that does not exist.
        """
        unknown = sorted(set(skip) - set(self.rules))
        if unknown:
            raise ValueError(
                f"{_a(self.name)} has no rule {unknown[0]!r} to skip; it has: {', '.join(self.rules)}"
            )
        case = self.case.of(*arguments, **options)
        report = Report(case.name, self.name)
        for name, rule in self.rules.items():
            if name in skip:
                report.skipped.append(name)
                continue
            report.rules.append(name)
            text = first_violation(rule, case)
            if text is not None and text not in [violation.text for violation in report.violations]:
                report.violations.append(Violation(name, text))
            if text is not None and name == FIRST:
                break
        return report if report_only else report.raise_if_any()


def first_violation(rule: Rule, case: Case) -> str | None:
    """Return the first sentence that a rule gives, or the error that it met; None where it holds.

    Networks draw their weights from the global generators: seeded, a rule says the same every time.
    """
    with preserved():
        seed_everything(0)
        try:
            return next(iter(rule(case) or ()), None)
        except Exception as error:
            # Whatever the checked code raises where the rule calls it properly is a finding, not an accident.
            return f"raised {type(error).__name__}: {error}{_place(error)}{_hint(error)}"


def _a(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeio' else 'a'} {kind}"


def _place(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f" (line {frame.lineno} of {Path(frame.filename).name})"


def _hint(error: Exception) -> str:
    if "truth value of an array" in str(error):
        return "; ndarray individuals cannot be compared with == or `in`: compare objects by `is`, or list(individual)"
    return ""
