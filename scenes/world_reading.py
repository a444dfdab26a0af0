"""What a world can say of its bodies: poses, velocities, contacts, distances."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import pose_from_position_quaternion, quaternion_from_pose
from .physics import Contacts, read_contacts

Array = NDArray[np.float64]


class ReadingOperations(ABC):
    """The part of `World` that reads and places bodies of one shape, and finds contacts."""

    _bullet: Any
    _client: int

    @abstractmethod
    def _guard(self, what: str) -> AbstractContextManager[None]:
        """Turn PyBullet's errors into ours, which say what could not be done."""

    def body_pose(self, body: int) -> Array:
        """Return the pose of a body of one shape: `pose_world_object`, shape (4, 4)."""
        with self._guard(f"body {body} has no pose"):
            position, quaternion = self._bullet.getBasePositionAndOrientation(body, physicsClientId=self._client)
        return pose_from_position_quaternion(position, quaternion)

    def body_velocity(self, body: int) -> tuple[Array, Array]:
        """Return the velocity [m/s] and the turn rate [rad/s] of a body, world frame, shape (3,) each."""
        with self._guard(f"body {body} has no velocity"):
            linear, angular = self._bullet.getBaseVelocity(body, physicsClientId=self._client)
        return np.array(linear), np.array(angular)

    def body_inertia(self, body: int) -> tuple[float, float]:
        """Return the mass [kg] and the least moment of inertia [kg m^2] of a body, or of a robot's base."""
        with self._guard(f"body {body} has no mass"):
            dynamics = self._bullet.getDynamicsInfo(body, -1, physicsClientId=self._client)
        return float(dynamics[0]), float(min(dynamics[2]))

    def body_motion(self, body: int) -> tuple[Sequence[float], Sequence[float], float, float]:
        """Return where a body's mass centre is [m], its quaternion (xyzw), speed [m/s] and turn rate [rad/s]."""
        with self._guard(f"body {body} cannot be read"):
            position, quaternion = self._bullet.getBasePositionAndOrientation(body, physicsClientId=self._client)
            v, w = self._bullet.getBaseVelocity(body, physicsClientId=self._client)
        speed = math.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])
        return position, quaternion, speed, math.sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2])

    def place_body(self, body: int, pose_world_object: Array) -> None:
        """Move a body of one shape to a pose, at rest."""
        with self._guard(f"body {body} cannot be moved"):
            self._bullet.resetBasePositionAndOrientation(
                body,
                pose_world_object[:3, 3].tolist(),
                quaternion_from_pose(pose_world_object).tolist(),
                physicsClientId=self._client,
            )

    def contacts(self) -> Contacts:
        """Return the contacts of the last step (or of the last `detect_contacts`)."""
        with self._guard("contacts cannot be read"):
            points = self._bullet.getContactPoints(physicsClientId=self._client)
        return read_contacts(points or ())

    def detect_contacts(self) -> None:
        """Find the contacts of the present poses without stepping."""
        with self._guard("contacts cannot be found"):
            self._bullet.performCollisionDetection(physicsClientId=self._client)

    def closest(self, body_a: int, body_b: int, limit: float) -> Contacts:
        """Return the closest points of two bodies' collision shapes.

        Args:
            body_a: A body.
            body_b: Another.
            limit: Gap beyond which nothing is returned [m].

        Returns:
            One entry for each pair of parts within the limit; the force is 0.
        """
        with self._guard(f"bodies {body_a} and {body_b} cannot be compared"):
            points = self._bullet.getClosestPoints(body_a, body_b, limit, physicsClientId=self._client)
        return read_contacts(points or ())

    def gap(self, body_a: int, body_b: int, limit: float) -> float:
        """Return the smallest distance between two bodies' collision shapes [m], or `limit` where it is larger."""
        distance = self.closest(body_a, body_b, limit).distance
        return min(limit, float(distance.min())) if distance.size else limit
