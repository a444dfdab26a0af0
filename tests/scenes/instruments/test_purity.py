"""Readings depend on a row alone: never on the rows beside it, whatever is drawn and however long the motion is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from simloom.kernels.observation_timing import ObservationTiming
from simloom.kernels.profiles import SENSOR_KINDS, list_profiles, load_profile
from simloom.scenes.instruments.encoder import EncoderReader
from simloom.scenes.instruments.force_torque import ForceTorqueReader
from simloom.scenes.instruments.gnss import GnssReader
from simloom.scenes.instruments.inertial import InertialReader
from simloom.scenes.instruments.mount import INSTRUMENTS, InstrumentMount
from simloom.scenes.instruments.odometry import OdometryReader
from simloom.scenes.instruments.reader import InstrumentReader
from simloom.scenes.motion import Motion, WheelDrive
from simloom.scenes.sensor_parameters import _SHAPING

from .conftest import HAND

Read = Callable[..., dict[str, np.ndarray]]
READERS: dict[str, tuple[type[InstrumentReader], str, str]] = {
    "imu": (InertialReader, "bosch_bmi088", HAND),
    "encoder": (EncoderReader, "incremental_encoder", "world"),
    "force_torque": (ForceTorqueReader, "robotiq_ft300s", HAND),
    "gnss": (GnssReader, "ublox_f9p_rtk", HAND),
    "odometry": (OdometryReader, "turtlebot3_burger", "world"),
}
DRIVE = WheelDrive(base=HAND, left=(0, 1), right=(2, 3), radius=0.1, track=0.4)


def numbers(kind: str, name: str) -> list[str]:
    """List the numbers of a profile that may be drawn."""
    fields = dataclasses.fields(load_profile(name))
    return [field.name for field in fields if field.type == "float" and field.name not in _SHAPING.get(kind, ())]


@pytest.mark.parametrize("kind", READERS)
def test_drawn_profiles_do_not_touch_other_rows(read: Read, kind: str) -> None:
    """With every number drawn that may be, a row reads the same alone as beside rows with other numbers."""
    reader, name, mount = READERS[kind]
    profile = load_profile(name)
    drawn = {}
    for field in numbers(kind, name):
        value = float(getattr(profile, field))
        for low in (0.9 * value, value):
            try:
                dataclasses.replace(profile, **{field: low})
            except ValueError:
                continue
            drawn[f"param/sensor.one.{kind}.{field}"] = np.array([low, value, value])
            break
    chosen = InstrumentMount(
        name="one", kind=kind, given=name, mount=mount, timing=ObservationTiming(sampling_rate=40.0)
    )
    together = read(chosen, reader, index=(3, 4, 5), drive=DRIVE, parameters=drawn)
    for row in range(3):
        alone = read(
            chosen, reader, index=(3 + row,), drive=DRIVE, parameters={n: v[row : row + 1] for n, v in drawn.items()}
        )
        for array, values in alone.items():
            np.testing.assert_array_equal(values[0], together[array][row], err_msg=array)


@pytest.mark.parametrize("kind", READERS)
def test_the_grid_of_stamps_leaves_no_trace(read: Read, arm_motion: Motion, kind: str) -> None:
    """Beside a motion whose rounded stamps end a nanosecond elsewhere, a row reads the same."""
    reader, name, mount = READERS[kind]
    shifted = dataclasses.replace(arm_motion, time=np.rint(1e9 * (np.arange(241, 302) / 240)).astype(np.int64))
    chosen = InstrumentMount(
        name="one", kind=kind, given=name, mount=mount, timing=ObservationTiming(sampling_rate=40.0)
    )
    together = read(chosen, reader, index=(1, 2), motions=(shifted, arm_motion), drive=DRIVE)
    alone = read(chosen, reader, index=(2,), motions=(arm_motion,), drive=DRIVE)

    for array, values in alone.items():
        np.testing.assert_array_equal(values[0], together[array][1], err_msg=array)


@pytest.mark.parametrize("kind", READERS)
def test_jitter_and_phase_stay_within_the_motion(read: Read, arm_motion: Motion, kind: str) -> None:
    """Samples that are due at the very end, or of a sensor with a late phase, are taken within what was recorded."""
    reader, name, mount = READERS[kind]
    timing = ObservationTiming(sampling_rate=240.0, sampling_jitter=0.25e-3, phase=100.0)
    rows = read(
        InstrumentMount(name="one", kind=kind, given=name, mount=mount, timing=timing), reader, index=tuple(range(8)),
        drive=DRIVE,
    )  # fmt: skip
    stamps = rows["sensor/one/time"]

    assert (np.diff(stamps, axis=1) > 0).all()
    assert stamps.min() >= arm_motion.time[0]
    assert stamps.max() <= arm_motion.time[-1]
    assert all(np.isfinite(values).all() for array, values in rows.items() if array.startswith("ideal"))


def test_two_units_of_a_rig_are_two_specimens(read: Read) -> None:
    """Two inertial units of one rig differ in scale and misalignment, also with the same unit's number."""
    mount = InstrumentMount(name="one", kind="imu", given="bosch_bmi088", mount=HAND)
    first, second = (read(mount, InertialReader, number=number, index=(0,)) for number in (256, 257))

    parts = [
        rows["sensor/one/specific_force"].astype(float) - rows["ideal/one/accelerometer_bias"]
        for rows in (first, second)
    ]
    assert np.abs((parts[0] - parts[1]).mean(axis=(0, 1))).max() > 1e-4


def test_wheels_tell_a_speed_from_the_first_sample(read: Read, arm_motion: Motion) -> None:
    """Wheels that turn evenly give the same speed at every sample, and the pose grows from the start."""
    turning = dataclasses.replace(
        arm_motion,
        joint_position=np.tile(3.0 * (np.arange(61) / 240)[:, None], (1, 9)),
        joint_velocity=np.full((61, 9), 3.0),
    )
    mount = InstrumentMount(
        name="one", kind="odometry", given="turtlebot3_burger", timing=ObservationTiming(sampling_rate=40.0)
    )
    rows = read(mount, OdometryReader, motion=turning, drive=DRIVE, index=(0,))

    np.testing.assert_allclose(rows["sensor/one/planar_twist"][0, :, 0], 0.3, rtol=0.1)
    assert (np.diff(rows["sensor/one/planar_pose"][0, :, 0]) > 0).all()
    assert rows["sensor/one/planar_pose"][0, 0, 0] > 0.005


def test_sliding_joints_are_read_by_a_pinion(read: Read) -> None:
    """A finger's reading is within a tenth of a millimetre of the truth, not within a fraction of a radian."""
    rows = read(InstrumentMount(name="one", kind="encoder", given="ams_as5048"), EncoderReader)
    error = rows["sensor/one/joint_position"] - rows["ideal/one/joint_position"]

    assert np.abs(error[..., 7:]).max() < 3e-4
    assert np.abs(error[..., :7]).max() > 1e-3


def test_every_kind_has_a_profile() -> None:
    """Each instrument's kind has built-in profiles, and no kind is forgotten."""
    assert all(list_profiles(kind) for kind in INSTRUMENTS)
    assert set(INSTRUMENTS) | {"camera", "depth"} == set(SENSOR_KINDS)
