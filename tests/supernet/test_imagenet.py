"""ImageNet weights, from a network of the same shape that is made here."""

from __future__ import annotations

import urllib.error

import pytest
import torch

from tdgnas.data import import_torchvision
from tdgnas.spaces import VGGShortcuts
from tdgnas.supernet import Supernet, load_imagenet


@pytest.fixture(scope="module")
def vgg() -> torch.nn.Module:
    torch.manual_seed(0)
    network = import_torchvision().models.vgg19_bn(weights=None)
    for module in network.features:
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight)
            torch.nn.init.uniform_(module.running_mean)
    return network


def test_the_chain_computes_what_torchvisions_features_compute(vgg) -> None:
    supernet = load_imagenet(Supernet(VGGShortcuts(), device="cpu"), vgg.state_dict())
    images = torch.randn(1, 3, 32, 32)
    network = supernet.space.network(supernet.space.baseline()).eval()
    known = network.state_dict()
    network.load_state_dict({name: value for name, value in supernet.state_dict().items() if name in known})
    network.ops["head"][2] = torch.nn.Identity()
    with torch.no_grad():
        torch.testing.assert_close(
            network(images), vgg.eval().features(images).flatten(1), rtol=1e-4, atol=1e-5
        )


def test_other_spaces_other_weights_and_no_network_get_a_sentence(vgg, monkeypatch) -> None:
    with pytest.raises(ValueError, match="fit VGGShortcuts\\(width=1"):
        load_imagenet(Supernet(VGGShortcuts(width=1 / 32), device="cpu"), vgg.state_dict())
    supernet = Supernet(VGGShortcuts(), device="cpu")
    with pytest.raises(ValueError, match="not the weights of vgg19_bn"):
        load_imagenet(supernet, {"features.0.weight": torch.zeros(64, 3, 3, 3)})

    def offline(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no network")

    monkeypatch.setattr("torch.hub.load_state_dict_from_url", offline)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", offline)
    with pytest.raises(OSError, match="put the file of vgg19_bn there"):
        load_imagenet(supernet)
