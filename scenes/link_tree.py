"""Link trees: a robot as physics knows it, and how its links move and weigh when its joints turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import compose_pose, cross_product, transform_points
from .motion import DistalLoad

Array = NDArray[np.float64]
FIXED: Final = 0
"""Kind of a joint that does not move."""
REVOLUTE: Final = 1
"""Kind of a joint that turns about its axis."""
PRISMATIC: Final = 2
"""Kind of a joint that slides along its axis."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LinkTree:
    """The links of a robot, N of them: row 0 is the base, row i + 1 PyBullet's link i; parents come before children."""

    parent: NDArray[np.int64]
    """Row of the link that each hangs on, shape (N,); -1 for the base."""
    kind: NDArray[np.int64]
    """How it hangs there: `FIXED`, `REVOLUTE` or `PRISMATIC`, shape (N,)."""
    axis: Array
    """Unit vector of the joint's axis in the link's frame, through its origin, shape (N, 3)."""
    mass: Array
    """Mass [kg], shape (N,)."""
    inertia: Array
    """Moments of inertia about the axes of the inertial frame [kg m^2], shape (N, 3)."""
    pose_link_inertial: Array
    """Maps the inertial frame (origin at the centre of mass) to the link's, shape (N, 4, 4)."""

    def beyond(self, row: int) -> list[int]:
        """Return the rows of a link and of all that hangs on it."""
        found = {row}
        for child in range(row + 1, self.parent.size):
            if int(self.parent[child]) in found:
                found.add(child)
        return sorted(found)


def link_velocities(
    tree: LinkTree, pose: Array, base_linear: Array, base_angular: Array, rate: Array
) -> tuple[Array, Array]:
    """Return how all link frames move, from the base's motion and the joints' rates.

    Args:
        tree: The links.
        pose: Poses of the link frames in the world, shape (T, N, 4, 4).
        base_linear: Velocity of the base's centre of mass [m/s], shape (T, 3).
        base_angular: Turn rate of the base [rad/s], shape (T, 3).
        rate: Rate of the joint above each link [rad/s or m/s], shape (T, N); that of the base is not used.

    Returns:
        Velocities of the frames' origins and turn rates, world axes, shape (T, N, 3) each.

    Source: Featherstone, "Rigid Body Dynamics Algorithms" (2008), ch. 4: v_child = v_parent + S qd.
    """
    linear, angular = np.zeros((*pose.shape[:2], 3)), np.zeros((*pose.shape[:2], 3))
    origin = pose[:, :, :3, 3]
    center = transform_points(pose[:, 0], tree.pose_link_inertial[0, :3, 3][None].repeat(len(pose), axis=0))
    angular[:, 0] = base_angular
    linear[:, 0] = base_linear + cross_product(base_angular, origin[:, 0] - center)
    for row in range(1, tree.parent.size):
        above = int(tree.parent[row])
        angular[:, row] = angular[:, above]
        linear[:, row] = linear[:, above] + cross_product(angular[:, above], origin[:, row] - origin[:, above])
        moving = turn(pose[:, row], tree.axis[row]) * rate[:, row, None]
        if tree.kind[row] == REVOLUTE:
            angular[:, row] += moving
        elif tree.kind[row] == PRISMATIC:
            linear[:, row] += moving
    return linear, angular


def distal_load(tree: LinkTree, row: int, pose: Array, linear: Array, angular: Array) -> DistalLoad:
    """Return what hangs on the joint above a link.

    Args:
        tree: The links.
        row: The link.
        pose: Poses of the link frames in the world, shape (T, N, 4, 4).
        linear: Velocities of their origins, world axes [m/s], shape (T, N, 3).
        angular: Their turn rates, world axes [rad/s], shape (T, N, 3).

    Returns:
        The load; where nothing beyond the joint has mass, its centre is the link's origin.
    """
    count = len(pose)
    moment, momentum, mass = np.zeros((count, 3)), np.zeros((count, 3)), 0.0
    parts = []
    for link in tree.beyond(row):
        own = float(tree.mass[link])
        inertial = compose_pose(pose[:, link], tree.pose_link_inertial[link])
        center = inertial[:, :3, 3]
        velocity = linear[:, link] + cross_product(angular[:, link], center - pose[:, link, :3, 3])
        parts.append((own, inertial, velocity, link))
        mass += own
        moment = moment + own * center
        momentum = momentum + own * velocity
    middle = moment / mass if mass > 0.0 else pose[:, row, :3, 3]
    drift = momentum / mass if mass > 0.0 else linear[:, row]
    spin = np.zeros((count, 3))
    for own, inertial, velocity, link in parts:
        spin = spin + turn(inertial, tree.inertia[link] * turn_back(inertial, angular[:, link]))
        spin = spin + own * cross_product(inertial[:, :3, 3] - middle, velocity - drift)
    return DistalLoad(
        mass=mass,
        center=turn_back(pose[:, row], middle - pose[:, row, :3, 3]),
        center_velocity=drift,
        angular_momentum=spin,
    )


def turn(pose: Array, vector: Array) -> Array:
    """Turn vectors (..., 3) from a frame's axes to the world's, by poses (..., 4, 4)."""
    x, y, z = vector[..., 0], vector[..., 1], vector[..., 2]
    return np.stack([pose[..., k, 0] * x + pose[..., k, 1] * y + pose[..., k, 2] * z for k in range(3)], axis=-1)


def turn_back(pose: Array, vector: Array) -> Array:
    """Turn vectors (..., 3) from the world's axes to a frame's, by poses (..., 4, 4)."""
    x, y, z = vector[..., 0], vector[..., 1], vector[..., 2]
    return np.stack([pose[..., 0, k] * x + pose[..., 1, k] * y + pose[..., 2, k] * z for k in range(3)], axis=-1)
