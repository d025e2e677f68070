"""Searches that try many architectures with little effort and give more of it to the promising ones."""

from .asha import *
from .bohb import *
from .brackets import *
from .rungs import *
from .tdga import *
