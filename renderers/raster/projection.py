"""Projection: the vertices of one level of detail, to samples and to the sub-pixel grid, in vector instructions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...kernels.device import scalar

SUBPIXEL = 256.0
"""Steps of the grid that vertices are snapped to, per sample."""
OUTSIDE = -(2**30)
"""Snapped column of a vertex that must be clipped first."""
GUARD = 2.0**20
"""Largest projected coordinate [px] that is snapped without clipping."""


@scalar(forceinline=True)
def transform_corner(matrix_in: Any, draw: int, vertex_in: Any, vertex: int) -> Any:
    """Return one vertex in the coordinates of a draw's view."""
    x, y, z = float(vertex_in[0, vertex]), float(vertex_in[1, vertex]), float(vertex_in[2, vertex])
    return (
        matrix_in[draw, 0] * x + matrix_in[draw, 1] * y + matrix_in[draw, 2] * z + matrix_in[draw, 3],
        matrix_in[draw, 4] * x + matrix_in[draw, 5] * y + matrix_in[draw, 6] * z + matrix_in[draw, 7],
        matrix_in[draw, 8] * x + matrix_in[draw, 9] * y + matrix_in[draw, 10] * z + matrix_in[draw, 11],
    )


@scalar(forceinline=True)
def project_vertices(
    first: int,
    count: int,
    draw: int,
    matrix_in: Any,
    vertex_in: Any,
    perspective: int,
    fx: float,
    fy: float,
    cx: float,
    cy: float,
    near: float,
    projected: Any,
    snapped: Any,
) -> None:
    """Project a run of vertices.

    `projected`, shape (3, vertices), takes column, row and nearness; `snapped` takes column << 32 | row in steps of
    the sub-pixel grid, column `OUTSIDE` where the vertex is nearer than `near` or beyond `GUARD`. No branches, and
    coordinates apart (x of all vertices, then y, then z), or the compiler leaves the vector instructions.
    """
    a0, a1, a2, a3 = matrix_in[draw, 0], matrix_in[draw, 1], matrix_in[draw, 2], matrix_in[draw, 3]
    b0, b1, b2, b3 = matrix_in[draw, 4], matrix_in[draw, 5], matrix_in[draw, 6], matrix_in[draw, 7]
    c0, c1, c2, c3 = matrix_in[draw, 8], matrix_in[draw, 9], matrix_in[draw, 10], matrix_in[draw, 11]
    start = np.uint64(first)
    if perspective == 1:
        for i in range(count):
            to = np.uint64(i)
            at = start + to
            px, py, pz = np.float64(vertex_in[0, at]), np.float64(vertex_in[1, at]), np.float64(vertex_in[2, at])
            x = a0 * px + a1 * py + a2 * pz + a3
            y = b0 * px + b1 * py + b2 * pz + b3
            z = c0 * px + c1 * py + c2 * pz + c3
            before = z >= near
            q = 1.0 / (z if before else 1.0)
            projected[0, to], projected[1, to] = fx * x * q + cx, fy * y * q + cy
            projected[2, to] = q if before else -1.0
    else:
        for i in range(count):
            to = np.uint64(i)
            at = start + to
            px, py, pz = np.float64(vertex_in[0, at]), np.float64(vertex_in[1, at]), np.float64(vertex_in[2, at])
            projected[0, to] = a0 * px + a1 * py + a2 * pz + a3
            projected[1, to] = b0 * px + b1 * py + b2 * pz + b3
            projected[2, to] = c0 * px + c1 * py + c2 * pz + c3
    lowest = 0.0 if perspective == 1 else -np.inf
    for i in range(count):
        to = np.uint64(i)
        u, v = projected[0, to], projected[1, to]
        known = (projected[2, to] > lowest) & (abs(u) <= GUARD) & (abs(v) <= GUARD)
        column = np.int64(np.floor((u if known else 0.0) * SUBPIXEL + 0.5))
        row = np.int64(np.floor((v if known else 0.0) * SUBPIXEL + 0.5))
        snapped[to] = ((column if known else np.int64(OUTSIDE)) << np.int64(32)) | (row & np.int64(0xFFFFFFFF))


@scalar(forceinline=True)
def project_vertex(
    vertex: Any, draw: Any, matrix_in: Any, vertex_in: Any, perspective: int, fx: float, fy: float, cx: float,
    cy: float, near: float,
) -> Any:  # fmt: skip
    """Project one vertex as `project_vertices` does: column, row and nearness, then column and row snapped."""
    px, py, pz = np.float64(vertex_in[0, vertex]), np.float64(vertex_in[1, vertex]), np.float64(vertex_in[2, vertex])
    u = matrix_in[draw, 0] * px + matrix_in[draw, 1] * py + matrix_in[draw, 2] * pz + matrix_in[draw, 3]
    v = matrix_in[draw, 4] * px + matrix_in[draw, 5] * py + matrix_in[draw, 6] * pz + matrix_in[draw, 7]
    q = matrix_in[draw, 8] * px + matrix_in[draw, 9] * py + matrix_in[draw, 10] * pz + matrix_in[draw, 11]
    lowest = -np.inf
    if perspective == 1:
        before = q >= near
        q = 1.0 / (q if before else 1.0)
        u, v = fx * u * q + cx, fy * v * q + cy
        q, lowest = (q if before else -1.0), 0.0
    known = (q > lowest) & (abs(u) <= GUARD) & (abs(v) <= GUARD)
    column = np.int64(math.floor((u if known else 0.0) * SUBPIXEL + 0.5))
    row = np.int64(math.floor((v if known else 0.0) * SUBPIXEL + 0.5))
    return u, v, q, (column if known else np.int64(OUTSIDE)), row
