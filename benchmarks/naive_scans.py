"""Rain in LiDAR scans and de-skewing as a user would write them in NumPy and SciPy."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simloom.kernels.beam_optics import BeamOptics

Array = NDArray[np.float64]


def rain_point_by_point(
    target: Array, rain_rate: float, optics: BeamOptics, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return range and power of the strongest drop before each surface, as LISA goes about it: one after another."""
    slope = 4.1 * rain_rate**-0.21
    alpha = 0.5e-6 * math.pi * 2.0 * 8000.0 / slope**3
    per_volume = 8000.0 * math.exp(-slope * 0.05) / slope
    width = math.tan(optics.divergence)
    fresnel = (0.328 / 2.328) ** 2
    distance, power = np.zeros(len(target)), np.zeros(len(target))
    for k, end in enumerate(target):
        mean = per_volume * math.pi / 3.0 * end * (0.5 * width * end) ** 2
        count = int(mean) + int(rng.random() < mean - int(mean))
        r = end * rng.random(count) ** (1.0 / 3.0)
        r = r[r > optics.near]
        if not len(r):
            continue
        diameter = 0.05 - np.log(1.0 - rng.random(len(r))) / slope
        echo = fresnel * np.exp(-2.0 * alpha * r) * np.minimum((diameter / (1e3 * width * r)) ** 2, 1.0) / r**2
        best = int(np.argmax(echo))
        if echo[best] > optics.floor:
            distance[k], power[k] = r[best], echo[best]
    return distance, power


def rain_all_at_once(
    target: Array, rain_rate: float, optics: BeamOptics, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return the same with all drops of all beams in one array, and only as far as the largest ones can be seen."""
    slope = 4.1 * rain_rate**-0.21
    alpha = 0.5e-6 * math.pi * 2.0 * 8000.0 / slope**3
    per_volume = 8000.0 * math.exp(-slope * 0.05) / slope
    width = math.tan(optics.divergence)
    fresnel = (0.328 / 2.328) ** 2
    # A drop of 10 mm is seen no farther.
    reach = math.sqrt(10.0 / (1e3 * width) * math.sqrt(fresnel / optics.floor))
    end = np.minimum(target, reach)
    count = rng.poisson(per_volume * math.pi / 3.0 * end * (0.5 * width * end) ** 2)
    beam = np.repeat(np.arange(len(target)), count)
    r = end[beam] * rng.random(len(beam)) ** (1.0 / 3.0)
    diameter = 0.05 - np.log(1.0 - rng.random(len(beam))) / slope
    echo = fresnel * np.exp(-2.0 * alpha * r) * np.minimum((diameter / (1e3 * width * r)) ** 2, 1.0) / r**2
    echo[(r <= optics.near) | (echo <= optics.floor)] = 0.0
    power = np.zeros(len(target))
    np.maximum.at(power, beam, echo)
    distance = np.zeros(len(target))
    strongest = (echo == power[beam]) & (echo > 0.0)
    distance[beam[strongest]] = r[strongest]
    return distance, power


def deskew(points: Array, time: NDArray[np.int64], pose: Array, pose_time: NDArray[np.int64], target: int) -> Array:
    """Move the points of one scan to one instant with SciPy's Slerp and NumPy."""
    from scipy.spatial.transform import Rotation, Slerp

    seconds = (pose_time - pose_time[0]) * 1e-9
    turns = Slerp(seconds, Rotation.from_matrix(pose[:, :3, :3]))
    when, then = (time - pose_time[0]) * 1e-9, (target - pose_time[0]) * 1e-9

    def origins(t: Array) -> Array:
        return np.stack([np.interp(t, seconds, pose[:, axis, 3]) for axis in range(3)], axis=-1)

    world = turns(when).apply(points) + origins(when)
    return np.asarray(turns(then).inv().apply(world - origins(np.asarray(then))))
