"""What a world can do with robots: read, place and drive joints, read links."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import pose_from_position_quaternion
from .physics import Joint

Array = NDArray[np.float64]
GAINS: Final = (0.2, 1.0)
"""Gains of a motor on position and on speed, of the time step."""


class RobotOperations(ABC):
    """The part of `World` that deals with articulated bodies; PyBullet itself is imported by `World` alone."""

    _bullet: Any
    _client: int

    @abstractmethod
    def _guard(self, what: str) -> AbstractContextManager[None]:
        """Turn PyBullet's errors into ours, which say what could not be done."""

    def joints(self, robot: int) -> tuple[Joint, ...]:
        """Return the movable joints of a robot, in PyBullet's order."""
        bullet, client = self._bullet, self._client
        found = []
        with self._guard(f"body {robot} has no joints"):
            for index in range(bullet.getNumJoints(robot, physicsClientId=client)):
                info = bullet.getJointInfo(robot, index, physicsClientId=client)
                if info[2] not in (bullet.JOINT_REVOLUTE, bullet.JOINT_PRISMATIC):
                    continue
                bounded = info[8] <= info[9]
                found.append(
                    Joint(
                        index=index,
                        name=info[1].decode(),
                        lower=float(info[8]) if bounded else -math.inf,
                        upper=float(info[9]) if bounded else math.inf,
                        max_force=float(info[10]),
                        max_velocity=float(info[11]),
                        slides=info[2] == bullet.JOINT_PRISMATIC,
                    )
                )
        return tuple(found)

    def place_joints(self, robot: int, joints: Sequence[Joint], positions: Sequence[float]) -> None:
        """Put joints to positions [rad or m], at rest, and hold them there."""
        bullet, client = self._bullet, self._client
        with self._guard(f"the joints of body {robot} cannot be set"):
            for joint, position in zip(joints, positions, strict=True):
                bullet.resetJointState(robot, joint.index, float(position), 0.0, physicsClientId=client)
        self.drive_joints(robot, joints, positions)

    def drive_joints(
        self, robot: int, joints: Sequence[Joint], targets: Sequence[float], gains: tuple[float, float] = GAINS
    ) -> None:
        """Drive joints towards positions [rad or m] with their largest force and speed as bounds.

        Args:
            robot: The robot.
            joints: Its joints.
            targets: Positions [rad or m], shape (J,).
            gains: Share of the way that a motor tries to go in a step, and of the speed's error that it mends.
        """
        bullet, client = self._bullet, self._client
        with self._guard(f"the joints of body {robot} cannot be driven"):
            for joint, target in zip(joints, targets, strict=True):
                bullet.setJointMotorControl2(
                    robot,
                    joint.index,
                    bullet.POSITION_CONTROL,
                    targetPosition=float(target),
                    targetVelocity=0.0,
                    force=joint.max_force,
                    maxVelocity=joint.max_velocity if joint.max_velocity > 0 else 1e3,
                    positionGain=gains[0],
                    velocityGain=gains[1],
                    physicsClientId=client,
                )

    def joint_states(self, robot: int, joints: Sequence[Joint]) -> tuple[Array, Array]:
        """Return positions [rad or m] and velocities [rad/s or m/s] of joints, shape (J,) each."""
        with self._guard(f"the joints of body {robot} cannot be read"):
            states = self._bullet.getJointStates(robot, [j.index for j in joints], physicsClientId=self._client)
        return np.array([state[0] for state in states]), np.array([state[1] for state in states])

    def link_poses(self, robot: int) -> Array:
        """Return the poses of a robot's link frames, the base first, shape (1 + links, 4, 4).

        These are the URDF's link frames; the base pose that PyBullet reports is that of the base's centre of mass.
        """
        bullet, client = self._bullet, self._client
        with self._guard(f"the links of body {robot} cannot be read"):
            count = bullet.getNumJoints(robot, physicsClientId=client)
            mass_position, mass_turn = bullet.getBasePositionAndOrientation(robot, physicsClientId=client)
            inertial = bullet.getDynamicsInfo(robot, -1, physicsClientId=client)
            inverse = bullet.invertTransform(inertial[3], inertial[4])
            base = bullet.multiplyTransforms(mass_position, mass_turn, *inverse)
            states = bullet.getLinkStates(robot, list(range(count)), computeForwardKinematics=1, physicsClientId=client)
        positions = [base[0], *(state[4] for state in states or ())]
        quaternions = [base[1], *(state[5] for state in states or ())]
        return pose_from_position_quaternion(positions, quaternions)
