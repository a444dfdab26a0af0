"""A LiDAR as a user would write it in NumPy, with the numbers of a profile: the same steps on whole arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simloom.kernels.lidar_beam import subray_offsets
from simloom.kernels.lidar_profile import LidarProfile


def range_deviation(snr: NDArray[Any], sensor: LidarProfile) -> NDArray[Any]:
    """Return the deviation of the range: a power law between the profile's points."""
    x = np.log(np.maximum(snr, 1e-6))
    knots, values = np.log(sensor.range_noise_snr), np.log(sensor.range_noise)
    below = values[0] - 0.5 * (x - knots[0])
    return np.asarray(np.exp(np.where(x < knots[0], below, np.interp(x, knots, values))))


def measure(
    distance: NDArray[np.float32],
    cosine: NDArray[np.float32],
    reflectance: NDArray[np.float32],
    sensor: LidarProfile,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Measure frames: light, echoes of sorted sub-rays, noise, threshold, and the strongest ones.

    Args:
        distance: True range [m], 0 = nothing, shape (N, P, S).
        cosine: Cosine of incidence.
        reflectance: Reflectance.
        sensor: Profile; its return mode is taken as "strongest".
        rng: Source of the noise.

    Returns:
        Range, intensity, SNR and sub-ray of each return, shape (N, P, E).
    """
    count, firings, subrays = distance.shape
    weights = subray_offsets(sensor)[1] if subrays > 1 else np.ones(1)
    hit = distance > 0
    r = np.where(hit, distance, np.inf).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        light = np.where(hit, weights * reflectance * cosine / r**2, 0.0)
        order = np.argsort(r, axis=-1)
        r, light = np.take_along_axis(r, order, -1), np.take_along_axis(light, order, -1)
        new = np.ones(r.shape, bool)
        new[..., 1:] = np.diff(r, axis=-1) >= sensor.echo_length
    # Echoes are numbered over the whole batch and summed by number.
    number = np.cumsum(new.reshape(-1)) - 1
    starts = np.flatnonzero(new.reshape(-1))
    flat_light, flat_range = light.reshape(-1), np.where(np.isfinite(r), r, 0.0).reshape(-1)
    total = np.add.reduceat(flat_light, starts)
    near = flat_range[starts]
    moment = np.add.reduceat(flat_light * (flat_range - near[number]), starts)
    best = np.maximum.reduceat(flat_light, starts)
    is_best = flat_light == best[number]
    subray = np.zeros(len(starts), np.int64)
    subray[number[is_best]] = order.reshape(-1)[is_best]
    snr = total * sensor.snr_at_one_metre
    measured_snr = snr + sensor.amplitude_noise * rng.standard_normal(len(snr))
    with np.errstate(invalid="ignore", divide="ignore"):
        measured = near + np.where(total > 0, moment / total, 0.0) + sensor.range_bias
    measured += range_deviation(snr, sensor) * rng.standard_normal(len(snr))
    measured = np.floor(measured / sensor.range_resolution + 0.5) * sensor.range_resolution
    seen = (
        (total > 0) & (measured_snr >= sensor.detection_snr)
        & (measured >= sensor.range_min) & (measured <= sensor.range_max)
    )  # fmt: skip
    intensity = measured_snr * sensor.intensity_scale
    if sensor.intensity_mode == "reflectivity":
        intensity = intensity * measured**2 / sensor.snr_at_one_metre
    intensity = np.clip(np.floor(intensity + 0.5), 0, 2**sensor.intensity_bits - 1)
    # Back to sub-rays, of which the strongest echoes are taken.
    shown = np.full(light.size, -np.inf)
    shown[starts] = np.where(seen, measured_snr, -np.inf)
    shown = shown.reshape(light.shape)
    returns = min(sensor.max_returns, subrays)
    chosen = np.argsort(-shown, axis=-1)[..., :returns]
    found = np.take_along_axis(shown, chosen, -1) > -np.inf
    found &= (rng.random((count, firings)) >= sensor.dropout_probability)[..., None]
    which = np.take_along_axis(number.reshape(light.shape), chosen, -1)
    ranges = np.where(found, measured[which], 0.0).astype(np.float32)
    values = np.where(found, intensity[which], 0.0).astype(np.float32)
    ratios = np.where(found, measured_snr[which], 0.0).astype(np.float32)
    labels = np.where(found, subray[which], -1)
    alarm = rng.random((count, firings)) < sensor.false_alarm_probability
    empty = alarm & ~found[..., 0]
    ranges[empty, 0] = rng.uniform(sensor.range_min, sensor.range_max, int(empty.sum()))
    return ranges, values, ratios, labels


def measure_like_lisa(
    distance: NDArray[np.float32], reflectance: NDArray[np.float32], sensor: LidarProfile, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Measure single rays as LISA does in clear air: power, threshold, and range noise of dR / sqrt(2 SNR).

    Args:
        distance: True range [m], shape (N, P).
        reflectance: Reflectance, shape (N, P).
        sensor: Profile; its range gives the threshold, 0.9 / range_max^2.
        rng: Source of the noise.

    Returns:
        Range and received power.
    """
    least = 0.9 / sensor.range_max**2
    with np.errstate(divide="ignore", invalid="ignore"):
        power = reflectance / distance**2
        deviation = 0.09 / np.sqrt(2 * power / least)
        measured = distance + deviation * rng.standard_normal(distance.shape)
    seen = (power > least) & (measured > sensor.range_min)
    return np.where(seen, measured, 0.0).astype(np.float32), np.where(seen, power, 0.0).astype(np.float32)
