"""Data sets in memory, or read while they are needed, split for architecture search."""

from ._torchvision import import_torchvision
from .augment import Augment, cutout, horizontal_flip, random_crop
from .batches import Batches
from .loading import DATA, load
from .source import DataDamaged, DataNotFound, Source
from .splits import Data, ImageData, Splits, stratified
from .streamed import Streamed
from .streams import stream
from .text import TextStatistics, text_statistics
from .tokens import TokenData

__all__ = [
    "DATA", "Augment", "Batches", "Data", "DataDamaged", "DataNotFound", "ImageData", "Source", "Splits", "Streamed",
    "TextStatistics", "TokenData", "cutout", "horizontal_flip", "import_torchvision", "load", "random_crop",
    "stratified", "stream", "text_statistics",
]  # fmt: skip
