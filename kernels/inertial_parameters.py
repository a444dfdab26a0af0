"""How an inertial profile and a step become the numbers that its kernels read.

The noise of six channels (gyroscope x, y, z, accelerometer x, y, z) is ten processes each, in this order: white noise,
random walk, the Gauss-Markov bias, seven of the flicker bank. Each is stepped by

    x[k] = keep x[k-1] + add w[k]

with keep = 0 for white noise and 1 for the walk; process p of channel c is number 6 p + c. The response to motion is a
Butterworth filter of second order, x'' = w^2 (u - x) - sqrt2 w x' with w = 2 pi times the bandwidth; while u is held,
the deviation (x - u, x'/w) turns and shrinks by a 2 x 2 matrix, so that a step of any length is exact.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .flicker import PROCESSES, flicker_bank
from .gauss_markov import gauss_markov_step, random_walk_step, white_noise_sample
from .inertial_profile import PARTS, InertialProfile

CHANNELS: Final = 6
"""Gyroscopes x, y, z and accelerometers x, y, z."""
STATES: Final = CHANNELS * (3 + PROCESSES)
"""Noise processes of a unit."""
LANES: Final = 64
"""Numbers that are drawn for each sample: one for each process, and some to spare."""
HISTORY: Final = STATES + 2 * CHANNELS
"""Numbers that a unit remembers: its processes and the filters' value and slope."""

KEEP: Final = 0
"""Place of what a step keeps of each process."""
ADD: Final = LANES
"""Place of the deviation that a step adds to each process."""
START: Final = 2 * LANES
"""Place of each process' deviation at power-up."""
PART: Final = 3 * LANES
"""Place of what gyroscopes, then accelerometers have: the filter's 2 x 2 matrix, resolution, limit, then the deviations
of turn-on bias, scale, misalignment and g-sensitivity."""
PART_NUMBERS: Final = 10
PARAMETERS: Final = PART + 2 * PART_NUMBERS
"""Numbers of a profile at one rate."""


def filter_step(step: float, bandwidth: float) -> tuple[float, float, float, float]:
    """Return what is left after a step of (x - u, x'/w), as a 2 x 2 matrix by rows.

    Args:
        step: Time between samples [s], > 0.
        bandwidth: Frequency of -3 dB [Hz]; 0 for a response at once.

    Source: the matrix exponential of the companion form, damping 1/sqrt2; Butterworth, Wireless Engineer 7, 1930.
    """
    if bandwidth == 0.0:
        return 0.0, 0.0, 0.0, 0.0
    angle = math.sqrt(2.0) * math.pi * bandwidth * step
    shrink, c, s = math.exp(-angle), math.cos(angle), math.sin(angle)
    return shrink * (c + s), shrink * math.sqrt(2.0) * s, -shrink * math.sqrt(2.0) * s, shrink * (c - s)


def pack_inertial(profile: InertialProfile, rate: float) -> NDArray[np.float64]:
    """Return a profile's numbers at a rate [Hz], shape (PARAMETERS,)."""
    out = np.zeros(PARAMETERS)
    step = 1.0 / rate
    for part, name in enumerate(PARTS):

        def value(field: str, name: str = name) -> float:
            return float(getattr(profile, f"{name}_{field}"))

        deviation = value("bias_deviation")
        bank = flicker_bank(value("bias_instability"), *getattr(profile, f"{name}_flicker_time"))
        processes = [
            (0.0, white_noise_sample(step, value("noise_density")), 0.0),
            (1.0, random_walk_step(step, value("random_walk")), 0.0),
            (*gauss_markov_step(step, value("bias_time"), deviation), deviation),
            *((*gauss_markov_step(step, *process), process.sigma) for process in bank),
        ]
        for number, (keep, add, start) in enumerate(processes):
            first = CHANNELS * number + 3 * part
            out[KEEP + first : KEEP + first + 3] = keep
            out[ADD + first : ADD + first + 3] = add
            out[START + first : START + first + 3] = start
        resolution, limit = value("resolution"), value("range")
        if resolution > 0.0:  # the last count within the range
            limit = math.floor(limit / resolution * (1.0 + 1e-12)) * resolution
        numbers = (
            *filter_step(step, value("bandwidth")), resolution, limit, value("turn_on_bias"), value("scale_error"),
            value("misalignment"), profile.gyroscope_g_sensitivity if part == 0 else 0.0,
        )  # fmt: skip
        out[PART + part * PART_NUMBERS : PART + (part + 1) * PART_NUMBERS] = numbers
    return out
