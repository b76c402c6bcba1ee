"""Items that are read while a model trains are each seen once in an epoch."""

import numpy as np

from training.autoencoders.recurrent import PADDING
from training.datasets.items import Items, mapped
from training.fitting.stream import Batches, Stream


def items(count: int = 50) -> Items:
    array = mapped((2 * count, 3), np.float32)
    array[:] = np.random.default_rng(0).normal(size=array.shape)
    array[:, 0] = np.arange(2 * count)
    return Items(array, np.arange(1, 2 * count, 2))


def seen(batches: Batches) -> list[float]:
    numbers = [batches[index][0][:, 0] for index in range(batches.num_batches)]
    assert [len(each) for each in numbers] == [16, 16, 16, 2]
    return [float(number) for each in numbers for number in each]


def test_an_epoch_has_each_item_once_in_an_order_of_its_own() -> None:
    stream = Stream(items(), lambda values: values * 2)
    batches = Batches(stream, 16, seed=1)
    first = seen(batches)
    batches.on_epoch_end()
    second = seen(batches)
    assert sorted(first) == sorted(second) == list(range(2, 200, 4))
    assert first != second
    assert seen(Batches(stream, 16, seed=1)) == first


def test_a_gap_is_0_in_the_input_and_a_gap_in_the_target() -> None:
    of = items()
    of.array[1, 2] = np.nan
    inputs, targets = Batches(Stream(of, lambda values: values), 50, seed=1)[0]
    assert np.isnan(targets).sum() == 1
    assert inputs[np.isnan(targets)].tolist() == [0]


def test_what_follows_a_shorter_sequence_is_padding_in_the_input() -> None:
    array = np.ones((4, 3, 2), np.float32)
    array[2, 1:] = np.nan
    stream = Stream(Items(array, np.arange(4), np.array([3, 3, 1, 3])), lambda values: values)
    inputs, targets = Batches(stream, 4, seed=1, pads=True)[0]
    np.testing.assert_array_equal(inputs == PADDING, np.isnan(targets))
    assert np.isnan(targets).sum() == 4
