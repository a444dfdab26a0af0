"""Sub-pixel disparity by least squares, from a disparity that is right to within a pixel.

A matcher's parabola through three costs pulls disparities towards whole pixels. Here the shift that makes the windows
equal is found instead by Gauss-Newton steps:

    minimise over d  sum over the window of (L(x) - R(x - d) - mean difference)^2

with R interpolated by the cubic of Keys (a = -1/2) and its derivative. A window without texture along the line, or
whose solution leaves the matcher's by more than a pixel, keeps the matcher's disparity.

Sources: Lucas and Kanade, "An iterative image registration technique with an application to stereo vision", IJCAI 1981;
Shimizu and Okutomi, "Sub-pixel estimation error cancellation on area-based matching", IJCV 63(3), 2005 (the pull
towards whole pixels); Keys, "Cubic convolution interpolation for digital image processing", ASSP 29(6), 1981.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .device import Kernel, scalar

_STEPS: Final = 4
_SMALL: Final = 2e-3
_LEAST_ENERGY: Final = 4.0
"""Least mean square of the gradient about its mean [DN²/px²]."""


@scalar
def _refine_pixel(pixel: Any, left_in: Any, right_in: Any, disparity_in: Any, radius: Any, refined_out: Any) -> None:
    height, width = left_in.shape
    y = pixel // width
    x = pixel - y * width
    start = np.float64(disparity_in[y, x])
    refined_out[y, x] = np.float32(start)
    if start <= 0.0:
        return
    first_y, last_y = max(y - radius, 0), min(y + radius, height - 1)
    first_x, last_x = max(x - radius, 0), min(x + radius, width - 1)
    found = start
    for _ in range(_STEPS):
        whole = np.int64(math.floor(-found))
        t = -found - whole
        # Values and slopes at x + t of a cubic through x - 1 ... x + 2.
        w0, w1 = ((2.0 - t) * t - 1.0) * t * 0.5, ((3.0 * t - 5.0) * t * t + 2.0) * 0.5
        w2, w3 = ((4.0 - 3.0 * t) * t + 1.0) * t * 0.5, (t - 1.0) * t * t * 0.5
        g0, g1 = ((4.0 - 3.0 * t) * t - 1.0) * 0.5, (9.0 * t - 10.0) * t * 0.5
        g2, g3 = ((8.0 - 9.0 * t) * t + 1.0) * 0.5, (3.0 * t - 2.0) * t * 0.5
        count, sum_g, sum_e, sum_gg, sum_ge = 0.0, 0.0, 0.0, 0.0, 0.0
        for row in range(first_y, last_y + 1):
            for column in range(max(first_x, 1 - whole), min(last_x, width - 3 - whole) + 1):
                there = column + whole
                r0, r1 = np.float64(right_in[row, there - 1]), np.float64(right_in[row, there])
                r2, r3 = np.float64(right_in[row, there + 1]), np.float64(right_in[row, there + 2])
                slope = g0 * r0 + g1 * r1 + g2 * r2 + g3 * r3
                error = w0 * r0 + w1 * r1 + w2 * r2 + w3 * r3 - np.float64(left_in[row, column])
                count += 1.0
                sum_g += slope
                sum_e += error
                sum_gg += slope * slope
                sum_ge += slope * error
        if count < 3.0:
            return
        energy = sum_gg - sum_g * sum_g / count
        if energy < _LEAST_ENERGY * count:
            return
        step = (sum_ge - sum_g * sum_e / count) / energy
        found += step
        if not abs(found - start) <= 1.0:
            return
        if abs(step) < _SMALL:
            break
    refined_out[y, x] = np.float32(found)


_REFINE: Final = Kernel(_refine_pixel)


def refine_disparity(
    left: NDArray[np.uint8],
    right: NDArray[np.uint8],
    disparity: NDArray[np.float32],
    *,
    block_size: int,
    threads: int | None = None,
) -> NDArray[np.float32]:
    """Refine the disparities of one pair of images.

    Args:
        left: Left image [DN], shape (H, W).
        right: Right image [DN], shape (H, W).
        disparity: Disparities of the left image [px], shape (H, W); ≤ 0 = none.
        block_size: Side of the window [px], odd.
        threads: CPU threads; None for all.

    Returns:
        Disparities [px], shape (H, W); what was ≤ 0 is as it was.

    Source: Lucas and Kanade 1981.

    Example:
        >>> better = refine_disparity(left, right, disparity, block_size=7)
    """
    refined = np.empty(left.shape, np.float32)
    _REFINE.launch(left.size, left, right, disparity, block_size // 2, refined, threads=threads)
    return refined
