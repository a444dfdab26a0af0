"""Amodal counts: how much of every instance there is, also outside the frame, were it alone.

The canvas is 3x3 frames with the image in the middle; what lies farther out is cut off. Pixels in the frame are counted
while it is drawn, so that only triangles that reach out of it are stamped here, into a canvas of one bit per pixel, by
the same snapped corners and edge functions as in `visibility`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.device import Kernel, scalar, thread_count
from .bit_words import count_bits
from .chunk import Chunk
from .counts import join_amodal
from .coverage import clip_triangle
from .geometry import choose_level, largest_scale
from .projection import OUTSIDE, SUBPIXEL, project_vertices
from .tables import Draws, Geometry, Views, Worlds

CANVAS_BYTES = 64 * 2**20
"""Working memory for the canvases that are stamped at the same time."""
ALL_BITS = np.uint64(0xFFFFFFFFFFFFFFFF)


@scalar(forceinline=True)
def _set_bits(line: int, first: int, end: int, lane: int, bits_out: Any) -> int:
    """Set a run of bits of a line; return how many were not yet set."""
    fresh = 0
    low, high = first >> 6, (end - 1) >> 6
    for w in range(low, high + 1):
        mask = ALL_BITS
        if w == low:
            mask = mask << np.uint64(first & 63)
        if w == high:
            mask = mask & (ALL_BITS >> np.uint64(63 - ((end - 1) & 63)))
        fresh += count_bits(mask & ~bits_out[lane, line, w])
        bits_out[lane, line, w] |= mask
    return fresh


@scalar(forceinline=True)
def _narrow(a: int, e: int, first: int, end: int) -> Any:
    """Cut a run of columns to where a x + e >= 0."""
    if a > 0:
        at = a * first + e
        if at < 0:
            first += (a - 1 - at) // a
    elif a < 0:
        at = a * (end - 1) + e
        if at < 0:
            end -= (-a - 1 - at) // -a
    elif e < 0:
        end = first
    return first, end


@scalar
def _stamp_triangle(
    x0: int, y0: int, x1: int, y1: int, x2: int, y2: int, width: int, height: int, row_first: int,
    row_end: int, lane: int, slot: int, bits_out: Any, total_out: Any,
) -> None:  # fmt: skip
    """Stamp one snapped triangle into the columns [-width, 2 width) of some rows, but not into the frame."""
    column_first = max((min(x0, min(x1, x2)) + 255) >> 8, -width)
    column_end = min(max(x0, max(x1, x2)) >> 8, 2 * width - 1) + 1
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
    a0, b0 = y0 - y1, x1 - x0
    a1, b1 = y1 - y2, x2 - x1
    a2, b2 = y2 - y0, x0 - x2
    c0 = -(a0 * x0 + b0 * y0) - (0 if (a0 > 0 or (a0 == 0 and b0 > 0)) else 1)
    c1 = -(a1 * x1 + b1 * y1) - (0 if (a1 > 0 or (a1 == 0 and b1 > 0)) else 1)
    c2 = -(a2 * x2 + b2 * y2) - (0 if (a2 > 0 or (a2 == 0 and b2 > 0)) else 1)
    a0, b0, a1, b1, a2, b2 = a0 << 8, b0 << 8, a1 << 8, b1 << 8, a2 << 8, b2 << 8
    for row in range(top, bottom):
        first, end = _narrow(a0, b0 * row + c0, column_first, column_end)
        first, end = _narrow(a1, b1 * row + c1, first, end)
        first, end = _narrow(a2, b2 * row + c2, first, end)
        if first >= end:
            continue
        line, inside = row - row_first, 0 <= row < height
        # Left of the frame and right of it; rows above and below it are one run.
        left_end = min(end, 0) if inside else end
        if first < left_end:
            total_out[slot, 0] += _set_bits(line, first + width, left_end + width, lane, bits_out)
        right_first = max(first, width)
        if inside and right_first < end:
            total_out[slot, 0] += _set_bits(line, right_first + width, end + width, lane, bits_out)
        total_out[slot, 1] = min(total_out[slot, 1], first)
        total_out[slot, 2] = min(total_out[slot, 2], row)
        total_out[slot, 3] = max(total_out[slot, 3], end)
        total_out[slot, 4] = max(total_out[slot, 4], row + 1)


@scalar
def _stamp_clipped(
    t0: int, t1: int, t2: int, m: int, matrix_in: Any, vertex_in: Any, fx: float, fy: float, cx: float, cy: float,
    near: float, width: int, height: int, row_first: int, row_end: int, lane: int, slot: int, polygon_out: Any,
    bits_out: Any, total_out: Any,
) -> None:  # fmt: skip
    """Clip a triangle as `visibility` does, and stamp the rest."""
    count = clip_triangle(t0, t1, t2, m, matrix_in, vertex_in, fx, fy, cx, cy, near, lane, polygon_out)
    for i in range(count):
        polygon_out[lane, 1, i, 0] = math.floor(polygon_out[lane, 1, i, 0] * SUBPIXEL + 0.5)
        polygon_out[lane, 1, i, 1] = math.floor(polygon_out[lane, 1, i, 1] * SUBPIXEL + 0.5)
    for i in range(1, count - 1):
        _stamp_triangle(
            int(polygon_out[lane, 1, 0, 0]), int(polygon_out[lane, 1, 0, 1]),
            int(polygon_out[lane, 1, i, 0]), int(polygon_out[lane, 1, i, 1]),
            int(polygon_out[lane, 1, i + 1, 0]), int(polygon_out[lane, 1, i + 1, 1]),
            width, height, row_first, row_end, lane, slot, bits_out, total_out,
        )  # fmt: skip


@scalar
def _reach(
    view: int, instance: int, m: int, width: int, height: int, camera_in: Any, worlds: Worlds, matrix_in: Any,
    geometry: Geometry,
) -> Any:  # fmt: skip
    """Return 0 where an instance lies within the frame, 1 where it reaches out of it, 2 where it misses the canvas.

    Also returns the nearest depth of its bounding sphere.
    """
    mesh = worlds.mesh[instance]
    cx, cy, cz = (
        float(geometry.mesh_center[mesh, 0]),
        float(geometry.mesh_center[mesh, 1]),
        float(geometry.mesh_center[mesh, 2]),
    )
    x = matrix_in[m, 0] * cx + matrix_in[m, 1] * cy + matrix_in[m, 2] * cz + matrix_in[m, 3]
    y = matrix_in[m, 4] * cx + matrix_in[m, 5] * cy + matrix_in[m, 6] * cz + matrix_in[m, 7]
    z = matrix_in[m, 8] * cx + matrix_in[m, 9] * cy + matrix_in[m, 10] * cz + matrix_in[m, 11]
    radius = float(geometry.mesh_radius[mesh]) * largest_scale(instance, worlds.scale)
    fx, fy, px, py = camera_in[view, 0], camera_in[view, 1], camera_in[view, 2], camera_in[view, 3]
    near = camera_in[view, 4]
    if z + radius < near or z - radius > camera_in[view, 5]:
        return 2, 0.0
    within = z - radius >= near
    for edge in range(4):
        # Distances to the planes through the frame's edges, and through the canvas's, one frame farther out.
        f, side, at, size = fx, x, px, width
        if edge >= 2:
            f, side, at, size = fy, y, py, height
        if edge % 2 == 0:
            inner = at + 0.5
        else:
            inner, side = size - 0.5 - at, -side
        outer = inner + size
        if f * side + outer * z < -radius * math.sqrt(f * f + outer * outer):
            return 2, 0.0
        within = within and f * side + inner * z >= radius * math.sqrt(f * f + inner * inner)
    if within:
        return 0, z - radius
    for corner in range(8):
        low, high = geometry.mesh_lower, geometry.mesh_upper
        cx = float(high[mesh, 0] if corner & 1 else low[mesh, 0])
        cy = float(high[mesh, 1] if corner & 2 else low[mesh, 1])
        cz = float(high[mesh, 2] if corner & 4 else low[mesh, 2])
        z_corner = matrix_in[m, 8] * cx + matrix_in[m, 9] * cy + matrix_in[m, 10] * cz + matrix_in[m, 11]
        if z_corner < near:
            return 1, z - radius
        u = fx * (matrix_in[m, 0] * cx + matrix_in[m, 1] * cy + matrix_in[m, 2] * cz + matrix_in[m, 3]) / z_corner + px
        v = fy * (matrix_in[m, 4] * cx + matrix_in[m, 5] * cy + matrix_in[m, 6] * cz + matrix_in[m, 7]) / z_corner + py
        # Half a pixel less on every side: corners are snapped, so that a box in here covers no pixel outside.
        if not (0.0 <= u <= width - 1.0 and 0.0 <= v <= height - 1.0):
            return 1, z - radius
    return 0, z - radius


@scalar
def _stamp_instance(
    index: int, view: int, m: int, instance: int, level: int, slot: int, width: int, height: int, row_first: int,
    row_end: int, views: Views, worlds: Worlds, drawn: Draws, geometry: Geometry, snapped: Any, projected: Any,
    polygon_out: Any, bits_out: Any, total_out: Any,
) -> None:  # fmt: skip
    """Stamp the triangles of one instance that reach out of the frame."""
    fx, fy, near = views.camera[view, 0], views.camera[view, 1], views.camera[view, 4]
    cx, cy = views.camera[view, 2], views.camera[view, 3]
    first_vertex = geometry.level_vertex_start[level]
    project_vertices(
        first_vertex, geometry.level_vertex_count[level], m, drawn.matrix, geometry.position, 1, fx, fy, cx, cy, near,
        projected, snapped,
    )  # fmt: skip
    closed = geometry.mesh_is_closed[worlds.mesh[instance]] == 1
    right_limit, bottom_limit = (width - 1) << 8, (height - 1) << 8
    first_triangle = geometry.level_triangle_start[level]
    for t in range(first_triangle, first_triangle + geometry.level_triangle_count[level]):
        t0, t1, t2 = geometry.triangle[t, 0], geometry.triangle[t, 1], geometry.triangle[t, 2]
        p0, p1, p2 = snapped[t0], snapped[t1], snapped[t2]
        x0, x1, x2 = int(p0 >> 32), int(p1 >> 32), int(p2 >> 32)
        if x0 == OUTSIDE or x1 == OUTSIDE or x2 == OUTSIDE:
            _stamp_clipped(
                first_vertex + t0, first_vertex + t1, first_vertex + t2, m, drawn.matrix, geometry.position, fx, fy, cx,
                cy, near, width, height, row_first, row_end, index, slot, polygon_out, bits_out, total_out,
            )  # fmt: skip
            continue
        y0, y1, y2 = int(np.int32(p0)), int(np.int32(p1)), int(np.int32(p2))
        left, right = min(x0, min(x1, x2)), max(x0, max(x1, x2))
        top, bottom = min(y0, min(y1, y2)), max(y0, max(y1, y2))
        if left >= 0 and right <= right_limit and top >= 0 and bottom <= bottom_limit:
            continue
        if (left + 255) >> 8 > right >> 8 or (top + 255) >> 8 > bottom >> 8:
            continue
        if closed and (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0) > 0:
            continue
        _stamp_triangle(x0, y0, x1, y1, x2, y2, width, height, row_first, row_end, index, slot, bits_out, total_out)


@scalar
def _count_whole(
    index: int,
    lane_count: int,
    item_count: int,
    band_count: int,
    largest: int,
    width: int,
    height: int,
    instance_count: int,
    pixel_error: float,
    views_in: Views,
    worlds_in: Worlds,
    drawn_in: Draws,
    geometry_in: Geometry,
    snapped_out: Any,
    projected_out: Any,
    polygon_out: Any,
    bits_out: Any,
    total_out: Any,
) -> None:
    """Count what reaches out of the frame, by instance id, in every lane_count-th item: a band of one view's canvas.

    `total_out` receives the pixels outside the frame, and a box of what reaches out, in the frame's pixels.
    """
    snapped, projected = snapped_out[index], projected_out[index]
    for item in range(index, item_count, lane_count):
        view, band = item // band_count, item % band_count
        row_first = 3 * height * band // band_count - height
        row_end = 3 * height * (band + 1) // band_count - height
        for i in range(instance_count):
            slot = item * instance_count + i
            total_out[slot, 0] = 0
            total_out[slot, 1], total_out[slot, 2] = 2 * width, 2 * height
            total_out[slot, 3], total_out[slot, 4] = -width, -height
        for line in range(row_end - row_first):
            for w in range(bits_out.shape[2]):
                bits_out[index, line, w] = np.uint64(0)
        if views_in.camera[view, 30] > 0.0:
            continue  # a lens's counts end at its frame
        start, end = worlds_in.start[views_in.world[view]], worlds_in.start[views_in.world[view] + 1]
        for instance in range(start, end):
            number = worlds_in.instance[instance]
            if number < 1 or number > instance_count:
                continue
            m = view * largest + instance - start
            slot = item * instance_count + number - 1
            reach, nearest = _reach(
                view, instance, m, width, height, views_in.camera, worlds_in, drawn_in.matrix, geometry_in
            )
            if reach == 1:
                level = drawn_in.level[m]
                if level < 0:
                    # Culled from the frame; the level is that which the frame would take.
                    camera = views_in.camera
                    footprint = max(nearest, camera[view, 4]) / max(camera[view, 0], camera[view, 1])
                    level = choose_level(
                        worlds_in.mesh[instance], pixel_error * footprint / largest_scale(instance, worlds_in.scale),
                        geometry_in.mesh_level_start, geometry_in.mesh_level_count, geometry_in.level_error,
                    )  # fmt: skip
                _stamp_instance(
                    index, view, m, instance, level, slot, width, height, row_first, row_end, views_in, worlds_in,
                    drawn_in, geometry_in, snapped, projected, polygon_out, bits_out, total_out,
                )  # fmt: skip
            # The next id starts with an empty canvas.
            if instance + 1 < end and worlds_in.instance[instance + 1] != number:
                for line in range(max(total_out[slot, 2] - row_first, 0), total_out[slot, 4] - row_first):
                    for w in range((total_out[slot, 1] + width) >> 6, ((total_out[slot, 3] + width - 1) >> 6) + 1):
                        bits_out[index, line, w] = np.uint64(0)


COUNT_WHOLE = Kernel(_count_whole)


def fill_totals(chunk: Chunk, part: dict[str, NDArray[Any]], instance_count: int) -> None:
    """Fill `total_pixels` and `box_amodal` of a chunk whose pixels in the frame are counted.

    Args:
        chunk: Views, drawn.
        part: Outputs.
        instance_count: Instance ids.
    """
    width, height, views, geometry = chunk.width, chunk.height, chunk.views, chunk.geometry
    bands = min(chunk.bands(chunk.view_count), 3 * height)
    items, lines, words = chunk.view_count * bands, -(-3 * height // bands), -(-3 * width // 64)
    most = chunk.most_vertices
    room = max(1, CANVAS_BYTES // (lines * words * 8 + most * 32))
    lanes = min(items, room, items if chunk.settings.device == "cuda" else chunk.settings.threads or thread_count())
    found = chunk.make("whole", (items * instance_count, 5), np.int32)
    chunk.launch(
        COUNT_WHOLE, lanes, lanes, items, bands, chunk.largest, width, height, instance_count, chunk.error, views,
        chunk.worlds, chunk.drawn, geometry, chunk.take("snapped", (lanes, most), np.int64),
        chunk.take("projected", (lanes, 3, most), np.float64), chunk.make("polygon", (lanes, 2, 12, 3), np.float64),
        chunk.take("canvas", (lanes, lines, words), np.uint64), found,
    )  # fmt: skip
    join_amodal(
        chunk, found, bands, chunk.in_frame_pixels, chunk.in_frame_box, part["total_pixels"], part["box_amodal"]
    )
