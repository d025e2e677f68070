"""Export: the file computes what the network computes, or is not written."""

from __future__ import annotations

import importlib.util

import pytest
import torch
from torch import nn

from tdgnas.spaces import DartsCells, VGGShortcuts
from tdgnas.training import ExportDisagrees, export_network

SMALL = DartsCells(cells=3, channels=4, image_size=8, in_channels=1, classes=3)


def network():
    made = SMALL.final_network(SMALL.from_genotype("DARTS_V2"), channels=4, cells=3)
    with torch.no_grad():
        for _ in range(2):  # running statistics that are not the initial ones
            made(torch.randn(8, 1, 8, 8))
    return made


def test_torch_export_agrees_for_other_batch_sizes(tmp_path):
    original = network()
    assert export_network(original, (1, 8, 8), tmp_path / "net.pt2", batch=5) < 1e-5
    images = torch.randn(7, 1, 8, 8)
    loaded = torch.export.load(tmp_path / "net.pt2").module()
    with torch.no_grad():
        assert torch.allclose(loaded(images), original.eval()(images), atol=1e-5)


def test_the_network_is_left_as_it_was(tmp_path):
    original = network()
    before = {name: value.clone() for name, value in original.state_dict().items()}
    export_network(original, (1, 8, 8), tmp_path / "net.pt2")
    assert original.training
    assert all(torch.equal(value, before[name]) for name, value in original.state_dict().items())


def test_other_spaces_export_as_well(tmp_path):
    space = VGGShortcuts(width=0.03, classes=3)
    made = space.final_network(space.architecture([1] * 61))
    assert export_network(made, (3, 32, 32), tmp_path / "net.pt2") < 1e-5


class Moody(nn.Module):
    """Computes something else every time."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, x):
        return self.layer(x.flatten(1)) + torch.rand(1)


def test_a_file_that_disagrees_is_not_kept(tmp_path):
    with pytest.raises(ExportDisagrees, match="was not written"):
        export_network(Moody(), (1, 2, 2), tmp_path / "net.pt2")
    assert list(tmp_path.iterdir()) == []


def test_bad_requests_are_refused(tmp_path):
    with pytest.raises(ValueError, match="format is 'tflite'"):
        export_network(nn.Flatten(), (1, 2, 2), tmp_path / "x", "tflite")
    with pytest.raises(ValueError, match="image_shape"):
        export_network(nn.Flatten(), (0, 2, 2), tmp_path / "x")
    space = VGGShortcuts(width=0.03)
    with pytest.raises(ValueError, match="no options"):
        space.final_network(space.architecture([0] * 61), cells=3)


HAVE_ONNX = all(importlib.util.find_spec(name) for name in ("onnx", "onnxscript", "onnxruntime"))


@pytest.mark.skipif(HAVE_ONNX, reason="the extra packages are installed")
def test_onnx_without_its_packages_says_what_to_install(tmp_path):
    with pytest.raises(ImportError, match="pip install"):
        export_network(nn.Flatten(), (1, 2, 2), tmp_path / "x.onnx", "onnx")


@pytest.mark.skipif(not HAVE_ONNX, reason="onnx, onnxscript and onnxruntime are an extra")
def test_onnx_agrees(tmp_path):
    assert export_network(network(), (1, 8, 8), tmp_path / "net.onnx", "onnx") < 1e-4
