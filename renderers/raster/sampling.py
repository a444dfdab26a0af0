"""Texture look-up: mip level by the pixel's size, bilinear within the level, in linear light."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...kernels.device import scalar

F0 = np.float32(0.0)
F1 = np.float32(1.0)
HALF = np.float32(0.5)


def make_linear_table() -> Any:
    """Make the 256 scene-linear values of sRGB bytes (IEC 61966-2-1), float32, shape (256,)."""
    code = np.arange(256) / 255.0
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


@scalar
def _bilinear(
    texel_in: Any, linear_in: Any, first: int, width: int, height: int, u: Any, v: Any, field: int, buffer_out: Any, x: int
) -> None:
    """Write the linear colour at (u, v) of one repeating level into three fields of a buffer."""
    fx = u * np.float32(width) - HALF
    fy = v * np.float32(height) - HALF
    cx, cy = np.float32(math.floor(fx)), np.float32(math.floor(fy))
    tx, ty = fx - cx, fy - cy
    x0, y0 = int(cx), int(cy)
    x0 = 0 if x0 < 0 and width == 1 else (x0 + width if x0 < 0 else x0)
    y0 = 0 if y0 < 0 and height == 1 else (y0 + height if y0 < 0 else y0)
    x0, y0 = min(x0, width - 1), min(y0, height - 1)
    x1 = x0 + 1 if x0 + 1 < width else 0
    y1 = y0 + 1 if y0 + 1 < height else 0
    w11 = tx * ty
    w10, w01 = tx - w11, ty - w11
    w00 = F1 - tx - w01
    a, b = first + y0 * width + x0, first + y0 * width + x1
    c, d = first + y1 * width + x0, first + y1 * width + x1
    for k in range(3):
        buffer_out[field + k, x] = (
            w00 * linear_in[texel_in[a, k]]
            + w10 * linear_in[texel_in[b, k]]
            + w01 * linear_in[texel_in[c, k]]
            + w11 * linear_in[texel_in[d, k]]
        )


@scalar
def sample_texture(
    texture: int,
    u: Any,
    v: Any,
    footprint: Any,
    texel_in: Any,
    linear_in: Any,
    offset_in: Any,
    width_in: Any,
    height_in: Any,
    levels_in: Any,
    field: int,
    buffer_out: Any,
    x: int,
) -> None:
    """Write a repeating texture's linear colour into three fields of a buffer.

    Args:
        texture: Row of the texture.
        u, v: Texture coordinates; v runs up, as in OBJ files (float32).
        footprint: Size of a pixel in texture coordinates (float32), >= 0.
        texel_in: sRGB bytes of all levels of all textures, shape (Nx, 3).
        linear_in: Linear values of the 256 codes.
        offset_in, width_in, height_in, levels_in: Where each texture lies and how large it is.
        field: First of three rows of the buffer.
        buffer_out: Receives the colour, shape (fields, width).
        x: Column of the buffer.
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
    _bilinear(texel_in, linear_in, first, width, height, u, v, field, buffer_out, x)
