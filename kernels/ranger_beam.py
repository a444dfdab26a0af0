"""Beams of rangers: directions that fill a cone evenly, and how much each counts.

Sub-rays stand on a spiral whose turns keep the golden angle, each for the same solid angle. A round piston of radius a
sends and hears at an angle th off its axis with the amplitude 2 J1(x) / x, x = (2 pi f / c) a sin(th); what is sent and
heard again has the fourth power of it. A light ranger's view is even within its cone.

Sources: Kinsler et al., "Fundamentals of acoustics", 4th edition 2000, section 7.4 (piston); Swinbank, Purser,
"Fibonacci grids", Quarterly Journal of the Royal Meteorological Society 132, 2006 (spiral).
"""

from __future__ import annotations

import functools
import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .optical_ranger_profile import OpticalRangerProfile
from .ultrasonic_profile import SPEED_AT_20, UltrasonicProfile

RangerProfile = UltrasonicProfile | OpticalRangerProfile
"""The profile of a ranger of any kind."""

_GOLDEN_ANGLE: Final = math.pi * (3.0 - math.sqrt(5.0))


class RangerBeam(NamedTuple):
    """The sub-rays of a ranger, S of them."""

    direction: NDArray[np.float64]
    """Unit vectors in the sensor's frame: x forward, y left, z up; shape (S, 3), read-only."""
    angle: NDArray[np.float64]
    """Angle off the axis [rad], shape (S,), read-only."""
    weight: NDArray[np.float64]
    """Share of what is sent and received, for equal surfaces, shape (S,), read-only; their sum is 1."""


@functools.lru_cache(maxsize=64)
def ranger_directions(profile: RangerProfile) -> RangerBeam:
    """Return the directions in which a ranger's sub-rays are to be cast.

    Args:
        profile: A ranger's profile.

    Returns:
        Directions, angles off the axis and weights of its `ray_count` sub-rays.

    Example:
        >>> from simloom.kernels import load_profile
        >>> ranger_directions(load_profile("hc_sr04")).direction.shape
        (128, 3)
    """
    count = profile.ray_count
    direction = np.empty((count, 3))
    angle, weight = np.empty(count), np.empty(count)
    top = 1.0 - math.cos(profile.half_angle)
    for k in range(count):
        x = 1.0 - top * (k + 0.5) / count
        across, turn = math.sqrt(1.0 - x * x), k * _GOLDEN_ANGLE
        direction[k] = x, across * math.cos(turn), across * math.sin(turn)
        angle[k] = math.acos(x)
        weight[k] = 1.0
        if isinstance(profile, UltrasonicProfile):
            weight[k] = piston_amplitude(profile.frequency, profile.aperture_radius, float(angle[k])) ** 4
    weight /= math.fsum(weight)
    for part in (direction, angle, weight):
        part.flags.writeable = False
    return RangerBeam(direction=direction, angle=angle, weight=weight)


def piston_amplitude(frequency: float, radius: float, angle: float) -> float:
    """Return the amplitude that a round piston sends off its axis, over that on it.

    Args:
        frequency: Of the sound [Hz].
        radius: Of the piston [m].
        angle: Off the axis [rad].

    Source: Kinsler et al., section 7.4; the series of the Bessel function.
    """
    square = (math.pi * frequency / SPEED_AT_20 * radius * math.sin(angle)) ** 2  # (x / 2)^2
    # 2 J1(x) / x is the sum of (-(x/2)^2)^k / (k! (k + 1)!).
    terms, term = [], 1.0
    for k in range(1, 120):
        terms.append(term)
        term *= -square / (k * (k + 1))
    return math.fsum(terms)
