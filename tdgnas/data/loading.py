"""``load``: a data set by its name."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from functools import partial

from ..registry import Registry
from ..tasks import TASKS, Task
from .cifar import LAYOUTS, read_cifar
from .cluttered import read_cluttered_digits
from .csv import read_csv
from .digits import read_digits, read_digits_ink, read_digits_parts
from .folder import read_folder
from .source import Source, data_root
from .splits import Splits
from .splitting import check_request, make_splits
from .streams import read_stream
from .text import read_characters, read_text
from .torchvision_sets import TORCHVISION_SETS, read_torchvision


def _check_reader(value: object) -> None:
    if not callable(value):
        raise TypeError(f"{value!r} is no reader of a data set; register a function that returns a Source")


#: Readers of data sets by name, those of other packages under the entry point group ``tdgnas.data``. A reader returns a
#: :class:`Source`, or :class:`Splits` where the parts are given. Where its signature names them it is given ``root``
#: (the folder of the data sets), and of :func:`load`'s parameters ``folder``, ``size``, ``channels``, ``download``,
#: ``segment``, ``vocabulary`` and ``workers``.
DATA: Registry[Callable[..., Source | Splits]] = Registry("data set", "tdgnas.data", _check_reader)
for _reader in (read_digits, read_digits_ink, read_digits_parts, read_cluttered_digits):
    DATA.register(_reader.__name__.removeprefix("read_").replace("_", "-"))(_reader)
for _names, _read in ((LAYOUTS, read_cifar), (TORCHVISION_SETS, read_torchvision)):
    for _name in _names:
        DATA.register(_name)(partial(_read, _name))
DATA.register("csv")(read_csv)
DATA.register("folder")(read_folder)
DATA.register("stream")(read_stream)
DATA.register("text")(read_text)
DATA.register("text-characters")(read_characters)


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
    task: str | Task | None = None,
    segment: int = 35,
    vocabulary: int | None = None,
    workers: int = 2,
) -> Splits:
    """A data set divided into train, valid and test: disjoint, every class in its share, fixed by ``seed``.

    >>> data = load("digits")
    >>> data.image_shape, len(data.train), len(data.valid), len(data.test)
    ((3, 32, 32), 899, 449, 449)

    :param name: ``digits`` (embedded in scikit-learn; ``digits-ink`` and ``digits-parts`` are the same images with
        numbers and with several labels to learn, ``cluttered-digits`` harder images made of them), ``cifar10``,
        ``cifar100``, ``mnist``, ``fashion-mnist``, ``kmnist``, ``svhn``, ``folder`` (images, a subfolder per class),
        ``stream`` (the same, read while it is needed),
        ``csv`` (a file of features), or what is registered in :data:`DATA`.
    :param folder: where the files are; default: the environment variable TDGNAS_DATA, else
        ``~/.cache/tdgnas``. For ``folder``, the folder of images itself; for ``csv``, the file. Not used by ``digits``.
    :param size: side of the square images; default: 32 for digits and the MNIST-like sets, else as they are.
    :param channels: 1 or 3; default: 3 for digits and the MNIST-like sets, else as they are.
    :param valid: part of the training images that validates, as a share (0.5) or a number (25000); default:
        one half (the published CIFAR-10 search), or one third where there is no official test part.
    :param train: keep only so many training images.
    :param test: share or number of test images: an official test part is cut to it, otherwise it is held out
        (default: a quarter).
    :param seed: decides the split, the same on every machine. No global random state is read or moved.
    :param download: let torchvision download what is missing (CIFAR, MNIST-like, SVHN).
    :param segment: of texts, tokens that gradients reach back.
    :param vocabulary: of texts, keep only so many tokens, the most frequent.
    :param task: learn this instead of the data set's own task: a name in :data:`tdgnas.tasks.TASKS`, or a task.
    :param workers: processes that read ahead, of ``stream``.
    :raises ValueError: for an unknown name, or an impossible size, count or share.
    :raises DataNotFound: when files are missing; it says where they were looked for and how to get them.
    :raises DataDamaged: when a file does not hold what it should.
    """
    check_request(size, channels, valid, train, test, seed)
    reader = DATA.get({_plain(known): known for known in DATA.names()}.get(_plain(name), name))
    given = {"folder": folder, "size": size, "channels": channels, "download": download}
    given |= {"segment": segment, "vocabulary": vocabulary, "workers": workers}
    given["root"] = data_root(folder)
    known = inspect.signature(reader).parameters
    source = reader(**{key: value for key, value in given.items() if key in known})
    if isinstance(source, Splits):
        splits = source.shortened(train=train, valid=valid, test=test)
    else:
        splits = make_splits(
            source, size=size, channels=channels, valid=valid, train=train, test=test, seed=seed
        )
    if task is None:
        return splits
    return splits.learning(TASKS.get(task) if isinstance(task, str) else task)


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")
