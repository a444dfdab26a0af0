"""Joint wrenches: what a link exerts on its carrier, from how everything beyond the joint moves and is touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import compose_pose, cross_product
from .link_tree import LinkTree, turn_back

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Touch:
    """A contact point that carries force."""

    link: int
    """Link that is pressed, -1 = base."""
    position: tuple[float, float, float]
    """Point on the link [m], world."""
    force: tuple[float, float, float]
    """Force on the link [N], world axes."""


def joint_wrench(
    tree: LinkTree, row: int, pose: Array, touches: Sequence[Sequence[Touch]], *, time_step: float, gravity: float
) -> Array:
    """Return the wrench that a link exerts on what carries it, by the balance of momentum of all beyond the joint.

    PyBullet's own sensor (`enableJointForceTorqueSensor`: the wrench on the link in the axes of its inertial frame, the
    torque about its centre of mass) is not used: it leaves out the velocity terms of joints in series. It agrees here
    for a single joint and for arms at rest; two free joints at 3 rad/s put it off by 5 % (PyBullet 3.2.7), while the
    motion itself keeps energy and momentum.

    Args:
        tree: The links.
        row: The link.
        pose: Poses of the link frames at T instants, one before and one after them, shape (T + 2, N, 4, 4).
        touches: What pressed on the robot at each of the T instants.
        time_step: Time between instants [s].
        gravity: Acceleration downwards [m/s^2].

    Returns:
        Force [N] and torque [Nm] in the link's axes, about the link's origin, which is the joint's place; shape (T, 6).

    Source: Newton and Euler's laws over central differences: at instant k the force on the load is
        m (c_{k+1} - 2 c_k + c_{k-1}) / dt^2 - m g less contacts, and so for angular momentum about a fixed point.
    """
    count, beyond = len(pose) - 2, tree.beyond(row)
    rate = 1.0 / time_step
    force, torque = np.zeros((count, 3)), np.zeros((count, 3))
    for link in beyond:
        mass = float(tree.mass[link])
        inertial = compose_pose(pose[:, link], tree.pose_link_inertial[link])
        center = inertial[:, :3, 3]
        weight = np.zeros((count, 3))
        weight[:, 2] = -mass * gravity
        momentum = mass * rate * (center[1:] - center[:-1])
        # About the world's origin: (c_k + c_{k+1}) / 2 x (c_{k+1} - c_k) = c_k x c_{k+1}.
        spin = mass * rate * cross_product(center[:-1], center[1:]) + _spin(
            inertial[:, :3, :3], tree.inertia[link], rate
        )
        force += rate * (momentum[1:] - momentum[:-1]) - weight
        torque += rate * (spin[1:] - spin[:-1]) - cross_product(center[1:-1], weight)
    for instant, found in enumerate(touches):
        for touch in found:
            if touch.link + 1 in beyond:
                pressed = np.array(touch.force)
                force[instant] -= pressed
                torque[instant] -= cross_product(np.array(touch.position), pressed)
    carrier = pose[1:-1, row]
    torque = torque - cross_product(carrier[:, :3, 3], force)
    return -np.concatenate((turn_back(carrier, force), turn_back(carrier, torque)), axis=1)


def _spin(turn: Array, inertia: Array, rate: float) -> Array:
    """Return angular momenta about the centre of mass, world axes, half way between rotations (T, 3, 3)."""
    first, last = turn[:-1], turn[1:]
    change = [
        [
            first[:, 0, i] * last[:, 0, j] + first[:, 1, i] * last[:, 1, j] + first[:, 2, i] * last[:, 2, j]
            for j in range(3)
        ]
        for i in range(3)
    ]
    # The rotation from one to the next in body axes; its axis, and with it the turn rate, is the same in both.
    sine = np.stack([0.5 * (change[i][j] - change[j][i]) for i, j in ((2, 1), (0, 2), (1, 0))], axis=-1)
    size = np.sqrt(sine[:, 0] ** 2 + sine[:, 1] ** 2 + sine[:, 2] ** 2)
    angle = np.arctan2(size, 0.5 * (change[0][0] + change[1][1] + change[2][2] - 1.0))
    stretch = np.where(size > 1e-9, angle / np.maximum(size, 1e-9), 1.0)
    body = sine * (rate * stretch)[:, None] * inertia
    middle = 0.5 * (first + last)
    return np.stack(
        [middle[:, k, 0] * body[:, 0] + middle[:, k, 1] * body[:, 1] + middle[:, k, 2] * body[:, 2] for k in range(3)],
        axis=-1,
    )
