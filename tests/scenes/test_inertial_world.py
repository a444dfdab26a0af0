"""An ideal inertial unit on bodies that PyBullet moves leads back to the simulator's own path."""

from __future__ import annotations

import numpy as np
import pybullet
import pytest
from scipy.spatial.transform import Rotation

from simloom.kernels import compose_pose, inertial_motion, integrate_inertial, pose_from_position_quaternion
from simloom.renderers.urdf import load_urdf_links
from simloom.scenes.asset_sources import pybullet_data_folder
from simloom.scenes.world import World

MOUNT = np.eye(4)
MOUNT[:3, :3] = Rotation.from_rotvec([0.4, -0.7, 0.2]).as_matrix()
MOUNT[:3, 3] = (0.05, -0.02, 0.03)
Track = tuple[np.ndarray, np.ndarray, np.ndarray]


def _throw(step: float, floor: bool) -> Track:
    """Poses and twists of a box that is thrown spinning, and may bounce on a floor."""
    with World(time_step=step) as world:
        if floor:
            world.add_box((2, 2, 0.1), position=(0, 0, -0.1))
        box = world.add_box((0.1, 0.06, 0.03), position=(0, 0, 0.6), mass=0.5)
        pybullet.resetBaseVelocity(box, [1, 0.5, 2], [6, -8, 3], physicsClientId=world._client)
        poses, twists = [world.body_pose(box)], [world.body_velocity(box)]
        for _ in range(round(1.0 / step)):
            world.step()
            poses.append(world.body_pose(box))
            twists.append(world.body_velocity(box))
    return np.array(poses)[None], np.array(twists)[None, :, 0], np.array(twists)[None, :, 1]


def _wave(step: float) -> Track:
    """Poses and twists of the centre of mass of the Panda's hand while the arm moves to and fro."""
    path = pybullet_data_folder() / "franka_panda" / "panda.urdf"
    link = [entry.name for entry in load_urdf_links(path)].index("panda_hand") - 1  # the base is first
    track = []
    with World(time_step=step) as world:
        robot = world.add_urdf(path)
        joints = world.joints(robot)
        home = np.array([0.0, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785, 0.0, 0.0])
        world.place_joints(robot, joints, home.tolist())
        for k in range(round(1.0 / step) + 1):
            if k:
                swing = 0.5 * np.sin(2 * np.pi * k * step) * np.array([1, 0.6, -0.8, 0.5, 1, -0.7, 1, 0, 0])
                world.drive_joints(robot, joints, (home + swing).tolist())
                world.step()
            state = pybullet.getLinkState(
                robot, link, computeLinkVelocity=1, computeForwardKinematics=1, physicsClientId=world._client
            )
            track.append((pose_from_position_quaternion(state[0], state[1]), state[6], state[7]))
    return tuple(np.array([entry[k] for entry in track])[None] for k in range(3))  # type: ignore[return-value]


def _errors(track: Track, step: float, mount: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Errors of attitude, velocity and position at each instant, and the unit's velocity."""
    pose, linear, angular = track
    force, turn = inertial_motion(pose, linear, angular, rate=1 / step, pose_body_sensor=mount, twists="step")
    truth = compose_pose(pose, mount)
    velocity = linear + np.cross(angular, np.einsum("rtij,j->rti", pose[..., :3, :3], mount[:3, 3]))
    path = integrate_inertial(force, turn, rate=1 / step, pose=truth[:, 0], linear_velocity=velocity[:, 0])
    difference = path.pose - truth[:, 1:]
    return difference[..., :3, :3], path.linear_velocity - velocity[:, 1:], difference[..., :3, 3], velocity


@pytest.mark.parametrize("floor", [False, True])
@pytest.mark.parametrize("step", [1 / 240, 1 / 960])
def test_a_thrown_body_is_followed(step: float, floor: bool) -> None:
    """Attitude and velocity come back to rounding, through impacts too; position to a step's change of speed."""
    attitude, velocity, position, speeds = _errors(_throw(step, floor), step, MOUNT)

    assert np.abs(attitude).max() < 1e-12
    assert np.abs(velocity).max() < 1e-12
    assert np.linalg.norm(position, axis=-1).max() < step * np.linalg.norm(speeds - speeds[:, :1], axis=-1).max()


def test_a_bodys_origin_is_followed_exactly() -> None:
    """Bullet steps positions with the new velocity: but for half a step of its change the path is the same."""
    step = 1 / 240
    attitude, velocity, position, speeds = _errors(_throw(step, False), step, np.eye(4))

    assert np.abs(attitude).max() < 1e-12
    assert np.abs(velocity).max() < 1e-12
    assert np.abs(position + 0.5 * step * (speeds[:, 1:] - speeds[:, :1])).max() < 1e-12


def test_an_arms_hand_is_followed() -> None:
    """On a link whose axes turn within the step errors are in proportion to the step, and small."""
    errors = []
    for step in (1 / 240, 1 / 960):
        attitude, velocity, position, speeds = _errors(_wave(step), step, MOUNT)
        assert np.abs(speeds).max() > 0.5
        errors.append([np.abs(attitude).max(), np.abs(velocity).max(), np.abs(position).max()])

    assert errors[0][0] < 0.025
    assert errors[0][1] < 0.1
    assert errors[0][2] < 0.035
    assert all(fine < 0.4 * coarse for coarse, fine in zip(*errors, strict=True))
