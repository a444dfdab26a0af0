"""Texture of an image: how strongly its brightness changes from pixel to pixel, relative to the brightness around.

    t^2 = mean(g_x^2 + g_y^2) / mean(I)^2

over a window of pixels, with central differences g [per px] and the image continued by its border. The scale of the
image does not matter.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from .depth_images import MAX_SIDE
from .device import Kernel, scalar

_ZERO: Final = np.float32(0.0)
_HUGE: Final = np.float32(3.0e38)
_QUARTER: Final = np.float32(0.25)
_PITCH: Final = MAX_SIDE + 80
WORK: Final = 2 * _PITCH
"""Working numbers of a band."""


@scalar(forceinline=True)
def brightness(value: Any) -> Any:
    """Return a brightness at least 0, float32."""
    # NaN, infinity and what is negative are dark.
    return value if (value > _ZERO) and (value < _HUGE) else _ZERO


@scalar
def _sum_line(line: Any, band: Any, intensity_in: Any, radius: Any, height: Any, work_out: Any, sum_out: Any) -> None:
    """Sum squared differences and brightness of a line over the window's columns."""
    width = intensity_in.shape[1]
    y = line % height
    above = line - 1 if y > 0 else line
    below = line + 1 if y < height - 1 else line
    for x in range(width):
        work_out[band, _PITCH + x] = brightness(intensity_in[line, x])
    for x in range(width):
        down = brightness(intensity_in[below, x]) - brightness(intensity_in[above, x])
        work_out[band, x] = down * down * _QUARTER
    for x in range(1, width - 1):
        along = work_out[band, _PITCH + x + 1] - work_out[band, _PITCH + x - 1]
        work_out[band, x] += along * along * _QUARTER
    for end in range(2):
        x = 0 if end == 0 else width - 1
        along = work_out[band, _PITCH + min(x + 1, width - 1)] - work_out[band, _PITCH + max(x - 1, 0)]
        work_out[band, x] += along * along * _QUARTER
    for plane in range(2):
        for x in range(width):
            sum_out[line, plane, x] = _ZERO
        for shift in range(-radius, radius + 1):
            first, last = max(-shift, 0), min(width - shift, width)
            for x in range(max(last - first, 0)):
                sum_out[line, plane, np.uint64(first + x)] += work_out[
                    band, np.uint64(plane * _PITCH + first + shift + x)
                ]


@scalar
def _sum_band(
    band: Any, intensity_in: Any, which_in: Any, window_in: Any, height: Any, lines: Any, work_out: Any, sum_out: Any
) -> None:
    for line in range(band * lines, min((band + 1) * lines, intensity_in.shape[0])):
        _sum_line(line, band, intensity_in, window_in[which_in[line // height]] // 2, height, work_out, sum_out)


@scalar
def _texture_line(line: Any, band: Any, sum_in: Any, radius: Any, height: Any, work_out: Any, texture_out: Any) -> None:
    width = texture_out.shape[1]
    y = line % height
    top, bottom = max(y - radius, 0), min(y + radius, height - 1)
    for x in range(width):
        work_out[band, x] = _ZERO
        work_out[band, _PITCH + x] = _ZERO
    for other in range(line - y + top, line - y + bottom + 1):
        for x in range(width):
            work_out[band, x] += sum_in[other, 0, x]
        for x in range(width):
            work_out[band, _PITCH + x] += sum_in[other, 1, x]
    rows = bottom - top + 1
    for x in range(width):
        columns = min(x + radius, width - 1) - max(x - radius, 0) + 1
        total = work_out[band, _PITCH + x]
        safe = total if total > _ZERO else np.float32(1.0)
        share = work_out[band, x] / safe * (np.float32(rows * columns) / safe)
        texture_out[line, x] = share if total > _ZERO else _ZERO


@scalar
def _texture_band(
    band: Any, sum_in: Any, which_in: Any, window_in: Any, height: Any, lines: Any, work_out: Any, texture_out: Any
) -> None:
    for line in range(band * lines, min((band + 1) * lines, texture_out.shape[0])):
        _texture_line(line, band, sum_in, window_in[which_in[line // height]] // 2, height, work_out, texture_out)


SUMS: Final = Kernel(_sum_band)
"""Launch over bands of lines, before `TEXTURE`: sums over the window's columns, shape (lines, 2, W)."""
TEXTURE: Final = Kernel(_texture_band)
"""Launch over bands of lines: t^2 of each pixel."""
