"""An inertial unit as a user would write it: a loop over samples, and the whole model by SciPy's recursive filters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from simloom.kernels.flicker import flicker_bank
from simloom.kernels.inertial_parameters import filter_step
from simloom.kernels.inertial_profile import PARTS, InertialProfile

Array = NDArray[np.float64]


def drift_loop(truth: Array, density: float, sigma: float, time: float, rate: float, rng: Any) -> Array:
    """Add white noise and a first-order Gauss-Markov bias to one robot's three axes, shape (T, 3), sample by sample."""
    samples = len(truth)
    drift = np.zeros((samples, 3))
    keep = 1.0 - 1.0 / (rate * time)
    add = sigma * math.sqrt(1.0 - math.exp(-2.0 / (rate * time)))
    for axis in range(3):
        drive = rng.standard_normal(samples)
        for k in range(1, samples):
            drift[k, axis] = keep * drift[k - 1, axis] + add * drive[k - 1]
    return np.asarray(truth + drift + density * math.sqrt(rate) * rng.standard_normal((samples, 3)))


def read_filtered(force: Array, turn: Array, profile: InertialProfile, rate: float, rng: Any) -> tuple[Array, Array]:
    """Read all robots, shape (R, T, 3), with every error of the profile; each process is one recursive filter."""
    count, samples, _ = force.shape
    step, out = 1.0 / rate, []
    felt = turn + np.einsum("rij,rtj->rti", profile.gyroscope_g_sensitivity * rng.standard_normal((count, 3, 3)), force)
    for part, truth in zip(PARTS, (felt, force), strict=True):

        def value(field: str, part: str = part) -> float:
            return float(getattr(profile, f"{part}_{field}"))

        matrix = np.eye(3) + value("misalignment") * rng.standard_normal((count, 3, 3))
        matrix[:, range(3), range(3)] = 1.0 + value("scale_error") * rng.standard_normal((count, 3))
        read = np.einsum("rij,rtj->rti", matrix, truth)
        p00, p01, p10, p11 = filter_step(step, value("bandwidth"))
        # of the transfer function of x[k] = u[k] + P (x[k-1] - u[k]), first row
        trace, determinant = p00 + p11, p00 * p11 - p01 * p10
        read = lfilter([1.0 - p00, determinant - p11], [1.0, -trace, determinant], read, axis=1)
        bank = flicker_bank(value("bias_instability"), *getattr(profile, f"{part}_flicker_time"))
        for time, sigma in ((value("bias_time"), value("bias_deviation")), *bank):
            keep = math.exp(-step / time)
            add = sigma * math.sqrt(1.0 - keep * keep)
            start = sigma * rng.standard_normal((count, 1, 3)) * keep
            read += lfilter([add], [1.0, -keep], rng.standard_normal((count, samples, 3)), axis=1, zi=start)[0]
        walk = value("random_walk") * math.sqrt(step)
        read += np.cumsum(walk * rng.standard_normal((count, samples, 3)), axis=1)
        read += value("turn_on_bias") * rng.standard_normal((count, 1, 3))
        read += value("noise_density") * math.sqrt(rate) * rng.standard_normal((count, samples, 3))
        lsb = value("resolution")
        if lsb > 0.0:
            read = lsb * np.floor(read / lsb + 0.5)
        out.append(np.clip(read, -value("range"), value("range")))
    return out[1], out[0]
