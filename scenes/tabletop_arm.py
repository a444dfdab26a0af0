"""The tabletop's arm in its world: posed clear of everything, and moved."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .calibration import PREFIX
from .motion_recorder import MotionRecorder, Recording
from .robot_frames import weigh_frames
from .tabletop_robot import MIMIC, has_offset, ready_positions
from .world import World
from .world_robots import GAINS

Array = NDArray[np.float64]
_CLEARANCE: Final = 0.005
_BLENDS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
MOST_ACCELERATION: Final = 10.0
"""Acceleration of a joint that a recorded move asks for at most [rad/s^2 or m/s^2]: about a Panda's limits."""
_PEAK_SPEED: Final = 1.875
"""Largest speed of a move of least jerk over its mean."""
_PEAK_ACCELERATION: Final = 10.0 / math.sqrt(3.0)
"""Its largest acceleration over way by time squared."""
_HOLD: Final = 24
"""Steps for which the arm holds its start before it is recorded: motors take up its weight."""


@dataclass(frozen=True, kw_only=True)
class Actuators:
    """How motors follow their commands."""

    gains: tuple[float, float] = GAINS
    """As for `World.drive_joints`."""
    delay: float = 0.0
    """Time between a command and its effect [s], >= 0."""

    @classmethod
    def read(cls, first: Mapping[str, Array]) -> Actuators:
        """Read them from a scenario's values by name."""
        gains = (
            GAINS[0] * float(first["actuator.position_gain"]),
            GAINS[1] * float(first["actuator.velocity_gain"]),
        )
        return cls(gains=gains, delay=float(first["actuator.delay"]))


class TabletopArm:
    """The arm that stands at the table's edge.

    Args:
        world: The world.
        urdf: The arm's URDF.
    """

    def __init__(self, world: World, urdf: Path) -> None:
        self._world, self._urdf = world, urdf
        probe = world.add_urdf(urdf, rewrite=weigh_frames)
        self.joints = world.joints(probe)
        self.ready = np.array(ready_positions(self.joints))
        self._excused = self._overlapping_links(probe)
        self.body = -1
        """The arm in the world."""
        self.offsets = np.zeros(len(self.joints))
        """Joints' true positions less those that are commanded and reported [rad or m], shape (J,)."""
        self._near: tuple[int, ...] = ()
        self._bodies: tuple[int, ...] = ()

    def _overlapping_links(self, robot: int) -> frozenset[tuple[int, int]]:
        """Return the pairs of links whose hulls overlap in the ready pose: neighbours, which never count as contact."""
        self._world.place_joints(robot, self.joints, self.ready.tolist())
        self._world.detect_contacts()
        touching = self._world.contacts()
        pairs = {(int(a), int(b)) for a, b in touching.links[touching.distance < _CLEARANCE]}
        return frozenset(pairs | {(b, a) for a, b in pairs})

    def pose(
        self, first: Mapping[str, Array], top: float, table: int, bodies: Sequence[int], fixed: Sequence[int] = ()
    ) -> tuple[Array, float]:
        """Add the arm in the pose asked for, or as near to it on the way to ready as is clear of everything.

        Args:
            first: The scenario's values by name.
            top: Height of the table's top [m].
            table: The table.
            bodies: The objects.
            fixed: What else stands fast.

        Returns:
            Positions of the joints and the clearance [m], <= 0 where none of the poses is clear.
        """
        self.body = self._world.add_urdf(self._urdf, position=(0.0, 0.0, top), rewrite=weigh_frames)
        self._near, self._bodies = (table, *bodies, *fixed), tuple(bodies)
        self.offsets = self._read_offsets(first)
        asked = np.array([float(first[f"robot.{MIMIC.get(j.name, j.name)}"]) for j in self.joints])
        return self._find_clear([self._reached((1.0 - blend) * asked + blend * self.ready) for blend in _BLENDS])

    def _read_offsets(self, first: Mapping[str, Array]) -> Array:
        offsets = np.zeros(len(self.joints))
        rows = [row for row, joint in enumerate(self.joints) if has_offset(joint)]
        if f"{PREFIX}joint_offset" in first:
            offsets[rows] = first[f"{PREFIX}joint_offset"].reshape(-1)
        return offsets

    def _reached(self, commanded: Array) -> Array:
        """Return where the joints stand that are told to stand somewhere: off by their offsets, within their limits."""
        if not self.offsets.any():
            return commanded
        low, high = ([getattr(joint, side) for joint in self.joints] for side in ("lower", "upper"))
        return np.clip(commanded + self.offsets, low, high)

    def reported_links(self, positions: Array) -> Array:
        """Return the poses of the links by the joints' reported positions, shape (1 + links, 4, 4).

        The arm is put there and back, at rest.
        """
        self._world.place_joints(self.body, self.joints, (positions - self.offsets).tolist())
        links = self._world.link_poses(self.body)
        self._world.place_joints(self.body, self.joints, positions.tolist())
        return links

    def _find_clear(self, candidates: Sequence[Array]) -> tuple[Array, float]:
        """Put the arm into the first of some poses that is clear, or the last."""
        positions, clearance = candidates[0], 0.0
        for positions in candidates:
            self._world.place_joints(self.body, self.joints, positions.tolist())
            clearance = self._clearance()
            if clearance > 0:
                break
        return positions, clearance

    def _clearance(self) -> float:
        """Return the arm's distance to everything but its own stand [m], less what must be kept, at most 5 cm."""
        world, limit = self._world, 0.05
        nearest_gap = limit
        world.detect_contacts()
        found = world.contacts()
        own = (found.bodies == self.body).all(axis=1)
        for (a, b), distance in zip(found.links[own].tolist(), found.distance[own].tolist(), strict=True):
            if (a, b) not in self._excused:
                nearest_gap = min(nearest_gap, float(distance))
        for body in self._near:
            close = world.closest(self.body, body, limit)
            for link, distance in zip(close.links[:, 0].tolist(), close.distance.tolist(), strict=True):
                if body != self._near[0] or link > 0:  # the base and the first link stand over the table
                    nearest_gap = min(nearest_gap, float(distance))
        return nearest_gap - _CLEARANCE

    def _reach(self, end: Array, speed: float, duration: float) -> float:
        """Return how much of the way from ready to the end can be gone in a time, range [0, 1]."""
        reach = 1.0
        for joint, way in zip(self.joints, np.abs(self.ready - end).tolist(), strict=True):
            fastest = speed * joint.max_velocity if joint.max_velocity > 0.0 else math.inf
            longest = min(fastest * duration / _PEAK_SPEED, MOST_ACCELERATION * duration**2 / _PEAK_ACCELERATION)
            if way > longest:
                reach = min(reach, longest / way)
        return reach

    def move(
        self, end: Array, speed: float, steps: int, mounts: Mapping[str, int], actuators: Actuators | None = None
    ) -> Recording:
        """Move the arm to where it was posed, from a pose between ready and that, and record it.

        The motors' targets follow a profile of least jerk; the motors follow as fast as their limits let them.

        Args:
            end: Positions of the joints at the end, clear of everything.
            speed: Speed that the fastest joint reaches, over its limit, range [0, 1]: what remains of the way from
                ready to the end is as long as that allows, and `MOST_ACCELERATION`. Where the arm would touch something
                at the start, it starts nearer to the end.
            steps: Steps of the recorded window.
            mounts: Row of the link of each mount.
            actuators: How the motors follow; None = at once, with their own gains.

        Returns:
            The recording.

        Source: Flash and Hogan, "The coordination of arm movements", J. Neuroscience 5(7), 1985 (least jerk).
        """
        world, motors = self._world, actuators or Actuators()
        late = round(motors.delay / world.time_step)
        share = 1.0 - self._reach(end, speed, steps * world.time_step)
        shares = [share + blend * (1.0 - share) for blend in _BLENDS]
        start, _ = self._find_clear([self.ready + value * (end - self.ready) for value in shares])
        world.let_pass(self.body, self.body, self._excused)
        # The base and the first link stand over the table and may touch it.
        world.let_pass(self.body, self._near[0], [(-1, -1), (0, -1)])
        world.free_robot(self.body)
        world.drive_joints(self.body, self.joints, start.tolist(), motors.gains)
        world.step(_HOLD)
        on_links = [name for name, row in mounts.items() if row > 0]
        recorder = MotionRecorder(
            world,
            self.body,
            joints=self.joints,
            mounts=mounts,
            wrench=on_links,
            touch=list(mounts),
            bodies=self._bodies,
        )

        def drive(step: int) -> None:
            t = min(max(step + 1 - late, 0) / steps, 1.0)
            done = t * t * t * (10.0 - 15.0 * t + 6.0 * t * t)
            world.drive_joints(self.body, self.joints, (start + done * (end - start)).tolist(), motors.gains)

        # Both ends of the window are recorded.
        recording = recorder.record(steps + 1, drive)
        if not self.offsets.any():
            return recording
        return replace(recording, motion=replace(recording.motion, joint_offset=self.offsets))
