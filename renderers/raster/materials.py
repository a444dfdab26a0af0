"""Materials: albedo, roughness, metalness and bumps of a block of samples in one look."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...kernels.device import scalar
from .features import ALL, BUMPS, GLOSS, PATTERNS, TEXTURES, TINTS
from .patterns import evaluate_pattern
from .sampling import MOST_LEVELS, blend_texels, locate_texels
from .surface import (
    BLUE,
    DENSITY,
    FOOTPRINT,
    GREEN,
    HANDEDNESS,
    LOCAL_NORMAL_X,
    LOCAL_NORMAL_Y,
    LOCAL_NORMAL_Z,
    LOCAL_X,
    LOCAL_Y,
    LOCAL_Z,
    METALLIC,
    NORMAL_X,
    NORMAL_Y,
    NORMAL_Z,
    RED,
    ROUGHNESS,
    RUN_END,
    SMOOTH_X,
    SMOOTH_Y,
    SMOOTH_Z,
    TANGENT_X,
    TANGENT_Y,
    TANGENT_Z,
    TEXTURE_U,
    TEXTURE_V,
    TINT_BLUE,
    TINT_GREEN,
    TINT_RED,
    WORD_A,
    WORD_B,
    WORD_C,
    WORD_D,
)
from .tables import Textures, Worlds

F0 = np.float32(0.0)
F1 = np.float32(1.0)
HALF = np.float32(0.5)
SMOOTHEST = np.float32(0.03)
"""Roughness that a texture cannot undercut."""


@scalar(forceinline=True)
def _paint_pattern(
    kind: int, origin: Any, run: int, frequency: Any, r: Any, g: Any, b: Any, dr: Any, dg: Any, db: Any,
    block: Any,
) -> None:  # fmt: skip
    for i in range(run):
        x = origin + np.uint64(i)
        weight = evaluate_pattern(
            kind, block[LOCAL_X + x] * frequency, block[LOCAL_Y + x] * frequency, block[LOCAL_Z + x] * frequency,
            block[LOCAL_NORMAL_X + x], block[LOCAL_NORMAL_Y + x], block[LOCAL_NORMAL_Z + x],
            block[FOOTPRINT + x] * frequency,
        )  # fmt: skip
        block[RED + x], block[GREEN + x], block[BLUE + x] = r + dr * weight, g + dg * weight, b + db * weight


@scalar(forceinline=True)
def _look_up(textured: bool, origin: Any, run: int, repeats: Any, paint: Any, textures: Textures, block: Any) -> None:
    """Write the four packed texels around each sample into the words, and their shares into green and blue."""
    for i in range(run):
        x = origin + np.uint64(i)
        nx, ny, nz = block[LOCAL_NORMAL_X + x], block[LOCAL_NORMAL_Y + x], block[LOCAL_NORMAL_Z + x]
        # Box projection without coordinates of the mesh's own: the two axes that lie most in the surface.
        top = (nz >= nx) & (nz >= ny)
        lx, ly, lz = block[LOCAL_X + x], block[LOCAL_Y + x], block[LOCAL_Z + x]
        u = lx if top | (ny >= nx) else ly
        v = ly if top else lz
        u = block[TEXTURE_U + x] if textured else u
        v = block[TEXTURE_V + x] if textured else v
        footprint = block[FOOTPRINT + x] * block[DENSITY + x] * repeats
        place_a, place_b, place_c, place_d, level, tx, ty = locate_texels(
            u * repeats, v * repeats, footprint, paint[0], paint[1], paint[2]
        )
        block[WORD_A + x], block[WORD_B + x] = np.uint32(place_a).view(np.float32), np.uint32(place_b).view(np.float32)
        block[WORD_C + x], block[WORD_D + x] = np.uint32(place_c).view(np.float32), np.uint32(place_d).view(np.float32)
        block[RED + x], block[GREEN + x], block[BLUE + x] = np.uint32(level).view(np.float32), tx, ty
    for i in range(run):
        x = origin + np.uint64(i)
        first = np.uint64(textures.first[paint[3] + np.uint64(np.float32(block[RED + x]).view(np.uint32))])
        for word in (WORD_A, WORD_B, WORD_C, WORD_D):
            place = np.uint64(np.float32(block[word + x]).view(np.uint32))
            block[word + x] = np.uint32(textures.texel[first + place]).view(np.float32)


@scalar(forceinline=True)
def _describe(texture: Any, textures: Textures) -> Any:
    """Return a texture's width, height, coarsest level and place in the table of levels."""
    return (
        np.float32(textures.width[texture]), np.float32(textures.height[texture]),
        np.uint32(textures.levels[texture] - 1), np.uint64(MOST_LEVELS * texture),
    )  # fmt: skip


@scalar(forceinline=True)
def _blend(x: Any, block: Any) -> Any:
    """Return the linear red, green and blue between the texels in the words of a sample."""
    return blend_texels(
        np.float32(block[WORD_A + x]).view(np.uint32), np.float32(block[WORD_B + x]).view(np.uint32),
        np.float32(block[WORD_C + x]).view(np.uint32), np.float32(block[WORD_D + x]).view(np.uint32),
        block[GREEN + x], block[BLUE + x],
    )  # fmt: skip


@scalar(forceinline=True)
def _paint_texture(
    textured: bool, origin: Any, run: int, repeats: Any, r: Any, g: Any, b: Any, paint: Any,
    textures: Textures, block: Any,
) -> None:  # fmt: skip
    _look_up(textured, origin, run, repeats, paint, textures, block)
    for i in range(run):
        x = origin + np.uint64(i)
        red, green, blue = _blend(x, block)
        block[RED + x], block[GREEN + x], block[BLUE + x] = red * r, green * g, blue * b


@scalar
def _apply_gloss_texture(
    start: int, run: int, repeats: Any, rough: Any, metallic: Any, texture: int, textures: Textures, block: Any
) -> None:
    """Multiply roughness and metalness by a texture's green and blue."""
    origin = np.uint64(start)
    _look_up(True, origin, run, repeats, _describe(texture, textures), textures, block)
    for i in range(run):
        x = origin + np.uint64(i)
        _, green, blue = _blend(x, block)
        block[ROUGHNESS + x] = max(rough * green, SMOOTHEST)
        block[METALLIC + x] = metallic * blue


@scalar
def _apply_normal_texture(start: int, run: int, repeats: Any, texture: int, textures: Textures, block: Any) -> None:
    """Turn the normals by a texture in the frame of the tangents."""
    origin = np.uint64(start)
    _look_up(True, origin, run, repeats, _describe(texture, textures), textures, block)
    for i in range(run):
        x = origin + np.uint64(i)
        red, green, blue = _blend(x, block)
        along, across, up = red + red - F1, green + green - F1, blue + blue - F1
        across *= block[HANDEDNESS + x]
        nx, ny, nz = block[SMOOTH_X + x], block[SMOOTH_Y + x], block[SMOOTH_Z + x]
        tx, ty, tz = block[TANGENT_X + x], block[TANGENT_Y + x], block[TANGENT_Z + x]
        wx = along * tx + across * (ny * tz - nz * ty) + up * nx
        wy = along * ty + across * (nz * tx - nx * tz) + up * ny
        wz = along * tz + across * (nx * ty - ny * tx) + up * nz
        inverse = F1 / np.float32(math.sqrt(max(wx * wx + wy * wy + wz * wz, np.float32(1e-12))))
        block[NORMAL_X + x], block[NORMAL_Y + x], block[NORMAL_Z + x] = wx * inverse, wy * inverse, wz * inverse


@scalar(forceinline=True)
def paint_run(
    draw: Any, start: int, run: int, look: int, first_instance: int, stride: int, worlds: Worlds, textures: Textures,
    features: int, block: Any,
) -> None:  # fmt: skip
    """Write albedo, roughness and metalness of a run of one instance; `features` are those that may occur."""
    origin = np.uint64(start)
    if draw < 0:
        for i in range(run):
            x = origin + np.uint64(i)
            block[RED + x], block[GREEN + x], block[BLUE + x] = HALF, HALF, HALF
            block[ROUGHNESS + x], block[METALLIC + x] = HALF, F0
        return
    instance = first_instance + draw
    material = worlds.material[instance] + look * stride
    r, g, b = (
        worlds.material_floats[material, 0],
        worlds.material_floats[material, 1],
        worlds.material_floats[material, 2],
    )
    rough, metallic = worlds.material_floats[material, 3], worlds.material_floats[material, 4]
    texture, kind = worlds.material_ints[material, 0], worlds.material_ints[material, 1]
    for i in range(run):
        x = origin + np.uint64(i)
        block[ROUGHNESS + x], block[METALLIC + x] = rough, metallic
    repeats = worlds.material_floats[material, 9]
    textured = features & TEXTURES != 0 and worlds.needs_uv[instance] == 1
    if textured:
        gloss, bumps = worlds.material_ints[material, 2], worlds.material_ints[material, 3]
        if features & GLOSS != 0 and gloss >= 0:
            _apply_gloss_texture(int(origin), run, repeats, rough, metallic, gloss, textures, block)
        if features & BUMPS != 0 and bumps >= 0:
            _apply_normal_texture(int(origin), run, repeats, bumps, textures, block)
        elif features & BUMPS != 0 and worlds.needs_frame[instance] == 1:  # another look has turned them
            for i in range(run):
                x = origin + np.uint64(i)
                block[NORMAL_X + x], block[NORMAL_Y + x] = block[SMOOTH_X + x], block[SMOOTH_Y + x]
                block[NORMAL_Z + x] = block[SMOOTH_Z + x]
    dr = worlds.material_floats[material, 5] - r
    dg = worlds.material_floats[material, 6] - g
    db = worlds.material_floats[material, 7] - b
    frequency = F1 / worlds.material_floats[material, 8]
    # One loop per kind: inside a loop that knows its kind there is no branch, and it vectorises.
    if features & TEXTURES != 0 and texture >= 0:
        _paint_texture(textured, origin, run, repeats, r, g, b, _describe(texture, textures), textures, block)
    elif features & PATTERNS != 0 and kind == 1:
        _paint_pattern(1, origin, run, frequency, r, g, b, dr, dg, db, block)
    elif features & PATTERNS != 0 and kind == 2:
        _paint_pattern(2, origin, run, frequency, r, g, b, dr, dg, db, block)
    elif features & PATTERNS != 0 and kind == 3:
        _paint_pattern(3, origin, run, frequency, r, g, b, dr, dg, db, block)
    elif features & PATTERNS != 0 and kind == 4:
        _paint_pattern(4, origin, run, frequency, r, g, b, dr, dg, db, block)
    elif features & PATTERNS != 0 and kind == 5:
        _paint_pattern(5, origin, run, frequency, r, g, b, dr, dg, db, block)
    elif features & PATTERNS != 0 and kind == 6:
        _paint_pattern(6, origin, run, frequency, r, g, b, dr, dg, db, block)
    elif features & PATTERNS != 0 and kind == 7:
        _paint_pattern(7, origin, run, frequency, r, g, b, dr, dg, db, block)
    else:
        for i in range(run):
            x = origin + np.uint64(i)
            block[RED + x], block[GREEN + x], block[BLUE + x] = r, g, b
    if features & TINTS != 0 and worlds.has_color[instance] == 1:
        for i in range(run):
            x = origin + np.uint64(i)
            block[RED + x] *= block[TINT_RED + x]
            block[GREEN + x] *= block[TINT_GREEN + x]
            block[BLUE + x] *= block[TINT_BLUE + x]


@scalar(forceinline=True)
def apply_materials(
    count: int,
    look: int,
    first_instance: int,
    stride: int,
    worlds: Worlds,
    textures: Textures,
    draws: Any,
    block: Any,
) -> None:
    """Write albedo, roughness and metalness into a block, by runs of one instance."""
    start = 0
    while start < count:
        draw = draws[np.uint64(start)]
        end = int(block[RUN_END + np.uint64(start)])
        paint_run(draw, start, end - start, look, first_instance, stride, worlds, textures, ALL, block)
        start = end
