"""Training of one network from scratch."""

from ..descent import TrainingDiverged
from .cards import Card, load_weights, make_card, save_model
from .evaluation import evaluate
from .export import EXPORTS, ExportDisagrees, export_network
from .generation import generate
from .plans import NetworkPlan, load_network
from .recipe import Recipe, darts_cifar10, darts_text, vgg_cifar10
from .retraining import retrain, training_card
from .trainer import EpochRecord, Training, train

__all__ = [
    "EXPORTS",
    "Card",
    "EpochRecord",
    "ExportDisagrees",
    "NetworkPlan",
    "Recipe",
    "Training",
    "TrainingDiverged",
    "darts_cifar10",
    "darts_text",
    "evaluate",
    "export_network",
    "generate",
    "load_network",
    "load_weights",
    "make_card",
    "retrain",
    "save_model",
    "train",
    "training_card",
    "vgg_cifar10",
]
