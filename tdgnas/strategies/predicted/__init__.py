"""Searches that predict how good an architecture is before they pay for it: a model, and what is asked for next."""

from .aging import *
from .bananas import *
from .forest import *
from .gp import *
from .model import *
from .pnas import *
from .search import *
from .tdga import *
