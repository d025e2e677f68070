import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tdgnas.data import DataDamaged, ImageData, stratified
from tdgnas.data.source import Source, fit_images
from tdgnas.data.splitting import make_splits


def source(per_class=(20, 40, 60), **parts):
    labels = torch.cat([torch.full((count,), label) for label, count in enumerate(per_class)])
    images = torch.arange(len(labels) * 3 * 4 * 4).view(-1, 3, 4, 4).remainder(256).to(torch.uint8)
    return Source("made", tuple("abc"), images, labels, **parts)


def numbered(count, classes=2):
    """Every image holds its own number, so that it can be recognised after the split."""
    images = torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1).repeat(1, 1, 2, 2)
    return Source("numbered", tuple("ab"), images, torch.arange(count) % classes)


def test_parts_are_disjoint_and_cover_everything():
    splits = make_splits(numbered(200), valid=0.25, test=60)
    numbers = [part.images[:, 0, 0, 0].tolist() for part in (splits.test, splits.valid, splits.train)]
    assert [len(part) for part in numbers] == [60, 35, 105]
    assert sorted(number for part in numbers for number in part) == list(range(200))


def test_every_class_keeps_its_share():
    splits = make_splits(source(), valid=0.5, test=30)
    counts = [torch.bincount(part.labels).tolist() for part in (splits.test, splits.valid, splits.train)]
    assert counts == [[5, 10, 15], [8, 15, 22], [7, 15, 23]]


def test_the_seed_decides_the_split_and_nothing_else():
    first, again, other = (make_splits(numbered(100), seed=seed) for seed in (3, 3, 4))
    assert torch.equal(first.train.images, again.train.images)
    assert torch.equal(first.valid.images, again.valid.images)
    assert not torch.equal(first.train.images, other.train.images)


def test_the_split_is_the_same_on_every_machine_and_version():
    chosen, left = stratified(torch.tensor([0, 1] * 6), 4, 0)
    assert chosen.tolist() == [11, 3, 2, 8]
    assert left.tolist() == [1, 6, 0, 7, 4, 10, 5, 9]


def test_global_random_state_is_neither_read_nor_moved():
    def states():
        numpy_state = np.random.get_state()
        return random.getstate(), numpy_state[1].tolist(), numpy_state[2], torch.get_rng_state().tolist()

    before = states()
    make_splits(source(), seed=1).valid.sample(10, seed=2)
    assert states() == before


def test_a_prefix_of_a_part_is_a_mixture_of_classes():
    splits = make_splits(source((200, 200, 200)))
    assert set(splits.valid.labels[:20].tolist()) == {0, 1, 2}


def test_limits_keep_the_class_shares_and_leave_the_other_parts_alone():
    whole, less = make_splits(source()), make_splits(source(), train=12)
    assert torch.bincount(less.train.labels).tolist() == [2, 4, 6]
    assert torch.equal(whole.valid.images, less.valid.images)
    assert torch.equal(whole.test.images, less.test.images)


def test_an_official_test_part_is_kept_apart_and_cut_on_demand():
    made = source()
    official = (255 - made.images[:60], made.labels[20:80])
    splits = make_splits(source(test=official), test=9)
    assert (len(splits.test), len(splits.train) + len(splits.valid)) == (9, 120)
    assert torch.bincount(splits.test.labels).tolist() == [0, 6, 3]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.data())
def test_stratified_takes_exactly_the_count_within_one_of_each_quota(labels, data):
    count = data.draw(st.integers(0, len(labels)))
    chosen, left = stratified(torch.tensor(labels), count, data.draw(st.integers(0, 2**40)))
    assert len(chosen) == count
    assert sorted([*chosen.tolist(), *left.tolist()]) == list(range(len(labels)))
    for label in set(labels):
        quota = labels.count(label) * count / len(labels)
        assert abs(sum(labels[position] == label for position in chosen) - quota) < 1


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"valid": 0}, "at least 1 image"),
        ({"valid": 1.5}, "between 0 and 1"),
        ({"valid": 10_000}, "as many as are there"),
        ({"valid": True}, "number of images or a share"),
        ({"train": 2}, "none of"),
        ({"test": 0.001}, "test would have 0"),
        ({"size": 0}, "size is 0"),
        ({"channels": 2}, "channels is 2"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_impossible_requests_are_refused(wrong, says):
    with pytest.raises((ValueError, TypeError), match=says):
        make_splits(source(), **wrong)


def test_labels_outside_the_classes_are_damage():
    with pytest.raises(DataDamaged, match="labels from 0 to 5"):
        Source("bad", ("a", "b"), torch.zeros(2, 1, 2, 2, dtype=torch.uint8), torch.tensor([0, 5]))


def test_mean_and_deviation_are_measured_on_the_training_part():
    splits = make_splits(source())
    pixels = splits.train.images.double() / 255
    assert splits.mean == pytest.approx(pixels.mean((0, 2, 3)).tolist(), abs=1e-12)
    assert splits.std == pytest.approx(pixels.std((0, 2, 3), correction=0).tolist(), abs=1e-12)
    assert splits.train.normalised().mean((0, 2, 3)).tolist() == pytest.approx([0, 0, 0], abs=1e-5)


def test_published_moments_are_used_unless_the_channels_were_changed():
    published = {"mean": (0.1, 0.2, 0.3), "std": (1.0, 2.0, 3.0)}
    assert make_splits(source(**published)).mean == (0.1, 0.2, 0.3)
    assert len(make_splits(source(**published), channels=1).mean) == 1


def test_normalised_takes_indices_slices_and_masks():
    data = ImageData(torch.full((4, 1, 1, 1), 255, dtype=torch.uint8), torch.arange(4), (0.5,), (0.25,))
    assert data.normalised().flatten().tolist() == [2, 2, 2, 2]
    assert data.batch([3, 1])[1].tolist() == [3, 1]
    assert data.batch(slice(2, None))[1].tolist() == [2, 3]
    assert data.subset(torch.tensor([True, False, False, True])).labels.tolist() == [0, 3]
    assert len(data.subset([])) == 0
    floating = ImageData(torch.full((1, 1, 1, 1), 0.3), torch.zeros(1).long(), (0.5,), (0.25,))
    assert floating.normalised().item() == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"labels": torch.zeros(3).long()}, ValueError, r"expected \(N, C, H, W\)"),
        ({"labels": torch.zeros(2).int()}, TypeError, "int64"),
        ({"labels": torch.zeros(2, 3).long()}, ValueError, "expected"),
        ({"images": torch.zeros(2, 1, 2, 2, dtype=torch.int32)}, TypeError, "uint8"),
        ({"mean": (0.0, 0.0)}, ValueError, "2 means"),
        ({"std": (0.0,)}, ValueError, "above 0"),
    ],
)
def test_image_data_that_does_not_fit_is_refused(change, error, says):
    parts = {
        "images": torch.zeros(2, 1, 2, 2).byte(),
        "labels": torch.zeros(2).long(),
        "mean": (0.0,),
        "std": (1.0,),
    }
    with pytest.raises(error, match=says):
        ImageData(**(parts | change))


def test_fit_images_changes_side_and_channels():
    grey = torch.tensor([[0, 255], [255, 0]], dtype=torch.uint8).view(1, 1, 2, 2)
    large = fit_images(grey, 4, 3)
    assert large.shape == (1, 3, 4, 4)
    assert large[0, 0, 0].tolist() == [0, 64, 191, 255]
    assert torch.equal(large[:, 0], large[:, 2])
    green = torch.zeros(1, 3, 2, 2, dtype=torch.uint8)
    green[:, 1] = 200
    assert fit_images(green, None, 1).flatten().tolist() == [117] * 4
    assert fit_images(grey, 1, None).item() == 128
