"""Sensor noise as a user would write it in NumPy, with the numbers of our built-in profiles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simloom.kernels.profiles import load_camera_profile, load_depth_profile
from simloom.kernels.responsivity import electrons_per_radiance


def photograph(radiance: NDArray[Any], exposure_time: NDArray[Any], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Take pictures: vignetting, Bayer mosaic, fixed patterns, shot, row and read noise, ADC, demosaic, balance, sRGB.

    The chain of `apply_camera` with `generic_rgb`, but for the demosaicing, which is OpenCV's bilinear one.

    Args:
        radiance: Linear radiance [W sr^-1 m^-2], shape (N, H, W, 3).
        exposure_time: Exposure time [s], shape (N,).
        rng: Source of the noise.

    Returns:
        Images, sRGB, shape (N, H, W, 3).
    """
    import cv2

    camera = load_camera_profile("generic_rgb")
    count, height, width, _ = radiance.shape
    rate = electrons_per_radiance(camera)
    time = exposure_time[:, None, None]
    site = np.array([[0, 1], [1, 2]])[np.arange(height)[:, None] % 2, np.arange(width) % 2]
    focal = camera.focal_length / camera.pixel_pitch
    y, x = (np.arange(side, dtype=np.float32) - (side - 1) / 2.0 for side in (height, width))
    fall_off = 1.0 / (1.0 + (y[:, None] ** 2 + x**2) / focal**2) ** 2
    gain = (
        rate[site] * fall_off * (1.0 + camera.photo_response_nonuniformity * rng.standard_normal(site.shape))
    ) * time
    signal = np.take_along_axis(radiance, site[None, :, :, None], axis=3)[..., 0]
    electrons = rng.poisson(signal * gain + camera.dark_current * time)
    charge = np.minimum(electrons, camera.full_well) + camera.dark_signal_nonuniformity * rng.standard_normal(
        site.shape, np.float32
    )
    charge += camera.row_noise * rng.standard_normal((count, height, 1), np.float32)
    charge += camera.read_noise * rng.standard_normal(electrons.shape, np.float32)
    top = 2**camera.bit_depth - 1
    number = np.clip(np.floor(camera.gain * charge + camera.black_level + 0.5), 0, top).astype(np.uint16)
    colour = np.stack([cv2.cvtColor(image, cv2.COLOR_BayerBG2RGB) for image in number]).astype(np.float32)
    saturation = min(camera.gain * camera.full_well, top - camera.black_level)
    linear = np.clip((colour - camera.black_level) / saturation * (rate.max() / rate), 0.0, 1.0)
    return to_srgb(linear)


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
