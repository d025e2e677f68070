"""Cells of recurrent networks: DARTS' and ENAS', and the frame that runs them over a text."""

from .cells import PUBLISHED, DartsRnn, EnasRnn, PairSpace, RecurrentSpace
from .frame import Frame, RecurrentNetwork
from .tree import NasRLRnn

__all__ = [
    "PUBLISHED",
    "DartsRnn",
    "EnasRnn",
    "Frame",
    "NasRLRnn",
    "PairSpace",
    "RecurrentNetwork",
    "RecurrentSpace",
]
