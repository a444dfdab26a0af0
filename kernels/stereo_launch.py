"""The launches of `stereo_pixels.py`: a batch of stereo images on CUDA."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .depth_images import DepthImages
from .stereo_noise import noise_groups
from .stereo_pixels import (
    DRAW_NOISE,
    FATTEN,
    FIND_DISPARITY,
    HIDE_LINES,
    MEASURE_PIXELS,
    SUM_PIXELS,
    TEXTURE_PIXELS,
)
from .stereo_profile import StereoProfile

_WORKING_PIXELS: Final = 1 << 25
"""Pixels at once: 20 to 40 bytes of scratch each."""
_FATTENING: Final = 11


def measure_on_device(
    images: DepthImages[StereoProfile],
    tables: tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]],
    key: tuple[np.uint64, np.uint64],
    out: tuple[Any, Any],
) -> None:
    """Measure a batch.

    Args:
        images: What the sensor looks at.
        tables: Numbers, cells, windows and node weights of each profile.
        key: Key of the noise's stream.
        out: Depth [m] and status, shape (N H, W).
    """
    place, height, width = images.place, images.height, images.lines[1]
    most_cells, fattens = int(tables[1].min()), bool((tables[0][:, _FATTENING] > 0.0).any())
    rows, which_all, fx, *lent = place.lend_tables(images.rows, images.profiles.which, images.fx, *tables)
    parameters, cells, windows, weights = lent
    count, groups = len(images.rows), noise_groups(height, most_cells)
    columns = (width - 1) // most_cells + 1
    step = max(1, min(_WORKING_PIXELS // (height * width), count))
    size = step * height
    has_texture = images.intensity.shape[0] > 0
    true, fat = place.allocate((size, width), np.float64), place.allocate((size if fattens else 0, width), np.float64)
    noise = place.allocate((step * groups * 4, width), np.float32)
    texture = place.allocate((size if has_texture else 0, width), np.float32)
    sums = place.allocate((size if has_texture else 0, 2, width), np.float32)
    options: dict[str, Any] = {"device": "cuda"}
    for start in range(0, count, step):
        end = min(start + step, count)
        part, lines = slice(start * height, end * height), (end - start) * height
        depth, status = out[0][part], out[1][part]
        which, row, pixels = which_all[start:end], rows[start:end], lines * width
        ideal = images.depth[part]
        FIND_DISPARITY.launch(pixels, ideal, fx[start:end], which, parameters, height, true, depth, status, **options)
        HIDE_LINES.launch(lines, true[:lines], which, parameters, height, depth, status, **options)
        if fattens:
            FATTEN.launch(pixels, true, which, parameters, height, fat, status, **options)
        DRAW_NOISE.launch(
            (end - start) * groups * columns, row, which, cells, weights, *key, images.sensor, groups, columns, noise,
            **options,
        )  # fmt: skip
        if has_texture:
            SUM_PIXELS.launch(pixels, images.take("intensity", part), which, windows, height, sums, **options)
            TEXTURE_PIXELS.launch(pixels, sums, which, windows, height, texture, **options)
        MEASURE_PIXELS.launch(
            pixels, ideal, images.take("cosine", part), images.take("infrared", part), texture, fx[start:end], row,
            which, parameters, noise, weights, *key, images.sensor, height, groups * 4, fat if fattens else true, depth,
            status, **options,
        )  # fmt: skip
