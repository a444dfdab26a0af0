"""Texture look-up: mip level by the pixel's size, bilinear within the level, in linear light."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.device import scalar

F0 = np.float32(0.0)
F1 = np.float32(1.0)
HALF = np.float32(0.5)


def linearize_texels(texels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Decode sRGB bytes to scene-linear light (IEC 61966-2-1).

    Args:
        texels: sRGB bytes, shape (N, 3).

    Returns:
        Linear values in [0, 1] and a zero that pads each texel to one 16-byte load, shape (N, 4).
    """
    code = np.arange(256) / 255.0
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4).astype(np.float32)
    table = np.zeros((len(texels), 4), np.float32)
    table[:, :3] = linear[texels]
    return table


@scalar(forceinline=True)
def sample_texture(
    texture: int,
    u: Any,
    v: Any,
    footprint: Any,
    texel_in: Any,
    offset_in: Any,
    width_in: Any,
    height_in: Any,
    levels_in: Any,
) -> Any:
    """Return a repeating texture's linear colour at (u, v); v runs up, as in OBJ files.

    `footprint` is the size of a pixel in texture coordinates, `texel_in` comes from `linearize_texels`.
    """
    width, height = int(width_in[texture]), int(height_in[texture])
    first = int(offset_in[texture])
    size = footprint * np.float32(max(width, height)) * np.float32(0.75)
    level = 0
    while size > F1 and level + 1 < levels_in[texture]:
        first += width * height
        width, height = max(width >> 1, 1), max(height >> 1, 1)
        size *= HALF
        level += 1
    u = u - np.float32(math.floor(u))
    v = F1 - v
    v = v - np.float32(math.floor(v))
    fx, fy = u * np.float32(width) - HALF, v * np.float32(height) - HALF
    x0, y0 = int(fx + F1) - 1, int(fy + F1) - 1
    tx, ty = fx - np.float32(x0), fy - np.float32(y0)
    x1, y1 = x0 + 1, y0 + 1
    x0 = width - 1 if x0 < 0 else x0
    y0 = height - 1 if y0 < 0 else y0
    x1 = 0 if x1 >= width else x1
    y1 = 0 if y1 >= height else y1
    w11 = tx * ty
    w10, w01 = tx - w11, ty - w11
    w00 = F1 - tx - w01
    # Row views would cost a reference count each: plain two-index loads here and in every inner loop.
    a, b = first + y0 * width + x0, first + y0 * width + x1
    c, d = first + y1 * width + x0, first + y1 * width + x1
    return (
        w00 * texel_in[a, 0] + w10 * texel_in[b, 0] + w01 * texel_in[c, 0] + w11 * texel_in[d, 0],
        w00 * texel_in[a, 1] + w10 * texel_in[b, 1] + w01 * texel_in[c, 1] + w11 * texel_in[d, 1],
        w00 * texel_in[a, 2] + w10 * texel_in[b, 2] + w01 * texel_in[c, 2] + w11 * texel_in[d, 2],
    )
