"""The RGB camera pixel by pixel, in exact quantiles, from the formulas of EMVA 1288 and IEC 61966-2-1."""

from __future__ import annotations

import math

import numpy as np
from scipy import special, stats

from .philox import block


def rates(profile) -> list[float]:
    """Electrons per second and unit of radiance, one per channel."""
    found = []
    for efficiency, wavelength in zip(profile.quantum_efficiency, profile.wavelength, strict=True):
        irradiance = math.pi / (1 + (2 * profile.f_number) ** 2)
        photons = irradiance * profile.pixel_pitch**2 * wavelength / (6.62607015e-34 * 299792458.0)
        found.append(efficiency * photons)
    return found


def poisson(mean: float, u: float) -> int:
    """The inverse distribution function, by the expansion from a mean of 10 on."""
    if mean < 10:
        return int(stats.poisson.ppf(u, mean)) if mean > 0 else 0
    w, s = special.ndtri(u), math.sqrt(mean)
    value = mean + s * w + (1 / 3 + w**2 / 6) + (-w / 36 - w**3 / 72) / s
    return max(0, math.floor(value + (-8 / 405 + 7 * w**2 / 810 + w**4 / 270) / mean))


def digital_numbers(radiance, profile, seed, index, times, sensor) -> np.ndarray:
    """Digital numbers, shape of the radiance."""
    out = np.full(radiance.shape, -1, np.int64)
    count, height, width, _ = radiance.shape
    for n in range(count):
        for y in range(height):
            for x in range(width):
                words = block(seed, "camera", y * width + x, int(index[n]), sensor, 0)
                for c, rate in enumerate(rates(profile)):
                    light = float(radiance[n, y, x, c])
                    mean = (max(light, 0.0) if light == light else 0.0) * rate * times[
                        n
                    ] + profile.dark_current * times[n]
                    charge = min(poisson(mean, ((words[c] >> 8) + 0.5) / 2**24), profile.full_well)
                    bits = (words[c] & 0xFF) << 10 | (words[3] >> 10 * c) & 0x3FF
                    charge += profile.read_noise * special.ndtri((bits + 0.5) / 2**18)
                    number = math.floor(profile.gain * charge + profile.black_level + 0.5)
                    out[n, y, x, c] = min(max(number, 0), 2**profile.bit_depth - 1)
    return out


def srgb(linear: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1 on [0, 1]."""
    v = np.clip(linear, 0.0, 1.0)
    return np.where(v <= 0.0031308, 12.92 * v, 1.055 * v ** (1 / 2.4) - 0.055)


def pipeline(numbers: np.ndarray, profile) -> np.ndarray:
    """8-bit image of digital numbers."""
    r = np.array(rates(profile))
    full = min(profile.full_well, (2**profile.bit_depth - 1 - profile.black_level) / profile.gain)
    linear = (numbers - profile.black_level) / (profile.gain * full) * (r.max() / r)
    return np.floor(255 * srgb(linear) + 0.5).astype(np.uint8)


def exposure(radiance: np.ndarray, profile) -> float:
    """Exposure time by sorting: the mean target, limited by the exact 98th percentile of the largest channel."""
    light = np.where(radiance > 0, radiance, 0).astype(np.float64).reshape(-1, 3)
    full = min(profile.full_well, (2**profile.bit_depth - 1 - profile.black_level) / profile.gain)
    rate = max(rates(profile)) / full
    mean = float((light @ np.array([0.2126, 0.7152, 0.0722])).mean())
    largest = np.sort(light.max(axis=1))[::-1][int(len(light) * 0.02)]
    times = [profile.exposure_time_max]
    if mean > 0:
        times.append(profile.exposure_target / (rate * mean))
    if largest > 0:
        times.append(profile.exposure_highlight / (rate * largest))
    return max(min(times), profile.exposure_time_min)
