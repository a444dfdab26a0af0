"""Tile triangles: the samples of one triangle in one tile, for threads that share them out.

The corners, edge functions, planes and keys are those of `projection`, `coverage` and `small_triangles`, in the same
order of operations, so that a tile's keys are the rows' keys.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...kernels.cooperation import atomic_max, atomic_or
from ...kernels.device import scalar
from .coverage import clip_triangle, find_edges, find_plane, make_key, narrow_run
from .projection import OUTSIDE, SUBPIXEL, project_vertex
from .triangle_sorting import REACH, ROW

TILE = 64
"""Samples per side of a tile."""
N0, N1, N8 = np.int32(0), np.int32(1), np.int32(8)
U1 = np.uint64(1)
WHOLE = np.uint64(0)


@scalar(forceinline=True)
def _keep(place: int, key: Any, stamping: int, keys: Any, bits: Any) -> None:
    """Keep a sample's larger key, or mark it as covered."""
    if stamping == 1:
        atomic_or(bits, place >> 6, np.uint64(U1 << np.uint64(place & 63)))
    elif key > keys[place]:
        atomic_max(keys, place, key)


@scalar
def cover_rows(
    x0: int, y0: int, x1: int, y1: int, x2: int, y2: int, u0: float, v0: float, q0: float, u1: float, v1: float,
    q1: float, u2: float, v2: float, q2: float, low: Any, columns: int, rows: int, left: int, top: int, is_short: int,
    right_first: int, down_first: int, across: int, down: int, stamping: int, keys: Any, bits: Any,
) -> None:  # fmt: skip
    """Draw those samples of a triangle in a tile that are one thread's share.

    It starts `right_first` samples into a run and `down_first` rows into the tile, and goes on in steps of `across` and
    `down`. Where rows are short a plane starts at the box's first column, else at the run's (see `small_triangles`).
    """
    column_first = max((min(x0, min(x1, x2)) + 255) >> 8, 0)
    column_end = min(max(x0, max(x1, x2)) >> 8, columns - 1) + 1
    row_first = max((min(y0, min(y1, y2)) + 255) >> 8, top)
    row_end = min(max(y0, max(y1, y2)) >> 8, min(top + TILE, rows) - 1) + 1
    right = min(left + TILE, columns)
    if max(column_first, left) >= min(column_end, right) or row_first >= row_end:
        return
    a0, b0, c0, a1, b1, c1, a2, b2, c2, area = find_edges(x0, y0, x1, y1, x2, y2)
    if area == 0:
        return
    slope_u, slope_v, lowest, highest = find_plane(u0, v0, q0, u1, v1, q1, u2, v2, q2)
    for row in range(row_first + down_first, row_end, down):
        first, end = narrow_run(a0, b0 * row + c0, column_first, column_end)
        first, end = narrow_run(a1, b1 * row + c1, first, end)
        first, end = narrow_run(a2, b2 * row + c2, first, end)
        if first >= end:
            continue
        origin = column_first if is_short == 1 else first
        nearness = q0 + (row - v0) * slope_v + (origin - u0) * slope_u
        for column in range(max(first, left) + right_first, min(end, right), across):
            key = make_key(min(max(nearness + slope_u * (column - origin), lowest), highest), low, WHOLE)
            _keep((row - top) * TILE + column - left, key, stamping, keys, bits)


@scalar
def cover_box(
    x0: Any, y0: Any, x1: Any, y1: Any, x2: Any, y2: Any, u0: float, v0: float, q0: float, u1: float, v1: float,
    q1: float, u2: float, v2: float, q2: float, low: Any, box_first: int, column: Any, row: Any, width: Any,
    height: Any, left: int, top: int, stamping: int, keys: Any, bits: Any,
) -> None:  # fmt: skip
    """Draw the samples of a small triangle in a box of few, in 32 bits; its plane starts at `box_first`."""
    slope_u, slope_v, lowest, highest = find_plane(u0, v0, q0, u1, v1, q1, u2, v2, q2)
    from_x, from_y = np.int32(column << N8), np.int32(row << N8)
    x0, x1, x2 = np.int32(x0 - from_x), np.int32(x1 - from_x), np.int32(x2 - from_x)
    y0, y1, y2 = np.int32(y0 - from_y), np.int32(y1 - from_y), np.int32(y2 - from_y)
    if np.int32(np.int32((x1 - x0) * (y2 - y0)) - np.int32((x2 - x0) * (y1 - y0))) < N0:
        x1, x2 = x2, x1
        y1, y2 = y2, y1
    a0, b0 = np.int32(y0 - y1), np.int32(x1 - x0)
    a1, b1 = np.int32(y1 - y2), np.int32(x2 - x1)
    a2, b2 = np.int32(y2 - y0), np.int32(x0 - x2)
    tie0 = N0 if (a0 > N0) | ((a0 == N0) & (b0 > N0)) else N1
    tie1 = N0 if (a1 > N0) | ((a1 == N0) & (b1 > N0)) else N1
    tie2 = N0 if (a2 > N0) | ((a2 == N0) & (b2 > N0)) else N1
    e0 = np.int32(-np.int32(a0 * x0) - np.int32(b0 * y0) - tie0)
    e1 = np.int32(-np.int32(a1 * x1) - np.int32(b1 * y1) - tie1)
    e2 = np.int32(-np.int32(a2 * x2) - np.int32(b2 * y2) - tie2)
    a0, a1, a2 = np.int32(a0 << N8), np.int32(a1 << N8), np.int32(a2 << N8)
    b0, b1, b2 = np.int32(b0 << N8), np.int32(b1 << N8), np.int32(b2 << N8)
    start = (np.float64(box_first) - u0) * slope_u
    for r in range(height):
        d0, d1, d2 = e0, e1, e2
        nearness = q0 + (np.float64(row + r) - v0) * slope_v + start
        for c in range(width):
            if (d0 | d1 | d2) >= N0:
                at = np.float64(column + c - box_first)
                key = make_key(min(max(nearness + slope_u * at, lowest), highest), low, WHOLE)
                _keep(int((row + r - top) * TILE + column + c - left), key, stamping, keys, bits)
            d0, d1, d2 = np.int32(d0 + a0), np.int32(d1 + a1), np.int32(d2 + a2)
        e0, e1, e2 = np.int32(e0 + b0), np.int32(e1 + b1), np.int32(e2 + b2)


@scalar
def draw_listed(
    low: Any, first_vertex: int, t0: int, t1: int, t2: int, draw: int, matrix_in: Any, vertex_in: Any,
    perspective: int, fx: float, fy: float, cx: float, cy: float, near: float, columns: int, rows: int, left: int,
    top: int, right_first: int, down_first: int, across: int, down: int, stamping: int, polygon: Any, keys: Any,
    bits: Any,
) -> None:  # fmt: skip
    """Draw one thread's share of a large triangle, or of one that must be clipped first."""
    i0, i1, i2 = first_vertex + t0, first_vertex + t1, first_vertex + t2
    u0, v0, q0, x0, y0 = project_vertex(i0, draw, matrix_in, vertex_in, perspective, fx, fy, cx, cy, near)
    u1, v1, q1, x1, y1 = project_vertex(i1, draw, matrix_in, vertex_in, perspective, fx, fy, cx, cy, near)
    u2, v2, q2, x2, y2 = project_vertex(i2, draw, matrix_in, vertex_in, perspective, fx, fy, cx, cy, near)
    if x0 != OUTSIDE and x1 != OUTSIDE and x2 != OUTSIDE:
        reach = max(max(x0, max(x1, x2)) - min(x0, min(x1, x2)), max(y0, max(y1, y2)) - min(y0, min(y1, y2)))
        column_first = max((min(x0, min(x1, x2)) + 255) >> 8, 0)
        width = min(max(x0, max(x1, x2)) >> 8, columns - 1) - column_first + 1
        cover_rows(
            x0, y0, x1, y1, x2, y2, u0, v0, q0, u1, v1, q1, u2, v2, q2, low, columns, rows, left, top,
            1 if reach < REACH and width <= ROW else 0, right_first, down_first, across, down, stamping, keys, bits,
        )  # fmt: skip
        return
    count = clip_triangle(i0, i1, i2, draw, matrix_in, vertex_in, fx, fy, cx, cy, near, 0, polygon)
    for i in range(1, count - 1):
        u0, v0, q0 = polygon[0, 1, 0, 0], polygon[0, 1, 0, 1], polygon[0, 1, 0, 2]
        u1, v1, q1 = polygon[0, 1, i, 0], polygon[0, 1, i, 1], polygon[0, 1, i, 2]
        u2, v2, q2 = polygon[0, 1, i + 1, 0], polygon[0, 1, i + 1, 1], polygon[0, 1, i + 1, 2]
        cover_rows(
            int(math.floor(u0 * SUBPIXEL + 0.5)), int(math.floor(v0 * SUBPIXEL + 0.5)),
            int(math.floor(u1 * SUBPIXEL + 0.5)), int(math.floor(v1 * SUBPIXEL + 0.5)),
            int(math.floor(u2 * SUBPIXEL + 0.5)), int(math.floor(v2 * SUBPIXEL + 0.5)),
            u0, v0, q0, u1, v1, q1, u2, v2, q2, low, columns, rows, left, top, 0, right_first, down_first, across,
            down, stamping, keys, bits,
        )  # fmt: skip
