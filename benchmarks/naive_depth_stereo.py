"""Active stereo as a user would write it in NumPy, with the numbers of the built-in profile."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simloom.kernels.profiles import load_profile
from simloom.kernels.stereo_profile import StereoProfile


def correlate_noise(shape: tuple[int, int, int], cell: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return noise of unit variance, linear between normals on a grid of `cell` pixels."""
    count, height, width = shape
    nodes = rng.standard_normal((count, (height - 1) // cell + 2, (width - 1) // cell + 2), np.float32)
    y, x = np.arange(height), np.arange(width)
    down, across = ((y % cell) / cell).astype(np.float32), ((x % cell) / cell).astype(np.float32)
    rows, columns = y // cell, x // cell
    lines = nodes[:, rows] * (1 - down)[:, None] + nodes[:, rows + 1] * down[:, None]
    noise = lines[:, :, columns] * (1 - across) + lines[:, :, columns + 1] * across
    scale = np.sqrt((1 - down) ** 2 + down**2)[:, None] * np.sqrt((1 - across) ** 2 + across**2)
    return np.asarray(noise / scale, np.float32)


def find_occluded(disparity: NDArray[np.float32], step: float) -> NDArray[np.bool_]:
    """Warp every pixel to the second imager and return what something nearer covers there."""
    count, height, width = disparity.shape
    place = np.arange(width, dtype=np.float32) - disparity
    first = np.floor(place).astype(np.int64)
    inside = (disparity > 0) & (first >= 0)
    line = (np.arange(count * height) * width).reshape(count, height, 1)
    seen = np.zeros(count * height * width, np.float32)
    for shift in (0, 1):
        target = np.where(inside, line + np.minimum(first + shift, width - 1), 0)
        np.maximum.at(seen, target.ravel(), np.where(inside, disparity, 0).ravel())
    nearest = np.clip(np.floor(place + 0.5), 0, width - 1).astype(np.int64)
    return np.asarray(inside & (seen[line + nearest] > disparity + step))


def measure(depth: NDArray[Any], focal: Any, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Measure depth: correlated noise and quantisation in disparity, occlusion, range.

    Args:
        depth: True depth [m], 0 = nothing, shape (N, H, W).
        focal: Focal length [px], a number or shape (N, 1, 1).
        rng: Source of the noise.

    Returns:
        Depth [m], 0 = no return, and the status: 0 valid, 1 no surface, 2 too near, 3 too far, 4 occluded, 6 out of
        the second imager's field.
    """
    sensor = load_profile("realsense_d435")
    assert isinstance(sensor, StereoProfile)
    product = np.float32(1.0) * focal * sensor.baseline
    with np.errstate(divide="ignore"):
        true = np.where(depth > 0, product / depth, 0.0).astype(np.float32)
    noise = sensor.disparity_noise * correlate_noise(depth.shape, sensor.noise_cell, rng)  # type: ignore[arg-type]
    disparity = np.round((true + noise) / sensor.disparity_step) * sensor.disparity_step
    status = np.zeros(depth.shape, np.uint8)
    with np.errstate(divide="ignore", invalid="ignore"):
        measured = product / disparity
    status[disparity > sensor.disparity_max] = 2
    status[(disparity <= 0) | (measured > sensor.range_max)] = 3
    status[find_occluded(true, sensor.occlusion_step)] = 4
    status[true > np.arange(depth.shape[2])] = 6
    status[depth > sensor.range_max] = 3
    status[true > sensor.disparity_max] = 2
    status[depth <= 0] = 1
    measured[status > 0] = 0.0
    return measured.astype(np.float32), status
