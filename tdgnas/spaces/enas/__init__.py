"""The two spaces of ENAS (Pham, Guan, Zoph, Le, Dean 2018): whole networks, and cells."""

from .macro import EnasMacro
from .micro import EnasMicro

__all__ = ["EnasMacro", "EnasMicro"]
