"""De-skewing: points that a moving sensor measured one after another, as if all were measured at one instant.

A point p, measured at t in the sensor's frame of that instant, is in the frame of the instant T

    q = R(T)^-1 (R(t) p + x(t) - x(T))

with the pose (R, x) between two known ones by a line and a slerp (`trajectory`). A point of only zeros is a beam
without a return and stays what it is.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from .device import Kernel, scalar
from .tensors import find_place
from .trajectory import arc_sine, check_trajectories, check_within, find_knot, knot_arc, pose_at, rotate_vector

_LENGTH: Final = 1024


@scalar(forceinline=True)
def turn_back(
    a: float, b: float, c: float, d: float, e: float, f: float, g: float, h: float
) -> tuple[float, float, float, float]:
    """Return the quaternion (e, f, g, h) seen from the frame that the unit quaternion (a, b, c, d) turns, xyzw."""
    x = d * e - a * h - b * g + c * f
    y = d * f - b * h - c * e + a * g
    z = d * g - c * h - a * f + b * e
    return x, y, z, d * h + a * e + b * f + c * g


@scalar
def _deskew_block(
    block: Any, point_in: Any, time_in: Any, which_in: Any, instant_in: Any, knot_in: Any, target_in: Any,
    firings: Any, echoes: Any, length: Any, point_out: Any,
) -> None:  # fmt: skip
    blocks = (firings + length - 1) // length  # of a row
    row = block // blocks
    begin = (block - row * blocks) * length
    end = min(begin + length, firings)
    which, source = which_in[row], row if time_in.shape[0] > 1 else 0
    u, v, w, i, j, k, r = pose_at(target_in[row], which, instant_in, knot_in)
    while begin < end:
        # A run of points between the same two knots, which are taken to the target's frame.
        low = find_knot(time_in[source, begin], which, instant_in)
        high = min(low + 1, instant_in.shape[1] - 1)
        first, last = instant_in[which, low], instant_in[which, high]
        stop = begin + 1
        while stop < end and time_in[source, stop] >= first and time_in[source, stop] <= last:
            stop += 1
        x, y, z = knot_in[which, low, 0], knot_in[which, low, 1], knot_in[which, low, 2]
        dx, dy, dz = knot_in[which, high, 0] - x, knot_in[which, high, 1] - y, knot_in[which, high, 2] - z
        dx, dy, dz = rotate_vector(-i, -j, -k, r, dx, dy, dz)
        x, y, z = rotate_vector(-i, -j, -k, r, x - u, y - v, z - w)
        a, b, c, d = turn_back(
            i, j, k, r, knot_in[which, low, 3], knot_in[which, low, 4], knot_in[which, low, 5], knot_in[which, low, 6]
        )
        e, f, g, h = turn_back(
            i, j, k, r, knot_in[which, high, 3], knot_in[which, high, 4], knot_in[which, high, 5],
            knot_in[which, high, 6],
        )  # fmt: skip
        angle, sign = knot_arc(a, b, c, d, e, f, g, h)
        scale = 1.0 / arc_sine(angle)
        a, b, c, d = scale * a, scale * b, scale * c, scale * d
        scale *= sign
        e, f, g, h = scale * e, scale * f, scale * g, scale * h
        pace = 1.0 / float(last - first) if last > first else 0.0
        for echo in range(echoes):
            for firing in range(begin, stop):
                share = float(time_in[source, firing] - first) * pace
                before, after = arc_sine((1.0 - share) * angle), arc_sine(share * angle)
                p, q = before * a + after * e, before * b + after * f
                s, t = before * c + after * g, before * d + after * h
                place = np.uint64((row * firings + firing) * echoes + echo)
                px, py, pz = float(point_in[place, 0]), float(point_in[place, 1]), float(point_in[place, 2])
                there = (px != 0.0) or (py != 0.0) or (pz != 0.0)
                px, py, pz = rotate_vector(p, q, s, t, px, py, pz)
                point_out[place, 0] = px + (x + share * dx) if there else 0.0
                point_out[place, 1] = py + (y + share * dy) if there else 0.0
                point_out[place, 2] = pz + (z + share * dz) if there else 0.0
        begin = stop


_DESKEW: Final = Kernel(_deskew_block)


def deskew_points(
    points: Any,
    time: Any,
    pose: ArrayLike,
    pose_time: ArrayLike,
    target: ArrayLike,
    *,
    device: str = "cpu",
    threads: int | None = None,
) -> Any:
    """Move points to where a sensor would have measured them had it stood still at one instant.

    Args:
        points: Points in the sensor's frame, each at its own instant [m], shape (N, P, 3) or (N, P, E, 3) for E echoes
            of a firing; float32 or float64, NumPy or torch. Zeros are beams without a return.
        time: Instants of the firings [ns], int64, shape (P,) or (N, P), within `pose_time`.
        pose: World from sensor at the knots, shape (K, 4, 4), or (N, K, 4, 4) for a trajectory in each row.
        pose_time: Instants of the knots [ns], int64, ascending, shape (K,) or (N, K).
        target: The instant [ns] to which points are moved, one for all or shape (N,).
        device: Where to run if the arrays are the host's: "cpu" or "cuda".
        threads: CPU threads; None for all.

    Returns:
        Points of the same kind, shape and type, in the sensor's frame at `target`.

    Raises:
        ValueError: If shapes disagree or an instant is beyond the knots.
        RuntimeError: If the device is not here.

    Source: see the module; slerp after Shoemake 1985.

    Example:
        >>> points = np.ones((1, 4, 3))
        >>> still = np.stack([np.eye(4), np.eye(4)])
        >>> bool((deskew_points(points, np.arange(4), still, [0, 10], 0) == points).all())
        True
    """
    shape = tuple(int(length) for length in points.shape)
    if len(shape) not in (3, 4) or shape[-1] != 3:
        raise ValueError(f"points must have shape (N, P, 3) or (N, P, E, 3), got {shape}")
    rows, firings, echoes = shape[0], shape[1], shape[2] if len(shape) == 4 else 1
    place = find_place(points, device)
    dtype = np.float32 if str(points.dtype).endswith("float32") else np.float64
    instants, knots, which = check_trajectories(pose, pose_time, rows)
    if tuple(time.shape) not in ((firings,), (rows, firings)):
        raise ValueError(f"time must have shape ({firings},) or ({rows}, {firings}), got {tuple(time.shape)}")
    if "int" not in str(time.dtype):
        raise ValueError(f"time must be whole nanoseconds (int64), got {time.dtype}")
    when = np.asarray(target)
    if when.shape not in ((), (rows,)) or when.dtype.kind not in "iu":
        raise ValueError(f"target must be one instant [ns] or {rows}, whole numbers, got {when.dtype} {when.shape}")
    whens = np.broadcast_to(when.astype(np.int64), (rows,)).copy()
    out = place.allocate((rows * firings * echoes, 3), dtype)
    if rows and firings:
        times = place.borrow(time, np.int64).reshape(-1, firings)
        if place.is_resident and place.kind == "torch":  # only the ends come here
            low, high = times.amin(1).cpu().numpy(), times.amax(1).cpu().numpy()
        else:
            low, high = np.asarray(times).min(axis=1), np.asarray(times).max(axis=1)
        low, high = np.broadcast_to(low, (rows,)), np.broadcast_to(high, (rows,))
        check_within(low, high, instants, which, "the points' instants")
        check_within(whens, whens, instants, which, "targets")
        length = 1 if place.device == "cuda" else _LENGTH
        _DESKEW.launch(
            rows * -(-firings // length), place.borrow(points, dtype).reshape(-1, 3), times, which,
            instants, knots, whens, firings, echoes, length, out, device=place.device, threads=threads,
        )  # fmt: skip
    return place.give(out.reshape(shape))
