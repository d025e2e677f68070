"""The kit itself: reports, kinds, the command and the base class of tests."""

from __future__ import annotations

import random
import textwrap
from functools import partial

import numpy as np
import pytest
from deap import tools
from typer.testing import CliRunner

from tdgnas import operators
from tdgnas.cli import app
from tdgnas.spaces import NASBench201
from tdgnas.strategies import GA
from tdgnas.testing import (
    KINDS,
    ConformanceError,
    check_anything,
    check_mutation,
    check_selection,
    kind_of,
    load,
)
from tdgnas.testing.generators import drawn_from


def mutBad(individual):
    individual[0] += random.random()
    return individual


def mutNumpy(individual):
    individual[0] += np.random.normal()
    return (individual,)


def test_a_report_has_a_line_for_every_violation_and_is_raised_unless_it_is_asked_for() -> None:
    report = check_mutation(mutBad, report_only=True)
    assert [violation.rule for violation in report.violations] == ["returns a tuple"]
    assert str(report).splitlines()[0] == "mutBad violates 1 of 14 rules of a mutation:"
    with pytest.raises(ConformanceError, match="write `return individual,`") as error:
        check_mutation(mutBad)
    assert error.value.report.violations == report.violations
    assert isinstance(error.value, AssertionError)


def test_what_is_declared_is_allowed() -> None:
    with pytest.raises(ConformanceError, match=r"draws from numpy.random, declared is random"):
        check_mutation(mutNumpy)
    assert check_mutation(mutNumpy, generators=("numpy.random",)).ok


def test_rules_can_be_skipped_by_name_only() -> None:
    report = check_mutation(mutBad, skip=("returns a tuple",))
    assert report.ok
    assert report.skipped == ["returns a tuple"]
    with pytest.raises(ValueError, match="no rule 'is fast' to skip; it has: can be called"):
        check_mutation(mutBad, skip=("is fast",))


def test_stock_operators_on_bits_and_on_genes_of_ones_own() -> None:
    assert check_mutation(tools.mutFlipBit, genes="binary", indpb=0.2, containers=("list",)).ok
    permutation = partial(random.Random.sample, population=range(12), k=12)
    assert check_mutation(tools.mutShuffleIndexes, genes=permutation, indpb=0.3).ok
    with pytest.raises(ValueError, match="genes must be real or binary"):
        check_mutation(tools.mutFlipBit, genes="bits")
    with pytest.raises(ValueError, match="containers must be some of"):
        check_mutation(tools.mutFlipBit, containers=("set",))


def test_partial_functions_are_checked_as_they_are() -> None:
    assert check_mutation(partial(tools.mutGaussian, mu=0.0, sigma=0.1, indpb=0.5)).subject == "mutGaussian"


def test_a_check_leaves_the_global_generators_as_they_were() -> None:
    assert drawn_from(lambda: check_mutation(tools.mutGaussian)) == set()
    assert drawn_from(lambda: check_mutation(mutNumpy, report_only=True)) == set()


def test_checks_agree_with_themselves() -> None:
    reports = [str(check_selection(tools.selRoulette, report_only=True)) for _ in range(2)]
    assert reports[0] == reports[1]


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        (tools.selBest, "selection"),
        (partial(tools.cxUniform, indpb=0.5), "crossover"),
        (operators.mutFlipGate, "mutation"),
        (operators.lsDARTS, "local-search"),
        (operators.initUniform, "initialiser"),
        (operators.Constant(1.0), "schedule"),
        (operators.ShannonEntropy, "entropy"),
        (NASBench201, "space"),
        (GA, "strategy"),
        (operators.evalBaldwinian, "fitness"),
    ],
)
def test_the_kind_is_found_out(subject, kind) -> None:
    assert kind_of(subject) == kind
    assert kind in KINDS


def test_what_nothing_tells_is_asked_for() -> None:
    with pytest.raises(ValueError, match="say --kind: selection, mutation"):
        kind_of(random.gauss)
    with pytest.raises(ValueError, match=r"write `def mutX\(individual\)"):
        kind_of(lambda individual: (individual,))  # was taken for a fitness, by its parameter
    with pytest.raises(ValueError, match="no kind 'mutator'"):
        check_anything(mutBad, "mutator")
    with pytest.raises(TypeError, match="an operator is a function"):
        check_anything(3, "mutation")


def test_a_class_of_a_schedule_is_made_with_its_parameters() -> None:
    assert check_anything(operators.Geometric, start=1.0, stop=0.1, ngen=5).ok


def test_things_are_found_by_module_and_by_name() -> None:
    assert load("deap.tools:selBest") is tools.selBest
    assert load("tournament") is tools.selTournament
    assert load("nasbench201") is NASBench201
    assert load("ga") is GA
    with pytest.raises(ValueError, match=r"no module 'deapp.tools'; install its package"):
        load("deapp.tools:selBest")
    with pytest.raises(ValueError, match=r"deap.tools has no 'selBests'; did you mean selBest"):
        load("deap.tools:selBests")
    with pytest.raises(ValueError, match=r"write my_package\.my_module:my_operator"):
        load("nothing-like-this")
    with pytest.raises(ValueError, match=r"is not registered \(deap.tools:selBest\?\)"):
        load("deap.tools.selBest")


def test_the_command_prints_every_rule_and_exits_with_1_for_a_violation() -> None:
    good = CliRunner().invoke(app, ["check", "flip-gate", "--set", "indpb=0.1"])
    assert good.exit_code == 0, good.output
    assert good.output.count("yes  ") == 14
    bad = CliRunner().invoke(app, ["check", "deap.tools:selTournament"])
    assert bad.exit_code == 1
    assert "no   lets no NaN through" in bad.output
    assert "raise a ValueError that says which individual it is" in bad.output
    skipped = CliRunner().invoke(app, ["check", "deap.tools:selTournament", "--skip", "lets no NaN through"])
    assert skipped.exit_code == 0
    unknown = CliRunner().invoke(app, ["check", "random:gauss"])
    assert unknown.exit_code == 1


class Outcomes:
    """A pytest plugin that notes what happened."""

    def __init__(self):
        self.passed, self.failed, self.errors = [], [], []

    def pytest_runtest_logreport(self, report):
        if report.when == "call":
            (self.passed if report.passed else self.failed).append(report)

    def pytest_collectreport(self, report):
        self.errors += [report] if report.failed else []


def run_tests(path, code) -> Outcomes:
    path.write_text(textwrap.dedent(code))
    outcomes = Outcomes()
    pytest.main(
        ["-q", "-p", "no:cacheprovider", "--noconftest", "-c", "/dev/null", str(path)], plugins=[outcomes]
    )
    return outcomes


def test_the_base_class_has_a_test_for_every_rule_and_fails_where_the_kit_does(tmp_path) -> None:
    outcomes = run_tests(
        tmp_path / "test_mine.py",
        """
        import random
        from tdgnas.testing import Conformance

        def mutBad(individual):
            individual[0] += random.random()
            return individual

        class TestBad(Conformance):
            subject = staticmethod(mutBad)

        class TestSkipped(Conformance):
            subject = mutBad
            skip = ("returns a tuple",)
        """,
    )
    assert len(outcomes.passed) == 26
    (failure,) = outcomes.failed
    assert failure.nodeid.endswith("TestBad::test_conformance[returns a tuple]")
    assert "write `return individual,`" in failure.longreprtext


def test_the_base_class_without_a_subject_says_what_to_write(tmp_path) -> None:
    outcomes = run_tests(
        tmp_path / "test_nothing.py",
        """
        from tdgnas.testing import Conformance

        class TestNothing(Conformance):
            pass
        """,
    )
    assert "write `subject = staticmethod(mutMine)`" in outcomes.errors[0].longreprtext
