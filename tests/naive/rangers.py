"""Rangers of one wide beam, one bundle after the other, with NumPy."""

from __future__ import annotations

import math

import numpy as np

from simloom.kernels.optical_ranger_profile import OpticalRangerProfile
from simloom.kernels.philox import philox_words
from simloom.kernels.ultrasonic_profile import UltrasonicProfile
from simloom.kernels.variates import normal_quantile

FIXED = 0xFFFFFFFF


def draw(seed: int, item: int, row: tuple[int, int], sensor: int, block: int) -> list[float]:
    """Return the four uniforms of a block of the stream "ranger"."""
    words = philox_words(seed, "ranger", np.array([[item, *row]]), sensor << 16 | block)[0]
    return [(float(word) + 0.5) / 2.0**32 for word in words]


def hear(
    distance: np.ndarray, cosine: np.ndarray, reflectance: np.ndarray, weight: np.ndarray,
    profile: UltrasonicProfile, temperature: float, words: list[float],
) -> tuple[float, float]:  # fmt: skip
    """Return the time of flight before it is counted [s], infinite without an echo, and where the surface of it is."""
    c_20 = 331.3 * math.sqrt(1 + 20 / 273.15)
    rise, length = c_20 * profile.rise_time / 2, profile.pulse_length
    known = np.isfinite(distance) & (distance >= profile.range_min) & (distance <= profile.range_max) & (distance > 0)
    r, c = distance[known], cosine[known]
    power = weight[known] * reflectance[known] / r**2 * 10 ** (-2 * profile.absorption * r / 10)
    angle = np.arccos(c)
    mirrors = angle < profile.specular_angle
    lobe = np.where(mirrors, np.cos(np.pi / 2 * angle / profile.specular_angle) ** 2, 0.0)
    nearest = r[mirrors].min() if mirrors.any() else 0.0
    start = np.concatenate([np.maximum(r * c, nearest)[mirrors], r])
    level = np.concatenate([(power * lobe * (1 - profile.diffuse_share))[mirrors], power * c * profile.diffuse_share])

    def amplitude(x: float) -> float:
        past = x - start
        share = np.where((past > 0) & (past <= length), np.minimum(past / rise, 1.0), 0.0)
        return math.sqrt(math.fsum(level * share**2))

    threshold = profile.threshold * (1 + profile.threshold_noise * normal_quantile(words[0]))
    for surface in np.unique(start):
        if amplitude(surface + rise) >= threshold / min(surface + rise, profile.gain_range):
            # March finely instead of halving.
            for x in surface + rise * np.arange(20001) / 20000:
                if amplitude(x) >= threshold / min(x, profile.gain_range):
                    speed = 331.3 * math.sqrt(1 + temperature / 273.15)
                    noise = profile.time_noise * normal_quantile(words[1])
                    return 2 * surface / speed + 2 * (x - surface) / c_20 + noise, float(surface)
    return math.inf, math.inf


def see(
    distance: np.ndarray, cosine: np.ndarray, reflectance: np.ndarray, weight: np.ndarray,
    profile: OpticalRangerProfile, ambient: float,
) -> tuple[float, float, float]:  # fmt: skip
    """Return mean range, its deviation and the rate of signal."""
    known = np.isfinite(distance) & (distance > 0)
    r, w = distance[known], (weight * reflectance)[known]
    rate = np.append(profile.signal_rate * w * cosine[known] / r**2, profile.glass_rate)
    place = np.append(r, 0.0)
    mean = (rate * place).sum() / rate.sum()
    spread = (rate * (place - mean) ** 2).sum() / rate.sum()
    n = rate.sum() * profile.timing_budget
    b = (ambient * profile.ambient_rate * w.sum() + profile.dark_rate) * profile.timing_budget
    sigma = math.sqrt((profile.pulse_sigma**2 + spread) / n + profile.window**2 / 12 * b / n**2)
    return mean, sigma, rate.sum()


def count_photons(
    mean: float, sigma: float, photons: float, ambient: float, window: float, trials: int, seed: int
) -> np.ndarray:
    """Return ranges from photons, one by one: their first moment, over ambient light spread evenly over a window."""
    rng = np.random.default_rng(seed)
    out = np.empty(trials)
    for k in range(trials):
        signal = rng.normal(mean, sigma, rng.poisson(photons))
        noise = rng.uniform(mean - window / 2, mean + window / 2, rng.poisson(ambient))
        # About the middle of the window: ambient light's own moment there is nothing.
        out[k] = mean + ((signal - mean).sum() + (noise - mean).sum()) / photons
    return out
