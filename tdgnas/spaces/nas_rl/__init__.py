"""The space of NAS with reinforcement learning (Zoph, Le 2017): layers of tokens, joined in depth by anchors."""

from .layers import Layer
from .space import NasRL

__all__ = ["Layer", "NasRL"]
