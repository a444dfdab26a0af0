"""The motion recorder: steps a world and writes down, at every step, what a robot does and feels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..kernels.transforms import compose_pose, invert_pose, pose_from_position_quaternion
from .joint_wrench import Touch, joint_wrench
from .link_tree import distal_load, link_velocities, turn_back
from .motion import FrameMotion, Motion
from .physics import Joint, PhysicsError
from .world import World
from .world_motion import RobotReading

Array = NDArray[np.float64]
_NANOSECONDS = 1e9


@dataclass(frozen=True, kw_only=True, eq=False)
class Recording:
    """A recorded window of T instants."""

    motion: Motion
    """What sensors need; without poses of a snapshot's instances, which its maker adds."""
    link_poses: Array
    """Poses of the robot's link frames, the base first, shape (T, N, 4, 4)."""
    body_poses: Array
    """Poses of the other bodies that were watched, shape (T, B, 4, 4)."""

    def of_instances(self, poses_over: Callable[[Array, Array], Array]) -> Motion:
        """Return the motion with the poses of a snapshot's instances, which follow from those of links and bodies."""
        return replace(self.motion, pose_world_instance=poses_over(self.link_poses, self.body_poses))


def window_steps(window: float) -> int:
    """Return the physics steps of a recorded window.

    Args:
        window: Its length [s], range [0, 60].

    Returns:
        Steps of 1/240 s, at least 2; 0 for a window of 0.

    Raises:
        ValueError: If it is out of range, or longer than 0 and shorter than two steps.
    """
    steps = round(window * 240.0) if 0.0 <= window <= 60.0 else 1
    if steps == 1 or (steps == 0 and window > 0.0):
        raise ValueError(f"window must be 0 or in [0.0084, 60] s (physics steps 240 times a second), got {window}")
    return steps


class MotionRecorder:
    """Records a robot in a world.

    Bullet's steps leap: after a step, poses are those of the new instant, while velocities are those that led there,
    half a step older, and forces those that act at the instant before. The recorder takes one step more than it records
    and puts together what belongs to one instant: its pose, the mean of the velocities before and after it, and the
    forces of the step that starts from it. So velocities are the derivatives of the poses, and forces those of the
    momentum, to second order in the step. The world is left one step beyond the last instant, with the contacts of the
    last instant.

    Args:
        world: The world.
        robot: The robot.
        joints: Its joints that are recorded, in the order of `Motion.joint_position`.
        mounts: Name to row of the link that carries the mount: 0 = the base, i + 1 = PyBullet's link i.
        wrench: Names of those mounts whose joint is sensed; the base hangs on none.
        touch: Names of those mounts whose contacts are recorded.
        bodies: Other bodies of one shape whose poses are recorded.
        touch_pad: Contact points C of a link that there is room for; of more, those that press hardest are kept.

    Raises:
        ValueError: If a mount is unknown or is the base where a joint is asked for.

    Example:
        >>> recorder = MotionRecorder(world, robot, joints=world.joints(robot), mounts={"panda/hand": 9})
        >>> motion = recorder.record(120).motion
    """

    def __init__(
        self,
        world: World,
        robot: int,
        *,
        joints: Sequence[Joint],
        mounts: Mapping[str, int],
        wrench: Sequence[str] = (),
        touch: Sequence[str] = (),
        bodies: Sequence[int] = (),
        touch_pad: int = 16,
    ) -> None:
        self._tree = world.link_tree(robot)
        for name in (*wrench, *touch):
            if name not in mounts:
                raise ValueError(f"there is no mount {name!r}; there are {', '.join(mounts) or 'none'}")
        for name in wrench:
            if mounts[name] == 0:
                raise ValueError(f"{name!r} is the robot's base, which hangs on no joint; mount the sensor on a link")
        for name, row in mounts.items():
            if not 0 <= row < self._tree.parent.size:
                raise ValueError(f"{name!r}: the robot has {self._tree.parent.size} links, there is no row {row}")
        if touch_pad < 1:
            raise ValueError(f"touch_pad must be at least 1, got {touch_pad}")
        self._world, self._robot, self._pad = world, robot, touch_pad
        self._joints = [joint.index for joint in joints]
        self._mounts, self._wrench, self._touch = dict(mounts), tuple(wrench), tuple(touch)
        self._bodies = tuple(bodies)

    def record(self, steps: int, drive: Callable[[int], None] | None = None) -> Recording:
        """Step the world and record it.

        Args:
            steps: Instants T, >= 1; the world makes T + 1 steps.
            drive: Called before each step with its number, 0 to T, to set motors.

        Returns:
            The recording; its last instant is T steps after the world's present one.

        Raises:
            ValueError: If `steps` is below 1.
            PhysicsError: If physics gave a number that is not finite.
        """
        if steps < 1:
            raise ValueError(f"steps must be at least 1, got {steps}")
        readings = [self._world.read_robot(self._robot)]
        bodies: list[tuple[Sequence[float], Sequence[float]]] = []
        touches: list[list[Touch]] = []
        times = []
        # A joint carries what presses on all links beyond it.
        felt = None if self._wrench else {self._mounts[name] - 1 for name in self._touch}
        for step in range(steps + 1):
            if drive is not None:
                drive(step)
            self._world.step()
            readings.append(self._world.read_robot(self._robot))
            if step < steps:
                times.append(round(self._world.time * _NANOSECONDS))
                bodies += self._world.read_bodies(self._bodies)
            if step > 0 and (self._touch or self._wrench):
                touches.append(self._world.touches(self._robot, felt))
        pose = self._poses(readings)
        return Recording(
            motion=self._motion(readings[1:], pose, np.array(times, np.int64), touches),
            link_poses=pose[1:-1],
            body_poses=_poses_of(
                np.array([position for position, _ in bodies]).reshape(steps, -1, 3),
                np.array([quaternion for _, quaternion in bodies]).reshape(steps, -1, 4),
            ),
        )

    def _poses(self, readings: Sequence[RobotReading]) -> Array:
        inertial = _poses_of(
            np.array([(reading.base_position, *reading.link_position) for reading in readings]),
            np.array([(reading.base_quaternion, *reading.link_quaternion) for reading in readings]),
        )
        return compose_pose(inertial, invert_pose(self._tree.pose_link_inertial))

    def _motion(
        self,
        readings: Sequence[RobotReading],
        poses: Array,
        time: NDArray[np.int64],
        touches: Sequence[Sequence[Touch]],
    ) -> Motion:
        """Put a motion together from T + 1 readings and from T + 2 poses: one before and one after the T instants."""
        pose, count = poses[1:-1], len(poses) - 2

        def read(name: str) -> Array:
            """Return a quantity of all readings, shape (T + 1, ...)."""
            return np.array([getattr(reading, name) for reading in readings], np.float64)

        rate = _middle(read("joint_velocity").reshape(count + 1, -1))
        linear, angular = link_velocities(
            self._tree,
            pose,
            _middle(read("base_linear")),
            _middle(read("base_angular")),
            np.concatenate((np.zeros((count, 1)), rate), axis=1),
        )
        return Motion(
            time=time,
            gravity=self._world.gravity,
            frames={
                name: FrameMotion(
                    pose=pose[:, row].copy(),
                    linear_velocity=linear[:, row].copy(),
                    angular_velocity=angular[:, row].copy(),
                )
                for name, row in self._mounts.items()
            },
            joint_position=read("joint_position")[:-1].reshape(count, -1)[:, self._joints],
            joint_velocity=rate[:, self._joints],
            joint_effort=read("joint_effort")[1:].reshape(count, -1)[:, self._joints],
            wrench={
                name: joint_wrench(
                    self._tree,
                    self._mounts[name],
                    poses,
                    touches,
                    time_step=self._world.time_step,
                    gravity=self._world.gravity,
                )
                for name in self._wrench
            },
            load={name: distal_load(self._tree, self._mounts[name], pose, linear, angular) for name in self._wrench},
            touch={name: self._points(self._mounts[name], pose, touches) for name in self._touch},
        )

    def _points(self, row: int, pose: Array, touches: Sequence[Sequence[Touch]]) -> Array:
        out = np.zeros((len(pose), self._pad, 6))
        for instant, found in enumerate(touches):
            mine = [touch for touch in found if touch.link + 1 == row]
            if len(mine) > self._pad:
                sizes = [x * x + y * y + z * z for x, y, z in (touch.force for touch in mine)]
                kept = sorted(range(len(mine)), key=lambda k: (-sizes[k], k))[: self._pad]
                mine = [mine[k] for k in sorted(kept)]
            if mine:
                frame = pose[instant, row][None]
                away = np.array([touch.position for touch in mine]) - frame[:, :3, 3]
                out[instant, : len(mine), :3] = turn_back(frame, away)
                out[instant, : len(mine), 3:] = turn_back(frame, np.array([touch.force for touch in mine]))
        return out


def _poses_of(position: Array, quaternion: Array) -> Array:
    if not (np.isfinite(position).all() and np.isfinite(quaternion).all()):
        raise PhysicsError("physics gave a pose that is not finite while it was recorded")
    return pose_from_position_quaternion(position, quaternion)


def _middle(values: Array) -> Array:
    return np.asarray(0.5 * (values[:-1] + values[1:]))
