"""Visibility: which triangle each sample sees.

Vertices are projected in float64, then snapped to 1/256 of a sample: coverage is exact integer arithmetic with the
top-left rule, so that shared edges neither crack nor overlap (Pineda 1988, "A parallel algorithm for polygon
rasterization"). What a sample keeps is the largest key (see `coverage`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kernels.device import Kernel, scalar
from .coverage import draw_clipped, draw_triangle, make_key
from .projection import OUTSIDE, project_vertices
from .small_triangles import LANES, LONG_FIELDS, REAL_FIELDS, WORD_FIELDS, draw_small
from .tables import Draws, Geometry, Views, Worlds
from .triangle_sorting import KINDS, LIST, LIST_3, sort_triangles

LONGS = 3 * LIST + LONG_FIELDS * LANES
REALS = REAL_FIELDS * LANES
WORDS = (1 + KINDS) * LIST + WORD_FIELDS * LANES
"""Room that one lane works in, besides its vertices."""


@scalar(forceinline=True)
def _draw_large(
    count: Any,
    first: int,
    first_vertex: int,
    draw: int,
    matrix_in: Any,
    vertex_in: Any,
    fx: float,
    fy: float,
    cx: float,
    cy: float,
    near: float,
    tag: Any,
    shift: Any,
    columns: int,
    row_first: int,
    row_end: int,
    base: int,
    stamp: int,
    lane: int,
    triangle_in: Any,
    snapped: Any,
    projected: Any,
    lists: Any,
    polygon_out: Any,
    keys_out: Any,
    stamps_out: Any,
    total_out: Any,
    total_row: int,
) -> None:
    """Draw the listed triangles that are large or must be clipped, one by one."""
    for j in range(np.int64(count)):
        t = int(lists[LIST_3 + np.uint64(j)])
        at = np.uint64(first + t)
        t0, t1, t2 = int(triangle_in[at, 0]), int(triangle_in[at, 1]), int(triangle_in[at, 2])
        p0, p1, p2 = snapped[t0], snapped[t1], snapped[t2]
        x0, x1, x2 = int(p0 >> 32), int(p1 >> 32), int(p2 >> 32)
        low = tag + np.uint64(t)
        if x0 == OUTSIDE or x1 == OUTSIDE or x2 == OUTSIDE:
            draw_clipped(
                first_vertex + t0, first_vertex + t1, first_vertex + t2, draw, matrix_in, vertex_in,
                fx, fy, cx, cy, near, low, shift, columns, row_first, row_end, base,
                stamp, lane, polygon_out, keys_out, stamps_out, total_out, total_row,
            )  # fmt: skip
        else:
            draw_triangle(
                x0, int(np.int32(p0)), x1, int(np.int32(p1)), x2, int(np.int32(p2)),
                projected[0, t0], projected[1, t0], projected[2, t0],
                projected[0, t1], projected[1, t1], projected[2, t1],
                projected[0, t2], projected[1, t2], projected[2, t2],
                low, shift, columns, row_first, row_end, base, stamp, keys_out, stamps_out, total_out, total_row,
            )  # fmt: skip


@scalar
def _rasterize(
    index: int,
    lane_count: int,
    item_count: int,
    band_count: int,
    largest: int,
    width: int,
    height: int,
    samples: int,
    perspective: int,
    shift: Any,
    views_in: Views,
    worlds_in: Worlds,
    drawn_in: Draws,
    geometry_in: Geometry,
    stamping: int,
    instance_count: int,
    snapped_out: Any,
    projected_out: Any,
    longs_out: Any,
    reals_out: Any,
    words_out: Any,
    polygon_out: Any,
    keys_out: Any,
    stamps_out: Any,
    total_out: Any,
) -> None:
    """Draw every lane_count-th item: a band of rows of one view, with room to work in that stays in the cache."""
    snapped, projected = snapped_out[index], projected_out[index]
    corners, longs, reals = longs_out[index, : 3 * LIST], longs_out[index, 3 * LIST :], reals_out[index]
    kinds, lists = words_out[index, :LIST], words_out[index, LIST : (1 + KINDS) * LIST]
    words = words_out[index, (1 + KINDS) * LIST :]
    columns, rows = width * samples, height * samples
    for item in range(index, item_count, lane_count):
        view, band = item // band_count, item % band_count
        row_first, row_end = rows * band // band_count, rows * (band + 1) // band_count
        base = view * columns * rows
        fx, fy, cx, cy, near = 1.0, 1.0, 0.0, 0.0, 0.0
        empty = np.uint64(0)
        if perspective == 1:
            camera = views_in.camera
            fx, fy, near = camera[view, 0] * samples, camera[view, 1] * samples, camera[view, 4]
            cx = camera[view, 2] * samples + 0.5 * (samples - 1)
            cy = camera[view, 3] * samples + 0.5 * (samples - 1)
            empty = make_key(1.0 / camera[view, 5], np.uint64(0), shift)
        cleared = keys_out[base + row_first * columns : base + row_end * columns]
        for i in range(cleared.shape[0]):
            cleared[i] = empty
        if stamping == 1:
            fresh = stamps_out[base + row_first * columns : base + row_end * columns]
            for i in range(fresh.shape[0]):
                fresh[i] = 0
            for i in range(instance_count):
                slot = item * instance_count + i
                total_out[slot, 0] = 0
                total_out[slot, 1] = columns
                total_out[slot, 2] = rows
                total_out[slot, 3] = 0
                total_out[slot, 4] = 0
        # Image rows run down and a shadow map's run up, so that faces turned away wind the other way round.
        away = 1 if perspective == 1 else -1
        first_instance = worlds_in.start[views_in.world[view]]
        for k in range(worlds_in.start[views_in.world[view] + 1] - first_instance):
            draw = view * largest + k
            level = drawn_in.level[draw]
            if level < 0:
                continue
            stamp, total_row = 0, 0
            if stamping == 1:
                stamp = int(worlds_in.instance[first_instance + k])
                if stamp > instance_count:
                    stamp = 0
                total_row = item * instance_count + max(stamp - 1, 0)
            first_vertex, first = geometry_in.level_vertex_start[level], geometry_in.level_triangle_start[level]
            project_vertices(
                first_vertex, geometry_in.level_vertex_count[level], draw, drawn_in.matrix, geometry_in.position,
                perspective, fx, fy, cx, cy, near, projected, snapped,
            )  # fmt: skip
            closed = int(geometry_in.mesh_is_closed[worlds_in.mesh[first_instance + k]])
            triangles = geometry_in.level_triangle_count[level]
            tag = np.uint64(k << 20) + np.uint64(1)
            for begin in range(0, triangles, LIST):
                one, few, many, large = sort_triangles(
                    first, begin, min(LIST, triangles - begin), away, closed, columns, row_first, row_end,
                    geometry_in.triangle, snapped, corners, kinds, lists,
                )  # fmt: skip
                draw_small(
                    one, few, many, first, columns, row_first, row_end, base, tag, shift, stamp, geometry_in.triangle,
                    snapped, projected, lists, longs, reals, words, keys_out, stamps_out, total_out, total_row,
                )  # fmt: skip
                _draw_large(
                    large, first, first_vertex, draw, drawn_in.matrix, geometry_in.position, fx, fy, cx, cy, near, tag,
                    shift, columns, row_first, row_end, base, stamp, index, geometry_in.triangle, snapped, projected,
                    lists, polygon_out, keys_out, stamps_out, total_out, total_row,
                )  # fmt: skip


RASTERIZE = Kernel(_rasterize)
