"""LiDARs in a scene: points lie on what they hit, labels agree, and a frame is cast from where the sensor was."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from simloom.kernels.deskew import deskew_points
from simloom.kernels.lidar_profile import LidarProfile
from simloom.kernels.profile_json import profile_from_json
from simloom.kernels.transforms import transform_points
from simloom.scenes.instruments.lidar import LidarReader
from simloom.scenes.instruments.mount import InstrumentMount
from simloom.scenes.motion import FrameMotion, Motion

from .conftest import HAND, RATE, WINDOW, BoxRoom

Read = Callable[..., dict[str, np.ndarray]]


def scanner(**more: Any) -> LidarProfile:
    """Return a small spinning LiDAR without noise, whose frame lasts 0.1 s."""
    values = {
        "columns": 90, "column_period": 0.0, "channel_elevation_deg": (-20.0, -5.0, 10.0), "channel_azimuth_deg": (),
        "channel_time": (), "channel_height": (), "frame_rate": 10.0, "subray_rings": 0, "range_noise": (0.0,),
        "range_noise_snr": (1.0,), "range_resolution": 0.0, "amplitude_noise": 0.0, "azimuth_error": 0.0,
        "elevation_error": 0.0, "dropout_probability": 0.0, "false_alarm_probability": 0.0, "range_min": 0.05,
        "overlap_start": 0.0, "overlap_full": 0.0, "range_bias": 0.0, "max_returns": 1, "return_mode": "strongest",
    } | more  # fmt: skip
    profile = profile_from_json({"base": "velodyne_vlp16", "name": "small", "values": values})
    assert isinstance(profile, LidarProfile)
    return profile


def turning(turns: float) -> Motion:
    """Return the motion of a link that turns about z and drives along x."""
    count = int(RATE * WINDOW) + 1
    seconds = np.arange(count) / RATE
    angle = 2.0 * np.pi * turns * seconds
    pose = np.tile(np.eye(4), (count, 1, 1))
    pose[:, 0, 0] = pose[:, 1, 1] = np.cos(angle)
    pose[:, 1, 0], pose[:, 0, 1] = np.sin(angle), -np.sin(angle)
    pose[:, 0, 3] = 0.5 * seconds
    still = np.zeros((count, 3))
    return Motion(
        time=np.rint(1e9 * (1.0 + seconds)).astype(np.int64),
        gravity=9.81,
        frames={HAND: FrameMotion(pose=pose, linear_velocity=still, angular_velocity=still)},
        joint_position=np.zeros((count, 1)),
        joint_velocity=np.zeros((count, 1)),
        joint_effort=np.zeros((count, 1)),
    )


@pytest.mark.parametrize("turns", [0.0, 0.8])
def test_points_lie_on_the_walls(read: Read, box_room: BoxRoom, turns: float) -> None:
    """De-skewed by its own poses, a frame lies on the room's walls to 0.1 mm; skewed it does not where it turns."""
    motion = turning(turns)
    mount = InstrumentMount(name="top", kind="lidar", given=scanner(), mount=HAND, position=(0.1, 0.0, 0.3))
    rows = read(mount, LidarReader, motion=motion, room=box_room, index=(0,))
    poses, times = rows["ideal/top/scan_pose_world_sensor"][0], rows["ideal/top/scan_pose_time"][0]
    points = rows["sensor/top/point"][0, :, 0].astype(np.float64)

    assert (rows["sensor/top/range"][0] > 0).all()
    straight = deskew_points(points[None], rows["sensor/top/beam_time"], poses, times, int(times[-1]))[0]
    away = box_room.distance(transform_points(poses[-1], straight))
    skewed = box_room.distance(transform_points(poses[-1], points))
    assert np.abs(away).max() < 1e-4
    assert (np.abs(skewed).max() > 0.06) == (turns > 0)  # 5 cm are driven in a frame
    np.testing.assert_array_equal(rows["label/top/return_type"], 1)
    np.testing.assert_array_equal(rows["label/top/return_instance"], 3)
    np.testing.assert_allclose(rows["ideal/top/return_range"], rows["sensor/top/range"], rtol=1e-6)


def test_a_frame_ends_at_the_instant(read: Read, box_room: BoxRoom) -> None:
    """Beams are fired within the frame before the row's instant, in the order of the pattern."""
    motion = turning(0.0)
    rows = read(
        InstrumentMount(name="top", kind="lidar", given=scanner(), mount=HAND, position=(0.0, 0.0, 0.3)),
        LidarReader,
        motion=motion,
        room=box_room,
    )
    times, end = rows["sensor/top/beam_time"][0], int(motion.time[-1])

    assert end - 102_000_000 <= times.min()
    assert times.max() < end
    assert (np.diff(times) >= 0).all()
    assert (rows["sensor/top/time"] == end).all()


def test_fog_shortens_the_sight(read: Read, box_room: BoxRoom) -> None:
    """In thick fog walls are lost or hidden by echoes of the fog, which say so; in clear air they are not."""
    mount = InstrumentMount(
        name="top", kind="lidar", given=scanner(overlap_start=0.9, overlap_full=1.0), position=(0.0, 0.0, 0.3)
    )
    clear = read(mount, LidarReader, motion=turning(0.0), room=box_room, index=(0,))
    foggy = read(mount, LidarReader, motion=turning(0.0), room=box_room, index=(0,), weather={"fog_extinction": 0.1})

    assert (clear["label/top/return_type"] == 1).all()
    kinds = foggy["label/top/return_type"]
    assert 0.0 < (kinds == 1).mean() < 1.0
    assert foggy["sensor/top/intensity"][kinds == 1].mean() < clear["sensor/top/intensity"].mean()


def test_a_window_must_hold_a_frame(read: Read, box_room: BoxRoom) -> None:
    """A LiDAR slower than the recorded window is refused, and how long it must be is said."""
    slow = dataclasses.replace(scanner(), frame_rate=2.0)
    with pytest.raises(ValueError, match=r"set window to at least 0\.50"):
        read(InstrumentMount(name="top", kind="lidar", given=slow), LidarReader, motion=turning(0.0), room=box_room)
