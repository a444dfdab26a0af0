"""What a world can say of a moving robot: its links' masses and joints, how they move, what presses on them.

Facts of PyBullet 3.2.7, found by experiment and held by the tests:
- Poses of inertial frames come in double precision, those of link frames through single precision.
- The axis of `getJointInfo` is given in the link's inertial frame.
- In a contact of a robot, the friction along the reported directions acts on body A, like the normal force. (Between
  two bodies of one shape each it is the other way round.) Friction against rolling and spinning is in no report.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import pose_from_position_quaternion
from .joint_wrench import Touch
from .link_tree import FIXED, PRISMATIC, REVOLUTE, LinkTree
from .physics import Joint

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class RobotReading:
    """A robot after a step; N links, the base first."""

    base_position: Sequence[float]
    """Centre of mass of the base [m], world."""
    base_quaternion: Sequence[float]
    """Rotation of the base's inertial frame, xyzw."""
    base_linear: Sequence[float]
    """Velocity of the base's centre of mass [m/s], world axes."""
    base_angular: Sequence[float]
    """Turn rate of the base [rad/s], world axes."""
    link_position: Sequence[Sequence[float]]
    """Centres of mass of the other links [m], (N - 1) of 3."""
    link_quaternion: Sequence[Sequence[float]]
    """Rotations of the other links' inertial frames, xyzw, (N - 1) of 4."""
    joint_position: Sequence[float]
    """Position of the joint above each of them [rad or m]; 0 where it is fixed."""
    joint_velocity: Sequence[float]
    """Its rate [rad/s or m/s]."""
    joint_effort: Sequence[float]
    """Torque or force of the joint's motor during the last step [Nm or N]."""


class MotionOperations(ABC):
    """The part of `World` that deals with robots in motion; PyBullet itself is imported by `World` alone."""

    _bullet: Any
    _client: int

    @abstractmethod
    def _guard(self, what: str) -> AbstractContextManager[None]:
        """Turn PyBullet's errors into ours, which say what could not be done."""

    def link_tree(self, robot: int) -> LinkTree:
        """Return a robot's links: what carries them, their axes and masses."""
        bullet, client = self._bullet, self._client
        kinds = {bullet.JOINT_REVOLUTE: REVOLUTE, bullet.JOINT_PRISMATIC: PRISMATIC}
        parent, kind, axis, mass, inertia, position, quaternion = [], [], [], [], [], [], []
        with self._guard(f"the links of body {robot} cannot be read"):
            count = bullet.getNumJoints(robot, physicsClientId=client)
            for link in range(-1, count):
                info = bullet.getJointInfo(robot, link, physicsClientId=client) if link >= 0 else None
                dynamics = bullet.getDynamicsInfo(robot, link, physicsClientId=client)
                parent.append(-1 if info is None else info[16] + 1)
                kind.append(FIXED if info is None else kinds.get(info[2], FIXED))
                axis.append((0.0, 0.0, 0.0) if info is None else info[13])
                mass.append(dynamics[0])
                inertia.append(dynamics[2])
                position.append(dynamics[3])
                quaternion.append(dynamics[4])
        inertial = pose_from_position_quaternion(position, quaternion)
        along = np.array(axis)
        turned = [
            inertial[:, k, 0] * along[:, 0] + inertial[:, k, 1] * along[:, 1] + inertial[:, k, 2] * along[:, 2]
            for k in range(3)
        ]
        return LinkTree(
            parent=np.array(parent, np.int64),
            kind=np.array(kind, np.int64),
            axis=np.stack(turned, axis=-1),
            mass=np.array(mass),
            inertia=np.array(inertia),
            pose_link_inertial=inertial,
        )

    def set_velocity(self, body: int, linear: Sequence[float], angular: Sequence[float] = (0.0, 0.0, 0.0)) -> None:
        """Give a body, or a robot's base, a velocity of its mass centre [m/s] and a turn rate [rad/s], world axes."""
        with self._guard(f"body {body} cannot be thrown"):
            self._bullet.resetBaseVelocity(body, list(linear), list(angular), physicsClientId=self._client)

    def drive_speeds(self, robot: int, joints: Sequence[Joint], speeds: Sequence[float], effort: float) -> None:
        """Drive joints at speeds [rad/s or m/s] with at most an effort [Nm or N]; 0 lets them run free."""
        bullet, client = self._bullet, self._client
        with self._guard(f"the joints of body {robot} cannot be driven"):
            bullet.setJointMotorControlArray(
                robot,
                [joint.index for joint in joints],
                bullet.VELOCITY_CONTROL,
                targetVelocities=[float(speed) for speed in speeds],
                forces=[float(effort)] * len(joints),
                physicsClientId=client,
            )

    def free_robot(self, robot: int) -> None:
        """Take off all links what sensors would feel and nobody reports; joints keep their friction.

        That is Bullet's drag in still air (4 % of the speed per second), and friction against rolling and spinning:
        its torques are in no contact point. What the other body's lever (1 mm) adds is left.
        """
        bullet, client = self._bullet, self._client
        with self._guard(f"body {robot} cannot be freed"):
            for link in range(-1, bullet.getNumJoints(robot, physicsClientId=client)):
                # Two calls: beside a damping, PyBullet drops the friction.
                bullet.changeDynamics(robot, link, linearDamping=0.0, angularDamping=0.0, physicsClientId=client)
                bullet.changeDynamics(robot, link, rollingFriction=0.0, spinningFriction=0.0, physicsClientId=client)

    def add_rotors(self, robot: int, joints: Sequence[Joint], inertia: float) -> None:
        """Add the inertia of the motors' rotors, as it is felt through their gears [kg m^2], about joints' axes."""
        bullet, client = self._bullet, self._client
        with self._guard(f"the joints of body {robot} cannot be changed"):
            for joint in joints:
                axis = bullet.getJointInfo(robot, joint.index, physicsClientId=client)[13]
                own = bullet.getDynamicsInfo(robot, joint.index, physicsClientId=client)[2]
                bullet.changeDynamics(
                    robot,
                    joint.index,
                    localInertiaDiagonal=[own[k] + inertia * axis[k] * axis[k] for k in range(3)],
                    physicsClientId=client,
                )

    def let_pass(self, body_a: int, body_b: int, links: Iterable[tuple[int, int]]) -> None:
        """Let pairs of links (of body a and of b, -1 = base) pass through each other."""
        with self._guard(f"bodies {body_a} and {body_b} have no such links"):
            for a, b in sorted(links):
                self._bullet.setCollisionFilterPair(body_a, body_b, a, b, 0, physicsClientId=self._client)

    def read_robot(self, robot: int) -> RobotReading:
        """Read a robot after a step."""
        bullet, client = self._bullet, self._client
        with self._guard(f"body {robot} cannot be read"):
            position, quaternion = bullet.getBasePositionAndOrientation(robot, physicsClientId=client)
            linear, angular = bullet.getBaseVelocity(robot, physicsClientId=client)
            links = list(range(bullet.getNumJoints(robot, physicsClientId=client)))
            frames = bullet.getLinkStates(robot, links, computeForwardKinematics=1, physicsClientId=client) or ()
            joints = bullet.getJointStates(robot, links, physicsClientId=client) or ()
        return RobotReading(
            base_position=position,
            base_quaternion=quaternion,
            base_linear=linear,
            base_angular=angular,
            link_position=[frame[0] for frame in frames],
            link_quaternion=[frame[1] for frame in frames],
            joint_position=[joint[0] for joint in joints],
            joint_velocity=[joint[1] for joint in joints],
            joint_effort=[joint[3] for joint in joints],
        )

    def read_bodies(self, bodies: Iterable[int]) -> list[tuple[Sequence[float], Sequence[float]]]:
        """Return the positions [m] and quaternions (xyzw) of bodies of one shape."""
        read, client = self._bullet.getBasePositionAndOrientation, self._client
        with self._guard("a body cannot be read"):
            return [read(body, physicsClientId=client) for body in bodies]

    def touches(self, robot: int, links: Collection[int] | None = None) -> list[Touch]:
        """Return what pressed on a robot's links during the last step, links of its own included.

        Args:
            robot: The robot.
            links: PyBullet's links that are asked for, -1 = the base; None = all.

        Returns:
            The touches, in the order of Bullet's contacts.
        """
        with self._guard(f"contacts of body {robot} cannot be read"):
            points = self._bullet.getContactPoints(physicsClientId=self._client) or ()
        found = []
        for point in points:
            if robot != point[1] and robot != point[2]:
                continue
            for side, sign in ((1, 1.0), (2, -1.0)):
                if point[side] != robot or (links is not None and point[2 + side] not in links):
                    continue
                if not (point[9] or point[10] or point[12]):
                    continue
                x, y, z = (
                    sign * (point[7][k] * point[9] + point[11][k] * point[10] + point[13][k] * point[12])
                    for k in range(3)
                )
                found.append(Touch(link=int(point[2 + side]), position=tuple(point[4 + side]), force=(x, y, z)))
        return found
