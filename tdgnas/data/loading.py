"""``load``: a data set by its name."""

from __future__ import annotations

import difflib
import os

from .cifar import LAYOUTS, read_cifar
from .digits import read_digits
from .folder import read_folder
from .source import DataNotFound, Source, data_root
from .splits import Splits, check_request, make_splits
from .torchvision_sets import TORCHVISION_SETS, read_torchvision

__all__ = ["NAMES", "load"]

NAMES = ("digits", *LAYOUTS, *TORCHVISION_SETS, "folder")
SMALL_GREY = ("digits", "mnist", "fashion-mnist", "kmnist")  # brought to 3x32x32 unless asked otherwise


def load(
    name: str,
    *,
    folder: str | os.PathLike[str] | None = None,
    size: int | None = None,
    channels: int | None = None,
    valid: float | None = None,
    train: int | None = None,
    test: float | None = None,
    seed: int = 0,
    download: bool = False,
) -> Splits:
    """A data set divided into train, valid and test: disjoint, every class in its share, fixed by ``seed``.

    >>> data = load("digits")
    >>> data.image_shape, len(data.train), len(data.valid), len(data.test)
    ((3, 32, 32), 899, 449, 449)

    :param name: ``digits`` (embedded in scikit-learn), ``cifar10``, ``cifar100``, ``mnist``,
        ``fashion-mnist``, ``kmnist``, ``svhn``, or ``folder`` (images in one subfolder per class).
    :param folder: where the files are; default: the environment variable TDGNAS_DATA, else
        ``~/.cache/tdgnas``. For ``folder``, the folder of images itself. Not used by ``digits``.
    :param size: side of the square images; default: 32 for digits and the MNIST-like sets, else as they are.
    :param channels: 1 or 3; default: 3 for digits and the MNIST-like sets, else as they are.
    :param valid: part of the training images that validates, as a share (0.5) or a number (25000); default:
        one half (the published CIFAR-10 search), or one third where there is no official test part.
    :param train: keep only so many training images.
    :param test: share or number of test images: an official test part is cut to it, otherwise it is held out
        (default: a quarter).
    :param seed: decides the split, the same on every machine. No global random state is read or moved.
    :param download: let torchvision download what is missing (CIFAR, MNIST-like, SVHN).
    :raises ValueError: for an unknown name, or an impossible size, count or share.
    :raises DataNotFound: when files are missing; it says where they were looked for and how to get them.
    :raises DataDamaged: when a file does not hold what it should.
    """
    known = _canonical(name)
    check_request(size, channels, valid, train, test, seed)
    if known in SMALL_GREY:
        size = 32 if size is None else size
        channels = 3 if channels is None else channels
    source = _read(known, folder, size, channels, download)
    return make_splits(source, size=size, channels=channels, valid=valid, train=train, test=test, seed=seed)


def _canonical(name: str) -> str:
    plain = {_plain(known): known for known in NAMES}
    if _plain(name) in plain:
        return plain[_plain(name)]
    close = difflib.get_close_matches(_plain(name), plain, n=1)
    hint = f"; did you mean {plain[close[0]]!r}?" if close else ""
    raise ValueError(f"no data set is called {name!r}; there are {', '.join(NAMES)}{hint}")


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def _read(
    name: str, folder: str | os.PathLike[str] | None, size: int | None, channels: int | None, download: bool
) -> Source:
    if name == "digits":
        return read_digits()
    if name == "folder":
        if folder is None:
            raise DataNotFound("the data set 'folder' needs folder=..., with one subfolder per class in it")
        return read_folder(data_root(folder), size, channels)
    if name in LAYOUTS:
        return read_cifar(name, data_root(folder), download)
    return read_torchvision(name, data_root(folder), download)
