"""The physics watch: tells when bodies leave what physics allows, and why, so that no such world becomes a row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .motion_recorder import Recording
from .physics import Joint, PhysicsError
from .stage import Reason
from .world import World

Array = NDArray[np.float64]
_LARGEST_TURN: Final = 0.9 * 0.5 * math.pi
"""Bullet lets nothing turn by more than a quarter turn in a step: what comes near that has exploded [rad]."""


@dataclass(frozen=True, kw_only=True)
class PhysicsLimits:
    """What physics may do before it counts as gone wrong.

    Raises:
        ValueError: If a limit is not above 0.
    """

    speed: float = 20.0
    """Largest speed of a body or link [m/s]."""
    energy_gain: float = 0.01
    """Energy that bodies may gain while nothing drives them: the height to which it would lift them all [m]."""
    depth: float = 0.01
    """How far a body's centre may be below what it stands on [m]."""
    reach: float = 50.0
    """Farthest that a body may be from the world's origin along an axis [m]."""
    joint_overrun: float = 0.1
    """How far a joint may be beyond its limit [rad or m]."""

    def __post_init__(self) -> None:
        for name in ("speed", "energy_gain", "depth", "reach", "joint_overrun"):
            value = getattr(self, name)
            if not value > 0.0:
                raise ValueError(f"{name} must be above 0, got {value}; math.inf switches it off")


@dataclass(frozen=True, kw_only=True)
class Support:
    """What bodies stand on: a level surface, up to its edges."""

    height: float
    """Height of the surface [m]."""
    x: tuple[float, float] = (-math.inf, math.inf)
    """Its edges along x [m]."""
    y: tuple[float, float] = (-math.inf, math.inf)
    """Its edges along y [m]."""


@dataclass(frozen=True, kw_only=True)
class PhysicsFault:
    """What went wrong."""

    reason: Reason
    """The row's reason."""
    message: str
    """The same for people."""

    def raise_if_broken(self) -> None:
        """Raise where the world holds nothing that could be read.

        Raises:
            PhysicsError: If physics exploded.
        """
        if self.reason == Reason.EXPLODED:
            raise PhysicsError(self.message)


@dataclass(kw_only=True)
class PhysicsWatch:
    """Watches free bodies while a world is stepped; the first thing that goes wrong is kept.

    Looking reads and changes nothing, so what is in order has the same bytes as without.

    Example:
        >>> watch = PhysicsWatch(world=world, bodies=bodies, support=Support(height=0.7))
        >>> settled = world.settle(bodies, look=watch.look)
        >>> if watch.fault is not None:
        ...     print(watch.fault.message)
    """

    world: World
    """The world."""
    bodies: Sequence[int]
    """Its free bodies; of a robot, the base is watched."""
    support: Support
    """What they stand on."""
    limits: PhysicsLimits = field(default_factory=PhysicsLimits)
    """What physics may do."""
    is_driven: bool = False
    """Whether motors add energy, so that gains mean nothing."""
    fault: PhysicsFault | None = None
    """What went wrong first."""
    energy_gain: float = 0.0
    """Largest gain of energy seen, as a height [m]."""
    speed: float = 0.0
    """Largest speed seen [m/s]."""

    def __post_init__(self) -> None:
        self._inertia = [self.world.body_inertia(body) for body in self.bodies]
        self._weight = self.world.gravity * math.fsum(mass for mass, _ in self._inertia)
        self._turn_limit = _LARGEST_TURN / self.world.time_step
        self._energy = math.inf
        self.look()

    def look(self) -> bool:
        """Look once.

        Returns:
            Whether something is wrong, now or before.
        """
        if self.fault is not None:
            return True
        energy = 0.0
        pull, low = self.world.gravity_vector, self.support.height
        for number, body in enumerate(self.bodies):
            position, quaternion, speed, turn = self.world.body_motion(body)
            if not self._is_in_order(position, quaternion, speed, turn):
                self.fault = self._judge(number, (*position, *quaternion), speed, turn)
                if self.fault is not None:
                    return True
            mass, inertia = self._inertia[number]
            self.speed = max(self.speed, speed)
            # The least moment of inertia stands for all: too low an energy never accuses what is in order.
            lift = -(pull[0] * position[0] + pull[1] * position[1] + pull[2] * (position[2] - low))
            energy += mass * (lift + 0.5 * speed * speed) + 0.5 * inertia * turn * turn
        if self.is_driven or self._weight == 0.0:
            return False
        gain = (energy - self._energy) / self._weight
        self._energy = min(self._energy, energy)
        self.energy_gain = max(self.energy_gain, gain)
        if gain > self.limits.energy_gain:
            self.fault = PhysicsFault(
                reason=Reason.EXPLODED,
                message=f"bodies that nothing drives gained energy, enough to lift them all by {1e3 * gain:.0f} mm",
            )
        return self.fault is not None

    def _is_in_order(self, position: Sequence[float], quaternion: Sequence[float], speed: float, turn: float) -> bool:
        """Tell whether `_judge` has nothing to say, as it nearly always has; what is no number is not in order."""
        (x, y, z), (a, b, c, d), limits = position, quaternion, self.limits
        reach = limits.reach
        return (
            speed <= limits.speed
            and turn <= self._turn_limit
            and -reach <= x <= reach
            and -reach <= y <= reach
            and -reach <= z <= reach
            and self.support.height - z <= limits.depth
            and a * a + b * b + c * c + d * d < math.inf
        )

    def _judge(self, number: int, pose: Sequence[float], speed: float, turn: float) -> PhysicsFault | None:
        if not math.isfinite(math.fsum(map(abs, pose)) + speed + turn):
            return PhysicsFault(reason=Reason.EXPLODED, message=f"body {number} has no finite pose or velocity")
        if speed > self.limits.speed:
            message = f"body {number} flies at {speed:.0f} m/s, the limit is {self.limits.speed:g}"
            return PhysicsFault(reason=Reason.EXPLODED, message=message)
        if turn > self._turn_limit:
            return PhysicsFault(reason=Reason.EXPLODED, message=f"body {number} spins at {turn:.0f} rad/s")
        return judge_position(f"body {number}", pose[:3], self.support, self.limits)


def judge_position(
    name: str, position: Sequence[float], support: Support, limits: PhysicsLimits
) -> PhysicsFault | None:
    """Tell whether a body is where it may be.

    Args:
        name: What to call it.
        position: Its centre [m], finite.
        support: What it stands on.
        limits: How far it may be below that, and away.

    Returns:
        What is wrong, or None.
    """
    x, y, z = position
    if max(abs(x), abs(y), abs(z)) > limits.reach:
        return PhysicsFault(reason=Reason.OUT_OF_WORKSPACE, message=f"{name} is over {limits.reach:g} m away")
    below = support.height - z
    if below <= limits.depth:
        return None
    if support.x[0] <= x <= support.x[1] and support.y[0] <= y <= support.y[1]:
        message = f"{name} sank {1e3 * below:.0f} mm into what it stood on, or went through it"
        return PhysicsFault(reason=Reason.SUNK, message=message)
    return PhysicsFault(reason=Reason.FELL_OFF, message=f"{name} fell over the edge")


def check_recording(
    recording: Recording,
    *,
    joints: Sequence[Joint],
    support: Support,
    limits: PhysicsLimits,
    time_step: float,
    watched: int | None = None,
) -> PhysicsFault | None:
    """Tell whether physics stayed in order throughout a recorded window.

    Args:
        recording: The window.
        joints: The joints that it recorded.
        support: What its bodies stand on.
        limits: What physics may do.
        time_step: Time between its instants [s].
        watched: How many of its bodies must stay on the support; None = all.

    Returns:
        The first that is wrong, or None.
    """
    motion, bodies = recording.motion, recording.body_poses
    every = [bodies, recording.link_poses, motion.joint_position, motion.joint_velocity, motion.joint_effort]
    every += [wrench for _, wrench in sorted(motion.wrench.items())]
    if not all(np.isfinite(values).all() for values in every):
        return PhysicsFault(reason=Reason.EXPLODED, message="physics gave a number that is not finite")
    for name, poses in (("a link", recording.link_poses), ("a body", bodies)):
        way = np.diff(poses[:, :, :3, 3], axis=0)
        squares = way[..., 0] ** 2 + way[..., 1] ** 2 + way[..., 2] ** 2
        speed = math.sqrt(float(squares.max(initial=0.0))) / time_step
        if speed > limits.speed:
            message = f"{name} moved at {speed:.0f} m/s, the limit is {limits.speed:g}"
            return PhysicsFault(reason=Reason.EXPLODED, message=message)
    place = bodies[:, :watched, :3, 3]
    outside = (np.abs(place) > limits.reach).any(axis=-1) | (support.height - place[..., 2] > limits.depth)
    for number in np.flatnonzero(outside.any(axis=0)).tolist():
        for instant in np.flatnonzero(outside[:, number]).tolist():
            fault = judge_position(f"body {number}", place[instant, number].tolist(), support, limits)
            if fault is not None:
                return fault
    for column, joint in enumerate(joints):
        angles = motion.joint_position[:, column]
        over = max(float(angles.max()) - joint.upper, joint.lower - float(angles.min()))
        if over > limits.joint_overrun:
            message = f"joint {joint.name} is {over:.2f} beyond its limit"
            return PhysicsFault(reason=Reason.JOINT_LIMIT, message=message)
    return None
