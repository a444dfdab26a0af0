"""Wheeled robots: the Husky made fit for rolling, kinematics of skid steering, commands in pieces."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from simloom.scenes import World, WorldError
from simloom.scenes.asset_sources import pybullet_data_folder
from simloom.scenes.motion_recorder import MotionRecorder
from simloom.scenes.wheeled_robot import (
    ROTOR,
    STIFFNESS,
    WHEEL_TORQUE,
    find_wheels,
    fit_for_rolling,
    follow_commands,
    wheel_speeds,
)

PATH = pybullet_data_folder() / "husky" / "husky.urdf"


def parse():
    """Parse the Husky's URDF."""
    return ElementTree.parse(PATH).getroot()


@pytest.fixture
def husky():
    """A world with a floor and a Husky on it that has come to rest."""
    with World() as world:
        world.add_plane()
        robot = world.add_urdf(PATH, fixed=False, own_inertia=True, rewrite=fit_for_rolling)
        world.free_robot(robot)
        wheels = find_wheels(world, robot, parse())
        world.add_rotors(robot, wheels.joints, ROTOR)
        world.drive_speeds(robot, wheels.joints, [0.0] * 4, WHEEL_TORQUE)
        world.step(48)
        yield world, robot, wheels


def test_the_husky_is_what_its_file_says(husky):
    """Four wheels of 17.8 cm, a track of 57 cm, the masses of the file and no more, the same links."""
    world, robot, wheels = husky
    tree = world.link_tree(robot)

    assert wheels.radius == pytest.approx(0.17775)
    assert wheels.track == pytest.approx(0.5708)
    assert [joint.name for joint in wheels.joints] == [
        "front_left_wheel",
        "front_right_wheel",
        "rear_left_wheel",
        "rear_right_wheel",
    ]
    assert wheels.is_left == (True, False, True, False)
    assert tree.mass.sum() == pytest.approx(33.455 + 4 * 2.637, abs=0.01)
    assert tree.parent.size == 11


def test_wheels_sink_in_by_their_stiffness(husky):
    """At rest the wheels carry the weight by their stiffness, 0.9 mm deep on average."""
    world, robot, _ = husky
    world.step(240)
    depth = 0.14493 - world.link_poses(robot)[1, 2, 3]
    weight = world.link_tree(robot).mass.sum() * 9.81

    assert depth == pytest.approx(weight / (4 * STIFFNESS), rel=0.1)


def test_straight_on_the_wheels_roll_without_slip(husky):
    """The way driven is that of the wheels' rims within 0.2 %, and the ride is smooth."""
    world, robot, wheels = husky
    for step in range(240):
        world.drive_speeds(robot, wheels.joints, wheel_speeds(wheels, min(step / 240, 0.8), 0.0), WHEEL_TORQUE)
        world.step()
    recorder = MotionRecorder(world, robot, joints=wheels.joints, mounts={"husky/base_link": 1})
    motion = recorder.record(240).motion
    frame = motion.frames["husky/base_link"]
    way = np.linalg.norm(frame.pose[-1, :3, 3] - frame.pose[0, :3, 3])
    rolled = wheels.radius * np.diff(motion.joint_position[[0, -1]], axis=0).mean()

    assert way == pytest.approx(0.8 * 239 / 240, rel=0.01)
    assert way == pytest.approx(rolled, rel=0.002)
    assert (np.diff(frame.linear_velocity, axis=0) * 240).std(axis=0).max() < 0.05


@pytest.mark.parametrize("speed", [0.0, 0.8])
def test_turning_slips(husky, speed):
    """Told to turn it turns, slower than without slip, by about the factor of Coulomb's law for four equal points.

    Each wheel slips sideways by w L / 2 and along by (told - w) B / 2, L between axles, B between sides; moments
    balance where along / sideways = L / B, so w / told = 1 / (1 + (L / B)^2) = 0.55.
    """
    world, robot, wheels = husky
    turn = 1.1

    def drive(step):
        share = min(step / 240, 1.0)
        told = wheel_speeds(wheels, speed * share, turn * share)
        world.drive_speeds(robot, wheels.joints, told, WHEEL_TORQUE)

    for step in range(480):
        drive(step)
        world.step()
    recorder = MotionRecorder(
        world, robot, joints=wheels.joints, mounts={"husky/base_link": 1}, touch=("husky/base_link",)
    )
    motion = recorder.record(480, lambda step: drive(480)).motion
    frame = motion.frames["husky/base_link"]
    told = wheels.radius * np.diff(motion.joint_velocity[:, :2], axis=1).mean() / wheels.track
    ahead = (frame.pose[:, :3, 0] * frame.linear_velocity).sum(axis=1).mean()

    assert told == pytest.approx(turn, rel=0.05)
    assert frame.angular_velocity[:, 2].mean() == pytest.approx(0.55 * turn, rel=0.25)
    assert ahead == pytest.approx(speed, abs=0.08)


def test_wheel_speeds_are_those_of_a_differential_drive(husky):
    """Forwards both sides turn alike, on the spot against each other; r (right - left) / track is the turn rate."""
    _, _, wheels = husky
    np.testing.assert_allclose(wheel_speeds(wheels, 0.5, 0.0), 0.5 / 0.17775)
    left, right, *_ = wheel_speeds(wheels, 0.3, 0.4)

    assert 0.17775 * (left + right) / 2 == pytest.approx(0.3)
    assert 0.17775 * (right - left) / 0.5708 == pytest.approx(0.4)


def test_commands_come_in_pieces_at_a_limited_rate():
    """Each piece is reached by a ramp of the given acceleration and held; after the last, it stays."""
    times = np.arange(1, 2401) / 240
    told = follow_commands([1.0, -0.5], [0.2, 0.0], 8.0, 0.5, times)
    rates = np.diff(told, axis=0, prepend=0.0) * 240

    assert np.abs(rates).max() <= 0.5 + 1e-9
    assert told[240 * 3, 0] == pytest.approx(1.0)
    assert told[240 - 1].tolist() == pytest.approx([0.5, 0.2])
    assert told[-1].tolist() == pytest.approx([-0.5, 0.0])


def test_a_robot_without_wheels_is_refused():
    """An arm has no wheels: one sentence says what is missing."""
    with World() as world, pytest.raises(WorldError, match="no wheels"):
        world.add_urdf(pybullet_data_folder() / "franka_panda" / "panda.urdf", fixed=False, rewrite=fit_for_rolling)


def test_touches_of_some_links_are_those_of_all():
    """Asking for one wheel's touches gives what it has among all of them, and nothing of the others."""
    with World() as world:
        world.add_plane()
        robot = world.add_urdf(PATH, position=(0, 0, 0.15), fixed=False, own_inertia=True, rewrite=fit_for_rolling)
        world.step(48)
        every = world.touches(robot)
        wheel = every[0].link
        some = world.touches(robot, {wheel})

    assert len({touch.link for touch in every}) > 1
    assert some == [touch for touch in every if touch.link == wheel]


def test_motors_keep_what_they_are_told():
    """Wheels told a speed once run as those that are told it at every step, to the last bit."""
    found = []
    for again in (False, True):
        with World() as world:
            world.add_plane()
            robot = world.add_urdf(PATH, position=(0, 0, 0.15), fixed=False, own_inertia=True, rewrite=fit_for_rolling)
            wheels = find_wheels(world, robot, parse())
            for step in range(60):
                if again or step == 0:
                    world.drive_speeds(robot, wheels.joints, wheel_speeds(wheels, 0.5, 0.4), WHEEL_TORQUE)
                world.step()
            found.append((world.joint_states(robot, wheels.joints), world.link_poses(robot)))

    np.testing.assert_equal(found[0], found[1])
    assert np.abs(found[0][0][1]).min() > 0.5
