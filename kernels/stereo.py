"""Active stereo depth: noise, quantisation and shadows made in disparity, with a status for every pixel.

The depth image is the left imager's; the second one stands a baseline B to its right. For a surface at depth z:

    d = f B / z                                              true disparity [px]
    d' = round((d + s n) / q) q,   z' = f B / d'             noise of standard deviation s, step q

so that sigma_z = z^2 s / (f B) and the depth step z^2 q / (f B) follow by themselves. n has unit variance at every
pixel and is correlated over the matcher's support: normals on a coarse grid, interpolated linearly and divided by the
interpolation's own standard deviation.

A surface is lost where the second imager cannot see it: outside its field (the left d pixels of the image) or behind a
nearer surface. The latter is a z-test per image line: each surface is drawn into the second imager's line, as wide as
it appears there, and a pixel is occluded where something nearer by more than the profile's step was drawn over it. It
is also lost at grazing incidence and on surfaces dark in the infrared, with a probability that falls linearly to zero
between two limits.

Draws, in the stream "depth": block 0, one per node column and four node rows of the coarse grid; block 1, one per
pixel, for loss.

Differs from a real sensor: no matching is done, so texture and glare have no influence, and edges are not fattened.

Sources: Intel, "Best-known methods for tuning Intel RealSense D400 depth cameras" (z^2 law, 1/32 px); librealsense
issue 3904 (0.08 px).
"""

from __future__ import annotations

import functools
import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .depth_images import DepthImages
from .depth_reading import LOW_SIGNAL, NO_SURFACE, OCCLUDED, OUT_OF_OVERLAP, TOO_FAR, TOO_NEAR, VALID
from .device import Kernel, scalar
from .philox import draw_block, stream_key
from .shadow_line import cast_line
from .stereo_profile import StereoProfile
from .surface_return import has_surface, kept_share
from .variates import normal, uniform64

_BLOCK_GRID: Final = 0
_BLOCK_LOSS: Final = 1


@scalar
def _grid_normal(key_0: Any, key_1: Any, row: Any, sensor: Any, column: Any, line: Any) -> Any:
    """Return the unit normal at a node of the coarse grid."""
    item = ((line >> 2) << 16) | column
    w0, w1, w2, w3 = draw_block(key_0, key_1, item, row, sensor, _BLOCK_GRID)
    k = line & 3
    word = (w0 if k == 0 else w1) if k < 2 else (w2 if k == 2 else w3)
    return normal(word)


@scalar
def _column_noise(key_0: Any, key_1: Any, row: Any, sensor: Any, column: Any, line: Any, upper: Any, lower: Any) -> Any:
    """Return the coarse noise of a node column at an image line between two node lines."""
    value = upper * _grid_normal(key_0, key_1, row, sensor, column, line)
    return value + lower * _grid_normal(key_0, key_1, row, sensor, column, line + 1)


@scalar
def _stereo_line(
    line: Any, depth_in: Any, cosine_in: Any, infrared_in: Any, fx_in: Any, row_in: Any, which_in: Any,
    parameter_in: Any, weight_in: Any, key_0: Any, key_1: Any, sensor: Any, height: Any, depth_out: Any,
    status_out: Any,
) -> None:  # fmt: skip
    width = depth_in.shape[1]
    image = line // height
    y = line - image * height
    row = row_in[image]
    which = which_in[image]
    baseline, deviation = parameter_in[which, 0], parameter_in[which, 1]
    step, largest = parameter_in[which, 2], parameter_in[which, 3]
    range_max, reach = parameter_in[which, 4], parameter_in[which, 5]
    cosine_full, cosine_none = parameter_in[which, 6], parameter_in[which, 7]
    infrared_full, infrared_none = parameter_in[which, 8], parameter_in[which, 9]
    focal_baseline = fx_in[image] * baseline
    inverse_step = 1.0 / step
    has_cosine = cosine_in.shape[0] > 0
    has_infrared = infrared_in.shape[0] > 0
    cell = np.int64(parameter_in[which, 10])
    node_line = y // cell
    upper, lower = weight_in[which, y - node_line * cell, 0], weight_in[which, y - node_line * cell, 1]

    # The second imager's line stands in depth_out. Pixel x looks at x - d <= x there, and pixels are done from the
    # right, so none is overwritten before its last use.
    cast_line(line, depth_in, focal_baseline, reach, False, 0, depth_out)

    column = (width - 1) // cell
    noise_right = _column_noise(key_0, key_1, row, sensor, column + 1, node_line, upper, lower)
    noise_left = _column_noise(key_0, key_1, row, sensor, column, node_line, upper, lower)
    within = width - 1 - column * cell
    for x in range(width - 1, -1, -1):
        if within < 0:
            column -= 1
            within = cell - 1
            noise_right = noise_left
            noise_left = _column_noise(key_0, key_1, row, sensor, column, node_line, upper, lower)
        noise = weight_in[which, within, 0] * noise_left + weight_in[which, within, 1] * noise_right
        within -= 1
        status = VALID
        depth = 0.0
        true_depth = depth_in[line, x]
        if not has_surface(true_depth):
            status = NO_SURFACE
        else:
            disparity = focal_baseline / np.float64(true_depth)
            if disparity > largest:
                status = TOO_NEAR
            elif true_depth > range_max:
                status = TOO_FAR
            elif disparity > x:
                status = OUT_OF_OVERLAP
            elif depth_out[line, np.int64(x - disparity + 0.5)] > disparity + reach:
                status = OCCLUDED
            else:
                kept = 1.0
                if has_cosine:
                    kept = kept_share(np.float64(cosine_in[line, x]), cosine_none, cosine_full)
                if has_infrared:
                    kept *= kept_share(np.float64(infrared_in[line, x]), infrared_none, infrared_full)
                if kept < 1.0:
                    word, _, _, _ = draw_block(key_0, key_1, y * width + x, row, sensor, _BLOCK_LOSS)
                    if not (uniform64(word) < kept):
                        status = LOW_SIGNAL
            if status == VALID:
                steps = math.floor((disparity + deviation * noise) * inverse_step + 0.5)
                if steps < 1.0 or steps * step * range_max < focal_baseline:
                    status = TOO_FAR
                elif steps * step > largest:
                    status = TOO_NEAR
                else:
                    depth = focal_baseline / (steps * step)
        depth_out[line, x] = np.float32(depth)
        status_out[line, x] = np.uint8(status)


_STEREO: Final = Kernel(_stereo_line)


def measure_stereo(images: DepthImages[StereoProfile], *, seed: int, threads: int | None = None) -> tuple[Any, Any]:
    """Measure depth images with an active stereo sensor; `apply_depth` is the public face.

    Args:
        images: What the sensor looks at.
        seed: Seed of the noise, [0, 2^64).
        threads: CPU threads; None for all.

    Returns:
        Depth [m] and status of each pixel, shape (N H, W).

    Source: Intel, "Best-known methods for tuning Intel RealSense D400 depth cameras"; sigma_z = z^2 s / (f B).
    """
    profiles = images.profiles.profiles
    parameters = np.array([
        (
            p.baseline, p.disparity_noise, p.disparity_step, p.disparity_max, p.range_max, p.occlusion_step,
            p.cosine_full, p.cosine_none, p.infrared_full, p.infrared_none, p.noise_cell,
        )
        for p in profiles
    ])  # fmt: skip
    weights = np.zeros((len(profiles), max(p.noise_cell for p in profiles), 2))
    for k, p in enumerate(profiles):
        weights[k, : p.noise_cell] = _weights(p.noise_cell)
    measured = images.place.allocate(images.lines, np.float32)
    status = images.place.allocate(images.lines, np.uint8)
    _STEREO.launch(
        images.lines[0], images.depth, images.cosine, images.infrared, images.fx, images.rows, images.profiles.which,
        parameters, weights, *stream_key(seed, "depth"), images.sensor, images.height, measured, status,
        device=images.place.device, threads=threads,
    )  # fmt: skip
    return measured, status


@functools.lru_cache(maxsize=16)
def _weights(cell: int) -> NDArray[np.float64]:
    # Linear weights at each of a cell's pixels, scaled so that their squares add to one: the noise keeps its variance.
    weights = np.empty((cell, 2))
    for k in range(cell):
        t = k / cell
        length = math.sqrt((1.0 - t) * (1.0 - t) + t * t)
        weights[k] = ((1.0 - t) / length, t / length)
    weights.flags.writeable = False
    return weights
