"""Active stereo on CUDA: a thread for each pixel, with the formulas of `stereo.py` and its parts.

A CPU's thread works through lines, several pixels at once, in scratch lines of its own; thousands of threads would need
gigabytes of them. Only what hides what is looked for line by line here too: a line's z-test is short where nothing
jumps.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from .depth_reading import LOW_SIGNAL, NO_MATCH, NO_SURFACE, OUT_OF_OVERLAP, SATURATED, TOO_FAR, TOO_NEAR, VALID
from .device import Kernel, scalar
from .matching import INFRARED, match_share
from .occlusion import hide_line, rise_limit
from .philox import draw_block
from .stereo_noise import BLOCK as BLOCK_NOISE
from .surface_return import kept_share
from .texture import brightness
from .variates import normal, uniform64

_BLOCK_LOSS: Final = 1
_ZERO: Final = np.float32(0.0)
_ONE: Final = np.float32(1.0)
_QUARTER: Final = np.float32(0.25)


@scalar
def _find_disparity(
    index: Any, depth_in: Any, fx_in: Any, which_in: Any, parameter_in: Any, height: Any, true_out: Any, seen_out: Any,
    status_out: Any,
) -> None:  # fmt: skip
    index = np.int64(index)
    width = depth_in.shape[1]
    line = index // width
    x = index - line * width
    image = line // height
    depth = np.float64(depth_in[line, x])
    focal_baseline = fx_in[image] * parameter_in[which_in[image], 0]
    true_out[line, x] = focal_baseline / (depth if (depth > 0.0) and (depth < 3.0e38) else math.inf)
    seen_out[line, x] = _ZERO
    status_out[line, x] = np.uint8(VALID)


@scalar
def _hide_line(
    line: Any, true_in: Any, which_in: Any, parameter_in: Any, height: Any, seen_out: Any, status_out: Any
) -> None:
    line = np.int64(line)
    width = true_in.shape[1]
    reach = parameter_in[which_in[line // height], 5]
    limit = rise_limit(reach)
    before = true_in[line, 0]
    for x in range(1, width):
        here = true_in[line, x]
        if here - before > limit:
            hide_line(line, line, width, reach, 0, true_in, seen_out, status_out)
            return
        before = here


@scalar
def _fatten_pixel(
    index: Any, true_in: Any, which_in: Any, parameter_in: Any, height: Any, true_out: Any, status_out: Any
) -> None:
    """Give a pixel beside a nearer surface its disparity."""
    index = np.int64(index)
    width = true_in.shape[1]
    line = index // width
    x = index - line * width
    which = which_in[line // height]
    radius, reach = np.int64(parameter_in[which, 11]), parameter_in[which, 5]
    here = true_in[line, x]
    nearest = here
    for other in range(max(x - radius, 0), min(x + radius + 1, width)):
        nearest = max(nearest, true_in[line, other])
    fat = here > 0.0 and nearest > here + reach
    true_out[line, x] = nearest if fat else here
    if fat:
        status_out[line, x] = np.uint8(VALID)


@scalar
def _draw_noise(
    index: Any, row_in: Any, which_in: Any, cell_in: Any, weight_in: Any, key_0: Any, key_1: Any, sensor: Any,
    groups: Any, columns: Any, noise_out: Any,
) -> None:  # fmt: skip
    """Write four noise lines between two columns of nodes."""
    index = np.int64(index)
    item = index // columns
    column = index - item * columns
    image = item // groups
    group = item - image * groups
    which = which_in[image]
    cell = cell_in[which]
    width = noise_out.shape[1]
    start = column * cell
    if start < width:
        row, first = row_in[image], item * 4
        w0, w1, w2, w3 = draw_block(key_0, key_1, (group << 16) | column, row, sensor, BLOCK_NOISE)
        n0, n1, n2, n3 = normal(w0), normal(w1), normal(w2), normal(w3)
        w0, w1, w2, w3 = draw_block(key_0, key_1, (group << 16) | (column + 1), row, sensor, BLOCK_NOISE)
        m0, m1, m2, m3 = normal(w0), normal(w1), normal(w2), normal(w3)
        for k in range(min(cell, width - start)):
            left, right = weight_in[which, k, 0], weight_in[which, k, 1]
            noise_out[first, start + k] = np.float32(left * n0 + right * m0)
            noise_out[first + 1, start + k] = np.float32(left * n1 + right * m1)
            noise_out[first + 2, start + k] = np.float32(left * n2 + right * m2)
            noise_out[first + 3, start + k] = np.float32(left * n3 + right * m3)


@scalar
def _sum_pixel(index: Any, intensity_in: Any, which_in: Any, window_in: Any, height: Any, sum_out: Any) -> None:
    """Sum squared differences and brightness over the window's columns."""
    index = np.int64(index)
    width = intensity_in.shape[1]
    line = index // width
    x = index - line * width
    image = line // height
    y = line - image * height
    above = line - 1 if y > 0 else line
    below = line + 1 if y < height - 1 else line
    radius = window_in[which_in[image]] // 2
    squares, lights = _ZERO, _ZERO
    for other in range(max(x - radius, 0), min(x + radius + 1, width)):
        down = brightness(intensity_in[below, other]) - brightness(intensity_in[above, other])
        right = brightness(intensity_in[line, min(other + 1, width - 1)])
        along = right - brightness(intensity_in[line, max(other - 1, 0)])
        square = down * down * _QUARTER
        square += along * along * _QUARTER
        squares += square
        lights += brightness(intensity_in[line, other])
    sum_out[line, 0, x] = squares
    sum_out[line, 1, x] = lights


@scalar
def _texture_pixel(index: Any, sum_in: Any, which_in: Any, window_in: Any, height: Any, texture_out: Any) -> None:
    """Sum over the window's lines, and write the square of the relative texture."""
    index = np.int64(index)
    width = texture_out.shape[1]
    line = index // width
    x = index - line * width
    image = line // height
    y = line - image * height
    radius = window_in[which_in[image]] // 2
    top, bottom = max(y - radius, 0), min(y + radius, height - 1)
    squares, total = _ZERO, _ZERO
    for other in range(line - y + top, line - y + bottom + 1):
        squares += sum_in[other, 0, x]
        total += sum_in[other, 1, x]
    columns = min(x + radius, width - 1) - max(x - radius, 0) + 1
    safe = total if total > _ZERO else _ONE
    share = squares / safe * (np.float32((bottom - top + 1) * columns) / safe)
    texture_out[line, x] = share if total > _ZERO else _ZERO


@scalar
def _measure_pixel(
    index: Any, depth_in: Any, cosine_in: Any, infrared_in: Any, texture_in: Any, fx_in: Any, row_in: Any,
    which_in: Any, parameter_in: Any, noise_in: Any, weight_in: Any, key_0: Any, key_1: Any, sensor: Any, height: Any,
    noise_lines: Any, true_in: Any, depth_out: Any, status_out: Any,
) -> None:  # fmt: skip
    index = np.int64(index)
    width = depth_in.shape[1]
    line = index // width
    x = index - line * width
    image = line // height
    y = line - image * height
    which = which_in[image]
    step, largest, range_max = parameter_in[which, 2], parameter_in[which, 3], parameter_in[which, 4]
    focal_baseline = fx_in[image] * parameter_in[which, 0]
    true = true_in[line, x]
    found: Any = np.int64(status_out[line, x])

    cell = np.int64(parameter_in[which, 10])
    node = y // cell
    upper = parameter_in[which, 1] * weight_in[which, y - node * cell, 0]
    lower = parameter_in[which, 1] * weight_in[which, y - node * cell, 1]
    node += image * noise_lines
    noise = upper * np.float64(noise_in[node, x]) + lower * np.float64(noise_in[node + 1, x])
    measured = np.floor((true + noise) * (1.0 / step) + 0.5) * step

    has_cosine, has_infrared = cosine_in.shape[0] > 0, infrared_in.shape[0] > 0
    has_texture = texture_in.shape[0] > 0
    returned, matched = 1.0, 1.0
    facing, reflectance, rough = 1.0, INFRARED, 0.0
    if has_cosine:
        given = np.float64(cosine_in[line, x])
        returned = kept_share(given, parameter_in[which, 7], parameter_in[which, 6])
        facing = given if given > 0.0 else 0.0
    if has_infrared:
        given = np.float64(infrared_in[line, x])
        returned *= kept_share(given, parameter_in[which, 9], parameter_in[which, 8])
        reflectance = given if given > 0.0 else 0.0
    if has_texture:
        rough = np.float64(texture_in[line, x])
    if has_infrared or has_texture:
        matched = match_share(
            true, reflectance, facing, rough, 1.0 / (focal_baseline * focal_baseline), parameter_in, which
        )
    if not (returned >= 1.0 and matched >= 1.0) and true > 0.0 and found == VALID:
        w0, w1, w2, w3 = draw_block(key_0, key_1, y * width + x, row_in[image], sensor, _BLOCK_LOSS)
        if matched < 0.0:
            found = SATURATED
        elif not (uniform64(w0) < returned):
            found = LOW_SIGNAL
        elif not (uniform64(w1) < matched):
            found = NO_MATCH
        elif matched < 1.0 and uniform64(w2) < parameter_in[which, 12]:
            steps = max(math.floor(largest / step), 1)
            measured = step * (1.0 + math.floor(uniform64(w3) * steps))

    status: Any = TOO_FAR if measured * range_max < focal_baseline or measured <= 0.0 else VALID
    status = TOO_NEAR if measured > largest else status
    status = found if found != VALID else status
    status = OUT_OF_OVERLAP if true > np.float64(x) else status
    status = TOO_FAR if np.float64(depth_in[line, x]) > range_max else status
    status = TOO_NEAR if true > largest else status
    status = NO_SURFACE if true <= 0.0 else status
    depth_out[line, x] = np.float32(focal_baseline / measured if status == VALID else 0.0)
    status_out[line, x] = np.uint8(status)


FIND_DISPARITY: Final = Kernel(_find_disparity)
HIDE_LINES: Final = Kernel(_hide_line)
FATTEN: Final = Kernel(_fatten_pixel)
DRAW_NOISE: Final = Kernel(_draw_noise)
SUM_PIXELS: Final = Kernel(_sum_pixel)
TEXTURE_PIXELS: Final = Kernel(_texture_pixel)
MEASURE_PIXELS: Final = Kernel(_measure_pixel)
