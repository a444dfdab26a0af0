"""The world: closed forms of physics, hulls that rest where they are drawn, poses of links, errors."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simloom.renderers.urdf import load_urdf_links
from simloom.scenes import World, WorldError
from simloom.scenes.asset_sources import pybullet_data_folder
from simloom.scenes.hulls import make_hulls
from simloom.scenes.physics import Surface

CUBE = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])


@pytest.fixture
def world():
    """An empty world."""
    with World() as made:
        yield made


def test_free_fall(world):
    """Height after n steps is that of the semi-implicit Euler scheme, but for a little air."""
    ball = world.add_sphere(0.05, position=(0, 0, 2), mass=0.1)
    world.step(48)
    dt = world.time_step

    assert world.body_pose(ball)[2, 3] == pytest.approx(2 - 9.81 * dt * dt * 48 * 49 / 2, abs=2e-3)
    assert world.time == pytest.approx(0.2)


def test_a_box_rests_on_the_floor(world):
    """A settled box stands half its height over the floor, and its contacts carry its weight."""
    world.add_box((1, 1, 0.1), position=(0, 0, -0.1))
    box = world.add_box((0.02, 0.03, 0.04), position=(0, 0, 0.06), mass=0.5)
    settled = world.settle([box])
    contacts = world.contacts()

    assert settled.at_rest
    assert world.body_pose(box)[2, 3] == pytest.approx(0.04, abs=2e-4)
    assert contacts.force.sum() == pytest.approx(0.5 * 9.81, rel=0.05)
    np.testing.assert_allclose(np.abs(contacts.normal[:, 2]), 1.0, atol=1e-6)


def test_friction_decides_whether_a_box_slides(world):
    """On a slope of 20 degrees a box stays where mu is above tan 20 = 0.364 and slides below."""
    slope = (0.0, math.sin(math.radians(10)), 0.0, math.cos(math.radians(10)))
    world.add_box((2, 2, 0.1), quaternion=slope, surface=Surface(friction=1.0))
    normal = np.array([math.sin(math.radians(20)), 0.0, math.cos(math.radians(20))])
    bodies = []
    for side, friction in ((-0.5, 0.30), (0.5, 0.45)):
        place = 0.1202 * normal + np.array([0.0, side, 0.0])
        surface = Surface(friction=friction, rolling_friction=0.0, spinning_friction=0.0)
        bodies.append(world.add_box((0.1, 0.1, 0.02), position=place, quaternion=slope, mass=1.0, surface=surface))
    before = [world.body_pose(body)[:3, 3] for body in bodies]
    world.step(240)
    moved = [np.linalg.norm(world.body_pose(body)[:3, 3] - start) for body, start in zip(bodies, before, strict=True)]

    assert moved[0] > 0.1
    assert moved[1] < 0.01


def test_a_hull_rests_where_it_is_drawn(world):
    """The lowest drawn corner of a cube of hulls lies within 0.4 mm of the floor; unshrunk it would hover 1 mm."""
    hulls, center, volume = make_hulls([CUBE])
    world.add_box((1, 1, 0.1), position=(0, 0, -0.1))
    body = world.add_hulls(hulls, 0.06, position=(0, 0, 0.05), mass=0.2)
    assert world.settle([body]).at_rest
    pose = world.body_pose(body)
    corners = 0.06 * CUBE @ pose[:3, :3].T + pose[:3, 3]

    assert volume == pytest.approx(1.0)
    assert np.abs(center).max() < 1e-12
    assert abs(corners[:, 2].min()) < 4e-4


def test_gap_is_the_distance_of_shapes(world):
    """Two balls' gap is the distance of their centres less both radii, until the limit."""
    a = world.add_sphere(0.1, position=(0, 0, 1), mass=1.0)
    b = world.add_sphere(0.1, position=(0.25, 0, 1), mass=1.0)

    assert world.gap(a, b, 0.1) == pytest.approx(0.05, abs=1e-6)
    assert world.gap(a, b, 0.01) == 0.01


def test_reset_and_rebuild_give_the_same_bits(world):
    """The same calls after a reset end in the same poses, whatever was there before."""

    def run():
        world.reset()
        world.add_box((1, 1, 0.1), position=(0, 0, -0.1))
        bodies = [world.add_box((0.02, 0.03, 0.04), position=(0, 0.01 * k, 0.1 + 0.1 * k), mass=0.1) for k in range(4)]
        world.settle(bodies)
        return np.array([world.body_pose(body) for body in bodies]).tobytes()

    first = run()
    world.reset()
    world.add_sphere(0.2, position=(0, 0, 1), mass=3.0)
    world.step(50)

    assert run() == first


def test_link_poses_are_those_of_the_urdf(world):
    """The Panda's flange at zero stands where its URDF says; the base is the link's frame, not its centre of mass."""
    path = pybullet_data_folder() / "franka_panda" / "panda.urdf"
    robot = world.add_urdf(path, position=(0.1, 0.2, 0.3))
    poses = world.link_poses(robot)
    names = [link.name for link in load_urdf_links(path)]

    np.testing.assert_allclose(poses[0, :3, 3], (0.1, 0.2, 0.3), atol=1e-6)
    np.testing.assert_allclose(
        poses[names.index("panda_hand"), :3, 3], (0.1 + 0.088, 0.2, 0.3 + 0.333 + 0.316 + 0.384 - 0.107), atol=1e-6
    )


def test_joints_go_where_they_are_driven(world):
    """A driven arm reaches its targets, and its joints are listed with their limits."""
    robot = world.add_urdf(pybullet_data_folder() / "franka_panda" / "panda.urdf")
    joints = world.joints(robot)
    targets = [0.3, -0.5, 0.2, -2.0, 0.1, 1.5, 0.7, 0.02, 0.02]
    world.place_joints(robot, joints, [0.0, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785, 0.0, 0.0])
    world.drive_joints(robot, joints, targets)
    world.step(480)

    assert [joint.name for joint in joints][:2] == ["panda_joint1", "panda_joint2"]
    assert joints[3].upper == 0.0
    np.testing.assert_allclose(world.joint_states(robot, joints)[0], targets, atol=0.02)


def test_a_broken_urdf_is_one_sentence(world, tmp_path):
    """A missing file, a file that is no XML and a missing mesh each name the file and the trouble."""
    broken = tmp_path / "broken.urdf"
    broken.write_text("<robot><link")
    lost = tmp_path / "lost.urdf"
    lost.write_text(
        '<robot name="r"><link name="a"><collision><geometry><mesh filename="gone.obj"/></geometry></collision>'
        "</link></robot>"
    )
    for path, words in ((tmp_path / "none.urdf", "does not exist"), (broken, "not well-formed"), (lost, "gone.obj")):
        with pytest.raises(WorldError, match=words):
            world.add_urdf(path)


def test_bad_bodies_and_a_closed_world_raise(world):
    """Sizes, masses and surfaces that cannot be, and use after closing, are errors of our own."""
    with pytest.raises(WorldError, match="half_extents"):
        world.add_box((0.1, -1, 0.1))
    with pytest.raises(WorldError, match="mass"):
        world.add_sphere(0.1, mass=math.nan)
    with pytest.raises(ValueError, match="restitution"):
        Surface(restitution=1.5)
    with pytest.raises(WorldError):
        world.body_pose(99)
    world.close()
    world.close()
    with pytest.raises(WorldError, match="closed"):
        world.step()
