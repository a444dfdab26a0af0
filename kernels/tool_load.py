"""What hangs on a force/torque sensor: its weight and inertia as the sensor feels them, and how to take them out.

    F = m (g - a)               force on the sensor; a is the acceleration of the centre of mass
    M = c x F - dL/dt           torque on it about its origin; c is the centre of mass, L the angular momentum about it

in the world's axes, then turned into the sensor's. For a rigid tool of inertia I, which moves with the sensor:

    a = a0 + alpha x c + w x (w x c),       dL/dt = I alpha + w x I w

All arrays are the host's: this is work for a simulation's truth, or for a robot's log.

Source: Newton's and Euler's laws; Featherstone, "Rigid Body Dynamics Algorithms", 2008, chapter 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .transforms import cross_product

Array = NDArray[np.float64]

GRAVITY: Final = 9.80665
"""Standard acceleration of gravity [m/s^2]."""


@dataclass(frozen=True, kw_only=True)
class RigidTool:
    """A rigid body that is fixed to a force/torque sensor.

    Raises:
        ValueError: If a value is out of its range.
    """

    mass: float
    """Mass [kg], ≥ 0."""
    center: tuple[float, float, float]
    """Centre of mass along the sensor's axes, from its origin [m]."""
    inertia: tuple[tuple[float, float, float], ...] = ((0.0, 0.0, 0.0),) * 3
    """Inertia about the centre of mass along the sensor's axes [kg m^2], symmetric, 3 x 3."""

    def __post_init__(self) -> None:
        if not (np.isfinite(self.mass) and self.mass >= 0.0):
            raise ValueError(f"mass must be a number ≥ 0, got {self.mass!r}; set RigidTool.mass")
        center, inertia = np.asarray(self.center, np.float64), np.asarray(self.inertia, np.float64)
        if center.shape != (3,) or not np.isfinite(center).all():
            raise ValueError(f"center must be three numbers, got {self.center!r}; set RigidTool.center")
        if inertia.shape != (3, 3) or not np.isfinite(inertia).all() or not np.allclose(inertia, inertia.T):
            raise ValueError(f"inertia must be a symmetric 3 x 3 matrix, got {self.inertia!r}; set RigidTool.inertia")


class ToolMotion(NamedTuple):
    """How a tool's centre of mass moves and its spin changes, as `tool_wrench` takes them."""

    center_acceleration: Array
    """Acceleration of the centre of mass in the world [m/s^2], shape (..., 3)."""
    angular_momentum_rate: Array
    """Rate of the angular momentum about it in the world [Nm], shape (..., 3)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ToolEstimate:
    """What a sensor carries, found from readings at rest."""

    tool: RigidTool
    """Mass and centre of mass; at rest the inertia does not show and is 0."""
    bias: Array
    """Offset of the readings [N, Nm], shape (6,)."""
    residual: Array
    """What is left of each reading [N, Nm], shape (P, 6)."""


def tool_wrench(
    pose: ArrayLike,
    mass: ArrayLike,
    center: ArrayLike,
    *,
    center_acceleration: ArrayLike = (0.0, 0.0, 0.0),
    angular_momentum_rate: ArrayLike = (0.0, 0.0, 0.0),
    gravity: float = GRAVITY,
) -> Array:
    """Return the wrench that what hangs on a sensor exerts on it by its weight and inertia.

    Args:
        pose: Poses that map the sensor's frame to the world, whose z is up, shape (..., 4, 4).
        mass: Mass beyond the sensor [kg], shape (...) or one that spreads to it.
        center: Centre of that mass in the sensor's frame [m], shape (..., 3) or (3,).
        center_acceleration: Its acceleration in the world [m/s^2], likewise; at rest where it is left out.
        angular_momentum_rate: Rate of the angular momentum about it in the world [Nm], likewise.
        gravity: Acceleration of gravity, along -z of the world [m/s^2].

    Returns:
        Force [N] and torque [Nm] along the sensor's axes, about its origin, shape (..., 6).

    Raises:
        ValueError: If a shape is wrong.

    Example:
        >>> float(tool_wrench(np.eye(4), 0.5, (0.0, 0.0, 0.1), gravity=9.81)[2])
        -4.905
    """
    axes = _read_axes(pose)
    acceleration = _vectors(center_acceleration, "center_acceleration")
    force = np.asarray(mass, np.float64)[..., None] * (np.array([0.0, 0.0, -gravity]) - acceleration)
    force = _into(axes, force)
    spin = _into(axes, _vectors(angular_momentum_rate, "angular_momentum_rate"))
    torque = cross_product(_vectors(center, "center"), force) - spin
    shape = np.broadcast_shapes(force.shape, torque.shape)
    return np.concatenate([np.broadcast_to(force, shape), np.broadcast_to(torque, shape)], axis=-1)


def move_tool(
    tool: RigidTool,
    pose: ArrayLike,
    *,
    linear_acceleration: ArrayLike = (0.0, 0.0, 0.0),
    angular_velocity: ArrayLike = (0.0, 0.0, 0.0),
    angular_acceleration: ArrayLike = (0.0, 0.0, 0.0),
) -> ToolMotion:
    """Return how a rigid tool moves with its sensor.

    Args:
        tool: The tool.
        pose: Poses that map the sensor's frame to the world, shape (..., 4, 4).
        linear_acceleration: Acceleration of the sensor's origin in the world, without gravity [m/s^2], shape (..., 3).
        angular_velocity: Turn rate of the sensor in the world [rad/s], shape (..., 3).
        angular_acceleration: Its rate of change in the world [rad/s^2], shape (..., 3).

    Returns:
        What `tool_wrench` takes.

    Raises:
        ValueError: If a shape is wrong.

    Example:
        >>> tool = RigidTool(mass=1.0, center=(0.1, 0.0, 0.0))
        >>> move_tool(tool, np.eye(4), angular_velocity=(0.0, 0.0, 2.0)).center_acceleration.tolist()
        [-0.4, 0.0, 0.0]
    """
    axes = _read_axes(pose)
    rate = _vectors(angular_velocity, "angular_velocity")
    change = _vectors(angular_acceleration, "angular_acceleration")
    arm = _out_of(axes, np.asarray(tool.center, np.float64))
    acceleration = _vectors(linear_acceleration, "linear_acceleration") + cross_product(change, arm)
    acceleration = acceleration + cross_product(rate, cross_product(rate, arm))
    inertia = np.asarray(tool.inertia, np.float64)
    spin = _out_of(axes, _times(inertia, _into(axes, rate)))
    return ToolMotion(acceleration, _out_of(axes, _times(inertia, _into(axes, change))) + cross_product(rate, spin))


def compensate_wrench(
    wrench: ArrayLike,
    tool: RigidTool,
    pose: ArrayLike,
    *,
    linear_acceleration: ArrayLike = (0.0, 0.0, 0.0),
    angular_velocity: ArrayLike = (0.0, 0.0, 0.0),
    angular_acceleration: ArrayLike = (0.0, 0.0, 0.0),
    bias: ArrayLike = 0.0,
    gravity: float = GRAVITY,
) -> Array:
    """Take a tool's weight and inertia, and an offset, out of a sensor's readings.

    Args:
        wrench: Readings along the sensor's axes [N, Nm], shape (..., 6).
        tool: What the sensor carries.
        pose: See `move_tool`, as the other arguments of the motion.
        linear_acceleration: See `move_tool`.
        angular_velocity: See `move_tool`.
        angular_acceleration: See `move_tool`.
        bias: Offset of the readings [N, Nm], shape (6,).
        gravity: Acceleration of gravity, along -z of the world [m/s^2].

    Returns:
        What else acts on the tool [N, Nm], shape (..., 6).

    Raises:
        ValueError: If a shape is wrong.

    Example:
        >>> tool = RigidTool(mass=0.5, center=(0.0, 0.0, 0.1))
        >>> compensate_wrench(tool_wrench(np.eye(4), 0.5, tool.center), tool, np.eye(4)).tolist()
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    readings = np.asarray(wrench, np.float64)
    if readings.ndim < 1 or readings.shape[-1] != 6:
        raise ValueError(f"wrench must have shape (..., 6), got {readings.shape}")
    motion = move_tool(
        tool,
        pose,
        linear_acceleration=linear_acceleration,
        angular_velocity=angular_velocity,
        angular_acceleration=angular_acceleration,
    )
    return readings - np.asarray(bias, np.float64) - tool_wrench(
        pose, tool.mass, tool.center, center_acceleration=motion.center_acceleration,
        angular_momentum_rate=motion.angular_momentum_rate, gravity=gravity,
    )  # fmt: skip


def identify_tool(wrench: ArrayLike, gravity_direction: ArrayLike, *, gravity: float = GRAVITY) -> ToolEstimate:
    """Find what a sensor carries, and its offset, from readings at rest in several poses.

    With d the direction of gravity, F = m g d + b_F and M = (m c) x g d + b_M are linear in m, m c and the offset.

    Args:
        wrench: Readings at rest along the sensor's axes [N, Nm], shape (P, 6); the mean of some seconds serves best.
        gravity_direction: Where gravity pulls, along the sensor's axes, unit vectors, shape (P, 3).
        gravity: Acceleration of gravity [m/s^2].

    Returns:
        Mass, centre of mass and offset, and what they leave of the readings.

    Raises:
        ValueError: If a shape is wrong, or the poses do not tell mass, centre and offset apart.

    Source: linear least squares.

    Example:
        >>> down = np.array([[0.0, 0.0, -1.0], [0.0, -1.0, 0.0], [-1.0, 0.0, 0.0]])
        >>> wrench = np.concatenate([2.0 * GRAVITY * down, np.zeros((3, 3))], axis=1)
        >>> round(identify_tool(wrench, down).tool.mass, 6)
        2.0
    """
    readings = np.asarray(wrench, np.float64)
    down = _vectors(gravity_direction, "gravity_direction")
    if readings.ndim != 2 or readings.shape[1:] != (6,) or down.shape != (len(readings), 3):
        raise ValueError(f"wrench and gravity_direction must have shapes (P, 6), (P, 3), got {readings.shape}, "
                         f"{down.shape}")  # fmt: skip
    if not np.allclose(np.linalg.norm(down, axis=1), 1.0, atol=1e-3):
        raise ValueError("gravity_direction must hold unit vectors; divide each by its length")
    pull = gravity * down
    force = np.zeros((len(pull), 3, 4))
    force[:, :, 0] = pull
    force[:, :, 1:] = np.eye(3)
    torque = np.zeros((len(pull), 3, 6))
    for k in range(3):  # (m c) x pull = -(pull x)(m c)
        torque[:, :, k] = cross_product(np.eye(3)[k], pull)
    torque[:, :, 3:] = np.eye(3)
    found_force, _, rank_force, _ = np.linalg.lstsq(force.reshape(-1, 4), readings[:, :3].reshape(-1), rcond=1e-9)
    found_torque, _, rank_torque, _ = np.linalg.lstsq(torque.reshape(-1, 6), readings[:, 3:].reshape(-1), rcond=1e-9)
    if rank_force < 4 or rank_torque < 6:
        raise ValueError(
            "the poses must turn gravity about two axes at least; give three whose directions are not in line"
        )
    mass = float(found_force[0])
    if not mass > 0.0:
        raise ValueError(f"the readings fit a mass of {mass:g} kg; check the sign of gravity_direction and the axes")
    x, y, z = (found_torque[:3] / mass).tolist()
    bias = np.concatenate([found_force[1:], found_torque[3:]])
    parts = ((force, found_force), (torque, found_torque))
    left = np.concatenate([sum(rows[..., k] * x for k, x in enumerate(found)) for rows, found in parts], axis=1)
    return ToolEstimate(tool=RigidTool(mass=mass, center=(x, y, z)), bias=bias, residual=readings - left)


def _read_axes(pose: ArrayLike) -> Array:
    """Return the rotations of poses."""
    poses = np.asarray(pose, np.float64)
    if poses.ndim < 2 or poses.shape[-2:] != (4, 4):
        raise ValueError(f"pose must have shape (..., 4, 4), got {poses.shape}")
    return poses[..., :3, :3]


def _vectors(value: ArrayLike, name: str) -> Array:
    vectors = np.asarray(value, np.float64)
    if vectors.ndim < 1 or vectors.shape[-1] != 3:
        raise ValueError(f"{name} must have shape (..., 3), got {vectors.shape}")
    return vectors


# Written out, as a library's products may take another order for another shape.
def _times(matrix: Array, vector: Array) -> Array:
    columns = [matrix[..., k] * vector[..., k, None] for k in range(3)]
    return columns[0] + columns[1] + columns[2]


def _out_of(axes: Array, vector: Array) -> Array:
    """Turn vectors along the sensor's axes into the world's."""
    return _times(axes, vector)


def _into(axes: Array, vector: Array) -> Array:
    """Turn vectors along the world's axes into the sensor's."""
    return _times(np.swapaxes(axes, -1, -2), vector)
