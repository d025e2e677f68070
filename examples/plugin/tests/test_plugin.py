"""One test for every rule of each plug-in."""

from tdgnas_example.operators import mutSwapGenes, selTruncation
from tdgnas_example.space import TwoLayers
from tdgnas_example.strategy import HillClimber

from tdgnas.testing import Conformance


class TestMutSwapGenes(Conformance):
    subject = staticmethod(mutSwapGenes)


class TestSelTruncation(Conformance):
    subject = staticmethod(selTruncation)


class TestTwoLayers(Conformance):
    subject = TwoLayers(channels=4, image_size=8)


class TestHillClimber(Conformance):
    subject = HillClimber
