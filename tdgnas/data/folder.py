"""A folder of images: one subfolder per class, or train/, test/ (and valid/) with these inside."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from .source import DataDamaged, DataNotFound, Source, contents, data_root

GREY_MODES = frozenset({"1", "L", "I;16", "I;16L", "I;16B", "I;16N"})
UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)
LITTER = frozenset({"thumbs.db", "desktop.ini"})
LEAST = 3  # images per class: one for each part
MOST_PIXELS = 80_000_000  # of one file: a few kilobytes can stand for more than any memory holds
MOST_BYTES = 16 * 2**30  # of all images as they are kept


def read_folder(
    folder: str | os.PathLike[str] | None, size: int | None = None, channels: int | None = None
) -> Source:
    """Every image below the class folders of ``folder``; the folder's name is the class.

    Images of other sizes are stretched to ``size``, or, without it, to the commonest size there is. Palettes,
    CMYK and the like become RGB, transparency is laid over white, and a folder of grey images keeps one
    channel. Hidden files are passed over; anything else that is no image is an error that names it.

    :param folder: holds the class folders, or ``train`` with them inside, and beside it ``test`` and ``valid``.
    :param size: side of the square images, in pixels.
    :param channels: 1 or 3; None takes 3 unless all images are grey.
    :raises DataNotFound: when the folder, or its class folders, are not there.
    :raises DataDamaged: for a file that is no image, an empty class, or parts with different classes.
    """
    root, classes, files = images_below("folder", folder)
    shape, grey = survey([path for listed in files.values() for path, _ in listed])
    width, height = (size, size) if size is not None else shape
    mode = "L" if (channels == 1 or (channels is None and grey)) else "RGB"
    _check_room(root, sum(map(len, files.values())), width, height, len(mode))
    read = {part: _read(listed, (width, height), mode) for part, listed in files.items()}
    if "test" not in read or "valid" not in read:
        check_enough(root, classes, read["train"][1])
    return Source(
        "folder",
        classes,
        *read["train"],
        valid=read.get("valid"),
        test=read.get("test"),
        valid_share=0.5 if "test" in read else 1 / 3,
    )


def images_below(
    name: str, folder: str | os.PathLike[str] | None
) -> tuple[Path, tuple[str, ...], dict[str, list[tuple[Path, int]]]]:
    """Return the folder, its classes, and by part the image files with their labels; no file is opened.

    :param name: of the data set.
    :raises DataNotFound: when the folder, or its class folders, are not there.
    :raises DataDamaged: for an empty class, or parts with different classes.
    """
    if folder is None:
        raise DataNotFound(f"the data set {name!r} needs folder=..., with one subfolder per class in it")
    root = data_root(folder)
    parts = {part: place for part, place in _parts(root).items() if place is not None}
    names = {part: _class_folders(place) for part, place in parts.items()}
    classes = tuple(names["train"])
    for part, found in names.items():
        if tuple(found) != classes:
            odd = sorted(set(found) ^ set(classes))
            raise DataDamaged(
                f"{parts[part]} and {parts['train']} have different classes: {', '.join(odd[:8])}"
            )
    return root, classes, {part: _files(place, classes) for part, place in parts.items()}


def _parts(root: Path) -> dict[str, Path | None]:
    if not root.is_dir():
        raise DataNotFound(f"no folder of images: {contents(root)}. Give it by folder=...")
    train = root / "train"
    # A class may be called "train" too; only a folder of folders is a part.
    if not train.is_dir() or not any(path.is_dir() for path in train.iterdir()):
        return {"train": root}
    test, valid, val = (
        path if path.is_dir() else None for path in (root / "test", root / "valid", root / "val")
    )
    return {"train": train, "test": test, "valid": valid or val}


def _class_folders(folder: Path) -> list[str]:
    names = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if len(names) < 2:
        raise DataNotFound(
            f"{len(names)} class folders in {folder}, at least 2 are needed; {contents(folder)}. "
            "Put the images of each class into a subfolder that bears its name"
        )
    return names


def _files(folder: Path, classes: tuple[str, ...]) -> list[tuple[Path, int]]:
    listed: list[tuple[Path, int]] = []
    for label, name in enumerate(classes):
        found = sorted(
            path for path in (folder / name).rglob("*") if path.is_file() and not _is_litter(path, folder)
        )
        if not found:
            raise DataDamaged(f"the class folder {folder / name} has no images; add some or remove it")
        listed.extend((path, label) for path in found)
    return listed


def _is_litter(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return hidden or path.name.lower() in LITTER


def survey(paths: list[Path]) -> tuple[tuple[int, int], bool]:
    """The commonest (width, height), the smaller of equals, and whether all are grey; reads headers only."""
    sizes: Counter[tuple[int, int]] = Counter()
    grey = True
    for path in paths:
        try:
            with Image.open(path) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise ValueError(
                        f"it has {image.width} x {image.height} pixels; up to {MOST_PIXELS:,} are read"
                    )
                sizes[image.size] += 1
                grey = grey and image.mode in GREY_MODES
        except UNREADABLE as error:
            raise _no_image(path, error) from error
    return min(sizes, key=lambda size: (-sizes[size], size)), grey


def _check_room(root: Path, count: int, width: int, height: int, channels: int) -> None:
    needed = count * width * height * channels
    if needed > MOST_BYTES:
        raise DataDamaged(
            f"the {count} images of {root} at {width} x {height} pixels take {needed / 2**30:.0f} GiB, and are kept in "
            f"memory, where {MOST_BYTES // 2**30} GiB are allowed; give a smaller size=..."
        )


def _read(listed: list[tuple[Path, int]], size: tuple[int, int], mode: str) -> tuple[Tensor, Tensor]:
    width, height = size
    images = torch.empty(len(listed), len(mode), height, width, dtype=torch.uint8)
    for row, (path, _) in enumerate(listed):
        images[row] = (
            torch.from_numpy(pixels_of(path, size, mode)).view(height, width, len(mode)).permute(2, 0, 1)
        )
    return images, torch.tensor([label for _, label in listed], dtype=torch.int64)


def pixels_of(path: Path, size: tuple[int, int], mode: str) -> npt.NDArray[np.uint8]:
    """Read an image file, brought to a size (width, height) and mode.

    :raises DataDamaged: when it is no image.
    """
    try:
        return _pixels(path, size, mode)
    except UNREADABLE as error:
        raise _no_image(path, error) from error


def _pixels(path: Path, size: tuple[int, int], mode: str) -> npt.NDArray[np.uint8]:
    with Image.open(path) as opened:
        image: Image.Image = opened
        if image.mode.startswith("I;16"):
            high = np.asarray(image) >> 8  # 16 bits to 8; Pillow's own conversion would clip
            image = Image.fromarray(high.astype(np.uint8))
        elif image.mode in ("I", "F"):
            raise ValueError(
                f"pixels of mode {image.mode!r} have no fixed range; save it with 8 or 16 bits per channel"
            )
        if image.has_transparency_data:
            layer = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
        image = image.convert(mode)
        if image.size != size:
            image = image.resize(size, Image.Resampling.BILINEAR)
        return np.array(image, dtype=np.uint8)


def _no_image(path: Path, error: BaseException) -> DataDamaged:
    return DataDamaged(
        f"{path} cannot be read as an image ({error}); replace it, or move it out of the class folder"
    )


def check_enough(root: Path, classes: tuple[str, ...], labels: Tensor) -> None:
    """Check that every class can have an image in each part.

    :raises DataDamaged: naming those that cannot.
    """
    counts = torch.bincount(labels, minlength=len(classes)).tolist()
    few = [f"{name} ({count})" for name, count in zip(classes, counts, strict=True) if count < LEAST]
    if few:
        raise DataDamaged(
            f"too few images in {root} for {', '.join(few[:8])}: each class needs at least {LEAST}, "
            "so that it can appear in train, valid and test"
        )
