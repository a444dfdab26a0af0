"""Lens warp: rays through a lens, and the visibility keys of a lens view from those of its pinhole faces."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...kernels.device import Kernel, scalar
from ...kernels.lens_maps import unproject_point
from .tables import Draws, Geometry, Views

F0 = np.float32(0.0)
LOW = np.uint64(0xFFFFFFFF)
MEASURES = 6
"""Per face: smallest and largest x and y on its plane at depth 1; of the squared distances there from a sample to the
next and the one below the larger, where it is smallest; and the same of their chords. (Towards 180 degrees off the axis
a ring of samples meets in one point: its smaller distance says nothing.)"""
STRAYED = 1.5
"""Largest factor between a sample's distance and that of the face sample that it takes its key from."""


@scalar
def _trace_lens(
    index: int, columns: int, fx: float, fy: float, cx: float, cy: float, lens_in: Any, ray_out: Any
) -> None:
    """Write one row of unit rays (x right, y down, z forward); (0, 0, 0) where the lens has none."""
    for column in range(columns):
        x, y, z, valid = unproject_point((column - cx) / fx, (index - cy) / fy, 0, lens_in)
        place = index * columns + column
        ray_out[place, 0] = np.float32(x) if valid else F0
        ray_out[place, 1] = np.float32(y) if valid else F0
        ray_out[place, 2] = np.float32(z) if valid else F0


@scalar
def find_face(x: float, y: float, z: float, single: int) -> int:
    """Return the face that a ray meets: 0 front, 1 right, 2 left, 3 down, 4 up, 5 back; -1 for no ray."""
    across, upright, ahead = abs(x), abs(y), abs(z)
    if across + upright + ahead == 0.0:
        return -1
    if single == 1 or (z > 0.0 and ahead >= across and ahead >= upright):
        return 0
    if across >= upright and across >= ahead:
        return 1 if x > 0.0 else 2
    if upright >= ahead:
        return 3 if y > 0.0 else 4
    return 5


@scalar
def _to_face(face: int, x: float, y: float, z: float, axes_in: Any) -> tuple[float, float, float]:
    """Return a ray in a face's axes; each is one of ours, so that nothing is rounded."""
    return (
        axes_in[face, 0] * x + axes_in[face, 1] * y + axes_in[face, 2] * z,
        axes_in[face, 3] * x + axes_in[face, 4] * y + axes_in[face, 5] * z,
        axes_in[face, 6] * x + axes_in[face, 7] * y + axes_in[face, 8] * z,
    )


@scalar
def _measure_faces(
    index: int, columns: int, rows: int, single: int, axes_in: Any, ray_in: Any, measure_out: Any
) -> None:
    """Measure one row of rays, and its distance from the next, on every face."""
    for face in range(6):
        for i in range(MEASURES):
            measure_out[index, face, i] = -math.inf if i == 1 or i == 3 else math.inf
    for column in range(columns):
        place = index * columns + column
        x, y, z = float(ray_in[place, 0]), float(ray_in[place, 1]), float(ray_in[place, 2])
        face = find_face(x, y, z, single)
        if face < 0:
            continue
        px, py, pz = _to_face(face, x, y, z, axes_in)
        px, py = px / pz, py / pz
        measure_out[index, face, 0] = min(measure_out[index, face, 0], px)
        measure_out[index, face, 1] = max(measure_out[index, face, 1], px)
        measure_out[index, face, 2] = min(measure_out[index, face, 2], py)
        measure_out[index, face, 3] = max(measure_out[index, face, 3], py)
        if column + 1 == columns or index + 1 == rows:
            continue
        farther, chord = 0.0, 0.0
        for side in range(2):
            other = place + (1 if side == 0 else columns)
            ox, oy, oz = float(ray_in[other, 0]), float(ray_in[other, 1]), float(ray_in[other, 2])
            if find_face(ox, oy, oz, single) != face:
                farther = math.inf
                continue
            chord = max(chord, (ox - x) * (ox - x) + (oy - y) * (oy - y) + (oz - z) * (oz - z))
            qx, qy, qz = _to_face(face, ox, oy, oz, axes_in)
            qx, qy = qx / qz - px, qy / qz - py
            farther = max(farther, qx * qx + qy * qy)
        if farther < math.inf:
            measure_out[index, face, 4] = min(measure_out[index, face, 4], farther)
            measure_out[index, face, 5] = min(measure_out[index, face, 5], chord)


@scalar
def _find_plane(key: Any, view: int, largest: int, drawn: Draws, geometry: Geometry) -> Any:
    """Return the normal (any length) of a key's triangle in the camera's frame, and its product with a corner."""
    low = (key & LOW) - np.uint64(1)
    m = view * largest + np.int64(low >> np.uint64(20))
    level = drawn.level[m]
    first = geometry.level_vertex_start[level]
    t = geometry.level_triangle_start[level] + np.int64(low & np.uint64(0xFFFFF))
    i0, i1, i2 = first + geometry.triangle[t, 0], first + geometry.triangle[t, 1], first + geometry.triangle[t, 2]
    x, y, z = float(geometry.vertex[i0, 0]), float(geometry.vertex[i0, 1]), float(geometry.vertex[i0, 2])
    ax, ay, az = float(geometry.vertex[i1, 0]) - x, float(geometry.vertex[i1, 1]) - y, float(geometry.vertex[i1, 2]) - z
    bx, by, bz = float(geometry.vertex[i2, 0]) - x, float(geometry.vertex[i2, 1]) - y, float(geometry.vertex[i2, 2]) - z
    m0, m1, m2, m3 = drawn.matrix[m, 0], drawn.matrix[m, 1], drawn.matrix[m, 2], drawn.matrix[m, 3]
    m4, m5, m6, m7 = drawn.matrix[m, 4], drawn.matrix[m, 5], drawn.matrix[m, 6], drawn.matrix[m, 7]
    m8, m9, m10, m11 = drawn.matrix[m, 8], drawn.matrix[m, 9], drawn.matrix[m, 10], drawn.matrix[m, 11]
    px, py, pz = m0 * ax + m1 * ay + m2 * az, m4 * ax + m5 * ay + m6 * az, m8 * ax + m9 * ay + m10 * az
    qx, qy, qz = m0 * bx + m1 * by + m2 * bz, m4 * bx + m5 * by + m6 * bz, m8 * bx + m9 * by + m10 * bz
    nx, ny, nz = py * qz - pz * qy, pz * qx - px * qz, px * qy - py * qx
    cx, cy, cz = m0 * x + m1 * y + m2 * z + m3, m4 * x + m5 * y + m6 * z + m7, m8 * x + m9 * y + m10 * z + m11
    return nx, ny, nz, nx * cx + ny * cy + nz * cz


@scalar
def _warp_keys(
    index: int,
    band_count: int,
    columns: int,
    rows: int,
    face: int,
    single: int,
    focal: float,
    cx: float,
    cy: float,
    face_width: int,
    face_height: int,
    largest: int,
    axes_in: Any,
    ray_in: Any,
    row_in: Any,
    views_in: Views,
    drawn_in: Draws,
    geometry_in: Geometry,
    face_key_in: Any,
    key_out: Any,
) -> None:
    """Take one band of a lens view's keys from one of its faces.

    The nearest face sample tells what is seen. How far away is computed anew, as 1 / distance along the sample's own
    ray, from the plane of the triangle; where that plane is too steep, the face sample's distance stands.
    """
    place_in_group, band = index // band_count, index % band_count
    view = row_in[place_in_group]
    farthest = 1.0 / views_in.camera[view, 5]
    face_base = place_in_group * face_width * face_height
    known = np.uint64(0)
    nx, ny, nz, offset = 0.0, 0.0, 0.0, 0.0
    for row in range(rows * band // band_count, rows * (band + 1) // band_count):
        for column in range(columns):
            place = row * columns + column
            x, y, z = float(ray_in[place, 0]), float(ray_in[place, 1]), float(ray_in[place, 2])
            if find_face(x, y, z, single) != face:
                continue
            px, py, pz = _to_face(face, x, y, z, axes_in)
            u = min(max(int(math.floor(focal * px / pz + cx + 0.5)), 0), face_width - 1)
            v = min(max(int(math.floor(focal * py / pz + cy + 0.5)), 0), face_height - 1)
            key = face_key_in[face_base + v * face_width + u]
            low = key & LOW
            if low == np.uint64(0):
                continue
            if low != known:
                known = low
                nx, ny, nz, offset = _find_plane(key, view, largest, drawn_in, geometry_in)
            su, sv = (u - cx) / focal, (v - cy) / focal
            found = float(np.uint32(key >> np.uint64(32)).view(np.float32)) / math.sqrt(su * su + sv * sv + 1.0)
            nearness = (nx * x + ny * y + nz * z) / offset if offset != 0.0 else found
            if not (nearness < STRAYED * found and STRAYED * nearness > found):
                nearness = found
            if nearness >= farthest:
                bits = np.uint64(np.float32(nearness).view(np.uint32))
                key_out[view * columns * rows + place] = (bits << np.uint64(32)) | low


TRACE_LENS = Kernel(_trace_lens)
MEASURE_FACES = Kernel(_measure_faces)
WARP_KEYS = Kernel(_warp_keys)
