"""The one-shot model: training it, evaluating individuals on it, its gradients."""

from .alternating import WeightTraining
from .batchnorm import BatchNormState, NodeBatchNorm2d
from .bilevel import alpha_gradient
from .counters import Counters
from .evaluation import POLICIES, EvaluationSet, Score, evaluate_one, evaluation_set
from .imagenet import load_imagenet
from .io import load_supernet, save_supernet
from .population import PopulationEvaluator
from .pretraining import EpochRecord, Pretraining
from .relaxation import RELAXATIONS, Relaxation
from .supernet import Supernet

__all__ = [
    "POLICIES",
    "RELAXATIONS",
    "BatchNormState",
    "Counters",
    "EpochRecord",
    "EvaluationSet",
    "NodeBatchNorm2d",
    "PopulationEvaluator",
    "Pretraining",
    "Relaxation",
    "Score",
    "Supernet",
    "WeightTraining",
    "alpha_gradient",
    "evaluate_one",
    "evaluation_set",
    "load_imagenet",
    "load_supernet",
    "save_supernet",
]
