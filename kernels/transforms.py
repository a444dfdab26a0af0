"""Poses, points and quaternions in float64, in a fixed order of operations.

Every function works elementwise on arrays with any leading axes and calls no matrix library, so that a pose's value
does not depend on how many poses were computed with it. Poses are rigid, 4x4, named `pose_<to>_<from>`; quaternions are
xyzw.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def compose_pose(pose_a_b: ArrayLike, pose_b_c: ArrayLike) -> Array:
    """Compose two poses.

    Args:
        pose_a_b: Maps frame b to a, shape (..., 4, 4).
        pose_b_c: Maps frame c to b, shape (..., 4, 4).

    Returns:
        The pose that maps c to a, leading axes broadcast; its last row is exactly (0, 0, 0, 1).

    Raises:
        ValueError: If an array does not end in (4, 4).
    """
    a, b = _poses(pose_a_b, "pose_a_b"), _poses(pose_b_c, "pose_b_c")
    out = _identity(np.broadcast_shapes(a.shape[:-2], b.shape[:-2]))
    for row in range(3):
        for column in range(4):
            value = a[..., row, 0] * b[..., 0, column] + a[..., row, 1] * b[..., 1, column]
            value = value + a[..., row, 2] * b[..., 2, column]
            out[..., row, column] = value + a[..., row, 3] if column == 3 else value
    return out


def invert_pose(pose_a_b: ArrayLike) -> Array:
    """Invert rigid poses: the rotation is transposed, the translation turned and negated.

    Args:
        pose_a_b: Maps frame b to a, rigid, shape (..., 4, 4).

    Returns:
        The poses that map a to b.

    Raises:
        ValueError: If the array does not end in (4, 4).
    """
    a = _poses(pose_a_b, "pose_a_b")
    out = _identity(a.shape[:-2])
    for row in range(3):
        for column in range(3):
            out[..., row, column] = a[..., column, row]
        value = a[..., 0, row] * a[..., 0, 3] + a[..., 1, row] * a[..., 1, 3]
        out[..., row, 3] = -(value + a[..., 2, row] * a[..., 2, 3])
    return out


def transform_points(pose_a_b: ArrayLike, points: ArrayLike) -> Array:
    """Map points from frame b to frame a.

    Args:
        pose_a_b: Maps b to a, shape (..., 4, 4).
        points: Points in b [m], shape (..., 3) for one point per pose, or (..., P, 3) for P points per pose.

    Returns:
        Points in a [m]: (..., P, 3) where `points` has an axis more than the poses' leading ones, (..., 3) otherwise.

    Raises:
        ValueError: If the poses do not end in (4, 4) or the points in 3.
    """
    a = _poses(pose_a_b, "pose_a_b")
    p = np.asarray(points, dtype=np.float64)
    if p.ndim == 0 or p.shape[-1] != 3:
        raise ValueError(f"points must have shape (..., 3), got {p.shape}")
    for _ in range(p.ndim - 1 - (a.ndim - 2)):
        a = a[..., np.newaxis, :, :]
    out = np.empty((*np.broadcast_shapes(a.shape[:-2], p.shape[:-1]), 3))
    for row in range(3):
        value = a[..., row, 0] * p[..., 0] + a[..., row, 1] * p[..., 1]
        out[..., row] = value + a[..., row, 2] * p[..., 2] + a[..., row, 3]
    return out


def pose_from_position_quaternion(position: ArrayLike, quaternion_xyzw: ArrayLike) -> Array:
    """Make poses of positions and quaternions.

    Args:
        position: Origin of the frame [m], shape (..., 3).
        quaternion_xyzw: Rotation, shape (..., 4), any length but zero.

    Returns:
        Poses, shape (..., 4, 4).

    Raises:
        ValueError: If a shape is wrong or a quaternion has no length.
    """
    p = np.asarray(position, dtype=np.float64)
    q = np.asarray(quaternion_xyzw, dtype=np.float64)
    if p.shape[-1:] != (3,) or q.shape[-1:] != (4,):
        raise ValueError(f"position must end in 3 and quaternion_xyzw in 4, got {p.shape} and {q.shape}")
    x, y, z, w = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
    length = x * x + y * y + z * z + w * w
    if not np.all((length > 0.0) & np.isfinite(length)):
        raise ValueError("every quaternion_xyzw must be finite and of positive length")
    s = 2.0 / length
    out = _identity(np.broadcast_shapes(p.shape[:-1], q.shape[:-1]))
    out[..., 0, 0] = 1.0 - s * (y * y + z * z)
    out[..., 0, 1] = s * (x * y - z * w)
    out[..., 0, 2] = s * (x * z + y * w)
    out[..., 1, 0] = s * (x * y + z * w)
    out[..., 1, 1] = 1.0 - s * (x * x + z * z)
    out[..., 1, 2] = s * (y * z - x * w)
    out[..., 2, 0] = s * (x * z - y * w)
    out[..., 2, 1] = s * (y * z + x * w)
    out[..., 2, 2] = 1.0 - s * (x * x + y * y)
    out[..., :3, 3] = p
    return out


def quaternion_from_pose(pose: ArrayLike) -> Array:
    """Return the unit quaternions of rigid poses.

    Args:
        pose: Rigid poses, shape (..., 4, 4).

    Returns:
        Quaternions xyzw with w ≥ 0, shape (..., 4).

    Raises:
        ValueError: If the array does not end in (4, 4).

    Source: Shepperd, "Quaternion from rotation matrix", J. Guidance and Control 1(3), 1978 (largest component first).
    """
    m = _poses(pose, "pose")
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    squares = (1.0 + xx - yy - zz, 1.0 - xx + yy - zz, 1.0 - xx - yy + zz, 1.0 + xx + yy + zz)
    sums = {
        (0, 1): m[..., 1, 0] + m[..., 0, 1],
        (0, 2): m[..., 0, 2] + m[..., 2, 0],
        (1, 2): m[..., 2, 1] + m[..., 1, 2],
        (0, 3): m[..., 2, 1] - m[..., 1, 2],
        (1, 3): m[..., 0, 2] - m[..., 2, 0],
        (2, 3): m[..., 1, 0] - m[..., 0, 1],
    }
    stacked = np.stack(squares, axis=-1)
    largest = np.argmax(stacked, axis=-1)
    out = np.zeros(stacked.shape)
    for pivot in range(4):
        chosen = largest == pivot
        scale = 0.5 / np.sqrt(np.where(chosen, stacked[..., pivot], 1.0))
        for component in range(4):
            pair = (min(component, pivot), max(component, pivot))
            value = stacked[..., pivot] if component == pivot else sums[pair]
            out[..., component] = np.where(chosen, value * scale, out[..., component])
    q = out
    length = np.sqrt(q[..., 0] ** 2 + q[..., 1] ** 2 + q[..., 2] ** 2 + q[..., 3] ** 2)
    sign = np.where(q[..., 3] < 0.0, -1.0, 1.0)
    return np.asarray(q * (sign / length)[..., np.newaxis])


def interpolate_pose(start: ArrayLike, end: ArrayLike, share: float) -> Array:
    """Interpolate between rigid poses: the origin along a line, the rotation along its shortest arc.

    Args:
        start: Poses at share 0, shape (..., 4, 4).
        end: Poses at share 1, shape (..., 4, 4).
        share: How far to go [1]; beyond [0, 1] it extrapolates.

    Returns:
        Poses, shape (..., 4, 4).

    Raises:
        ValueError: If an array does not end in (4, 4).

    Source: Shoemake, "Animating rotation with quaternion curves", SIGGRAPH 1985 (spherical linear interpolation).
    """
    first, last = _poses(start, "start"), _poses(end, "end")
    a, b = quaternion_from_pose(first), quaternion_from_pose(last)
    cosine = a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1] + a[..., 2] * b[..., 2] + a[..., 3] * b[..., 3]
    b = np.where((cosine < 0.0)[..., None], -b, b)
    angle = np.arccos(np.minimum(np.abs(cosine), 1.0))[..., None]
    sine = np.sin(angle)
    # Below a microradian the arc is its chord.
    straight = sine < 1e-6
    safe = np.where(straight, 1.0, sine)
    weight_a = np.where(straight, 1.0 - share, np.sin((1.0 - share) * angle) / safe)
    weight_b = np.where(straight, share, np.sin(share * angle) / safe)
    position = first[..., :3, 3] + share * (last[..., :3, 3] - first[..., :3, 3])
    return pose_from_position_quaternion(position, weight_a * a + weight_b * b)


def look_at(
    eye: Sequence[float] | Array,
    target: Sequence[float] | Array,
    up: Sequence[float] | Array = (0.0, 0.0, 1.0),
    roll: float = 0.0,
) -> Array:
    """Place a camera at a point so that it looks at another.

    Args:
        eye: Camera centre in the world [m], shape (3,).
        target: Point on the optical axis [m], shape (3,), apart from the eye.
        up: Direction that appears upwards in the image, shape (3,). Where it is along the optical axis, the world's y
            axis (or x) takes its place.
        roll: Turn about the optical axis [rad]; a positive one turns the camera clockwise, so the image the other way.

    Returns:
        `pose_world_camera`, shape (4, 4), in OpenCV axes: x right, y down, z forward.

    Raises:
        ValueError: If eye and target coincide or a value is not finite.

    Example:
        >>> pose_world_camera = look_at(eye=(1.0, 0.0, 1.0), target=(0.0, 0.0, 0.0))
    """
    e, t, u = _vector(eye, "eye"), _vector(target, "target"), _vector(up, "up")
    if not math.isfinite(roll):
        raise ValueError(f"roll must be a finite angle [rad], got {roll}")
    forward = _unit((t[0] - e[0], t[1] - e[1], t[2] - e[2]))
    if forward is None:
        raise ValueError(f"eye and target must be apart, both are at {e}; move one of them")
    right = None
    for candidate in (u, (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)):
        direction = _unit(candidate)
        side = None if direction is None else _cross(forward, direction)
        # Below about 1e-9 rad from the axis the side is rounding error, not a direction.
        if side is not None and side[0] ** 2 + side[1] ** 2 + side[2] ** 2 > 1e-18:
            right = _unit(side)
            break
    assert right is not None
    down = _cross(forward, right)
    c, s = math.cos(roll), math.sin(roll)
    pose = np.eye(4)
    for axis in range(3):
        pose[axis, 0] = c * right[axis] + s * down[axis]
        pose[axis, 1] = c * down[axis] - s * right[axis]
        pose[axis, 2] = forward[axis]
        pose[axis, 3] = e[axis]
    return pose


def cross_product(a: ArrayLike, b: ArrayLike) -> Array:
    """Return the cross products of vectors, shape (..., 3), each written out: no library chooses an order.

    Args:
        a: Vectors, shape (..., 3).
        b: Vectors, of a shape that spreads to it.
    """
    u, v = np.asarray(a, np.float64), np.asarray(b, np.float64)
    parts = [u[..., i] * v[..., j] - u[..., j] * v[..., i] for i, j in ((1, 2), (2, 0), (0, 1))]
    return np.stack(parts, axis=-1)


def _poses(value: ArrayLike, name: str) -> Array:
    array = np.asarray(value, dtype=np.float64)
    if array.shape[-2:] != (4, 4):
        raise ValueError(f"{name} must have shape (..., 4, 4), got {array.shape}")
    return array


def _identity(leading: tuple[int, ...]) -> Array:
    out = np.zeros((*leading, 4, 4))
    for axis in range(4):
        out[..., axis, axis] = 1.0
    return out


def _vector(value: Any, name: str) -> tuple[float, float, float]:
    components = [float(component) for component in value]
    if len(components) != 3 or not all(math.isfinite(component) for component in components):
        raise ValueError(f"{name} must be three finite numbers, got {value!r}")
    return components[0], components[1], components[2]


def _unit(v: tuple[float, float, float]) -> tuple[float, float, float] | None:
    length = math.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])
    return None if length == 0.0 else (v[0] / length, v[1] / length, v[2] / length)


def _cross(a: tuple[float, float, float], b: tuple[float, float, float]) -> tuple[float, float, float]:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
