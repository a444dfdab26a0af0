"""Resolve: labels from a visibility result, exact and never blended."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...kernels.device import Kernel, scalar
from .spans import locate_span
from .surface import LOW, read_draw, read_nearness, read_ray, read_triangle
from .tables import Draws, Geometry, Views, Worlds

F0 = np.float32(0.0)
F1 = np.float32(1.0)


@scalar(forceinline=True)
def _read_place(key: Any) -> Any:
    """Return the instance's place in its snapshot, -1 where the key is empty."""
    return (np.int64(key & LOW) - np.int64(1)) >> np.int64(20)


@scalar
def _resolve_labels(
    index: int,
    span: int,
    width: int,
    height: int,
    views_in: Views,
    start_in: Any,
    instance_in: Any,
    class_in: Any,
    part_in: Any,
    keys_in: Any,
    depth_out: Any,
    range_out: Any,
    instance_out: Any,
    class_out: Any,
    part_out: Any,
) -> None:
    """Write a span of one row of one view's labels; an output with no rows was not asked for."""
    line, first_column, last_column = locate_span(index, span, width)
    view, row = line // height, line % height
    first = start_in[views_in.world[view]]
    base = line * width
    has_lens = views_in.ray_start[view] >= 0
    with_depth, with_range = depth_out.shape[0] > 0, range_out.shape[0] > 0
    with_instance, with_class, with_part = instance_out.shape[0] > 0, class_out.shape[0] > 0, part_out.shape[0] > 0
    start, none = np.uint64(base), np.uint64(0)
    if with_depth and not has_lens:
        depth_row = depth_out[view, row]
        for x in range(first_column, last_column):
            key = keys_in[start + np.uint64(x)]
            depth_row[np.uint64(x)] = F1 / read_nearness(key) if (key & LOW) != none else F0
    if with_range or (with_depth and has_lens):
        for x in range(first_column, last_column):
            key = keys_in[start + np.uint64(x)]
            reach = F1 / read_nearness(key) if (key & LOW) != none else F0
            ray_x, ray_y, ray_z = read_ray(views_in, view, row, x, width)
            if with_depth and has_lens:
                depth_out[view, row, x] = np.float32(reach * ray_z)
            if with_range:
                range_out[view, row, x] = np.float32(reach * math.sqrt(ray_x * ray_x + ray_y * ray_y + ray_z * ray_z))
    if not (with_instance or with_class or with_part):
        return
    # Runs of one instance are found once and then filled.
    end = first_column
    while end < last_column:
        begin = end
        found = _read_place(keys_in[start + np.uint64(begin)])
        end += 1
        while end < last_column and _read_place(keys_in[start + np.uint64(end)]) == found:
            end += 1
        draw = first + max(found, 0)
        if with_instance:
            instance_id = instance_in[draw] if found >= 0 else 0
            for x in range(begin, end):
                instance_out[view, row, x] = instance_id
        if with_class:
            class_id = class_in[draw] if found >= 0 else 0
            for x in range(begin, end):
                class_out[view, row, x] = class_id
        if with_part:
            part = part_in[draw] if found >= 0 else 0
            for x in range(begin, end):
                part_out[view, row, x] = part


@scalar
def _resolve_surfaces(
    index: int,
    span: int,
    width: int,
    height: int,
    largest: int,
    views_in: Views,
    worlds_in: Worlds,
    drawn_in: Draws,
    geometry_in: Geometry,
    keys_in: Any,
    normal_out: Any,
    coordinates_out: Any,
) -> None:
    """Write a span of one row of geometric normals (camera frame) and object coordinates."""
    line, begin, end = locate_span(index, span, width)
    view, row = line // height, line % height
    first_instance = worlds_in.start[views_in.world[view]]
    base = line * width
    for x in range(begin, end):
        key = keys_in[base + x]
        hit = (key & np.uint64(0xFFFFFFFF)) != np.uint64(0)
        ray_x, ray_y, ray_z = read_ray(views_in, view, row, x, width)
        k = read_draw(key) if hit else 0
        m = view * largest + k
        if normal_out.shape[0] > 0:
            nx, ny, nz = 0.0, 0.0, 0.0
            if hit:
                level = drawn_in.level[m]
                first, t = (
                    geometry_in.level_vertex_start[level],
                    geometry_in.level_triangle_start[level] + read_triangle(key),
                )
                i0, i1, i2 = (
                    first + geometry_in.triangle[t, 0],
                    first + geometry_in.triangle[t, 1],
                    first + geometry_in.triangle[t, 2],
                )
                ax = float(geometry_in.vertex[i1, 0]) - float(geometry_in.vertex[i0, 0])
                ay = float(geometry_in.vertex[i1, 1]) - float(geometry_in.vertex[i0, 1])
                az = float(geometry_in.vertex[i1, 2]) - float(geometry_in.vertex[i0, 2])
                bx = float(geometry_in.vertex[i2, 0]) - float(geometry_in.vertex[i0, 0])
                by = float(geometry_in.vertex[i2, 1]) - float(geometry_in.vertex[i0, 1])
                bz = float(geometry_in.vertex[i2, 2]) - float(geometry_in.vertex[i0, 2])
                px = drawn_in.matrix[m, 0] * ax + drawn_in.matrix[m, 1] * ay + drawn_in.matrix[m, 2] * az
                py = drawn_in.matrix[m, 4] * ax + drawn_in.matrix[m, 5] * ay + drawn_in.matrix[m, 6] * az
                pz = drawn_in.matrix[m, 8] * ax + drawn_in.matrix[m, 9] * ay + drawn_in.matrix[m, 10] * az
                qx = drawn_in.matrix[m, 0] * bx + drawn_in.matrix[m, 1] * by + drawn_in.matrix[m, 2] * bz
                qy = drawn_in.matrix[m, 4] * bx + drawn_in.matrix[m, 5] * by + drawn_in.matrix[m, 6] * bz
                qz = drawn_in.matrix[m, 8] * bx + drawn_in.matrix[m, 9] * by + drawn_in.matrix[m, 10] * bz
                nx, ny, nz = py * qz - pz * qy, pz * qx - px * qz, px * qy - py * qx
                norm = math.sqrt(nx * nx + ny * ny + nz * nz)
                if nx * ray_x + ny * ray_y + nz * ray_z > 0.0:
                    norm = -norm
                if norm != 0.0:
                    nx, ny, nz = nx / norm, ny / norm, nz / norm
            normal_out[view, row, x, 0] = nx
            normal_out[view, row, x, 1] = ny
            normal_out[view, row, x, 2] = nz
        if coordinates_out.shape[0] > 0:
            for i in range(3):
                coordinates_out[view, row, x, i] = F0
            if hit:
                reach = 1.0 / float(read_nearness(key))
                px, py, pz = ray_x * reach, ray_y * reach, ray_z * reach
                qx = (
                    drawn_in.inverse[m, 0] * px
                    + drawn_in.inverse[m, 1] * py
                    + drawn_in.inverse[m, 2] * pz
                    + drawn_in.inverse[m, 3]
                )
                qy = (
                    drawn_in.inverse[m, 4] * px
                    + drawn_in.inverse[m, 5] * py
                    + drawn_in.inverse[m, 6] * pz
                    + drawn_in.inverse[m, 7]
                )
                qz = (
                    drawn_in.inverse[m, 8] * px
                    + drawn_in.inverse[m, 9] * py
                    + drawn_in.inverse[m, 10] * pz
                    + drawn_in.inverse[m, 11]
                )
                o = first_instance + k
                for i in range(3):
                    coordinates_out[view, row, x, i] = (
                        worlds_in.object_matrix[o, 4 * i] * qx
                        + worlds_in.object_matrix[o, 4 * i + 1] * qy
                        + worlds_in.object_matrix[o, 4 * i + 2] * qz
                        + worlds_in.object_matrix[o, 4 * i + 3]
                    )


@scalar
def _count_visible(
    index: int,
    width: int,
    height: int,
    view_world_in: Any,
    start_in: Any,
    instance_in: Any,
    instance_count: int,
    keys_in: Any,
    visible_out: Any,
    box_out: Any,
) -> None:
    """Count the samples of each instance id in one view, and their tight box (max exclusive)."""
    first = start_in[view_world_in[index]]
    for i in range(instance_count):
        visible_out[index, i] = 0
        box_out[index, i, 0], box_out[index, i, 1] = np.float32(width), np.float32(height)
        box_out[index, i, 2], box_out[index, i, 3] = F0, F0
    for row in range(height):
        base = (index * height + row) * width
        y = np.float32(row)
        for x in range(width):
            key = keys_in[base + x]
            if (key & np.uint64(0xFFFFFFFF)) == np.uint64(0):
                continue
            slot = instance_in[first + read_draw(key)] - 1
            if slot < 0 or slot >= instance_count:
                continue
            column = np.float32(x)
            visible_out[index, slot] += 1
            box_out[index, slot, 0] = min(box_out[index, slot, 0], column)
            box_out[index, slot, 1] = min(box_out[index, slot, 1], y)
            box_out[index, slot, 2] = max(box_out[index, slot, 2], column + F1)
            box_out[index, slot, 3] = y + F1
    for i in range(instance_count):
        if visible_out[index, i] == 0:
            box_out[index, i, 0], box_out[index, i, 1] = F0, F0


RESOLVE_LABELS = Kernel(_resolve_labels)
RESOLVE_SURFACES = Kernel(_resolve_surfaces)
COUNT_VISIBLE = Kernel(_count_visible)
