"""Cells of recurrent networks: DARTS' and ENAS', and the frame that runs them over a text."""

from .cells import PUBLISHED, DartsRnn, EnasRnn, PairSpace, RecurrentSpace
from .frame import Frame, RecurrentNetwork

__all__ = ["PUBLISHED", "DartsRnn", "EnasRnn", "Frame", "PairSpace", "RecurrentNetwork", "RecurrentSpace"]
