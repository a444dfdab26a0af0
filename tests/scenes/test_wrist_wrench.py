"""The weight that a wrist carries: PyBullet's joint reaction against ours, from masses and poses."""

from __future__ import annotations

import itertools

import numpy as np

from simloom.kernels.tool_load import tool_wrench
from simloom.scenes import World
from simloom.scenes.asset_sources import pybullet_data_folder

HAND = 8
"""PyBullet's number of the Panda's hand, whose joint to the flange is fixed."""


def test_the_wrist_carries_the_hand() -> None:
    """At rest the hand's joint reacts to the weight of hand and fingers, along the hand's axes.

    PyBullet's reaction acts on the hand, about its centre of mass; ours is what the hand does to its joint. The
    engine's own figure is off by a hundredth, with any step and however many iterations, so that is the bound.
    """
    with World() as world:
        robot = world.add_urdf(pybullet_data_folder() / "franka_panda" / "panda.urdf")
        bullet, client = world._bullet, world._client
        links = range(bullet.getNumJoints(robot, physicsClientId=client))
        for a, b in itertools.combinations(links, 2):  # hulls of flange and hand overlap, and would push each other
            bullet.setCollisionFilterPair(robot, robot, a, b, 0, physicsClientId=client)
        world.place_joints(robot, world.joints(robot), [0.3, -0.5, 0.2, -2.0, 0.6, 1.2, 0.4, 0.02, 0.03])
        bullet.enableJointForceTorqueSensor(robot, HAND, 1, physicsClientId=client)
        world.step(240)
        reaction = np.array(bullet.getJointState(robot, HAND, physicsClientId=client)[2])
        pose = world.link_poses(robot)[1 + HAND]
        dynamics = [bullet.getDynamicsInfo(robot, link, physicsClientId=client) for link in links]
        masses = np.array([dynamics[link][0] for link in links if link >= HAND])  # the hand and all that hangs on it
        centers = np.array(
            [bullet.getLinkState(robot, link, physicsClientId=client)[0] for link in links if link >= HAND]
        )
        middle = np.array(dynamics[HAND][3])

    center = pose[:3, :3].T @ ((masses[:, None] * centers).sum(axis=0) / masses.sum() - pose[:3, 3])
    wrench = tool_wrench(pose, masses.sum(), center, gravity=9.81)
    about_middle = wrench[3:] - np.cross(middle, wrench[:3])
    weight = masses.sum() * 9.81

    assert np.isclose(np.linalg.norm(wrench[:3]), weight)
    assert np.abs(wrench[:3] + reaction[:3]).max() < 0.015 * weight
    assert np.abs(about_middle + reaction[3:]).max() < 0.05
    assert np.abs(wrench[:3]).min() > 0.4  # no axis is trivial
