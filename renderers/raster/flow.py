"""Flow: where the surface point under each pixel is seen one step later or earlier, and whether it is seen there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.device import Kernel, scalar
from ..snapshot import Snapshot
from ..view import Camera
from .chunk import Chunk
from .levels import match_levels
from .packing import pack_cameras, pack_poses
from .spans import locate_span, share_out
from .surface import read_draw, read_nearness, read_triangle
from .tables import Draws, Geometry, Views, Worlds

LOW = np.uint64(0xFFFFFFFF)
SEEN, HIDDEN, OUTSIDE, NOTHING = 0, 1, 2, 3
"""Values of the occlusion outputs."""
SLACK_PIXELS = 2.0
"""A point is hidden by what is nearer by more than so many footprints of a pixel."""
DIRECTIONS = {"flow_forward": "next", "flow_backward": "previous"}
"""Flow outputs, and the instant that each points to."""


@scalar
def _is_hidden(
    view: int, m: int, level: int, mesh: int, triangle: int, u: float, v: float, x: float, y: float, z: float,
    column: int, row: int, nearness: float, views: Views, drawn: Draws, geometry: Geometry,
) -> bool:  # fmt: skip
    """Tell whether a surface of some nearness at a pixel's centre hides the point (x, y, z), which is seen at (u, v).

    It does where it is nearer than the point's own plane at that centre, or than the point itself, by more than two
    footprints of a pixel.
    """
    first, t = geometry.level_vertex_start[level], geometry.level_triangle_start[level] + triangle
    i0, i1 = first + geometry.triangle[t, 0], first + geometry.triangle[t, 1]
    i2 = first + geometry.triangle[t, 2]
    ax = float(geometry.vertex[i1, 0]) - float(geometry.vertex[i0, 0])
    ay = float(geometry.vertex[i1, 1]) - float(geometry.vertex[i0, 1])
    az = float(geometry.vertex[i1, 2]) - float(geometry.vertex[i0, 2])
    bx = float(geometry.vertex[i2, 0]) - float(geometry.vertex[i0, 0])
    by = float(geometry.vertex[i2, 1]) - float(geometry.vertex[i0, 1])
    bz = float(geometry.vertex[i2, 2]) - float(geometry.vertex[i0, 2])
    px = drawn.matrix[m, 0] * ax + drawn.matrix[m, 1] * ay + drawn.matrix[m, 2] * az
    py = drawn.matrix[m, 4] * ax + drawn.matrix[m, 5] * ay + drawn.matrix[m, 6] * az
    pz = drawn.matrix[m, 8] * ax + drawn.matrix[m, 9] * ay + drawn.matrix[m, 10] * az
    qx = drawn.matrix[m, 0] * bx + drawn.matrix[m, 1] * by + drawn.matrix[m, 2] * bz
    qy = drawn.matrix[m, 4] * bx + drawn.matrix[m, 5] * by + drawn.matrix[m, 6] * bz
    qz = drawn.matrix[m, 8] * bx + drawn.matrix[m, 9] * by + drawn.matrix[m, 10] * bz
    nx, ny, nz = py * qz - pz * qy, pz * qx - px * qz, px * qy - py * qx
    along = nx * x + ny * y + nz * z
    if geometry.mesh_is_closed[mesh] == 1 and along >= 0.0:
        return True  # its outside has turned away
    fx, fy = views.camera[view, 0], views.camera[view, 1]
    # On a plane the nearness n . ray / n . point is linear in the image.
    slope_u, slope_v = nx / (fx * along), ny / (fy * along)
    here = 1.0 / z
    expected = max(here, here + (column - u) * slope_u + (row - v) * slope_v)
    return bool(nearness > expected + SLACK_PIXELS * here / min(fx, fy))


@scalar
def _follow(
    index: int,
    span: int,
    width: int,
    height: int,
    largest: int,
    views_in: Views,
    worlds_in: Worlds,
    drawn_in: Draws,
    geometry_in: Geometry,
    other_views_in: Views,
    other_drawn_in: Draws,
    keys_in: Any,
    other_keys_in: Any,
    flow_out: Any,
    occlusion_out: Any,
) -> None:
    """Write a span of one row of one view's flow and occlusion; an output with no rows was not asked for."""
    line, begin, end = locate_span(index, span, width)
    view, row = line // height, line % height
    first = worlds_in.start[views_in.world[view]]
    base = line * width
    camera, other = views_in.camera, other_views_in.camera
    fx, fy, cx, cy, near, far = (
        camera[view, 0], camera[view, 1], camera[view, 2], camera[view, 3], camera[view, 4], camera[view, 5],
    )  # fmt: skip
    with_flow, with_occlusion = flow_out.shape[0] > 0, occlusion_out.shape[0] > 0
    ray_y = (row - cy) / fy
    known, moved = -2, False
    r0, r1, r2, r3, r4, r5, r6, r7, r8 = 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0
    tx, ty, tz = 0.0, 0.0, 0.0
    for column in range(begin, end):
        key = keys_in[base + column]
        hit = (key & LOW) != np.uint64(0)
        k = read_draw(key) if hit else -1
        m = view * largest + max(k, 0)
        if k != known:
            # The map from this instant's camera frame to the other's: by the instance, or by the turn alone.
            known, moved = k, False
            if k < 0:
                for i in range(21, 30):
                    moved = moved or camera[view, i] != other[view, i]
                a0, a1, a2 = other[view, 6], other[view, 7], other[view, 8]
                a3, a4, a5 = other[view, 10], other[view, 11], other[view, 12]
                a6, a7, a8 = other[view, 14], other[view, 15], other[view, 16]
                b0, b1, b2 = camera[view, 21], camera[view, 22], camera[view, 23]
                b3, b4, b5 = camera[view, 24], camera[view, 25], camera[view, 26]
                b6, b7, b8 = camera[view, 27], camera[view, 28], camera[view, 29]
                tx, ty, tz = 0.0, 0.0, 0.0
            else:
                for i in range(12):
                    moved = moved or drawn_in.matrix[m, i] != other_drawn_in.matrix[m, i]
                a0, a1, a2 = other_drawn_in.matrix[m, 0], other_drawn_in.matrix[m, 1], other_drawn_in.matrix[m, 2]
                a3, a4, a5 = other_drawn_in.matrix[m, 4], other_drawn_in.matrix[m, 5], other_drawn_in.matrix[m, 6]
                a6, a7, a8 = other_drawn_in.matrix[m, 8], other_drawn_in.matrix[m, 9], other_drawn_in.matrix[m, 10]
                b0, b1, b2 = drawn_in.inverse[m, 0], drawn_in.inverse[m, 1], drawn_in.inverse[m, 2]
                b3, b4, b5 = drawn_in.inverse[m, 4], drawn_in.inverse[m, 5], drawn_in.inverse[m, 6]
                b6, b7, b8 = drawn_in.inverse[m, 8], drawn_in.inverse[m, 9], drawn_in.inverse[m, 10]
                sx, sy, sz = drawn_in.inverse[m, 3], drawn_in.inverse[m, 7], drawn_in.inverse[m, 11]
                tx = a0 * sx + a1 * sy + a2 * sz + other_drawn_in.matrix[m, 3]
                ty = a3 * sx + a4 * sy + a5 * sz + other_drawn_in.matrix[m, 7]
                tz = a6 * sx + a7 * sy + a8 * sz + other_drawn_in.matrix[m, 11]
            r0, r1, r2 = a0 * b0 + a1 * b3 + a2 * b6, a0 * b1 + a1 * b4 + a2 * b7, a0 * b2 + a1 * b5 + a2 * b8
            r3, r4, r5 = a3 * b0 + a4 * b3 + a5 * b6, a3 * b1 + a4 * b4 + a5 * b7, a3 * b2 + a4 * b5 + a5 * b8
            r6, r7, r8 = a6 * b0 + a7 * b3 + a8 * b6, a6 * b1 + a7 * b4 + a8 * b7, a6 * b2 + a7 * b5 + a8 * b8
        depth = 1.0 / float(read_nearness(key)) if hit else 1.0
        ray_x = (column - cx) / fx
        x, y, z = ray_x * depth, ray_y * depth, depth
        u, v = float(column), float(row)
        in_front = True
        # What keeps its place before its camera gets flow 0, not the dust of a product with its inverse.
        if moved:
            px, py, pz = x, y, z
            x, y, z = (
                r0 * px + r1 * py + r2 * pz + tx,
                r3 * px + r4 * py + r5 * pz + ty,
                r6 * px + r7 * py + r8 * pz + tz,
            )
            in_front = z >= near if hit else z > 1e-9
            if in_front:
                u, v = fx * x / z + cx, fy * y / z + cy
        if with_flow:
            flow_out[view, row, column, 0] = np.float32(u - column)
            flow_out[view, row, column, 1] = np.float32(v - row)
        if with_occlusion:
            state = NOTHING
            if hit:
                state = OUTSIDE
                if in_front and z <= far and -0.5 <= u < width - 0.5 and -0.5 <= v < height - 0.5:
                    state = SEEN
                    at_column, at_row = int(math.floor(u + 0.5)), int(math.floor(v + 0.5))
                    there = other_keys_in[(view * height + at_row) * width + at_column]
                    if (there & LOW) != (key & LOW) and (there & LOW) != np.uint64(0):
                        hidden = _is_hidden(
                            view, m, drawn_in.level[m], worlds_in.mesh[first + k], read_triangle(key), u, v, x, y, z,
                            at_column, at_row, float(read_nearness(there)), views_in, other_drawn_in, geometry_in,
                        )  # fmt: skip
                        state = HIDDEN if hidden else SEEN
            occlusion_out[view, row, column] = state


FOLLOW = Kernel(_follow)


def fill_flow(
    chunk: Chunk,
    part: dict[str, NDArray[Any]],
    keys: NDArray[np.uint64],
    snapshots: Sequence[Snapshot],
    cameras: Sequence[Camera],
) -> None:
    """Fill the flow outputs that were asked for.

    For occlusion the other instant is drawn as well. What is drawn now keeps its level of detail there, so that a
    triangle is known by its number.

    Args:
        chunk: Views, drawn.
        part: Outputs.
        keys: Visibility of the pixels' centres now.
        snapshots: The chunk's worlds.
        cameras: The chunk's cameras.
    """
    pixels = share_out(chunk, chunk.view_count * chunk.height, chunk.width)
    for name, instant in DIRECTIONS.items():
        flow, occlusion = part[name], part[f"{name}_occlusion"]
        if not len(flow) and not len(occlusion):
            continue
        poses = [getattr(camera, f"{instant}_pose_world_camera") for camera in cameras]
        there = [
            camera if pose is None else replace(camera, pose_world_camera=pose)
            for camera, pose in zip(cameras, poses, strict=True)
        ]
        camera, matrix = chunk.workspace.send(
            instant, (pack_cameras(there, np.zeros(len(there))), pack_poses(snapshots, f"{instant}_pose"))
        )
        views = chunk.views._replace(camera=camera)
        drawn = chunk.choose_levels(views, chunk.width, chunk.height, matrix, name=instant)
        drawn = match_levels(chunk, f"{instant} known", chunk.drawn.level, drawn)
        drawn, _ = chunk.split_draws(drawn, instant)  # labels look through what is transparent
        other_keys = keys
        if len(occlusion):
            other_keys = chunk.take("other keys", keys.shape, np.uint64)
            chunk.draw(views, drawn, chunk.width, chunk.height, other_keys)
        chunk.launch(
            FOLLOW, *pixels, chunk.width, chunk.height, chunk.largest, chunk.views, chunk.worlds, chunk.drawn,
            chunk.geometry, views, drawn, keys, other_keys, flow, occlusion,
        )  # fmt: skip
