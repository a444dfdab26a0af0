"""Strapdown integration: from specific force and turn rate back to attitude, velocity and position.

    q_k = q_(k-1) * exp(w_k dt),   v_k = v_(k-1) + (R_mid f_k + g) dt,   p_k = p_(k-1) + (v_(k-1) + v_k) dt / 2

with R_mid the attitude in the middle of the step, half way along its turn. Samples are means over the step that ends at
their instant, as `inertial_motion` and `apply_imu` give them. The earth is flat and does not turn.

Source: Savage, "Strapdown inertial navigation integration algorithm design", JGCD 21, 1998, without its corrections for
coning and sculling within a step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import ArrayLike

from .device import Kernel, scalar
from .rotation_vector import turn_vector, vector_to_quaternion
from .series import borrow_series, check_rate, check_series
from .tensors import find_place
from .transforms import quaternion_from_pose


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class InertialPath:
    """Where inertial readings lead: R rows of T samples, float64."""

    pose: Any
    """Maps the sensor to the world, shape (R, T, 4, 4)."""
    linear_velocity: Any
    """Velocity, world axes [m/s], shape (R, T, 3)."""


@scalar
def _integrate(
    row: Any, force_in: Any, rate_in: Any, start_in: Any, gravity: Any, step: Any, pose_out: Any, velocity_out: Any
) -> None:
    x, y, z, w = start_in[row, 0], start_in[row, 1], start_in[row, 2], start_in[row, 3]
    p, q, r = start_in[row, 4], start_in[row, 5], start_in[row, 6]
    u, v, s = start_in[row, 7], start_in[row, 8], start_in[row, 9]
    for t in range(force_in.shape[1]):
        a, b, c = rate_in[row, t, 0] * step, rate_in[row, t, 1] * step, rate_in[row, t, 2] * step
        f0, f1, f2 = force_in[row, t, 0], force_in[row, t, 1], force_in[row, t, 2]
        f0, f1, f2 = turn_vector(0.5 * a, 0.5 * b, 0.5 * c, f0, f1, f2)
        # into the world by the attitude before the step: v + 2 w (q x v) + 2 q x (q x v)
        d0, d1, d2 = y * f2 - z * f1, z * f0 - x * f2, x * f1 - y * f0
        f0 = f0 + 2.0 * (w * d0 + (y * d2 - z * d1))
        f1 = f1 + 2.0 * (w * d1 + (z * d0 - x * d2))
        f2 = f2 + 2.0 * (w * d2 + (x * d1 - y * d0))
        u1, v1, s1 = u + f0 * step, v + f1 * step, s + (f2 - gravity) * step
        p, q, r = p + 0.5 * (u + u1) * step, q + 0.5 * (v + v1) * step, r + 0.5 * (s + s1) * step
        u, v, s = u1, v1, s1
        a, b, c, d = vector_to_quaternion(a, b, c)
        x, y, z, w = (
            w * a + x * d + y * c - z * b,
            w * b - x * c + y * d + z * a,
            w * c + x * b - y * a + z * d,
            w * d - x * a - y * b - z * c,
        )
        length = math.sqrt(x * x + y * y + z * z + w * w)
        x, y, z, w = x / length, y / length, z / length, w / length
        velocity_out[row, t, 0], velocity_out[row, t, 1], velocity_out[row, t, 2] = u, v, s
        pose_out[row, t, 0, 0], pose_out[row, t, 0, 1] = 1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - z * w)
        pose_out[row, t, 0, 2], pose_out[row, t, 0, 3] = 2.0 * (x * z + y * w), p
        pose_out[row, t, 1, 0], pose_out[row, t, 1, 1] = 2.0 * (x * y + z * w), 1.0 - 2.0 * (x * x + z * z)
        pose_out[row, t, 1, 2], pose_out[row, t, 1, 3] = 2.0 * (y * z - x * w), q
        pose_out[row, t, 2, 0], pose_out[row, t, 2, 1] = 2.0 * (x * z - y * w), 2.0 * (y * z + x * w)
        pose_out[row, t, 2, 2], pose_out[row, t, 2, 3] = 1.0 - 2.0 * (x * x + y * y), r
        pose_out[row, t, 3, 0], pose_out[row, t, 3, 1], pose_out[row, t, 3, 2] = 0.0, 0.0, 0.0
        pose_out[row, t, 3, 3] = 1.0


_INTEGRATE: Final = Kernel(_integrate)


def integrate_inertial(
    specific_force: Any,
    angular_rate: Any,
    *,
    rate: float,
    pose: ArrayLike,
    linear_velocity: ArrayLike = (0.0, 0.0, 0.0),
    gravity: float = 9.81,
    device: str = "cpu",
    threads: int | None = None,
) -> InertialPath:
    """Integrate inertial readings to a path.

    Args:
        specific_force: Specific force in the sensor's axes [m/s^2], shape (R, T, 3), each the mean over the step that
            ends at its instant.
        angular_rate: Turn rate in the sensor's axes [rad/s], shape (R, T, 3), likewise.
        rate: Samples per second [Hz].
        pose: Pose one step before the first sample's instant, sensor to world, shape (4, 4) or (R, 4, 4).
        linear_velocity: Velocity then, world axes [m/s], shape (3,) or (R, 3).
        gravity: Acceleration of gravity, along -z of the world [m/s^2].
        device: "cpu" or "cuda"; tensors that are on a device are treated there whatever it says.
        threads: CPU threads; None for all.

    Returns:
        Pose and velocity at each sample's instant.

    Raises:
        ValueError: If a shape or a value is wrong.
        RuntimeError: If the device is not here.

    Source: Savage, JGCD 21, 1998.

    Example:
        >>> still = np.zeros((1, 100, 3))
        >>> path = integrate_inertial(still + [0.0, 0.0, 9.81], still, rate=100.0, pose=np.eye(4))
        >>> path.pose.shape
        (1, 100, 4, 4)
    """
    count, samples = check_series(specific_force, "specific_force", 3)
    place = find_place(specific_force, device)
    force = place.borrow(specific_force, np.float64)
    turn = borrow_series(place, angular_rate, (count, samples, 3), "angular_rate", np.float64)
    if not math.isfinite(gravity):
        raise ValueError(f"gravity must be a finite number, got {gravity!r}")
    begin, velocity = np.asarray(pose, np.float64), np.asarray(linear_velocity, np.float64)
    if begin.shape not in ((4, 4), (count, 4, 4)):
        raise ValueError(f"pose must have shape (4, 4) or ({count}, 4, 4), got {begin.shape}")
    if velocity.shape not in ((3,), (count, 3)):
        raise ValueError(f"linear_velocity must have shape (3,) or ({count}, 3), got {velocity.shape}")
    start = np.empty((count, 10))
    start[:, :4] = quaternion_from_pose(begin)
    start[:, 4:7] = begin[..., :3, 3]
    start[:, 7:] = velocity
    poses = place.allocate((count, samples, 4, 4), np.float64)
    velocities = place.allocate((count, samples, 3), np.float64)
    _INTEGRATE.launch(
        count, force, turn, start, float(gravity), 1.0 / check_rate(rate), poses, velocities, device=place.device,
        threads=threads,
    )  # fmt: skip
    return InertialPath(pose=place.give(poses), linear_velocity=place.give(velocities))
