"""A time-of-flight camera as a user would write it in NumPy, with the numbers of the built-in profile."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simloom.kernels.profiles import load_profile
from simloom.kernels.time_of_flight_profile import LIGHT_SPEED, TimeOfFlightProfile


def spread(image: NDArray[Any], side: float) -> NDArray[Any]:
    """Spread each pixel's light over its neighbours."""
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1)), mode="edge")
    lines = side * (padded[:, :-2] + padded[:, 2:]) + (1 - 2 * side) * padded[:, 1:-1]
    return np.asarray(side * (lines[:, :, :-2] + lines[:, :, 2:]) + (1 - 2 * side) * lines[:, :, 1:-1])


def measure(
    depth: NDArray[Any], focal: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Measure depth: phasors, lens spread, four noisy taps per frequency, unwrapping, range and signal.

    Args:
        depth: True depth [m], 0 = nothing, shape (N, H, W).
        focal: Focal length [px].
        rng: Source of the noise.

    Returns:
        Depth [m], 0 = no return, and the status.
    """
    sensor = load_profile("azure_kinect")
    assert isinstance(sensor, TimeOfFlightProfile)
    _, height, width = depth.shape
    y, x = np.mgrid[0:height, 0:width]
    ray = np.sqrt(((x - (width - 1) / 2) / focal) ** 2 + ((y - (height - 1) / 2) / focal) ** 2 + 1)
    distance = depth * ray
    with np.errstate(divide="ignore"):
        signal = np.where(depth > 0, 0.5 * sensor.signal_electrons / distance**2, 0.0)
    mean = spread(signal + sensor.ambient_electrons * 0.5 * (depth > 0) + sensor.dark_electrons, sensor.spread_share)
    phases, weights = [], []
    power, top = np.zeros(depth.shape), np.zeros(depth.shape)
    for frequency, contrast in zip(sensor.modulation_frequencies, sensor.modulation_contrast, strict=True):
        phi = 4 * np.pi * frequency / LIGHT_SPEED * distance
        wave = np.exp(1j * phi)
        phasor = contrast * signal * (wave + sensor.third_harmonic * np.conj(wave) ** 3)
        phasor = spread(phasor, sensor.spread_share)
        taps = []
        for part in (phasor.real, phasor.imag, -phasor.real, -phasor.imag):
            charge = rng.poisson(mean + part) + sensor.read_noise * rng.standard_normal(depth.shape)
            top = np.maximum(top, charge)
            taps.append(np.round(np.clip(charge, 0, sensor.full_well) / sensor.electrons_per_count))
        i, q = taps[0] - taps[2], taps[1] - taps[3]
        phases.append(np.arctan2(q, i) / (2 * np.pi) % 1.0)
        weights.append(frequency**2 * (i * i + q * q) + 1e-30)
        power += (i * i + q * q) * (sensor.electrons_per_count / 2) ** 2
    lengths = [LIGHT_SPEED / (2 * frequency) for frequency in sensor.modulation_frequencies]
    total = sum(weights)
    best, found = np.full(depth.shape, np.inf), np.zeros(depth.shape)
    for n in range(sensor.wrap_count):
        trial = (phases[0] + n) * lengths[0]
        off = [np.zeros(depth.shape)]
        for phase, length in zip(phases[1:], lengths[1:], strict=True):
            turns = trial / length - phase
            off.append((np.round(turns) - turns) * length)
        lean = sum(w * d for w, d in zip(weights, off, strict=True)) / total
        scatter = sum(w * d * d for w, d in zip(weights, off, strict=True)) / total - lean**2
        found = np.where(scatter < best, trial + lean, found)
        best = np.minimum(scatter, best)
    status = np.zeros(depth.shape, np.uint8)
    status[found > sensor.range_max] = 3
    status[found < sensor.range_min] = 2
    status[best > sensor.disagreement_max**2] = 9
    status[power / len(lengths) <= sensor.amplitude_min**2] = 5
    status[top >= sensor.full_well] = 8
    return np.where(status == 0, found / ray, 0.0).astype(np.float32), status
