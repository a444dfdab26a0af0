"""Motion: what the physics did during a window that ends at a row's instant, for the sensors that feel it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameMotion:
    """How one frame of a robot moved, at the T instants of a motion."""

    pose: Array
    """Maps the frame to the world, shape (T, 4, 4)."""
    linear_velocity: Array
    """Velocity of the frame's origin, world axes [m/s], shape (T, 3); from the body's twist, not from differences."""
    angular_velocity: Array
    """Turn rate, world axes [rad/s], shape (T, 3)."""


@dataclass(frozen=True, kw_only=True)
class WheelDrive:
    """How a robot with a left and a right side of wheels rolls.

    Raises:
        ValueError: If a length is not positive or a side has no wheel.
    """

    base: str
    """Mount whose motion is the robot's, such as `husky/base_link`; x forward."""
    left: tuple[int, ...]
    """Rows of the left wheels among the scene's joints."""
    right: tuple[int, ...]
    """Rows of the right wheels."""
    radius: float
    """Radius of the wheels [m]."""
    track: float
    """Distance between the two sides that turns them into a turn rate [m]; for skid steering the effective one."""

    def __post_init__(self) -> None:
        if not (self.radius > 0.0 and self.track > 0.0 and self.left and self.right):
            raise ValueError(
                f"a drive needs wheels on both sides and lengths > 0, got radius {self.radius} and track {self.track}"
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class DistalLoad:
    """What hangs on a joint: everything beyond it, as one rigid body at the motion's instants."""

    mass: float
    """Mass [kg]."""
    center: Array
    """Centre of mass in the frame of the sensing link [m], shape (T, 3)."""
    center_velocity: Array
    """Velocity of the centre of mass, world axes [m/s], shape (T, 3)."""
    angular_momentum: Array
    """Angular momentum about the centre of mass, world axes [kg m^2/s], shape (T, 3)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Motion:
    """The recorded window: T instants, one per physics step, the last of which is the row's.

    All arrays are of the instants themselves: to second order in the step, velocities are the derivatives of poses, and
    a wrench is that of the load's momentum, less gravity and contacts.
    """

    time: NDArray[np.int64]
    """Simulated time since the reset [ns], shape (T,)."""
    gravity: float
    """Acceleration of gravity, along -z of the world [m/s^2]."""
    frames: Mapping[str, FrameMotion] = field(default_factory=dict)
    """By mount, such as `panda/hand`."""
    joint_position: Array
    """Positions of the scene's joints [rad or m], shape (T, J)."""
    joint_velocity: Array
    """Velocities [rad/s or m/s], shape (T, J)."""
    joint_offset: Array | None = None
    """Positions less those that the joints' encoders are turned to [rad or m], shape (J,); None = none."""
    joint_effort: Array
    """Torques or forces of the motors [Nm or N], shape (T, J)."""
    wrench: Mapping[str, Array] = field(default_factory=dict)
    """By mount: force [N] and torque [Nm] that the link exerts on what carries it, link axes, at the joint, (T, 6)."""
    load: Mapping[str, DistalLoad] = field(default_factory=dict)
    """By mount of a wrench: what hangs on it."""
    touch: Mapping[str, Array] = field(default_factory=dict)
    """By mount: contact points on the link, position in the link's frame [m], force on the link in its frame [N], and 0
    padding, shape (T, C, 6)."""
    pose_world_instance: Array | None = None
    """Poses of the last snapshot's instances, shape (T, I, 4, 4); None where no sensor scans while things move."""
