"""A table of features: one line a sample, the last column what is to be learned."""

from __future__ import annotations

import os

import numpy as np
import torch

from ..tasks import CLASSIFICATION, REGRESSION
from .source import DataDamaged, DataNotFound, Source, contents, data_root

__all__ = ["read_csv"]


def read_csv(folder: str | os.PathLike[str] | None) -> Source:
    """Every line of a CSV file with a header as one sample.

    Columns of numbers are features as they are, columns of words become one feature per word. The last column is the
    target: numbers with a fractional part are learned as a regression, all else names classes.

    :param folder: the file.
    :raises DataNotFound: when there is no such file.
    :raises DataDamaged: for a file without features or lines, or with an empty field.
    """
    import pandas as pd

    if folder is None:
        raise DataNotFound("the data set 'csv' needs folder=..., the file")
    path = data_root(folder)
    if not path.is_file():
        raise DataNotFound(f"there is no file {path}: {contents(path.parent)}")
    try:
        table = pd.read_csv(path)
    except (ValueError, UnicodeDecodeError) as error:
        raise DataDamaged(f"{path} is no CSV with a header: {error}") from error
    if len(table.columns) < 2 or table.empty:
        raise DataDamaged(
            f"{path} has {len(table)} lines of {len(table.columns)} columns; features and a target are needed"
        )
    empty = table.columns[table.isna().any()]
    if len(empty):
        raise DataDamaged(
            f"{path}: the column {empty[0]!r} has empty fields; fill them or leave these lines out"
        )
    features = pd.get_dummies(table.iloc[:, :-1]).to_numpy(dtype=np.float32)
    if not np.isfinite(features).all():
        raise DataDamaged(f"{path} has features that are not finite")
    name, inputs = path.stem, torch.from_numpy(features.copy())
    target = table.iloc[:, -1]
    if target.dtype.kind == "f" and (target % 1 != 0).any():
        values = torch.from_numpy(target.to_numpy(dtype=np.float32))
        return Source(name, (str(target.name),), inputs, values, task=REGRESSION)
    classes, labels = np.unique(target.astype(str), return_inverse=True)
    if len(classes) < 2:
        raise DataDamaged(f"{path}: the target {target.name!r} is {classes[0]!r} in every line")
    return Source(
        name, tuple(classes.tolist()), inputs, torch.from_numpy(labels.astype(np.int64)), task=CLASSIFICATION
    )
