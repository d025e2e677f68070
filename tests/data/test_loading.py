import pytest
import torch

from tdgnas.data import DATA, DataNotFound, load


def test_digits_fit_a_network_for_3x32x32_images():
    data = load("digits")
    assert data.image_shape == (3, 32, 32)
    assert (len(data.train), len(data.valid), len(data.test)) == (899, 449, 449)
    assert data.classes == tuple("0123456789")
    assert data.train.images.dtype == torch.uint8
    assert torch.equal(data.train.images[:, 0], data.train.images[:, 2])
    for part in (data.train, data.valid, data.test):
        counts = torch.bincount(part.labels)
        assert int(counts.max() - counts.min()) <= 5


def test_digits_at_their_own_size():
    data = load("digits", size=8, channels=1, train=100, valid=50, test=60, seed=5)
    assert data.image_shape == (1, 8, 8)
    assert (len(data.train), len(data.valid), len(data.test)) == (100, 50, 60)
    assert int(data.train.images.max()) == 255


@pytest.mark.parametrize("spelling", ["Digits", "DIGITS", "di-gits"])
def test_spelling_of_names_is_forgiven(spelling):
    assert load(spelling, size=8, channels=1).name == "digits"


def test_an_unknown_name_lists_the_known_ones_and_guesses():
    with pytest.raises(ValueError, match="did you mean 'cifar10'") as error:
        load("cifra10")
    assert all(name in str(error.value) for name in DATA.names())


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "mnist", "fashion-mnist", "kmnist", "svhn"])
def test_a_missing_set_says_where_it_was_looked_for_and_how_to_get_it(name, tmp_path):
    with pytest.raises(DataNotFound) as error:
        load(name, folder=tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in str(error.value)
    assert "does not exist" in str(error.value)
    assert "download=True" in str(error.value)
    assert isinstance(error.value, FileNotFoundError)


def test_the_environment_names_the_folder(tmp_path, monkeypatch):
    (tmp_path / "cifar-10-binary.tar.gz").touch()
    monkeypatch.setenv("TDGNAS_DATA", str(tmp_path))
    with pytest.raises(DataNotFound, match=r"holds cifar-10-binary\.tar\.gz"):
        load("cifar10")


def test_the_folder_set_needs_a_folder():
    with pytest.raises(DataNotFound, match="needs folder="):
        load("folder")


def test_a_bad_request_fails_before_files_are_read(tmp_path):
    with pytest.raises(ValueError, match="channels is 4"):
        load("cifar10", folder=tmp_path, channels=4)
    with pytest.raises(ValueError, match="valid is -5"):
        load("cifar10", folder=tmp_path, valid=-5)
