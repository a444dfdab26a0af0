"""Materials: albedo, roughness and metalness of a block of samples in one look."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kernels.device import scalar
from .patterns import evaluate_pattern
from .sampling import sample_texture
from .surface import (
    BLUE,
    DENSITY,
    FOOTPRINT,
    GREEN,
    LOCAL_NORMAL_X,
    LOCAL_NORMAL_Y,
    LOCAL_NORMAL_Z,
    LOCAL_X,
    LOCAL_Y,
    LOCAL_Z,
    METALLIC,
    RED,
    ROUGHNESS,
    TEXTURE_U,
    TEXTURE_V,
)

F0 = np.float32(0.0)
F1 = np.float32(1.0)
HALF = np.float32(0.5)


@scalar(forceinline=True)
def _paint_pattern(
    kind: int, origin: Any, run: int, frequency: Any, r: Any, g: Any, b: Any, dr: Any, dg: Any, db: Any,
    noise_in: Any, block: Any,
) -> None:  # fmt: skip
    for i in range(run):
        x = origin + np.uint64(i)
        weight = evaluate_pattern(
            kind, block[LOCAL_X + x] * frequency, block[LOCAL_Y + x] * frequency, block[LOCAL_Z + x] * frequency,
            block[LOCAL_NORMAL_X + x], block[LOCAL_NORMAL_Y + x], block[LOCAL_NORMAL_Z + x],
            block[FOOTPRINT + x] * frequency, noise_in,
        )  # fmt: skip
        block[RED + x], block[GREEN + x], block[BLUE + x] = r + dr * weight, g + dg * weight, b + db * weight


@scalar
def apply_materials(
    count: int,
    look: int,
    first_instance: int,
    stride: int,
    needs_uv_in: Any,
    material_in: Any,
    material_floats_in: Any,
    material_ints_in: Any,
    texel_in: Any,
    noise_in: Any,
    texture_offset_in: Any,
    texture_width_in: Any,
    texture_height_in: Any,
    texture_levels_in: Any,
    draws: Any,
    block: Any,
) -> None:
    """Write albedo, roughness and metalness into a block, by runs of one instance."""
    start = 0
    while start < count:
        draw = draws[np.uint64(start)]
        end = start + 1
        while end < count and draws[np.uint64(end)] == draw:
            end += 1
        origin, run = np.uint64(start), end - start
        start = end
        if draw < 0:
            for i in range(run):
                x = origin + np.uint64(i)
                block[RED + x], block[GREEN + x], block[BLUE + x] = HALF, HALF, HALF
                block[ROUGHNESS + x], block[METALLIC + x] = HALF, F0
            continue
        instance = first_instance + draw
        material = material_in[instance] + look * stride
        r, g, b = material_floats_in[material, 0], material_floats_in[material, 1], material_floats_in[material, 2]
        rough, metallic = material_floats_in[material, 3], material_floats_in[material, 4]
        texture, kind = material_ints_in[material, 0], material_ints_in[material, 1]
        for i in range(run):
            x = origin + np.uint64(i)
            block[ROUGHNESS + x], block[METALLIC + x] = rough, metallic
        if texture >= 0:
            repeats = material_floats_in[material, 9]
            textured = needs_uv_in[instance] == 1
            for i in range(run):
                x = origin + np.uint64(i)
                if textured:
                    u, v = block[TEXTURE_U + x], block[TEXTURE_V + x]
                else:
                    # Box projection: the two axes that lie most in the surface.
                    nx, ny, nz = block[LOCAL_NORMAL_X + x], block[LOCAL_NORMAL_Y + x], block[LOCAL_NORMAL_Z + x]
                    top, front = nz >= nx and nz >= ny, ny >= nx
                    u = block[LOCAL_X + x] if top or front else block[LOCAL_Y + x]
                    v = block[LOCAL_Y + x] if top else block[LOCAL_Z + x]
                footprint = block[FOOTPRINT + x] * block[DENSITY + x] * repeats
                red, green, blue = sample_texture(
                    texture, u * repeats, v * repeats, footprint, texel_in, texture_offset_in, texture_width_in,
                    texture_height_in, texture_levels_in,
                )  # fmt: skip
                block[RED + x], block[GREEN + x], block[BLUE + x] = red * r, green * g, blue * b
            continue
        dr = material_floats_in[material, 5] - r
        dg = material_floats_in[material, 6] - g
        db = material_floats_in[material, 7] - b
        frequency = F1 / material_floats_in[material, 8]
        # One loop per kind: the cheap ones vectorise.
        if kind == 1:
            _paint_pattern(1, origin, run, frequency, r, g, b, dr, dg, db, noise_in, block)
        elif kind == 2:
            _paint_pattern(2, origin, run, frequency, r, g, b, dr, dg, db, noise_in, block)
        elif kind > 0:
            _paint_pattern(kind, origin, run, frequency, r, g, b, dr, dg, db, noise_in, block)
        else:
            for i in range(run):
                x = origin + np.uint64(i)
                block[RED + x], block[GREEN + x], block[BLUE + x] = r, g, b
