"""Coverage: the samples of one projected triangle, by integer edge functions and an order-free key.

A key is the bit pattern of a positive float32 "nearness" (1/z of a camera, metres towards a sun of a shadow map) above
`instance << 20 | triangle` + 1; the largest key wins, so neither order nor threads matter.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...kernels.device import scalar
from .clipping import clip_plane
from .projection import GUARD, SUBPIXEL, transform_corner


@scalar(forceinline=True)
def make_key(nearness: float, low: Any, shift: Any) -> Any:
    """Return the key of a sample; a shift of 32 leaves its nearness alone."""
    bits = np.uint64(np.float32(nearness).view(np.uint32))
    return ((bits << np.uint64(32)) | low) >> shift


@scalar(forceinline=True)
def _cover_run(
    first: int,
    count: int,
    nearness: float,
    step: float,
    lowest: float,
    highest: float,
    low: Any,
    shift: Any,
    keys_out: Any,
) -> None:
    """Keep the larger key in a run of samples."""
    # Unsigned places: an index that may be negative costs a check and the vector instructions.
    place = np.uint64(first)
    for i in range(count):
        key = make_key(min(max(nearness + step * i, lowest), highest), low, shift)
        if key > keys_out[place + np.uint64(i)]:
            keys_out[place + np.uint64(i)] = key


@scalar(forceinline=True)
def narrow_run(a: int, e: int, first: int, end: int) -> Any:
    """Cut a run of columns to where a x + e >= 0."""
    if a > 0:
        at = a * first + e
        if at < 0:
            first += int(np.int64(np.uint64(a - 1 - at) // np.uint64(a)))
    elif a < 0:
        at = a * (end - 1) + e
        if at < 0:
            end -= int(np.int64(np.uint64(-a - 1 - at) // np.uint64(-a)))
    elif e < 0:
        end = first
    return first, end


@scalar(forceinline=True)
def _stamp_run(first: int, count: int, stamp: int, stamps_out: Any) -> int:
    """Mark a run of samples as covered by an instance; return how many were not yet."""
    fresh = 0
    place = np.uint64(first)
    for i in range(count):
        if stamps_out[place + np.uint64(i)] != stamp:
            stamps_out[place + np.uint64(i)] = stamp
            fresh += 1
    return fresh


@scalar(forceinline=True)
def count_total(
    fresh: int, left: int, top: int, right: int, bottom: int, stamp: int, total_row: int, total_out: Any
) -> None:
    """Add fresh samples and their box (right and bottom exclusive) to what an instance covers."""
    total_out[total_row, 0] += fresh
    total_out[total_row, 1] = min(total_out[total_row, 1], left)
    total_out[total_row, 2] = min(total_out[total_row, 2], top)
    total_out[total_row, 3] = max(total_out[total_row, 3], right)
    total_out[total_row, 4] = max(total_out[total_row, 4], bottom)


@scalar(forceinline=True)
def find_edges(x0: int, y0: int, x1: int, y1: int, x2: int, y2: int) -> Any:
    """Return a triangle's edge functions a x + b y + c of samples, positive inside, and 0 where it has no area.

    Edge i runs from corner i to i + 1; an edge that is neither top nor left loses ties.
    """
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    if area < 0:
        x1, x2 = x2, x1
        y1, y2 = y2, y1
    a0, b0 = y0 - y1, x1 - x0
    a1, b1 = y1 - y2, x2 - x1
    a2, b2 = y2 - y0, x0 - x2
    c0 = -(a0 * x0 + b0 * y0) - (0 if (a0 > 0 or (a0 == 0 and b0 > 0)) else 1)
    c1 = -(a1 * x1 + b1 * y1) - (0 if (a1 > 0 or (a1 == 0 and b1 > 0)) else 1)
    c2 = -(a2 * x2 + b2 * y2) - (0 if (a2 > 0 or (a2 == 0 and b2 > 0)) else 1)
    return a0 << 8, b0 << 8, c0, a1 << 8, b1 << 8, c1, a2 << 8, b2 << 8, c2, area


@scalar(forceinline=True)
def find_plane(
    u0: float, v0: float, q0: float, u1: float, v1: float, q1: float, u2: float, v2: float, q2: float
) -> Any:
    """Return the slopes of the nearness along columns and rows, and its smallest and largest value."""
    determinant = (u1 - u0) * (v2 - v0) - (u2 - u0) * (v1 - v0)
    lowest, highest = min(q0, min(q1, q2)), max(q0, max(q1, q2))
    slope_u, slope_v = 0.0, 0.0
    if determinant != 0.0:
        slope_u = ((q1 - q0) * (v2 - v0) - (q2 - q0) * (v1 - v0)) / determinant
        slope_v = ((q2 - q0) * (u1 - u0) - (q1 - q0) * (u2 - u0)) / determinant
    return slope_u, slope_v, lowest, highest


@scalar
def draw_triangle(
    x0: int,
    y0: int,
    x1: int,
    y1: int,
    x2: int,
    y2: int,
    u0: float,
    v0: float,
    q0: float,
    u1: float,
    v1: float,
    q1: float,
    u2: float,
    v2: float,
    q2: float,
    low: Any,
    shift: Any,
    width: int,
    row_first: int,
    row_end: int,
    base: int,
    stamp: int,
    keys_out: Any,
    stamps_out: Any,
    total_out: Any,
    total_row: int,
) -> None:
    """Draw one projected triangle of any size into rows [row_first, row_end).

    Snapped corners (x, y) decide coverage; unsnapped corners (u, v) and their nearness q give the plane.
    """
    column_first = max((min(x0, min(x1, x2)) + 255) >> 8, 0)
    column_end = min(max(x0, max(x1, x2)) >> 8, width - 1) + 1
    top = max((min(y0, min(y1, y2)) + 255) >> 8, row_first)
    bottom = min(max(y0, max(y1, y2)) >> 8, row_end - 1) + 1
    if column_first >= column_end or top >= bottom:
        return
    a0, b0, c0, a1, b1, c1, a2, b2, c2, area = find_edges(x0, y0, x1, y1, x2, y2)
    if area == 0:
        return
    slope_u, slope_v, lowest, highest = find_plane(u0, v0, q0, u1, v1, q1, u2, v2, q2)
    for row in range(top, bottom):
        first, end = narrow_run(a0, b0 * row + c0, column_first, column_end)
        first, end = narrow_run(a1, b1 * row + c1, first, end)
        first, end = narrow_run(a2, b2 * row + c2, first, end)
        if first >= end:
            continue
        nearness = q0 + (row - v0) * slope_v + (first - u0) * slope_u
        place = base + row * width + first
        _cover_run(place, end - first, nearness, slope_u, lowest, highest, low, shift, keys_out)
        if stamp > 0:
            fresh = _stamp_run(place, end - first, stamp, stamps_out)
            count_total(fresh, first, row, end, row + 1, stamp, total_row, total_out)


@scalar
def clip_triangle(
    t0: int, t1: int, t2: int, draw: int, matrix_in: Any, vertex_in: Any, fx: float, fy: float, cx: float, cy: float,
    near: float, lane: int, polygon_out: Any,
) -> int:  # fmt: skip
    """Clip a triangle that reaches behind the near plane or far outside the image.

    Returns how many corners are left in `polygon_out[lane, 1]`, as column, row and nearness.
    """
    for i in range(3):
        vertex = t0 if i == 0 else (t1 if i == 1 else t2)
        x, y, z = transform_corner(matrix_in, draw, vertex_in, vertex)
        polygon_out[lane, 0, i, 0], polygon_out[lane, 0, i, 1], polygon_out[lane, 0, i, 2] = x, y, z
    count = clip_plane(3, 0, 0.0, 0.0, 1.0, -near, polygon_out, lane)
    # Cuts lie at the guard itself: a neighbour whose corners are all within it must not need them (no T-junctions).
    count = clip_plane(count, 1, fx, 0.0, cx + GUARD, 0.0, polygon_out, lane)
    count = clip_plane(count, 0, -fx, 0.0, GUARD - cx, 0.0, polygon_out, lane)
    count = clip_plane(count, 1, 0.0, fy, cy + GUARD, 0.0, polygon_out, lane)
    count = clip_plane(count, 0, 0.0, -fy, GUARD - cy, 0.0, polygon_out, lane)
    for i in range(count):
        x, y, z = polygon_out[lane, 1, i, 0], polygon_out[lane, 1, i, 1], polygon_out[lane, 1, i, 2]
        polygon_out[lane, 1, i, 2] = 1.0 / z
        polygon_out[lane, 1, i, 0] = fx * x / z + cx
        polygon_out[lane, 1, i, 1] = fy * y / z + cy
    return count


@scalar
def draw_clipped(
    t0: int,
    t1: int,
    t2: int,
    draw: int,
    matrix_in: Any,
    vertex_in: Any,
    fx: float,
    fy: float,
    cx: float,
    cy: float,
    near: float,
    low: Any,
    shift: Any,
    width: int,
    row_first: int,
    row_end: int,
    base: int,
    stamp: int,
    lane: int,
    polygon_out: Any,
    keys_out: Any,
    stamps_out: Any,
    total_out: Any,
    total_row: int,
) -> None:
    """Clip a triangle that reaches behind the near plane or far outside the image, and draw the rest."""
    count = clip_triangle(t0, t1, t2, draw, matrix_in, vertex_in, fx, fy, cx, cy, near, lane, polygon_out)
    for i in range(1, count - 1):
        u0, v0, q0 = polygon_out[lane, 1, 0, 0], polygon_out[lane, 1, 0, 1], polygon_out[lane, 1, 0, 2]
        u1, v1, q1 = polygon_out[lane, 1, i, 0], polygon_out[lane, 1, i, 1], polygon_out[lane, 1, i, 2]
        u2, v2, q2 = polygon_out[lane, 1, i + 1, 0], polygon_out[lane, 1, i + 1, 1], polygon_out[lane, 1, i + 1, 2]
        draw_triangle(
            int(math.floor(u0 * SUBPIXEL + 0.5)), int(math.floor(v0 * SUBPIXEL + 0.5)),
            int(math.floor(u1 * SUBPIXEL + 0.5)), int(math.floor(v1 * SUBPIXEL + 0.5)),
            int(math.floor(u2 * SUBPIXEL + 0.5)), int(math.floor(v2 * SUBPIXEL + 0.5)),
            u0, v0, q0, u1, v1, q1, u2, v2, q2,
            low, shift, width, row_first, row_end, base, stamp, keys_out, stamps_out, total_out, total_row,
        )  # fmt: skip
