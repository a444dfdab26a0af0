"""Geometry: which instances a view draws, at which level of detail, by which matrix."""

from __future__ import annotations

import math
from typing import Any

from ...kernels.device import Kernel, scalar


@scalar
def _compose(row: Any, left: Any, left_row: int, offset: int, right: Any, right_row: int, out: Any) -> None:
    """Write the 3x4 product of two affine matrices in a fixed order of additions."""
    for i in range(3):
        a = left[left_row, offset + 4 * i]
        b = left[left_row, offset + 4 * i + 1]
        c = left[left_row, offset + 4 * i + 2]
        for j in range(4):
            value = a * right[right_row, j] + b * right[right_row, 4 + j] + c * right[right_row, 8 + j]
            if j == 3:
                value += left[left_row, offset + 4 * i + 3]
            out[row, 4 * i + j] = value


@scalar
def _invert_affine(row: int, matrix: Any, out: Any) -> None:
    """Write the inverse of a 3x4 affine matrix by its adjugate."""
    a, b, c, x = matrix[row, 0], matrix[row, 1], matrix[row, 2], matrix[row, 3]
    d, e, f, y = matrix[row, 4], matrix[row, 5], matrix[row, 6], matrix[row, 7]
    g, h, i, z = matrix[row, 8], matrix[row, 9], matrix[row, 10], matrix[row, 11]
    scale = 1.0 / (a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g))
    m0, m1, m2 = (e * i - f * h) * scale, (c * h - b * i) * scale, (b * f - c * e) * scale
    m3, m4, m5 = (f * g - d * i) * scale, (a * i - c * g) * scale, (c * d - a * f) * scale
    m6, m7, m8 = (d * h - e * g) * scale, (b * g - a * h) * scale, (a * e - b * d) * scale
    out[row, 0], out[row, 1], out[row, 2], out[row, 3] = m0, m1, m2, -(m0 * x + m1 * y + m2 * z)
    out[row, 4], out[row, 5], out[row, 6], out[row, 7] = m3, m4, m5, -(m3 * x + m4 * y + m5 * z)
    out[row, 8], out[row, 9], out[row, 10], out[row, 11] = m6, m7, m8, -(m6 * x + m7 * y + m8 * z)


@scalar
def largest_scale(instance: int, scale_in: Any) -> float:
    """Return the largest of an instance's scales."""
    return max(float(scale_in[instance, 0]), max(float(scale_in[instance, 1]), float(scale_in[instance, 2])))


@scalar
def choose_level(
    mesh: int, allowed_error: float, mesh_level_start_in: Any, mesh_level_count_in: Any, level_error_in: Any
) -> int:
    """Return the coarsest level whose error stays below the allowed one; levels are sorted by error."""
    level = mesh_level_start_in[mesh]
    for k in range(1, mesh_level_count_in[mesh]):
        if level_error_in[mesh_level_start_in[mesh] + k] <= allowed_error:
            level = mesh_level_start_in[mesh] + k
    return int(level)


@scalar
def _prepare_view(
    index: int,
    largest: int,
    width: int,
    height: int,
    pixel_error: float,
    camera_in: Any,
    view_world_in: Any,
    start_in: Any,
    mesh_in: Any,
    matrix_in: Any,
    scale_in: Any,
    center_in: Any,
    radius_in: Any,
    mesh_level_start_in: Any,
    mesh_level_count_in: Any,
    level_error_in: Any,
    level_out: Any,
    matrix_out: Any,
    inverse_out: Any,
) -> None:
    """Decide one (view, instance): culled (-1) or its level of detail, and its matrices."""
    view = index // largest
    world = view_world_in[view]
    instance = start_in[world] + index % largest
    level_out[index] = -1
    if instance >= start_in[world + 1]:
        return
    _compose(index, camera_in, view, 6, matrix_in, instance, matrix_out)
    _invert_affine(index, matrix_out, inverse_out)
    mesh = mesh_in[instance]
    cx, cy, cz = float(center_in[mesh, 0]), float(center_in[mesh, 1]), float(center_in[mesh, 2])
    x = matrix_out[index, 0] * cx + matrix_out[index, 1] * cy + matrix_out[index, 2] * cz + matrix_out[index, 3]
    y = matrix_out[index, 4] * cx + matrix_out[index, 5] * cy + matrix_out[index, 6] * cz + matrix_out[index, 7]
    z = matrix_out[index, 8] * cx + matrix_out[index, 9] * cy + matrix_out[index, 10] * cz + matrix_out[index, 11]
    widest = largest_scale(instance, scale_in)
    radius = float(radius_in[mesh]) * widest
    fx, fy, px, py = camera_in[view, 0], camera_in[view, 1], camera_in[view, 2], camera_in[view, 3]
    near, far = camera_in[view, 4], camera_in[view, 5]
    density = camera_in[view, 30]
    if density > 0.0:
        # A lens sees no frustum: its faces cull for it.
        distance = math.sqrt(x * x + y * y + z * z)
        if distance - radius > far:
            return
        footprint = max(distance - radius, near) / density
    else:
        if z + radius < near or z - radius > far:
            return
        left, right = px + 0.5, width - 0.5 - px
        top, bottom = py + 0.5, height - 0.5 - py
        if fx * x + left * z < -radius * math.sqrt(fx * fx + left * left):
            return
        if -fx * x + right * z < -radius * math.sqrt(fx * fx + right * right):
            return
        if fy * y + top * z < -radius * math.sqrt(fy * fy + top * top):
            return
        if -fy * y + bottom * z < -radius * math.sqrt(fy * fy + bottom * bottom):
            return
        footprint = max(z - radius, near) / max(fx, fy)
    level_out[index] = choose_level(
        mesh, pixel_error * footprint / widest, mesh_level_start_in, mesh_level_count_in, level_error_in
    )


@scalar
def _prepare_light(
    index: int,
    resolution: int,
    look_count: int,
    light_in: Any,
    start_in: Any,
    mesh_in: Any,
    matrix_in: Any,
    casts_in: Any,
    lower_in: Any,
    upper_in: Any,
    light_out: Any,
) -> None:
    """Fit one sun's shadow map to the boxes of what casts shadows: texel rows, nearness [m], texel size."""
    world = index // look_count
    look = index % look_count
    dx, dy, dz = float(light_in[world, look, 0]), float(light_in[world, look, 1]), float(light_in[world, look, 2])
    ax, ay, az = 1.0, 0.0, 0.0
    if abs(dx) > 0.9:
        ax, ay = 0.0, 1.0
    rx, ry, rz = ay * dz - az * dy, az * dx - ax * dz, ax * dy - ay * dx
    norm = math.sqrt(rx * rx + ry * ry + rz * rz)
    rx, ry, rz = rx / norm, ry / norm, rz / norm
    ux, uy, uz = dy * rz - dz * ry, dz * rx - dx * rz, dx * ry - dy * rx
    low_r, low_u, low_d = 1e30, 1e30, 1e30
    high_r, high_u = -1e30, -1e30
    for instance in range(start_in[world], start_in[world + 1]):
        if casts_in[instance] == 0:
            continue
        mesh = mesh_in[instance]
        for corner in range(8):
            x = float(upper_in[mesh, 0] if corner & 1 else lower_in[mesh, 0])
            y = float(upper_in[mesh, 1] if corner & 2 else lower_in[mesh, 1])
            z = float(upper_in[mesh, 2] if corner & 4 else lower_in[mesh, 2])
            m = matrix_in[instance]
            wx = m[0] * x + m[1] * y + m[2] * z + m[3]
            wy = m[4] * x + m[5] * y + m[6] * z + m[7]
            wz = m[8] * x + m[9] * y + m[10] * z + m[11]
            r = rx * wx + ry * wy + rz * wz
            u = ux * wx + uy * wy + uz * wz
            d = dx * wx + dy * wy + dz * wz
            low_r, high_r = min(low_r, r), max(high_r, r)
            low_u, high_u = min(low_u, u), max(high_u, u)
            low_d = min(low_d, d)
    texel = max(max(high_r - low_r, high_u - low_u) / (resolution - 6), 1e-6)
    light_out[index, 0], light_out[index, 1], light_out[index, 2] = rx / texel, ry / texel, rz / texel
    light_out[index, 3] = 3.0 - low_r / texel
    light_out[index, 4], light_out[index, 5], light_out[index, 6] = ux / texel, uy / texel, uz / texel
    light_out[index, 7] = 3.0 - low_u / texel
    light_out[index, 8], light_out[index, 9], light_out[index, 10] = dx, dy, dz
    light_out[index, 11] = 1.0 - low_d
    light_out[index, 12] = texel


@scalar
def _prepare_caster(
    index: int,
    largest: int,
    look_count: int,
    texel_error: float,
    light_in: Any,
    start_in: Any,
    mesh_in: Any,
    matrix_in: Any,
    scale_in: Any,
    casts_in: Any,
    mesh_level_start_in: Any,
    mesh_level_count_in: Any,
    level_error_in: Any,
    level_out: Any,
    matrix_out: Any,
) -> None:
    """Decide one (light, instance): no caster (-1) or its level of detail, and its matrix."""
    light = index // largest
    world = light // look_count
    instance = start_in[world] + index % largest
    level_out[index] = -1
    if instance >= start_in[world + 1] or casts_in[instance] == 0:
        return
    _compose(index, light_in, light, 0, matrix_in, instance, matrix_out)
    allowed = texel_error * light_in[light, 12] / largest_scale(instance, scale_in)
    level_out[index] = choose_level(
        mesh_in[instance], allowed, mesh_level_start_in, mesh_level_count_in, level_error_in
    )


PREPARE_VIEW = Kernel(_prepare_view)
PREPARE_LIGHT = Kernel(_prepare_light)
PREPARE_CASTER = Kernel(_prepare_caster)
