import pytest
import torch

from tdgnas.data import Batches, ImageData


def data(count=10):
    return ImageData(torch.zeros(count, 1, 1, 1).byte(), torch.arange(count), (0.0,), (1.0,))


def taken(batches):
    return [batch.tolist() for batch in batches]


def flat(batches):
    return sorted(index for batch in batches for index in batch)


def test_an_epoch_holds_every_image_once():
    batches = Batches(data(), 4)
    first, second = taken(batches.epoch()), taken(batches.epoch())
    assert [len(batch) for batch in first] == [4, 4, 2]
    assert len(batches) == 3
    assert flat(first) == flat(second) == list(range(10))
    assert first != second


def test_drop_last_leaves_the_smaller_batch_out():
    batches = Batches(data(), 4, drop_last=True)
    assert [len(batch) for batch in batches.epoch()] == [4, 4]
    assert len(batches) == 2
    assert [len(next(batches)) for _ in range(5)] == [4] * 5


def test_next_runs_on_through_the_epochs():
    one, other = Batches(data(), 4, seed=3), Batches(data(), 4, seed=3)
    assert [next(one).tolist() for _ in range(6)] == taken(other.epoch()) + taken(other.epoch())


@pytest.mark.parametrize("stop", range(7))
def test_it_goes_on_bit_for_bit_from_any_batch(stop):
    whole = Batches(data(), 4, seed=1)
    expected = [next(whole).tolist() for _ in range(9)]
    before = Batches(data(), 4, seed=1)
    for _ in range(stop):
        next(before)
    state = before.state_dict()
    next(before)  # the saved state does not follow
    after = Batches(data(), 4, seed=99)
    after.load_state_dict(state)
    assert [next(after).tolist() for _ in range(9 - stop)] == expected[stop:]


def test_an_epoch_broken_off_is_finished_first():
    batches = Batches(data(), 4)
    begun = next(batches.epoch()).tolist()
    assert flat([begun, *taken(batches.epoch())]) == list(range(10))


def test_the_global_generator_is_left_alone():
    state = torch.get_rng_state()
    taken(Batches(data(), 3).epoch())
    assert torch.equal(torch.get_rng_state(), state)


def test_a_state_of_other_data_is_refused():
    batches = Batches(data(10), 4)
    next(batches)
    with pytest.raises(ValueError, match="of 10 images, but the data has 12"):
        Batches(data(12), 4).load_state_dict(batches.state_dict())


@pytest.mark.parametrize(("size", "drop_last"), [(0, False), (-1, False), (2.5, False), (11, True)])
def test_sizes_that_make_no_batch_are_refused(size, drop_last):
    with pytest.raises(ValueError, match="batch"):
        Batches(data(), size, drop_last=drop_last)
