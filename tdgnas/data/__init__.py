"""Data sets in memory, split for architecture search."""

from ._torchvision import import_torchvision
from .augment import Augment, cutout, horizontal_flip, random_crop
from .batches import Batches
from .loading import DATA, load
from .source import DataDamaged, DataNotFound, Source
from .splits import ImageData, Splits, stratified

__all__ = [
    "DATA", "Augment", "Batches", "DataDamaged", "DataNotFound", "ImageData", "Source", "Splits", "cutout",
    "horizontal_flip", "import_torchvision", "load", "random_crop", "stratified",
]  # fmt: skip
