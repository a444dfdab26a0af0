"""Surface: what lies under each sample of a row, shared by all looks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...kernels.device import scalar

F0 = np.float32(0.0)
F1 = np.float32(1.0)

POSITION = 0
NORMAL = 3
FACE = 6
VIEW = 9
TEXTURE = 12
FOOTPRINT = 14
LOCAL = 15
LOCAL_NORMAL = 18
DENSITY = 21
ALBEDO = 22
ROUGHNESS = 25
METALLIC = 26
SUN = 27
FIELD_COUNT = 28
"""Rows of the sample buffer: world position, shading and face normal, direction to the camera, texture coordinates,
pixel size on the surface [m], metric position and normal in the mesh's frame, texture repeats per metre; then per look
albedo (radiance in the end), roughness, metallic, share of the sun."""


@scalar(forceinline=True)
def read_nearness(key: Any) -> Any:
    """Return the float32 nearness in a visibility key's upper half."""
    return np.uint32(key >> np.uint64(32)).view(np.float32)


@scalar(forceinline=True)
def read_draw(key: Any) -> Any:
    """Return the instance's place in its snapshot; the key must not be empty."""
    return np.int64(((key & np.uint64(0xFFFFFFFF)) - np.uint64(1)) >> np.uint64(20))


@scalar(forceinline=True)
def read_triangle(key: Any) -> Any:
    """Return the triangle's place in its level; the key must not be empty."""
    return np.int64(((key & np.uint64(0xFFFFFFFF)) - np.uint64(1)) & np.uint64(0xFFFFF))


@scalar
def gather_row(
    lane: int,
    view: int,
    row: int,
    columns: int,
    rows: int,
    samples: int,
    largest: int,
    camera_in: Any,
    first_instance: int,
    mesh_in: Any,
    scale_in: Any,
    normal_matrix_in: Any,
    has_uv_in: Any,
    level_in: Any,
    inverse_in: Any,
    level_vertex_start_in: Any,
    level_triangle_start_in: Any,
    vertex_in: Any,
    vertex_normal_in: Any,
    uv_in: Any,
    triangle_in: Any,
    keys_in: Any,
    buffer_out: Any,
    draw_out: Any,
) -> None:
    """Fill the geometric rows of buffer `lane` from a row of visibility keys; all sizes are in samples.

    `draw_out` receives each sample's place among the view's instances, -1 where nothing is seen.
    """
    fx, fy = camera_in[view, 0] * samples, camera_in[view, 1] * samples
    cx = camera_in[view, 2] * samples + 0.5 * (samples - 1)
    cy = camera_in[view, 3] * samples + 0.5 * (samples - 1)
    ray_scale = np.float32(1.0 / fx)
    ray_first = np.float32(-cx / fx)
    ray_y = np.float32((row - cy) / fy)
    pixel = np.float32(1.0 / min(fx, fy))
    eye_x, eye_y, eye_z = (
        np.float32(camera_in[view, 18]),
        np.float32(camera_in[view, 19]),
        np.float32(camera_in[view, 20]),
    )
    r0, r1, r2 = np.float32(camera_in[view, 21]), np.float32(camera_in[view, 22]), np.float32(camera_in[view, 23])
    r3, r4, r5 = np.float32(camera_in[view, 24]), np.float32(camera_in[view, 25]), np.float32(camera_in[view, 26])
    r6, r7, r8 = np.float32(camera_in[view, 27]), np.float32(camera_in[view, 28]), np.float32(camera_in[view, 29])
    buffer = buffer_out[lane]
    draws = draw_out[lane]
    base = (view * rows + row) * columns
    # Rays first: this loop is plain arithmetic.
    for x in range(columns):
        ray_x = np.float32(x) * ray_scale + ray_first
        wx, wy, wz = r0 * ray_x + r1 * ray_y + r2, r3 * ray_x + r4 * ray_y + r5, r6 * ray_x + r7 * ray_y + r8
        inverse = -F1 / np.float32(math.sqrt(ray_x * ray_x + ray_y * ray_y + F1))
        buffer[VIEW, x], buffer[VIEW + 1, x], buffer[VIEW + 2, x] = wx * inverse, wy * inverse, wz * inverse
        buffer[POSITION, x], buffer[POSITION + 1, x], buffer[POSITION + 2, x] = wx, wy, wz
    seen = np.uint64(0)
    draw, textured = 0, False
    ax, ay, az, bx, by, bz = F0, F0, F0, F0, F0, F0
    ox, oy, oz = F0, F0, F0
    d00, d01, d11 = F0, F0, F0
    gx, gy, gz = F0, F0, F0
    lx, ly, lz = F0, F0, F0
    flat = True
    i0, i1, i2 = 0, 0, 0
    sx, sy, sz = F1, F1, F1
    density = F1
    m = 0
    instance = 0
    for x in range(columns):
        key = keys_in[base + x]
        low = key & np.uint64(0xFFFFFFFF)
        if low == np.uint64(0):
            draws[x] = -1
            buffer[FOOTPRINT, x] = F1
            continue
        if low != seen:
            seen = low
            k, t = read_draw(key), read_triangle(key)
            draw = k
            m = view * largest + k
            instance = first_instance + k
            level = level_in[m]
            mesh = mesh_in[instance]
            textured = has_uv_in[mesh] == 1
            first, triangle = level_vertex_start_in[level], level_triangle_start_in[level] + t
            i0, i1, i2 = (
                first + triangle_in[triangle, 0],
                first + triangle_in[triangle, 1],
                first + triangle_in[triangle, 2],
            )
            ox, oy, oz = vertex_in[i0, 0], vertex_in[i0, 1], vertex_in[i0, 2]
            ax, ay, az = vertex_in[i1, 0] - ox, vertex_in[i1, 1] - oy, vertex_in[i1, 2] - oz
            bx, by, bz = vertex_in[i2, 0] - ox, vertex_in[i2, 1] - oy, vertex_in[i2, 2] - oz
            d00, d01, d11 = ax * ax + ay * ay + az * az, ax * bx + ay * by + az * bz, bx * bx + by * by + bz * bz
            determinant = d00 * d11 - d01 * d01
            inverse = F1 / determinant if determinant > F0 else F0
            d00, d01, d11 = d00 * inverse, d01 * inverse, d11 * inverse
            lx, ly, lz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
            gx, gy, gz = (
                normal_matrix_in[instance, 0] * lx
                + normal_matrix_in[instance, 1] * ly
                + normal_matrix_in[instance, 2] * lz,
                normal_matrix_in[instance, 3] * lx
                + normal_matrix_in[instance, 4] * ly
                + normal_matrix_in[instance, 5] * lz,
                normal_matrix_in[instance, 6] * lx
                + normal_matrix_in[instance, 7] * ly
                + normal_matrix_in[instance, 8] * lz,
            )
            norm = np.float32(math.sqrt(gx * gx + gy * gy + gz * gz))
            inverse = F1 / norm if norm > F0 else F0
            gx, gy, gz = gx * inverse, gy * inverse, gz * inverse
            sx, sy, sz = scale_in[instance, 0], scale_in[instance, 1], scale_in[instance, 2]
            # Metric length of the local normal's parts tells the box projection's axis and the triangle's area.
            mx, my, mz = lx * sy * sz, ly * sx * sz, lz * sx * sy
            area = np.float32(math.sqrt(mx * mx + my * my + mz * mz))
            inverse = F1 / area if area > F0 else F0
            lx, ly, lz = abs(mx * inverse), abs(my * inverse), abs(mz * inverse)
            if textured:
                ua, va = uv_in[i1, 0] - uv_in[i0, 0], uv_in[i1, 1] - uv_in[i0, 1]
                ub, vb = uv_in[i2, 0] - uv_in[i0, 0], uv_in[i2, 1] - uv_in[i0, 1]
                density = np.float32(math.sqrt(abs(ua * vb - ub * va) * inverse))
            else:
                density = F1
            flat = (
                vertex_normal_in[i0, 0] == vertex_normal_in[i1, 0] == vertex_normal_in[i2, 0]
                and vertex_normal_in[i0, 1] == vertex_normal_in[i1, 1] == vertex_normal_in[i2, 1]
                and vertex_normal_in[i0, 2] == vertex_normal_in[i1, 2] == vertex_normal_in[i2, 2]
            )
        depth = F1 / read_nearness(key)
        ray_x = np.float32(x) * ray_scale + ray_first
        px, py = ray_x * depth, ray_y * depth
        qx = inverse_in[m, 0] * px + inverse_in[m, 1] * py + inverse_in[m, 2] * depth + inverse_in[m, 3]
        qy = inverse_in[m, 4] * px + inverse_in[m, 5] * py + inverse_in[m, 6] * depth + inverse_in[m, 7]
        qz = inverse_in[m, 8] * px + inverse_in[m, 9] * py + inverse_in[m, 10] * depth + inverse_in[m, 11]
        vx, vy, vz = buffer[VIEW, x], buffer[VIEW + 1, x], buffer[VIEW + 2, x]
        facing = gx * vx + gy * vy + gz * vz
        side = F1 if facing >= F0 else -F1
        draws[x] = draw
        buffer[POSITION, x] = eye_x + buffer[POSITION, x] * depth
        buffer[POSITION + 1, x] = eye_y + buffer[POSITION + 1, x] * depth
        buffer[POSITION + 2, x] = eye_z + buffer[POSITION + 2, x] * depth
        buffer[FACE, x], buffer[FACE + 1, x], buffer[FACE + 2, x] = gx * side, gy * side, gz * side
        buffer[FOOTPRINT, x] = depth * pixel / np.float32(math.sqrt(max(abs(facing), np.float32(0.05))))
        buffer[LOCAL, x], buffer[LOCAL + 1, x], buffer[LOCAL + 2, x] = qx * sx, qy * sy, qz * sz
        buffer[LOCAL_NORMAL, x], buffer[LOCAL_NORMAL + 1, x], buffer[LOCAL_NORMAL + 2, x] = lx, ly, lz
        buffer[DENSITY, x] = density
        if flat and not textured:
            buffer[NORMAL, x], buffer[NORMAL + 1, x], buffer[NORMAL + 2, x] = gx * side, gy * side, gz * side
            continue
        dx, dy, dz = qx - ox, qy - oy, qz - oz
        da, db = dx * ax + dy * ay + dz * az, dx * bx + dy * by + dz * bz
        w1 = min(max(d11 * da - d01 * db, F0), F1)
        w2 = min(max(d00 * db - d01 * da, F0), F1)
        w0 = max(F1 - w1 - w2, F0)
        if textured:
            buffer[TEXTURE, x] = w0 * uv_in[i0, 0] + w1 * uv_in[i1, 0] + w2 * uv_in[i2, 0]
            buffer[TEXTURE + 1, x] = w0 * uv_in[i0, 1] + w1 * uv_in[i1, 1] + w2 * uv_in[i2, 1]
        if flat:
            buffer[NORMAL, x], buffer[NORMAL + 1, x], buffer[NORMAL + 2, x] = gx * side, gy * side, gz * side
            continue
        nx = w0 * vertex_normal_in[i0, 0] + w1 * vertex_normal_in[i1, 0] + w2 * vertex_normal_in[i2, 0]
        ny = w0 * vertex_normal_in[i0, 1] + w1 * vertex_normal_in[i1, 1] + w2 * vertex_normal_in[i2, 1]
        nz = w0 * vertex_normal_in[i0, 2] + w1 * vertex_normal_in[i1, 2] + w2 * vertex_normal_in[i2, 2]
        hx, hy, hz = (
            normal_matrix_in[instance, 0] * nx
            + normal_matrix_in[instance, 1] * ny
            + normal_matrix_in[instance, 2] * nz,
            normal_matrix_in[instance, 3] * nx
            + normal_matrix_in[instance, 4] * ny
            + normal_matrix_in[instance, 5] * nz,
            normal_matrix_in[instance, 6] * nx
            + normal_matrix_in[instance, 7] * ny
            + normal_matrix_in[instance, 8] * nz,
        )
        # A face seen from behind shows its other side; so does its interpolated normal.
        if (hx * gx + hy * gy + hz * gz) * side < F0:
            hx, hy, hz = -hx, -hy, -hz
        norm = np.float32(math.sqrt(hx * hx + hy * hy + hz * hz))
        inverse = F1 / norm if norm > F0 else F0
        buffer[NORMAL, x], buffer[NORMAL + 1, x], buffer[NORMAL + 2, x] = hx * inverse, hy * inverse, hz * inverse
