"""Genetic operators in DEAP's shape; they need neither torch nor a search space.

To add an operator, write it in the module of its kind (``selection``, ``diversity``, ``replacement``; ``crossover``,
``mutation``, ``graph_variation``, ``self_adaptive``; ``initialisation``, ``local_search``; an entropy or a schedule
likewise), with ``@OPERATORS.register("its-name")`` and its name in the module's ``__all__``; a module of its own is one
line here. Nothing else lists it: tests find it, and record its golden result. Operators change individuals in place and
return them as a tuple, selections return references, parameters go by keyword, and random numbers come from
:mod:`random` or from an ``rng`` passed in.
"""

if __name__ == "operators":
    raise ImportError(
        "operators at the root of the project is a link for readers; write `import tdgnas.operators`"
    )

from .crossover import *
from .diversity import *
from .entropy import *
from .gene_entropy import *
from .genes import *
from .graph_variation import *
from .initialisation import *
from .local_search import *
from .motifs import *
from .mutation import *
from .pareto import *
from .registry import *
from .replacement import *
from .schedules import *
from .selection import *
from .self_adaptive import *
