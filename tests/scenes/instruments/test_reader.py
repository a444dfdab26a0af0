"""What all readers of instruments share: newest samples, and what stands in the place of lost ones."""

import numpy as np

from simloom.kernels.observation_timing import ObservationTiming
from simloom.kernels.schedule import sample_times
from simloom.scenes.instruments.reader import fill_lost, take_newest


def test_the_newest_samples_are_kept() -> None:
    """However many a window holds, the last K of each row are taken, none after the instant."""
    timing = ObservationTiming(sampling_rate=7.0)
    end = np.array([1_000_000_001, 1_100_000_001, 2_057_142_900])
    schedule = sample_times(timing, end - 500_000_000, end, seed=0, index=[0, 1, 2])

    newest = take_newest(schedule, 3)

    assert newest.measured.shape == (3, 3)
    assert (newest.measured < end[:, None]).all()
    assert (newest.measured >= 0).all()
    np.testing.assert_array_equal(np.diff(newest.number, axis=1), 1)
    for row in range(3):
        assert timing.stamp(int(newest.number[row, -1]) + 1) >= end[row]


def test_lost_samples_are_held() -> None:
    """With hold a lost sample shows the one before, and NaN where there is none."""
    values = np.arange(8.0).reshape(2, 4)
    delivered = np.array([[1, 0, 0, 1], [0, 1, 1, 0]], bool)

    found = fill_lost(values, delivered, "hold")

    np.testing.assert_array_equal(found, [[0.0, 0.0, 0.0, 3.0], [np.nan, 5.0, 6.0, 6.0]])
    np.testing.assert_array_equal(values, np.arange(8.0).reshape(2, 4))


def test_lost_samples_are_nan() -> None:
    """With nan each lost sample is NaN, and whole numbers are 0."""
    delivered = np.array([[1, 0]], bool)

    np.testing.assert_array_equal(fill_lost(np.array([[[1.0], [2.0]]]), delivered, "nan"), [[[1.0], [np.nan]]])
    np.testing.assert_array_equal(fill_lost(np.array([[7, 9]]), delivered, "nan"), [[7, 0]])
