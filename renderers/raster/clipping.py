"""Clipping: convex polygons against planes, in camera coordinates."""

from __future__ import annotations

from typing import Any

from ...kernels.device import scalar


@scalar
def clip_plane(count: int, source: int, a: float, b: float, c: float, d: float, polygon_out: Any, lane: int) -> int:
    """Clip a polygon against a x + b y + c z + d >= 0; return the corners of the result in the other buffer.

    A cut is always computed from its inner end to its outer end, so that both triangles of an edge cut it alike.
    """
    target = 1 - source
    made = 0
    for i in range(count):
        j = (i + 1) % count
        xi, yi, zi = polygon_out[lane, source, i, 0], polygon_out[lane, source, i, 1], polygon_out[lane, source, i, 2]
        xj, yj, zj = polygon_out[lane, source, j, 0], polygon_out[lane, source, j, 1], polygon_out[lane, source, j, 2]
        di = a * xi + b * yi + c * zi + d
        dj = a * xj + b * yj + c * zj + d
        if di >= 0.0:
            polygon_out[lane, target, made, 0], polygon_out[lane, target, made, 1] = xi, yi
            polygon_out[lane, target, made, 2] = zi
            made += 1
        if (di >= 0.0) != (dj >= 0.0):
            if di >= 0.0:
                t = di / (di - dj)
                x, y, z = xi + t * (xj - xi), yi + t * (yj - yi), zi + t * (zj - zi)
            else:
                t = dj / (dj - di)
                x, y, z = xj + t * (xi - xj), yj + t * (yi - yj), zj + t * (zi - zj)
            (
                polygon_out[lane, target, made, 0],
                polygon_out[lane, target, made, 1],
                polygon_out[lane, target, made, 2],
            ) = x, y, z
            made += 1
    return made
