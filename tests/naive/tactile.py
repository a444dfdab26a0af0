"""Tactile pads in plain Python, one taxel at a time, from the definitions."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from .draws import FIXED, normals


def press(contacts: np.ndarray, profile) -> np.ndarray:
    """Return the force on each taxel from contacts of shape (C, 4)."""
    rows, columns, pitch = profile.row_count, profile.column_count, profile.pitch
    out = np.zeros((rows, columns))
    for x, y, force, valid in contacts:
        if not (valid > 0 and force > 0 and abs(x) <= columns * pitch / 2 and abs(y) <= rows * pitch / 2):
            continue
        shares = []
        for at, count in ((y, rows), (x, columns)):
            edges = (np.arange(count + 1) - count / 2) * pitch
            cdf = special.ndtr((edges - at) / profile.spread)
            share = np.diff(cdf)
            shares.append(share / share.sum())
        out += force * np.outer(*shares)
    return out


def gains(profile, *, seed: int, sensor: int, unit: int) -> np.ndarray:
    """Return the gain of each taxel of a specimen."""
    count = profile.row_count * profile.column_count
    z = [normals(seed, "tactile", unit, FIXED, sensor, k // 4)[k % 4] for k in range(count)]
    return 1 + profile.gain_error * np.array(z).reshape(profile.row_count, profile.column_count)


def read(contacts: np.ndarray, profile, *, rate: float, seed: int, row: int, sensor: int, unit: int, first: int = 0):
    """Read one robot's pad.

    Args:
        contacts: Contacts, shape (T, C, 4).
        profile: The pad.
        rate: Samples per second.
        seed: Seed.
        row: Global row index.
        sensor: Number of the sensor.
        unit: The specimen.
        first: Number of the first sample.

    Returns:
        Readings before they are rounded, readings, and true forces, shape (T, rows, columns) each.
    """
    gain = gains(profile, seed=seed, sensor=sensor, unit=unit)
    keep = math.exp(-1 / (rate * profile.creep_time))
    crept = np.zeros(gain.shape)
    shown, read_, truth = [], [], []
    for t, points in enumerate(contacts):
        pressed = press(points, profile)
        load = 1 / (1 / np.maximum(gain * pressed, 1e-300) + 1 / profile.saturation)
        crept = keep * crept + (1 - keep) * load
        z = [normals(seed, "tactile", first + t, row, sensor, k // 4)[k % 4] for k in range(gain.size)]
        value = (1 - profile.creep_share) * load + profile.creep_share * crept
        value = value + profile.noise * np.array(z).reshape(gain.shape)
        rounded = profile.step * np.floor(value / profile.step + 0.5)
        rounded = np.where(value >= profile.threshold, np.clip(rounded, 0, profile.saturation), 0.0)
        shown.append(value)
        read_.append(rounded)
        truth.append(pressed)
    return np.array(shown), np.array(read_), np.array(truth)
