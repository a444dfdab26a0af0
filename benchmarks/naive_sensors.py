"""Sensor noise as a user would write it in NumPy, with the numbers of our built-in profiles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simloom.kernels.profiles import load_camera_profile, load_depth_profile
from simloom.kernels.responsivity import electrons_per_radiance


def photograph(radiance: NDArray[Any], exposure_time: NDArray[Any], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Take pictures: lens fall-off, RGGB mosaic, fixed patterns, shot and read noise, 12 bits, Malvar, sRGB.

    Args:
        radiance: Linear radiance [W sr^-1 m^-2], shape (N, H, W, 3).
        exposure_time: Exposure time [s], shape (N,).
        rng: Source of the noise.

    Returns:
        Images, sRGB, shape (N, H, W, 3).
    """
    camera = load_camera_profile("generic_rgb")
    rate = electrons_per_radiance(camera)
    count, height, width, _ = radiance.shape
    time = exposure_time[:, None, None]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    focal = camera.focal_length / camera.pixel_pitch
    fall_off = (1 + ((x - (width - 1) / 2) ** 2 + (y - (height - 1) / 2) ** 2) / focal**2) ** -2
    response = 1 + camera.photo_response_nonuniformity * rng.standard_normal((height, width), np.float32)
    offset = camera.dark_signal_nonuniformity * rng.standard_normal((height, width), np.float32)
    offset += camera.column_pattern * rng.standard_normal(width, np.float32)
    hot = rng.random((height, width), np.float32) < camera.hot_pixel_fraction
    dark = camera.dark_current + np.where(hot, rng.exponential(camera.hot_pixel_current, (height, width)), 0.0)
    seen = np.empty((count, height, width), np.float32)
    for row, column, channel in _RGGB:
        seen[:, row::2, column::2] = radiance[:, row::2, column::2, channel] * np.float32(rate[channel])
    electrons = rng.poisson((seen * (fall_off * response) + dark) * time)
    charge = np.minimum(electrons, camera.full_well) + offset
    charge = charge + camera.row_noise * rng.standard_normal((count, height, 1), np.float32)
    charge += camera.read_noise * rng.standard_normal(charge.shape, np.float32)
    top = 2**camera.bit_depth - 1
    number = np.clip(np.floor(camera.gain * charge + camera.black_level + 0.5), 0, top).astype(np.float32)
    balanced = (number - np.float32(camera.black_level)) / np.float32(top - camera.black_level)
    for row, column, channel in _RGGB:
        balanced[:, row::2, column::2] *= np.float32(rate.max() / rate[channel])
    return to_srgb(np.clip(demosaic_malvar(np.minimum(balanced, 1)), 0.0, 1.0))


_RGGB = ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2))


def demosaic_malvar(mosaic: NDArray[np.float32]) -> NDArray[np.float32]:
    """Interpolate the missing colours of RGGB mosaics, shape (N, H, W) with even sides, to (N, H, W, 3)."""
    padded = np.pad(mosaic, ((0, 0), (2, 2), (2, 2)), mode="reflect")
    height, width = mosaic.shape[1:]

    def shifted(dy: int, dx: int) -> NDArray[np.float32]:
        return padded[:, 2 + dy : 2 + dy + height, 2 + dx : 2 + dx + width]

    rows, columns = shifted(0, -1) + shifted(0, 1), shifted(-1, 0) + shifted(1, 0)
    diagonals = shifted(-1, -1) + shifted(-1, 1) + shifted(1, -1) + shifted(1, 1)
    far_rows, far_columns = shifted(0, -2) + shifted(0, 2), shifted(-2, 0) + shifted(2, 0)
    green = 0.5 * mosaic + 0.25 * (rows + columns) - 0.125 * (far_rows + far_columns)
    along = 0.625 * mosaic + 0.5 * rows - 0.125 * (diagonals + far_rows) + 0.0625 * far_columns
    across = 0.625 * mosaic + 0.5 * columns - 0.125 * (diagonals + far_columns) + 0.0625 * far_rows
    opposite = 0.75 * mosaic + 0.25 * diagonals - 0.1875 * (far_rows + far_columns)
    image = np.empty((*mosaic.shape, 3), np.float32)
    places = {
        (0, 0): (mosaic, green, opposite), (0, 1): (along, mosaic, across), (1, 0): (across, mosaic, along),
        (1, 1): (opposite, green, mosaic),
    }  # fmt: skip
    for (row, column), planes in places.items():
        for channel, plane in enumerate(planes):
            image[:, row::2, column::2, channel] = plane[:, row::2, column::2]
    return image


def to_srgb(linear: NDArray[Any]) -> NDArray[np.uint8]:
    """Encode linear values in [0, 1] as 8-bit sRGB."""
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.power(linear, 1.0 / 2.4) - 0.055)
    return np.asarray(255.0 * encoded + 0.5).astype(np.uint8)


def from_srgb(codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Turn 8-bit sRGB into linear values in [0, 1], by a table."""
    code = np.arange(256) / 255.0
    table = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4).astype(np.float32)
    return np.asarray(table[codes])


def measure_depth(
    depth: NDArray[Any], focal: Any, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Measure depth: noise and quantisation in disparity, nothing beyond the sensor's range.

    Args:
        depth: True depth [m], 0 = nothing, shape (N, H, W).
        focal: Focal length [px], a number or shape (N, 1, 1).
        rng: Source of the noise.

    Returns:
        Depth [m], 0 = no return, and the status: 0 valid, 1 no surface, 2 too near, 3 too far.
    """
    sensor = load_depth_profile("realsense_d435")
    product = np.float32(1.0) * focal * sensor.baseline
    with np.errstate(divide="ignore"):
        disparity = product / depth
    disparity = disparity + sensor.disparity_noise * rng.standard_normal(depth.shape, np.float32)
    disparity = np.round(disparity / sensor.disparity_step) * sensor.disparity_step
    status = np.zeros(depth.shape, np.uint8)
    status[disparity > sensor.disparity_max] = 2
    with np.errstate(divide="ignore", invalid="ignore"):
        measured = product / disparity
    status[(disparity <= 0) | (measured > sensor.range_max)] = 3
    status[depth <= 0] = 1
    measured[status > 0] = 0.0
    return measured.astype(np.float32), status
