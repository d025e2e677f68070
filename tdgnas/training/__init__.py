"""Training of one network from scratch."""

from .evaluation import evaluate
from .recipe import Recipe, darts_cifar10, vgg_cifar10
from .trainer import EpochRecord, Training, TrainingDiverged, train

__all__ = [
    "EpochRecord",
    "Recipe",
    "Training",
    "TrainingDiverged",
    "darts_cifar10",
    "evaluate",
    "train",
    "vgg_cifar10",
]
