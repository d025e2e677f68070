"""One test for every rule of each plug-in."""

from tdgnas_example.operation import GatedConv
from tdgnas_example.operators import mutSwapGenes, selTruncation
from tdgnas_example.problem import focal_digits
from tdgnas_example.rule import cautious
from tdgnas_example.space import TwoLayers
from tdgnas_example.strategy import HillClimber
from tdgnas_example.task import FOCAL

from tdgnas.testing import Conformance


class TestMutSwapGenes(Conformance):
    subject = staticmethod(mutSwapGenes)


class TestSelTruncation(Conformance):
    subject = staticmethod(selTruncation)


class TestGatedConv(Conformance):
    subject = GatedConv


class TestTwoLayers(Conformance):
    subject = TwoLayers(channels=4, image_size=8)


class TestCautious(Conformance):
    subject = staticmethod(cautious)


class TestFocal(Conformance):
    subject = FOCAL


class TestFocalDigits(Conformance):
    subject = staticmethod(focal_digits)


class TestHillClimber(Conformance):
    subject = HillClimber
