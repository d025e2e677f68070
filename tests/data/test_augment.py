import pytest
import torch

from tdgnas.data import Augment, cutout, horizontal_flip, random_crop


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(count=64, side=6):
    return torch.arange(1.0, 1 + count * 2 * side * side).view(count, 2, side, side)


def test_every_crop_is_a_window_of_the_padded_image():
    images = pictures(side=5)
    padded = torch.nn.functional.pad(images, (2, 2, 2, 2))
    found = set()
    for image, crop in zip(padded, random_crop(images, 2, generator()), strict=True):
        windows = [
            (y, x) for y in range(5) for x in range(5) if torch.equal(image[:, y : y + 5, x : x + 5], crop)
        ]
        assert len(windows) == 1
        found.update(windows)
    assert {y for y, _ in found} == {x for _, x in found} == set(range(5))


def test_about_half_of_the_images_are_mirrored_whole():
    images = pictures(count=400)
    flipped = horizontal_flip(images, generator())
    same = (flipped == images).flatten(1).all(1)
    mirrored = (flipped == images.flip(3)).flatten(1).all(1)
    assert bool((same ^ mirrored).all())
    assert 150 < int(mirrored.sum()) < 250


def test_cutout_zeroes_one_square_over_all_channels():
    hidden = cutout(pictures(count=300, side=9), 3, generator()) == 0
    assert torch.equal(hidden[:, 0], hidden[:, 1])
    areas = hidden[:, 0].flatten(1).sum(1)
    assert set(areas.tolist()) == {4, 6, 9}  # corners, borders, inside
    rows = hidden[:, 0].any(2).sum(1)
    columns = hidden[:, 0].any(1).sum(1)
    assert torch.equal(rows * columns, areas)


def test_images_need_not_be_square():
    images = torch.ones(200, 1, 4, 16)
    hidden = cutout(images, 2, generator())[:, 0] == 0
    assert hidden.any((0, 1)).all()
    assert hidden.any((0, 2)).all()
    assert int(hidden.flatten(1).sum(1).min()) >= 1
    kept = random_crop(images, 2, generator())[:, 0]
    assert sorted(set(kept.any(2).sum(1).tolist())) == [2, 3, 4]
    assert sorted(set(kept.any(1).sum(1).tolist())) == [14, 15, 16]


def test_each_image_has_its_own_draw():
    images = torch.ones(32, 1, 8, 8)
    assert len({crop.numpy().tobytes() for crop in random_crop(images, 3, generator())}) > 10
    assert len({cut.numpy().tobytes() for cut in cutout(images, 4, generator())}) > 10


def test_the_generator_alone_decides_and_the_input_stays():
    images = pictures()
    before, state = images.clone(), torch.get_rng_state()
    augment = Augment(crop=2, flip=True, cutout=3)
    first, again, other = (augment(images, generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(images, before)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_part_of_a_batch_changes_as_it_does_within_the_batch():
    images = pictures()
    augment = Augment(crop=2, flip=True, cutout=3)
    whole, first = augment(images, generator()), len(images) // 3
    part = augment(images[first : first + 2], generator(), (first, len(images)))
    assert torch.equal(part, whole[first : first + 2])


def test_the_default_changes_and_draws_nothing():
    images, own = pictures(), generator()
    state = own.get_state()
    assert Augment()(images, own) is images
    assert torch.equal(own.get_state(), state)


@pytest.mark.parametrize("wrong", [{"crop": -1}, {"crop": 1.5}, {"cutout": -2}, {"cutout": True}])
def test_a_number_of_pixels_must_be_whole(wrong):
    with pytest.raises(ValueError, match="|".join(wrong)):
        Augment(**wrong)
