"""Searches with DEAP's ``generate`` and ``update``. A new strategy is a module here and one line below."""

from .aging import *
from .base import *
from .bayesian import *
from .controllers.enas import *
from .controllers.reinforce_lstm import *
from .create import *
from .darts import *
from .darts_tdga import *
from .decisions import *
from .fidelity import *
from .ga import *
from .gp import *
from .local_search import *
from .nash import *
from .nsga2 import *
from .one_plus_lambda import *
from .predicted import *
from .random_search import *
from .reinforce_table import *
from .steady import *
from .tdga import *
from .tdga_decisions import *
from .tdga_settings import *
from .tournament import *
from .unseen import *
