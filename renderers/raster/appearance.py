"""Appearance: materials, shadows and light over a visibility result, once per look."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kernels.device import Kernel, scalar
from .patterns import evaluate_pattern
from .sampling import sample_texture
from .shading import shade_samples
from .surface import (
    ALBEDO,
    DENSITY,
    FACE,
    FOOTPRINT,
    LOCAL,
    LOCAL_NORMAL,
    METALLIC,
    NORMAL,
    POSITION,
    ROUGHNESS,
    SUN,
    TEXTURE,
    VIEW,
    gather_row,
)

F0 = np.float32(0.0)
F1 = np.float32(1.0)
HALF = np.float32(0.5)
STEEPEST = np.float32(6.0)
"""Largest slope of a receiver towards the sun that the shadow look-up follows."""


@scalar
def _apply_materials(
    columns: int,
    look: int,
    first_instance: int,
    stride: int,
    draws: Any,
    mesh_in: Any,
    has_uv_in: Any,
    material_in: Any,
    material_floats_in: Any,
    material_ints_in: Any,
    texel_in: Any,
    noise_in: Any,
    texture_offset_in: Any,
    texture_width_in: Any,
    texture_height_in: Any,
    texture_levels_in: Any,
    buffer: Any,
) -> None:
    """Write albedo, roughness and metallic of one look into a row of samples."""
    for x in range(columns):
        if draws[x] < 0:
            for k in range(5):
                buffer[ALBEDO + k, x] = HALF
            continue
        instance = first_instance + draws[x]
        material = material_in[instance] + look * stride
        texture, pattern = material_ints_in[material, 0], material_ints_in[material, 1]
        buffer[ROUGHNESS, x], buffer[METALLIC, x] = material_floats_in[material, 3], material_floats_in[material, 4]
        if texture >= 0:
            repeats = material_floats_in[material, 9]
            if has_uv_in[mesh_in[instance]] == 1:
                u, v = buffer[TEXTURE, x] * repeats, buffer[TEXTURE + 1, x] * repeats
            else:
                nx, ny, nz = buffer[LOCAL_NORMAL, x], buffer[LOCAL_NORMAL + 1, x], buffer[LOCAL_NORMAL + 2, x]
                px, py, pz = buffer[LOCAL, x], buffer[LOCAL + 1, x], buffer[LOCAL + 2, x]
                if nz >= nx and nz >= ny:
                    u, v = px * repeats, py * repeats
                elif ny >= nx:
                    u, v = px * repeats, pz * repeats
                else:
                    u, v = py * repeats, pz * repeats
            footprint = buffer[FOOTPRINT, x] * buffer[DENSITY, x] * repeats
            sample_texture(
                texture, u, v, footprint, texel_in, texture_offset_in, texture_width_in,
                texture_height_in, texture_levels_in, ALBEDO, buffer, x,
            )  # fmt: skip
            buffer[ALBEDO, x] *= material_floats_in[material, 0]
            buffer[ALBEDO + 1, x] *= material_floats_in[material, 1]
            buffer[ALBEDO + 2, x] *= material_floats_in[material, 2]
            continue
        weight = F0
        if pattern > 0:
            frequency = F1 / material_floats_in[material, 8]
            weight = evaluate_pattern(
                pattern, buffer[LOCAL, x] * frequency, buffer[LOCAL + 1, x] * frequency, buffer[LOCAL + 2, x] * frequency,
                buffer[LOCAL_NORMAL, x], buffer[LOCAL_NORMAL + 1, x], buffer[LOCAL_NORMAL + 2, x],
                buffer[FOOTPRINT, x] * frequency, noise_in,
            )  # fmt: skip
        buffer[ALBEDO, x] = (
            material_floats_in[material, 0]
            + (material_floats_in[material, 5] - material_floats_in[material, 0]) * weight
        )
        buffer[ALBEDO + 1, x] = (
            material_floats_in[material, 1]
            + (material_floats_in[material, 6] - material_floats_in[material, 1]) * weight
        )
        buffer[ALBEDO + 2, x] = (
            material_floats_in[material, 2]
            + (material_floats_in[material, 7] - material_floats_in[material, 2]) * weight
        )


@scalar(forceinline=True)
def _is_lit(place: int, expected: Any, shadow_in: Any) -> Any:
    return F1 if np.uint32(shadow_in[place]).view(np.float32) <= expected else F0


@scalar
def _cast_shadows(
    columns: int,
    light: int,
    resolution: int,
    bias: Any,
    draws: Any,
    first_instance: int,
    largest: int,
    view: int,
    scale_in: Any,
    level_error_in: Any,
    level_in: Any,
    caster_level_in: Any,
    light_in: Any,
    shadow_in: Any,
    buffer: Any,
) -> None:
    """Write the sun's visible share into a row of samples.

    Each tap is compared with the depth that the receiver's own plane has there (Isidoro 2006, "Shadow mapping: GPU-based
    tips and techniques"), so that no bias by slope is needed and shadows touch what casts them.
    """
    texel = np.float32(light_in[light, 12])
    a0, a1, a2, a3 = (
        np.float32(light_in[light, 0]), np.float32(light_in[light, 1]),
        np.float32(light_in[light, 2]), np.float32(light_in[light, 3]),
    )  # fmt: skip
    b0, b1, b2, b3 = (
        np.float32(light_in[light, 4]), np.float32(light_in[light, 5]),
        np.float32(light_in[light, 6]), np.float32(light_in[light, 7]),
    )  # fmt: skip
    c0, c1, c2, c3 = (
        np.float32(light_in[light, 8]), np.float32(light_in[light, 9]),
        np.float32(light_in[light, 10]), np.float32(light_in[light, 11]),
    )  # fmt: skip
    base = light * resolution * resolution
    last = np.float32(resolution - 2)
    known = -1
    slack = F0
    for x in range(columns):
        if draws[x] < 0:
            buffer[SUN, x] = F0
            continue
        gx, gy, gz = buffer[FACE, x], buffer[FACE + 1, x], buffer[FACE + 2, x]
        towards = gx * c0 + gy * c1 + gz * c2
        if towards <= F0:
            buffer[SUN, x] = F0
            continue
        if draws[x] != known:
            known = draws[x]
            error = level_error_in[level_in[view * largest + known]]
            caster = caster_level_in[light * largest + known]
            if caster >= 0:
                error += level_error_in[caster]
            i = first_instance + known
            slack = bias * texel + error * max(scale_in[i, 0], max(scale_in[i, 1], scale_in[i, 2]))
        px, py, pz = buffer[POSITION, x], buffer[POSITION + 1, x], buffer[POSITION + 2, x]
        u = a0 * px + a1 * py + a2 * pz + a3
        v = b0 * px + b1 * py + b2 * pz + b3
        if not (u >= F0 and v >= F0 and u < last and v < last):
            buffer[SUN, x] = F1
            continue
        nearness = c0 * px + c1 * py + c2 * pz + c3
        inverse = -texel * texel / towards
        slope_u = (gx * a0 + gy * a1 + gz * a2) * inverse
        slope_v = (gx * b0 + gy * b1 + gz * b2) * inverse
        limit = STEEPEST * texel
        slope_u = min(max(slope_u, -limit), limit)
        slope_v = min(max(slope_v, -limit), limit)
        expected = nearness + slack + bias * (abs(slope_u) + abs(slope_v))
        iu, iv = int(u), int(v)
        tu, tv = u - np.float32(iu), v - np.float32(iv)
        place = base + iv * resolution + iu
        expected -= tu * slope_u + tv * slope_v
        lit = (F1 - tv) * (
            (F1 - tu) * _is_lit(place, expected, shadow_in) + tu * _is_lit(place + 1, expected + slope_u, shadow_in)
        )
        expected += slope_v
        place += resolution
        lit += tv * (
            (F1 - tu) * _is_lit(place, expected, shadow_in) + tu * _is_lit(place + 1, expected + slope_u, shadow_in)
        )
        buffer[SUN, x] = lit


@scalar
def _show_sky(columns: int, draws: Any, light: Any, buffer: Any) -> None:
    """Write the sky's radiance where a row of samples sees nothing."""
    for x in range(columns):
        if draws[x] < 0:
            up = -buffer[VIEW + 2, x]
            blend = min(max(up * np.float32(10.0) + HALF, F0), F1)
            for k in range(3):
                above = light[9 + k] + (light[6 + k] - light[9 + k]) * max(up, F0)
                buffer[ALBEDO + k, x] = light[12 + k] + (above - light[12 + k]) * blend


@scalar
def _shade_view(
    index: int,
    band_count: int,
    largest: int,
    width: int,
    height: int,
    samples: int,
    look_count: int,
    resolution: int,
    bias: Any,
    camera_in: Any,
    view_world_in: Any,
    start_in: Any,
    mesh_in: Any,
    scale_in: Any,
    normal_matrix_in: Any,
    material_in: Any,
    stride_in: Any,
    material_floats_in: Any,
    material_ints_in: Any,
    light_in: Any,
    has_uv_in: Any,
    level_in: Any,
    inverse_in: Any,
    level_error_in: Any,
    level_vertex_start_in: Any,
    level_triangle_start_in: Any,
    vertex_in: Any,
    vertex_normal_in: Any,
    uv_in: Any,
    triangle_in: Any,
    texel_in: Any,
    noise_in: Any,
    texture_offset_in: Any,
    texture_width_in: Any,
    texture_height_in: Any,
    texture_levels_in: Any,
    light_matrix_in: Any,
    caster_level_in: Any,
    shadow_in: Any,
    keys_in: Any,
    buffer_out: Any,
    draw_out: Any,
    colour_out: Any,
) -> None:
    """Shade one band of rows of one view in every look."""
    view = index // band_count
    band = index % band_count
    world = view_world_in[view]
    columns, rows = width * samples, height * samples
    share = np.float32(1.0 / (samples * samples))
    buffer, draws = buffer_out[index], draw_out[index]
    for row in range(height * band // band_count, height * (band + 1) // band_count):
        for sub_row in range(samples):
            gather_row(
                index, view, row * samples + sub_row, columns, rows, samples, largest, camera_in, start_in[world],
                mesh_in, scale_in, normal_matrix_in, has_uv_in, level_in, inverse_in, level_vertex_start_in,
                level_triangle_start_in, vertex_in, vertex_normal_in, uv_in, triangle_in, keys_in, buffer_out, draw_out,
            )  # fmt: skip
            for look in range(look_count):
                _apply_materials(
                    columns, look, start_in[world], stride_in[world], draws, mesh_in, has_uv_in, material_in,
                    material_floats_in, material_ints_in, texel_in, noise_in, texture_offset_in, texture_width_in,
                    texture_height_in, texture_levels_in, buffer,
                )  # fmt: skip
                if resolution > 0:
                    _cast_shadows(
                        columns, world * look_count + look, resolution, bias, draws, start_in[world], largest, view,
                        scale_in, level_error_in, level_in, caster_level_in, light_matrix_in, shadow_in, buffer,
                    )  # fmt: skip
                else:
                    for x in range(columns):
                        buffer[SUN, x] = F1
                light = light_in[world, look]
                shade_samples(columns, NORMAL, VIEW, ALBEDO, SUN, light, buffer)
                _show_sky(columns, draws, light, buffer)
                colour = colour_out[view, look, row]
                if samples == 1:
                    for x in range(width):
                        for k in range(3):
                            colour[x, k] = buffer[ALBEDO + k, x]
                    continue
                for x in range(width):
                    for k in range(3):
                        total = F0
                        for s in range(samples):
                            total += buffer[ALBEDO + k, x * samples + s]
                        if sub_row == 0:
                            colour[x, k] = total * share
                        else:
                            colour[x, k] += total * share


SHADE_VIEW = Kernel(_shade_view)
