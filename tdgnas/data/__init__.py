"""Data sets in memory, split for architecture search."""

from ._torchvision import import_torchvision
from .augment import Augment, cutout, horizontal_flip, random_crop
from .batches import Batches
from .loading import NAMES, load
from .source import DataDamaged, DataNotFound
from .splits import ImageData, Splits, stratified

__all__ = [
    "NAMES",
    "Augment",
    "Batches",
    "DataDamaged",
    "DataNotFound",
    "ImageData",
    "Splits",
    "cutout",
    "horizontal_flip",
    "import_torchvision",
    "load",
    "random_crop",
    "stratified",
]
