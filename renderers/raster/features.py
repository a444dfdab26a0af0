"""Features: what may occur in a picture, as bits, so that a CUDA kernel can be built without the rest.

A thread that never looks up a texture should not hold registers for it. The bits reach the kernels' functions as
constants: what they rule out is not compiled. The CPU's kernels are built for `ALL`, and ask the tables.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from .tables import Views, Worlds

TEXTURES: Final = 1
"""A material has a texture of any kind on a mesh with texture coordinates, or of colour on any mesh."""
GLOSS: Final = 2
"""A material has a texture of roughness and metalness."""
BUMPS: Final = 4
"""A material has a normal texture."""
PATTERNS: Final = 8
"""A material has a procedural pattern."""
PAINT: Final = TEXTURES | PATTERNS
TINTS: Final = 16
"""A mesh has vertex colours."""
SURFACES: Final = PAINT | GLOSS | BUMPS | TINTS
"""All that bears on what surfaces are made of."""
LENSES: Final = 32
"""A view has a lens."""
SUNS: Final = 64
"""Suns cast shadows."""
SOFT_SUNS: Final = 128
"""A sun that casts shadows has a radius."""
EXTRA: Final = 256
"""There are lamps, or a material gives off light."""
SKY_IMAGES: Final = 512
"""A look has a sky image."""
FOG: Final = 1024
"""A look has fog."""
GLASS: Final = 2048
"""There are transparent instances."""
SUPERSAMPLES: Final = 4096
"""A pixel has several samples."""
ALL: Final = 8191


def find_features(worlds: Worlds, views: Views, resolution: int, supersample: int) -> int:
    """Return which features occur in some pictures.

    Args:
        worlds: What they show, in host memory.
        views: How they show it.
        resolution: Texels per side of a sun's shadow map, 0 = no shadows.
        supersample: Colour samples per pixel side.
    """
    ints, light = worlds.material_ints, worlds.light
    found = {
        TEXTURES: worlds.needs_uv.any() or (ints[:, 0] >= 0).any(),
        GLOSS: (ints[:, 2] >= 0).any(),
        BUMPS: worlds.needs_frame.any(),
        PATTERNS: (ints[:, 1] > 0).any(),
        TINTS: worlds.has_color.any(),
        LENSES: (views.ray_start >= 0).any(),
        SUNS: resolution > 0,
        SOFT_SUNS: resolution > 0 and (light[:, :, 15] > np.float32(0)).any(),
        EXTRA: worlds.glows.any() or worlds.lamp.shape[2] > 0,
        SKY_IMAGES: (worlds.sky_image >= 0).any(),
        FOG: (light[:, :, 16] > np.float32(0)).any(),
        GLASS: worlds.transparent.any(),
        SUPERSAMPLES: supersample > 1,
    }
    return sum(feature for feature, occurs in found.items() if occurs)


def round_up(features: int) -> int:
    """Return the features of the build that serves some features; those that cost alike come together.

    Each build costs seconds of compiling: 192 of them serve every picture, and a campaign needs one or two.
    """
    built = features | FOG
    for together in (PAINT | TINTS, GLOSS | BUMPS, SOFT_SUNS | EXTRA):
        if features & together:
            built |= together
    return built | (PAINT | TINTS if features & (GLOSS | BUMPS) else 0)
