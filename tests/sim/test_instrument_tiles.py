"""Pictures of instruments: what is drawn stands where it was measured."""

import numpy as np

from simloom.sim.instrument_tiles import cloud_picture, instrument_tiles, series_picture

RED, GREEN = (255, 0, 0), (0, 255, 0)


def test_a_cloud_is_seen_from_above() -> None:
    """A point ahead is drawn above the middle, one to the left at its left; the higher one covers the lower."""
    points = np.array([[5.0, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0, 5.0, 1.0]])
    picture = cloud_picture(points, np.array([RED, RED, GREEN]), 10.0, side=100)

    assert picture.shape == (100, 100, 3)
    assert tuple(picture[25, 50]) == RED
    assert tuple(picture[50, 25]) == GREEN


def test_a_series_rises_from_left_to_right() -> None:
    """A ramp is drawn from the lower left to the upper right, and a gap where nothing is known."""
    picture = series_picture(np.arange(5.0), np.array([[0.0], [1.0], [np.nan], [3.0], [4.0]]), width=200, height=120)
    drawn = picture[:96, :, 0] > 150
    columns = np.flatnonzero(drawn.any(axis=0))
    height = [np.flatnonzero(drawn[:, column]).mean() for column in columns]

    assert columns[0] < 12
    assert columns[-1] > 188
    assert height[0] > 80 > 30 > height[-1]
    assert not drawn[:, 75:140].any()


def test_every_reading_gets_a_picture() -> None:
    """A LiDAR is drawn twice, an inertial unit once for each of its readings; what is not there is not drawn."""
    row = {
        "sensor/top/range": np.array([[3.0], [0.0]], np.float32),
        "sensor/top/point": np.array([[[3.0, 0.0, 0.0]], [[0.0, 0.0, 0.0]]], np.float32),
        "sensor/top/intensity": np.array([[1.0], [0.0]], np.float32),
        "label/top/return_instance": np.array([[2], [0]], np.uint16),
        "sensor/imu/time": np.array([0, 10, 20], np.int64),
        "sensor/imu/specific_force": np.zeros((3, 3), np.float32),
        "sensor/imu/angular_rate": np.ones((3, 3), np.float32),
        "sensor/pad/time": np.array([5], np.int64),
        "sensor/pad/normal_force": np.ones((1, 4, 4), np.float32),
    }

    assert [caption for caption, _ in instrument_tiles("top", row)] == [
        "cloud, 1 returns, 3.0 m, by intensity",
        "cloud, 1 returns, 3.0 m, by instance",
    ]
    assert [caption for caption, _ in instrument_tiles("imu", row)] == ["specific force [m/s^2]", "turn rate [rad/s]"]
    assert len(instrument_tiles("pad", row)) == 1
    assert instrument_tiles("head", row) == []
