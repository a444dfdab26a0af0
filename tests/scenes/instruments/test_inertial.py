"""Inertial units in a scene: the readings integrate back to the simulator's own path."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from simloom.kernels.inertial_profile import InertialProfile
from simloom.kernels.observation_timing import ObservationTiming
from simloom.kernels.profiles import load_profile
from simloom.kernels.strapdown import integrate_inertial
from simloom.scenes.instruments.inertial import InertialReader
from simloom.scenes.instruments.mount import InstrumentMount
from simloom.scenes.motion import Motion

from .conftest import HAND, sensor_pose

Read = Callable[..., dict[str, np.ndarray]]


def quiet(**more: float) -> InertialProfile:
    """Return a unit without any error."""
    base = load_profile("bosch_bmi088")
    assert isinstance(base, InertialProfile)
    noise = {
        field.name: 0.0
        for field in dataclasses.fields(base)
        if field.type == "float" and not field.name.endswith(("_range", "_time", "rate"))
    }
    return dataclasses.replace(base, name="quiet", **(noise | more))


def mount(profile: InertialProfile | str, rate: float, **more: object) -> InstrumentMount:
    """Mount a unit away from the hand's origin, and turned."""
    return InstrumentMount(
        name="imu",
        kind="imu",
        given=profile,
        mount=HAND,
        position=(0.05, -0.03, 0.08),
        quaternion=(0.5, 0.5, -0.5, 0.5),
        timing=ObservationTiming(sampling_rate=rate, **more),  # type: ignore[arg-type]
    )


def test_a_quiet_unit_integrates_back(read: Read, arm_motion: Motion) -> None:
    """Without noise, strapdown integration follows the simulator's path of the mount to 0.2 mm and 0.2 mrad."""
    chosen = mount(quiet(), 240.0)
    rows = read(chosen, InertialReader)
    pose = rows["ideal/imu/pose_world_sensor"][0]
    time = 1e-9 * rows["sensor/imu/time"][0]
    truth = sensor_pose(arm_motion, chosen)

    np.testing.assert_allclose(pose, truth[-len(pose) :], atol=1e-9)
    frame = arm_motion.frames[HAND]
    start = len(truth) - len(pose)
    arm = truth[start, :3, 3] - frame.pose[start, :3, 3]
    speed = frame.linear_velocity[start] + np.cross(frame.angular_velocity[start], arm)
    path = integrate_inertial(
        rows["sensor/imu/specific_force"][:1, 1:].astype(np.float64),
        rows["sensor/imu/angular_rate"][:1, 1:].astype(np.float64),
        rate=240.0,
        pose=pose[0],
        linear_velocity=speed,
    )
    away = np.linalg.norm(path.pose[0, -1, :3, 3] - pose[-1, :3, 3])
    moved = np.linalg.norm(pose[-1, :3, 3] - pose[0, :3, 3])
    assert time[-1] - time[0] > 0.24
    assert moved > 0.02
    assert away < 2e-4


def test_noise_is_each_rows_own(read: Read) -> None:
    """Rows share the truth and differ in noise; a row reads the same alone and in any order."""
    chosen = mount("bosch_bmi088", 400.0)
    together, apart = read(chosen, InertialReader, index=(4, 9)), read(chosen, InertialReader, index=(9,))

    for name in ("sensor/imu/specific_force", "sensor/imu/angular_rate", "ideal/imu/gyroscope_bias"):
        np.testing.assert_array_equal(together[name][1], apart[name][0])
        assert (together[name][0] != together[name][1]).any()
    np.testing.assert_array_equal(together["ideal/imu/specific_force"][0], together["ideal/imu/specific_force"][1])


def test_everything_is_filled(read: Read) -> None:
    """No poison is left, stamps ascend to the row's instant, and losses are NaN where that is asked for."""
    rows = read(mount("bosch_bmi088", 200.0, dropout=0.3, missing="nan"), InertialReader)
    lost = rows["sensor/imu/delivered"] == 0

    assert 0.1 < lost.mean() < 0.5
    for name in ("sensor/imu/specific_force", "sensor/imu/angular_rate"):
        np.testing.assert_array_equal(np.isnan(rows[name]).all(axis=-1), lost)
    for name, values in rows.items():
        if name.startswith("ideal"):
            assert np.isfinite(values).all(), name
    assert np.isin(rows["sensor/imu/saturated"], (0, 1)).all()
    assert (np.diff(rows["sensor/imu/time"], axis=1) == 5_000_000).all()
    assert (rows["sensor/imu/arrival"] == rows["sensor/imu/time"]).all()


def test_means_keep_the_integral(read: Read) -> None:
    """At another rate than the physics' the mean force over the window is the same."""
    slow, fast = (read(mount(quiet(), rate), InertialReader, index=(0,)) for rate in (60.0, 480.0))
    instants = slow["sensor/imu/time"][0]
    fine, stamps = fast["ideal/imu/specific_force"][0], fast["sensor/imu/time"][0]
    inside = (stamps > instants[0]) & (stamps <= instants[-1])

    np.testing.assert_allclose(
        slow["ideal/imu/specific_force"][0, 1:].mean(axis=0), fine[inside].mean(axis=0), rtol=1e-6, atol=1e-6
    )
