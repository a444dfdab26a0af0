"""Encoders, force sensors, pads, receivers and odometry in a scene: readings stand by the simulator's truth."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from simloom.kernels.observation_timing import ObservationTiming
from simloom.kernels.profiles import load_profile
from simloom.scenes.instruments.encoder import PINION_RADIUS, EncoderReader
from simloom.scenes.instruments.force_torque import ForceTorqueReader
from simloom.scenes.instruments.gnss import GnssReader
from simloom.scenes.instruments.mount import InstrumentMount
from simloom.scenes.instruments.odometry import planar_path
from simloom.scenes.instruments.tactile import TactileReader
from simloom.scenes.motion import Motion

from .conftest import HAND

Read = Callable[..., dict[str, np.ndarray]]


def test_encoders_count_the_joints(read: Read, arm_motion: Motion) -> None:
    """Positions are within a step and the specimen's errors of the truth; the velocity has its quantum."""
    rows = read(InstrumentMount(name="joints", kind="encoder", given="ams_as5048"), EncoderReader)
    profile = load_profile("ams_as5048")
    error = rows["sensor/joints/joint_position"] - rows["ideal/joints/joint_position"]

    np.testing.assert_allclose(rows["ideal/joints/joint_position"][0, -1], arm_motion.joint_position[-1], atol=1e-9)
    assert np.abs(error).max() < 0.05
    arm = np.array([1.0] * 7 + [PINION_RADIUS] * 2)
    steps = rows["sensor/joints/joint_position"] / arm * profile.gear_ratio / profile.step
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-6)
    fast = np.abs(rows["ideal/joints/joint_velocity"]).max()
    assert fast > 0.1
    per_count = profile.rate / (profile.gear_ratio * profile.velocity_window)
    band = 6.0 * np.sqrt(2.0) * np.hypot(profile.noise, profile.step) * per_count
    error = rows["sensor/joints/joint_velocity"] - rows["ideal/joints/joint_velocity"]
    assert np.abs(error).max() < band
    assert np.abs(error[:, 50:].mean()) < 0.1 * band


@pytest.mark.parametrize("name", ["ams_as5048", "incremental_encoder"])
def test_encoders_read_what_is_reported(read: Read, arm_motion: Motion, name: str) -> None:
    """An offset of the joints is in the positions that are read, to two steps, and in no truth."""
    profile = dataclasses.replace(load_profile(name), eccentricity=0.0)  # an error that turns with the joint
    mount = InstrumentMount(name="joints", kind="encoder", given=profile)
    offset = np.array([0.02, -0.03, 0.0, 0.01, 0.02, -0.01, 0.03, 0.001, 0.0])
    still = read(mount, EncoderReader)
    off = read(mount, EncoderReader, motion=dataclasses.replace(arm_motion, joint_offset=offset))
    moved = still["sensor/joints/joint_position"] - off["sensor/joints/joint_position"]
    step = np.array([1.0] * 7 + [PINION_RADIUS] * 2) * profile.step / profile.gear_ratio

    assert (np.abs(moved - offset) < 2.01 * step).all()
    assert (moved[..., offset == 0.0] == 0.0).all()
    for reading in ("joint_position", "joint_velocity"):
        np.testing.assert_array_equal(off[f"ideal/joints/{reading}"], still[f"ideal/joints/{reading}"])


def test_an_unloaded_hand_feels_its_own_weight(read: Read) -> None:
    """Nothing touches the hand: weight and inertia account for all that its joint feels, to 2 % of the weight."""
    turned = InstrumentMount(
        name="wrist",
        kind="force_torque",
        given="robotiq_ft300s",
        mount=HAND,
        position=(0.0, 0.01, -0.02),
        quaternion=(0.0, 0.0, 0.3826834323650898, 0.9238795325112867),
    )
    rows = read(turned, ForceTorqueReader)
    weight = np.linalg.norm(rows["ideal/wrist/wrench"][0, :, :3], axis=-1)
    rest = rows["ideal/wrist/contact_wrench"][0]

    assert weight.min() > 2.0
    assert np.abs(rest[2:-2, :3]).max() < 0.02 * weight.mean()
    assert np.abs(rest[2:-2, 3:]).max() < 0.02 * weight.mean() * 0.1
    np.testing.assert_allclose(
        rows["sensor/wrist/wrench"] - rows["sensor/wrist/contact_wrench"],
        rows["ideal/wrist/wrench"] - rows["ideal/wrist/contact_wrench"],
        atol=1e-4,
    )


def test_a_pad_shows_what_presses(read: Read, arm_motion: Motion) -> None:
    """A force in the middle of the pad is found there, in full; beside the pad nothing is."""
    touch = np.zeros((len(arm_motion.time), 2, 6))
    touch[:, 0] = (0.1, 0.0, 0.05, -2.0, 0.0, 0.0)
    touch[:, 1] = (0.1, 0.0, 0.5, -9.0, 0.0, 0.0)
    pressed = dataclasses.replace(arm_motion, touch={HAND: touch})
    pad = InstrumentMount(
        name="pad", kind="tactile", given="tactile_pad_4x4", mount=HAND, position=(0.1, 0.0, 0.05),
        quaternion=(0.0, 0.7071067811865476, 0.0, 0.7071067811865476),
    )  # fmt: skip
    rows = read(pad, TactileReader, motion=pressed)
    truth = rows["ideal/pad/normal_force"]

    np.testing.assert_allclose(truth.sum(axis=(2, 3)), 2.0, rtol=1e-6)
    np.testing.assert_allclose(truth, truth[..., ::-1, :], atol=1e-6)
    np.testing.assert_allclose(truth, truth[..., ::-1], atol=1e-6)
    assert 0.5 < rows["sensor/pad/normal_force"][:, -1].sum(axis=(1, 2)).mean() < 2.5


def test_a_receiver_knows_where_its_antenna_is(read: Read, arm_motion: Motion) -> None:
    """The truth is the antenna's own place and speed, lever arm included; errors have the profile's size."""
    antenna = InstrumentMount(
        name="gnss", kind="gnss", given="ublox_f9p_rtk", mount=HAND, position=(0.0, 0.0, 0.2),
        timing=ObservationTiming(sampling_rate=20.0),
    )  # fmt: skip
    rows = read(antenna, GnssReader, index=tuple(range(40)))
    frame = arm_motion.frames[HAND]
    place = frame.pose[-1, :3, 3] + 0.2 * frame.pose[-1, :3, 2]
    time = 1e-9 * rows["sensor/gnss/time"][0]

    assert rows["sensor/gnss/time"][0, -1] == arm_motion.time[-1]
    np.testing.assert_allclose(rows["ideal/gnss/position"][0, -1], place, atol=1e-9)
    slope = np.diff(rows["ideal/gnss/position"][0], axis=0) / np.diff(time)[:, None]
    mean = 0.5 * (rows["ideal/gnss/velocity"][0, 1:] + rows["ideal/gnss/velocity"][0, :-1])
    np.testing.assert_allclose(slope, mean, atol=0.02)
    error = rows["sensor/gnss/position"] - rows["ideal/gnss/position"]
    good = rows["sensor/gnss/fix"] > 0
    assert 1e-3 < np.nanstd(error[good][:, 0]) < 3.0


def test_a_path_is_seen_from_its_begin() -> None:
    """Two turns to the left on a circle: the path begins at 0 and heads along x, its yaw is not wrapped."""
    yaw = np.linspace(0.7, 0.7 + 4.0 * np.pi, 101)
    pose = np.tile(np.eye(4), (1, 101, 1, 1))
    pose[0, :, 0, 0] = pose[0, :, 1, 1] = np.cos(yaw)
    pose[0, :, 1, 0], pose[0, :, 0, 1] = np.sin(yaw), -np.sin(yaw)
    pose[0, :, 0, 3], pose[0, :, 1, 3] = 3.0 + 2.0 * np.sin(yaw), 1.0 - 2.0 * np.cos(yaw)

    path = planar_path(pose)[0]

    np.testing.assert_allclose(path[:, 2], yaw - 0.7, atol=1e-12)
    np.testing.assert_allclose(path[:, 0], 2.0 * np.sin(path[:, 2]), atol=1e-12)
    np.testing.assert_allclose(path[:, 1], 2.0 * (1.0 - np.cos(path[:, 2])), atol=1e-12)
