"""Trajectories: poses between the instants at which they are known.

Between two knots the origin moves along a line at constant speed and the rotation along its shortest arc at constant
rate (slerp). Instants are int64 nanoseconds; a trajectory is not continued beyond its ends.

Source: Shoemake, "Animating rotation with quaternion curves", SIGGRAPH 1985.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .device import Kernel, scalar
from .transforms import quaternion_from_pose

KNOT: Final = 7
"""Numbers of a knot: origin x, y, z and quaternion x, y, z, w."""
_SMALLEST: Final = 1e-12

Pose7 = tuple[float, float, float, float, float, float, float]


@scalar
def find_knot(time: Any, row: Any, time_in: Any) -> int:
    """Return the knot before an instant: the first of the two that it lies between, or the nearer end.

    Args:
        time: Instant [ns], int64.
        row: Row of the trajectory.
        time_in: Ascending instants, int64, shape (rows, K).
    """
    low, high = 0, time_in.shape[1] - 1
    while high - low > 1:
        middle = (low + high) // 2
        if time_in[row, middle] <= time:
            low = middle
        else:
            high = middle
    return low


@scalar(forceinline=True)
def knot_arc(a: float, b: float, c: float, d: float, e: float, f: float, g: float, h: float) -> tuple[float, float]:
    """Return the angle between two unit quaternions, half the turn, and the sign that makes it the shorter way."""
    sign = -1.0 if a * e + b * f + c * g + d * h < 0.0 else 1.0
    # From the chord: the cosine alone is flat where the turn is small.
    u, v, s, t = sign * e - a, sign * f - b, sign * g - c, sign * h - d
    angle = 2.0 * math.asin(min(0.5 * math.sqrt(u * u + v * v + s * s + t * t), 1.0))
    # The quotient of two sines needs an angle; that of so small ones is the quotient of the angles.
    return max(angle, _SMALLEST), sign


@scalar(forceinline=True)
def arc_sine(angle: Any) -> Any:
    """Return the sine of an angle in [0, pi/2] to 1e-13: its series, without a branch, so that several go at once."""
    x = angle * angle
    s = x * (1.0 / 355687428096000.0) - 1.0 / 1307674368000.0
    s = x * s + 1.0 / 6227020800.0
    s = x * s - 1.0 / 39916800.0
    s = x * s + 1.0 / 362880.0
    s = x * s - 1.0 / 5040.0
    s = x * s + 1.0 / 120.0
    s = x * s - 1.0 / 6.0
    return angle + angle * (x * s)


@scalar
def pose_at(time: Any, row: Any, time_in: Any, knot_in: Any) -> Pose7:
    """Return origin and unit quaternion of a trajectory at an instant; beyond its ends, those of the end.

    Args:
        time: Instant [ns], int64.
        row: Row of the trajectory.
        time_in: Ascending instants, int64, shape (rows, K).
        knot_in: Knots of `pack_knots`, shape (rows, K, 7).
    """
    low = find_knot(time, row, time_in)
    x, y, z = knot_in[row, low, 0], knot_in[row, low, 1], knot_in[row, low, 2]
    a, b, c, d = knot_in[row, low, 3], knot_in[row, low, 4], knot_in[row, low, 5], knot_in[row, low, 6]
    if time <= time_in[row, low] or low + 1 == time_in.shape[1]:
        return x, y, z, a, b, c, d
    high = low + 1
    # Differences of whole nanoseconds are exact; the instants themselves would not fit a float.
    share = float(time - time_in[row, low]) / float(time_in[row, high] - time_in[row, low])
    share = min(share, 1.0)
    x += share * (knot_in[row, high, 0] - x)
    y += share * (knot_in[row, high, 1] - y)
    z += share * (knot_in[row, high, 2] - z)
    e, f, g, h = knot_in[row, high, 3], knot_in[row, high, 4], knot_in[row, high, 5], knot_in[row, high, 6]
    angle, sign = knot_arc(a, b, c, d, e, f, g, h)
    scale = 1.0 / arc_sine(angle)
    before, after = arc_sine((1.0 - share) * angle) * scale, sign * arc_sine(share * angle) * scale
    return x, y, z, before * a + after * e, before * b + after * f, before * c + after * g, before * d + after * h


@scalar(forceinline=True)
def rotate_vector(a: float, b: float, c: float, d: float, x: float, y: float, z: float) -> tuple[float, float, float]:
    """Return a vector (x, y, z) turned by the unit quaternion (a, b, c, d), xyzw."""
    p, q, r = 2.0 * (b * z - c * y), 2.0 * (c * x - a * z), 2.0 * (a * y - b * x)
    return x + d * p + (b * r - c * q), y + d * q + (c * p - a * r), z + d * r + (a * q - b * p)


def pack_knots(pose: ArrayLike) -> NDArray[np.float64]:
    """Return origins and unit quaternions of poses, shape (..., 7).

    Args:
        pose: Rigid poses, shape (..., 4, 4).

    Raises:
        ValueError: If the array does not end in (4, 4) or is not finite.
    """
    matrix = np.asarray(pose, np.float64)
    quaternion = quaternion_from_pose(matrix)
    if not np.isfinite(quaternion).all() or not np.isfinite(matrix).all():
        raise ValueError("every pose must be finite and rigid; one holds NaN or infinity")
    return np.concatenate((matrix[..., :3, 3], quaternion), axis=-1)


def check_trajectories(
    pose: ArrayLike, pose_time: ArrayLike | None, rows: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Return instants (R, K), knots (R, K, 7), and which of the R trajectories each row has.

    Args:
        pose: Poses at the knots, shape (4, 4), (K, 4, 4), (N, K, 4, 4), or (N, 4, 4) without `pose_time`.
        pose_time: Instants of the knots [ns], int64, ascending, shape (K,) or (N, K); None where nothing moves.
        rows: Number of rows N.

    Raises:
        ValueError: If shapes disagree or instants do not ascend.
    """
    knots = pack_knots(pose)
    if pose_time is None:
        if knots.ndim == 1:
            knots = knots[None]
        if knots.ndim != 2 or knots.shape[0] not in (1, rows):
            raise ValueError(
                f"without pose_time, pose must have shape (4, 4) or ({rows}, 4, 4), got {np.shape(pose)}; "
                "pass pose_time for sensors that move"
            )
        knots = knots[:, None]
        instants = np.zeros(knots.shape[:2], np.int64)
    else:
        given = np.asarray(pose_time)
        if given.dtype.kind not in "iu":
            raise ValueError(f"pose_time must be whole nanoseconds (int64), got {given.dtype}")
        instants = given.astype(np.int64)
        if knots.ndim == 2:
            knots = knots[None]
        if instants.ndim == 1:
            instants = np.broadcast_to(instants, (len(knots), len(instants)))
        if instants.shape != knots.shape[:2] or knots.ndim != 3 or knots.shape[1] < 1 or len(knots) not in (1, rows):
            raise ValueError(
                f"pose must have shape (K, 4, 4) or ({rows}, K, 4, 4) and pose_time (K,) or ({rows}, K), "
                f"got {np.shape(pose)} and {given.shape}"
            )
        if (np.diff(instants, axis=1) <= 0).any():
            raise ValueError("pose_time must ascend, with no instant twice")
    which = np.arange(rows) if len(knots) == rows else np.zeros(rows)
    return np.ascontiguousarray(instants), np.ascontiguousarray(knots), which.astype(np.int64)


def check_within(
    low: NDArray[np.int64], high: NDArray[np.int64], instants: NDArray[np.int64], which: NDArray[np.int64], what: str
) -> None:
    """Check that each row's instants, from `low` to `high`, lie within its trajectory, if that has several knots.

    Raises:
        ValueError: If one does not.
    """
    if instants.shape[1] < 2:
        return
    first, last = instants[which, 0], instants[which, -1]
    bad = np.flatnonzero((low < first) | (high > last))
    if len(bad):
        row = int(bad[0])
        raise ValueError(
            f"{what} of row {row} run from {low[row]} to {high[row]} ns, but its poses are known from {first[row]} to "
            f"{last[row]} ns; add knots"
        )


@scalar
def _interpolate(element: Any, time_in: Any, which_in: Any, instant_in: Any, knot_in: Any, pose_out: Any) -> None:
    row = element // time_in.shape[1]
    x, y, z, a, b, c, d = pose_at(time_in[row, element - row * time_in.shape[1]], which_in[row], instant_in, knot_in)
    pose_out[element, 0, 0], pose_out[element, 0, 1] = 1.0 - 2.0 * (b * b + c * c), 2.0 * (a * b - c * d)
    pose_out[element, 1, 0], pose_out[element, 1, 1] = 2.0 * (a * b + c * d), 1.0 - 2.0 * (a * a + c * c)
    pose_out[element, 2, 0], pose_out[element, 2, 1] = 2.0 * (a * c - b * d), 2.0 * (b * c + a * d)
    pose_out[element, 0, 2], pose_out[element, 1, 2] = 2.0 * (a * c + b * d), 2.0 * (b * c - a * d)
    pose_out[element, 2, 2] = 1.0 - 2.0 * (a * a + b * b)
    pose_out[element, 3, 0], pose_out[element, 3, 1], pose_out[element, 3, 2] = 0.0, 0.0, 0.0
    pose_out[element, 0, 3], pose_out[element, 1, 3], pose_out[element, 2, 3] = x, y, z
    pose_out[element, 3, 3] = 1.0


_INTERPOLATE: Final = Kernel(_interpolate)


def interpolate_trajectory(
    pose: ArrayLike, pose_time: ArrayLike | None, time: ArrayLike, *, threads: int | None = None
) -> NDArray[np.float64]:
    """Return poses at instants between those at which they are known.

    Args:
        pose: Poses at the knots, shape (K, 4, 4), or (N, K, 4, 4) for a trajectory in each row.
        pose_time: Instants of the knots [ns], int64, ascending, shape (K,) or (N, K).
        time: Instants asked for [ns], int64, shape (N, P), within the knots.
        threads: CPU threads; None for all.

    Returns:
        Poses, shape (N, P, 4, 4).

    Raises:
        ValueError: If shapes disagree, instants do not ascend, or one is beyond the knots.

    Source: Shoemake 1985.

    Example:
        >>> poses = np.stack([np.eye(4), np.eye(4)])
        >>> interpolate_trajectory(poses, [0, 100], [[50]]).shape
        (1, 1, 4, 4)
    """
    asked = np.asarray(time)
    if asked.ndim != 2 or asked.dtype.kind not in "iu":
        raise ValueError(f"time must be whole nanoseconds of shape (N, P), got {asked.dtype} {asked.shape}")
    instants, knots, which = check_trajectories(pose, pose_time, len(asked))
    if asked.size:
        check_within(asked.min(axis=1), asked.max(axis=1), instants, which, "instants")
    out = np.empty((*asked.shape, 4, 4))
    _INTERPOLATE.launch(
        asked.size, asked.astype(np.int64), which, instants, knots, out.reshape(-1, 4, 4), threads=threads
    )
    return out
