"""What a structured-light sensor samples: the disparity beside each pixel's centre, and the noise that is added to it.

Each loop has no branch and writes to planes that it does not read, so that the compiler works on several pixels at
once.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .device import Kernel, scalar
from .philox import draw_block
from .structured_light_noise import find_deviations
from .surface_return import has_surface
from .variates import normal, normal_quantile

PLANES: Final = 5
"""Planes of the working space: columns and lines from the pixel, noise [px], kept share, sampled disparity [px]."""

_NONE: Final = np.float32(0.0)
_HALF: Final = np.float32(0.5)
_ONE: Final = np.float32(1.0)
_TINY: Final = np.float32(1e-30)
_MOST: Final = 1e6
_LATERAL_BITS: Final = 11
_LATERAL_X: Final = np.uint64(32 - _LATERAL_BITS)
_LATERAL_Y: Final = np.uint64(32 - 2 * _LATERAL_BITS)
_LATERAL_MASK: Final = np.uint64((1 << _LATERAL_BITS) - 1)


def _lateral_table() -> NDArray[np.float32]:
    # Equally probable values of a normal distribution, their variance brought to 1. In the middle they are a thousandth
    # of the deviation apart, which is far below what a place within a pixel is known to.
    count = 1 << _LATERAL_BITS
    lower = [normal_quantile((k + 0.5) / count) for k in range(count // 2)]
    scale = math.sqrt(math.fsum(value * value for value in lower) / len(lower))
    values = [value / scale for value in lower]
    return np.array(values + [-value for value in reversed(values)], np.float32)


_LATERAL: Final = _lateral_table()


@scalar
def _invert_line(
    line: Any, total: Any, depth_in: Any, focal_baseline_in: Any, height: Any, disparity_out: Any
) -> None:  # fmt: skip
    """Turn depth into disparity, 0 where there is no surface, and in a line after the last one."""
    width = disparity_out.shape[1]
    if line >= total:
        for x in range(width):
            disparity_out[line, x] = _NONE
        return
    focal_baseline = focal_baseline_in[np.uint64(line) // np.uint64(height)]
    for x in range(width):
        depth = depth_in[line, x]
        present = has_surface(depth)
        disparity = focal_baseline / np.float64(depth if present else _ONE)
        disparity = np.float32(disparity if disparity < _MOST else _MOST)
        disparity_out[line, x] = disparity if present else _NONE


@scalar(forceinline=True)
def _weigh(weight: Any, disparity: Any, anchor: Any, reach: Any) -> Any:
    # By products: what is random is guessed wrong where it is a branch.
    return weight * np.float32(abs(disparity - anchor) <= reach) * np.float32(disparity > _NONE)


@scalar(forceinline=True)
def _sample(disparity_in: Any, here: Any, width: Any, right: Any, down: Any, reach: Any) -> Any:
    """Return the disparity beside a pixel, bilinear within the surface that is nearest to that place; 0 where none is.

    Pixels whose disparity differs from the nearest one's by more than `reach` belong to other surfaces.

    Args:
        disparity_in: Disparities of all lines, one after the other, and a line more: none is tested for the edge.
        here: Place of the pixel.
        width: Pixels of a line.
        right: Columns from the pixel; the place is within the image.
        down: Lines from the pixel.
        reach: Most that disparities on one surface differ [px].
    """
    whole_right, whole_down = np.floor(right), np.floor(down)
    u, v = right - whole_right, down - whole_down
    first = here + np.int64(whole_right) + np.int64(whole_down) * width
    # Unsigned, so that no index is taken for one that counts from the end.
    d00, d01 = disparity_in[np.uint64(first)], disparity_in[np.uint64(first + 1)]
    d10, d11 = disparity_in[np.uint64(first + width)], disparity_in[np.uint64(first + width + 1)]
    anchor = disparity_in[np.uint64(first + np.int64(u >= _HALF) + np.int64(v >= _HALF) * width)]
    w00 = _weigh((_ONE - v) * (_ONE - u), d00, anchor, reach)
    w01 = _weigh((_ONE - v) * u, d01, anchor, reach)
    w10 = _weigh(v * (_ONE - u), d10, anchor, reach)
    w11 = _weigh(v * u, d11, anchor, reach)
    # What is added changes no sum but zero.
    value = (w00 * d00 + w01 * d01 + w10 * d10 + w11 * d11) / (w00 + w01 + w10 + w11 + _TINY)
    return value if anchor > _NONE else _NONE


@scalar(forceinline=True)
def _clip(value: Any, low: Any, high: Any) -> Any:
    value = value if value > low else low
    return value if value < high else high


@scalar
def _spread_words(
    line: Any, plane: Any, column: Any, count: Any, lateral: Any, deviation: Any, word_in: Any, draw_out: Any
) -> None:
    """Turn the words of some pixels into planes 0 to 2."""
    first = np.uint64(column)
    for k in range(np.uint64(count)):
        word = np.uint64(word_in[line, plane, k])
        draw_out[line, 0, first + k] = lateral * _LATERAL[word >> _LATERAL_X]
        draw_out[line, 1, first + k] = lateral * _LATERAL[(word >> _LATERAL_Y) & _LATERAL_MASK]
    for k in range(np.uint64(count)):
        draw_out[line, 2, first + k] = np.float32(normal(np.uint64(word_in[line, plane + 1, k])) * deviation)


@scalar
def _draw_line(
    line: Any, disparity_in: Any, cosine_in: Any, focal_baseline_in: Any, row_in: Any, which_in: Any, noise_in: Any,
    key_0: Any, key_1: Any, sensor: Any, height: Any, word_out: Any, draw_out: Any,
) -> None:  # fmt: skip
    """Draw planes 0 to 2; a block serves two pixels, half a line apart."""
    width = disparity_in.shape[1]
    image = np.uint64(line) // np.uint64(height)
    y = line - np.int64(image) * height
    row = row_in[image]
    which = which_in[image]
    has_law = noise_in.law[which] != 0
    deviation = 1.0 if has_law else noise_in.value[which, 3]
    lateral = np.float32(1.0 if has_law else noise_in.value[which, 4])
    half = word_out.shape[2]
    for k in range(half):
        w0, w1, w2, w3 = draw_block(key_0, key_1, y * half + k, row, sensor, 0)
        word_out[line, 0, k] = np.uint32(w0)
        word_out[line, 1, k] = np.uint32(w1)
        word_out[line, 2, k] = np.uint32(w2)
        word_out[line, 3, k] = np.uint32(w3)
    _spread_words(line, 0, 0, half, lateral, deviation, word_out, draw_out)
    _spread_words(line, 2, half, width - half, lateral, deviation, word_out, draw_out)
    if has_law:
        focal_baseline = focal_baseline_in[image]
        has_cosine = cosine_in.shape[0] > 0
        for x in range(width):
            disparity = np.float64(disparity_in[line, x])
            cosine = np.float64(cosine_in[line, x]) if has_cosine else 1.0
            if disparity > 0.0 and cosine > 0.0:
                axial, across = find_deviations(noise_in, which, focal_baseline / disparity, cosine, focal_baseline)
                draw_out[line, 0, x] *= np.float32(across)
                draw_out[line, 1, x] *= np.float32(across)
                draw_out[line, 2, x] *= np.float32(axial)
            else:  # what fills such a pixel has the other law's noise
                draw_out[line, 2, x] *= np.float32(noise_in.value[which, 3])
    # The places stay within the image.
    last, up, down = np.float32(width - 1), np.float32(-y), np.float32(height - 1 - y)
    for x in range(width):
        draw_out[line, 0, x] = _clip(draw_out[line, 0, x], -np.float32(x), last - np.float32(x))
        draw_out[line, 1, x] = _clip(draw_out[line, 1, x], up, down)


@scalar
def _sample_line(
    line: Any, disparity_in: Any, flat_in: Any, which_in: Any, reach_in: Any, height: Any, draw_out: Any
) -> None:
    """Fill plane 4; where nothing is beside the pixel, with what is under it."""
    width = disparity_in.shape[1]
    # Unsigned: beside a signed division, or an index that may count from the end, the compiler gives up on the loop.
    reach = reach_in[which_in[np.uint64(line) // np.uint64(height)]]
    for x in range(width):
        own = disparity_in[line, x]
        sampled = _sample(flat_in, line * width + x, width, draw_out[line, 0, x], draw_out[line, 1, x], reach)
        draw_out[line, 4, x] = sampled if sampled > _NONE else own


INVERT: Final = Kernel(_invert_line)
DRAW: Final = Kernel(_draw_line)
SAMPLE: Final = Kernel(_sample_line)
