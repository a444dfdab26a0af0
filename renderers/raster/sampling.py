"""Texture look-up: mip level by the pixel's size, bilinear within the level, in linear light."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.device import scalar

F0 = np.float32(0.0)
F1 = np.float32(1.0)
HALF = np.float32(0.5)
MOST_LEVELS = 16
"""Levels that a texture's row of `tabulate_levels` has room for."""


def pack_texels(texels: NDArray[np.uint8], is_data: NDArray[np.bool_] | None = None) -> NDArray[np.uint32]:
    """Pack sRGB bytes (IEC 61966-2-1) as the square roots of their scene-linear light, one word per texel.

    A word costs one load per corner of a look-up, and a square is all its decoding. Red and green have 11 bits, blue
    has 10: linear light comes back within a quarter of a step of the sRGB byte.

    Args:
        texels: sRGB bytes, shape (N, 3).
        is_data: Which texels are linear numbers already, byte / 255, shape (N,); None = none.

    Returns:
        red | green << 11 | blue << 22, shape (N,).
    """
    code = np.arange(256) / 255.0
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    tables = np.stack([linear, code])
    fine, coarse = (np.rint(np.sqrt(tables) * most).astype(np.uint32) for most in (2047, 1023))
    kind = np.zeros(len(texels), np.intp) if is_data is None else is_data.astype(np.intp)
    red, green, blue = fine[kind, texels[:, 0]], fine[kind, texels[:, 1]], coarse[kind, texels[:, 2]]
    return np.asarray(red | green << np.uint32(11) | blue << np.uint32(22), np.uint32)


def tabulate_levels(
    offset: NDArray[np.int32], width: NDArray[np.int32], height: NDArray[np.int32], levels: NDArray[np.int32]
) -> NDArray[np.uint32]:
    """Tabulate the first texel of every mip level.

    Args:
        offset: First texel of each texture, shape (T,).
        width: Width of its finest level, shape (T,).
        height: Height of its finest level, shape (T,).
        levels: Number of its levels, at most `MOST_LEVELS`, shape (T,).

    Returns:
        First texels, shape (T, MOST_LEVELS), flattened.
    """
    table = np.zeros((len(offset), MOST_LEVELS), np.uint32)
    for row in range(len(offset)):
        first = int(offset[row])
        for level in range(int(levels[row])):
            table[row, level] = first
            first += max(int(width[row]) >> level, 1) * max(int(height[row]) >> level, 1)
    return table.reshape(-1)


@scalar(forceinline=True)
def decode_texel(texel: Any) -> Any:
    """Return a packed texel's linear light, times (2047^2, 2047^2, 1023^2)."""
    red = np.float32(np.int32(texel & np.uint32(2047)))
    green = np.float32(np.int32(np.uint32(texel >> np.uint32(11)) & np.uint32(2047)))
    blue = np.float32(np.int32(np.uint32(texel >> np.uint32(22))))
    return red * red, green * green, blue * blue


@scalar(forceinline=True)
def locate_texels(u: Any, v: Any, footprint: Any, width: Any, height: Any, coarsest: Any) -> Any:
    """Return where a repeating texture is looked up at (u, v); v runs up, as in OBJ files.

    No branches, so that it vectorises; so does `blend_texels`. Only the loads between them cannot.

    Args:
        u: Texture coordinate to the right (float32).
        v: Texture coordinate upwards (float32).
        footprint: Size of a pixel in texture coordinates (float32).
        width: Width of the finest level (float32).
        height: Its height (float32).
        coarsest: Last level (uint32).

    Returns:
        Texels of the upper left, upper right, lower left and lower right (uint32, from the level's first texel), the
        level (uint32), and the share of the right and of the lower texels (float32).
    """
    size = np.float32(footprint * max(width, height) * np.float32(0.75))
    # The exponent of a float is the whole part of its binary logarithm: this is its ceiling, from level 0 up.
    exponent = np.uint32(np.uint32(size.view(np.uint32) + np.uint32(0x7FFFFF)) >> np.uint32(23))
    level = np.uint32(min(np.uint32(max(exponent, np.uint32(127)) - np.uint32(127)), coarsest))
    shrink = np.uint32(np.uint32(np.uint32(127) - level) << np.uint32(23)).view(np.float32)
    width = max(np.float32(np.floor(width * shrink)), F1)
    height = max(np.float32(np.floor(height * shrink)), F1)
    u -= np.float32(np.floor(u))
    v = F1 - v
    v -= np.float32(np.floor(v))
    fx, fy = u * width - HALF, v * height - HALF
    x0, y0 = np.float32(np.floor(fx)), np.float32(np.floor(fy))
    tx, ty = fx - x0, fy - y0
    x1, y1 = x0 + F1, y0 + F1
    x0 = x0 if x0 >= F0 else width - F1
    y0 = y0 if y0 >= F0 else height - F1
    x1 = x1 if x1 < width else F0
    y1 = y1 if y1 < height else F0
    left, right, stride = np.uint32(np.int32(x0)), np.uint32(np.int32(x1)), np.uint32(np.int32(width))
    upper, lower = np.uint32(np.uint32(np.int32(y0)) * stride), np.uint32(np.uint32(np.int32(y1)) * stride)
    return (
        np.uint32(upper + left), np.uint32(upper + right), np.uint32(lower + left), np.uint32(lower + right),
        level, tx, ty,
    )  # fmt: skip


@scalar(forceinline=True)
def blend_texels(a: Any, b: Any, c: Any, d: Any, tx: Any, ty: Any) -> Any:
    """Return the linear red, green and blue (float32) between four packed texels."""
    w11 = tx * ty
    w10, w01 = tx - w11, ty - w11
    w00 = F1 - tx - w01
    a_red, a_green, a_blue = decode_texel(a)
    b_red, b_green, b_blue = decode_texel(b)
    c_red, c_green, c_blue = decode_texel(c)
    d_red, d_green, d_blue = decode_texel(d)
    fine, coarse = np.float32(1.0 / 2047**2), np.float32(1.0 / 1023**2)
    return (
        (w00 * a_red + w10 * b_red + w01 * c_red + w11 * d_red) * fine,
        (w00 * a_green + w10 * b_green + w01 * c_green + w11 * d_green) * fine,
        (w00 * a_blue + w10 * b_blue + w01 * c_blue + w11 * d_blue) * coarse,
    )
