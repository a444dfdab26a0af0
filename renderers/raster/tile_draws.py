"""Tile draws: what a block of threads does with the instances of one view in one tile.

Instances are culled against the tile, the triangles of the others shared out to the threads. A thread draws what has
few samples in the tile itself; the rest is listed, and then drawn by groups of threads or by the whole block.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...kernels.cooperation import atomic_add, barrier
from ...kernels.device import scalar
from .projection import OUTSIDE, project_vertex
from .tables import Draws, Geometry, Worlds
from .tile_triangles import TILE, cover_box, draw_listed
from .triangle_sorting import REACH, ROW

DRAWS = 256
"""Instances that are looked at between two barriers."""
GROUP_LIST, BLOCK_LIST = 1024, 64
"""Listed triangles that are drawn by groups of threads, and by the whole block; no more than the former are looked at
before the lists are drawn, and where the latter is full groups draw."""
LIST = GROUP_LIST + BLOCK_LIST
ALONE = 16
"""Samples of a box that a thread draws by itself."""
LARGE = 512
"""Samples of a box from which the whole block draws."""
GROUP, GROUP_WIDTH = 32, 8
"""Threads of a group, and of those in a row."""
N1 = np.int32(1)


@scalar
def meets_tile(
    draw: int, mesh: int, matrix_in: Any, center_in: Any, radius_in: Any, perspective: int, fx: float, fy: float,
    cx: float, cy: float, left: int, top: int,
) -> bool:  # fmt: skip
    """Return whether a mesh's sphere may have samples in a tile; one sample around it makes up for all rounding."""
    x, y, z = float(center_in[mesh, 0]), float(center_in[mesh, 1]), float(center_in[mesh, 2])
    radius = float(radius_in[mesh]) * (1.0 + 1e-5)
    for side in range(4):
        # A linear function of the point that is not negative on the tile's side of a plane.
        row, f, center = (0, fx, cx) if side < 2 else (4, fy, cy)
        limit = float(left if side < 2 else top)
        sign = 1.0
        limit -= 1.0
        if side % 2 == 1:
            sign, limit = -1.0, limit + TILE + 1.0
        a, b, c = matrix_in[draw, row], matrix_in[draw, row + 1], matrix_in[draw, row + 2]
        d = matrix_in[draw, row + 3]
        if perspective == 1:
            away = center - limit
            a, b = f * a + away * matrix_in[draw, 8], f * b + away * matrix_in[draw, 9]
            c, d = f * c + away * matrix_in[draw, 10], f * d + away * matrix_in[draw, 11]
        else:
            d -= limit
        if sign * (a * x + b * y + c * z + d) < -radius * math.sqrt(a * a + b * b + c * c):
            return False
    return True


@scalar
def _draw_or_list(
    k: int, t: int, first_vertex: int, first: int, draw: int, closed: int, away: int, matrix_in: Any, vertex_in: Any,
    triangle_in: Any, perspective: int, fx: float, fy: float, cx: float, cy: float, near: float, columns: int,
    rows: int, left: int, top: int, stamping: int, large: Any, counts: Any, keys: Any, bits: Any,
) -> None:  # fmt: skip
    """Draw a triangle of few samples in the tile, and list a larger one; `triangle_sorting` holds the same tests."""
    t0, t1, t2 = int(triangle_in[first + t, 0]), int(triangle_in[first + t, 1]), int(triangle_in[first + t, 2])
    u0, v0, q0, x0, y0 = project_vertex(
        first_vertex + t0, draw, matrix_in, vertex_in, perspective, fx, fy, cx, cy, near
    )
    u1, v1, q1, x1, y1 = project_vertex(
        first_vertex + t1, draw, matrix_in, vertex_in, perspective, fx, fy, cx, cy, near
    )
    u2, v2, q2, x2, y2 = project_vertex(
        first_vertex + t2, draw, matrix_in, vertex_in, perspective, fx, fy, cx, cy, near
    )
    low = np.uint64((k << 20) + t) + np.uint64(1)
    by_block = x0 == OUTSIDE or x1 == OUTSIDE or x2 == OUTSIDE
    if not by_block:
        facing = ((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)) * away
        if facing == 0 or (facing > 0 and closed == 1):
            return
        from_x, to_x = min(x0, min(x1, x2)), max(x0, max(x1, x2))
        from_y, to_y = min(y0, min(y1, y2)), max(y0, max(y1, y2))
        box_first, box_last = max((from_x + 255) >> 8, 0), min(to_x >> 8, columns - 1)
        column, row = max(box_first, left), max((from_y + 255) >> 8, top)
        width = min(box_last, left + TILE - 1) - column + 1
        height = min(to_y >> 8, min(top + TILE, rows) - 1) - row + 1
        if width <= 0 or height <= 0:
            return
        is_small = max(to_x - from_x, to_y - from_y) < REACH and box_last - box_first < ROW
        if is_small and width * height <= ALONE:
            cover_box(
                np.int32(x0), np.int32(y0), np.int32(x1), np.int32(y1), np.int32(x2), np.int32(y2), u0, v0, q0, u1, v1,
                q1, u2, v2, q2, low, box_first, np.int32(column), np.int32(row), np.int32(width), np.int32(height),
                left, top, stamping, keys, bits,
            )  # fmt: skip
            return
        by_block = width * height >= LARGE
    if by_block:
        place = int(atomic_add(counts, 2, N1))
        if place < BLOCK_LIST:
            large[GROUP_LIST + place] = np.uint32((k << 20) + t)
            return
    large[int(atomic_add(counts, 1, N1))] = np.uint32((k << 20) + t)


@scalar
def _draw_lists(
    lane: int, lanes: int, view: int, largest: int, perspective: int, fx: float, fy: float, cx: float, cy: float,
    near: float, columns: int, rows: int, left: int, top: int, stamping: int, drawn: Draws, geometry: Geometry,
    large: Any, counts: Any, polygon: Any, keys: Any, bits: Any,
) -> None:  # fmt: skip
    """Draw one thread's share of the listed triangles: by groups of threads, then by the whole block."""
    group = min(lanes, GROUP)
    across = min(group, GROUP_WIDTH)
    groups, own = lanes // group, lane // group
    share = (int(counts[1]) - own + groups - 1) // groups
    for i in range(share + min(int(counts[2]), BLOCK_LIST)):
        by_block = i >= share
        place = GROUP_LIST + i - share if by_block else own + i * groups
        threads = lanes if by_block else group
        k, t = int(large[place]) >> 20, int(large[place]) & 0xFFFFF
        draw = view * largest + k
        level = int(drawn.level[draw])
        first_vertex, at = int(geometry.level_vertex_start[level]), int(geometry.level_triangle_start[level]) + t
        draw_listed(
            np.uint64((k << 20) + t) + np.uint64(1), first_vertex, int(geometry.triangle[at, 0]),
            int(geometry.triangle[at, 1]), int(geometry.triangle[at, 2]), draw, drawn.matrix, geometry.position,
            perspective, fx, fy, cx, cy, near, columns, rows, left, top, lane % threads % across,
            lane % threads // across, across, threads // across, stamping, polygon, keys, bits,
        )  # fmt: skip


@scalar
def draw_tile(
    lane: int, lanes: int, view: int, world: int, first_draw: int, end_draw: int, largest: int, perspective: int,
    fx: float, fy: float, cx: float, cy: float, near: float, columns: int, rows: int, left: int, top: int,
    stamping: int, worlds: Worlds, drawn: Draws, geometry: Geometry, large: Any, listed: Any, counts: Any,
    polygon: Any, keys: Any, bits: Any,
) -> None:  # fmt: skip
    """Draw a run of a view's instances into a tile's keys, or mark their samples; all threads of a block come here.

    Before and after, the threads must have waited for each other.
    """
    first_instance = int(worlds.start[world])
    # Image rows run down and a shadow map's run up, so that faces turned away wind the other way round.
    away = 1 if perspective == 1 else -1
    most = GROUP_LIST // lanes  # triangles that a thread looks at between two barriers
    for begin in range(first_draw, end_draw, DRAWS):
        if lane == 0:
            counts[0], counts[1], counts[2] = np.int32(0), np.int32(0), np.int32(0)
        barrier()
        for k in range(begin + lane, min(begin + DRAWS, end_draw), lanes):
            draw = view * largest + k
            if drawn.level[draw] >= 0 and meets_tile(
                draw, int(worlds.mesh[first_instance + k]), drawn.matrix, geometry.mesh_center, geometry.mesh_radius,
                perspective, fx, fy, cx, cy, left, top,
            ):  # fmt: skip
                listed[int(atomic_add(counts, 0, N1))] = np.int32(k)
        barrier()
        found, total = int(counts[0]), 0
        for i in range(found):
            total += int(geometry.level_triangle_count[drawn.level[view * largest + int(listed[i])]])
        i, t, triangles = -1, lane, 0  # of the triangles of all listed instances, one after the other
        k, draw, closed, first_vertex, first = 0, 0, 0, 0, 0
        for _ in range(0, total, most * lanes):
            for _ in range(most):
                while t >= triangles and i < found:
                    t -= triangles
                    i += 1
                    if i < found:
                        k = int(listed[i])
                        draw = view * largest + k
                        level = int(drawn.level[draw])
                        closed = int(geometry.mesh_is_closed[worlds.mesh[first_instance + k]])
                        first_vertex = int(geometry.level_vertex_start[level])
                        first = int(geometry.level_triangle_start[level])
                        triangles = int(geometry.level_triangle_count[level])
                if i >= found:
                    break
                _draw_or_list(
                    k, t, first_vertex, first, draw, closed, away, drawn.matrix, geometry.position, geometry.triangle,
                    perspective, fx, fy, cx, cy, near, columns, rows, left, top, stamping, large, counts, keys, bits,
                )  # fmt: skip
                t += lanes
            barrier()
            _draw_lists(
                lane, lanes, view, largest, perspective, fx, fy, cx, cy, near, columns, rows, left, top, stamping,
                drawn, geometry, large, counts, polygon, keys, bits,
            )  # fmt: skip
            barrier()
            if lane == 0:
                counts[1], counts[2] = np.int32(0), np.int32(0)
            barrier()
