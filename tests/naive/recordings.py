"""Recordings of a camera and of a depth sensor in front of a wall, drawn by NumPy from the formulas of EMVA 1288."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Sensor:
    """An EMVA 1288 sensor; lengths in pixels, charges in electrons."""

    gain: float = 0.37
    read_noise: float = 2.3
    row_noise: float = 0.0
    column_noise: float = 0.0
    row_pattern: float = 0.0
    column_pattern: float = 0.0
    dark_current: float = 5.0
    dsnu: float = 0.6
    prnu: float = 0.006
    full_well: float = 10500.0
    black_level: float = 240.0
    bits: int = 12
    hot_fraction: float = 0.0
    hot_current: float = 500.0
    height: int = 64
    width: int = 64


class Camera:
    """One sensor with its fixed patterns."""

    def __init__(self, sensor: Sensor, seed: int) -> None:
        self.sensor, self.rng = sensor, np.random.default_rng(seed)
        shape = (sensor.height, sensor.width)
        self.response = 1 + sensor.prnu * self.rng.standard_normal(shape)
        self.offset = sensor.dsnu * self.rng.standard_normal(shape)
        self.offset += sensor.row_pattern * self.rng.standard_normal((shape[0], 1))
        self.offset += sensor.column_pattern * self.rng.standard_normal((1, shape[1]))
        hot = self.rng.random(shape) < sensor.hot_fraction
        self.dark = sensor.dark_current + hot * self.rng.exponential(sensor.hot_current, shape)

    def grab(self, rate, time: float, count: int) -> np.ndarray:
        """Frames (count, H, W) at a rate of photoelectrons per second: a number, or one per pixel."""
        s, rng = self.sensor, self.rng
        shape = (count, s.height, s.width)
        charge = rng.poisson(np.broadcast_to(rate * time * self.response + self.dark * time, shape)).astype(float)
        charge = np.minimum(charge, s.full_well) + self.offset + s.read_noise * rng.standard_normal(shape)
        charge += s.row_noise * rng.standard_normal((count, s.height, 1))
        charge += s.column_noise * rng.standard_normal((count, 1, s.width))
        return np.clip(np.floor(s.gain * charge + s.black_level + 0.5), 0, 2**s.bits - 1).astype(np.uint16)


def colour_rates(height: int, width: int, rates) -> np.ndarray:
    """Rates of the pixels of a 2x2 mosaic, shape (H, W)."""
    return np.tile(np.reshape(rates, (2, 2)), (height // 2, width // 2))


def wall(distance, *, shape, fx, tilt=(0.1, 0.05)) -> np.ndarray:
    """Depth image of a tilted flat wall, by the plane in inverse depth."""
    v, u = np.mgrid[: shape[0], : shape[1]]
    slope = (u - shape[1] / 2) / fx * tilt[0] + (v - shape[0] / 2) / fx * tilt[1]
    return distance / (1 + slope)
