"""What an ideal inertial unit on a moving body feels: specific force and turn rate in the axes of the unit.

A unit at the lever arm r feels f = a + alpha x r + w x (w x r) - g. Between two instants the velocity of its place,
v + w x r, changes by the integral of the first three terms, so that

    f_k = ((v_k + w_k x r_k) - (v_(k-1) + w_(k-1) x r_(k-1))) / dt - g

is their mean over the step, exactly, whatever happened within it: an impact keeps its impulse, where second differences
of poses alias. It is told in the axes that the unit has in the middle of the step. Sample k stands for the interval
from instant k - 1 to instant k; the first instant ends none.

Source: Savage, "Strapdown inertial navigation integration algorithm design", JGCD 21, 1998 (integrals over steps).
"""

from __future__ import annotations

import math
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from .device import Kernel, scalar
from .rotation_vector import turn_vector
from .series import borrow_series, check_rate, check_series
from .tensors import find_place

Twists = Literal["instant", "step"]
"""When a twist holds: at its pose's instant, or all through the step that led to it."""


@scalar(forceinline=True)
def _to_frame(k: Any, pose_in: Any, x: Any, y: Any, z: Any) -> tuple[Any, Any, Any]:
    """Turn a vector of the world into the axes of pose k."""
    a = pose_in[k, 0] * x + pose_in[k, 4] * y + pose_in[k, 8] * z
    b = pose_in[k, 1] * x + pose_in[k, 5] * y + pose_in[k, 9] * z
    c = pose_in[k, 2] * x + pose_in[k, 6] * y + pose_in[k, 10] * z
    return a, b, c


@scalar(forceinline=True)
def _arm_velocity(k: Any, pose_in: Any, linear_in: Any, angular_in: Any, mount_in: Any) -> tuple[Any, Any, Any]:
    """Return the velocity of the unit's place, world axes."""
    p, q, r = mount_in[3], mount_in[7], mount_in[11]
    x = pose_in[k, 0] * p + pose_in[k, 1] * q + pose_in[k, 2] * r
    y = pose_in[k, 4] * p + pose_in[k, 5] * q + pose_in[k, 6] * r
    z = pose_in[k, 8] * p + pose_in[k, 9] * q + pose_in[k, 10] * r
    u, v, w = angular_in[k, 0], angular_in[k, 1], angular_in[k, 2]
    return linear_in[k, 0] + (v * z - w * y), linear_in[k, 1] + (w * x - u * z), linear_in[k, 2] + (u * y - v * x)


@scalar
def _feel(
    index: Any, pose_in: Any, linear_in: Any, angular_in: Any, mount_in: Any, gravity_in: Any, samples: Any, step: Any,
    whole: Any, force_out: Any, rate_out: Any,
) -> None:  # fmt: skip
    row = index // samples
    k = np.int64(index + row)  # one instant more than samples in each row
    x0, y0, z0 = _to_frame(k, pose_in, angular_in[k, 0], angular_in[k, 1], angular_in[k, 2])
    x1, y1, z1 = _to_frame(k + 1, pose_in, angular_in[k + 1, 0], angular_in[k + 1, 1], angular_in[k + 1, 2])
    if whole:
        x, y, z = x1, y1, z1
    else:
        x, y, z = 0.5 * (x0 + x1), 0.5 * (y0 + y1), 0.5 * (z0 + z1)
    u0, v0, w0 = _arm_velocity(k, pose_in, linear_in, angular_in, mount_in)
    u1, v1, w1 = _arm_velocity(k + 1, pose_in, linear_in, angular_in, mount_in)
    a, b, c = (u1 - u0) / step - gravity_in[0], (v1 - v0) / step - gravity_in[1], (w1 - w0) / step - gravity_in[2]
    a, b, c = _to_frame(k, pose_in, a, b, c)
    half = -0.5 * step
    a, b, c = turn_vector(half * x, half * y, half * z, a, b, c)
    for i in range(3):
        rate_out[index, i] = mount_in[i] * x + mount_in[4 + i] * y + mount_in[8 + i] * z
        force_out[index, i] = mount_in[i] * a + mount_in[4 + i] * b + mount_in[8 + i] * c


_FEEL: Final = Kernel(_feel)


def inertial_motion(
    pose_world_body: Any,
    linear_velocity: Any,
    angular_velocity: Any,
    *,
    rate: float,
    gravity: float = 9.81,
    pose_body_sensor: ArrayLike | None = None,
    twists: Twists = "instant",
    device: str = "cpu",
    threads: int | None = None,
) -> tuple[Any, Any]:
    """Tell what an ideal inertial unit feels on moving bodies.

    Args:
        pose_world_body: Poses at T instants, shape (R, T, 4, 4), T at least 2.
        linear_velocity: Velocity of the body's origin, world axes [m/s], shape (R, T, 3).
        angular_velocity: Turn rate, world axes [rad/s], shape (R, T, 3).
        rate: Instants per second [Hz].
        gravity: Acceleration of gravity, along -z of the world [m/s^2].
        pose_body_sensor: Pose of the unit on the body, shape (4, 4); None for the body's own frame.
        twists: "instant" where a twist belongs to the instant of its pose, as on a path that is given by formulas;
            "step" where it held all through the step that led to the pose, as in Bullet and other engines that step
            velocities before positions.
        device: "cpu" or "cuda"; tensors that are on a device are treated there whatever it says.
        threads: CPU threads; None for all.

    Returns:
        Specific force [m/s^2] and turn rate [rad/s] in the axes of the unit, float64, shape (R, T - 1, 3): means over
        the interval that ends at instants 1, 2, ..., T - 1. The force is told in the axes of the interval's middle. The
        turn rate is that of the step for twists of steps, else the mean of both instants', each in its own axes.

    Raises:
        ValueError: If a shape or a value is wrong.
        RuntimeError: If the device is not here.

    Source: Savage, JGCD 21, 1998.

    Example:
        >>> pose = np.tile(np.eye(4), (1, 3, 1, 1))
        >>> still = np.zeros((1, 3, 3))
        >>> force, turn = inertial_motion(pose, still, still, rate=100.0)
        >>> force[0, 0].tolist()
        [0.0, 0.0, 9.81]
    """
    count, instants = check_series(pose_world_body, "pose_world_body", 4, 4)
    if instants < 2:
        raise ValueError(f"pose_world_body must have at least 2 instants, got shape {tuple(pose_world_body.shape)}")
    if twists not in ("instant", "step"):
        raise ValueError(f"twists must be 'instant' or 'step', got {twists!r}")
    if not math.isfinite(gravity):
        raise ValueError(f"gravity must be a finite number, got {gravity!r}")
    mount = np.eye(4) if pose_body_sensor is None else np.array(pose_body_sensor, np.float64)
    if mount.shape != (4, 4):
        raise ValueError(f"pose_body_sensor must have shape (4, 4), got {mount.shape}")
    place = find_place(pose_world_body, device)
    shape, samples = (count, instants, 3), instants - 1
    pose = place.borrow(pose_world_body, np.float64).reshape(count * instants, 16)
    linear = borrow_series(place, linear_velocity, shape, "linear_velocity", np.float64).reshape(-1, 3)
    angular = borrow_series(place, angular_velocity, shape, "angular_velocity", np.float64).reshape(-1, 3)
    force, turn = (place.allocate((count * samples, 3), np.float64) for _ in range(2))
    _FEEL.launch(
        count * samples, pose, linear, angular, mount.reshape(16), np.array([0.0, 0.0, -gravity]), samples,
        1.0 / check_rate(rate), twists == "step", force, turn, device=place.device, threads=threads,
    )  # fmt: skip
    return place.give(force.reshape(count, samples, 3)), place.give(turn.reshape(count, samples, 3))
