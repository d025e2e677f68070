"""The one-shot model: training it, evaluating individuals on it, its gradients."""

from .alternating import WeightSettings, WeightTraining
from .batchnorm import BatchNormState, NodeBatchNorm
from .bilevel import WeightStep, alpha_gradient, second_order_gradients
from .compiled import CompiledEvaluator
from .counters import Counters
from .evaluation import (
    POLICIES,
    EvaluationSet,
    Evaluator,
    Score,
    evaluate_one,
    evaluation_set,
    relaxed_scores,
)
from .guards import annealed, skip_dropout, stop_at_skips
from .imagenet import load_imagenet
from .io import load_supernet, save_supernet
from .path_training import Paths, PathTraining, make_pretraining
from .paths import SampledPath, sample_path
from .population import PopulationEvaluator
from .pretrain_settings import PathSettings, PretrainSettings
from .pretraining import EpochRecord, Pretraining
from .pruning import train_what_is_left
from .racing import Race, RacingEvaluator, race
from .recurrent import RecurrentEvaluator
from .relaxation import RELAXATIONS, Relaxation
from .split import Shares, SplitEvaluator
from .supernet import Supernet
from .tuning import Choice, fastest

__all__ = [
    "POLICIES",
    "RELAXATIONS",
    "BatchNormState",
    "Choice",
    "CompiledEvaluator",
    "Counters",
    "EpochRecord",
    "EvaluationSet",
    "Evaluator",
    "NodeBatchNorm",
    "PathSettings",
    "PathTraining",
    "Paths",
    "PopulationEvaluator",
    "PretrainSettings",
    "Pretraining",
    "Race",
    "RacingEvaluator",
    "RecurrentEvaluator",
    "Relaxation",
    "SampledPath",
    "Score",
    "Shares",
    "SplitEvaluator",
    "Supernet",
    "WeightSettings",
    "WeightStep",
    "WeightTraining",
    "alpha_gradient",
    "annealed",
    "evaluate_one",
    "evaluation_set",
    "fastest",
    "load_imagenet",
    "load_supernet",
    "make_pretraining",
    "race",
    "relaxed_scores",
    "sample_path",
    "save_supernet",
    "second_order_gradients",
    "skip_dropout",
    "stop_at_skips",
    "train_what_is_left",
]
