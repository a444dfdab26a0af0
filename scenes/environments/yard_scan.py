"""Yard scans: how far it is from a robot to what stands around it, in one plane."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...kernels.transforms import invert_pose, pose_from_position_quaternion, transform_points
from ..driving_layout import Wall
from ..object_plan import ObjectPlan

Array = NDArray[np.float64]
BEAMS: Final = 24
"""Directions, evenly around, the first straight ahead, then to the left."""
REACH: Final = 8.0
"""Farthest distance [m]."""
HEIGHT: Final = 0.1
"""Height of the plane [m]."""
_ANGLES: Final = tuple(2.0 * math.pi * beam / BEAMS for beam in range(BEAMS))


class YardScan:
    """The boxes around all that stands in a yard.

    Args:
        walls: The walls.
        plans: The objects, then the distractors.
    """

    def __init__(self, walls: Sequence[Wall], plans: Sequence[ObjectPlan]) -> None:
        self._walls = np.array([wall.pose for wall in walls]).reshape(-1, 4, 4)
        sides = [*(wall.sides for wall in walls), *(plan.extent for plan in plans)]
        self._half = 0.5 * np.array(sides, np.float64).reshape(-1, 3)
        offsets = [*(np.zeros(3) for _ in walls), *(plan.asset.center * plan.scale for plan in plans)]
        self._middle = np.array(offsets, np.float64).reshape(-1, 3)

    def _inverse(self, bodies: Array) -> Array:
        return invert_pose(np.concatenate((self._walls, pose_from_position_quaternion(bodies[:, :3], bodies[:, 3:]))))

    def measure(self, x: float, y: float, heading: float, bodies: Array) -> Array:
        """Return the distance to the nearest box in each direction.

        Args:
            x: Where to measure from [m].
            y: The same.
            heading: Direction of the first beam about z [rad].
            bodies: Positions and quaternions of objects and distractors, shape (B, 7).

        Returns:
            Distances [m], shape (BEAMS,), at most `REACH`.
        """
        if not len(self._half):
            return np.full(BEAMS, REACH)
        into = self._inverse(bodies)
        ends = np.array([(x + math.cos(heading + a), y + math.sin(heading + a), HEIGHT) for a in _ANGLES])
        eye = transform_points(into, np.array([x, y, HEIGHT]))[:, None, :]
        along = transform_points(into[:, None], ends) - eye
        start = eye - self._middle[:, None, :]
        along = np.where(np.abs(along) < 1e-12, 1e-12, along)
        first, second = (-self._half[:, None] - start) / along, (self._half[:, None] - start) / along
        enter = np.minimum(first, second).max(axis=2)
        leave = np.maximum(first, second).min(axis=2)
        hit = (leave >= enter) & (leave >= 0.0)
        distance = np.where(hit, np.maximum(enter, 0.0), REACH)
        return np.asarray(np.minimum(distance.min(axis=0), REACH))

    def gap(self, x: float, y: float, bodies: Array) -> float:
        """Return the distance of a point at the plane's height to the nearest box [m], at most `REACH`."""
        if not len(self._half):
            return REACH
        points = transform_points(self._inverse(bodies), np.array([x, y, HEIGHT])) - self._middle
        beyond = np.maximum(np.abs(points) - self._half, 0.0)
        squares = beyond[:, 0] ** 2 + beyond[:, 1] ** 2 + beyond[:, 2] ** 2
        return min(math.sqrt(float(squares.min())), REACH)
