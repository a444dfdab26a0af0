"""Visibility: which triangle each sample sees, by integer edge functions and an order-free key.

A key is the bit pattern of a positive float32 "nearness" (1/z of a camera, metres towards the sun of a shadow
map) above `instance << 20 | triangle` + 1; the largest key wins, so neither order nor threads matter.
Vertices are projected_out in float64, then snapped_out to 1/256 of a sample: coverage is exact integer arithmetic with
the top-left rule, so that shared edges neither crack nor overlap (Pineda 1988, "A parallel algorithm for polygon_out
rasterization").
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...kernels.device import Kernel, scalar
from .clipping import clip_plane

SUBPIXEL = 256
OUTSIDE = -(2**30)
"""Snapped x of a vertex that must be clipped first."""
GUARD = 2.0**20
"""Largest projected coordinate [px] that is snapped without clipping."""
SMALL = 16
"""Rows of at most this many samples are tested sample by sample, in vector instructions."""


@scalar(forceinline=True)
def _make_key(nearness: float, low: Any, shift: Any) -> Any:
    bits = np.uint64(np.float32(nearness).view(np.uint32))
    return ((bits << np.uint64(32)) | low) >> shift


@scalar(forceinline=True)
def _cover_row(
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
        key = _make_key(min(max(nearness + step * i, lowest), highest), low, shift)
        if key > keys_out[place + np.uint64(i)]:
            keys_out[place + np.uint64(i)] = key


@scalar(forceinline=True)
def _cover_inside(
    first: int,
    count: int,
    e0: int,
    e1: int,
    e2: int,
    a0: int,
    a1: int,
    a2: int,
    nearness: float,
    step: float,
    lowest: float,
    highest: float,
    low: Any,
    shift: Any,
    keys_out: Any,
) -> None:
    """Keep the larger key in those of a few samples that lie inside all three edges; no branches, no divisions."""
    place = np.uint64(first)
    for i in range(count):
        outside = (e0 + a0 * i) | (e1 + a1 * i) | (e2 + a2 * i)
        key = _make_key(min(max(nearness + step * i, lowest), highest), low, shift)
        if outside >= 0 and key > keys_out[place + np.uint64(i)]:
            keys_out[place + np.uint64(i)] = key


@scalar(forceinline=True)
def _narrow(a: int, e: int, first: int, end: int) -> Any:
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
def _stamp_row(first: int, count: int, stamp: int, stamps_out: Any) -> int:
    """Mark a run of samples as covered by an instance; return how many were not yet."""
    fresh = 0
    place = np.uint64(first)
    for i in range(count):
        if stamps_out[place + np.uint64(i)] != stamp:
            stamps_out[place + np.uint64(i)] = stamp
            fresh += 1
    return fresh


@scalar(forceinline=True)
def _draw_triangle(
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
    """Draw one projected triangle into rows [row_first, row_end).

    Snapped corners (x, y) decide coverage; unsnapped corners (u, v) and their nearness q give the plane.
    """
    column_first = max((min(x0, min(x1, x2)) + 255) >> 8, 0)
    column_end = min(max(x0, max(x1, x2)) >> 8, width - 1) + 1
    top = max((min(y0, min(y1, y2)) + 255) >> 8, row_first)
    bottom = min(max(y0, max(y1, y2)) >> 8, row_end - 1) + 1
    if column_first >= column_end or top >= bottom:
        return
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    if area == 0:
        return
    if area < 0:
        x1, x2 = x2, x1
        y1, y2 = y2, y1
    # Edge i runs from corner i to i + 1; inside is positive; an edge that is neither top nor left loses ties.
    a0, b0 = y0 - y1, x1 - x0
    a1, b1 = y1 - y2, x2 - x1
    a2, b2 = y2 - y0, x0 - x2
    c0 = -(a0 * x0 + b0 * y0) - (0 if (a0 > 0 or (a0 == 0 and b0 > 0)) else 1)
    c1 = -(a1 * x1 + b1 * y1) - (0 if (a1 > 0 or (a1 == 0 and b1 > 0)) else 1)
    c2 = -(a2 * x2 + b2 * y2) - (0 if (a2 > 0 or (a2 == 0 and b2 > 0)) else 1)
    determinant = (u1 - u0) * (v2 - v0) - (u2 - u0) * (v1 - v0)
    lowest, highest = min(q0, min(q1, q2)), max(q0, max(q1, q2))
    slope_u, slope_v = 0.0, 0.0
    if determinant != 0.0:
        slope_u = ((q1 - q0) * (v2 - v0) - (q2 - q0) * (v1 - v0)) / determinant
        slope_v = ((q2 - q0) * (u1 - u0) - (q1 - q0) * (u2 - u0)) / determinant
    a0, b0, a1, b1, a2, b2 = a0 << 8, b0 << 8, a1 << 8, b1 << 8, a2 << 8, b2 << 8
    small = stamp == 0 and column_end - column_first <= SMALL
    for row in range(top, bottom):
        e0, e1, e2 = b0 * row + c0, b1 * row + c1, b2 * row + c2
        first, end = column_first, column_end
        if small:
            nearness = q0 + (row - v0) * slope_v + (first - u0) * slope_u
            _cover_inside(
                base + row * width + first, end - first, e0 + a0 * first, e1 + a1 * first, e2 + a2 * first, a0, a1, a2,
                nearness, slope_u, lowest, highest, low, shift, keys_out,
            )  # fmt: skip
            continue
        first, end = _narrow(a0, e0, first, end)
        first, end = _narrow(a1, e1, first, end)
        first, end = _narrow(a2, e2, first, end)
        if first >= end:
            continue
        nearness = q0 + (row - v0) * slope_v + (first - u0) * slope_u
        place = base + row * width + first
        _cover_row(place, end - first, nearness, slope_u, lowest, highest, low, shift, keys_out)
        if stamp > 0:
            total_out[total_row, 0] += _stamp_row(place, end - first, stamp, stamps_out)
            total_out[total_row, 1] = min(total_out[total_row, 1], first)
            total_out[total_row, 2] = min(total_out[total_row, 2], row)
            total_out[total_row, 3] = max(total_out[total_row, 3], end)
            total_out[total_row, 4] = max(total_out[total_row, 4], row + 1)


@scalar(forceinline=True)
def _transform_corner(matrix_in: Any, draw: int, vertex_in: Any, vertex: int) -> Any:
    x, y, z = float(vertex_in[vertex, 0]), float(vertex_in[vertex, 1]), float(vertex_in[vertex, 2])
    return (
        matrix_in[draw, 0] * x + matrix_in[draw, 1] * y + matrix_in[draw, 2] * z + matrix_in[draw, 3],
        matrix_in[draw, 4] * x + matrix_in[draw, 5] * y + matrix_in[draw, 6] * z + matrix_in[draw, 7],
        matrix_in[draw, 8] * x + matrix_in[draw, 9] * y + matrix_in[draw, 10] * z + matrix_in[draw, 11],
    )


@scalar
def _draw_clipped(
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
    for i in range(3):
        vertex = t0 if i == 0 else (t1 if i == 1 else t2)
        x, y, z = _transform_corner(matrix_in, draw, vertex_in, vertex)
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
    for i in range(1, count - 1):
        u0, v0, q0 = polygon_out[lane, 1, 0, 0], polygon_out[lane, 1, 0, 1], polygon_out[lane, 1, 0, 2]
        u1, v1, q1 = polygon_out[lane, 1, i, 0], polygon_out[lane, 1, i, 1], polygon_out[lane, 1, i, 2]
        u2, v2, q2 = polygon_out[lane, 1, i + 1, 0], polygon_out[lane, 1, i + 1, 1], polygon_out[lane, 1, i + 1, 2]
        _draw_triangle(
            int(math.floor(u0 * SUBPIXEL + 0.5)), int(math.floor(v0 * SUBPIXEL + 0.5)),
            int(math.floor(u1 * SUBPIXEL + 0.5)), int(math.floor(v1 * SUBPIXEL + 0.5)),
            int(math.floor(u2 * SUBPIXEL + 0.5)), int(math.floor(v2 * SUBPIXEL + 0.5)),
            u0, v0, q0, u1, v1, q1, u2, v2, q2,
            low, shift, width, row_first, row_end, base, stamp, keys_out, stamps_out, total_out, total_row,
        )  # fmt: skip


@scalar
def _rasterize(
    index: int,
    band_count: int,
    largest: int,
    width: int,
    height: int,
    samples: int,
    perspective: int,
    shift: Any,
    camera_in: Any,
    view_world_in: Any,
    start_in: Any,
    mesh_in: Any,
    instance_in: Any,
    level_in: Any,
    matrix_in: Any,
    level_vertex_start_in: Any,
    level_vertex_count_in: Any,
    level_triangle_start_in: Any,
    level_triangle_count_in: Any,
    vertex_in: Any,
    triangle_in: Any,
    closed_in: Any,
    stamping: int,
    instance_count: int,
    snapped_out: Any,
    projected_out: Any,
    polygon_out: Any,
    keys_out: Any,
    stamps_out: Any,
    total_out: Any,
) -> None:
    """Draw all instances of one view into one band of its rows; `samples` is 1, or 2 for a 2x2 grid."""
    view = index // band_count
    band = index % band_count
    columns, rows = width * samples, height * samples
    row_first, row_end = rows * band // band_count, rows * (band + 1) // band_count
    base = view * columns * rows
    fx, fy, cx, cy, near = 1.0, 1.0, 0.0, 0.0, 0.0
    empty = np.uint64(0)
    if perspective == 1:
        fx, fy, near = camera_in[view, 0] * samples, camera_in[view, 1] * samples, camera_in[view, 4]
        cx = camera_in[view, 2] * samples + 0.5 * (samples - 1)
        cy = camera_in[view, 3] * samples + 0.5 * (samples - 1)
        empty = _make_key(1.0 / camera_in[view, 5], np.uint64(0), shift)
    cleared = keys_out[base + row_first * columns : base + row_end * columns]
    for i in range(cleared.shape[0]):
        cleared[i] = empty
    if stamping == 1:
        fresh = stamps_out[base + row_first * columns : base + row_end * columns]
        for i in range(fresh.shape[0]):
            fresh[i] = 0
        for i in range(instance_count):
            slot = index * instance_count + i
            total_out[slot, 0] = 0
            total_out[slot, 1] = columns
            total_out[slot, 2] = rows
            total_out[slot, 3] = 0
            total_out[slot, 4] = 0
    world = view_world_in[view]
    for k in range(start_in[world + 1] - start_in[world]):
        draw = view * largest + k
        level = level_in[draw]
        if level < 0:
            continue
        stamp = 0
        total_row = 0
        if stamping == 1:
            stamp = int(instance_in[start_in[world] + k])
            if stamp > instance_count:
                stamp = 0
            total_row = index * instance_count + max(stamp - 1, 0)
        first_vertex = level_vertex_start_in[level]
        for i in range(level_vertex_count_in[level]):
            x, y, z = _transform_corner(matrix_in, draw, vertex_in, first_vertex + i)
            if perspective == 1:
                if z < near:
                    snapped_out[index, i, 0] = OUTSIDE
                    continue
                q = 1.0 / z
                u, v = fx * x * q + cx, fy * y * q + cy
                if abs(u) > GUARD or abs(v) > GUARD:
                    snapped_out[index, i, 0] = OUTSIDE
                    continue
            else:
                u, v, q = x, y, z
            projected_out[index, i, 0], projected_out[index, i, 1], projected_out[index, i, 2] = u, v, q
            snapped_out[index, i, 0] = int(math.floor(u * SUBPIXEL + 0.5))
            snapped_out[index, i, 1] = int(math.floor(v * SUBPIXEL + 0.5))
        closed = closed_in[mesh_in[start_in[world] + k]] == 1
        # Image rows run down and a shadow map's run up, so that faces turned away wind the other way round.
        away = 1 if perspective == 1 else -1
        first_triangle = level_triangle_start_in[level]
        # First column, first row, past-the-end column and row in snapped_out units: most triangles see no sample.
        top_limit, bottom_limit = row_first << 8, (row_end - 1) << 8
        right_limit = (columns - 1) << 8
        for t in range(level_triangle_count_in[level]):
            t0 = triangle_in[first_triangle + t, 0]
            t1 = triangle_in[first_triangle + t, 1]
            t2 = triangle_in[first_triangle + t, 2]
            x0, x1, x2 = int(snapped_out[index, t0, 0]), int(snapped_out[index, t1, 0]), int(snapped_out[index, t2, 0])
            low = np.uint64((k << 20) | t) + np.uint64(1)
            if x0 == OUTSIDE or x1 == OUTSIDE or x2 == OUTSIDE:
                _draw_clipped(
                    first_vertex + t0, first_vertex + t1, first_vertex + t2, draw, matrix_in, vertex_in,
                    fx, fy, cx, cy, near, low, shift, columns, row_first, row_end, base,
                    stamp, index, polygon_out, keys_out, stamps_out, total_out, total_row,
                )  # fmt: skip
                continue
            left, right = min(x0, min(x1, x2)), max(x0, max(x1, x2))
            if (left + 255) >> 8 > right >> 8 or right < 0 or left > right_limit:
                continue
            y0, y1, y2 = int(snapped_out[index, t0, 1]), int(snapped_out[index, t1, 1]), int(snapped_out[index, t2, 1])
            upper, lower = min(y0, min(y1, y2)), max(y0, max(y1, y2))
            if (upper + 255) >> 8 > lower >> 8 or lower < top_limit or upper > bottom_limit:
                continue
            if closed and away * ((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)) > 0:
                continue
            _draw_triangle(
                x0, y0, x1, y1, x2, y2,
                projected_out[index, t0, 0], projected_out[index, t0, 1], projected_out[index, t0, 2],
                projected_out[index, t1, 0], projected_out[index, t1, 1], projected_out[index, t1, 2],
                projected_out[index, t2, 0], projected_out[index, t2, 1], projected_out[index, t2, 2],
                low, shift, columns, row_first, row_end, base, stamp, keys_out, stamps_out, total_out, total_row,
            )  # fmt: skip


RASTERIZE = Kernel(_rasterize)
