"""The motion recorder: closed forms of mechanics, derivatives, balances of momentum, the same bytes again."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from simloom.kernels.transforms import invert_pose, transform_points
from simloom.scenes import World
from simloom.scenes.asset_sources import pybullet_data_folder
from simloom.scenes.link_tree import link_velocities
from simloom.scenes.motion_recorder import MotionRecorder
from simloom.scenes.physics import Surface

LINK = """<link name="{name}"><inertial><origin xyz="{xyz}" rpy="{rpy}"/><mass value="{mass}"/>
<inertia ixx="{i[0]}" iyy="{i[1]}" izz="{i[2]}" ixy="0" ixz="0" iyz="0"/></inertial>{more}</link>"""
BOX = '<collision><geometry><box size="0.2 0.2 0.1"/></geometry></collision>'


def link(name, *, xyz="0 0 0", rpy="0 0 0", mass=1.0, inertia=(0.1, 0.1, 0.1), more=""):
    """Write a link."""
    return LINK.format(name=name, xyz=xyz, rpy=rpy, mass=mass, i=inertia, more=more)


def joint(name, parent, child, kind="continuous", *, xyz="0 0 0", rpy="0 0 0", axis="0 1 0"):
    """Write a joint."""
    return (
        f'<joint name="{name}" type="{kind}"><parent link="{parent}"/><child link="{child}"/>'
        f'<origin xyz="{xyz}" rpy="{rpy}"/><axis xyz="{axis}"/>'
        '<limit lower="-5" upper="5" effort="50" velocity="10"/></joint>'
    )


SKEW = "".join(
    (
        link("base"),
        link("arm", xyz="0.1 0.05 -0.4", rpy="0.3 0.2 0.1", mass=2.0, inertia=(0.03, 0.04, 0.02)),
        link("slide", xyz="0 0.02 -0.1", rpy="0.4 0 0.2", mass=0.5, inertia=(0.004, 0.003, 0.002)),
        link("tool", xyz="0.02 0.03 -0.2", rpy="0.1 0 0.4", mass=0.7, inertia=(0.004, 0.003, 0.002)),
        joint("shoulder", "base", "arm", rpy="0.2 0.1 0.3"),
        joint("slider", "arm", "slide", "prismatic", xyz="0.1 0 -0.5", rpy="0.5 -0.2 0.1", axis="1 0 0"),
        joint("flange", "slide", "tool", "fixed", xyz="0 0.1 -0.1", rpy="0.1 -0.2 0.4"),
    )
)
"""Two joints and a flange, with frames of joints and masses turned against each other."""


@pytest.fixture
def load(tmp_path):
    """Add a robot from the inside of its URDF."""

    def add(world, text, name="robot", **options):
        path = tmp_path / f"{name}.urdf"
        path.write_text(f'<robot name="{name}">{text}</robot>')
        robot = world.add_urdf(path, own_inertia=True, **options)
        world.free_robot(robot)
        world.drive_speeds(robot, world.joints(robot), [0.0] * len(world.joints(robot)), 0.0)
        return robot

    return add


def swing(world, load, steps=60, **more):
    """Let the skew arm fall from a start, all mounts recorded."""
    robot = load(world, SKEW)
    joints = world.joints(robot)
    world.place_joints(robot, joints, [0.8, 0.1])
    world.drive_speeds(robot, joints, [0.0, 0.0], 0.0)
    mounts = {"r/arm": 1, "r/slide": 2, "r/tool": 3}
    recorder = MotionRecorder(world, robot, joints=joints, mounts=mounts, wrench=tuple(mounts), **more)
    return robot, recorder.record(steps)


def digest(recording):
    """Bytes of all arrays of a recording."""

    def gather(value):
        if isinstance(value, np.ndarray):
            return value.tobytes()
        if isinstance(value, dict):
            return b"".join(key.encode() + gather(item) for key, item in value.items())
        if dataclasses.is_dataclass(value):
            return b"".join(gather(getattr(value, field.name)) for field in dataclasses.fields(value))
        return repr(value).encode()

    return gather(recording)


def test_a_thrown_body_flies_as_newton_says(load):
    """The frame of a spinning body, away from its centre of mass, moves with v - g t + w x r; nothing pulls on it."""
    with World() as world:
        robot = load(world, link("base", xyz="0.2 0 0.1", inertia=(0.2, 0.2, 0.2)), position=(0, 0, 5), fixed=False)
        spin = np.array([0.3, -0.4, 2.0])
        world.set_velocity(robot, (1.0, 2.0, 3.0), spin)
        recording = MotionRecorder(world, robot, joints=(), mounts={"r/base": 0}).record(96)
    motion, dt = recording.motion, 1 / 240
    frame, t = motion.frames["r/base"], np.arange(1, 97) * dt
    arm = frame.pose[:, :3, :3] @ np.array([0.2, 0.0, 0.1])
    center = np.stack((np.full_like(t, 1.0), np.full_like(t, 2.0), 3.0 - 9.81 * (t + 0.5 * dt)), axis=1)

    np.testing.assert_allclose(frame.angular_velocity, np.tile(spin, (96, 1)), atol=1e-4)
    np.testing.assert_allclose(frame.linear_velocity, center - np.cross(spin, arm), atol=1e-4)
    assert motion.time.tolist() == [round(k / 240 * 1e9) for k in range(1, 97)]
    assert motion.gravity == 9.81
    assert motion.joint_position.shape == (96, 0)


def test_a_pendulum_pulls_as_its_closed_form_says(load):
    """Turn rate by energy, pull along the rod by m g cos + m l w^2, across it by the angular momentum's rate."""
    mass, length, own, start = 1.5, 0.8, 0.05, 1.2
    with World() as world:
        text = link("base") + link("bob", xyz=f"0 0 {-length}", mass=mass, inertia=(own, own, own))
        robot = load(world, text + joint("pivot", "base", "bob"))
        joints = world.joints(robot)
        world.place_joints(robot, joints, [start])
        world.drive_speeds(robot, joints, [0.0], 0.0)
        recorder = MotionRecorder(world, robot, joints=joints, mounts={"r/bob": 1}, wrench=("r/bob",))
        motion = recorder.record(240).motion
    angle, rate = motion.joint_position[:, 0], motion.joint_velocity[:, 0]
    about_pivot = own + mass * length**2
    by_energy = 2 * mass * 9.81 * length / about_pivot * (np.cos(angle) - math.cos(start))
    wrench = motion.wrench["r/bob"]
    along = mass * 9.81 * np.cos(angle) + mass * length * rate**2
    # Across the rod gravity is carried only as far as it does not speed up the bob.
    across = mass * 9.81 * np.sin(angle) * (1 - mass * length**2 / about_pivot)

    np.testing.assert_allclose(rate**2, by_energy, atol=0.02 * by_energy.max())
    np.testing.assert_allclose(wrench[:, 2], -along, atol=0.005 * along.max())
    np.testing.assert_allclose(np.abs(wrench[:, 0]), np.abs(across), atol=0.02)
    np.testing.assert_allclose(wrench[:, 4], 0.0, atol=1e-3)  # the pivot is free
    np.testing.assert_allclose(motion.frames["r/bob"].angular_velocity[:, 1], rate, atol=1e-12)


@pytest.mark.parametrize("spin", [0.0, 5.0])
def test_a_mass_hangs_and_spins_on_its_joint(load, spin):
    """At rest the link pulls down with its weight; turned about the vertical, outwards with m w^2 r."""
    mass, out, down = 0.9, 0.3, 0.2
    with World() as world:
        text = link("base") + link("bob", xyz=f"{out} 0 {-down}", rpy="0.5 0.2 0.1", mass=mass, inertia=(1e-3,) * 3)
        robot = load(world, text + joint("spindle", "base", "bob", axis="0 0 1"))
        joints = world.joints(robot)
        world.drive_speeds(robot, joints, [spin], 100.0)
        world.step(60)
        recorder = MotionRecorder(world, robot, joints=joints, mounts={"r/bob": 1}, wrench=("r/bob",))
        wrench = recorder.record(24).motion.wrench["r/bob"]
    pull = mass * spin**2 * out

    # About the joint, the weight at (out, 0, -down) turns about y, and the pull too.
    expected = (pull, 0.0, -mass * 9.81, 0.0, mass * 9.81 * out - pull * down, 0.0)
    np.testing.assert_allclose(wrench, np.tile(expected, (24, 1)), atol=2e-3)


def test_velocities_are_derivatives_to_second_order(load):
    """Halving the step quarters the difference between the poses' central difference and the velocities."""
    errors = []
    for rate in (240, 480):
        with World(time_step=1 / rate) as world:
            _, recording = swing(world, load, steps=rate // 4)
        frame = recording.motion.frames["r/tool"]
        position, turn = frame.pose[:, :3, 3], frame.pose[:, :3, :3]
        linear = (position[2:] - position[:-2]) * 0.5 * rate
        change = (turn[2:] - turn[:-2]) * 0.5 * rate @ turn[1:-1].transpose(0, 2, 1)
        angular = 0.5 * np.stack([change[:, i, j] - change[:, j, i] for i, j in ((2, 1), (0, 2), (1, 0))], axis=1)
        errors.append(
            (np.abs(linear - frame.linear_velocity[1:-1]).max(), np.abs(angular - frame.angular_velocity[1:-1]).max())
        )
    coarse, fine = np.array(errors)

    assert (coarse < 2e-3).all(), coarse
    assert (coarse / fine > 3.5).all(), (coarse, fine)


def test_link_velocities_are_those_of_the_engine(load):
    """With the rates of one reading, every link's twist is the one that PyBullet computes."""
    with World() as world:
        robot, _ = swing(world, load, steps=30)
        tree, reading, pose = world.link_tree(robot), world.read_robot(robot), world.link_poses(robot)
        rate = np.array([[0.0, *reading.joint_velocity]])
        linear, angular = link_velocities(
            tree, pose[None], np.array([reading.base_linear]), np.array([reading.base_angular]), rate
        )
        for row in range(1, 4):
            state = world._bullet.getLinkState(
                robot, row - 1, computeLinkVelocity=1, computeForwardKinematics=1, physicsClientId=world._client
            )
            arm = np.array(state[0]) - pose[row, :3, 3]
            np.testing.assert_allclose(angular[0, row], state[7], atol=1e-6)
            np.testing.assert_allclose(linear[0, row] + np.cross(angular[0, row], arm), state[6], atol=1e-6)
    assert tree.beyond(2) == [2, 3]


def balance(motion, mount):
    """Return what momentum and gravity say the link exerts on its carrier, link axes, and what was recorded."""
    load, frame, dt = motion.load[mount], motion.frames[mount], (motion.time[1] - motion.time[0]) * 1e-9
    weight = np.array([0.0, 0.0, -load.mass * motion.gravity])
    center = transform_points(frame.pose, load.center)
    origin = frame.pose[:, :3, 3]
    force = load.mass * np.gradient(load.center_velocity, dt, axis=0) - weight
    torque = np.gradient(load.angular_momentum, dt, axis=0) + np.cross(center - origin, force)
    turn = frame.pose[:, :3, :3].transpose(0, 2, 1)
    expected = -np.concatenate(((turn @ force[..., None])[..., 0], (turn @ torque[..., None])[..., 0]), axis=1)
    return expected[1:-1], motion.wrench[mount][1:-1]


def test_wrenches_balance_momentum(load):
    """On every joint of a falling arm the wrench is gravity less the rate of the momentum of what hangs on it."""
    with World() as world:
        _, recording = swing(world, load, steps=120)
    for mount in recording.motion.wrench:
        expected, found = balance(recording.motion, mount)
        np.testing.assert_allclose(found, expected, atol=0.005)
        assert np.abs(found).max() > 3.0


def test_a_single_joint_feels_what_the_engine_says(load):
    """For one joint the wrench is PyBullet's: on the link, in its inertial axes, about its centre of mass."""
    with World() as world:
        text = link("base") + link("bob", xyz="0.1 0.05 -0.4", rpy="0.3 0.2 0.1", mass=2.0, inertia=(0.03, 0.04, 0.02))
        robot = load(world, text + joint("pivot", "base", "bob", rpy="0.2 0.1 0.3"))
        joints = world.joints(robot)
        world.place_joints(robot, joints, [0.8])
        world.drive_speeds(robot, joints, [0.0], 0.0)
        world._bullet.enableJointForceTorqueSensor(robot, 0, 1, physicsClientId=world._client)
        recorder = MotionRecorder(world, robot, joints=joints, mounts={"r/bob": 1}, wrench=("r/bob",))
        found, engine = [], []
        inertial = world.link_tree(robot).pose_link_inertial[1]
        for _ in range(60):
            found.append(recorder.record(1).motion.wrench["r/bob"][0])
            reaction = world._bullet.getJointState(robot, 0, physicsClientId=world._client)[2]
            force, torque = -inertial[:3, :3] @ reaction[:3], -inertial[:3, :3] @ reaction[3:]
            engine.append(np.concatenate((force, torque + np.cross(inertial[:3, 3], force))))

    np.testing.assert_allclose(found, engine, atol=0.1)
    assert np.ptp(np.array(found), axis=0)[:3].max() > 3.0


def drive_arm(obstacle=False):
    """Move the Panda's arm by its motors, into a block where asked; return the motion, mounts on all seven links."""
    with World() as world:
        robot = world.add_urdf(pybullet_data_folder() / "franka_panda" / "panda.urdf")
        if obstacle:
            world.add_box((0.15, 0.15, 0.215), position=(0.45, 0.2, 0.215))
        joints = world.joints(robot)
        start = np.array([0.0, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785, 0.02, 0.02])
        end = start + np.array([0.4, 0.5 if obstacle else 0.3, 0.1, 0.2, 0.0, 0.2, 0.3, 0.0, 0.0])
        world.place_joints(robot, joints, start.tolist())
        world.let_pass(robot, robot, [(6, 8)])  # their hulls overlap
        world.free_robot(robot)
        mounts = {f"panda/{row}": row for row in range(1, 12)}
        recorder = MotionRecorder(world, robot, joints=joints, mounts=mounts, wrench=tuple(mounts), touch=tuple(mounts))

        def drive(step):
            share = min(step / 200, 1.0)
            share = share**3 * (10 - 15 * share + 6 * share**2)
            world.drive_joints(robot, joints, (start + share * (end - start)).tolist())

        return recorder.record(240, drive).motion, end


def test_a_driven_arm_balances_too():
    """The Panda's hand, moved by motors: within 0.05 N and 5 mNm, of a weight of 10 N."""
    motion, end = drive_arm()
    expected, found = balance(motion, "panda/9")

    assert motion.load["panda/9"].mass == pytest.approx(1.01)
    assert np.abs(found - expected)[24:, :3].max() < 0.05
    assert np.abs(found - expected)[24:, 3:].max() < 0.005
    assert np.ptp(found[:, 0]) > 0.5
    np.testing.assert_allclose(motion.joint_position[-1], end, atol=0.01)


@pytest.mark.parametrize("obstacle", [False, True])
def test_motors_carry_what_turns_about_their_axes(obstacle):
    """About each joint's axis the torque is the motor's, also where the hand is pressed on a block."""
    motion, _ = drive_arm(obstacle)
    pressed = max(np.abs(touch[..., 3:]).sum(axis=1).max() for touch in motion.touch.values())

    assert (pressed > 20.0) == obstacle
    for joint_number in range(7):
        torque = -motion.wrench[f"panda/{joint_number + 1}"][24:, 5]
        effort = motion.joint_effort[24:, joint_number]
        np.testing.assert_allclose(torque, effort, atol=0.02 * np.abs(motion.joint_effort[24:]).max())


def test_touch_carries_the_weight_down_a_slope(load):
    """On a slope of 20 degrees the contacts together push straight up with the weight, and lie under the box."""
    slope = (0.0, math.sin(math.radians(10)), 0.0, math.cos(math.radians(10)))
    normal = np.array([math.sin(math.radians(20)), 0.0, math.cos(math.radians(20))])
    with World() as world:
        world.add_box((2, 2, 0.1), quaternion=slope, surface=Surface(friction=1.0))
        box = link("box", mass=2.0, inertia=(0.01,) * 3, more=BOX)
        robot = load(world, box, position=0.151 * normal, quaternion=slope, fixed=False)
        world.step(240)
        recording = MotionRecorder(world, robot, joints=(), mounts={"r/box": 0}, touch=("r/box",)).record(10)
    touch = recording.motion.touch["r/box"]
    force = (recording.link_poses[:, 0, :3, :3] @ touch[..., 3:].sum(axis=1)[..., None])[..., 0]

    assert touch.shape == (10, 16, 6)
    np.testing.assert_allclose(force, np.tile((0.0, 0.0, 2.0 * 9.81), (10, 1)), atol=0.2)
    pressed = touch[np.abs(touch[..., 3:]).sum(axis=-1) > 0]
    np.testing.assert_allclose(pressed[:, 2], -0.05, atol=2e-3)
    assert (np.abs(pressed[:, :2]) < 0.101).all()


def test_touch_is_mutual(load):
    """A robot's box on another's: what the lower feels from above is minus what the upper feels, friction included."""
    slope = (0.0, math.sin(math.radians(5)), 0.0, math.cos(math.radians(5)))
    normal = np.array([math.sin(math.radians(10)), 0.0, math.cos(math.radians(10))])
    text = link("box", mass=2.0, inertia=(0.01,) * 3, more=BOX)
    forces = []
    for watched in (0, 1):
        with World() as world:
            low = load(world, text, "low", quaternion=slope)
            high = load(world, text, "high", position=0.101 * normal, quaternion=slope, fixed=False)
            world.step(240)
            recorder = MotionRecorder(world, (low, high)[watched], joints=(), mounts={"r/box": 0}, touch=("r/box",))
            recording = recorder.record(5)
            pose = recording.link_poses[:, 0, :3, :3]
            forces.append((pose @ recording.motion.touch["r/box"][..., 3:].sum(axis=1)[..., None])[..., 0])

    np.testing.assert_allclose(forces[0], -forces[1], atol=1e-6)
    np.testing.assert_allclose(forces[1], np.tile((0.0, 0.0, 2.0 * 9.81), (5, 1)), atol=0.2)


def test_the_hardest_contacts_are_kept(load):
    """With room for two contacts, the two of largest force are there, and nothing else changes."""
    found = []
    for pad in (16, 2):
        with World() as world:
            world.add_box((2, 2, 0.1), position=(0, 0, -0.1))
            text = link("box", xyz="0.05 0.02 0", mass=2.0, inertia=(0.01,) * 3, more=BOX)
            robot = load(world, text, position=(0, 0, 0.05), fixed=False)
            world.step(120)
            recorder = MotionRecorder(world, robot, joints=(), mounts={"r/box": 0}, touch=("r/box",), touch_pad=pad)
            found.append(recorder.record(1).motion.touch["r/box"][0])
    size = np.linalg.norm(found[0][:, 3:], axis=1)

    assert (size > 0).sum() > 2
    np.testing.assert_allclose(np.sort(np.linalg.norm(found[1][:, 3:], axis=1)), np.sort(size)[-2:], rtol=1e-12)


def test_the_same_bytes_again(load):
    """A recording repeats to the bit, in another world and in one that did other things before."""
    with World() as world:
        first = digest(swing(world, load)[1])
        world.reset()
        world.add_sphere(0.1, position=(0, 0, 1), mass=1.0)
        world.step(33)
        world.reset()
        again = digest(swing(world, load)[1])
    with World() as world:
        other = digest(swing(world, load)[1])

    assert first == again == other


def test_other_bodies_are_watched(load):
    """Poses of watched bodies are those of the instants, and the world stands one step beyond the last."""
    with World() as world:
        ball = world.add_sphere(0.05, position=(1, 0, 2), mass=0.1)
        _, recording = swing(world, load, steps=10, bodies=[ball])
        after = world.body_pose(ball)

    assert recording.body_poses.shape == (10, 1, 4, 4)
    drops = np.diff(recording.body_poses[:, 0, 2, 3])
    np.testing.assert_allclose(np.diff(drops), -9.81 / 240**2, rtol=0.01)
    assert after[2, 3] - recording.body_poses[-1, 0, 2, 3] == pytest.approx(drops[-1] - 9.81 / 240**2, rel=1e-3)
    inside = invert_pose(recording.motion.frames["r/tool"].pose[0])
    np.testing.assert_allclose(inside[3], (0, 0, 0, 1))


@pytest.mark.parametrize(
    "options, words",
    [
        ({"wrench": ("r/x",)}, "no mount 'r/x'"),
        ({"wrench": ("r/base",)}, "hangs on no joint"),
        ({"mounts": {"r/x": 9}}, "no row 9"),
        ({"touch_pad": 0}, "touch_pad must be at least 1"),
    ],
    ids=str,
)
def test_mistakes_are_answered(load, options, words):
    """Mounts that are not there, a sensor below the base and an empty pad are refused."""
    with World() as world:
        robot = load(world, SKEW)
        with pytest.raises(ValueError, match=words):
            MotionRecorder(world, robot, **({"joints": (), "mounts": {"r/base": 0}} | options))
        with pytest.raises(ValueError, match="steps must be at least 1"):
            MotionRecorder(world, robot, joints=(), mounts={}).record(0)
