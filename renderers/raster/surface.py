"""Surface: what lies under a block of samples, shared by all looks.

A block is a struct of arrays of constant stride, so that the compiler can prove its rows apart and use vector
instructions; it fits the first-level cache.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...kernels.device import scalar
from .features import ALL, BUMPS, LENSES, PAINT, TEXTURES, TINTS
from .sampling import decode_texel
from .tables import Draws, Geometry, Views, Worlds

F0 = np.float32(0.0)
F1 = np.float32(1.0)
U1 = np.uint64(1)
LOW = np.uint64(0xFFFFFFFF)

BLOCK = 256
"""Samples per block; a multiple of every supersampling."""


def _row(field: int) -> Any:
    # Unsigned: an index that may be negative costs a check and the vector instructions.
    return np.uint64(field * BLOCK)


POSITION_X, POSITION_Y, POSITION_Z = _row(0), _row(1), _row(2)
NORMAL_X, NORMAL_Y, NORMAL_Z = _row(3), _row(4), _row(5)
FACE_X, FACE_Y, FACE_Z = _row(6), _row(7), _row(8)
VIEW_X, VIEW_Y, VIEW_Z = _row(9), _row(10), _row(11)
TEXTURE_U, TEXTURE_V = _row(12), _row(13)
FOOTPRINT = _row(14)
LOCAL_X, LOCAL_Y, LOCAL_Z = _row(15), _row(16), _row(17)
LOCAL_NORMAL_X, LOCAL_NORMAL_Y, LOCAL_NORMAL_Z = _row(18), _row(19), _row(20)
DENSITY = _row(21)
RED, GREEN, BLUE = _row(22), _row(23), _row(24)
ROUGHNESS, METALLIC = _row(25), _row(26)
SUN, SLACK = _row(27), _row(28)
WORD_A, WORD_B, WORD_C, WORD_D = _row(29), _row(30), _row(31), _row(32)
TINT_RED, TINT_GREEN, TINT_BLUE = _row(33), _row(34), _row(35)
TANGENT_X, TANGENT_Y, TANGENT_Z, HANDEDNESS = _row(36), _row(37), _row(38), _row(39)
SMOOTH_X, SMOOTH_Y, SMOOTH_Z = _row(40), _row(41), _row(42)
RUN_END = _row(43)
FIELD_COUNT = 44
"""Fields: world position, shading and face normal, direction to the camera, texture coordinates, pixel size on the
surface [m], metric position and absolute normal in the mesh's frame, texture repeats per metre; then per look albedo
(radiance in the end), roughness, metallic, share of the sun and slack of the shadow test [m], and four words
of scratch: loads at computed places keep a loop from vectorising, so they have loops of their own. Only where the mesh
has them: vertex colour; only where a look has a normal texture: tangent, the sign of the other one, and the normal
without the texture. At the first sample of each run of one instance, `RUN_END` holds where the run ends."""


@scalar(forceinline=True)
def read_nearness(key: Any) -> Any:
    """Return the float32 nearness in a visibility key's upper half."""
    return np.uint32(key >> np.uint64(32)).view(np.float32)


@scalar(forceinline=True)
def read_draw(key: Any) -> Any:
    """Return the instance's place in its snapshot; the key must not be empty."""
    return np.int64(((key & LOW) - U1) >> np.uint64(20))


@scalar(forceinline=True)
def read_triangle(key: Any) -> Any:
    """Return the triangle's place in its level; the key must not be empty."""
    return np.int64(((key & LOW) - U1) & np.uint64(0xFFFFF))


@scalar(forceinline=True)
def read_ray(views: Views, view: int, row: int, column: int, width: int) -> Any:
    """Return a pixel's ray in the camera's frame: at depth 1 of a pinhole, of length 1 through a lens."""
    start = views.ray_start[view]
    if start >= 0:
        place = start + row * width + column
        return float(views.ray[place, 0]), float(views.ray[place, 1]), float(views.ray[place, 2])
    return (
        (column - views.camera[view, 2]) / views.camera[view, 0],
        (row - views.camera[view, 3]) / views.camera[view, 1],
        1.0,
    )


@scalar(forceinline=True)
def _trace_rays(
    first: int,
    count: int,
    ray_scale: Any,
    ray_first: Any,
    ray_y: Any,
    pixel: Any,
    camera: Any,
    view: int,
    block: Any,
) -> None:
    """Write where a pinhole's samples lie, in the world and in the camera's frame, and their directions to the camera.

    Depths are in `WORD_A`; a pixel's size there is written as if it were seen face on.
    """
    r0, r1, r2 = np.float32(camera[view, 21]), np.float32(camera[view, 22]), np.float32(camera[view, 23])
    r3, r4, r5 = np.float32(camera[view, 24]), np.float32(camera[view, 25]), np.float32(camera[view, 26])
    r6, r7, r8 = np.float32(camera[view, 27]), np.float32(camera[view, 28]), np.float32(camera[view, 29])
    eye_x, eye_y = np.float32(camera[view, 18]), np.float32(camera[view, 19])
    eye_z = np.float32(camera[view, 20])
    for i in range(count):
        x = np.uint64(i)
        depth = block[WORD_A + x]
        ray_x = np.float32(np.int32(first + i)) * ray_scale + ray_first
        wx, wy, wz = r0 * ray_x + r1 * ray_y + r2, r3 * ray_x + r4 * ray_y + r5, r6 * ray_x + r7 * ray_y + r8
        inverse = -F1 / np.float32(math.sqrt(ray_x * ray_x + ray_y * ray_y + F1))
        block[VIEW_X + x], block[VIEW_Y + x], block[VIEW_Z + x] = wx * inverse, wy * inverse, wz * inverse
        block[POSITION_X + x], block[POSITION_Y + x] = eye_x + wx * depth, eye_y + wy * depth
        block[POSITION_Z + x] = eye_z + wz * depth
        block[LOCAL_X + x], block[LOCAL_Y + x], block[LOCAL_Z + x] = ray_x * depth, ray_y * depth, depth
        block[FOOTPRINT + x] = pixel * depth


@scalar
def _load_rays(first: int, count: int, columns: int, row: int, pixel: Any, views: Views, view: int, block: Any) -> None:
    """Do the same through a lens, with the angle between neighbours as size of a pixel."""
    camera = views.camera
    r0, r1, r2 = np.float32(camera[view, 21]), np.float32(camera[view, 22]), np.float32(camera[view, 23])
    r3, r4, r5 = np.float32(camera[view, 24]), np.float32(camera[view, 25]), np.float32(camera[view, 26])
    r6, r7, r8 = np.float32(camera[view, 27]), np.float32(camera[view, 28]), np.float32(camera[view, 29])
    eye_x, eye_y = np.float32(camera[view, 18]), np.float32(camera[view, 19])
    eye_z = np.float32(camera[view, 20])
    base = views.ray_start[view] + row * columns + first
    for i in range(count):
        x, place = np.uint64(i), base + i
        depth = block[WORD_A + x]
        other = place + 1 if first + i + 1 < columns else place - 1 if first + i > 0 else place
        ray_x, ray_y, ray_z = views.ray[place, 0], views.ray[place, 1], views.ray[place, 2]
        dx, dy, dz = views.ray[other, 0] - ray_x, views.ray[other, 1] - ray_y, views.ray[other, 2] - ray_z
        chord = dx * dx + dy * dy + dz * dz
        wx = r0 * ray_x + r1 * ray_y + r2 * ray_z
        wy = r3 * ray_x + r4 * ray_y + r5 * ray_z
        wz = r6 * ray_x + r7 * ray_y + r8 * ray_z
        block[VIEW_X + x], block[VIEW_Y + x], block[VIEW_Z + x] = -wx, -wy, -wz
        block[POSITION_X + x], block[POSITION_Y + x] = eye_x + wx * depth, eye_y + wy * depth
        block[POSITION_Z + x] = eye_z + wz * depth
        block[LOCAL_X + x], block[LOCAL_Y + x], block[LOCAL_Z + x] = ray_x * depth, ray_y * depth, ray_z * depth
        # Where the neighbour has no ray, the chord is the ray itself.
        block[FOOTPRINT + x] = depth * (np.float32(math.sqrt(chord)) if F0 < chord < np.float32(0.5) else pixel)


@scalar
def _gather_colors(
    start: int, run: int, ox: Any, oy: Any, oz: Any, px: Any, py: Any, pz: Any, qx: Any, qy: Any, qz: Any,
    a: Any, b: Any, c: Any, block: Any,
) -> None:  # fmt: skip
    """Write the linear light of a triangle's vertex colours (packed), interpolated."""
    red, green, blue = decode_texel(a)
    b_red, b_green, b_blue = decode_texel(b)
    c_red, c_green, c_blue = decode_texel(c)
    fine, coarse = np.float32(1.0 / 2047**2), np.float32(1.0 / 1023**2)
    for i in range(run):
        x = np.uint64(start + i)
        dx, dy, dz = block[LOCAL_X + x] - ox, block[LOCAL_Y + x] - oy, block[LOCAL_Z + x] - oz
        w1 = min(max(dx * px + dy * py + dz * pz, F0), F1)
        w2 = min(max(dx * qx + dy * qy + dz * qz, F0), F1 - w1)
        block[TINT_RED + x] = (red + w1 * (b_red - red) + w2 * (c_red - red)) * fine
        block[TINT_GREEN + x] = (green + w1 * (b_green - green) + w2 * (c_green - green)) * fine
        block[TINT_BLUE + x] = (blue + w1 * (b_blue - blue) + w2 * (c_blue - blue)) * coarse


@scalar
def _gather_frame(start: int, run: int, tx: Any, ty: Any, tz: Any, hand: Any, block: Any) -> None:
    """Write tangents, square to the normals, and keep the normals."""
    for i in range(run):
        x = np.uint64(start + i)
        nx, ny, nz = block[NORMAL_X + x], block[NORMAL_Y + x], block[NORMAL_Z + x]
        along = nx * tx + ny * ty + nz * tz
        ux, uy, uz = tx - nx * along, ty - ny * along, tz - nz * along
        inverse = F1 / np.float32(math.sqrt(max(ux * ux + uy * uy + uz * uz, np.float32(1e-30))))
        block[TANGENT_X + x], block[TANGENT_Y + x], block[TANGENT_Z + x] = ux * inverse, uy * inverse, uz * inverse
        block[HANDEDNESS + x] = hand
        block[SMOOTH_X + x], block[SMOOTH_Y + x], block[SMOOTH_Z + x] = nx, ny, nz


@scalar(forceinline=True)
def trace_samples(
    view: int, row: int, first: int, count: int, columns: int, rows: int, samples: int, views: Views, keys_in: Any,
    features: int, block: Any,
) -> None:  # fmt: skip
    """Write where the samples of a block lie, by their visibility keys, and their directions to the camera."""
    base = np.uint64((view * rows + row) * columns + first)
    for i in range(count):
        x = np.uint64(i)
        key = keys_in[base + x]
        block[WORD_A + x] = F1 / read_nearness(key) if (key & LOW) != np.uint64(0) else F1
    fx, fy = views.camera[view, 0] * samples, views.camera[view, 1] * samples
    cx = views.camera[view, 2] * samples + 0.5 * (samples - 1)
    cy = views.camera[view, 3] * samples + 0.5 * (samples - 1)
    if features & LENSES == 0 or views.ray_start[view] < 0:
        _trace_rays(
            first, count, np.float32(1.0 / fx), np.float32(-cx / fx), np.float32((row - cy) / fy),
            np.float32(1.0 / min(fx, fy)), views.camera, view, block,
        )  # fmt: skip
    else:
        pixel = np.float32(1.0 / (views.camera[view, 30] * samples))
        _load_rays(first, count, columns, row, pixel, views, view, block)


@scalar(forceinline=True)
def gather_run(
    view: int, low: Any, seen: int, start: int, run: int, largest: int, first_instance: int, worlds: Worlds,
    drawn: Draws, geometry: Geometry, features: int, block: Any, draws: Any,
) -> None:  # fmt: skip
    """Fill the geometric fields of a run of traced samples of one triangle, whose keys' lower half is `low`.

    `seen` is the place among the view's instances, -1 where nothing is seen; `features` are those that may occur.
    """
    origin = np.uint64(start)
    for i in range(run):
        draws[origin + np.uint64(i)] = seen
    if low == np.uint64(0):
        for i in range(run):
            x = origin + np.uint64(i)
            block[FOOTPRINT + x] = F1
            block[FACE_X + x], block[FACE_Y + x], block[FACE_Z + x] = F0, F0, F0
        return
    m, instance = view * largest + seen, first_instance + seen
    level = drawn.level[m]
    vertex = geometry.level_vertex_start[level]
    triangle = geometry.level_triangle_start[level] + read_triangle(low)
    i0 = vertex + geometry.triangle[triangle, 0]
    i1 = vertex + geometry.triangle[triangle, 1]
    i2 = vertex + geometry.triangle[triangle, 2]
    ox, oy, oz = geometry.vertex[i0, 0], geometry.vertex[i0, 1], geometry.vertex[i0, 2]
    ax, ay, az = geometry.vertex[i1, 0] - ox, geometry.vertex[i1, 1] - oy, geometry.vertex[i1, 2] - oz
    bx, by, bz = geometry.vertex[i2, 0] - ox, geometry.vertex[i2, 1] - oy, geometry.vertex[i2, 2] - oz
    lx, ly, lz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    normal_matrix = worlds.normal_matrix[instance]
    n0, n1, n2 = normal_matrix[0], normal_matrix[1], normal_matrix[2]
    n3, n4, n5 = normal_matrix[3], normal_matrix[4], normal_matrix[5]
    n6, n7, n8 = normal_matrix[6], normal_matrix[7], normal_matrix[8]
    gx, gy, gz = n0 * lx + n1 * ly + n2 * lz, n3 * lx + n4 * ly + n5 * lz, n6 * lx + n7 * ly + n8 * lz
    norm = np.float32(math.sqrt(gx * gx + gy * gy + gz * gz))
    inverse = F1 / norm if norm > F0 else F0
    gx, gy, gz = gx * inverse, gy * inverse, gz * inverse
    # A face is drawn towards the camera whichever way it is wound; one sample of the run tells the side.
    facing = gx * block[VIEW_X + origin] + gy * block[VIEW_Y + origin] + gz * block[VIEW_Z + origin]
    side = F1 if facing >= F0 else -F1
    gx, gy, gz = gx * side, gy * side, gz * side
    for i in range(run):
        x = origin + np.uint64(i)
        block[FACE_X + x], block[FACE_Y + x], block[FACE_Z + x] = gx, gy, gz
        block[NORMAL_X + x], block[NORMAL_Y + x], block[NORMAL_Z + x] = gx, gy, gz
    hx, hy, hz = geometry.normal[i0, 0], geometry.normal[i0, 1], geometry.normal[i0, 2]
    ux, uy, uz = geometry.normal[i1, 0] - hx, geometry.normal[i1, 1] - hy, geometry.normal[i1, 2] - hz
    vx, vy, vz = geometry.normal[i2, 0] - hx, geometry.normal[i2, 1] - hy, geometry.normal[i2, 2] - hz
    curved = not (ux == F0 and uy == F0 and uz == F0 and vx == F0 and vy == F0 and vz == F0)
    painted = features & PAINT != 0 and worlds.needs_local[instance] == 1
    textured = features & TEXTURES != 0 and worlds.needs_uv[instance] == 1
    tinted = features & TINTS != 0 and worlds.has_color[instance] == 1
    if not (painted or curved or tinted):
        return
    sx, sy, sz = worlds.scale[instance, 0], worlds.scale[instance, 1], worlds.scale[instance, 2]
    toward = drawn.inverse[m]
    j0, j1, j2, j3 = np.float32(toward[0]), np.float32(toward[1]), np.float32(toward[2]), np.float32(toward[3])
    j4, j5, j6, j7 = np.float32(toward[4]), np.float32(toward[5]), np.float32(toward[6]), np.float32(toward[7])
    j8, j9, j10, j11 = np.float32(toward[8]), np.float32(toward[9]), np.float32(toward[10]), np.float32(toward[11])
    for i in range(run):
        x = origin + np.uint64(i)
        px, py, pz = block[LOCAL_X + x], block[LOCAL_Y + x], block[LOCAL_Z + x]
        block[LOCAL_X + x] = (j0 * px + j1 * py + j2 * pz + j3) * sx
        block[LOCAL_Y + x] = (j4 * px + j5 * py + j6 * pz + j7) * sy
        block[LOCAL_Z + x] = (j8 * px + j9 * py + j10 * pz + j11) * sz
    t0, t1, ta, tb, va, vb = F0, F0, F0, F0, F0, F0
    if painted:
        density = F1
        # The metric length of the local normal's parts tells the box projection's axis and the triangle's area.
        mx, my, mz = lx * sy * sz, ly * sx * sz, lz * sx * sy
        area = np.float32(math.sqrt(mx * mx + my * my + mz * mz))
        per_area = F1 / area if area > F0 else F0
        mx, my, mz = abs(mx * per_area), abs(my * per_area), abs(mz * per_area)
        if textured:
            t0, t1 = geometry.uv[i0, 0], geometry.uv[i0, 1]
            ta, va = geometry.uv[i1, 0] - t0, geometry.uv[i1, 1] - t1
            tb, vb = geometry.uv[i2, 0] - t0, geometry.uv[i2, 1] - t1
            density = np.float32(math.sqrt(abs(ta * vb - tb * va) * per_area))
        for i in range(run):
            x = origin + np.uint64(i)
            facing = gx * block[VIEW_X + x] + gy * block[VIEW_Y + x] + gz * block[VIEW_Z + x]
            block[FOOTPRINT + x] = block[FOOTPRINT + x] / np.float32(math.sqrt(max(facing, np.float32(0.05))))
            block[LOCAL_NORMAL_X + x], block[LOCAL_NORMAL_Y + x], block[LOCAL_NORMAL_Z + x] = mx, my, mz
            block[DENSITY + x] = density
    if not (textured or curved or tinted):
        return
    # Barycentric weights of the local point, as two dot products with fixed vectors.
    d00, d01, d11 = ax * ax + ay * ay + az * az, ax * bx + ay * by + az * bz, bx * bx + by * by + bz * bz
    determinant = d00 * d11 - d01 * d01
    inverse = F1 / determinant if determinant > F0 else F0
    d00, d01, d11 = d00 * inverse, d01 * inverse, d11 * inverse
    px, py, pz = (d11 * ax - d01 * bx) / sx, (d11 * ay - d01 * by) / sy, (d11 * az - d01 * bz) / sz
    qx, qy, qz = (d00 * bx - d01 * ax) / sx, (d00 * by - d01 * ay) / sy, (d00 * bz - d01 * az) / sz
    ox, oy, oz = ox * sx, oy * sy, oz * sz
    if textured:
        for i in range(run):
            x = origin + np.uint64(i)
            dx, dy, dz = block[LOCAL_X + x] - ox, block[LOCAL_Y + x] - oy, block[LOCAL_Z + x] - oz
            w1 = min(max(dx * px + dy * py + dz * pz, F0), F1)
            w2 = min(max(dx * qx + dy * qy + dz * qz, F0), F1 - w1)
            block[TEXTURE_U + x] = t0 + w1 * ta + w2 * tb
            block[TEXTURE_V + x] = t1 + w1 * va + w2 * vb
    if curved:
        for i in range(run):
            x = origin + np.uint64(i)
            dx, dy, dz = block[LOCAL_X + x] - ox, block[LOCAL_Y + x] - oy, block[LOCAL_Z + x] - oz
            w1 = min(max(dx * px + dy * py + dz * pz, F0), F1)
            w2 = min(max(dx * qx + dy * qy + dz * qz, F0), F1 - w1)
            nx, ny, nz = hx + w1 * ux + w2 * vx, hy + w1 * uy + w2 * vy, hz + w1 * uz + w2 * vz
            wx, wy, wz = n0 * nx + n1 * ny + n2 * nz, n3 * nx + n4 * ny + n5 * nz, n6 * nx + n7 * ny + n8 * nz
            norm = wx * wx + wy * wy + wz * wz
            inverse = F1 / np.float32(math.sqrt(max(norm, np.float32(1e-30))))
            # A face seen from behind shows its other side; so does its interpolated normal.
            inverse = inverse if wx * gx + wy * gy + wz * gz >= F0 else -inverse
            block[NORMAL_X + x], block[NORMAL_Y + x] = wx * inverse, wy * inverse
            block[NORMAL_Z + x] = wz * inverse
    if tinted:
        _gather_colors(
            int(origin), run, ox, oy, oz, px, py, pz, qx, qy, qz, geometry.color[i0], geometry.color[i1],
            geometry.color[i2], block,
        )  # fmt: skip
    if features & BUMPS != 0 and worlds.needs_frame[instance] == 1:
        # Along +u on the surface, from the triangle's edges; seen from behind, the map is its negative.
        mirror = F1 if ta * vb - tb * va >= F0 else -F1
        ta, tb = vb * mirror * side, -va * mirror * side
        # Directions turn with the squares of the scale where normals turn with its inverse.
        ux, uy, uz = (ta * ax + tb * bx) * sx * sx, (ta * ay + tb * by) * sy * sy, (ta * az + tb * bz) * sz * sz
        wx, wy, wz = n0 * ux + n1 * uy + n2 * uz, n3 * ux + n4 * uy + n5 * uz, n6 * ux + n7 * uy + n8 * uz
        norm = wx * wx + wy * wy + wz * wz
        inverse = F1 / np.float32(math.sqrt(max(norm, np.float32(1e-30))))
        _gather_frame(int(origin), run, wx * inverse, wy * inverse, wz * inverse, mirror * side, block)


@scalar(forceinline=True)
def gather_block(
    view: int,
    row: int,
    first: int,
    count: int,
    columns: int,
    rows: int,
    samples: int,
    largest: int,
    views: Views,
    first_instance: int,
    worlds: Worlds,
    drawn: Draws,
    geometry: Geometry,
    keys_in: Any,
    block: Any,
    draws: Any,
) -> None:
    """Fill the geometric fields of a block from `count` visibility keys of a row, from column `first` on.

    All sizes are in samples. `draws` receives each sample's place among the view's instances, -1 where nothing is seen.
    """
    base = np.uint64((view * rows + row) * columns + first)
    trace_samples(view, row, first, count, columns, rows, samples, views, keys_in, ALL, block)
    start, run_start, known = 0, 0, -2
    while start < count:
        low = keys_in[base + np.uint64(start)] & LOW
        end = start + 1
        while end < count and (keys_in[base + np.uint64(end)] & LOW) == low:
            end += 1
        run = end - start
        seen = -1 if low == np.uint64(0) else read_draw(low)
        if seen != known:
            block[RUN_END + np.uint64(run_start)] = np.float32(start)
            run_start, known = start, seen
        gather_run(view, low, seen, start, run, largest, first_instance, worlds, drawn, geometry, ALL, block, draws)
        start = end
    block[RUN_END + np.uint64(run_start)] = np.float32(count)
