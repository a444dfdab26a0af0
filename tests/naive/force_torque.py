"""Six-axis force/torque sensors in plain Python, one sample at a time, from the definitions."""

from __future__ import annotations

import math

import numpy as np

from .draws import FIXED, normals

KINDS = ("force",) * 3 + ("torque",) * 3


def _list(seed: int, item: int, row: int, sensor: int, first: int, count: int) -> list[float]:
    """Return deviates of successive blocks in order."""
    out: list[float] = []
    while len(out) < count:
        out += normals(seed, "force_torque", item, row, sensor, first + len(out) // 4)
    return out[:count]


def of_axes(profile, name: str) -> np.ndarray:
    """Return a value of the profile for each axis."""
    return np.array([getattr(profile, f"{kind}_{name}") for kind in KINDS])


def matrix_of(profile, *, seed: int, sensor: int, unit: int) -> np.ndarray:
    """Return gains and crosstalk of a specimen."""
    z = np.array(_list(seed, unit, FIXED, sensor, 0, 36)).reshape(6, 6)
    span = of_axes(profile, "range")
    matrix = profile.crosstalk * z * span[:, None] / span
    matrix[np.arange(6), np.arange(6)] = 1 + profile.gain_error * np.diag(z)
    return matrix


def stop(load: np.ndarray, r: float) -> np.ndarray:
    """Return what an elastic part that slips at r holds, from no load on."""
    held, last, out = 0.0, 0.0, []
    for x in load:
        held = min(max(held + (x - last), -r), r)
        last = x
        out.append(held)
    return np.array(out)


def read(wrench: np.ndarray, profile, *, rate: float, seed: int, row: int, sensor: int, unit: int, warm=None, first=0):
    """Read one robot's sensor from power-up.

    Args:
        wrench: Loads, shape (T, 6).
        profile: The sensor.
        rate: Samples per second.
        seed: Seed.
        row: Global row index.
        sensor: Number of the sensor.
        unit: The specimen.
        warm: Temperature [degC], shape (T,), or None.
        first: Number of the first sample.

    Returns:
        Readings, overload and offsets, shape (T, 6) each.
    """
    samples = len(wrench)
    span, step = of_axes(profile, "range"), of_axes(profile, "step")
    shown = wrench.astype(float).copy()
    for axis in range(6):
        for threshold in profile.hysteresis_thresholds:
            weight = profile.hysteresis / (2 * len(profile.hysteresis_thresholds) * threshold)
            shown[:, axis] -= weight * stop(wrench[:, axis], threshold * span[axis])
    load = shown @ matrix_of(profile, seed=seed, sensor=sensor, unit=unit).T
    warmth = of_axes(profile, "temperature") * _list(seed, unit, FIXED, sensor, 9, 6)
    bias = of_axes(profile, "bias") * _list(seed, 0, row, sensor, 16, 6)
    above = np.zeros(samples) if warm is None else np.asarray(warm) - profile.reference_temperature
    share = 1 - math.exp(-2 * math.pi * profile.bandwidth / rate) if profile.bandwidth else 1.0
    keep = math.exp(-1 / (rate * profile.drift_time))
    out = np.empty((samples, 6))
    offsets = np.empty((samples, 6))
    for t in range(samples):
        z = np.array(_list(seed, first + t, row, sensor, 0, 12))
        white = of_axes(profile, "noise") * math.sqrt(rate) * z[:6]
        if t == 0:
            drift = of_axes(profile, "drift") * z[6:]
            filtered = load[0] + white * math.sqrt(share / (2 - share))
        else:
            drift = keep * drift + of_axes(profile, "drift") * math.sqrt(1 - keep**2) * z[6:]
            filtered = (1 - share) * filtered + share * (load[t] + white)
        offsets[t] = bias + warmth * above[t] + drift
        out[t] = filtered + offsets[t]
    rounded = step * np.floor(out / step + 0.5)
    return np.clip(rounded, -span, span), np.abs(rounded) >= span, offsets
