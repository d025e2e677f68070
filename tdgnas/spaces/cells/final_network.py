"""The network that is trained to the end once its cells are found.

Source: Liu, Simonyan, Yang 2018, *DARTS*, section 3.2 and appendix A.1.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ...graphs import Op, conv_norm_relu, head, make, relu_conv_norm, stem, two_step_stem
from .genotypes import CellPlan, Genotype
from .published import as_genotype
from .shapes import NORMAL, REDUCTION, CellShape, cell_shapes, preprocess, reduction_cells

#: What is left to choose of a final network, as published for CIFAR-10.
FINAL_OPTIONS = {"channels": 36, "cells": 20, "auxiliary": True, "drop_path": 0.2}


#: From this image size on the stem is that of the network for ImageNet, which divides height and width by 8.
LARGE = 128


class FinalNetwork(nn.Module):
    """Cells with learned BatchNorm scales, an auxiliary head and drop-path.

    In training mode with the auxiliary head it returns ``(logits, auxiliary logits)``, otherwise logits, of shape
    (batch, classes). Drop-path and the auxiliary head act in training mode only.

    :param plans: the cells by kind; without a reduction cell, ``reductions`` must be empty.
    :param channels: of the first cell.
    :param cells: how many.
    :param reductions: positions of the reduction cells; one and two thirds of the depth when None.
    :param auxiliary: add the head whose loss supports the lower two thirds.
    :param drop_path: share of paths dropped at the end of training; it rises linearly from 0, see :meth:`start_epoch`.
    :param stem_multiplier: channels of the stem, in units of ``channels``.
    :param in_channels: channels of the image.
    :param image_size: height and width of the image; from :data:`LARGE` on the stem has three convolutions of stride 2,
        as published for ImageNet, of ``channels`` each.
    :param classes: number of classes.
    :raises ValueError: for a cell that nothing leads through, a missing kind of cell, or impossible sizes.
    """

    def __init__(
        self,
        plans: Mapping[str, CellPlan],
        *,
        channels: int = 36,
        cells: int = 20,
        reductions: Sequence[int] | None = None,
        auxiliary: bool = True,
        drop_path: float = 0.2,
        stem_multiplier: int = 3,
        in_channels: int = 3,
        image_size: int = 32,
        classes: int = 10,
    ) -> None:
        super().__init__()
        places = reduction_cells(cells) if reductions is None else tuple(reductions)
        _check(plans, channels, cells, places, drop_path, image_size)
        inputs = plans[NORMAL].inputs if NORMAL in plans else plans[REDUCTION].inputs
        large = image_size >= LARGE
        stem_channels = channels if large else stem_multiplier * channels
        self.inputs, self.drop_path, self.rate = inputs, drop_path, 0.0
        self.stem = (two_step_stem if large else stem)(in_channels, stem_channels)
        self.second_stem = relu_conv_norm(stem_channels, stem_channels, 3, 2) if large else None
        outputs = {kind: len(plan.concat) for kind, plan in plans.items()}
        shapes = cell_shapes(cells, channels, stem_channels, inputs, places, outputs, halved=large)
        self.cells = nn.ModuleList(Cell(plans[shape.kind], shape) for shape in shapes)
        self.auxiliary_after = 2 * cells // 3 if auxiliary else -1
        self.auxiliary: nn.Module | None = None
        if auxiliary:
            shape = shapes[self.auxiliary_after]
            halved = sum(place <= self.auxiliary_after for place in set(places))
            size = image_size // (8 if large else 1) // 2**halved
            self.auxiliary = _auxiliary_head(shape.channels * outputs[shape.kind], size, classes)
        self.head = head(shapes[-1].channels * outputs[shapes[-1].kind], classes)

    def start_epoch(self, epoch: int, epochs: int) -> None:
        """Set drop-path's rate for an epoch, counted from 0; :class:`tdgnas.training.Training` calls it."""
        self.rate = self.drop_path * epoch / epochs

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Return logits, or ``(logits, auxiliary logits)``, of images (batch, channels, height, width)."""
        values = [self.stem(images)] * self.inputs
        if self.second_stem is not None:
            values[-1] = self.second_stem(values[-1])
        extra = None
        rate = self.rate if self.training else 0.0
        for number, cell in enumerate(self.cells):
            values = [*values[1:], cell(values, rate)]
            if number == self.auxiliary_after and self.training and self.auxiliary is not None:
                extra = self.auxiliary(values[-1])
        logits: Tensor = self.head(values[-1])
        return logits if extra is None else (logits, extra)


class Cell(nn.Module):
    """One cell of a plan; nodes that the output does not need are left out."""

    def __init__(self, plan: CellPlan, shape: CellShape) -> None:
        super().__init__()
        self.plan, self.channels = plan, shape.channels
        self.stride = 2 if shape.kind == REDUCTION else 1
        self.alive = plan.alive()
        self.inputs = nn.ModuleList(
            preprocess(channels, shape.channels, stride, affine=True)
            for channels, stride in zip(shape.channels_in, shape.strides_in, strict=True)
        )
        self.ops = nn.ModuleDict()
        for number, pairs in enumerate(plan.nodes, start=plan.inputs):
            for place, (op, source) in enumerate(pairs):
                if number in self.alive and op != "none":
                    stride = self.stride if source < plan.inputs else 1
                    name = f"{number}_{place}"
                    self.ops[name] = make(Op(name, op, {"channels": shape.channels, "stride": stride}))

    def forward(self, inputs: Sequence[Tensor], rate: float = 0.0) -> Tensor:
        """Return the cell's output of its inputs, older first.

        :param rate: of drop-path.
        """
        values = [layer(value) for layer, value in zip(self.inputs, inputs, strict=True)]
        for number, pairs in enumerate(self.plan.nodes, start=self.plan.inputs):
            total: Tensor | None = None
            for place, (_, source) in enumerate(pairs):
                name = f"{number}_{place}"
                if name in self.ops:
                    op = self.ops[name]
                    value = op(values[source])
                    if rate > 0 and not isinstance(op, nn.Identity):
                        value = drop_path(value, rate)
                    total = value if total is None else total + value
            values.append(self._nothing(values[0]) if total is None else total)
        return torch.cat([values[number] for number in self.plan.concat], dim=1)

    def _nothing(self, like: Tensor) -> Tensor:
        height, width = like.shape[2] // self.stride, like.shape[3] // self.stride
        return like.new_zeros((like.shape[0], self.channels, height, width))


def drop_path(value: Tensor, rate: float) -> Tensor:
    """Zero the value of each sample with probability ``rate`` and scale the others up; draws from torch's generator.

    Source: Larsson, Maire, Shakhnarovich 2017, *FractalNet*.
    """
    keep = 1.0 - rate
    mask = torch.empty((len(value), 1, 1, 1), dtype=value.dtype, device=value.device).bernoulli_(keep)
    return value / keep * mask


def final_network(genotype: Genotype | str, *, inputs: int = 2, **options: object) -> FinalNetwork:
    """Return the final network of a genotype, of its text, or of a published name.

    :param inputs: of its cells.
    :param options: of :class:`FinalNetwork`.

    >>> network = final_network("DARTS_V2", auxiliary=False)
    >>> sum(parameter.numel() for parameter in network.parameters())
    3349342
    """
    genotype = as_genotype(genotype)
    plans = {NORMAL: genotype.plan(NORMAL, inputs)}
    if genotype.reduce:
        plans[REDUCTION] = genotype.plan(REDUCTION, inputs)
    else:
        options = {"reductions": (), **options}
    return FinalNetwork(plans, **options)  # type: ignore[arg-type]


def _auxiliary_head(channels: int, size: int, classes: int) -> nn.Module:
    # Published for maps of 8x8 pixels, which the pooling turns into 2x2; other sizes are brought to 2x2 as well.
    pool: nn.Module = nn.AvgPool2d(5, 3, count_include_pad=False) if size == 8 else nn.AdaptiveAvgPool2d(2)
    return nn.Sequential(
        nn.ReLU(),
        pool,
        *conv_norm_relu(channels, 128, 1),
        nn.Conv2d(128, 768, 2, bias=False),
        nn.BatchNorm2d(768),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(768, classes),
    )


def _check(
    plans: Mapping[str, CellPlan], channels: int, cells: int, places: Sequence[int], rate: float, size: int
) -> None:
    if channels < 2 or channels % 2 or cells < 1:
        raise ValueError(f"channels is {channels} and cells {cells}; channels must be even and both positive")
    if not 0 <= rate < 1:
        raise ValueError(f"drop_path is {rate}; it must be at least 0 and below 1")
    factor = 2 ** len(set(places)) * (8 if size >= LARGE else 1)
    if size % factor or size < 2 * factor:
        raise ValueError(
            f"image_size is {size}; {len(set(places))} reduction cells"
            f"{' behind the large stem' if size >= LARGE else ''} need a multiple of {factor}"
        )
    kinds = {REDUCTION if cell in places else NORMAL for cell in range(cells)}
    for kind in sorted(kinds):
        if kind not in plans:
            raise ValueError(f"the network has {kind!r} cells at some place, but there is no plan for them")
        if not plans[kind].fed() & set(plans[kind].concat):
            raise ValueError(
                f"nothing leads from the inputs of the {kind} cell to its output: every way is cut by 'none'. "
                "Discretise with the rule 'strongest-edges' or 'per-edge-repaired'."
            )
