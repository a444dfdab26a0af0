"""Ray traversal: the nearest triangle on each ray, through a tree over placed meshes and a tree per mesh.

A ray is moved into a mesh's frame without normalising its direction again, so that t counts metres in every frame.

Triangles are met by the watertight test of Woop, Benthin and Wald 2013 in float64: corners are sheared so that the ray
is the z axis, and the signs of three edge functions say on which side of each edge it runs. A corner is moved alike in
every triangle that has it. Of an edge function ad - bc, products and difference are rounded once each; rounding never
reverses an order, so the computed value has the exact sign or is zero, and zero counts as inside. No ray therefore
slips between triangles that share an edge or a corner. (A processor that fuses multiplication and addition, as CUDA
does, keeps this up to one rounding.) Both faces of a triangle are met.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from ..kernels.device import Kernel, scalar
from .bvh import EMPTY, LEAF_BITS, MAX_DEPTH

STACK_SIZE: Final = 2 * (MAX_DEPTH + 2)
"""Entries of a ray's stack: one per level of both trees."""
CAST: Final = 0
"""Status of a ray that was cast."""
NOT_FINITE: Final = 1
"""Status of a ray with NaN or infinity in it."""
NO_DIRECTION: Final = 2
"""Status of a ray of length 0."""
_TINY: Final = 1e-100
_LEAF_MASK: Final = (1 << LEAF_BITS) - 1
_NO_ROW: Final = 2**31 - 1


@scalar(forceinline=True)
def _invert(value: Any) -> Any:
    """Return 1 / value, finite for 0: within any range such a ray moves less than a rounding along this axis."""
    if abs(value) < _TINY:
        return -1e100 if value < 0.0 else 1e100
    return 1.0 / value


@scalar(forceinline=True)
def _meet_triangle(
    base: Any, kx: Any, ky: Any, kz: Any, ox: Any, oy: Any, oz: Any, sx: Any, sy: Any, sz: Any, corner_in: Any
) -> tuple[Any, Any, Any]:
    """Return t and the weights of the second and third corner; t is -1 where the ray misses."""
    az = np.float64(corner_in[base + kz]) - oz
    bz = np.float64(corner_in[base + kz + 3]) - oz
    cz = np.float64(corner_in[base + kz + 6]) - oz
    ax = (np.float64(corner_in[base + kx]) - ox) - sx * az
    bx = (np.float64(corner_in[base + kx + 3]) - ox) - sx * bz
    cx = (np.float64(corner_in[base + kx + 6]) - ox) - sx * cz
    ay = (np.float64(corner_in[base + ky]) - oy) - sy * az
    by = (np.float64(corner_in[base + ky + 3]) - oy) - sy * bz
    cy = (np.float64(corner_in[base + ky + 6]) - oy) - sy * cz
    u = cx * by - cy * bx
    v = ax * cy - ay * cx
    w = bx * ay - by * ax
    if min(u, min(v, w)) < 0.0 and max(u, max(v, w)) > 0.0:
        return -1.0, 0.0, 0.0
    area = u + v + w
    if area == 0.0:
        return -1.0, 0.0, 0.0
    share = 1.0 / area
    return (u * az + v * bz + w * cz) * share * sz, v * share, w * share


@scalar(forceinline=True)
def _visit(
    node: Any, ox: Any, oy: Any, oz: Any, ix: Any, iy: Any, iz: Any, x_in: Any, y_in: Any, z_in: Any, near: Any,
    best: Any, bounds_in: Any, child_in: Any,
) -> tuple[Any, Any, Any, Any, Any, Any]:  # fmt: skip
    """Return the codes of a node's children and, for each, where the ray enters it and whether it does up to `best`."""
    row = 12 * node
    x, y, z = np.uint64(row + x_in), np.uint64(row + y_in), np.uint64(row + z_in)
    # An exit plane stands two places from its entry plane, up or down.
    p, q, r = np.uint64(row + 2 - x_in), np.uint64(row + 10 - y_in), np.uint64(row + 18 - z_in)
    one = np.uint64(1)
    left_in = max(max((bounds_in[x] - ox) * ix, (bounds_in[y] - oy) * iy), max((bounds_in[z] - oz) * iz, near))
    left_out = min(min((bounds_in[p] - ox) * ix, (bounds_in[q] - oy) * iy), (bounds_in[r] - oz) * iz)
    right_in = max(
        max((bounds_in[x + one] - ox) * ix, (bounds_in[y + one] - oy) * iy), max((bounds_in[z + one] - oz) * iz, near)
    )
    right_out = min(min((bounds_in[p + one] - ox) * ix, (bounds_in[q + one] - oy) * iy), (bounds_in[r + one] - oz) * iz)
    left, right = np.int64(child_in[np.uint64(2 * node)]), np.int64(child_in[np.uint64(2 * node + 1)])
    left_hit, right_hit = left_in <= left_out and left_in <= best, right_in <= right_out and right_in <= best
    return left, right, left_in, left_hit, right_in, right_hit


@scalar(forceinline=True)
def _trace_mesh(
    row: Any, first_node: Any, first_triangle: Any, ox: Any, oy: Any, oz: Any, dx: Any, dy: Any, dz: Any, near: Any,
    best: Any, best_row: Any, best_triangle: Any, best_v: Any, best_w: Any, bottom: Any, bounds_in: Any, child_in: Any,
    corner_in: Any, order_in: Any, stack_out: Any, entry_out: Any,
) -> tuple[Any, Any, Any, Any, Any]:  # fmt: skip
    """Return the nearest hit so far: t, instance row, triangle (place among the leaves), and two weights."""
    ix, iy, iz = _invert(dx), _invert(dy), _invert(dz)
    kx, ky, kz = 1, 2, 0
    kox, koy, koz, kdx, kdy, kdz = oy, oz, ox, dy, dz, dx
    if abs(dy) > abs(dx) and abs(dy) >= abs(dz):
        kx, ky, kz = 2, 0, 1
        kox, koy, koz, kdx, kdy, kdz = oz, ox, oy, dz, dx, dy
    elif abs(dz) > abs(dx):
        kx, ky, kz = 0, 1, 2
        kox, koy, koz, kdx, kdy, kdz = ox, oy, oz, dx, dy, dz
    sz = 1.0 / kdz
    sx, sy = kdx * sz, kdy * sz
    x_in, y_in, z_in = 0 if ix > 0.0 else 2, 4 if iy > 0.0 else 6, 8 if iz > 0.0 else 10
    top = bottom
    code = np.int64(0)
    while True:
        if code >= 0:
            left, right, left_entry, left_hit, right_entry, right_hit = _visit(
                first_node + code, ox, oy, oz, ix, iy, iz, x_in, y_in, z_in, near, best, bounds_in, child_in
            )
            if left_hit and right_hit:
                if right_entry < left_entry:
                    left, right, left_entry, right_entry = right, left, right_entry, left_entry
                stack_out[np.uint64(top)], entry_out[np.uint64(top)] = right, right_entry
                top += 1
                code = left
                continue
            if left_hit:
                code = left
                continue
            if right_hit:
                code = right
                continue
        else:
            run = -1 - code
            first = first_triangle + (run >> LEAF_BITS)
            for triangle in range(first, first + (run & _LEAF_MASK)):
                t, v, w = _meet_triangle(9 * triangle, kx, ky, kz, kox, koy, koz, sx, sy, sz, corner_in)
                if t > 0.0 and t >= near and t <= best:
                    wins = t < best or row < best_row
                    if not wins and row == best_row:
                        wins = order_in[triangle] < order_in[best_triangle]
                    if wins:
                        best, best_row, best_triangle, best_v, best_w = t, row, triangle, v, w
        while top > bottom and entry_out[np.uint64(top - 1)] > best:
            top -= 1
        if top == bottom:
            return best, best_row, best_triangle, best_v, best_w
        top -= 1
        code = np.int64(stack_out[np.uint64(top)])


@scalar(forceinline=True)
def _describe_hit(
    ray: Any, t: Any, row: Any, local_row: Any, triangle: Any, v: Any, w: Any, dx: Any, dy: Any, dz: Any,
    matrix_in: Any, triangle_in: Any, corner_in: Any, order_in: Any, instance_in: Any, class_in: Any, part_in: Any,
    material_in: Any, range_out: Any, instance_out: Any, class_out: Any, part_out: Any, material_out: Any,
    incidence_out: Any, normal_out: Any, row_out: Any, triangle_out: Any, barycentric_out: Any,
) -> None:  # fmt: skip
    """Write what a ray met."""
    if row == _NO_ROW:
        range_out[ray], instance_out[ray], class_out[ray], part_out[ray] = 0.0, 0, 0, 0
        material_out[ray], row_out[ray], triangle_out[ray], incidence_out[ray] = -1, -1, -1, 0.0
        normal_out[ray, 0], normal_out[ray, 1], normal_out[ray, 2] = 0.0, 0.0, 0.0
        barycentric_out[ray, 0], barycentric_out[ray, 1] = 0.0, 0.0
        return
    range_out[ray], instance_out[ray], class_out[ray], part_out[ray] = t, instance_in[row], class_in[row], part_in[row]
    material_out[ray], row_out[ray], triangle_out[ray] = material_in[row], local_row, order_in[triangle]
    barycentric_out[ray, 0], barycentric_out[ray, 1] = v + 0.0, w + 0.0  # no -0
    base = 9 * triangle
    ax, ay, az = np.float64(corner_in[base]), np.float64(corner_in[base + 1]), np.float64(corner_in[base + 2])
    bx, by, bz = corner_in[base + 3] - ax, corner_in[base + 4] - ay, corner_in[base + 5] - az
    cx, cy, cz = corner_in[base + 6] - ax, corner_in[base + 7] - ay, corner_in[base + 8] - az
    mx, my, mz = by * cz - bz * cy, bz * cx - bx * cz, bx * cy - by * cx
    # Normals travel by the transpose of the matrix that brings points back.
    nx = matrix_in[row, 0] * mx + matrix_in[row, 4] * my + matrix_in[row, 8] * mz
    ny = matrix_in[row, 1] * mx + matrix_in[row, 5] * my + matrix_in[row, 9] * mz
    nz = matrix_in[row, 2] * mx + matrix_in[row, 6] * my + matrix_in[row, 10] * mz
    along = nx * dx + ny * dy + nz * dz
    length = math.sqrt(nx * nx + ny * ny + nz * nz)
    if length == 0.0:  # a sliver without area in float64: it is given the face that the ray looks at
        nx, ny, nz, along, length = dx, dy, dz, 1.0, 1.0
    scale = (-1.0 if along > 0.0 else 1.0) / length
    normal_out[ray, 0], normal_out[ray, 1], normal_out[ray, 2] = nx * scale, ny * scale, nz * scale
    incidence_out[ray] = min(abs(along) / length, 1.0)


@scalar
def _cast_block(
    index: int, ray_count: int, block: int, step: int, near: float, far: float, origin_in: Any, direction_in: Any,
    world_in: Any, top_node_in: Any, top_item_in: Any, top_bounds_in: Any, top_child_in: Any, top_order_in: Any,
    matrix_in: Any, node_in: Any, triangle_in: Any, bounds_in: Any, child_in: Any, corner_in: Any, order_in: Any,
    instance_in: Any, class_in: Any, part_in: Any, material_in: Any, range_out: Any, instance_out: Any, class_out: Any,
    part_out: Any, material_out: Any, incidence_out: Any, normal_out: Any, row_out: Any, triangle_out: Any,
    barycentric_out: Any, status_out: Any, stack_out: Any, entry_out: Any,
) -> None:  # fmt: skip
    """Cast a block of rays: neighbours where step is 1 (CPU), otherwise every step-th (CUDA, where lanes run abreast).

    Stack and entries hold `STACK_SIZE` values per index.
    """
    bottom = index * STACK_SIZE
    for turn in range(block):
        ray = index * (block if step == 1 else 1) + turn * step
        if ray >= ray_count:
            return
        ox, oy, oz = origin_in[ray, 0], origin_in[ray, 1], origin_in[ray, 2]
        dx, dy, dz = direction_in[ray, 0], direction_in[ray, 1], direction_in[ray, 2]
        # Scaled by the largest component first, so that no square over- or underflows.
        largest = max(abs(dx), max(abs(dy), abs(dz)))
        known = abs(ox) + abs(oy) + abs(oz) + (abs(dx) + abs(dy) + abs(dz)) / 3.0 < np.inf
        status_out[ray] = NOT_FINITE if not known else (NO_DIRECTION if largest == 0.0 else CAST)
        if not known or largest == 0.0:
            continue
        dx, dy, dz = dx / largest, dy / largest, dz / largest
        length = math.sqrt(dx * dx + dy * dy + dz * dz)
        dx, dy, dz = dx / length, dy / length, dz / length
        ix, iy, iz = _invert(dx), _invert(dy), _invert(dz)
        x_in, y_in, z_in = 0 if ix > 0.0 else 2, 4 if iy > 0.0 else 6, 8 if iz > 0.0 else 10
        world = world_in[ray]
        first_node, first_item = top_node_in[world], top_item_in[world]
        best, best_row, best_triangle, best_v, best_w = far, _NO_ROW, 0, 0.0, 0.0
        top = bottom
        code = np.int64(0)
        while True:
            if code >= 0:
                left, right, left_entry, left_hit, right_entry, right_hit = _visit(
                    first_node + code, ox, oy, oz, ix, iy, iz, x_in, y_in, z_in, near, best, top_bounds_in,
                    top_child_in,
                )  # fmt: skip
                if left_hit and right_hit:
                    if right_entry < left_entry:
                        left, right, left_entry, right_entry = right, left, right_entry, left_entry
                    stack_out[np.uint64(top)], entry_out[np.uint64(top)] = right, right_entry
                    top += 1
                    code = left
                    continue
                if left_hit:
                    code = left
                    continue
                if right_hit:
                    code = right
                    continue
            elif code != EMPTY:
                row = first_item + np.int64(top_order_in[first_item + ((-1 - code) >> LEAF_BITS)])
                best, best_row, best_triangle, best_v, best_w = _trace_mesh(
                    row, np.int64(node_in[row]), np.int64(triangle_in[row]),
                    matrix_in[row, 0] * ox + matrix_in[row, 1] * oy + matrix_in[row, 2] * oz + matrix_in[row, 3],
                    matrix_in[row, 4] * ox + matrix_in[row, 5] * oy + matrix_in[row, 6] * oz + matrix_in[row, 7],
                    matrix_in[row, 8] * ox + matrix_in[row, 9] * oy + matrix_in[row, 10] * oz + matrix_in[row, 11],
                    matrix_in[row, 0] * dx + matrix_in[row, 1] * dy + matrix_in[row, 2] * dz,
                    matrix_in[row, 4] * dx + matrix_in[row, 5] * dy + matrix_in[row, 6] * dz,
                    matrix_in[row, 8] * dx + matrix_in[row, 9] * dy + matrix_in[row, 10] * dz,
                    near, best, best_row, best_triangle, best_v, best_w, top, bounds_in, child_in, corner_in, order_in,
                    stack_out, entry_out,
                )  # fmt: skip
            while top > bottom and entry_out[np.uint64(top - 1)] > best:
                top -= 1
            if top == bottom:
                break
            top -= 1
            code = np.int64(stack_out[np.uint64(top)])
        _describe_hit(
            ray, best, best_row, best_row - first_item, best_triangle, best_v, best_w, dx, dy, dz, matrix_in,
            triangle_in, corner_in, order_in, instance_in, class_in, part_in, material_in, range_out, instance_out,
            class_out, part_out, material_out, incidence_out, normal_out, row_out, triangle_out, barycentric_out,
        )  # fmt: skip


CAST_BLOCK: Final = Kernel(_cast_block)
"""One block of rays per index."""
